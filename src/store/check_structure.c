/* Proving what never changes in a store: attributes, layout, circuit, coordinates. All of it follows from a
 * few of them, so it is made anew and compared. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_check.h"
#include "store/contents.h"
#include "store/store_inside.h"

static const char COPY[] = "a copy of the store; states and their numbers are not concerned";

static om_finding damage(const char *where, int64_t at)
{
    return (om_finding){true, -1, where, at, COPY, ""};
}

/* The message of the last failure: its first line, without the file's name. */
static const char *reason(const om_store *store)
{
    static char text[OM_FINDING_BYTES];
    const char *message = om_message();
    const size_t path = strlen(store->info.path);
    if (strncmp(message, store->info.path, path) == 0 && strncmp(message + path, ": ", 2) == 0)
        message += path + 2;
    snprintf(text, sizeof text, "%.*s", (int)strcspn(message, "\n"), message);
    return text;
}

static om_status expect_text(om_store *store, om_findings *f, const char *object, const char *name,
                             const char *expected)
{
    char *text = NULL;
    om_status status = om_h5_get_text(store->file, object, name, &text);
    if (status == OM_ENOMEM) return status;
    if (status != OM_OK)
        om_findings_add(f, damage(object, -1), "%s", reason(store));
    else if (strcmp(text, expected) != 0)
        om_findings_add(f, damage(object, -1), "attribute '%s' is '%.80s', expected '%.80s'", name,
                        text, expected);
    om_free(text);
    return OM_OK;
}

/* What datasets say of themselves. */
static om_status check_labels(om_store *store, om_findings *f)
{
    for (int i = 0; i < OM_N_FIELDS; i++) {
        const om_h5_field *field = &om_schema[i];
        if (store->data[i].id == 0) continue;
        OM_TRY(expect_text(store, f, field->path, "long_name", field->description));
        if (field->unit != NULL) OM_TRY(expect_text(store, f, field->path, "units", field->unit));
        if (field->coordinates != NULL)
            OM_TRY(expect_text(store, f, field->path, "coordinates", field->coordinates));
        if (field->type == OM_H5_TEXT)
            OM_TRY(expect_text(store, f, field->path, "_Encoding", "utf-8"));
    }
    om_text choices = {0};
    om_schema_describe_choices(&choices);
    om_status status = choices.failed ? om_fail(OM_ENOMEM, "out of memory")
                                      : expect_text(store, f, "/options", "choices", choices.data);
    om_text_free(&choices);
    return status;
}

/* Members of a structure as the store has them, against what they have to be. */
static om_status expect_members(om_store *store, om_findings *f, const char *object,
                                const om_members *members, void *found, const void *expected)
{
    om_difference d;
    om_status status = om_h5_get_members(store->file, object, members->items, members->n, found);
    if (status == OM_ENOMEM) return status;
    if (status != OM_OK)
        om_findings_add(f, damage(object, -1), "%s", reason(store));
    else if (om_members_differ(members, found, expected, &d))
        om_findings_add(f, damage(object, -1), "attribute '%s' is %s, expected %s", d.name, d.found,
                        d.expected);
    return OM_OK;
}

static om_status check_films(om_store *store, om_findings *f)
{
    static const om_h5_member member = {"scenes_checksum", OM_H5_U64, 0, 0};
    static const om_members members = {&member, 1};
    uint64_t found = 0;
    return expect_members(store, f, "/validation", &members, &found, &store->info.scenes_checksum);
}

/* The first byte in which a dataset differs from what it has to hold. */
static om_status expect_data(om_store *store, om_findings *f, om_field field, const void *expected)
{
    const om_h5_data *data = &store->data[field];
    const size_t bytes = om_h5_data_bytes(data);
    char *found = NULL;
    uint64_t offset = 0;
    OM_TRY(om_h5_read_new(data, &found));
    om_status status = om_h5_offset(data, &offset);
    size_t i = 0;
    while (i < bytes && found[i] == ((const char *)expected)[i]) i++;
    om_free(found);
    if (status == OM_OK && i < bytes)
        om_findings_add(f, damage(data->field->path, (int64_t)(offset + i)),
                        "entry %zu is not what circuit and options make it",
                        i / (data->n_axes > 0 ? data->item_bytes : bytes));
    return status;
}

