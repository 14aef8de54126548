/* Time. */
#include "base/clock.h"

#include <time.h>

static double read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double om_clock_s(void) { return read_clock(CLOCK_MONOTONIC); }

double om_clock_cpu_s(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

double om_clock_unix_s(void) { return read_clock(CLOCK_REALTIME); }

void om_sleep_s(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}
