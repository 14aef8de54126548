/* Until when a run may go on: a limit that was asked for, and the end of a SLURM job. */
#ifndef OM_ENSEMBLE_LIMIT_H
#define OM_ENSEMBLE_LIMIT_H

#include "ommatid/om_status.h"

/* Seconds from now, 0 at least; INFINITY: no limit. asked_s: 0 for none. The environment's
 * SLURM_JOB_END_TIME, in s since 1970, is looked at here and not again: it does not matter what
 * the clock is set to later. */
double om_limit_s(double asked_s);
/* Of a limit of so many seconds, those that are kept for the end of a run: to finish the iterations in
 * progress, commit, and rank. */
double om_limit_reserve_s(double limit_s);
/* OM_ESTOPPED before anything was trained: on request, or because the limit was too short for that. */
om_status om_limit_fail_early(void);

#endif
