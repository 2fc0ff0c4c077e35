/* test_tiles.c - tiles of a frame: how they cover it, and that what is solved in tiles is what is
 * solved at once. */
#include "simulate.h"

/* ---- the layout ------------------------------------------------------------------------------ */

static void check_tile(const sf_tiling *t, size_t index, unsigned char *covered)
{
    const size_t columns = t->frame.shape[1];
    sf_tile tile;

    sf_tiling_tile(t, index, &tile);
    for (int a = 0; a < 2; a++) {
        const size_t end = tile.first[a] + tile.shape[a];
        const size_t core_end = tile.core_first[a] + tile.core_shape[a];
        assert_true(end <= t->frame.shape[a]);
        assert_true(tile.core_first[a] >= tile.first[a] + t->margin || tile.first[a] == 0);
        assert_true(core_end + t->margin <= end || end == t->frame.shape[a]);
        assert_int_equal(tile.first[a] % t->stride, 0);
        /* no more than is asked for */
        assert_true(tile.shape[a] < tile.core_shape[a] + 2 * t->margin + t->stride);
    }
    for (size_t y = 0; y < tile.core_shape[0]; y++)
        for (size_t x = 0; x < tile.core_shape[1]; x++) {
            const size_t row = tile.core_first[0] + y, column = tile.core_first[1] + x;
            covered[row * columns + column]++;
            assert_int_equal(sf_tiling_find(t, row, column), index);
        }
}

static void cores_cover_every_pixel_once(void **state)
{
    static const size_t cases[][5] = {
        /* rows, columns, core, margin, stride */
        {200, 200, 96, 16, 1}, {97, 131, 32, 7, 4}, {1, 300, 64, 70, 8}, {64, 64, 64, 10, 4},
        {50, 60, 1000, 9, 2},  {33, 35, 4, 0, 1},   {10, 10, 1, 3, 64},  {101, 99, 100, 5, 3}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t *c = cases[i], pixels = c[0] * c[1];
        unsigned char *covered;
        sf_tiling tiling;
        sf_grid frame;

        assert_ok(sf_grid_image(c[0], c[1], &frame));
        assert_ok(sf_tiling_make(&frame, c[2], c[3], c[4], &tiling));
        assert_ok(sf_allocate(&covered, pixels, 1));
        for (size_t k = 0; k < tiling.tiles; k++) check_tile(&tiling, k, covered);
        for (size_t k = 0; k < pixels; k++) assert_int_equal(covered[k], 1);
        sf_free(covered);
    }
}

static void bad_tilings_are_refused(void **state)
{
    const size_t cube[] = {4, 5, 6};
    sf_tiling tiling;
    sf_grid frame;

    (void)state;
    assert_ok(sf_grid_image(10, 10, &frame));
    assert_status(SF_ERR_ARGUMENT, sf_tiling_make(&frame, 0, 1, 1, &tiling));
    assert_ok(sf_grid_make(3, cube, NULL, &frame));
    assert_status(SF_ERR_SHAPE, sf_tiling_make(&frame, 4, 1, 1, &tiling));
}

/* ---- what is decided for the whole frame ----------------------------------------------------- */

static void a_summary_is_of_the_observed_pixels(void **state)
{
    enum { N = 2001 };
    double pixels[N], sigma[N], mask[N] = {0};
    sf_frame_summary s;

    (void)state;
    for (int i = 0; i < N; i++) {
        pixels[i] = i - 500.0; /* above a background of 100: -600 ... 1400 */
        sigma[i] = 1.0 + i;
    }
    assert_ok(sf_frame_summarise(N, pixels, sigma, 0.0, mask, 100.0, &s));
    assert_close(s.noise, 1001.0, 1e-12);
    assert_close(s.lowest, -600.0, 1e-12);
    assert_close(s.range, 1398.0, 1e-9);
    assert_close(s.mean, 1400.0 * 1401.0 / 2.0 / N, 1e-9);
    pixels[0] = NAN;
    sigma[1] = 0.0;
    mask[2] = 1.0;
    pixels[N - 1] = INFINITY;
    assert_ok(sf_frame_summarise(N, pixels, sigma, 0.0, mask, 100.0, &s));
    assert_close(s.lowest, -597.0, 1e-12);
    assert_close(s.noise, 1002.0, 1e-12);
    for (int i = 0; i < N; i++) mask[i] = 1.0;
    assert_status(SF_ERR_ARGUMENT, sf_frame_summarise(N, pixels, sigma, 0.0, mask, 0.0, &s));
}

/* ---- tiles against the frame in one piece ---------------------------------------------------- */

enum { ROWS = 150, COLUMNS = 170 };

typedef struct problem {
    sf_grid grid;
    sf_psf *psf;
    double *pixels, *sigma, *mask;
    double background;
} problem;

/* Blobs on a sky, blurred; deviations that rise along the columns; bad pixels at a border of two
 * tiles. */
