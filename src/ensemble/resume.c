/* Taking up an ensemble, or all of a sweep's, where the stores have them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ensemble/coordinator.h"
#include "ensemble/limit.h"
#include "parallel/stop.h"

/* In place of a model of which no state can be used. */
static om_status begin_anew(om_coordinator *c, om_state *state, int model)
{
    const om_job *job = om_job_of(c->jobs, model);
    const int number = model - job->first;
    c->rows[model].status = OM_MODEL_WAITING;
    om_coordinator_say(c, model, "its states are damaged: it begins anew");
    OM_TRY(om_state_init(&job->layout, job->circuit, &job->spec.train, job->spec.seed,
                         (uint32_t)number, state));
    return om_store_commit(job->store, number, state);
}

/* What the store holds of one model. */
static om_status load_model(om_coordinator *c, om_state *state, int model)
{
    om_model_row *row = &c->rows[model];
    const om_job *job = om_job_of(c->jobs, model);
    const int number = model - job->first;
    bool found = true;
    om_status status = om_store_load(job->store, number, state, &found);
    if (job->options->retrain_damaged && (status == OM_EDATA || status == OM_EDIVERGED))
        found = true, status = begin_anew(c, state, model);
    OM_TRY(status);
    /* copies of a state outside its slot may be torn: write them anew */
    if (found) OM_TRY(om_store_repair(job->store, number, state));
    row->iteration = found ? state->iteration : 0;
    om_race_resume(om_coordinator_race(c, job), number, row->iteration,
                   row->status == OM_MODEL_STOPPED);
    for (int n = 1; found && n <= (int)state->n_checks; n++)
        om_coordinator_note_checks(c, model, n, c->best[model] = om_job_best(job, state, n));
    return OM_OK;
}

/* A model that failed by an error of the machine gets another chance in a new run; one that diverged would only
 * do so again. What a race stopped it stops anew. */
static void resume_model(om_coordinator *c, int model)
{
    om_model_row *row = &c->rows[model];
    const om_job *job = om_job_of(c->jobs, model);
    const bool ended = row->status == OM_MODEL_DIVERGED, done = om_coordinator_is_done(c, model);
    if (job->layout.iterations > 0 || done || ended)
        om_plan_resume(c->plan, model, row->iteration, ended);
    if (ended) om_race_ended(om_coordinator_race(c, job), model - job->first);
    if (ended || row->status == OM_MODEL_STOPPED) return;
    row->status = done ? OM_MODEL_DONE : OM_MODEL_WAITING;
    row->message[0] = '\0';
}

/* Nothing of it can be used, as om_message() says: it fails, and the others go on. */
static void give_up(om_coordinator *c, int model)
{
    om_model_row *row = &c->rows[model];
    const om_job *job = om_job_of(c->jobs, model);
    const char *message = om_job_reason(job);
    om_plan_resume(c->plan, model, 0, true);
    if (row->status == OM_MODEL_DIVERGED) {
        om_race_ended(om_coordinator_race(c, job), model - job->first);
    } else {
        row->status = OM_MODEL_FAILED;
        snprintf(row->message, sizeof row->message, "%.*s", (int)strcspn(message, "\n"), message);
        om_coordinator_say(c, model, row->message);
    }
    om_message_clear();
}

/* What goes wrong with one model only. */
static bool is_of_model(om_status status)
{
    return status == OM_EDATA || status == OM_EDIVERGED || status == OM_EIO;
}

void om_coordinator_stop_model(void *context, int number, const char *message)
{
    const om_racing *r = context;
    om_model_row *row = &r->c->rows[r->job->first + number];
    row->status = OM_MODEL_STOPPED;
    snprintf(row->message, sizeof row->message, "%s", message);
}

/* All that the store holds of one ensemble. */
static om_status resume_job(om_coordinator *c, const om_job *job, om_state *state)
{
    const int first = job->first, end = first + job->spec.models;
    om_racing r = {c, job};
    OM_TRY(om_store_read_rows(job->store, c->rows + first));
    for (int m = first; m < end; m++) {
        const om_status loaded = om_stop_signal ? om_limit_fail_early() : load_model(c, state, m);
        if (loaded == OM_OK)
            resume_model(c, m);
        else if (is_of_model(loaded))
            give_up(c, m);
        else
            return loaded;
    }
    om_status status =
        om_race_settle(om_coordinator_race(c, job), c->plan, om_coordinator_stop_model, &r);
    if (status != OM_OK) return om_context(status, "%s", job->options->store);
    for (int m = first; m < end; m++) OM_TRY(om_coordinator_put_row(c, m));
    return OM_OK;
}

om_status om_coordinator_resume(om_coordinator *c)
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
