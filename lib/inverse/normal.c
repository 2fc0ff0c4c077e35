/* normal.c - (H^T W H + R) x = H^T W y + R c by preconditioned conjugate gradients.
 *
 * With every cell observed at one noise level the system is diagonal in Fourier space. Otherwise
 * its vectors are kept in Fourier space, where H, R and the preconditioner
 *     M_k = w |H_k|^2/C_k + R_k,     w = mean weight over the scene (summed over exposures),
 * are diagonal and only W needs the pixels: one inverse and one forward transform an iteration.
 * Inner products run over the full spectrum (Parseval), so the iterates are those of the method
 * in pixel space. Hestenes & Stiefel 1952, doi:10.6028/jres.049.044.
 *
 * Conjugate gradients rather than splitting v = H x: the same transforms an iteration, no second
 * penalty to choose, and an error that is known, so that the step is exact to a stated fraction
 * of the noise. */
#include "inverse/normal.h"

#include "base/internal.h"

#include <complex.h>
#include <math.h>
#include <string.h>

struct sf_normal {
    const sf_observation *o;
    const sf_complex *back;               /* H^T W y in Fourier space */
    size_t half, cells, last, last_cells; /* last: entries along the half spectrum's last axis */
    double *penalty;                      /* R_k, 0 where held */
    double *inverse;                      /* 1 / M_k, 0 where held */
    double ridge;                         /* R where it is constant, else negative */
    double *field;
    sf_complex *b, *x, *r, *p, *q, *work;
    double seconds;
    size_t iterations;
    bool reached, stopped;
};

sf_status sf_normal_create(const sf_observation *o, sf_normal **normal)
{
    sf_normal *n = NULL;
    sf_status status;

    *normal = NULL;
    SF_TRY(sf_allocate(&n, 1, sizeof *n));
    n->o = o;
    n->back = o->back;
    n->half = sf_grid_half_size(&o->scene);
    n->cells = sf_grid_size(&o->scene);
    n->last_cells = o->scene.shape[o->scene.axes - 1];
    n->last = n->last_cells / 2 + 1;
    SF_GO(sf_allocate(&n->penalty, n->half, sizeof *n->penalty));
    SF_GO(sf_allocate(&n->inverse, n->half, sizeof *n->inverse));
    SF_GO(sf_allocate(&n->field, o->values, sizeof *n->field));
    SF_GO(sf_allocate(&n->work, n->half, sizeof *n->work));
    SF_GO(sf_allocate(&n->b, n->half, sizeof *n->b));
    SF_GO(sf_allocate(&n->x, n->half, sizeof *n->x));
    SF_GO(sf_allocate(&n->q, n->half, sizeof *n->q));
    if (!o->diagonal) {
        SF_GO(sf_allocate(&n->r, n->half, sizeof *n->r));
        SF_GO(sf_allocate(&n->p, n->half, sizeof *n->p));
    }
    *normal = n;
    return SF_OK;
done:
    sf_normal_release(&n);
    return status;
}

void sf_normal_release(sf_normal **normal)
{
    sf_normal *n;

    if (normal == NULL || *normal == NULL) return;
    n = *normal;
    *normal = NULL;
    sf_free(n->penalty);
    sf_free(n->inverse);
    sf_free(n->field);
    sf_free(n->b);
    sf_free(n->x);
    sf_free(n->q);
    sf_free(n->r);
    sf_free(n->p);
    sf_free(n->work);
    sf_free(n);
}

double sf_normal_transform_seconds(const sf_normal *n) { return n->seconds; }
size_t sf_normal_iterations(const sf_normal *n) { return n->iterations; }
bool sf_normal_reached(const sf_normal *n) { return n->reached; }
bool sf_normal_stopped(const sf_normal *n) { return n->stopped; }

