/* Prediction files: their fields as a table, and writing the row of a model. */
#include "lab/prediction_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

#define FORMAT "ommatid predictions"
enum { VERSION = 1, INTENSITIES = 2, RADII = OM_FLASHES / INTENSITIES, KINDS = 2 };

/* clang-format off */
enum { MODEL, TYPE, ANGLE, INTENSITY, RADIUS, SPEED, TIME, OUTCOME, MESSAGE, RESPONSE, PEAK, PEAK_TIME, FRI, DSI, DIRECTION, N_FIELDS };

#define COMMON \
    [MODEL] = {"/model", OM_H5_I32, {"model"}, 0, "1", "number of the model in its store", NULL}, \
    [TYPE] = {"/type", OM_H5_TEXT, {"type"}, OM_NAME_BYTES, NULL, "cell type", NULL}, \
    [INTENSITY] = {"/intensity", OM_H5_F64, {"intensity"}, 0, "1", "luminance of the stimulus: 0 dark (OFF), 1 bright (ON), on grey 0.5", NULL}, \
    [TIME] = {"/time", OM_H5_F64, {"time"}, 0, "s", "time from the stimulus' onset", NULL}, \
    [OUTCOME] = {"/outcome", OM_H5_I32, {"model"}, 0, "1", "0 not finished, 1 predicted, 2 diverged, 3 not trained yet", NULL}, \
    [MESSAGE] = {"/message", OM_H5_TEXT, {"model"}, OM_MESSAGE_BYTES, NULL, "what is wrong with the model", NULL}

static const om_h5_field fields[KINDS][N_FIELDS] = {
    [OM_FLASHES_SHOWN] = {
        COMMON,
        [RADIUS] = {"/radius", OM_H5_I32, {"radius"}, 0, "column", "radius of the disc that flashes; -1: full field", NULL},
        [RESPONSE] = {"/response", OM_H5_F32, {"model", "type", "intensity", "radius", "time"}, 0, "1", "voltage of the type's central cell; NaN after the last frame", NULL},
        [PEAK] = {"/peak", OM_H5_F64, {"model", "type", "intensity", "radius"}, 0, "1", "highest voltage", NULL},
        [PEAK_TIME] = {"/time_to_peak", OM_H5_F64, {"model", "type", "intensity", "radius"}, 0, "s", "when the voltage was highest first", NULL},
        [FRI] = {"/fri", OM_H5_F64, {"model", "type", "radius"}, 0, "1", "flash response index, -1 OFF to 1 ON", NULL},
    },
    [OM_EDGES_SHOWN] = {
        COMMON,
        [ANGLE] = {"/angle", OM_H5_F64, {"angle"}, 0, "degree", "direction of motion, counter-clockwise, 0 to the right", NULL},
        [SPEED] = {"/speed", OM_H5_F64, {"speed"}, 0, "column/s", "speed of the edge", NULL},
        [RESPONSE] = {"/response", OM_H5_F32, {"model", "type", "angle", "intensity", "speed", "time"}, 0, "1", "voltage of the type's central cell; NaN after the last frame", NULL},
        [PEAK] = {"/peak", OM_H5_F64, {"model", "type", "angle", "intensity", "speed"}, 0, "1", "highest rectified voltage", NULL},
        [PEAK_TIME] = {"/time_to_peak", OM_H5_F64, {"model", "type", "angle", "intensity", "speed"}, 0, "s", "when the voltage was highest first", NULL},
        [DSI] = {"/dsi", OM_H5_F64, {"model", "type", "intensity"}, 0, "1", "direction selectivity index, 0 to 1, over all speeds", NULL},
        [DIRECTION] = {"/preferred_direction", OM_H5_F64, {"model", "type", "intensity"}, 0, "degree", "preferred direction of motion, 0 to 360; NaN: none", NULL},
    },
};
/* clang-format on */

/* What lies along the axes of a file. */
typedef struct axes {
    size_t n[TIME + 1]; /* lengths, by the field that bears the axis' name */
    const void *values[TIME + 1];
    double angle[OM_MOVING_ANGLES], intensity[INTENSITIES], *time;
    int32_t radius[RADII];
} axes;

