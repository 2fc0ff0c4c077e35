/* galaxy.c - galaxies: Sersic profiles (Sersic 1963; b_n after Ciotti & Bertin 1999,
 * astro-ph/9911078) with what discs have: spiral arms, bars, rings, clumps of young stars, dust. */
#include "scene/recipe.h"

#include <math.h>

#define PI          3.14159265358979323846
#define SUBPIXELS   5 /* a side, next to the centre */

#define TABLE_SIZE  512
#define TABLE_STEPS 16.0 /* a pixel, where the table is large enough for that */

/* I(r) = brightness exp(-b ((r/radius)^(1/n) - 1)), r softened by what the optics blur, out to
 * where it is too faint to be drawn; as a table over r, since it is asked for at every pixel. */
typedef struct sersic {
    double reach, per_pixel; /* table entries a pixel */
    size_t last;
    double table[TABLE_SIZE];
} sersic;

/* What a disc's light is multiplied by; amplitudes of zero switch a part off. */
typedef struct structure {
    double arms, number, winding, sharp, phase; /* logarithmic spirals */
    double ring, ring_radius, ring_width;
    double bar, bar_length, bar_width, bar_angle;
    double dust, dust_shift;
    double lane, lane_offset, lane_width; /* a dark lane along the major axis */
    double texture;
} structure;

typedef struct galaxy {
    double y, x, radius, reach;
    double cosine, sine, inverse_q;
    double brightness; /* of the disc */
    sersic disc, bulge;
    structure parts;
    bool structured, bulged;
} galaxy;

static void make_sersic(double n, double radius, double brightness, double soft, double floor,
                        sersic *s)
{
    const double b = 2.0 * n - 1.0 / 3.0 + 4.0 / (405.0 * n) + 46.0 / (25515.0 * n * n);
    const double bright = log(fmax(1.0, brightness / floor));

    s->reach = fmax(1.0, radius * pow(1.0 + bright / b, n));
    s->per_pixel = fmin(TABLE_STEPS, (TABLE_SIZE - 1) / s->reach);
    s->last = (size_t)(s->reach * s->per_pixel);
    for (size_t i = 0; i <= s->last; i++) {
        const double r = (double)i / s->per_pixel;
        const double r2 = (r * r + soft * soft) / (radius * radius);

        s->table[i] = brightness * exp(-b * (pow(r2, 0.5 / n) - 1.0));
    }
}

static double sersic_value(const sersic *s, double r2)
{
    const double at = sqrt(r2) * s->per_pixel;
    const size_t i = (size_t)at;

    if (i >= s->last) return 0.0;
    return s->table[i] + (at - (double)i) * (s->table[i + 1] - s->table[i]);
}

static void draw_structure(sf_dice *dice, double radius, double q, structure *p)
{
    *p = (structure){0};
    if (sf_dice_chance(dice, 0.7)) {
        p->arms = sf_dice_between(dice, 0.3, 1.0);
        p->number = sf_dice_chance(dice, 0.7) ? 2.0 : floor(sf_dice_between(dice, 1.0, 6.0));
        p->winding = p->number / tan(sf_dice_between(dice, 8.0, 40.0) * PI / 180.0);
        if (sf_dice_chance(dice, 0.5)) p->winding = -p->winding;
        p->sharp = sf_dice_log(dice, 0.7, 6.0);
        p->phase = sf_dice_between(dice, 0.0, 2.0 * PI);
        if (sf_dice_chance(dice, 0.5)) p->dust = sf_dice_between(dice, 0.2, 1.2);
        p->dust_shift = sf_dice_between(dice, 0.4, 1.5);
    }
    if (sf_dice_chance(dice, 0.2)) {
        p->ring = sf_dice_log(dice, 0.3, 4.0);
        p->ring_radius = radius * sf_dice_between(dice, 0.5, 2.0);
        p->ring_width = p->ring_radius * sf_dice_log(dice, 0.05, 0.4);
    }
    if (sf_dice_chance(dice, 0.35)) {
        p->bar = sf_dice_log(dice, 0.5, 6.0);
        p->bar_length = radius * sf_dice_between(dice, 0.3, 1.0);
        p->bar_width = p->bar_length * sf_dice_between(dice, 0.15, 0.4);
        p->bar_angle = sf_dice_between(dice, 0.0, PI);
    }
    if (q < 0.35 && sf_dice_chance(dice, 0.6)) {
        p->lane = sf_dice_between(dice, 0.5, 3.0);
        p->lane_offset = radius * q * sf_dice_between(dice, -0.4, 0.4);
        p->lane_width = radius * sf_dice_between(dice, 0.03, 0.12);
    }
    if (sf_dice_chance(dice, 0.5)) p->texture = sf_dice_log(dice, 0.05, 0.6);
}

