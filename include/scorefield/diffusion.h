/* scorefield/diffusion.h - diffusions x_t = alpha(t) x_0 + sigma(t) n, n ~ N(0, I), and what runs
 * them backwards through the score of any prior: samples, likelihoods, latent codes.
 *
 * Conventions: dx = f(t) x dt + g(t) dw, so that dx = sqrt(beta) dw has g^2 = beta. Backwards in
 * time dx = (f x - g^2 s) dt + g dw, and with the same marginals, without noise, the probability
 * flow dx/dt = f x - g^2 s/2 (Anderson 1982; Song et al. 2021, arXiv:2011.13456). A prior knows
 * x_0 + u n: at time t it is asked about x_t/alpha at the level u = sigma/alpha. */
#ifndef SCOREFIELD_DIFFUSION_H
#define SCOREFIELD_DIFFUSION_H

#include <scorefield/prior.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- processes ----------------------------------------------------------------------------- */

typedef enum sf_diffusion_kind {
    SF_DIFFUSION_GEOMETRIC, /* variance exploding: alpha = 1, sigma = low (high/low)^t */
    SF_DIFFUSION_POWER,     /* alpha = 1, sigma^(1/rho) linear in t from low to high */
    SF_DIFFUSION_EDM,       /* alpha = 1, sigma = t (Karras et al. 2022, arXiv:2206.00364) */
    SF_DIFFUSION_VP,        /* variance preserving: B = int_0^t beta, beta = low + t (high - low),
                               alpha = exp(-B/2), sigma^2 = 1 - alpha^2, g^2 = beta */
    SF_DIFFUSION_SUB_VP,    /* the same alpha, sigma = 1 - alpha^2, g^2 = beta (1 - exp(-2 B)) */
    SF_DIFFUSION_COSINE,    /* alpha = cos(a)/cos(a_0), a = pi/2 (t + s)/(1 + s), sigma^2 =
                               1 - alpha^2 (Nichol & Dhariwal 2021, arXiv:2102.09672) */
    SF_DIFFUSION_DDPM       /* alpha^2 = a table's entry at t = 1, 2, ..., sigma^2 = 1 - alpha^2;
                               log-SNR linear between them (Ho et al. 2020, arXiv:2006.11239) */
} sf_diffusion_kind;

/* A small value type; make it with one of the functions below so that it has been checked. The
 * range of t may be narrowed afterwards: a sampler goes from `end` to `start`. */
typedef struct sf_diffusion {
    sf_diffusion_kind kind;
    double low, high; /* sigma or beta */
    double shape;     /* rho, or s of the cosine */
    double start, end;
    const double *alpha_bar; /* DDPM: `count` values alpha^2, the caller's */
    size_t count;
} sf_diffusion;

/* SF_ERR_ARGUMENT unless 0 < low < high (VP: 0 <= low), rho > 0 and the numbers are finite. */
SF_API sf_status sf_diffusion_geometric(double low, double high, sf_diffusion *diffusion);
SF_API sf_status sf_diffusion_power(double low, double high, double rho, sf_diffusion *diffusion);
SF_API sf_status sf_diffusion_edm(double low, double high, sf_diffusion *diffusion);
/* t from `start` to 1; 0.1, 20 and 1e-5 are usual: u from about 0.001 to 152. */
SF_API sf_status sf_diffusion_vp(double low, double high, double start, sf_diffusion *diffusion);
SF_API sf_status sf_diffusion_sub_vp(double low, double high, double start,
                                     sf_diffusion *diffusion);
/* 0 < start < end < 1, as alpha(1) = 0; s = 0.008 is usual. */
SF_API sf_status sf_diffusion_cosine(double s, double start, double end, sf_diffusion *diffusion);
/* alpha_bar: `count` >= 2 falling values in (0, 1), kept by the caller as long as the diffusion. */
SF_API sf_status sf_diffusion_ddpm(size_t count, const double *alpha_bar, sf_diffusion *diffusion);
/* Tables of alpha_bar_t = prod (1 - beta): beta linear from 0.1/count to 20/count (1e-4 to 0.02 for
 * a thousand), or the cosine of s = 0.008 with beta <= 0.999. count >= 21. */
SF_API sf_status sf_ddpm_linear(size_t count, double *alpha_bar);
SF_API sf_status sf_ddpm_cosine(size_t count, double *alpha_bar);

/* What there is to know at a time. log_snr = log(alpha^2/sigma^2); g2 = -sigma^2 d log_snr/dt. */
typedef struct sf_marginal {
    double alpha, sigma, level; /* level: u = sigma/alpha */
    double log_snr;
    double f, g2;
} sf_marginal;
/* SF_ERR_ARGUMENT for a time outside of [start, end]. */
SF_API sf_status sf_diffusion_at(const sf_diffusion *diffusion, double t, sf_marginal *marginal);
/* The time of a level u = sigma/alpha = exp(-log_snr/2): in closed form, for every kind.
 * SF_ERR_ARGUMENT for one outside of the range of t. */
SF_API sf_status sf_diffusion_time(const sf_diffusion *diffusion, double level, double *t);

typedef enum sf_time_spacing {
    SF_TIMES_UNIFORM, /* in t */
    SF_TIMES_RHO,     /* in u^(1/rho) (Karras et al. 2022, eq. 5: rho = 7) */
    SF_TIMES_LOG_SNR  /* in log u */
} sf_time_spacing;
/* `steps` + 1 falling times, `end` first and `start` last. rho is for SF_TIMES_RHO alone. */
SF_API sf_status sf_diffusion_times(const sf_diffusion *diffusion, sf_time_spacing spacing,
                                    double rho, size_t steps, double *times);

/* What networks predict of x_t: each determines the others. */
typedef enum sf_quantity {
    SF_QUANTITY_CLEAN,   /* E[x_0 | x_t] */
    SF_QUANTITY_NOISE,   /* E[n | x_t] = (x_t - alpha E[x_0])/sigma */
    SF_QUANTITY_SCORE,   /* grad log p_t(x_t) = -E[n]/sigma */
    SF_QUANTITY_VELOCITY /* alpha E[n] - sigma E[x_0] (Salimans & Ho 2022, arXiv:2202.00512) */
} sf_quantity;
/* `count` values; out may be in. */
SF_API sf_status sf_quantity_convert(const sf_marginal *marginal, sf_quantity from, sf_quantity to,
                                     size_t count, const double *x, const double *in, double *out);

/* x_t = alpha x_0 + sigma n for samples first ... first + batch - 1 of `size` values each; sample i
 * has sequence i of the generator (seed, stream). x may be x0. */
SF_API sf_status sf_diffusion_noise(const sf_diffusion *diffusion, double t, uint64_t seed,
                                    uint64_t stream, uint64_t first, size_t batch, size_t size,
                                    const double *x0, double *x);
/* From x_t on to a later time, in place: x <- a x + sqrt(sigma'^2 - a^2 sigma^2) n with
 * a = alpha'/alpha, exact for any distance. `step` addresses the numbers: 1, 2, ..., for the noise
 * above has those of 0. */
SF_API sf_status sf_diffusion_forward(const sf_diffusion *diffusion, double from, double to,
                                      uint64_t seed, uint64_t stream, uint64_t step, uint64_t first,
                                      size_t batch, size_t size, double *x);

#ifdef __cplusplus
}
#endif
#endif
