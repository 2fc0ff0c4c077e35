/* stepping_stone.c - log Z as a product of ratios between neighbours on a path (Xie et al. 2011,
 * doi:10.1093/sysbio/syq085), from the samples of the one or of the other neighbour. */
#include "free_energy/estimate.h"

/* *total = sum of sign log mean; the worst stage goes into the report. */
static sf_status walk(size_t stages, size_t count, const double *log_ratio, double sign,
                      double *curve, sf_log_z *total, sf_stepping_stone_report *r)
{
    sf_sum sum = {0.0, 0.0}, variance = {0.0, 0.0};

    sf_log_z_set(total, 0.0, 0.0);
    for (size_t j = 0; j < stages; j++) {
        sf_weights stage;

        SF_TRY(sf_weights_measure(log_ratio + j * count, count, &stage));
        sf_sum_add(&sum, sign * stage.log_mean);
        sf_sum_add(&variance, stage.error * stage.error);
        sf_log_z_judge(total, &stage);
        if (curve != NULL) curve[j + 1] = sf_sum_value(&sum);
        if (stage.ess >= r->smallest_ess) continue;
        r->smallest_ess = stage.ess;
        r->weakest_stage = j;
    }
    total->value = sf_sum_value(&sum);
    total->error = sqrt(sf_sum_value(&variance));
    return SF_OK;
}

static void compare(sf_stepping_stone_report *r)
{
    const double error = hypot(r->forward.error, r->backward.error);

    r->hysteresis = fabs(r->backward.value - r->forward.value);
    if (r->hysteresis <= 4.0 * error) return;
    sf_log_z_doubt(&r->forward, "backward is %.3g away, %.1f errors", r->hysteresis,
                   r->hysteresis / error);
    sf_log_z_doubt(&r->backward, "forward is %.3g away, %.1f errors", r->hysteresis,
                   r->hysteresis / error);
}

sf_status sf_stepping_stone(size_t stages, size_t count, const double *forward,
                            const double *backward, double *curve, sf_stepping_stone_report *report)
{
    size_t size;

    *report = (sf_stepping_stone_report){.hysteresis = NAN, .smallest_ess = INFINITY};
    if (stages == 0 || count == 0 || (forward == NULL && backward == NULL))
        return sf_fail(SF_ERR_ARGUMENT,
                       "stepping stone: %zu stages of %zu samples, %s, leave nothing to average",
                       stages, count,
                       forward == NULL && backward == NULL ? "in no direction" : "in a direction");
    if (!sf_multiply_sizes(stages, count, &size))
        return sf_fail(SF_ERR_ARGUMENT, "stepping stone: %zu stages of %zu samples overflow a size",
                       stages, count);
    if (curve != NULL) curve[0] = 0.0;
    if (forward != NULL) SF_TRY(walk(stages, count, forward, 1.0, curve, &report->forward, report));
    if (backward != NULL)
        SF_TRY(walk(stages, count, backward, -1.0, forward == NULL ? curve : NULL,
                    &report->backward, report));
    if (forward != NULL && backward != NULL) compare(report);
    return SF_OK;
}
