/* blur.c - H of an observation: what its cells receive from a scene, and the transpose. One
 * convolution on the scene's grid (a PSF, the sum over a pixel's cells, a shift by a part of a
 * cell), after one whose kernel varies (operator/varying.c) where the PSF does; or, of exposures
 * that were joined, one after the other. */
#include "inverse/observation.h"

#include "base/internal.h"

#include <complex.h>
#include <float.h>
#include <gsl/gsl_math.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FWHM_OF_SIGMA 2.3548200450309493 /* sqrt(8 ln 2) */

/* ---- what H is ------------------------------------------------------------------------------- */

/* H <- H / R, what is left of the blur for a scene that has already been blurred by R, a Gaussian.
 * No wave is made larger: where R falls below |H| only the phase of H is left. */
static void leave_resolution(const sf_grid *grid, double fwhm, sf_complex *transfer)
{
    const double sigma = fwhm / FWHM_OF_SIGMA;

    for (size_t i = 0; i < sf_grid_half_size(grid); i++) {
        const double phase = sigma * sf_grid_wavenumber(grid, i);

        transfer[i] /= fmax(fmax(exp(-0.5 * phase * phase), cabs(transfer[i])), DBL_MIN);
    }
}

/* Cells beyond the PSF's on which H / R has its kernel. */
#define KERNEL_MARGIN 16

/* The grid that a kernel of H / R fills, no larger than `most`: H / R has kinks where waves end, so
 * that on the scene's own grid its kernel would have no end, and two parts of one frame not the
 * same one. */
static sf_status kernel_grid(const sf_grid *scene, const sf_grid *psf, const size_t *most,
                             sf_grid *grid)
{
    size_t shape[SF_GRID_MAX_AXES];

    for (int a = 0; a < scene->axes; a++) {
        shape[a] = sf_grid_good_length(psf->shape[a] + (size_t)2 * KERNEL_MARGIN);
        if (shape[a] > most[a]) shape[a] = most[a];
    }
    return sf_grid_make(scene->axes, shape, scene->spacing, grid);
}

/* kernel[cell + shape/2] = field[cell], both periodic: its centre in the middle. */
static void centre_kernel(const sf_grid *grid, const double *field, double *kernel)
{
    for (size_t i = 0; i < sf_grid_size(grid); i++) {
        size_t to = 0, rest = i, stride = 1;

        for (int a = grid->axes - 1; a >= 0; a--) {
            const size_t n = grid->shape[a];
            to += (rest % n + n / 2) % n * stride;
            rest /= n;
            stride *= n;
        }
        kernel[to] = field[i];
    }
}

/* The kernel of H / R on a grid of its own, its centre in the middle (sf_free). */
static sf_status kernel_at_resolution(const sf_grid *scene, const sf_psf *psf, double fwhm,
                                      const size_t *most, sf_grid *grid, double **kernel)
{
    sf_complex *transfer = NULL;
    double *field = NULL;
    sf_fft *fft = NULL;
    sf_status status;

    SF_GO(kernel_grid(scene, sf_psf_grid(psf), most, grid));
    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_allocate(&transfer, sf_grid_half_size(grid), sizeof *transfer));
    SF_GO(sf_allocate(&field, sf_grid_size(grid), sizeof *field));
    SF_GO(sf_allocate(kernel, sf_grid_size(grid), sizeof **kernel));
    SF_GO(sf_transfer_function(grid, sf_psf_grid(psf), sf_psf_pixels(psf), transfer));
    leave_resolution(grid, fwhm, transfer);
    SF_GO(sf_fft_inverse(fft, transfer, field));
    centre_kernel(grid, field, *kernel);
done:
    sf_fft_release(&fft);
    sf_free(transfer);
    sf_free(field);
    return status;
}

/* The transfer function of a PSF, for a scene at a resolution (0: none). */
static sf_status transfer_of(const sf_grid *scene, const sf_psf *psf, double resolution,
                             sf_complex *transfer)
{
    double *kernel = NULL;
    sf_grid grid;
    sf_status status;

    if (!(resolution > 0.0))
        return sf_transfer_function(scene, sf_psf_grid(psf), sf_psf_pixels(psf), transfer);
    SF_GO(kernel_at_resolution(scene, psf, resolution, scene->shape, &grid, &kernel));
    SF_GO(sf_transfer_function(scene, &grid, kernel, transfer));
done:
    sf_free(kernel);
    return status;
}

