/* Kernels with a clock around each. A stage takes as long as any thread is in it: one that waits for the
 * others at the stage's end is time of that stage, too. Network kernels have none: the network does
 * little beside them, and they are called for every time step. */
#include "bench/timed.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "model/kernels/fft.h"

static struct {
    const om_kernels *real;
    om_kernels kernels;
    om_fft_kernels fft;
    pthread_mutex_t lock; /* of what follows */
    struct {
        om_lap sum;
        double began_s; /* when the first of the threads that are in it now came */
        int inside;
    } stages[OM_ARITHMETIC_STAGES];
} timed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static om_lap enter(om_stage stage)
{
    const om_lap start = om_lap_start();
    pthread_mutex_lock(&timed.lock);
    if (timed.stages[stage].inside++ == 0) timed.stages[stage].began_s = start.wall_s;
    pthread_mutex_unlock(&timed.lock);
    return start;
}

static void leave(om_stage stage, om_lap start)
{
    const om_lap lap = om_lap_since(start);
    pthread_mutex_lock(&timed.lock);
    timed.stages[stage].sum.cpu_s += lap.cpu_s;
    if (--timed.stages[stage].inside == 0)
        timed.stages[stage].sum.wall_s += om_clock_s() - timed.stages[stage].began_s;
    pthread_mutex_unlock(&timed.lock);
}

static void conv1(const om_decoder_tables *tables, const om_block *block)
{
    om_lap start = enter(OM_STAGE_CONV1);
    timed.real->conv1(tables, block);
    leave(OM_STAGE_CONV1, start);
}

/* The same by Fourier transforms, in phases. */

static void fft_input(const om_fft *fft, int channel, const om_real *const maps[OM_PAIR],
                      om_real *lines)
{
    om_lap start = enter(OM_STAGE_CONV1);
    timed.real->fft->input(fft, channel, maps, lines);
    leave(OM_STAGE_CONV1, start);
}

static void fft_forward(const om_fft *fft, int g, const om_real *lines, om_real *work,
                        om_real *spectrum, size_t next, om_real *returned)
{
    om_lap start = enter(OM_STAGE_CONV1);
    timed.real->fft->forward(fft, g, lines, work, spectrum, next, returned);
    leave(OM_STAGE_CONV1, start);
}

static void fft_hidden(const om_fft *fft, int o, const om_real *returned,
                       const om_block *const blocks[2])
{
    om_lap start = enter(OM_STAGE_CONV1);
    timed.real->fft->hidden(fft, o, returned, blocks);
    leave(OM_STAGE_CONV1, start);
}

static void fft_gradient(const om_fft *fft, const om_norm *norm, int o,
                         const om_block *const blocks[2], om_real *lines)
{
    om_lap start = enter(OM_STAGE_CONV1_ADJOINT);
    timed.real->fft->gradient(fft, norm, o, blocks, lines);
    leave(OM_STAGE_CONV1_ADJOINT, start);
}

static void fft_backward(const om_fft *fft, int g, const om_real *lines, om_real *work,
                         om_real *spectrum, size_t next, om_real *returned)
{
    om_lap start = enter(OM_STAGE_CONV1_ADJOINT);
    timed.real->fft->backward(fft, g, lines, work, spectrum, next, returned);
    leave(OM_STAGE_CONV1_ADJOINT, start);
}

static void fft_d_input(const om_fft *fft, int channel, const om_real *returned,
                        const om_real *const maps[OM_PAIR], om_real *const d_maps[OM_PAIR])
{
    om_lap start = enter(OM_STAGE_CONV1_ADJOINT);
    timed.real->fft->d_input(fft, channel, returned, maps, d_maps);
    leave(OM_STAGE_CONV1_ADJOINT, start);
}

static void fft_weights(const om_fft *fft, int g, int pairs, const om_real *spectrum,
                        const om_real *d_spectrum)
{
    om_lap start = enter(OM_STAGE_CONV1_ADJOINT);
    timed.real->fft->weights(fft, g, pairs, spectrum, d_spectrum);
    leave(OM_STAGE_CONV1_ADJOINT, start);
}

static void fft_taps(const om_fft *fft, size_t from, om_real *d_weights)
{
    om_lap start = enter(OM_STAGE_CONV1_ADJOINT);
    timed.real->fft->taps(fft, from, d_weights);
    leave(OM_STAGE_CONV1_ADJOINT, start);
}

static void head(const om_decoder_tables *tables, const om_norm *norm, const om_block *block,
                 om_block_sums *sums)
{
    om_lap start = enter(OM_STAGE_HEAD);
    timed.real->head(tables, norm, block, sums);
    leave(OM_STAGE_HEAD, start);
}

static void head_adjoint(const om_decoder_tables *tables, const om_norm *norm,
                         const om_loss_weight *weight, const om_block *block, om_block_sums *sums)
{
    om_lap start = enter(OM_STAGE_HEAD_ADJOINT);
    timed.real->head_adjoint(tables, norm, weight, block, sums);
    leave(OM_STAGE_HEAD_ADJOINT, start);
}

static void conv1_adjoint(const om_decoder_tables *tables, const om_norm *norm,
                          const om_block *block)
{
    om_lap start = enter(OM_STAGE_CONV1_ADJOINT);
    timed.real->conv1_adjoint(tables, norm, block);
    leave(OM_STAGE_CONV1_ADJOINT, start);
}

const om_kernels *om_timed_kernels(const om_kernels *kernels)
{
    timed.real = kernels;
    timed.kernels = *kernels;
    timed.kernels.conv1 = conv1;
    timed.kernels.head = head;
    timed.kernels.head_adjoint = head_adjoint;
    timed.kernels.conv1_adjoint = conv1_adjoint;
    timed.fft = (om_fft_kernels){.kernel = kernels->fft->kernel,
                                 .input = fft_input,
                                 .forward = fft_forward,
                                 .hidden = fft_hidden,
                                 .gradient = fft_gradient,
                                 .backward = fft_backward,
                                 .d_input = fft_d_input,
                                 .weights = fft_weights,
                                 .taps = fft_taps};
    timed.kernels.fft = &timed.fft;
    om_timed_clear();
    return &timed.kernels;
}

void om_timed_clear(void) { memset(timed.stages, 0, sizeof timed.stages); }

om_lap om_timed(om_stage stage) { return timed.stages[stage].sum; }
