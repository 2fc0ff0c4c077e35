/* sample_prior.c - the prior that sf-sample draws from, and the levels of noise that this needs. */
#include "sample_prior.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool sample_prior_is_constrained(const sample_options *o)
{
    return o->known != NULL || !isnan(o->sum);
}

bool sample_prior_is_beyond(const sample_prior *p)
{
    return p->trained[1] > 0.0 &&
           (p->low < 0.999 * p->trained[0] || p->high > 1.001 * p->trained[1]);
}

/* ---- fields and mixtures --------------------------------------------------------------------- */

static sf_status create_field(sample_prior *p)
{
    sf_status status;

    GO(field_prior_create(&p->grid, p->theory.spectrum, &p->field));
    p->free = sf_prior_retain(p->field.prior);
    p->low = p->field.low;
    p->high = p->field.high;
    p->floor = p->field.floor;
    p->variance = p->field.variance;
done:
    return status;
}

/* Means and variances of the whole, and the least variance of a part. */
static sf_status mixture_moments(const sf_mixture *m, sample_prior *p, double *least)
{
    const size_t n = m->dimension;
    double weights = 0.0, square = 0.0;
    sf_status status;

    *least = INFINITY;
    GO(sf_allocate(&p->mean, n, sizeof *p->mean));
    for (size_t k = 0; k < m->count; k++) weights += m->weight[k];
    for (size_t k = 0; k < m->count; k++) {
        *least = fmin(*least, m->covariance[k]);
        for (size_t i = 0; i < n; i++) {
            const double share = m->weight[k] / weights, mean = m->mean[k * n + i];

            p->mean[i] += share * mean;
            square += share * (mean * mean + m->covariance[k]) / (double)n;
        }
    }
    for (size_t i = 0; i < n; i++) square -= p->mean[i] * p->mean[i] / (double)n;
    p->variance = fmax(square, *least);
done:
    return status;
}

static sf_status create_mixture(const sf_mixture *mixture, const sample_options *o, sample_prior *p)
{
    double least;
    sf_status status;

    if (mixture->dimension != sf_grid_size(&p->grid))
        return sf_fail(SF_ERR_SHAPE, "the mixture in %s has %zu dimensions, but --shape %zu cells",
                       o->file, mixture->dimension, sf_grid_size(&p->grid));
    GO(mixture_moments(mixture, p, &least));
    p->low = sqrt(fmax(1e-3 * least, 1e-12 * p->variance));
    p->high = 30.0 * sqrt(p->variance);
    p->floor = 10.0 * p->low;
    status = sf_prior_mixture(&p->grid, mixture, &p->free);
done:
    return status;
}

/* ---- constraints ----------------------------------------------------------------------------- */

/* Pixels that are numbers are known. */
static sf_status fill_known(sample_prior *p, const sf_constraints *c, bool *known)
{
    const double *pixels = sf_fits_pixels(p->known);
    const size_t size = sf_grid_size(&p->grid);

    for (size_t i = 0; i < size; i++) {
        known[i] = isfinite(pixels[i]);
        p->known_cells += known[i];
    }
    if (p->known_cells < size || c->sums > 0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "all pixels of the known image are known; NaN marks free ones");
}

