/* ridge_train.c - a convex ridge learned as a denoiser, at its minimum, by implicit
 * differentiation: the header says which derivative. In units of a sample's noise, u = x/sigma,
 * what is trained is z(u) = argmin |z - u|^2/2 + R(z), and z should be x_0/sigma; loss and weights
 * are those of network/train.c. With t_i = w_i * z and s_i = w_i * v, what R'(z) is multiplied with
 * v is v^T R'(z) = sum_i sum_n psi_i'(t_i) s_i, whose derivative with respect to a_ij is sum_n
 * clip(t_i, b_j) s_i, and with respect to w_i,m sum_n psi_i''(t_i)_n s_i,n z_(n + m) +
 * psi_i'(t_i)_n v_(n + m). */
#include "base/internal.h"
#include "network/adam.h"
#include "network/loss.h"
#include "prior/ridge.h"

#include <math.h>
#include <string.h>

#define FIRST_SLOPE 0.05
#define KNOTS       8
#define FINEST      0.25 /* threshold, in units of the noise */
#define SOLVED      1e-2 /* of the noise: how exact minima are while training */
#define SYSTEM      1e-2
#define LAST_RATE   0.01 /* the learning rate's end, relative to its peak */
#define LOSS_MEMORY 0.99 /* of the running loss */

enum { STREAM_LEVEL = 1, STREAM_NOISE = 2 };

sf_ridge_options sf_ridge_options_default(void)
{
    return (sf_ridge_options){.filters = 16, .side = 7, .seed = 1};
}

/* Without mean. */
static void centre(size_t count, double *taps)
{
    double mean = 0.0;

    for (size_t m = 0; m < count; m++) mean += taps[m] / (double)count;
    for (size_t m = 0; m < count; m++) taps[m] -= mean;
}

sf_status sf_ridge_untrained(const sf_ridge_options *o, sf_ridge **ridge)
{
    const size_t area = o->side * o->side;
    double threshold[KNOTS], *taps = NULL, *slope = NULL;
    sf_status status;

    *ridge = NULL;
    if (o->filters < 1 || o->filters > 256 || o->side < 2 || o->side > 31)
        return sf_fail(SF_ERR_ARGUMENT, "%zu filters of %zu x %zu: give 1 to 256, of 2 to 31",
                       o->filters, o->side, o->side);
    SF_GO(sf_allocate(&taps, o->filters, area * sizeof *taps));
    SF_GO(sf_allocate(&slope, o->filters, KNOTS * sizeof *slope));
    for (size_t i = 0; i < o->filters; i++) {
        sf_random_normal(sf_random_make(o->seed, 0), i, 0, area, taps + i * area);
        for (size_t m = 0; m < area; m++) taps[i * area + m] /= sqrt((double)area);
        centre(area, taps + i * area);
    }
    for (size_t j = 0; j < KNOTS; j++) threshold[j] = ldexp(FINEST, (int)j);
    for (size_t i = 0; i < o->filters * KNOTS; i++)
        slope[i] = FIRST_SLOPE / threshold[i % KNOTS] / (double)o->filters;
    status = sf_ridge_create(o->filters, o->side, taps, KNOTS, threshold, slope, ridge);
done:
    sf_free(taps);
    sf_free(slope);
    return status;
}

/* ---- parameters: taps, then logarithms of slopes --------------------------------------------- */

static size_t tap_count(const sf_ridge *r) { return r->filters * r->side * r->side; }

static void get_parameters(const sf_ridge *r, float *flat)
{
    const size_t taps = tap_count(r);

    for (size_t i = 0; i < taps; i++) flat[i] = (float)r->taps[i];
    for (size_t i = 0; i < r->filters * r->knots; i++)
        flat[taps + i] = (float)log(fmax(r->slope[i], 1e-9));
}

static sf_status from_parameters(const sf_ridge *like, const float *flat, sf_ridge **ridge)
{
    const size_t taps = tap_count(like), slopes = like->filters * like->knots;
    const size_t area = like->side * like->side;
    double *values = NULL;
    sf_status status;

    *ridge = NULL;
    SF_GO(sf_allocate(&values, taps + slopes, sizeof *values));
    for (size_t i = 0; i < taps; i++) values[i] = (double)flat[i];
    for (size_t i = 0; i < like->filters; i++) centre(area, values + i * area);
    for (size_t i = 0; i < slopes; i++) values[taps + i] = exp((double)flat[taps + i]);
    status = sf_ridge_create(like->filters, like->side, values, like->knots, like->threshold,
                             values + taps, ridge);
done:
    sf_free(values);
    return status;
}

