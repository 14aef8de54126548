/* What a spec says of its circuit, once that is open; and where in the spec it says so. */
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/fail.h"
#include "base/text.h"
#include "ommatid/om_spec.h"

/* Sets one stride of a list "TYPE, U, V; ..."; returns what follows it. */
static const char *next_stride(om_circuit *circuit, const char *text, om_status *status)
{
    char type[OM_NAME_BYTES], u[16], v[16];
    int64_t stride[2];
    int length = 0;
    if (sscanf(text, "%31[^,], %15[^,], %15[^;]%n", type, u, v, &length) == 3 &&
        om_parse_int(u, &stride[0]) && om_parse_int(v, &stride[1]))
        *status = om_circuit_set_stride(circuit, type, stride[0], stride[1]);
    else
        *status = om_fail(OM_EDATA, "'%s': expected TYPE, U, V", text);
    return text + length + strspn(text + length, "; ");
}

static om_status set_strides(om_circuit *circuit, const char *strides)
{
    om_status status = OM_OK;
    for (const char *at = strides; status == OM_OK && *at != '\0';)
        at = next_stride(circuit, at, &status);
    return status == OM_OK ? OM_OK : om_context(status, "circuit.stride");
}

om_status om_spec_circuit(const om_spec *spec, om_circuit **circuit)
{
    OM_TRY(om_circuit_open(spec->circuit, spec->extent, circuit));
    om_status status = set_strides(*circuit, spec->strides);
    if (status == OM_OK)
        status = om_circuit_control(*circuit, &spec->train.model.controls, spec->seed);
    if (status == OM_OK) return OM_OK;
    om_circuit_free(*circuit);
    *circuit = NULL;
    return status;
}

/* The value of a word of a section, NULL if it is not there; length: of the word. */
static yaml_node_t *value_of(yaml_document_t *document, const yaml_node_t *map, const char *word,
                             size_t length)
{
    if (map == NULL || map->type != YAML_MAPPING_NODE) return NULL;
    const yaml_node_pair_t *end = map->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == length &&
            memcmp(key->data.scalar.value, word, length) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

int om_spec_line(const char *text, const char *path)
{
    yaml_parser_t parser;
    yaml_document_t document;
    int line = 0;
    if (!yaml_parser_initialize(&parser)) return 0;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    if (yaml_parser_load(&parser, &document)) {
        const yaml_node_t *root = yaml_document_get_root_node(&document);
        const yaml_node_t *sweep = value_of(&document, root, "sweep", strlen("sweep"));
        const yaml_node_t *node = value_of(&document, sweep, path, strlen(path));
        if (node == NULL) node = root;
        for (const char *word = node == root ? path : ""; node != NULL && *word != '\0';) {
            size_t length = strcspn(word, ".");
            node = value_of(&document, node, word, length);
            word += length + (word[length] == '.');
        }
        if (node != NULL) line = (int)node->start_mark.line + 1;
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return line;
}
