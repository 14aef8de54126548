/* The laboratory's battery as work for processes side by side. */
#include "bench/battery.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/battery.h"
#include "ommatid/om_params.h"
#include "parallel/beside.h"

enum { SEED = 1 };
static const double TIME_CONSTANT_S = 0.05, DECODER_MEAN = 0.001, LEAST_S = 1e-3; /* one model */

typedef struct asking {
    const om_circuit *circuit;
    double *mb; /* shared by the processes: the most that any had */
    om_battery battery;
    om_real *params;
    double *fri, *peak;
} asking;

static om_status begin(const void *context, void **own)
{
    asking *a;
    const om_init_options init = {.time_constant_s = TIME_CONSTANT_S, .decoder_mean = DECODER_MEAN};
    OM_TRY(om_alloc(1, sizeof *a, &a));
    *a = *(const asking *)context;
    *own = a;
    const size_t types = (size_t)a->circuit->n_types;
    OM_TRY(om_alloc(om_layout_of(a->circuit).n_params, sizeof *a->params, &a->params));
    OM_TRY(om_alloc(OM_BATTERY_RADII * types, sizeof *a->fri, &a->fri));
    OM_TRY(om_alloc(OM_BATTERY_EDGES * types, sizeof *a->peak, &a->peak));
    om_params_init(a->circuit, &init, SEED, 0, a->params);
    return om_battery_create(a->circuit, &a->battery);
}

static om_status work(void *own, double *done)
{
    asking *a = own;
    struct rusage used;
    const om_experiment_options options = {.threads = 1};
    OM_TRY(om_battery_show(&a->battery, a->circuit, a->params, &options, a->fri, a->peak));
    getrusage(RUSAGE_SELF, &used);
    const double mb = (double)used.ru_maxrss * 1024e-6;
    if (mb > *a->mb) *a->mb = mb; /* whichever comes last: they differ little */
    *done = 1;
    return OM_OK;
}

om_status om_battery_measure(const om_circuit *circuit, int cores, om_battery_time *time)
{
    *time = (om_battery_time){.conditions = OM_BATTERY_EDGES + 2 * OM_BATTERY_RADII};
    void *shared =
        mmap(NULL, sizeof(double), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return om_fail_errno("cannot share", "memory between processes");
    const asking a = {.circuit = circuit, .mb = shared};
    const om_beside beside = {begin, work, &a, 0};
    double alone = 0, together = 0;
    om_status status = om_beside_rate(&beside, 1, LEAST_S, &alone);
    if (status == OM_OK) status = om_beside_rate(&beside, cores, LEAST_S, &together);
    if (status == OM_OK) {
        time->core_s = 1 / alone;
        time->all_s = cores / together;
    }
    time->mb = *a.mb;
    munmap(shared, sizeof(double));
    return status;
}
