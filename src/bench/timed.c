/* Kernels with a clock around each. Network kernels have none: the network does little beside them,
 * and they are called for every time step. */
#include "bench/timed.h"

#include <string.h>

#include <omp.h>

enum { MOST_THREADS = 1024 };

static struct {
    const om_kernels *real;
    om_kernels kernels;
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
