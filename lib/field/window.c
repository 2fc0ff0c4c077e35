/* window.c - the windows of mass assignment; see window.h. */
#include "field/window.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

double sf_window(sf_assignment order, size_t m, size_t n)
{
    const double x = pi * (double)m / (double)n;

    return m == 0 ? 1.0 : pow(sin(x) / x, (double)order);
}

static double sine_squared(size_t m, size_t n)
{
    const double sine = sin(pi * (double)m / (double)n);

    return sine * sine;
}

double sf_window_noise(sf_assignment order, size_t m, size_t n)
{
    const double s = sine_squared(m, n);

    switch (order) {
    case SF_ASSIGN_CIC: return 1.0 - 2.0 / 3.0 * s;
    case SF_ASSIGN_TSC: return 1.0 - s + 2.0 / 15.0 * s * s;
    case SF_ASSIGN_PCS: return 1.0 - 4.0 / 3.0 * s + 2.0 / 5.0 * s * s - 4.0 / 315.0 * s * s * s;
    case SF_ASSIGN_NONE:
    case SF_ASSIGN_NGP: break;
    }
    return 1.0;
}

/* From sum (-1)^j/(x + pi j) = 1/sin x by 2p - 1 derivatives. */
double sf_window_noise_alternating(sf_assignment order, size_t m, size_t n)
{
    const double s = sine_squared(m, n), cosine = cos(pi * (double)m / (double)n);

    switch (order) {
    case SF_ASSIGN_CIC: return cosine * (1.0 - s / 6.0);
    case SF_ASSIGN_TSC: return cosine * (1.0 - s / 2.0 + s * s / 120.0);
    case SF_ASSIGN_PCS:
        return cosine * (1.0 - 5.0 / 6.0 * s + 13.0 / 120.0 * s * s - s * s * s / 5040.0);
    case SF_ASSIGN_NONE:
    case SF_ASSIGN_NGP: break;
    }
    return cosine;
}

static sf_status make_axis(sf_assignment order, size_t n, bool noise, bool interlaced, int axis,
                           sf_window_tables *tables)
{
    const size_t count = n / 2 + 1;

    SF_TRY(sf_allocate(&tables->inverse[axis], count, sizeof(double)));
    if (noise) SF_TRY(sf_allocate(&tables->noise[axis], count, sizeof(double)));
    if (noise && interlaced) SF_TRY(sf_allocate(&tables->alternating[axis], count, sizeof(double)));
    for (size_t m = 0; m < count; m++) {
        const double window = sf_window(order, m, n), inverse = 1.0 / (window * window);

        tables->inverse[axis][m] = inverse;
        if (noise) tables->noise[axis][m] = sf_window_noise(order, m, n) * inverse;
        if (noise && interlaced)
            tables->alternating[axis][m] = sf_window_noise_alternating(order, m, n) * inverse;
    }
    return SF_OK;
}

sf_status sf_window_tables_make(const sf_grid *grid, sf_assignment order, bool noise,
                                bool interlaced, sf_window_tables *tables)
{
    sf_status status = SF_OK;

    *tables = (sf_window_tables){.inverse = {NULL}};
    if (order == SF_ASSIGN_NONE) return SF_OK;
    for (int a = 0; a < grid->axes; a++)
        SF_GO(make_axis(order, grid->shape[a], noise, interlaced, a, tables));
done:
    if (status != SF_OK) sf_window_tables_free(tables);
    return status;
}

void sf_window_tables_free(sf_window_tables *tables)
{
    for (int a = 0; a < SF_GRID_MAX_AXES; a++) {
        sf_free(tables->inverse[a]);
        sf_free(tables->noise[a]);
        sf_free(tables->alternating[a]);
    }
    *tables = (sf_window_tables){.inverse = {NULL}};
}

double sf_window_row(double *const tables[SF_GRID_MAX_AXES], int axes,
                     const long m[SF_GRID_MAX_AXES])
{
    double product = 1.0;

    for (int a = 0; a < axes - 1; a++)
        if (tables[a] != NULL) product *= tables[a][m[a] < 0 ? -m[a] : m[a]];
    return product;
}
