/* reference.h - targets whose log Z is known by other means, and how annealing
 * measures each: the table that the benchmark goes through in full and a test
 * in part. */
#ifndef SF_TESTS_FREE_ENERGY_REFERENCE_H
#define SF_TESTS_FREE_ENERGY_REFERENCE_H

#include <scorefield/free_energy.h>

/* Where values are from. */
typedef enum reference_source {
    REFERENCE_QUADRATURE, /* in one dimension, and its products */
    REFERENCE_CLOSED,     /* closed forms; of lattices by Fourier transform */
    REFERENCE_TRANSFER,   /* transfer matrices between sites or rows of a lattice */
    REFERENCE_DUAL,       /* transfer matrices of the XY model's dual currents */
    REFERENCE_ANNEALED    /* long annealing by an independent program (numpy). The
                             Cox process on 40 cells has 501.806 by fab-jax
                             (fabjax/targets/cox.py, "long run SMC") */
} reference_source;

typedef struct reference {
    const char *target; /* sf_density_parse, or gmm3:dim=N, or %s: the folder with
                           the data */
    const char *base;   /* NULL: the target's own; "laplace": the Gaussian at its mode */
    double log_z, uncertainty;
    double offset; /* what log Z of the target's text lacks of log_z, in their
                      conventions */
    reference_source source;
    size_t chains;
    size_t temperatures; /* 0: the pilot's own number */
    size_t leapfrogs;    /* of HMC; 0: OU moves */
    size_t moves;        /* at a temperature; 0: one */
    double mass2;        /* momenta like the free field's of this mass; 0: like white
                            noise */
    bool ratio;          /* log_z is that of Z_1/Z_0 */
} reference;

extern const reference references[];
extern const size_t reference_count;
const char *reference_source_name(reference_source source);

/* A target, its path from the base, what is to be added to log Z_1/Z_0, and the
 * kernel. */
typedef struct reference_case {
    sf_density *base, *target;
    sf_path *path;
    sf_field *field;
    sf_kernel kernel;
    size_t moves;
    sf_schedule schedule;
    double offset; /* from log Z_1/Z_0 to the row's log_z */
} reference_case;

/* folder NULL: SF_ERR_UNSUPPORTED for rows with data. */
sf_status reference_open(const reference *row, const char *folder, reference_case *c);
void reference_close(reference_case *c);

/* Covariance of S = sum over links link (phi - phi')^2 + square sum phi^2, as a
 * field. */
sf_status reference_free_field(int axes, const size_t *shape, double link, double square,
                               sf_field **field);

/* Both ways along the frozen schedule. The runs back begin with exact draws, or
 * else with settled samples of a run of another seed, so that the two directions
 * are independent. */
sf_status reference_measure(const reference_case *c, size_t chains, uint64_t seed,
                            sf_anneal_report *report);
/* One way: chains on their own, or eight islands that are resampled. */
sf_status reference_forward(const reference_case *c, size_t chains, uint64_t seed,
                            sf_anneal_report *report);
sf_status reference_resampled(const reference_case *c, size_t chains, uint64_t seed,
                              sf_anneal_report *report);

#endif
