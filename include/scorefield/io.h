/* scorefield/io.h - FITS images and tables, run reports (JSON), plots (PNG). */
#ifndef SCOREFIELD_IO_H
#define SCOREFIELD_IO_H

#include <scorefield/grid.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- FITS ------------------------------------------------------------------------------- */

/* An image HDU in memory: pixels as double after BSCALE/BZERO, every header card, WCS included.
 * Undefined pixels (NaN, infinities, BLANK) are NaN. */
typedef struct sf_fits sf_fits;

/* path: "file.fits", with the HDU by number or name in brackets: "file.fits[1]",
 * "file.fits[SCI]", "file.fits[SCI,2]". Without brackets the first HDU that holds an image.
 * A file whose own name ends in brackets is taken as it is. Plain files (also gzipped,
 * tile-compressed) only: the rest of CFITSIO's extended syntax, network addresses included, does
 * not exist here. The sizes in the headers are checked against the file's own size (uncompressed:
 * byte for byte; compressed: tile by tile) and against SF_FITS_MAX_PIXELS before memory is taken;
 * a gzipped file is inflated in memory, to at most SF_FITS_MAX_INFLATED bytes. Axes of length 1
 * beyond the second are dropped. Errors: SF_ERR_ARGUMENT (brackets not understood, no such HDU),
 * SF_ERR_IO (cannot open or read), SF_ERR_FORMAT (no image, damaged, truncated),
 * SF_ERR_UNSUPPORTED, SF_ERR_MEMORY. */
#define SF_FITS_MAX_PIXELS   ((size_t)1 << 33)
#define SF_FITS_MAX_INFLATED ((size_t)1 << 32)
SF_API sf_status sf_fits_read(const char *path, sf_fits **fits);
/* The same, but 32-bit floats without a scale (and not compressed) stay what they are, in half the
 * memory: sf_fits_pixels is NULL then, and sf_fits_take_pixels_single has them. */
SF_API sf_status sf_fits_read_stored(const char *path, sf_fits **fits);
SF_API void sf_fits_release(sf_fits **fits);
SF_API const sf_grid *sf_fits_grid(const sf_fits *fits);
SF_API const double *sf_fits_pixels(const sf_fits *fits);
/* Hands the pixels over (sf_free); the image keeps its header. The memory is of
 * sf_fft_buffer_size values, so that a field can be transformed where it is. */
SF_API double *sf_fits_take_pixels(sf_fits *fits);
/* NULL where the pixels are doubles. */
SF_API float *sf_fits_take_pixels_single(sf_fits *fits);
SF_API size_t sf_fits_undefined(const sf_fits *fits); /* how many pixels are NaN */
/* Header look-ups: false when absent or of another type. */
SF_API bool sf_fits_get_double(const sf_fits *fits, const char *keyword, double *value);
SF_API bool sf_fits_get_string(const sf_fits *fits, const char *keyword, char *text, size_t size);

/* An image whose pixels are read in pieces: one that is larger than memory, or a plane of a cube.
 * (Of a gzipped file all bytes are in memory as long as it is open.) */
typedef struct sf_fits_file sf_fits_file;

/* path and errors: as sf_fits_read. All checks of the file are made here. */
SF_API sf_status sf_fits_open(const char *path, sf_fits_file **file);
SF_API void sf_fits_close(sf_fits_file **file);
/* For sf_fits_grid and sf_fits_get_*: it has no pixels. */
SF_API const sf_fits *sf_fits_file_header(const sf_fits_file *file);
/* The box of `shape` pixels from `first` on, both with as many axes as the image's grid, with the
 * whole image's header. Of its grid, leading axes of length 1 before the last two are dropped: a
 * plane of a cube is an image. SF_ERR_SHAPE for a box that is not inside. */
SF_API sf_status sf_fits_file_read(sf_fits_file *file, const size_t *first, const size_t *shape,
                                   sf_fits **fits);

/* The image's grid with the spacings that the header gives: |CDELTn|, or |CDn_n|. SF_ERR_FORMAT
 * where an axis has neither. */
SF_API sf_status sf_fits_box(const sf_fits *fits, sf_grid *grid);

