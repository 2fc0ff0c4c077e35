/* scorefield/free_energy.h - log Z_1/Z_0 by annealing chains along a path, and from work values,
 * log-weights and reduced potentials.
 *
 * A log-weight is w = -W, W the work in units of kT that a path does which leads from state 0 to
 * state 1 and starts in equilibrium (forward), or from 1 to 0 (reverse). log_z stands for
 * log Z_1/Z_0 = -Delta F/kT. A log-weight of -inf or NaN is a weight of zero and counts in N; +inf
 * is SF_ERR_NUMERIC, and so are weights that are all zero. No log-weights at all are
 * SF_ERR_ARGUMENT. Sums are compensated and in a fixed order: the same bits on any number of
 * threads. */
#ifndef SCOREFIELD_FREE_ENERGY_H
#define SCOREFIELD_FREE_ENERGY_H

#include <scorefield/mcmc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- an estimate and its verdict -------------------------------------------------------- */

#define SF_VERDICT_SIZE 160

/* An estimate is not reliable where its error bar cannot be believed: an effective sample size
 * below 50, one weight with more than a tenth of the sum, a Pareto shape above 0.7, islands that
 * disagree (a probability below 0.001), forward and reverse that do not overlap or
 * contradict each other, a solver that has not converged. The verdict names the first of these. */
typedef struct sf_log_z {
    double value;
    double error; /* one standard deviation, asymptotically; inf where nothing bounds it */
    bool reliable;
    char verdict[SF_VERDICT_SIZE]; /* "reliable", or a sentence that says why not */
} sf_log_z;

/* ---- weights ---------------------------------------------------------------------------- */

typedef struct sf_weights {
    size_t count, zeros;  /* N, and how many of them are zero */
    double log_mean;      /* log (1/N) sum e^w */
    double error;         /* of log_mean: sqrt((N/ess - 1)/(N - 1)), delta method; inf for N = 1 */
    double ess;           /* (sum e^w)^2 / sum e^2w (Kish 1965) */
    double largest_share; /* max e^w / sum e^w */
    double pareto_k;      /* shape of the largest min(N/5, 3 sqrt N) weights; the variance exists
                             below 1/2. NaN: fewer than 5 of them, or all equal */
    double mean;          /* of w, over the weights that are not zero */
    double variance;      /* of w, over the same; divisor one less than their number; NaN for one */
    double bound;         /* E[w] <= log E[e^w] (Jensen): `mean`, or -inf if any weight is zero */
    double cumulant;      /* mean + variance/2: exact if w is normal (Jarzynski 1997, eq. 16) */
    double cumulant_error; /* sqrt(variance/N + variance^2/(2 (N - 1))), for a normal w */
} sf_weights;

/* Pareto shape: Vehtari et al. 2024 (JMLR 25:72), fitted as Zhang & Stephens 2009
 * (doi:10.1198/tech.2009.08017). Cost: N exponentials and a sort. */
SF_API sf_status sf_weights_measure(const double *log_weight, size_t count, sf_weights *weights);

/* Of estimates from samples drawn with replacement (Efron 1979, doi:10.1214/aos/1176344552). */
typedef struct sf_bootstrap {
    double error, bias; /* standard deviation of the replicates, and their mean - estimate */
    double low, high;   /* 2.5 % and 97.5 % of the replicates */
} sf_bootstrap;

/* ---- work in one direction -------------------------------------------------------------- */

typedef struct sf_jarzynski_options {
    size_t islands;    /* independent groups of consecutive chains, equal in size but for one */
    size_t bootstraps; /* replicates; 0 = none */
    uint64_t seed;     /* of the bootstrap; its numbers are addressed by the replicate */
} sf_jarzynski_options;

typedef struct sf_jarzynski_report {
    sf_log_z estimate; /* log mean e^w (Jarzynski 1997, doi:10.1103/PhysRevLett.78.2690) */
    sf_weights weights;
    double islands_probability; /* of an F as large as that of the islands; NaN for one island */
    sf_bootstrap bootstrap;     /* NaN without */
} sf_jarzynski_report;

SF_API sf_jarzynski_options sf_jarzynski_options_default(void); /* one island, no bootstrap */
/* options NULL: the defaults. SF_ERR_ARGUMENT for islands of fewer than two chains.
 *
 * A large weight raises the mean and its error, so that z = (value - log Z)/error leans to one
 * side: simulated for 500 normal log-weights of variance 0.5, 1, 1.5, 2, 3 its mean is -0.03,
 * -0.07, -0.11, -0.21, -0.33 and its deviation 1.01, 1.01, 1.07, 1.09, 1.19. The jackknife takes
 * away a quarter of that, and more chains little: temperatures that hold the variance at 1/2, the
 * pilot's default, or runs both ways do. */
SF_API sf_status sf_jarzynski(const double *log_weight, size_t count,
                              const sf_jarzynski_options *options, sf_jarzynski_report *report);

/* ---- work in both directions ------------------------------------------------------------ */

