/* work_file.c - work values measured elsewhere: one a line, # comments, in kT or energies a mole.
 */
#include "free_energy/estimate.h"

#include <scorefield/io.h>

#include <math.h>
#include <string.h>

#define GAS_CONSTANT 8.31446261815324e-3 /* kJ/(mol K), exact (SI 2019) */
#define CALORIE      4.184               /* J, thermochemical */

static const char *const units[] = {
    [SF_WORK_KT] = "kT", [SF_WORK_KJ_PER_MOL] = "kJ/mol", [SF_WORK_KCAL_PER_MOL] = "kcal/mol"};

sf_status sf_work_unit_parse(const char *text, sf_work_unit *unit)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text, units[i]) == 0) {
            *unit = (sf_work_unit)i;
            return SF_OK;
        }
    return sf_fail(SF_ERR_ARGUMENT, "\"%.40s\" is no unit of work: kT, kJ/mol or kcal/mol", text);
}

sf_status sf_thermal_energy(sf_work_unit unit, double temperature, double *kt)
{
    *kt = 1.0;
    if (unit == SF_WORK_KT) return SF_OK;
    if (!(temperature > 0.0) || !isfinite(temperature))
        return sf_fail(SF_ERR_ARGUMENT, "work in %s needs a temperature above 0 K, not %g",
                       units[unit], temperature);
    *kt = GAS_CONSTANT * temperature / (unit == SF_WORK_KCAL_PER_MOL ? CALORIE : 1.0);
    return SF_OK;
}

sf_status sf_work_read(const char *path, sf_work_unit unit, double temperature, double **log_weight,
                       size_t *count)
{
    double kt, *w = NULL;
    size_t rows, columns;
    sf_status status;

    *log_weight = NULL;
    *count = 0;
    SF_TRY(sf_thermal_energy(unit, temperature, &kt));
    SF_TRY(sf_text_table_read(path, &w, &rows, &columns));
    if (columns != 1)
        SF_GO(sf_fail(SF_ERR_FORMAT, "%s has %zu numbers a line; work is one value a line", path,
                      columns));
    for (size_t i = 0; i < rows; i++) {
        if (w[i] == -INFINITY)
            SF_GO(sf_fail(SF_ERR_FORMAT, "%s, value %zu: a work of -inf is an infinite weight",
                          path, i + 1));
        w[i] = -w[i] / kt;
    }
    *log_weight = w;
    *count = rows;
    return SF_OK;
done:
    sf_free(w);
    return status;
}
