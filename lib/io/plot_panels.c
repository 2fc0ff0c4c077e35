/* plot_panels.c - images side by side, each with its colour bar, and curves among them.
 *
 * An image is drawn with a whole number of page pixels a cell (small ones), or of cells a page
 * pixel, averaged (large ones), so that no interpolation invents structure. Row 0 is at the
 * bottom, as in FITS viewers. */
#include "io/output.h"
#include "io/plot_curves.h"
#include "io/plot_scale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGE_SIZE    480.0 /* pixels of the longer side, about */
#define MARGIN_LEFT   62.0
#define MARGIN_BOTTOM 48.0
#define MARGIN_TOP    40.0
#define BAR_GAP       10.0
#define BAR_WIDTH     16
#define BAR_MARGIN    96.0 /* for its labels and unit */
#define LEAST_SIZE    160  /* of a thin image's room: for its title and its colour bar */
#define PAGE_TITLE    44.0
#define TICK          5.0
#define MAX_PANELS    64

/* One panel's way onto the page. */
typedef struct layout {
    size_t rows, columns;   /* cells of the image */
    size_t enlarge, reduce; /* one of them is 1 */
    size_t width, height;   /* page pixels of the image */
    double x, y;            /* its lower left corner */
    bool empty;             /* no pixel is defined: there are no values to scale */
    sf_scale scale;
} layout;

static const sf_colour ink = {0.15, 0.15, 0.15};

/* ---- ranges --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* At most this many values decide about the range. */
#define SAMPLE ((size_t)1 << 18)

/* The finite values, evenly picked and sorted. */
static sf_status sample_values(const double *pixels, size_t count, double **sorted, size_t *taken)
{
    const size_t stride = (count - 1) / SAMPLE + 1;

    *taken = 0;
    SF_TRY(sf_allocate(sorted, count / stride + 1, sizeof **sorted));
    for (size_t i = 0; i < count; i += stride)
        if (isfinite(pixels[i])) (*sorted)[(*taken)++] = pixels[i];
    qsort(*sorted, *taken, sizeof **sorted, compare);
    return SF_OK;
}

static double quantile(const double *sorted, size_t count, double q)
{
    return sorted[(size_t)(q * (double)(count - 1) + 0.5)];
}

/* Noise level from the spread below the median, where there are no sources: half of the
 * distance between the 16th percentile and the median is robust against them. */
static double spread_below(const double *sorted, size_t count)
{
    return quantile(sorted, count, 0.5) - quantile(sorted, count, 0.16);
}

/* What the user left open: asinh from three noise levels below the median, softened at three
 * noise levels; linear between quantiles; diverging symmetric about 0. */
static void choose_range(const sf_panel *panel, const double *sorted, size_t count, sf_scale *scale)
{
    const double median = quantile(sorted, count, 0.5), noise = spread_below(sorted, count);
    const bool asinh_stretch = scale->kind == SF_SCALE_ASINH;

    scale->low = quantile(sorted, count, 0.005);
    scale->high = quantile(sorted, count, asinh_stretch ? 0.9995 : 0.995);
    if (asinh_stretch && noise > 0.0) scale->low = fmax(sorted[0], median - 3.0 * noise);
    if (panel->diverging) {
        scale->high =
            fmax(fabs(quantile(sorted, count, 0.003)), fabs(quantile(sorted, count, 0.997)));
        scale->low = -scale->high;
    }
}

static void choose_softening(const sf_panel *panel, const double *sorted, size_t count,
                             sf_scale *scale)
{
    const double span = scale->high - scale->low;

    scale->pivot = panel->diverging ? 0.0 : scale->low;
    scale->softening = panel->softening;
    if (scale->softening == 0.0)
        scale->softening = fmin(fmax(3.0 * spread_below(sorted, count), span / 1000.0), span / 5.0);
}

static sf_status make_scale(const sf_panel *panel, size_t cells, layout *l)
{
    sf_scale *scale = &l->scale;
    static const double nothing[] = {0.0};
    double *sorted = NULL;
    size_t count = 0;
    sf_status status = SF_OK;

    SF_TRY(sample_values(panel->pixels, cells, &sorted, &count));
    l->empty = count == 0;
    const double *values = count > 0 ? sorted : nothing;
    if (count == 0) count = 1;
    *scale =
        (sf_scale){.kind = panel->stretch == SF_STRETCH_ASINH ? SF_SCALE_ASINH : SF_SCALE_LINEAR,
                   .low = panel->low,
                   .high = panel->high};
    if (panel->low == panel->high) choose_range(panel, values, count, scale);
    if (sf_scale_settle(scale))
        choose_softening(panel, values, count, scale);
    else
        status =
            sf_fail(SF_ERR_NUMERIC, "panel '%s': the pixels' range %g .. %g is too wide to plot",
                    panel->title != NULL ? panel->title : "", scale->low, scale->high);
    sf_free(sorted);
    return status;
}

