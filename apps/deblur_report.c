/* deblur_report.c - the run report of sf-deblur: inputs, options, solver, diagnostics as JSON. */
#include "deblur_exposures.h"
#include "deblur_output.h"
#include "program.h"

#include <math.h>
#include <stdio.h>

static sf_status report_text(sf_report *report, const char *name, const char *text)
{
    return text != NULL ? sf_report_string(report, name, text) : SF_OK;
}

static sf_status report_psf(sf_report *p, const sf_psf *psf, size_t upsample)
{
    const double pixel = (double)upsample; /* in cells */
    double offset[2];
    sf_status status;

    sf_psf_offset(psf, offset);
    for (int a = 0; a < 2; a++) offset[a] /= pixel;
    GO(sf_report_double(p, "observation/psf_fwhm", sf_psf_fwhm(psf) / pixel));
    GO(sf_report_double(p, "observation/psf_pedestal", sf_psf_pedestal(psf)));
    GO(sf_report_doubles(p, "observation/psf_offset", offset, 2));
done:
    return status;
}

static sf_status report_inputs(sf_report *p, const deblur_options *o, const deblur_facts *f)
{
    sf_status status;

    GO(sf_report_string(p, "version", sf_version()));
    GO(sf_report_string(p, "libraries", program_libraries()));
    GO(sf_report_string(p, "command", o->command));
    GO(sf_report_string(p, "files/input", o->input));
    GO(sf_report_string(p, "files/output", o->output));
    GO(report_text(p, "files/truth", o->truth));
    GO(report_text(p, "files/plot", o->plot));
    GO(report_text(p, "options/psf", o->psf));
    GO(report_text(p, "options/psf_centre", o->psf_centre));
    if (o->psf_sampling > 0) GO(sf_report_integer(p, "options/psf_sampling", o->psf_sampling));
    GO(sf_report_integer(p, "options/upsample", o->upsample));
    GO(report_text(p, "options/prior", o->prior));
    GO(report_text(p, "options/network", o->network));
    if (o->bf16) GO(sf_report_bool(p, "options/bf16", true));
    GO(report_text(p, "options/noise", o->noise));
    GO(report_text(p, "options/gain", o->detector.gain));
    GO(report_text(p, "options/read_noise", o->detector.read));
    GO(report_text(p, "options/noise_spectrum", o->detector.spectrum));
    GO(report_text(p, "options/ivar", o->detector.ivar));
    if (!isnan(o->detector.saturation))
        GO(sf_report_double(p, "options/saturation", o->detector.saturation));
    GO(report_text(p, "options/mask", o->mask));
    GO(report_text(p, "options/mask_bits", o->mask_bits));
    GO(report_text(p, "options/sampling", o->sampling));
    if (o->sampling != NULL) GO(sf_report_bool(p, "options/centred", o->centred != 0));
    GO(report_text(p, "options/background", o->background));
    GO(report_text(p, "options/schedule", o->schedule));
    GO(report_text(p, "options/sampler", o->sampler_name));
    GO(report_text(p, "options/likelihood", o->likelihood_name));
    GO(report_text(p, "options/checkpoint", o->checkpoint));
    GO(sf_report_bool(p, "options/positive", o->positive != 0));
    GO(sf_report_integer(p, "options/threads", sf_thread_count()));
    if (o->seed >= 0) GO(sf_report_integer(p, "options/seed", o->seed));
    if (o->samples > 0) GO(sf_report_integer(p, "options/samples", o->samples));
    if (o->steps > 0) GO(sf_report_integer(p, "options/steps", o->steps));
    if (o->iterations > 0) GO(sf_report_integer(p, "options/iterations", o->iterations));
    if (!isnan(o->tolerance)) GO(sf_report_double(p, "options/tolerance", o->tolerance));
    if (!isnan(o->penalty)) GO(sf_report_double(p, "options/penalty", o->penalty));
    if (!isnan(o->strength)) GO(sf_report_double(p, "options/strength", o->strength));
    GO(sf_report_integer(p, "observation/observed", (long long)f->observed));
    GO(sf_report_double(p, "observation/noise", f->noise));
    GO(sf_report_string(p, "observation/noise_source", f->noise_source));
    GO(sf_report_string(p, "observation/mask_source", f->mask_source));
    GO(sf_report_integer(p, "observation/saturated", (long long)f->saturated));
    if (o->detector.cosmic_rays)
        GO(sf_report_integer(p, "observation/cosmic_rays", (long long)f->rays));
    if (f->detector.gain > 0.0) {
        GO(sf_report_double(p, "observation/gain", f->detector.gain));
        GO(sf_report_double(p, "observation/read_noise", f->detector.read));
    }
    GO(sf_report_double(p, "observation/background", f->background));
    GO(sf_report_string(p, "observation/background_source", deblur_background_source(o)));
    if (f->tiles > 0) {
        GO(sf_report_integer(p, "tiles/count", (long long)f->tiles));
        GO(sf_report_integer(p, "tiles/margin", (long long)f->margin));
    }
    if (f->psf != NULL) GO(report_psf(p, f->psf, f->upsample));
    GO(sf_report_double(p, "observation/resolution", f->resolution));
done:
    return status;
}

