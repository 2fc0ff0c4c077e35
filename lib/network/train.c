/* train.c - denoising score matching (Vincent 2011, doi:10.1162/NECO_a_00142).
 *
 * A sample is x = x_0 + sigma eps with x_0 a patch, turned and flipped, sigma log-uniform and eps
 * white. Its error is e = |eps_hat - eps|^2 a pixel with eps_hat = (x - D(x; sigma))/sigma, so a
 * denoiser that does nothing has e = 1 at every level. The loss is the mean of w e over the batch.
 *
 * With w = 1 that is score matching weighted by sigma^2. Astronomical patches meet levels from
 * 1e-4 to 1 of their brightest pixel, and show an empty sky or a thousand stars: e goes from 1e-5
 * to 1, and the gradient of e with respect to a weight grows with A, the signal's rms in units of
 * sigma, so that busy and bright samples would drown all others. With balance b > 0,
 * w = 1/(0.34 q^0.65 + b^2 (1 + A^(3/2))): q is the share of pixels where D(x) has detail above the
 * noise, and 0.34 q^0.65 what e was on average for the built-in network (2500 patches, e within a
 * factor of 2.7 of it, rms, where by itself it varies by one of 7).
 *
 * q and A^2 = max(|x|^2/sigma^2 - 1, 0) a pixel are those of the noisy sample, and w, which is held
 * fixed while differentiating, depends on nothing else: any such w has the mean of the posterior
 * E[x_0 | x] for its minimum, which is what Tweedie's formula asks of a denoiser. A weight by the
 * sample's own error, w = 1/e, the loss log e, has not: it counts what was hard to foresee for
 * less, and diffusions of such a denoiser are too smooth.
 *
 * Every random number is addressed by the sample's number, so neither threads nor a stop and
 * resume change a bit. */
#include "base/internal.h"
#include "network/adam.h"
#include "network/checkpoint.h"
#include "network/engine.h"
#include "network/loss.h"

#include <math.h>
#include <time.h>

#define LOSS_MEMORY 0.99 /* of the running loss */
#define LAST_RATE   0.01 /* the learning rate's end, relative to its peak */

enum { STREAM_LEVEL = 1, STREAM_NOISE = 2 };

typedef struct trainer {
    const sf_train_options *options;
    const sf_patch_source *source;
    sf_model_usage usage;
    sf_graph *graph;
    sf_engine *engine;
    sf_adam adam;
    sf_checkpoint state;
    size_t pixels;        /* of a patch */
    size_t planes;        /* channels of the network's input */
    sf_sample_loss *loss; /* per sample */
    double *error;        /* per sample: e */
    float *patch;         /* as drawn */
    double *noisy;        /* x/sigma */
    double *target;       /* what factor * output should be: eps, or x_0/sigma */
    double *output;       /* the network's, then ... */
    double *slope;        /* the loss's derivative with respect to it */
    float *gradient;      /* the same as the engine takes it */
} trainer;

sf_train_options sf_train_options_default(void)
{
    return (sf_train_options){.sigma_min = 1e-3,
                              .sigma_max = 1.0,
                              .patch = 64,
                              .batch = 16,
                              .steps = 10000,
                              .learning_rate = 1e-3,
                              .warmup = 200,
                              .ema = 0.999,
                              .clip = 1.0,
                              .balance = 0.01,
                              .seed = 1,
                              .checkpoint_every = 1000};
}

