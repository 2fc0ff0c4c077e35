/* power.c - power spectra of fields: P = V/N^2 <|X_k|^2> over bins of |k|, its multipoles about an
 * axis (2l + 1) <P L_l(mu)>, and over bins of (k_perp, k_par). */
#include <scorefield/field.h>

#include "field/power_sums.h"

#include <math.h>
#include <string.h>

sf_power_options sf_power_options_default(void)
{
    return (sf_power_options){.bins = {.count = 32}, .line_of_sight = -1};
}

/* ---- what is asked for ----------------------------------------------------------------------- */

static sf_status check(const sf_grid *grid, const sf_power_options *o, const sf_power_bin_2d *plane)
{
    if (o->assignment < SF_ASSIGN_NONE || o->assignment > SF_ASSIGN_PCS)
        return sf_fail(SF_ERR_ARGUMENT, "no mass assignment has the number %d", (int)o->assignment);
    if (o->other == NULL && o->other_interlaced != NULL)
        return sf_fail(SF_ERR_ARGUMENT, "the second grid of another field, without that field");
    if (o->other != NULL && o->other_single != NULL)
        return sf_fail(SF_ERR_ARGUMENT, "two other fields, in single and double precision");
    if (!isfinite(o->shot_noise) || o->shot_noise < 0.0)
        return sf_fail(SF_ERR_ARGUMENT, "shot noise of %g; it is finite and not negative",
                       o->shot_noise);
    if (o->line_of_sight < -1 || o->line_of_sight >= grid->axes)
        return sf_fail(SF_ERR_ARGUMENT, "a line of sight along axis %d of a grid of %d",
                       o->line_of_sight, grid->axes);
    if (plane != NULL && (o->line_of_sight < 0 || grid->axes < 2))
        return sf_fail(SF_ERR_ARGUMENT,
                       "P(k_perp, k_par) wants a line of sight in a grid of two axes or more");
    if (plane != NULL && (o->perpendicular == 0 || o->parallel == 0))
        return sf_fail(SF_ERR_ARGUMENT, "P(k_perp, k_par) in %zu x %zu bins", o->perpendicular,
                       o->parallel);
    return SF_OK;
}

/* Linear bins from 0 to the line's upper end. */
static sf_status make_plane_bins(const sf_lattice *lattice, size_t count, double high,
                                 sf_binning *binning)
{
    double *edge;
    sf_status status;

    if (high == 0.0) high = lattice->reach;
    if (count >= SIZE_MAX - 1) return sf_fail(SF_ERR_ARGUMENT, "%zu bins are too many", count);
    SF_TRY(sf_allocate(&edge, count + 1, sizeof *edge));
    for (size_t i = 0; i <= count; i++) edge[i] = high * ((double)i / (double)count);
    status = sf_binning_from_edges(lattice, edge, count, binning);
    sf_free(edge);
    return status;
}

static sf_status make_phases(size_t n, double **phases)
{
    const double pi = 3.14159265358979323846;

    SF_TRY(sf_allocate(phases, n / 2 + 1, 2 * sizeof **phases));
    for (size_t m = 0; m <= n / 2; m++) {
        (*phases)[2 * m] = cos(pi * (double)m / (double)n);
        (*phases)[2 * m + 1] = sin(pi * (double)m / (double)n);
    }
    return SF_OK;
}

/* Bins and tables, all but the spectra. */
static sf_status prepare(const sf_grid *grid, const sf_power_options *o, bool line, bool plane,
                         sf_power_task *task)
{
    const double cells = (double)sf_grid_size(grid);
    const bool interlaced = o->interlaced != NULL || o->other_interlaced != NULL;

    task->lattice = sf_lattice_modes(grid);
    task->cross = o->other != NULL || o->other_single != NULL;
    task->scale = sf_grid_volume(grid) / cells / cells;
    task->shot_noise = o->shot_noise;
    task->line_of_sight = o->line_of_sight;
    if (line) SF_TRY(sf_binning_make(&task->lattice, &o->bins, &task->line));
    if (plane) {
        const double high = o->bins.high;

        SF_TRY(make_plane_bins(&task->lattice, o->perpendicular, high, &task->perpendicular));
        SF_TRY(make_plane_bins(&task->lattice, o->parallel, high, &task->parallel));
    }
    if (interlaced) SF_TRY(make_phases(grid->shape[grid->axes - 1], &task->phase));
    return sf_window_tables_make(grid, o->assignment, o->shot_noise != 0.0, interlaced,
                                 &task->window);
}

