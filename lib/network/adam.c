/* adam.c - Adam (Kingma & Ba 2015, arXiv:1412.6980), clipping of the gradient's norm (Pascanu et
 * al. 2013), decoupled weight decay, exponential mean of the weights (Polyak & Juditsky 1992). */
#include "network/adam.h"
#include "base/internal.h"

#include <math.h>

#define BETA1   0.9
#define BETA2   0.99
#define EPSILON 1e-8
#define PIECE   ((size_t)4096) /* sums are taken piece by piece, on any number of threads */

sf_status sf_adam_create(size_t count, const float *weights, sf_adam *adam)
{
    sf_status status;

    *adam = (sf_adam){.count = count};
    SF_GO(sf_copy_memory(weights, count, sizeof *weights, &adam->weights));
    SF_GO(sf_copy_memory(weights, count, sizeof *weights, &adam->mean));
    SF_GO(sf_allocate(&adam->first, count, sizeof *adam->first));
    SF_GO(sf_allocate(&adam->second, count, sizeof *adam->second));
done:
    if (status != SF_OK) sf_adam_release(adam);
    return status;
}

void sf_adam_release(sf_adam *adam)
{
    sf_free(adam->weights);
    sf_free(adam->mean);
    sf_free(adam->first);
    sf_free(adam->second);
    *adam = (sf_adam){0};
}

static double norm(const float *x, size_t count)
{
    double total = 0.0;

    for (size_t begin = 0; begin < count; begin += PIECE) {
        const size_t end = count - begin < PIECE ? count : begin + PIECE;
        double sum = 0.0;

        for (size_t i = begin; i < end; i++) sum += (double)x[i] * (double)x[i];
        total += sum;
    }
    return sqrt(total);
}

double sf_adam_update(sf_adam *adam, const sf_adam_step *step, const float *gradient)
{
    const double length = norm(gradient, adam->count);
    const double n = (double)step->number;
    const double correction1 = 1.0 - pow(BETA1, n), correction2 = 1.0 - pow(BETA2, n);
    const float scale =
        (float)(step->clip > 0.0 && length > step->clip ? step->clip / length : 1.0);
    const float rate = (float)(step->rate * sqrt(correction2) / correction1);
    const float epsilon = (float)(EPSILON * sqrt(correction2));
    const float keep = (float)(1.0 - step->rate * step->weight_decay);
    const float follow = (float)(1.0 - fmin(step->ema, (1.0 + n) / (10.0 + n)));
    const float beta1 = (float)BETA1, beta2 = (float)BETA2;

    if (!isfinite(length)) return length;
    for (size_t i = 0; i < adam->count; i++) {
        const float g = scale * gradient[i];
        const float m = adam->first[i] = beta1 * adam->first[i] + (1.0F - beta1) * g;
        const float v = adam->second[i] = beta2 * adam->second[i] + (1.0F - beta2) * g * g;

        adam->weights[i] = keep * adam->weights[i] - rate * m / (sqrtf(v) + epsilon);
        adam->mean[i] += follow * (adam->weights[i] - adam->mean[i]);
    }
    return length;
}
