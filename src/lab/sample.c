/* Samples of models: taken, ranked, drawn again. */
#include "lab/sample.h"

#include <math.h>

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>

#include "base/fail.h"
#include "ommatid/om_random.h"

om_status om_sample_take(const char *what, const double *value, int n_models, double *used,
                         size_t *n)
{
    *n = 0;
    for (int i = 0; i < n_models; i++) {
        if (isinf(value[i]))
            return om_fail(OM_EDATA,
                           "%s: that of model %d is infinite: expected a number, or NaN to leave "
                           "the model out",
                           what, i);
        if (!isnan(value[i])) used[(*n)++] = value[i];
    }
    return OM_OK;
}

double om_sample_rank(const double *value, size_t n, size_t *order, double *rank)
{
    double ties = 0;
    gsl_sort_index(order, value, 1, n);
    for (size_t first = 0, next = 0; first < n; first = next) {
        while (next < n && value[order[next]] == value[order[first]]) next++;
        double t = (double)(next - first);
        for (size_t i = first; i < next; i++) rank[order[i]] = (double)first + (t + 1) / 2;
        ties += t * t * t - t;
    }
    return ties;
}

om_status om_bootstrap_check(const om_bootstrap *b)
{
    if (b->replicates < 0)
        return om_fail(OM_EUSAGE, "%d replicates: expected 0 or more", b->replicates);
    if (!(b->level > 0 && b->level < 1))
        return om_fail(OM_EUSAGE, "intervals of level %g: expected between 0 and 1, like 0.95",
                       b->level);
    return OM_OK;
}

void om_bootstrap_draw(const om_bootstrap *b, int replicate, const double *value, size_t n,
                       double *drawn)
{
    om_stream stream = {b->seed, 0, OM_FOR_STATISTICS, (uint32_t)replicate, 0};
    for (size_t i = 0; i < n; i++)
        drawn[i] = value[om_random_below(&stream, (uint32_t)i, (uint32_t)n)];
}

om_interval om_bootstrap_interval(const om_bootstrap *b, double *statistic, size_t n)
{
    if (n == 0) return (om_interval){NAN, NAN};
    gsl_sort(statistic, 1, n);
    return (om_interval){gsl_stats_quantile_from_sorted_data(statistic, 1, n, (1 - b->level) / 2),
                         gsl_stats_quantile_from_sorted_data(statistic, 1, n, (1 + b->level) / 2)};
}