typedef struct sf_bar_report {
    sf_log_z estimate;
    sf_weights forward, reverse;     /* reverse.log_mean estimates -log_z */
    double lower_bound, upper_bound; /* E[w_F] <= log_z <= -E[w_R] */
    double hysteresis;               /* their distance: the dissipation of a cycle, in kT */
    double dissipation_forward, dissipation_reverse; /* log_z - E[w_F], -E[w_R] - log_z */
    double overlap;                                  /* 0 (none) ... 1 (alike): see sf_bar */
    double crossing; /* the -W at which the distributions of W forward and of -W reverse are equal:
                        log_z, by Crooks' theorem. NaN where they do not overlap */
    double slope;    /* of log p_F(W)/p_R(-W) against W: 1 by Crooks' theorem for any true pair */
    double slope_error;
} sf_bar_report;

/* Bennett acceptance ratio (1976, doi:10.1016/0021-9991(76)90078-4; Shirts et al. 2003,
 * doi:10.1103/PhysRevLett.91.140601): with s(t) = 1/(1 + e^-t) and M = ln(n_F/n_R) log_z solves
 *     sum_F s(w - log_z - M) = sum_R s(w + log_z + M).
 * With S the sum of s (1 - s) over both and N = n_F + n_R
 *     overlap = S N/(n_F n_R),     error^2 = 1/S - 1/n_F - 1/n_R = N/(n_F n_R) (1/overlap - 1),
 * which is what MBAR gives for two states. Crossing and slope: logistic regression of the
 * direction on W, which needs no histogram. Unreliable below 4 S = 50 (with n_F = n_R and full
 * overlap 4 S is N), an overlap of 0.03, or with a slope 5 of its errors away from 1 (a sign, a
 * unit or a start out of equilibrium is wrong). */
SF_API sf_status sf_bar(const double *forward, size_t forward_count, const double *reverse,
                        size_t reverse_count, sf_bar_report *report);
/* The spread of sf_bar over `bootstraps` >= 2 replicates, both directions drawn apart; a replicate
 * of zero weights alone is an infinite estimate. The numbers are addressed by the replicate. Cost:
 * about 20 N exponentials a replicate, over all threads. */
SF_API sf_status sf_bar_bootstrap(const double *forward, size_t forward_count,
                                  const double *reverse, size_t reverse_count, size_t bootstraps,
                                  uint64_t seed, sf_bootstrap *bootstrap);

/* Values of one direction in each of the bins. */
typedef struct sf_histogram_row {
    size_t *count;           /* bins; NULL for a direction that was not given */
    double *density, *error; /* count/(N width), N with the zero weights, and sqrt(p (1 -
                                p)/N)/width for p = count/N */
} sf_histogram_row;

/* -W forward and W reverse over common bins: low + j width <= value < low + (j + 1) width, the
 * last of them closed. The densities cross at log_z, for e^log_z p_R(v) = e^v p_F(v). */
typedef struct sf_histogram {
    size_t bins;
    double low, width;
    sf_histogram_row forward, reverse;
} sf_histogram;

/* The values are `forward` and the negative of `reverse` (NULL: none), both log-weights; zero
 * weights are in no bin. bins 0: as many as suit the number and spread of the values (Freedman &
 * Diaconis 1981, doi:10.1007/BF01025868), 8 to 256. */
SF_API sf_status sf_work_histogram(const double *forward, size_t forward_count,
                                   const double *reverse, size_t reverse_count, size_t bins,
                                   sf_histogram *histogram);
SF_API void sf_histogram_release(sf_histogram *histogram);

/* ---- many states (MBAR) ----------------------------------------------------------------- */

/* Samples from K states, each seen by all states: u[n K + k] = reduced potential (-log density,
 * unnormalised) of sample n in state k. Samples may stand in any order. u = +inf: no support; NaN
 * counts as that. */
typedef struct sf_reduced_potentials {
    size_t states, samples;
    const size_t *counts; /* samples drawn from each state; 0 is fine; their sum is `samples` */
    const double *u;      /* samples x states, C order; NULL: call `read` */
    /* Writes `count` samples from `first` on; must give the same ones each time. One call at a
     * time. For potentials that do not fit in memory. */
    sf_status (*read)(void *user, size_t first, size_t count, double *u);
    void *user;
} sf_reduced_potentials;

typedef struct sf_mbar_options {
    double tolerance;  /* on |sum_n W_nk - 1|, the largest over the states */
    size_t iterations; /* at most: Newton steps and self-consistent ones */
} sf_mbar_options;

/* Free energies of K states (Shirts & Chodera 2008, doi:10.1063/1.2978177): weights
 *     W_nk = e^{f_k - u_nk} / sum_j N_j e^{f_j - u_nj}   with f such that sum_n W_nk = 1 for all k,
 * f_k = -log Z_k up to a constant. The convex problem behind it (Geyer 1994) is solved by Newton
 * steps with a line search, and self-consistent ones where the states do not overlap. Immutable. */
typedef struct sf_mbar sf_mbar;

SF_API sf_mbar_options sf_mbar_options_default(void); /* 1e-10, 200 */
/* options NULL: the defaults. Cost: about 10 passes over u, each of states exponentials a
 * sample; memory beyond u: 4 MiB, and a few matrices of states x states. Errors: SF_ERR_ARGUMENT
 * (counts that do not add up, no samples), SF_ERR_NUMERIC (a sample without support in any sampled
 * state; u = -inf). */
SF_API sf_status sf_mbar_create(const sf_reduced_potentials *potentials,
                                const sf_mbar_options *options, sf_mbar **mbar);
