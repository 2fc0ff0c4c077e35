/* spectrum_measure.c - the figures of sf-spectrum, from a field or from a theory alone. */
#include "spectrum_measure.h"
#include "program.h"
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- units ------------------------------------------------------------------------------------
 */

/* The unit of length is the header's, the theory's or the one given; they may not differ. */
static sf_status find_units(const spectrum_input *in, const spectrum_options *o, theory *t,
                            spectrum_result *r)
{
    const char *length = in->length[0] != '\0' ? in->length : t->length;

    if (t->length[0] != '\0' && strcmp(length, t->length) != 0)
        return sf_fail(SF_ERR_ARGUMENT, "%s has lengths in %s, but %s says %s%s", o->input, length,
                       t->has_transfer ? t->name : "--unit", t->length,
                       t->has_transfer ? "; see --per-mpc and --box" : "");
    if (length[0] == '\0') return SF_OK;
    (void)snprintf(r->k_unit, sizeof r->k_unit, "%s%s",
                   strcmp(length, "Mpc/h") == 0 ? "h/Mpc" : "1/",
                   strcmp(length, "Mpc/h") == 0 ? "" : length);
    (void)snprintf(r->power_unit, sizeof r->power_unit, "%s%s%s(%s)^%d",
                   in->value[0] != '\0' ? "(" : "", in->value, in->value[0] != '\0' ? ")^2 " : "",
                   length, in->grid.axes);
    return SF_OK;
}

/* ---- a field ----------------------------------------------------------------------------------
 */

/* Bins centred on whole numbers of the largest fundamental mode, up to the coarsest axis' Nyquist
 * frequency; a range that was left out is the library's. */
static sf_bins choose_bins(const spectrum_options *o, const sf_grid *grid)
{
    double fundamental = 0.0, nyquist = HUGE_VAL, count;

    if (o->bins.count > 0) return o->bins;
    for (int i = 0; i < grid->axes; i++) {
        const double spacing = grid->spacing[i];
        fundamental = fmax(fundamental, 2.0 * M_PI / (spacing * (double)grid->shape[i]));
        nyquist = fmin(nyquist, M_PI / spacing);
    }
    count = floor(nyquist / fundamental * (1.0 + 1e-9)) - 1.0;
    if (count < 1.0) count = 1.0;
    return (sf_bins){
        .count = (size_t)count, .low = 0.5 * fundamental, .high = (count + 0.5) * fundamental};
}

static double find_shot_noise(const spectrum_options *o, const spectrum_input *in)
{
    if (o->shot == SHOT_NOISE_NONE) return 0.0;
    if (o->shot == SHOT_NOISE_GIVEN) return o->shot_value;
    return in->other.value != NULL ? 0.0 : in->field.shot_noise; /* two catalogues share no point */
}

static sf_status measure_power(const spectrum_options *o, const spectrum_input *in,
                               const sf_bins *bins, spectrum_result *r)
{
    sf_power_options how = sf_power_options_default();

    how.bins = *bins;
    how.assignment = o->assignment_given   ? o->assignment
                     : in->field.catalogue ? SF_ASSIGN_CIC
                                           : SF_ASSIGN_NONE;
    how.interlaced = in->field.interlaced;
    how.other = in->other.value;
    how.other_interlaced = in->other.interlaced;
    how.shot_noise = r->shot_noise;
    if (o->fits_axis > in->grid.axes)
        return sf_fail(SF_ERR_ARGUMENT, "--multipoles %s: there are %d axes", o->multipoles,
                       in->grid.axes);
    how.line_of_sight = o->fits_axis > 0 ? in->grid.axes - o->fits_axis : -1;
    return sf_power_in_place(&in->grid, in->field.value, &how, r->bins, NULL);
}

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
        const double error = in->other.value != NULL
                                 ? b->error
                                 : (r->expected[i] + r->shot_noise) * sqrt(2.0 / (double)b->modes);
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

sf_status spectrum_measure(const spectrum_options *o, spectrum_result *r)
{
    const double start = now();
    spectrum_input in = {0};
    sf_bins bins;
    sf_status status;

    GO(spectrum_input_read(o, &in));
    GO(theory_create(&o->theory, in.grid.axes, &r->theory));
    GO(find_units(&in, o, &r->theory, r));
    bins = choose_bins(o, &in.grid);
    r->grid = in.grid;
    r->count = bins.count;
    r->points[0] = in.field.points;
    r->points[1] = in.other.points;
    r->shot_noise = find_shot_noise(o, &in);
    GO(make_room(r));
    GO(progress_interrupted() ? sf_fail(SF_ERR_INTERRUPTED, "interrupted") : SF_OK);
    GO(measure_power(o, &in, &bins, r));
    for (size_t i = 0; i < r->count; i++) r->modes[i] = (int64_t)r->bins[i].modes;
    GO(compare(&in, &bins, r));
    r->seconds = now() - start;
done:
    spectrum_input_release(&in);
    return status;
}

/* ---- a theory alone ---------------------------------------------------------------------------
 */

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
    const double start = now();
    sf_status status;

    r->count = (size_t)o->points;
    GO(theory_create(&o->theory, 3, &r->theory));
    (void)snprintf(r->k_unit, sizeof r->k_unit, "%s", r->theory.wavenumber);
    (void)snprintf(r->power_unit, sizeof r->power_unit, "%s", r->theory.power);
    GO(sf_allocate(&r->k, r->count, sizeof *r->k));
    GO(sf_allocate(&r->power, r->count, sizeof *r->power));
    if (r->theory.has_transfer) GO(sf_allocate(&r->transfer, r->count, sizeof *r->transfer));
    GO(fill_table(o, r));
    if (r->theory.has_transfer) {
        const double h = r->theory.cosmology.per_mpc ? r->theory.cosmology.h : 1.0;
        GO(sf_spectrum_sigma(r->theory.spectrum, 8.0 / h, 0.0, 0.0, &r->sigma8));
        GO(sf_growth(&r->theory.cosmology, r->theory.redshift, &r->growth, &r->growth_rate));
    }
    r->seconds = now() - start;
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
}
