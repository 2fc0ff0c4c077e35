/* onnx_external.c - weights that lie in files beside the model. Their names come from a file that
 * nobody vouches for: they lead to plain files in the model's own folder or below, through no
 * symbolic link, and what is read is bounded by what is there. */
#include "base/internal.h"
#include "network/onnx_parse.h"
#include "network/onnx_tensor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHARING 4 /* how often a file's bytes may be read altogether */

typedef struct sf_beside {
    const char *path; /* of the model */
    int folder;
    size_t read; /* bytes */
} sf_beside;

typedef struct sf_region {
    const char *name;
    size_t offset, length;
    bool has_length;
} sf_region;

static const char *text_of(const char *text) { return text == NULL ? "" : text; }

static sf_status refuse(const sf_beside *b, const Onnx__TensorProto *t, sf_status status,
                        const char *where, const char *why)
{
    return sf_fail(status, "%s: the weight '%.80s' lies in '%.200s', %s", b->path, text_of(t->name),
                   where, why);
}

static bool parse_size(const char *text, size_t *size)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    *size = (size_t)value;
    return errno == 0 && end != text && *end == '\0' && text[0] != '-' && value < SIZE_MAX / 4;
}

static sf_status read_region(const sf_beside *b, const Onnx__TensorProto *t, sf_region *region)
{
    bool right = true;

    *region = (sf_region){.name = ""};
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = text_of(t->external_data[i]->key);
        const char *value = text_of(t->external_data[i]->value);

        if (strcmp(key, "location") == 0) region->name = value;
        if (strcmp(key, "offset") == 0) right &= parse_size(value, &region->offset);
        if (strcmp(key, "length") == 0) right &= parse_size(value, &region->length);
        region->has_length |= strcmp(key, "length") == 0;
    }
    if (region->name[0] == '\0')
        return refuse(b, t, SF_ERR_FORMAT, "", "in another file that is not named");
    return right ? SF_OK
                 : refuse(b, t, SF_ERR_FORMAT, region->name,
                          "at an offset or of a length that is "
                          "no number");
}

/* Opens `name` in the folder, one folder after the other, following no link. */
static sf_status open_beside(const sf_beside *b, const Onnx__TensorProto *t, const char *name,
                             int *file)
{
    int folder = dup(b->folder);
    const char *rest = name;

    *file = -1;
    while (folder >= 0 && *file < 0) {
        const size_t length = strcspn(rest, "/");
        const bool last = rest[length] == '\0';
        char part[256];
        int next;

        if (length == 1 && rest[0] == '.' && !last) {
            rest += 2;
            continue;
        }
        if (length == 0 || length >= sizeof part || strncmp(rest, "..", length) == 0) {
            (void)close(folder); /* "." and ".." too */
            return refuse(b, t, SF_ERR_FORMAT, name,
                          "which is no name of a file in the model's own folder");
        }
        memcpy(part, rest, length);
        part[length] = '\0';
        next = openat(folder, part,
                      O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY));
        (void)close(folder);
        folder = last ? -1 : next;
        if (next < 0)
            return refuse(b, t, SF_ERR_IO, name,
                          errno == ELOOP || errno == ENOTDIR
                              ? "which goes through a symbolic link: put the file itself into the "
                                "model's folder"
                              : strerror(errno));
        if (last) *file = next;
        rest += length + 1;
    }
    return *file >= 0 ? SF_OK : refuse(b, t, SF_ERR_IO, name, strerror(errno));
}

/* How many bytes the tensor's dimensions ask for. */
static sf_status find_length(const sf_beside *b, const Onnx__TensorProto *t, sf_region *region)
{
    size_t bytes = sf_literal_number_bytes(t->data_type);

    for (size_t i = 0; i < t->n_dims; i++)
        if (t->dims[i] < 0 || !sf_multiply_sizes(bytes, (size_t)t->dims[i], &bytes))
            bytes = SIZE_MAX;
    if (bytes == SIZE_MAX || (region->has_length && region->length != bytes))
        return refuse(b, t, SF_ERR_FORMAT, region->name,
                      "where it has another length than its dimensions say");
    region->length = bytes;
    return SF_OK;
}

static sf_status check_file(sf_beside *b, const Onnx__TensorProto *t, const sf_region *region,
                            int file)
{
    struct stat info;

    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode))
        return refuse(b, t, SF_ERR_IO, region->name, "which is no plain file");
    if ((uintmax_t)region->offset + region->length > (uintmax_t)info.st_size)
        return refuse(b, t, SF_ERR_FORMAT, region->name, "which is too short for it");
    b->read += region->length;
    if (b->read / SHARING > (uintmax_t)info.st_size)
        return refuse(b, t, SF_ERR_FORMAT, region->name,
                      "whose bytes the model uses too many times");
    return SF_OK;
}

static sf_status read_at(const sf_beside *b, const Onnx__TensorProto *t, const sf_region *region,
                         int file, uint8_t *bytes)
{
    size_t done = 0;

    while (done < region->length) {
        const ssize_t got =
            pread(file, bytes + done, region->length - done, (off_t)(region->offset + done));

        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return refuse(b, t, SF_ERR_IO, region->name,
                          got < 0 ? strerror(errno) : "which became shorter while it was read");
        done += (size_t)got;
    }
    return SF_OK;
}

/* The tensor's bytes move in, as if they had been in the model. */
static sf_status load_tensor(sf_beside *b, Onnx__TensorProto *t)
{
    uint8_t *bytes = NULL;
    sf_region region;
    sf_status status;
    int file = -1;

    if (t->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) return SF_OK;
    SF_GO(read_region(b, t, &region));
    SF_GO(find_length(b, t, &region));
    SF_GO(open_beside(b, t, region.name, &file));
    SF_GO(check_file(b, t, &region, file));
    SF_GO(sf_allocate(&bytes, region.length, 1));
    SF_GO(read_at(b, t, &region, file, bytes));
    if (t->has_raw_data) sf_free(t->raw_data.data);
    t->has_raw_data = 1;
    t->raw_data.data = bytes;
    t->raw_data.len = region.length;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
    bytes = NULL;
done:
    if (file >= 0) (void)close(file);
    sf_free(bytes);
    return status;
}

static sf_status load_all(sf_beside *b, Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_initializer; i++) SF_TRY(load_tensor(b, graph->initializer[i]));
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_attribute; k++)
            if (graph->node[i]->attribute[k]->t != NULL)
                SF_TRY(load_tensor(b, graph->node[i]->attribute[k]->t));
    return SF_OK;
}

static sf_status open_folder(const char *path, int *folder)
{
    const char *slash = strrchr(path, '/');
    char *name;

    SF_TRY(sf_copy_text(slash == NULL ? "." : path, &name));
    if (slash != NULL) name[slash - path + 1] = '\0';
    *folder = open(name, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    sf_free(name);
    return *folder >= 0 ? SF_OK : sf_fail(SF_ERR_IO, "%s: its folder: %s", path, strerror(errno));
}

sf_status sf_onnx_external(Onnx__ModelProto *model, const char *path)
{
    sf_beside beside = {.path = path};
    sf_status status;

    if (model->graph == NULL) return SF_OK;
    SF_TRY(open_folder(path, &beside.folder));
    status = load_all(&beside, model->graph);
    (void)close(beside.folder);
    return status;
}
