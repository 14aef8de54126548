/* Starting the ranks of a command with mpirun. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include <stdbool.h>

#include "ommatid/om_status.h"

typedef struct om_launching {
    int ranks;
    int bound_threads; /* cores that each rank is bound to; 0: ranks go where there is room */
    bool tell;         /* the command that starts the ranks */
    const char *kept; /* by ranks that ended before their time: "finished units are in the store" */
    const char
        *store; /* in which that is: where it is not there, nothing is kept; NULL: none is needed */
} om_launching;

/* Runs this program again in ranks, with the n given words as arguments, and waits for them. Signals
 * that ask to stop are passed on, so that the ranks end in good order; the outcome and its message
 * come back from rank 0. */
om_status om_launch(const om_launching *launching, int n, const char *const *words);
/* On ranks that were started here or elsewhere, around what they do together: start them; tell the
 * outcome on one of them and leave. What is returned is the outcome of this process. */
om_status om_launch_begin(void);
om_status om_launch_end(om_status status);
/* Whether om_launch() started this process, and has said what there was to say. */
bool om_launch_is_watched(void);
#endif