SF_API void sf_mbar_release(sf_mbar **mbar);
SF_API size_t sf_mbar_states(const sf_mbar *mbar);
SF_API size_t sf_mbar_iterations(const sf_mbar *mbar);
SF_API bool sf_mbar_converged(const sf_mbar *mbar);
/* log Z_to/Z_from with its asymptotic error (equations 4 and 8). It is inf where groups of states
 * share no samples, instead of small (a pseudo-inverse would hide the divergence). Unreliable
 * too where no chain of states with sum_n W_ni W_nj > 0.03 |W_i| |W_j| leads from one to the
 * other. */
SF_API sf_status sf_mbar_difference(const sf_mbar *mbar, size_t from, size_t to, sf_log_z *log_z);
/* states x states: covariance of log Z_i/Z_0 and log Z_j/Z_0; inf where singular. */
SF_API void sf_mbar_covariance(const sf_mbar *mbar, double *covariance);
/* states x states: O_ij = sum_n W_ni N_j W_nj, of which a sample from state i belongs to state j;
 * rows add up to 1 (Klimovich et al. 2015, doi:10.1007/s10822-015-9840-9). */
SF_API void sf_mbar_overlap(const sf_mbar *mbar, double *overlap);
/* Expectation values of `observables` functions, each in a state of its own choice: values (samples
 * x observables, C order) in the samples' order, state[i] of the states.
 *     mean_i = sum_n W_nk values_ni,  k = state[i],
 * and covariance (observables x observables; may be NULL) their asymptotic one (equations 9 and
 * 12), inf where the states' is. Several observables in one call, or one in several states, so
 * that errors of differences come out. `potentials` are those that mbar was created from
 * (SF_ERR_SHAPE for others in number). SF_ERR_NUMERIC for values not finite. Cost: two passes. */
SF_API sf_status sf_mbar_expectation(const sf_mbar *mbar, const sf_reduced_potentials *potentials,
                                     size_t observables, const size_t *state, const double *values,
                                     double *mean, double *covariance);
/* 1/sum_n W_nk^2: how many samples state k has for its expectation values. */
SF_API double sf_mbar_ess(const sf_mbar *mbar, size_t state);

/* ---- along a path ----------------------------------------------------------------------- */

typedef enum sf_quadrature {
    SF_QUADRATURE_TRAPEZOID,
    SF_QUADRATURE_CUBIC, /* the natural cubic spline through the means */
    SF_QUADRATURE_GAUSS  /* Gauss-Legendre: b from sf_gauss_nodes, 0 < b < 1 */
} sf_quadrature;

/* The `count` nodes on 0 < b < 1, increasing. SF_ERR_ARGUMENT for none. */
SF_API sf_status sf_gauss_nodes(size_t count, double *b);

typedef struct sf_thermodynamic_report {
    sf_log_z estimate;     /* error: of the means alone */
    double discretisation; /* |trapezoid - cubic|, of the coarser one: a bound on the other's. NaN
                              for Gauss-Legendre, exact for polynomials up to 2 count - 1 */
} sf_thermodynamic_report;

/* log_z = integral over b of m(b), m = E_b[d log f_b/db] (Kirkwood 1935): m and its standard
 * errors, independent of each other, at `count` increasing values of b. errors NULL: zero. The
 * rule is linear, sum c_j m_j, so error^2 = sum c_j^2 e_j^2. Unreliable where the discretisation
 * is above two errors. Errors: SF_ERR_ARGUMENT (b not increasing, fewer than 2 or, for a cubic, 3
 * of them, b that are not Gauss nodes), SF_ERR_NUMERIC (not finite, errors below 0). */
SF_API sf_status sf_thermodynamic_integration(sf_quadrature rule, size_t count, const double *b,
                                              const double *means, const double *errors,
                                              sf_thermodynamic_report *report);

typedef struct sf_stepping_stone_report {
    sf_log_z forward, backward; /* both estimate log_z; zeroed where not given */
    double hysteresis;          /* |backward - forward|; NaN unless both are given */
    double smallest_ess;        /* over the stages and directions given */
    size_t weakest_stage;       /* the one that has it */
} sf_stepping_stone_report;

/* log_z = sum over stages of log mean e^{log f_{j+1} - log f_j} at samples of stage j (forward),
 * or of -log mean e^{log f_j - log f_{j+1}} at samples of stage j + 1 (backward) (Xie et al. 2011,
 * doi:10.1093/sysbio/syq085). forward, backward: stages x count log-ratios, C order; one may be
 * NULL. curve: stages + 1 values of log Z_j/Z_0, forward's if given; may be NULL. The error takes
 * the stages, and the samples within one, as independent. Unreliable also where forward and
 * backward are more than 4 errors apart. */
SF_API sf_status sf_stepping_stone(size_t stages, size_t count, const double *forward,
                                   const double *backward, double *curve,
                                   sf_stepping_stone_report *report);

/* ---- schedules --------------------------------------------------------------------------- */

/* Temperatures 0 = b_0 < ... < b_count-1 = 1 of a path, and at each the kernel's step. */
typedef struct sf_schedule {
    size_t count;
    double *b, *step;
    uint64_t evaluations; /* points where pilots evaluated the path to find it */
} sf_schedule;

typedef enum sf_schedule_kind {
    SF_SCHEDULE_LINEAR,  /* b = t, t = j/(count - 1) */
    SF_SCHEDULE_POWER,   /* b = t^shape */
    SF_SCHEDULE_SIGMOID, /* b = (1 + tanh(shape (t - 1/2))/tanh(shape/2))/2: dense at both ends */
    SF_SCHEDULE_ADAPTIVE /* by a pilot: the log-weights gain the same variance at each */
} sf_schedule_kind;

