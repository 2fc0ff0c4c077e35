/* ensemble_file.c - an ensemble in a file and back. */
#include "diffusion/ensemble.h"

#include "base/internal.h"
#include "io/state.h"

#define MAGIC UINT64_C(0x314d45534e454653) /* "SFENSEM1"; other bytes in another byte order */

typedef struct header {
    uint64_t cells, chains, rows, label, count, stride, held;
} header;

static sf_status put_all(sf_state_writer *writer, const sf_ensemble *e)
{
    const header h = {e->cells, e->chains, e->rows, e->label, e->count, e->stride, e->held};

    SF_TRY(sf_state_put(writer, &h, sizeof h));
    SF_TRY(sf_state_put(writer, e->mean, e->cells * sizeof *e->mean));
    SF_TRY(sf_state_put(writer, e->squares, e->cells * sizeof *e->squares));
    return sf_state_put(writer, e->kept, e->held * e->cells * sizeof *e->kept);
}

sf_status sf_ensemble_save(const sf_ensemble *ensemble, const char *path)
{
    sf_state_writer writer;

    SF_TRY(sf_state_create(path, MAGIC, &writer));
    return sf_state_commit(&writer, put_all(&writer, ensemble));
}

static sf_status get_all(const char *path, sf_state_reader *reader, sf_ensemble *e)
{
    header h;

    SF_TRY(sf_state_get(reader, &h, sizeof h));
    if (h.cells != e->cells || h.chains != e->chains || h.rows != e->rows || h.label != e->label)
        return sf_fail(
            SF_ERR_FORMAT,
            "%s holds %zu samples of %zu cells of another prior, other data or other options: "
            "go on with the same ones, or begin anew without it",
            path, (size_t)h.count, (size_t)h.cells);
    if (h.held > e->rows * e->chains || h.stride == 0)
        return sf_fail(SF_ERR_FORMAT, "%s keeps %zu samples, where there is room for %zu", path,
                       (size_t)h.held, e->rows * e->chains);
    e->count = h.count;
    e->stride = h.stride;
    e->held = (size_t)h.held;
    SF_TRY(sf_state_get(reader, e->mean, e->cells * sizeof *e->mean));
    SF_TRY(sf_state_get(reader, e->squares, e->cells * sizeof *e->squares));
    return sf_state_get(reader, e->kept, e->held * e->cells * sizeof *e->kept);
}

sf_status sf_ensemble_load(const char *path, const sf_ensemble_options *options,
                           sf_ensemble **ensemble)
{
    sf_state_reader reader;
    sf_status status;

    SF_TRY(sf_ensemble_create(options, ensemble));
    status = sf_state_open(path, MAGIC, "file of samples", &reader);
    if (status == SF_OK) {
        status = get_all(path, &reader, *ensemble);
        sf_state_close(&reader);
    }
    if (status != SF_OK) sf_ensemble_release(ensemble);
    return status;
}
