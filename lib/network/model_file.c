/* model_file.c - models from and to ONNX files. */
#include "base/internal.h"
#include "io/output.h"
#include "network/graph.h"
#include "network/onnx_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LARGEST_FILE ((size_t)2 << 30) /* protobuf's own limit */

/* The whole of a plain file (sf_free). */
static sf_status read_file(const char *path, int file, void **bytes, size_t *size)
{
    struct stat info;
    size_t done = 0;

    if (fstat(file, &info) != 0) return sf_fail(SF_ERR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) return sf_fail(SF_ERR_IO, "%s is no plain file", path);
    if ((uintmax_t)info.st_size > LARGEST_FILE)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s has %jd bytes; an ONNX file has at most 2 GiB", path,
                       (intmax_t)info.st_size);
    *size = (size_t)info.st_size;
    SF_TRY(sf_allocate(bytes, *size, 1));
    while (done < *size) {
        const ssize_t got = read(file, (char *)*bytes + done, *size - done);

        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return sf_fail(SF_ERR_IO, "%s: %s", path,
                           got < 0 ? strerror(errno) : "became shorter while it was read");
        done += (size_t)got;
    }
    return SF_OK;
}

/* Takes the graph. */
static sf_status make_model(sf_graph *graph, const char *name, sf_model **model)
{
    const sf_status status = sf_model_from_graph(graph, model);

    return status == SF_OK ? SF_OK : sf_fail(status, "%s: %s", name, sf_last_error());
}

/* The weights are in memory twice at most: as the file and as protobuf-c's structures, then as
 * these and as the graph. */
sf_status sf_model_load(const char *path, sf_model **model)
{
    Onnx__ModelProto *structures = NULL;
    void *bytes = NULL;
    sf_graph *graph = NULL;
    size_t size = 0;
    sf_status status;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *model = NULL;
    if (file < 0) return sf_fail(SF_ERR_IO, "%s: %s", path, strerror(errno));
    status = read_file(path, file, &bytes, &size);
    (void)close(file);
    if (status == SF_OK) status = sf_onnx_parse(bytes, size, path, &structures);
    sf_free(bytes);
    if (status == SF_OK) status = sf_onnx_external(structures, path);
    if (status == SF_OK) status = sf_onnx_graph(structures, path, &graph);
    sf_onnx_parse_release(structures);
    return status == SF_OK ? make_model(graph, path, model) : status;
}

sf_status sf_model_load_memory(const void *bytes, size_t size, const char *name, sf_model **model)
{
    sf_graph *graph;

    *model = NULL;
    SF_TRY(sf_onnx_read(bytes, size, name, &graph));
    return make_model(graph, name, model);
}

sf_status sf_model_save(const sf_model *model, const char *path)
{
    void *bytes;
    size_t size;
    sf_status status;

    SF_TRY(sf_onnx_write(sf_model_graph(model), &bytes, &size));
    status = sf_output_file(path, true, bytes, size);
    sf_free(bytes);
    return status;
}
