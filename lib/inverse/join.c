/* join.c - several exposures of one scene as one observation: y_e = M_e S_e H_e x + n_e.
 *
 * Every exposure is placed on one scene, at the whole cell that its shift is nearest to; the rest
 * of the shift is a phase of its transfer function. What solvers see are the exposures' data,
 * weights and H one after the other (blur.c), and one unit of noise. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <gsl/gsl_math.h>
#include <math.h>
#include <stdio.h>

#define SAME_CELL 1e-6 /* relative difference of two cells that are the same */

typedef struct join {
    size_t count;
    sf_observation *const *given;
    const double *shifts;
    sf_grid scene;
    long (*origin)[SF_GRID_MAX_AXES]; /* of each frame, from the first one's corner, in cells */
    long low[SF_GRID_MAX_AXES];       /* where the scene begins */
    double *precision;                /* of each of its cells; then the noise of those observed */
    double unit;
} join;

static sf_status check_one(const sf_observation *first, const sf_observation *o, size_t number)
{
    char own[96], fine[96];

    if (o->exposures > 1)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "exposure %zu is %zu that are joined: join all of them at once", number,
                       o->exposures);
    if (o->fourier)
        return sf_fail(SF_ERR_UNSUPPORTED, "exposure %zu is of frequencies: only frames are joined",
                       number);
    if (o->inverse_power != NULL)
        return sf_fail(SF_ERR_UNSUPPORTED,
                       "the noise of exposure %zu has a spectrum: only exposures whose pixels have "
                       "noise of their own are joined",
                       number);
    if ((o->gain > 0.0) != (first->gain > 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "exposures 1 and %zu: one has counts and the other Gaussian noise", number);
    if (o->frame.axes != first->frame.axes || o->periodic != first->periodic ||
        (o->periodic && !sf_grid_same_shape(&o->fine, &first->fine)))
        return sf_fail(SF_ERR_SHAPE,
                       "exposure %zu is %s and the first one %s, in cells: give as many axes, and "
                       "periodic frames the same shape",
                       number, sf_grid_text(&o->fine, own, sizeof own),
                       sf_grid_text(&first->fine, fine, sizeof fine));
    for (int a = 0; a < o->fine.axes; a++)
        if (fabs(o->fine.spacing[a] / first->fine.spacing[a] - 1.0) > SAME_CELL)
            return sf_fail(
                SF_ERR_ARGUMENT,
                "exposure %zu has cells of %g and the first one of %g: choose how many a "
                "pixel has (upsample) so that they are the same",
                number, o->fine.spacing[a], first->fine.spacing[a]);
    return SF_OK;
}

/* Whole cells and the rest; of periodic frames all of it is the rest. */
static sf_status split_shift(join *j, size_t e, double rest[SF_GRID_MAX_AXES])
{
    const sf_observation *first = j->given[0], *o = j->given[e];

    for (int a = 0; a < o->fine.axes; a++) {
        const double cells = j->shifts[e * (size_t)o->fine.axes + (size_t)a] / o->fine.spacing[a];
        const double n = (double)o->fine.shape[a], extent = (double)first->fine.shape[a];

        if (!isfinite(cells) || (!o->periodic && (cells >= extent || cells <= -n)))
            return sf_fail(SF_ERR_ARGUMENT,
                           "exposure %zu does not overlap the first: it begins %g cells along axis "
                           "%d, where they have %g and %g",
                           e + 1, cells, a + 1, n, extent);
        j->origin[e][a] = o->periodic ? 0 : lround(cells);
        rest[a] = cells - (double)j->origin[e][a];
    }
    return SF_OK;
}

static size_t common_multiple(size_t a, size_t b)
{
    size_t multiple = a;

    while (multiple % b != 0) multiple += a;
    return multiple;
}

/* The scene along an axis: all frames with the halves of their PSFs beside them, in the middle of a
 * length that FFTs like, which is of whole pixels of every kind. */
