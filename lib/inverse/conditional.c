/* conditional.c - exact Gaussian draws of x given z and y, with W = (noise/sigma)^2, w its largest
 * value and t = (rho/noise)^2.
 *
 * Where t w |H|^2 <= 1: x has the mean z + t H^T W (y - H z) and the covariance
 *     rho^2 (1 - t H^T W H) = rho^2 [(1 - t w H^T H) + t H^T (w - W) H],
 * of whose two parts one is diagonal in Fourier space and the other one in pixels (Marnissi et al.
 * 2018, doi:10.3390/e20020110, whose auxiliary variable this is). Five transforms.
 *
 * Beyond, by perturbing and solving (Papandreou & Yuille 2010; Orieux, Feron & Giovannelli 2012,
 * doi:10.1109/LSP.2012.2189104): with y' = y + sigma e_1 and z' = z + rho e_2 the solution of
 *     (H^T W H + R) x = H^T W y' + R z',   R = 1/t,
 * has the mean of x given y and z, and its covariance noise^2 (H^T W H + R)^-1: whatever solves the
 * system draws from it, also with masks and maps of sigma. */
#include "inverse/conditional.h"

#include "base/internal.h"
#include "inverse/normal.h"
#include "mcmc/chains.h"

#include <complex.h>
#include <gsl/gsl_math.h>
#include <math.h>

/* Conjugate gradients stop at this part of the draw's own standard deviation. */
#define ACCURACY 0.02
#define LIMIT    500

/* What one thread works with: the observation with data of its own. */
typedef struct worker {
    sf_observation perturbed; /* a view: `data` and `back` are its own */
    sf_normal *normal;
    double *noise;
    sf_complex *modes; /* of the noise, and as many to work with */
} worker;

struct sf_conditional {
    const sf_observation *o;
    size_t cells, values, half, batch, workers;
    worker *worker;
    double heaviest; /* w */
    double limit;    /* the largest rho with t w |H|^2 <= 1 */
    /* of the draw at hand */
    sf_random random;
    uint64_t slot, first;
    double rho, added, *x;
};

static sf_status create_worker(const sf_observation *o, worker *w)
{
    w->perturbed = *o;
    w->perturbed.data = NULL;
    w->perturbed.back = NULL;
    SF_TRY(sf_allocate(&w->perturbed.data, o->values, sizeof *w->perturbed.data));
    SF_TRY(
        sf_allocate(&w->perturbed.back, sf_grid_half_size(&o->scene), sizeof *w->perturbed.back));
    SF_TRY(sf_allocate(&w->noise, o->values, sizeof *w->noise));
    SF_TRY(sf_allocate(&w->modes, 2 * sf_grid_half_size(&o->scene), sizeof *w->modes));
    return sf_normal_create(&w->perturbed, &w->normal);
}

static void find_limit(sf_conditional *c)
{
    double strongest = 0.0;

    for (size_t i = 0; i < c->values; i++) c->heaviest = fmax(c->heaviest, c->o->weight[i]);
    for (size_t k = 0; k < c->half; k++) strongest = fmax(strongest, sf_observation_power(c->o, k));
    c->limit = c->o->noise / sqrt(c->heaviest * strongest);
}

sf_status sf_conditional_create(const sf_observation *observation, size_t batch,
                                sf_conditional **conditional)
{
    const size_t threads = (size_t)sf_thread_count();
    const size_t workers = batch < threads ? batch : threads;
    sf_conditional *c = NULL;
    sf_status status;

    *conditional = NULL;
    if (sf_observation_varies(observation))
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "split Gibbs sampling is for a PSF that is the same over the frame: sample "
                       "by a diffusion, or take one PSF");
    SF_GO(sf_allocate(&c, 1, sizeof *c));
    c->o = observation;
    c->cells = sf_grid_size(&observation->scene);
    c->values = observation->values;
    c->half = sf_grid_half_size(&observation->scene);
    find_limit(c);
    c->batch = batch;
    SF_GO(sf_allocate(&c->worker, workers, sizeof *c->worker));
    c->workers = workers;
    for (size_t i = 0; i < workers; i++) SF_GO(create_worker(observation, &c->worker[i]));
    *conditional = c;
    return SF_OK;
done:
    sf_conditional_release(&c);
    return status;
}

void sf_conditional_release(sf_conditional **conditional)
{
    sf_conditional *c = *conditional;

    if (c == NULL) return;
    *conditional = NULL;
    for (size_t i = 0; i < c->workers; i++) {
        sf_normal_release(&c->worker[i].normal);
        sf_free(c->worker[i].perturbed.data);
        sf_free(c->worker[i].perturbed.back);
        sf_free(c->worker[i].noise);
        sf_free(c->worker[i].modes);
    }
    sf_free(c->worker);
    sf_free(c);
}

double sf_conditional_limit(const sf_conditional *c) { return c->limit; }

