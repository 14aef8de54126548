/* What `ommatid validate` prints: a validation beside the ranking by task error, and what follows from
 * both. */
#ifndef CLI_VALIDATE_REPORT_H
#define CLI_VALIDATE_REPORT_H

#include "ommatid/om_ensemble.h"
#include "ommatid/om_statistics.h"
#include "ommatid/om_validation.h"

/* One measure over the models: means of those that have it, and its correlation with task error. */
typedef struct om_measure_summary {
    double best, all, worst, untrained;
    om_correlation with_error;
    double corrected_p; /* of Spearman, for the number of measures (Holm) */
} om_measure_summary;

/* What is known of a type, and what models say; NaN: not known, or nothing was said. */
typedef struct om_type_summary {
    int type;
    const om_known_type *known;
    int intensity;        /* of the edges: a detector's own; -1: the larger DSI of both */
    double fri, best_fri; /* medians over all, and over the best models */
    double sign_right;    /* share of models */
    double dsi, best_dsi; /* medians */
    double direction, best_direction; /* circular means in degrees, 0 to 360 */
    bool mirrored;                    /* two camps of models, opposite each other */
    double direction_right;           /* share of models within 45 degrees */
} om_type_summary;

typedef struct om_validate_report {
    const om_store_info *info;
    const om_validation *v;
    const om_ranked *ranked; /* [n_models] by place, then those without */
    int *place;              /* [n_models] by model; 0: none */
    double *error;           /* [n_models] task error by model; NaN: not ranked */
    int n_measured;          /* models that were not left out */
    int n_best, *best;       /* models; the best of those measured, and as many of */
    int *worst;              /* the last */
    om_measure_summary measures[OM_N_MEASURES];
    int n_types;
    om_type_summary *types; /* [n_types] those of which something is known */
    double
        best_mean_polarity; /* correlation of FRI, averaged over the best models, with polarity */
    int best_mean_signs;    /* types whose averaged FRI has the known sign */
} om_validate_report;

/* ranked stays the caller's. Free with om_validate_report_free(). Errors: OM_ENOMEM, OM_EDATA. */
om_status om_validate_report_make(om_store *store, const om_validation *v, const om_ranked *ranked,
                                  om_validate_report *report);
void om_validate_report_free(om_validate_report *report);

void om_validate_print(const om_validate_report *report);
om_status om_validate_print_json(const om_validate_report *report);
/* Errors: OM_EIO (exists already, full disk). */
om_status om_validate_write_csv(const om_validate_report *report, const char *path);

#endif
