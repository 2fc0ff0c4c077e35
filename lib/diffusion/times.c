/* times.c - grids of time, evenly spaced in t or in a function of the noise level. */
#include "base/internal.h"

#include <scorefield/diffusion.h>

#include <math.h>

/* The level at a fraction of the way from `high` to `low`. */
static double level_between(sf_time_spacing spacing, double rho, double high, double low,
                            double fraction)
{
    double a, b;

    if (spacing == SF_TIMES_LOG_SNR) return high * pow(low / high, fraction);
    a = pow(high, 1.0 / rho);
    b = pow(low, 1.0 / rho);
    return pow(a + fraction * (b - a), rho);
}

sf_status sf_diffusion_times(const sf_diffusion *diffusion, sf_time_spacing spacing, double rho,
                             size_t steps, double *times)
{
    sf_marginal first, last;

    if (steps == 0)
        return sf_fail(SF_ERR_ARGUMENT, "a grid of no time steps, where one is the fewest");
    if (spacing == SF_TIMES_RHO && (!(rho > 0.0) || !isfinite(rho)))
        return sf_fail(SF_ERR_ARGUMENT, "times spaced with rho = %g, which has to be above 0", rho);
    SF_TRY(sf_diffusion_at(diffusion, diffusion->start, &last));
    SF_TRY(sf_diffusion_at(diffusion, diffusion->end, &first));
    times[0] = diffusion->end;
    for (size_t i = 1; i < steps; i++) {
        const double fraction = (double)i / (double)steps;
        if (spacing == SF_TIMES_UNIFORM)
            times[i] = diffusion->end + fraction * (diffusion->start - diffusion->end);
        else
            SF_TRY(sf_diffusion_time(diffusion,
                                     level_between(spacing, rho, first.level, last.level, fraction),
                                     &times[i]));
    }
    times[steps] = diffusion->start;
    return SF_OK;
}
