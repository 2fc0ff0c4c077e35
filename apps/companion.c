/* companion.c - images in a frame's own file that belong to it: noise, mask. */
#include "companion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ",2" for the second frame of a file of several, whose extension is [ERR,2]; else "". */
static const char *version_of(const sf_fits *frame, char text[16])
{
    double version = 1.0;

    text[0] = '\0';
    if (sf_fits_get_double(frame, "EXTVER", &version) && version > 1.0 && version < 1e6)
        (void)snprintf(text, 16, ",%d", (int)version);
    return text;
}

sf_status companion_find(deblur_files *files, const deblur_box *box, const char *input,
                         const char *const *names, const char *option, const sf_fits *frame,
                         sf_fits **fits, const char **name)
{
    const char *bracket = strrchr(input, '[');
    const size_t size = strlen(input) + 32;
    sf_status status = SF_OK;
    char *path, version[16];

    if (bracket == NULL || input[strlen(input) - 1] != ']') bracket = input + strlen(input);
    path = malloc(size);
    if (path == NULL) return sf_fail(SF_ERR_MEMORY, "%s: no memory for its name", input);
    for (int i = 0; names[i] != NULL && *fits == NULL && status == SF_OK; i++) {
        *name = names[i];
        (void)snprintf(path, size, "%.*s[%s%s]", (int)(bracket - input), input, names[i],
                       version_of(frame, version));
        status = deblur_files_read(files, path, box, fits);
        if (status == SF_ERR_ARGUMENT)
            status = SF_OK; /* no such HDU */
        else if (status != SF_OK)
            (void)sf_fail(status, "extension %s%s: %s; %s does without it", names[i], version,
                          sf_last_error(), option);
    }
    free(path);
    return status;
}

void companion_name(const sf_fits *frame, const char *name, char *text, size_t size)
{
    char version[16];

    (void)snprintf(text, size, "extension %s%s of the frame's file", name,
                   version_of(frame, version));
}