/* Where pixels of one image lie in another by the celestial coordinates (WCS) of both headers,
 * their first description: count pairs (row, column), centres of pixels being whole numbers from 0
 * on, of axes 2 and 1. All projections of Calabretta & Greisen, SIP and the other distortions that
 * wcslib takes from a header alone. SF_ERR_FORMAT where a header has none, the two are of different
 * systems (RADESYS, galactic), or a pixel is nowhere in the other projection. */
SF_API sf_status sf_fits_locate(const sf_fits *from, const sf_fits *to, size_t count,
                                const double *pixels, double *found);

/* A binary table, open for reading. */
typedef struct sf_table sf_table;

/* path: as above; without brackets the first binary table. The header is checked against the file
 * (sizes, and that the columns fill a row); values are read when they are asked for. Errors: as
 * sf_fits_read. */
SF_API sf_status sf_table_open(const char *path, sf_table **table);
SF_API void sf_table_release(sf_table **table);
SF_API size_t sf_table_rows(const sf_table *table);
SF_API size_t sf_table_columns(const sf_table *table);
/* For sf_fits_get_*: it has no pixels. */
SF_API const sf_fits *sf_table_header(const sf_table *table);
/* "" where the header has none; NULL for a column that is not there. */
SF_API const char *sf_table_name(const sf_table *table, size_t column);
SF_API const char *sf_table_unit(const sf_table *table, size_t column);
/* The first column of that name (capitals are as good as small letters); false without one. */
SF_API bool sf_table_find(const sf_table *table, const char *name, size_t *column);
/* *values = rows x *width numbers after TSCAL/TZERO (sf_free); what is undefined (TNULL, NaN,
 * infinities) is NaN. width NULL: one number a row, and SF_ERR_SHAPE for more. SF_ERR_UNSUPPORTED
 * for text, bits, logical and complex values and lists of variable length. */
SF_API sf_status sf_table_column(const sf_table *table, size_t column, double **values,
                                 size_t *width);

/* A FITS file to be written: images and tables; a table at the head has an empty primary image
 * before it. */
typedef struct sf_fits_writer sf_fits_writer;

/* Nothing is on disk before sf_fits_writer_close, which writes a temporary file beside `path`
 * and renames it: whole or not at all. An existing file is an error unless `overwrite`. */
SF_API sf_status sf_fits_writer_create(const char *path, bool overwrite, sf_fits_writer **writer);
/* Adds an image (float32). name: EXTNAME (NULL for none). Header cards (WCS, OBJECT, ...) are
 * copied from `header` if given, except those that describe the old array or its scaling;
 * `offset` (first cell's position in the header's image, NULL = 0) shifts CRPIX. */
SF_API sf_status sf_fits_writer_add(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                                    const double *pixels, const sf_fits *header,
                                    const long *offset);
/* The image added last has cells `factor` times finer along its first two FITS axes than the pixels
 * of the header that it was given: what counts in pixels there (CRPIX, CDELT or CD, the polynomials
 * of SIP, LTM and LTV, CNPIX) now counts in cells, and positions on the sky are the same.
 * Distortions given by tables in other HDUs (CPDIS, CQDIS, D2IM) are left out, and a HISTORY card
 * says so. */
SF_API sf_status sf_fits_writer_refine(sf_fits_writer *writer, size_t factor);
/* Adds a field as it is: 64 bits a value, or 32. The values are not copied but read by
 * sf_fits_writer_close: they must stay until then. */
SF_API sf_status sf_fits_writer_field(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                                      const double *values);
SF_API sf_status sf_fits_writer_field_single(sf_fits_writer *writer, const char *name,
                                             const sf_grid *grid, const float *values);

/* Adds an image (32 bits a value) whose values are made while the file is written: `make` is asked
 * for `count` of them from `first` on, for all of them in order, and that twice (sums of a FITS
 * file's data stand before them). header as in sf_fits_writer_add, or NULL. */
typedef sf_status (*sf_fits_make)(void *user, size_t first, size_t count, float *values);
SF_API sf_status sf_fits_writer_made(sf_fits_writer *writer, const char *name, const sf_grid *grid,
                                     sf_fits_make make, void *user, const sf_fits *header);

/* One number a row, `stride` numbers further for the next row (0 = 1): a component of vectors. */
typedef struct sf_column {
    const char *name, *unit; /* unit: NULL for none */
    const double *values;    /* these, */
    const int64_t *integers; /* or these */
    size_t stride;
    bool single; /* values as 32 bits in the file */
} sf_column;
/* Adds a binary table. Names and units are copied, values are not, as above. */
SF_API sf_status sf_fits_writer_table(sf_fits_writer *writer, const char *name,
                                      const sf_column *columns, size_t count, size_t rows);

