/* state.c - files of a computation's state: a mark of 8 bytes, what was put, FNV-1a of both. */
#include "io/state.h"

#include <errno.h>
#include <string.h>

/* ---- writing -------------------------------------------------------------------------------- */

sf_status sf_state_put(sf_state_writer *writer, const void *bytes, size_t size)
{
    writer->hash = sf_fnv(writer->hash, bytes, size);
    return sf_output_write(&writer->output, bytes, size);
}

sf_status sf_state_create(const char *path, uint64_t magic, sf_state_writer *writer)
{
    sf_status status;

    writer->hash = SF_FNV_BASIS;
    SF_TRY(sf_output_create(path, true, &writer->output));
    status = sf_state_put(writer, &magic, sizeof magic);
    if (status != SF_OK) sf_output_discard(&writer->output);
    return status;
}

sf_status sf_state_commit(sf_state_writer *writer, sf_status status)
{
    if (status == SF_OK)
        status = sf_output_write(&writer->output, &writer->hash, sizeof writer->hash);
    if (status == SF_OK) return sf_output_commit(&writer->output);
    sf_output_discard(&writer->output);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------- */

static sf_status fail_read(const sf_state_reader *reader)
{
    return sf_fail(SF_ERR_IO, "%s: cannot be read: %s", reader->path, strerror(errno));
}

/* The whole file's mark, length and check sum; *size: bytes in between. */
static sf_status look_through(sf_state_reader *reader, uint64_t magic, const char *kind)
{
    unsigned char buffer[1 << 14];
    uint64_t found = ~magic, stored, hash = SF_FNV_BASIS;
    size_t size = 0, got, held = 0;

    if (fread(&found, sizeof found, 1, reader->file) != 1 && ferror(reader->file))
        return fail_read(reader);
    if (found != magic)
        return sf_fail(SF_ERR_FORMAT, "%s is not a %s of this machine and version", reader->path,
                       kind);
    hash = sf_fnv(hash, &found, sizeof found);
    while ((got = fread(buffer + held, 1, sizeof buffer - held, reader->file)) > 0) {
        const size_t all = held + got, whole = all < sizeof stored ? 0 : all - sizeof stored;

        hash = sf_fnv(hash, buffer, whole);
        held = all - whole;
        memmove(buffer, buffer + whole, held);
        size += whole;
    }
    if (ferror(reader->file)) return fail_read(reader);
    memcpy(&stored, buffer, sizeof stored);
    if (held < sizeof stored || stored != hash)
        return sf_fail(SF_ERR_FORMAT,
                       "%s is damaged or not complete: its check sum does not agree; begin anew "
                       "without it",
                       reader->path);
    reader->rest = size;
    return fseek(reader->file, (long)sizeof magic, SEEK_SET) == 0 ? SF_OK : fail_read(reader);
}

sf_status sf_state_open(const char *path, uint64_t magic, const char *kind, sf_state_reader *reader)
{
    sf_status status;

    *reader = (sf_state_reader){.file = NULL};
    SF_GO(sf_copy_text(path, &reader->path));
    reader->file = fopen(path, "rb");
    if (reader->file == NULL)
        SF_GO(
            sf_fail(SF_ERR_IO, "%s: the %s could not be opened: %s", path, kind, strerror(errno)));
    SF_GO(look_through(reader, magic, kind));
done:
    if (status != SF_OK) sf_state_close(reader);
    return status;
}

sf_status sf_state_get(sf_state_reader *reader, void *bytes, size_t size)
{
    if (size > reader->rest)
        return sf_fail(SF_ERR_FORMAT, "%s ends before its arrays do", reader->path);
    if (size > 0 && fread(bytes, 1, size, reader->file) != size) return fail_read(reader);
    reader->rest -= size;
    return SF_OK;
}

void sf_state_close(sf_state_reader *reader)
{
    if (reader->file != NULL) (void)fclose(reader->file);
    sf_free(reader->path);
    *reader = (sf_state_reader){.file = NULL};
}
