/* scorefield/network.h - learned denoisers: ONNX files in and out, inference, training. */
#ifndef SCOREFIELD_NETWORK_H
#define SCOREFIELD_NETWORK_H

#include <scorefield/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- models ---------------------------------------------------------------------------- */

/* How the network is told the noise level. */
typedef enum sf_noise_input {
    SF_NOISE_NONE,    /* not at all: one fixed level (fixed_sigma > 0), or blind (0) */
    SF_NOISE_CHANNEL, /* a constant extra input channel, after the image */
    SF_NOISE_SECOND   /* a second input: shape (batch, 1, 1, 1), (batch) or () */
} sf_noise_input;

/* What the network's first output channel is; x = x_0 + sigma n, n ~ N(0, I). */
typedef enum sf_prediction {
    SF_PREDICT_CLEAN,   /* D(x) */
    SF_PREDICT_NOISE,   /* n:          D = x - sigma * output */
    SF_PREDICT_RESIDUAL /* sigma n:    D = x - output */
} sf_prediction;

/* What surrounds the image where the network's size demands more pixels, and at its edge. */
typedef enum sf_padding {
    SF_PADDING_ZERO,
    SF_PADDING_REPLICATE,
    SF_PADDING_REFLECT,
    SF_PADDING_CIRCULAR
} sf_padding;

/* How a network is used. Stored in the ONNX file's metadata_props under "scorefield.*"
 * (noise_input, prediction, padding, margin, value_scale, noise_scale, fixed_sigma, multiple,
 * homogeneous, noise_low, noise_high, conditions). */
typedef struct sf_model_usage {
    sf_noise_input noise_input;
    sf_prediction prediction;
    sf_padding padding;
    size_t margin;      /* pixels of padding around the image before the network sees it */
    size_t multiple;    /* padded sizes are multiples of this (a U-Net's total stride) */
    double value_scale; /* image units per network unit: the network sees x / value_scale */
    double noise_scale; /* the level given to it is noise_scale * sigma / value_scale */
    double fixed_sigma; /* SF_NOISE_NONE: level it was trained at, in network units; 0 = blind.
                           A fixed network is used at other levels by scaling its input. */
    bool homogeneous;   /* D(a x; a sigma) = a D(x; sigma): value_scale is then taken as sigma
                           itself, so that any unit of flux is as good as any other */
    double noise_low, noise_high; /* levels it was trained at, in image units (homogeneous: those of
                                     its training images); 0 and 0: nobody knows */
    bool bf16; /* not stored, a matter of the machine: layers in bf16, sums in single precision; 4
                  times as fast where the processor has matrix units (AMX). The built-in denoiser's
                  results then differ by 0.002 sigma (rms; 0.01 where the image reaches 2000 sigma,
                  a pixel 0.5), less than a tenth of their own errors. SF_ERR_UNSUPPORTED, when it
                  is compiled, on processors without */
    size_t conditions; /* channels of side information after the image (and the level): classes as
                          planes of 0 and 1, or maps, in the network's own units */
} sf_model_usage;

SF_API sf_model_usage sf_model_usage_default(void);
/* Changes what "noise_input=channel,prediction=residual,value_scale=255" names: the metadata's
 * names and words (none|channel|second, clean|noise|residual, zero|replicate|reflect|circular,
 * true|false), and bf16. SF_ERR_ARGUMENT names what is wrong, and leaves the usage as it was. */
SF_API sf_status sf_model_usage_parse(const char *text, sf_model_usage *usage);

/* An immutable network (architecture, weights, usage, metadata), shared by reference count. */
typedef struct sf_model sf_model;

/* Reads an ONNX file (default-domain operators listed by sf_model_operators). What a network
 * computes from its input's size (shapes, indices, ...) is computed once for each size that it is
 * compiled for. Weights in other files are read from the model's own folder or below it, through
 * no symbolic link. An image with its channels last (batch, rows, columns, 1) is turned around.
 * Errors name the file and node: unknown operator, cycle, shapes that do not fit, sizes beyond the
 * file's own bytes, non-finite weights. */
SF_API sf_status sf_model_load(const char *path, sf_model **model);
SF_API sf_status sf_model_load_memory(const void *bytes, size_t size, const char *name,
                                      sf_model **model);
/* Writes an ONNX file (opset 13, or the oldest later one that has words for all operators; metadata
 * as above), whole or not at all. SF_ERR_UNSUPPORTED for the few forms of older opsets that no
 * later one has. */
SF_API sf_status sf_model_save(const sf_model *model, const char *path);
/* The same network with another usage. */
SF_API sf_status sf_model_with_usage(const sf_model *model, const sf_model_usage *usage,
                                     sf_model **changed);
SF_API sf_model *sf_model_retain(sf_model *model);
SF_API void sf_model_release(sf_model **model);
SF_API const sf_model_usage *sf_model_get_usage(const sf_model *model);
SF_API size_t sf_model_parameter_count(const sf_model *model);
/* NULL when the key is absent. */
SF_API const char *sf_model_metadata(const sf_model *model, const char *key);
/* A copy of the model with one more (or a replaced) metadata entry. */
SF_API sf_status sf_model_with_metadata(const sf_model *model, const char *key, const char *value,
                                        sf_model **changed);
/* "Add, AveragePool, ..." */
SF_API const char *sf_model_operators(void);

/* ---- inference ------------------------------------------------------------------------- */

/* A model compiled for one image size: all memory is taken here, and none while it runs, but for
 * the derivative's with its first use. Retains the model. Not for use by two threads at once. */
