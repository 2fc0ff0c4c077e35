/* exchange_estimate.c - log Z from the samples of replica exchange by thermodynamic integration,
 * stepping stone and MBAR. Their errors come from their terms: an estimate is, to first order, the
 * mean over rounds and copies of
 *     sum_k c_k d log f_k/db                       thermodynamic integration, rule c
 *     sum_k e^w_k / mean e^w_k                     stepping stone, w_k the log-ratio of stage k
 *     (rounds copies) H^-1 sum_k P_k               MBAR: a Newton step per round, P_k the row of
 * the sample of state k (see mbar.c) up to constants, and the error of a mean of correlated terms
 * is known (sf_chains_diagnose). Terms hold all states of a round, and with them what the states
 * have in common. */
#include "free_energy/ladder.h"
#include "free_energy/mbar.h"

#include <lapacke.h>
#include <limits.h>
#include <string.h>

#define LARGEST_R_HAT 1.05
#define LARGEST_APART 4.0
#define LEAST_ROUNDS  8     /* of sf_chains_diagnose */
#define ROUNDING      1e-12 /* of a term */
#define BATCHES       32    /* at least, for an error that is known to 13 % */
#define LONG_BATCHES  4     /* of each copy, where that is as many */

typedef struct analysis {
    const sf_exchange_run *run;
    size_t states, terms; /* rounds x copies */
    double (*share)[2];   /* states */
    double *log_ratio;    /* of a stage: terms */
    double *sum;          /* terms, copy by copy: what is diagnosed */
    double *other;
    double *rows; /* (states - 1) x terms, copy by copy: sum of P, then MBAR's terms */
    sf_reduced_potentials potentials;
    size_t *counts;
    sf_mbar *mbar;
} analysis;

/* Sample of a state, of a term copy by copy. */
static size_t sample(const analysis *a, size_t term, size_t state)
{
    const size_t rounds = a->run->rounds, copy = term / rounds, round = term % rounds;

    return (round * a->run->copies + copy) * a->states + state;
}

/* The term that a sample belongs to. */
static size_t term_of(const analysis *a, size_t number)
{
    const size_t at = number / a->states;

    return at % a->run->copies * a->run->rounds + at / a->run->copies;
}

static double log_f(const analysis *a, size_t state, size_t number)
{
    return sf_bridge(a->share[state], a->run->log_f0[number], a->run->log_f1[number]);
}

/* u of samples first ... first + count - 1. */
static sf_status read_potentials(void *user, size_t first, size_t count, double *u)
{
    const analysis *a = user;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < a->states; k++) u[i * a->states + k] = -log_f(a, k, first + i);
    return SF_OK;
}

static sf_status analysis_create(const sf_exchange_run *run, analysis *a)
{
    const size_t states = run->states, terms = run->rounds * run->copies;

    *a = (analysis){.run = run, .states = states, .terms = terms};
    if (run->rounds < LEAST_ROUNDS)
        return sf_fail(SF_ERR_ARGUMENT, "%zu rounds of exchange have no error; it takes %d",
                       run->rounds, LEAST_ROUNDS);
    if (terms > INT_MAX || states > INT_MAX)
        return sf_fail(SF_ERR_ARGUMENT, "%zu rounds of %zu copies are too many to analyse",
                       run->rounds, run->copies);
    SF_TRY(sf_allocate(&a->share, states, sizeof *a->share));
    SF_TRY(sf_allocate(&a->log_ratio, terms, (states - 1) * sizeof *a->log_ratio));
    SF_TRY(sf_allocate(&a->sum, terms, sizeof *a->sum));
    SF_TRY(sf_allocate(&a->other, terms, sizeof *a->other));
    SF_TRY(sf_allocate(&a->rows, terms, (states - 1) * sizeof *a->rows));
    SF_TRY(sf_allocate(&a->counts, states, sizeof *a->counts));
    for (size_t k = 0; k < states; k++) {
        sf_path_shares(run->path, run->b[k], a->share[k]);
        a->counts[k] = terms;
    }
    a->potentials = (sf_reduced_potentials){.states = states,
                                            .samples = terms * states,
                                            .counts = a->counts,
                                            .read = read_potentials,
                                            .user = a};
    return SF_OK;
}

static void analysis_destroy(analysis *a)
{
    sf_mbar_release(&a->mbar);
    sf_free(a->share);
    sf_free(a->log_ratio);
    sf_free(a->sum);
    sf_free(a->other);
    sf_free(a->rows);
    sf_free(a->counts);
}

/* Squared error of the mean by that of batches, a few long ones of each copy. */
static double batch_variance(const analysis *a, const double *terms)
{
    const size_t copies = a->run->copies, rounds = a->run->rounds;
    const size_t wanted =
        copies * LONG_BATCHES < BATCHES ? (BATCHES + copies - 1) / copies : LONG_BATCHES;
    const size_t batches = wanted < rounds ? wanted : rounds, length = rounds / batches;
    const double count = (double)(copies * batches);
    double mean = 0.0, squares = 0.0;

    for (size_t i = 0; i < copies * batches; i++) {
        const double *batch = terms + i / batches * rounds + i % batches * length;
        double sum = 0.0, difference;

        for (size_t j = 0; j < length; j++) sum += batch[j];
        difference = sum / (double)length - mean;
        mean += difference / (double)(i + 1);
        squares += difference * (sum / (double)length - mean);
    }
    return squares / (count - 1.0) / count;
}

