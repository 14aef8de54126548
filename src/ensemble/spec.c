/* Reading a spec: libyaml makes a tree of the text, the table of keys says what may stand where.
 *
 * The tree is walked in the order of the file, every fault is noted with its position, and the walk
 * goes on, so that one look at the messages mends the whole file. */
#include "ommatid/om_spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "circuit/build.h"
#include "ensemble/spec_walk.h"

enum { MOST_FAULTS = 20, PATH_BYTES = 96 };

/* Beyond MOST_FAULTS they are only counted. */
void om_spec_fault(om_spec_walk *w, yaml_mark_t mark, const char *format, ...)
{
    if (w->faults++ >= MOST_FAULTS) return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    om_fail_more(OM_EDATA, "%s:%zu:%zu: %s", w->file, mark.line + 1, mark.column + 1, text);
}

static yaml_node_t *node_of(om_spec_walk *w, int item)
{
    return yaml_document_get_node(w->document, item);
}

static const char *text_of(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* A scalar that is a text without NUL, which escapes can make. */
static bool is_scalar(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && strlen(text_of(node)) == node->data.scalar.length;
}

static const char *kind_of(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SEQUENCE_NODE: return "a list";
    case YAML_MAPPING_NODE: return "a section";
    default: return text_of(node);
    }
}

/* What a scalar is shown in. */
static const char *mark_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? "'" : "";
}

/* --- values ---------------------------------------------------------------------------------- */

/* Items of a list; 0 of them for anything else. */
static int count_items(const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) return 0;
    return (int)(node->data.sequence.items.top - node->data.sequence.items.start);
}

static const yaml_node_t *item_of(om_spec_walk *w, const yaml_node_t *list, int i)
{
    return node_of(w, list->data.sequence.items.start[i]);
}

/* Two numbers. */
static bool two_text(om_spec_walk *w, const yaml_node_t *node, om_text *text)
{
    if (count_items(node) != 2) return false;
    const yaml_node_t *first = item_of(w, node, 0), *last = item_of(w, node, 1);
    if (!is_scalar(first) || !is_scalar(last)) return false;
    om_text_add(text, "%s, %s", text_of(first), text_of(last));
    return true;
}

/* Words in a list. */
static bool words_text(om_spec_walk *w, const yaml_node_t *node, om_text *text)
{
    if (node->type != YAML_SEQUENCE_NODE) return false;
    for (int i = 0; i < count_items(node); i++) {
        const yaml_node_t *item = item_of(w, node, i);
        if (!is_scalar(item)) return false;
        om_text_add(text, "%s%s", i > 0 ? ", " : "", text_of(item));
    }
    return true;
}

static bool is_choice(const om_spec_key *key, const yaml_node_t *node)
{
    for (int i = 0; is_scalar(node) && key->choices[i] != NULL; i++)
        if (strcmp(key->choices[i], text_of(node)) == 0) return true;
    return false;
}

/* Any of the key's choices. */
static bool parts_text(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *node,
                       om_text *text)
{
    char range[96];
    om_spec_range(key, range);
    if (node->type != YAML_SEQUENCE_NODE) return false;
    for (int i = 0; i < count_items(node); i++) {
        const yaml_node_t *item = item_of(w, node, i);
        if (!is_choice(key, item))
            om_spec_fault(w, item->start_mark, "%s: %s%.64s%s: expected %s", key->path,
                          mark_of(item), kind_of(item), mark_of(item), range);
        om_text_add(text, "%s%s", i > 0 ? ", " : "", kind_of(item));
    }
    return true;
}

/* A name that a circuit's type may have and a list of groups can hold. */
static bool is_type_name(const char *name)
{
    return om_name_fault(name, OM_NAME_BYTES) == NULL && strchr(name, ';') == NULL;
}

/* The source of "Mi9 -> T4a", with or without blanks, into source; returns the target, NULL if it is no
 * pair. */
