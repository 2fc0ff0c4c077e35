/* anneal_fingerprint.c - what decides a run's numbers, in one number. */
#include "free_energy/anneal_checkpoint.h"

#include <string.h>

enum { POINTS = 4 };

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return sf_fnv(hash, text, strlen(text) + 1);
}

static uint64_t hash_numbers(uint64_t hash, const double *number, size_t count)
{
    return number != NULL ? sf_fnv(hash, number, count * sizeof *number) : hash;
}

/* A draw of the field tells its spectrum. */
static sf_status hash_field(const sf_field *field, size_t n, uint64_t *hash)
{
    const sf_field_draw_options options = sf_field_draw_options_default();
    double *draw;
    sf_status status;

    if (field == NULL) return SF_OK;
    SF_TRY(sf_allocate(&draw, n, sizeof *draw));
    status = sf_field_draw(field, &options, draw);
    *hash = hash_numbers(*hash, draw, n);
    sf_free(draw);
    return status;
}

static sf_status hash_kernel(const sf_kernel *kernel, size_t n, uint64_t *hash)
{
    const uint64_t integers[] = {kernel->kind, kernel->leapfrogs};
    const double numbers[] = {kernel->friction, kernel->jitter};

    *hash = sf_fnv(*hash, integers, sizeof integers);
    *hash = hash_numbers(*hash, numbers, 2);
    *hash = hash_numbers(*hash, kernel->scale, n);
    return hash_field(kernel->field, n, hash);
}

/* log f at the ends and half way, at standard normal points and, if there are any, at draws. */
static sf_status hash_density(const sf_path *path, double b, double *x, uint64_t *hash)
{
    const size_t n = sf_path_dimension(path);
    double log_density[POINTS];
    sf_density *density;
    sf_status status;

    SF_TRY(sf_path_at(path, b, &density));
    *hash = hash_text(*hash, sf_density_name(density));
    for (size_t kind = 0; kind < (sf_density_can_draw(density) ? 2 : 1); kind++) {
        if (kind == 0)
            sf_random_normal(sf_random_make(0, 0), 0, 0, POINTS * n, x);
        else
            SF_GO(sf_density_draw(density, 0, 0, 0, POINTS, x));
        SF_GO(sf_density_evaluate(density, POINTS, x, log_density, NULL));
        *hash = hash_numbers(*hash, log_density, POINTS);
    }
done:
    sf_density_release(&density);
    return status;
}

static sf_status hash_path(const sf_path *path, uint64_t *hash)
{
    double *x;
    sf_status status = SF_OK;

    SF_TRY(sf_allocate(&x, POINTS * sf_path_dimension(path), sizeof *x));
    *hash = hash_text(*hash, sf_path_name(path));
    for (int half = 0; half <= 2 && status == SF_OK; half++)
        status = hash_density(path, 0.5 * half, x, hash);
    sf_free(x);
    return status;
}

sf_status sf_anneal_fingerprint(const sf_anneal_run *run, uint64_t *fingerprint)
{
    const sf_anneal_options *o = &run->options;
    const bool smc = sf_anneal_run_resamples(run);
    /* AIS is the same for any batch */
    const uint64_t integers[] = {run->dimension,  run->schedule.count, o->method,
                                 o->moves,        o->reverse,          o->seed,
                                 o->keep_samples, smc ? o->batch : 0,  smc ? o->resampling : 0};
    uint64_t hash = hash_text(SF_FNV_BASIS, sf_version());

    hash = sf_fnv(hash, integers, sizeof integers);
    hash = hash_numbers(hash, &o->resample_below, smc ? 1 : 0);
    hash = hash_numbers(hash, run->schedule.b, run->schedule.count);
    hash = hash_numbers(hash, run->schedule.step, run->schedule.count);
    hash = hash_numbers(hash, o->start, o->starts * run->dimension);
    SF_TRY(hash_kernel(&o->kernel, run->dimension, &hash));
    SF_TRY(hash_path(run->path, &hash));
    *fingerprint = hash;
    return SF_OK;
}
