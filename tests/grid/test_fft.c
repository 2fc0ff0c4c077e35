/* test_fft.c - transforms held to their laws: impulse, linearity, shift, Parseval, round trip,
 * and the same bits for any number of threads and any alignment. The shapes include two that
 * are cut into slabs, with even and with odd rows. */
#include <scorefield/grid.h>

#include "check.h"

#include <complex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int axes;
    size_t shape[SF_GRID_MAX_AXES];
} shapes[] = {
    {1, {1}},    {1, {16}},         {1, {15}},           {2, {6, 8}},
    {2, {9, 5}}, {2, {7, 1}},       {3, {4, 3, 6}},      {4, {3, 2, 5, 4}},
    {1, {4096}}, {2, {1000, 1030}}, {3, {1, 1029, 975}}, {3, {103, 100, 98}},
};

#define EACH_SHAPE(s) (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)

typedef struct work {
    sf_grid grid;
    sf_fft *fft;
    size_t size, half;
    double *x, *y;
    sf_complex *u, *w;
} work;

static work begin(size_t s)
{
    work t = {.fft = NULL};
    const sf_random random = sf_random_make(11, s);

    assert_ok(sf_grid_make(shapes[s].axes, shapes[s].shape, NULL, &t.grid));
    assert_ok(sf_fft_create(&t.grid, &t.fft));
    t.size = sf_grid_size(&t.grid);
    t.half = sf_grid_half_size(&t.grid);
    assert_ok(sf_allocate(&t.x, t.size + 1, sizeof *t.x));
    assert_ok(sf_allocate(&t.y, t.size + 1, sizeof *t.y));
    assert_ok(sf_allocate(&t.u, t.half + 1, sizeof *t.u));
    assert_ok(sf_allocate(&t.w, t.half + 1, sizeof *t.w));
    sf_random_normal(random, 0, 0, t.size, t.x);
    sf_random_normal(random, 1, 0, t.size, t.y);
    return t;
}

static void end(work *t)
{
    sf_free(t->x);
    sf_free(t->y);
    sf_free(t->u);
    sf_free(t->w);
    sf_fft_release(&t->fft);
    assert_null(t->fft);
}

/* The largest |u - w| in units of the root mean square of w. */
static double distance(const sf_complex *u, const sf_complex *w, size_t count)
{
    double largest = 0.0, sum = 0.0;

    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, cabs(u[i] - w[i]));
        sum += creal(w[i]) * creal(w[i]) + cimag(w[i]) * cimag(w[i]);
    }
    return largest / sqrt(sum / (double)count);
}

/* exp(-2 pi i m.n/N): the phase is reduced in integers, so that it is exact to rounding. */
static sf_complex phase(const sf_grid *grid, const long *m, const size_t *n)
{
    double angle = 0.0;

    for (int a = 0; a < grid->axes; a++) {
        const long length = (long)grid->shape[a];

        angle += (double)(m[a] * (long)n[a] % length) / (double)length;
    }
    return cexp(-2.0 * acos(-1.0) * I * angle);
}

static void impulse_gives_a_plane_wave(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);
            size_t n[SF_GRID_MAX_AXES], place = 0;

            for (int a = 0; a < t.grid.axes; a++) {
                n[a] = (t.grid.shape[a] * 2) / 3;
                if (n[a] >= t.grid.shape[a]) n[a] = 0;
                place = place * t.grid.shape[a] + n[a];
            }
            memset(t.x, 0, t.size * sizeof *t.x);
            t.x[place] = 1.0;
            assert_ok(sf_fft_forward(t.fft, t.x, t.u));
            for (size_t i = 0; i < t.half; i++) {
                long m[SF_GRID_MAX_AXES];

                sf_grid_mode(&t.grid, i, m);
                t.w[i] = phase(&t.grid, m, n);
            }
            assert_true(distance(t.u, t.w, t.half) < 1e-13);
            end(&t);
        }
}

