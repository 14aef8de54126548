/* Measures of tuning on responses whose indices are known by arithmetic: windows, extremes of frames
 * that stream by, flashes, edges, and agreement with what is known of the types. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ommatid/om_tuning.h"

enum { ANGLES = 12, SPEEDS = 2, EDGES = ANGLES * SPEEDS * 2 };

static const double PI = 3.14159265358979323846;

static void assert_near(double actual, double expected)
{
    if (!(fabs(actual - expected) < 1e-12)) fail_msg("%.17g, expected %.17g", actual, expected);
}

static om_extremes *extremes_of(int n_conditions, int n_types, om_window window)
{
    om_extremes *e = NULL;
    om_window windows[n_conditions];
    for (int i = 0; i < n_conditions; i++) windows[i] = window;
    assert_int_equal(om_extremes_create(n_conditions, n_types, windows, &e), OM_OK);
    return e;
}

/* ---- responses ---- */

static void test_windows(void **state)
{
    (void)state;
    om_window flash = om_flash_window(0.02, 0.2);
    assert_true(flash.from_s == -0.02 && flash.to_s == 0.2);
    om_window whole = om_edge_window(19, -22.5, -22.5, 22.5);
    assert_near(whole.from_s, 0);
    assert_near(whole.to_s, 21 * 2.25 / 5.8 / 19);
    om_window middle = om_edge_window(9.7, -22.5, -9, 9);
    assert_near(middle.from_s, 13.5 / 5.8 / 9.7);
    assert_near(middle.to_s, (13.5 + 9 * 2.25) / 5.8 / 9.7);
}

static void test_extremes_are_those_inside_the_window(void **state)
{
    (void)state;
    om_extremes *e = extremes_of(1, 2, (om_window){0, 0.5});
    const double time[] = {-0.25, 0, 0.25, 0.5, 0.75};
    const om_real voltage[][2] = {{9, -9}, {1, -1}, {3, -2}, {3, -3}, {9, -9}};
    for (int round = 0; round < 2; round++) {
        for (int f = 0; f < 5; f++) om_extremes_add(e, 0, time[f], voltage[f]);
        assert_int_equal(e->frames[0], 3);
        assert_true(e->lowest[0] == 1 && e->highest[0] == 3 && e->peak_s[0] == 0.25);
        assert_true(e->lowest[1] == -3 && e->highest[1] == -1 && e->peak_s[1] == 0);
        double peak[2];
        om_peaks_of(e, peak);
        assert_true(peak[0] == 3 && peak[1] == 0);
        om_extremes_reset(e);
        assert_true(e->frames[0] == 0 && isnan(e->highest[0]) && isnan(e->peak_s[1]));
    }
    om_extremes_free(e);
    om_extremes_free(NULL);
}

/* Films side by side, frame by frame or one after the other: the same. */
static void test_conditions_come_in_any_order(void **state)
{
    (void)state;
    enum { CONDITIONS = 3, FRAMES = 20, TYPES = 2 };
    om_real voltage[CONDITIONS][FRAMES][TYPES];
    for (int c = 0; c < CONDITIONS; c++)
        for (int f = 0; f < FRAMES; f++)
            for (int t = 0; t < TYPES; t++)
                voltage[c][f][t] = (om_real)sin(1.7 * c + 0.9 * f + 2.3 * t);
    om_extremes *a = extremes_of(CONDITIONS, TYPES, (om_window){0.1, 1.5});
    om_extremes *b = extremes_of(CONDITIONS, TYPES, (om_window){0.1, 1.5});
    for (int f = 0; f < FRAMES; f++)
        for (int c = 0; c < CONDITIONS; c++) om_extremes_add(a, c, 0.1 * f, voltage[c][f]);
    for (int c = CONDITIONS - 1; c >= 0; c--)
        for (int f = 0; f < FRAMES; f++) om_extremes_add(b, c, 0.1 * f, voltage[c][f]);
    size_t bytes = CONDITIONS * TYPES * sizeof(double);
    assert_memory_equal(a->lowest, b->lowest, bytes);
    assert_memory_equal(a->highest, b->highest, bytes);
    assert_memory_equal(a->peak_s, b->peak_s, bytes);
    assert_true(a->frames[0] == b->frames[0] && a->frames[0] > 10);
    om_extremes_free(a);
    om_extremes_free(b);
}

