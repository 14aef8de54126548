/* The progress of ranks that share networks among them: predict and validate. */
#ifndef CLI_TELLING_H
#define CLI_TELLING_H

#include "ensemble/progress.h"
#include "parallel/tally.h"

typedef struct om_telling {
    om_progress progress;
    om_tally tally;
    double start_s;
    char of[96]; /* "60 networks" */
} om_telling;

/* quiet: on rank 0; the others are. */
om_telling om_telling_start(bool quiet);
/* One more is done on this rank, of so many of all ranks; what: "networks". */
void om_telling_step(om_telling *telling, int all, const char *what);
/* Collective: the last line says how many were done in the end. */
void om_telling_end(om_telling *telling);

#endif
