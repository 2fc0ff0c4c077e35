/* spectrum_tables.c - the columns of sf-spectrum's tables. */
#include "spectrum_output.h"

bool spectrum_part_wanted(const spectrum_options *o, spectrum_part part)
{
    switch (part) {
    case PART_POWER: return true;
    case PART_PLANE: return o->plane[0] > 0;
    case PART_BISPECTRUM: return o->triangles != TRIANGLES_NONE;
    case PART_CORRELATION: return o->correlation.count > 0;
    case PARTS: break;
    }
    return false;
}

const char *spectrum_part_name(spectrum_part part)
{
    static const char *const names[PARTS] = {[PART_POWER] = "POWER",
                                             [PART_PLANE] = "PLANE",
                                             [PART_BISPECTRUM] = "BISPECTRUM",
                                             [PART_CORRELATION] = "CORRELATION"};

    return names[part];
}

/* A table that grows by columns. */
typedef struct table {
    sf_column *columns;
    size_t count;
} table;

/* stride: numbers from one row to the next. */
static void add(table *t, const char *name, const char *unit, const double *first, size_t stride)
{
    t->columns[t->count++] = (sf_column){
        .name = name, .unit = unit[0] != '\0' ? unit : NULL, .values = first, .stride = stride};
}

static void add_integers(table *t, const char *name, const int64_t *values)
{
    t->columns[t->count++] = (sf_column){.name = name, .integers = values};
}

/* Results lie in arrays of structures. */
#define STRIDE(type) (sizeof(type) / sizeof(double))
_Static_assert(sizeof(sf_power_bin) % sizeof(double) == 0, "whole numbers of doubles");
_Static_assert(sizeof(sf_power_bin_2d) % sizeof(double) == 0, "whole numbers of doubles");
_Static_assert(sizeof(sf_triangle) % sizeof(double) == 0, "whole numbers of doubles");
_Static_assert(sizeof(sf_correlation_bin) % sizeof(double) == 0, "whole numbers of doubles");

static size_t list_power(const spectrum_options *o, const spectrum_result *r, table *t)
{
    const char *k = r->k_unit, *p = r->power_unit;
    const size_t stride = STRIDE(sf_power_bin);
    const sf_power_bin *b = r->bins;

    if (b == NULL) {
        add(t, "K", k, r->k, 1);
        add(t, "POWER", p, r->power, 1);
        if (r->transfer != NULL) add(t, "TRANSFER", "", r->transfer, 1);
        return r->count;
    }
    add(t, "K", k, &b->k, stride);
    add(t, "POWER", p, &b->power, stride);
    add(t, "ERROR", p, &b->error, stride);
    add_integers(t, "MODES", r->modes);
    add(t, "K_LOW", k, &b->low, stride);
    add(t, "K_HIGH", k, &b->high, stride);
    if (o->fits_axis > 0) {
        add(t, "QUADRUPOLE", p, &b->quadrupole, stride);
        add(t, "HEXADECAPOLE", p, &b->hexadecapole, stride);
    }
    if (r->pseudo != NULL) add(t, "PSEUDO", p, r->pseudo, 1);
    if (r->expected != NULL) add(t, "THEORY", p, r->expected, 1);
    return r->count;
}

static size_t list_plane(const spectrum_options *o, const spectrum_result *r, table *t)
{
    const size_t stride = STRIDE(sf_power_bin_2d);
    const sf_power_bin_2d *b = r->plane;

    add(t, "K_PERP", r->k_unit, &b->k_perpendicular, stride);
    add(t, "K_PAR", r->k_unit, &b->k_parallel, stride);
    add(t, "POWER", r->power_unit, &b->power, stride);
    add(t, "ERROR", r->power_unit, &b->error, stride);
    add_integers(t, "MODES", r->plane_modes);
    add(t, "K_PERP_LOW", r->k_unit, r->plane_edges, 4);
    add(t, "K_PERP_HIGH", r->k_unit, r->plane_edges + 1, 4);
    add(t, "K_PAR_LOW", r->k_unit, r->plane_edges + 2, 4);
    add(t, "K_PAR_HIGH", r->k_unit, r->plane_edges + 3, 4);
    return o->plane[0] * o->plane[1];
}

static size_t list_bispectrum(const spectrum_result *r, table *t)
{
    static const char *const sides[] = {"K1", "K2", "K3"};
    static const char *const edges[] = {"K1_LOW",  "K1_HIGH", "K2_LOW",
                                        "K2_HIGH", "K3_LOW",  "K3_HIGH"};
    const size_t stride = STRIDE(sf_triangle);
    const sf_triangle *b = r->triangles;

    for (size_t i = 0; i < 3; i++) add(t, sides[i], r->k_unit, &b->k[i], stride);
    add(t, "BISPECTRUM", r->bispectrum_unit, &b->bispectrum, stride);
    add(t, "ERROR", r->bispectrum_unit, &b->error, stride);
    add(t, "REDUCED", "", &b->reduced, stride);
    add(t, "TRIANGLES", "", &b->triangles, stride);
    for (size_t i = 0; i < 6; i++) add(t, edges[i], r->k_unit, r->triangle_edges + i, 6);
    return r->triangle_count;
}

static size_t list_correlation(const spectrum_options *o, const spectrum_result *r, table *t)
{
    const size_t stride = STRIDE(sf_correlation_bin);
    const sf_correlation_bin *b = r->correlation;

    add(t, "R", r->length_unit, &b->r, stride);
    add(t, "XI", r->xi_unit, &b->xi, stride);
    if (o->input != NULL) {
        add(t, "PAIRS", "", &b->pairs, stride);
        add(t, "R_LOW", r->length_unit, &b->low, stride);
        add(t, "R_HIGH", r->length_unit, &b->high, stride);
    }
    if (r->correlation_expected != NULL) add(t, "THEORY", r->xi_unit, r->correlation_expected, 1);
    return o->correlation.count;
}

size_t spectrum_columns(const spectrum_options *o, const spectrum_result *r, spectrum_part part,
                        sf_column columns[MOST_COLUMNS], size_t *rows)
{
    table t = {.columns = columns};

    switch (part) {
    case PART_POWER: *rows = list_power(o, r, &t); break;
    case PART_PLANE: *rows = list_plane(o, r, &t); break;
    case PART_BISPECTRUM: *rows = list_bispectrum(r, &t); break;
    case PART_CORRELATION: *rows = list_correlation(o, r, &t); break;
    case PARTS: break;
    }
    return t.count;
}
