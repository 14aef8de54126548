/* Creating a store: everything that the file will ever hold gets its name and its space here. */
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "base/memory.h"
#include "store/store_inside.h"

enum { MAX_OWNED = 64 };

/* First contents of the datasets; NULL where nothing is known yet. */
typedef struct contents {
    const om_store_plan *plan;
    om_sizes sizes;
    const void *of[OM_N_FIELDS];
    void *owned[MAX_OWNED];
    int n_owned;
} contents;

static const om_h5_member identity[] = {
    {"seed", OM_H5_U64, offsetof(om_identity, seed), 0},
    {"models", OM_H5_I32, offsetof(om_identity, n_models), 0},
    {"real_bytes", OM_H5_U32, offsetof(om_identity, real_bytes), 0},
    {"circuit_checksum", OM_H5_U64, offsetof(om_identity, circuit_checksum), 0},
    {"scenes_checksum", OM_H5_U64, offsetof(om_identity, scenes_checksum), 0},
};
const om_members om_schema_identity = {identity, sizeof identity / sizeof *identity};

/* What a circuit says of itself as attributes. */
static const om_h5_member circuit_members[] = {
    {"extent", OM_H5_I32, offsetof(om_circuit, extent), 0},
    {"columns", OM_H5_I32, offsetof(om_circuit, n_columns), 0},
    {"cells", OM_H5_I64, offsetof(om_circuit, n_cells), 0},
    {"edges", OM_H5_I64, offsetof(om_circuit, n_edges), 0},
    {"checksum", OM_H5_U64, offsetof(om_circuit, checksum), 0},
};

/* A member of an array of structures that becomes a column of its own. */
typedef struct column {
    om_field field;
    size_t offset;
} column;

static const column type_columns[] = {
    {OM_CIRCUIT_TYPE, offsetof(om_type, name)},
    {OM_PARAMS_TYPE, offsetof(om_type, name)},
    {OM_CIRCUIT_STRIDE_U, offsetof(om_type, stride_u)},
    {OM_CIRCUIT_STRIDE_V, offsetof(om_type, stride_v)},
    {OM_CIRCUIT_IS_INPUT, offsetof(om_type, input)},
    {OM_CIRCUIT_IS_OUTPUT, offsetof(om_type, output)},
    {OM_CIRCUIT_CELLS, offsetof(om_type, cells)},
};

static const column pair_columns[] = {
    {OM_CIRCUIT_SOURCE, offsetof(om_pair, source)},
    {OM_CIRCUIT_TARGET, offsetof(om_pair, target)},
    {OM_CIRCUIT_SIGN, offsetof(om_pair, sign)},
    {OM_CIRCUIT_FIRST_TAP, offsetof(om_pair, first_tap)},
    {OM_CIRCUIT_TAPS, offsetof(om_pair, n_taps)},
    {OM_CIRCUIT_EDGES, offsetof(om_pair, edges)},
    {OM_CIRCUIT_MEAN_COUNT, offsetof(om_pair, mean_count)},
};

static const column tap_columns[] = {
    {OM_CIRCUIT_DU, offsetof(om_tap, du)},           {OM_CIRCUIT_DV, offsetof(om_tap, dv)},
    {OM_CIRCUIT_COUNT, offsetof(om_tap, count)},     {OM_CIRCUIT_FILLED, offsetof(om_tap, filled)},
    {OM_CIRCUIT_TAP_EDGES, offsetof(om_tap, edges)},
};

static size_t item_bytes(om_field field)
{
    const om_h5_field *f = &om_schema[field];
    return f->type == OM_H5_TEXT ? f->text_bytes : om_h5_type_bytes(f->type);
}

/* Items of a field at creation. */
static size_t count_of(const contents *c, om_field field)
{
    size_t lengths[OM_H5_AXES], n = 1;
    om_schema_lengths(&om_schema[field], &c->sizes, lengths);
    for (int i = 0; i < OM_H5_AXES && om_schema[field].axes[i] != NULL; i++) n *= lengths[i];
    return n;
}

/* Zeroed memory for all of a field. */
static om_status provide(contents *c, om_field field, void *out)
{
    void *memory = NULL;
    OM_TRY(om_alloc(count_of(c, field), item_bytes(field), &memory));
    c->owned[c->n_owned++] = memory;
    c->of[field] = memory;
    memcpy(out, &memory, sizeof memory);
    return OM_OK;
}

static om_status split(contents *c, const column *columns, size_t n_columns, const void *items,
                       size_t stride)
{
    for (size_t k = 0; k < n_columns; k++) {
        char *out = NULL;
        OM_TRY(provide(c, columns[k].field, &out));
        size_t bytes = item_bytes(columns[k].field), n = count_of(c, columns[k].field);
        for (size_t i = 0; i < n; i++)
            memcpy(out + i * bytes, (const char *)items + i * stride + columns[k].offset, bytes);
    }
    return OM_OK;
}

