/* scorefield/mcmc.h - densities that are known up to a factor, and Markov chains on them and on the
 * bridges between them: Langevin and Hamiltonian moves, adjusted by Metropolis or weighted. */
#ifndef SCOREFIELD_MCMC_H
#define SCOREFIELD_MCMC_H

#include <scorefield/field.h>
#include <scorefield/prior.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- densities ----------------------------------------------------------------------------- */

/* A function f >= 0 on R^n with a finite integral Z, by log f and its gradient, the score.
 * Immutable, shared by reference count; many threads use one handle. */
typedef struct sf_density sf_density;

/* The interface, for the library's own densities and users' alike; `self` is what
 * sf_density_create was given. Points are `batch` rows of n values, finite. Called from many
 * threads at once on different arrays. */
typedef struct sf_density_methods {
    const char *name;
    /* log_density[b] = log f(x_b), and unless `score` is NULL its gradient (batch x n). Outside of
     * the support it is -infinity; NaN and +infinity count as that. The result for a point may not
     * depend on its place in the batch. */
    sf_status (*evaluate)(const void *self, size_t batch, const double *x, double *log_density,
                          double *score);
    /* Exact draws first ... first + batch - 1 of f/Z, each made of numbers that `random` has for
     * its own index; NULL: there are none. */
    sf_status (*draw)(const void *self, sf_random random, uint64_t first, size_t batch, double *x);
    /* log Z; NULL or NaN: unknown. */
    double (*log_z)(const void *self);
    void (*destroy)(void *self);
    bool no_score; /* evaluate leaves `score` alone: for random walks only */
    /* A density with exact draws and a known log Z, from which annealing may start; NULL: none is
     * known. */
    sf_status (*base)(const void *self, sf_density **base);
    /* NULL or 0: none. Else every coordinate is an angle: f has this period in each, its integral
     * is over one, and points may be anywhere and stand for what they are modulo the period. */
    double (*period)(const void *self);
    /* How many points evaluate is best given at once; NULL: any number, so that chains give it as
     * few as stay in a processor's first cache. */
    size_t (*together)(const void *self);
    /* precision = minus the Hessian of log f at x, n x n; NULL: others take differences of the
     * score. */
    sf_status (*precision)(const void *self, const double *x, double *precision);
    /* *affine = the density of z, x = mean + L z, as sf_density_affine defines it, where there is a
     * cheaper way to it than by x; else *affine = NULL. factor is L, n x n, of a positive diagonal;
     * what is above it is not read. NULL: there is none. */
    sf_status (*affine)(const void *self, const double *mean, const double *factor,
                        sf_density **affine);
} sf_density_methods;

/* Takes ownership of self, also on failure. `methods` must outlive the density. */
SF_API sf_status sf_density_create(const sf_density_methods *methods, void *self, size_t dimension,
                                   sf_density **density);
SF_API sf_density *sf_density_retain(sf_density *density);
SF_API void sf_density_release(sf_density **density);
SF_API size_t sf_density_dimension(const sf_density *density);
SF_API const char *sf_density_name(const sf_density *density);
SF_API double sf_density_log_z(const sf_density *density); /* NaN: unknown */
SF_API bool sf_density_can_draw(const sf_density *density);
SF_API bool sf_density_has_score(const sf_density *density);
SF_API double sf_density_period(const sf_density *density); /* 0: none */

/* The density's own suggestion of where to start; SF_ERR_UNSUPPORTED where it has none. phi^4: the
 * free field that is closest to it (Gibbs & Bogoliubov). */
SF_API sf_status sf_density_base(const sf_density *density, sf_density **base);

/* What is not a finite log f becomes -infinity, and its score 0. Runs in the calling thread;
 * score may be NULL. SF_ERR_UNSUPPORTED for the score of a density without one. */
SF_API sf_status sf_density_evaluate(const sf_density *density, size_t batch, const double *x,
                                     double *log_density, double *score);
/* Draws first ... first + batch - 1 of the generator (seed, stream). */
SF_API sf_status sf_density_draw(const sf_density *density, uint64_t seed, uint64_t stream,
                                 uint64_t first, size_t batch, double *x);

