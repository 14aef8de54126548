/* ommatid circuit: what circuits there are, what is in one, or in that of a spec, whether a file is a good
 * one. */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "ensemble/job.h"
#include "ommatid/om_circuit.h"
#include "ommatid/om_controls.h"

enum { PAPER_EXTENT = 15, NUMBER_BYTES = 32 };

static struct {
    int extent;
    bool types, pairs;
    const char *output, *name;
} set; /* extent 0: not given */

/* --- opening --------------------------------------------------------------------------------- */

/* A circuit to look at. That of a spec that makes it a control: which, and what is kept. */
typedef struct subject {
    om_circuit *circuit;
    bool is_control;
    om_controls controls;
    uint64_t seed;
    om_control_shares kept;
} subject;

static bool is_spec(const char *word)
{
    char file[PATH_MAX];
    om_split_part(word, file);
    return om_ends_with(file, ".yaml") || om_ends_with(file, ".yml");
}

/* What the spec's controls have kept of its circuit. */
static om_status compare_with_measured(const om_spec *spec, subject *s)
{
    om_spec measured = *spec;
    om_circuit *original;
    measured.train.model.controls = (om_controls){0};
    OM_TRY(om_spec_circuit(&measured, &original));
    om_status status = om_circuit_kept(s->circuit, original, &s->kept);
    om_circuit_free(original);
    return status;
}

static om_status open_spec(const char *file, subject *s)
{
    om_spec spec;
    char *text;
    OM_TRY(om_spec_read(file, &spec, &text));
    if (set.extent != 0) spec.extent = set.extent;
    om_status status = om_job_circuit(file, text, &spec, &s->circuit);
    om_free(text);
    s->seed = spec.seed;
    s->controls = spec.train.model.controls;
    s->is_control = om_controls_any(&s->controls);
    if (status == OM_OK && s->is_control) status = compare_with_measured(&spec, s);
    return status;
}

/* By name, from a file, or as a spec makes it. */
static om_status open_subject(const char *source, subject *s)
{
    *s = (subject){0};
    if (is_spec(source)) return open_spec(source, s);
    return om_circuit_open(source, set.extent != 0 ? set.extent : PAPER_EXTENT, &s->circuit);
}

/* --- list ------------------------------------------------------------------------------------ */

static int ends_in_circuit(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name), ending = strlen(".circuit");
    return n > ending && strcmp(entry->d_name + n - ending, ".circuit") == 0;
}

static void list_one(json_t *list, const char *name, const char *key, const char *value)
{
    if (list == NULL)
        printf("%-20s %s\n", name, value);
    else
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, key, value));
}

