/* Reads a connectome in the JSON form in which the paper's software publishes it, and fills the
 * hulls of its pairs. Members that do not say what is wired to what (activations, references,
 * certainties) are passed over. docs/circuits.md describes the form. */
#include "circuit/build.h"
#include "circuit/draft.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

/* Member `key` of an object if it is an array, otherwise NULL and a fault. */
static json_t *need_array(om_draft *draft, const json_t *object, const char *key)
{
    json_t *array = json_object_get(object, key);
    if (json_is_array(array)) return array;
    om_faults_add(&draft->faults, "\"%s\": %s", key,
                  array == NULL ? "missing" : "expected an array [...]");
    return NULL;
}

/* The same for text. */
static const char *need_text(om_draft *draft, const json_t *object, const char *key)
{
    const json_t *text = json_object_get(object, key);
    if (json_is_string(text)) return json_string_value(text);
    om_faults_add(&draft->faults, "\"%s\": %s", key, text == NULL ? "missing" : "expected text");
    return NULL;
}

/* The two integers of [a, b]. */
static bool two_integers(const json_t *array, int64_t out[2])
{
    if (!json_is_array(array) || json_array_size(array) != 2) return false;
    for (size_t i = 0; i < 2; i++) {
        if (!json_is_integer(json_array_get(array, i))) return false;
        out[i] = json_integer_value(json_array_get(array, i));
    }
    return true;
}

/* Place from 1 of `name` in a list of names; 0 where it is not. */
static int place_in(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    int place = 0;
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item)) continue;
        place++;
        if (strcmp(json_string_value(item), name) == 0) return place;
    }
    return 0;
}

/* {"name": NAME, "pattern": ["stride", [su, sv]], ...} */
static om_status read_node(om_draft *draft, const json_t *node, const json_t *inputs,
                           const json_t *outputs)
{
    if (!json_is_object(node)) {
        om_faults_add(&draft->faults, "expected an object {...}");
        return OM_OK;
    }
    const char *name = need_text(draft, node, "name");
    if (name == NULL) return OM_OK;
    const json_t *pattern = json_object_get(node, "pattern");
    const char *kind = json_string_value(json_array_get(pattern, 0));
    int64_t stride[2] = {1, 1};
    char shown[OM_SHOWN_BYTES];
    if (kind == NULL || strcmp(kind, "stride") != 0 || json_array_size(pattern) != 2 ||
        !two_integers(json_array_get(pattern, 1), stride)) {
        om_faults_add(&draft->faults, "type %s: \"pattern\": expected [\"stride\", [SU, SV]]",
                      om_shown(name, shown));
    }
    om_roles roles = {{place_in(inputs, name), place_in(outputs, name)}};
    return om_draft_add_type(draft, name, stride[0], stride[1], roles);
}

/* [[du, dv], count] */
static om_status read_offset(om_draft *draft, const json_t *offset)
{
    int64_t at[2];
    const json_t *count = json_array_get(offset, 1);
    if (!json_is_array(offset) || json_array_size(offset) != 2 || !json_is_number(count) ||
        !two_integers(json_array_get(offset, 0), at)) {
        draft->pair_taps++;
        om_faults_add(&draft->faults,
                      "pair %s: offset number %d: expected [[DU, DV], COUNT], two integers and a "
                      "number",
                      draft->pair_name, draft->pair_taps - 1);
        return OM_OK;
    }
    return om_draft_add_tap(draft, at[0], at[1], json_number_value(count), false);
}

