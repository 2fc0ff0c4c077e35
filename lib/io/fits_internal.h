/* fits_internal.h - what the FITS reader and writer share.
 *
 * Reading goes through three gates, each of which trusts only the one before it: the source
 * (bytes of a plain or gzipped file), the scan (sizes and structure of every HDU, from the bytes
 * alone), the tiles (the table of a compressed image). CFITSIO reads what has passed them. */
#ifndef SF_IO_FITS_INTERNAL_H
#define SF_IO_FITS_INTERNAL_H

#include "base/internal.h"

#include <scorefield/io.h>

#include <fitsio.h>

#define SF_FITS_BLOCK    2880
#define SF_FITS_CARD     80
#define SF_FITS_MAX_AXES 9

/* ---- CFITSIO: one lock, one way out for its errors ---------------------------------------- */

/* CFITSIO is re-entrant only when built so, and Debian's is not: every call is made between
 * these two. The first also empties CFITSIO's stack of messages, and numbers are read and written
 * as in the C locale until the second, whatever the program has set. */
void sf_cfitsio_lock(void);
void sf_cfitsio_unlock(void);
/* Turns a CFITSIO status into a scorefield one with a sentence "<path>, HDU n: <what>: <why>",
 * and empties the stack. hdu < 0: not about one HDU. The lock is held. */
sf_status sf_cfitsio_fail(int code, const char *path, int hdu, const char *what);

/* ---- the source: bytes of a file ----------------------------------------------------------- */

typedef struct sf_fits_source {
    char *path;            /* as the user wrote it, without brackets */
    char *selector;        /* what stood in the brackets; NULL none */
    int fd;                /* -1 none */
    size_t bytes;          /* size, after inflating */
    unsigned char *memory; /* the content, padded to whole blocks; NULL: read from fd */
    size_t padded;         /* bytes of memory that CFITSIO sees */
    fitsfile *file;        /* CFITSIO's handle, once opened */
} sf_fits_source;

/* Opens the plain or gzipped file that `path` (with or without brackets) names. */
sf_status sf_fits_source_open(const char *path, sf_fits_source *source);
/* Closes what is open; a zeroed source with fd = -1 is fine. */
void sf_fits_source_close(sf_fits_source *source);
/* size bytes from offset; the caller has checked that they lie inside. */
sf_status sf_fits_source_read(const sf_fits_source *source, size_t offset, size_t size,
                              void *bytes);
/* Hands the file to CFITSIO (read only). The lock is held. */
sf_status sf_fits_source_cfitsio(sf_fits_source *source);

/* How many bytes the gzip stream inflates to, at most `limit`; false when it is damaged, cut, or
 * longer than the limit. */
bool sf_gzip_length(const unsigned char *stream, size_t size, size_t limit, size_t *length);

/* ---- the scan: what the headers say, checked against the bytes ------------------------------ */

typedef enum sf_fits_codec {
    SF_CODEC_NONE,
    SF_CODEC_RICE,
    SF_CODEC_GZIP,
    SF_CODEC_HCOMPRESS,
    SF_CODEC_PLIO
} sf_fits_codec;

typedef struct sf_fits_hdu {
    int number; /* 0: the primary */
    char name[FLEN_VALUE];
    long long version; /* EXTVER, 1 when absent */
    bool image;        /* holds an image, perhaps as a compressed table */
    bool table;        /* a binary table, and no image */
    int bitpix;        /* of the image's pixels */
    int axes;
    size_t shape[SF_FITS_MAX_AXES]; /* NAXIS1 first */
    size_t pixels;                  /* 0: none */
    size_t header;                  /* where the header starts */
    size_t data, size;              /* where the data start and how many bytes they are */
    size_t row, columns;            /* of a table: bytes of a row, columns; its rows are below */
    /* compressed images */
    sf_fits_codec codec;
    size_t tile[SF_FITS_MAX_AXES];
    size_t rows, heap; /* tiles (or rows of a table), bytes of the heap */
    size_t rice_word;  /* bytes of the words that a Rice stream codes */
    size_t rice_block; /* pixels of its blocks */
} sf_fits_hdu;

