/* The section `sweep` of a spec: its combinations, each as a spec of its own.
 *
 * A point's text is the document with the section taken out and the point's values put in, written by
 * libyaml; so a point, in a file of its own, is an ensemble like any other. */
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "base/memory.h"
#include "base/text.h"
#include "ensemble/spec_walk.h"
#include "ommatid/om_sweep.h"

/* One swept key and the nodes of its values. */
typedef struct axis {
    const om_spec_key *key;
    const yaml_node_t *list;
    int n;
} axis;

typedef struct combinations {
    axis of[OM_SWEEP_MOST_KEYS];
    int n, n_points;
} combinations;

static int count_items(const yaml_node_t *list)
{
    return (int)(list->data.sequence.items.top - list->data.sequence.items.start);
}

static int item_at(const axis *a, int i) { return a->list->data.sequence.items.start[i]; }

/* Which value of each key a point has: the last key's change fastest. */
static void indices_of(const combinations *axes, int point, int index[OM_SWEEP_MOST_KEYS])
{
    for (int k = axes->n - 1; k >= 0; k--) {
        index[k] = point % axes->of[k].n;
        point /= axes->of[k].n;
    }
}

/* ---- reading the section ---- */

static void read_axis(om_spec_walk *w, combinations *axes, const yaml_node_t *name,
                      const yaml_node_t *list)
{
    const char *path = name->type == YAML_SCALAR_NODE ? (const char *)name->data.scalar.value : "";
    const om_spec_key *key = om_spec_key_find(path);
    if (key == NULL) {
        om_spec_unknown_key(w, name, "");
    } else if (key->kind == OM_SPEC_NAME || strncmp(path, "slurm.", strlen("slurm.")) == 0) {
        om_spec_fault(w, name->start_mark, "sweep: %s is no key to sweep: no model depends on it",
                      path);
    } else if (list->type != YAML_SEQUENCE_NODE || count_items(list) == 0) {
        om_spec_fault(w, list->start_mark, "sweep: %s: expected a list of values, as [%s]", path,
                      key->usual);
    } else if (axes->n == OM_SWEEP_MOST_KEYS) {
        om_spec_fault(w, name->start_mark, "sweep: expected at most %d keys", OM_SWEEP_MOST_KEYS);
    } else {
        const int n = count_items(list);
        axes->of[axes->n++] = (axis){key, list, n};
        if (n > OM_SWEEP_MOST_POINTS / axes->n_points)
            om_spec_fault(w, name->start_mark, "sweep: expected at most %d combinations",
                          OM_SWEEP_MOST_POINTS);
        else
            axes->n_points *= n;
    }
}

static om_status read_axes(om_spec_walk *w, combinations *axes)
{
    const yaml_node_t *map = w->sweep;
    *axes = (combinations){.n_points = 1};
    if (map->type != YAML_MAPPING_NODE ||
        map->data.mapping.pairs.start == map->data.mapping.pairs.top) {
        om_spec_fault(w, map->start_mark,
                      "sweep: expected keys with lists of values, as "
                      "train.learning_rate: [[1.0e-3, 1.0e-4], [1.0e-4, "
                      "1.0e-5]]");
        return OM_EDATA;
    }
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
         pair < map->data.mapping.pairs.top; pair++)
        if (!om_spec_is_duplicate(w, map, pair))
            read_axis(w, axes, yaml_document_get_node(w->document, pair->key),
                      yaml_document_get_node(w->document, pair->value));
    return w->faults > 0 ? OM_EDATA : OM_OK;
}

/* A combination must be a spec that could stand alone. checksum: of that spec. */
static om_status check_point(const om_spec_walk *base, const combinations *axes, int point,
                             uint64_t *checksum)
{
    om_spec spec;
    int index[OM_SWEEP_MOST_KEYS];
    om_spec_override overrides[OM_SWEEP_MOST_KEYS];
    indices_of(axes, point, index);
    for (int k = 0; k < axes->n; k++)
        overrides[k] = (om_spec_override){
            axes->of[k].key,
            yaml_document_get_node(base->document, item_at(&axes->of[k], index[k]))};
    om_spec_walk w = {.file = base->file,
                      .document = base->document,
                      .spec = &spec,
                      .overrides = overrides,
                      .n_overrides = axes->n};
    om_spec_walk_keys(&w);
    OM_TRY(om_spec_conclude(&w));
    *checksum = om_checksum(&spec, sizeof spec, 0);
    return OM_OK;
}

