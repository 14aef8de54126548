/* What `ommatid compare` prints: two ensembles A and B, measure by measure. */
#ifndef CLI_COMPARE_REPORT_H
#define CLI_COMPARE_REPORT_H

#include "ommatid/om_ensemble.h"
#include "ommatid/om_statistics.h"
#include "ommatid/om_validation.h"

enum {
    OM_COMPARED_EPE,
    OM_COMPARED_L2NORM,
    OM_COMPARED_FIRST, /* of om_measures[] */
    OM_N_COMPARED = OM_COMPARED_FIRST + OM_N_MEASURES
};
/* What that measure is called: "epe", "l2norm", or the name of one that `validate` keeps. */
const char *om_compared_name(int measure);

/* One ensemble. */
typedef struct om_compared_store {
    om_store *store;
    const om_store_info *info;
    om_model_row *rows; /* [n_models] only models that are done are compared */
    int n_done;
    bool measured;                /* has a measures file */
    double *value[OM_N_COMPARED]; /* [n_models] NaN: left out, or not known */
    char (*untuned)
        [OM_MESSAGE_BYTES]; /* [n_models] why there is nothing of it in the measures file */
} om_compared_store;

typedef struct om_compared {
    bool known; /* of models of both */
    bool more_is_better;
    double margin; /* 0: none */
    om_summary a, b;
    om_comparison tests;
    double corrected_p; /* Welch's, for the number of measures of its family (Holm) */
    om_verdict verdict; /* by corrected_p */
} om_compared;

typedef struct om_compare_report {
    om_compared_store store[2]; /* A, B */
    bool same_circuit, same_scenes;
    bool scenes_known;  /* of both: not of models that were trained elsewhere */
    bool errors_apart;  /* task error is left out, as it is of different scenes */
    bool errors_unlike; /* task error is left out, as one knows only EPE, the other only l2norm */
    om_compared measures[OM_N_COMPARED];
    /* (zero flow's EPE - mean EPE of A) / (the same of B), each with its own zero flow; where only one
     * is known, with that one. NaN: none is, or EPE is not compared. */
    double gain_ratio;
} om_compare_report;

/* Models that are done and yet not compared in some of the measures, and why; calls tell() for each
 * model and group of measures ("EPE", "l2norm", "tuning") that others of the ensemble have. */
typedef void om_compare_told(void *context, int model, const char *measures, const char *why);
void om_compare_left_out(const om_compared_store *store, om_compare_told *tell, void *context);

void om_compare_print(const om_compare_report *report);
om_status om_compare_print_json(const om_compare_report *report);
void om_compare_print_csv(const om_compare_report *report);

#endif
