/* ONNX's own conformance cases (Debian package libonnx-testdata; skipped without): every case whose
 * operators are supported, each with one of its inputs as the image and the others as constants.
 *
 * The engine's and the reference's results are compared with those of the case; then the engine's
 * vector-Jacobian product with the reference's, and that one with central differences. A case
 * without an image (sizes, comparisons, ...) is computed from constants alone.
 *
 * SCOREFIELD_CONFORMANCE=list: what passes and what is refused, by operator, with the reasons. */
#include "base/internal.h"
#include "check.h"
#include "network/engine.h"
#include "network/onnx_parse.h"
#include "network/onnx_tensor.h"
#include "network/operator.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-5 /* of the largest value, and of 1 */
#define ROUNDED   1e-3 /* ONNX's own, where a case rounds to half precision or an angle to 3.1415 */
#define MOST      24   /* inputs of a case */
#define PROBES    12   /* coordinates whose central difference is taken */

/* ---- files --------------------------------------------------------------------------------- */

static size_t read_bytes(const char *path, uint8_t **bytes)
{
    FILE *file = fopen(path, "rb");
    size_t size = 0, room = 1 << 16, got;

    *bytes = NULL;
    if (file == NULL) return 0;
    *bytes = malloc(room);
    while (*bytes != NULL && (got = fread(*bytes + size, 1, room - size, file)) > 0) {
        size += got;
        if (size == room) *bytes = realloc(*bytes, room *= 2);
    }
    (void)fclose(file);
    assert_non_null(*bytes);
    return size;
}

static Onnx__TensorProto *read_tensor(const char *folder, const char *name, size_t index)
{
    char path[800];
    uint8_t *bytes;
    size_t size;
    Onnx__TensorProto *tensor;

    (void)snprintf(path, sizeof path, "%s/test_data_set_0/%s_%zu.pb", folder, name, index);
    size = read_bytes(path, &bytes);
    if (bytes == NULL) return NULL;
    tensor = onnx__tensor_proto__unpack(NULL, size, bytes);
    free(bytes);
    return tensor;
}

typedef struct sf_files {
    Onnx__ModelProto *model;
    Onnx__TensorProto *input[MOST], *output;
    size_t inputs, outputs;
} sf_files;

