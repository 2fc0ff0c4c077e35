/* test_steps.c - every step to the last digit: for one cell of variance lambda a sample is a linear
 * combination of the numbers that it is made of, with the coefficients that the papers' formulas
 * have; and Metropolis' choice is that of the textbook's transition densities. */
#include "check.h"

#include <scorefield/diffusion.h>

#include <string.h>

#define LAMBDA 1.7
#define MEAN   0.6

enum { STEPS = 12, TABLE = 100, SAMPLES = 3 };

static double table[TABLE];

static double flat(double k, void *user)
{
    (void)k;
    (void)user;
    return LAMBDA;
}

static sf_prior *one_cell(void)
{
    const size_t shape[1] = {1};
    sf_spectrum *spectrum;
    sf_prior *prior;
    sf_grid grid;

    assert_ok(sf_grid_make(1, shape, NULL, &grid));
    assert_ok(sf_spectrum_callback(flat, NULL, &spectrum));
    assert_ok(sf_prior_gaussian(&grid, spectrum, MEAN, &prior));
    sf_spectrum_release(&spectrum);
    return prior;
}

/* What a step knows: x_t, the clean image and half the log-SNR of the step before.
 */
typedef struct walker {
    double x, before, last;
} walker;

static double sigma2(const sf_marginal *m) { return m->sigma * m->sigma; }

/* The papers' steps, with noise e. */
static double paper_step(const sf_sample_options *o, size_t step, double h, const sf_marginal *t,
                         const sf_marginal *s, double e, walker *w)
{
    const double st = t->sigma, ss = s->sigma, at = t->alpha, as = s->alpha, x = w->x;
    const bool ve = at == 1.0 && as == 1.0;
    const double beta = 1.0 - at * at / (as * as), g2 = ve ? st * st - ss * ss : beta;
    const double d = log(as / ss) - log(at / st), r = (log(at / st) - w->last) / d;
    const double score = (at * MEAN - x) / (at * at * LAMBDA + st * st),
                 clean = (x + st * st * score) / at;
    const double before = w->before;
    double c;

    w->before = clean;
    w->last = log(at / st);
    switch (o->predictor) {
    case SF_PREDICTOR_EULER_MARUYAMA:
        return x - h * (t->f * x - t->g2 * score) + sqrt(t->g2 * h) * e;
    case SF_PREDICTOR_REVERSE_DIFFUSION:
        return (ve ? x : (2.0 - sqrt(1.0 - beta)) * x) + g2 * score + sqrt(g2) * e;
    case SF_PREDICTOR_ANCESTRAL:
        if (ve) return x + g2 * score + ss * sqrt(g2) / st * e;
        return as * beta / sigma2(t) * clean + sqrt(1.0 - beta) * sigma2(s) / sigma2(t) * x +
               sqrt(beta * sigma2(s) / sigma2(t)) * e;
    case SF_PREDICTOR_DDIM:
        c = o->eta * ss / st * sqrt(g2);
        return as * clean + sqrt(ss * ss - c * c) * -st * score + c * e;
    case SF_PREDICTOR_FLOW_EULER: return x - h * (t->f * x - 0.5 * t->g2 * score);
    case SF_PREDICTOR_MULTISTEP:
        c = step == 0 ? clean : (1.0 + 0.5 / r) * clean - 0.5 / r * before;
        return ss / st * x - as * expm1(-d) * c;
    default: /* MULTISTEP_SDE */
        c = step == 0 ? 0.0 : 0.5 * (clean - before) / r;
        return ss / st * exp(-d) * x + as * (1.0 - exp(-2.0 * d)) * (clean + c) +
               ss * sqrt(1.0 - exp(-2.0 * d)) * e;
    }
}

/* (z - D)/u, which is -u times the score */
static double noise_of(double z, double u) { return u * (z - MEAN) / (LAMBDA + u * u); }

/* Karras et al., algorithm 2, for z = x/alpha. */
static double paper_heun(const sf_sample_options *o, double first, double u, double to, double e,
                         double z)
{
    const double gamma = u >= o->churn_low && u <= o->churn_high
                             ? fmin(o->churn / (double)o->steps, sqrt(2.0) - 1.0)
                             : 0.0;
    const double hat = fmin(u + gamma * u, first);
    double slope, next, correction;

    z += o->churn_noise * sqrt(hat * hat - u * u) * e;
    slope = noise_of(z, hat);
    next = z + (to - hat) * slope;
    correction = noise_of(next, to);
    return z + (to - hat) * (0.5 * slope + 0.5 * correction);
}

/* Number `slot` of sample `sample`. */
static double number(const sf_sample_options *o, uint64_t sample, uint64_t slot)
{
    double e;

    sf_random_normal(sf_random_make(o->seed, o->stream), sample, slot, 1, &e);
    return e;
}

