/* Racing: which models go on at each rung, as a pure function of what the models reached.
 *
 * At a rung all models that are still in the race have a place by their measure there: the selection
 * measure at the best check so far; equal ones by number, and behind them those that diverged on the
 * way. The first share `keep` of the places goes on, rounded up. So the number of models at each
 * rung follows from the spec alone. Nothing is decided before every model has got there or diverged: a
 * model that failed by an error of the machine is waited for, as long as it takes. What happens to a
 * model afterwards changes nothing that was decided before. */
#ifndef OM_ENSEMBLE_RACE_H
#define OM_ENSEMBLE_RACE_H

#include "ommatid/om_plan.h"
#include "ommatid/om_race.h"
#include "ommatid/om_store.h"

/* The race of a spec in numbers: legs end at the rungs, and the last one at the end of training. */
typedef struct om_legs {
    int rungs;
    uint64_t end[OM_RACE_MOST_RUNGS + 1]; /* [rungs + 1] iterations of each leg's end */
    int field[OM_RACE_MOST_RUNGS + 1]; /* [rungs + 1] models on each leg, unless they end early */
} om_legs;

/* options: as a spec has them, so that the text has no faults. */
om_legs om_legs_of(const om_race_options *options, int models, uint64_t iterations);
/* Iterations of all models, if none diverges or fails. */
uint64_t om_legs_iterations(const om_legs *legs);

enum { OM_RACE_FAULT_BYTES = 200 };
/* Whether some rung has no check on the validation scenes to decide by, or is not below the end of
 * training; fault: the first that is so, beginning with its key, and what is nearest. */
bool om_race_has_fault(const om_race_options *race, const om_state_layout *layout,
                       const om_train_options *options, char fault[OM_RACE_FAULT_BYTES]);

typedef struct om_race om_race;

/* Sets the limits of the plan's models, which have not begun. first: number in the plan of what is model 0
 * here. Free with om_race_free(). */
om_status om_race_create(const om_legs *legs, om_plan *plan, int first, om_race **race);
void om_race_free(om_race *race); /* accepts NULL */

/* The model has reached so many iterations with that measure; what is between rungs is passed over. */
void om_race_note(om_race *race, int model, uint64_t iteration, double measure);
/* It diverged: it will get to no rung more. */
void om_race_ended(om_race *race, int model);

/* What a store says of a model before anything is trained: how far it is, and whether it was stopped.
 * Its measures up to there are to be noted, too. */
void om_race_resume(om_race *race, int model, uint64_t iteration, bool stopped);

/* Decides at the rungs that all have reached: in the plan the models have new limits, or are ended, of
 * which stopped(), if not NULL, hears with a message. Errors: OM_EDATA (what was decided before a store was resumed does
 * not follow from it any more; stopped() may have heard of some models). */
om_status om_race_settle(om_race *race, om_plan *plan,
                         void (*stopped)(void *context, int model, const char *message),
                         void *context);
/* Rungs that have been decided, and models that have neither been stopped nor ended. */
int om_race_decided(const om_race *race);
int om_race_alive(const om_race *race);
/* Iterations that the model may be trained for now. */
uint64_t om_race_limit(const om_race *race);
/* Iterations beyond the limit that are still to be done by those that will go on. */
uint64_t om_race_beyond(const om_race *race);

#endif
