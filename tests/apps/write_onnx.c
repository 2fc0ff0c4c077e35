/* write_onnx.c - networks of one convolution, good and bad: write_onnx KIND FILE. The bytes are
 * put together here, since no library would write the bad ones.
 *   good       y = x
 *   condition  y = the second channel, a condition: the denoiser of an image that is known; with
 *              noise levels
 *   cyclic     two nodes that wait for each other
 *   shape      the weights have two channels, the image has one
 *   huge       weights of 2^40 values, of which none is there
 *   wide       the result is padded by 2^40 pixels
 * Field numbers are those of onnx.proto. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A message in the making. */
typedef struct message {
    unsigned char bytes[1024];
    size_t size;
} message;

static void put_varint(message *m, uint64_t value)
{
    for (; value >= 128; value >>= 7) m->bytes[m->size++] = (unsigned char)(value | 128);
    m->bytes[m->size++] = (unsigned char)value;
}

static void put_number(message *m, unsigned field, uint64_t value)
{
    put_varint(m, field << 3);
    put_varint(m, value);
}

static void put_bytes(message *m, unsigned field, const void *bytes, size_t size)
{
    put_varint(m, field << 3 | 2);
    put_varint(m, size);
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void put_text(message *m, unsigned field, const char *text)
{
    put_bytes(m, field, text, strlen(text));
}

static void put_message(message *m, unsigned field, const message *part)
{
    put_bytes(m, field, part->bytes, part->size);
}

/* float, 1 x channels x rows x columns. */
static void put_value(message *graph, unsigned field, const char *name, uint64_t channels)
{
    static const char *const symbols[] = {"rows", "columns"};
    message shape = {.size = 0}, tensor = {.size = 0}, type = {.size = 0}, value = {.size = 0};

    for (int axis = 0; axis < 4; axis++) {
        message dim = {.size = 0};

        if (axis < 2)
            put_number(&dim, 1, axis == 0 ? 1 : channels);
        else
            put_text(&dim, 2, symbols[axis - 2]);
        put_message(&shape, 1, &dim);
    }
    put_number(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

static void put_weights(message *graph, const char *kind)
{
    static const float ones[2] = {1.0F, 1.0F}, second[2] = {0.0F, 1.0F};
    const bool condition = strcmp(kind, "condition") == 0;
    const uint64_t huge = (uint64_t)1 << 20;
    const uint64_t channels = condition || strcmp(kind, "shape") == 0 ? 2 : 1;
    message tensor = {.size = 0};

    put_number(&tensor, 1, strcmp(kind, "huge") == 0 ? huge : 1);
    put_number(&tensor, 1, strcmp(kind, "huge") == 0 ? huge : channels);
    put_number(&tensor, 1, 1);
    put_number(&tensor, 1, 1);
    put_number(&tensor, 2, 1);
    put_text(&tensor, 8, "weights");
    put_bytes(&tensor, 9, condition ? second : ones, channels * sizeof *ones);
    put_message(graph, 5, &tensor);
}

/* output = Conv(input, weights), padded by so many pixels on the right. */
static void put_convolution(message *graph, const char *input, const char *output, uint64_t pad)
{
    message node = {.size = 0}, pads = {.size = 0};

    put_text(&node, 1, input);
    put_text(&node, 1, "weights");
    put_text(&node, 2, output);
    put_text(&node, 3, output);
    put_text(&node, 4, "Conv");
    put_text(&pads, 1, "pads");
    for (int side = 0; side < 4; side++) put_number(&pads, 8, side == 3 ? pad : 0);
    put_number(&pads, 20, 7);
    put_message(&node, 5, &pads);
    put_message(graph, 1, &node);
}

static void put_metadata(message *model, const char *key, const char *value)
{
    message entry = {.size = 0};

    put_text(&entry, 1, key);
    put_text(&entry, 2, value);
    put_message(model, 14, &entry);
}

int main(int argc, char **argv)
{
    message graph = {.size = 0}, opset = {.size = 0}, model = {.size = 0};

    if (argc != 3) return 2;
    const char *kind = argv[1];
    if (strcmp(kind, "cyclic") == 0) {
        put_convolution(&graph, "y", "loop", 0);
        put_convolution(&graph, "loop", "y", 0);
    } else {
        put_convolution(&graph, "x", "y", strcmp(kind, "wide") == 0 ? (uint64_t)1 << 40 : 0);
    }
    put_text(&graph, 2, "graph");
    put_weights(&graph, kind);
    put_value(&graph, 11, "x", strcmp(kind, "condition") == 0 ? 2 : 1);
    put_value(&graph, 12, "y", 1);
    put_number(&model, 1, 8);
    put_message(&model, 7, &graph);
    put_number(&opset, 2, 17);
    put_message(&model, 8, &opset);
    if (strcmp(kind, "condition") == 0) {
        put_metadata(&model, "scorefield.conditions", "1");
        put_metadata(&model, "scorefield.noise_low", "0.001");
        put_metadata(&model, "scorefield.noise_high", "10");
    }

    FILE *file = fopen(argv[2], "wb");
    if (file == NULL) return 1;
    const size_t written = fwrite(model.bytes, 1, model.size, file);
    return fclose(file) == 0 && written == model.size ? 0 : 1;
}
