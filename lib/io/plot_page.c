/* plot_page.c - a page drawn by giza and written as PNG.
 *
 * Giza cuts long file names short, and when the disk is full it tells people instead of callers; so
 * what it writes is caught in a folder of its own, and the finished picture is written from here.
 */
#include "io/plot_page.h"
#include "io/output.h"

#include <errno.h>
#include <giza.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Of giza's colour indices 0 is the background, 1 the foreground, and this one ours to change. */
#define PEN 2

/* ---- opening and closing --------------------------------------------------------------------- */

static sf_status make_folder(sf_page *page)
{
    const char *root = getenv("TMPDIR");

    if (root == NULL || root[0] == '\0' || strlen(root) > 32) root = "/tmp";
    (void)snprintf(page->folder, sizeof page->folder, "%s/scorefield-XXXXXX", root);
    if (mkdtemp(page->folder) == NULL) {
        const int reason = errno;
        page->folder[0] = '\0';
        return sf_fail(SF_ERR_IO, "%s: no temporary folder for a plot: %s", root, strerror(reason));
    }
    (void)snprintf(page->file, sizeof page->file, "%s/plot.png", page->folder);
    return SF_OK;
}

static sf_status open_device(sf_page *page)
{
    char device[sizeof page->file + 8];

    (void)snprintf(device, sizeof device, "%s/png", page->file);
    giza_stop_warnings();
    if (giza_open_device_size(device, "scorefield", page->width, page->height, GIZA_UNITS_PIXELS) <=
        0)
        return sf_fail(SF_ERR_LIBRARY, "giza cannot open a page of %g x %g pixels", page->width,
                       page->height);
    page->open = true;
    giza_stop_prompting();
    giza_set_colour_representation(0, 1.0, 1.0, 1.0);
    giza_set_colour_representation(1, 0.0, 0.0, 0.0);
    giza_draw_background();
    giza_set_font("sans-serif");
    giza_set_line_cap(0);
    giza_set_viewport(0.0, 1.0, 0.0, 1.0);
    giza_set_window(0.0, page->width, 0.0, page->height);
    return SF_OK;
}

sf_status sf_page_open(double width, double height, sf_page *page)
{
    sf_status status;

    *page = (sf_page){.width = width, .height = height};
    SF_TRY(make_folder(page));
    pthread_mutex_lock(&lock);
    status = sf_catch_begin(page->file, &page->caught);
    if (status == SF_OK) status = open_device(page);
    if (status != SF_OK) {
        pthread_mutex_unlock(&lock);
        sf_page_discard(page);
    }
    return status;
}

static sf_status close_device(sf_page *page)
{
    sf_status status = SF_OK;

    if (page->open) giza_close_device(); /* writes the file */
    if (page->caught != NULL) status = sf_catch_end(&page->caught, &page->bytes, &page->size);
    if (page->open) pthread_mutex_unlock(&lock);
    page->open = false;
    return status;
}

void sf_page_discard(sf_page *page)
{
    (void)close_device(page);
    sf_free(page->bytes);
    page->bytes = NULL;
    if (page->folder[0] != '\0') (void)rmdir(page->folder);
    page->folder[0] = '\0';
}

/* A PNG that giza could not finish lacks its end. */
static bool is_whole(const sf_page *page)
{
    static const unsigned char end[] = {'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};

    return page->size >= sizeof end &&
           memcmp(page->bytes + page->size - sizeof end, end, sizeof end) == 0;
}

sf_status sf_page_finish(sf_page *page, const char *path, bool overwrite)
{
    sf_status status = close_device(page);

    if (status == SF_OK && !is_whole(page))
        status = sf_fail(SF_ERR_LIBRARY, "%s: giza could not finish the picture", path);
    if (status == SF_OK) status = sf_output_file(path, overwrite, page->bytes, page->size);
    sf_page_discard(page);
    return status;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void set_pen(sf_colour colour, double width)
{
    giza_set_colour_representation(PEN, colour.red, colour.green, colour.blue);
    giza_set_colour_index(PEN);
    giza_set_line_width(width);
}

void sf_page_line(double x1, double y1, double x2, double y2, double width, sf_colour colour)
{
    const double x[] = {x1, x2}, y[] = {y1, y2};

    sf_page_polyline(x, y, 2, width, colour);
}

void sf_page_polyline(const double *x, const double *y, size_t count, double width,
                      sf_colour colour)
{
    set_pen(colour, width);
    giza_line((int)count, x, y);
}

void sf_page_dot(double x, double y, double radius, sf_colour colour)
{
    set_pen(colour, 1.0);
    giza_set_fill(GIZA_FILL_SOLID);
    giza_circle(x, y, radius);
}

void sf_page_ring(double x, double y, double radius, double width, sf_colour colour)
{
    set_pen(colour, width);
    giza_set_fill(GIZA_FILL_HOLLOW);
    giza_circle(x, y, radius);
}

void sf_page_box(double x, double y, double width, double height, sf_colour colour)
{
    set_pen(colour, 1.0);
    giza_set_fill(GIZA_FILL_SOLID);
    giza_rectangle(x, x + width, y, y + height);
}

void sf_page_polygon(const double *x, const double *y, size_t count, sf_colour colour,
                     double opacity)
{
    giza_set_colour_representation_alpha(PEN, colour.red, colour.green, colour.blue, opacity);
    giza_set_colour_index(PEN);
    giza_set_fill(GIZA_FILL_SOLID);
    giza_polygon((int)count, x, y);
}

void sf_page_frame(double x, double y, double width, double height)
{
    const double left = x - 0.5, right = x + width + 0.5;
    const double low = y - 0.5, high = y + height + 0.5;
    const double xs[] = {left, right, right, left, left};
    const double ys[] = {low, low, high, high, low};

    sf_page_polyline(xs, ys, 5, 1.0, (sf_colour){0.15, 0.15, 0.15});
}

/* Giza takes text apart byte by byte, and cairo draws nothing more after half a character. What
 * units need of UTF-8 has a command of its own; the rest of it becomes a question mark. */
static const struct {
    const char *character, *markup;
} commands[] = {{"\\", "\\\\"},         {"_", "\\_"},         {"^", "\\^"},
                {"\xc2\xb5", "\\gm"},   {"\xce\xbc", "\\gm"}, {"\xc3\x85", "\\A"},
                {"\xc3\x97", "\\x"},    {"\xcf\x83", "\\gs"}, {"\xce\xbb", "\\gl"},
                {"\xc2\xb2", "\\u2\\d"}};

/* The markup of the character at `text`, or NULL; *length: its bytes. */
static const char *find_command(const char *text, size_t *length)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        *length = strlen(commands[i].character);
        if (strncmp(text, commands[i].character, *length) == 0) return commands[i].markup;
    }
    return NULL;
}

