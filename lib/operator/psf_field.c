/* psf_field.c - a point spread function that varies over a frame: known on a grid of positions,
 * linear in between. */
#include "operator/psf.h"

#include "base/internal.h"

#include <gsl/gsl_sort_double.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

struct sf_psf_field {
    atomic_int references;
    size_t rows, columns; /* of positions */
    double *row, *column; /* increasing */
    sf_grid box;          /* that holds every PSF */
    double *pixels;       /* rows x columns x box */
};

/* *axis = the different values, increasing. */
static sf_status find_axis(size_t count, const double *values, double **axis, size_t *different)
{
    SF_TRY(sf_allocate(axis, count, sizeof **axis));
    memcpy(*axis, values, count * sizeof **axis);
    gsl_sort(*axis, 1, count);
    *different = 1;
    for (size_t i = 1; i < count; i++)
        if ((*axis)[i] > (*axis)[*different - 1]) (*axis)[(*different)++] = (*axis)[i];
    return SF_OK;
}

static size_t place_of(const double *axis, size_t size, double value)
{
    size_t i = 0;

    while (i + 1 < size && axis[i] < value) i++;
    return i;
}

static sf_status find_box(size_t count, sf_psf *const *psf, sf_grid *box)
{
    size_t shape[2] = {1, 1};

    for (size_t i = 0; i < count; i++)
        for (int a = 0; a < 2; a++) {
            const size_t side = sf_psf_grid(psf[i])->shape[a];
            if (side > shape[a]) shape[a] = side;
        }
    return sf_grid_image(shape[0], shape[1], box);
}

/* Both are odd along both axes: their centres are on one another. */
static void embed(const sf_psf *psf, const sf_grid *box, double *to)
{
    const sf_grid *own = sf_psf_grid(psf);
    const size_t top = (box->shape[0] - own->shape[0]) / 2;
    const size_t left = (box->shape[1] - own->shape[1]) / 2;

    for (size_t y = 0; y < own->shape[0]; y++)
        memcpy(to + (top + y) * box->shape[1] + left, sf_psf_pixels(psf) + y * own->shape[1],
               own->shape[1] * sizeof *to);
}

/* Each position of the grid once. */
static sf_status fill(sf_psf_field *f, size_t count, sf_psf *const *psf, const double *row,
                      const double *column)
{
    const size_t size = sf_grid_size(&f->box);
    unsigned char *seen = NULL;
    sf_status status;

    SF_GO(sf_allocate(&seen, count, 1));
    SF_GO(sf_allocate(&f->pixels, count * size, sizeof *f->pixels));
    for (size_t i = 0; i < count; i++) {
        const size_t at = place_of(f->row, f->rows, row[i]) * f->columns +
                          place_of(f->column, f->columns, column[i]);
        if (seen[at]++ != 0)
            SF_GO(sf_fail(SF_ERR_ARGUMENT, "two PSFs are at row %g, column %g", row[i], column[i]));
        embed(psf[i], &f->box, f->pixels + at * size);
    }
done:
    sf_free(seen);
    return status;
}

sf_status sf_psf_field_create(size_t count, sf_psf *const *psf, const double *row,
                              const double *column, sf_psf_field **field)
{
    sf_psf_field *f = NULL;
    sf_status status;

    *field = NULL;
    if (count == 0) return sf_fail(SF_ERR_ARGUMENT, "a field of no PSF: give at least one");
    SF_TRY(sf_check_finite(row, count, "rows of PSFs"));
    SF_TRY(sf_check_finite(column, count, "columns of PSFs"));
    SF_TRY(sf_allocate(&f, 1, sizeof *f));
    atomic_init(&f->references, 1);
    SF_GO(find_axis(count, row, &f->row, &f->rows));
    SF_GO(find_axis(count, column, &f->column, &f->columns));
    if (f->rows * f->columns != count)
        SF_GO(sf_fail(SF_ERR_ARGUMENT,
                      "%zu PSFs at %zu different rows and %zu different columns do not fill a grid "
                      "of positions",
                      count, f->rows, f->columns));
    SF_GO(find_box(count, psf, &f->box));
    SF_GO(fill(f, count, psf, row, column));
    *field = f;
    return SF_OK;
done:
    sf_psf_field_release(&f);
    return status;
}

