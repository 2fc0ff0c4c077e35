/* density_lattice.c - scalar fields on periodic lattices of one to four axes, log f = -S with
 *     S = sum over links link (phi - phi')^2 + sum over sites (square phi^2 + quartic phi^4).
 * Where quartic = 0 it is a Gaussian field of lambda_k = 1/(2 square + 2 link khat^2), with
 * khat^2 = sum_a 4 sin^2(pi m_a/n_a): draws are exact, log Z = 1/2 sum log(2 pi lambda_k). */
#include "base/internal.h"
#include "mcmc/lanes.h"
#include "mcmc/neighbours.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <math.h>
#include <string.h>

typedef struct lattice {
    sf_grid grid;
    double link, square, quartic;
    sf_density *gaussian; /* of quartic = 0 */
    double log_z;
} lattice;

static void lattice_destroy(void *self)
{
    lattice *l = self;

    if (l == NULL) return;
    sf_density_release(&l->gaussian);
    sf_free(l);
}

static double lattice_log_z(const void *self) { return ((const lattice *)self)->log_z; }

/* ---- action --------------------------------------------------------------------------------- */

/* S = phi . (A phi + quartic phi^3) with A = square + link (2d - neighbours), and its gradient
 * 2 A phi + 4 quartic phi^3; `sum` holds the neighbours and becomes minus the gradient. */
SF_VECTOR_CLONES static double finish(const lattice *l, const double *restrict phi,
                                      double *restrict sum)
{
    const size_t size = sf_grid_size(&l->grid);
    const double own = l->square + 2.0 * l->link * l->grid.axes;
    double lane[SF_LANES] = {0.0};
    size_t i = 0;

    for (; i + SF_LANES <= size; i += SF_LANES)
        for (size_t j = 0; j < SF_LANES; j++) {
            const double linear = own * phi[i + j] - l->link * sum[i + j];
            const double cubic = l->quartic * phi[i + j] * phi[i + j] * phi[i + j];

            lane[j] += phi[i + j] * (linear + cubic);
            sum[i + j] = -2.0 * linear - 4.0 * cubic;
        }
    for (size_t j = 0; i < size; i++, j++) {
        const double linear = own * phi[i] - l->link * sum[i];
        const double cubic = l->quartic * phi[i] * phi[i] * phi[i];

        lane[j] += phi[i] * (linear + cubic);
        sum[i] = -2.0 * linear - 4.0 * cubic;
    }
    return sf_lanes_total(lane);
}

static void evaluate_point(const lattice *l, const double *phi, double *log_density, double *score)
{
    sf_neighbours_sum(&l->grid, phi, score);
    *log_density = -finish(l, phi, score);
}

static sf_status lattice_evaluate(const void *self, size_t batch, const double *x,
                                  double *log_density, double *score)
{
    const lattice *l = self;
    const size_t size = sf_grid_size(&l->grid);
    double *spare = NULL;

    if (score == NULL) SF_TRY(sf_allocate(&spare, size, sizeof *spare));
    for (size_t b = 0; b < batch; b++)
        evaluate_point(l, x + b * size, log_density + b, score != NULL ? score + b * size : spare);
    sf_free(spare);
    return SF_OK;
}

/* ---- the free field ------------------------------------------------------------------------- */

static sf_status lattice_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                              double *x)
{
    return sf_density_draw(((const lattice *)self)->gaussian, sf_random_seed(random), 0, first,
                           batch, x);
}

static double variance_of_mode(const lattice *l, size_t k)
{
    long m[SF_GRID_MAX_AXES];
    double square = 0.0;

    sf_grid_mode(&l->grid, k, m);
    for (int a = 0; a < l->grid.axes; a++) {
        const double sine = sin(M_PI * (double)m[a] / (double)l->grid.shape[a]);

        square += 4.0 * sine * sine;
    }
    return 1.0 / (2.0 * l->square + 2.0 * l->link * square);
}

