/* What all statistics of an ensemble begin with: the values that are there, their ranks, and models
 * drawn again. */
#ifndef OM_LAB_SAMPLE_H
#define OM_LAB_SAMPLE_H

#include <stddef.h>

#include "ommatid/om_statistics.h"

/* Copies the values that are not NaN to used [n_models]; *n: how many. what: they are, for a
 * message. Errors: OM_EDATA (infinite). */
om_status om_sample_take(const char *what, const double *value, int n_models, double *used,
                         size_t *n);
/* Ranks 1..n; equal values share their mean rank. order: [n], work. Returns sum(t^3 - t) over
 * groups of t equal values. */
double om_sample_rank(const double *value, size_t n, size_t *order, double *rank);
/* Errors: OM_EUSAGE. */
om_status om_bootstrap_check(const om_bootstrap *bootstrap);
/* Values of a replicate, drawn with replacement: at the same indices for every array of one length.
 * */
void om_bootstrap_draw(const om_bootstrap *bootstrap, int replicate, const double *value, size_t n,
                       double *drawn);
/* The percentile interval; sorts what it is given. NaN for n = 0. */
om_interval om_bootstrap_interval(const om_bootstrap *bootstrap, double *statistic, size_t n);

#endif
