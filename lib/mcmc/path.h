/* path.h - paths as this room's files see them: bridges are known by their two ends. */
#ifndef SF_MCMC_PATH_H
#define SF_MCMC_PATH_H

#include <scorefield/mcmc.h>

/* log f_b = share[0] log f0 + share[1] log f1, where a share of 0 counts nothing whatever it is a
 * share of. */
static inline double sf_bridge(const double share[2], double l0, double l1)
{
    return (share[0] > 0.0 ? share[0] * l0 : 0.0) + (share[1] > 0.0 ? share[1] * l1 : 0.0);
}

bool sf_path_is_bridge(const sf_path *path);
/* The ends of a bridge (NULL: 1, which has the share 0); both NULL for a path that is none. */
void sf_path_ends(const sf_path *path, sf_density **f0, sf_density **f1);
void sf_path_shares(const sf_path *path, double b, double share[2]);
/* d log f_b/db where the ends are log f0 and log f1. */
double sf_path_bridge_slope(const sf_path *path, double l0, double l1);
/* SF_ERR_ARGUMENT unless b is in [0, 1]. */
sf_status sf_path_check(double b);

/* f0^share[0] f1^share[1]; f0 may be NULL. */
sf_status sf_density_bridge(sf_density *f0, sf_density *f1, const double share[2],
                            sf_density **density);

#endif
