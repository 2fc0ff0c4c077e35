/* sample_network.c - a learned denoiser as the prior of sf-sample: its levels, and its condition.
 */
#include "program.h"
#include "sample_prior.h"

#include <math.h>

/* ---- levels ---------------------------------------------------------------------------------- */

/* The brightest pixel of what is known or given is the unit that any unit of flux is as good as. */
static double brightest(const sample_prior *p)
{
    const sf_fits *fits = p->known != NULL ? p->known : p->given;
    double most = 0.0;

    for (size_t i = 0; fits != NULL && i < sf_grid_size(sf_fits_grid(fits)); i++)
        if (isfinite(sf_fits_pixels(fits)[i])) most = fmax(most, fabs(sf_fits_pixels(fits)[i]));
    return most > 0.0 ? most : 1.0;
}

/* Where the network is homogeneous, the range that counts is that between the levels. */
static sf_status network_levels(const sample_options *o, const sf_model_usage *u, sample_prior *p)
{
    double unit = 1.0;

    if (!(u->noise_low > 0.0 && u->noise_high > u->noise_low)) {
        if (o->sampler.levels != NULL) return SF_OK;
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s does not say which noise levels it was trained at: give --levels "
                       "LOW:HIGH, from far below what is to be seen to far above the image",
                       o->file);
    }
    if (u->homogeneous)
        unit = o->sampler.levels != NULL ? o->sampler.high / u->noise_high : brightest(p);
    p->trained[0] = p->low = unit * u->noise_low;
    p->trained[1] = p->high = unit * u->noise_high;
    p->floor = 10.0 * p->low;
    return SF_OK;
}

/* ---- condition ------------------------------------------------------------------------------- */

enum { MOST_CLASSES = 64 };

/* "1,0,0": a number for each channel, the same in all pixels. */
static sf_status fill_planes(const sample_options *o, size_t conditions, const double *number,
                             size_t count, size_t pixels, double **planes)
{
    sf_status status;

    if (count != conditions)
        return sf_fail(SF_ERR_SHAPE, "--condition %s has %zu numbers, but the network takes %zu",
                       o->condition, count, conditions);
    GO(sf_allocate(planes, count * pixels, sizeof **planes));
    for (size_t i = 0; i < count * pixels; i++) (*planes)[i] = number[i / pixels];
done:
    return status;
}

/* An image, or as many of them as the network takes. */
static sf_status read_planes(const sample_options *o, size_t conditions, const sf_grid *grid,
                             double **planes)
{
    const size_t shape[3] = {conditions, grid->shape[0], grid->shape[1]};
    char own[96], wanted[96];
    sf_fits *fits = NULL;
    sf_grid needed;
    sf_status status;

    GO(sf_fits_read(o->condition, &fits));
    GO(conditions == 1 ? sf_grid_make(2, grid->shape, NULL, &needed)
                       : sf_grid_make(3, shape, NULL, &needed));
    if (!sf_grid_same_shape(&needed, sf_fits_grid(fits)))
        GO(sf_fail(SF_ERR_SHAPE, "%s is %s, but the network takes %s as its condition",
                   o->condition, sf_grid_text(sf_fits_grid(fits), own, sizeof own),
                   sf_grid_text(&needed, wanted, sizeof wanted)));
    *planes = sf_fits_take_pixels(fits);
done:
    sf_fits_release(&fits);
    return status;
}

static sf_status find_condition(const sample_options *o, const sf_model *model, const sf_grid *grid,
                                double **planes)
{
    const size_t conditions = sf_model_get_usage(model)->conditions;
    double number[MOST_CLASSES];
    size_t count;

    *planes = NULL;
    if (o->condition == NULL) return SF_OK;
    if (conditions == 0)
        return sf_fail(SF_ERR_ARGUMENT, "%s takes no condition; leave --condition out",
                       o->file != NULL ? o->file : "the built-in denoiser");
    if (program_parse_numbers(o->condition, MOST_CLASSES, number, &count))
        return fill_planes(o, conditions, number, count, sf_grid_size(grid), planes);
    return read_planes(o, conditions, grid, planes);
}

/* The network under its condition; guided where that counts with another weight than 1. */
static sf_status create_prior(const sample_options *o, sf_model *model, const double *condition,
                              sample_prior *p)
{
    sf_prior *without = NULL, *with = NULL;
    sf_status status;

    if (isnan(o->guidance))
        return sf_prior_network_conditioned(&p->grid, model, condition, &p->free);
    GO(sf_prior_network(&p->grid, model, &without));
    GO(sf_prior_network_conditioned(&p->grid, model, condition, &with));
    status = sf_prior_classifier_free(without, with, o->guidance, &p->free);
done:
    sf_prior_release(&with);
    sf_prior_release(&without);
    return status;
}

static sf_status read_model(const sample_options *o, sf_model **model)
{
    sf_model *plain = NULL;
    sf_model_usage usage;
    sf_status status;

    GO(o->file != NULL ? sf_model_load(o->file, &plain) : sf_model_builtin(&plain));
    usage = *sf_model_get_usage(plain);
    usage.bf16 = o->bf16 != 0;
    status = sf_model_with_usage(plain, &usage, model);
done:
    sf_model_release(&plain);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

sf_status sample_network_create(const sample_options *o, sample_prior *p)
{
    double *condition = NULL;
    sf_model *model = NULL;
    sf_status status;

    if (p->grid.axes != 2)
        return sf_fail(SF_ERR_SHAPE, "a network makes images of two axes, and --shape has %d",
                       p->grid.axes);
    GO(read_model(o, &model));
    p->weights = sf_model_parameter_count(model);
    GO(network_levels(o, sf_model_get_usage(model), p));
    GO(find_condition(o, model, &p->grid, &condition));
    status = create_prior(o, model, condition, p);
done:
    sf_free(condition);
    sf_model_release(&model);
    return status;
}
