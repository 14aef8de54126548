/* The plan: which rank trains which model next. A pure state machine: no MPI, no clock, no files.
 * Events in, assignments out; the coordinator carries them out, and tests drive the same code with
 * thousands of simulated ranks.
 *
 *   waiting --ask--> running --done--> waiting   (iterations left)
 *                       |    --done--> done      (all iterations)
 *                       |    --diverged--> diverged
 *                       |    --failed--> waiting (first time: the same unit again) | failed
 *                       |    --lost (the rank died)--> waiting
 *
 * A unit is (model, from iteration, to iteration). A rank keeps the model that it holds, unless a
 * free model has fallen so far behind that it would end after everything else; so models end early
 * one by one, and at the end nobody idles for longer than a unit (ranks of equal speed, and no more
 * of them than models; unequal ones end within a few units of the ideal). Plain numbers in, plain
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

/* What a store already holds of a model, before the first ask: iterations done; ended: it diverged, or
 * failed for good, and is counted among the diverged. Not for models that it holds nothing of. */
void om_plan_resume(om_plan *plan, int model, uint64_t iteration, bool ended);

/* worker: 0 <= worker < workers, one that holds no unit. Its first ask makes it take part. */
om_plan_answer om_plan_ask(om_plan *plan, int worker, om_unit *unit);
/* The unit that the worker held has ended at `iteration` (its end, or less where it was stopped)
 * after `seconds` of training. */
void om_plan_done(om_plan *plan, int worker, uint64_t iteration, double seconds);
void om_plan_diverged(om_plan *plan, int worker);
/* An error of machine or file. true: the unit will be tried once more, by another worker if there
 * is one; false: the model failed. */
bool om_plan_failed(om_plan *plan, int worker);
/* The worker is gone; its unit is free again. If it asks later, it takes part again. */
void om_plan_lost(om_plan *plan, int worker);
/* From now on every ask is answered FINISHED. */
void om_plan_stop(om_plan *plan);

typedef struct om_plan_summary {
    int waiting, running, done, diverged, failed;
    uint64_t iterations_done, iterations_total; /* of models that have not diverged or failed */
    double iterations_per_s;                    /* of the workers now at work, as measured */
    double seconds_left;                        /* NaN while nothing was measured */
} om_plan_summary;
void om_plan_summarize(const om_plan *plan, om_plan_summary *summary);
/* Model held by a worker, or -1. */
int om_plan_model_of(const om_plan *plan, int worker);

/* Whether the structure's rules hold (each model with one holder at most, counts add up, ...). */
bool om_plan_is_valid(const om_plan *plan);

#endif
