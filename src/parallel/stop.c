/* Signals that ask to stop. */
#include "parallel/stop.h"

#include <stddef.h>

volatile sig_atomic_t om_stop_signal;

static void remember(int number) { om_stop_signal = number; }

void om_stop_listen(void)
{
    const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
    struct sigaction action = {.sa_handler = remember};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}
