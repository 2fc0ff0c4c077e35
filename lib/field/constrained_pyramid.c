/* constrained_pyramid.c - the part of the preconditioner of C^-1 + W that knows where the data are:
 * a sum over scales (Bramble, Pasciak & Xu 1990, doi:10.1090/S0025-5718-1990-1023042-6)
 *     sum_l I_l G_l I_l^T,        columns of I_l: cubic B-splines on a grid of knots h_l apart,
 * each coarser than the last by 2. A spline s has, per square of its norm, the energy e + w_s in
 * C^-1 + W: e the mean of 1/lambda over its modes, w_s the mean of W under it. By its own energy it
 * would get the gain 1/(e + w_s); the division by 1/lambda + w, over all of the field, gives
 * 1/(e + w) already, so that what is left is
 *     G = max(0, 1/(e + w_s) - 1/(e + w)) t,         t = max(0, 1 - e / e of the scale before),
 * much in holes, next to nothing where there are data. t: scales of the same lambda are one.
 *
 * Splines, since they end: what reaches over a hole's edge meets all of W. The finest functions
 * are the cells of a grid which holds the modes up to twice the wavenumber where lambda w = 1. */
#include "field/constrained.h"

#include <complex.h>
#include <math.h>

/* Wavenumbers of the first scale's grid, over the one up to which lambda w > 1: by measurement. */
#define MARGIN 2.0
/* Axes of at most so many cells get no coarser; a grid's cells are as long as the shortest within
 * this factor. */
#define SHORTEST 4
#define OBLONG   1.5

static const double pi = 3.14159265358979323846;

/* ---- modes -------------------------------------------------------------------------------- */

/* The same box with cells enough for |k| <= reach. */
static sf_status coarse_grid(const sf_grid *fine, double reach, sf_grid *coarse)
{
    size_t shape[SF_GRID_MAX_AXES];
    double spacing[SF_GRID_MAX_AXES];

    for (int a = 0; a < fine->axes; a++) {
        const double length = fine->spacing[a] * (double)fine->shape[a];
        const double wanted = 2.0 * floor(reach * length / (2.0 * pi)) + 1.0;
        const size_t all = fine->shape[a];
        const size_t good = wanted < (double)all ? sf_grid_good_length((size_t)wanted) : all;

        shape[a] = good < all ? good : all;
        spacing[a] = length / (double)shape[a];
    }
    return sf_grid_make(fine->axes, shape, spacing, coarse);
}

/* The place in the fine half spectrum of the coarse grid's mode, or none: a Nyquist frequency that
 * the fine grid does not have stands for two of its modes. */
static size_t fine_place(const sf_grid *fine, const sf_grid *coarse, size_t mode)
{
    long m[SF_GRID_MAX_AXES];
    size_t index = 0;

    sf_grid_mode(coarse, mode, m);
    for (int a = 0; a < fine->axes; a++) {
        const size_t n = fine->shape[a], entries = a + 1 < fine->axes ? n : n / 2 + 1;

        if (coarse->shape[a] < n && 2 * m[a] == (long)coarse->shape[a]) return SF_NO_PLACE;
        index = index * entries + (m[a] < 0 ? n - (size_t)-m[a] : (size_t)m[a]);
    }
    return index;
}

/* Modes that are held have no place either. */
static sf_status find_places(const sf_constrained_system *system, sf_pyramid *p)
{
    const size_t half = sf_grid_half_size(&p->grid);

    SF_TRY(sf_allocate(&p->place, half, sizeof *p->place));
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (size_t k = 0; k < half; k++) {
        p->place[k] = fine_place(&system->grid, &p->grid, k);
        if (p->place[k] != SF_NO_PLACE && !(system->lambda[p->place[k]] > 0.0))
            p->place[k] = SF_NO_PLACE;
    }
    return SF_OK;
}

/* ---- scales ------------------------------------------------------------------------------- */

