/* Rows and tables outside the slots: the live tables, the ranking, and the copies of what states
 * hold. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "store/store_inside.h"

const char *om_model_status_name(om_model_status status)
{
    switch (status) {
    case OM_MODEL_WAITING: return "waiting";
    case OM_MODEL_RUNNING: return "running";
    case OM_MODEL_DONE: return "done";
    case OM_MODEL_STOPPED: return "stopped";
    case OM_MODEL_DIVERGED: return "diverged";
    case OM_MODEL_FAILED: return "failed";
    }
    return "unknown";
}

om_status om_store_write_row(om_store *store, int model, const om_model_row *row)
{
    OM_TRY(om_store_check_write(store));
    OM_TRY(om_store_check_model(store, model));
    const int32_t status = (int32_t)row->status;
    char message[OM_MESSAGE_BYTES] = {0}; /* nothing of an older, longer message stays */
    memcpy(message, row->message, strnlen(row->message, sizeof message - 1));
    OM_TRY(om_store_put(store, OM_MODEL_SEED, model, &row->seed));
    OM_TRY(om_store_put(store, OM_MODEL_STATUS, model, &status));
    OM_TRY(om_store_put(store, OM_MODEL_ITERATION, model, &row->iteration));
    OM_TRY(om_store_put(store, OM_MODEL_WORKER, model, &row->worker));
    OM_TRY(om_store_put(store, OM_MODEL_SECONDS, model, &row->seconds));
    OM_TRY(om_store_put(store, OM_MODEL_ATTEMPTS, model, &row->attempts));
    return om_store_put(store, OM_MODEL_MESSAGE, model, message);
}

/* A member of om_model_row, and the dataset that holds it for all models. */
typedef struct live_column {
    om_field field;
    size_t offset;
} live_column;

static om_status read_column(om_store *store, const live_column *column, om_model_row *rows)
{
    const om_h5_data *data = &store->data[column->field];
    char *values = NULL;
    OM_TRY(om_h5_read_new(data, &values));
    for (size_t i = 0; i < data->length[0]; i++)
        memcpy((char *)&rows[i] + column->offset, values + i * data->item_bytes, data->item_bytes);
    om_free(values);
    return OM_OK;
}

static om_status read_status(om_store *store, om_model_row *rows)
{
    int32_t *values = NULL;
    OM_TRY(om_h5_read_new(&store->data[OM_MODEL_STATUS], &values));
    om_status status = OM_OK;
    for (int i = 0; i < store->info.n_models && status == OM_OK; i++) {
        if (values[i] < OM_MODEL_WAITING || values[i] > OM_MODEL_FAILED)
            status = om_fail(OM_EDATA, "%s: /model/status: model %d has %d, expected 0 to %d",
                             store->info.path, i, values[i], OM_MODEL_FAILED);
        rows[i].status = (om_model_status)values[i];
    }
    om_free(values);
    return status;
}

