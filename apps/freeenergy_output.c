/* freeenergy_output.c - the report of sf-freeenergy and its figures on the terminal. */
#include "freeenergy_output.h"
#include "program.h"

#include <math.h>
#include <stdio.h>

sf_status freeenergy_output_check(const freeenergy_options *o)
{
    const char *const paths[] = {o->plot, o->report};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && status == SF_OK; i++)
        if (paths[i] != NULL) status = sf_output_check(paths[i], o->force != 0);
    return status;
}

static const char *unit_name(const freeenergy_options *o)
{
    return o->unit_text != NULL ? o->unit_text : "kT";
}

/* ---- report -----------------------------------------------------------------------------------
 */

static sf_status report_weights(sf_report *p, const char *side, const freeenergy_side *s)
{
    const sf_weights *w = &s->weights;
    const struct {
        const char *name;
        double value;
    } figures[] = {{"count", (double)s->count},
                   {"zeros", (double)w->zeros},
                   {"log_mean", w->log_mean},
                   {"log_mean_error", w->error},
                   {"ess", w->ess},
                   {"largest_share", w->largest_share},
                   {"pareto_k", w->pareto_k},
                   {"mean", w->mean},
                   {"variance", w->variance},
                   {"cumulant", w->cumulant},
                   {"cumulant_error", w->cumulant_error}};
    char name[64];
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof figures / sizeof figures[0] && status == SF_OK; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", side, figures[i].name);
        status = i < 2 ? sf_report_integer(p, name, (long long)figures[i].value)
                       : sf_report_double(p, name, figures[i].value);
    }
    return status;
}

static sf_status report_both(sf_report *p, const sf_bar_report *b)
{
    sf_status status;

    GO(sf_report_double(p, "crooks/overlap", b->overlap));
    GO(sf_report_double(p, "crooks/crossing", b->crossing));
    GO(sf_report_double(p, "crooks/slope", b->slope));
    GO(sf_report_double(p, "crooks/slope_error", b->slope_error));
    GO(sf_report_double(p, "crooks/hysteresis", b->hysteresis));
    GO(sf_report_double(p, "crooks/dissipation_forward", b->dissipation_forward));
    status = sf_report_double(p, "crooks/dissipation_reverse", b->dissipation_reverse);
done:
    return status;
}

static sf_status report_work(sf_report *p, const freeenergy_options *o, const freeenergy_result *r)
{
    sf_status status;

    GO(sf_report_string(p, "work/forward", o->forward));
    if (o->reverse != NULL) GO(sf_report_string(p, "work/reverse", o->reverse));
    GO(sf_report_string(p, "work/unit", unit_name(o)));
    GO(sf_report_double(p, "work/temperature", o->temperature));
    GO(sf_report_double(p, "work/kt", r->kt));
    GO(sf_report_double(p, "free_energy_difference", -r->kt * r->estimate.value));
    status = sf_report_double(p, "free_energy_difference_error", r->kt * r->estimate.error);
done:
    return status;
}

static sf_status report_estimate(sf_report *p, const freeenergy_result *r)
{
    const bool both = r->reverse.log_weight != NULL;
    sf_status status;

    GO(sf_report_double(p, "log_z", r->estimate.value));
    GO(sf_report_double(p, "log_z_error", r->estimate.error));
    GO(sf_report_double(p, "lower_bound", r->lower));
    GO(sf_report_double(p, "lower_bound_error", r->lower_error));
    GO(sf_report_double(p, "upper_bound", r->upper));
    GO(sf_report_double(p, "upper_bound_error", r->upper_error));
    GO(sf_report_double(p, "ess", r->ess));
    GO(sf_report_bool(p, "reliable", r->estimate.reliable));
    GO(sf_report_string(p, "verdict", r->estimate.verdict));
    GO(sf_report_string(p, "estimator", both ? "Bennett acceptance ratio" : "Jarzynski"));
    GO(report_weights(p, "forward", &r->forward));
    if (!both) goto done;
    GO(report_weights(p, "reverse", &r->reverse));
    status = report_both(p, &r->bar);
done:
    return status;
}