void sf_normal_set_penalty(sf_normal *n, const double *penalty)
{
    n->ridge = -1.0;
    for (size_t k = 0; k < n->half; k++) {
        const bool held = !isfinite(penalty[k]);
        const double white = n->o->inverse_power != NULL ? n->o->inverse_power[k] : 1.0;
        const double m = sf_observation_information(n->o, k) * white + (held ? 0.0 : penalty[k]);
        n->penalty[k] = held ? 0.0 : penalty[k];
        n->inverse[k] = held || !(m > 0.0) ? 0.0 : 1.0 / m;
    }
}

void sf_normal_set_back(sf_normal *n, const sf_complex *back) { n->back = back; }

void sf_normal_set_ridge(sf_normal *n, double value)
{
    for (size_t k = 0; k < n->half; k++) n->penalty[k] = value;
    sf_normal_set_penalty(n, n->penalty);
    n->ridge = value;
}

void sf_normal_roughness(const sf_grid *scene, int order, double *roughness)
{
    const double pi = 3.14159265358979323846;

    for (size_t k = 0; k < sf_grid_half_size(scene); k++) {
        double laplacian = 0.0;
        long m[SF_GRID_MAX_AXES];
        sf_grid_mode(scene, k, m);
        for (int a = 0; a < scene->axes; a++)
            laplacian += 2.0 - 2.0 * cos(2.0 * pi * (double)m[a] / (double)scene->shape[a]);
        roughness[k] = order == 1 ? laplacian : laplacian * laplacian;
    }
}

void sf_normal_set_roughness(sf_normal *n, double strength, int order)
{
    sf_normal_roughness(&n->o->scene, order, n->penalty);
    for (size_t k = 0; k < n->half; k++) n->penalty[k] *= strength;
    sf_normal_set_penalty(n, n->penalty);
}

static sf_status forward(sf_normal *n, const double *field, sf_complex *spectrum)
{
    const double start = sf_seconds();
    const sf_status status = sf_fft_forward(n->o->fft, field, spectrum);

    n->seconds += sf_seconds() - start;
    return status;
}

static sf_status inverse(sf_normal *n, sf_complex *spectrum, double *field)
{
    const double start = sf_seconds();
    const sf_status status = sf_fft_inverse(n->o->fft, spectrum, field);

    n->seconds += sf_seconds() - start;
    return status;
}

/* (1/N) sum over the full spectrum of Re conj(a) b d, with d = 1 where it is NULL: the inner
 * product of the fields. Row by row, rows in a fixed order. */
static double inner(const sf_normal *n, const sf_complex *a, const sf_complex *b, const double *d)
{
    double sum = 0.0;

    for (size_t row = 0; row < n->half; row += n->last) {
        double part = 0.0, edge = 0.0;
        for (size_t j = 0; j < n->last; j++) {
            const size_t k = row + j;
            const double t =
                (creal(a[k]) * creal(b[k]) + cimag(a[k]) * cimag(b[k])) * (d != NULL ? d[k] : 1.0);
            part += t;
            if (j == 0 || 2 * j == n->last_cells) edge += t;
        }
        sum += 2.0 * part - edge;
    }
    return sum / (double)n->cells;
}

/* q = (F H^T W H F^-1 + R) p. */
static sf_status apply(sf_normal *n, const sf_complex *p, sf_complex *q)
{
    const double begin = sf_seconds();

    SF_TRY(sf_observation_see(n->o, p, n->work, n->field));
    SF_TRY(sf_observation_weigh(n->o, n->field, n->work));
    SF_TRY(sf_observation_return(n->o, n->field, n->work, q));
    n->seconds += sf_seconds() - begin;
    for (size_t k = 0; k < n->half; k++) q[k] += n->penalty[k] * p[k];
    return SF_OK;
}

static void axpy(size_t count, double a, const sf_complex *x, sf_complex *y)
{
    for (size_t k = 0; k < count; k++) y[k] += a * x[k];
}

/* p = M^-1 r + beta p. */
static void turn(const sf_normal *n, double beta)
{
    for (size_t k = 0; k < n->half; k++) n->p[k] = n->inverse[k] * n->r[k] + beta * n->p[k];
}

/* One more iteration is done. */
static void count_iteration(sf_normal *n, const sf_normal_goal *goal, double residual)
{
    const sf_monitor_event event = {
        .stage = "linear system", .iteration = ++n->iterations, .residual = residual};

    n->stopped = !sf_monitor_call(&goal->monitor, &event);
}

