/* ddpm.c - the tables of the discrete process (Ho et al. 2020, arXiv:2006.11239, section 4; Nichol
 * & Dhariwal 2021, arXiv:2102.09672, section 3.2). */
#include "base/internal.h"

#include <scorefield/diffusion.h>

#include <gsl/gsl_math.h>
#include <math.h>

/* With fewer steps the last beta of the linear table is 1 or more. */
static sf_status check_count(size_t count)
{
    if (count >= 21) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "a table of %zu steps, where 21 are the fewest", count);
}

sf_status sf_ddpm_linear(size_t count, double *alpha_bar)
{
    double product = 1.0;

    SF_TRY(check_count(count));
    for (size_t i = 0; i < count; i++) {
        const double beta = 0.1 + (20.0 - 0.1) * (double)i / (double)(count - 1);
        product *= 1.0 - beta / (double)count;
        alpha_bar[i] = product;
    }
    return SF_OK;
}

sf_status sf_ddpm_cosine(size_t count, double *alpha_bar)
{
    double before = cos(M_PI_2 * 0.008 / 1.008), product = 1.0;

    SF_TRY(check_count(count));
    for (size_t i = 0; i < count; i++) {
        const double now = cos(M_PI_2 * ((double)(i + 1) / (double)count + 0.008) / 1.008);
        const double ratio = now / before;
        product *= fmax(ratio * ratio, 1.0 - 0.999);
        alpha_bar[i] = product;
        before = now;
    }
    return SF_OK;
}
