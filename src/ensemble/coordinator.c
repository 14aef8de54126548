/* The coordinator: carries out what the plan decides, and keeps the live table. It never waits for one
 * worker, and sleeps between messages. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/coordinator.h"
#include "ensemble/layout.h"
#include "parallel/farm.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

/* Iterations a second to assume before anything was measured: a first unit that is too short costs
 * nothing but a message. */
static const double FIRST_RATE = 1, TICK_S = 1, OUTAGE_TICK_S = 5, FIRST_LINE_S = 30;

/* A line about a model, or about the whole run (-1). */
void om_coordinator_say(om_coordinator *c, int model, const char *text)
{
    if (c->progress.quiet) return;
    om_progress_end(&c->progress);
    if (model >= 0) {
        const om_job *job = om_job_of(c->jobs, model);
        if (c->jobs->n > 1) fprintf(stderr, "point %d: ", (int)(job - c->jobs->of));
        if (strncmp(text, "model ", strlen("model ")) != 0)
            fprintf(stderr, "model %d: ", model - job->first);
    }
    fprintf(stderr, "%s\n", text);
}

/* Once for all that wait. */
static void say_outage(om_coordinator *c, int model, const char *text)
{
    if (!c->outage_told) om_coordinator_say(c, model, text);
    c->outage_told = true;
}

/* Nobody could follow a run that goes on without its live table for long, and one that another run has
 * taken the store from must not go on. */
static void keep(om_coordinator *c, om_status status)
{
    if (status == OM_OK) return;
    const double now = om_clock_s(), patience_s = c->job->options->patience_s;
    if (status == OM_EIO && patience_s > 0 && c->outage_s == 0) {
        char line[2 * OM_MESSAGE_BYTES], patience[32];
        om_progress_duration(patience_s, patience, sizeof patience);
        snprintf(line, sizeof line, "the live table waits for the file system, up to %s: %s",
                 patience, om_message());
        say_outage(c, -1, line);
        c->outage_s = c->tried_s = now;
    }
    if (status == OM_EIO && now - c->outage_s < patience_s) return;
    c->status = status;
    om_stop_signal = SIGUSR1;
}

om_status om_coordinator_put_row(om_coordinator *c, int model)
{
    const om_job *job = om_job_of(c->jobs, model);
    c->news[model] = false;
    return om_store_write_row(job->store, model - job->first, &c->rows[model]);
}

static void write_row(om_coordinator *c, int model)
{
    if (c->status == OM_OK && c->outage_s == 0) keep(c, om_coordinator_put_row(c, model));
}

om_race *om_coordinator_race(const om_coordinator *c, const om_job *job)
{
    return c->races[job - c->jobs->of];
}

/* What the run says of itself, in every store that it trains into. */
om_status om_coordinator_put_run(om_coordinator *c)
{
    for (int i = 0; i < c->jobs->n; i++) OM_TRY(om_store_write_run(c->jobs->of[i].store, &c->run));
    return OM_OK;
}

/* What could not be written while the file system was away. */
om_status om_coordinator_catch_up(om_coordinator *c)
{
    for (int m = 0; m < c->jobs->models && c->outage_s > 0; m++)
        OM_TRY(om_coordinator_put_row(c, m));
    c->outage_s = 0;
    return OM_OK;
}

/* ---- beginning ---- */

/* The model has done so many checks, and may be at a rung. */
void om_coordinator_note_checks(om_coordinator *c, int model, int checks, double best)
{
    const om_job *job = om_job_of(c->jobs, model);
    if (checks == 0) return;
    om_race_note(om_coordinator_race(c, job), model - job->first,
                 om_check_iteration(&job->layout, &job->spec.train, checks - 1), best);
}

/* All of its iterations are done; with none to train, its check. */
bool om_coordinator_is_done(const om_coordinator *c, int model)
{
    const uint64_t end = om_job_of(c->jobs, model)->layout.iterations;
    return c->rows[model].iteration >= end && (end > 0 || isfinite(c->best[model]));
}

