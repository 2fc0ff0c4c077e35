/* companion.h - images that belong to a frame: noise, mask, truth. */
#ifndef SF_APPS_COMPANION_H
#define SF_APPS_COMPANION_H

#include <scorefield/io.h>

/* An image of the frame's shape. */
sf_status companion_read(const char *path, const sf_fits *frame, sf_fits **fits);
/* The extension of the frame's file of the first name that it has, which is *name; *fits stays NULL
 * when it has none. `option` does without it. */
sf_status companion_find(const char *input, const char *const *names, const char *option,
                         const sf_fits *frame, sf_fits **fits, const char **name);
/* For the reader: "extension ERR of the frame's file". */
void companion_name(const sf_fits *frame, const char *name, char *text, size_t size);

#endif