/* The user's own circuits, by name. A folder that is not there holds none. */
static void list_installed(json_t *list)
{
    char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
    struct dirent **entries;
    if (om_circuit_folder(folder, sizeof folder) != OM_OK) return;
    int n = scandir(folder, &entries, ends_in_circuit, alphasort);
    for (int i = 0; i < n; i++) {
        char *name = entries[i]->d_name;
        snprintf(path, sizeof path, "%s/%s", folder, name);
        name[strlen(name) - strlen(".circuit")] = '\0';
        list_one(list, name, "path", path);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
}

static om_status run_list(const om_arguments *args)
{
    const char *name, *description;
    json_t *list = args->json ? json_array() : NULL;
    for (int i = 0; (name = om_circuit_builtin(i, &description)) != NULL; i++)
        list_one(list, name, "description", description);
    list_installed(list);
    return args->json ? om_command_print_json(list) : OM_OK;
}

/* --- show ------------------------------------------------------------------------------------ */

/* 1513231 as "1,513,231". */
static const char *grouped(int64_t n, char text[NUMBER_BYTES])
{
    char digits[NUMBER_BYTES];
    int length = snprintf(digits, sizeof digits, "%" PRId64, n), used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

static int count_filled(const om_circuit *c)
{
    int filled = 0;
    for (int i = 0; i < c->n_taps; i++) filled += c->taps[i].filled;
    return filled;
}

static double count_synapses(const om_circuit *c)
{
    double synapses = 0;
    for (int i = 0; i < c->n_taps; i++) synapses += c->taps[i].count * (double)c->taps[i].edges;
    return synapses;
}

static void print_summary(const om_circuit *c)
{
    char number[NUMBER_BYTES], other[NUMBER_BYTES];
    printf("%s at extent %d (%s columns)\n\n", c->name, c->extent, grouped(c->n_columns, number));
    printf("%14s types            %d inputs, %d outputs\n", grouped(c->n_types, number),
           c->n_inputs, c->n_outputs);
    printf("%14s pairs            %d with connections at this extent\n",
           grouped(c->n_pairs, number), c->n_live_pairs);
    printf("%14s taps             %d of them fill gaps, %s with connections at this extent\n",
           grouped(c->n_taps, number), count_filled(c), grouped(c->n_live_taps, other));
    printf("%14s cells\n", grouped(c->n_cells, number));
    printf("%14s connections      %s synapses\n", grouped(c->n_edges, number),
           grouped((int64_t)(count_synapses(c) + 0.5), other));
    printf("%14s free parameters  %d resting potentials, %d time constants, %d synapse strengths\n",
           grouped(om_circuit_parameters(c), number), c->n_types, c->n_types, c->n_pairs);
    printf("%14s checksum         %016" PRIx64 "\n", "", c->checksum);
}

static double share(int64_t part, int64_t all) { return all > 0 ? (double)part / (double)all : 0; }

static void print_controls(const subject *s)
{
    const om_controls *c = &s->controls;
    const om_control_shares *k = &s->kept;
    char number[NUMBER_BYTES];
    printf("\ncontrol: counts %s, signs %s, filters %s%s%s (seed %" PRIu64 ")\n",
           om_counts_names[c->counts], om_signs_names[c->signs], om_filters_names[c->filters],
           c->without[0] != '\0' ? ", without " : "", c->without, s->seed);
    printf("of the %s connections of the circuit as it was measured\n",
           grouped(k->measured, number));
    printf("%12.1f %% are there\n", 100 * share(k->joined, k->measured));
    printf("%12.1f %% are there with their synapse count\n", 100 * share(k->count, k->measured));
    printf("%12.1f %% are there with their sign\n", 100 * share(k->sign, k->measured));
}

static void print_types(const om_circuit *c)
{
    printf("%-20s %-12s %8s %8s\n", "type", "role", "stride", "cells");
    for (int i = 0; i < c->n_types; i++) {
        const om_type *type = &c->types[i];
        const char *both = type->input && type->output ? "," : "";
        char role[16], stride[NUMBER_BYTES];
        snprintf(role, sizeof role, "%s%s%s", type->input ? "input" : "", both,
                 type->output ? "output" : "");
        snprintf(stride, sizeof stride, "%d,%d", type->stride_u, type->stride_v);
        printf("%-20s %-12s %8s %8d\n", type->name, role[0] ? role : "-", stride, type->cells);
    }
}

static void print_pairs(const om_circuit *c)
{
    printf("%-12s %-12s %4s %5s %12s %12s\n", "source", "target", "sign", "taps", "connections",
           "mean count");
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *pair = &c->pairs[i];
        printf("%-12s %-12s %4s %5d %12" PRId64 " %12.5g\n", c->types[pair->source].name,
               c->types[pair->target].name, pair->sign > 0 ? "+" : "-", pair->n_taps, pair->edges,
               pair->mean_count);
    }
}

static json_t *types_as_json(const om_circuit *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->n_types; i++) {
        const om_type *t = &c->types[i];
        json_array_append_new(list, json_pack("{s:s, s:[i,i], s:b, s:b, s:i}", "name", t->name,
                                              "stride", t->stride_u, t->stride_v, "input", t->input,
                                              "output", t->output, "cells", t->cells));
    }
    return list;
}

static json_t *pairs_as_json(const om_circuit *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *p = &c->pairs[i];
        json_t *taps = json_array();
        for (int k = p->first_tap; k < p->first_tap + p->n_taps; k++) {
            const om_tap *t = &c->taps[k];
            json_array_append_new(taps, json_pack("{s:i, s:i, s:f, s:b, s:I}", "du", t->du, "dv",
                                                  t->dv, "count", t->count, "filled", t->filled,
                                                  "connections", (json_int_t)t->edges));
        }
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:i, s:I, s:f, s:o}", "source", c->types[p->source].name,
                            "target", c->types[p->target].name, "sign", p->sign, "connections",
                            (json_int_t)p->edges, "mean_count", p->mean_count, "taps", taps));
    }
    return list;
}

