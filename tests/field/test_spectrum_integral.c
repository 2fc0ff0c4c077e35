/* test_spectrum_integral.c - sigma(R) and xi(r) against closed forms, for kr from 0 to 10^7, smooth
 * spectra and spectra with steps; rough and bad ones. */
#include <scorefield/field.h>

#include "check.h"

#include <gsl/gsl_sf_bessel.h>
#include <gsl/gsl_sf_gamma.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static double correlation_at(const sf_spectrum *s, int axes, double r, double kmin, double kmax)
{
    double xi;

    assert_ok(sf_spectrum_correlation(s, axes, &r, 1, kmin, kmax, &xi));
    return xi;
}

/* The transform of a ball of radius k (axes: 1, 2, 3), over (2 pi)^axes. */
static double ball(int axes, double k, double r)
{
    const double x = k * r;

    if (axes == 1) return sin(x) / (pi * r);
    if (axes == 2) return k * gsl_sf_bessel_J1(x) / (2.0 * pi * r);
    return (sin(x) - x * cos(x)) / (2.0 * pi * pi * r * r * r);
}

/* P = 1 between two k that no range was told of, kr up to 4e6, where the kernel turns 10^5 times in
 * a piece. Errors are relative to xi(0) (kr)^-(axes + 1)/2, how xi falls, and grow with the
 * rounding of the phase kr. */
static void white_noise_in_a_band(void **state)
{
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_power_law_cut(1.0, 0.0, 0.3, 41.0, &s));
    for (int axes = 1; axes <= 3; axes++) {
        const double front[] = {1.0 / pi, 0.25 / pi, 1.0 / (6.0 * pi * pi)};
        const double whole = front[axes - 1] * (pow(41.0, axes) - pow(0.3, axes));
        double worst = 0.0;

        assert_close(correlation_at(s, axes, 0.0, 1e-5, 1e5) / whole, 1.0, 1e-13);
        for (double r = 1e-3; r < 1e5; r *= 1.7) {
            const double exact = ball(axes, 41.0, r) - ball(axes, 0.3, r), x = 1.0 + 41.0 * r;
            const double envelope = whole * pow(x, -0.5 * (axes + 1));
            const double error = fabs(correlation_at(s, axes, r, 0.0, 0.0) - exact) / envelope;

            worst = fmax(worst, error / (1e-12 + 4e-16 * x));
        }
        print_message("band, %d axes: errors up to %.2f of 1e-12 + 4e-16 kr\n", axes, worst);
        assert_true(worst < 1.0);
    }
    sf_spectrum_release(&s);
}

static double gaussian(double k, void *user)
{
    (void)user;
    return exp(-0.5 * k * k);
}

static void gaussian_spectrum(void **state)
{
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_callback(gaussian, NULL, &s));
    for (int axes = 1; axes <= 3; axes++)
        for (double r = 0.0; r < 30.0; r += 0.7)
            assert_close(correlation_at(s, axes, r, 1e-15, 12.0) * pow(2.0 * pi, 0.5 * axes),
                         exp(-0.5 * r * r), 1e-13);
    sf_spectrum_release(&s);
}

/* A line of width w at k = 1, which takes smaller pieces than what is around it. */
static double line(double k, void *width)
{
    const double x = (k - 1.0) / *(double *)width;

    return exp(-0.5 * x * x);
}

static void narrow_line(void **state)
{
    double width = 0.005;
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_callback(line, &width, &s));
    for (double r = 0.0; r < 1e3; r = 2.0 * r + 0.1)
        assert_close(correlation_at(s, 1, r, 0.0, 0.0) * sqrt(0.5 * pi) / width,
                     exp(-0.5 * width * width * r * r) * cos(r), 1e-9);
    sf_spectrum_release(&s);
}

/* The covariance that a Matern spectrum is of, closed by a Bessel function: both are tested. nu is
 * large enough for P above kmax to be nothing: below (k l)^-2nu. */
