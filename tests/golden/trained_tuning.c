/* Tuning of published models, from the voltages that trained.c computes: flash response indices,
 * peaks to edges, and the measures made of them over several choices of speeds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "trained.h"

enum { PATH = 128 };

static const double lab_dt_s = 1.0 / 200, grey_s = 1, flash_s = 1;
static const double fri_limit = 2e-5, dsi_limit = 1e-5, correlation_limit = 2e-5;
static const double direction_limit_deg = 0.01, selective = 0.001;

/* Compares with model_NNN/NAME; the limit is absolute. */
static void compare_absolute(trained *t, int n, const double *actual, double limit,
                             const char *name)
{
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s/%s", t->group, name);
    double *expected = check_read(t->c, n, NULL, "%s", path);
    if (expected != NULL) check_absolute(t->c, path, n, actual, expected, limit, limit);
    free(expected);
}

/* The extremes of films [conditions][frames][types] that begin with the stimulus. Their times are
 * computed as the reference's are; by them the frame before is not within -dt. */
static om_extremes *extremes_of(trained *t, int conditions, int frames, const double *voltage,
                                om_window window)
{
    const int types = t->e.circuit->n_types;
    om_window windows[conditions];
    om_extremes *extremes = NULL;
    for (int i = 0; i < conditions; i++) windows[i] = window;
    if (!check_ok(t->c, om_extremes_create(conditions, types, windows, &extremes))) return NULL;
    om_real *all = check_reals(conditions * frames * types, voltage);
    const double before = round(grey_s / lab_dt_s);
    for (int i = 0; i < conditions * frames; i++) {
        double time_s = (before + i % frames) * lab_dt_s - grey_s;
        om_extremes_add(extremes, i / frames, time_s, all + (ptrdiff_t)i * types);
    }
    free(all);
    return extremes;
}

void trained_flash_index(trained *t, int conditions, int frames, const double *voltage)
{
    const om_circuit *circuit = t->e.circuit;
    double fri[circuit->n_types];
    double *radius = check_read(t->c, conditions, NULL, "flash_radius");
    double *intensity = check_read(t->c, conditions, NULL, "flash_intensity");
    om_extremes *extremes =
        extremes_of(t, conditions, frames, voltage, om_flash_window(lab_dt_s, flash_s));
    if (extremes == NULL || radius == NULL || intensity == NULL) goto done;
    for (int off = 0; off < conditions; off++)
        for (int on = 0; on < conditions; on++) {
            if (radius[off] != radius[on] || intensity[off] != 0 || intensity[on] != 1) continue;
            om_flash_index(extremes, off, on, fri);
            compare_absolute(t, circuit->n_types, fri, fri_limit,
                             radius[on] < 0 ? "fri_full_field" : "fri_radius_6");
            if (radius[on] < 0) continue;
            double r = om_polarity_correlation(circuit->types, circuit->n_types, fri, NULL);
            compare_absolute(t, 1, &r, correlation_limit, "fri_correlation");
        }
done:
    om_extremes_free(extremes);
    free(radius);
    free(intensity);
}

void trained_peaks(trained *t, int speed, int frames, const double *voltage, double *peak)
{
    const int types = t->e.circuit->n_types;
    const double start_deg = -2.25 * (t->offsets / 2);
    om_window window = om_edge_window(t->speeds[speed], start_deg, start_deg, -start_deg);
    om_extremes *extremes = extremes_of(t, t->conditions, frames, voltage, window);
    if (extremes == NULL) return;
    double *own = check_zeros(t->conditions * types);
    om_peaks_of(extremes, own);
    for (int i = 0; i < t->conditions * types; i++)
        peak[(i / types * t->n_speeds + speed) * types + i % types] = own[i];
    free(own);
    om_extremes_free(extremes);
}

/* Phases in degrees, where a cell is selective by the file's DSI. */
static void compare_direction(trained *t, const double *direction, const char *speeds)
{
    const int n = 2 * t->e.circuit->n_types;
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s/preferred_direction_speeds_%s", t->group, speeds);
    double *expected = check_read(t->c, n, NULL, "%s", path);
    double *dsi = check_read(t->c, n, NULL, "%s/dsi_speeds_%s", t->group, speeds);
    double difference[n], zero[n];
    int found = 0;
    for (int i = 0; expected != NULL && dsi != NULL && i < n; i++) {
        if (dsi[i] <= selective) continue;
        zero[found] = 0;
        difference[found++] = remainder(direction[i] - expected[i], 2 * acos(-1)) * 180 / acos(-1);
    }
    if (found > 0)
        check_absolute(t->c, path, found, difference, zero, direction_limit_deg,
                       direction_limit_deg);
    else
        check_wrong(t->c, "%s: no selective cell to compare", path);
    free(expected);
    free(dsi);
}

/* All measures over the edges in use; `speeds` names them in the file. */
static void compare_measures(trained *t, const om_edge_peaks *peaks, const char *speeds)
{
    const om_circuit *circuit = t->e.circuit;
    const int types = circuit->n_types;
    double dsi[2 * types], direction[2 * types], curve[2][OM_DETECTORS], own[OM_DETECTORS];
    char name[PATH];
    if (!check_ok(t->c, om_direction_tuning(peaks, dsi, direction))) return;
    snprintf(name, sizeof name, "dsi_speeds_%s", speeds);
    compare_absolute(t, 2 * types, dsi, dsi_limit, name);
    compare_direction(t, direction, speeds);
    double r = om_motion_correlation(circuit->types, types, dsi, NULL);
    snprintf(name, sizeof name, "dsi_correlation_speeds_%s", speeds);
    compare_absolute(t, 1, &r, correlation_limit, name);
    snprintf(name, sizeof name, "tuning_correlation_speeds_%s", speeds);
    if (!check_has(t->c, "%s/%s", t->group, name)) return;
    om_curve_correlation(peaks, circuit->types, curve);
    for (int d = 0; d < OM_DETECTORS; d++) own[d] = curve[om_detector_intensity(d)][d];
    compare_absolute(t, OM_DETECTORS, own, correlation_limit, name);
}

void trained_measures(trained *t, const double *peak)
{
    const int n = t->conditions * t->n_speeds, intensities = 2;
    double *angle = check_read(t->c, t->conditions / intensities, NULL, "edge_angles");
    double *intensity = check_read(t->c, intensities, NULL, "edge_intensities");
    om_edge edges[n];
    bool one[n], two[n];
    for (int i = 0; angle != NULL && intensity != NULL && i < n; i++) {
        int condition = i / t->n_speeds;
        double speed = t->speeds[i % t->n_speeds];
        edges[i] = (om_edge){angle[condition / intensities], 0, speed,
                             (int)intensity[condition % intensities]};
        one[i] = fabs(speed - 19) < 1e-9;
        two[i] = one[i] || fabs(speed - 4.8) < 1e-9;
    }
    if (angle != NULL && intensity != NULL) {
        om_edge_peaks peaks = {n, t->e.circuit->n_types, edges, peak, one};
        compare_measures(t, &peaks, "19");
        peaks.use = two;
        compare_measures(t, &peaks, "19_4.8");
        peaks.use = NULL;
        compare_measures(t, &peaks, "all");
    }
    free(angle);
    free(intensity);
}