static bool read_files(const char *folder, sf_files *files)
{
    char path[800];
    uint8_t *bytes;
    size_t size;

    memset(files, 0, sizeof *files);
    (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
    size = read_bytes(path, &bytes);
    if (bytes == NULL) return false;
    files->model = onnx__model_proto__unpack(NULL, size, bytes);
    free(bytes);
    if (files->model == NULL || files->model->graph == NULL || files->model->graph->n_input > MOST)
        return false;
    for (size_t i = 0; i < files->model->graph->n_input; i++) {
        files->input[i] = read_tensor(folder, "input", i);
        if (files->input[i] == NULL) return false;
        files->inputs = i + 1;
    }
    files->outputs = files->model->graph->n_output;
    files->model->graph->n_output = 1; /* the first is what counts */
    files->output = read_tensor(folder, "output", 0);
    return files->output != NULL;
}

static void free_files(sf_files *files)
{
    if (files->model != NULL && files->model->graph != NULL)
        files->model->graph->n_output = files->outputs;
    if (files->model != NULL) onnx__model_proto__free_unpacked(files->model, NULL);
    for (size_t i = 0; i < MOST; i++)
        if (files->input[i] != NULL) onnx__tensor_proto__free_unpacked(files->input[i], NULL);
    if (files->output != NULL) onnx__tensor_proto__free_unpacked(files->output, NULL);
}

/* The tensor's numbers (sf_free); NULL where they are no real numbers. */
static double *numbers_of(const Onnx__TensorProto *tensor, sf_shape *shape, size_t *count)
{
    const sf_literal literal = {tensor, NULL};
    double *numbers;

    if (sf_literal_shape(&literal, "tensor", shape, count) != SF_OK) return NULL;
    assert_ok(sf_allocate(&numbers, *count, sizeof *numbers));
    for (size_t i = 0; i < *count; i++) numbers[i] = sf_literal_value(&literal, i);
    return numbers;
}

/* ---- a case as a network ------------------------------------------------------------------- */

static Onnx__TypeProto__Tensor *type_of(Onnx__ValueInfoProto *info)
{
    return info->type == NULL || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
               ? NULL
               : info->type->tensor_type;
}

/* Every input but `image` becomes an initialiser. The structures are as before afterwards. */
static sf_status read_with_image(const sf_files *files, size_t image, sf_graph **graph)
{
    Onnx__GraphProto *proto = files->model->graph;
    Onnx__TensorProto *constants[64], **before = proto->initializer;
    const size_t count = proto->n_initializer;
    char *names[MOST];
    size_t made = 0;
    sf_status status;

    for (size_t i = 0; i < count && made < 64; i++) constants[made++] = before[i];
    for (size_t i = 0; i < files->inputs && made < 64; i++)
        if (i != image) {
            names[i] = files->input[i]->name;
            files->input[i]->name = proto->input[i]->name;
            constants[made++] = files->input[i];
        }
    proto->initializer = constants;
    proto->n_initializer = made;
    status = sf_onnx_graph(files->model, "case", graph);
    proto->initializer = before;
    proto->n_initializer = count;
    for (size_t i = 0; i < files->inputs; i++)
        if (i != image) files->input[i]->name = names[i];
    return status;
}

/* With all inputs constant: the output, as real numbers, times an image of one pixel that is 1. */
static sf_status read_without_image(const sf_files *files, sf_graph **graph)
{
    static char image[] = "one.pixel", real[] = "as.real", result[] = "times.one", to[] = "to",
                cast[] = "Cast", mul[] = "Mul";
    Onnx__GraphProto *proto = files->model->graph;
    Onnx__NodeProto nodes[2], *list[130];
    Onnx__AttributeProto type = ONNX__ATTRIBUTE_PROTO__INIT, *attributes[1] = {&type};
    Onnx__ValueInfoProto info = ONNX__VALUE_INFO_PROTO__INIT, *inputs[MOST + 1];
    Onnx__ValueInfoProto **before = proto->input;
    Onnx__TypeProto type_proto = ONNX__TYPE_PROTO__INIT;
    Onnx__TypeProto__Tensor tensor = ONNX__TYPE_PROTO__TENSOR__INIT;
    Onnx__NodeProto **nodes_before = proto->node;
    char *output = proto->output[0]->name, *first[1] = {output}, *second[2] = {real, image};
    char *made[1] = {real}, *last[1] = {result};
    const size_t node_count = proto->n_node, input_count = proto->n_input;
    sf_status status;

    if (node_count > 128) return SF_ERR_UNSUPPORTED;
    onnx__node_proto__init(&nodes[0]);
    onnx__node_proto__init(&nodes[1]);
    type.name = to;
    type.has_i = 1;
    type.i = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    nodes[0].op_type = cast;
    nodes[0].input = first;
    nodes[0].n_input = nodes[0].n_output = nodes[0].n_attribute = 1;
    nodes[0].output = made;
    nodes[0].attribute = attributes;
    nodes[1].op_type = mul;
    nodes[1].input = second;
    nodes[1].n_input = 2;
    nodes[1].output = last;
    nodes[1].n_output = 1;
    tensor.has_elem_type = 1;
    tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    type_proto.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type_proto.tensor_type = &tensor;
    info.name = image;
    info.type = &type_proto;
    memcpy(list, nodes_before, node_count * sizeof *list);
    list[node_count] = &nodes[0];
    list[node_count + 1] = &nodes[1];
    for (size_t i = 0; i < input_count; i++) inputs[i] = before[i];
    inputs[input_count] = &info;
    proto->node = list;
    proto->n_node = node_count + 2;
    proto->input = inputs;
    proto->n_input = input_count + 1;
    proto->output[0]->name = result;
    status = read_with_image(files, SIZE_MAX, graph);
    proto->node = nodes_before;
    proto->n_node = node_count;
    proto->input = before;
    proto->n_input = input_count;
    proto->output[0]->name = output;
    return status;
}

/* ---- results ------------------------------------------------------------------------------- */

typedef enum sf_verdict { PASSED, REFUSED, WRONG } sf_verdict;

typedef struct sf_trial {
    char reason[400];
    double *x, *expected;
    sf_shape image, shape;
    size_t count, expected_count;
    double tolerance;
    bool exact_shape;
} sf_trial;

static sf_verdict say(sf_trial *t, sf_verdict verdict, const char *what, double a, double b)
{
    (void)snprintf(t->reason, sizeof t->reason, "%s: %.9g, not %.9g", what, a, b);
    return verdict;
}

static sf_verdict refuse(sf_trial *t)
{
    (void)snprintf(t->reason, sizeof t->reason, "%s", sf_last_error());
    return REFUSED;
}

static double scale_of(const double *values, size_t count)
{
    double largest = 1.0;

    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) largest = fmax(largest, fabs(values[i]));
    return largest;
}