/* shape > 0, of no meaning for a linear one; `step` at every temperature. SF_ERR_ARGUMENT for fewer
 * than two temperatures, or where the shape makes neighbours equal. On errors *schedule is empty.
 */
SF_API sf_status sf_schedule_create(sf_schedule_kind kind, double shape, size_t temperatures,
                                    double step, sf_schedule *schedule);
/* b (copied) from 0 to 1, increasing. */
SF_API sf_status sf_schedule_given(const double *b, size_t temperatures, double step,
                                   sf_schedule *schedule);
SF_API void sf_schedule_release(sf_schedule *schedule);

typedef struct sf_pilot_options {
    sf_schedule_kind kind;
    double shape;
    const double *b;      /* `temperatures` of one's own instead, from 0 to 1; NULL: by kind */
    size_t temperatures;  /* 0: as many as `cess` and the trials want */
    double cess;          /* of one step between temperatures; 0: as many temperatures as give the
                             log-weights a variance of 1/2 in all where moves forget */
    size_t trials;        /* at most, of whether they do, before temperatures are added; 0: none */
    size_t trial_chains;  /* of each trial, with */
    size_t trial_moves;   /* this many moves at a temperature: as many as later */
    size_t chains, moves; /* moves of each round of tuning */
    sf_kernel kernel;     /* tuning begins at its step */
    double step;          /* of the schedule at all temperatures; 0: the tuned ones */
    double acceptance;   /* to be tuned to; 0: 0.57 MALA (Roberts & Rosenthal 1998), 0.7 HMC (Beskos
                            et al. 2013), 0.25 random walk (Roberts et al. 1997), 0.5 OU */
    size_t most;         /* stages before it gives up */
    const double *start; /* starts x n: as for annealing */
    size_t starts;
    uint64_t seed;
    sf_monitor monitor; /* stage "pilot", residual = 1 - b; and "anneal" of trials */
} sf_pilot_options;

/* Adaptive, 512 chains, four moves, sf_kernel_default, at most 5000 stages; no trials, which would
 * have 200 chains and one move. */
SF_API sf_pilot_options sf_pilot_options_default(void);

/* A schedule tuned by chains of its own, with random numbers of their own, then frozen: what is
 * annealed by it later stays unbiased. The pilot resamples, and goes from b to the b' where the
 * conditional effective sample size (sum W u)^2 / sum W u^2, u = f_b'/f_b and W the normalised
 * weights up to b (Zhou, Johansen & Aston 2016, arXiv:1303.3123), is 0.9; sqrt(-log of it) adds up
 * to a length, on which adaptive temperatures stand evenly, and log step is interpolated in b.
 * Unadjusted kernels get the steps at which moves add the variance to the log-weights that a step
 * between temperatures adds.
 *
 * That takes it that moves forget. A trial anneals along the schedule; where the loss of its N
 * chains, log(N/ESS) of their weights (half the variance of normal log-weights, and more), is above
 * 1, the next schedule has as many times the temperatures, at most 4. There is no further one after
 * a trial that has lost more than 0.7 of what the one before it did: more temperatures do not help.
 *
 * Errors: SF_ERR_NUMERIC for a base without support on the target, and
 * where the length grows without end (a target that cannot be normalised), SF_ERR_UNSUPPORTED
 * without exact draws and without `start`. Cost: about 3 length stages of chains, and the trials'
 * chains (count - 2) moves. */
SF_API sf_status sf_schedule_pilot(sf_path *path, const sf_pilot_options *options,
                                   sf_schedule *schedule);

/* ---- annealing --------------------------------------------------------------------------- */

typedef enum sf_anneal_method {
    SF_ANNEAL_AIS, /* annealed importance sampling: chains on their own */
    SF_ANNEAL_SMC  /* sequential Monte Carlo: islands of chains, resampled by their weights */
} sf_anneal_method;

/* How often chain k, of N with normalised weights W, is taken N_k times, N W_k on average. */
typedef enum sf_resampling {
    SF_RESAMPLING_SYSTEMATIC, /* at the points (i + u)/N of the running sum of W, one u for all */
    SF_RESAMPLING_STRATIFIED, /* a u for each i */
    SF_RESAMPLING_RESIDUAL,   /* floor(N W_k) times, and what is left at random */
    SF_RESAMPLING_MULTINOMIAL /* N independent choices */
} sf_resampling;

typedef struct sf_anneal_options {
    sf_anneal_method method;
    size_t chains;  /* in all; SMC: rounded up to whole islands */
    size_t islands; /* AIS: groups of them, for the errors of what they share: chain i is in i
                       mod islands; of fewer chains, as many as there are */
    size_t batch;   /* AIS: chains at once, which bounds the memory; 0: about 0.5 MB of
                       positions. SMC: chains of an island, >= 2; 0: a quarter of all */
    sf_resampling resampling; /* SMC */
    double resample_below;    /* SMC: where the island's ESS is below this share of its chains */
    sf_kernel kernel;         /* its step is the schedule's */
    size_t moves;             /* at every temperature between the ends */
    bool reverse;             /* from f_1 to f_0 */
    const double *start; /* starts x n, independent draws of where it begins (sf_equilibrate); */
    size_t starts;       /* chain i takes the i-th. start NULL: exact draws of the density there */
    uint64_t seed;
    bool keep_samples;
    const char *checkpoint;    /* a file; NULL: none */
    double checkpoint_seconds; /* between writes; 0: one at every temperature */
    sf_monitor monitor; /* stage "anneal" or "anneal back", after each temperature of each batch;
                           residual = the error of log Z so far */
} sf_anneal_options;