static sf_status check_panel(const char *path, const sf_panel *panel, size_t number)
{
    const sf_grid *grid = panel->grid;

    if (grid->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "panel %zu ('%s') has %d axes: only images can be plotted",
                       number + 1, panel->title != NULL ? panel->title : "", grid->axes);
    if (!isfinite(panel->low) || !isfinite(panel->high) || panel->low > panel->high ||
        !(panel->softening >= 0.0 && isfinite(panel->softening)))
        return sf_fail(SF_ERR_ARGUMENT, "panel %zu: the range %g .. %g or the softening %g is bad",
                       number + 1, panel->low, panel->high, panel->softening);
    return panel->frame != NULL ? sf_curves_check(path, panel->frame->count) : SF_OK;
}

/* ---- layout --------------------------------------------------------------------------------- */

static void size_image(const sf_grid *grid, layout *l)
{
    const size_t longer = grid->shape[0] > grid->shape[1] ? grid->shape[0] : grid->shape[1];
    const double ratio = IMAGE_SIZE / (double)longer;

    l->rows = grid->shape[0];
    l->columns = grid->shape[1];
    l->enlarge = ratio > 1.0 ? (size_t)(ratio + 0.5) : 1;
    l->reduce = ratio < 1.0 ? (size_t)(1.0 / ratio + 0.5) : 1;
    if (l->reduce == 0) l->reduce = 1;
    l->width = (l->columns * l->enlarge + l->reduce - 1) / l->reduce;
    l->height = (l->rows * l->enlarge + l->reduce - 1) / l->reduce;
}

/* Corners in a grid of equal cells, first row on top; *page: how large it all is. */
static void place(layout *layouts, size_t count, size_t columns, bool title, double *page_width,
                  double *page_height)
{
    double width = LEAST_SIZE, height = LEAST_SIZE;
    const size_t rows = (count + columns - 1) / columns;

    for (size_t i = 0; i < count; i++) {
        width = fmax(width, (double)layouts[i].width);
        height = fmax(height, (double)layouts[i].height);
    }
    width += MARGIN_LEFT + BAR_GAP + BAR_WIDTH + BAR_MARGIN;
    height += MARGIN_TOP + MARGIN_BOTTOM;
    for (size_t i = 0; i < count; i++) {
        const double spare = LEAST_SIZE - (double)layouts[i].width;
        layouts[i].x = (double)(i % columns) * width + MARGIN_LEFT + floor(0.5 * fmax(0.0, spare));
        layouts[i].y =
            (double)(rows - i / columns) * height - MARGIN_TOP - (double)layouts[i].height;
    }
    *page_width = (double)columns * width;
    *page_height = (double)rows * height + (title ? PAGE_TITLE : 0.0);
}

/* ---- drawing -------------------------------------------------------------------------------- */

static int colour_index(const sf_scale *scale, double value)
{
    const double t = sf_scale_position(scale, value);

    if (!(t > 0.0)) return SF_INDEX_FIRST;
    if (t >= 1.0) return SF_INDEX_LAST;
    return SF_INDEX_FIRST + (int)(t * (SF_INDEX_LAST - SF_INDEX_FIRST) + 0.5);
}

/* Mean of the defined cells under a page pixel; NaN where there are none. */
static double cell_mean(const double *pixels, const layout *l, size_t row, size_t column)
{
    double sum = 0.0;
    size_t n = 0;

    for (size_t r = row; r < row + l->reduce && r < l->rows; r++)
        for (size_t c = column; c < column + l->reduce && c < l->columns; c++)
            if (isfinite(pixels[r * l->columns + c])) {
                sum += pixels[r * l->columns + c];
                n++;
            }
    return n > 0 ? sum / (double)n : NAN;
}

