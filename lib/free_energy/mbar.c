/* mbar.c - free energies of many states at once (Shirts & Chodera 2008, doi:10.1063/1.2978177).
 *
 * f minimises the convex sum_n log sum_k N_k e^(f_k - u_nk) - sum_k N_k f_k (Geyer 1994), with
 * P_nk = N_k W_nk:  gradient g_k = sum_n P_nk - N_k,  Hessian H = diag(sum_n P_n) - P^T P.
 * The rows of P add up to one, so P^T P holds the gradient too. The asymptotic covariance is
 *     Theta = W^T (1 - W N W^T)^+ W = W^T W + W^T W N H^- N W^T W
 * up to constants that no difference sees, for any generalised inverse H^-: here the inverse
 * without the first sampled state, which shows where states do not overlap. For two states it is
 * BAR's variance. */
#include "free_energy/mbar.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <string.h>

#define HALVINGS 20

typedef struct solver {
    sf_mbar_pass pass;
    sf_mbar *mbar;
    double tolerance;
    double *gram, *next_gram, *gradient, *step, *next, *largest;
} solver;

sf_mbar_options sf_mbar_options_default(void)
{
    return (sf_mbar_options){.tolerance = 1e-10, .iterations = 200};
}

/* ---- the solution ----------------------------------------------------------------------- */

/* gradient = sum_n P_nk - N_k; the largest |sum_n W_nk - 1|. */
static double misfit(const solver *s, const double *gram, double *gradient)
{
    const size_t states = s->mbar->states;
    double worst = 0.0;

    for (size_t k = 0; k < states; k++) {
        sf_sum sum = {-s->mbar->counts[k], 0.0};

        gradient[k] = 0.0;
        if (!(s->mbar->counts[k] > 0.0)) continue;
        for (size_t j = 0; j < states; j++) sf_sum_add(&sum, gram[k * states + j]);
        gradient[k] = sf_sum_value(&sum);
        worst = fmax(worst, fabs(gradient[k]) / s->mbar->counts[k]);
    }
    return worst;
}

/* hessian = the Cholesky factor of H among the unknowns; false if it is singular. The diagonal is
 * a sum over the other states, which cannot cancel. */
static bool factor(solver *s, const double *gram)
{
    const size_t states = s->mbar->states, m = s->mbar->unknowns;

    for (size_t a = 0; a < m; a++)
        for (size_t b = 0; b < m; b++) {
            const double *row = gram + s->mbar->unknown[a] * states;
            double h = -row[s->mbar->unknown[b]];

            if (a == b) {
                h = 0.0;
                for (size_t j = 0; j < states; j++)
                    if (j != s->mbar->unknown[a] && s->mbar->counts[j] > 0.0) h += row[j];
            }
            s->mbar->hessian[a * m + b] = h;
        }
    return m == 0 || LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', (int)m, s->mbar->hessian,
                                    (int)(m > 0 ? m : 1)) == 0;
}

/* f_k -= log sum_n W_nk for every state (equation 11, iterated). */
static sf_status sweep(solver *s)
{
    double *f = s->mbar->f;

    SF_TRY(sf_mbar_sums(&s->pass, f, s->step, s->largest));
    for (size_t k = 0; k < s->mbar->states; k++) {
        if (!isfinite(s->step[k]))
            return sf_fail(SF_ERR_NUMERIC, "state %zu has no support at any of the samples", k);
        f[k] -= s->step[k];
    }
    return SF_OK;
}

/* A Newton step, halved until it does not pass the minimum along its line by much; `gram` follows.
 * *taken is false where there is none. */
