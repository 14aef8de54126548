/* Points of a sweep in stores of their own. A merged file is derived from them: it can be made again as long
 * as they have all that it has. */
#include "ensemble/points.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "ensemble/job.h"
#include "ensemble/race.h"
#include "ensemble/submit_script.h"
#include "ommatid/om_check.h"

om_status om_usual_store(const char *spec_file, const char *name, char store[OM_SWEEP_PATH_BYTES])
{
    char job[OM_SLURM_JOB_NAME], file[PATH_MAX], whole[OM_SLURM_JOB_NAME + 8];
    const int point = om_split_part(spec_file, file);
    om_slurm_job_name(name, job);
    snprintf(whole, sizeof whole, "%s.h5", job);
    if (point >= 0) return om_sweep_store_of(whole, point, store);
    snprintf(store, OM_SWEEP_PATH_BYTES, "%s", whole);
    return OM_OK;
}

/* ---- how far they are ---- */

bool om_is_finished(const int count[OM_MODEL_FAILED + 1])
{
    return count[OM_MODEL_WAITING] + count[OM_MODEL_RUNNING] + count[OM_MODEL_FAILED] == 0;
}

om_reached om_reached_of(const om_store_info *info, const om_model_row *rows)
{
    const om_legs legs = om_legs_of(&info->race, info->n_models, info->layout.iterations);
    om_reached r = {.n_models = info->n_models, .total = om_legs_iterations(&legs)};
    for (int m = 0; m < info->n_models; m++) {
        r.count[rows[m].status]++;
        r.iterations += rows[m].iteration;
    }
    r.finished = om_is_finished(r.count);
    return r;
}

om_status om_store_reached(om_store *store, om_reached *reached)
{
    const om_store_info *info = om_store_describe(store);
    om_model_row *rows = NULL;
    OM_TRY(om_alloc((size_t)info->n_models, sizeof *rows, &rows));
    om_status status = om_store_read_rows(store, rows);
    if (status == OM_OK) *reached = om_reached_of(info, rows);
    om_free(rows);
    return status;
}

void om_reached_print(const om_reached *r, char text[OM_REACHED_BYTES])
{
    if (r->total > 0)
        snprintf(text, OM_REACHED_BYTES, "%.1f %% trained",
                 100 * (double)r->iterations / (double)r->total);
    else
        snprintf(text, OM_REACHED_BYTES, "%d of %d models checked", r->count[OM_MODEL_DONE],
                 r->n_models);
}

/* ---- whether a store is the point's ---- */

static om_status fail_busy(const char *store, om_lock_state lock, const char *holder)
{
    om_fail(OM_EBUSY, "%s: is being trained by %s", store, holder);
    if (lock == OM_LOCK_LIVE) return om_hint(OM_EBUSY, "waiting for its end");
    return om_hint(OM_EBUSY, "rm '%s.lock' if nothing runs there any more", store);
}

/* Settings tell of rendered films; a file of films may lie elsewhere now. */
static om_status match_films(const om_job *job, om_store *store, const om_store_plan *plan)
{
    const om_store_info *info = om_store_describe(store);
    om_scenes *scenes = NULL;
    if (om_job_has_films_of(job, info)) return OM_OK;
    if (strcmp(job->spec.scenes, "procedural") == 0) {
        om_fail(OM_EDATA, "%s: belongs to another ensemble: its films are of other settings",
                info->path);
        return om_hint(OM_EDATA, "the spec that the store was made from");
    }
    OM_TRY(om_scenes_load(job->spec.scenes, &scenes));
    om_store_plan with_films = *plan;
    with_films.scenes = scenes;
    om_status status = om_store_matches(store, &with_films);
    om_scenes_free(scenes);
    return status;
}

/* Opens a store that is of the job's ensemble. */
static om_status open_matching(const om_job *job, const char *path, om_store **store)
{
    om_store_plan plan = om_job_store_plan(job);
    plan.scenes = NULL;
    plan.layout = NULL;
    OM_TRY(om_store_open(path, OM_STORE_READ, store));
    om_status status = om_store_matches(*store, &plan);
    if (status == OM_OK) status = match_films(job, *store, &plan);
    if (status == OM_OK) return OM_OK;
    om_store_close(*store);
    *store = NULL;
    return status;
}

/* The same of one that is there and that nobody trains. */
static om_status open_idle(const om_job *job, const char *path, om_store **store)
{
    char holder[OM_MESSAGE_BYTES];
    if (access(path, F_OK) != 0) return om_fail(OM_EIO, "there is no %s", path);
    const om_lock_state lock = om_store_inspect_lock(path, holder);
    if (lock == OM_LOCK_LIVE || lock == OM_LOCK_ELSEWHERE) return fail_busy(path, lock, holder);
    return open_matching(job, path, store);
}

