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
#include "ensemble/layout.h"
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
    const om_jobs *jobs;
    const om_job *job; /* the first: for what all have in common */
    om_plan *plan;
    om_race **races;      /* [jobs] of the models of each */
    om_model_row *rows;   /* [models] what the live table says */
    bool *news;           /* [models] rows that have changed since they were written */
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
    const om_job *job = om_job_of(c->jobs, model);
    c->news[model] = false;
    if (c->status == OM_OK)
        keep(c, om_store_write_row(job->store, model - job->first, &c->rows[model]));
}

static om_race *race_of(const coordinator *c, const om_job *job)
{
    return c->races[job - c->jobs->of];
}

/* What the run says of itself, in every store that it trains into. */
static om_status write_run(coordinator *c)
{
    for (int i = 0; i < c->jobs->n; i++) OM_TRY(om_store_write_run(c->jobs->of[i].store, &c->run));
    return OM_OK;
}

/* ---- beginning ---- */

/* The model has done so many checks, and may be at a rung. */
static void note_checks(coordinator *c, int model, int checks, double best)
{
    const om_job *job = om_job_of(c->jobs, model);
    if (checks == 0) return;
    om_race_note(race_of(c, job), model - job->first,
                 om_check_iteration(&job->layout, &job->spec.train, checks - 1), best);
}

/* What the store holds of one model. */
static om_status load_model(coordinator *c, om_state *state, int model)
{
    om_model_row *row = &c->rows[model];
    const om_job *job = om_job_of(c->jobs, model);
    const int number = model - job->first;
    bool found;
    OM_TRY(om_store_load(job->store, number, state, &found));
    row->iteration = found ? state->iteration : 0;
    c->best[model] = NAN;
    om_race_resume(race_of(c, job), number, row->iteration, row->status == OM_MODEL_STOPPED);
    if (!found) return OM_OK;
    for (int n = 1; n <= (int)state->n_checks; n++)
        note_checks(c, model, n, c->best[model] = om_job_best(job, state, n));
    /* copies of a state outside its slot may be torn: write them anew */
    return om_store_repair(job->store, number, state);
}

/* All of its iterations are done; with none to train, its check. */
static bool is_done(const coordinator *c, int model)
{
    const uint64_t end = om_job_of(c->jobs, model)->layout.iterations;
    return c->rows[model].iteration >= end && (end > 0 || isfinite(c->best[model]));
}

/* A model that failed by an error of the machine gets another chance in a new run, unless a race has gone
 * on without it; one that diverged would only do so again. What a race stopped it stops anew. */
static void resume_model(coordinator *c, int model)
{
    om_model_row *row = &c->rows[model];
    const om_job *job = om_job_of(c->jobs, model);
    om_race *race = race_of(c, job);
    const int number = model - job->first;
    const bool ended = row->status == OM_MODEL_DIVERGED ||
                       (row->status == OM_MODEL_FAILED && om_race_is_past(race, number));
    const bool done = is_done(c, model);
    if (job->layout.iterations > 0 || done || ended)
        om_plan_resume(c->plan, model, row->iteration, ended);
    if (ended) om_race_ended(race, number);
    if (ended || row->status == OM_MODEL_STOPPED) return;
    row->status = done ? OM_MODEL_DONE : OM_MODEL_WAITING;
    row->message[0] = '\0';
}

/* Whose race it is that stops models. */
typedef struct racing {
    coordinator *c;
    const om_job *job;
} racing;

static void stop_model(void *context, int number, const char *message)
{
    const racing *r = context;
    om_model_row *row = &r->c->rows[r->job->first + number];
    row->status = OM_MODEL_STOPPED;
    snprintf(row->message, sizeof row->message, "%s", message);
}

