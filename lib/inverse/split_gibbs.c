/* split_gibbs.c - posterior samples by split Gibbs sampling: Vono, Dobigeon & Chainais 2019
 * (doi:10.1109/TSP.2019.2894825) with a diffusion for the prior's step (Wu et al. 2024,
 * arXiv:2405.18782), and at the end with a copy x = z + rho e whose noise is a part of the data's
 * own (conditional.h), so that the chain has the posterior itself for its law, at a rho that mixes.
 *
 * z is carried with the noise u = depth rho that the diffusion has left in it: z + u n has the
 * prior p_u, and rho^2 - u^2 for rho^2. */
#include "base/internal.h"
#include "inverse/conditional.h"
#include "inverse/sketch.h"

#include <scorefield/diffusion.h>

#include <math.h>
#include <string.h>

typedef struct chain {
    const sf_observation *o;
    const sf_prior *prior;
    const sf_split_gibbs_options *options;
    size_t cells, batch;
    double first, last; /* rho of the first and of the last iterations */
    double level;       /* u of z */
    double *x;
    sf_conditional *conditional;
    sf_split_gibbs_report report;
} chain;

sf_split_gibbs_options sf_split_gibbs_options_default(void)
{
    return (sf_split_gibbs_options){.iterations = 20,
                                    .hold = 10,
                                    .steps = 6,
                                    .steps_held = 8,
                                    .depth = 0.1,
                                    .end = 0.03,
                                    .heat = 1.0,
                                    .heat_held = 1.0};
}

sf_split_gibbs_options sf_split_gibbs_options_learned(void)
{
    sf_split_gibbs_options options = sf_split_gibbs_options_default();

    options.iterations = 54;
    options.hold = 11;
    options.steps = 6;
    options.steps_held = 16;
    options.heat = 1.08;
    options.heat_held = 1.08;
    return options;
}

