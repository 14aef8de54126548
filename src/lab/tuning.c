/* Tuning of cells: extremes of responses that stream by, the measures made of them, and their
 * agreement with what is known. A NaN has to reach every measure that it belongs to. */
#include "ommatid/om_tuning.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_statistics_double.h>

#include "base/fail.h"
#include "base/memory.h"

static const double PI = 3.14159265358979323846264338327950288;
static const double COLUMN_DEG = 5.8, STEP_DEG = 2.25;

/* Unlike fmax() it passes NaN on. */
static double larger(double a, double b) { return isnan(a) || a > b ? a : b; }
static double radians(double degrees) { return degrees * PI / 180; }

/* ---- responses --------------------------------------------------------------------------------- */

om_window om_flash_window(double dt_s, double t_stim_s) { return (om_window){-dt_s, t_stim_s}; }

om_window om_edge_window(double speed, double start_deg, double from_deg, double to_deg)
{
    double start = start_deg / COLUMN_DEG, from = from_deg / COLUMN_DEG, to = to_deg / COLUMN_DEG;
    double begins = (fabs(start) - fabs(from)) / speed;
    return (om_window){begins, begins + (to + STEP_DEG / COLUMN_DEG - from) / speed};
}

om_status om_extremes_create(int n_conditions, int n_types, const om_window *windows,
                             om_extremes **extremes)
{
    size_t conditions = (size_t)n_conditions, n = conditions * (size_t)n_types;
    om_extremes *e = NULL;
    *extremes = NULL;
    OM_TRY(om_alloc(1, sizeof *e, &e));
    e->n_conditions = n_conditions;
    e->n_types = n_types;
    om_status status = om_alloc(conditions, sizeof *e->window, &e->window);
    if (status == OM_OK) status = om_alloc(conditions, sizeof *e->frames, &e->frames);
    if (status == OM_OK) status = om_alloc(n, sizeof(double), &e->lowest);
    if (status == OM_OK) status = om_alloc(n, sizeof(double), &e->highest);
    if (status == OM_OK) status = om_alloc(n, sizeof(double), &e->peak_s);
    if (status != OM_OK) {
        om_extremes_free(e);
        return status;
    }
    memcpy(e->window, windows, conditions * sizeof *windows);
    om_extremes_reset(e);
    *extremes = e;
    return OM_OK;
}

void om_extremes_free(om_extremes *e)
{
    if (e == NULL) return;
    om_free(e->window);
    om_free(e->frames);
    om_free(e->lowest);
    om_free(e->highest);
    om_free(e->peak_s);
    om_free(e);
}

void om_extremes_reset(om_extremes *e)
{
    for (int c = 0; c < e->n_conditions; c++) e->frames[c] = 0;
    for (int i = 0; i < e->n_conditions * e->n_types; i++)
        e->lowest[i] = e->highest[i] = e->peak_s[i] = NAN;
}

void om_extremes_add(om_extremes *e, int condition, double time_s, const om_real *voltage)
{
    if (!(time_s >= e->window[condition].from_s && time_s <= e->window[condition].to_s)) return;
    bool first = e->frames[condition]++ == 0;
    size_t at = (size_t)condition * (size_t)e->n_types;
    for (int t = 0; t < e->n_types; t++, at++) {
        double v = (double)voltage[t];
        if (first || v > e->highest[at] || isnan(v)) {
            e->highest[at] = v;
            e->peak_s[at] = isnan(v) ? NAN : time_s;
        }
        if (first || v < e->lowest[at] || isnan(v)) e->lowest[at] = v;
    }
}

/* ---- measures ---------------------------------------------------------------------------------- */

void om_flash_index(const om_extremes *e, int off, int on, double *fri)
{
    size_t types = (size_t)e->n_types, i = (size_t)off * types, j = (size_t)on * types;
    for (size_t t = 0; t < types; t++, i++, j++) {
        double lift = fabs(fmin(e->lowest[i], e->lowest[j]));
        /* a NaN comes in with the highest */
        double r_off = e->highest[i] + lift, r_on = e->highest[j] + lift;
        fri[t] = (r_on - r_off) / (r_on + r_off + 1e-16);
    }
}

void om_peaks_of(const om_extremes *e, double *peak)
{
    for (int i = 0; i < e->n_conditions * e->n_types; i++) peak[i] = larger(e->highest[i], 0);
}