static sf_status create_gaussian(lattice *l)
{
    const size_t half = sf_grid_half_size(&l->grid);
    double *lambda = NULL, log_determinant;
    sf_field *field = NULL;
    sf_status status;

    SF_GO(sf_allocate(&lambda, half, sizeof *lambda));
    for (size_t k = 0; k < half; k++) lambda[k] = variance_of_mode(l, k);
    SF_GO(sf_field_from_eigenvalues(&l->grid, lambda, 0.0, &field));
    SF_GO(sf_field_log_determinant(field, 0.0, &log_determinant));
    SF_GO(sf_density_field(field, &l->gaussian));
    l->log_z = 0.5 * ((double)sf_grid_size(&l->grid) * log(2.0 * M_PI) + log_determinant);
done:
    sf_free(lambda);
    sf_field_release(&field);
    return status;
}

/* ---- where to start -------------------------------------------------------------------------- */

/* <phi^2> of the free field of this square term: the mean of the modes' variances. */
static double free_variance(const lattice *l, double square)
{
    const lattice of_mass = {.grid = l->grid, .link = l->link, .square = square};
    const size_t half = sf_grid_half_size(&l->grid);
    double sum = 0.0;

    for (size_t k = 0; k < half; k++)
        sum += sf_grid_mode_weight(&l->grid, k) * variance_of_mode(&of_mass, k);
    return sum / (double)sf_grid_size(&l->grid);
}

/* The bound log Z >= log Z_free + <S_free - S>_free is highest where
 *     m = square + 6 quartic <phi^2>_m,
 * whose right side falls with m: by bisection of log m. */
static double closest_square(const lattice *l)
{
    double low = -40.0, high = 40.0; /* of log m */

    while (high - low > 1e-9) {
        const double middle = 0.5 * (low + high), m = exp(middle);

        if (l->square + 6.0 * l->quartic * free_variance(l, m) > m)
            low = middle;
        else
            high = middle;
    }
    return exp(low);
}

static sf_status create(int axes, const size_t *shape, double link, double square, double quartic,
                        sf_density **density);

static sf_status lattice_base(const void *self, sf_density **base)
{
    const lattice *l = self;

    return create(l->grid.axes, l->grid.shape, l->link, closest_square(l), 0.0, base);
}

/* ---- creation ------------------------------------------------------------------------------- */

static const sf_density_methods phi4_methods = {
    .name = "phi4",
    .evaluate = lattice_evaluate,
    .destroy = lattice_destroy,
    .base = lattice_base,
};

static const sf_density_methods free_methods = {
    .name = "free-scalar",
    .evaluate = lattice_evaluate,
    .draw = lattice_draw,
    .log_z = lattice_log_z,
    .destroy = lattice_destroy,
};

static sf_status create(int axes, const size_t *shape, double link, double square, double quartic,
                        sf_density **density)
{
    lattice *l;
    sf_status status;

    *density = NULL;
    SF_TRY(sf_allocate(&l, 1, sizeof *l));
    l->link = link;
    l->square = square;
    l->quartic = quartic;
    SF_GO(sf_grid_make(axes, shape, NULL, &l->grid));
    if (quartic == 0.0) SF_GO(create_gaussian(l));
    return sf_density_create(quartic == 0.0 ? &free_methods : &phi4_methods, l,
                             sf_grid_size(&l->grid), density);
done:
    lattice_destroy(l);
    return status;
}

sf_status sf_density_phi4(int axes, const size_t *shape, double mass2, double lambda,
                          sf_density **density)
{
    *density = NULL;
    if (!isfinite(mass2) || !isfinite(lambda) || lambda < 0.0 || (lambda == 0.0 && mass2 <= 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "phi^4 with mass2 = %g and lambda = %g has no finite integral: lambda > 0, "
                       "or lambda = 0 and mass2 > 0",
                       mass2, lambda);
    return create(axes, shape, 1.0, mass2, lambda, density);
}

sf_status sf_density_free_scalar(int axes, const size_t *shape, double mass2, sf_density **density)
{
    *density = NULL;
    if (!(mass2 > 0.0) || !isfinite(mass2))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a free scalar of mass2 = %g has no finite integral; it is positive", mass2);
    return create(axes, shape, 0.5, 0.5 * mass2, 0.0, density);
}
