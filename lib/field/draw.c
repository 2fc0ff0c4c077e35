/* draw.c - exact draws of a Gaussian field: X_k = sqrt(N lambda_k/2) (a + ib) with a, b ~ N(0, 1),
 * real modes sqrt(N lambda_k) a, written straight into the buffer of a transform in place.
 *
 * The numbers a, b of a mode are those of its integer wavevector (m_1 ... m_d): numbers 2 m_d and
 * 2 m_d + 1 of the sequence that (m_1 ... m_{d-1}) names. So the grid's shape does not enter. On
 * the planes m_d = 0 and n_d/2 both modes of a conjugate pair are stored: the one whose first m_i
 * other than 0 and n_i/2 is positive has the numbers, the other one is set to its conjugate. */
#include "field/field.h"

#include "grid/in_place.h"

#include <math.h>
#include <string.h>

/* ---- white noise ------------------------------------------------------------------------- */

/* m_1 ... m_{d-1} as one number, the same for every shape. */
static uint64_t sequence_of(const sf_grid *grid, const long *m)
{
    const int bits = grid->axes <= 2 ? 63 : 64 / (grid->axes - 1);
    uint64_t sequence = 0;

    for (int a = 0; a + 1 < grid->axes; a++)
        sequence = sequence << bits | ((uint64_t)m[a] & (((uint64_t)1 << bits) - 1));
    return sequence;
}

/* The mode m_last of row m, where both modes of each conjugate pair are stored. */
static void complete_pair(const sf_grid *grid, sf_random random, const long *m, size_t m_last,
                          double *w)
{
    long partner[SF_GRID_MAX_AXES] = {0};
    long sign = 0; /* of the first m_i that differs from its partner's */

    for (int a = 0; a + 1 < grid->axes; a++) {
        const bool own = m[a] == 0 || 2 * m[a] == (long)grid->shape[a];

        partner[a] = own ? m[a] : -m[a];
        if (!own && sign == 0) sign = m[a];
    }
    if (sign == 0) {
        w[0] *= sqrt(2.0);
        w[1] = 0.0;
    } else if (sign < 0) {
        sf_random_normal(random, sequence_of(grid, partner), 2 * m_last, 2, w);
        w[1] = -w[1];
    }
}

void sf_field_white(const sf_grid *grid, sf_random random, sf_piece piece, double *w)
{
    const size_t n = grid->shape[grid->axes - 1];

    sf_random_normal(random, sequence_of(grid, piece.m), 2 * piece.first, 2 * piece.count, w);
    if (piece.first == 0) complete_pair(grid, random, piece.m, 0, w);
    if (n % 2 == 0 && piece.first + piece.count == n / 2 + 1)
        complete_pair(grid, random, piece.m, n / 2, w + 2 * (piece.count - 1));
}

/* ---- modes ------------------------------------------------------------------------------- */

/* Where modes go, and in which precision. */
typedef struct target {
    double *values; /* or */
    float *single;
} target;

/* What turns white noise into the field's modes. */
typedef struct colouring {
    const sf_field *field;
    const sf_field_draw_options *options;
    sf_random random;
    double length; /* root mean square of white modes */
    double factor; /* X = factor sqrt(lambda) w */
    double zero;   /* what the mean adds to X_0 */
    target to;
} colouring;

/* The modes' phases alone: |w| = length. A mode without phase has phase 0. */
static void fix_lengths(double length, size_t count, double *w)
{
    for (size_t i = 0; i < count; i++) {
        const double own = hypot(w[2 * i], w[2 * i + 1]);

        w[2 * i] = own > 0.0 ? length * (w[2 * i] / own) : length;
        w[2 * i + 1] = own > 0.0 ? length * (w[2 * i + 1] / own) : 0.0;
    }
}

/* White noise that lies in the target. */
static void load(target from, sf_piece piece, double *w)
{
    for (size_t i = 0; i < 2 * piece.count; i++)
        w[i] = from.single != NULL ? (double)from.single[2 * piece.at + i]
                                   : from.values[2 * piece.at + i];
}

