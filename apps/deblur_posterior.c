/* deblur_posterior.c - samples of the posterior instead of one image. */
#include "deblur_posterior.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define SAMPLES         40  /* the fewest whose 2.5 % and 97.5 % quantiles are not their extremes */
#define KEPT            80  /* at most: so that after a thinning there are as many as that */
#define RANGE           4.0 /* of the histogram of residuals, in units of the noise */
#define DIFFUSION_END   0.03    /* of the frame's noise */
#define LANGEVIN_STREAM 1000    /* of random numbers, beyond those of the start */
#define BATCH           1048576 /* cells drawn at once, about: 8 MB a field */

const double deblur_quantile[DEBLUR_QUANTILES] = {0.025, 0.16, 0.84, 0.975};
const char *const deblur_quantile_name[DEBLUR_QUANTILES] = {"Q025", "Q160", "Q840", "Q975"};

/* ---- drawing --------------------------------------------------------------------------------- */

typedef struct source {
    const deblur_options *options;
    sf_observation *observation;
    sf_prior *prior; /* of the scene, or for the diffusion already the posterior */
    deblur_posterior *posterior;
    double *start; /* of the diffusion */
} source;

const char *deblur_sampler_name(const deblur_options *o)
{
    return o->sampler_name != NULL ? o->sampler_name : "gibbs";
}

long long deblur_seed(const deblur_options *o) { return o->seed >= 0 ? o->seed : 1; }

static sf_status split_gibbs(void *user, sf_monitor monitor, uint64_t first, size_t batch,
                             double *scenes)
{
    const source *s = user;
    sf_split_gibbs_options options = deblur_prior_is_field(s->options)
                                         ? sf_split_gibbs_options_default()
                                         : sf_split_gibbs_options_learned();
    sf_split_gibbs_report report;
    sf_status status;

    if (s->options->steps > 0 && s->options->sampler == DEBLUR_GIBBS) {
        const size_t steps = (size_t)s->options->steps;

        options.hold = (options.hold * steps + options.iterations - 1) / options.iterations;
        options.iterations = steps;
    }
    options.seed = (uint64_t)deblur_seed(s->options);
    options.first = first;
    options.monitor = monitor;
    GO(sf_split_gibbs(s->observation, s->prior, &options, batch, scenes, &report));
    s->posterior->evaluations = report.evaluations;
done:
    return status;
}

/* From there on, at one level. */
static sf_status langevin(void *user, sf_monitor monitor, uint64_t first, size_t batch,
                          double *scenes)
{
    const source *s = user;
    sf_pnp_langevin_options options = sf_pnp_langevin_options_default();
    size_t iterations;
    sf_status status;

    GO(split_gibbs(user, monitor, first, batch, scenes));
    if (s->options->steps > 0) options.iterations = (size_t)s->options->steps;
    options.seed = (uint64_t)deblur_seed(s->options);
    options.stream = LANGEVIN_STREAM;
    options.first = first;
    options.monitor = monitor;
    GO(sf_pnp_langevin(s->observation, s->prior, &options, batch, scenes, &iterations));
    s->posterior->evaluations += iterations;
done:
    return status;
}

static sf_status diffuse(void *user, sf_monitor monitor, uint64_t first, size_t batch,
                         double *scenes)
{
    const source *s = user;
    sf_sample_options options = sf_sample_options_default();
    sf_diffusion diffusion;
    sf_sample_report report;
    sf_status status;

    GO(sf_posterior_schedule(s->observation, DIFFUSION_END, s->start, &diffusion, &options));
    options.predictor = SF_PREDICTOR_MULTISTEP_SDE;
    if (s->options->steps > 0) options.steps = (size_t)s->options->steps;
    options.seed = (uint64_t)deblur_seed(s->options);
    options.first = first;
    options.monitor = monitor;
    GO(sf_sample(s->prior, &diffusion, &options, batch, scenes, &report));
    s->posterior->evaluations = report.evaluations;
done:
    return status;
}

/* What the samples are of, so that a checkpoint is not mistaken for another's. */
static sf_status make_label(const source *s, char *label, size_t size)
{
    const deblur_options *o = s->options;
    uint64_t fingerprint;
    sf_status status;

    GO(sf_posterior_fingerprint(s->observation, s->prior, &fingerprint));
    (void)snprintf(label, size, "%016llx %s %d %lld", (unsigned long long)fingerprint,
                   deblur_sampler_name(o), o->steps, deblur_seed(o));
done:
    return status;
}