/* Bytes of a power such as ^3 or ^-3, of at most three digits; 0: there is none. */
static size_t power_length(const char *text)
{
    const size_t sign = text[0] == '^' && text[1] == '-' ? 2 : 1;
    const size_t digits = text[0] == '^' ? strspn(text + sign, "0123456789") : 0;

    return digits > 0 && digits <= 3 ? sign + digits : 0;
}

const char *sf_page_escape(const char *text, char *markup, size_t size)
{
    size_t n = 0;

    for (const char *p = text != NULL ? text : ""; *p != '\0' && n + 9 < size;) {
        const size_t power = power_length(p);
        size_t length = 1;
        const char *command = find_command(p, &length);
        if (power > 0) {
            n += (size_t)snprintf(markup + n, size - n, "\\u%.*s\\d", (int)power - 1, p + 1);
            length = power;
        } else if (command != NULL) {
            memcpy(markup + n, command, strlen(command));
            n += strlen(command);
        } else {
            const bool ascii = *p >= ' ' && *p <= '~';
            markup[n++] = ascii ? *p : '?';
            for (length = 1; !ascii && ((unsigned char)p[length] & 0xc0) == 0x80;) length++;
        }
        p += length;
    }
    markup[n] = '\0';
    return markup;
}

/* Giza gives sizes relative to the page. */
static void set_text(double size)
{
    double width = 0.0, height = 0.0;

    giza_set_character_height(1.0);
    giza_get_character_size(GIZA_UNITS_DEVICE, &width, &height);
    if (height > 0.0) giza_set_character_height(size / height);
    giza_set_colour_index(GIZA_FOREGROUND);
}

double sf_page_text_width(double size, const char *text)
{
    double width = 0.0, height = 0.0;

    set_text(size);
    giza_qtextlen(GIZA_UNITS_PIXELS, text, &width, &height);
    return width;
}

void sf_page_text(double x, double y, double size, double room, double just, double angle,
                  const char *text)
{
    const double width = room > 0.0 ? sf_page_text_width(size, text) : 0.0;

    set_text(width > room ? size * room / width : size);
    giza_ptext(x, y, angle, just, text);
}

void sf_page_pixels(double x, double y, size_t width, size_t height, const int *index)
{
    giza_draw_pixels((int)width, (int)height, index, 0, (int)width - 1, 0, (int)height - 1, x,
                     x + (double)width, y, y + (double)height, GIZA_EXTEND_NONE);
}

/* ---- colours --------------------------------------------------------------------------------- */

/* Black - violet - red - orange - cream: lightness L* grows evenly from 0 to 99. */
static const sf_colour sequential[] = {{0.00, 0.00, 0.03}, {0.17, 0.06, 0.33}, {0.42, 0.10, 0.43},
                                       {0.67, 0.19, 0.35}, {0.88, 0.36, 0.20}, {0.97, 0.60, 0.16},
                                       {0.98, 0.83, 0.42}, {1.00, 0.99, 0.90}};
/* Blue - white - red: equal lightness at equal distance from the middle. */
static const sf_colour diverging[] = {{0.05, 0.19, 0.42}, {0.16, 0.44, 0.70}, {0.60, 0.78, 0.89},
                                      {0.98, 0.98, 0.98}, {0.96, 0.70, 0.59}, {0.79, 0.28, 0.26},
                                      {0.42, 0.03, 0.14}};

static sf_colour interpolate(const sf_colour *table, size_t count, double t)
{
    const double position = t * (double)(count - 1);
    const size_t i = position >= (double)(count - 1) ? count - 2 : (size_t)position;
    const double f = position - (double)i;
    const sf_colour a = table[i], b = table[i + 1];

    return (sf_colour){a.red + f * (b.red - a.red), a.green + f * (b.green - a.green),
                       a.blue + f * (b.blue - a.blue)};
}

void sf_page_palette(bool is_diverging)
{
    for (int i = SF_INDEX_FIRST; i <= SF_INDEX_LAST; i++) {
        const double t = (double)(i - SF_INDEX_FIRST) / (SF_INDEX_LAST - SF_INDEX_FIRST);
        const sf_colour c =
            is_diverging ? interpolate(diverging, sizeof diverging / sizeof diverging[0], t)
                         : interpolate(sequential, sizeof sequential / sizeof sequential[0], t);
        giza_set_colour_representation(i, c.red, c.green, c.blue);
    }
    giza_set_colour_representation(SF_INDEX_UNDEFINED, 0.62, 0.66, 0.68);
}
