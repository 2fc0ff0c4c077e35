/* sf-train - trains the denoiser that sf-deblur uses as its prior. */
#include "program.h"
#include "progress.h"
#include "train_images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "sf-train"

static const char lesson[] =
    "\n"
    "Trains a denoiser on simulated scenes and on clean images (FITS files, or folders of them),\n"
    "and writes it as an ONNX file for sf-deblur --prior. Noise levels are relative to the\n"
    "brightest pixel of a patch.\n"
    "\n"
    "Examples\n"
    "  sf-train -o galaxies.onnx\n"
    "      on simulated scenes alone\n"
    "  sf-train pictures/ -o d.onnx --gamma 3 --validate held_out/\n"
    "      and on pictures that were stretched for display; in the end a table of PSNR\n"
    "  sf-train stack.fits --noise 0.4 -o d.onnx\n"
    "      on a deep image and its own noise of 0.4 units\n"
    "  sf-train -o d.onnx --checkpoint d.state\n"
    "  sf-train -o d.onnx --checkpoint d.state --resume --force\n"
    "      Ctrl-C stops with the model so far; resumed, the run ends with the same bits\n"
    "  sf-train -o fine.onnx --start d.onnx --rate 2e-4 --sigma 0.0003,1\n"
    "      goes on from the weights of another network\n"
    "  sf-train pictures/ -o ridge.onnx --network ridge --steps 1500 --patch 32 --rate 0.02\n"
    "      a convex-ridge regulariser, for sf-deblur -m map, in minutes\n"
    "\n"
    "Exit status: 0 done, 1 error (one sentence on the standard error stream), 2 wrong usage, 130\n"
    "interrupted (the model so far is written). The same seed gives the same bits on any\n"
    "number of threads.\n";

typedef struct arguments {
    char *output, *start, *sigma, *checkpoint, *validate, *frames, *network;
    int channels, depth, blocks, filters, side, steps, patch, batch, seed, threads;
    bool ridge; /* instead of a network */
    double rate;
    train_images images;
    int resume, bf16, quiet, force;
    sf_train_options train;
} arguments;

/* Whether a file can be made beside the model: to be known before hours of training. */
static bool folder_is_writable(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;

    if (length >= sizeof folder) return false;
    memcpy(folder, path, length);
    folder[length] = '\0';
    return access(length > 0 ? folder : ".", W_OK) == 0;
}

/* The command line's values into the library's options; false after a message. */
static bool check(arguments *a, const char **problem)
{
    sf_train_options *t = &a->train;

    a->ridge = a->network != NULL && strcmp(a->network, "ridge") == 0;
    if (a->network != NULL && !a->ridge && strcmp(a->network, "unet") != 0)
        *problem = "--network is unet or ridge";
    else if (a->output == NULL)
        *problem = "name the model to write with -o";
    else if (a->sigma != NULL && !program_parse_pair(a->sigma, &t->sigma_min, &t->sigma_max))
        *problem = "--sigma takes the smallest and the largest noise level, as in 0.001,1";
    else if (!(a->images.simulated >= 0.0) || !(a->images.simulated < 1.0))
        *problem = "--scenes takes a share from 0 to less than 1";
    else if (a->channels < 1 || a->depth < 1 || a->blocks < 1 || a->steps < 1 || a->patch < 1 ||
             a->batch < 1 || a->filters < 1 || a->side < 2 || a->seed < 0 || a->threads < 0)
        *problem = "sizes and numbers of steps are at least 1, seed and threads at least 0";
    else if (!a->force && !a->resume && access(a->output, F_OK) == 0)
        *problem = "the model to write exists; --force replaces it";
    else if (!folder_is_writable(a->output))
        *problem = "the model's folder does not exist or cannot be written";
    else if (a->validate != NULL && access(a->validate, R_OK) != 0)
        *problem = "the images to validate with cannot be read";
    t->steps = (size_t)a->steps;
    t->patch = (size_t)a->patch;
    t->batch = (size_t)a->batch;
    t->seed = (uint64_t)a->seed;
    t->learning_rate = a->rate;
    t->checkpoint = a->checkpoint;
    t->resume = a->resume != 0;
    t->mixed_precision = a->bf16 != 0;
    return *problem == NULL;
}