/* The coordinate where score and density agree the least. */
typedef struct sf_density_check_report {
    size_t point, index;
    double score, difference; /* what evaluate says, and what its log f says */
    double error;             /* |score - difference| over max(1, |either|) */
    bool agrees;
} sf_density_check_report;
/* The score against differences of log f, central and of fourth order, of steps 1e-3 max(1, |x|),
 * in every coordinate of `batch` points; agrees: every error <= tolerance (1e-6 is usual).
 * SF_ERR_NUMERIC where log f is not finite. Cost: 4 n evaluations a point. */
SF_API sf_status sf_density_check(const sf_density *density, size_t batch, const double *x,
                                  double tolerance, sf_density_check_report *report);

/* ---- the densities ------------------------------------------------------------------------- */

/* Normalised N(mean, diag(variance)); mean NULL: 0, variance NULL: 1. Exact draws. */
SF_API sf_status sf_density_gaussian(size_t dimension, const double *mean, const double *variance,
                                     sf_density **density);
/* Normalised N(mean, covariance), n x n: by its Cholesky factor. Exact draws.
 * SF_ERR_NUMERIC for a matrix that is not symmetric and positive definite. */
SF_API sf_status sf_density_gaussian_dense(size_t dimension, const double *mean,
                                           const double *covariance, sf_density **density);
/* log f = -sum_i a x_i^2 + b x_i^4; b >= 0, and a > 0 where b = 0. Exact draws, log Z by
 * quadrature. */
SF_API sf_status sf_density_quartic(size_t dimension, double a, double b, sf_density **density);
/* log f = -sum over pairs (x, y) of x^4 - 6 x^2 - x/2 + y^2/2 (Noe et al. 2019,
 * doi:10.1126/science.aaw1147); an even dimension. Exact draws, log Z by quadrature. */
SF_API sf_status sf_density_many_well(size_t dimension, sf_density **density);

/* f = sum_k weight_k exp(-|x - mean_k|^2 / (2 sigma_k^2)), the means components x n. Exact draws,
 * log Z known. */
SF_API sf_status sf_density_mixture(size_t dimension, size_t components, const double *weight,
                                    const double *mean, const double *sigma, sf_density **density);
/* Neal's funnel (2003, doi:10.1214/aos/1056562461), normalised: x_0 ~ N(0, 9), the others
 * ~ N(0, exp(x_0)); dimension >= 2. Exact draws. */
SF_API sf_status sf_density_funnel(size_t dimension, sf_density **density);
/* A Gaussian field without modes of no variance (SF_ERR_ARGUMENT), normalised. Exact draws. Two
 * transforms a point. */
SF_API sf_status sf_density_field(sf_field *field, sf_density **density);
/* The field of a density that sf_density_field has made, or NULL; it lives as long as that. */
SF_API const sf_field *sf_density_as_field(const sf_density *density);
/* log f = -S on a periodic lattice, S = sum over links (phi - phi')^2 + mass2 sum phi^2
 * + lambda sum phi^4. lambda >= 0; where it is 0, mass2 > 0, draws are exact and log Z is known. An
 * axis of two sites has two links between them. */
SF_API sf_status sf_density_phi4(int axes, const size_t *shape, double mass2, double lambda,
                                 sf_density **density);
/* S = 1/2 (sum over links (phi - phi')^2 + mass2 sum phi^2), mass2 > 0. Exact draws, log Z known.
 */
SF_API sf_status sf_density_free_scalar(int axes, const size_t *shape, double mass2,
                                        sf_density **density);
/* `count` particles in three dimensions (n = 3 count, axis by axis of particle by particle):
 * log f = -trap/2 sum |x_i|^2 - epsilon sum over pairs of (radius/d)^12 - 2 (radius/d)^6. */
SF_API sf_status sf_density_lennard_jones(size_t count, double trap, double epsilon, double radius,
                                          sf_density **density);
/* `count` particles in the plane without their centre of mass (n = 2 count - 2 orthonormal
 * coordinates): log f = sum over pairs of 4 (d - 4)^2 - 0.9 (d - 4)^4; four are known as DW4
 * (Kohler, Klein & Noe 2020, arXiv:2006.02425). */
