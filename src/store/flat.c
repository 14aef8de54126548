/* A model as flat arrays: one entry for each cell and one for each connection between two cells, for
 * programs that know nothing of types, pairs and taps. Connections are written in blocks as they are
 * enumerated, so that a large lattice takes no more memory than a small one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/store_inside.h"

#define FLAT_FORMAT "ommatid flat model"
enum { FLAT_VERSION = 1, BLOCK = 65536 };

/* clang-format off */
enum { TYPE, CELL, CELL_TYPE, U, V, RESTING_POTENTIAL, TIME_CONSTANT, SOURCE, TARGET, WEIGHT, N_FIELDS };
static const om_h5_field fields[N_FIELDS] = {
    [TYPE] = {"/type", OM_H5_TEXT, {"type"}, OM_NAME_BYTES, NULL, "cell type", NULL},
    [CELL] = {"/cell", OM_H5_I32, {"cell"}, 0, "1", "number of the cell: type by type, in each by column, u-major, then v", NULL},
    [CELL_TYPE] = {"/cell_type", OM_H5_I32, {"cell"}, 0, "1", "number of the cell's type", "u v"},
    [U] = {"/u", OM_H5_I32, {"cell"}, 0, "column", "axial coordinate u of the cell's column", NULL},
    [V] = {"/v", OM_H5_I32, {"cell"}, 0, "column", "axial coordinate v of the cell's column", NULL},
    [RESTING_POTENTIAL] = {"/resting_potential", OM_H5_REAL, {"cell"}, 0, "1", "resting potential", "u v"},
    [TIME_CONSTANT] = {"/time_constant", OM_H5_REAL, {"cell"}, 0, "s", "time constant; in steps longer than it, it acts as the step", "u v"},
    [SOURCE] = {"/source", OM_H5_I32, {"connection"}, 0, "1", "number of the presynaptic cell", NULL},
    [TARGET] = {"/target", OM_H5_I32, {"connection"}, 0, "1", "number of the postsynaptic cell", NULL},
    [WEIGHT] = {"/weight", OM_H5_REAL, {"connection"}, 0, "1", "sign times synapses times strength: what the target receives for an activity of 1", NULL},
};
/* clang-format on */

typedef struct flat {
    const om_store_info *info;
    const om_circuit *circuit;
    om_layout layout;
    om_real *params;
    int32_t *numbers; /* [n_types][n_columns] of cells; -1: the type has none there */
    int *u, *v;       /* [n_columns] */
    om_h5 *file;
    om_h5_data data[N_FIELDS]; /* of connections, while they are written */
    int32_t *source, *target;  /* [BLOCK] */
    om_real *weight;
    size_t n_block, n_written;
} flat;

static om_status number_cells(flat *f)
{
    const om_circuit *c = f->circuit;
    size_t columns = (size_t)c->n_columns;
    int32_t next = 0;
    OM_TRY(om_alloc(columns, sizeof *f->u, &f->u));
    OM_TRY(om_alloc(columns, sizeof *f->v, &f->v));
    OM_TRY(om_alloc((size_t)c->n_types * columns, sizeof *f->numbers, &f->numbers));
    for (int i = 0; i < c->n_columns; i++) om_lattice_coordinates(c->extent, i, &f->u[i], &f->v[i]);
    for (int t = 0; t < c->n_types; t++)
        for (int i = 0; i < c->n_columns; i++)
            f->numbers[(size_t)t * columns + (size_t)i] =
                om_circuit_has_cell(c, t, f->u[i], f->v[i]) ? next++ : -1;
    return OM_OK;
}

/* --- cells ----------------------------------------------------------------------------------- */

/* What a cell has under a field. */
static void cell_value(const flat *f, int field, int type, int column, int32_t cell, void *out)
{
    const int32_t integers[] = {
        [CELL] = cell, [CELL_TYPE] = type, [U] = f->u[column], [V] = f->v[column]};
    if (field <= V) {
        memcpy(out, &integers[field], sizeof *integers);
        return;
    }
    size_t at = field == TIME_CONSTANT ? f->layout.time_constant : f->layout.resting_potential;
    memcpy(out, &f->params[at + (size_t)type], sizeof *f->params);
}