/* Keywords and HISTORY cards of what was added last. keyword: up to 8 characters. A NaN or an
 * infinity, for which FITS has no notation, becomes a keyword without a value: sf_fits_get_double
 * then finds none. */
SF_API sf_status sf_fits_writer_double(sf_fits_writer *writer, const char *keyword, double value,
                                       const char *comment);
SF_API sf_status sf_fits_writer_integer(sf_fits_writer *writer, const char *keyword,
                                        long long value, const char *comment);
SF_API sf_status sf_fits_writer_string(sf_fits_writer *writer, const char *keyword,
                                       const char *value, const char *comment);
SF_API sf_status sf_fits_writer_history(sf_fits_writer *writer, const char *text);
/* World coordinates of a field in a box for the image added last: the centre of its first cell is
 * at half a spacing, axes are named X, Y, ... from NAXIS1 (the grid's last axis) on. unit: of
 * length; NULL for none. */
SF_API sf_status sf_fits_writer_box(sf_fits_writer *writer, const sf_grid *grid, const char *unit);
/* Writes and renames. Releases the writer in any case. */
SF_API sf_status sf_fits_writer_close(sf_fits_writer **writer);
/* Gives up without a file. */
SF_API void sf_fits_writer_release(sf_fits_writer **writer);

/* ---- results in pieces --------------------------------------------------------------------- */

/* A computation's result on disk, larger than memory, made piece by piece and gone on with after
 * the process was killed: single-precision values, and records of a few numbers that say of a piece
 * that it is finished (or hold what was decided for all). */
typedef struct sf_store sf_store;

typedef struct sf_store_options {
    const char *path;      /* where they are kept, and gone on from; NULL: only while open, ... */
    const char *beside;    /* ... in the folder of this file */
    const char *label;     /* what they are pieces of */
    size_t records, width; /* numbers of records, and of numbers in each */
    size_t values;
} sf_store_options;

/* A new file, or the one that is there. The disk's space is taken at once. Errors: SF_ERR_FORMAT
 * for a file that is something else or cut, SF_ERR_ARGUMENT for pieces with another label,
 * SF_ERR_IO also for a file that another process has open. */
SF_API sf_status sf_store_open(const sf_store_options *options, sf_store **store);
/* Closes; a file with a path stays. */
SF_API void sf_store_release(sf_store **store);
/* Closes, and the file is no more. */
SF_API void sf_store_remove(sf_store **store);
SF_API sf_status sf_store_write(sf_store *store, size_t first, size_t count, const float *values);
SF_API sf_status sf_store_read(const sf_store *store, size_t first, size_t count, float *values);
/* Notes a record. Values written before are on the disk first, so that a record that is there,
 * after a crash too, is about values that are. parent: the record that it depends on, so that it is
 * no more when that one changes; SF_STORE_ALONE for none. */
#define SF_STORE_ALONE SIZE_MAX
SF_API sf_status sf_store_note(sf_store *store, size_t index, size_t parent, const double *record);
/* *found: whether there is such a record. */
SF_API sf_status sf_store_recall(const sf_store *store, size_t index, size_t parent, double *record,
                                 bool *found);

/* The same columns as text: # lines of `comment` and of names [units], then one line a row, every
 * number with the digits that give it back. Whole or not at all, as above. */
SF_API sf_status sf_text_table_write(const char *path, bool overwrite, const char *comment,
                                     const sf_column *columns, size_t count, size_t rows);
/* *values = rows x columns numbers (sf_free) of a text file: one row a line, numbers apart by
 * blanks or one comma, # begins a comment. nan and inf are numbers. SF_ERR_IO; SF_ERR_FORMAT, with
 * the line, for what is no number and for rows of different lengths, and for a file without rows.
 */
SF_API sf_status sf_text_table_read(const char *path, double **values, size_t *rows,
                                    size_t *columns);

/* Whether `path` could be written: for asking before a long computation what every writer here asks
 * again. SF_ERR_IO when it exists and `overwrite` is false, is no plain file, or its folder is
 * missing or closed to this user. */
SF_API sf_status sf_output_check(const char *path, bool overwrite);

