/* The points of a sweep side by side. */
#ifndef CLI_RANK_SWEEP_H
#define CLI_RANK_SWEEP_H

#include "ommatid/om_sweep.h"
#include "ommatid/om_validation.h"

typedef struct om_sweep_ranking {
    const char *file;
    const char *by;  /* "epe", "l2norm", or a measure's name */
    bool is_measure; /* of what is known of the fly's cells */
    om_measure measure;
    int against; /* point that the others are compared with */
    bool csv, json;
} om_sweep_ranking;

/* Prints, for every point, how many of its models have a value, the best, the median, mean and standard
 * deviation, and how probably one of its models is better than one of the point `against`, with a
 * rank-sum test. Errors: those of om_store_open(); OM_EUSAGE (no such point). */
om_status om_rank_sweep(const om_sweep_ranking *wish, const om_sweep *sweep, const char *name);

#endif
