/* deblur_output.c - what sf-deblur leaves: FITS file, picture, figures on the terminal. */
#include "deblur_output.h"
#include "deblur_exposures.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

sf_status deblur_output_check(const deblur_options *options)
{
    const char *const paths[] = {options->output, options->plot, options->report};
    sf_status status = SF_OK;

    if (options->checkpoint != NULL) status = sf_output_check(options->checkpoint, true);

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && status == SF_OK; i++)
        if (paths[i] != NULL) status = sf_output_check(paths[i], options->force != 0);
    return status;
}

/* Of several frames what each says by itself. */
static sf_status fill_each(const deblur_frame *f, const double *scene, deblur_result *r)
{
    const size_t further = f->more != NULL ? f->more->count : 0;
    sf_status status = SF_OK;

    if (further == 0) return SF_OK;
    GO(sf_allocate(&r->each, further + 1, sizeof *r->each));
    GO(sf_allocate(&r->residuals, further, sizeof *r->residuals));
    r->further = further;
    for (size_t i = 0; i <= further; i++) {
        const sf_observation *o = sf_observation_exposure(f->observation, i);

        GO(sf_diagnose(o, scene, &r->each[i]));
        if (i == 0) continue;
        GO(sf_allocate(&r->residuals[i - 1], sf_grid_size(sf_observation_frame(o)),
                       sizeof **r->residuals));
        GO(sf_observation_residual(o, scene, r->residuals[i - 1]));
    }
done:
    return status;
}

sf_status deblur_result_fill(const deblur_frame *f, const double *scene, deblur_result *r)
{
    const sf_grid *fine = sf_observation_fine(f->observation);
    const double sky = deblur_frame_sky(f);
    const size_t size = sf_grid_size(fine);
    sf_status status;

    GO(sf_allocate(&r->pixels, size, sizeof *r->pixels));
    GO(sf_allocate(&r->observed, size, sizeof *r->observed));
    GO(sf_allocate(&r->residual, sf_grid_size(sf_fits_grid(f->frame)), sizeof *r->residual));
    GO(sf_observation_crop(f->observation, scene, r->pixels));
    for (size_t i = 0; i < size; i++) r->pixels[i] += sky;
    deblur_frame_divide(f, r->observed);
    GO(sf_observation_residual(f->observation, scene, r->residual));
    GO(fill_each(f, scene, r));
    if (f->detector.gain > 0.0)
        GO(sf_deviance(f->observation, scene, &r->deviance, &r->deviance_expected, &r->deviance_z));
    if (f->truth == NULL) return SF_OK;
    GO(sf_compare(fine, r->observed, sf_fits_pixels(f->truth), 0.0, &r->before));
    GO(sf_compare(fine, r->pixels, sf_fits_pixels(f->truth), 0.0, &r->after));
done:
    return status;
}

deblur_facts deblur_facts_of(const deblur_frame *f)
{
    return (deblur_facts){.frame = *sf_fits_grid(f->frame),
                          .observed = sf_observation_observed(f->observation),
                          .upsample = f->upsample,
                          .noise = sf_observation_noise(f->observation),
                          .background = f->background,
                          .resolution = f->resolution,
                          .noise_source = f->noise_source,
                          .mask_source = f->mask_source,
                          .saturated = f->saturated,
                          .rays = f->rays,
                          .detector = f->detector,
                          .fourier = f->samples.value != NULL,
                          .deviance = f->detector.gain > 0.0,
                          .compared = f->truth != NULL,
                          .psf = f->psf,
                          .psfs = f->field != NULL ? sf_psf_field_count(f->field) : 1,
                          .first = f->more != NULL ? f : NULL};
}

void deblur_result_release(deblur_result *r)
{
    sf_free(r->pixels);
    sf_free(r->observed);
    sf_free(r->residual);
    sf_free(r->each);
    for (size_t i = 0; r->residuals != NULL && i < r->further; i++) sf_free(r->residuals[i]);
    sf_free(r->residuals);
    deblur_posterior_release(&r->posterior);
}

/* ---- FITS ---------------------------------------------------------------------------------- */

