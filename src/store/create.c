/* Creating a store: everything that the file will ever hold gets its name and its space here. */
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "store/contents.h"
#include "store/store_inside.h"

static const om_h5_member identity[] = {
    {"seed", OM_H5_U64, offsetof(om_identity, seed), 0},
    {"models", OM_H5_I32, offsetof(om_identity, n_models), 0},
    {"real_bytes", OM_H5_U32, offsetof(om_identity, real_bytes), 0},
    {"circuit_checksum", OM_H5_U64, offsetof(om_identity, circuit_checksum), 0},
    {"scenes_checksum", OM_H5_U64, offsetof(om_identity, scenes_checksum), 0},
};
const om_members om_schema_identity = {identity, sizeof identity / sizeof *identity};

/* What a circuit says of itself as attributes. */
static const om_h5_member circuit[] = {
    {"extent", OM_H5_I32, offsetof(om_circuit, extent), 0},
    {"columns", OM_H5_I32, offsetof(om_circuit, n_columns), 0},
    {"cells", OM_H5_I64, offsetof(om_circuit, n_cells), 0},
    {"edges", OM_H5_I64, offsetof(om_circuit, n_edges), 0},
    {"checksum", OM_H5_U64, offsetof(om_circuit, checksum), 0},
};
const om_members om_schema_circuit = {circuit, sizeof circuit / sizeof *circuit};

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
    if (plan->kernels != NULL) OM_TRY(om_h5_set_text(file, "/", "kernels", plan->kernels));
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
    OM_TRY(om_h5_set_members(file, "/circuit", om_schema_circuit.items, om_schema_circuit.n,
                             plan->circuit));
    OM_TRY(om_h5_set_text(file, "/validation", "selection",
                          plan->train->selection == OM_LOSS_EPE ? "epe" : "l2norm"));
    OM_TRY(om_h5_set_members(file, "/validation", &films, 1, plan->scenes));
    OM_TRY(om_h5_set_members(file, "/validation", om_schema_baselines.items, om_schema_baselines.n,
                             plan->baselines));
    OM_TRY(om_h5_set_members(file, "/options", om_schema_options.items, om_schema_options.n,
                             plan->train));
    if (plan->race.at[0] != '\0')
        OM_TRY(om_h5_set_members(file, "/options", om_schema_race.items, om_schema_race.n,
                                 &plan->race));
    OM_TRY(write_choices(file));
    return om_h5_set_members(file, "/checkpoint", om_schema_layout.items, om_schema_layout.n,
                             plan->layout);
}

static om_status write_all(om_h5 *file, const om_contents *c)
{
    for (int i = 0; om_schema_groups[i] != NULL; i++)
        OM_TRY(om_h5_group(file, om_schema_groups[i]));
    /* before the data, so that a file that is cut short keeps them; om_store_recognise() looks there */
    OM_TRY(write_attributes(file, c->plan));
    for (int f = 0; f < OM_N_FIELDS; f++) {
        size_t lengths[OM_H5_AXES];
        if (!om_schema_has((om_field)f, &c->sizes, c->plan->imported_from != NULL)) continue;
        om_schema_lengths(&om_schema[f], &c->sizes, lengths);
        OM_TRY(om_h5_add(file, &om_schema[f], lengths, c->of[f]));
    }
    return OM_OK;
}

om_status om_store_write_new(om_h5 *file, const om_store_plan *plan)
{
    om_contents c;
    om_status status = om_contents_begin(plan, &c);
    if (status == OM_OK) status = write_all(file, &c);
    om_contents_free(&c);
    return status;
}

om_status om_store_create(const char *path, const om_store_plan *plan)
{
    om_h5 *file = NULL;
    OM_TRY(check_plan(path, plan));
    OM_TRY(om_h5_create(path, om_store_bytes(plan), &file));
    om_status status = om_store_write_new(file, plan);
    if (status == OM_OK) status = om_h5_publish(file);
    om_h5_close(file);
    return status;
}

uint64_t om_store_bytes(const om_store_plan *plan)
{
    const om_sizes sizes = om_contents_sizes(plan);
    uint64_t bytes = OM_STORE_HEADERS_ELSE + strlen(plan->spec_text);
    for (int f = 0; f < OM_N_FIELDS; f++)
        bytes += OM_STORE_HEADER + om_contents_bytes((om_field)f, &sizes);
    return bytes;
}
