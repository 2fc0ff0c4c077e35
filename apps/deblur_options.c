/* deblur_options.c - the command line of sf-deblur. */
#include "deblur_options.h"
#include "program.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME          "sf-deblur"
#define MOST_SAMPLING 64

static const char lesson[] =
    "\n"
    "IN.fits may name an extension: frame.fits[SCI], frame.fits[1]. NaN pixels are left out. When\n"
    "the file has extensions ERR (or SIGMA; IVAR, VAR, VARIANCE) and DQ (or MASK) they are the "
    "noise\n"
    "map and the mask,\n"
    "unless --noise or --mask say otherwise. Every pixel whose mask is not zero is left out; "
    "where\n"
    "bits of a mask also flag good pixels (LSST's and HSC's DETECTED), --mask-bits names the bad.\n"
    "\n"
    "Methods\n"
    "  hqs      plug and play by half-quadratic splitting with the prior (the default)\n"
    "  pnp      plug and play by ADMM with the prior\n"
    "  tv       total variation\n"
    "  wiener   linear; with --prior field:SPECTRUM the mean of that Gaussian field's posterior\n"
    "  map      the minimum of a convex energy, with --prior ridge (its default) or a ridge's "
    "file\n"
    "  rl       Richardson-Lucy, stopped when the residual reaches the noise\n"
    "  denoise  the prior applied once; no point spread function\n"
    "  posterior  samples instead of one image: mean, standard deviation, quantiles and a cube\n"
    "\n"
    "Several frames of one scene make one result, in the pixels of the first (or finer ones):\n"
    "dithers, other filters' pixel scales and seeing, each with its own noise and mask.\n"
    "\n"
    "A cube is deblurred plane by plane, with one PSF or a cube of as many. Frames larger than\n"
    "--memory go in tiles, which leave no seams.\n"
    "\n"
    "Examples\n"
    "  sf-deblur frame.fits --psf psf.fits -o sharp.fits --plot sharp.png\n"
    "      the built-in denoiser; noise, sky and mask as the frame tells them\n"
    "  sf-deblur frame.fits --psf moffat:3.2,2.5 --noise 0.8 --background 120 -o sharp.fits\n"
    "      an analytic PSF (FWHM 3.2 pixels, beta 2.5), noise and sky known\n"
    "  sf-deblur counts.fits --psf psf.fits --gain 1 --background 0 -o xray.fits\n"
    "      photons, by their own law\n"
    "  sf-deblur ccd.fits --psf moffat:3.1,3 --gain auto --read-noise auto --cosmic-rays -o "
    "out.fits\n"
    "      a single exposure, its bias subtracted; gain and read noise as its header says\n"
    "  sf-deblur hst.fits[SCI] --psf airy:1.9,0.33 --method rl --report rl.json -o rl.fits\n"
    "  sf-deblur frame.fits --psf moffat:3.2,2.5 --upsample 2 -o fine.fits\n"
    "      pixels of half the size\n"
    "  sf-deblur a.fits b.fits c.fits -p a_psf.fits -p b_psf.fits -p c_psf.fits -u 2 -o abc.fits\n"
    "      three dithered exposures, placed by their WCS\n"
    "  sf-deblur frame.fits --method denoise --prior my.onnx -o clean.fits\n"
    "      a network of your own, from sf-train or PyTorch\n"
    "  sf-deblur frame.fits --psf psf.fits --prior ffdnet.onnx -o out.fits \\\n"
    "      --network noise_input=channel,prediction=clean,value_scale=4000\n"
    "      a network that was trained on values from 0 to 1, for a frame of up to 4000 counts\n"
    "  sf-deblur frame.fits --psf psf.fits -m posterior --samples 40 -o post.fits --plot post.png\n"
    "      with error bars: HDUs SD, Q025, Q160, Q840, Q975 and SAMPLES beside the mean\n"
    "  sf-deblur visibilities.fits --sampling coverage.fits --noise 0.02 -o map.fits\n"
    "      gridded Fourier samples of an interferometer or a scanner\n"
    "  sf-deblur --inspect --prior my.onnx\n"
    "      noise input, sizes and Lipschitz constants of a network\n"
    "  sf-deblur map.fits --psf gaussian:5 --method wiener --prior field:power:2,-1.5 -o "
    "map2.fits\n"
    "\n"
    "Exit status: 0 done, 1 error (one sentence on the standard error stream, no output), 2 wrong\n"
    "usage, 130 interrupted (no output). The same input and --seed give the same bits on any "
    "number\n"
    "of threads. The manual page sf-deblur(1) says more.\n";

