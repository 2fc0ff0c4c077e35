/* eigenvalues.c - lambda(k) = P(k)/v of a grid's modes without an array of them, and faster than by
 * the spectrum itself.
 *
 * Every octave of x = k^2 is cut into 2^bits equal intervals, so that the first bits of the number
 * x name its interval and the rest is the place in it. In each, a cubic goes through sqrt(lambda)
 * at four points; it counts where it meets sqrt(lambda) between them to 2e-11. Where it does not (a
 * cut, a kink, a table's knot), its coefficients are NaN, and the spectrum is asked for every mode.
 * Finer intervals are tried until that is rare. */
#include "field/eigenvalues.h"

#include <math.h>
#include <string.h>

enum { POINTS = 4, CHECKS = 3, TOGETHER = 136, FEWEST_MODES = 1 << 18 };

struct sf_eigenvalues {
    sf_grid grid;
    sf_spectrum *spectrum;
    double volume;                 /* of a cell */
    double unit[SF_GRID_MAX_AXES]; /* (2 pi/L)^2 */
    double least, largest;         /* k^2 of the modes other than 0 */
    double zero;                   /* sqrt(lambda(0)) */
    unsigned bits;
    uint64_t first; /* the first interval's number */
    size_t intervals;
    double (*polynomial)[POINTS]; /* in the place -1/2 ... 1/2 of an interval */
    bool rough;                   /* an interval has none */
};

/* sqrt(lambda) at k^2 = square */
static sf_status root_at(const sf_eigenvalues *e, double square, double *root)
{
    double power;

    *root = NAN;
    SF_TRY(sf_spectrum_power(e->spectrum, sqrt(square), &power));
    *root = sqrt(power / e->volume);
    if (isfinite(*root)) return SF_OK;
    return sf_fail(SF_ERR_NUMERIC, "P(%g) = %g divided by the cell volume %g overflows",
                   sqrt(square), power, e->volume);
}

/* ---- the table ---------------------------------------------------------------------------- */

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static double evaluate(const double *c, double t)
{
    return c[0] + t * (c[1] + t * (c[2] + t * c[3]));
}

/* Coefficients of the polynomial through (t, y): Newton's, then multiplied out. */
static void interpolate(const double *t, double *y, double *c)
{
    for (int order = 1; order < POINTS; order++)
        for (int i = POINTS - 1; i >= order; i--) y[i] = (y[i] - y[i - 1]) / (t[i] - t[i - order]);
    memset(c, 0, POINTS * sizeof *c);
    for (int i = POINTS - 1; i >= 0; i--) { /* c <- c (t - t_i) + y_i */
        for (int j = POINTS - 1; j > 0; j--) c[j] = c[j - 1] - t[i] * c[j];
        c[0] = y[i] - t[i] * c[0];
    }
}

/* The polynomial of interval i between its ends or the outermost modes; whether it is true. */
static bool fit(const sf_eigenvalues *e, size_t i, double *c)
{
    const double low = value_of((e->first + i) << (52 - e->bits));
    const double width = value_of((e->first + i + 1) << (52 - e->bits)) - low;
    const double from = fmax((e->least - low) / width, 0.0);
    const double step = (fmin((e->largest - low) / width, 1.0) - from) / (POINTS - 1);
    double t[POINTS], y[POINTS];

    if (!(step > 1e-6)) return false;
    for (int p = 0; p < POINTS; p++) {
        const double place = from + p * step;

        t[p] = place - 0.5;
        if (root_at(e, low + width * place, &y[p]) != SF_OK) return false;
    }
    interpolate(t, y, c);
    for (int check = 0; check < CHECKS; check++) { /* in the gaps */
        const double place = from + (0.5 + check) * step;
        double truth;

        if (root_at(e, low + width * place, &truth) != SF_OK) return false;
        if (!(fabs(evaluate(c, place - 0.5) - truth) <= 2e-11 * truth)) return false;
    }
    return true;
}

/* The table for 2^bits intervals an octave, and the share of modes that it leaves out, by the
 * volume of their shells. */
static sf_status tabulate(sf_eigenvalues *e, unsigned bits, double *left_out)
{
    const double power = 0.5 * e->grid.axes;
    double all = 0.0, rough = 0.0;

    sf_free(e->polynomial);
    e->polynomial = NULL;
    e->bits = bits;
    e->first = bits_of(e->least) >> (52 - bits);
    /* largest is a sum whose rounding is not that of every row's */
    e->intervals = (size_t)((bits_of(e->largest * (1.0 + 1e-14)) >> (52 - bits)) - e->first + 1);
    SF_TRY(sf_allocate(&e->polynomial, e->intervals, sizeof *e->polynomial));
    for (size_t i = 0; i < e->intervals; i++) {
        const double low = value_of((e->first + i) << (52 - bits));
        const double high = value_of((e->first + i + 1) << (52 - bits));
        const double share = pow(high / e->largest, power) - pow(low / e->largest, power);

        all += share;
        if (fit(e, i, e->polynomial[i])) continue;
        rough += share;
        for (int p = 0; p < POINTS; p++) e->polynomial[i][p] = NAN;
    }
    e->rough = rough > 0.0;
    *left_out = rough / all;
    return SF_OK;
}

/* ---- modes ------------------------------------------------------------------------------- */