static size_t plan_axis(join *j, int axis)
{
    const sf_observation *first = j->given[0];
    long low = 0, high = (long)first->fine.shape[axis];
    size_t pixel = 1, length;
    bool margins = false;

    for (size_t e = 0; e < j->count; e++) {
        const sf_grid *kernel = sf_observation_kernel(j->given[e]);
        const long half = kernel != NULL ? (long)(kernel->shape[axis] / 2) : 0;
        const long begin = j->origin[e][axis];

        low = GSL_MIN(low, begin - half);
        high = GSL_MAX(high, begin + (long)j->given[e]->fine.shape[axis] + half);
        pixel = common_multiple(pixel, j->given[e]->upsample);
        margins = margins || kernel != NULL;
    }
    length = (size_t)(high - low);
    if (first->periodic || (!margins && length == first->fine.shape[axis])) {
        j->low[axis] = 0;
        return first->fine.shape[axis];
    }
    length = pixel * sf_grid_good_length((length + pixel - 1) / pixel);
    j->low[axis] = low - ((long)length - (high - low)) / 2;
    return length;
}

static sf_status plan_scene(join *j)
{
    const sf_grid *fine = &j->given[0]->fine;
    size_t shape[SF_GRID_MAX_AXES];

    for (int a = 0; a < fine->axes; a++) shape[a] = plan_axis(j, a);
    return sf_grid_make(fine->axes, shape, fine->spacing, &j->scene);
}

static double cells_of_pixel(const sf_observation *o)
{
    return pow((double)o->upsample, o->scene.axes);
}

/* What an exposure knows of each cell that its pixels show: n/sigma^2. */
static void add_precision(join *j, size_t e, const double *weight)
{
    const sf_observation *o = j->given[e];
    const double scale = cells_of_pixel(o) / (o->noise * o->noise);

    for (size_t i = 0; i < sf_grid_size(&o->fine); i++) {
        size_t rest = i, pixel = 0, cell = 0, stride = 1, along = 1;

        for (int a = o->fine.axes - 1; a >= 0; a--) {
            const size_t at = rest % o->fine.shape[a];

            rest /= o->fine.shape[a];
            pixel += at / o->upsample * stride;
            stride *= o->frame.shape[a];
            cell += (size_t)((long)at + j->origin[e][a] - j->low[a]) * along;
            along *= j->scene.shape[a];
        }
        j->precision[cell] += scale * weight[pixel];
    }
}

/* The noise of what is known of a cell from all exposures: its median. */
static void find_unit(join *j)
{
    const double pixel = cells_of_pixel(j->given[0]);
    size_t known = 0;

    for (size_t i = 0; i < sf_grid_size(&j->scene); i++)
        if (j->precision[i] > 0.0) j->precision[known++] = sqrt(pixel / j->precision[i]);
    j->unit = sf_quantile(j->precision, known, 0.5);
}

/* weights of the frame's pixels, as the exposure was given. */
static sf_status pick_weights(const sf_observation *o, double *weight)
{
    return sf_observation_pick(o, o->weight, weight);
}

static sf_status measure_noise(join *j)
{
    double *weight = NULL;
    sf_status status;

    SF_GO(sf_allocate(&j->precision, sf_grid_size(&j->scene), sizeof *j->precision));
    for (size_t e = 0; e < j->count; e++) {
        SF_GO(sf_allocate(&weight, sf_grid_size(&j->given[e]->frame), sizeof *weight));
        SF_GO(pick_weights(j->given[e], weight));
        add_precision(j, e, weight);
        sf_free(weight);
        weight = NULL;
    }
    find_unit(j);
done:
    sf_free(weight);
    return status;
}

/* The exposure's own data and weights, in the joint unit, on the joint scene. */
static sf_status move_data(const join *j, size_t e, sf_observation *o)
{
    const size_t pixels = sf_grid_size(&o->frame);
    double *value = NULL, *weight = NULL;
    sf_status status;

    SF_GO(sf_allocate(&value, pixels, sizeof *value));
    SF_GO(sf_allocate(&weight, pixels, sizeof *weight));
    SF_GO(sf_observation_pick(j->given[e], j->given[e]->data, value));
    SF_GO(pick_weights(j->given[e], weight));
    for (size_t i = 0; i < pixels; i++) weight[i] *= gsl_pow_2(j->unit / j->given[e]->noise);
    SF_GO(sf_observation_embed(o, value, weight));
done:
    sf_free(value);
    sf_free(weight);
    return status;
}

/* What an exposure is, wherever it lies. */
static void copy_facts(const sf_observation *from, sf_observation *o)
{
    o->exposures = 1;
    o->frame = from->frame;
    o->upsample = from->upsample;
    o->fine = from->fine;
    o->resolution = from->resolution;
    o->periodic = from->periodic;
    o->summary = from->summary;
    o->background = from->background;
    o->gain = from->gain;
    o->offset = from->offset;
    o->observed = from->observed;
    o->known = 1.0;
}

