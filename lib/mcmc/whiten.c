/* whiten.c - C^1/2 and C^-1/2 of a kernel's preconditioner. */
#include "mcmc/whiten.h"

#include "base/internal.h"
#include "field/field.h"

#include <math.h>
#include <string.h>

static sf_status check_scale(const double *scale, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(scale[i] > 0.0) || !isfinite(scale[i]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "scale %zu of a kernel is %g; a standard deviation is positive and "
                           "finite",
                           i, scale[i]);
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
    whiten->scale = kernel->scale;
    if (kernel->scale != NULL) return check_scale(kernel->scale, n);
    if (kernel->field == NULL) return SF_OK;
    status = create_fourier(kernel->field, n, whiten);
    if (status != SF_OK) sf_whiten_free(whiten);
    return status;
}

void sf_whiten_free(sf_whiten *whiten)
{
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

SF_VECTOR_CLONES static void multiply(const sf_whiten *whiten, size_t count, const double *v,
                                      double *out)
{
    for (size_t c = 0; c < count; c++)
        for (size_t i = 0; i < whiten->n; i++)
            out[c * whiten->n + i] = v[c * whiten->n + i] * whiten->scale[i];
}

sf_status sf_whiten_colour(const sf_whiten *whiten, size_t count, sf_complex *work, double *room,
                           const double **v)
{
    if (sf_whiten_is_none(whiten)) return SF_OK;
    if (whiten->fft == NULL) {
        multiply(whiten, count, *v, room);
    } else {
        if (*v != room) memcpy(room, *v, count * whiten->n * sizeof *room);
        SF_TRY(filter(whiten, whiten->root, count, work, room));
    }
    *v = room;
    return SF_OK;
}

sf_status sf_whiten_bleach(const sf_whiten *whiten, size_t count, sf_complex *work, double *v)
{
    if (whiten->fft != NULL) return filter(whiten, whiten->reciprocal, count, work, v);
    for (size_t c = 0; whiten->scale != NULL && c < count; c++)
        for (size_t i = 0; i < whiten->n; i++) v[c * whiten->n + i] /= whiten->scale[i];
    return SF_OK;
}