const char *deblur_prior_name(const deblur_options *o)
{
    switch (o->method) {
    case DEBLUR_PNP:
    case DEBLUR_HQS:
    case DEBLUR_POSTERIOR:
    case DEBLUR_DENOISE: return o->prior != NULL ? o->prior : "builtin";
    case DEBLUR_TV: return "total variation";
    case DEBLUR_WIENER: return o->prior != NULL ? o->prior : "squared Laplacian";
    case DEBLUR_MAP: return o->prior != NULL ? o->prior : "ridge";
    case DEBLUR_RL: break;
    }
    return "none";
}

sf_status deblur_keywords_write(sf_fits_writer *w, const deblur_options *o, const deblur_facts *f,
                                const deblur_result *r)
{
    sf_status status;

    GO(sf_fits_writer_string(w, "SFVERS", sf_version(), "scorefield"));
    GO(sf_fits_writer_string(w, "SFMETHOD", o->method_name, "method of reconstruction"));
    GO(sf_fits_writer_string(w, "SFPSF", o->psf != NULL ? o->psf : "none",
                             "point spread function"));
    GO(sf_fits_writer_double(w, "SFRESOL", f->resolution, "FWHM kept in the result, its pixels"));
    if (f->upsample > 1)
        GO(sf_fits_writer_integer(w, "SFUPSAMP", (long long)f->upsample,
                                  "pixels here along a frame's, which is their sum"));
    if (f->first != NULL)
        GO(sf_fits_writer_integer(w, "SFFRAMES", (long long)f->first->more->count + 1,
                                  "frames of which this is the scene"));
    GO(sf_fits_writer_string(w, "SFPRIOR", deblur_prior_name(o), "prior"));
    GO(sf_fits_writer_double(w, "SFNOISE", f->noise, "noise, median standard deviation"));
    GO(sf_fits_writer_double(w, "SFSKY", f->background, "sky level, subtracted and restored"));
    if (f->tiles > 0) GO(sf_fits_writer_integer(w, "SFTILES", (long long)f->tiles, "tiles"));
    if (r->posterior.samples > 0) {
        GO(sf_fits_writer_integer(w, "SFNSAMP", (long long)r->posterior.samples,
                                  "samples of the posterior; this is their mean"));
        GO(sf_fits_writer_string(w, "SFSAMPL", deblur_sampler_name(o), "how they were drawn"));
        GO(sf_fits_writer_integer(w, "SFSEED", deblur_seed(o), "seed"));
    } else {
        GO(sf_fits_writer_integer(w, "SFITER", (long long)r->solver.iterations, "iterations"));
        GO(sf_fits_writer_string(w, "SFSTOP", sf_stop_text(r->solver.stop), "why it stopped"));
    }
    GO(sf_fits_writer_double(w, "SFCHI2", r->diagnostics.chi_squared, "chi^2 per observed pixel"));
    GO(sf_fits_writer_double(w, "SFFLUX", r->diagnostics.flux_ratio, "flux of model / frame"));
    GO(sf_fits_writer_history(w, o->command));
done:
    return status;
}

/* An image in cells, or a cube of such, with the frame's header. */
static sf_status add_fine(sf_fits_writer *w, const char *name, const sf_grid *grid,
                          const double *pixels, const deblur_frame *f)
{
    sf_status status;

    GO(sf_fits_writer_add(w, name, grid, pixels, f->frame, NULL));
    status = sf_fits_writer_refine(w, f->upsample);
done:
    return status;
}

/* Standard deviation, quantiles, and the samples as a cube. */
static sf_status add_posterior(sf_fits_writer *w, const deblur_frame *f, const deblur_posterior *p)
{
    const sf_grid *grid = sf_observation_fine(f->observation);
    const size_t shape[] = {p->kept, grid->shape[0], grid->shape[1]};
    sf_grid cube;
    sf_status status;

    GO(add_fine(w, "SD", grid, p->deviation, f));
    for (int i = 0; i < DEBLUR_QUANTILES; i++) {
        GO(add_fine(w, deblur_quantile_name[i], grid, p->quantile[i], f));
        GO(sf_fits_writer_double(w, "SFQUANT", deblur_quantile[i], "of the samples, per pixel"));
    }
    GO(sf_grid_make(3, shape, NULL, &cube));
    status = add_fine(w, "SAMPLES", &cube, p->cube, f);
done:
    return status;
}

