/* Checks of tuning: measures of stored responses, fed to the library frame by frame; what is known of
 * the types; and the draw of initial resting potentials. Measures are double precision in every build,
 * and stored responses are exact in single precision, so one limit holds for both. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "check.h"

static const double LIMIT = 1e-9;

/* ---- analysis*.h5 ------------------------------------------------------------------------------ */

typedef struct analysis {
    int n_models, n_types;
    om_type *types;
} analysis;

static bool read_types(check *c, analysis *a)
{
    char **names = check_names(c, &a->n_types, "cell_types");
    a->n_models = check_integer(c, "/", "models", 1, CHECK_MOST);
    a->types = calloc((size_t)a->n_types + 1, sizeof *a->types);
    for (int t = 0; names != NULL && t < a->n_types; t++)
        snprintf(a->types[t].name, OM_NAME_BYTES, "%s", names[t]);
    check_free_names(names, a->n_types);
    return names != NULL && a->types != NULL;
}

/* All frames of one model; responses: [condition][frame][type]. */
static void feed(om_extremes *extremes, int n_frames, const double *time, const double *responses)
{
    size_t types = (size_t)extremes->n_types, frames = (size_t)n_frames;
    om_real *all = check_reals(extremes->n_conditions * n_frames * extremes->n_types, responses);
    om_extremes_reset(extremes);
    for (size_t f = 0; f < frames; f++)
        for (int i = 0; i < extremes->n_conditions; i++)
            om_extremes_add(extremes, i, time[f], all + ((size_t)i * frames + f) * types);
    free(all);
}

/* Flash response indices of all models for one radius, between two conditions. */
static void check_flash_pair(check *c, const analysis *a, om_extremes *extremes, int n_frames,
                             const double *time, const double *responses, int radius, int off,
                             int on)
{
    double *fri = check_zeros(a->n_models * a->n_types), *correlation = check_zeros(a->n_models);
    int size = extremes->n_conditions * n_frames * a->n_types;
    for (int m = 0; m < a->n_models; m++) {
        double *own = fri + (ptrdiff_t)m * a->n_types;
        feed(extremes, n_frames, time, responses + (ptrdiff_t)m * size);
        om_flash_index(extremes, off, on, own);
        correlation[m] = om_polarity_correlation(a->types, a->n_types, own, NULL);
    }
    double frames = extremes->frames[on];
    check_exact_dataset(c, 1, &frames, "flash/frames_in_window_%d", radius);
    check_dataset(c, a->n_models * a->n_types, fri, LIMIT, "flash/fri_radius_%d", radius);
    check_dataset(c, a->n_models, correlation, LIMIT, "flash/fri_correlation_radius_%d", radius);
    free(fri);
    free(correlation);
}

static void check_flashes(check *c, const analysis *a)
{
    int n = 0, n_frames = 0;
    double *radius = check_read(c, -1, &n, "flash/radius");
    double *intensity = check_read(c, n, NULL, "flash/intensity");
    double *time = check_read(c, -1, &n_frames, "flash/time");
    int size = check_times(c, check_times(c, a->n_models, n), check_times(c, n_frames, a->n_types));
    double *responses = check_read(c, size, NULL, "flash/responses");
    om_window window =
        om_flash_window(check_seconds(c, "flash", "dt"), check_seconds(c, "flash", "t_stim"));
    om_window windows[n + 1];
    for (int i = 0; i < n; i++) windows[i] = window;
    om_extremes *extremes = NULL;
    int pairs = 0;
    if (radius != NULL && intensity != NULL && time != NULL && responses != NULL &&
        check_ok(c, om_extremes_create(n, a->n_types, windows, &extremes)))
        for (int off = 0; off < n; off++)
            for (int on = 0; on < n; on++)
                if (radius[off] == radius[on] && intensity[off] == 0 && intensity[on] == 1) {
                    check_flash_pair(c, a, extremes, n_frames, time, responses, (int)radius[on],
                                     off, on);
                    pairs++;
                }
    if (pairs == 0) check_wrong(c, "flash: no dark and bright flash of one radius");
    om_extremes_free(extremes);
    free(radius), free(intensity), free(time), free(responses);
}

