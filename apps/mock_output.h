/* mock_output.h - what sf-mock leaves: FITS file, picture, report, figures on the terminal. */
#ifndef SF_APPS_MOCK_OUTPUT_H
#define SF_APPS_MOCK_OUTPUT_H

#include "mock_field.h"

/* Whether the outputs could be written: asked before the computation. */
sf_status mock_output_check(const mock_options *options);
/* All of them or none: where one cannot be written, those before it are removed. */
sf_status mock_output_write(const mock_options *options, const mock_fields *m);
void mock_output_print(const mock_options *options, const mock_fields *m);

#endif
