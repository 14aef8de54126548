/* What the run of a store is doing. */
#ifndef OM_CLI_RUN_STATE_H
#define OM_CLI_RUN_STATE_H

#include "ommatid/om_store.h"

/* Seconds without a sign of life of a run after which it is taken for dead. */
#define OM_SILENT_S 60.0

typedef enum om_run_state {
    OM_RUN_PREPARING, /* a run has the store, and does not train yet */
    OM_RUN_TRAINING,
    OM_RUN_SILENT,  /* it trained, and gives no sign of life */
    OM_RUN_STOPPED, /* nobody trains what is left */
    OM_RUN_FINISHED
} om_run_state;

/* path: the store's, or that of a sweep's point; count: its models by status. One that failed is not at its end:
 * the next run tries it again. */
om_run_state om_run_state_of(const char *path, const om_run_row *run,
                             const int count[OM_MODEL_FAILED + 1]);
const char *om_run_state_name(om_run_state state);
/* Seconds since the run's last sign of life. */
double om_run_silence_s(const om_run_row *run);
/* Whether there is more to come, as far as can be seen. */
bool om_run_goes_on(om_run_state state);

#endif
