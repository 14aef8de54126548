/* Prediction files: their fields as a table, and writing the row of a model. */
#include "lab/prediction_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

#define FORMAT "ommatid predictions"
enum { VERSION = 2, KINDS = 3 };

/* clang-format off */
#define COMMON \
    [OM_PREDICTED_MODEL] = {"/model", OM_H5_I32, {"model"}, 0, "1", "number of the model in its store", NULL}, \
    [OM_PREDICTED_TYPE] = {"/type", OM_H5_TEXT, {"type"}, OM_NAME_BYTES, NULL, "cell type", NULL}, \
    [OM_PREDICTED_OUTCOME] = {"/outcome", OM_H5_I32, {"model"}, 0, "1", "0 not finished, 1 predicted, 2 diverged, 3 not trained yet", NULL}, \
    [OM_PREDICTED_MESSAGE] = {"/message", OM_H5_TEXT, {"model"}, OM_MESSAGE_BYTES, NULL, "what is wrong with the model", NULL}
#define OF_COLUMNS \
    [OM_PREDICTED_COLUMN] = {"/column", OM_H5_I32, {"column"}, 0, "1", "number of the column", NULL}, \
    [OM_PREDICTED_U] = {"/u", OM_H5_I32, {"column"}, 0, "column", "axial coordinate of the column", NULL}, \
    [OM_PREDICTED_V] = {"/v", OM_H5_I32, {"column"}, 0, "column", "axial coordinate of the column", NULL}
#define OF_STIMULI \
    [OM_PREDICTED_INTENSITY] = {"/intensity", OM_H5_F64, {"intensity"}, 0, "1", "luminance of the stimulus: 0 dark (OFF), 1 bright (ON), on grey 0.5", NULL}, \
    [OM_PREDICTED_TIME] = {"/time", OM_H5_F64, {"time"}, 0, "s", "time from the stimulus' onset", NULL}