static void matern_spectrum(void **state)
{
    const double nu = 3.3, l = 2.0, sigma = 1.5;

    (void)state;
    for (int axes = 1; axes <= 3; axes++) {
        sf_spectrum *s;

        assert_ok(sf_spectrum_matern(axes, sigma, nu, l, &s));
        assert_close(correlation_at(s, axes, 0.0, 1e-15, 1e4), sigma * sigma, 1e-12);
        for (double r = 0.1; r < 40.0; r *= 1.3) {
            const double x = sqrt(2.0 * nu) * r / l;
            const double exact = sigma * sigma * pow(2.0, 1.0 - nu) / gsl_sf_gamma(nu) *
                                 pow(x, nu) * gsl_sf_bessel_Knu(nu, x);

            assert_close(correlation_at(s, axes, r, 1e-15, 1e4), exact, 1e-12);
        }
        sf_spectrum_release(&s);
    }
}

/* White noise P = 1 has sigma^2 = 1/volume; what lies above kmax is 9/(4 pi^2 R^4 kmax) and an
 * oscillation smaller by kmax R. */
static void sigma_of_white_noise(void **state)
{
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_power_law(1.0, 0.0, 0.0, &s));
    for (double radius = 1e-2; radius < 1e4; radius *= 7.0) {
        const double kmax = 1e7 / radius, volume = 4.0 / 3.0 * pi * radius * radius * radius;
        const double tail = 9.0 / (4.0 * pi * pi * pow(radius, 4.0) * kmax);
        double sigma;

        assert_ok(sf_spectrum_sigma(s, radius, 1e-8 / radius, kmax, &sigma));
        assert_close((sigma * sigma + tail) * volume, 1.0, 1e-12);
    }
    sf_spectrum_release(&s);
}

/* R -> 0: the field's own variance; R large: the same integral by a million steps. */
static void sigma_of_a_cosmology(void **state)
{
    const sf_cosmology c = sf_cosmology_default();
    const double radii[] = {0.1, 8.0, 300.0};
    double sigma;
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, 0.0, &s));
    assert_ok(sf_spectrum_sigma(s, 8.0, 0.0, 0.0, &sigma));
    assert_close(sigma, c.sigma8, 1e-12);
    assert_ok(sf_spectrum_sigma(s, 0.0, 0.0, 0.0, &sigma));
    assert_close(sigma * sigma / correlation_at(s, 3, 0.0, 0.0, 0.0), 1.0, 1e-13);
    for (int i = 0; i < 3; i++) {
        const int steps = 200000;
        const double low = log(1e-5), step = (log(100.0) - low) / steps;
        double sum = 0.0;

        for (int j = 0; j <= steps; j++) { /* Simpson */
            const double k = fmin(exp(low + j * step), 100.0), x = k * radii[i];
            const double w = x < 1e-3 ? 1.0 : 3.0 * (sin(x) - x * cos(x)) / (x * x * x);
            const double factor = j == 0 || j == steps ? 1.0 : (j % 2 == 1 ? 4.0 : 2.0);
            double p;

            assert_ok(sf_spectrum_power(s, k, &p));
            sum += factor / 3.0 * step * k * k * k * p * w * w / (2.0 * pi * pi);
        }
        assert_ok(sf_spectrum_sigma(s, radii[i], 0.0, 0.0, &sigma));
        assert_close(sigma * sigma / sum, 1.0, 1e-7);
    }
    sf_spectrum_release(&s);
}

