/* progress.h - a progress line on a terminal, and Ctrl-C, as one monitor for the library. */
#ifndef SF_APPS_PROGRESS_H
#define SF_APPS_PROGRESS_H

#include <scorefield/base.h>

typedef struct progress {
    bool visible;
    double start; /* of the current stage, monotonic seconds */
    size_t first; /* the iteration that was heard of then */
    double drawn; /* when the line was drawn last */
    const char *stage;
} progress;

/* The line is shown when the standard error stream is a terminal, and not quiet. From here on a
 * first Ctrl-C (or SIGTERM) makes the monitor say stop; a second one ends the process. */
void progress_begin(progress *p, bool quiet);
/* Whether a first one ends it, too, with PROGRAM_INTERRUPTED: where nothing has been written, there
 * is nothing to wait for. */
void progress_end_at_once(bool yes);
sf_monitor progress_monitor(progress *p);
/* Wipes the line. */
void progress_end(const progress *p);
bool progress_interrupted(void);

#endif
