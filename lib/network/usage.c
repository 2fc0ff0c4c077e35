/* usage.c - how a network is used, to and from the metadata entries "scorefield.*". */
#include "network/usage.h"

#include "base/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LARGEST        65536.0 /* margin, multiple: pixels; conditions */
#define LARGEST_STRIDE 64      /* up to which `multiple` is looked for */

typedef enum sf_kind { KIND_WORD, KIND_COUNT, KIND_NUMBER } sf_kind;

static const char *const noise_words[] = {
    [SF_NOISE_NONE] = "none", [SF_NOISE_CHANNEL] = "channel", [SF_NOISE_SECOND] = "second", NULL};
static const char *const prediction_words[] = {[SF_PREDICT_CLEAN] = "clean",
                                               [SF_PREDICT_NOISE] = "noise",
                                               [SF_PREDICT_RESIDUAL] = "residual",
                                               NULL};
static const char *const padding_words[] = {[SF_PADDING_ZERO] = "zero",
                                            [SF_PADDING_REPLICATE] = "replicate",
                                            [SF_PADDING_REFLECT] = "reflect",
                                            [SF_PADDING_CIRCULAR] = "circular",
                                            NULL};
static const char *const flag_words[] = {"false", "true", NULL};

/* Every entry as a number: a word stands for its place in the list. */
typedef struct sf_entry {
    const char *key;
    const char *const *words;
    double least; /* and finite; words: 0 */
    sf_kind kind;
    bool open; /* least itself is excluded */
} sf_entry;

enum {
    NOISE,
    PREDICTION,
    PADDING,
    MARGIN,
    MULTIPLE,
    VALUE,
    LEVEL,
    SIGMA,
    HOMOGENEOUS,
    LOW,
    HIGH,
    CONDITIONS,
    STORED, /* so many are in a file */
    BF16 = STORED,
    ENTRIES
};

static const sf_entry entries[ENTRIES] = {
    [NOISE] = {"scorefield.noise_input", noise_words, 0, KIND_WORD, false},
    [PREDICTION] = {"scorefield.prediction", prediction_words, 0, KIND_WORD, false},
    [PADDING] = {"scorefield.padding", padding_words, 0, KIND_WORD, false},
    [MARGIN] = {"scorefield.margin", NULL, 0, KIND_COUNT, false},
    [MULTIPLE] = {"scorefield.multiple", NULL, 1, KIND_COUNT, false},
    [VALUE] = {"scorefield.value_scale", NULL, 0, KIND_NUMBER, true},
    [LEVEL] = {"scorefield.noise_scale", NULL, 0, KIND_NUMBER, true},
    [SIGMA] = {"scorefield.fixed_sigma", NULL, 0, KIND_NUMBER, false},
    [HOMOGENEOUS] = {"scorefield.homogeneous", flag_words, 0, KIND_WORD, false},
    [LOW] = {"scorefield.noise_low", NULL, 0, KIND_NUMBER, false},
    [HIGH] = {"scorefield.noise_high", NULL, 0, KIND_NUMBER, false},
    [CONDITIONS] = {"scorefield.conditions", NULL, 0, KIND_COUNT, false},
    [BF16] = {"scorefield.bf16", flag_words, 0, KIND_WORD, false},
};

sf_model_usage sf_model_usage_default(void)
{
    return (sf_model_usage){.noise_input = SF_NOISE_NONE,
                            .prediction = SF_PREDICT_CLEAN,
                            .padding = SF_PADDING_ZERO,
                            .multiple = 1,
                            .value_scale = 1.0,
                            .noise_scale = 1.0};
}

static void to_numbers(const sf_model_usage *usage, double number[ENTRIES])
{
    number[NOISE] = (double)usage->noise_input;
    number[PREDICTION] = (double)usage->prediction;
    number[PADDING] = (double)usage->padding;
    number[MARGIN] = (double)usage->margin;
    number[MULTIPLE] = (double)usage->multiple;
    number[VALUE] = usage->value_scale;
    number[LEVEL] = usage->noise_scale;
    number[SIGMA] = usage->fixed_sigma;
    number[HOMOGENEOUS] = usage->homogeneous ? 1.0 : 0.0;
    number[LOW] = usage->noise_low;
    number[HIGH] = usage->noise_high;
    number[CONDITIONS] = (double)usage->conditions;
    number[BF16] = usage->bf16 ? 1.0 : 0.0;
}

