/* mock_field.c - the fields of sf-mock, and what is made of them. */
#include "mock_field.h"
#include "field_prior.h"
#include "program.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The chain's memory of where it began: exp(-2 * 20) of the variance. */
#define CHAIN_STEP  1.0
#define CHAIN_STEPS 20

/* ---- the box --------------------------------------------------------------------------------- */

/* The data's shape, and their box where none was given. */
static sf_status data_box(const mock_options *o, const sf_fits *data, sf_grid *grid)
{
    char own[96], wanted[96];
    sf_grid given;
    sf_status status;

    if (o->box.axes > 0) {
        GO(sf_grid_make((int)o->box.axes, o->box.shape, NULL, &given));
        if (!sf_grid_same_shape(&given, sf_fits_grid(data)))
            return sf_fail(SF_ERR_SHAPE, "%s is %s but --shape is %s; leave --shape out",
                           o->constrain, sf_grid_text(sf_fits_grid(data), own, sizeof own),
                           sf_grid_text(&given, wanted, sizeof wanted));
    }
    *grid = *sf_fits_grid(data);
    if (o->box.box_axes > 0)
        return box_options_grid(&o->box, grid->axes, sf_fits_grid(data)->shape, grid);
    status = sf_fits_box(data, grid);
    if (status != SF_OK)
        return sf_fail(status, "%s: %s; give --box", o->constrain, sf_last_error());
done:
    return status;
}

/* Bytes per cell at the peak, as measured with 192^3 cells: fields, and what making them takes
 * beside.
 */
static double bytes_per_cell(const mock_options *o, size_t axes)
{
    const double fields = (double)o->samples * (o->paired ? 2.0 : 1.0);
    const bool doubled = o->order > 0 || !isnan(o->catalogue);
    double bytes = fields * (o->single ? 4.0 : 8.0);

    switch (o->kind) {
    case MOCK_GAUSSIAN: bytes += o->single && doubled ? 8.0 : 0.0; break;
    case MOCK_LOGNORMAL: bytes += 4.0 + (o->single ? 8.0 : 0.0); break;
    case MOCK_NON_GAUSSIAN: bytes += 27.0 + (o->single ? 8.0 : 0.0); break;
    case MOCK_LANGEVIN: bytes += 8.0 + (o->single ? 8.0 : 0.0); break;
    case MOCK_DIFFUSION:
        bytes += 32.0 + (o->single ? 8.0 : 0.0);
        if (o->sampler.sample.corrector != SF_CORRECTOR_NONE) bytes += 48.0;
        break;
    case MOCK_CONSTRAINED: bytes += 96.0 + (o->single ? 8.0 : 0.0); break;
    }
    if (o->order > 0) bytes += 16.0 * (double)axes + 80.0;
    if (o->white != NULL) bytes += 8.0;
    return bytes;
}

/* Before memory is taken, and before the sizes are known to be sound. */
static sf_status check_memory(const mock_options *o, size_t axes, const size_t *shape)
{
    double bytes = bytes_per_cell(o, axes);

    for (size_t i = 0; i < axes; i++) bytes *= (double)shape[i];
    return program_check_memory(isnan(o->catalogue) ? "a box of so many cells"
                                                    : "a box of so many cells, with its points,",
                                bytes + (isnan(o->catalogue) ? 0.0 : 32.0 * o->catalogue));
}

/* ---- companions of data ---------------------------------------------------------------------- */

static sf_status read_companion(const char *path, const sf_grid *grid, const char *wanted,
                                sf_fits **fits)
{
    const sf_status status = sf_fits_read(path, fits);
    char own[96], other[96];

    if (status != SF_OK || sf_grid_same_shape(sf_fits_grid(*fits), grid)) return status;
    sf_grid_text(sf_fits_grid(*fits), own, sizeof own);
    sf_fits_release(fits);
    return sf_fail(SF_ERR_SHAPE, "%s is %s but %s %s", path, own, wanted,
                   sf_grid_text(grid, other, sizeof other));
}

