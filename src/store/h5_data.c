/* Datasets with labelled axes. The labels are dimension scales (HDF5's own convention) numbered the
 * way netCDF does, because xarray reads the file through netCDF: every axis of a dataset has a
 * scale in the dataset's group; an axis without coordinates has one that holds nothing; text is an
 * array of single characters whose last axis is a dimension as well. */
#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "store/h5_inside.h"

enum { PATH_BYTES = 256, ALL_AXES = OM_H5_AXES + 1 };

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [OM_H5_U8] = {"uint8", 1},    [OM_H5_I32] = {"int32", 4},  [OM_H5_U32] = {"uint32", 4},
    [OM_H5_I64] = {"int64", 8},   [OM_H5_U64] = {"uint64", 8}, [OM_H5_F32] = {"float32", 4},
    [OM_H5_F64] = {"float64", 8}, [OM_H5_TEXT] = {"text", 1},
};

size_t om_h5_type_bytes(om_h5_type type) { return types[type].bytes; }

const char *om_h5_type_name(om_h5_type type) { return types[type].name; }

hid_t om_h5_memory_type(om_h5_type type)
{
    switch (type) {
    case OM_H5_U8: return H5T_NATIVE_UINT8;
    case OM_H5_I32: return H5T_NATIVE_INT32;
    case OM_H5_U32: return H5T_NATIVE_UINT32;
    case OM_H5_I64: return H5T_NATIVE_INT64;
    case OM_H5_U64: return H5T_NATIVE_UINT64;
    case OM_H5_F32: return H5T_NATIVE_FLOAT;
    case OM_H5_F64: return H5T_NATIVE_DOUBLE;
    case OM_H5_TEXT: return H5T_C_S1;
    }
    return H5I_INVALID_HID;
}

/* A field's axes as HDF5 counts them: that of text included. */
typedef struct shape {
    int n;
    const char *names[ALL_AXES];
    hsize_t lengths[ALL_AXES];
    char text_axis[24];
} shape;

static int count_axes(const om_h5_field *field)
{
    int n = 0;
    while (n < OM_H5_AXES && field->axes[n] != NULL) n++;
    return n;
}

static void shape_of(const om_h5_field *field, const size_t *lengths, shape *s)
{
    *s = (shape){.n = count_axes(field)};
    for (int i = 0; i < s->n; i++) {
        s->names[i] = field->axes[i];
        s->lengths[i] = lengths[i];
    }
    if (field->type != OM_H5_TEXT) return;
    snprintf(s->text_axis, sizeof s->text_axis, "string%zu", field->text_bytes);
    s->names[s->n] = s->text_axis;
    s->lengths[s->n++] = field->text_bytes;
}

static bool is_coordinate(const om_h5_field *field)
{
    const char *name = strrchr(field->path, '/') + 1;
    return count_axes(field) == 1 && strcmp(field->axes[0], name) == 0;
}

static void scale_path(const om_h5_field *field, const char *axis, char path[PATH_BYTES])
{
    int group = (int)(strrchr(field->path, '/') - field->path);
    snprintf(path, PATH_BYTES, "%.*s/%s", group, field->path, axis);
}

static om_status set_int(om_h5 *file, hid_t object, const char *path, const char *name,
                         const int *values, hsize_t n)
{
    hid_t space = n == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &n, NULL);
    hid_t attribute = H5Acreate2(object, name, H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t done = attribute < 0 ? -1 : H5Awrite(attribute, H5T_NATIVE_INT, values);
    om_status status = OM_OK;
    if (done < 0) status = om_h5_fail(OM_EIO, file->path, path, "attribute cannot be written");
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return status;
}

/* Makes a dataset a dimension scale and numbers it. */
static om_status make_scale(om_h5 *file, hid_t data, const char *path, const char *name)
{
    if (H5DSset_scale(data, name) < 0)
        return om_h5_fail(OM_EIO, file->path, path, "cannot become a dimension scale");
    int number = file->n_scales++;
    return set_int(file, data, path, "_Netcdf4Dimid", &number, 0);
}

/* A dimension without coordinates: never written, so it takes no space. */
static om_status bare_scale(om_h5 *file, const char *path, hsize_t length)
{
    char name[64];
    snprintf(name, sizeof name, "This is a netCDF dimension but not a netCDF variable.%10llu",
             (unsigned long long)length);
    hid_t space = H5Screate_simple(1, &length, NULL);
    hid_t data = H5Dcreate2(file->id, om_h5_relative(path), H5T_NATIVE_FLOAT, space, H5P_DEFAULT,
                            H5P_DEFAULT, H5P_DEFAULT);
    om_status status = data < 0 ? om_h5_fail(OM_EIO, file->path, path, "cannot be created")
                                : make_scale(file, data, path, name);
    if (data >= 0) H5Dclose(data);
    H5Sclose(space);
    return status;
}

