/* The status of a sweep: its points, not their models. */
#include "cli/status_sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/open_store.h"
#include "cli/run_state.h"
#include "ensemble/points.h"
#include "ensemble/progress.h"
#include "ommatid/om_check.h"

/* One point at one moment. */
typedef struct point {
    bool there;        /* it has a store */
    const char *state; /* in one word */
    om_reached reached;
    double best; /* selection measure; NaN: none */
    om_run_row run;
} point;

/* All of them. */
typedef struct table {
    const om_sweep_place *place;
    point *points; /* [n_points] */
    int heard;     /* the point whose run was heard of last; -1: none */
    om_sweep_jobs *jobs;
    bool running; /* there is more to come */
} table;

static om_status read_models(om_store *store, point *p)
{
    const om_store_info *info = om_store_describe(store);
    const bool epe = info->selection == OM_LOSS_EPE;
    float *check = NULL;
    om_status status = om_store_reached(store, &p->reached);
    if (status == OM_OK) status = om_alloc((size_t)info->layout.n_checks, sizeof *check, &check);
    for (int m = 0; m < info->n_models && status == OM_OK; m++) {
        status =
            om_store_read_history(store, m, NULL, NULL, epe ? NULL : check, epe ? check : NULL);
        for (int i = 0; i < info->layout.n_checks && status == OM_OK; i++)
            if (!isnan(check[i]) && !((double)check[i] >= p->best)) p->best = (double)check[i];
    }
    om_free(check);
    return status;
}

/* One that is damaged must not hide the others. */
static om_store *open_apart(const char *path)
{
    om_store *store = NULL;
    if (om_command_open_store(path, &store) != OM_OK) om_message_clear();
    return store;
}

static om_status path_of(const om_sweep_place *place, int number, char path[OM_SWEEP_PATH_BYTES])
{
    return place->apart ? om_sweep_store_of(place->file, number, path)
                        : om_sweep_point_path(place->file, number, path);
}

/* A point without a store: a run may be about to make one. */
static void look_for_lock(table *t, const char *path, point *p)
{
    char holder[OM_MESSAGE_BYTES];
    const om_lock_state lock = t->place->apart ? om_store_inspect_lock(path, holder) : OM_LOCK_NONE;
    const bool held = lock == OM_LOCK_LIVE || lock == OM_LOCK_ELSEWHERE;
    p->state = held              ? om_run_state_name(OM_RUN_PREPARING)
               : t->place->apart ? "no store"
                                 : "missing";
    t->running |= held;
}

static om_status read_point(table *t, int number)
{
    char path[OM_SWEEP_PATH_BYTES];
    om_store *store;
    point *p = &t->points[number];
    *p = (point){.best = NAN};
    OM_TRY(path_of(t->place, number, path));
    p->there = t->place->apart ? access(path, F_OK) == 0 : t->place->sweep->present[number];
    if (!p->there) {
        look_for_lock(t, path, p);
        return OM_OK;
    }
    if (t->place->apart)
        store = open_apart(path);
    else
        OM_TRY(om_store_open(path, OM_STORE_READ, &store));
    if (store == NULL) {
        p->there = false;
        p->state = "unreadable";
        return OM_OK;
    }
    om_status status = om_store_read_run(store, &p->run);
    if (status == OM_OK) status = read_models(store, p);
    om_store_close(store);
    OM_TRY(status);
    const int *count = p->reached.count;
    const om_run_state state = om_run_state_of(path, &p->run, count);
    p->state = om_run_state_name(state);
    t->running |= om_run_goes_on(state);
    if (t->heard < 0 || p->run.updated > t->points[t->heard].run.updated) t->heard = number;
    return OM_OK;
}

/* Of one file a job that its points share; else the jobs of that name. */
static void ask_slurm(table *t)
{
    const om_sweep_place *place = t->place;
    const double now_s = om_clock_s();
    bool finished = true;
    struct stat info;
    for (int p = 0; p < place->sweep->n_points; p++)
        finished &= t->points[p].there && t->points[p].reached.finished;
    if (t->jobs->asked_s == 0 || now_s - t->jobs->asked_s >= OM_SLURM_EVERY_S) {
        *t->jobs = (om_sweep_jobs){.asked_s = now_s, .items = t->jobs->items};
        if (place->apart)
            t->jobs->n = om_slurm_find_named(place->job, t->jobs->items, OM_SWEEP_MOST_JOBS);
        else if (!finished && t->heard >= 0 && stat(place->file, &info) == 0)
            t->jobs->n =
                om_slurm_find_job(t->points[t->heard].run.job, info.st_uid, t->jobs->items);
    }
    t->running |= place->apart && t->jobs->n > 0;
}

/* ---- printing ---- */