/* Slow wandering between modes shows in a long tail of weak correlations that the diagnosis cuts
 * off as noise; long batches hold it. The larger error of both. */
static sf_status diagnose(const analysis *a, const double *terms, sf_chains_diagnosis *d)
{
    double square;

    SF_TRY(sf_chains_diagnose(a->run->copies, a->run->rounds, terms, d));
    if (!(sqrt(d->variance) > ROUNDING * fmax(1.0, fabs(d->mean)))) { /* alike: exact */
        d->error = 0.0;
        d->r_hat = d->time = 1.0;
        d->long_enough = true;
        return SF_OK;
    }
    square = batch_variance(a, terms);
    if (!(square > d->error * d->error)) return SF_OK;
    d->error = sqrt(square);
    d->effective = d->variance / square;
    d->time = (double)a->terms / d->effective;
    return SF_OK;
}

/* ---- thermodynamic integration -------------------------------------------------------------- */

/* mean[k] = of d log f_k/db, and sum += c_k times it; false where it is infinite. */
static bool add_slopes(const analysis *a, size_t state, double c, double *mean)
{
    sf_sum total = {0.0, 0.0};

    for (size_t i = 0; i < a->terms; i++) {
        const size_t n = sample(a, i, state);
        const double slope =
            sf_path_bridge_slope(a->run->path, a->run->log_f0[n], a->run->log_f1[n]);

        sf_sum_add(&total, slope);
        a->sum[i] += c * slope;
    }
    *mean = sf_sum_value(&total) / (double)a->terms;
    return isfinite(*mean);
}

static sf_status integrate(const analysis *a, sf_thermodynamic_report *r)
{
    const size_t states = a->states;
    const sf_quadrature rule = states > 2 ? SF_QUADRATURE_CUBIC : SF_QUADRATURE_TRAPEZOID;
    sf_chains_diagnosis d;
    double *work;
    sf_status status;

    SF_TRY(sf_allocate(&work, 3 * states, sizeof *work));
    SF_GO(sf_quadrature_coefficients(rule, states, a->run->b, work, work + states));
    memset(a->sum, 0, a->terms * sizeof *a->sum);
    for (size_t k = 0; k < states; k++) {
        if (add_slopes(a, k, work[k], &work[2 * states + k])) continue;
        r->discretisation = NAN;
        sf_log_z_set(&r->estimate, NAN, NAN);
        sf_log_z_doubt(&r->estimate, "the mean of d log f/db at b = %g is not finite",
                       a->run->b[k]);
        goto done;
    }
    SF_GO(diagnose(a, a->sum, &d));
    SF_GO(sf_thermodynamic_integration(rule, states, a->run->b, work + 2 * states, NULL, r));
    sf_log_z_set(&r->estimate, r->estimate.value, d.error);
    sf_thermodynamic_judge(r);
done:
    sf_free(work);
    return status;
}

/* ---- stepping stone ------------------------------------------------------------------------- */

/* log_ratio (stages x terms) between a stage's samples and its other end, and `terms` of their
 * sum. */
static void weigh_stages(const analysis *a, bool backward, double *terms)
{
    memset(terms, 0, a->terms * sizeof *terms);
    for (size_t j = 0; j + 1 < a->states; j++) {
        const size_t from = backward ? j + 1 : j, to = backward ? j : j + 1;
        double *w = a->log_ratio + j * a->terms, largest = -INFINITY;
        sf_sum sum = {0.0, 0.0};

        for (size_t i = 0; i < a->terms; i++) {
            const size_t n = sample(a, i, from);

            w[i] = log_f(a, to, n) - log_f(a, from, n);
            if (w[i] > largest) largest = w[i];
        }
        for (size_t i = 0; i < a->terms; i++) sf_sum_add(&sum, exp(w[i] - largest));
        for (size_t i = 0; i < a->terms; i++)
            terms[i] += (backward ? -1.0 : 1.0) * exp(w[i] - largest) * (double)a->terms /
                        sf_sum_value(&sum);
    }
}

static sf_status step(const analysis *a, bool backward, double *terms, sf_log_z *log_z)
{
    sf_stepping_stone_report r;
    sf_chains_diagnosis d;

    weigh_stages(a, backward, terms);
    SF_TRY(sf_stepping_stone(a->states - 1, a->terms, backward ? NULL : a->log_ratio,
                             backward ? a->log_ratio : NULL, NULL, &r));
    SF_TRY(diagnose(a, terms, &d));
    *log_z = backward ? r.backward : r.forward;
    log_z->error = d.error;
    if (r.smallest_ess < SF_LEAST_ESS * d.time)
        sf_log_z_doubt(log_z,
                       "stage %zu has weights worth %.1f samples, correlated over %.1f rounds",
                       r.weakest_stage, r.smallest_ess, d.time);
    return SF_OK;
}

