/* The picture of predictions: responses of chosen types to two stimuli, read from their file. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/pictures.h"
#include "report/pictures.h"
#include "store/h5.h"

enum { MOST_PANELS = 16, STIMULI = 2, SPEED = 4 /* of om_moving_speeds: 19 columns/s */ };
enum { DARK, BRIGHT, INTENSITIES };

static const char *const usual[][MOST_PANELS + 1] = {
    [OM_FLASHES_SHOWN] = {"L1", "L2", "L3", "L4", "Mi1", "Tm3", "Mi4", "Mi9", "Tm1", "Tm2", "Tm4",
                          "Tm9"},
    [OM_EDGES_SHOWN] = {"T4a", "T4b", "T4c", "T4d", "T5a", "T5b", "T5c", "T5d"},
};

static const om_h5_field type_field = {"/type", OM_H5_TEXT, {"type"}, OM_NAME_BYTES,
                                       NULL,    NULL,       NULL};
static const om_h5_field time_field = {"/time", OM_H5_F64, {"time"}, 0, NULL, NULL, NULL};
static const om_h5_field response_fields[] = {
    [OM_FLASHES_SHOWN] = {"/response",
                          OM_H5_F32,
                          {"model", "type", "intensity", "radius", "time"},
                          0,
                          NULL,
                          NULL,
                          NULL},
    [OM_EDGES_SHOWN] = {"/response",
                        OM_H5_F32,
                        {"model", "type", "angle", "intensity", "speed", "time"},
                        0,
                        NULL,
                        NULL,
                        NULL},
};

/* What is in the file, and which of its types are drawn. */
typedef struct source {
    om_experiment_kind kind;
    const char (*name)[OM_NAME_BYTES]; /* [n_types] */
    char (*own)[OM_NAME_BYTES];        /* the same, if read here */
    double *time_s;                    /* [n_times] */
    om_h5_data response;
    int n_models, n_types, n_times;
    int n_panels, type[MOST_PANELS];
} source;

static om_status open_source(om_h5 *file, om_experiment_kind kind, source *s)
{
    s->kind = kind;
    OM_TRY(om_h5_read_field(file, &type_field, NULL, &s->own));
    s->name = (const char(*)[OM_NAME_BYTES])s->own;
    OM_TRY(om_h5_read_field(file, &time_field, NULL, &s->time_s));
    OM_TRY(om_h5_find(file, &response_fields[kind], NULL, &s->response));
    s->n_models = (int)s->response.length[0];
    s->n_types = (int)s->response.length[1];
    s->n_times = (int)s->response.length[s->response.n_axes - 1];
    return OM_OK;
}

/* ---- which types ---- */

static int type_named(const source *s, const char *name, size_t length)
{
    for (int t = 0; t < s->n_types; t++)
        if (strlen(s->name[t]) == length && memcmp(s->name[t], name, length) == 0) return t;
    return -1;
}

/* The usual ones that are there; else the first ones. */
static void choose_usual(source *s)
{
    for (const char *const *name = usual[s->kind]; *name != NULL; name++) {
        const int type = type_named(s, *name, strlen(*name));
        if (type >= 0) s->type[s->n_panels++] = type;
    }
    if (s->n_panels > 0) return;
    for (; s->n_panels < s->n_types && s->n_panels < MOST_PANELS; s->n_panels++)
        s->type[s->n_panels] = s->n_panels;
}

static om_status choose(source *s, const char *types)
{
    if (types == NULL) {
        choose_usual(s);
        return OM_OK;
    }
    for (const char *next = types, *end; next != NULL; next = end != NULL ? end + 1 : NULL) {
        end = strchr(next, ',');
        const size_t length = end != NULL ? (size_t)(end - next) : strlen(next);
        const int type = type_named(s, next, length);
        if (type < 0)
            return om_fail(OM_EUSAGE, "--types '%s': there is no cell type '%.*s'", types,
                           (int)length, next);
        if (s->n_panels == MOST_PANELS)
            return om_fail(OM_EUSAGE, "--types: a picture has room for %d types", MOST_PANELS);
        s->type[s->n_panels++] = type;
    }
    return OM_OK;
}

om_status om_picture_check_types(const om_store_info *info, const char *types)
{
    source s = {.name = info->type_names, .n_types = info->n_types};
    return choose(&s, types);
}

/* ---- which responses ---- */

/* Those of an angle in a type's block of edges. */
static const float *of_edge(const source *s, const float *block, int angle, int intensity)
{
    return block +
           (ptrdiff_t)((angle * INTENSITIES + intensity) * OM_MOVING_SPEEDS + SPEED) * s->n_times;
}

