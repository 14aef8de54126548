/* Making a store of models that were trained elsewhere. All of them are read and checked first; the
 * store is made under another name and gets its own when every model is in it. Who makes it holds its
 * lock: what an import that was killed has left under the other name is then nobody's. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "ensemble/job.h"
#include "ensemble/ranking.h"
#include "parallel/stop.h"
#include "store/flyvis.h"
#include "store/h5.h"

enum { MOST_LISTED = 12 };

_Static_assert((int)OM_IMPORT_BEST == (int)OM_CHECKPOINT_BEST &&
                   (int)OM_IMPORT_LEAST_EPE == (int)OM_CHECKPOINT_LEAST_EPE &&
                   (int)OM_IMPORT_LEAST_LOSS == (int)OM_CHECKPOINT_LEAST_LOSS,
               "a choice is passed on as it is");

typedef struct import {
    const om_import_options *options;
    om_flyvis *folder;
    om_circuit *circuit;
    om_flyvis_model *models; /* [n_models] those that could be read */
    char (*sources)[OM_SOURCE_BYTES];
    int n_models, n_failed, n_epe, n_l2norm; /* of the models, those whose error is known */
    int n_taken[OM_FLYVIS_N_LOSSES];         /* of the models, by what decided their loss */
    om_text faults;
    om_text spec_text;
    om_spec spec;
    om_state_layout layout;
    om_scenes *scenes; /* none at all */
    om_store *store;
    bool locked;
    char path[PATH_MAX]; /* of the store until it is complete; "": not begun */
} import;

static om_status check_stop(void)
{
    if (!om_stop_signal) return OM_OK;
    om_fail(OM_ESTOPPED, "stopped; nothing was written");
    return om_hint(OM_ESTOPPED, "the same command again");
}

/* --- reading --------------------------------------------------------------------------------- */

static void report(const om_flyvis_model *m, int row)
{
    fprintf(stderr, "model %d: %s", row, m->source);
    if (!isnan(m->epe)) fprintf(stderr, ", EPE %.4f", m->epe);
    if (!isnan(m->l2norm)) fprintf(stderr, ", l2norm %.2f", m->l2norm);
    fputc('\n', stderr);
}

static void count(import *j, const om_flyvis_model *m)
{
    j->n_models++;
    j->n_epe += !isnan(m->epe);
    j->n_l2norm += !isnan(m->l2norm);
    j->n_taken[m->loss]++;
}

static om_status read_models(import *j)
{
    const om_import_options *o = j->options;
    const om_flyvis_choice choice = {o->checkpoint, o->says_loss, o->loss};
    size_t n = (size_t)j->folder->n;
    OM_TRY(om_alloc(n, sizeof *j->models, &j->models));
    OM_TRY(om_alloc(n, sizeof *j->sources, &j->sources));
    for (int i = 0; i < j->folder->n; i++) {
        om_flyvis_model *m = &j->models[j->n_models];
        OM_TRY(check_stop());
        om_status status = om_flyvis_read(j->folder, i, &choice, j->circuit, m);
        if (status == OM_OK) {
            memcpy(j->sources[j->n_models], m->source, sizeof m->source);
            if (!o->quiet) report(m, j->n_models);
            count(j, m);
            continue;
        }
        om_free(m->params);
        m->params = NULL;
        if (status == OM_ENOMEM) return status;
        if (j->n_failed++ < MOST_LISTED) om_text_add(&j->faults, "\n  %s", om_message());
    }
    if (j->n_failed > MOST_LISTED)
        om_text_add(&j->faults, "\n  and %d more", j->n_failed - MOST_LISTED);
    if (j->faults.failed) return om_fail(OM_ENOMEM, "no memory");
    if (j->n_models > 0) return OM_OK;
    return om_fail(OM_EDATA, "%s: none of its %d models could be read:%s", j->folder->path,
                   j->folder->n, j->faults.data);
}

/* --- what was taken for what ----------------------------------------------------------------- */

/* A line for each guess, after `start`, and one for the measure that ranks them. */
static void add_notes(const import *j, const char *start, om_text *out)
{
    static const char *const taken[OM_FLYVIS_N_LOSSES] = {
        [OM_FLYVIS_LOSS_EPE_FIRST] = "EPE, as the first release stores it",
        [OM_FLYVIS_LOSS_EPE_SMALL] = "EPE, being too small for an l2norm",
        [OM_FLYVIS_LOSS_L2NORM_LARGE] = "l2norm, being too large for an EPE",
        [OM_FLYVIS_LOSS_L2NORM_TRAINED] = "l2norm, which training writes there",
    };
    for (int k = 0; k < OM_FLYVIS_N_LOSSES; k++)
        if (taken[k] != NULL && j->n_taken[k] > 0)
            om_text_add(out, "%sthe stored loss of %d of %d models is taken for %s (--loss)\n",
                        start, j->n_taken[k], j->n_models, taken[k]);
    if (j->n_epe + j->n_l2norm == 0)
        om_text_add(out, "%sno error of these models is known: they are not ranked\n", start);
    else if (j->n_epe == 0)
        om_text_add(out, "%sno EPE is known: they are ranked by l2norm\n", start);
    else if (j->n_epe < j->n_models)
        om_text_add(out,
                    "%sEPE is known of %d of %d models, l2norm of %d: they are ranked by EPE, the "
                    "others not\n",
                    start, j->n_epe, j->n_models, j->n_l2norm);
}