static void make_problem(problem *s)
{
    sf_observation *o;
    double *truth;

    *s = (problem){.background = 7.0};
    assert_ok(sf_grid_image(ROWS, COLUMNS, &s->grid));
    assert_ok(sf_psf_gaussian(2.5, &s->psf));
    s->pixels = new_array((size_t)ROWS * COLUMNS);
    s->sigma = new_array((size_t)ROWS * COLUMNS);
    s->mask = new_array((size_t)ROWS * COLUMNS);
    assert_ok(sf_observation_create(&s->grid, s->pixels, NULL, 1.0, NULL, s->psf, NULL, &o));
    truth = new_array(sf_grid_size(sf_observation_scene(o)));
    blobs(sf_observation_scene(o)->shape[0], sf_observation_scene(o)->shape[1], 200.0, truth);
    assert_ok(sf_observation_predict(o, truth, s->pixels));
    add_noise(3, (size_t)ROWS * COLUMNS, 1.0, s->pixels);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++) {
        s->sigma[i] = 0.8 + 0.4 * (double)(i % COLUMNS) / COLUMNS;
        s->pixels[i] += s->background;
    }
    for (size_t y = 70; y < 76; y++)
        for (size_t x = 80; x < 90; x++) s->mask[y * COLUMNS + x] = 1.0;
    sf_free(truth);
    sf_observation_release(&o);
}

static void release_problem(problem *s)
{
    sf_psf_release(&s->psf);
    sf_free(s->pixels);
    sf_free(s->sigma);
    sf_free(s->mask);
}

typedef void (*solver)(const sf_observation *o, double *solution);

static void solve(const problem *s, const sf_grid *grid, const double *pixels, const double *sigma,
                  const double *mask, const sf_frame_part *part, solver f, double *result)
{
    sf_observation_options how = sf_observation_options_default();
    sf_observation *o;
    double *solution;

    how.background = s->background;
    how.resolution = 0.9;
    how.part = part;
    assert_ok(sf_observation_create(grid, pixels, sigma, 0.0, mask, s->psf, &how, &o));
    solution = new_array(sf_grid_size(sf_observation_scene(o)));
    f(o, solution);
    assert_ok(sf_observation_crop(o, solution, result));
    sf_free(solution);
    sf_observation_release(&o);
}

static double *cut(const double *from, const sf_tile *tile)
{
    double *piece = new_array(tile->shape[0] * tile->shape[1]);

    for (size_t y = 0; y < tile->shape[0]; y++)
        memcpy(piece + y * tile->shape[1], from + (tile->first[0] + y) * COLUMNS + tile->first[1],
               tile->shape[1] * sizeof *piece);
    return piece;
}

/* At the frame's own border a solution in one piece sees a little of the opposite border, across
 * the scene's few cells between them; a tile there does not. */
static bool at_border(size_t place, size_t size) { return place < 24 || place + 24 >= size; }

/* The largest difference over a tile's core, the frame's border left out. */
static double compare_core(const double *whole, const double *piece, const sf_tile *tile)
{
    double largest = 0.0;

    for (size_t y = 0; y < tile->core_shape[0]; y++)
        for (size_t x = 0; x < tile->core_shape[1]; x++) {
            const size_t row = tile->core_first[0] + y, column = tile->core_first[1] + x;
            const double t =
                piece[(row - tile->first[0]) * tile->shape[1] + column - tile->first[1]] -
                whole[row * COLUMNS + column];
            if (at_border(row, ROWS) || at_border(column, COLUMNS)) continue;
            largest = fmax(largest, fabs(t));
        }
    return largest;
}

/* The largest difference between tiles and the frame in one piece, in units of the noise. */
static double seam(const problem *s, size_t core, size_t margin, size_t stride, solver f)
{
    sf_frame_part part = {.frame = s->grid, .stride = stride};
    double *whole = new_array((size_t)ROWS * COLUMNS), largest = 0.0;
    sf_tiling tiling;

    solve(s, &s->grid, s->pixels, s->sigma, s->mask, NULL, f, whole);
    assert_ok(sf_frame_summarise((size_t)ROWS * COLUMNS, s->pixels, s->sigma, 0.0, s->mask,
                                 s->background, &part.summary));
    assert_ok(sf_tiling_make(&s->grid, core, margin, stride, &tiling));
    for (size_t i = 0; i < tiling.tiles; i++) {
        double *pixels, *sigma, *mask, *piece;
        sf_tile tile;
        sf_grid grid;

        sf_tiling_tile(&tiling, i, &tile);
        for (int a = 0; a < 2; a++) part.first[a] = tile.first[a];
        assert_ok(sf_grid_image(tile.shape[0], tile.shape[1], &grid));
        pixels = cut(s->pixels, &tile);
        sigma = cut(s->sigma, &tile);
        mask = cut(s->mask, &tile);
        piece = new_array(tile.shape[0] * tile.shape[1]);
        solve(s, &grid, pixels, sigma, mask, &part, f, piece);
        largest = fmax(largest, compare_core(whole, piece, &tile));
        sf_free(pixels);
        sf_free(sigma);
        sf_free(mask);
        sf_free(piece);
    }
    sf_free(whole);
    return largest / part.summary.noise;
}