/* The known preferred direction, or that of the model's highest voltage. */
static int preferred_angle(const source *s, const om_known_type *known, const float *block,
                           int intensity)
{
    int best = 0;
    float most = -INFINITY;
    if (known != NULL && isfinite(known->direction_deg))
        return (int)lround(known->direction_deg * OM_MOVING_ANGLES / 360) % OM_MOVING_ANGLES;
    for (int a = 0; a < OM_MOVING_ANGLES; a++) {
        const float *response = of_edge(s, block, a, intensity);
        for (int t = 0; t < s->n_times; t++)
            if (response[t] > most) {
                most = response[t];
                best = a;
            }
    }
    return best;
}

/* Both responses of a type in its block of one model's row. */
static void find_responses(const source *s, int type, const float *row, const float *found[STIMULI])
{
    const size_t items = om_h5_row_bytes(&s->response) / sizeof *row / (size_t)s->n_types;
    const float *block = row + (size_t)type * items;
    const om_known_type *known = om_known_type_of(s->name[type]);
    if (s->kind == OM_FLASHES_SHOWN) {
        const ptrdiff_t radii = (ptrdiff_t)s->response.length[3]; /* the full field is the first */
        found[0] = block + BRIGHT * radii * s->n_times;
        found[1] = block + DARK * radii * s->n_times;
        return;
    }
    const int intensity = known != NULL && known->polarity < 0 ? DARK : BRIGHT;
    const int angle = preferred_angle(s, known, block, intensity);
    found[0] = of_edge(s, block, angle, intensity);
    found[1] = of_edge(s, block, (angle + OM_MOVING_ANGLES / 2) % OM_MOVING_ANGLES, intensity);
}

/* response: [panel][stimulus][model][time]. */
static om_status read_responses(const source *s, double *response)
{
    const ptrdiff_t times = s->n_times, models = s->n_models;
    float *row = NULL;
    OM_TRY(om_alloc(om_h5_row_bytes(&s->response), 1, &row));
    om_status status = OM_OK;
    for (ptrdiff_t m = 0; status == OM_OK && m < models; m++) {
        status = om_h5_read_row(&s->response, (size_t)m, row);
        for (int p = 0; status == OM_OK && p < s->n_panels; p++) {
            const float *found[STIMULI];
            find_responses(s, s->type[p], row, found);
            for (int k = 0; k < STIMULI; k++)
                for (ptrdiff_t t = 0; t < times; t++)
                    response[((p * STIMULI + k) * models + m) * times + t] = found[k][t];
        }
    }
    om_free(row);
    return status;
}

static om_status draw(const source *s, const char *ensemble, double *response, const char *path)
{
    static const char *const stimuli[][STIMULI] = {
        [OM_FLASHES_SHOWN] = {"bright flash", "dark flash"},
        [OM_EDGES_SHOWN] = {"edge in preferred direction", "edge in null direction"},
    };
    static const char *const notes[] = {
        [OM_FLASHES_SHOWN] = "flashes of the full field, for a second",
        [OM_EDGES_SHOWN] = "bright edges at 19 columns/s; dark ones for types known to be OFF",
    };
    const ptrdiff_t size = (ptrdiff_t)s->n_models * s->n_times;
    om_trace_panel panels[MOST_PANELS];
    OM_TRY(read_responses(s, response));
    for (int p = 0; p < s->n_panels; p++)
        panels[p] =
            (om_trace_panel){s->name[s->type[p]],
                             {response + p * STIMULI * size, response + (p * STIMULI + 1) * size}};
    const om_trace_picture picture = {.ensemble = ensemble,
                                      .note = notes[s->kind],
                                      .stimulus = {stimuli[s->kind][0], stimuli[s->kind][1]},
                                      .n_models = s->n_models,
                                      .n_times = s->n_times,
                                      .time_s = s->time_s,
                                      .n_panels = s->n_panels,
                                      .panels = panels};
    return om_draw_traces(path, &picture);
}

om_status om_picture_prediction(const char *file, om_experiment_kind kind, const char *types,
                                const char *path)
{
    source s = {0};
    om_h5 *h5 = NULL;
    char *ensemble = NULL;
    double *response = NULL;
    om_status status = om_h5_open(file, OM_H5_READ, &h5);
    if (status == OM_OK) status = om_h5_get_text(h5, "/", "name", &ensemble);
    if (status == OM_OK) status = open_source(h5, kind, &s);
    if (status == OM_OK) status = choose(&s, types);
    if (status == OM_OK)
        status = om_alloc((size_t)s.n_panels * STIMULI * (size_t)s.n_models * (size_t)s.n_times,
                          sizeof *response, &response);
    if (status == OM_OK) status = draw(&s, ensemble, response, path);
    if (s.response.id != 0) om_h5_release(&s.response);
    om_h5_close(h5);
    om_free(response);
    om_free(ensemble);
    om_free(s.own);
    om_free(s.time_s);
    return status;
}
