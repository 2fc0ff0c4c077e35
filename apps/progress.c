/* progress.c - a progress line on a terminal, and Ctrl-C, as one monitor for the library. */
#include "progress.h"
#include "program.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR      24  /* characters */
#define INTERVAL 0.1 /* seconds between two drawings */

static volatile sig_atomic_t interrupted, at_once;

static void interrupt(int number)
{
    (void)number;
    if (at_once != 0) _exit(PROGRAM_INTERRUPTED);
    interrupted = 1;
}

void progress_end_at_once(bool yes) { at_once = yes ? 1 : 0; }

bool progress_interrupted(void) { return interrupted != 0; }

void progress_begin(progress *p, bool quiet)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = interrupt;
    action.sa_flags = (int)(SA_RESETHAND | SA_RESTART);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    *p = (progress){.visible = !quiet && isatty(STDERR_FILENO) != 0};
}

/* "1:02:03" or "2:03" */
static const char *clock_text(double left, char text[32])
{
    const long all = lround(fmin(left, 1e8)), hours = all / 3600, minutes = all / 60 % 60;

    if (hours > 0)
        (void)snprintf(text, 32, "%ld:%02ld:%02ld", hours, minutes, all % 60);
    else
        (void)snprintf(text, 32, "%ld:%02ld", minutes, all % 60);
    return text;
}

static void draw(const progress *p, const sf_monitor_event *event, double now)
{
    const double done = (double)event->iteration / (double)event->total;
    const int filled = (int)(fmin(done, 1.0) * BAR);
    char text[32];

    fprintf(stderr, "\r%s [%.*s%*s] %zu/%zu", event->stage, filled, "########################",
            BAR - filled, "", event->iteration, event->total);
    if (isfinite(event->residual)) fprintf(stderr, "  residual %.3g", event->residual);
    if (event->iteration > p->first)
        fprintf(stderr, "  %s left",
                clock_text((now - p->start) * (double)(event->total - event->iteration) /
                               (double)(event->iteration - p->first),
                           text));
    fputs("\033[K", stderr);
}

static bool report(const sf_monitor_event *event, void *user)
{
    progress *p = user;
    const double now = program_seconds();

    if (!p->visible) return !progress_interrupted();
    if (p->stage != event->stage || event->iteration <= 1) {
        p->stage = event->stage;
        p->start = now;
        p->first = event->iteration;
    } else if (event->total > 0 && now - p->drawn > INTERVAL) {
        p->drawn = now;
        draw(p, event, now);
    }
    return !progress_interrupted();
}

sf_monitor progress_monitor(progress *p) { return (sf_monitor){.function = report, .user = p}; }

void progress_end(const progress *p)
{
    if (p->visible) fputs("\r\033[K", stderr);
}
