/* How the points of a sweep are doing. */
#ifndef CLI_STATUS_SWEEP_H
#define CLI_STATUS_SWEEP_H

#include "ommatid/om_sweep.h"

/* s: a run that has said nothing for longer has probably died. */
#define OM_SILENT_S 60.0

/* Prints once, a line per point; *running: whether any is being trained. Errors: those of
 * om_store_open(). */
om_status om_status_sweep(const char *file, const om_sweep *sweep, const char *name, bool json,
                          bool *running);

#endif
