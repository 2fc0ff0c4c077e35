/* theory.c - the spectrum and the cosmology that a program was given, and what files say of them.
 */
#include "theory.h"
#include "program.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const transfers[] = {
    [SF_TRANSFER_EH98] = "eh98", [SF_TRANSFER_NOWIGGLE] = "nowiggle", [SF_TRANSFER_BBKS] = "bbks"};

static bool find_transfer(const char *text, sf_transfer *transfer)
{
    for (size_t i = 0; text != NULL && i < sizeof transfers / sizeof transfers[0]; i++) {
        if (strcmp(text, transfers[i]) != 0) continue;
        *transfer = (sf_transfer)i;
        return true;
    }
    return false;
}

bool theory_is_cosmological(const theory_options *o)
{
    sf_transfer transfer;

    return find_transfer(o->spectrum, &transfer);
}

void theory_options_table(theory_options *o, struct poptOption table[THEORY_OPTIONS])
{
    const struct poptOption list[THEORY_OPTIONS] = {
        {"cosmology", 'c', POPT_ARG_STRING, &o->cosmology, 0,
         "over Planck 2018: h, Om, Ob, Ol, w0, wa, ns, s8 or As, kp, T", "h=0.67,Om=0.31,..."},
        {"redshift", 'z', POPT_ARG_DOUBLE, &o->redshift, 0, "of the spectrum (0)", "Z"},
        {"per-mpc", 0, POPT_ARG_NONE, &o->per_mpc, 0,
         "lengths in Mpc and k in 1/Mpc, instead of Mpc/h and h/Mpc", NULL},
        {"unit", 0, POPT_ARG_STRING, &o->unit, 0,
         "of length, where neither the spectrum nor a header says it", "UNIT"},
        POPT_TABLEEND};

    memcpy(table, list, sizeof list);
}

const char *theory_options_fault(const theory_options *o)
{
    if (o->unit != NULL && theory_is_cosmological(o))
        return "the spectrum has lengths in Mpc/h, or with --per-mpc in Mpc; leave --unit out";
    if (o->unit != NULL && (strlen(o->unit) > 20 || o->unit[0] == '\0'))
        return "--unit is a text of 1 to 20 characters";
    if (!(o->redshift >= 0.0 && isfinite(o->redshift)))
        return "--redshift is not a number from 0 on";
    return NULL;
}

void theory_options_release(theory_options *o)
{
    free(o->spectrum);
    free(o->cosmology);
    free(o->unit);
}

/* Whether it is names with slashes between them. */
static bool is_plain(const char *unit)
{
    if (!isalpha((unsigned char)*unit)) return false;
    for (; *unit != '\0'; unit++)
        if (!isalpha((unsigned char)*unit) && !(*unit == '/' && isalpha((unsigned char)unit[1])))
            return false;
    return true;
}

/* "Mpc/h" -> "Mpc^3 h^-3": FITS (standard 4.0, section 4.3) has powers of names alone, so that
 * anything else goes into parentheses. */
void theory_unit_power(const char *unit, int n, char *text, size_t size)
{
    int sign = 1;

    if (n == 1 || !is_plain(unit)) {
        (void)snprintf(text, size, n == 1 || unit[0] == '\0' ? "%s" : "(%s)^%d", unit, n);
        return;
    }
    text[0] = '\0';
    for (size_t used = 0; *unit != '\0' && used < size; sign = -1) {
        const size_t name = strcspn(unit, "/");
        used += (size_t)snprintf(text + used, size - used, "%s%.*s^%d", sign < 0 ? " " : "",
                                 (int)name, unit, sign * n);
        unit += name + (unit[name] == '/');
    }
}

void theory_unit_of_k(const char *length, char *text, size_t size)
{
    if (strcmp(length, "Mpc/h") == 0)
        (void)snprintf(text, size, "h/Mpc");
    else
        theory_unit_power(length, -1, text, size);
}

void theory_unit_of_power(const char *value, int n, const char *length, int axes, char *text,
                          size_t size)
{
    char first[64], second[64];

    theory_unit_power(value, n, first, sizeof first);
    theory_unit_power(length, axes, second, sizeof second);
    (void)snprintf(text, size, "%s%s%s", first, first[0] != '\0' ? " " : "", second);
}

/* k in h/Mpc is 1/(Mpc/h). */
static void name_units(const theory_options *o, int axes, theory *t)
{
    const char *length = o->unit;

    if (t->has_transfer) length = o->per_mpc ? "Mpc" : "Mpc/h";
    if (length == NULL) return;
    (void)snprintf(t->length, sizeof t->length, "%s", length);
    theory_unit_of_k(length, t->wavenumber, sizeof t->wavenumber);
    theory_unit_power(length, axes, t->power, sizeof t->power);
}