static om_status print_notes(const import *j)
{
    om_text text = {0};
    add_notes(j, "note: ", &text);
    if (!text.failed && text.data != NULL) fputs(text.data, stderr);
    const bool failed = text.failed;
    om_text_free(&text);
    return failed ? om_fail(OM_ENOMEM, "no memory") : OM_OK;
}

/* --- the spec that the store keeps ----------------------------------------------------------- */

static void add_quoted(om_text *out, const char *text)
{
    om_text_add(out, "\"");
    for (; *text != '\0'; text++)
        om_text_add(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
    om_text_add(out, "\"");
}

/* The store's file without folder and ending. */
static void add_name(om_text *out, const char *store)
{
    const char *slash = strrchr(store, '/'), *name = slash != NULL ? slash + 1 : store;
    const char *dot = strrchr(name, '.');
    int length = dot != NULL && dot != name ? (int)(dot - name) : (int)strlen(name);
    char short_name[sizeof(((om_spec *)0)->name)];
    snprintf(short_name, sizeof short_name, "%.*s", length, name);
    add_quoted(out, short_name);
}

static bool is_path(const char *circuit)
{
    const char *dot = strrchr(circuit, '.');
    return strchr(circuit, '/') != NULL ||
           (dot != NULL && (strcmp(dot, ".circuit") == 0 || strcmp(dot, ".json") == 0));
}

/* How the published models were trained; whoever trained these will have done much the same. */
static om_status write_spec(import *j)
{
    om_text *out = &j->spec_text;
    const char *circuit = j->options->circuit;
    char *absolute = is_path(circuit) ? realpath(circuit, NULL) : NULL;
    om_text_add(out,
                "# Made by `ommatid import`: models that were trained elsewhere. It says how the "
                "paper's were\n# trained, but cannot be run: their films are not here.\n# from: ");
    for (const char *c = j->folder->path; *c != '\0'; c++)
        om_text_add(out, "%c", (unsigned char)*c < ' ' ? '?' : *c);
    om_text_add(out, "\n");
    add_notes(j, "# ", out);
    om_text_add(out, "name: ");
    add_name(out, j->options->store);
    om_text_add(out, "\nmodels: %d\ncircuit:\n  source: ", j->n_models);
    add_quoted(out, absolute != NULL ? absolute : circuit);
    om_text_add(out,
                "\n  extent: %d\nscenes:\n  source: films-of-the-authors.h5\n"
                "train:\n  profile: paper\n%s",
                j->circuit->extent,
                j->n_epe == 0 && j->n_l2norm > 0 ? "  selection: l2norm\n" : "");
    free(absolute);
    if (out->failed) return om_fail(OM_ENOMEM, "no memory");
    om_status status = om_spec_parse("the spec of the import", out->data, &j->spec);
    return status == OM_OK ? OM_OK : om_context(status, "%s", j->options->store);
}

/* --- the store ------------------------------------------------------------------------------- */

static om_status reserve(import *j)
{
    char path[PATH_MAX];
    const int n = snprintf(path, sizeof path, "%s.import", j->options->store);
    if (n < 0 || (size_t)n >= sizeof path)
        return om_fail(OM_EIO, "%s: the path is too long", j->options->store);
    OM_TRY(om_file_lock(j->options->store, j->options->store, "made", "-o"));
    j->locked = true;
    memcpy(j->path, path, sizeof j->path);
    if (unlink(path) != 0 && errno != ENOENT) return om_fail_errno("cannot be removed", path);
    return om_remove_leftovers(path, ".partial.");
}

static om_status create(import *j)
{
    const om_baselines unknown = {NAN, NAN, NAN, NAN};
    OM_TRY(reserve(j));
    OM_TRY(om_scenes_create(NULL, 0, j->circuit->extent, 24, &j->scenes));
    j->layout = om_state_layout_of_trained(j->circuit, OM_ITERATION_UNKNOWN);
    const om_store_plan plan = {.name = j->spec.name,
                                .spec_text = j->spec_text.data,
                                .seed = j->spec.seed,
                                .n_models = j->n_models,
                                .circuit = j->circuit,
                                .scenes = j->scenes,
                                .train = &j->spec.train,
                                .layout = &j->layout,
                                .baselines = &unknown,
                                .imported_from = j->folder->path,
                                .sources = (const char(*)[OM_SOURCE_BYTES])j->sources};
    OM_TRY(om_store_create(j->path, &plan));
    return om_store_open(j->path, OM_STORE_WRITE, &j->store);
}

/* A state at the end of its training whose parameters are its best ones. */
static void fill_state(const import *j, const om_flyvis_model *m, om_state *state)
{
    const om_state_layout *l = &j->layout;
    const size_t params[] = {l->at_params, l->at_best_params};
    const size_t mean[] = {l->at_running_mean, l->at_best_running_mean};
    const size_t var[] = {l->at_running_var, l->at_best_running_var};
    for (int i = 0; i < 2; i++) {
        memcpy(om_state_at(state, params[i]), m->params, l->params.n_params * sizeof(om_real));
        memcpy(om_state_at(state, mean[i]), m->running_mean, sizeof m->running_mean);
        memcpy(om_state_at(state, var[i]), m->running_var, sizeof m->running_var);
    }
    memcpy(om_state_at(state, l->at_pass_params), m->params, l->params.n_network * sizeof(om_real));
    float epe = (float)m->epe, l2norm = (float)m->l2norm;
    memcpy(om_state_at(state, l->at_check_epe), &epe, sizeof epe);
    memcpy(om_state_at(state, l->at_check_l2norm), &l2norm, sizeof l2norm);
    state->iteration = m->iteration;
    state->n_checks = 1;
    state->best_check = 0;
    state->best_epe = m->epe;
    state->best_l2norm = m->l2norm;
}

static om_status commit(import *j, int row, om_state *state)
{
    om_model_row live = {.seed = j->spec.seed,
                         .status = OM_MODEL_DONE,
                         .iteration = j->models[row].iteration,
                         .worker = -1};
    om_state_init(&j->layout, j->circuit, &j->spec.train, j->spec.seed, (uint32_t)row, state);
    fill_state(j, &j->models[row], state);
    om_note_small_time_constants(j->circuit, j->models[row].params + j->layout.params.time_constant,
                                 j->spec.train.batch.dt_s, live.message);
    OM_TRY(om_store_commit(j->store, row, state));
    return om_store_write_row(j->store, row, &live);
}

static om_status publish(const import *j)
{
    const char *name = j->options->store;
    if (link(j->path, name) == 0) return OM_OK;
    return om_fail_errno("cannot be created", name);
}

/* The user knows the store by its own name only. */
static om_status name_store(const import *j, om_status status)
{
    const char *message = om_message(), *at = j->path[0] ? strstr(message, j->path) : NULL;
    if (status == OM_OK || at == NULL) return status;
    return om_fail(status, "%.*s%s%s", (int)(at - message), message, j->options->store,
                   at + strlen(j->path));
}

static om_status fill_store(import *j)
{
    om_state *state = NULL;
    OM_TRY(name_store(j, create(j)));
    om_status status = om_alloc(j->layout.bytes, 1, &state);
    for (int i = 0; i < j->n_models && status == OM_OK; i++) {
        status = check_stop();
        if (status == OM_OK) status = commit(j, i, state);
    }
    if (status == OM_OK) status = om_ranking_store(j->store);
    om_free(state);
    om_store_close(j->store);
    j->store = NULL;
    if (status == OM_OK) status = check_stop();
    return status == OM_OK ? publish(j) : status;
}

static om_status run(import *j)
{
    OM_TRY(om_check_new_file(j->options->store, "-o"));
    OM_TRY(om_flyvis_open(j->options->folder, &j->folder));
    OM_TRY(om_flyvis_circuit(j->folder, j->options->circuit, &j->circuit));
    OM_TRY(read_models(j));
    OM_TRY(write_spec(j));
    OM_TRY(fill_store(j));
    if (!j->options->quiet)
        fprintf(stderr, "wrote %s: %d of %d models\n", j->options->store, j->n_models,
                j->folder->n);
    if (!j->options->quiet) OM_TRY(print_notes(j));
    if (j->n_failed == 0) return OM_OK;
    om_fail(OM_EFAIL, "%s: %d of %d models could not be read:%s", j->folder->path, j->n_failed,
            j->folder->n, j->faults.data);
    if (!j->options->partial) return OM_EFAIL;
    if (!j->options->quiet) fprintf(stderr, "%s\n", om_message());
    return OM_OK;
}

om_status om_ensemble_import(const om_import_options *options)
{
import j = {.options = options };
    om_stop_listen();
    om_status status = run(&j);
    om_store_close(j.store);
    if (j.path[0] != '\0') unlink(j.path);
    if (j.locked) om_store_unlock(options->store);
    for (int i = 0; i < j.n_models; i++) om_free(j.models[i].params);
    om_free(j.models);
    om_free(j.sources);
    om_text_free(&j.faults);
    om_text_free(&j.spec_text);
    om_scenes_free(j.scenes);
    om_circuit_free(j.circuit);
    om_flyvis_close(j.folder);
    return status;
}
