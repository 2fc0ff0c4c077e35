/* Training: the loss's gradient, the exact optimum of a linear denoiser, and runs that are the same
 * bits on any number of threads, with and without a stop. */
#include "base/internal.h"
#include "check.h"
#include "network/checkpoint.h"
#include "network/graph.h"
#include "network/loss.h"

#include <scorefield/grid.h>

#include <complex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- gradients ---------------------------------------------------------------------------- */

typedef struct problem {
    const sf_graph *graph;
    sf_shape shape;
    double input[2 * 64], target[64];
    sf_sample_loss sample;
} problem;

static double loss_of(const problem *p, const double *parameters, double *slope)
{
    double *output, gradient[64], loss;
    sf_shape shape;

    assert_ok(
        sf_reference_forward(p->graph, &p->shape, p->input, NULL, parameters, &output, &shape));
    (void)sf_sample_loss_value(&p->sample, output, p->target, 1.0, gradient, &loss);
    if (slope != NULL) memcpy(slope, gradient, sizeof gradient);
    sf_free(output);
    return loss;
}

/* Images whose weight is known: a flat one, of which only the power counts, and a chess board of
 * +-a, whose Laplacian is 8 a everywhere, edges too. */
static void weights_follow_detail_and_power(void **state)
{
    enum { SIDE = 6, PIXELS = SIDE * SIDE };
    double noisy[PIXELS], flat[PIXELS], board[PIXELS];

    (void)state;
    for (int i = 0; i < PIXELS; i++) {
        noisy[i] = i % 2 == 0 ? 1.0 : 7.0; /* mean square 25: A^2 = 24 */
        flat[i] = 4.0;
        board[i] = (i / SIDE + i % SIDE) % 2 == 0 ? 0.25 : -0.25; /* l^2 = 4: q = 4/5 */
    }
    assert_close(sf_sample_weight(noisy, flat, SIDE, 0.1), 1.0 / (0.01 * (1.0 + pow(24.0, 0.75))),
                 1e-12);
    assert_close(sf_sample_weight(noisy, board, SIDE, 0.1),
                 1.0 / (0.34 * pow(0.8, 0.65) + 0.01 * (1.0 + pow(24.0, 0.75))), 1e-12);
    /* less power than the noise alone has counts as none */
    assert_close(sf_sample_weight(board, flat, SIDE, 0.1), 100.0, 1e-10);
}

/* Every parameter's derivative of the loss against central differences, in double, plain and
 * weighted. */
static void gradients_are_derivatives(void **state)
{
    const sf_unet_options options = {2, 2, 1, 3};
    sf_model *model;

    (void)state;
    assert_ok(sf_model_unet(&options, &model));
    for (int balanced = 0; balanced < 2; balanced++) {
        problem p = {.graph = sf_model_graph(model),
                     .shape = {4, {1, 2, 8, 8}},
                     .sample = {64, 1.3, balanced != 0 ? 7.0 : 1.0}};
        const size_t count = p.graph->parameter_count;
        float *flat;
        double *parameters, *gradient, slope[64], largest = 0.0;

        sf_random_normal(sf_random_make(1, 1), 0, 0, 64, p.input);
        sf_random_normal(sf_random_make(1, 1), 1, 0, 64, p.target);
        for (size_t i = 64; i < 128; i++) p.input[i] = 1.0;
        assert_ok(sf_allocate(&flat, count, sizeof *flat));
        assert_ok(sf_allocate(&parameters, count, sizeof *parameters));
        assert_ok(sf_allocate(&gradient, count, sizeof *gradient));
        sf_graph_get_parameters(p.graph, flat);
        for (size_t i = 0; i < count; i++) parameters[i] = 3.0 * (double)flat[i];
        (void)loss_of(&p, parameters, slope);
        assert_ok(sf_reference_backward(p.graph, &p.shape, p.input, NULL, parameters, slope, NULL,
                                        gradient));
        for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(gradient[i]));
        for (size_t i = 0; i < count; i++) {
            const double h = 1e-6, at = parameters[i];
            double difference;

            parameters[i] = at + h;
            difference = loss_of(&p, parameters, NULL);
            parameters[i] = at - h;
            difference -= loss_of(&p, parameters, NULL);
            parameters[i] = at;
            assert_close(difference / (2.0 * h), gradient[i], 1e-6 * largest);
        }
        sf_free(flat);
        sf_free(parameters);
        sf_free(gradient);
    }
    sf_model_release(&model);
}

/* ---- a linear denoiser reaches the Wiener filter ------------------------------------------- */

#define SIDE   32
#define TAPS   25 /* 5 x 5 */
#define SIGMA2 0.5

