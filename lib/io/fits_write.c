/* fits_write.c - FITS files with images and their headers, whole or not at all.
 *
 * The file grows in memory, through CFITSIO's memory driver, so that no path reaches CFITSIO and
 * every error of the disk is seen where it can be told. The pixels of an image are held back
 * until its header is complete: a header that outgrows its blocks would move them. */
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

struct sf_fits_writer {
    char *path;
    bool overwrite;
    sf_status failed; /* an image that could not be added: no file will be written */
    fitsfile *file;
    void *memory; /* CFITSIO keeps pointers to these two */
    size_t capacity;
    int images;
    float *pixels; /* of the image added last */
    size_t count;
};

static sf_status fail_image(const sf_fits_writer *writer, int code, const char *what)
{
    return sf_cfitsio_fail(code, writer->path, writer->images > 0 ? writer->images - 1 : 0, what);
}

/* ---- memory -----------------------------------------------------------------------------------
 */

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

/* ---- beginning and giving up ------------------------------------------------------------------
 */

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
    fits_create_memfile(&w->file, &w->memory, &w->capacity, (size_t)1 << 24, resize_zeroed, &code);
    if (code != 0) {
        w->file = NULL;
        status = fail_image(w, code, "cannot be begun");
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
    sf_free((*writer)->pixels);
    sf_free((*writer)->path);
    sf_free(*writer);
    *writer = NULL;
}

/* ---- pixels -----------------------------------------------------------------------------------
 */

static sf_status hold_pixels(sf_fits_writer *writer, const double *pixels, size_t count)
{
    SF_TRY(sf_allocate(&writer->pixels, count, sizeof writer->pixels[0]));
    writer->count = count;
    for (size_t i = 0; i < count; i++) {
        if (fabs(pixels[i]) > (double)FLT_MAX)
            return sf_fail(SF_ERR_NUMERIC,
                           "%s: pixel %zu is %g, beyond what a 32-bit FITS image holds",
                           writer->path, i, pixels[i]);
        writer->pixels[i] = (float)pixels[i];
    }
    return SF_OK;
}

/* The standard's checksums, without the time of day that CFITSIO would put into the comments:
 * the same image is the same bytes. */
static void write_checksum(fitsfile *file, int *code)
{
    unsigned long data = 0, hdu = 0;
    char text[FLEN_VALUE];

    fits_update_key_str(file, "CHECKSUM", "0000000000000000", "HDU checksum", code);
    fits_update_key_str(file, "DATASUM", "0", "data unit checksum", code);
    fits_flush_file(file, code); /* the header's end and the data's padding are summed, too */
    fits_get_chksum(file, &data, &hdu, code);
    (void)snprintf(text, sizeof text, "%lu", data);
    fits_update_key_str(file, "DATASUM", text, "data unit checksum", code);
    fits_get_chksum(file, &data, &hdu, code);
    fits_encode_chksum(hdu, 1, text);
    fits_update_key_str(file, "CHECKSUM", text, "HDU checksum", code);
}

/* Writes what was held back of the image added last. The lock is held. */
static sf_status finish_image(sf_fits_writer *writer)
{
    int code = 0;

    if (writer->pixels == NULL) return SF_OK;
    fits_write_img(writer->file, TFLOAT, 1, (LONGLONG)writer->count, writer->pixels, &code);
    sf_free(writer->pixels);
    writer->pixels = NULL;
    write_checksum(writer->file, &code);
    return code == 0 ? SF_OK : fail_image(writer, code, "the image cannot be composed");
}

/* ---- headers ----------------------------------------------------------------------------------
 */

/* Digits that give the number back exactly, but not more than it needs. */
static int digits_of(double value)
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
    fits_modify_key_dbl(file, keyword, value, -digits_of(value), NULL, code);
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

static sf_status begin_image(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                             const sf_fits *header, const long *offset)
{
    LONGLONG shape[SF_GRID_MAX_AXES];
    int code = 0;

    SF_TRY(finish_image(writer));
    for (int i = 0; i < grid->axes; i++) shape[i] = (LONGLONG)grid->shape[grid->axes - 1 - i];
    fits_create_imgll(writer->file, FLOAT_IMG, grid->axes, shape, &code);
    writer->images++;
    if (name != NULL) fits_update_key_str(writer->file, "EXTNAME", name, NULL, &code);
    if (header != NULL && code == 0) copy_header(writer->file, header, grid, offset, &code);
    return code == 0 ? SF_OK : fail_image(writer, code, "the header cannot be composed");
}

sf_status sf_fits_writer_add(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                             const double *pixels, const sf_fits *header, const long *offset)
{
    sf_status status;

    sf_cfitsio_lock();
    status = begin_image(writer, name, grid, header, offset);
    sf_cfitsio_unlock();
    if (status == SF_OK) status = hold_pixels(writer, pixels, sf_grid_size(grid));
    if (status != SF_OK) writer->failed = status;
    return status;
}

/* ---- keywords ---------------------------------------------------------------------------------
 */

static sf_status check_keyword(const sf_fits_writer *writer, const char *keyword)
{
    char card[FLEN_CARD];
    const size_t length = strlen(keyword);

    if (writer->images == 0)
        return sf_fail(SF_ERR_ARGUMENT, "%s: %s is set before an image was added", writer->path,
                       keyword);
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
            fits_update_key_dbl(file, keyword, number, -digits_of(number), comment, &code);
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
    if (code != 0) status = fail_image(writer, code, keyword);
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

/* ---- the file ---------------------------------------------------------------------------------
 */

/* Finishes the last image and says how long the file is. */
static sf_status finish_file(sf_fits_writer *writer, size_t *length)
{
    LONGLONG end = 0;
    int code = 0;
    sf_status status;

    sf_cfitsio_lock();
    status = finish_image(writer);
    if (status == SF_OK) {
        fits_get_hduaddrll(writer->file, NULL, NULL, &end, &code);
        fits_close_file(writer->file, &code);
        writer->file = NULL;
        if (code != 0) status = fail_image(writer, code, "the file cannot be composed");
    }
    sf_cfitsio_unlock();
    *length = (size_t)end;
    return status;
}

sf_status sf_fits_writer_close(sf_fits_writer **writer)
{
    sf_fits_writer *w = *writer;
    size_t length = 0;
    sf_status status;

    if (w->failed != SF_OK)
        status =
            sf_fail(w->failed, "%s: not written, because an image could not be added", w->path);
    else if (w->images == 0)
        status = sf_fail(SF_ERR_ARGUMENT, "%s: not written, because no image was added", w->path);
    else
        status = finish_file(w, &length);
    if (status == SF_OK) status = sf_output_file(w->path, w->overwrite, w->memory, length);
    sf_fits_writer_release(writer);
    return status;
}
