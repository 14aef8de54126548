/* Statistics over models: values by closed forms, from textbooks, or counted out; then what must
 * hold of any sample, error rates in seeded simulations, and samples too small to say much. */
#include "samples.h"

static const om_bootstrap none = {1, 0, 0.95};

/* ---- one value per model ---- */

static om_summary summary_of(const double *value, const int *place, int n, om_bootstrap bootstrap)
{
    om_summary s;
    assert_int_equal(om_summarise(value, place, n, &bootstrap, &s), OM_OK);
    return s;
}

static void assert_empty(const om_summary *s, int n_left_out)
{
    assert_int_equal(s->n, 0);
    assert_int_equal(s->n_left_out, n_left_out);
    assert_nan(s->mean), assert_nan(s->sd), assert_nan(s->error);
    assert_nan(s->q05), assert_nan(s->q25), assert_nan(s->median);
    assert_nan(s->q75), assert_nan(s->q95), assert_nan(s->agreement);
    assert_nan(s->mean_within.low), assert_nan(s->median_within.high);
    assert_nan(s->weighted_mean);
}

/* Quantiles as numpy's: 5 % of 7 steps is 0.35 from -7.25 to -2. */
static void test_moments_and_quantiles(void **state)
{
    (void)state;
    const double value[] = {4.1, -2, 0.5, NAN, 9, 3, 3, -7.25, NAN, 11};
    om_summary s = summary_of(value, NULL, COUNT(value), none);
    assert_int_equal(s.n, 8);
    assert_int_equal(s.n_left_out, 2);
    assert_near(s.mean, 2.66875);
    assert_near(s.sd, 5.81432575012541);
    assert_near(s.error, 5.81432575012541 / sqrt(8));
    assert_near(s.q05, -5.4125);
    assert_near(s.q25, -0.125);
    assert_near(s.median, 3);
    assert_near(s.q75, 5.325);
    assert_near(s.q95, 10.3);
    assert_near(s.agreement, 0.75);
    assert_nan(s.mean_within.low);
}

static void test_zeros_agree_with_zero_only(void **state)
{
    (void)state;
    assert_near(summary_of((double[]){0, 0, -1, -2, -3}, NULL, 5, none).agreement, 0.6);
    assert_near(summary_of((double[]){0, 0, 0, 2, -3}, NULL, 5, none).agreement, 0.6);
    assert_near(summary_of((double[]){-1, 1}, NULL, 2, none).agreement, 0);
    assert_near(summary_of((double[]){0, 0}, NULL, 2, none).agreement, 1);
}

/* Weights 3, 2, 1 of places 2, 5, 9: gaps, models left out and models without a place close up. */
static void test_the_best_weigh_most(void **state)
{
    (void)state;
    const double value[] = {10, 1, 100, NAN, 7};
    om_summary s = summary_of(value, (int[]){5, 2, 9, 1, 0}, 5, none);
    assert_int_equal(s.n, 4);
    assert_int_equal(s.n_ranked, 3);
    assert_near(s.weighted_mean, (3 * 1 + 2 * 10 + 100) / 6.0);
    s = summary_of(value, (int[]){1, 1, 2, 3, 0}, 5, none); /* 2.5, 2.5, 1 */
    assert_near(s.weighted_mean, (2.5 * 10 + 2.5 * 1 + 100) / 6.0);
    s = summary_of(value, (int[]){0, 0, 0, 1, 0}, 5, none);
    assert_int_equal(s.n_ranked, 0);
    assert_nan(s.weighted_mean);
    assert_nan(summary_of(value, NULL, 5, none).weighted_mean);
}

/* All 5^5 resamples of 0, 1, 3, 7, 12, counted out: P(mean <= 1.8) = 0.0822, P(mean <= 2) = 0.1014,
 * P(mean <= 7.2) = 0.9021, P(mean <= 7.4) = 0.9181; P(median <= 0) = 0.0579, P(median <= 7) =
 * 0.9421. */
static void test_interval_is_that_of_all_resamples(void **state)
{
    (void)state;
    const double value[] = {7, 0, 12, NAN, 1, 3};
    for (uint64_t seed = 1; seed < 4; seed++) {
        om_summary s = summary_of(value, NULL, 6, (om_bootstrap){seed, 60000, 0.82});
        assert_near(s.mean_within.low, 2);
        assert_near(s.mean_within.high, 7.4);
        assert_near(s.median_within.low, 1);
        assert_near(s.median_within.high, 7);
    }
}

