/* catch.h - what another library writes to a file of a name, caught in memory. */
#ifndef SF_IO_CATCH_H
#define SF_IO_CATCH_H

#include "base/internal.h"

typedef struct sf_catch sf_catch;

/* From now on what is written to `path`, which must not exist, goes to memory. Errors: SF_ERR_IO
 * (no pipe there), SF_ERR_LIBRARY (no thread), SF_ERR_MEMORY. */
sf_status sf_catch_begin(const char *path, sf_catch **caught);
/* Removes the file, which its writers have closed, and gives all they wrote, for sf_free; *caught
 * is NULL afterwards in any case. Errors: SF_ERR_MEMORY. */
sf_status sf_catch_end(sf_catch **caught, unsigned char **bytes, size_t *size);

#endif
