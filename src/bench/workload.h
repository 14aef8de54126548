/* What is measured: a circuit, the training options of a spec that says nothing, and films made up in
 * memory; and trainers of it. */
#ifndef OM_BENCH_WORKLOAD_H
#define OM_BENCH_WORKLOAD_H

#include "ommatid/om_train.h"

enum { OM_LARGEST_BATCH = 16, OM_BENCH_SEED = 1 };

typedef struct om_workload {
    const om_circuit *circuit;
    om_scenes *scenes; /* OM_LARGEST_BATCH sequences to train on, one to validate */
    om_train_options options;
    int iterations_per_pass; /* with the spec's number of scenes */
} om_workload;

om_status om_workload_create(const om_circuit *circuit, om_workload *workload);
void om_workload_free(om_workload *workload); /* accepts a zeroed one */

/* A model in training: whole iterations by om_train_advance(). */
typedef struct om_trainee {
    om_trainer *trainer;
    om_state *state;
} om_trainee;

typedef struct om_trainee_options {
    int batch, threads;
    bool penalty;
} om_trainee_options;

/* Warmed up by two iterations. The steady state before each pass is left out (it takes no steps): it
 * is measured apart, as a call of om_train_advance() always has one. */
om_status om_trainee_create(const om_workload *workload, const om_trainee_options *options,
                            om_trainee *trainee);
void om_trainee_free(om_trainee *trainee); /* accepts a zeroed one */
om_status om_trainee_advance(om_trainee *trainee, int iterations);

#endif
