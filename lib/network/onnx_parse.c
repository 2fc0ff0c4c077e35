/* onnx_parse.c - the bytes of an ONNX file as protobuf-c's structures, for bytes nobody vouches
 * for: the depth of nesting and the memory are bounded before protobuf-c can exhaust them. */
#include "network/onnx_parse.h"

#include "base/internal.h"

#define DEEPEST       32          /* messages within messages; a plain network has 6 */
#define MEMORY_FLOOR  (64u << 20) /* bytes any file may take */
#define MEMORY_FACTOR 12          /* and this many times its own size */

/* A base-128 number; false at the end of the bytes. */
static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (*at == end) return false;
        *value |= (uint64_t)(**at & 0x7f) << shift;
        if ((*(*at)++ & 0x80) == 0) return true;
    }
    return false;
}

/* Walks one message as its descriptor says: false when it is cut off or nested too deeply. */
// NOLINTNEXTLINE(misc-no-recursion): no deeper than DEEPEST
static bool walk(const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end,
                 int depth)
{
    static const size_t fixed[] = {[1] = 8, [5] = 4};

    if (depth > DEEPEST) return false;
    while (at < end) {
        uint64_t tag, length;

        if (!read_varint(&at, end, &tag) || tag >> 3 > UINT32_MAX) return false;
        switch (tag & 7) {
        case 0:
            if (!read_varint(&at, end, &length)) return false;
            break;
        case 1:
        case 5:
            if ((size_t)(end - at) < fixed[tag & 7]) return false;
            at += fixed[tag & 7];
            break;
        case 2: {
            const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));

            if (!read_varint(&at, end, &length) || length > (uint64_t)(end - at)) return false;
            if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE &&
                !walk(field->descriptor, at, at + length, depth + 1))
                return false;
            at += length;
            break;
        }
        default: return false;
        }
    }
    return true;
}

typedef struct sf_budget {
    size_t left;
} sf_budget;

static void *budget_allocate(void *user, size_t size)
{
    sf_budget *budget = user;
    void *memory;

    if (size > SIZE_MAX / 2 || size + 64 > budget->left) return NULL;
    budget->left -= size + 64; /* what a small block really takes */
    return sf_allocate(&memory, size, 1) == SF_OK ? memory : NULL;
}

static void budget_free(void *user, void *memory)
{
    (void)user;
    sf_free(memory);
}

sf_status sf_onnx_parse(const void *bytes, size_t size, const char *name, Onnx__ModelProto **model)
{
    sf_budget budget = {size > (SIZE_MAX - MEMORY_FLOOR) / MEMORY_FACTOR
                            ? SIZE_MAX
                            : size * MEMORY_FACTOR + MEMORY_FLOOR};
    ProtobufCAllocator allocator = {budget_allocate, budget_free, &budget};

    *model = NULL;
    if (size == 0) return sf_fail(SF_ERR_FORMAT, "%s is empty", name);
    if (!walk(&onnx__model_proto__descriptor, bytes, (const uint8_t *)bytes + size, 0))
        return sf_fail(SF_ERR_FORMAT,
                       "%s is no ONNX file, or it is cut off: %zu bytes do not parse", name, size);
    *model = onnx__model_proto__unpack(&allocator, size, bytes);
    if (*model == NULL)
        return sf_fail(SF_ERR_FORMAT, "%s is no ONNX file: its %zu bytes do not parse", name, size);
    return SF_OK;
}

void sf_onnx_parse_release(Onnx__ModelProto *model)
{
    sf_budget budget = {0};
    ProtobufCAllocator allocator = {budget_allocate, budget_free, &budget};

    if (model != NULL) onnx__model_proto__free_unpacked(model, &allocator);
}
