/* sf-sample.c - draws samples from a prior by a diffusion: builds the objects, calls the library,
 * reports. */
#include "program.h"
#include "progress.h"
#include "sample_output.h"

static sf_status sample(const sample_options *o, bool *interrupted)
{
    sample_run run = {.resumed = false};
    progress line;
    sf_status status;

    if (o->threads > 0) GO(sf_thread_count_set(o->threads));
    GO(sample_output_check(o));
    progress_begin(&line, o->quiet != 0);
    progress_end_at_once(o->checkpoint == NULL);
    status = sample_run_all(o, progress_monitor(&line), &run);
    progress_end_at_once(false);
    progress_end(&line);
    *interrupted = progress_interrupted();
    if (status != SF_OK || *interrupted) goto done;
    GO(sample_output_write(o, &run));
    sample_output_print(o, &run);
done:
    sample_run_release(&run);
    return status;
}

int main(int argc, const char **argv)
{
    sample_options options;
    bool interrupted = false;
    int exit_status;

    if (sample_options_parse(argc, argv, &options, &exit_status)) {
        const sf_status status = sample(&options, &interrupted);
        if (interrupted)
            exit_status = PROGRAM_INTERRUPTED;
        else if (status != SF_OK)
            exit_status = program_fail("sf-sample");
    }
    sample_options_release(&options);
    return exit_status;
}
