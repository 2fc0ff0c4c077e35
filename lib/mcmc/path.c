/* path.c - families of densities from one to another: the handle, and the bridges
 * log f_b = s0(b) log f0 + s1(b) log f1, of which chains need to know the two ends alone. */
#include "mcmc/path.h"

#include "base/internal.h"

#include <stdatomic.h>
#include <string.h>

struct sf_path {
    atomic_int references;
    const sf_path_methods *methods; /* NULL for bridges */
    void *self;
    size_t dimension;
    sf_density *f0, *f1; /* of a bridge; f0 NULL: tempering, */
    double first;        /* where log f_0 is this share of log f1 */
};

static sf_status path_create(size_t dimension, sf_path **path)
{
    SF_TRY(sf_allocate(path, 1, sizeof **path));
    atomic_init(&(*path)->references, 1);
    (*path)->dimension = dimension;
    return SF_OK;
}

sf_status sf_path_create(const sf_path_methods *methods, void *self, size_t dimension,
                         sf_path **path)
{
    sf_status status;

    *path = NULL;
    if (methods == NULL || methods->at == NULL)
        SF_GO(sf_fail(SF_ERR_ARGUMENT, "a path needs the method at"));
    if (dimension == 0)
        SF_GO(sf_fail(SF_ERR_ARGUMENT, "a path of no dimension; it has at least 1"));
    SF_GO(path_create(dimension, path));
    (*path)->methods = methods;
    (*path)->self = self;
    return SF_OK;
done:
    if (methods != NULL && methods->destroy != NULL) methods->destroy(self);
    return status;
}

sf_status sf_path_geometric(sf_density *f0, sf_density *f1, sf_path **path)
{
    *path = NULL;
    if (f0 == NULL || f1 == NULL)
        return sf_fail(SF_ERR_ARGUMENT, "a geometric path needs two densities");
    if (sf_density_dimension(f0) != sf_density_dimension(f1))
        return sf_fail(SF_ERR_SHAPE, "no path from %s in %zu dimensions to %s in %zu",
                       sf_density_name(f0), sf_density_dimension(f0), sf_density_name(f1),
                       sf_density_dimension(f1));
    if (sf_density_period(f0) != sf_density_period(f1))
        return sf_fail(SF_ERR_ARGUMENT,
                       "no path from %s of period %g to %s of period %g (0: none): angles need a "
                       "density of angles at either end",
                       sf_density_name(f0), sf_density_period(f0), sf_density_name(f1),
                       sf_density_period(f1));
    SF_TRY(path_create(sf_density_dimension(f1), path));
    (*path)->f0 = sf_density_retain(f0);
    (*path)->f1 = sf_density_retain(f1);
    return SF_OK;
}

sf_status sf_path_tempering(sf_density *f, double b0, sf_path **path)
{
    *path = NULL;
    if (f == NULL) return sf_fail(SF_ERR_ARGUMENT, "tempering needs a density");
    if (!(b0 >= 0.0) || !(b0 <= 1.0))
        return sf_fail(SF_ERR_ARGUMENT, "tempering from f to the %g on; it is 0 to 1", b0);
    SF_TRY(path_create(sf_density_dimension(f), path));
    (*path)->f1 = sf_density_retain(f);
    (*path)->first = b0;
    return SF_OK;
}

sf_path *sf_path_retain(sf_path *path)
{
    if (path != NULL) atomic_fetch_add(&path->references, 1);
    return path;
}

void sf_path_release(sf_path **path)
{
    sf_path *p = path != NULL ? *path : NULL;

    if (p == NULL) return;
    if (atomic_fetch_sub(&p->references, 1) == 1) {
        if (p->methods != NULL && p->methods->destroy != NULL) p->methods->destroy(p->self);
        sf_density_release(&p->f0);
        sf_density_release(&p->f1);
        sf_free(p);
    }
    *path = NULL;
}

size_t sf_path_dimension(const sf_path *path) { return path->dimension; }

const char *sf_path_name(const sf_path *path)
{
    if (path->methods == NULL) return path->f0 != NULL ? "geometric" : "tempering";
    return path->methods->name != NULL ? path->methods->name : "path";
}

bool sf_path_is_bridge(const sf_path *path) { return path->methods == NULL; }

void sf_path_ends(const sf_path *path, sf_density **f0, sf_density **f1)
{
    *f0 = path->f0;
    *f1 = path->f1;
}

void sf_path_shares(const sf_path *path, double b, double share[2])
{
    share[0] = path->f0 != NULL ? 1.0 - b : 0.0;
    share[1] = path->f0 != NULL ? b : (1.0 - b) * path->first + b;
}

sf_status sf_path_check(double b)
{
    if (b >= 0.0 && b <= 1.0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT, "a path at b = %g; it leads from 0 to 1", b);
}

sf_status sf_path_at(const sf_path *path, double b, sf_density **density)
{
    double share[2];

    *density = NULL;
    SF_TRY(sf_path_check(b));
    if (path->methods != NULL) {
        SF_TRY(path->methods->at(path->self, b, density));
        if (sf_density_dimension(*density) == path->dimension) return SF_OK;
        sf_density_release(density);
        return sf_fail(SF_ERR_SHAPE, "path %s has no density of its %zu dimensions at b = %g",
                       sf_path_name(path), path->dimension, b);
    }
    sf_path_shares(path, b, share);
    if (share[0] == 0.0 && share[1] == 1.0)
        *density = sf_density_retain(path->f1);
    else if (share[0] == 1.0 && share[1] == 0.0)
        *density = sf_density_retain(path->f0);
    else
        return sf_density_bridge(path->f0, path->f1, share, density);
    return SF_OK;
}

double sf_path_bridge_slope(const sf_path *path, double l0, double l1)
{
    return path->f0 != NULL ? l1 - l0 : (1.0 - path->first) * l1;
}

bool sf_path_has_slope(const sf_path *path)
{
    return sf_path_is_bridge(path) || path->methods->slope != NULL;
}

sf_status sf_path_slope(const sf_path *path, double b, size_t batch, const double *x, double *slope)
{
    double *log_f0;
    sf_status status;

    SF_TRY(sf_path_check(b));
    if (!sf_path_has_slope(path))
        return sf_fail(SF_ERR_UNSUPPORTED, "path %s does not know its d log f/db",
                       sf_path_name(path));
    if (path->methods != NULL) return path->methods->slope(path->self, b, batch, x, slope);
    SF_TRY(sf_allocate(&log_f0, batch, sizeof *log_f0));
    if (path->f0 != NULL) SF_GO(sf_density_evaluate(path->f0, batch, x, log_f0, NULL));
    SF_GO(sf_density_evaluate(path->f1, batch, x, slope, NULL));
    for (size_t i = 0; i < batch; i++) slope[i] = sf_path_bridge_slope(path, log_f0[i], slope[i]);
done:
    sf_free(log_f0);
    return status;
}