/* frames/1/..., the first one's shift 0. */
static sf_status report_frames(sf_report *p, const deblur_options *o, const deblur_frame *first,
                               const deblur_result *r)
{
    sf_status status = SF_OK;
    char name[48];

    for (size_t i = 0; i < o->frames; i++) {
        const deblur_exposure *e = i > 0 ? &first->more->exposure[i - 1] : NULL;
        const sf_observation *own = sf_observation_exposure(first->observation, i);
        const double shift[2] = {e != NULL ? e->shift[1] : 0.0, e != NULL ? e->shift[0] : 0.0};
        const struct {
            const char *name;
            double value;
        } figures[] = {{"noise", sf_observation_noise(own)},
                       {"background", sf_observation_background(own)},
                       {"psf_fwhm", sf_psf_fwhm(e != NULL ? e->frame.psf : first->psf) /
                                        (double)(e != NULL ? e->frame.upsample : first->upsample)},
                       {"misplaced", e != NULL ? e->misplaced : 0.0},
                       {"chi_squared", r->each[i].chi_squared},
                       {"chi_squared_z", r->each[i].chi_squared_z},
                       {"whiteness_z", r->each[i].whiteness_z},
                       {"flux_ratio", r->each[i].flux_ratio}};

        (void)snprintf(name, sizeof name, "frames/%zu/file", i + 1);
        GO(sf_report_string(p, name, o->inputs[i]));
        (void)snprintf(name, sizeof name, "frames/%zu/shift", i + 1);
        GO(sf_report_doubles(p, name, shift, 2));
        for (size_t k = 0; k < sizeof figures / sizeof figures[0]; k++) {
            (void)snprintf(name, sizeof name, "frames/%zu/%s", i + 1, figures[k].name);
            GO(sf_report_double(p, name, figures[k].value));
        }
    }
done:
    return status;
}

static sf_status report_solver(sf_report *p, const deblur_options *o, const sf_solver_report *s)
{
    sf_status status;

    GO(sf_report_string(p, "solver/method", o->method_name));
    GO(sf_report_integer(p, "solver/iterations", (long long)s->iterations));
    GO(sf_report_integer(p, "solver/kept", (long long)s->kept));
    GO(sf_report_string(p, "solver/stop", sf_stop_text(s->stop)));
    GO(report_text(p, "solver/guarantee", s->guarantee));
    GO(sf_report_double(p, "solver/primal_residual", s->primal_residual));
    GO(sf_report_double(p, "solver/dual_residual", s->dual_residual));
    GO(sf_report_double(p, "solver/strength", s->strength));
    GO(sf_report_double(p, "solver/noise_level", s->noise_level));
    GO(sf_report_double(p, "solver/noise_excess", s->noise_excess));
    GO(sf_report_double(p, "solver/seconds", s->seconds));
    GO(sf_report_double(p, "solver/prior_seconds", s->prior_seconds));
    GO(sf_report_double(p, "solver/transform_seconds", s->transform_seconds));
done:
    return status;
}