/* What is not finite reaches the measures of its type and of no other; so does a film not shown. */
static void test_what_is_not_finite_is_seen(void **state)
{
    (void)state;
    om_extremes *e = extremes_of(3, 3, (om_window){0, 1});
    const om_real good[] = {1, 1, 1}, bad[] = {2, (om_real)NAN, (om_real)INFINITY};
    const om_real better[] = {3, 3, 3};
    om_extremes_add(e, 0, 0, good);
    om_extremes_add(e, 0, 0.25, bad);
    om_extremes_add(e, 0, 0.5, better);
    om_extremes_add(e, 1, 0, good);
    double peak[9], fri[3];
    om_peaks_of(e, peak);
    assert_true(e->lowest[0] == 1 && isnan(e->lowest[1]));
    assert_true(peak[0] == 3 && isnan(peak[1]) && isinf(peak[2]) && isnan(e->peak_s[1]));
    assert_true(peak[3] == 1 && isnan(peak[6]) && isnan(peak[8]));
    for (int on = 0; on < 2; on++) {
        om_flash_index(e, !on, on, fri);
        assert_near(fri[0], on ? -1. / 3 : 1. / 3);
        assert_true(isnan(fri[1]) && isnan(fri[2]));
    }
    om_flash_index(e, 1, 2, fri);
    assert_true(isnan(fri[0]));
    om_flash_index(e, 2, 1, fri);
    assert_true(isnan(fri[0]));
    om_extremes_free(e);
}

/* ---- flashes ---- */

static void test_flash_index(void **state)
{
    (void)state;
    om_extremes *e = extremes_of(2, 4, (om_window){0, 1});
    const om_real off[][4] = {{-1, 1, 2, 0}, {1, 5, 2, 0}}, on[][4] = {{0, 2, 2, 0}, {3, 3, 2, 0}};
    for (int f = 0; f < 2; f++) {
        om_extremes_add(e, 0, f, off[f]);
        om_extremes_add(e, 1, f, on[f]);
    }
    double fri[4];
    om_flash_index(e, 0, 1, fri);
    assert_near(fri[0], (4. - 2) / (4 + 2));
    assert_near(fri[1], (4. - 6) / (4 + 6)); /* |lowest| is added when it is above 0, too */
    assert_true(fri[2] == 0 && fri[3] == 0); /* nothing happens */
    om_extremes_free(e);
}

/* ---- edges ---- */

/* All angles at two speeds, dark and bright. */
static void show_edges(om_edge edges[EDGES])
{
    for (int i = 0; i < EDGES; i++)
        edges[i] = (om_edge){30 * (i / 4), 80, i % 2 ? 19 : 9.7, i / 2 % 2};
}

/* A cell that answers `amplitude` (1 + depth cos(angle - preferred)). */
static double cosine_cell(const om_edge *edge, double amplitude, double depth, double preferred)
{
    return amplitude * (1 + depth * cos(edge->angle_deg * PI / 180 - preferred));
}

