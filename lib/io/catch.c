/* catch.c - a named pipe that a thread reads: unlike a file it has room on a full disk. */
#include "io/catch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sf_catch {
    char *path;
    bool exists;             /* at that path */
    int read_end, write_end; /* ours keeps the pipe open before and between other writers */
    pthread_t thread;
    FILE *stream; /* into the memory that it makes */
    char *bytes;
    size_t size;
};

/* Reads on even if there is no more memory, which the stream remembers: writers must not wait. */
static void *listen(void *user)
{
    const sf_catch *c = user;
    char piece[4096];

    for (;;) {
        const ssize_t got = read(c->read_end, piece, sizeof piece);

        if (got > 0)
            (void)fwrite(piece, 1, (size_t)got, c->stream);
        else if (got == 0 || errno != EINTR)
            return NULL;
    }
}

/* Everything but the thread. */
static void release(sf_catch **caught)
{
    sf_catch *c = *caught;

    if (c->read_end >= 0) (void)close(c->read_end);
    if (c->write_end >= 0) (void)close(c->write_end);
    if (c->exists) (void)unlink(c->path);
    if (c->stream != NULL) (void)fclose(c->stream);
    free(c->bytes);
    sf_free(c->path);
    sf_free(c);
    *caught = NULL;
}

/* Opened for reading first, which without a writer must not wait. */
static bool open_pipe(sf_catch *c)
{
    c->exists = mkfifo(c->path, 0600) == 0;
    if (!c->exists) return false;
    c->read_end = open(c->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (c->read_end < 0) return false;
    c->write_end = open(c->path, O_WRONLY | O_CLOEXEC);
    return c->write_end >= 0 && fcntl(c->read_end, F_SETFL, 0) == 0;
}

sf_status sf_catch_begin(const char *path, sf_catch **caught)
{
    sf_catch *c;
    int reason;
    sf_status status;

    SF_TRY(sf_allocate(caught, 1, sizeof **caught));
    c = *caught;
    c->read_end = c->write_end = -1;
    SF_GO(sf_copy_text(path, &c->path));
    if (!open_pipe(c))
        SF_GO(sf_fail(SF_ERR_IO, "%s: no named pipe there: %s", path, strerror(errno)));
    c->stream = open_memstream(&c->bytes, &c->size);
    if (c->stream == NULL) SF_GO(sf_fail(SF_ERR_MEMORY, "no memory for what %s gets", path));
    reason = pthread_create(&c->thread, NULL, listen, c);
    if (reason != 0)
        status = sf_fail(SF_ERR_LIBRARY, "no thread to read %s: %s", path, strerror(reason));
done:
    if (status != SF_OK) release(caught);
    return status;
}

sf_status sf_catch_end(sf_catch **caught, unsigned char **bytes, size_t *size)
{
    sf_catch *c = *caught;
    sf_status status = SF_OK;

    *bytes = NULL;
    (void)close(c->write_end); /* the end of the file */
    c->write_end = -1;
    (void)pthread_join(c->thread, NULL);
    if (ferror(c->stream) || fflush(c->stream) != 0)
        SF_GO(sf_fail(SF_ERR_MEMORY, "no memory for what %s got", c->path));
    SF_GO(sf_allocate(bytes, c->size, 1));
    memcpy(*bytes, c->bytes, c->size);
    *size = c->size;
done:
    release(caught);
    return status;
}