/* Masked data are no data. */
static sf_status apply_mask(const mock_options *o, const sf_grid *grid, double *pixels)
{
    sf_fits *mask = NULL;
    const size_t size = sf_grid_size(grid);
    sf_status status;

    GO(read_companion(o->mask, grid, "the data are", &mask));
    for (size_t i = 0; i < size; i++)
        if (sf_fits_pixels(mask)[i] != 0.0) pixels[i] = NAN; /* a NaN is not zero, either */
done:
    sf_fits_release(&mask);
    return status;
}

static sf_status create_constrained(const mock_options *o, const mock_fields *m, sf_fits *data,
                                    sf_constrained **constrained)
{
    double *pixels = sf_fits_take_pixels(data);
    const double noise = strtod(o->noise, NULL);
    sf_field *field = NULL;
    sf_fits *map = NULL;
    char *end;
    sf_status status;

    (void)strtod(o->noise, &end);
    if (end == o->noise || *end != '\0')
        GO(read_companion(o->noise, &m->grid, "the data are", &map));
    else if (!(noise > 0.0 && isfinite(noise)))
        GO(sf_fail(SF_ERR_ARGUMENT, "--noise %s is not a positive number", o->noise));
    if (o->mask != NULL) GO(apply_mask(o, &m->grid, pixels));
    GO(sf_field_create(&m->grid, m->theory.spectrum, 0.0, &field));
    status = sf_constrained_create(field, pixels, map != NULL ? sf_fits_pixels(map) : NULL,
                                   map != NULL ? 0.0 : noise, constrained);
done:
    sf_field_release(&field);
    sf_fits_release(&map);
    sf_free(pixels);
    return status;
}

/* ---- one field ------------------------------------------------------------------------------- */

typedef struct maker {
    const mock_options *options;
    mock_fields *m;
    sf_monitor monitor;
    sf_field *gaussian;          /* what is drawn from, */
    sf_constrained *constrained; /* or this, */
    field_prior diffused;        /* or this */
    sf_fits *white;
    double *work; /* a field in double precision on its way to single; NULL: not needed */
} maker;

static sf_status draw_chain(const maker *k, uint64_t stream, double *field)
{
    sf_langevin_options how = sf_langevin_options_default();
    const size_t size = sf_grid_size(&k->m->grid);
    sf_langevin_report report;

    how.kind = SF_LANGEVIN_EXACT;
    how.step = CHAIN_STEP;
    how.steps = CHAIN_STEPS;
    how.seed = k->options->seed;
    how.stream = stream;
    how.monitor = k->monitor;
    memset(field, 0, size * sizeof *field);
    return sf_field_langevin(k->gaussian, &how, field, &report);
}

/* The reverse diffusion along the exact score; `number` is the sample's. */
static sf_status draw_diffusion(const maker *k, uint64_t number, double *field)
{
    sf_sample_options how = k->options->sampler.sample;
    mock_fields *m = k->m;
    sf_diffusion diffusion;
    sf_status status;

    GO(sf_diffusion_edm(m->low, m->high, &diffusion));
    how.precondition = field_prior_precondition;
    how.user = (void *)(uintptr_t)&k->diffused;
    how.variance = k->diffused.variance;
    how.floor = k->diffused.floor;
    how.seed = k->options->seed;
    how.first = number;
    how.monitor = k->monitor;
    status = sf_sample(k->diffused.prior, &diffusion, &how, 1, field, NULL);
done:
    return status;
}

/* What is told of the solutions is the worst of them. */
static sf_status draw_constrained(const maker *k, uint64_t stream, double *field)
{
    sf_constrained_options how = sf_constrained_options_default();
    sf_constrained_report *all = &k->m->constrained, one;
    sf_status status;

    how.monitor = k->monitor;
    GO(sf_constrained_draw(k->constrained, k->options->seed, stream, &how, field, &one));
    all->converged = all->converged && one.converged;
    all->residual = fmax(all->residual, one.residual);
    all->error = fmax(all->error, one.error);
    if (one.iterations > all->iterations) all->iterations = one.iterations;
done:
    return status;
}

