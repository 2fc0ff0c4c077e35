/* thermodynamic.c - thermodynamic integration (Kirkwood 1935, doi:10.1063/1.1749657): log Z as the
 * integral of the mean of d log f_b/db over the path, by a rule that is linear in the means. */
#include "free_energy/estimate.h"

#include <gsl/gsl_integration.h>
#include <gsl/gsl_spline.h>

#define NODE_TOLERANCE 1e-8

static void trapezoid(size_t count, const double *b, double *c)
{
    for (size_t j = 0; j < count; j++) c[j] = 0.0;
    for (size_t j = 0; j + 1 < count; j++) {
        c[j] += 0.5 * (b[j + 1] - b[j]);
        c[j + 1] += 0.5 * (b[j + 1] - b[j]);
    }
}

/* The integrals of the splines through the unit vectors. */
static sf_status cubic(size_t count, const double *b, double *c)
{
    double *unit = NULL;
    gsl_interp *spline = gsl_interp_alloc(gsl_interp_cspline, count);
    sf_status status = SF_OK;

    if (spline == NULL) return sf_fail(SF_ERR_MEMORY, "out of memory for a spline");
    SF_GO(sf_allocate(&unit, count, sizeof *unit));
    for (size_t j = 0; j < count; j++) {
        unit[j] = 1.0;
        (void)gsl_interp_init(spline, b, unit, count);
        c[j] = gsl_interp_eval_integ(spline, b, unit, b[0], b[count - 1], NULL);
        unit[j] = 0.0;
    }
done:
    gsl_interp_free(spline);
    sf_free(unit);
    return status;
}

static sf_status gauss(size_t count, double *nodes, double *weights)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(count);

    if (rule == NULL) return sf_fail(SF_ERR_MEMORY, "out of memory for %zu Gauss nodes", count);
    for (size_t j = 0; j < count; j++)
        (void)gsl_integration_glfixed_point(0.0, 1.0, j, &nodes[j], &weights[j], rule);
    gsl_integration_glfixed_table_free(rule);
    return SF_OK;
}

sf_status sf_gauss_nodes(size_t count, double *b)
{
    double *weights = NULL;
    sf_status status;

    if (count == 0) return sf_fail(SF_ERR_ARGUMENT, "Gauss-Legendre needs one node or more");
    SF_TRY(sf_allocate(&weights, count, sizeof *weights));
    status = gauss(count, b, weights);
    sf_free(weights);
    return status;
}

/* c = Gauss's weights, if b are his nodes; `work` has room for them. */
static sf_status gauss_at(size_t count, const double *b, double *work, double *c)
{
    SF_TRY(gauss(count, work, c));
    for (size_t j = 0; j < count; j++)
        if (fabs(b[j] - work[j]) > NODE_TOLERANCE)
            return sf_fail(SF_ERR_ARGUMENT,
                           "b[%zu] = %.10g is no Gauss-Legendre node of %zu on (0, 1), which is "
                           "%.10g; see sf_gauss_nodes",
                           j, b[j], count, work[j]);
    return SF_OK;
}

static sf_status check(sf_quadrature rule, size_t count, const double *b, const double *means,
                       const double *errors)
{
    const size_t least = rule == SF_QUADRATURE_GAUSS ? 1 : rule == SF_QUADRATURE_CUBIC ? 3 : 2;

    if (count < least)
        return sf_fail(SF_ERR_ARGUMENT, "%zu values of b are too few: this rule needs %zu", count,
                       least);
    SF_TRY(sf_check_finite(b, count, "b"));
    SF_TRY(sf_check_finite(means, count, "mean"));
    if (errors != NULL) SF_TRY(sf_check_finite(errors, count, "error of a mean"));
    for (size_t j = 0; j < count; j++) {
        if (errors != NULL && errors[j] < 0.0)
            return sf_fail(SF_ERR_NUMERIC, "the error of mean %zu is %g, below zero", j, errors[j]);
        if (j > 0 && !(b[j] > b[j - 1]))
            return sf_fail(SF_ERR_ARGUMENT, "b[%zu] = %g does not come after b[%zu] = %g", j, b[j],
                           j - 1, b[j - 1]);
    }
    return SF_OK;
}

static double apply(size_t count, const double *c, const double *means)
{
    sf_sum sum = {0.0, 0.0};

    for (size_t j = 0; j < count; j++) sf_sum_add(&sum, c[j] * means[j]);
    return sf_sum_value(&sum);
}

sf_status sf_quadrature_coefficients(sf_quadrature rule, size_t count, const double *b, double *c,
                                     double *other)
{
    switch (rule) {
    case SF_QUADRATURE_GAUSS: return gauss_at(count, b, other, c);
    case SF_QUADRATURE_CUBIC: trapezoid(count, b, other); return cubic(count, b, c);
    case SF_QUADRATURE_TRAPEZOID:
        trapezoid(count, b, c);
        if (count > 2) return cubic(count, b, other);
        trapezoid(count, b, other);
        return SF_OK;
    }
    return sf_fail(SF_ERR_ARGUMENT, "quadrature %d is none of the list", (int)rule);
}

void sf_thermodynamic_judge(sf_thermodynamic_report *report)
{
    if (report->discretisation > 2.0 * report->estimate.error)
        sf_log_z_doubt(&report->estimate,
                       "trapezoid and cubic differ by %.2g, more than two errors: take more "
                       "values of b",
                       report->discretisation);
}

sf_status sf_thermodynamic_integration(sf_quadrature rule, size_t count, const double *b,
                                       const double *means, const double *errors,
                                       sf_thermodynamic_report *report)
{
    double *c = NULL, *other = NULL, value;
    sf_sum variance = {0.0, 0.0};
    sf_status status = SF_OK;

    *report = (sf_thermodynamic_report){.discretisation = NAN};
    SF_TRY(check(rule, count, b, means, errors));
    SF_GO(sf_allocate(&c, count, sizeof *c));
    SF_GO(sf_allocate(&other, count, sizeof *other));
    SF_GO(sf_quadrature_coefficients(rule, count, b, c, other));
    value = apply(count, c, means);
    for (size_t j = 0; errors != NULL && j < count; j++)
        sf_sum_add(&variance, c[j] * c[j] * errors[j] * errors[j]);
    sf_log_z_set(&report->estimate, value, sqrt(sf_sum_value(&variance)));
    if (rule != SF_QUADRATURE_GAUSS && count > 2)
        report->discretisation = fabs(value - apply(count, other, means));
    sf_thermodynamic_judge(report);
done:
    sf_free(c);
    sf_free(other);
    return status;
}