/* How much brighter the disc is at (u, v), in its own plane. */
static double structure_value(const galaxy *g, double u, double v, double r2)
{
    const structure *p = &g->parts;
    const double r = sqrt(r2) + 1e-3;
    double factor = 1.0;

    if (p->arms > 0.0) {
        const double phase = p->number * atan2(v, u) - p->winding * log(r / g->radius) + p->phase;
        const double inner = r2 / (r2 + 0.1 * g->radius * g->radius); /* none at the centre */
        const double arm = exp(p->sharp * (cos(phase) - 1.0)) * (1.0 + 0.5 * p->sharp);

        factor = 1.0 + p->arms * inner * (arm - 1.0);
        if (p->dust > 0.0)
            factor *=
                exp(-p->dust * inner * exp(2.0 * p->sharp * (cos(phase - p->dust_shift) - 1.0)));
    }
    if (p->ring > 0.0) {
        const double d = (r - p->ring_radius) / p->ring_width;

        factor += p->ring * exp(-0.5 * d * d);
    }
    if (p->bar > 0.0) {
        const double c = cos(p->bar_angle), s = sin(p->bar_angle);
        const double a = (c * u + s * v) / p->bar_length, b = (c * v - s * u) / p->bar_width;

        factor += p->bar * exp(-a * a * a * a - b * b);
    }
    if (p->lane > 0.0) {
        const double d = (v / g->inverse_q - p->lane_offset) / p->lane_width;

        factor *= exp(-p->lane * exp(-0.5 * d * d) / (1.0 + r2 / (9.0 * g->radius * g->radius)));
    }
    return factor > 0.0 ? factor : 0.0;
}

static double galaxy_value(const galaxy *g, double dy, double dx)
{
    const double u = g->cosine * dx + g->sine * dy;
    const double v = (g->cosine * dy - g->sine * dx) * g->inverse_q;
    const double r2 = u * u + v * v;
    double value = sersic_value(&g->disc, r2);

    if (g->structured) value *= structure_value(g, u, v, r2);
    if (g->bulged) value += sersic_value(&g->bulge, r2);
    return value;
}

/* The mean over a pixel. */
static double galaxy_pixel(const galaxy *g, double dy, double dx)
{
    double sum = 0.0;

    for (int i = 0; i < SUBPIXELS; i++)
        for (int j = 0; j < SUBPIXELS; j++)
            sum += galaxy_value(g, dy + ((double)i + 0.5) / SUBPIXELS - 0.5,
                                dx + ((double)j + 0.5) / SUBPIXELS - 0.5);
    return sum / (SUBPIXELS * SUBPIXELS);
}

static void paint(sf_canvas *canvas, const galaxy *g)
{
    sf_window w;

    if (!sf_canvas_window(canvas, g->y, g->x, g->reach, &w)) return;
    for (size_t i = w.top; i < w.bottom; i++)
        for (size_t j = w.left; j < w.right; j++) {
            const size_t at = i * canvas->columns + j;
            const double dy = (double)i - g->y, dx = (double)j - g->x;
            double value =
                dy * dy + dx * dx < 6.25 ? galaxy_pixel(g, dy, dx) : galaxy_value(g, dy, dx);

            if (g->structured && g->parts.texture > 0.0 && canvas->texture != NULL)
                value *= exp(g->parts.texture * (canvas->texture[at] - 0.5 * g->parts.texture));
            canvas->pixel[at] += value;
        }
}

