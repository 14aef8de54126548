/* What all experiments on models of a store have in common, and each its own part of. */
#ifndef OM_LAB_SHOWING_H
#define OM_LAB_SHOWING_H

#include "lab/prediction_file.h"

typedef struct om_showing {
    const om_predict_options *options;
    const om_store_info *info;
    om_circuit *circuit;
    om_train_options *train; /* the store's settings */
    int threads;
    const double *counts; /* [n_taps] the model's own synapse counts; NULL: the circuit's */
    om_real *params;      /* [n_params] of the model at hand, and its running statistics */
    om_real running_mean[OM_HIDDEN], running_var[OM_HIDDEN];
    const int *types; /* [axes.n of types] numbers of the types that the file is about */
    om_prediction_axes axes;
    void *row[OM_PREDICTED_FIELDS]; /* of the model at hand; what is the same for all, once */
    om_h5 *file;                    /* open for rows */
    int place;                      /* of the model at hand in it */
    void *own;                      /* of the experiment */
} om_showing;

/* An experiment: prepares its axes and, once rows have room, what is the same for all models; shows
 * itself to the model at hand and fills in the row (OM_EDIVERGED with what left the bound); frees what
 * it made. */
typedef struct om_show {
    om_status (*prepare)(om_showing *showing);
    om_status (*share)(om_showing *showing);
    om_status (*show)(om_showing *showing);
    void (*release)(om_showing *showing);
} om_show;

extern const om_show om_show_stimuli; /* flashes and edges */
extern const om_show om_show_film;

#endif