typedef enum sf_fits_kind { SF_FITS_IMAGE, SF_FITS_TABLE } sf_fits_kind;

/* Walks the headers to the HDU that the source's selector names, or to the first of that kind (an
 * image: with pixels), and checks all that it passes. */
sf_status sf_fits_scan(const sf_fits_source *source, sf_fits_kind kind, sf_fits_hdu *hdu);

/* ---- the streams: whether a tile's bytes hold all that its decoder will read ----------------- */

bool sf_rice_is_sound(const unsigned char *stream, size_t size, size_t pixels, size_t word,
                      size_t block);
bool sf_plio_is_sound(const unsigned char *stream, size_t words);
/* rows x columns: the tile's lengths, the FITS axis that varies fastest last; most_planes: bits
 * of the integers that the decoder works with, less the sign. */
#define SF_HCOMPRESS_HEADER 25 /* bytes */
sf_status sf_hcompress_is_sound(const unsigned char *stream, size_t size, size_t rows,
                                size_t columns, unsigned most_planes, bool *sound);

/* ---- the tiles ------------------------------------------------------------------------------ */

/* Checks the table of a compressed image at which CFITSIO stands: every tile's bytes lie in the
 * heap and decode to the tile's size. The lock is held. */
sf_status sf_fits_tiles_check(const sf_fits_source *source, const sf_fits_hdu *hdu);

/* ---- the image ------------------------------------------------------------------------------ */

struct sf_fits {
    sf_grid grid;
    double *pixels; /* these, */
    float *single;  /* or these */
    size_t undefined;
    size_t cards;
    char (*card)[FLEN_CARD];
};

/* The value of a card as a finite number, false when it has none. The lock is held. */
bool sf_fits_card_number(const char *card, double *value);
/* The same for a string value, without its quotes. */
bool sf_fits_card_text(const char *card, char text[FLEN_VALUE]);
/* sf_fits_get_double for a caller that holds the lock. */
bool sf_fits_get_number(const sf_fits *fits, const char *keyword, double *value);

/* ---- a file to be written -------------------------------------------------------------------- */

typedef enum sf_fits_content {
    SF_CONTENT_NONE, /* the empty primary image before a table */
    SF_CONTENT_FLOAT,
    SF_CONTENT_DOUBLE,
    SF_CONTENT_TABLE
} sf_fits_content;

/* One HDU: where its data come from, and how many of the cards that CFITSIO holds for it describe
 * nothing but CFITSIO's own, empty, array. */
typedef struct sf_fits_part {
    sf_fits_content content;
    sf_grid grid;       /* of an image */
    const void *values; /* its pixels, the caller's or `copy` */
    float *copy;
    sf_fits_make make; /* or what makes them */
    void *user;
    sf_column *column; /* of a table; names and units are in the header already */
    size_t columns, rows;
    int own_cards;
} sf_fits_part;

struct sf_fits_writer {
    char *path;
    bool overwrite;
    sf_status failed; /* a part that could not be added: no file will be written */
    fitsfile *file;   /* headers only: every array in it is empty */
    void *memory;     /* CFITSIO keeps pointers to these two */
    size_t capacity;
    sf_fits_part *part;
    size_t parts, room;
};

/* A new HDU at the end, whose data the caller describes in *part. The lock is held. */
sf_status sf_fits_part_begin(sf_fits_writer *writer, const char *name, sf_fits_part **part);
/* Digits that give the number back exactly, but not more than it needs. */
int sf_fits_digits(double value);
/* A CFITSIO status as an error about the part added last. The lock is held. */
sf_status sf_fits_part_fail(const sf_fits_writer *writer, int code, const char *what);
#ifdef __clang_analyzer__ /* as with sf_fail */
#define sf_fits_part_fail(writer, code, what) \
    ((void)(sf_fits_part_fail)(writer, code, what), SF_ERR_FORMAT)
#endif
/* Bytes of one pixel, or of one row. */
size_t sf_fits_part_item(const sf_fits_part *part);
/* Writes all parts to the writer's path, whole or not at all. */
sf_status sf_fits_compose(sf_fits_writer *writer);

#endif
