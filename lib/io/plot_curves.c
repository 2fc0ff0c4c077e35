/* plot_curves.c - lines, points and areas with axes, error bars and a legend: in one frame, in two
 * that share an axis, or in many on a page. */
#include "io/plot_curves.h"

#include "io/output.h"
#include "io/plot_scale.h"

#include <math.h>
#include <stdio.h>

#define PAGE_WIDTH  860.0
#define PAGE_HEIGHT 600.0
#define LEFT        96.0
#define BOTTOM      70.0
#define RIGHT       26.0
#define TOP         52.0
#define TICK        6.0
#define X_LABEL     54.0 /* base lines below and left of the frame */
#define Y_LABEL     72.0
/* the second frame of a stacked plot */
#define LOWER_HEIGHT 170.0
#define GAP          18.0
#define MAX_CURVES   64
/* frames on a page: each with its margins, the page with a title above them */
#define CELL_WIDTH  560.0
#define CELL_HEIGHT 400.0
#define PAGE_TITLE  40.0
#define MAX_FRAMES  12

static const sf_colour ink = {0.15, 0.15, 0.15};
static const sf_colour white = {1.0, 1.0, 1.0};
static const sf_colour faint = {0.90, 0.90, 0.90};
/* Distinct in colour and in lightness, also for colour-blind readers (Okabe & Ito 2008). */
static const sf_colour colours[] = {{0.00, 0.45, 0.70}, {0.84, 0.37, 0.00}, {0.00, 0.62, 0.45},
                                    {0.80, 0.47, 0.65}, {0.34, 0.71, 0.91}, {0.90, 0.62, 0.00},
                                    {0.00, 0.00, 0.00}};

/* The plot's frame on the page and what its two axes show. */
typedef struct frame {
    double x, y, width, height;
    sf_scale across, up;
} frame;

/* Curves with the axes on which they are shown. */
typedef struct set {
    const sf_axes *axes;
    const sf_curve *curves;
    size_t count;
} set;

static sf_colour curve_colour(size_t i)
{
    return colours[i % (sizeof colours / sizeof colours[0])];
}

static bool can_be_shown(double value, bool logarithmic)
{
    return isfinite(value) && (!logarithmic || value > 0.0);
}

static bool point_is_shown(const sf_axes *axes, const sf_curve *curve, size_t i)
{
    return can_be_shown(curve->x[i], axes->log_x) && can_be_shown(curve->y[i], axes->log_y);
}

/* Whether the curve has an area that can be shown there. */
static bool area_is_shown(const sf_axes *axes, const sf_curve *curve, size_t i)
{
    return curve->low != NULL && curve->high != NULL && can_be_shown(curve->x[i], axes->log_x) &&
           isfinite(curve->low[i]) && can_be_shown(curve->high[i], axes->log_y);
}

/* ---- ranges --------------------------------------------------------------------------------- */

static void widen(sf_scale *scale, double value)
{
    if (!can_be_shown(value, scale->kind == SF_SCALE_LOG)) return;
    scale->low = fmin(scale->low, value);
    scale->high = fmax(scale->high, value);
}

/* A margin on both sides; something to show for a constant or for nothing. */
static bool settle(sf_scale *scale)
{
    if (scale->low > scale->high) scale->low = scale->high = 1.0;
    if (!sf_scale_settle(scale)) return false;
    if (scale->kind == SF_SCALE_LOG) {
        const double margin = pow(10.0, 0.04 * (log10(scale->high) - log10(scale->low)));
        scale->low /= margin;
        scale->high *= margin;
    } else {
        const double margin = 0.04 * (scale->high - scale->low);
        scale->low -= margin;
        scale->high += margin;
    }
    return sf_scale_settle(scale);
}

static sf_scale empty_scale(bool logarithmic)
{
    return (sf_scale){
        .kind = logarithmic ? SF_SCALE_LOG : SF_SCALE_LINEAR, .low = HUGE_VAL, .high = -HUGE_VAL};
}

