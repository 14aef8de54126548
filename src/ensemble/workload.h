/* What is measured where speed matters and results do not: a circuit, training options and films made
 * up in memory; and trainers of it, alone or in processes side by side as ranks are. */
#ifndef OM_ENSEMBLE_WORKLOAD_H
#define OM_ENSEMBLE_WORKLOAD_H

#include "ommatid/om_train.h"

enum { OM_WORKLOAD_SEED = 1 };

typedef struct om_workload {
    const om_circuit *circuit;
    om_scenes *scenes; /* the sequences to train on, and one to validate */
    om_train_options options;
} om_workload;

/* sequences: to train on, as many as the largest batch or more. */
om_status om_workload_create(const om_circuit *circuit, const om_train_options *options,
                             int sequences, om_workload *workload);
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

/* So many trainees in processes side by side, for so many seconds of wall time after they have warmed
 * up, and with that no longer than most_s (0: any time); *per_s: iterations of all together. To be
 * called when om_beside_rate() may be. Errors: its own, those of a trainee. */
om_status om_workload_rate(const om_workload *workload, const om_trainee_options *options,
                           int ranks, double seconds, double most_s, double *per_s);

#endif
