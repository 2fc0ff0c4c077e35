/* correlated.c - several Gaussian fields with given cross-spectra: for every |k| the matrix
 * P_ab(k) = L L^T, and the fields' modes are L times those of independent white noise. L is lower
 * triangular, so that the first field is what it would be alone. */
#include <scorefield/field.h>

#include "base/internal.h"
#include "field/wavevector.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Correlations are taken as positive definite from this below: of fields that are multiples of one
 * another round-off makes the matrix indefinite. */
#define SINGULAR 1e-12

/* The Cholesky factors on a grid's distinct |k|. */
typedef struct factors {
    size_t fields, count;
    double unit;                    /* the smallest fundamental */
    double ratio[SF_GRID_MAX_AXES]; /* (fundamental/unit)^2 */
    double *square;                 /* |k|^2/unit^2, increasing; integers in a cubic box */
    double *factor;                 /* of each, fields x fields, row-major */
} factors;

/* ---- distinct wavenumbers --------------------------------------------------------------- */

static double square_of(const factors *f, int axes, const long m[SF_GRID_MAX_AXES])
{
    double sum = 0.0;

    for (int a = 0; a < axes; a++) sum += f->ratio[a] * (double)m[a] * (double)m[a];
    return sum;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* All |k|^2 of modes without a negative component, sorted, those equal but for round-off once. */
static sf_status find_squares(const sf_grid *grid, factors *f)
{
    const size_t rows = sf_row_count(grid), length = sf_row_length(grid);
    size_t room = length, found = 0;

    for (int a = 0; a < grid->axes - 1; a++) room *= grid->shape[a] / 2 + 1;
    SF_TRY(sf_allocate(&f->square, room, sizeof *f->square));
    for (size_t row = 0; row < rows; row++) {
        sf_wavevector w = sf_row_start(grid, row);
        bool negative = false;

        for (int a = 0; a < grid->axes; a++) negative |= w.m[a] < 0;
        for (size_t i = 0; i < length && !negative; i++) {
            w.m[grid->axes - 1] = (long)i;
            f->square[found++] = square_of(f, grid->axes, w.m);
        }
    }
    qsort(f->square, found, sizeof *f->square, compare);
    f->count = 1;
    for (size_t i = 1; i < found; i++)
        if (f->square[i] > f->square[f->count - 1] * (1.0 + 1e-12))
            f->square[f->count++] = f->square[i];
    return SF_OK;
}

/* The factor at |k|^2 = square: that of the last entry not above it. */
static const double *factor_at(const factors *f, double square)
{
    size_t low = 0, high = f->count;

    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;

        if (f->square[middle] <= square)
            low = middle;
        else
            high = middle;
    }
    return f->factor + low * f->fields * f->fields;
}

/* ---- factors ---------------------------------------------------------------------------- */

/* Correlations r_ab = P_ab/sqrt(P_aa P_bb), and scale_a = sqrt(P_aa). A field without power at
 * this k is correlated with none. */
static sf_status correlate(const sf_spectrum *const *spectrum, size_t n, double k, double *scale,
                           double *r)
{
    for (size_t a = 0; a < n; a++) {
        SF_TRY(sf_spectrum_power(spectrum[a * n + a], k, &scale[a]));
        scale[a] = sqrt(scale[a]);
    }
    for (size_t a = 0; a < n; a++)
        for (size_t b = a; b < n; b++) {
            const sf_spectrum *cross = spectrum[a * n + b];
            double power = 0.0;

            if (a != b && cross != NULL) SF_TRY(sf_spectrum_power(cross, k, &power));
            if (power > 0.0 && !(scale[a] * scale[b] > 0.0))
                return sf_fail(SF_ERR_ARGUMENT,
                               "fields %zu and %zu have the cross-spectrum %g at k = %g, where one "
                               "of them has no power",
                               a, b, power, k);
            r[b * n + a] = a == b ? 1.0 : power > 0.0 ? power / scale[a] / scale[b] : 0.0;
        }
    return SF_OK;
}

/* The lower triangle of r becomes its Cholesky factor; false if r is not positive. work: n x n. */
static bool factorise(size_t n, double diagonal, const double *r, double *work)
{
    memcpy(work, r, n * n * sizeof *r);
    for (size_t a = 0; a < n; a++) work[a * n + a] += diagonal;
    /* row-major lower is column-major upper */
    return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, work, (lapack_int)n) == 0;
}

