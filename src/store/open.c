/* Opening a store: what is not a store of this program is refused before anything is read. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "store/store_inside.h"

static om_status check_format(om_store *store, const char *path)
{
    char *format = NULL;
    int32_t version = 0;
    const om_h5_member member = {"format_version", OM_H5_I32, 0, 0};
    om_status status = om_h5_get_text(store->file, "/", "format", &format);
    if (status == OM_ENOMEM) return status;
    if (status == OM_OK && strcmp(format, OM_SWEEP_FORMAT) == 0) {
        om_fail(OM_EDATA, "%s: holds a sweep of several ensembles", path);
        status =
            om_hint(OM_EDATA, "one of its points, as %s:0; ommatid rank %s lists them", path, path);
        goto done;
    }
    if (status != OM_OK || strcmp(format, OM_STORE_FORMAT) != 0) {
        om_fail(OM_EDATA, "%s: is HDF5, but not a store of trained models", path);
        status = om_hint(OM_EDATA, "a file that 'ommatid run' has written");
        goto done;
    }
    status = om_h5_get_members(store->file, "/", &member, 1, &version);
    if (status != OM_OK) goto done;
    if (version != OM_STORE_VERSION) {
        om_fail(OM_EDATA, "%s: store of format version %d, expected %d", path, version,
                OM_STORE_VERSION);
        status = om_hint(OM_EDATA, "the version of ommatid that made it");
    }
done:
    om_free(format);
    return status;
}

static om_status read_texts(om_store *store, const char *path)
{
    om_store_info *info = &store->info;
    store->texts[0] = strdup(path);
    if (store->texts[0] == NULL) return om_fail(OM_ENOMEM, "%s: out of memory", path);
    OM_TRY(om_h5_get_text(store->file, "/", "name", &store->texts[1]));
    OM_TRY(om_h5_get_text(store->file, "/", "spec", &store->texts[2]));
    OM_TRY(om_h5_get_text(store->file, "/", "program_version", &store->texts[3]));
    OM_TRY(om_h5_get_text(store->file, "/", "created", &store->texts[4]));
    if (om_h5_has_attribute(store->file, "/", "imported_from"))
        OM_TRY(om_h5_get_text(store->file, "/", "imported_from", &store->texts[5]));
    if (om_h5_has_attribute(store->file, "/", "kernels"))
        OM_TRY(om_h5_get_text(store->file, "/", "kernels", &store->texts[6]));
    info->path = store->texts[0];
    info->name = store->texts[1];
    info->spec_text = store->texts[2];
    info->program_version = store->texts[3];
    info->created = store->texts[4];
    info->imported_from = store->texts[5];
    info->kernels = store->texts[6];
    return OM_OK;
}

static om_status read_selection(om_store *store)
{
    char *selection = NULL;
    OM_TRY(om_h5_get_text(store->file, "/validation", "selection", &selection));
    om_status status = OM_OK;
    if (strcmp(selection, "epe") == 0)
        store->info.selection = OM_LOSS_EPE;
    else if (strcmp(selection, "l2norm") == 0)
        store->info.selection = OM_LOSS_L2NORM;
    else
        status = om_fail(OM_EDATA, "%s: selection is '%s', expected l2norm or epe",
                         store->info.path, selection);
    om_free(selection);
    return status;
}

/* Stores without a race say nothing of one. */
static om_status read_race(om_store *store)
{
    if (!om_h5_has_attribute(store->file, "/options", "race.at")) return OM_OK;
    return om_h5_get_members(store->file, "/options", om_schema_race.items, om_schema_race.n,
                             &store->info.race);
}

static om_status read_identity(om_store *store)
{
    om_store_info *info = &store->info;
    om_identity self = {0};
    OM_TRY(
        om_h5_get_members(store->file, "/", om_schema_identity.items, om_schema_identity.n, &self));
    info->seed = self.seed;
    info->n_models = self.n_models;
    info->real_bytes = self.real_bytes;
    info->circuit_checksum = self.circuit_checksum;
    info->scenes_checksum = self.scenes_checksum;
    if (info->n_models < 1)
        return om_fail(OM_EDATA, "%s: %d models, expected at least 1", info->path, info->n_models);
    if (info->real_bytes == sizeof(om_real)) return OM_OK;
    om_fail(OM_EDATA, "%s: holds numbers of %u bytes, this program computes with %zu", info->path,
            info->real_bytes, sizeof(om_real));
    return om_hint(OM_EDATA, "a build with OMMATID_REAL=%s",
                   info->real_bytes == sizeof(float) ? "float" : "double");
}

/* A part of a state: it must lie inside. */
static bool inside(const om_state_layout *l, size_t at, size_t count, size_t size)
{
    return at <= l->bytes && count <= (l->bytes - at) / size;
}