/* The next scale's shape; false where no axis gets coarser. */
static bool coarser(const sf_grid *box, const size_t *fine, size_t *coarse)
{
    double shortest = INFINITY;

    for (int a = 0; a < box->axes; a++) {
        const double length = box->spacing[a] * (double)box->shape[a];
        if (fine[a] > SHORTEST) shortest = fmin(shortest, length / (double)fine[a]);
    }
    for (int a = 0; a < box->axes; a++) {
        const double length = box->spacing[a] * (double)box->shape[a];
        const bool halve = fine[a] > SHORTEST && length / (double)fine[a] <= OBLONG * shortest;
        coarse[a] = halve ? (fine[a] + 1) / 2 : fine[a];
    }
    return isfinite(shortest);
}

static sf_status add_scale(const sf_grid *grid, const size_t *shape, sf_pyramid *p)
{
    sf_scale *scale = &p->scale[p->count];
    const sf_scale *before = scale - 1;

    scale->size = 1;
    for (int a = 0; a < grid->axes; a++) {
        scale->shape[a] = shape[a];
        scale->size *= shape[a];
    }
    if (p->count++ > 0)
        for (int a = 0; a < grid->axes; a++)
            if (shape[a] < before->shape[a])
                SF_TRY(sf_spline_axis_create(before->shape[a], shape[a], &scale->axis[a]));
    return sf_allocate(&scale->gain, scale->size, sizeof *scale->gain);
}

static size_t product(const size_t *factors, int first, int end)
{
    size_t result = 1;

    for (int a = first; a < end; a++) result *= factors[a];
    return result;
}

/* The axes that get coarser from the scale before to this one, last to first. */
static int coarser_axes(const sf_pyramid *p, int scale, int *axes)
{
    int count = 0;

    for (int a = p->grid.axes - 1; a >= 0; a--)
        if (p->scale[scale].axis[a].coarse > 0) axes[count++] = a;
    return count;
}

/* coarse = I^T fine, or with shares: the mean of fine under every function squared. */
static void restrict_to(const sf_pyramid *p, int scale, bool shares, double *const *between,
                        const double *fine, double *coarse)
{
    const sf_scale *to = &p->scale[scale], *from = to - 1;
    int axes[SF_GRID_MAX_AXES];
    const int count = coarser_axes(p, scale, axes);

    for (int i = 0; i < count; i++) {
        const int a = axes[i];
        double *target = i + 1 < count ? between[i % 2] : coarse;

        sf_spline_restrict(&to->axis[a], shares ? to->axis[a].share : to->axis[a].pull,
                           product(from->shape, 0, a), product(to->shape, a + 1, p->grid.axes),
                           fine, target);
        fine = target;
    }
}

/* fine += I coarse */
static void prolong_from(const sf_pyramid *p, int scale, double *const *between,
                         const double *coarse, double *fine)
{
    const sf_scale *from = &p->scale[scale], *to = from - 1;
    int axes[SF_GRID_MAX_AXES];

    for (int i = coarser_axes(p, scale, axes) - 1; i >= 0; i--) {
        const int a = axes[i];
        const size_t outer = product(to->shape, 0, a);
        const size_t inner = product(from->shape, a + 1, p->grid.axes);
        double *target = i > 0 ? between[(i - 1) % 2] : fine;

        if (i > 0)
            for (size_t c = 0; c < outer * to->shape[a] * inner; c++) target[c] = 0.0;
        sf_spline_prolong(&from->axis[a], outer, inner, coarse, target);
        coarse = target;
    }
}

/* ---- gains -------------------------------------------------------------------------------- */

/* Sums over the modes of a scale's function: |s_k|^2, and |s_k|^2/lambda. */
static void measure(const sf_pyramid *p, const double *lambda, const sf_complex *modes,
                    double *norm, double *energy)
{
    *norm = *energy = 0.0;
    for (size_t k = 0; k < sf_grid_half_size(&p->grid); k++) {
        const double power = sf_grid_mode_weight(&p->grid, k) * (creal(modes[k]) * creal(modes[k]) +
                                                                 cimag(modes[k]) * cimag(modes[k]));
        if (p->place[k] == SF_NO_PLACE) continue;
        *norm += power;
        *energy += power / lambda[p->place[k]];
    }
}