static sf_status conjugate_gradients(sf_normal *n, const sf_normal_goal *goal)
{
    const double noise = goal->noise_fraction * n->o->noise;
    double rho, first, target;

    SF_TRY(apply(n, n->x, n->q));
    for (size_t k = 0; k < n->half; k++) n->r[k] = n->b[k] - n->q[k];
    rho = first = inner(n, n->r, n->r, n->inverse);
    target = noise * noise * sf_observation_worth(n->o);
    target = fmax(target, goal->reduction * goal->reduction * rho);
    target = fmax(target, 1e-32 * inner(n, n->b, n->b, n->inverse)); /* rounding */
    turn(n, 0.0);
    n->reached = rho <= target;
    for (size_t i = 0; i < goal->iterations && rho > target && !n->stopped; i++) {
        double curvature, next;
        SF_TRY(apply(n, n->p, n->q));
        curvature = inner(n, n->p, n->q, NULL);
        if (!(curvature > 0.0)) { /* rounding is all that is left */
            n->reached = true;
            break;
        }
        axpy(n->half, rho / curvature, n->p, n->x);
        axpy(n->half, -rho / curvature, n->q, n->r);
        next = inner(n, n->r, n->r, n->inverse);
        turn(n, next / rho);
        rho = next;
        n->reached = rho <= target;
        count_iteration(n, goal, sqrt(rho / first));
    }
    return isfinite(rho) ? SF_OK
                         : sf_fail(SF_ERR_NUMERIC, "conjugate gradients met a number that is not "
                                                   "finite: the data or the prior has one");
}

static bool is_pointwise(const sf_normal *n)
{
    return sf_observation_is_plain(n->o) && n->o->inverse_power == NULL && n->ridge > 0.0;
}

/* No blur: x = (w y + R c) / (w + R) cell by cell. */
static void pointwise(const sf_normal *n, bool data, const double *centre, double *x)
{
    const double *w = n->o->weight, *y = n->o->data;

    for (size_t i = 0; i < n->cells; i++)
        x[i] = ((data ? w[i] * y[i] : 0.0) + n->ridge * centre[i]) / (w[i] + n->ridge);
}

/* Of the system with right-hand side b, from what n->x is, where held modes stay. */
static sf_status solve(sf_normal *n, const sf_normal_goal *goal, double *x)
{
    if (n->o->diagonal) {
        for (size_t k = 0; k < n->half; k++)
            if (n->inverse[k] > 0.0) n->x[k] = n->inverse[k] * n->b[k];
        count_iteration(n, goal, 0.0);
    } else {
        SF_TRY(conjugate_gradients(n, goal));
    }
    memcpy(n->q, n->x, n->half * sizeof *n->q);
    return inverse(n, n->q, x);
}

sf_status sf_normal_solve(sf_normal *n, const double *centre, const sf_normal_goal *goal, double *x)
{
    n->reached = true;
    n->stopped = false;
    if (is_pointwise(n) && centre != NULL) {
        pointwise(n, true, centre, x);
        return SF_OK;
    }
    if (centre != NULL) {
        SF_TRY(forward(n, centre, n->b));
        for (size_t k = 0; k < n->half; k++) n->b[k] = n->back[k] + n->penalty[k] * n->b[k];
    } else {
        memcpy(n->b, n->back, n->half * sizeof *n->b);
    }
    return solve(n, goal, x);
}

sf_status sf_normal_update(sf_normal *n, bool data, const double *centre,
                           const sf_normal_goal *goal, double *x)
{
    n->reached = true;
    n->stopped = false;
    if (is_pointwise(n)) {
        pointwise(n, data, centre, x);
        return SF_OK;
    }
    SF_TRY(forward(n, centre, n->x));
    for (size_t k = 0; k < n->half; k++)
        n->b[k] = (data ? n->back[k] : 0.0) + n->penalty[k] * n->x[k];
    return solve(n, goal, x);
}