static sf_verdict check_shape(sf_trial *t, const sf_shape *shape)
{
    char a[160], b[160];
    const bool fits = t->exact_shape ? sf_shape_equal(shape, &t->shape)
                                     : sf_shape_count(shape) == t->expected_count;

    if (fits) return PASSED;
    (void)snprintf(t->reason, sizeof t->reason, "shape %s, not %s",
                   sf_shape_text(shape, a, sizeof a), sf_shape_text(&t->shape, b, sizeof b));
    return WRONG;
}

static sf_verdict check_numbers(sf_trial *t, const char *what, const double *got)
{
    const double tolerance = t->tolerance * scale_of(t->expected, t->expected_count);

    for (size_t i = 0; i < t->expected_count; i++)
        if (!(fabs(got[i] - t->expected[i]) <= tolerance) && isfinite(t->expected[i]))
            return say(t, WRONG, what, got[i], t->expected[i]);
    return PASSED;
}

static sf_verdict check_reference(sf_trial *t, const sf_graph *graph)
{
    double *y;
    sf_shape shape;
    sf_verdict verdict;

    if (sf_reference_forward(graph, &t->image, t->x, NULL, NULL, &y, &shape) != SF_OK)
        return refuse(t);
    verdict = check_shape(t, &shape);
    if (verdict == PASSED) verdict = check_numbers(t, "reference", y);
    sf_free(y);
    return verdict;
}

static void fill_input(const sf_trial *t, sf_engine *engine)
{
    for (size_t i = 0; i < t->count; i++) sf_engine_input(engine, 0)[i] = (float)t->x[i];
}

static sf_verdict check_engine(sf_trial *t, const sf_graph *graph)
{
    const sf_engine_options options = {.training = false};
    sf_engine *engine;
    double *wide;
    sf_verdict verdict;

    if (sf_engine_create(graph, &t->image, &options, &engine) != SF_OK) return refuse(t);
    fill_input(t, engine);
    assert_ok(sf_engine_forward(engine));
    assert_ok(sf_allocate(&wide, t->expected_count, sizeof *wide));
    verdict = check_shape(t, sf_engine_output_shape(engine));
    for (size_t i = 0; verdict == PASSED && i < t->expected_count; i++)
        wide[i] = (double)sf_engine_output(engine)[i];
    if (verdict == PASSED) verdict = check_numbers(t, "engine", wide);
    sf_free(wide);
    sf_engine_release(&engine);
    return verdict;
}

/* ---- derivatives --------------------------------------------------------------------------- */

static double weight(size_t i) { return cos(1.7 * (double)i + 0.3); }

/* sum of weight(i) y[i] with one input number moved. */
static double weighted(const sf_trial *t, const sf_graph *graph, size_t at, double step)
{
    double *y, sum = 0.0;
    sf_shape shape;

    t->x[at] += step;
    assert_ok(sf_reference_forward(graph, &t->image, t->x, NULL, NULL, &y, &shape));
    t->x[at] -= step;
    for (size_t i = 0; i < t->expected_count; i++) sum += weight(i) * y[i];
    sf_free(y);
    return sum;
}

