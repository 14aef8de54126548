/* ommatid export: what a store holds, as text or flat arrays for other programs. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/open_store.h"
#include "ommatid/om_params.h"
#include "ommatid/om_store.h"

typedef enum table { HISTORY, VALIDATION, PARAMS, MODELS } table;
static const char *const tables[] = {"history", "validation", "params", "models", NULL};

static struct {
    const char *output;
    int table, model, extent;
    bool flat, force;
} set = {.table = -1, .model = -1};

static const om_option options[] = {
    {"table", 't', OM_OPTION_CHOICE, "TABLE", "what to write; default: params", .value = &set.table,
     .choices = tables},
    {"model", 'm', OM_OPTION_INT, "K", "only this model; default: all", .value = &set.model,
     .least = 0, .most = 1e6},
    {"output", 'o', OM_OPTION_FILE, "FILE", "write there instead of printing",
     .value = &set.output},
    {"flat", 0, OM_OPTION_FLAG, NULL, "one model as arrays of cells and connections, in HDF5",
     .value = &set.flat},
    {"extent", 0, OM_OPTION_INT, "N", "with --flat: size of the lattice; default: the store's",
     .value = &set.extent, .least = 1, .most = OM_LATTICE_MAX_EXTENT},
    {"force", 0, OM_OPTION_FLAG, NULL, "replace FILE if it is there", .value = &set.force},
    {0},
};

/* Room for what is read of one model. */
typedef struct reading {
    const om_store_info *info;
    om_store *store;
    FILE *out;
    om_real *params, running_mean[OM_HIDDEN], running_var[OM_HIDDEN];
    float *loss, *epe;
    om_model_row *rows;
    int lines; /* of history or validation that were written */
} reading;

/* A number as CSV: empty where there is none. */
static void put(FILE *out, double x)
{
    if (isfinite(x))
        fprintf(out, ",%.9g", x);
    else
        fputc(',', out);
}

static om_status export_history(reading *r, int model, bool checks)
{
    const om_store_info *info = r->info;
    int n = checks ? info->layout.n_checks : info->layout.n_records;
    const uint64_t *iteration = checks ? info->check_iteration : info->record_iteration;
    if (checks)
        OM_TRY(om_store_read_history(r->store, model, NULL, NULL, r->loss, r->epe));
    else
        OM_TRY(om_store_read_history(r->store, model, r->loss, r->epe, NULL, NULL));
    for (int i = 0; i < n; i++) {
        if (isnan(r->loss[i]) && isnan(r->epe[i])) continue; /* not reached */
        fprintf(r->out, "%d,", model);
        om_csv_iteration(r->out,
                         info->imported_from != NULL ? r->rows[model].iteration : iteration[i]);
        put(r->out, (double)r->loss[i]);
        put(r->out, (double)r->epe[i]);
        fputc('\n', r->out);
        r->lines++;
    }
    return OM_OK;
}

/* Free parameters of the network, one a line; the decoder's 7,000 numbers are for --json. */
static om_status export_params(reading *r, int model)
{
    const om_store_info *info = r->info;
    const om_layout *l = &info->layout.params;
    OM_TRY(om_store_read_params(r->store, model, r->params, r->running_mean, r->running_var));
    const char *kind[] = {"resting_potential", "time_constant"};
    const size_t first[] = {l->resting_potential, l->time_constant};
    for (int k = 0; k < 2; k++)
        for (int t = 0; t < info->n_types; t++) {
            fprintf(r->out, "%d,%s,%s,", model, kind[k], info->type_names[t]);
            put(r->out, (double)r->params[first[k] + (size_t)t]);
            fputc('\n', r->out);
        }
    for (int p = 0; p < info->n_pairs; p++) {
        fprintf(r->out, "%d,strength,%s,%s", model, info->type_names[info->pair_source[p]],
                info->type_names[info->pair_target[p]]);
        put(r->out, (double)r->params[l->strength + (size_t)p]);
        fputc('\n', r->out);
    }
    return OM_OK;
}

static void export_row(reading *r, int model)
{
    const om_model_row *row = &r->rows[model];
    fprintf(r->out, "%d,%s,", model, om_model_status_name(row->status));
    om_csv_iteration(r->out, row->iteration);
    fprintf(r->out, ",%d,%.3f,%u,%u,%g,%u,", row->worker, row->seconds, row->attempts, row->retries,
            om_rate_factor(row->retries), row->stream);
    om_csv_replaced_at(r->out, row->stream, row->replaced_at);
    fputc(',', r->out);
    om_csv_text(r->out, row->message);
    fputc('\n', r->out);
}