/* Phases, as near to the expected ones as whole turns bring them. */
static void unwind(int n, double *phase, const double *expected)
{
    for (int i = 0; i < n; i++)
        if (isfinite(expected[i]))
            phase[i] = expected[i] + remainder(phase[i] - expected[i], 2 * acos(-1));
}

/* Everything measured with one window; all [model]... as in the file. */
typedef struct edge_measures {
    double *peak, *dsi, *direction, *motion, *distance, *curve;
} edge_measures;

static edge_measures measures_create(const analysis *a, int n_edges)
{
    int m = a->n_models, t = a->n_types;
    return (edge_measures){check_zeros(m * n_edges * t),  check_zeros(m * 2 * t),
                           check_zeros(m * 2 * t),        check_zeros(m),
                           check_zeros(m * OM_DETECTORS), check_zeros(m * 2 * OM_DETECTORS)};
}

static void measures_free(edge_measures *m)
{
    free(m->peak), free(m->dsi), free(m->direction);
    free(m->motion), free(m->distance), free(m->curve);
}

static bool measure_model(check *c, const analysis *a, const om_edge *edges, int model,
                          const om_extremes *extremes, edge_measures *all)
{
    ptrdiff_t n_edges = extremes->n_conditions, types = a->n_types;
    double *peak = all->peak + model * n_edges * types;
    double *dsi = all->dsi + model * 2 * types, *direction = all->direction + model * 2 * types;
    double curve[2][OM_DETECTORS];
    om_peaks_of(extremes, peak);
    om_edge_peaks peaks = {extremes->n_conditions, a->n_types, edges, peak, NULL};
    if (!check_ok(c, om_direction_tuning(&peaks, dsi, direction))) return false;
    all->motion[model] = om_motion_correlation(a->types, a->n_types, dsi, NULL);
    om_direction_distance(a->types, a->n_types, direction, all->distance + model * OM_DETECTORS);
    om_curve_correlation(&peaks, a->types, curve);
    memcpy(all->curve + (ptrdiff_t)model * 2 * OM_DETECTORS, curve, sizeof curve);
    return true;
}

static void compare_measures(check *c, const analysis *a, int n_edges, edge_measures *m,
                             const char *suffix)
{
    int models = a->n_models, n = models * 2 * a->n_types;
    double *direction = check_read(c, n, NULL, "edge/pd%s", suffix);
    if (direction != NULL) unwind(n, m->direction, direction);
    check_dataset(c, models * n_edges * a->n_types, m->peak, LIMIT, "edge/peak%s", suffix);
    check_dataset(c, n, m->dsi, LIMIT, "edge/dsi%s", suffix);
    check_dataset(c, n, m->direction, LIMIT, "edge/pd%s", suffix);
    free(direction);
    if (*suffix != '\0') return;
    check_dataset(c, models, m->motion, LIMIT, "edge/dsi_correlation");
    check_dataset(c, models * OM_DETECTORS, m->distance, LIMIT, "edge/pd_distance");
    check_dataset(c, models * 2 * OM_DETECTORS, m->curve, LIMIT, "edge/tuning_correlation");
}

/* The edges in view, and when a part of their way is; its ends as stored. */
static void find_windows(check *c, int n, const om_edge *edges, const double offsets[2],
                         const char *suffix, om_window *windows)
{
    char peak[64], name[64];
    snprintf(peak, sizeof peak, "edge/peak%s", suffix);
    double start = offsets[0] * 2.25, from = start, to = (offsets[1] - 1) * 2.25;
    if (*suffix != '\0') {
        from = check_option(c, peak, "from_degree", -360, 360);
        to = check_option(c, peak, "to_degree", -360, 360);
    }
    for (int i = 0; i < n; i++) windows[i] = om_edge_window(edges[i].speed, start, from, to);
    for (int i = 0; i < n; i++) {
        int j = 0;
        while (edges[j].speed != edges[i].speed) j++;
        if (j < i) continue;
        const double found[2] = {windows[i].from_s, windows[i].to_s};
        double expected[2];
        snprintf(name, sizeof name, "window_speed_%.1f", edges[i].speed);
        if (check_attributes(c, 2, peak, name, expected))
            check_compare(c, name, 2, found, expected, NULL, LIMIT);
    }
}

