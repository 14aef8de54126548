/* Kernels under the roof of the machine (Williams, Waterman & Patterson, Commun. ACM 2009): how fast each
 * computes, against how much it computes for a byte that it moves. */
#include <math.h>
#include <stdio.h>

#include "report/pictures.h"
#include "report/words.h"

static const double WIDTH = 6.5, HEIGHT = 4.2; /* inches */
static const char tics[] = "0.1,0.2,0.5,1,2,5,10,20,50,100,200,500,1000,2000";

/* Least and largest over both marks and corners of the roof, a factor wider. */
static void widen(double x, double *low, double *high)
{
    if (x / 2 < *low) *low = x / 2;
    if (x * 3 > *high) *high = x * 3;
}

om_status om_draw_roofline(const char *path, const om_roofline_picture *p)
{
    double x[2] = {INFINITY, 0}, y[2] = {INFINITY, 0};
    om_text script = {0};
    for (int i = 0; i < p->n_marks; i++) {
        widen(p->marks[i].per_byte, &x[0], &x[1]);
        widen(p->marks[i].gfma_s, &y[0], &y[1]);
    }
    if (p->n_marks < 1 || !(x[0] > 0 && y[0] > 0 && isfinite(x[1]) && isfinite(y[1])))
        return om_fail(OM_EDATA, "roofline: expected one mark or more, all above 0");
    widen(p->peak_gfma_s / p->bandwidth_gb_s, &x[0], &x[1]);
    widen(p->peak_gfma_s, &y[0], &y[1]);
    om_plot_begin(&script, path, WIDTH, HEIGHT);
    om_text_add(&script, "$marks << END\n");
    for (int i = 0; i < p->n_marks; i++)
        om_text_add(&script, "%.9g %.9g %d\n", p->marks[i].per_byte, p->marks[i].gfma_s, i + 1);
    om_text_add(&script, "END\n");
    om_plot_title(&script, 1 - 0.18 / HEIGHT, "%s", p->title);
    om_plot_title(&script, 1 - 0.40 / HEIGHT, "%s: %.1f GFMA/s a core, %.1f GB/s", p->machine,
                  p->peak_gfma_s, p->bandwidth_gb_s);
    om_plot_title(&script, 0.17 / HEIGHT,
                  "multiply-adds of the direct algorithm for a byte of arrays read and written");
    for (int i = 0; i < p->n_marks; i++) {
        om_text_add(&script, "set label ");
        om_plot_quote(&script, "%d  %s", i + 1, p->marks[i].name);
        om_text_add(&script, " at screen %g, screen %g left\n", 4.2 / WIDTH,
                    (HEIGHT - 0.95 - 0.22 * i) / HEIGHT);
    }
    om_text_add(
        &script,
        "set tmargin screen %g\nset bmargin screen %g\nset rmargin screen %g\n"
        "set border 3\nset tics nomirror out\nset logscale xy\nset samples 500\n"
        "set xtics (%s)\nset ytics (%s)\n"
        "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\nset ylabel 'GFMA/s'\n"
        "roof(x) = (x * %.9g < %.9g ? x * %.9g : %.9g)\n"
        "plot roof(x) with lines linewidth 1.5 linecolor rgb '%s' notitle, "
        "$marks using 1:2 with points pointtype 7 pointsize 1.3 linecolor rgb '%s' notitle, "
        "$marks using 1:2:3 with labels offset 1,-0.6 notitle\n",
        1 - 0.62 / HEIGHT, 0.62 / HEIGHT, 4.0 / WIDTH, tics, tics, x[0], x[1], y[0], y[1],
        p->bandwidth_gb_s, p->peak_gfma_s, p->bandwidth_gb_s, p->peak_gfma_s, OM_PLOT_RED,
        OM_PLOT_BLUE);
    return om_plot_finish(&script, path);
}