static om_status fill_circuit(contents *c)
{
    const om_circuit *circuit = c->plan->circuit;
    OM_TRY(split(c, type_columns, sizeof type_columns / sizeof *type_columns, circuit->types,
                 sizeof *circuit->types));
    OM_TRY(split(c, pair_columns, sizeof pair_columns / sizeof *pair_columns, circuit->pairs,
                 sizeof *circuit->pairs));
    OM_TRY(split(c, tap_columns, sizeof tap_columns / sizeof *tap_columns, circuit->taps,
                 sizeof *circuit->taps));
    c->of[OM_CIRCUIT_INPUT] = circuit->inputs;
    c->of[OM_CIRCUIT_OUTPUT] = circuit->outputs;
    char(*source)[OM_NAME_BYTES], (*target)[OM_NAME_BYTES];
    OM_TRY(provide(c, OM_PARAMS_SOURCE, &source));
    OM_TRY(provide(c, OM_PARAMS_TARGET, &target));
    for (int i = 0; i < circuit->n_pairs; i++) {
        memcpy(source[i], circuit->types[circuit->pairs[i].source].name, OM_NAME_BYTES);
        memcpy(target[i], circuit->types[circuit->pairs[i].target].name, OM_NAME_BYTES);
    }
    return OM_OK;
}

/* Coordinates that only count. */
static om_status fill_counts(contents *c)
{
    static const om_field counted[] = {
        OM_MODEL_AXIS,  OM_HISTORY_MODEL,    OM_VALIDATION_MODEL, OM_PARAMS_MODEL, OM_RANKING_MODEL,
        OM_PARAMS_PAIR, OM_PARAMS_PARAMETER, OM_PARAMS_CHANNEL,   OM_CIRCUIT_PAIR, OM_CIRCUIT_TAP,
    };
    for (size_t k = 0; k < sizeof counted / sizeof *counted; k++) {
        int32_t *number = NULL;
        OM_TRY(provide(c, counted[k], &number));
        for (size_t i = 0; i < count_of(c, counted[k]); i++) number[i] = (int32_t)i;
    }
    return OM_OK;
}

static om_status fill_curves(contents *c)
{
    const om_store_plan *plan = c->plan;
    uint64_t *record = NULL, *check = NULL;
    char(*scene)[OM_SCENE_NAME_BYTES] = NULL;
    OM_TRY(provide(c, OM_HISTORY_RECORD, &record));
    OM_TRY(provide(c, OM_VALIDATION_CHECK, &check));
    OM_TRY(provide(c, OM_VALIDATION_SCENE, &scene));
    for (int i = 0; i < plan->layout->n_records; i++)
        record[i] = om_record_iteration(plan->layout, plan->train, i);
    for (int i = 0; i < plan->layout->n_checks; i++)
        check[i] = om_check_iteration(plan->layout, plan->train, i);
    int n = 0;
    for (int i = 0; i < plan->scenes->n_sequences && n < plan->layout->n_scenes; i++)
        if (plan->scenes->sequences[i].validation)
            memcpy(scene[n++], plan->scenes->sequences[i].name, OM_SCENE_NAME_BYTES);
    if (n == plan->layout->n_scenes) return OM_OK;
    return om_fail(OM_EUSAGE, "%d validation scenes, but the layout is for %d", n,
                   plan->layout->n_scenes);
}

/* The live tables start as "nobody has begun". */
static om_status fill_live(contents *c)
{
    uint64_t *seed = NULL;
    int32_t *worker = NULL, *place = NULL;
    double *zero = NULL;
    OM_TRY(provide(c, OM_MODEL_SEED, &seed));
    OM_TRY(provide(c, OM_MODEL_WORKER, &worker));
    OM_TRY(provide(c, OM_RANKING_PLACE, &place));
    OM_TRY(provide(c, OM_MODEL_SECONDS, &zero));
    for (size_t i = 0; i < c->sizes.model; i++) {
        seed[i] = c->plan->seed;
        worker[i] = place[i] = -1;
    }
    OM_TRY(provide(c, OM_RUN_STARTED, &zero));
    OM_TRY(provide(c, OM_RUN_UPDATED, &zero));
    return provide(c, OM_RUN_RATE, &zero);
}

static om_sizes plan_sizes(const om_store_plan *plan)
{
    om_sizes sizes = om_sizes_of(plan->layout, plan->n_models);
    sizes.tap = (size_t)plan->circuit->n_taps;
    sizes.input = (size_t)plan->circuit->n_inputs;
    sizes.output = (size_t)plan->circuit->n_outputs;
    return sizes;
}

static om_status check_plan(const char *path, const om_store_plan *plan)
{
    const om_layout *params = &plan->layout->params;
    if (plan->n_models < 1)
        return om_fail(OM_EDATA, "%s: %d models, expected at least 1", path, plan->n_models);
    if (params->n_types != plan->circuit->n_types || params->n_pairs != plan->circuit->n_pairs)
        return om_fail(OM_EUSAGE, "%s: layout of %d types and %d pairs, circuit of %d and %d", path,
                       params->n_types, params->n_pairs, plan->circuit->n_types,
                       plan->circuit->n_pairs);
    return OM_OK;
}