/* ---- one sample ------------------------------------------------------------------------------ */

typedef struct trainer {
    const sf_train_options *options;
    const sf_patch_source *source;
    sf_ridge *ridge;
    sf_ridge_plan *plan;
    size_t pixels, parameters;
    float *patch;     /* batch */
    double *error;    /* batch */
    double *gradient; /* batch x parameters */
    sf_adam adam;
} trainer;

/* What a thread works with: z, v, dL/dz and their half spectra. */
typedef struct desk {
    sf_ridge_work *work;
    double *z, *v, *target;
    sf_complex *zk, *vk, *uk;
} desk;

static sf_status desk_create(const trainer *t, desk *d)
{
    const size_t half = t->plan->half;

    memset(d, 0, sizeof *d);
    SF_TRY(sf_ridge_work_create(t->plan, &d->work));
    SF_TRY(sf_allocate(&d->z, t->pixels, sizeof *d->z));
    SF_TRY(sf_allocate(&d->v, t->pixels, sizeof *d->v));
    SF_TRY(sf_allocate(&d->target, t->pixels, sizeof *d->target));
    SF_TRY(sf_allocate(&d->zk, half, sizeof *d->zk));
    SF_TRY(sf_allocate(&d->vk, half, sizeof *d->vk));
    return sf_allocate(&d->uk, half, sizeof *d->uk);
}

static void desk_release(desk *d)
{
    sf_ridge_work_release(&d->work);
    sf_free(d->z);
    sf_free(d->v);
    sf_free(d->target);
    sf_free(d->zk);
    sf_free(d->vk);
    sf_free(d->uk);
}

/* z = v = u, the noisy patch, and the target, in units of the noise. */
static void make_sample(const trainer *t, size_t b, uint64_t number, desk *d)
{
    const sf_train_options *o = t->options;
    double uniform, sigma;

    sf_random_uniform(sf_random_make(o->seed, STREAM_LEVEL), number, 0, 1, &uniform);
    sf_random_normal(sf_random_make(o->seed, STREAM_NOISE), number, 0, t->pixels, d->z);
    sigma = o->sigma_min * pow(o->sigma_max / o->sigma_min, uniform);
    for (size_t i = 0; i < t->pixels; i++) {
        d->target[i] = (double)t->patch[b * t->pixels + i] / sigma;
        d->z[i] += d->target[i];
    }
    memcpy(d->v, d->z, t->pixels * sizeof *d->v);
}

/* sum of a over all places n times field at n + (y, x) */
static double shifted(const sf_ridge_plan *p, const double *a, const double *field, size_t y,
                      size_t x)
{
    const size_t rows = p->grid.shape[0], columns = p->grid.shape[1], side = p->ridge->side;
    double sum = 0.0;

    for (size_t i = 0; i + side <= rows; i++)
        for (size_t j = 0; j + side <= columns; j++)
            sum += a[i * columns + j] * field[(i + y) * columns + j + x];
    return sum;
}

/* -d/dw_i and -d/d log a_i of v^T R'(z): t and s are at hand; first and second are work. */
static void differentiate_filter(const trainer *t, size_t filter, const desk *d, const double *tn,
                                 const double *sn, double *first, double *second, double *gradient)
{
    const sf_ridge *r = t->ridge;
    const double *slope = r->slope + filter * r->knots;
    double *taps = gradient + filter * r->side * r->side;
    double *slopes = gradient + tap_count(r) + filter * r->knots;

    memset(first, 0, t->pixels * sizeof *first);
    memset(second, 0, t->pixels * sizeof *second);
    for (size_t j = 0; j < r->knots; j++) {
        const double b = r->threshold[j];
        double sum = 0.0;
        for (size_t n = 0; n < t->pixels; n++) {
            const double clipped = fmin(fmax(tn[n], -b), b);
            sum += clipped * sn[n];
            first[n] += slope[j] * clipped;
            second[n] += fabs(tn[n]) < b ? slope[j] * sn[n] : 0.0;
        }
        slopes[j] = -slope[j] * sum;
    }
    for (size_t y = 0; y < r->side; y++)
        for (size_t x = 0; x < r->side; x++)
            taps[y * r->side + x] =
                -shifted(t->plan, second, d->z, y, x) - shifted(t->plan, first, d->v, y, x);
    centre(r->side * r->side, taps);
}

