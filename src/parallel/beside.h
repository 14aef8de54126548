/* The same work in several processes side by side, as ranks are: what they do to each other through
 * caches, memory and clock rate. */
#ifndef OM_PARALLEL_BESIDE_H
#define OM_PARALLEL_BESIDE_H

#include "ommatid/om_status.h"

typedef struct om_beside {
    /* In each process: prepares the work, then does some and returns its amount in *done. What
     * processes allocate ends with them. */
    om_status (*begin)(const void *context, void **own);
    om_status (*work)(void *own, double *done);
    const void *context;
    double
        most_s; /* a process that takes longer, with preparing, is ended: OM_EFAIL; 0: any time */
} om_beside;

/* n processes begin, wait for each other, and work for so many seconds; *rate: amount per second of
 * wall time, all together. To be called before OpenMP has started threads, which do not survive a
 * fork. Errors: the first of a process; OM_EFAIL where one cannot be started or dies. */
om_status om_beside_rate(const om_beside *beside, int n, double seconds, double *rate);

#endif
