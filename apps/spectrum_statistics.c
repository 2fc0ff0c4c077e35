/* spectrum_statistics.c - what sf-spectrum measures beside P(k): xi(r), the bispectrum, and the
 * bins of P(k_perp, k_par). */
#include "spectrum_statistics.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Edge i of bins whose range is known. */
static double bin_edge(const sf_bins *bins, size_t i)
{
    const double part = (double)i / (double)bins->count;

    if (i == bins->count) return bins->high;
    return bins->logarithmic ? bins->low * pow(bins->high / bins->low, part)
                             : bins->low + (bins->high - bins->low) * part;
}

/* ---- the correlation function ---------------------------------------------------------------- */

/* The theory over each bin's own pairs: a field whose modes all have the amplitude of the spectrum
 * has its covariance, between the cells of this box, exactly. */
static sf_status expect_correlation(const spectrum_options *o, spectrum_result *r)
{
    sf_field_draw_options how = sf_field_draw_options_default();
    sf_correlation_bin *bins = NULL;
    sf_field *field = NULL;
    double *draw = NULL;
    sf_status status;

    if (r->theory.spectrum == NULL) return SF_OK;
    how.fixed = true;
    GO(sf_allocate(&bins, o->correlation.count, sizeof *bins));
    GO(sf_allocate(&r->correlation_expected, o->correlation.count, sizeof(double)));
    GO(sf_allocate(&draw, sf_fft_buffer_size(&r->grid), sizeof *draw));
    GO(sf_field_create(&r->grid, r->theory.spectrum, 0.0, &field));
    GO(sf_field_draw(field, &how, draw));
    GO(sf_correlation(&r->grid, draw, &o->correlation, bins));
    for (size_t i = 0; i < o->correlation.count; i++) r->correlation_expected[i] = bins[i].xi;
done:
    sf_field_release(&field);
    sf_free(draw);
    sf_free(bins);
    return status;
}

sf_status spectrum_correlation(const spectrum_options *o, const spectrum_input *in,
                               spectrum_result *r)
{
    sf_status status;

    if (o->correlation.count == 0) return SF_OK;
    GO(sf_allocate(&r->correlation, o->correlation.count, sizeof *r->correlation));
    GO(sf_correlation(&in->grid, in->field.value, &o->correlation, r->correlation));
    status = expect_correlation(o, r);
done:
    return status;
}

/* At the middle of each bin. */
sf_status spectrum_correlation_of_theory(const spectrum_options *o, spectrum_result *r)
{
    const bool ranged = o->k_low_text != NULL || o->k_high_text != NULL;
    sf_bins bins = o->correlation;
    double *x = NULL, *xi = NULL;
    sf_status status;

    if (bins.count == 0) return SF_OK;
    if (bins.high == 0.0) bins.low = 1.0, bins.high = 200.0;
    GO(sf_allocate(&r->correlation, bins.count, sizeof *r->correlation));
    GO(sf_allocate(&x, bins.count, sizeof *x));
    GO(sf_allocate(&xi, bins.count, sizeof *xi));
    for (size_t i = 0; i < bins.count; i++) {
        const double low = bin_edge(&bins, i), high = bin_edge(&bins, i + 1);
        x[i] = bins.logarithmic ? sqrt(low * high) : 0.5 * (low + high);
    }
    GO(sf_spectrum_correlation(r->theory.spectrum, 3, x, bins.count, ranged ? o->k_low : 0.0,
                               ranged ? o->k_high : 0.0, xi));
    for (size_t i = 0; i < bins.count; i++)
        r->correlation[i] = (sf_correlation_bin){.r = x[i], .xi = xi[i]};
done:
    sf_free(x);
    sf_free(xi);
    return status;
}

/* ---- the bispectrum -------------------------------------------------------------------------- */

#define MOST_SHELLS 12 /* unless asked for */

/* Shells of whole numbers of fundamental modes up to two thirds of the Nyquist frequency, where
 * equilateral triangles end. */
static sf_bins choose_shells(const spectrum_options *o, const sf_grid *grid)
{
    const mode_range modes = box_modes(grid);
    const double low = 0.5 * modes.fundamental, reach = 2.0 / 3.0 * modes.nyquist;
    const double room = (reach * (1.0 + 1e-12) - low) / modes.fundamental;
    const double width = fmax(1.0, ceil(room / MOST_SHELLS));
    sf_bins shells = o->shells;

    if (shells.count == 0) {
        shells.count = (size_t)fmax(1.0, floor(room / width));
        shells.high = low + (double)shells.count * width * modes.fundamental;
    }
    if (shells.low == 0.0) shells.low = shells.logarithmic ? modes.fundamental : low;
    if (shells.high == 0.0) shells.high = reach;
    return shells;
}

/* The triangles as numbers of shells; room: how many fit (0: they are only counted). */
typedef struct triangle_list {
    const double *edge;
    size_t shells, count, room;
    size_t *shell;
} triangle_list;