/* field = (w_i * f) where the filter lies on the patch, 0 elsewhere. */
static void correlate(const sf_ridge_plan *p, size_t filter, const double *f, double *field)
{
    const size_t rows = p->grid.shape[0], columns = p->grid.shape[1], side = p->ridge->side;
    const double *taps = p->ridge->taps + filter * side * side;

    memset(field, 0, p->cells * sizeof *field);
    for (size_t i = 0; i + side <= rows; i++)
        for (size_t m = 0; m < side * side; m++) {
            const double *from = f + (i + m / side) * columns + m % side;
            for (size_t j = 0; j + side <= columns; j++)
                field[i * columns + j] += taps[m] * from[j];
        }
}

static sf_status differentiate(const trainer *t, const desk *d, double *gradient)
{
    double *field = NULL;
    sf_status status;

    SF_GO(sf_allocate(&field, 4 * t->pixels, sizeof *field));
    for (size_t i = 0; i < t->ridge->filters; i++) {
        correlate(t->plan, i, d->z, field);
        correlate(t->plan, i, d->v, field + t->pixels);
        differentiate_filter(t, i, d, field, field + t->pixels, field + 2 * t->pixels,
                             field + 3 * t->pixels, gradient);
    }
done:
    sf_free(field);
    return status;
}