/* Eigenvalues of the field's covariance; the correlation ends after one pixel. */
static double lambda(double ky, double kx) { return 1.0 + 0.3 * (cos(ky) + cos(kx)); }

static double correlation(long dy, long dx)
{
    if (dy == 0 && dx == 0) return 1.0;
    return labs(dy) + labs(dx) == 1 ? 0.15 : 0.0;
}

/* A draw of the field: white noise, filtered. */
static sf_status draw_field(void *user, uint64_t index, size_t rows, size_t columns, float *patch)
{
    static double field[SIDE * SIDE], filter[SIDE * (SIDE / 2 + 1)];
    static sf_complex work[SIDE * (SIDE / 2 + 1)];
    const sf_fft *fft = user;

    assert_int_equal(SIDE, rows);
    assert_int_equal(SIDE, columns);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j <= SIDE / 2; j++)
            filter[i * (SIDE / 2 + 1) + j] =
                sqrt(lambda(2.0 * 3.14159265358979 * (double)i / SIDE,
                            2.0 * 3.14159265358979 * (double)j / SIDE));
    sf_random_normal(sf_random_make(77, 1), index, 0, SIDE * SIDE, field);
    SF_TRY(sf_fft_filter(fft, filter, work, field));
    for (size_t i = 0; i < SIDE * SIDE; i++) patch[i] = (float)field[i];
    return SF_OK;
}

static sf_status linear_model(sf_model **model)
{
    static const float zeros[TAPS];
    const sf_shape image = {4, {0, 1, 0, 0}}, kernel = {4, {1, 1, 5, 5}}, unknown = {.rank = 4};
    sf_model_usage usage = sf_model_usage_default();
    sf_model *plain;
    sf_graph *graph;
    size_t input[2], output;

    SF_TRY(sf_graph_create(&graph));
    SF_TRY(sf_graph_add_value(graph, "image", &image, NULL, &input[0]));
    SF_TRY(sf_graph_add_value(graph, "kernel", &kernel, zeros, &input[1]));
    SF_TRY(sf_graph_add_value(graph, "clean", &unknown, NULL, &output));
    SF_TRY(sf_graph_add_node(graph, &(sf_node){.op = SF_OP_CONV,
                                               .name = (char[]){"conv"},
                                               .input = input,
                                               .input_count = 2,
                                               .output = output,
                                               .kernel = {5, 5},
                                               .stride = {1, 1},
                                               .dilation = {1, 1},
                                               .groups = 1,
                                               .pads = {2, 2, 2, 2}}));
    graph->input[0] = input[0];
    graph->input_count = 1;
    graph->output = output;
    SF_TRY(sf_graph_finish(graph));
    SF_TRY(sf_model_from_graph(graph, &plain));
    usage.noise_input = SF_NOISE_NONE;
    usage.prediction = SF_PREDICT_CLEAN;
    usage.fixed_sigma = sqrt(SIGMA2);
    SF_TRY(sf_model_with_usage(plain, &usage, model));
    sf_model_release(&plain);
    return SF_OK;
}

static bool inside(long i) { return i >= 0 && i < SIDE; }

/* The kernel of least mean square error on a frame that is surrounded by zeros: its normal
 * equations, by Gauss-Jordan elimination. */
static void best_kernel(double *kernel)
{
    double m[TAPS][TAPS + 1] = {{0.0}};

    for (long p = 0; p < SIDE * SIDE; p++)
        for (int a = 0; a < TAPS; a++) {
            const long ay = a / 5 - 2, ax = a % 5 - 2, y = p / SIDE, x = p % SIDE;

            if (!inside(y + ay) || !inside(x + ax)) continue;
            m[a][TAPS] += correlation(ay, ax);
            for (int b = 0; b < TAPS; b++) {
                const long by = b / 5 - 2, bx = b % 5 - 2;

                if (!inside(y + by) || !inside(x + bx)) continue;
                m[a][b] += correlation(ay - by, ax - bx) + (a == b ? SIGMA2 : 0.0);
            }
        }
    for (int i = 0; i < TAPS; i++)
        for (int row = 0; row < TAPS; row++) {
            const double factor = m[row][i] / m[i][i];

            if (row == i) continue;
            for (int j = i; j <= TAPS; j++) m[row][j] -= factor * m[i][j];
        }
    for (int i = 0; i < TAPS; i++) kernel[i] = m[i][TAPS] / m[i][i];
}