om_status om_store_read_rows(om_store *store, om_model_row *rows)
{
    static const live_column columns[] = {
        {OM_MODEL_SEED, offsetof(om_model_row, seed)},
        {OM_MODEL_ITERATION, offsetof(om_model_row, iteration)},
        {OM_MODEL_WORKER, offsetof(om_model_row, worker)},
        {OM_MODEL_SECONDS, offsetof(om_model_row, seconds)},
        {OM_MODEL_ATTEMPTS, offsetof(om_model_row, attempts)},
        {OM_MODEL_MESSAGE, offsetof(om_model_row, message)},
        {OM_MODEL_STREAM, offsetof(om_model_row, stream)},
        {OM_MODEL_RETRIES, offsetof(om_model_row, retries)},
        {OM_MODEL_REPLACED_AT, offsetof(om_model_row, replaced_at)},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        OM_TRY(read_column(store, &columns[i], rows));
    for (int i = 0; i < store->info.n_models; i++) rows[i].message[OM_MESSAGE_BYTES - 1] = '\0';
    return read_status(store, rows);
}

om_status om_store_write_run(om_store *store, const om_run_row *run)
{
    OM_TRY(om_store_check_write(store));
    char job[OM_MESSAGE_BYTES] = {0};
    memcpy(job, run->job, strnlen(run->job, sizeof job - 1));
    OM_TRY(om_store_put_all(store, OM_RUN_JOB, job));
    OM_TRY(om_store_put_all(store, OM_RUN_TRAINERS, &run->trainers));
    OM_TRY(om_store_put_all(store, OM_RUN_STARTED, &run->started));
    OM_TRY(om_store_put_all(store, OM_RUN_UPDATED, &run->updated));
    OM_TRY(om_store_put_all(store, OM_RUN_RATE, &run->iterations_per_s));
    return om_store_put_all(store, OM_RUN_LEFT, &run->seconds_left);
}

om_status om_store_read_run(om_store *store, om_run_row *run)
{
    OM_TRY(om_h5_read(&store->data[OM_RUN_JOB], run->job));
    run->job[OM_MESSAGE_BYTES - 1] = '\0';
    OM_TRY(om_h5_read(&store->data[OM_RUN_TRAINERS], &run->trainers));
    OM_TRY(om_h5_read(&store->data[OM_RUN_STARTED], &run->started));
    OM_TRY(om_h5_read(&store->data[OM_RUN_UPDATED], &run->updated));
    OM_TRY(om_h5_read(&store->data[OM_RUN_RATE], &run->iterations_per_s));
    return om_h5_read(&store->data[OM_RUN_LEFT], &run->seconds_left);
}

om_status om_store_read_stream(om_store *store, int model, uint32_t *stream)
{
    OM_TRY(om_store_check_model(store, model));
    return om_store_get(store, OM_MODEL_STREAM, model, stream);
}

om_status om_store_read_params(om_store *store, int model, om_real *params, om_real *running_mean,
                               om_real *running_var)
{
    OM_TRY(om_store_check_model(store, model));
    const om_layout *p = &store->info.layout.params;
    OM_TRY(om_store_get(store, OM_PARAMS_RESTING_POTENTIAL, model, params + p->resting_potential));
    OM_TRY(om_store_get(store, OM_PARAMS_TIME_CONSTANT, model, params + p->time_constant));
    OM_TRY(om_store_get(store, OM_PARAMS_STRENGTH, model, params + p->strength));
    OM_TRY(om_store_get(store, OM_PARAMS_DECODER, model, params + p->decoder));
    OM_TRY(om_store_get(store, OM_PARAMS_RUNNING_MEAN, model, running_mean));
    return om_store_get(store, OM_PARAMS_RUNNING_VAR, model, running_var);
}

om_status om_store_read_history(om_store *store, int model, float *loss, float *epe, float *l2norm,
                                float *check_epe)
{
    OM_TRY(om_store_check_model(store, model));
    if (loss != NULL) OM_TRY(om_store_get(store, OM_HISTORY_LOSS, model, loss));
    if (epe != NULL) OM_TRY(om_store_get(store, OM_HISTORY_EPE, model, epe));
    if (l2norm != NULL) OM_TRY(om_store_get(store, OM_VALIDATION_L2NORM, model, l2norm));
    return check_epe != NULL ? om_store_get(store, OM_VALIDATION_EPE, model, check_epe) : OM_OK;
}

om_status om_store_read_scene_epe(om_store *store, int model, float *scene_epe)
{
    OM_TRY(om_store_check_model(store, model));
    return om_store_get(store, OM_VALIDATION_SCENE_EPE, model, scene_epe);
}

om_status om_store_write_ranking(om_store *store, const int32_t *place, const double *error,
                                 const double *spread, const double *stability)
{
    OM_TRY(om_store_check_write(store));
    for (int i = 0; i < store->info.n_models; i++)
        if (place[i] < -1 || place[i] >= store->info.n_models ||
            (place[i] >= 0 && !isfinite(error[i])))
            return om_fail(OM_EUSAGE, "%s: model %d cannot have place %d with error %g",
                           store->info.path, i, place[i], error[i]);
    OM_TRY(om_store_put_all(store, OM_RANKING_PLACE, place));
    OM_TRY(om_store_put_all(store, OM_RANKING_ERROR, error));
    OM_TRY(om_store_put_all(store, OM_RANKING_SPREAD, spread));
    return om_store_put_all(store, OM_RANKING_STABILITY, stability);
}

om_status om_store_read_ranking(om_store *store, om_ranking *ranking)
{
    *ranking = (om_ranking){0};
    OM_TRY(om_h5_read_new(&store->data[OM_RANKING_PLACE], &ranking->place));
    OM_TRY(om_h5_read_new(&store->data[OM_RANKING_ERROR], &ranking->error));
    OM_TRY(om_h5_read_new(&store->data[OM_RANKING_SPREAD], &ranking->spread));
    return om_h5_read_new(&store->data[OM_RANKING_STABILITY], &ranking->stability);
}

void om_store_free_ranking(om_ranking *ranking)
{
    om_free(ranking->place);
    om_free(ranking->error);
    om_free(ranking->spread);
    om_free(ranking->stability);
    *ranking = (om_ranking){0};
}
