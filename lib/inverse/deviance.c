/* deviance.c - how well a scene predicts counts: chi^2 and deviance, each with what is expected. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

/* Pixels that are expected to have less are taken for this: 1e-3 of a count where the scene says
 * nothing, and a photon came, would else be everything. */
#define FEWEST_COUNTS 1e-3
/* From here on the first terms of the expansion in 1/mean are true to 2e-4. */
#define MANY_COUNTS 40.0

/* H x from what it leaves of the data. */
static double predicted(const sf_observation *o, const double *misfit, size_t i)
{
    return o->data[i] - misfit[i] * o->noise / sqrt(o->weight[i]);
}

void sf_observation_expect_square(const sf_observation *o, size_t cell, double predicted,
                                  double *expected, double *variance)
{
    if (o->gain > 0.0) {
        const double counts = o->gain * fmax(predicted + o->offset, 0.0);
        const double scale = o->weight[cell] / gsl_pow_2(o->gain * o->noise);

        *expected += scale * counts;
        *variance += scale * scale * (2.0 * counts + 1.0) * counts;
    } else {
        *expected += o->known;
        *variance += 2.0 * o->known;
    }
}

void sf_observation_chi_squared(const sf_observation *o, const double *misfit, sf_goodness *g)
{
    const size_t cells = sf_grid_size(&o->scene);

    memset(g, 0, sizeof *g);
    for (size_t i = 0; i < o->values; i++) {
        if (!(o->weight[i] > 0.0)) continue;
        g->value += misfit[i] * misfit[i];
        sf_observation_expect_square(sf_observation_exposure(o, i / cells), i % cells,
                                     predicted(o, misfit, i), &g->expected, &g->variance);
    }
}

static double deviance(double counts, double mean)
{
    return 2.0 * (mean - counts + (counts > 0.0 ? counts * log(counts / mean) : 0.0));
}

/* Mean and variance of the deviance of counts. */
static void expect(double mean, double *expected, double *variance)
{
    const double reach = 8.0 * sqrt(mean) + 12.0;
    double first = 0.0, second = 0.0, probability;
    unsigned int from;

    if (mean > MANY_COUNTS) { /* Bartlett's factor: chi^2 of one degree of freedom, stretched */
        *expected = 1.0 + 1.0 / (6.0 * mean);
        *variance = 2.0 * *expected * *expected;
        return;
    }
    from = mean > reach ? (unsigned int)(mean - reach) : 0;
    probability = gsl_ran_poisson_pdf(from, mean);
    for (unsigned int k = from; k <= (unsigned int)(mean + reach); k++) {
        const double d = deviance(k, mean);

        first += probability * d;
        second += probability * d * d;
        probability *= mean / (k + 1.0);
    }
    *expected = first;
    *variance = second - first * first;
}

sf_status sf_deviance(const sf_observation *o, const double *scene, double *per_pixel,
                      double *expected, double *z)
{
    const size_t cells = sf_grid_size(&o->scene);
    double *blurred = NULL, sum = 0.0, mean = 0.0, variance = 0.0;
    sf_status status;

    *per_pixel = *expected = *z = NAN;
    if (!(o->gain > 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "the noise of this observation is Gaussian: it has a chi^2 "
                                        "and no deviance of counts");
    SF_GO(sf_allocate(&blurred, o->values, sizeof *blurred));
    SF_GO(sf_observation_blur(o, scene, blurred));
    for (size_t i = 0; i < o->values; i++) {
        const sf_observation *e = sf_observation_exposure(o, i / cells);
        const double counts = e->gain * fmax(o->data[i] + e->offset, 0.0);
        const double m = fmax(e->gain * (blurred[i] + e->offset), FEWEST_COUNTS);
        double first, second;

        if (!(o->weight[i] > 0.0)) continue;
        expect(m, &first, &second);
        sum += deviance(counts, m);
        mean += first;
        variance += second;
    }
    *per_pixel = sum / (double)o->observed;
    *expected = mean / (double)o->observed;
    *z = (sum - mean) / sqrt(variance);
done:
    sf_free(blurred);
    return status;
}
