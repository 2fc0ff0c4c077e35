/* test_conditioned.c - networks with conditions, by one that is the exact denoiser of two classes
 * of Gaussians at one level: x_0 ~ N(m_k, VARIANCE) where class k is 1 on the 3 x 3 pixels around
 * (on a part of them: that share of m_k). It goes through an ONNX file, as others' networks do. */
#include "check.h"

#include "network/graph.h"

#include <scorefield/prior.h>

#include <string.h>

enum { ROWS = 5, COLUMNS = 6, SIZE = ROWS * COLUMNS, CLASSES = 2, CHANNELS = 2 + CLASSES };

#define VARIANCE 0.7
#define SIGMA    0.4
static const double mean[CLASSES] = {3.0, -5.0};
static const double gain = VARIANCE / (VARIANCE + SIGMA * SIGMA);

/* One convolution: the gain on the image, nothing on the level, (1 - gain) m_k/9 on class k. */
static sf_model *network(void)
{
    const sf_shape image = {.rank = 4, .dim = {1, CHANNELS, 0, 0}};
    const sf_shape weights = {.rank = 4, .dim = {1, CHANNELS, 3, 3}};
    float weight[CHANNELS * 9] = {0.0F};
    size_t input[2];
    sf_node conv = {.op = SF_OP_CONV,
                    .input = input,
                    .input_count = 2,
                    .kernel = {3, 3},
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .groups = 1,
                    .pads = {1, 1, 1, 1}};
    sf_model *model;
    sf_graph *graph;

    weight[4] = (float)gain;
    for (size_t i = 0; i < CLASSES * (size_t)9; i++)
        weight[18 + i] = (float)((1.0 - gain) * mean[i / 9] / 9.0);
    assert_ok(sf_graph_create(&graph));
    assert_ok(sf_graph_add_value(graph, "x", &image, NULL, &input[0]));
    assert_ok(sf_graph_add_value(graph, "w", &weights, weight, &input[1]));
    assert_ok(sf_graph_add_value(graph, "y", NULL, NULL, &conv.output));
    graph->input[0] = input[0];
    graph->input_count = 1;
    graph->output = conv.output;
    assert_ok(sf_graph_add_node(graph, &conv));
    assert_ok(sf_graph_finish(graph));
    assert_ok(sf_model_from_graph(graph, &model));
    return model;
}

/* The network with this usage, written and read. */
static sf_model *conditioned(const char *how)
{
    sf_model_usage usage = sf_model_usage_default();
    sf_model *plain = network(), *used, *read;
    void *bytes;
    size_t size;

    assert_ok(sf_model_usage_parse(how, &usage));
    assert_ok(sf_model_with_usage(plain, &usage, &used));
    assert_ok(sf_onnx_write(sf_model_graph(used), &bytes, &size));
    assert_ok(sf_model_load_memory(bytes, size, "classes", &read));
    sf_free(bytes);
    sf_model_release(&plain);
    sf_model_release(&used);
    return read;
}

#define USAGE "noise_input=channel,conditions=2,padding=circular,margin=1,multiple=4"

static sf_prior *prior_of(const double *condition)
{
    sf_model *model = conditioned(USAGE);
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    assert_ok(sf_prior_network_conditioned(&grid, model, condition, &prior));
    sf_model_release(&model);
    return prior;
}

/* Planes of class `which`, and 0 for the other one. */
static void one_class(size_t which, double *condition)
{
    for (size_t i = 0; i < (size_t)CLASSES * SIZE; i++) condition[i] = i / SIZE == which;
}

/* The prior's denoiser is that of N(centre, VARIANCE). */
static void assert_denoises(const sf_prior *prior, const double *centre)
{
    double x[SIZE], out[SIZE];

    sf_random_normal(sf_random_make(1, 0), 0, 0, SIZE, x);
    assert_ok(sf_prior_denoise(prior, 1, x, SIGMA, out));
    for (size_t i = 0; i < SIZE; i++)
        assert_close(out[i], gain * x[i] + (1.0 - gain) * centre[i], 3e-6);
}

static void constant(double value, double *centre)
{
    for (size_t i = 0; i < SIZE; i++) centre[i] = value;
}