/* The functions of a scale are all the same: the first one of this. */
static sf_status measure_scale(const sf_pyramid *p, const double *lambda, int scale,
                               sf_pyramid_work *work, double *norm, double *energy)
{
    for (int l = 0; l <= scale; l++)
        for (size_t i = 0; i < p->scale[l].size; i++) work->values[l][i] = 0.0;
    work->values[scale][0] = 1.0;
    for (int l = scale; l > 0; l--)
        prolong_from(p, l, work->between, work->values[l], work->values[l - 1]);
    SF_TRY(sf_fft_forward(p->fft, work->values[0], work->modes));
    measure(p, lambda, work->modes, norm, energy);
    *norm /= (double)p->scale[0].size;
    *energy /= (double)p->scale[0].size;
    return SF_OK;
}

/* W on the first scale's grid, by its modes; ringing makes no weight negative. */
static sf_status restrict_weight(const sf_constrained_system *system, const sf_pyramid *p,
                                 sf_pyramid_work *work, double *weight)
{
    const double scale = (double)sf_grid_size(&p->grid) / (double)sf_grid_size(&system->grid);
    sf_complex *modes = NULL;
    sf_status status;

    SF_GO(sf_allocate(&modes, sf_grid_half_size(&system->grid), sizeof *modes));
    SF_GO(sf_fft_forward(system->fft, system->weight, modes));
    for (size_t k = 0; k < sf_grid_half_size(&p->grid); k++) {
        const size_t place = fine_place(&system->grid, &p->grid, k);
        work->modes[k] = place != SF_NO_PLACE ? scale * modes[place] : 0.0;
    }
    SF_GO(sf_fft_inverse(p->fft, work->modes, weight));
    for (size_t i = 0; i < p->scale[0].size; i++) weight[i] = fmax(weight[i], 0.0);
done:
    sf_free(modes);
    return status;
}

/* gain holds the weights of this scale before, the gains after. */
static void weights_to_gains(sf_scale *scale, double energy, double typical, double factor)
{
    for (size_t i = 0; i < scale->size; i++)
        scale->gain[i] =
            factor * fmax(1.0 / (energy + scale->gain[i]) - 1.0 / (energy + typical), 0.0);
}

static sf_status fill_gains(const sf_constrained_system *system, sf_pyramid *p)
{
    sf_pyramid_work work = {0};
    double before = INFINITY;
    sf_status status;

    SF_GO(sf_pyramid_work_create(p, &work));
    SF_GO(restrict_weight(system, p, &work, p->scale[0].gain));
    for (int l = 1; l < p->count; l++)
        restrict_to(p, l, true, work.between, p->scale[l - 1].gain, p->scale[l].gain);
    for (int l = 0; l < p->count; l++) {
        double norm, energy, fresh;

        SF_GO(measure_scale(p, system->lambda, l, &work, &norm, &energy));
        if (!(norm > 0.0 && energy / norm > 0.0)) { /* nothing but modes that are held */
            p->count = l;
            break;
        }
        energy /= norm;
        fresh = fmax(0.0, 1.0 - energy / before);
        weights_to_gains(&p->scale[l], energy, system->typical, fresh / norm);
        before = energy;
    }
done:
    sf_pyramid_work_release(&work);
    return status;
}

/* ---- all of it ---------------------------------------------------------------------------- */

sf_status sf_pyramid_create(const sf_constrained_system *system, double reach, sf_pyramid **pyramid)
{
    size_t shape[SF_GRID_MAX_AXES] = {0}, next[SF_GRID_MAX_AXES] = {0};
    sf_pyramid *p;
    sf_status status;

    *pyramid = NULL;
    SF_TRY(sf_allocate(&p, 1, sizeof *p));
    SF_GO(coarse_grid(&system->grid, MARGIN * reach, &p->grid));
    SF_GO(sf_fft_create(&p->grid, &p->fft));
    SF_GO(find_places(system, p));
    SF_GO(add_scale(&p->grid, p->grid.shape, p));
    for (int a = 0; a < p->grid.axes; a++) shape[a] = p->grid.shape[a];
    while (p->count < SF_SCALES_MAX && coarser(&p->grid, shape, next)) {
        SF_GO(add_scale(&p->grid, next, p));
        for (int a = 0; a < p->grid.axes; a++) shape[a] = next[a];
    }
    SF_GO(fill_gains(system, p));
done:
    if (status != SF_OK) sf_pyramid_release(&p);
    *pyramid = p;
    return status;
}

