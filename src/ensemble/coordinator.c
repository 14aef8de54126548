/* The coordinator: carries out what the plan decides, and keeps the live table. It never waits for one
 * worker, and sleeps between messages. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "ensemble/pace.h"
#include "ensemble/progress.h"
#include "parallel/farm.h"
#include "parallel/stop.h"

/* Iterations a second to assume before anything was measured: a first unit that is too short costs
 * nothing but a message. */
static const double FIRST_RATE = 1, TICK_S = 1, FIRST_LINE_S = 30;

typedef struct coordinator {
    om_job *job;
    om_plan *plan;
    om_model_row *rows; /* [models] what the live table says */
    double *best;       /* [models] selection measure at the best check; NaN: none */
    bool *waiting;      /* [trainers] asked, and there was nothing */
    int present;        /* workers that have not been told to leave */
    bool stopping;
    om_run_row run;
    om_progress progress;
    om_pace *pace;
    double start_s, tick_s;
    om_status status; /* of the store, for the live table */
} coordinator;

/* Nobody could follow a run that goes on without its live table, and one that another run has taken
 * the store from must not go on. */
static void keep(coordinator *c, om_status status)
{
    c->status = status;
    if (status != OM_OK) om_stop_signal = SIGUSR1;
}

static void write_row(coordinator *c, int model)
{
    if (c->status == OM_OK) keep(c, om_store_write_row(c->job->store, model, &c->rows[model]));
}

/* ---- beginning ---- */

/* What the store holds of one model. A model that failed by an error of the machine gets another
 * chance in a new run; one that diverged would only do so again. */
static om_status resume_model(coordinator *c, om_state *state, int model)
{
    om_model_row *row = &c->rows[model];
    bool found, diverged = row->status == OM_MODEL_DIVERGED;
    OM_TRY(om_store_load(c->job->store, model, state, &found));
    row->iteration = found ? state->iteration : 0;
    c->best[model] = NAN;
    if (found && state->best_check >= 0)
        c->best[model] =
            c->job->spec.train.selection == OM_LOSS_EPE ? state->best_epe : state->best_l2norm;
    if (!diverged) {
        bool done = found && row->iteration >= c->job->layout.iterations;
        row->status = done ? OM_MODEL_DONE : OM_MODEL_WAITING;
        row->message[0] = '\0';
    }
    /* copies of a state outside its slot may be torn: write them anew */
    if (found) OM_TRY(om_store_repair(c->job->store, model, state));
    om_plan_resume(c->plan, model, row->iteration, diverged);
    return om_store_write_row(c->job->store, model, row);
}

static om_status resume(coordinator *c)
{
    om_state *state = NULL;
    OM_TRY(om_store_read_rows(c->job->store, c->rows));
    OM_TRY(om_alloc(1, c->job->layout.bytes, &state));
    om_status status = OM_OK;
    for (int m = 0; m < c->job->spec.models && status == OM_OK; m++)
        status = resume_model(c, state, m);
    om_free(state);
    return status;
}

static om_status begin(coordinator *c)
{
    om_job *job = c->job;
    size_t models = (size_t)job->spec.models;
    OM_TRY(om_alloc(models, sizeof *c->rows, &c->rows));
    OM_TRY(om_alloc(models, sizeof *c->best, &c->best));
    OM_TRY(om_alloc((size_t)job->trainers, sizeof *c->waiting, &c->waiting));
    om_plan_options options = {.models = job->spec.models,
                               .workers = job->trainers,
                               .iterations = job->layout.iterations,
                               .unit_s = job->options->unit_s,
                               .first_rate = FIRST_RATE};
    OM_TRY(om_plan_create(&options, &c->plan));
    OM_TRY(om_pace_create(job->spec.models, &c->pace));
    OM_TRY(resume(c));
    c->start_s = c->tick_s = om_clock_s();
    c->present = job->trainers;
    c->progress = om_progress_start(job->options->quiet);
    OM_TRY(om_store_read_run(job->store, &c->run)); /* which job this is, as it was claimed */
    const size_t claimed = strlen(c->run.job);
    snprintf(c->run.job + claimed, sizeof c->run.job - claimed, ", layout %dx%d", job->trainers,
             job->threads);
    c->run.trainers = job->trainers;
    c->run.updated = om_clock_unix_s();
    c->run.iterations_per_s = 0;
    c->run.seconds_left = NAN;
    return om_store_write_run(job->store, &c->run);
}

/* ---- the live table and the line ---- */