static const char *split_pair(const char *pair, char source[OM_NAME_BYTES + 1])
{
    const char *arrow = strstr(pair, "->");
    if (arrow == NULL) return NULL;
    int length = (int)(arrow - pair);
    while (length > 0 && pair[length - 1] == ' ') length--;
    snprintf(source, OM_NAME_BYTES + 1, "%.*s", length, pair);
    return arrow + strlen("->") + strspn(arrow + strlen("->"), " ");
}

static bool is_member(const om_spec_key *key, const yaml_node_t *node)
{
    if (!is_scalar(node)) return false;
    if (key->kind != OM_SPEC_PAIRS) return is_type_name(text_of(node));
    char source[OM_NAME_BYTES + 1];
    const char *target = split_pair(text_of(node), source);
    return target != NULL && strstr(target, "->") == NULL && is_type_name(source) &&
           is_type_name(target);
}

/* Types, each at most once. */
static bool names_text(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *node,
                       om_text *text)
{
    if (node->type != YAML_SEQUENCE_NODE) return false;
    for (int i = 0; i < count_items(node); i++) {
        const yaml_node_t *name = item_of(w, node, i);
        if (!is_member(key, name)) {
            om_spec_fault(w, name->start_mark, "%s: %s%.64s%s: expected the name of a cell type",
                          key->path, mark_of(name), kind_of(name), mark_of(name));
            continue;
        }
        for (int k = 0; k < i; k++) {
            const yaml_node_t *before = item_of(w, node, k);
            if (is_scalar(before) && strcmp(text_of(before), text_of(name)) == 0)
                om_spec_fault(w, name->start_mark, "%s: '%.64s' is given twice", key->path,
                              text_of(name));
        }
        om_text_add(text, "%s%s", i > 0 ? ", " : "", text_of(name));
    }
    return true;
}

/* The first of all groups' members of that name, where it stands before member i of group g. */
static const yaml_node_t *mentioned(om_spec_walk *w, const yaml_node_t *groups, int g, int i)
{
    const char *name = text_of(item_of(w, item_of(w, groups, g), i));
    for (int k = 0; k <= g; k++) {
        const yaml_node_t *group = item_of(w, groups, k);
        for (int j = 0; j < (k < g ? count_items(group) : i); j++) {
            const yaml_node_t *member = item_of(w, group, j);
            if (is_scalar(member) && strcmp(text_of(member), name) == 0) return member;
        }
    }
    return NULL;
}

static void member_text(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *groups, int g,
                        int i, om_text *text)
{
    const yaml_node_t *member = item_of(w, item_of(w, groups, g), i);
    if (!is_member(key, member)) {
        om_spec_fault(w, member->start_mark, "%s: %s%.64s%s: expected %s", key->path,
                      mark_of(member), kind_of(member), mark_of(member),
                      key->kind == OM_SPEC_TYPES ? "the name of a cell type"
                                                 : "a pair, SOURCE -> TARGET, as Mi9 -> T4a");
        return;
    }
    const yaml_node_t *before = mentioned(w, groups, g, i);
    if (before != NULL)
        om_spec_fault(
            w, member->start_mark,
            "%s: '%.64s' is given twice, before in line %zu: expected it in one group at most",
            key->path, text_of(member), before->start_mark.line + 1);
    char source[OM_NAME_BYTES + 1] = "";
    const bool pair = key->kind == OM_SPEC_PAIRS;
    const char *name = pair ? split_pair(text_of(member), source) : text_of(member);
    om_text_add(text, "%s%s%s%s",
                i > 0   ? ", "
                : g > 0 ? "; "
                        : "",
                source, pair ? " -> " : "", name);
}

