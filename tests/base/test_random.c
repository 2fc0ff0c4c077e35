/* test_random.c - random numbers: known answers, agreement with Random123 and libm, addressing,
 * and statistics. Statistical checks use a fixed seed and |z| < 4.5, which a correct generator
 * passes with probability 1 - 7e-6 each (two-sided), about forty checks in all.
 *
 * The source is included, so that its polynomials can be held to libm on any argument. */
#include "base/random.c"

#include "check.h"

#include <stdlib.h>

#define Z_LIMIT 4.5

/* D. E. Shaw Research's published vectors for philox4x32-10 (Random123's kat_vectors). */
static void known_answers(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], words[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const sf_random random = {{vectors[i].key[0], vectors[i].key[1]}};
        const uint32_t *c = vectors[i].counter, *w = vectors[i].words;
        uint32_t words[4];
        uint64_t a[8], b[8];

        sf_random_words(random, c, words);
        assert_memory_equal(words, w, sizeof words);
        philox_blocks(random, c[2] | (uint64_t)c[3] << 32, c[0] | (uint64_t)c[1] << 32, 1, a, b);
        assert_int_equal(a[0], w[0] | (uint64_t)w[1] << 32);
        assert_int_equal(b[0], w[2] | (uint64_t)w[3] << 32);
    }
}

typedef void (*philox_function)(sf_random random, uint64_t sequence, uint64_t first, size_t count,
                                uint64_t *a, uint64_t *b);

/* Those that this machine can run. */
static size_t philox_functions(philox_function functions[3])
{
    size_t count = 0;

    functions[count++] = philox_portable;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) functions[count++] = philox_avx2;
    if (__builtin_cpu_supports("avx512f")) functions[count++] = philox_avx512;
#endif
    return count;
}

/* Lane by lane, across a carry from the counter's low word into its high word. */
static void lanes_agree_with_random123(void **state)
{
    const sf_random random = sf_random_make(2024, 7);
    const uint64_t first = 0x2fffffff0, sequence = 0x123456789abcdef;
    uint64_t a[LANES], b[LANES];
    philox_function functions[3];

    (void)state;
    for (size_t f = philox_functions(functions); f-- > 0;) {
        functions[f](random, sequence, first, LANES, a, b);
        for (uint64_t i = 0; i < LANES; i++) {
            const uint32_t counter[4] = {(uint32_t)(first + i), (uint32_t)((first + i) >> 32),
                                         (uint32_t)sequence, (uint32_t)(sequence >> 32)};
            uint32_t w[4];

            sf_random_words(random, counter, w);
            assert_int_equal(a[i], w[0] | (uint64_t)w[1] << 32);
            assert_int_equal(b[i], w[2] | (uint64_t)w[3] << 32);
        }
    }
}

/* The word with index i of an even sweep, or an extreme one. */
static uint64_t sweep(size_t i, size_t count)
{
    static const uint64_t extreme[] = {0,
                                       0xfff,
                                       0x1000,
                                       0x1fff,
                                       UINT64_MAX,
                                       UINT64_MAX - 0xfff,
                                       UINT64_MAX - 0x1000,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       0x3fffffffffffffff,
                                       0x4000000000000000,
                                       0xbfffffffffffffff,
                                       0xc000000000000000,
                                       0x2000000000000000,
                                       0x1fffffffffffffff};
    const size_t extremes = sizeof extreme / sizeof *extreme;

    return i < extremes ? extreme[i] : UINT64_MAX / count * i;
}

static void functions_agree_with_libm(void **state)
{
    enum { COUNT = 200000 };
    const long double turn = 6.283185307179586476925286766559L;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const double u = unit_interval(sweep(i, COUNT));
        double cosine, sine;

        circle_point(u, &cosine, &sine);
        assert_close(cosine, (double)cosl(turn * (u - rint(u))), 8e-16);
        assert_close(sine, (double)sinl(turn * (u - rint(u))), 8e-16);
        assert_close(sf_vector_log(u) / log(u), 1.0, 8e-16);
    }
    for (int e = -1021; e <= 1023; e++) /* every binade, u = 2^e m */
        assert_close(sf_vector_log(ldexp(1.3, e)) / log(ldexp(1.3, e)), 1.0, 8e-16);
}