/* AIS, 1000 chains in 16 islands, sf_kernel_default, one move; systematic resampling below 0.5, a
 * minute between checkpoints. */
SF_API sf_anneal_options sf_anneal_options_default(void);

/* Chains that went along a path once. */
typedef struct sf_anneal_run sf_anneal_run;

/* Annealed importance sampling (Neal 2001, doi:10.1023/A:1008923215028; Jarzynski 1997): each chain
 * begins with a draw of f_0, goes through the temperatures and moves at each between the ends;
 * averages of exp(log_weight) are Z_1/Z_0, whatever the schedule, the steps and the kernel. A
 * reverse run is the same back in time: from a draw of f_1, Z_0/Z_1. With
 * SMC (Del Moral, Doucet & Jasra 2006, doi:10.1111/j.1467-9868.2006.00553.x) the chains of an
 * island are a batch, and are chosen by their weights between the arrival at a temperature and the
 * moves there; all then have the weight that was their mean, so what is said of averages holds.
 * The same bits on any number of threads, and of AIS for any batch. Where the monitor stops it, the
 * batches that are done are the run; SF_ERR_INTERRUPTED if none is. SF_ERR_UNSUPPORTED without
 * exact draws and without `start`. Cost: chains (count - 2) moves of the kernel. Memory: a batch of
 * chains (sf_chains_create), 8 bytes a chain, SMC 16, and 8 n where samples are kept. */
SF_API sf_status sf_anneal(sf_path *path, const sf_schedule *schedule,
                           const sf_anneal_options *options, sf_anneal_run **run);
/* sf_anneal with options.checkpoint goes on from that file if there is one, to as many chains as
 * either asks for, and has the same bits as if it had not been stopped, at whatever moment. It is
 * written when the run begins, every checkpoint_seconds, when the monitor stops it and at its end;
 * a failure at the beginning is SF_ERR_IO, later ones only leave their sentence, for a run is worth
 * more than its checkpoint. A file that is damaged, no checkpoint, or of another path, schedule,
 * kernel, seed, start or version is SF_ERR_FORMAT and left as it is. A file takes 4 n + 5 numbers a
 * chain of one batch, and what the results take. */
SF_API bool sf_anneal_run_resumed(const sf_anneal_run *run);
/* "", or the sentence on the last write if that failed. */
SF_API const char *sf_anneal_run_checkpoint_error(const sf_anneal_run *run);

/* As many more chains: the run is what it were had all been asked for at once. What its options
 * point to must still be there. Where this fails, the run keeps the batches that are done. */
SF_API sf_status sf_anneal_more(sf_anneal_run *run, size_t chains);
SF_API void sf_anneal_run_release(sf_anneal_run **run);
SF_API bool sf_anneal_run_reverse(const sf_anneal_run *run);
SF_API bool sf_anneal_run_interrupted(const sf_anneal_run *run);
SF_API size_t sf_anneal_run_chains(const sf_anneal_run *run);
SF_API const double *sf_anneal_run_log_weights(const sf_anneal_run *run);
/* chains x n, with the log-weights a weighted sample of where the run ends; NULL: not kept. */
SF_API const double *sf_anneal_run_samples(const sf_anneal_run *run);
/* The chain of the start whose descendant each chain is; NULL for AIS. */
SF_API const size_t *sf_anneal_run_ancestors(const sf_anneal_run *run);

/* SMC's chains i batch ... (i + 1) batch - 1, independent of other islands. exp(log_z) has the mean
 * Z_1/Z_0 (or Z_0/Z_1). Its relative variance is estimated from ancestors (Lee & Whiteley 2018,
 * doi:10.1093/biomet/asy028; the formula stands in population.c): exp(log_z)^2 variance has the
 * variance of exp(log_z) as its mean for multinomial resampling, nearly so for the others. Single
 * estimates may be negative. `most` takes the choice of chains for noise as large as that of
 * independent draws: an upper bound on average, and positive. */
typedef struct sf_anneal_island {
    double log_z, variance, most;
    size_t ancestors; /* how many chains of its start have descendants with weight */
} sf_anneal_island;
SF_API size_t sf_anneal_run_islands(const sf_anneal_run *run);                 /* 0 for AIS */
SF_API const sf_anneal_island *sf_anneal_run_island(const sf_anneal_run *run); /* the first one */

/* Points where the path was evaluated, with its score if the kernel has one. */
SF_API uint64_t sf_anneal_run_evaluations(const sf_anneal_run *run);
SF_API double sf_anneal_run_seconds(const sf_anneal_run *run);
SF_API size_t sf_anneal_run_temperatures(const sf_anneal_run *run);

