/* fits_read.c - images from FITS files: pixels as double (or as the floats that they are), and the
 * header. */
#include "io/fits_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* CFITSIO must see the image that the scan saw. */
static sf_status move_to(const sf_fits_source *source, const sf_fits_hdu *hdu)
{
    LONGLONG shape[SF_FITS_MAX_AXES] = {0};
    int code = 0, type = 0, bitpix = 0, axes = 0;

    fits_movabs_hdu(source->file, hdu->number + 1, &type, &code);
    fits_get_img_paramll(source->file, SF_FITS_MAX_AXES, &bitpix, &axes, shape, &code);
    if (code != 0) return sf_cfitsio_fail(code, source->path, hdu->number, "cannot be read");
    for (int i = 0; i < hdu->axes; i++)
        if (axes != hdu->axes || bitpix != hdu->bitpix || shape[i] != (LONGLONG)hdu->shape[i])
            return sf_fail(SF_ERR_FORMAT,
                           "%s, HDU %d: the header contradicts itself about the "
                           "image's size",
                           source->path, hdu->number);
    return SF_OK;
}

/* FITS axes, fastest first, to a grid, slowest first. An image stays an image: only axes of
 * length 1 beyond the second are dropped. */
static sf_status make_grid(const sf_fits_source *source, const sf_fits_hdu *hdu, sf_grid *grid)
{
    size_t shape[SF_GRID_MAX_AXES];
    int axes = hdu->axes;

    while (axes > 2 && hdu->shape[axes - 1] == 1) axes--;
    if (axes > SF_GRID_MAX_AXES)
        return sf_fail(SF_ERR_UNSUPPORTED, "%s, HDU %d: %d axes are more than the %d allowed",
                       source->path, hdu->number, axes, SF_GRID_MAX_AXES);
    for (int i = 0; i < axes; i++) shape[i] = hdu->shape[axes - 1 - i];
    return sf_grid_make(axes, shape, NULL, grid);
}

static sf_status read_cards(const sf_fits_source *source, const sf_fits_hdu *hdu, sf_fits *fits)
{
    int code = 0, count = 0;

    fits_get_hdrspace(source->file, &count, NULL, &code);
    if (code == 0) {
        SF_TRY(sf_allocate(&fits->card, (size_t)count, sizeof fits->card[0]));
        for (int i = 0; i < count; i++) fits_read_record(source->file, i + 1, fits->card[i], &code);
        fits->cards = (size_t)count;
    }
    if (code != 0)
        return sf_cfitsio_fail(code, source->path, hdu->number, "the header cannot be read");
    return SF_OK;
}

/* Floats without a scale, which a double holds no better. The lock is held. */
static bool is_single(const sf_fits_hdu *hdu, const sf_fits *fits)
{
    double value;

    return hdu->bitpix == FLOAT_IMG && hdu->codec == SF_CODEC_NONE &&
           (!sf_fits_get_number(fits, "BSCALE", &value) || value == 1.0) &&
           (!sf_fits_get_number(fits, "BZERO", &value) || value == 0.0);
}

/* Infinities come from files and from BSCALE. */
static size_t drop_infinite(sf_fits *fits, size_t count)
{
    size_t undefined = 0;

    for (size_t i = 0; i < count; i++) {
        if (fits->single != NULL ? isfinite(fits->single[i]) : isfinite(fits->pixels[i])) continue;
        if (fits->single != NULL)
            fits->single[i] = NAN;
        else
            fits->pixels[i] = NAN;
        undefined++;
    }
    return undefined;
}

static sf_status allocate_pixels(sf_fits *fits, bool single)
{
    const size_t room = sf_fft_buffer_size(&fits->grid);

    if (single) return sf_allocate(&fits->single, room, sizeof fits->single[0]);
    return sf_allocate(&fits->pixels, room, sizeof fits->pixels[0]);
}

static sf_status read_pixels(const sf_fits_source *source, const sf_fits_hdu *hdu, bool as_stored,
                             sf_fits *fits)
{
    const bool single = as_stored && is_single(hdu, fits);
    LONGLONG first[SF_FITS_MAX_AXES];
    double undefined = NAN;
    float undefined_single = NAN;
    int code = 0, any = 0;

    for (int i = 0; i < SF_FITS_MAX_AXES; i++) first[i] = 1;
    SF_TRY(allocate_pixels(fits, single));
    fits_read_pixll(source->file, single ? TFLOAT : TDOUBLE, first, (LONGLONG)hdu->pixels,
                    single ? (void *)&undefined_single : &undefined,
                    single ? (void *)fits->single : fits->pixels, &any, &code);
    if (code != 0)
        return sf_cfitsio_fail(code, source->path, hdu->number, "the pixels cannot be read");
    fits->undefined = drop_infinite(fits, hdu->pixels);
    return SF_OK;
}

/* ---- a file, opened -------------------------------------------------------------------------- */

struct sf_fits_file {
    sf_fits_source source;
    sf_fits_hdu hdu;
    sf_fits header; /* grid and cards */
};

