/* deblur_exposures.h - further frames of the scene that the first one shows. */
#ifndef SF_APPS_DEBLUR_EXPOSURES_H
#define SF_APPS_DEBLUR_EXPOSURES_H

#include "deblur_frame.h"

typedef struct deblur_exposure {
    deblur_options options; /* the command line's, with what is this frame's own */
    deblur_files files;
    deblur_frame frame;
    double shift[2];  /* its corner from the first one's: rows, columns, in pixels of that */
    double misplaced; /* pixels of the first by which the two are apart, at most, once shifted */
} deblur_exposure;

struct deblur_exposures {
    size_t count;
    deblur_exposure *exposure;
};

/* Reads the other frames of the command line and places them in `first`'s; which is then observed
 * with them. */
sf_status deblur_exposures_read(const deblur_options *options, deblur_frame *first);
/* Joins first->observation, of that frame alone, with all others at its resolution. */
sf_status deblur_exposures_join(deblur_frame *first);
void deblur_exposures_release(deblur_exposures **exposures);

#endif
