/* non_gaussian.c - primordial non-Gaussianity of the local type: phi = g + f_nl (g^2 - <g^2>)
 * (Komatsu & Spergel 2001, doi:10.1103/PhysRevD.63.063002), and the linear density that grows from
 * it. phi is the potential with the sign of the density, so that a positive f_nl makes positive
 * skewness. */
#include <scorefield/field.h>

#include "base/internal.h"
#include "field/padded.h"
#include "field/wavevector.h"

#include <math.h>

#define HUBBLE_OVER_C (100.0 / 299792.458) /* h/Mpc */

/* modes <- modes + f_nl F[phi^2 - <phi^2>], phi = F^-1 modes. */
static sf_status add_square(const sf_grid *grid, double f_nl, sf_complex *modes)
{
    double *buffer = NULL;
    sf_fft *fft = NULL;
    sf_status status;
    sf_grid padded;
    size_t size;

    SF_TRY(sf_padded_grid(grid, &padded));
    size = sf_grid_size(&padded);
    SF_GO(sf_fft_create(&padded, &fft));
    SF_GO(sf_allocate(&buffer, sf_fft_buffer_size(&padded), sizeof *buffer));
    sf_padded_spread(grid, modes, &padded, (sf_complex *)(void *)buffer);
    SF_GO(sf_fft_inverse_in_place(fft, buffer));
#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (size > SF_WORTH_THREADS)
    for (size_t i = 0; i < size; i++) buffer[i] *= buffer[i];
    SF_GO(sf_fft_forward_in_place(fft, buffer));
    sf_padded_gather(&padded, (const sf_complex *)(const void *)buffer, f_nl, grid, modes);
done:
    sf_free(buffer);
    sf_fft_release(&fft);
    return status;
}

static sf_status check_strength(double f_nl)
{
    return isfinite(f_nl) ? SF_OK : sf_fail(SF_ERR_ARGUMENT, "f_nl = %g must be finite", f_nl);
}

sf_status sf_local_non_gaussianity(const sf_grid *grid, double f_nl, double *phi)
{
    sf_complex *modes = NULL;
    sf_fft *fft = NULL;
    sf_status status;

    SF_TRY(check_strength(f_nl));
    SF_TRY(sf_check_finite(phi, sf_grid_size(grid), "the potential"));
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_allocate(&modes, sf_grid_half_size(grid), sizeof *modes));
    SF_GO(sf_fft_forward(fft, phi, modes));
    SF_GO(add_square(grid, f_nl, modes));
    SF_GO(sf_fft_inverse(fft, modes, phi));
done:
    sf_free(modes);
    sf_fft_release(&fft);
    return status;
}
