/* Archives of tensors: the zip around the pickle, and the numbers beside it. */
#include "store/torch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <zip.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "circuit/faults.h"
#include "store/pickle.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are stored");

enum { MOST_ENTRIES = 65536, FOLDER_BYTES = 128, NAME_BYTES = 256, SHAPE_BYTES = 192 };

struct om_torch {
    char *path, *pickle_name; /* for messages: the file; the file and its pickle */
    char *file;               /* what was read of it; NULL: the caller's */
    zip_t *zip;
    size_t bytes;              /* of the file */
    char folder[FOLDER_BYTES]; /* in the archive, with its slash */
    char *pickle_bytes;
    om_pickle *pickle;
};

/* --- the zip --------------------------------------------------------------------------------- */

static om_status open_zip(om_torch *t, const void *bytes, size_t n)
{
    zip_error_t error;
    t->bytes = n;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, n, 0, &error);
    if (source != NULL) t->zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    om_status status = OM_OK;
    if (t->zip == NULL) {
        om_fail(OM_EDATA, "%s: cannot be opened as a zip archive: %s", t->path,
                zip_error_strerror(&error));
        status = om_hint(OM_EDATA, "a file that torch.save wrote, complete");
        zip_source_free(source);
    }
    zip_error_fini(&error);
    return status;
}

/* Size of an entry that torch can have written: neither compressed nor encrypted. */
static om_status entry_bytes(const om_torch *t, const char *name, size_t most, zip_stat_t *info)
{
    const zip_uint64_t wanted = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_INDEX |
                                ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    zip_stat_init(info);
    if (zip_stat(t->zip, name, 0, info) != 0)
        return om_fail(OM_EDATA, "%s: has no '%s'", t->path, name);
    if ((info->valid & wanted) != wanted || info->comp_method != ZIP_CM_STORE ||
        info->encryption_method != ZIP_EM_NONE || info->size != info->comp_size)
        return om_fail(OM_EDATA, "%s: '%s' is compressed or encrypted, which torch never does",
                       t->path, name);
    if (info->size > t->bytes)
        return om_fail(OM_EDATA, "%s: '%s' is longer than the archive", t->path, name);
    if (info->size > most)
        return om_fail(OM_EDATA, "%s: '%s' has %llu bytes: expected at most %zu", t->path, name,
                       (unsigned long long)info->size, most);
    return OM_OK;
}

/* Reads n bytes and then one more, which is not there: at the end the zip compares its checksum. */
static bool read_bytes(zip_file_t *entry, char *bytes, size_t n)
{
    char more;
    return zip_fread(entry, bytes, n) == (zip_int64_t)n && zip_fread(entry, &more, 1) == 0;
}

/* Reads a whole entry into new memory, with a NUL behind it. */
static om_status read_entry(const om_torch *t, const char *name, size_t most, char **bytes,
                            size_t *n)
{
    zip_stat_t info;
    *bytes = NULL;
    OM_TRY(entry_bytes(t, name, most, &info));
    *n = info.size;
    OM_TRY(om_alloc(info.size + 1, 1, bytes));
    zip_file_t *entry = zip_fopen_index(t->zip, info.index, 0);
    bool whole = entry != NULL && read_bytes(entry, *bytes, info.size);
    if (entry != NULL) zip_fclose(entry);
    if (whole) return OM_OK;
    om_free(*bytes);
    *bytes = NULL;
    return om_fail(OM_EDATA, "%s: '%s' is damaged", t->path, name);
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~') return false;
    return true;
}

