/* psf.c - the handle of a point spread function and what can be asked of it. */
#include "operator/psf.h"

#include "base/internal.h"

#include <math.h>
#include <stdatomic.h>

struct sf_psf {
    atomic_int references;
    sf_grid grid;
    double *pixels;
    double pedestal, offset[2];
};

static sf_status normalise(const sf_grid *grid, double *pixels)
{
    const size_t size = sf_grid_size(grid);
    double sum = 0.0;

    for (size_t i = 0; i < size; i++) sum += pixels[i];
    if (!(sum > 0.0) || !isfinite(sum))
        return sf_fail(SF_ERR_ARGUMENT,
                       "the PSF's pixels sum to %g, so it cannot be normalised to one", sum);
    for (size_t i = 0; i < size; i++) pixels[i] /= sum;
    return SF_OK;
}

sf_status sf_psf_take(const sf_grid *grid, double *pixels, double pedestal, sf_psf **psf)
{
    sf_status status;

    *psf = NULL;
    SF_GO(normalise(grid, pixels));
    SF_GO(sf_allocate(psf, 1, sizeof **psf));
    atomic_init(&(*psf)->references, 1);
    (*psf)->grid = *grid;
    (*psf)->pixels = pixels;
    (*psf)->pedestal = pedestal;
    sf_psf_centre_of_light(grid, pixels, (*psf)->offset);
    for (int axis = 0; axis < 2; axis++) (*psf)->offset[axis] -= (double)(grid->shape[axis] / 2);
    return SF_OK;
done:
    sf_free(pixels);
    return status;
}

/* The largest odd length up to a PSF's own and a frame's. */
static size_t odd_length(size_t own, size_t frame)
{
    const size_t length = own < frame ? own : frame;

    return length % 2 == 1 ? length : length - 1;
}

sf_status sf_psf_cut(sf_psf *psf, const sf_grid *frame, sf_psf **cut)
{
    const size_t *own = psf->grid.shape;
    double *pixels;
    sf_grid grid;
    size_t size;

    *cut = NULL;
    if (frame->axes != 2)
        return sf_fail(SF_ERR_SHAPE, "a PSF has 2 axes, but the frame %d", frame->axes);
    SF_TRY(sf_grid_image(odd_length(own[0], frame->shape[0]), odd_length(own[1], frame->shape[1]),
                         &grid));
    size = sf_grid_size(&grid);
    if (sf_grid_same_shape(&grid, &psf->grid)) {
        *cut = sf_psf_retain(psf);
        return SF_OK;
    }
    SF_TRY(sf_allocate(&pixels, size, sizeof *pixels));
    for (size_t i = 0; i < size; i++) {
        const size_t y = i / grid.shape[1] + (own[0] - grid.shape[0]) / 2;
        const size_t x = i % grid.shape[1] + (own[1] - grid.shape[1]) / 2;

        pixels[i] = psf->pixels[y * own[1] + x];
    }
    return sf_psf_take(&grid, pixels, psf->pedestal, cut);
}

sf_psf *sf_psf_retain(sf_psf *psf)
{
    if (psf != NULL) atomic_fetch_add(&psf->references, 1);
    return psf;
}

void sf_psf_release(sf_psf **psf)
{
    if (psf == NULL || *psf == NULL) return;
    if (atomic_fetch_sub(&(*psf)->references, 1) == 1) {
        sf_free((*psf)->pixels);
        sf_free(*psf);
    }
    *psf = NULL;
}

const sf_grid *sf_psf_grid(const sf_psf *psf) { return &psf->grid; }

const double *sf_psf_pixels(const sf_psf *psf) { return psf->pixels; }

double sf_psf_pedestal(const sf_psf *psf) { return psf->pedestal; }

void sf_psf_offset(const sf_psf *psf, double offset[2])
{
    offset[0] = psf->offset[0];
    offset[1] = psf->offset[1];
}

/* One ring of pixels about the centre of light: means of r^2 and of log I. */
typedef struct ring {
    double count, r2, log_value;
} ring;

static ring measure_ring(const sf_psf *psf, double inner, double outer, double floor)
{
    const size_t rows = psf->grid.shape[0], columns = psf->grid.shape[1];
    ring sum = {0.0, 0.0, 0.0};

    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            const double y = (double)i - (double)(rows / 2) - psf->offset[0];
            const double x = (double)j - (double)(columns / 2) - psf->offset[1];
            const double r2 = y * y + x * x, r = sqrt(r2);
            if (r < inner || r >= outer) continue;
            sum.count += 1.0;
            sum.r2 += r2;
            sum.log_value += log(fmax(psf->pixels[i * columns + j], floor));
        }
    if (sum.count > 0.0) {
        sum.r2 /= sum.count;
        sum.log_value /= sum.count;
    }
    return sum;
}

double sf_psf_fwhm(const sf_psf *psf)
{
    const double step = 0.5; /* ring width in pixels */
    const size_t size = sf_grid_size(&psf->grid);
    const size_t rings =
        (size_t)(hypot((double)psf->grid.shape[0], (double)psf->grid.shape[1]) / step) + 1;
    double peak = 0.0, half = NAN;
    ring last = {0.0, 0.0, 0.0};

    for (size_t i = 0; i < size; i++) peak = fmax(peak, psf->pixels[i]);
    for (size_t i = 0; i < rings; i++) {
        const double r = step * (double)i;
        const ring next = measure_ring(psf, r, r + step, 1e-12 * peak);
        if (next.count == 0.0) continue;
        if (last.count > 0.0) {
            const double slope = (next.log_value - last.log_value) / (next.r2 - last.r2);
            /* half of the value at r = 0, which the first two rings give */
            if (isnan(half)) half = fmax(last.log_value - slope * last.r2, log(peak)) - log(2.0);
            if (next.log_value <= half)
                return 2.0 * sqrt(fmax(last.r2 + (half - last.log_value) / slope, 0.0));
        }
        last = next;
    }
    return 2.0 * sqrt(last.r2) + 1.0; /* never falls to half: as wide as its box */
}