SF_API sf_status sf_density_double_wells(size_t count, sf_density **density);
/* Normalised, constant in low <= x_i <= high and 0 elsewhere. Exact draws. */
SF_API sf_status sf_density_uniform(size_t dimension, double low, double high,
                                    sf_density **density);
/* Normalised, the same at all angles, of period 2 pi. Exact draws, in (0, 2 pi). */
SF_API sf_status sf_density_angles(size_t dimension, sf_density **density);
/* The XY model on a periodic lattice: log f = beta sum over links cos(theta - theta'), of period
 * 2 pi. log Z is known on one axis where |beta| <= 1e6. Links as above. */
SF_API sf_status sf_density_xy(int axes, const size_t *shape, double beta, sf_density **density);
/* A log-Gaussian Cox process of points in the unit square, on grid x grid cells whose log
 * intensities x are the coordinates (Moller, Syversveen & Waagepetersen 1998,
 * doi:10.1111/1467-9469.00115): log f = log N(x; mean, C) + sum y_i x_i - exp(x_i)/grid^2, with
 * C_ij = variance exp(-|i - j|/(grid length)) and y_i points in cell i. */
typedef struct sf_cox_options {
    size_t grid;
    double variance, length;
    double mean;   /* NaN: log(points) - variance/2 */
    bool whitened; /* the coordinates are z, x = mean + L z, C = L L^T; Z is the same */
} sf_cox_options;
/* 40 cells, variance 1.91, length 1/33, in x. */
SF_API sf_cox_options sf_cox_options_default(void);
/* points: count x 2. Base: the prior. Two products with a triangle of grid^2 rows a point; so, too,
 * after sf_density_affine with the factor that sf_laplace_find finds. */
SF_API sf_status sf_density_cox(size_t count, const double *points, const sf_cox_options *options,
                                sf_density **density);

/* Bayesian logistic regression: log f(beta) = sum_i log p_i + sum_j log N(beta_j; 0, sigma_j^2),
 * p_i = 1/(1 + exp(-s_i x_i . beta)), s_i = 2 y_i - 1. */
typedef struct sf_logistic_options {
    double sigma;     /* of the coefficients */
    double intercept; /* sigma of coefficient 0, whose predictor is 1; 0: there is none */
    double scale;     /* each predictor is shifted and scaled to mean 0 and this standard deviation,
                         and to 0 where it does not vary; 0: they stay as they are */
} sf_logistic_options;
/* All of them 1. */
SF_API sf_logistic_options sf_logistic_options_default(void);
/* x: rows x predictors, y: rows of 0 or 1. Base: the prior. */
SF_API sf_status sf_density_logistic(size_t rows, size_t predictors, const double *x,
                                     const double *y, const sf_logistic_options *options,
                                     sf_density **density);
/* log f = -energy of a prior at a noise level. SF_ERR_UNSUPPORTED for one without energy. */
SF_API sf_status sf_density_prior(sf_prior *prior, double sigma, sf_density **density);

/* ---- other coordinates --------------------------------------------------------------------- */

/* The density in coordinates z, x = mean + L z: log f(x) + log det L; Z stays what it is, and a
 * density like N(mean, L L^T) is round. L is diag(scale), or the lower triangle of factor, n x n,
 * C order; the other is NULL. mean NULL: 0. Exact draws and log Z where f has them. Cost, with a
 * factor: two products of n^2/2 a point, unless the density knows better. SF_ERR_ARGUMENT for a
 * diagonal that is not positive, and for angles. */
SF_API sf_status sf_density_affine(sf_density *density, const double *mean, const double *scale,
                                   const double *factor, sf_density **affine);
/* Rows z of x become mean + L z. */
SF_API sf_status sf_affine_apply(size_t dimension, const double *mean, const double *scale,
                                 const double *factor, size_t batch, double *x);

/* The normal density that touches log f at its mode in value and curvature (Laplace 1774). */
typedef struct sf_laplace {
    size_t dimension;
    double *mode;
    double *factor; /* L, lower triangle, n x n: L L^T is minus the inverse Hessian at the mode */
    double log_z;   /* log f(mode) + n/2 log 2 pi + log det L */
    size_t iterations;
    uint64_t
        evaluations; /* points where the density was, with its score; its own Hessian is none */
} sf_laplace;

