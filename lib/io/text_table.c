/* text_table.c - columns of numbers as a text file that any program reads. */
#include "io/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "# first line\n# second line\n" */
static void write_comment(FILE *file, const char *comment)
{
    fputs("# ", file);
    for (const char *p = comment; *p != '\0'; p++) {
        fputc(*p, file);
        if (*p == '\n') fputs("# ", file);
    }
    fputc('\n', file);
}

static void write_names(FILE *file, const sf_column *columns, size_t count)
{
    fputc('#', file);
    for (size_t i = 0; i < count; i++) {
        fprintf(file, " %s", columns[i].name);
        if (columns[i].unit != NULL && columns[i].unit[0] != '\0')
            fprintf(file, " [%s]", columns[i].unit);
    }
    fputc('\n', file);
}

static void write_row(FILE *file, const sf_column *columns, size_t count, size_t row)
{
    char text[64];

    for (size_t i = 0; i < count; i++) {
        const sf_column *c = &columns[i];
        const size_t at = row * (c->stride > 0 ? c->stride : 1);
        if (c->integers != NULL)
            (void)snprintf(text, sizeof text, "%" PRId64, c->integers[at]);
        else
            sf_number_to_text(c->values[at], text, sizeof text);
        fprintf(file, "%s%s", i > 0 ? " " : "", text);
    }
    fputc('\n', file);
}

sf_status sf_text_table_write(const char *path, bool overwrite, const char *comment,
                              const sf_column *columns, size_t count, size_t rows)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    sf_status status;
    bool written;

    if (file == NULL) return sf_fail(SF_ERR_MEMORY, "%s: no memory for its text", path);
    if (comment != NULL) write_comment(file, comment);
    write_names(file, columns, count);
    for (size_t row = 0; row < rows; row++) write_row(file, columns, count, row);
    written = !ferror(file);
    written = fclose(file) == 0 && written;
    if (written)
        status = sf_output_file(path, overwrite, text, size);
    else
        status = sf_fail(SF_ERR_MEMORY, "%s: no memory for its text", path);
    free(text);
    return status;
}
