/* scorefield/diffusion.h - diffusions x_t = alpha(t) x_0 + sigma(t) n, n ~ N(0, I), and what runs
 * them backwards through the score of any prior: samples, likelihoods, latent codes; and what many
 * samples say.
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

/* ---- samples ------------------------------------------------------------------------------- */

/* From t to s < t, with h = t - s, a = alpha_t/alpha_s, G^2 = sigma_t^2 - a^2 sigma_s^2, the clean
 * image D = E[x_0 | x_t], n the noise (x_t - alpha_t D)/sigma_t and e ~ N(0, I). All but Heun's
 * (two) and the adaptive flow cost one evaluation of the prior a step. */
typedef enum sf_predictor {
    SF_PREDICTOR_EULER_MARUYAMA,    /* x - h (f x - g^2 score) + g sqrt(h) e: order 1 */
    SF_PREDICTOR_REVERSE_DIFFUSION, /* (2 - a) x + G^2 score + G e: order 1 (Song et al. 2021,
                                       appendix E) */
    SF_PREDICTOR_ANCESTRAL,         /* a draw of q(x_s | x_t, x_0 = D): order 1 (Ho et al. 2020) */
    SF_PREDICTOR_DDIM,          /* alpha_s D + sqrt(sigma_s^2 - c^2) n + c e, c = eta (G/sigma_t)
                                   sigma_s: eta = 1 is ancestral, 0 a flow; order 1 (Song, Meng &
                                   Ermon 2021, arXiv:2010.02502) */
    SF_PREDICTOR_FLOW_EULER,    /* x - h (f x - g^2 score/2): order 1 */
    SF_PREDICTOR_FLOW_HEUN,     /* the trapezium rule for x/alpha as a function of u = sigma/alpha,
                                   d(x/alpha)/du = n, with churn: order 2 (Karras et al. 2022,
                                   algorithm 2) */
    SF_PREDICTOR_MULTISTEP,     /* DDIM of eta = 0 with D extrapolated linearly in log-SNR to the
                                   middle of the step: order 2, DPM-Solver++ 2M (Lu et al. 2022,
                                   arXiv:2211.01095) */
    SF_PREDICTOR_MULTISTEP_SDE, /* the same of eta = 1: SDE-DPM-Solver++ 2M */
    SF_PREDICTOR_ADAPTIVE /* the flow by an embedded Runge-Kutta pair, each sample by itself */
} sf_predictor;

/* Moves at the new level after a step that leave its density as it is, or nearly: on x/alpha with
 * the prior's own score at u. M: precondition's, or u^2. e ~ N(0, I). */
typedef enum sf_corrector {
    SF_CORRECTOR_NONE,
    SF_CORRECTOR_LANGEVIN,       /* x + d score + sqrt(2 d) e, d = 2 (snr |e|/|score|)^2 with the
                                    norms of each sample (Song et al. 2021, algorithm 4, which has
                                    the means over a batch and for VP a factor 1 - beta) */
    SF_CORRECTOR_PRECONDITIONED, /* x + d M score + sqrt(2 d M) e with d = step: exact up to O(d);
                                    for one mode of variance M it is M/(1 - d/2) */
    SF_CORRECTOR_MALA /* the same, accepted by Metropolis: exact; for priors with energy */
} sf_corrector;

typedef struct sf_sample_options {
    sf_predictor predictor;
    double eta;  /* DDIM: 0 ... 1 */
    double heat; /* e of the predictors above is multiplied by it; 1 is the formula's. Learned
                    denoisers take out a little too much: slightly more makes up for it (Karras et
                    al. 2022, section 4, S_noise) */
    /* Heun: where churn_low <= u <= churn_high, a step begins with noise of churn_noise sqrt(v^2 -
     * u^2), v = (1 + min(churn/steps, sqrt(2) - 1)) u, but never above the first level. */
    double churn, churn_low, churn_high, churn_noise;
    double tolerance; /* adaptive: error of each step, relative to the sample's rms (1e-5) */
    sf_corrector corrector;
    size_t corrections; /* moves a step */
    double snr, step;
    /* M_k >= 0 for each mode of the half spectrum: best is the variance of mode k of x_0 + u n. */
    sf_status (*precondition)(void *user, const sf_grid *grid, double level, double *m);
    void *user;
    sf_time_spacing spacing;
    double rho;
    size_t steps;
    bool given;         /* x holds where to start; else N(mean, u^2 + variance) does it */
    const double *mean; /* one field; NULL: 0 */
    double variance;    /* what the prior has, on average over cells */
    bool denoise_last;  /* return E[x_0 | x] instead: prettier, and its variance is wrong */
    double floor;       /* the noise that the result may have: the schedule's last level is checked
                           against it; 0: any */
    uint64_t seed, stream, first; /* number of the first sample of the batch */
    sf_monitor monitor; /* stage "sample", after each step; residual: the level u; image: the first
                           sample. What it stops stays at its level */
} sf_sample_options;
/* 100 ancestral steps spaced with rho = 7, no corrector; when asked for, one move a step with snr
 * 0.16 or step 0.1. */
