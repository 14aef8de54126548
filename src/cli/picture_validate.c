/* Pictures of a validation, and of a measure beside task error. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/pictures.h"
#include "report/pictures.h"

enum { DISC = 1 /* the radius of flashes that polarity is judged by */ };

static int type_named(const om_validation *v, const char *name)
{
    for (int t = 0; t < v->n_types; t++)
        if (strcmp(v->types[t].name, name) == 0) return t;
    return -1;
}

/* Peaks by angle, [n_models][OM_MOVING_ANGLES], summed over the chosen speeds. */
static void collect_tuning(const om_validation *v, int type, int intensity, double *response)
{
    for (int m = 0; m < v->n_models; m++)
        for (int e = 0; e < OM_BATTERY_EDGES; e++) {
            const om_edge *edge = &v->edges[e];
            if (edge->intensity != intensity || (v->speed > 0 && edge->speed != v->speed)) continue;
            const int angle = (int)lround(edge->angle_deg * OM_MOVING_ANGLES / 360);
            response[m * OM_MOVING_ANGLES + angle] += v->models[m].peak[e * v->n_types + type];
        }
}

static om_status draw_directions(const om_validate_report *r, const char *path, double *response,
                                 bool *best)
{
    const om_validation *v = r->v;
    om_tuning_panel panels[OM_DETECTORS];
    int n = 0;
    for (int d = 0; d < OM_DETECTORS; d++) {
        const char *name = om_detector_name(d);
        const int type = type_named(v, name), bright = om_detector_intensity(d);
        if (type < 0) continue;
        double *own = response + (ptrdiff_t)d * v->n_models * OM_MOVING_ANGLES;
        collect_tuning(v, type, bright, own);
        panels[n++] = (om_tuning_panel){name, bright ? "bright edges" : "dark edges",
                                        om_known_type_of(name)->direction_deg, own};
    }
    if (n == 0) {
        om_fail(OM_EDATA, "%s: its circuit has none of T4a-d and T5a-d, whose directions are drawn",
                r->info->name);
        return om_hint(OM_EDATA, "--picture polarity");
    }
    for (int i = 0; i < r->n_best; i++) best[r->best[i]] = true;
    const om_tuning_picture picture = {.ensemble = r->info->name,
                                       .speed = v->speed,
                                       .n_models = v->n_models,
                                       .n_angles = OM_MOVING_ANGLES,
                                       .n_panels = n,
                                       .panels = panels,
                                       .best = best};
    return om_draw_tuning(path, &picture);
}

static om_status directions(const om_validate_report *r, const char *path)
{
    const size_t models = (size_t)r->v->n_models;
    double *response = NULL;
    bool *best = NULL;
    om_status status =
        om_alloc(models * OM_DETECTORS * OM_MOVING_ANGLES, sizeof *response, &response);
    if (status == OM_OK) status = om_alloc(models, sizeof *best, &best);
    if (status == OM_OK) status = draw_directions(r, path, response, best);
    om_free(response);
    om_free(best);
    return status;
}

static om_status polarity(const om_validate_report *r, const char *path)
{
    const om_validation *v = r->v;
    const size_t models = (size_t)v->n_models, types = (size_t)v->n_types;
    om_polarity_type *drawn = NULL;
    double *fri = NULL;
    om_status status = om_alloc(types, sizeof *drawn, &drawn);
    if (status == OM_OK) status = om_alloc(types * models, sizeof *fri, &fri);
    for (size_t t = 0; status == OM_OK && t < types; t++) {
        const om_known_type *known = om_known_type_of(v->types[t].name);
        for (size_t m = 0; m < models; m++)
            fri[t * models + m] = v->models[m].fri[DISC * types + t];
        drawn[t] = (om_polarity_type){v->types[t].name, known != NULL ? known->polarity : 0,
                                      fri + t * models};
    }
    if (status == OM_OK) {
        const om_polarity_picture picture = {r->info->name, "discs of radius 6", v->n_models,
                                             v->n_types, drawn};
        status = om_draw_polarity(path, &picture);
    }
    om_free(drawn);
    om_free(fri);
    return status;
}

om_status om_picture_validation(const om_validate_report *report, om_validation_picture which,
                                const char *path)
{
    return which == OM_PICTURE_DIRECTIONS ? directions(report, path) : polarity(report, path);
}

om_status om_picture_ranking(const om_store_info *info, const om_ranked *ranked, om_measure measure,
                             const double *value, const char *path)
{
    const om_measure_info *what = &om_measures[measure];
    const bool epe = info->selection == OM_LOSS_EPE;
    double *error = NULL;
    om_text title = {0};
    OM_TRY(om_alloc((size_t)info->n_models, sizeof *error, &error));
    for (int i = 0; i < info->n_models; i++)
        error[ranked[i].model] = epe ? ranked[i].epe : ranked[i].l2norm;
    om_text_add(&title, "%s%s", what->title, strcmp(what->unit, "degree") == 0 ? " (degrees)" : "");
    const om_scatter_picture picture = {
        info->name, epe ? "task error (EPE)" : "task error (l2norm)",
        title.data, info->n_models,
        error,      value};
    om_status status =
        title.failed ? om_fail(OM_ENOMEM, "out of memory") : om_draw_scatter(path, &picture);
    om_text_free(&title);
    om_free(error);
    return status;
}
