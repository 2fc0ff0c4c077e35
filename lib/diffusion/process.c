/* process.c - the processes as functions of time: each kind says alpha, log-SNR and f, the rest
 * follows: sigma = alpha u with u = exp(-log_snr/2), and g^2 = -sigma^2 d log_snr/dt. Each is
 * written so that nothing cancels where sigma is small. */
#include "base/internal.h"

#include <scorefield/diffusion.h>

#include <gsl/gsl_math.h>
#include <math.h>

/* int_0^t beta */
static double integral(const sf_diffusion *d, double t)
{
    return t * (d->low + 0.5 * (d->high - d->low) * t);
}

/* The t whose integral is B: the root that is not negative, without a difference. */
static double integral_inverse(const sf_diffusion *d, double b)
{
    return 2.0 * b / (d->low + sqrt(d->low * d->low + 2.0 * (d->high - d->low) * b));
}

/* sigma of the kinds with alpha = 1, and d log sigma/dt */
static double exploding(const sf_diffusion *d, double t, double *slope)
{
    const double low = pow(d->low, 1.0 / d->shape), high = pow(d->high, 1.0 / d->shape);

    switch (d->kind) {
    case SF_DIFFUSION_GEOMETRIC: *slope = log(d->high / d->low); return d->low * exp(*slope * t);
    case SF_DIFFUSION_POWER:
        *slope = d->shape * (high - low) / (low + t * (high - low));
        return pow(low + t * (high - low), d->shape);
    default: *slope = 1.0 / t; return t;
    }
}

/* The angle of the cosine, and of t = 0 */
static double angle(const sf_diffusion *d, double t)
{
    return M_PI_2 * (t + d->shape) / (1.0 + d->shape);
}

static double table_log_snr(const sf_diffusion *d, size_t i)
{
    return log(d->alpha_bar[i]) - log1p(-d->alpha_bar[i]);
}

/* alpha, level and f of a process with this level that preserves the variance; slope: d log u/dt */
static void preserving(double level, double slope, sf_marginal *m)
{
    m->level = level;
    m->alpha = 1.0 / hypot(1.0, level);
    m->sigma = level * m->alpha;
    m->f = -m->sigma * m->sigma * slope;
    m->g2 = 2.0 * m->sigma * m->sigma * slope;
}

static void table_at(const sf_diffusion *d, double t, sf_marginal *m)
{
    size_t i = t >= 1.0 ? (size_t)t - 1 : 0;
    double left, right;

    if (i > d->count - 2) i = d->count - 2;
    left = table_log_snr(d, i);
    right = table_log_snr(d, i + 1);
    preserving(exp(-0.5 * (left + (t - (double)i - 1.0) * (right - left))), 0.5 * (left - right),
               m);
}

static void at(const sf_diffusion *d, double t, sf_marginal *m)
{
    const double b = integral(d, t), beta = d->low + t * (d->high - d->low);
    double slope, a, a0;

    switch (d->kind) {
    case SF_DIFFUSION_VP: /* u^2 = exp(B) - 1, d log u/dt = beta/(2 sigma^2) */
        preserving(sqrt(expm1(b)), -0.5 * beta / expm1(-b), m);
        break;
    case SF_DIFFUSION_SUB_VP:
        m->alpha = exp(-0.5 * b);
        m->sigma = -expm1(-b);
        m->level = 2.0 * sinh(0.5 * b);
        m->f = -0.5 * beta;
        m->g2 = -beta * expm1(-2.0 * b);
        break;
    case SF_DIFFUSION_COSINE: /* sigma^2 cos^2(a_0) = sin^2(a) - sin^2(a_0) */
        a = angle(d, t);
        a0 = angle(d, 0.0);
        slope =
            M_PI_2 / (1.0 + d->shape) * cos(a0) * cos(a0) * tan(a) / (sin(a - a0) * sin(a + a0));
        preserving(sqrt(sin(a - a0) * sin(a + a0)) / cos(a), slope, m);
        break;
    case SF_DIFFUSION_DDPM: table_at(d, t, m); break;
    default:
        m->alpha = 1.0;
        m->level = m->sigma = exploding(d, t, &slope);
        m->f = 0.0;
        m->g2 = 2.0 * m->sigma * m->sigma * slope;
    }
    m->log_snr = -2.0 * log(m->level);
}

/* Times at the ends of the range are taken for them within rounding. */
static double snap(const sf_diffusion *d, double t)
{
    const double slack = 1e-12 * (fabs(d->start) + fabs(d->end));

    if (t < d->start && t > d->start - slack) return d->start;
    if (t > d->end && t < d->end + slack) return d->end;
    return t;
}

sf_status sf_diffusion_at(const sf_diffusion *d, double t, sf_marginal *marginal)
{
    t = snap(d, t);
    if (!(t >= d->start && t <= d->end))
        return sf_fail(SF_ERR_ARGUMENT, "time %g is outside of the diffusion's, %g to %g", t,
                       d->start, d->end);
    at(d, t, marginal);
    return SF_OK;
}

static double table_time(const sf_diffusion *d, double log_snr)
{
    size_t low = 0, high = d->count - 1; /* the entries that it is between */
    double left, right;

    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (table_log_snr(d, middle) >= log_snr)
            low = middle;
        else
            high = middle;
    }
    left = table_log_snr(d, low);
    right = table_log_snr(d, high);
    return (double)low + 1.0 + (log_snr - left) / (right - left);
}

