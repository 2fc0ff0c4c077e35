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
    if (graph->input_count > 1) {
        const int rank = graph->value[graph->input[1]].shape.rank;

        for (size_t i = 0; i < (rank == 0 ? 1 : image->dim[0]); i++)
            sf_engine_input(engine, 1)[i] = 0.3F;
    }
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
    assert_true(files > 150);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_onnx_runtime)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
