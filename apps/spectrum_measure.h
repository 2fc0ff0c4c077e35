/* spectrum_measure.h - the figures of sf-spectrum, from a field or from a theory alone. */
#ifndef SF_APPS_SPECTRUM_MEASURE_H
#define SF_APPS_SPECTRUM_MEASURE_H

#include "spectrum_output.h"

/* Fills the result. Release in any case. */
sf_status spectrum_measure(const spectrum_options *options, sf_monitor monitor, spectrum_result *r);
sf_status spectrum_tabulate(const spectrum_options *options, spectrum_result *r);
void spectrum_result_release(spectrum_result *r);

#endif
