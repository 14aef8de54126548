/* Limits of time. */
#include "ensemble/limit.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/text.h"
#include "parallel/stop.h"

static const double MOST_RESERVE_S = 10, RESERVE_SHARE = 0.1;

double om_limit_s(double asked_s)
{
    const char *job_end = getenv("SLURM_JOB_END_TIME");
    double limit = asked_s > 0 ? asked_s : INFINITY, end;
    if (job_end != NULL && om_parse_real(job_end, &end))
        limit = fmin(limit, fmax(end - om_clock_unix_s(), 0));
    return limit;
}

double om_limit_reserve_s(double limit_s)
{
    return isinf(limit_s) ? 0 : fmin(MOST_RESERVE_S, RESERVE_SHARE * limit_s);
}

om_status om_limit_fail_early(void)
{
    if (om_stop_signal != 0 && om_stop_signal != SIGALRM) {
        om_fail(OM_ESTOPPED, "stopped before training began; nothing is lost");
        return om_hint(OM_ESTOPPED, "the same command again");
    }
    om_fail(OM_ESTOPPED, "time limit: over before anything could be trained; nothing is lost");
    return om_hint(OM_ESTOPPED, "the same command with more time");
}
