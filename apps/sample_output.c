/* sample_output.c - what sf-sample leaves: FITS file, report, figures on the terminal. */
#include "sample_output.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *sample_prior_name(const sample_options *o)
{
    return o->prior != NULL ? o->prior : "builtin";
}

sf_status sample_output_check(const sample_options *o)
{
    const char *const paths[] = {o->output, o->plot, o->report};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && status == SF_OK; i++)
        if (paths[i] != NULL) status = sf_output_check(paths[i], o->force != 0);
    if (status == SF_OK && o->checkpoint != NULL) status = sf_output_check(o->checkpoint, true);
    return status;
}

/* ---- FITS ------------------------------------------------------------------------------------ */

static sf_status write_parameters(sf_fits_writer *w, const sample_options *o, const sample_run *run)
{
    const sample_prior *p = &run->prior;
    sf_status status;

    GO(sf_fits_writer_string(w, "SFVERS", sf_version(), "scorefield"));
    GO(sf_fits_writer_string(w, "SFPRIOR", sample_prior_name(o), "drawn from"));
    if (o->given != NULL) {
        GO(sf_fits_writer_string(w, "SFIMAGES", o->given, "images whose density it is"));
        GO(sf_fits_writer_double(w, "SFHIGH", p->high, "level of noise that the flow goes to"));
        GO(sf_fits_writer_double(w, "SFLOW", p->low, "level of noise of the density"));
    } else
        GO(sampler_keywords(&o->sampler.sample, p->low, p->high, w));
    GO(sf_fits_writer_integer(w, "SFSEED", (long long)o->seed, "seed"));
    GO(sf_fits_writer_integer(w, "SFSAMPLS", (long long)p->count, "samples"));
    if (o->condition != NULL)
        GO(sf_fits_writer_string(w, "SFCONDIT", o->condition, "condition of the network"));
    if (!isnan(o->guidance))
        GO(sf_fits_writer_double(w, "SFGUIDE", o->guidance, "how much it counts"));
    if (o->known != NULL) GO(sf_fits_writer_string(w, "SFKNOWN", o->known, "pixels that are so"));
    if (!isnan(o->sum)) GO(sf_fits_writer_double(w, "SFSUM", o->sum, "sum of all cells"));
    GO(theory_keywords(&p->theory, false, w));
    GO(sf_fits_writer_history(w, o->command));
done:
    return status;
}

/* One after the other along an axis of their own; a single one without it. */
static sf_status add_samples(sf_fits_writer *w, const sample_options *o, const sample_run *run)
{
    const sf_grid *grid = &run->prior.grid;
    size_t shape[SF_GRID_MAX_AXES], count;
    const double *samples = sf_ensemble_samples(run->ensemble, &count);
    sf_grid cube = *grid;
    sf_status status;

    if (count > 1) {
        shape[0] = count;
        for (int i = 0; i < grid->axes; i++) shape[i + 1] = grid->shape[i];
        GO(sf_grid_make(grid->axes + 1, shape, NULL, &cube));
    }
    GO(sf_fits_writer_field(w, NULL, &cube, samples));
    status = write_parameters(w, o, run);
done:
    return status;
}

static sf_status add_image(sf_fits_writer *w, const char *name, const double *pixels,
                           const sample_options *o, const sample_run *run)
{
    const sample_prior *p = &run->prior;
    sf_status status;

    if (pixels == NULL) return SF_OK;
    GO(sf_fits_writer_add(w, name, &p->grid, pixels, p->known, NULL));
    if (o->kind == SAMPLE_FIELD && p->known == NULL)
        GO(sf_fits_writer_box(w, &p->grid, p->theory.length[0] != '\0' ? p->theory.length : NULL));
    status = write_parameters(w, o, run);
done:
    return status;
}

static sf_status add_likelihoods(sf_fits_writer *w, const sample_options *o, const sample_run *run)
{
    sf_column columns[3];
    size_t count = 0;
    sf_status status;

    if (run->log_p == NULL) return SF_OK;
    columns[count++] = (sf_column){.name = "LOG_P", .unit = "nat", .values = run->log_p};
    columns[count++] = (sf_column){.name = "ERROR", .unit = "nat", .values = run->error};
    if (run->exact != NULL)
        columns[count++] = (sf_column){.name = "EXACT", .unit = "nat", .values = run->exact};
    GO(sf_fits_writer_table(w, "LIKELIHOOD", columns, count, run->prior.count));
    GO(sf_fits_writer_integer(w, "SFPROBES", (long long)run->probes, "of the trace; 0: exact"));
    status = write_parameters(w, o, run);
done:
    return status;
}