static bool is_sound(const om_state_layout *l, bool imported)
{
    const om_layout *p = &l->params;
    const int records = imported || l->iterations == 0 ? 0 : 1, scenes = imported ? 0 : 1;
    if (l->bytes > SIZE_MAX / 2 || p->n_types < 1 || p->n_pairs < 1 || l->n_records < records ||
        l->n_checks < 1 || l->n_scenes < scenes)
        return false;
    size_t types = (size_t)p->n_types, pairs = (size_t)p->n_pairs, n = p->n_params;
    if (n > l->bytes || p->resting_potential > n || types > n - p->resting_potential ||
        p->time_constant > n || types > n - p->time_constant || p->strength > n ||
        pairs > n - p->strength || p->decoder > n || p->n_decoder > n - p->decoder)
        return false;
    const size_t reals[] = {l->at_params, l->at_moment1, l->at_moment2, l->at_best_params};
    const size_t channels[] = {l->at_running_mean, l->at_running_var, l->at_best_running_mean,
                               l->at_best_running_var};
    for (int i = 0; i < 4; i++)
        if (!inside(l, reals[i], n, sizeof(om_real)) ||
            !inside(l, channels[i], OM_HIDDEN, sizeof(om_real)))
            return false;
    return inside(l, 0, 1, sizeof(om_state)) &&
           inside(l, l->at_pass_params, p->n_network, sizeof(om_real)) &&
           l->at_params <= l->at_kept && inside(l, l->at_kept, l->at_kept - l->at_params, 1) &&
           inside(l, l->at_best_scene_epe, (size_t)l->n_scenes, sizeof(float)) &&
           inside(l, l->at_history_loss, (size_t)l->n_records, sizeof(float)) &&
           inside(l, l->at_history_epe, (size_t)l->n_records, sizeof(float)) &&
           inside(l, l->at_check_l2norm, (size_t)l->n_checks, sizeof(float)) &&
           inside(l, l->at_check_epe, (size_t)l->n_checks, sizeof(float));
}

/* The lengths of taps, inputs and outputs are whatever is there. */
static bool in_store(om_field field, const om_sizes *sizes, const om_store_info *info)
{
    om_sizes known = *sizes;
    known.tap = known.input = known.output = 1;
    return om_schema_has(field, &known, info->imported_from != NULL);
}

static om_status find_data(om_store *store)
{
    om_store_info *info = &store->info;
    OM_TRY(om_h5_get_members(store->file, "/checkpoint", om_schema_layout.items, om_schema_layout.n,
                             &info->layout));
    if (!is_sound(&info->layout, info->imported_from != NULL))
        return om_fail(OM_EDATA,
                       "%s: /checkpoint: the attributes that say where things lie in a "
                       "state contradict each other",
                       info->path);
    const om_sizes sizes = om_sizes_of(&info->layout, info->n_models);
    for (int f = 0; f < OM_N_FIELDS; f++) {
        size_t lengths[OM_H5_AXES];
        if (!in_store((om_field)f, &sizes, info)) continue;
        om_schema_lengths(&om_schema[f], &sizes, lengths);
        OM_TRY(om_h5_find(store->file, &om_schema[f], lengths, &store->data[f]));
        OM_TRY(om_h5_check_room(&store->data[f]));
    }
    return OM_OK;
}

static om_status check_types(const om_store_info *info)
{
    for (int i = 0; i < info->n_pairs; i++) {
        int source = info->pair_source[i], target = info->pair_target[i];
        if (source < 0 || source >= info->n_types || target < 0 || target >= info->n_types)
            return om_fail(OM_EDATA, "%s: /circuit: pair %d connects types %d and %d of %d",
                           info->path, i, source, target, info->n_types);
    }
    return OM_OK;
}

static om_status read_arrays(om_store *store)
{
    static const om_field fields[] = {OM_CIRCUIT_TYPE,   OM_CIRCUIT_SOURCE,   OM_CIRCUIT_TARGET,
                                      OM_HISTORY_RECORD, OM_VALIDATION_CHECK, OM_VALIDATION_SCENE,
                                      OM_MODEL_SOURCE};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (store->data[fields[i]].id != 0)
            OM_TRY(om_h5_read_new(&store->data[fields[i]], &store->arrays[i]));
    om_store_info *info = &store->info;
    info->n_types = info->layout.params.n_types;
    info->n_pairs = info->layout.params.n_pairs;
    char(*types)[OM_NAME_BYTES] = store->arrays[0];
    for (int i = 0; i < info->n_types; i++) types[i][OM_NAME_BYTES - 1] = '\0';
    char(*scenes)[OM_SCENE_NAME_BYTES] = store->arrays[5];
    for (int i = 0; i < info->layout.n_scenes; i++) scenes[i][OM_SCENE_NAME_BYTES - 1] = '\0';
    info->type_names = store->arrays[0];
    info->pair_source = store->arrays[1];
    info->pair_target = store->arrays[2];
    info->record_iteration = store->arrays[3];
    info->check_iteration = store->arrays[4];
    info->scene_names = store->arrays[5];
    char(*sources)[OM_SOURCE_BYTES] = store->arrays[6];
    for (int i = 0; sources != NULL && i < info->n_models; i++)
        sources[i][OM_SOURCE_BYTES - 1] = '\0';
    info->sources = store->arrays[6];
    return check_types(info);
}

