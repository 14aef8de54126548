/* The file of a prediction: labelled axes, one row for each model, statistics over models. */
#ifndef OM_LAB_PREDICTION_FILE_H
#define OM_LAB_PREDICTION_FILE_H

#include "ommatid/om_experiment.h"
#include "store/h5.h"

/* All that any of the files holds. The first are axes; from OM_PREDICTED_RESPONSE on a row for each
 * model, which statistics are made of; from OM_PREDICTED_TRUE_FLOW on what is the same for all. */
typedef enum om_prediction_field {
    OM_PREDICTED_MODEL,
    OM_PREDICTED_TYPE,
    OM_PREDICTED_ANGLE,
    OM_PREDICTED_INTENSITY,
    OM_PREDICTED_RADIUS,
    OM_PREDICTED_SPEED,
    OM_PREDICTED_VIEW,
    OM_PREDICTED_TIME,
    OM_PREDICTED_COMPONENT,
    OM_PREDICTED_COLUMN,
    OM_PREDICTED_AXES,
    OM_PREDICTED_OUTCOME = OM_PREDICTED_AXES,
    OM_PREDICTED_MESSAGE,
    OM_PREDICTED_RESPONSE,
    OM_PREDICTED_CELL_RESPONSE,
    OM_PREDICTED_PEAK,
    OM_PREDICTED_PEAK_TIME,
    OM_PREDICTED_FRI,
    OM_PREDICTED_DSI,
    OM_PREDICTED_DSI_BY_SPEED,
    OM_PREDICTED_DIRECTION,
    OM_PREDICTED_DIRECTION_BY_SPEED,
    OM_PREDICTED_FLOW,
    OM_PREDICTED_EPE,
    OM_PREDICTED_L2NORM,
    OM_PREDICTED_TRUE_FLOW,
    OM_PREDICTED_ZERO_EPE,
    OM_PREDICTED_MEAN_EPE,
    OM_PREDICTED_LUMINANCE,
    OM_PREDICTED_U,
    OM_PREDICTED_V,
    OM_PREDICTED_FIELDS
} om_prediction_field;

/* What lies along the axes: lengths, 0 for those that a file lacks, and coordinates. */
typedef struct om_prediction_axes {
    size_t n[OM_PREDICTED_AXES];
    const void *values[OM_PREDICTED_AXES];
} om_prediction_axes;

/* The fields of an experiment's file, [OM_PREDICTED_FIELDS]; and whether a file with such axes has one:
 * those without path, or with an axis of length 0, it lacks. */
const om_h5_field *om_prediction_fields(om_experiment_kind kind);
bool om_prediction_has(om_experiment_kind kind, int field, const om_prediction_axes *axes);
/* Numbers of a field that belong to one model (or to all, where it has no axis of models). */
size_t om_prediction_count(const om_h5_field *field, const om_prediction_axes *axes);

/* Memory for what belongs to one model, [OM_PREDICTED_FIELDS]: float or double by the field's type,
 * NULL where the file lacks it, and for responses of chosen cells, which may be too many (cells.h). Free
 * each with om_free(). */
om_status om_prediction_row_create(om_experiment_kind kind, const om_prediction_axes *axes,
                                   void *row[OM_PREDICTED_FIELDS]);

/* Makes the file at `path`, whose rows are empty, with what is the same for all models. */
om_status om_prediction_file_create(const char *path, const om_store_info *info,
                                    const om_predict_options *options,
                                    const om_prediction_axes *axes,
                                    void *const shared[OM_PREDICTED_FIELDS]);
/* Writes one model; row: NULL if there is none. */
om_status om_prediction_file_write(om_h5 *file, om_experiment_kind kind, int model,
                                   const om_prediction *prediction,
                                   void *const row[OM_PREDICTED_FIELDS]);
/* predictions: [n]. */
om_status om_prediction_file_outcomes(om_h5 *file, om_experiment_kind kind, int n,
                                      om_prediction *predictions);

/* ---- statistics over models (aggregate.c) ---- */

/* Adds empty fields for them to a file that is being made. */
om_status om_aggregate_add(om_h5 *file, om_experiment_kind kind, const om_prediction_axes *axes);
/* Fills them in from the rows of all models; types are divided among the ranks. Each does its share.
 * place: [n_models] in the ranking, 0 for none; NULL: there is no ranking. */
om_status om_aggregate(om_h5 *file, om_experiment_kind kind, const om_prediction_axes *axes,
                       const om_prediction *predictions, const int *place);

#endif