/* Of 600 samples of 30 normals the interval should hold the true mean in nearly 95 %: as the spread
 * is divided by n and the tails are normal, P(|t_29| < 1.96 sqrt(29/30)) = 0.936 of the mean. */
static void test_interval_covers_the_truth(void **state)
{
    (void)state;
    enum { SAMPLES = 600, MODELS = 30 };
    int mean = 0, median = 0;
    for (uint32_t k = 0; k < SAMPLES; k++) {
        double value[MODELS];
        for (uint32_t i = 0; i < MODELS; i++) value[i] = 5 + 2 * normal(k, i);
        om_summary s = summary_of(value, NULL, MODELS, (om_bootstrap){k, 400, 0.95});
        mean += s.mean_within.low <= 5 && s.mean_within.high >= 5;
        median += s.median_within.low <= 5 && s.median_within.high >= 5;
    }
    print_message("covered: mean %.3f, median %.3f\n", mean / 600.0, median / 600.0);
    assert_in_range(mean, 545, 578);   /* 0.936 -+ 2.7 standard deviations of 600 */
    assert_in_range(median, 540, 588); /* as coarse as the order statistics */
}

static void test_summary_follows_its_values(void **state)
{
    (void)state;
    double value[40], turned[40], scaled[40];
    int place[40], turned_place[40];
    for (int i = 0; i < 40; i++) {
        value[i] = i == 11 ? NAN : normal(900, (uint32_t)i);
        place[i] = (i * 7) % 40 + 1;
        scaled[i] = 3 - 2 * value[i];
        turned[(i * 13) % 40] = value[i];
        turned_place[(i * 13) % 40] = place[i];
    }
    om_bootstrap b = {5, 300, 0.9};
    om_summary s = summary_of(value, place, 40, b), again = summary_of(value, place, 40, b);
    assert_memory_equal(&s, &again, sizeof s);
    om_summary t = summary_of(turned, turned_place, 40, b);
    assert_true(t.mean_within.low == s.mean_within.low &&
                t.median_within.high == s.median_within.high);
    assert_near(t.weighted_mean, s.weighted_mean);
    om_summary u = summary_of(scaled, place, 40, b);
    assert_near(u.mean, 3 - 2 * s.mean);
    assert_near(u.sd, 2 * s.sd);
    assert_near(u.q05, 3 - 2 * s.q95);
    assert_near(u.q25, 3 - 2 * s.q75);
    assert_near(u.weighted_mean, 3 - 2 * s.weighted_mean);
    assert_true(s.q05 < s.q25 && s.q25 < s.median && s.median < s.q75 && s.q75 < s.q95);
    assert_true(s.mean_within.low < s.mean && s.mean < s.mean_within.high);
    b.seed = 6;
    assert_true(summary_of(value, place, 40, b).mean_within.low != s.mean_within.low);
}

static void test_few_models(void **state)
{
    (void)state;
    const om_bootstrap b = {1, 100, 0.95};
    const double nothing[] = {NAN, NAN, NAN}, alike[] = {0.1, 0.1, 0.1, 0.1};
    om_summary s = summary_of(NULL, NULL, 0, b);
    assert_empty(&s, 0);
    s = summary_of(nothing, (int[]){1, 2, 3}, 3, b);
    assert_empty(&s, 3);
    s = summary_of((double[]){NAN, -4}, (int[]){1, 2}, 2, b);
    assert_int_equal(s.n, 1);
    assert_true(s.mean == -4 && s.q05 == -4 && s.median == -4 && s.q95 == -4);
    assert_true(s.agreement == 1 && s.weighted_mean == -4);
    assert_nan(s.sd), assert_nan(s.error), assert_nan(s.mean_within.low);
    s = summary_of((double[]){1, 3}, NULL, 2, b);
    assert_near(s.sd, sqrt(2));
    assert_true(s.mean_within.low == 1 && s.mean_within.high == 3);
    s = summary_of(alike, NULL, 4, b);
    assert_true(s.sd == 0 && s.mean_within.low == 0.1 && s.median_within.high == 0.1);
}

