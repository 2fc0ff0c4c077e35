/* poisson_step.c - the data step for counts, by ADMM that splits v = H x (Figueiredo &
 * Bioucas-Dias 2010, doi:10.1109/TIP.2010.2053941):
 *     x = argmin |v - d - H x|^2_sW + R |x - c|^2       a linear step, as for Gaussian noise
 *     h = a H x + (1 - a) v                             over-relaxed (Eckstein & Bertsekas 1992)
 *     v = argmin f(v) + |v - h - d|^2_sW / 2            pixel by pixel: root of a quadratic
 *     d = d + h - v                                     W d = f'(v)
 * with f the Poisson likelihood, W the weights of its local Gaussian form and s a number. It is in
 * that metric that splitting is fast: f has W for its curvature wherever there are more than a few
 * counts, and for a quadratic f of curvature s W the error falls by 1 - a/2 a step whatever R is.
 * s = 1 until R is what holds H x: then a pixel without counts and the centre may pull against each
 * other. Newton's method has no place for such pixels, whose likelihood is linear and ends at
 * m = 0. The splitting converges from anywhere, f being convex. */
#include "inverse/poisson_step.h"

#include "base/internal.h"

#include <math.h>

#define RELAXATION 1.6
#define STIFFNESS  3.0
/* Of a linear system, in parts of the splitting's own goal or of what it begins with. */
#define INNER_ACCURACY  0.3
#define INNER_REDUCTION 0.1

struct sf_poisson_step {
    const sf_observation *o;
    sf_normal *normal;
    size_t cells, values, iterations; /* values: of the cells of all exposures */
    double scale;                     /* of the metric: scale W */
    double *v, *d, *blurred;          /* zero where unobserved */
    sf_complex *back, *work;
    double seconds;
};

sf_status sf_poisson_step_create(const sf_observation *o, sf_normal *normal, sf_poisson_step **step)
{
    sf_poisson_step *s = NULL;
    sf_status status;

    *step = NULL;
    SF_TRY(sf_allocate(&s, 1, sizeof *s));
    s->o = o;
    s->normal = normal;
    s->cells = sf_grid_size(&o->scene);
    s->values = o->values;
    s->scale = 1.0;
    if (!sf_observation_is_plain(o)) {
        const size_t half = sf_grid_half_size(&o->scene);

        SF_GO(sf_allocate(&s->v, s->values, sizeof *s->v));
        SF_GO(sf_allocate(&s->d, s->values, sizeof *s->d));
        SF_GO(sf_allocate(&s->blurred, s->values, sizeof *s->blurred));
        SF_GO(sf_allocate(&s->back, half, sizeof *s->back));
        SF_GO(sf_allocate(&s->work, half, sizeof *s->work));
        for (size_t i = 0; i < s->values; i++)
            if (o->weight[i] > 0.0)
                s->v[i] = fmax(o->data[i], -sf_observation_exposure(o, i / s->cells)->offset);
    }
    *step = s;
    return SF_OK;
done:
    sf_poisson_step_release(&s);
    return status;
}

void sf_poisson_step_release(sf_poisson_step **step)
{
    sf_poisson_step *s;

    if (step == NULL || *step == NULL) return;
    s = *step;
    *step = NULL;
    sf_free(s->v);
    sf_free(s->d);
    sf_free(s->blurred);
    sf_free(s->back);
    sf_free(s->work);
    sf_free(s);
}

double sf_poisson_step_transform_seconds(const sf_poisson_step *s) { return s->seconds; }
size_t sf_poisson_step_iterations(const sf_poisson_step *s) { return s->iterations; }

/* argmin over v >= -offset of noise^2 gain (m - y log m) + w (v - t)^2 / 2, m = v + offset:
 *     m^2 - (t + offset - q) m - q y = 0,     q = noise^2 gain / w. */
