/* Time for progress, never for arithmetic. */
#ifndef OM_BASE_CLOCK_H
#define OM_BASE_CLOCK_H

double om_clock_s(void);         /* monotonic, s; does not jump when the clock is set */
double om_clock_cpu_s(void);     /* that all threads of this process have computed, s */
double om_clock_unix_s(void);    /* since 1970-01-01 UTC, s; for people to read */
void om_sleep_s(double seconds); /* returns early when a signal arrives */

#endif
