/* Where the time of a run goes: each rank that trains counts for itself and tells with its reports; the
 * coordinator counts its own and adds them up. */
#ifndef OM_ENSEMBLE_ENGINE_H
#define OM_ENSEMBLE_ENGINE_H

#include <stddef.h>

/* Of one rank that trains, since it began, in s. */
typedef struct om_work_times {
    double train, store; /* store: reading and committing states */
    double computed;     /* by all threads while training: on cores, so less if these are shared */
    double answer, longest_answer; /* for the coordinator's answers that could be given at once */
    int answers;
} om_work_times;

/* Adds one rank's to those of all. */
void om_work_times_add(om_work_times *all, const om_work_times *one);
/* One line: the shares of the ranks' time that went into training, into the store, and into waiting;
 * the coordinator's share of a core, how much of their cores ranks had while they trained, and how long
 * answers took. all: of so many ranks of so many threads in `seconds`; coordinator_s: that it computed. */
void om_work_times_describe(const om_work_times *all, int ranks, int threads, double seconds,
                            double coordinator_s, char *line, size_t bytes);

#endif