static double seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static sf_status check_options(const sf_train_options *o, const sf_model_usage *usage)
{
    if (!(o->sigma_min > 0.0) || !(o->sigma_max >= o->sigma_min) || !isfinite(o->sigma_max))
        return sf_fail(SF_ERR_ARGUMENT, "noise levels %g to %g: give 0 < smallest <= largest",
                       o->sigma_min, o->sigma_max);
    if (o->patch < 1 || o->patch > 4096 || o->batch < 1 || o->batch > 65536 || o->steps < 1)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu steps of %zu patches of %zu x %zu pixels: give at least one step, 1 to "
                       "65536 patches of 1 to 4096 pixels a side",
                       o->steps, o->batch, o->patch, o->patch);
    if (usage->multiple > 1 && o->patch % usage->multiple != 0)
        return sf_fail(SF_ERR_SHAPE, "patches of %zu pixels: this network takes multiples of %zu",
                       o->patch, usage->multiple);
    if (!(o->learning_rate > 0.0) || !isfinite(o->learning_rate) || !(o->ema >= 0.0) ||
        !(o->ema < 1.0) || !(o->clip >= 0.0) || !(o->weight_decay >= 0.0) || !(o->balance >= 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "learning rate %g, mean's decay %g, clip %g, weight decay %g, balance %g: "
                       "the first is positive, the second in [0, 1), the others not negative",
                       o->learning_rate, o->ema, o->clip, o->weight_decay, o->balance);
    if (o->resume && o->checkpoint == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "to resume, name the checkpoint to go on from");
    if (usage->noise_input == SF_NOISE_SECOND)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "networks with a second input for the noise level cannot be trained: give "
                       "the level as a channel");
    if (usage->conditions > 0)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "networks with %zu conditions cannot be trained here: patches have none",
                       usage->conditions);
    return SF_OK;
}

/* What must agree for the resumed run's bits to be those of the run that was stopped. */
static uint64_t fingerprint(const trainer *t)
{
    const sf_train_options *o = t->options;
    const double number[] = {o->sigma_min, o->sigma_max,    o->learning_rate, o->ema,
                             o->clip,      o->weight_decay, o->balance};
    const uint64_t integer[] = {
        o->patch, o->batch, o->steps, o->warmup, o->mixed_precision, o->seed, t->graph->node_count};
    uint64_t hash = sf_fnv(SF_FNV_BASIS, number, sizeof number);

    hash = sf_fnv(hash, integer, sizeof integer);
    return sf_fnv(hash, t->adam.weights, t->adam.count * sizeof *t->adam.weights);
}

static sf_status prepare(const sf_model *model, trainer *t)
{
    const sf_train_options *o = t->options;
    const sf_engine_options how = {.training = true, .bf16 = o->mixed_precision};
    const sf_shape *output;
    size_t values, parameters;
    float *flat = NULL;
    sf_shape shape;
    sf_status status;

    t->pixels = o->patch * o->patch;
    t->planes = t->usage.noise_input == SF_NOISE_CHANNEL ? 2 : 1;
    shape = (sf_shape){.rank = 4, .dim = {o->batch, t->planes, o->patch, o->patch}};
    if (!sf_multiply_sizes(o->batch, t->pixels, &values))
        return sf_fail(SF_ERR_MEMORY, "%zu patches of %zu pixels are more than memory can hold",
                       o->batch, t->pixels);
    SF_GO(sf_graph_copy(sf_model_graph(model), &t->graph));
    parameters = t->graph->parameter_count;
    SF_GO(sf_allocate(&flat, parameters, sizeof *flat));
    sf_graph_get_parameters(t->graph, flat);
    SF_GO(sf_adam_create(parameters, flat, &t->adam));
    SF_GO(sf_engine_create(t->graph, &shape, &how, &t->engine));
    output = sf_engine_output_shape(t->engine);
    if (output->dim[1] != 1 || output->dim[2] != o->patch || output->dim[3] != o->patch) {
        status = sf_fail(SF_ERR_SHAPE,
                         "the network makes %zu images of %zu x %zu from one of %zu x %zu: a "
                         "denoiser makes one of the same size",
                         output->dim[1], output->dim[2], output->dim[3], o->patch, o->patch);
        goto done;
    }
    SF_GO(sf_allocate(&t->patch, values, sizeof *t->patch));
    SF_GO(sf_allocate(&t->noisy, values, sizeof *t->noisy));
    SF_GO(sf_allocate(&t->target, values, sizeof *t->target));
    SF_GO(sf_allocate(&t->output, values, sizeof *t->output));
    SF_GO(sf_allocate(&t->slope, values, sizeof *t->slope));
    SF_GO(sf_allocate(&t->gradient, values, sizeof *t->gradient));
    SF_GO(sf_allocate(&t->loss, o->batch, sizeof *t->loss));
    SF_GO(sf_allocate(&t->error, o->batch, sizeof *t->error));
    t->state = (sf_checkpoint){
        .fingerprint = fingerprint(t), .patches = t->source->fingerprint, .loss = NAN};
    if (o->resume) SF_GO(sf_checkpoint_read(o->checkpoint, &t->state, &t->adam));
    SF_GO(sf_engine_set_parameters(t->engine, t->adam.weights));
done:
    sf_free(flat);
    return status;
}

