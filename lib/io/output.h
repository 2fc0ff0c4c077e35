/* output.h - a file that appears whole or not at all. */
#ifndef SF_IO_OUTPUT_H
#define SF_IO_OUTPUT_H

#include "base/internal.h"

#include <scorefield/io.h>

/* A file on its way: without a name, or, where that cannot be, with one of its own beside the
 * target. Zeroed: none. */
typedef struct sf_output {
    char *path;      /* as the user wrote it, for messages */
    char *target;    /* where it will be: symbolic links followed */
    char *temporary; /* a name beside it */
    bool named;      /* the file has that name; else it has none, and goes with the process */
    bool overwrite;
    int fd; /* open for reading and writing until committed; -1 none */
} sf_output;

/* Creates the temporary file. */
sf_status sf_output_create(const char *path, bool overwrite, sf_output *output);
sf_status sf_output_write(sf_output *output, const void *bytes, size_t size);
/* Flushes to the disk and renames. Releases the output in any case; on an error nothing stays. */
sf_status sf_output_commit(sf_output *output);
/* The whole of a file at once. */
sf_status sf_output_file(const char *path, bool overwrite, const void *bytes, size_t size);
/* Removes the temporary file and releases; after a commit it does nothing. */
void sf_output_discard(sf_output *output);

#endif
