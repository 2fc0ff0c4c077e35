/* noise.c - noise of samples, and the process run forwards with it. */
#include "diffusion/noise.h"

#include "base/internal.h"

#include <scorefield/diffusion.h>

#include <math.h>
#include <string.h>

enum { PIECE = 512 }; /* numbers made at a time: they stay in the first cache */

void sf_noise_mix(sf_random random, uint64_t slot, uint64_t first, size_t batch, size_t size,
                  double a, double b, double *x)
{
    const size_t pieces = (size + PIECE - 1) / PIECE;

#pragma omp parallel for num_threads(sf_thread_count()) if (batch * pieces > 8)
    for (size_t job = 0; job < batch * pieces; job++) {
        const size_t sample = job / pieces, begin = job % pieces * PIECE;
        const size_t count = size - begin < PIECE ? size - begin : PIECE;
        double noise[PIECE], *row = x + sample * size + begin;

        sf_random_normal(random, first + sample, slot * size + begin, count, noise);
        for (size_t i = 0; i < count; i++) row[i] = a * row[i] + b * noise[i];
    }
}

sf_status sf_diffusion_noise(const sf_diffusion *diffusion, double t, uint64_t seed,
                             uint64_t stream, uint64_t first, size_t batch, size_t size,
                             const double *x0, double *x)
{
    sf_marginal m;

    SF_TRY(sf_diffusion_at(diffusion, t, &m));
    if (x != x0) memcpy(x, x0, batch * size * sizeof *x);
    sf_noise_mix(sf_random_make(seed, stream), 0, first, batch, size, m.alpha, m.sigma, x);
    return SF_OK;
}

sf_status sf_diffusion_forward(const sf_diffusion *diffusion, double from, double to, uint64_t seed,
                               uint64_t stream, uint64_t step, uint64_t first, size_t batch,
                               size_t size, double *x)
{
    sf_marginal m, next;
    double ratio;

    SF_TRY(sf_diffusion_at(diffusion, from, &m));
    SF_TRY(sf_diffusion_at(diffusion, to, &next));
    if (!(to >= from))
        return sf_fail(SF_ERR_ARGUMENT, "forwards in time from %g to %g, which is earlier", from,
                       to);
    ratio = m.level / next.level;
    sf_noise_mix(sf_random_make(seed, stream), step, first, batch, size, next.alpha / m.alpha,
                 next.sigma * sqrt(fmax((1.0 - ratio) * (1.0 + ratio), 0.0)), x);
    return SF_OK;
}
