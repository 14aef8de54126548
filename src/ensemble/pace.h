/* How fast an ensemble is being trained, and how long what is left will take. */
#ifndef OM_ENSEMBLE_PACE_H
#define OM_ENSEMBLE_PACE_H

#include <stdint.h>

#include "ommatid/om_status.h"

typedef struct om_pace om_pace;

om_status om_pace_create(int models, om_pace **pace);
void om_pace_free(om_pace *pace); /* accepts NULL */

/* A report of training: the model is at iteration, after so many seconds of training in its unit. How far
 * reports lie back does not matter, as both numbers are of the same moment. The first one of every model
 * is not counted: it contains what happens but once. */
void om_pace_take(om_pace *pace, int model, uint64_t iteration, double seconds);

/* Iterations/s of a rank, over about the last minute of all ranks' training; 0: not known yet. */
double om_pace_of_rank(const om_pace *pace);

/* Seconds until models with so many iterations left, the longest of them with so many, are trained by so
 * many ranks, one model by one rank at a time; NaN: not known yet. */
double om_pace_seconds_left(const om_pace *pace, int ranks, uint64_t left, uint64_t longest);

#endif
