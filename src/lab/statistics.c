/* Statistics over the models of an ensemble, of one value per model. */
#include "ommatid/om_statistics.h"

#include <math.h>

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/sample.h"

static int sign(double x) { return (x > 0) - (x < 0); }

/* x: sorted. */
static void add_moments(const double *x, size_t n, om_summary *s)
{
    s->mean = gsl_stats_mean(x, 1, n);
    s->q05 = gsl_stats_quantile_from_sorted_data(x, 1, n, 0.05);
    s->q25 = gsl_stats_quantile_from_sorted_data(x, 1, n, 0.25);
    s->median = gsl_stats_median_from_sorted_data(x, 1, n);
    s->q75 = gsl_stats_quantile_from_sorted_data(x, 1, n, 0.75);
    s->q95 = gsl_stats_quantile_from_sorted_data(x, 1, n, 0.95);
    int agreeing = 0;
    for (size_t i = 0; i < n; i++) agreeing += sign(x[i]) == sign(s->median);
    s->agreement = agreeing / (double)n;
    if (n < 2) return;
    s->sd = gsl_stats_sd(x, 1, n);
    s->error = s->sd / sqrt((double)n);
}

static om_status add_intervals(const om_bootstrap *b, const double *x, size_t n, om_summary *s)
{
    double *drawn = NULL, *mean = NULL, *median = NULL;
    size_t replicates = (size_t)b->replicates;
    om_status status = om_alloc(n, sizeof(double), &drawn);
    if (status == OM_OK) status = om_alloc(replicates, sizeof(double), &mean);
    if (status == OM_OK) status = om_alloc(replicates, sizeof(double), &median);
    if (status != OM_OK) goto done;
    for (int k = 0; k < b->replicates; k++) {
        om_bootstrap_draw(b, k, x, n, drawn);
        mean[k] = gsl_stats_mean(drawn, 1, n);
        median[k] = gsl_stats_median(drawn, 1, n); /* moves them about */
    }
    s->mean_within = om_bootstrap_interval(b, mean, replicates);
    s->median_within = om_bootstrap_interval(b, median, replicates);
done:
    om_free(drawn);
    om_free(mean);
    om_free(median);
    return status;
}

/* work: [3 n_models] */
static om_status add_weighted_mean(const double *value, const int *place, int n_models,
                                   double *work, size_t *order, om_summary *s)
{
    double *ranked = work, *at = work + n_models, *weight = at + n_models;
    size_t n = 0;
    for (int i = 0; i < n_models; i++) {
        if (place[i] < 0)
            return om_fail(OM_EUSAGE, "model %d has place %d: expected 1 or more, or 0 for none", i,
                           place[i]);
        if (place[i] == 0 || isnan(value[i])) continue;
        ranked[n] = value[i];
        at[n++] = place[i];
    }
    s->n_ranked = (int)n;
    if (n == 0) return OM_OK;
    om_sample_rank(at, n, order, weight);
    for (size_t i = 0; i < n; i++) weight[i] = (double)n + 1 - weight[i];
    s->weighted_mean = gsl_stats_wmean(weight, 1, ranked, 1, n);
    return OM_OK;
}

om_status om_summarise(const double *value, const int *place, int n_models, const om_bootstrap *b,
                       om_summary *s)
{
    const om_interval none = {NAN, NAN};
    double *x = NULL;
    size_t *order = NULL, models = (size_t)n_models, n = 0;
    OM_TRY(om_bootstrap_check(b));
    *s = (om_summary){.mean = NAN,
                      .sd = NAN,
                      .error = NAN,
                      .q05 = NAN,
                      .q25 = NAN,
                      .median = NAN,
                      .q75 = NAN,
                      .q95 = NAN,
                      .mean_within = none,
                      .median_within = none,
                      .agreement = NAN,
                      .weighted_mean = NAN};
    om_status status = om_alloc(4 * models, sizeof(double), &x);
    if (status == OM_OK) status = om_alloc(models, sizeof *order, &order);
    if (status == OM_OK) status = om_sample_take("values", value, n_models, x, &n);
    if (status != OM_OK) goto done;
    s->n = (int)n;
    s->n_left_out = n_models - s->n;
    gsl_sort(x, 1, n);
    if (n > 0) add_moments(x, n, s);
    if (n > 1) status = add_intervals(b, x, n, s);
    if (status == OM_OK && place != NULL)
        status = add_weighted_mean(value, place, n_models, x + models, order, s);
done:
    om_free(x);
    om_free(order);
    return status;
}
