/* psf_profile.c - analytic point spread functions, averaged over pixels: Gaussian, Moffat, Airy
 * with a central obstruction. */
#include "operator/psf.h"

#include "base/internal.h"

#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_bessel.h>
#include <math.h>

#define FLUX_LEFT_OUT    1e-4
#define HALF_WIDTH       64 /* largest, unless 2 fwhm is larger */
#define SMALLEST_FWHM    0.25
#define LARGEST_FWHM     1000.0
#define QUADRATURE_ORDER ((size_t)10)

/* A profile: value(r) as in the header, r in pixels. */
typedef struct profile {
    double (*value)(const struct profile *profile, double r);
    double fwhm, shape, scale; /* shape: beta, obscuration; scale: a, pixels per unit of v */
} profile;

static sf_status check_fwhm(const char *name, double fwhm)
{
    if (!(fwhm >= SMALLEST_FWHM && fwhm <= LARGEST_FWHM))
        return sf_fail(SF_ERR_ARGUMENT, "%s PSF with a FWHM of %g pixels: give %g to %g", name,
                       fwhm, SMALLEST_FWHM, LARGEST_FWHM);
    return SF_OK;
}

/* The box for a circle of `radius` pixels, and memory for it. */
static sf_status make_box(double fwhm, double radius, sf_grid *grid, double **pixels)
{
    const double largest = fmax(HALF_WIDTH, ceil(2.0 * fwhm));
    const size_t half = (size_t)fmin(ceil(radius), largest);

    SF_TRY(sf_grid_image(2 * half + 1, 2 * half + 1, grid));
    return sf_allocate(pixels, sf_grid_size(grid), sizeof **pixels);
}

/* ---- Gaussian -------------------------------------------------------------------------- */

sf_status sf_psf_gaussian(double fwhm, sf_psf **psf)
{
    const double sigma = fwhm / (2.0 * sqrt(2.0 * log(2.0))), unit = sigma * sqrt(2.0);
    double *pixels = NULL, *line = NULL;
    sf_grid grid;
    sf_status status;

    *psf = NULL;
    SF_TRY(check_fwhm("Gaussian", fwhm));
    SF_TRY(make_box(fwhm, sigma * sqrt(-2.0 * log(FLUX_LEFT_OUT)), &grid, &pixels));
    const size_t width = grid.shape[0];
    SF_GO(sf_allocate(&line, width, sizeof *line));
    for (size_t j = 0; j < width; j++) {
        const double x = fabs((double)j - (double)(width / 2));
        line[j] = 0.5 * (erfc((x - 0.5) / unit) - erfc((x + 0.5) / unit));
    }
    for (size_t i = 0; i < width * width; i++) pixels[i] = line[i / width] * line[i % width];
    sf_free(line);
    return sf_psf_take(&grid, pixels, 0.0, psf);
done:
    sf_free(pixels);
    return status;
}

/* ---- round profiles by quadrature ------------------------------------------------------ */

/* Mean of the profile over the pixel (x, y), cut into panels as fine as the profile's core. */
static double pixel_mean(const profile *p, const gsl_integration_glfixed_table *table, double y,
                         double x)
{
    const int panels = (int)ceil(fmax(1.0, 1.5 / p->fwhm));
    const double side = 1.0 / panels;
    double sum = 0.0;

    for (int k = 0; k < panels * panels; k++) {
        const double top = y - 0.5 + side * (k / panels), left = x - 0.5 + side * (k % panels);
        for (size_t i = 0; i < QUADRATURE_ORDER; i++)
            for (size_t j = 0; j < QUADRATURE_ORDER; j++) {
                double u, v, weight_u, weight_v;
                (void)gsl_integration_glfixed_point(top, top + side, i, &u, &weight_u, table);
                (void)gsl_integration_glfixed_point(left, left + side, j, &v, &weight_v, table);
                sum += weight_u * weight_v * p->value(p, hypot(u, v));
            }
    }
    return sum;
}