/* What a run saw at b_j, after its moves there. */
typedef struct sf_anneal_state {
    double b, step;
    double log_z, error;       /* of Z_b over Z of the start; -inf where all weights are zero */
    double ess;                /* of the weights; SMC: before resampling, added over islands */
    size_t resampled;          /* SMC: islands that were, here */
    size_t ancestors;          /* of the start that have descendants with weight here */
    double mean, variance;     /* of the log-weights that are not zero; SMC: NaN */
    double acceptance;         /* of moves; NaN: there were none */
    double slope, slope_error; /* E_b[d log f_b/db], whose integral is log Z; NaN: unknown */
    double separation;         /* of the energy's two halves, see sf_anneal_report; NaN: too few */
} sf_anneal_state;
SF_API sf_status sf_anneal_run_state(const sf_anneal_run *run, size_t j, sf_anneal_state *state);

/* The mean of `value`, one for each chain, over the density where the run ends, by the weights;
 * error by the delta method: sum W^2 (value - mean)^2 over (sum W)^2, SMC's chains of one ancestor
 * taken together (Chan & Lai 2013, doi:10.1214/13-AOS1172). */
SF_API sf_status sf_anneal_expectation(const sf_anneal_run *run, const double *value, double *mean,
                                       double *error);

typedef struct sf_anneal_report {
    sf_log_z estimate;           /* log Z_1/Z_0: BAR of both runs, else Jarzynski's of one */
    sf_weights forward, reverse; /* zeroed where not given */
    /* E[w] <= log Z_1/Z_0 <= -E[w of reverse] (Grosse, Ghahramani & Adams 2015, arXiv:1511.02543),
     * with the errors of these means; -inf and inf where not given */
    double lower_bound, lower_error;
    double upper_bound, upper_error;
    double islands_probability; /* of groups of chains that differ so much; NaN: too few chains */
    sf_bar_report bar;          /* of both runs; zeroed unless both are given */
    sf_thermodynamic_report thermodynamic; /* along forward, or else reverse; NaN: slopes unknown */
    double transition; /* b of the largest separation if that is above 4: of first order; or NaN */
    double separation; /* there, or the largest there is */
    char warning[SF_VERDICT_SIZE]; /* "", or a sentence on the transition */
    uint64_t evaluations;
    double seconds;
} sf_anneal_report;

/* One of the runs may be NULL. With SMC: the estimate is that of the islands' mean Z, its error
 * from their variances, and of two runs the mean with weights 1/error^2, as there is no Bennett
 * ratio for resampled chains; the bounds are means of the islands' log Z; forward, reverse: the
 * weights of ancestors, each with all its descendants', whose ESS below 50 is too few to know the
 * error by. The energy, d log f_b/db of single chains (or else log f_b), shows a
 * transition of first order by two peaks: cut in two by least squares (Otsu 1979,
 * doi:10.1109/TSMC.1979.4310076), with means m and variances v, at least 5 % in either,
 *     separation = sqrt(2) |m_1 - m_2| / sqrt(v_1 + v_2)         (Ashman et al. 1994,
 * doi:10.1086/117248); a normal distribution has 2.65, a uniform one 3.46. SF_ERR_NUMERIC where all
 * weights are zero: a base without support on the target. */
SF_API sf_status sf_anneal_estimate(const sf_anneal_run *forward, const sf_anneal_run *reverse,
                                    sf_anneal_report *report);
/* More chains for the runs that are given, until the estimate's error is at most target_error (as
 * it falls with the root of their number), each has chains_most, or the monitor stops one. The
 * rule to stop looks at the error alone, which biases log Z by a small part of it. */
SF_API sf_status sf_anneal_until(sf_anneal_run *forward, sf_anneal_run *reverse,
                                 double target_error, size_t chains_most, sf_anneal_report *report);

/* ---- equilibrium ------------------------------------------------------------------------- */

typedef struct sf_equilibrate_options {
    sf_kernel kernel; /* an adjusted one, and its step */
    size_t chains, moves;
    uint64_t seed;
    sf_monitor monitor; /* stage "equilibrate" */
} sf_equilibrate_options;

typedef struct sf_equilibrate_report {
    sf_chains_diagnosis energy; /* log f_b in the second half of the moves */
    double acceptance;
    bool settled; /* R-hat at most 1.01, and chains are longer than their memory */
    uint64_t evaluations;
} sf_equilibrate_report;

/* Independent chains on f_b, from x to x (chains x n): draws for the start of a run back where the
 * target has no exact ones. Whatever then rests on that run, the upper bound first of all, is as
 * good as they are in equilibrium: chains that all begin in one mode can look settled in it. Begin
 * them at a forward run's samples, chosen by their weights, or apart from each other.
 * SF_ERR_ARGUMENT for fewer than 16 moves, SF_ERR_NUMERIC for a chain that begins where f_b is 0,
 * SF_ERR_UNSUPPORTED for unadjusted kernels, SF_ERR_INTERRUPTED by the monitor. */
SF_API sf_status sf_equilibrate(sf_path *path, double b, const sf_equilibrate_options *options,
                                double *x, sf_equilibrate_report *report);

/* ---- where chains begin without exact draws ---------------------------------------------- */

typedef struct sf_starts {
    double *x; /* count x n; NULL: none */
    size_t count;
    bool good; /* they have settled, or were draws from the beginning; see sf_starts_settle */
    sf_equilibrate_report report;
    uint64_t evaluations; /* to find them, and to settle */
} sf_starts;

