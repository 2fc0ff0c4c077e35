/* checkpoint.c - the state of a training run in a file: the header below, then the weights, their
 * running mean and the two moments as float32. */
#include "network/checkpoint.h"

#include "io/state.h"

#define MAGIC  UINT64_C(0x334e494152544653) /* "SFTRAIN3"; other bytes in another byte order */
#define ARRAYS 4

typedef struct header {
    uint64_t fingerprint, patches, count, step;
    double loss;
} header;

static sf_status put_all(sf_state_writer *writer, const header *h, const sf_adam *adam)
{
    const float *array[ARRAYS] = {adam->weights, adam->mean, adam->first, adam->second};

    SF_TRY(sf_state_put(writer, h, sizeof *h));
    for (size_t i = 0; i < ARRAYS; i++)
        SF_TRY(sf_state_put(writer, array[i], adam->count * sizeof(float)));
    return SF_OK;
}

sf_status sf_checkpoint_write(const char *path, const sf_checkpoint *state, const sf_adam *adam)
{
    const header h = {state->fingerprint, state->patches, adam->count, state->step, state->loss};
    sf_state_writer writer;

    SF_TRY(sf_state_create(path, MAGIC, &writer));
    return sf_state_commit(&writer, put_all(&writer, &h, adam));
}

static sf_status get_all(sf_state_reader *reader, const sf_checkpoint *expected, header *h,
                         const sf_adam *adam)
{
    float *const array[ARRAYS] = {adam->weights, adam->mean, adam->first, adam->second};

    SF_TRY(sf_state_get(reader, h, sizeof *h));
    if (h->fingerprint != expected->fingerprint || h->count != adam->count)
        return sf_fail(SF_ERR_FORMAT,
                       "%s was written by a run with another network or other options: resume "
                       "with the same ones, or begin anew without it",
                       reader->path);
    if (h->patches != expected->patches)
        return sf_fail(SF_ERR_FORMAT,
                       "%s was written by a run on other patches (images, their noise or stretch, "
                       "the share of scenes): resume with the same ones, or begin anew without it",
                       reader->path);
    for (size_t i = 0; i < ARRAYS; i++)
        SF_TRY(sf_state_get(reader, array[i], adam->count * sizeof(float)));
    return SF_OK;
}

sf_status sf_checkpoint_read(const char *path, sf_checkpoint *state, sf_adam *adam)
{
    sf_state_reader reader;
    sf_status status;
    header h;

    SF_TRY(sf_state_open(path, MAGIC, "training checkpoint", &reader));
    status = get_all(&reader, state, &h, adam);
    sf_state_close(&reader);
    SF_TRY(status);
    state->step = h.step;
    state->loss = h.loss;
    return SF_OK;
}