static sf_status draw_image(const sf_panel *panel, const layout *l)
{
    int *index;

    SF_TRY(sf_allocate(&index, l->width * l->height, sizeof index[0]));
    for (size_t v = 0; v < l->height; v++)
        for (size_t u = 0; u < l->width; u++) {
            const double value =
                cell_mean(panel->pixels, l, v / l->enlarge * l->reduce, u / l->enlarge * l->reduce);
            index[v * l->width + u] =
                isnan(value) ? SF_INDEX_UNDEFINED : colour_index(&l->scale, value);
        }
    sf_page_pixels(l->x, l->y, l->width, l->height, index);
    sf_free(index);
    sf_page_frame(l->x, l->y, (double)l->width, (double)l->height);
    if (l->empty)
        sf_page_text(l->x + 0.5 * (double)l->width, l->y + 0.5 * (double)l->height - 5.0,
                     SF_TEXT_SIZE, (double)l->width, 0.5, 0.0, "no defined pixels");
    return SF_OK;
}

/* Spacing of ticks at whole pixel numbers, as a share of the axis. */
static double pixel_spacing(size_t cells, size_t length)
{
    return fmin(0.9, fmax(75.0 / (double)length, 1.0 / (double)cells));
}

/* The unit, and the power of ten that the labels leave out. */
static void unit_text(const char *name, int exponent, char *text, size_t size)
{
    char unit[256];

    sf_page_escape(name, unit, sizeof unit);
    if (exponent != 0)
        (void)snprintf(text, size, "10\\u%d\\d%s%s", exponent, unit[0] != '\0' ? " " : "", unit);
    else
        (void)snprintf(text, size, "%s", unit);
}

/* Lengths from the first cell's edge on; or pixel numbers as FITS counts them, the first one's
 * centre 1. */
static sf_scale axis_scale(const sf_panel *panel, int axis)
{
    const double cells = (double)panel->grid->shape[axis];

    if (panel->length == NULL) return (sf_scale){.low = 0.5, .high = cells + 0.5};
    return (sf_scale){.low = 0.0, .high = cells * panel->grid->spacing[axis]};
}

static double axis_spacing(const sf_panel *panel, int axis, size_t length)
{
    if (panel->length == NULL) return pixel_spacing(panel->grid->shape[axis], length);
    return fmin(2.0, 75.0 / (double)length); /* beyond 1: the origin alone has room */
}

static void draw_axes(const sf_panel *panel, const layout *l)
{
    const sf_scale across = axis_scale(panel, 1), up = axis_scale(panel, 0);
    char unit[320];
    sf_ticks ticks;

    sf_scale_ticks(&across, axis_spacing(panel, 1, l->width), &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double x = l->x + ticks.tick[i].position * (double)l->width;
        sf_page_line(x, l->y, x, l->y - TICK, 1.0, ink);
        sf_page_text(x, l->y - TICK - 16.0, SF_TEXT_SIZE, 0.0, 0.5, 0.0, ticks.tick[i].label);
    }
    unit_text(panel->length, ticks.exponent, unit, sizeof unit);
    sf_page_text(l->x + 0.5 * (double)l->width, l->y - TICK - 36.0, SF_TEXT_SIZE, 0.0, 0.5, 0.0,
                 unit);
    sf_scale_ticks(&up, axis_spacing(panel, 0, l->height), &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double y = l->y + ticks.tick[i].position * (double)l->height;
        sf_page_line(l->x, y, l->x - TICK, y, 1.0, ink);
        sf_page_text(l->x - TICK - 4.0, y - 5.0, SF_TEXT_SIZE, 0.0, 1.0, 0.0, ticks.tick[i].label);
    }
    if (ticks.exponent == 0) return; /* the unit stands below already */
    unit_text(panel->length, ticks.exponent, unit, sizeof unit);
    sf_page_text(l->x - 46.0, l->y + 0.5 * (double)l->height, SF_TEXT_SIZE, 0.0, 0.5, 90.0, unit);
}

/* As high as the image, whose top it shares, but not too low to be read: a thin image's bar hangs
 * down beside the labels of its axis. */
