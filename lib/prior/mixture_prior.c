/* mixture_prior.c - a Gaussian mixture as a prior: all views in closed form, at every noise level.
 * With V_k = C_k + sigma^2 and the shares g_k ~ w_k N(x; mu_k, V_k), which add up to 1,
 *     m_k       = mu_k + C_k V_k^-1 (x - mu_k)                       what component k would say
 *     denoiser  D = sum g_k m_k
 *     score     sum g_k V_k^-1 (mu_k - x)
 *     energy    -log sum w_k N(x; mu_k, V_k)
 *     dD/dx     sum g_k [C_k V_k^-1 + (m_k - D)(m_k - D)^T / sigma^2], symmetric
 * In the axes of each component; shares by the components' distances |V_k^-1/2 (x - mu_k)|, whose
 * squares may be beyond any number. */
#include "prior/mixture.h"

#include "base/internal.h"

#include <gsl/gsl_math.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* A call's data, and what no point changes. */
typedef struct job {
    const sf_components *c;
    double sigma;
    const double *log_height; /* of each component at noise level sigma */
    const double *x, *v;
    double *denoised, *out;
} job;

/* A thread's: of one point. */
typedef struct point {
    double *away;   /* count x n: Q_k^T (x - mu_k) */
    double *length; /* count: |V_k^-1/2 (x - mu_k)| */
    double *share;  /* count: g_k */
    double *a, *b, *mean;
} point;

static size_t point_values(const sf_components *c) { return c->count * (c->n + 2) + 3 * c->n; }

static point point_at(const sf_components *c, double *memory)
{
    point p = {.away = memory};

    p.length = p.away + c->count * c->n;
    p.share = p.length + c->count;
    p.a = p.share + c->count;
    p.b = p.a + c->n;
    p.mean = p.b + c->n;
    return p;
}

/* sqrt(sum y_i^2/(variance_i + sigma^2)), where no square overflows. */
static double length_of(size_t n, const double *y, const double *variance, double sigma)
{
    double most = 0.0, sum = 0.0;

    for (size_t i = 0; i < n; i++) {
        const double z = fabs(y[i]) / sqrt(variance[i] + sigma * sigma);

        most = fmax(most, z);
        sum += z * z;
    }
    if (most < 1e150) return sqrt(sum);
    sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double z = fabs(y[i]) / sqrt(variance[i] + sigma * sigma) / most;

        sum += z * z;
    }
    return most * sqrt(sum);
}

/* The shares, and what comes to the energy beside half the square of *nearest: the logarithm of
 * sum height_k exp((nearest^2 - length_k^2)/2). */
static double find_shares(const job *j, point *p, double *nearest)
{
    const size_t count = j->c->count;
    double most = -INFINITY, sum = 0.0;

    *nearest = INFINITY;
    for (size_t k = 0; k < count; k++)
        if (j->log_height[k] > -INFINITY) *nearest = fmin(*nearest, p->length[k]);
    for (size_t k = 0; k < count; k++) {
        const double further = p->length[k] - *nearest;

        p->share[k] = j->log_height[k] == -INFINITY
                          ? -INFINITY
                          : j->log_height[k] - 0.5 * further * (p->length[k] + *nearest);
        most = fmax(most, p->share[k]);
    }
    for (size_t k = 0; k < count; k++) {
        p->share[k] = exp(p->share[k] - most);
        sum += p->share[k];
    }
    for (size_t k = 0; k < count; k++) p->share[k] /= sum;
    return most + log(sum);
}

/* Where x lies from every component. */
static double look(const job *j, const double *x, point *p, double *nearest)
{
    const sf_components *c = j->c;
    const size_t n = c->n;

    for (size_t k = 0; k < c->count; k++) {
        for (size_t i = 0; i < n; i++) p->a[i] = x[i] - c->mean[k * n + i];
        sf_components_to_axes(c, k, p->a, p->away + k * n);
        p->length[k] = length_of(n, p->away + k * n, c->variance + k * n, j->sigma);
    }
    return find_shares(j, p, nearest);
}

/* C_k/V_k along axis i */
static double gain(const job *j, size_t k, size_t i)
{
    const double variance = j->c->variance[k * j->c->n + i];

    return variance / (variance + j->sigma * j->sigma);
}

/* m_k in p->b */
static void component_mean(const job *j, size_t k, point *p)
{
    const size_t n = j->c->n;

    for (size_t i = 0; i < n; i++) p->a[i] = gain(j, k, i) * p->away[k * n + i];
    sf_components_from_axes(j->c, k, p->a, p->b);
    for (size_t i = 0; i < n; i++) p->b[i] += j->c->mean[k * n + i];
}

static void denoise_into(const job *j, point *p, double *out)
{
    const size_t n = j->c->n;

    memset(out, 0, n * sizeof *out);
    for (size_t k = 0; k < j->c->count; k++) {
        if (p->share[k] == 0.0) continue;
        component_mean(j, k, p);
        for (size_t i = 0; i < n; i++) out[i] += p->share[k] * p->b[i];
    }
}

/* ---- the views of a point -------------------------------------------------------------------- */

typedef void view(const job *j, size_t b, point *p);

static void energy_view(const job *j, size_t b, point *p)
{
    double nearest;
    const double rest = look(j, j->x + b * j->c->n, p, &nearest);

    j->out[b] = 0.5 * nearest * nearest - rest;
}

static void denoise_view(const job *j, size_t b, point *p)
{
    double nearest;

    (void)look(j, j->x + b * j->c->n, p, &nearest);
    denoise_into(j, p, j->out + b * j->c->n);
}