SF_API sf_sample_options sf_sample_options_default(void);

typedef struct sf_sample_report {
    size_t steps;       /* taken */
    size_t evaluations; /* of the prior, for each sample (adaptive: their mean, rounded up) */
    double level;       /* u that the samples are at, about */
    double acceptance;  /* MALA's; NaN: there was none */
    bool finished;      /* false: stopped by the monitor */
    double seconds;
} sf_sample_report;

/* x (batch fields on the prior's grid): samples of x_0 + u n at the last level u, in the prior's
 * own units (x_t/alpha). With u far below the data's noise these are samples of the prior. Each is
 * made of numbers for its own index alone: the same bits in any batch, on any number of threads,
 * when the prior's are. report may be NULL. SF_ERR_ARGUMENT for a schedule that ends above the
 * floor; SF_ERR_NUMERIC where a sample stops being finite; SF_ERR_UNSUPPORTED for MALA without
 * energy. Memory: two batches, Langevin two and MALA four more. */
SF_API sf_status sf_sample(const sf_prior *prior, const sf_diffusion *diffusion,
                           const sf_sample_options *options, size_t batch, double *x,
                           sf_sample_report *report);

/* ---- the probability flow ------------------------------------------------------------------ */

/* In z = x/alpha every process has the same flow, dz/d log u = z - D(z; u), from the level `low` to
 * `high` and back, by the embedded Runge-Kutta pair of Fehlberg of order 5. */
typedef struct sf_flow_options {
    double low, high;
    double tolerance;   /* of each step: relative to rms z, and nats a cell */
    const double *mean; /* of what is at `high`: N(mean, high^2 + variance) */
    double variance;
    size_t probes; /* of the Jacobian's trace; 0: exact, from as many products as cells */
    uint64_t seed, stream, first; /* of the probes */
    sf_monitor monitor; /* stage "flow", after each sample; residual NaN. SF_ERR_INTERRUPTED where
                           it stops */
} sf_flow_options;
/* From 0.002 to 80 with tolerance 1e-5, mean 0, variance 1, exact. */
SF_API sf_flow_options sf_flow_options_default(void);

/* The latent code (z - mean)/sqrt(high^2 + variance) of x, N(0, I) if x is a draw of x_0 + low n;
 * and x of a code. Arrays of batch fields, different ones. */
SF_API sf_status sf_flow_encode(const sf_prior *prior, const sf_flow_options *options, size_t batch,
                                const double *x, double *code);
SF_API sf_status sf_flow_decode(const sf_prior *prior, const sf_flow_options *options, size_t batch,
                                const double *code, double *x);
/* log p_low(x) in nats, the density of x_0 + low n (Chen et al. 2018, arXiv:1806.07366; Song et al.
 * 2021, section 4.3): log N(z_high; mean, high^2 + variance) + int tr(1 - dD/dz) d log u. What is
 * wrong with it besides the tolerance: the flow is the density's only where D is; and N at `high`
 * is exact only for priors that are N(mean, variance) themselves or small against `high`. The
 * trace: exact, or Hutchinson's (1989) v.(dD/dz)^T v with `probes` v of +-1, each kept along the
 * way; then error[b] (may be NULL) is the standard error from their spread, NaN for one probe, 0
 * when exact. The prior needs a pull (SF_ERR_UNSUPPORTED). Cost: cells or probes pulls an
 * evaluation, about a hundred evaluations. */
SF_API sf_status sf_flow_log_likelihood(const sf_prior *prior, const sf_flow_options *options,
                                        size_t batch, const double *x, double *log_likelihood,
                                        double *error);

/* ---- what many samples say ------------------------------------------------------------------- */

/* Statistics of samples that come one after the other, cell by cell, without keeping all of them.
 * Sample i is draw floor(i/chains) of chain i mod chains. Kept is every stride-th draw of each
 * chain: all while there is room, and whenever there is none the stride doubles, so that between
 * half of `reservoir` and all of it is there, at equal distances. For one thread at a time. */
