/* own_density.c - a density of your own, in ten lines, and its normalisation by annealing.
 *
 * A banana in the plane, f(x, y) = exp(-x^2/2 - 10 (y - x^2)^2), whose integral is known: Z =
 * sqrt(2 pi) sqrt(pi/10). Chains begin with draws of a Gaussian, of which the bridge (1 - b) log f0
 * + b log f1 leads to the banana; the mean of their weights is Z, and weighted they are its sample.
 */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CHAINS 4000
#define STEPS  40

/* ---- the density ------------------------------------------------------------------------- */

static sf_status banana_evaluate(const void *self, size_t batch, const double *x,
                                 double *log_density, double *score)
{
    (void)self; /* your own data; this density needs none */
    for (size_t b = 0; b < batch; b++, x += 2) {
        const double away = x[1] - x[0] * x[0];

        log_density[b] = -0.5 * x[0] * x[0] - 10.0 * away * away;
        if (score == NULL) continue;
        score[2 * b] = -x[0] + 40.0 * x[0] * away;
        score[2 * b + 1] = -20.0 * away;
    }
    return SF_OK;
}

static const sf_density_methods banana = {.name = "banana", .evaluate = banana_evaluate};

/* ---- its use ----------------------------------------------------------------------------- */

static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "%s: %s\n", sf_status_name(status), sf_last_error());
    exit(EXIT_FAILURE);
}

int main(void)
{
    const double pi = acos(-1.0), exact = 0.5 * log(2.0 * pi) + 0.5 * log(pi / 10.0);
    const double points[4] = {0.3, -0.7, 1.5, 2.0}, mean[2] = {0.0, 1.0}, variance[2] = {2.0, 4.0};
    static double x[2 * CHAINS];
    sf_kernel kernel = sf_kernel_default(); /* HMC */
    sf_density_check_report report;
    sf_density *gaussian, *own;
    sf_path *path;
    sf_chains *chains;
    double sum = 0.0, square = 0.0, error;

    check(sf_density_create(&banana, NULL, 2, &own));
    check(sf_density_check(own, 2, points, 1e-6, &report));
    if (!report.agrees) {
        fprintf(stderr, "score %zu is %g, and %g by differences\n", report.index, report.score,
                report.difference);
        return EXIT_FAILURE;
    }
    check(sf_density_gaussian(2, mean, variance, &gaussian));
    check(sf_density_draw(gaussian, 1, 0, 0, CHAINS, x));
    check(sf_path_geometric(gaussian, own, &path));
    check(sf_chains_create(path, 1, 1, 0, CHAINS, &chains));
    check(sf_chains_start(chains, x, 0.0));
    for (int step = 1; step <= STEPS; step++)
        check(sf_chains_move(chains, &kernel, (double)step / STEPS, 1));

    for (size_t i = 0; i < CHAINS; i++) {
        const double weight = exp(chains->log_weight[i]);

        sum += weight / CHAINS;
        square += weight * weight / CHAINS;
    }
    error = sqrt((square / (sum * sum) - 1.0) / CHAINS);
    printf("log Z = %.4f +- %.4f, exactly %.4f\n", log(sum), error, exact);
    sf_chains_release(&chains);
    sf_path_release(&path);
    sf_density_release(&gaussian);
    sf_density_release(&own);
    return fabs(log(sum) - exact) < 4.0 * error && error < 0.05 ? EXIT_SUCCESS : EXIT_FAILURE;
}
