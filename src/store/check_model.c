/* Proving one model: both slots, the state that counts, and the rows that repeat it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_check.h"
#include "store/store_inside.h"

static const double FIRST_WAIT_S = 0.05;
static const char AGAIN[] = "the same run command trains again what is lost";
static const char REWRITE[] = "the same run command: it writes the row anew from the state";
static const char IMPORT[] = "importing the models again";
static const char COPY[] = "an older copy of the store, if there is one";
static const char LOST[] = "an older copy of the store, or the same run command with "
                           "--retrain-damaged: it begins the model anew";
static const char READ[] = "a copy of the store on another disk";

static const char *const faults[] = {
    [OM_SLOT_NO_HEADER] = "it does not begin with OMMSLOT1",
    [OM_SLOT_TORN_HEADER] = "its header does not have its checksum",
    [OM_SLOT_STRANGE] = "its header is of another model or layout",
    [OM_SLOT_TORN_STATE] = "its state does not have its checksum",
    [OM_SLOT_UNREADABLE] = "it cannot be read",
};

/* What is seen at one moment. */
typedef struct look {
    om_slot_header header[2];
    om_slot_fault fault[2];
    char unread[2][OM_FINDING_BYTES / 2]; /* why it cannot be read */
    bool written[2];
    int newest;
    om_status state; /* whether the newest state can be used, and why not */
    char why[OM_FINDING_BYTES];
    int64_t differs[OM_COPIES]; /* byte of the file where a copy differs first; -1: it agrees */
    bool traces;                /* copies hold numbers */
    int32_t status;             /* the live row */
    uint64_t iteration, seed;
} look;

static bool is_zero(const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i < bytes; i++)
        if (byte[i] != 0) return false;
    return true;
}

/* The message of the last failure, without the file's name. */
static void keep_reason(const om_store *store, char *text, size_t bytes)
{
    const char *message = om_message();
    const size_t path = strlen(store->info.path);
    if (strncmp(message, store->info.path, path) == 0 && strncmp(message + path, ": ", 2) == 0)
        message += path + 2;
    snprintf(text, bytes, "%s", message);
    om_message_clear();
}

static om_status look_at_slots(om_store *store, int model, om_state *state, look *l)
{
    l->newest = -1;
    for (int s = 0; s < 2; s++) {
        const bool unread =
            om_slot_read(store, s, model, &l->header[s], store->scratch, &l->fault[s]) != OM_OK;
        if (unread) keep_reason(store, l->unread[s], sizeof l->unread[s]);
        l->written[s] = unread || !is_zero(&l->header[s], sizeof l->header[s]);
        if (l->fault[s] != OM_SLOT_VALID ||
            (l->newest >= 0 && l->header[s].commit < l->header[l->newest].commit))
            continue;
        l->newest = s;
        memcpy(state, store->scratch, store->info.layout.bytes);
    }
    l->state = l->newest < 0 ? OM_OK : om_slot_check_state(store, model, state);
    if (l->state != OM_OK) snprintf(l->why, sizeof l->why, "%s", om_message());
    return OM_OK;
}

static om_status look_at_copies(om_store *store, int model, const om_state *state, look *l)
{
    om_copy copies[OM_COPIES];
    om_slot_copies(&store->info.layout, copies);
    for (int i = 0; i < OM_COPIES; i++) {
        const om_h5_data *data = &store->data[copies[i].field];
        l->differs[i] = -1;
        if (data->id == 0) continue;
        const size_t bytes = om_h5_row_bytes(data);
        unsigned char *row = NULL;
        uint64_t offset = 0;
        OM_TRY(om_h5_offset(data, &offset));
        OM_TRY(om_alloc(bytes, 1, &row));
        om_status status = om_store_get(store, copies[i].field, model, row);
        if (status == OM_OK && !om_slot_copy_is_empty(data, row)) l->traces = true;
        const unsigned char *expected = om_state_view(state, copies[i].at);
        for (size_t k = 0; status == OM_OK && l->newest >= 0 && k < bytes; k++)
            if (row[k] != expected[k]) {
                l->differs[i] = (int64_t)(offset + (uint64_t)model * bytes + k);
                break;
            }
        om_free(row);
        OM_TRY(status);
    }
    return OM_OK;
}

static om_status take_look(om_store *store, int model, om_state *state, look *l)
{
    memset(l, 0, sizeof *l);
    OM_TRY(look_at_slots(store, model, state, l));
    OM_TRY(look_at_copies(store, model, state, l));
    OM_TRY(om_store_get(store, OM_MODEL_STATUS, model, &l->status));
    OM_TRY(om_store_get(store, OM_MODEL_ITERATION, model, &l->iteration));
    return om_store_get(store, OM_MODEL_SEED, model, &l->seed);
}

