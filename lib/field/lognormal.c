/* lognormal.c - lognormal fields delta = exp(g - sigma_g^2/2) - 1 of a given spectrum:
 * P. Coles & B. Jones 1991, doi:10.1093/mnras/248.1.1. The covariances of cell values are related
 * lag by lag, xi_g = ln(1 + xi_delta), on the periodic grid itself, so that the draws' spectrum is
 * the one given exactly wherever the implied eigenvalues of g are not negative. */
#include <scorefield/field.h>

#include "base/internal.h"
#include "field/field.h"
#include "field/wavevector.h"

#include <math.h>

/* modes = lambda of the field that they are to have. */
typedef struct target {
    const sf_field *field;
    sf_complex *modes;
} target;

static sf_status fill_piece(void *user, sf_piece piece)
{
    const target *t = user;
    double lambda[SF_FIELD_PIECE];

    SF_TRY(sf_field_lambda(t->field, piece, lambda));
    for (size_t i = 0; i < piece.count; i++) t->modes[piece.at + i] = lambda[i];
    return SF_OK;
}

/* xi -> ln(1 + xi) */
static sf_status take_logarithm(size_t size, double *xi)
{
    double lowest = INFINITY;

    for (size_t i = 0; i < size; i++) lowest = fmin(lowest, xi[i]);
    if (!(lowest > -1.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "no lognormal field has this spectrum: its correlation falls to %g, which "
                       "must be above -1; lower the amplitude",
                       lowest);
#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (size > SF_WORTH_THREADS)
    for (size_t i = 0; i < size; i++) xi[i] = log1p(xi[i]);
    return SF_OK;
}

/* Keeps the real parts as eigenvalues, without the negative ones. */
static void clip(const sf_grid *grid, const sf_complex *modes, double *lambda,
                 sf_lognormal_report *report)
{
    const size_t half = sf_grid_half_size(grid);
    double positive = 0.0, negative = 0.0;

    *report = (sf_lognormal_report){.negative_modes = 0};
    for (size_t i = 0; i < half; i++) {
        const int weight = sf_grid_mode_weight(grid, i);

        lambda[i] = ((const double *)&modes[i])[0];
        if (lambda[i] < 0.0) {
            report->negative_modes += (size_t)weight;
            negative -= weight * lambda[i];
            lambda[i] = 0.0;
        }
        positive += weight * lambda[i];
    }
    report->variance = positive / (double)sf_grid_size(grid);
    if (negative > 0.0) report->negative_power = negative / (positive + negative);
}

/* The eigenvalues of delta to those of g. */
static sf_status map(const sf_field *delta, double *lambda, sf_lognormal_report *report)
{
    const sf_grid *grid = &delta->grid;
    double *buffer;
    sf_status status;

    SF_TRY(sf_allocate(&buffer, sf_fft_buffer_size(grid), sizeof *buffer));
    SF_GO(sf_piece_each(grid, fill_piece, &(target){delta, (sf_complex *)(void *)buffer}));
    SF_GO(sf_fft_inverse_in_place(delta->fft, buffer));
    SF_GO(take_logarithm(sf_grid_size(grid), buffer));
    SF_GO(sf_fft_forward_in_place(delta->fft, buffer));
    clip(grid, (const sf_complex *)(const void *)buffer, lambda, report);
done:
    sf_free(buffer);
    return status;
}

sf_status sf_field_lognormal(const sf_grid *grid, const sf_spectrum *spectrum, sf_field **gaussian,
                             sf_lognormal_report *report)
{
    sf_lognormal_report own;
    sf_field *delta = NULL;
    double *lambda = NULL;
    sf_status status;

    *gaussian = NULL;
    SF_GO(sf_field_create(grid, spectrum, 0.0, &delta));
    SF_GO(sf_allocate(&lambda, sf_grid_half_size(grid), sizeof *lambda));
    SF_GO(map(delta, lambda, report != NULL ? report : &own));
    sf_field_release(&delta); /* its memory is wanted next */
    SF_GO(sf_field_from_eigenvalues(grid, lambda, 0.0, gaussian));
done:
    sf_free(lambda);
    sf_field_release(&delta);
    return status;
}

void sf_lognormal_transform(const sf_grid *grid, double variance, double *field)
{
    const size_t size = sf_grid_size(grid);

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (size > SF_WORTH_THREADS)
    for (size_t i = 0; i < size; i++) field[i] = expm1(field[i] - 0.5 * variance);
}
