/* A validation for other programs: JSON of the whole, CSV of models and types. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/fail.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/validate_report.h"
#include "lab/measures.h"

enum { DISC = 1 };

static const double LEAST_DSI = 0.001;
static const double PI = 3.14159265358979323846264338327950288;

/* What is asked of a model and type, in the order of the CSV file's columns. */
typedef struct answers {
    double value[5];
} answers;
static const char *const answer_names[] = {"fri", "dsi_on", "dsi_off", "preferred_direction_on_deg",
                                           "preferred_direction_off_deg"};

/* Who selects no direction prefers none. */
static double preferred(const om_validated *m, int at)
{
    return m->dsi[at] > LEAST_DSI ? om_degrees_around(m->direction[at]) : NAN;
}

static answers answers_of(const om_validation *v, const om_validated *m, int type)
{
    const int off = type, on = v->n_types + type;
    return (answers){{m->fri[DISC * v->n_types + type], m->dsi[on], m->dsi[off], preferred(m, on),
                      preferred(m, off)}};
}

/* ---- CSV --------------------------------------------------------------------------------------- */

static void write_rows(const om_validation *v, FILE *out)
{
    fprintf(out, "model,type");
    for (int k = 0; k < 5; k++) fprintf(out, ",%s", answer_names[k]);
    fprintf(out, ",left_out\n");
    for (int i = 0; i < v->n_models; i++)
        for (int t = 0; t < v->n_types; t++) {
            answers a = answers_of(v, &v->models[i], t);
            fprintf(out, "%d,%s", i, v->types[t].name);
            for (int k = 0; k < 5; k++)
                if (isfinite(a.value[k]))
                    fprintf(out, ",%.9g", a.value[k]);
                else
                    fputc(',', out);
            fputc(',', out);
            if (v->models[i].prediction.outcome != OM_PREDICTED)
                om_csv_text(out, v->models[i].prediction.message);
            fputc('\n', out);
        }
}

om_status om_validate_write_csv(const om_validate_report *r, const char *path)
{
    FILE *out = fopen(path, "wx");
    if (out == NULL) {
        om_status status = om_fail_errno("cannot be created", path);
        return errno == EEXIST ? om_hint(status, "another name after --csv") : status;
    }
    write_rows(r->v, out);
    const bool failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed) return OM_OK;
    om_status status = om_fail_errno("cannot be written", path);
    remove(path);
    return status;
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *measures_of(const om_validated *m)
{
    json_t *object = json_object();
    for (int i = 0; i < OM_N_MEASURES; i++)
        json_object_set_new(object, om_measures[i].name, om_json_number(m->measure[i]));
    return object;
}

/* By detector: its type's name and number. */
static json_t *by_detector(const double value[OM_DETECTORS], double unit)
{
    json_t *object = json_object();
    for (int d = 0; d < OM_DETECTORS; d++)
        json_object_set_new(object, om_detector_name(d), om_json_number(value[d] * unit));
    return object;
}

/* A list by type for each answer; tuning curves and distances from known directions by detector. */
static void add_answers(const om_validation *v, const om_validated *m, json_t *object)
{
    for (int k = 0; k < 5; k++) {
        json_t *list = json_array();
        for (int t = 0; t < v->n_types; t++)
            json_array_append_new(list, om_json_number(answers_of(v, m, t).value[k]));
        json_object_set_new(object, answer_names[k], list);
    }
    double curves[OM_DETECTORS];
    for (int d = 0; d < OM_DETECTORS; d++) curves[d] = m->curve[om_detector_intensity(d)][d];
    json_object_set_new(object, "curve_correlation", by_detector(curves, 1));
    json_object_set_new(object, "direction_distance_deg", by_detector(m->distance, 180 / PI));
}

static json_t *model_of(const om_validation *v, const om_validated *m, const char *key)
{
    static const char *const outcomes[] = {"not validated", "validated", "diverged", "not trained"};
    json_t *object =
        json_pack("{s:i s:s s:s s:o}", key, m->model, "outcome", outcomes[m->prediction.outcome],
                  "message", m->prediction.message, "measures", measures_of(m));
    add_answers(v, m, object);
    return object;
}