static sf_status first_model(const arguments *a, sf_model **model)
{
    const sf_unet_options options = {(size_t)a->channels, (size_t)a->depth, (size_t)a->blocks,
                                     (uint64_t)a->seed};

    return a->start != NULL ? sf_model_load(a->start, model) : sf_model_unet(&options, model);
}

/* What is trained, and the model that it becomes. */
static sf_status train_ridge(const arguments *a, const sf_patch_source *source, sf_model **trained,
                             size_t *parameters, sf_train_report *report)
{
    const sf_ridge_options options = {(size_t)a->filters, (size_t)a->side, (uint64_t)a->seed};
    sf_ridge *first = NULL, *last = NULL;
    sf_model *model = NULL;
    sf_status status;

    if (a->start == NULL)
        GO(sf_ridge_untrained(&options, &first));
    else {
        GO(sf_model_load(a->start, &model));
        GO(sf_ridge_from_model(model, &first));
    }
    GO(sf_ridge_train(first, source, &a->train, &last, report));
    *parameters = sf_ridge_parameter_count(last); /* the model counts the fixed thresholds, too */
    status = sf_ridge_to_model(last, trained);
done:
    sf_ridge_release(&first);
    sf_ridge_release(&last);
    sf_model_release(&model);
    return status;
}

static sf_status train_network(const arguments *a, const sf_patch_source *source,
                               sf_model **trained, size_t *parameters, sf_train_report *report)
{
    sf_model *begin = NULL;
    sf_status status;

    GO(first_model(a, &begin));
    GO(sf_train(begin, source, &a->train, trained, report));
    *parameters = sf_model_parameter_count(*trained);
done:
    sf_model_release(&begin);
    return status;
}

static void print_report(const arguments *a, size_t parameters, size_t images,
                         const sf_train_report *report)
{
    if (a->quiet) return;
    printf("%s: %zu parameters, %zu steps of %zu patches (%zu images and simulated scenes), loss "
           "%.4f, %.0f s, %.1f patches/s\n",
           a->output, parameters, report->steps, a->train.batch, images, report->loss,
           report->seconds, report->patches_per_second);
}

static sf_status train(arguments *a, bool *stopped)
{
    sf_model *trained = NULL;
    sf_patches *patches = NULL;
    sf_patch_source source;
    sf_train_report report;
    size_t images, parameters = 0;
    progress line;
    sf_status status;

    if (a->threads > 0) GO(sf_thread_count_set(a->threads));
    GO(train_images_patches(&a->images, a->train.seed, a->train.sigma_min, &patches, &images));
    source = sf_patches_source(patches);
    progress_begin(&line, a->quiet != 0);
    a->train.monitor = progress_monitor(&line);
    status = (a->ridge ? train_ridge : train_network)(a, &source, &trained, &parameters, &report);
    progress_end(&line);
    if (status != SF_OK) goto done;
    *stopped = report.stopped;
    GO(sf_model_save(trained, a->output));
    print_report(a, parameters, images, &report);
    if (a->validate != NULL && !report.stopped)
        GO(train_images_validate(a->validate, 0.5 * (1.0 + a->images.gamma), trained,
                                 a->train.seed));
done:
    sf_patches_release(&patches);
    sf_model_release(&trained);
    return status;
}

static arguments defaults(void)
{
    const sf_unet_options unet = sf_unet_options_default();
    const sf_ridge_options ridge = sf_ridge_options_default();
    const sf_train_options t = sf_train_options_default();

    return (arguments){.channels = (int)unet.channels,
                       .depth = (int)unet.depth,
                       .blocks = (int)unet.blocks,
                       .filters = (int)ridge.filters,
                       .side = (int)ridge.side,
                       .steps = (int)t.steps,
                       .patch = (int)t.patch,
                       .batch = (int)t.batch,
                       .seed = (int)t.seed,
                       .rate = t.learning_rate,
                       .images = {.gamma = 1.0, .simulated = 0.6},
                       .train = t};
}

/* Reads the command line; false: leave with *exit_status. */
static bool parse(poptContext context, arguments *a, int *exit_status)
{
    const char *problem = NULL;

    if (!program_read_options(NAME, context, lesson, exit_status)) return false;
    a->images.path = poptGetArgs(context);
    a->images.frames = a->frames;
    if (check(a, &problem)) return true;
    *exit_status = program_usage(NAME, "%s", problem);
    return false;
}

