/* work_file.c - work values measured elsewhere: one a line, # comments, in kT or energies a mole.
 */
#include "free_energy/estimate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLANKS       " \t\r\n\v\f"
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

typedef struct values {
    double *value;
    size_t count, capacity;
} values;

static sf_status append(values *v, double value)
{
    if (v->count == v->capacity) {
        const size_t capacity = v->capacity > 0 ? 2 * v->capacity : 1024;
        double *larger;

        SF_TRY(sf_allocate(&larger, capacity, sizeof *larger));
        if (v->count > 0) memcpy(larger, v->value, v->count * sizeof *larger);
        sf_free(v->value);
        v->value = larger;
        v->capacity = capacity;
    }
    v->value[v->count++] = value;
    return SF_OK;
}

/* Adds -W/kT of this line, if it has a value. */
static sf_status read_line(const char *path, size_t number, char *line, double kt, values *v)
{
    char *end;
    double work;

    line[strcspn(line, "#\r\n")] = '\0';
    if (line[strspn(line, BLANKS)] == '\0') return SF_OK;
    work = sf_text_to_number(line, &end);
    if (end == line || end[strspn(end, BLANKS)] != '\0')
        return sf_fail(SF_ERR_FORMAT, "%s, line %zu: \"%.80s\" is not one work value", path, number,
                       line);
    if (work == -INFINITY)
        return sf_fail(SF_ERR_FORMAT, "%s, line %zu: a work of -inf is an infinite weight", path,
                       number);
    return append(v, -work / kt);
}

static sf_status read_values(const char *path, FILE *file, double kt, values *v)
{
    char line[1024];

    for (size_t number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        if (strchr(line, '\n') == NULL && !feof(file))
            return sf_fail(SF_ERR_FORMAT,
                           "%s, line %zu: longer than %zu characters, or not a text file", path,
                           number, sizeof line - 2);
        SF_TRY(read_line(path, number, line, kt, v));
    }
    if (ferror(file)) return sf_fail(SF_ERR_IO, "cannot read %s: %s", path, strerror(errno));
    if (v->count == 0) return sf_fail(SF_ERR_ARGUMENT, "%s holds no work values", path);
    return SF_OK;
}

sf_status sf_work_read(const char *path, sf_work_unit unit, double temperature, double **log_weight,
                       size_t *count)
{
    values v = {NULL, 0, 0};
    FILE *file;
    double kt;
    sf_status status;

    *log_weight = NULL;
    *count = 0;
    SF_TRY(sf_thermal_energy(unit, temperature, &kt));
    file = fopen(path, "r");
    if (file == NULL)
        return sf_fail(SF_ERR_IO, "cannot open the work values \"%s\": %s", path, strerror(errno));
    status = read_values(path, file, kt, &v);
    (void)fclose(file);
    if (status != SF_OK) {
        sf_free(v.value);
        return status;
    }
    *log_weight = v.value;
    *count = v.count;
    return SF_OK;
}
