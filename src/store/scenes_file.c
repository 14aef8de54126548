/* Films in a file: the same labelled axes as in a store. Films of all sequences follow each other
 * along the axis `frame`; `first_frame` and `frames` say which belong to a sequence. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_store.h"
#include "store/h5.h"

#define SCENES_FORMAT "ommatid scenes"
enum { SCENES_VERSION = 1, COMPONENT_BYTES = 2 };

static const om_h5_field sequence = {
    .path = "/sequence",
    .type = OM_H5_TEXT,
    .axes = {"sequence"},
    .text_bytes = OM_SCENE_NAME_BYTES,
    .description = "name of the sequence",
};
static const om_h5_field validation = {
    .path = "/validation",
    .type = OM_H5_U8,
    .axes = {"sequence"},
    .unit = "1",
    .description = "1: held out for validation",
};
static const om_h5_field frames = {
    .path = "/frames",
    .type = OM_H5_I32,
    .axes = {"sequence"},
    .unit = "1",
    .description = "frames of the sequence",
};
static const om_h5_field first_frame = {
    .path = "/first_frame",
    .type = OM_H5_U64,
    .axes = {"sequence"},
    .unit = "1",
    .description = "first frame of the sequence",
};
static const om_h5_field column = {
    .path = "/column",
    .type = OM_H5_I32,
    .axes = {"column"},
    .unit = "1",
    .description = "number of the column, u-major, then v",
};
static const om_h5_field column_u = {
    .path = "/u",
    .type = OM_H5_I32,
    .axes = {"column"},
    .unit = "column",
    .description = "axial coordinate u; the column lies at x = v, y = -(u + v/2), y up",
};
static const om_h5_field column_v = {
    .path = "/v",
    .type = OM_H5_I32,
    .axes = {"column"},
    .unit = "column",
    .description = "axial coordinate v",
};
static const om_h5_field component = {
    .path = "/component",
    .type = OM_H5_TEXT,
    .axes = {"component"},
    .text_bytes = COMPONENT_BYTES,
    .description = "x to the right, y up",
};
static const om_h5_field luminance = {
    .path = "/luminance",
    .type = OM_H5_F32,
    .axes = {"frame", "column"},
    .unit = "1",
    .description = "luminance, 0 to 1",
    .coordinates = "u v",
};
static const om_h5_field flow = {
    .path = "/flow",
    .type = OM_H5_F32,
    .axes = {"frame", "component", "column"},
    .unit = "1",
    .description = "motion from the frame before, summed over the column's box of pixels, in "
                   "image heights per frame",
    .coordinates = "u v",
};

/* The attributes of the file. */
static const om_h5_member members[] = {
    {"extent", OM_H5_I32, offsetof(om_scenes, extent), 0},
    {"frame_rate_hz", OM_H5_F64, offsetof(om_scenes, frame_rate_hz), 0},
    {"checksum", OM_H5_U64, offsetof(om_scenes, checksum), 0},
};
enum { N_MEMBERS = sizeof members / sizeof *members };

/* What is stored per sequence and per column, as arrays. */
typedef struct columns {
    size_t n;
    char (*name)[OM_SCENE_NAME_BYTES];
    uint8_t *validation;
    int32_t *frames;
    uint64_t *first_frame;
} columns;

static void columns_free(columns *c)
{
    om_free(c->name);
    om_free(c->validation);
    om_free(c->frames);
    om_free(c->first_frame);
}

static om_status columns_alloc(size_t n, columns *c)
{
    *c = (columns){.n = n};
    OM_TRY(om_alloc(n, sizeof *c->name, &c->name));
    OM_TRY(om_alloc(n, sizeof *c->validation, &c->validation));
    OM_TRY(om_alloc(n, sizeof *c->frames, &c->frames));
    return om_alloc(n, sizeof *c->first_frame, &c->first_frame);
}

static om_status write_sequences(om_h5 *file, const om_scenes *scenes)
{
    columns c;
    om_status status = columns_alloc((size_t)scenes->n_sequences, &c);
    if (status != OM_OK) goto done;
    for (size_t i = 0; i < c.n; i++) {
        const om_sequence *q = &scenes->sequences[i];
        memcpy(c.name[i], q->name, strnlen(q->name, OM_SCENE_NAME_BYTES - 1));
        c.validation[i] = q->validation;
        c.frames[i] = q->frames;
        c.first_frame[i] = q->offset;
    }
    status = om_h5_add(file, &sequence, &c.n, c.name);
    if (status == OM_OK) status = om_h5_add(file, &validation, &c.n, c.validation);
    if (status == OM_OK) status = om_h5_add(file, &frames, &c.n, c.frames);
    if (status == OM_OK) status = om_h5_add(file, &first_frame, &c.n, c.first_frame);
done:
    columns_free(&c);
    return status;
}

