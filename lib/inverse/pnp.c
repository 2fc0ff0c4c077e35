/* pnp.c - plug and play: half-quadratic splitting and ADMM with a denoiser as the prior's step.
 *
 * Zhang et al. 2017 (doi:10.1109/CVPR.2017.300) and 2022 (doi:10.1109/TPAMI.2021.3088914) for
 * half-quadratic splitting with falling noise levels; Venkatakrishnan, Bouman & Wohlberg 2013
 * (doi:10.1109/GlobalSIP.2013.6737048) for ADMM with a denoiser, Boyd et al. 2011
 * (doi:10.1561/2200000016, section 3.4.1) and Wohlberg 2017 (arXiv:1704.06209) for its penalty. */
#include "inverse/large_scales.h"
#include "inverse/poisson_step.h"

#include "base/internal.h"
#include "prior/prior.h"

#include <math.h>
#include <string.h>

/* The x-step is solved to this part of what the noise contributes, or of what is left to do. The
 * measure of conjugate gradients sees little of an error where little is observed, and the steps'
 * errors add up: at 0.02 they were several deviations of the noise at borders and cost up to 1.6
 * dB; from 0.002 on nothing is lost. */
#define DATA_STEP_ACCURACY  0.002
#define DATA_STEP_REDUCTION 0.01
#define DATA_STEP_LIMIT     200

/* Of half-quadratic splitting. The noise that the data step lets through has in mode k the power
 *     |H_k|^2 noise^2 / (|H_k|^2 + rho)^2 <= noise^2 / (4 rho),
 * which from a strength of 1/4 on is nowhere more than the denoiser is told. Below, it takes noise
 * for structure: at 0.23 / sqrt(10) up to 14 dB are lost, and 1.6 dB at 0.23 sqrt(10). */
#define SCHEDULE_STRENGTH 0.23
#define SCHEDULE_STEPS    12
#define SCHEDULE_FOURIER  40 /* where frequencies are missing: 0.6 and 1.3 dB more than with 12 */

/* Of ADMM: how often the penalty may change, after which convergence is that of a fixed one; by how
 * much at once, and what is not worth a change. */
#define MOST_BALANCED   50
#define LARGEST_CHANGE  10.0
#define LEAST_CHANGE    1.2
#define MOST_ITERATIONS 40 /* unless the caller says so */
/* When ADMM asks its residual for the noise, and how far off a statement may be. */
#define SETTLED     8
#define LEAST_WRONG 1.05
/* The residual where the PSF looks, in parts of the noise. Good images have 0.6 to 1 (at a
 * signal-to-noise ratio of 200 and of 30); one with less has taken noise for structure. */
#define LEAST_RESIDUAL 0.5

/* The level, in units of the noise, at which a schedule looks whether neighbours share their noise:
 * above, structure is not yet resolved (a white frame of S/N 300 shows an excess of 1.2 at level
 * 5), below, the denoiser has begun to take the noise for structure. Frames of white noise show
 * 0.97 to 1.05 here, HST's drizzled ones 1.6. And what is neglected, and believed at most. */
#define EXCESS_LEVEL 3.0
#define LEAST_EXCESS 1.1
#define MOST_EXCESS  3.0
#define MOST_LOOKS   2

typedef struct pnp_state {
    const sf_observation *o;
    const sf_prior *prior;
    const sf_pnp_options *options;
    sf_normal *normal;
    sf_poisson_step *counts; /* NULL where the noise is Gaussian */
    size_t cells;
    double *x, *z, *u, *work; /* u stays zero without multiplier */
    double *kept;             /* of ADMM: the last iterate that does not fit the noise */
    size_t kept_at;           /* its number, 0 before there is one */
    size_t done;              /* steps */
    size_t steps, most;       /* of the schedule; of ADMM after it */
    bool multiplier;          /* ADMM has begun */
    double strength;
    double noise; /* that the levels are in units of */
    double seen;  /* root mean square of W^1/2 H over the modes */
    double first; /* level of a schedule's first step */
    size_t looks; /* how often a schedule may still look for an excess of noise */
    double level; /* that the denoiser is told, in units of the noise */
    double ridge; /* rho of the last data step, 0 before the first */
    double primal, dual, fitted;
    double prior_seconds, other_seconds; /* other: transforms beside the steps' */
} pnp_state;

