/* random.c - counter-based random numbers, uniform and normal.
 *
 * Philox4x32-10: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
 * doi:10.1145/2063384.2063405. Single words come from Random123 itself; the bulk functions run
 * the same ten rounds over many counters at once, in vectors.
 *
 * Number n of a sequence is half (n mod 2) of the block at the counter
 * (n/2 low, n/2 high, sequence low, sequence high). Normals: G. E. P. Box & M. E. Muller 1958,
 * doi:10.1214/aoms/1177706645. Only additions, multiplications, divisions, square roots and
 * integer arithmetic are used, all exactly rounded and never contracted, so that every IEEE
 * machine gives the same bits. */
#include "base/elementary.h"
#include "base/internal.h"

#include <Random123/philox.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Counters at a time: the working set stays in the first cache, and 2^n + 1 of them, a row of a
 * half spectrum, are not a single one more than whole pieces. */
#define LANES ((size_t)136)

/* The two kinds of numbers come from different keys, so that the uniforms and the normals of
 * one sequence are independent of each other and of sf_random_words. */
enum { UNIFORM_DOMAIN = 0x756e6966, NORMAL_DOMAIN = 0x6e6f726d };

sf_random sf_random_make(uint64_t seed, uint64_t stream)
{
    /* One Philox block under a fixed key: a bijection of (seed, stream), cut to 64 bits. */
    const sf_random fixed = {{0x73636f72, 0x65666c64}};
    const uint32_t counter[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)stream,
                                 (uint32_t)(stream >> 32)};
    uint32_t words[4];

    sf_random_words(fixed, counter, words);
    return (sf_random){{words[0], words[1]}};
}

void sf_random_words(sf_random random, const uint32_t counter[4], uint32_t words[4])
{
    const philox4x32_ctr_t block = {{counter[0], counter[1], counter[2], counter[3]}};
    const philox4x32_key_t key = {{random.key[0], random.key[1]}};
    const philox4x32_ctr_t result = philox4x32(block, key);

    memcpy(words, result.v, sizeof result.v);
}

/* (j + 1/2) / 2^52 for the word's upper 52 bits j, exactly: 2^-53 ... 1 - 2^-53. */
SF_ALWAYS_INLINE double unit_interval(uint64_t word)
{
    return (sf_from_bits((word >> 12) | 0x3ff0000000000000) - 1.0) + 0x1p-53;
}

/* cos and sin of 2 pi u for 0 <= u < 1: u = q/4 + r with |r| <= 1/8, exactly. */
SF_ALWAYS_INLINE void circle_point(double u, double *cosine, double *sine)
{
    const double magic = 0x1.8p52; /* adding it rounds to an integer, in the lowest bits */
    const double rounded = 4.0 * u + magic;
    const double r = (u - 0.25 * (rounded - magic)) * 6.28318530717958647693;

    sf_quarter_turns(sf_to_bits(rounded), r, cosine, sine);
}

/* The two 64-bit words of each of the blocks first ... first + count - 1, and of some more up to a
 * whole vector. One source for every instruction set: compilers do not find the one instruction
 * that multiplies the low halves of 64-bit lanes, without which this takes three times as long. */
#define DEFINE_PHILOX(name, attributes, vector, multiply)                                          \
    attributes static void name(sf_random random, uint64_t sequence, uint64_t first, size_t count, \
                                uint64_t *a, uint64_t *b)                                          \
    {                                                                                              \
        const size_t width = sizeof(vector) / sizeof(uint64_t);                                    \
        const uint64_t low = 0xffffffff;                                                           \
        vector lanes;                                                                              \
                                                                                                   \
        for (size_t i = 0; i < width; i++) lanes[i] = i;                                           \
        for (size_t i = 0; i < count; i += width) {                                                \
            uint64_t key0 = random.key[0], key1 = random.key[1];                                   \
            vector x0 = lanes + (first + i), x1 = x0 >> 32; /* their low halves count */           \
            vector x2 = lanes - lanes + sequence, x3 = x2 >> 32;                                   \
                                                                                                   \
            for (int round = 0; round < 10; round++) {                                             \
                const vector p = multiply(x0, PHILOX_M4x32_0), q = multiply(x2, PHILOX_M4x32_1);   \
                                                                                                   \
                x0 = q >> 32 ^ x1 ^ key0;                                                          \
                x2 = p >> 32 ^ x3 ^ key1;                                                          \
                x1 = q;                                                                            \
                x3 = p;                                                                            \
                key0 = (key0 + PHILOX_W32_0) & low;                                                \
                key1 = (key1 + PHILOX_W32_1) & low;                                                \
            }                                                                                      \
            x0 = (x0 & low) | x1 << 32;                                                            \
            x2 = (x2 & low) | x3 << 32;                                                            \
            memcpy(a + i, &x0, sizeof x0);                                                         \
            memcpy(b + i, &x2, sizeof x2);                                                         \
        }                                                                                          \
    }