static void unit_interval_is_exact_and_open(void **state)
{
    (void)state;
    assert_close(unit_interval(0), 0x1p-53, 0.0);
    assert_close(unit_interval(0xfff), 0x1p-53, 0.0);
    assert_close(unit_interval(0x1000), 3 * 0x1p-53, 0.0);
    assert_close(unit_interval((uint64_t)1 << 63), 0.5 + 0x1p-53, 0.0);
    assert_close(unit_interval(UINT64_MAX), 1.0 - 0x1p-53, 0.0);
}

/* Every pair of extreme words gives a finite normal number, at most sqrt(106 ln 2) = 8.57. */
static void extreme_words_give_finite_normals(void **state)
{
    (void)state;
    for (size_t i = 0; i < 64; i++)
        for (size_t j = 0; j < 64; j++) {
            const double radius = sqrt(-2.0 * sf_vector_log(unit_interval(sweep(i, 64))));
            double cosine, sine;

            circle_point(unit_interval(sweep(j, 64)), &cosine, &sine);
            assert_true(isfinite(radius) && radius > 0.0 && radius < 8.572);
            assert_true(fabs(radius * cosine) <= radius * (1.0 + 1e-15));
            assert_true(fabs(radius * sine) <= radius * (1.0 + 1e-15));
        }
}

/* The bulk function against the formulas, number by number, in libm's long double. */
static void normals_are_box_muller(void **state)
{
    const sf_random random = sf_random_make(3, 4);
    sf_random keyed = random;
    double z[1000];

    (void)state;
    keyed.key[1] ^= NORMAL_DOMAIN;
    sf_random_normal(random, 9, 0, 1000, z);
    for (uint32_t i = 0; i < 500; i++) {
        uint32_t w[4];
        long double radius, angle;

        sf_random_words(keyed, (const uint32_t[]){i, 0, 9, 0}, w);
        radius = sqrtl(-2.0L * logl(((w[0] | (uint64_t)w[1] << 32) >> 12) * 0x1p-52L + 0x1p-53L));
        angle = 6.283185307179586476925286766559L *
                (((w[2] | (uint64_t)w[3] << 32) >> 12) * 0x1p-52L + 0x1p-53L);
        assert_close(z[2 * i], (double)(radius * cosl(angle)), 3e-15);
        assert_close(z[2 * i + 1], (double)(radius * sinl(angle)), 3e-15);
    }
}

typedef void (*generator)(sf_random, uint64_t, uint64_t, size_t, double *);
static const generator generators[] = {sf_random_uniform, sf_random_normal};

static void any_piece_has_the_same_bits(void **state)
{
    enum { COUNT = 1500 };
    const sf_random random = sf_random_make(1, 2);
    const uint64_t start = 0xfffffffff0; /* counters that carry into the high word */
    double whole[COUNT], piece[COUNT];

    (void)state;
    for (size_t g = 0; g < 2; g++) {
        generators[g](random, 5, start, COUNT, whole);
        for (size_t i = COUNT; i-- > 0;) {
            generators[g](random, 5, start + i, 1, piece);
            assert_memory_equal(piece, whole + i, sizeof *piece);
        }
        for (size_t first = 0; first < COUNT; first += 37)
            for (size_t count = 0; first + count <= COUNT; count = 3 * count + 1) {
                generators[g](random, 5, start + first, count, piece);
                assert_memory_equal(piece, whole + first, count * sizeof *piece);
            }
    }
}

/* z-score of the mean of x against an expectation and a variance of one term. */
static double z_score(double sum, size_t count, double mean, double variance)
{
    return (sum - mean * (double)count) / sqrt(variance * (double)count);
}

enum { DRAWS = 1000000 };

