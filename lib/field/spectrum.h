/* spectrum.h - what a spectrum is inside, and what the files of this room share. */
#ifndef SF_FIELD_SPECTRUM_H
#define SF_FIELD_SPECTRUM_H

#include <scorefield/field.h>

#include "base/internal.h"

#include <stdatomic.h>

/* One form of spectrum. Many threads ask at once: the state does not change. */
typedef struct sf_spectrum_kind {
    /* P at a finite k >= 0; sf_spectrum_power refuses what is negative or not finite */
    sf_status (*power)(const void *state, double k, double *power);
    void (*clear)(void *state); /* what the state owns; NULL: nothing */
} sf_spectrum_kind;

struct sf_spectrum {
    atomic_size_t references;
    const sf_spectrum_kind *kind;
    double low, high; /* P = 0 for 0 < k < low and for k > high */
    void *state;
};

/* A spectrum with a zeroed state of that size, *state, to be filled; P is 0 nowhere. */
sf_status sf_spectrum_create(const sf_spectrum_kind *kind, size_t state_size, void *state,
                             sf_spectrum **spectrum);

/* SF_ERR_ARGUMENT unless P(0) is finite and not negative. */
sf_status sf_spectrum_zero_mode_check(double zero_mode);
/* SF_ERR_ARGUMENT unless previous_k < k and 0 < power, all finite; `where` begins the sentence. */
sf_status sf_spectrum_point_check(double k, double power, double previous_k, const char *where);

/* The spectrum of a text file of two columns, k and P, with # comments; P(0) = 0. */
sf_status sf_spectrum_read(const char *path, sf_extrapolation beyond, sf_spectrum **spectrum);

#endif
