/* non_gaussian.c - primordial non-Gaussianity of the local type: phi = g + f_nl (g^2 - <g^2>)
 * (Komatsu & Spergel 2001, doi:10.1103/PhysRevD.63.063002), and the linear density that grows from
 * it. phi is the potential with the sign of the density, so that a positive f_nl makes positive
 * skewness. */
#include <scorefield/field.h>

#include "base/internal.h"
#include "field/cosmology.h"
#include "field/padded.h"
#include "field/wavevector.h"

#include <math.h>

#define LIGHT 2997.92458 /* c/H_0 in Mpc/h */

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

/* ---- the density that grows from it ---------------------------------------------------- */

/* delta_k = M(k) phi_k with M = 2 k^2 T D/(3 omega_m (H_0/c)^2), D -> a for a -> 0: phi is the
 * potential of the matter era. (D(1) = 1 would make phi, and with it f_nl, what linear theory
 * extrapolates to today.) */
typedef struct poisson {
    sf_transfer_fit fit;
    double factor; /* M = factor k^2 T */
    double unit;   /* the spectrum's unit of k in 1/Mpc */
} poisson;

static sf_status poisson_make(const sf_cosmology *cosmology, sf_transfer transfer, double redshift,
                              poisson *p)
{
    const double length = LIGHT / (cosmology->per_mpc ? cosmology->h : 1.0);
    double d, f;

    SF_TRY(sf_transfer_fit_make(cosmology, transfer, &p->fit));
    SF_TRY(sf_growth_early(cosmology, redshift, &d, &f));
    p->factor = 2.0 / 3.0 * d / cosmology->omega_m * length * length;
    p->unit = cosmology->per_mpc ? 1.0 : cosmology->h;
    return SF_OK;
}

/* Modes of phi to modes of delta, or back. The means are 0. */
static void solve_poisson(const sf_grid *grid, const poisson *p, bool back, sf_complex *modes)
{
    const size_t rows = sf_row_count(grid), length = sf_row_length(grid);

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (rows * length > SF_WORTH_THREADS)
    for (size_t row = 0; row < rows; row++) {
        const sf_wavevector start = sf_row_start(grid, row);

        for (size_t i = 0; i < length; i++) {
            const double k2 = sf_row_entry(grid, &start, i).square;
            const double m = p->factor * k2 * sf_transfer_fit_at(&p->fit, sqrt(k2) * p->unit);

            modes[row * length + i] *= !back ? m : m != 0.0 ? 1.0 / m : 0.0;
        }
    }
}

/* The box's rms of a field with these modes: Parseval, row by row so that the order is fixed. */
static sf_status rms(const sf_grid *grid, const sf_complex *modes, double *value)
{
    const size_t rows = sf_row_count(grid), length = sf_row_length(grid);
    double *sums, total = 0.0;

    SF_TRY(sf_allocate(&sums, rows, sizeof *sums));
#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (rows * length > SF_WORTH_THREADS)
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < length; i++) {
            const double *x = (const double *)&modes[row * length + i];

            sums[row] += sf_grid_mode_weight(grid, i) * (x[0] * x[0] + x[1] * x[1]);
        }
    for (size_t row = 0; row < rows; row++) total += sums[row];
    *value = sqrt(total) / (double)sf_grid_size(grid);
    sf_free(sums);
    return SF_OK;
}

sf_status sf_draw_non_gaussian(const sf_grid *grid, const sf_cosmology *cosmology,
                               sf_transfer transfer, double redshift, double f_nl,
                               const sf_field_draw_options *options, double *buffer,
                               double *strength)
{
    sf_complex *modes = (sf_complex *)(void *)buffer;
    sf_spectrum *spectrum = NULL;
    sf_field *field = NULL;
    sf_fft *fft = NULL;
    double size;
    poisson p;
    sf_status status;

    if (strength != NULL) *strength = NAN;
    SF_TRY(check_strength(f_nl));
    SF_TRY(poisson_make(cosmology, transfer, redshift, &p));
    SF_GO(sf_spectrum_cosmology(cosmology, transfer, redshift, &spectrum));
    SF_GO(sf_field_create(grid, spectrum, 0.0, &field));
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_field_draw_modes(field, options, modes));
    sf_field_release(&field); /* its memory is wanted next */
    solve_poisson(grid, &p, true, modes);
    SF_GO(rms(grid, modes, &size));
    SF_GO(add_square(grid, f_nl, modes));
    solve_poisson(grid, &p, false, modes);
    SF_GO(sf_fft_inverse_in_place(fft, buffer));
    if (strength != NULL) *strength = fabs(f_nl) * size;
done:
    sf_fft_release(&fft);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
    return status;
}
