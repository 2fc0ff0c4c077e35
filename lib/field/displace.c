/* displace.c - particles displaced by a linear density field, to first and second order of
 * Lagrangian perturbation theory.
 *
 *   first    psi1 = -grad phi,          lap phi = delta               (Zel'dovich 1970)
 *   second   psi2 = 3/7 omega_m(z)^(-1/143) lap^-1 grad(-S),  S = sum_{i<j} phi_ii phi_jj -
 * phi_ij^2
 *
 * (Bouchet et al. 1995, arXiv:astro-ph/9406013). Both are i k/k^2 applied to modes: to delta and
 * to 3/7 omega_m^(-1/143) S. With sum_i phi_ii = delta, S = 1/2 (delta^2 - sum_ij phi_ij^2), and
 * the products are formed on a padded grid. A collapsing sphere is the check: delta + delta^2/7 is
 * what makes its density 1 + delta + 17/21 delta^2. */
#include <scorefield/field.h>

#include "base/internal.h"
#include "field/cosmology.h"
#include "field/padded.h"
#include "field/wavevector.h"

#include <complex.h>
#include <math.h>
#include <string.h>

typedef struct displacement {
    const sf_grid *grid;
    sf_fft *fft;
    sf_complex *modes, *work;
    double *component;
    double *positions, *velocities; /* velocities may be NULL */
} displacement;

static sf_status prepare(displacement *d)
{
    const size_t half = sf_grid_half_size(d->grid);

    SF_TRY(sf_fft_create(d->grid, &d->fft));
    SF_TRY(sf_allocate(&d->modes, half, sizeof *d->modes));
    SF_TRY(sf_allocate(&d->work, half, sizeof *d->work));
    return sf_allocate(&d->component, sf_grid_size(d->grid), sizeof *d->component);
}

static void finish(displacement *d)
{
    sf_free(d->component);
    sf_free(d->work);
    sf_free(d->modes);
    sf_fft_release(&d->fft);
}

/* ---- the displacement of modes ---------------------------------------------------------- */

/* work = i k_a/k^2 modes. On the Nyquist plane of the axis i k_a has no sign, and a real field no
 * derivative. */
static void differentiate(displacement *d, int axis)
{
    const size_t rows = sf_row_count(d->grid), length = sf_row_length(d->grid);

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (rows * length > SF_WORTH_THREADS)
    for (size_t row = 0; row < rows; row++) {
        const sf_wavevector start = sf_row_start(d->grid, row);

        for (size_t i = 0; i < length; i++) {
            const sf_wavevector w = sf_row_entry(d->grid, &start, i);
            const bool none = w.square == 0.0 || sf_is_nyquist(d->grid, &w, axis);

            d->work[row * length + i] =
                none ? 0.0 : I * (w.k[axis] / w.square) * d->modes[row * length + i];
        }
    }
}

/* Adds the displacement by d->modes to the positions, and `speed` times it to the velocities. */
static sf_status displace(displacement *d, double speed)
{
    const size_t size = sf_grid_size(d->grid), axes = (size_t)d->grid->axes;

    for (size_t a = 0; a < axes; a++) {
        differentiate(d, (int)a);
        SF_TRY(sf_fft_inverse(d->fft, d->work, d->component));
#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (size > SF_WORTH_THREADS)
        for (size_t i = 0; i < size; i++) {
            d->positions[i * axes + a] += d->component[i];
            if (d->velocities != NULL) d->velocities[i * axes + a] += speed * d->component[i];
        }
    }
    return SF_OK;
}

/* ---- the second order's source ---------------------------------------------------------- */

/* work = the modes of phi_ab, or of delta (its trace, without the mean) for a < 0. */
static void curve(displacement *d, int a, int b)
{
    const size_t rows = sf_row_count(d->grid), length = sf_row_length(d->grid);

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (rows * length > SF_WORTH_THREADS)
    for (size_t row = 0; row < rows; row++) {
        const sf_wavevector start = sf_row_start(d->grid, row);

        for (size_t i = 0; i < length; i++) {
            const sf_wavevector w = sf_row_entry(d->grid, &start, i);
            const double factor = w.square == 0.0 ? 0.0 : a < 0 ? 1.0 : w.k[a] * w.k[b] / w.square;

            d->work[row * length + i] = factor * d->modes[row * length + i];
        }
    }
}

typedef struct product {
    sf_grid grid; /* padded */
    sf_fft *fft;
    double *buffer, *sum;
} product;

/* sum += weight phi_ab^2 on the padded grid */
static sf_status add_product(displacement *d, int a, int b, double weight, product *p)
{
    const size_t size = sf_grid_size(&p->grid);

    curve(d, a, b);
    sf_padded_spread(d->grid, d->work, &p->grid, (sf_complex *)(void *)p->buffer);
    SF_TRY(sf_fft_inverse_in_place(p->fft, p->buffer));
#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (size > SF_WORTH_THREADS)
    for (size_t i = 0; i < size; i++) p->sum[i] += weight * p->buffer[i] * p->buffer[i];
    return SF_OK;
}

