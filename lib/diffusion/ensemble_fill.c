/* ensemble_fill.c - draws samples in batches until an ensemble has them all. */
#include "diffusion/ensemble.h"

#include "base/internal.h"

/* Where all batches are. */
typedef struct course {
    sf_monitor monitor;
    size_t batches, done; /* of this call */
    bool stopped;
} course;

/* What a batch says of itself, as a part of all of them. */
static bool forward(const sf_monitor_event *event, void *user)
{
    course *c = user;
    sf_monitor_event whole = *event;

    whole.iteration += c->done * event->total;
    whole.total *= c->batches;
    if (!sf_monitor_call(&c->monitor, &whole)) c->stopped = true;
    return !c->stopped;
}

sf_status sf_ensemble_fill(sf_ensemble *ensemble, const sf_ensemble_source *source, size_t count)
{
    const size_t batch = source->batch, before = sf_ensemble_count(ensemble);
    course c = {.monitor = source->monitor};
    const sf_monitor monitor = {forward, &c};
    double *x = NULL;
    sf_status status = SF_OK;

    if (batch == 0) return sf_fail(SF_ERR_ARGUMENT, "batches of 0 samples: give 1 or more");
    if (before >= count) return SF_OK;
    c.batches = (count - before - 1) / batch + 1;
    SF_TRY(sf_allocate(&x, batch, ensemble->cells * sizeof *x));
    for (size_t first = before; first < count; first += batch, c.done++) {
        const size_t size = count - first < batch ? count - first : batch;

        SF_GO(source->draw(source->user, monitor, first, size, x));
        if (c.stopped) {
            status = sf_fail(SF_ERR_INTERRUPTED, "stopped after %zu of %zu samples", first, count);
            goto done;
        }
        SF_GO(sf_ensemble_add(ensemble, size, x));
        if (source->checkpoint != NULL) SF_GO(sf_ensemble_save(ensemble, source->checkpoint));
    }
done:
    sf_free(x);
    return status;
}
