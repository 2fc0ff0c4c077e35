/* pseudo_power.c - the spectrum of a field under a window, and the matrix that undoes the window.
 *
 * y = w (x - mean_w) has the modes Y_k = N^-1 sum_k' X_k' (W_(k-k') - W_k W_k'* / W_0), so that
 *     <|Y_k|^2> = N^-2 sum_k' <|X_k'|^2> |W_(k-k') - W_k W_k'* / W_0|^2
 * (the master equation of Hivon et al. 2002, doi:10.1086/338126, on a flat grid, and with the
 * subtracted mean). Its three terms are convolutions with the bins' own indicators S, hence
 * transforms: sum_k' |W_(k-k')|^2 S_k' = N F[F^-1|W|^2 . F^-1 S],
 * sum_k' W_(k-k') W_k' S_k' = N F[w . F^-1(W S)]. */
#include <scorefield/field.h>

#include "field/bins.h"

#include <complex.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

typedef struct task {
    const sf_grid *grid;
    const double *window;
    size_t size, half, count;
    sf_lattice lattice;
    sf_binning bins;
    sf_fft *fft;
    sf_complex *w, *modes;                    /* the window's modes; work */
    double *autocorrelation, *buffer, *terms; /* F^-1|W|^2; work: N values; work: one per mode */
    double *points, *sums;                    /* modes in each bin; work */
} task;

static double square(sf_complex z) { return creal(z) * creal(z) + cimag(z) * cimag(z); }

/* What the window sees of the field, in t->buffer: w (x - mean_w). */
static sf_status apply_window(const task *t, const double *field)
{
    double weight = 0.0, sum = 0.0;

    for (size_t i = 0; i < t->size; i++) {
        if (!(t->window[i] >= 0.0) || !isfinite(t->window[i]))
            return sf_fail(SF_ERR_ARGUMENT, "the window is %g in cell %zu; it is finite and >= 0",
                           t->window[i], i);
        if (t->window[i] == 0.0) continue;
        weight += t->window[i];
        sum += t->window[i] * field[i];
    }
    if (!(weight > 0.0)) return sf_fail(SF_ERR_ARGUMENT, "the window is 0 everywhere");
    if (!isfinite(sum))
        return sf_fail(SF_ERR_NUMERIC, "the field has values that are not finite in the window");
    for (size_t i = 0; i < t->size; i++)
        t->buffer[i] = t->window[i] > 0.0 ? t->window[i] * (field[i] - sum / weight) : 0.0;
    return SF_OK;
}

/* mean[b] = factor times the mean of t->terms over bin b; 0 without a mode. */
static sf_status bin_means(const task *t, double factor, double *mean, size_t stride)
{
    SF_TRY(sf_binning_sums(&t->lattice, &t->bins, t->terms, t->lattice.stored, t->sums));
    for (size_t b = 0; b < t->count; b++)
        mean[b * stride] = t->points[b] > 0.0 ? factor * t->sums[b] / t->points[b] : 0.0;
    return SF_OK;
}

static sf_status prepare(task *t)
{
    SF_TRY(sf_fft_forward(t->fft, t->window, t->w));
    for (size_t i = 0; i < t->half; i++) t->modes[i] = square(t->w[i]);
    return sf_fft_inverse(t->fft, t->modes, t->autocorrelation);
}

static sf_status pseudo_spectrum(const task *t, double *pseudo)
{
    const double cells = (double)t->size;

    SF_TRY(sf_fft_forward(t->fft, t->buffer, t->modes));
    for (size_t i = 0; i < t->half; i++) t->terms[i] = square(t->modes[i]);
    return bin_means(t, sf_grid_volume(t->grid) / cells / cells, pseudo, 1);
}

/* The column of one bin: what its modes of power 1 leave in every bin. */
static sf_status couple(const task *t, size_t bin, double *column)
{
    const double cells = (double)t->size, w_0 = creal(t->w[0]);
    double own = 0.0; /* sum of |W|^2 over the bin */

    sf_binning_select(&t->lattice, &t->bins, bin, NULL, t->modes);
    SF_TRY(sf_fft_inverse(t->fft, t->modes, t->buffer));
    for (size_t i = 0; i < t->size; i++) t->buffer[i] *= t->autocorrelation[i];
    SF_TRY(sf_fft_forward(t->fft, t->buffer, t->modes));
    for (size_t i = 0; i < t->half; i++) t->terms[i] = cells * creal(t->modes[i]);

    sf_binning_select(&t->lattice, &t->bins, bin, t->w, t->modes);
    for (size_t i = 0; i < t->half; i++)
        own += sf_grid_mode_weight(t->grid, i) * square(t->modes[i]);
    SF_TRY(sf_fft_inverse(t->fft, t->modes, t->buffer));
    for (size_t i = 0; i < t->size; i++) t->buffer[i] *= t->window[i];
    SF_TRY(sf_fft_forward(t->fft, t->buffer, t->modes));
    for (size_t i = 0; i < t->half; i++)
        t->terms[i] += own * square(t->w[i]) / (w_0 * w_0) -
                       2.0 * cells / w_0 * creal(t->modes[i] * conj(t->w[i]));
    return bin_means(t, 1.0 / (cells * cells), column, t->count);
}

