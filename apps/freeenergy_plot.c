/* freeenergy_plot.c - the picture of sf-freeenergy: the distributions of the work in both
 * directions with their crossing, and the estimate against the number of chains. */
#include "freeenergy_output.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PREFIXES 24 /* estimates from the first chains alone */
#define FEWEST   8  /* chains of one */

/* ---- distributions ----------------------------------------------------------------------------
 */

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

/* The histograms and, across them, the result. */
static sf_status draw_distributions(const freeenergy_options *o, const freeenergy_result *r,
                                    distributions *d, sf_frame *frame)
{
    const char *unit = o->unit_text != NULL ? o->unit_text : "kT";
    const bool both = r->reverse.log_weight != NULL;
    sf_status status;

    *frame = (sf_frame){
        .axes = {.title = both ? "Work in both directions crosses at the result" : "Work",
                 .x_label = d->x_label,
                 .y_label = "probability density"},
        .curves = d->curves};
    (void)snprintf(d->x_label, sizeof d->x_label, "work [%s]", unit);
    GO(sf_work_histogram(r->forward.log_weight, r->forward.count, r->reverse.log_weight,
                         r->reverse.count, 0, &d->histogram));
    GO(add_steps(&d->histogram, &d->histogram.forward, 0.0, -r->kt, "forward, W", &d->forward, d,
                 frame));
    if (both)
        GO(add_steps(&d->histogram, &d->histogram.reverse, 0.0, -r->kt, "reverse, -W", &d->reverse,
                     d, frame));
    d->result[0] = d->result[1] = -r->kt * r->estimate.value;
    (void)snprintf(d->label, sizeof d->label, "Delta F = %.*f %s",
                   freeenergy_decimals(r->kt * r->estimate.error), d->result[0], unit);
    d->curves[frame->count++] =
        (sf_curve){.label = d->label, .count = 2, .x = d->result, .y = d->tall};
done:
    return status;
}

/* ---- convergence ------------------------------------------------------------------------------
 */

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

static sf_frame draw_convergence(const freeenergy_result *r, convergence *c)
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
                               .x_label = "values",
                               .y_label = "log Z1/Z0",
                               .log_x = true},
                      .curves = c->curves,
                      .count = count};
}

sf_status freeenergy_plot(const freeenergy_options *o, const freeenergy_result *r)
{
    distributions d = {.x_label = ""};
    convergence c = {.count = 0};
    sf_frame frames[2];
    char title[160];
    sf_status status;

    GO(draw_distributions(o, r, &d, &frames[0]));
    frames[1] = draw_convergence(r, &c);
    (void)snprintf(title, sizeof title, "log Z1/Z0 = %.*f +- %.*f%s",
                   freeenergy_decimals(r->estimate.error), r->estimate.value,
                   freeenergy_decimals(r->estimate.error), r->estimate.error,
                   r->estimate.reliable ? "" : " (not reliable)");
    status = sf_plot_frames(o->plot, o->force != 0, title, frames, 2, 2);
done:
    distributions_release(&d);
    return status;
}
