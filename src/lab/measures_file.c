/* Measures files: their fields as a table, reading and writing the row of a model. */
#include "lab/measures_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/measures.h"

#define FORMAT "ommatid measures"
enum { VERSION = 1, INTENSITIES = 2, NAME_BYTES = 48, SETS = 2 };

/* clang-format off */
enum { MODEL, UNTRAINED, TYPE, RADIUS, ANGLE, INTENSITY, SPEED, MEASURE, TITLE, UNIT, N_SHARED };
enum { FRI, PEAK, DSI, DIRECTION, VALUE, OUTCOME, MESSAGE, CHECKSUM, N_ROW };

static const om_h5_field shared[N_SHARED] = {
    [MODEL] = {"/model", OM_H5_I32, {"model"}, 0, "1", "number of the model in its store", NULL},
    [UNTRAINED] = {"/untrained", OM_H5_I32, {"untrained"}, 0, "1", "seed of an untrained model's initial parameters", NULL},
    [TYPE] = {"/type", OM_H5_TEXT, {"type"}, OM_NAME_BYTES, NULL, "cell type", NULL},
    [RADIUS] = {"/radius", OM_H5_I32, {"radius"}, 0, "column", "radius of the disc that flashes; -1: full field", NULL},
    [ANGLE] = {"/angle", OM_H5_F64, {"angle"}, 0, "degree", "direction of motion, counter-clockwise, 0 to the right", NULL},
    [INTENSITY] = {"/intensity", OM_H5_F64, {"intensity"}, 0, "1", "luminance of the edge: 0 dark (OFF), 1 bright (ON), on grey 0.5", NULL},
    [SPEED] = {"/speed", OM_H5_F64, {"speed"}, 0, "column/s", "speed of the edge", NULL},
    [MEASURE] = {"/measure", OM_H5_TEXT, {"measure"}, NAME_BYTES, NULL, "measure of a model", NULL},
    [TITLE] = {"/measure_title", OM_H5_TEXT, {"measure"}, NAME_BYTES, NULL, "what the measure is", NULL},
    [UNIT] = {"/measure_unit", OM_H5_TEXT, {"measure"}, NAME_BYTES, NULL, "unit of the measure", NULL},
};

#define ROWS(set, prefix) { \
    [FRI] = {prefix "fri", OM_H5_F64, {set, "radius", "type"}, 0, "1", "flash response index, -1 OFF to 1 ON", NULL}, \
    [PEAK] = {prefix "peak", OM_H5_F64, {set, "angle", "intensity", "speed", "type"}, 0, "1", "highest rectified voltage of the type's central cell", NULL}, \
    [DSI] = {prefix "dsi", OM_H5_F64, {set, "intensity", "type"}, 0, "1", "direction selectivity index, 0 to 1, over all speeds", NULL}, \
    [DIRECTION] = {prefix "preferred_direction", OM_H5_F64, {set, "intensity", "type"}, 0, "degree", "preferred direction of motion, 0 to 360; NaN: none", NULL}, \
    [VALUE] = {prefix "value", OM_H5_F64, {set, "measure"}, 0, NULL, "measures of the model, over all speeds; NaN: the circuit lacks the types", NULL}, \
    [OUTCOME] = {prefix "outcome", OM_H5_I32, {set}, 0, "1", "0 not finished, 1 measured, 2 diverged, 3 not trained yet", NULL}, \
    [MESSAGE] = {prefix "message", OM_H5_TEXT, {set}, OM_MESSAGE_BYTES, NULL, "what is wrong with the model", NULL}, \
    [CHECKSUM] = {prefix "checksum", OM_H5_U64, {set}, 0, "1", "of the model's parameters and this row; 0: empty", NULL}, \
}
static const om_h5_field rows[SETS][N_ROW] = {ROWS("model", "/"), ROWS("untrained", "/untrained_")};
/* clang-format on */

/* What lies along the axes. */
typedef struct axes {
    size_t n[MEASURE + 1]; /* by the field that bears the axis' name */
    const void *values[N_SHARED];
    int32_t *numbers, radius[OM_BATTERY_RADII];
    char (*types)[OM_NAME_BYTES];
    double angle[OM_MOVING_ANGLES], intensity[INTENSITIES];
    char measure[OM_N_MEASURES][NAME_BYTES], title[OM_N_MEASURES][NAME_BYTES],
        unit[OM_N_MEASURES][NAME_BYTES];
} axes;

