/* The architecture that ships: its size, its seed, and that it is homogeneous of degree one. */
#include "base/internal.h"
#include "check.h"
#include "network/graph.h"

#include <string.h>

/* Conv 3x3 of every block, 2x2 between resolutions, first and last. */
static size_t expected_parameters(const sf_unet_options *o)
{
    size_t channels = o->channels, count = 9 * 2 * channels + 9 * channels;

    for (size_t level = 0; level < o->depth; level++, channels *= 2) {
        const size_t passes = level + 1 < o->depth ? 2 : 1; /* down and up, or once */

        count += passes * o->blocks * 2 * 9 * channels * channels;
        if (level + 1 < o->depth) count += 2 * 4 * channels * (2 * channels);
    }
    return count;
}

static void parameters_are_counted(void **state)
{
    const sf_unet_options options[] = {sf_unet_options_default(), {3, 1, 1, 1}, {4, 4, 3, 9}};

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        sf_model *model;

        assert_ok(sf_model_unet(&options[i], &model));
        assert_int_equal(expected_parameters(&options[i]), sf_model_parameter_count(model));
        assert_true(sf_model_get_usage(model)->homogeneous);
        assert_int_equal((size_t)1 << (options[i].depth - 1), sf_model_get_usage(model)->multiple);
        sf_model_release(&model);
    }
    /* 4 MiB in float32, with room for the names */
    assert_true(expected_parameters(&options[0]) * sizeof(float) + 20000 < (size_t)4 << 20);
}

static float *parameters_of(const sf_unet_options *options)
{
    sf_model *model;
    float *flat;

    assert_ok(sf_model_unet(options, &model));
    assert_ok(sf_allocate(&flat, sf_model_parameter_count(model), sizeof *flat));
    sf_graph_get_parameters(sf_model_graph(model), flat);
    sf_model_release(&model);
    return flat;
}

static void a_seed_is_a_network(void **state)
{
    const sf_unet_options a = {4, 2, 1, 7}, b = {4, 2, 1, 8};
    const size_t bytes = expected_parameters(&a) * sizeof(float);
    float *first = parameters_of(&a), *again = parameters_of(&a), *other = parameters_of(&b);

    (void)state;
    assert_memory_equal(first, again, bytes);
    assert_true(memcmp(first, other, bytes) != 0);
    sf_free(first);
    sf_free(again);
    sf_free(other);
}

/* f(a x, a sigma) = a f(x, sigma) for a > 0, to the rounding of doubles, for several sizes. */
static void network_is_homogeneous(void **state)
{
    const sf_unet_options options = {4, 3, 1, 3};
    const size_t size[][2] = {{8, 12}, {4, 4}, {16, 8}};
    sf_model *model;

    (void)state;
    assert_ok(sf_model_unet(&options, &model));
    for (size_t i = 0; i < 3; i++) {
        const sf_shape shape = {4, {1, 2, size[i][0], size[i][1]}};
        const size_t pixels = size[i][0] * size[i][1];
        double input[2 * 128], scaled[2 * 128], *y, *z, largest = 0.0;
        sf_shape out;

        sf_random_normal(sf_random_make(1, 2), i, 0, pixels, input);
        for (size_t j = pixels; j < 2 * pixels; j++) input[j] = 0.3;
        for (size_t j = 0; j < 2 * pixels; j++) scaled[j] = 37.25 * input[j];
        assert_ok(sf_reference_forward(sf_model_graph(model), &shape, input, NULL, NULL, &y, &out));
        assert_int_equal(1, out.dim[1]);
        assert_int_equal(size[i][0], out.dim[2]);
        assert_int_equal(size[i][1], out.dim[3]);
        assert_ok(
            sf_reference_forward(sf_model_graph(model), &shape, scaled, NULL, NULL, &z, &out));
        for (size_t j = 0; j < pixels; j++) largest = fmax(largest, fabs(y[j]));
        assert_true(largest > 0.0);
        for (size_t j = 0; j < pixels; j++)
            assert_close(37.25 * y[j], z[j], 1e-13 * 37.25 * largest);
        sf_free(y);
        sf_free(z);
    }
    sf_model_release(&model);
}

static void impossible_networks_are_refused(void **state)
{
    const sf_unet_options options[] = {{0, 3, 2, 1}, {32, 0, 2, 1}, {32, 7, 2, 1}, {32, 3, 0, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        sf_model *model = (sf_model *)&options;

        assert_status(SF_ERR_ARGUMENT, sf_model_unet(&options[i], &model));
        assert_null(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_counted),
        cmocka_unit_test(a_seed_is_a_network),
        cmocka_unit_test(network_is_homogeneous),
        cmocka_unit_test(impossible_networks_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
