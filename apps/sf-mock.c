/* sf-mock.c - draws random fields of a given power spectrum: builds the objects, calls the
 * library, reports. */
#include "mock_output.h"
#include "program.h"
#include "progress.h"

static sf_status mock(const mock_options *o, bool *interrupted)
{
    mock_fields m = {0};
    progress line;
    sf_status status;

    if (o->threads > 0) GO(sf_thread_count_set(o->threads));
    GO(mock_output_check(o));
    progress_begin(&line, o->quiet != 0);
    progress_end_at_once(true);
    status = mock_fields_make(o, progress_monitor(&line), &m);
    progress_end_at_once(false);
    progress_end(&line);
    *interrupted = progress_interrupted();
    if (status != SF_OK || *interrupted) goto done;
    GO(mock_output_write(o, &m));
    mock_output_print(o, &m);
done:
    mock_fields_release(&m);
    return status;
}

int main(int argc, const char **argv)
{
    mock_options options;
    bool interrupted = false;
    int exit_status;

    if (mock_options_parse(argc, argv, &options, &exit_status)) {
        const sf_status status = mock(&options, &interrupted);
        if (interrupted)
            exit_status = PROGRAM_INTERRUPTED;
        else if (status != SF_OK)
            exit_status = program_fail("sf-mock");
    }
    mock_options_release(&options);
    return exit_status;
}