static void transform_is_linear_and_keeps_its_input(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);
            double *sum, *before;
            sf_complex *both;

            assert_ok(sf_allocate(&sum, t.size, sizeof *sum));
            assert_ok(sf_allocate(&before, t.size, sizeof *before));
            assert_ok(sf_allocate(&both, t.half, sizeof *both));
            memcpy(before, t.x, t.size * sizeof *before);
            for (size_t i = 0; i < t.size; i++) sum[i] = 2.5 * t.x[i] - t.y[i];
            assert_ok(sf_fft_forward(t.fft, t.x, t.u));
            assert_memory_equal(before, t.x, t.size * sizeof *before);
            assert_ok(sf_fft_forward(t.fft, t.y, t.w));
            assert_ok(sf_fft_forward(t.fft, sum, both));
            for (size_t i = 0; i < t.half; i++) t.w[i] = 2.5 * t.u[i] - t.w[i];
            assert_true(distance(t.w, both, t.half) < 1e-13);
            sf_free(sum);
            sf_free(before);
            sf_free(both);
            end(&t);
        }
}

/* y_n = x_(n-1) along every axis multiplies X_k by exp(-2 pi i sum m/N). */
static void shift_theorem(void **state)
{
    const size_t one[SF_GRID_MAX_AXES] = {1, 1, 1, 1};

    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);

            for (size_t i = 0; i < t.size; i++) {
                size_t rest = i, to = 0, stride = 1;

                for (int a = t.grid.axes - 1; a >= 0; a--) {
                    const size_t length = t.grid.shape[a];

                    to += (rest % length + 1) % length * stride;
                    stride *= length;
                    rest /= length;
                }
                t.y[to] = t.x[i];
            }
            assert_ok(sf_fft_forward(t.fft, t.x, t.u));
            assert_ok(sf_fft_forward(t.fft, t.y, t.w));
            for (size_t i = 0; i < t.half; i++) {
                long m[SF_GRID_MAX_AXES];

                sf_grid_mode(&t.grid, i, m);
                t.u[i] *= phase(&t.grid, m, one);
            }
            assert_true(distance(t.u, t.w, t.half) < 1e-13);
            end(&t);
        }
}

static void parseval_with_mode_weights(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);
            double field = 0.0, modes = 0.0;

            assert_ok(sf_fft_forward(t.fft, t.x, t.u));
            for (size_t i = 0; i < t.size; i++) field += t.x[i] * t.x[i];
            for (size_t i = 0; i < t.half; i++) {
                const double power = creal(t.u[i]) * creal(t.u[i]) + cimag(t.u[i]) * cimag(t.u[i]);

                modes += sf_grid_mode_weight(&t.grid, i) * power;
                if (sf_grid_mode_is_real(&t.grid, i))
                    assert_true(fabs(cimag(t.u[i])) < 1e-12 * sqrt((double)t.size));
            }
            assert_close(modes / (double)t.size / field, 1.0, 1e-12);
            end(&t);
        }
}

static void round_trip(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);
            double largest = 0.0;

            assert_ok(sf_fft_forward(t.fft, t.x, t.u));
            assert_ok(sf_fft_inverse(t.fft, t.u, t.y));
            for (size_t i = 0; i < t.size; i++) largest = fmax(largest, fabs(t.x[i] - t.y[i]));
            assert_true(largest < 1e-14);
            end(&t);
        }
}

/* filter = the transfer function of a Laplacian-like smoothing, cos(2 pi m_last/n_last): the
 * mean of the two neighbours along the last axis. */
static void filter_is_a_convolution(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);
            const size_t last = t.grid.shape[t.grid.axes - 1];
            double largest = 0.0, *filter;

            assert_ok(sf_allocate(&filter, t.half, sizeof *filter));
            for (size_t i = 0; i < t.half; i++) {
                long m[SF_GRID_MAX_AXES];

                sf_grid_mode(&t.grid, i, m);
                filter[i] = cos(2.0 * acos(-1.0) * (double)m[t.grid.axes - 1] / (double)last);
            }
            memcpy(t.y, t.x, t.size * sizeof *t.y);
            assert_ok(sf_fft_filter(t.fft, filter, t.u, t.y));
            for (size_t i = 0; i < t.size; i++) {
                const size_t row = i / last * last, c = i % last;
                const double mean =
                    0.5 * (t.x[row + (c + 1) % last] + t.x[row + (c + last - 1) % last]);

                largest = fmax(largest, fabs(t.y[i] - mean));
            }
            assert_true(largest < 1e-13);
            sf_free(filter);
            end(&t);
        }
}

