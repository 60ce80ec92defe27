#include "crypto/field25519.h"

__extension__ typedef unsigned __int128 uint128;

/* 4p, limb by limb: added before a subtraction, so that no limb goes below 0. */
static const uint64_t spare[FIELD_LIMBS] = {4 * (FIELD_MASK - 18), 4 * FIELD_MASK, 4 * FIELD_MASK,
                                            4 * FIELD_MASK, 4 * FIELD_MASK};

static uint64_t load_le64(const uint8_t *in)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | in[i];
    return v;
}

static void store_le64(uint8_t *out, uint64_t v)
{
    for (int i = 0; i < 8; i++, v >>= 8)
        out[i] = (uint8_t)v;
}

/* What is above bit 51 goes into the next limb, and from the last one 19-fold into the first:
 * 2^255 = 19 modulo p. */
static void carry(struct field *f)
{
    uint64_t c = 0;

    for (int i = 0; i < FIELD_LIMBS; i++) {
        f->limb[i] += c;
        c = f->limb[i] >> FIELD_BITS;
        f->limb[i] &= FIELD_MASK;
    }
    f->limb[0] += 19 * c;
}

struct field field_unpack(const uint8_t in[FIELD_BYTES])
{
    uint64_t a = load_le64(in), b = load_le64(in + 8), c = load_le64(in + 16),
             d = load_le64(in + 24);

    return (struct field){{a & FIELD_MASK, (a >> 51 | b << 13) & FIELD_MASK,
                           (b >> 38 | c << 26) & FIELD_MASK, (c >> 25 | d << 39) & FIELD_MASK,
                           d >> 12 & FIELD_MASK}};
}

void field_pack(uint8_t out[FIELD_BYTES], const struct field *in)
{
    struct field f = *in;
    uint64_t *l = f.limb, above = 19;

    carry(&f);
    carry(&f); /* below 2^255 now, and so below 2p */
    for (int i = 0; i < FIELD_LIMBS; i++)
        above = (l[i] + above) >> FIELD_BITS; /* of f + 19: 1 if f is p or more */
    l[0] += 19 * above;
    for (int i = 0; i + 1 < FIELD_LIMBS; i++) {
        l[i + 1] += l[i] >> FIELD_BITS;
        l[i] &= FIELD_MASK;
    }
    l[4] &= FIELD_MASK;
    store_le64(out, l[0] | l[1] << 51);
    store_le64(out + 8, l[1] >> 13 | l[2] << 38);
    store_le64(out + 16, l[2] >> 26 | l[3] << 25);
    store_le64(out + 24, l[3] >> 39 | l[4] << 12);
}

struct field field_small(uint32_t v)
{
    return (struct field){{v}};
}

struct field field_add(const struct field *a, const struct field *b)
{
    struct field f;

    for (int i = 0; i < FIELD_LIMBS; i++)
        f.limb[i] = a->limb[i] + b->limb[i];
    carry(&f);
    return f;
}

struct field field_sub(const struct field *a, const struct field *b)
{
    struct field f;

    for (int i = 0; i < FIELD_LIMBS; i++)
        f.limb[i] = a->limb[i] + spare[i] - b->limb[i];
    carry(&f);
    return f;
}

/* Column sums of products, carried once round and a little further. */
static struct field settle(uint128 r[FIELD_LIMBS])
{
    struct field f;
    uint64_t c = 0;

    for (int i = 0; i < FIELD_LIMBS; i++) {
        r[i] += c;
        f.limb[i] = (uint64_t)r[i] & FIELD_MASK;
        c = (uint64_t)(r[i] >> FIELD_BITS);
    }
    f.limb[0] += 19 * c;
    f.limb[1] += f.limb[0] >> FIELD_BITS;
    f.limb[0] &= FIELD_MASK;
    return f;
}

struct field field_mul(const struct field *a, const struct field *b)
{
    uint64_t a0 = a->limb[0], a1 = a->limb[1], a2 = a->limb[2], a3 = a->limb[3], a4 = a->limb[4];
    uint64_t b0 = b->limb[0], b1 = b->limb[1], b2 = b->limb[2], b3 = b->limb[3], b4 = b->limb[4];
    uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    uint128 r[FIELD_LIMBS];

