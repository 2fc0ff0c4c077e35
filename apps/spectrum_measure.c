/* spectrum_measure.c - the figures of sf-spectrum, from a field or from a theory alone. */
#include "spectrum_measure.h"
#include "program.h"
#include "progress.h"
#include "spectrum_statistics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- units ----------------------------------------------------------------------------------- */

/* The unit of length is the header's, the theory's or the one given; they may not differ. */
static sf_status find_units(const spectrum_input *in, const spectrum_options *o, theory *t,
                            spectrum_result *r)
{
    const char *length = in->length[0] != '\0' ? in->length : t->length;

    if (t->length[0] != '\0' && strcmp(length, t->length) != 0)
        return sf_fail(SF_ERR_ARGUMENT, "%s has lengths in %s, but %s says %s%s", o->input, length,
                       t->has_transfer ? t->name : "--unit", t->length,
                       t->has_transfer ? "; see --per-mpc and --box" : "");
    theory_unit_power(in->value, 2, r->xi_unit, sizeof r->xi_unit);
    if (length[0] == '\0') return SF_OK;
    theory_unit_of_k(length, r->k_unit, sizeof r->k_unit);
    theory_unit_of_power(in->value, 2, length, in->grid.axes, r->power_unit, sizeof r->power_unit);
    theory_unit_of_power(in->value, 3, length, 2 * in->grid.axes, r->bispectrum_unit,
                         sizeof r->bispectrum_unit);
    (void)snprintf(r->length_unit, sizeof r->length_unit, "%s", length);
    return SF_OK;
}

/* ---- a field --------------------------------------------------------------------------------- */

/* Bins centred on whole numbers of the largest fundamental mode, up to the coarsest axis' Nyquist
 * frequency, or of a masked field all that has power; a range that was left out is the library's.
 */
static sf_bins choose_bins(const spectrum_options *o, const spectrum_input *in)
{
    const mode_range modes = box_modes(&in->grid);
    const double width = modes.fundamental;
    double corner = 0.0, count;

    if (o->bins.count > 0) return o->bins;
    for (int i = 0; i < in->grid.axes; i++)
        corner = hypot(corner, in->grid.shape[i] > 1 ? M_PI / in->grid.spacing[i] : 0.0);
    count = in->window != NULL ? ceil(corner / width * (1.0 - 1e-9))
                               : floor(modes.nyquist / width * (1.0 + 1e-9)) - 1.0;
    if (!(count >= 1.0)) count = 1.0;
    return (sf_bins){.count = (size_t)count,
                     .low = 0.5 * (in->window != NULL ? modes.smallest : width),
                     .high = (count + 0.5) * width};
}

static double find_shot_noise(const spectrum_options *o, const spectrum_input *in)
{
    if (o->shot == SHOT_NOISE_NONE) return 0.0;
    if (o->shot == SHOT_NOISE_GIVEN) return o->shot_value;
    return spectrum_field_exists(&in->other)
               ? 0.0
               : in->field.shot_noise; /* two catalogues share no point */
}

static sf_status measure_power(const spectrum_options *o, const spectrum_input *in,
                               const sf_bins *bins, spectrum_result *r)
{
    sf_power_options how = sf_power_options_default();

    how.bins = *bins;
    how.assignment = r->assignment;
    how.interlaced = in->field.interlaced;
    how.other = in->other.value;
    how.other_single = in->other.single;
    how.other_interlaced = in->other.interlaced;
    how.shot_noise = r->shot_noise;
    if (o->fits_axis > in->grid.axes)
        return sf_fail(SF_ERR_ARGUMENT, "--multipoles %s: there are %d axes", o->multipoles,
                       in->grid.axes);
    how.line_of_sight = o->fits_axis > 0 ? in->grid.axes - o->fits_axis : -1;
    how.perpendicular = o->plane[0];
    how.parallel = o->plane[1];
    if (in->field.single != NULL)
        return sf_power_in_place_single(&in->grid, in->field.single, &how, r->bins, r->plane);
    return sf_power_in_place(&in->grid, in->field.value, &how, r->bins, r->plane);
}

