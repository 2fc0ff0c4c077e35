/* sf-freeenergy.c - free energies and normalisations: builds the objects, calls the library,
 * reports. */
#include "freeenergy_output.h"
#include "program.h"
#include "progress.h"

#include <stdio.h>

static sf_status measure(const freeenergy_options *o, bool *reliable, bool *interrupted)
{
    freeenergy_result r = {.base_log_z = 0.0};
    progress line;
    sf_status status;

    if (o->threads > 0) GO(sf_thread_count_set(o->threads));
    GO(freeenergy_output_check(o));
    progress_begin(&line, o->quiet != 0);
    status = o->work != NULL ? freeenergy_analyse_work(o, &r)
                             : freeenergy_anneal(o, progress_monitor(&line), &r);
    progress_end(&line);
    *interrupted = r.interrupted;
    if (status != SF_OK) goto done;
    GO(freeenergy_output_write(o, &r));
    freeenergy_output_print(o, &r);
    *reliable = r.estimate.reliable;
done:
    freeenergy_release(&r);
    return status;
}

int main(int argc, const char **argv)
{
    freeenergy_options options;
    bool reliable = true, interrupted = false;
    int exit_status;

    if (freeenergy_options_parse(argc, argv, &options, &exit_status)) {
        const sf_status status = measure(&options, &reliable, &interrupted);
        if (status == SF_ERR_INTERRUPTED)
            fprintf(stderr, "sf-freeenergy: interrupted before there was an estimate (%s)\n",
                    sf_last_error());
        else if (status != SF_OK)
            exit_status = program_fail("sf-freeenergy");
        else if (options.strict && !reliable)
            exit_status = PROGRAM_UNRELIABLE;
        if (interrupted || status == SF_ERR_INTERRUPTED) exit_status = PROGRAM_INTERRUPTED;
    }
    freeenergy_options_release(&options);
    return exit_status;
}
