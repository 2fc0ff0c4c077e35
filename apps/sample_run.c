/* sample_run.c - the samples of sf-sample and what is measured of them. */
#include "sample_run.h"
#include "program.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BATCH       8   /* samples at a time: enough for threads, little enough for checkpoints */
#define EXACT_CELLS 256 /* up to which a divergence is taken from all products */
#define PROBES      8

/* ---- progress -------------------------------------------------------------------------------- */

/* One line for all batches. */
typedef struct batches {
    sf_monitor outer;
    size_t done, all;
} batches;

static bool tell(const sf_monitor_event *event, void *user)
{
    const batches *b = user;
    sf_monitor_event whole = *event;

    whole.iteration += b->done * event->total;
    whole.total *= b->all;
    whole.residual = NAN;
    return sf_monitor_call(&b->outer, &whole);
}

/* ---- checkpoint ------------------------------------------------------------------------------ */

static const char *or_none(const char *text) { return text != NULL ? text : "-"; }

/* What the prior makes of noise at the lowest, the highest and the middle level: it tells networks,
 * conditions, spectra and constraints apart, whatever their files are called. */
static sf_status find_fingerprints(const sample_prior *p, uint64_t fingerprint[3])
{
    const double levels[3] = {p->low, sqrt(p->low * p->high), p->high};
    const size_t cells = sf_grid_size(&p->grid);
    double *x = NULL;
    sf_status status;

    GO(sf_allocate(&x, cells, sizeof *x));
    for (int l = 0; l < 3; l++) {
        sf_random_normal(sf_random_make(0, 0), 0, 0, cells, x);
        for (size_t i = 0; i < cells; i++)
            x[i] = levels[l] * x[i] + (p->mean != NULL ? p->mean[i] : 0.0);
        GO(sf_prior_fingerprint(p->prior, x, levels[l], &fingerprint[l]));
    }
done:
    sf_free(x);
    return status;
}

/* Everything that a sample depends on. */
static sf_status write_label(const sample_options *o, const sample_prior *p, char *label,
                             size_t size)
{
    const sampler_options *s = &o->sampler;
    uint64_t f[3];
    sf_status status;
    int length;

    GO(find_fingerprints(p, f));
    length = snprintf(label, size,
                      "%s %016" PRIx64 " %016" PRIx64 " %016" PRIx64
                      " %s %s %zu %s %.17g %.17g %" PRIu64,
                      sf_version(), f[0], f[1], f[2], or_none(s->predictor), or_none(s->corrector),
                      s->sample.steps, or_none(s->spacing), p->low, p->high, o->seed);
    if (length < 0 || (size_t)length >= size)
        status = sf_fail(SF_ERR_ARGUMENT, "options of %d characters are too long for a checkpoint",
                         length);
done:
    return status;
}

static sf_status open_ensemble(const sample_options *o, sample_run *run)
{
    sf_ensemble_options how = sf_ensemble_options_default();
    char label[512];
    sf_status status = SF_OK;

    if (o->checkpoint != NULL) GO(write_label(o, &run->prior, label, sizeof label));
    how.cells = sf_grid_size(&run->prior.grid);
    how.reservoir = run->prior.count > 1 ? run->prior.count : 2;
    how.label = o->checkpoint != NULL ? label : NULL;
    run->resumed = o->checkpoint != NULL && access(o->checkpoint, F_OK) == 0;
    status = run->resumed ? sf_ensemble_load(o->checkpoint, &how, &run->ensemble)
                          : sf_ensemble_create(&how, &run->ensemble);
done:
    return status;
}

/* ---- samples --------------------------------------------------------------------------------- */

static sf_sample_options how_to_sample(const sample_options *o, sample_prior *p)
{
    sf_sample_options how = o->sampler.sample;

    how.mean = p->mean;
    how.variance = p->variance;
    how.floor = p->floor;
    how.seed = o->seed;
    how.denoise_last = sample_prior_is_constrained(o);
    if (o->kind == SAMPLE_FIELD && !how.denoise_last) { /* constrained ones have other variances */
        how.precondition = field_prior_precondition;
        how.user = &p->field;
    }
    return how;
}

static sf_status check_memory(const sample_prior *p)
{
    const double cells = (double)sf_grid_size(&p->grid);

    return program_check_memory("so many samples of so many cells",
                                8.0 * cells * ((double)p->count + 5.0 * BATCH + 8.0));
}