static bool used(const om_edge_peaks *p, int edge) { return p->use == NULL || p->use[edge]; }

/* Whether two edges are in use and in one set: of equal width and speed. */
static bool together(const om_edge_peaks *p, int i, int j)
{
    const om_edge *a = &p->edges[i], *b = &p->edges[j];
    return used(p, i) && used(p, j) && a->width == b->width && a->speed == b->speed;
}

/* The first edge at or after i that no earlier one is together with: it stands for its set. */
static int next_set(const om_edge_peaks *p, int i)
{
    for (; i < p->n_edges; i++) {
        int j = 0;
        while (j < i && !together(p, i, j)) j++;
        if (j == i && used(p, i)) break;
    }
    return i;
}

static double peak_of(const om_edge_peaks *p, int edge, int type)
{
    return p->peak[(size_t)edge * (size_t)p->n_types + (size_t)type];
}

/* Sums over the edges of a set at one intensity: of peak e^{i angle}, and of peak. */
typedef struct angle_sum {
    double x, y, total;
} angle_sum;

static angle_sum sum_over_angles(const om_edge_peaks *p, int set, int intensity, int type)
{
    angle_sum s = {0, 0, 0};
    for (int i = set; i < p->n_edges; i++) {
        if (p->edges[i].intensity != intensity || !together(p, set, i)) continue;
        double peak = peak_of(p, i, type), angle = radians(p->edges[i].angle_deg);
        s.x += peak * cos(angle);
        s.y += peak * sin(angle);
        s.total += peak;
    }
    return s;
}

static void tune(const om_edge_peaks *p, int type, double dsi[2], double direction[2])
{
    angle_sum all[2] = {{0, 0, 0}, {0, 0, 0}};
    int sets = 0;
    dsi[0] = dsi[1] = 0;
    for (int set = next_set(p, 0); set < p->n_edges; set = next_set(p, set + 1), sets++) {
        angle_sum s[2] = {sum_over_angles(p, set, 0, type), sum_over_angles(p, set, 1, type)};
        double total = larger(s[0].total, s[1].total) + 1e-15;
        for (int i = 0; i < 2; i++) {
            dsi[i] += hypot(s[i].x, s[i].y) / total;
            all[i].x += s[i].x;
            all[i].y += s[i].y;
            all[i].total += s[i].total;
        }
    }
    for (int i = 0; i < 2; i++) {
        bool directed = hypot(all[i].x, all[i].y) > 1e-12 * all[i].total;
        dsi[i] /= sets;
        direction[i] = directed ? atan2(all[i].y, all[i].x) : NAN;
    }
}

/* Evenly spread angles cancel; others would make a cell selective that answers to all alike. */
static om_status check_set(const om_edge_peaks *p, int set)
{
    double x[2] = {0, 0}, y[2] = {0, 0};
    int n[2] = {0, 0};
    for (int i = set; i < p->n_edges; i++) {
        if (!together(p, set, i)) continue;
        int intensity = p->edges[i].intensity;
        x[intensity] += cos(radians(p->edges[i].angle_deg));
        y[intensity] += sin(radians(p->edges[i].angle_deg));
        n[intensity]++;
    }
    if (n[0] == n[1] && hypot(x[0], y[0]) < 1e-9 * n[0] && hypot(x[1], y[1]) < 1e-9 * n[1])
        return OM_OK;
    return om_fail(OM_EUSAGE,
                   "edges of width %g at speed %g: %d dark and %d bright ones: expected the same "
                   "evenly spread angles for both",
                   p->edges[set].width, p->edges[set].speed, n[0], n[1]);
}

om_status om_direction_tuning(const om_edge_peaks *p, double *dsi, double *direction)
{
    if (next_set(p, 0) == p->n_edges) return om_fail(OM_EUSAGE, "no edges to measure tuning with");
    for (int i = 0; i < p->n_edges; i++)
        if (p->edges[i].intensity != 0 && p->edges[i].intensity != 1)
            return om_fail(OM_EUSAGE, "edge %d has intensity %d: expected 0 (dark) or 1 (bright)",
                           i, p->edges[i].intensity);
    for (int set = next_set(p, 0); set < p->n_edges; set = next_set(p, set + 1))
        OM_TRY(check_set(p, set));
    for (int t = 0; t < p->n_types; t++) {
        double index[2], phase[2];
        tune(p, t, index, phase);
        for (int i = 0; i < 2; i++) {
            dsi[i * p->n_types + t] = index[i];
            direction[i * p->n_types + t] = phase[i];
        }
    }
    return OM_OK;
}

