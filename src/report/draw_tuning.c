/* Polar tuning: a small panel for each type, with a thin line for each model. */
#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "report/pictures.h"
#include "report/words.h"

enum { COLUMNS = 4, RING_POINTS = 72, MOST_ANGLES = 360 };

static const double WIDTH = 7.5, ROW = 1.95, ABOVE = 0.35, BELOW = 0.75; /* inches */
static const double REACH = 1.58; /* half a panel's side, in radii of its ring */
static const double RADIANS = 0.017453292519943295;

static const char ALL[] = "nohead linewidth 2.5 linecolor rgb '" OM_PLOT_BLACK "'";
static const char EACH[] = "nohead linewidth 0.7 linecolor rgb '#99606060'";
static const char BEST[] = "nohead linewidth 2.5 dashtype (6,3) linecolor rgb '" OM_PLOT_BLUE "'";
static const char KNOWN[] =
    "head filled size screen 0.014,22 linewidth 2 linecolor rgb '" OM_PLOT_RED "'";

/* Points of a closed curve; it ends with an empty line. */
static void add_curve(om_text *script, const double *radius, int n)
{
    for (int i = 0; n > 0 && i <= n; i++) {
        const double angle = 360.0 * i / n * RADIANS, r = radius[i % n];
        if (isfinite(r)) om_text_add(script, "%.4f %.4f\n", r * cos(angle), r * sin(angle));
    }
    om_text_add(script, "\n");
}

static double largest(const double *x, int n)
{
    double most = NAN; /* fmax passes it over */
    for (int i = 0; i < n; i++) most = fmax(most, x[i]);
    return most;
}

/* Models that some panel shows, of all or of the best. */
static int count_drawn(const om_tuning_picture *p, bool best)
{
    int n = 0;
    for (int m = 0; m < p->n_models; m++) {
        int i = 0;
        while (i < p->n_panels &&
               !(largest(p->panels[i].response + (ptrdiff_t)m * p->n_angles, p->n_angles) > 0))
            i++;
        n += i < p->n_panels && (!best || p->best[m]);
    }
    return n;
}

/* Responses relative to the largest, [angle][model]; NaN for models that do not respond. */
static void make_relative(const om_tuning_picture *p, const om_tuning_panel *panel,
                          double *relative)
{
    for (int m = 0; m < p->n_models; m++) {
        const double *response = panel->response + (ptrdiff_t)m * p->n_angles;
        const double most = largest(response, p->n_angles);
        for (int a = 0; a < p->n_angles; a++)
            relative[a * p->n_models + m] = most > 0 ? response[a] / most : NAN;
    }
}

/* Medians by angle, of all models or of the best ones only; *n: of how many. room: [n_models] */
static om_status add_median(om_text *script, const om_tuning_picture *p, const double *relative,
                            bool best, double *room, int *n)
{
    om_text_add(script, "$%s << END\n", best ? "best" : "all");
    double median[MOST_ANGLES] = {0};
    om_band band = {0};
    for (int a = 0; a < p->n_angles; a++) {
        for (int m = 0; m < p->n_models; m++)
            room[m] = !best || p->best[m] ? relative[a * p->n_models + m] : NAN;
        OM_TRY(om_band_of(room, p->n_models, &band));
        median[a] = band.median;
    }
    *n = band.n;
    if (band.n > 0) add_curve(script, median, p->n_angles);
    om_text_add(script, "END\n");
    return OM_OK;
}

static void add_models(om_text *script, const om_tuning_picture *p, const double *relative)
{
    double curve[MOST_ANGLES] = {0};
    om_text_add(script, "$each << END\n");
    for (int m = 0; m < p->n_models; m++) {
        for (int a = 0; a < p->n_angles; a++) curve[a] = relative[a * p->n_models + m];
        if (isfinite(curve[0])) add_curve(script, curve, p->n_angles);
    }
    om_text_add(script, "END\n");
}

/* Rings at half and at all of the largest response, and names of directions. */
static void add_grid(om_text *script)
{
    double radius[RING_POINTS];
    om_text_add(script, "$rings << END\n");
    for (int ring = 1; ring <= 2; ring++) {
        for (int i = 0; i < RING_POINTS; i++) radius[i] = 0.5 * ring;
        add_curve(script, radius, RING_POINTS);
    }
    om_text_add(script, "-1 0\n1 0\n\n0 -1\n0 1\nEND\n");
    om_text_add(script, "set label '0°' at 1.08,0 left\nset label '180°' at -1.08,0 right\n"
                        "set label '90°' at 0,1.19 center\nset label '270°' at 0,-1.2 center\n");
}