/* `count` starts in the density where a run ends: its samples (keep_samples) in proportion to their
 * weights, start k that at the point (k + 1/2)/count of the running sum of the weights, which are
 * then moved on by sf_equilibrate, with the run's kernel (MALA for ULA, HMC for the underdamped
 * one) and its last step, and with random numbers of their own. The samples are worth w = min(ESS
 * of the weights, ancestors that are left) independent draws. count 0: w, where that is at least
 * 100, and else as many as the run has chains. The starts are good where 100 <= w and count <= 2 w,
 * so that they are draws at once and hardly one is another's copy, or where the moves have settled
 * them. What the run's options point to must still be there. SF_ERR_ARGUMENT without samples;
 * sf_equilibrate's errors. Cost: count `moves` of the kernel. */
SF_API sf_status sf_starts_settle(const sf_anneal_run *run, size_t count, size_t moves,
                                  sf_starts *starts);

typedef struct sf_starts_options {
    sf_kernel kernel;
    size_t count; /* 2 count chains are annealed, so that few starts are copies */
    size_t moves; /* of each, until it settles */
    uint64_t seed;
    sf_monitor monitor; /* stages "pilot", "anneal" and "equilibrate" */
} sf_starts_options;
/* sf_kernel_default, 512 starts, 1000 moves. */
SF_API sf_starts_options sf_starts_options_default(void);

/* Starts in a density that is far from any exact draws, for a tempering path, say: chains are
 * annealed to it from a base with exact draws, by a schedule of sf_schedule_pilot, and
 * sf_starts_settle does the rest. Random numbers of their own: the seed may be that of later runs.
 * options NULL: the defaults. Errors: those of the three. */
SF_API sf_status sf_starts_anneal(sf_density *base, sf_density *density,
                                  const sf_starts_options *options, sf_starts *starts);
SF_API void sf_starts_release(sf_starts *starts);
/* An estimate from chains that began at starts that are not good is not reliable. */
SF_API void sf_starts_judge(const sf_starts *starts, sf_log_z *log_z);

/* The way back of a run that went there: the same path, schedule, kernel, method and seed, the same
 * number of chains, from exact draws of f_1 or, where it has none, from the samples of the run
 * there by sf_starts_settle with `moves` (100 are usual) and count 0. SMC's islands are then as
 * many as before. checkpoint: as for sf_anneal, a file of its own; NULL: none. *starts (released
 * after the run): where it began; with exact draws x is NULL, and good true. Where they are not
 * good, the upper bound of the run back is none, and sf_anneal_estimate had better not be given it.
 * Errors: SF_ERR_ARGUMENT for a run that went back itself; those of sf_starts_settle and sf_anneal;
 * SF_ERR_INTERRUPTED by the monitor of the run there, which watches. */
SF_API sf_status sf_anneal_back(const sf_anneal_run *there, size_t moves, const char *checkpoint,
                                sf_starts *starts, sf_anneal_run **back);

/* ---- a base that fits the target --------------------------------------------------------- */

typedef struct sf_base_options {
    sf_kernel kernel; /* in the coordinates in which the base is N(0, 1) */
    size_t fits;      /* at most */
    double effective; /* samples that are enough for a fit */
    size_t chains;    /* of each run that one is made of, */
    double cess;      /* and its schedule's (see sf_pilot_options) */
    uint64_t seed;
    sf_monitor monitor; /* stages "pilot" and "anneal" */
} sf_base_options;
/* sf_kernel_default, 3 fits, 100 samples, 1000 chains, 0.95. */
SF_API sf_base_options sf_base_options_default(void);

/* N(mean, diag(scale^2)): the base by sf_density_gaussian, or N(0, 1) in the coordinates of
 * sf_density_affine, in which the target is about round. */
typedef struct sf_base {
    size_t dimension;
    double *mean, *scale; /* n each */
    double effective;     /* ESS of the samples of the last fit */
    size_t fits;
    uint64_t evaluations;
} sf_base;

/* Chains are annealed from N(0, 1) to the density, the base becomes the Gaussian of their weighted
 * samples' means and variances, the next chains begin there, and so on until the samples are worth
 * `effective` ones. Where they are worth less, their weights W are flattened to W^p with the power
 * p < 1 at which the ESS, (sum W^p)^2 / sum W^2p, is `effective`, as otherwise the variances would
 * be those of a few points. Random numbers of its own: the seed may be that of later runs. options
 * NULL: the defaults. Errors: SF_ERR_NUMERIC where samples agree in a coordinate, SF_ERR_ARGUMENT
 * for angles (sf_density_angles is their base), those of sf_schedule_pilot and sf_anneal,
 * SF_ERR_INTERRUPTED by the monitor. Cost: `fits` pilots and runs. */
SF_API sf_status sf_base_fit(sf_density *density, const sf_base_options *options, sf_base *base);
SF_API void sf_base_release(sf_base *base);

/* ---- replica exchange ------------------------------------------------------------------- */

#define SF_EXCHANGE_CALL 16

typedef struct sf_exchange_options {
    sf_kernel kernel;    /* an adjusted one; its step is the schedule's */
    size_t moves;        /* of every replica in a round, before the swaps */
    size_t copies;       /* independent ladders, each of one replica a state */
    size_t burn, rounds; /* that do not count, and that do: at least 2 */
    const double *start; /* starts x n, where replicas begin in turn; NULL: draws of f_0 */
    size_t starts;
    uint64_t seed;
    bool keep_samples;  /* the positions at b = 1 */
    sf_monitor monitor; /* stages "burn-in" and "exchange": a call every SF_EXCHANGE_CALL rounds;
                           "pilot": one a stage. No residual */
} sf_exchange_options;
/* HMC, a move a round, 8 copies, 250 + 1000 rounds. */
SF_API sf_exchange_options sf_exchange_options_default(void);