/* Groups of two or more; false if it is no list. */
static bool groups_text(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *node,
                        om_text *text)
{
    if (node->type != YAML_SEQUENCE_NODE) return false;
    for (int g = 0; g < count_items(node); g++) {
        const yaml_node_t *group = item_of(w, node, g);
        if (group->type == YAML_SEQUENCE_NODE) continue;
        om_spec_fault(w, group->start_mark,
                      "%s: %s%.64s%s: expected a group in brackets of its own, as [[%s]]",
                      key->path, mark_of(group), kind_of(group), mark_of(group),
                      key->kind == OM_SPEC_TYPES ? "T4a, T4b" : "Mi9 -> T4a, Mi9 -> T4b");
        return true;
    }
    for (int g = 0; g < count_items(node); g++) {
        const yaml_node_t *group = item_of(w, node, g);
        int n = count_items(group);
        if (n < 2)
            om_spec_fault(w, group->start_mark, "%s: a group of %d: expected two members or more",
                          key->path, n);
        for (int i = 0; i < n; i++) member_text(w, key, node, g, i, text);
    }
    return true;
}

/* One of "TYPE, U, V; ..."; false, and noted, if it is none. */
static bool stride_text(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *item,
                        om_text *text)
{
    int64_t stride;
    bool good = count_items(item) == 3;
    for (int i = 0; good && i < 3; i++) {
        const yaml_node_t *word = item_of(w, item, i);
        good = is_scalar(word) && (i == 0 ? is_type_name(text_of(word))
                                          : om_parse_int(text_of(word), &stride) &&
                                                stride >= key->least && stride <= key->most);
        if (good)
            om_text_add(text, "%s%s", i > 0 ? ", " : text->length > 0 ? "; " : "", text_of(word));
    }
    if (!good)
        om_spec_fault(w, item->start_mark,
                      "%s: %s%.64s%s: expected [TYPE, U, V], as [Lawf1, 3, 2], with "
                      "strides of %.10g to %.10g",
                      key->path, mark_of(item), kind_of(item), mark_of(item), key->least,
                      key->most);
    return good;
}

static bool strides_text(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *node,
                         om_text *text)
{
    if (node->type != YAML_SEQUENCE_NODE) return false;
    for (int i = 0; i < count_items(node); i++)
        if (!stride_text(w, key, item_of(w, node, i), text)) break;
    return true;
}

/* The text of a value as the table takes it; false if its form is wrong. Numbers and flags in quotes
 * are texts, not numbers. */
static bool value_text(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *node,
                       om_text *text)
{
    om_text_add(text, "%s", ""); /* an empty list is a text, too */
    switch (key->kind) {
    case OM_SPEC_RATES:
    case OM_SPEC_RANGE: return two_text(w, node, text);
    case OM_SPEC_PARTS: return parts_text(w, key, node, text);
    case OM_SPEC_NAMES: return names_text(w, key, node, text);
    case OM_SPEC_TYPES:
    case OM_SPEC_PAIRS: return groups_text(w, key, node, text);
    case OM_SPEC_STRIDES: return strides_text(w, key, node, text);
    case OM_SPEC_RUNGS: return words_text(w, node, text);
    default: break;
    }
    if (!is_scalar(node)) return false;
    if (key->kind > OM_SPEC_SCENES && node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    om_text_add(text, "%s", text_of(node));
    return true;
}

/* What a value is that the key does not take. text: of a list, if it has one. */
static void refuse_value(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *node,
                         const char *text)
{
    char expected[160];
    om_spec_expected(key, expected);
    bool quoted = node->type == YAML_SCALAR_NODE && key->kind > OM_SPEC_SCENES &&
                  node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    bool list = node->type == YAML_SEQUENCE_NODE && text[0] != '\0';
    const char *open = list ? "[" : quoted ? "\"" : mark_of(node);
    om_spec_fault(w, node->start_mark, "%s: %s%.64s%s: expected %s", key->path, open,
                  list ? text : kind_of(node), list ? "]" : open, expected);
}

static void read_value(om_spec_walk *w, const om_spec_key *key, const yaml_node_t *node)
{
    om_text text = {0};
    size_t index = (size_t)(key - om_spec_keys);
    const int before = w->faults;
    w->given[index] = true;
    w->marks[index] = node->start_mark;
    bool formed = value_text(w, key, node, &text);
    if (text.failed)
        om_spec_fault(w, node->start_mark, "%s: no memory", key->path);
    else if (w->faults == before && !(formed && om_spec_set(w->spec, key, w->file, text.data)))
        refuse_value(w, key, node, text.data);
    om_text_free(&text);
}

/* --- sections -------------------------------------------------------------------------------- */

/* The first key of a section; NULL: there is no such section. */
static const om_spec_key *first_below(const char *path)
{
    size_t n = strlen(path);
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++)
        if (strncmp(key->path, path, n) == 0 && key->path[n] == '.') return key;
    return NULL;
}