static sf_status constrain(const sample_options *o, sample_prior *p)
{
    const size_t size = sf_grid_size(&p->grid);
    sf_constraints c = {.sums = isnan(o->sum) ? 0U : 1U, .sum = &o->sum};
    size_t *group = NULL;
    bool *known = NULL;
    sf_status status;

    if (p->known != NULL) {
        GO(sf_allocate(&known, size, sizeof *known));
        GO(fill_known(p, &c, known));
        c.known = known;
        c.value = sf_fits_pixels(p->known);
    }
    if (c.sums > 0) {
        GO(sf_allocate(&group, size, sizeof *group));
        for (size_t i = 0; i < size; i++) group[i] = 1;
        c.group = group;
    }
    status = sf_prior_constrained(p->free, &c, &p->prior);
done:
    sf_free(group);
    sf_free(known);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* The axes of one of the given images: all of them, of what has a dimension of its own the last. */
static int axes_of_given(const sample_options *o, const sf_grid *file)
{
    const int own = o->kind == SAMPLE_NETWORK ? 2 : o->kind == SAMPLE_MIXTURE ? 1 : file->axes;

    return own < file->axes ? own : file->axes;
}

/* The cells of a sample, along the axes that were given or those of a file. */
static sf_status make_grid(const sample_options *o, int axes, const size_t *shape, sf_grid *grid)
{
    return o->box.box_axes > 0 ? box_options_grid(&o->box, axes, shape, grid)
                               : sf_grid_make(axes, shape, NULL, grid);
}

/* One image after the other along the file's first axes; every pixel is a number. */
static sf_status count_given(const sample_options *o, sample_prior *p)
{
    const sf_grid *file = sf_fits_grid(p->given);
    const int outer = file->axes - p->grid.axes;
    char own[96], wanted[96];
    bool fits = outer >= 0;

    for (int i = 0; fits && i < p->grid.axes; i++)
        fits = file->shape[outer + i] == p->grid.shape[i];
    if (!fits)
        return sf_fail(SF_ERR_SHAPE, "%s is %s, which is no number of images of %s", o->given,
                       sf_grid_text(file, own, sizeof own),
                       sf_grid_text(&p->grid, wanted, sizeof wanted));
    for (size_t i = 0; i < sf_grid_size(file); i++)
        if (!isfinite(sf_fits_pixels(p->given)[i]))
            return sf_fail(SF_ERR_NUMERIC,
                           "pixel %zu of %s is no finite number, and a density needs all of them",
                           i + 1, o->given);
    p->count = sf_grid_size(file) / sf_grid_size(&p->grid);
    return SF_OK;
}

static sf_status check_known(const sample_options *o, const sample_prior *p)
{
    char own[96], wanted[96];

    if (sf_grid_same_shape(&p->grid, sf_fits_grid(p->known))) return SF_OK;
    return sf_fail(SF_ERR_SHAPE, "%s is %s but --shape is %s; leave --shape out", o->known,
                   sf_grid_text(sf_fits_grid(p->known), own, sizeof own),
                   sf_grid_text(&p->grid, wanted, sizeof wanted));
}

/* The shape that was given, or that of the known pixels, of the images, or of the mixture. */
static sf_status find_grid(const sample_options *o, const sf_mixture *mixture, sample_prior *p)
{
    sf_status status = SF_OK;

    p->count = (size_t)o->samples;
    if (o->known != NULL) GO(sf_fits_read(o->known, &p->known));
    if (o->given != NULL) GO(sf_fits_read(o->given, &p->given));
    if (o->box.axes > 0)
        GO(make_grid(o, (int)o->box.axes, o->box.shape, &p->grid));
    else if (p->given != NULL) {
        const sf_grid *file = sf_fits_grid(p->given);
        const int axes = axes_of_given(o, file);

        GO(make_grid(o, axes, file->shape + file->axes - axes, &p->grid));
    } else if (p->known != NULL)
        p->grid = *sf_fits_grid(p->known);
    else if (mixture != NULL)
        GO(sf_grid_make(1, &mixture->dimension, NULL, &p->grid));
    if (p->known != NULL) GO(check_known(o, p));
    if (p->given != NULL) GO(count_given(o, p));
done:
    return status;
}

static void take_levels(const sample_options *o, sample_prior *p)
{
    if (o->sampler.levels == NULL) return;
    p->low = o->sampler.low;
    p->high = o->sampler.high;
}

sf_status sample_prior_create(const sample_options *o, sample_prior *p)
{
    sf_mixture *mixture = NULL;
    sf_status status;

    memset(p, 0, sizeof *p);
    if (o->kind == SAMPLE_MIXTURE) GO(sf_mixture_read(o->file, &mixture));
    GO(find_grid(o, mixture, p));
    GO(theory_create(&o->theory, p->grid.axes, &p->theory));
    switch (o->kind) {
    case SAMPLE_NETWORK: GO(sample_network_create(o, p)); break;
    case SAMPLE_FIELD: GO(create_field(p)); break;
    case SAMPLE_MIXTURE: GO(create_mixture(mixture, o, p)); break;
    }
    take_levels(o, p);
    if (sample_prior_is_constrained(o))
        GO(constrain(o, p));
    else
        p->prior = sf_prior_retain(p->free);
done:
    sf_mixture_release(&mixture);
    return status;
}

void sample_prior_release(sample_prior *p)
{
    sf_prior_release(&p->prior);
    sf_prior_release(&p->free);
    field_prior_release(&p->field);
    theory_release(&p->theory);
    sf_fits_release(&p->known);
    sf_fits_release(&p->given);
    sf_free(p->mean);
}