/* The mode that ascent (BFGS) from `start` finds, NULL: from 0, and the Hessian there, the
 * density's own or by differences of the score. SF_ERR_NUMERIC where there is none: the ascent does
 * not end, or the Hessian is not negative definite. Cost: 2 n scores, n^3 operations, 4 matrices n
 * x n. */
SF_API sf_status sf_laplace_find(const sf_density *density, const double *start,
                                 sf_laplace *laplace);
SF_API void sf_laplace_release(sf_laplace *laplace);

/* `count` successive coordinates of x that are not free, and what free ones z they are made of. */
typedef enum sf_constraint {
    SF_CONSTRAINT_NONE,     /* x = z */
    SF_CONSTRAINT_POSITIVE, /* x = e^z */
    SF_CONSTRAINT_BOX,      /* x = low + (high - low)/(1 + e^-z) */
    SF_CONSTRAINT_SIMPLEX   /* x_i > 0 of the sum 1, x_i = e^z_i/sum_j e^z_j: one z less, for the
                               last one is 0 (Aitchison 1982). Integrals leave out the last x */
} sf_constraint;
typedef struct sf_map {
    sf_constraint constraint;
    size_t count;
    double low, high; /* of a box */
} sf_map;

/* Coordinates of x and of z. SF_ERR_ARGUMENT for maps of nothing, a simplex of one, a box without
 * inside. */
SF_API sf_status sf_map_dimensions(const sf_map *maps, size_t count, size_t *constrained,
                                   size_t *free);
/* x (batch x constrained) of z (batch x free), and back: SF_ERR_ARGUMENT for x outside. */
SF_API sf_status sf_map_apply(const sf_map *maps, size_t count, size_t batch, const double *z,
                              double *x);
SF_API sf_status sf_map_invert(const sf_map *maps, size_t count, size_t batch, const double *x,
                               double *z);
/* The density of z: log f(x(z)) + log |dx/dz|, so that Z stays what it is. Its score is that of f,
 * as a function of all x, by the chain rule. Exact draws and log Z where f has them. SF_ERR_SHAPE
 * where f has not as many coordinates, SF_ERR_ARGUMENT for angles. */
SF_API sf_status sf_density_mapped(sf_density *density, const sf_map *maps, size_t count,
                                   sf_density **mapped);

/* ---- loaded densities ---------------------------------------------------------------------- */

/* exp(-energy) of the shared object at `path`, which scorefield/energy.h is the interface of. It
 * stays loaded as long as the density is there. SF_ERR_IO: no such file; SF_ERR_FORMAT: no shared
 * object, or without the symbol; SF_ERR_UNSUPPORTED: of another version; SF_ERR_ARGUMENT: without
 * dimension or function. What is loaded runs as part of the program: load what you trust. */
SF_API sf_status sf_density_load(const char *path, sf_density **density);

/* ---- densities by name --------------------------------------------------------------------- */

/* A density from the text of a command line, NAME:KEY=VALUE,... as sf_density_names has it; shapes
 * are 16x16. SF_ERR_ARGUMENT with the part that is wrong. */
SF_API sf_status sf_density_parse(const char *text, sf_density **density);
/* "phi4:shape=N[xN...],mass2=M,lambda=L", ...: how each is written, [] what may be left out; NULL
 * after the last. */
SF_API const char *const *sf_density_names(void);

/* ---- paths --------------------------------------------------------------------------------- */

/* A family of densities f_b, 0 <= b <= 1, from f_0 to f_1. Immutable, shared by reference count. */
typedef struct sf_path sf_path;

/* For paths of one's own; `self` is what sf_path_create was given. Called from many threads. */
typedef struct sf_path_methods {
    const char *name;
    /* *density = f_b (released by the caller): cheap, as it is asked for at every temperature. */
    sf_status (*at)(const void *self, double b, sf_density **density);
    /* slope[i] = d log f_b/db at x_i (batch x n); NULL: unknown, so no thermodynamic integration */
    sf_status (*slope)(const void *self, double b, size_t batch, const double *x, double *slope);
    void (*destroy)(void *self);
} sf_path_methods;