/* gain .* w */
static void store(const double *gain, const double *w, sf_piece piece, target to)
{
    if (to.single != NULL)
        for (size_t i = 0; i < piece.count; i++) {
            to.single[2 * (piece.at + i)] = (float)(gain[i] * w[2 * i]);
            to.single[2 * (piece.at + i) + 1] = (float)(gain[i] * w[2 * i + 1]);
        }
    else
        for (size_t i = 0; i < piece.count; i++) {
            to.values[2 * (piece.at + i)] = gain[i] * w[2 * i];
            to.values[2 * (piece.at + i) + 1] = gain[i] * w[2 * i + 1];
        }
}

/* One piece of the target: new white noise or the one that lies there, then its colour. */
static sf_status fill_piece(void *user, sf_piece piece)
{
    const colouring *c = user;
    double gain[SF_FIELD_PIECE], w[2 * SF_FIELD_PIECE], zero;

    if (piece.count == 0) return SF_OK;
    SF_TRY(sf_field_roots(c->field, piece, gain));
    for (size_t i = 0; i < piece.count; i++) gain[i] *= c->factor;
    if (c->options->white == NULL)
        sf_field_white(&c->field->grid, c->random, piece, w);
    else
        load(c->to, piece, w);
    if (c->options->fixed) fix_lengths(c->length, piece.count, w);
    store(gain, w, piece, c->to);
    if (piece.at > 0) return SF_OK;
    zero = gain[0] * w[0] + c->zero;
    if (c->to.single != NULL)
        c->to.single[0] = (float)zero;
    else
        c->to.values[0] = zero;
    return SF_OK;
}

/* The whole half spectrum, times `factor`. White noise that is given lies there transformed. */
static sf_status fill(const sf_field *field, const sf_field_draw_options *options, double factor,
                      target to)
{
    const double size = (double)sf_grid_size(&field->grid);
    const double length = sqrt(options->white != NULL ? size : 2.0);
    colouring c = {
        .field = field,
        .options = options,
        .random = sf_random_make(options->seed, options->stream),
        .length = length,
        .factor = factor * (options->inverted ? -1.0 : 1.0) * sqrt(size) / length,
        .zero = factor * size * field->mean,
        .to = to,
    };

    return sf_piece_each(&field->grid, fill_piece, &c);
}

/* ---- draws ------------------------------------------------------------------------------- */

sf_field_draw_options sf_field_draw_options_default(void)
{
    return (sf_field_draw_options){.seed = 0, .white = NULL};
}

/* Puts the white noise that the options give, if they do, into the buffer, and transforms it. */
static sf_status place_white(const sf_field *field, const double *white, target to)
{
    const size_t size = sf_grid_size(&field->grid);

    if (white == NULL) return SF_OK;
    SF_TRY(sf_check_finite(white, size, "white noise for a field"));
    if (to.values != NULL) {
        memcpy(to.values, white, size * sizeof *white);
        return sf_fft_forward_in_place(field->fft, to.values);
    }
    for (size_t i = 0; i < size; i++) to.single[i] = (float)white[i];
    return sf_fft_forward_in_place_single(field->fft, to.single);
}

static sf_status draw(const sf_field *field, const sf_field_draw_options *options, double factor,
                      target to)
{
    const sf_field_draw_options defaults = sf_field_draw_options_default();

    if (options == NULL) options = &defaults;
    if (to.values == NULL && to.single == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "a draw needs a buffer of sf_fft_buffer_size values");
    SF_TRY(place_white(field, options->white, to));
    return fill(field, options, factor, to);
}

sf_status sf_field_draw(const sf_field *field, const sf_field_draw_options *options, double *buffer)
{
    SF_TRY(
        draw(field, options, 1.0 / (double)sf_grid_size(&field->grid), (target){.values = buffer}));
    return sf_fft_inverse_in_place_unscaled(field->fft, buffer);
}

sf_status sf_field_draw_single(const sf_field *field, const sf_field_draw_options *options,
                               float *buffer)
{
    SF_TRY(
        draw(field, options, 1.0 / (double)sf_grid_size(&field->grid), (target){.single = buffer}));
    return sf_fft_inverse_in_place_unscaled_single(field->fft, buffer);
}

sf_status sf_field_draw_modes(const sf_field *field, const sf_field_draw_options *options,
                              sf_complex *modes)
{
    return draw(field, options, 1.0, (target){.values = (double *)(void *)modes});
}
