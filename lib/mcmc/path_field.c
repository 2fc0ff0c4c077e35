/* path_field.c - from one Gaussian field to another by the variance of every mode,
 *     f_b = N(m_b, C_b),   m_b = (1 - b) m0 + b m1,   lambda_b = (1 - b) lambda0 + b lambda1,
 * all of them normalised. With X = F(x - m_b) of N cells, and ' for d/db,
 *     d log f_b/db = sum_k lambda'_k/(2 lambda_k) (|X_k|^2/(N lambda_k) - 1) + m' X_0/lambda_0,
 * of mean 0 and variance sum_k (lambda'_k/lambda_k)^2/2 + N m'^2/lambda_0 under f_b. */
#include "base/internal.h"
#include "field/field.h"
#include "mcmc/lanes.h"

#include <scorefield/mcmc.h>

typedef struct path_field {
    sf_grid grid;
    double mean[2];
    double *lambda[2];
    sf_fft *fft;
} path_field;

static void path_destroy(void *self)
{
    path_field *p = self;

    sf_free(p->lambda[0]);
    sf_free(p->lambda[1]);
    sf_fft_release(&p->fft);
    sf_free(p);
}

static double mix(double from, double to, double b) { return (1.0 - b) * from + b * to; }

static double lambda_at(const path_field *p, size_t k, double b)
{
    return mix(p->lambda[0][k], p->lambda[1][k], b);
}

static double mean_at(const path_field *p, double b) { return mix(p->mean[0], p->mean[1], b); }

static sf_status path_at(const void *self, double b, sf_density **density)
{
    const path_field *p = self;
    const size_t modes = sf_grid_half_size(&p->grid);
    sf_field *field = NULL;
    double *lambda;
    sf_status status;

    SF_TRY(sf_allocate(&lambda, modes, sizeof *lambda));
    for (size_t k = 0; k < modes; k++) lambda[k] = lambda_at(p, k, b);
    SF_GO(sf_field_from_eigenvalues(&p->grid, lambda, mean_at(p, b), &field));
    SF_GO(sf_density_field(field, density));
done:
    sf_field_release(&field);
    sf_free(lambda);
    return status;
}

/* What is the same at every x, -sum_k lambda'_k/(2 lambda_k); gain = lambda'/lambda^2. */
static sf_status prepare_slope(const path_field *p, double b, double *gain, double *constant)
{
    *constant = 0.0;
    for (size_t k = 0; k < sf_grid_half_size(&p->grid); k++) {
        const double lambda = lambda_at(p, k, b);

        if (!(lambda > 0.0))
            return sf_fail(SF_ERR_ARGUMENT,
                           "mode %zu (|k| = %g) of the field at b = %g has no variance, so there "
                           "is no density: give either spectrum power there",
                           k, sf_grid_wavenumber(&p->grid, k), b);
        gain[k] = (p->lambda[1][k] - p->lambda[0][k]) / (lambda * lambda);
        *constant -= 0.5 * sf_grid_mode_weight(&p->grid, k) * gain[k] * lambda;
    }
    return SF_OK;
}

/* The quadratic form is (x - m) . F^-1[gain X], and X_0 the sum of x - m. */
static sf_status path_slope(const void *self, double b, size_t batch, const double *x,
                            double *slope)
{
    const path_field *p = self;
    const size_t n = sf_grid_size(&p->grid), modes = sf_grid_half_size(&p->grid);
    const double mean = mean_at(p, b), drift = p->mean[1] - p->mean[0];
    double *gain = NULL, *product = NULL, constant;
    sf_complex *work = NULL;
    sf_status status;

    SF_GO(sf_allocate(&gain, modes, sizeof *gain));
    SF_GO(sf_allocate(&work, modes, sizeof *work));
    SF_GO(sf_allocate(&product, n, sizeof *product));
    SF_GO(prepare_slope(p, b, gain, &constant));
    for (size_t i = 0; i < batch; i++) {
        double sum = 0.0;

        for (size_t j = 0; j < n; j++) sum += product[j] = x[i * n + j] - mean;
        SF_GO(sf_fft_filter(p->fft, gain, work, product));
        slope[i] = constant + 0.5 * sf_lanes_product(n, x + i * n, mean, product) +
                   drift / lambda_at(p, 0, b) * sum;
    }
done:
    sf_free(gain);
    sf_free(work);
    sf_free(product);
    return status;
}

static const sf_path_methods field_methods = {
    .name = "field variance",
    .at = path_at,
    .slope = path_slope,
    .destroy = path_destroy,
};

sf_status sf_path_field_variance(const sf_field *field0, const sf_field *field1, sf_path **path)
{
    const sf_field *const field[2] = {field0, field1};
    path_field *p;
    sf_status status;

    *path = NULL;
    if (!sf_grid_same_shape(&field0->grid, &field1->grid))
        return sf_fail(SF_ERR_SHAPE, "no path between fields of %zu and %zu cells",
                       sf_grid_size(&field0->grid), sf_grid_size(&field1->grid));
    SF_TRY(sf_allocate(&p, 1, sizeof *p));
    p->grid = field0->grid;
    for (size_t i = 0; i < 2; i++) {
        p->mean[i] = field[i]->mean;
        SF_GO(sf_allocate(&p->lambda[i], sf_grid_half_size(&p->grid), sizeof *p->lambda[i]));
        SF_GO(sf_field_lambda_all(field[i], p->lambda[i]));
    }
    SF_GO(sf_fft_create(&p->grid, &p->fft));
    return sf_path_create(&field_methods, p, sf_grid_size(&p->grid), path);
done:
    path_destroy(p);
    return status;
}
