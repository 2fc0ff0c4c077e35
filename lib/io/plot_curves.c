/* plot_curves.c - lines and points with axes, error bars and a legend. */
#include "io/output.h"
#include "io/plot_page.h"
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
#define MAX_CURVES  64

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

/* ---- ranges
 * --------------------------------------------------------------------------------------- */

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

static sf_status find_ranges(const sf_axes *axes, const sf_curve *curves, size_t count, frame *f)
{
    f->across = (sf_scale){
        .kind = axes->log_x ? SF_SCALE_LOG : SF_SCALE_LINEAR, .low = HUGE_VAL, .high = -HUGE_VAL};
    f->up = f->across;
    f->up.kind = axes->log_y ? SF_SCALE_LOG : SF_SCALE_LINEAR;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < curves[k].count; i++) {
            const double bar = curves[k].error != NULL ? curves[k].error[i] : 0.0;
            if (!point_is_shown(axes, &curves[k], i)) continue;
            widen(&f->across, curves[k].x[i]);
            widen(&f->up, curves[k].y[i]);
            widen(&f->up, curves[k].y[i] - bar);
            widen(&f->up, curves[k].y[i] + bar);
        }
    if (settle(&f->across) && settle(&f->up)) return SF_OK;
    return sf_fail(SF_ERR_NUMERIC, "the curves span x = %g .. %g, y = %g .. %g: too wide to plot",
                   f->across.low, f->across.high, f->up.low, f->up.high);
}

/* ---- axes
 * ----------------------------------------------------------------------------------------- */

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

static void draw_x_axis(const sf_axes *axes, const frame *f)
{
    char label[320];
    sf_ticks ticks;

    sf_scale_ticks(&f->across, 90.0 / f->width, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double x = f->x + ticks.tick[i].position * f->width;
        sf_page_line(x, f->y, x, f->y + f->height, 1.0, faint);
        sf_page_line(x, f->y, x, f->y - TICK, 1.0, ink);
        sf_page_text(x, f->y - TICK - 18.0, SF_TEXT_SIZE, 0.0, 0.5, 0.0, ticks.tick[i].label);
    }
    axis_label(axes->x_label, ticks.exponent, label, sizeof label);
    sf_page_text(f->x + 0.5 * f->width, 16.0, SF_TITLE_SIZE, f->width, 0.5, 0.0, label);
}

static void draw_y_axis(const sf_axes *axes, const frame *f)
{
    char label[320];
    sf_ticks ticks;

    sf_scale_ticks(&f->up, 55.0 / f->height, &ticks);
    for (size_t i = 0; i < ticks.count; i++) {
        const double y = f->y + ticks.tick[i].position * f->height;
        sf_page_line(f->x, y, f->x + f->width, y, 1.0, faint);
        sf_page_line(f->x, y, f->x - TICK, y, 1.0, ink);
        sf_page_text(f->x - TICK - 4.0, y - 5.0, SF_TEXT_SIZE, 0.0, 1.0, 0.0, ticks.tick[i].label);
    }
    axis_label(axes->y_label, ticks.exponent, label, sizeof label);
    sf_page_text(24.0, f->y + 0.5 * f->height, SF_TITLE_SIZE, f->height, 0.5, 90.0, label);
}

/* ---- curves
 * --------------------------------------------------------------------------------------- */

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

/* A point that cannot be shown interrupts the line. */
static void draw_curve(const sf_axes *axes, const frame *f, const sf_curve *curve, sf_colour colour)
{
    for (size_t i = 0; i < curve->count; i++) {
        if (!point_is_shown(axes, curve, i)) continue;
        const double x = page_x(f, curve->x[i]), y = page_y(f, curve->y[i]);
        if (curve->error != NULL) draw_error_bar(f, curve, i, colour);
        if (curve->points)
            sf_page_dot(x, y, 4.0, colour);
        else if (i > 0 && point_is_shown(axes, curve, i - 1))
            sf_page_line(page_x(f, curve->x[i - 1]), page_y(f, curve->y[i - 1]), x, y, 2.2, colour);
    }
}

