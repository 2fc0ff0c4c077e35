/* bad_energy.c - an angle's energy without gradient, or with one of these defined, no energy. */
#include <scorefield/energy.h>

#include <math.h>

#ifndef SYMBOL
#define SYMBOL scorefield_energy
#endif
#ifndef VERSION
#define VERSION SCOREFIELD_ENERGY_VERSION
#endif
#ifndef DIMENSION
#define DIMENSION 1
#endif
#ifndef PERIOD
#define PERIOD 1.0
#endif
#ifndef FUNCTION
#define FUNCTION evaluate
#endif

void evaluate(size_t batch, const double *x, double *energy, double *gradient);

void evaluate(size_t batch, const double *x, double *energy, double *gradient)
{
    (void)gradient;
    for (size_t b = 0; b < batch; b++) energy[b] = x[b] < 1.0 ? x[b] : NAN;
}

const struct scorefield_energy SYMBOL = {
    .version = VERSION,
    .no_gradient = 1,
    .dimension = DIMENSION,
    .evaluate = FUNCTION,
    .period = PERIOD,
};