static sf_status write_fits(const sample_options *o, const sample_run *run)
{
    sf_fits_writer *w = NULL;
    sf_status status;

    GO(sf_fits_writer_create(o->output, o->force != 0, &w));
    GO(add_samples(w, o, run));
    GO(add_image(w, "MEAN", run->mean, o, run));
    GO(add_image(w, "SD", run->deviation, o, run));
    GO(add_likelihoods(w, o, run));
    status = sf_fits_writer_close(&w);
done:
    sf_fits_writer_release(&w);
    return status;
}

/* ---- report ---------------------------------------------------------------------------------- */

static sf_status report_prior(sf_report *r, const sample_options *o, const sample_run *run)
{
    const sample_prior *p = &run->prior;
    double shape[SF_GRID_MAX_AXES];
    sf_status status;

    for (int i = 0; i < p->grid.axes; i++) shape[i] = (double)p->grid.shape[i];
    GO(sf_report_string(r, "prior/name", sample_prior_name(o)));
    GO(sf_report_doubles(r, "prior/shape", shape, (size_t)p->grid.axes));
    if (o->kind == SAMPLE_NETWORK) GO(sf_report_integer(r, "prior/weights", (long long)p->weights));
    if (o->condition != NULL) {
        GO(sf_report_string(r, "prior/condition", o->condition));
        GO(sf_report_double(r, "prior/guidance", isnan(o->guidance) ? 1.0 : o->guidance));
    }
    if (o->known != NULL) {
        GO(sf_report_string(r, "constraints/known", o->known));
        GO(sf_report_integer(r, "constraints/known_cells", (long long)p->known_cells));
    }
    if (!isnan(o->sum)) GO(sf_report_double(r, "constraints/sum", o->sum));
    status = o->kind == SAMPLE_FIELD ? theory_report(&p->theory, false, r) : SF_OK;
done:
    return status;
}

/* How the samples were drawn, or between which levels the flow of given images went. */
static sf_status report_sampler(sf_report *r, const sample_options *o, const sample_run *run)
{
    const sample_prior *p = &run->prior;
    sf_status status;

    GO(sf_report_integer(r, "sampler/seed", (long long)o->seed));
    GO(sf_report_bool(r, "sampler/beyond_training", sample_prior_is_beyond(p)));
    if (o->given != NULL) {
        GO(sf_report_string(r, "samples/given", o->given));
        GO(sf_report_double(r, "sampler/low", p->low));
        return sf_report_double(r, "sampler/high", p->high);
    }
    GO(sampler_report(&o->sampler.sample, p->low, p->high, r));
    GO(sf_report_integer(r, "sampler/evaluations", (long long)run->sampler.evaluations));
    status = sf_report_double(r, "sampler/acceptance", run->sampler.acceptance);
done:
    return status;
}

static sf_status report_samples(sf_report *r, const sample_options *o, const sample_run *run)
{
    sf_status status;

    GO(report_sampler(r, o, run));
    GO(sf_report_integer(r, "samples/count", (long long)run->prior.count));
    GO(sf_report_bool(r, "samples/resumed", run->resumed));
    GO(sf_report_double(r, "samples/mean", run->moments.mean));
    GO(sf_report_double(r, "samples/deviation", run->moments.deviation));
    GO(sf_report_double(r, "samples/lowest", run->moments.lowest));
    GO(sf_report_double(r, "samples/highest", run->moments.highest));
    GO(sf_report_double(r, "samples/seconds", run->seconds));
    if (run->log_p == NULL) return SF_OK;
    GO(sf_report_integer(r, "likelihood/probes", (long long)run->probes));
    GO(sf_report_doubles(r, "likelihood/log_p", run->log_p, run->prior.count));
    GO(sf_report_doubles(r, "likelihood/error", run->error, run->prior.count));
    if (run->exact != NULL)
        GO(sf_report_doubles(r, "likelihood/exact", run->exact, run->prior.count));
done:
    return status;
}

