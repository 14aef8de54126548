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

struct om_store {
    om_store_mode mode;
    om_store_info info;
    om_h5 *file;
    om_h5_data data[OM_N_FIELDS];
    int descriptor; /* plain: slots, and fdatasync for all that MPI-IO wrote */
    size_t slot_bytes;
    uint64_t slots[2]; /* offsets of the slots of model 0 */
    om_state *scratch; /* room for one state */
    char *texts[6];    /* path, name, spec text, program version, creation time, imported from */
    void *arrays[7];   /* type names, source, target, record, check, scene names, sources */
};

/* Errors: OM_EUSAGE (opened for reading only, no such model). */
om_status om_store_check_write(const om_store *store);
om_status om_store_check_model(const om_store *store, int model);
/* A field's row from, or into, memory; nothing where the store does not have the field. */
om_status om_store_put(om_store *store, om_field field, int model, const void *row);
om_status om_store_get(om_store *store, om_field field, int model, void *row);

#endif