/* |S| is half of depth times the sum of peaks; the weaker intensity is measured by the stronger. */
static void test_direction_tuning_of_cosine_cells(void **state)
{
    (void)state;
    om_edge edges[EDGES];
    double peak[EDGES][3], dsi[2][3], direction[2][3];
    show_edges(edges);
    for (int i = 0; i < EDGES; i++) {
        const om_edge *e = &edges[i];
        double dim = e->intensity == 1 ? 2 : 1, depth = e->speed > 10 ? 0.8 : 0.4;
        peak[i][0] = cosine_cell(e, 1, 0.5, 1);
        peak[i][1] = cosine_cell(e, dim, 1, dim);
        peak[i][2] = cosine_cell(e, e->speed, depth, -3);
    }
    bool fast[EDGES];
    for (int i = 0; i < EDGES; i++) fast[i] = edges[i].speed > 10;
    om_edge_peaks peaks = {EDGES, 3, edges, peak[0], NULL};
    assert_int_equal(om_direction_tuning(&peaks, dsi[0], direction[0]), OM_OK);
    for (int i = 0; i < 2; i++) {
        assert_near(dsi[i][0], 0.25);
        assert_near(direction[i][0], 1);
        assert_near(dsi[i][1], i == 1 ? 0.5 : 0.25);
        assert_near(direction[i][1], i == 1 ? 2 : 1);
        assert_near(dsi[i][2], (0.4 + 0.2) / 2);
        assert_near(direction[i][2], -3);
    }
    peaks.use = fast;
    assert_int_equal(om_direction_tuning(&peaks, dsi[0], direction[0]), OM_OK);
    assert_near(dsi[0][0], 0.25);
    assert_near(dsi[0][2], 0.4);
}

/* The order of edges does not matter. */
static void test_edges_come_in_any_order(void **state)
{
    (void)state;
    om_edge edges[EDGES], shuffled[EDGES];
    double peak[EDGES], again[EDGES], dsi[2], direction[2], d[2], p[2];
    show_edges(edges);
    for (int i = 0; i < EDGES; i++) {
        peak[i] = fabs(sin(3.1 * i)) + edges[i].intensity;
        shuffled[i * 29 % EDGES] = edges[i];
        again[i * 29 % EDGES] = peak[i];
    }
    om_edge_peaks a = {EDGES, 1, edges, peak, NULL}, b = {EDGES, 1, shuffled, again, NULL};
    assert_int_equal(om_direction_tuning(&a, dsi, direction), OM_OK);
    assert_int_equal(om_direction_tuning(&b, d, p), OM_OK);
    for (int i = 0; i < 2; i++) {
        assert_near(d[i], dsi[i]);
        assert_near(p[i], direction[i]);
    }
}

/* Silent, the same for all angles, not finite at one angle, infinite. */
static void test_cells_without_a_direction(void **state)
{
    (void)state;
    om_edge edges[EDGES];
    double peak[EDGES][4], dsi[2][4], direction[2][4];
    show_edges(edges);
    for (int i = 0; i < EDGES; i++) {
        peak[i][0] = 0;
        peak[i][1] = 7.3;
        peak[i][2] = i == 2 ? NAN : 1; /* of a bright edge */
        peak[i][3] = i == 5 ? INFINITY : 1;
    }
    om_edge_peaks peaks = {EDGES, 4, edges, peak[0], NULL};
    assert_int_equal(om_direction_tuning(&peaks, dsi[0], direction[0]), OM_OK);
    assert_true(dsi[0][0] == 0 && dsi[1][0] == 0 && isnan(direction[0][0]));
    assert_true(dsi[0][1] < 1e-12 && isnan(direction[0][1]) && isnan(direction[1][1]));
    assert_true(isnan(dsi[0][2]) && isnan(dsi[1][2]) && isnan(direction[1][2]));
    assert_true(isnan(dsi[0][3]) && isnan(direction[0][3]));
}

static void assert_refused(const om_edge_peaks *peaks, const char *message)
{
    double dsi[2], direction[2];
    assert_int_equal(om_direction_tuning(peaks, dsi, direction), OM_EUSAGE);
    assert_non_null(strstr(om_message(), message));
}