static sf_status write_fits(const deblur_options *o, const deblur_frame *f, const deblur_result *r)
{
    const sf_grid *grid = sf_fits_grid(f->frame);
    const deblur_facts facts = deblur_facts_of(f);
    sf_fits_writer *w = NULL;
    sf_status status;

    GO(sf_fits_writer_create(o->output, o->force != 0, &w));
    GO(add_fine(w, NULL, sf_observation_fine(f->observation), r->pixels, f));
    GO(deblur_keywords_write(w, o, &facts, r));
    GO(sf_fits_writer_add(w, "RESIDUAL", grid, r->residual, f->frame, NULL));
    GO(sf_fits_writer_string(w, "BUNIT", "sigma", "(frame - model) / noise"));
    for (size_t i = 0; i < r->further; i++) {
        const sf_fits *further = f->more->exposure[i].frame.frame;
        char name[32];

        (void)snprintf(name, sizeof name, "RESIDUAL%zu", i + 2);
        GO(sf_fits_writer_add(w, name, sf_fits_grid(further), r->residuals[i], further, NULL));
        GO(sf_fits_writer_string(w, "BUNIT", "sigma", "(frame - model) / noise"));
    }
    if (o->detector.cosmic_rays) GO(sf_fits_writer_add(w, "MASK", grid, f->bad, f->frame, NULL));
    if (r->posterior.samples > 0) GO(add_posterior(w, f, &r->posterior));
    return sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    return status;
}

/* ---- picture ------------------------------------------------------------------------------- */

#define SHOWN 3 /* samples */

/* Standard deviation, samples, and whether what they leave of the frame is noise. */
static size_t add_posterior_panels(const deblur_frame *f, const deblur_posterior *p,
                                   const sf_panel *image, const sf_frame *residuals,
                                   sf_panel *panels)
{
    static const char *const titles[SHOWN] = {"sample 1", "sample 2", "sample 3"};
    const size_t pixels = sf_grid_size(sf_observation_fine(f->observation));
    size_t count = 0;

    panels[count] = *image;
    panels[count].title = "standard deviation";
    panels[count++].pixels = p->deviation;
    for (size_t i = 0; i < SHOWN && i < p->kept; i++) {
        panels[count] = *image;
        panels[count].title = titles[i];
        panels[count++].pixels = p->cube + i * pixels;
    }
    panels[count] = *image;
    panels[count].title = "what the samples leave of the frame";
    panels[count++].frame = residuals;
    return count;
}

static sf_status write_plot(const deblur_options *o, const deblur_frame *f, const deblur_result *r)
{
    const deblur_posterior *p = &r->posterior;
    const bool sampled = p->samples > 0;
    const sf_curve residuals[] = {
        {.label = "samples", .count = DEBLUR_BINS, .x = p->bin, .y = p->density, .points = true},
        {.label = "noise", .count = DEBLUR_BINS, .x = p->bin, .y = p->normal}};
    const sf_frame histogram = {
        .axes = {.x_label = "residual / noise", .y_label = "density", .log_y = true},
        .curves = residuals,
        .count = 2};
    char unit[72] = "";
    sf_panel panels[9];
    size_t count = 0;

    (void)sf_fits_get_string(f->frame, "BUNIT", unit, sizeof unit);
    const sf_panel image = {.unit = unit[0] != '\0' ? unit : NULL,
                            .grid = sf_observation_fine(f->observation),
                            .stretch = SF_STRETCH_ASINH};
    panels[count] = image;
    panels[count].title = f->samples.value != NULL ? "dirty image" : "observed";
    panels[count++].pixels = r->observed;
    panels[count] = image;
    panels[count].title = sampled ? "mean of the samples" : "reconstructed";
    panels[count++].pixels = r->pixels;
    if (f->truth != NULL) {
        panels[count] = image;
        panels[count].title = "truth";
        panels[count++].pixels = sf_fits_pixels(f->truth);
    }
    if (sampled) count += add_posterior_panels(f, p, &image, &histogram, panels + count);
    panels[count++] = (sf_panel){.title = "residual / noise",
                                 .unit = "sigma",
                                 .grid = sf_fits_grid(f->frame),
                                 .pixels = r->residual,
                                 .low = -5.0,
                                 .high = 5.0,
                                 .stretch = SF_STRETCH_LINEAR,
                                 .diverging = true};
    return sf_plot_panels(o->plot, o->force != 0, o->input, panels, count,
                          count > 4    ? (count + 1) / 2
                          : count == 4 ? 2
                                       : 3);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static sf_status write_report(const deblur_options *o, const deblur_frame *f,
                              const deblur_result *r)
{
    const deblur_facts facts = deblur_facts_of(f);

    return deblur_report_write(o, &facts, r);
}

sf_status deblur_output_write(const deblur_options *o, const deblur_frame *f,
                              const deblur_result *r)
{
    const struct {
        const char *path;
        sf_status (*write)(const deblur_options *, const deblur_frame *, const deblur_result *);
    } outputs[] = {{o->plot, write_plot}, {o->report, write_report}, {o->output, write_fits}};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0] && status == SF_OK; i++) {
        if (outputs[i].path != NULL) status = outputs[i].write(o, f, r);
        if (status == SF_OK) continue;
        for (size_t k = 0; k < i; k++)
            if (outputs[k].path != NULL) (void)remove(outputs[k].path);
    }
    return status;
}