/* The words that may stand below a prefix ("" or "init."), each once, in `room`. */
static void words_below(const char *prefix, char room[][PATH_BYTES],
                        const char *words[OM_SPEC_MOST_KEYS])
{
    size_t n = strlen(prefix);
    int count = 0;
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++) {
        if (strncmp(key->path, prefix, n) != 0) continue;
        const char *word = key->path + n;
        snprintf(room[count], PATH_BYTES, "%.*s", (int)strcspn(word, "."), word);
        if (count > 0 && strcmp(room[count], room[count - 1]) == 0) continue;
        words[count] = room[count];
        count++;
    }
    words[count] = NULL;
}

/* The one key anywhere whose last word this is: somebody forgot, or misplaced, a section. */
static const char *elsewhere(const char *word)
{
    const char *found = NULL;
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++) {
        const char *dot = strrchr(key->path, '.');
        if (strcmp(dot ? dot + 1 : key->path, word) != 0) continue;
        if (found != NULL) return NULL;
        found = key->path;
    }
    return found;
}

void om_spec_unknown_key(om_spec_walk *w, const yaml_node_t *node, const char *prefix)
{
    char room[OM_SPEC_MOST_KEYS][PATH_BYTES];
    const char *words[OM_SPEC_MOST_KEYS];
    words_below(prefix, room, words);
    const char *word = is_scalar(node) ? text_of(node) : kind_of(node);
    const char *other = elsewhere(word), *nearest = om_nearest(word, words);
    const om_spec_key *below = prefix[0] == '\0' ? first_below(word) : NULL;
    if (below != NULL)
        om_spec_fault(w, node->start_mark, "'%.64s' is a section: expected a key, as %s", word,
                      below->path);
    else if (other != NULL)
        om_spec_fault(w, node->start_mark, "unknown key '%s%.64s'; there is %s", prefix, word,
                      other);
    else if (nearest != NULL)
        om_spec_fault(w, node->start_mark, "unknown key '%s%.64s'; the nearest is %s%s", prefix,
                      word, prefix, nearest);
    else
        om_spec_fault(w, node->start_mark, "unknown key '%s%.64s'; `ommatid help spec` lists all",
                      prefix, word);
}

/* Whether the key of a pair stood in the same section before. */
bool om_spec_is_duplicate(om_spec_walk *w, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = node_of(w, pair->key);
    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
        const yaml_node_t *before = node_of(w, p->key);
        if (!is_scalar(before) || !is_scalar(key) || strcmp(text_of(before), text_of(key)) != 0)
            continue;
        om_spec_fault(w, key->start_mark, "key '%.64s' is given twice; the first is in line %zu",
                      text_of(key), before->start_mark.line + 1);
        return true;
    }
    return false;
}

/* A section whose every line is commented out. */
static bool is_empty(const yaml_node_t *node)
{
    return is_scalar(node) && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           node->data.scalar.length == 0;
}