static json_t *models_of(const om_validate_report *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->v->n_models; i++) {
        json_t *object = model_of(r->v, &r->v->models[i], "model");
        json_object_set_new(object, "place",
                            r->place[i] > 0 ? json_integer(r->place[i]) : json_null());
        json_object_set_new(object, "error", om_json_number(r->error[i]));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *association(const om_association *a)
{
    return json_pack("{s:o s:o s:o s:o s:o}", "r", om_json_number(a->r), "low",
                     om_json_number(a->within.low), "high", om_json_number(a->within.high), "p",
                     om_json_number(a->p), "permuted_p", om_json_number(a->permuted_p));
}

static json_t *ensemble_of(const om_validate_report *r)
{
    json_t *object = json_object();
    for (int m = 0; m < OM_N_MEASURES; m++) {
        const om_measure_summary *s = &r->measures[m];
        json_object_set_new(
            object, om_measures[m].name,
            json_pack("{s:s s:s s:b s:o s:o s:o s:o s:o s:o s:o s:o s:i}", "title",
                      om_measures[m].title, "unit", om_measures[m].unit, "more_is_better",
                      (int)om_measures[m].more_is_better, "best", om_json_number(s->best), "all",
                      om_json_number(s->all), "worst", om_json_number(s->worst), "untrained",
                      om_json_number(s->untrained), "chance", om_json_number(r->v->chance[m]),
                      "spearman", association(&s->with_error.spearman), "pearson",
                      association(&s->with_error.pearson), "corrected_p",
                      om_json_number(s->corrected_p), "n", s->with_error.n));
    }
    return object;
}

static json_t *types_of(const om_validate_report *r)
{
    json_t *list = json_array();
    for (int i = 0; i < r->n_types; i++) {
        const om_type_summary *t = &r->types[i];
        json_array_append_new(
            list,
            json_pack(
                "{s:s s:o s:o s:o s:o s:o s:o s:o s:o s:o s:o s:b s:o}", "type", t->known->name,
                "polarity",
                t->known->polarity != 0 ? json_integer(t->known->polarity) : json_null(), "motion",
                t->known->motion >= 0 ? json_boolean(t->known->motion) : json_null(),
                "direction_deg", om_json_number(t->known->direction_deg), "fri",
                om_json_number(t->fri), "best_fri", om_json_number(t->best_fri), "sign_right",
                om_json_number(t->sign_right), "dsi", om_json_number(t->dsi), "best_dsi",
                om_json_number(t->best_dsi), "mean_direction_deg", om_json_number(t->direction),
                "best_mean_direction_deg", om_json_number(t->best_direction), "mirrored",
                (int)t->mirrored, "direction_right", om_json_number(t->direction_right)));
    }
    return list;
}

om_status om_validate_print_json(const om_validate_report *r)
{
    const om_validation *v = r->v;
    json_t *names = json_array(), *untrained = json_array();
    for (int t = 0; t < v->n_types; t++)
        json_array_append_new(names, json_string(v->types[t].name));
    for (int i = 0; i < v->n_controls; i++)
        json_array_append_new(untrained, model_of(v, &v->untrained[i], "seed"));
    return om_command_print_json(
        json_pack("{s:s s:o s:s s:i s:o s:o s:o s:o s:o s:i s:o}", "name", r->info->name, "speed",
                  v->speed > 0 ? json_real(v->speed) : json_null(), "error",
                  r->info->selection == OM_LOSS_EPE ? "epe" : "l2norm", "n_best", r->n_best,
                  "ensemble", ensemble_of(r), "known", types_of(r), "types", names, "models",
                  models_of(r), "untrained", untrained, "best_mean_signs_right", r->best_mean_signs,
                  "best_mean_polarity_correlation", om_json_number(r->best_mean_polarity)));
}
