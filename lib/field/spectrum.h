/* spectrum.h - what the files of this room share. */
#ifndef SF_FIELD_SPECTRUM_H
#define SF_FIELD_SPECTRUM_H

#include <scorefield/field.h>

#include "base/internal.h"

/* SF_ERR_ARGUMENT unless previous_k < k and 0 < power, all finite; `where` begins the sentence. */
sf_status sf_spectrum_point_check(double k, double power, double previous_k, const char *where);

#endif
