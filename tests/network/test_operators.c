/* Every operator in its variants against ONNX Runtime 1.31, whose results lie in the models.
 *
 * data/ has one small network each, made by onnx.helper with the opset, attributes and constants
 * in question, and run by ONNX Runtime (graph optimisations off) on x[i] = (37 i mod 101)/50 - 1
 * and, where there is a second input, 0.3. The metadata hold "test.input", the image's shape, and
 * "test.shape" and "test.output", the shape and values (%.7g) of the result. */
#include "base/internal.h"
#include "check.h"
#include "network/engine.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 3e-6 /* sums of up to 50 products of numbers below 1, in single precision */

static const char *metadata(const sf_graph *graph, const char *key)
{
    for (size_t i = 0; i < graph->metadata_count; i++)
        if (strcmp(graph->metadata[i].key, key) == 0) return graph->metadata[i].value;
    fail_msg("no metadata entry %s", key);
    return NULL;
}

static sf_shape shape_of(const sf_graph *graph, const char *key)
{
    const char *text = metadata(graph, key);
    sf_shape shape = {0};
    char *end;

    for (; *text != '\0' && shape.rank < SF_TENSOR_MAX_RANK; text = end)
        shape.dim[shape.rank++] = strtoul(text, &end, 10);
    return shape;
}

static size_t count_of(const sf_shape *shape)
{
    size_t count;

    assert_ok(sf_shape_size(shape, &count));
    return count;
}

static sf_graph *read_graph(const char *path)
{
    static char bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    sf_graph *graph;
    size_t size;

    assert_non_null(file);
    size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    if (sf_onnx_read(bytes, size, path, &graph) != SF_OK || sf_graph_simplify(graph) != SF_OK)
        fail_msg("%s", sf_last_error());
    return graph;
}

static double input_at(size_t i) { return (double)(37 * i % 101) / 50.0 - 1.0; }

static void fill_levels(const sf_graph *graph, const sf_shape *image, sf_engine *engine)
{
    if (graph->input_count < 2) return;
    for (size_t i = 0; i < (graph->value[graph->input[1]].shape.rank == 0 ? 1 : image->dim[0]); i++)
        sf_engine_input(engine, 1)[i] = 0.3F;
}

/* The largest difference between the engine's result and the one in the file. */
static double engine_error(const sf_graph *graph, const sf_shape *image, const sf_shape *expected)
{
    const char *text = metadata(graph, "test.output");
    const sf_engine_options options = {.training = false};
    sf_engine *engine;
    double worst = 0.0;
    char *end;

    if (sf_engine_create(graph, image, &options, &engine) != SF_OK) fail_msg("%s", sf_last_error());
    for (size_t i = 0; i < count_of(image); i++) sf_engine_input(engine, 0)[i] = (float)input_at(i);
    fill_levels(graph, image, engine);
    assert_ok(sf_engine_forward(engine));
    assert_int_equal(sf_engine_output_shape(engine)->rank, expected->rank);
    for (int i = 0; i < expected->rank; i++)
        assert_int_equal(sf_engine_output_shape(engine)->dim[i], expected->dim[i]);
    for (size_t i = 0; i < count_of(expected); i++, text = end)
        worst = fmax(worst, fabs((double)sf_engine_output(engine)[i] - strtod(text, &end)));
    sf_engine_release(&engine);
    return worst;
}

/* The same for the plain C reference, which other tests hold the engine to. */
static double reference_error(const sf_graph *graph, const sf_shape *image,
                              const sf_shape *expected)
{
    const char *text = metadata(graph, "test.output");
    double *input, *output, worst = 0.0, second[8];
    sf_shape shape;
    char *end;

    for (size_t i = 0; i < 8; i++) second[i] = 0.3;
    assert_ok(sf_allocate(&input, count_of(image), sizeof *input));
    for (size_t i = 0; i < count_of(image); i++) input[i] = input_at(i);
    assert_ok(sf_reference_forward(graph, image, input, second, NULL, &output, &shape));
    assert_int_equal(count_of(&shape), count_of(expected));
    for (size_t i = 0; i < count_of(expected); i++, text = end)
        worst = fmax(worst, fabs(output[i] - strtod(text, &end)));
    sf_free(input);
    sf_free(output);
    return worst;
}

