/* whiten.h - preconditioning as a change of coordinates, x = m + C^1/2 z, in which a target like
 * N(m, C) is round. C is a diagonal, or a Gaussian field's covariance: then its root is a filter,
 * symmetric like C itself. Scores in z are C^1/2 times scores in x. */
#ifndef SF_MCMC_WHITEN_H
#define SF_MCMC_WHITEN_H

#include <scorefield/mcmc.h>

typedef struct sf_whiten {
    size_t n;
    double mean;         /* m */
    const double *scale; /* the diagonal's root, the kernel's own; or */
    sf_fft *fft;         /* the field's transform and */
    double *root;        /* sqrt(lambda) of the half spectrum, */
    double *reciprocal;  /* and 1/sqrt(lambda), 0 for modes without variance */
    size_t work;         /* complex values that a filter works in */
} sf_whiten;

/* SF_ERR_SHAPE, SF_ERR_ARGUMENT of the kernel's scale and field. */
sf_status sf_whiten_create(const sf_kernel *kernel, size_t n, sf_whiten *whiten);
/* Whether C is 1. */
static inline bool sf_whiten_is_none(const sf_whiten *whiten)
{
    return whiten->fft == NULL && whiten->scale == NULL;
}
void sf_whiten_free(sf_whiten *whiten);
/* *v = C^1/2 *v for `count` rows, in `room` (which *v may be already) unless C is 1; `work` is the
 * thread's own. */
sf_status sf_whiten_colour(const sf_whiten *whiten, size_t count, sf_complex *work, double *room,
                           const double **v);
/* v = C^-1/2 v */
sf_status sf_whiten_bleach(const sf_whiten *whiten, size_t count, sf_complex *work, double *v);

#endif
