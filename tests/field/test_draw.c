/* test_draw.c - draws of a Gaussian field: hermitian, real where they must be, the same large
 * scales at every resolution, the same bits on any number of threads, fixed and paired fields, and
 * white noise that is given. */
#include <scorefield/field.h>

#include "check.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int axes;
    size_t shape[SF_GRID_MAX_AXES];
} shapes[] = {
    {1, {1}},       {1, {16}},       {1, {15}},         {1, {3000}},
    {2, {6, 8}},    {2, {9, 5}},     {2, {8, 7}},       {2, {7, 1}},
    {2, {1, 6}},    {2, {40, 2100}}, {3, {4, 3, 6}},    {3, {5, 5, 5}},
    {3, {6, 4, 8}}, {3, {4, 4, 2}},  {4, {3, 2, 5, 4}}, {3, {64, 40, 30}},
};

#define EACH_SHAPE(s) (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)

/* P = (1 + k^2)^-1.5: every mode has power, also k = 0. */
static double smooth(double k, void *user)
{
    (void)user;
    return pow(1.0 + k * k, -1.5);
}

typedef struct work {
    sf_grid grid;
    sf_field *field;
    sf_fft *fft;
    size_t size, half;
    double *lambda;
    sf_complex *modes;
    double *buffer;
} work;

static work begin_with(const sf_grid *grid, double mean)
{
    work t = {.grid = *grid};
    sf_spectrum *spectrum;

    assert_ok(sf_spectrum_callback(smooth, NULL, &spectrum));
    assert_ok(sf_field_create(&t.grid, spectrum, mean, &t.field));
    assert_ok(sf_fft_create(&t.grid, &t.fft));
    t.size = sf_grid_size(&t.grid);
    t.half = sf_grid_half_size(&t.grid);
    assert_ok(sf_allocate(&t.lambda, t.half, sizeof *t.lambda));
    assert_ok(sf_allocate(&t.modes, t.half, sizeof *t.modes));
    assert_ok(sf_allocate(&t.buffer, sf_fft_buffer_size(&t.grid), sizeof *t.buffer));
    assert_ok(sf_spectrum_eigenvalues(spectrum, &t.grid, t.lambda));
    sf_spectrum_release(&spectrum);
    return t;
}

static work begin(size_t s, double mean)
{
    const double spacing[SF_GRID_MAX_AXES] = {0.5, 0.7, 0.6, 0.9};
    sf_grid grid;

    assert_ok(sf_grid_make(shapes[s].axes, shapes[s].shape, spacing, &grid));
    return begin_with(&grid, mean);
}

static void end(work *t)
{
    sf_field_release(&t->field);
    sf_fft_release(&t->fft);
    sf_free(t->lambda);
    sf_free(t->modes);
    sf_free(t->buffer);
}

static sf_field_draw_options seeded(uint64_t seed)
{
    sf_field_draw_options options = sf_field_draw_options_default();

    options.seed = seed;
    return options;
}

/* The entry of the mode m or, where that is stored as its conjugate only, SIZE_MAX. */
static size_t entry_of(const sf_grid *grid, const long *m)
{
    const size_t last = grid->shape[grid->axes - 1];
    size_t index = 0;

    if (m[grid->axes - 1] < 0) return SIZE_MAX;
    for (int a = 0; a < grid->axes; a++) {
        const size_t n = grid->shape[a];

        index = index * (a == grid->axes - 1 ? last / 2 + 1 : n) +
                (size_t)(m[a] < 0 ? m[a] + (long)n : m[a]);
    }
    return index;
}

/* A spectrum of a real field: X_{-k} is the conjugate of X_k, exactly, and self-conjugate modes are
 * real; the field's own transform gives it back. */
static void modes_are_those_of_a_real_field(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s, 3.0);
            const sf_field_draw_options options = seeded(s);
            sf_complex *again;

            assert_ok(sf_allocate(&again, t.half, sizeof *again));
            assert_ok(sf_field_draw_modes(t.field, &options, t.modes));
            for (size_t i = 0; i < t.half; i++) {
                long m[SF_GRID_MAX_AXES];

                if (sf_grid_mode_is_real(&t.grid, i)) assert_true(cimag(t.modes[i]) == 0.0);
                if (sf_grid_mode_weight(&t.grid, i) == 2) continue;
                sf_grid_mode(&t.grid, i, m);
                for (int a = 0; a < t.grid.axes; a++)
                    if (2 * m[a] != (long)t.grid.shape[a]) m[a] = -m[a];
                assert_true(t.modes[entry_of(&t.grid, m)] == conj(t.modes[i]));
            }
            assert_ok(sf_field_draw(t.field, &options, t.buffer));
            assert_ok(sf_fft_forward(t.fft, t.buffer, again));
            for (size_t i = 0; i < t.half; i++)
                assert_true(cabs(again[i] - t.modes[i]) < 1e-10 * (double)t.size);
            sf_free(again);
            end(&t);
        }
}