/* Empty, or as the checkpoint has it. */
static sf_status open_ensemble(const source *s, sf_ensemble **ensemble)
{
    sf_ensemble_options options = sf_ensemble_options_default();
    const char *const path = s->options->checkpoint;
    char label[128];
    sf_status status;

    options.cells = sf_grid_size(sf_observation_scene(s->observation));
    options.label = label;
    options.reservoir = KEPT;
    GO(make_label(s, label, sizeof label));
    if (path != NULL && access(path, F_OK) == 0) {
        GO(sf_ensemble_load(path, &options, ensemble));
        s->posterior->resumed = sf_ensemble_count(*ensemble);
        return SF_OK;
    }
    status = sf_ensemble_create(&options, ensemble);
done:
    return status;
}

/* A batch takes a few fields a sample. */
static size_t choose_batch(size_t cells, size_t samples)
{
    const size_t batch = BATCH / cells;

    if (batch < 1) return 1;
    return batch < samples ? batch : samples;
}

/* ---- what the samples say -------------------------------------------------------------------- */

static size_t count_cells(const deblur_frame *f)
{
    return sf_grid_size(sf_observation_fine(f->observation));
}

/* The frame's part of a field on the scene's grid, `sky` added. */
static sf_status crop(const deblur_frame *f, const double *scene, double sky, double *pixels)
{
    sf_status status;

    GO(sf_observation_crop(f->observation, scene, pixels));
    for (size_t i = 0; i < count_cells(f); i++) pixels[i] += sky;
done:
    return status;
}

static sf_status take_maps(const deblur_frame *f, const sf_ensemble *ensemble, deblur_posterior *p)
{
    const size_t pixels = count_cells(f);
    double *scene = NULL;
    sf_status status;

    GO(sf_allocate(&scene, sf_grid_size(sf_observation_scene(f->observation)), sizeof *scene));
    GO(sf_allocate(&p->deviation, pixels, sizeof *p->deviation));
    GO(sf_ensemble_deviation(ensemble, scene));
    GO(crop(f, scene, 0.0, p->deviation));
    for (int i = 0; i < DEBLUR_QUANTILES; i++) {
        GO(sf_allocate(&p->quantile[i], pixels, sizeof *p->quantile[i]));
        GO(sf_ensemble_quantile(ensemble, deblur_quantile[i], scene));
        GO(crop(f, scene, deblur_frame_sky(f), p->quantile[i]));
    }
done:
    sf_free(scene);
    return status;
}

/* Counts residuals in the bins; *sum2: of their squares. */
static size_t count_residuals(const double *residual, size_t pixels, deblur_posterior *p,
                              double *sum2)
{
    size_t observed = 0;

    *sum2 = 0.0;
    for (size_t i = 0; i < pixels; i++) {
        const double bin = (residual[i] + RANGE) * DEBLUR_BINS / (2.0 * RANGE);

        if (!isfinite(residual[i])) continue;
        observed++;
        *sum2 += residual[i] * residual[i];
        if (bin >= 0.0 && bin < DEBLUR_BINS) p->density[(int)bin] += 1.0;
    }
    return observed;
}

/* Where scene and noise are right, what a sample leaves (of the first frame) is noise: its
 * residuals are normal, of variance 1. */
static sf_status take_samples(const deblur_frame *f, const sf_ensemble *ensemble,
                              deblur_posterior *p)
{
    const size_t pixels = sf_grid_size(sf_fits_grid(f->frame)), fine = count_cells(f);
    const size_t cells = sf_grid_size(sf_observation_scene(f->observation));
    const double width = 2.0 * RANGE / DEBLUR_BINS;
    const double *sample = sf_ensemble_samples(ensemble, &p->kept);
    const double measured =
        (double)sf_observation_observed(sf_observation_exposure(f->observation, 0));
    double *residual = NULL, total = 0.0, variance = 1.0;
    sf_status status;

    GO(sf_allocate(&residual, pixels, sizeof *residual));
    GO(sf_allocate(&p->cube, p->kept, fine * sizeof *p->cube));
    p->least_chi_squared = HUGE_VAL;
    for (size_t s = 0; s < p->kept; s++) {
        double sum2, chi_squared;
        size_t observed;

        GO(crop(f, sample + s * cells, deblur_frame_sky(f), p->cube + s * fine));
        GO(sf_observation_residual(f->observation, sample + s * cells, residual));
        observed = count_residuals(residual, pixels, p, &sum2);
        chi_squared = sum2 / measured;
        variance = measured / (double)observed; /* below 1 where frequencies are missing */
        total += (double)observed;
        p->chi_squared += chi_squared / (double)p->kept;
        p->least_chi_squared = fmin(p->least_chi_squared, chi_squared);
        p->most_chi_squared = fmax(p->most_chi_squared, chi_squared);
    }
    for (int i = 0; i < DEBLUR_BINS; i++) {
        p->bin[i] = -RANGE + (i + 0.5) * width;
        p->density[i] /= total * width;
        p->normal[i] = exp(-0.5 * p->bin[i] * p->bin[i] / variance) / sqrt(2.0 * M_PI * variance);
    }
done:
    sf_free(residual);
    return status;
}

