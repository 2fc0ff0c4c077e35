/* fourier.c - gridded samples of an image's Fourier transform, as an observation of a whitened
 * dirty image.
 *
 * Of a real image x with the modes F_k, samples V_k = F_k + e_k have for their likelihood
 *     chi^2 = sum over pairs {k, -k} of w_k |F_k - v_k|^2,
 * w_k = 1/s_k^2 + 1/s_-k^2 the precision and v_k = (V_k/s_k^2 + conj(V_-k)/s_-k^2)/w_k the mean of
 * what was sampled of the pair, only the real part where k = -k. By Parseval that is
 *     chi^2 = |d - H x|^2 / noise^2,   d = F^-1 H v,   H_k = noise (N w_k / 2)^1/2,
 * twice w_k where k = -k: white noise in every cell of a periodic frame without a mask, for which
 * every solver's data step is a division in Fourier space. Where nothing was sampled H is 0, and d
 * holds nothing. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <complex.h>
#include <math.h>

/* Samples at k and -k that are apart by less than this of their noise, all of them, are one sample
 * that was written twice. */
#define ONE_SAMPLE 1e-3

typedef struct samples {
    const sf_grid *image;
    const sf_complex *value;    /* whole plane, zero frequency first */
    const double *mask, *sigma; /* or NULL */
    double noise;
    bool twice; /* -k repeats k */
} samples;

/* The entries of the whole plane at the mode of the half spectrum's, and at its negative. */
static void find_pair(const sf_grid *image, size_t index, size_t pair[2])
{
    size_t stride = 1;
    long m[SF_GRID_MAX_AXES];

    sf_grid_mode(image, index, m);
    pair[0] = pair[1] = 0;
    for (int a = image->axes - 1; a >= 0; a--) {
        const long n = (long)image->shape[a];

        pair[0] += (size_t)((m[a] + n) % n) * stride;
        pair[1] += (size_t)((n - m[a]) % n) * stride;
        stride *= image->shape[a];
    }
}

/* 1/s^2, or 0 where nothing was sampled. */
static double precision(const samples *s, size_t k)
{
    const double sigma = s->sigma != NULL ? s->sigma[k] : s->noise;

    if (s->mask != NULL && s->mask[k] == 0.0) return 0.0;
    return isfinite(sigma) && sigma > 0.0 ? 1.0 / (sigma * sigma) : 0.0;
}

static sf_status check(const samples *s)
{
    const size_t cells = sf_grid_size(s->image), columns = s->image->shape[s->image->axes - 1];
    size_t sampled = 0;

    if (s->sigma == NULL && !(isfinite(s->noise) && s->noise > 0.0))
        return sf_fail(SF_ERR_ARGUMENT,
                       "noise of the samples is %g: give a positive standard deviation, or a map",
                       s->noise);
    for (size_t k = 0; k < cells; k++) {
        if (s->mask != NULL && !isfinite(s->mask[k]))
            return sf_fail(SF_ERR_NUMERIC,
                           "the mask of sampled frequencies is not finite at row %zu, column %zu: "
                           "give 0 where nothing was sampled",
                           k / columns, k % columns);
        if (!(precision(s, k) > 0.0)) continue;
        sampled++;
        if (!isfinite(creal(s->value[k])) || !isfinite(cimag(s->value[k])))
            return sf_fail(SF_ERR_NUMERIC,
                           "the sample at row %zu, column %zu is not finite: take that frequency "
                           "out of the mask",
                           k / columns, k % columns);
    }
    if (sampled > 0) return SF_OK;
    return sf_fail(SF_ERR_ARGUMENT,
                   "no frequency is sampled: of %zu none has a mask that is not 0 and a positive "
                   "noise",
                   cells);
}

/* Whether both halves of the plane hold the same samples, conjugated: whoever writes them so has
 * measured them once. */
static bool is_written_twice(const samples *s)
{
    bool any = false;

    for (size_t i = 0; i < sf_grid_half_size(s->image); i++) {
        size_t k[2];
        double p[2];

        find_pair(s->image, i, k);
        for (int j = 0; j < 2; j++) p[j] = precision(s, k[j]);
        if (k[0] == k[1] || !(p[0] > 0.0) || !(p[1] > 0.0)) continue;
        any = true;
        if (cabs(s->value[k[0]] - conj(s->value[k[1]])) * sqrt(fmax(p[0], p[1])) > ONE_SAMPLE)
            return false;
    }
    return any;
}

/* The pair's precision and mean. */
static double combine(const samples *s, size_t index, sf_complex *mean)
{
    size_t k[2];
    double p[2], sum;

    find_pair(s->image, index, k);
    p[0] = precision(s, k[0]);
    p[1] = k[0] == k[1] ? 0.0 : precision(s, k[1]);
    sum = p[0] + p[1];
    if (s->twice && p[0] > 0.0 && p[1] > 0.0) sum *= 0.5;
    *mean = 0.0;
    if (p[0] > 0.0) *mean += p[0] / (p[0] + p[1]) * s->value[k[0]];
    if (p[1] > 0.0) *mean += p[1] / (p[0] + p[1]) * conj(s->value[k[1]]);
    if (k[0] == k[1]) *mean = creal(*mean);
    return sum;
}