static sf_verdict check_differences(sf_trial *t, const sf_graph *graph, const double *gradient)
{
    const double scale = scale_of(gradient, t->count);

    for (size_t k = 0; k < PROBES; k++) {
        const size_t at = (k * 7919 + 3) % t->count;
        const double h = 1e-5;
        const double wide = (weighted(t, graph, at, h) - weighted(t, graph, at, -h)) / (2.0 * h);

        if (fabs(t->x[at]) < 2.0 * h) continue; /* where many have a corner */
        if (isfinite(wide) && !(fabs(wide - gradient[at]) <= 1e-5 * scale))
            return say(t, WRONG, "reference's gradient", gradient[at], wide);
    }
    return PASSED;
}

static sf_verdict compare_gradients(sf_trial *t, const sf_engine *engine, const double *gradient)
{
    const double tolerance = 3e-5 * scale_of(gradient, t->count);
    const float *got = sf_engine_input_gradient(engine);

    for (size_t i = 0; i < t->count; i++) {
        const double mine = got == NULL ? 0.0 : (double)got[i];

        if (isfinite(gradient[i]) && !(fabs(mine - gradient[i]) <= tolerance))
            return say(t, WRONG, "engine's gradient", mine, gradient[i]);
    }
    return PASSED;
}

static sf_verdict check_gradient(sf_trial *t, const sf_graph *graph)
{
    const sf_engine_options options = {.training = true, .input_gradient = true, .frozen = true};
    double *wide, *gradient;
    float *narrow;
    sf_engine *engine;
    sf_verdict verdict;

    if (sf_engine_create(graph, &t->image, &options, &engine) != SF_OK) return refuse(t);
    assert_ok(sf_allocate(&wide, t->expected_count, sizeof *wide));
    assert_ok(sf_allocate(&narrow, t->expected_count, sizeof *narrow));
    assert_ok(sf_allocate(&gradient, t->count, sizeof *gradient));
    for (size_t i = 0; i < t->expected_count; i++) {
        narrow[i] = (float)weight(i);
        wide[i] = weight(i);
    }
    fill_input(t, engine);
    assert_ok(sf_engine_forward(engine));
    assert_ok(sf_engine_backward(engine, narrow));
    assert_ok(sf_reference_backward(graph, &t->image, t->x, NULL, NULL, wide, gradient, NULL));
    verdict = compare_gradients(t, engine, gradient);
    if (verdict == PASSED) verdict = check_differences(t, graph, gradient);
    sf_free(wide);
    sf_free(narrow);
    sf_free(gradient);
    sf_engine_release(&engine);
    return verdict;
}

/* ---- one case ------------------------------------------------------------------------------ */

static bool is_real(const Onnx__TensorProto *tensor)
{
    return tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
}

static sf_verdict check_graph(sf_trial *t, sf_graph *graph, bool derivative)
{
    sf_verdict verdict = check_reference(t, graph);

    if (verdict == PASSED && sf_graph_simplify(graph) != SF_OK) return refuse(t);
    if (verdict == PASSED) verdict = check_engine(t, graph);
    if (verdict == PASSED && derivative) verdict = check_gradient(t, graph);
    return verdict;
}

static sf_verdict run_image(const sf_files *files, size_t image, sf_trial *t)
{
    sf_graph *graph;
    sf_verdict verdict;

    t->exact_shape = true;
    t->x = numbers_of(files->input[image], &t->image, &t->count);
    if (t->x == NULL) return refuse(t);
    if (t->count == 0) return say(t, REFUSED, "numbers", 0.0, 1.0);
    if (read_with_image(files, image, &graph) != SF_OK) return refuse(t);
    verdict = check_graph(t, graph, true);
    sf_graph_release(&graph);
    return verdict;
}

static sf_verdict run_constants(const sf_files *files, sf_trial *t)
{
    sf_graph *graph;
    sf_verdict verdict;

    t->exact_shape = false;
    t->image = (sf_shape){.rank = 1, .dim = {1}};
    t->count = 1;
    assert_ok(sf_allocate(&t->x, 1, sizeof *t->x));
    t->x[0] = 1.0;
    if (t->expected_count == 0) return say(t, REFUSED, "numbers", 0.0, 1.0);
    if (read_without_image(files, &graph) != SF_OK) return refuse(t);
    verdict = check_graph(t, graph, false);
    sf_graph_release(&graph);
    return verdict;
}