static om_status add_panel(om_text *script, const om_tuning_picture *p, int number, double height,
                           double *room)
{
    const om_tuning_panel *panel = &p->panels[number];
    double *relative = room + p->n_models;
    int n, n_best;
    make_relative(p, panel, relative);
    add_models(script, p, relative);
    OM_TRY(add_median(script, p, relative, false, room, &n));
    OM_TRY(add_median(script, p, relative, true, room, &n_best));
    om_text_add(script, "set origin %g,%g\nset size %g,%g\n", (double)(number % COLUMNS) / COLUMNS,
                1 - (ABOVE + ROW * (number / COLUMNS + 1)) / height, 1.0 / COLUMNS, ROW / height);
    add_grid(script);
    om_text_add(script, "set label ");
    om_plot_quote(script, "%s", panel->name);
    om_text_add(script, " at %g,%g left font ',12'\nset label 'n %d' at %g,%g right\n", -REACH,
                REACH - 0.2, n, REACH, REACH - 0.2);
    om_text_add(script, "set label ");
    om_plot_quote(script, "%s", panel->stimulus);
    om_text_add(script, " at 0,%g center\n", -REACH + 0.04);
    if (isfinite(panel->known_deg))
        om_text_add(script, "set arrow from 0,0 to %.4f,%.4f %s front\n",
                    cos(panel->known_deg * RADIANS), sin(panel->known_deg * RADIANS), KNOWN);
    om_text_add(script, "plot $rings using 1:2 with lines linewidth 0.7 linecolor rgb '%s'",
                OM_PLOT_GREY);
    if (n > 0)
        om_text_add(script, ", $each using 1:2 with lines %s, $all using 1:2 with lines %s",
                    EACH + sizeof "nohead", ALL + sizeof "nohead");
    if (n > 1 && n_best > 0)
        om_text_add(script, ", $best using 1:2 with lines %s", BEST + sizeof "nohead");
    om_text_add(script, "\nunset label\nunset arrow\nunset object\n");
    return OM_OK;
}

/* Above and below all panels; shown with the first of them. */
static void add_frame(om_text *script, const om_tuning_picture *p, double height)
{
    char best[64], speed[32] = "";
    const double first = 0.45 / height, second = 0.17 / height;
    const int n = count_drawn(p, false), n_best = count_drawn(p, true);
    snprintf(best, sizeof best, "median of the best %d by task error", n_best);
    if (p->speed > 0) snprintf(speed, sizeof speed, " at %g columns/s", p->speed);
    om_plot_title(script, 1 - 0.17 / height, "%s: tuning to the direction of moving edges%s, %d %s",
                  p->ensemble, speed, n, n == 1 ? "model" : "models");
    om_plot_explain(script, 0.50, second, KNOWN, "known preferred direction");
    if (n == 1) { /* is its own median */
        om_plot_explain(script, 0.03, first, ALL, "relative to its largest response");
        return;
    }
    om_plot_explain(script, 0.03, first, ALL, "median of all models (n)");
    if (n_best > 0) om_plot_explain(script, 0.03, second, BEST, best);
    om_plot_explain(script, 0.50, first, EACH, "one model, relative to its largest response");
}

om_status om_draw_tuning(const char *path, const om_tuning_picture *p)
{
    const int rows = (p->n_panels + COLUMNS - 1) / COLUMNS;
    const double height = ABOVE + BELOW + ROW * rows;
    om_text script = {0};
    double *room = NULL;
    OM_TRY(om_alloc((size_t)p->n_models * (size_t)(p->n_angles + 1), sizeof *room, &room));
    om_plot_begin(&script, path, WIDTH, height);
    om_text_add(&script,
                "set multiplot\nunset key\nunset border\nunset tics\nset size ratio -1\n"
                "set lmargin 0\nset rmargin 0\nset tmargin 0.3\nset bmargin 0.8\n"
                "set xrange [%g:%g]\nset yrange [%g:%g]\n",
                -REACH, REACH, -REACH, REACH);
    add_frame(&script, p, height);
    om_status status = OM_OK;
    for (int i = 0; status == OM_OK && i < p->n_panels; i++)
        status = add_panel(&script, p, i, height, room);
    om_text_add(&script, "unset multiplot\n");
    om_free(room);
    if (status == OM_OK) return om_plot_finish(&script, path);
    om_text_free(&script);
    return status;
}