/* What a run has found; samples are those before the swaps, rounds x copies x states, C order. */
typedef struct sf_exchange_run {
    sf_path *path;
    size_t states, copies, rounds, dimension;
    double *b;               /* states */
    double *log_f0, *log_f1; /* the ends of the bridge at the samples (see sf_chains) */
    double *samples;    /* rounds x copies x n: draws of f_1/Z_1, correlated from round to round
                           (sf_chains_diagnose has the errors); NULL: not kept */
    double *acceptance; /* states: of the kernel's moves */
    double *rejection;  /* states - 1: of swaps between a state and the next */
    double barrier;     /* their sum, Lambda: about 2 Lambda states serve best */
    size_t round_trips; /* of replicas, from b = 0 to b = 1 and back, over all copies */
    double ideal_round_trips; /* if states were independent from round to round: copies rounds
                                 /(2 + 2 sum r/(1 - r)) (Syed et al. 2022, corollary 2) */
    uint64_t evaluations;
    double seconds;
} sf_exchange_run;

/* Replica exchange with swaps of even and odd pairs in turn (Okabe et al. 2001,
 * doi:10.1016/S0009-2614(01)00055-0; Syed et al. 2022, doi:10.1111/rssb.12464) on a geometric or
 * tempering path (SF_ERR_UNSUPPORTED for others), between the temperatures of a schedule. Stopped
 * by its monitor it keeps the rounds that are done; SF_ERR_INTERRUPTED in the burn-in. Results are
 * the same bits on any number of threads, and those of a copy do not depend on the others. Cost:
 * copies x states x (burn + rounds) x moves of the kernel; memory: 16 bytes a
 * sample, and 8 n a round and copy where positions are kept. */
SF_API sf_status sf_exchange(sf_path *path, const sf_schedule *schedule,
                             const sf_exchange_options *options, sf_exchange_run **run);
SF_API void sf_exchange_release(sf_exchange_run **run);

/* Tunes a schedule by a pilot: `rounds` of these options in stages of 16, 32, 64, ... with random
 * numbers of its own, so that a run with the tuned schedule is not biased by it. After each stage
 * steps are changed for the kernel's moves to be accepted with this probability (0: what
 * sf_pilot_options has for the kernel), and if `place` the temperatures between the ends for all
 * swaps to be refused as often (equal shares of the barrier's monotone spline:
 * Syed et al. 2022, section 5). Its evaluations are added to the schedule's. */
SF_API sf_status sf_exchange_pilot(sf_path *path, const sf_exchange_options *options,
                                   double acceptance, bool place, sf_schedule *schedule);

typedef struct sf_exchange_report {
    sf_log_z estimate;                     /* MBAR over the states */
    sf_log_z forward, backward;            /* stepping stone */
    sf_thermodynamic_report thermodynamic; /* NaN, and not reliable, where f vanishes at an end */
    double hysteresis, hysteresis_error;   /* backward - forward */
    double time;                           /* of the estimate: integrated autocorrelation time, in
                                              rounds of all states together */
    double r_hat;                          /* of the estimate's terms, between copies and halves */
} sf_exchange_report;

/* log_z = log Z_1/Z_0 from a run, in four ways. Each is linear, to first order, in what a round of
 * a copy adds to it, and its error is that of the mean of this sequence, by sf_chains_diagnose or
 * by long batches, whichever is larger: it counts the correlations along a chain and, as replicas
 * wander, between the states. Unreliable
 * also where sequences are too short for their correlations, copies disagree (R-hat above 1.05),
 * no replica has made a round trip, or forward and backward are 4 errors apart. curve, curve_error
 * (states; NULL: not asked for): log Z_k/Z_0 by MBAR, and its error. SF_ERR_ARGUMENT for fewer
 * than 8 rounds. Cost: MBAR's, and states Fourier transforms of rounds x copies. */
SF_API sf_status sf_exchange_estimate(const sf_exchange_run *run, double *curve,
                                      double *curve_error, sf_exchange_report *report);

/* ---- work measured elsewhere ------------------------------------------------------------ */

typedef enum sf_work_unit {
    SF_WORK_KT,
    SF_WORK_KJ_PER_MOL,
    SF_WORK_KCAL_PER_MOL /* thermochemical: 4.184 kJ */
} sf_work_unit;

/* "kT", "kJ/mol" or "kcal/mol". */
SF_API sf_status sf_work_unit_parse(const char *text, sf_work_unit *unit);
/* kT in this unit at `temperature` kelvin (for SF_WORK_KT 1, and any temperature). */
SF_API sf_status sf_thermal_energy(sf_work_unit unit, double temperature, double *kt);
/* *log_weight (sf_free) = -W/kT of a text file with one work value a line, read by
 * sf_text_table_read, whose errors these are. inf and nan: a weight of zero. Also SF_ERR_FORMAT for
 * a work of -inf, SF_ERR_ARGUMENT for a temperature that is not positive. */
SF_API sf_status sf_work_read(const char *path, sf_work_unit unit, double temperature,
                              double **log_weight, size_t *count);

#ifdef __cplusplus
}
#endif
#endif