static om_status write_identity(om_h5 *file, const om_store_plan *plan)
{
    char created[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    const int32_t version = OM_STORE_VERSION;
    const om_h5_member format = {"format_version", OM_H5_I32, 0, 0};
    const om_identity self = {
        .seed = plan->seed,
        .circuit_checksum = plan->circuit->checksum,
        .scenes_checksum = plan->scenes->checksum,
        .n_models = plan->n_models,
        .real_bytes = sizeof(om_real),
    };
    OM_TRY(om_h5_set_text(file, "/", "format", OM_STORE_FORMAT));
    OM_TRY(om_h5_set_members(file, "/", &format, 1, &version));
    OM_TRY(om_h5_set_text(file, "/", "program_version", OM_VERSION));
    OM_TRY(om_h5_set_text(file, "/", "created", created));
    OM_TRY(om_h5_set_text(file, "/", "name", plan->name));
    OM_TRY(om_h5_set_text(file, "/", "spec", plan->spec_text));
    if (plan->imported_from != NULL)
        OM_TRY(om_h5_set_text(file, "/", "imported_from", plan->imported_from));
    return om_h5_set_members(file, "/", om_schema_identity.items, om_schema_identity.n, &self);
}

/* What the numbers of choices mean, for whoever reads the file without this program. */
static om_status write_choices(om_h5 *file)
{
    om_text text = {0};
    om_schema_describe_choices(&text);
    om_status status = text.failed ? om_fail(OM_ENOMEM, "out of memory")
                                   : om_h5_set_text(file, "/options", "choices", text.data);
    om_text_free(&text);
    return status;
}

static om_status write_attributes(om_h5 *file, const om_store_plan *plan)
{
    const om_h5_member films = {"scenes_checksum", OM_H5_U64, offsetof(om_scenes, checksum), 0};
    OM_TRY(write_identity(file, plan));
    OM_TRY(om_h5_set_text(file, "/circuit", "name", plan->circuit->name));
    OM_TRY(om_h5_set_members(file, "/circuit", circuit_members,
                             sizeof circuit_members / sizeof *circuit_members, plan->circuit));
    OM_TRY(om_h5_set_text(file, "/validation", "selection",
                          plan->train->selection == OM_LOSS_EPE ? "epe" : "l2norm"));
    OM_TRY(om_h5_set_members(file, "/validation", &films, 1, plan->scenes));
    OM_TRY(om_h5_set_members(file, "/validation", om_schema_baselines.items, om_schema_baselines.n,
                             plan->baselines));
    OM_TRY(om_h5_set_members(file, "/options", om_schema_options.items, om_schema_options.n,
                             plan->train));
    OM_TRY(write_choices(file));
    return om_h5_set_members(file, "/checkpoint", om_schema_layout.items, om_schema_layout.n,
                             plan->layout);
}

static om_status fill(contents *c)
{
    OM_TRY(fill_circuit(c));
    OM_TRY(fill_counts(c));
    OM_TRY(fill_curves(c));
    if (c->plan->imported_from != NULL) c->of[OM_MODEL_SOURCE] = c->plan->sources;
    return fill_live(c);
}

static om_status write_all(om_h5 *file, const contents *c)
{
    for (int i = 0; om_schema_groups[i] != NULL; i++)
        OM_TRY(om_h5_group(file, om_schema_groups[i]));
    for (int f = 0; f < OM_N_FIELDS; f++) {
        size_t lengths[OM_H5_AXES];
        if (!om_schema_has((om_field)f, &c->sizes, c->plan->imported_from != NULL)) continue;
        om_schema_lengths(&om_schema[f], &c->sizes, lengths);
        OM_TRY(om_h5_add(file, &om_schema[f], lengths, c->of[f]));
    }
    return write_attributes(file, c->plan);
}

om_status om_store_create(const char *path, const om_store_plan *plan)
{
    OM_TRY(check_plan(path, plan));
    contents c = {.plan = plan, .sizes = plan_sizes(plan)};
    om_h5 *file = NULL;
    om_status status = fill(&c);
    if (status != OM_OK) goto done;
    status = om_h5_create(path, om_store_bytes(plan), &file);
    if (status != OM_OK) goto done;
    status = write_all(file, &c);
    if (status != OM_OK) goto done;
    status = om_h5_publish(file);
done:
    om_h5_close(file);
    for (int i = 0; i < c.n_owned; i++) om_free(c.owned[i]);
    return status;
}

uint64_t om_store_bytes(const om_store_plan *plan)
{
    enum {
        HEADER = 2048,
        HEADERS_ELSE = 32 * 1024
    }; /* of a dataset with its attributes; of groups */
    const contents c = {.plan = plan, .sizes = plan_sizes(plan)};
    uint64_t bytes = HEADERS_ELSE + strlen(plan->spec_text);
    for (int f = 0; f < OM_N_FIELDS; f++)
        bytes += HEADER + (uint64_t)count_of(&c, (om_field)f) * item_bytes((om_field)f);
    return bytes;
}
