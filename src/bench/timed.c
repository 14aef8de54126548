/* Kernels with a clock around each. Network kernels have none: the network does little beside them,
 * and they are called for every time step. */
#include "bench/timed.h"

#include <string.h>

#include <omp.h>

#include "model/kernels/fft.h"

enum { MOST_THREADS = 1024 };

static struct {
    const om_kernels *real;
    om_kernels kernels;
    om_fft_kernels fft;
    om_lap laps[MOST_THREADS][OM_ARITHMETIC_STAGES];
} timed;

static void note(om_stage stage, om_lap start)
{
    om_lap lap = om_lap_since(start);
    om_lap *sum = &timed.laps[omp_get_thread_num() % MOST_THREADS][stage];
    sum->cpu_s += lap.cpu_s;
    sum->wall_s += lap.wall_s;
}

static void conv1(const om_decoder_tables *tables, const om_block *block)
{
    om_lap start = om_lap_start();
    timed.real->conv1(tables, block);
    note(OM_STAGE_CONV1, start);
}

/* The same by Fourier transforms, in phases. */

static void fft_input(const om_fft *fft, int channel, const om_real *const maps[OM_PAIR],
                      om_real *lines)
{
    om_lap start = om_lap_start();
    timed.real->fft->input(fft, channel, maps, lines);
    note(OM_STAGE_CONV1, start);
}

static void fft_forward(const om_fft *fft, int g, const om_real *lines, om_real *work,
                        om_real *spectrum, size_t next, om_real *returned)
{
    om_lap start = om_lap_start();
    timed.real->fft->forward(fft, g, lines, work, spectrum, next, returned);
    note(OM_STAGE_CONV1, start);
}

static void fft_hidden(const om_fft *fft, int o, const om_real *returned,
                       const om_block *const blocks[2])
{
    om_lap start = om_lap_start();
    timed.real->fft->hidden(fft, o, returned, blocks);
    note(OM_STAGE_CONV1, start);
}

static void fft_gradient(const om_fft *fft, const om_norm *norm, int o,
                         const om_block *const blocks[2], om_real *lines)
{
    om_lap start = om_lap_start();
    timed.real->fft->gradient(fft, norm, o, blocks, lines);
    note(OM_STAGE_CONV1_ADJOINT, start);
}

static void fft_backward(const om_fft *fft, int g, const om_real *lines, om_real *work,
                         om_real *spectrum, size_t next, om_real *returned)
{
    om_lap start = om_lap_start();
    timed.real->fft->backward(fft, g, lines, work, spectrum, next, returned);
    note(OM_STAGE_CONV1_ADJOINT, start);
}

static void fft_d_input(const om_fft *fft, int channel, const om_real *returned,
                        const om_real *const maps[OM_PAIR], om_real *const d_maps[OM_PAIR])
{
    om_lap start = om_lap_start();
    timed.real->fft->d_input(fft, channel, returned, maps, d_maps);
    note(OM_STAGE_CONV1_ADJOINT, start);
}

static void fft_weights(const om_fft *fft, int g, int pairs, const om_real *spectrum,
                        const om_real *d_spectrum)
{
    om_lap start = om_lap_start();
    timed.real->fft->weights(fft, g, pairs, spectrum, d_spectrum);
    note(OM_STAGE_CONV1_ADJOINT, start);
}

static void fft_taps(const om_fft *fft, size_t from, om_real *d_weights)
{
    om_lap start = om_lap_start();
    timed.real->fft->taps(fft, from, d_weights);
    note(OM_STAGE_CONV1_ADJOINT, start);
}

static void head(const om_decoder_tables *tables, const om_norm *norm, const om_block *block,
                 om_block_sums *sums)
{
    om_lap start = om_lap_start();
    timed.real->head(tables, norm, block, sums);
    note(OM_STAGE_HEAD, start);
}

static void head_adjoint(const om_decoder_tables *tables, const om_norm *norm,
                         const om_loss_weight *weight, const om_block *block, om_block_sums *sums)
{
    om_lap start = om_lap_start();
    timed.real->head_adjoint(tables, norm, weight, block, sums);
    note(OM_STAGE_HEAD_ADJOINT, start);
}

static void conv1_adjoint(const om_decoder_tables *tables, const om_norm *norm,
                          const om_block *block)
{
    om_lap start = om_lap_start();
    timed.real->conv1_adjoint(tables, norm, block);
    note(OM_STAGE_CONV1_ADJOINT, start);
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

void om_timed_clear(void) { memset(timed.laps, 0, sizeof timed.laps); }

om_lap om_timed(om_stage stage)
{
    om_lap longest = {0};
    for (int t = 0; t < MOST_THREADS; t++) {
        const om_lap *lap = &timed.laps[t][stage];
        if (lap->wall_s > longest.wall_s) longest = *lap;
    }
    return longest;
}
