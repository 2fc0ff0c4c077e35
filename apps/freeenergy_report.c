/* freeenergy_report.c - the JSON report of sf-freeenergy. */
#include "freeenergy_output.h"
#include "program.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- report ---------------------------------------------------------------------------------- */

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
    GO(sf_report_string(p, "work/unit", freeenergy_unit(o)));
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
    GO(sf_report_string(p, "estimator",
                        r->exchange != NULL ? "MBAR over exchanged replicas"
                        : r->smc            ? "SMC, mean of islands"
                        : r->joined         ? "Bennett acceptance ratio"
                                            : "Jarzynski"));
    if (r->exchange != NULL) goto done;
    GO(report_weights(p, "forward", &r->forward));
    if (!both) goto done;
    GO(report_weights(p, "reverse", &r->reverse));
    if (r->joined && !r->smc) status = report_both(p, &r->bar);
done:
    return status;
}

/* ---- targets --------------------------------------------------------------------------------- */

/* One figure of every temperature; `offset` bytes into its state. */
static sf_status report_curve(sf_report *p, const char *name, const freeenergy_side *s,
                              size_t offset, double *values)
{
    for (size_t j = 0; j < s->states; j++)
        memcpy(&values[j], (const char *)&s->state[j] + offset, sizeof *values);
    return sf_report_doubles(p, name, values, s->states);
}

static sf_status report_curves(sf_report *p, const char *side, const freeenergy_side *s)
{
#define FIGURE(name)                           \
    {                                          \
#name, offsetof(sf_anneal_state, name) \
    }
    static const struct {
        const char *name;
        size_t offset;
    } figures[] = {FIGURE(b),     FIGURE(step),        FIGURE(log_z),     FIGURE(error),
                   FIGURE(ess),   FIGURE(mean),        FIGURE(variance),  FIGURE(acceptance),
                   FIGURE(slope), FIGURE(slope_error), FIGURE(separation)};
#undef FIGURE
    double *values = NULL;
    char name[64];
    sf_status status;

    GO(sf_allocate(&values, s->states, sizeof *values));
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        (void)snprintf(name, sizeof name, "curves/%s/%s", side, figures[i].name);
        GO(report_curve(p, name, s, figures[i].offset, values));
    }
done:
    sf_free(values);
    return status;
}

static sf_status report_choices(sf_report *p, const freeenergy_options *o,
                                const freeenergy_result *r)
{
    const bool ratio = o->path == FREEENERGY_TEMPERING;
    sf_status status;

    GO(sf_report_string(p, "target/name", freeenergy_question(o)));
    GO(sf_report_integer(p, "target/dimension",
                         (long long)sf_density_dimension(r->target.density)));
    GO(sf_report_double(p, "target/exact_log_z",
                        ratio ? NAN : sf_density_log_z(r->target.density)));
    GO(sf_report_string(p, "log_z_of", ratio ? "Z of f over Z of f^B0" : "Z of f"));
    GO(sf_report_string(p, "base/name", r->target.base_name));
    GO(sf_report_double(p, "base/log_z", ratio ? NAN : r->base_log_z));
    if (ratio) GO(sf_report_double(p, "options/b0", o->first));
    GO(sf_report_string(p, "options/method", freeenergy_method_name(o->method)));
    GO(sf_report_string(p, "options/path", freeenergy_path_name(o->path)));
    GO(sf_report_string(p, "options/schedule",
                        o->schedule_text != NULL ? o->schedule_text : "adaptive"));
    GO(sf_report_integer(p, "options/temperatures", (long long)r->schedule.count));
    GO(sf_report_string(p, "options/kernel", freeenergy_kernel_name(&r->kernel)));
    GO(sf_report_integer(p, "options/leapfrogs", (long long)r->kernel.leapfrogs));
    GO(sf_report_double(p, "options/jitter", r->kernel.jitter));
    GO(sf_report_integer(p, "options/moves", o->moves > 0 ? o->moves : 1));
    GO(sf_report_integer(
        p, "options/chains",
        (long long)(r->exchange != NULL ? r->exchange->copies : r->forward.count)));
    if (o->checkpoint != NULL) {
        GO(sf_report_string(p, "options/checkpoint", o->checkpoint));
        GO(sf_report_bool(p, "resumed", sf_anneal_run_resumed(r->run[0])));
    }
    GO(sf_report_integer(p, "options/seed", (long long)o->seed));
done:
    return status;
}

/* Where the way back began. */
static sf_status report_starts(sf_report *p, const freeenergy_result *r)
{
    sf_status status;

    GO(sf_report_string(p, "way_back/from",
                        r->exact_starts ? "exact draws" : "samples of the way there"));
    if (r->exact_starts) goto done;
    GO(sf_report_bool(p, "way_back/settled", r->cold.report.settled));
    GO(sf_report_double(p, "way_back/r_hat", r->cold.report.energy.r_hat));
    status = sf_report_double(p, "way_back/acceptance", r->cold.report.acceptance);
done:
    return status;
}

