/* How a run ended: its last lines, and its outcome. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "ensemble/coordinator.h"
#include "ensemble/limit.h"
#include "parallel/stop.h"

/* Where the ranks' time went; alone, what is neither training nor the store is coordinating. */
static void tell_engine(const om_coordinator *c, bool alone)
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
static om_status fail_stopped(const om_coordinator *c, int done)
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

/* How models ended. */
typedef struct outcome {
    int done, stopped, diverged, failed;
    bool unfinished; /* some can be trained now */
} outcome;

static outcome count_models(const om_coordinator *c)
{
    outcome o = {0};
    for (int m = 0; m < c->jobs->models; m++) {
        const om_model_row *row = &c->rows[m];
        const om_job *job = om_job_of(c->jobs, m);
        o.done += row->status == OM_MODEL_DONE;
        o.stopped += row->status == OM_MODEL_STOPPED;
        o.diverged += row->status == OM_MODEL_DIVERGED;
        o.failed += row->status == OM_MODEL_FAILED;
        if ((row->status == OM_MODEL_WAITING || row->status == OM_MODEL_RUNNING) &&
            (row->iteration < om_race_limit(om_coordinator_race(c, job)) ||
             job->layout.iterations == 0))
            o.unfinished = true;
    }
    return o;
}

/* "model 1, model 4, ...". */
static void list_failed(const om_coordinator *c, char *text, size_t bytes)
{
    enum { MOST = 4 };
    size_t at = 0;
    int n = 0;
    for (int m = 0; m < c->jobs->models && n <= MOST; m++) {
        const om_job *job = om_job_of(c->jobs, m);
        if (c->rows[m].status != OM_MODEL_FAILED) continue;
        if (n > 0) at += (size_t)snprintf(text + at, bytes - at, ", ");
        if (n == MOST)
            at += (size_t)snprintf(text + at, bytes - at, "...");
        else if (c->jobs->n > 1)
            at += (size_t)snprintf(text + at, bytes - at, "point %d: model %d",
                                   (int)(job - c->jobs->of), m - job->first);
        else
            at += (size_t)snprintf(text + at, bytes - at, "model %d", m);
        n++;
    }
}

/* Of what was to be trained, something failed by an error of the machine. A rung that waits for it has others
 * wait, too. */
static om_status fail_failed(const om_coordinator *c, const outcome *o, bool waits)
{
    char which[160];
    list_failed(c, which, sizeof which);
    om_fail(OM_EFAIL, "%d of %d models failed: %s", o->failed, c->jobs->models, which);
    for (int i = 0; i < c->jobs->n && waits; i++) {
        const om_job *job = &c->jobs->of[i];
        int failed = 0, waiting = 0;
        for (int m = job->first; m < job->first + job->spec.models; m++) {
            failed += c->rows[m].status == OM_MODEL_FAILED;
            waiting += c->rows[m].status == OM_MODEL_WAITING;
        }
        if (failed == 0 || waiting == 0) continue;
        const unsigned long long rung = om_race_limit(om_coordinator_race(c, job));
        om_fail_more(OM_EFAIL, "the race at iteration %llu waits for %s, and %d other%s do", rung,
                     failed == 1 ? "it" : "them", waiting, waiting == 1 ? "" : "s");
    }
    return om_hint(OM_EFAIL,
                   "the same command again: it tries once more what failed, and goes on; "
                   "ommatid status %s says what went wrong",
                   c->job->options->store);
}

/* What became of all models, in one line. */
static void tell_outcome(om_coordinator *c, const outcome *o)
{
    char took[32], line[256];
    bool trains = false;
    for (int i = 0; i < c->jobs->n; i++) trains |= c->jobs->of[i].layout.iterations > 0;
    om_progress_duration(om_clock_s() - c->start_s, took, sizeof took);
    int n = snprintf(line, sizeof line, "%.80s: %d of %d models %s in %s", c->job->spec.name,
                     o->done, c->jobs->models, trains ? "trained" : "checked, untrained,", took);
    const struct {
        int count;
        const char *what;
    } others[] = {
        {o->stopped, "stopped by the race"}, {o->diverged, "diverged"}, {o->failed, "failed"}};
    for (int i = 0; i < 3; i++)
        if (others[i].count > 0)
            n += snprintf(line + n, sizeof line - (size_t)n, ", %d %s", others[i].count,
                          others[i].what);
    om_coordinator_say(c, -1, line);
}

/* The table as it is in the end. */
static om_status close_table(om_coordinator *c)
{
    c->run.trainers = 0;
    c->run.updated = om_clock_unix_s();
    c->run.seconds_left = NAN;
    if (c->status == OM_OK) c->status = om_coordinator_catch_up(c);
    if (c->status == OM_OK) c->status = om_coordinator_put_run(c);
    return c->status == OM_EBUSY ? om_store_check_write(c->job->store) /* says whose it is */
                                 : c->status;
}

om_status om_coordinator_conclude(om_coordinator *c, bool alone)
{
    om_plan_summary s;
    om_plan_summarize(c->plan, &s);
    const outcome o = count_models(c);
    om_progress_end(&c->progress);
    if (c->trained > 0) tell_engine(c, alone);
    const om_status closed = close_table(c);
    if (closed != OM_OK && !(closed == OM_EIO && c->stopping))
        return closed; /* who stops goes on later */
    if (s.waiting > 0 && (c->stopping || o.unfinished)) return fail_stopped(c, o.done);
    if (o.done > 0) tell_outcome(c, &o);
    if (o.failed > 0) return fail_failed(c, &o, s.waiting > 0);
    if (o.done > 0) return OM_OK;
    return om_fail(OM_EFAIL, "no model could be trained to the end: %d diverged%s", o.diverged,
                   o.stopped > 0 ? ", the others were stopped by the race" : "");
}
