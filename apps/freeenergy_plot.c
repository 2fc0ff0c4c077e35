/* freeenergy_plot.c - the picture of sf-freeenergy: the distributions of the work in both
 * directions with their crossing, the estimate against the number of chains, and of a target what
 * the log-weights did along the path. */
#include "freeenergy_output.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PREFIXES 24 /* estimates from the first chains alone */
#define FEWEST   8  /* chains of one */

/* ---- distributions --------------------------------------------------------------------------- */

/* A histogram as a line of steps over the edges of its bins. */
typedef struct steps {
    size_t count;
    double *x, *y, *zero;
} steps;

typedef struct distributions {
    sf_histogram histogram;
    steps forward, reverse;
    double result[2], tall[2];
    sf_curve curves[3];
    char x_label[64], label[80];
} distributions;

static void steps_release(steps *s)
{
    sf_free(s->x);
    sf_free(s->y);
    sf_free(s->zero);
}

static void distributions_release(distributions *d)
{
    sf_histogram_release(&d->histogram);
    steps_release(&d->forward);
    steps_release(&d->reverse);
}

/* Values of the histogram are log-weights: x = origin + scale value, densities by |scale|. */
static sf_status fill_steps(const sf_histogram *h, const double *density, double origin,
                            double scale, steps *s)
{
    sf_status status;

    s->count = 2 * h->bins + 2;
    GO(sf_allocate(&s->x, s->count, sizeof *s->x));
    GO(sf_allocate(&s->y, s->count, sizeof *s->y));
    GO(sf_allocate(&s->zero, s->count, sizeof *s->zero));
    for (size_t k = 0; k <= h->bins; k++) {
        s->x[2 * k] = s->x[2 * k + 1] = origin + scale * (h->low + (double)k * h->width);
        if (k < h->bins) s->y[2 * k + 1] = s->y[2 * k + 2] = density[k] / fabs(scale);
    }
done:
    return status;
}

static sf_status add_steps(const sf_histogram *h, const sf_histogram_row *row, double origin,
                           double scale, const char *label, steps *s, distributions *d,
                           sf_frame *frame)
{
    sf_status status;

    GO(fill_steps(h, row->density, origin, scale, s));
    for (size_t i = 0; i < s->count; i++) d->tall[1] = fmax(d->tall[1], s->y[i]);
    d->curves[frame->count++] = (sf_curve){
        .label = label, .count = s->count, .x = s->x, .y = s->y, .low = s->zero, .high = s->y};
done:
    return status;
}

/* The histograms and, across them, the result: of work against W, of a target against the log Z
 * that a single chain would give. */
static sf_status draw_distributions(const freeenergy_options *o, const freeenergy_result *r,
                                    distributions *d, sf_frame *frame)
{
    const bool work = o->work != NULL, both = r->reverse.log_weight != NULL;
    const double scale = work ? -r->kt : 1.0;
    const int digits = freeenergy_decimals(r->kt * r->estimate.error);
    const char *unit = freeenergy_unit(o);
    sf_status status;

    *frame = (sf_frame){.axes = {.title = both ? "Both directions cross at the result" : "Weights",
                                 .x_label = d->x_label,
                                 .y_label = "probability density"},
                        .curves = d->curves};
    (void)snprintf(d->x_label, sizeof d->x_label, work ? "work [%s]" : "log Z by a single chain",
                   unit);
    GO(sf_work_histogram(r->forward.log_weight, r->forward.count, r->reverse.log_weight,
                         r->reverse.count, 0, &d->histogram));
    GO(add_steps(&d->histogram, &d->histogram.forward, r->base_log_z, scale,
                 work ? "forward, W" : "forward", &d->forward, d, frame));
    if (both)
        GO(add_steps(&d->histogram, &d->histogram.reverse, r->base_log_z, scale,
                     work ? "reverse, -W" : "reverse", &d->reverse, d, frame));
    d->result[0] = d->result[1] = work ? scale * r->estimate.value : r->estimate.value;
    if (work)
        (void)snprintf(d->label, sizeof d->label, "Delta F = %.*f %s", digits, d->result[0], unit);
    else
        (void)snprintf(d->label, sizeof d->label, "log Z = %.*f", digits, d->result[0]);
    d->curves[frame->count++] =
        (sf_curve){.label = d->label, .count = 2, .x = d->result, .y = d->tall};
done:
    return status;
}

