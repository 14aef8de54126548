/* How the points of a sweep are doing. */
#ifndef CLI_STATUS_SWEEP_H
#define CLI_STATUS_SWEEP_H

#include "cli/slurm.h"
#include "ommatid/om_sweep.h"

/* Where the points are. */
typedef struct om_sweep_place {
    const char *file; /* that holds them, or would hold what they are merged into */
    bool apart;       /* each has a store of its own, or none yet: om_sweep_store_of() */
    const char *name;
    const char *job;       /* apart: name of the jobs that train them */
    const om_sweep *sweep; /* without keys where nothing but the points' stores is known */
} om_sweep_place;

/* SLURM's answer, which is kept from one time to the next for a while. */
enum { OM_SWEEP_MOST_JOBS = 64 };
typedef struct om_sweep_jobs {
    double asked_s; /* when; 0: not yet */
    int n;
    om_slurm_job *items; /* [OM_SWEEP_MOST_JOBS] */
} om_sweep_jobs;

/* Prints once, a line per point; *running: whether there is more to come of any. Errors: those of
 * om_store_open(). */
om_status om_status_sweep(const om_sweep_place *place, om_sweep_jobs *jobs, bool json,
                          bool *running);

#endif