static void score_view(const job *j, size_t b, point *p)
{
    const sf_components *c = j->c;
    const size_t n = c->n;
    double *out = j->out + b * n, nearest;

    (void)look(j, j->x + b * n, p, &nearest);
    memset(out, 0, n * sizeof *out);
    for (size_t k = 0; k < c->count; k++) {
        if (p->share[k] == 0.0) continue;
        for (size_t i = 0; i < n; i++)
            p->a[i] = -p->away[k * n + i] / (c->variance[k * n + i] + j->sigma * j->sigma);
        sf_components_from_axes(c, k, p->a, p->b);
        for (size_t i = 0; i < n; i++) out[i] += p->share[k] * p->b[i];
    }
}

static void pull_view(const job *j, size_t b, point *p)
{
    const sf_components *c = j->c;
    const size_t n = c->n;
    const double *v = j->v + b * n;
    double *out = j->out + b * n, nearest;

    (void)look(j, j->x + b * n, p, &nearest);
    denoise_into(j, p, p->mean);
    if (j->denoised != NULL) memcpy(j->denoised + b * n, p->mean, n * sizeof *p->mean);
    memset(out, 0, n * sizeof *out);
    for (size_t k = 0; k < c->count; k++) {
        double along = 0.0;

        if (p->share[k] == 0.0) continue;
        component_mean(j, k, p);
        for (size_t i = 0; i < n; i++) along += (p->b[i] - p->mean[i]) / j->sigma * v[i];
        for (size_t i = 0; i < n; i++)
            out[i] += p->share[k] * along * ((p->b[i] - p->mean[i]) / j->sigma);
        sf_components_to_axes(c, k, v, p->a);
        for (size_t i = 0; i < n; i++) p->a[i] *= gain(j, k, i);
        sf_components_from_axes(c, k, p->a, p->b);
        for (size_t i = 0; i < n; i++) out[i] += p->share[k] * p->b[i];
    }
}

/* ---- batches --------------------------------------------------------------------------------- */

/* log w_k - sum log(2 pi (variance + sigma^2))/2. At level 0 a flat component has no density. */
static sf_status find_heights(const sf_components *c, double sigma, double *log_height)
{
    for (size_t k = 0; k < c->count; k++) {
        double sum = 0.0;

        for (size_t i = 0; i < c->n; i++) {
            const double variance = c->variance[k * c->n + i] + sigma * sigma;

            if (!(variance > 0.0))
                return sf_fail(SF_ERR_ARGUMENT,
                               "component %zu of a mixture has no extent along an axis, so that "
                               "the mixture has no density at a noise level of %g: give one above "
                               "0",
                               k, sigma);
            sum += log(2.0 * M_PI * variance);
        }
        log_height[k] = c->log_weight[k] - 0.5 * sum;
    }
    return SF_OK;
}

/* Products of a batch from which on it pays to wake threads. */
#define PARALLEL_WORK 30000.0

/* Points are on their own, so that threads change nothing. */
static sf_status every_point(job *j, size_t batch, view *of_point)
{
    const sf_components *c = j->c;
    const double n = (double)c->n, each = (double)c->count * (c->axis != NULL ? n * n : n);
    const int threads = (double)batch * each > PARALLEL_WORK ? sf_thread_count() : 1;
    double *memory = NULL, *log_height = NULL;
    sf_status status;

    SF_GO(sf_allocate(&log_height, c->count, sizeof *log_height));
    SF_GO(find_heights(c, j->sigma, log_height));
    j->log_height = log_height;
    SF_GO(sf_allocate(&memory, (size_t)threads, point_values(c) * sizeof *memory));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t b = 0; b < batch; b++) {
        point p = point_at(c, memory + (size_t)omp_get_thread_num() * point_values(c));

        of_point(j, b, &p);
    }
done:
    sf_free(memory);
    sf_free(log_height);
    return status;
}

static sf_status mixture_denoise(const void *self, size_t batch, const double *x, double sigma,
                                 double *out)
{
    return every_point(&(job){.c = self, .sigma = sigma, .x = x, .out = out}, batch, denoise_view);
}

static sf_status mixture_score(const void *self, size_t batch, const double *x, double sigma,
                               double *out)
{
    return every_point(&(job){.c = self, .sigma = sigma, .x = x, .out = out}, batch, score_view);
}

static sf_status mixture_energy(const void *self, size_t batch, const double *x, double sigma,
                                double *energy)
{
    return every_point(&(job){.c = self, .sigma = sigma, .x = x, .out = energy}, batch,
                       energy_view);
}

static sf_status mixture_pull(const void *self, size_t batch, const double *x, double sigma,
                              const double *v, double *denoised, double *out)
{
    job j = {.c = self, .sigma = sigma, .x = x, .v = v, .denoised = denoised, .out = out};

    return every_point(&j, batch, pull_view);
}

static void mixture_destroy(void *self)
{
    sf_components *components = self;

    sf_components_release(&components);
}

static const sf_prior_methods mixture_methods = {
    .name = "mixture",
    .denoise = mixture_denoise,
    .score = mixture_score,
    .energy = mixture_energy,
    .pull = mixture_pull,
    .destroy = mixture_destroy,
};

sf_status sf_prior_mixture(const sf_grid *grid, const sf_mixture *mixture, sf_prior **prior)
{
    sf_components *components;

    *prior = NULL;
    if (mixture->dimension != sf_grid_size(grid))
        return sf_fail(SF_ERR_SHAPE, "a mixture in %zu dimensions on a grid of %zu cells",
                       mixture->dimension, sf_grid_size(grid));
    SF_TRY(sf_components_create(mixture, &components));
    return sf_prior_create(&mixture_methods, components, grid, prior);
}