/* ---- terminal ------------------------------------------------------------------------------ */

static void print_psf(const char *name, const sf_psf *psf, size_t psfs, size_t upsample)
{
    const double pedestal = sf_psf_pedestal(psf);

    printf("psf         %s, FWHM %.2f pixels", name, sf_psf_fwhm(psf) / (double)upsample);
    if (psfs > 1) printf(" in the middle of %zu over the frame", psfs);
    if (pedestal != 0.0) printf(", its pedestal of %.6g subtracted", pedestal);
    putchar('\n');
}

/* Every frame of several, in a line. */
static void print_each(const deblur_frame *first, const deblur_result *r)
{
    printf("frames      %zu, their own noise and chi^2 per pixel:\n", first->more->count + 1);
    for (size_t i = 0; i <= first->more->count; i++) {
        const deblur_exposure *e = i > 0 ? &first->more->exposure[i - 1] : NULL;
        const sf_observation *own = sf_observation_exposure(first->observation, i);

        printf("            %zu: noise %.6g, chi^2 %#.4g", i + 1, sf_observation_noise(own),
               r->each[i].chi_squared);
        if (e != NULL)
            printf(", shifted by %.4f columns, %.4f rows: %s", e->shift[1], e->shift[0],
                   e->options.input);
        putchar('\n');
    }
}

static void print_posterior(const deblur_options *o, const deblur_posterior *p)
{
    printf("samples     %zu by %s", p->samples, deblur_sampler_name(o));
    if (p->resumed > 0) printf(", %zu of them from %s", p->resumed, o->checkpoint);
    printf(", %zu calls of the prior each, %.1f s\n", p->evaluations, p->seconds);
    printf("            chi^2 per pixel of the samples %#.4g (%#.4g to %#.4g)\n", p->chi_squared,
           p->least_chi_squared, p->most_chi_squared);
    if (isfinite(p->inside[0]))
        printf("            the truth is within the 68 %% interval in %.1f %% of the pixels, "
               "within 95 %% in %.1f %%\n",
               100.0 * p->inside[0], 100.0 * p->inside[1]);
}

static void print_solver(const sf_solver_report *s)
{
    printf("solver      %zu iterations, %s, %.2f s\n", s->iterations, sf_stop_text(s->stop),
           s->seconds);
    if (s->guarantee != NULL) printf("guarantee   %s\n", s->guarantee);
}

static void warn_of_systems(const deblur_options *o, const sf_linear_systems *s)
{
    if (s->unfinished == 0) return;
    fprintf(stderr,
            "sf-deblur: warning: %zu of %zu linear systems of the likelihood %s stopped above the "
            "tolerance of %g, the worst one at %.2g\n",
            s->unfinished, s->solved, sf_likelihood_text(o->likelihood),
            sf_posterior_options_default().tolerance, s->residual);
}

/* How a splitting ended, and what its residual said of the noise: of all pixels, where chi^2 has it
 * too, or else only of what neighbours share. */
