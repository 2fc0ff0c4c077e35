/* spectrum_statistics.h - what sf-spectrum measures beside P(k). */
#ifndef SF_APPS_SPECTRUM_STATISTICS_H
#define SF_APPS_SPECTRUM_STATISTICS_H

#include "spectrum_output.h"

/* Each does nothing where it was not asked for. The field is only read. */
sf_status spectrum_correlation(const spectrum_options *options, const spectrum_input *input,
                               spectrum_result *r);
sf_status spectrum_bispectrum(const spectrum_options *options, const spectrum_input *input,
                              spectrum_result *r);
/* Room for P(k_perp, k_par), and its bins. */
sf_status spectrum_plane(const spectrum_options *options, const sf_bins *bins, spectrum_result *r);
/* xi(r) of a theory alone. */
sf_status spectrum_correlation_of_theory(const spectrum_options *options, spectrum_result *r);

#endif
