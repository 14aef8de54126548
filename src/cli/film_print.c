/* What was decoded from a film, in a few lines: end-point errors beside those of no flow and of the
 * film's own mean flow, read from the file of predictions. */
#include <math.h>
#include <stdio.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/film_print.h"
#include "ommatid/om_statistics.h"
#include "store/h5.h"

enum { MOST_VIEWS = 12 /* in lines of their own */ };

typedef struct errors {
    size_t n_models, n_views;
    double *epe, *zero, *mean; /* [n_models][n_views], [n_views], [n_views] */
} errors;

static om_status read_errors(om_h5 *file, errors *e)
{
    const om_h5_field epe = {"/epe", OM_H5_F64, {"model", "view"}, 0, NULL, NULL, NULL};
    const om_h5_field zero = {"/epe_of_zero_flow", OM_H5_F64, {"view"}, 0, NULL, NULL, NULL};
    const om_h5_field mean = {"/epe_of_mean_flow", OM_H5_F64, {"view"}, 0, NULL, NULL, NULL};
    size_t lengths[OM_H5_AXES];
    OM_TRY(om_h5_read_field(file, &epe, lengths, &e->epe));
    OM_TRY(om_h5_read_field(file, &zero, NULL, &e->zero));
    OM_TRY(om_h5_read_field(file, &mean, NULL, &e->mean));
    e->n_models = lengths[0], e->n_views = lengths[1];
    return OM_OK;
}

/* Of n_views views from `first` on, and each model: their mean. */
static om_status print_line(const char *what, const errors *e, const int *models, size_t first,
                            size_t n_views)
{
    const om_bootstrap none = {1, 0, 0.95}; /* no intervals */
    double zero = 0, mean = 0, least = INFINITY, *of_model;
    size_t best = 0;
    om_summary s;
    OM_TRY(om_alloc(e->n_models, sizeof *of_model, &of_model));
    for (size_t v = first; v < first + n_views; v++) {
        zero += e->zero[v] / (double)n_views;
        mean += e->mean[v] / (double)n_views;
        for (size_t m = 0; m < e->n_models; m++)
            of_model[m] += e->epe[m * e->n_views + v] / (double)n_views;
    }
    for (size_t m = 0; m < e->n_models; m++)
        if (of_model[m] < least) least = of_model[best = m];
    om_status status = om_summarise(of_model, NULL, (int)e->n_models, &none, &s);
    om_free(of_model);
    OM_TRY(status);
    printf("  %-12s %9.4f %9.4f (%d)%*s %9.4f %9.4f\n", what, s.median, least, models[best],
           models[best] < 10    ? 3
           : models[best] < 100 ? 2
                                : 1,
           "", zero, mean);
    return OM_OK;
}

om_status om_print_film(const char *path, const int *models)
{
    om_h5 *file = NULL;
    errors e = {0};
    OM_TRY(om_h5_open(path, OM_H5_READ, &file));
    om_status status = read_errors(file, &e);
    om_h5_close(file);
    if (status == OM_OK && isfinite(e.zero[0])) {
        printf("end-point error, in 436/169 pixels per frame\n  %-12s %9s %9s %-7s %9s %9s\n", "",
               "median", "best", "(model)", "no flow", "mean flow");
        for (size_t v = 0; status == OM_OK && e.n_views <= MOST_VIEWS && v < e.n_views; v++) {
            char what[24];
            snprintf(what, sizeof what, "view %zu", v);
            status = print_line(what, &e, models, v, 1);
        }
        if (status == OM_OK && e.n_views > 1)
            status = print_line("all views", &e, models, 0, e.n_views);
    }
    om_free(e.epe);
    om_free(e.zero);
    om_free(e.mean);
    return status;
}
