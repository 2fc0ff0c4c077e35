/* sample_prior.h - the prior that sf-sample draws from, and the levels of noise that this needs. */
#ifndef SF_APPS_SAMPLE_PRIOR_H
#define SF_APPS_SAMPLE_PRIOR_H

#include "field_prior.h"
#include "sample_options.h"

typedef struct sample_prior {
    sf_grid grid;
    sf_prior *free;  /* what was named, */
    sf_prior *prior; /* and with the constraints */
    field_prior field;
    theory theory;
    double low, high, floor;     /* levels; a sample that is noisier than the floor is none */
    double *mean;                /* of the prior; NULL: 0 */
    double variance;             /* of a cell */
    double trained[2];           /* levels that a network was trained at; 0: unknown */
    sf_fits *known;              /* NULL: none */
    sf_fits *given;              /* images whose density is asked for; NULL: samples are */
    size_t count;                /* of images, or of samples to be drawn */
    size_t known_cells, weights; /* of a network */
} sample_prior;

/* Release in any case. */
sf_status sample_prior_create(const sample_options *options, sample_prior *p);
void sample_prior_release(sample_prior *p);
/* Whether steps go where the network has not been trained. */
bool sample_prior_is_beyond(const sample_prior *p);
bool sample_prior_is_constrained(const sample_options *options);
/* sample_network.c: p->grid is known. */
sf_status sample_network_create(const sample_options *options, sample_prior *p);

#endif
