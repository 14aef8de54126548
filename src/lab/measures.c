/* The measures of one model: from what it answered to the battery to one number each. What the circuit
 * lacks leaves a measure NaN; a model without answers has no measures. */
#include "lab/measures.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>

#include "base/fail.h"
#include "base/memory.h"

enum { DARK, BRIGHT, INTENSITIES };
enum { DISC = 1 /* among the radii: the one that published analyses use */ };

static const double PI = 3.14159265358979323846264338327950288;

/* clang-format off */
const om_measure_info om_measures[OM_N_MEASURES] = {
    [OM_HITS_45] = {"hits_45", "directions within 45 degrees", "type", true},
    [OM_HITS_30] = {"hits_30", "directions within 30 degrees", "type", true},
    [OM_DIRECTION_DISTANCE] = {"direction_distance", "distance of directions", "degree", false},
    [OM_DSI_T4] = {"dsi_t4", "DSI of T4", "1", true},
    [OM_DSI_T5] = {"dsi_t5", "DSI of T5", "1", true},
    [OM_DSI_OTHERS] = {"dsi_others", "DSI of other types", "1", false},
    [OM_MOTION_CORRELATION] = {"motion_correlation", "DSI with known motion tuning", "1", true},
    [OM_POLARITY_CORRELATION] = {"polarity_correlation", "FRI with known polarity", "1", true},
    [OM_POLARITY_CORRELATION_WITHOUT_RECEPTORS] = {"polarity_correlation_without_receptors", "FRI with polarity, without R1-R8", "1", true},
    [OM_SIGNS_RIGHT] = {"signs_right", "sign of FRI right", "type", true},
    [OM_CURVE_CORRELATION_T4] = {"curve_correlation_t4", "tuning curves of T4 with known", "1", true},
    [OM_CURVE_CORRELATION_T5] = {"curve_correlation_t5", "tuning curves of T5 with known", "1", true},
};
/* clang-format on */

int om_measure_named(const char *name)
{
    for (int m = 0; m < OM_N_MEASURES; m++)
        if (strcmp(om_measures[m].name, name) == 0) return m;
    return -1;
}

double om_degrees_around(double radians)
{
    double degrees = radians * 180 / PI;
    return degrees < 0 ? degrees + 360 : degrees;
}

void om_battery_edges(om_edge edges[OM_BATTERY_EDGES])
{
    for (int i = 0; i < OM_BATTERY_EDGES; i++) {
        int film = i / OM_MOVING_SPEEDS;
        edges[i] = (om_edge){.angle_deg = 360.0 / OM_MOVING_ANGLES * (film / INTENSITIES),
                             .speed = om_moving_speeds[i % OM_MOVING_SPEEDS],
                             .intensity = film % INTENSITIES};
    }
}

/* ---- of the circuit ---------------------------------------------------------------------------- */

static bool is_receptor(const char *name)
{
    return name[0] == 'R' && name[1] >= '1' && name[1] <= '8' && name[2] == '\0';
}

/* Number of a type among the detectors, or -1. */
static int detector_of(const char *name)
{
    for (int d = 0; d < OM_DETECTORS; d++)
        if (strcmp(om_detector_name(d), name) == 0) return d;
    return -1;
}

static void count_known(om_validation *v)
{
    for (int t = 0; t < v->n_types; t++) {
        const om_known_type *known = om_known_type_of(v->types[t].name);
        v->n_detectors += detector_of(v->types[t].name) >= 0;
        v->n_known_polarity += known != NULL && known->polarity != 0;
        v->n_known_motion += known != NULL && known->motion >= 0;
    }
    for (int m = 0; m < OM_N_MEASURES; m++) v->chance[m] = NAN;
    v->chance[OM_HITS_45] = v->n_detectors * 45 / 180.0;
    v->chance[OM_HITS_30] = v->n_detectors * 30 / 180.0;
    v->chance[OM_DIRECTION_DISTANCE] = 90;
    v->chance[OM_MOTION_CORRELATION] = v->chance[OM_POLARITY_CORRELATION] =
        v->chance[OM_POLARITY_CORRELATION_WITHOUT_RECEPTORS] = 0;
    v->chance[OM_SIGNS_RIGHT] = v->n_known_polarity / 2.0;
}

