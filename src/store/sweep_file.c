/* Files that hold all points of a sweep: each in a group of its own, with all that a store has. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_sweep.h"
#include "store/contents.h"
#include "store/store_inside.h"

static const om_h5_field point_field = {"/sweep/point",        OM_H5_I32, {"point"}, 0, "1",
                                        "number of the point", NULL};
static const om_h5_field present_field = {
    "/sweep/present", OM_H5_U8, {"point"}, 0, "1", "1: the point is in this file", NULL};
/* of a value's text in a file: longer ones take what they need */
enum { LEAST_VALUE_BYTES = 64 };
static const om_h5_member form[] = {{"format_version", OM_H5_I32, 0, 0}};

void om_sweep_free(om_sweep *sweep)
{
    if (sweep == NULL) return;
    for (int p = 0; sweep->specs != NULL && p < sweep->n_points; p++) om_free(sweep->specs[p]);
    om_free(sweep->specs);
    om_free(sweep->keys);
    for (int v = 0; sweep->values != NULL && v < sweep->n_points * sweep->n_keys; v++)
        om_free(sweep->values[v]);
    om_free(sweep->values);
    om_free(sweep->present);
    om_free(sweep);
}

void om_sweep_label(const om_sweep *sweep, int point, char label[OM_SWEEP_LABEL_BYTES])
{
    size_t n = 0;
    label[0] = '\0';
    for (int k = 0; k < sweep->n_keys && n < OM_SWEEP_LABEL_BYTES; k++)
        n += (size_t)snprintf(label + n, OM_SWEEP_LABEL_BYTES - n, "%s%s %s", k > 0 ? ", " : "",
                              sweep->keys[k], sweep->values[point * sweep->n_keys + k]);
    static const char mark[] = "...";
    if (n >= OM_SWEEP_LABEL_BYTES)
        memcpy(label + OM_SWEEP_LABEL_BYTES - sizeof mark, mark, sizeof mark);
}

static om_status check_length(const char *file, int n)
{
    if (n < OM_SWEEP_PATH_BYTES) return OM_OK;
    return om_fail(OM_EUSAGE, "%.80s...: a name of at most %d bytes was expected", file,
                   OM_SWEEP_PATH_BYTES - 16);
}

om_status om_sweep_point_path(const char *file, int point, char path[OM_SWEEP_PATH_BYTES])
{
    return check_length(file, snprintf(path, OM_SWEEP_PATH_BYTES, "%s:%d", file, point));
}

om_status om_sweep_store_of(const char *file, int point, char path[OM_SWEEP_PATH_BYTES])
{
    const char *slash = strrchr(file, '/'), *dot = strrchr(file, '.');
    const int stem = dot != NULL && dot > (slash != NULL ? slash + 1 : file) ? (int)(dot - file)
                                                                             : (int)strlen(file);
    return check_length(file, snprintf(path, OM_SWEEP_PATH_BYTES, "%.*s.point%d%s", stem, file,
                                       point, file + stem));
}

/* ---- writing ---- */

/* Room for the longest value of a key, with its NUL. */
static size_t value_bytes(const om_sweep *sweep, int k)
{
    size_t most = LEAST_VALUE_BYTES;
    for (int p = 0; p < sweep->n_points; p++) {
        const size_t n = strlen(sweep->values[p * sweep->n_keys + k]) + 1;
        if (n > most) most = n;
    }
    return most;
}

/* The values of one key at all points. */
static om_status write_key(om_h5 *file, const om_sweep *sweep, int k)
{
    char path[OM_SWEEP_KEY_BYTES + 16], *values = NULL;
    const size_t n = (size_t)sweep->n_points, bytes = value_bytes(sweep, k);
    snprintf(path, sizeof path, "/sweep/%s", sweep->keys[k]);
    const om_h5_field field = {
        path, OM_H5_TEXT, {"point"}, bytes, NULL, "value of the key at the point", NULL};
    OM_TRY(om_alloc(n, bytes, &values));
    for (size_t p = 0; p < n; p++)
        strcpy(values + p * bytes, sweep->values[p * (size_t)sweep->n_keys + (size_t)k]);
    om_status status = om_h5_add(file, &field, &n, values);
    om_free(values);
    return status;
}

static om_status write_table(om_h5 *file, const om_sweep *sweep)
{
    int32_t number[OM_SWEEP_MOST_POINTS];
    uint8_t present[OM_SWEEP_MOST_POINTS];
    om_text keys = {0};
    const size_t n = (size_t)sweep->n_points;
    OM_TRY(om_h5_group(file, "/sweep"));
    for (int p = 0; p < sweep->n_points; p++) number[p] = p, present[p] = sweep->present[p];
    for (int k = 0; k < sweep->n_keys; k++)
        om_text_add(&keys, "%s%s", k > 0 ? ", " : "", sweep->keys[k]);
    om_status status = keys.failed ? om_fail(OM_ENOMEM, "no memory")
                                   : om_h5_set_text(file, "/sweep", "keys", keys.data);
    om_text_free(&keys);
    if (status == OM_OK) status = om_h5_add(file, &point_field, &n, number);
    if (status == OM_OK) status = om_h5_add(file, &present_field, &n, present);
    for (int k = 0; k < sweep->n_keys && status == OM_OK; k++) status = write_key(file, sweep, k);
    return status;
}