static void release(trainer *t)
{
    sf_engine_release(&t->engine);
    sf_graph_release(&t->graph);
    sf_adam_release(&t->adam);
    sf_free(t->patch);
    sf_free(t->noisy);
    sf_free(t->target);
    sf_free(t->output);
    sf_free(t->slope);
    sf_free(t->gradient);
    sf_free(t->loss);
    sf_free(t->error);
}

/* The pixel of the patch that pixel (row, column) of its image under one of the eight symmetries
 * of the square shows. */
static size_t turned(unsigned symmetry, size_t side, size_t row, size_t column)
{
    if ((symmetry & 1U) != 0) row = side - 1 - row;
    if ((symmetry & 2U) != 0) column = side - 1 - column;
    return (symmetry & 4U) != 0 ? column * side + row : row * side + column;
}

/* Writes sample b of the batch into the network's input, and what its output should be. */
static void make_sample(trainer *t, size_t b, uint64_t number)
{
    const sf_train_options *o = t->options;
    const bool clean = t->usage.prediction == SF_PREDICT_CLEAN;
    const size_t side = o->patch, pixels = t->pixels;
    const float *patch = t->patch + b * pixels;
    double *target = t->target + b * pixels, *noisy = t->noisy + b * pixels;
    float *input = sf_engine_input(t->engine, 0) + b * t->planes * pixels;
    double uniform[2], sigma, scale;
    unsigned symmetry;

    sf_random_uniform(sf_random_make(o->seed, STREAM_LEVEL), number, 0, 2, uniform);
    sf_random_normal(sf_random_make(o->seed, STREAM_NOISE), number, 0, pixels, target);
    sigma = o->sigma_min * pow(o->sigma_max / o->sigma_min, uniform[0]);
    symmetry = (unsigned)(8.0 * uniform[1]);
    scale = t->usage.homogeneous ? sigma : t->usage.value_scale;
    for (size_t i = 0; i < pixels; i++) {
        const double x = (double)patch[turned(symmetry, side, i / side, i % side)];

        input[i] = (float)((x + sigma * target[i]) / scale);
        noisy[i] = x / sigma + target[i];
        if (clean) target[i] = x / sigma;
    }
    for (size_t i = pixels; i < t->planes * pixels; i++)
        input[i] = (float)(t->usage.noise_scale * sigma / scale);
    t->loss[b] = (sf_sample_loss){
        .pixels = pixels, .factor = t->usage.prediction == SF_PREDICT_NOISE ? 1.0 : scale / sigma};
}

/* What sample b counts; `clean` is a place for what the network makes of it. */
static double weigh_sample(const trainer *t, size_t b, double *clean)
{
    const double *noisy = t->noisy + b * t->pixels, *output = t->output + b * t->pixels;
    const double factor = t->loss[b].factor;

    if (t->options->balance == 0.0) return 1.0;
    for (size_t i = 0; i < t->pixels; i++) {
        clean[i] = factor * output[i];
        if (t->usage.prediction != SF_PREDICT_CLEAN) clean[i] = noisy[i] - clean[i];
    }
    return sf_sample_weight(noisy, clean, t->options->patch, t->options->balance);
}

/* The error of sample b, and the gradient of the batch's mean loss. */
static void measure_sample(trainer *t, size_t b)
{
    const size_t first = b * t->pixels, end = first + t->pixels;
    const float *output = sf_engine_output(t->engine);
    double loss;

    for (size_t i = first; i < end; i++) t->output[i] = (double)output[i];
    t->loss[b].weight = weigh_sample(t, b, t->slope + first);
    t->error[b] = sf_sample_loss_value(&t->loss[b], t->output + first, t->target + first,
                                       1.0 / (double)t->options->batch, t->slope + first, &loss);
    for (size_t i = first; i < end; i++) t->gradient[i] = (float)t->slope[i];
}

static sf_status fill_batch(trainer *t, uint64_t first)
{
    const sf_train_options *o = t->options;
    const size_t batch = o->batch;

    for (size_t b = 0; b < batch; b++)
        SF_TRY(t->source->draw(t->source->user, first + b, o->patch, o->patch,
                               t->patch + b * t->pixels));
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (size_t b = 0; b < batch; b++) make_sample(t, b, first + b);
    return SF_OK;
}

