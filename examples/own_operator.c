/* own_operator.c - a linear operator of your own, in thirty lines, used like the library's own.
 *
 * A camera whose pixels are twice as wide as the scene's: y_i = (x_2i + x_2i+1)/2. All that
 * scorefield needs to know is how to apply it and its transpose. Behind it stands a built-in blur,
 * and a dozen Landweber iterations, x <- x + A^T (y - A x)/|A|^2, look through both. */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SCENE  64 /* cells of the scene */
#define CAMERA 32 /* pixels */

/* ---- the operator ---------------------------------------------------------------------- */

static sf_status bin_apply(const void *self, const double *x, double *y)
{
    (void)self; /* your own data; this operator needs none */
    for (size_t i = 0; i < CAMERA; i++) y[i] = 0.5 * (x[2 * i] + x[2 * i + 1]);
    return SF_OK;
}

/* The transpose: whatever a pixel says goes back to the two cells that it saw. */
static sf_status bin_adjoint(const void *self, const double *y, double *x)
{
    (void)self;
    for (size_t i = 0; i < SCENE; i++) x[i] = 0.5 * y[i / 2];
    return SF_OK;
}

static const sf_operator_methods bin_methods = {
    .name = "bin by two", .apply = bin_apply, .adjoint = bin_adjoint};

/* ---- its use --------------------------------------------------------------------------- */

/* Every call says whether it worked; the sentence says why it did not. */
static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "%s: %s\n", sf_status_name(status), sf_last_error());
    exit(EXIT_FAILURE);
}

static double dot(size_t size, const double *a, const double *b)
{
    double sum = 0.0;

    for (size_t i = 0; i < size; i++) sum += a[i] * b[i];
    return sum;
}

/* The law of a transpose, <A u, v> = <u, A^T v>: test it for every operator that you write. */
static double adjoint_error(const sf_operator *op)
{
    double u[SCENE], v[CAMERA], au[CAMERA], atv[SCENE];

    sf_random_normal(sf_random_make(1, 0), 0, 0, SCENE, u);
    sf_random_normal(sf_random_make(1, 0), 1, 0, CAMERA, v);
    check(sf_operator_apply(op, u, au));
    check(sf_operator_adjoint(op, v, atv));
    return fabs(dot(CAMERA, au, v) - dot(SCENE, u, atv));
}

int main(void)
{
    const size_t scene_cells = SCENE, camera_pixels = CAMERA, kernel_cells = 3;
    const double kernel[3] = {0.25, 0.5, 0.25};
    sf_grid scene, camera, kernel_grid;
    sf_operator *bin, *blur, *look;
    double truth[SCENE], x[SCENE] = {0}, y[CAMERA], residual[CAMERA], step[SCENE], norm;

    check(sf_grid_make(1, &scene_cells, NULL, &scene));
    check(sf_grid_make(1, &camera_pixels, NULL, &camera));
    check(sf_grid_make(1, &kernel_cells, NULL, &kernel_grid));
    check(sf_operator_create(&bin_methods, NULL, &scene, &camera, &bin));
    check(sf_operator_convolution(&scene, &kernel_grid, kernel, &blur));
    check(sf_operator_chain(bin, blur, &look)); /* A = bin after blur */

    for (int i = 0; i < SCENE; i++) truth[i] = 1.0 + exp(-0.05 * (i - 20) * (i - 20));
    check(sf_operator_apply(look, truth, y));
    check(sf_operator_norm(look, 1e-6, &norm));
    for (int iteration = 1; iteration <= 12; iteration++) {
        check(sf_operator_apply(look, x, residual));
        for (int i = 0; i < CAMERA; i++) residual[i] = y[i] - residual[i];
        printf("iteration %2d: |y - A x| = %.2e\n", iteration,
               sqrt(dot(CAMERA, residual, residual)));
        check(sf_operator_adjoint(look, residual, step));
        for (int i = 0; i < SCENE; i++) x[i] += step[i] / (norm * norm);
    }

    for (int i = 0; i < SCENE; i++) x[i] -= truth[i];
    const double error = sqrt(dot(SCENE, x, x) / dot(SCENE, truth, truth));
    const double law = adjoint_error(look);
    printf("|A| = %.4f, |x - truth|/|truth| = %.1e, <A u, v> - <u, A^T v> = %.0e\n", norm, error,
           law);
    sf_operator_release(&look);
    sf_operator_release(&blur);
    sf_operator_release(&bin);
    return law < 1e-12 && error < 0.01 ? EXIT_SUCCESS : EXIT_FAILURE;
}
