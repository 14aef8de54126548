/* Clocks, and what many readings of them come to. */
#include "bench/series.h"

#include <string.h>
#include <time.h>

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>

#include "base/clock.h"

om_lap om_lap_start(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
    return (om_lap){(double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec, om_clock_s()};
}

om_lap om_lap_since(om_lap start)
{
    om_lap now = om_lap_start();
    return (om_lap){now.cpu_s - start.cpu_s, now.wall_s - start.wall_s};
}

void om_series_add(om_series *series, om_lap time)
{
    if (series->n < OM_MOST_REPEATS) series->laps[series->n++] = time;
}

om_spread om_spread_of(const double *numbers, int n)
{
    double sorted[OM_MOST_REPEATS];
    size_t count = (size_t)n;
    if (n == 0) return (om_spread){0};
    memcpy(sorted, numbers, count * sizeof *sorted);
    gsl_sort(sorted, 1, count);
    return (om_spread){.median = gsl_stats_median_from_sorted_data(sorted, 1, count),
                       .low = gsl_stats_quantile_from_sorted_data(sorted, 1, count, 0.25),
                       .high = gsl_stats_quantile_from_sorted_data(sorted, 1, count, 0.75),
                       .least = sorted[0]};
}

om_spread om_series_ms(const om_series *series, bool wall)
{
    double ms[OM_MOST_REPEATS];
    for (int i = 0; i < series->n; i++)
        ms[i] = 1e3 * (wall ? series->laps[i].wall_s : series->laps[i].cpu_s);
    return om_spread_of(ms, series->n);
}