/* ---- run reports ------------------------------------------------------------------------ */

/* A JSON object that grows; names may be paths "observation/noise/sigma". Non-finite numbers
 * are written as null. */
typedef struct sf_report sf_report;

SF_API sf_status sf_report_create(const char *program, sf_report **report);
SF_API void sf_report_release(sf_report **report);
SF_API sf_status sf_report_double(sf_report *report, const char *name, double value);
SF_API sf_status sf_report_integer(sf_report *report, const char *name, long long value);
SF_API sf_status sf_report_bool(sf_report *report, const char *name, bool value);
SF_API sf_status sf_report_string(sf_report *report, const char *name, const char *value);
SF_API sf_status sf_report_doubles(sf_report *report, const char *name, const double *values,
                                   size_t count);
/* Whole or not at all, as above. */
SF_API sf_status sf_report_write(const sf_report *report, const char *path, bool overwrite);

/* ---- plots -------------------------------------------------------------------------------- */

typedef enum sf_stretch { SF_STRETCH_LINEAR, SF_STRETCH_ASINH } sf_stretch;

struct sf_frame;
typedef struct sf_panel {
    const char *title;
    const char *unit;     /* at the colour bar; NULL none */
    const sf_grid *grid;  /* two axes */
    const double *pixels; /* NaN pixels in a colour of their own */
    double low, high;     /* range; low == high: chosen from the pixels (robust) */
    sf_stretch stretch;
    double softening;   /* asinh: where it turns from linear to logarithmic; 0 = chosen */
    bool diverging;     /* a blue-white-red map about 0, for residuals */
    const char *length; /* unit of the axes, in the grid's spacings from 0 on ("": none); NULL:
                           pixel numbers */
    const struct sf_frame *frame; /* curves (see sf_plot_frames) instead of an image; NULL: none.
                                     Of the rest only the title is used, and the grid, whose shape
                                     the panel has */
} sf_panel;

typedef struct sf_curve {
    const char *label;
    size_t count;
    const double *x, *y;
    const double *error;      /* +- bars; NULL none */
    bool points;              /* markers instead of a line */
    bool hollow;              /* rings for markers */
    const double *low, *high; /* the area between them is tinted; NULL none */
} sf_curve;

typedef struct sf_axes {
    const char *title, *x_label, *y_label;
    bool log_x, log_y;
} sf_axes;

/* PNG of image panels, row by row, `columns` a row, equal pixels, row 0 at the bottom, with colour
 * bars; an image without a finite pixel says so and has none. 1 to 64 panels. The file appears
 * whole or not at all, as above; the picture comes by a pipe in $TMPDIR (/tmp where that is unset
 * or longer than 32 characters). Errors: SF_ERR_ARGUMENT, SF_ERR_SHAPE (not two axes), SF_ERR_IO,
 * SF_ERR_NUMERIC (a range beyond a double's), SF_ERR_LIBRARY, SF_ERR_MEMORY. */
SF_API sf_status sf_plot_panels(const char *path, bool overwrite, const char *title,
                                const sf_panel *panels, size_t count, size_t columns);
/* PNG of 1 to 64 curves with a legend of those that have a label. Points that are not finite, or
 * not positive on a logarithmic axis, are left out and interrupt the line. Errors: as above. */
SF_API sf_status sf_plot_curves(const char *path, bool overwrite, const sf_axes *axes,
                                const sf_curve *curves, size_t count);
/* The same with a second, lower frame of its own y axis under the same x axis, for what is left of
 * the curves against a theory. Its curves have the colours of those above by their number; of
 * `lower` only y_label and log_y are used. */
SF_API sf_status sf_plot_stacked(const char *path, bool overwrite, const sf_axes *axes,
                                 const sf_curve *curves, size_t count, const sf_axes *lower,
                                 const sf_curve *lower_curves, size_t lower_count);

/* One of many on a page; the axes' title stands above it. */
typedef struct sf_frame {
    sf_axes axes;
    const sf_curve *curves;
    size_t count; /* 1 to 64 */
} sf_frame;
/* PNG of 1 to 12 frames with axes of their own, row by row from the top, `columns` a row. */
SF_API sf_status sf_plot_frames(const char *path, bool overwrite, const char *title,
                                const sf_frame *frames, size_t count, size_t columns);

#ifdef __cplusplus
}
#endif
#endif