/* The ensemble of a point, as a run would have it before its films. Close with om_job_close(). */
static om_status begin_job(const om_run_options *options, const om_sweep *sweep, int point,
                           om_job *job)
{
    char name[OM_SWEEP_PATH_BYTES];
    const char *text = sweep->specs[point];
    *job = (om_job){.options = options};
    OM_TRY(om_sweep_point_path(options->spec_file, point, name));
    om_spec_defaults(&job->spec);
    OM_TRY(om_spec_parse(options->spec_file, text, &job->spec));
    return om_job_circuit(name, text, &job->spec, &job->circuit);
}

om_status om_point_examine(const char *spec_file, const om_sweep *sweep, int point,
                           const char *path, om_point *found)
{
    const om_run_options options = {.spec_file = spec_file};
    om_store *store = NULL;
    om_job *job = NULL;
    *found = (om_point){0};
    OM_TRY(om_alloc(1, sizeof *job, &job));
    om_status status = begin_job(&options, sweep, point, job);
    if (status == OM_OK) status = open_idle(job, path, &store);
    if (status == OM_OK) status = om_store_reached(store, &found->reached);
    if (status == OM_OK && om_store_describe(store)->kernels != NULL)
        snprintf(found->kernels, sizeof found->kernels, "%s", om_store_describe(store)->kernels);
    om_store_close(store);
    om_job_close(job);
    om_free(job);
    return status;
}

/* ---- whether a merged file has nothing that they have not ---- */

/* A model that is replaced, or set back, goes on with fewer iterations. */
static bool is_further(const om_state *a, const om_state *b)
{
    if (a->model != b->model) return a->model > b->model;
    if (a->retries != b->retries) return a->retries > b->retries;
    if (a->iteration != b->iteration) return a->iteration > b->iteration;
    return a->n_checks > b->n_checks;
}

/* Whether some model is further in the one than in the other. By their states: rows can be ahead of them. */
static om_status compare_states(om_store *one, om_store *other, bool *further)
{
    const size_t bytes = om_store_describe(one)->layout.bytes;
    om_state *a = NULL, *b = NULL;
    om_status status = om_alloc(bytes, 1, &a);
    if (status == OM_OK) status = om_alloc(om_store_describe(other)->layout.bytes, 1, &b);
    *further = false;
    for (int m = 0; m < om_store_describe(one)->n_models && status == OM_OK && !*further; m++) {
        bool in_one, in_other;
        status = om_store_load(one, m, a, &in_one);
        if (status == OM_OK) status = om_store_load(other, m, b, &in_other);
        if (status == OM_OK) *further = in_one && (!in_other || is_further(a, b));
    }
    om_free(a);
    om_free(b);
    return status;
}

static om_status compare_point(const om_job *job, const char *file, int point)
{
    char path[OM_SWEEP_PATH_BYTES], own[OM_SWEEP_PATH_BYTES];
    om_store *merged = NULL, *store = NULL;
    bool further = false;
    OM_TRY(om_sweep_point_path(file, point, path));
    OM_TRY(om_sweep_store_of(file, point, own));
    OM_TRY(open_matching(job, path, &merged));
    om_status status = open_idle(job, own, &store);
    if (status != OM_OK)
        om_context(status, "%s: exists already, and holds point %d, which cannot be had anew", file,
                   point);
    if (status == OM_OK) status = compare_states(merged, store, &further);
    if (status == OM_OK && further) {
        status = om_fail(OM_EIO,
                         "%s: exists already, and was trained on: its point %d is further than %s",
                         file, point, own);
        om_hint(status, "another name, or move that file away");
    }
    om_store_close(merged);
    om_store_close(store);
    return status;
}

static om_status fail_other(const char *file, int points, int expected)
{
    if (points == 0)
        om_fail(OM_EIO, "%s: exists already, and holds no sweep", file);
    else
        om_fail(OM_EIO, "%s: exists already, and holds a sweep of %d points, not %d", file, points,
                expected);
    return om_hint(OM_EIO, "another name, or move that file away");
}

om_status om_points_may_replace(const char *spec_file, const om_sweep *sweep, const char *file)
{
    const om_run_options options = {.spec_file = spec_file};
    om_sweep *there = NULL;
    om_job *job = NULL;
    if (access(file, F_OK) != 0) return OM_OK;
    OM_TRY(om_sweep_open(file, &there, NULL, NULL));
    const int n = there != NULL ? there->n_points : 0;
    om_status status = n == sweep->n_points ? om_alloc(1, sizeof *job, &job)
                                            : fail_other(file, n, sweep->n_points);
    for (int p = 0; p < n && status == OM_OK; p++) {
        if (!there->present[p]) continue;
        status = begin_job(&options, sweep, p, job);
        if (status == OM_OK) status = compare_point(job, file, p);
        om_job_close(job);
    }
    om_free(job);
    om_sweep_free(there);
    return status;
}
