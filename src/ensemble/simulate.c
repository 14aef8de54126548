/* Events in the order of their time: a heap of ranks by when they ask ahead, then by the end of their
 * units. */
#include "ensemble/simulate.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/progress.h"
#include "ommatid/om_random.h"

typedef struct sim_rank {
    double rate, began_s, ends_s; /* iterations/s; of its unit */
    double next_s;                /* of its next event */
    double freed_s;               /* when it last had nothing to do */
    om_unit unit, promised;
    bool asked; /* for what comes after the unit */
    bool has_promise, waits, gone;
} sim_rank;

typedef struct simulator {
    const om_simulation_options *o;
    om_plan *plan;
    om_race *race;
    sim_rank *ranks;
    int *heap, n_heap; /* ranks at work, by next_s */
    int *waiting, n_waiting;
    int ended; /* models that are done or given up */
    uint64_t draws;
    double now_s, trained_s, decided_s; /* decided_s: of the real clock */
    om_simulation *result;
} simulator;

/* Normal, by Box and Muller (1958). */
static double normal(simulator *s)
{
    const om_stream stream = {s->o->seed, 0, OM_FOR_INIT, 0, 0};
    const double u = om_random_uniform(&stream, (uint32_t)s->draws++);
    const double v = om_random_uniform(&stream, (uint32_t)s->draws++);
    return sqrt(-2 * log(1 - u)) * cos(2 * acos(-1) * v);
}

static double uniform(simulator *s)
{
    const om_stream stream = {s->o->seed, 0, OM_FOR_INIT, 0, 0};
    return om_random_uniform(&stream, (uint32_t)s->draws++);
}

/* A factor about 1 with that standard deviation, never far below. */
static double factor(simulator *s, double deviation)
{
    return deviation > 0 ? fmax(1 + deviation * normal(s), 0.2) : 1;
}

/* ---- the heap ---- */

static bool before(const simulator *s, int a, int b)
{
    return s->ranks[a].next_s < s->ranks[b].next_s ||
           (s->ranks[a].next_s == s->ranks[b].next_s && a < b);
}

