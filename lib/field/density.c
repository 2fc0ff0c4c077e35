/* density.c - density, score and denoiser of a Gaussian field at a noise level sigma. Every Fourier
 * mode is on its own: with X = F(x - mean) and the variance lambda_t = lambda + sigma^2,
 *     log p     -1/2 sum |X_k|^2/(N lambda_t) - 1/2 sum log(2 pi lambda_t)  (the full spectrum)
 *     score     -X/lambda_t
 *     denoiser  mean + X lambda/lambda_t, whose Jacobian is the gain itself
 * A mode with lambda_t = 0 is a constraint: it is in neither sum, and has no score. */
#include "field/field.h"

#include "grid/in_place.h"

#include <float.h>
#include <gsl/gsl_math.h>
#include <math.h>
#include <string.h>

static sf_status check_level(double sigma)
{
    if (sigma >= 0.0 && isfinite(sigma)) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "a noise level of %g; it is finite and not negative", sigma);
}

sf_status sf_field_transform(const sf_field *field, const double *x, double mean, double **modes)
{
    const size_t size = sf_grid_size(&field->grid);
    double *buffer = NULL;
    sf_status status;

    *modes = NULL;
    SF_GO(sf_check_finite(x, size, "a field"));
    SF_GO(sf_allocate(&buffer, sf_fft_buffer_size(&field->grid), sizeof *buffer));
    for (size_t i = 0; i < size; i++) buffer[i] = x[i] - mean;
    SF_GO(sf_fft_forward_in_place(field->fft, buffer));
    *modes = buffer;
    buffer = NULL;
done:
    sf_free(buffer);
    return status;
}

/* ---- sums over modes --------------------------------------------------------------------- */

typedef struct partial {
    double quadratic;       /* sum |X|^2/(N lambda_t) */
    double log_determinant; /* sum log lambda_t */
    double modes;           /* in the sums, of the full spectrum */
    bool forbidden;         /* a constraint is broken */
} partial;

typedef struct summing {
    const sf_field *field;
    const double *modes; /* NULL: 0 */
    double variance;     /* sigma^2 */
    double rounding;     /* largest |X| that a transform may leave in a mode without variance */
    partial *partials;   /* of each piece: added up in their order, for the same bits always */
} summing;

static sf_status sum_piece(void *user, sf_piece piece)
{
    const summing *s = user;
    const sf_grid *grid = &s->field->grid;
    const double size = (double)sf_grid_size(grid);
    double lambda[SF_FIELD_PIECE];
    partial sum = {.forbidden = false};

    SF_TRY(sf_field_lambda(s->field, piece, lambda));
    for (size_t i = 0; i < piece.count; i++) {
        const double weight = sf_piece_weight(grid, piece, i), total = lambda[i] + s->variance;
        const double *mode = s->modes != NULL ? s->modes + 2 * (piece.at + i) : NULL;
        const double power = mode != NULL ? mode[0] * mode[0] + mode[1] * mode[1] : 0.0;

        if (total > 0.0) {
            sum.quadratic += weight * (power / (size * total));
            sum.log_determinant += weight * log(total);
            sum.modes += weight;
        } else if (sqrt(power) > s->rounding) {
            sum.forbidden = true;
        }
    }
    s->partials[piece.index] = sum;
    return SF_OK;
}

static sf_status sum_modes(const sf_field *field, const double *modes, double sigma,
                           double rounding, partial *sum)
{
    const size_t count = sf_piece_count(&field->grid);
    summing s = {field, modes, sigma * sigma, rounding, NULL};
    sf_status status;

    *sum = (partial){.forbidden = false};
    SF_GO(sf_allocate(&s.partials, count, sizeof *s.partials));
    SF_GO(sf_piece_each(&field->grid, sum_piece, &s));
    for (size_t i = 0; i < count; i++) {
        sum->quadratic += s.partials[i].quadratic;
        sum->log_determinant += s.partials[i].log_determinant;
        sum->modes += s.partials[i].modes;
        sum->forbidden = sum->forbidden || s.partials[i].forbidden;
    }
done:
    sf_free(s.partials);
    return status;
}

