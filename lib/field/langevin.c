/* langevin.c - Langevin moves on a Gaussian field's own law. All of them are linear and diagonal in
 * Fourier space, where a chain stays from its first step to its last:
 *     X' = keep_k X + sqrt(N kick_k) w,    w the modes of white noise, <|w|^2> = 1.
 * The noise of step j is that of the wavevectors under a key of (seed, stream, j), so that a chain
 * can go on where it stopped.
 *
 * Adjusted moves (Roberts & Tweedie 1996, doi:10.2307/3318418): for a Gaussian the ratio of
 * densities and the one of proposals add up to
 *     log a = e/4 sum (|X_k|^2 - |X'_k|^2)/(N lambda_k^2). */
#include "field/field.h"

#include "grid/in_place.h"

#include <math.h>
#include <string.h>

typedef struct chain {
    const sf_field *field;
    const sf_langevin_options *options;
    sf_random random;    /* of (seed, stream) */
    size_t done;         /* steps */
    size_t steps;        /* to be done at a time */
    double *modes;       /* X = F(x - mean) */
    double *proposal;    /* adjusted moves: X' */
    double *log_accepts; /* and the pieces' shares of log a */
} chain;

/* The generator of the chain's step `step`. */
static sf_random random_of(const chain *c, size_t step)
{
    return sf_random_make(sf_random_seed(c->random), c->options->first + step);
}

/* keep and sqrt(kick) of a mode; modes without variance stay where they are. */
static void move_of(const sf_langevin_options *options, double lambda, double *keep, double *kick)
{
    const double e = options->step;

    switch (options->kind) {
    case SF_LANGEVIN_PRECONDITIONED:
        *keep = 1.0 - e;
        *kick = sqrt(2.0 * e * lambda);
        break;
    case SF_LANGEVIN_EXACT:
        *keep = exp(-e);
        *kick = sqrt(-expm1(-2.0 * e) * lambda);
        break;
    case SF_LANGEVIN_PLAIN:
    case SF_LANGEVIN_ADJUSTED:
        *keep = lambda > 0.0 ? 1.0 - e / lambda : 1.0;
        *kick = lambda > 0.0 ? sqrt(2.0 * e) : 0.0;
        break;
    }
    if (!(lambda > 0.0)) *keep = 1.0;
}

/* Steps c->done ... c->done + c->steps - 1 of a piece's modes, which stay in the cache. */
static sf_status move_piece(void *user, sf_piece piece)
{
    const chain *c = user;
    const double root = sqrt(0.5 * (double)sf_grid_size(&c->field->grid)); /* <|w|^2> is 2 here */
    double keep[SF_FIELD_PIECE], kick[SF_FIELD_PIECE], w[2 * SF_FIELD_PIECE];
    double *modes = c->modes + 2 * piece.at;

    SF_TRY(sf_field_lambda(c->field, piece, keep));
    for (size_t i = 0; i < piece.count; i++) {
        move_of(c->options, keep[i], &keep[i], &kick[i]);
        kick[i] *= root;
    }
    for (size_t step = c->done; step < c->done + c->steps; step++) {
        sf_field_white(&c->field->grid, random_of(c, step), piece, w);
        for (size_t i = 0; i < piece.count; i++) {
            modes[2 * i] = keep[i] * modes[2 * i] + kick[i] * w[2 * i];
            modes[2 * i + 1] = keep[i] * modes[2 * i + 1] + kick[i] * w[2 * i + 1];
        }
    }
    return SF_OK;
}

/* The proposal of step c->done, and the piece's share of log a. */
static sf_status propose_piece(void *user, sf_piece piece)
{
    const chain *c = user;
    const sf_grid *grid = &c->field->grid;
    const double *old = c->modes + 2 * piece.at, *new = c->proposal + 2 * piece.at;
    double lambda[SF_FIELD_PIECE], sum = 0.0;
    chain moved = *c;

    moved.modes = c->proposal;
    memcpy(c->proposal + 2 * piece.at, old, 2 * piece.count * sizeof *old);
    SF_TRY(move_piece(&moved, piece));
    SF_TRY(sf_field_lambda(c->field, piece, lambda));
    for (size_t i = 0; i < piece.count; i++) {
        const double before = old[2 * i] * old[2 * i] + old[2 * i + 1] * old[2 * i + 1];
        const double after = new[2 * i] * new[2 * i] + new[2 * i + 1] * new[2 * i + 1];

        if (lambda[i] > 0.0)
            sum += sf_piece_weight(grid, piece, i) * (before - after) / (lambda[i] * lambda[i]);
    }
    c->log_accepts[piece.index] = 0.25 * c->options->step * sum / (double)sf_grid_size(grid);
    return SF_OK;
}

