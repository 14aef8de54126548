/* Predictions: models of a store, divided among ranks, see an experiment, and what they answer goes
 * into the file model by model, so that memory holds the responses of one. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "lab/showing.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

typedef struct predicting {
    om_showing showing;
    const om_show *show;
    om_store *store;
    double *counts; /* [n_taps] */
    int *all_types; /* [n_types] 0, 1, ... */
    char (*names)[OM_NAME_BYTES];
    om_text partial; /* name of the file while it is being made */
    om_h5 *file;
    bool locked; /* rank 0 holds the lock of the file to make */
} predicting;

/* ---- one model ---- */

static bool is_trained(const predicting *p)
{
    for (size_t i = 0; i < p->showing.info->layout.params.n_network; i++)
        if (!isfinite(p->showing.params[i])) return false;
    return true;
}

/* Nothing is known of a model until it is shown. */
static void forget(om_showing *s)
{
    const om_h5_field *table = om_prediction_fields(s->options->experiment);
    for (int f = OM_PREDICTED_RESPONSE; f < OM_PREDICTED_TRUE_FLOW; f++) {
        if (s->row[f] == NULL) continue;
        const size_t n = om_prediction_count(&table[f], &s->axes);
        for (size_t i = 0; i < n; i++)
            if (table[f].type == OM_H5_F32)
                ((float *)s->row[f])[i] = NAN;
            else
                ((double *)s->row[f])[i] = NAN;
    }
}

/* A model that diverges, or was not trained, is an outcome and no failure. */
static om_status ask(predicting *p, int model, om_prediction *prediction)
{
    om_showing *s = &p->showing;
    OM_TRY(om_store_read_params(p->store, model, s->params, s->running_mean, s->running_var));
    prediction->outcome = OM_PREDICTED_UNTRAINED;
    snprintf(prediction->message, OM_MESSAGE_BYTES, "it was not checked in training yet");
    if (!is_trained(p)) return OM_OK;
    if (p->counts != NULL) {
        uint32_t stream;
        OM_TRY(om_store_read_stream(p->store, model, &stream));
        om_circuit_draw_counts(s->circuit, s->train->model.count_spread, s->info->seed, stream,
                               p->counts);
    }
    forget(s);
    om_status status = p->show->show(s);
    if (status == OM_EDIVERGED) {
        prediction->outcome = OM_PREDICTED_DIVERGED;
        snprintf(prediction->message, OM_MESSAGE_BYTES, "%s", om_message());
        om_message_clear();
        return OM_OK;
    }
    OM_TRY(status);
    prediction->outcome = OM_PREDICTED;
    memset(prediction->message, 0, OM_MESSAGE_BYTES); /* all of it goes to the file */
    return OM_OK;
}

/* ---- all of them ---- */

/* The types that the file is about, and their names. */
static om_status choose_types(predicting *p)
{
    om_showing *s = &p->showing;
    const om_predict_options *o = s->options;
    const int n = o->types != NULL ? o->n_types : s->info->n_types;
    OM_TRY(om_alloc((size_t)s->info->n_types, sizeof *p->all_types, &p->all_types));
    OM_TRY(om_alloc((size_t)n, sizeof *p->names, &p->names));
    for (int t = 0; t < s->info->n_types; t++) p->all_types[t] = t;
    s->types = o->types != NULL ? o->types : p->all_types;
    for (int t = 0; t < n; t++)
        memcpy(p->names[t], s->info->type_names[s->types[t]], sizeof p->names[t]);
    s->axes.n[OM_PREDICTED_TYPE] = (size_t)n;
    s->axes.values[OM_PREDICTED_TYPE] = p->names;
    return OM_OK;
}

static om_status prepare(predicting *p)
{
    om_showing *s = &p->showing;
    const om_predict_options *o = s->options;
    for (int i = 0; i < o->n_models; i++)
        if (o->models[i] < 0 || o->models[i] >= s->info->n_models)
            return om_fail(OM_EUSAGE, "%s: there is no model %d: the store holds models 0 to %d",
                           s->info->path, o->models[i], s->info->n_models - 1);
    om_text_add(&p->partial, "%s.partial", o->file);
    if (p->partial.failed || p->partial.data == NULL) return om_fail(OM_ENOMEM, "out of memory");
    OM_TRY(om_store_circuit(p->store, 0, &s->circuit));
    OM_TRY(om_alloc(1, sizeof *s->train, &s->train));
    OM_TRY(om_store_read_options(p->store, s->train));
    if (s->train->model.count_spread != 0)
        OM_TRY(om_alloc((size_t)s->circuit->n_taps, sizeof(double), &p->counts));
    s->counts = p->counts;
    OM_TRY(om_alloc(s->info->layout.params.n_params, sizeof(om_real), &s->params));
    s->axes.n[OM_PREDICTED_MODEL] = (size_t)o->n_models;
    s->axes.values[OM_PREDICTED_MODEL] = o->models;
    OM_TRY(choose_types(p));
    OM_TRY(p->show->prepare(s));
    OM_TRY(om_prediction_row_create(o->experiment, &s->axes, s->row));
    return p->show->share(s);
}