/* H <- B H, B the sum over the cells from each one on to the end of a pixel that begins there. */
static void add_up_cells(const sf_grid *scene, size_t upsample, sf_complex *transfer)
{
    const double pi = 3.14159265358979323846;

    for (size_t k = 0; k < sf_grid_half_size(scene); k++) {
        long m[SF_GRID_MAX_AXES];

        sf_grid_mode(scene, k, m);
        for (int a = 0; a < scene->axes; a++) {
            const double phase = 2.0 * pi * (double)m[a] / (double)scene->shape[a];
            sf_complex sum = 0.0;

            for (size_t c = 0; c < upsample; c++) sum += cexp(I * phase * (double)c);
            transfer[k] *= sum;
        }
    }
}

/* H <- S H, S the shift by parts of a cell: what a cell shows is what the scene has `shift` further
 * on. Of the wave that alternates from cell to cell only the part that stays real is had. */
static void shift_cells(const sf_grid *scene, const double *shift, sf_complex *transfer)
{
    const double pi = 3.14159265358979323846;

    for (size_t k = 0; k < sf_grid_half_size(scene); k++) {
        long m[SF_GRID_MAX_AXES];

        sf_grid_mode(scene, k, m);
        for (int a = 0; a < scene->axes; a++) {
            const double phase = 2.0 * pi * (double)m[a] / (double)scene->shape[a] * shift[a];
            const bool alternates = 2 * (size_t)labs(m[a]) == scene->shape[a];

            transfer[k] *= alternates ? cos(phase) : cexp(I * phase);
        }
    }
}

static bool is_shifted(const sf_observation *o)
{
    for (int a = 0; a < o->scene.axes; a++)
        if (o->shift[a] != 0.0) return true;
    return false;
}

/* The PSFs of a field for a scene at a resolution. */
static sf_status field_at_resolution(const sf_observation *o, sf_psf_field **field)
{
    const sf_psf_options as_it_is = {.centre = SF_PSF_DECLARED, .pedestal = 0.0};
    const size_t count = sf_psf_field_count(o->field);
    double *row = NULL, *column = NULL, *kernel = NULL;
    size_t most[2]; /* PSFs are odd */
    sf_psf **psf = NULL, *own = NULL;
    sf_grid grid;
    sf_status status;

    for (int a = 0; a < 2; a++) most[a] = o->scene.shape[a] - (o->scene.shape[a] % 2 == 0 ? 1 : 0);

    SF_GO(sf_allocate(&psf, count, sizeof *psf));
    SF_GO(sf_allocate(&row, count, sizeof *row));
    SF_GO(sf_allocate(&column, count, sizeof *column));
    for (size_t i = 0; i < count; i++) {
        SF_GO(sf_psf_field_member(o->field, i, &row[i], &column[i], &own));
        SF_GO(kernel_at_resolution(&o->scene, own, o->resolution, most, &grid, &kernel));
        SF_GO(sf_psf_from_pixels(&grid, kernel, &as_it_is, &psf[i]));
        sf_psf_release(&own);
        sf_free(kernel);
        kernel = NULL;
    }
    status = sf_psf_field_create(count, psf, row, column, field);
done:
    for (size_t i = 0; psf != NULL && i < count; i++) sf_psf_release(&psf[i]);
    sf_psf_release(&own);
    sf_free(psf);
    sf_free(row);
    sf_free(column);
    sf_free(kernel);
    return status;
}

/* power_k = mean of |H_k|^2 over the PSFs of a field. */
static sf_status mean_power(sf_observation *o, const sf_psf_field *field)
{
    const size_t half = sf_grid_half_size(&o->scene), count = sf_psf_field_count(field);
    sf_complex *transfer = NULL;
    sf_psf *psf = NULL;
    sf_status status;

    SF_GO(sf_allocate(&o->power, half, sizeof *o->power));
    SF_GO(sf_allocate(&transfer, half, sizeof *transfer));
    for (size_t i = 0; i < count; i++) {
        SF_GO(sf_psf_field_member(field, i, NULL, NULL, &psf));
        SF_GO(transfer_of(&o->scene, psf, 0.0, transfer));
        sf_psf_release(&psf);
        for (size_t k = 0; k < half; k++)
            o->power[k] += gsl_pow_2(cabs(transfer[k])) / (double)count;
    }
done:
    sf_psf_release(&psf);
    sf_free(transfer);
    return status;
}