/* |m_i| < n_i/2 of the coarser grid: X/N is the same at every resolution of one box. */
static void same_seed_same_modes_at_every_resolution(void **state)
{
    static const struct {
        int axes;
        size_t coarse[3], fine[3];
    } pairs[] = {{1, {16}, {32}},
                 {1, {16}, {64}},
                 {1, {15}, {64}},
                 {1, {32}, {45}},
                 {2, {16, 16}, {32, 32}},
                 {2, {32, 32}, {64, 64}},
                 {2, {15, 12}, {64, 33}},
                 {2, {9, 24}, {32, 25}},
                 {3, {16, 16, 16}, {32, 32, 32}},
                 {3, {16, 16, 16}, {64, 64, 64}},
                 {3, {7, 12, 10}, {32, 13, 21}},
                 {3, {32, 32, 32}, {64, 64, 64}}};
    const double length[] = {100.0, 70.0, 130.0};

    (void)state;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        const sf_field_draw_options options = seeded(77);
        size_t compared = 0;
        work t[2];

        for (int i = 0; i < 2; i++) {
            const size_t *shape = i == 0 ? pairs[p].coarse : pairs[p].fine;
            double spacing[3];
            sf_grid grid;

            for (int a = 0; a < pairs[p].axes; a++) spacing[a] = length[a] / (double)shape[a];
            assert_ok(sf_grid_make(pairs[p].axes, shape, spacing, &grid));
            t[i] = begin_with(&grid, 0.5);
            assert_ok(sf_field_draw_modes(t[i].field, &options, t[i].modes));
        }
        for (size_t i = 0; i < t[0].half; i++) {
            long m[SF_GRID_MAX_AXES];
            bool inside = true;
            sf_complex coarse, fine;

            sf_grid_mode(&t[0].grid, i, m);
            for (int a = 0; a < pairs[p].axes; a++)
                inside = inside && 2 * labs(m[a]) < (long)pairs[p].coarse[a];
            if (!inside) continue;
            compared++;
            coarse = t[0].modes[i] / (double)t[0].size;
            fine = t[1].modes[entry_of(&t[1].grid, m)] / (double)t[1].size;
            assert_true(cabs(coarse - fine) < 1e-10 * cabs(coarse));
        }
        assert_true(4 * compared >= t[0].half);
        for (int i = 0; i < 2; i++) end(&t[i]);
    }
}

static void same_bits_for_any_threads(void **state)
{
    const int threads[] = {1, 2, 7};

    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s, 1.0);
            const sf_field_draw_options options = seeded(5);
            double *first;
            float *single[2];

            assert_ok(sf_allocate(&first, t.size, sizeof *first));
            for (int b = 0; b < 2; b++)
                assert_ok(sf_allocate(&single[b], sf_fft_buffer_size(&t.grid), sizeof(float)));
            for (size_t i = 0; i < 3; i++) {
                assert_ok(sf_thread_count_set(threads[i]));
                assert_ok(sf_field_draw(t.field, &options, t.buffer));
                assert_ok(sf_field_draw_single(t.field, &options, single[i > 0]));
                if (i == 0) memcpy(first, t.buffer, t.size * sizeof *first);
                assert_memory_equal(t.buffer, first, t.size * sizeof *first);
                assert_memory_equal(single[i > 0], single[0], t.size * sizeof(float));
            }
            for (size_t i = 0; i < t.size; i++) assert_close((double)single[0][i], first[i], 2e-5);
            assert_ok(sf_thread_count_set(0));
            sf_free(first);
            for (int b = 0; b < 2; b++) sf_free(single[b]);
            end(&t);
        }
}

/* |X_k| = sqrt(N lambda_k) in every mode, and the phases of the field that is not fixed; the
 * inverted one is its negative. Fixed real modes have both signs (a known code has + only). */
static void fixed_and_inverted_fields(void **state)
{
    size_t negative = 0, real = 0;

    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s, 0.0);
            sf_field_draw_options options = seeded(9 + s);
            sf_complex *other;

            assert_ok(sf_allocate(&other, t.half, sizeof *other));
            assert_ok(sf_field_draw_modes(t.field, &options, other));
            options.fixed = true;
            assert_ok(sf_field_draw_modes(t.field, &options, t.modes));
            for (size_t i = 0; i < t.half; i++) {
                const double length = sqrt((double)t.size * t.lambda[i]);

                assert_close(cabs(t.modes[i]), length, 1e-12 * length);
                assert_true(cabs(t.modes[i] / length - other[i] / cabs(other[i])) < 1e-12);
                if (!sf_grid_mode_is_real(&t.grid, i)) continue;
                real++;
                negative += creal(t.modes[i]) < 0.0;
            }
            options.inverted = true;
            assert_ok(sf_field_draw_modes(t.field, &options, other));
            for (size_t i = 0; i < t.half; i++) assert_true(other[i] == -t.modes[i]);
            sf_free(other);
            end(&t);
        }
    assert_true(negative > real / 5 && negative < real - real / 5);
}

