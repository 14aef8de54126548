/* Quantiles, and the words that tell what a line or an area means. */
#include "report/words.h"

#include <stdarg.h>
#include <stdio.h>

#include "ommatid/om_statistics.h"

/* Widths and heights of what explains itself, in shares of the picture. */
static const double LINE = 0.045, GAP = 0.012, HALF_AREA = 0.012;

om_status om_band_of(const double *value, int n, om_band *band)
{
    const om_bootstrap none = {.level = 0.95};
    om_summary s;
    OM_TRY(om_summarise(value, NULL, n, &none, &s));
    *band = (om_band){s.n, s.q05, s.q25, s.median, s.q75, s.q95};
    return OM_OK;
}

static void word(om_text *script, double x, double y, const char *text)
{
    om_text_add(script, "set label ");
    om_plot_quote(script, "%s", text);
    om_text_add(script, " at screen %g, screen %g left front\n", x + LINE + GAP, y);
}

void om_plot_explain(om_text *script, double x, double y, const char *style, const char *text)
{
    om_text_add(script, "set arrow from screen %g, screen %g to screen %g, screen %g %s front\n", x,
                y, x + LINE, y, style);
    word(script, x, y, text);
}

void om_plot_explain_area(om_text *script, double x, double y, const char *colour, const char *text)
{
    om_text_add(script,
                "set object rectangle from screen %g, screen %g to screen %g, screen %g "
                "fillcolor rgb '%s' fillstyle solid noborder\n",
                x, y - HALF_AREA, x + LINE, y + HALF_AREA, colour);
    word(script, x, y, text);
}

void om_plot_title(om_text *script, double y, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    om_text_add(script, "set label ");
    om_plot_quote(script, "%s", text);
    om_text_add(script, " at screen 0.5, screen %g center front\n", y);
}
