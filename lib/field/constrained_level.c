/* constrained_level.c - the grids of the system (C^-1 + W) x = b: the field's own, and a coarse one
 * that carries the modes which the data constrain.
 *
 * The coarse system is the exact restriction (Galerkin) of the fine one to the modes |k| <= k_c.
 * With |m_i| <= h in both factors, a product with W needs W up to 2 h and is wanted up to h: a grid
 * of 4 h + 1 cells has no alias among them. */
#include "field/constrained.h"

#include <math.h>

/* A coarse grid has at most this part of the cells, so that its iterations cost little. */
#define COARSE_SHARE 32
/* lambda w beyond it is smaller by this factor at least, and no more than that. By measurement. */
#define COARSE_GAIN 100.0
#define COARSE_MOST 1000.0

static const double pi = 3.14159265358979323846;

/* ---- where the coarse grid ends ----------------------------------------------------------- */

/* Largest |k| of a mode about which the data say more than the prior: lambda w > 1. */
static double data_reach(const sf_level *level, double mean_weight)
{
    double reach = 0.0;

#pragma omp parallel for num_threads(sf_thread_count()) reduction(max : reach)
    for (size_t k = 0; k < sf_grid_half_size(&level->grid); k++)
        if (level->lambda[k] * mean_weight > 1.0)
            reach = fmax(reach, sf_grid_wavenumber(&level->grid, k));
    return reach;
}

/* Largest lambda w of the modes beyond: how badly conditioned they are. */
static double strongest(const sf_level *level, double mean_weight, double beyond)
{
    double lambda = 0.0;

#pragma omp parallel for num_threads(sf_thread_count()) reduction(max : lambda)
    for (size_t k = 0; k < sf_grid_half_size(&level->grid); k++)
        if (level->lambda[k] > lambda && sf_grid_wavenumber(&level->grid, k) > beyond)
            lambda = level->lambda[k];
    return lambda * mean_weight;
}

/* The same box with cells enough for |k| <= reach. */
static sf_status coarse_grid(const sf_grid *fine, double reach, sf_grid *coarse)
{
    size_t shape[SF_GRID_MAX_AXES];
    double spacing[SF_GRID_MAX_AXES];

    for (int a = 0; a < fine->axes; a++) {
        const double length = fine->spacing[a] * (double)fine->shape[a];
        const double wanted = 4.0 * floor(reach * length / (2.0 * pi)) + 1.0;
        const size_t all = fine->shape[a];
        const size_t good = wanted < (double)all ? sf_grid_good_length((size_t)wanted) : all;

        shape[a] = good < all ? good : all;
        spacing[a] = length / (double)shape[a];
    }
    return sf_grid_make(fine->axes, shape, spacing, coarse);
}

/* ---- from one grid to the other ----------------------------------------------------------- */

/* The place in the fine half spectrum of the coarse grid's mode, or false: a Nyquist frequency that
 * the fine grid does not have stands for two of its modes. */
static bool fine_place(const sf_grid *fine, const sf_grid *coarse, size_t mode, size_t *place)
{
    long m[SF_GRID_MAX_AXES];
    size_t index = 0;

    sf_grid_mode(coarse, mode, m);
    for (int a = 0; a < fine->axes; a++) {
        const size_t n = fine->shape[a], entries = a + 1 < fine->axes ? n : n / 2 + 1;

        if (coarse->shape[a] < n && 2 * m[a] == (long)coarse->shape[a]) return false;
        index = index * entries + (m[a] < 0 ? n - (size_t)-m[a] : (size_t)m[a]);
    }
    *place = index;
    return true;
}

/* W's modes on the coarse grid. Negative values, by ringing, are right: they belong to the exact
 * restriction, which is positive. */
static sf_status restrict_weight(const sf_level *fine, sf_level *coarse)
{
    const size_t half = sf_grid_half_size(&coarse->grid);
    const double scale = (double)sf_grid_size(&coarse->grid) / (double)sf_grid_size(&fine->grid);
    sf_complex *from = NULL, *to = NULL;
    sf_status status;

    SF_GO(sf_allocate(&from, sf_grid_half_size(&fine->grid), sizeof *from));
    SF_GO(sf_allocate(&to, half, sizeof *to));
    SF_GO(sf_fft_forward(fine->fft, fine->weight, from));
    for (size_t k = 0, place; k < half; k++)
        if (fine_place(&fine->grid, &coarse->grid, k, &place)) to[k] = scale * from[place];
    SF_GO(sf_fft_inverse(coarse->fft, to, coarse->weight));
done:
    sf_free(from);
    sf_free(to);
    return status;
}

