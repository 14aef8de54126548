/* By /proc/stat, which counts for all cores in clock ticks. */
#include "base/load.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

static double seconds_of(int who)
{
    struct rusage u;
    if (getrusage(who, &u) != 0) return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Of the columns of the first line those that are work: all but the fourth and fifth, which are idle and
 * waiting for disks. */
static double all_seconds(void)
{
    enum { COLUMNS = 8, IDLE = 3, WAITING = 4 };
    char line[256] = "";
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL) return -1;
    const bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    if (!read || strncmp(line, "cpu ", 4) != 0) return -1;
    double ticks = 0;
    char *at = line + 4;
    for (int i = 0; i < COLUMNS; i++) {
        char *end;
        const unsigned long long n = strtoull(at, &end, 10);
        if (end == at) return -1;
        if (i != IDLE && i != WAITING) ticks += (double)n;
        at = end;
    }
    return ticks / (double)sysconf(_SC_CLK_TCK);
}

om_load om_load_now(void)
{
    return (om_load){.when_s = om_clock_s(),
                     .all_s = all_seconds(),
                     .own_s = seconds_of(RUSAGE_SELF) + seconds_of(RUSAGE_CHILDREN)};
}

double om_load_of_others(const om_load *since)
{
    const om_load now = om_load_now();
    const double passed_s = now.when_s - since->when_s;
    if (since->all_s < 0 || now.all_s < 0 || !(passed_s > 0)) return 0;
    const double others_s = now.all_s - since->all_s - (now.own_s - since->own_s);
    return others_s > 0 ? others_s / passed_s : 0;
}
