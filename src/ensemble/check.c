/* Proving a store: what the store knows of itself, and what only the layers above it know: the spec, and the
 * ranking. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_check.h"
#include "ommatid/om_ensemble.h"
#include "store/h5.h"

static const double PATIENCE_S = 10;
static const char COPY[] = "a copy of the store; states and their numbers are not concerned";

/* The message of the last failure: its first line, without the file's name. */
static const char *reason(const char *path)
{
    static char text[OM_FINDING_BYTES];
    const char *message = om_message();
    if (strncmp(message, path, strlen(path)) == 0 && strncmp(message + strlen(path), ": ", 2) == 0)
        message += strlen(path) + 2;
    snprintf(text, sizeof text, "%.*s", (int)strcspn(message, "\n"), message);
    return text;
}

/* What cannot be read is a finding, and the rest is looked at all the same. */
static om_status absorb(om_check *c, int model, om_status status)
{
    static const char copy[] = "a copy of the store";
    if (status == OM_OK || status == OM_ENOMEM) return status;
    om_findings_add(&c->findings, (om_finding){true, model, "", -1, copy, ""}, "%s",
                    reason(om_store_describe(c->store)->path));
    om_message_clear();
    return OM_OK;
}

/* ---- a file that cannot be opened ---- */

/* Whether it is a store all the same, but for its damage. */
static om_status judge_unopened(const char *path, om_status status, om_check *c)
{
    static const char pad[] =
        "another copy; or, to look at what is left: copy the file, give it back its "
        "length with truncate -s, and check that";
    static const char copy[] = "another copy: HDF5 cannot find the data without it";
    om_finding f = {true, -1, "", -1, copy, ""};
    uint64_t found, made;
    char message[2 * OM_FINDING_BYTES], why[OM_FINDING_BYTES];
    if (status == OM_ENOMEM) return status;
    snprintf(message, sizeof message, "%s", om_message());
    snprintf(why, sizeof why, "%s", reason(path));
    if (!om_store_recognise(path))
        return om_fail(access(path, R_OK) != 0 && errno == EACCES ? OM_EIO : OM_EDATA, "%s",
                       message);
    if (om_h5_is_cut(path, &found, &made)) {
        f.remedy = pad;
        f.at = (int64_t)found;
        om_findings_add(&c->findings, f, "is cut short: %llu of %llu bytes are there",
                        (unsigned long long)found, (unsigned long long)made);
    } else {
        om_findings_add(&c->findings, f, "cannot be opened: %s", why);
    }
    om_message_clear();
    return OM_OK;
}

/* ---- spec ---- */

/* Whether the spec's text can be read, and makes what the store has. */
static om_status check_spec(om_check *c, const om_circuit *circuit)
{
    const om_store_info *info = om_store_describe(c->store);
    const om_finding f = {true, -1, "/", -1, COPY, ""};
    om_spec spec;
    om_spec_defaults(&spec);
    om_status status = om_spec_parse("attribute 'spec'", info->spec_text, &spec);
    if (status == OM_ENOMEM) return status;
    if (status != OM_OK) {
        om_findings_add(&c->findings, f, "%s", reason(info->path));
        return OM_OK;
    }
    if (circuit == NULL || info->imported_from != NULL) return OM_OK;
    spec.train.convolution = om_convolution_at(spec.train.convolution, circuit->extent);
    const om_store_plan plan = {.name = spec.name,
                                .seed = spec.seed,
                                .n_models = spec.models,
                                .circuit = circuit,
                                .train = &spec.train,
                                .race = spec.race};
    status = om_store_matches(c->store, &plan);
    if (status == OM_ENOMEM) return status;
    if (status != OM_OK) om_findings_add(&c->findings, f, "%s", reason(info->path));
    return OM_OK;
}

/* ---- models ---- */

