/* freeenergy_samples.c - weighted samples of the target as a FITS file: an image of the points, one
 * a plane (a lattice keeps its axes), and a table of their weights. */
#include "freeenergy_output.h"
#include "program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Chains first, then the lattice of the target's text where it has one of up to three axes that
 * holds all coordinates. */
static sf_status find_grid(const char *target, size_t chains, size_t dimension, sf_grid *grid)
{
    size_t shape[SF_GRID_MAX_AXES] = {chains}, size = 1;
    const char *at = strstr(target, "shape=");
    int axes = 1;

    for (at = at != NULL ? at + 6 : ""; axes < SF_GRID_MAX_AXES && *at >= '0' && *at <= '9';) {
        char *end;

        shape[axes] = strtoull(at, &end, 10);
        size *= shape[axes++];
        at = *end == 'x' ? end + 1 : "";
    }
    if (size != dimension) {
        axes = 2;
        shape[1] = dimension;
    }
    return sf_grid_make(axes, shape, NULL, grid);
}

/* What the run has kept. */
typedef struct sampled {
    size_t count;
    const double *x, *log_weight;
    double *equal; /* log-weights of exchanged replicas: 0 */
} sampled;

static sf_status find_samples(const freeenergy_result *r, sampled *s)
{
    sf_status status = SF_OK;

    *s = (sampled){.count = r->forward.count, .log_weight = r->forward.log_weight};
    if (r->exchange == NULL) {
        s->x = sf_anneal_run_samples(r->run[0]);
        return status;
    }
    s->count = r->exchange->rounds * r->exchange->copies;
    s->x = r->exchange->samples;
    GO(sf_allocate(&s->equal, s->count, sizeof *s->equal));
    s->log_weight = s->equal;
done:
    return status;
}

/* Weights that add up to 1. */
static sf_status normalise(const sampled *s, double **weight)
{
    double sum = 0.0, largest = -HUGE_VAL;
    sf_status status;

    GO(sf_allocate(weight, s->count, sizeof **weight));
    for (size_t i = 0; i < s->count; i++) largest = fmax(largest, s->log_weight[i]);
    for (size_t i = 0; i < s->count; i++) {
        (*weight)[i] = exp(s->log_weight[i] - largest);
        sum += (*weight)[i];
    }
    for (size_t i = 0; i < s->count; i++) (*weight)[i] /= sum;
done:
    return status;
}

static sf_status write_keywords(sf_fits_writer *w, const freeenergy_options *o,
                                const freeenergy_result *r)
{
    sf_status status;

    GO(sf_fits_writer_string(w, "SFVERS", sf_version(), "scorefield"));
    GO(sf_fits_writer_string(w, "SFTARGET", freeenergy_question(o), "density of the samples"));
    GO(sf_fits_writer_integer(w, "SFSEED", (long long)o->seed, "seed"));
    GO(sf_fits_writer_double(w, "SFLOGZ", r->estimate.value, "log Z of the target"));
    GO(sf_fits_writer_double(w, "SFLOGZER", r->estimate.error, "its standard error"));
    GO(sf_fits_writer_double(w, "SFESS", r->exchange != NULL ? r->ess : r->forward.weights.ess,
                             "effective sample size"));
    status = sf_fits_writer_history(w, o->command);
done:
    return status;
}

sf_status freeenergy_samples(const freeenergy_options *o, const freeenergy_result *r)
{
    const size_t n = sf_density_dimension(r->target.density);
    double *x = NULL, *weight = NULL;
    sf_fits_writer *w = NULL;
    sampled s = {.count = 0};
    sf_column columns[2] = {{.name = "WEIGHT"}, {.name = "LOGW"}};
    sf_grid grid;
    sf_status status;

    GO(find_samples(r, &s));
    GO(find_grid(freeenergy_question(o), s.count, n, &grid));
    GO(sf_allocate(&x, s.count, n * sizeof *x));
    memcpy(x, s.x, s.count * n * sizeof *x);
    GO(freeenergy_target_restore(&r->target, s.count, x));
    GO(normalise(&s, &weight));
    columns[0].values = weight;
    columns[1].values = s.log_weight;
    GO(sf_fits_writer_create(o->samples, o->force != 0, &w));
    GO(sf_fits_writer_field(w, NULL, &grid, x));
    GO(write_keywords(w, o, r));
    GO(sf_fits_writer_table(w, "WEIGHTS", columns, 2, s.count));
    status = sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    sf_free(s.equal);
    sf_free(x);
    sf_free(weight);
    return status;
}