/* sqrt(lambda) of up to TOGETHER modes k^2 = base + unit m^2, m = start ..., by the table; NaN
 * where it has none. Polynomials are copied side by side, because processors gather slowly. */
SF_VECTOR_CLONES static void look_up(const sf_eigenvalues *e, double base, double unit,
                                     double start, size_t count, double *restrict root)
{
    const uint64_t offset = e->first, last = e->intervals - 1;
    const unsigned bits = e->bits;
    double t[TOGETHER], c[TOGETHER][POINTS];
    uint64_t at[TOGETHER];

    for (size_t i = 0; i < count; i++) {
        const double m = start + (double)(int)i, square = base + unit * (m * m);
        uint64_t number, rest;

        memcpy(&number, &square, sizeof number);
        at[i] = (number >> (52 - bits)) - offset;
        at[i] = at[i] < last ? at[i] : last; /* also of k = 0 */
        rest = (number << bits & 0x000fffffffffffff) | 0x3ff0000000000000;
        memcpy(&t[i], &rest, sizeof rest);
    }
    for (size_t i = 0; i < count; i++) memcpy(c[i], e->polynomial[at[i]], sizeof c[i]);
    for (size_t i = 0; i < count; i++) {
        const double place = t[i] - 1.5;

        root[i] = c[i][0] + place * (c[i][1] + place * (c[i][2] + place * c[i][3]));
    }
}

sf_status sf_eigenvalues_roots(const sf_eigenvalues *e, const long *m, size_t first, size_t count,
                               double *root)
{
    const int last = e->grid.axes - 1;
    double base = 0.0;

    for (int a = 0; a < last; a++) base += e->unit[a] * ((double)m[a] * (double)m[a]);
    for (size_t done = 0; done < count; done += TOGETHER)
        look_up(e, base, e->unit[last], (double)(first + done),
                count - done < TOGETHER ? count - done : TOGETHER, root + done);
    if (base == 0.0 && first == 0) root[0] = e->zero;
    for (size_t i = 0; e->rough && i < count; i++)
        if (isnan(root[i])) {
            const double m_last = (double)(first + i);

            SF_TRY(root_at(e, base + e->unit[last] * (m_last * m_last), &root[i]));
        }
    return SF_OK;
}

/* ---- the object ---------------------------------------------------------------------------- */

static sf_status create(const sf_grid *grid, const sf_spectrum *spectrum, sf_eigenvalues **result)
{
    const double two_pi = 6.28318530717958647693;
    sf_eigenvalues *e;

    SF_TRY(sf_allocate(&e, 1, sizeof *e));
    *result = e;
    e->grid = *grid;
    e->spectrum = sf_spectrum_retain((sf_spectrum *)(uintptr_t)spectrum);
    e->volume = sf_grid_cell_volume(grid);
    e->least = INFINITY;
    for (int a = 0; a < grid->axes; a++) {
        const double k = two_pi / ((double)grid->shape[a] * grid->spacing[a]);
        const double most = (double)(grid->shape[a] / 2);

        e->unit[a] = k * k;
        if (grid->shape[a] > 1) e->least = fmin(e->least, e->unit[a]);
        e->largest += e->unit[a] * (most * most);
    }
    return root_at(e, 0.0, &e->zero);
}

/* Whether every mode has its eigenvalue. */
static sf_status check_modes(const sf_eigenvalues *e)
{
    const size_t modes = e->grid.shape[e->grid.axes - 1] / 2 + 1;
    long m[SF_GRID_MAX_AXES];
    double root[256];

    for (size_t row = 0; row < sf_grid_half_size(&e->grid) / modes; row++) {
        sf_grid_mode(&e->grid, row * modes, m);
        for (size_t first = 0; first < modes; first += 256)
            SF_TRY(
                sf_eigenvalues_roots(e, m, first, modes - first < 256 ? modes - first : 256, root));
    }
    return SF_OK;
}

sf_status sf_eigenvalues_create(const sf_grid *grid, const sf_spectrum *spectrum,
                                sf_eigenvalues **eigenvalues)
{
    const size_t half = sf_grid_half_size(grid);
    double left_out = 1.0;
    bool gain = half > FEWEST_MODES;
    sf_status status = SF_OK;

    *eigenvalues = NULL;
    if (!gain) return SF_OK;
    SF_GO(create(grid, spectrum, eigenvalues));
    gain = isnormal((*eigenvalues)->least) && isfinite((*eigenvalues)->largest * 2.0);
    for (unsigned bits = 9; gain && left_out > 0.005 && bits <= 13; bits += 2) {
        SF_GO(tabulate(*eigenvalues, bits, &left_out));
        gain = (*eigenvalues)->intervals * (POINTS + CHECKS) <= half;
    }
    if (gain && (*eigenvalues)->rough) SF_GO(check_modes(*eigenvalues));
done:
    if (status != SF_OK || !gain) sf_eigenvalues_release(eigenvalues);
    return status;
}

void sf_eigenvalues_release(sf_eigenvalues **eigenvalues)
{
    if (*eigenvalues == NULL) return;
    sf_spectrum_release(&(*eigenvalues)->spectrum);
    sf_free((*eigenvalues)->polynomial);
    sf_free(*eigenvalues);
    *eigenvalues = NULL;
}
