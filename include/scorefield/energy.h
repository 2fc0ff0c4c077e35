/* scorefield/energy.h - an energy of your own in a shared object, which programs load when they
 * run.
 *
 * This header is all that it needs: nothing of the library is linked. Define
 *
 *     const struct scorefield_energy scorefield_energy = {
 *         .version = SCOREFIELD_ENERGY_VERSION, .dimension = N, .evaluate = my_function};
 *
 * and compile with  cc -O3 -shared -fPIC my_energy.c -o my_energy.so  (examples/own_energy.c). */
#ifndef SCOREFIELD_ENERGY_H
#define SCOREFIELD_ENERGY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this structure. What is loaded has the library's own, or is refused. */
#define SCOREFIELD_ENERGY_VERSION 1

struct scorefield_energy {
    unsigned version;
    unsigned no_gradient; /* 1: `gradient` is never written; for random walks only */
    size_t dimension;     /* n */
    const char *name;     /* NULL: that of the file */
    /* energy[b] = S(x_b) of the density exp(-S), and unless `gradient` is NULL its gradient (batch
     * x n), for `batch` rows x of n numbers. NaN and infinities: exp(-S) = 0 there. The same for a
     * point anywhere in a batch; called from many threads at once. */
    void (*evaluate)(size_t batch, const double *x, double *energy, double *gradient);
    double period; /* above 0: S has it in every coordinate, an angle; the integral is over one */
};

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
extern const struct scorefield_energy scorefield_energy;

#ifdef __cplusplus
}
#endif
#endif
