/* fits_write.c - FITS files to be written: what is in them, and their headers.
 *
 * Headers are made by CFITSIO, in memory, of HDUs whose arrays are empty. The data stay where the
 * caller has them until the file is composed (fits_compose.c): a field that fills the memory is
 * not held twice. */
#include "io/fits_internal.h"
#include "io/output.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sf_status(sf_fits_part_fail)(const sf_fits_writer *writer, int code, const char *what)
{
    return sf_cfitsio_fail(code, writer->path, writer->parts > 0 ? (int)writer->parts - 1 : 0,
                           what);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* CFITSIO looks at a block's padding before it has written it: what it is given must be zero, and
 * so the block remembers its size. */
typedef struct block {
    size_t size;
    max_align_t bytes[];
} block;

static block *block_of(void *memory)
{
    return memory == NULL ? NULL : (block *)((char *)memory - offsetof(block, bytes));
}

static void *resize_zeroed(void *memory, size_t size)
{
    block *old = block_of(memory), *b;
    const size_t before = old != NULL ? old->size : 0;

    if (size > SIZE_MAX - offsetof(block, bytes)) return NULL;
    b = realloc(old, offsetof(block, bytes) + size);
    if (b == NULL) return NULL;
    if (size > before) memset((char *)b->bytes + before, 0, size - before);
    b->size = size;
    return b->bytes;
}

/* ---- beginning and giving up ----------------------------------------------------------------- */

sf_status sf_fits_writer_create(const char *path, bool overwrite, sf_fits_writer **writer)
{
    sf_fits_writer *w = NULL;
    sf_status status;
    int code = 0;

    *writer = NULL;
    SF_TRY(sf_output_check(path, overwrite)); /* early: before hours of work */
    SF_TRY(sf_allocate(&w, 1, sizeof *w));
    w->overwrite = overwrite;
    SF_GO(sf_copy_text(path, &w->path));
    w->capacity = SF_FITS_BLOCK;
    w->memory = resize_zeroed(NULL, w->capacity);
    if (w->memory == NULL) {
        status = sf_fail(SF_ERR_MEMORY, "%s: no memory for a header", path);
        goto done;
    }
    sf_cfitsio_lock();
    fits_create_memfile(&w->file, &w->memory, &w->capacity, SF_FITS_BLOCK, resize_zeroed, &code);
    if (code != 0) {
        w->file = NULL;
        status = sf_fits_part_fail(w, code, "cannot be begun");
    }
    sf_cfitsio_unlock();
done:
    if (status != SF_OK) sf_fits_writer_release(&w);
    *writer = w;
    return status;
}

void sf_fits_writer_release(sf_fits_writer **writer)
{
    if (writer == NULL || *writer == NULL) return;
    if ((*writer)->file != NULL) {
        int code = 0;
        sf_cfitsio_lock();
        fits_close_file((*writer)->file, &code);
        fits_clear_errmsg();
        sf_cfitsio_unlock();
    }
    free(block_of((*writer)->memory));
    for (size_t i = 0; i < (*writer)->parts; i++) {
        sf_free((*writer)->part[i].copy);
        sf_free((*writer)->part[i].column);
    }
    sf_free((*writer)->part);
    sf_free((*writer)->path);
    sf_free(*writer);
    *writer = NULL;
}

/* ---- headers --------------------------------------------------------------------------------- */

int sf_fits_digits(double value)
{
    char text[40];
    int digits = 15;

    for (; digits < 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return digits;
}

/* Keywords that describe the old array, its scaling, its compression or its place in the old
 * file; the new HDU has its own. */
static bool belongs_to_old_array(const char *card)
{
    char copy[FLEN_CARD];

    if (strncmp(card, "ZHECKSUM", 8) == 0 || strncmp(card, "ZDATASUM", 8) == 0) return true;
    memcpy(copy, card, sizeof copy);
    switch (fits_get_keyclass(copy)) {
    case TYP_STRUC_KEY:
    case TYP_CMPRS_KEY:
    case TYP_SCAL_KEY:
    case TYP_NULL_KEY:
    case TYP_DIM_KEY:
    case TYP_RANG_KEY:
    case TYP_HDUID_KEY:
    case TYP_CKSUM_KEY: return true;
    default: return false;
    }
}

/* The keyword of the n-th axis: CRPIX1, CRPIX1A, LTV1; false when the card has another root. */
static bool is_axis_keyword(const char *card, const char *root, int *axis)
{
    const size_t n = strlen(root);

    if (strncmp(card, root, n) != 0 || !isdigit((unsigned char)card[n]) ||
        isdigit((unsigned char)card[n + 1]))
        return false;
    *axis = card[n] - '0';
    return true;
}

/* Cells by which the array has moved along FITS axis n. */
static long shift_along(const sf_grid *grid, const long *offset, int n)
{
    return offset != NULL && n >= 1 && n <= grid->axes ? offset[grid->axes - n] : 0;
}

/* A cut-out that starts at `offset` sees its reference pixel, and the origin of IRAF's physical
 * coordinates, that much nearer. */
static void shift_reference(fitsfile *file, const char *card, const sf_grid *grid,
                            const long *offset, int *code)
{
    char keyword[FLEN_KEYWORD], copy[FLEN_CARD];
    int axis = 0, length = 0;
    double value;
    long shift;

    if (!is_axis_keyword(card, "CRPIX", &axis) && !is_axis_keyword(card, "LTV", &axis)) return;
    shift = shift_along(grid, offset, axis);
    if (shift == 0 || !sf_fits_card_number(card, &value)) return;
    memcpy(copy, card, sizeof copy);
    value -= (double)shift;
    fits_get_keyname(copy, keyword, &length, code);
    fits_modify_key_dbl(file, keyword, value, -sf_fits_digits(value), NULL, code);
}

/* A reference pixel that the header leaves out is 0; moved, it must be written. */
static void add_missing_reference(fitsfile *file, const sf_fits *header, const sf_grid *grid,
                                  const long *offset, int *code)
{
    for (int n = 1; n <= grid->axes && n <= 9; n++) {
        const long shift = shift_along(grid, offset, n);
        char keyword[FLEN_KEYWORD];
        double value;
        (void)snprintf(keyword, sizeof keyword, "CRVAL%d", n);
        if (shift == 0 || !sf_fits_get_number(header, keyword, &value)) continue;
        (void)snprintf(keyword, sizeof keyword, "CRPIX%d", n);
        if (!sf_fits_get_number(header, keyword, &value))
            fits_update_key_dbl(file, keyword, -(double)shift, -15, NULL, code);
    }
}

/* A card whose keyword is damaged is kept as a comment. */
static void copy_card(fitsfile *file, const char *card, int *code)
{
    char copy[FLEN_CARD];
    int test = 0;

    memcpy(copy, card, sizeof copy);
    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~') *p = ' ';
    if (fits_test_keyword(copy, &test) == 0)
        fits_write_record(file, copy, code);
    else
        fits_write_comment(file, copy, code);
    if (test != 0) fits_clear_errmsg();
}

static void copy_header(fitsfile *file, const sf_fits *header, const sf_grid *grid,
                        const long *offset, int *code)
{
    bool dropped = false; /* then its CONTINUE cards go, too */

    for (size_t i = 0; i < header->cards; i++) {
        const char *card = header->card[i];
        if (strncmp(card, "CONTINUE", 8) != 0) dropped = belongs_to_old_array(card);
        if (dropped) continue;
        copy_card(file, card, code);
        shift_reference(file, card, grid, offset, code);
    }
    add_missing_reference(file, header, grid, offset, code);
}

/* ---- parts ----------------------------------------------------------------------------------- */

static sf_status make_room(sf_fits_writer *writer)
{
    const size_t room = writer->room > 0 ? 2 * writer->room : 4;
    sf_fits_part *part;

    if (writer->parts < writer->room) return SF_OK;
    SF_TRY(sf_allocate(&part, room, sizeof *part));
    if (writer->parts > 0) memcpy(part, writer->part, writer->parts * sizeof *part);
    sf_free(writer->part);
    writer->part = part;
    writer->room = room;
    return SF_OK;
}

sf_status sf_fits_part_begin(sf_fits_writer *writer, const char *name, sf_fits_part **part)
{
    int code = 0;

    SF_TRY(make_room(writer));
    *part = &writer->part[writer->parts++];
    fits_create_imgll(writer->file, BYTE_IMG, 0, NULL, &code);
    fits_get_hdrspace(writer->file, &(*part)->own_cards, NULL, &code);
    if (name != NULL) fits_update_key_str(writer->file, "EXTNAME", name, NULL, &code);
    return code == 0 ? SF_OK : sf_fits_part_fail(writer, code, "the header cannot be composed");
}

static sf_status hold_pixels(const sf_fits_writer *writer, sf_fits_part *part, const double *pixels)
{
    const size_t count = sf_grid_size(&part->grid);

    SF_TRY(sf_allocate(&part->copy, count, sizeof part->copy[0]));
    part->values = part->copy;
    for (size_t i = 0; i < count; i++) {
        if (fabs(pixels[i]) > (double)FLT_MAX)
            return sf_fail(SF_ERR_NUMERIC,
                           "%s: pixel %zu is %g, beyond what a 32-bit FITS image holds",
                           writer->path, i, pixels[i]);
        part->copy[i] = (float)pixels[i];
    }
    return SF_OK;
}

static sf_status begin_image(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                             sf_fits_content content, const void *values, sf_fits_part **part)
{
    sf_status status;

    sf_cfitsio_lock();
    status = sf_fits_part_begin(writer, name, part);
    sf_cfitsio_unlock();
    if (status != SF_OK) return writer->failed = status;
    (*part)->content = content;
    (*part)->grid = *grid;
    (*part)->values = values;
    return SF_OK;
}

/* Cards of another header for the image added last. */
static sf_status add_header(sf_fits_writer *writer, const sf_grid *grid, const sf_fits *header,
                            const long *offset)
{
    sf_status status = SF_OK;
    int code = 0;

    if (header == NULL) return SF_OK;
    sf_cfitsio_lock();
    copy_header(writer->file, header, grid, offset, &code);
    if (code != 0) status = sf_fits_part_fail(writer, code, "the header cannot be composed");
    sf_cfitsio_unlock();
    return writer->failed = status;
}

sf_status sf_fits_writer_add(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                             const double *pixels, const sf_fits *header, const long *offset)
{
    sf_fits_part *part;

    SF_TRY(begin_image(writer, name, grid, SF_CONTENT_FLOAT, NULL, &part));
    SF_TRY(add_header(writer, grid, header, offset));
    return writer->failed = hold_pixels(writer, part, pixels);
}

sf_status sf_fits_writer_made(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                              sf_fits_make make, void *user, const sf_fits *header)
{
    sf_fits_part *part;

    SF_TRY(begin_image(writer, name, grid, SF_CONTENT_FLOAT, NULL, &part));
    part->make = make;
    part->user = user;
    return add_header(writer, grid, header, NULL);
}

sf_status sf_fits_writer_field(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                               const double *values)
{
    sf_fits_part *part;

    return begin_image(writer, name, grid, SF_CONTENT_DOUBLE, values, &part);
}

sf_status sf_fits_writer_field_single(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                                      const float *values)
{
    sf_fits_part *part;

    return begin_image(writer, name, grid, SF_CONTENT_FLOAT, values, &part);
}

/* ---- keywords -------------------------------------------------------------------------------- */

static sf_status check_keyword(const sf_fits_writer *writer, const char *keyword)
{
    char card[FLEN_CARD];
    const size_t length = strlen(keyword);

    if (writer->parts == 0)
        return sf_fail(SF_ERR_ARGUMENT, "%s: %s is set before an image or a table was added",
                       writer->path, keyword);
    if (length == 0 || length > 8 ||
        strspn(keyword, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != length)
        return sf_fail(SF_ERR_ARGUMENT, "'%s' is no FITS keyword: 1 to 8 of A-Z, 0-9, - and _",
                       keyword);
    (void)snprintf(card, sizeof card, "%-8s=", keyword);
    if (belongs_to_old_array(card) && strcmp(keyword, "EXTVER") != 0)
        return sf_fail(SF_ERR_ARGUMENT, "%s is a keyword that the writer sets itself", keyword);
    return SF_OK;
}

typedef enum value_type { VALUE_DOUBLE, VALUE_INTEGER, VALUE_STRING, VALUE_HISTORY } value_type;

static sf_status set_value(sf_fits_writer *writer, value_type type, const char *keyword,
                           const void *value, const char *comment)
{
    fitsfile *file = writer->file;
    sf_status status = SF_OK;
    int code = 0;

    SF_TRY(check_keyword(writer, keyword));
    sf_cfitsio_lock();
    switch (type) {
    case VALUE_DOUBLE: {
        const double number = *(const double *)value;
        if (isfinite(number))
            fits_update_key_dbl(file, keyword, number, -sf_fits_digits(number), comment, &code);
        else /* FITS has no other way to say so */
            fits_update_key_null(file, keyword, comment, &code);
        break;
    }
    case VALUE_INTEGER:
        fits_update_key_lng(file, keyword, *(const long long *)value, comment, &code);
        break;
    case VALUE_STRING: fits_update_key_longstr(file, keyword, value, comment, &code); break;
    case VALUE_HISTORY: fits_write_history(file, value, &code); break;
    }
    if (code != 0) status = sf_fits_part_fail(writer, code, keyword);
    sf_cfitsio_unlock();
    return status;
}

sf_status sf_fits_writer_double(sf_fits_writer *writer, const char *keyword, double value,
                                const char *comment)
{
    return set_value(writer, VALUE_DOUBLE, keyword, &value, comment);
}

sf_status sf_fits_writer_integer(sf_fits_writer *writer, const char *keyword, long long value,
                                 const char *comment)
{
    return set_value(writer, VALUE_INTEGER, keyword, &value, comment);
}

sf_status sf_fits_writer_string(sf_fits_writer *writer, const char *keyword, const char *value,
                                const char *comment)
{
    return set_value(writer, VALUE_STRING, keyword, value, comment);
}

sf_status sf_fits_writer_history(sf_fits_writer *writer, const char *text)
{
    return set_value(writer, VALUE_HISTORY, "HISTORY", text, NULL);
}

/* ---- the file -------------------------------------------------------------------------------- */

sf_status sf_fits_writer_close(sf_fits_writer **writer)
{
    sf_fits_writer *w = *writer;
    sf_status status;

    if (w->failed != SF_OK)
        status =
            sf_fail(w->failed, "%s: not written, because a part of it could not be added", w->path);
    else if (w->parts == 0)
        status = sf_fail(SF_ERR_ARGUMENT, "%s: not written, because nothing was added", w->path);
    else
        status = sf_fits_compose(w);
    sf_fits_writer_release(writer);
    return status;
}
