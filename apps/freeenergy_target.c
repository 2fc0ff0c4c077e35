/* freeenergy_target.c - the target by its name or from a shared object, and the base to start from:
 * named by the user, suggested by the target, or a Gaussian around it. */
#include "freeenergy_target.h"
#include "program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Points at which a score is checked, of so many that are tried. */
#define CHECKED 2
#define TRIED   16

void freeenergy_target_release(freeenergy_target *t)
{
    sf_density_release(&t->density);
    sf_density_release(&t->base);
    sf_free(t->mean);
    sf_free(t->scale);
    sf_free(t->factor);
}

/* ---- Gaussians around the target ------------------------------------------------------------- */

/* From here on in the coordinates of t->mean and t->scale or t->factor. */
static sf_status change_coordinates(freeenergy_target *t)
{
    sf_density *round;
    sf_status status;

    GO(sf_density_affine(t->density, t->mean, t->scale, t->factor, &round));
    sf_density_release(&t->density);
    sf_density_release(&t->base);
    t->density = round;
    t->base_log_z = 0.0;
    status = sf_density_gaussian(sf_density_dimension(round), NULL, NULL, &t->base);
done:
    return status;
}

sf_status freeenergy_target_take_base(sf_base *base, freeenergy_target *t)
{
    t->mean = base->mean;
    t->scale = base->scale;
    (void)snprintf(t->base_name, sizeof t->base_name,
                   "Gaussian with the means and variances of a pilot's samples");
    return change_coordinates(t);
}

static sf_status base_of_laplace(freeenergy_target *t)
{
    sf_laplace laplace;
    sf_status status;

    GO(sf_laplace_find(t->density, NULL, &laplace));
    t->mean = laplace.mode;
    t->factor = laplace.factor;
    t->evaluations = laplace.evaluations;
    (void)snprintf(t->base_name, sizeof t->base_name,
                   "Gaussian around the mode (Laplace's approximation alone: log Z = %.4f)",
                   laplace.log_z);
    status = change_coordinates(t);
done:
    return status;
}

sf_status freeenergy_target_restore(const freeenergy_target *t, size_t count, double *x)
{
    if (t->mean == NULL) return SF_OK;
    return sf_affine_apply(sf_density_dimension(t->density), t->mean, t->scale, t->factor, count,
                           x);
}

/* ---- densities by name ----------------------------------------------------------------------- */

/* Whether `text` is this word, or begins with it and a colon; *rest: what follows the colon. */
static bool is_word(const char *text, const char *word, const char **rest)
{
    const size_t length = strlen(word);

    if (strncmp(text, word, length) != 0 || (text[length] != '\0' && text[length] != ':'))
        return false;
    *rest = text[length] == ':' ? text + length + 1 : text + length;
    return true;
}

/* "shape=16x16" of the target's text, for bases that are to have the same; "" where it has none. */
static void find_shape(const char *target, char shape[64])
{
    const char *at = target != NULL ? strstr(target, "shape=") : NULL;

    (void)snprintf(shape, 64, "%.*s", at != NULL ? (int)strcspn(at, ",") : 0, at != NULL ? at : "");
}

/* The base's text in full: what follows from the target need not be said again. */
static sf_status complete(const freeenergy_options *o, const freeenergy_target *t, char text[512])
{
    const size_t n = sf_density_dimension(t->density);
    const char *rest;
    char shape[64];

    find_shape(o->target, shape);
    if (is_word(o->base, "gaussian", &rest) && strstr(rest, "dim=") == NULL) {
        (void)snprintf(text, 512, "gaussian:dim=%zu%s%s", n, rest[0] != '\0' ? "," : "", rest);
    } else if (is_word(o->base, "free", &rest)) {
        if (shape[0] == '\0')
            return sf_fail(SF_ERR_ARGUMENT,
                           "--base free is a free field on the target's lattice, and %s has none; "
                           "try --base fit",
                           freeenergy_question(o));
        if (rest[0] == '\0')
            return sf_fail(SF_ERR_ARGUMENT,
                           "--base free needs a mass, free:mass2=1; without --base phi^4 takes the "
                           "one closest to it");
        (void)snprintf(text, 512, "phi4:%s,%s,lambda=0", shape, rest);
    } else if (is_word(o->base, "field", &rest) && strstr(rest, "shape=") == NULL &&
               shape[0] != '\0') {
        (void)snprintf(text, 512, "field:%s,%s", rest, shape);
    } else {
        (void)snprintf(text, 512, "%s", o->base);
    }
    return SF_OK;
}