/* ---- convergence ----------------------------------------------------------------------------- */

typedef struct convergence {
    size_t count;
    double chains[PREFIXES], value[PREFIXES], low[PREFIXES], high[PREFIXES];
    double forward[PREFIXES], reverse[PREFIXES];
    sf_curve curves[3];
} convergence;

/* One direction alone; NaN where its weights are all zero. */
static double one_sided(const double *log_weight, size_t count)
{
    sf_weights w;

    return sf_weights_measure(log_weight, count, &w) == SF_OK ? w.log_mean : NAN;
}

/* What `first` forward chains say, with the same share of the reverse ones. */
static void estimate_prefix(const freeenergy_result *r, size_t first, convergence *c)
{
    const double share = (double)first / (double)r->forward.count;
    const size_t back = (size_t)ceil(share * (double)r->reverse.count);
    const size_t i = c->count++;
    sf_log_z z = {.value = NAN, .error = NAN};

    if (freeenergy_estimate(r, first, back, &z) != SF_OK) z.value = z.error = NAN;
    c->chains[i] = (double)(first + back);
    c->value[i] = z.value;
    c->low[i] = z.value - z.error;
    c->high[i] = z.value + z.error;
    c->forward[i] = r->base_log_z + one_sided(r->forward.log_weight, first);
    if (back > 0) c->reverse[i] = r->base_log_z - one_sided(r->reverse.log_weight, back);
}

static sf_frame draw_convergence(const freeenergy_options *o, const freeenergy_result *r,
                                 convergence *c)
{
    const bool both = r->reverse.log_weight != NULL;
    const double from = fmin(FEWEST, (double)r->forward.count), to = (double)r->forward.count;
    size_t count = 0, last = 0;

    c->count = 0;
    for (size_t i = 0; i < PREFIXES; i++) {
        const size_t first = (size_t)round(from * pow(to / from, (double)i / (PREFIXES - 1)));
        if (first > last) estimate_prefix(r, first, c);
        last = first;
    }
    c->curves[count++] = (sf_curve){.label = both ? "both, +- 1 sigma" : "estimate, +- 1 sigma",
                                    .count = c->count,
                                    .x = c->chains,
                                    .y = c->value,
                                    .low = c->low,
                                    .high = c->high};
    if (both) {
        c->curves[count++] = (sf_curve){
            .label = "forward alone", .count = c->count, .x = c->chains, .y = c->forward};
        c->curves[count++] = (sf_curve){
            .label = "reverse alone", .count = c->count, .x = c->chains, .y = c->reverse};
    }
    return (sf_frame){.axes = {.title = "Convergence",
                               .x_label = o->work != NULL ? "values" : "chains",
                               .y_label = o->work != NULL ? "log Z1/Z0" : "log Z",
                               .log_x = true},
                      .curves = c->curves,
                      .count = count};
}

/* ---- along the path -------------------------------------------------------------------------- */

/* Of one direction, against the number of the temperature. */
typedef struct along {
    size_t count;
    double *x, *mean, *low, *high, *ess, *acceptance;
} along;

static void along_release(along *a)
{
    double *const arrays[] = {a->x, a->mean, a->low, a->high, a->ess, a->acceptance};

    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) sf_free(arrays[i]);
}

/* The log-weights less what they are to be on average, log of Z_b over Z of the start: their mean
 * is below that by what was dissipated on the way. */
static sf_status fill_along(const freeenergy_side *s, along *a)
{
    double **const arrays[] = {&a->x, &a->mean, &a->low, &a->high, &a->ess, &a->acceptance};
    sf_status status = SF_OK;

    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0] && status == SF_OK; i++)
        status = sf_allocate(arrays[i], s->states, sizeof **arrays[i]);
    a->count = status == SF_OK ? s->states : 0;
    for (size_t j = 0; j < a->count; j++) {
        const sf_anneal_state *state = &s->state[j];
        const double spread = sqrt(state->variance);

        a->x[j] = (double)j;
        a->mean[j] = state->mean - state->log_z;
        a->low[j] = a->mean[j] - spread;
        a->high[j] = a->mean[j] + spread;
        a->ess[j] = state->ess / (double)s->count;
        a->acceptance[j] = state->acceptance;
    }
    return status;
}