static sf_status step_both_ways(const analysis *a, sf_exchange_report *r)
{
    sf_chains_diagnosis d;

    SF_TRY(step(a, false, a->sum, &r->forward));
    SF_TRY(step(a, true, a->other, &r->backward));
    for (size_t i = 0; i < a->terms; i++) a->other[i] -= a->sum[i];
    SF_TRY(diagnose(a, a->other, &d));
    r->hysteresis = r->backward.value - r->forward.value;
    r->hysteresis_error = d.error;
    return SF_OK;
}

/* ---- MBAR ----------------------------------------------------------------------------------- */

/* rows = sum over a round's samples of P */
static sf_status sum_rows(analysis *a)
{
    const size_t states = a->states, samples = a->potentials.samples;
    sf_mbar_pass pass;
    sf_status status;

    SF_TRY(sf_mbar_pass_create(&a->potentials, &pass));
    memset(a->rows, 0, a->terms * (states - 1) * sizeof *a->rows);
    for (size_t first = 0; first < samples; first += pass.chunk) {
        const size_t count = samples - first < pass.chunk ? samples - first : pass.chunk;

        SF_GO(sf_mbar_rows(&pass, a->mbar->f, false, first, count));
        for (size_t i = 0; i < count; i++)
            for (size_t k = 1; k < states; k++)
                a->rows[(k - 1) * a->terms + term_of(a, first + i)] += pass.w[i * states + k];
    }
    status = SF_OK;
done:
    sf_mbar_pass_destroy(&pass);
    return status;
}

/* rows = MBAR's terms of log Z_k/Z_0, k = 1, 2, ... */
static sf_status solve_rows(analysis *a)
{
    const int unknowns = (int)(a->states - 1), terms = (int)a->terms;

    SF_TRY(sum_rows(a));
    (void)LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'U', unknowns, terms, a->mbar->hessian, unknowns,
                         a->rows, terms);
    for (size_t i = 0; i < a->terms * (a->states - 1); i++) a->rows[i] *= (double)a->terms;
    return SF_OK;
}

/* What is said of the estimate beyond MBAR's own doubts. */
static void judge(const analysis *a, const sf_chains_diagnosis *d, sf_exchange_report *r)
{
    const size_t last = a->states - 1;
    const double ess = fmin(sf_mbar_ess(a->mbar, 0), sf_mbar_ess(a->mbar, last)) / d->time;
    sf_log_z *z = &r->estimate;

    if (ess < SF_LEAST_ESS)
        sf_log_z_doubt(z, "correlated over %.1f rounds, the samples of an end are worth %.1f",
                       d->time, ess);
    if (!d->long_enough)
        sf_log_z_doubt(z, "correlations last for more than half of the %zu rounds", a->run->rounds);
    if (!(d->r_hat <= LARGEST_R_HAT))
        sf_log_z_doubt(z, "copies and halves of the run disagree: R-hat is %.3f, above %g",
                       d->r_hat, LARGEST_R_HAT);
    if (a->run->round_trips == 0)
        sf_log_z_doubt(z, "no replica has been from b = %g to %g and back", a->run->b[0],
                       a->run->b[last]);
    if (fabs(r->hysteresis) >
        LARGEST_APART * r->hysteresis_error + ROUNDING * fmax(1.0, fabs(z->value)))
        sf_log_z_doubt(z, "stepping stone forward and backward are %.3g apart, %.1f errors",
                       fabs(r->hysteresis), fabs(r->hysteresis) / r->hysteresis_error);
}

static sf_status solve(analysis *a, double *curve, double *curve_error, sf_exchange_report *r)
{
    const size_t last = a->states - 1;
    sf_chains_diagnosis d = {.time = NAN, .r_hat = NAN};

    SF_TRY(sf_mbar_create(&a->potentials, NULL, &a->mbar));
    SF_TRY(sf_mbar_difference(a->mbar, 0, last, &r->estimate));
    if (!a->mbar->singular) SF_TRY(solve_rows(a));
    for (size_t k = 0; k < a->states; k++) {
        if (k > 0 && !a->mbar->singular) SF_TRY(diagnose(a, a->rows + (k - 1) * a->terms, &d));
        if (curve != NULL) curve[k] = a->mbar->f[0] - a->mbar->f[k];
        if (curve_error != NULL)
            curve_error[k] = k == 0 ? 0.0 : a->mbar->singular ? INFINITY : d.error;
    }
    if (a->mbar->singular) return SF_OK;
    r->estimate.error = d.error;
    r->time = d.time;
    r->r_hat = d.r_hat;
    judge(a, &d, r);
    return SF_OK;
}

sf_status sf_exchange_estimate(const sf_exchange_run *run, double *curve, double *curve_error,
                               sf_exchange_report *report)
{
    analysis a;
    sf_status status;

    *report = (sf_exchange_report){.time = NAN, .r_hat = NAN};
    SF_GO(analysis_create(run, &a));
    SF_GO(integrate(&a, &report->thermodynamic));
    SF_GO(step_both_ways(&a, report));
    SF_GO(solve(&a, curve, curve_error, report));
done:
    analysis_destroy(&a);
    return status;
}