static sf_status write_report(const sample_options *o, const sample_run *run)
{
    sf_report *r = NULL;
    sf_status status;

    GO(sf_report_create("sf-sample", &r));
    GO(sf_report_string(r, "command", o->command));
    GO(sf_report_string(r, "libraries", program_libraries()));
    GO(sf_report_string(r, "output", o->output));
    GO(report_prior(r, o, run));
    GO(report_samples(r, o, run));
    status = sf_report_write(r, o->report, o->force != 0);
done:
    sf_report_release(&r);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

sf_status sample_output_write(const sample_options *o, const sample_run *run)
{
    const struct {
        const char *path;
        sf_status (*write)(const sample_options *, const sample_run *);
    } outputs[] = {
        {o->plot, sample_plot_write}, {o->report, write_report}, {o->output, write_fits}};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0] && status == SF_OK; i++) {
        if (outputs[i].path != NULL) status = outputs[i].write(o, run);
        if (status == SF_OK) continue;
        for (size_t k = 0; k < i; k++)
            if (outputs[k].path != NULL) (void)remove(outputs[k].path);
    }
    return status;
}

/* ---- terminal -------------------------------------------------------------------------------- */

static void print_prior(const sample_options *o, const sample_run *run)
{
    const sample_prior *p = &run->prior;
    char text[160];

    printf("prior       %s, %s cells", sample_prior_name(o),
           sf_grid_text(&p->grid, text, sizeof text));
    if (o->kind == SAMPLE_NETWORK) printf(", %zu weights", p->weights);
    if (o->condition != NULL)
        printf("\ncondition   %s, guidance %g", o->condition,
               isnan(o->guidance) ? 1.0 : o->guidance);
    if (o->given != NULL)
        printf("\nflow        from noise level %.3g, whose density it is, to %.3g", p->low,
               p->high);
    else {
        sampler_text(&o->sampler.sample, text, sizeof text);
        printf("\nsampler     %s, from noise level %.3g to %.3g; %zu evaluations a sample", text,
               p->high, p->low, run->sampler.evaluations);
    }
    if (o->given == NULL && !isnan(run->sampler.acceptance))
        printf(", %.2f accepted", run->sampler.acceptance);
    if (o->known != NULL) printf("\nknown       %zu pixels of %s", p->known_cells, o->known);
    if (!isnan(o->sum)) printf("\nsum         %g", o->sum);
    printf("\n");
}

static void print_likelihoods(const sample_options *o, const sample_run *run)
{
    const double n = (double)run->prior.count;
    double log_p = 0.0, exact = 0.0, error = 0.0;

    if (run->log_p == NULL) return;
    for (size_t i = 0; i < run->prior.count; i++) {
        log_p += run->log_p[i] / n;
        error += run->error[i] / n;
        if (run->exact != NULL) exact += run->exact[i] / n;
    }
    printf("log p       %.8g nats %s on average", log_p,
           o->given != NULL ? "an image" : "a sample");
    if (run->probes > 0)
        printf(", each to +- %.2g by %zu probes", error, run->probes);
    else
        printf(", by exact traces");
    if (run->exact != NULL) printf("; the prior's own %.8g", exact);
    printf("\n");
}

void sample_output_print(const sample_options *o, const sample_run *run)
{
    const sample_prior *p = &run->prior;

    if (sample_prior_is_beyond(p))
        fprintf(stderr,
                "sf-sample: warning: the network was trained at levels from %g to %g, and the "
                "steps went from %g to %g\n",
                p->trained[0], p->trained[1], p->high, p->low);
    if (o->quiet) return;
    print_prior(o, run);
    printf("%s     %zu in %s%s: mean %.3g, standard deviation %#.4g, from %#.4g to %#.4g\n",
           o->given != NULL ? "images " : "samples", p->count,
           o->given != NULL ? o->given : o->output, run->resumed ? " (resumed)" : "",
           run->moments.mean, run->moments.deviation, run->moments.lowest, run->moments.highest);
    print_likelihoods(o, run);
    printf("time        %.2f s\n", run->seconds);
}
