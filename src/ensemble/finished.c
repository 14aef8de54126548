/* A store in which nothing is left to train: said at once, without films, which take minutes to render. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/job.h"
#include "ensemble/ranking.h"
#include "parallel/ranks.h"

/* Which films they are is known of rendered ones only otherwise. */
bool om_job_has_films_of(const om_job *job, const om_store_info *info)
{
    om_spec *spec = NULL;
    if (om_alloc(1, sizeof *spec, &spec) != OM_OK) return false;
    om_spec_defaults(spec);
    const bool same = om_spec_parse(job->options->spec_file, info->spec_text, spec) == OM_OK &&
                      om_same_films(spec, &job->spec);
    om_free(spec);
    om_message_clear();
    return same;
}

/* Calls f for every model, with its state, or NULL where there is none that can be used, until it is false.
 * rows: as the store has them. */
static om_status each_state(om_store *store, bool (*f)(om_store *, int, om_state *, om_model_row *),
                            om_model_row *rows, bool *all)
{
    const om_store_info *info = om_store_describe(store);
    om_state *state = NULL;
    OM_TRY(om_alloc(1, info->layout.bytes, &state));
    om_status status = om_store_read_rows(store, rows);
    *all = true;
    for (int m = 0; m < info->n_models && *all && status == OM_OK; m++) {
        bool found;
        const bool usable = om_store_load(store, m, state, &found) == OM_OK && found;
        *all = f(store, m, usable ? state : NULL, &rows[m]);
    }
    om_free(state);
    return status;
}

static bool has_ended(om_store *store, int model, om_state *state, om_model_row *row)
{
    (void)model;
    return row->status == OM_MODEL_DIVERGED ||
           (state != NULL &&
            state->n_checks == (uint32_t)om_store_describe(store)->layout.n_checks);
}

om_status om_job_look_for_end(om_job *job, om_store *store)
{
    const om_store_info *info = om_store_describe(store);
    om_model_row *rows = NULL;
    if (!om_job_has_films_of(job, info)) return OM_OK;
    OM_TRY(om_alloc((size_t)info->n_models, sizeof *rows, &rows));
    om_run_row run;
    if (om_store_read_run(store, &run) == OM_OK) job->before = om_layout_of_job(run.job);
    om_status status = each_state(store, has_ended, rows, &job->finished);
    om_free(rows);
    om_message_clear(); /* what cannot be loaded is not at its end */
    job->layout = info->layout;
    return status;
}

/* What a run does with a model that it finds at its end: copies of its state are written anew, as they may
 * be torn. */
static bool settle(om_store *store, int model, om_state *state, om_model_row *row)
{
    if (state == NULL && row->status != OM_MODEL_DIVERGED) return false;
    if (state != NULL) {
        row->iteration = state->iteration;
        if (om_store_repair(store, model, state) != OM_OK) return false;
    }
    if (row->status != OM_MODEL_DIVERGED) {
        row->status = OM_MODEL_DONE;
        row->message[0] = '\0';
    }
    return om_store_write_row(store, model, row) == OM_OK;
}

static om_status settle_all(om_job *job, om_model_row *rows)
{
    bool all;
    om_run_row run;
    OM_TRY(om_store_check_write(job->store));
    OM_TRY(each_state(job->store, settle, rows, &all));
    if (!all) return om_fail(OM_EIO, "%s", om_message());
    OM_TRY(
        om_store_read_run(job->store, &run)); /* this one, as it was claimed: it trains nothing */
    if (job->before.ranks > 0) om_layout_append(&job->before, run.job, sizeof run.job);
    run.trainers = 0;
    run.updated = om_clock_unix_s();
    run.seconds_left = NAN;
    OM_TRY(om_store_write_run(job->store, &run));
    return om_ranking_store(job->store);
}

om_status om_job_conclude_finished(om_job *job)
{
    om_model_row *rows = NULL;
    const int n = job->spec.models;
    char diverged[32] = "";
    int done = 0;
    OM_TRY(om_alloc((size_t)n, sizeof *rows, &rows));
    om_status status = settle_all(job, rows);
    for (int m = 0; m < n; m++) done += rows[m].status == OM_MODEL_DONE;
    om_free(rows);
    if (status != OM_OK) return status;
    if (done == 0) return om_fail(OM_EFAIL, "no model could be trained to the end: %d diverged", n);
    if (done < n) snprintf(diverged, sizeof diverged, ", %d diverged", n - done);
    if (!job->options->quiet)
        fprintf(stderr, "%s: nothing is left to do: %d of %d models %s%s\n", job->spec.name, done,
                n, job->layout.iterations > 0 ? "trained" : "checked, untrained", diverged);
    return OM_OK;
}