/* Associations of young stars, on the arms where there are any. */
static void paint_clumps(sf_canvas *canvas, sf_dice *dice, const galaxy *g)
{
    const structure *p = &g->parts;
    const size_t count = sf_dice_count(dice, sf_dice_log(dice, 2.0, 60.0));
    const double smallest = fmax(0.5, canvas->seeing / 2.3548);

    for (size_t i = 0; i < count; i++) {
        const double r = g->radius * sf_dice_between(dice, 0.2, 2.2);
        const double scatter = 0.35 * sf_dice_normal(dice);
        double angle = sf_dice_between(dice, 0.0, 2.0 * PI);
        const double size = smallest * sf_dice_log(dice, 1.0, 2.5);
        const double bright = g->brightness * sf_dice_power_law(dice, 0.1, 10.0, 1.7);
        double u, v;

        if (p->arms > 0.0) {
            const double arm = floor(sf_dice_between(dice, 0.0, p->number));

            angle =
                (p->winding * log(r / g->radius) - p->phase + 2.0 * PI * arm + scatter) / p->number;
        }
        u = r * cos(angle);
        v = r * sin(angle) / g->inverse_q;
        sf_canvas_gaussian(canvas, g->y + g->sine * u + g->cosine * v,
                           g->x + g->cosine * u - g->sine * v, size,
                           bright * exp(-r / g->radius) * 2.0 * PI * size * size);
    }
}

void sf_canvas_galaxy(sf_canvas *canvas, sf_dice *dice, double y, double x, double radius,
                      double brightness)
{
    const double angle = sf_dice_between(dice, 0.0, 2.0 * PI);
    const double soft = 0.4 * fmax(canvas->seeing, 0.7);
    const bool disc = sf_dice_chance(dice, 0.65);
    const double n = disc ? sf_dice_between(dice, 0.6, 1.4) : sf_dice_log(dice, 0.5, 6.0);
    const double q = disc ? sf_dice_between(dice, 0.12, 1.0) : sf_dice_between(dice, 0.3, 1.0);
    galaxy g = {.y = y,
                .x = x,
                .radius = radius,
                .cosine = cos(angle),
                .sine = sin(angle),
                .inverse_q = 1.0 / fmax(q, fmin(1.0, 0.8 * soft / radius)),
                .brightness = brightness,
                .structured = disc && radius > 3.0,
                .bulged = disc && sf_dice_chance(dice, 0.6)};

    make_sersic(n, radius, brightness, soft, canvas->floor, &g.disc);
    g.reach = g.disc.reach;
    if (g.structured) draw_structure(dice, radius, q, &g.parts);
    if (g.bulged) {
        const double bulge_n = sf_dice_between(dice, 1.0, 4.0);
        const double size = radius * sf_dice_between(dice, 0.08, 0.4);

        make_sersic(bulge_n, size, brightness * sf_dice_log(dice, 0.5, 10.0), soft, canvas->floor,
                    &g.bulge);
        g.reach = fmax(g.reach, g.bulge.reach);
    }
    paint(canvas, &g);
    if (g.structured && sf_dice_chance(dice, 0.5)) paint_clumps(canvas, dice, &g);
}

void sf_canvas_tail(sf_canvas *canvas, sf_dice *dice, double y, double x, double length,
                    double brightness)
{
    const double width = fmax(0.6, length * sf_dice_log(dice, 0.03, 0.1));
    const double turn = sf_dice_between(dice, -2.0, 2.0);
    const int pieces = 24;
    double angle = sf_dice_between(dice, 0.0, 2.0 * PI);

    for (int i = 0; i < pieces; i++) {
        const double along = ((double)i + 0.5) / pieces;
        const double s = width * (0.6 + along);
        const double step = length / pieces;

        y += step * sin(angle);
        x += step * cos(angle);
        angle += turn / pieces;
        sf_canvas_gaussian(canvas, y, x, s, brightness * (1.0 - along) * s * step);
    }
}