/* Batch after batch; a stopped one is thrown away. */
static sf_status draw_all(const sample_options *o, sf_monitor monitor, sample_run *run)
{
    const size_t all = run->prior.count;
    sf_sample_options how = how_to_sample(o, &run->prior);
    batches progress = {.outer = monitor};
    sf_diffusion diffusion;
    double *x = NULL;
    sf_status status;

    GO(sf_diffusion_edm(run->prior.low, run->prior.high, &diffusion));
    GO(sf_allocate(&x, BATCH * sf_grid_size(&run->prior.grid), sizeof *x));
    how.monitor = (sf_monitor){tell, &progress};
    progress.all = (all - sf_ensemble_count(run->ensemble) + BATCH - 1) / BATCH;
    for (size_t first; (first = sf_ensemble_count(run->ensemble)) < all; progress.done++) {
        const size_t batch = all - first < BATCH ? all - first : BATCH;

        how.first = first;
        GO(sf_sample(run->prior.prior, &diffusion, &how, batch, x, &run->sampler));
        if (!run->sampler.finished) break;
        GO(sf_ensemble_add(run->ensemble, batch, x));
        if (o->checkpoint != NULL) GO(sf_ensemble_save(run->ensemble, o->checkpoint));
    }
done:
    sf_free(x);
    return status;
}

/* ---- what is measured ------------------------------------------------------------------------ */

static sf_status measure(sample_run *run)
{
    const size_t cells = sf_grid_size(&run->prior.grid);
    const double *samples;
    size_t count;
    sf_status status;

    samples = sf_ensemble_samples(run->ensemble, &count);
    GO(sf_field_moments(samples, count * cells, &run->moments));
    if (count == 1) return SF_OK;
    GO(sf_allocate(&run->mean, cells, sizeof *run->mean));
    GO(sf_allocate(&run->deviation, cells, sizeof *run->deviation));
    GO(sf_ensemble_mean(run->ensemble, run->mean));
    status = sf_ensemble_deviation(run->ensemble, run->deviation);
done:
    return status;
}

static sf_flow_options how_to_flow(const sample_options *o, const sample_run *run,
                                   sf_monitor monitor)
{
    sf_flow_options flow = sf_flow_options_default();

    flow.low = run->prior.low;
    flow.high = run->prior.high;
    flow.mean = run->prior.mean;
    flow.variance = run->prior.variance;
    /* Single precision inside a network makes slopes rough. */
    if (o->kind == SAMPLE_NETWORK) flow.tolerance = 1e-3;
    flow.probes = run->probes;
    flow.seed = o->seed;
    flow.stream = 1; /* stream 0 made the samples */
    flow.monitor = monitor;
    return flow;
}

static sf_status find_likelihoods(const sample_options *o, sf_monitor monitor, sample_run *run)
{
    const size_t cells = sf_grid_size(&run->prior.grid);
    const bool few = cells <= EXACT_CELLS && o->kind != SAMPLE_NETWORK;
    const double *samples;
    sf_flow_options flow;
    size_t count;
    sf_status status;

    if (!o->log_likelihood) return SF_OK;
    samples = sf_ensemble_samples(run->ensemble, &count);
    run->probes = o->probes >= 0 ? (size_t)o->probes : few ? 0 : PROBES;
    flow = how_to_flow(o, run, monitor);
    GO(sf_allocate(&run->log_p, count, sizeof *run->log_p));
    GO(sf_allocate(&run->error, count, sizeof *run->error));
    GO(sf_flow_log_likelihood(run->prior.prior, &flow, count, samples, run->log_p, run->error));
    if (o->kind == SAMPLE_NETWORK) return SF_OK;
    GO(sf_allocate(&run->exact, count, sizeof *run->exact));
    GO(sf_prior_energy(run->prior.prior, count, samples, flow.low, run->exact));
    for (size_t i = 0; i < count; i++) run->exact[i] = -run->exact[i];
done:
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

sf_status sample_run_all(const sample_options *o, sf_monitor monitor, sample_run *run)
{
    const double start = program_seconds();
    sf_status status;

    memset(run, 0, sizeof *run);
    GO(sample_prior_create(o, &run->prior));
    GO(check_memory(&run->prior));
    GO(open_ensemble(o, run));
    if (o->given != NULL)
        GO(sf_ensemble_add(run->ensemble, run->prior.count, sf_fits_pixels(run->prior.given)));
    else
        GO(draw_all(o, monitor, run));
    if (sf_ensemble_count(run->ensemble) < run->prior.count) return SF_OK;
    GO(measure(run));
    GO(find_likelihoods(o, monitor, run));
    run->seconds = program_seconds() - start;
done:
    return status;
}

void sample_run_release(sample_run *run)
{
    sample_prior_release(&run->prior);
    sf_ensemble_release(&run->ensemble);
    sf_free(run->mean);
    sf_free(run->deviation);
    sf_free(run->log_p);
    sf_free(run->error);
    sf_free(run->exact);
}