static void test_summary_refuses(void **state)
{
    (void)state;
    om_summary s;
    const double value[] = {1, 2, -INFINITY};
    assert_refused(om_summarise(value, NULL, 3, &none, &s), OM_EDATA, "model 2 is infinite");
    assert_refused(om_summarise(value, (int[]){1, -1}, 2, &none, &s), OM_EUSAGE, "place -1");
    assert_refused(om_summarise(value, NULL, 2, &(om_bootstrap){1, -5, 0.95}, &s), OM_EUSAGE,
                   "-5 replicates");
    for (double level = 0; level <= 1; level++)
        assert_refused(om_summarise(value, NULL, 2, &(om_bootstrap){1, 5, level}, &s), OM_EUSAGE,
                       "level");
    assert_refused(om_summarise(value, NULL, 2, &(om_bootstrap){1, 5, NAN}, &s), OM_EUSAGE,
                   "level");
}

/* ---- two ensembles ---- */

static om_comparison comparison_of(const double *a, int n_a, const double *b, int n_b,
                                   double margin)
{
    om_comparison c;
    assert_int_equal(om_compare(a, n_a, b, n_b, margin, &c), OM_OK);
    return c;
}

/* Student's data on sleep (1908): R gives t = -1.8608, df = 17.776, p = 0.07939 from -3.365
 * to 0.205, W = 25.5, p = 0.06933. All further digits by integrating the density of t. */
