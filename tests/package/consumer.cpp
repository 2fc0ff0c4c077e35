// consumer.cpp - the headers are C++ too: names are not mangled, types are complete.
#include <scorefield.h>

#include <cstdio>
#include <vector>

int main()
{
    sf_grid grid;
    sf_fft *fft = nullptr;

    if (sf_grid_image(16, 16, &grid) != SF_OK || sf_fft_create(&grid, &fft) != SF_OK) return 1;
    std::vector<double> field(sf_grid_size(&grid), 1.0);
    std::vector<sf_complex> spectrum(sf_grid_half_size(&grid));
    const sf_status status = sf_fft_forward(fft, field.data(), spectrum.data());
    sf_fft_release(&fft);
    std::printf("scorefield %s: %s\n", sf_version(), sf_status_text(status));
    return status == SF_OK && spectrum[0].re == 256.0 ? 0 : 1;
}
