/* Kernels under the roof of the machine (Williams, Waterman & Patterson, Commun. ACM 2009): how fast each
 * computes, against how much it computes for a byte that it moves. Where texts go is computed here, in
 * inches of the picture, so that none lies on a mark. */
#include <math.h>
#include <stdio.h>

#include "report/pictures.h"
#include "report/words.h"

enum { MOST_MARKS = 12, DIRECTIONS = 16, ROOF_POINTS = 40 };

static const double WIDTH = 6.5, HEIGHT = 4.2; /* inches */
static const double LEFT = 0.8, RIGHT = 4.0, BOTTOM = 0.62, TOP = 3.58;
static const double BESIDE = 0.15; /* from a mark to the middle of its number */
static const char tics[] = "0.1,0.2,0.5,1,2,5,10,20,50,100,200,500,1000,2000";

typedef struct place {
    double x, y; /* inches */
} place;

typedef struct roofline {
    const om_roofline_picture *p;
    double x[2], y[2]; /* range of the axes */
    place marks[MOST_MARKS], numbers[MOST_MARKS], roof[ROOF_POINTS];
} roofline;

/* Least and largest over both marks and corners of the roof, a factor wider. */
static void widen(double x, double *low, double *high)
{
    if (x / 2 < *low) *low = x / 2;
    if (x * 3 > *high) *high = x * 3;
}

static place place_of(const roofline *r, double x, double y)
{
    return (place){LEFT + (RIGHT - LEFT) * log(x / r->x[0]) / log(r->x[1] / r->x[0]),
                   BOTTOM + (TOP - BOTTOM) * log(y / r->y[0]) / log(r->y[1] / r->y[0])};
}

static double roof_at(const om_roofline_picture *p, double x)
{
    return fmin(x * p->bandwidth_gb_s, p->peak_gfma_s);
}

static double nearer(double least, place a, place b)
{
    return fmin(least, hypot(a.x - b.x, a.y - b.y));
}

/* How much room there is for the number of mark i. */
static double room_at(const roofline *r, place at, int i)
{
    double least = INFINITY;
    for (int k = 0; k < r->p->n_marks; k++) {
        if (k != i) least = nearer(least, at, r->marks[k]);
        if (k < i) least = nearer(least, at, r->numbers[k]);
    }
    for (int k = 0; k < ROOF_POINTS; k++) least = nearer(least, at, r->roof[k]);
    return least;
}

/* Each number beside its own mark, on the side where most room is. */
static void place_numbers(roofline *r)
{
    const om_roofline_picture *p = r->p;
    for (int k = 0; k < ROOF_POINTS; k++) {
        const double x = r->x[0] * pow(r->x[1] / r->x[0], k / (ROOF_POINTS - 1.0));
        r->roof[k] = place_of(r, x, roof_at(p, x));
    }
    for (int i = 0; i < p->n_marks; i++)
        r->marks[i] = place_of(r, p->marks[i].per_byte, p->marks[i].gfma_s);
    for (int i = 0; i < p->n_marks; i++) {
        double most = -1;
        for (int d = 0; d < DIRECTIONS; d++) {
            const double angle = 2 * acos(-1) * d / DIRECTIONS;
            const place at = {r->marks[i].x + BESIDE * cos(angle),
                              r->marks[i].y + BESIDE * sin(angle)};
            const double room = room_at(r, at, i);
            if (room > most) most = room, r->numbers[i] = at;
        }
    }
}

static void add_label(om_text *script, const char *text, place at, const char *how)
{
    om_text_add(script, "set label ");
    om_plot_quote(script, "%s", text);
    om_text_add(script, " at screen %.5f, screen %.5f %s\n", at.x / WIDTH, at.y / HEIGHT, how);
}

