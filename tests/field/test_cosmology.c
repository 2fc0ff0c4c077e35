/* test_cosmology.c - transfer functions, growth and amplitudes against published figures, exact
 * laws and independent integrals; bad cosmologies. */
#include <scorefield/field.h>

#include "check.h"

#include "field/cosmology.h"

#include <stdio.h>
#include <string.h>

/* The cosmology of the Core Cosmology Library's benchmark "model 1" (arXiv:1812.05995): its tables
 * are reproduced there by several authors' programs. */
static sf_cosmology benchmark(double t_cmb)
{
    sf_cosmology c = sf_cosmology_default();

    c.h = 0.7;
    c.omega_m = 0.3;
    c.omega_b = 0.05;
    c.n_s = 0.96;
    c.sigma8 = 0.8;
    c.t_cmb = t_cmb;
    return c;
}

/* T and P at z = 0 (k in h/Mpc), computed by two independent programs that agree with CCL's tables
 * to 9e-6 (six digits), 4e-8 and 4e-8. */
static const struct {
    double k, t[3], p[3];
} table[] = {
    {0.001, {0.99225835, 0.99207880, 0.98481231}, {3895.01, 3872.33, 3534.05}},
    {0.01, {0.77996007, 0.78620742, 0.76192464}, {21948.4, 22179.6, 19292.6}},
    {0.02, {0.58138271, 0.58390317, 0.56041005}, {23723.1, 23798.6, 20303.3}},
    {0.05, {0.26778819, 0.27502763, 0.28616921}, {12129.8, 12724.6, 12759.2}},
    {0.1, {0.12868047, 0.13125706, 0.13752009}, {5448.59, 5638.01, 5731.90}},
    {0.2, {0.05413383, 0.05366751, 0.05575260}, {1875.80, 1833.55, 1832.67}},
    {0.5, {0.01382556, 0.01380902, 0.01422216}, {294.874, 292.561, 287.415}},
    {1.0, {0.00459061, 0.00455592, 0.00465027}, {63.2412, 61.9488, 59.7754}},
    {5.0, {0.00029950, 0.00029588, 0.00029317}, {1.26197, 1.22496, 1.11385}},
};
enum { ROWS = sizeof table / sizeof *table };

static void transfer_functions_are_the_published_ones(void **state)
{
    (void)state;
    for (int form = 0; form < 3; form++) {
        const sf_cosmology c = benchmark(form == SF_TRANSFER_BBKS ? 2.7 : 2.725);
        double worst = 0.0;

        for (int i = 0; i < ROWS; i++) {
            double t;

            assert_ok(sf_transfer_at(&c, (sf_transfer)form, table[i].k, &t));
            worst = fmax(worst, fabs(t - table[i].t[form]));
            assert_close(t, table[i].t[form], 0.51e-8); /* half its last digit */
        }
        print_message("transfer %d: largest deviation %.1e\n", form, worst);
    }
}

static void spectra_are_the_published_ones(void **state)
{
    (void)state;
    for (int form = 0; form < 3; form++) {
        const sf_cosmology c = benchmark(form == SF_TRANSFER_BBKS ? 2.7 : 2.725);
        double worst = 0.0;
        sf_spectrum *s;

        assert_ok(sf_spectrum_cosmology(&c, (sf_transfer)form, 0.0, &s));
        for (int i = 0; i < ROWS; i++) {
            double p;

            assert_ok(sf_spectrum_power(s, table[i].k, &p));
            worst = fmax(worst, fabs(p / table[i].p[form] - 1.0));
        }
        print_message("spectrum %d: largest deviation %.1e\n", form, worst);
        assert_true(worst < 6e-6); /* half the sixth digit */
        sf_spectrum_release(&s);
    }
}

/* What the fit with wiggles is made of, by an independent program for the benchmark cosmology. */
static void parts_of_the_fit(void **state)
{
    const sf_cosmology c = benchmark(2.725);
    sf_transfer_fit fit;

    (void)state;
    assert_ok(sf_transfer_fit_make(&c, SF_TRANSFER_EH98, &fit));
    assert_close(fit.k_equality, 1.076591e-2, 5e-9);
    assert_close(fit.horizon, 147.92800, 5e-6);
    assert_close(fit.k_silk, 0.09569, 5e-6);
    assert_close(fit.alpha_c, 0.756852, 5e-7);
    assert_close(fit.beta_c, 1.191028, 5e-7);
    assert_close(fit.alpha_b, 0.531221, 5e-7);
    assert_close(fit.beta_b, 7.917258, 5e-7);
    assert_close(fit.beta_node, 3.652406, 5e-7);
}