static om_status write_lattice(om_h5 *file, const om_scenes *scenes)
{
    const size_t n = (size_t)scenes->n_columns;
    int32_t *number = NULL, *u = NULL, *v = NULL;
    om_status status = om_alloc(n, sizeof *number, &number);
    if (status == OM_OK) status = om_alloc(n, sizeof *u, &u);
    if (status == OM_OK) status = om_alloc(n, sizeof *v, &v);
    if (status != OM_OK) goto done;
    for (int i = 0; i < scenes->n_columns; i++) {
        number[i] = i;
        om_lattice_coordinates(scenes->extent, i, &u[i], &v[i]);
    }
    status = om_h5_add(file, &column, &n, number);
    if (status == OM_OK) status = om_h5_add(file, &column_u, &n, u);
    if (status == OM_OK) status = om_h5_add(file, &column_v, &n, v);
done:
    om_free(number);
    om_free(u);
    om_free(v);
    return status;
}

static om_status write_films(om_h5 *file, const om_scenes *scenes)
{
    static const char names[2][COMPONENT_BYTES] = {"x", "y"};
    const size_t two = 2;
    const size_t film[] = {scenes->n_frames, (size_t)scenes->n_columns};
    const size_t vectors[] = {scenes->n_frames, two, (size_t)scenes->n_columns};
    OM_TRY(om_h5_add(file, &component, &two, names));
    OM_TRY(om_h5_add(file, &luminance, film, scenes->luminance));
    return om_h5_add(file, &flow, vectors, scenes->flow);
}

static om_status write_scenes(om_h5 *file, const om_scenes *scenes)
{
    const int32_t version = SCENES_VERSION;
    const om_h5_member format = {"format_version", OM_H5_I32, 0, 0};
    OM_TRY(om_h5_set_text(file, "/", "format", SCENES_FORMAT));
    OM_TRY(om_h5_set_members(file, "/", &format, 1, &version));
    OM_TRY(om_h5_set_text(file, "/", "program_version", OM_VERSION));
    OM_TRY(om_h5_set_members(file, "/", members, N_MEMBERS, scenes));
    OM_TRY(write_sequences(file, scenes));
    OM_TRY(write_lattice(file, scenes));
    return write_films(file, scenes);
}

static uint64_t file_bytes(const om_scenes *scenes)
{
    enum { PER_COLUMN = 12, PER_SEQUENCE = OM_SCENE_NAME_BYTES + 16, ELSE = 64 * 1024 };
    return om_scenes_film_bytes(scenes) + (uint64_t)scenes->n_columns * PER_COLUMN +
           (uint64_t)scenes->n_sequences * PER_SEQUENCE + ELSE;
}

om_status om_scenes_save(const om_scenes *scenes, const char *path)
{
    om_scenes sealed = *scenes;
    om_status status = om_scenes_seal(&sealed);
    if (status != OM_OK) return om_context(status, "%s", path);
    if (sealed.checksum != scenes->checksum)
        return om_fail(OM_EUSAGE, "%s: the films have changed since they were sealed", path);
    om_h5 *file = NULL;
    OM_TRY(om_h5_create(path, file_bytes(scenes), &file));
    status = write_scenes(file, scenes);
    if (status == OM_OK) status = om_h5_publish(file);
    om_h5_close(file);
    return status;
}

static om_status check_format(om_h5 *file, const char *path)
{
    char *format = NULL;
    int32_t version = 0;
    const om_h5_member member = {"format_version", OM_H5_I32, 0, 0};
    om_status status = om_h5_get_text(file, "/", "format", &format);
    if (status == OM_ENOMEM) return status;
    if (status != OM_OK || strcmp(format, SCENES_FORMAT) != 0) {
        om_fail(OM_EDATA, "%s: is HDF5, but does not hold scenes", path);
        status = om_hint(OM_EDATA, "a file that 'ommatid scenes' has written");
    } else {
        status = om_h5_get_members(file, "/", &member, 1, &version);
        if (status == OM_OK && version != SCENES_VERSION)
            status = om_fail(OM_EDATA, "%s: scenes of format version %d, expected %d", path,
                             version, SCENES_VERSION);
    }
    om_free(format);
    return status;
}

/* Reads one column of the sequences' table. */
static om_status read_one(om_h5 *file, const om_h5_field *field, size_t n, void *out)
{
    om_h5_data data;
    OM_TRY(om_h5_find(file, field, &n, &data));
    om_status status = om_h5_read(&data, out);
    om_h5_release(&data);
    return status;
}