static sf_status train_sample(const trainer *t, size_t b, uint64_t number, desk *d)
{
    const double balance = t->options->balance;
    sf_sample_loss loss = {.pixels = t->pixels, .factor = 1.0, .weight = 1.0};
    double value, energy;

    make_sample(t, b, number, d);
    SF_TRY(sf_fft_forward(t->plan->fft, d->z, d->uk));
    SF_TRY(sf_ridge_proximal(t->plan, d->work, 1.0, SOLVED, d->uk, d->zk, &energy));
    SF_TRY(sf_ridge_fix(d->work, d->zk));
    SF_TRY(sf_fft_inverse(t->plan->fft, d->zk, d->z));
    if (balance > 0.0) loss.weight = sf_sample_weight(d->v, d->z, t->options->patch, balance);
    t->error[b] =
        sf_sample_loss_value(&loss, d->z, d->target, 1.0 / (double)t->options->batch, d->v, &value);
    SF_TRY(sf_fft_forward(t->plan->fft, d->v, d->uk));
    SF_TRY(sf_ridge_resolve(t->plan, d->work, 1.0, SYSTEM, d->uk, d->vk));
    SF_TRY(sf_fft_inverse(t->plan->fft, d->vk, d->v));
    return differentiate(t, d, t->gradient + b * t->parameters);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static sf_status train_share(const trainer *t, uint64_t first, size_t from, size_t shares)
{
    sf_status status;
    desk d;

    SF_GO(desk_create(t, &d));
    for (size_t b = from; b < t->options->batch; b += shares)
        SF_GO(train_sample(t, b, first + b, &d));
done:
    desk_release(&d);
    return status;
}

/* All samples, each by one thread. */
static sf_status train_batch(const trainer *t, uint64_t first)
{
    const size_t threads = (size_t)sf_thread_count();
    const size_t shares = threads < t->options->batch ? threads : t->options->batch;
    size_t failed = shares;

#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) reduction(min : failed)
    for (size_t i = 0; i < shares; i++)
        if (train_share(t, first, i, shares) != SF_OK && i < failed) failed = i;
    return failed == shares ? SF_OK : train_share(t, first, failed, shares);
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

/* The ridge of these parameters, on the patches' grid. */
static sf_status take(trainer *t, const float *flat)
{
    sf_grid grid;
    sf_ridge *next;

    SF_TRY(sf_grid_image(t->options->patch, t->options->patch, &grid));
    SF_TRY(from_parameters(t->ridge, flat, &next));
    sf_ridge_plan_release(&t->plan);
    sf_ridge_release(&t->ridge);
    t->ridge = next;
    return sf_ridge_plan_create(t->ridge, &grid, &t->plan);
}

static sf_status one_step(trainer *t, uint64_t step, double *loss)
{
    const sf_train_options *o = t->options;
    const sf_adam_step how = {step, learning_rate(o, step), o->weight_decay, o->clip, o->ema};
    float *sum = NULL;
    sf_status status;

    SF_GO(sf_allocate(&sum, t->parameters, sizeof *sum));
    for (size_t b = 0; b < o->batch; b++)
        SF_GO(t->source->draw(t->source->user, (step - 1) * o->batch + b, o->patch, o->patch,
                              t->patch + b * t->pixels));
    SF_GO(train_batch(t, (step - 1) * o->batch));
    *loss = 0.0;
    for (size_t b = 0; b < o->batch; b++) {
        *loss += t->error[b] / (double)o->batch;
        for (size_t i = 0; i < t->parameters; i++)
            sum[i] += (float)t->gradient[b * t->parameters + i];
    }
    if (!isfinite(*loss) || !isfinite(sf_adam_update(&t->adam, &how, sum)))
        SF_GO(sf_fail(SF_ERR_NUMERIC,
                      "training diverged at step %llu: loss %g; lower the learning rate (%g)",
                      (unsigned long long)step, *loss, o->learning_rate));
    status = take(t, t->adam.weights);
done:
    sf_free(sum);
    return status;
}

static sf_status check(const sf_ridge *ridge, const sf_train_options *o)
{
    if (!(o->sigma_min > 0.0) || !(o->sigma_max >= o->sigma_min) || !isfinite(o->sigma_max))
        return sf_fail(SF_ERR_ARGUMENT, "noise levels %g to %g: give 0 < smallest <= largest",
                       o->sigma_min, o->sigma_max);
    if (o->patch < 2 * ridge->side || o->patch > 4096 || o->batch < 1 || o->batch > 65536 ||
        o->steps < 1 || !(o->learning_rate > 0.0) || !isfinite(o->learning_rate))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%zu steps of %zu patches of %zu x %zu pixels at a rate of %g: give at "
                       "least one step, 1 to 65536 patches with twice a filter's side (%zu) to "
                       "4096 pixels, and a positive rate",
                       o->steps, o->batch, o->patch, o->patch, o->learning_rate, ridge->side);
    if (o->checkpoint != NULL || o->resume || o->mixed_precision)
        return sf_fail(SF_ERR_UNSUPPORTED, "a ridge is trained in minutes and in double precision: "
                                           "without checkpoints and bf16");
    return SF_OK;
}

static sf_status prepare(trainer *t)
{
    const size_t batch = t->options->batch;
    float *flat = NULL;
    sf_status status;

    t->pixels = t->options->patch * t->options->patch;
    t->parameters = sf_ridge_parameter_count(t->ridge);
    SF_GO(sf_allocate(&flat, t->parameters, sizeof *flat));
    get_parameters(t->ridge, flat);
    SF_GO(sf_adam_create(t->parameters, flat, &t->adam));
    SF_GO(sf_allocate(&t->patch, batch, t->pixels * sizeof *t->patch));
    SF_GO(sf_allocate(&t->error, batch, sizeof *t->error));
    SF_GO(sf_allocate(&t->gradient, batch, t->parameters * sizeof *t->gradient));
    status = take(t, flat);
done:
    sf_free(flat);
    return status;
}

static sf_status run(trainer *t, sf_train_report *report)
{
    const sf_train_options *o = t->options;

    report->loss = NAN;
    while (report->steps < o->steps && !report->stopped) {
        double loss;
        SF_TRY(one_step(t, report->steps + 1, &loss));
        report->steps++;
        report->loss =
            isnan(report->loss) ? loss : LOSS_MEMORY * report->loss + (1.0 - LOSS_MEMORY) * loss;
        report->stopped =
            !sf_monitor_call(&o->monitor, &(sf_monitor_event){.stage = "train",
                                                              .iteration = report->steps,
                                                              .total = o->steps,
                                                              .residual = report->loss});
    }
    return SF_OK;
}

sf_status sf_ridge_train(const sf_ridge *ridge, const sf_patch_source *source,
                         const sf_train_options *options, sf_ridge **trained,
                         sf_train_report *report)
{
    const double begin = sf_seconds();
    trainer t = {.options = options, .source = source};
    sf_train_report result = {0};
    sf_status status;

    *trained = NULL;
    SF_TRY(check(ridge, options));
    t.ridge = sf_ridge_retain((sf_ridge *)ridge);
    SF_GO(prepare(&t));
    SF_GO(run(&t, &result));
    SF_GO(from_parameters(t.ridge, t.adam.mean, trained));
    result.seconds = sf_seconds() - begin;
    result.patches_per_second = (double)(result.steps * options->batch) / result.seconds;
    if (report != NULL) *report = result;
done:
    sf_ridge_plan_release(&t.plan);
    sf_ridge_release(&t.ridge);
    sf_adam_release(&t.adam);
    sf_free(t.patch);
    sf_free(t.error);
    sf_free(t.gradient);
    return status;
}