static void push(simulator *s, int rank)
{
    int at = s->n_heap++;
    for (; at > 0 && before(s, rank, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
        s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = rank;
}

static int pop(simulator *s)
{
    const int first = s->heap[0], last = s->heap[--s->n_heap];
    int at = 0;
    for (int child; (child = 2 * at + 1) < s->n_heap; at = child) {
        if (child + 1 < s->n_heap && before(s, s->heap[child + 1], s->heap[child])) child++;
        if (!before(s, s->heap[child], last)) break;
        s->heap[at] = s->heap[child];
    }
    s->heap[at] = last;
    return first;
}

/* ---- events ---- */

static om_plan_answer ask_plan(simulator *s, int rank, om_unit *unit)
{
    const double start_s = om_clock_s();
    const om_plan_answer answer = om_plan_ask(s->plan, rank, unit);
    s->decided_s += om_clock_s() - start_s;
    return answer;
}

static void begin_unit(simulator *s, int rank, om_unit unit)
{
    sim_rank *r = &s->ranks[rank];
    r->unit = unit;
    r->asked = r->has_promise = false;
    r->began_s = s->now_s;
    r->ends_s = s->now_s + s->o->commit_s +
                (double)(unit.to - unit.from) / (r->rate * factor(s, s->o->varies));
    r->next_s = fmax(s->now_s, r->ends_s - s->o->commit_s - OM_ASK_AHEAD_S);
    s->result->units++;
    push(s, rank);
}

static void ask(simulator *s, int rank)
{
    sim_rank *r = &s->ranks[rank];
    om_unit unit;
    const om_plan_answer answer = ask_plan(s, rank, &unit);
    r->waits = answer == OM_PLAN_WAIT;
    r->gone = answer == OM_PLAN_FINISHED;
    if (r->waits) s->waiting[s->n_waiting++] = rank;
    if (answer == OM_PLAN_UNIT) begin_unit(s, rank, unit);
}

static void ask_ahead(simulator *s, int rank)
{
    sim_rank *r = &s->ranks[rank];
    r->asked = true;
    r->has_promise = ask_plan(s, rank, &r->promised) == OM_PLAN_UNIT;
    r->next_s = r->ends_s;
    push(s, rank);
}

/* Whether an ask can be answered by anything but WAIT: some model is free, or all have ended. */
static bool is_worth_asking(const simulator *s)
{
    return s->ended == s->o->models || s->ended + s->n_heap < s->o->models;
}

/* As the coordinator does after every report; those that could only be told to wait again are not
 * asked, as there may be many more of them than models. */
static void waiting_ask(simulator *s)
{
    const int n = s->n_waiting;
    int i = 0;
    s->n_waiting = 0;
    for (; i < n && is_worth_asking(s); i++) ask(s, s->waiting[i]);
    memmove(s->waiting + s->n_waiting, s->waiting + i, (size_t)(n - i) * sizeof *s->waiting);
    s->n_waiting += n - i;
}

/* By lot, the same one at every rung. */
static double measure_of(const simulator *s, int model)
{
    const om_stream stream = {s->o->seed, 1 + (uint32_t)model, OM_FOR_INIT, 0, 0};
    return om_random_uniform(&stream, 0);
}

static void count_stopped(void *context, int model, const char *message)
{
    simulator *s = context;
    (void)model;
    (void)message;
    s->ended++;
}

static om_status end_unit(simulator *s, int rank)
{
    sim_rank *r = &s->ranks[rank];
    r->freed_s = s->now_s;
    const bool fails = uniform(s) < s->o->fails;
    const double spent_s = r->ends_s - r->began_s - s->o->commit_s, start_s = om_clock_s();
    if (fails) {
        s->result->failed_units++;
        if (!om_plan_failed(s->plan, rank)) { /* a race would wait for it: here it has diverged */
            om_race_ended(s->race, r->unit.model);
            s->ended++;
        }
        if (r->promised.model == r->unit.model) r->has_promise = false;
    } else {
        s->trained_s += spent_s;
        s->ended += r->unit.to == s->o->iterations;
        om_plan_done(s->plan, rank, r->unit.to, spent_s);
        om_race_note(s->race, r->unit.model, r->unit.to, measure_of(s, r->unit.model));
    }
    const om_status status = om_race_settle(s->race, s->plan, count_stopped, s);
    s->decided_s += om_clock_s() - start_s;
    return status;
}

static om_status run(simulator *s)
{
    for (int i = 0; i < s->o->ranks; i++) ask(s, i);
    while (s->n_heap > 0) {
        const int rank = pop(s);
        sim_rank *r = &s->ranks[rank];
        s->now_s = r->next_s;
        if (!r->asked) {
            ask_ahead(s, rank);
            continue;
        }
        OM_TRY(end_unit(s, rank));
        if (r->has_promise)
            begin_unit(s, rank, r->promised);
        else
            ask(s, rank);
        waiting_ask(s);
    }
    return OM_OK;
}

static void conclude(simulator *s)
{
    om_simulation *r = s->result;
    om_plan_summary summary;
    om_plan_summarize(s->plan, &summary);
    const double ranks = s->o->ranks, interval_s = om_progress_interval(s->o->ranks);
    r->seconds = s->now_s;
    r->done = summary.done;
    r->stopped = summary.stopped;
    r->failed = summary.failed;
    r->busy = s->trained_s / (ranks * s->now_s);
    for (int i = 0; i < s->o->ranks; i++)
        r->longest_idle = fmax(r->longest_idle, s->now_s - s->ranks[i].freed_s);
    r->messages_per_s = 3 * (double)r->units / s->now_s + ranks / interval_s;
    r->decisions = s->decided_s / s->now_s;
}

om_status om_simulate(const om_simulation_options *o, om_simulation *result)
{
    simulator s = {.o = o, .result = result};
    const om_plan_options plan = {o->models, o->ranks, o->iterations, o->unit_s, o->rate};
    *result = (om_simulation){0};
    if (!(o->rate > 0) || !(o->spread >= 0) || !(o->varies >= 0) || !(o->fails >= 0) ||
        !(o->fails < 1) || !(o->commit_s >= 0))
        return om_fail(OM_EUSAGE, "a simulation needs a rate above 0 and shares from 0 to 1");
    om_status status = om_plan_create(&plan, &s.plan);
    if (status != OM_OK) return status;
    const om_legs legs = om_legs_of(&o->race, o->models, o->iterations);
    const size_t n = (size_t)o->ranks;
    status = om_race_create(&legs, s.plan, 0, &s.race);
    if (status == OM_OK) status = om_alloc(n, sizeof *s.ranks, &s.ranks);
    if (status == OM_OK) status = om_alloc(n, sizeof *s.heap, &s.heap);
    if (status == OM_OK) status = om_alloc(n, sizeof *s.waiting, &s.waiting);
    if (status == OM_OK) {
        for (int i = 0; i < o->ranks; i++) s.ranks[i].rate = o->rate * factor(&s, o->spread);
        status = run(&s);
    }
    if (status == OM_OK) conclude(&s);
    om_free(s.ranks);
    om_free(s.heap);
    om_free(s.waiting);
    om_race_free(s.race);
    om_plan_free(s.plan);
    return status;
}