static void linear_denoiser_is_wiener(void **state)
{
    sf_train_options options = sf_train_options_default();
    sf_patch_source source = {.draw = draw_field};
    sf_model *model, *trained;
    sf_train_report report;
    double exact[TAPS], distance = 0.0, norm = 0.0;
    float kernel[TAPS];
    sf_grid grid;
    sf_fft *fft;

    (void)state;
    assert_ok(sf_grid_image(SIDE, SIDE, &grid));
    assert_ok(sf_fft_create(&grid, &fft));
    source.user = fft;
    options.sigma_min = options.sigma_max = sqrt(SIGMA2);
    options.patch = SIDE;
    options.batch = 8;
    options.steps = 500;
    options.warmup = 10;
    options.learning_rate = 0.02;
    options.clip = 0.0;
    options.balance = 0.0;
    options.ema = 0.98;
    assert_ok(linear_model(&model));
    assert_ok(sf_train(model, &source, &options, &trained, &report));
    assert_true(sf_model_get_usage(trained)->noise_low == options.sigma_min);
    assert_true(sf_model_get_usage(trained)->noise_high == options.sigma_max);
    sf_graph_get_parameters(sf_model_graph(trained), kernel);
    best_kernel(exact);
    for (int i = 0; i < TAPS; i++) {
        distance += pow((double)kernel[i] - exact[i], 2.0);
        norm += exact[i] * exact[i];
    }
    /* against the exact optimum of this frame, and (but for its edges) the Wiener filter */
    assert_true(sqrt(distance / norm) < 0.015);
    for (int k = 0; k <= 8; k++)
        for (int l = 0; l <= 8; l++) {
            const double ky = 3.14159265358979 * k / 8, kx = 3.14159265358979 * l / 8;
            double response = 0.0;

            for (int i = 0; i < TAPS; i++)
                response += (double)kernel[i] * cos(ky * (i / 5 - 2) + kx * (i % 5 - 2));
            assert_close(response, lambda(ky, kx) / (lambda(ky, kx) + SIGMA2), 0.02);
        }
    sf_model_release(&trained);
    sf_model_release(&model);
    sf_fft_release(&fft);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static sf_status draw_bump(void *user, uint64_t index, size_t rows, size_t columns, float *patch)
{
    double centre[2];

    (void)user;
    sf_random_uniform(sf_random_make(5, 5), index, 0, 2, centre);
    for (size_t i = 0; i < rows * columns; i++) {
        const double y = (double)(i / columns) - (double)rows * centre[0];
        const double x = (double)(i % columns) - (double)columns * centre[1];

        patch[i] = (float)exp(-0.1 * (y * y + x * x));
    }
    return SF_OK;
}

static bool stop_at_ten(const sf_monitor_event *event, void *user)
{
    (void)user;
    return event->iteration != 10;
}

static sf_train_options short_run(const char *checkpoint)
{
    sf_train_options options = sf_train_options_default();

    options.patch = 16;
    options.batch = 4;
    options.steps = 20;
    options.warmup = 5;
    options.checkpoint = checkpoint;
    options.checkpoint_every = 7;
    return options;
}

static float *train_to_weights(const sf_train_options *options, sf_train_report *report)
{
    const sf_unet_options unet = {4, 2, 1, 3};
    const sf_patch_source source = {.draw = draw_bump};
    sf_model *model, *trained;
    float *flat;

    assert_ok(sf_model_unet(&unet, &model));
    assert_ok(sf_train(model, &source, options, &trained, report));
    assert_ok(sf_allocate(&flat, sf_model_parameter_count(trained), sizeof *flat));
    sf_graph_get_parameters(sf_model_graph(trained), flat);
    sf_model_release(&trained);
    sf_model_release(&model);
    return flat;
}

static size_t small_parameters(void)
{
    const sf_unet_options unet = {4, 2, 1, 3};
    sf_model *model;
    size_t count;

    assert_ok(sf_model_unet(&unet, &model));
    count = sf_model_parameter_count(model);
    sf_model_release(&model);
    return count;
}

static void make_path(char path[64])
{
    (void)snprintf(path, 64, "train-%ld.state", (long)getpid());
    (void)remove(path);
}

static void resumed_run_is_the_same(void **state)
{
    char path[64];
    sf_train_options options;
    sf_train_report whole, part, rest;
    float *expected, *stopped, *resumed;
    const size_t bytes = small_parameters() * sizeof(float);

    (void)state;
    make_path(path);
    options = short_run(NULL);
    expected = train_to_weights(&options, &whole);
    assert_int_equal(20, whole.steps);
    assert_false(whole.stopped);
    assert_true(whole.patches_per_second > 0.0);
    options = short_run(path);
    options.monitor.function = stop_at_ten;
    stopped = train_to_weights(&options, &part);
    assert_true(part.stopped);
    assert_int_equal(10, part.steps);
    assert_true(memcmp(expected, stopped, bytes) != 0);
    options = short_run(path);
    options.resume = true;
    resumed = train_to_weights(&options, &rest);
    assert_memory_equal(expected, resumed, bytes);
    assert_int_equal(20, rest.steps);
    assert_memory_equal(&whole.loss, &rest.loss, sizeof whole.loss);
    sf_free(expected);
    sf_free(stopped);
    sf_free(resumed);
    (void)remove(path);
}

static void threads_change_no_bit(void **state)
{
    const sf_train_options options = short_run(NULL);
    const size_t bytes = small_parameters() * sizeof(float);
    sf_train_report report;
    float *one, *three;

    (void)state;
    assert_ok(sf_thread_count_set(1));
    one = train_to_weights(&options, &report);
    assert_ok(sf_thread_count_set(3));
    three = train_to_weights(&options, &report);
    assert_ok(sf_thread_count_set(0));
    assert_memory_equal(one, three, bytes);
    sf_free(one);
    sf_free(three);
}

static void try_to_resume(const char *path, sf_status expected, uint64_t seed, uint64_t patches)
{
    const sf_unet_options unet = {4, 2, 1, 3};
    const sf_patch_source source = {.draw = draw_bump, .fingerprint = patches};
    sf_train_options options = short_run(path);
    sf_model *model, *trained = (sf_model *)&options;

    options.resume = true;
    options.seed = seed;
    assert_ok(sf_model_unet(&unet, &model));
    assert_string_equal(sf_status_name(expected),
                        sf_status_name(sf_train(model, &source, &options, &trained, NULL)));
    assert_null(trained);
    sf_model_release(&model);
}

/* One byte changed, the end missing, the run of another seed or on other patches, no file. */
static void damaged_checkpoints_are_refused(void **state)
{
    char path[64];
    sf_train_options options;
    sf_train_report report;
    FILE *file;
    int byte;

    (void)state;
    make_path(path);
    try_to_resume(path, SF_ERR_IO, 1, 0);
    options = short_run(path);
    sf_free(train_to_weights(&options, &report));
    try_to_resume(path, SF_ERR_FORMAT, 2, 0);
    assert_non_null(strstr(sf_last_error(), "other options"));
    try_to_resume(path, SF_ERR_FORMAT, 1, 5);
    assert_non_null(strstr(sf_last_error(), "other patches"));
    file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(0, fseek(file, 500, SEEK_SET));
    byte = fgetc(file);
    assert_int_equal(0, fseek(file, 500, SEEK_SET));
    assert_true(fputc(byte ^ 1, file) != EOF);
    assert_int_equal(0, fclose(file));
    try_to_resume(path, SF_ERR_FORMAT, 1, 0);
    assert_int_equal(0, truncate(path, 400));
    try_to_resume(path, SF_ERR_FORMAT, 1, 0);
    assert_int_equal(0, truncate(path, 3));
    try_to_resume(path, SF_ERR_FORMAT, 1, 0);
    (void)remove(path);
}

static sf_status draw_nothing(void *user, uint64_t index, size_t rows, size_t columns, float *patch)
{
    (void)user;
    (void)patch;
    return sf_fail(SF_ERR_IO, "no patch %llu of %zux%zu", (unsigned long long)index, rows, columns);
}

static void wrong_runs_are_refused(void **state)
{
    const sf_unet_options unet = {4, 2, 1, 3};
    sf_patch_source source = {.draw = draw_bump};
    sf_train_options options;
    sf_model *model, *trained;

    (void)state;
    assert_ok(sf_model_unet(&unet, &model));
    options = short_run(NULL);
    options.patch = 15;
    assert_status(SF_ERR_SHAPE, sf_train(model, &source, &options, &trained, NULL));
    assert_null(trained);
    options = short_run(NULL);
    options.sigma_min = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_train(model, &source, &options, &trained, NULL));
    options = short_run(NULL);
    options.learning_rate = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_train(model, &source, &options, &trained, NULL));
    options = short_run(NULL);
    options.resume = true;
    assert_status(SF_ERR_ARGUMENT, sf_train(model, &source, &options, &trained, NULL));
    options = short_run("/nowhere/at/all/train.state");
    assert_status(SF_ERR_IO, sf_train(model, &source, &options, &trained, NULL));
    assert_null(trained);
    source.draw = draw_nothing;
    options = short_run(NULL);
    assert_status(SF_ERR_IO, sf_train(model, &source, &options, &trained, NULL));
    sf_model_release(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_follow_detail_and_power),
        cmocka_unit_test(gradients_are_derivatives),
        cmocka_unit_test(linear_denoiser_is_wiener),
        cmocka_unit_test(resumed_run_is_the_same),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(damaged_checkpoints_are_refused),
        cmocka_unit_test(wrong_runs_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
