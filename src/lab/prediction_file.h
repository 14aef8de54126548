/* The file of a prediction: labelled axes, one row for each model. */
#ifndef OM_LAB_PREDICTION_FILE_H
#define OM_LAB_PREDICTION_FILE_H

#include "ommatid/om_experiment.h"
#include "store/h5.h"

/* What is written of a model, in the order of the file's axes; a condition's number runs through
 * its axes (intensity and radius of flashes; angle, intensity and speed of edges). */
typedef struct om_prediction_row {
    int n_types, n_conditions, n_times; /* times: from frame -1 on */
    float *response;                    /* [n_types][n_conditions][n_times] */
    double *peak, *peak_s;              /* [n_types][n_conditions] */
    double *fri;                        /* [n_types][radii] */
    double *dsi, *direction;            /* [n_types][intensities]; direction in degrees, 0..360 */
} om_prediction_row;

om_status om_prediction_row_create(const om_experiment *experiment, int n_types, bool whole,
                                   om_prediction_row *row);
void om_prediction_row_free(om_prediction_row *row);

/* Makes the file, whose rows are empty. */
om_status om_prediction_file_create(const om_store_info *info, const om_experiment *experiment,
                                    const om_predict_options *options);
/* Writes one model; row: NULL if there is none. */
om_status om_prediction_file_write(om_h5 *file, om_experiment_kind kind, int model,
                                   const om_prediction *prediction, const om_prediction_row *row);
/* predictions: [n]. */
om_status om_prediction_file_outcomes(om_h5 *file, om_experiment_kind kind, int n,
                                      om_prediction *predictions);

#endif