/* prefix: "" or the section's path with a dot at its end. Depth is bounded by the table. */
static void read_section(om_spec_walk *w, const yaml_node_t *map, const char *prefix)
{
    const yaml_node_pair_t *end = map->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *name = node_of(w, pair->key), *value = node_of(w, pair->value);
        char path[PATH_BYTES] = "", below[PATH_BYTES + 1];
        if (is_scalar(name)) snprintf(path, sizeof path, "%s%.64s", prefix, text_of(name));
        const om_spec_key *key = om_spec_key_find(path);
        snprintf(below, sizeof below, "%s.", path);
        if (om_spec_is_duplicate(w, map, pair)) continue;
        if (strcmp(path, "sweep") == 0) {
            w->sweep = value;
            continue;
        }
        if (!is_scalar(name) || strchr(text_of(name), '.') != NULL)
            om_spec_unknown_key(w, name, prefix);
        else if (key != NULL)
            read_value(w, key, value);
        else if (first_below(path) == NULL)
            om_spec_unknown_key(w, name, prefix);
        else if (value->type == YAML_MAPPING_NODE)
            read_section(w, value, below);
        else if (!is_empty(value))
            om_spec_fault(w, value->start_mark, "%s: %.64s: expected a section of keys", path,
                          kind_of(value));
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

/* The value of a key of a section, or NULL. */
static const yaml_node_t *value_below(om_spec_walk *w, const yaml_node_t *map, const char *word)
{
    if (map == NULL || map->type != YAML_MAPPING_NODE) return NULL;
    const yaml_node_pair_t *end = map->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < end; pair++) {
        const yaml_node_t *name = node_of(w, pair->key);
        if (is_scalar(name) && strcmp(text_of(name), word) == 0) return node_of(w, pair->value);
    }
    return NULL;
}

/* A profile stands for defaults, so it is applied before any key is read. What is wrong with it
 * is noted later, by the walk. */
static void apply_profile(om_spec_walk *w, const yaml_node_t *root)
{
    const yaml_node_t *value = value_below(w, value_below(w, root, "train"), "profile");
    const om_spec_key *key = om_spec_key_find("train.profile");
    for (int i = 0; i < w->n_overrides; i++)
        if (w->overrides[i].key == key) value = w->overrides[i].value;
    if (value == NULL || !is_scalar(value) || !om_spec_set(w->spec, key, "", text_of(value)))
        return;
    for (const om_spec_setting *s = om_spec_profile_settings(w->spec->profile); s->path; s++)
        om_spec_set(w->spec, om_spec_key_find(s->path), "", s->text);
}

/* Fields that are no keys of their own. */
static void derive(om_spec *spec)
{
    spec->worlds.extent = spec->extent;
    spec->worlds.frames = spec->train.batch.frames;
}

void om_spec_defaults(om_spec *spec)
{
    memset(spec, 0, sizeof *spec);
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++)
        om_spec_set(spec, key, "", key->usual);
    derive(spec);
}

om_status om_spec_walk_keys(om_spec_walk *w)
{
    const yaml_node_t *root = yaml_document_get_root_node(w->document);
    om_spec_defaults(w->spec);
    if (root == NULL || is_empty(root)) {
        om_fail(OM_EDATA, "%s: there is nothing in it", w->file);
        return om_hint(OM_EDATA, "ommatid init, which writes one with every key");
    }
    om_message_clear();
    if (root->type != YAML_MAPPING_NODE) {
        om_spec_fault(w, root->start_mark, "%.64s: expected keys, as `ommatid init` writes them",
                      kind_of(root));
        return OM_EDATA;
    }
    apply_profile(w, root);
    read_section(w, root, "");
    for (int i = 0; i < w->n_overrides; i++)
        read_value(w, w->overrides[i].key, w->overrides[i].value);
    return w->faults > 0 ? OM_EDATA : OM_OK;
}

om_status om_spec_conclude(om_spec_walk *w)
{
    if (w->faults == 0) om_spec_check_together(w);
    if (w->faults > MOST_FAULTS)
        om_fail_more(OM_EDATA, "%s: and %d more faults", w->file, w->faults - MOST_FAULTS);
    derive(w->spec);
    return w->faults > 0 ? OM_EDATA : OM_OK;
}

/* Whoever reads a spec as one ensemble must not take a sweep for it. */
static om_status read_document(om_spec_walk *w)
{
    om_status status = om_spec_walk_keys(w);
    if (w->sweep != NULL)
        om_spec_fault(w, w->sweep->start_mark,
                      "sweep: expected a spec of one ensemble, as its point %s:0", w->file);
    if (status == OM_EDATA && w->faults == 0) return status;
    return om_spec_conclude(w);
}