static om_status write_cells(flat *f, int field)
{
    const om_circuit *c = f->circuit;
    size_t n = (size_t)c->n_cells, bytes = om_h5_type_bytes(fields[field].type);
    char *values = NULL;
    OM_TRY(om_alloc(n, bytes, &values));
    for (int t = 0; t < c->n_types; t++)
        for (int i = 0; i < c->n_columns; i++) {
            int32_t cell = f->numbers[(size_t)t * (size_t)c->n_columns + (size_t)i];
            if (cell >= 0) cell_value(f, field, t, i, cell, values + (size_t)cell * bytes);
        }
    om_status status = om_h5_add(f->file, &fields[field], &n, values);
    om_free(values);
    return status;
}

/* --- connections ----------------------------------------------------------------------------- */

static om_status flush(flat *f)
{
    const void *blocks[] = {f->source, f->target, f->weight};
    for (int k = 0; k < 3 && f->n_block > 0; k++)
        OM_TRY(om_h5_write_rows(&f->data[SOURCE + k], f->n_written, f->n_block, blocks[k]));
    f->n_written += f->n_block;
    f->n_block = 0;
    return OM_OK;
}

static om_status write_tap(flat *f, const om_pair *pair, const om_tap *tap, om_real weight)
{
    const om_circuit *c = f->circuit;
    const int32_t *sources = f->numbers + (size_t)pair->source * (size_t)c->n_columns;
    const int32_t *targets = f->numbers + (size_t)pair->target * (size_t)c->n_columns;
    for (int i = 0; i < c->n_columns; i++) {
        int to = om_lattice_index(c->extent, f->u[i] + tap->du, f->v[i] + tap->dv);
        if (to < 0 || sources[i] < 0 || targets[to] < 0) continue;
        if (f->n_block == BLOCK) OM_TRY(flush(f));
        f->source[f->n_block] = sources[i];
        f->target[f->n_block] = targets[to];
        f->weight[f->n_block++] = weight;
    }
    return OM_OK;
}

static om_status write_connections(flat *f)
{
    const om_circuit *c = f->circuit;
    size_t n = (size_t)c->n_edges;
    OM_TRY(om_alloc(BLOCK, sizeof *f->source, &f->source));
    OM_TRY(om_alloc(BLOCK, sizeof *f->target, &f->target));
    OM_TRY(om_alloc(BLOCK, sizeof *f->weight, &f->weight));
    for (int field = SOURCE; field <= WEIGHT; field++) {
        OM_TRY(om_h5_add(f->file, &fields[field], &n, NULL));
        OM_TRY(om_h5_find(f->file, &fields[field], &n, &f->data[field]));
    }
    for (int p = 0; p < c->n_pairs; p++) {
        const om_pair *pair = &c->pairs[p];
        double alpha = (double)f->params[f->layout.strength + (size_t)p];
        for (int k = pair->first_tap; k < pair->first_tap + pair->n_taps; k++)
            OM_TRY(
                write_tap(f, pair, &c->taps[k], (om_real)(pair->sign * c->taps[k].count * alpha)));
    }
    return flush(f);
}

/* --- the file -------------------------------------------------------------------------------- */

static om_status write_attributes(const flat *f, int model)
{
    const int32_t numbers[] = {FLAT_VERSION, model, f->circuit->extent};
    const om_h5_member members[] = {
        {.name = "format_version", .type = OM_H5_I32, .offset = 0},
        {.name = "model", .type = OM_H5_I32, .offset = sizeof *numbers},
        {.name = "extent", .type = OM_H5_I32, .offset = 2 * sizeof *numbers},
    };
    OM_TRY(om_h5_set_text(f->file, "/", "format", FLAT_FORMAT));
    OM_TRY(om_h5_set_members(f->file, "/", members, 3, numbers));
    OM_TRY(om_h5_set_text(f->file, "/", "program_version", OM_VERSION));
    OM_TRY(om_h5_set_text(f->file, "/", "name", f->info->name));
    OM_TRY(om_h5_set_text(f->file, "/", "circuit", f->circuit->name));
    if (f->info->sources == NULL) return OM_OK;
    return om_h5_set_text(f->file, "/", "source_file", f->info->sources[model]);
}

