/* The store: one HDF5 file for one ensemble, a row per model in every dataset (docs/store.md).
 * Invariants:
 *   (I1) After creation no metadata of the file changes: ranks only overwrite raw data in place.
 *   (I2) A slot's header is written after its body is durable.
 *   (I3) A slot is believed only if its checksum holds; of two valid ones the later commit wins.
 *   (I4) Everything outside /checkpoint can be rebuilt from the states in it.
 *   (I5) Nothing is written by a process whose token is not the one in /run/token. */
#ifndef OM_STORE_H
#define OM_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "ommatid/om_circuit.h"
#include "ommatid/om_race.h"
#include "ommatid/om_scenes.h"
#include "ommatid/om_train.h"

typedef enum om_model_status {
    OM_MODEL_WAITING = 0, /* not started, or between units */
    OM_MODEL_RUNNING,
    OM_MODEL_DONE,
    OM_MODEL_STOPPED, /* by a race */
    OM_MODEL_DIVERGED, /* as om_train_advance() says, and neither retries nor replacements are left */
    OM_MODEL_FAILED    /* an error of machine or file, twice */
} om_model_status;
const char *om_model_status_name(om_model_status status);

enum { OM_MESSAGE_BYTES = 160, OM_SOURCE_BYTES = 96 };

/* Of an imported model, where the folder that it came from does not say. */
#define OM_ITERATION_UNKNOWN UINT64_MAX

/* One row of the live table. */
typedef struct om_model_row {
    uint64_t seed; /* of the ensemble: with `stream` it names the model's streams */
    om_model_status status;
    uint64_t iteration;
    int32_t worker;    /* rank that holds or last held it; -1: none yet */
    double seconds;    /* spent training it */
    uint32_t attempts; /* units begun again after a failure */
    char message[OM_MESSAGE_BYTES];
    /* Copies of the state's, which commits write; om_store_write_row() leaves them as they are. */
    uint32_t stream, retries; /* see om_state_replace(), om_train_advance() */
    uint64_t replaced_at;
} om_model_row;
/* How many models were given up for the one that is in the row. */
static inline int om_row_replacements(const om_model_row *row)
{
    return (int)(row->stream / OM_STREAMS);
}

/* What a running job says of itself, for `status`. */
typedef struct om_run_row {
    char job[OM_MESSAGE_BYTES]; /* host, process, job of the scheduler */
    int32_t trainers;           /* ranks that train; 0: nobody runs */
    double started, updated;    /* s since 1970 */
    double iterations_per_s;    /* of all ranks together */
    double seconds_left;        /* NaN: not known yet */
} om_run_row;

/* What a store is made from. Only read. */
typedef struct om_store_plan {
    const char *name;      /* of the ensemble */
    const char *spec_text; /* kept whole */
    uint64_t seed;
    int n_models;
    const om_circuit *circuit;
    const om_scenes *scenes;
    const om_train_options *train;
    const om_state_layout *layout;
    const om_baselines *baselines;
    om_race_options race; /* zero: none */
    const char *kernels;  /* that it is begun with; NULL: not known, as of imported models */
    /* Models that were trained elsewhere: where they come from, and for each its file and what chose
     * it [n_models]. NULL: models are trained here. */
    const char *imported_from;
    const char (*sources)[OM_SOURCE_BYTES];
} om_store_plan;

/* Creates a store whole: every group, attribute and dataset with all its space, beside the final
 * name, made durable, then renamed into place. Local (one rank, no MPI-IO). Errors: OM_EIO (exists
 * already, directory missing or not writable, disk full), nothing is left behind. */
om_status om_store_create(const char *path, const om_store_plan *plan);
/* Bytes that the file of such a plan takes. */
uint64_t om_store_bytes(const om_store_plan *plan);

typedef struct om_store om_store;
typedef enum om_store_mode {
    OM_STORE_READ, /* beside running ranks, no locks taken */
    OM_STORE_WRITE /* through MPI-IO on this rank alone, MPI must be initialised */
} om_store_mode;

/* Opens a store. Local: any rank, any time; only one thread of a rank may use it.
 * Errors: OM_EIO (no permission), OM_EDATA (missing, not a store, other format version). */
om_status om_store_open(const char *path, om_store_mode mode, om_store **store);
void om_store_close(om_store *store); /* accepts NULL. Local. */

/* What the store says of itself; pointers are owned by the store. */
typedef struct om_store_info {
    const char *path, *name, *spec_text, *program_version, *created;
    uint64_t seed;
    int n_models;
    uint64_t circuit_checksum, scenes_checksum;
    uint32_t real_bytes;
    om_state_layout layout;
    om_loss selection;
    om_baselines baselines;
    om_race_options race; /* zero: none */
    int n_types, n_pairs;
    const char (*type_names)[OM_NAME_BYTES];            /* [n_types] */
    const int *pair_source, *pair_target;               /* [n_pairs] type numbers */
    const uint64_t *record_iteration, *check_iteration; /* [n_records], [n_checks] */
    const char (*scene_names)[OM_SCENE_NAME_BYTES];     /* [n_scenes] validation scenes */
    const char *kernels; /* that training was begun with; NULL: the store does not say */
    /* Of models that were trained elsewhere, NULL for those trained here. No records and no scenes
     * are known of them; their one check was at the iteration in the model's row, if any. */
    const char *imported_from;
    const char (*sources)[OM_SOURCE_BYTES]; /* [n_models] */
} om_store_info;
const om_store_info *om_store_describe(const om_store *store);

/* The circuit that the store describes, at another extent or (0) its own; om_circuit_free(). Local.
 * Errors: OM_EUSAGE (extent), OM_EDATA (damaged). */
