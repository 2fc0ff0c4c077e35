/* density_parse.c - densities by name, NAME:KEY=VALUE,KEY=VALUE or NAME:WHAT,KEY=VALUE. What a name
 * takes is read from its line of usage, so that no other list can disagree with it. */
#include "base/internal.h"
#include "prior/mixture.h"

#include <scorefield/io.h>
#include <scorefield/mcmc.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ARGUMENTS 8

/* The arguments of a text, cut into pieces. */
typedef struct arguments {
    const char *text, *usage; /* as it was given, and as it should be */
    char *copy;               /* what the pieces lie in */
    const char *what;         /* the first argument of a name that takes one without key */
    size_t count;
    const char *key[MOST_ARGUMENTS], *value[MOST_ARGUMENTS];
} arguments;

/* ---- values --------------------------------------------------------------------------------- */

static const char *find(const arguments *a, const char *key)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->key[i], key) == 0) return a->value[i];
    return NULL;
}

static sf_status refuse(const arguments *a, const char *key, const char *kind)
{
    return sf_fail(SF_ERR_ARGUMENT, "\"%s\": %s is \"%s\", which is not %s; give %s", a->text, key,
                   find(a, key), kind, a->usage);
}

/* Leaves *number what it is where there is no such argument. */
static sf_status read_number(const arguments *a, const char *key, double *number)
{
    const char *value = find(a, key);
    char *end;

    if (value == NULL) return SF_OK;
    *number = sf_text_to_number(value, &end);
    if (end == value || *end != '\0' || !isfinite(*number)) return refuse(a, key, "a number");
    return SF_OK;
}

/* A whole number above 0 that ends at *end; false for anything else. */
static bool read_size(const char *text, size_t *size, char **end)
{
    unsigned long long value;

    if (!isdigit((unsigned char)*text)) return false;
    errno = 0;
    value = strtoull(text, end, 10);
    *size = (size_t)value;
    return value > 0 && errno == 0 && value <= SIZE_MAX;
}

static sf_status read_count(const arguments *a, const char *key, size_t *count)
{
    const char *value = find(a, key);
    char *end;

    if (value == NULL) return SF_OK;
    if (!read_size(value, count, &end) || *end != '\0')
        return refuse(a, key, "a whole number above 0");
    return SF_OK;
}

/* "16x16" */
static sf_status read_shape(const arguments *a, int *axes, size_t *shape)
{
    const char *text = find(a, "shape");

    for (*axes = 0; *axes < SF_GRID_MAX_AXES; text++) {
        char *end;

        if (!read_size(text, &shape[*axes], &end)) break;
        ++*axes;
        if (*end == '\0') return SF_OK;
        if (*end != 'x') break;
        text = end;
    }
    return refuse(a, "shape", "one to four whole numbers, N or NxN...");
}

/* "100x50.5": a length an axis, and NULL from nothing. */
static sf_status read_box(const arguments *a, int axes, const size_t *shape, double *spacing)
{
    const char *text = find(a, "box");
    int count = 0;

    for (int i = 0; i < axes; i++) spacing[i] = 1.0;
    for (char *end; text != NULL && count < axes; text = end + 1) {
        const double length = sf_text_to_number(text, &end);

        if (end == text || !isfinite(length)) break;
        spacing[count] = length / (double)shape[count];
        count++;
        if (*end == '\0' && count == axes) return SF_OK;
        if (*end != 'x') break;
    }
    return text == NULL ? SF_OK : refuse(a, "box", "one length for each axis of the shape");
}

/* ---- densities ------------------------------------------------------------------------------ */

static sf_status make_gaussian(const arguments *a, sf_density **density)
{
    size_t n = 0;
    double mean = 0.0, sigma = 1.0, *values;
    sf_status status;

    SF_TRY(read_count(a, "dim", &n));
    SF_TRY(read_number(a, "mean", &mean));
    SF_TRY(read_number(a, "sigma", &sigma));
    if (!(sigma > 0.0)) return refuse(a, "sigma", "above 0");
    SF_TRY(sf_allocate(&values, n, 2 * sizeof *values));
    for (size_t i = 0; i < n; i++) {
        values[i] = mean;
        values[n + i] = sigma * sigma;
    }
    status = sf_density_gaussian(n, values, values + n, density);
    sf_free(values);
    return status;
}

