/* density_load.c - a density from a shared object of the user's, scorefield/energy.h. */
#include "base/internal.h"

#include <scorefield/energy.h>
#include <scorefield/mcmc.h>

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct loaded {
    void *handle;
    const struct scorefield_energy *energy;
    char *name;
    sf_density_methods methods; /* what the object has of them */
} loaded;

static void loaded_destroy(void *self)
{
    loaded *l = self;

    if (l == NULL) return;
    if (l->handle != NULL) (void)dlclose(l->handle);
    sf_free(l->name);
    sf_free(l);
}

static sf_status loaded_evaluate(const void *self, size_t batch, const double *x,
                                 double *log_density, double *score)
{
    const struct scorefield_energy *energy = ((const loaded *)self)->energy;
    const size_t values = score != NULL ? batch * energy->dimension : 0;

    energy->evaluate(batch, x, log_density, score);
    for (size_t b = 0; b < batch; b++) log_density[b] = -log_density[b];
    for (size_t i = 0; i < values; i++) score[i] = -score[i];
    return SF_OK;
}

static double loaded_period(const void *self) { return ((const loaded *)self)->energy->period; }

/* Without a slash the loader would search the system's folders. */
static sf_status open_object(const char *path, loaded *l)
{
    char *here = NULL;
    sf_status status = SF_OK;

    if (access(path, R_OK) != 0)
        return sf_fail(SF_ERR_IO, "there is no readable file \"%s\" to load an energy from", path);
    if (strchr(path, '/') == NULL) {
        SF_TRY(sf_allocate(&here, strlen(path) + 3, 1));
        (void)snprintf(here, strlen(path) + 3, "./%s", path);
    }
    l->handle = dlopen(here != NULL ? here : path, RTLD_NOW | RTLD_LOCAL);
    if (l->handle == NULL)
        status = sf_fail(SF_ERR_FORMAT, "\"%s\" cannot be loaded as a shared object: %s", path,
                         dlerror());
    sf_free(here);
    return status;
}

static sf_status check(const char *path, const struct scorefield_energy *energy)
{
    if (energy == NULL)
        return sf_fail(SF_ERR_FORMAT,
                       "\"%s\" has no symbol scorefield_energy; define it as "
                       "<scorefield/energy.h> says, and include that header",
                       path);
    if (energy->version != SCOREFIELD_ENERGY_VERSION)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "the energy in \"%s\" is of version %u, and this library loads version %u; "
                       "set .version = SCOREFIELD_ENERGY_VERSION and compile it again",
                       path, energy->version, (unsigned)SCOREFIELD_ENERGY_VERSION);
    if (energy->dimension == 0)
        return sf_fail(SF_ERR_ARGUMENT, "the energy in \"%s\" has dimension 0; it is at least 1",
                       path);
    if (energy->evaluate == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "the energy in \"%s\" has no function evaluate", path);
    if (!(energy->period >= 0.0) || !isfinite(energy->period))
        return sf_fail(SF_ERR_ARGUMENT,
                       "the energy in \"%s\" has a period of %g; it is 0 without angles", path,
                       energy->period);
    return SF_OK;
}

sf_status sf_density_load(const char *path, sf_density **density)
{
    const char *slash = strrchr(path, '/');
    loaded *l;
    sf_status status;

    *density = NULL;
    SF_TRY(sf_allocate(&l, 1, sizeof *l));
    SF_GO(open_object(path, l));
    l->energy = dlsym(l->handle, "scorefield_energy");
    SF_GO(check(path, l->energy));
    SF_GO(sf_copy_text(l->energy->name != NULL ? l->energy->name
                       : slash != NULL         ? slash + 1
                                               : path,
                       &l->name));
    l->methods = (sf_density_methods){
        .name = l->name,
        .evaluate = loaded_evaluate,
        .destroy = loaded_destroy,
        .no_score = l->energy->no_gradient != 0,
        .period = loaded_period,
    };
    return sf_density_create(&l->methods, l, l->energy->dimension, density);
done:
    loaded_destroy(l);
    return status;
}
