/* The ranks of a job: starting and leaving MPI, agreeing on an outcome, memory shared on a node. With
 * farm.h this is all the MPI there is outside the store. */
#ifndef OM_PARALLEL_RANKS_H
#define OM_PARALLEL_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "ommatid/om_status.h"

/* Whether a launcher (mpirun, srun) started this process as one rank of several. */
bool om_ranks_launched(void);

/* Starts MPI; on a process that nobody launched it is a job of one rank. Collective. */
om_status om_ranks_start(void);
/* Leaves MPI. Collective. */
void om_ranks_finish(void);
int om_ranks_number(void); /* of this rank */
int om_ranks_count(void);

/* Collective: every rank returns the worst status of all, with the message of the first rank that has
 * it. No rank goes on where another has failed. */
om_status om_ranks_agree(om_status status);
/* Collective: rank 0's bytes, on every rank. */
void om_ranks_share_bytes(void *data, size_t bytes);

/* Cores that this process may run on. Local; needs no MPI. */
int om_rank_cores(void);
/* Whether these are all that the machine has: nothing keeps the process off the others. Local. */
bool om_rank_has_all_cores(void);

/* The ranks that share this node's memory. */
int om_node_rank(void);
int om_node_ranks(void);
/* Collective on the node: cores that any of its ranks may run on. */
int om_node_cores(void);
/* Collective on the node: the bytes of its first rank, on each. */
void om_node_share_bytes(void *data, size_t bytes);
/* Collective on the node: waits for all of its ranks; what they wrote into shared memory before can
 * be read after. */
void om_node_barrier(void);
/* Collective on the node: a zeroed block of memory, aligned to 64 bytes, that all of its ranks see;
 * it lasts until om_ranks_finish(). */
om_status om_node_memory(size_t bytes, void **memory);

#endif