/* T -> 1, T(0) = 1; without baryons both fits of one paper are near one another, and the limit of
 * few baryons is that of none. */
static void transfer_functions_have_their_limits(void **state)
{
    sf_cosmology c = benchmark(2.7255), per_mpc = c;
    double t, same, smooth;

    (void)state;
    per_mpc.per_mpc = true;
    for (int form = 0; form < 3; form++) {
        assert_ok(sf_transfer_at(&c, (sf_transfer)form, 0.0, &t));
        assert_close(t, 1.0, 0.0);
        assert_ok(sf_transfer_at(&c, (sf_transfer)form, 1e-7, &t));
        assert_close(t, 1.0, 1e-5);
        assert_ok(sf_transfer_at(&c, (sf_transfer)form, 0.1, &t));
        assert_ok(sf_transfer_at(&per_mpc, (sf_transfer)form, 0.1 * c.h, &same));
        assert_close(t, same, 1e-15);
    }
    for (double k = 1e-4; k < 10.0; k *= 3.0) {
        c.omega_b = 0.0;
        assert_ok(sf_transfer_at(&c, SF_TRANSFER_EH98, k, &t));
        assert_ok(sf_transfer_at(&c, SF_TRANSFER_NOWIGGLE, k, &smooth));
        assert_close(t / smooth, 1.0, 0.06);
        c.omega_b = 1e-7;
        assert_ok(sf_transfer_at(&c, SF_TRANSFER_EH98, k, &same));
        assert_close(same / t, 1.0, 2e-5);
    }
}

/* In Mpc: P(k h) / h^3, and the same sigma in spheres of 8/h Mpc; at redshift 0, P / D^2. */
static void units_are_those_asked_for(void **state)
{
    sf_cosmology c = benchmark(2.7255);
    double p, same, sigma, d;
    sf_spectrum *in_h, *in_mpc;

    (void)state;
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, 1.0, &in_h));
    c.per_mpc = true;
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, 1.0, &in_mpc));
    for (double k = 1e-4; k < 10.0; k *= 3.0) {
        assert_ok(sf_spectrum_power(in_h, k, &p));
        assert_ok(sf_spectrum_power(in_mpc, k * 0.7, &same));
        assert_close(p / (same * 0.343), 1.0, 1e-13);
    }
    assert_ok(sf_spectrum_power(in_mpc, 0.0, &p));
    assert_close(p, 0.0, 0.0);
    sf_spectrum_release(&in_mpc);
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, 0.0, &in_mpc));
    assert_ok(sf_spectrum_sigma(in_mpc, 8.0 / 0.7, 0.7e-5, 70.0, &sigma));
    assert_close(sigma, 0.8, 1e-12);
    assert_ok(sf_growth(&c, 1.0, &d, NULL));
    assert_ok(sf_spectrum_power(in_mpc, 0.07, &same));
    assert_ok(sf_spectrum_power(in_h, 0.1, &p));
    assert_close(p / (same * 0.343), d * d, 1e-13);
    sf_spectrum_release(&in_mpc);
    sf_spectrum_release(&in_h);
}

/* Cosmology of a CLASS 3.3.4 run without massive neutrinos: sigma8 = 0.822056 from A_s, and
 * P(k -> 0), where no fit is in the way. The fit is good to 4 % there; radiation slows the true
 * growth by 2e-3. */