static sf_status draw_double(const maker *k, const sf_field_draw_options *how, double *field)
{
    const mock_options *o = k->options;
    mock_fields *m = k->m;
    sf_status status;

    switch (o->kind) {
    case MOCK_GAUSSIAN: return sf_field_draw(k->gaussian, how, field);
    case MOCK_LOGNORMAL:
        GO(sf_field_draw(k->gaussian, how, field));
        sf_lognormal_transform(&m->grid, m->lognormal.variance, field);
        return SF_OK;
    case MOCK_NON_GAUSSIAN:
        return sf_draw_non_gaussian(&m->grid, &m->theory.cosmology, m->theory.transfer,
                                    m->theory.redshift, o->fnl, how, field, &m->strength);
    case MOCK_LANGEVIN: return draw_chain(k, how->stream, field);
    case MOCK_DIFFUSION: return draw_diffusion(k, how->stream, field);
    case MOCK_CONSTRAINED: return draw_constrained(k, how->stream, field);
    }
    status = SF_ERR_UNSUPPORTED;
done:
    return status;
}

static sf_status narrow(const double *from, size_t size, float *to)
{
    for (size_t i = 0; i < size; i++) {
        if (fabs(from[i]) > (double)FLT_MAX)
            return sf_fail(SF_ERR_NUMERIC,
                           "cell %zu is %g, beyond single precision; give --precision double", i,
                           from[i]);
        to[i] = (float)from[i];
    }
    return SF_OK;
}

static sf_status draw_one(const maker *k, size_t index)
{
    const mock_options *o = k->options;
    mock_fields *m = k->m;
    sf_field_draw_options how = sf_field_draw_options_default();
    sf_status status;

    how.seed = o->seed;
    how.stream = o->paired ? index / 2 : index;
    how.inverted = o->paired && index % 2 == 1;
    how.fixed = o->fixed != 0;
    if (k->white != NULL) how.white = sf_fits_pixels(k->white);
    if (!o->single) return draw_double(k, &how, m->value[index]);
    if (k->work == NULL) return sf_field_draw_single(k->gaussian, &how, m->single[index]);
    GO(draw_double(k, &how, k->work));
    status = narrow(k->work, sf_grid_size(&m->grid), m->single[index]);
done:
    return status;
}

/* ---- what is made of a field ----------------------------------------------------------------- */

static sf_status make_particles(const mock_options *o, const double *delta, mock_fields *m)
{
    const size_t cells = sf_grid_size(&m->grid), axes = (size_t)m->grid.axes;
    sf_status status = SF_OK;

    if (o->order == 0) return SF_OK;
    GO(sf_allocate(&m->positions, cells, axes * sizeof *m->positions));
    GO(sf_allocate(&m->velocities, cells, axes * sizeof *m->velocities));
    GO(sf_displace(&m->grid, &m->theory.cosmology, m->theory.redshift, o->order, delta,
                   m->positions, m->velocities));
    m->points = cells;
done:
    return status;
}

static sf_status make_points(const mock_options *o, const double *delta, mock_fields *m)
{
    if (isnan(o->catalogue)) return SF_OK;
    return sf_poisson_points(&m->grid, delta, o->catalogue / sf_grid_volume(&m->grid), o->seed,
                             &m->positions, &m->points, &m->negative_cells);
}

double mock_fields_at(const mock_fields *m, size_t field, size_t cell)
{
    return m->single != NULL ? (double)m->single[field][cell] : m->value[field][cell];
}