/* All that the store holds of one ensemble. */
static om_status resume_job(coordinator *c, const om_job *job, om_state *state)
{
    const int first = job->first, end = first + job->spec.models;
    racing r = {c, job};
    OM_TRY(om_store_read_rows(job->store, c->rows + first));
    for (int m = first; m < end; m++)
        OM_TRY(om_stop_signal ? om_limit_fail_early() : load_model(c, state, m));
    for (int m = first; m < end; m++) resume_model(c, m);
    om_status status = om_race_settle(race_of(c, job), c->plan, stop_model, &r);
    if (status != OM_OK) return om_context(status, "%s", job->options->store);
    for (int m = first; m < end; m++)
        OM_TRY(om_store_write_row(job->store, m - first, &c->rows[m]));
    return OM_OK;
}

static om_status resume(coordinator *c)
{
    om_status status = OM_OK;
    for (int i = 0; i < c->jobs->n && status == OM_OK; i++) {
        om_state *state = NULL;
        status = om_alloc(1, c->jobs->of[i].layout.bytes, &state);
        if (status == OM_OK) status = resume_job(c, &c->jobs->of[i], state);
        om_free(state);
    }
    return status;
}

/* What is to be trained, and the races of it. */
static om_status make_plan(coordinator *c)
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

static om_status begin(coordinator *c)
{
    const om_job *job = c->job;
    const size_t models = (size_t)c->jobs->models, trainers = (size_t)job->trainers;
    OM_TRY(om_alloc(models, sizeof *c->rows, &c->rows));
    OM_TRY(om_alloc(models, sizeof *c->news, &c->news));
    OM_TRY(om_alloc(models, sizeof *c->best, &c->best));
    OM_TRY(om_alloc(trainers, sizeof *c->waiting, &c->waiting));
    OM_TRY(om_alloc(trainers, sizeof *c->times, &c->times));
    OM_TRY(om_alloc((size_t)c->jobs->n, sizeof(om_race *), &c->races));
    OM_TRY(make_plan(c));
    OM_TRY(om_pace_create(c->jobs->models, &c->pace));
    OM_TRY(resume(c));
    c->start_s = c->tick_s = om_clock_s();
    c->start_cpu_s = om_clock_cpu_s();
    c->present = job->trainers;
    c->progress = om_progress_start(job->options->quiet);
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
    return write_run(c);
}

/* ---- the live table and the line ---- */

static void describe(const coordinator *c, char *line, size_t bytes)
{
    om_plan_summary s;
    om_plan_summarize(c->plan, &s);
    int best = -1;
    for (int m = 0; m < c->jobs->models; m++)
        if (isfinite(c->best[m]) && (best < 0 || c->best[m] < c->best[best])) best = m;
    int n = snprintf(line, bytes, "%s: %d of %d models done, %d training", c->job->spec.name,
                     s.done, c->jobs->models, s.running);
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
    uint64_t left = 0, longest = 0;
    int models = 0;
    for (int i = 0; i < c->jobs->n; i++) left += om_race_beyond(c->races[i]);
    for (int m = 0; m < c->jobs->models; m++) {
        const om_model_row *row = &c->rows[m];
        if (c->news[m]) write_row(c, m);
        if (row->status != OM_MODEL_RUNNING && row->status != OM_MODEL_WAITING) continue;
        const om_job *job = om_job_of(c->jobs, m);
        const uint64_t to_end = job->layout.iterations - row->iteration;
        const uint64_t limit = om_race_limit(race_of(c, job));
        left += limit > row->iteration ? limit - row->iteration : 0;
        if (to_end > longest) longest = to_end;
        models++;
    }
    const int at_work = models < c->job->trainers ? models : c->job->trainers;
    c->run.updated = om_clock_unix_s();
    c->run.iterations_per_s = at_work * om_pace_of_rank(c->pace);
    c->run.seconds_left = om_pace_seconds_left(c->pace, at_work, left, longest);
    if (c->status == OM_OK) keep(c, write_run(c));
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
    const racing *r = context;
    stop_model(context, number, message);
    write_row(r->c, r->job->first + number);
}