static sf_status make_quartic(const arguments *a, sf_density **density)
{
    size_t n = 0;
    double square = 0.0, fourth = 0.0;

    SF_TRY(read_count(a, "dim", &n));
    SF_TRY(read_number(a, "a", &square));
    SF_TRY(read_number(a, "b", &fourth));
    return sf_density_quartic(n, square, fourth, density);
}

static sf_status make_many_well(const arguments *a, sf_density **density)
{
    size_t n = 0;

    SF_TRY(read_count(a, "dim", &n));
    return sf_density_many_well(n, density);
}

static sf_status make_funnel(const arguments *a, sf_density **density)
{
    size_t n = 0;

    SF_TRY(read_count(a, "dim", &n));
    return sf_density_funnel(n, density);
}

static sf_status make_mixture(const arguments *a, sf_density **density)
{
    double *parts;
    size_t count, n;
    sf_status status;

    SF_TRY(sf_mixture_read_rows(a->what, &count, &n, &parts));
    status = sf_density_mixture(n, count, parts, parts + 2 * count, parts + count, density);
    sf_free(parts);
    return status;
}

static sf_status make_field(const arguments *a, sf_density **density)
{
    size_t shape[SF_GRID_MAX_AXES];
    double spacing[SF_GRID_MAX_AXES], mean = 0.0;
    int axes;
    sf_spectrum *spectrum = NULL;
    sf_field *field = NULL;
    sf_grid grid;
    sf_status status;

    SF_GO(read_shape(a, &axes, shape));
    SF_GO(read_box(a, axes, shape, spacing));
    SF_GO(read_number(a, "mean", &mean));
    SF_GO(sf_grid_make(axes, shape, spacing, &grid));
    SF_GO(sf_spectrum_parse_with(a->what, axes, NULL, 0.0, &spectrum));
    SF_GO(sf_field_create(&grid, spectrum, mean, &field));
    SF_GO(sf_density_field(field, density));
done:
    sf_spectrum_release(&spectrum);
    sf_field_release(&field);
    return status;
}

static sf_status make_phi4(const arguments *a, sf_density **density)
{
    size_t shape[SF_GRID_MAX_AXES];
    double mass2 = 0.0, lambda = 0.0;
    int axes;

    SF_TRY(read_shape(a, &axes, shape));
    SF_TRY(read_number(a, "mass2", &mass2));
    SF_TRY(read_number(a, "lambda", &lambda));
    return sf_density_phi4(axes, shape, mass2, lambda, density);
}

static sf_status make_free_scalar(const arguments *a, sf_density **density)
{
    size_t shape[SF_GRID_MAX_AXES];
    double mass2 = 0.0;
    int axes;

    SF_TRY(read_shape(a, &axes, shape));
    SF_TRY(read_number(a, "mass2", &mass2));
    return sf_density_free_scalar(axes, shape, mass2, density);
}

static sf_status make_xy(const arguments *a, sf_density **density)
{
    size_t shape[SF_GRID_MAX_AXES];
    double beta = 0.0;
    int axes;

    SF_TRY(read_shape(a, &axes, shape));
    SF_TRY(read_number(a, "beta", &beta));
    return sf_density_xy(axes, shape, beta, density);
}

static sf_status make_uniform(const arguments *a, sf_density **density)
{
    size_t n = 0;
    double low = 0.0, high = 0.0;

    SF_TRY(read_count(a, "dim", &n));
    SF_TRY(read_number(a, "low", &low));
    SF_TRY(read_number(a, "high", &high));
    return sf_density_uniform(n, low, high, density);
}

static sf_status make_angles(const arguments *a, sf_density **density)
{
    size_t n = 0;

    SF_TRY(read_count(a, "dim", &n));
    return sf_density_angles(n, density);
}

