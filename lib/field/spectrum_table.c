/* spectrum_table.c - a spectrum through points: the natural cubic spline of log P against log k,
 * by GSL. */
#include <scorefield/field.h>

#include "field/spectrum.h"

#include <gsl/gsl_spline.h>
#include <math.h>
#include <stdio.h>

typedef struct table {
    gsl_spline *spline;           /* log P against log k */
    double low, high;             /* the table's own range of k */
    double low_slope, high_slope; /* d log P / d log k at both ends */
    double zero_mode;
    sf_extrapolation beyond;
} table;

static sf_status power_beyond(const table *own, double k, double *power)
{
    const gsl_spline *spline = own->spline;
    const size_t end = k < own->low ? 0 : spline->size - 1;
    const double slope = k < own->low ? own->low_slope : own->high_slope;

    if (own->beyond == SF_EXTRAPOLATE_REFUSE)
        return sf_fail(SF_ERR_ARGUMENT,
                       "k = %g is beyond the spectrum's table, %g to %g; ask for its extrapolation "
                       "(table+:FILE continues as power laws) or give a longer one",
                       k, own->low, own->high);
    if (own->beyond == SF_EXTRAPOLATE_POWER)
        *power = exp(spline->y[end] + slope * (log(k) - spline->x[end]));
    return SF_OK;
}

static sf_status table_power(const void *state, double k, double *power)
{
    const table *own = state;
    const double *x = own->spline->x;

    *power = 0.0;
    if (k == 0.0)
        *power = own->zero_mode;
    else if (k < own->low || k > own->high)
        return power_beyond(own, k, power);
    else /* no accelerator: many threads may ask */
        *power = exp(
            gsl_spline_eval(own->spline, fmin(fmax(log(k), x[0]), x[own->spline->size - 1]), NULL));
    return SF_OK;
}

static void table_clear(void *state)
{
    table *own = state;

    if (own->spline != NULL) gsl_spline_free(own->spline);
}

sf_status sf_spectrum_point_check(double k, double power, double previous_k, const char *where)
{
    if (!(k > previous_k) || !isfinite(k))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s: k = %g; wavenumbers must be positive, finite and increasing "
                       "(the one before is %g)",
                       where, k, previous_k);
    if (!(power > 0.0) || !isfinite(power))
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s: P = %g; a table's powers must be positive and finite, because it is "
                       "interpolated in log P",
                       where, power);
    return SF_OK;
}

static sf_status check_points(const double *k, const double *power, size_t count)
{
    if (count < 3)
        return sf_fail(SF_ERR_ARGUMENT, "a table of %zu points; a cubic spline needs 3", count);
    for (size_t i = 0; i < count; i++) {
        char where[64];

        (void)snprintf(where, sizeof where, "point %zu of the spectrum", i + 1);
        SF_TRY(sf_spectrum_point_check(k[i], power[i], i > 0 ? k[i - 1] : 0.0, where));
    }
    return SF_OK;
}

/* GSL ends the process when it is given points out of order; they have been refused before,
 * distinct k whose logarithms are equal are refused here. */
static sf_status make_spline(table *own, const double *log_k, const double *log_power, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (!(log_k[i] > log_k[i - 1]))
            return sf_fail(SF_ERR_ARGUMENT,
                           "points %zu and %zu of the spectrum have the same log k", i, i + 1);
    own->spline = gsl_spline_alloc(gsl_interp_cspline, count);
    if (own->spline == NULL || gsl_spline_init(own->spline, log_k, log_power, count) != 0)
        return sf_fail(SF_ERR_LIBRARY, "GSL has no spline through %zu points", count);
    own->low_slope = gsl_spline_eval_deriv(own->spline, log_k[0], NULL);
    own->high_slope = gsl_spline_eval_deriv(own->spline, log_k[count - 1], NULL);
    return SF_OK;
}

sf_status sf_spectrum_table_with(const double *k, const double *power, size_t count,
                                 double zero_mode, sf_extrapolation beyond, sf_spectrum **spectrum)
{
    static const sf_spectrum_kind kind = {table_power, table_clear};
    double *log_k = NULL, *log_power = NULL;
    table *own;
    sf_status status;

    *spectrum = NULL;
    SF_TRY(check_points(k, power, count));
    SF_TRY(sf_spectrum_zero_mode_check(zero_mode));
    SF_GO(sf_allocate(&log_k, count, sizeof *log_k));
    SF_GO(sf_allocate(&log_power, count, sizeof *log_power));
    for (size_t i = 0; i < count; i++) {
        log_k[i] = log(k[i]);
        log_power[i] = log(power[i]);
    }
    SF_GO(sf_spectrum_create(&kind, sizeof *own, &own, spectrum));
    *own = (table){.low = k[0], .high = k[count - 1], .zero_mode = zero_mode, .beyond = beyond};
    SF_GO(make_spline(own, log_k, log_power, count));
    if (beyond == SF_EXTRAPOLATE_ZERO) {
        (*spectrum)->low = own->low;
        (*spectrum)->high = own->high;
    }
done:
    if (status != SF_OK) sf_spectrum_release(spectrum);
    sf_free(log_k);
    sf_free(log_power);
    return status;
}

sf_status sf_spectrum_table(const double *k, const double *power, size_t count, double zero_mode,
                            sf_spectrum **spectrum)
{
    return sf_spectrum_table_with(k, power, count, zero_mode, SF_EXTRAPOLATE_POWER, spectrum);
}