/* What libyaml could not read. */
static om_status syntax_fault(const char *file, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) return om_fail(OM_ENOMEM, "%s: no memory", file);
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR)
        return om_fail(OM_EDATA, "%s: byte %zu: %s", file, parser->problem_offset, parser->problem);
    om_fail(OM_EDATA, "%s:%zu:%zu: not YAML: %s", file, mark.line + 1, mark.column + 1,
            parser->problem ? parser->problem : "unknown fault");
    if (parser->context != NULL)
        om_fail_more(OM_EDATA, "%s:%zu:%zu: %s", file, parser->context_mark.line + 1,
                     parser->context_mark.column + 1, parser->context);
    return OM_EDATA;
}

/* Nothing may follow the first document. */
static om_status expect_end(const char *file, yaml_parser_t *parser)
{
    yaml_document_t more;
    if (!yaml_parser_load(parser, &more)) return syntax_fault(file, parser);
    const yaml_node_t *root = yaml_document_get_root_node(&more);
    om_status status = OM_OK;
    if (root != NULL)
        status = om_fail(OM_EDATA, "%s:%zu:%zu: a second document: expected one spec in a file",
                         file, root->start_mark.line + 1, root->start_mark.column + 1);
    yaml_document_delete(&more);
    return status;
}

om_status om_spec_load(const char *file, const char *text, yaml_document_t *document)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) return om_fail(OM_ENOMEM, "%s: no memory", file);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
    om_status status = OM_OK;
    if (!yaml_parser_load(&parser, document)) {
        status = syntax_fault(file, &parser);
    } else {
        status = expect_end(file, &parser);
        if (status != OM_OK) yaml_document_delete(document);
    }
    yaml_parser_delete(&parser);
    return status;
}

om_status om_spec_parse(const char *file, const char *text, om_spec *spec)
{
    yaml_document_t document;
    OM_TRY(om_spec_load(file, text, &document));
    om_spec_walk w = {.file = file, .document = &document, .spec = spec};
    om_status status = read_document(&w);
    yaml_document_delete(&document);
    return status;
}

/* The text of a file, which can hold no byte 0. */
static om_status read_whole(const char *file, char **text)
{
    size_t length;
    OM_TRY(om_read_file(file, text, &length));
    if (strlen(*text) == length) return OM_OK;
    const size_t at = strlen(*text);
    om_free(*text);
    *text = NULL;
    return om_fail(OM_EDATA, "%s: byte %zu is 0: expected YAML in UTF-8", file, at);
}

static om_status take_point(const char *file, const om_sweep *sweep, int point, char **text)
{
    if (sweep == NULL) return om_fail(OM_EDATA, "%s: has no section 'sweep', so no points", file);
    if (point >= sweep->n_points)
        return om_fail(OM_EDATA, "%s: there is no point %d: its points are 0 to %d", file, point,
                       sweep->n_points - 1);
    const size_t bytes = strlen(sweep->specs[point]) + 1;
    OM_TRY(om_alloc(bytes, 1, text));
    memcpy(*text, sweep->specs[point], bytes);
    return OM_OK;
}

om_status om_spec_text(const char *name, char **text)
{
    char file[PATH_MAX], *whole = NULL;
    om_sweep *sweep = NULL;
    const int point = om_split_part(name, file);
    *text = NULL;
    if (point < 0) return read_whole(name, text);
    OM_TRY(read_whole(file, &whole));
    om_status status = om_spec_sweep(file, whole, &sweep);
    if (status == OM_OK) status = take_point(file, sweep, point, text);
    om_sweep_free(sweep);
    om_free(whole);
    return status;
}

om_status om_spec_read(const char *file, om_spec *spec, char **text)
{
    char *data;
    OM_TRY(om_spec_text(file, &data));
    om_status status = om_spec_parse(file, data, spec);
    if (status == OM_OK && text != NULL)
        *text = data;
    else
        om_free(data);
    return status;
}
