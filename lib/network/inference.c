/* inference.c - a model compiled for one image size and used as a denoiser: what lies between an
 * image in its own units and a network in its own is done here, as the model's usage says.
 *
 * With P the padding, C the cut that undoes it, f the network and s its unit of value,
 *     D(x)          = [x +] c C f(P x / s)          c = s, -s or -sigma by the prediction
 *     (dD/dx)^T v   = [v +] c/s P^T (df)^T C^T v */
#include "base/internal.h"
#include "network/engine.h"
#include "network/usage.h"

#include <math.h>
#include <string.h>

struct sf_inference {
    sf_model *model;
    sf_model_usage usage;
    size_t rows, columns;               /* of the image */
    size_t padded_rows, padded_columns; /* of what the network sees */
    size_t *row_from, *column_from;     /* which row or column a padded one shows; NOTHING: zeros */
    sf_engine *engine;
    sf_engine *derivative; /* with a backward pass to the image; NULL until it is asked for */
    float *slope;          /* of its output: C^T v */
    float *condition;      /* padded planes of side information; NULL where there are none */
};

#define NOTHING SIZE_MAX

/* The largest magnitude a network's arithmetic in single precision is trusted with. */
#define LARGEST_VALUE 1e30

/* ---- padding --------------------------------------------------------------------------------- */

/* The place in 0 .. size-1 that `place`, anywhere on the integers, shows. */
static size_t padded_place(long place, size_t size, sf_padding padding)
{
    const long n = (long)size;
    long period, folded;

    if (place >= 0 && place < n) return (size_t)place;
    switch (padding) {
    case SF_PADDING_ZERO: return NOTHING;
    case SF_PADDING_REPLICATE: return place < 0 ? 0 : size - 1;
    case SF_PADDING_CIRCULAR: return (size_t)(((place % n) + n) % n);
    case SF_PADDING_REFLECT: break;
    }
    if (n == 1) return 0;
    period = 2 * (n - 1); /* the edge itself is not repeated */
    folded = ((place % period) + period) % period;
    return (size_t)(folded < n ? folded : period - folded);
}

/* *padded = size with the margin on both sides, and further at the end up to a multiple. */
static sf_status pad_axis(const sf_model_usage *usage, size_t size, size_t *padded, size_t **from)
{
    const size_t multiple = usage->multiple > 0 ? usage->multiple : 1, limit = 1U << 24;

    if (size == 0 || size > limit || usage->margin > limit || multiple > limit)
        return sf_fail(
            SF_ERR_ARGUMENT,
            "a network for %zu pixels along an axis, with a margin of %zu and a multiple "
            "of %zu: each must be below %zu, the first at least 1",
            size, usage->margin, multiple, limit);
    *padded = (size + 2 * usage->margin + multiple - 1) / multiple * multiple;
    SF_TRY(sf_allocate(from, *padded, sizeof **from));
    for (size_t i = 0; i < *padded; i++)
        (*from)[i] = padded_place((long)i - (long)usage->margin, size, usage->padding);
    return SF_OK;
}

/* ---- creation -------------------------------------------------------------------------------- */

static sf_status check_inputs(const sf_graph *graph, const sf_model_usage *usage)
{
    const size_t inputs = usage->noise_input == SF_NOISE_SECOND ? 2 : 1;
    const sf_shape *image = &graph->value[graph->input[0]].shape;

    if (graph->input_count != inputs)
        return sf_fail(SF_ERR_SHAPE,
                       "the network has %zu inputs where its declared noise input needs %zu: "
                       "declare how it is told the noise level",
                       graph->input_count, inputs);
    if (image->rank == 4 && image->dim[1] != 0 && image->dim[1] != sf_usage_planes(usage))
        return sf_fail(SF_ERR_SHAPE,
                       "the network takes %zu channels where its declared usage makes %zu: one for "
                       "the image, one for the noise level if it is a channel, and its conditions",
                       image->dim[1], sf_usage_planes(usage));
    return SF_OK;
}

static sf_status check_output(const sf_inference *inference)
{
    const sf_shape *shape = sf_engine_output_shape(inference->engine);
    char text[96];

    if (shape->rank == 4 && shape->dim[0] == 1 && shape->dim[1] >= 1 &&
        shape->dim[2] == inference->padded_rows && shape->dim[3] == inference->padded_columns)
        return SF_OK;
    return sf_fail(SF_ERR_SHAPE,
                   "the network makes %s of an image of %zu x %zu: a denoiser's result has the "
                   "image's own size",
                   sf_shape_text(shape, text, sizeof text), inference->padded_rows,
                   inference->padded_columns);
}

static sf_status compile(const sf_inference *inference, sf_engine_options options,
                         sf_engine **engine)
{
    const sf_shape shape = {.rank = 4,
                            .dim = {1, sf_usage_planes(&inference->usage), inference->padded_rows,
                                    inference->padded_columns}};

    options.bf16 = inference->usage.bf16;
    return sf_engine_create(sf_model_graph(inference->model), &shape, &options, engine);
}