static om_status export_csv(reading *r)
{
    const char *head[] = {"model,iteration,loss,epe", "model,iteration,l2norm,epe",
                          "model,parameter,type_or_source,target,value",
                          "model,status,iteration,worker,seconds,attempts,retries,rate_factor,"
                          "stream,replaced_at,message"};
    fprintf(r->out, "%s\n", head[set.table]);
    for (int m = 0; m < r->info->n_models; m++) {
        if (set.model >= 0 && m != set.model) continue;
        if (set.table == PARAMS)
            OM_TRY(export_params(r, m));
        else if (set.table == MODELS)
            export_row(r, m);
        else
            OM_TRY(export_history(r, m, set.table == VALIDATION));
    }
    return OM_OK;
}

/* ---- JSON: the parameters of a model, decoder included ---- */

static json_t *numbers(const om_real *x, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, isfinite(x[i]) ? json_real((double)x[i]) : json_null());
    return list;
}

static json_t *by_type(const reading *r, size_t first)
{
    json_t *object = json_object();
    for (int t = 0; t < r->info->n_types; t++) {
        double x = (double)r->params[first + (size_t)t];
        json_object_set_new(object, r->info->type_names[t],
                            isfinite(x) ? json_real(x) : json_null());
    }
    return object;
}

static json_t *by_pair(const reading *r)
{
    const om_store_info *info = r->info;
    json_t *list = json_array();
    for (int p = 0; p < info->n_pairs; p++) {
        double x = (double)r->params[info->layout.params.strength + (size_t)p];
        json_array_append_new(list, json_pack("{s:s s:s s:o}", "source",
                                              info->type_names[info->pair_source[p]], "target",
                                              info->type_names[info->pair_target[p]], "value",
                                              isfinite(x) ? json_real(x) : json_null()));
    }
    return list;
}

static json_t *decoder(const reading *r)
{
    const om_layout *l = &r->info->layout.params;
    const om_real *p = r->params;
    json_t *object = json_object();
    json_object_set_new(object, "conv1_weight",
                        numbers(p + l->conv1_weight, l->conv1_bias - l->conv1_weight));
    json_object_set_new(object, "conv1_bias", numbers(p + l->conv1_bias, OM_HIDDEN));
    json_object_set_new(object, "norm_weight", numbers(p + l->norm_weight, OM_HIDDEN));
    json_object_set_new(object, "norm_bias", numbers(p + l->norm_bias, OM_HIDDEN));
    json_object_set_new(object, "running_mean", numbers(r->running_mean, OM_HIDDEN));
    json_object_set_new(object, "running_var", numbers(r->running_var, OM_HIDDEN));
    json_object_set_new(object, "conv2_weight",
                        numbers(p + l->conv2_weight, l->conv2_bias - l->conv2_weight));
    json_object_set_new(object, "conv2_bias", numbers(p + l->conv2_bias, OM_HEAD));
    return object;
}

static om_status export_json(reading *r)
{
    json_t *list = json_array();
    om_status status = OM_OK;
    for (int m = 0; m < r->info->n_models && status == OM_OK; m++) {
        if (set.model >= 0 && m != set.model) continue;
        status = om_store_read_params(r->store, m, r->params, r->running_mean, r->running_var);
        if (status != OM_OK) break;
        json_array_append_new(
            list, json_pack("{s:i s:o s:o s:o s:o}", "model", m, "resting_potential",
                            by_type(r, r->info->layout.params.resting_potential), "time_constant",
                            by_type(r, r->info->layout.params.time_constant), "strength",
                            by_pair(r), "decoder", decoder(r)));
    }
    json_t *whole = json_pack("{s:s s:I s:o}", "name", r->info->name, "seed",
                              (json_int_t)r->info->seed, "models", list);
    if (status == OM_OK && r->out != stdout) {
        if (json_dumpf(whole, r->out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) != 0)
            status = om_fail_errno("cannot be written", set.output);
        json_decref(whole);
    } else if (status == OM_OK) {
        status = om_command_print_json(whole);
    } else {
        json_decref(whole);
    }
    return status;
}

/* A head without lines below it has a reason. */
static void explain_empty(const reading *r)
{
    if (r->lines > 0 || (set.table != HISTORY && set.table != VALIDATION)) return;
    const bool untrained = set.table == HISTORY && r->info->layout.iterations == 0;
    fprintf(stderr, "%s: there is no %s: %s\n", r->info->path, tables[set.table],
            r->info->imported_from != NULL ? "its models were trained elsewhere"
            : untrained                    ? "its models are not trained (train.task: none)"
                                           : "nothing is recorded yet");
}

static om_status allocate(reading *r)
{
    const om_state_layout *l = &r->info->layout;
    size_t most = (size_t)(l->n_records > l->n_checks ? l->n_records : l->n_checks);
    OM_TRY(om_alloc(l->params.n_params, sizeof(om_real), &r->params));
    OM_TRY(om_alloc(most, sizeof(float), &r->loss));
    OM_TRY(om_alloc(most, sizeof(float), &r->epe));
    OM_TRY(om_alloc((size_t)r->info->n_models, sizeof *r->rows, &r->rows));
    return om_store_read_rows(r->store, r->rows);
}