static om_status prepare_slots(om_store *store)
{
    char path[PATH_MAX];
    om_split_part(store->info.path, path);
    store->slot_bytes = om_slot_bytes(&store->info.layout);
    store->descriptor = open(path, (store->mode == OM_STORE_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (store->descriptor < 0) return om_fail_errno("cannot be opened", path);
    struct stat info;
    if (fstat(store->descriptor, &info) != 0) return om_fail_errno("cannot be read", path);
    for (int i = 0; i < 2; i++) {
        const om_h5_data *slots = &store->data[OM_CHECKPOINT_A + i];
        OM_TRY(om_h5_offset(slots, &store->slots[i]));
        if (store->slots[i] + om_h5_data_bytes(slots) > (uint64_t)info.st_size)
            return om_fail(OM_EDATA, "%s: %s: the file ends before its data do", path,
                           slots->field->path);
    }
    OM_TRY(om_h5_offset(&store->data[OM_RUN_TOKEN], &store->token_at));
    OM_TRY(om_store_read_at(store, &store->token, sizeof store->token, store->token_at));
    return om_alloc(store->info.layout.bytes, 1, &store->scratch);
}

om_status om_store_open(const char *path, om_store_mode mode, om_store **out)
{
    *out = NULL;
    om_store *store = NULL;
    OM_TRY(om_alloc(1, sizeof *store, &store));
    store->mode = mode;
    store->descriptor = -1;
    om_status status =
        om_h5_open(path, mode == OM_STORE_WRITE ? OM_H5_UPDATE : OM_H5_READ, &store->file);
    if (status == OM_OK) status = check_format(store, path);
    if (status == OM_OK) status = read_texts(store, path);
    if (status == OM_OK) status = read_identity(store);
    if (status == OM_OK) status = read_selection(store);
    if (status == OM_OK) status = read_race(store);
    if (status == OM_OK)
        status = om_h5_get_members(store->file, "/validation", om_schema_baselines.items,
                                   om_schema_baselines.n, &store->info.baselines);
    if (status == OM_OK) status = find_data(store);
    if (status == OM_OK) status = read_arrays(store);
    if (status == OM_OK) status = prepare_slots(store);
    if (status != OM_OK) {
        om_store_close(store);
        return status;
    }
    *out = store;
    return OM_OK;
}

void om_store_close(om_store *store)
{
    if (store == NULL) return;
    for (int f = 0; f < OM_N_FIELDS; f++) om_h5_release(&store->data[f]);
    om_h5_close(store->file);
    if (store->descriptor >= 0) close(store->descriptor);
    free(store->texts[0]);
    for (size_t i = 1; i < sizeof store->texts / sizeof *store->texts; i++)
        om_free(store->texts[i]);
    for (size_t i = 0; i < sizeof store->arrays / sizeof *store->arrays; i++)
        om_free(store->arrays[i]);
    om_free(store->scratch);
    om_free(store);
}

const om_store_info *om_store_describe(const om_store *store) { return &store->info; }

om_status om_store_check_model(const om_store *store, int model)
{
    if (model >= 0 && model < store->info.n_models) return OM_OK;
    return om_fail(OM_EUSAGE, "%s: there is no model %d: the store holds models 0 to %d",
                   store->info.path, model, store->info.n_models - 1);
}

om_status om_store_put(om_store *store, om_field field, int model, const void *row)
{
    if (store->data[field].id == 0) return OM_OK;
    OM_TRY(om_store_check_fence(store));
    return om_h5_write_row(&store->data[field], (size_t)model, row);
}

om_status om_store_put_all(om_store *store, om_field field, const void *data)
{
    OM_TRY(om_store_check_fence(store));
    return om_h5_write(&store->data[field], data);
}

om_status om_store_get(om_store *store, om_field field, int model, void *row)
{
    if (store->data[field].id == 0) return OM_OK;
    return om_h5_read_row(&store->data[field], (size_t)model, row);
}
