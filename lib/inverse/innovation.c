/* innovation.c - least squares in the space of the pixels. The same solution as that of normal.h,
 * whose matrix H^T W H + R has eigenvalues down to R where nothing is observed or H is small; this
 * one's are at least 1, and the pixels' noise is what its residual is measured in: a few iterations
 * are enough wherever the point is a mean in units of the posterior's deviation. Of several
 * exposures each has a preconditioner of its own, which leaves out what they see in common: their
 * number in the condition. */
#include "inverse/innovation.h"

#include "base/internal.h"
#include "inverse/normal.h"
#include "mcmc/lanes.h"

#include <math.h>
#include <string.h>

typedef struct solver {
    const sf_observation *o;
    sf_mode_variances variances;
    size_t cells, half, values; /* values: r, z, p, q, w, all in the pixels' cells */
    double *r, *z, *p, *q, *w;  /* residual, preconditioned, direction, matrix times it, solution */
    double *scale;              /* q */
    double *m;                  /* of the preconditioner, a half spectrum for each exposure */
    sf_complex *spectrum, *work;
} solver;

sf_status sf_innovation_scale(const sf_observation *o, double **scale)
{
    SF_TRY(sf_allocate(scale, o->values, sizeof **scale));
    for (size_t i = 0; i < o->values; i++) (*scale)[i] = sqrt(o->weight[i]) / o->noise;
    return SF_OK;
}

/* Where a mode lands among those of the pixels; `sign` -1: its conjugate. */
static size_t alias_of(const sf_observation *o, const long *m, long sign)
{
    size_t at = 0;

    for (int a = 0; a < o->scene.axes; a++) {
        const long n = (long)(o->scene.shape[a] / o->upsample);

        at = at * (size_t)n + (size_t)((sign * m[a] % n + n) % n);
    }
    return at;
}

/* m_k <- mean of m over the full spectrum's modes that one pixel for K^d cells confuses. */
static sf_status fold(const sf_observation *o, double *value)
{
    const size_t half = sf_grid_half_size(&o->scene);
    const double cells = pow((double)o->upsample, o->scene.axes);
    long m[SF_GRID_MAX_AXES];
    double *sum;

    if (o->upsample == 1) return SF_OK;
    SF_TRY(sf_allocate(&sum, sf_grid_size(&o->scene) / (size_t)cells, sizeof *sum));
    for (size_t k = 0; k < half; k++) {
        sf_grid_mode(&o->scene, k, m);
        sum[alias_of(o, m, 1)] += value[k] / cells;
        if (sf_grid_mode_weight(&o->scene, k) == 2) sum[alias_of(o, m, -1)] += value[k] / cells;
    }
    for (size_t k = 0; k < half; k++) {
        sf_grid_mode(&o->scene, k, m);
        value[k] = sum[alias_of(o, m, 1)];
    }
    sf_free(sum);
    return SF_OK;
}

/* Of one exposure. */
static sf_status find_diagonal(const sf_observation *o, sf_mode_variances variances, double *m)
{
    const size_t half = sf_grid_half_size(&o->scene);
    const double precision = o->typical / (o->noise * o->noise);

    for (size_t k = 0; k < half; k++)
        m[k] = sf_observation_power(o, k) * sf_mode_variance(variances, k);
    SF_TRY(fold(o, m));
    for (size_t k = 0; k < half; k++) m[k] = 1.0 + m[k] * precision;
    return SF_OK;
}

sf_status sf_innovation_diagonal(const sf_observation *o, sf_mode_variances variances, double *m)
{
    for (size_t e = 0; e < o->exposures; e++)
        SF_TRY(find_diagonal(sf_observation_exposure(o, e), variances,
                             m + e * sf_grid_half_size(&o->scene)));
    return SF_OK;
}

sf_status sf_innovation_precondition(const sf_observation *o, const double *m, const double *r,
                                     double *out)
{
    const size_t half = sf_grid_half_size(&o->scene), cells = sf_grid_size(&o->scene);
    sf_complex *spectrum = NULL;
    sf_status status;

    SF_GO(sf_allocate(&spectrum, half, sizeof *spectrum));
    for (size_t e = 0; e < o->exposures; e++) {
        SF_GO(sf_fft_forward(o->fft, r + e * cells, spectrum));
        for (size_t k = 0; k < half; k++) spectrum[k] /= m[e * half + k];
        SF_GO(sf_fft_inverse(o->fft, spectrum, out + e * cells));
    }
    for (size_t i = 0; i < o->values; i++)
        if (!(o->weight[i] > 0.0)) out[i] = 0.0;
done:
    sf_free(spectrum);
    return status;
}

/* q = (1 + q H C H^T q) p */
static sf_status apply(solver *s)
{
    const sf_observation *o = s->o;

    for (size_t i = 0; i < s->values; i++) s->q[i] = s->scale[i] * s->p[i];
    SF_TRY(sf_observation_return(o, s->q, s->work, s->spectrum));
    for (size_t k = 0; k < s->half; k++) s->spectrum[k] *= sf_mode_variance(s->variances, k);
    SF_TRY(sf_observation_see(o, s->spectrum, s->work, s->q));
    for (size_t i = 0; i < s->values; i++) s->q[i] = s->p[i] + s->scale[i] * s->q[i];
    return SF_OK;
}