/* Both ranges grow to what the curves need. */
static void include_curves(const set *shown, frame *f)
{
    f->up = empty_scale(shown->axes->log_y);
    for (size_t k = 0; k < shown->count; k++) {
        const sf_curve *curve = &shown->curves[k];
        for (size_t i = 0; i < curve->count; i++) {
            const double bar = curve->error != NULL ? curve->error[i] : 0.0;
            if (!point_is_shown(shown->axes, curve, i)) continue;
            widen(&f->across, curve->x[i]);
            widen(&f->up, curve->y[i]);
            widen(&f->up, curve->y[i] - bar);
            widen(&f->up, curve->y[i] + bar);
            if (!area_is_shown(shown->axes, curve, i)) continue;
            widen(&f->up, curve->low[i]);
            widen(&f->up, curve->high[i]);
        }
    }
}

/* The frames, the lowest last, share one range across. */
static sf_status find_ranges(const set *shown, frame *frames, size_t count)
{
    sf_scale across = empty_scale(shown[0].axes->log_x);

    for (size_t i = 0; i < count; i++) {
        frames[i].across = across;
        include_curves(&shown[i], &frames[i]);
        across = frames[i].across;
    }
    for (size_t i = 0; i < count; i++) {
        frame *f = &frames[i];
        f->across = across;
        if (!settle(&f->across) || !settle(&f->up))
            return sf_fail(SF_ERR_NUMERIC,
                           "the curves span x = %g .. %g, y = %g .. %g: too wide to plot",
                           f->across.low, f->across.high, f->up.low, f->up.high);
    }
    return SF_OK;
}

/* ---- axes ----------------------------------------------------------------------------------- */

/* The caller's label, and the power of ten that the ticks leave out. */
static void axis_label(const char *text, int exponent, char *label, size_t size)
{
    char markup[256];

    sf_page_escape(text, markup, sizeof markup);
    if (exponent != 0)
        (void)snprintf(label, size, "%s (10\\u%d\\d)", markup, exponent);
    else
        (void)snprintf(label, size, "%s", markup);
}

/* label: NULL for ticks without numbers, above another frame. */
static void draw_x_axis(const char *text, const frame *f)
{
    char label[320];
    sf_ticks ticks;

    sf_scale_ticks_three(&f->across, 90.0 / f->width, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double x = f->x + ticks.tick[i].position * f->width;
        sf_page_line(x, f->y, x, f->y + f->height, 1.0, faint);
        sf_page_line(x, f->y, x, f->y - TICK, 1.0, ink);
        if (text == NULL) continue;
        sf_page_text(x, f->y - TICK - 18.0, SF_TEXT_SIZE, 0.0, 0.5, 0.0, ticks.tick[i].label);
    }
    if (text == NULL) return;
    axis_label(text, ticks.exponent, label, sizeof label);
    sf_page_text(f->x + 0.5 * f->width, f->y - X_LABEL, SF_TITLE_SIZE, f->width, 0.5, 0.0, label);
}

static void draw_y_axis(const sf_axes *axes, const frame *f)
{
    char label[320];
    sf_ticks ticks;

    sf_scale_ticks_three(&f->up, fmin(55.0 / f->height, 0.2), &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double y = f->y + ticks.tick[i].position * f->height;
        sf_page_line(f->x, y, f->x + f->width, y, 1.0, faint);
        sf_page_line(f->x, y, f->x - TICK, y, 1.0, ink);
        sf_page_text(f->x - TICK - 4.0, y - 5.0, SF_TEXT_SIZE, 0.0, 1.0, 0.0, ticks.tick[i].label);
    }
    axis_label(axes->y_label, ticks.exponent, label, sizeof label);
    sf_page_text(f->x - Y_LABEL, f->y + 0.5 * f->height, SF_TITLE_SIZE, f->height, 0.5, 90.0,
                 label);
}

/* ---- curves --------------------------------------------------------------------------------- */

static double page_x(const frame *f, double x)
{
    return f->x + sf_scale_position(&f->across, x) * f->width;
}

/* A bar that reaches zero or below ends at a logarithmic axis' lower edge. */
static double page_y(const frame *f, double y)
{
    if (!can_be_shown(y, f->up.kind == SF_SCALE_LOG)) return f->y;
    return f->y + sf_scale_position(&f->up, y) * f->height;
}

