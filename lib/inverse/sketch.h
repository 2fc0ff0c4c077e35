/* sketch.h - what the data say by themselves, for samplers to begin at. */
#ifndef SF_INVERSE_SKETCH_H
#define SF_INVERSE_SKETCH_H

#include "inverse/observation.h"

/* The data's solution with a membrane's smoothness, which continues it into the unobserved cells,
 * and how large its values are but for a few. */
sf_status sf_observation_sketch(const sf_observation *observation, double *scene, double *range);

#endif
