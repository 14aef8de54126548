/* Flash response of all types, from ON to OFF, with the spread of models. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "report/pictures.h"
#include "report/words.h"

static const double WIDTH = 7.5, LINE_HEIGHT = 0.175, ABOVE = 0.4, BELOW = 1.25; /* inches */

typedef struct drawn_type {
    const om_polarity_type *type;
    om_band band;
} drawn_type;

static int compare(const void *a, const void *b)
{
    const drawn_type *x = a, *y = b;
    const double p = x->band.median, q = y->band.median;
    if (isnan(p) != isnan(q)) return isnan(p) ? 1 : -1;
    if (p < q || p > q) return p > q ? -1 : 1;
    return x->type < y->type ? -1 : x->type > y->type;
}

/* Marks: of the known polarity. */
static const char *const keys[3] = {"off", "none", "on"};
static const char *const marks[3] = {
    "pointtype 11 pointsize 0.9 linecolor rgb '" OM_PLOT_BLUE "'",
    "pointtype 6 pointsize 0.7 linecolor rgb '" OM_PLOT_BLACK "'",
    "pointtype 9 pointsize 0.9 linecolor rgb '" OM_PLOT_RED "'",
};

/* Half of the types, one below the other. */
static void add_column(om_text *script, const drawn_type *types, int n, int rows, int column)
{
    om_text_add(script, "$bands << END\n");
    for (int i = 0; i < n; i++) {
        const om_band *b = &types[i].band;
        if (b->n > 0)
            om_text_add(script, "%d %.5f %.5f %.5f %.5f\n", i, b->q05, b->q25, b->q75, b->q95);
    }
    om_text_add(script, "END\n");
    for (int known = -1; known <= 1; known++) {
        om_text_add(script, "$%s << END\n", keys[known + 1]);
        for (int i = 0; i < n; i++)
            if (types[i].type->known == known && types[i].band.n > 0)
                om_text_add(script, "%.5f %d\n", types[i].band.median, i);
        om_text_add(script, "END\n");
    }
    om_text_add(script, "set lmargin screen %g\nset rmargin screen %g\nset ytics (",
                0.125 + 0.5 * column, 0.475 + 0.5 * column);
    for (int i = 0; i < n; i++) {
        om_plot_quote(script, "%s", types[i].type->name);
        om_text_add(script, " %d%s", i, i + 1 < n ? "," : "");
    }
    om_text_add(script, ")\nset yrange [%d:-1]\n", rows);
    om_text_add(
        script,
        "plot $bands using 2:1:($5-$2):(0) with vectors nohead linewidth 1 linecolor rgb '%s', "
        "$bands using 3:1:($4-$3):(0) with vectors nohead linewidth 5 linecolor rgb '%s'",
        OM_PLOT_GREY, OM_PLOT_PALE);
    for (int k = 0; k < 3; k++)
        om_text_add(script, ", $%s using 1:2 with points %s", keys[k], marks[k]);
    om_text_add(script, "\nunset label\nunset arrow\nunset object\n");
}

static void explain_mark(om_text *script, double x, double y, int known, const char *text)
{
    om_text_add(script, "set label ");
    om_plot_quote(script, "%s", text);
    om_text_add(script, " at screen %g, screen %g left offset character 1.5,0 point %s front\n", x,
                y, marks[known + 1]);
}

static void add_frame(om_text *script, const om_polarity_picture *p, int n, double height)
{
    const double first = 0.42 / height, second = 0.16 / height;
    const bool one = n == 1;
    om_plot_title(script, 1 - 0.17 / height, "%s: response to flashing %s, %s%d %s", p->ensemble,
                  p->flashing, one ? "" : "median and spread of ", n, one ? "model" : "models");
    explain_mark(script, 0.06, first, 1, one ? "known to be ON" : "median, known to be ON");
    explain_mark(script, 0.38, first, -1, one ? "known to be OFF" : "median, known to be OFF");
    explain_mark(script, 0.70, first, 0, one ? "not known" : "median, not known");
    if (one) return; /* has no spread */
    om_plot_explain(script, 0.03, second, "nohead linewidth 5 linecolor rgb '" OM_PLOT_PALE "'",
                    "half of the models (25-75 %)");
    om_plot_explain(script, 0.48, second, "nohead linewidth 1 linecolor rgb '" OM_PLOT_GREY "'",
                    "nine of ten models (5-95 %)");
}

static om_status sort_types(const om_polarity_picture *p, drawn_type *types, int *n)
{
    *n = 0;
    for (int t = 0; t < p->n_types; t++) {
        types[t].type = &p->types[t];
        OM_TRY(om_band_of(p->types[t].fri, p->n_models, &types[t].band));
        if (types[t].band.n > *n) *n = types[t].band.n;
    }
    qsort(types, (size_t)p->n_types, sizeof *types, compare);
    return OM_OK;
}

om_status om_draw_polarity(const char *path, const om_polarity_picture *p)
{
    const int rows = (p->n_types + 1) / 2;
    const double height = ABOVE + BELOW + LINE_HEIGHT * (rows + 1);
    om_text script = {0};
    drawn_type *types = NULL;
    int n;
    OM_TRY(om_alloc((size_t)p->n_types, sizeof *types, &types));
    om_status status = sort_types(p, types, &n);
    if (status == OM_OK) {
        om_plot_begin(&script, path, WIDTH, height);
        om_text_add(&script,
                    "set multiplot\nunset key\nset border 3\nset tics nomirror out\n"
                    "set xrange [-1.05:1.05]\nset xtics -1,0.5\nset tmargin screen %g\n"
                    "set bmargin screen %g\nset grid ytics linetype 1 linewidth 0.3 linecolor rgb "
                    "'#E4E4E4'\n"
                    "set arrow from 0, graph 0 to 0, graph 1 nohead linewidth 1 dashtype 3 back\n"
                    "set xlabel 'flash response index (OFF -1, ON +1)'\n",
                    1 - ABOVE / height, BELOW / height);
        add_frame(&script, p, n, height);
        add_column(&script, types, rows, rows, 0);
        om_text_add(&script,
                    "set arrow from 0, graph 0 to 0, graph 1 nohead linewidth 1 dashtype 3 back\n");
        add_column(&script, types + rows, p->n_types - rows, rows, 1);
        om_text_add(&script, "unset multiplot\n");
        status = om_plot_finish(&script, path);
    }
    om_free(types);
    return status;
}