static void curvature_normalises(void **state)
{
    sf_cosmology c = sf_cosmology_default();
    const double k[] = {0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0};
    const double p[] = {22549.0, 12598.6, 5583.53, 1999.72, 321.031, 69.2019, 1.37025};
    double sigma, power, now, then, d;
    sf_spectrum *s;

    (void)state;
    c.h = 0.67742;
    c.omega_b = 0.02243581 / (c.h * c.h);
    c.omega_m = c.omega_b + 0.11912797 / (c.h * c.h);
    assert_ok(sf_cosmology_parse("As=2.1064e-9,ns=0.96822", &c));
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, 0.0, &s));
    assert_ok(sf_spectrum_sigma(s, 8.0, 0.0, 0.0, &sigma));
    print_message("A_s of CLASS gives sigma8 = %.5f, CLASS 0.822056\n", sigma);
    assert_close(sigma / 0.822056, 1.0, 0.01);
    for (int i = 0; i < 7; i++) {
        assert_ok(sf_spectrum_power(s, k[i], &power));
        assert_close(power / p[i], 1.0, 0.05);
    }
    assert_ok(sf_spectrum_power(s, 0.1, &now));
    sf_spectrum_release(&s);
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, 3.0, &s));
    assert_ok(sf_spectrum_power(s, 0.1, &then));
    assert_ok(sf_growth(&c, 3.0, &d, NULL));
    assert_close(then / now, d * d, 1e-14);
    sf_spectrum_release(&s);
    /* CLASS's explanatory.ini of version 3: P = 48.33537 at k = 1.042057e-5 h/Mpc */
    c.h = 0.67810;
    c.omega_b = 0.02238280 / (c.h * c.h);
    c.omega_m = c.omega_b + 0.1201075 / (c.h * c.h);
    assert_ok(sf_cosmology_parse("As=2.100549e-9,ns=0.9660499", &c));
    assert_ok(sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, 0.0, &s));
    assert_ok(sf_spectrum_power(s, 1.042057e-5, &power));
    print_message("P at the largest scale over CLASS: %.5f\n", power / 48.33537);
    assert_close(power / 48.33537, 1.0, 3e-3);
    sf_spectrum_release(&s);
}

/* D, normalised to a in the matter era, by CosmoMAD (D. Alonso) as published with CCL: flat, w,
 * w(a), and two curved ones. */
static void growth_is_the_published_one(void **state)
{
    static const struct {
        double z, d[5];
    } rows[] = {
        {0.01,
         {7.749930591187781e-01, 7.528508902777977e-01, 7.441562395803661e-01,
          7.121380205250006e-01, 7.791051417427920e-01}},
        {0.1291549665014884,
         {7.286472568981411e-01, 7.083004367583925e-01, 7.001749937513803e-01,
          6.702915827996681e-01, 7.327881600889670e-01}},
        {1.668100537200059,
         {3.668775191738581e-01, 3.631576288345948e-01, 3.607671892724389e-01,
          3.500652663741061e-01, 3.722141046642617e-01}},
        {21.54434690031885,
         {4.435537572084085e-02, 4.435235016319784e-02, 4.434696893677512e-02,
          4.416133941671549e-02, 4.453442566219955e-02}},
        {1000.0,
         {9.990009980023634e-04, 9.990009946764919e-04, 9.990009734640642e-04,
          9.989060710855020e-04, 9.990958969169489e-04}},
    };
    const double lambda[] = {0.7, 0.7, 0.7, 0.65, 0.75}, w0[] = {-1.0, -0.9, -0.9, -0.9, -0.9};
    const double wa[] = {0.0, 0.0, 0.1, 0.1, 0.1};
    double worst = 0.0;

    (void)state;
    for (int model = 0; model < 5; model++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            sf_cosmology c = benchmark(2.7255);
            double d, f;

            c.omega_lambda = lambda[model];
            c.w0 = w0[model];
            c.wa = wa[model];
            assert_ok(sf_growth_early(&c, rows[i].z, &d, &f));
            /* it begins at a = 1e-6, where curvature 1/6 of matter is 1e-7 away from D = a */
            assert_close(d / rows[i].d[model], 1.0, model < 3 ? 2e-9 : 2e-7);
            worst = fmax(worst, fabs(d / rows[i].d[model] - 1.0));
        }
    print_message("growth: largest deviation %.1e\n", worst);
}

/* Without dark energy (Peebles 1980, eq. 11.16), in closed form: x = (1/Om - 1) a,
 * D = 5/2 (Om/(1 - Om)) [1 + 3/x + 3 sqrt(1 + x) x^(-3/2) ln(sqrt(1 + x) - sqrt(x))];
 * and Om = 1: D = a, f = 1. */