static sf_status adjusted_step(chain *c, bool *accepted)
{
    double log_accept = 0.0, uniform, *modes = c->modes;

    SF_TRY(sf_piece_each(&c->field->grid, propose_piece, c));
    for (size_t i = 0; i < sf_piece_count(&c->field->grid); i++) log_accept += c->log_accepts[i];
    sf_random_uniform(random_of(c, c->done), 0, 0, 1, &uniform);
    *accepted = log(uniform) < log_accept;
    if (*accepted) {
        c->modes = c->proposal;
        c->proposal = modes;
    }
    return SF_OK;
}

/* ---- checks ------------------------------------------------------------------------------- */

typedef struct smallest {
    const sf_field *field;
    double *of_piece;
} smallest;

static sf_status smallest_of_piece(void *user, sf_piece piece)
{
    const smallest *s = user;
    double lambda[SF_FIELD_PIECE], least = INFINITY;

    SF_TRY(sf_field_lambda(s->field, piece, lambda));
    for (size_t i = 0; i < piece.count; i++)
        if (lambda[i] > 0.0 && lambda[i] < least) least = lambda[i];
    s->of_piece[piece.index] = least;
    return SF_OK;
}

/* Twice the smallest variance of a mode that has one. */
static sf_status stable_step(const sf_field *field, double *step)
{
    smallest s = {field, NULL};
    sf_status status;

    *step = INFINITY;
    SF_GO(sf_allocate(&s.of_piece, sf_piece_count(&field->grid), sizeof *s.of_piece));
    SF_GO(sf_piece_each(&field->grid, smallest_of_piece, &s));
    for (size_t i = 0; i < sf_piece_count(&field->grid); i++)
        *step = fmin(*step, 2.0 * s.of_piece[i]);
done:
    sf_free(s.of_piece);
    return status;
}

static sf_status check(const sf_langevin_options *options, double stable)
{
    if (!(options->step > 0.0) || !isfinite(options->step))
        return sf_fail(SF_ERR_ARGUMENT, "a Langevin step of %g; it is positive and finite",
                       options->step);
    if (options->kind == SF_LANGEVIN_PLAIN && options->step >= stable)
        return sf_fail(SF_ERR_ARGUMENT,
                       "a plain Langevin step of %g diverges: it must be below %g, twice the "
                       "smallest variance of a mode; or take a preconditioned or exact one",
                       options->step, stable);
    if (options->kind == SF_LANGEVIN_PRECONDITIONED && options->step >= 2.0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "a preconditioned Langevin step of %g diverges: it must be below 2",
                       options->step);
    return SF_OK;
}

/* ---- chains ------------------------------------------------------------------------------- */

static sf_status run(chain *c, sf_langevin_report *report)
{
    const sf_langevin_options *options = c->options;
    const bool adjusted = options->kind == SF_LANGEVIN_ADJUSTED;

    /* All steps of a piece at once, unless something happens in between. */
    c->steps = adjusted || options->monitor.function != NULL ? 1 : options->steps;
    for (; c->done < options->steps; c->done += c->steps) {
        const sf_monitor_event event = {.stage = "langevin",
                                        .iteration = c->done + c->steps,
                                        .total = options->steps,
                                        .residual = NAN};
        bool accepted = true;

        if (adjusted)
            SF_TRY(adjusted_step(c, &accepted));
        else
            SF_TRY(sf_piece_each(&c->field->grid, move_piece, c));
        report->steps += c->steps;
        report->accepted += accepted ? c->steps : 0;
        if (!sf_monitor_call(&options->monitor, &event)) break;
    }
    return SF_OK;
}

sf_langevin_options sf_langevin_options_default(void)
{
    return (sf_langevin_options){.kind = SF_LANGEVIN_EXACT, .step = 1.0, .steps = 1};
}

sf_status sf_field_langevin(const sf_field *field, const sf_langevin_options *options, double *x,
                            sf_langevin_report *report)
{
    const size_t size = sf_grid_size(&field->grid), room = sf_fft_buffer_size(&field->grid);
    chain c = {.field = field,
               .options = options,
               .random = sf_random_make(options->seed, options->stream)};
    sf_langevin_report own = {.steps = 0};
    sf_status status;

    if (report != NULL) *report = own;
    SF_GO(stable_step(field, &own.stable_step));
    SF_GO(check(options, own.stable_step));
    SF_GO(sf_field_transform(field, x, field->mean, &c.modes));
    if (options->kind == SF_LANGEVIN_ADJUSTED) {
        SF_GO(sf_allocate(&c.proposal, room, sizeof *c.proposal));
        SF_GO(sf_allocate(&c.log_accepts, sf_piece_count(&field->grid), sizeof *c.log_accepts));
    }
    SF_GO(run(&c, &own));
    SF_GO(sf_fft_inverse_in_place(field->fft, c.modes));
    for (size_t i = 0; i < size; i++) x[i] = field->mean + c.modes[i];
    if (report != NULL) *report = own;
done:
    sf_free(c.modes);
    sf_free(c.proposal);
    sf_free(c.log_accepts);
    return status;
}