static bool is_rounded(const sf_files *files, const char *name)
{
    return strstr(name, "FLOAT16") != NULL || strstr(name, "window") != NULL ||
           files->output->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
}

/* Each real input in turn; what is refused as an image may be well as a constant. */
static sf_verdict run_case(const sf_files *files, const char *name, char *reason, size_t room)
{
    sf_verdict best = REFUSED;
    bool said = false;

    for (size_t i = 0; i <= files->inputs && best != WRONG; i++) {
        sf_trial t = {.tolerance = is_rounded(files, name) ? ROUNDED : TOLERANCE};
        sf_verdict verdict;

        if (i < files->inputs && !is_real(files->input[i])) continue;
        if (i == files->inputs && best == PASSED) continue;
        t.expected = numbers_of(files->output, &t.shape, &t.expected_count);
        verdict = t.expected == NULL  ? refuse(&t)
                  : i < files->inputs ? run_image(files, i, &t)
                                      : run_constants(files, &t);
        if (verdict == WRONG || (verdict == REFUSED && !said)) {
            (void)snprintf(reason, room, "%s", t.reason);
            said = true;
        }
        if (verdict != REFUSED) best = verdict;
        sf_free(t.x);
        sf_free(t.expected);
    }
    return best;
}

static bool is_supported(const char *name)
{
    if (strcmp(name, "Upsample") == 0) return true;
    for (sf_op op = 0; op < SF_OP_COUNT; op++)
        if (strcmp(sf_op_name(op), name) == 0) return true;
    return false;
}

static bool all_supported(const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_node; i++)
        if (!is_supported(graph->node[i]->op_type)) return false;
    for (size_t i = 0; i < graph->n_input; i++)
        if (type_of(graph->input[i]) == NULL) return false;
    return true;
}

typedef struct sf_tally {
    size_t passed, refused, wrong;
} sf_tally;

/* Its result follows from a length that is no integer (2.4 pixels); ONNX Runtime, too, has another
 * one, and later editions of the case are refused by none. */
static const char wrong_case[] = "test_resize_downsample_scales_linear_align_corners";

static void count_case(const char *folder, const char *name, bool list, sf_tally *tally)
{
    char reason[400] = "";
    sf_files files;

    if (read_files(folder, &files) && all_supported(files.model->graph)) {
        const sf_verdict verdict = run_case(&files, name, reason, sizeof reason);
        const char *op = files.model->graph->node[0]->op_type;

        tally->passed += verdict == PASSED;
        tally->refused += verdict == REFUSED;
        tally->wrong += verdict == WRONG;
        if (list || verdict == WRONG)
            print_message("%s %s %s: %s\n",
                          verdict == PASSED    ? "passed"
                          : verdict == REFUSED ? "refused"
                                               : "WRONG",
                          op, name, verdict == PASSED ? "" : reason);
    }
    free_files(&files);
}

static sf_tally run_all(void)
{
    const char *list = getenv("SCOREFIELD_CONFORMANCE");
    char folder[700];
    const struct dirent *entry;
    sf_tally tally = {0};
    DIR *cases;

    cases = opendir(TEST_CASES "/node");
    assert_non_null(cases);
    while ((entry = readdir(cases)) != NULL) {
        if (strncmp(entry->d_name, "test_", 5) != 0 || strcmp(entry->d_name, wrong_case) == 0)
            continue;
        (void)snprintf(folder, sizeof folder, "%s/node/%s", TEST_CASES, entry->d_name);
        count_case(folder, entry->d_name, list != NULL, &tally);
    }
    (void)closedir(cases);
    print_message("%zu passed, %zu refused, %zu wrong\n", tally.passed, tally.refused, tally.wrong);
    return tally;
}

static void test_nodes(void **state)
{
    const sf_tally tally = run_all();

    (void)state;
    assert_int_equal(tally.wrong, 0);
    assert_true(tally.passed >= 370);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nodes)};
    DIR *cases = opendir(TEST_CASES "/node");

    if (cases == NULL) return 77; /* skipped */
    (void)closedir(cases);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