/* A value that is given twice, in whatever notation, makes the same ensemble twice. */
static om_status check_all(om_spec_walk *w, const combinations *axes)
{
    uint64_t specs[OM_SWEEP_MOST_POINTS];
    for (int p = 0; p < axes->n_points; p++) {
        OM_TRY(check_point(w, axes, p, &specs[p]));
        for (int q = 0; q < p; q++) {
            if (specs[q] != specs[p]) continue;
            om_spec_fault(w, w->sweep->start_mark,
                          "sweep: its points %d and %d are the same: expected each value once", q,
                          p);
            return OM_EDATA;
        }
    }
    return OM_OK;
}

/* ---- a point's values and text ---- */

static void add_value(yaml_document_t *document, const yaml_node_t *node, om_text *text)
{
    if (node->type == YAML_SCALAR_NODE) om_text_add(text, "%s", node->data.scalar.value);
    if (node->type != YAML_SEQUENCE_NODE) return;
    om_text_add(text, "[");
    for (int i = 0; i < count_items(node); i++) {
        om_text_add(text, "%s", i > 0 ? ", " : "");
        add_value(document, yaml_document_get_node(document, node->data.sequence.items.start[i]),
                  text);
    }
    om_text_add(text, "]");
}

static om_status value_of(yaml_document_t *document, const axis *a, int i, char **value)
{
    om_text text = {0};
    om_text_add(&text, "%s", ""); /* what is no value of any key has no text */
    add_value(document, yaml_document_get_node(document, item_at(a, i)), &text);
    om_status status =
        text.failed ? om_fail(OM_ENOMEM, "no memory") : om_alloc(text.length + 1, 1, value);
    if (status == OM_OK) memcpy(*value, text.data, text.length + 1);
    om_text_free(&text);
    return status;
}

static yaml_node_pair_t *find_pair(yaml_document_t *document, int map, const char *word,
                                   size_t length)
{
    yaml_node_t *node = yaml_document_get_node(document, map);
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *key = yaml_document_get_node(document, p->key);
        if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == length &&
            memcmp(key->data.scalar.value, word, length) == 0)
            return p;
    }
    return NULL;
}

static bool add_pair(yaml_document_t *document, int map, const char *word, size_t length, int value)
{
    const int key = yaml_document_add_scalar(document, NULL, (const yaml_char_t *)word, (int)length,
                                             YAML_PLAIN_SCALAR_STYLE);
    return key != 0 && yaml_document_append_mapping_pair(document, map, key, value);
}

/* Puts a value at its path, with the sections that this takes. false: no memory. */
static bool put(yaml_document_t *document, const char *path, int value)
{
    int map = 1; /* the root */
    for (;;) {
        const size_t length = strcspn(path, ".");
        yaml_node_pair_t *pair = find_pair(document, map, path, length);
        const bool last = path[length] == '\0';
        int below = last ? value : 0;
        if (!last && pair != NULL &&
            yaml_document_get_node(document, pair->value)->type == YAML_MAPPING_NODE)
            below = pair->value;
        if (below == 0) {
            below = yaml_document_add_mapping(document, NULL, YAML_ANY_MAPPING_STYLE);
            if (below == 0) return false;
            pair = find_pair(document, map, path, length); /* nodes may have moved */
        }
        if (pair != NULL)
            pair->value = below;
        else if (!add_pair(document, map, path, length, below))
            return false;
        if (last) return true;
        map = below;
        path += length + 1;
    }
}

static void remove_section(yaml_document_t *document, const char *word)
{
    yaml_node_t *root = yaml_document_get_root_node(document);
    yaml_node_pair_t *pair = find_pair(document, 1, word, strlen(word));
    memmove(pair, pair + 1, (size_t)(root->data.mapping.pairs.top - pair - 1) * sizeof *pair);
    root->data.mapping.pairs.top--;
}

