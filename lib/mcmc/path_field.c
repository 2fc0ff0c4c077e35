/* path_field.c - from one Gaussian field to another by the variance of every mode,
 *     f_b = N((1 - b) m0 + b m1, C_b),   lambda_b = (1 - b) lambda0 + b lambda1,
 * all of them normalised. */
#include "base/internal.h"
#include "field/field.h"

#include <scorefield/mcmc.h>

typedef struct path_field {
    sf_grid grid;
    double mean[2];
    double *lambda[2];
} path_field;

static void path_destroy(void *self)
{
    path_field *p = self;

    sf_free(p->lambda[0]);
    sf_free(p->lambda[1]);
    sf_free(p);
}

static sf_status path_at(const void *self, double b, sf_density **density)
{
    const path_field *p = self;
    const size_t modes = sf_grid_half_size(&p->grid);
    sf_field *field = NULL;
    double *lambda;
    sf_status status;

    SF_TRY(sf_allocate(&lambda, modes, sizeof *lambda));
    for (size_t k = 0; k < modes; k++)
        lambda[k] = (1.0 - b) * p->lambda[0][k] + b * p->lambda[1][k];
    SF_GO(sf_field_from_eigenvalues(&p->grid, lambda, (1.0 - b) * p->mean[0] + b * p->mean[1],
                                    &field));
    SF_GO(sf_density_field(field, density));
done:
    sf_field_release(&field);
    sf_free(lambda);
    return status;
}

static const sf_path_methods field_methods = {
    .name = "field variance",
    .at = path_at,
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
    return sf_path_create(&field_methods, p, sf_grid_size(&p->grid), path);
done:
    path_destroy(p);
    return status;
}