static sf_status write_report(const freeenergy_options *o, const freeenergy_result *r)
{
    sf_report *p = NULL;
    sf_status status;

    GO(sf_report_create("sf-freeenergy", &p));
    GO(sf_report_string(p, "command", o->command));
    GO(sf_report_string(p, "libraries", program_libraries()));
    GO(report_estimate(p, r));
    GO(report_work(p, o, r));
    GO(sf_report_double(p, "seconds", r->seconds));
    status = sf_report_write(p, o->report, o->force != 0);
done:
    sf_report_release(&p);
    return status;
}

sf_status freeenergy_output_write(const freeenergy_options *o, const freeenergy_result *r)
{
    const struct {
        const char *path;
        sf_status (*write)(const freeenergy_options *, const freeenergy_result *);
    } outputs[] = {{o->plot, freeenergy_plot}, {o->report, write_report}};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0] && status == SF_OK; i++) {
        if (outputs[i].path != NULL) status = outputs[i].write(o, r);
        if (status == SF_OK) continue;
        for (size_t k = 0; k < i; k++)
            if (outputs[k].path != NULL) (void)remove(outputs[k].path);
    }
    return status;
}

/* ---- terminal ---------------------------------------------------------------------------------
 */

int freeenergy_decimals(double error)
{
    if (!(error > 0.0) || !isfinite(error)) return 6;
    return (int)fmin(fmax(1.0 - floor(log10(error)), 0.0), 10.0);
}

static void print_estimate(const char *name, double value, double error, const char *unit)
{
    const int digits = freeenergy_decimals(error);

    printf("%-11s %.*f +- %.*f%s%s\n", name, digits, value, digits, error,
           unit[0] != '\0' ? " " : "", unit);
}

static void print_work(const freeenergy_options *o, const freeenergy_result *r)
{
    printf("work        %s, %zu values", o->forward, r->forward.count);
    if (o->reverse != NULL) printf("; reverse %s, %zu values", o->reverse, r->reverse.count);
    printf("; %s", unit_name(o));
    if (o->unit != SF_WORK_KT) printf(" at %g K, kT = %.5g", o->temperature, r->kt);
    putchar('\n');
    print_estimate("Delta F", -r->kt * r->estimate.value, r->kt * r->estimate.error, unit_name(o));
    print_estimate("log Z1/Z0", r->estimate.value, r->estimate.error, "");
}

static void print_bounds(const freeenergy_result *r)
{
    const int digits = freeenergy_decimals(fmax(r->lower_error, r->upper_error));

    if (isfinite(r->upper))
        printf("bounds      %.*f <= log Z <= %.*f; a cycle dissipates %.3g kT\n", digits, r->lower,
               digits, r->upper, r->upper - r->lower);
    else
        printf("bounds      %.*f <= log Z; no upper one without the reverse direction\n",
               freeenergy_decimals(r->lower_error), r->lower);
}

static void print_weights(const freeenergy_result *r)
{
    printf("weights     effective %.4g of %zu forward", r->forward.weights.ess, r->forward.count);
    if (r->reverse.log_weight != NULL)
        printf(", %.4g of %zu reverse; overlap %.2g, Crooks slope %.3g +- %.2g",
               r->reverse.weights.ess, r->reverse.count, r->bar.overlap, r->bar.slope,
               r->bar.slope_error);
    putchar('\n');
}

void freeenergy_output_print(const freeenergy_options *o, const freeenergy_result *r)
{
    if (!r->estimate.reliable)
        fprintf(stderr, "sf-freeenergy: warning: not reliable: %s\n", r->estimate.verdict);
    if (o->quiet) return;
    print_work(o, r);
    print_bounds(r);
    print_weights(r);
    printf("verdict     %s\n", r->estimate.verdict);
}