/* Forward, inverse and filter for 1, 2 and 7 threads and for arrays off by 8 bytes. */
static void same_bits_for_any_threads_and_alignment(void **state)
{
    const int threads[] = {1, 2, 7};

    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s), v = begin(s);
            double *filter, *moved = v.x + 1;
            sf_complex *odd = (sf_complex *)(void *)((double *)(void *)v.u + 1);

            assert_ok(sf_allocate(&filter, t.half, sizeof *filter));
            sf_random_uniform(sf_random_make(5, 5), 0, 0, t.half, filter);
            assert_ok(sf_thread_count_set(1));
            assert_ok(sf_fft_forward(t.fft, t.x, t.w));
            memcpy(t.y, t.x, t.size * sizeof *t.y);
            assert_ok(sf_fft_filter(t.fft, filter, t.u, t.y));
            for (size_t i = 0; i < 3; i++) {
                assert_ok(sf_thread_count_set(threads[i]));
                memmove(moved, t.x, t.size * sizeof *moved);
                assert_ok(sf_fft_forward(v.fft, moved, odd));
                memcpy(v.w, odd, t.half * sizeof *odd);
                assert_memory_equal(v.w, t.w, t.half * sizeof *odd);
                assert_ok(sf_fft_filter(v.fft, filter, v.w, moved));
                assert_memory_equal(moved, t.y, t.size * sizeof *moved);
                memcpy(v.y, t.x, t.size * sizeof *moved);
                assert_ok(sf_fft_filter(v.fft, filter, odd, v.y));
                assert_memory_equal(v.y, t.y, t.size * sizeof *moved);
            }
            assert_ok(sf_thread_count_set(0));
            sf_free(filter);
            end(&t);
            end(&v);
        }
}

/* A field, packed, to its spectrum and back within one buffer: what the other transforms give. */
static void in_place_is_the_same_transform(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);
            const size_t room = sf_fft_buffer_size(&t.grid);
            double *buffer, largest = 0.0;

            assert_int_equal(room, 2 * t.half);
            assert_ok(sf_allocate(&buffer, room, sizeof *buffer));
            memcpy(buffer, t.x, t.size * sizeof *buffer);
            for (size_t i = t.size; i < room; i++) buffer[i] = NAN; /* padding is not looked at */
            assert_ok(sf_fft_forward(t.fft, t.x, t.w));
            assert_ok(sf_fft_forward_in_place(t.fft, buffer));
            assert_true(distance((sf_complex *)(void *)buffer, t.w, t.half) < 1e-13);
            assert_ok(sf_fft_inverse_in_place(t.fft, buffer));
            for (size_t i = 0; i < t.size; i++) largest = fmax(largest, fabs(buffer[i] - t.x[i]));
            assert_true(largest < 1e-13);
            sf_free(buffer);
            end(&t);
        }
}

static void in_place_in_single_precision(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);
            const size_t room = sf_fft_buffer_size(&t.grid);
            double largest = 0.0;
            float *buffer;

            assert_ok(sf_allocate(&buffer, room, sizeof *buffer));
            for (size_t i = 0; i < t.size; i++) buffer[i] = (float)t.x[i];
            for (size_t i = t.size; i < room; i++) buffer[i] = NAN;
            assert_ok(sf_fft_forward(t.fft, t.x, t.w));
            assert_ok(sf_fft_forward_in_place_single(t.fft, buffer));
            for (size_t i = 0; i < t.half; i++)
                t.u[i] = (double)buffer[2 * i] + I * (double)buffer[2 * i + 1];
            assert_true(distance(t.u, t.w, t.half) < 5e-6);
            assert_ok(sf_fft_inverse_in_place_single(t.fft, buffer));
            for (size_t i = 0; i < t.size; i++)
                largest = fmax(largest, fabs((double)buffer[i] - t.x[i]));
            assert_true(largest < 5e-6);
            sf_free(buffer);
            end(&t);
        }
}