/* What is to be trained, and the races of it. */
static om_status make_plan(om_coordinator *c)
{
    const om_jobs *jobs = c->jobs;
    om_plan_options options = {.models = jobs->models,
                               .workers = c->job->trainers,
                               .iterations = c->job->layout.iterations,
                               .unit_s = c->job->options->unit_s,
                               .first_rate = FIRST_RATE};
    OM_TRY(om_plan_create(&options, &c->plan));
    for (int i = 0; i < jobs->n; i++) {
        const om_job *job = &jobs->of[i];
        const om_legs legs = om_legs_of(&job->spec.race, job->spec.models, job->layout.iterations);
        for (int m = 0; m < job->spec.models; m++)
            om_plan_length(c->plan, job->first + m, job->layout.iterations);
        OM_TRY(om_race_create(&legs, c->plan, job->first, &c->races[i]));
    }
    return OM_OK;
}

static om_status begin(om_coordinator *c)
{
    const om_job *job = c->job;
    const size_t models = (size_t)c->jobs->models, trainers = (size_t)job->trainers;
    OM_TRY(om_alloc(models, sizeof *c->rows, &c->rows));
    OM_TRY(om_alloc(models, sizeof *c->news, &c->news));
    OM_TRY(om_alloc(models, sizeof *c->best, &c->best));
    for (size_t m = 0; m < models; m++) c->best[m] = NAN;
    OM_TRY(om_alloc(trainers, sizeof *c->waiting, &c->waiting));
    OM_TRY(om_alloc(trainers, sizeof *c->times, &c->times));
    OM_TRY(om_alloc((size_t)c->jobs->n, sizeof(om_race *), &c->races));
    c->progress = om_progress_start(job->options->quiet);
    OM_TRY(make_plan(c));
    OM_TRY(om_pace_create(c->jobs->models, &c->pace));
    OM_TRY(om_coordinator_resume(c));
    c->start_s = c->tick_s = om_clock_s();
    c->start_cpu_s = om_clock_cpu_s();
    c->present = job->trainers;
    OM_TRY(om_store_read_run(job->store, &c->run)); /* which job this is, as it was claimed */
    const om_rank_layout layout = {.ranks = job->trainers * job->team_size,
                                   .threads = job->threads,
                                   .team = job->team_size,
                                   .measured_on = job->options->measured_on};
    om_layout_append(&layout, c->run.job, sizeof c->run.job);
    c->run.trainers = layout.ranks;
    c->run.updated = om_clock_unix_s();
    c->run.iterations_per_s = 0;
    c->run.seconds_left = NAN;
    return om_coordinator_put_run(c);
}

/* ---- the live table and the line ---- */