/* As it is, and after it was written and read once more. */
static bool agrees(const char *path)
{
    sf_graph *graph = read_graph(path), *again;
    const sf_shape image = shape_of(graph, "test.input"), expected = shape_of(graph, "test.shape");
    double engine, reference, rewritten;
    void *bytes;
    size_t size;

    engine = engine_error(graph, &image, &expected);
    reference = reference_error(graph, &image, &expected);
    if (sf_onnx_write(graph, &bytes, &size) != SF_OK ||
        sf_onnx_read(bytes, size, "rewritten", &again) != SF_OK)
        fail_msg("%s: %s", path, sf_last_error());
    rewritten = engine_error(again, &image, &expected);
    sf_graph_release(&again);
    sf_free(bytes);
    sf_graph_release(&graph);
    if (engine <= TOLERANCE && reference <= TOLERANCE && rewritten <= TOLERANCE) return true;
    print_error("%s: engine %g, reference %g, rewritten %g off\n", path, engine, reference,
                rewritten);
    return false;
}

/* ---- derivatives --------------------------------------------------------------------------- */

#define PROBES 6 /* coordinates whose central difference is taken, of the image and the weights */

/* A point of a network, and the weights of its outputs' sum. */
typedef struct sf_point {
    const sf_graph *graph;
    sf_shape image;
    double *x, *parameters, *weight;
    size_t count, outputs;
} sf_point;

static const double levels[8] = {0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3};

static double *double_array(size_t count)
{
    double *array;

    assert_ok(sf_allocate(&array, count, sizeof *array));
    return array;
}

/* A little beside the other test's numbers, some of which are corners. */
static sf_point make_point(const sf_graph *graph, const sf_shape *image, const sf_shape *expected)
{
    sf_point p = {graph, *image, NULL, NULL, NULL, count_of(image), count_of(expected)};
    float *flat;

    p.x = double_array(p.count);
    p.weight = double_array(p.outputs);
    p.parameters = double_array(graph->parameter_count);
    assert_ok(sf_allocate(&flat, graph->parameter_count, sizeof *flat));
    sf_graph_get_parameters(graph, flat);
    for (size_t i = 0; i < p.count; i++) p.x[i] = (double)(float)(input_at(i) + 0.003);
    for (size_t i = 0; i < p.outputs; i++) p.weight[i] = (double)(float)cos(1.7 * (double)i + 0.3);
    for (size_t i = 0; i < graph->parameter_count; i++) p.parameters[i] = (double)flat[i];
    sf_free(flat);
    return p;
}

static void free_point(sf_point *p)
{
    sf_free(p->x);
    sf_free(p->parameters);
    sf_free(p->weight);
}

static double weighted_sum(const sf_point *p)
{
    double *y, sum = 0.0;
    sf_shape shape;

    assert_ok(sf_reference_forward(p->graph, &p->image, p->x, levels, p->parameters, &y, &shape));
    for (size_t i = 0; i < p->outputs; i++) sum += p->weight[i] * y[i];
    sf_free(y);
    return sum;
}

/* The reference's gradient against central differences, relative to its largest number. */
static double difference_error(const sf_point *p, double *numbers, const double *gradient,
                               size_t count)
{
    const double h = 1e-5;
    double worst = 0.0, scale = 1.0;

    for (size_t i = 0; i < count; i++) scale = fmax(scale, fabs(gradient[i]));
    for (size_t k = 0; k < PROBES && count > 0; k++) {
        const size_t at = (k * 7919 + 3) % count;
        const double before = numbers[at];
        double up, down;

        numbers[at] = before + h;
        up = weighted_sum(p);
        numbers[at] = before - h;
        down = weighted_sum(p);
        numbers[at] = before;
        worst = fmax(worst, fabs((up - down) / (2.0 * h) - gradient[at]) / scale);
    }
    return worst;
}