static om_status scale_number(om_h5 *file, const char *path, int *number)
{
    hid_t attribute =
        H5Aopen_by_name(file->id, om_h5_relative(path), "_Netcdf4Dimid", H5P_DEFAULT, H5P_DEFAULT);
    herr_t read = attribute < 0 ? -1 : H5Aread(attribute, H5T_NATIVE_INT, number);
    om_status status = OM_OK;
    if (read < 0) status = om_h5_fail(OM_EIO, file->path, path, "is not a dimension scale");
    if (attribute >= 0) H5Aclose(attribute);
    return status;
}

/* A text's own axis cannot be attached to a dataset that is a scale itself: netCDF keeps a list. */
static om_status label_coordinate(om_h5 *file, hid_t data, const om_h5_field *field, const shape *s)
{
    OM_TRY(make_scale(file, data, field->path, s->names[0]));
    int numbers[ALL_AXES] = {0};
    for (int i = 0; i < s->n; i++) {
        char path[PATH_BYTES];
        scale_path(field, s->names[i], path);
        OM_TRY(scale_number(file, path, &numbers[i]));
    }
    return set_int(file, data, field->path, "_Netcdf4Coordinates", numbers, (hsize_t)s->n);
}

static om_status attach_scales(om_h5 *file, hid_t data, const om_h5_field *field, const shape *s)
{
    for (int i = 0; i < s->n; i++) {
        char path[PATH_BYTES];
        scale_path(field, s->names[i], path);
        hid_t scale = H5Dopen2(file->id, om_h5_relative(path), H5P_DEFAULT);
        herr_t attached = scale < 0 ? -1 : H5DSattach_scale(data, scale, (unsigned)i);
        om_status status = OM_OK;
        if (attached < 0)
            status = om_h5_fail(OM_EIO, file->path, field->path, "cannot be labelled");
        if (scale >= 0) H5Dclose(scale);
        OM_TRY(status);
    }
    return OM_OK;
}

static om_status describe(om_h5 *file, const om_h5_field *field)
{
    if (field->description != NULL)
        OM_TRY(om_h5_set_text(file, field->path, "long_name", field->description));
    if (field->unit != NULL) OM_TRY(om_h5_set_text(file, field->path, "units", field->unit));
    if (field->coordinates != NULL)
        OM_TRY(om_h5_set_text(file, field->path, "coordinates", field->coordinates));
    if (field->type == OM_H5_TEXT) OM_TRY(om_h5_set_text(file, field->path, "_Encoding", "utf-8"));
    return OM_OK;
}

/* All space now, and really written, so that a full disk shows here and never later. */
static om_status create_data(om_h5 *file, const om_h5_field *field, const shape *s, hid_t *data)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(list, H5D_CONTIGUOUS);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(list, H5D_FILL_TIME_ALLOC);
    H5Pset_obj_track_times(list, 0);
    const float unknown = NAN;
    if (field->type == OM_H5_F32 || field->type == OM_H5_F64)
        H5Pset_fill_value(list, H5T_NATIVE_FLOAT, &unknown);
    hid_t space = s->n == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(s->n, s->lengths, NULL);
    *data = H5Dcreate2(file->id, om_h5_relative(field->path), om_h5_memory_type(field->type), space,
                       H5P_DEFAULT, list, H5P_DEFAULT);
    om_status status = OM_OK; /* before other calls wipe out HDF5's reason */
    if (*data < 0) status = om_h5_fail(OM_EIO, file->path, field->path, "cannot be created");
    H5Sclose(space);
    H5Pclose(list);
    return status;
}

static om_status ensure_scales(om_h5 *file, const om_h5_field *field, const shape *s)
{
    for (int i = is_coordinate(field) ? 1 : 0; i < s->n; i++) {
        char path[PATH_BYTES];
        scale_path(field, s->names[i], path);
        if (!om_h5_has(file, path)) OM_TRY(bare_scale(file, path, s->lengths[i]));
    }
    return OM_OK;
}