    r[0] = (uint128)a0 * b0 + (uint128)a1 * c4 + (uint128)a2 * c3 + (uint128)a3 * c2 +
           (uint128)a4 * c1;
    r[1] = (uint128)a0 * b1 + (uint128)a1 * b0 + (uint128)a2 * c4 + (uint128)a3 * c3 +
           (uint128)a4 * c2;
    r[2] = (uint128)a0 * b2 + (uint128)a1 * b1 + (uint128)a2 * b0 + (uint128)a3 * c4 +
           (uint128)a4 * c3;
    r[3] = (uint128)a0 * b3 + (uint128)a1 * b2 + (uint128)a2 * b1 + (uint128)a3 * b0 +
           (uint128)a4 * c4;
    r[4] = (uint128)a0 * b4 + (uint128)a1 * b3 + (uint128)a2 * b2 + (uint128)a3 * b1 +
           (uint128)a4 * b0;
    return settle(r);
}

/* a^(2^times); equal products are made once. A chain of these is most of an inversion, so what a
 * round takes over stays in registers, and carries go no further than they must. */
static struct field squared(const struct field *a, int times)
{
    uint64_t l0 = a->limb[0], l1 = a->limb[1], l2 = a->limb[2], l3 = a->limb[3], l4 = a->limb[4];

    for (int i = 0; i < times; i++) {
        uint64_t d0 = 2 * l0, d1 = 2 * l1, c3 = 19 * l3, c4 = 19 * l4, d4 = 2 * c4;
        uint128 r0 = (uint128)l0 * l0 + (uint128)l1 * d4 + (uint128)(2 * l2) * c3;
        uint128 r1 = (uint128)d0 * l1 + (uint128)l2 * d4 + (uint128)l3 * c3;
        uint128 r2 = (uint128)d0 * l2 + (uint128)l1 * l1 + (uint128)l3 * d4;
        uint128 r3 = (uint128)d0 * l3 + (uint128)d1 * l2 + (uint128)l4 * c4;
        uint128 r4 = (uint128)d0 * l4 + (uint128)d1 * l3 + (uint128)l2 * l2;

        r1 += (uint64_t)(r0 >> FIELD_BITS);
        r2 += (uint64_t)(r1 >> FIELD_BITS);
        r3 += (uint64_t)(r2 >> FIELD_BITS);
        r4 += (uint64_t)(r3 >> FIELD_BITS);
        l0 = ((uint64_t)r0 & FIELD_MASK) + 19 * (uint64_t)(r4 >> FIELD_BITS);
        l1 = ((uint64_t)r1 & FIELD_MASK) + (l0 >> FIELD_BITS);
        l0 &= FIELD_MASK;
        l2 = (uint64_t)r2 & FIELD_MASK;
        l3 = (uint64_t)r3 & FIELD_MASK;
        l4 = (uint64_t)r4 & FIELD_MASK;
    }
    return (struct field){{l0, l1, l2, l3, l4}};
}

/* a^(p - 2) (Fermat): p - 2 = 2^255 - 21 is 250 ones and then 01011. */
struct field field_invert(const struct field *a)
{
    struct field a2 = squared(a, 1), t = squared(&a2, 2), a9, a11, ones5, ones10, ones20, ones50,
                 ones100;

    a9 = field_mul(&t, a);
    a11 = field_mul(&a9, &a2);
    t = squared(&a11, 1); /* a^22 */
    ones5 = field_mul(&t, &a9);
    t = squared(&ones5, 5);
    ones10 = field_mul(&t, &ones5);
    t = squared(&ones10, 10);
    ones20 = field_mul(&t, &ones10);
    t = squared(&ones20, 20);
    t = field_mul(&t, &ones20);
    t = squared(&t, 10);
    ones50 = field_mul(&t, &ones10);
    t = squared(&ones50, 50);
    ones100 = field_mul(&t, &ones50);
    t = squared(&ones100, 100);
    t = field_mul(&t, &ones100);
    t = squared(&t, 50);
    t = field_mul(&t, &ones50);
    t = squared(&t, 5);
    return field_mul(&t, &a11);
}
