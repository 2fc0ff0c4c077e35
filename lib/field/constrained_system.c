/* constrained_system.c - the numbers of the system (C^-1 + W) x = b. */
#include "field/constrained.h"

#include <math.h>

/* Largest |k| of a mode about which a cell's datum says more than the prior: lambda w > 1; negative
 * without one. */
static double data_reach(const sf_constrained_system *system)
{
    double reach = -1.0;

#pragma omp parallel for num_threads(sf_thread_count()) reduction(max : reach)
    for (size_t k = 0; k < sf_grid_half_size(&system->grid); k++)
        if (system->lambda[k] * system->typical > 1.0)
            reach = fmax(reach, sf_grid_wavenumber(&system->grid, k));
    return reach;
}

typedef struct lambda_pass {
    const sf_field *field;
    const sf_constrained_system *system;
} lambda_pass;

/* A variance whose inverse overflows is none. */
static sf_status fetch_piece(void *user, sf_piece piece)
{
    const lambda_pass *p = user;
    double *lambda = p->system->lambda + piece.at, *divisor = p->system->divisor + piece.at;

    SF_TRY(sf_field_lambda(p->field, piece, lambda));
    for (size_t i = 0; i < piece.count; i++) {
        if (!isfinite(1.0 / lambda[i])) lambda[i] = 0.0;
        divisor[i] = lambda[i] / (1.0 + lambda[i] * p->system->typical);
    }
    return SF_OK;
}

static void take_weight(sf_constrained_system *system, const double *weight)
{
    double sum = 0.0;
    size_t seen = 0;

    for (size_t i = 0; i < sf_grid_size(&system->grid); i++) {
        system->weight[i] = weight[i];
        sum += weight[i];
        seen += weight[i] > 0.0;
    }
    system->typical = seen > 0 ? sum / (double)seen : 0.0;
}

sf_status sf_constrained_system_create(const sf_field *field, const double *weight,
                                       sf_constrained_system **system)
{
    const size_t half = sf_grid_half_size(&field->grid);
    lambda_pass pass = {.field = field};
    sf_constrained_system *s;
    sf_status status;

    *system = NULL;
    SF_TRY(sf_allocate(&s, 1, sizeof *s));
    s->grid = field->grid;
    SF_GO(sf_fft_create(&s->grid, &s->fft));
    SF_GO(sf_allocate(&s->lambda, half, sizeof *s->lambda));
    SF_GO(sf_allocate(&s->divisor, half, sizeof *s->divisor));
    SF_GO(sf_allocate(&s->weight, sf_grid_size(&s->grid), sizeof *s->weight));
    take_weight(s, weight);
    pass.system = s;
    SF_GO(sf_piece_each(&s->grid, fetch_piece, &pass));
    if (data_reach(s) >= 0.0) SF_GO(sf_pyramid_create(s, data_reach(s), &s->pyramid));
done:
    if (status != SF_OK) sf_constrained_system_release(&s);
    *system = s;
    return status;
}

void sf_constrained_system_release(sf_constrained_system **system)
{
    sf_constrained_system *s = *system;

    *system = NULL;
    if (s == NULL) return;
    sf_pyramid_release(&s->pyramid);
    sf_fft_release(&s->fft);
    sf_free(s->lambda);
    sf_free(s->divisor);
    sf_free(s->weight);
    sf_free(s);
}
