/* text_table_read.c - a table of numbers from a text file. */
#include "base/internal.h"

#include <scorefield/io.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n\v\f"

typedef struct numbers {
    double *value;
    size_t count, capacity;
    size_t rows, columns;
} numbers;

static sf_status append(numbers *table, double value)
{
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity > 0 ? 2 * table->capacity : 1024;
        double *larger;

        SF_TRY(sf_allocate(&larger, capacity, sizeof *larger));
        if (table->count > 0) memcpy(larger, table->value, table->count * sizeof *larger);
        sf_free(table->value);
        table->value = larger;
        table->capacity = capacity;
    }
    table->value[table->count++] = value;
    return SF_OK;
}

/* Behind a number: blanks, at most one comma, blanks; NULL where it runs into something else. */
static const char *after_number(const char *text)
{
    const char *next = text + strspn(text, BLANKS);

    if (*next == ',') {
        next += 1 + strspn(next + 1, BLANKS);
        return *next != '\0' ? next : NULL;
    }
    return next > text || *next == '\0' ? next : NULL;
}

/* Adds one line's row, if it has one. */
static sf_status read_line(const char *path, size_t number, char *line, numbers *table)
{
    const size_t before = table->count;
    const char *text;

    line[strcspn(line, "#\r\n")] = '\0';
    text = line + strspn(line, BLANKS);
    if (*text == '\0') return SF_OK;
    while (*text != '\0') {
        const char *from = text;
        char *end;
        const double value = sf_text_to_number(text, &end);

        text = end > text ? after_number(end) : NULL;
        if (text == NULL)
            return sf_fail(SF_ERR_FORMAT, "%s, line %zu: \"%.40s\" is not a number", path, number,
                           from);
        SF_TRY(append(table, value));
    }
    if (table->rows == 0) table->columns = table->count;
    if (table->count - before != table->columns)
        return sf_fail(SF_ERR_FORMAT, "%s, line %zu: a row of %zu numbers, where others have %zu",
                       path, number, table->count - before, table->columns);
    table->rows++;
    return SF_OK;
}

static sf_status read_lines(const char *path, FILE *file, numbers *table)
{
    char *line = NULL;
    size_t size = 0;
    sf_status status = SF_OK;

    for (size_t number = 1; status == SF_OK && getline(&line, &size, file) >= 0; number++)
        status = read_line(path, number, line, table);
    free(line);
    if (status != SF_OK) return status;
    if (ferror(file)) return sf_fail(SF_ERR_IO, "cannot read %s: %s", path, strerror(errno));
    if (table->rows == 0) return sf_fail(SF_ERR_FORMAT, "%s holds no numbers", path);
    return SF_OK;
}

sf_status sf_text_table_read(const char *path, double **values, size_t *rows, size_t *columns)
{
    numbers table = {.value = NULL};
    FILE *file = fopen(path, "r");
    sf_status status;

    *values = NULL;
    *rows = *columns = 0;
    if (file == NULL)
        return sf_fail(SF_ERR_IO, "cannot open the table \"%s\": %s", path, strerror(errno));
    status = read_lines(path, file, &table);
    (void)fclose(file);
    if (status != SF_OK) {
        sf_free(table.value);
        return status;
    }
    *values = table.value;
    *rows = table.rows;
    *columns = table.columns;
    return SF_OK;
}