static const om_h5_field fields[KINDS][OM_PREDICTED_FIELDS] = {
    [OM_FLASHES_SHOWN] = {
        COMMON, OF_COLUMNS, OF_STIMULI,
        [OM_PREDICTED_RADIUS] = {"/radius", OM_H5_I32, {"radius"}, 0, "column", "radius of the disc that flashes; -1: full field", NULL},
        [OM_PREDICTED_RESPONSE] = {"/response", OM_H5_F32, {"model", "type", "intensity", "radius", "time"}, 0, "1", "voltage of the type's central cell; NaN after the last frame", NULL},
        [OM_PREDICTED_CELL_RESPONSE] = {"/cell_response", OM_H5_F32, {"model", "type", "column", "intensity", "radius", "time"}, 0, "1", "voltage of the type's cells in chosen columns; NaN where there is none", "u v"},
        [OM_PREDICTED_PEAK] = {"/peak", OM_H5_F64, {"model", "type", "intensity", "radius"}, 0, "1", "highest voltage", NULL},
        [OM_PREDICTED_PEAK_TIME] = {"/time_to_peak", OM_H5_F64, {"model", "type", "intensity", "radius"}, 0, "s", "when the voltage was highest first", NULL},
        [OM_PREDICTED_FRI] = {"/fri", OM_H5_F64, {"model", "type", "radius"}, 0, "1", "flash response index, -1 OFF to 1 ON", NULL},
    },
    [OM_EDGES_SHOWN] = {
        COMMON, OF_COLUMNS, OF_STIMULI,
        [OM_PREDICTED_ANGLE] = {"/angle", OM_H5_F64, {"angle"}, 0, "degree", "direction of motion, counter-clockwise, 0 to the right", NULL},
        [OM_PREDICTED_SPEED] = {"/speed", OM_H5_F64, {"speed"}, 0, "column/s", "speed of the edge", NULL},
        [OM_PREDICTED_RESPONSE] = {"/response", OM_H5_F32, {"model", "type", "angle", "intensity", "speed", "time"}, 0, "1", "voltage of the type's central cell; NaN after the last frame", NULL},
        [OM_PREDICTED_CELL_RESPONSE] = {"/cell_response", OM_H5_F32, {"model", "type", "column", "angle", "intensity", "speed", "time"}, 0, "1", "voltage of the type's cells in chosen columns; NaN where there is none", "u v"},
        [OM_PREDICTED_PEAK] = {"/peak", OM_H5_F64, {"model", "type", "angle", "intensity", "speed"}, 0, "1", "highest rectified voltage: over angles, a tuning curve", NULL},
        [OM_PREDICTED_PEAK_TIME] = {"/time_to_peak", OM_H5_F64, {"model", "type", "angle", "intensity", "speed"}, 0, "s", "when the voltage was highest first", NULL},
        [OM_PREDICTED_DSI] = {"/dsi", OM_H5_F64, {"model", "type", "intensity"}, 0, "1", "direction selectivity index, 0 to 1, over all speeds", NULL},
        [OM_PREDICTED_DSI_BY_SPEED] = {"/dsi_by_speed", OM_H5_F64, {"model", "type", "intensity", "speed"}, 0, "1", "direction selectivity index at each speed", NULL},
        [OM_PREDICTED_DIRECTION] = {"/preferred_direction", OM_H5_F64, {"model", "type", "intensity"}, 0, "degree", "preferred direction of motion over all speeds, 0 to 360; NaN: none", NULL},
        [OM_PREDICTED_DIRECTION_BY_SPEED] = {"/preferred_direction_by_speed", OM_H5_F64, {"model", "type", "intensity", "speed"}, 0, "degree", "preferred direction of motion at each speed, 0 to 360; NaN: none", NULL},
    },
    [OM_FILM_SHOWN] = {
        COMMON, OF_COLUMNS,
        [OM_PREDICTED_VIEW] = {"/view", OM_H5_I32, {"view"}, 0, "1", "number of the film", NULL},
        [OM_PREDICTED_TIME] = {"/time", OM_H5_F64, {"time"}, 0, "s", "time at the end of the step, from the film's onset", NULL},
        [OM_PREDICTED_COMPONENT] = {"/component", OM_H5_I32, {"component"}, 0, "1", "0 to the right, 1 upwards", NULL},
        [OM_PREDICTED_RESPONSE] = {"/response", OM_H5_F32, {"model", "type", "view", "time"}, 0, "1", "voltage of the type's central cell after the step", NULL},
        [OM_PREDICTED_FLOW] = {"/flow", OM_H5_F32, {"model", "view", "time", "component", "column"}, 0, "436/169 pixel/frame", "decoded flow", "u v"},
        [OM_PREDICTED_EPE] = {"/epe", OM_H5_F64, {"model", "view"}, 0, "436/169 pixel/frame", "end-point error of the decoded flow; NaN: the film has no flow", NULL},
        [OM_PREDICTED_L2NORM] = {"/l2norm", OM_H5_F64, {"model", "view"}, 0, "436/169 pixel/frame", "l2norm of the decoded flow's error; NaN: the film has no flow", NULL},
        [OM_PREDICTED_TRUE_FLOW] = {"/true_flow", OM_H5_F32, {"view", "time", "component", "column"}, 0, "436/169 pixel/frame", "flow of the film, resampled; NaN: it has none", "u v"},
        [OM_PREDICTED_ZERO_EPE] = {"/epe_of_zero_flow", OM_H5_F64, {"view"}, 0, "436/169 pixel/frame", "end-point error of predicting no flow", NULL},
        [OM_PREDICTED_MEAN_EPE] = {"/epe_of_mean_flow", OM_H5_F64, {"view"}, 0, "436/169 pixel/frame", "end-point error of predicting the film's own mean flow", NULL},
        [OM_PREDICTED_LUMINANCE] = {"/luminance", OM_H5_F32, {"view", "time", "column"}, 0, "1", "what was seen in the step", "u v"},
    },
};
/* clang-format on */

const om_h5_field *om_prediction_fields(om_experiment_kind kind) { return fields[kind]; }

/* Lengths of a field's axes. Returns how many numbers or texts it has. */
static size_t lengths_of(const om_h5_field *field, const om_prediction_axes *axes,
                         size_t lengths[OM_H5_AXES])
{
    size_t count = 1;
    for (int i = 0; i < OM_H5_AXES && field->axes[i] != NULL; i++)
        for (int k = 0; k < KINDS * OM_PREDICTED_AXES; k++) {
            const om_h5_field *axis = &fields[k / OM_PREDICTED_AXES][k % OM_PREDICTED_AXES];
            if (axis->path == NULL || strcmp(axis->path + 1, field->axes[i]) != 0) continue;
            count *= lengths[i] = axes->n[k % OM_PREDICTED_AXES];
            break;
        }
    return count;
}

bool om_prediction_has(om_experiment_kind kind, int field, const om_prediction_axes *axes)
{
    size_t lengths[OM_H5_AXES] = {0};
    return fields[kind][field].path != NULL && lengths_of(&fields[kind][field], axes, lengths) > 0;
}

static bool is_by_model(const om_h5_field *field) { return strcmp(field->axes[0], "model") == 0; }

size_t om_prediction_count(const om_h5_field *field, const om_prediction_axes *axes)
{
    size_t lengths[OM_H5_AXES] = {0}, count = lengths_of(field, axes, lengths);
    return is_by_model(field) ? count / lengths[0] : count;
}