om_status om_h5_add(om_h5 *file, const om_h5_field *field, const size_t *lengths, const void *data)
{
    shape s;
    shape_of(field, lengths, &s);
    for (int i = 0; i < s.n; i++)
        if (s.lengths[i] == 0)
            return om_fail(OM_EDATA, "%s: %s: its axis '%s' is empty: expected at least one",
                           file->path, field->path, s.names[i]);
    OM_TRY(ensure_scales(file, field, &s));
    hid_t id = H5I_INVALID_HID;
    OM_TRY(create_data(file, field, &s, &id));
    om_status status = OM_OK;
    if (data != NULL &&
        H5Dwrite(id, om_h5_memory_type(field->type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
        status = om_h5_fail(OM_EIO, file->path, field->path, "cannot be written");
    if (status == OM_OK)
        status = is_coordinate(field) ? label_coordinate(file, id, field, &s)
                                      : attach_scales(file, id, field, &s);
    H5Dclose(id);
    return status == OM_OK ? describe(file, field) : status;
}

static om_status check_type(om_h5 *file, const om_h5_field *field, hid_t id)
{
    hid_t type = H5Dget_type(id);
    htri_t same = H5Tequal(type, om_h5_memory_type(field->type));
    H5Tclose(type);
    if (same > 0) return OM_OK;
    return om_fail(OM_EDATA, "%s: %s: is of another type than %s", file->path, field->path,
                   om_h5_type_name(field->type));
}

static om_status check_axes(om_h5 *file, const om_h5_field *field, const size_t *lengths, hid_t id,
                            om_h5_data *data)
{
    size_t expected[OM_H5_AXES] = {0};
    shape s;
    shape_of(field, lengths != NULL ? lengths : expected, &s);
    hsize_t found[H5S_MAX_RANK] = {0};
    hid_t space = H5Dget_space(id);
    int n = H5Sget_simple_extent_dims(space, found, NULL);
    H5Sclose(space);
    if (n != s.n)
        return om_fail(OM_EDATA, "%s: %s: has %d axes, expected %d", file->path, field->path, n,
                       s.n);
    for (int i = 0; i < n; i++) {
        if (s.lengths[i] != 0 && found[i] != s.lengths[i])
            return om_fail(OM_EDATA, "%s: %s: axis '%s' has length %llu, expected %llu", file->path,
                           field->path, s.names[i], (unsigned long long)found[i],
                           (unsigned long long)s.lengths[i]);
        if (i < data->n_axes) data->length[i] = found[i];
        if (i == data->n_axes) data->item_bytes = found[i]; /* of a text */
    }
    return OM_OK;
}

om_status om_h5_find(om_h5 *file, const om_h5_field *field, const size_t *lengths, om_h5_data *data)
{
    *data = (om_h5_data){.field = field, .file = file->path, .n_axes = count_axes(field)};
    data->item_bytes =
        field->type == OM_H5_TEXT ? field->text_bytes : om_h5_type_bytes(field->type);
    hid_t id = H5Dopen2(file->id, om_h5_relative(field->path), H5P_DEFAULT);
    if (id < 0) return om_fail(OM_EDATA, "%s: has no dataset %s", file->path, field->path);
    om_status status = check_type(file, field, id);
    if (status == OM_OK) status = check_axes(file, field, lengths, id, data);
    if (status == OM_OK)
        data->id = id;
    else
        H5Dclose(id);
    return status;
}

om_status om_h5_check_room(const om_h5_data *data)
{
    hsize_t room = 0;
    const hid_t file = H5Iget_file_id(data->id);
    H5Fget_filesize(file, &room);
    H5Fclose(file);
    size_t bytes = data->item_bytes;
    for (int i = 0; i < data->n_axes; i++) {
        if (data->length[i] == 0 || bytes > room / data->length[i])
            return om_fail(OM_EDATA, "%s: %s: is empty, or larger than the file", data->file,
                           data->field->path);
        bytes *= data->length[i];
    }
    const hsize_t taken = H5Dget_storage_size(data->id);
    const haddr_t at = H5Dget_offset(data->id);
    if (taken == bytes && (at == HADDR_UNDEF || at > room - bytes))
        return om_fail(OM_EDATA, "%s: %s: does not lie in the file", data->file, data->field->path);
    if (taken == bytes) return OM_OK;
    return om_fail(OM_EDATA, "%s: %s: takes %llu bytes, expected %zu", data->file,
                   data->field->path, (unsigned long long)taken, bytes);
}

void om_h5_release(om_h5_data *data)
{
    if (data->id > 0) H5Dclose(data->id);
    data->id = 0;
}

size_t om_h5_row_bytes(const om_h5_data *data)
{
    size_t bytes = data->item_bytes;
    for (int i = 1; i < data->n_axes; i++) bytes *= data->length[i];
    return bytes;
}

size_t om_h5_data_bytes(const om_h5_data *data)
{
    return om_h5_row_bytes(data) * (data->n_axes > 0 ? data->length[0] : 1);
}

om_status om_h5_read(const om_h5_data *data, void *out)
{
    hid_t type = om_h5_memory_type(data->field->type);
    if (H5Dread(data->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0) return OM_OK;
    return om_h5_fail(OM_EIO, data->file, data->field->path, "cannot be read");
}

om_status om_h5_write(const om_h5_data *data, const void *in)
{
    hid_t type = om_h5_memory_type(data->field->type);
    if (H5Dwrite(data->id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, in) >= 0) return OM_OK;
    return om_h5_fail(OM_EIO, data->file, data->field->path, "cannot be written");
}

om_status om_h5_read_new(const om_h5_data *data, void *out)
{
    void *memory = NULL;
    OM_TRY(om_alloc(om_h5_data_bytes(data), 1, &memory));
    om_status status = om_h5_read(data, memory);
    if (status != OM_OK) {
        om_free(memory);
        memory = NULL;
    }
    memcpy(out, &memory, sizeof memory);
    return status;
}

om_status om_h5_read_field(om_h5 *file, const om_h5_field *field, size_t *lengths, void *out)
{
    om_h5_data data;
    OM_TRY(om_h5_find(file, field, NULL, &data));
    if (lengths != NULL) memcpy(lengths, data.length, sizeof data.length);
    om_status status = om_h5_read_new(&data, out);
    om_h5_release(&data);
    return status;
}

/* Moves a block to `out` or, where that is NULL, from `in`. */
static om_status move_block(const om_h5_data *data, const size_t *from, const size_t *n, void *out,
                            const void *in)
{
    hsize_t start[ALL_AXES] = {0}, count[ALL_AXES] = {0};
    const hid_t file = H5Dget_space(data->id), type = om_h5_memory_type(data->field->type);
    const int axes = H5Sget_simple_extent_dims(file, count, NULL); /* of text there is one more */
    for (int i = 0; i < data->n_axes; i++) {
        if (from[i] >= data->length[i] || n[i] > data->length[i] - from[i]) {
            H5Sclose(file);
            return om_fail(OM_EUSAGE, "%s: %s: there is no index %zu of axis %d", data->file,
                           data->field->path, from[i] + n[i] - 1, i);
        }
        start[i] = from[i];
        count[i] = n[i];
    }
    H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL);
    const hid_t memory = H5Screate_simple(axes, count, NULL);
    const herr_t done = out != NULL ? H5Dread(data->id, type, memory, file, H5P_DEFAULT, out)
                                    : H5Dwrite(data->id, type, memory, file, H5P_DEFAULT, in);
    H5Sclose(memory);
    H5Sclose(file);
    if (done >= 0) return OM_OK;
    return om_h5_fail(OM_EIO, data->file, data->field->path,
                      out != NULL ? "cannot be read" : "cannot be written");
}

/* One index of each of the first `fixed` axes, n indices from the last of these on, and all of the
 * others. */
static om_status move_part(const om_h5_data *data, int fixed, const size_t *index, size_t n,
                           void *out, const void *in)
{
    size_t start[OM_H5_AXES] = {0}, count[OM_H5_AXES];
    if (fixed > data->n_axes)
        return om_fail(OM_EUSAGE, "%s: %s has %d axes: expected %d or more", data->file,
                       data->field->path, data->n_axes, fixed);
    for (int i = 0; i < data->n_axes; i++) {
        if (i < fixed) start[i] = index[i];
        count[i] = i >= fixed ? data->length[i] : i == fixed - 1 ? n : 1;
    }
    return move_block(data, start, count, out, in);
}

om_status om_h5_write_block(const om_h5_data *data, const size_t *start, const size_t *count,
                            const void *in)
{
    return move_block(data, start, count, NULL, in);
}

om_status om_h5_read_row(const om_h5_data *data, size_t row, void *out)
{
    return move_part(data, 1, &row, 1, out, NULL);
}

om_status om_h5_write_rows(const om_h5_data *data, size_t first, size_t n, const void *in)
{
    return move_part(data, 1, &first, n, NULL, in);
}

om_status om_h5_read_part(const om_h5_data *data, int n, const size_t *index, void *out)
{
    return move_part(data, n, index, 1, out, NULL);
}

om_status om_h5_write_part(const om_h5_data *data, int n, const size_t *index, const void *in)
{
    return move_part(data, n, index, 1, NULL, in);
}

om_status om_h5_write_row(const om_h5_data *data, size_t row, const void *in)
{
    return om_h5_write_rows(data, row, 1, in);
}

om_status om_h5_offset(const om_h5_data *data, uint64_t *offset)
{
    haddr_t address = H5Dget_offset(data->id);
    if (address == HADDR_UNDEF)
        return om_fail(OM_EDATA, "%s: %s: its data do not lie in one piece", data->file,
                       data->field->path);
    *offset = address;
    return OM_OK;
}