static sf_status report_exchange(sf_report *p, const freeenergy_result *r)
{
    const sf_exchange_run *run = r->exchange;
    const sf_exchange_report *e = &r->exchanged;
    const struct {
        const char *name;
        double value;
    } figures[] = {
        {"exchange/stepping_stone_forward", r->base_log_z + e->forward.value},
        {"exchange/stepping_stone_forward_error", e->forward.error},
        {"exchange/stepping_stone_backward", r->base_log_z + e->backward.value},
        {"exchange/stepping_stone_backward_error", e->backward.error},
        {"exchange/thermodynamic_integration", r->base_log_z + e->thermodynamic.estimate.value},
        {"exchange/thermodynamic_integration_error", e->thermodynamic.estimate.error},
        {"exchange/autocorrelation_time", e->time},
        {"exchange/r_hat", e->r_hat},
        {"exchange/barrier", run->barrier},
        {"exchange/round_trips", (double)run->round_trips},
        {"exchange/ideal_round_trips", run->ideal_round_trips}};
    sf_status status;

    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        GO(sf_report_double(p, figures[i].name, figures[i].value));
    GO(sf_report_integer(p, "exchange/rounds", (long long)run->rounds));
    GO(sf_report_doubles(p, "curves/exchange/b", run->b, run->states));
    GO(sf_report_doubles(p, "curves/exchange/log_z", r->curve, run->states));
    GO(sf_report_doubles(p, "curves/exchange/error", r->curve_error, run->states));
    GO(sf_report_doubles(p, "curves/exchange/acceptance", run->acceptance, run->states));
    status = sf_report_doubles(p, "curves/exchange/rejection", run->rejection, run->states - 1);
done:
    return status;
}

static sf_status report_islands(sf_report *p, const freeenergy_result *r)
{
    static const char *const names[] = {"islands/forward", "islands/reverse"};
    double *values = NULL;
    sf_status status = SF_OK;

    for (int k = 0; k < 2 && r->run[k] != NULL; k++) {
        const sf_anneal_island *island = sf_anneal_run_island(r->run[k]);
        const size_t count = sf_anneal_run_islands(r->run[k]);

        sf_free(values);
        GO(sf_allocate(&values, count, sizeof *values));
        for (size_t i = 0; i < count; i++)
            values[i] = r->base_log_z + (k == 0 ? 1.0 : -1.0) * island[i].log_z;
        GO(sf_report_doubles(p, names[k], values, count));
    }
done:
    sf_free(values);
    return status;
}

static sf_status report_target(sf_report *p, const freeenergy_options *o,
                               const freeenergy_result *r)
{
    const sf_anneal_report *a = &r->annealed;
    sf_status status;

    GO(report_choices(p, o, r));
    GO(sf_report_integer(p, "gradient_evaluations", (long long)r->evaluations));
    GO(sf_report_bool(p, "interrupted", r->interrupted));
    if (r->exchange != NULL) return report_exchange(p, r);
    GO(sf_report_integer(p, "pilot_evaluations", (long long)(r->evaluations - a->evaluations)));
    if (r->smc) GO(report_islands(p, r));
    GO(sf_report_double(p, "islands_probability", a->islands_probability));
    GO(sf_report_double(p, "thermodynamic_integration/log_z",
                        r->base_log_z + a->thermodynamic.estimate.value));
    GO(sf_report_double(p, "thermodynamic_integration/error", a->thermodynamic.estimate.error));
    GO(sf_report_double(p, "thermodynamic_integration/discretisation",
                        a->thermodynamic.discretisation));
    GO(sf_report_double(p, "transition/b", a->transition));
    GO(sf_report_double(p, "transition/separation", a->separation));
    if (a->warning[0] != '\0') GO(sf_report_string(p, "warning", a->warning));
    GO(report_curves(p, "forward", &r->forward));
    if (r->reverse.log_weight == NULL) goto done;
    GO(report_starts(p, r));
    status = report_curves(p, "reverse", &r->reverse);
done:
    return status;
}

sf_status freeenergy_report(const freeenergy_options *o, const freeenergy_result *r)
{
    sf_report *p = NULL;
    sf_status status;

    GO(sf_report_create("sf-freeenergy", &p));
    GO(sf_report_string(p, "command", o->command));
    GO(sf_report_string(p, "libraries", program_libraries()));
    GO(report_estimate(p, r));
    GO(o->work != NULL ? report_work(p, o, r) : report_target(p, o, r));
    GO(sf_report_double(p, "seconds", r->seconds));
    status = sf_report_write(p, o->report, o->force != 0);
done:
    sf_report_release(&p);
    return status;
}
