/* Validation: the battery (flashes and moving edges) is shown to the models of a store, and to
 * untrained ones of the same circuit, by ranks that each keep the rows of theirs in the measures file
 * as they finish them. A row whose checksum does not hold for the model's parameters is not there. */
#include "ommatid/om_validation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "lab/battery.h"
#include "lab/measures.h"
#include "lab/measures_file.h"
#include "ommatid/om_params.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

/* A *subject* is a model of the store, or an untrained one; untrained ones come after the models. */
typedef struct subjects {
    om_store *store;
    const om_store_info *info;
    const char *file;
    char *default_file;
    om_circuit *circuit;
    om_train_options *train;
    double *counts;  /* [n_taps] of the subject; NULL: the circuit's */
    om_real *params; /* of the subject */
    om_real running_mean[OM_HIDDEN], running_var[OM_HIDDEN]; /* not used */
    om_state *state;                                         /* of an untrained one */
    om_validation *v;
} subjects;

static int count_subjects(const subjects *s) { return s->v->n_models + s->v->n_controls; }

static bool is_untrained(const subjects *s, int i) { return i >= s->v->n_models; }

static om_validated *subject(const subjects *s, int i)
{
    return is_untrained(s, i) ? &s->v->untrained[i - s->v->n_models] : &s->v->models[i];
}

static om_status open_subjects(om_store *store, const char *file, double speed, subjects *s)
{
    *s = (subjects){.store = store, .info = om_store_describe(store), .file = file};
    if (file == NULL) {
        OM_TRY(om_validation_file(s->info->path, &s->default_file));
        s->file = s->default_file;
    }
    const om_state_layout *l = &s->info->layout;
    OM_TRY(om_store_circuit(store, 0, &s->circuit));
    OM_TRY(om_validation_create(s->circuit, s->info->n_models, OM_CONTROLS, speed, &s->v));
    OM_TRY(om_alloc(1, sizeof *s->train, &s->train));
    OM_TRY(om_store_read_options(store, s->train));
    if (s->train->model.count_spread > 0)
        OM_TRY(om_alloc((size_t)s->circuit->n_taps, sizeof(double), &s->counts));
    OM_TRY(om_alloc(l->params.n_params, sizeof(om_real), &s->params));
    return om_alloc(l->bytes, 1, &s->state);
}

static void close_subjects(subjects *s)
{
    om_validation_free(s->v);
    om_circuit_free(s->circuit);
    om_free(s->train);
    om_free(s->counts);
    om_free(s->params);
    om_free(s->state);
    om_free(s->default_file);
}

/* Parameters that a model has now, or that an untrained one starts from. */
static om_status read_params(subjects *s, int i)
{
    const om_state_layout *l = &s->info->layout;
    const uint32_t number = (uint32_t)subject(s, i)->model;
    if (!is_untrained(s, i))
        return om_store_read_params(s->store, (int)number, s->params, s->running_mean,
                                    s->running_var);
    /* the distribution is the store's; the draws are ours, so that a circuit's controls are the same
     * whether models were trained here or imported */
    s->train->init.draws = OM_DRAWS_PHILOX;
    OM_TRY(om_state_init(l, s->circuit, s->train, number, 0, s->state));
    memcpy(s->params, om_state_at(s->state, l->at_params), l->params.n_params * sizeof(om_real));
    return OM_OK;
}

static om_status draw_counts(subjects *s, int i)
{
    const int number = subject(s, i)->model;
    const bool untrained = is_untrained(s, i);
    uint32_t stream = 0;
    if (s->counts == NULL) return OM_OK;
    if (!untrained) OM_TRY(om_store_read_stream(s->store, number, &stream));
    om_circuit_draw_counts(s->circuit, s->train->model.count_spread,
                           untrained ? (uint64_t)number : s->info->seed, stream, s->counts);
    return OM_OK;
}

