/*
 * Public values: a multiple of the base point, on the Edwards curve that X25519's is birationally
 * equivalent to (RFC 7748 §4.1, RFC 8032 §5.1), as a sum of 64 points from a table, eight of them
 * in the lanes of a vector at a time. The scalar is written with digits of -8 to 8 to base 16; the
 * table has 1 to 8 times 16^i times the base point for each place i. It is made at the first use.
 */
#include "crypto/x25519.h"

#include "base/bytes.h"
#include "crypto/field25519.h"

#include <immintrin.h>
#include <threads.h>

enum { LANES = 8, STEPS = 8, MULTIPLES = 8, PLACES = STEPS * LANES };

/* A point (x, y) with z = 1 as additions want it. */
enum niels { SUM, DIFFERENCE, PRODUCT, NIELS }; /* y + x, y - x, 2 d x y */

/* Extended coordinates (RFC 8032 §5.1.4): x = X / Z, y = Y / Z, x y = T / Z. */
struct point {
    struct field x, y, z, t;
};

/* Eight numbers: one is a column. Limbs that are multiplied have to be below 2^52. */
struct eight {
    __m512i limb[FIELD_LIMBS];
};

struct points {
    struct eight x, y, z, t;
};

static _Alignas(64) uint64_t table[STEPS][MULTIPLES][NIELS][FIELD_LIMBS][LANES];
static struct field twice_d; /* d: of the curve's equation, -121665 / 121666 */

/* ---- the table, one point at a time ---- */

/* The base point's y is 4/5; this is its x, little-endian. */
static const uint8_t base_x[FIELD_BYTES] = {
    0x1a, 0xd5, 0x25, 0x8f, 0x60, 0x2d, 0x56, 0xc9, 0xb2, 0xa7, 0x25, 0x95, 0x60, 0xc7, 0x2c, 0x69,
    0x5c, 0xdc, 0xd6, 0xfd, 0x31, 0xe2, 0xa4, 0xc0, 0xfe, 0x53, 0x6e, 0xcd, 0xd3, 0x36, 0x69, 0x21};

static struct field quotient(struct field a, struct field b)
{
    struct field inverse = field_invert(&b);

    return field_mul(&a, &inverse);
}

static struct point base_point(void)
{
    struct point b = {.x = field_unpack(base_x),
                      .y = quotient(field_small(4), field_small(5)),
                      .z = field_small(1)};

    b.t = field_mul(&b.x, &b.y);
    return b;
}

/* RFC 8032 §5.1.4; also right for equal points. */
static struct point point_sum(const struct point *p, const struct point *q)
{
    struct field py = field_sub(&p->y, &p->x), qy = field_sub(&q->y, &q->x);
    struct field a = field_mul(&py, &qy), b, c, d, e, f, g, h;

    py = field_add(&p->y, &p->x);
    qy = field_add(&q->y, &q->x);
    b = field_mul(&py, &qy);
    c = field_mul(&p->t, &q->t);
    c = field_mul(&c, &twice_d);
    d = field_mul(&p->z, &q->z);
    d = field_add(&d, &d);
    e = field_sub(&b, &a);
    f = field_sub(&d, &c);
    g = field_add(&d, &c);
    h = field_add(&b, &a);
    return (struct point){.x = field_mul(&e, &f),
                          .y = field_mul(&g, &h),
                          .z = field_mul(&f, &g),
                          .t = field_mul(&e, &h)};
}

static void table_put(unsigned place, unsigned multiple, const struct point *p)
{
    struct field inverse = field_invert(&p->z), x = field_mul(&p->x, &inverse),
                 y = field_mul(&p->y, &inverse), xy = field_mul(&x, &y);
    struct field entry[NIELS] = {[SUM] = field_add(&y, &x),
                                 [DIFFERENCE] = field_sub(&y, &x),
                                 [PRODUCT] = field_mul(&xy, &twice_d)};

    for (int n = 0; n < NIELS; n++) {
        uint8_t bytes[FIELD_BYTES];

        field_pack(bytes, &entry[n]); /* limbs below 2^51 */
        entry[n] = field_unpack(bytes);
        for (int i = 0; i < FIELD_LIMBS; i++)
            table[place / LANES][multiple - 1][n][i][place % LANES] = entry[n].limb[i];
    }
}

