/* output.c - files that appear whole or not at all: written without a name (where the system can;
 * even a killed process leaves nothing then) or beside, flushed, put in place. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static sf_status fail_io(const char *path, const char *what)
{
    return sf_fail(SF_ERR_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* The file that `path` stands for: a symbolic link's own target, so that the link stays. */
static sf_status resolve(const char *path, char **target, bool *exists)
{
    struct stat info;
    char *resolved;

    *exists = lstat(path, &info) == 0;
    if (!*exists) {
        if (errno != ENOENT) return fail_io(path, "cannot be written");
        return sf_copy_text(path, target);
    }
    resolved = realpath(path, NULL);
    if (resolved == NULL) return fail_io(path, "is a symbolic link that leads nowhere");
    const sf_status status = sf_copy_text(resolved, target);
    free(resolved);
    return status;
}

static sf_status check_target(const char *path, bool overwrite, char **target)
{
    struct stat info;
    bool exists;

    if (path[0] == '\0') return sf_fail(SF_ERR_ARGUMENT, "the output file's name is empty");
    SF_TRY(resolve(path, target, &exists));
    if (!exists) return SF_OK;
    if (stat(*target, &info) != 0) return fail_io(path, "cannot be examined");
    if (!S_ISREG(info.st_mode))
        return sf_fail(SF_ERR_IO, "%s: is %s, and a file cannot take its place", path,
                       S_ISDIR(info.st_mode) ? "a folder" : "a device or a pipe");
    if (!overwrite)
        return sf_fail(SF_ERR_IO, "%s: exists already; allow overwriting or choose another name",
                       path);
    return SF_OK;
}

/* Length of the folder's part, its slash included; 0 for a bare name. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

sf_status sf_output_check(const char *path, bool overwrite)
{
    char *target = NULL;
    sf_status status;
    struct stat info;

    SF_GO(check_target(path, overwrite, &target));
    target[folder_length(target)] = '\0';
    if (stat(target[0] != '\0' ? target : ".", &info) != 0)
        status = fail_io(path, "its folder cannot be used");
    else if (access(target[0] != '\0' ? target : ".", W_OK | X_OK) != 0)
        status = fail_io(path, "its folder cannot be written");
done:
    sf_free(target);
    return status;
}

/* A name that no other writer has: process and counter. */
static void next_name(sf_output *output, size_t size)
{
    static atomic_uint counter;

    (void)snprintf(output->temporary, size, "%.*s.scorefield-%ld-%u",
                   (int)folder_length(output->target), output->target, (long)getpid(),
                   atomic_fetch_add(&counter, 1));
}

#define ATTEMPTS 100 /* at a name, which O_EXCL and link settle */

static void open_named(sf_output *output, size_t size)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        next_name(output, size);
        output->fd = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        output->named = output->fd >= 0;
        if (output->named || errno != EEXIST) return;
    }
}

/* Linux alone has files without a name, and gives them one through /proc. */
static void open_nameless(sf_output *output)
{
#ifdef O_TMPFILE
    const size_t folder = folder_length(output->target);
    const char last = output->target[folder];

    if (access("/proc/self/fd", X_OK) != 0) return;
    output->target[folder] = '\0';
    output->fd = open(folder > 0 ? output->target : ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0666);
    output->target[folder] = last;
#else
    (void)output;
#endif
}

static sf_status create_temporary(sf_output *output)
{
    const size_t size = folder_length(output->target) + 64;

    SF_TRY(sf_allocate(&output->temporary, size, 1));
    open_nameless(output);
    if (output->fd < 0) open_named(output, size);
    return output->fd >= 0 ? SF_OK : fail_io(output->path, "cannot be written in its folder");
}

sf_status sf_output_create(const char *path, bool overwrite, sf_output *output)
{
    sf_status status;

    *output = (sf_output){.overwrite = overwrite, .fd = -1};
    SF_GO(sf_copy_text(path, &output->path));
    SF_GO(check_target(path, overwrite, &output->target));
    SF_GO(create_temporary(output));
    return SF_OK;
done:
    sf_output_discard(output);
    return status;
}

sf_status sf_output_write(sf_output *output, const void *bytes, size_t size)
{
    const char *next = bytes;

    while (size > 0) {
        const ssize_t done = write(output->fd, next, size < 1 << 30 ? size : 1 << 30);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return fail_io(output->path, "cannot be written");
        next += done;
        size -= (size_t)done;
    }
    return SF_OK;
}

/* The nameless file gets that name; errno says why not. */
static bool link_to(const sf_output *output, const char *name)
{
    char self[64];

    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", output->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
}

static sf_status fail_place(const sf_output *output)
{
    if (errno != EEXIST) return fail_io(output->path, "cannot be given its final name");
    return sf_fail(SF_ERR_IO, "%s: exists already; allow overwriting or choose another name",
                   output->path);
}

/* A nameless file to be put over another one, which only rename() does, is named first. */
static sf_status name_it(sf_output *output)
{
    for (int attempt = 0; attempt < ATTEMPTS && !output->named; attempt++) {
        next_name(output, folder_length(output->target) + 64);
        output->named = link_to(output, output->temporary);
        if (!output->named && errno != EEXIST) break;
    }
    return output->named ? SF_OK : fail_place(output);
}

/* Without permission to overwrite, a link refuses a name that has come into being meanwhile; where
 * there are no hard links, rename() must do. */
static sf_status put_in_place(sf_output *output)
{
    if (!output->overwrite && !output->named)
        return link_to(output, output->target) ? SF_OK : fail_place(output);
    if (!output->overwrite && link(output->temporary, output->target) == 0) {
        (void)unlink(output->temporary);
        output->named = false;
        return SF_OK;
    }
    if (!output->overwrite && errno == EEXIST) return fail_place(output);
    SF_TRY(name_it(output));
    if (rename(output->temporary, output->target) != 0) return fail_place(output);
    output->named = false;
    return SF_OK;
}

/* Closing a named file may still say that it is not on the disk. */
static sf_status close_named(sf_output *output)
{
    int closed;

    if (!output->named) return SF_OK;
    closed = close(output->fd);
    output->fd = -1;
    return closed == 0 ? SF_OK : fail_io(output->path, "cannot be written to the disk");
}

sf_status sf_output_commit(sf_output *output)
{
    sf_status status;

    if (fsync(output->fd) != 0 && errno != EINVAL)
        SF_GO(fail_io(output->path, "cannot be written to the disk"));
    SF_GO(close_named(output));
    status = put_in_place(output);
done:
    sf_output_discard(output);
    return status;
}

void sf_output_discard(sf_output *output)
{
    if (output->fd >= 0) close(output->fd);
    if (output->named) (void)unlink(output->temporary);
    sf_free(output->temporary);
    sf_free(output->target);
    sf_free(output->path);
    *output = (sf_output){.fd = -1};
}

sf_status sf_output_file(const char *path, bool overwrite, const void *bytes, size_t size)
{
    sf_output output;
    sf_status status;

    SF_TRY(sf_output_create(path, overwrite, &output));
    status = sf_output_write(&output, bytes, size);
    if (status == SF_OK) return sf_output_commit(&output);
    sf_output_discard(&output);
    return status;
}
