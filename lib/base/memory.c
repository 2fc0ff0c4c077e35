/* memory.c - aligned, zeroed memory with checked sizes. */
#include "base/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALIGNMENT ((size_t)64)
#define LARGE     ((size_t)1 << 30)

/* Whether this machine has so many bytes at all. The system would promise them nevertheless, and
 * end the process when they are filled. */
static bool exists(size_t bytes)
{
    const long pages = bytes > LARGE ? sysconf(_SC_PHYS_PAGES) : 0, page = sysconf(_SC_PAGESIZE);

    return pages <= 0 || page <= 0 || bytes / (size_t)page <= (size_t)pages;
}

sf_status sf_allocate(void *pointer, size_t count, size_t size)
{
    void *memory = NULL;
    size_t bytes;

    memcpy(pointer, &memory, sizeof memory); /* NULL on every error */
    if (!sf_multiply_sizes(count, size, &bytes) || bytes > SIZE_MAX / 2 - ALIGNMENT)
        return sf_fail(SF_ERR_MEMORY, "%zu items of %zu bytes are more than memory can hold", count,
                       size);
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes == 0) bytes = ALIGNMENT;
    if (exists(bytes)) memory = aligned_alloc(ALIGNMENT, bytes);
    if (memory == NULL)
        return sf_fail(SF_ERR_MEMORY, "no memory for %zu items of %zu bytes (%.3g GiB)", count,
                       size, (double)bytes / 1073741824.0);
    memset(memory, 0, bytes);
    memcpy(pointer, &memory, sizeof memory);
    return SF_OK;
}

void sf_free(void *memory) { free(memory); }

sf_status sf_copy_memory(const void *source, size_t count, size_t size, void *copy)
{
    void *memory;

    SF_TRY(sf_allocate(copy, count, size));
    memcpy(&memory, copy, sizeof memory);
    if (count > 0 && size > 0) memcpy(memory, source, count * size);
    return SF_OK;
}

sf_status sf_copy_text(const char *text, char **copy)
{
    return sf_copy_memory(text, strlen(text) + 1, 1, copy);
}
