/* builtin.c - the denoiser that ships with the library: lib/prior/builtin/denoiser.onnx, whose
 * bytes the assembler puts among the constants. SF_BUILTIN_DENOISER is the file's path. */
#include "base/internal.h"

#include <scorefield/prior.h>

__asm__(".pushsection .rodata\n"
        ".balign 64\n"
        ".global sf_builtin_denoiser\n"
        ".hidden sf_builtin_denoiser\n"
        "sf_builtin_denoiser:\n"
        ".incbin \"" SF_BUILTIN_DENOISER "\"\n"
        ".global sf_builtin_denoiser_end\n"
        ".hidden sf_builtin_denoiser_end\n"
        "sf_builtin_denoiser_end:\n"
        ".popsection\n");

extern const unsigned char sf_builtin_denoiser[] __attribute__((visibility("hidden")));
extern const unsigned char sf_builtin_denoiser_end[] __attribute__((visibility("hidden")));

sf_status sf_model_builtin(sf_model **model)
{
    return sf_model_load_memory(sf_builtin_denoiser,
                                (size_t)(sf_builtin_denoiser_end - sf_builtin_denoiser),
                                "the built-in denoiser", model);
}
