/* own_energy.c - an energy of your own, for programs that load it: sf-freeenergy --library.
 *
 *     cc -O3 -shared -fPIC own_energy.c -o own_energy.so
 *
 * (with -I and the folder of scorefield's headers, where the compiler does not look by itself).
 * Sixteen anharmonic oscillators on a ring, S = sum (x_i - x_i+1)^2/2 + x_i^2/2 + x_i^4/10. */
#include <scorefield/energy.h>

enum { N = 16 };

static double one(const double *x, double *gradient)
{
    double energy = 0.0;

    for (int i = 0; i < N; i++) {
        const double step = x[(i + 1) % N] - x[i], back = x[i] - x[(i + N - 1) % N];

        energy += 0.5 * step * step + 0.5 * x[i] * x[i] + 0.1 * x[i] * x[i] * x[i] * x[i];
        if (gradient) gradient[i] = back - step + x[i] + 0.4 * x[i] * x[i] * x[i];
    }
    return energy;
}

static void evaluate(size_t batch, const double *x, double *energy, double *gradient)
{
    for (size_t b = 0; b < batch; b++)
        energy[b] = one(x + b * N, gradient ? gradient + b * N : NULL);
}

const struct scorefield_energy scorefield_energy = {
    .version = SCOREFIELD_ENERGY_VERSION, .dimension = N, .name = "ring", .evaluate = evaluate};
