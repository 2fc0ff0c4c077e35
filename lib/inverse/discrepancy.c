/* discrepancy.c - chi^2 of a scene, and the strength at which it is what the noise asks for
 * (Morozov 1966). */
#include "inverse/discrepancy.h"

#include "base/internal.h"

#include <math.h>

#define LOWEST   1e-6
#define HIGHEST  1e6
#define STEPS    40
#define ACCURACY 0.01

sf_status sf_chi_squared(const sf_observation *o, const double *scene, double *chi_squared)
{
    const size_t cells = sf_grid_size(&o->scene);
    double *blurred = NULL;
    sf_status status;

    SF_GO(sf_allocate(&blurred, cells, sizeof *blurred));
    SF_GO(sf_observation_blur(o, scene, blurred));
    for (size_t i = 0; i < cells; i++)
        blurred[i] = (o->data[i] - blurred[i]) * sqrt(o->weight[i]) / o->noise;
    *chi_squared = sf_sum_squares(blurred, cells) / (double)o->observed;
done:
    sf_free(blurred);
    return status;
}

sf_status sf_discrepancy(sf_discrepancy_solve solve, void *user, double *strength)
{
    double low = log(LOWEST), high = log(HIGHEST), chi_squared = 0.0;

    for (int i = 0; i < STEPS; i++) {
        *strength = exp(0.5 * (low + high));
        SF_TRY(solve(user, *strength, &chi_squared));
        if (fabs(chi_squared - 1.0) <= ACCURACY) break;
        if (chi_squared < 1.0)
            low = log(*strength);
        else
            high = log(*strength);
        if (high - low < 1e-3) break;
    }
    return SF_OK;
}
