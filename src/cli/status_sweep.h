/* How the points of a sweep are doing. */
#ifndef CLI_STATUS_SWEEP_H
#define CLI_STATUS_SWEEP_H

#include "ommatid/om_sweep.h"

/* Prints once, a line per point; *running: whether there is more to come of any. Errors: those of
 * om_store_open(). */
om_status om_status_sweep(const char *file, const om_sweep *sweep, const char *name, bool json,
                          bool *running);

#endif