/* What the two parts of the roof are: along the slope, and above the flat part. */
static void name_roof(om_text *script, const roofline *r)
{
    const om_roofline_picture *p = r->p;
    const double ridge = p->peak_gfma_s / p->bandwidth_gb_s, middle = sqrt(r->x[0] * ridge);
    const place low = place_of(r, r->x[0], roof_at(p, r->x[0])),
                high = place_of(r, ridge, p->peak_gfma_s),
                centre = place_of(r, middle, roof_at(p, middle));
    const double angle = atan2(high.y - low.y, high.x - low.x);
    char how[64];
    snprintf(how, sizeof how, "center rotate by %.1f", angle * 180 / acos(-1));
    add_label(script, "memory bandwidth",
              (place){centre.x - BESIDE * sin(angle), centre.y + BESIDE * cos(angle)}, how);
    add_label(script, "peak of a core", (place){RIGHT, high.y + BESIDE}, "right");
}

static void add_marks(om_text *script, const roofline *r)
{
    const om_roofline_picture *p = r->p;
    char text[160];
    om_text_add(script, "$marks << END\n");
    for (int i = 0; i < p->n_marks; i++)
        om_text_add(script, "%.9g %.9g\n", p->marks[i].per_byte, p->marks[i].gfma_s);
    om_text_add(script, "END\n");
    for (int i = 0; i < p->n_marks; i++) {
        snprintf(text, sizeof text, "%d", i + 1);
        add_label(script, text, r->numbers[i], "center");
        snprintf(text, sizeof text, "%d  %s", i + 1, p->marks[i].name);
        add_label(script, text, (place){RIGHT + 0.2, HEIGHT - 0.95 - 0.22 * i}, "left");
    }
}

om_status om_draw_roofline(const char *path, const om_roofline_picture *p)
{
    roofline r = {.p = p, .x = {INFINITY, 0}, .y = {INFINITY, 0}};
    om_text script = {0};
    for (int i = 0; i < p->n_marks; i++) {
        widen(p->marks[i].per_byte, &r.x[0], &r.x[1]);
        widen(p->marks[i].gfma_s, &r.y[0], &r.y[1]);
    }
    if (p->n_marks < 1 || p->n_marks > MOST_MARKS ||
        !(r.x[0] > 0 && r.y[0] > 0 && isfinite(r.x[1]) && isfinite(r.y[1])))
        return om_fail(OM_EDATA, "roofline: expected 1 to %d marks, all above 0", MOST_MARKS);
    widen(p->peak_gfma_s / p->bandwidth_gb_s, &r.x[0], &r.x[1]);
    widen(p->peak_gfma_s, &r.y[0], &r.y[1]);
    place_numbers(&r);
    om_plot_begin(&script, path, WIDTH, HEIGHT);
    add_marks(&script, &r);
    name_roof(&script, &r);
    om_plot_title(&script, 1 - 0.18 / HEIGHT, "%s", p->title);
    om_plot_title(&script, 1 - 0.40 / HEIGHT, "%s: %.1f GFMA/s a core, %.1f GB/s", p->machine,
                  p->peak_gfma_s, p->bandwidth_gb_s);
    om_plot_title(&script, 0.17 / HEIGHT,
                  "multiply-adds of the direct algorithm for a byte of arrays read and written");
    om_text_add(
        &script,
        "set lmargin at screen %g\nset rmargin at screen %g\n"
        "set bmargin at screen %g\nset tmargin at screen %g\n"
        "set border 3\nset tics nomirror out\nset logscale xy\nset samples 500\n"
        "set xtics (%s)\nset ytics (%s)\n"
        "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\nset ylabel 'GFMA/s'\n"
        "roof(x) = (x * %.9g < %.9g ? x * %.9g : %.9g)\n"
        "plot roof(x) with lines linewidth 1.5 linecolor rgb '%s' notitle, "
        "$marks using 1:2 with points pointtype 7 pointsize 1.3 linecolor rgb '%s' notitle\n",
        LEFT / WIDTH, RIGHT / WIDTH, BOTTOM / HEIGHT, TOP / HEIGHT, tics, tics, r.x[0], r.x[1],
        r.y[0], r.y[1], p->bandwidth_gb_s, p->peak_gfma_s, p->bandwidth_gb_s, p->peak_gfma_s,
        OM_PLOT_RED, OM_PLOT_BLUE);
    return om_plot_finish(&script, path);
}
