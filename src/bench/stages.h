/* One training iteration taken apart: the steps of the trainer's, one by one, each timed. */
#ifndef OM_BENCH_STAGES_H
#define OM_BENCH_STAGES_H

#include "bench/series.h"
#include "bench/work.h"
#include "ensemble/workload.h"
#include "model/kernels/kernels.h"

enum { OM_LARGEST_BATCH = 16 };

/* What bench measures: OM_LARGEST_BATCH sequences, the training options of a spec that says nothing;
 * and what a pass is with as many scenes as such a spec has. */
om_status om_bench_workload(const om_circuit *circuit, om_workload *workload);
int om_bench_iterations_per_pass(void);

typedef struct om_stages om_stages;

/* The workload must outlive it. kernels: of all stages. */
om_status om_stages_create(const om_workload *workload, const om_kernels *kernels, int threads,
                           om_stages **stages);
void om_stages_free(om_stages *stages); /* accepts NULL */
const om_work *om_stages_work(const om_stages *stages);
const om_real *om_stages_params(const om_stages *stages); /* as they are now */

/* One iteration with the activity penalty; adds the time of every stage to its series. */
om_status om_stages_run(om_stages *stages, om_series series[OM_STAGES]);

#endif