static const struct {
    const char *name;
    bool prior, psf, iterations, tolerance, penalty, strength, schedule, positive, resolution,
        samples;
} methods[] = {
    [DEBLUR_PNP] = {"pnp", true, true, true, true, false, false, false, true, true, false},
    [DEBLUR_HQS] = {"hqs", true, true, true, false, false, false, true, true, true, false},
    [DEBLUR_TV] = {"tv", false, true, true, true, true, true, false, true, true, false},
    [DEBLUR_WIENER] = {"wiener", true, true, true, true, false, true, false, false, true, false},
    [DEBLUR_MAP] = {"map", true, true, true, true, false, true, false, false, true, false},
    [DEBLUR_RL] = {"rl", false, true, true, false, false, false, false, true, false, false},
    [DEBLUR_DENOISE] = {"denoise", true, false, false, false, false, false, false, false, false,
                        false},
    [DEBLUR_POSTERIOR] = {"posterior", true, true, false, false, false, false, false, false, true,
                          true},
};

bool deblur_prior_is_field(const deblur_options *o)
{
    return o->prior != NULL && strncmp(o->prior, "field:", 6) == 0;
}

bool deblur_prior_is_ridge(const deblur_options *o)
{
    return o->prior != NULL && strcmp(o->prior, "ridge") == 0;
}

static bool find_method(deblur_options *o)
{
    const char *name = deblur_prior_is_ridge(o) ? "map" : "hqs";

    if (o->method_name == NULL) o->method_name = strdup(name); /* where this fails, so does more */
    name = o->method_name != NULL ? o->method_name : name;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(name, methods[i].name) != 0) continue;
        o->method = (deblur_method)i;
        return true;
    }
    return false;
}

static bool find_sampler(deblur_options *o)
{
    static const char *const names[] = {
        [DEBLUR_GIBBS] = "gibbs", [DEBLUR_LANGEVIN] = "langevin", [DEBLUR_DIFFUSION] = "diffusion"};
    const char *name = o->sampler_name != NULL ? o->sampler_name : "gibbs";

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        o->sampler = (deblur_sampler)i;
        return true;
    }
    return false;
}

static bool same(const char *a, const char *b) { return a != NULL && b != NULL && !strcmp(a, b); }

/* "1,0x20": whole numbers above zero, decimal or hexadecimal, or-ed; false if it is something
 * else, or beyond the 53 bits that a pixel can hold. */
static bool parse_bits(const char *text, uint64_t *bits)
{
    for (*bits = 0; isdigit((unsigned char)*text); text++) {
        const bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
        char *end;
        const unsigned long long value = strtoull(text, &end, hexadecimal ? 16 : 10);

        if (value == 0 || value >> 53 != 0) return false;
        *bits |= value;
        if (*end != ',') return *end == '\0';
        text = end;
    }
    return false;
}

/* "500M": a positive number and K, M, G or T, powers of 1024. */
static bool parse_memory(const char *text, double *bytes)
{
    static const char units[] = "KMGT";
    const char *unit;
    char *end;

    *bytes = strtod(text, &end);
    if (end == text || !(*bytes > 0.0) || !isfinite(*bytes) || *end == '\0' || end[1] != '\0')
        return false;
    unit = strchr(units, toupper((unsigned char)*end));
    if (unit == NULL) return false;
    for (const char *u = units; u <= unit; u++) *bytes *= 1024.0;
    return true;
}

/* Whether the noise may have a spectrum. */
static bool solves_by_waves(const deblur_options *o)
{
    return o->method == DEBLUR_PNP || o->method == DEBLUR_HQS || o->method == DEBLUR_TV ||
           o->method == DEBLUR_WIENER || o->method == DEBLUR_MAP;
}

/* The first option that is about pixels, or NULL. */
static const char *about_pixels(const deblur_options *o)
{
    const detector_options *d = &o->detector;

    if (o->method == DEBLUR_RL || o->method == DEBLUR_DENOISE) return "this --method";
    if (o->psf != NULL) return "--psf";
    if (o->mask != NULL || o->mask_bits != NULL) return "--mask";
    if (o->background != NULL) return "--background";
    if (o->upsample > 1) return "--upsample";
    if (!isnan(o->resolution)) return "--resolution";
    if (o->tile != INT_MIN) return "--tile";
    if (d->gain != NULL || d->read != NULL) return "--gain and --read-noise";
    if (d->ivar != NULL || d->spectrum != NULL) return "--ivar and --noise-spectrum";
    if (d->cosmic_rays || !isnan(d->saturation)) return "--cosmic-rays and --saturation";
    return NULL;
}

