/* The battery of known tuning: flashes and moving edges, shown to one model after another. */
#ifndef OM_LAB_BATTERY_H
#define OM_LAB_BATTERY_H

#include "ommatid/om_validation.h"

/* An experiment, and the extremes of the answers to it. */
typedef struct om_asked {
    om_experiment *x;
    om_extremes *extremes;
} om_asked;

/* Extremes of answers to the experiment's conditions, each in its window. Free with om_extremes_free(). */
om_status om_experiment_extremes(const om_experiment *experiment, const om_circuit *circuit,
                                 om_extremes **extremes);

typedef struct om_battery {
    om_asked flashes, edges;
} om_battery;

/* Free with om_battery_free(), also after a failure. */
om_status om_battery_create(const om_circuit *circuit, om_battery *battery);
void om_battery_free(om_battery *battery); /* accepts a zeroed one */

/* fri: [OM_BATTERY_RADII][n_types]; peak: as of om_peaks_of(). Errors: those of om_experiment_run(). */
om_status om_battery_show(const om_battery *battery, const om_circuit *circuit,
                          const om_real *params, const om_experiment_options *options, double *fri,
                          double *peak);

#endif