static sf_status report_posterior(sf_report *r, const deblur_options *o, const deblur_posterior *p)
{
    const double chi_squared[] = {p->least_chi_squared, p->chi_squared, p->most_chi_squared};
    sf_status status;

    GO(sf_report_string(r, "solver/method", "posterior"));
    GO(sf_report_integer(r, "posterior/samples", (long long)p->samples));
    GO(sf_report_integer(r, "posterior/kept", (long long)p->kept));
    GO(sf_report_integer(r, "posterior/resumed", (long long)p->resumed));
    GO(sf_report_string(r, "posterior/sampler", deblur_sampler_name(o)));
    GO(sf_report_integer(r, "posterior/seed", deblur_seed(o)));
    GO(sf_report_integer(r, "posterior/evaluations", (long long)p->evaluations));
    if (o->sampler == DEBLUR_DIFFUSION) {
        GO(sf_report_integer(r, "posterior/systems/solved", (long long)p->systems.solved));
        GO(sf_report_integer(r, "posterior/systems/unfinished", (long long)p->systems.unfinished));
        GO(sf_report_double(r, "posterior/systems/residual", p->systems.residual));
    }
    GO(sf_report_double(r, "posterior/seconds", p->seconds));
    GO(sf_report_doubles(r, "posterior/chi_squared", chi_squared, 3));
    GO(sf_report_doubles(r, "posterior/truth_inside", p->inside, 2));
done:
    return status;
}

static sf_status report_diagnostics(sf_report *p, const sf_diagnostics *d)
{
    const double lag[2] = {d->lag[0], d->lag[1]};
    sf_status status;

    GO(sf_report_double(p, "residual/chi_squared", d->chi_squared));
    GO(sf_report_double(p, "residual/chi_squared_z", d->chi_squared_z));
    GO(sf_report_double(p, "residual/correlation", d->correlation));
    GO(sf_report_doubles(p, "residual/correlation_lag", lag, 2));
    GO(sf_report_double(p, "residual/whiteness_z", d->whiteness_z));
    GO(sf_report_double(p, "residual/hollow", d->hollow));
    GO(sf_report_double(p, "flux/frame", d->flux_frame));
    GO(sf_report_double(p, "flux/model", d->flux_model));
    GO(sf_report_double(p, "flux/ratio", d->flux_ratio));
    GO(sf_report_double(p, "flux/error", d->flux_error));
done:
    return status;
}

/* Of counts. */
static sf_status report_deviance(sf_report *p, const deblur_result *r)
{
    sf_status status;

    GO(sf_report_double(p, "residual/deviance", r->deviance));
    GO(sf_report_double(p, "residual/deviance_expected", r->deviance_expected));
    GO(sf_report_double(p, "residual/deviance_z", r->deviance_z));
done:
    return status;
}

static sf_status report_comparison(sf_report *p, const char *who, const sf_comparison *c)
{
    const struct {
        const char *name;
        double value;
    } figures[] = {{"psnr", c->psnr}, {"ssim", c->ssim}, {"relative_error", c->relative_error}};
    sf_status status = SF_OK;
    char name[64];

    for (size_t i = 0; i < sizeof figures / sizeof figures[0] && status == SF_OK; i++) {
        (void)snprintf(name, sizeof name, "truth/%s/%s", who, figures[i].name);
        status = sf_report_double(p, name, figures[i].value);
    }
    return status;
}

sf_status deblur_report_write(const deblur_options *o, const deblur_facts *f,
                              const deblur_result *r)
{
    sf_report *p = NULL;
    sf_status status;

    GO(sf_report_create("sf-deblur", &p));
    GO(report_inputs(p, o, f));
    GO(r->posterior.samples > 0 ? report_posterior(p, o, &r->posterior)
                                : report_solver(p, o, &r->solver));
    GO(report_diagnostics(p, &r->diagnostics));
    if (f->first != NULL) GO(report_frames(p, o, f->first, r));
    if (f->deviance) GO(report_deviance(p, r));
    if (f->compared) {
        GO(report_comparison(p, "frame", &r->before));
        GO(report_comparison(p, "result", &r->after));
    }
    status = sf_report_write(p, o->report, o->force != 0);
done:
    sf_report_release(&p);
    return status;
}