/* The convolution whose kernel varies. The field's places are pixels of the frame. */
static sf_status vary(sf_observation *o)
{
    const double step = 1.0 / (double)o->upsample;
    sf_psf_field *field = NULL;
    double first[2];
    sf_status status;

    for (int a = 0; a < 2; a++) first[a] = (0.5 - (double)o->origin[a] - o->shift[a]) * step - 0.5;
    if (o->resolution > 0.0)
        SF_GO(field_at_resolution(o, &field));
    else
        field = sf_psf_field_retain(o->field);
    SF_GO(sf_operator_psf_field(&o->scene, field, first, step, &o->varying));
    SF_GO(mean_power(o, field));
done:
    sf_psf_field_release(&field);
    return status;
}

sf_status sf_observation_find_blur(sf_observation *o)
{
    const size_t half = sf_grid_half_size(&o->scene);
    const bool shifted = is_shifted(o);

    if (o->field != NULL) SF_TRY(vary(o));
    if (o->psf == NULL && o->upsample == 1 && !shifted) return SF_OK;
    SF_TRY(sf_allocate(&o->transfer, half, sizeof *o->transfer));
    if (o->psf != NULL) SF_TRY(transfer_of(&o->scene, o->psf, o->resolution, o->transfer));
    for (size_t k = 0; k < half && o->psf == NULL; k++) o->transfer[k] = 1.0;
    if (o->upsample > 1) add_up_cells(&o->scene, o->upsample, o->transfer);
    if (shifted) shift_cells(&o->scene, o->shift, o->transfer);
    return SF_OK;
}

/* ---- what it does ---------------------------------------------------------------------------- */

bool sf_observation_is_plain(const sf_observation *o)
{
    if (o->exposure != NULL) return o->exposures == 1 && sf_observation_is_plain(o->exposure[0]);
    return o->transfer == NULL && o->varying == NULL;
}

bool sf_observation_varies(const sf_observation *o)
{
    for (size_t e = 0; e < o->exposures; e++)
        if (sf_observation_exposure(o, e)->varying != NULL) return true;
    return false;
}

const sf_observation *sf_observation_exposure(const sf_observation *o, size_t index)
{
    return o->exposure != NULL ? o->exposure[index] : o;
}

size_t sf_observation_exposures(const sf_observation *o) { return o->exposures; }

double sf_observation_power(const sf_observation *o, size_t k)
{
    double sum = 0.0;

    if (o->exposure == NULL)
        return (o->transfer != NULL ? gsl_pow_2(cabs(o->transfer[k])) : 1.0) *
               (o->power != NULL ? o->power[k] : 1.0);
    for (size_t e = 0; e < o->exposures; e++) sum += sf_observation_power(o->exposure[e], k);
    return sum;
}

double sf_observation_information(const sf_observation *o, size_t k)
{
    double sum = 0.0;

    if (o->exposure == NULL) return o->mean_weight * sf_observation_power(o, k);
    for (size_t e = 0; e < o->exposures; e++) sum += sf_observation_information(o->exposure[e], k);
    return sum;
}

/* field <- T field, or T^T field, T the convolution with one kernel. */
static sf_status convolve(const sf_observation *o, bool adjoint, const double *in, sf_complex *work,
                          double *out)
{
    SF_TRY(sf_fft_forward(o->fft, in, work));
    for (size_t k = 0; k < sf_grid_half_size(&o->scene); k++)
        work[k] *= adjoint ? conj(o->transfer[k]) : o->transfer[k];
    return sf_fft_inverse(o->fft, work, out);
}

/* pixels = T V scene, V the convolution whose kernel varies. */
static sf_status blur_varying(const sf_observation *o, const double *scene, sf_complex *work,
                              double *pixels)
{
    SF_TRY(sf_operator_apply(o->varying, scene, pixels));
    return o->transfer != NULL ? convolve(o, false, pixels, work, pixels) : SF_OK;
}

/* scene = V^T T^T pixels */
static sf_status pull_varying(const sf_observation *o, const double *pixels, sf_complex *work,
                              double *scene)
{
    double *seen = NULL;
    sf_status status;

    if (o->transfer == NULL) return sf_operator_adjoint(o->varying, pixels, scene);
    SF_GO(sf_allocate(&seen, sf_grid_size(&o->scene), sizeof *seen));
    SF_GO(convolve(o, true, pixels, work, seen));
    SF_GO(sf_operator_adjoint(o->varying, seen, scene));
done:
    sf_free(seen);
    return status;
}