/* d->modes <- factor S, without its mean, which displaces nothing. */
static sf_status second_order(displacement *d, double factor)
{
    const int axes = d->grid->axes;
    product p = {.fft = NULL};
    size_t room;
    sf_status status;

    SF_TRY(sf_padded_grid(d->grid, &p.grid));
    room = sf_fft_buffer_size(&p.grid);
    SF_GO(sf_fft_create(&p.grid, &p.fft));
    SF_GO(sf_allocate(&p.buffer, room, sizeof *p.buffer));
    SF_GO(sf_allocate(&p.sum, room, sizeof *p.sum));
    SF_GO(add_product(d, -1, -1, 0.5, &p));
    for (int a = 0; a < axes; a++)
        for (int b = a; b < axes; b++) SF_GO(add_product(d, a, b, a == b ? -0.5 : -1.0, &p));
    SF_GO(sf_fft_forward_in_place(p.fft, p.sum));
    memset(d->modes, 0, sf_grid_half_size(d->grid) * sizeof *d->modes);
    sf_padded_gather(&p.grid, (const sf_complex *)(const void *)p.sum, factor, d->grid, d->modes);
done:
    sf_free(p.sum);
    sf_free(p.buffer);
    sf_fft_release(&p.fft);
    return status;
}

/* ---- particles -------------------------------------------------------------------------- */

/* Particles on the centres of the cells, at rest. */
static void place(const displacement *d)
{
    const sf_grid *grid = d->grid;
    const size_t size = sf_grid_size(grid), axes = (size_t)grid->axes;

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (size > SF_WORTH_THREADS)
    for (size_t i = 0; i < size; i++) {
        size_t rest = i;

        for (size_t a = axes; a-- > 0; rest /= grid->shape[a])
            d->positions[i * axes + a] = ((double)(rest % grid->shape[a]) + 0.5) * grid->spacing[a];
    }
    if (d->velocities != NULL) memset(d->velocities, 0, size * axes * sizeof *d->velocities);
}

/* Positions into [0, L). */
static void wrap(const displacement *d)
{
    const size_t size = sf_grid_size(d->grid), axes = (size_t)d->grid->axes;

#pragma omp parallel for schedule(static) \
    num_threads(sf_thread_count()) if (size * axes > SF_WORTH_THREADS)
    for (size_t i = 0; i < size * axes; i++) {
        const size_t a = i % axes;
        const double length = (double)d->grid->shape[a] * d->grid->spacing[a];
        const double x = d->positions[i] - length * floor(d->positions[i] / length);

        d->positions[i] = x < length ? x : 0.0; /* a tiny negative one rounds to L */
    }
}

typedef struct rates {
    double second;         /* 3/7 omega_m(z)^(-1/143) */
    double speed1, speed2; /* a H f of the two orders, km/s per unit of length */
} rates;

static sf_status find_rates(const sf_cosmology *cosmology, double redshift, rates *r)
{
    double e, f, omega, hubble;

    SF_TRY(sf_growth(cosmology, redshift, NULL, &f));
    SF_TRY(sf_expansion(cosmology, redshift, &e));
    omega = cosmology->omega_m * pow(1.0 + redshift, 3.0) / (e * e);
    hubble = 100.0 * (cosmology->per_mpc ? cosmology->h : 1.0) * e / (1.0 + redshift);
    r->second = 3.0 / 7.0 * pow(omega, -1.0 / 143.0);
    r->speed1 = hubble * f;
    r->speed2 = hubble * 2.0 * pow(omega, 6.0 / 11.0);
    return SF_OK;
}

sf_status sf_displace(const sf_grid *grid, const sf_cosmology *cosmology, double redshift,
                      int order, const double *delta, double *positions, double *velocities)
{
    displacement d = {.grid = grid, .positions = positions, .velocities = velocities};
    sf_status status;
    rates r;

    if (grid->axes > 3)
        return sf_fail(SF_ERR_ARGUMENT, "displacements have 1 to 3 axes, not %d", grid->axes);
    if (order != 1 && order != 2)
        return sf_fail(SF_ERR_ARGUMENT, "displacements of order %d; there are 1 and 2", order);
    SF_TRY(sf_check_finite(delta, sf_grid_size(grid), "the density"));
    SF_TRY(find_rates(cosmology, redshift, &r));
    SF_GO(prepare(&d));
    SF_GO(sf_fft_forward(d.fft, delta, d.modes));
    place(&d);
    SF_GO(displace(&d, r.speed1));
    if (order == 2) {
        SF_GO(second_order(&d, r.second));
        SF_GO(displace(&d, r.speed2));
    }
    wrap(&d);
done:
    finish(&d);
    return status;
}
