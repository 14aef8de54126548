/* The plan: which rank trains which model next. A pure state machine: no MPI, no clock, no files.
 * Events in, assignments out; the coordinator carries them out, and tests drive the same code with
 * thousands of simulated ranks.
 *
 *   waiting --ask--> running --done--> waiting   (iterations left, or set back: more than before)
 *                       |    --done--> held      (at the model's limit) --limit--> waiting
 *                       |                                               --end--> stopped
 *                       |    --done--> done      (all iterations)
 *                       |    --diverged--> diverged
 *                       |    --failed--> waiting (first time: the same unit again) | failed
 *                       |    --lost (the rank died)--> waiting
 *
 * A unit is (model, from iteration, to iteration). A worker may ask ahead: while it still holds a unit it
 * is promised its next one, so that it need not wait for an answer in between. A rank keeps the model that it holds, unless a
 * free model has fallen so far behind that it would end after everything else; so models end early
 * one by one, and at the end nobody idles for longer than a unit (ranks of equal speed, and no more
 * of them than models; unequal ones end within a few units of the ideal). Where time is limited, a
 * unit takes half of what is left of it at most, so that none runs over on a rank that has become
 * slower, and little is left unused when nothing fits any more. Plain numbers in, plain
 * numbers out: the same events in the same order give the same answers. */
#ifndef OM_PLAN_H
#define OM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_status.h"

typedef struct om_unit {
    int model;
    uint64_t from, to; /* iterations done before and after */
} om_unit;

typedef enum om_plan_answer {
    OM_PLAN_UNIT,    /* train this unit */
    OM_PLAN_WAIT,    /* nothing for this rank now: ask again after every report of any rank */
    OM_PLAN_FINISHED /* nothing will come: leave */
} om_plan_answer;

typedef struct om_plan_options {
    int models;
    int workers;         /* largest number of ranks */
    uint64_t iterations; /* of each model; 0: each has one unit, from 0 to 0, for its check */
    double unit_s;       /* wanted length of a unit */
    double first_rate;   /* iterations/s to assume before anything was measured */
} om_plan_options;

typedef struct om_plan om_plan;

om_status om_plan_create(const om_plan_options *options, om_plan **plan);
void om_plan_free(om_plan *plan); /* accepts NULL */

/* Iterations of a model that has others than the options say; before anything else of it. */
void om_plan_length(om_plan *plan, int model, uint64_t iterations);
/* What a store already holds of a model, before the first ask: iterations done; ended: it diverged, or
 * failed for good, and is counted among the diverged. Not for models that it holds nothing of. */
void om_plan_resume(om_plan *plan, int model, uint64_t iteration, bool ended);

/* A model may be trained so far for now, at most to the end, which is where it may at first: it is held
 * there until there is another limit, or it is ended. Before anything is asked for, or where the model
 * is held; one that is done stays so. What the plan balances is what is left up to the limits. */
void om_plan_limit(om_plan *plan, int model, uint64_t iteration);
/* A model that is held is trained no further. */
void om_plan_end(om_plan *plan, int model);

/* Time in which units asked for from now on can be trained, from when the next one begins; INFINITY, as
 * at first: no limit. */
void om_plan_time_left(om_plan *plan, double seconds);
/* worker: 0 <= worker < workers. Its first ask makes it take part. One that holds a unit asks ahead,
 * once: the unit is what it goes on with when that one has ended; if it is promised more of the same
 * model, only if that has been trained to the unit's end. Any other answer: ask again then. */
om_plan_answer om_plan_ask(om_plan *plan, int worker, om_unit *unit);
/* The unit that the worker held has ended at `iteration` after `seconds` of training: at its end, or
 * before it where it was stopped, or even before its beginning where the model diverged and was set
 * back. Where seconds are 0 nothing is learned about the worker's rate. Here as below, what it was promised
 * it holds from now on. */
void om_plan_done(om_plan *plan, int worker, uint64_t iteration, double seconds);
void om_plan_diverged(om_plan *plan, int worker);
/* An error of machine or file. true: the unit will be tried once more, by another worker if there
 * is one; false: the model failed. */
bool om_plan_failed(om_plan *plan, int worker);
/* The worker is gone; its unit, and what it was promised, are free again. If it asks later, it takes part again. */
void om_plan_lost(om_plan *plan, int worker);
/* From now on every ask is answered FINISHED. */
void om_plan_stop(om_plan *plan);

typedef struct om_plan_summary {
    int waiting, running, done, stopped, diverged, failed; /* held ones are waiting */
    /* Of models that have not diverged or failed; total: up to their limits. */
    uint64_t iterations_done, iterations_total;
    double iterations_per_s; /* of the workers now at work, as measured */
    double seconds_left;     /* to the limits; NaN while nothing was measured */
} om_plan_summary;
void om_plan_summarize(const om_plan *plan, om_plan_summary *summary);
/* Model held by a worker, or -1. */
int om_plan_model_of(const om_plan *plan, int worker);

/* Whether the structure's rules hold (each model with one holder at most, counts add up, ...). */
bool om_plan_is_valid(const om_plan *plan);

#endif
