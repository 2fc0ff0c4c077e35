/* spectrum_file.c - a spectrum from a text file of two columns, k and P. */
#include <scorefield/field.h>

#include "field/spectrum.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r\n\v\f"

typedef struct points {
    double *k, *power;
    size_t count, capacity;
} points;

/* *array = a copy with more room; the old one is freed. */
static sf_status enlarge(double **array, size_t count, size_t capacity)
{
    double *larger;

    SF_TRY(sf_allocate(&larger, capacity, sizeof *larger));
    if (count > 0) memcpy(larger, *array, count * sizeof *larger);
    sf_free(*array);
    *array = larger;
    return SF_OK;
}

static sf_status append(points *table, double k, double power)
{
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity > 0 ? 2 * table->capacity : 256;

        SF_TRY(enlarge(&table->k, table->count, capacity));
        SF_TRY(enlarge(&table->power, table->count, capacity));
        table->capacity = capacity;
    }
    table->k[table->count] = k;
    table->power[table->count++] = power;
    return SF_OK;
}

/* Adds one line's point, if it has one. */
static sf_status read_line(const char *path, size_t number, char *line, points *table)
{
    char where[512], *comment = strchr(line, '#'), *text = line, *end;
    double values[2];

    (void)snprintf(where, sizeof where, "%s, line %zu", path, number);
    if (comment != NULL) *comment = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    if (line[strspn(line, BLANKS)] == '\0') return SF_OK;
    for (int i = 0; i < 2; i++, text = end) {
        values[i] = sf_text_to_number(text, &end);
        if (end == text || (*end != '\0' && strchr(BLANKS, *end) == NULL))
            return sf_fail(SF_ERR_FORMAT, "%s: \"%.80s\" is not two numbers, k and P", where, line);
    }
    if (text[strspn(text, BLANKS)] != '\0')
        return sf_fail(SF_ERR_FORMAT, "%s: \"%.80s\" has more than two columns, k and P", where,
                       line);
    SF_TRY(sf_spectrum_point_check(values[0], values[1],
                                   table->count > 0 ? table->k[table->count - 1] : 0.0, where));
    return append(table, values[0], values[1]);
}

static sf_status read_points(const char *path, FILE *file, points *table)
{
    char line[1024];

    for (size_t number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        if (strchr(line, '\n') == NULL && !feof(file))
            return sf_fail(SF_ERR_FORMAT,
                           "%s, line %zu: longer than %zu characters, or not a text file", path,
                           number, sizeof line - 2);
        SF_TRY(read_line(path, number, line, table));
    }
    if (ferror(file)) return sf_fail(SF_ERR_IO, "cannot read %s: %s", path, strerror(errno));
    if (table->count < 3)
        return sf_fail(SF_ERR_FORMAT, "%s has %zu points; a cubic spline needs 3", path,
                       table->count);
    return SF_OK;
}

sf_status sf_spectrum_read(const char *path, sf_extrapolation beyond, sf_spectrum **spectrum)
{
    points table = {NULL, NULL, 0, 0};
    FILE *file = fopen(path, "r");
    sf_status status;

    *spectrum = NULL;
    if (file == NULL)
        return sf_fail(SF_ERR_IO, "cannot open the spectrum \"%s\": %s", path, strerror(errno));
    SF_GO(read_points(path, file, &table));
    SF_GO(sf_spectrum_table_with(table.k, table.power, table.count, 0.0, beyond, spectrum));
done:
    (void)fclose(file);
    sf_free(table.k);
    sf_free(table.power);
    return status;
}