/* Of the parameters and of what a row keeps; never 0, which says that it is empty. */
static uint64_t checksum_of(const subjects *s, const om_validated *m)
{
    const size_t types = (size_t)s->v->n_types * sizeof(double);
    const int32_t outcome = (int32_t)m->prediction.outcome;
    uint64_t sum = om_checksum(s->params, s->info->layout.params.n_network * sizeof(om_real), 0);
    sum = om_checksum(&outcome, sizeof outcome, sum);
    sum = om_checksum(m->prediction.message, OM_MESSAGE_BYTES, sum);
    sum = om_checksum(m->fri, OM_BATTERY_RADII * types, sum);
    sum = om_checksum(m->peak, OM_BATTERY_EDGES * types, sum);
    return sum != 0 ? sum : 1;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static om_status read_subject(subjects *s, om_h5 *file, int i)
{
    om_validated *m = subject(s, i);
    uint64_t checksum;
    OM_TRY(read_params(s, i));
    OM_TRY(om_measures_file_read(file, is_untrained(s, i), m, &checksum));
    if (checksum == checksum_of(s, m))
        return m->prediction.outcome == OM_PREDICTED ? om_validated_derive(s->v, m) : OM_OK;
    m->prediction = (om_prediction){.outcome = OM_PREDICTED_NOT_YET};
    snprintf(m->prediction.message, OM_MESSAGE_BYTES, "%s",
             checksum == 0 ? "it was not validated yet"
                           : "it was trained on since it was validated");
    om_validated_clear(s->v, m);
    return OM_OK;
}

static om_status read_file(subjects *s)
{
    om_h5 *file = NULL;
    OM_TRY(om_h5_open(s->file, OM_H5_READ, &file));
    om_status status = om_measures_file_check(file, s->file, s->info);
    for (int i = 0; status == OM_OK && i < count_subjects(s); i++)
        status = read_subject(s, file, i);
    om_h5_close(file);
    return status;
}

om_status om_validation_read(om_store *store, const char *file, double speed,
                             om_validation **validation)
{
    subjects s;
    *validation = NULL;
    om_status status = open_subjects(store, file, speed, &s);
    if (status == OM_OK && access(s.file, F_OK) != 0) {
        om_fail(OM_EIO, "%s: is not there: the models were not validated yet", s.file);
        status = om_hint(OM_EIO, "ommatid validate %s", s.info->path);
    }
    if (status == OM_OK) status = read_file(&s);
    if (status == OM_OK) {
        *validation = s.v;
        s.v = NULL;
    }
    close_subjects(&s);
    return status;
}

om_status om_validation_file(const char *store, char **path)
{
    static const char ending[] = ".h5";
    const size_t n = strlen(store), end = sizeof ending - 1, bytes = n + sizeof ".measures.h5";
    const bool has = n > end && strcmp(store + n - end, ending) == 0;
    OM_TRY(om_alloc(bytes, 1, path));
    snprintf(*path, bytes, "%.*s.measures.h5", (int)(has ? n - end : n), store);
    return OM_OK;
}

/* ---- asking ------------------------------------------------------------------------------------ */

typedef struct asking {
    subjects *s;
    const om_validate_options *options;
    om_experiment_options run;
    om_battery battery;
} asking;

static om_status show_battery(const asking *q, om_validated *m)
{
    OM_TRY(om_battery_show(&q->battery, q->s->circuit, q->s->params, &q->run, m->fri, m->peak));
    return om_validated_derive(q->s->v, m);
}

static bool is_trained(const subjects *s)
{
    for (size_t i = 0; i < s->info->layout.params.n_network; i++)
        if (!isfinite(s->params[i])) return false;
    return true;
}

static void leave_out(const subjects *s, om_validated *m, om_predicted outcome, const char *message)
{
    om_validated_clear(s->v, m);
    m->prediction = (om_prediction){.outcome = outcome};
    snprintf(m->prediction.message, OM_MESSAGE_BYTES, "%s", message);
}

/* A model that diverges, or was not trained, is an outcome and no failure. */
static om_status ask(const asking *q, int i)
{
    subjects *s = q->s;
    om_validated *m = subject(s, i);
    OM_TRY(read_params(s, i));
    m->prediction = (om_prediction){.outcome = OM_PREDICTED};
    if (!is_trained(s)) {
        leave_out(s, m, OM_PREDICTED_UNTRAINED, "it was not checked in training yet");
        return OM_OK;
    }
    OM_TRY(draw_counts(s, i));
    om_status status = show_battery(q, m);
    if (status != OM_EDIVERGED) return status;
    leave_out(s, m, OM_PREDICTED_DIVERGED, om_message());
    om_message_clear();
    return OM_OK;
}

static om_status ask_and_keep(const asking *q, om_h5 *file, int i)
{
    const om_validated *m = subject(q->s, i);
    const bool untrained = is_untrained(q->s, i);
    om_status status = ask(q, i);
    if (status == OM_OK)
        status = om_measures_file_write(file, q->s->v, untrained, m, checksum_of(q->s, m));
    return status == OM_OK
               ? OM_OK
               : om_context(status, untrained ? "untrained model %d" : "model %d", m->model);
}

/* missing: [n] subjects, of which this rank does every so many-th. */
static om_status ask_own_share(asking *q, const int *missing, int n)
{
    const int ranks = om_ranks_count(), first = om_ranks_number();
    om_h5 *file = NULL;
    if (first >= n) return OM_OK;
    OM_TRY(om_battery_create(q->s->circuit, &q->battery));
    OM_TRY(om_h5_open(q->s->file, OM_H5_UPDATE, &file));
    om_status status = OM_OK;
    for (int i = first, done = 0; status == OM_OK && i < n; i += ranks) {
        if (om_stop_signal) {
            status = om_fail(OM_ESTOPPED, "stopped; finished models are kept");
            om_hint(OM_ESTOPPED, "the same command again: it goes on from there");
            break;
        }
        status = ask_and_keep(q, file, missing[i]);
        if (status == OM_OK && q->options->tell != NULL)
            q->options->tell(q->options->context, ++done, n);
    }
    om_h5_close(file);
    return status;
}

/* Which subjects the file lacks. missing: [count_subjects()]. */
static om_status look(subjects *s, int *missing, int *n)
{
    *n = 0;
    OM_TRY(read_file(s));
    for (int i = 0; i < count_subjects(s); i++)
        if (subject(s, i)->prediction.outcome == OM_PREDICTED_NOT_YET) missing[(*n)++] = i;
    return OM_OK;
}

/* Rank 0 looks, and makes the file if it is not there. A file that lacks nothing is only read, and
 * needs no lock; one that another job has written in the meantime is looked at again. */
static om_status find_missing(subjects *s, const char *command, int *missing, int *n, bool *locked)
{
    *n = 0;
    if (access(s->file, F_OK) == 0) {
        OM_TRY(look(s, missing, n));
        if (*n == 0) return OM_OK;
    }
    OM_TRY(om_check_folder(s->file));
    OM_TRY(om_file_lock(s->file, s->info->path, "validated", "--measures"));
    *locked = true;
    if (access(s->file, F_OK) != 0)
        OM_TRY(om_measures_file_create(s->file, s->info, command, s->v));
    return look(s, missing, n);
}

/* The rows are of all speeds: what is derived for another is made by reading them. */
static om_status complete(om_store *store, const om_validate_options *options)
{
    subjects s;
    int *missing = NULL, n = 0;
    bool locked = false;
    asking q = {.s = &s, .options = options};
    om_status status = open_subjects(store, options->file, 0, &s);
    if (status == OM_OK) status = om_alloc((size_t)count_subjects(&s), sizeof *missing, &missing);
    status = om_ranks_agree(status);
    if (status != OM_OK || missing == NULL) goto done; /* the latter never alone */
    q.run = (om_experiment_options){
        .threads = options->threads, .activation = s.train->model.activation, .counts = s.counts};
    if (q.run.threads == 0) q.run.threads = om_node_cores() / om_node_ranks();
    if (q.run.threads < 1) q.run.threads = 1;
    if (om_ranks_number() == 0) status = find_missing(&s, options->command, missing, &n, &locked);
    status = om_ranks_agree(status);
    if (status != OM_OK) goto done;
    om_ranks_share_bytes(&n, sizeof n);
    om_ranks_share_bytes(missing, (size_t)count_subjects(&s) * sizeof *missing);
    status = om_ranks_agree(ask_own_share(&q, missing, n));
done:
    if (locked) om_store_unlock(s.file);
    om_battery_free(&q.battery);
    om_free(missing);
    close_subjects(&s);
    return status;
}

om_status om_validate(om_store *store, const om_validate_options *options,
                      om_validation **validation)
{
    *validation = NULL;
    OM_TRY(om_battery_check_speed(options->speed));
    OM_TRY(complete(store, options));
    return om_ranks_agree(om_validation_read(store, options->file, options->speed, validation));
}