sf_pnp_options sf_pnp_options_default(void)
{
    const sf_pnp_options options = {
        .iterations = 0,
        .tolerance = 0.05,
        .penalty = 0.0,
        .schedule_from = 0.0,
        .schedule_to = 1.0,
        .multiplier = false,
        .positive = false,
        .conserve_flux = true,
        .find_excess = true,
        .discrepancy = false,
        .noise_excess = 1.0,
        .start = NULL,
        .monitor = {0},
    };
    return options;
}

static sf_status check(const sf_observation *o, const sf_prior *prior,
                       const sf_pnp_options *options)
{
    char scene[96], grid[96];

    if (!sf_grid_same_shape(sf_prior_grid(prior), &o->scene))
        return sf_fail(SF_ERR_SHAPE,
                       "the prior is made on %s but the scene is %s: make it on the grid that "
                       "sf_observation_scene gives",
                       sf_grid_text(sf_prior_grid(prior), grid, sizeof grid),
                       sf_grid_text(&o->scene, scene, sizeof scene));
    if (!(options->penalty >= 0.0 && isfinite(options->penalty)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "penalty is %g: give a positive number, or 0 to have a schedule before it",
                       options->penalty);
    if (!(options->noise_excess > 0.0 && isfinite(options->noise_excess)))
        return sf_fail(SF_ERR_ARGUMENT, "a noise excess of %g: give a positive number, 1 for none",
                       options->noise_excess);
    if (options->penalty > 0.0 && !options->multiplier)
        return sf_fail(SF_ERR_ARGUMENT, "half-quadratic splitting has a schedule and no penalty to "
                                        "begin with: leave that 0, or use the multiplier");
    if (options->multiplier && !(options->tolerance >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT, "tolerance is %g, where only 0 and more can be",
                       options->tolerance);
    if (options->penalty == 0.0 &&
        !(options->schedule_to > 0.0 && isfinite(options->schedule_to) &&
          (options->schedule_from == 0.0 || options->schedule_from >= options->schedule_to) &&
          isfinite(options->schedule_from)))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a noise schedule from %g to %g times the noise: it must fall, to a level "
                       "above 0",
                       options->schedule_from, options->schedule_to);
    return SF_OK;
}

/* The first z: the data's own solution with a membrane's smoothness, which continues it into
 * the unobserved cells. */
static sf_status start(pnp_state *s)
{
    const sf_normal_goal goal = {.noise_fraction = DATA_STEP_ACCURACY,
                                 .iterations = DATA_STEP_LIMIT};

    if (s->options->start != NULL) {
        memcpy(s->z, s->options->start, s->cells * sizeof *s->z);
        return sf_check_finite(s->z, s->cells, "start of the iteration");
    }
    sf_normal_set_roughness(s->normal, 1.0, 1);
    return sf_normal_solve(s->normal, NULL, &goal, s->z);
}

/* Where a schedule starts: a fifth of the frame's range (as in Zhang et al. 2022), as far as that
 * is between 10 and 500 times the noise. */
static void choose_first_level(pnp_state *s)
{
    s->first = s->options->schedule_from;
    if (s->first > 0.0) return;
    s->first = fmin(fmax(0.2 * s->o->summary.range / s->noise, 10.0), 500.0);
    s->first = fmax(s->first, s->options->schedule_to);
}

/* Denoiser level of step k = 0, 1, ... of the schedule, in units of the noise. */
static double scheduled(const pnp_state *s, size_t k)
{
    const double last =
        s->options->multiplier ? fmin(EXCESS_LEVEL, s->first) : s->options->schedule_to;

    if (s->steps == 1) return last;
    return s->first * pow(last / s->first, (double)k / (double)(s->steps - 1));
}

static sf_status data_step(pnp_state *s)
{
    const double ridge = s->strength / (s->level * s->level);
    const sf_normal_goal goal = {
        .noise_fraction = s->multiplier ? 0.0 : DATA_STEP_ACCURACY,
        .reduction = s->multiplier ? DATA_STEP_REDUCTION : 0.0,
        .iterations = DATA_STEP_LIMIT,
    };

    if (ridge != s->ridge) {
        if (s->counts == NULL) sf_normal_set_ridge(s->normal, ridge);
        /* the multiplier itself is rho u, which a change of rho must not change */
        for (size_t i = 0; i < s->cells && s->ridge > 0.0; i++) s->u[i] *= s->ridge / ridge;
        s->ridge = ridge;
    }
    for (size_t i = 0; i < s->cells; i++) s->work[i] = s->z[i] - s->u[i];
    if (s->counts != NULL) return sf_poisson_step_solve(s->counts, ridge, s->work, &goal, s->x);
    return sf_normal_solve(s->normal, s->work, &goal, s->x);
}

/* work = x + u denoised; then the multiplier, the residuals, and z = work. */
static sf_status prior_step(pnp_state *s)
{
    const double sigma = s->level * s->noise, begin = sf_seconds();
    const double unit = s->noise * sqrt((double)s->cells);
    double *z = s->z;
    sf_status status;

    for (size_t i = 0; i < s->cells; i++) s->u[i] += s->x[i];
    status = sf_prior_prox(s->prior, 1, s->u, sigma * sigma, s->work);
    s->prior_seconds += sf_seconds() - begin;
    SF_TRY(status);
    SF_TRY(sf_check_finite(s->work, s->cells, "result of the prior"));
    for (size_t i = 0; i < s->cells && s->options->positive; i++)
        s->work[i] = fmax(s->work[i], 0.0);
    for (size_t i = 0; i < s->cells; i++) s->u[i] = s->multiplier ? s->u[i] - s->work[i] : 0.0;
    s->primal = sf_distance(s->x, s->work, s->cells) / unit;
    s->dual = s->ridge * sf_distance(s->work, z, s->cells) / (s->seen * unit);
    s->z = s->work;
    s->work = z;
    return SF_OK;
}

static bool goes_on(const pnp_state *s)
{
    const sf_monitor_event event = {
        .stage = "pnp",
        .iteration = s->done,
        .total = s->steps + s->most,
        .residual = fmax(s->primal, s->dual),
        .image = s->z,
        .image_size = s->cells,
    };
    return sf_monitor_call(&s->options->monitor, &event);
}

static const char *guarantee(const sf_pnp_options *options, const sf_prior *prior, sf_stop stop)
{
    if (!options->multiplier)
        return "none: the schedule ends the iteration, which is an approximation by design";
    if (options->positive) return "none: a projection follows the prior's step";
    if (!sf_prior_is_convex(prior))
        return "none: no theorem covers this prior; proximal steps of one convex function at every "
               "level would converge";
    if (stop == SF_STOP_DISCREPANCY)
        return "none: the iteration converges, but its result is an earlier one that fits the "
               "noise";
    if (options->conserve_flux)
        return "converges to the minimum of a convex energy by proximal steps (Eckstein & "
               "Bertsekas "
               "1992; the penalty is left alone after 50 steps), whose large scales are then "
               "replaced by the data's";
    return "converges to the minimum of a convex energy, the posterior's mode, by proximal steps "
           "(Eckstein & Bertsekas 1992; the penalty is left alone after 50 steps)";
}

/* work = z with the data's own large scales. */
static sf_status restore_large_scales(pnp_state *s)
{
    SF_TRY(sf_restore_large_scales(s->o, s->z, s->work, &s->other_seconds));
    for (size_t i = 0; i < s->cells && s->options->positive; i++)
        s->work[i] = fmax(s->work[i], 0.0);
    return SF_OK;
}

/* Whether the residual shows more noise where the PSF looks than was believed; then the schedule
 * starts again, with its levels in units of that noise, for what has been taken for structure
 * stays. */
static sf_status look_for_excess(pnp_state *s, bool *again)
{
    double excess, error;

    s->looks--;
    SF_TRY(restore_large_scales(s)); /* a wrong sky would look like noise */
    SF_TRY(sf_noise_excess(s->o, s->work, &excess, &error));
    excess = fmin(excess, MOST_EXCESS) * s->o->noise / s->noise;
    *again = excess > LEAST_EXCESS + 2.0 * error;
    if (!*again) {
        s->looks = 0;
        return SF_OK;
    }
    s->noise *= excess;
    memset(s->u, 0, s->cells * sizeof *s->u);
    choose_first_level(s);
    return start(s);
}

/* The noise of the pixels as the residual tells it, where that is not what was said. An excess that
 * was found stays only where the PSF still sees one: bright structure looks like one at the levels
 * of the schedule, but not once it is resolved. */
static sf_status correct_noise(pnp_state *s)
{
    const double believed = s->noise / s->o->noise;
    double scale, excess, error, ignored;

    if (!s->options->find_excess || s->counts != NULL || s->o->fourier) return SF_OK;
    SF_TRY(sf_noise_scale(s->o, s->z, &scale, &error));
    SF_TRY(sf_noise_excess(s->o, s->z, &excess, &ignored));
    scale = fmin(fmax(scale, 1.0 / MOST_EXCESS), MOST_EXCESS);
    if (believed > scale && excess > LEAST_WRONG * scale) return SF_OK;
    if (fabs(log(scale / believed)) > log(LEAST_WRONG) + 2.0 * error)
        s->noise = scale * s->o->noise;
    return SF_OK;
}

static sf_status step(pnp_state *s, bool *stopped)
{
    SF_TRY(data_step(s));
    SF_TRY(prior_step(s));
    s->done++;
    *stopped = !goes_on(s);
    return SF_OK;
}

static sf_status run_schedule(pnp_state *s, sf_stop *stop)
{
    bool stopped = false;

    s->strength = SCHEDULE_STRENGTH;
    *stop = SF_STOP_SCHEDULE;
    for (size_t k = 0; k < s->steps; k++) {
        bool again = false;

        s->level = scheduled(s, k);
        SF_TRY(step(s, &stopped));
        if (stopped) {
            *stop = SF_STOP_MONITOR;
            return SF_OK;
        }
        if (s->looks > 0 && s->level * s->noise <= EXCESS_LEVEL * s->o->noise)
            SF_TRY(look_for_excess(s, &again));
        if (again) k = (size_t)-1; /* from the first one */
        if (k + 2 == s->steps && !s->options->multiplier) SF_TRY(correct_noise(s));
    }
    return SF_OK;
}

/* Keeps z where it does not fit the noise. */
static sf_status judge(pnp_state *s)
{
    double error;

    SF_TRY(sf_noise_excess(s->o, s->z, &s->fitted, &error));
    s->fitted *= s->o->noise / s->noise;
    if (s->kept_at > 0 && s->fitted < LEAST_RESIDUAL) return SF_OK;
    memcpy(s->kept, s->z, s->cells * sizeof *s->kept);
    s->kept_at = s->done;
    return SF_OK;
}

/* Residual balancing: a penalty that is too small leaves x and z apart, one that is too large
 * leaves them where they are. Both residuals are in units of what the noise makes of them. The
 * level goes with the penalty, so that the weight of the prior stays. */
static void balance(pnp_state *s)
{
    double change = sqrt(s->primal / s->dual);

    if (!isfinite(change) || (change < LEAST_CHANGE && change > 1.0 / LEAST_CHANGE)) return;
    change = fmin(fmax(change, 1.0 / LARGEST_CHANGE), LARGEST_CHANGE);
    s->level /= sqrt(change);
}

/* One step of ADMM, number k = 0, 1, ..., and what follows from it. */
static sf_status balanced_step(pnp_state *s, size_t k, sf_stop *stop, bool *ends)
{
    const sf_pnp_options *options = s->options;
    const double noise = s->noise;
    bool settled = !options->find_excess || k + 1 >= SETTLED;

    SF_TRY(step(s, ends));
    if (options->discrepancy) SF_TRY(judge(s));
    if (*ends) {
        *stop = SF_STOP_MONITOR;
        return SF_OK;
    }
    if (k + 1 == SETTLED) SF_TRY(correct_noise(s));
    settled = settled && s->noise == noise;
    if (settled && s->primal <= options->tolerance && s->dual <= options->tolerance) {
        *stop = SF_STOP_CONVERGED;
        *ends = true;
    } else if (k < MOST_BALANCED) {
        balance(s);
    }
    return SF_OK;
}

static sf_status run_admm(pnp_state *s, sf_stop *stop)
{
    bool ends = false;

    s->multiplier = true;
    s->strength = 1.0;
    s->ridge = 0.0;
    if (s->options->penalty > 0.0) s->level = 1.0 / sqrt(s->options->penalty);
    *stop = SF_STOP_ITERATIONS;
    for (size_t k = 0; k < s->most && !ends; k++) SF_TRY(balanced_step(s, k, stop, &ends));
    if (*stop != SF_STOP_MONITOR && s->options->discrepancy && s->kept_at < s->done) {
        *stop = SF_STOP_DISCREPANCY;
        memcpy(s->z, s->kept, s->cells * sizeof *s->z);
    }
    return SF_OK;
}

static sf_status iterate(pnp_state *s, sf_stop *stop)
{
    *stop = SF_STOP_SCHEDULE;
    if (s->options->penalty == 0.0) SF_TRY(run_schedule(s, stop));
    if (s->options->multiplier && *stop != SF_STOP_MONITOR) SF_TRY(run_admm(s, stop));
    return SF_OK;
}

/* Root mean square of W^1/2 H over the modes: what the noise of a pixel is in the gradient
 * H^T W (y - H x), in units of the noise. */
static double root_mean_square(const sf_observation *o)
{
    double sum = 0.0;

    for (size_t k = 0; k < sf_grid_half_size(&o->scene); k++)
        sum += sf_grid_mode_weight(&o->scene, k) * sf_observation_information(o, k) *
               (o->inverse_power != NULL ? o->inverse_power[k] : 1.0);
    return sqrt(sum / (double)sf_grid_size(&o->scene));
}

static sf_status allocate(pnp_state *s)
{
    SF_TRY(sf_normal_create(s->o, &s->normal));
    if (s->o->gain > 0.0) SF_TRY(sf_poisson_step_create(s->o, s->normal, &s->counts));
    SF_TRY(sf_allocate(&s->x, s->cells, sizeof *s->x));
    SF_TRY(sf_allocate(&s->z, s->cells, sizeof *s->z));
    SF_TRY(sf_allocate(&s->u, s->cells, sizeof *s->u));
    if (s->options->discrepancy) SF_TRY(sf_allocate(&s->kept, s->cells, sizeof *s->kept));
    return sf_allocate(&s->work, s->cells, sizeof *s->work);
}

static void fill_report(const pnp_state *s, double begin, sf_solver_report *report)
{
    report->iterations = s->done;
    report->kept = report->stop == SF_STOP_DISCREPANCY ? s->kept_at : s->done;
    report->primal_residual = s->primal;
    report->dual_residual = s->dual;
    report->strength = s->strength;
    report->noise_level = s->level * s->noise;
    report->noise_excess = s->noise / s->o->noise;
    report->prior_seconds = s->prior_seconds;
    report->transform_seconds = sf_normal_transform_seconds(s->normal) + s->other_seconds;
    if (s->counts != NULL)
        report->transform_seconds += sf_poisson_step_transform_seconds(s->counts);
    report->seconds = sf_seconds() - begin;
    report->guarantee = guarantee(s->options, s->prior, report->stop);
}

/* How many steps, at most. */
static void plan(pnp_state *s)
{
    const sf_pnp_options *options = s->options;
    const size_t chosen = s->o->fourier ? SCHEDULE_FOURIER : SCHEDULE_STEPS;

    if (options->multiplier) {
        s->steps = options->penalty > 0.0 ? 0 : chosen * 2 / 3; /* of the way */
        s->most = options->iterations > 0 ? options->iterations : MOST_ITERATIONS;
    } else {
        s->steps = options->iterations > 0 ? options->iterations : chosen;
    }
    if (s->steps > 0 && options->find_excess) s->looks = MOST_LOOKS;
}

sf_status sf_pnp(const sf_observation *observation, const sf_prior *prior,
                 const sf_pnp_options *options, double *scene, sf_solver_report *report)
{
    const sf_pnp_options defaults = sf_pnp_options_default();
    const double begin = sf_seconds();
    sf_solver_report ignored;
    pnp_state s = {.o = observation, .prior = prior};
    sf_status status;

    if (report == NULL) report = &ignored;
    memset(report, 0, sizeof *report);
    s.options = options != NULL ? options : &defaults;
    SF_TRY(check(observation, prior, s.options));
    s.noise = observation->noise * s.options->noise_excess;
    s.cells = sf_grid_size(&observation->scene);
    s.seen = root_mean_square(observation);
    plan(&s);
    SF_GO(allocate(&s));
    SF_GO(start(&s));
    choose_first_level(&s);
    SF_GO(iterate(&s, &report->stop));
    if (s.options->conserve_flux) {
        SF_GO(restore_large_scales(&s));
        memcpy(s.z, s.work, s.cells * sizeof *s.z);
    }
    memcpy(scene, s.z, s.cells * sizeof *scene);
    fill_report(&s, begin, report);
done:
    sf_poisson_step_release(&s.counts);
    sf_normal_release(&s.normal);
    sf_free(s.x);
    sf_free(s.z);
    sf_free(s.u);
    sf_free(s.work);
    sf_free(s.kept);
    return status;
}
