/* A piece of work timed again and again: by the CPU time of the thread that calls, which a busy
 * machine does not lengthen, and by the wall, which is all that several threads have in common. */
#ifndef OM_BENCH_SERIES_H
#define OM_BENCH_SERIES_H

#include <stdbool.h>

enum { OM_MOST_REPEATS = 100 };

typedef struct om_lap {
    double cpu_s, wall_s;
} om_lap;

om_lap om_lap_start(void);
/* Time since the start. */
om_lap om_lap_since(om_lap start);

typedef struct om_series {
    int n;
    om_lap laps[OM_MOST_REPEATS];
} om_series;

/* Adds a time; past OM_MOST_REPEATS it is forgotten. */
void om_series_add(om_series *series, om_lap time);

/* Median, quartiles and least of some numbers. */
typedef struct om_spread {
    double median, low, high, least;
} om_spread;

/* n numbers, at most OM_MOST_REPEATS; all 0 for none. */
om_spread om_spread_of(const double *numbers, int n);
/* Of a series, in ms. wall: by the wall, else CPU time. */
om_spread om_series_ms(const om_series *series, bool wall);

#endif
