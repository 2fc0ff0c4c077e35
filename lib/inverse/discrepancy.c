/* discrepancy.c - chi^2 of a scene, and the strength at which it is what the noise asks for
 * (Morozov 1966). */
#include "inverse/discrepancy.h"

#include "base/internal.h"

#include <math.h>

#define REACH      1e6 /* factor away from the guess */
#define OUTWARDS   2.0 /* step of the logarithm while there is no bracket */
#define STEPS      40
#define ACCURACY   0.01 /* of chi^2 */
#define RESOLUTION 1e-3 /* of the logarithm */

sf_status sf_chi_squared(const sf_observation *o, const double *scene, double *chi_squared)
{
    sf_goodness goodness;
    double *misfit = NULL;
    sf_status status;

    SF_GO(sf_allocate(&misfit, o->values, sizeof *misfit));
    SF_GO(sf_observation_misfit(o, scene, misfit));
    sf_observation_chi_squared(o, misfit, &goodness);
    *chi_squared = goodness.value / goodness.expected;
done:
    sf_free(misfit);
    return status;
}

sf_status sf_discrepancy(sf_discrepancy_solve solve, void *user, double guess, double *strength,
                         bool *reached)
{
    double low = -INFINITY, high = INFINITY; /* logarithms; chi^2 < 1 at low, > 1 at high */
    double at = log(guess), chi_squared = 0.0;

    *reached = false;
    for (int i = 0; i < STEPS && fabs(at - log(guess)) < log(REACH); i++) {
        *strength = exp(at);
        SF_TRY(solve(user, *strength, &chi_squared));
        *reached = fabs(chi_squared - 1.0) <= ACCURACY;
        if (*reached || high - low < RESOLUTION) break;
        if (chi_squared < 1.0)
            low = at;
        else
            high = at;
        if (isfinite(low) && isfinite(high))
            at = 0.5 * (low + high);
        else
            at += chi_squared < 1.0 ? OUTWARDS : -OUTWARDS;
    }
    return SF_OK;
}
