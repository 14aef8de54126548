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
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/fail.h"
#include "store/store_inside.h"

typedef struct header {
    uint64_t magic;
    uint64_t commit; /* 1, 2, 3, ...: the highest valid one is the model's state */
    uint64_t iteration;
    uint64_t bytes; /* of the state */
    uint64_t model;
    uint64_t fingerprint; /* of the state's layout */
    uint64_t body_checksum;
    uint64_t checksum; /* of this header up to here */
} header;

_Static_assert(sizeof(header) == OM_SLOT_HEADER_BYTES, "headers have a fixed size");

#define SLOT_MAGIC UINT64_C(0x31544F4C534D4D4F) /* "OMMSLOT1", little endian */

static off_t slot_offset(const om_store *store, int slot, int model)
{
    return (off_t)(store->slots[slot] + (uint64_t)model * store->slot_bytes);
}

static om_status write_at(const om_store *store, const void *data, size_t bytes, off_t offset)
{
    for (const char *rest = data; bytes > 0;) {
        ssize_t n = pwrite(store->descriptor, rest, bytes, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return om_fail_errno("a state cannot be written", store->info.path);
        rest += n, offset += n, bytes -= (size_t)n;
    }
    return OM_OK;
}

static om_status read_at(const om_store *store, void *data, size_t bytes, off_t offset)
{
    for (char *rest = data; bytes > 0;) {
        ssize_t n = pread(store->descriptor, rest, bytes, offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return om_fail_errno("a state cannot be read", store->info.path);
        if (n == 0) return om_fail(OM_EDATA, "%s: the file has become shorter", store->info.path);
        rest += n, offset += n, bytes -= (size_t)n;
    }
    return OM_OK;
}

static om_status sync_data(const om_store *store)
{
    if (fdatasync(store->descriptor) == 0) return OM_OK;
    return om_fail_errno("a state cannot be made durable", store->info.path);
}

static uint64_t header_checksum(const header *h)
{
    return om_checksum(h, offsetof(header, checksum), 0);
}

static bool header_is_valid(const om_store *store, int model, const header *h)
{
    return h->magic == SLOT_MAGIC && h->checksum == header_checksum(h) && h->commit > 0 &&
           h->bytes == store->info.layout.bytes && h->model == (uint64_t)model &&
           h->fingerprint == store->info.layout.fingerprint;
}

/* Reads a slot's header, and its body into `state` if the header is valid. */
static om_status read_slot(const om_store *store, int slot, int model, header *h, om_state *state,
                           bool *valid)
{
    off_t offset = slot_offset(store, slot, model);
    *valid = false;
    OM_TRY(read_at(store, h, sizeof *h, offset));
    if (!header_is_valid(store, model, h)) return OM_OK;
    OM_TRY(read_at(store, state, h->bytes, offset + OM_SLOT_HEADER_BYTES));
    *valid = om_checksum(state, h->bytes, 0) == h->body_checksum;
    return OM_OK;
}

/* The slot that holds the newest valid state, or -1, and which commit that is. written: whether
 * either slot was ever written. */
static om_status find_newest(om_store *store, int model, int *newest, uint64_t *commit,
                             bool *written)
{
    *newest = -1;
    *commit = 0;
    *written = false;
    for (int slot = 0; slot < 2; slot++) {
        header h;
        bool valid;
        OM_TRY(read_slot(store, slot, model, &h, store->scratch, &valid));
        if (h.magic != 0) *written = true;
        if (valid && h.commit > *commit) {
            *newest = slot;
            *commit = h.commit;
        }
    }
    return OM_OK;
}

static om_status fail_state(const om_store *store, const char *what, uint64_t found,
                            uint64_t expected)
{
    return om_fail(OM_EDATA, "%s: a state's %s is %llu, the store's is %llu", store->info.path,
                   what, (unsigned long long)found, (unsigned long long)expected);
}

static om_status check_state(const om_store *store, int model, const om_state *state)
{
    om_status status = om_state_check(&store->info.layout, state);
    if (status != OM_OK) return om_context(status, "%s: model %d", store->info.path, model);
    if (state->seed != store->info.seed)
        return fail_state(store, "seed", state->seed, store->info.seed);
    if (state->model != (uint32_t)model)
        return fail_state(store, "model", state->model, (uint64_t)model);
    return OM_OK;
}

/* The rows that repeat what a state holds. Before the first check nothing is best yet. */
static om_status write_copies(om_store *store, int model, const om_state *state)
{
    const om_state_layout *l = &store->info.layout;
    OM_TRY(om_store_put(store, OM_HISTORY_LOSS, model, om_state_view(state, l->at_history_loss)));
    OM_TRY(om_store_put(store, OM_HISTORY_EPE, model, om_state_view(state, l->at_history_epe)));
    OM_TRY(
        om_store_put(store, OM_VALIDATION_L2NORM, model, om_state_view(state, l->at_check_l2norm)));
    OM_TRY(om_store_put(store, OM_VALIDATION_EPE, model, om_state_view(state, l->at_check_epe)));
    if (state->best_check < 0) return OM_OK;
    const om_real *params = om_state_view(state, l->at_best_params);
    const om_layout *p = &l->params;
    OM_TRY(om_store_put(store, OM_VALIDATION_SCENE_EPE, model,
                        om_state_view(state, l->at_best_scene_epe)));
    OM_TRY(om_store_put(store, OM_PARAMS_RESTING_POTENTIAL, model, params + p->resting_potential));
    OM_TRY(om_store_put(store, OM_PARAMS_TIME_CONSTANT, model, params + p->time_constant));
    OM_TRY(om_store_put(store, OM_PARAMS_STRENGTH, model, params + p->strength));
    OM_TRY(om_store_put(store, OM_PARAMS_DECODER, model, params + p->decoder));
    OM_TRY(om_store_put(store, OM_PARAMS_RUNNING_MEAN, model,
                        om_state_view(state, l->at_best_running_mean)));
    return om_store_put(store, OM_PARAMS_RUNNING_VAR, model,
                        om_state_view(state, l->at_best_running_var));
}

static om_status write_slot(om_store *store, int slot, int model, uint64_t commit,
                            const om_state *state)
{
    off_t offset = slot_offset(store, slot, model);
    header h = {
        .magic = SLOT_MAGIC,
        .commit = commit,
        .iteration = state->iteration,
        .bytes = state->bytes,
        .model = (uint64_t)model,
        .fingerprint = state->fingerprint,
        .body_checksum = om_checksum(state, state->bytes, 0),
    };
    h.checksum = header_checksum(&h);
    OM_TRY(write_at(store, state, state->bytes, offset + OM_SLOT_HEADER_BYTES));
    OM_TRY(sync_data(store));
    OM_TRY(write_at(store, &h, sizeof h, offset));
    return sync_data(store);
}

om_status om_store_commit(om_store *store, int model, const om_state *state)
{
    OM_TRY(om_store_check_write(store));
    OM_TRY(om_store_check_model(store, model));
    OM_TRY(check_state(store, model, state));
    int newest;
    uint64_t commit;
    bool written;
    OM_TRY(find_newest(store, model, &newest, &commit, &written));
    OM_TRY(write_slot(store, newest == 0 ? 1 : 0, model, commit + 1, state));
    return write_copies(store, model, state);
}

om_status om_store_repair(om_store *store, int model, const om_state *state)
{
    OM_TRY(om_store_check_write(store));
    OM_TRY(om_store_check_model(store, model));
    OM_TRY(check_state(store, model, state));
    return write_copies(store, model, state);
}

/* One look at both slots. */
static om_status load_newest(om_store *store, int model, om_state *state, bool *found,
                             bool *written)
{
    int newest;
    uint64_t commit;
    *found = false;
    OM_TRY(find_newest(store, model, &newest, &commit, written));
    if (newest < 0) return OM_OK;
    header h;
    OM_TRY(read_slot(store, newest, model, &h, state, found));
    return *found ? check_state(store, model, state) : OM_OK;
}

om_status om_store_load(om_store *store, int model, om_state *state, bool *found)
{
    /* A reader may look at each slot just while it is being written; the writer itself cannot. */
    enum { LOOKS = 20 };
    *found = false;
    OM_TRY(om_store_check_model(store, model));
    for (int look = 0; look < LOOKS && !*found; look++) {
        bool written;
        OM_TRY(load_newest(store, model, state, found, &written));
        if (!written || store->mode == OM_STORE_WRITE) break;
        if (!*found) om_sleep_s(0.001 * (look + 1));
    }
    return OM_OK;
}
