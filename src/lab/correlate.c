/* One measure against another across the models of an ensemble, and p values of many such tests. */
#include <math.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/sample.h"
#include "ommatid/om_random.h"

/* What is correlated, and room for its replicates. */
typedef struct pairs {
    size_t n;
    double *x, *y;             /* [n] */
    double *drawn_x, *drawn_y; /* [n] */
    double *work;              /* [2 n] */
    uint32_t *order;           /* [n] */
    double *replicate;         /* [replicates] */
} pairs;

static void pairs_free(pairs *p)
{
    om_free(p->x);
    om_free(p->y);
    om_free(p->drawn_x);
    om_free(p->drawn_y);
    om_free(p->work);
    om_free(p->order);
    om_free(p->replicate);
}

static om_status pairs_alloc(size_t n, size_t replicates, pairs *p)
{
    OM_TRY(om_alloc(n, sizeof(double), &p->x));
    OM_TRY(om_alloc(n, sizeof(double), &p->y));
    OM_TRY(om_alloc(n, sizeof(double), &p->drawn_x));
    OM_TRY(om_alloc(n, sizeof(double), &p->drawn_y));
    OM_TRY(om_alloc(2 * n, sizeof(double), &p->work));
    OM_TRY(om_alloc(n, sizeof *p->order, &p->order));
    return om_alloc(replicates, sizeof(double), &p->replicate);
}

/* The models that have both measures. */
static om_status take(const double *x, const double *y, int n_models, pairs *p)
{
    OM_TRY(om_sample_take("values of x", x, n_models, p->x, &p->n));
    OM_TRY(om_sample_take("values of y", y, n_models, p->y, &p->n));
    p->n = 0;
    for (int i = 0; i < n_models; i++) {
        if (isnan(x[i]) || isnan(y[i])) continue;
        p->x[p->n] = x[i];
        p->y[p->n++] = y[i];
    }
    return OM_OK;
}

typedef double coefficient(const double *x, const double *y, size_t n, double *work);

static double pearson(const double *x, const double *y, size_t n, double *work)
{
    (void)work;
    return gsl_stats_correlation(x, 1, y, 1, n);
}

static double spearman(const double *x, const double *y, size_t n, double *work)
{
    return gsl_stats_spearman(x, 1, y, 1, n, work);
}

static om_interval interval(const om_bootstrap *b, pairs *p, coefficient *of)
{
    size_t kept = 0;
    for (int k = 0; k < b->replicates; k++) {
        om_bootstrap_draw(b, k, p->x, p->n, p->drawn_x);
        om_bootstrap_draw(b, k, p->y, p->n, p->drawn_y);
        double r = of(p->drawn_x, p->drawn_y, p->n, p->work);
        if (!isnan(r)) p->replicate[kept++] = r;
    }
    return om_bootstrap_interval(b, p->replicate, kept);
}

static double permuted_p(const om_bootstrap *b, pairs *p, coefficient *of, double r)
{
    int reached = 0;
    for (int k = 0; k < b->replicates; k++) {
        om_stream stream = {b->seed, 0, OM_FOR_STATISTICS, (uint32_t)k, 1};
        om_random_permutation(&stream, (uint32_t)p->n, p->order);
        for (size_t i = 0; i < p->n; i++) p->drawn_y[i] = p->y[p->order[i]];
        /* the same pairs in another order may differ by rounding */
        reached += fabs(of(p->x, p->drawn_y, p->n, p->work)) >= fabs(r) * (1 - 1e-12);
    }
    return b->replicates > 0 ? (1.0 + reached) / (1.0 + b->replicates) : NAN;
}

static void associate(const om_bootstrap *b, pairs *p, coefficient *of, om_association *a)
{
    double r = of(p->x, p->y, p->n, p->work);
    if (isnan(r)) return;
    a->r = fmax(-1, fmin(1, r)); /* rounding may exceed 1 */
    double df = (double)p->n - 2;
    double t = fabs(a->r) * sqrt(df / ((1 - a->r) * (1 + a->r)));
    a->p = 2 * gsl_cdf_tdist_Q(t, df);
    a->within = interval(b, p, of);
    a->permuted_p = permuted_p(b, p, of, r);
}

om_status om_correlate(const double *x, const double *y, int n_models, const om_bootstrap *b,
                       om_correlation *c)
{
    const om_association none = {NAN, {NAN, NAN}, NAN, NAN};
    pairs p = {0};
    OM_TRY(om_bootstrap_check(b));
    *c = (om_correlation){0, n_models, none, none};
    om_status status = pairs_alloc((size_t)n_models, (size_t)b->replicates, &p);
    if (status == OM_OK) status = take(x, y, n_models, &p);
    if (status == OM_OK) {
        c->n = (int)p.n;
        c->n_left_out = n_models - c->n;
    }
    if (status == OM_OK && p.n >= 3) {
        associate(b, &p, pearson, &c->pearson);
        associate(b, &p, spearman, &c->spearman);
    }
    pairs_free(&p);
    return status;
}

om_status om_holm(const double *p, int n, double *adjusted)
{
    size_t *order = NULL, m = 0;
    double *tests = NULL, largest = 0;
    for (int i = 0; i < n; i++)
        if (p[i] < 0 || p[i] > 1)
            return om_fail(OM_EDATA, "p value %g of test %d: expected 0 to 1, or NaN", p[i], i);
    om_status status = om_alloc((size_t)n, sizeof *order, &order);
    if (status == OM_OK) status = om_alloc((size_t)n, sizeof *tests, &tests);
    if (status != OM_OK) goto done;
    /* a NaN sorts behind all tests, as a p above 1 */
    for (int i = 0; i < n; i++) tests[i] = isnan(p[i]) ? 2 : p[i];
    for (int i = 0; i < n; i++) m += tests[i] <= 1;
    gsl_sort_index(order, tests, 1, (size_t)n);
    for (size_t i = 0; i < (size_t)n; i++) {
        if (i < m) largest = fmax(largest, (double)(m - i) * tests[order[i]]);
        adjusted[order[i]] = i < m ? fmin(largest, 1) : NAN;
    }
done:
    om_free(order);
    om_free(tests);
    return status;
}