static sf_status make_cox(const arguments *a, sf_density **density)
{
    sf_cox_options options = sf_cox_options_default();
    double *points, whitened = 0.0;
    size_t rows, columns;
    sf_status status;

    SF_TRY(read_count(a, "grid", &options.grid));
    SF_TRY(read_number(a, "variance", &options.variance));
    SF_TRY(read_number(a, "length", &options.length));
    SF_TRY(read_number(a, "mean", &options.mean));
    SF_TRY(read_number(a, "whitened", &whitened));
    if (whitened != 0.0 && whitened != 1.0) return refuse(a, "whitened", "0 or 1");
    options.whitened = whitened == 1.0;
    SF_TRY(sf_text_table_read(a->what, &points, &rows, &columns));
    status = columns == 2 ? sf_density_cox(rows, points, &options, density)
                          : sf_fail(SF_ERR_FORMAT, "%s has %zu columns; points have x and y",
                                    a->what, columns);
    sf_free(points);
    return status;
}

/* The table's last column is the response. */
static sf_status make_logistic(const arguments *a, sf_density **density)
{
    sf_logistic_options options = sf_logistic_options_default();
    double *table = NULL, *x = NULL;
    size_t rows, columns;
    sf_status status;

    SF_GO(read_number(a, "sigma", &options.sigma));
    SF_GO(read_number(a, "intercept", &options.intercept));
    SF_GO(read_number(a, "scale", &options.scale));
    SF_GO(sf_text_table_read(a->what, &table, &rows, &columns));
    SF_GO(sf_allocate(&x, rows, columns * sizeof *x));
    for (size_t i = 0; i < rows; i++) {
        memcpy(x + i * (columns - 1), table + i * columns, (columns - 1) * sizeof *x);
        x[rows * (columns - 1) + i] = table[i * columns + columns - 1];
    }
    status = sf_density_logistic(rows, columns - 1, x, x + rows * (columns - 1), &options, density);
done:
    sf_free(table);
    sf_free(x);
    return status;
}

static sf_status make_library(const arguments *a, sf_density **density)
{
    return sf_density_load(a->what, density);
}

static sf_status make_lennard_jones(const arguments *a, sf_density **density)
{
    size_t count = 0;
    double trap = 0.0, epsilon = 1.0, radius = 1.0;

    SF_TRY(read_count(a, "n", &count));
    SF_TRY(read_number(a, "trap", &trap));
    SF_TRY(read_number(a, "epsilon", &epsilon));
    SF_TRY(read_number(a, "radius", &radius));
    return sf_density_lennard_jones(count, trap, epsilon, radius, density);
}

static sf_status make_double_wells(const arguments *a, sf_density **density)
{
    size_t count = 4;

    SF_TRY(read_count(a, "n", &count));
    return sf_density_double_wells(count, density);
}

/* ---- the list ------------------------------------------------------------------------------- */

/* Keys before [ have to be there; a capital behind the colon is an argument without key. */
static const char *const usages[] = {
    "gaussian:dim=N[,mean=0,sigma=1]",
    "field:SPECTRUM,shape=N[xN...][,box=L[xL...],mean=0]",
    "uniform:dim=N,low=A,high=B",
    "angles:dim=N",
    "mixture:FILE",
    "funnel:dim=N",
    "many-well:dim=N",
    "quartic:dim=N,a=A,b=B",
    "phi4:shape=N[xN...],mass2=M,lambda=L",
    "free-scalar:shape=N[xN...],mass2=M",
    "xy:shape=N[xN...],beta=B",
    "cox:FILE,grid=N[,variance=1.91,length=0.0303,mean=M,whitened=0]",
    "logistic:FILE[,sigma=1,intercept=1,scale=1]",
    "lj:n=N,trap=K[,epsilon=1,radius=1]",
    "dw4",
    "double-wells:n=N",
    "library:FILE",
    NULL,
};

static sf_status (*const makers[])(const arguments *a, sf_density **density) = {
    make_gaussian,     make_field,     make_uniform,  make_angles,        make_mixture,
    make_funnel,       make_many_well, make_quartic,  make_phi4,          make_free_scalar,
    make_xy,           make_cox,       make_logistic, make_lennard_jones, make_double_wells,
    make_double_wells, make_library,
};

_Static_assert(sizeof makers / sizeof *makers + 1 == sizeof usages / sizeof *usages,
               "one maker a usage");

const char *const *sf_density_names(void) { return usages; }