static om_status write_types(const flat *f)
{
    const om_circuit *c = f->circuit;
    size_t n = (size_t)c->n_types;
    char(*names)[OM_NAME_BYTES] = NULL;
    OM_TRY(om_alloc(n, sizeof *names, &names));
    for (size_t i = 0; i < n; i++) memcpy(names[i], c->types[i].name, sizeof *names);
    om_status status = om_h5_add(f->file, &fields[TYPE], &n, names);
    om_free(names);
    return status;
}

static om_status write_file(flat *f, int model, bool replace, const char *path)
{
    enum { PER_CELL = 32, PER_CONNECTION = 8 + sizeof(om_real), PER_TYPE = 64, ELSE = 65536 };
    const om_circuit *c = f->circuit;
    uint64_t bytes = ELSE + (uint64_t)c->n_cells * PER_CELL +
                     (uint64_t)c->n_edges * PER_CONNECTION + (uint64_t)c->n_types * PER_TYPE;
    OM_TRY(replace ? om_h5_create_over(path, bytes, &f->file)
                   : om_h5_create(path, bytes, &f->file));
    om_status status = write_attributes(f, model);
    if (status == OM_OK) status = write_types(f);
    for (int i = CELL; i <= TIME_CONSTANT && status == OM_OK; i++) status = write_cells(f, i);
    if (status == OM_OK) status = write_connections(f);
    for (int i = SOURCE; i <= WEIGHT; i++) om_h5_release(&f->data[i]);
    if (status == OM_OK) status = om_h5_publish(f->file);
    om_h5_close(f->file);
    return status;
}

/* Best parameters of a model that has some. */
static om_status read_params(flat *f, om_store *store, int model)
{
    om_real mean[OM_HIDDEN], var[OM_HIDDEN];
    f->layout = f->info->layout.params;
    OM_TRY(om_alloc(f->layout.n_params, sizeof *f->params, &f->params));
    OM_TRY(om_store_read_params(store, model, f->params, mean, var));
    if (isfinite(f->params[f->layout.resting_potential])) return OM_OK;
    return om_fail(OM_EDATA, "%s: model %d has no parameters yet: it was never checked",
                   f->info->path, model);
}

/* The synapse counts that the model was trained with, in place of the measured ones. */
static om_status use_own_counts(om_store *store, int model, om_circuit *circuit)
{
    om_train_options options;
    uint32_t stream;
    double *counts = NULL;
    memset(&options, 0, sizeof options);
    OM_TRY(om_h5_get_members(store->file, "/options", om_schema_options.items, om_schema_options.n,
                             &options));
    OM_TRY(om_store_read_stream(store, model, &stream));
    OM_TRY(om_alloc((size_t)circuit->n_taps, sizeof *counts, &counts));
    om_circuit_draw_counts(circuit, options.model.count_spread, store->info.seed, stream, counts);
    for (int i = 0; i < circuit->n_taps; i++) circuit->taps[i].count = counts[i];
    om_free(counts);
    return OM_OK;
}

om_status om_store_flatten(om_store *store, int model, int extent, bool replace, const char *path)
{
    om_circuit *circuit;
    OM_TRY(om_store_check_model(store, model));
    OM_TRY(om_store_circuit(store, extent, &circuit));
    flat f = {.info = &store->info, .circuit = circuit};
    om_status status = use_own_counts(store, model, circuit);
    if (status == OM_OK) status = read_params(&f, store, model);
    if (status == OM_OK) status = number_cells(&f);
    if (status == OM_OK) status = write_file(&f, model, replace, path);
    om_free(f.params);
    om_free(f.numbers);
    om_free(f.u);
    om_free(f.v);
    om_free(f.source);
    om_free(f.target);
    om_free(f.weight);
    om_circuit_free(circuit);
    return status;
}