static sf_status check(const chain *c)
{
    const sf_split_gibbs_options *o = c->options;
    char scene[96], grid[96];

    if (!sf_grid_same_shape(sf_prior_grid(c->prior), &c->o->scene))
        return sf_fail(SF_ERR_SHAPE,
                       "the prior is made on %s but the scene is %s: make it on the grid that "
                       "sf_observation_scene gives",
                       sf_grid_text(sf_prior_grid(c->prior), grid, sizeof grid),
                       sf_grid_text(&c->o->scene, scene, sizeof scene));
    if (o->hold == 0 || o->steps == 0 || o->steps_held == 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "split Gibbs: %zu last iterations, of %zu and %zu steps: give at least one "
                       "of each",
                       o->hold, o->steps, o->steps_held);
    if (!(o->from >= 0.0 && isfinite(o->from)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "split Gibbs: the coupling falls from %g: give a positive number, or 0 to "
                       "have it chosen",
                       o->from);
    if (!(o->depth > 0.0 && o->depth < 1.0 && o->end > 0.0 && o->end <= o->depth))
        return sf_fail(
            SF_ERR_ARGUMENT,
            "split Gibbs: the diffusion goes down to %g, and at last %g, of the coupling: "
            "give numbers between 0 and 1, the second not above the first",
            o->depth, o->end);
    return SF_OK;
}

static size_t total(const chain *c) { return c->options->iterations + c->options->hold; }

/* rho of iteration k = 0, 1, ...: falling logarithmically, then held. */
static double coupling(const chain *c, size_t k)
{
    const size_t falling = c->options->iterations;

    if (k >= falling) return c->last;
    return c->first * pow(c->last / c->first, (double)k / (double)falling);
}

/* z's noise that iteration k leaves: what the next one can still hide. */
static double level_after(const chain *c, size_t k)
{
    const double share = k + 1 < total(c) ? c->options->depth : c->options->end;

    return fmin(share * coupling(c, k), 0.9 * coupling(c, k + 1));
}

/* Every chain starts at what the data say by themselves, and at a coupling as large as what is
 * there to be seen. */
static sf_status start(chain *c)
{
    double range;

    SF_TRY(sf_observation_sketch(c->o, c->x, &range));
    for (size_t b = 1; b < c->batch; b++)
        memcpy(c->x + b * c->cells, c->x, c->cells * sizeof *c->x);
    c->last = sf_conditional_limit(c->conditional);
    c->first = c->options->from > 0.0 ? c->options->from * c->o->noise : range;
    c->first = fmax(c->first, c->last);
    return SF_OK;
}

/* x given z and the data. */
static sf_status data_step(chain *c, size_t k, sf_random random)
{
    const double rho = coupling(c, k), begin = sf_seconds();
    const double hidden = sqrt((rho - c->level) * (rho + c->level));
    const sf_status status =
        sf_conditional_draw(c->conditional, hidden, rho, random, k, c->options->first, c->x);

    c->report.data_seconds += sf_seconds() - begin;
    return status;
}

/* z given x: the diffusion back from rho. */
static sf_status prior_step(chain *c, size_t k, uint64_t seed)
{
    sf_sample_options options = sf_sample_options_default();
    const bool falling = k < c->options->iterations;
    sf_sample_report report;
    sf_diffusion diffusion;

    SF_TRY(sf_diffusion_edm(level_after(c, k), coupling(c, k), &diffusion));
    options.predictor = SF_PREDICTOR_MULTISTEP_SDE;
    options.spacing = SF_TIMES_LOG_SNR;
    options.steps = falling ? c->options->steps : c->options->steps_held;
    options.heat = falling ? c->options->heat : c->options->heat_held;
    options.given = true;
    options.seed = seed;
    options.stream = k + 1;
    options.first = c->options->first;
    SF_TRY(sf_sample(c->prior, &diffusion, &options, c->batch, c->x, &report));
    c->level = report.level;
    c->report.evaluations += report.evaluations;
    c->report.prior_seconds += report.seconds;
    return SF_OK;
}

static bool tell(const chain *c, size_t k)
{
    const sf_monitor_event event = {.stage = "split Gibbs",
                                    .iteration = k + 1,
                                    .total = total(c),
                                    .residual = coupling(c, k) / c->o->noise,
                                    .image = c->x,
                                    .image_size = c->cells};

    return sf_monitor_call(&c->options->monitor, &event);
}

static sf_status iterate(chain *c)
{
    const sf_random own = sf_random_make(c->options->seed, c->options->stream);
    const uint64_t seed = own.key[0] | (uint64_t)own.key[1] << 32;
    bool more = true;

    for (size_t k = 0; more && k < total(c); k++) {
        SF_TRY(data_step(c, k, sf_random_make(seed, 0)));
        SF_TRY(prior_step(c, k, seed));
        c->report.iterations = k + 1;
        more = tell(c, k);
    }
    c->report.stop = c->report.iterations == total(c) ? SF_STOP_SCHEDULE : SF_STOP_MONITOR;
    return SF_OK;
}

sf_status sf_split_gibbs(const sf_observation *observation, const sf_prior *prior,
                         const sf_split_gibbs_options *options, size_t batch, double *x,
                         sf_split_gibbs_report *report)
{
    const sf_split_gibbs_options defaults = sf_split_gibbs_options_default();
    const double begin = sf_seconds();
    chain c = {.o = observation,
               .prior = prior,
               .options = options != NULL ? options : &defaults,
               .cells = sf_grid_size(&observation->scene),
               .batch = batch,
               .x = x};
    sf_status status;

    SF_TRY(check(&c));
    SF_TRY(sf_observation_need_white(observation));
    SF_GO(sf_conditional_create(observation, batch, &c.conditional));
    if (batch > 0) {
        SF_GO(start(&c));
        SF_GO(iterate(&c));
    }
    c.report.solver_iterations = sf_conditional_iterations(c.conditional);
    c.report.from = c.first / observation->noise;
    c.report.to = c.last / observation->noise;
    c.report.level = c.level;
    c.report.seconds = sf_seconds() - begin;
    if (report != NULL) *report = c.report;
done:
    sf_conditional_release(&c.conditional);
    return status;
}