/* ---- of one model ------------------------------------------------------------------------------ */

/* Of the values that are numbers, which it sorts; NaN: there are none. */
static double median(double *value, int n)
{
    int found = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(value[i])) value[found++] = value[i];
    if (found == 0) return NAN;
    gsl_sort(value, 1, (size_t)found);
    return gsl_stats_median_from_sorted_data(value, 1, (size_t)found);
}

/* Detectors 0..3 are T4, 4..7 are T5. */
static double median_of_detectors(const double value[OM_DETECTORS], int first, int n)
{
    double copy[OM_DETECTORS];
    memcpy(copy, value + first, (size_t)n * sizeof *copy);
    return median(copy, n);
}

static void measure_directions(const om_validation *v, om_validated *m)
{
    int within_45 = 0, within_30 = 0;
    for (int d = 0; d < OM_DETECTORS; d++) {
        double degrees = m->distance[d] * 180 / PI;
        within_45 += degrees <= 45; /* not so for NaN */
        within_30 += degrees <= 30;
    }
    if (v->n_detectors == 0) return;
    m->measure[OM_HITS_45] = within_45;
    m->measure[OM_HITS_30] = within_30;
    m->measure[OM_DIRECTION_DISTANCE] =
        median_of_detectors(m->distance, 0, OM_DETECTORS) * 180 / PI;
}

static void measure_selectivity(const om_validation *v, om_validated *m)
{
    const int types = v->n_types;
    double detectors[OM_DETECTORS], others[types];
    int n_others = 0;
    for (int d = 0; d < OM_DETECTORS; d++) detectors[d] = NAN;
    for (int t = 0; t < types; t++) {
        int d = detector_of(v->types[t].name);
        if (d >= 0)
            detectors[d] = m->dsi[om_detector_intensity(d) * types + t];
        else
            others[n_others++] = fmax(m->dsi[DARK * types + t], m->dsi[BRIGHT * types + t]);
    }
    m->measure[OM_DSI_T4] = median_of_detectors(detectors, 0, OM_DETECTORS / 2);
    m->measure[OM_DSI_T5] = median_of_detectors(detectors, OM_DETECTORS / 2, OM_DETECTORS / 2);
    m->measure[OM_DSI_OTHERS] = median(others, n_others);
    m->measure[OM_MOTION_CORRELATION] = om_motion_correlation(v->types, types, m->dsi, NULL);
}

static void measure_polarity(const om_validation *v, om_validated *m)
{
    const int types = v->n_types;
    const double *fri = m->fri + (ptrdiff_t)DISC * types;
    om_type seeing[types]; /* all but the receptors */
    double index[types];
    int n = 0, right = 0;
    for (int t = 0; t < types; t++) {
        const om_known_type *known = om_known_type_of(v->types[t].name);
        if (known != NULL) right += known->polarity * fri[t] > 0;
        if (is_receptor(v->types[t].name)) continue;
        seeing[n] = v->types[t];
        index[n++] = fri[t];
    }
    m->measure[OM_POLARITY_CORRELATION] = om_polarity_correlation(v->types, types, fri, NULL);
    m->measure[OM_POLARITY_CORRELATION_WITHOUT_RECEPTORS] =
        om_polarity_correlation(seeing, n, index, NULL);
    if (v->n_known_polarity > 0) m->measure[OM_SIGNS_RIGHT] = right;
}

om_status om_validated_derive(const om_validation *v, om_validated *m)
{
    bool use[OM_BATTERY_EDGES];
    for (int i = 0; i < OM_BATTERY_EDGES; i++)
        use[i] = v->speed == 0 || v->edges[i].speed == v->speed;
    const om_edge_peaks peaks = {OM_BATTERY_EDGES, v->n_types, v->edges, m->peak, use};
    OM_TRY(om_direction_tuning(&peaks, m->dsi, m->direction));
    om_curve_correlation(&peaks, v->types, m->curve);
    om_direction_distance(v->types, v->n_types, m->direction, m->distance);
    measure_directions(v, m);
    measure_selectivity(v, m);
    measure_polarity(v, m);
    m->measure[OM_CURVE_CORRELATION_T4] =
        median_of_detectors(m->curve[BRIGHT], 0, OM_DETECTORS / 2);
    m->measure[OM_CURVE_CORRELATION_T5] =
        median_of_detectors(m->curve[DARK], OM_DETECTORS / 2, OM_DETECTORS / 2);
    return OM_OK;
}

