/* test_grid.c - geometry and the bookkeeping of half-spectrum modes, exactly. */
#include <scorefield/grid.h>

#include "check.h"

#include <string.h>

static const struct {
    int axes;
    size_t shape[SF_GRID_MAX_AXES];
} shapes[] = {
    {1, {1}},       {1, {2}},       {1, {7}},          {1, {8}},          {2, {1, 1}},
    {2, {5, 4}},    {2, {4, 5}},    {2, {6, 1}},       {2, {1, 6}},       {3, {3, 4, 5}},
    {3, {4, 3, 6}}, {3, {2, 2, 2}}, {4, {3, 2, 5, 4}}, {4, {2, 3, 4, 7}}, {4, {1, 1, 1, 1}},
};

#define EACH_SHAPE(s) (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)

static void weights_sum_to_the_number_of_cells(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            sf_grid grid;
            size_t sum = 0;

            assert_ok(sf_grid_make(shapes[s].axes, shapes[s].shape, NULL, &grid));
            for (size_t i = 0; i < sf_grid_half_size(&grid); i++)
                sum += (size_t)sf_grid_mode_weight(&grid, i);
            assert_int_equal(sum, sf_grid_size(&grid));
        }
}

/* Every wavevector of the full spectrum is found exactly once: as an entry, or as the conjugate
 * of an entry of weight 2. Real modes are those that equal their own conjugate. */
static void entries_and_conjugates_are_all_modes(void **state)
{
    (void)state;
    for
        EACH_SHAPE(s)
        {
            sf_grid grid;
            unsigned char seen[512] = {0};

            assert_ok(sf_grid_make(shapes[s].axes, shapes[s].shape, NULL, &grid));
            for (size_t i = 0; i < sf_grid_half_size(&grid); i++) {
                long m[SF_GRID_MAX_AXES];
                size_t place = 0, partner = 0;

                sf_grid_mode(&grid, i, m);
                for (int a = 0; a < grid.axes; a++) {
                    const long n = (long)grid.shape[a];

                    assert_true(2 * m[a] > -n && 2 * m[a] <= n);
                    place = place * (size_t)n + (size_t)((m[a] + n) % n);
                    partner = partner * (size_t)n + (size_t)((n - m[a]) % n);
                }
                seen[place]++;
                if (sf_grid_mode_weight(&grid, i) == 2) seen[partner]++;
                assert_int_equal(sf_grid_mode_is_real(&grid, i), place == partner);
            }
            for (size_t i = 0; i < sf_grid_size(&grid); i++) assert_int_equal(seen[i], 1);
        }
}

static void wavenumbers(void **state)
{
    const double spacing[] = {0.5, 2.0};
    sf_grid grid;

    (void)state;
    assert_ok(sf_grid_make(2, (const size_t[]){6, 8}, spacing, &grid));
    assert_close(sf_grid_cell_volume(&grid), 1.0, 0.0);
    assert_close(sf_grid_volume(&grid), 48.0, 0.0);
    assert_close(sf_grid_wavenumber(&grid, 0), 0.0, 0.0);
    /* m = (-2, 3): row 4, column 3; lengths 3 and 16 */
    assert_close(sf_grid_wavenumber(&grid, 4 * 5 + 3),
                 2.0 * acos(-1.0) * sqrt(4.0 / 9.0 + 9.0 / 256.0), 1e-14);
}

static void good_lengths(void **state)
{
    const size_t pairs[][2] = {{0, 1},     {1, 1},     {7, 7},     {11, 12},     {13, 14},
                               {121, 125}, {211, 216}, {512, 512}, {1025, 1029}, {99991, 100000}};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_int_equal(sf_grid_good_length(pairs[i][0]), pairs[i][1]);
}

static void text_is_cut_to_the_room_there_is(void **state)
{
    sf_grid grid;
    char text[32], small[5];

    (void)state;
    assert_ok(sf_grid_make(3, (const size_t[]){200, 300, 4}, NULL, &grid));
    assert_string_equal(sf_grid_text(&grid, text, sizeof text), "200x300x4");
    assert_string_equal(sf_grid_text(&grid, small, sizeof small), "200x");
    assert_ptr_equal(sf_grid_text(&grid, NULL, 0), NULL);
}

static void bad_geometry_is_refused(void **state)
{
    const size_t one[] = {4, 4, 4, 4, 4}, empty[] = {4, 0}, huge[] = {SIZE_MAX / 4, 8},
                 large[] = {SIZE_MAX / 8};
    const double bad[][2] = {
        {1.0, 0.0}, {-1.0, 1.0}, {1.0, NAN}, {INFINITY, 1.0}, {1e-200, 1e-200}};
    sf_grid grid;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_grid_make(0, one, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_grid_make(5, one, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_grid_make(2, empty, NULL, &grid));
    assert_non_null(strstr(sf_last_error(), "axis 1"));
    assert_status(SF_ERR_ARGUMENT, sf_grid_make(2, huge, NULL, &grid));
    assert_status(SF_ERR_ARGUMENT, sf_grid_make(1, large, NULL, &grid));
    assert_int_equal(grid.axes, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(SF_ERR_ARGUMENT, sf_grid_make(2, one, bad[i], &grid));
}

static void shapes_compare_without_spacing(void **state)
{
    sf_grid a, b, c;

    (void)state;
    assert_ok(sf_grid_image(3, 4, &a));
    assert_ok(sf_grid_make(2, (const size_t[]){3, 4}, (const double[]){2, 2}, &b));
    assert_ok(sf_grid_image(4, 3, &c));
    assert_true(sf_grid_same_shape(&a, &b));
    assert_false(sf_grid_same_shape(&a, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_sum_to_the_number_of_cells),
        cmocka_unit_test(entries_and_conjugates_are_all_modes),
        cmocka_unit_test(wavenumbers),
        cmocka_unit_test(good_lengths),
        cmocka_unit_test(text_is_cut_to_the_room_there_is),
        cmocka_unit_test(bad_geometry_is_refused),
        cmocka_unit_test(shapes_compare_without_spacing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