static void test_edges_that_cannot_be_measured_with_are_refused(void **state)
{
    (void)state;
    om_edge edges[EDGES];
    double peak[EDGES] = {0};
    bool use[EDGES] = {false};
    show_edges(edges);
    om_edge_peaks peaks = {EDGES, 1, edges, peak, use};
    assert_refused(&peaks, "no edges");
    for (int i = 0; i < EDGES; i++) use[i] = edges[i].intensity == 1;
    assert_refused(&peaks, "width 80 at speed 9.7: 0 dark and 12 bright");
    for (int i = 0; i < EDGES; i++) use[i] = edges[i].angle_deg > 0 || edges[i].speed < 10;
    assert_refused(&peaks, "width 80 at speed 19: 11 dark and 11 bright");
    for (int i = 0; i < EDGES; i++) use[i] = edges[i].intensity == 1 || i / 4 % 2 == 0;
    assert_refused(&peaks, "width 80 at speed 9.7: 6 dark and 12 bright");
    peaks.use = NULL;
    edges[3].intensity = 2;
    assert_refused(&peaks, "edge 3 has intensity 2");
}

/* ---- what is known ---- */

static void test_known_types(void **state)
{
    (void)state;
    int polarity = 0, motion = 0, n = 0;
    for (const om_known_type *k = om_known_types; k->name != NULL; k++, n++) {
        assert_ptr_equal(om_known_type_of(k->name), k);
        polarity += k->polarity != 0;
        motion += k->motion >= 0;
        assert_true((k->motion == 1) == (k->curve != NULL));
        assert_true((k->curve == NULL) == (bool)isnan(k->direction_deg));
    }
    assert_true(n == 65 && polarity == 32 && motion == 18);
    const double directions[] = {180, 0, 90, 270};
    for (int d = 0; d < OM_DETECTORS; d++) {
        const om_known_type *k = om_known_type_of(om_detector_name(d));
        assert_non_null(k);
        assert_true(k->direction_deg == directions[d % 4] && k->motion == 1);
        assert_int_equal(om_detector_intensity(d), d < 4);
    }
    assert_null(om_known_type_of("T4"));
}

static om_type named(const char *name)
{
    om_type type = {.cells = 1};
    snprintf(type.name, sizeof type.name, "%s", name);
    return type;
}

/* A circuit that has few of the known types, one without known polarity, and a stranger. */
static void test_polarity_correlation_over_the_types_present(void **state)
{
    (void)state;
    const om_type types[] = {named("Tm9"), named("Xx"), named("Mi1"),
                             named("T2"),  named("L5"), named("L1")};
    const double fri[] = {-0.5, 100, 0.5, -100, 0.5, -0.5};
    const double uneven[] = {-3, 100, 2, -100, 1, 0};
    double flat[6] = {0}, lost[] = {-0.5, 100, NAN, 0, 0.5, -0.5};
    int n = 0;
    assert_near(om_polarity_correlation(types, 6, fri, &n), 1);
    assert_int_equal(n, 4);
    assert_near(om_polarity_correlation(types, 6, uneven, NULL), 6 / sqrt(4 * 14.0));
    assert_true(isnan(om_polarity_correlation(types, 6, flat, NULL)));
    assert_true(isnan(om_polarity_correlation(types, 6, lost, NULL)));
    assert_true(isnan(om_polarity_correlation(types, 2, fri, &n)));
    assert_int_equal(n, 1);
    assert_true(isnan(om_polarity_correlation(types + 1, 1, fri, &n)));
    assert_int_equal(n, 0);
}

static void test_motion_correlation_takes_the_larger_intensity(void **state)
{
    (void)state;
    const om_type types[] = {named("Tm1"), named("T4a"), named("L1"), named("T5d"), named("Mi9")};
    const double dsi[2][5] = {{0.1, 0, 9, 0.7, 0}, {0, 0.7, 9, 0.1, 0.1}};
    const double lost[2][5] = {{NAN, 0, 0, 1, 0}, {0, 1, 0, 0, 0}};
    int n = 0;
    assert_near(om_motion_correlation(types, 5, dsi[0], &n), 1);
    assert_int_equal(n, 4);
    assert_true(isnan(om_motion_correlation(types, 5, lost[0], NULL)));
}