/* X = sqrt(lambda) F white; streams and seeds differ; the mean is what is added to every cell. */
static void white_noise_that_is_given(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s, 0.25);
            sf_field_draw_options options = seeded(0);
            sf_complex *expected;
            double *white;

            assert_ok(sf_allocate(&white, t.size, sizeof *white));
            assert_ok(sf_allocate(&expected, t.half, sizeof *expected));
            sf_random_normal(sf_random_make(1, 2), 3, 0, t.size, white);
            assert_ok(sf_fft_forward(t.fft, white, expected));
            options.white = white;
            assert_ok(sf_field_draw_modes(t.field, &options, t.modes));
            for (size_t i = 0; i < t.half; i++) {
                expected[i] *= sqrt(t.lambda[i]);
                if (i == 0) expected[i] += 0.25 * (double)t.size;
                assert_true(cabs(t.modes[i] - expected[i]) < 1e-12 * (double)t.size);
            }
            options.fixed = true;
            assert_ok(sf_field_draw_modes(t.field, &options, t.modes));
            for (size_t i = 1; i < t.half; i++)
                assert_close(cabs(t.modes[i]), sqrt((double)t.size * t.lambda[i]),
                             1e-12 * sqrt((double)t.size));
            white[t.size / 2] = NAN;
            assert_status(SF_ERR_NUMERIC, sf_field_draw(t.field, &options, t.buffer));
            sf_free(white);
            sf_free(expected);
            end(&t);
        }
}

static void streams_and_seeds_differ(void **state)
{
    work t = begin(4, 0.0), u = begin(4, 0.0);
    sf_field_draw_options options = seeded(1);

    (void)state;
    assert_ok(sf_field_draw(t.field, &options, t.buffer));
    options.stream = 1;
    assert_ok(sf_field_draw(u.field, &options, u.buffer));
    assert_memory_not_equal(t.buffer, u.buffer, t.size * sizeof *t.buffer);
    options = seeded(2);
    assert_ok(sf_field_draw(u.field, &options, u.buffer));
    assert_memory_not_equal(t.buffer, u.buffer, t.size * sizeof *t.buffer);
    end(&t);
    end(&u);
}

static int by_real_part(const void *a, const void *b)
{
    const double x = creal(*(const sf_complex *)a), y = creal(*(const sf_complex *)b);

    return (x > y) - (x < y);
}

/* No two modes have the same numbers, whatever the axes' lengths (a known code repeats thousands
 * on meshes that are not cubic). */
static void no_mode_is_a_copy_of_another(void **state)
{
    const size_t shape[][3] = {{16, 24, 16}, {24, 16, 16}, {16, 16, 24},
                               {900, 3, 8},  {3, 900, 8},  {6, 5, 900}};

    (void)state;
    for (size_t s = 0; s < 6; s++) {
        sf_grid grid;
        work t;
        const sf_field_draw_options options = seeded(4);

        assert_ok(sf_grid_make(3, shape[s], NULL, &grid));
        t = begin_with(&grid, 0.0);
        assert_ok(sf_field_draw_modes(t.field, &options, t.modes));
        for (size_t i = 0; i < t.half; i++) t.modes[i] /= sqrt(t.lambda[i]);
        qsort(t.modes, t.half, sizeof *t.modes, by_real_part);
        for (size_t i = 0; i < t.half; i++)
            for (size_t j = i + 1; j < t.half && creal(t.modes[j] - t.modes[i]) < 1e-9; j++)
                if (fabs(cimag(t.modes[j] - t.modes[i])) < 1e-9)
                    fail_msg("on grid %zu two modes are the same, %g + %gi", s, creal(t.modes[i]),
                             cimag(t.modes[i]));
        end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_are_those_of_a_real_field),
        cmocka_unit_test(same_seed_same_modes_at_every_resolution),
        cmocka_unit_test(same_bits_for_any_threads),
        cmocka_unit_test(fixed_and_inverted_fields),
        cmocka_unit_test(white_noise_that_is_given),
        cmocka_unit_test(streams_and_seeds_differ),
        cmocka_unit_test(no_mode_is_a_copy_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