static void table_make(void)
{
    struct field zero = field_small(0), d = field_small(121665);
    struct point at;

    d = quotient(field_sub(&zero, &d), field_small(121666));
    twice_d = field_add(&d, &d);
    at = base_point();
    for (unsigned place = 0; place < PLACES; place++) {
        struct point multiple = at;

        for (unsigned m = 1; m <= MULTIPLES; m++) {
            table_put(place, m, &multiple);
            if (m < MULTIPLES)
                multiple = point_sum(&multiple, &at);
        }
        at = point_sum(&multiple, &multiple); /* 16 times as much */
    }
}

/* ---- eight numbers at a time ---- */

static inline __m512i word(uint64_t v)
{
    return _mm512_set1_epi64((long long)v);
}

static inline __m512i nineteen(__m512i v)
{
    return _mm512_add_epi64(_mm512_add_epi64(v, _mm512_slli_epi64(v, 1)), _mm512_slli_epi64(v, 4));
}

/* Limbs below 2^63 become ones below 2^51 + 2^17. */
static inline struct eight carried(struct eight f)
{
    __m512i c[FIELD_LIMBS];
    struct eight out;

    for (int i = 0; i < FIELD_LIMBS; i++)
        c[i] = _mm512_srli_epi64(f.limb[i], FIELD_BITS);
    for (int i = 0; i < FIELD_LIMBS; i++)
        out.limb[i] = _mm512_add_epi64(_mm512_and_si512(f.limb[i], word(FIELD_MASK)),
                                       i > 0 ? c[i - 1] : nineteen(c[FIELD_LIMBS - 1]));
    return out;
}

static inline struct eight product(struct eight a, struct eight b)
{
    __m512i low[10], high[10], column[10];
    struct eight out;

    for (int i = 0; i < 10; i++)
        low[i] = high[i] = _mm512_setzero_si512();
    for (int i = 0; i < FIELD_LIMBS; i++)
        for (int j = 0; j < FIELD_LIMBS; j++) {
            low[i + j] = _mm512_madd52lo_epu64(low[i + j], a.limb[i], b.limb[j]);
            high[i + j] = _mm512_madd52hi_epu64(high[i + j], a.limb[i], b.limb[j]);
        }
    /* The high halves begin at bit 52: they are worth two of the next column. */
    column[0] = low[0];
    for (int i = 1; i < 10; i++)
        column[i] = _mm512_add_epi64(low[i], _mm512_slli_epi64(high[i - 1], 1));
    for (int i = 0; i < FIELD_LIMBS; i++)
        out.limb[i] = _mm512_add_epi64(column[i], nineteen(column[i + FIELD_LIMBS]));
    return carried(out);
}

static inline struct eight sum(struct eight a, struct eight b)
{
    for (int i = 0; i < FIELD_LIMBS; i++)
        a.limb[i] = _mm512_add_epi64(a.limb[i], b.limb[i]);
    return carried(a);
}

/* 2p - f, limb by limb: below 2^52 if f is below 2^51. */
static inline struct eight negative(struct eight f)
{
    for (int i = 0; i < FIELD_LIMBS; i++)
        f.limb[i] = _mm512_sub_epi64(word(2 * (i ? FIELD_MASK : FIELD_MASK - 18)), f.limb[i]);
    return f;
}

static inline struct eight difference(struct eight a, struct eight b)
{
    return sum(a, negative(b));
}

static struct eight everywhere(const struct field *f)
{
    struct eight out;

    for (int i = 0; i < FIELD_LIMBS; i++)
        out.limb[i] = word(f->limb[i]);
    return out;
}

/* ---- eight points at a time ---- */

/* From the products of an addition (RFC 8032 §5.1.4), c and d among them, to its result. */
static inline struct points joined(struct eight a, struct eight b, struct eight c, struct eight d)
{
    struct eight e = difference(b, a), f = difference(d, c), g = sum(d, c), h = sum(b, a);

    return (struct points){
        .x = product(e, f), .y = product(g, h), .z = product(f, g), .t = product(e, h)};
}