sf_status sf_field_log_density(const sf_field *field, const double *x, double sigma,
                               double *log_density)
{
    const size_t size = sf_grid_size(&field->grid);
    double *modes = NULL, square = 0.0, longest;
    partial sum;
    sf_status status;

    *log_density = NAN;
    SF_GO(check_level(sigma));
    SF_GO(sf_field_transform(field, x, field->mean, &modes));
    for (size_t i = 0; i < size; i++) square += x[i] * x[i] + field->mean * field->mean;
    longest = sqrt((double)size * square); /* that |X| could be */
    SF_GO(sum_modes(field, modes, sigma, 64.0 * DBL_EPSILON * longest, &sum));
    *log_density = sum.forbidden
                       ? -INFINITY
                       : -0.5 * (sum.quadratic + sum.log_determinant + sum.modes * log(2.0 * M_PI));
done:
    sf_free(modes);
    return status;
}

sf_status sf_field_log_determinant(const sf_field *field, double sigma, double *value)
{
    partial sum;

    *value = NAN;
    SF_TRY(check_level(sigma));
    SF_TRY(sum_modes(field, NULL, sigma, 0.0, &sum));
    *value = sum.log_determinant;
    return SF_OK;
}

/* ---- filters ------------------------------------------------------------------------------ */

/* What a mode is multiplied by. */
typedef double gain(double lambda, double variance);

static double score_gain(double lambda, double variance)
{
    const double total = lambda + variance;

    return total > 0.0 ? -1.0 / total : 0.0;
}

static double wiener_gain(double lambda, double variance)
{
    const double total = lambda + variance;

    return total > 0.0 ? lambda / total : 0.0;
}

typedef struct filtering {
    const sf_field *field;
    double *modes;
    double variance; /* sigma^2 */
    gain *gain;
} filtering;

static sf_status filter_piece(void *user, sf_piece piece)
{
    const filtering *f = user;
    const double size = (double)sf_grid_size(&f->field->grid);
    double lambda[SF_FIELD_PIECE], *modes = f->modes + 2 * piece.at;

    SF_TRY(sf_field_lambda(f->field, piece, lambda));
    for (size_t i = 0; i < piece.count; i++) {
        const double factor = f->gain(lambda[i], f->variance) / size;

        modes[2 * i] *= factor;
        modes[2 * i + 1] *= factor;
    }
    return SF_OK;
}

/* out = offset + F^-1[gain F(x - mean)] */
static sf_status filter(const sf_field *field, const double *x, double mean, double sigma,
                        gain *of_mode, double offset, double *out)
{
    const size_t size = sf_grid_size(&field->grid);
    filtering f = {field, NULL, sigma * sigma, of_mode};
    sf_status status;

    SF_GO(check_level(sigma));
    SF_GO(sf_field_transform(field, x, mean, &f.modes));
    SF_GO(sf_piece_each(&field->grid, filter_piece, &f));
    SF_GO(sf_fft_inverse_in_place_unscaled(field->fft, f.modes));
    for (size_t i = 0; i < size; i++) out[i] = offset + f.modes[i];
done:
    sf_free(f.modes);
    return status;
}

sf_status sf_field_score(const sf_field *field, const double *x, double sigma, double *out)
{
    return filter(field, x, field->mean, sigma, score_gain, 0.0, out);
}

sf_status sf_field_denoise(const sf_field *field, const double *x, double sigma, double *out)
{
    return filter(field, x, field->mean, sigma, wiener_gain, field->mean, out);
}

sf_status sf_field_pull(const sf_field *field, const double *v, double sigma, double *out)
{
    return filter(field, v, 0.0, sigma, wiener_gain, 0.0, out);
}