static double proximal(const sf_observation *o, double data, double w, double t)
{
    const double q = o->noise * o->noise * o->gain / w;
    const double y = fmax(data + o->offset, 0.0), p = t + o->offset - q;
    const double root = sqrt(p * p + 4.0 * q * y);

    /* the form without cancellation */
    return (p >= 0.0 ? 0.5 * (p + root) : y > 0.0 ? 2.0 * q * y / (root - p) : 0.0) - o->offset;
}

/* Without blur the whole problem is pixel by pixel. */
static void pointwise(const sf_observation *o, double ridge, const double *centre, double *x)
{
    for (size_t i = 0; i < sf_grid_size(&o->scene); i++)
        x[i] = o->weight[i] > 0.0 ? proximal(o, o->data[i], ridge, centre[i]) : centre[i];
}

/* The metric for a ridge. f'(v) = scale W d, which a change must not change. */
static void set_ridge(sf_poisson_step *s, double ridge)
{
    const double scale = fmax(1.0, STIFFNESS * ridge);

    for (size_t i = 0; i < s->values && scale != s->scale; i++) s->d[i] *= s->scale / scale;
    s->scale = scale;
    sf_normal_set_ridge(s->normal, ridge / scale);
}

/* x from v and d, and blurred = H x. */
static sf_status linear_step(sf_poisson_step *s, const double *centre, const sf_normal_goal *goal,
                             double *x)
{
    const sf_observation *o = s->o;
    double begin = sf_seconds();
    sf_status status;

    for (size_t i = 0; i < s->values; i++) s->blurred[i] = o->weight[i] * (s->v[i] - s->d[i]);
    SF_TRY(sf_observation_return(o, s->blurred, s->work, s->back));
    s->seconds += sf_seconds() - begin;
    sf_normal_set_back(s->normal, s->back);
    status = sf_normal_solve(s->normal, centre, goal, x);
    sf_normal_set_back(s->normal, o->back);
    SF_TRY(status);
    begin = sf_seconds();
    SF_TRY(sf_observation_blur(o, x, s->blurred));
    s->seconds += sf_seconds() - begin;
    return SF_OK;
}

/* v and d from H x; returns |H x - v|^2_W + |change of v|^2_W. */
static double pixel_step(sf_poisson_step *s)
{
    const sf_observation *o = s->o;
    double sum = 0.0;

    for (size_t i = 0; i < s->values; i++) {
        const sf_observation *e = sf_observation_exposure(o, i / s->cells);
        const double w = s->scale * o->weight[i], last = s->v[i], h = s->blurred[i];
        double t;

        if (!(w > 0.0)) continue;
        t = RELAXATION * h + (1.0 - RELAXATION) * last + s->d[i];
        s->v[i] = proximal(e, o->data[i], w, t);
        s->d[i] = t - s->v[i];
        sum += w * ((h - s->v[i]) * (h - s->v[i]) + (s->v[i] - last) * (s->v[i] - last));
    }
    return sum;
}

sf_status sf_poisson_step_solve(sf_poisson_step *s, double ridge, const double *centre,
                                const sf_normal_goal *goal, double *x)
{
    const double noise = goal->noise_fraction * s->o->noise;
    const sf_normal_goal inner = {.noise_fraction = INNER_ACCURACY * goal->noise_fraction,
                                  .reduction = INNER_REDUCTION,
                                  .iterations = goal->iterations};
    double target = noise * noise * sf_observation_worth(s->o), left;

    if (sf_observation_is_plain(s->o)) {
        pointwise(s->o, ridge, centre, x);
        return SF_OK;
    }
    set_ridge(s, ridge);
    for (size_t i = 0; i < goal->iterations; i++) {
        SF_TRY(linear_step(s, centre, &inner, x));
        left = pixel_step(s);
        s->iterations++;
        if (!isfinite(left))
            return sf_fail(SF_ERR_NUMERIC, "the data step for counts met a number that is not "
                                           "finite: the data or the prior has one");
        if (i == 0) target = fmax(target, goal->reduction * goal->reduction * left);
        if (left <= target) return SF_OK;
    }
    return SF_OK;
}