/* ---- spectra ------------------------------------------------------------------------------- */

/* *spectrum = the half spectrum of a field, in a buffer of its own; NULL of NULL. */
static sf_status transform(const sf_grid *grid, const double *field, double **spectrum)
{
    sf_fft *fft = NULL;
    sf_status status;

    *spectrum = NULL;
    if (field == NULL) return SF_OK;
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_allocate(spectrum, sf_fft_buffer_size(grid), sizeof **spectrum));
    memcpy(*spectrum, field, sf_grid_size(grid) * sizeof *field);
    SF_GO(sf_fft_forward_in_place(fft, *spectrum));
done:
    sf_fft_release(&fft);
    if (status != SF_OK) {
        sf_free(*spectrum);
        *spectrum = NULL;
    }
    return status;
}

static sf_status transform_single(const sf_grid *grid, const float *field, float **spectrum)
{
    sf_fft *fft = NULL;
    sf_status status;

    *spectrum = NULL;
    if (field == NULL) return SF_OK;
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_allocate(spectrum, sf_fft_buffer_size(grid), sizeof **spectrum));
    memcpy(*spectrum, field, sf_grid_size(grid) * sizeof *field);
    SF_GO(sf_fft_forward_in_place_single(fft, *spectrum));
done:
    sf_fft_release(&fft);
    return status;
}

/* ---- results ------------------------------------------------------------------------------- */

/* The error of the mean over `modes` modes (counting k and -k) of a Gaussian field: P sqrt(2/M), of
 * a cross spectrum sqrt((P_1 P_2 + P_12^2)/M), shot noise included. */
static double gaussian_error(const double *sums, bool cross, double modes)
{
    const double power = sums[SF_SUM_POWER] / modes;

    if (!cross) return power * sqrt(2.0 / modes);
    return sqrt((sums[SF_SUM_FIRST] / modes * (sums[SF_SUM_SECOND] / modes) + power * power) /
                modes);
}

static sf_status finish_line(const sf_power_task *task, const double *sums, sf_power_bin *bins)
{
    const size_t count = task->line.count;
    double *modes = NULL, *k = NULL;
    sf_status status;

    SF_GO(sf_allocate(&modes, count, sizeof *modes));
    SF_GO(sf_allocate(&k, count, sizeof *k));
    SF_GO(sf_binning_census(&task->lattice, &task->line, NULL, NULL, modes, k));
    for (size_t b = 0; b < count; b++, sums += SF_SUM_SLOTS) {
        const bool seen = task->line_of_sight >= 0 && modes[b] > 0.0;
        const double m = modes[b] > 0.0 ? modes[b] : NAN;

        if (!isfinite(sums[SF_SUM_POWER]))
            SF_GO(sf_fail(SF_ERR_NUMERIC, "the field has values that are not finite"));
        bins[b] = (sf_power_bin){
            .k = k[b] / m,
            .low = task->line.edge[b],
            .high = task->line.edge[b + 1],
            .power = (sums[SF_SUM_POWER] - task->shot_noise * sums[SF_SUM_NOISE]) / m,
            .error = gaussian_error(sums, task->cross, m),
            .quadrupole = seen ? sums[SF_SUM_QUADRUPOLE] / m : NAN,
            .hexadecapole = seen ? sums[SF_SUM_HEXADECAPOLE] / m : NAN,
            .modes = (size_t)modes[b],
        };
    }
done:
    sf_free(modes);
    sf_free(k);
    return status;
}

static sf_status finish_plane(const sf_power_task *task, const double *sums, sf_power_bin_2d *plane)
{
    const size_t count = task->perpendicular.count * task->parallel.count;

    for (size_t b = 0; b < count; b++, sums += SF_SUM_PLANE_SLOTS) {
        const double m = sums[SF_SUM_MODES] > 0.0 ? sums[SF_SUM_MODES] : NAN;

        if (!isfinite(sums[SF_SUM_POWER]))
            return sf_fail(SF_ERR_NUMERIC, "the field has values that are not finite");
        plane[b] = (sf_power_bin_2d){
            .k_perpendicular = sums[SF_SUM_PERPENDICULAR] / m,
            .k_parallel = sums[SF_SUM_PARALLEL] / m,
            .power = (sums[SF_SUM_POWER] - task->shot_noise * sums[SF_SUM_NOISE]) / m,
            .error = gaussian_error(sums, task->cross, m),
            .modes = (size_t)sums[SF_SUM_MODES],
        };
    }
    return SF_OK;
}

