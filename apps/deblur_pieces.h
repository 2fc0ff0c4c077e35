/* deblur_pieces.h - what is kept of a frame that goes in pieces: decisions for its planes, figures
 * of its tiles, and their pixels. */
#ifndef SF_APPS_DEBLUR_PIECES_H
#define SF_APPS_DEBLUR_PIECES_H

#include "deblur_sample.h"

/* What is noted of a tile, all of it numbers. */
typedef struct deblur_figures {
    sf_diagnostics_sums sums;
    double iterations, seconds, stop;
} deblur_figures;

typedef struct deblur_pieces {
    const deblur_options *options;
    deblur_files *files;
    sf_grid plane; /* of the frame */
    size_t planes;
    sf_tiling tiling; /* of each plane */
    sf_psf *psf;      /* of the plane in work */
    sf_store *store;  /* the result, then the residual: planes as in the frame */
    char noise_source[96], mask_source[64];
} deblur_pieces;

/* The store, which is the checkpoint where there is one; all else is there. */
sf_status deblur_pieces_open(deblur_pieces *pieces);
sf_status deblur_note_decision(const deblur_pieces *pieces, size_t plane,
                               const deblur_decision *decision);
sf_status deblur_recall_decision(const deblur_pieces *pieces, size_t plane,
                                 deblur_decision *decision, bool *found);
/* Of a tile by its plane's last decision. */
sf_status deblur_note_figures(const deblur_pieces *pieces, size_t plane, size_t tile,
                              const deblur_figures *figures);
sf_status deblur_recall_figures(const deblur_pieces *pieces, size_t plane, size_t tile,
                                deblur_figures *figures, bool *found);
/* All tiles are done: FITS file, report, figures on the terminal. */
sf_status deblur_pieces_write(const deblur_pieces *pieces);

#endif
