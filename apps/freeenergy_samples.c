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

/* Weights that add up to 1. */
static sf_status normalise(const freeenergy_side *s, double **weight)
{
    double sum = 0.0;
    sf_status status;

    GO(sf_allocate(weight, s->count, sizeof **weight));
    for (size_t i = 0; i < s->count; i++) {
        (*weight)[i] = exp(s->log_weight[i] - s->weights.log_mean);
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
    GO(sf_fits_writer_double(w, "SFESS", r->forward.weights.ess, "effective sample size"));
    status = sf_fits_writer_history(w, o->command);
done:
    return status;
}

sf_status freeenergy_samples(const freeenergy_options *o, const freeenergy_result *r)
{
    const size_t n = sf_density_dimension(r->target.density), chains = r->forward.count;
    double *x = NULL, *weight = NULL;
    sf_fits_writer *w = NULL;
    sf_column columns[2] = {{.name = "WEIGHT"}, {.name = "LOGW"}};
    sf_grid grid;
    sf_status status;

    GO(find_grid(freeenergy_question(o), chains, n, &grid));
    GO(sf_allocate(&x, chains, n * sizeof *x));
    memcpy(x, sf_anneal_run_samples(r->run[0]), chains * n * sizeof *x);
    GO(freeenergy_target_restore(&r->target, chains, x));
    GO(normalise(&r->forward, &weight));
    columns[0].values = weight;
    columns[1].values = r->forward.log_weight;
    GO(sf_fits_writer_create(o->samples, o->force != 0, &w));
    GO(sf_fits_writer_field(w, NULL, &grid, x));
    GO(write_keywords(w, o, r));
    GO(sf_fits_writer_table(w, "WEIGHTS", columns, 2, chains));
    status = sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    sf_free(x);
    sf_free(weight);
    return status;
}
