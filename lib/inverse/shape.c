/* shape.c - centre, size and ellipticity of an object by adaptive moments.
 *
 * Bernstein & Jarvis 2002, doi:10.1086/338085; the iteration is that of Hirata & Seljak 2003,
 * doi:10.1046/j.1365-8711.2003.06683.x, appendix C. */
#include <scorefield/inverse.h>

#include "base/internal.h"

#include <math.h>
#include <string.h>

#define ITERATIONS 1000
#define REACH      7.0  /* deviations: the weight beyond is below 3e-11 */
#define NARROWEST  0.3  /* cells; such a weight no longer sees more than one */
#define TOLERANCE  1e-9 /* of moves, in deviations of the weight */

/* Sums of the image under the weight: of 1, y, x, y y, y x, x x, from the weight's centre. */
typedef struct moments {
    double flux, y, x, yy, yx, xx;
} moments;

static double determinant(const sf_shape *s) { return s->yy * s->xx - s->yx * s->yx; }

/* The cells of an axis that the weight reaches. */
static void reach(double centre, double variance, size_t cells, size_t *first, size_t *end)
{
    const double r = REACH * sqrt(variance), last = (double)cells - 1.0;

    *first = (size_t)fmin(fmax(ceil(centre - r), 0.0), last);
    *end = (size_t)fmin(fmax(floor(centre + r), 0.0), last) + 1;
}

static moments weigh(const sf_grid *grid, const double *image, const sf_shape *s)
{
    const double inverse = 1.0 / determinant(s);
    size_t row, rows, left, right;
    moments m = {0};

    reach(s->row, s->yy, grid->shape[0], &row, &rows);
    reach(s->column, s->xx, grid->shape[1], &left, &right);
    for (; row < rows; row++)
        for (size_t column = left; column < right; column++) {
            const double y = (double)row - s->row, x = (double)column - s->column;
            const double radius = (s->xx * y * y - 2.0 * s->yx * y * x + s->yy * x * x) * inverse;
            const double light = image[row * grid->shape[1] + column] * exp(-0.5 * radius);

            m.flux += light;
            m.y += light * y;
            m.x += light * x;
            m.yy += light * y * y;
            m.yx += light * y * x;
            m.xx += light * x * x;
        }
    return m;
}

/* The next weight: the means under this one, and twice the covariance, since a Gaussian times
 * itself is half as wide. move: by how many deviations they differ. */
static void adapt(const moments *m, sf_shape *s, double *move)
{
    const double y = m->y / m->flux, x = m->x / m->flux;
    const sf_shape last = *s;

    s->row += 2.0 * y;
    s->column += 2.0 * x;
    s->yy = 2.0 * (m->yy / m->flux - y * y);
    s->yx = 2.0 * (m->yx / m->flux - y * x);
    s->xx = 2.0 * (m->xx / m->flux - x * x);
    s->flux = 2.0 * m->flux;
    *move = (fabs(y) + fabs(x)) / sqrt(sqrt(determinant(&last))) +
            (fabs(s->yy - last.yy) + fabs(s->yx - last.yx) + fabs(s->xx - last.xx)) /
                (last.yy + last.xx);
}

static bool inside(const sf_grid *grid, const sf_shape *s)
{
    return s->row > -0.5 && s->row < (double)grid->shape[0] - 0.5 && s->column > -0.5 &&
           s->column < (double)grid->shape[1] - 0.5;
}

/* Whether the weight is one that can be used. */
static bool usable(const sf_grid *grid, const sf_shape *s)
{
    const double widest = (double)(grid->shape[0] + grid->shape[1]);

    return s->yy > 0.0 && s->xx > 0.0 &&
           determinant(s) > NARROWEST * NARROWEST * NARROWEST * NARROWEST &&
           s->yy + s->xx < widest * widest && inside(grid, s);
}

static sf_status lost(const sf_shape *start, size_t iteration, const char *why)
{
    return sf_fail(SF_ERR_NUMERIC,
                   "no shape of the object at row %.1f, column %.1f: %s in iteration %zu; begin at "
                   "a brighter one, or nearer to its centre and size",
                   start->row, start->column, why, iteration);
}

sf_status sf_measure_shape(const sf_grid *grid, const double *image, double row, double column,
                           double size, sf_shape *shape)
{
    const sf_shape start = {.row = row, .column = column, .yy = size * size, .xx = size * size};
    double move = INFINITY;
    sf_shape s = start;

    memset(shape, 0, sizeof *shape);
    if (grid->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "a shape is one of an image, not of %d axes", grid->axes);
    if (!(size > 0.0) || !usable(grid, &start))
        return sf_fail(SF_ERR_ARGUMENT,
                       "row %g, column %g, size %g is no object in an image of %zu x %zu: give a "
                       "centre inside it, and a size of more than %g cells",
                       row, column, size, grid->shape[0], grid->shape[1], NARROWEST);
    while (move > TOLERANCE) {
        const moments m = weigh(grid, image, &s);

        if (!isfinite(m.flux)) return lost(&start, s.iterations, "a pixel is not finite");
        if (!(m.flux > 0.0)) return lost(&start, s.iterations, "there is no light");
        if (s.iterations == ITERATIONS) return lost(&start, s.iterations, "it still moves");
        adapt(&m, &s, &move);
        s.iterations++;
        if (!usable(grid, &s))
            return lost(&start, s.iterations, "the ellipse shrank to a cell, or left the image");
    }
    s.size = sqrt(sqrt(determinant(&s)));
    s.e1 = (s.xx - s.yy) / (s.xx + s.yy);
    s.e2 = 2.0 * s.yx / (s.xx + s.yy);
    *shape = s;
    return SF_OK;
}