/* Takes ownership of self, also on failure. `methods` must outlive the path. */
SF_API sf_status sf_path_create(const sf_path_methods *methods, void *self, size_t dimension,
                                sf_path **path);
/* log f_b = (1 - b) log f0 + b log f1. Chains evaluate either once for all b. SF_ERR_ARGUMENT where
 * one has a period and the other has not the same. */
SF_API sf_status sf_path_geometric(sf_density *f0, sf_density *f1, sf_path **path);
/* log f_b = ((1 - b) b0 + b) log f, 0 <= b0 <= 1: an energy at two temperatures. With b0 = 1 all
 * of it is f. Chains evaluate f once for all b. */
SF_API sf_status sf_path_tempering(sf_density *f, double b0, sf_path **path);
/* Gaussian fields of mean (1 - b) m0 + b m1 and spectrum (1 - b) P0 + b P1, normalised: log Z is 0
 * all along, and slopes, of two transforms, average to 0. SF_ERR_SHAPE for two grids;
 * sf_density_field's errors when it is walked. */
SF_API sf_status sf_path_field_variance(const sf_field *field0, const sf_field *field1,
                                        sf_path **path);
SF_API sf_path *sf_path_retain(sf_path *path);
SF_API void sf_path_release(sf_path **path);
SF_API size_t sf_path_dimension(const sf_path *path);
SF_API const char *sf_path_name(const sf_path *path);
/* *density = f_b; at the ends of a geometric path the density that it was made of. */
SF_API sf_status sf_path_at(const sf_path *path, double b, sf_density **density);
SF_API bool sf_path_has_slope(const sf_path *path);
/* slope[i] = d log f_b/db at x_i (batch x n). SF_ERR_UNSUPPORTED where it is unknown. */
SF_API sf_status sf_path_slope(const sf_path *path, double b, size_t batch, const double *x,
                               double *slope);

/* ---- chains -------------------------------------------------------------------------------- */

typedef enum sf_kernel_kind {
    SF_KERNEL_MALA,        /* Roberts & Tweedie 1996: x + e C s + sqrt(2e) C^1/2 n, Metropolis */
    SF_KERNEL_HMC,         /* Duane et al. 1987: `leapfrogs` steps of e, Metropolis */
    SF_KERNEL_RANDOM_WALK, /* x + e C^1/2 n, Metropolis; needs no score */
    SF_KERNEL_OU,          /* m + exp(-e) (x - m) + sqrt(1 - exp(-2e)) C^1/2 n, Metropolis: always
                              accepted where the target is N(m, C), elsewhere preconditioned
                              Crank-Nicolson (Cotter et al. 2013, arXiv:1202.0709); no score, and
                              no angles, which have no m */
    SF_KERNEL_ULA,         /* MALA's move, unadjusted: its densities there and back are weights */
    SF_KERNEL_UNDERDAMPED  /* `leapfrogs` steps of e with a momentum that is kept in part,
                              unadjusted; the energy error is weight (Neal 2001; Thin et al. 2021,
                              arXiv:2106.15921; Geffner & Domke 2021, arXiv:2107.04150) */
} sf_kernel_kind;

/* C is diag(scale^2), or the field's covariance, or 1; m the field's mean, or 0. */
typedef struct sf_kernel {
    sf_kernel_kind kind;
    double step;           /* e > 0 */
    size_t leapfrogs;      /* HMC, underdamped: >= 1 */
    double friction;       /* underdamped: exp(-friction e leapfrogs) of the momentum is kept */
    double jitter;         /* each chain's step is e (1 +- jitter), uniform; 0 ... < 1 */
    const double *scale;   /* n standard deviations; NULL: 1 */
    const sf_field *field; /* n cells, two transforms a use; NULL: none */
} sf_kernel;
/* HMC: ten steps of 0.1, jitter 0.2, friction 1. */
SF_API sf_kernel sf_kernel_default(void);

