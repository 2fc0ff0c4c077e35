/* scorefield/base.h - status and error text, memory, threads, monitor, random numbers.
 *
 * Every function that can fail returns an sf_status. On an error every output pointer is
 * NULL and sf_last_error() holds one sentence with the values in it. The library never
 * prints, never exits, and never changes signal handlers or global thread settings. */
#ifndef SCOREFIELD_BASE_H
#define SCOREFIELD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SF_API                 __attribute__((visibility("default")))
#define SF_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define SF_API
#define SF_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* One list gives code, name and text. */
#define SF_STATUS_LIST(X)                                                  \
    X(SF_OK, 0, "success")                                                 \
    X(SF_ERR_ARGUMENT, 1, "a value is outside its documented range")       \
    X(SF_ERR_SHAPE, 2, "two shapes do not fit together")                   \
    X(SF_ERR_MEMORY, 3, "out of memory")                                   \
    X(SF_ERR_IO, 4, "a file could not be opened, read or written")         \
    X(SF_ERR_FORMAT, 5, "a file's content is malformed")                   \
    X(SF_ERR_UNSUPPORTED, 6, "this object does not offer that operation")  \
    X(SF_ERR_NUMERIC, 7, "a non-finite number where none can be")          \
    X(SF_ERR_LIBRARY, 8, "a library that scorefield builds on has failed") \
    X(SF_ERR_INTERRUPTED, 9, "stopped by the caller's monitor before there was a result")

typedef enum sf_status {
#define SF_STATUS_ENUM(name, code, text) name = (code),
    SF_STATUS_LIST(SF_STATUS_ENUM)
#undef SF_STATUS_ENUM
} sf_status;

/* "SF_ERR_SHAPE"; "unknown status" for a code that is not in the list. */
SF_API const char *sf_status_name(sf_status status);
/* The list's text for this code. */
SF_API const char *sf_status_text(sf_status status);
/* The sentence of this thread's last failure; "" when there was none. Valid until this
 * thread's next failure. */
SF_API const char *sf_last_error(void);
/* Sets this thread's sentence and returns `status`; for callbacks and users' own operators
 * and priors: `return sf_fail(SF_ERR_SHAPE, "PSF is %zux%zu but ...", ...)`. */
SF_API sf_status sf_fail(sf_status status, const char *format, ...) SF_PRINTF(2, 3);

/* "0.1.0" */
SF_API const char *sf_version(void);

/* ---- memory -------------------------------------------------------------------------- */

/* *pointer = zeroed memory for `count` items of `size` bytes, aligned to 64 bytes.
 * SF_ERR_MEMORY on overflow or exhaustion, with *pointer = NULL. count = 0 is valid. */
SF_API sf_status sf_allocate(void *pointer, size_t count, size_t size);
/* Frees what sf_allocate gave; NULL is fine. */
SF_API void sf_free(void *memory);

/* ---- threads ------------------------------------------------------------------------- */

/* How many threads scorefield's own loops, transforms and networks use: what was set, else
 * what OpenMP would use (OMP_NUM_THREADS, cores). Results do not depend on it. */
SF_API int sf_thread_count(void);
/* count >= 1; 0 returns to the default. Process-wide, for scorefield only. */
SF_API sf_status sf_thread_count_set(int count);

/* ---- monitor ------------------------------------------------------------------------- */

/* What a long computation tells its caller after each iteration. Pointers are valid during
 * the call only. */
typedef struct sf_monitor_event {
    const char *stage;   /* "admm", "train", ... */
    size_t iteration;    /* 1, 2, ... */
    size_t total;        /* planned iterations; 0 = unknown */
    double residual;     /* the algorithm's documented measure of convergence; NaN = none */
    const double *image; /* the current iterate in the solver's grid, or NULL */
    size_t image_size;   /* its number of values */
} sf_monitor_event;

/* function returns true to go on, false to stop cleanly with what there is. A zeroed
 * sf_monitor is valid and silent. */
typedef struct sf_monitor {
    bool (*function)(const sf_monitor_event *event, void *user);
    void *user;
} sf_monitor;

/* Calls the monitor's function; true if there is none. */
SF_API bool sf_monitor_call(const sf_monitor *monitor, const sf_monitor_event *event);

/* ---- random numbers ------------------------------------------------------------------ */

/* Counter-based: Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405) as in
 * Random123. A generator is a value: it has no state, and a number is addressed by what it
 * is for. The key is derived from (seed, stream), so streams of one seed are independent. */
typedef struct sf_random {
    uint32_t key[2];
} sf_random;

SF_API sf_random sf_random_make(uint64_t seed, uint64_t stream);

/* The four 32-bit words at a counter (e.g. a wavevector and a draw's number). */
SF_API void sf_random_words(sf_random random, const uint32_t counter[4], uint32_t words[4]);

/* out[i] = number (first + i) of the sequence `sequence` of this generator; any piece of the
 * sequence can be asked for in any order and on any thread, and is the same bits on every
 * IEEE machine. Uniform: in (0, 1), 52 bits. Normal: mean 0, variance 1 (Box & Muller 1958).
 * Vectorised. Uniforms, normals and sf_random_words of one generator are independent. */
SF_API void sf_random_uniform(sf_random random, uint64_t sequence, uint64_t first, size_t count,
                              double *out);
SF_API void sf_random_normal(sf_random random, uint64_t sequence, uint64_t first, size_t count,
                             double *out);

#ifdef __cplusplus
}
#endif
#endif
