/* Training patches: reproducible, in the wanted proportions, real images linear and quiet. */
#include "base/internal.h"
#include "check.h"

#include <scorefield/scene.h>

#include <string.h>

#define SIDE 16
#define SIZE (SIDE * SIDE)

static void patches_are_reproducible(void **state)
{
    float a[SIZE], b[SIZE];
    sf_patches *patches;

    (void)state;
    assert_ok(sf_patches_create(3, 1e-3, &patches));
    assert_ok(sf_patches_add_scenes(patches, 1.0));
    const sf_patch_source source = sf_patches_source(patches);
    for (uint64_t index = 0; index < 200; index++) {
        assert_ok(source.draw(source.user, index, SIDE, SIDE, a));
        assert_ok(source.draw(source.user, index, SIDE, SIDE, b));
        assert_memory_equal(a, b, sizeof a);
        for (size_t i = 0; i < SIZE; i++) assert_true(isfinite(a[i]) && a[i] >= 0.0F);
    }
    sf_patches_release(&patches);
    assert_null(patches);
}

/* One pixel, level, weight, noise, stretch, seed or shape of another, and the fingerprint differs;
 * the same again, and it is the same. */
static void fingerprints_tell_patches_apart(void **state)
{
    const struct variant {
        uint64_t seed;
        double level, scenes, weight;
        size_t rows;
        double noise, gamma, pixel;
    } variants[] = {
        {3, 1e-3, 1.0, 1.0, SIDE, 0.1, 2.0, 1.0},     {4, 1e-3, 1.0, 1.0, SIDE, 0.1, 2.0, 1.0},
        {3, 2e-3, 1.0, 1.0, SIDE, 0.1, 2.0, 1.0},     {3, 1e-3, 2.0, 1.0, SIDE, 0.1, 2.0, 1.0},
        {3, 1e-3, 1.0, 2.0, SIDE, 0.1, 2.0, 1.0},     {3, 1e-3, 1.0, 1.0, 2 * SIDE, 0.1, 2.0, 1.0},
        {3, 1e-3, 1.0, 1.0, SIDE, 0.2, 2.0, 1.0},     {3, 1e-3, 1.0, 1.0, SIDE, 0.1, 3.0, 1.0},
        {3, 1e-3, 1.0, 1.0, SIDE, 0.1, 2.0, 1.00001},
    };
    enum { COUNT = sizeof variants / sizeof *variants };
    uint64_t found[2 * COUNT];

    (void)state;
    for (size_t i = 0; i < 2 * (size_t)COUNT; i++) {
        const struct variant *v = &variants[i % COUNT];
        double image[SIZE] = {[0] = 7.0, [30] = v->pixel};
        sf_patches *patches;
        assert_ok(sf_patches_create(v->seed, v->level, &patches));
        assert_ok(sf_patches_add_scenes(patches, v->scenes));
        assert_ok(sf_patches_add_image(patches, v->weight, v->rows, SIZE / v->rows, image, v->noise,
                                       v->gamma));
        found[i] = sf_patches_source(patches).fingerprint;
        sf_patches_release(&patches);
        if (i >= COUNT) assert_int_equal(found[i], found[i - COUNT]);
        for (size_t k = 0; k < i && i < COUNT; k++) assert_int_not_equal(found[i], found[k]);
    }
}

/* Dark rows around a half-bright and a full-bright pixel: the patch shows 2^-gamma, whatever level
 * it was that was subtracted. */
static void a_stretch_is_undone(void **state)
{
    double image[SIZE] = {0.0}, mean = 0.0;
    float patch[SIZE];
    sf_patches *patches;

    (void)state;
    image[5 * SIDE + 5] = 100.0;
    image[5 * SIDE + 6] = 200.0;
    assert_ok(sf_patches_create(3, 1e-3, &patches));
    assert_ok(sf_patches_add_image(patches, 1.0, SIDE, SIDE, image, 0.0, 3.0));
    const sf_patch_source source = sf_patches_source(patches);
    for (uint64_t index = 0; index < 2000; index++) {
        double gamma;

        assert_ok(source.draw(source.user, index, SIDE, SIDE, patch));
        assert_close(patch[5 * SIDE + 6], 1.0, 1e-6);
        gamma = -log2((double)patch[5 * SIDE + 5]);
        assert_true(gamma > 0.999 && gamma < 3.001);
        mean += gamma / 2000.0;
    }
    /* uniform in [1, 3]: standard deviation 0.577/sqrt(2000) */
    assert_close((mean - 2.0) / 0.0129, 0.0, 5.0);
    sf_patches_release(&patches);
}