/* Chains on a path, with what is known of them, so that nothing is evaluated twice:
 *     log f_b = share[0] log f0 + share[1] log f1.
 * On a bridge (geometric, tempering) f0 and f1 are its ends, and going to another b costs nothing;
 * on other paths f1 is f_b, and every change of b costs an evaluation. Arrays may be read between
 * calls, and chains are numbered first ... first + batch - 1: the numbers of a move depend on
 * (seed, stream), chain, stage and move alone, and results are the same bits on any number of
 * threads and with the chains cut into batches anyhow.
 *
 * log_weight: averages of exp(log_weight) are Z_b/Z_start, and averages with these weights are
 * those of f_b/Z_b, for every kernel and ANY step, when the chains have begun with draws at
 * b = start (Neal 2001, doi:10.1023/A:1008923215028). It grows by
 *     log f_b'(x) - log f_b(x)                                  from b to b', before the moves
 *     log f_b(x') - log f_b(x) + log of backward over forward   with each unadjusted move
 * A chain where f_b = 0 has log_weight -infinity for good and stays where it is; it still counts
 * in averages. */
typedef struct sf_chains {
    sf_path *path;
    sf_density *f0, *f1; /* f0 NULL: its share is 0 */
    size_t dimension, batch;
    uint64_t seed, stream, first;
    double b, share[2];
    uint64_t stage;          /* calls of sf_chains_move since the start */
    double *x;               /* batch x n */
    double *log_f0, *log_f1; /* batch: at x */
    double *score0, *score1; /* batch x n, when `scored` */
    bool scored;
    double *momentum;     /* batch x n: the underdamped move's, in units of C^-1/2 */
    double *log_weight;   /* batch */
    size_t *accepted;     /* batch: moves since the start that were */
    uint64_t moves;       /* of each chain since the start */
    uint64_t evaluations; /* points where the path was evaluated since the start */
} sf_chains;

/* Retains the path. SF_ERR_ARGUMENT for no chains. Memory: three batches, one more where f0 is. */
SF_API sf_status sf_chains_create(sf_path *path, uint64_t seed, uint64_t stream, uint64_t first,
                                  size_t batch, sf_chains **chains);
SF_API void sf_chains_release(sf_chains **chains);
/* Puts the chains at x (batch x n) and b, with weights 1 and new momenta, stage 0.
 * SF_ERR_NUMERIC for x not finite. */
SF_API sf_status sf_chains_start(sf_chains *chains, const double *x, double b);
/* To b in [0, 1], then `moves` (0 too) of the kernel on f_b; blocks of chains go to threads. After
 * an error the chains are of no use until they are started again. */
SF_API sf_status sf_chains_move(sf_chains *chains, const sf_kernel *kernel, double b, size_t moves);
/* slope[i] = d log f_b/db of chain i, for nothing on a bridge. SF_ERR_UNSUPPORTED where the path
 * does not know it. */
SF_API sf_status sf_chains_slope(const sf_chains *chains, double *slope);
/* Chain i becomes a copy of chain from[i]: resampling. Weights and counts go with it. */
SF_API sf_status sf_chains_select(sf_chains *chains, const size_t *from);

/* ---- diagnostics --------------------------------------------------------------------------- */

/* Of one quantity along chains. */
typedef struct sf_chains_diagnosis {
    double mean, variance;
    double error;     /* of the mean: sqrt(variance / effective) */
    double r_hat;     /* split R-hat of the ranks, the larger of that of the draws and that of their
                         distance to the median (Vehtari et al. 2021, doi:10.1214/20-BA1221): 1 where
                         all halves of chains agree; above 1.01 they do not */
    double effective; /* how many independent draws the mean is worth */
    double bulk;      /* the same for the ranks: also where there is no variance */
    double tail;      /* the same for the 5 % and the 95 % quantile: the lower of the two */
    double time;      /* integrated autocorrelation time, in draws: 1 for independent ones */
    bool long_enough; /* false: correlations last beyond half a chain, and `time` is too short */
} sf_chains_diagnosis;
/* x: chains x draws, C order. Chains that stand still have r_hat and error NaN, or infinite where
 * they stand apart, and effective 0. SF_ERR_ARGUMENT for fewer than 8 draws, SF_ERR_NUMERIC for x
 * not finite. Cost: five Fourier transforms and three sorts of all. */
SF_API sf_status sf_chains_diagnose(size_t chains, size_t draws, const double *x,
                                    sf_chains_diagnosis *diagnosis);

#ifdef __cplusplus
}
#endif
#endif
