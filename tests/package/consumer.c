/* consumer.c - a C program that uses every third-party library behind scorefield a little: FFTW,
 * GSL (the Moffat profile), OpenBLAS (a dense operator), CFITSIO, giza, jansson, oneDNN. */
#include <scorefield.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(sf_status status)
{
    if (status == SF_OK) return;
    fprintf(stderr, "%s: %s\n", sf_status_name(status), sf_last_error());
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    static const double matrix[4] = {1.0, 2.0, 3.0, 4.0}, x[2] = {1.0, 1.0};
    double y[2], frame[64] = {0.0};
    sf_complex spectrum[8 * 5];
    sf_grid image, pair;
    sf_psf *psf = NULL;
    sf_operator *dense = NULL;
    sf_fft *fft = NULL;
    sf_report *report = NULL;
    sf_fits *fits = NULL;
    sf_model *model = NULL;

    (void)argc;
    frame[0] = 64.0;
    check(sf_grid_image(8, 8, &image));
    check(sf_grid_make(1, (const size_t[]){2}, NULL, &pair));
    check(sf_fft_create(&image, &fft));
    check(sf_fft_forward(fft, frame, spectrum));
    check(sf_fft_inverse(fft, spectrum, frame));
    check(sf_psf_parse("moffat:3,2.5", &psf));
    check(sf_operator_dense(&pair, &pair, matrix, &dense));
    check(sf_operator_apply(dense, x, y));
    check(sf_report_create("consumer", &report));
    check(sf_model_unet(NULL, &model));
    if (sf_fits_read(argv[0], &fits) == SF_OK)
        return EXIT_FAILURE; /* this program is no FITS file */
    sf_fft_release(&fft);
    sf_psf_release(&psf);
    sf_operator_release(&dense);
    sf_report_release(&report);
    sf_model_release(&model);
    if (y[0] != 3.0 || y[1] != 7.0 || frame[0] != 64.0) return EXIT_FAILURE;
    printf("scorefield %s\n", sf_version());
    return strcmp(sf_version(), "") == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
