/* sf-spectrum.c - measures the power spectrum of a field or a catalogue, or writes that of a
 * theory: reads, calls the library, reports. */
#include "program.h"
#include "progress.h"
#include "spectrum_measure.h"

static sf_status run(const spectrum_options *o, bool *interrupted)
{
    spectrum_result r = {0};
    progress line;
    sf_status status;

    if (o->threads > 0) GO(sf_thread_count_set(o->threads));
    GO(spectrum_output_check(o));
    progress_begin(&line, o->quiet != 0);
    status = o->input != NULL ? spectrum_measure(o, progress_monitor(&line), &r)
                              : spectrum_tabulate(o, &r);
    progress_end(&line);
    *interrupted = progress_interrupted();
    if (status != SF_OK || *interrupted) goto done;
    GO(spectrum_output_write(o, &r));
    spectrum_output_print(o, &r);
done:
    spectrum_result_release(&r);
    return status;
}

int main(int argc, const char **argv)
{
    spectrum_options options;
    bool interrupted = false;
    int exit_status;

    if (spectrum_options_parse(argc, argv, &options, &exit_status)) {
        const sf_status status = run(&options, &interrupted);
        if (interrupted)
            exit_status = PROGRAM_INTERRUPTED;
        else if (status != SF_OK)
            exit_status = program_fail("sf-spectrum");
    }
    spectrum_options_release(&options);
    return exit_status;
}
