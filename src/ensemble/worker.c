/* A worker: one model at a time, unit by unit. It keeps nothing that the store does not have. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "ensemble/progress.h"
#include "parallel/farm.h"
#include "parallel/stop.h"

struct om_worker {
    const om_jobs *jobs;
    const om_job *job; /* that the trainer is for */
    om_trainer *trainer;
    om_state *state;
    int held;    /* model in state, as committed; -1: none */
    double rate; /* iterations/s, to cut units into slices; 0: not known */
    om_work_times times;
    bool asked;     /* ahead, in the unit at hand */
    bool has_order; /* that was heard and not yet carried out */
    om_order order;
    bool is_shared; /* the team's other members have the state */
};

/* What the first of a team has the others do. */
typedef struct team_order {
    bool leave, brings_state;
    int model;   /* of the run: which ensemble it is of */
    uint64_t to; /* trains up to there */
} team_order;

/* Makes the worker one of another ensemble. */
static om_status enter(om_worker *w, const om_job *job)
{
    if (w->job == job) return OM_OK;
    om_trainer_free(w->trainer);
    w->trainer = NULL;
    w->job = job;
    w->held = -1;
    w->rate = 0;
    om_status status = om_trainer_create(job->circuit, job->scenes, &job->spec.train, job->threads,
                                         om_team_exchange(job->team), &om_stop_signal, &w->trainer);
    if (status != OM_OK) w->job = NULL;
    return status;
}

om_status om_worker_create(const om_jobs *jobs, om_worker **worker)
{
    *worker = NULL;
    om_worker *w = NULL;
    size_t bytes = 0;
    OM_TRY(om_alloc(1, sizeof *w, &w));
    w->jobs = jobs;
    for (int i = 0; i < jobs->n; i++)
        if (jobs->of[i].layout.bytes > bytes) bytes = jobs->of[i].layout.bytes;
    om_status status = enter(w, &jobs->of[0]);
    if (status == OM_OK) status = om_alloc(1, bytes, &w->state);
    if (status != OM_OK) {
        om_worker_free(w);
        return status;
    }
    *worker = w;
    return OM_OK;
}

void om_worker_free(om_worker *w)
{
    if (w == NULL) return;
    om_trainer_free(w->trainer);
    om_free(w->state);
    om_free(w);
}

/* The model's newest state, from the store or newly made. */
static om_status load(om_worker *w, int model)
{
    const om_job *job = om_job_of(w->jobs, model);
    const int number = model - job->first;
    bool found;
    OM_TRY(enter(w, job));
    OM_TRY(om_store_load(job->store, number, w->state, &found));
    if (!found)
        OM_TRY(om_state_init(&job->layout, job->circuit, &job->spec.train, job->spec.seed,
                             (uint32_t)number, w->state));
    w->held = model;
    w->is_shared = false;
    return OM_OK;
}

static om_status take_model(om_worker *w, int model)
{
    const double start = om_clock_s();
    om_status status = w->held == model ? OM_OK : load(w, model);
    w->times.store += om_clock_s() - start;
    return status;
}

static om_status commit(om_worker *w)
{
    const double start = om_clock_s();
    om_status status = om_store_commit(w->job->store, om_state_number(w->state), w->state);
    w->times.store += om_clock_s() - start;
    return status;
}

static void fill_report(const om_worker *w, om_report *report)
{
    const om_state *s = w->state;
    report->iteration = s->iteration;
    report->checks = (int)s->n_checks;
    report->best = om_job_best(w->job, s, report->checks);
}

void om_note_small_time_constants(const om_circuit *circuit, const om_real *tau, double dt_s,
                                  char message[OM_MESSAGE_BYTES])
{
    int n = 0, first = 0;
    for (int t = circuit->n_types - 1; t >= 0; t--)
        if ((double)tau[t] < dt_s) n++, first = t;
    if (n > 0)
        snprintf(message, OM_MESSAGE_BYTES,
                 "time constant below the time step in %d of %d types (%s, ...)", n,
                 circuit->n_types, circuit->types[first].name);
}

/* Has the others of a team, if there is one, train along. They come to the same state by themselves, as
 * long as nothing but training changes it. */
static void lead(om_worker *w, uint64_t to)
{
    team_order order = {.brings_state = !w->is_shared, .model = w->held, .to = to};
    if (w->job->team == NULL) return;
    om_team_hand_on(w->job->team, &order, sizeof order);
    if (order.brings_state) om_team_hand_on(w->job->team, w->state, w->job->layout.bytes);
    w->is_shared = true;
}

