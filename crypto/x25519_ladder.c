/*
 * The Montgomery ladder (RFC 7748 §5) in four lanes: the four products of each half of a step are
 * made at the same time. A number is a column of the five vectors, 51 bits each; limbs that are
 * multiplied have to be below 2^52, of which the multiplier reads no more.
 */
#include "crypto/x25519.h"

#include "base/bytes.h"
#include "crypto/field25519.h"

#include <immintrin.h>

struct four {
    __m256i limb[FIELD_LIMBS];
};

enum { A24 = 121665 }; /* (486662 - 2) / 4 */

#define LANES(a, b, c, d) _MM_SHUFFLE(d, c, b, a)

static inline __m256i word(uint64_t v)
{
    return _mm256_set1_epi64x((long long)v);
}

/* Limbs below 2^63 become ones below 2^51 + 2^17. */
static inline struct four carried(struct four f)
{
    const __m256i mask = word(FIELD_MASK);
    __m256i c[FIELD_LIMBS], top;
    struct four out;

    for (int i = 0; i < FIELD_LIMBS; i++)
        c[i] = _mm256_srli_epi64(f.limb[i], FIELD_BITS);
    top = c[FIELD_LIMBS - 1];
    top = _mm256_add_epi64(_mm256_add_epi64(top, _mm256_slli_epi64(top, 1)),
                           _mm256_slli_epi64(top, 4)); /* 19 of them */
    for (int i = 0; i < FIELD_LIMBS; i++)
        out.limb[i] = _mm256_add_epi64(_mm256_and_si256(f.limb[i], mask), i > 0 ? c[i - 1] : top);
    return out;
}

/* What the columns of a product come to: those from 2^255 on count 19-fold at the bottom, and the
 * high halves, which begin at bit 52, are worth two of the next column. */
static inline struct four folded(const __m256i low[10], const __m256i high[10])
{
    struct four out;
    __m256i column[10];

    column[0] = low[0];
    for (int i = 1; i < 10; i++)
        column[i] = _mm256_add_epi64(low[i], _mm256_slli_epi64(high[i - 1], 1));
    for (int i = 0; i < FIELD_LIMBS; i++) {
        __m256i above = column[i + FIELD_LIMBS];

        above = _mm256_add_epi64(_mm256_add_epi64(above, _mm256_slli_epi64(above, 1)),
                                 _mm256_slli_epi64(above, 4));
        out.limb[i] = _mm256_add_epi64(column[i], above);
    }
    return carried(out);
}

static inline struct four product(const struct four *a, const struct four *b)
{
    __m256i low[10], high[10];

    for (int i = 0; i < 10; i++)
        low[i] = high[i] = _mm256_setzero_si256();
    for (int i = 0; i < FIELD_LIMBS; i++)
        for (int j = 0; j < FIELD_LIMBS; j++) {
            low[i + j] = _mm256_madd52lo_epu64(low[i + j], a->limb[i], b->limb[j]);
            high[i + j] = _mm256_madd52hi_epu64(high[i + j], a->limb[i], b->limb[j]);
        }
    return folded(low, high);
}

#define permuted(f, order)                                                                         \
    ((struct four){{_mm256_permute4x64_epi64((f).limb[0], order),                                  \
                    _mm256_permute4x64_epi64((f).limb[1], order),                                  \
                    _mm256_permute4x64_epi64((f).limb[2], order),                                  \
                    _mm256_permute4x64_epi64((f).limb[3], order),                                  \
                    _mm256_permute4x64_epi64((f).limb[4], order)}})

/* a + b, in the lanes of `less` a - b. */
static inline struct four sum(const struct four *a, const struct four *b, __mmask8 less)
{
    struct four out;

    for (int i = 0; i < FIELD_LIMBS; i++) {
        __m256i spare = word(2 * (i ? FIELD_MASK : FIELD_MASK - 18)); /* 2p in all */
        __m256i minus = _mm256_sub_epi64(_mm256_add_epi64(a->limb[i], spare), b->limb[i]);

        out.limb[i] = _mm256_mask_mov_epi64(_mm256_add_epi64(a->limb[i], b->limb[i]), less, minus);
    }
    return carried(out);
}

