/* conditional.c - exact Gaussian draws by perturbing and solving (Papandreou & Yuille 2010; Orieux,
 * Feron & Giovannelli 2012, doi:10.1109/LSP.2012.2189104): with y' = y + sigma e_1 and
 * z' = z + rho e_2 the solution of
 *     (H^T W H + R) x = H^T W y' + R z',   W = (noise/sigma)^2, R = (noise/rho)^2,
 * has the mean of x given y and z, and its covariance noise^2 (H^T W H + R)^-1: whatever solves the
 * system draws from it, also with masks and maps of sigma. */
#include "inverse/conditional.h"

#include "base/internal.h"
#include "inverse/normal.h"
#include "mcmc/chains.h"

#include <complex.h>
#include <math.h>

/* Conjugate gradients stop at this part of the draw's own standard deviation. */
#define ACCURACY 0.02
#define LIMIT    500

/* What one thread works with: the observation with data of its own. */
typedef struct worker {
    sf_observation perturbed; /* a view: `data` and `back` are its own */
    sf_normal *normal;
    double *noise;
} worker;

struct sf_conditional {
    const sf_observation *o;
    size_t cells, batch, workers;
    worker *worker;
    /* of the draw at hand */
    sf_random random;
    uint64_t slot, first;
    double rho, *x;
};

static sf_status create_worker(const sf_observation *o, worker *w)
{
    const size_t cells = sf_grid_size(&o->scene);

    w->perturbed = *o;
    w->perturbed.data = NULL;
    w->perturbed.back = NULL;
    SF_TRY(sf_allocate(&w->perturbed.data, cells, sizeof *w->perturbed.data));
    SF_TRY(
        sf_allocate(&w->perturbed.back, sf_grid_half_size(&o->scene), sizeof *w->perturbed.back));
    SF_TRY(sf_allocate(&w->noise, cells, sizeof *w->noise));
    return sf_normal_create(&w->perturbed, &w->normal);
}

sf_status sf_conditional_create(const sf_observation *observation, size_t batch,
                                sf_conditional **conditional)
{
    const size_t threads = (size_t)sf_thread_count();
    const size_t workers = batch < threads ? batch : threads;
    sf_conditional *c = NULL;
    sf_status status;

    *conditional = NULL;
    SF_GO(sf_allocate(&c, 1, sizeof *c));
    c->o = observation;
    c->cells = sf_grid_size(&observation->scene);
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
    }
    sf_free(c->worker);
    sf_free(c);
}

size_t sf_conditional_iterations(const sf_conditional *c)
{
    size_t sum = 0;

    for (size_t i = 0; i < c->workers; i++) sum += sf_normal_iterations(c->worker[i].normal);
    return sum;
}

/* y' and H^T W y'. */
static sf_status perturb_data(const sf_conditional *c, worker *w)
{
    const sf_observation *o = c->o;
    double *const data = w->perturbed.data, *const noise = w->noise;

    for (size_t i = 0; i < c->cells; i++) {
        const double weight = o->weight[i];
        data[i] = o->data[i] + (weight > 0.0 ? o->noise / sqrt(weight) * noise[i] : 0.0);
        noise[i] = weight * data[i];
    }
    if (o->transfer == NULL) return SF_OK; /* solved cell by cell, from the data */
    SF_TRY(sf_fft_forward(o->fft, noise, w->perturbed.back));
    for (size_t k = 0; k < sf_grid_half_size(&o->scene); k++)
        w->perturbed.back[k] *= conj(o->transfer[k]);
    return SF_OK;
}

static sf_status draw(const sf_conditional *c, worker *w, size_t sample)
{
    /* the conditional's smallest deviation is about noise rho/hypot(noise, rho), and the measure of
     * conjugate gradients counts errors where nothing is observed less by that over rho */
    const sf_normal_goal goal = {.noise_fraction = ACCURACY * fmin(1.0, c->o->noise / c->rho),
                                 .iterations = LIMIT};
    double *const x = c->x + sample * c->cells, *const noise = w->noise;
    const uint64_t sequence = c->first + sample, at = 2 * c->slot * c->cells;

    sf_random_normal(c->random, sequence, at, c->cells, noise);
    SF_TRY(perturb_data(c, w));
    sf_random_normal(c->random, sequence, at + c->cells, c->cells, noise);
    for (size_t i = 0; i < c->cells; i++) noise[i] = x[i] + c->rho * noise[i];
    return sf_normal_update(w->normal, true, noise, &goal, x);
}

/* Samples go round by worker: which one draws does not matter to any bit. */
static sf_status draw_share(void *user, size_t at)
{
    const sf_conditional *c = user;
    const double ratio = c->o->noise / c->rho;

    sf_normal_set_ridge(c->worker[at].normal, ratio * ratio);
    for (size_t sample = at; sample < c->batch; sample += c->workers)
        SF_TRY(draw(c, &c->worker[at], sample));
    return SF_OK;
}

sf_status sf_conditional_draw(sf_conditional *c, double rho, sf_random random, uint64_t slot,
                              uint64_t first, double *x)
{
    c->rho = rho;
    c->random = random;
    c->slot = slot;
    c->first = first;
    c->x = x;
    return sf_items_each(c->workers, draw_share, c);
}