static void check_edge_window(check *c, const analysis *a, int n, const om_edge *edges,
                              int n_frames, const double *time, const double *responses,
                              const double offsets[2], const char *suffix)
{
    om_window windows[n];
    om_extremes *extremes = NULL;
    bool measured = true;
    find_windows(c, n, edges, offsets, suffix, windows);
    if (!check_ok(c, om_extremes_create(n, a->n_types, windows, &extremes))) return;
    edge_measures measures = measures_create(a, n);
    for (int m = 0; m < a->n_models && measured; m++) {
        feed(extremes, n_frames, time, responses + (ptrdiff_t)m * n * n_frames * a->n_types);
        measured = measure_model(c, a, edges, m, extremes, &measures);
    }
    if (measured) compare_measures(c, a, n, &measures, suffix);
    measures_free(&measures);
    om_extremes_free(extremes);
}

static void check_edges(check *c, const analysis *a)
{
    int n = 0, n_frames = 0;
    double *conditions = check_read(c, -1, &n, "edge/conditions");
    for (int i = 0; conditions != NULL && i < n; i++)
        if (!isfinite(conditions[i]) || n % 4 != 0)
            check_give_up(c, "edge/conditions: expected angle, width, intensity and speed of each");
    double *time = check_read(c, -1, &n_frames, "edge/time");
    double *offsets = check_read(c, 2, NULL, "edge/offsets");
    n /= 4;
    int size = check_times(c, check_times(c, a->n_models, n), check_times(c, n_frames, a->n_types));
    double *responses = check_read(c, size, NULL, "edge/responses");
    if (n > 0 && time != NULL && offsets != NULL && responses != NULL) {
        om_edge edges[n];
        for (int i = 0; i < n; i++) {
            const double *row = conditions + (ptrdiff_t)4 * i;
            edges[i] = (om_edge){row[0], row[1], row[3], (int)row[2]};
        }
        for (int i = 0; i < size; i++) responses[i] /= 128;
        const char *const suffixes[] = {"", "_window_-9_9deg"};
        for (int s = 0; s < 2; s++)
            check_edge_window(c, a, n, edges, n_frames, time, responses, offsets, suffixes[s]);
    }
    free(conditions), free(time), free(offsets), free(responses);
}

void check_analysis(check *c)
{
    analysis a = {0, 0, NULL};
    if (read_types(c, &a)) {
        check_flashes(c, &a);
        check_edges(c, &a);
    }
    free(a.types);
}

/* ---- known_tuning.json ------------------------------------------------------------------------- */

enum { MOST_TYPES = 100 }; /* more than the library knows */

static bool lists(const json_t *names, const char *wanted)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        if (json_is_string(name) && strcmp(json_string_value(name), wanted) == 0) return true;
    }
    return false;
}

/* Whether the library's table has a property for exactly the types that a list names. */
static void check_list(check *c, const json_t *root, const char *list,
                       bool (*belongs)(const om_known_type *known))
{
    const json_t *names = json_object_get(root, list);
    double actual[MOST_TYPES], expected[MOST_TYPES];
    int n = 0;
    size_t listed = 0;
    for (const om_known_type *known = om_known_types; known->name != NULL; known++, n++) {
        actual[n] = belongs(known);
        expected[n] = lists(names, known->name);
        listed += lists(names, known->name);
    }
    if (json_is_array(names) && json_array_size(names) == listed)
        check_exact(c, list, n, actual, expected);
    else
        check_wrong(c, "%s: no such list, or one of other types", list);
}

static bool still(const om_known_type *k) { return k->motion == 0; }
static bool moved(const om_known_type *k) { return k->motion == 1; }
static bool either(const om_known_type *k) { return k->motion >= 0; }
static bool bright(const om_known_type *k) { return k->motion == 1 && k->polarity > 0; }
static bool dark(const om_known_type *k) { return k->motion == 1 && k->polarity < 0; }

/* What the library knows of a type, into values; false: nothing. */
static bool polarity_of(const om_known_type *known, double *values)
{
    values[0] = known->polarity;
    return true;
}

static bool direction_of(const om_known_type *known, double *values)
{
    values[0] = known->direction_deg;
    return !isnan(known->direction_deg);
}

static bool curve_of(const om_known_type *known, double *values)
{
    if (known->curve == NULL) return false;
    memcpy(values, known->curve, OM_CURVE_ANGLES * sizeof *values);
    return true;
}