/* A table's ends bound what can be asked, and its spline is integrated as it is. */
static void tables_are_integrated(void **state)
{
    double k[60], power[60], xi, r = 3.0;
    sf_spectrum *s, *open;

    (void)state;
    for (int i = 0; i < 60; i++) {
        k[i] = 1e-3 * pow(10.0, 0.08 * i);
        power[i] = 1.0 / (1.0 + k[i] * k[i] * k[i] * k[i]);
    }
    assert_ok(sf_spectrum_table_with(k, power, 60, 0.0, SF_EXTRAPOLATE_REFUSE, &s));
    assert_ok(sf_spectrum_table(k, power, 60, 0.0, &open));
    assert_close(correlation_at(s, 3, r, k[0], k[59]), correlation_at(open, 3, r, k[0], k[59]),
                 1e-14);
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_correlation(s, 3, &r, 1, 0.0, 0.0, &xi));
    assert_non_null(strstr(sf_last_error(), "beyond the spectrum's table"));
    sf_spectrum_release(&s);
    assert_ok(sf_spectrum_table_with(k, power, 60, 0.0, SF_EXTRAPOLATE_ZERO, &s));
    assert_close(correlation_at(s, 3, r, 0.0, 0.0), correlation_at(open, 3, r, k[0], k[59]), 1e-14);
    sf_spectrum_release(&s);
    sf_spectrum_release(&open);
}

static double step(double k, void *user) { return k < *(double *)user ? 1.0 : 0.25; }

static double noise(double k, void *user)
{
    (void)user;
    return 1.0 + 0.1 * sin(1e9 * k * k);
}

/* A step that nobody told of is found; noise is refused and not averaged. */
static void rough_spectra(void **state)
{
    double where = 0.7321, xi, r = 5.0;
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_callback(step, &where, &s));
    for (r = 0.5; r < 1e4; r *= 3.0)
        assert_close(correlation_at(s, 3, r, 1e-10, 2.0),
                     0.75 * ball(3, where, r) + 0.25 * ball(3, 2.0, r), 1e-12);
    sf_spectrum_release(&s);
    assert_ok(sf_spectrum_callback(noise, NULL, &s));
    assert_status(SF_ERR_NUMERIC, sf_spectrum_correlation(s, 3, &r, 1, 0.0, 0.0, &xi));
    assert_non_null(strstr(sf_last_error(), "too rough"));
    sf_spectrum_release(&s);
}

static void bad_values_are_refused(void **state)
{
    const double r[] = {1.0, -1.0}, nan = NAN;
    double value[2];
    sf_spectrum *s;

    (void)state;
    assert_ok(sf_spectrum_power_law(1.0, 0.0, 0.0, &s));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_sigma(s, -1.0, 0.0, 0.0, value));
    assert_true(isnan(value[0]));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_sigma(s, INFINITY, 0.0, 0.0, value));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_sigma(s, 1.0, -1.0, 0.0, value));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_sigma(s, 1.0, 2.0, 1.0, value));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_sigma(s, 1.0, 2.0, INFINITY, value));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_sigma(s, 1.0, NAN, 0.0, value));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_correlation(s, 3, r, 2, 0.0, 0.0, value));
    assert_non_null(strstr(sf_last_error(), "number 2"));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_correlation(s, 3, &nan, 1, 0.0, 0.0, value));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_correlation(s, 0, r, 1, 0.0, 0.0, value));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_correlation(s, 4, r, 1, 0.0, 0.0, value));
    sf_spectrum_release(&s);
    assert_ok(sf_spectrum_power_law_cut(1.0, 0.0, 1.0, 2.0, &s)); /* no power in the range */
    assert_ok(sf_spectrum_sigma(s, 1.0, 3.0, 4.0, value));
    assert_close(value[0], 0.0, 0.0);
    sf_spectrum_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_noise_in_a_band),  cmocka_unit_test(gaussian_spectrum),
        cmocka_unit_test(matern_spectrum),        cmocka_unit_test(narrow_line),
        cmocka_unit_test(sigma_of_white_noise),   cmocka_unit_test(sigma_of_a_cosmology),
        cmocka_unit_test(tables_are_integrated),  cmocka_unit_test(rough_spectra),
        cmocka_unit_test(bad_values_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
