/* fits_table_write.c - binary tables (FITS standard 4.0, section 7.3) among a file's parts. */
#include "io/fits_internal.h"

#include <stdio.h>
#include <string.h>

#define MAX_COLUMNS 999

static sf_status check_columns(const sf_fits_writer *writer, const sf_column *columns, size_t count)
{
    if (count == 0 || count > MAX_COLUMNS)
        return sf_fail(SF_ERR_ARGUMENT, "%s: a table of %zu columns: give 1 to %d", writer->path,
                       count, MAX_COLUMNS);
    for (size_t i = 0; i < count; i++) {
        const sf_column *c = &columns[i];
        if (c->name == NULL || c->name[0] == '\0')
            return sf_fail(SF_ERR_ARGUMENT, "%s: column %zu of the table has no name", writer->path,
                           i + 1);
        if ((c->values == NULL) == (c->integers == NULL))
            return sf_fail(SF_ERR_ARGUMENT,
                           "%s: column %s needs values or integers, one of the two", writer->path,
                           c->name);
    }
    return SF_OK;
}

/* The lock is held. */
static void describe(fitsfile *file, const sf_column *column, size_t number, int *code)
{
    const char *format = column->integers != NULL ? "K" : column->single ? "E" : "D";
    char keyword[FLEN_KEYWORD];

    (void)snprintf(keyword, sizeof keyword, "TTYPE%zu", number);
    fits_update_key_str(file, keyword, column->name, NULL, code);
    (void)snprintf(keyword, sizeof keyword, "TFORM%zu", number);
    fits_update_key_str(file, keyword, format, NULL, code);
    if (column->unit == NULL) return;
    (void)snprintf(keyword, sizeof keyword, "TUNIT%zu", number);
    fits_update_key_str(file, keyword, column->unit, NULL, code);
}

/* The lock is held. */
static sf_status begin(sf_fits_writer *writer, const char *name, const sf_column *columns,
                       size_t count, sf_fits_part **part)
{
    int code = 0;

    if (writer->parts == 0) SF_TRY(sf_fits_part_begin(writer, NULL, part)); /* an empty primary */
    SF_TRY(sf_fits_part_begin(writer, name, part));
    for (size_t i = 0; i < count; i++) describe(writer->file, &columns[i], i + 1, &code);
    return code == 0 ? SF_OK : sf_fits_part_fail(writer, code, "the header cannot be composed");
}

sf_status sf_fits_writer_table(sf_fits_writer *writer, const char *name, const sf_column *columns,
                               size_t count, size_t rows)
{
    sf_fits_part *part;
    sf_status status;

    SF_GO(check_columns(writer, columns, count));
    sf_cfitsio_lock();
    status = begin(writer, name, columns, count, &part);
    sf_cfitsio_unlock();
    if (status != SF_OK) goto done;
    SF_GO(sf_copy_memory(columns, count, sizeof *columns, &part->column));
    part->content = SF_CONTENT_TABLE;
    part->columns = count;
    part->rows = rows;
    for (size_t i = 0; i < count; i++)
        if (part->column[i].stride == 0) part->column[i].stride = 1;
done:
    if (status != SF_OK) writer->failed = status;
    return status;
}
