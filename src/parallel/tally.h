/* A count of what all ranks have done, which rank 0 knows while the others go on. */
#ifndef OM_PARALLEL_TALLY_H
#define OM_PARALLEL_TALLY_H

typedef struct om_tally {
    int own;  /* steps of this rank */
    int done; /* on rank 0: steps that it knows of */
} om_tally;

/* One step more on this rank; rank 0 hears of those of the others. */
void om_tally_step(om_tally *tally);
/* Collective: after it rank 0 knows of all steps. */
void om_tally_end(om_tally *tally);

#endif
