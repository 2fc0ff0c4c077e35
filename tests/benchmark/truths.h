/* truths.h - images that benchmarks blur, add noise to, and want back. */
#ifndef SF_BENCHMARK_TRUTHS_H
#define SF_BENCHMARK_TRUTHS_H

#include <scorefield/inverse.h>

typedef struct truth {
    sf_grid grid;
    double *pixels, noise; /* its own */
} truth;

#define TRUTHS_GALAXIES 8
/* HST galaxy `index` of the folder SCOREFIELD_DATA, binned 2 x 2: a truth has its own noise. False
 * when there is no such file. */
bool truth_read(const char *folder, size_t index, truth *t);
/* A simulated scene, its stars `seeing` pixels wide: without noise. */
void truth_draw(size_t side, double seeing, uint64_t index, truth *t);
void truth_release(truth *t);

/* What is seen of it: pixels = H truth + noise, the truth surrounded by empty sky, the noise the
 * brightest pixel's part of 1/ratio. pixels: of the truth's grid. */
void truth_observe(const truth *t, const sf_psf *psf, double ratio, uint64_t seed, double *pixels,
                   double *noise);
/* PSNR of an image on the observation's scene. */
double truth_psnr(const truth *t, const sf_observation *observation, const double *scene);

/* Ends the program when a call fails. */
void truths_ok(sf_status status);
double *truths_array(size_t count);

#endif
