/* own_prior.c - a prior of your own, in twenty lines, used like the library's own.
 *
 * A starry sky: most pixels are empty, a few hold a star, x_0 = 0 with probability 1 - Q, else
 * x_0 ~ N(0, S^2). What is the best guess of x_0 when x = x_0 + sigma n has been seen? The mean of
 * the posterior, which is a line of algebra. That denoiser is all that scorefield needs: the score
 * comes from it by Tweedie's formula, the proximal step by plug and play. */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define Q      0.05 /* fraction of pixels with a star */
#define S      10.0 /* brightness of the stars */
#define SIDE   64
#define PIXELS ((size_t)SIDE * SIDE)

/* ---- the prior ------------------------------------------------------------------------- */

/* E[x_0 | x] = (probability that there is a star) times (x shrunk by the star's Wiener gain). */
static sf_status stars_denoise(const void *self, size_t batch, const double *x, double sigma,
                               double *out)
{
    const double noise = sigma * sigma, total = S * S + noise, gain = S * S / total;

    (void)self; /* your own data; this prior needs none */
    for (size_t i = 0; i < batch * PIXELS; i++) {
        /* odds of an empty pixel against a star */
        const double odds = (1.0 - Q) / Q * sqrt(total / noise) *
                            exp(0.5 * x[i] * x[i] * (1.0 / total - 1.0 / noise));
        out[i] = gain * x[i] / (1.0 + odds);
    }
    return SF_OK;
}

static const sf_prior_methods stars = {.name = "starry sky", .denoise = stars_denoise};

/* ---- its use --------------------------------------------------------------------------- */

static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "%s: %s\n", sf_status_name(status), sf_last_error());
    exit(EXIT_FAILURE);
}

static double rms_error(const double *x, const double *truth)
{
    double sum = 0.0;

    for (size_t i = 0; i < PIXELS; i++) sum += (x[i] - truth[i]) * (x[i] - truth[i]);
    return sqrt(sum / (double)PIXELS);
}

int main(void)
{
    static double truth[PIXELS], chance[PIXELS], seen[PIXELS], denoised[PIXELS], score[PIXELS];
    const sf_random random = sf_random_make(2026, 0);
    const double sigma = 2.0;
    sf_prior *prior;
    sf_grid grid;

    check(sf_grid_image(SIDE, SIDE, &grid));
    check(sf_prior_create(&stars, NULL, &grid, &prior));

    /* a sky that follows the prior, and a noisy picture of it */
    sf_random_uniform(random, 0, 0, PIXELS, chance);
    sf_random_normal(random, 1, 0, PIXELS, truth);
    sf_random_normal(random, 2, 0, PIXELS, seen);
    for (size_t i = 0; i < PIXELS; i++) {
        truth[i] = chance[i] < Q ? S * truth[i] : 0.0;
        seen[i] = truth[i] + sigma * seen[i];
    }

    check(sf_prior_denoise(prior, 1, seen, sigma, denoised));
    check(sf_prior_score(prior, 1, seen, sigma, score)); /* for nothing: by Tweedie */

    /* The best that any linear filter can do with white noise on white stars is one gain. */
    const double power = Q * S * S, wiener = sqrt(power * sigma * sigma / (power + sigma * sigma));
    const double error = rms_error(denoised, truth);
    printf("noise %.2f, best linear filter %.2f, this prior %.2f\n", sigma, wiener, error);
    printf("pixel 0: x = %.3f, D(x) = %.3f, x + sigma^2 score = %.3f\n", seen[0], denoised[0],
           seen[0] + sigma * sigma * score[0]);
    sf_prior_release(&prior);
    return error < 0.8 * wiener ? EXIT_SUCCESS : EXIT_FAILURE;
}