/* A point's values; its store, where nobody says what they are. */
static void label_of(const table *t, int number, char label[OM_SWEEP_PATH_BYTES])
{
    if (t->place->sweep->n_keys > 0)
        om_sweep_label(t->place->sweep, number, label);
    else if (path_of(t->place, number, label) != OM_OK)
        label[0] = '\0';
}

static void print_point(const table *t, int number)
{
    char label[OM_SWEEP_PATH_BYTES], best[32] = "-";
    const point *p = &t->points[number];
    const om_reached *r = &p->reached;
    label_of(t, number, label);
    if (!p->there) {
        printf("%5d  %-10s  %s\n", number, p->state, label);
        return;
    }
    if (isfinite(p->best)) snprintf(best, sizeof best, "%.4f", p->best);
    printf("%5d  %-9s  %4d  %7d  %7d  %7d  %5d  %9.1f %%  %9s  %s\n", number, p->state,
           r->count[OM_MODEL_DONE], r->count[OM_MODEL_STOPPED], r->count[OM_MODEL_RUNNING],
           r->count[OM_MODEL_WAITING], r->count[OM_MODEL_DIVERGED] + r->count[OM_MODEL_FAILED],
           r->total > 0 ? 100 * (double)r->iterations / (double)r->total : 100.0, best, label);
}

static void print_text(const table *t)
{
    const om_sweep *sweep = t->place->sweep;
    const om_run_row *run = t->heard >= 0 ? &t->points[t->heard].run : NULL;
    char left[32];
    printf("%s: %d point%s%s\n\n", t->place->name, sweep->n_points, sweep->n_points > 1 ? "s" : "",
           t->place->apart ? ", in stores of their own" : "");
    printf("point  state      done  stopped  running  waiting  lost   iterations  best error  "
           "values\n");
    for (int p = 0; p < sweep->n_points; p++) print_point(t, p);
    printf("\nstopped: by a race; lost: diverged or failed.");
    if (!t->place->apart && run != NULL && run->trainers > 0) {
        printf(" job: %s, %d trainers, %.1f iterations/s", run->job, run->trainers,
               run->iterations_per_s);
        if (isfinite(run->seconds_left)) {
            om_progress_duration(run->seconds_left, left, sizeof left);
            printf(", %s left", left);
        }
    }
    for (int i = 0; i < t->jobs->n; i++) om_slurm_print_job(&t->jobs->items[i]);
    printf("\n");
}

static json_t *point_json(const table *t, int number)
{
    const point *p = &t->points[number];
    const om_reached *r = &p->reached;
    char label[OM_SWEEP_PATH_BYTES];
    label_of(t, number, label);
    if (!p->there)
        return json_pack("{s:i s:s s:s}", "point", number, "values", label, "state", p->state);
    return json_pack("{s:i s:s s:s s:i s:i s:i s:i s:i s:i s:i s:I s:I s:o}", "point", number,
                     "values", label, "state", p->state, "models", r->n_models, "done",
                     r->count[OM_MODEL_DONE], "stopped", r->count[OM_MODEL_STOPPED], "running",
                     r->count[OM_MODEL_RUNNING], "waiting", r->count[OM_MODEL_WAITING], "diverged",
                     r->count[OM_MODEL_DIVERGED], "failed", r->count[OM_MODEL_FAILED], "iterations",
                     (json_int_t)r->iterations, "iterations_total", (json_int_t)r->total, "best",
                     om_json_number(p->best));
}

static om_status print_json(const table *t)
{
    json_t *points = json_array(), *jobs = json_array();
    json_int_t done = 0, total = 0;
    for (int p = 0; p < t->place->sweep->n_points; p++) {
        done += (json_int_t)t->points[p].reached.iterations;
        total += (json_int_t)t->points[p].reached.total;
        json_array_append_new(points, point_json(t, p));
    }
    for (int i = 0; i < t->jobs->n; i++)
        json_array_append_new(jobs, om_slurm_job_json(&t->jobs->items[i]));
    return om_command_print_json(
        json_pack("{s:s s:s s:I s:I s:o s:o}", "name", t->place->name, "store", t->place->file,
                  "iterations", done, "iterations_total", total, "slurm", jobs, "points", points));
}

om_status om_status_sweep(const om_sweep_place *place, om_sweep_jobs *jobs, bool json,
                          bool *running)
{
    table t = {.place = place, .heard = -1, .jobs = jobs};
    const int n = place->sweep->n_points;
    om_status status = om_alloc((size_t)n, sizeof *t.points, &t.points);
    for (int p = 0; p < n && status == OM_OK; p++) status = read_point(&t, p);
    if (status == OM_OK) ask_slurm(&t);
    if (status == OM_OK && json)
        status = print_json(&t);
    else if (status == OM_OK)
        print_text(&t);
    *running = t.running;
    om_free(t.points);
    return status;
}