/* Of samples of a Fourier transform. */
static int check_sampling(const deblur_options *o)
{
    if (o->sampling == NULL && o->centred)
        return program_usage(NAME, "--centred says where --sampling has its zero frequency");
    if (o->sampling == NULL) return PROGRAM_OK;
    if (about_pixels(o) != NULL)
        return program_usage(NAME, "--sampling, where frequencies are observed, has no use for %s",
                             about_pixels(o));
    if (o->noise == NULL || same(o->noise, "auto"))
        return program_usage(NAME, "--sampling needs --noise: the standard deviation of a sample's "
                                   "real part, and of its imaginary part");
    return PROGRAM_OK;
}

/* The first option that the method has no use for, or NULL. */
static const char *useless(const deblur_options *o)
{
    const bool field = deblur_prior_is_field(o), ridge = deblur_prior_is_ridge(o);

    if (o->method == DEBLUR_MAP && (field || same(o->prior, "builtin")))
        return "--prior other than ridge, or the FILE.onnx of a ridge";
    if (o->prior != NULL && !methods[o->method].prior) return "--prior";
    if (o->prior != NULL && !field && o->method == DEBLUR_WIENER) return "--prior without field:";
    if (o->psf != NULL && !methods[o->method].psf) return "--psf";
    if (o->psf_centre != NULL && o->psf == NULL) return "--psf-centre without --psf";
    if (o->psf_sampling != INT_MIN && o->psf == NULL) return "--psf-sampling without --psf";
    if (o->upsample > 1 && o->method == DEBLUR_DENOISE) return "--upsample";
    if (o->mask_bits != NULL && same(o->mask, "none")) return "--mask-bits with --mask none";
    if (o->network != NULL && (o->prior == NULL || field || ridge || same(o->prior, "builtin")))
        return "--network without --prior FILE.onnx";
    if (o->network != NULL && o->method == DEBLUR_MAP) return "--network";
    if (o->bf16 && (field || ridge || o->method == DEBLUR_MAP || !methods[o->method].prior ||
                    o->method == DEBLUR_WIENER))
        return "--bf16 without a network";
    if (o->detector.spectrum != NULL && !solves_by_waves(o)) return "--noise-spectrum";
    if (o->iterations != INT_MIN && !methods[o->method].iterations) return "--iterations";
    if (!isnan(o->tolerance) && !methods[o->method].tolerance) return "--tolerance";
    if (!isnan(o->penalty) && !methods[o->method].penalty) return "--penalty";
    if (!isnan(o->strength) &&
        (!methods[o->method].strength || (o->method == DEBLUR_WIENER && field)))
        return "--strength";
    if (o->schedule != NULL && !methods[o->method].schedule) return "--schedule";
    if (o->positive && !methods[o->method].positive) return "--positive";
    if (!isnan(o->resolution) && !methods[o->method].resolution) return "--resolution";
    if (o->samples != INT_MIN && !methods[o->method].samples) return "--samples";
    if (o->sampler_name != NULL && !methods[o->method].samples) return "--sampler";
    if (o->steps != INT_MIN && !methods[o->method].samples) return "--steps";
    if (o->likelihood_name != NULL &&
        (!methods[o->method].samples || o->sampler != DEBLUR_DIFFUSION))
        return "--likelihood without --sampler diffusion";
    return NULL;
}

/* Reads the lists of numbers, and the likelihood. */
static int read_lists(deblur_options *o)
{
    o->likelihood = sf_posterior_options_default().likelihood;
    if (o->likelihood_name != NULL &&
        sf_likelihood_parse(o->likelihood_name, &o->likelihood) != SF_OK)
        return program_usage(NAME, "%s", sf_last_error());
    if (o->schedule != NULL && !program_parse_pair(o->schedule, &o->schedule_from, &o->schedule_to))
        return program_usage(NAME, "--schedule %s is not FROM,TO, two positive numbers",
                             o->schedule);
    if (o->mask_bits != NULL && !parse_bits(o->mask_bits, &o->bad_bits))
        return program_usage(NAME, "--mask-bits %s is not a list of bits as in 1,0x20",
                             o->mask_bits);
    return PROGRAM_OK;
}

