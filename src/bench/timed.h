/* Kernels that note how long they take: they run inside the real network and decoder, with the caches
 * as training leaves them. One set of them at a time. */
#ifndef OM_BENCH_TIMED_H
#define OM_BENCH_TIMED_H

#include "bench/series.h"
#include "bench/work.h"
#include "model/kernels/kernels.h"

/* The same kernels, the decoder's timed. They hold until the next call. */
const om_kernels *om_timed_kernels(const om_kernels *kernels);
/* Sets the times to zero. */
void om_timed_clear(void);
/* Time since then in a decoder kernel: by the wall while any thread was in it, so that threads that wait for
 * the last one count; CPU time of all threads together. */
om_lap om_timed(om_stage stage);

#endif
