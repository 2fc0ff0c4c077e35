/* state.h - files of a computation's state, for going on later: arrays in the machine's own byte
 * order, with a mark of their kind in front and a check sum at the end. */
#ifndef SF_IO_STATE_H
#define SF_IO_STATE_H

#include "io/output.h"

#include <stdio.h>

/* A file on its way; it takes the place of `path` when it is whole and on the disk, so that at any
 * moment there is the old one or the new one. */
typedef struct sf_state_writer {
    sf_output output;
    uint64_t hash;
} sf_state_writer;

sf_status sf_state_create(const char *path, uint64_t magic, sf_state_writer *writer);
sf_status sf_state_put(sf_state_writer *writer, const void *bytes, size_t size);
/* With `status` that of all puts: on an error nothing stays. Releases the writer. */
sf_status sf_state_commit(sf_state_writer *writer, sf_status status);

typedef struct sf_state_reader {
    FILE *file;
    char *path;
    size_t rest; /* bytes until the check sum */
} sf_state_reader;

/* Opens a file after a look at all of it. SF_ERR_IO: there is none, or it cannot be read;
 * SF_ERR_FORMAT: another kind, named `kind` in the sentence, or damaged. */
sf_status sf_state_open(const char *path, uint64_t magic, const char *kind,
                        sf_state_reader *reader);
sf_status sf_state_get(sf_state_reader *reader, void *bytes, size_t size);
void sf_state_close(sf_state_reader *reader);

#endif