/* popt hands its strings over. */
static void release(arguments *a)
{
    free(a->output);
    free(a->start);
    free(a->sigma);
    free(a->checkpoint);
    free(a->validate);
    free(a->frames);
    free(a->network);
}

int main(int argc, const char **argv)
{
    arguments a = defaults();
    bool stopped = false;
    int exit_status;
#define VALUE(name, type, field, text, unit)                               \
    {                                                                      \
        name, 0, type | POPT_ARGFLAG_SHOW_DEFAULT, &a.field, 0, text, unit \
    }
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &a.output, 0, "the model to write", "MODEL.onnx"},
        {"network", 0, POPT_ARG_STRING, &a.network, 0,
         "what to train: unet (default) or ridge, a convex regulariser", "KIND"},
        VALUE("filters", POPT_ARG_INT, filters, "of a ridge", "N"),
        VALUE("side", POPT_ARG_INT, side, "of a ridge's filters, in pixels", "N"),
        VALUE("channels", POPT_ARG_INT, channels, "filters at full resolution", "N"),
        VALUE("depth", POPT_ARG_INT, depth, "resolutions", "N"),
        VALUE("blocks", POPT_ARG_INT, blocks, "residual blocks a resolution", "N"),
        {"start", 0, POPT_ARG_STRING, &a.start, 0, "begin with this network instead", "MODEL.onnx"},
        {"sigma", 0, POPT_ARG_STRING, &a.sigma, 0, "noise levels (0.001,1)", "MIN,MAX"},
        VALUE("steps", POPT_ARG_INT, steps, "optimiser steps", "N"),
        VALUE("patch", POPT_ARG_INT, patch, "pixels a side of a patch", "N"),
        VALUE("batch", POPT_ARG_INT, batch, "patches a step", "N"),
        VALUE("rate", POPT_ARG_DOUBLE, rate, "peak learning rate", "R"),
        VALUE("seed", POPT_ARG_INT, seed, "of all random numbers", "N"),
        VALUE("scenes", POPT_ARG_DOUBLE, images.simulated, "share of simulated scenes", "W"),
        VALUE("gamma", POPT_ARG_DOUBLE, images.gamma, "largest display stretch to undo", "G"),
        VALUE("noise", POPT_ARG_DOUBLE, images.noise, "the images' own noise", "S"),
        {"frames", 0, POPT_ARG_STRING, &a.frames, 0,
         "observed frames to train on as well: their noise is estimated", "FOLDER"},
        {"bf16", 0, POPT_ARG_NONE, &a.bf16, 0, "train in bf16 where the processor has it", NULL},
        {"checkpoint", 0, POPT_ARG_STRING, &a.checkpoint, 0, "keep the run's state here", "FILE"},
        {"resume", 0, POPT_ARG_NONE, &a.resume, 0, "go on from the checkpoint", NULL},
        {"validate", 0, POPT_ARG_STRING, &a.validate, 0, "clean images for a table", "FOLDER"},
        {"threads", 0, POPT_ARG_INT, &a.threads, 0, "threads (0: all cores)", "N"},
        {"quiet", 'q', POPT_ARG_NONE, &a.quiet, 0, "print errors only", NULL},
        {"force", 'f', POPT_ARG_NONE, &a.force, 0, "replace an existing model", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, PROGRAM_OPTION_HELP, "show this text", NULL},
        {"version", 0, POPT_ARG_NONE, NULL, PROGRAM_OPTION_VERSION, "show the versions", NULL},
        POPT_TABLEEND};
    poptContext context = poptGetContext(NAME, argc, argv, options, 0);

    poptSetOtherOptionHelp(context, "IMAGES... -o MODEL.onnx");
    if (parse(context, &a, &exit_status)) {
        const sf_status status = train(&a, &stopped);

        exit_status = status != SF_OK ? program_fail(NAME) : PROGRAM_OK;
        if (status == SF_OK && stopped) exit_status = PROGRAM_INTERRUPTED;
    }
    poptFreeContext(context);
    release(&a);
    return exit_status;
}