/* Rank 0. */
static om_status create_file(predicting *p)
{
    const om_predict_options *o = p->showing.options;
    OM_TRY(om_file_lock(o->file, o->file, "written", "-o"));
    p->locked = true;
    OM_TRY(om_check_new_file(o->file, "-o"));
    if (p->partial.data != NULL) unlink(p->partial.data); /* of a process that was killed */
    return om_prediction_file_create(p->partial.data, p->showing.info, o, &p->showing.axes,
                                     p->showing.row);
}

static om_status ask_own_share(predicting *p)
{
    const om_predict_options *o = p->showing.options;
    const int ranks = om_ranks_count(), first = om_ranks_number();
    const int all = (o->n_models - first + ranks - 1) / ranks;
    for (int i = first, done = 0; i < o->n_models; i += ranks) {
        om_prediction one = {0};
        if (om_stop_signal) {
            om_fail(OM_ESTOPPED, "stopped; nothing was written");
            return om_hint(OM_ESTOPPED, "the same command again");
        }
        p->showing.place = i;
        om_status status = ask(p, o->models[i], &one);
        if (status == OM_OK)
            status = om_prediction_file_write(p->file, o->experiment, i, &one,
                                              one.outcome == OM_PREDICTED ? p->showing.row : NULL);
        if (status != OM_OK) return om_context(status, "model %d", o->models[i]);
        if (o->tell != NULL) o->tell(o->context, ++done, all);
    }
    return OM_OK;
}

/* Every rank reads what all of them wrote. */
static om_status read_outcomes(predicting *p, om_prediction *predictions)
{
    om_h5 *file = NULL;
    OM_TRY(om_h5_open(p->partial.data, OM_H5_READ, &file));
    om_status status = om_prediction_file_outcomes(file, p->showing.options->experiment,
                                                   p->showing.options->n_models, predictions);
    om_h5_close(file);
    return status;
}

/* A file without any prediction would be of no use, and in the way of one with some. */
static om_status check_any(const om_predict_options *o, const om_prediction *predictions)
{
    for (int i = 0; i < o->n_models; i++)
        if (predictions[i].outcome == OM_PREDICTED) return OM_OK;
    return om_fail(OM_EFAIL, "no model could be asked, so nothing was written: model %d: %s",
                   o->models[0], predictions[0].message);
}

static om_status fill(predicting *p, om_prediction *predictions)
{
    const om_predict_options *o = p->showing.options;
    OM_TRY(om_ranks_agree(om_h5_open(p->partial.data, OM_H5_UPDATE, &p->file)));
    p->showing.file = p->file;
    OM_TRY(om_ranks_agree(ask_own_share(p)));
    OM_TRY(om_ranks_agree(read_outcomes(p, predictions)));
    OM_TRY(check_any(o, predictions));
    OM_TRY(om_ranks_agree(
        om_aggregate(p->file, o->experiment, &p->showing.axes, predictions, o->place)));
    om_h5_close(p->file);
    p->file = NULL;
    om_status status = OM_OK;
    if (om_ranks_number() == 0 && rename(p->partial.data, o->file) != 0)
        status = om_fail_errno("cannot be given its name", o->file);
    return om_ranks_agree(status);
}

static void release(predicting *p)
{
    om_showing *s = &p->showing;
    om_h5_close(p->file);
    p->show->release(s);
    for (int f = 0; f < OM_PREDICTED_FIELDS; f++) om_free(s->row[f]);
    om_circuit_free(s->circuit);
    om_free(s->train);
    om_free(s->params);
    om_free(p->counts);
    om_free(p->all_types);
    om_free(p->names);
    om_text_free(&p->partial);
}

om_status om_predict(om_store *store, const om_predict_options *options, om_prediction *predictions)
{
    predicting p = {.showing = {.options = options, .info = om_store_describe(store)},
                    .store = store,
                    .show =
                        options->experiment == OM_FILM_SHOWN ? &om_show_film : &om_show_stimuli};
    const bool makes = om_ranks_number() == 0;
    p.showing.threads = options->threads;
    if (options->threads == 0) p.showing.threads = om_node_cores() / om_node_ranks();
    if (p.showing.threads < 1) p.showing.threads = 1;
    om_status status = om_ranks_agree(prepare(&p));
    if (status == OM_OK) status = om_ranks_agree(makes ? create_file(&p) : OM_OK);
    if (status == OM_OK) {
        status = fill(&p, predictions);
        if (status != OM_OK && makes) unlink(p.partial.data);
    }
    if (p.locked) om_store_unlock(options->file);
    release(&p);
    return status;
}
