/* network.c - a learned denoiser as a prior. The compiled network has one arena, so the calls on
 * one handle take turns. */
#include "base/internal.h"

#include <scorefield/prior.h>

#include <pthread.h>

typedef struct network {
    size_t size;
    sf_inference *inference;
    pthread_mutex_t *turn;
} network;

static sf_status network_denoise(const void *self, size_t batch, const double *x, double sigma,
                                 double *out)
{
    const network *n = self;
    sf_status status = SF_OK;

    (void)pthread_mutex_lock(n->turn);
    for (size_t b = 0; b < batch && status == SF_OK; b++)
        status = sf_inference_denoise(n->inference, x + b * n->size, sigma, out + b * n->size);
    (void)pthread_mutex_unlock(n->turn);
    return status;
}

static sf_status network_pull(const void *self, size_t batch, const double *x, double sigma,
                              const double *v, double *denoised, double *out)
{
    const network *n = self;
    sf_status status = SF_OK;

    (void)pthread_mutex_lock(n->turn);
    for (size_t b = 0; b < batch && status == SF_OK; b++)
        status =
            sf_inference_pull(n->inference, x + b * n->size, sigma, v + b * n->size,
                              denoised != NULL ? denoised + b * n->size : NULL, out + b * n->size);
    (void)pthread_mutex_unlock(n->turn);
    return status;
}

static void network_destroy(void *self)
{
    network *n = self;

    sf_inference_release(&n->inference);
    if (n->turn != NULL) (void)pthread_mutex_destroy(n->turn);
    sf_free(n->turn);
    sf_free(n);
}

static const sf_prior_methods network_methods = {
    .name = "network",
    .denoise = network_denoise,
    .pull = network_pull,
    .destroy = network_destroy,
};

static sf_status create_turn(pthread_mutex_t **turn)
{
    SF_TRY(sf_allocate(turn, 1, sizeof **turn));
    if (pthread_mutex_init(*turn, NULL) == 0) return SF_OK;
    sf_free(*turn);
    *turn = NULL;
    return sf_fail(SF_ERR_MEMORY, "no resources for a mutex");
}

sf_status sf_prior_network_conditioned(const sf_grid *grid, sf_model *model,
                                       const double *condition, sf_prior **prior)
{
    network *self;
    sf_status status;

    *prior = NULL;
    if (grid->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "a network denoises images of two axes, this grid has %d",
                       grid->axes);
    SF_TRY(sf_allocate(&self, 1, sizeof *self));
    self->size = sf_grid_size(grid);
    SF_GO(create_turn(&self->turn));
    SF_GO(sf_inference_create(model, grid->shape[0], grid->shape[1], &self->inference));
    SF_GO(sf_inference_condition(self->inference, condition));
    return sf_prior_create(&network_methods, self, grid, prior);
done:
    network_destroy(self);
    return status;
}

sf_status sf_prior_network(const sf_grid *grid, sf_model *model, sf_prior **prior)
{
    return sf_prior_network_conditioned(grid, model, NULL, prior);
}