bool deblur_uses_network(const deblur_options *o)
{
    return methods[o->method].prior && o->method != DEBLUR_WIENER && o->method != DEBLUR_MAP &&
           !deblur_prior_is_field(o) && !deblur_prior_is_ridge(o);
}

/* Galaxies are sampled well enough at the first; a star half way between two pixels, at a
 * signal-to-noise ratio of 1000, is hollowed by a tenth of its peak there, by 0.3 % at the second.
 */
#define RESOLUTION      0.9
#define RESOLUTION_STAR 1.6

static bool learned(const deblur_options *o)
{
    return (o->method == DEBLUR_PNP || o->method == DEBLUR_HQS || o->method == DEBLUR_POSTERIOR) &&
           !deblur_prior_is_field(o) && !deblur_prior_is_ridge(o) && o->sampling == NULL;
}

double deblur_first_resolution(const deblur_options *o)
{
    if (!isnan(o->resolution)) return o->resolution;
    return learned(o) ? RESOLUTION : 0.0;
}

bool deblur_next_resolution(const deblur_options *o, double *resolution)
{
    const bool next = isnan(o->resolution) && learned(o) && *resolution < RESOLUTION_STAR;

    if (next) *resolution = RESOLUTION_STAR;
    return next;
}

static size_t length_of(char *const *list)
{
    size_t n = 0;

    while (list != NULL && list[n] != NULL) n++;
    return n;
}

/* "X,Y" of every frame after the first. */
static int read_shifts(deblur_options *o)
{
    o->shift_count = length_of(o->shifts);
    if (o->shift_count == 0) return PROGRAM_OK;
    if (o->shift_count != o->frames - 1)
        return program_usage(NAME,
                             "--shift is given %zu times for %zu frames: one for each after the "
                             "first",
                             o->shift_count, o->frames);
    o->shift = malloc(2 * o->shift_count * sizeof *o->shift);
    if (o->shift == NULL) return program_usage(NAME, "no memory for shifts");
    for (size_t i = 0; i < o->shift_count; i++) {
        size_t numbers = 0;

        if (!program_parse_numbers(o->shifts[i], 2, o->shift + 2 * i, &numbers) || numbers != 2)
            return program_usage(NAME, "--shift %s is not X,Y, two numbers of pixels",
                                 o->shifts[i]);
    }
    return PROGRAM_OK;
}

/* What several frames must have, and cannot. */
static int check_frames(deblur_options *o)
{
    const struct {
        const char *name;
        char *const *given;
    } lists[] = {{"--psf", o->psfs}, {"--noise", o->noises}, {"--mask", o->masks}};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const size_t n = length_of(lists[i].given);

        if (n > 1 && n != o->frames)
            return program_usage(NAME,
                                 "%s is given %zu times for %zu frame%s: give it once, or once for "
                                 "each",
                                 lists[i].name, n, o->frames, o->frames > 1 ? "s" : "");
    }
    if (o->frames > 1 && same(o->method_name, "denoise"))
        return program_usage(NAME, "method denoise takes one frame");
    if (o->frames > 1 && o->sampling != NULL)
        return program_usage(NAME, "--sampling is for one frame");
    if (o->frames > 1 && o->detector.ivar != NULL)
        return program_usage(NAME, "--ivar is for one frame: put the maps into extensions IVAR");
    return read_shifts(o);
}