static void print_settled(const deblur_facts *f, const deblur_result *r)
{
    const sf_solver_report *s = &r->solver;
    const double excess = s->noise_excess;

    if (s->stop == SF_STOP_DISCREPANCY && s->kept > 0)
        printf("            iterate %zu is the result: later ones fit the noise\n", s->kept);
    if (isfinite(s->primal_residual))
        printf("            residuals in parts of the noise: primal %.2g, dual %.2g\n",
               s->primal_residual, s->dual_residual);
    if (!(excess > 0.0) || excess == 1.0) return;
    if (excess < 1.0 || fabs(sqrt(r->diagnostics.chi_squared) / excess - 1.0) < 0.1)
        printf("            the residual has %.2f times the above noise, and that was used: "
               "%.6g\n",
               excess, excess * f->noise);
    else
        printf(
            "            neighbours share their noise: %.2f times the above where the PSF looks\n",
            excess);
}

void deblur_output_print(const deblur_options *o, const deblur_facts *f, const deblur_result *r)
{
    const sf_diagnostics *d = &r->diagnostics;
    char shape[96];

    if (o->quiet) return;
    printf("frame       %s, %s, %zu %s\n", o->input, sf_grid_text(&f->frame, shape, sizeof shape),
           d->observed, f->fourier ? "numbers measured" : "pixels observed");
    if (f->tiles > 1) printf("tiles       %zu, with margins of %zu pixels\n", f->tiles, f->margin);
    printf("noise       %.6g (%s)\n", f->noise, f->noise_source);
    if (o->detector.spectrum != NULL)
        printf("            that is what the PSF sees; spectrum from %s\n", o->detector.spectrum);
    printf("mask        %s", f->mask_source);
    if (o->mask_bits != NULL) printf(", bits %s", o->mask_bits);
    if (o->detector.cosmic_rays) printf(", %zu pixels hit by cosmic rays", f->rays);
    if (f->saturated > 0) printf(", %zu saturated pixels and their neighbours", f->saturated);
    putchar('\n');
    printf("sky         %.6g (%s)\n", f->background, deblur_background_source(o));
    if (f->psf != NULL) print_psf(o->psf, f->psf, f->psfs, f->upsample);
    if (f->first != NULL) print_each(f->first, r);
    if (f->upsample > 1)
        printf("upsample    %zu x %zu pixels of the result for each of the frame's\n", f->upsample,
               f->upsample);
    if (f->resolution > 0.0)
        printf("resolution  FWHM %.2g pixels of the result are kept\n", f->resolution);
    if (r->posterior.samples > 0) {
        print_posterior(o, &r->posterior);
        warn_of_systems(o, &r->posterior.systems);
    } else
        print_solver(&r->solver);
    print_settled(f, r);
    printf("residual    chi^2 per %s %#.4g (%+.3g sigma)", f->fourier ? "number" : "pixel",
           d->chi_squared, d->chi_squared_z);
    if (!f->fourier) printf(", whiteness %+.3g sigma", d->whiteness_z);
    putchar('\n');
    if (f->deviance)
        printf("            deviance per pixel %#.4g, %#.4g expected (%+.3g sigma)\n", r->deviance,
               r->deviance_expected, r->deviance_z);
    if (fabs(d->chi_squared_z) > 5.0 && fabs(d->chi_squared - 1.0) > 0.3)
        printf(
            "            chi^2 is far from 1: check PSF, noise (a map where it varies) and mask\n");
    if (d->hollow >= DEBLUR_DEEPEST_HOLLOW)
        printf("            hollows %.3g sigma deep: sources are ringed; check the PSF, or give a "
               "larger --resolution\n",
               d->hollow);
    if (isnan(d->flux_ratio))
        printf("flux        unknown: the zero frequency was not sampled\n");
    else
        printf("flux        model/frame %#.5g (uncertain by %.2g)\n", d->flux_ratio,
               d->flux_error / fabs(d->flux_frame));
    if (f->compared) {
        printf("%s PSNR %.2f dB, SSIM %.4f, relative error %.4f\n",
               f->fourier ? "dirty image" : "observed   ", r->before.psnr, r->before.ssim,
               r->before.relative_error);
        printf("result      PSNR %.2f dB, SSIM %.4f, relative error %.4f\n", r->after.psnr,
               r->after.ssim, r->after.relative_error);
    }
}
