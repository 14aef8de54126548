/* Signals that ask to stop. */
#include "parallel/stop.h"

#include <math.h>
#include <stddef.h>
#include <sys/time.h>

volatile sig_atomic_t om_stop_signal;

static void remember(int number) { om_stop_signal = number; }

void om_stop_listen(void)
{
    const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGALRM};
    /* restarting: not every library that is at work then expects to be interrupted */
    struct sigaction action = {.sa_handler = remember, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction before;
        /* under nohup a terminal that is closed is no wish to stop */
        if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 &&
            before.sa_handler == SIG_IGN)
            continue;
        sigaction(signals[i], &action, NULL);
    }
}

void om_stop_after(double seconds)
{
    if (isinf(seconds)) return;
    const double whole = floor(seconds);
    const struct itimerval end = {
        .it_value = {.tv_sec = (time_t)whole, .tv_usec = (suseconds_t)((seconds - whole) * 1e6)}};
    if (seconds < 1e-6)
        om_stop_signal = SIGALRM;
    else
        setitimer(ITIMER_REAL, &end, NULL);
}
