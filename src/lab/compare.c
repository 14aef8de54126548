/* Two ensembles side by side: are they different, equivalent, or not to be told apart? */
#include <math.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/sample.h"

enum { EXACT = 20 }; /* the largest sample of the exact test */

/* P(U <= u) of samples without equal values that do not differ. The highest of all n + m values is
 * of a with probability n / (n + m), and then above all m of b:
 *     P(U = u; n, m) = (n P(u - m; n - 1, m) + m P(u; n, m - 1)) / (n + m)   (Mann and Whitney). */
static double exact_tail(int n_a, int n_b, double u)
{
    double p[EXACT + 1][EXACT * EXACT + 1] = {{0}}; /* [m][u], for one n after the other */
    const int most = n_a * n_b;
    for (int m = 0; m <= n_b; m++) p[m][0] = 1;
    for (int n = 1; n <= n_a; n++)
        for (int m = 1; m <= n_b; m++)
            for (int i = most; i >= 0; i--)
                p[m][i] = (n * (i < m ? 0 : p[m][i - m]) + m * p[m - 1][i]) / (n + m);
    double sum = 0;
    for (int i = 0; i <= most && i <= u; i++) sum += p[n_b][i];
    return sum;
}

static double normal_p(double n_a, double n_b, double u, double ties)
{
    double n = n_a + n_b;
    double variance = n_a * n_b / 12 * (n + 1 - ties / (n * (n - 1)));
    double away = fmax(fabs(u - n_a * n_b / 2) - 0.5, 0);
    if (!(variance > 0)) return 1; /* all values are equal */
    return 2 * gsl_cdf_ugaussian_Q(away / sqrt(variance));
}

/* both: [n_a + n_b], the values of a and then those of b. */
static om_status add_ranks(const double *both, om_comparison *c)
{
    double *rank = NULL;
    size_t *order = NULL, n = (size_t)(c->n_a + c->n_b);
    om_status status = om_alloc(n, sizeof(double), &rank);
    if (status == OM_OK) status = om_alloc(n, sizeof *order, &order);
    if (status != OM_OK) goto done;
    double ties = om_sample_rank(both, n, order, rank);
    double n_a = c->n_a, n_b = c->n_b, sum = 0;
    for (int i = 0; i < c->n_a; i++) sum += rank[i];
    c->u = sum - n_a * (n_a + 1) / 2;
    c->superiority = c->u / (n_a * n_b);
    c->u_exact = ties == 0 && c->n_a <= EXACT && c->n_b <= EXACT;
    if (c->u_exact)
        c->u_p = fmin(2 * exact_tail(c->n_a, c->n_b, fmin(c->u, n_a * n_b - c->u)), 1);
    else
        c->u_p = normal_p(n_a, n_b, c->u, ties);
done:
    om_free(rank);
    om_free(order);
    return status;
}

static om_interval about(double centre, double reach)
{
    return (om_interval){centre - reach, centre + reach};
}

static void add_means(const double *a, const double *b, double margin, om_comparison *c)
{
    size_t n_a = (size_t)c->n_a, n_b = (size_t)c->n_b;
    c->difference = gsl_stats_mean(a, 1, n_a) - gsl_stats_mean(b, 1, n_b);
    if (n_a < 2 || n_b < 2) return;
    double v_a = gsl_stats_variance(a, 1, n_a) / c->n_a;
    double v_b = gsl_stats_variance(b, 1, n_b) / c->n_b;
    double share = v_a / (v_a + v_b), d = c->difference, error = sqrt(v_a + v_b);
    c->error = error;
    if (error == 0) c->verdict = OM_NO_SPREAD;
    if (!(error > 0 && isfinite(error))) return; /* neither varies, or squares overflow */
    c->t = d / error;
    c->df = 1 / (share * share / (c->n_a - 1) + (1 - share) * (1 - share) / (c->n_b - 1));
    c->welch_p = 2 * gsl_cdf_tdist_Q(fabs(c->t), c->df);
    c->within_90 = about(d, error * gsl_cdf_tdist_Pinv(0.95, c->df));
    c->within_95 = about(d, error * gsl_cdf_tdist_Pinv(0.975, c->df));
    c->equivalence_p = fmax(gsl_cdf_tdist_Q((d + margin) / error, c->df),
                            gsl_cdf_tdist_Q((margin - d) / error, c->df));
    if (c->welch_p < 0.05) c->verdict = OM_DIFFERENT;
    if (c->equivalence_p < 0.05) c->verdict = OM_EQUIVALENT;
}

om_status om_compare(const double *a, int n_a, const double *b, int n_b, double margin,
                     om_comparison *c)
{
    const om_interval none = {NAN, NAN};
    double *both = NULL;
    size_t used_a = 0, used_b = 0;
    *c = (om_comparison){.difference = NAN,
                         .error = NAN,
                         .within_90 = none,
                         .within_95 = none,
                         .t = NAN,
                         .df = NAN,
                         .welch_p = NAN,
                         .u = NAN,
                         .superiority = NAN,
                         .u_p = NAN,
                         .equivalence_p = NAN};
    if (!(margin >= 0 && isfinite(margin)))
        return om_fail(OM_EUSAGE,
                       "a margin of %g: expected the smallest difference that matters, or "
                       "0 where none is known",
                       margin);
    om_status status = om_alloc((size_t)n_a + (size_t)n_b, sizeof(double), &both);
    if (status == OM_OK) status = om_sample_take("values of the first", a, n_a, both, &used_a);
    if (status == OM_OK)
        status = om_sample_take("values of the second", b, n_b, both + used_a, &used_b);
    if (status != OM_OK) goto done;
    c->n_a = (int)used_a;
    c->n_b = (int)used_b;
    if (used_a == 0 || used_b == 0) goto done;
    add_means(both, both + used_a, margin, c);
    status = add_ranks(both, c);
done:
    om_free(both);
    return status;
}
