/* spectrum_integral.c - integrals of k^p P(k) K(k r) over k, for any r by the same values of P.
 *
 * k is cut into pieces, each halved until P is a polynomial of degree TERMS - 1 there: its last
 * Legendre coefficients are below PRECISION of its largest value, or of NOTHING of the whole. A
 * piece in which the kernel turns slowly is summed by Gauss-Legendre; in one in which it turns
 * fast, k^p P times the kernel's envelope is expanded and each term integrated exactly, int_-1^1
 * P_l(t) exp(i w t) dt = 2 i^l j_l(w) (Bakhvalov & Vasil'eva 1968,
 * doi:10.1016/0041-5553(68)90066-5), so that the cost does not grow with k r. */
#include "field/spectrum_integral.h"

#include "field/spectrum.h"

#include <complex.h>
#include <gsl/gsl_integration.h>
#include <math.h>
#include <string.h>

enum { NODES = 32, TERMS = 20, MOST = 1 << 14 };
#define PRECISION 1e-10
#define NOTHING   1e-20 /* times the peak of k^(p + 1) P: not worth a smaller piece */
#define RATIO     0.2   /* ln of the ends' ratio of a piece before it is halved */
#define FAST      20.0  /* radians per half piece: at least TERMS, for the recursion of j_l */
#define NARROWEST 1e-12 /* of k; a step of P is left in a piece of that width */

typedef struct piece {
    double centre, half;
    double f[NODES]; /* k^power P at the nodes */
} piece;

struct sf_pieces {
    piece *list;
    size_t count, capacity;
    double peak; /* largest k^(power + 1) P seen */
    double node[NODES], weight[NODES];
    double legendre[TERMS][NODES]; /* (2 l + 1)/2 weight P_l(node): coefficients from values */
};

static void make_rule(sf_pieces *pieces)
{
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(NODES);

    for (size_t i = 0; i < NODES; i++) {
        double x, p[TERMS];

        (void)gsl_integration_glfixed_point(-1.0, 1.0, i, &x, &pieces->weight[i], rule);
        pieces->node[i] = x;
        p[0] = 1.0;
        p[1] = x;
        for (int l = 2; l < TERMS; l++)
            p[l] = ((2.0 * l - 1.0) * x * p[l - 1] - (l - 1.0) * p[l - 2]) / l;
        for (int l = 0; l < TERMS; l++)
            pieces->legendre[l][i] = (l + 0.5) * pieces->weight[i] * p[l];
    }
    gsl_integration_glfixed_table_free(rule);
}

/* The piece's values, and whether they are those of a polynomial. */
static sf_status sample(sf_pieces *pieces, const sf_spectrum *spectrum, int power, piece *own,
                        bool *smooth)
{
    double largest = 0.0, last[2] = {0.0, 0.0};

    for (int i = 0; i < NODES; i++) {
        const double k = own->centre + own->half * pieces->node[i];

        SF_TRY(sf_spectrum_power(spectrum, k, &own->f[i]));
        own->f[i] *= pow(k, power);
        largest = fmax(largest, own->f[i]);
        last[0] += pieces->legendre[TERMS - 2][i] * own->f[i];
        last[1] += pieces->legendre[TERMS - 1][i] * own->f[i];
    }
    pieces->peak = fmax(pieces->peak, largest * own->centre);
    largest = fmax(largest, NOTHING * pieces->peak / own->centre);
    *smooth = fmax(fabs(last[0]), fabs(last[1])) <= PRECISION * largest;
    return SF_OK;
}

static sf_status append(sf_pieces *pieces, const piece *own)
{
    if (pieces->count == pieces->capacity) {
        const size_t capacity = pieces->capacity > 0 ? 2 * pieces->capacity : 128;
        piece *larger;

        SF_TRY(sf_allocate(&larger, capacity, sizeof *larger));
        if (pieces->count > 0) memcpy(larger, pieces->list, pieces->count * sizeof *larger);
        sf_free(pieces->list);
        pieces->list = larger;
        pieces->capacity = capacity;
    }
    pieces->list[pieces->count++] = *own;
    return SF_OK;
}

static piece between(double low, double high)
{
    return (piece){.centre = 0.5 * (low + high), .half = 0.5 * (high - low)};
}