static sf_status draw_bar(const sf_panel *panel, const layout *l)
{
    const size_t height = l->height > LEAST_SIZE ? l->height : LEAST_SIZE;
    const double gap = height > l->height ? 2.5 * BAR_GAP : BAR_GAP;
    const double x = l->x + (double)l->width + gap, right = x + BAR_WIDTH + TICK + 4.0;
    const double bottom = l->y + (double)l->height - (double)height;
    double label_width = 0.0;
    char unit[320];
    sf_ticks ticks;
    int *index;

    SF_TRY(sf_allocate(&index, BAR_WIDTH * height, sizeof index[0]));
    for (size_t i = 0; i < BAR_WIDTH * height; i++)
        index[i] = SF_INDEX_FIRST + (int)((double)(i / BAR_WIDTH) / (double)height *
                                          (SF_INDEX_LAST - SF_INDEX_FIRST + 1));
    sf_page_pixels(x, bottom, BAR_WIDTH, height, index);
    sf_free(index);
    sf_page_frame(x, bottom, BAR_WIDTH, (double)height);
    sf_scale_ticks(&l->scale, 32.0 / (double)height, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double y = bottom + ticks.tick[i].position * (double)height;
        sf_page_line(x + BAR_WIDTH, y, x + BAR_WIDTH + TICK, y, 1.0, ink);
        sf_page_text(right, y - 5.0, SF_TEXT_SIZE, 0.0, 0.0, 0.0, ticks.tick[i].label);
        label_width = fmax(label_width, sf_page_text_width(SF_TEXT_SIZE, ticks.tick[i].label));
    }
    unit_text(panel->unit, ticks.exponent, unit, sizeof unit);
    sf_page_text(right + label_width + 22.0, bottom + 0.5 * (double)height, SF_TEXT_SIZE,
                 (double)height, 0.5, 90.0, unit);
    return SF_OK;
}

/* Curves have the room of an image and of its colour bar, and the title that images have. */
static sf_status draw_curves(const sf_panel *panel, const layout *l)
{
    sf_frame frame = *panel->frame;

    frame.axes.title = panel->title;
    return sf_page_curves(&frame, l->x - MARGIN_LEFT, l->y - MARGIN_BOTTOM,
                          (double)l->width + MARGIN_LEFT + BAR_GAP + BAR_WIDTH + BAR_MARGIN,
                          (double)l->height + MARGIN_BOTTOM + MARGIN_TOP);
}

static sf_status draw_panel(const sf_panel *panel, const layout *l)
{
    char title[256];

    if (panel->frame != NULL) return draw_curves(panel, l);
    sf_page_palette(panel->diverging);
    SF_TRY(draw_image(panel, l));
    draw_axes(panel, l);
    if (!l->empty) SF_TRY(draw_bar(panel, l));
    sf_page_text(l->x + 0.5 * (double)l->width, l->y + (double)l->height + 10.0, SF_TITLE_SIZE,
                 fmax((double)l->width, LEAST_SIZE) + 80.0, 0.5, 0.0,
                 sf_page_escape(panel->title, title, sizeof title));
    return SF_OK;
}

static sf_status draw_page(const char *path, bool overwrite, const char *title,
                           const sf_panel *panels, size_t count, size_t columns, layout *layouts)
{
    char markup[512];
    double width, height;
    sf_page page = {0};
    sf_status status;

    for (size_t i = 0; i < count; i++) {
        SF_TRY(check_panel(path, &panels[i], i));
        size_image(panels[i].grid, &layouts[i]);
        if (panels[i].frame == NULL)
            SF_TRY(make_scale(&panels[i], sf_grid_size(panels[i].grid), &layouts[i]));
    }
    place(layouts, count, columns, title != NULL, &width, &height);
    SF_TRY(sf_page_open(width, height, &page));
    sf_page_text(0.5 * width, height - 30.0, SF_TITLE_SIZE + 4.0, width - 40.0, 0.5, 0.0,
                 sf_page_escape(title, markup, sizeof markup));
    for (size_t i = 0; i < count; i++) SF_GO(draw_panel(&panels[i], &layouts[i]));
    return sf_page_finish(&page, path, overwrite);
done:
    sf_page_discard(&page);
    return status;
}

sf_status sf_plot_panels(const char *path, bool overwrite, const char *title,
                         const sf_panel *panels, size_t count, size_t columns)
{
    layout *layouts;
    sf_status status;

    if (count == 0 || count > MAX_PANELS || columns == 0)
        return sf_fail(SF_ERR_ARGUMENT, "%s: %zu panels in %zu columns: give 1 to %d panels", path,
                       count, columns, MAX_PANELS);
    SF_TRY(sf_output_check(path, overwrite));
    SF_TRY(sf_allocate(&layouts, count, sizeof layouts[0]));
    status = draw_page(path, overwrite, title, panels, count, columns < count ? columns : count,
                       layouts);
    sf_free(layouts);
    return status;
}