static sf_status newton(solver *s, bool *taken)
{
    const size_t states = s->mbar->states, m = s->mbar->unknowns;
    double descent = 0.0, t = 1.0;

    *taken = false;
    if (!factor(s, s->gram)) return SF_OK;
    for (size_t a = 0; a < m; a++) s->step[a] = -s->gradient[s->mbar->unknown[a]];
    if (m > 0 &&
        LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'U', (int)m, 1, s->mbar->hessian, (int)m, s->step, 1))
        return SF_OK;
    for (size_t a = 0; a < m; a++) descent -= s->step[a] * s->gradient[s->mbar->unknown[a]];
    for (int i = 0; i < HALVINGS && !*taken; i++) {
        double slope = 0.0;

        memcpy(s->next, s->mbar->f, states * sizeof(double));
        for (size_t a = 0; a < m; a++) s->next[s->mbar->unknown[a]] += t * s->step[a];
        SF_TRY(sf_mbar_gram(&s->pass, s->next, false, s->next_gram));
        (void)misfit(s, s->next_gram, s->largest);
        for (size_t a = 0; a < m; a++) slope += s->step[a] * s->largest[s->mbar->unknown[a]];
        *taken = slope <= 0.5 * descent;
        t *= 0.5;
    }
    if (!*taken) return SF_OK;
    memcpy(s->mbar->f, s->next, states * sizeof(double));
    memcpy(s->gram, s->next_gram, states * states * sizeof(double));
    return SF_OK;
}

static sf_status solve(solver *s, size_t iterations)
{
    sf_mbar *mbar = s->mbar;

    SF_TRY(sweep(s)); /* brings any offsets near */
    SF_TRY(sf_mbar_gram(&s->pass, mbar->f, false, s->gram));
    for (;; mbar->iterations++) {
        bool taken;

        mbar->converged = misfit(s, s->gram, s->gradient) <= s->tolerance;
        if (mbar->converged || mbar->iterations == iterations) return SF_OK;
        SF_TRY(newton(s, &taken));
        if (taken) continue;
        SF_TRY(sweep(s));
        SF_TRY(sf_mbar_gram(&s->pass, mbar->f, false, s->gram));
    }
}

/* The states without samples, given the others, and the largest weights. */
static sf_status finish(solver *s)
{
    sf_mbar *mbar = s->mbar;

    SF_TRY(sf_mbar_sums(&s->pass, mbar->f, s->step, mbar->largest));
    for (size_t k = 0; k < mbar->states; k++) {
        mbar->largest[k] = exp(mbar->largest[k] - s->step[k]);
        if (!(mbar->counts[k] > 0.0)) mbar->f[k] -= s->step[k];
    }
    return sf_mbar_gram(&s->pass, mbar->f, true, s->gram);
}

/* ---- what it is worth ------------------------------------------------------------------- */

/* theta = W^T W + W^T W N H^- N W^T W, and the products W^T W. */
static sf_status spread(solver *s)
{
    sf_mbar *mbar = s->mbar;
    const size_t states = mbar->states, m = s->mbar->unknowns;
    double *rows = NULL, *solved = NULL;
    sf_status status = SF_OK;

    SF_GO(sf_allocate(&rows, m * states, sizeof *rows));
    SF_GO(sf_allocate(&solved, m * states, sizeof *solved));
    memcpy(mbar->theta, s->gram, states * states * sizeof(double));
    mbar->singular = !factor(s, s->gram);
    for (size_t a = 0; a < m; a++)
        memcpy(rows + a * states, s->gram + s->mbar->unknown[a] * states, states * sizeof *rows);
    memcpy(solved, rows, m * states * sizeof *rows);
    if (m > 0 && !mbar->singular) {
        (void)LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'U', (int)m, (int)states, s->mbar->hessian, (int)m,
                             solved, (int)states);
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)states, (int)states, (int)m, 1.0,
                    rows, (int)states, solved, (int)states, 1.0, mbar->theta, (int)states);
    }
    for (size_t i = 0; i < states; i++)
        for (size_t j = 0; j < states; j++) {
            const double scale = fmax(mbar->counts[i], 1.0) * fmax(mbar->counts[j], 1.0);

            mbar->products[i * states + j] = s->gram[i * states + j] / scale;
            mbar->theta[i * states + j] /= scale;
        }
done:
    sf_free(rows);
    sf_free(solved);
    return status;
}

/* Whether the weights of two states are on the same samples: the cosine between them. */
static bool linked(const sf_mbar *mbar, size_t i, size_t j)
{
    const double *g = mbar->products;
    const size_t states = mbar->states;

    return g[i * states + j] > SF_LEAST_OVERLAP * sqrt(g[i * states + i] * g[j * states + j]);
}