static om_status make_axes(const om_validation *v, axes *a)
{
    const int most = v->n_models > v->n_controls ? v->n_models : v->n_controls;
    *a = (axes){.intensity = {0, 1}};
    OM_TRY(om_alloc((size_t)most, sizeof *a->numbers, &a->numbers));
    OM_TRY(om_alloc((size_t)v->n_types, sizeof *a->types, &a->types));
    for (int i = 0; i < most; i++) a->numbers[i] = i;
    for (int t = 0; t < v->n_types; t++) memcpy(a->types[t], v->types[t].name, OM_NAME_BYTES);
    for (int i = 0; i < OM_MOVING_ANGLES; i++) a->angle[i] = 360.0 / OM_MOVING_ANGLES * i;
    for (int i = 0; i < OM_BATTERY_RADII; i++) a->radius[i] = om_flashes[i].radius;
    for (int m = 0; m < OM_N_MEASURES; m++) {
        strncpy(a->measure[m], om_measures[m].name, NAME_BYTES - 1);
        strncpy(a->title[m], om_measures[m].title, NAME_BYTES - 1);
        strncpy(a->unit[m], om_measures[m].unit, NAME_BYTES - 1);
    }
    const size_t n[] = {[MODEL] = (size_t)v->n_models, [UNTRAINED] = (size_t)v->n_controls,
                        [TYPE] = (size_t)v->n_types,   [RADIUS] = OM_BATTERY_RADII,
                        [ANGLE] = OM_MOVING_ANGLES,    [INTENSITY] = INTENSITIES,
                        [SPEED] = OM_MOVING_SPEEDS,    [MEASURE] = OM_N_MEASURES};
    const void *values[N_SHARED] = {a->numbers,   a->numbers,       a->types,   a->radius, a->angle,
                                    a->intensity, om_moving_speeds, a->measure, a->title,  a->unit};
    memcpy(a->n, n, sizeof n);
    memcpy(a->values, values, sizeof values);
    return OM_OK;
}

static void free_axes(axes *a)
{
    om_free(a->numbers);
    om_free(a->types);
}

/* Lengths of a field's axes. Returns how many bytes it takes. */
static uint64_t lengths_of(const om_h5_field *field, const axes *a, size_t lengths[OM_H5_AXES])
{
    uint64_t bytes = field->type == OM_H5_TEXT ? field->text_bytes : om_h5_type_bytes(field->type);
    for (int i = 0; i < OM_H5_AXES && field->axes[i] != NULL; i++)
        for (int f = MODEL; f <= MEASURE; f++)
            if (strcmp(shared[f].path + 1, field->axes[i]) == 0) bytes *= lengths[i] = a->n[f];
    return bytes;
}

/* ---- whose measures they are ------------------------------------------------------------------- */

typedef struct identity {
    uint64_t seed, circuit;
    int32_t version, n_models;
} identity;

static const om_h5_member members[] = {
    {"format_version", OM_H5_I32, offsetof(identity, version), 0},
    {"models", OM_H5_I32, offsetof(identity, n_models), 0},
    {"seed", OM_H5_U64, offsetof(identity, seed), 0},
    {"circuit_checksum", OM_H5_U64, offsetof(identity, circuit), 0},
};
enum { N_MEMBERS = sizeof members / sizeof *members };

static om_status write_identity(om_h5 *file, const om_store_info *info, const char *command)
{
    const identity own = {info->seed, info->circuit_checksum, VERSION, info->n_models};
    char *path = realpath(info->path, NULL);
    const char *const texts[][2] = {
        {"format", FORMAT},        {"program_version", OM_VERSION},
        {"command", command},      {"store", path != NULL ? path : info->path},
        {"name", info->name},      {"store_created", info->created},
        {"spec", info->spec_text},
    };
    om_status status = om_h5_set_members(file, "/", members, N_MEMBERS, &own);
    for (size_t i = 0; status == OM_OK && i < sizeof texts / sizeof *texts; i++)
        status = om_h5_set_text(file, "/", texts[i][0], texts[i][1]);
    free(path);
    return status;
}

static om_status fail_other(const char *path, const char *why)
{
    om_fail(OM_EDATA, "%s: %s", path, why);
    return om_hint(OM_EDATA, "that file moved away, or another one with --measures FILE");
}

