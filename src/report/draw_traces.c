/* Responses over time to two stimuli, with the spread of models. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "report/pictures.h"
#include "report/words.h"

enum { COLUMNS = 4 };

static const double WIDTH = 7.5, ROW = 1.55, ABOVE = 0.6, BELOW = 1.22; /* inches */

/* The second one's colour and line differ. */
static const char *const lines[2] = {
    "linewidth 2 linecolor rgb '" OM_PLOT_RED "'",
    "linewidth 2 dashtype (5,2) linecolor rgb '" OM_PLOT_BLUE "'",
};
static const char *const shades[2][2] = {{"#CCD55E00", "#99D55E00"}, {"#CC0072B2", "#990072B2"}};

/* Times are labelled at few round numbers, so that those of neighbours do not touch. */
static double step_of(double span)
{
    static const double round[] = {1, 2, 5, 10};
    const double least = span / 2.5, ten = pow(10, floor(log10(least)));
    int i = 0;
    while (i < 3 && round[i] * ten < least * (1 - 1e-9)) i++;
    return round[i] * ten;
}

/* A model's largest change from the first time, of both stimuli. */
static double largest_change(const om_trace_picture *p, const om_trace_panel *panel, ptrdiff_t m)
{
    double most = 0;
    for (int s = 0; s < 2; s++)
        for (ptrdiff_t t = 0; t < p->n_times; t++) {
            const double *response = panel->response[s] + m * p->n_times;
            most = fmax(most, fabs(response[t] - response[0]));
        }
    return most;
}

/* Models that some panel shows. */
static int count_drawn(const om_trace_picture *p)
{
    int n = 0;
    for (int m = 0; m < p->n_models; m++) {
        int i = 0;
        while (i < p->n_panels && !(largest_change(p, &p->panels[i], m) > 0)) i++;
        n += i < p->n_panels;
    }
    return n;
}

/* Changes from the first time relative to the largest of both stimuli, [time][model]. */
static void make_relative(const om_trace_picture *p, const om_trace_panel *panel, double *relative)
{
    const ptrdiff_t times = p->n_times, models = p->n_models;
    for (ptrdiff_t m = 0; m < models; m++) {
        const double most = largest_change(p, panel, m);
        for (int s = 0; s < 2; s++)
            for (ptrdiff_t t = 0; t < times; t++) {
                const double *response = panel->response[s] + m * times;
                relative[(s * times + t) * models + m] =
                    most > 0 ? (response[t] - response[0]) / most : NAN;
            }
    }
}

static om_status add_panel(om_text *script, const om_trace_picture *p, int number, double height,
                           double *relative)
{
    const om_trace_panel *panel = &p->panels[number];
    const int row = number / COLUMNS, column = number % COLUMNS;
    double end = p->time_s[0];
    int n = 0;
    make_relative(p, panel, relative);
    for (int s = 0; s < 2; s++) {
        om_text_add(script, "$s%d << END\n", s);
        for (int t = 0; t < p->n_times; t++) {
            om_band b;
            OM_TRY(om_band_of(relative + (ptrdiff_t)(s * p->n_times + t) * p->n_models, p->n_models,
                              &b));
            if (b.n == 0) continue; /* after the last frame */
            if (b.n > n) n = b.n;
            end = fmax(end, p->time_s[t]);
            om_text_add(script, "%.4f %.4f %.4f %.4f %.4f %.4f\n", p->time_s[t], b.q05, b.q25,
                        b.median, b.q75, b.q95);
        }
        om_text_add(script, "END\n");
    }
    const double left = 0.095 + 0.225 * column, top = 1 - (ABOVE + ROW * row + 0.28) / height;
    om_text_add(script,
                "set lmargin screen %g\nset rmargin screen %g\nset tmargin screen %g\n"
                "set bmargin screen %g\n",
                left, left + 0.2, top, top - (ROW - 0.4) / height);
    if (end > p->time_s[0])
        om_text_add(script, "set xrange [%g:%g]\nset xtics %g\n", p->time_s[0], end,
                    step_of(end - p->time_s[0]));
    om_text_add(script, "set format y '%s'\nset format x '%s'\nset label ", column == 0 ? "%g" : "",
                number + COLUMNS >= p->n_panels ? "%g" : "");
    om_plot_quote(script, "%s", panel->name);
    om_text_add(script,
                " at graph 0, graph 1 left offset 0,0.8 font ',12'\n"
                "set label 'n %d' at graph 1, graph 1 right offset 0,0.8\n",
                n);
    if (n == 0)
        om_text_add(script, "plot 0 with lines linewidth 0.5 linecolor rgb '%s'", OM_PLOT_GREY);
    for (int s = 0; n > 0 && s < 2; s++)
        om_text_add(script,
                    "%s$s%d using 1:2:6 with filledcurves fillcolor rgb '%s' fillstyle solid, "
                    "$s%d using 1:3:5 with filledcurves fillcolor rgb '%s' fillstyle solid",
                    s == 0 ? "plot " : ", ", s, shades[s][0], s, shades[s][1]);
    for (int s = 0; n > 0 && s < 2; s++)
        om_text_add(script, ", $s%d using 1:4 with lines %s", s, lines[s]);
    om_text_add(script, "\nunset label\nunset arrow\nunset object\n");
    return OM_OK;
}

static void add_frame(om_text *script, const om_trace_picture *p, double height)
{
    const int n = count_drawn(p);
    char style[128];
    om_plot_title(script, 1 - 0.17 / height, "%s: voltage of central cells, %s%d %s", p->ensemble,
                  n == 1 ? "" : "median and spread of ", n, n == 1 ? "model" : "models");
    if (p->note != NULL) om_plot_title(script, 1 - 0.39 / height, "%s", p->note);
    om_text_add(script,
                "set label 'time from the stimulus'' onset (s)' at screen 0.5, screen %g center\n",
                0.86 / height);
    om_text_add(script,
                "set label 'change / each model''s largest' at screen 0.022, screen %g "
                "center rotate by 90\n",
                0.5 + (BELOW - ABOVE) / 2 / height);
    for (int s = 0; s < 2; s++) {
        const double y = (0.5 - 0.26 * s) / height;
        snprintf(style, sizeof style, "nohead %s", lines[s]);
        om_plot_explain(script, 0.04, y, style, p->stimulus[s]);
        if (n == 1) continue; /* has no spread */
        om_plot_explain_area(script, 0.46, y, shades[s][1], "25-75 %");
        om_plot_explain_area(script, 0.70, y, shades[s][0], "5-95 % of models");
    }
}

om_status om_draw_traces(const char *path, const om_trace_picture *p)
{
    const int rows = (p->n_panels + COLUMNS - 1) / COLUMNS;
    const double height = ABOVE + BELOW + ROW * rows;
    om_text script = {0};
    double *relative = NULL;
    OM_TRY(om_alloc((size_t)p->n_models * (size_t)p->n_times * 2, sizeof *relative, &relative));
    om_plot_begin(&script, path, WIDTH, height);
    om_text_add(&script, "set multiplot\nunset key\nset border 3\nset tics nomirror out\n"
                         "set yrange [-1.05:1.05]\nset ytics -1,0.5,1\n");
    add_frame(&script, p, height);
    om_status status = OM_OK;
    for (int i = 0; status == OM_OK && i < p->n_panels; i++)
        status = add_panel(&script, p, i, height, relative);
    om_text_add(&script, "unset multiplot\n");
    om_free(relative);
    if (status == OM_OK) return om_plot_finish(&script, path);
    om_text_free(&script);
    return status;
}