typedef uint64_t pair_of_words __attribute__((vector_size(16)));
#define MULTIPLY_LOW(x, constant) (((x)&0xffffffff) * (uint64_t)(constant))
DEFINE_PHILOX(philox_portable, , pair_of_words, MULTIPLY_LOW)

#ifdef __x86_64__
typedef uint64_t four_words __attribute__((vector_size(32)));
typedef uint64_t eight_words __attribute__((vector_size(64)));
#define MULTIPLY_256(x, constant) \
    ((four_words)_mm256_mul_epu32((__m256i)(x), _mm256_set1_epi64x(constant)))
#define MULTIPLY_512(x, constant) \
    ((eight_words)_mm512_mul_epu32((__m512i)(x), _mm512_set1_epi64(constant)))
DEFINE_PHILOX(philox_avx2, __attribute__((target("avx2"))), four_words, MULTIPLY_256)
DEFINE_PHILOX(philox_avx512, __attribute__((target("avx512f"))), eight_words, MULTIPLY_512)
#endif

static void philox_blocks(sf_random random, uint64_t sequence, uint64_t first, size_t count,
                          uint64_t *a, uint64_t *b)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) {
        philox_avx512(random, sequence, first, count, a, b);
        return;
    }
    if (__builtin_cpu_supports("avx2")) {
        philox_avx2(random, sequence, first, count, a, b);
        return;
    }
#endif
    philox_portable(random, sequence, first, count, a, b);
}

SF_VECTOR_CLONES static void uniform_blocks(const uint64_t *restrict a, const uint64_t *restrict b,
                                            size_t count, double *restrict out)
{
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = unit_interval(a[i]);
        out[2 * i + 1] = unit_interval(b[i]);
    }
}

SF_VECTOR_CLONES static void normal_blocks(const uint64_t *restrict a, const uint64_t *restrict b,
                                           size_t count, double *restrict out)
{
    for (size_t i = 0; i < count; i++) {
        const double radius = __builtin_sqrt(-2.0 * sf_vector_log(unit_interval(a[i])));
        double cosine, sine;

        circle_point(unit_interval(b[i]), &cosine, &sine);
        out[2 * i] = radius * cosine;
        out[2 * i + 1] = radius * sine;
    }
}

/* The two numbers of each of `count` blocks from their words. */
typedef void (*block_function)(const uint64_t *restrict a, const uint64_t *restrict b, size_t count,
                               double *restrict out);

/* Numbers first ... first + count - 1: whole blocks, of which the ends may be used by half. */
static void fill(block_function blocks, sf_random random, uint64_t sequence, uint64_t first,
                 size_t count, double *out)
{
    const size_t vector = 8; /* blocks up to a whole one take no longer, and need no single steps */
    double piece[2 * LANES];
    uint64_t a[LANES], b[LANES];

    while (count > 0) {
        const size_t skip = (size_t)(first % 2), room = 2 * LANES - skip;
        const size_t take = count < room ? count : room;
        const size_t needed = ((skip + take + 1) / 2 + vector - 1) / vector * vector;

        philox_blocks(random, sequence, first / 2, needed, a, b);
        blocks(a, b, needed, piece);
        memcpy(out, piece + skip, take * sizeof *out);
        out += take;
        first += take;
        count -= take;
    }
}

void sf_random_uniform(sf_random random, uint64_t sequence, uint64_t first, size_t count,
                       double *out)
{
    random.key[1] ^= UNIFORM_DOMAIN;
    fill(uniform_blocks, random, sequence, first, count, out);
}

void sf_random_normal(sf_random random, uint64_t sequence, uint64_t first, size_t count,
                      double *out)
{
    random.key[1] ^= NORMAL_DOMAIN;
    fill(normal_blocks, random, sequence, first, count, out);
}