static void growth_without_dark_energy(void **state)
{
    sf_cosmology c = benchmark(2.7255);
    double d, f;

    (void)state;
    c.omega_m = 1.0;
    c.omega_lambda = 0.0;
    for (double z = 0.0; z < 100.0; z = 2.0 * z + 0.5) {
        assert_ok(sf_growth(&c, z, &d, &f));
        assert_close(d * (1.0 + z), 1.0, 1e-13);
        assert_close(f, 1.0, 1e-13);
    }
    c.omega_m = 0.25;
    for (double z = 0.0; z < 10.0; z = 2.0 * z + 0.5) {
        const double x = 3.0 / (1.0 + z);
        const double exact =
            2.5 / 3.0 *
            (1.0 + 3.0 / x + 3.0 * sqrt(1.0 + x) * pow(x, -1.5) * log(sqrt(1.0 + x) - sqrt(x)));

        assert_ok(sf_growth_early(&c, z, &d, &f));
        assert_close(d / exact, 1.0, 1e-11);
    }
}

/* The growth equation and the integral are two ways to one answer, where w is -1 but for a hair;
 * and f is the slope of D. */
static void growth_has_one_answer(void **state)
{
    (void)state;
    for (int model = 0; model < 12; model++) {
        const double matter[] = {0.05, 0.3, 0.9}, lambda[] = {NAN, 0.0, 0.7, 1.1};
        sf_cosmology c = benchmark(2.7255);
        double d, f, same, rate, before, after, unused;

        c.omega_m = matter[model % 3];
        c.omega_lambda = lambda[model / 3];
        for (double z = 0.0; z < 30.0; z = 3.0 * z + 0.3) {
            const double shift = 1e-4 * (1.0 + z);

            c.w0 = -1.0;
            assert_ok(sf_growth(&c, z + shift, &before, NULL));
            assert_ok(sf_growth(&c, z, &d, &f));
            c.w0 = -1.0 - 1e-13;
            assert_ok(sf_growth(&c, z, &same, &rate));
            assert_close(same / d, 1.0, 1e-9);
            assert_close(rate, f, 1e-9);
            if (z == 0.0) continue;
            assert_ok(sf_growth(&c, z - shift, &after, &unused));
            assert_close(log(after / before) / 2e-4, f, 1e-6);
        }
    }
}

static void expansion_is_the_sum_of_densities(void **state)
{
    sf_cosmology c = benchmark(2.7255);
    double e;

    (void)state;
    assert_ok(sf_expansion(&c, 0.0, &e));
    assert_close(e, 1.0, 1e-15);
    assert_ok(sf_expansion(&c, 1.0, &e));
    assert_close(e * e, 0.3 * 8.0 + 0.7, 1e-14);
    c.omega_lambda = 0.5;
    c.w0 = -0.8;
    c.wa = 0.3;
    assert_ok(sf_expansion(&c, 1.0, &e)); /* a = 1/2: 2^(3 (1 - 0.5)) exp(-0.45) */
    assert_close(e * e, 0.3 * 8.0 + 0.2 * 4.0 + 0.5 * pow(2.0, 1.5) * exp(-0.45), 1e-14);
}

