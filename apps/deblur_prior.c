/* deblur_prior.c - the prior that the command line names. */
#include "deblur_prior.h"
#include "program.h"

#include <string.h>

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

sf_status deblur_prior_make(const deblur_options *o, const sf_grid *grid, sf_prior **prior)
{
    sf_spectrum *spectrum = NULL;
    sf_model *model = NULL;
    sf_status status;

    if (deblur_prior_is_field(o)) {
        GO(sf_spectrum_parse(o->prior + 6, &spectrum));
        GO(sf_prior_gaussian(grid, spectrum, 0.0, prior));
    } else {
        GO(deblur_prior_read(o, &model));
        GO(sf_prior_network(grid, model, prior));
    }
done:
    sf_model_release(&model);
    sf_spectrum_release(&spectrum);
    return status;
}