/* That it can be made, and that --force does not write over the store that is being read. */
static om_status check_output(const char *store)
{
    struct stat from, to;
    if (set.output == NULL) return OM_OK;
    if (stat(set.output, &to) != 0) return om_check_folder(set.output);
    if (stat(store, &from) != 0) return OM_OK; /* is told when it is opened */
    if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
        return om_fail(OM_EUSAGE, "export: -o %s is the store itself", set.output);
    return OM_OK;
}

/* Opens the file to write. */
static om_status open_output(reading *r)
{
    r->out = stdout;
    if (set.output == NULL) return OM_OK;
    r->out = fopen(set.output, set.force ? "w" : "wx");
    if (r->out != NULL) return OM_OK;
    if (errno != EEXIST) return om_fail_errno("cannot be created", set.output);
    om_fail(OM_EFAIL, "%s: exists already", set.output);
    return om_hint(OM_EFAIL, "--force, or another name after -o");
}

/* The model is a word of its own here: there is exactly one. */
static om_status run_flat(const om_arguments *args)
{
    int64_t model = set.model;
    if (args->json || set.table >= 0)
        return om_fail(OM_EUSAGE, "export: --flat is neither a table nor --json");
    if (args->n == 2 && (!om_parse_int(args->words[1], &model) || model < 0 || model > 1000000))
        return om_fail(OM_EUSAGE, "export: '%s': expected the number of a model", args->words[1]);
    if (model < 0 || set.output == NULL) {
        om_fail(OM_EUSAGE, "export: --flat needs a model and a file to write");
        return om_hint(OM_EUSAGE, "ommatid export --flat %s 0 -o model-0.h5", args->words[0]);
    }
    om_store *store;
    OM_TRY(om_command_open_store(args->words[0], &store));
    om_status status = om_store_flatten(store, (int)model, set.extent, set.force, set.output);
    om_store_close(store);
    if (status == OM_EIO && !set.force && access(set.output, F_OK) == 0) om_hint(status, "--force");
    return status;
}

static om_status run(const om_arguments *args)
{
    reading r = {0};
    OM_TRY(check_output(args->words[0]));
    if (set.flat) return run_flat(args);
    if (args->n > 1 || set.extent > 0) {
        om_fail(OM_EUSAGE, "export: a model after the store, and --extent, are of --flat");
        return om_hint(OM_EUSAGE, "ommatid export --help");
    }
    if (args->json && set.table >= 0 && set.table != PARAMS) {
        om_fail(OM_EUSAGE, "export: --json is of params, not of %s", tables[set.table]);
        return om_hint(OM_EUSAGE, "without --json: %s as CSV", tables[set.table]);
    }
    if (set.table < 0) set.table = PARAMS;
    OM_TRY(om_command_open_store(args->words[0], &r.store));
    r.info = om_store_describe(r.store);
    om_status status = OM_OK;
    if (set.model >= r.info->n_models)
        status = om_fail(OM_EUSAGE, "model %d: the store has models 0 to %d", set.model,
                         r.info->n_models - 1);
    if (status == OM_OK) status = allocate(&r);
    if (status == OM_OK) status = open_output(&r);
    if (status == OM_OK) status = args->json ? export_json(&r) : export_csv(&r);
    if (status == OM_OK && !args->quiet) explain_empty(&r);
    if (r.out != NULL && r.out != stdout) {
        bool bad = ferror(r.out) != 0;
        if ((fclose(r.out) != 0 || bad) && status == OM_OK)
            status = om_fail_errno("cannot be written", set.output);
        if (status != OM_OK) unlink(set.output);
    }
    om_free(r.params);
    om_free(r.loss);
    om_free(r.epe);
    om_free(r.rows);
    om_store_close(r.store);
    return status;
}

const om_command om_cmd_export = {
    .name = "export",
    .summary = "tables as CSV, parameters as JSON, a model as flat arrays",
    .synopsis = "STORE [-t TABLE] [-m K] [-o FILE] | --flat STORE MODEL -o FILE [--extent N]",
    .details =
        "CSV is one table with a line for each value. With --json: the best parameters of the\n"
        "models, with their decoders. With --flat: HDF5 with type, column, resting potential and\n"
        "time constant of every cell, and cells and weight of every connection, at any extent.",
    .options = options,
    .json = true,
    .least = 1,
    .most = 2,
    .example = "ommatid export quickstart.h5 -t history -o history.csv\n"
               "ommatid export quickstart.h5 -m 3 --json -o model-3.json\n"
               "ommatid export --flat quickstart.h5 3 -o model-3.h5",
    .run = run,
};
