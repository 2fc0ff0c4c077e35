/* sf-freeenergy.c - free energies and normalisations: builds the objects, calls the library,
 * reports. */
#include "freeenergy_output.h"
#include "program.h"

static sf_status measure(const freeenergy_options *o, bool *reliable)
{
    freeenergy_result r = {0};
    sf_status status;

    if (o->threads > 0) GO(sf_thread_count_set(o->threads));
    GO(freeenergy_output_check(o));
    GO(freeenergy_analyse_work(o, &r));
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
    bool reliable = true;
    int exit_status;

    if (freeenergy_options_parse(argc, argv, &options, &exit_status)) {
        if (measure(&options, &reliable) != SF_OK)
            exit_status = program_fail("sf-freeenergy");
        else if (options.strict && !reliable)
            exit_status = PROGRAM_UNRELIABLE;
    }
    freeenergy_options_release(&options);
    return exit_status;
}