/* The entries of a step for a digit in each lane; all are read, whichever are wanted. */
static inline void pick(unsigned step, __m512i digits, struct eight out[NIELS])
{
    __m512i size = _mm512_abs_epi64(digits);
    __mmask8 minus = _mm512_cmplt_epi64_mask(digits, _mm512_setzero_si512());
    struct eight back;

    for (int n = 0; n < NIELS; n++) /* of digit 0, the neutral point: (1, 1, 0) */
        for (int i = 0; i < FIELD_LIMBS; i++)
            out[n].limb[i] = word(i == 0 && n != PRODUCT);
    for (unsigned m = 0; m < MULTIPLES; m++) {
        __mmask8 wanted = _mm512_cmpeq_epi64_mask(size, word(m + 1));

        for (int n = 0; n < NIELS; n++)
            for (int i = 0; i < FIELD_LIMBS; i++)
                out[n].limb[i] = _mm512_mask_mov_epi64(out[n].limb[i], wanted,
                                                       _mm512_load_si512(table[step][m][n][i]));
    }
    back = negative(out[PRODUCT]);
    for (int i = 0; i < FIELD_LIMBS; i++) {
        __m512i up = out[SUM].limb[i], down = out[DIFFERENCE].limb[i];

        out[SUM].limb[i] = _mm512_mask_mov_epi64(up, minus, down);
        out[DIFFERENCE].limb[i] = _mm512_mask_mov_epi64(down, minus, up);
        out[PRODUCT].limb[i] = _mm512_mask_mov_epi64(out[PRODUCT].limb[i], minus, back.limb[i]);
    }
}

static inline struct points plus_entry(struct points p, const struct eight entry[NIELS])
{
    struct eight a = product(difference(p.y, p.x), entry[DIFFERENCE]);
    struct eight b = product(sum(p.y, p.x), entry[SUM]);

    return joined(a, b, product(p.t, entry[PRODUCT]), sum(p.z, p.z));
}

static inline struct points plus(struct points p, struct points q, struct eight two_d)
{
    struct eight a = product(difference(p.y, p.x), difference(q.y, q.x));
    struct eight b = product(sum(p.y, p.x), sum(q.y, q.x));
    struct eight c = product(product(p.t, two_d), q.t), d = product(p.z, q.z);

    return joined(a, b, c, sum(d, d));
}

/* The lanes `by` further on come to the front. */
static inline struct eight moved(struct eight f, int by)
{
    __m512i order = _mm512_and_si512(
        _mm512_add_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0), word((uint64_t)by)), word(7));

    for (int i = 0; i < FIELD_LIMBS; i++)
        f.limb[i] = _mm512_permutexvar_epi64(order, f.limb[i]);
    return f;
}

static struct field first_lane(struct eight f)
{
    struct field out;

    for (int i = 0; i < FIELD_LIMBS; i++)
        out.limb[i] = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(f.limb[i]));
    return out;
}

/* Digits of -8 to 8 to base 16, the lowest first. */
static void digits_of(const uint8_t scalar[X25519_LEN], int64_t digits[PLACES])
{
    int64_t over = 0;
    uint8_t k[X25519_LEN];

    memcpy(k, scalar, sizeof k);
    k[0] &= 248;
    k[31] = (uint8_t)((k[31] & 127) | 64);
    for (int i = 0; i < PLACES; i++) {
        digits[i] = (k[i / 2] >> (i % 2 ? 4 : 0) & 15) + over;
        over = i + 1 < PLACES ? (digits[i] + 8) >> 4 : 0;
        digits[i] -= over * 16;
    }
    wipe(k, sizeof k);
}

void x25519_base(const uint8_t scalar[X25519_LEN], uint8_t out[X25519_LEN])
{
    static once_flag made = ONCE_FLAG_INIT;
    struct field one = field_small(1), zero = field_small(0), z, y, over, under;
    struct eight entry[NIELS], two_d;
    struct points p;
    _Alignas(64) int64_t digits[PLACES];

    call_once(&made, table_make);
    digits_of(scalar, digits);
    p = (struct points){.x = everywhere(&zero),
                        .y = everywhere(&one),
                        .z = everywhere(&one),
                        .t = everywhere(&zero)};
    for (unsigned step = 0; step < STEPS; step++) {
        pick(step, _mm512_load_si512(&digits[step * LANES]), entry);
        p = plus_entry(p, entry);
    }
    two_d = everywhere(&twice_d);
    for (int apart = LANES / 2; apart > 0; apart /= 2) {
        struct points q = {.x = moved(p.x, apart),
                           .y = moved(p.y, apart),
                           .z = moved(p.z, apart),
                           .t = moved(p.t, apart)};

        p = plus(p, q, two_d);
    }
    z = first_lane(p.z); /* u = (1 + y) / (1 - y) (RFC 7748 §4.1) */
    y = first_lane(p.y);
    over = field_add(&z, &y);
    under = field_sub(&z, &y);
    under = field_invert(&under);
    over = field_mul(&over, &under);
    field_pack(out, &over);
    wipe(digits, sizeof digits);
    wipe(entry, sizeof entry);
    wipe(&p, sizeof p);
}