static void draw_error_bar(const frame *f, const sf_curve *curve, size_t i, sf_colour colour)
{
    const double x = page_x(f, curve->x[i]);
    const double low = page_y(f, curve->y[i] - curve->error[i]);
    const double high = page_y(f, curve->y[i] + curve->error[i]);

    if (!isfinite(curve->error[i]) || !(curve->error[i] > 0.0)) return;
    sf_page_line(x, low, x, high, 1.2, colour);
    sf_page_line(x - 4.0, low, x + 4.0, low, 1.2, colour);
    sf_page_line(x - 4.0, high, x + 4.0, high, 1.2, colour);
}

/* The area under points first ... end - 1, once around; x and y hold twice as many. */
static void draw_stretch(const frame *f, const sf_curve *curve, size_t first, size_t end,
                         sf_colour colour, double *x, double *y)
{
    size_t n = 0;

    for (size_t i = first; i < end; i++, n++) {
        x[n] = page_x(f, curve->x[i]);
        y[n] = page_y(f, curve->high[i]);
    }
    for (size_t i = end; i-- > first; n++) {
        x[n] = page_x(f, curve->x[i]);
        y[n] = page_y(f, curve->low[i]);
    }
    sf_page_polygon(x, y, n, colour, 0.25);
}

/* Points where there is none to be shown interrupt the area. */
static sf_status draw_area(const sf_axes *axes, const frame *f, const sf_curve *curve,
                           sf_colour colour)
{
    double *x = NULL, *y = NULL;
    size_t first = 0;
    sf_status status;

    if (curve->low == NULL || curve->high == NULL) return SF_OK;
    SF_GO(sf_allocate(&x, curve->count, 2 * sizeof *x));
    SF_GO(sf_allocate(&y, curve->count, 2 * sizeof *y));
    for (size_t i = 0; i <= curve->count; i++) {
        if (i < curve->count && area_is_shown(axes, curve, i)) continue;
        if (i > first + 1) draw_stretch(f, curve, first, i, colour, x, y);
        first = i + 1;
    }
done:
    sf_free(x);
    sf_free(y);
    return status;
}

static void draw_marker(const sf_curve *curve, double x, double y, sf_colour colour)
{
    if (curve->hollow)
        sf_page_ring(x, y, 4.0, 1.6, colour);
    else
        sf_page_dot(x, y, 4.0, colour);
}

/* A point that cannot be shown interrupts the line. */
static void draw_curve(const sf_axes *axes, const frame *f, const sf_curve *curve, sf_colour colour)
{
    for (size_t i = 0; i < curve->count; i++) {
        if (!point_is_shown(axes, curve, i)) continue;
        const double x = page_x(f, curve->x[i]), y = page_y(f, curve->y[i]);
        if (curve->error != NULL) draw_error_bar(f, curve, i, colour);
        if (curve->points)
            draw_marker(curve, x, y, colour);
        else if (i > 0 && point_is_shown(axes, curve, i - 1))
            sf_page_line(page_x(f, curve->x[i - 1]), page_y(f, curve->y[i - 1]), x, y, 2.2, colour);
    }
}

/* ---- legend --------------------------------------------------------------------------------- */

typedef struct corner {
    double x, y, width, height;
    size_t hides;
} corner;

/* Whether a legend there covers the point, or stands too near to it. */
static bool is_near(const corner *c, double x, double low, double high)
{
    return x > c->x - 8.0 && x < c->x + c->width + 8.0 && high > c->y - 8.0 &&
           low < c->y + c->height + 8.0;
}

/* How much of a curve, by points on its line and its area, a legend there would hide. */
static size_t count_hidden(const sf_axes *axes, const frame *f, const sf_curve *curve,
                           const corner *c)
{
    size_t n = 0;

    for (size_t i = 0; i < curve->count; i++) {
        if (area_is_shown(axes, curve, i))
            n += is_near(c, page_x(f, curve->x[i]), page_y(f, curve->low[i]),
                         page_y(f, curve->high[i]));
        if (!point_is_shown(axes, curve, i)) continue;
        if (curve->error != NULL && isfinite(curve->error[i]))
            n += is_near(c, page_x(f, curve->x[i]), page_y(f, curve->y[i] - curve->error[i]),
                         page_y(f, curve->y[i] + curve->error[i]));
        const bool line = !curve->points && i > 0 && point_is_shown(axes, curve, i - 1);
        const double x = page_x(f, curve->x[i]), y = page_y(f, curve->y[i]);
        const double dx = line ? x - page_x(f, curve->x[i - 1]) : 0.0;
        const double dy = line ? y - page_y(f, curve->y[i - 1]) : 0.0;
        for (int k = 0; k < (line ? 8 : 1); k++)
            n += is_near(c, x - k * dx / 8.0, y - k * dy / 8.0, y - k * dy / 8.0);
    }
    return n;
}