static om_status check_contents(om_store *store, om_findings *f, const om_store_plan *plan)
{
    om_contents contents;
    om_status status = om_contents_constant(plan, &contents);
    for (int i = 0; i < OM_N_FIELDS && status == OM_OK; i++) {
        const om_h5_data *data = &store->data[i];
        if (contents.of[i] == NULL || data->id == 0) continue;
        if (om_h5_data_bytes(data) != om_contents_bytes((om_field)i, &contents.sizes))
            om_findings_add(f, damage(data->field->path, -1),
                            "has another length than the circuit");
        else
            status = expect_data(store, f, (om_field)i, contents.of[i]);
        if (status == OM_EIO || status == OM_EDATA) {
            om_findings_add(f, damage(data->field->path, -1), "%s", reason(store));
            status = OM_OK;
        }
    }
    om_contents_free(&contents);
    return status;
}

/* The layout that circuit and options make; what it needs to know of the films is in the layout. */
static om_status make_layout(const om_store *store, const om_circuit *circuit,
                             const om_train_options *options, om_state_layout *layout)
{
    const om_state_layout *l = &store->info.layout;
    if (store->info.imported_from != NULL) {
        *layout = om_state_layout_of_trained(circuit, l->iterations);
        return OM_OK;
    }
    const uint64_t pass = l->iterations_per_pass, batch = (uint64_t)options->batch_size;
    const uint64_t wanted = om_train_iterations(options);
    /* what is damaged must neither overflow nor be counted for ever */
    if (options->batch_size < 1 || pass < 1 || pass > INT32_MAX / batch ||
        options->record_every < 1 || wanted > l->iterations || l->iterations - wanted >= pass ||
        om_check_iteration(l, options, l->n_checks - 1) < l->iterations)
        return om_fail(OM_EDATA, "%s: attributes contradict those of /options", store->info.path);
    const om_scenes films = {.n_training = (int)(pass * batch), .n_validation = l->n_scenes};
    return om_state_layout_of(circuit, &films, options, layout);
}

static om_status check_made(om_store *store, om_findings *f, const om_circuit *circuit)
{
    om_train_options options;
    om_state_layout layout, found = store->info.layout;
    om_circuit stored = *circuit;
    OM_TRY(expect_members(store, f, "/circuit", &om_schema_circuit, &stored, circuit));
    om_status status = om_store_read_options(store, &options);
    if (status == OM_ENOMEM) return status;
    if (status != OM_OK) {
        om_findings_add(f, damage("/options", -1), "%s", reason(store));
        return OM_OK;
    }
    status = make_layout(store, circuit, &options, &layout);
    if (status != OM_OK) {
        om_findings_add(f, damage("/checkpoint", -1), "%s", reason(store));
        return OM_OK;
    }
    OM_TRY(expect_members(store, f, "/checkpoint", &om_schema_layout, &found, &layout));
    om_difference d;
    if (om_members_differ(&om_schema_layout, &found, &layout, &d))
        return OM_OK; /* said above, and lengths follow from it */
    const om_store_plan plan = {.seed = store->info.seed,
                                .n_models = store->info.n_models,
                                .circuit = circuit,
                                .train = &options,
                                .layout = &layout};
    return check_contents(store, f, &plan);
}

om_status om_check_structure(om_store *store, om_findings *findings, om_circuit **circuit)
{
    OM_TRY(check_labels(store, findings));
    OM_TRY(check_films(store, findings));
    om_status status = om_store_circuit(store, 0, circuit);
    if (status == OM_ENOMEM) return status;
    if (status == OM_OK) return check_made(store, findings, *circuit);
    om_findings_add(findings, damage("/circuit", -1), "%s", reason(store));
    return OM_OK;
}