/* The one folder of the archive that has a data.pkl. */
static om_status find_folder(om_torch *t)
{
    static const char pickle[] = "data.pkl";
    zip_int64_t n = zip_get_num_entries(t->zip, 0);
    int found = 0;
    for (zip_int64_t i = 0; i < n && i < MOST_ENTRIES; i++) {
        const char *name = zip_get_name(t->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        const char *slash = name == NULL ? NULL : strchr(name, '/');
        if (slash == NULL || strcmp(slash + 1, pickle) != 0) continue;
        size_t length = (size_t)(slash + 1 - name);
        if (length >= FOLDER_BYTES || !is_printable(name)) continue;
        memcpy(t->folder, name, length);
        t->folder[length] = '\0';
        found++;
    }
    if (found == 1) return OM_OK;
    om_fail(OM_EDATA, "%s: a zip archive with %s NAME/%s: not one that torch.save wrote", t->path,
            found == 0 ? "no" : "more than one", pickle);
    return om_hint(OM_EDATA, "a checkpoint as the paper's software writes it");
}

/* Newer versions say in which order bytes are. */
static om_status check_order(const om_torch *t)
{
    char name[NAME_BYTES], *order;
    size_t n;
    snprintf(name, sizeof name, "%sbyteorder", t->folder);
    if (zip_name_locate(t->zip, name, 0) < 0) return OM_OK;
    OM_TRY(read_entry(t, name, NAME_BYTES, &order, &n));
    bool little = strcmp(order, "little") == 0;
    om_free(order);
    if (little) return OM_OK;
    return om_fail(OM_EDATA, "%s: its numbers are not little-endian", t->path);
}

static om_status read_pickle(om_torch *t)
{
    char name[NAME_BYTES];
    size_t n;
    snprintf(name, sizeof name, "%sdata.pkl", t->folder);
    OM_TRY(read_entry(t, name, OM_PICKLE_BYTES, &t->pickle_bytes, &n));
    om_text text = {0};
    om_text_add(&text, "%s: %s", t->path, name);
    if (text.failed) return om_fail(OM_ENOMEM, "%s: out of memory", t->path);
    t->pickle_name = text.data;
    return om_pickle_read(t->pickle_name, t->pickle_bytes, n, &t->pickle);
}

static om_status open_bytes(om_torch *t, const void *bytes, size_t n)
{
    OM_TRY(open_zip(t, bytes, n));
    OM_TRY(find_folder(t));
    OM_TRY(check_order(t));
    return read_pickle(t);
}

om_status om_torch_open_bytes(const char *path, const void *bytes, size_t n, om_torch **archive)
{
    *archive = NULL;
    om_torch *t = NULL;
    OM_TRY(om_alloc(1, sizeof *t, &t));
    om_text text = {0};
    om_text_add(&text, "%s", path);
    t->path = text.data;
    om_status status = text.failed ? om_fail(OM_ENOMEM, "%s: out of memory", path) : OM_OK;
    if (status == OM_OK) status = open_bytes(t, bytes, n);
    if (status == OM_OK)
        *archive = t;
    else
        om_torch_close(t);
    return status;
}

om_status om_torch_open(const char *path, om_torch **archive)
{
    char *file;
    size_t n;
    *archive = NULL;
    OM_TRY(om_read_file(path, &file, &n));
    om_status status = om_torch_open_bytes(path, file, n, archive);
    if (status == OM_OK)
        (*archive)->file = file;
    else
        om_free(file);
    return status;
}

void om_torch_close(om_torch *archive)
{
    if (archive == NULL) return;
    om_pickle_free(archive->pickle);
    om_free(archive->pickle_bytes);
    if (archive->zip != NULL) zip_discard(archive->zip);
    om_text_free(&(om_text){.data = archive->path});
    om_text_free(&(om_text){.data = archive->pickle_name});
    om_free(archive->file);
    om_free(archive);
}

/* --- what is in it --------------------------------------------------------------------------- */

bool om_torch_has(const om_torch *archive, const char *entry)
{
    return om_pickle_find(archive->pickle, entry) != NULL;
}

static om_status find(const om_torch *t, const char *entry, const om_value **value)
{
    *value = om_pickle_find(t->pickle, entry);
    return *value != NULL ? OM_OK : om_fail(OM_EDATA, "%s: has no '%s'", t->path, entry);
}

om_status om_torch_number(const om_torch *archive, const char *entry, double *number)
{
    const om_value *value;
    OM_TRY(find(archive, entry, &value));
    if (value->kind != OM_VALUE_REAL && value->kind != OM_VALUE_INTEGER)
        return om_fail(OM_EDATA, "%s: '%s' is no number", archive->path, entry);
    *number = value->kind == OM_VALUE_REAL ? value->real : (double)value->integer;
    if (isfinite(*number)) return OM_OK;
    return om_fail(OM_EDATA, "%s: '%s' is %g", archive->path, entry, *number);
}

static om_status find_tensor(const om_torch *t, const char *entry, om_tensor *tensor)
{
    const om_value *value;
    OM_TRY(find(t, entry, &value));
    if (value->kind != OM_VALUE_TENSOR)
        return om_fail(OM_EDATA, "%s: '%s' is no tensor", t->path, entry);
    om_pickle_tensor(t->pickle, value, tensor);
    return OM_OK;
}

om_status om_torch_length(const om_torch *archive, const char *entry, size_t *length)
{
    om_tensor tensor;
    OM_TRY(find_tensor(archive, entry, &tensor));
    if (tensor.n_axes != 1)
        return om_fail(OM_EDATA, "%s: '%s' has %d axes: expected 1", archive->path, entry,
                       tensor.n_axes);
    *length = (size_t)tensor.length[0];
    return OM_OK;
}

static void add_length(char shape[SHAPE_BYTES], int64_t length)
{
    size_t used = strlen(shape);
    snprintf(shape + used, SHAPE_BYTES - used, "%s%lld", used > 0 ? " x " : "", (long long)length);
}

static om_status check_tensor(const om_torch *t, const char *entry, const om_tensor *tensor,
                              int n_axes, const size_t *lengths)
{
    char found[SHAPE_BYTES] = "", expected[SHAPE_BYTES] = "";
    bool same = tensor->n_axes == n_axes;
    for (int i = 0; i < tensor->n_axes; i++) add_length(found, tensor->length[i]);
    for (int i = 0; i < n_axes; i++) {
        add_length(expected, (int64_t)lengths[i]);
        same = same && (size_t)tensor->length[i] == lengths[i];
    }
    if (!same)
        return om_fail(OM_EDATA, "%s: '%s' has shape %s: expected %s", t->path, entry,
                       tensor->n_axes == 0 ? "of one number" : found, expected);
    if (tensor->storage->type == OM_FLOAT) return OM_OK;
    return om_fail(OM_EDATA, "%s: '%s' is of type %s: expected %s", t->path, entry,
                   om_number_name(tensor->storage->type), om_number_name(OM_FLOAT));
}

/* The numbers of a storage, as many as the pickle says. */
static om_status read_storage(const om_torch *t, const om_value *storage, char **bytes)
{
    char file[OM_SHOWN_BYTES] = {0}, name[NAME_BYTES];
    if (storage->n_text >= sizeof file)
        return om_fail(OM_EDATA, "%s: a storage has a name of %u bytes", t->path, storage->n_text);
    memcpy(file, storage->text, storage->n_text);
    for (const char *c = file; *c != '\0'; c++)
        if (*c < '0' || *c > '9')
            return om_fail(OM_EDATA, "%s: a storage is not named by a number", t->path);
    snprintf(name, sizeof name, "%sdata/%s", t->folder, file);
    size_t n, expected = (size_t)storage->integer * om_number_bytes(storage->type);
    OM_TRY(read_entry(t, name, expected, bytes, &n));
    if (n == expected) return OM_OK;
    om_free(*bytes);
    *bytes = NULL;
    return om_fail(OM_EDATA, "%s: '%s' has %zu bytes: expected %zu", t->path, name, n, expected);
}

/* Copies a view number by number: an odometer over its axes, the last one fastest. */
static void gather(const om_tensor *t, const char *bytes, float *out)
{
    int64_t index[OM_TENSOR_AXES] = {0}, at = t->offset;
    for (int64_t i = 0; i < t->count; i++) {
        memcpy(&out[i], bytes + (size_t)at * sizeof *out, sizeof *out);
        for (int k = t->n_axes - 1; k >= 0; k--) {
            at += t->stride[k];
            if (++index[k] < t->length[k]) break;
            at -= t->length[k] * t->stride[k];
            index[k] = 0;
        }
    }
}

om_status om_torch_floats(const om_torch *archive, const char *entry, int n_axes,
                          const size_t *lengths, float *out)
{
    om_tensor tensor;
    char *bytes;
    OM_TRY(find_tensor(archive, entry, &tensor));
    OM_TRY(check_tensor(archive, entry, &tensor, n_axes, lengths));
    om_status status = read_storage(archive, tensor.storage, &bytes);
    if (status != OM_OK) return om_context(status, "'%s'", entry);
    gather(&tensor, bytes, out);
    om_free(bytes);
    for (int64_t i = 0; i < tensor.count; i++)
        if (!isfinite(out[i]))
            return om_fail(OM_EDATA, "%s: '%s': number %lld is %g", archive->path, entry,
                           (long long)i, (double)out[i]);
    return OM_OK;
}
