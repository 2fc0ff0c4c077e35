/* correlation.c - the correlation function over all pairs of cells: sum_n x_n x_(n+d) = F^-1 |X|^2
 * at every lag d (Wiener-Khinchin), in bins of |d|. */
#include <scorefield/field.h>

#include "field/bins.h"

#include <complex.h>
#include <math.h>
#include <string.h>

/* buffer: the field, then sum_n x_n x_(n+d) about its mean. */
static sf_status correlate(const sf_grid *grid, double *buffer)
{
    const size_t half = sf_grid_half_size(grid);
    sf_complex *modes = (sf_complex *)(void *)buffer;
    sf_fft *fft = NULL;
    sf_status status;

    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_fft_forward_in_place(fft, buffer));
    modes[0] = 0.0;
#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) if (half > 32768)
    for (size_t i = 0; i < half; i++)
        modes[i] = creal(modes[i]) * creal(modes[i]) + cimag(modes[i]) * cimag(modes[i]);
    SF_GO(sf_fft_inverse_in_place(fft, buffer));
done:
    sf_fft_release(&fft);
    return status;
}

sf_status sf_correlation(const sf_grid *grid, const double *field, const sf_bins *bins,
                         sf_correlation_bin *result)
{
    const size_t size = sf_grid_size(grid), n = grid->shape[grid->axes - 1];
    const sf_lattice lattice = sf_lattice_lags(grid);
    sf_binning binning = {.count = 0};
    double *buffer = NULL, *sums = NULL, *lags = NULL, *distances = NULL;
    sf_status status;

    SF_GO(sf_check_finite(field, size, "the field"));
    SF_GO(sf_binning_make(&lattice, bins, &binning));
    SF_GO(sf_allocate(&sums, binning.count, sizeof *sums));
    SF_GO(sf_allocate(&lags, binning.count, sizeof *lags));
    SF_GO(sf_allocate(&distances, binning.count, sizeof *distances));
    SF_GO(sf_allocate(&buffer, sf_fft_buffer_size(grid), sizeof *buffer));
    memcpy(buffer, field, size * sizeof *field);
    SF_GO(correlate(grid, buffer));
    SF_GO(sf_binning_sums(&lattice, &binning, buffer, n, sums));
    SF_GO(sf_binning_census(&lattice, &binning, NULL, NULL, lags, distances));
    for (size_t b = 0; b < binning.count; b++) {
        const double count = lags[b] > 0.0 ? lags[b] : NAN;

        result[b] = (sf_correlation_bin){
            .r = distances[b] / count,
            .low = binning.edge[b],
            .high = binning.edge[b + 1],
            .xi = sums[b] / count / (double)size,
            .pairs = 0.5 * lags[b] * (double)size, /* d and -d are the same pairs */
        };
    }
done:
    sf_free(buffer);
    sf_free(sums);
    sf_free(lags);
    sf_free(distances);
    sf_binning_free(&binning);
    return status;
}
