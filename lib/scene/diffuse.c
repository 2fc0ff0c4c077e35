/* diffuse.c - emission that fills the frame: Gaussian fields with a power-law spectrum, which the
 * recipes exponentiate (lognormal clouds) or ridge (filaments), and shells. */
#include "base/internal.h"
#include "scene/recipe.h"

#include <math.h>

#define PI 3.14159265358979323846

enum { STREAM_FIELD = 11 };

sf_status sf_scene_field(const sf_grid *grid, sf_dice *dice, double slope, double *field)
{
    const size_t size = sf_grid_size(grid), half = sf_grid_half_size(grid);
    /* Its own sequence: the dice's next number as a seed. */
    const double seed = sf_dice_between(dice, 0.0, 9007199254740992.0);
    sf_fft *fft = NULL;
    sf_complex *spectrum = NULL;
    double power = 0.0, scale;
    sf_status status;

    SF_GO(sf_fft_create(grid, &fft));
    SF_GO(sf_allocate(&spectrum, half, sizeof *spectrum));
    sf_random_normal(sf_random_make((uint64_t)seed, STREAM_FIELD), 0, 0, size, field);
    SF_GO(sf_fft_forward(fft, field, spectrum));
    for (size_t i = 0; i < half; i++) {
        const double k = sf_grid_wavenumber(grid, i);
        const double amplitude = k > 0.0 ? pow(k, -0.5 * slope) : 0.0;

        power += sf_grid_mode_weight(grid, i) * amplitude * amplitude;
        spectrum[i] *= amplitude;
    }
    scale = power > 0.0 ? sqrt((double)size / power) : 0.0;
    SF_GO(sf_fft_inverse(fft, spectrum, field));
    for (size_t i = 0; i < size; i++) field[i] *= scale;
done:
    sf_free(spectrum);
    sf_fft_release(&fft);
    return status;
}

void sf_canvas_shell(sf_canvas *canvas, sf_dice *dice, double brightness)
{
    const double side = (double)(canvas->rows < canvas->columns ? canvas->rows : canvas->columns);
    const double y = sf_dice_between(dice, -0.2, 1.2) * (double)canvas->rows;
    const double x = sf_dice_between(dice, -0.2, 1.2) * (double)canvas->columns;
    const double outer = side * sf_dice_log(dice, 0.06, 0.8);
    const double inner = outer * sf_dice_between(dice, 0.3, 0.97);
    const double q = sf_dice_between(dice, 0.5, 1.0);
    const double angle = sf_dice_between(dice, 0.0, PI), tilt = sf_dice_between(dice, -1.0, 1.0);
    const double c = cos(angle), s = sin(angle);
    const double longest = sqrt(outer * outer - inner * inner);
    sf_window w;

    if (!sf_canvas_window(canvas, y, x, outer, &w)) return;
    for (size_t i = w.top; i < w.bottom; i++)
        for (size_t j = w.left; j < w.right; j++) {
            const double dy = (double)i - y, dx = (double)j - x;
            const double u = c * dx + s * dy, v = (c * dy - s * dx) / q;
            const double r2 = u * u + v * v;
            /* The length of the line of sight within the shell. */
            const double through =
                sqrt(fmax(0.0, outer * outer - r2)) - sqrt(fmax(0.0, inner * inner - r2));

            canvas->pixel[i * canvas->columns + j] +=
                brightness * through / longest * (1.0 + 0.8 * tilt * u / outer);
        }
}