/* transfer = (N w / 2)^1/2, 2 w where k = -k, and back = v; the unit of noise is what makes the
 * median of the former 1. */
static sf_status weigh(sf_observation *o, const samples *s)
{
    const double cells = (double)sf_grid_size(&o->scene);
    const size_t half = sf_grid_half_size(&o->scene);
    double *found = NULL, measured = 0.0;
    size_t count = 0;
    sf_status status;

    SF_GO(sf_allocate(&found, half, sizeof *found));
    for (size_t i = 0; i < half; i++) {
        const double numbers = sf_grid_mode_is_real(&o->scene, i) ? 1.0 : 2.0;
        const double h = sqrt(cells * combine(s, i, &o->back[i]) / numbers);

        o->transfer[i] = h;
        if (!(h > 0.0)) continue;
        found[count++] = h;
        measured += sf_grid_mode_weight(&o->scene, i);
    }
    o->noise = 1.0 / sf_quantile(found, count, 0.5);
    o->known = measured / cells;
    for (size_t i = 0; i < half; i++) o->transfer[i] *= o->noise;
done:
    sf_free(found);
    return status;
}

/* Range and noise as those of the dirty image F^-1 v; there are no lowest pixels to compare with.
 * Then the data, and H v where v was. */
static sf_status transform(sf_observation *o)
{
    const size_t half = sf_grid_half_size(&o->scene), cells = sf_grid_size(&o->scene);
    sf_complex *work = NULL;
    sf_status status;

    SF_GO(sf_allocate(&work, half, sizeof *work));
    for (size_t k = 0; k < half; k++) work[k] = o->back[k];
    SF_GO(sf_fft_inverse(o->fft, work, o->data));
    SF_GO(sf_frame_summarise(cells, o->data, NULL, o->noise, NULL, 0.0, &o->summary));
    o->summary.lowest = -INFINITY;
    for (size_t k = 0; k < half; k++) work[k] = o->back[k] *= o->transfer[k];
    SF_GO(sf_fft_inverse(o->fft, work, o->data));
    for (size_t k = 0; k < half; k++) o->back[k] *= o->transfer[k];
    for (size_t i = 0; i < cells; i++) o->weight[i] = 1.0;
    status = sf_check_finite(o->data, cells, "dirty image of the samples");
done:
    sf_free(work);
    return status;
}

sf_status sf_fourier_dirty_image(const sf_grid *image, const sf_complex *value, const double *mask,
                                 const double *sigma, double noise, double *dirty)
{
    const samples s = {
        .image = image, .value = value, .mask = mask, .sigma = sigma, .noise = noise};
    sf_complex *modes = NULL;
    sf_fft *fft = NULL;
    sf_status status;

    SF_GO(check(&s));
    SF_GO(sf_fft_create(image, &fft));
    SF_GO(sf_allocate(&modes, sf_grid_half_size(image), sizeof *modes));
    for (size_t i = 0; i < sf_grid_half_size(image); i++) (void)combine(&s, i, &modes[i]);
    status = sf_fft_inverse(fft, modes, dirty);
done:
    sf_fft_release(&fft);
    sf_free(modes);
    return status;
}

static sf_status allocate(sf_observation *o, const sf_grid *image)
{
    const size_t half = sf_grid_half_size(image), cells = sf_grid_size(image);
    const size_t origin[SF_GRID_MAX_AXES] = {0};

    atomic_init(&o->references, 1);
    o->frame = o->scene = o->fine = *image;
    o->upsample = 1;
    o->exposures = 1;
    o->values = o->observed = cells;
    o->typical = 1.0;
    o->mean_weight = 1.0;
    o->diagonal = o->fourier = true;
    SF_TRY(sf_operator_crop(image, origin, image, &o->crop));
    SF_TRY(sf_fft_create(image, &o->fft));
    SF_TRY(sf_allocate(&o->data, cells, sizeof *o->data));
    SF_TRY(sf_allocate(&o->weight, cells, sizeof *o->weight));
    SF_TRY(sf_allocate(&o->transfer, half, sizeof *o->transfer));
    return sf_allocate(&o->back, half, sizeof *o->back);
}

sf_status sf_observation_fourier(const sf_grid *image, const sf_complex *value, const double *mask,
                                 const double *sigma, double noise, sf_observation **observation)
{
    samples s = {.image = image, .value = value, .mask = mask, .sigma = sigma, .noise = noise};
    sf_observation *o = NULL;
    sf_status status;

    *observation = NULL;
    SF_TRY(check(&s));
    s.twice = is_written_twice(&s);
    SF_TRY(sf_allocate(&o, 1, sizeof *o));
    SF_GO(allocate(o, image));
    SF_GO(weigh(o, &s));
    SF_GO(transform(o));
    *observation = o;
    o = NULL;
done:
    sf_observation_release(&o);
    return status;
}