static double largest_difference(const float *a, const double *b, size_t count)
{
    double worst = 0.0, scale = 1.0;

    for (size_t i = 0; i < count; i++) {
        scale = fmax(scale, fabs(b[i]));
        worst = fmax(worst, fabs((a == NULL ? 0.0 : (double)a[i]) - b[i]));
    }
    return worst / scale;
}

/* The engine's gradients against the reference's; -1 where it refuses to be trained. */
static double gradient_error(const sf_point *p, bool frozen, const double *of_image,
                             const double *of_parameters)
{
    const sf_engine_options options = {.training = true, .input_gradient = true, .frozen = frozen};
    sf_engine *engine;
    float *weight;
    double error;

    if (sf_engine_create(p->graph, &p->image, &options, &engine) != SF_OK) return -1.0;
    assert_ok(sf_allocate(&weight, p->outputs, sizeof *weight));
    for (size_t i = 0; i < p->outputs; i++) weight[i] = (float)p->weight[i];
    for (size_t i = 0; i < p->count; i++) sf_engine_input(engine, 0)[i] = (float)p->x[i];
    fill_levels(p->graph, &p->image, engine);
    assert_ok(sf_engine_forward(engine));
    assert_ok(sf_engine_backward(engine, weight));
    error = largest_difference(sf_engine_input_gradient(engine), of_image, p->count);
    if (!frozen)
        error = fmax(error, largest_difference(sf_engine_parameter_gradient(engine), of_parameters,
                                               p->graph->parameter_count));
    sf_free(weight);
    sf_engine_release(&engine);
    return error;
}

/* Whether all agree; *trained counts the networks whose weights have gradients in the engine. */
static bool derivatives_agree(const char *path, size_t *trained)
{
    sf_graph *graph = read_graph(path);
    const sf_shape image = shape_of(graph, "test.input"), expected = shape_of(graph, "test.shape");
    sf_point p = make_point(graph, &image, &expected);
    double *of_image = double_array(p.count), *of_parameters = double_array(graph->parameter_count);
    double pulled, learned, by_image, by_parameters;

    assert_ok(sf_reference_backward(graph, &image, p.x, levels, p.parameters, p.weight, of_image,
                                    of_parameters));
    by_image = difference_error(&p, p.x, of_image, p.count);
    by_parameters = difference_error(&p, p.parameters, of_parameters, graph->parameter_count);
    pulled = gradient_error(&p, true, of_image, of_parameters);
    learned = image.dim[0] == 1 ? gradient_error(&p, false, of_image, of_parameters) : -1.0;
    *trained += learned >= 0.0;
    free_point(&p);
    sf_free(of_image);
    sf_free(of_parameters);
    sf_graph_release(&graph);
    if (pulled >= 0.0 && pulled < 3e-5 && learned < 3e-5 && by_image < 1e-6 && by_parameters < 1e-6)
        return true;
    print_error("%s: differences %g, %g; engine %g, %g off\n", path, by_image, by_parameters,
                pulled, learned);
    return false;
}

static void test_derivatives(void **state)
{
    DIR *folder = opendir(TEST_DATA);
    const struct dirent *entry;
    size_t wrong = 0, trained = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[512];

        if (strstr(entry->d_name, ".onnx") == NULL) continue;
        (void)snprintf(path, sizeof path, "%s/%s", TEST_DATA, entry->d_name);
        wrong += !derivatives_agree(path, &trained);
    }
    (void)closedir(folder);
    print_message("%zu trained\n", trained);
    assert_int_equal(wrong, 0);
}

static void test_onnx_runtime(void **state)
{
    DIR *folder = opendir(TEST_DATA);
    const struct dirent *entry;
    size_t files = 0, wrong = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[512];

        if (strstr(entry->d_name, ".onnx") == NULL) continue;
        (void)snprintf(path, sizeof path, "%s/%s", TEST_DATA, entry->d_name);
        wrong += !agrees(path);
        files++;
    }
    (void)closedir(folder);
    assert_true(files > 300);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_onnx_runtime),
                                       cmocka_unit_test(test_derivatives)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
