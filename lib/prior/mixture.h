/* mixture.h - Gaussian mixtures as this room's files see them: every component in its own axes,
 * where its covariance is diagonal and noise only adds to it. */
#ifndef SF_PRIOR_MIXTURE_H
#define SF_PRIOR_MIXTURE_H

#include <scorefield/prior.h>

typedef struct sf_components {
    size_t n, count;
    double *log_weight; /* of probabilities that add up to 1 */
    double *upto;       /* probabilities of components 0 ... k together */
    double *mean;       /* count x n */
    double *variance;   /* count x n: along the axes */
    double *axis;       /* count x n x n: row j of a component is its unit vector j; NULL: the
                           coordinate axes */
} sf_components;

/* SF_ERR_ARGUMENT, SF_ERR_NUMERIC for what is no mixture; the eigenvectors of full covariances. */
sf_status sf_components_create(const sf_mixture *mixture, sf_components **components);
void sf_components_release(sf_components **components);
/* out = Q_k y, with the component's axes as the columns of Q_k; and out = Q_k^T x. */
void sf_components_from_axes(const sf_components *c, size_t k, const double *y, double *out);
void sf_components_to_axes(const sf_components *c, size_t k, const double *x, double *out);

/* The rows weight, sigma, mean's coordinates of a text file: *parts (sf_free) = `count` weights,
 * `count` sigmas, and the means, count x dimension. */
sf_status sf_mixture_read_rows(const char *path, size_t *count, size_t *dimension, double **parts);

#endif