static int add_text(void *out, unsigned char *data, size_t bytes)
{
    om_text *text = out;
    om_text_add(text, "%.*s", (int)bytes, (const char *)data);
    return !text->failed;
}

/* Writes the document, which it takes. */
static bool write_document(yaml_document_t *document, om_text *out)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter)) {
        yaml_document_delete(document);
        return false;
    }
    yaml_emitter_set_output(&emitter, add_text, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, 100);
    const bool done = yaml_emitter_open(&emitter) && yaml_emitter_dump(&emitter, document) &&
                      yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
    return done && !out->failed;
}

static om_status write_point(const char *file, const char *text, const combinations *axes,
                             int point, char **out)
{
    int index[OM_SWEEP_MOST_KEYS];
    yaml_document_t document;
    om_text written = {0};
    OM_TRY(om_spec_load(file, text, &document)); /* the same nodes under the same numbers */
    indices_of(axes, point, index);
    bool done = true;
    for (int k = 0; k < axes->n; k++)
        done = done && put(&document, axes->of[k].key->path, item_at(&axes->of[k], index[k]));
    remove_section(&document, "sweep");
    document.start_implicit = document.end_implicit = 1;
    if (done)
        done = write_document(&document, &written);
    else
        yaml_document_delete(&document);
    om_status status =
        done ? om_alloc(written.length + 1, 1, out) : om_fail(OM_ENOMEM, "%s: no memory", file);
    if (status == OM_OK) memcpy(*out, written.data, written.length + 1);
    om_text_free(&written);
    return status;
}

/* ---- all of it ---- */

static om_status fill(const char *file, const char *text, yaml_document_t *document,
                      const combinations *axes, om_sweep *s)
{
    const size_t n = (size_t)axes->n_points, keys = (size_t)axes->n;
    s->n_keys = axes->n;
    s->n_points = axes->n_points;
    OM_TRY(om_alloc(keys, sizeof *s->keys, &s->keys));
    OM_TRY(om_alloc(n * keys, sizeof *s->values, &s->values));
    OM_TRY(om_alloc(n, sizeof *s->present, &s->present));
    OM_TRY(om_alloc(n, sizeof *s->specs, &s->specs));
    for (int k = 0; k < axes->n; k++)
        snprintf(s->keys[k], sizeof s->keys[k], "%s", axes->of[k].key->path);
    for (int p = 0; p < axes->n_points; p++) {
        int index[OM_SWEEP_MOST_KEYS];
        indices_of(axes, p, index);
        s->present[p] = true;
        for (int k = 0; k < axes->n; k++)
            OM_TRY(value_of(document, &axes->of[k], index[k], &s->values[p * axes->n + k]));
        OM_TRY(write_point(file, text, axes, p, &s->specs[p]));
    }
    return OM_OK;
}

static om_status read_sweep(const char *file, const char *text, yaml_document_t *document,
                            om_sweep **sweep)
{
    om_spec spec;
    combinations axes;
    om_spec_walk w = {.file = file, .document = document, .spec = &spec};
    om_status status = om_spec_walk_keys(&w);
    if (w.sweep == NULL) return OM_OK; /* whatever else is wrong with it is for om_spec_parse() */
    OM_TRY(status);
    OM_TRY(read_axes(&w, &axes));
    OM_TRY(check_all(&w, &axes));
    om_sweep *made = NULL;
    OM_TRY(om_alloc(1, sizeof *made, &made));
    status = fill(file, text, document, &axes, made);
    if (status == OM_OK)
        *sweep = made;
    else
        om_sweep_free(made);
    return status;
}

om_status om_spec_sweep(const char *file, const char *text, om_sweep **sweep)
{
    yaml_document_t document;
    *sweep = NULL;
    OM_TRY(om_spec_load(file, text, &document));
    om_status status = read_sweep(file, text, &document, sweep);
    yaml_document_delete(&document);
    return status;
}