static om_status read_sequences(om_h5 *file, const char *path, columns *c)
{
    om_h5_data data;
    *c = (columns){0};
    OM_TRY(om_h5_find(file, &sequence, NULL, &data));
    om_status status = columns_alloc(data.length[0], c);
    if (status == OM_OK) status = om_h5_read(&data, c->name);
    om_h5_release(&data);
    OM_TRY(status);
    OM_TRY(read_one(file, &validation, c->n, c->validation));
    OM_TRY(read_one(file, &frames, c->n, c->frames));
    OM_TRY(read_one(file, &first_frame, c->n, c->first_frame));
    uint64_t next = 0;
    for (size_t i = 0; i < c->n; i++) {
        c->name[i][OM_SCENE_NAME_BYTES - 1] = '\0';
        if (c->frames[i] < 1 || c->validation[i] > 1 || c->first_frame[i] != next)
            return om_fail(OM_EDATA,
                           "%s: sequence %zu (%s): frames %d, first frame %llu, validation %u: "
                           "expected at least 1, %llu, and 0 or 1",
                           path, i, c->name[i], c->frames[i], (unsigned long long)c->first_frame[i],
                           c->validation[i], (unsigned long long)next);
        next += (uint64_t)c->frames[i];
    }
    return OM_OK;
}

static om_status make_scenes(const char *path, const columns *c, const om_scenes *attributes,
                             om_scenes **scenes)
{
    if (attributes->extent < 0 || attributes->extent > OM_LATTICE_MAX_EXTENT ||
        !isfinite(attributes->frame_rate_hz) || attributes->frame_rate_hz <= 0)
        return om_fail(OM_EDATA, "%s: extent %d at %g Hz: expected 0 to %d, and a positive rate",
                       path, attributes->extent, attributes->frame_rate_hz, OM_LATTICE_MAX_EXTENT);
    om_sequence *sequences = NULL;
    OM_TRY(om_alloc(c->n, sizeof *sequences, &sequences));
    for (size_t i = 0; i < c->n; i++) {
        sequences[i].frames = c->frames[i];
        sequences[i].validation = c->validation[i] == 1;
        memcpy(sequences[i].name, c->name[i], OM_SCENE_NAME_BYTES);
    }
    om_status status = om_scenes_create(sequences, (int)c->n, attributes->extent,
                                        attributes->frame_rate_hz, scenes);
    om_free(sequences);
    return status == OM_OK ? OM_OK : om_context(status, "%s", path);
}

static om_status read_films(om_h5 *file, om_scenes *scenes)
{
    const size_t film[] = {scenes->n_frames, (size_t)scenes->n_columns};
    const size_t vectors[] = {scenes->n_frames, 2, (size_t)scenes->n_columns};
    om_h5_data light = {0}, motion = {0};
    om_status status = om_h5_find(file, &luminance, film, &light);
    if (status == OM_OK) status = om_h5_find(file, &flow, vectors, &motion);
    if (status == OM_OK) status = om_scenes_place(scenes, NULL);
    if (status == OM_OK) status = om_h5_read(&light, scenes->luminance);
    if (status == OM_OK) status = om_h5_read(&motion, scenes->flow);
    om_h5_release(&light);
    om_h5_release(&motion);
    return status;
}

/* Seals the films and compares with what was sealed when they were written. */
static om_status check_films(const char *path, uint64_t checksum, om_scenes *scenes)
{
    om_status status = om_scenes_seal(scenes);
    if (status != OM_OK) return om_context(status, "%s", path);
    if (scenes->checksum == checksum) return OM_OK;
    om_fail(OM_EDATA, "%s: checksum of the films is %016llx, expected %016llx", path,
            (unsigned long long)scenes->checksum, (unsigned long long)checksum);
    return om_hint(OM_EDATA, "making or copying the file again: its contents are damaged");
}

om_status om_scenes_load(const char *path, om_scenes **scenes)
{
    *scenes = NULL;
    om_scenes *loaded = NULL, attributes = {0};
    columns c = {0};
    om_h5 *file = NULL;
    OM_TRY(om_h5_open(path, OM_H5_READ, &file));
    om_status status = check_format(file, path);
    if (status == OM_OK) status = om_h5_get_members(file, "/", members, N_MEMBERS, &attributes);
    if (status == OM_OK) status = read_sequences(file, path, &c);
    if (status == OM_OK) status = make_scenes(path, &c, &attributes, &loaded);
    if (status == OM_OK) status = read_films(file, loaded);
    if (status == OM_OK) status = check_films(path, attributes.checksum, loaded);
    columns_free(&c);
    om_h5_close(file);
    if (status != OM_OK)
        om_scenes_free(loaded);
    else
        *scenes = loaded;
    return status;
}