static om_status write_head(om_h5 *file, const om_sweep *sweep, const char *name,
                            const char *spec_text)
{
    const int32_t version = OM_STORE_VERSION;
    OM_TRY(om_h5_set_text(file, "/", "format", OM_SWEEP_FORMAT));
    OM_TRY(om_h5_set_members(file, "/", form, 1, &version));
    OM_TRY(om_h5_set_text(file, "/", "program_version", OM_VERSION));
    OM_TRY(om_h5_set_text(file, "/", "name", name));
    OM_TRY(om_h5_set_text(file, "/", "spec", spec_text));
    OM_TRY(write_table(file, sweep));
    return om_h5_group(file, "/point");
}

static om_status enter_new(om_h5 *file, int point)
{
    char group[32];
    snprintf(group, sizeof group, OM_H5_PART, point);
    OM_TRY(om_h5_enter(file, "/"));
    OM_TRY(om_h5_group(file, group));
    return om_h5_enter(file, group);
}

enum { HEAD_BYTES = 64 * 1024, POINT_BYTES = 1024 };

/* Of all that is outside the points. */
static uint64_t head_bytes(const om_sweep *sweep, const char *spec_text)
{
    uint64_t bytes = HEAD_BYTES + strlen(spec_text);
    for (int k = 0; k < sweep->n_keys; k++)
        bytes += OM_STORE_HEADER + (uint64_t)sweep->n_points * value_bytes(sweep, k);
    return bytes;
}

om_status om_sweep_create(const char *path, const om_sweep *sweep, const char *name,
                          const char *spec_text, const om_store_plan *plans)
{
    uint64_t bytes = head_bytes(sweep, spec_text);
    om_h5 *file = NULL;
    for (int p = 0; p < sweep->n_points; p++) bytes += POINT_BYTES + om_store_bytes(&plans[p]);
    OM_TRY(om_h5_create(path, bytes, &file));
    om_status status = write_head(file, sweep, name, spec_text);
    for (int p = 0; p < sweep->n_points && status == OM_OK; p++) {
        status = enter_new(file, p);
        if (status == OM_OK) status = om_store_write_new(file, &plans[p]);
    }
    if (status == OM_OK) status = om_h5_publish(file);
    om_h5_close(file);
    return status;
}

/* ---- merging ---- */

/* Everything that a store holds, into the group of a new file. */
static om_status copy_store(om_store *from, om_h5 *to)
{
    OM_TRY(om_h5_copy_attributes(from->file, to, "/"));
    for (int i = 0; om_schema_groups[i] != NULL; i++) {
        OM_TRY(om_h5_group(to, om_schema_groups[i]));
        OM_TRY(om_h5_copy_attributes(from->file, to, om_schema_groups[i]));
    }
    for (int f = 0; f < OM_N_FIELDS; f++) {
        const om_h5_data *data = &from->data[f];
        void *values = NULL;
        if (data->id == 0) continue;
        OM_TRY(om_h5_read_new(data, &values));
        if (f == OM_RUN_TRAINERS) memset(values, 0, om_h5_data_bytes(data)); /* nobody trains it */
        om_status status = om_h5_add(to, &om_schema[f], data->length, values);
        om_free(values);
        OM_TRY(status);
    }
    return OM_OK;
}

static uint64_t bytes_of(const om_store *store)
{
    uint64_t bytes = OM_STORE_HEADERS_ELSE + strlen(store->info.spec_text);
    for (int f = 0; f < OM_N_FIELDS; f++)
        if (store->data[f].id != 0) bytes += OM_STORE_HEADER + om_h5_data_bytes(&store->data[f]);
    return bytes;
}

om_status om_sweep_merge(const char *path, const om_sweep *sweep, const char *name,
                         const char *spec_text, const char *const *stores)
{
    uint64_t bytes = head_bytes(sweep, spec_text);
    om_store *store = NULL;
    om_h5 *file = NULL;
    for (int p = 0; p < sweep->n_points; p++) {
        if (stores[p] == NULL) continue;
        OM_TRY(om_store_open(stores[p], OM_STORE_READ, &store));
        bytes += POINT_BYTES + bytes_of(store);
        om_store_close(store);
    }
    OM_TRY(om_h5_create_over(path, bytes, &file));
    om_status status = write_head(file, sweep, name, spec_text);
    for (int p = 0; p < sweep->n_points && status == OM_OK; p++) {
        if (stores[p] == NULL) continue;
        status = enter_new(file, p);
        if (status == OM_OK) status = om_store_open(stores[p], OM_STORE_READ, &store);
        if (status != OM_OK) break;
        status = copy_store(store, file);
        om_store_close(store);
    }
    if (status == OM_OK) status = om_h5_publish(file);
    om_h5_close(file);
    return status;
}