/* r = q (y - H centre) */
static sf_status begin(solver *s, bool data, const double *centre)
{
    if (data) return sf_observation_misfit(s->o, centre, s->r);
    SF_TRY(sf_observation_blur(s->o, centre, s->r));
    for (size_t i = 0; i < s->values; i++) s->r[i] *= -s->scale[i];
    return SF_OK;
}

static sf_status conjugate_gradients(solver *s, double tolerance, size_t iterations,
                                     double *residual)
{
    double rho, first;

    SF_TRY(sf_innovation_precondition(s->o, s->m, s->r, s->z));
    memcpy(s->p, s->z, s->values * sizeof *s->p);
    rho = first = sf_lanes_product(s->values, s->r, 0.0, s->z);
    for (size_t i = 0; i < iterations && rho > tolerance * tolerance * first; i++) {
        double alpha, next;

        SF_TRY(apply(s));
        alpha = rho / sf_lanes_product(s->values, s->p, 0.0, s->q);
        for (size_t j = 0; j < s->values; j++) {
            s->w[j] += alpha * s->p[j];
            s->r[j] -= alpha * s->q[j];
        }
        SF_TRY(sf_innovation_precondition(s->o, s->m, s->r, s->z));
        next = sf_lanes_product(s->values, s->r, 0.0, s->z);
        for (size_t j = 0; j < s->values; j++) s->p[j] = s->z[j] + next / rho * s->p[j];
        rho = next;
    }
    *residual = first > 0.0 ? sqrt(fmax(rho, 0.0) / first) : 0.0;
    return isfinite(rho) ? SF_OK
                         : sf_fail(SF_ERR_NUMERIC, "conjugate gradients met a number that is not "
                                                   "finite: the data or the prior has one");
}

/* z = centre + C H^T q w */
static sf_status finish(solver *s, const double *centre, double *z)
{
    const sf_observation *o = s->o;

    for (size_t i = 0; i < s->values; i++) s->w[i] *= s->scale[i];
    SF_TRY(sf_observation_return(o, s->w, s->work, s->spectrum));
    for (size_t k = 0; k < s->half; k++) s->spectrum[k] *= sf_mode_variance(s->variances, k);
    SF_TRY(sf_fft_inverse(o->fft, s->spectrum, z));
    for (size_t i = 0; i < s->cells; i++) z[i] += centre[i];
    return SF_OK;
}

static sf_status iterate(const sf_observation *o, sf_mode_variances variances, bool data,
                         const double *centre, double tolerance, size_t iterations, double *z,
                         double *residual)
{
    solver s = {.o = o,
                .variances = variances,
                .cells = sf_grid_size(&o->scene),
                .half = sf_grid_half_size(&o->scene),
                .values = o->values};
    sf_status status;

    SF_GO(sf_allocate(&s.r, 5 * s.values, sizeof *s.r));
    SF_GO(sf_allocate(&s.m, o->exposures * s.half, sizeof *s.m));
    SF_GO(sf_allocate(&s.spectrum, 2 * s.half, sizeof *s.spectrum));
    s.work = s.spectrum + s.half;
    SF_GO(sf_innovation_scale(o, &s.scale));
    SF_GO(sf_innovation_diagonal(o, variances, s.m));
    s.z = s.r + s.values;
    s.p = s.z + s.values;
    s.q = s.p + s.values;
    s.w = s.q + s.values;
    SF_GO(begin(&s, data, centre));
    SF_GO(conjugate_gradients(&s, tolerance, iterations, residual));
    SF_GO(finish(&s, centre, z));
done:
    sf_free(s.r);
    sf_free(s.scale);
    sf_free(s.m);
    sf_free(s.spectrum);
    return status;
}

/* By divisions: normal.h with R_k = noise^2/C_k. */
static sf_status divide(const sf_observation *o, sf_mode_variances variances, bool data,
                        const double *centre, double *z)
{
    const size_t half = sf_grid_half_size(&o->scene);
    const double noise2 = o->noise * o->noise;
    const sf_normal_goal goal = {.iterations = 1};
    double *penalty = NULL;
    sf_normal *normal = NULL;
    sf_status status;

    SF_GO(sf_normal_create(o, &normal));
    if (variances.mode == NULL) {
        sf_normal_set_ridge(normal, noise2 / variances.variance);
    } else {
        SF_GO(sf_allocate(&penalty, half, sizeof *penalty));
        for (size_t k = 0; k < half; k++) penalty[k] = noise2 / variances.mode[k];
        sf_normal_set_penalty(normal, penalty);
    }
    SF_GO(sf_normal_update(normal, data, centre, &goal, z));
done:
    sf_normal_release(&normal);
    sf_free(penalty);
    return status;
}

sf_status sf_innovation_solve(const sf_observation *o, sf_mode_variances variances, bool data,
                              const double *centre, double tolerance, size_t iterations, double *z,
                              double *residual)
{
    *residual = 0.0;
    if (o->diagonal || (sf_observation_is_plain(o) && variances.mode == NULL))
        return divide(o, variances, data, centre, z);
    return iterate(o, variances, data, centre, tolerance, iterations, z, residual);
}
