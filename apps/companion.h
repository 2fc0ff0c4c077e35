/* companion.h - images in a frame's own file that belong to it: noise, mask. */
#ifndef SF_APPS_COMPANION_H
#define SF_APPS_COMPANION_H

#include "deblur_files.h"

/* The box of the extension of the first name that the frame's file has, which is *name; *fits stays
 * NULL when it has none. `option` does without it. */
sf_status companion_find(deblur_files *files, const deblur_box *box, const char *input,
                         const char *const *names, const char *option, const sf_fits *frame,
                         sf_fits **fits, const char **name);
/* For the reader: "extension ERR of the frame's file". */
void companion_name(const sf_fits *frame, const char *name, char *text, size_t size);

#endif
