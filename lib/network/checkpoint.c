/* checkpoint.c - the state of a training run in a file.
 *
 * Layout, in the machine's byte order: the header below, then the weights, their running mean and
 * the two moments as float32, then the FNV-1a hash of all bytes before it. */
#include "network/checkpoint.h"
#include "base/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC  UINT64_C(0x324e494152544653) /* "SFTRAIN2"; other bytes in another byte order */
#define ARRAYS 4

typedef struct header {
    uint64_t magic, fingerprint, patches, count, step;
    double loss;
} header;

static bool write_all(FILE *file, const header *h, const sf_adam *adam)
{
    const float *array[ARRAYS] = {adam->weights, adam->mean, adam->first, adam->second};
    const size_t bytes = adam->count * sizeof(float);
    uint64_t hash = sf_fnv(SF_FNV_BASIS, h, sizeof *h);
    bool good = fwrite(h, sizeof *h, 1, file) == 1;

    for (size_t i = 0; i < ARRAYS; i++) {
        hash = sf_fnv(hash, array[i], bytes);
        good = good && fwrite(array[i], 1, bytes, file) == bytes;
    }
    return good && fwrite(&hash, sizeof hash, 1, file) == 1 && fflush(file) == 0 &&
           fsync(fileno(file)) == 0;
}

sf_status sf_checkpoint_write(const char *path, const sf_checkpoint *state, const sf_adam *adam)
{
    const header h = {MAGIC,       state->fingerprint, state->patches,
                      adam->count, state->step,        state->loss};
    const size_t length = strlen(path) + sizeof ".part";
    sf_status status = SF_OK;
    char *beside;
    FILE *file;
    bool good;

    SF_TRY(sf_allocate(&beside, length, 1));
    (void)snprintf(beside, length, "%s.part", path);
    file = fopen(beside, "wb");
    good = file != NULL && write_all(file, &h, adam);
    if (file != NULL && fclose(file) != 0) good = false;
    if (!good || rename(beside, path) != 0) {
        status = sf_fail(SF_ERR_IO, "%s: the checkpoint could not be written: %s", path,
                         strerror(errno));
        if (file != NULL) (void)remove(beside);
    }
    sf_free(beside);
    return status;
}

static sf_status read_all(FILE *file, const char *path, const sf_checkpoint *expected, header *h,
                          float *const array[ARRAYS], size_t count)
{
    uint64_t hash, stored;

    if (fread(h, sizeof *h, 1, file) != 1 || h->magic != MAGIC)
        return sf_fail(SF_ERR_FORMAT, "%s is not a training checkpoint of this machine and version",
                       path);
    if (h->fingerprint != expected->fingerprint || h->count != count)
        return sf_fail(SF_ERR_FORMAT,
                       "%s was written by a run with another network or other options: resume "
                       "with the same ones, or begin anew without it",
                       path);
    if (h->patches != expected->patches)
        return sf_fail(SF_ERR_FORMAT,
                       "%s was written by a run on other patches (images, their noise or stretch, "
                       "the share of scenes): resume with the same ones, or begin anew without it",
                       path);
    hash = sf_fnv(SF_FNV_BASIS, h, sizeof *h);
    for (size_t i = 0; i < ARRAYS; i++) {
        if (fread(array[i], sizeof(float), count, file) != count)
            return sf_fail(SF_ERR_FORMAT, "%s ends before its %zu parameters do", path, count);
        hash = sf_fnv(hash, array[i], count * sizeof(float));
    }
    if (fread(&stored, sizeof stored, 1, file) != 1 || stored != hash || fgetc(file) != EOF)
        return sf_fail(SF_ERR_FORMAT, "%s is damaged: its check sum does not agree", path);
    return SF_OK;
}

sf_status sf_checkpoint_read(const char *path, sf_checkpoint *state, sf_adam *adam)
{
    float *const array[ARRAYS] = {adam->weights, adam->mean, adam->first, adam->second};
    FILE *file = fopen(path, "rb");
    sf_status status;
    header h;

    if (file == NULL)
        return sf_fail(SF_ERR_IO, "%s: the checkpoint could not be opened: %s", path,
                       strerror(errno));
    status = read_all(file, path, state, &h, array, adam->count);
    (void)fclose(file);
    SF_TRY(status);
    state->step = h.step;
    state->loss = h.loss;
    return SF_OK;
}
