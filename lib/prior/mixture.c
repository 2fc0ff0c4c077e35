/* mixture.c - Gaussian mixtures as values: made, read, drawn from, and conditioned on data. */
#include "prior/mixture.h"

#include "base/internal.h"

#include <scorefield/io.h>

#include <gsl/gsl_math.h>
#include <math.h>
#include <string.h>

static size_t covariance_values(sf_covariance kind, size_t n)
{
    return kind == SF_COVARIANCE_ROUND ? 1 : kind == SF_COVARIANCE_DIAGONAL ? n : n * n;
}

sf_status sf_mixture_create(size_t dimension, size_t count, sf_covariance kind,
                            sf_mixture **mixture)
{
    sf_mixture *made = NULL;
    size_t values, means;
    sf_status status;

    *mixture = NULL;
    if (dimension == 0 || count == 0)
        return sf_fail(SF_ERR_ARGUMENT,
                       "a mixture of %zu components in %zu dimensions; it has at least one of each",
                       count, dimension);
    if (!sf_multiply_sizes(dimension, dimension, &values) ||
        !sf_multiply_sizes(values, count, &values))
        return sf_fail(SF_ERR_MEMORY, "%zu components in %zu dimensions are more than memory holds",
                       count, dimension);
    means = count * dimension;
    SF_GO(sf_allocate(&made, 1, sizeof *made));
    made->dimension = dimension;
    made->count = count;
    made->kind = kind;
    SF_GO(sf_allocate(&made->weight, count, sizeof *made->weight));
    SF_GO(sf_allocate(&made->mean, means, sizeof *made->mean));
    SF_GO(sf_allocate(&made->covariance, count * covariance_values(kind, dimension),
                      sizeof *made->covariance));
    *mixture = made;
    return SF_OK;
done:
    sf_mixture_release(&made);
    return status;
}

void sf_mixture_release(sf_mixture **mixture)
{
    if (mixture == NULL || *mixture == NULL) return;
    sf_free((*mixture)->weight);
    sf_free((*mixture)->mean);
    sf_free((*mixture)->covariance);
    sf_free(*mixture);
    *mixture = NULL;
}

/* ---- files ---------------------------------------------------------------------------------- */

sf_status sf_mixture_read_rows(const char *path, size_t *count, size_t *dimension, double **parts)
{
    double *table = NULL, *made = NULL;
    size_t rows, columns;
    sf_status status;

    *parts = NULL;
    SF_GO(sf_text_table_read(path, &table, &rows, &columns));
    if (columns < 3) {
        status = sf_fail(SF_ERR_FORMAT,
                         "%s has %zu columns; a mixture has weight, sigma and the mean's "
                         "coordinates",
                         path, columns);
        goto done;
    }
    SF_GO(sf_allocate(&made, rows, columns * sizeof *made));
    for (size_t k = 0; k < rows; k++) {
        made[k] = table[k * columns];
        made[rows + k] = table[k * columns + 1];
        memcpy(made + 2 * rows + k * (columns - 2), table + k * columns + 2,
               (columns - 2) * sizeof *made);
    }
    *count = rows;
    *dimension = columns - 2;
    *parts = made;
done:
    sf_free(table);
    return status;
}

/* Heights h of bells of width s have the weights h s^n, to a factor: the largest is 1. */
static void weigh_heights(size_t count, size_t n, const double *height, const double *sigma,
                          double *weight)
{
    double most = -INFINITY;

    for (size_t k = 0; k < count; k++) {
        weight[k] = log(height[k]) + (double)n * log(sigma[k]);
        most = fmax(most, weight[k]);
    }
    for (size_t k = 0; k < count; k++) weight[k] = exp(weight[k] - most);
}

sf_status sf_mixture_read(const char *path, sf_mixture **mixture)
{
    double *parts = NULL;
    size_t count, n;
    sf_status status;

    *mixture = NULL;
    SF_TRY(sf_mixture_read_rows(path, &count, &n, &parts));
    for (size_t k = 0; k < 2 * count; k++)
        if (!(parts[k] > 0.0) || !isfinite(parts[k])) {
            status = sf_fail(SF_ERR_ARGUMENT,
                             "component %zu of the mixture in %s has weight %g and sigma %g; both "
                             "are positive and finite",
                             k % count, path, parts[k % count], parts[count + k % count]);
            goto done;
        }
    SF_GO(sf_mixture_create(n, count, SF_COVARIANCE_ROUND, mixture));
    weigh_heights(count, n, parts, parts + count, (*mixture)->weight);
    memcpy((*mixture)->mean, parts + 2 * count, count * n * sizeof *parts);
    for (size_t k = 0; k < count; k++)
        (*mixture)->covariance[k] = parts[count + k] * parts[count + k];
done:
    sf_free(parts);
    return status;
}

/* ---- draws ---------------------------------------------------------------------------------- */

sf_status sf_mixture_draw(const sf_mixture *mixture, sf_random random, uint64_t first, size_t count,
                          double *x)
{
    sf_components *c;
    const size_t n = mixture->dimension;
    double *y = NULL;
    sf_status status;

    SF_TRY(sf_components_create(mixture, &c));
    SF_GO(sf_allocate(&y, n, sizeof *y));
    for (size_t b = 0; b < count; b++, x += n) {
        double u;
        size_t k = 0;

        sf_random_uniform(random, first + b, 0, 1, &u);
        while (k + 1 < c->count && u > c->upto[k]) k++;
        sf_random_normal(random, first + b, 0, n, y);
        for (size_t i = 0; i < n; i++) y[i] *= sqrt(c->variance[k * n + i]);
        sf_components_from_axes(c, k, y, x);
        for (size_t i = 0; i < n; i++) x[i] += c->mean[k * n + i];
    }
done:
    sf_free(y);
    sf_components_release(&c);
    return status;
}