static size_t padded_plane(const sf_inference *inference)
{
    return inference->padded_rows * inference->padded_columns;
}

static sf_status reserve_condition(sf_inference *inference)
{
    if (inference->usage.conditions == 0) return SF_OK;
    return sf_allocate(&inference->condition, inference->usage.conditions * padded_plane(inference),
                       sizeof *inference->condition);
}

sf_status sf_inference_create(sf_model *model, size_t rows, size_t columns,
                              sf_inference **inference)
{
    sf_inference *made = NULL;
    sf_status status;

    *inference = NULL;
    SF_TRY(check_inputs(sf_model_graph(model), sf_model_get_usage(model)));
    SF_TRY(sf_allocate(&made, 1, sizeof *made));
    made->model = sf_model_retain(model);
    made->usage = *sf_model_get_usage(model);
    made->rows = rows;
    made->columns = columns;
    SF_GO(pad_axis(&made->usage, rows, &made->padded_rows, &made->row_from));
    SF_GO(pad_axis(&made->usage, columns, &made->padded_columns, &made->column_from));
    SF_GO(compile(made, (sf_engine_options){.training = false}, &made->engine));
    SF_GO(check_output(made));
    SF_GO(reserve_condition(made));
    *inference = made;
    return SF_OK;
done:
    sf_inference_release(&made);
    return status;
}

void sf_inference_release(sf_inference **inference)
{
    sf_inference *old = inference == NULL ? NULL : *inference;

    if (old == NULL) return;
    *inference = NULL;
    sf_engine_release(&old->engine);
    sf_engine_release(&old->derivative);
    sf_model_release(&old->model);
    sf_free(old->slope);
    sf_free(old->condition);
    sf_free(old->row_from);
    sf_free(old->column_from);
    sf_free(old);
}

/* ---- use ------------------------------------------------------------------------------------- */

/* Image units per network unit. A network for one level sees every level scaled to that one. */
static double scale_for(const sf_model_usage *usage, double sigma)
{
    if (usage->homogeneous) return sigma;
    if (usage->noise_input == SF_NOISE_NONE && usage->fixed_sigma > 0.0)
        return sigma / usage->fixed_sigma;
    return usage->value_scale;
}

static sf_status check_use(const sf_inference *inference, const double *x, double sigma,
                           double scale)
{
    const size_t count = inference->rows * inference->columns;
    double largest = 0.0;

    if (!(sigma > 0.0) || !isfinite(sigma))
        return sf_fail(SF_ERR_ARGUMENT, "denoising at a noise level of %g: give one above 0",
                       sigma);
    SF_TRY(sf_check_finite(x, count, "input of the network"));
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(x[i]));
    if (largest / scale > LARGEST_VALUE)
        return sf_fail(SF_ERR_ARGUMENT,
                       "the image reaches %g, which at a noise level of %g is beyond the network's "
                       "single precision: check the noise level",
                       largest, sigma);
    return SF_OK;
}

/* to = P x / scale */
static void pad_image(const sf_inference *inference, const double *x, double scale, float *to)
{
    for (size_t i = 0; i < inference->padded_rows; i++) {
        const size_t row = inference->row_from[i];

        for (size_t j = 0; j < inference->padded_columns; j++) {
            const size_t column = inference->column_from[j];
            const bool zero = row == NOTHING || column == NOTHING;

            *to++ = zero ? 0.0F : (float)(x[row * inference->columns + column] / scale);
        }
    }
}

sf_status sf_inference_condition(sf_inference *inference, const double *planes)
{
    const size_t count = inference->usage.conditions;
    const size_t pixels = inference->rows * inference->columns, padded = padded_plane(inference);

    if (planes == NULL) {
        if (count > 0) memset(inference->condition, 0, count * padded * sizeof(float));
        return SF_OK;
    }
    if (count == 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "conditions for a network that declares none (metadata entry "
                       "scorefield.conditions)");
    for (size_t i = 0; i < count * pixels; i++)
        if (!(fabs(planes[i]) <= LARGEST_VALUE))
            return sf_fail(
                SF_ERR_NUMERIC,
                "pixel %zu of condition %zu is %g, beyond the network's single precision",
                i % pixels, i / pixels + 1, planes[i]);
    for (size_t c = 0; c < count; c++)
        pad_image(inference, planes + c * pixels, 1.0, inference->condition + c * padded);
    return SF_OK;
}

/* The channels after the image's own. */
static void write_channels(const sf_inference *inference, sf_engine *engine, double level)
{
    const sf_model_usage *usage = &inference->usage;
    const size_t plane = padded_plane(inference);
    float *channel = sf_engine_input(engine, 0) + plane;

    if (usage->noise_input == SF_NOISE_SECOND) *sf_engine_input(engine, 1) = (float)level;
    if (usage->noise_input == SF_NOISE_CHANNEL) {
        for (size_t i = 0; i < plane; i++) channel[i] = (float)level;
        channel += plane;
    }
    if (usage->conditions > 0)
        memcpy(channel, inference->condition, usage->conditions * plane * sizeof *channel);
}

