/* How long the parts of training take on this machine, of one ensemble or of several that are alike or
 * not: what costs the same is measured once. */
#ifndef OM_ENSEMBLE_SPEED_H
#define OM_ENSEMBLE_SPEED_H

#include <stdbool.h>

#include "ommatid/om_train.h"

/* An ensemble, and what is to be known of it. */
typedef struct om_speed_subject {
    const om_circuit *circuit;
    const om_train_options *train;
    bool penalised, plain; /* whether it has iterations with the activity penalty, and without */
    double bytes;          /* of a rank's trainer: what it costs where it is not measured */
} om_speed_subject;

/* In s, with so many ranks side by side; 0 where it was not asked for. */
typedef struct om_speed {
    double penalised_s, plain_s; /* an iteration */
    /* A batch of a check on validation scenes: without a steady state before it, with that of a check, and
     * with that before a pass. */
    double batch_s, check_batch_s, pass_batch_s;
} om_speed;

typedef struct om_speed_options {
    int beside, threads; /* ranks side by side, and threads of each */
    void (*tell)(void);  /* called before anything is measured; may be NULL */
} om_speed_options;

/* What measuring was like. */
typedef struct om_speed_report {
    int kinds,
        measured;  /* of subjects that cost the same, and of these as many as there was time for */
    double others; /* cores that other processes took meanwhile, on average */
} om_speed_report;

/* Measures for a few seconds, ten or so if there are many kinds (one measurement takes longer where an
 * iteration does). Kinds that there is no time for cost as much as the one measured that is nearest in
 * size, in proportion to it. speeds: [n]. To be called before OpenMP has started threads. Errors: as
 * om_workload_rate(). */
om_status om_speed_measure(const om_speed_subject *subjects, int n, const om_speed_options *options,
                           om_speed *speeds, om_speed_report *report);

#endif
