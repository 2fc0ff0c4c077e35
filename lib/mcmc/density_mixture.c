/* density_mixture.c - mixtures of round Gaussians, f = sum_k c_k exp(-|x - mu_k|^2 / (2 s_k^2)), by
 * log-sum-exp, so that no distance from all of them is too large. */
#include "base/internal.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <math.h>
#include <string.h>

typedef struct mixture {
    size_t n, components;
    double *log_c, *mean, *sigma;
    double *upto; /* probabilities of components 0 ... k together */
    double log_z;
} mixture;

static void mixture_destroy(void *self)
{
    mixture *m = self;

    if (m == NULL) return;
    sf_free(m->log_c);
    sf_free(m->mean);
    sf_free(m->sigma);
    sf_free(m->upto);
    sf_free(m);
}

static double mixture_log_z(const void *self) { return ((const mixture *)self)->log_z; }

static double log_component(const mixture *m, size_t k, const double *x)
{
    double square = 0.0;

    for (size_t i = 0; i < m->n; i++) {
        const double away = (x[i] - m->mean[k * m->n + i]) / m->sigma[k];

        square += away * away;
    }
    return m->log_c[k] - 0.5 * square;
}

/* The score is the components' own, averaged by their shares of f; in two passes over them. */
static void evaluate_point(const mixture *m, const double *x, double *log_density, double *score)
{
    double most = -INFINITY, sum = 0.0;

    for (size_t k = 0; k < m->components; k++) most = fmax(most, log_component(m, k, x));
    if (score != NULL) memset(score, 0, m->n * sizeof *score);
    for (size_t k = 0; k < m->components; k++) {
        const double share = exp(log_component(m, k, x) - most);
        const double precision = share / (m->sigma[k] * m->sigma[k]);

        sum += share;
        for (size_t i = 0; score != NULL && i < m->n; i++)
            score[i] += precision * (m->mean[k * m->n + i] - x[i]);
    }
    *log_density = most + log(sum);
    for (size_t i = 0; score != NULL && i < m->n; i++) score[i] /= sum;
}

static sf_status mixture_evaluate(const void *self, size_t batch, const double *x,
                                  double *log_density, double *score)
{
    const mixture *m = self;

    for (size_t b = 0; b < batch; b++)
        evaluate_point(m, x + b * m->n, log_density + b, score != NULL ? score + b * m->n : NULL);
    return SF_OK;
}

static sf_status mixture_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                              double *x)
{
    const mixture *m = self;

    sf_random_normal(random, 0, first * m->n, batch * m->n, x);
    for (size_t b = 0; b < batch; b++) {
        double u;
        size_t k = 0;

        sf_random_uniform(random, 0, first + b, 1, &u);
        while (k + 1 < m->components && u > m->upto[k]) k++;
        for (size_t i = 0; i < m->n; i++)
            x[b * m->n + i] = m->mean[k * m->n + i] + m->sigma[k] * x[b * m->n + i];
    }
    return SF_OK;
}

static const sf_density_methods mixture_methods = {
    .name = "mixture",
    .evaluate = mixture_evaluate,
    .draw = mixture_draw,
    .log_z = mixture_log_z,
    .destroy = mixture_destroy,
};

static sf_status check(size_t n, size_t components, const double *weight, const double *mean,
                       const double *sigma)
{
    size_t values;

    if (components == 0) return sf_fail(SF_ERR_ARGUMENT, "a mixture of no components");
    if (!sf_multiply_sizes(n, components, &values))
        return sf_fail(SF_ERR_MEMORY, "%zu means in %zu dimensions are more than memory holds",
                       components, n);
    for (size_t k = 0; k < components; k++)
        if (!(weight[k] > 0.0) || !isfinite(weight[k]) || !(sigma[k] > 0.0) || !isfinite(sigma[k]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "component %zu of a mixture has weight %g and sigma %g; both are "
                           "positive and finite",
                           k, weight[k], sigma[k]);
    return sf_check_finite(mean, values, "the means of a mixture");
}

/* log Z = log sum_k c_k (2 pi s_k^2)^(n/2), and the running sums of its terms over it. */
static void add_up(mixture *m)
{
    double most = -INFINITY, sum = 0.0;

    for (size_t k = 0; k < m->components; k++) {
        m->upto[k] = m->log_c[k] + (double)m->n * (log(m->sigma[k]) + 0.5 * log(2.0 * M_PI));
        most = fmax(most, m->upto[k]);
    }
    for (size_t k = 0; k < m->components; k++) sum += exp(m->upto[k] - most);
    m->log_z = most + log(sum);
    for (size_t k = 0; k < m->components; k++)
        m->upto[k] = exp(m->upto[k] - m->log_z) + (k > 0 ? m->upto[k - 1] : 0.0);
}

sf_status sf_density_mixture(size_t dimension, size_t components, const double *weight,
                             const double *mean, const double *sigma, sf_density **density)
{
    mixture *m = NULL;
    sf_status status;

    *density = NULL;
    SF_TRY(check(dimension, components, weight, mean, sigma));
    SF_TRY(sf_allocate(&m, 1, sizeof *m));
    m->n = dimension;
    m->components = components;
    SF_GO(sf_copy_memory(weight, components, sizeof *weight, &m->log_c));
    SF_GO(sf_copy_memory(mean, components * dimension, sizeof *mean, &m->mean));
    SF_GO(sf_copy_memory(sigma, components, sizeof *sigma, &m->sigma));
    SF_GO(sf_allocate(&m->upto, components, sizeof *m->upto));
    for (size_t k = 0; k < components; k++) m->log_c[k] = log(weight[k]);
    add_up(m);
    return sf_density_create(&mixture_methods, m, dimension, density);
done:
    mixture_destroy(m);
    return status;
}