static void lucy(const sf_observation *o, double *solution)
{
    sf_richardson_lucy_options options = sf_richardson_lucy_options_default();

    options.iterations = 3;
    options.discrepancy = false;
    assert_ok(sf_richardson_lucy(o, &options, solution, NULL));
}

static void wiener(const sf_observation *o, double *solution)
{
    sf_wiener_options options = sf_wiener_options_default();

    options.strength = 0.3;
    options.tolerance = 1e-9;
    assert_ok(sf_wiener(o, &options, solution, NULL));
}

/* An iteration reaches to the PSF's end and back, at a resolution 22 pixels each way, though with
 * little but for the first few. */
static void local_steps_are_the_same_in_tiles(void **state)
{
    problem s;

    (void)state;
    make_problem(&s);
    assert_true(seam(&s, 64, 40, 4, lucy) < 1e-8);
    assert_true(seam(&s, 64, 4, 4, lucy) > 1e-3); /* the test can fail */
    release_problem(&s);
}

static void linear_solutions_have_no_seams(void **state)
{
    problem s;

    (void)state;
    make_problem(&s);
    assert_true(seam(&s, 64, 32, 1, wiener) < 1e-5);
    assert_true(seam(&s, 64, 4, 1, wiener) > 0.1);
    release_problem(&s);
}

/* Where the frame's first pixel is in the scene. */
static void find_first_pixel(const sf_observation *o, size_t at[2])
{
    const sf_grid *cells = sf_observation_scene(o);
    double *numbers = new_array(sf_grid_size(cells));
    double *frame = new_array(sf_grid_size(sf_observation_frame(o)));
    size_t place;

    for (size_t i = 0; i < sf_grid_size(cells); i++) numbers[i] = (double)i;
    assert_ok(sf_observation_crop(o, numbers, frame));
    place = (size_t)frame[0];
    at[0] = place / cells->shape[1];
    at[1] = place % cells->shape[1];
    sf_free(numbers);
    sf_free(frame);
}

static void scenes_lie_at_the_same_place_modulo_the_stride(void **state)
{
    enum { STRIDE = 8 };
    sf_observation_options how = sf_observation_options_default();
    sf_frame_part part = {.stride = STRIDE, .summary = {.noise = 1.0, .mean = 1.0}};
    double *pixels = new_array(300 * 301);
    size_t whole[2], own[2];
    sf_observation *o;
    sf_grid grid;
    sf_psf *psf;

    (void)state;
    assert_ok(sf_psf_gaussian(3.0, &psf));
    assert_ok(sf_grid_image(300, 301, &part.frame));
    assert_ok(sf_grid_image(60, 50, &grid));
    assert_ok(sf_observation_create(&part.frame, pixels, NULL, 1.0, NULL, psf, NULL, &o));
    find_first_pixel(o, whole);
    sf_observation_release(&o);
    how.part = &part;
    for (size_t first = 0; first < 20; first++) {
        part.first[0] = first;
        part.first[1] = 2 * first;
        assert_ok(sf_observation_create(&grid, pixels, NULL, 1.0, NULL, psf, &how, &o));
        find_first_pixel(o, own);
        for (int a = 0; a < 2; a++) {
            assert_int_equal((own[a] + 8 * STRIDE - part.first[a]) % STRIDE, whole[a] % STRIDE);
            assert_true(own[a] >= sf_psf_grid(psf)->shape[a] / 2);
        }
        sf_observation_release(&o);
    }
    sf_free(pixels);
    sf_psf_release(&psf);
}

static void parts_outside_the_frame_are_refused(void **state)
{
    sf_observation_options how = sf_observation_options_default();
    sf_frame_part part = {.first = {5, 5}, .summary = {.noise = 1.0}};
    sf_observation *o;
    double pixels[100] = {0};
    sf_grid grid;

    (void)state;
    how.part = &part;
    assert_ok(sf_grid_image(10, 10, &grid));
    assert_ok(sf_grid_image(15, 14, &part.frame));
    assert_int_equal(sf_observation_create(&grid, pixels, NULL, 1.0, NULL, NULL, &how, &o),
                     SF_ERR_SHAPE);
    assert_null(o);
    part.first[1] = 4;
    assert_ok(sf_observation_create(&grid, pixels, NULL, 1.0, NULL, NULL, &how, &o));
    sf_observation_release(&o);
    part.summary.noise = 0.0;
    assert_int_equal(sf_observation_create(&grid, pixels, NULL, 1.0, NULL, NULL, &how, &o),
                     SF_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cores_cover_every_pixel_once),
        cmocka_unit_test(bad_tilings_are_refused),
        cmocka_unit_test(a_summary_is_of_the_observed_pixels),
        cmocka_unit_test(local_steps_are_the_same_in_tiles),
        cmocka_unit_test(linear_solutions_have_no_seams),
        cmocka_unit_test(scenes_lie_at_the_same_place_modulo_the_stride),
        cmocka_unit_test(parts_outside_the_frame_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
