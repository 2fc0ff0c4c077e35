/* dice.c - the random choices of one scene, in sequence. */
#include "scene/recipe.h"

#include <math.h>

#define PI 3.14159265358979323846

void sf_dice_make(sf_random random, uint64_t sequence, sf_dice *dice)
{
    *dice = (sf_dice){.random = random, .sequence = sequence};
}

static double next(sf_dice *dice)
{
    if (dice->left == 0) {
        sf_random_uniform(dice->random, dice->sequence, dice->next, SF_DICE_BUFFER, dice->uniform);
        dice->next += SF_DICE_BUFFER;
        dice->left = SF_DICE_BUFFER;
    }
    return dice->uniform[SF_DICE_BUFFER - dice->left--];
}

double sf_dice_between(sf_dice *dice, double low, double high)
{
    return low + (high - low) * next(dice);
}

double sf_dice_log(sf_dice *dice, double low, double high)
{
    return low * pow(high / low, next(dice));
}

bool sf_dice_chance(sf_dice *dice, double probability) { return next(dice) < probability; }

double sf_dice_normal(sf_dice *dice)
{
    const double length = sqrt(-2.0 * log(next(dice)));

    return length * cos(2.0 * PI * next(dice));
}

size_t sf_dice_count(sf_dice *dice, double mean)
{
    size_t count = 0;
    double time;

    if (!(mean > 0.0)) return 0;
    if (mean > 50.0) return (size_t)fmax(0.0, round(mean + sqrt(mean) * sf_dice_normal(dice)));
    time = -log(next(dice));
    while (time < mean) {
        time -= log(next(dice));
        count++;
    }
    return count;
}

double sf_dice_power_law(sf_dice *dice, double low, double high, double slope)
{
    const double a = pow(low, 1.0 - slope), b = pow(high, 1.0 - slope);

    return pow(a + (b - a) * next(dice), 1.0 / (1.0 - slope));
}