static sf_status couple_all(const task *t, const sf_monitor *monitor, double *coupling)
{
    for (size_t b = 0; b < t->count; b++) {
        const sf_monitor_event event = {
            .stage = "coupling", .iteration = b + 1, .total = t->count, .residual = NAN};

        SF_TRY(couple(t, b, coupling + b));
        if (!sf_monitor_call(monitor, &event))
            return sf_fail(SF_ERR_INTERRUPTED, "stopped after %zu of %zu bins", b + 1, t->count);
    }
    return SF_OK;
}

/* power = coupling^-1 pseudo. A bin without modes has a row and a column of zeros. */
static sf_status decouple(const task *t, const double *pseudo, const double *coupling,
                          double *power)
{
    const size_t count = t->count;
    double *lu = NULL, smallest = INFINITY, largest = 0.0;
    size_t *order = NULL;
    gsl_matrix_view matrix;
    gsl_vector_view result = gsl_vector_view_array(power, count);
    sf_status status;
    int sign;

    SF_GO(sf_copy_memory(coupling, count * count, sizeof *coupling, &lu));
    SF_GO(sf_allocate(&order, count, sizeof *order));
    for (size_t b = 0; b < count; b++)
        if (t->points[b] == 0.0) lu[b * count + b] = 1.0;
    matrix = gsl_matrix_view_array(lu, count, count);
    (void)gsl_linalg_LU_decomp(&matrix.matrix, &(gsl_permutation){count, order}, &sign);
    for (size_t b = 0; b < count; b++) {
        smallest = fmin(smallest, fabs(lu[b * count + b]));
        largest = fmax(largest, fabs(lu[b * count + b]));
    }
    if (!(smallest > 1e-12 * largest))
        SF_GO(sf_fail(SF_ERR_NUMERIC,
                      "the window cannot tell all %zu bins apart (pivots from %g to %g): take "
                      "wider ones",
                      count, smallest, largest));
    memcpy(power, pseudo, count * sizeof *power);
    (void)gsl_linalg_LU_svx(&matrix.matrix, &(gsl_permutation){count, order}, &result.vector);
done:
    sf_free(lu);
    sf_free(order);
    return status;
}

static sf_status allocate(task *t)
{
    SF_TRY(sf_allocate(&t->w, t->half, sizeof *t->w));
    SF_TRY(sf_allocate(&t->modes, t->half, sizeof *t->modes));
    SF_TRY(sf_allocate(&t->autocorrelation, t->size, sizeof *t->autocorrelation));
    SF_TRY(sf_allocate(&t->buffer, t->size, sizeof *t->buffer));
    SF_TRY(sf_allocate(&t->terms, t->half, sizeof *t->terms));
    SF_TRY(sf_allocate(&t->points, t->count, sizeof *t->points));
    SF_TRY(sf_allocate(&t->sums, t->count, sizeof *t->sums));
    return sf_fft_create(t->grid, &t->fft);
}

static void release(task *t)
{
    sf_free(t->w);
    sf_free(t->modes);
    sf_free(t->autocorrelation);
    sf_free(t->buffer);
    sf_free(t->terms);
    sf_free(t->points);
    sf_free(t->sums);
    sf_fft_release(&t->fft);
    sf_binning_free(&t->bins);
}

sf_status sf_pseudo_power(const sf_grid *grid, const double *field, const double *window,
                          const sf_bins *bins, const sf_monitor *monitor, double *pseudo,
                          double *coupling, double *power)
{
    task t = {.grid = grid,
              .window = window,
              .size = sf_grid_size(grid),
              .half = sf_grid_half_size(grid),
              .count = bins->count,
              .lattice = sf_lattice_modes(grid)};
    sf_status status;

    SF_GO(sf_binning_make(&t.lattice, bins, &t.bins));
    SF_GO(allocate(&t));
    SF_GO(sf_binning_census(&t.lattice, &t.bins, NULL, NULL, t.points, t.sums));
    SF_GO(apply_window(&t, field));
    SF_GO(pseudo_spectrum(&t, pseudo));
    SF_GO(prepare(&t));
    SF_GO(couple_all(&t, monitor, coupling));
    SF_GO(decouple(&t, pseudo, coupling, power));
    for (size_t b = 0; b < t.count; b++)
        if (t.points[b] == 0.0) pseudo[b] = power[b] = NAN;
done:
    release(&t);
    return status;
}
