/* internal.h - what every room of the library uses and no user sees. */
#ifndef SF_BASE_INTERNAL_H
#define SF_BASE_INTERNAL_H

#include <scorefield/base.h>

/* Leaves the function with the status of a call that failed. */
#define SF_TRY(call)                          \
    do {                                      \
        const sf_status status_ = (call);     \
        if (status_ != SF_OK) return status_; \
    } while (0)

/* The same for functions that have something to release: needs a variable `sf_status status`
 * and a label `done`. */
#define SF_GO(call)                     \
    do {                                \
        status = (call);                \
        if (status != SF_OK) goto done; \
    } while (0)

/* An analyser cannot know that sf_fail returns what it is given, and would follow errors into what
 * comes after success. */
#ifdef __clang_analyzer__
#define sf_fail(status, ...) ((void)(sf_fail)(status, __VA_ARGS__), (status))
#endif

/* One function for each instruction set, chosen when the program starts. The choice happens
 * before the address sanitizer is ready, and needs glibc. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__) && \
    !defined(__SANITIZE_ADDRESS__)
#define SF_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SF_VECTOR_CLONES
#endif

/* *product = a * b, false on overflow. */
static inline bool sf_multiply_sizes(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/* A stop watch: seconds of the monotonic clock. */
double sf_seconds(void);
/* A copy of `text` (sf_free). */
sf_status sf_copy_text(const char *text, char **copy);
/* A copy of count * size bytes (sf_free). */
sf_status sf_copy_memory(const void *source, size_t count, size_t size, void *copy);
/* strtod and snprintf of "%.17g" with a decimal point, whatever the program's locale says. */
double sf_text_to_number(const char *text, char **end);
void sf_number_to_text(double number, char *text, size_t size);
/* A seed of a generator's own, for whatever takes seeds. */
static inline uint64_t sf_random_seed(sf_random random)
{
    return random.key[0] | (uint64_t)random.key[1] << 32;
}
/* The hash of what `hash` is of, followed by these bytes; begin with SF_FNV_BASIS. */
#define SF_FNV_BASIS UINT64_C(0xcbf29ce484222325)
uint64_t sf_fnv(uint64_t hash, const void *bytes, size_t size);
/* SF_ERR_NUMERIC with `what` and the index of the first non-finite value, if there is one. */
sf_status sf_check_finite(const double *values, size_t count, const char *what);

#endif
