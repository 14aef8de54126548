/* What an ensemble says: statistics over its models, of one value per model; directions; two
 * ensembles side by side; one measure against another.
 *
 * Arrays are [model], in any order but the same one in all arguments. NaN means that the model was
 * left out: it enters nothing, and `n` says how many models did. An infinite value is refused:
 * OM_EDATA, with the model's index. A result is NaN where there are too few models for it, or as
 * its declaration says. Every function is pure: the same arguments give the same bits, on any
 * thread; random numbers come from streams of om_random.h. All may fail with OM_ENOMEM. */
#ifndef OM_STATISTICS_H
#define OM_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "ommatid/om_status.h"

typedef struct om_interval {
    double low, high;
} om_interval;

/* How models are drawn again, with replacement, to see how much depends on which ones they are. */
typedef struct om_bootstrap {
    uint64_t seed;
    int replicates; /* 0: none, and the results that need them are NaN */
    double level;   /* of the intervals, between 0 and 1: 0.95 */
} om_bootstrap;

/* ---- one value per model ----------------------------------------------------------------------- */

/* Quantiles are those of definition 7 of Hyndman and Fan (1996, Am. Stat. 50:361), as in R and
 * numpy: that of share p of the sorted values x[0..n-1] lies at (n - 1) p, linearly interpolated.
 * Intervals are percentile intervals (Efron and Tibshirani 1993, An Introduction to the Bootstrap,
 * chapter 13): quantiles (1 - level) / 2 and (1 + level) / 2 over the replicates. */
typedef struct om_summary {
    int n, n_left_out;
    double mean, sd; /* n - 1 degrees of freedom */
    double error;    /* standard error of the mean: sd / sqrt(n) */
    double q05, q25, median, q75, q95;
    om_interval mean_within, median_within; /* NaN for n < 2: one model does not vary */
    double agreement;     /* share of models with the median's sign: -1, 0 or 1, so that a zero
                             agrees with a median of zero only */
    int n_ranked;         /* models among the n that have a place */
    double weighted_mean; /* over these, with weights n_ranked, n_ranked - 1, ..., 1 from the best
                             to the last; equal places share the mean of their weights */
} om_summary;

/* place: [n_models] in the ranking, 1 is the best, 0 has none; NULL: no model has one.
 * Errors: OM_EDATA, OM_EUSAGE (the bootstrap's numbers make no sense, a place is negative). */
om_status om_summarise(const double *value, const int *place, int n_models,
                       const om_bootstrap *bootstrap, om_summary *summary);

/* ---- one direction per model ------------------------------------------------------------------- */

/* The models on one side. */
typedef struct om_camp {
    int n;
    double direction; /* mean, radians from -pi to pi */
} om_camp;

/* Mardia and Jupp (2000), Directional Statistics, chapters 2 and 6. With C, S the means of cos and
 * sin of the angles, length = sqrt(C^2 + S^2), direction = atan2(S, C). Doubling the angles makes
 * opposite ones equal, so that axial_length is near 1 for directions along one axis, whichever way
 * they point, and the axis is half the doubled angles' mean direction. Lengths below 1e-12 are
 * rounding and count as 0. */
typedef struct om_directions {
    int n, n_left_out;
    double direction;    /* mean, radians from -pi to pi; NaN where length is 0 */
    double length;       /* resultant, 0 (spread) to 1 (all the same) */
    double sd;           /* circular: sqrt(-2 ln length) radians; infinite where length is 0 */
    double axial_length; /* resultant of the doubled angles */
    double axial_p;      /* Rayleigh's test of it, against no axis */
    om_camp camp[2];     /* the two sides of the axis, up to 90 degrees from either end: the larger
                            first, of equal ones that nearer to 0; without an axis all are in
                            the first */
    bool mirrored;
} om_directions;

/* Describes directions and looks for mirror solutions: two camps that point opposite ways. They are
 * `mirrored` if
 * (1) each camp has two models at least, and a tenth of all: fewer are exceptions;
 * (2) in each the mean of cos 2(angle - axis) is 1/3 or more, that of a spread of 42 degrees:
 *     models strewn over half a circle (0) are no camp;
 * (3) the camps' mean directions are more than 150 degrees apart, so nearer to opposite than to the
 *     120 degrees that a turn of the hexagonal lattice can make;
 * (4) axial_p < 0.05: a few directions that are spread evenly seldom pass.
 * A single camp fails (1), camps at right angles fail (1), (2) or (3). Measured on 6 to 50 models:
 * uniform directions pass in 4 % at most, a camp with a normal spread of 60 degrees in 1 %; a camp
 * and a quarter opposite, both of spread 20 degrees, in 80 % of 6 models and in all of 50.
 * radians: [n_models], any multiple of the circle. Errors: OM_EDATA. */
