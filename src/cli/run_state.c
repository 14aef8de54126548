/* The state of a run, from what it writes to the store and from the store's lock. */
#include "cli/run_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ensemble/points.h"
#include "ommatid/om_check.h"

double om_run_silence_s(const om_run_row *run) { return om_clock_unix_s() - run->updated; }

/* Whether the lock is not that of the run that the store tells of, but of the next one. */
static bool is_another_process(const char *holder, const char *job)
{
    static const char word[] = "process ";
    const char *a = strstr(holder, word), *b = strstr(job, word);
    return a != NULL && b != NULL &&
           strtol(a + strlen(word), NULL, 10) != strtol(b + strlen(word), NULL, 10);
}

om_run_state om_run_state_of(const char *path, const om_run_row *run,
                             const int count[OM_MODEL_FAILED + 1])
{
    char holder[OM_MESSAGE_BYTES];
    if (run->trainers == 0 && om_is_finished(count)) return OM_RUN_FINISHED;
    const om_lock_state lock = om_store_inspect_lock(path, holder);
    const bool held = lock == OM_LOCK_LIVE || lock == OM_LOCK_ELSEWHERE;
    if (run->trainers == 0) return held ? OM_RUN_PREPARING : OM_RUN_STOPPED;
    if (!held) return OM_RUN_SILENT; /* it has ended without a word */
    if (om_run_silence_s(run) < OM_SILENT_S) return OM_RUN_TRAINING;
    return is_another_process(holder, run->job) ? OM_RUN_PREPARING : OM_RUN_SILENT;
}

const char *om_run_state_name(om_run_state state)
{
    static const char *const names[] = {
        [OM_RUN_PREPARING] = "preparing", [OM_RUN_TRAINING] = "training",
        [OM_RUN_SILENT] = "silent",       [OM_RUN_STOPPED] = "stopped",
        [OM_RUN_FINISHED] = "finished",
    };
    return names[state];
}

bool om_run_goes_on(om_run_state state)
{
    return state == OM_RUN_PREPARING || state == OM_RUN_TRAINING;
}