/* Exposure e on the joint scene, a part of `joint`. */
static sf_status place_exposure(join *j, size_t e, sf_observation *joint)
{
    const size_t cells = sf_grid_size(&j->scene);
    sf_observation *o;

    SF_TRY(sf_allocate(&joint->exposure[e], 1, sizeof *o));
    o = joint->exposure[e];
    atomic_init(&o->references, 1);
    copy_facts(j->given[e], o);
    o->owner = joint;
    o->scene = j->scene;
    o->values = cells;
    o->psf = sf_psf_retain(j->given[e]->psf);
    o->field = sf_psf_field_retain(j->given[e]->field);
    SF_TRY(split_shift(j, e, o->shift));
    for (int a = 0; a < o->scene.axes; a++) o->origin[a] = (size_t)(j->origin[e][a] - j->low[a]);
    o->noise = j->unit;
    o->typical = gsl_pow_2(j->unit / o->summary.noise);
    o->data = joint->data + e * cells;
    o->weight = joint->weight + e * cells;
    SF_TRY(sf_operator_crop(&o->scene, o->origin, &o->fine, &o->crop));
    SF_TRY(sf_fft_create(&o->scene, &o->fft));
    SF_TRY(move_data(j, e, o));
    SF_TRY(sf_observation_find_blur(o));
    return sf_observation_transform(o);
}

/* All that is of the first exposure, or the same for all. */
static sf_status make_joint(const join *j, sf_observation *joint)
{
    const sf_observation *first = j->given[0];

    atomic_init(&joint->references, 1);
    copy_facts(first, joint);
    joint->observed = 0;
    joint->scene = j->scene;
    for (int a = 0; a < j->scene.axes; a++) joint->origin[a] = (size_t)-j->low[a];
    SF_TRY(sf_allocate(&joint->exposure, j->count, sizeof(sf_observation *)));
    joint->exposures = j->count;
    joint->values = j->count * sf_grid_size(&j->scene);
    joint->noise = joint->summary.noise = j->unit;
    joint->typical = 1.0;
    SF_TRY(sf_allocate(&joint->data, joint->values, sizeof *joint->data));
    SF_TRY(sf_allocate(&joint->weight, joint->values, sizeof *joint->weight));
    SF_TRY(sf_operator_crop(&joint->scene, joint->origin, &joint->fine, &joint->crop));
    return sf_fft_create(&joint->scene, &joint->fft);
}

static sf_status place_all(join *j, sf_observation *joint)
{
    const size_t half = sf_grid_half_size(&j->scene);

    joint->diagonal = true;
    SF_TRY(sf_allocate(&joint->back, half, sizeof *joint->back));
    for (size_t e = 0; e < j->count; e++) {
        const sf_observation *o;

        SF_TRY(place_exposure(j, e, joint));
        o = joint->exposure[e];
        joint->observed += o->observed;
        joint->mean_weight += o->mean_weight;
        joint->diagonal = joint->diagonal && o->diagonal;
        for (size_t k = 0; k < half; k++) joint->back[k] += o->back[k];
    }
    return SF_OK;
}

sf_status sf_observation_join(size_t count, sf_observation *const *exposures, const double *shifts,
                              sf_observation **joint)
{
    join j = {.count = count, .given = exposures, .shifts = shifts};
    double rest[SF_GRID_MAX_AXES];
    sf_observation *o = NULL;
    sf_status status;

    *joint = NULL;
    if (count == 0) return sf_fail(SF_ERR_ARGUMENT, "no exposure to join: give at least one");
    SF_GO(sf_allocate(&j.origin, count, sizeof *j.origin));
    for (size_t e = 0; e < count; e++) {
        SF_GO(check_one(exposures[0], exposures[e], e + 1));
        SF_GO(split_shift(&j, e, rest));
    }
    for (int a = 0; a < exposures[0]->fine.axes; a++)
        if (shifts[a] != 0.0)
            SF_GO(sf_fail(SF_ERR_ARGUMENT,
                          "the first exposure's shift is %g: all are from its "
                          "corner, where it is 0",
                          shifts[a]));
    SF_GO(plan_scene(&j));
    SF_GO(measure_noise(&j));
    SF_GO(sf_allocate(&o, 1, sizeof *o));
    SF_GO(make_joint(&j, o));
    SF_GO(place_all(&j, o));
    *joint = o;
    o = NULL;
done:
    sf_observation_release(&o);
    sf_free(j.origin);
    sf_free(j.precision);
    return status;
}
