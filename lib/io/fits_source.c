/* fits_source.c - the bytes of a FITS file: path and brackets, plain files, gzip.
 *
 * The path never reaches CFITSIO's own parser, so that network addresses, pipes, filters and the
 * rest of its extended file names do not exist here. Gzipped files are inflated by this file and
 * not by CFITSIO, which believes the length that the file claims. */
#include "io/fits_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Whether the path names a file as it stands, brackets and all. */
static bool file_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

/* "a.fits[SCI,2]" -> "a.fits", "SCI,2"; without brackets the selector stays NULL. */
static sf_status split_path(const char *path, char **file, char **selector)
{
    const size_t length = strlen(path);
    const char *open = strrchr(path, '[');

    if (open == NULL || open == path || path[length - 1] != ']' || file_exists(path))
        return sf_copy_text(path, file);
    SF_TRY(sf_copy_text(path, file));
    (*file)[open - path] = '\0';
    SF_TRY(sf_copy_text(open + 1, selector));
    (*selector)[strlen(*selector) - 1] = '\0';
    return SF_OK;
}

static sf_status open_regular(sf_fits_source *source)
{
    struct stat info;

    /* Without O_NONBLOCK the opening of a FIFO would wait for its other end. */
    source->fd = open(source->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (source->fd < 0)
        return sf_fail(SF_ERR_IO, "%s: cannot be opened: %s", source->path, strerror(errno));
    if (fstat(source->fd, &info) != 0)
        return sf_fail(SF_ERR_IO, "%s: cannot be examined: %s", source->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return sf_fail(SF_ERR_IO, "%s: is %s, not a file", source->path,
                       S_ISDIR(info.st_mode) ? "a folder" : "a device or a pipe");
    source->bytes = (size_t)info.st_size;
    return SF_OK;
}

sf_status sf_fits_source_read(const sf_fits_source *source, size_t offset, size_t size, void *bytes)
{
    char *target = bytes;

    if (source->memory != NULL) {
        memcpy(target, source->memory + offset, size);
        return SF_OK;
    }
    while (size > 0) {
        const ssize_t got = pread(source->fd, target, size, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            return sf_fail(SF_ERR_IO, "%s: cannot be read at byte %zu: %s", source->path, offset,
                           got < 0 ? strerror(errno) : "the file has become shorter");
        target += got;
        offset += (size_t)got;
        size -= (size_t)got;
    }
    return SF_OK;
}

/* ---- gzip ---------------------------------------------------------------------------------- */

bool sf_gzip_length(const unsigned char *stream, size_t size, size_t limit, size_t *length)
{
    unsigned char sink[16384];
    z_stream z = {0};
    int code = Z_OK;

    *length = 0;
    if (size > UINT32_MAX || inflateInit2(&z, 15 + 32) != Z_OK) return false;
    z.next_in = (unsigned char *)(uintptr_t)stream; /* zlib's type lacks the const */
    z.avail_in = (uInt)size;
    while (code == Z_OK && *length <= limit) {
        z.next_out = sink;
        z.avail_out = sizeof sink;
        code = inflate(&z, Z_NO_FLUSH);
        *length += sizeof sink - z.avail_out;
    }
    inflateEnd(&z);
    return code == Z_STREAM_END && *length <= limit;
}

typedef struct gzip_reader {
    z_stream z;
    size_t offset; /* of the next compressed byte */
    unsigned char input[65536];
} gzip_reader;

/* Room for more output: doubles the memory up to the limit. */
static sf_status grow(sf_fits_source *source, size_t *capacity)
{
    unsigned char *memory;

    if (*capacity >= SF_FITS_MAX_INFLATED)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "%s: inflates to more than %zu MiB; gunzip it and give the plain file",
                       source->path, SF_FITS_MAX_INFLATED >> 20);
    *capacity = *capacity == 0 ? (size_t)1 << 20 : *capacity * 2;
    memory = realloc(source->memory, *capacity + SF_FITS_BLOCK);
    if (memory == NULL)
        return sf_fail(SF_ERR_MEMORY, "%s: no memory for %zu bytes of the inflated file",
                       source->path, *capacity);
    source->memory = memory;
    return SF_OK;
}

/* The next piece of the compressed file; a gzip file may hold several members, end to end. */
static sf_status refill(const sf_fits_source *source, size_t size, gzip_reader *reader)
{
    sf_fits_source plain = *source;
    size_t piece = size - reader->offset;

    plain.memory = NULL;
    if (piece > sizeof reader->input) piece = sizeof reader->input;
    SF_TRY(sf_fits_source_read(&plain, reader->offset, piece, reader->input));
    reader->offset += piece;
    reader->z.next_in = reader->input;
    reader->z.avail_in = (uInt)piece;
    return SF_OK;
}

static sf_status inflate_members(sf_fits_source *source, size_t size, gzip_reader *reader)
{
    size_t capacity = 0, length = 0;
    int code = Z_OK;

    for (;;) {
        size_t room;
        if (reader->z.avail_in == 0 && reader->offset < size) SF_TRY(refill(source, size, reader));
        if (code == Z_STREAM_END) {
            /* Zeros or another member may follow; anything else is padding to be ignored. */
            if (reader->z.avail_in == 0 || reader->z.next_in[0] != 0x1f) break;
            if (inflateReset(&reader->z) != Z_OK) break;
        }
        if (length == capacity) SF_TRY(grow(source, &capacity));
        room = capacity - length < UINT32_MAX ? capacity - length : UINT32_MAX;
        reader->z.next_out = source->memory + length;
        reader->z.avail_out = (uInt)room;
        code = inflate(&reader->z, Z_NO_FLUSH);
        length += room - reader->z.avail_out;
        if (code != Z_OK && code != Z_STREAM_END)
            return sf_fail(code == Z_MEM_ERROR ? SF_ERR_MEMORY : SF_ERR_FORMAT,
                           "%s: the gzip stream is %s after %zu bytes of content", source->path,
                           code == Z_BUF_ERROR ? "truncated" : "damaged", length);
    }
    source->bytes = length;
    return SF_OK;
}

static sf_status inflate_source(sf_fits_source *source)
{
    const size_t size = source->bytes;
    gzip_reader *reader = NULL;
    sf_status status;

    SF_TRY(sf_allocate(&reader, 1, sizeof *reader));
    if (inflateInit2(&reader->z, 15 + 16) != Z_OK) {
        sf_free(reader);
        return sf_fail(SF_ERR_LIBRARY, "%s: zlib cannot be started", source->path);
    }
    status = inflate_members(source, size, reader);
    inflateEnd(&reader->z);
    sf_free(reader);
    return status;
}

/* CFITSIO reads whole blocks only, and not every program pads the last one. */
static void pad(sf_fits_source *source)
{
    const size_t excess = source->bytes % SF_FITS_BLOCK;

    source->padded = source->bytes + (excess > 0 ? SF_FITS_BLOCK - excess : 0);
    memset(source->memory + source->bytes, 0, source->padded - source->bytes);
}

static sf_status load_unpadded(sf_fits_source *source)
{
    unsigned char *memory = malloc(source->bytes + SF_FITS_BLOCK);
    sf_status status;

    if (memory == NULL)
        return sf_fail(SF_ERR_MEMORY, "%s: no memory for the file's %zu bytes", source->path,
                       source->bytes);
    status = sf_fits_source_read(source, 0, source->bytes, memory);
    source->memory = memory;
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

sf_status sf_fits_source_open(const char *path, sf_fits_source *source)
{
    unsigned char magic[2] = {0, 0};
    sf_status status;

    *source = (sf_fits_source){.fd = -1};
    SF_GO(split_path(path, &source->path, &source->selector));
    SF_GO(open_regular(source));
    if (source->bytes >= sizeof magic) SF_GO(sf_fits_source_read(source, 0, sizeof magic, magic));
    if (magic[0] == 0x1f && magic[1] == 0x8b)
        SF_GO(inflate_source(source));
    else if (source->bytes % SF_FITS_BLOCK != 0)
        SF_GO(load_unpadded(source));
    if (source->memory != NULL) pad(source);
    return SF_OK;
done:
    sf_fits_source_close(source);
    return status;
}

void sf_fits_source_close(sf_fits_source *source)
{
    if (source->file != NULL) {
        int code = 0;
        sf_cfitsio_lock();
        fits_close_file(source->file, &code);
        fits_clear_errmsg();
        sf_cfitsio_unlock();
    }
    if (source->fd >= 0) close(source->fd);
    free(source->memory);
    sf_free(source->path);
    sf_free(source->selector);
    *source = (sf_fits_source){.fd = -1};
}

sf_status sf_fits_source_cfitsio(sf_fits_source *source)
{
    int code = 0;

    if (source->memory != NULL) {
        /* The name is only a label. CFITSIO keeps pointers to both members. */
        fits_open_memfile(&source->file, "inflated", READONLY, (void **)&source->memory,
                          &source->padded, 0, NULL, &code);
    } else {
        /* An absolute path: CFITSIO would expand a leading ~ and drop leading blanks. */
        char *absolute = realpath(source->path, NULL);
        if (absolute == NULL)
            return sf_fail(SF_ERR_IO, "%s: cannot be opened: %s", source->path, strerror(errno));
        fits_open_diskfile(&source->file, absolute, READONLY, &code);
        free(absolute);
    }
    if (code != 0) {
        source->file = NULL;
        return sf_cfitsio_fail(code, source->path, -1, "cannot be opened");
    }
    return SF_OK;
}
