/* Predictions: models of a store, divided among ranks, see an experiment, and what they answer goes
 * into the file model by model, so that memory holds the responses of one. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/prediction_file.h"
#include "parallel/ranks.h"

enum { INTENSITIES = 2 };

typedef struct predicting {
    const om_predict_options *options;
    om_store *store;
    const om_store_info *info;
    om_circuit *circuit;
    om_experiment *x;
    om_train_options *train;
    om_experiment_options run;
    double *counts; /* [n_taps] */
    om_real *params, running_mean[OM_HIDDEN], running_var[OM_HIDDEN];
    om_extremes *extremes;
    om_prediction_row row;
    double *peak, *dsi, *direction, *fri; /* as the measures are made: types last */
    om_h5 *file;
} predicting;

/* ---- one model ---- */

static void keep(void *context, int condition, int frame, double time_s, const om_real *voltage)
{
    predicting *p = context;
    const om_prediction_row *row = &p->row;
    float *response = row->response + (ptrdiff_t)condition * row->n_times + frame + 1;
    for (int t = 0; t < row->n_types; t++)
        response[(ptrdiff_t)t * row->n_conditions * row->n_times] = (float)voltage[t];
    om_extremes_add(p->extremes, condition, time_s, voltage);
}

/* from [n][types] to [types][n] */
static void turn(int n, int types, const double *from, double *to)
{
    for (int i = 0; i < n; i++)
        for (int t = 0; t < types; t++) to[t * n + i] = from[i * types + t];
}

static void measure_flashes(predicting *p)
{
    const int types = p->row.n_types, radii = OM_FLASHES / INTENSITIES;
    for (int r = 0; r < radii; r++) /* the dark ones come first */
        om_flash_index(p->extremes, r, radii + r, p->fri + (ptrdiff_t)r * types);
    turn(radii, types, p->fri, p->row.fri);
    turn(p->x->n_conditions, types, p->extremes->highest, p->row.peak);
}

static om_status measure_edges(predicting *p)
{
    const int types = p->row.n_types;
    const om_edge_peaks peaks = {p->x->n_conditions, types, p->x->edges, p->peak, NULL};
    om_peaks_of(p->extremes, p->peak);
    OM_TRY(om_direction_tuning(&peaks, p->dsi, p->direction));
    for (int i = 0; i < INTENSITIES * types; i++) {
        double degrees = p->direction[i] * 180 / acos(-1);
        p->direction[i] = degrees < 0 ? degrees + 360 : degrees;
    }
    turn(p->x->n_conditions, types, p->peak, p->row.peak);
    turn(INTENSITIES, types, p->dsi, p->row.dsi);
    turn(INTENSITIES, types, p->direction, p->row.direction);
    return OM_OK;
}

static om_status measure(predicting *p)
{
    turn(p->x->n_conditions, p->row.n_types, p->extremes->peak_s, p->row.peak_s);
    if (p->x->kind == OM_EDGES_SHOWN) return measure_edges(p);
    measure_flashes(p);
    return OM_OK;
}

static bool is_trained(const predicting *p)
{
    for (size_t i = 0; i < p->info->layout.params.n_network; i++)
        if (!isfinite(p->params[i])) return false;
    return true;
}

/* A model that diverges, or was not trained, is an outcome and no failure. */
static om_status ask(predicting *p, int model, om_prediction *prediction)
{
    const om_prediction_row *row = &p->row;
    const ptrdiff_t n = (ptrdiff_t)row->n_types * row->n_conditions * row->n_times;
    OM_TRY(om_store_read_params(p->store, model, p->params, p->running_mean, p->running_var));
    prediction->outcome = OM_PREDICTED_UNTRAINED;
    snprintf(prediction->message, OM_MESSAGE_BYTES, "it was not checked in training yet");
    if (!is_trained(p)) return OM_OK;
    if (p->run.counts != NULL)
        om_circuit_draw_counts(p->circuit, p->train->model.count_spread, p->info->seed,
                               (uint32_t)model, p->counts);
    om_extremes_reset(p->extremes);
    for (ptrdiff_t i = 0; i < n; i++) row->response[i] = NAN;
    om_status status = om_experiment_run(p->x, p->circuit, p->params, &p->run, keep, p);
    if (status == OM_EDIVERGED) {
        prediction->outcome = OM_PREDICTED_DIVERGED;
        snprintf(prediction->message, OM_MESSAGE_BYTES, "%s", om_message());
        om_message_clear();
        return OM_OK;
    }
    OM_TRY(status);
    prediction->outcome = OM_PREDICTED;
    prediction->message[0] = '\0';
    return measure(p);
}

/* ---- all of them ---- */

