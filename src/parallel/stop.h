/* The wish to stop: SIGINT, SIGTERM, SIGUSR1 and SIGHUP all mean that the program should end soon and
 * in good order; so does SIGALRM, when its time is up. */
#ifndef OM_PARALLEL_STOP_H
#define OM_PARALLEL_STOP_H

#include <signal.h>

/* From now on the signals set the flag instead of ending the program. */
void om_stop_listen(void);
/* SIGALRM in so many seconds, whatever the clock is set to meanwhile; at once for 0 and less, never for
 * INFINITY. */
void om_stop_after(double seconds);
/* Nonzero once one of them has come; its number. */
extern volatile sig_atomic_t om_stop_signal;

#endif