static uint64_t state_iteration(const look *l)
{
    return l->newest < 0 ? 0 : l->header[l->newest].iteration;
}

/* Whether nothing needs a second look. */
static bool is_clean(const look *l)
{
    for (int s = 0; s < 2; s++)
        if (l->written[s] && l->fault[s] != OM_SLOT_VALID) return false;
    for (int i = 0; i < OM_COPIES; i++)
        if (l->differs[i] >= 0) return false;
    return l->state == OM_OK &&
           (l->status == OM_MODEL_RUNNING || l->iteration == state_iteration(l));
}

/* ---- what it means ---- */

typedef struct judge {
    const om_store *store;
    const look *look;
    int model;
    bool live, moving; /* a job may be writing; it has, while we looked */
    om_model_proof *proof;
    om_findings *findings;
} judge;

static om_finding finding(const judge *j, bool damage, om_field field, int64_t at,
                          const char *remedy)
{
    if (damage) j->proof->damaged = true;
    if (damage && j->store->info.imported_from != NULL) remedy = IMPORT;
    return (om_finding){damage, j->model, om_schema[field].path, at, remedy, ""};
}

/* Why a slot is not to be believed. */
static const char *fault_of(const look *l, int s)
{
    return l->fault[s] == OM_SLOT_UNREADABLE ? l->unread[s] : faults[l->fault[s]];
}

/* A slot that is not to be believed beside one that is. */
static void judge_beside_valid(const judge *j, int s)
{
    const look *l = j->look;
    const om_slot_header *h = &l->header[s], *newest = &l->header[l->newest];
    const om_field field = OM_CHECKPOINT_A + s;
    const int64_t at = (int64_t)om_slot_offset(j->store, s, j->model);
    const bool body_only = l->fault[s] == OM_SLOT_TORN_STATE;
    if (l->fault[s] == OM_SLOT_VALID) return;
    if (!l->written[s]) {
        /* of a model that is done there is no later commit to lose */
        if (newest->commit > 1 && newest->iteration < j->store->info.layout.iterations)
            om_findings_add(j->findings, finding(j, true, field, at, AGAIN),
                            "is empty, but has been written: a later commit than that of iteration "
                            "%llu may be lost",
                            (unsigned long long)newest->iteration);
    } else if (body_only && h->commit < newest->commit) {
        if (!j->live)
            om_findings_add(j->findings, finding(j, false, field, at, NULL),
                            "holds a commit that was not finished, or damage, in the place of an "
                            "older state: nothing is lost");
    } else if (!j->moving) {
        om_findings_add(j->findings, finding(j, true, field, at, AGAIN),
                        "%s: %s is lost, the other slot has iteration %llu", fault_of(l, s),
                        body_only ? "the newest commit" : "perhaps the newest commit",
                        (unsigned long long)newest->iteration);
    }
}

/* Whether a model without a valid state has had one, as om_store_load() sees it. */
static bool is_lost(const look *l)
{
    return l->written[0] || l->written[1] || l->traces ||
           (l->status != OM_MODEL_RUNNING && l->iteration > 0);
}

static void judge_slots(const judge *j)
{
    const look *l = j->look;
    if (l->newest >= 0) {
        judge_beside_valid(j, 1 - l->newest);
        return;
    }
    if (!is_lost(l) || j->moving) return;
    for (int s = 0; s < 2; s++) {
        const bool unread = l->fault[s] == OM_SLOT_UNREADABLE;
        om_findings_add(j->findings,
                        finding(j, true, OM_CHECKPOINT_A + s,
                                (int64_t)om_slot_offset(j->store, s, j->model),
                                unread ? READ : LOST),
                        "%s; " OM_SLOTS_LOST, l->written[s] ? fault_of(l, s) : "it is empty");
    }
}

static void judge_copies(const judge *j)
{
    om_copy copies[OM_COPIES];
    om_slot_copies(&j->store->info.layout, copies);
    for (int i = 0; i < OM_COPIES; i++)
        if (j->look->differs[i] >= 0 && !j->moving)
            om_findings_add(j->findings,
                            finding(j, true, copies[i].field, j->look->differs[i], REWRITE),
                            "its row is not that of the model's state");
}

/* Iterations that a model is trained for; an imported one has its own behind it. */
static uint64_t all_iterations(const look *l, const om_store *store)
{
    return store->info.imported_from != NULL && l->newest >= 0 ? state_iteration(l)
                                                               : store->info.layout.iterations;
}

