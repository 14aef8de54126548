/* A worker: one model at a time, unit by unit. It keeps nothing that the store does not have. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "ensemble/progress.h"
#include "parallel/farm.h"
#include "parallel/stop.h"

struct om_worker {
    om_job *job;
    om_trainer *trainer;
    om_state *state;
    int held;    /* model in state, as committed; -1: none */
    double rate; /* iterations/s, to cut units into slices; 0: not known */
};

om_status om_worker_create(om_job *job, om_worker **worker)
{
    *worker = NULL;
    om_worker *w = NULL;
    OM_TRY(om_alloc(1, sizeof *w, &w));
    w->job = job;
    w->held = -1;
    om_status status = om_trainer_create(job->circuit, job->scenes, &job->spec.train, job->threads,
                                         &om_stop_signal, &w->trainer);
    if (status == OM_OK) status = om_alloc(1, job->layout.bytes, &w->state);
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
static om_status take_model(om_worker *w, int model)
{
    const om_job *job = w->job;
    bool found;
    if (w->held == model) return OM_OK;
    OM_TRY(om_store_load(job->store, model, w->state, &found));
    if (!found)
        OM_TRY(om_state_init(&job->layout, job->circuit, &job->spec.train, job->spec.seed,
                             (uint32_t)model, w->state));
    w->held = model;
    return OM_OK;
}

static void fill_report(const om_worker *w, om_report *report)
{
    const om_state *s = w->state;
    report->iteration = s->iteration;
    report->best = s->best_check < 0                             ? NAN
                   : w->job->spec.train.selection == OM_LOSS_EPE ? s->best_epe
                                                                 : s->best_l2norm;
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

/* Advances to the unit's end, or until stopped, in slices that end with a report of progress. */
static om_status train(om_worker *w, const om_unit *unit,
                       void (*tell)(void *context, const om_report *report), void *context,
                       om_report *report)
{
    const double tell_s = om_progress_interval(w->job->trainers);
    do { /* once where there is nothing to train: for the check */
        uint64_t from = w->state->iteration, slice = (uint64_t)(w->rate * tell_s);
        double start = om_clock_s();
        if (slice < 1) slice = 1;
        uint64_t to = unit->to - from < slice ? unit->to : from + slice;
        OM_TRY(om_train_advance(w->trainer, w->state, to));
        double spent = om_clock_s() - start;
        report->seconds += spent;
        w->rate = (double)(to - from) / (spent > 1e-6 ? spent : 1e-6);
        fill_report(w, report);
        report->kind = OM_REPORT_PROGRESS;
        tell(context, report);
    } while (w->state->iteration < unit->to);
    return OM_OK;
}

/* Commits the last state before the model diverged, which is the same however its iterations were
 * cut into units. After a loss that is not finite the state is still that one; if an update spoilt
 * it, it is trained again from the last commit. */
static om_status commit_last_finite(om_worker *w, const om_unit *unit)
{
    const uint64_t failed_at = w->state->iteration;
    if (om_state_check(&w->job->layout, w->state) != OM_OK) {
        w->held = -1;
        OM_TRY(take_model(w, unit->model));
        OM_TRY(om_train_advance(w->trainer, w->state, failed_at - 1));
    }
    return om_store_commit(w->job->store, unit->model, w->state);
}

/* A diverged model's report, unless the wish to stop or an error came in between. */
static om_status conclude_diverged(om_worker *w, const om_unit *unit, om_report *report)
{
    char why[OM_MESSAGE_BYTES];
    snprintf(why, sizeof why, "%s", om_message());
    OM_TRY(commit_last_finite(w, unit));
    fill_report(w, report);
    return om_fail(OM_EDIVERGED, "%s", why);
}

void om_worker_train(om_worker *w, const om_unit *unit,
                     void (*tell)(void *context, const om_report *report), void *context,
                     om_report *report)
{
    *report = (om_report){.model = unit->model, .best = NAN};
    om_status status = take_model(w, unit->model);
    if (status == OM_OK) status = train(w, unit, tell, context, report);
    if (status == OM_EDIVERGED) status = conclude_diverged(w, unit, report);
    bool stopped = status == OM_ESTOPPED;
    if (status == OM_OK || stopped) {
        fill_report(w, report);
        om_note_small_time_constants(
            w->job->circuit,
            (const om_real *)om_state_view(w->state, w->job->layout.at_params) +
                w->job->layout.params.time_constant,
            w->job->spec.train.batch.dt_s, report->message);
        status = om_store_commit(w->job->store, unit->model, w->state);
        report->kind = stopped ? OM_REPORT_STOPPED : OM_REPORT_DONE;
    }
    if (status == OM_OK) return;
    w->held = -1; /* what is in memory is not what was committed */
    report->kind = status == OM_EDIVERGED ? OM_REPORT_DIVERGED : OM_REPORT_FAILED;
    if (report->kind == OM_REPORT_FAILED) report->iteration = unit->from;
    snprintf(report->message, sizeof report->message, "%s", om_message());
}

/* ---- over MPI ---- */

/* Passes progress on, and hears whether to stop. */
static void tell_coordinator(void *context, const om_report *report)
{
    (void)context;
    om_order order;
    int from;
    om_farm_send(OM_FARM_COORDINATOR, report, sizeof *report);
    while (om_farm_take(&order, sizeof order, &from))
        if (order.kind == OM_ORDER_STOP) om_stop_signal = SIGUSR1;
}

void om_worker_serve(om_worker *w)
{
    om_report report = {.kind = OM_REPORT_ASK, .model = -1, .best = NAN};
    om_farm_send(OM_FARM_COORDINATOR, &report, sizeof report);
    for (;;) {
        om_order order;
        int from;
        while (!om_farm_take(&order, sizeof order, &from)) om_farm_pause();
        if (order.kind == OM_ORDER_LEAVE) return;
        if (order.kind == OM_ORDER_STOP) {
            om_stop_signal = SIGUSR1;
            continue;
        }
        /* another rank may have trained the model since this one held it */
        if (w->held == order.unit.model && w->state->iteration != order.unit.from) w->held = -1;
        om_worker_train(w, &order.unit, tell_coordinator, NULL, &report);
        om_farm_send(OM_FARM_COORDINATOR, &report, sizeof report);
    }
}