sf_psf_field *sf_psf_field_retain(sf_psf_field *field)
{
    if (field != NULL) atomic_fetch_add(&field->references, 1);
    return field;
}

void sf_psf_field_release(sf_psf_field **field)
{
    sf_psf_field *f;

    if (field == NULL || *field == NULL) return;
    f = *field;
    *field = NULL;
    if (atomic_fetch_sub(&f->references, 1) != 1) return;
    sf_free(f->row);
    sf_free(f->column);
    sf_free(f->pixels);
    sf_free(f);
}

size_t sf_psf_field_count(const sf_psf_field *f) { return f->rows * f->columns; }
const sf_grid *sf_psf_field_grid(const sf_psf_field *f) { return &f->box; }

const double *sf_psf_field_pixels(const sf_psf_field *f, size_t index)
{
    return f->pixels + index * sf_grid_size(&f->box);
}

sf_status sf_psf_field_member(const sf_psf_field *f, size_t index, double *row, double *column,
                              sf_psf **psf)
{
    const sf_psf_options as_it_is = {.centre = SF_PSF_DECLARED, .pedestal = 0.0};

    *psf = NULL;
    if (index >= sf_psf_field_count(f))
        return sf_fail(SF_ERR_ARGUMENT, "PSF %zu of a field of %zu", index, sf_psf_field_count(f));
    if (row != NULL) *row = f->row[index / f->columns];
    if (column != NULL) *column = f->column[index % f->columns];
    return sf_psf_from_pixels(&f->box, sf_psf_field_pixels(f, index), &as_it_is, psf);
}

/* The two positions that a place is between, and the second one's part; the nearest one beyond. */
static void neighbours(const double *axis, size_t size, double value, size_t at[2], double *part)
{
    size_t above = place_of(axis, size, value);

    if (above == 0 && size > 1) above = 1;
    at[1] = above;
    at[0] = above > 0 ? above - 1 : 0;
    *part = above > 0 ? (value - axis[at[0]]) / (axis[at[1]] - axis[at[0]]) : 0.0;
    *part = fmin(fmax(*part, 0.0), 1.0);
}

double sf_psf_field_part(const sf_psf_field *f, size_t index, int axis, double place)
{
    const double *positions = axis == 0 ? f->row : f->column;
    const size_t size = axis == 0 ? f->rows : f->columns;
    const size_t own = axis == 0 ? index / f->columns : index % f->columns;
    size_t at[2];
    double part;

    neighbours(positions, size, place, at, &part);
    return own == at[1] && at[0] == at[1] ? 1.0
           : own == at[1]                 ? part
           : own == at[0]                 ? 1.0 - part
                                          : 0.0;
}

sf_status sf_psf_field_at(const sf_psf_field *f, double row, double column, sf_psf **psf)
{
    const sf_psf_options as_it_is = {.centre = SF_PSF_DECLARED, .pedestal = 0.0};
    const size_t size = sf_grid_size(&f->box);
    size_t rows[2], columns[2];
    double down, right, *sum = NULL;
    sf_status status;

    *psf = NULL;
    if (!isfinite(row) || !isfinite(column))
        return sf_fail(SF_ERR_ARGUMENT, "the PSF at row %g, column %g", row, column);
    neighbours(f->row, f->rows, row, rows, &down);
    neighbours(f->column, f->columns, column, columns, &right);
    SF_GO(sf_allocate(&sum, size, sizeof *sum));
    for (int i = 0; i < 4; i++) {
        const int lower = i / 2, later = i % 2;
        const double weight = (lower ? down : 1.0 - down) * (later ? right : 1.0 - right);
        const double *one = f->pixels + (rows[lower] * f->columns + columns[later]) * size;
        for (size_t k = 0; k < size; k++) sum[k] += weight * one[k];
    }
    status = sf_psf_from_pixels(&f->box, sum, &as_it_is, psf);
done:
    sf_free(sum);
    return status;
}