static sf_status base_by_name(const freeenergy_options *o, freeenergy_target *t)
{
    char text[512];
    sf_status status;

    GO(complete(o, t, text));
    GO(sf_density_parse(text, &t->base));
    t->base_log_z = sf_density_log_z(t->base);
    if (!sf_density_can_draw(t->base) || isnan(t->base_log_z))
        status = sf_fail(SF_ERR_ARGUMENT,
                         "--base %s has no exact draws or no known log Z to start from; try "
                         "--base fit",
                         o->base);
    else if (sf_density_dimension(t->base) != sf_density_dimension(t->density))
        status = sf_fail(SF_ERR_SHAPE, "--base %s has %zu dimensions, but the target has %zu",
                         o->base, sf_density_dimension(t->base), sf_density_dimension(t->density));
    (void)snprintf(t->base_name, sizeof t->base_name, "%.180s", text);
done:
    return status;
}

/* ---- energies of users ----------------------------------------------------------------------- */

/* A gradient that does not belong to its energy makes every move wrong and is seen nowhere else.
 * Points where the energy is not finite, or next to such, tell nothing. */
static sf_status check_score(const freeenergy_options *o, const sf_density *density)
{
    const size_t n = sf_density_dimension(density);
    sf_density_check_report report = {.agrees = true};
    double *x = NULL;
    size_t checked = 0;
    sf_status status;

    GO(sf_allocate(&x, n, sizeof *x));
    for (uint64_t i = 0; i < TRIED && checked < CHECKED && report.agrees; i++) {
        sf_random_normal(sf_random_make(o->seed, 0), i, 0, n, x);
        status = sf_density_check(density, 1, x, 1e-5, &report);
        if (status == SF_OK) checked++;
        if (status == SF_ERR_NUMERIC) report.agrees = true;
        if (status != SF_OK && status != SF_ERR_NUMERIC) goto done;
    }
    status = SF_OK;
    if (!report.agrees)
        status =
            sf_fail(SF_ERR_NUMERIC,
                    "%s: coordinate %zu of the gradient is %.9g, but differences of the energy "
                    "give %.9g; correct it, or take --kernel random-walk, which needs none",
                    o->library, report.index, -report.score, -report.difference);
done:
    sf_free(x);
    return status;
}

/* Samples are kept, and starts for the way back. */
static sf_status check_size(const freeenergy_options *o, const sf_density *density)
{
    const double n = (double)sf_density_dimension(density);
    const bool kept = o->method == FREEENERGY_EXCHANGE && o->samples != NULL;
    const double rounds = kept ? o->rounds > 0 ? o->rounds : 1000 : 1;
    const double chains = fmax(rounds * (o->chains > 0 ? o->chains
                                         : kept        ? 8
                                                       : FREEENERGY_CHAINS),
                               512.0);
    char what[96];

    (void)snprintf(what, sizeof what, "%.0f samples in %.0f dimensions", chains, n);
    return program_check_memory(what, 2.0 * chains * n * sizeof(double));
}

/* ---- the choice ------------------------------------------------------------------------------ */

/* Posteriors of many correlated parameters: their priors, which they suggest, are far from them,
 * and the mode is near. */
static bool wants_laplace(const freeenergy_target *t)
{
    const char *name = sf_density_name(t->density);

    return strcmp(name, "cox") == 0 || strcmp(name, "logistic") == 0;
}

static sf_status choose_base(freeenergy_target *t)
{
    sf_status status;

    if (wants_laplace(t)) return base_of_laplace(t);
    status = sf_density_base(t->density, &t->base);
    if (status == SF_ERR_UNSUPPORTED) return SF_OK;
    if (status != SF_OK) return status;
    t->base_log_z = sf_density_log_z(t->base);
    (void)snprintf(t->base_name, sizeof t->base_name, "%s, the one closest to the target",
                   sf_density_name(t->base));
    return SF_OK;
}

sf_status freeenergy_target_create(const freeenergy_options *o, freeenergy_target *t)
{
    const char *base = o->base != NULL ? o->base : "auto";
    sf_status status;

    *t = (freeenergy_target){.base_log_z = 0.0};
    GO(o->library != NULL ? sf_density_load(o->library, &t->density)
                          : sf_density_parse(o->target, &t->density));
    GO(check_size(o, t->density));
    if (o->library != NULL && sf_density_has_score(t->density) &&
        o->kernel.kind != SF_KERNEL_RANDOM_WALK)
        GO(check_score(o, t->density));
    if (o->path == FREEENERGY_TEMPERING) /* in its own coordinates, or its powers had others */
        status = SF_OK;
    else if (strcmp(base, "auto") == 0)
        status = choose_base(t);
    else if (strcmp(base, "laplace") == 0)
        status = base_of_laplace(t);
    else if (strcmp(base, "fit") != 0)
        status = base_by_name(o, t);
done:
    return status;
}
