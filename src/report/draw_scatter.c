/* A measure against task error, a mark for each model, and how firmly they go together. */
#include <math.h>
#include <stdio.h>

#include "report/pictures.h"
#include "report/words.h"

enum { FEW = 10 /* models, for which p of t is too small */ };

static const double WIDTH = 5, HEIGHT = 4; /* inches */

om_status om_draw_scatter(const char *path, const om_scatter_picture *p)
{
    const om_bootstrap bootstrap = {.seed = 0, .replicates = 2000, .level = 0.95};
    om_correlation c;
    om_text script = {0};
    int n = 0;
    OM_TRY(om_correlate(p->x, p->y, p->n_models, &bootstrap, &c));
    om_plot_begin(&script, path, WIDTH, HEIGHT);
    om_text_add(&script, "$models << END\n");
    for (int m = 0; m < p->n_models; m++) {
        if (!isfinite(p->x[m]) || !isfinite(p->y[m])) continue;
        om_text_add(&script, "%.9g %.9g\n", p->x[m], p->y[m]);
        n++;
    }
    om_text_add(&script, "END\n");
    if (n == 0) {
        om_text_free(&script);
        return om_fail(OM_EDATA, "%s: no model has both numbers, so there is nothing to draw",
                       p->ensemble);
    }
    om_plot_title(&script, 1 - 0.18 / HEIGHT, "%s, %d %s", p->ensemble, n,
                  n == 1 ? "model" : "models");
    if (isfinite(c.spearman.r)) {
        om_plot_title(&script, 1 - 0.40 / HEIGHT,
                      "Spearman rho = %.2f, 95 %% interval %.2f to %.2f", c.spearman.r,
                      c.spearman.within.low, c.spearman.within.high);
        om_plot_title(&script, 1 - 0.62 / HEIGHT, "p = %.2g, uncorrected for other measures",
                      n < FEW ? c.spearman.permuted_p : c.spearman.p);
    }
    om_plot_title(&script, 0.17 / HEIGHT, "%s", p->x_title);
    om_text_add(
        &script,
        "set tmargin screen %g\nset bmargin screen %g\nset border 3\n"
        "set tics nomirror out\nset autoscale fix\nset offsets graph 0.04, graph 0.04, graph 0.06, "
        "graph 0.06\nset ylabel ",
        1 - 0.84 / HEIGHT, 0.62 / HEIGHT);
    om_plot_quote(&script, "%s", p->y_title);
    om_text_add(&script,
                "\nplot $models using 1:2 with points pointtype 7 pointsize 0.6 linecolor rgb '%s' "
                "notitle\n",
                OM_PLOT_BLUE);
    return om_plot_finish(&script, path);
}
