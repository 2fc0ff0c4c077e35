/* inference.c - a model compiled for one image size and used as a denoiser: what lies between an
 * image in its own units and a network in its own is done here, as the model's usage says. */
#include "base/internal.h"
#include "network/engine.h"

#include <math.h>

struct sf_inference {
    sf_model_usage usage;
    size_t rows, columns;               /* of the image */
    size_t padded_rows, padded_columns; /* of what the network sees */
    size_t *row_from, *column_from;     /* which row or column a padded one shows; NOTHING: zeros */
    sf_engine *engine;
};

#define NOTHING SIZE_MAX

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

static size_t planes_of(const sf_model_usage *usage)
{
    return usage->noise_input == SF_NOISE_CHANNEL ? 2 : 1;
}

static sf_status check_inputs(const sf_graph *graph, const sf_model_usage *usage)
{
    const size_t inputs = usage->noise_input == SF_NOISE_SECOND ? 2 : 1;
    const sf_shape *image = &graph->value[graph->input[0]].shape;

    if (graph->input_count != inputs)
        return sf_fail(SF_ERR_SHAPE,
                       "the network has %zu inputs where its declared noise input needs %zu: "
                       "declare how it is told the noise level",
                       graph->input_count, inputs);
    if (image->rank == 4 && image->dim[1] != 0 && image->dim[1] != planes_of(usage))
        return sf_fail(SF_ERR_SHAPE,
                       "the network takes %zu channels where its declared noise input makes %zu: "
                       "one for the image, one for the noise level if it is a channel",
                       image->dim[1], planes_of(usage));
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

sf_status sf_inference_create(const sf_model *model, size_t rows, size_t columns,
                              sf_inference **inference)
{
    const sf_engine_options options = {.training = false};
    const sf_graph *graph = sf_model_graph(model);
    sf_inference *made = NULL;
    sf_shape shape;
    sf_status status;

    *inference = NULL;
    SF_TRY(check_inputs(graph, sf_model_get_usage(model)));
    SF_TRY(sf_allocate(&made, 1, sizeof *made));
    made->usage = *sf_model_get_usage(model);
    made->rows = rows;
    made->columns = columns;
    SF_GO(pad_axis(&made->usage, rows, &made->padded_rows, &made->row_from));
    SF_GO(pad_axis(&made->usage, columns, &made->padded_columns, &made->column_from));
    shape = (sf_shape){
        .rank = 4, .dim = {1, planes_of(&made->usage), made->padded_rows, made->padded_columns}};
    SF_GO(sf_engine_create(graph, &shape, &options, &made->engine));
    SF_GO(check_output(made));
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

/* The largest magnitude a network's arithmetic in single precision is trusted with. */
#define LARGEST_VALUE 1e30

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

static void write_image(const sf_inference *inference, const double *x, double scale)
{
    float *to = sf_engine_input(inference->engine, 0);

    for (size_t i = 0; i < inference->padded_rows; i++) {
        const size_t row = inference->row_from[i];

        for (size_t j = 0; j < inference->padded_columns; j++) {
            const size_t column = inference->column_from[j];
            const bool zero = row == NOTHING || column == NOTHING;

            *to++ = zero ? 0.0F : (float)(x[row * inference->columns + column] / scale);
        }
    }
}

static void write_level(const sf_inference *inference, double level)
{
    const size_t plane = inference->padded_rows * inference->padded_columns;

    if (inference->usage.noise_input == SF_NOISE_SECOND)
        *sf_engine_input(inference->engine, 1) = (float)level;
    if (inference->usage.noise_input == SF_NOISE_CHANNEL) {
        float *channel = sf_engine_input(inference->engine, 0) + plane;
        for (size_t i = 0; i < plane; i++) channel[i] = (float)level;
    }
}

/* out = D(x; sigma) from the network's first output channel. */
static void read_result(const sf_inference *inference, const double *x, double sigma, double scale,
                        double *out)
{
    const sf_model_usage *usage = &inference->usage;
    const bool clean = usage->prediction == SF_PREDICT_CLEAN;
    const double factor = clean                                      ? scale
                          : usage->prediction == SF_PREDICT_RESIDUAL ? -scale
                                                                     : -sigma;
    const float *from = sf_engine_output(inference->engine) +
                        usage->margin * inference->padded_columns + usage->margin;

    for (size_t i = 0; i < inference->rows; i++, from += inference->padded_columns)
        for (size_t j = 0; j < inference->columns; j++, x++, out++)
            *out = (clean ? 0.0 : *x) + factor * (double)from[j];
}

sf_status sf_inference_denoise(sf_inference *inference, const double *x, double sigma, double *out)
{
    const double scale = scale_for(&inference->usage, sigma);

    SF_TRY(check_use(inference, x, sigma, scale));
    write_image(inference, x, scale);
    write_level(inference, inference->usage.noise_scale * sigma / scale);
    SF_TRY(sf_engine_forward(inference->engine));
    read_result(inference, x, sigma, scale, out);
    return sf_check_finite(out, inference->rows * inference->columns, "result of the network");
}

double sf_inference_flops(const sf_inference *inference)
{
    return sf_engine_flops(inference->engine);
}

size_t sf_inference_bytes(const sf_inference *inference)
{
    return sf_engine_bytes(inference->engine);
}
