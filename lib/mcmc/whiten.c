/* whiten.c - C^1/2 and C^-1/2 of a kernel's preconditioner. */
#include "mcmc/whiten.h"

#include "base/internal.h"
#include "field/field.h"

#include <math.h>

static sf_status create_diagonal(const sf_kernel *kernel, size_t n, sf_whiten *whiten)
{
    SF_TRY(sf_allocate(&whiten->scale, n, sizeof *whiten->scale));
    for (size_t i = 0; i < n; i++) {
        const double scale = kernel->scale != NULL ? kernel->scale[i] : 1.0;

        if (!(scale > 0.0) || !isfinite(scale))
            return sf_fail(SF_ERR_ARGUMENT,
                           "scale %zu of a kernel is %g; a standard deviation is positive and "
                           "finite",
                           i, scale);
        whiten->scale[i] = scale;
    }
    return SF_OK;
}

static sf_status create_fourier(const sf_field *field, size_t n, sf_whiten *whiten)
{
    const size_t half = sf_grid_half_size(&field->grid);
    char text[64];

    if (sf_grid_size(&field->grid) != n)
        return sf_fail(SF_ERR_SHAPE,
                       "a kernel's field of %s cells cannot precondition %zu dimensions",
                       sf_grid_text(&field->grid, text, sizeof text), n);
    SF_TRY(sf_allocate(&whiten->root, half, sizeof *whiten->root));
    SF_TRY(sf_allocate(&whiten->reciprocal, half, sizeof *whiten->reciprocal));
    SF_TRY(sf_field_lambda_all(field, whiten->root));
    for (size_t k = 0; k < half; k++) {
        whiten->root[k] = sqrt(whiten->root[k]);
        whiten->reciprocal[k] = whiten->root[k] > 0.0 ? 1.0 / whiten->root[k] : 0.0;
    }
    whiten->mean = field->mean;
    whiten->work = half;
    return sf_fft_create(&field->grid, &whiten->fft);
}

sf_status sf_whiten_create(const sf_kernel *kernel, size_t n, sf_whiten *whiten)
{
    sf_status status;

    *whiten = (sf_whiten){.n = n};
    if (kernel->scale != NULL && kernel->field != NULL)
        return sf_fail(SF_ERR_ARGUMENT, "a kernel is preconditioned by a scale or by a field, not "
                                        "by both");
    status = kernel->field != NULL ? create_fourier(kernel->field, n, whiten)
                                   : create_diagonal(kernel, n, whiten);
    if (status != SF_OK) sf_whiten_free(whiten);
    return status;
}

void sf_whiten_free(sf_whiten *whiten)
{
    sf_free(whiten->scale);
    sf_free(whiten->root);
    sf_free(whiten->reciprocal);
    sf_fft_release(&whiten->fft);
    *whiten = (sf_whiten){.n = 0};
}

static sf_status filter(const sf_whiten *whiten, const double *gain, size_t count, sf_complex *work,
                        double *v)
{
    for (size_t c = 0; c < count; c++)
        SF_TRY(sf_fft_filter(whiten->fft, gain, work, v + c * whiten->n));
    return SF_OK;
}

sf_status sf_whiten_colour(const sf_whiten *whiten, size_t count, sf_complex *work, double *v)
{
    if (whiten->fft != NULL) return filter(whiten, whiten->root, count, work, v);
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < whiten->n; i++) v[c * whiten->n + i] *= whiten->scale[i];
    return SF_OK;
}

sf_status sf_whiten_bleach(const sf_whiten *whiten, size_t count, sf_complex *work, double *v)
{
    if (whiten->fft != NULL) return filter(whiten, whiten->reciprocal, count, work, v);
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < whiten->n; i++) v[c * whiten->n + i] /= whiten->scale[i];
    return SF_OK;
}
