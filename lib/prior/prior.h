/* prior.h - what other rooms may know of a prior beside its views. */
#ifndef SF_PRIOR_PRIOR_H
#define SF_PRIOR_PRIOR_H

#include <scorefield/prior.h>

/* What a prior was created with if these are its methods, else NULL. */
const void *sf_prior_self(const sf_prior *prior, const sf_prior_methods *methods);
/* Whether it has a method `pull`. */
bool sf_prior_pulls(const sf_prior *prior);
/* Whether its proximal steps are those of one convex function, the same at every level. */
bool sf_prior_is_convex(const sf_prior *prior);
/* The field behind a prior of sf_prior_gaussian; NULL for any other. */
const sf_field *sf_prior_field(const sf_prior *prior);

#endif
