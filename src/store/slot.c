/* Slots: how a state is made durable, and found again.
 *
 * A model has two slots, each a header and a state. A commit goes into the slot that does not hold
 * the newest valid state: body, fdatasync, header with the body's checksum, fdatasync. So at every
 * moment the newest committed state is whole on the disk, and a torn write only hurts what was in
 * flight. The header numbers the commits, because a model that was rolled back commits the same
 * iteration again.
 *
 * Slots are written with pwrite() on a plain descriptor, at the place in the file where HDF5 says
 * that the dataset lies: the order of writing and durability then rests on two system calls,
 * without a library that may keep something back, and a full disk comes back as what it is.
 * Everything else goes through MPI-IO; it is a copy (I4). Slots begin and end on whole pages, so
 * that ranks on different nodes never write into the same page. */
#include <math.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "store/store_inside.h"

#define SLOT_MAGIC UINT64_C(0x31544F4C534D4D4F) /* "OMMSLOT1", little endian */

uint64_t om_slot_offset(const om_store *store, int slot, int model)
{
    return store->slots[slot] + (uint64_t)model * store->slot_bytes;
}

static uint64_t header_checksum(const om_slot_header *h)
{
    return om_checksum(h, offsetof(om_slot_header, checksum), 0);
}

static om_slot_fault header_fault(const om_store *store, int model, const om_slot_header *h)
{
    if (h->magic != SLOT_MAGIC) return OM_SLOT_NO_HEADER;
    if (h->checksum != header_checksum(h)) return OM_SLOT_TORN_HEADER;
    if (h->commit == 0 || h->bytes != store->info.layout.bytes || h->model != (uint64_t)model ||
        h->fingerprint != store->info.layout.fingerprint)
        return OM_SLOT_STRANGE;
    return OM_SLOT_VALID;
}

om_status om_slot_read(const om_store *store, int slot, int model, om_slot_header *h,
                       om_state *state, om_slot_fault *fault)
{
    const uint64_t offset = om_slot_offset(store, slot, model);
    *h = (om_slot_header){0};
    *fault = OM_SLOT_UNREADABLE;
    OM_TRY(om_store_read_at(store, h, sizeof *h, offset));
    *fault = header_fault(store, model, h);
    if (*fault != OM_SLOT_VALID) return OM_OK;
    *fault = OM_SLOT_UNREADABLE;
    OM_TRY(om_store_read_at(store, state, h->bytes, offset + OM_SLOT_HEADER_BYTES));
    *fault =
        om_checksum(state, h->bytes, 0) == h->body_checksum ? OM_SLOT_VALID : OM_SLOT_TORN_STATE;
    return OM_OK;
}

/* What both slots of a model hold. */
typedef struct slots {
    int newest;      /* the one with the newest valid state, or -1 */
    uint64_t commit; /* which that is */
    bool written;    /* either was ever written */
} slots;

/* A slot that cannot be read is as good as a torn one, as long as the other one can. state: the newest
 * valid one; NULL: of no use. Errors: why a slot could not be read, where no other is valid. */
static om_status find_newest(om_store *store, int model, slots *found, om_state *state)
{
    om_status unreadable = OM_OK;
    *found = (slots){.newest = -1};
    for (int slot = 0; slot < 2; slot++) {
        om_slot_header h;
        om_slot_fault fault;
        const om_status status = om_slot_read(store, slot, model, &h, store->scratch, &fault);
        if (status != OM_OK) unreadable = status;
        if (h.magic != 0) found->written = true;
        if (fault != OM_SLOT_VALID || h.commit <= found->commit) continue;
        found->newest = slot;
        found->commit = h.commit;
        if (state != NULL) memcpy(state, store->scratch, h.bytes);
    }
    if (found->newest < 0 && unreadable != OM_OK) return unreadable;
    if (unreadable != OM_OK) om_message_clear();
    return OM_OK;
}

static om_status fail_state(const om_store *store, const char *what, uint64_t found,
                            uint64_t expected)
{
    return om_fail(OM_EDATA, "%s: a state's %s is %llu, the store's is %llu", store->info.path,
                   what, (unsigned long long)found, (unsigned long long)expected);
}

om_status om_slot_check_state(const om_store *store, int model, const om_state *state)
{
    om_status status = om_state_check(&store->info.layout, state);
    if (status != OM_OK) return om_context(status, "%s", store->info.path);
    if (state->seed != store->info.seed)
        return fail_state(store, "seed", state->seed, store->info.seed);
    if (om_state_number(state) != model)
        return fail_state(store, "model", (uint64_t)om_state_number(state), (uint64_t)model);
    return OM_OK;
}

void om_slot_copies(const om_state_layout *l, om_copy copies[OM_COPIES])
{
    const om_layout *p = &l->params;
    const size_t best = l->at_best_params, real = sizeof(om_real);
    const om_copy all[OM_COPIES] = {
        {OM_MODEL_STREAM, offsetof(om_state, model)},
        {OM_MODEL_RETRIES, offsetof(om_state, retries)},
        {OM_MODEL_REPLACED_AT, offsetof(om_state, replaced_at)},
        {OM_HISTORY_LOSS, l->at_history_loss},
        {OM_HISTORY_EPE, l->at_history_epe},
        {OM_VALIDATION_L2NORM, l->at_check_l2norm},
        {OM_VALIDATION_EPE, l->at_check_epe},
        {OM_VALIDATION_SCENE_EPE, l->at_best_scene_epe},
        {OM_PARAMS_RESTING_POTENTIAL, best + p->resting_potential * real},
        {OM_PARAMS_TIME_CONSTANT, best + p->time_constant * real},
        {OM_PARAMS_STRENGTH, best + p->strength * real},
        {OM_PARAMS_DECODER, best + p->decoder * real},
        {OM_PARAMS_RUNNING_MEAN, l->at_best_running_mean},
        {OM_PARAMS_RUNNING_VAR, l->at_best_running_var},
    };
    memcpy(copies, all, sizeof all);
}