om_status om_summarise_directions(const double *radians, int n_models, om_directions *directions);

/* ---- two ensembles ----------------------------------------------------------------------------- */

typedef enum om_verdict {
    OM_UNDECIDED,  /* not to be told apart, nor shown to be equivalent */
    OM_DIFFERENT,  /* welch_p < 0.05 */
    OM_EQUIVALENT, /* equivalence_p < 0.05, even if the difference is not zero: it does not matter */
    OM_NO_SPREAD   /* neither sample varies: there is nothing to test a difference by */
} om_verdict;

/* With d the difference of means, v = sd^2 / n of a and b: error^2 = v_a + v_b,
 *     df = error^4 / (v_a^2 / (n_a - 1) + v_b^2 / (n_b - 1)),  t = d / error   (Welch 1947);
 *     equivalence_p = max(P(T > (d + margin) / error), P(T < (d - margin) / error)),
 * two one-sided tests (Schuirmann 1987), T distributed as t with df degrees of freedom. The
 * intervals are d -+ the quantile of T times error: the 95 % one excludes 0 if welch_p < 0.05, the
 * 90 % one is inside -+ margin if equivalence_p < 0.05. Where a sample has less than two models, or
 * neither varies, there is no test of means: t, df, p and intervals are NaN and the verdict is
 * undecided, or that there is no spread. */
typedef struct om_comparison {
    int n_a, n_b; /* used */
    double difference;
    double error; /* 0 if neither varies, NaN for a sample of one */
    om_interval within_90, within_95;
    double t, df, welch_p;
    double u;           /* Mann and Whitney (1947): pairs with a > b; equal ones count half */
    double superiority; /* u / (n_a n_b): how probably a model of a is above one of b */
    double u_p;         /* two-sided */
    bool u_exact;
    double equivalence_p;
    om_verdict verdict;
} om_comparison;

/* Compares ensembles a and b, all tests two-sided. That of u is exact where no two values are equal
 * and neither sample exceeds 20: 2 P(U <= min(u, n_a n_b - u)), 1 at most. Otherwise it is the
 * normal approximation with corrections for continuity and ties (t values alike, N = n_a + n_b):
 *     variance = n_a n_b / 12 (N + 1 - sum(t^3 - t) / (N (N - 1))).
 * margin: the smallest difference that matters; 0: none is known, and nothing is ever equivalent.
 * Errors: OM_EDATA, OM_EUSAGE (margin negative or not finite). */
om_status om_compare(const double *a, int n_a, const double *b, int n_b, double margin,
                     om_comparison *comparison);

/* ---- one measure against another --------------------------------------------------------------- */

typedef struct om_association {
    double r;           /* -1 to 1; NaN if x or y does not vary */
    om_interval within; /* percentile interval over replicates that draw models; those in which a
                           measure does not vary are left out */
    double p; /* two-sided, of t = r sqrt((n - 2) / (1 - r^2)) with n - 2 degrees of freedom */
    double permuted_p; /* two-sided: (1 + replicates that permute y and reach |r|) /
                           (1 + replicates)   (Phipson and Smyth 2010) */
} om_association;

typedef struct om_correlation {
    int n, n_left_out; /* a model without x or without y is left out */
    om_association pearson;
    om_association spearman; /* Pearson's of the ranks; equal values share their mean rank */
} om_correlation;

/* Correlation of x with y across models; all NaN for n < 3. Errors: OM_EDATA, OM_EUSAGE. */
om_status om_correlate(const double *x, const double *y, int n_models,
                       const om_bootstrap *bootstrap, om_correlation *correlation);

/* Corrects the p values of a number of tests for their number (Holm 1979, Scand. J. Stat. 6:65): of
 * the m that are not NaN, the i-th smallest (i from 0) becomes the largest of (m - j) p_j, j <= i,
 * and 1 at most. NaN stays NaN. p, adjusted: [n], may be the same array.
 * Errors: OM_EDATA (p outside 0 to 1). */
om_status om_holm(const double *p, int n, double *adjusted);

#endif
