/* Rung by rung: who has got there, who goes on. Invariants:
 * (R1) The models in the race at a rung are as many as its legs say, ended ones included.
 * (R2) `missing` counts those of them that have neither a measure at the next rung nor ended. */
#include "ensemble/race.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "base/memory.h"

/* ---- legs ---- */

/* A share of 0.55 of 100 is 55, whatever its binary digits. */
static int kept_of(double keep, int models)
{
    const double kept = ceil(keep * models - 1e-9);
    return kept >= models ? models : kept > 1 ? (int)kept : 1;
}

om_legs om_legs_of(const om_race_options *o, int models, uint64_t iterations)
{
    om_legs c = {0};
    char *rest = NULL;
    c.field[0] = models;
    for (const char *at = o->at; *at != '\0' && c.rungs < OM_RACE_MOST_RUNGS; at = rest) {
        c.end[c.rungs] = strtoull(at, &rest, 10);
        if (rest == at || (c.rungs > 0 && c.end[c.rungs] <= c.end[c.rungs - 1])) break;
        rest += *rest == ',';
        c.rungs++;
        c.field[c.rungs] = kept_of(o->keep, c.field[c.rungs - 1]);
    }
    c.end[c.rungs] = iterations;
    return c;
}

uint64_t om_legs_iterations(const om_legs *c)
{
    uint64_t n = 0;
    for (int leg = 0; leg <= c->rungs; leg++) {
        const uint64_t start = leg > 0 ? c->end[leg - 1] : 0;
        if (c->end[leg] > start) n += (uint64_t)c->field[leg] * (c->end[leg] - start);
    }
    return n;
}

/* What is wrong with a rung without a check, between two checks; 0, or the end: none on that side. */
static void tell_unchecked(uint64_t rung, uint64_t before, uint64_t after, uint64_t end,
                           char fault[OM_RACE_FAULT_BYTES])
{
    char expected[80];
    if (before > 0 && after < end)
        snprintf(expected, sizeof expected, "%" PRIu64 " or %" PRIu64, before, after);
    else if (before > 0 || after < end)
        snprintf(expected, sizeof expected, "%" PRIu64, before > 0 ? before : after);
    else
        snprintf(expected, sizeof expected, "checks before the end, as validate.every makes them");
    snprintf(fault, OM_RACE_FAULT_BYTES,
             "race.at: no check falls on iteration %" PRIu64 ": expected %s", rung, expected);
}

bool om_race_has_fault(const om_race_options *race, const om_state_layout *layout,
                       const om_train_options *options, char fault[OM_RACE_FAULT_BYTES])
{
    const om_legs c = om_legs_of(race, 1, layout->iterations);
    uint64_t before = 0, after = 0;
    int i = 0;
    for (int rung = 0; rung < c.rungs; rung++) {
        const uint64_t at = c.end[rung];
        if (at >= layout->iterations) {
            snprintf(fault, OM_RACE_FAULT_BYTES,
                     "race.at: %" PRIu64 ": expected less than train.iterations %" PRIu64, at,
                     layout->iterations);
            return true;
        }
        for (; (after = om_check_iteration(layout, options, i)) < at; i++) before = after;
        if (after == at) continue;
        tell_unchecked(at, before, after, layout->iterations, fault);
        return true;
    }
    return false;
}

/* ---- the race ---- */

typedef struct racer {
    bool ended, out;
    bool stopped;     /* as the store said before */
    uint64_t reached; /* the same: so many iterations */
} racer;

typedef struct contender {
    double measure; /* infinite: it has not got to the rung, and never will */
    int model;
} contender;

struct om_race {
    om_legs legs;
    int first;             /* number of model 0 in the plan */
    racer *racers;         /* [models] */
    double *measure;       /* [models][rungs]; NaN: not there yet */
    int decided;           /* rungs */
    int missing;           /* (R2) */
    contender *contenders; /* [models] at the rung at hand */
};

static int models_of(const om_race *race) { return race->legs.field[0]; }

static double *measure_at(const om_race *race, int model, int rung)
{
    return &race->measure[model * race->legs.rungs + rung];
}

/* Whether the next rung, which must exist, waits for a model. */
static bool is_missing(const om_race *race, int model)
{
    const racer *r = &race->racers[model];
    return !r->out && !r->ended && isnan(*measure_at(race, model, race->decided));
}

static void count_missing(om_race *race)
{
    race->missing = 0;
    if (race->decided == race->legs.rungs) return;
    for (int m = 0; m < models_of(race); m++) race->missing += is_missing(race, m);
}