static sf_status factor_once(const sf_spectrum *const *spectrum, size_t n, double k, double volume,
                             double *scale, double *r, double *factor)
{
    SF_TRY(correlate(spectrum, n, k, scale, r));
    if (!factorise(n, 0.0, r, factor) && !factorise(n, SINGULAR, r, factor))
        return sf_fail(SF_ERR_ARGUMENT,
                       "the matrix of the %zu fields' spectra is not positive at k = %g: their "
                       "cross-spectra are too large for their own",
                       n, k);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b <= a; b++) factor[a * n + b] *= scale[a] / sqrt(volume);
    return SF_OK;
}

static sf_status make_factors(const sf_grid *grid, const sf_spectrum *const *spectrum, factors *f)
{
    const size_t n = f->fields;
    double *scale = NULL, *r = NULL;
    size_t each;
    sf_status status;

    f->unit = INFINITY;
    for (int a = 0; a < grid->axes; a++) f->unit = fmin(f->unit, sf_fundamental(grid, a));
    for (int a = 0; a < grid->axes; a++) f->ratio[a] = pow(sf_fundamental(grid, a) / f->unit, 2.0);
    SF_GO(find_squares(grid, f));
    if (!sf_multiply_sizes(n, n, &each) || !sf_multiply_sizes(each, sizeof(double), &each))
        return sf_fail(SF_ERR_ARGUMENT, "%zu correlated fields are too many", n);
    SF_GO(sf_allocate(&f->factor, f->count, each));
    SF_GO(sf_allocate(&scale, n, sizeof *scale));
    SF_GO(sf_allocate(&r, n * n, sizeof *r));
    for (size_t i = 0; i < f->count; i++)
        SF_GO(factor_once(spectrum, n, f->unit * sqrt(f->square[i]), sf_grid_cell_volume(grid),
                          scale, r, f->factor + i * n * n));
done:
    sf_free(scale);
    sf_free(r);
    return status;
}

/* ---- draws ------------------------------------------------------------------------------ */

/* The modes of `fields` independent white noises of variance 1. */
static sf_status draw_white(const sf_grid *grid, const sf_field_draw_options *options,
                            size_t fields, double *const *buffers)
{
    const double volume = sf_grid_cell_volume(grid);
    sf_field_draw_options each = *options;
    sf_spectrum *flat = NULL;
    sf_field *white = NULL;
    sf_status status;

    SF_GO(sf_spectrum_power_law(volume, 0.0, volume, &flat));
    SF_GO(sf_field_create(grid, flat, 0.0, &white));
    for (size_t a = 0; a < fields; a++) {
        each.stream = options->stream + a;
        if (options->white != NULL) each.white = options->white + a * sf_grid_size(grid);
        SF_GO(sf_field_draw_modes(white, &each, (sf_complex *)(void *)buffers[a]));
    }
done:
    sf_field_release(&white);
    sf_spectrum_release(&flat);
    return status;
}

/* Mode by mode, the last field first, for each needs those before it. */
static void mix(const sf_grid *grid, const factors *f, double *const *buffers)
{
    const size_t rows = sf_row_count(grid), length = sf_row_length(grid), n = f->fields;

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (rows * length > SF_WORTH_THREADS)
    for (size_t row = 0; row < rows; row++) {
        sf_wavevector w = sf_row_start(grid, row);

        for (size_t i = 0; i < length; i++) {
            const size_t at = 2 * (row * length + i);
            const double *factor;

            w.m[grid->axes - 1] = (long)i;
            factor = factor_at(f, square_of(f, grid->axes, w.m));
            for (size_t a = n; a-- > 0;) {
                double re = 0.0, im = 0.0;

                for (size_t b = 0; b <= a; b++) {
                    re += factor[a * n + b] * buffers[b][at];
                    im += factor[a * n + b] * buffers[b][at + 1];
                }
                buffers[a][at] = re;
                buffers[a][at + 1] = im;
            }
        }
    }
}

sf_status sf_field_draw_correlated(const sf_grid *grid, const sf_spectrum *const *spectrum,
                                   size_t count, const sf_field_draw_options *options,
                                   double *const *buffers)
{
    const sf_field_draw_options defaults = sf_field_draw_options_default();
    factors f = {.fields = count};
    sf_fft *fft = NULL;
    sf_status status;

    if (count == 0) return sf_fail(SF_ERR_ARGUMENT, "no fields to draw");
    for (size_t a = 0; a < count; a++)
        if (spectrum[a * count + a] == NULL)
            return sf_fail(SF_ERR_ARGUMENT, "field %zu has no spectrum of its own", a);
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(make_factors(grid, spectrum, &f));
    SF_GO(draw_white(grid, options != NULL ? options : &defaults, count, buffers));
    mix(grid, &f, buffers);
    for (size_t a = 0; a < count; a++) SF_GO(sf_fft_inverse_in_place(fft, buffers[a]));
done:
    sf_free(f.square);
    sf_free(f.factor);
    sf_fft_release(&fft);
    return status;
}
