/* By /proc/stat, which counts for all cores in clock ticks. */
#include "base/load.h"

#include <stdio.h>
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

static double all_seconds(void)
{
    unsigned long long user, nice, system, idle, wait, hard, soft, stolen;
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL) return -1;
    const int n = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system,
                         &idle, &wait, &hard, &soft, &stolen);
    fclose(file);
    if (n != 8) return -1;
    return (double)(user + nice + system + hard + soft + stolen) / (double)sysconf(_SC_CLK_TCK);
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
