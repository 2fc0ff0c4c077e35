/* freeenergy_output.c - the report of sf-freeenergy and its figures on the terminal. */
#include "freeenergy_output.h"
#include "program.h"

#include <math.h>
#include <stdio.h>

sf_status freeenergy_output_check(const freeenergy_options *o)
{
    const char *const paths[] = {o->plot, o->report, o->samples};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && status == SF_OK; i++)
        if (paths[i] != NULL) status = sf_output_check(paths[i], o->force != 0);
    return status;
}

const char *freeenergy_unit(const freeenergy_options *o)
{
    return o->unit_text != NULL ? o->unit_text : "kT";
}

sf_status freeenergy_output_write(const freeenergy_options *o, const freeenergy_result *r)
{
    const struct {
        const char *path;
        sf_status (*write)(const freeenergy_options *, const freeenergy_result *);
    } outputs[] = {{o->plot, freeenergy_plot},
                   {o->report, freeenergy_report},
                   {o->samples, freeenergy_samples}};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0] && status == SF_OK; i++) {
        if (outputs[i].path != NULL) status = outputs[i].write(o, r);
        if (status == SF_OK) continue;
        for (size_t k = 0; k < i; k++)
            if (outputs[k].path != NULL) (void)remove(outputs[k].path);
    }
    return status;
}

/* ---- terminal -------------------------------------------------------------------------------- */

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
    printf("; %s", freeenergy_unit(o));
    if (o->unit != SF_WORK_KT) printf(" at %g K, kT = %.5g", o->temperature, r->kt);
    putchar('\n');
    print_estimate("Delta F", -r->kt * r->estimate.value, r->kt * r->estimate.error,
                   freeenergy_unit(o));
    print_estimate("log Z1/Z0", r->estimate.value, r->estimate.error, "");
}

static void print_choices(const freeenergy_options *o, const freeenergy_result *r)
{
    const double *step = r->schedule.step;
    double low = step[0], high = step[0];

    for (size_t j = 1; j < r->schedule.count; j++) {
        low = fmin(low, step[j]);
        high = fmax(high, step[j]);
    }
    printf("target      %s, %zu dimensions\n", freeenergy_question(o),
           sf_density_dimension(r->target.density));
    printf("base        %s\n", r->target.base_name);
    printf("schedule    %zu temperatures, %s; kernel %s, steps %.2g to %.2g\n", r->schedule.count,
           r->exchange != NULL        ? "for even swaps"
           : o->schedule_text != NULL ? o->schedule_text
                                      : "adaptive",
           freeenergy_kernel_name(&r->kernel), low, high);
}

static void print_starts(const freeenergy_result *r)
{
    if (r->reverse.log_weight == NULL) return;
    if (r->exact_starts)
        printf("way back    from exact draws of the target\n");
    else
        printf("way back    from samples of the way there, moved on%s\n",
               r->joined ? "" : "; not settled: the estimate is of the way there alone");
}

/* The smallest and the largest over the schedule. */
static void print_acceptance(const freeenergy_result *r)
{
    double low = HUGE_VAL, high = -HUGE_VAL;

    for (size_t j = 0; j < r->forward.states; j++) {     /* none for work */
        low = fmin(low, r->forward.state[j].acceptance); /* passes over NaN */
        high = fmax(high, r->forward.state[j].acceptance);
    }
    if (low <= high) printf("acceptance  %.2f to %.2f\n", low, high);
}

/* Of a write of a checkpoint that failed, which stops no run. */
static void warn_of_checkpoints(const freeenergy_result *r)
{
    for (int i = 0; i < 2; i++)
        if (r->run[i] != NULL && sf_anneal_run_checkpoint_error(r->run[i])[0] != '\0')
            fprintf(stderr, "sf-freeenergy: warning: no checkpoint: %s\n",
                    sf_anneal_run_checkpoint_error(r->run[i]));
}

/* What log_z is the logarithm of. */
static const char *quantity(const freeenergy_options *o)
{
    return o->work != NULL || o->path == FREEENERGY_TEMPERING ? "log Z1/Z0" : "log Z";
}