static double time_of(const sf_diffusion *d, double level)
{
    const double low = pow(d->low, 1.0 / d->shape), high = pow(d->high, 1.0 / d->shape);
    double a0, alpha;

    switch (d->kind) {
    case SF_DIFFUSION_GEOMETRIC: return log(level / d->low) / log(d->high / d->low);
    case SF_DIFFUSION_POWER: return (pow(level, 1.0 / d->shape) - low) / (high - low);
    case SF_DIFFUSION_EDM: return level;
    case SF_DIFFUSION_VP: return integral_inverse(d, log1p(level * level));
    case SF_DIFFUSION_SUB_VP: return integral_inverse(d, 2.0 * asinh(0.5 * level));
    case SF_DIFFUSION_COSINE:
        a0 = angle(d, 0.0);
        alpha = 1.0 / hypot(1.0, level);
        return atan2(hypot(sin(a0), level * alpha * cos(a0)), alpha * cos(a0)) / M_PI_2 *
                   (1.0 + d->shape) -
               d->shape;
    default: return table_time(d, -2.0 * log(level));
    }
}

sf_status sf_diffusion_time(const sf_diffusion *d, double level, double *t)
{
    sf_marginal first, last;

    at(d, d->start, &first);
    at(d, d->end, &last);
    if (!(level >= first.level * (1.0 - 1e-12) && level <= last.level * (1.0 + 1e-12)))
        return sf_fail(SF_ERR_ARGUMENT, "noise level %g is outside of the diffusion's, %g to %g",
                       level, first.level, last.level);
    *t = fmin(fmax(time_of(d, level), d->start), d->end);
    return SF_OK;
}

static sf_status check_positive(double value, const char *what)
{
    if (value > 0.0 && isfinite(value)) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "a diffusion's %s is %g, where only finite values above 0 can be", what, value);
}

static sf_status make(sf_diffusion_kind kind, double low, double high, double shape, double start,
                      double end, sf_diffusion *diffusion)
{
    *diffusion = (sf_diffusion){
        .kind = kind, .low = low, .high = high, .shape = shape, .start = start, .end = end};
    if (!(low >= 0.0 && low <= high) || !isfinite(high))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a diffusion from %g to %g: its levels have to rise, from 0 or more", low,
                       high);
    if (!(start < end) || !isfinite(end))
        return sf_fail(SF_ERR_ARGUMENT, "a diffusion's time has to rise, from %g to %g it does not",
                       start, end);
    return SF_OK;
}

sf_status sf_diffusion_geometric(double low, double high, sf_diffusion *diffusion)
{
    SF_TRY(check_positive(low, "lowest noise level"));
    return make(SF_DIFFUSION_GEOMETRIC, low, high, 1.0, 0.0, low < high ? 1.0 : 0.0, diffusion);
}

sf_status sf_diffusion_power(double low, double high, double rho, sf_diffusion *diffusion)
{
    SF_TRY(check_positive(low, "lowest noise level"));
    SF_TRY(check_positive(rho, "exponent rho"));
    return make(SF_DIFFUSION_POWER, low, high, rho, 0.0, low < high ? 1.0 : 0.0, diffusion);
}

sf_status sf_diffusion_edm(double low, double high, sf_diffusion *diffusion)
{
    SF_TRY(check_positive(low, "lowest noise level"));
    return make(SF_DIFFUSION_EDM, low, high, 1.0, low, high, diffusion);
}

static sf_status make_vp(sf_diffusion_kind kind, double low, double high, double start,
                         sf_diffusion *diffusion)
{
    SF_TRY(check_positive(start, "first time"));
    SF_TRY(check_positive(high, "largest beta"));
    return make(kind, low, high, 1.0, start, 1.0, diffusion);
}

sf_status sf_diffusion_vp(double low, double high, double start, sf_diffusion *diffusion)
{
    return make_vp(SF_DIFFUSION_VP, low, high, start, diffusion);
}

sf_status sf_diffusion_sub_vp(double low, double high, double start, sf_diffusion *diffusion)
{
    return make_vp(SF_DIFFUSION_SUB_VP, low, high, start, diffusion);
}

sf_status sf_diffusion_cosine(double s, double start, double end, sf_diffusion *diffusion)
{
    SF_TRY(check_positive(start, "first time"));
    if (!(s >= 0.0) || !isfinite(s) || !(end < 1.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "a cosine of s = %g until %g: s has to be 0 or more, and the end before 1, "
                       "where alpha is 0",
                       s, end);
    return make(SF_DIFFUSION_COSINE, 0.0, 1.0, s, start, end, diffusion);
}

sf_status sf_diffusion_ddpm(size_t count, const double *alpha_bar, sf_diffusion *diffusion)
{
    SF_TRY(make(SF_DIFFUSION_DDPM, 0.0, 1.0, 1.0, 1.0, (double)count, diffusion));
    for (size_t i = 0; i < count; i++)
        if (!(alpha_bar[i] > 0.0 && alpha_bar[i] < (i == 0 ? 1.0 : alpha_bar[i - 1])))
            return sf_fail(SF_ERR_ARGUMENT,
                           "alpha_bar of step %zu is %g: a table has to fall, between 1 and 0",
                           i + 1, alpha_bar[i]);
    diffusion->alpha_bar = alpha_bar;
    diffusion->count = count;
    return SF_OK;
}
