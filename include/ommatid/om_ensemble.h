/* Many models: training an ensemble over MPI ranks into one store, and ranking it. */
#ifndef OM_ENSEMBLE_H
#define OM_ENSEMBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "ommatid/om_spec.h"
#include "ommatid/om_store.h"

typedef struct om_run_options {
    const char *spec_file;
    const char *store;
    int threads; /* OpenMP threads per rank; 0: cores of the node divided by its trainers */
    int team; /* ranks that train a model together, each a part of every batch: at most as many as a
                      batch has quads of samples; 0: as many as there are for each model */
    double unit_s; /* wanted length of a unit */
    /* After so many seconds from now the run ends with OM_ESTOPPED, all that was trained committed; 0:
     * none. In a SLURM job its end (SLURM_JOB_END_TIME) is a limit, too. */
    double time_limit_s;
    bool quiet;
    int measured_on;  /* cores on which this layout was measured to be the best; 0: it was not */
    bool tell_layout; /* unless quiet: says how many ranks and threads there are */
} om_run_options;

/* Trains an ensemble, or goes on with it, on the ranks of MPI_COMM_WORLD: with one rank it trains
 * itself, with more rank 0 coordinates. Collective; every rank returns the same status. MPI must be
 * initialised. SIGINT, SIGTERM, SIGUSR1 and SIGHUP end it cleanly with OM_ESTOPPED.
 * Errors: as om_spec_read(), om_circuit_open(), om_store_create(); OM_EBUSY; OM_EFAIL if no model
 * could be trained to the end. */
om_status om_ensemble_run(const om_run_options *options);

/* One line of a ranking: only what spec and seed determine. */
typedef struct om_ranked {
    int place; /* 1 is best; 0: not ranked (diverged, failed, or without that measure) */
    int model;
    om_model_status status;
    uint32_t stream, retries; /* see om_model_row */
    uint64_t replaced_at;
    uint64_t iteration;      /* done in all; OM_ITERATION_UNKNOWN */
    uint64_t best_iteration; /* of the best check; OM_ITERATION_UNKNOWN */
    double epe, l2norm;      /* at the best check, mean over validation scenes */
    double spread;           /* standard error of epe over validation scenes */
    double stability; /* share of 1,000 bootstraps over scenes in which it keeps its place by epe
                         within one; whatever it is ranked by. Races are not run again */
} om_ranked;

/* Ranks the models of a store by one measure at each model's best check, which the store's own
 * selection measure decides (of an imported model there is one check, and perhaps not both of its
 * measures). Models that a race stopped come behind all others, those of the last rung first, by their
 * errors among themselves. ranked [n_models]: best first, then the unranked by number. Local, read only. */
om_status om_ensemble_rank(om_store *store, om_loss by, om_ranked *ranked);

typedef struct om_import_options {
    const char *folder;  /* of models, as the paper's software keeps them */
    const char *store;   /* to make */
    const char *circuit; /* name or path */
    int checkpoint; /* its number, or OM_IMPORT_BEST, OM_IMPORT_LEAST_EPE, OM_IMPORT_LEAST_LOSS */
    bool says_loss; /* whether it is said which measure the stored loss is; else that is guessed */
    om_loss loss;   /* which, if so */
    bool partial;   /* models that cannot be read are no failure if others can */
    bool quiet;
} om_import_options;
enum { OM_IMPORT_BEST = -1, OM_IMPORT_LEAST_EPE = -2, OM_IMPORT_LEAST_LOSS = -3 };

/* Makes a store of models that were trained by the paper's software: row i is the model with the
 * i-th lowest number, /model/source says which. What is not known of them (films, curves, errors of
 * scenes, baselines) is missing or NaN. They are ranked by EPE, or where that is known of none by
 * l2norm. The store appears whole or not at all; models that could not be read are left out. Local;
 * MPI must be initialised. Signals that ask to stop are listened to from then on.
 * Errors: OM_EIO (the store exists, ...), OM_EBUSY (another process makes it), OM_EDATA (no model
 * could be read: the faults of all), OM_ESTOPPED (nothing was made), OM_EFAIL (the store was made, but
 * some models could not be read: their faults). */
om_status om_ensemble_import(const om_import_options *options);

#endif