/* c: what the network's result counts with. */
static double factor_of(const sf_model_usage *usage, double sigma, double scale)
{
    switch (usage->prediction) {
    case SF_PREDICT_NOISE: return -sigma;
    case SF_PREDICT_RESIDUAL: return -scale;
    case SF_PREDICT_CLEAN: break;
    }
    return scale;
}

/* The first padded pixel that is the image's own. */
static size_t corner(const sf_inference *inference)
{
    return inference->usage.margin * (inference->padded_columns + 1);
}

/* out = D(x; sigma) from the network's first output channel. */
static void read_result(const sf_inference *inference, const sf_engine *engine, const double *x,
                        double sigma, double scale, double *out)
{
    const bool clean = inference->usage.prediction == SF_PREDICT_CLEAN;
    const double factor = factor_of(&inference->usage, sigma, scale);
    const float *from = sf_engine_output(engine) + corner(inference);

    for (size_t i = 0; i < inference->rows; i++, from += inference->padded_columns)
        for (size_t j = 0; j < inference->columns; j++, x++, out++)
            *out = (clean ? 0.0 : *x) + factor * (double)from[j];
}

/* out = D(x; sigma), by one of the engines. */
static sf_status evaluate(const sf_inference *inference, sf_engine *engine, const double *x,
                          double sigma, double *out)
{
    const double scale = scale_for(&inference->usage, sigma);

    SF_TRY(check_use(inference, x, sigma, scale));
    pad_image(inference, x, scale, sf_engine_input(engine, 0));
    write_channels(inference, engine, inference->usage.noise_scale * sigma / scale);
    SF_TRY(sf_engine_forward(engine));
    if (out == NULL) return SF_OK;
    read_result(inference, engine, x, sigma, scale, out);
    return sf_check_finite(out, inference->rows * inference->columns, "result of the network");
}

sf_status sf_inference_denoise(sf_inference *inference, const double *x, double sigma, double *out)
{
    return evaluate(inference, inference->engine, x, sigma, out);
}

/* ---- the derivative -------------------------------------------------------------------------- */

static sf_status compile_derivative(sf_inference *inference)
{
    const sf_engine_options options = {.training = true, .input_gradient = true, .frozen = true};
    size_t count;

    if (inference->derivative != NULL) return SF_OK;
    SF_TRY(sf_shape_size(sf_engine_output_shape(inference->engine), &count));
    if (inference->slope == NULL)
        SF_TRY(sf_allocate(&inference->slope, count, sizeof *inference->slope));
    return compile(inference, options, &inference->derivative);
}

/* C^T v / unit, in the first output channel; the others, and the padding, stay zero. */
static void write_slope(const sf_inference *inference, const double *v, double unit)
{
    float *to = inference->slope + corner(inference);

    for (size_t i = 0; i < inference->rows; i++, to += inference->padded_columns)
        for (size_t j = 0; j < inference->columns; j++) to[j] = (float)(*v++ / unit);
}

/* out = [v +] factor P^T of the engine's gradient: every padded pixel's goes to the one it shows.
 * A network that never looks at the image has none. */
static void read_slope(const sf_inference *inference, const double *v, double factor, double *out)
{
    const bool clean = inference->usage.prediction == SF_PREDICT_CLEAN;
    const float *from = sf_engine_input_gradient(inference->derivative);

    for (size_t i = 0; i < inference->rows * inference->columns; i++) out[i] = clean ? 0.0 : v[i];
    if (from == NULL) return;
    for (size_t i = 0; i < inference->padded_rows; i++) {
        const size_t row = inference->row_from[i];

        for (size_t j = 0; j < inference->padded_columns; j++, from++) {
            const size_t column = inference->column_from[j];

            if (row != NOTHING && column != NOTHING)
                out[row * inference->columns + column] += factor * (double)*from;
        }
    }
}

sf_status sf_inference_pull(sf_inference *inference, const double *x, double sigma, const double *v,
                            double *denoised, double *out)
{
    const size_t count = inference->rows * inference->columns;
    const double scale = scale_for(&inference->usage, sigma);
    double unit = 0.0;

    SF_TRY(sf_check_finite(v, count, "vector to pull back through the network"));
    SF_TRY(compile_derivative(inference));
    SF_TRY(evaluate(inference, inference->derivative, x, sigma, denoised));
    for (size_t i = 0; i < count; i++) unit = fmax(unit, fabs(v[i]));
    if (unit == 0.0) unit = 1.0;
    write_slope(inference, v, unit);
    SF_TRY(sf_engine_backward(inference->derivative, inference->slope));
    read_slope(inference, v, unit * (factor_of(&inference->usage, sigma, scale) / scale), out);
    return sf_check_finite(out, count, "vector pulled back through the network");
}

double sf_inference_flops(const sf_inference *inference)
{
    return sf_engine_flops(inference->engine);
}

size_t sf_inference_bytes(const sf_inference *inference)
{
    return sf_engine_bytes(inference->engine) +
           (inference->derivative != NULL ? sf_engine_bytes(inference->derivative) : 0);
}