/* ---- legend
 * --------------------------------------------------------------------------------------- */

/* Curves' points under the legend if it stood in that corner. */
static size_t points_under(const sf_axes *axes, const frame *f, const sf_curve *curves,
                           size_t count, double x, double y, double width, double height)
{
    size_t n = 0;

    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < curves[k].count; i++) {
            if (!point_is_shown(axes, &curves[k], i)) continue;
            const double u = page_x(f, curves[k].x[i]), v = page_y(f, curves[k].y[i]);
            if (u > x - 8.0 && u < x + width + 8.0 && v > y - 8.0 && v < y + height + 8.0) n++;
        }
    return n;
}

typedef struct corner {
    double x, y, width, height;
} corner;

/* The corner that hides least: upper right, upper left, lower right, lower left. */
static corner find_corner(const sf_axes *axes, const frame *f, const sf_curve *curves, size_t count,
                          double width, double height)
{
    size_t least = SIZE_MAX;
    corner best = {0};

    for (int i = 0; i < 4; i++) {
        const corner c = {.x = i % 2 == 0 ? f->x + f->width - width - 12.0 : f->x + 12.0,
                          .y = i < 2 ? f->y + f->height - height - 12.0 : f->y + 12.0,
                          .width = width,
                          .height = height};
        const size_t n = points_under(axes, f, curves, count, c.x, c.y, width, height);
        if (n >= least) continue;
        least = n;
        best = c;
    }
    return best;
}

static void draw_legend(const sf_axes *axes, const frame *f, const sf_curve *curves, size_t count)
{
    char label[256];
    double width = 0.0, height = 14.0, y;
    corner c;

    for (size_t k = 0; k < count; k++) {
        if (curves[k].label == NULL) continue;
        width = fmax(width, sf_page_text_width(SF_TEXT_SIZE, sf_page_escape(curves[k].label, label,
                                                                            sizeof label)));
        height += 22.0;
    }
    if (width == 0.0) return;
    c = find_corner(axes, f, curves, count, width + 62.0, height);
    sf_page_box(c.x, c.y, c.width, c.height, white);
    y = c.y + height - 22.0;
    for (size_t k = 0; k < count; k++) {
        if (curves[k].label == NULL) continue;
        if (curves[k].points)
            sf_page_dot(c.x + 26.0, y + 5.0, 4.0, curve_colour(k));
        else
            sf_page_line(c.x + 10.0, y + 5.0, c.x + 42.0, y + 5.0, 2.2, curve_colour(k));
        sf_page_text(c.x + 52.0, y, SF_TEXT_SIZE, 0.0, 0.0, 0.0,
                     sf_page_escape(curves[k].label, label, sizeof label));
        y -= 22.0;
    }
}

sf_status sf_plot_curves(const char *path, bool overwrite, const sf_axes *axes,
                         const sf_curve *curves, size_t count)
{
    frame f = {.x = LEFT,
               .y = BOTTOM,
               .width = PAGE_WIDTH - LEFT - RIGHT,
               .height = PAGE_HEIGHT - BOTTOM - TOP};
    char title[512];
    sf_page page;

    if (count == 0 || count > MAX_CURVES)
        return sf_fail(SF_ERR_ARGUMENT, "%s: %zu curves: give 1 to %d", path, count, MAX_CURVES);
    SF_TRY(sf_output_check(path, overwrite));
    SF_TRY(find_ranges(axes, curves, count, &f));
    SF_TRY(sf_page_open(PAGE_WIDTH, PAGE_HEIGHT, &page));
    draw_x_axis(axes, &f);
    draw_y_axis(axes, &f);
    for (size_t k = 0; k < count; k++) draw_curve(axes, &f, &curves[k], curve_colour(k));
    sf_page_frame(f.x, f.y, f.width, f.height);
    draw_legend(axes, &f, curves, count);
    sf_page_text(f.x + 0.5 * f.width, PAGE_HEIGHT - 34.0, SF_TITLE_SIZE + 2.0, f.width, 0.5, 0.0,
                 sf_page_escape(axes->title, title, sizeof title));
    return sf_page_finish(&page, path, overwrite);
}
