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
#include "ensemble/limit.h"
#include "ensemble/pace.h"
#include "ensemble/progress.h"
#include "ensemble/race.h"
#include "parallel/farm.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

/* Iterations a second to assume before anything was measured: a first unit that is too short costs
 * nothing but a message. */
static const double FIRST_RATE = 1, TICK_S = 1, FIRST_LINE_S = 30;

typedef struct coordinator {
    om_job *job;
    om_plan *plan;
    om_race *race;
    om_model_row *rows;   /* [models] what the live table says */
    double *best;         /* [models] selection measure at the best check; NaN: none */
    bool *waiting;        /* [trainers] asked, and there was nothing; a team is one of them */
    om_work_times *times; /* [trainers] */
    int present;          /* workers that have not been told to leave */
    bool stopping;
    double store_s; /* the longest that reading and committing took in a unit */
    om_run_row run;
    om_progress progress;
    om_pace *pace;
    double start_s, tick_s, start_cpu_s;
    uint64_t trained; /* iterations of this run; models that are set back do some again */
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

/* The model has done so many checks, and may be at a rung. */
static void note_checks(coordinator *c, int model, int checks, double best)
{
    const om_job *job = c->job;
    if (checks == 0) return;
    om_race_note(c->race, model, om_check_iteration(&job->layout, &job->spec.train, checks - 1),
                 best);
}

/* What the store holds of one model. */
static om_status load_model(coordinator *c, om_state *state, int model)
{
    om_model_row *row = &c->rows[model];
    bool found;
    OM_TRY(om_store_load(c->job->store, model, state, &found));
    row->iteration = found ? state->iteration : 0;
    c->best[model] = NAN;
    om_race_resume(c->race, model, row->iteration, row->status == OM_MODEL_STOPPED);
    if (!found) return OM_OK;
    for (int n = 1; n <= (int)state->n_checks; n++)
        note_checks(c, model, n, c->best[model] = om_job_best(c->job, state, n));
    /* copies of a state outside its slot may be torn: write them anew */
    return om_store_repair(c->job->store, model, state);
}

/* All of its iterations are done; with none to train, its check. */
static bool is_done(const coordinator *c, int model)
{
    const uint64_t end = c->job->layout.iterations;
    return c->rows[model].iteration >= end && (end > 0 || isfinite(c->best[model]));
}

/* A model that failed by an error of the machine gets another chance in a new run, unless a race has gone
 * on without it; one that diverged would only do so again. What a race stopped it stops anew. */
static void resume_model(coordinator *c, int model)
{
    om_model_row *row = &c->rows[model];
    const bool ended = row->status == OM_MODEL_DIVERGED ||
                       (row->status == OM_MODEL_FAILED && om_race_is_past(c->race, model));
    const bool done = is_done(c, model);
    if (c->job->layout.iterations > 0 || done || ended)
        om_plan_resume(c->plan, model, row->iteration, ended);
    if (ended) om_race_ended(c->race, model);
    if (ended || row->status == OM_MODEL_STOPPED) return;
    row->status = done ? OM_MODEL_DONE : OM_MODEL_WAITING;
    row->message[0] = '\0';
}

static void stop_model(void *context, int model, const char *message)
{
    coordinator *c = context;
    c->rows[model].status = OM_MODEL_STOPPED;
    snprintf(c->rows[model].message, sizeof c->rows[model].message, "%s", message);
}

static om_status resume(coordinator *c)
{
    om_state *state = NULL;
    OM_TRY(om_store_read_rows(c->job->store, c->rows));
    OM_TRY(om_alloc(1, c->job->layout.bytes, &state));
    om_status status = OM_OK;
    for (int m = 0; m < c->job->spec.models && status == OM_OK; m++)
        status = om_stop_signal ? om_limit_fail_early() : load_model(c, state, m);
    om_free(state);
    OM_TRY(status);
    for (int m = 0; m < c->job->spec.models; m++) resume_model(c, m);
    status = om_race_settle(c->race, c->plan, stop_model, c);
    if (status != OM_OK) return om_context(status, "%s", c->job->options->store);
    for (int m = 0; m < c->job->spec.models; m++)
        OM_TRY(om_store_write_row(c->job->store, m, &c->rows[m]));
    return OM_OK;
}

static om_status begin(coordinator *c)
{
    om_job *job = c->job;
    size_t models = (size_t)job->spec.models;
    OM_TRY(om_alloc(models, sizeof *c->rows, &c->rows));
    OM_TRY(om_alloc(models, sizeof *c->best, &c->best));
    OM_TRY(om_alloc((size_t)job->trainers, sizeof *c->waiting, &c->waiting));
    OM_TRY(om_alloc((size_t)job->trainers, sizeof *c->times, &c->times));
    om_plan_options options = {.models = job->spec.models,
                               .workers = job->trainers,
                               .iterations = job->layout.iterations,
                               .unit_s = job->options->unit_s,
                               .first_rate = FIRST_RATE};
    const om_legs legs = om_legs_of(&job->spec.race, job->spec.models, job->layout.iterations);
    OM_TRY(om_plan_create(&options, &c->plan));
    OM_TRY(om_race_create(&legs, c->plan, &c->race));
    OM_TRY(om_pace_create(job->spec.models, &c->pace));
    OM_TRY(resume(c));
    c->start_s = c->tick_s = om_clock_s();
    c->start_cpu_s = om_clock_cpu_s();
    c->present = job->trainers;
    c->progress = om_progress_start(job->options->quiet);
    OM_TRY(om_store_read_run(job->store, &c->run)); /* which job this is, as it was claimed */
    const size_t claimed = strlen(c->run.job);
    const int ranks = job->trainers * job->team_size;
    int n = snprintf(c->run.job + claimed, sizeof c->run.job - claimed, ", layout %dx%d", ranks,
                     job->threads);
    if (job->team_size > 1)
        snprintf(c->run.job + claimed + n, sizeof c->run.job - claimed - (size_t)n,
                 " in teams of %d", job->team_size);
    c->run.trainers = ranks;
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
    if (s.stopped > 0) n += snprintf(line + n, bytes - (size_t)n, ", %d stopped", s.stopped);
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
    const uint64_t limit = om_race_limit(c->race);
    uint64_t left = om_race_beyond(c->race), longest = 0;
    int models = 0;
    for (int m = 0; m < c->job->spec.models; m++) {
        const om_model_row *row = &c->rows[m];
        if (row->status == OM_MODEL_RUNNING) write_row(c, m);
        if (row->status != OM_MODEL_RUNNING && row->status != OM_MODEL_WAITING) continue;
        const uint64_t to_end = c->job->layout.iterations - row->iteration;
        left += limit > row->iteration ? limit - row->iteration : 0;
        if (to_end > longest) longest = to_end;
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

static void stop_model_in_store(void *context, int model, const char *message)
{
    stop_model(context, model, message);
    write_row(context, model);
}

/* Stops the worse part of the models if all have got to a rung. */
static void settle_race(coordinator *c)
{
    const int before = om_race_decided(c->race);
    const uint64_t rung = om_race_limit(c->race);
    const om_status status = om_race_settle(c->race, c->plan, stop_model_in_store, c);
    if (status != OM_OK) keep(c, om_context(status, "%s", c->job->options->store));
    if (om_race_decided(c->race) == before || c->progress.quiet || c->status != OM_OK) return;
    om_plan_summary s;
    om_plan_summarize(c->plan, &s);
    om_progress_end(&c->progress);
    fprintf(stderr, "race at iteration %llu: %d of %d models go on\n", (unsigned long long)rung,
            s.waiting, c->job->spec.models);
}

/* Takes a worker's report into plan and table. */
static void take_report(coordinator *c, int worker, const om_report *report)
{
    if (report->kind == OM_REPORT_ASK) return;
    om_model_row *row = &c->rows[report->model];
    om_pace_take(c->pace, report->model, report->iteration, report->seconds);
    if (isfinite(report->best) || report->kind == OM_REPORT_SET_BACK)
        c->best[report->model] = report->best;
    if (report->iteration > row->iteration) c->trained += report->iteration - row->iteration;
    row->iteration = report->iteration; /* at the end: what the store holds */
    if (report->kind == OM_REPORT_PROGRESS || report->kind == OM_REPORT_AHEAD) return;
    c->store_s = fmax(c->store_s, report->times.store - c->times[worker].store);
    c->times[worker] = report->times;
    row->seconds += report->seconds;
    memcpy(row->message, report->message, sizeof row->message);
    switch (report->kind) {
    case OM_REPORT_DONE:
    case OM_REPORT_STOPPED:
        row->status = is_done(c, report->model) ? OM_MODEL_DONE : OM_MODEL_WAITING;
        if (c->job->layout.iterations > 0 || row->status == OM_MODEL_DONE)
            om_plan_done(c->plan, worker, report->iteration, report->seconds);
        else
            om_plan_lost(c->plan, worker); /* stopped in the check that is all there is to do */
        if (om_plan_model_of(c->plan, worker) == report->model) row->status = OM_MODEL_RUNNING;
        note_checks(c, report->model, report->checks, report->best);
        break;
    case OM_REPORT_SET_BACK: /* how fast it was cannot be told from where it ended */
        row->status = OM_MODEL_WAITING;
        om_plan_done(c->plan, worker, report->iteration, 0);
        break;
    case OM_REPORT_DIVERGED:
        row->status = OM_MODEL_DIVERGED;
        om_plan_diverged(c->plan, worker);
        om_race_ended(c->race, report->model);
        break;
    default:
        row->attempts++;
        row->status = om_plan_failed(c->plan, worker) ? OM_MODEL_WAITING : OM_MODEL_FAILED;
        if (row->status == OM_MODEL_FAILED) om_race_ended(c->race, report->model);
    }
    write_row(c, report->model);
    /* remarks stay in the table, where status shows them; failures are worth a line */
    bool failure = report->kind == OM_REPORT_DIVERGED || report->kind == OM_REPORT_FAILED ||
                   report->kind == OM_REPORT_SET_BACK;
    if (failure && !c->progress.quiet && c->status == OM_OK) {
        om_progress_end(&c->progress);
        if (strncmp(row->message, "model ", strlen("model ")) != 0)
            fprintf(stderr, "model %d: ", report->model);
        fprintf(stderr, "%s\n", row->message);
    }
    settle_race(c);
}

/* Asks the plan for a worker, whose unit would begin after so many seconds. */
static om_plan_answer next_unit(coordinator *c, int worker, double after_s, om_order *order)
{
    om_unit *unit = &order->unit;
    const int trains = om_plan_model_of(c->plan, worker);
    om_plan_time_left(c->plan, c->job->end_s - om_clock_s() - after_s - 2 * c->store_s);
    const om_plan_answer answer = om_plan_ask(c->plan, worker, unit);
    order->trained_last = true;
    if (answer != OM_PLAN_UNIT || unit->model == trains) return answer;
    om_model_row *row = &c->rows[unit->model];
    order->trained_last = row->worker == worker;
    row->status = OM_MODEL_RUNNING;
    row->worker = worker;
    row->iteration = unit->from;
    write_row(c, unit->model);
    return answer;
}

static void stop(coordinator *c)
{
    c->stopping = true;
    om_plan_stop(c->plan);
}

/* ---- over MPI ---- */

/* A team is spoken to through its first rank. */
static int rank_of(const coordinator *c, int worker) { return worker * c->job->team_size + 1; }
static int worker_of(const coordinator *c, int rank) { return (rank - 1) / c->job->team_size; }

static void assign(coordinator *c, int worker)
{
    om_order order = {.kind = OM_ORDER_UNIT, .at_once = !c->waiting[worker]};
    const om_plan_answer answer = next_unit(c, worker, 0, &order);
    c->waiting[worker] = false;
    if (answer == OM_PLAN_UNIT) {
        om_farm_send(rank_of(c, worker), &order, sizeof order);
    } else if (answer == OM_PLAN_WAIT) {
        c->waiting[worker] = true;
    } else {
        order.kind = OM_ORDER_LEAVE;
        om_farm_send(rank_of(c, worker), &order, sizeof order);
        c->present--;
    }
}

/* To one who asks ahead. */
static void promise(coordinator *c, int worker, double after_s)
{
    om_order order = {.kind = OM_ORDER_NONE};
    if (next_unit(c, worker, after_s, &order) == OM_PLAN_UNIT) order.kind = OM_ORDER_UNIT;
    om_farm_send(rank_of(c, worker), &order, sizeof order);
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
        if (om_plan_model_of(c->plan, w) >= 0) om_farm_send(rank_of(c, w), &order, sizeof order);
    assign_waiting(c);
}

static void serve_workers(coordinator *c)
{
    while (c->present > 0) {
        om_report report;
        int from;
        if (om_stop_signal && !c->stopping) stop_workers(c);
        if (om_farm_take(&report, sizeof report, &from)) {
            const int worker = worker_of(c, from);
            take_report(c, worker, &report);
            /* one rank that was told to stop speaks for all */
            if (report.kind == OM_REPORT_STOPPED && !c->stopping) stop_workers(c);
            if (report.kind == OM_REPORT_AHEAD) {
                promise(c, worker, report.left_s);
            } else if (report.kind != OM_REPORT_PROGRESS) {
                if (om_plan_model_of(c->plan, worker) < 0) assign(c, worker); /* nothing promised */
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

/* Ranks that are too few for a team more. */
static void dismiss_spare_ranks(const om_job *job)
{
    const om_order order = {.kind = OM_ORDER_LEAVE};
    for (int r = job->trainers * job->team_size + 1; r < om_ranks_count(); r++)
        om_farm_send(r, &order, sizeof order);
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
    om_order order;
    for (;;) {
        if (om_stop_signal && !c->stopping) stop(c);
        if (next_unit(c, 0, 0, &order) != OM_PLAN_UNIT) return;
        om_report report;
        om_worker_train(worker, &order.unit, tell_itself, c, &report);
        take_report(c, 0, &report);
        tick(c);
    }
}

/* ---- the end ---- */

/* Where the ranks' time went; alone, what is neither training nor the store is coordinating. */
static void tell_engine(const coordinator *c, bool alone)
{
    const double seconds = om_clock_s() - c->start_s;
    om_work_times all = {0};
    char line[200];
    for (int w = 0; w < c->job->trainers; w++) om_work_times_add(&all, &c->times[w]);
    const double own_s =
        alone ? seconds - all.train - all.store : om_clock_cpu_s() - c->start_cpu_s;
    om_work_times_describe(&all, c->job->trainers, seconds, own_s, line, sizeof line);
    if (!c->progress.quiet) fprintf(stderr, "%s\n", line);
}

/* Time is up, too, where nothing asked to stop, but nothing more was begun. */
static om_status fail_stopped(const coordinator *c, int done)
{
    const bool time_is_up = om_stop_signal == SIGALRM || !c->stopping;
    const bool on_request = om_stop_signal == SIGUSR1 || om_stop_signal == 0;
    char why[64] = "time limit";
    if (!time_is_up)
        snprintf(why, sizeof why, "stopped (%s)",
                 on_request ? "on request" : strsignal(om_stop_signal));
    if (time_is_up && c->trained == 0) return om_limit_fail_early();
    om_fail(OM_ESTOPPED, "%s: %d of %d models are done; nothing is lost", why, done,
            c->job->spec.models);
    return om_hint(OM_ESTOPPED, "the same command again: it goes on from here");
}

static om_status conclude(coordinator *c, bool alone)
{
    om_plan_summary s;
    om_plan_summarize(c->plan, &s);
    om_progress_end(&c->progress);
    if (c->trained > 0) tell_engine(c, alone);
    c->run.trainers = 0;
    c->run.updated = om_clock_unix_s();
    c->run.seconds_left = NAN;
    if (c->status == OM_OK) c->status = om_store_write_run(c->job->store, &c->run);
    if (c->status == OM_EBUSY) return om_store_check_write(c->job->store); /* says whose it is */
    if (c->status != OM_OK) return c->status;
    if (s.waiting > 0) return fail_stopped(c, s.done);
    char took[32], raced[48] = "";
    if (s.stopped > 0) snprintf(raced, sizeof raced, ", %d stopped by the race", s.stopped);
    if (s.done == 0)
        return om_fail(OM_EFAIL, "no model could be trained to the end: %d diverged, %d failed%s",
                       s.diverged, s.failed, raced);
    om_progress_duration(om_clock_s() - c->start_s, took, sizeof took);
    if (!c->progress.quiet)
        fprintf(stderr, "%s: %d of %d models %s in %s%s\n", c->job->spec.name, s.done,
                c->job->spec.models,
                c->job->layout.iterations > 0 ? "trained" : "checked, untrained,", took, raced);
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
    if (!alone) dismiss_spare_ranks(job);
    if (status == OM_OK) status = conclude(&c, alone);
    om_race_free(c.race);
    om_plan_free(c.plan);
    om_pace_free(c.pace);
    om_free(c.rows);
    om_free(c.best);
    om_free(c.waiting);
    om_free(c.times);
    return status;
}