/* All that needs CFITSIO; the lock is held. */
static sf_status begin(sf_fits_file *f)
{
    SF_TRY(sf_fits_source_cfitsio(&f->source));
    SF_TRY(move_to(&f->source, &f->hdu));
    if (f->hdu.codec != SF_CODEC_NONE) SF_TRY(sf_fits_tiles_check(&f->source, &f->hdu));
    return read_cards(&f->source, &f->hdu, &f->header);
}

sf_status sf_fits_open(const char *path, sf_fits_file **file)
{
    sf_fits_file *f;
    sf_status status;

    *file = NULL;
    SF_TRY(sf_allocate(&f, 1, sizeof *f));
    f->source.fd = -1;
    SF_GO(sf_fits_source_open(path, &f->source));
    SF_GO(sf_fits_scan(&f->source, SF_FITS_IMAGE, &f->hdu));
    SF_GO(make_grid(&f->source, &f->hdu, &f->header.grid));
    sf_cfitsio_lock();
    status = begin(f);
    sf_cfitsio_unlock();
done:
    if (status != SF_OK) sf_fits_close(&f);
    *file = f;
    return status;
}

void sf_fits_close(sf_fits_file **file)
{
    if (file == NULL || *file == NULL) return;
    sf_fits_source_close(&(*file)->source);
    sf_free((*file)->header.card);
    sf_free(*file);
    *file = NULL;
}

const sf_fits *sf_fits_file_header(const sf_fits_file *file) { return &file->header; }

/* ---- reading all of it ----------------------------------------------------------------------- */

static sf_status read(const char *path, bool as_stored, sf_fits **fits)
{
    sf_fits_file *file = NULL;
    sf_status status;

    *fits = NULL;
    SF_GO(sf_fits_open(path, &file));
    SF_GO(sf_allocate(fits, 1, sizeof **fits));
    **fits = file->header;
    file->header.card = NULL; /* handed over */
    sf_cfitsio_lock();
    status = read_pixels(&file->source, &file->hdu, as_stored, *fits);
    sf_cfitsio_unlock();
done:
    sf_fits_close(&file);
    if (status != SF_OK) sf_fits_release(fits);
    return status;
}

sf_status sf_fits_read(const char *path, sf_fits **fits) { return read(path, false, fits); }

sf_status sf_fits_read_stored(const char *path, sf_fits **fits) { return read(path, true, fits); }

/* ---- reading a piece ------------------------------------------------------------------------- */

static sf_status check_box(const sf_fits_file *f, const size_t *first, const size_t *shape)
{
    const sf_grid *grid = &f->header.grid;

    for (int a = 0; a < grid->axes; a++)
        if (shape[a] == 0 || first[a] > grid->shape[a] || shape[a] > grid->shape[a] - first[a])
            return sf_fail(SF_ERR_SHAPE, "%s, HDU %d: %zu pixels from %zu on are not in its %zu",
                           f->source.path, f->hdu.number, shape[a], first[a], grid->shape[a]);
    return SF_OK;
}

/* The box's own grid: like an image's, without leading axes of length 1 before the last two. */
static sf_status box_grid(int axes, const size_t *shape, sf_grid *grid)
{
    while (axes > 2 && shape[0] == 1) {
        axes--;
        shape++;
    }
    return sf_grid_make(axes, shape, NULL, grid);
}

static sf_status copy_cards(const sf_fits *from, sf_fits *to)
{
    SF_TRY(sf_allocate(&to->card, from->cards, sizeof to->card[0]));
    memcpy(to->card, from->card, from->cards * sizeof to->card[0]);
    to->cards = from->cards;
    return SF_OK;
}

/* The lock is held. */
static sf_status read_box(const sf_fits_file *f, const size_t *first, const size_t *shape,
                          double *pixels)
{
    long from[SF_FITS_MAX_AXES], to[SF_FITS_MAX_AXES], step[SF_FITS_MAX_AXES];
    const int axes = f->header.grid.axes;
    double undefined = NAN;
    int code = 0, any = 0;

    for (int i = 0; i < SF_FITS_MAX_AXES; i++) from[i] = to[i] = step[i] = 1;
    for (int i = 0; i < axes; i++) {
        from[i] = (long)first[axes - 1 - i] + 1;
        to[i] = from[i] + (long)shape[axes - 1 - i] - 1;
    }
    fits_read_subset(f->source.file, TDOUBLE, from, to, step, &undefined, pixels, &any, &code);
    if (code == 0) return SF_OK;
    return sf_cfitsio_fail(code, f->source.path, f->hdu.number, "the pixels cannot be read");
}

sf_status sf_fits_file_read(sf_fits_file *f, const size_t *first, const size_t *shape,
                            sf_fits **fits)
{
    sf_fits *box = NULL;
    sf_status status;

    *fits = NULL;
    SF_TRY(check_box(f, first, shape));
    SF_GO(sf_allocate(&box, 1, sizeof *box));
    SF_GO(box_grid(f->header.grid.axes, shape, &box->grid));
    SF_GO(copy_cards(&f->header, box));
    SF_GO(allocate_pixels(box, false));
    sf_cfitsio_lock();
    status = read_box(f, first, shape, box->pixels);
    sf_cfitsio_unlock();
    if (status == SF_OK) box->undefined = drop_infinite(box, sf_grid_size(&box->grid));
done:
    if (status != SF_OK) sf_fits_release(&box);
    *fits = box;
    return status;
}

