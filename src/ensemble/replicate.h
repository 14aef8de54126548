/* Auditing a store: some of its models are trained once more from their start, on another layout of ranks
 * and threads, and must come out with the same bits. */
#ifndef OM_ENSEMBLE_REPLICATE_H
#define OM_ENSEMBLE_REPLICATE_H

#include "ensemble/layout.h"
#include "ommatid/om_check.h"
#include "ommatid/om_ensemble.h"

typedef struct om_replica {
    int model;
    uint64_t iteration;     /* at which the store has it */
    uint64_t stored, again; /* checksums of both states */
    bool equal;
    bool damaged; /* what the store has of it contradicts itself: it was not trained */
    char difference[2 * OM_FINDING_BYTES]; /* the first one, or what is damaged; "" if equal */
} om_replica;

/* A layout for it in which models have another number of threads than when the store was last trained,
 * unless the wish names it. line: what was chosen, and what it was then. Local; needs no MPI. Errors: as
 * om_store_open(). */
om_status om_replicate_layout(const om_layout_wish *wish, int wanted, om_rank_layout *layout,
                              char line[OM_LAYOUT_BYTES]);

/* Trains `wanted` of the store's finished models again (all, if they are fewer), drawn by the ensemble's
 * seed, and compares every byte of their states with the store's, which is only read. One of which slots,
 * copies and row do not agree, as om_check_model() says, is not trained, but damaged. Every rank trains,
 * each its share. replicas [wanted], *n: filled on rank 0, by number of the model. Collective. Errors: those
 * of om_ensemble_run() for spec, circuit and films; OM_EDATA (no model is finished; the store belongs to
 * another spec), OM_ESTOPPED (also at the options' time limit). That models differ is none. */
om_status om_ensemble_replicate(const om_run_options *options, int wanted, om_replica *replicas,
                                int *n);

#endif