om_status om_race_create(const om_legs *legs, om_plan *plan, int first, om_race **race)
{
    om_race *r = NULL;
    const size_t models = (size_t)legs->field[0], rungs = (size_t)legs->rungs;
    *race = NULL;
    OM_TRY(om_alloc(1, sizeof *r, &r));
    r->legs = *legs;
    r->first = first;
    om_status status = om_alloc(models, sizeof *r->racers, &r->racers);
    if (status == OM_OK) status = om_alloc(models, sizeof *r->contenders, &r->contenders);
    if (status == OM_OK && rungs > 0)
        status = om_alloc(models * rungs, sizeof(double), &r->measure);
    if (status != OM_OK) {
        om_race_free(r);
        return status;
    }
    for (size_t i = 0; i < models * rungs; i++) r->measure[i] = NAN;
    for (int m = 0; m < legs->field[0]; m++) om_plan_limit(plan, first + m, legs->end[0]);
    count_missing(r);
    *race = r;
    return OM_OK;
}

void om_race_free(om_race *race)
{
    if (race == NULL) return;
    om_free(race->racers);
    om_free(race->measure);
    om_free(race->contenders);
    om_free(race);
}

void om_race_note(om_race *race, int model, uint64_t iteration, double measure)
{
    for (int rung = 0; rung < race->legs.rungs; rung++) {
        if (race->legs.end[rung] != iteration) continue;
        const bool awaited = rung == race->decided && is_missing(race, model);
        *measure_at(race, model, rung) = measure;
        race->missing -= awaited;
    }
}

void om_race_ended(om_race *race, int model)
{
    if (race->decided < race->legs.rungs) race->missing -= is_missing(race, model);
    race->racers[model].ended = true;
}

void om_race_resume(om_race *race, int model, uint64_t iteration, bool stopped)
{
    race->racers[model].reached = iteration;
    race->racers[model].stopped = stopped;
}

/* ---- a rung ---- */

static int compare(const void *a, const void *b)
{
    const contender *x = a, *y = b;
    if (x->measure < y->measure || x->measure > y->measure) return x->measure < y->measure ? -1 : 1;
    return x->model < y->model ? -1 : x->model > y->model;
}

/* Those who are in the race at the next rung, by place; returns how many. */
static int list_contenders(om_race *race)
{
    contender *list = race->contenders;
    int n = 0;
    for (int m = 0; m < models_of(race); m++) {
        const double measure = *measure_at(race, m, race->decided);
        if (race->racers[m].out) continue;
        list[n++] = (contender){isnan(measure) ? INFINITY : measure, m};
    }
    qsort(list, (size_t)n, sizeof *list, compare);
    return n;
}

static om_status disagree(const om_race *race, const contender *c, int place, int field,
                          const char *was)
{
    om_fail(
        OM_EDATA,
        "the race at iteration %llu: model %d is at place %d of %d, but %s: its errors or those "
        "of others are not the ones that decided",
        (unsigned long long)race->legs.end[race->decided], c->model, place, field, was);
    return om_hint(OM_EDATA, "ommatid check STORE");
}

/* What a contender's place means to it; place: from 0. */
static om_status judge(om_race *race, om_plan *plan, const contender *c, int place,
                       void (*stopped)(void *context, int model, const char *message),
                       void *context)
{
    const om_legs *legs = &race->legs;
    const int field = legs->field[race->decided];
    const uint64_t at = legs->end[race->decided];
    racer *r = &race->racers[c->model];
    r->out = place >= legs->field[race->decided + 1];
    if (r->ended) return OM_OK;
    const bool last = race->decided + 1 == legs->rungs;
    if (!r->out) {
        if (r->stopped && (r->reached == at || last))
            return disagree(race, c, place + 1, field, "was stopped");
        om_plan_limit(plan, race->first + c->model, legs->end[race->decided + 1]);
        return OM_OK;
    }
    if (r->reached > at) return disagree(race, c, place + 1, field, "has gone on");
    om_plan_end(plan, race->first + c->model);
    if (stopped == NULL) return OM_OK;
    char message[OM_MESSAGE_BYTES];
    snprintf(message, sizeof message, "stopped by the race at iteration %llu: place %d of %d",
             (unsigned long long)at, place + 1, field);
    stopped(context, c->model, message);
    return OM_OK;
}

om_status om_race_settle(om_race *race, om_plan *plan,
                         void (*stopped)(void *context, int model, const char *message),
                         void *context)
{
    while (race->decided < race->legs.rungs && race->missing == 0) {
        const int n = list_contenders(race);
        for (int i = 0; i < n; i++)
            OM_TRY(judge(race, plan, &race->contenders[i], i, stopped, context));
        race->decided++;
        count_missing(race);
    }
    return OM_OK;
}

int om_race_decided(const om_race *race) { return race->decided; }

uint64_t om_race_limit(const om_race *race) { return race->legs.end[race->decided]; }

int om_race_alive(const om_race *race)
{
    int alive = 0;
    for (int m = 0; m < models_of(race); m++)
        alive += !race->racers[m].out && !race->racers[m].ended;
    return alive;
}

uint64_t om_race_beyond(const om_race *race)
{
    const om_legs *c = &race->legs;
    const int alive = om_race_alive(race);
    uint64_t n = 0;
    for (int leg = race->decided + 1; leg <= c->rungs; leg++)
        n += (uint64_t)(c->field[leg] < alive ? c->field[leg] : alive) *
             (c->end[leg] - c->end[leg - 1]);
    return n;
}