/* Trains up to an iteration; time counts however that ends. */
static om_status advance(om_worker *w, uint64_t to, om_report *report)
{
    const uint64_t from = w->state->iteration;
    const double start = om_clock_s(), computed = om_clock_cpu_s();
    lead(w, to);
    om_status status = om_train_advance(w->trainer, w->state, to);
    const double spent = om_clock_s() - start;
    report->seconds += spent;
    w->times.train += spent;
    w->times.computed += om_clock_cpu_s() - computed;
    if (status == OM_OK && w->state->iteration == to)
        w->rate = (double)(to - from) / (spent > 1e-6 ? spent : 1e-6);
    return status;
}

static uint64_t at_least_one(double iterations)
{
    return iterations < 1 ? 1 : (uint64_t)iterations;
}

/* Whether a check is due at the unit's end: at a rung of a race, and at the end of training, nobody may
 * take the model for one that has got there before it is made. */
static bool ends_with_check(const om_worker *w, const om_unit *unit)
{
    const om_job *job = w->job;
    uint64_t check = 0;
    for (int i = (int)w->state->n_checks; i < job->layout.n_checks && check < unit->to; i++)
        check = om_check_iteration(&job->layout, &job->spec.train, i);
    return check == unit->to;
}

/* The unit ends with a model that diverged and goes on from an earlier iteration: om_message() says why. */
static om_status note_set_back(om_report *report)
{
    report->kind = OM_REPORT_SET_BACK;
    snprintf(report->message, sizeof report->message, "%s", om_message());
    return OM_OK;
}

/* Advances to the unit's end, or until stopped or set back, in slices with a report of progress in
 * between; before the last one it asks ahead. */
static om_status train(om_worker *w, const om_unit *unit,
                       void (*tell)(void *context, const om_report *report), void *context,
                       om_report *report)
{
    const double tell_s = om_progress_interval(w->job->trainers);
    const bool trains = unit->to > unit->from;
    const uint64_t last = trains && ends_with_check(w, unit) ? unit->to - 1 : unit->to;
    w->asked = false;
    do { /* once where there is nothing to train: for the check */
        const uint32_t retries = w->state->retries;
        const uint64_t from = w->state->iteration, left = unit->to - from;
        const uint64_t ahead = at_least_one(w->rate * OM_ASK_AHEAD_S);
        uint64_t to = from + at_least_one(w->rate * tell_s);
        if (to > unit->to) to = unit->to;
        if (left > ahead && to > unit->to - ahead) to = unit->to - ahead;
        if (from < last && to > last) to = last;
        fill_report(w, report);
        report->kind = left <= ahead && !w->asked ? OM_REPORT_AHEAD : OM_REPORT_PROGRESS;
        report->left_s = w->rate > 0 ? (double)left / w->rate : 0;
        if (from > unit->from || report->kind == OM_REPORT_AHEAD) tell(context, report);
        w->asked |= report->kind == OM_REPORT_AHEAD;
        report->kind = OM_REPORT_DONE;
        /* an iteration before a check counts only with it, and one may have to stop within */
        if (from == last && from > unit->from) OM_TRY(commit(w));
        OM_TRY(advance(w, to, report));
        if (w->state->retries > retries) return note_set_back(report);
    } while (w->state->iteration < unit->to);
    return OM_OK;
}

/* What a model that diverged leaves behind: a new one in its place, or its last whole iteration. */
static om_status conclude_diverged(om_worker *w, om_report *report)
{
    const om_job *job = w->job;
    char why[OM_MESSAGE_BYTES];
    snprintf(why, sizeof why, "%s", om_message());
    if (om_state_replacements(w->state) < job->spec.train.replacements) {
        OM_TRY(om_state_replace(&job->layout, job->circuit, &job->spec.train, w->state));
        w->is_shared = false;
        om_fail(OM_EDIVERGED, "%s: begun anew, stream %u", why, w->state->model);
        return note_set_back(report);
    }
    OM_TRY(commit(w));
    fill_report(w, report);
    return om_fail(OM_EDIVERGED, "%s", why);
}

/* A model that was stopped in the check at its unit's end: back to before the last iteration. */
static om_status drop_last(om_worker *w, const om_unit *unit)
{
    if (w->state->iteration < unit->to) return OM_OK;
    w->held = -1;
    return take_model(w, unit->model);
}

