/* island_sums.c - running sums over islands; Z is scaled by the largest so far. */
#include "free_energy/island_sums.h"

void sf_island_sums_add(sf_island_sums *s, const sf_island_part *part)
{
    double z;

    s->islands++;
    s->resampled += part->resampled;
    s->ancestors += part->ancestors;
    s->ess += part->ess;
    if (!(part->log_z > -INFINITY)) return;
    if (part->log_z > s->largest) {
        const double factor = s->largest > -INFINITY ? exp(s->largest - part->log_z) : 0.0;

        s->z *= factor;
        s->variance *= factor * factor;
        s->most *= factor * factor;
        s->largest = part->log_z;
    }
    z = exp(part->log_z - s->largest);
    s->z += z;
    s->variance += z * z * part->variance;
    s->most += z * z * part->most;
}

double sf_island_sums_log_z(const sf_island_sums *s)
{
    return s->largest + log(s->z / (double)s->islands);
}

double sf_island_sums_error(const sf_island_sums *s)
{
    return s->z > 0.0 ? sqrt(s->variance > 0.0 ? s->variance : s->most) / s->z : INFINITY;
}