static om_status write_copies(om_store *store, int model, const om_state *state)
{
    om_copy copies[OM_COPIES];
    om_slot_copies(&store->info.layout, copies);
    for (int i = 0; i < OM_COPIES; i++)
        OM_TRY(om_store_put(store, copies[i].field, model, om_state_view(state, copies[i].at)));
    return OM_OK;
}

static om_status write_slot(om_store *store, int slot, int model, uint64_t commit,
                            const om_state *state)
{
    const uint64_t offset = om_slot_offset(store, slot, model);
    om_slot_header h = {
        .magic = SLOT_MAGIC,
        .commit = commit,
        .iteration = state->iteration,
        .bytes = state->bytes,
        .model = (uint64_t)model,
        .fingerprint = state->fingerprint,
        .body_checksum = om_checksum(state, state->bytes, 0),
    };
    h.checksum = header_checksum(&h);
    /* as late as can be: a job that was asleep may wake up in a store that is no longer its own */
    OM_TRY(om_store_check_fence(store));
    OM_TRY(om_store_write_at(store, state, state->bytes, offset + OM_SLOT_HEADER_BYTES));
    OM_TRY(om_store_sync(store));
    OM_TRY(om_store_check_fence(store));
    OM_TRY(om_store_write_at(store, &h, sizeof h, offset));
    return om_store_sync(store);
}

om_status om_store_commit(om_store *store, int model, const om_state *state)
{
    OM_TRY(om_store_check_write(store));
    OM_TRY(om_store_check_model(store, model));
    OM_TRY(om_slot_check_state(store, model, state));
    slots found;
    OM_TRY(find_newest(store, model, &found, NULL));
    OM_TRY(write_slot(store, found.newest == 0 ? 1 : 0, model, found.commit + 1, state));
    return write_copies(store, model, state);
}

om_status om_store_repair(om_store *store, int model, const om_state *state)
{
    OM_TRY(om_store_check_write(store));
    OM_TRY(om_store_check_model(store, model));
    OM_TRY(om_slot_check_state(store, model, state));
    return write_copies(store, model, state);
}

/* ---- loading ---- */

/* Numbers that are not reached yet are NaN; counters are no numbers here. */
bool om_slot_copy_is_empty(const om_h5_data *data, const void *row)
{
    const bool single = data->field->type == OM_H5_F32;
    if (!single && data->field->type != OM_H5_F64) return true;
    const size_t n = om_h5_row_bytes(data) / data->item_bytes;
    for (size_t i = 0; i < n; i++)
        if (!isnan(single ? (double)((const float *)row)[i] : ((const double *)row)[i]))
            return false;
    return true;
}

/* Whether commits have left numbers outside the slots. */
static om_status find_traces(om_store *store, int model, bool *found)
{
    om_copy copies[OM_COPIES];
    om_slot_copies(&store->info.layout, copies);
    *found = false;
    for (int i = 0; i < OM_COPIES && !*found; i++) {
        const om_h5_data *data = &store->data[copies[i].field];
        if (data->id == 0) continue;
        void *row = NULL;
        OM_TRY(om_alloc(om_h5_row_bytes(data), 1, &row));
        const om_status status = om_store_get(store, copies[i].field, model, row);
        *found = status == OM_OK && !om_slot_copy_is_empty(data, row);
        om_free(row);
        OM_TRY(status);
    }
    return OM_OK;
}

/* Of a model without a valid state: whether it has had one. A job that was killed before the model's first
 * commit leaves iterations in a row that is "running", and nothing else. */
static om_status look_for_loss(om_store *store, int model, bool written)
{
    int32_t status;
    uint64_t iteration;
    bool lost = written;
    OM_TRY(om_store_get(store, OM_MODEL_STATUS, model, &status));
    OM_TRY(om_store_get(store, OM_MODEL_ITERATION, model, &iteration));
    if (!lost) lost = status != OM_MODEL_RUNNING && iteration > 0;
    if (!lost) OM_TRY(find_traces(store, model, &lost));
    if (!lost) return OM_OK;
    return om_fail(OM_EDATA,
                   "%s: model %d: " OM_SLOTS_LOST "; try an older copy, or --retrain-damaged",
                   store->info.path, model);
}

om_status om_store_load(om_store *store, int model, om_state *state, bool *found)
{
    /* A reader may look at each slot just while it is being written; the writer itself cannot. */
    enum { LOOKS = 20 };
    slots s = {.newest = -1};
    *found = false;
    OM_TRY(om_store_check_model(store, model));
    for (int look = 0; look < LOOKS; look++) {
        OM_TRY(find_newest(store, model, &s, state));
        if (s.newest >= 0 || !s.written || store->mode == OM_STORE_WRITE) break;
        om_sleep_s(0.001 * (look + 1));
    }
    if (s.newest < 0) return look_for_loss(store, model, s.written);
    *found = true;
    return om_slot_check_state(store, model, state);
}
