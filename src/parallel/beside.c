/* Forked processes that start together, and the memory through which they report. */
#include "parallel/beside.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"

enum { MOST = 1024 };

typedef struct shared {
    int ready;
    bool go;
    double rate[MOST];
    om_status status[MOST];
    char message[MOST][256];
} shared;

static om_status work(const om_beside *b, int me, double seconds, shared *all)
{
    void *own = NULL;
    om_status status = b->begin(b->context, &own);
    __atomic_fetch_add(&all->ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&all->go, __ATOMIC_SEQ_CST)) om_sleep_s(1e-4);
    double start = om_clock_s(), passed = 0, total = 0, done = 0;
    while (status == OM_OK && passed < seconds) {
        status = b->work(own, &done);
        total += done;
        passed = om_clock_s() - start;
    }
    if (passed > 0) all->rate[me] = total / passed;
    return status;
}

/* Never returns. Exit handlers are the parent's business. */
static void be_child(const om_beside *b, int me, double seconds, shared *all)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const double whole = floor(b->most_s);
    const struct itimerval end = {
        .it_value = {.tv_sec = (time_t)whole, .tv_usec = (suseconds_t)((b->most_s - whole) * 1e6)}};
    signal(SIGALRM, SIG_DFL);
    setitimer(ITIMER_REAL, &end, NULL); /* none for 0 */
    all->status[me] = work(b, me, seconds, all);
    snprintf(all->message[me], sizeof all->message[me], "%s", om_message());
    _exit(0);
}

static om_status start_all(const om_beside *b, int n, double seconds, shared *all, pid_t *children,
                           int *started)
{
    fflush(NULL); /* or each child would print what is still to be written */
    for (*started = 0; *started < n; (*started)++) {
        pid_t child = fork();
        if (child < 0) return om_fail_errno("cannot start", "a further process");
        if (child == 0) be_child(b, *started, seconds, all);
        children[*started] = child;
    }
    return OM_OK;
}

/* Lets them go once all are ready, or none if one has died before. */
static void let_go(const pid_t *children, int n, shared *all)
{
    siginfo_t info = {0};
    for (int i = 0; __atomic_load_n(&all->ready, __ATOMIC_SEQ_CST) < n; i = (i + 1) % n) {
        info.si_pid = 0;
        if (waitid(P_PID, (id_t)children[i], &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid != 0)
            break;
        om_sleep_s(1e-4);
    }
    __atomic_store_n(&all->go, true, __ATOMIC_SEQ_CST);
}

static om_status outcome(const shared *all, int me, int end)
{
    if (WIFSIGNALED(end) && WTERMSIG(end) == SIGALRM)
        return om_fail(OM_EFAIL, "a measurement takes too long");
    if (!WIFEXITED(end)) return om_fail(OM_EFAIL, "process %d of a measurement died", me);
    if (all->status[me] == OM_OK) return OM_OK;
    return om_fail(all->status[me], "%s", all->message[me]);
}

om_status om_beside_rate(const om_beside *b, int n, double seconds, double *rate)
{
    pid_t children[MOST] = {0};
    int started = 0;
    *rate = 0;
    if (n > MOST) return om_fail(OM_EUSAGE, "%d processes: expected at most %d", n, MOST);
    shared *all =
        mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) return om_fail_errno("cannot share", "memory between processes");
    om_status status = start_all(b, n, seconds, all, children, &started);
    if (status == OM_OK) let_go(children, n, all);
    for (int i = 0; i < started; i++) {
        int end = 0;
        if (status != OM_OK) kill(children[i], SIGKILL);
        while (waitpid(children[i], &end, 0) < 0 && errno == EINTR) {
        }
        if (status == OM_OK) status = outcome(all, i, end);
        *rate += all->rate[i];
    }
    munmap(all, sizeof *all);
    return status;
}