/* The corner that hides least: upper right, upper left, lower right, lower left. */
static corner find_corner(const sf_axes *axes, const frame *f, const sf_curve *curves, size_t count,
                          double width, double height)
{
    corner best = {.hides = SIZE_MAX};

    for (int i = 0; i < 4; i++) {
        corner c = {.x = i % 2 == 0 ? f->x + f->width - width - 12.0 : f->x + 12.0,
                    .y = i < 2 ? f->y + f->height - height - 12.0 : f->y + 12.0,
                    .width = width,
                    .height = height};
        for (size_t k = 0; k < count; k++) c.hides += count_hidden(axes, f, &curves[k], &c);
        if (c.hides < best.hides) best = c;
    }
    return best;
}

/* What the labels need; 0 wide without any. */
static void measure_legend(const sf_curve *curves, size_t count, double *width, double *height)
{
    char label[256];

    *width = 0.0;
    *height = 14.0;
    for (size_t k = 0; k < count; k++) {
        if (curves[k].label == NULL) continue;
        *width = fmax(*width,
                      62.0 + sf_page_text_width(SF_TEXT_SIZE, sf_page_escape(curves[k].label, label,
                                                                             sizeof label)));
        *height += 22.0;
    }
}

static void draw_legend(const sf_axes *axes, const frame *f, const sf_curve *curves, size_t count)
{
    char label[256];
    double width, height, y;
    corner c;

    measure_legend(curves, count, &width, &height);
    if (width == 0.0) return;
    c = find_corner(axes, f, curves, count, width, height);
    sf_page_box(c.x, c.y, c.width, c.height, white);
    y = c.y + height - 22.0;
    for (size_t k = 0; k < count; k++) {
        if (curves[k].label == NULL) continue;
        if (curves[k].points)
            draw_marker(&curves[k], c.x + 26.0, y + 5.0, curve_colour(k));
        else
            sf_page_line(c.x + 10.0, y + 5.0, c.x + 42.0, y + 5.0, 2.2, curve_colour(k));
        sf_page_text(c.x + 52.0, y, SF_TEXT_SIZE, 0.0, 0.0, 0.0,
                     sf_page_escape(curves[k].label, label, sizeof label));
        y -= 22.0;
    }
}

/* Where the legend would hide some of the curves in any corner, raises the upper end of the range
 * until it stands above all of them. */
static void make_room(const set *shown, frame *f)
{
    double width, height, share, high;

    measure_legend(shown->curves, shown->count, &width, &height);
    if (width == 0.0 ||
        find_corner(shown->axes, f, shown->curves, shown->count, width, height).hides == 0)
        return;
    share = fmin((height + 12.0) / f->height, 0.5);
    if (f->up.kind == SF_SCALE_LOG)
        high = f->up.low * pow(f->up.high / f->up.low, 1.0 / (1.0 - share));
    else
        high = f->up.low + (f->up.high - f->up.low) / (1.0 - share);
    if (isfinite(high - f->up.low)) f->up.high = high;
}

/* The title above the frame. */
static void draw_title(const char *title, const frame *f, double size)
{
    char markup[512];

    sf_page_text(f->x + 0.5 * f->width, f->y + f->height + 18.0, size, f->width, 0.5, 0.0,
                 sf_page_escape(title, markup, sizeof markup));
}

static sf_status draw_frame(const set *shown, const frame *f, const char *x_label)
{
    for (size_t k = 0; k < shown->count; k++)
        SF_TRY(draw_area(shown->axes, f, &shown->curves[k], curve_colour(k)));
    draw_x_axis(x_label, f);
    draw_y_axis(shown->axes, f);
    for (size_t k = 0; k < shown->count; k++)
        draw_curve(shown->axes, f, &shown->curves[k], curve_colour(k));
    sf_page_frame(f->x, f->y, f->width, f->height);
    draw_legend(shown->axes, f, shown->curves, shown->count);
    return SF_OK;
}