om_status om_store_circuit(const om_store *store, int extent, om_circuit **circuit);

/* The settings that the store's models were, or are to be, trained with. Local. Errors: OM_EDATA. */
om_status om_store_read_options(const om_store *store, om_train_options *options);

/* Whether the store was made from this spec: seed, numbers, options, layout and checksums agree.
 * The plan's scenes and layout may be NULL: what needs no films is compared then. Errors: OM_EDATA
 * that names the first thing that differs, both values, and what to do; imported models match no
 * spec. */
om_status om_store_matches(const om_store *store, const om_store_plan *plan);

/* Makes the store this process's own: whoever has it open for writing may not write any more. A process
 * that opens a store writes, until then, under the token that is there. Before any state is read, and
 * under the store's lock. Local; the ranks of a job get the token from one of them and hold it, too.
 * Errors: OM_EUSAGE (opened for reading), OM_EIO. */
om_status om_store_claim(om_store *store, uint64_t *token);
/* Writes from now on under that token. Errors: as om_store_check_write(). */
om_status om_store_hold(om_store *store, uint64_t token);
/* Whether this process may write; every function that writes looks by itself. Errors: OM_EUSAGE (opened
 * for reading only), OM_EBUSY (another job has claimed the store: which and when). */
om_status om_store_check_write(const om_store *store);
/* What this process calls itself in a store: host, process, job of the scheduler, as in "n1, process 12, job
 * 34 (motion-50), requeued 1 times"; of the job's name the first OM_JOB_NAME bytes. */
enum { OM_JOB_NAME = 20 };
void om_store_name_job(char name[OM_MESSAGE_BYTES]);

/* Writes one model's state into its older slot, durably, then the slot's header, then the model's
 * rows of /params, /history and /validation. Local. Errors: OM_EIO (disk full, ...), OM_EDATA (the
 * state is not one of this store's), OM_EDIVERGED (a number in it is not finite), OM_EBUSY (another
 * job has claimed the store). */
om_status om_store_commit(om_store *store, int model, const om_state *state);
/* Reads the newest valid state of a model. *found is false, without error, if it never had one: it is to
 * begin. A slot that cannot be read is passed over for the other one. state: layout.bytes.
 * Errors: OM_EDATA (it was trained, but neither slot holds a whole state), OM_EDIVERGED (a number in its
 * state is not finite), OM_EIO (nothing of it can be read). */
om_status om_store_load(om_store *store, int model, om_state *state, bool *found);

/* Rewrites what commit copies out of a state, from the state that om_store_load() gave: a process
 * that was killed may have left such a row half written. Local. Errors: as om_store_commit(). */
om_status om_store_repair(om_store *store, int model, const om_state *state);

om_status om_store_write_row(om_store *store, int model, const om_model_row *row);
om_status om_store_read_rows(om_store *store, om_model_row *rows); /* [n_models] */
om_status om_store_write_run(om_store *store, const om_run_row *run);
om_status om_store_read_run(om_store *store, om_run_row *run);

/* Number of the model's random streams, as om_state_init() takes it. */
om_status om_store_read_stream(om_store *store, int model, uint32_t *stream);
/* Best parameters so far of a model, and its decoder's running statistics [OM_HIDDEN]. NaN where
 * there has been no check yet. */
om_status om_store_read_params(om_store *store, int model, om_real *params, om_real *running_mean,
                               om_real *running_var);
/* The model's curves: loss, epe [n_records]; l2norm, check_epe [n_checks]; NaN where not reached.
 * Any may be NULL. */
om_status om_store_read_history(om_store *store, int model, float *loss, float *epe, float *l2norm,
                                float *check_epe);
/* End-point error of each validation scene at the model's best check, [n_scenes]. */
om_status om_store_read_scene_epe(om_store *store, int model, float *scene_epe);
/* Writes the best parameters of a model as flat arrays into a new HDF5 file, at any extent (0: the
 * store's own): per cell its type, column, resting potential and time constant (s), per connection
 * its two cells and its weight. Cells are numbered type by type, in each in the order of columns;
 * connections follow pairs, taps, and the source's columns. replace: over a file that is there.
 * Errors: as om_store_circuit(); OM_EDATA (no parameters yet), OM_EIO. */
om_status om_store_flatten(om_store *store, int model, int extent, bool replace, const char *path);
/* place [n_models]: 0 is best; -1: not ranked. error, spread, stability [n_models]. */
om_status om_store_write_ranking(om_store *store, const int32_t *place, const double *error,
                                 const double *spread, const double *stability);

/* The ranking as the store has it, each [n_models]; free it after failures, too. Errors: OM_ENOMEM, OM_EIO. */
typedef struct om_ranking {
    int32_t *place;
    double *error, *spread, *stability;
} om_ranking;
om_status om_store_read_ranking(om_store *store, om_ranking *ranking);
void om_store_free_ranking(om_ranking *ranking);

/* Takes the lock of a store (a file PATH.lock with host, process and job). A lock whose process is
 * gone from this host is stale and is taken over. Local; call on one rank only. Errors: OM_EBUSY
 * says who holds it and since when. */
om_status om_store_lock(const char *path);
void om_store_unlock(const char *path);
/* The same for another file that one job at a time may write. The message: NAME is being WORK ("trained")
 * by whom, and OPTION ("-o") takes another file. Released by om_store_unlock(path). */
om_status om_file_lock(const char *path, const char *name, const char *work, const char *option);

/* Writes and reads a set of films (HDF5, the same style). Refuses to overwrite. */
om_status om_scenes_save(const om_scenes *scenes, const char *path);
om_status om_scenes_load(const char *path, om_scenes **scenes);

#endif