/* `rest` with A24 * f added in lane 1, limbs below 2^54. */
static inline struct four with_a24(struct four rest, const struct four *f)
{
    const __m256i a24 = _mm256_set_epi64x(0, 0, A24, 0);
    __m256i high[FIELD_LIMBS], top;

    for (int i = 0; i < FIELD_LIMBS; i++) {
        rest.limb[i] = _mm256_madd52lo_epu64(rest.limb[i], f->limb[i], a24);
        high[i] = _mm256_madd52hi_epu64(_mm256_setzero_si256(), f->limb[i], a24);
    }
    top = high[FIELD_LIMBS - 1];
    for (int i = FIELD_LIMBS - 1; i > 0; i--)
        rest.limb[i] = _mm256_add_epi64(rest.limb[i], _mm256_slli_epi64(high[i - 1], 1));
    top = _mm256_add_epi64(_mm256_slli_epi64(top, 1),
                           _mm256_add_epi64(_mm256_slli_epi64(top, 2), _mm256_slli_epi64(top, 5)));
    rest.limb[0] = _mm256_add_epi64(rest.limb[0], top); /* 38 of them */
    return carried(rest);
}

/* One step for (x2, z2, x3, z3), whose difference is (x1 : 1); `by_x1` is (1, 1, 1, x1). */
static inline struct four step(const struct four *p, const struct four *by_x1)
{
    enum { ODD = 0x0a, SECOND = 0x02, THIRD = 0x04, FOURTH = 0x08 };
    struct four x = permuted(*p, LANES(0, 0, 2, 2)), z = permuted(*p, LANES(1, 1, 3, 3));
    struct four s = sum(&x, &z, ODD); /* A, B, C, D */
    struct four left = permuted(s, LANES(0, 1, 3, 2)), right = permuted(s, LANES(0, 1, 0, 1));
    struct four m = product(&left, &right); /* AA, BB, DA, CB */
    struct four first = permuted(m, LANES(0, 0, 2, 2)), second = permuted(m, LANES(1, 1, 3, 3));
    struct four t, rest;

    t = sum(&first, &second, SECOND | FOURTH); /* -, E, DA + CB, DA - CB */
    for (int i = 0; i < FIELD_LIMBS; i++) {
        rest.limb[i] = _mm256_mask_mov_epi64(second.limb[i], SECOND, first.limb[i]);
        rest.limb[i] = _mm256_mask_mov_epi64(rest.limb[i], THIRD | FOURTH, t.limb[i]);
        left.limb[i] = _mm256_mask_mov_epi64(t.limb[i], 0x01, first.limb[i]);
    }
    right = with_a24(rest, &t); /* BB, AA + a24 E, DA + CB, DA - CB */
    m = product(&left, &right); /* left: AA, E, DA + CB, DA - CB */
    return product(&m, by_x1);
}

static inline void swap(struct four *p, uint64_t wanted)
{
    __mmask8 all = (__mmask8) - (int)wanted;

    for (int i = 0; i < FIELD_LIMBS; i++)
        p->limb[i] = _mm256_mask_permutex_epi64(p->limb[i], all, p->limb[i], LANES(2, 3, 0, 1));
}

static struct field lane(const struct four *p, int which)
{
    struct field f;
    uint64_t lanes[4];

    for (int i = 0; i < FIELD_LIMBS; i++) {
        _mm256_storeu_si256((__m256i *)(void *)lanes, p->limb[i]);
        f.limb[i] = lanes[which];
    }
    return f;
}

void x25519_shared(const uint8_t scalar[X25519_LEN], const uint8_t u[X25519_LEN],
                   uint8_t out[X25519_LEN])
{
    struct field x1 = field_unpack(u), x, z;
    struct four p, by_x1;
    uint8_t k[X25519_LEN];
    uint64_t last = 0;

    memcpy(k, scalar, sizeof k);
    k[0] &= 248;
    k[31] = (uint8_t)((k[31] & 127) | 64);
    for (int i = 0; i < FIELD_LIMBS; i++) { /* (1 : 0) and (x1 : 1) */
        long long one = i == 0;

        p.limb[i] = _mm256_set_epi64x(one, (long long)x1.limb[i], 0, one);
        by_x1.limb[i] = _mm256_set_epi64x((long long)x1.limb[i], one, one, one);
    }
    for (int bit = 254; bit >= 0; bit--) {
        uint64_t now = k[bit / 8] >> (bit % 8) & 1;

        swap(&p, now ^ last);
        last = now;
        p = step(&p, &by_x1);
    }
    swap(&p, last);
    x = lane(&p, 0);
    z = lane(&p, 1);
    z = field_invert(&z);
    x = field_mul(&x, &z);
    field_pack(out, &x);
    wipe(k, sizeof k);
    wipe(&p, sizeof p);
    wipe(&x, sizeof x);
    wipe(&z, sizeof z);
}