static om_status check_models(om_check *c, bool live)
{
    const om_store_info *info = om_store_describe(c->store);
    double patience_s = PATIENCE_S;
    om_state *state = NULL;
    OM_TRY(om_alloc(1, info->layout.bytes, &state));
    om_status status = om_alloc((size_t)info->n_models, sizeof *c->models, &c->models);
    for (int m = 0; m < info->n_models && status == OM_OK; m++) {
        c->models[m] = (om_model_proof){.newest = -1, .resume = OM_RESUME_REFUSED, .damaged = true};
        status = absorb(
            c, m,
            om_check_model(c->store, m, live, &patience_s, state, &c->models[m], &c->findings));
    }
    om_free(state);
    return status;
}

/* ---- ranking ---- */

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-9 * fabs(b);
}

static om_status compare_ranking(om_check *c, const om_ranked *ranked, const om_ranking *stored)
{
    static const char anew[] = "the same run command: it ranks the models anew";
    const om_store_info *info = om_store_describe(c->store);
    for (int i = 0; i < info->n_models; i++) {
        const om_ranked *r = &ranked[i];
        const bool placed = r->place > 0;
        const double error = !placed                          ? (double)NAN
                             : info->selection == OM_LOSS_EPE ? r->epe
                                                              : r->l2norm;
        const char *where = stored->place[r->model] != r->place - 1      ? "/ranking/place"
                            : !same(stored->error[r->model], error)      ? "/ranking/error"
                            : !same(stored->spread[r->model], r->spread) ? "/ranking/spread"
                            : !same(stored->stability[r->model], r->stability)
                                ? "/ranking/stability"
                                : NULL;
        if (where == NULL) continue;
        om_findings_add(&c->findings, (om_finding){true, r->model, where, -1, anew, ""},
                        "is not what the models' errors make it");
    }
    return OM_OK;
}

/* A ranking is written when a run ends in good order: later ones, and kills, leave it behind. */
static om_status check_ranking(om_check *c)
{
    const om_store_info *info = om_store_describe(c->store);
    const size_t n = (size_t)info->n_models;
    om_run_row run;
    om_ranked *ranked = NULL;
    om_ranking stored = {0};
    OM_TRY(om_store_read_run(c->store, &run));
    if (run.trainers != 0 || (run.started <= 0 && info->imported_from == NULL)) return OM_OK;
    om_status status = om_alloc(n, sizeof *ranked, &ranked);
    if (status == OM_OK) status = om_ensemble_rank(c->store, info->selection, ranked);
    if (status == OM_OK) status = om_store_read_ranking(c->store, &stored);
    if (status == OM_OK) status = compare_ranking(c, ranked, &stored);
    om_free(ranked);
    om_store_free_ranking(&stored);
    return status;
}

/* ---- all of it ---- */

static bool models_are_whole(const om_check *c)
{
    const int n = om_store_describe(c->store)->n_models;
    for (int m = 0; m < n; m++)
        if (c->models[m].damaged) return false;
    return true;
}

static om_status check_opened(om_check *c, void (*structure_done)(void))
{
    const bool live = c->lock == OM_LOCK_LIVE || c->lock == OM_LOCK_ELSEWHERE;
    om_circuit *circuit = NULL;
    om_status status = absorb(c, -1, om_check_structure(c->store, &c->findings, &circuit));
    if (structure_done != NULL) structure_done();
    if (status == OM_OK) status = check_spec(c, circuit);
    if (status == OM_OK) status = check_models(c, live);
    if (status == OM_OK && !live && models_are_whole(c)) status = absorb(c, -1, check_ranking(c));
    om_circuit_free(circuit);
    return status;
}

om_status om_ensemble_check(const char *path, void (*structure_done)(void), om_check *c)
{
    *c = (om_check){0};
    c->lock = om_store_inspect_lock(path, c->holder);
    om_status status = om_store_open(path, OM_STORE_READ, &c->store);
    status = status == OM_OK ? check_opened(c, structure_done) : judge_unopened(path, status, c);
    for (size_t i = 0; i < c->findings.n; i++) c->n_damage += c->findings.items[i].damage;
    if (c->findings.failed) return om_fail(OM_ENOMEM, "%s: no memory for what was found", path);
    return status;
}

void om_check_free(om_check *c)
{
    om_store_close(c->store);
    om_free(c->models);
    om_findings_free(&c->findings);
    *c = (om_check){0};
}
