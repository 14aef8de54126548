/* Where the time of a run goes. */
#include "ensemble/engine.h"

#include <math.h>
#include <stdio.h>

void om_work_times_add(om_work_times *all, const om_work_times *one)
{
    all->train += one->train;
    all->computed += one->computed;
    all->store += one->store;
    all->answer += one->answer;
    all->longest_answer = fmax(all->longest_answer, one->longest_answer);
    all->answers += one->answers;
}

void om_work_times_describe(const om_work_times *all, int ranks, int threads, double seconds,
                            double coordinator_s, char *line, size_t bytes)
{
    const double whole = fmax(ranks * seconds, 1e-9);
    const double waiting = fmax(whole - all->train - all->store, 0);
    int n = snprintf(line, bytes,
                     "engine: training %.2f %%, store writes %.2f %%, waiting %.2f %%, "
                     "coordinator %.2f %% of a core",
                     100 * all->train / whole, 100 * all->store / whole, 100 * waiting / whole,
                     100 * coordinator_s / fmax(seconds, 1e-9));
    if (all->train > 0 && n >= 0 && (size_t)n < bytes)
        n += snprintf(line + n, bytes - (size_t)n, "; training had %.1f %% of its cores",
                      100 * all->computed / (all->train * threads));
    if (all->answers > 0 && n >= 0 && (size_t)n < bytes)
        snprintf(line + n, bytes - (size_t)n, "; answers in %.1f ms, at most %.1f",
                 1e3 * all->answer / all->answers, 1e3 * all->longest_answer);
}