static const double drug_a[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2};
static const double drug_b[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

static void test_student_on_sleep(void **state)
{
    (void)state;
    om_comparison c = comparison_of(drug_a, 10, drug_b, 10, 4);
    assert_near(c.difference, -1.58);
    assert_near(c.error, 0.849091017238762);
    assert_near(c.t, -1.86081346748685);
    assert_near(c.df, 17.7764735161785);
    assert_close(c.welch_p, 0.0793941401874, 1e-11);
    assert_close(c.within_90.low, -3.05338149733, 1e-8);
    assert_close(c.within_90.high, -0.106618502668, 1e-8);
    assert_close(c.within_95.low, -3.36548323071, 1e-8);
    assert_close(c.within_95.high, 0.205483230712, 1e-8);
    assert_close(c.equivalence_p, 0.00536162410316, 1e-11);
    assert_near(c.u, 25.5);
    assert_near(c.superiority, 0.255);
    assert_false(c.u_exact); /* -0.1, 0.8 and 3.4 are in both */
    assert_close(c.u_p, 0.0693275754336266, 1e-12);
}

/* Hollander and Wolfe (1973), page 69: u = 35, one-sided p = 0.1272; the others by counting the 792
 * and 48620 ways to share out the ranks. The approximation where a sample is larger than 20. */
static void test_mann_whitney(void **state)
{
    (void)state;
    const double a[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    const double b[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    om_comparison c = comparison_of(a, 10, b, 5, 0);
    assert_true(c.u == 35 && c.u_exact);
    assert_near(c.u_p, 764 / 3003.0);
    const double d[] = {1.1, 3.4, 0.2, 2.2, 5.0}, e[] = {2.9, 4.4, 6.1, 7.3, 3.9, 8.8, 5.5};
    c = comparison_of(d, 5, e, 7, 0);
    assert_true(c.u == 4 && c.u_exact);
    assert_near(c.u_p, 1 / 33.0);
    const double f[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    const double g[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.061, 3.14, 1.29001};
    assert_near(comparison_of(f, 9, g, 9, 0).u_p, 1652 / 12155.0);
    double many[21], more[20];
    for (int i = 0; i < 21; i++) many[i] = 2 * i;
    for (int i = 0; i < 20; i++) more[i] = 2 * i + 5;
    c = comparison_of(many, 21, more, 20, 0);
    assert_true(c.u == 171 && !c.u_exact);
    assert_close(c.u_p, 0.315302452081746, 1e-12);
    assert_true(comparison_of(many, 20, more, 20, 0).u_exact);
    assert_false(comparison_of(a, 10, many, 21, 0).u_exact);
    assert_false(comparison_of(many, 21, a, 10, 0).u_exact);
}

static void test_the_least_and_the_middle_of_u(void **state)
{
    (void)state;
    const double low[] = {1, 2, 3}, high[] = {4, 5, 6, 7};
    assert_near(comparison_of(low, 3, high, 4, 0).u_p, 2 / 35.0);
    assert_near(comparison_of(high, 4, low, 3, 0).u_p, 2 / 35.0);
    assert_true(comparison_of(high, 4, low, 3, 0).superiority == 1);
    assert_true(comparison_of((double[]){2.5}, 1, (double[]){2, 3}, 2, 0).u_p == 1);
}

static void test_exchanging_the_ensembles(void **state)
{
    (void)state;
    om_comparison c = comparison_of(drug_a, 10, drug_b, 8, 1),
                  d = comparison_of(drug_b, 8, drug_a, 10, 1);
    assert_near(c.difference, -d.difference);
    assert_near(c.t, -d.t);
    assert_near(c.df, d.df);
    assert_near(c.welch_p, d.welch_p);
    assert_near(c.equivalence_p, d.equivalence_p);
    assert_near(c.within_95.low, -d.within_95.high);
    assert_near(c.superiority, 1 - d.superiority);
    assert_near(c.u_p, d.u_p);
}

/* Samples of 50 with a standard error of the difference near 0.2. */
static void test_verdicts(void **state)
{
    (void)state;
    double a[50], b[50];
    for (uint32_t i = 0; i < 50; i++) {
        a[i] = normal(50, i);
        b[i] = normal(51, i);
    }
    double shift = comparison_of(a, 50, b, 50, 0).difference;
    for (int i = 0; i < 50; i++) a[i] -= shift; /* now the means are equal */
    assert_int_equal(comparison_of(a, 50, b, 50, 0).verdict, OM_UNDECIDED);
    assert_close(comparison_of(a, 50, b, 50, 0).equivalence_p, 0.5, 1e-9);
    assert_int_equal(comparison_of(a, 50, b, 50, 0.1).verdict, OM_UNDECIDED);
    assert_int_equal(comparison_of(a, 50, b, 50, 1).verdict, OM_EQUIVALENT);
    for (int i = 0; i < 50; i++) a[i] += 0.9;
    om_comparison c = comparison_of(a, 50, b, 50, 1);
    assert_int_equal(c.verdict, OM_DIFFERENT);
    assert_true(c.welch_p < 0.05 && c.within_95.low > 0 && c.within_90.high > 1);
    c = comparison_of(a, 50, b, 50, 2);
    assert_int_equal(c.verdict, OM_EQUIVALENT); /* a difference too small to matter */
    assert_true(c.welch_p < 0.05 && c.within_90.high < 2);
}

/* Equal means: 5 % of 1000 pairs of samples differ by either test; sizes and spreads unlike. At a
 * difference of the margin itself, 5 % pass as equivalent. */
static void test_error_rates_of_comparisons(void **state)
{
    (void)state;
    int welch = 0, u = 0, equivalent = 0;
    for (uint32_t k = 0; k < 1000; k++) {
        double a[25], b[12], c[12];
        for (uint32_t i = 0; i < 25; i++) a[i] = normal(2000 + k, i);
        for (uint32_t i = 0; i < 12; i++) {
            b[i] = 3 * normal(2000 + k, 25 + i);
            c[i] = normal(2000 + k, 25 + i);
        }
        welch += comparison_of(a, 25, b, 12, 0).welch_p < 0.05;
        u += comparison_of(a, 25, c, 12, 0).u_p < 0.05;
        for (int i = 0; i < 25; i++) a[i] += 3;
        equivalent += comparison_of(a, 25, c, 12, 3).equivalence_p < 0.05;
    }
    print_message("of 1000: different %d (means), %d (u); equivalent %d\n", welch, u, equivalent);
    assert_in_range(welch, 30, 70);
    assert_in_range(u, 30, 70);
    assert_in_range(equivalent, 30, 70);
}

static void test_few_models_to_compare(void **state)
{
    (void)state;
    const double some[] = {1, 2, NAN, 4}, nothing[] = {NAN}, alike[] = {0.1, 0.1, 0.1};
    const double other[] = {0.3, 0.3};
    om_comparison c = comparison_of(some, 4, nothing, 1, 1);
    assert_true(c.n_a == 3 && c.n_b == 0 && c.verdict == OM_UNDECIDED);
    assert_nan(c.difference), assert_nan(c.u), assert_nan(c.u_p), assert_nan(c.welch_p);
    c = comparison_of(NULL, 0, NULL, 0, 0);
    assert_nan(c.superiority);
    c = comparison_of(some, 4, (double[]){3}, 1, 1);
    assert_near(c.difference, 7 / 3.0 - 3);
    assert_near(c.u_p, 1); /* u is 1 of 3 */
    assert_nan(c.error), assert_nan(c.t), assert_nan(c.within_90.low), assert_nan(c.equivalence_p);
    c = comparison_of(alike, 3, other, 2, 1); /* neither varies */
    assert_near(c.difference, -0.2);
    assert_true(c.error == 0 && c.superiority == 0 && c.verdict == OM_NO_SPREAD);
    assert_nan(c.t), assert_nan(c.df), assert_nan(c.welch_p), assert_nan(c.equivalence_p);
    assert_true(comparison_of(alike, 3, alike, 3, 1).u_p == 1);
    c = comparison_of(alike, 3, some, 4, 0); /* one varies: its degrees of freedom */
    assert_near(c.df, 2);
    c = comparison_of((double[]){1e200, -1e200}, 2, some, 4, 0); /* squares overflow */
    assert_nan(c.welch_p);
    assert_nan(comparison_of(some, 4, (double[]){1e200, -1e200}, 2, 0).welch_p);
}

static void test_comparison_refuses(void **state)
{
    (void)state;
    om_comparison c;
    const double bad[] = {1, INFINITY}, good[] = {1, 2};
    assert_refused(om_compare(bad, 2, good, 2, 0, &c), OM_EDATA, "first: that of model 1");
    assert_refused(om_compare(good, 2, bad, 2, 0, &c), OM_EDATA, "second: that of model 1");
    const double margins[] = {-1, NAN, INFINITY};
    for (int i = 0; i < COUNT(margins); i++)
        assert_refused(om_compare(good, 2, good, 2, margins[i], &c), OM_EUSAGE, "margin");
}

/* ---- one measure against another ---- */

static om_correlation correlation_of(const double *x, const double *y, int n,
                                     om_bootstrap bootstrap)
{
    om_correlation c;
    assert_int_equal(om_correlate(x, y, n, &bootstrap, &c), OM_OK);
    return c;
}

/* The usual worked example of Spearman's coefficient, intelligence against hours of television: rho
 * is -29/165. The p values by integrating the density of t. */
static void test_spearman_by_the_book(void **state)
{
    (void)state;
    const double iq[] = {106, 100, NAN, 86, 101, 99, 103, 97, 113, 112, 110, 50};
    const double hours[] = {7, 27, 1, 2, 50, 28, 29, 20, 12, 6, 17, NAN};
    om_correlation c = correlation_of(iq, hours, 12, none);
    assert_int_equal(c.n, 10);
    assert_int_equal(c.n_left_out, 2);
    assert_near(c.spearman.r, -29 / 165.0);
    assert_close(c.spearman.p, 0.627188344776, 1e-11);
    assert_near(c.pearson.r, -0.0702163260290568);
    assert_close(c.pearson.p, 0.847156839479, 1e-11);
    assert_nan(c.pearson.permuted_p), assert_nan(c.spearman.within.low);
}

/* Equal values share their mean rank: 1, 2.5, 2.5, 4, 5 against 2, 1, 3.5, 3.5, 5. */
static void test_spearman_with_ties(void **state)
{
    (void)state;
    const double x[] = {1, 2, 2, 3, 5}, y[] = {3, 1, 4, 4, 9};
    assert_near(correlation_of(x, y, 5, none).spearman.r, 7.25 / 9.5);
}

/* 57 of all 720 permutations reach Pearson's r, 42 Spearman's. */
static void test_permutations(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5, 6.5}, y[] = {2, 1, 4, 3, 7, 5};
    om_correlation c = correlation_of(x, y, 6, (om_bootstrap){3, 100000, 0.9});
    assert_near(c.pearson.r, 0.767529556453336);
    assert_near(c.spearman.r, 0.828571428571429);
    assert_close(c.pearson.permuted_p, 57 / 720.0, 0.003);
    assert_close(c.spearman.permuted_p, 42 / 720.0, 0.003);
    /* 18 of 120; one of them is y reversed, whose |r| is lower by rounding */
    const double even[] = {0.1, 0.2, 0.3, 0.4, 0.5}, z[] = {3, 5, 2, 8, 9};
    c = correlation_of(even, z, 5, (om_bootstrap){3, 100000, 0.9});
    assert_close(c.pearson.permuted_p, 18 / 120.0, 0.003);
    c = correlation_of(x, x, 6, (om_bootstrap){3, 9, 0.9});
    assert_true(c.pearson.permuted_p >= 0.1); /* never 0 */
}

/* 50 models correlated by 0.6. Percentile intervals are a little short: an independent simulation
 * of 4000 samples covers Pearson's in 0.927, with 0.953 of the width of Fisher's interval, tanh(z
 * -+ 1.96 / sqrt(47)). Limits are 3 standard deviations of 600. */
static void test_interval_of_a_correlation(void **state)
{
    (void)state;
    enum { SAMPLES = 600, MODELS = 50 };
    int pearson = 0, spearman = 0;
    double width = 0, fisher = 0;
    for (uint32_t k = 0; k < SAMPLES; k++) {
        double x[MODELS], y[MODELS];
        for (uint32_t i = 0; i < MODELS; i++) {
            x[i] = normal(4000 + k, 2 * i);
            y[i] = 0.6 * x[i] + 0.8 * normal(4000 + k, 2 * i + 1);
        }
        om_correlation c = correlation_of(x, y, MODELS, (om_bootstrap){k, 200, 0.95});
        pearson += c.pearson.within.low < 0.6 && c.pearson.within.high > 0.6;
        double rho = 6 / PI * asin(0.3); /* Spearman's of the distribution: 0.582 */
        spearman += c.spearman.within.low < rho && c.spearman.within.high > rho;
        width += c.pearson.within.high - c.pearson.within.low;
        double z = atanh(c.pearson.r), half = 1.96 / sqrt(MODELS - 3);
        fisher += tanh(z + half) - tanh(z - half);
        assert_true(c.pearson.p < 0.05 || c.pearson.r < 0.3);
    }
    print_message("covered: Pearson %.3f, Spearman %.3f; width over Fisher's %.3f\n",
                  pearson / 600.0, spearman / 600.0, width / fisher);
    assert_in_range(pearson, 537, 576);
    assert_in_range(spearman, 547, 582);
    assert_close(width / fisher, 0.953, 0.02);
}

static void test_correlation_follows_its_values(void **state)
{
    (void)state;
    double x[30], y[30], straight[30], grown[30];
    for (uint32_t i = 0; i < 30; i++) {
        x[i] = normal(60, i);
        y[i] = x[i] + normal(61, i);
        straight[i] = 2 - 5 * x[i];
        grown[i] = exp(x[i]);
    }
    om_bootstrap b = {8, 200, 0.95};
    om_correlation c = correlation_of(x, y, 30, b), again = correlation_of(x, y, 30, b);
    assert_memory_equal(&c, &again, sizeof c);
    om_correlation s = correlation_of(straight, y, 30, b), g = correlation_of(grown, y, 30, b);
    assert_near(s.pearson.r, -c.pearson.r);
    assert_near(s.spearman.within.low, -c.spearman.within.high);
    assert_near(g.spearman.r, c.spearman.r);
    assert_near(g.spearman.permuted_p, c.spearman.permuted_p);
    assert_true(fabs(g.pearson.r - c.pearson.r) > 0.01);
    om_correlation one = correlation_of(x, straight, 30, b);
    assert_near(one.pearson.r, -1);
    assert_true(one.pearson.p < 1e-100 && one.pearson.r >= -1);
    assert_near(one.pearson.within.high, -1);
}

static void test_few_models_to_correlate(void **state)
{
    (void)state;
    const om_bootstrap b = {1, 50, 0.95};
    const double x[] = {1, 2, 4, 8}, alike[] = {0.1, 0.1, 0.1, 0.1},
                 nothing[] = {NAN, NAN, NAN, NAN};
    for (int n = 0; n < 3; n++) {
        om_correlation c = correlation_of(x, x, n, b);
        assert_int_equal(c.n, n);
        assert_nan(c.pearson.r), assert_nan(c.spearman.r), assert_nan(c.pearson.p);
        assert_nan(c.pearson.within.low), assert_nan(c.spearman.permuted_p);
    }
    om_correlation c = correlation_of(x, alike, 4, b);
    assert_int_equal(c.n, 4);
    assert_nan(c.pearson.r), assert_nan(c.spearman.r), assert_nan(c.spearman.permuted_p);
    assert_int_equal(correlation_of(nothing, x, 4, b).n_left_out, 4);
    c = correlation_of(x, x, 3, b); /* one of nine replicates does not vary */
    assert_near(c.pearson.r, 1);
    assert_true(c.pearson.p < 1e-6 && c.spearman.p < 1e-6);
    for (uint64_t seed = 0; seed < 20; seed++) {
        c = correlation_of(x, x, 3, (om_bootstrap){seed, 50, 0.95});
        assert_near(c.pearson.within.low, 1);
        assert_near(c.pearson.within.high, 1);
        assert_near(c.spearman.within.high, 1);
    }
    const double line[] = {-1, 1, 1, -1}; /* r is 1 to the bit, t infinite */
    assert_true(correlation_of(line, line, 4, b).pearson.p == 0);
    const double bad[] = {1, 2, INFINITY, 0};
    assert_refused(om_correlate(bad, x, 4, &b, &c), OM_EDATA, "x: that of model 2 is infinite");
    assert_refused(om_correlate(nothing, bad, 4, &b, &c), OM_EDATA, "y: that of model 2");
    assert_refused(om_correlate(x, x, 4, &(om_bootstrap){1, 10, 1}, &c), OM_EUSAGE, "level");
}

/* 4 * 0.005, 3 * 0.01, 2 * 0.03, and then no less. */
static void test_holm(void **state)
{
    (void)state;
    double p[] = {0.01, NAN, 0.04, 0.03, NAN, 0.005};
    const double expected[] = {0.03, NAN, 0.06, 0.06, NAN, 0.02};
    assert_int_equal(om_holm(p, 6, p), OM_OK);
    for (int i = 0; i < 6; i++)
        if (isnan(expected[i]))
            assert_nan(p[i]);
        else
            assert_near(p[i], expected[i]);
    double large[] = {0.5, 1, 0.02, 0.9}, q[4];
    assert_int_equal(om_holm(large, 4, q), OM_OK);
    assert_near(q[2], 0.08);
    assert_true(q[0] == 1 && q[1] == 1 && q[3] == 1);
    assert_int_equal(om_holm(large, 1, q), OM_OK);
    assert_near(q[0], 0.5);
    assert_int_equal(om_holm(NULL, 0, NULL), OM_OK);
    assert_refused(om_holm((double[]){0.1, 1.5}, 2, q), OM_EDATA, "1.5 of test 1");
    assert_refused(om_holm((double[]){-0.1}, 1, q), OM_EDATA, "-0.1 of test 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_and_quantiles),
        cmocka_unit_test(test_zeros_agree_with_zero_only),
        cmocka_unit_test(test_the_best_weigh_most),
        cmocka_unit_test(test_interval_is_that_of_all_resamples),
        cmocka_unit_test(test_interval_covers_the_truth),
        cmocka_unit_test(test_summary_follows_its_values),
        cmocka_unit_test(test_few_models),
        cmocka_unit_test(test_summary_refuses),
        cmocka_unit_test(test_student_on_sleep),
        cmocka_unit_test(test_mann_whitney),
        cmocka_unit_test(test_the_least_and_the_middle_of_u),
        cmocka_unit_test(test_exchanging_the_ensembles),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_error_rates_of_comparisons),
        cmocka_unit_test(test_few_models_to_compare),
        cmocka_unit_test(test_comparison_refuses),
        cmocka_unit_test(test_spearman_by_the_book),
        cmocka_unit_test(test_spearman_with_ties),
        cmocka_unit_test(test_permutations),
        cmocka_unit_test(test_interval_of_a_correlation),
        cmocka_unit_test(test_correlation_follows_its_values),
        cmocka_unit_test(test_few_models_to_correlate),
        cmocka_unit_test(test_holm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