/* ---- agreement with what is known -------------------------------------------------------------- */

static double pearson(const double *x, const double *y, int n)
{
    return n < 2 ? NAN : gsl_stats_correlation(x, 1, y, 1, (size_t)n);
}

double om_polarity_correlation(const om_type *types, int n_types, const double *fri, int *n)
{
    double x[n_types], y[n_types];
    int found = 0;
    for (int t = 0; t < n_types; t++) {
        const om_known_type *known = om_known_type_of(types[t].name);
        if (known == NULL || known->polarity == 0) continue;
        x[found] = fri[t];
        y[found++] = known->polarity;
    }
    if (n != NULL) *n = found;
    return pearson(x, y, found);
}

double om_motion_correlation(const om_type *types, int n_types, const double *dsi, int *n)
{
    double x[n_types], y[n_types];
    int found = 0;
    for (int t = 0; t < n_types; t++) {
        const om_known_type *known = om_known_type_of(types[t].name);
        if (known == NULL || known->motion < 0) continue;
        x[found] = larger(dsi[t], dsi[n_types + t]);
        y[found++] = known->motion;
    }
    if (n != NULL) *n = found;
    return pearson(x, y, found);
}

/* Number of a detector's type, or -1. */
static int find_detector(const om_type *types, int n_types, int detector)
{
    for (int t = 0; t < n_types; t++)
        if (strcmp(types[t].name, om_detector_name(detector)) == 0) return t;
    return -1;
}

void om_direction_distance(const om_type *types, int n_types, const double *direction,
                           double distance[OM_DETECTORS])
{
    for (int d = 0; d < OM_DETECTORS; d++) {
        int type = find_detector(types, n_types, d);
        distance[d] = NAN;
        if (type < 0) continue;
        double known = radians(om_known_type_of(om_detector_name(d))->direction_deg);
        double measured = direction[om_detector_intensity(d) * n_types + type];
        distance[d] = fabs(remainder(measured - known, 2 * PI));
    }
}

/* Peaks of a set at the curve's angles; false unless each of them is there once. */
static bool find_curve(const om_edge_peaks *p, int set, int intensity, int type,
                       double curve[OM_CURVE_ANGLES])
{
    const double step = 360.0 / OM_CURVE_ANGLES;
    int found[OM_CURVE_ANGLES] = {0}, n = 0;
    for (int i = set; i < p->n_edges; i++) {
        if (p->edges[i].intensity != intensity || !together(p, set, i)) continue;
        double turn = remainder(p->edges[i].angle_deg, 360);
        int a = ((int)lround(turn / step) + OM_CURVE_ANGLES) % OM_CURVE_ANGLES;
        if (fabs(remainder(turn - a * step, 360)) > 1e-9 || found[a]++ > 0) return false;
        curve[a] = peak_of(p, i, type);
        n++;
    }
    return n == OM_CURVE_ANGLES;
}

/* The largest correlation of any set. */
static double best_correlation(const om_edge_peaks *p, int intensity, int type, const double *known)
{
    double curve[OM_CURVE_ANGLES], best = -INFINITY;
    for (int set = next_set(p, 0); set < p->n_edges; set = next_set(p, set + 1)) {
        if (!find_curve(p, set, intensity, type, curve)) continue;
        double least, most;
        gsl_stats_minmax(&least, &most, curve, 1, OM_CURVE_ANGLES);
        bool flat = isfinite(least) && least == most;
        best = larger(best, flat ? 0 : pearson(curve, known, OM_CURVE_ANGLES));
    }
    return isinf(best) ? NAN : best;
}

void om_curve_correlation(const om_edge_peaks *p, const om_type *types,
                          double correlation[2][OM_DETECTORS])
{
    for (int d = 0; d < OM_DETECTORS; d++) {
        int type = find_detector(types, p->n_types, d);
        const double *known = om_known_type_of(om_detector_name(d))->curve;
        for (int i = 0; i < 2; i++)
            correlation[i][d] = type < 0 ? NAN : best_correlation(p, i, type, known);
    }
}
