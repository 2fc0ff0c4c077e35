/* ensemble_cells.c - what needs the kept samples of each cell side by side: quantiles, and how far
 * chains have mixed. */
#include "diffusion/ensemble.h"

#include "base/internal.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_sort.h>
#include <math.h>
#include <omp.h>

/* A row for each thread's cell, in cache lines of its own. */
static size_t row_values(const sf_ensemble *e) { return (e->held + 7) / 8 * 8; }

/* ---- quantiles ----------------------------------------------------------------------------- */

/* At rank (n + 1) p, counted from 1, of n sorted values. */
static double at_rank(const double *sorted, size_t n, double p)
{
    const double rank = ((double)n + 1.0) * p, below = floor(rank);
    const size_t k = (size_t)below;

    if (k < 1) return sorted[0];
    if (k >= n) return sorted[n - 1];
    return sorted[k - 1] + (rank - below) * (sorted[k] - sorted[k - 1]);
}

static sf_status check_quantile(const sf_ensemble *e, double p)
{
    if (!(p >= 0.0 && p <= 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "a quantile of %g: 0 to 1 can be", p);
    if (e->held > 0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "quantiles of an ensemble that has kept none of its %zu samples",
                   (size_t)e->count);
}

sf_status sf_ensemble_quantile(const sf_ensemble *ensemble, double p, double *quantile)
{
    const size_t cells = ensemble->cells, held = ensemble->held, room = row_values(ensemble);
    double *rows;

    SF_TRY(check_quantile(ensemble, p));
    SF_TRY(sf_allocate(&rows, (size_t)sf_thread_count() * room, sizeof *rows));
#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) if (cells > 1024)
    for (size_t i = 0; i < cells; i++) {
        double *row = rows + (size_t)omp_get_thread_num() * room;

        for (size_t s = 0; s < held; s++) row[s] = ensemble->kept[s * cells + i];
        gsl_sort(row, 1, held);
        quantile[i] = at_rank(row, held, p);
    }
    sf_free(rows);
    return SF_OK;
}

/* ---- chains -------------------------------------------------------------------------------- */

/* The kept draws of one cell, chain after chain, looked at. */
static sf_status diagnose_cell(const sf_ensemble *e, size_t cell, double *row, double *r_hat,
                               double *effective)
{
    const size_t draws = e->held / e->chains; /* that every chain has */
    sf_chains_diagnosis d;

    for (size_t s = 0; s < draws * e->chains; s++)
        row[s % e->chains * draws + s / e->chains] = e->kept[s * e->cells + cell];
    SF_TRY(sf_chains_diagnose(e->chains, draws, row, &d));
    if (r_hat != NULL) r_hat[cell] = d.r_hat;
    if (effective != NULL) effective[cell] = d.bulk;
    return SF_OK;
}

sf_status sf_ensemble_diagnose(const sf_ensemble *ensemble, double *r_hat, double *effective)
{
    const size_t cells = ensemble->cells, room = row_values(ensemble);
    size_t failed = cells;
    sf_status status = SF_OK;
    double *rows;

    SF_TRY(sf_allocate(&rows, (size_t)sf_thread_count() * room, sizeof *rows));
#pragma omp parallel for schedule(static) num_threads(sf_thread_count()) reduction(min : failed)
    for (size_t i = 0; i < cells; i++) {
        double *row = rows + (size_t)omp_get_thread_num() * room;

        if (i < failed && diagnose_cell(ensemble, i, row, r_hat, effective) != SF_OK) failed = i;
    }
    /* Once more, for the sentence: what another thread has said is not this thread's. */
    if (failed < cells) status = diagnose_cell(ensemble, failed, rows, r_hat, effective);
    sf_free(rows);
    return status;
}