static void describe(const coordinator *c, char *line, size_t bytes)
{
    om_plan_summary s;
    om_plan_summarize(c->plan, &s);
    int best = -1;
    for (int m = 0; m < c->job->spec.models; m++)
        if (isfinite(c->best[m]) && (best < 0 || c->best[m] < c->best[best])) best = m;
    int n = snprintf(line, bytes, "%s: %d of %d models done, %d training", c->job->spec.name,
                     s.done, c->job->spec.models, s.running);
    if (s.diverged + s.failed > 0)
        n +=
            snprintf(line + n, bytes - (size_t)n, ", %d diverged or failed", s.diverged + s.failed);
    if (c->run.iterations_per_s > 0)
        n += snprintf(line + n, bytes - (size_t)n, ", %.1f iterations/s", c->run.iterations_per_s);
    if (isfinite(c->run.seconds_left)) {
        char left[32];
        om_progress_duration(c->run.seconds_left, left, sizeof left);
        n += snprintf(line + n, bytes - (size_t)n, ", %s left", left);
    }
    if (best >= 0)
        snprintf(line + n, bytes - (size_t)n, ", best %s %.4g (model %d)",
                 c->job->spec.train.selection == OM_LOSS_EPE ? "EPE" : "l2norm", c->best[best],
                 best);
}

/* Once a second: what runs, how fast, how long still. */
static void tick(coordinator *c)
{
    const double now = om_clock_s();
    if (now - c->tick_s < TICK_S) return;
    c->tick_s = now;
    uint64_t left = 0, longest = 0;
    int models = 0;
    for (int m = 0; m < c->job->spec.models; m++) {
        const om_model_row *row = &c->rows[m];
        if (row->status == OM_MODEL_RUNNING) write_row(c, m);
        if (row->status != OM_MODEL_RUNNING && row->status != OM_MODEL_WAITING) continue;
        const uint64_t of_model = c->job->layout.iterations - row->iteration;
        left += of_model;
        if (of_model > longest) longest = of_model;
        models++;
    }
    const int at_work = models < c->job->trainers ? models : c->job->trainers;
    c->run.updated = om_clock_unix_s();
    c->run.iterations_per_s = at_work * om_pace_of_rank(c->pace);
    c->run.seconds_left = om_pace_seconds_left(c->pace, at_work, left, longest);
    if (c->status == OM_OK) keep(c, om_store_write_run(c->job->store, &c->run));
    /* a log's next line comes in a minute: its first one is to say how long all takes */
    if (!c->progress.terminal && isnan(c->run.seconds_left) && now - c->start_s < FIRST_LINE_S)
        return;
    char line[256];
    describe(c, line, sizeof line);
    om_progress_show(&c->progress, line);
}

/* ---- events ---- */

/* Takes a worker's report into plan and table. */
static void take_report(coordinator *c, int worker, const om_report *report)
{
    if (report->kind == OM_REPORT_ASK) return;
    om_model_row *row = &c->rows[report->model];
    om_pace_take(c->pace, report->model, report->iteration, report->seconds);
    if (isfinite(report->best)) c->best[report->model] = report->best;
    if (report->kind == OM_REPORT_PROGRESS) {
        row->iteration = report->iteration;
        return;
    }
    row->seconds += report->seconds;
    row->iteration = report->iteration; /* what the store holds, wherever training had got to */
    memcpy(row->message, report->message, sizeof row->message);
    switch (report->kind) {
    case OM_REPORT_DONE:
    case OM_REPORT_STOPPED:
        row->status =
            row->iteration >= c->job->layout.iterations ? OM_MODEL_DONE : OM_MODEL_WAITING;
        om_plan_done(c->plan, worker, report->iteration, report->seconds);
        break;
    case OM_REPORT_DIVERGED:
        row->status = OM_MODEL_DIVERGED;
        om_plan_diverged(c->plan, worker);
        break;
    default:
        row->attempts++;
        row->status = om_plan_failed(c->plan, worker) ? OM_MODEL_WAITING : OM_MODEL_FAILED;
    }
    write_row(c, report->model);
    /* remarks stay in the table, where status shows them; failures are worth a line */
    bool failure = report->kind == OM_REPORT_DIVERGED || report->kind == OM_REPORT_FAILED;
    if (failure && !c->progress.quiet && c->status == OM_OK) {
        om_progress_end(&c->progress);
        if (strncmp(row->message, "model ", strlen("model ")) != 0)
            fprintf(stderr, "model %d: ", report->model);
        fprintf(stderr, "%s\n", row->message);
    }
}

/* Asks the plan for a worker; true: there is a unit. */
static bool next_unit(coordinator *c, int worker, om_unit *unit, om_plan_answer *answer)
{
    *answer = om_plan_ask(c->plan, worker, unit);
    if (*answer != OM_PLAN_UNIT) return false;
    om_model_row *row = &c->rows[unit->model];
    row->status = OM_MODEL_RUNNING;
    row->worker = worker;
    row->iteration = unit->from;
    write_row(c, unit->model);
    return true;
}

