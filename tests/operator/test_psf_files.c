/* test_psf_files.c - point spread functions of real instruments, from the FITS files that the
 * variable SCOREFIELD_DATA points to: pedestals, odd and even sizes, places of the centre. */
#include <scorefield/io.h>
#include <scorefield/operator.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define OK(call) assert_int_equal((call), SF_OK)

/* What is known of each file: its pedestal, and the range of FWHM in pixels of the instrument's
 * seeing or diffraction. */
static const struct {
    const char *name;
    double pedestal, fwhm_low, fwhm_high;
} files[] = {
    {"fits/sdss_hsm_psf0.fits", 1000.0, 2.0, 5.0},
    {"fits/sdss_hsm_psf4.fits", 1000.0, 2.0, 5.0},
    {"fits/gama_sdss_G265911_psfim.fits", 0.0, 2.0, 5.0},
    {"fits/gama_kids_G265911_psfim.fits", 0.0, 2.0, 6.0},
    {"fits/hst_aegis_F606w_psfs_01.fits", 0.0, 2.0, 5.0},
    {"fits/hst_aegis_F814w_psfs_01.fits", 0.0, 2.0, 6.0},
    {"fits/hsc_gal1.fits[PSF]", 0.0, 2.0, 7.0},
    {"fits/chandra_gc_4683_psf.fits.gz", 0.0, 1.0, 6.0},
    {"fits/scarlet_psf_hst.fits", 0.0, 1.0, 8.0},
};

static void real_point_spread_functions_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[4096];
        sf_fits *fits;
        sf_psf *psf;
        double offset[2], sum = 0.0;
        (void)snprintf(path, sizeof path, "%s/%s", getenv("SCOREFIELD_DATA"), files[i].name);
        OK(sf_fits_read(path, &fits));
        OK(sf_psf_from_pixels(sf_fits_grid(fits), sf_fits_pixels(fits), NULL, &psf));
        sf_fits_release(&fits);
        assert_true(fabs(sf_psf_pedestal(psf) - files[i].pedestal) <
                    1e-3 * files[i].pedestal + 1e-300);
        assert_true(sf_psf_fwhm(psf) > files[i].fwhm_low && sf_psf_fwhm(psf) < files[i].fwhm_high);
        sf_psf_offset(psf, offset);
        assert_true(fabs(offset[0]) <= 0.5 && fabs(offset[1]) <= 0.5);
        for (size_t j = 0; j < sf_grid_size(sf_psf_grid(psf)); j++) sum += sf_psf_pixels(psf)[j];
        assert_true(fabs(sum - 1.0) < 1e-12);
        print_message("%s: %zux%zu, FWHM %.2f, offset %.2f %.2f\n", files[i].name,
                      sf_psf_grid(psf)->shape[0], sf_psf_grid(psf)->shape[1], sf_psf_fwhm(psf),
                      offset[0], offset[1]);
        sf_psf_release(&psf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_point_spread_functions_are_read)};

    if (getenv("SCOREFIELD_DATA") == NULL) return 77; /* skipped */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
