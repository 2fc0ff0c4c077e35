/* plot_curves.h - curves in a frame of their own on a page that has other things, too. */
#ifndef SF_IO_PLOT_CURVES_H
#define SF_IO_PLOT_CURVES_H

#include "io/plot_page.h"

/* Title, frame, axes, curves and legend within the area; SF_ERR_NUMERIC for a range beyond a
 * double's. */
sf_status sf_page_curves(const sf_frame *curves, double x, double y, double width, double height);
/* SF_ERR_ARGUMENT for no curves and for too many. */
sf_status sf_curves_check(const char *path, size_t count);

#endif