static void in_place_same_bits_for_any_threads(void **state)
{
    const int threads[] = {1, 2, 7};

    (void)state;
    for
        EACH_SHAPE(s)
        {
            work t = begin(s);
            const size_t room = sf_fft_buffer_size(&t.grid);
            double *buffers[2];
            float *singles[2];

            for (int b = 0; b < 2; b++) {
                assert_ok(sf_allocate(&buffers[b], room, sizeof *buffers[b]));
                assert_ok(sf_allocate(&singles[b], room, sizeof *singles[b]));
            }
            for (size_t i = 0; i < 3; i++) {
                const int b = i > 0;

                memcpy(buffers[b], t.x, t.size * sizeof *buffers[b]);
                for (size_t j = 0; j < t.size; j++) singles[b][j] = (float)t.x[j];
                assert_ok(sf_thread_count_set(threads[i]));
                assert_ok(sf_fft_forward_in_place(t.fft, buffers[b]));
                assert_ok(sf_fft_inverse_in_place(t.fft, buffers[b]));
                assert_ok(sf_fft_forward_in_place_single(t.fft, singles[b]));
                assert_ok(sf_fft_inverse_in_place_single(t.fft, singles[b]));
                assert_memory_equal(buffers[b], buffers[0], t.size * sizeof *buffers[b]);
                assert_memory_equal(singles[b], singles[0], t.size * sizeof *singles[b]);
            }
            assert_ok(sf_thread_count_set(0));
            for (int b = 0; b < 2; b++) {
                sf_free(buffers[b]);
                sf_free(singles[b]);
            }
            end(&t);
        }
}

static void in_place_wants_an_aligned_buffer(void **state)
{
    work t = begin(3);

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_fft_forward_in_place(t.fft, t.x + 1));
    assert_non_null(strstr(sf_last_error(), "16 bytes"));
    end(&t);
}

static void *transform_repeatedly(void *pointer)
{
    const work *t = pointer;
    sf_complex *u = NULL;
    bool same = sf_allocate(&u, t->half, sizeof *u) == SF_OK;

    for (int i = 0; same && i < 200; i++) {
        sf_fft *own = NULL;

        same = sf_fft_create(&t->grid, &own) == SF_OK && own == t->fft &&
               sf_fft_forward(own, t->x, u) == SF_OK && memcmp(u, t->w, t->half * sizeof *u) == 0;
        sf_fft_release(&own);
    }
    sf_free(u);
    return same ? pointer : NULL;
}

static void two_threads_use_one_handle(void **state)
{
    work t = begin(6);
    pthread_t threads[2];

    (void)state;
    assert_ok(sf_fft_forward(t.fft, t.x, t.w));
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, transform_repeatedly, &t), 0);
    for (int i = 0; i < 2; i++) {
        void *result;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, &t);
    }
    end(&t);
}

static void plans_are_shared_by_shape(void **state)
{
    sf_grid a, b, c;
    sf_fft *fft[3], *none = NULL;

    (void)state;
    assert_ok(sf_grid_image(12, 10, &a));
    assert_ok(sf_grid_make(2, (const size_t[]){12, 10}, (const double[]){2, 3}, &b));
    assert_ok(sf_grid_image(10, 12, &c));
    assert_ok(sf_fft_create(&a, &fft[0]));
    assert_ok(sf_fft_create(&b, &fft[1]));
    assert_ok(sf_fft_create(&c, &fft[2]));
    assert_ptr_equal(fft[0], fft[1]);
    assert_ptr_not_equal(fft[0], fft[2]);
    assert_ptr_equal(sf_fft_retain(fft[0]), fft[1]);
    sf_fft_release(&fft[1]);
    fft[1] = fft[0];
    sf_fft_release(&fft[1]);
    sf_fft_release(&fft[0]);
    sf_fft_release(&fft[2]);
    sf_fft_release(&none);
    sf_fft_release(NULL);
    assert_null(sf_fft_retain(NULL));
}

static void an_axis_too_long_for_fftw_is_refused(void **state)
{
    sf_grid grid;
    sf_fft *fft;

    (void)state;
    assert_ok(sf_grid_make(1, (const size_t[]){(size_t)1 << 31}, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_fft_create(&grid, &fft));
    assert_null(fft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impulse_gives_a_plane_wave),
        cmocka_unit_test(transform_is_linear_and_keeps_its_input),
        cmocka_unit_test(shift_theorem),
        cmocka_unit_test(parseval_with_mode_weights),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(filter_is_a_convolution),
        cmocka_unit_test(same_bits_for_any_threads_and_alignment),
        cmocka_unit_test(in_place_is_the_same_transform),
        cmocka_unit_test(in_place_in_single_precision),
        cmocka_unit_test(in_place_same_bits_for_any_threads),
        cmocka_unit_test(in_place_wants_an_aligned_buffer),
        cmocka_unit_test(two_threads_use_one_handle),
        cmocka_unit_test(plans_are_shared_by_shape),
        cmocka_unit_test(an_axis_too_long_for_fftw_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