void sf_pyramid_release(sf_pyramid **pyramid)
{
    sf_pyramid *p = *pyramid;

    *pyramid = NULL;
    if (p == NULL) return;
    for (int l = 0; l < SF_SCALES_MAX; l++) {
        for (int a = 0; a < SF_GRID_MAX_AXES; a++) sf_spline_axis_release(&p->scale[l].axis[a]);
        sf_free(p->scale[l].gain);
    }
    sf_fft_release(&p->fft);
    sf_free(p->place);
    sf_free(p);
}

/* The largest array with one axis coarse. */
static size_t between_size(const sf_pyramid *p)
{
    int axes[SF_GRID_MAX_AXES];
    size_t largest = 1;

    for (int l = 1; l < p->count; l++) {
        const int last = coarser_axes(p, l, axes) > 0 ? axes[0] : 0;
        const sf_spline_axis *axis = &p->scale[l].axis[last];
        const size_t size = p->scale[l - 1].size / axis->fine * axis->coarse;
        largest = size > largest ? size : largest;
    }
    return largest;
}

sf_status sf_pyramid_work_create(const sf_pyramid *pyramid, sf_pyramid_work *work)
{
    const size_t between = between_size(pyramid);
    sf_status status;

    *work = (sf_pyramid_work){0};
    for (int l = 0; l < pyramid->count; l++)
        SF_GO(sf_allocate(&work->values[l], pyramid->scale[l].size, sizeof *work->values[l]));
    for (int i = 0; i < 2; i++)
        SF_GO(sf_allocate(&work->between[i], between, sizeof *work->between[i]));
    SF_GO(sf_allocate(&work->modes, sf_grid_half_size(&pyramid->grid), sizeof *work->modes));
done:
    if (status != SF_OK) sf_pyramid_work_release(work);
    return status;
}

void sf_pyramid_work_release(sf_pyramid_work *work)
{
    for (int l = 0; l < SF_SCALES_MAX; l++) sf_free(work->values[l]);
    sf_free(work->between[0]);
    sf_free(work->between[1]);
    sf_free(work->modes);
    *work = (sf_pyramid_work){0};
}

/* values of every scale: I^T r, times the gain, and back up. */
static void apply_scales(const sf_pyramid *p, sf_pyramid_work *work)
{
    for (int l = 0; l < p->count; l++) {
        double *values = work->values[l];

        if (l + 1 < p->count)
            restrict_to(p, l + 1, false, work->between, values, work->values[l + 1]);
        for (size_t i = 0; i < p->scale[l].size; i++) values[i] *= p->scale[l].gain[i];
    }
    for (int l = p->count - 1; l > 0; l--)
        prolong_from(p, l, work->between, work->values[l], work->values[l - 1]);
}

sf_status sf_pyramid_add(const sf_pyramid *p, sf_pyramid_work *work, const sf_complex *r,
                         sf_complex *z)
{
    const size_t half = sf_grid_half_size(&p->grid);

    if (p->count == 0) return SF_OK;
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static) if (half > 65536)
    for (size_t k = 0; k < half; k++)
        work->modes[k] = p->place[k] != SF_NO_PLACE ? r[p->place[k]] : 0.0;
    SF_TRY(sf_fft_inverse(p->fft, work->modes, work->values[0]));
    apply_scales(p, work);
    SF_TRY(sf_fft_forward(p->fft, work->values[0], work->modes));
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static) if (half > 65536)
    for (size_t k = 0; k < half; k++)
        if (p->place[k] != SF_NO_PLACE) z[p->place[k]] += work->modes[k];
    return SF_OK;
}