static void stop(coordinator *c)
{
    c->stopping = true;
    om_plan_stop(c->plan);
}

/* ---- over MPI ---- */

static int rank_of(int worker) { return worker + 1; }

static void assign(coordinator *c, int worker)
{
    om_order order = {.kind = OM_ORDER_UNIT};
    om_plan_answer answer;
    c->waiting[worker] = false;
    if (next_unit(c, worker, &order.unit, &answer)) {
        om_farm_send(rank_of(worker), &order, sizeof order);
    } else if (answer == OM_PLAN_WAIT) {
        c->waiting[worker] = true;
    } else {
        order.kind = OM_ORDER_LEAVE;
        om_farm_send(rank_of(worker), &order, sizeof order);
        c->present--;
    }
}

/* Whoever found nothing to do asks again: something may be free now. */
static void assign_waiting(coordinator *c)
{
    for (int w = 0; w < c->job->trainers; w++)
        if (c->waiting[w]) assign(c, w);
}

static void stop_workers(coordinator *c)
{
    const om_order order = {.kind = OM_ORDER_STOP};
    stop(c);
    for (int w = 0; w < c->job->trainers; w++)
        if (om_plan_model_of(c->plan, w) >= 0) om_farm_send(rank_of(w), &order, sizeof order);
    assign_waiting(c);
}

static void serve_workers(coordinator *c)
{
    while (c->present > 0) {
        om_report report;
        int from;
        if (om_stop_signal && !c->stopping) stop_workers(c);
        if (om_farm_take(&report, sizeof report, &from)) {
            take_report(c, from - 1, &report);
            /* one rank that was told to stop speaks for all */
            if (report.kind == OM_REPORT_STOPPED && !c->stopping) stop_workers(c);
            if (report.kind != OM_REPORT_PROGRESS) {
                assign(c, from - 1);
                assign_waiting(c);
            }
        } else {
            om_farm_pause();
        }
        tick(c);
    }
}

/* Sends every worker away as it asks for its first unit: nothing could begin. */
static void dismiss_workers(const om_job *job)
{
    for (int w = 0; w < job->trainers; w++) {
        om_report report;
        const om_order order = {.kind = OM_ORDER_LEAVE};
        int from;
        while (!om_farm_take(&report, sizeof report, &from)) om_farm_pause();
        om_farm_send(from, &order, sizeof order);
    }
}

/* ---- alone ---- */

static void tell_itself(void *context, const om_report *report)
{
    coordinator *c = context;
    take_report(c, 0, report);
    tick(c);
}

static void serve_itself(coordinator *c, om_worker *worker)
{
    om_unit unit;
    om_plan_answer answer;
    for (;;) {
        if (om_stop_signal && !c->stopping) stop(c);
        if (!next_unit(c, 0, &unit, &answer)) return;
        om_report report;
        om_worker_train(worker, &unit, tell_itself, c, &report);
        take_report(c, 0, &report);
        tick(c);
    }
}

/* ---- the end ---- */

static om_status conclude(coordinator *c)
{
    om_plan_summary s;
    om_plan_summarize(c->plan, &s);
    om_progress_end(&c->progress);
    c->run.trainers = 0;
    c->run.updated = om_clock_unix_s();
    c->run.seconds_left = NAN;
    if (c->status == OM_OK) c->status = om_store_write_run(c->job->store, &c->run);
    if (c->status == OM_EBUSY) return om_store_check_write(c->job->store); /* says whose it is */
    if (c->status != OM_OK) return c->status;
    if (s.waiting > 0) {
        om_fail(OM_ESTOPPED, "stopped: %d of %d models are done; nothing is lost", s.done,
                c->job->spec.models);
        return om_hint(OM_ESTOPPED, "the same command again: it goes on from here");
    }
    if (s.done == 0)
        return om_fail(OM_EFAIL, "no model could be trained to the end: %d diverged, %d failed",
                       s.diverged, s.failed);
    char took[32];
    om_progress_duration(om_clock_s() - c->start_s, took, sizeof took);
    if (!c->progress.quiet)
        fprintf(stderr, "%s: %d of %d models trained in %s\n", c->job->spec.name, s.done,
                c->job->spec.models, took);
    return OM_OK;
}

om_status om_coordinate(om_job *job, om_worker *worker)
{
    coordinator c = {.job = job};
    om_status status = begin(&c);
    bool alone = worker != NULL;
    if (status == OM_OK && alone) serve_itself(&c, worker);
    if (status == OM_OK && !alone) serve_workers(&c);
    if (status != OM_OK && !alone) dismiss_workers(job);
    if (status == OM_OK) status = conclude(&c);
    om_plan_free(c.plan);
    om_pace_free(c.pace);
    om_free(c.rows);
    om_free(c.best);
    om_free(c.waiting);
    return status;
}