/* An image that is all noise but for one star: what is left of the noise is below a third of the
 * smallest level (and the sampling error of its estimate, 5 standard deviations). */
static void real_noise_stays_small(void **state)
{
    static double image[64 * 64];
    float patch[SIZE];
    sf_patches *patches;
    double largest = 0.0;

    (void)state;
    sf_random_normal(sf_random_make(1, 1), 0, 0, 64 * 64, image);
    for (size_t i = 0; i < 64 * 64; i++) image[i] = 20.0 + image[i];
    assert_ok(sf_patches_create(3, 0.01, &patches));
    assert_ok(sf_patches_add_image(patches, 1.0, 64, 64, image, 1.0, 1.0));
    const sf_patch_source source = sf_patches_source(patches);
    for (uint64_t index = 0; index < 200; index++) {
        double mean = 0.0, variance = 0.0;

        assert_ok(source.draw(source.user, index, SIDE, SIDE, patch));
        for (size_t i = 0; i < SIZE; i++) mean += (double)patch[i] / SIZE;
        for (size_t i = 0; i < SIZE; i++) variance += pow((double)patch[i] - mean, 2.0) / SIZE;
        largest = fmax(largest, sqrt(variance));
    }
    assert_true(largest < 0.01 / 3.0 * (1.0 + 5.0 / sqrt(2.0 * SIZE)));
    assert_true(largest > 0.001); /* and no fainter than it must be */
    sf_patches_release(&patches);
}

/* Scenes are drawn three times as often as the image, whose patches are all 1; z-score below 5. */
static void sources_are_mixed(void **state)
{
    const double flat[4] = {1.0, 1.0, 1.0, 1.0};
    float patch[SIZE];
    double ones = 0.0;
    sf_patches *patches;

    (void)state;
    assert_ok(sf_patches_create(3, 1e-3, &patches));
    const sf_patch_source source = sf_patches_source(patches);
    assert_status(SF_ERR_ARGUMENT, source.draw(source.user, 0, SIDE, SIDE, patch));
    assert_ok(sf_patches_add_scenes(patches, 3.0));
    assert_ok(sf_patches_add_image(patches, 1.0, 2, 2, flat, 0.0, 1.0)); /* mirrored */
    for (uint64_t index = 0; index < 2000; index++) {
        bool same = true;

        assert_ok(source.draw(source.user, index, SIDE, SIDE, patch));
        for (size_t i = 1; i < SIZE; i++) same = same && patch[i] == patch[0];
        ones += same ? 1.0 : 0.0;
    }
    /* a few scenes are flat, too: empty ones */
    assert_true((ones / 2000.0 - 0.25) / sqrt(0.25 * 0.75 / 2000.0) > -5.0);
    assert_true(ones / 2000.0 < 0.40);
    sf_patches_release(&patches);
}

static void wrong_images_are_refused(void **state)
{
    const double dark[4] = {0.0, -1.0, 0.0, 0.0}, broken[4] = {1.0, NAN, 0.0, 0.0};
    const double good[4] = {1.0, 2.0, 3.0, 4.0};
    sf_patches *patches;

    (void)state;
    assert_status(SF_ERR_ARGUMENT, sf_patches_create(1, 0.0, &patches));
    assert_null(patches);
    assert_ok(sf_patches_create(1, 1.0, &patches));
    assert_status(SF_ERR_ARGUMENT, sf_patches_add_scenes(patches, 0.0));
    assert_status(SF_ERR_ARGUMENT, sf_patches_add_image(patches, 1.0, 2, 2, dark, 0.0, 1.0));
    assert_status(SF_ERR_NUMERIC, sf_patches_add_image(patches, 1.0, 2, 2, broken, 0.0, 1.0));
    assert_status(SF_ERR_SHAPE, sf_patches_add_image(patches, 1.0, 0, 2, good, 0.0, 1.0));
    assert_status(SF_ERR_ARGUMENT, sf_patches_add_image(patches, 1.0, 2, 2, good, -1.0, 1.0));
    assert_status(SF_ERR_ARGUMENT, sf_patches_add_image(patches, 1.0, 2, 2, good, 0.0, 0.5));
    sf_patches_release(&patches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_are_reproducible),
        cmocka_unit_test(fingerprints_tell_patches_apart),
        cmocka_unit_test(a_stretch_is_undone),
        cmocka_unit_test(real_noise_stays_small),
        cmocka_unit_test(sources_are_mixed),
        cmocka_unit_test(wrong_images_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