/* ---- reading ---- */

static om_status read_key(om_h5 *file, om_sweep *sweep, int k)
{
    char path[OM_SWEEP_KEY_BYTES + 16], *values = NULL;
    snprintf(path, sizeof path, "/sweep/%s", sweep->keys[k]);
    const om_h5_field field = {path, OM_H5_TEXT, {"point"}, OM_H5_ANY_TEXT, NULL, NULL, NULL};
    const size_t n = (size_t)sweep->n_points;
    om_h5_data data;
    OM_TRY(om_h5_find(file, &field, &n, &data));
    om_status status = om_h5_read_new(&data, &values);
    om_h5_release(&data);
    for (int p = 0; p < sweep->n_points && status == OM_OK; p++) {
        char **value = &sweep->values[p * sweep->n_keys + k];
        status = om_alloc(data.item_bytes + 1, 1, value);
        if (status == OM_OK) memcpy(*value, values + (size_t)p * data.item_bytes, data.item_bytes);
    }
    om_free(values);
    return status;
}

/* "a, b" into the table of keys. */
static om_status split_keys(om_sweep *sweep, const char *path, const char *keys)
{
    OM_TRY(om_alloc(OM_SWEEP_MOST_KEYS, sizeof *sweep->keys, &sweep->keys));
    for (const char *at = keys; *at != '\0'; sweep->n_keys++) {
        const size_t n = strcspn(at, ",");
        if (n == 0 || n >= OM_SWEEP_KEY_BYTES || sweep->n_keys == OM_SWEEP_MOST_KEYS)
            return om_fail(OM_EDATA,
                           "%s: /sweep: attribute 'keys' is '%.80s': expected names of "
                           "keys",
                           path, keys);
        memcpy(sweep->keys[sweep->n_keys], at, n);
        at += n;
        at += strspn(at, ", ");
    }
    return OM_OK;
}

static om_status read_table(om_h5 *file, const char *path, om_sweep *sweep)
{
    size_t lengths[OM_H5_AXES];
    char *keys = NULL;
    uint8_t *present = NULL;
    om_status status = om_h5_get_text(file, "/sweep", "keys", &keys);
    if (status == OM_OK) status = split_keys(sweep, path, keys);
    om_free(keys);
    OM_TRY(status);
    OM_TRY(om_h5_read_field(file, &present_field, lengths, &present));
    sweep->n_points = (int)lengths[0];
    status = lengths[0] <= OM_SWEEP_MOST_POINTS
                 ? om_alloc(lengths[0], sizeof *sweep->present, &sweep->present)
                 : om_fail(OM_EDATA, "%s: /sweep: has %zu points, expected at most %d", path,
                           lengths[0], OM_SWEEP_MOST_POINTS);
    for (int p = 0; p < sweep->n_points && status == OM_OK; p++)
        sweep->present[p] = present[p] != 0;
    om_free(present);
    if (status == OM_OK && sweep->n_keys > 0)
        status =
            om_alloc(lengths[0] * (size_t)sweep->n_keys, sizeof *sweep->values, &sweep->values);
    for (int k = 0; k < sweep->n_keys && status == OM_OK; k++) status = read_key(file, sweep, k);
    return status;
}

static om_status check_version(om_h5 *file, const char *path)
{
    int32_t version = 0;
    OM_TRY(om_h5_get_members(file, "/", form, 1, &version));
    if (version == OM_STORE_VERSION) return OM_OK;
    om_fail(OM_EDATA, "%s: sweep of format version %d, expected %d", path, version,
            OM_STORE_VERSION);
    return om_hint(OM_EDATA, "the version of ommatid that made it");
}

static bool is_sweep(om_h5 *file)
{
    char *format = NULL;
    const bool is = om_h5_has_attribute(file, "/", "format") &&
                    om_h5_get_text(file, "/", "format", &format) == OM_OK &&
                    strcmp(format, OM_SWEEP_FORMAT) == 0;
    om_free(format);
    return is;
}

om_status om_sweep_open(const char *path, om_sweep **out, char **name, char **spec_text)
{
    om_h5 *file = NULL;
    om_sweep *sweep = NULL;
    *out = NULL;
    if (name != NULL) *name = NULL;
    if (spec_text != NULL) *spec_text = NULL;
    OM_TRY(om_h5_open(path, OM_H5_READ, &file));
    om_status status = OM_OK;
    if (!is_sweep(file)) goto done;
    status = check_version(file, path);
    if (status == OM_OK) status = om_alloc(1, sizeof *sweep, &sweep);
    if (status == OM_OK) status = read_table(file, path, sweep);
    if (status == OM_OK && name != NULL) status = om_h5_get_text(file, "/", "name", name);
    if (status == OM_OK && spec_text != NULL) status = om_h5_get_text(file, "/", "spec", spec_text);
    if (status == OM_OK)
        *out = sweep;
    else
        om_sweep_free(sweep);
done:
    om_h5_close(file);
    return status;
}