/* {"src": NAME, "tar": NAME, "alpha": 1 or -1, "offsets": [...], ...} */
static om_status read_edge(om_draft *draft, const json_t *edge)
{
    if (!json_is_object(edge)) {
        om_faults_add(&draft->faults, "expected an object {...}");
        return OM_OK;
    }
    const char *source = need_text(draft, edge, "src"), *target = need_text(draft, edge, "tar");
    if (source == NULL || target == NULL) return OM_OK;
    const json_t *alpha = json_object_get(edge, "alpha");
    double sign = json_number_value(alpha);
    OM_TRY(om_draft_begin_pair(draft, source, target, sign > 0 ? 1 : -1));
    if (!json_is_number(alpha) || fabs(sign) != 1)
        om_faults_add(&draft->faults, "pair %s: \"alpha\" is the sign: expected 1 or -1",
                      draft->pair_name);
    const json_t *offsets = need_array(draft, edge, "offsets");
    if (offsets == NULL) return OM_OK;
    size_t i;
    json_t *offset;
    json_array_foreach(offsets, i, offset) OM_TRY(read_offset(draft, offset));
    om_draft_end_pair(draft);
    return om_draft_fill_hull(draft);
}

/* A list of names of types: each known, none twice. */
static void check_units(om_draft *draft, const char *key, const json_t *units)
{
    size_t i;
    json_t *unit;
    json_array_foreach(units, i, unit)
    {
        om_faults_place(&draft->faults, ": %s[%zu]", key, i);
        const char *name = json_string_value(unit);
        if (name == NULL) {
            om_faults_add(&draft->faults, "expected the name of a type");
            continue;
        }
        int type = om_draft_find_type(draft, key, name);
        for (size_t j = 0; type >= 0 && j < i; j++) {
            const char *other = json_string_value(json_array_get(units, j));
            if (other == NULL || strcmp(other, name) != 0) continue;
            om_faults_add(&draft->faults, "type %s is given twice", name);
            break;
        }
    }
}

static om_status read_connectome(om_draft *draft, const json_t *root)
{
    if (!json_is_object(root)) {
        om_faults_add(&draft->faults, "expected an object with nodes and edges");
        return om_faults_outcome(&draft->faults);
    }
    const json_t *nodes = need_array(draft, root, "nodes"),
                 *edges = need_array(draft, root, "edges");
    const json_t *inputs = need_array(draft, root, "input_units");
    const json_t *outputs = need_array(draft, root, "output_units");
    size_t i;
    json_t *item;
    json_array_foreach(nodes, i, item)
    {
        om_faults_place(&draft->faults, ": nodes[%zu]", i);
        OM_TRY(read_node(draft, item, inputs, outputs));
    }
    check_units(draft, "input_units", inputs);
    check_units(draft, "output_units", outputs);
    json_array_foreach(edges, i, item)
    {
        om_faults_place(&draft->faults, ": edges[%zu]", i);
        draft->position = (int)i;
        OM_TRY(read_edge(draft, item));
    }
    return OM_OK;
}

/* A connectome in this form has no name: it gets that of its file. */
static void name_after_file(om_circuit *circuit, const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    size_t length = strlen(base), most = sizeof circuit->name - 1;
    if (length > 5 && strcmp(base + length - 5, ".json") == 0) length -= 5;
    if (length > most) length = most;
    for (size_t i = 0; i < length; i++) {
        bool fits = base[i] > ' ' && base[i] < 0x7f && strchr("#,\"", base[i]) == NULL;
        circuit->name[i] = fits ? base[i] : '_';
    }
    circuit->name[length] = '\0';
}

om_status om_circuit_parse_json(const char *name, const char *text, int extent,
                                om_circuit **circuit)
{
    *circuit = NULL;
    OM_TRY(om_circuit_check_extent(extent));
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return om_fail(OM_EDATA, "%s:%d:%d: %s", name, error.line, error.column, error.text);
    om_draft draft;
    om_status status = om_draft_begin(&draft, name, "edge number");
    if (status == OM_OK) status = read_connectome(&draft, root);
    if (status == OM_OK) status = om_draft_finish(&draft, extent, circuit);
    if (status == OM_OK) name_after_file(*circuit, name);
    json_decref(root);
    om_draft_free(&draft);
    return status;
}
