/* density_quartic.c - products of one-dimensional factors exp(-u(x)), u = a x^2 + b x^4 + c x,
 * which alternate between two kinds: the anharmonic oscillator (two equal ones) and the many-well
 * (a double well, a Gaussian).
 *
 * Draws by rejection (von Neumann 1951), from what a tangent of x^4 in x^2 bounds:
 *   b x^4 >= 2 b t x^2 - b t^2: a Gaussian, for one well (a >= 0);
 *   b (x^2 - m^2)^2 >= b m^2 (|x| - m)^2, m^2 = -a/2b: one Gaussian a side, for two (a < 0). */
#include "base/internal.h"
#include "mcmc/lanes.h"

#include <scorefield/mcmc.h>

#include <gsl/gsl_math.h>
#include <math.h>

typedef struct factor {
    double a, b, c;
    double log_z;
    double tangent;   /* t, for one well */
    double centre;    /* m, for two; else 0 */
    double precision; /* of the proposal */
    double right;     /* two wells: the probability of the right one's proposal */
} factor;

typedef struct quartic {
    size_t n;
    factor factors[2]; /* of even and of odd coordinates */
    double log_z;
} quartic;

static double potential(const factor *f, double x)
{
    return x * (f->c + x * (f->a + f->b * x * x));
}

/* ---- density -------------------------------------------------------------------------------- */

/* -sum u and its gradient; coefficients that differ by coordinate lie in lanes, so that all of them
 * vectorise. */
SF_VECTOR_CLONES static double row(size_t n, const double *restrict a, const double *restrict b,
                                   const double *restrict c, const double *restrict x,
                                   double *restrict score)
{
    double lane[SF_LANES] = {0.0};
    size_t i = 0;

    for (; i + SF_LANES <= n; i += SF_LANES)
        for (size_t l = 0; l < SF_LANES; l++) {
            const double y = x[i + l], square = y * y;

            lane[l] -= y * c[l] + square * (a[l] + b[l] * square);
            score[i + l] = -c[l] - y * (2.0 * a[l] + 4.0 * b[l] * square);
        }
    for (size_t l = 0; i < n; i++, l++) {
        const double y = x[i], square = y * y;

        lane[l] -= y * c[l] + square * (a[l] + b[l] * square);
        score[i] = -c[l] - y * (2.0 * a[l] + 4.0 * b[l] * square);
    }
    return sf_lanes_total(lane);
}

static sf_status quartic_evaluate(const void *self, size_t batch, const double *x,
                                  double *log_density, double *score)
{
    const quartic *q = self;
    double a[SF_LANES], b[SF_LANES], c[SF_LANES], *spare = NULL;

    if (score == NULL) SF_TRY(sf_allocate(&spare, q->n, sizeof *spare));
    for (size_t l = 0; l < SF_LANES; l++) {
        a[l] = q->factors[l % 2].a;
        b[l] = q->factors[l % 2].b;
        c[l] = q->factors[l % 2].c;
    }
    for (size_t i = 0; i < batch; i++)
        log_density[i] = row(q->n, a, b, c, x + i * q->n, score != NULL ? score + i * q->n : spare);
    sf_free(spare);
    return SF_OK;
}

static double quartic_log_z(const void *self) { return ((const quartic *)self)->log_z; }

/* ---- draws ---------------------------------------------------------------------------------- */

/* One proposal from four uniform numbers, and whether it is taken. */
static bool propose(const factor *f, const double *u, double *x)
{
    const double side = f->centre == 0.0 ? 0.0 : u[2] < f->right ? 1.0 : -1.0;
    const double middle = side * f->centre - f->c / f->precision;
    const double normal = sqrt(-2.0 * log(u[0])) * cos(2.0 * M_PI * u[1]);
    double y, excess; /* u(x) over its bound */

    *x = middle + normal / sqrt(f->precision);
    y = *x * *x;
    if (side == 0.0) {
        excess = f->b * (y - f->tangent) * (y - f->tangent);
    } else {
        const double near = fabs(*x) - f->centre, square = y - f->centre * f->centre;

        if (side * *x < 0.0) return false;
        excess = f->b * (square * square - f->centre * f->centre * near * near);
    }
    return log(u[3]) < -excess;
}