/* Stops the worse part of an ensemble's models if all have got to a rung. */
static void settle_race(coordinator *c, const om_job *job)
{
    om_race *race = race_of(c, job);
    racing r = {c, job};
    const int before = om_race_decided(race);
    const uint64_t rung = om_race_limit(race);
    const om_status status = om_race_settle(race, c->plan, stop_model_in_store, &r);
    if (status != OM_OK) keep(c, om_context(status, "%s", job->options->store));
    if (om_race_decided(race) == before || c->progress.quiet || c->status != OM_OK) return;
    int left = 0;
    for (int m = 0; m < job->spec.models; m++)
        left += c->rows[job->first + m].status == OM_MODEL_WAITING;
    om_progress_end(&c->progress);
    fprintf(stderr, "race at iteration %llu: %d of %d models go on\n", (unsigned long long)rung,
            left, job->spec.models);
}

/* Takes a worker's report into plan and table. */
static void take_report(coordinator *c, int worker, const om_report *report)
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
    if (report->kind == OM_REPORT_PROGRESS || report->kind == OM_REPORT_AHEAD) return;
    c->store_s = fmax(c->store_s, report->times.store - c->times[worker].store);
    c->times[worker] = report->times;
    row->seconds += report->seconds;
    memcpy(row->message, report->message, sizeof row->message);
    switch (report->kind) {
    case OM_REPORT_DONE:
    case OM_REPORT_STOPPED:
        row->status = is_done(c, report->model) ? OM_MODEL_DONE : OM_MODEL_WAITING;
        if (job->layout.iterations > 0 || row->status == OM_MODEL_DONE)
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
        om_race_ended(race_of(c, job), report->model - job->first);
        break;
    default:
        row->attempts++;
        row->status = om_plan_failed(c->plan, worker) ? OM_MODEL_WAITING : OM_MODEL_FAILED;
        if (row->status == OM_MODEL_FAILED)
            om_race_ended(race_of(c, job), report->model - job->first);
    }
    write_row(c, report->model);
    /* remarks stay in the table, where status shows them; failures are worth a line */
    bool failure = report->kind == OM_REPORT_DIVERGED || report->kind == OM_REPORT_FAILED ||
                   report->kind == OM_REPORT_SET_BACK;
    if (failure && !c->progress.quiet && c->status == OM_OK) {
        om_progress_end(&c->progress);
        if (c->jobs->n > 1) fprintf(stderr, "point %d: ", (int)(job - c->jobs->of));
        if (strncmp(row->message, "model ", strlen("model ")) != 0)
            fprintf(stderr, "model %d: ", report->model - job->first);
        fprintf(stderr, "%s\n", row->message);
    }
    settle_race(c, job);
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
    om_work_times_describe(&all, c->job->trainers, c->job->threads, seconds, own_s, line,
                           sizeof line);
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
            c->jobs->models);
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
    if (c->status == OM_OK) c->status = write_run(c);
    if (c->status == OM_EBUSY) return om_store_check_write(c->job->store); /* says whose it is */
    if (c->status != OM_OK) return c->status;
    if (s.waiting > 0) return fail_stopped(c, s.done);
    char took[32], raced[48] = "";
    if (s.stopped > 0) snprintf(raced, sizeof raced, ", %d stopped by the race", s.stopped);
    if (s.done == 0)
        return om_fail(OM_EFAIL, "no model could be trained to the end: %d diverged, %d failed%s",
                       s.diverged, s.failed, raced);
    bool trains = false;
    for (int i = 0; i < c->jobs->n; i++) trains |= c->jobs->of[i].layout.iterations > 0;
    om_progress_duration(om_clock_s() - c->start_s, took, sizeof took);
    if (!c->progress.quiet)
        fprintf(stderr, "%s: %d of %d models %s in %s%s\n", c->job->spec.name, s.done,
                c->jobs->models, trains ? "trained" : "checked, untrained,", took, raced);
    return OM_OK;
}

om_status om_coordinate(const om_jobs *jobs, om_worker *worker)
{
    coordinator c = {.jobs = jobs, .job = &jobs->of[0]};
    om_status status = begin(&c);
    bool alone = worker != NULL;
    if (status == OM_OK && alone) serve_itself(&c, worker);
    if (status == OM_OK && !alone) serve_workers(&c);
    if (status != OM_OK && !alone) dismiss_workers(c.job);
    if (!alone) dismiss_spare_ranks(c.job);
    if (status == OM_OK) status = conclude(&c, alone);
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
