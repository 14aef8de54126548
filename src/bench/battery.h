/* How long it takes to ask a model what is known of the fly's cells: all flashes and edges of
 * `ommatid validate`, in processes side by side, as its ranks are. */
#ifndef OM_BENCH_BATTERY_H
#define OM_BENCH_BATTERY_H

#include "ommatid/om_circuit.h"

typedef struct om_battery_time {
    int conditions;       /* stimuli that each model is shown */
    double core_s, all_s; /* a model on one core: that core alone at work, and all of them */
    double mb;            /* the most memory that a process had, 1e6 bytes */
} om_battery_time;

/* With `cores` processes at most. The models are untrained ones, on the way to whose measures as much is
 * computed. To be called before OpenMP has started threads. Errors: those of om_beside_rate() and of
 * the lab. */
om_status om_battery_measure(const om_circuit *circuit, int cores, om_battery_time *time);

#endif