static double *draw(generator function, uint64_t seed, uint64_t stream, uint64_t sequence)
{
    double *x;

    assert_ok(sf_allocate(&x, DRAWS, sizeof *x));
    function(sf_random_make(seed, stream), sequence, 0, DRAWS, x);
    return x;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov: P(sqrt(n) D > t) ~ 2 exp(-2 t^2), 7e-6 at t = 2.5. Sorts x. */
static void assert_distribution(double *x, bool normal)
{
    double largest = 0.0;

    qsort(x, DRAWS, sizeof *x, by_value);
    for (size_t i = 0; i < DRAWS; i++) {
        const double f = normal ? 0.5 * erfc(-x[i] / sqrt(2.0)) : x[i];

        largest = fmax(largest, fmax(f - (double)i / DRAWS, (double)(i + 1) / DRAWS - f));
    }
    assert_true(largest * sqrt((double)DRAWS) < 2.5);
}

static void moments_and_distribution(void **state)
{
    /* E[x^p] and E[x^2p] for p = 1..4, normal; the uniform's are 1/(p+1) and 1/(2p+1). */
    const double normal[9] = {1, 0, 1, 0, 3, 0, 15, 0, 105};

    (void)state;
    for (size_t g = 0; g < 2; g++) {
        double *x = draw(generators[g], 42, 0, 0), sum[5] = {0};

        for (size_t i = 0; i < DRAWS; i++)
            for (int p = 1; p <= 4; p++) sum[p] += pow(x[i], p);
        for (int p = 1; p <= 4; p++) {
            const double mean = g == 1 ? normal[p] : 1.0 / (p + 1);
            const double square = g == 1 ? normal[2 * p] : 1.0 / (2 * p + 1);

            assert_true(fabs(z_score(sum[p], DRAWS, mean, square - mean * mean)) < Z_LIMIT);
        }
        assert_distribution(x, g == 1);
        sf_free(x);
    }
}

/* Correlation z-score of two sets of normals, the second shifted by `lag`. */
static double correlation(const double *x, const double *y, size_t lag)
{
    double sum = 0.0;

    for (size_t i = 0; i + lag < DRAWS; i++) sum += x[i] * y[i + lag];
    return z_score(sum, DRAWS - lag, 0.0, 1.0);
}

static void numbers_seeds_streams_and_sequences_are_uncorrelated(void **state)
{
    double *x = draw(sf_random_normal, 1, 0, 0);
    double *others[] = {draw(sf_random_normal, 2, 0, 0), draw(sf_random_normal, 1, 1, 0),
                        draw(sf_random_normal, 1, 0, 1), draw(sf_random_normal, 0, 1, 0),
                        draw(sf_random_uniform, 1, 0, 0)};
    double *uniform = others[4];

    (void)state;
    for (size_t i = 0; i < DRAWS; i++) uniform[i] = (uniform[i] - 0.5) * sqrt(12.0);
    for (size_t lag = 1; lag <= 8; lag++) assert_true(fabs(correlation(x, x, lag)) < Z_LIMIT);
    for (size_t o = 0; o < sizeof others / sizeof *others; o++) {
        for (size_t lag = 0; lag < 2; lag++)
            assert_true(fabs(correlation(x, others[o], lag)) < Z_LIMIT);
        sf_free(others[o]);
    }
    for (size_t i = 0; i < DRAWS; i++) x[i] = (x[i] * x[i] - 1.0) / sqrt(2.0);
    assert_true(fabs(correlation(x, x, 1)) < Z_LIMIT); /* cosine and sine of one radius */
    sf_free(x);
}

/* These bits are part of the promise: a change breaks every user's seed. */
static void numbers_do_not_change(void **state)
{
    const sf_random random = sf_random_make(12345, 678);
    double u[2], z[2];

    (void)state;
    sf_random_uniform(random, 9, 10, 2, u);
    sf_random_normal(random, 9, 10, 2, z);
    assert_close(u[0], 0x1.4abfc4ae1630ep-2, 0.0);
    assert_close(u[1], 0x1.05853351d6eb5p-1, 0.0);
    assert_close(z[0], -0x1.7506673466a1bp+0, 0.0);
    assert_close(z[1], -0x1.d230f67d00d03p-3, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(lanes_agree_with_random123),
        cmocka_unit_test(functions_agree_with_libm),
        cmocka_unit_test(unit_interval_is_exact_and_open),
        cmocka_unit_test(extreme_words_give_finite_normals),
        cmocka_unit_test(normals_are_box_muller),
        cmocka_unit_test(any_piece_has_the_same_bits),
        cmocka_unit_test(moments_and_distribution),
        cmocka_unit_test(numbers_seeds_streams_and_sequences_are_uncorrelated),
        cmocka_unit_test(numbers_do_not_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