static json_t *summary_as_json(const om_circuit *c)
{
    char checksum[NUMBER_BYTES];
    snprintf(checksum, sizeof checksum, "%016" PRIx64, c->checksum);
    return json_pack(
        "{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:f, s:i, s:s}", "name",
        c->name, "extent", c->extent, "columns", c->n_columns, "types", c->n_types, "inputs",
        c->n_inputs, "outputs", c->n_outputs, "pairs", c->n_pairs, "live_pairs", c->n_live_pairs,
        "taps", c->n_taps, "filled_taps", count_filled(c), "live_taps", c->n_live_taps, "cells",
        (json_int_t)c->n_cells, "connections", (json_int_t)c->n_edges, "synapses",
        count_synapses(c), "free_parameters", om_circuit_parameters(c), "checksum", checksum);
}

static json_t *control_as_json(const subject *s)
{
    const om_controls *c = &s->controls;
    const om_control_shares *k = &s->kept;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:f}", "counts",
                     om_counts_names[c->counts], "signs", om_signs_names[c->signs], "filters",
                     om_filters_names[c->filters], "without", c->without, "seed",
                     (json_int_t)s->seed, "connections_measured", (json_int_t)k->measured,
                     "share_kept", share(k->joined, k->measured), "share_with_count",
                     share(k->count, k->measured), "share_with_sign", share(k->sign, k->measured));
}

static om_status run_show(const om_arguments *args)
{
    subject s;
    om_status status = open_subject(args->n > 0 ? args->words[0] : "motion-pathway", &s);
    const om_circuit *c = s.circuit;
    if (status == OM_OK && args->json) {
        json_t *object = summary_as_json(c);
        if (s.is_control) json_object_set_new(object, "control", control_as_json(&s));
        if (set.types) json_object_set_new(object, "type_list", types_as_json(c));
        if (set.pairs) json_object_set_new(object, "pair_list", pairs_as_json(c));
        status = om_command_print_json(object);
    } else if (status == OM_OK) {
        if (!set.types && !set.pairs) print_summary(c);
        if (!set.types && !set.pairs && s.is_control) print_controls(&s);
        if (set.types) print_types(c);
        if (set.types && set.pairs) printf("\n");
        if (set.pairs) print_pairs(c);
    }
    om_circuit_free(s.circuit);
    return status;
}

/* --- import, export -------------------------------------------------------------------------- */

/* The name that opens the circuit once its file is in the user's folder: that of the file. */
static om_status rename_after(om_circuit *circuit, const char *path)
{
    const char *slash = strrchr(path, '/');
    char name[NAME_MAX + 1];
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot != NULL && strcmp(dot, ".circuit") == 0) *dot = '\0';
    return om_circuit_rename(circuit, name);
}

static om_status write_circuit(const om_arguments *args, const char *verb)
{
    if (set.output == NULL) {
        om_fail(OM_EUSAGE, "circuit %s: where to?", verb);
        return om_hint(OM_EUSAGE, "ommatid circuit %s %s -o NAME.circuit", verb, args->words[0]);
    }
    subject s;
    OM_TRY(om_check_new_file(set.output, "-o"));
    om_status status = open_subject(args->words[0], &s);
    om_circuit *circuit = s.circuit;
    if (status == OM_OK)
        status = set.name != NULL ? om_circuit_rename(circuit, set.name)
                                  : rename_after(circuit, set.output);
    if (status == OM_OK) status = om_circuit_save(circuit, set.output);
    if (status == OM_OK && !args->quiet)
        fprintf(stderr, "wrote %s: %d types, %d pairs, %d taps (%d of them fill gaps)\n",
                set.output, circuit->n_types, circuit->n_pairs, circuit->n_taps,
                count_filled(circuit));
    om_circuit_free(circuit);
    return status;
}

static om_status run_import(const om_arguments *args) { return write_circuit(args, "import"); }

static om_status run_export(const om_arguments *args) { return write_circuit(args, "export"); }

/* --- check ----------------------------------------------------------------------------------- */

/* Lines of the message that the failed reading has left. */
static json_t *faults_as_json(void)
{
    json_t *list = json_array();
    for (const char *line = om_message(); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        json_array_append_new(list, json_stringn(line, length));
        line += length + (line[length] == '\n');
    }
    return list;
}