/* One octant is computed, the other seven are its mirror images. */
static sf_status make_round(const profile *p, double radius, sf_psf **psf)
{
    gsl_integration_glfixed_table *table;
    double *pixels;
    sf_grid grid;

    SF_TRY(make_box(p->fwhm, radius, &grid, &pixels));
    table = gsl_integration_glfixed_table_alloc(QUADRATURE_ORDER);
    if (table == NULL) {
        sf_free(pixels);
        return sf_fail(SF_ERR_MEMORY, "no memory for a quadrature rule");
    }
    const size_t width = grid.shape[0], half = width / 2;
    for (size_t i = 0; i <= half; i++)
        for (size_t j = 0; j <= i; j++) {
            const double mean = pixel_mean(p, table, (double)i, (double)j);
            const size_t row[2] = {half - i, half + i}, column[2] = {half - j, half + j};
            for (int mirror = 0; mirror < 4; mirror++) {
                const size_t a = row[mirror / 2], b = column[mirror % 2];
                pixels[a * width + b] = mean;
                pixels[b * width + a] = mean;
            }
        }
    gsl_integration_glfixed_table_free(table);
    return sf_psf_take(&grid, pixels, 0.0, psf);
}

/* ---- Moffat ---------------------------------------------------------------------------- */

static double moffat_value(const profile *p, double r)
{
    const double t = r / p->scale;

    return pow(1.0 + t * t, -p->shape);
}

sf_status sf_psf_moffat(double fwhm, double beta, sf_psf **psf)
{
    profile p = {moffat_value, fwhm, beta, 0.0};
    double radius;

    *psf = NULL;
    SF_TRY(check_fwhm("Moffat", fwhm));
    if (!(beta > 1.0 && beta <= 100.0))
        return sf_fail(
            SF_ERR_ARGUMENT,
            "Moffat PSF with beta = %g: give 1 < beta <= 100 (at 1 and below its flux is "
            "infinite, 100 is a Gaussian)",
            beta);
    p.scale = fwhm / (2.0 * sqrt(exp2(1.0 / beta) - 1.0));
    /* flux outside of R is (1 + R^2/a^2)^(1 - beta) */
    radius = p.scale * sqrt(pow(FLUX_LEFT_OUT, 1.0 / (1.0 - beta)) - 1.0);
    return make_round(&p, radius, psf);
}

/* ---- Airy ------------------------------------------------------------------------------ */

/* 2 J_1(v)/v */
static double jinc(double v)
{
    if (v < 1e-4) return 1.0 - v * v / 8.0;
    return 2.0 * gsl_sf_bessel_J1(v) / v;
}

static double airy_pattern(double v, double e)
{
    const double amplitude = (jinc(v) - e * e * jinc(e * v)) / (1.0 - e * e);

    return amplitude * amplitude;
}

static double airy_value(const profile *p, double r)
{
    return airy_pattern(r / p->scale, p->shape);
}

/* Where the pattern has fallen to half, by bisection: it falls from 1 to 0 over the Airy disk,
 * whose edge is at 3.83 without an obstruction and at 2.40 for the thinnest ring. */
static double airy_half_radius(double e)
{
    double inside = 0.0, outside = 2.4;

    for (int i = 0; i < 60; i++) {
        const double middle = 0.5 * (inside + outside);
        *(airy_pattern(middle, e) > 0.5 ? &inside : &outside) = middle;
    }
    return inside;
}

sf_status sf_psf_airy(double fwhm, double obscuration, sf_psf **psf)
{
    profile p = {airy_value, fwhm, obscuration, 0.0};

    *psf = NULL;
    SF_TRY(check_fwhm("Airy", fwhm));
    if (!(obscuration >= 0.0 && obscuration < 0.99))
        return sf_fail(SF_ERR_ARGUMENT,
                       "Airy PSF with an obscuration of %g: give the ratio of the diameters, "
                       "0 to 0.99",
                       obscuration);
    p.scale = 0.5 * fwhm / airy_half_radius(obscuration);
    /* 2/(pi v) of the flux is outside of v: all but 1e-4 is farther than any box goes */
    return make_round(&p, INFINITY, psf);
}