/* Sample i of the run. */
static double paper_sample(const sf_sample_options *o, const sf_diffusion *diffusion, uint64_t i)
{
    double times[STEPS + 1], first;
    sf_marginal t, s;
    walker w = {0.0, 0.0, 0.0};

    assert_ok(sf_diffusion_times(diffusion, o->spacing, o->rho, o->steps, times));
    assert_ok(sf_diffusion_at(diffusion, times[0], &t));
    first = t.level;
    w.x = t.alpha * (*o->mean + sqrt(first * first + o->variance) * number(o, i, 0));
    for (size_t step = 0; step < o->steps; step++) {
        const double e = number(o, i, 1 + 2 * step); /* slots of moves lie between */
        assert_ok(sf_diffusion_at(diffusion, times[step + 1], &s));
        if (o->predictor == SF_PREDICTOR_FLOW_HEUN)
            w.x = s.alpha * paper_heun(o, first, t.level, s.level, e, w.x / t.alpha);
        else
            w.x = paper_step(o, step, times[step] - times[step + 1], &t, &s, e, &w);
        t = s;
    }
    return w.x / t.alpha;
}

static void every_step_is_the_papers(void **state)
{
    const double mean = 1.1; /* of the start; not the prior's */
    sf_prior *prior = one_cell();
    double x[SAMPLES];
    sf_diffusion d[5];

    (void)state;
    assert_ok(sf_ddpm_linear(TABLE, table));
    assert_ok(sf_diffusion_edm(0.02, 80.0, &d[0]));
    assert_ok(sf_diffusion_geometric(0.1, 20.0, &d[1]));
    assert_ok(sf_diffusion_vp(0.1, 20.0, 1e-3, &d[2]));
    assert_ok(sf_diffusion_cosine(0.008, 0.01, 0.99, &d[3]));
    assert_ok(sf_diffusion_ddpm(TABLE, table, &d[4]));
    for (size_t p = 0; p < 5; p++)
        for (int m = 0; m < SF_PREDICTOR_ADAPTIVE; m++)
            for (int variant = 0; variant < 2; variant++) {
                sf_sample_options o = sf_sample_options_default();
                o.predictor = (sf_predictor)m;
                o.eta = variant == 0 ? 0.0 : 0.6;
                o.churn = variant == 0 ? 2.0 : 20.0; /* below and above the most */
                o.churn_low = 0.05;
                o.churn_high = 30.0;
                o.churn_noise = 1.003;
                o.spacing = variant == 0 ? SF_TIMES_RHO : SF_TIMES_UNIFORM;
                o.steps = STEPS;
                o.variance = 1.3;
                o.mean = &mean;
                o.first = 7;
                o.stream = 3;
                assert_ok(sf_sample(prior, &d[p], &o, SAMPLES, x, NULL));
                for (uint64_t i = 0; i < SAMPLES; i++) {
                    const double paper = paper_sample(&o, &d[p], 7 + i);
                    assert_close(x[i], paper, 1e-9 * (1.0 + fabs(paper)));
                }
            }
    sf_prior_release(&prior);
}

/* log of the transition density of Langevin's move from x to y, up to a constant. */
static double log_move(double x, double y, double variance, double step, double m)
{
    const double miss = y - x + step * m * (x - MEAN) / variance;

    return -miss * miss / (4.0 * step * m);
}

static sf_status twice_the_variance(void *user, const sf_grid *grid, double level, double *m)
{
    (void)user;
    (void)grid;
    m[0] = 2.0 * (LAMBDA + level * level);
    return SF_OK;
}

static void metropolis_choice_is_the_textbooks(void **state)
{
    enum { MOVED = 20000 };
    static double x[MOVED], before[MOVED];
    const double level = 1.1, variance = LAMBDA + level * level;
    sf_sample_options o = sf_sample_options_default();
    sf_prior *prior = one_cell();
    sf_sample_report report;
    size_t accepted = 0;
    sf_diffusion d;

    (void)state;
    assert_ok(sf_diffusion_edm(level, level * (1.0 + 1e-12), &d));
    o.predictor = SF_PREDICTOR_DDIM;
    o.corrector = SF_CORRECTOR_MALA;
    o.precondition = twice_the_variance;
    o.step = 0.75;
    o.steps = 1;
    o.given = true;
    for (int i = 0; i < MOVED; i++) before[i] = x[i] = MEAN + 6.0 * sin(i);
    assert_ok(sf_sample(prior, &d, &o, MOVED, x, &report));
    for (uint64_t i = 0; i < MOVED; i++) {
        const double m = 2.0 * variance, from = before[i];
        const double to = from - o.step * m * (from - MEAN) / variance +
                          sqrt(2.0 * o.step * m) * number(&o, i, 2);
        const double energy =
            ((to - MEAN) * (to - MEAN) - (from - MEAN) * (from - MEAN)) / variance;
        double uniform;
        sf_random_uniform(sf_random_make(o.seed, o.stream), i, 2, 1, &uniform);
        if (log(uniform) < -0.5 * energy + log_move(to, from, variance, o.step, m) -
                               log_move(from, to, variance, o.step, m)) {
            assert_close(x[i], to, 1e-9);
            accepted++;
        } else
            assert_close(x[i], from, 1e-9);
    }
    assert_true(accepted > MOVED / 10 && accepted < MOVED - MOVED / 10);
    assert_close(report.acceptance, (double)accepted / MOVED, 1e-12);
    sf_prior_release(&prior);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_the_papers),
        cmocka_unit_test(metropolis_choice_is_the_textbooks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