/* Every state takes the lowest number among those that a chain of links leads to. */
static void group_states(sf_mbar *mbar)
{
    bool changed = true;

    for (size_t k = 0; k < mbar->states; k++) mbar->group[k] = k;
    while (changed) {
        changed = false;
        for (size_t i = 0; i < mbar->states; i++)
            for (size_t j = 0; j < mbar->states; j++)
                if (mbar->group[j] < mbar->group[i] && linked(mbar, i, j)) {
                    mbar->group[i] = mbar->group[j];
                    changed = true;
                }
    }
}

/* ---- the object ------------------------------------------------------------------------- */

static sf_status check(const sf_reduced_potentials *p, const sf_mbar_options *o)
{
    size_t sum = 0;

    if (p->states == 0 || p->samples == 0 || p->states > INT_MAX / 4096)
        return sf_fail(SF_ERR_ARGUMENT, "MBAR of %zu states and %zu samples", p->states,
                       p->samples);
    if (p->counts == NULL || (p->u == NULL && p->read == NULL))
        return sf_fail(SF_ERR_ARGUMENT, "MBAR needs counts, and potentials or a way to read them");
    for (size_t k = 0; k < p->states; k++)
        if (__builtin_add_overflow(sum, p->counts[k], &sum)) sum = SIZE_MAX;
    if (sum != p->samples)
        return sf_fail(SF_ERR_ARGUMENT,
                       "the counts of %zu states add up to %zu, but there are %zu "
                       "samples",
                       p->states, sum, p->samples);
    if (!(o->tolerance > 0.0) || o->iterations == 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "MBAR: the tolerance %g and the iterations %zu must be above zero",
                       o->tolerance, o->iterations);
    return SF_OK;
}

static sf_status mbar_allocate(const sf_reduced_potentials *p, sf_mbar **mbar)
{
    const size_t states = p->states;
    bool reference = true;
    sf_mbar *m;

    SF_TRY(sf_allocate(mbar, 1, sizeof **mbar));
    m = *mbar;
    m->states = states;
    m->samples = p->samples;
    SF_TRY(sf_allocate(&m->counts, states, sizeof(double)));
    SF_TRY(sf_allocate(&m->f, states, sizeof(double)));
    SF_TRY(sf_allocate(&m->products, states * states, sizeof(double)));
    SF_TRY(sf_allocate(&m->theta, states * states, sizeof(double)));
    SF_TRY(sf_allocate(&m->largest, states, sizeof(double)));
    SF_TRY(sf_allocate(&m->group, states, sizeof(size_t)));
    SF_TRY(sf_allocate(&m->unknown, states, sizeof(size_t)));
    SF_TRY(sf_allocate(&m->hessian, states * states, sizeof(double)));
    for (size_t k = 0; k < states; k++) {
        m->counts[k] = (double)p->counts[k];
        if (p->counts[k] == 0) continue;
        if (!reference) m->unknown[m->unknowns++] = k;
        reference = false;
    }
    return SF_OK;
}

static void solver_destroy(solver *s)
{
    sf_mbar_pass_destroy(&s->pass);
    sf_free(s->gram);
    sf_free(s->next_gram);
    sf_free(s->gradient);
    sf_free(s->step);
    sf_free(s->next);
    sf_free(s->largest);
}

static sf_status solver_allocate(const sf_reduced_potentials *p, solver *s)
{
    const size_t states = p->states;

    SF_TRY(sf_mbar_pass_create(p, &s->pass));
    SF_TRY(sf_allocate(&s->gram, states * states, sizeof(double)));
    SF_TRY(sf_allocate(&s->next_gram, states * states, sizeof(double)));
    SF_TRY(sf_allocate(&s->gradient, states, sizeof(double)));
    SF_TRY(sf_allocate(&s->step, states, sizeof(double)));
    SF_TRY(sf_allocate(&s->next, states, sizeof(double)));
    SF_TRY(sf_allocate(&s->largest, states, sizeof(double)));
    return SF_OK;
}