static void test_direction_distance(void **state)
{
    (void)state;
    const om_type types[] = {named("T5d"), named("T4b"), named("T4a"), named("T5c")};
    const double direction[2][4] = {{-PI / 2 + 0.25, 9, 9, NAN}, {9, -0.5, -PI + 0.125, 9}};
    double distance[OM_DETECTORS];
    om_direction_distance(types, 4, direction[0], distance);
    assert_near(distance[0], 0.125);
    assert_near(distance[1], 0.5);
    assert_near(distance[7], 0.25);
    assert_true(isnan(distance[2]) && isnan(distance[6]));
    const double opposite[2][1] = {{9}, {PI}};
    om_direction_distance(types + 1, 1, opposite[0], distance);
    assert_near(distance[1], PI);
}

/* The known curve at one speed, its reverse at the other; flat; at angles written otherwise. */
static void test_curve_correlation(void **state)
{
    (void)state;
    const om_type types[] = {named("T4c"), named("T5a"), named("T4d")};
    om_edge edges[EDGES];
    double peak[EDGES][3], correlation[2][OM_DETECTORS];
    show_edges(edges);
    for (int i = 0; i < EDGES; i++) {
        int a = i / 4;
        double c = om_known_type_of("T4c")->curve[a], d = om_known_type_of("T5a")->curve[a];
        peak[i][0] = edges[i].speed > 10 ? 2 * c + 1 : 3 - c;
        peak[i][1] = edges[i].intensity == 0 ? 3 - d : 5;
        peak[i][2] = edges[i].speed > 10 ? 0 : 3 - om_known_type_of("T4d")->curve[a];
        edges[i].angle_deg += a % 3 == 0 ? 0 : a % 3 == 1 ? -360 : 720;
    }
    om_edge_peaks peaks = {EDGES, 3, edges, peak[0], NULL};
    om_curve_correlation(&peaks, types, correlation);
    assert_near(correlation[0][2], 1);
    assert_near(correlation[1][2], 1);
    assert_near(correlation[0][4], -1);
    assert_true(correlation[1][4] == 0); /* does not vary */
    assert_true(correlation[1][3] == 0); /* nor at one speed; the other is worse */
    assert_true(isnan(correlation[1][0]) && isnan(correlation[0][7]));
    peak[9][0] = NAN;
    om_curve_correlation(&peaks, types, correlation);
    assert_true(isnan(correlation[0][2]) && !isnan(correlation[1][2]));
    for (int i = 0; i < 4; i++) edges[i].angle_deg = 30; /* twice, and 0 not at all */
    om_curve_correlation(&peaks, types, correlation);
    assert_true(isnan(correlation[1][2]));
    for (int i = 0; i < EDGES; i++) edges[i].angle_deg = 30 * (i / 4) + 15;
    om_curve_correlation(&peaks, types, correlation);
    assert_true(isnan(correlation[1][2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_extremes_are_those_inside_the_window),
        cmocka_unit_test(test_conditions_come_in_any_order),
        cmocka_unit_test(test_what_is_not_finite_is_seen),
        cmocka_unit_test(test_flash_index),
        cmocka_unit_test(test_direction_tuning_of_cosine_cells),
        cmocka_unit_test(test_edges_come_in_any_order),
        cmocka_unit_test(test_cells_without_a_direction),
        cmocka_unit_test(test_edges_that_cannot_be_measured_with_are_refused),
        cmocka_unit_test(test_known_types),
        cmocka_unit_test(test_polarity_correlation_over_the_types_present),
        cmocka_unit_test(test_motion_correlation_takes_the_larger_intensity),
        cmocka_unit_test(test_direction_distance),
        cmocka_unit_test(test_curve_correlation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
