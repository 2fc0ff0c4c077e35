/* model.h - the denoiser that a benchmark's command line names. */
#ifndef SF_BENCHMARK_MODEL_H
#define SF_BENCHMARK_MODEL_H

#include <scorefield/network.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PROGRAM [builtin | MODEL.onnx [USAGE]], USAGE as in sf_model_usage_parse. Ends the program where
 * that is none. */
static inline sf_model *named_model(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : "builtin";
    sf_model *model = NULL, *used = NULL;
    sf_model_usage usage;
    sf_status status;

    status = strcmp(name, "builtin") == 0 ? sf_model_builtin(&model) : sf_model_load(name, &model);
    if (status == SF_OK) {
        usage = *sf_model_get_usage(model);
        if (count > 2) status = sf_model_usage_parse(arguments[2], &usage);
    }
    if (status == SF_OK) status = sf_model_with_usage(model, &usage, &used);
    sf_model_release(&model);
    if (status == SF_OK) return used;
    fprintf(stderr, "%s: %s\n", arguments[0], sf_last_error());
    exit(1);
}

#endif