static void a_class_is_its_gaussian(void **state)
{
    double condition[CLASSES * SIZE], centre[SIZE];
    sf_prior *prior;

    (void)state;
    for (size_t k = 0; k < CLASSES; k++) {
        one_class(k, condition);
        prior = prior_of(condition);
        constant(mean[k], centre);
        assert_denoises(prior, centre);
        sf_prior_release(&prior);
    }
    prior = prior_of(NULL);
    constant(0.0, centre);
    assert_denoises(prior, centre);
    sf_prior_release(&prior);
}

/* What a map says counts where it says it, and is padded as the image is: around the edges. */
static void a_map_is_padded(void **state)
{
    double condition[CLASSES * SIZE], centre[SIZE];
    sf_prior *prior;

    (void)state;
    sf_random_normal(sf_random_make(2, 0), 0, 0, (size_t)CLASSES * SIZE, condition);
    for (size_t i = 0; i < SIZE; i++) {
        centre[i] = 0.0;
        for (size_t n = 0; n < CLASSES * (size_t)9; n++) {
            const size_t row = (i / COLUMNS + ROWS - 1 + n / 3 % 3) % ROWS;
            const size_t column = (i % COLUMNS + COLUMNS - 1 + n % 3) % COLUMNS;

            centre[i] += mean[n / 9] / 9.0 * condition[n / 9 * SIZE + row * COLUMNS + column];
        }
    }
    prior = prior_of(condition);
    assert_denoises(prior, centre);
    sf_prior_release(&prior);
}

/* Of N(0, v) and N(m, v) with weight w: N(w m, v). */
static void a_pair_guides_without_a_classifier(void **state)
{
    const double weights[] = {0.0, 1.0, 2.5, -1.0};
    double condition[CLASSES * SIZE], centre[SIZE];
    sf_prior *with, *without = prior_of(NULL), *guided;

    (void)state;
    one_class(1, condition);
    with = prior_of(condition);
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        assert_ok(sf_prior_classifier_free(without, with, weights[i], &guided));
        constant(weights[i] * mean[1], centre);
        assert_denoises(guided, centre);
        sf_prior_release(&guided);
    }
    sf_prior_release(&with);
    sf_prior_release(&without);
}

/* The derivative is with respect to the image alone. */
static void conditions_have_no_part_in_the_derivative(void **state)
{
    double condition[CLASSES * SIZE], v[SIZE], out[SIZE], denoised[SIZE];
    sf_prior *prior;

    (void)state;
    one_class(0, condition);
    prior = prior_of(condition);
    sf_random_normal(sf_random_make(3, 0), 0, 0, SIZE, v);
    assert_ok(sf_prior_pull(prior, 1, v, SIGMA, v, denoised, out));
    for (size_t i = 0; i < SIZE; i++) {
        assert_close(out[i], gain * v[i], 3e-6);
        assert_close(denoised[i], gain * v[i] + (1.0 - gain) * mean[0], 3e-6);
    }
    sf_prior_release(&prior);
}

static void what_does_not_fit_is_refused(void **state)
{
    double condition[CLASSES * SIZE] = {0.0};
    sf_patch_source source = {.user = NULL};
    const sf_train_options options = sf_train_options_default();
    sf_model *model, *builtin, *trained;
    sf_prior *prior;
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_image(ROWS, COLUMNS, &grid));
    model = conditioned("noise_input=channel,conditions=3");
    assert_status(SF_ERR_SHAPE, sf_prior_network(&grid, model, &prior));
    assert_null(prior);
    sf_model_release(&model);
    model = conditioned(USAGE);
    condition[SIZE + 2] = NAN;
    assert_status(SF_ERR_NUMERIC, sf_prior_network_conditioned(&grid, model, condition, &prior));
    assert_non_null(strstr(sf_last_error(), "pixel 2 of condition 2"));
    assert_null(prior);
    assert_status(SF_ERR_UNSUPPORTED, sf_train(model, &source, &options, &trained, NULL));
    assert_null(trained);
    sf_model_release(&model);
    assert_ok(sf_model_builtin(&builtin));
    condition[SIZE + 2] = 0.0;
    assert_status(SF_ERR_ARGUMENT, sf_prior_network_conditioned(&grid, builtin, condition, &prior));
    assert_null(prior);
    sf_model_release(&builtin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_is_its_gaussian),
        cmocka_unit_test(a_map_is_padded),
        cmocka_unit_test(a_pair_guides_without_a_classifier),
        cmocka_unit_test(conditions_have_no_part_in_the_derivative),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
