/* What is derived from a model's answers to the battery. */
#ifndef OM_LAB_MEASURES_H
#define OM_LAB_MEASURES_H

#include "ommatid/om_validation.h"

/* The battery's edges, in the order of om_experiment_create(). */
void om_battery_edges(om_edge edges[OM_BATTERY_EDGES]);
/* An angle in radians as degrees from 0 to 360; NaN stays NaN. */
double om_degrees_around(double radians);

/* Whether it is a speed of the battery, or 0 for all. Errors: OM_EUSAGE. */
om_status om_battery_check_speed(double speed);

/* An empty validation of so many models and untrained ones, that nothing was answered by yet. */
om_status om_validation_create(const om_circuit *circuit, int n_models, int n_controls,
                               double speed, om_validation **validation);
/* Fills what is derived from a model's fri and peak. Errors: OM_EUSAGE. */
om_status om_validated_derive(const om_validation *validation, om_validated *model);
/* NaN everywhere. */
void om_validated_clear(const om_validation *validation, om_validated *model);

#endif
