/* plot_page.h - a page on which plots are drawn, in pixels with y up, through giza. */
#ifndef SF_IO_PLOT_PAGE_H
#define SF_IO_PLOT_PAGE_H

#include "base/internal.h"
#include "io/catch.h"

#include <scorefield/io.h>

typedef struct sf_colour {
    double red, green, blue;
} sf_colour;

#define SF_TEXT_SIZE  15.0 /* pixels: labels */
#define SF_TITLE_SIZE 18.0 /* titles */

/* Giza has one set of global state: an open page holds its lock. */
typedef struct sf_page {
    double width, height;
    char folder[64], file[96]; /* where giza writes, which is caught, */
    sf_catch *caught;
    unsigned char *bytes; /* and given here: a PNG of so many bytes */
    size_t size;
    bool open;
} sf_page;

/* A white page. */
sf_status sf_page_open(double width, double height, sf_page *page);
/* Writes the PNG, whole or not at all, and releases the page in any case. */
sf_status sf_page_finish(sf_page *page, const char *path, bool overwrite);
/* Releases without a file; nothing to do on a zeroed or finished page. */
void sf_page_discard(sf_page *page);

void sf_page_line(double x1, double y1, double x2, double y2, double width, sf_colour colour);
void sf_page_polyline(const double *x, const double *y, size_t count, double width,
                      sf_colour colour);
void sf_page_dot(double x, double y, double radius, sf_colour colour);
void sf_page_ring(double x, double y, double radius, double width, sf_colour colour);
void sf_page_box(double x, double y, double width, double height, sf_colour colour);
/* opacity: from 0, nothing to be seen, to 1, which hides what is below it. */
void sf_page_polygon(const double *x, const double *y, size_t count, sf_colour colour,
                     double opacity);
/* A line one pixel wide around the area: it hides nothing of it. */
void sf_page_frame(double x, double y, double width, double height);
/* just: 0 left, 0.5 centred, 1 right of x; y: the base line; angle in degrees; smaller where it
 * would be wider than `room` (0: any width). text: in giza's markup, 10\u3\d for a power. */
void sf_page_text(double x, double y, double size, double room, double just, double angle,
                  const char *text);
/* A caller's text (NULL: none) as markup that shows it as it is, but for powers such as ^-3, which
 * are raised (of UTF-8, ASCII and what units need); cut when longer than `size`. */
const char *sf_page_escape(const char *text, char *markup, size_t size);
double sf_page_text_width(double size, const char *text);
/* Rows of colour indices, bottom row first, one a pixel of the page. */
void sf_page_pixels(double x, double y, size_t width, size_t height, const int *index);
/* Colour indices: a map from its first to its last colour, and one for undefined pixels. */
#define SF_INDEX_FIRST     16
#define SF_INDEX_LAST      270
#define SF_INDEX_UNDEFINED 271
void sf_page_palette(bool diverging);

#endif