/* The two of one exposure whose PSF varies, from and to modes. */
static sf_status see_varying(const sf_observation *o, const sf_complex *modes, sf_complex *work,
                             double *pixels)
{
    double *scene = NULL;
    sf_status status;

    SF_GO(sf_allocate(&scene, sf_grid_size(&o->scene), sizeof *scene));
    memcpy(work, modes, sf_grid_half_size(&o->scene) * sizeof *work);
    SF_GO(sf_fft_inverse(o->fft, work, scene));
    SF_GO(blur_varying(o, scene, work, pixels));
done:
    sf_free(scene);
    return status;
}

static sf_status return_varying(const sf_observation *o, const double *pixels, sf_complex *modes)
{
    double *scene = NULL;
    sf_status status;

    SF_GO(sf_allocate(&scene, sf_grid_size(&o->scene), sizeof *scene));
    SF_GO(pull_varying(o, pixels, modes, scene));
    SF_GO(sf_fft_forward(o->fft, scene, modes));
done:
    sf_free(scene);
    return status;
}

/* One exposure's. */
static sf_status see(const sf_observation *o, const sf_complex *modes, sf_complex *work,
                     double *pixels)
{
    if (o->varying != NULL) return see_varying(o, modes, work, pixels);
    for (size_t k = 0; k < sf_grid_half_size(&o->scene); k++)
        work[k] = o->transfer != NULL ? o->transfer[k] * modes[k] : modes[k];
    return sf_fft_inverse(o->fft, work, pixels);
}

static sf_status return_modes(const sf_observation *o, const double *pixels, sf_complex *modes)
{
    if (o->varying != NULL) return return_varying(o, pixels, modes);
    SF_TRY(sf_fft_forward(o->fft, pixels, modes));
    for (size_t k = 0; k < sf_grid_half_size(&o->scene) && o->transfer != NULL; k++)
        modes[k] *= conj(o->transfer[k]);
    return SF_OK;
}

sf_status sf_observation_see(const sf_observation *o, const sf_complex *modes, sf_complex *work,
                             double *pixels)
{
    for (size_t e = 0; e < o->exposures; e++)
        SF_TRY(
            see(sf_observation_exposure(o, e), modes, work, pixels + e * sf_grid_size(&o->scene)));
    return SF_OK;
}

sf_status sf_observation_return(const sf_observation *o, const double *pixels, sf_complex *work,
                                sf_complex *modes)
{
    SF_TRY(return_modes(sf_observation_exposure(o, 0), pixels, modes));
    for (size_t e = 1; e < o->exposures; e++) {
        SF_TRY(return_modes(sf_observation_exposure(o, e), pixels + e * sf_grid_size(&o->scene),
                            work));
        for (size_t k = 0; k < sf_grid_half_size(&o->scene); k++) modes[k] += work[k];
    }
    return SF_OK;
}

sf_status sf_observation_blur(const sf_observation *o, const double *scene, double *blurred)
{
    const size_t half = sf_grid_half_size(&o->scene);
    sf_complex *modes = NULL;
    sf_status status;

    if (sf_observation_is_plain(o)) {
        memmove(blurred, scene, o->values * sizeof *blurred);
        return SF_OK;
    }
    SF_GO(sf_allocate(&modes, 2 * half, sizeof *modes));
    if (o->varying != NULL) {
        SF_GO(blur_varying(o, scene, modes, blurred));
    } else {
        SF_GO(sf_fft_forward(o->fft, scene, modes));
        SF_GO(sf_observation_see(o, modes, modes + half, blurred));
    }
done:
    sf_free(modes);
    return status;
}

sf_status sf_observation_blur_adjoint(const sf_observation *o, const double *field, double *out)
{
    const size_t half = sf_grid_half_size(&o->scene);
    sf_complex *modes = NULL;
    sf_status status;

    if (sf_observation_is_plain(o)) {
        memmove(out, field, o->values * sizeof *out);
        return SF_OK;
    }
    SF_GO(sf_allocate(&modes, 2 * half, sizeof *modes));
    if (o->varying != NULL) {
        SF_GO(pull_varying(o, field, modes, out));
    } else {
        SF_GO(sf_observation_return(o, field, modes + half, modes));
        SF_GO(sf_fft_inverse(o->fft, modes, out));
    }
done:
    sf_free(modes);
    return status;
}