void sf_fits_release(sf_fits **fits)
{
    if (fits == NULL || *fits == NULL) return;
    sf_free((*fits)->pixels);
    sf_free((*fits)->single);
    sf_free((*fits)->card);
    sf_free(*fits);
    *fits = NULL;
}

const sf_grid *sf_fits_grid(const sf_fits *fits) { return &fits->grid; }

const double *sf_fits_pixels(const sf_fits *fits) { return fits->pixels; }

double *sf_fits_take_pixels(sf_fits *fits)
{
    double *pixels = fits->pixels;

    fits->pixels = NULL;
    return pixels;
}

float *sf_fits_take_pixels_single(sf_fits *fits)
{
    float *pixels = fits->single;

    fits->single = NULL;
    return pixels;
}

size_t sf_fits_undefined(const sf_fits *fits) { return fits->undefined; }

/* ---- header look-ups ------------------------------------------------------------------------- */

/* Index of the card with that keyword (HIERARCH ones included), or the number of cards. */
static size_t find_card(const sf_fits *fits, const char *keyword)
{
    char name[FLEN_KEYWORD];
    int length = 0;

    for (size_t i = 0; i < fits->cards; i++) {
        int code = 0;
        char card[FLEN_CARD];
        memcpy(card, fits->card[i], sizeof card);
        if (fits_get_keyname(card, name, &length, &code) == 0 && strcasecmp(name, keyword) == 0)
            return i;
    }
    return fits->cards;
}

/* The value's text and its type: C, L, I, F, X; false without a value. */
static bool card_value(const char *card, char value[FLEN_VALUE], char *type)
{
    char copy[FLEN_CARD], comment[FLEN_COMMENT];
    int code = 0;

    memcpy(copy, card, sizeof copy);
    return fits_parse_value(copy, value, comment, &code) == 0 && value[0] != '\0' &&
           fits_get_keytype(value, type, &code) == 0;
}

/* Removes the quotes and trailing blanks; '' stands for one quote. */
static void unquote(char *text)
{
    char *out = text;

    for (const char *p = text + 1; *p != '\0'; p++) {
        if (*p == '\'' && *++p != '\'') break;
        *out++ = *p;
    }
    while (out > text && out[-1] == ' ') out--;
    *out = '\0';
}

bool sf_fits_card_number(const char *card, double *value)
{
    char text[FLEN_VALUE], type = ' ', *end;
    double number;

    if (!card_value(card, text, &type) || (type != 'I' && type != 'F')) return false;
    for (char *p = text; *p != '\0'; p++)
        if (*p == 'D' || *p == 'd') *p = 'e'; /* FORTRAN's exponent */
    number = strtod(text, &end);
    if (end == text || !isfinite(number)) return false;
    *value = number;
    return true;
}

bool sf_fits_card_text(const char *card, char text[FLEN_VALUE])
{
    char type = ' ';

    if (!card_value(card, text, &type) || type != 'C') return false;
    unquote(text);
    return true;
}

bool sf_fits_get_number(const sf_fits *fits, const char *keyword, double *value)
{
    const size_t index = find_card(fits, keyword);

    return index < fits->cards && sf_fits_card_number(fits->card[index], value);
}

bool sf_fits_get_double(const sf_fits *fits, const char *keyword, double *value)
{
    bool found;

    sf_cfitsio_lock();
    found = sf_fits_get_number(fits, keyword, value);
    fits_clear_errmsg();
    sf_cfitsio_unlock();
    return found;
}

/* Appends the pieces of a long string: a value that ends in & goes on in a CONTINUE card. */
static void append_continued(const sf_fits *fits, size_t index, char *text, size_t size)
{
    char value[FLEN_VALUE], card[FLEN_CARD], comment[FLEN_COMMENT];
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '&' && ++index < fits->cards &&
           strncmp(fits->card[index], "CONTINUE", 8) == 0) {
        int code = 0;
        memcpy(card, fits->card[index], sizeof card);
        memcpy(card, "VALUE   = ", 10); /* it starts where any keyword's does */
        if (fits_parse_value(card, value, comment, &code) != 0 || value[0] != '\'') return;
        unquote(value);
        text[--length] = '\0';
        strncat(text, value, size - 1 - length);
        length = strlen(text);
    }
}

bool sf_fits_get_string(const sf_fits *fits, const char *keyword, char *text, size_t size)
{
    char value[FLEN_VALUE], type = ' ';
    bool found = false;
    size_t index;

    if (size == 0) return false;
    sf_cfitsio_lock();
    index = find_card(fits, keyword);
    if (index < fits->cards && card_value(fits->card[index], value, &type) && type == 'C') {
        unquote(value);
        text[0] = '\0';
        strncat(text, value, size - 1);
        append_continued(fits, index, text, size);
        found = true;
    }
    fits_clear_errmsg();
    sf_cfitsio_unlock();
    return found;
}
