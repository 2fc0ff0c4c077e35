/* ridge.h - the energy of a convex-ridge regulariser on a grid, in units u = x/s of its scale:
 *     R(u) = sum over filters i and places n of psi_i((w_i * u)_n),
 *     psi_i = sum_j a_ij h_j,   h_j(t) = t^2/2 where |t| <= b_j, else b_j |t| - b_j^2/2.
 * A place is where all of the filter lies on the grid. */
#ifndef SF_PRIOR_RIDGE_H
#define SF_PRIOR_RIDGE_H

#include <scorefield/prior.h>

#include <stdatomic.h>

struct sf_ridge {
    atomic_int references;
    size_t filters, side, knots;
    double *taps;      /* filters x side x side: (w * u)_n = sum_m w_m u_(n + m) */
    double *threshold; /* knots: b, may be infinite */
    double *slope;     /* filters x knots: a >= 0 */
};

/* The ridge on a grid: transforms of its filters. */
typedef struct sf_ridge_plan {
    const sf_ridge *ridge;
    sf_grid grid;
    size_t cells, half;
    sf_fft *fft;
    sf_complex *filter; /* filters x half: w_i on the half spectrum, as a correlation */
    double *curvature;  /* half: sum_i (sum_j a_ij) |w_i|^2, which R'' is below everywhere */
} sf_ridge_plan;

/* Borrows the ridge. SF_ERR_SHAPE for a grid of other than two axes, or smaller than a filter. */
sf_status sf_ridge_plan_create(const sf_ridge *ridge, const sf_grid *grid, sf_ridge_plan **plan);
void sf_ridge_plan_release(sf_ridge_plan **plan);

/* Memory to evaluate with, for one thread at a time. */
typedef struct sf_ridge_work sf_ridge_work;
sf_status sf_ridge_work_create(const sf_ridge_plan *plan, sf_ridge_work **work);
void sf_ridge_work_release(sf_ridge_work **work);

/* *value = R, gradient += factor F R', of the field whose half spectrum is u (kept). */
sf_status sf_ridge_evaluate(sf_ridge_work *work, const sf_complex *u, double factor, double *value,
                            sf_complex *gradient);
/* Takes the second derivative R'' at u: a matrix. Memory: a field for each filter. */
sf_status sf_ridge_fix(sf_ridge_work *work, const sf_complex *u);
/* out += factor F R'' v of where it was fixed. */
sf_status sf_ridge_curve(sf_ridge_work *work, const sf_complex *v, double factor, sf_complex *out);

/* The inner product of two fields by their half spectra, in a fixed order; with `metric`, of the
 * first field and the second one divided by it, mode by mode. */
double sf_ridge_inner(const sf_grid *grid, const sf_complex *a, const sf_complex *b,
                      const double *metric);

/* E(u) = data(u) + strength R(u) at its minimum, by accelerated gradient steps in a metric M that
 * is diagonal in Fourier space and above E'' everywhere: q_(k+1) = p_k - M^-1 E'(p_k),   p_(k+1) =
 * q_(k+1) + momentum (q_(k+1) - q_k) (Nesterov 1983; Beck & Teboulle 2009), and where E(p_(k+1)) is
 * not below E(p_k) by a quarter of |E'(p_k)|^2_(M^-1), p_(k+1) = q_(k+1) and the momentum begins
 * anew; q is below by half of that. So E falls with every step, the sum of all |E'|^2 is bounded by
 * E(p_0) - min E, and since E is convex E(p) tends to its minimum wherever that is attained. */
typedef struct sf_ridge_problem {
    sf_ridge_work *work;
    const sf_ridge_plan *plan;
    double strength;
    const double *metric; /* half: M */
    /* value and gradient (set) of the data's part at p */
    sf_status (*data)(void *user, const sf_complex *p, double *value, sf_complex *gradient);
    void *user;
    double tolerance;   /* the rms of E' in the metric M^-1 to stop at */
    size_t iterations;  /* at most */
    sf_monitor monitor; /* stage `stage`, residual = that rms, no image */
    const char *stage;
} sf_ridge_problem;

typedef struct sf_ridge_outcome {
    size_t iterations;
    double energy, residual;
    bool converged, stopped;
} sf_ridge_outcome;

/* p: where to begin, and where it ends. */
sf_status sf_ridge_minimise(const sf_ridge_problem *problem, sf_complex *p,
                            sf_ridge_outcome *outcome);

/* z = argmin |z - u|^2/2 + strength R(z), up to an rms error of `tolerance`, of half spectra;
 * *energy = that minimum. SF_ERR_NUMERIC where that cannot be reached. */
sf_status sf_ridge_proximal(const sf_ridge_plan *plan, sf_ridge_work *work, double strength,
                            double tolerance, const sf_complex *u, sf_complex *z, double *energy);
/* out = (1 + strength R'')^-1 v where R'' was fixed, by conjugate gradients to `tolerance` of v. */
sf_status sf_ridge_resolve(const sf_ridge_plan *plan, sf_ridge_work *work, double strength,
                           double tolerance, const sf_complex *v, sf_complex *out);

#endif