void om_worker_train(om_worker *w, const om_unit *unit,
                     void (*tell)(void *context, const om_report *report), void *context,
                     om_report *report)
{
    *report = (om_report){.kind = OM_REPORT_DONE, .model = unit->model, .best = NAN};
    om_status status = take_model(w, unit->model);
    if (status == OM_OK) status = train(w, unit, tell, context, report);
    if (status == OM_EDIVERGED) status = conclude_diverged(w, report);
    bool stopped = status == OM_ESTOPPED;
    if (stopped) status = drop_last(w, unit);
    if (status == OM_OK) {
        if (stopped) report->kind = OM_REPORT_STOPPED;
        fill_report(w, report);
        if (report->kind != OM_REPORT_SET_BACK)
            om_note_small_time_constants(
                w->job->circuit,
                (const om_real *)om_state_view(w->state, w->job->layout.at_params) +
                    w->job->layout.params.time_constant,
                w->job->spec.train.batch.dt_s, report->message);
        status = commit(w);
    }
    report->times = w->times;
    if (status == OM_OK) return;
    w->held = -1; /* what is in memory is not what was committed */
    report->kind = status == OM_EDIVERGED ? OM_REPORT_DIVERGED : OM_REPORT_FAILED;
    if (report->kind == OM_REPORT_FAILED) report->iteration = unit->from;
    snprintf(report->message, sizeof report->message, "%s", om_message());
}

/* ---- over MPI ---- */

/* Takes what orders have come. */
static void hear(om_worker *w)
{
    om_order order;
    int from;
    while (om_farm_take(&order, sizeof order, &from))
        if (order.kind == OM_ORDER_STOP)
            om_stop_signal = SIGUSR1;
        else
            w->order = order, w->has_order = true;
}

/* Passes progress on, and hears what the coordinator says meanwhile. */
static void tell_coordinator(void *context, const om_report *report)
{
    om_farm_send(OM_FARM_COORDINATOR, report, sizeof *report);
    hear(context);
}

/* What to do next, once the coordinator says. */
static om_order await_order(om_worker *w)
{
    const double start = om_clock_s();
    for (hear(w); !w->has_order; hear(w)) om_farm_pause();
    w->has_order = false;
    const om_order order = w->order;
    if (order.at_once && w->times.train > 0) { /* not while the coordinator itself begins */
        const double waited = om_clock_s() - start;
        om_work_times_add(
            &w->times, &(om_work_times){.answer = waited, .longest_answer = waited, .answers = 1});
    }
    return order;
}

/* Whether the unit that was promised still holds after the one at hand: more of the same model only if
 * that was trained to the unit's end. The plan goes by the same rule. */
static bool holds(const om_order *promise, const om_unit *unit, const om_report *end)
{
    if (promise->kind != OM_ORDER_UNIT) return false;
    if (promise->unit.model != unit->model) return true;
    return (end->kind == OM_REPORT_DONE || end->kind == OM_REPORT_STOPPED) &&
           end->iteration == unit->to;
}

static void serve(om_worker *w)
{
    om_report report = {.kind = OM_REPORT_ASK, .model = -1, .best = NAN};
    om_farm_send(OM_FARM_COORDINATOR, &report, sizeof report);
    om_order order = await_order(w);
    while (order.kind != OM_ORDER_LEAVE) {
        const om_unit unit = order.unit;
        if (!order.trained_last) w->held = -1;
        om_worker_train(w, &unit, tell_coordinator, w, &report);
        /* both sides know what was promised before the unit's end is told */
        if (w->asked) order = await_order(w);
        om_farm_send(OM_FARM_COORDINATOR, &report, sizeof report);
        if (!w->asked || !holds(&order, &unit, &report)) order = await_order(w);
    }
}

/* One of a team that is not its first; how training ends that one sees as well. */
static void follow(om_worker *w)
{
    om_team *team = w->job->team;
    team_order order;
    for (;;) {
        om_team_hand_on(team, &order, sizeof order);
        if (order.leave) return;
        const om_job *job = om_job_of(w->jobs, order.model);
        if (enter(w, job) !=
            OM_OK) { /* the others would wait for it for ever: the launcher ends all */
            fprintf(stderr, "ommatid: %s\n", om_message());
            abort();
        }
        if (order.brings_state) om_team_hand_on(team, w->state, job->layout.bytes);
        (void)om_train_advance(w->trainer, w->state, order.to);
    }
}

static void wait_to_leave(void)
{
    om_order order = {.kind = OM_ORDER_NONE};
    int from;
    while (order.kind != OM_ORDER_LEAVE)
        if (!om_farm_take(&order, sizeof order, &from)) om_farm_pause();
}

void om_worker_serve(om_worker *w)
{
    if (w == NULL) {
        wait_to_leave();
    } else if (w->job->team == NULL) {
        serve(w);
    } else if (om_team_exchange(w->job->team)->member > 0) {
        follow(w);
    } else {
        team_order order = {.leave = true};
        serve(w);
        om_team_hand_on(w->job->team, &order, sizeof order);
    }
}