om_status om_measures_file_check(om_h5 *file, const char *path, const om_store_info *info)
{
    char *format = NULL, *created = NULL;
    identity found = {0};
    om_status status = OM_OK;
    if (om_h5_has_attribute(file, "/", "format"))
        status = om_h5_get_text(file, "/", "format", &format);
    if (status != OM_OK) return status;
    if (format == NULL || strcmp(format, FORMAT) != 0) {
        status = fail_other(path, "is HDF5, but no measures of a store's models");
        goto done;
    }
    status = om_h5_get_members(file, "/", members, N_MEMBERS, &found);
    if (status == OM_OK) status = om_h5_get_text(file, "/", "store_created", &created);
    if (status != OM_OK) goto done;
    if (found.version != VERSION)
        status = fail_other(path, "has another form than this version of ommatid writes");
    else if (found.seed != info->seed || found.circuit != info->circuit_checksum ||
             found.n_models != info->n_models || strcmp(created, info->created) != 0)
        status = fail_other(path, "holds the measures of another store");
done:
    om_free(format);
    om_free(created);
    return status;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static om_status add(om_h5 *file, const om_h5_field *field, const axes *a, const void *values)
{
    size_t lengths[OM_H5_AXES] = {0};
    lengths_of(field, a, lengths);
    return om_h5_add(file, field, lengths, values);
}

static om_status fill(om_h5 *file, const om_store_info *info, const char *command, const axes *a)
{
    OM_TRY(write_identity(file, info, command));
    for (int f = 0; f < N_SHARED; f++) OM_TRY(add(file, &shared[f], a, a->values[f]));
    for (int s = 0; s < SETS; s++)
        for (int f = 0; f < N_ROW; f++) OM_TRY(add(file, &rows[s][f], a, NULL));
    return OM_OK;
}

static uint64_t bytes_of(const om_store_info *info, const axes *a)
{
    enum { PER_FIELD = 2048 + 2 * 4096, ELSE = 256 * 1024 };
    size_t lengths[OM_H5_AXES];
    uint64_t bytes = ELSE + strlen(info->spec_text) + (N_SHARED + SETS * N_ROW) * PER_FIELD;
    for (int f = 0; f < N_SHARED; f++) bytes += lengths_of(&shared[f], a, lengths);
    for (int s = 0; s < SETS; s++)
        for (int f = 0; f < N_ROW; f++) bytes += lengths_of(&rows[s][f], a, lengths);
    return bytes;
}

om_status om_measures_file_create(const char *path, const om_store_info *info, const char *command,
                                  const om_validation *empty)
{
    axes a;
    om_h5 *file = NULL;
    om_status status = make_axes(empty, &a);
    if (status == OM_OK) status = om_h5_create(path, bytes_of(info, &a), &file);
    if (status == OM_OK) status = fill(file, info, command, &a);
    if (status == OM_OK) status = om_h5_publish(file);
    om_h5_close(file);
    free_axes(&a);
    return status;
}

typedef om_status transfer(const om_h5_data *data, size_t row, void *memory);

static om_status read_row(const om_h5_data *data, size_t row, void *memory)
{
    return om_h5_read_row(data, row, memory);
}

static om_status write_row(const om_h5_data *data, size_t row, void *memory)
{
    return om_h5_write_row(data, row, memory);
}

static om_status move(om_h5 *file, const om_h5_field *field, transfer *how, int row, void *memory)
{
    om_h5_data data;
    OM_TRY(om_h5_find(file, field, NULL, &data));
    om_status status = how(&data, (size_t)row, memory);
    om_h5_release(&data);
    return status;
}

om_status om_measures_file_write(om_h5 *file, const om_validation *v, bool untrained,
                                 const om_validated *m, uint64_t checksum)
{
    int32_t outcome = (int32_t)m->prediction.outcome;
    double degrees[INTENSITIES * v->n_types];
    om_validated row = *m;
    for (int i = 0; i < INTENSITIES * v->n_types; i++)
        degrees[i] = om_degrees_around(m->direction[i]);
    void *const parts[N_ROW] = {[FRI] = row.fri,
                                [PEAK] = row.peak,
                                [DSI] = row.dsi,
                                [DIRECTION] = degrees,
                                [VALUE] = row.measure,
                                [OUTCOME] = &outcome,
                                [MESSAGE] = row.prediction.message,
                                [CHECKSUM] = &checksum};
    for (int f = 0; f < N_ROW; f++)
        OM_TRY(move(file, &rows[untrained][f], write_row, m->model, parts[f]));
    return OM_OK;
}

om_status om_measures_file_read(om_h5 *file, bool untrained, om_validated *m, uint64_t *checksum)
{
    const om_h5_field *table = rows[untrained];
    int32_t outcome;
    OM_TRY(move(file, &table[CHECKSUM], read_row, m->model, checksum));
    OM_TRY(move(file, &table[OUTCOME], read_row, m->model, &outcome));
    OM_TRY(move(file, &table[MESSAGE], read_row, m->model, m->prediction.message));
    OM_TRY(move(file, &table[FRI], read_row, m->model, m->fri));
    m->prediction.outcome = (om_predicted)outcome;
    return move(file, &table[PEAK], read_row, m->model, m->peak);
}