sf_status sf_curves_check(const char *path, size_t count)
{
    if (count > 0 && count <= MAX_CURVES) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "%s: %zu curves: give 1 to %d", path, count, MAX_CURVES);
}

static sf_status plot(const char *path, bool overwrite, const set *shown, size_t count,
                      double page_height)
{
    const double lower = count > 1 ? LOWER_HEIGHT + GAP : 0.0;
    frame frames[2] = {{.x = LEFT,
                        .y = BOTTOM + lower,
                        .width = PAGE_WIDTH - LEFT - RIGHT,
                        .height = page_height - BOTTOM - TOP - lower}};
    sf_status status = SF_OK;
    sf_page page;

    for (size_t i = 0; i < count; i++) SF_TRY(sf_curves_check(path, shown[i].count));
    frames[1] = frames[0];
    frames[1].y = BOTTOM;
    frames[1].height = LOWER_HEIGHT;
    SF_TRY(sf_output_check(path, overwrite));
    SF_TRY(find_ranges(shown, frames, count));
    SF_TRY(sf_page_open(PAGE_WIDTH, page_height, &page));
    for (size_t i = 0; i < count; i++)
        SF_GO(draw_frame(&shown[i], &frames[i], i + 1 == count ? shown[0].axes->x_label : NULL));
    draw_title(shown[0].axes->title, &frames[0], SF_TITLE_SIZE + 2.0);
    return sf_page_finish(&page, path, overwrite);
done:
    sf_page_discard(&page);
    return status;
}

sf_status sf_plot_curves(const char *path, bool overwrite, const sf_axes *axes,
                         const sf_curve *curves, size_t count)
{
    const set shown = {axes, curves, count};

    return plot(path, overwrite, &shown, 1, PAGE_HEIGHT);
}

sf_status sf_plot_stacked(const char *path, bool overwrite, const sf_axes *axes,
                          const sf_curve *curves, size_t count, const sf_axes *lower,
                          const sf_curve *lower_curves, size_t lower_count)
{
    sf_axes second = *lower;
    const set shown[] = {{axes, curves, count}, {&second, lower_curves, lower_count}};

    second.log_x = axes->log_x;
    return plot(path, overwrite, shown, 2, PAGE_HEIGHT + LOWER_HEIGHT);
}

sf_status sf_page_curves(const sf_frame *curves, double x, double y, double width, double height)
{
    frame place = {.x = x + LEFT,
                   .y = y + BOTTOM,
                   .width = width - LEFT - RIGHT,
                   .height = height - BOTTOM - TOP};
    const set shown = {&curves->axes, curves->curves, curves->count};

    SF_TRY(find_ranges(&shown, &place, 1));
    make_room(&shown, &place);
    SF_TRY(draw_frame(&shown, &place, curves->axes.x_label));
    draw_title(curves->axes.title, &place, SF_TITLE_SIZE);
    return SF_OK;
}

sf_status sf_plot_frames(const char *path, bool overwrite, const char *title,
                         const sf_frame *frames, size_t count, size_t columns)
{
    const size_t rows = columns > 0 ? (count + columns - 1) / columns : 0;
    const double height = PAGE_TITLE + CELL_HEIGHT * (double)rows;
    const double width = CELL_WIDTH * (double)columns;
    char markup[512];
    sf_status status;
    sf_page page;

    if (count == 0 || count > MAX_FRAMES || columns == 0 || columns > count)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s: %zu frames in %zu columns: give 1 to %d, and no more "
                       "columns than frames",
                       path, count, columns, MAX_FRAMES);
    for (size_t i = 0; i < count; i++) SF_TRY(sf_curves_check(path, frames[i].count));
    SF_TRY(sf_output_check(path, overwrite));
    SF_TRY(sf_page_open(width, height, &page));
    for (size_t i = 0; i < count; i++)
        SF_GO(sf_page_curves(&frames[i], CELL_WIDTH * (double)(i % columns),
                             height - PAGE_TITLE - CELL_HEIGHT * (double)(i / columns + 1),
                             CELL_WIDTH, CELL_HEIGHT));
    sf_page_text(0.5 * width, height - 30.0, SF_TITLE_SIZE + 2.0, width, 0.5, 0.0,
                 sf_page_escape(title, markup, sizeof markup));
    return sf_page_finish(&page, path, overwrite);
done:
    sf_page_discard(&page);
    return status;
}