/* ---- estimates ----------------------------------------------------------------------------- */

/* The estimate from the first field's half spectrum, of which one is given. */
static sf_status estimate(const sf_grid *grid, const double *wide, const float *narrow,
                          const sf_power_options *o, sf_power_bin *bins, sf_power_bin_2d *plane)
{
    sf_power_task task = {.first = {.wide = wide, .narrow = narrow}};
    double *spectra[3] = {NULL, NULL, NULL}, *line_sums = NULL, *plane_sums = NULL;
    float *other_single = NULL;
    sf_status status;

    SF_GO(prepare(grid, o, bins != NULL, plane != NULL, &task));
    SF_GO(transform(grid, o->interlaced, &spectra[0]));
    SF_GO(transform(grid, o->other, &spectra[1]));
    SF_GO(transform(grid, o->other_interlaced, &spectra[2]));
    SF_GO(transform_single(grid, o->other_single, &other_single));
    task.first.second = spectra[0];
    task.second = (sf_power_side){.wide = spectra[1], .narrow = other_single, .second = spectra[2]};
    SF_GO(sf_allocate(&line_sums, task.line.count, SF_SUM_SLOTS * sizeof *line_sums));
    SF_GO(sf_allocate(&plane_sums, task.perpendicular.count,
                      task.parallel.count * SF_SUM_PLANE_SLOTS * sizeof *plane_sums));
    SF_GO(sf_power_sums(&task, line_sums, plane_sums));
    if (bins != NULL) SF_GO(finish_line(&task, line_sums, bins));
    if (plane != NULL) SF_GO(finish_plane(&task, plane_sums, plane));
done:
    for (int i = 0; i < 3; i++) sf_free(spectra[i]);
    sf_free(other_single);
    sf_free(line_sums);
    sf_free(plane_sums);
    sf_free(task.phase);
    sf_window_tables_free(&task.window);
    sf_binning_free(&task.line);
    sf_binning_free(&task.perpendicular);
    sf_binning_free(&task.parallel);
    return status;
}

sf_status sf_power(const sf_grid *grid, const double *field, const sf_power_options *options,
                   sf_power_bin *bins, sf_power_bin_2d *plane)
{
    double *spectrum = NULL;
    sf_status status;

    SF_TRY(check(grid, options, plane));
    SF_GO(transform(grid, field, &spectrum));
    SF_GO(estimate(grid, spectrum, NULL, options, bins, plane));
done:
    sf_free(spectrum);
    return status;
}

sf_status sf_power_in_place(const sf_grid *grid, double *buffer, const sf_power_options *options,
                            sf_power_bin *bins, sf_power_bin_2d *plane)
{
    sf_fft *fft = NULL;
    sf_status status;

    SF_TRY(check(grid, options, plane));
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_fft_forward_in_place(fft, buffer));
    SF_GO(estimate(grid, buffer, NULL, options, bins, plane));
done:
    sf_fft_release(&fft);
    return status;
}

sf_status sf_power_in_place_single(const sf_grid *grid, float *buffer,
                                   const sf_power_options *options, sf_power_bin *bins,
                                   sf_power_bin_2d *plane)
{
    sf_fft *fft = NULL;
    sf_status status;

    SF_TRY(check(grid, options, plane));
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_fft_forward_in_place_single(fft, buffer));
    SF_GO(estimate(grid, NULL, buffer, options, bins, plane));
done:
    sf_fft_release(&fft);
    return status;
}

static sf_status spectrum_at(const void *user, double k, double *power)
{
    return sf_spectrum_power(user, k, power);
}

sf_status sf_power_expected(const sf_grid *grid, const sf_spectrum *spectrum, const sf_bins *bins,
                            double *power)
{
    const sf_lattice lattice = sf_lattice_modes(grid);
    sf_binning binning = {.count = 0};
    double *modes = NULL;
    sf_status status;

    SF_GO(sf_binning_make(&lattice, bins, &binning));
    SF_GO(sf_allocate(&modes, binning.count, sizeof *modes));
    SF_GO(sf_binning_census(&lattice, &binning, spectrum_at, spectrum, modes, power));
    for (size_t b = 0; b < binning.count; b++)
        power[b] = modes[b] > 0.0 ? power[b] / modes[b] : NAN;
done:
    sf_free(modes);
    sf_binning_free(&binning);
    return status;
}
