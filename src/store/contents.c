/* What a store holds when it is new. Most of it never changes again: the circuit, and coordinates. */
#include "store/contents.h"

#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

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

static size_t items(om_field field, const om_sizes *sizes)
{
    size_t lengths[OM_H5_AXES], n = 1;
    om_schema_lengths(&om_schema[field], sizes, lengths);
    for (int i = 0; i < OM_H5_AXES && om_schema[field].axes[i] != NULL; i++) n *= lengths[i];
    return n;
}

size_t om_contents_bytes(om_field field, const om_sizes *sizes)
{
    return items(field, sizes) * item_bytes(field);
}

static size_t count_of(const om_contents *c, om_field field) { return items(field, &c->sizes); }

/* Zeroed memory for all of a field. */
static om_status provide(om_contents *c, om_field field, void *out)
{
    void *memory = NULL;
    OM_TRY(om_alloc(count_of(c, field), item_bytes(field), &memory));
    c->owned[c->n_owned++] = memory;
    c->of[field] = memory;
    memcpy(out, &memory, sizeof memory);
    return OM_OK;
}

static om_status split(om_contents *c, const column *columns, size_t n_columns, const void *items,
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

static om_status fill_circuit(om_contents *c)
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
static om_status fill_counts(om_contents *c)
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

static om_status fill_curves(om_contents *c)
{
    const om_store_plan *plan = c->plan;
    uint64_t *record = NULL, *check = NULL;
    OM_TRY(provide(c, OM_HISTORY_RECORD, &record));
    OM_TRY(provide(c, OM_VALIDATION_CHECK, &check));
    for (int i = 0; i < plan->layout->n_records; i++)
        record[i] = om_record_iteration(plan->layout, plan->train, i);
    for (int i = 0; i < plan->layout->n_checks; i++)
        check[i] = om_check_iteration(plan->layout, plan->train, i);
    return OM_OK;
}

static om_status fill_scenes(om_contents *c)
{
    const om_store_plan *plan = c->plan;
    char(*scene)[OM_SCENE_NAME_BYTES] = NULL;
    int n = 0;
    OM_TRY(provide(c, OM_VALIDATION_SCENE, &scene));
    for (int i = 0; i < plan->scenes->n_sequences && n < plan->layout->n_scenes; i++)
        if (plan->scenes->sequences[i].validation)
            memcpy(scene[n++], plan->scenes->sequences[i].name, OM_SCENE_NAME_BYTES);
    if (n == plan->layout->n_scenes) return OM_OK;
    return om_fail(OM_EUSAGE, "%d validation scenes, but the layout is for %d", n,
                   plan->layout->n_scenes);
}

/* The live tables start as "nobody has begun". */
static om_status fill_live(om_contents *c)
{
    int32_t *worker = NULL, *place = NULL;
    uint32_t *stream = NULL;
    double *zero = NULL;
    OM_TRY(provide(c, OM_MODEL_STREAM, &stream));
    for (size_t i = 0; i < c->sizes.model; i++) stream[i] = (uint32_t)i;
    OM_TRY(provide(c, OM_MODEL_WORKER, &worker));
    OM_TRY(provide(c, OM_RANKING_PLACE, &place));
    OM_TRY(provide(c, OM_MODEL_SECONDS, &zero));
    for (size_t i = 0; i < c->sizes.model; i++) worker[i] = place[i] = -1;
    OM_TRY(provide(c, OM_RUN_STARTED, &zero));
    OM_TRY(provide(c, OM_RUN_UPDATED, &zero));
    return provide(c, OM_RUN_RATE, &zero);
}

static om_status fill_seeds(om_contents *c)
{
    uint64_t *seed = NULL;
    OM_TRY(provide(c, OM_MODEL_SEED, &seed));
    for (size_t i = 0; i < c->sizes.model; i++) seed[i] = c->plan->seed;
    return OM_OK;
}

om_sizes om_contents_sizes(const om_store_plan *plan)
{
    om_sizes sizes = om_sizes_of(plan->layout, plan->n_models);
    sizes.tap = (size_t)plan->circuit->n_taps;
    sizes.input = (size_t)plan->circuit->n_inputs;
    sizes.output = (size_t)plan->circuit->n_outputs;
    return sizes;
}

om_status om_contents_constant(const om_store_plan *plan, om_contents *c)
{
    *c = (om_contents){.plan = plan, .sizes = om_contents_sizes(plan)};
    OM_TRY(fill_circuit(c));
    OM_TRY(fill_counts(c));
    OM_TRY(fill_seeds(c));
    return fill_curves(c);
}

om_status om_contents_begin(const om_store_plan *plan, om_contents *c)
{
    OM_TRY(om_contents_constant(plan, c));
    OM_TRY(fill_scenes(c));
    if (plan->imported_from != NULL) c->of[OM_MODEL_SOURCE] = plan->sources;
    return fill_live(c);
}

void om_contents_free(om_contents *c)
{
    for (int i = 0; i < c->n_owned; i++) om_free(c->owned[i]);
}