static sf_status measure(mock_fields *m)
{
    const size_t size = sf_grid_size(&m->grid);

    return m->single != NULL ? sf_field_moments_single(m->single[0], size, &m->moments)
                             : sf_field_moments(m->value[0], size, &m->moments);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* What the fields are drawn from. */
static sf_status prepare(maker *k, sf_fits *data)
{
    const mock_options *o = k->options;
    mock_fields *m = k->m;
    const sf_spectrum *spectrum = m->theory.spectrum;
    sf_constrained_options how = sf_constrained_options_default();
    sf_status status = SF_OK;

    how.monitor = k->monitor;
    if (o->white != NULL) GO(read_companion(o->white, &m->grid, "--shape is", &k->white));
    switch (o->kind) {
    case MOCK_GAUSSIAN:
    case MOCK_LANGEVIN: return sf_field_create(&m->grid, spectrum, 0.0, &k->gaussian);
    case MOCK_LOGNORMAL: return sf_field_lognormal(&m->grid, spectrum, &k->gaussian, &m->lognormal);
    case MOCK_NON_GAUSSIAN: break;
    case MOCK_DIFFUSION:
        GO(field_prior_create(&m->grid, spectrum, &k->diffused));
        m->low = isnan(o->sampler.low) ? k->diffused.low : o->sampler.low;
        m->high = isnan(o->sampler.low) ? k->diffused.high : o->sampler.high;
        break;
    case MOCK_CONSTRAINED:
        GO(create_constrained(o, m, data, &k->constrained));
        GO(sf_allocate(&m->mean, sf_grid_size(&m->grid), sizeof *m->mean));
        status = sf_constrained_mean(k->constrained, &how, m->mean, &m->constrained);
    }
done:
    return status;
}

static sf_status make_room(const mock_options *o, maker *k)
{
    mock_fields *m = k->m;
    const size_t size = sf_fft_buffer_size(&m->grid);
    const bool doubled = o->kind != MOCK_GAUSSIAN || o->order > 0 || !isnan(o->catalogue);
    sf_status status;

    m->count = (size_t)o->samples * (o->paired ? 2 : 1);
    if (o->single && doubled) GO(sf_allocate(&k->work, size, sizeof *k->work));
    if (o->single)
        GO(sf_allocate(&m->single, m->count, sizeof *m->single));
    else
        GO(sf_allocate(&m->value, m->count, sizeof *m->value));
    for (size_t i = 0; i < m->count; i++)
        GO(o->single ? sf_allocate(&m->single[i], size, sizeof **m->single)
                     : sf_allocate(&m->value[i], size, sizeof **m->value));
done:
    return status;
}

static sf_status make_fields(maker *k, sf_fits *data)
{
    const mock_options *o = k->options;
    mock_fields *m = k->m;
    const double *delta;
    sf_status status;

    GO(prepare(k, data));
    GO(make_room(o, k));
    for (size_t i = 0; i < m->count; i++) GO(draw_one(k, i));
    delta = k->work != NULL ? k->work : o->single ? NULL : m->value[0];
    GO(make_particles(o, delta, m));
    GO(make_points(o, delta, m));
    status = measure(m);
done:
    return status;
}

/* The grid, and the data where there are some. */
static sf_status find_grid(const mock_options *o, sf_fits **data, sf_grid *grid)
{
    sf_status status;

    if (o->kind == MOCK_CONSTRAINED) {
        GO(sf_fits_read(o->constrain, data));
        GO(data_box(o, *data, grid));
        return check_memory(o, (size_t)grid->axes, grid->shape);
    }
    GO(check_memory(o, o->box.axes, o->box.shape));
    status = box_options_grid(&o->box, (int)o->box.axes, o->box.shape, grid);
done:
    return status;
}

sf_status mock_fields_make(const mock_options *o, sf_monitor monitor, mock_fields *m)
{
    maker k = {.options = o, .m = m, .monitor = monitor};
    sf_fits *data = NULL;
    const double start = program_seconds();
    sf_status status;

    memset(m, 0, sizeof *m);
    GO(find_grid(o, &data, &m->grid));
    GO(theory_create(&o->theory, m->grid.axes, &m->theory));
    status = make_fields(&k, data);
    m->seconds = program_seconds() - start;
done:
    sf_field_release(&k.gaussian);
    sf_constrained_release(&k.constrained);
    field_prior_release(&k.diffused);
    sf_fits_release(&k.white);
    sf_fits_release(&data);
    sf_free(k.work);
    return status;
}

void mock_fields_release(mock_fields *m)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->single != NULL) sf_free(m->single[i]);
        if (m->value != NULL) sf_free(m->value[i]);
    }
    sf_free(m->single);
    sf_free(m->value);
    sf_free(m->mean);
    sf_free(m->positions);
    sf_free(m->velocities);
    theory_release(&m->theory);
}