static om_status make_axes(const om_store_info *info, const om_experiment *x,
                           const om_predict_options *options, axes *a)
{
    const size_t times = (size_t)om_experiment_most_frames(x, options->whole) + 1;
    *a = (axes){.intensity = {0, 1}};
    OM_TRY(om_alloc(times, sizeof *a->time, &a->time));
    for (size_t i = 0; i < times; i++) a->time[i] = om_experiment_time(x, (int)i - 1);
    for (int i = 0; i < OM_MOVING_ANGLES; i++) a->angle[i] = 360.0 / OM_MOVING_ANGLES * i;
    for (int i = 0; i < RADII; i++) a->radius[i] = om_flashes[i].radius;
    const size_t n[TIME + 1] = {
        [MODEL] = (size_t)options->n_models,
        [TYPE] = (size_t)info->n_types,
        [ANGLE] = OM_MOVING_ANGLES,
        [INTENSITY] = INTENSITIES,
        [RADIUS] = RADII,
        [SPEED] = OM_MOVING_SPEEDS,
        [TIME] = times,
    };
    const void *values[TIME + 1] = {
        [MODEL] = options->models,  [TYPE] = info->type_names, [ANGLE] = a->angle,
        [INTENSITY] = a->intensity, [RADIUS] = a->radius,      [SPEED] = om_moving_speeds,
        [TIME] = a->time,
    };
    memcpy(a->n, n, sizeof n);
    memcpy(a->values, values, sizeof values);
    return OM_OK;
}

/* Lengths of a field's axes. Returns how many bytes it takes. */
static uint64_t lengths_of(const om_h5_field *table, const om_h5_field *field, const axes *a,
                           size_t lengths[OM_H5_AXES])
{
    uint64_t bytes = field->type == OM_H5_TEXT ? field->text_bytes : om_h5_type_bytes(field->type);
    for (int i = 0; i < OM_H5_AXES && field->axes[i] != NULL; i++)
        for (int f = MODEL; f <= TIME; f++)
            if (table[f].path != NULL && strcmp(table[f].path + 1, field->axes[i]) == 0)
                bytes *= lengths[i] = a->n[f];
    return bytes;
}

/* Where the predictions come from, and how to have them again. */
static om_status write_origin(om_h5 *file, const om_store_info *info,
                              const om_predict_options *options)
{
    static const char *const experiments[KINDS] = {"flashes", "edges"};
    const struct {
        uint64_t seed, circuit;
        int32_t version;
    } numbers = {info->seed, info->circuit_checksum, VERSION};
    const om_h5_member members[] = {
        {"format_version", OM_H5_I32,
         (size_t)((const char *)&numbers.version - (const char *)&numbers), 0},
        {"seed", OM_H5_U64, 0, 0},
        {"circuit_checksum", OM_H5_U64,
         (size_t)((const char *)&numbers.circuit - (const char *)&numbers), 0},
    };
    char *path = realpath(info->path, NULL);
    const char *const texts[][2] = {
        {"format", FORMAT},
        {"program_version", OM_VERSION},
        {"experiment", experiments[options->experiment]},
        {"command", options->command},
        {"store", path != NULL ? path : info->path},
        {"name", info->name},
        {"store_created", info->created},
        {"spec", info->spec_text},
    };
    om_status status =
        om_h5_set_members(file, "/", members, sizeof members / sizeof *members, &numbers);
    for (size_t i = 0; status == OM_OK && i < sizeof texts / sizeof *texts; i++)
        status = om_h5_set_text(file, "/", texts[i][0], texts[i][1]);
    free(path);
    return status;
}

static om_status write_fields(om_h5 *file, const om_h5_field *table, const axes *a)
{
    for (int f = 0; f < N_FIELDS; f++) {
        size_t lengths[OM_H5_AXES] = {0};
        if (table[f].path == NULL) continue;
        lengths_of(table, &table[f], a, lengths);
        OM_TRY(om_h5_add(file, &table[f], lengths, f <= TIME ? a->values[f] : NULL));
    }
    return OM_OK;
}