/* Covers low .. high. */
static sf_status cover(sf_pieces *pieces, const sf_spectrum *spectrum, int power, double low,
                       double high)
{
    piece own = between(low, high);
    bool smooth;

    SF_TRY(sample(pieces, spectrum, power, &own, &smooth));
    if (smooth || own.half < NARROWEST * own.centre) return append(pieces, &own);
    if (pieces->count >= MOST)
        return sf_fail(SF_ERR_NUMERIC,
                       "the spectrum is too rough to be integrated: %d pieces did not resolve it "
                       "near k = %g",
                       MOST, own.centre);
    SF_TRY(cover(pieces, spectrum, power, low, own.centre));
    return cover(pieces, spectrum, power, own.centre, high);
}

/* Covers low .. high by pieces of equal ratio: first for the peak, then with halving. */
static sf_status cover_range(sf_pieces *pieces, const sf_spectrum *spectrum, int power, double low,
                             double high)
{
    const size_t count = (size_t)ceil(log(high / low) / RATIO);
    const double step = log(high / low) / (double)count;
    bool smooth;

    for (int pass = 0; pass < 2; pass++) {
        double start = low;

        for (size_t i = 1; i <= count; i++) {
            const double end = i < count ? low * exp(step * (double)i) : high;
            piece whole = between(start, end);

            SF_TRY(pass == 0 ? sample(pieces, spectrum, power, &whole, &smooth)
                             : cover(pieces, spectrum, power, start, end));
            start = end;
        }
    }
    return SF_OK;
}

sf_status sf_pieces_create(const sf_spectrum *spectrum, int power, double kmin, double kmax,
                           sf_pieces **pieces)
{
    double low = kmin == 0.0 ? 1e-5 : kmin, high = kmax == 0.0 ? 100.0 : kmax;
    sf_status status;

    *pieces = NULL;
    if (!(low > 0.0) || !(high > low) || !isfinite(high))
        return sf_fail(SF_ERR_ARGUMENT,
                       "an integral from k = %g to %g; they are positive and increasing", low,
                       high);
    SF_TRY(sf_allocate(pieces, 1, sizeof **pieces));
    make_rule(*pieces);
    low = fmax(low, spectrum->low);
    high = fmin(high, spectrum->high);
    status = high > low ? cover_range(*pieces, spectrum, power, low, high) : SF_OK;
    if (status != SF_OK) sf_pieces_release(pieces);
    return status;
}

void sf_pieces_release(sf_pieces **pieces)
{
    if (*pieces != NULL) sf_free((*pieces)->list);
    sf_free(*pieces);
    *pieces = NULL;
}

static double gauss(const sf_pieces *pieces, const piece *own, double (*kernel)(double), double r)
{
    double sum = 0.0;

    for (int i = 0; i < NODES; i++)
        sum +=
            pieces->weight[i] * own->f[i] * kernel(r * (own->centre + own->half * pieces->node[i]));
    return own->half * sum;
}

/* int f envelope exp(i turn t) dt over the piece, t = -1 .. 1, turn > TERMS */
static sf_complex expand(const sf_pieces *pieces, const piece *own, const sf_kernel *kernel,
                         double r, double turn)
{
    sf_complex g[NODES], sum = 0.0, phase = 2.0;
    double bessel = sin(turn) / turn, next = (bessel - cos(turn)) / turn; /* j_0, j_1 */

    for (int i = 0; i < NODES; i++)
        g[i] = own->f[i] * kernel->envelope(r * (own->centre + own->half * pieces->node[i]));
    for (int l = 0; l < TERMS; l++) {
        const double after = (2.0 * l + 3.0) / turn * next - bessel;
        sf_complex coefficient = 0.0;

        for (int i = 0; i < NODES; i++) coefficient += pieces->legendre[l][i] * g[i];
        sum += phase * coefficient * bessel;
        phase *= I;
        bessel = next;
        next = after;
    }
    return sum;
}

static double integrate_piece(const sf_pieces *pieces, const piece *own, const sf_kernel *kernel,
                              double r)
{
    const double turn = kernel->cycles * r * own->half;
    double sum;

    if (turn <= FAST) return gauss(pieces, own, kernel->value, r);
    sum = kernel->smooth != NULL ? gauss(pieces, own, kernel->smooth, r) : 0.0;
    return sum + own->half * creal(cexp(I * kernel->cycles * r * own->centre) *
                                   expand(pieces, own, kernel, r, turn));
}

double sf_pieces_integrate(const sf_pieces *pieces, const sf_kernel *kernel, double r)
{
    double sum = 0.0;

    for (size_t i = 0; i < pieces->count; i++)
        sum += integrate_piece(pieces, &pieces->list[i], kernel, r);
    return sum;
}
