/* What --plot draws of a validation, of predictions and of a ranking: from their data to the arrays of
 * report/pictures.h. Errors are those of om_plot_finish(), and OM_EDATA where there is nothing to
 * draw. */
#ifndef CLI_PICTURES_H
#define CLI_PICTURES_H

#include "cli/validate_report.h"

typedef enum om_validation_picture {
    OM_PICTURE_DIRECTIONS, /* polar tuning of T4a-d and T5a-d */
    OM_PICTURE_POLARITY    /* flash response of all types */
} om_validation_picture;

om_status om_picture_validation(const om_validate_report *report, om_validation_picture which,
                                const char *path);

/* Of a file of om_predict(): answers to bright and dark flashes of the whole field, or to edges of 19
 * columns/s in preferred and opposite direction. types: "T4a,Mi1"; NULL: those most looked at.
 * Errors: OM_EUSAGE (a type that is not in the file). */
om_status om_picture_prediction(const char *file, om_experiment_kind kind, const char *types,
                                const char *path);

/* The same error before anything is computed. */
om_status om_picture_check_types(const om_store_info *info, const char *types);

/* value: [n_models of the store] of the measure, by model. */
om_status om_picture_ranking(const om_store_info *info, const om_ranked *ranked, om_measure measure,
                             const double *value, const char *path);

#endif