static void judge_row(const judge *j)
{
    const look *l = j->look;
    const uint64_t done = state_iteration(l), all = all_iterations(l, j->store);
    if (l->status < OM_MODEL_WAITING || l->status > OM_MODEL_FAILED)
        om_findings_add(j->findings, finding(j, true, OM_MODEL_STATUS, -1, COPY),
                        "has %d, expected 0 to %d", l->status, OM_MODEL_FAILED);
    else if (l->status == OM_MODEL_DONE && done < all && !j->proof->damaged && !j->moving)
        om_findings_add(j->findings, finding(j, true, OM_MODEL_STATUS, -1, AGAIN),
                        "says done, but the state has %llu of %llu iterations",
                        (unsigned long long)done, (unsigned long long)all);
    else if (l->status == OM_MODEL_RUNNING && !j->live)
        om_findings_add(j->findings, finding(j, false, OM_MODEL_STATUS, -1, NULL),
                        "was being trained when its job ended");
    if (l->status == OM_MODEL_RUNNING || j->live || l->iteration == done) return;
    if (l->iteration < done)
        om_findings_add(j->findings, finding(j, false, OM_MODEL_ITERATION, -1, REWRITE),
                        "says %llu, the state has %llu: its job ended in between",
                        (unsigned long long)l->iteration, (unsigned long long)done);
    else if (!j->proof->damaged && (j->proof->retries > 0 || j->proof->replacements > 0))
        om_findings_add(j->findings, finding(j, false, OM_MODEL_ITERATION, -1, REWRITE),
                        "says %llu, the state has %llu: it was set back",
                        (unsigned long long)l->iteration, (unsigned long long)done);
    else if (!j->proof->damaged)
        om_findings_add(j->findings, finding(j, true, OM_MODEL_ITERATION, -1, AGAIN),
                        "says that %llu iterations are committed, the state has %llu",
                        (unsigned long long)l->iteration, (unsigned long long)done);
}

static om_resume resume_of(const look *l, const om_store *store)
{
    if (l->state != OM_OK) return OM_RESUME_REFUSED;
    if (l->status == OM_MODEL_DIVERGED) return OM_RESUME_DIVERGED;
    if (l->newest < 0) return is_lost(l) ? OM_RESUME_REFUSED : OM_RESUME_START;
    if (l->status == OM_MODEL_STOPPED) return OM_RESUME_STOPPED;
    return state_iteration(l) >= all_iterations(l, store) ? OM_RESUME_NOTHING : OM_RESUME_GO_ON;
}

static void fill_proof(const judge *j)
{
    const look *l = j->look;
    *j->proof = (om_model_proof){.newest = l->newest,
                                 .iteration = state_iteration(l),
                                 .status = l->status,
                                 .resume = resume_of(l, j->store)};
    for (int s = 0; s < 2; s++)
        j->proof->slots[s] = (om_slot_proof){.written = l->written[s],
                                             .fault = l->written[s] ? faults[l->fault[s]] : NULL,
                                             .commit = l->header[s].commit,
                                             .iteration = l->header[s].iteration,
                                             .at = om_slot_offset(j->store, s, j->model)};
}

om_status om_check_model(om_store *store, int model, bool live, double *patience_s, om_state *state,
                         om_model_proof *proof, om_findings *findings)
{
    look first, l;
    OM_TRY(om_store_check_model(store, model));
    OM_TRY(take_look(store, model, state, &l));
    first = l;
    double wait = FIRST_WAIT_S;
    for (int looks = 1; !is_clean(&l) && *patience_s > 0 && (looks < 2 || live); looks++) {
        om_sleep_s(wait);
        *patience_s -= wait;
        wait *= 1.5;
        OM_TRY(take_look(store, model, state, &l));
    }
    const bool moving =
        live && !is_clean(&l) &&
        (memcmp(first.header, l.header, sizeof l.header) != 0 || first.iteration != l.iteration);
    const judge j = {store, &l, model, live, moving, proof, findings};
    fill_proof(&j);
    if (l.newest >= 0 && l.state == OM_OK) {
        proof->retries = (int)state->retries;
        proof->replacements = om_state_replacements(state);
    }
    judge_slots(&j);
    if (l.state != OM_OK)
        om_findings_add(findings,
                        finding(&j, true, OM_CHECKPOINT_A + l.newest,
                                (int64_t)om_slot_offset(store, l.newest, model), COPY),
                        "its state has its checksum, but cannot be used: %s", l.why);
    judge_copies(&j);
    if (l.seed != store->info.seed)
        om_findings_add(findings, finding(&j, true, OM_MODEL_SEED, -1, COPY),
                        "is %llu, the store's seed is %llu", (unsigned long long)l.seed,
                        (unsigned long long)store->info.seed);
    judge_row(&j);
    return OM_OK;
}