/* Where the usage has "key=" behind ':' or ',', or NULL. */
static const char *find_key(const char *usage, const char *key, size_t length)
{
    for (const char *at = strpbrk(usage, ":,"); at != NULL; at = strpbrk(at + 1, ":,"))
        if (strncmp(at + 1, key, length) == 0 && at[1 + length] == '=') return at + 1;
    return NULL;
}

/* The length of a word "key=" of the usage at `text`, without the sign; 0: it is none. */
static size_t key_at(const char *usage, const char *text)
{
    const size_t length = strcspn(text, "=,");

    return text[length] == '=' && find_key(usage, text, length) != NULL ? length : 0;
}

/* The end of an argument without key: names of files and spectra may have commas and signs. */
static char *end_of_what(const char *usage, char *text)
{
    for (char *comma = strchr(text, ','); comma != NULL; comma = strchr(comma + 1, ','))
        if (key_at(usage, comma + 1) > 0) return comma;
    return text + strlen(text);
}

/* Cuts "key=value,key=value". */
static sf_status cut_keys(arguments *a, char *text)
{
    for (bool more = *text != '\0'; more;) {
        const size_t length = key_at(a->usage, text);
        char *value = text + length + 1, *end;

        if (length == 0 || a->count == MOST_ARGUMENTS)
            return sf_fail(SF_ERR_ARGUMENT, "\"%s\": \"%.*s\" is no part of it; give %s", a->text,
                           (int)strcspn(text, ","), text, a->usage);
        text[length] = '\0';
        if (find(a, text) != NULL)
            return sf_fail(SF_ERR_ARGUMENT, "\"%s\" has two of %s; give %s", a->text, text,
                           a->usage);
        a->key[a->count] = text;
        a->value[a->count++] = value;
        end = value + strcspn(value, ",");
        more = *end == ',';
        *end = '\0';
        text = end + 1;
    }
    return SF_OK;
}

/* Every key of the usage that stands outside of brackets is there. */
static sf_status check_complete(const arguments *a)
{
    int depth = 0;

    if (a->what != NULL && *a->what == '\0')
        return sf_fail(SF_ERR_ARGUMENT, "\"%s\" names nothing behind the colon; give %s", a->text,
                       a->usage);
    for (const char *at = a->usage; *at != '\0'; at++) {
        const size_t length =
            depth == 0 && (*at == ':' || *at == ',') ? key_at(a->usage, at + 1) : 0;
        char key[16];

        depth += (*at == '[') - (*at == ']');
        if (length == 0) continue;
        (void)snprintf(key, sizeof key, "%.*s", (int)length, at + 1);
        if (find(a, key) == NULL)
            return sf_fail(SF_ERR_ARGUMENT, "\"%s\" lacks %s; give %s", a->text, key, a->usage);
    }
    return SF_OK;
}

static sf_status cut(arguments *a)
{
    const size_t name = strcspn(a->usage, ":");
    char *rest;

    SF_TRY(sf_copy_text(a->text, &a->copy));
    rest = a->copy + name + (a->text[name] == ':');
    if (a->usage[name] == ':' && isupper((unsigned char)a->usage[name + 1])) {
        char *end = end_of_what(a->usage, rest);

        a->what = rest;
        rest = *end == ',' ? end + 1 : end;
        *end = '\0';
    }
    SF_TRY(cut_keys(a, rest));
    return check_complete(a);
}

static sf_status refuse_name(const char *text)
{
    char names[512];
    size_t used = 0;

    for (size_t i = 0; usages[i] != NULL && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%.*s", i > 0 ? ", " : "",
                                 (int)strcspn(usages[i], ":"), usages[i]);
    return sf_fail(SF_ERR_ARGUMENT, "\"%s\" is no density of the list: %s", text, names);
}

sf_status sf_density_parse(const char *text, sf_density **density)
{
    const size_t name = strcspn(text, ":");

    *density = NULL;
    for (size_t i = 0; usages[i] != NULL; i++) {
        arguments a = {.text = text, .usage = usages[i]};
        sf_status status;

        if (strcspn(usages[i], ":") != name || strncmp(usages[i], text, name) != 0) continue;
        status = cut(&a);
        if (status == SF_OK) status = makers[i](&a, density);
        sf_free(a.copy);
        return status;
    }
    return refuse_name(text);
}
