/* theory.h - the spectrum and the cosmology that a program was given, and what files say of them.
 */
#ifndef SF_APPS_THEORY_H
#define SF_APPS_THEORY_H

#include <scorefield.h>

#include <popt.h>

/* As on the command line; NULL where it was not given. */
typedef struct theory_options {
    char *spectrum, *cosmology, *unit;
    double redshift;
    int per_mpc; /* popt wants int */
} theory_options;

typedef struct theory {
    sf_cosmology cosmology;
    bool has_transfer; /* eh98, nowiggle, bbks */
    sf_transfer transfer;
    double redshift;
    sf_spectrum *spectrum; /* NULL without one */
    const char *name;      /* of the spectrum, as given */
    char length[32];       /* unit; "" none */
    char wavenumber[40];
    char power[64]; /* of P for dimensionless fields */
} theory;

/* The table's lines for all but the spectrum, to be included in a program's. */
#define THEORY_OPTIONS 5
void theory_options_table(theory_options *options, struct poptOption table[THEORY_OPTIONS]);
/* What is wrong with the options together, or NULL. */
const char *theory_options_fault(const theory_options *options);
void theory_options_release(theory_options *options);

/* Units as FITS and people read them: of a power of a unit, ... */
void theory_unit_power(const char *unit, int n, char *text, size_t size);
/* ... of wavenumbers, */
void theory_unit_of_k(const char *length, char *text, size_t size);
/* ... and (value)^n (length)^axes. */
void theory_unit_of_power(const char *value, int n, const char *length, int axes, char *text,
                          size_t size);

/* axes: of the grid. Release in any case. */
sf_status theory_create(const theory_options *options, int axes, theory *t);
void theory_release(theory *t);
/* False where only the spectrum's own text says what it is. */
bool theory_is_cosmological(const theory_options *options);
/* What a file's header and a report say of it; cosmology: say it even when the spectrum needs
 * none. */
sf_status theory_keywords(const theory *t, bool cosmology, sf_fits_writer *writer);
sf_status theory_report(const theory *t, bool cosmology, sf_report *report);
/* value: the unit of the field; NULL for none. */
void theory_print(const theory *t, const char *value);

#endif