static void print_target(const freeenergy_options *o, const freeenergy_result *r)
{
    const bool ratio = o->path == FREEENERGY_TEMPERING;
    const double exact = ratio ? NAN : sf_density_log_z(r->target.density);

    print_choices(o, r);
    if (o->checkpoint != NULL && sf_anneal_run_resumed(r->run[0]))
        printf("resumed     from %s\n", o->checkpoint);
    print_estimate(quantity(o), r->estimate.value, r->estimate.error, "");
    if (ratio)
        printf("            log Z of f less log Z of f^%g: the same energy at %g times the "
               "temperature\n",
               o->first, 1.0 / o->first);
    if (isfinite(exact))
        printf("            known exactly for this target: %.*f, %.1f errors away\n",
               freeenergy_decimals(r->estimate.error) + 1, exact,
               fabs(r->estimate.value - exact) / r->estimate.error);
}

static void print_bounds(const freeenergy_options *o, const freeenergy_result *r)
{
    const int digits = freeenergy_decimals(fmax(r->lower_error, r->upper_error));

    if (r->smc && isfinite(r->upper))
        printf("bounds      %.*f +- %.*f <= %s <= %.*f +- %.*f, from means over islands\n", digits,
               r->lower, digits, r->lower_error, quantity(o), digits, r->upper, digits,
               r->upper_error);
    else if (isfinite(r->upper) && r->upper - r->lower > 1e4)
        printf("bounds      %.4g <= %s <= %.4g\n", r->lower, quantity(o), r->upper);
    else if (isfinite(r->upper))
        printf("bounds      %.*f <= %s <= %.*f; a cycle dissipates %.3g kT\n", digits, r->lower,
               quantity(o), digits, r->upper, r->upper - r->lower);
    else
        printf("bounds      %.*f <= %s; no upper one without the reverse direction\n",
               freeenergy_decimals(r->lower_error), r->lower, quantity(o));
}

static void print_weights(const freeenergy_result *r)
{
    printf("weights     effective %.4g of %zu forward", r->forward.weights.ess, r->forward.count);
    if (r->reverse.log_weight != NULL)
        printf(", %.4g of %zu reverse", r->reverse.weights.ess, r->reverse.count);
    if (r->joined && !r->smc)
        printf("; overlap %.2g, Crooks slope %.3g +- %.2g", r->bar.overlap, r->bar.slope,
               r->bar.slope_error);
    putchar('\n');
}

static void print_exchange(const freeenergy_options *o, const freeenergy_result *r)
{
    const sf_exchange_run *run = r->exchange;
    const sf_exchange_report *e = &r->exchanged;
    const int digits = freeenergy_decimals(r->estimate.error);

    printf("bounds      %.*f +- %.*f <= %s <= %.*f +- %.*f on average, by stepping stone there "
           "and back\n",
           digits, r->lower, digits, r->lower_error, quantity(o), digits, r->upper, digits,
           r->upper_error);
    printf("integration %.*f +- %.*f along the path\n", digits,
           r->base_log_z + e->thermodynamic.estimate.value, digits,
           e->thermodynamic.estimate.error);
    printf("replicas    %zu states, %zu copies, %zu rounds; %zu round trips (ideal: %.0f), "
           "autocorrelation %.3g rounds, R-hat %.3f\n",
           run->states, run->copies, run->rounds, run->round_trips, run->ideal_round_trips, e->time,
           e->r_hat);
}

static void print_annealing(const freeenergy_options *o, const freeenergy_result *r)
{
    print_bounds(o, r);
    print_weights(r);
    print_starts(r);
    print_acceptance(r);
}

void freeenergy_output_print(const freeenergy_options *o, const freeenergy_result *r)
{
    if (r->interrupted)
        fputs("sf-freeenergy: interrupted: the estimate is from the chains until then\n", stderr);
    if (!r->estimate.reliable)
        fprintf(stderr, "sf-freeenergy: warning: not reliable: %s\n", r->estimate.verdict);
    if (r->reverse.log_weight != NULL && !r->joined)
        fprintf(
            stderr,
            "sf-freeenergy: warning: the chains that begin the way back have not settled (R-hat "
            "%.3f): the upper bound is no bound\n",
            r->cold.report.energy.r_hat);
    if (r->annealed.warning[0] != '\0')
        fprintf(stderr, "sf-freeenergy: warning: %s\n", r->annealed.warning);
    warn_of_checkpoints(r);
    if (o->quiet) return;
    if (o->work != NULL)
        print_work(o, r);
    else
        print_target(o, r);
    if (r->exchange != NULL)
        print_exchange(o, r);
    else
        print_annealing(o, r);
    if (o->work == NULL)
        printf("cost        %.3g evaluations, %.2f s\n", (double)r->evaluations, r->seconds);
    printf("verdict     %s%s\n", r->estimate.verdict, r->interrupted ? " (interrupted)" : "");
}