static void describe(const om_coordinator *c, char *line, size_t bytes)
{
    om_plan_summary s;
    om_plan_summarize(c->plan, &s);
    int best = -1, training = c->present;
    for (int w = 0; w < c->job->trainers; w++) training -= c->waiting[w];
    for (int m = 0; m < c->jobs->models; m++)
        if (isfinite(c->best[m]) && c->rows[m].status != OM_MODEL_DIVERGED &&
            c->rows[m].status != OM_MODEL_FAILED && (best < 0 || c->best[m] < c->best[best]))
            best = m;
    int n = snprintf(line, bytes, "%s: %d of %d models done, %d training", c->job->spec.name,
                     s.done, c->jobs->models, training);
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
static void tick(om_coordinator *c)
{
    const double now = om_clock_s();
    if (now - c->tick_s < TICK_S) return;
    c->tick_s = now;
    uint64_t left = 0, longest = 0;
    int models = 0;
    for (int i = 0; i < c->jobs->n; i++) left += om_race_beyond(c->races[i]);
    for (int m = 0; m < c->jobs->models; m++) {
        const om_model_row *row = &c->rows[m];
        if (c->news[m]) write_row(c, m);
        if (row->status != OM_MODEL_RUNNING && row->status != OM_MODEL_WAITING) continue;
        const om_job *job = om_job_of(c->jobs, m);
        const uint64_t to_end = job->layout.iterations - row->iteration;
        const uint64_t limit = om_race_limit(om_coordinator_race(c, job));
        left += limit > row->iteration ? limit - row->iteration : 0;
        if (to_end > longest) longest = to_end;
        models++;
    }
    const int at_work = models < c->job->trainers ? models : c->job->trainers;
    c->run.updated = om_clock_unix_s();
    c->run.iterations_per_s = at_work * om_pace_of_rank(c->pace);
    c->run.seconds_left = om_pace_seconds_left(c->pace, at_work, left, longest);
    if (c->status == OM_OK && c->outage_s > 0 && now - c->tried_s >= OUTAGE_TICK_S) {
        c->tried_s = now;
        keep(c, om_coordinator_catch_up(c));
    }
    if (c->status == OM_OK && c->outage_s == 0) keep(c, om_coordinator_put_run(c));
    /* a log's next line comes in a minute: its first one is to say how long all takes */
    if (!c->progress.terminal && isnan(c->run.seconds_left) && now - c->start_s < FIRST_LINE_S)
        return;
    char line[256];
    describe(c, line, sizeof line);
    om_progress_show(&c->progress, line);
}

/* ---- events ---- */

static void stop_model_in_store(void *context, int number, const char *message)
{
    const om_racing *r = context;
    om_coordinator_stop_model(context, number, message);
    write_row(r->c, r->job->first + number);
}

/* Stops the worse part of an ensemble's models if all have got to a rung. */
static void settle_race(om_coordinator *c, const om_job *job)
{
    om_race *race = om_coordinator_race(c, job);
    om_racing r = {c, job};
    const int before = om_race_decided(race);
    const uint64_t rung = om_race_limit(race);
    char line[96];
    const om_status status = om_race_settle(race, c->plan, stop_model_in_store, &r);
    if (status != OM_OK) keep(c, om_context(status, "%s", job->options->store));
    if (om_race_decided(race) == before || c->status != OM_OK) return;
    snprintf(line, sizeof line, "race at iteration %llu: %d of %d models go on",
             (unsigned long long)rung, om_race_alive(race), job->spec.models);
    om_coordinator_say(c, -1, line);
}

/* Of a worker that is at work; with a message, one that cannot commit yet. */
static void take_progress(om_coordinator *c, const om_report *report)
{
    om_model_row *row = &c->rows[report->model];
    if (report->message[0] == '\0') return;
    memcpy(row->message, report->message, sizeof row->message);
    say_outage(c, report->model, row->message);
    write_row(c, report->model);
}

/* The worker trains the model that the plan has for it now, if any: one that it was promised runs only then. */
static void note_begun(om_coordinator *c, int worker)
{
    const int model = om_plan_model_of(c->plan, worker);
    if (model < 0) return;
    om_model_row *row = &c->rows[model];
    if (row->status == OM_MODEL_RUNNING && row->worker == worker) return;
    row->status = OM_MODEL_RUNNING;
    row->worker = worker;
    write_row(c, model);
}

/* Takes a worker's report into plan and table. */
static void take_report(om_coordinator *c, int worker, const om_report *report)
{
    if (report->kind == OM_REPORT_ASK) return;
    om_model_row *row = &c->rows[report->model];
    const om_job *job = om_job_of(c->jobs, report->model);
    om_pace_take(c->pace, report->model, report->iteration, report->seconds);
    if (isfinite(report->best) || report->kind == OM_REPORT_SET_BACK)
        c->best[report->model] = report->best;
    if (report->iteration > row->iteration) c->trained += report->iteration - row->iteration;
    row->iteration = report->iteration; /* at the end: what the store holds */
    c->news[report->model] = true;
    if (report->kind == OM_REPORT_PROGRESS || report->kind == OM_REPORT_AHEAD) {
        take_progress(c, report);
        return;
    }
    c->store_s = fmax(c->store_s, report->times.store - c->times[worker].store);
    c->times[worker] = report->times;
    row->seconds += report->seconds;
    memcpy(row->message, report->message, sizeof row->message);
    switch (report->kind) {
    case OM_REPORT_DONE:
    case OM_REPORT_STOPPED:
        c->outage_told = c->outage_s > 0;
        row->status = om_coordinator_is_done(c, report->model) ? OM_MODEL_DONE : OM_MODEL_WAITING;
        if (job->layout.iterations > 0 || row->status == OM_MODEL_DONE)
            om_plan_done(c->plan, worker, report->iteration, report->seconds);
        else
            om_plan_lost(c->plan, worker); /* stopped in the check that is all there is to do */
        if (om_plan_model_of(c->plan, worker) == report->model) row->status = OM_MODEL_RUNNING;
        om_coordinator_note_checks(c, report->model, report->checks, report->best);
        break;
    case OM_REPORT_SET_BACK: /* how fast it was cannot be told from where it ended */
        row->status = OM_MODEL_WAITING;
        om_plan_done(c->plan, worker, report->iteration, 0);
        break;
    case OM_REPORT_DIVERGED:
        row->status = OM_MODEL_DIVERGED;
        om_plan_diverged(c->plan, worker);
        om_race_ended(om_coordinator_race(c, job), report->model - job->first);
        break;
    default:
        row->attempts++;
        row->status = om_plan_failed(c->plan, worker) ? OM_MODEL_WAITING : OM_MODEL_FAILED;
    }
    write_row(c, report->model);
    note_begun(c, worker);
    /* remarks stay in the table, where status shows them; failures are worth a line */
    bool failure = report->kind == OM_REPORT_DIVERGED || report->kind == OM_REPORT_FAILED ||
                   report->kind == OM_REPORT_SET_BACK;
    if (failure && c->status == OM_OK) om_coordinator_say(c, report->model, row->message);
    settle_race(c, job);
}

/* Asks the plan for a worker, whose unit would begin after so many seconds. */
static om_plan_answer next_unit(om_coordinator *c, int worker, double after_s, om_order *order)
{
    om_unit *unit = &order->unit;
    const int trains = om_plan_model_of(c->plan, worker);
    om_plan_time_left(c->plan, c->job->end_s - om_clock_s() - after_s - 2 * c->store_s);
    const om_plan_answer answer = om_plan_ask(c->plan, worker, unit);
    order->trained_last = true;
    if (answer != OM_PLAN_UNIT || unit->model == trains) return answer;
    order->trained_last = c->rows[unit->model].worker == worker;
    note_begun(c, worker);
    return answer;
}

static void stop(om_coordinator *c)
{
    c->stopping = true;
    om_plan_stop(c->plan);
}

/* ---- over MPI ---- */

/* A team is spoken to through its first rank. */
static int rank_of(const om_coordinator *c, int worker) { return worker * c->job->team_size + 1; }
static int worker_of(const om_coordinator *c, int rank) { return (rank - 1) / c->job->team_size; }

static void assign(om_coordinator *c, int worker)
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
static void promise(om_coordinator *c, int worker, double after_s)
{
    om_order order = {.kind = OM_ORDER_NONE};
    if (next_unit(c, worker, after_s, &order) == OM_PLAN_UNIT) order.kind = OM_ORDER_UNIT;
    om_farm_send(rank_of(c, worker), &order, sizeof order);
}

/* Whoever found nothing to do asks again: something may be free now. */
static void assign_waiting(om_coordinator *c)
{
    for (int w = 0; w < c->job->trainers; w++)
        if (c->waiting[w]) assign(c, w);
}

static void stop_workers(om_coordinator *c)
{
    const om_order order = {.kind = OM_ORDER_STOP};
    stop(c);
    for (int w = 0; w < c->job->trainers; w++)
        if (om_plan_model_of(c->plan, w) >= 0) om_farm_send(rank_of(c, w), &order, sizeof order);
    assign_waiting(c);
}

static void serve_workers(om_coordinator *c)
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
    om_coordinator *c = context;
    take_report(c, 0, report);
    tick(c);
}

static void serve_itself(om_coordinator *c, om_worker *worker)
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

om_status om_coordinate(const om_jobs *jobs, om_worker *worker)
{
    om_coordinator c = {.jobs = jobs, .job = &jobs->of[0]};
    om_status status = begin(&c);
    bool alone = worker != NULL;
    if (status == OM_OK && alone) serve_itself(&c, worker);
    if (status == OM_OK && !alone) serve_workers(&c);
    if (status != OM_OK && !alone) dismiss_workers(c.job);
    if (!alone) dismiss_spare_ranks(c.job);
    if (status == OM_OK) status = om_coordinator_conclude(&c, alone);
    for (int i = 0; c.races != NULL && i < jobs->n; i++) om_race_free(c.races[i]);
    om_free(c.races);
    om_plan_free(c.plan);
    om_pace_free(c.pace);
    om_free(c.rows);
    om_free(c.news);
    om_free(c.best);
    om_free(c.waiting);
    om_free(c.times);
    return status;
}