/* What is wrong with the options together: PROGRAM_OK or a usage error that has been reported. */
static int check(deblur_options *o)
{
    const struct {
        const char *name;
        double value;
    } positive[] = {
        {"--tolerance", o->tolerance}, {"--penalty", o->penalty}, {"--strength", o->strength}};
    const struct {
        const char *name;
        int value, least;
    } counts[] = {{"--iterations", o->iterations, 1},
                  {"--samples", o->samples, 2},
                  {"--steps", o->steps, 1},
                  {"--tile", o->tile, 16},
                  {"--upsample", o->upsample, 1},
                  {"--psf-sampling", o->psf_sampling, 1},
                  {"--seed", o->seed, 0},
                  {"--threads", o->threads, 1}};

    if (o->inspect) {
        if (o->input == NULL && o->output == NULL && o->psf == NULL) return PROGRAM_OK;
        return program_usage(NAME, "--inspect looks at the prior alone: no frame, PSF or output");
    }
    if (o->input == NULL) return program_usage(NAME, "say which frame to deblur: IN.fits");
    if (check_frames(o) != PROGRAM_OK) return PROGRAM_USAGE;
    if (o->output == NULL) return program_usage(NAME, "say where the result goes: -o OUT.fits");
    if (!find_method(o))
        return program_usage(NAME,
                             "--method %s is none of pnp, hqs, tv, wiener, map, rl, denoise, "
                             "posterior",
                             o->method_name);
    if (!find_sampler(o))
        return program_usage(NAME, "--sampler %s is none of gibbs, langevin, diffusion",
                             o->sampler_name);
    if (o->psf == NULL && o->sampling == NULL && methods[o->method].psf)
        return program_usage(NAME, "method %s needs a point spread function: --psf",
                             methods[o->method].name);
    if (check_sampling(o) != PROGRAM_OK) return PROGRAM_USAGE;
    if (useless(o) != NULL)
        return program_usage(NAME, "method %s has no use for %s", methods[o->method].name,
                             useless(o));
    for (size_t i = 0; i < sizeof positive / sizeof positive[0]; i++)
        if (!isnan(positive[i].value) && !(positive[i].value > 0.0 && isfinite(positive[i].value)))
            return program_usage(NAME, "%s %g is not a positive number", positive[i].name,
                                 positive[i].value);
    if (o->resolution < 0.0 || o->resolution > 100.0)
        return program_usage(NAME, "--resolution %g is not between 0 and 100 pixels",
                             o->resolution);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i].value != INT_MIN && counts[i].value < counts[i].least)
            return program_usage(NAME, "%s %d is below %d", counts[i].name, counts[i].value,
                                 counts[i].least);
    if (o->upsample > DEBLUR_MOST_UPSAMPLE || o->psf_sampling > MOST_SAMPLING)
        return program_usage(NAME, "--upsample goes up to %d, --psf-sampling up to %d",
                             DEBLUR_MOST_UPSAMPLE, MOST_SAMPLING);
    if (same(o->output, o->plot) || same(o->output, o->report) || same(o->plot, o->report) ||
        same(o->checkpoint, o->output) || same(o->checkpoint, o->plot) ||
        same(o->checkpoint, o->report))
        return program_usage(NAME, "two outputs have the same name");
    if (o->memory_text != NULL && !parse_memory(o->memory_text, &o->memory))
        return program_usage(NAME, "--memory %s is not a size as in 500M or 3G", o->memory_text);
    if (detector_options_check(NAME, &o->detector, o->noise) != PROGRAM_OK) return PROGRAM_USAGE;
    return read_lists(o);
}

static char *first_of(char *const *list) { return list != NULL ? list[0] : NULL; }

/* The frames, and the first of what may be given for each. */
static int positional(poptContext context, deblur_options *o)
{
    const char **given = poptGetArgs(context);

    o->psf = first_of(o->psfs);
    o->noise = first_of(o->noises);
    o->mask = first_of(o->masks);
    if (given == NULL) return PROGRAM_OK;
    while (given[o->frames] != NULL) o->frames++;
    o->inputs = calloc(o->frames + 1, sizeof *o->inputs);
    for (size_t i = 0; i < o->frames && o->inputs != NULL; i++) o->inputs[i] = strdup(given[i]);
    o->input = first_of(o->inputs);
    return o->input != NULL ? PROGRAM_OK : program_usage(NAME, "no memory for the frames' names");
}

/* Reads all options; PROGRAM_OK with *go_on false after --help and --version. */
static int read_options(poptContext context, deblur_options *o, bool *go_on)
{
    int code;

    *go_on = false;
    if (!program_read_options(NAME, context, lesson, &code)) return code;
    code = positional(context, o);
    *go_on = code == PROGRAM_OK;
    return code;
}