/* Linear warm-up, then a cosine down to LAST_RATE. */
static double learning_rate(const sf_train_options *o, uint64_t step)
{
    const double n = (double)step, warmup = (double)o->warmup;
    const double rest = fmax((double)o->steps - warmup, 1.0);
    const double half = 0.5 * (1.0 + cos(3.14159265358979323846 * (n - warmup) / rest));

    if (n <= warmup) return o->learning_rate * n / warmup;
    return o->learning_rate * (LAST_RATE + (1.0 - LAST_RATE) * half);
}

static sf_status one_step(trainer *t)
{
    const sf_train_options *o = t->options;
    const size_t batch = o->batch;
    const uint64_t step = t->state.step + 1;
    const sf_adam_step how = {step, learning_rate(o, step), o->weight_decay, o->clip, o->ema};
    double loss = 0.0;

    SF_TRY(fill_batch(t, (step - 1) * batch));
    SF_TRY(sf_engine_forward(t->engine));
#pragma omp parallel for num_threads(sf_thread_count()) schedule(static)
    for (size_t b = 0; b < batch; b++) measure_sample(t, b);
    for (size_t b = 0; b < batch; b++) loss += t->error[b] / (double)batch;
    SF_TRY(sf_engine_backward(t->engine, t->gradient));
    if (!isfinite(loss) ||
        !isfinite(sf_adam_update(&t->adam, &how, sf_engine_parameter_gradient(t->engine))))
        return sf_fail(SF_ERR_NUMERIC,
                       "training diverged at step %llu: loss %g; lower the learning rate (%g)",
                       (unsigned long long)step, loss, o->learning_rate);
    SF_TRY(sf_engine_set_parameters(t->engine, t->adam.weights));
    t->state.loss =
        isnan(t->state.loss) ? loss : LOSS_MEMORY * t->state.loss + (1.0 - LOSS_MEMORY) * loss;
    t->state.step = step;
    return SF_OK;
}

static sf_status run(trainer *t, bool *stopped)
{
    const sf_train_options *o = t->options;

    *stopped = false;
    while (t->state.step < o->steps && !*stopped) {
        SF_TRY(one_step(t));
        *stopped = !sf_monitor_call(&o->monitor, &(sf_monitor_event){.stage = "train",
                                                                     .iteration = t->state.step,
                                                                     .total = o->steps,
                                                                     .residual = t->state.loss});
        if (o->checkpoint != NULL &&
            (*stopped || t->state.step == o->steps ||
             (o->checkpoint_every > 0 && t->state.step % o->checkpoint_every == 0)))
            SF_TRY(sf_checkpoint_write(o->checkpoint, &t->state, &t->adam));
    }
    return SF_OK;
}

/* The network with the averaged weights, used as the one that training began with. */
static sf_status deliver(trainer *t, sf_model **trained)
{
    sf_model_usage usage = t->usage;
    sf_graph *graph;
    sf_model *plain = NULL;
    sf_status status;

    SF_TRY(sf_graph_copy(t->graph, &graph));
    sf_graph_set_parameters(graph, t->adam.mean);
    SF_TRY(sf_model_from_graph(graph, &plain));
    usage.noise_low = t->options->sigma_min;
    usage.noise_high = t->options->sigma_max;
    status = sf_model_with_usage(plain, &usage, trained);
    sf_model_release(&plain);
    return status;
}

sf_status sf_train(const sf_model *model, const sf_patch_source *source,
                   const sf_train_options *options, sf_model **trained, sf_train_report *report)
{
    const double begin = seconds_now();
    trainer t = {.options = options, .source = source, .usage = *sf_model_get_usage(model)};
    sf_train_report result = {0};
    uint64_t first;
    sf_status status;

    *trained = NULL;
    SF_TRY(check_options(options, &t.usage));
    SF_GO(prepare(model, &t));
    first = t.state.step;
    SF_GO(run(&t, &result.stopped));
    SF_GO(deliver(&t, trained));
    result.steps = t.state.step;
    result.loss = t.state.loss;
    result.seconds = seconds_now() - begin;
    result.patches_per_second =
        (double)(t.state.step - first) * (double)options->batch / fmax(result.seconds, 1e-9);
    if (report != NULL) *report = result;
done:
    release(&t);
    return status;
}
