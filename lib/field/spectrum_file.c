/* spectrum_file.c - a spectrum from a file of two columns, k and P: text, or a FITS table. */
#include <scorefield/field.h>
#include <scorefield/io.h>

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
    return SF_OK;
}

static sf_status read_text(const char *path, points *table)
{
    FILE *file = fopen(path, "r");
    sf_status status;

    if (file == NULL)
        return sf_fail(SF_ERR_IO, "cannot open the spectrum \"%s\": %s", path, strerror(errno));
    status = read_points(path, file, table);
    (void)fclose(file);
    return status;
}

/* The columns named k and P, or the two that there are. */
static sf_status find_columns(const char *path, const sf_table *file, size_t column[2])
{
    if (sf_table_find(file, "k", &column[0]) &&
        (sf_table_find(file, "P", &column[1]) || sf_table_find(file, "power", &column[1])))
        return SF_OK;
    column[0] = 0;
    column[1] = 1;
    if (sf_table_columns(file) == 2) return SF_OK;
    return sf_fail(
        SF_ERR_FORMAT,
        "%s has %zu columns, none of them named k or none named P (or POWER); a spectrum has both",
        path, sf_table_columns(file));
}

static sf_status read_fits(const char *path, points *table)
{
    sf_table *file = NULL;
    size_t column[2];
    sf_status status;

    SF_GO(sf_table_open(path, &file));
    SF_GO(find_columns(path, file, column));
    SF_GO(sf_table_column(file, column[0], &table->k, NULL));
    SF_GO(sf_table_column(file, column[1], &table->power, NULL));
    table->count = sf_table_rows(file);
    for (size_t i = 0; i < table->count; i++) {
        char where[512];

        (void)snprintf(where, sizeof where, "%s, row %zu", path, i + 1);
        SF_GO(sf_spectrum_point_check(table->k[i], table->power[i], i > 0 ? table->k[i - 1] : 0.0,
                                      where));
    }
done:
    sf_table_release(&file);
    return status;
}

/* FILE.fit, .fits or .fts, with .gz or without, with the HDU in brackets or without */
static bool is_fits_name(const char *path)
{
    static const char *const endings[] = {".fit", ".fits", ".fts"};
    const char *bracket = strrchr(path, '[');
    size_t length = bracket != NULL ? (size_t)(bracket - path) : strlen(path);

    if (length > 3 && strncmp(path + length - 3, ".gz", 3) == 0) length -= 3;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t size = strlen(endings[i]);

        if (length > size && strncmp(path + length - size, endings[i], size) == 0) return true;
    }
    return false;
}

sf_status sf_spectrum_read(const char *path, sf_extrapolation beyond, sf_spectrum **spectrum)
{
    points table = {NULL, NULL, 0, 0};
    sf_status status;

    *spectrum = NULL;
    SF_GO(is_fits_name(path) ? read_fits(path, &table) : read_text(path, &table));
    if (table.count < 3) {
        status =
            sf_fail(SF_ERR_FORMAT, "%s has %zu points; a cubic spline needs 3", path, table.count);
        goto done;
    }
    SF_GO(sf_spectrum_table_with(table.k, table.power, table.count, 0.0, beyond, spectrum));
done:
    sf_free(table.k);
    sf_free(table.power);
    return status;
}
