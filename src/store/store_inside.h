/* What the sources of the store share. */
#ifndef OM_STORE_INSIDE_H
#define OM_STORE_INSIDE_H

#include "store/schema.h"

/* Attributes of "/", beside the texts. */
typedef struct om_identity {
    uint64_t seed, circuit_checksum, scenes_checksum;
    int32_t n_models;
    uint32_t real_bytes;
} om_identity;
extern const om_members om_schema_identity;
extern const om_members om_schema_circuit; /* /circuit: om_circuit */

/* The first member in which two structures differ. */
enum { OM_VALUE_BYTES = 256 };
typedef struct om_difference {
    const char *name;
    char found[OM_VALUE_BYTES], expected[OM_VALUE_BYTES];
} om_difference;
bool om_members_differ(const om_members *members, const void *found, const void *expected,
                       om_difference *difference);

struct om_store {
    om_store_mode mode;
    om_store_info info;
    om_h5 *file;
    om_h5_data data[OM_N_FIELDS];
    int descriptor; /* plain: slots, and fdatasync for all that MPI-IO wrote */
    size_t slot_bytes;
    uint64_t slots[2]; /* offsets of the slots of model 0 */
    uint64_t token_at; /* offset of /run/token */
    uint64_t token;    /* that this process writes under */
    om_state *scratch; /* room for one state */
    char *texts
        [7]; /* path, name, spec text, program version, creation time, imported from, kernels */
    void *arrays[7]; /* type names, source, target, record, check, scene names, sources */
};

/* Bytes of a dataset's header with its attributes; of groups and the rest. At least. */
enum { OM_STORE_HEADER = 2048, OM_STORE_HEADERS_ELSE = 32 * 1024 };

/* All groups, attributes and datasets of a new store, into a new file or the part of it that was
 * entered. */
om_status om_store_write_new(om_h5 *file, const om_store_plan *plan);

/* ---- slots ---- */

typedef struct om_slot_header {
    uint64_t magic;
    uint64_t commit; /* 1, 2, 3, ...: the highest valid one is the model's state */
    uint64_t iteration;
    uint64_t bytes; /* of the state */
    uint64_t model;
    uint64_t fingerprint; /* of the state's layout */
    uint64_t body_checksum;
    uint64_t checksum; /* of this header up to here */
} om_slot_header;
_Static_assert(sizeof(om_slot_header) == OM_SLOT_HEADER_BYTES, "headers have a fixed size");

uint64_t om_slot_offset(const om_store *store, int slot, int model); /* in the file */
/* Why a slot is not to be believed. */
typedef enum om_slot_fault {
    OM_SLOT_VALID,
    OM_SLOT_NO_HEADER, /* empty, or overwritten by something else */
    OM_SLOT_TORN_HEADER,
    OM_SLOT_STRANGE, /* of another model or layout */
    OM_SLOT_TORN_STATE,
    OM_SLOT_UNREADABLE /* the header, or the body of a valid one */
} om_slot_fault;
/* Reads a slot's header, and its body into `state` if the header is valid. What was not read of a header
 * is 0. Errors: OM_EIO, OM_EDATA (the file ends before), with the fault OM_SLOT_UNREADABLE. */
om_status om_slot_read(const om_store *store, int slot, int model, om_slot_header *header,
                       om_state *state, om_slot_fault *fault);
/* Whether a state is one of this store's, its numbers finite. Errors: OM_EDATA, OM_EDIVERGED. */
om_status om_slot_check_state(const om_store *store, int model, const om_state *state);

/* Of a model that was trained and has no valid state any more. */
#define OM_SLOTS_LOST                                                                              \
    "no slot holds a whole state, but it was trained; its best can still be exported"

/* The rows that repeat what a state holds. */
typedef struct om_copy {
    om_field field;
    size_t at; /* offset in the state */
} om_copy;
enum { OM_COPIES = 14 };
void om_slot_copies(const om_state_layout *layout, om_copy copies[OM_COPIES]);
/* Whether a copy's row has no number yet. */
bool om_slot_copy_is_empty(const om_h5_data *data, const void *row);

/* ---- rows ---- */

/* Errors: OM_EUSAGE (no such model). */
om_status om_store_check_model(const om_store *store, int model);
/* Whether the store still belongs to the job that this process writes for. Errors: OM_EBUSY. */
om_status om_store_check_fence(const om_store *store);
/* Bytes of the file, past HDF5 and MPI-IO; om_store_sync() makes durable what either way has written. */
om_status om_store_read_at(const om_store *store, void *data, size_t bytes, uint64_t offset);
om_status om_store_write_at(const om_store *store, const void *data, size_t bytes, uint64_t offset);
om_status om_store_sync(const om_store *store);
/* A field's row from, or into, memory; nothing where the store does not have the field. Writing checks
 * the fence. */
om_status om_store_put(om_store *store, om_field field, int model, const void *row);
om_status om_store_get(om_store *store, om_field field, int model, void *row);
/* All of a field. */
om_status om_store_put_all(om_store *store, om_field field, const void *data);

#endif