typedef struct sf_inference sf_inference;

SF_API sf_status sf_inference_create(sf_model *model, size_t rows, size_t columns,
                                     sf_inference **inference);
SF_API void sf_inference_release(sf_inference **inference);
/* The usage's `conditions` planes of rows x columns pixels (copied), for what is denoised from here
 * on; NULL: zeros, as in the beginning, which is "nothing is known" to networks that were trained
 * for it (Ho & Salimans 2022, arXiv:2207.12598). Padded as the image is, but neither scaled.
 * SF_ERR_ARGUMENT for planes where the network takes none. */
SF_API sf_status sf_inference_condition(sf_inference *inference, const double *planes);
/* out = D(x; sigma): scaling, noise level, padding and prediction as the usage says. */
SF_API sf_status sf_inference_denoise(sf_inference *inference, const double *x, double sigma,
                                      double *out);
/* out = (dD/dx)^T v at (x; sigma), through the network backwards, and unless `denoised` is NULL
 * D(x; sigma), which rounds a little differently from sf_inference_denoise's (1e-6 of the network's
 * values). Padding, units, noise level and prediction are all within the derivative. Cost: about
 * three times that of denoising. The first call compiles the network once more, and keeps every
 * value between its layers: as much memory as training on one image of this size. `x` may be `v`;
 * SF_ERR_UNSUPPORTED names the node of the network that has no derivative here. */
SF_API sf_status sf_inference_pull(sf_inference *inference, const double *x, double sigma,
                                   const double *v, double *denoised, double *out);
/* Multiply-adds of one denoising times two, and bytes of the arena (with the derivative's, once it
 * has been used). */
SF_API double sf_inference_flops(const sf_inference *inference);
SF_API size_t sf_inference_bytes(const sf_inference *inference);

/* ---- training -------------------------------------------------------------------------- */

/* Where clean training patches come from. draw fills one patch (rows x columns, noise-free, any
 * unit of flux; the scale of a patch is part of the draw) that depends on nothing but `index`
 * and its own seed. Called from one thread at a time. */
typedef struct sf_patch_source {
    sf_status (*draw)(void *user, uint64_t index, size_t rows, size_t columns, float *patch);
    void *user;
    uint64_t fingerprint; /* differs where the patches do: a checkpoint is resumed with its own
                             only; 0 where nothing tells */
} sf_patch_source;

/* The architecture that ships: a bias-free residual U-Net with a noise-level channel. `depth`
 * resolutions with channels, 2 channels, 4 channels, ... filters; `blocks` residual blocks
 * (Conv 3x3, Relu, Conv 3x3, Add) a resolution on the way down and up; strided 2x2 Conv down,
 * 2x2 ConvTranspose up, additive skips (after Zhang et al. 2022, doi:10.1109/TPAMI.2021.3088914).
 * No bias and Relu only, hence homogeneous of degree one. Weights: He et al. 2015 from `seed`,
 * the last layer of each block scaled down. */
typedef struct sf_unet_options {
    size_t channels; /* 32 */
    size_t depth;    /* 3 */
    size_t blocks;   /* 2 */
    uint64_t seed;   /* 1 */
} sf_unet_options;

SF_API sf_unet_options sf_unet_options_default(void);
SF_API sf_status sf_model_unet(const sf_unet_options *options, sf_model **model);

typedef struct sf_train_options {
    double sigma_min, sigma_max; /* noise levels, log-uniform, in the patches' unit */
    size_t patch, batch;         /* 64, 16 */
    size_t steps;                /* optimiser steps in all */
    double learning_rate;        /* peak; linear warm-up, then cosine decay to 1 % */
    size_t warmup;               /* steps */
    double ema;                  /* decay of the weights' running mean, 0.999 */
    double clip;                 /* largest norm of the gradient; 0 = none */
    double weight_decay;
    double balance;       /* b: a sample's squared error counts with the weight
                             1/(0.34 q^0.65 + b^2 (1 + A^(3/2))), q the share of pixels with detail
                             above the noise and A the signal's rms in units of it, both as the noisy
                             image shows them, so that bright and faint, busy and empty ones teach
                             alike and the minimum is still E[x_0 | x]; 0: all weights are 1 */
    bool mixed_precision; /* bf16 activations where the processor has them */
    uint64_t seed;
    const char *checkpoint; /* written every checkpoint_every steps and at the end; NULL none */
    size_t checkpoint_every;
    bool resume;        /* go on from the checkpoint: the same bits as without the stop */
    sf_monitor monitor; /* residual = running loss */
} sf_train_options;

typedef struct sf_train_report {
    size_t steps; /* done in all */
    bool stopped; /* the monitor said stop */
    double loss;  /* exponential mean of E|eps_hat - eps|^2 a pixel */
    double seconds;
    double patches_per_second;
} sf_train_report;

SF_API sf_train_options sf_train_options_default(void);
/* Denoising score matching (Vincent 2011, doi:10.1162/NECO_a_00142) on patches of `source`,
 * with flips and rotations, Adam (Kingma & Ba 2015); *trained has the averaged weights, and the
 * levels in its usage. report may be NULL. Errors: SF_ERR_NUMERIC when training diverges,
 * SF_ERR_FORMAT for a checkpoint that is damaged or of another run (network, options, patches),
 * SF_ERR_UNSUPPORTED for networks with a second input. */
SF_API sf_status sf_train(const sf_model *model, const sf_patch_source *source,
                          const sf_train_options *options, sf_model **trained,
                          sf_train_report *report);

#ifdef __cplusplus
}
#endif
#endif