static void text_gives_cosmologies(void **state)
{
    sf_cosmology c = sf_cosmology_default(), old;
    static const struct {
        const char *text, *word;
    } bad[] = {
        {"", "begin"},
        {"h", "begin"},
        {"h=", "wants a number"},
        {"h=0.7,", "begin"},
        {"h=0.7;Om=0.3", "wants a number"},
        {"om=0.3", "\"om=0.3\""},
        {"Omega=0.3", "begin"},
        {"h=0.7,h=0.7", "twice"},
        {"h=nan", "wants a number"},
        {"h=67.66", "h = 67.66"},
        {"h=0", "h = 0,"},
        {"h=-1", "h = -1,"},
        {"Om=0", "Om = 0,"},
        {"Ob=0.4", "Ob = 0.4 is more than Om = 0.3111"},
        {"Ob=-0.1", "Ob = -0.1"},
        {"T=0", "T = 0,"},
        {"s8=-0.8", "s8 = -0.8"},
        {"s8=0.8,As=2e-9", "both given"},
        {"As=0", "As = 0,"},
        {"As=2e-9,kp=0", "kp = 0,"},
        {"w0=-0.9,wa=1", "w0 + wa = 0.1"},
        {"ns=1e3", "ns = 1000"},
    };

    (void)state;
    assert_ok(sf_cosmology_parse("T=2.7,kp=0.002,As=2.2e-9,ns=1,wa=0.1,w0=-0.9,Ol=0.6,Ob=0.04,"
                                 "Om=0.25,h=0.72",
                                 &c));
    assert_close(c.h, 0.72, 0.0);
    assert_close(c.omega_m, 0.25, 0.0);
    assert_close(c.omega_b, 0.04, 0.0);
    assert_close(c.omega_lambda, 0.6, 0.0);
    assert_close(c.w0, -0.9, 0.0);
    assert_close(c.wa, 0.1, 0.0);
    assert_close(c.n_s, 1.0, 0.0);
    assert_close(c.a_s, 2.2e-9, 0.0);
    assert_close(c.k_pivot, 0.002, 0.0);
    assert_close(c.t_cmb, 2.7, 0.0);
    assert_true(isnan(c.sigma8));
    assert_ok(sf_cosmology_parse("s8=0.9", &c));
    assert_close(c.sigma8, 0.9, 0.0);
    assert_close(c.h, 0.72, 0.0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        c = old = sf_cosmology_default();
        assert_status(SF_ERR_ARGUMENT, sf_cosmology_parse(bad[i].text, &c));
        assert_non_null(strstr(sf_last_error(), bad[i].word));
        c.omega_lambda = old.omega_lambda = 0.0;
        assert_memory_equal(&c, &old, offsetof(sf_cosmology, per_mpc)); /* then padding follows */
        assert_int_equal(c.per_mpc, old.per_mpc);
    }
}

static void impossible_cosmologies_are_refused(void **state)
{
    sf_cosmology c = benchmark(2.7255);
    double d = 1.0, f = 1.0;
    sf_spectrum *s;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_growth(&c, -0.5, &d, &f));
    assert_true(isnan(d) && isnan(f));
    assert_status(SF_ERR_ARGUMENT, sf_growth(&c, NAN, &d, NULL));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_cosmology(&c, SF_TRANSFER_EH98, -1.0, &s));
    assert_null(s);
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_cosmology(&c, (sf_transfer)3, 0.0, &s));
    assert_null(s);
    assert_status(SF_ERR_ARGUMENT, sf_transfer_at(&c, SF_TRANSFER_BBKS, -1.0, &d));
    assert_status(SF_ERR_ARGUMENT, sf_transfer_at(&c, SF_TRANSFER_BBKS, NAN, &d));
    c.omega_lambda = 3.0; /* E^2 = 0.3/a^3 - 2.3/a^2 + 3 < 0 at a = 0.3: it never was smaller */
    assert_status(SF_ERR_ARGUMENT, sf_expansion(&c, 7.0 / 3.0, &d));
    assert_non_null(strstr(sf_last_error(), "never passed redshift 2.33333"));
    assert_status(SF_ERR_ARGUMENT, sf_growth(&c, 0.0, &d, &f));
    assert_non_null(strstr(sf_last_error(), "hot beginning"));
    c.w0 = -0.99;
    assert_status(SF_ERR_ARGUMENT, sf_growth(&c, 0.0, &d, &f));
    assert_status(SF_ERR_ARGUMENT, sf_spectrum_cosmology(&c, SF_TRANSFER_BBKS, 0.0, &s));
    c = benchmark(2.7255);
    c.h = NAN;
    assert_status(SF_ERR_ARGUMENT, sf_expansion(&c, 0.0, &d));
    assert_non_null(strstr(sf_last_error(), "h = nan"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transfer_functions_are_the_published_ones),
        cmocka_unit_test(spectra_are_the_published_ones),
        cmocka_unit_test(parts_of_the_fit),
        cmocka_unit_test(transfer_functions_have_their_limits),
        cmocka_unit_test(units_are_those_asked_for),
        cmocka_unit_test(curvature_normalises),
        cmocka_unit_test(growth_is_the_published_one),
        cmocka_unit_test(growth_without_dark_energy),
        cmocka_unit_test(growth_has_one_answer),
        cmocka_unit_test(expansion_is_the_sum_of_densities),
        cmocka_unit_test(text_gives_cosmologies),
        cmocka_unit_test(impossible_cosmologies_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