/* The modes 0 <= |k| <= reach that are not held become the coarse grid's. */
static sf_status share_modes(sf_level *fine, sf_level *coarse, double reach)
{
    const size_t half = sf_grid_half_size(&coarse->grid);

    SF_TRY(sf_allocate(&fine->here, half, sizeof *fine->here));
    SF_TRY(sf_allocate(&fine->there, half, sizeof *fine->there));
    for (size_t k = 0, place; k < half; k++) {
        if (sf_grid_wavenumber(&coarse->grid, k) > reach) continue;
        if (!fine_place(&fine->grid, &coarse->grid, k, &place)) continue;
        if (!(fine->lambda[place] > 0.0)) continue;
        coarse->lambda[k] = fine->lambda[place];
        coarse->divisor[k] = fine->divisor[place];
        fine->divisor[place] = 0.0;
        fine->here[fine->shared] = place;
        fine->there[fine->shared++] = k;
    }
    return SF_OK;
}

/* ---- levels ------------------------------------------------------------------------------- */

static sf_status allocate_level(const sf_grid *grid, sf_level **level)
{
    sf_status status;

    SF_TRY(sf_allocate(level, 1, sizeof **level));
    (*level)->grid = *grid;
    SF_GO(sf_fft_create(grid, &(*level)->fft));
    SF_GO(sf_allocate(&(*level)->lambda, sf_grid_half_size(grid), sizeof *(*level)->lambda));
    SF_GO(sf_allocate(&(*level)->divisor, sf_grid_half_size(grid), sizeof *(*level)->divisor));
    SF_GO(sf_allocate(&(*level)->weight, sf_grid_size(grid), sizeof *(*level)->weight));
done:
    if (status != SF_OK) sf_level_release(level);
    return status;
}

void sf_level_release(sf_level **level)
{
    sf_level *l = *level;

    *level = NULL;
    if (l == NULL) return;
    sf_level_release(&l->coarse);
    sf_fft_release(&l->fft);
    sf_free(l->lambda);
    sf_free(l->divisor);
    sf_free(l->weight);
    sf_free(l->here);
    sf_free(l->there);
    sf_free(l);
}

/* None where the data reach no mode but the mean, or where it does not pay: with what it leaves out
 * conditioned no better than all, or too badly for iterations that solve it roughly. */
static sf_status add_coarse(sf_level *level, double mean_weight)
{
    const size_t most = sf_grid_size(&level->grid) / COARSE_SHARE;
    double reach = data_reach(level, mean_weight), left;
    sf_grid grid;

    if (most < 2) return SF_OK;
    SF_TRY(coarse_grid(&level->grid, reach, &grid));
    while (sf_grid_size(&grid) > most) {
        reach *= 0.95;
        SF_TRY(coarse_grid(&level->grid, reach, &grid));
    }
    if (sf_grid_size(&grid) == 1) return SF_OK;
    left = strongest(level, mean_weight, reach);
    if (left > COARSE_MOST || COARSE_GAIN * left > strongest(level, mean_weight, -1.0))
        return SF_OK;
    SF_TRY(allocate_level(&grid, &level->coarse));
    SF_TRY(share_modes(level, level->coarse, reach));
    return restrict_weight(level, level->coarse);
}

typedef struct lambda_pass {
    const sf_field *field;
    const sf_level *level;
    double mean_weight;
} lambda_pass;

/* A variance whose inverse overflows is none. */
static sf_status fetch_piece(void *user, sf_piece piece)
{
    const lambda_pass *p = user;
    double *lambda = p->level->lambda + piece.at, *divisor = p->level->divisor + piece.at;

    SF_TRY(sf_field_lambda(p->field, piece, lambda));
    for (size_t i = 0; i < piece.count; i++) {
        if (!isfinite(1.0 / lambda[i])) lambda[i] = 0.0;
        divisor[i] = lambda[i] / (1.0 + lambda[i] * p->mean_weight);
    }
    return SF_OK;
}

sf_status sf_level_create(const sf_field *field, const double *weight, sf_level **level)
{
    const size_t size = sf_grid_size(&field->grid);
    lambda_pass p = {.field = field};
    double sum = 0.0;
    sf_status status;

    SF_TRY(allocate_level(&field->grid, level));
    for (size_t i = 0; i < size; i++) {
        (*level)->weight[i] = weight[i];
        sum += weight[i];
    }
    p.level = *level;
    p.mean_weight = sum / (double)size;
    SF_GO(sf_piece_each(&field->grid, fetch_piece, &p));
    SF_GO(add_coarse(*level, p.mean_weight));
done:
    if (status != SF_OK) sf_level_release(level);
    return status;
}