/* ---- a field under a window ------------------------------------------------------------------ */

/* What is left of the number of independent modes: <w^2>^2/<w^4> (Hivon et al. 2002,
 * doi:10.1086/338126, eq. 32). */
static double share_of_modes(const double *window, size_t size)
{
    double second = 0.0, fourth = 0.0;

    for (size_t i = 0; i < size; i++) {
        const double square = window[i] * window[i];
        second += square;
        fourth += square * square;
    }
    return second / (double)size * (second / fourth);
}

/* Where the window is 0 nothing is defined. */
static void blank(const double *window, size_t size, double *field)
{
    for (size_t i = 0; i < size; i++)
        if (window[i] == 0.0) field[i] = 0.0;
}

static sf_status measure_masked(const spectrum_input *in, const sf_bins *bins,
                                const sf_monitor *monitor, spectrum_result *r)
{
    const size_t size = sf_grid_size(&in->grid);
    sf_power_options how = sf_power_options_default();
    double *power = NULL;
    sf_status status;

    how.bins = *bins;
    GO(sf_allocate(&r->pseudo, r->count, sizeof *r->pseudo));
    GO(sf_allocate(&r->coupling, r->count, r->count * sizeof *r->coupling));
    GO(sf_allocate(&power, r->count, sizeof *power));
    GO(sf_pseudo_power(&in->grid, in->field.value, in->window, bins, monitor, r->pseudo,
                       r->coupling, power));
    blank(in->window, size, in->field.value);
    GO(sf_power_in_place(&in->grid, in->field.value, &how, r->bins, NULL)); /* modes, edges */
    r->seen = share_of_modes(in->window, size);
    for (size_t i = 0; i < r->count; i++) {
        sf_power_bin *b = &r->bins[i];
        b->power = power[i] - r->shot_noise;
        b->error = fabs(power[i]) * sqrt(2.0 / ((double)b->modes * r->seen));
    }
done:
    sf_free(power);
    return status;
}

/* ---- what is measured, and the theory -------------------------------------------------------- */

/* The theory over each bin's own modes. */
static sf_status compare(const spectrum_input *in, const sf_bins *bins, spectrum_result *r)
{
    double sum = 0.0;
    size_t used = 0;
    sf_status status;

    if (r->theory.spectrum == NULL) return SF_OK;
    GO(sf_allocate(&r->expected, r->count, sizeof *r->expected));
    GO(sf_power_expected(&in->grid, r->theory.spectrum, bins, r->expected));
    for (size_t i = 0; i < r->count; i++) {
        const sf_power_bin *b = &r->bins[i];
        const double error =
            spectrum_field_exists(&in->other)
                ? b->error
                : (r->expected[i] + r->shot_noise) * sqrt(2.0 / ((double)b->modes * r->seen));
        const double pull = (b->power - r->expected[i]) / error;
        if (!isfinite(pull)) continue;
        sum += pull * pull;
        used++;
    }
    r->chi_squared = used > 0 ? sum / (double)used : NAN;
done:
    return status;
}

static sf_status make_room(spectrum_result *r)
{
    sf_status status;

    GO(sf_allocate(&r->bins, r->count, sizeof *r->bins));
    status = sf_allocate(&r->modes, r->count, sizeof *r->modes);
done:
    return status;
}

static sf_status check_interrupt(void)
{
    return progress_interrupted() ? sf_fail(SF_ERR_INTERRUPTED, "interrupted") : SF_OK;
}

/* P(k) last: it spends the field. */
static sf_status measure_all(const spectrum_options *o, const spectrum_input *in,
                             const sf_bins *bins, const sf_monitor *monitor, spectrum_result *r)
{
    sf_status status;

    GO(spectrum_correlation(o, in, r));
    GO(check_interrupt());
    GO(spectrum_bispectrum(o, in, r));
    GO(check_interrupt());
    GO(make_room(r));
    GO(spectrum_plane(o, bins, r));
    GO(in->window != NULL ? measure_masked(in, bins, monitor, r) : measure_power(o, in, bins, r));
    for (size_t i = 0; i < r->count; i++) r->modes[i] = (int64_t)r->bins[i].modes;
    for (size_t i = 0; i < o->plane[0] * o->plane[1]; i++)
        r->plane_modes[i] = (int64_t)r->plane[i].modes;
    status = compare(in, bins, r);
done:
    return status;
}