om_status om_prediction_file_create(const om_store_info *info, const om_experiment *x,
                                    const om_predict_options *options)
{
    enum { PER_FIELD = 2048 + 2 * 4096, ELSE = 256 * 1024 };
    const om_h5_field *table = fields[x->kind];
    axes a;
    om_h5 *file = NULL;
    uint64_t bytes = ELSE + strlen(info->spec_text);
    OM_TRY(make_axes(info, x, options, &a));
    for (int f = 0; f < N_FIELDS; f++) {
        size_t lengths[OM_H5_AXES] = {0};
        if (table[f].path != NULL) bytes += PER_FIELD + lengths_of(table, &table[f], &a, lengths);
    }
    om_status status = om_h5_create(options->file, bytes, &file);
    if (status == OM_OK) status = write_origin(file, info, options);
    if (status == OM_OK) status = write_fields(file, table, &a);
    if (status == OM_OK) status = om_h5_publish(file);
    om_h5_close(file);
    om_free(a.time);
    return status;
}

static om_status write_row(om_h5 *file, const om_h5_field *field, int model, const void *row)
{
    om_h5_data data;
    if (field->path == NULL) return OM_OK;
    OM_TRY(om_h5_find(file, field, NULL, &data));
    om_status status = om_h5_write_row(&data, (size_t)model, row);
    om_h5_release(&data);
    return status;
}

om_status om_prediction_file_write(om_h5 *file, om_experiment_kind kind, int model,
                                   const om_prediction *prediction, const om_prediction_row *row)
{
    const om_h5_field *table = fields[kind];
    const int32_t outcome = (int32_t)prediction->outcome;
    if (row != NULL) {
        const void *const parts[N_FIELDS] = {
            [RESPONSE] = row->response, [PEAK] = row->peak, [PEAK_TIME] = row->peak_s,
            [FRI] = row->fri,           [DSI] = row->dsi,   [DIRECTION] = row->direction,
        };
        for (int f = RESPONSE; f < N_FIELDS; f++)
            OM_TRY(write_row(file, &table[f], model, parts[f]));
    }
    OM_TRY(write_row(file, &table[MESSAGE], model, prediction->message));
    return write_row(file, &table[OUTCOME], model,
                     &outcome); /* last: says that the rest is there */
}

static om_status read_row(om_h5 *file, const om_h5_field *field, int model, void *row)
{
    om_h5_data data;
    OM_TRY(om_h5_find(file, field, NULL, &data));
    om_status status = om_h5_read_row(&data, (size_t)model, row);
    om_h5_release(&data);
    return status;
}

om_status om_prediction_file_outcomes(om_h5 *file, om_experiment_kind kind, int n,
                                      om_prediction *predictions)
{
    for (int i = 0; i < n; i++) {
        int32_t outcome;
        OM_TRY(read_row(file, &fields[kind][OUTCOME], i, &outcome));
        OM_TRY(read_row(file, &fields[kind][MESSAGE], i, predictions[i].message));
        predictions[i].outcome = (om_predicted)outcome;
    }
    return OM_OK;
}

om_status om_prediction_row_create(const om_experiment *x, int n_types, bool whole,
                                   om_prediction_row *row)
{
    const size_t types = (size_t)n_types, films = types * (size_t)x->n_conditions;
    *row = (om_prediction_row){n_types,
                               x->n_conditions,
                               om_experiment_most_frames(x, whole) + 1,
                               NULL,
                               NULL,
                               NULL,
                               NULL,
                               NULL,
                               NULL};
    OM_TRY(om_alloc(films * (size_t)row->n_times, sizeof(float), &row->response));
    OM_TRY(om_alloc(films, sizeof(double), &row->peak));
    OM_TRY(om_alloc(films, sizeof(double), &row->peak_s));
    OM_TRY(om_alloc(types * RADII, sizeof(double), &row->fri));
    OM_TRY(om_alloc(types * INTENSITIES, sizeof(double), &row->dsi));
    return om_alloc(types * INTENSITIES, sizeof(double), &row->direction);
}

void om_prediction_row_free(om_prediction_row *row)
{
    om_free(row->response);
    om_free(row->peak);
    om_free(row->peak_s);
    om_free(row->fri);
    om_free(row->dsi);
    om_free(row->direction);
}