size_t sf_conditional_iterations(const sf_conditional *c)
{
    size_t sum = 0;

    for (size_t i = 0; i < c->workers; i++) sum += sf_normal_iterations(c->worker[i].normal);
    return sum;
}

/* noise <- rho H e_0 of a sample: what data of that much noise have more than these. */
static sf_status blur_spare(const sf_conditional *c, worker *w, uint64_t sequence)
{
    const sf_observation *o = c->o;

    sf_random_normal(c->random, sequence, 0, c->cells, w->noise);
    SF_TRY(sf_fft_forward(o->fft, w->noise, w->modes));
    for (size_t k = 0; k < c->half; k++) w->modes[k] *= c->added;
    return sf_observation_see(o, w->modes, w->modes + c->half, w->noise);
}

/* y' and H^T W y'. */
static sf_status perturb_data(const sf_conditional *c, worker *w, uint64_t sequence, uint64_t at)
{
    const sf_observation *o = c->o;
    double *const data = w->perturbed.data, *const noise = w->noise;

    SF_TRY(blur_spare(c, w, sequence));
    for (size_t i = 0; i < c->values; i++) data[i] = o->data[i] + noise[i];
    sf_random_normal(c->random, sequence, at, c->values, noise);
    for (size_t i = 0; i < c->values; i++) {
        const double weight = o->weight[i];
        data[i] = weight > 0.0 ? data[i] + o->noise / sqrt(weight) * noise[i] : 0.0;
        noise[i] = weight * data[i];
    }
    if (sf_observation_is_plain(o)) return SF_OK; /* solved cell by cell, from the data */
    return sf_observation_return(o, noise, w->modes, w->perturbed.back);
}

/* By perturbing and solving; the numbers from `at` on. */
static sf_status solve(const sf_conditional *c, worker *w, uint64_t sequence, uint64_t at,
                       double *x)
{
    /* the conditional's smallest deviation is about noise rho/hypot(noise, rho), and the measure of
     * conjugate gradients counts errors where nothing is observed less by that over rho */
    const sf_normal_goal goal = {.noise_fraction = ACCURACY * fmin(1.0, c->o->noise / c->rho),
                                 .iterations = LIMIT};
    double *const noise = w->noise;

    SF_TRY(perturb_data(c, w, sequence, at));
    sf_random_normal(c->random, sequence, at + c->values, c->cells, noise);
    for (size_t i = 0; i < c->cells; i++) noise[i] = x[i] + c->rho * noise[i];
    return sf_normal_update(w->normal, true, noise, &goal, x);
}

/* By the two parts of the covariance. */
static sf_status step(const sf_conditional *c, worker *w, uint64_t sequence, uint64_t at, double *x)
{
    const sf_observation *o = c->o;
    const double t = gsl_pow_2(c->rho / o->noise);
    sf_complex *const modes = w->modes, *const back = w->perturbed.back;
    double *const field = w->perturbed.data, *const noise = w->noise;

    SF_TRY(sf_fft_forward(o->fft, x, modes));
    SF_TRY(sf_observation_see(o, modes, modes + c->half, field));
    sf_random_normal(c->random, sequence, at, c->values, noise);
    for (size_t i = 0; i < c->values; i++)
        field[i] = t * o->weight[i] * (o->data[i] - field[i]) +
                   c->rho * sqrt(t * (c->heaviest - o->weight[i])) * noise[i];
    SF_TRY(sf_observation_return(o, field, modes, back));
    sf_random_normal(c->random, sequence, at + c->values, c->cells, noise);
    SF_TRY(sf_fft_forward(o->fft, noise, modes));
    for (size_t k = 0; k < c->half; k++) {
        const double left = fmax(1.0 - t * c->heaviest * sf_observation_power(o, k), 0.0);
        back[k] += c->rho * sqrt(left) * modes[k];
    }
    SF_TRY(sf_fft_inverse(o->fft, back, field));
    for (size_t i = 0; i < c->cells; i++) x[i] += field[i];
    return SF_OK;
}

/* Samples go round by worker: which one draws does not matter to any bit. */
static sf_status draw_share(void *user, size_t at)
{
    const sf_conditional *c = user;
    worker *w = &c->worker[at];

    sf_normal_set_ridge(w->normal, gsl_pow_2(c->o->noise / c->rho));
    for (size_t sample = at; sample < c->batch; sample += c->workers)
        SF_TRY((c->rho <= c->limit ? step : solve)(
            c, w, c->first + sample, (2 * c->slot + 1) * c->values, c->x + sample * c->cells));
    return SF_OK;
}

sf_status sf_conditional_draw(sf_conditional *c, double rho, double added, sf_random random,
                              uint64_t slot, uint64_t first, double *x)
{
    c->rho = rho;
    c->added = added;
    c->random = random;
    c->slot = slot;
    c->first = first;
    c->x = x;
    return sf_items_each(c->workers, draw_share, c);
}
