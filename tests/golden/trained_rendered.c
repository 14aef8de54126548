/* The laboratory's experiments as users run them, with the project's own rendering: what published
 * models answer to flashes, which are the reference's own, and to edges, which differ in the rounding
 * of a few pixels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "trained.h"

enum { PATH = 128, INTENSITIES = 2 };

static const double fri_limit = 2e-5, peak_limit = 1e-3, dsi_limit = 0.005, direction_limit_deg = 2;
static const double selective = 0.001; /* by its DSI; other cells prefer no direction */

static void add(void *extremes, int condition, int frame, double time_s, const om_real *voltage)
{
    (void)frame;
    om_extremes_add(extremes, condition, time_s, voltage);
}

/* All that the measures need of an experiment; NULL, and reported, if it fails. */
static om_extremes *run(trained *t, const om_experiment *x)
{
    const om_experiment_options options = {.threads = 1};
    om_window windows[x->n_conditions];
    om_extremes *extremes = NULL;
    for (int i = 0; i < x->n_conditions; i++) windows[i] = x->conditions[i].window;
    if (!check_ok(t->c,
                  om_extremes_create(x->n_conditions, t->e.circuit->n_types, windows, &extremes)))
        return NULL;
    if (check_ok(t->c, om_experiment_run(x, t->e.circuit, t->e.params, &options, add, extremes)))
        return extremes;
    om_extremes_free(extremes);
    return NULL;
}

static double *expected_of(trained *t, int n, const char *name)
{
    return check_read(t->c, n, NULL, "%s/%s", t->group, name);
}

static void compare_flashes(trained *t, const om_experiment *x)
{
    const int types = t->e.circuit->n_types;
    om_extremes *extremes = run(t, x);
    double fri[types];
    for (int off = 0; extremes != NULL && off < x->n_conditions; off++)
        for (int on = 0; on < x->n_conditions; on++) {
            const om_flash *a = &x->flashes[off], *b = &x->flashes[on];
            if (a->radius != b->radius || a->intensity >= b->intensity) continue;
            const char *name = a->radius < 0 ? "fri_full_field" : "fri_radius_6";
            char what[PATH];
            snprintf(what, sizeof what, "%s/experiment/%s", t->group, name);
            om_flash_index(extremes, off, on, fri);
            double *expected = expected_of(t, types, name);
            if (expected != NULL)
                check_absolute(t->c, what, types, fri, expected, fri_limit, fri_limit);
            free(expected);
        }
    om_extremes_free(extremes);
}

/* DSI and preferred direction of the detectors for the edges that they are known for. */
static void compare_detectors(trained *t, const double *dsi, const double *direction)
{
    const om_circuit *circuit = t->e.circuit;
    const int types = circuit->n_types;
    double *all_dsi = expected_of(t, INTENSITIES * types, "dsi_speeds_all");
    double *all_direction = expected_of(t, INTENSITIES * types, "preferred_direction_speeds_all");
    double actual[OM_DETECTORS], expected[OM_DETECTORS], off[OM_DETECTORS], zero[OM_DETECTORS];
    char what[PATH];
    int found = 0;
    for (int d = 0; all_dsi != NULL && all_direction != NULL && d < OM_DETECTORS; d++) {
        int at = om_detector_intensity(d) * types + om_circuit_type(circuit, om_detector_name(d));
        actual[d] = dsi[at];
        expected[d] = all_dsi[at];
        if (all_dsi[at] <= selective) continue;
        zero[found] = 0;
        off[found++] = remainder(direction[at] - all_direction[at], 2 * acos(-1)) * 180 / acos(-1);
    }
    if (all_dsi != NULL && all_direction != NULL) {
        snprintf(what, sizeof what, "%s/experiment/dsi of T4, T5", t->group);
        check_absolute(t->c, what, OM_DETECTORS, actual, expected, dsi_limit, dsi_limit);
        snprintf(what, sizeof what, "%s/experiment/preferred direction of T4, T5", t->group);
        check_absolute(t->c, what, found, off, zero, direction_limit_deg, direction_limit_deg);
    }
    free(all_dsi);
    free(all_direction);
}

static void compare_edges(trained *t, const om_experiment *x)
{
    const int types = t->e.circuit->n_types, n = x->n_conditions * types;
    om_extremes *extremes = run(t, x);
    double *peak = check_zeros(n), *expected = expected_of(t, n, "edge/peak");
    double dsi[INTENSITIES * types], direction[INTENSITIES * types];
    char what[PATH];
    om_edge_peaks peaks = {x->n_conditions, types, x->edges, peak, NULL};
    if (extremes != NULL && expected != NULL) {
        om_peaks_of(extremes, peak);
        snprintf(what, sizeof what, "%s/experiment/edge/peak", t->group);
        check_largest(t->c, what, n, peak, expected, peak_limit);
        if (check_ok(t->c, om_direction_tuning(&peaks, dsi, direction)))
            compare_detectors(t, dsi, direction);
    }
    om_extremes_free(extremes);
    free(peak);
    free(expected);
}

void trained_rendered(trained *t)
{
    om_experiment *flashes = NULL, *edges = NULL;
    const int extent = t->e.circuit->extent;
    if (check_ok(t->c, om_experiment_create(OM_FLASHES_SHOWN, extent, &flashes)) &&
        check_ok(t->c, om_experiment_create(OM_EDGES_SHOWN, extent, &edges))) {
        compare_flashes(t, flashes);
        compare_edges(t, edges);
    }
    om_experiment_free(flashes);
    om_experiment_free(edges);
}