sf_status sf_mbar_create(const sf_reduced_potentials *potentials, const sf_mbar_options *options,
                         sf_mbar **mbar)
{
    const sf_mbar_options chosen = options != NULL ? *options : sf_mbar_options_default();
    solver s = {.tolerance = chosen.tolerance};
    sf_status status;

    *mbar = NULL;
    SF_TRY(check(potentials, &chosen));
    SF_GO(mbar_allocate(potentials, &s.mbar));
    SF_GO(solver_allocate(potentials, &s));
    SF_GO(solve(&s, chosen.iterations));
    SF_GO(finish(&s));
    SF_GO(spread(&s));
    group_states(s.mbar);
    *mbar = s.mbar;
done:
    if (status != SF_OK) sf_mbar_release(&s.mbar);
    solver_destroy(&s);
    return status;
}

void sf_mbar_release(sf_mbar **mbar)
{
    sf_mbar *m = *mbar;

    *mbar = NULL;
    if (m == NULL) return;
    sf_free(m->counts);
    sf_free(m->f);
    sf_free(m->products);
    sf_free(m->theta);
    sf_free(m->largest);
    sf_free(m->group);
    sf_free(m->unknown);
    sf_free(m->hessian);
    sf_free(m);
}

size_t sf_mbar_states(const sf_mbar *mbar) { return mbar->states; }
size_t sf_mbar_iterations(const sf_mbar *mbar) { return mbar->iterations; }
bool sf_mbar_converged(const sf_mbar *mbar) { return mbar->converged; }

/* ---- what it tells ---------------------------------------------------------------------- */

/* Covariance of log Z_i/Z_0 and log Z_j/Z_0. */
static double covariance_of(const sf_mbar *mbar, size_t i, size_t j, size_t from)
{
    const double *t = mbar->theta;
    const size_t n = mbar->states;

    if (i == from || j == from) return 0.0;
    if (mbar->singular) return INFINITY;
    return t[i * n + j] - t[i * n + from] - t[j * n + from] + t[from * n + from];
}

static void judge(const sf_mbar *mbar, size_t from, size_t to, sf_log_z *log_z)
{
    const size_t ends[2] = {from, to};

    if (!mbar->converged)
        sf_log_z_doubt(log_z, "MBAR has not converged in %zu iterations", mbar->iterations);
    if (mbar->group[from] != mbar->group[to])
        sf_log_z_doubt(log_z, "no chain of overlapping states leads from state %zu to state %zu",
                       from, to);
    for (int i = 0; i < 2; i++) {
        const double ess = sf_mbar_ess(mbar, ends[i]), share = mbar->largest[ends[i]];

        if (ess < SF_LEAST_ESS)
            sf_log_z_doubt(log_z, "state %zu has weights worth %.1f samples, fewer than %g",
                           ends[i], ess, SF_LEAST_ESS);
        if (share > SF_LARGEST_SHARE)
            sf_log_z_doubt(log_z, "one sample holds %.0f %% of the weight of state %zu",
                           100.0 * share, ends[i]);
    }
}

sf_status sf_mbar_difference(const sf_mbar *mbar, size_t from, size_t to, sf_log_z *log_z)
{
    if (from >= mbar->states || to >= mbar->states) {
        *log_z = (sf_log_z){.value = NAN, .error = NAN};
        return sf_fail(SF_ERR_ARGUMENT, "states %zu and %zu of %zu", from, to, mbar->states);
    }
    sf_log_z_set(log_z, mbar->f[from] - mbar->f[to],
                 sqrt(fmax(covariance_of(mbar, to, to, from), 0.0)));
    judge(mbar, from, to, log_z);
    return SF_OK;
}

void sf_mbar_covariance(const sf_mbar *mbar, double *covariance)
{
    for (size_t i = 0; i < mbar->states; i++)
        for (size_t j = 0; j < mbar->states; j++)
            covariance[i * mbar->states + j] = covariance_of(mbar, i, j, 0);
}

void sf_mbar_overlap(const sf_mbar *mbar, double *overlap)
{
    for (size_t i = 0; i < mbar->states; i++)
        for (size_t j = 0; j < mbar->states; j++)
            overlap[i * mbar->states + j] = mbar->products[i * mbar->states + j] * mbar->counts[j];
}

double sf_mbar_ess(const sf_mbar *mbar, size_t state)
{
    return 1.0 / mbar->products[state * (mbar->states + 1)];
}