/* The numbers of coordinate i of draw d are the sequence d n + i, as many as it takes. */
static double draw_one(const factor *f, sf_random random, uint64_t sequence)
{
    double u[4], x = 0.0;

    for (uint64_t at = 0;; at += 4) {
        sf_random_uniform(random, sequence, at, 4, u);
        if (propose(f, u, &x)) return x;
    }
}

static sf_status quartic_draw(const void *self, sf_random random, uint64_t first, size_t batch,
                              double *x)
{
    const quartic *q = self;

    for (size_t b = 0; b < batch; b++)
        for (size_t i = 0; i < q->n; i++)
            x[b * q->n + i] = draw_one(&q->factors[i % 2], random, (first + b) * q->n + i);
    return SF_OK;
}

/* ---- creation ------------------------------------------------------------------------------- */

/* log of the integral of exp(-u), by the trapezoidal rule, whose error falls faster than any power
 * of its step (Trefethen & Weideman 2014, doi:10.1137/130932132). */
static double log_integral(const factor *f)
{
    enum { POINTS = 4000 };
    const double width = 1.0 / sqrt(f->precision);
    const double reach = f->centre + fabs(f->c) / f->precision + 12.0 * width;
    const double step = 2.0 * reach / POINTS;
    double least = INFINITY, sum = 0.0;

    for (int i = 0; i <= POINTS; i++) least = fmin(least, potential(f, i * step - reach));
    for (int i = 0; i <= POINTS; i++) sum += exp(least - potential(f, i * step - reach));
    return log(sum * step) - least;
}

static factor make_factor(double a, double b, double c)
{
    factor f = {.a = a, .b = b, .c = c};

    if (a < 0.0) {
        f.centre = sqrt(-a / (2.0 * b));
        f.precision = -a; /* 2 b m^2 */
        f.right = 1.0 / (1.0 + exp(2.0 * c * f.centre));
    } else {
        f.tangent = b > 0.0 ? 1.0 / (a + sqrt(a * a + 4.0 * b)) : 0.0; /* the most are taken */
        f.precision = 2.0 * (2.0 * b * f.tangent + a);
    }
    f.log_z = log_integral(&f);
    return f;
}

static const sf_density_methods quartic_methods = {
    .name = "quartic",
    .evaluate = quartic_evaluate,
    .draw = quartic_draw,
    .log_z = quartic_log_z,
    .destroy = sf_free,
};

static const sf_density_methods many_well_methods = {
    .name = "many-well",
    .evaluate = quartic_evaluate,
    .draw = quartic_draw,
    .log_z = quartic_log_z,
    .destroy = sf_free,
};

static sf_status create(const sf_density_methods *methods, size_t dimension, factor even,
                        factor odd, sf_density **density)
{
    quartic *q;

    SF_TRY(sf_allocate(&q, 1, sizeof *q));
    q->n = dimension;
    q->factors[0] = even;
    q->factors[1] = odd;
    q->log_z =
        (double)(dimension - dimension / 2) * even.log_z + (double)(dimension / 2) * odd.log_z;
    return sf_density_create(methods, q, dimension, density);
}

sf_status sf_density_quartic(size_t dimension, double a, double b, sf_density **density)
{
    *density = NULL;
    if (!isfinite(a) || !isfinite(b) || b < 0.0 || (b == 0.0 && a <= 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "exp(-a x^2 - b x^4) with a = %g and b = %g has no finite integral: b > 0, "
                       "or b = 0 and a > 0",
                       a, b);
    return create(&quartic_methods, dimension, make_factor(a, b, 0.0), make_factor(a, b, 0.0),
                  density);
}

sf_status sf_density_many_well(size_t dimension, sf_density **density)
{
    *density = NULL;
    if (dimension % 2 != 0 || dimension == 0)
        return sf_fail(SF_ERR_ARGUMENT, "a many-well of dimension %zu; it is even, pair by pair",
                       dimension);
    return create(&many_well_methods, dimension, make_factor(-6.0, 1.0, -0.5),
                  make_factor(0.5, 0.0, 0.0), density);
}