/* `width` numbers of every type that the library knows them of, and of no other. */
static void check_values(check *c, const json_t *root, const char *name, size_t width,
                         bool (*values_of)(const om_known_type *known, double *values))
{
    const json_t *object = json_object_get(root, name);
    double actual[MOST_TYPES * OM_CURVE_ANGLES], expected[MOST_TYPES * OM_CURVE_ANGLES];
    size_t n = 0;
    for (const om_known_type *known = om_known_types; known->name != NULL; known++) {
        if (!values_of(known, actual + n)) continue;
        const json_t *value = json_object_get(object, known->name);
        for (size_t i = 0; i < width; i++)
            expected[n + i] = json_number_value(width > 1 ? json_array_get(value, i) : value);
        n += width;
    }
    if (json_object_size(object) * width == n)
        check_exact(c, name, (int)n, actual, expected);
    else
        check_wrong(c, "%s: %zu types, the library has %zu", name, json_object_size(object),
                    n / width);
}

/* Reports what nobody compares. */
static void check_keys(check *c, const json_t *root)
{
    static const char *const known[] = {
        "polarity",         "preferred_directions_deg", "tuning_curves_at_0_30_to_330_deg",
        "motion_tuning",    "no_motion_tuning",         "known_dsi_types",
        "on_motion_tuning", "off_motion_tuning",        "on_pathway",
        "off_pathway"};
    const size_t n = sizeof known / sizeof known[0];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)root, key, value)
    {
        size_t i = 0;
        while (i < n && strcmp(key, known[i]) != 0) i++;
        if (i == n) check_wrong(c, "%s: no check reads this", key);
    }
}

void check_known_tuning(check *c)
{
    char path[4096];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", c->folder, c->name);
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL) {
        check_wrong(c, "line %d: %s", error.line, error.text);
        return;
    }
    check_values(c, root, "polarity", 1, polarity_of);
    check_values(c, root, "preferred_directions_deg", 1, direction_of);
    check_values(c, root, "tuning_curves_at_0_30_to_330_deg", OM_CURVE_ANGLES, curve_of);
    check_list(c, root, "motion_tuning", moved);
    check_list(c, root, "no_motion_tuning", still);
    check_list(c, root, "known_dsi_types", either);
    check_list(c, root, "on_motion_tuning", bright);
    check_list(c, root, "off_motion_tuning", dark);
    check_skip(c, "on_pathway, off_pathway: no measure uses them");
    check_keys(c, root);
    json_decref(root);
}

/* ---- init_bias*.csv ---------------------------------------------------------------------------- */

void check_init_bias(check *c)
{
    check_table table;
    om_circuit *circuit = NULL;
    const char *of_seed = "bias_seed";
    if (!check_read_table(c, &table)) goto done;
    int type = check_column(c, &table, "type"), bias = table.columns - 1;
    if (type < 0) goto done;
    table.used[bias] = true;
    int64_t seed;
    if (strncmp(table.cells[bias], of_seed, strlen(of_seed)) != 0 ||
        !om_parse_int(table.cells[bias] + strlen(of_seed), &seed)) {
        check_wrong(c, "the last column is %s: expected bias_seedN", table.cells[bias]);
        goto done;
    }
    circuit = check_circuit(c, 1);
    if (circuit == NULL) goto done;
    int n = circuit->n_types, named = 0;
    for (int t = 0; t < n && t < table.rows; t++)
        named += strcmp(check_cell(&table, t, type), circuit->types[t].name) == 0;
    if (named != n || table.rows != n) {
        check_wrong(c, "%d rows for %d types, %d in the circuit's order", table.rows, n, named);
        goto done;
    }
    const om_init_options options = {
        .resting_potential_mean = 0.5, .resting_potential_std = 0.05, .draws = OM_DRAWS_TORCH};
    om_real *params = calloc(om_layout_of(circuit).n_params, sizeof *params);
    if (params == NULL) goto done;
    om_params_init(circuit, &options, (uint64_t)seed, 0, params);
    double *actual = check_doubles(n, params), *expected = check_zeros(n);
    for (int t = 0; t < n; t++) expected[t] = check_cell_number(c, &table, t, bias);
    check_exact(c, table.cells[bias], n, actual, expected);
    free(params), free(actual), free(expected);
done:
    om_circuit_free(circuit);
    check_close_table(c, &table);
}