/* ---- all of them ------------------------------------------------------------------------------- */

static size_t numbers_of_a_model(const om_validation *v)
{
    return (size_t)(OM_BATTERY_RADII + OM_BATTERY_EDGES + 2 * INTENSITIES) * (size_t)v->n_types;
}

void om_validated_clear(const om_validation *v, om_validated *m)
{
    for (size_t i = 0; i < numbers_of_a_model(v); i++) m->fri[i] = NAN; /* and what follows */
    for (int d = 0; d < OM_DETECTORS; d++) m->curve[DARK][d] = m->curve[BRIGHT][d] = NAN;
    for (int d = 0; d < OM_DETECTORS; d++) m->distance[d] = NAN;
    for (int i = 0; i < OM_N_MEASURES; i++) m->measure[i] = NAN;
}

static om_status create_models(const om_validation *v, int n, om_validated **models)
{
    const size_t types = (size_t)v->n_types;
    OM_TRY(om_alloc((size_t)n, sizeof **models, models));
    for (int i = 0; i < n; i++) {
        om_validated *m = &(*models)[i];
        m->model = i;
        OM_TRY(om_alloc(numbers_of_a_model(v), sizeof(double), &m->fri));
        m->peak = m->fri + OM_BATTERY_RADII * types;
        m->dsi = m->peak + OM_BATTERY_EDGES * types;
        m->direction = m->dsi + INTENSITIES * types;
        om_validated_clear(v, m);
    }
    return OM_OK;
}

static om_status copy_circuit(const om_circuit *circuit, om_validation *v)
{
    v->n_types = circuit->n_types;
    OM_TRY(om_alloc((size_t)v->n_types, sizeof *v->types, &v->types));
    memcpy(v->types, circuit->types, (size_t)v->n_types * sizeof *v->types);
    OM_TRY(om_alloc(OM_BATTERY_EDGES, sizeof *v->edges, &v->edges));
    om_battery_edges(v->edges);
    count_known(v);
    return OM_OK;
}

om_status om_battery_check_speed(double speed)
{
    if (speed == 0) return OM_OK;
    for (int i = 0; i < OM_MOVING_SPEEDS; i++)
        if (speed == om_moving_speeds[i]) return OM_OK;
    return om_fail(OM_EUSAGE, "speed %g: expected 2.4, 4.8, 9.7, 13, 19 or 25 columns/s", speed);
}

om_status om_validation_create(const om_circuit *circuit, int n_models, int n_controls,
                               double speed, om_validation **validation)
{
    om_validation *v = NULL;
    *validation = NULL;
    OM_TRY(om_battery_check_speed(speed));
    OM_TRY(om_alloc(1, sizeof *v, &v));
    v->n_models = n_models;
    v->n_controls = n_controls;
    v->speed = speed;
    om_status status = copy_circuit(circuit, v);
    if (status == OM_OK) status = create_models(v, n_models, &v->models);
    if (status == OM_OK) status = create_models(v, n_controls, &v->untrained);
    if (status == OM_OK)
        *validation = v;
    else
        om_validation_free(v);
    return status;
}

static void free_models(om_validated *models, int n)
{
    for (int i = 0; models != NULL && i < n; i++) om_free(models[i].fri);
    om_free(models);
}

void om_validation_free(om_validation *v)
{
    if (v == NULL) return;
    free_models(v->models, v->n_models);
    free_models(v->untrained, v->n_controls);
    om_free(v->types);
    om_free(v->edges);
    om_free(v);
}

void om_validation_measure(const om_validation *v, om_measure measure, double *value)
{
    for (int i = 0; i < v->n_models; i++) value[i] = v->models[i].measure[measure];
}