bool deblur_options_parse(int argc, const char **argv, deblur_options *options, int *exit_status)
{
    deblur_options *o = options;
    bool go_on;

    *o = (deblur_options){.iterations = INT_MIN,
                          .threads = INT_MIN,
                          .seed = INT_MIN,
                          .samples = INT_MIN,
                          .steps = INT_MIN,
                          .tile = INT_MIN,
                          .upsample = 1,
                          .psf_sampling = INT_MIN,
                          .memory = 3.0 * 1024.0 * 1024.0 * 1024.0,
                          .tolerance = NAN,
                          .penalty = NAN,
                          .strength = NAN,
                          .resolution = NAN,
                          .detector = detector_options_default()};
    struct poptOption detector[DETECTOR_OPTIONS];

    detector_options_table(&o->detector, detector);
    const struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &o->output, 0, "the result; the residual is its extension",
         "OUT.fits"},
        {"psf", 'p', POPT_ARG_ARGV, &o->psfs, 0,
         "point spread function: a FITS image, gaussian:FWHM, moffat:FWHM,BETA or "
         "airy:FWHM[,OBSCURATION], in pixels; of several frames one for all or one for each",
         "PSF"},
        {"psf-centre", 0, POPT_ARG_STRING, &o->psf_centre, 0,
         "centre of a PSF image: centroid (default), peak, or declared (its middle pixel)", "HOW"},
        {"psf-sampling", 0, POPT_ARG_INT, &o->psf_sampling, 0,
         "samples of a PSF image along a pixel of the frame (default: as --upsample): a multiple "
         "of "
         "that",
         "N"},
        {"upsample", 'u', POPT_ARG_INT, &o->upsample, 0,
         "a result of cells K times finer than the frame's pixels, 1 (default) to 8; the PSF is "
         "then "
         "that of the light that falls on the pixels, their own width not in it",
         "K"},
        {"method", 'm', POPT_ARG_STRING, &o->method_name, 0,
         "pnp, hqs (default), tv, wiener, map (default with --prior ridge), rl, denoise or "
         "posterior",
         "METHOD"},
        {"prior", 0, POPT_ARG_STRING, &o->prior, 0,
         "builtin (default), a network or convex ridge FILE.onnx, the convex ridge that is built "
         "in: ridge, or a Gaussian field: field:power:A,N (P = A k^N) or field:table:FILE",
         "PRIOR"},
        {"network", 0, POPT_ARG_STRING, &o->network, 0,
         "how FILE.onnx is used, where it does not say so itself: noise_input=none|channel|second, "
         "prediction=clean|noise|residual, value_scale, noise_scale, fixed_sigma, padding, margin",
         "NAME=VALUE,..."},
        {"bf16", 0, POPT_ARG_NONE, &o->bf16, 0,
         "networks in bf16: up to 4 times as fast where the processor has matrix units, and as "
         "good",
         NULL},
        {"shift", 0, POPT_ARG_ARGV, &o->shifts, 0,
         "columns and rows of the first frame by which the corner of a further one is away from "
         "its "
         "corner, one for each; by default as their WCS say",
         "X,Y"},
        {"noise", 'n', POPT_ARG_ARGV, &o->noises, 0,
         "standard deviation: auto (estimated), a number or a FITS map", "NOISE"},
        {"mask", 0, POPT_ARG_ARGV, &o->masks, 0, "FITS image, not zero = bad pixel; or none",
         "MASK"},
        {"mask-bits", 0, POPT_ARG_STRING, &o->mask_bits, 0,
         "bits of the mask that make a pixel bad, as in 0x21 or 1,32 (default: every bit)", "BITS"},
        {"background", 'b', POPT_ARG_STRING, &o->background, 0,
         "sky level, subtracted before and restored after: auto (default) or a number", "LEVEL"},
        {"sampling", 0, POPT_ARG_STRING, &o->sampling, 0,
         "IN.fits holds samples of the image's Fourier transform, in two planes (real, imaginary), "
         "where this FITS image is not zero; --noise is that of each part of a sample",
         "MASK"},
        {"centred", 0, POPT_ARG_NONE, &o->centred, 0,
         "the zero frequency is the middle pixel, n/2 from 0 on (default: the first one)", NULL},
        {"positive", 0, POPT_ARG_NONE, &o->positive, 0, "nothing below the sky", NULL},
        {"iterations", 'i', POPT_ARG_INT, &o->iterations, 0, "at most; of a schedule: its length",
         "N"},
        {"tolerance", 0, POPT_ARG_DOUBLE, &o->tolerance, 0,
         "of pnp both residuals in parts of the noise, else the relative change, to stop at", "T"},
        {"penalty", 0, POPT_ARG_DOUBLE, &o->penalty, 0, "of the splitting in tv: speed, not result",
         "R"},
        {"schedule", 0, POPT_ARG_STRING, &o->schedule, 0,
         "of hqs, first and last level of the denoiser, in units of the noise", "FROM,TO"},
        {"strength", 0, POPT_ARG_DOUBLE, &o->strength, 0,
         "of the smoothness in tv and wiener; chosen if not given", "S"},
        {"resolution", 0, POPT_ARG_DOUBLE, &o->resolution, 0,
         "FWHM in pixels of the result that it keeps: 0 for simulations made of pixels; by default "
         "0.9 "
         "with "
         "a network as prior, 1.6 where that leaves hollows round stars, 0 for other methods",
         "FWHM"},
        {"samples", 0, POPT_ARG_INT, &o->samples, 0,
         "of the posterior (default 40: 39 are the fewest with true 95 % intervals)", "N"},
        {"sampler", 0, POPT_ARG_STRING, &o->sampler_name, 0,
         "of the posterior: gibbs (default), langevin or diffusion", "SAMPLER"},
        {"likelihood", 0, POPT_ARG_STRING, &o->likelihood_name, 0,
         "of sampler diffusion: moment-matching (default), diagonal, pigdm, proximal, exact (with "
         "field:), "
         "dps, convolved, annealed, plug-in",
         "NAME"},
        {"steps", 0, POPT_ARG_INT, &o->steps, 0, "of the sampler", "N"},
        {"tile", 0, POPT_ARG_INT, &o->tile, 0,
         "solve in tiles that overlap, whose cores are N pixels wide at most", "N"},
        {"memory", 0, POPT_ARG_STRING, &o->memory_text, 0,
         "a frame that would take more goes in tiles that do not: 500M, 3G (default)", "SIZE"},
        {"checkpoint", 0, POPT_ARG_STRING, &o->checkpoint, 0,
         "samples or tiles so far, to go on from after an interruption", "FILE"},
        {"inspect", 0, POPT_ARG_NONE, &o->inspect, 0,
         "no frame: says what the prior is, and how much it stretches small changes", NULL},
        {"truth", 0, POPT_ARG_STRING, &o->truth, 0,
         "FITS image to compare with: PSNR, SSIM, relative error", "TRUTH"},
        {"plot", 0, POPT_ARG_STRING, &o->plot, 0, "picture of frame, result, truth and residual",
         "FILE.png"},
        {"report", 0, POPT_ARG_STRING, &o->report, 0, "all figures and options", "FILE.json"},
        {"threads", 't', POPT_ARG_INT, &o->threads, 0, "how many; the result is the same", "N"},
        {"seed", 0, POPT_ARG_INT, &o->seed, 0,
         "of the samples (default 1); other methods draw no random numbers", "S"},
        {"quiet", 'q', POPT_ARG_NONE, &o->quiet, 0, "print nothing but errors", NULL},
        {"force", 'f', POPT_ARG_NONE, &o->force, 0, "replace existing outputs", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, detector, 0, "Of the detector:", NULL},
        {"help", 'h', POPT_ARG_NONE, NULL, PROGRAM_OPTION_HELP, "this text", NULL},
        {"version", 'V', POPT_ARG_NONE, NULL, PROGRAM_OPTION_VERSION,
         "versions of program and libraries", NULL},
        POPT_TABLEEND};
    poptContext context = poptGetContext(NAME, argc, argv, table, 0);

    poptSetOtherOptionHelp(context, "IN.fits... -o OUT.fits --psf PSF [OPTION...]");
    *exit_status = read_options(context, o, &go_on);
    poptFreeContext(context);
    if (!go_on) return false;
    *exit_status = check(o);
    o->command = program_command(NAME, argc, argv);
    if (*exit_status == PROGRAM_OK && o->command == NULL) {
        fputs(NAME ": no memory for the command line\n", stderr);
        *exit_status = PROGRAM_ERROR;
    }
    return *exit_status == PROGRAM_OK;
}

void deblur_options_release(deblur_options *o)
{
    char **const lists[] = {o->inputs, o->psfs, o->noises, o->masks, o->shifts};
    char *const texts[] = {o->output,       o->method_name,     o->prior,      o->truth,
                           o->plot,         o->background,      o->report,     o->schedule,
                           o->network,      o->psf_centre,      o->command,    o->mask_bits,
                           o->sampler_name, o->likelihood_name, o->checkpoint, o->memory_text,
                           o->sampling};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (char **text = lists[i]; text != NULL && *text != NULL; text++) free(*text);
        free(lists[i]);
    }
    free(o->shift);
    detector_options_release(&o->detector);
}
