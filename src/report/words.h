/* What the pictures share: quantiles over models, how many there are, and words under a picture. */
#ifndef OM_REPORT_WORDS_H
#define OM_REPORT_WORDS_H

#include "report/plot.h"

/* Quantiles over models; NaN without any. */
typedef struct om_band {
    int n;
    double q05, q25, median, q75, q95;
} om_band;

/* value: [n], NaN enters nothing. Errors: OM_EDATA (infinite), OM_ENOMEM. */
om_status om_band_of(const double *value, int n, om_band *band);

/* A line of gnuplot's style, or an arrow of it, with its meaning; x, y: of its left end, in shares of
 * the picture. */
void om_plot_explain(om_text *script, double x, double y, const char *style, const char *text);
/* A closed area of rgb colour '#AARRGGBB', with its meaning. */
void om_plot_explain_area(om_text *script, double x, double y, const char *colour,
                          const char *text);
/* Title at the top, in the middle. */
void om_plot_title(om_text *script, double y, const char *format, ...) OM_PRINTF(3, 4);

#endif
