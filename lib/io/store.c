/* store.c - a result on disk, made piece by piece: a head, records with a sum each, and values in
 * the machine's own byte order. */
#define _GNU_SOURCE /* O_CLOEXEC, flock */
#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct store_head {
    char mark[8];
    uint64_t label; /* a sum of it */
    uint64_t records, width, values;
    uint64_t sum; /* of the above */
} store_head;

struct sf_store {
    sf_output scratch; /* a file without a name; or, with a path, */
    char *path;
    int fd;
    size_t records, width, values;
    double *record; /* room for one, and its sum's place after it */
    uint64_t label;
};

static const char mark[8] = "SFPIECE1";

static sf_status fail(const sf_store *s, const char *what)
{
    return sf_fail(SF_ERR_IO, "%s: %s: %s",
                   s->path != NULL ? s->path : "a temporary file of pieces", what, strerror(errno));
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static sf_status write_at(const sf_store *s, size_t offset, const void *bytes, size_t size)
{
    const char *next = bytes;

    while (size > 0) {
        const ssize_t done = pwrite(s->fd, next, size, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return fail(s, "cannot be written");
        next += done;
        offset += (size_t)done;
        size -= (size_t)done;
    }
    return SF_OK;
}

static sf_status read_at(const sf_store *s, size_t offset, void *bytes, size_t size)
{
    char *next = bytes;

    while (size > 0) {
        const ssize_t got = pread(s->fd, next, size, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(s, "cannot be read");
        next += got;
        offset += (size_t)got;
        size -= (size_t)got;
    }
    return SF_OK;
}

static size_t record_bytes(const sf_store *s) { return (s->width + 1) * sizeof(double); }

static size_t record_place(const sf_store *s, size_t index)
{
    return sizeof(store_head) + index * record_bytes(s);
}

static size_t value_place(const sf_store *s, size_t index)
{
    return record_place(s, s->records) + index * sizeof(float);
}

/* ---- the file -------------------------------------------------------------------------------- */

static store_head make_head(const sf_store *s)
{
    store_head head = {
        .label = s->label, .records = s->records, .width = s->width, .values = s->values};

    memcpy(head.mark, mark, sizeof mark);
    head.sum = sf_fnv(SF_FNV_BASIS, &head, offsetof(store_head, sum));
    return head;
}

/* All of its space, so that no piece finds the disk full; then the head, which says that. */
static sf_status begin(sf_store *s)
{
    const size_t size = value_place(s, s->values);
    const store_head head = make_head(s);
    const int code = posix_fallocate(s->fd, 0, (off_t)size);

    if (code != 0) {
        errno = code;
        return fail(s, "has not the space that it needs");
    }
    if (fsync(s->fd) != 0) return fail(s, "cannot be written to the disk");
    return write_at(s, 0, &head, sizeof head);
}

/* What another run left, if it is the same. */
static sf_status check(const sf_store *s, size_t size)
{
    const store_head wanted = make_head(s);
    store_head head = {.label = 0};

    if (size >= sizeof head) SF_TRY(read_at(s, 0, &head, sizeof head));
    if (memcmp(head.mark, mark, sizeof mark) != 0 ||
        head.sum != sf_fnv(SF_FNV_BASIS, &head, offsetof(store_head, sum)))
        return sf_fail(SF_ERR_FORMAT, "%s is not a checkpoint of tiles of this machine and version",
                       s->path);
    if (memcmp(&head, &wanted, sizeof head) != 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "%s belongs to another frame, other options or other tiles: begin anew "
                       "without it",
                       s->path);
    if (size != value_place(s, s->values))
        return sf_fail(SF_ERR_FORMAT, "%s is cut: it has %zu bytes of %zu; begin anew without it",
                       s->path, size, value_place(s, s->values));
    return SF_OK;
}

/* A file whose head was not yet written, for the process was killed, is as good as none. */
static bool is_blank(const sf_store *s)
{
    static const store_head nothing;
    store_head head;

    return pread(s->fd, &head, sizeof head, 0) < (ssize_t)sizeof head ||
           memcmp(&head, &nothing, sizeof head) == 0;
}

static sf_status open_path(sf_store *s, const char *path)
{
    struct stat info;

    SF_TRY(sf_copy_text(path, &s->path));
    s->fd = open(path, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
    if (s->fd < 0) return fail(s, "cannot be opened");
    if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) return fail(s, "is in use by another process");
    if (fstat(s->fd, &info) != 0) return fail(s, "cannot be examined");
    if (!S_ISREG(info.st_mode)) return sf_fail(SF_ERR_IO, "%s: is not a file", path);
    if (info.st_size == 0 || (info.st_size >= (off_t)sizeof(store_head) && is_blank(s)))
        return begin(s);
    return check(s, (size_t)info.st_size);
}

static sf_status check_sizes(const sf_store *s)
{
    size_t sum;

    if (s->width < SIZE_MAX / 16 && s->values < SIZE_MAX / 16 &&
        sf_multiply_sizes(s->records, record_bytes(s), &sum) && sum < SIZE_MAX / 4)
        return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "%zu records of %zu numbers and %zu values are too many",
                   s->records, s->width, s->values);
}

sf_status sf_store_open(const sf_store_options *options, sf_store **store)
{
    sf_store *s;
    sf_status status;

    *store = NULL;
    SF_TRY(sf_allocate(&s, 1, sizeof *s));
    s->fd = s->scratch.fd = -1;
    s->records = options->records;
    s->width = options->width;
    s->values = options->values;
    s->label = sf_fnv(SF_FNV_BASIS, options->label, strlen(options->label));
    SF_GO(check_sizes(s));
    SF_GO(sf_allocate(&s->record, s->width + 1, sizeof *s->record));
    if (options->path != NULL) {
        SF_GO(open_path(s, options->path));
    } else {
        SF_GO(sf_output_create(options->beside, true, &s->scratch));
        s->fd = s->scratch.fd;
        SF_GO(begin(s));
    }
    *store = s;
    return SF_OK;
done:
    sf_store_release(&s);
    return status;
}

void sf_store_release(sf_store **store)
{
    sf_store *s;

    if (store == NULL || *store == NULL) return;
    s = *store;
    *store = NULL;
    if (s->path != NULL && s->fd >= 0) (void)close(s->fd);
    sf_output_discard(&s->scratch);
    sf_free(s->path);
    sf_free(s->record);
    sf_free(s);
}

void sf_store_remove(sf_store **store)
{
    if (store == NULL || *store == NULL) return;
    if ((*store)->path != NULL) (void)unlink((*store)->path);
    sf_store_release(store);
}

/* ---- contents -------------------------------------------------------------------------------- */

static sf_status check_range(const sf_store *s, size_t first, size_t count)
{
    if (first <= s->values && count <= s->values - first) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "%zu values from %zu on are not in the %zu of the pieces",
                   count, first, s->values);
}

sf_status sf_store_write(sf_store *s, size_t first, size_t count, const float *values)
{
    SF_TRY(check_range(s, first, count));
    return write_at(s, value_place(s, first), values, count * sizeof *values);
}

sf_status sf_store_read(const sf_store *s, size_t first, size_t count, float *values)
{
    SF_TRY(check_range(s, first, count));
    return read_at(s, value_place(s, first), values, count * sizeof *values);
}

/* The sum of a record in s->record: of the pieces, its place, what it depends on, and itself. */
static sf_status sum_record(const sf_store *s, size_t index, size_t parent, uint64_t *sum)
{
    const uint64_t place = index;
    uint64_t above = 0;

    if (index >= s->records || (parent != SF_STORE_ALONE && parent >= s->records))
        return sf_fail(SF_ERR_ARGUMENT, "record %zu is not one of %zu", index, s->records);
    if (parent != SF_STORE_ALONE)
        SF_TRY(
            read_at(s, record_place(s, parent) + s->width * sizeof(double), &above, sizeof above));
    *sum = sf_fnv(SF_FNV_BASIS, &s->label, sizeof s->label);
    *sum = sf_fnv(*sum, &place, sizeof place);
    *sum = sf_fnv(*sum, &above, sizeof above);
    *sum = sf_fnv(*sum, s->record, s->width * sizeof *s->record);
    return SF_OK;
}

sf_status sf_store_note(sf_store *s, size_t index, size_t parent, const double *record)
{
    uint64_t sum;

    memcpy(s->record, record, s->width * sizeof *record);
    SF_TRY(sum_record(s, index, parent, &sum));
    memcpy(s->record + s->width, &sum, sizeof sum);
    if (s->path != NULL && fdatasync(s->fd) != 0) return fail(s, "cannot be written to the disk");
    SF_TRY(write_at(s, record_place(s, index), s->record, record_bytes(s)));
    if (s->path != NULL && fdatasync(s->fd) != 0) return fail(s, "cannot be written to the disk");
    return SF_OK;
}

sf_status sf_store_recall(const sf_store *s, size_t index, size_t parent, double *record,
                          bool *found)
{
    uint64_t sum, stored;

    *found = false;
    if (index < s->records) SF_TRY(read_at(s, record_place(s, index), s->record, record_bytes(s)));
    SF_TRY(sum_record(s, index, parent, &sum));
    memcpy(&stored, s->record + s->width, sizeof stored);
    *found = stored == sum;
    if (*found) memcpy(record, s->record, s->width * sizeof *record);
    return SF_OK;
}