static om_status prepare_counts(predicting *p)
{
    OM_TRY(om_alloc(1, sizeof *p->train, &p->train));
    OM_TRY(om_store_read_options(p->store, p->train));
    p->run.activation = p->train->model.activation;
    if (p->train->model.count_spread == 0) return OM_OK;
    OM_TRY(om_alloc((size_t)p->circuit->n_taps, sizeof(double), &p->counts));
    p->run.counts = p->counts;
    return OM_OK;
}

static om_status prepare_extremes(predicting *p)
{
    const int n = p->x->n_conditions;
    om_window *windows = NULL;
    OM_TRY(om_alloc((size_t)n, sizeof *windows, &windows));
    for (int i = 0; i < n; i++) windows[i] = p->x->conditions[i].window;
    om_status status = om_extremes_create(n, p->circuit->n_types, windows, &p->extremes);
    om_free(windows);
    return status;
}

static om_status prepare(predicting *p)
{
    const om_predict_options *o = p->options;
    for (int i = 0; i < o->n_models; i++)
        if (o->models[i] < 0 || o->models[i] >= p->info->n_models)
            return om_fail(OM_EUSAGE, "%s: there is no model %d: the store holds models 0 to %d",
                           p->info->path, o->models[i], p->info->n_models - 1);
    OM_TRY(om_store_circuit(p->store, 0, &p->circuit));
    OM_TRY(om_experiment_create(o->experiment, p->circuit->extent, &p->x));
    const size_t types = (size_t)p->circuit->n_types, n = (size_t)p->x->n_conditions;
    OM_TRY(prepare_counts(p));
    OM_TRY(prepare_extremes(p));
    OM_TRY(om_alloc(p->info->layout.params.n_params, sizeof(om_real), &p->params));
    OM_TRY(om_alloc(n * types, sizeof(double), &p->peak));
    OM_TRY(om_alloc(INTENSITIES * types, sizeof(double), &p->dsi));
    OM_TRY(om_alloc(INTENSITIES * types, sizeof(double), &p->direction));
    OM_TRY(om_alloc(OM_FLASHES / INTENSITIES * types, sizeof(double), &p->fri));
    return om_prediction_row_create(p->x, (int)types, o->whole, &p->row);
}

static om_status ask_own_share(predicting *p)
{
    const om_predict_options *o = p->options;
    const int ranks = om_ranks_count(), first = om_ranks_number();
    const int all = (o->n_models - first + ranks - 1) / ranks;
    OM_TRY(om_h5_open(o->file, OM_H5_UPDATE, &p->file));
    for (int i = first, done = 0; i < o->n_models; i += ranks) {
        om_prediction one = {0};
        om_status status = ask(p, o->models[i], &one);
        if (status == OM_OK)
            status = om_prediction_file_write(p->file, p->x->kind, i, &one,
                                              one.outcome == OM_PREDICTED ? &p->row : NULL);
        if (status != OM_OK) return om_context(status, "model %d", o->models[i]);
        if (o->tell != NULL) o->tell(o->context, ++done, all);
    }
    om_h5_close(p->file);
    p->file = NULL;
    return OM_OK;
}

static om_status read_outcomes(predicting *p, om_prediction *predictions)
{
    OM_TRY(om_h5_open(p->options->file, OM_H5_READ, &p->file));
    return om_prediction_file_outcomes(p->file, p->x->kind, p->options->n_models, predictions);
}

static void release(predicting *p)
{
    om_h5_close(p->file);
    om_prediction_row_free(&p->row);
    om_extremes_free(p->extremes);
    om_experiment_free(p->x);
    om_circuit_free(p->circuit);
    void *all[] = {p->train, p->counts, p->params, p->peak, p->dsi, p->direction, p->fri};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) om_free(all[i]);
}

om_status om_predict(om_store *store, const om_predict_options *options, om_prediction *predictions)
{
    predicting p = {.options = options, .store = store, .info = om_store_describe(store)};
    const bool makes = om_ranks_number() == 0;
    p.run.whole = options->whole;
    p.run.threads = options->threads;
    if (p.run.threads == 0) p.run.threads = om_node_cores() / om_node_ranks();
    if (p.run.threads < 1) p.run.threads = 1;
    om_status status = om_ranks_agree(prepare(&p));
    if (status == OM_OK)
        status = om_ranks_agree(makes ? om_prediction_file_create(p.info, p.x, options) : OM_OK);
    if (status == OM_OK) {
        status = om_ranks_agree(ask_own_share(&p));
        if (status == OM_OK) status = om_ranks_agree(read_outcomes(&p, predictions));
        if (status != OM_OK && makes) unlink(options->file);
    }
    release(&p);
    return status;
}