/* What is allowed but may not be meant. */
static json_t *remarks(const om_circuit *c)
{
    json_t *list = json_array();
    char text[256];
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *pair = &c->pairs[i];
        if (pair->edges > 0) continue;
        snprintf(text, sizeof text, "pair %s -> %s: no connection at extent %d",
                 c->types[pair->source].name, c->types[pair->target].name, c->extent);
        json_array_append_new(list, json_string(text));
    }
    for (int type = 0; type < c->n_types; type++) {
        bool driven = c->types[type].input, heard = c->types[type].output;
        for (int i = 0; i < c->n_pairs; i++) {
            driven = driven || (c->pairs[i].target == type && c->pairs[i].source != type);
            heard = heard || (c->pairs[i].source == type && c->pairs[i].target != type);
        }
        if (driven && heard) continue;
        snprintf(text, sizeof text, "type %s: %s", c->types[type].name,
                 !driven ? "is not an input, and no other type drives it"
                         : "is not an output, and it drives no other type");
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static om_status run_check(const om_arguments *args)
{
    om_circuit *c;
    om_status status =
        om_circuit_open(args->words[0], set.extent != 0 ? set.extent : PAPER_EXTENT, &c);
    if (status != OM_OK) {
        if (!args->json || status != OM_EDATA) return status;
        OM_TRY(
            om_command_print_json(json_pack("{s:b, s:o}", "good", 0, "faults", faults_as_json())));
        return status;
    }
    json_t *list = remarks(c);
    if (args->json) {
        status = om_command_print_json(json_pack("{s:b, s:[], s:o, s:o}", "good", 1, "faults",
                                                 "remarks", list, "summary", summary_as_json(c)));
    } else {
        size_t i;
        json_t *remark;
        printf("%s: good: %d types, %d pairs, %d taps\n", args->words[0], c->n_types, c->n_pairs,
               c->n_taps);
        json_array_foreach(list, i, remark) printf("  note: %s\n", json_string_value(remark));
        json_decref(list);
    }
    om_circuit_free(c);
    return status;
}

/* --- table ----------------------------------------------------------------------------------- */

#define OPTION_EXTENT                                                                              \
    {                                                                                              \
        "extent", 0, OM_OPTION_INT, "N",                                                           \
            "columns from the centre to the edge; default: 15, or the spec's",                     \
            .value = &set.extent, .least = 1, .most = OM_LATTICE_MAX_EXTENT                        \
    }

static const om_option show_options[] = {
    OPTION_EXTENT,
    {"types", 0, OM_OPTION_FLAG, NULL, "its cell types", .value = &set.types},
    {"pairs", 0, OM_OPTION_FLAG, NULL, "its pairs of connected types", .value = &set.pairs},
    {0},
};
static const om_option import_options[] = {
    {"output", 'o', OM_OPTION_FILE, "FILE", "the circuit to write (must not be there yet)",
     .value = &set.output},
    {"name", 0, OM_OPTION_TEXT, "NAME", "name of the circuit; default: that of the file",
     .value = &set.name},
    {0},
};
static const om_option check_options[] = {OPTION_EXTENT, {0}};

static const om_command verbs[] = {
    {.name = "list",
     .summary = "the circuits that can be opened by name",
     .json = true,
     .example = "ommatid circuit list",
     .run = run_list},
    {.name = "show",
     .summary = "counts of types, pairs, taps, cells, connections and free parameters",
     .synopsis = "[NAME | FILE | SPEC.yaml]",
     .details =
         "Without a name the built-in motion pathway. Of a spec, its circuit with the spec's "
         "strides and\n"
         "controls, and what of the measured circuit a control has kept.",
     .options = show_options,
     .json = true,
     .most = 1,
     .example = "ommatid circuit show\nommatid circuit show flyvis-v2.2 --types\n"
                "ommatid circuit show mine.yaml",
     .run = run_show},
    {.name = "import",
     .summary = "a connectome in the published JSON form into a circuit",
     .synopsis = "FILE.json -o FILE.circuit",
     .details = "Gaps in the fields of pairs are filled. A circuit in the folder of `circuit list` "
                "opens by its name.",
     .options = import_options,
     .least = 1,
     .most = 1,
     .example = "ommatid circuit import connectome.json -o mine.circuit",
     .run = run_import},
    {.name = "export",
     .summary = "the circuit that a spec makes, or any other, into a circuit file",
     .synopsis = "SPEC.yaml | NAME | FILE  -o FILE.circuit",
     .details = "With the spec's strides and controls.",
     .options = import_options,
     .least = 1,
     .most = 1,
     .example = "ommatid circuit export mine.yaml -o shuffled.circuit",
     .run = run_export},
    {.name = "check",
     .summary = "every fault of a circuit or connectome file",
     .synopsis = "FILE",
     .options = check_options,
     .json = true,
     .least = 1,
     .most = 1,
     .example = "ommatid circuit check mine.circuit",
     .run = run_check},
    {0},
};

const om_command om_cmd_circuit = {
    .name = "circuit",
    .summary = "list, show, import, export and check circuits",
    .verbs = verbs,
};