sf_status theory_create(const theory_options *o, int axes, theory *t)
{
    sf_status status = SF_OK;

    memset(t, 0, sizeof *t);
    t->name = o->spectrum;
    t->redshift = o->redshift;
    t->cosmology = sf_cosmology_default();
    t->has_transfer = find_transfer(o->spectrum, &t->transfer);
    if (o->cosmology != NULL) GO(sf_cosmology_parse(o->cosmology, &t->cosmology));
    t->cosmology.per_mpc = o->per_mpc != 0;
    name_units(o, axes, t);
    if (o->spectrum != NULL)
        status =
            sf_spectrum_parse_with(o->spectrum, axes, &t->cosmology, o->redshift, &t->spectrum);
done:
    return status;
}

void theory_release(theory *t) { sf_spectrum_release(&t->spectrum); }

/* ---- what is said of it ---------------------------------------------------------------------- */

typedef struct figure {
    const char *keyword, *name, *comment;
    double value;
} figure;

#define FIGURES 12

static void list_figures(const theory *t, figure figures[FIGURES])
{
    const sf_cosmology *c = &t->cosmology;
    const figure list[FIGURES] = {
        {"REDSHIFT", "redshift", "of the spectrum", t->redshift},
        {"HUBBLE", "h", "H0 / (100 km/s/Mpc)", c->h},
        {"OMEGAM", "omega_m", "matter density", c->omega_m},
        {"OMEGAB", "omega_b", "baryon density", c->omega_b},
        {"OMEGAL", "omega_lambda", "dark energy density",
         isnan(c->omega_lambda) ? 1.0 - c->omega_m : c->omega_lambda},
        {"W0", "w0", "dark energy: w = W0 + WA (1 - a)", c->w0},
        {"WA", "wa", NULL, c->wa},
        {"NS", "n_s", "primordial spectral index", c->n_s},
        {"SIGMA8", "sigma8", "normalisation; no value: AS", c->sigma8},
        {"AS", "a_s", "primordial amplitude; of use without SIGMA8", c->a_s},
        {"KPIVOT", "k_pivot", "where AS is meant, 1/Mpc", c->k_pivot},
        {"TCMB", "t_cmb", "temperature of the background, K", c->t_cmb}};

    memcpy(figures, list, sizeof list);
}

sf_status theory_keywords(const theory *t, bool cosmology, sf_fits_writer *writer)
{
    figure figures[FIGURES];
    sf_status status = SF_OK;

    if (t->name != NULL) GO(sf_fits_writer_string(writer, "SFSPEC", t->name, "power spectrum"));
    if (t->wavenumber[0] != '\0')
        GO(sf_fits_writer_string(writer, "SFKUNIT", t->wavenumber, "unit of k"));
    if (!cosmology && !t->has_transfer) return SF_OK;
    list_figures(t, figures);
    for (size_t i = 0; i < FIGURES; i++)
        GO(sf_fits_writer_double(writer, figures[i].keyword, figures[i].value, figures[i].comment));
done:
    return status;
}

sf_status theory_report(const theory *t, bool cosmology, sf_report *report)
{
    figure figures[FIGURES];
    sf_status status = SF_OK;
    char name[64];

    if (t->name != NULL) GO(sf_report_string(report, "spectrum/name", t->name));
    GO(sf_report_string(report, "units/length", t->length));
    GO(sf_report_string(report, "units/k", t->wavenumber));
    if (!cosmology && !t->has_transfer) return SF_OK;
    list_figures(t, figures);
    for (size_t i = 0; i < FIGURES; i++) {
        (void)snprintf(name, sizeof name, "cosmology/%s", figures[i].name);
        GO(sf_report_double(report, name, figures[i].value));
    }
done:
    return status;
}

void theory_print(const theory *t, const char *value)
{
    char square[64];

    printf("spectrum    %s", t->name);
    if (t->has_transfer) printf(" at redshift %g", t->redshift);
    theory_unit_power(value != NULL ? value : "", 2, square, sizeof square);
    if (t->wavenumber[0] != '\0')
        printf("; k in %s, P in %s%s%s\n", t->wavenumber, square, square[0] != '\0' ? " " : "",
               t->power);
    else
        printf("; k in 1/(unit of the box), which is not named (--unit)\n");
}
