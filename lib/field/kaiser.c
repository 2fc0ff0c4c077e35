/* kaiser.c - linear redshift-space distortion in a plane-parallel box:
 * N. Kaiser 1987, doi:10.1093/mnras/227.1.1. */
#include <scorefield/field.h>

#include "base/internal.h"
#include "field/wavevector.h"

#include <math.h>

/* modes <- (bias + f mu^2) modes; the mean has no direction and takes the bias. */
static void distort(const sf_grid *grid, int axis, double bias, double f, sf_complex *modes)
{
    const size_t rows = sf_row_count(grid), length = sf_row_length(grid);

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (rows * length > SF_WORTH_THREADS)
    for (size_t row = 0; row < rows; row++) {
        const sf_wavevector start = sf_row_start(grid, row);

        for (size_t i = 0; i < length; i++) {
            const sf_wavevector w = sf_row_entry(grid, &start, i);
            const double mu2 = w.square > 0.0 ? w.k[axis] * w.k[axis] / w.square : 0.0;

            modes[row * length + i] *= bias + f * mu2;
        }
    }
}

sf_status sf_kaiser(const sf_grid *grid, int axis, double bias, double growth_rate, double *field)
{
    sf_complex *modes = NULL;
    sf_fft *fft = NULL;
    sf_status status;

    if (axis < 0 || axis >= grid->axes)
        return sf_fail(SF_ERR_ARGUMENT, "line of sight along axis %d of a grid with %d axes", axis,
                       grid->axes);
    if (!isfinite(bias) || !isfinite(growth_rate))
        return sf_fail(SF_ERR_ARGUMENT, "bias %g and growth rate %g must be finite", bias,
                       growth_rate);
    SF_TRY(sf_check_finite(field, sf_grid_size(grid), "the field"));
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_allocate(&modes, sf_grid_half_size(grid), sizeof *modes));
    SF_GO(sf_fft_forward(fft, field, modes));
    distort(grid, axis, bias, growth_rate, modes);
    SF_GO(sf_fft_inverse(fft, modes, field));
done:
    sf_free(modes);
    sf_fft_release(&fft);
    return status;
}
