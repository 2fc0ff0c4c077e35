/* recover_a_field.c - a random field is seen through noise and a mask; what can be said about it?
 * Everything, when its power spectrum is known: the posterior is Gaussian, with a mean and draws.
 *
 *     recover_a_field [NAME]      writes NAME.fits and NAME.png (recovered_field) */
#include <scorefield.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SIDE  256
#define CELLS ((size_t)SIDE * SIDE)
#define NOISE 1.0
#define DRAWS 32

static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "%s: %s\n", sf_status_name(status), sf_last_error());
    exit(EXIT_FAILURE);
}

static double power(double k, void *user)
{
    (void)user;
    return 100.0 / (20.0 + k * k * k);
}

/* The data: noise everywhere; nothing seen inside a disc, along a strip, and in every fifth cell.
 */
static void observe(const double *truth, double *data)
{
    static double chance[CELLS];
    const sf_random random = sf_random_make(2026, 1);

    sf_random_normal(random, 0, 0, CELLS, data);
    sf_random_uniform(random, 1, 0, CELLS, chance);
    for (size_t i = 0; i < CELLS; i++) {
        const double row = (double)(i / SIDE), column = (double)(i % SIDE);
        const bool seen =
            hypot(row - 90, column - 90) > 50 && fabs(row + column - 380) > 12 && chance[i] > 0.2;

        data[i] = seen ? truth[i] + NOISE * data[i] : (double)NAN;
    }
}

static void write(const char *name, const sf_grid *grid, const double *const *images,
                  const char *const *titles, size_t count)
{
    sf_panel panels[5];
    char path[512];
    sf_fits_writer *writer;

    (void)snprintf(path, sizeof path, "%s.fits", name);
    check(sf_fits_writer_create(path, true, &writer));
    for (size_t i = 0; i < count; i++) {
        check(sf_fits_writer_field(writer, titles[i], grid, images[i]));
        panels[i] = (sf_panel){.title = titles[i], .grid = grid, .pixels = images[i]};
        if (i != 3) panels[i].low = -8.0, panels[i].high = 4.0; /* one scale for what is alike */
    }
    check(sf_fits_writer_close(&writer));
    (void)snprintf(path, sizeof path, "%s.png", name);
    check(sf_plot_panels(path, true, "A masked, noisy field and its posterior", panels, count, 3));
}

int main(int count, char **words)
{
    static const char *const titles[] = {"truth", "data", "mean", "deviation", "sample"};
    static double data[CELLS], mean[CELLS], deviation[CELLS], sample[CELLS];
    const double step[] = {1.0 / SIDE, 1.0 / SIDE}; /* a box of side 1 */
    sf_constrained_report report;
    sf_constrained *constrained;
    sf_spectrum *spectrum;
    sf_field *field;
    sf_grid grid;
    double *truth, inside = 0.0, square = 0.0;

    check(sf_grid_make(2, (const size_t[]){SIDE, SIDE}, step, &grid));
    check(sf_spectrum_callback(power, NULL, &spectrum));
    check(sf_field_create(&grid, spectrum, 0.0, &field));
    check(sf_allocate(&truth, sf_fft_buffer_size(&grid), sizeof *truth));
    check(sf_field_draw(field, &(sf_field_draw_options){.seed = 2026}, truth));
    observe(truth, data);

    check(sf_constrained_create(field, data, NULL, NOISE, &constrained));
    check(sf_constrained_mean(constrained, NULL, mean, &report));
    printf("mean: %zu iterations, residual %.1e, chi^2 per cell %.3f, %.2f s\n", report.iterations,
           report.residual, report.chi_squared, report.seconds);
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        check(sf_constrained_draw(constrained, 1, draw, NULL, sample, NULL));
        for (size_t i = 0; i < CELLS; i++)
            deviation[i] += (sample[i] - mean[i]) * (sample[i] - mean[i]) / DRAWS;
    }
    for (size_t i = 0; i < CELLS; i++) {
        const double error = truth[i] - mean[i];

        square += error * error / deviation[i] / CELLS;
        deviation[i] = sqrt(deviation[i]);
        inside += (fabs(error) < 2.0 * deviation[i]) / (double)CELLS;
    }
    printf("truth - mean: rms %.3f standard deviations, %.1f %% within 2\n", sqrt(square),
           100.0 * inside);
    write(count > 1 ? words[1] : "recovered_field", &grid,
          (const double *const[]){truth, data, mean, deviation, sample}, titles, 5);

    sf_constrained_release(&constrained);
    sf_field_release(&field);
    sf_spectrum_release(&spectrum);
    sf_free(truth);
    return report.converged && fabs(square - 1.0) < 0.3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