om_status om_prediction_row_create(om_experiment_kind kind, const om_prediction_axes *axes,
                                   void *row[OM_PREDICTED_FIELDS])
{
    for (int f = OM_PREDICTED_RESPONSE; f < OM_PREDICTED_FIELDS; f++) {
        const om_h5_field *field = &fields[kind][f];
        if (om_prediction_has(kind, f, axes) && f != OM_PREDICTED_CELL_RESPONSE)
            OM_TRY(
                om_alloc(om_prediction_count(field, axes), om_h5_type_bytes(field->type), &row[f]));
    }
    return OM_OK;
}

/* Where the predictions come from, and how to have them again. */
static om_status write_origin(om_h5 *file, const om_store_info *info,
                              const om_predict_options *options)
{
    static const char *const experiments[KINDS] = {"flashes", "edges", "film"};
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
    if (status == OM_OK && options->experiment == OM_FILM_SHOWN)
        status =
            om_h5_set_text(file, "/", "resampling", om_resampling_names[options->film.resampling]);
    free(path);
    return status;
}

static om_status write_fields(om_h5 *file, om_experiment_kind kind, const om_prediction_axes *axes,
                              void *const shared[OM_PREDICTED_FIELDS])
{
    for (int f = 0; f < OM_PREDICTED_FIELDS; f++) {
        const om_h5_field *field = &fields[kind][f];
        size_t lengths[OM_H5_AXES] = {0};
        if (!om_prediction_has(kind, f, axes)) continue;
        lengths_of(field, axes, lengths);
        const void *data = f < OM_PREDICTED_AXES         ? axes->values[f]
                           : f >= OM_PREDICTED_TRUE_FLOW ? shared[f]
                                                         : NULL;
        OM_TRY(om_h5_add(file, field, lengths, data));
    }
    return OM_OK;
}

/* Room for all fields; statistics take up to as much as fourteen models. */
static uint64_t bytes_of(om_experiment_kind kind, const om_prediction_axes *axes)
{
    enum { PER_FIELD = 2048 + 2 * 4096, STATISTICS = 14 };
    uint64_t bytes = 0;
    for (int f = 0; f < OM_PREDICTED_FIELDS; f++) {
        const om_h5_field *field = &fields[kind][f];
        size_t lengths[OM_H5_AXES] = {0};
        if (!om_prediction_has(kind, f, axes)) continue;
        uint64_t item =
            field->type == OM_H5_TEXT ? field->text_bytes : om_h5_type_bytes(field->type);
        bytes += 2 * PER_FIELD + item * lengths_of(field, axes, lengths);
        if (f >= OM_PREDICTED_RESPONSE && f < OM_PREDICTED_TRUE_FLOW)
            bytes += STATISTICS * item * om_prediction_count(field, axes);
    }
    return bytes;
}

om_status om_prediction_file_create(const char *path, const om_store_info *info,
                                    const om_predict_options *options,
                                    const om_prediction_axes *axes,
                                    void *const shared[OM_PREDICTED_FIELDS])
{
    enum { ELSE = 256 * 1024 };
    om_h5 *file = NULL;
    uint64_t bytes = ELSE + strlen(info->spec_text) + bytes_of(options->experiment, axes);
    OM_TRY(om_h5_create(path, bytes, &file));
    om_status status = write_origin(file, info, options);
    if (status == OM_OK) status = write_fields(file, options->experiment, axes, shared);
    if (status == OM_OK) status = om_aggregate_add(file, options->experiment, axes);
    if (status == OM_OK) status = om_h5_publish(file);
    om_h5_close(file);
    return status;
}

static om_status write_row(om_h5 *file, const om_h5_field *field, int model, const void *row)
{
    om_h5_data data;
    OM_TRY(om_h5_find(file, field, NULL, &data));
    om_status status = om_h5_write_row(&data, (size_t)model, row);
    om_h5_release(&data);
    return status;
}

om_status om_prediction_file_write(om_h5 *file, om_experiment_kind kind, int model,
                                   const om_prediction *prediction,
                                   void *const row[OM_PREDICTED_FIELDS])
{
    const om_h5_field *table = fields[kind];
    const int32_t outcome = (int32_t)prediction->outcome;
    for (int f = OM_PREDICTED_RESPONSE; row != NULL && f < OM_PREDICTED_TRUE_FLOW; f++)
        if (row[f] != NULL) OM_TRY(write_row(file, &table[f], model, row[f]));
    OM_TRY(write_row(file, &table[OM_PREDICTED_MESSAGE], model, prediction->message));
    return write_row(file, &table[OM_PREDICTED_OUTCOME], model,
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
        OM_TRY(read_row(file, &fields[kind][OM_PREDICTED_OUTCOME], i, &outcome));
        OM_TRY(read_row(file, &fields[kind][OM_PREDICTED_MESSAGE], i, predictions[i].message));
        predictions[i].outcome = (om_predicted)outcome;
    }
    return OM_OK;
}
