/* builtin.c - the models that ship with the library, the files of lib/prior/builtin, whose bytes
 * the assembler puts among the constants. SF_BUILTIN_DENOISER and SF_BUILTIN_RIDGE are their paths.
 */
#include "base/internal.h"

#include <scorefield/prior.h>

/* The bytes of a file, from `name` to `name`_end. */
#define EMBED(name, path)                                                    \
    __asm__(".pushsection .rodata\n"                                         \
            ".balign 64\n"                                                   \
            ".global " #name "\n"                                            \
            ".hidden " #name "\n" #name ":\n"                                \
            ".incbin \"" path "\"\n"                                         \
            ".global " #name "_end\n"                                        \
            ".hidden " #name "_end\n" #name "_end:\n"                        \
            ".popsection\n");                                                \
    extern const unsigned char name[] __attribute__((visibility("hidden"))); \
    extern const unsigned char name##_end[] __attribute__((visibility("hidden")))

EMBED(sf_builtin_denoiser, SF_BUILTIN_DENOISER);
EMBED(sf_builtin_ridge, SF_BUILTIN_RIDGE);

sf_status sf_model_builtin(sf_model **model)
{
    return sf_model_load_memory(sf_builtin_denoiser,
                                (size_t)(sf_builtin_denoiser_end - sf_builtin_denoiser),
                                "the built-in denoiser", model);
}

sf_status sf_ridge_builtin(sf_ridge **ridge)
{
    sf_model *model;
    sf_status status;

    *ridge = NULL;
    SF_TRY(sf_model_load_memory(sf_builtin_ridge, (size_t)(sf_builtin_ridge_end - sf_builtin_ridge),
                                "the built-in ridge", &model));
    status = sf_ridge_from_model(model, ridge);
    sf_model_release(&model);
    return status;
}