/* How much of the truth lies within the intervals. */
static void compare(const deblur_frame *f, deblur_posterior *p)
{
    const double *truth = f->truth != NULL ? sf_fits_pixels(f->truth) : NULL;
    size_t inside[2] = {0}, count = 0;

    p->inside[0] = p->inside[1] = NAN;
    if (truth == NULL) return;
    for (size_t i = 0; i < count_cells(f); i++) {
        if (!isfinite(truth[i])) continue;
        count++;
        inside[0] += truth[i] >= p->quantile[1][i] && truth[i] <= p->quantile[2][i];
        inside[1] += truth[i] >= p->quantile[0][i] && truth[i] <= p->quantile[3][i];
    }
    for (int i = 0; i < 2; i++) p->inside[i] = (double)inside[i] / (double)count;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static sf_status draw(const source *s, sf_monitor monitor, size_t samples, sf_ensemble *ensemble)
{
    static sf_status (*const draws[])(void *, sf_monitor, uint64_t, size_t, double *) = {
        [DEBLUR_GIBBS] = split_gibbs, [DEBLUR_LANGEVIN] = langevin, [DEBLUR_DIFFUSION] = diffuse};
    source copy = *s;
    const sf_ensemble_source from = {
        .draw = draws[s->options->sampler],
        .user = &copy,
        .batch = choose_batch(sf_grid_size(sf_observation_scene(s->observation)), samples),
        .checkpoint = s->options->checkpoint,
        .monitor = monitor};

    return sf_ensemble_fill(ensemble, &from, samples);
}

/* The diffusion runs in the posterior as a prior, with the likelihood that was asked for. */
static sf_status make_posterior(const deblur_options *o, const deblur_frame *f, sf_prior *prior,
                                source *s, sf_prior **posterior)
{
    sf_posterior_options options = sf_posterior_options_default();
    sf_status status;

    options.likelihood = o->likelihood;
    GO(sf_allocate(&s->start, sf_grid_size(sf_observation_scene(f->observation)),
                   sizeof *s->start));
    status = sf_posterior(prior, f->observation, &options, posterior);
    s->prior = *posterior;
done:
    return status;
}

sf_status deblur_posterior_draw(const deblur_options *o, const deblur_frame *f, sf_prior *prior,
                                sf_monitor monitor, double *mean, deblur_posterior *p)
{
    const size_t samples = o->samples > 0 ? (size_t)o->samples : SAMPLES;
    const double start = program_seconds();
    source s = {o, f->observation, prior, p, NULL};
    sf_prior *posterior = NULL;
    sf_ensemble *ensemble = NULL;
    sf_status status;

    if (o->sampler == DEBLUR_DIFFUSION) GO(make_posterior(o, f, prior, &s, &posterior));
    GO(open_ensemble(&s, &ensemble));
    GO(draw(&s, monitor, samples, ensemble));
    if (posterior != NULL) GO(sf_posterior_systems(posterior, &p->systems));
    p->samples = sf_ensemble_count(ensemble);
    GO(sf_ensemble_mean(ensemble, mean));
    GO(take_maps(f, ensemble, p));
    GO(take_samples(f, ensemble, p));
    compare(f, p);
    p->seconds = program_seconds() - start;
done:
    sf_ensemble_release(&ensemble);
    sf_prior_release(&posterior);
    sf_free(s.start);
    return status;
}

void deblur_posterior_release(deblur_posterior *p)
{
    sf_free(p->deviation);
    for (int i = 0; i < DEBLUR_QUANTILES; i++) sf_free(p->quantile[i]);
    sf_free(p->cube);
}
