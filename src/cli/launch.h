/* Starting the ranks of a run with mpirun. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include <stdbool.h>

#include "ommatid/om_status.h"

/* Runs this program again as trainers + 1 ranks (one coordinates) with the n given words as arguments, and
 * waits for them. Signals that ask to stop are passed on, so that the ranks end in good order; the
 * outcome and its message come back from rank 0. */
om_status om_launch(int trainers, bool quiet, int n, const char *const *words);
/* On a rank that om_launch() started: leaves the outcome for it. Rank 0 only; elsewhere nothing. */
void om_launch_report(om_status status);
/* Whether om_launch() started this process: it will print the message. */
bool om_launch_is_watching(void);

#endif