typedef struct journey {
    along side[2];
    sf_curve spread[2], figures[4];
    char x_label[96];
} journey;

static sf_status draw_journey(const freeenergy_result *r, journey *g, sf_frame frames[2])
{
    const freeenergy_side *const sides[2] = {&r->forward, &r->reverse};
    static const char *const labels[][3] = {
        {"forward, +- 1 sigma", "effective share, forward", "acceptance, forward"},
        {"reverse, +- 1 sigma", "effective share, reverse", "acceptance, reverse"}};
    const size_t count = r->reverse.log_weight != NULL ? 2 : 1;
    sf_status status = SF_OK;

    (void)snprintf(g->x_label, sizeof g->x_label, "temperature (0: base, %zu: target)",
                   r->schedule.count - 1);
    for (size_t k = 0; k < count; k++) {
        along *a = &g->side[k];
        GO(fill_along(sides[k], a));
        g->spread[k] = (sf_curve){.label = labels[k][0],
                                  .count = a->count,
                                  .x = a->x,
                                  .y = a->mean,
                                  .low = a->low,
                                  .high = a->high};
        g->figures[k] =
            (sf_curve){.label = labels[k][1], .count = a->count, .x = a->x, .y = a->ess};
        g->figures[count + k] =
            (sf_curve){.label = labels[k][2], .count = a->count, .x = a->x, .y = a->acceptance};
    }
    frames[0] = (sf_frame){.axes = {.title = "Log-weights on their way",
                                    .x_label = g->x_label,
                                    .y_label = "log w - log of its mean"},
                           .curves = g->spread,
                           .count = count};
    frames[1] = (sf_frame){.axes = {.title = "Effective sample size and acceptance",
                                    .x_label = g->x_label,
                                    .y_label = "share"},
                           .curves = g->figures,
                           .count = 2 * count};
done:
    return status;
}

/* ---- islands of resampled chains ------------------------------------------------------------- */

typedef struct islands {
    double *x[2], *y[2], *error[2], ends[2], result[2];
    sf_curve curves[3];
} islands;

static void islands_release(islands *l)
{
    for (int k = 0; k < 2; k++) {
        sf_free(l->x[k]);
        sf_free(l->y[k]);
        sf_free(l->error[k]);
    }
}

/* The log Z of every island with its own error, and the result. */
static sf_status draw_islands(const freeenergy_result *r, islands *l, sf_frame *frame)
{
    static const char *const labels[] = {"forward", "reverse"};
    size_t curves = 0;
    sf_status status = SF_OK;

    for (int k = 0; k < 2 && r->run[k] != NULL; k++) {
        const sf_anneal_island *island = sf_anneal_run_island(r->run[k]);
        const size_t count = sf_anneal_run_islands(r->run[k]);

        GO(sf_allocate(&l->x[k], count, sizeof *l->x[k]));
        GO(sf_allocate(&l->y[k], count, sizeof *l->y[k]));
        GO(sf_allocate(&l->error[k], count, sizeof *l->error[k]));
        for (size_t i = 0; i < count; i++) {
            l->x[k][i] = (double)(i + 1) + 0.2 * k;
            l->y[k][i] = r->base_log_z + (k == 0 ? 1.0 : -1.0) * island[i].log_z;
            l->error[k][i] = sqrt(fmax(island[i].variance, 0.0));
        }
        l->ends[1] = fmax(l->ends[1], (double)count + 1.0);
        l->curves[curves++] = (sf_curve){.label = labels[k],
                                         .count = count,
                                         .x = l->x[k],
                                         .y = l->y[k],
                                         .error = l->error[k],
                                         .points = true};
    }
    l->result[0] = l->result[1] = r->estimate.value;
    l->curves[curves++] = (sf_curve){.label = "together", .count = 2, .x = l->ends, .y = l->result};
    *frame = (sf_frame){.axes = {.title = "Islands", .x_label = "island", .y_label = "log Z"},
                        .curves = l->curves,
                        .count = curves};
done:
    return status;
}