static void add_triangle(triangle_list *t, size_t a, size_t b, size_t c)
{
    if (t->count < t->room) {
        t->shell[3 * t->count] = a;
        t->shell[3 * t->count + 1] = b;
        t->shell[3 * t->count + 2] = c;
    }
    t->count++;
}

/* a <= b <= c, where three vectors can close, and not by aliasing. */
static void list_all(triangle_list *t, double nyquist)
{
    const double *low = t->edge, *high = t->edge + 1;

    for (size_t a = 0; a < t->shells; a++)
        for (size_t b = a; b < t->shells; b++)
            for (size_t c = b; c < t->shells; c++)
                if (low[c] < high[a] + high[b] &&
                    high[a] + high[b] + high[c] <= 2.0 * nyquist * (1.0 + 1e-12))
                    add_triangle(t, a, b, c);
}

static sf_status find_shell(const triangle_list *t, double k, size_t *shell)
{
    for (*shell = 0; *shell < t->shells; ++*shell)
        if (k >= t->edge[*shell] && k < t->edge[*shell + 1]) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "--bispectrum: k = %g is in no shell, they reach from %g to %g: see --shells", k,
                   t->edge[0], t->edge[t->shells]);
}

static sf_status list_given(const spectrum_options *o, triangle_list *t)
{
    size_t shell[3];
    sf_status status = SF_OK;

    for (size_t i = 0; i < o->triangle_count; i++) {
        for (size_t side = 0; side < 3; side++)
            GO(find_shell(t, o->triangle[3 * i + side], &shell[side]));
        add_triangle(t, shell[0], shell[1], shell[2]);
    }
done:
    return status;
}

static sf_status list_triangles(const spectrum_options *o, double nyquist, triangle_list *t)
{
    t->count = 0;
    if (o->triangles == TRIANGLES_LISTED) return list_given(o, t);
    if (o->triangles == TRIANGLES_ALL)
        list_all(t, nyquist);
    else
        for (size_t i = 0; i < t->shells; i++) add_triangle(t, i, i, i);
    return SF_OK;
}

/* One grid for each shell, and two more. */
static sf_status check_room(const spectrum_input *in, size_t shells)
{
    char what[80];

    (void)snprintf(what, sizeof what, "the bispectrum of %zu shells", shells);
    return program_check_memory(what,
                                8.0 * (double)sf_grid_size(&in->grid) * ((double)shells + 2.0));
}

static sf_status fill_edges(const triangle_list *t, spectrum_result *r)
{
    sf_status status;

    GO(sf_allocate(&r->triangle_edges, t->count, 6 * sizeof(double)));
    for (size_t i = 0; i < 3 * t->count; i++) {
        r->triangle_edges[2 * i] = t->edge[t->shell[i]];
        r->triangle_edges[2 * i + 1] = t->edge[t->shell[i] + 1];
    }
done:
    return status;
}

sf_status spectrum_bispectrum(const spectrum_options *o, const spectrum_input *in,
                              spectrum_result *r)
{
    const double nyquist = box_modes(&in->grid).nyquist;
    const sf_bins shells = choose_shells(o, &in->grid);
    triangle_list t = {.shells = shells.count};
    double *edge = NULL;
    sf_status status;

    if (o->triangles == TRIANGLES_NONE) return SF_OK;
    GO(check_room(in, shells.count));
    GO(sf_allocate(&edge, shells.count + 1, sizeof *edge));
    for (size_t i = 0; i <= shells.count; i++) edge[i] = bin_edge(&shells, i);
    t.edge = edge;
    GO(list_triangles(o, nyquist, &t));
    GO(sf_allocate(&t.shell, t.count, 3 * sizeof *t.shell));
    t.room = t.count;
    GO(list_triangles(o, nyquist, &t));
    r->triangle_count = t.count;
    GO(fill_edges(&t, r));
    GO(sf_allocate(&r->triangles, t.count, sizeof *r->triangles));
    status = sf_bispectrum(&in->grid, in->field.value, edge, shells.count, t.shell, t.count,
                           r->triangles);
done:
    sf_free(edge);
    sf_free(t.shell);
    return status;
}

/* ---- P(k_perp, k_par) ------------------------------------------------------------------------ */

sf_status spectrum_plane(const spectrum_options *o, const sf_bins *bins, spectrum_result *r)
{
    const size_t count = o->plane[0] * o->plane[1];
    const double high = bins->high != 0.0 ? bins->high : box_modes(&r->grid).nyquist;
    sf_status status;

    if (count == 0) return SF_OK;
    GO(sf_allocate(&r->plane, count, sizeof *r->plane));
    GO(sf_allocate(&r->plane_modes, count, sizeof *r->plane_modes));
    GO(sf_allocate(&r->plane_edges, count, 4 * sizeof *r->plane_edges));
    for (size_t i = 0; i < count; i++) {
        const size_t index[] = {i / o->plane[1], i % o->plane[1]};
        for (size_t side = 0; side < 2; side++)
            for (size_t end = 0; end < 2; end++)
                r->plane_edges[4 * i + 2 * side + end] =
                    high * (double)(index[side] + end) / (double)o->plane[side];
    }
done:
    return status;
}
