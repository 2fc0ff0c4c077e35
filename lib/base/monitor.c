/* monitor.c - the callback of long computations. */
#include "base/internal.h"

bool sf_monitor_call(const sf_monitor *monitor, const sf_monitor_event *event)
{
    if (monitor == NULL || monitor->function == NULL) return true;
    return monitor->function(event, monitor->user);
}
