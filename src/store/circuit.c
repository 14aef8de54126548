/* The circuit that a store describes: read like any other form of the table, so that every rule that
 * holds for a circuit is checked, and compared with its checksum. */
#include "base/fail.h"
#include "base/memory.h"
#include "circuit/build.h"
#include "circuit/draft.h"
#include "store/store_inside.h"

/* The columns of /circuit. */
typedef struct table {
    const char (*type)[OM_NAME_BYTES];
    const int32_t *stride_u, *stride_v, *input, *output, *source, *target, *sign, *taps, *du, *dv;
    const double *count;
    const uint8_t *filled;
    size_t n_inputs, n_outputs, n_taps;
} table;

static om_status read_table(const om_store *store, table *t)
{
    const om_h5_data *data = store->data;
    const struct {
        om_field field;
        void *column;
    } columns[] = {
        {OM_CIRCUIT_STRIDE_U, &t->stride_u},
        {OM_CIRCUIT_STRIDE_V, &t->stride_v},
        {OM_CIRCUIT_INPUT, &t->input},
        {OM_CIRCUIT_OUTPUT, &t->output},
        {OM_CIRCUIT_SIGN, &t->sign},
        {OM_CIRCUIT_TAPS, &t->taps},
        {OM_CIRCUIT_DU, &t->du},
        {OM_CIRCUIT_DV, &t->dv},
        {OM_CIRCUIT_COUNT, &t->count},
        {OM_CIRCUIT_FILLED, &t->filled},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        OM_TRY(om_h5_read_new(&data[columns[i].field], columns[i].column));
    t->type = store->info.type_names;
    t->source = store->info.pair_source;
    t->target = store->info.pair_target;
    t->n_inputs = data[OM_CIRCUIT_INPUT].length[0];
    t->n_outputs = data[OM_CIRCUIT_OUTPUT].length[0];
    t->n_taps = data[OM_CIRCUIT_TAP].length[0];
    const om_field all[] = {OM_CIRCUIT_DU, OM_CIRCUIT_DV, OM_CIRCUIT_COUNT, OM_CIRCUIT_FILLED};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (data[all[i]].length[0] != t->n_taps)
            return om_fail(OM_EDATA, "%s: %s: has %zu taps of %zu", store->info.path,
                           om_schema[all[i]].path, data[all[i]].length[0], t->n_taps);
    return OM_OK;
}

static void free_table(table *t)
{
    const void *columns[] = {t->stride_u, t->stride_v, t->input, t->output, t->sign,
                             t->taps,     t->du,       t->dv,    t->count,  t->filled};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) om_free((void *)columns[i]);
}

/* Place of a type in a list, from 1; 0: it is not there. */
static int place_in(const int32_t *list, size_t n, int type)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == type) return (int)i + 1;
    return 0;
}

static om_status draw(om_draft *draft, const om_store_info *info, const table *t)
{
    for (int i = 0; i < info->n_types; i++) {
        om_roles roles = {
            {place_in(t->input, t->n_inputs, i), place_in(t->output, t->n_outputs, i)}};
        om_faults_place(&draft->faults, ": type %d", i);
        OM_TRY(om_draft_add_type(draft, t->type[i], t->stride_u[i], t->stride_v[i], roles));
    }
    size_t tap = 0;
    for (int p = 0; p < info->n_pairs; p++) {
        draft->position = p;
        om_faults_place(&draft->faults, ": pair %d", p);
        OM_TRY(
            om_draft_begin_pair(draft, t->type[t->source[p]], t->type[t->target[p]], t->sign[p]));
        for (int k = 0; k < t->taps[p] && tap < t->n_taps; k++, tap++)
            OM_TRY(om_draft_add_tap(draft, t->du[tap], t->dv[tap], t->count[tap],
                                    t->filled[tap] != 0));
        om_draft_end_pair(draft);
    }
    return OM_OK;
}

static om_status name_circuit(const om_store *store, om_circuit *circuit)
{
    char *name;
    OM_TRY(om_h5_get_text(store->file, "/circuit", "name", &name));
    om_status status = om_circuit_rename(circuit, name);
    om_free(name);
    return status;
}

om_status om_store_circuit(const om_store *store, int extent, om_circuit **circuit)
{
    const om_store_info *info = &store->info;
    const om_h5_member own = {.name = "extent", .type = OM_H5_I32};
    int32_t stored = 0;
    *circuit = NULL;
    if (extent != 0) OM_TRY(om_circuit_check_extent(extent));
    OM_TRY(om_h5_get_members(store->file, "/circuit", &own, 1, &stored));
    OM_TRY(om_circuit_check_extent(stored));
    table t = {0};
    om_draft draft;
    om_status status = read_table(store, &t);
    if (status != OM_OK) goto done;
    status = om_draft_begin(&draft, info->path, "pair");
    if (status == OM_OK) status = draw(&draft, info, &t);
    if (status == OM_OK) status = om_draft_finish(&draft, stored, circuit);
    om_draft_free(&draft);
    if (status == OM_OK && (*circuit)->checksum != info->circuit_checksum)
        status =
            om_fail(OM_EDATA, "%s: /circuit: does not have the checksum that it was stored with",
                    info->path);
    if (status == OM_OK) status = name_circuit(store, *circuit);
    if (status == OM_OK && extent != 0) om_circuit_instantiate(*circuit, extent);
    if (status != OM_OK) {
        om_circuit_free(*circuit);
        *circuit = NULL;
    }
done:
    free_table(&t);
    return status;
}