/* ---- replica exchange ------------------------------------------------------------------------ */

typedef struct ladder {
    double x[4], value[4], error[4], *between;
    double ends[2], result[2];
    sf_curve estimates[2], curve, rates[2];
} ladder;

/* The four estimates; log Z along the path; acceptance of moves and refusal of swaps. */
static sf_status draw_ladder(const freeenergy_result *r, ladder *l, sf_frame frames[3])
{
    const sf_exchange_run *run = r->exchange;
    const sf_exchange_report *e = &r->exchanged;
    const sf_log_z all[] = {e->estimate, e->forward, e->backward, e->thermodynamic.estimate};
    sf_status status;

    GO(sf_allocate(&l->between, run->states, sizeof *l->between));
    for (size_t i = 0; i + 1 < run->states; i++) l->between[i] = 0.5 * (run->b[i] + run->b[i + 1]);
    for (size_t i = 0; i < 4; i++) {
        l->x[i] = (double)(i + 1);
        l->value[i] = r->base_log_z + all[i].value;
        l->error[i] = all[i].error;
    }
    l->ends[0] = 0.5;
    l->ends[1] = 4.5;
    l->result[0] = l->result[1] = r->estimate.value;
    l->estimates[0] =
        (sf_curve){.count = 4, .x = l->x, .y = l->value, .error = l->error, .points = true};
    l->estimates[1] = (sf_curve){.count = 2, .x = l->ends, .y = l->result};
    l->curve = (sf_curve){
        .count = run->states, .x = run->b, .y = r->curve, .error = r->curve_error, .points = true};
    l->rates[0] = (sf_curve){
        .label = "moves accepted", .count = run->states, .x = run->b, .y = run->acceptance};
    l->rates[1] = (sf_curve){
        .label = "swaps refused", .count = run->states - 1, .x = l->between, .y = run->rejection};
    frames[0] = (sf_frame){.axes = {.title = "Four estimates",
                                    .x_label = "1: MBAR, 2, 3: stepping stone, 4: integration",
                                    .y_label = "log Z"},
                           .curves = l->estimates,
                           .count = 2};
    frames[1] =
        (sf_frame){.axes = {.title = "Along the path", .x_label = "b", .y_label = "log Z_b/Z_0"},
                   .curves = &l->curve,
                   .count = 1};
    frames[2] = (sf_frame){.axes = {.title = "Rates", .x_label = "b", .y_label = "share"},
                           .curves = l->rates,
                           .count = 2};
done:
    return status;
}

sf_status freeenergy_plot(const freeenergy_options *o, const freeenergy_result *r)
{
    const int digits = freeenergy_decimals(r->estimate.error);
    distributions d = {.x_label = ""};
    convergence c = {.count = 0};
    journey g = {.x_label = ""};
    ladder l = {.between = NULL};
    islands i = {.x = {NULL}};
    sf_frame frames[4];
    size_t count = 2;
    char title[256];
    sf_status status;

    if (r->exchange != NULL) {
        GO(draw_ladder(r, &l, frames));
        count = 3;
    } else if (r->smc) {
        GO(draw_journey(r, &g, &frames[0])); /* the first of the two means nothing here */
        GO(draw_islands(r, &i, &frames[0]));
    } else {
        GO(draw_distributions(o, r, &d, &frames[0]));
        frames[1] = draw_convergence(o, r, &c);
    }
    if (o->work == NULL && r->exchange == NULL && !r->smc) {
        GO(draw_journey(r, &g, &frames[2]));
        count = 4;
    }
    (void)snprintf(title, sizeof title, "%.120s: log Z%s = %.*f +- %.*f%s", freeenergy_question(o),
                   o->work != NULL || o->path == FREEENERGY_TEMPERING ? "1/Z0" : "", digits,
                   r->estimate.value, digits, r->estimate.error,
                   r->estimate.reliable ? "" : " (not reliable)");
    status = sf_plot_frames(o->plot, o->force != 0, title, frames, count, count == 3 ? 3 : 2);
done:
    distributions_release(&d);
    sf_free(l.between);
    islands_release(&i);
    along_release(&g.side[0]);
    along_release(&g.side[1]);
    return status;
}
