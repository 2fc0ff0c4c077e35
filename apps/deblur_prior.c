/* deblur_prior.c - the prior that the command line names. */
#include "deblur_prior.h"
#include "program.h"

#include <string.h>

#define RIDGE_TOLERANCE 1e-3 /* of the noise */

sf_status deblur_prior_read(const deblur_options *o, sf_model **model)
{
    sf_model *plain = NULL;
    sf_model_usage usage;
    sf_status status;

    if (o->prior == NULL || strcmp(o->prior, "builtin") == 0)
        GO(sf_model_builtin(&plain));
    else
        GO(sf_model_load(o->prior, &plain));
    usage = *sf_model_get_usage(plain);
    if (o->network != NULL) GO(sf_model_usage_parse(o->network, &usage));
    usage.bf16 = usage.bf16 || o->bf16;
    GO(sf_model_with_usage(plain, &usage, model));
done:
    sf_model_release(&plain);
    return status;
}

sf_status deblur_prior_ridge(const deblur_options *o, sf_ridge **ridge)
{
    sf_model *model = NULL;
    sf_status status;

    if (o->prior == NULL || deblur_prior_is_ridge(o)) return sf_ridge_builtin(ridge);
    GO(sf_model_load(o->prior, &model));
    status = sf_ridge_from_model(model, ridge);
    if (status != SF_OK) status = sf_fail(status, "%s: %s", o->prior, sf_last_error());
done:
    sf_model_release(&model);
    return status;
}

/* At the level of each call, as it was trained. */
static sf_status make_ridge(const deblur_options *o, const sf_grid *grid, sf_prior **prior)
{
    sf_ridge *ridge = NULL;
    sf_status status;

    GO(deblur_prior_ridge(o, &ridge));
    status = sf_prior_ridge(grid, ridge, 1.0, 0.0, RIDGE_TOLERANCE, prior);
done:
    sf_ridge_release(&ridge);
    return status;
}

sf_status deblur_prior_make(const deblur_options *o, const sf_grid *grid, sf_prior **prior)
{
    sf_spectrum *spectrum = NULL;
    sf_model *model = NULL;
    sf_status status;

    if (deblur_prior_is_field(o)) {
        GO(sf_spectrum_parse(o->prior + 6, &spectrum));
        GO(sf_prior_gaussian(grid, spectrum, 0.0, prior));
    } else if (deblur_prior_is_ridge(o)) {
        GO(make_ridge(o, grid, prior));
    } else {
        GO(deblur_prior_read(o, &model));
        GO(sf_model_is_ridge(model) ? make_ridge(o, grid, prior)
                                    : sf_prior_network(grid, model, prior));
    }
done:
    sf_model_release(&model);
    sf_spectrum_release(&spectrum);
    return status;
}