static void from_numbers(const double number[ENTRIES], sf_model_usage *usage)
{
    usage->noise_input = (sf_noise_input)number[NOISE];
    usage->prediction = (sf_prediction)number[PREDICTION];
    usage->padding = (sf_padding)number[PADDING];
    usage->margin = (size_t)number[MARGIN];
    usage->multiple = (size_t)number[MULTIPLE];
    usage->value_scale = number[VALUE];
    usage->noise_scale = number[LEVEL];
    usage->fixed_sigma = number[SIGMA];
    usage->homogeneous = number[HOMOGENEOUS] != 0.0;
    usage->noise_low = number[LOW];
    usage->noise_high = number[HIGH];
    usage->conditions = (size_t)number[CONDITIONS];
    usage->bf16 = number[BF16] != 0.0;
}

static bool in_range(const sf_entry *entry, double number)
{
    if (!isfinite(number) || number < entry->least) return false;
    if (entry->open && number == entry->least) return false;
    if (entry->kind == KIND_NUMBER) return true;
    if (number != floor(number) || number > LARGEST) return false;
    if (entry->words == NULL) return true;
    for (size_t i = 0; entry->words[i] != NULL; i++)
        if (number == (double)i) return true;
    return false;
}

static bool parse(const sf_entry *entry, const char *text, double *number)
{
    char *end;

    if (entry->words != NULL) {
        for (size_t i = 0; entry->words[i] != NULL; i++)
            if (strcmp(text, entry->words[i]) == 0) {
                *number = (double)i;
                return true;
            }
        return false;
    }
    *number = sf_text_to_number(text, &end);
    return end != text && *end == '\0' && in_range(entry, *number);
}

/* The entry of that name, with or without "scorefield." before it; NULL if there is none. */
static const sf_entry *find_entry(const char *name, size_t length)
{
    const size_t prefix = sizeof "scorefield." - 1;

    for (size_t i = 0; i < ENTRIES; i++) {
        const char *const key = entries[i].key, *const last = key + prefix;

        if (strlen(last) == length && strncmp(name, last, length) == 0) return &entries[i];
        if (strlen(key) == length && strncmp(name, key, length) == 0) return &entries[i];
    }
    return NULL;
}

/* "prediction=noise" into the numbers. */
static sf_status parse_assignment(const char *text, double number[ENTRIES])
{
    const char *equals = strchr(text, '=');
    const sf_entry *entry = NULL;

    if (equals != NULL) entry = find_entry(text, (size_t)(equals - text));
    if (entry == NULL)
        return sf_fail(SF_ERR_ARGUMENT,
                       "'%.60s' does not say how a network is used: give noise_input, prediction, "
                       "padding, margin, multiple, value_scale, noise_scale, fixed_sigma, "
                       "homogeneous, noise_low, noise_high, conditions or bf16, as NAME=VALUE",
                       text);
    if (!parse(entry, equals + 1, &number[entry - entries]))
        return sf_fail(SF_ERR_ARGUMENT, "'%.60s': '%.60s' is no valid value", text, equals + 1);
    return SF_OK;
}

sf_status sf_model_usage_parse(const char *text, sf_model_usage *usage)
{
    double number[ENTRIES];
    char *copy, *rest = NULL;
    sf_status status;

    to_numbers(usage, number);
    SF_TRY(sf_copy_text(text, &copy));
    status = SF_OK;
    for (char *part = strtok_r(copy, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest))
        SF_GO(parse_assignment(part, number));
    from_numbers(number, usage);
done:
    sf_free(copy);
    return status;
}

static const char *find(const sf_graph *graph, const char *key)
{
    for (size_t i = 0; i < graph->metadata_count; i++)
        if (strcmp(graph->metadata[i].key, key) == 0) return graph->metadata[i].value;
    return NULL;
}

