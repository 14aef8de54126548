/* The fence: which job may write into a store. The lock keeps two jobs apart that know of each other; this
 * is for one that was thought dead, sleeps, and wakes up when another has taken its place. Each job
 * writes a token of its own into the store before it reads any state, and looks before every write
 * whether it is still there.
 *
 * Between a look and the write after it another job may come in: docs/store.md says what that can do. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/fail.h"
#include "store/store_inside.h"

om_status om_store_write_at(const om_store *store, const void *data, size_t bytes, uint64_t offset)
{
    for (const char *rest = data; bytes > 0;) {
        ssize_t n = pwrite(store->descriptor, rest, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return om_fail_errno("cannot be written", store->info.path);
        rest += n, offset += (uint64_t)n, bytes -= (size_t)n;
    }
    return OM_OK;
}

om_status om_store_read_at(const om_store *store, void *data, size_t bytes, uint64_t offset)
{
    for (char *rest = data; bytes > 0;) {
        ssize_t n = pread(store->descriptor, rest, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return om_fail_errno("cannot be read", store->info.path);
        if (n == 0) return om_fail(OM_EDATA, "%s: the file has become shorter", store->info.path);
        rest += n, offset += (uint64_t)n, bytes -= (size_t)n;
    }
    return OM_OK;
}

om_status om_store_sync(const om_store *store)
{
    if (fdatasync(store->descriptor) == 0) return OM_OK;
    return om_fail_errno("cannot be made durable", store->info.path);
}

/* Whose it is now. */
static om_status fail_taken(const om_store *store)
{
    char job[OM_MESSAGE_BYTES] = "", since[32] = "?";
    double started = 0;
    OM_TRY(om_h5_read(&store->data[OM_RUN_JOB], job));
    OM_TRY(om_h5_read(&store->data[OM_RUN_STARTED], &started));
    const time_t seconds = (time_t)started;
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL) strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &utc);
    om_fail(OM_EBUSY,
            "%s: another run has taken it over (%.*s, at %s): this one may not write any more",
            store->info.path, OM_MESSAGE_BYTES - 1, job, since);
    return om_hint(OM_EBUSY,
                   "nothing here: the other one goes on from the last states of this one");
}

om_status om_store_check_fence(const om_store *store)
{
    uint64_t token;
    OM_TRY(om_store_read_at(store, &token, sizeof token, store->token_at));
    return token == store->token ? OM_OK : fail_taken(store);
}

om_status om_store_check_write(const om_store *store)
{
    if (store->mode == OM_STORE_WRITE) return om_store_check_fence(store);
    return om_fail(OM_EUSAGE, "%s: was opened for reading only", store->info.path);
}

/* No other job's, not even of one that claims the store at the same moment. */
static uint64_t new_token(const char *job, uint64_t before)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t token = om_checksum(&now, sizeof now, om_checksum(job, OM_MESSAGE_BYTES, before));
    return token != 0 && token != before ? token : before + 1;
}

om_status om_store_claim(om_store *store, uint64_t *token)
{
    char job[OM_MESSAGE_BYTES] = {0};
    const double started = om_clock_unix_s();
    OM_TRY(om_store_check_write(store));
    om_store_name_job(job);
    OM_TRY(om_store_put_all(store, OM_RUN_JOB, job));
    OM_TRY(om_store_put_all(store, OM_RUN_STARTED, &started));
    OM_TRY(om_store_sync(store)); /* who, before the token: whoever meets it can say whose it is */
    *token = new_token(job, store->token);
    OM_TRY(om_store_write_at(store, token, sizeof *token, store->token_at));
    OM_TRY(om_store_sync(store));
    store->token = *token;
    return OM_OK;
}

om_status om_store_hold(om_store *store, uint64_t token)
{
    store->token = token;
    return om_store_check_write(store);
}