sf_status spectrum_measure(const spectrum_options *o, sf_monitor monitor, spectrum_result *r)
{
    const double start = program_seconds();
    spectrum_input in = {0};
    sf_bins bins;
    sf_status status;

    GO(spectrum_input_read(o, &in));
    GO(theory_create(&o->theory, in.grid.axes, &r->theory));
    GO(find_units(&in, o, &r->theory, r));
    bins = choose_bins(o, &in);
    r->grid = in.grid;
    r->count = bins.count;
    r->points[0] = in.field.points;
    r->points[1] = in.other.points;
    r->shot_noise = find_shot_noise(o, &in);
    r->seen = 1.0;
    r->assignment = o->assignment_given  ? o->assignment
                    : in.field.catalogue ? SF_ASSIGN_CIC
                                         : SF_ASSIGN_NONE;
    GO(check_interrupt());
    GO(measure_all(o, &in, &bins, &monitor, r));
    r->seconds = program_seconds() - start;
done:
    spectrum_input_release(&in);
    return status;
}

/* ---- a theory alone -------------------------------------------------------------------------- */

static sf_status fill_table(const spectrum_options *o, spectrum_result *r)
{
    const double step = log(o->k_high / o->k_low) / (double)(r->count - 1);
    sf_status status = SF_OK;

    for (size_t i = 0; i < r->count; i++) {
        r->k[i] = i + 1 == r->count ? o->k_high : o->k_low * exp(step * (double)i);
        GO(sf_spectrum_power(r->theory.spectrum, r->k[i], &r->power[i]));
        if (r->transfer == NULL) continue;
        GO(sf_transfer_at(&r->theory.cosmology, r->theory.transfer, r->k[i], &r->transfer[i]));
    }
done:
    return status;
}

sf_status spectrum_tabulate(const spectrum_options *o, spectrum_result *r)
{
    const double start = program_seconds();
    sf_status status;

    r->count = (size_t)o->points;
    GO(theory_create(&o->theory, 3, &r->theory));
    (void)snprintf(r->k_unit, sizeof r->k_unit, "%s", r->theory.wavenumber);
    (void)snprintf(r->power_unit, sizeof r->power_unit, "%s", r->theory.power);
    GO(sf_allocate(&r->k, r->count, sizeof *r->k));
    GO(sf_allocate(&r->power, r->count, sizeof *r->power));
    if (r->theory.has_transfer) GO(sf_allocate(&r->transfer, r->count, sizeof *r->transfer));
    GO(fill_table(o, r));
    GO(spectrum_correlation_of_theory(o, r));
    (void)snprintf(r->length_unit, sizeof r->length_unit, "%s", r->theory.length);
    if (r->theory.has_transfer) {
        const double h = r->theory.cosmology.per_mpc ? r->theory.cosmology.h : 1.0;
        GO(sf_spectrum_sigma(r->theory.spectrum, 8.0 / h, 0.0, 0.0, &r->sigma8));
        GO(sf_growth(&r->theory.cosmology, r->theory.redshift, &r->growth, &r->growth_rate));
    }
    r->seconds = program_seconds() - start;
done:
    return status;
}

void spectrum_result_release(spectrum_result *r)
{
    theory_release(&r->theory);
    sf_free(r->bins);
    sf_free(r->expected);
    sf_free(r->k);
    sf_free(r->power);
    sf_free(r->transfer);
    sf_free(r->modes);
    sf_free(r->pseudo);
    sf_free(r->coupling);
    sf_free(r->plane);
    sf_free(r->plane_edges);
    sf_free(r->plane_modes);
    sf_free(r->triangles);
    sf_free(r->triangle_edges);
    sf_free(r->correlation);
    sf_free(r->correlation_expected);
}