size_t sf_usage_planes(const sf_model_usage *usage)
{
    return (usage->noise_input == SF_NOISE_CHANNEL ? 2 : 1) + usage->conditions;
}

size_t sf_usage_channels(const sf_graph *graph, const sf_model_usage *usage)
{
    const sf_shape *image = &graph->value[graph->input[0]].shape;

    if (image->rank == 4 && image->dim[1] != 0) return image->dim[1];
    return sf_usage_planes(usage);
}

/* Whether images of n x n pixels come out with their size. */
static sf_status fits(const sf_graph *graph, size_t channels, size_t n)
{
    const sf_shape image = {.rank = 4, .dim = {1, channels, n, n}};
    sf_graph *resolved;
    char text[160];
    sf_shape out;

    SF_TRY(sf_graph_resolve(graph, &image, NULL, &resolved));
    out = resolved->value[resolved->output].shape;
    sf_graph_release(&resolved);
    if (out.rank != 4 || out.dim[0] != 1 || out.dim[2] != n || out.dim[3] != n)
        return sf_fail(
            SF_ERR_SHAPE,
            "an image of %zux%zu pixels comes out with shape %s: a denoiser keeps the size", n, n,
            sf_shape_text(&out, text, sizeof text));
    return SF_OK;
}

/* The smallest m = 1, 2, 4, ... 64 such that every multiple of m is a size that works: all
 * remainders modulo 64 are tried, well above a window's size. */
static sf_status find_multiple(const sf_graph *graph, sf_model_usage *usage)
{
    const sf_shape *image = &graph->value[graph->input[0]].shape;
    const size_t channels = sf_usage_channels(graph, usage), base = (size_t)8 * LARGEST_STRIDE;
    sf_status status = SF_OK;

    if (image->rank == 4 && (image->dim[2] != 0 || image->dim[3] != 0)) return SF_OK;
    for (size_t m = 1; m <= LARGEST_STRIDE; m *= 2) {
        status = SF_OK;
        for (size_t shift = 0; shift < LARGEST_STRIDE && status == SF_OK; shift += m)
            status = fits(graph, channels, base + shift);
        usage->multiple = m;
        if (status == SF_OK) break;
    }
    return status;
}

sf_status sf_usage_read(const sf_graph *graph, sf_model_usage *usage)
{
    double number[ENTRIES];

    *usage = sf_model_usage_default();
    if (graph->input_count == 2) usage->noise_input = SF_NOISE_SECOND;
    to_numbers(usage, number);
    for (size_t i = 0; i < STORED; i++) {
        const char *text = find(graph, entries[i].key);

        if (text != NULL && !parse(&entries[i], text, &number[i]))
            return sf_fail(SF_ERR_FORMAT,
                           "the metadata entry %s is '%.60s', which is no valid value",
                           entries[i].key, text);
    }
    from_numbers(number, usage);
    if ((usage->noise_input == SF_NOISE_SECOND) != (graph->input_count == 2))
        return sf_fail(SF_ERR_FORMAT,
                       "the metadata entry %s is '%s', but the network has %zu inputs",
                       entries[NOISE].key, noise_words[usage->noise_input], graph->input_count);
    if (find(graph, entries[MULTIPLE].key) != NULL) return SF_OK;
    return find_multiple(graph, usage);
}

sf_status sf_usage_write(const sf_model_usage *usage, sf_graph *graph)
{
    double number[ENTRIES];
    char text[64];

    to_numbers(usage, number);
    for (size_t i = 0; i < STORED; i++) {
        if (!in_range(&entries[i], number[i]))
            return sf_fail(SF_ERR_ARGUMENT, "the usage's %s is %g, which is out of range",
                           entries[i].key, number[i]);
        sf_number_to_text(number[i], text, sizeof text);
        SF_TRY(sf_graph_set_metadata(
            graph, entries[i].key,
            entries[i].words == NULL ? text : entries[i].words[(size_t)number[i]]));
    }
    return SF_OK;
}