typedef struct sf_ensemble sf_ensemble;

typedef struct sf_ensemble_options {
    size_t cells;      /* values of a sample */
    size_t reservoir;  /* most samples kept; 0: none, else two of each chain at least */
    size_t chains;     /* 1 for independent samples */
    const char *label; /* what the samples are of, for sf_ensemble_load; NULL: nothing */
} sf_ensemble_options;
/* 256 samples kept, one chain, no label; `cells` has to be set. */
SF_API sf_ensemble_options sf_ensemble_options_default(void);

/* Memory: reservoir + 2 samples. */
SF_API sf_status sf_ensemble_create(const sf_ensemble_options *options, sf_ensemble **ensemble);
SF_API void sf_ensemble_release(sf_ensemble **ensemble);
/* The next `batch` samples; the same bits in any batches, on any threads. SF_ERR_NUMERIC, and the
 * ensemble as it was, where a value is not finite. */
SF_API sf_status sf_ensemble_add(sf_ensemble *ensemble, size_t batch, const double *x);
/* Samples so far. */
SF_API size_t sf_ensemble_count(const sf_ensemble *ensemble);
/* The kept samples in the order of their coming, *count of them; until the next one is added. */
SF_API const double *sf_ensemble_samples(const sf_ensemble *ensemble, size_t *count);

/* Of all samples, by Welford's updates (1962, doi:10.1080/00401706.1962.10490022): their mean, and
 * their standard deviation with n - 1, NaN for one sample. SF_ERR_ARGUMENT where there is none. */
SF_API sf_status sf_ensemble_mean(const sf_ensemble *ensemble, double *mean);
SF_API sf_status sf_ensemble_deviation(const sf_ensemble *ensemble, double *deviation);
/* Of the n kept samples, between those of rank (n + 1) p (Hyndman & Fan 1996, type 6,
 * doi:10.2307/2684934): n independent samples and the truth among them are below the k-th with
 * probability k/(n + 1), exactly. Below 1/(n + 1) it is the least sample, above n/(n + 1) the
 * largest, and intervals are too narrow: for 2.5 % and 97.5 % keep 39. Cost: a sort a cell.
 * SF_ERR_ARGUMENT for p outside of 0 ... 1 or nothing kept. */
SF_API sf_status sf_ensemble_quantile(const sf_ensemble *ensemble, double p, double *quantile);
/* Of the kept draws: split R-hat, and how many independent samples they are worth in the mean
 * (`bulk` of sf_chains_diagnose); NULL: not wanted. Where the stride is above 1 all draws are worth
 * as much or more. SF_ERR_ARGUMENT for fewer than 8 kept draws a chain. Cost: a few Fourier
 * transforms of the draws a cell. */
SF_API sf_status sf_ensemble_diagnose(const sf_ensemble *ensemble, double *r_hat,
                                      double *effective);

/* All of it in a file, at any moment the old or the new one. Loaded it goes on to the same bits.
 * SF_ERR_FORMAT for a file that is damaged, or of an ensemble with other options (which may be told
 * by the label that the samples come from another computation). */
SF_API sf_status sf_ensemble_save(const sf_ensemble *ensemble, const char *path);
SF_API sf_status sf_ensemble_load(const char *path, const sf_ensemble_options *options,
                                  sf_ensemble **ensemble);

/* Where samples come from. */
typedef struct sf_ensemble_source {
    /* x (batch samples) = numbers `first`, first + 1, ... of all samples, which must not depend on
     * the batch they are drawn in. What it tells the monitor is passed on as a part of the whole.
     */
    sf_status (*draw)(void *user, sf_monitor monitor, uint64_t first, size_t batch, double *x);
    void *user;
    size_t batch;           /* samples drawn at once */
    const char *checkpoint; /* sf_ensemble_save after each batch; NULL: not */
    sf_monitor monitor;
} sf_ensemble_source;

/* Draws until the ensemble has `count`: for one loaded from a checkpoint those that are missing, to
 * the same bits. SF_ERR_INTERRUPTED by the monitor; then, and after an error, what whole batches
 * gave is there. Memory: a batch. */
SF_API sf_status sf_ensemble_fill(sf_ensemble *ensemble, const sf_ensemble_source *source,
                                  size_t count);

#ifdef __cplusplus
}
#endif
#endif
