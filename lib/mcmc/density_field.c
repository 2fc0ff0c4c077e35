/* density_field.c - a Gaussian field as a density, normalised: with X = F(x - mean),
 *     log f = -1/2 sum |X_k|^2/(N lambda_k) - 1/2 sum log(2 pi lambda_k),  score = -F^-1[X/lambda].
 * The score costs the two transforms, and log f nothing more: it is (x - mean) . score / 2. */
#include "base/internal.h"
#include "field/field.h"
#include "mcmc/density.h"
#include "mcmc/lanes.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <math.h>

typedef struct density_field {
    sf_field *field;
    double *gain; /* 1/lambda */
    double log_norm;
} density_field;

static void field_destroy(void *self)
{
    density_field *d = self;

    if (d == NULL) return;
    sf_field_release(&d->field);
    sf_free(d->gain);
    sf_free(d);
}

static double field_log_z(const void *self)
{
    (void)self;
    return 0.0;
}

/* product = C^-1 (x - mean), and (x - mean) . product */
static sf_status filter_point(const density_field *d, const double *x, sf_complex *work,
                              double *product, double *quadratic)
{
    const size_t n = sf_grid_size(&d->field->grid);

    for (size_t i = 0; i < n; i++) product[i] = x[i] - d->field->mean;
    SF_TRY(sf_fft_filter(d->field->fft, d->gain, work, product));
    *quadratic = sf_lanes_product(n, x, d->field->mean, product);
    return SF_OK;
}

static sf_status field_evaluate(const void *self, size_t batch, const double *x,
                                double *log_density, double *score)
{
    const density_field *d = self;
    const size_t n = sf_grid_size(&d->field->grid);
    double *product = NULL, quadratic;
    sf_complex *work = NULL;
    sf_status status;

    SF_GO(sf_allocate(&work, sf_grid_half_size(&d->field->grid), sizeof *work));
    SF_GO(sf_allocate(&product, n, sizeof *product));
    for (size_t b = 0; b < batch; b++) {
        SF_GO(filter_point(d, x + b * n, work, product, &quadratic));
        log_density[b] = d->log_norm - 0.5 * quadratic;
        for (size_t i = 0; score != NULL && i < n; i++) score[b * n + i] = -product[i];
    }
done:
    sf_free(work);
    sf_free(product);
    return status;
}

/* Draw d is the field of stream d under a seed of this generator's own. */
static sf_status field_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                            double *x)
{
    const density_field *d = self;
    const size_t n = sf_grid_size(&d->field->grid);
    sf_field_draw_options options = sf_field_draw_options_default();
    double *buffer = NULL;
    sf_status status;

    options.seed = sf_random_seed(random);
    SF_GO(sf_allocate(&buffer, sf_fft_buffer_size(&d->field->grid), sizeof *buffer));
    for (size_t b = 0; b < batch; b++) {
        options.stream = first + b;
        SF_GO(sf_field_draw(d->field, &options, buffer));
        for (size_t i = 0; i < n; i++) x[b * n + i] = buffer[i];
    }
done:
    sf_free(buffer);
    return status;
}

static const sf_density_methods field_methods = {
    .name = "field",
    .evaluate = field_evaluate,
    .draw = field_draw,
    .log_z = field_log_z,
    .destroy = field_destroy,
};

static sf_status invert(density_field *d)
{
    const sf_grid *grid = &d->field->grid;
    double log_determinant;

    SF_TRY(sf_field_lambda_all(d->field, d->gain));
    for (size_t k = 0; k < sf_grid_half_size(grid); k++) {
        if (!(d->gain[k] > 0.0))
            return sf_fail(SF_ERR_ARGUMENT,
                           "mode %zu (|k| = %g) of the field has no variance, so it is no density "
                           "of all cells: give its spectrum power there%s",
                           k, sf_grid_wavenumber(grid, k), k == 0 ? ", a P(0) above 0" : "");
        d->gain[k] = 1.0 / d->gain[k];
    }
    SF_TRY(sf_field_log_determinant(d->field, 0.0, &log_determinant));
    d->log_norm = -0.5 * ((double)sf_grid_size(grid) * log(2.0 * M_PI) + log_determinant);
    return SF_OK;
}

sf_status sf_density_field(sf_field *field, sf_density **density)
{
    density_field *d;
    sf_status status;

    *density = NULL;
    SF_TRY(sf_allocate(&d, 1, sizeof *d));
    d->field = sf_field_retain(field);
    SF_GO(sf_allocate(&d->gain, sf_grid_half_size(&field->grid), sizeof *d->gain));
    SF_GO(invert(d));
    return sf_density_create(&field_methods, d, sf_grid_size(&field->grid), density);
done:
    field_destroy(d);
    return status;
}

const sf_field *sf_density_as_field(const sf_density *density)
{
    const density_field *d = sf_density_self(density, &field_methods);

    return d != NULL ? d->field : NULL;
}
