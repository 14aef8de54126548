/* Circuits: the counts of the built-in and of the published one, both forms of a table there and
 * back, and what bad files are told. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "ommatid/om_circuit.h"

#define DATA       OM_TEST_DATA "/circuit/"
#define CONNECTOME OM_SHARED "/connectome/fib25-fib19_v2.2.json"
#define GOLDEN     OM_SHARED "/golden/"

static char directory[] = "/tmp/ommatid-circuit-XXXXXX"; /* for files that the tests write */

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory); /* every test has removed what it wrote */
}

static void in_directory(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", directory, name);
}

static om_circuit *open_circuit(const char *source, int extent)
{
    om_circuit *circuit;
    om_status status = om_circuit_open(source, extent, &circuit);
    if (status != OM_OK) fail_msg("%s: %s", source, om_message());
    return circuit;
}

/* Opens a file that belongs to the reference data; skips the test where that is not there. */
static FILE *open_golden(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL || access(CONNECTOME, R_OK) != 0) {
        if (file != NULL) fclose(file);
        print_message("skipped: the reference data is not there (%s)\n", path);
        skip();
    }
    return file;
}

static void test_motion_pathway_has_its_published_size(void **state)
{
    (void)state;
    const char *description;
    assert_string_equal(om_circuit_builtin(0, &description), "motion-pathway");
    assert_non_null(strstr(description, "T4"));
    assert_null(om_circuit_builtin(1, &description));
    om_circuit *c = open_circuit("motion-pathway", 15);
    assert_string_equal(c->name, "motion-pathway");
    assert_int_equal(c->n_types, 33);
    assert_int_equal(c->n_pairs, 266);
    assert_int_equal(c->n_taps, 1159);
    assert_int_equal(c->n_columns, 721);
    assert_int_equal(c->n_cells, 33 * 721);
    assert_int_equal(c->n_inputs, 6);
    assert_int_equal(c->n_outputs, 15);
    assert_int_equal(om_circuit_parameters(c), 2 * 33 + 266);
    assert_int_equal(om_circuit_type(c, "T5c"), c->outputs[7]);
    assert_int_equal(om_circuit_type(c, "T6"), -1);
    int filled = 0;
    for (int i = 0; i < c->n_taps; i++) {
        filled += c->taps[i].filled;
        if (c->taps[i].filled) assert_true(c->taps[i].count == 1);
    }
    assert_int_equal(filled, 171);
    om_circuit_free(c);
}

/* The connections of a tap counted cell by cell, by the definition. */
static int64_t count_cell_by_cell(const om_circuit *c, const om_pair *pair, const om_tap *tap)
{
    int64_t n = 0;
    for (int i = 0; i < c->n_columns; i++) {
        int u, v;
        om_lattice_coordinates(c->extent, i, &u, &v);
        if (!om_circuit_has_cell(c, pair->source, u, v)) continue;
        u += tap->du, v += tap->dv;
        n += om_lattice_index(c->extent, u, v) >= 0 && om_circuit_has_cell(c, pair->target, u, v);
    }
    return n;
}

static void check_counts(const om_circuit *c)
{
    int64_t edges = 0;
    int live_taps = 0, live_pairs = 0;
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *pair = &c->pairs[i];
        int64_t pair_edges = 0;
        for (int k = pair->first_tap; k < pair->first_tap + pair->n_taps; k++) {
            int64_t n = count_cell_by_cell(c, pair, &c->taps[k]);
            assert_int_equal(n, c->taps[k].edges);
            pair_edges += n;
            live_taps += n > 0;
        }
        assert_int_equal(pair_edges, pair->edges);
        edges += pair_edges;
        live_pairs += pair_edges > 0;
    }
    assert_int_equal(edges, c->n_edges);
    assert_int_equal(live_taps, c->n_live_taps);
    assert_int_equal(live_pairs, c->n_live_pairs);
}

static void test_connections_are_those_counted_cell_by_cell(void **state)
{
    (void)state;
    const int extents[] = {1, 2, 3, 6, 7};
    for (size_t i = 0; i < sizeof extents / sizeof extents[0]; i++) {
        om_circuit *c = open_circuit("motion-pathway", extents[i]);
        check_counts(c);
        om_circuit_free(c);
        c = open_circuit(DATA "small.circuit", extents[i]);
        check_counts(c);
        om_circuit_free(c);
    }
}

static void test_small_table_means_what_it_says(void **state)
{
    (void)state;
    om_circuit *c = open_circuit(DATA "small.circuit", 4);
    assert_string_equal(c->name, "small");
    assert_int_equal(c->n_types, 3);
    assert_int_equal(c->types[1].stride_u, 3);
    assert_int_equal(c->types[1].stride_v, 2);
    assert_true(c->types[0].input && !c->types[0].output && c->types[2].output);
    assert_int_equal(c->n_inputs, 1);
    assert_int_equal(c->n_outputs, 2);
    assert_int_equal(c->outputs[0], 2); /* Out has place 1 */
    assert_int_equal(c->outputs[1], 1);
    assert_int_equal(c->n_taps, 6);
    assert_true(c->taps[0].count == 12.5 && c->taps[1].count == 0.3 && c->taps[2].count == 0.03);
    assert_true(!c->taps[0].filled && c->taps[1].filled);
    assert_int_equal(c->taps[1].dv, -1);
    assert_int_equal(c->pairs[1].sign, -1);
    assert_int_equal(c->max_offset, 1);
    /* offset (1, 0) never leads from one cell of the grid of stride 3 to another */
    assert_int_equal(c->pairs[2].edges, 0);
    assert_true(c->pairs[2].mean_count == 0);
    assert_int_equal(c->n_live_pairs, 3);
    /* (0, 0) and (1, -1) both end on the cells of Wide, the second not on those of the rim */
    const om_tap *t = c->taps;
    double mean =
        (12.5 * (double)t[0].edges + 0.3 * (double)t[1].edges) / (double)(t[0].edges + t[1].edges);
    assert_int_equal(t[0].edges, c->types[1].cells);
    assert_true(fabs(c->pairs[0].mean_count - mean) < 1e-12);
    om_circuit_free(c);
}

/* At extent 1 the wide grid keeps the column in the middle alone. */
static void test_strides_are_mathematical_remainders(void **state)
{
    (void)state;
    om_circuit *c = open_circuit(DATA "small.circuit", 1);
    assert_int_equal(c->types[1].cells, 1);
    om_circuit_free(c);
    c = open_circuit(DATA "small.circuit", 3);
    assert_true(om_circuit_has_cell(c, 1, -3, 2) && om_circuit_has_cell(c, 1, 3, -2));
    assert_true(!om_circuit_has_cell(c, 1, -1, 0) && !om_circuit_has_cell(c, 1, 0, -1));
    assert_int_equal(c->types[1].cells, 7); /* (-3,0) (-3,2) (0,-2) (0,0) (0,2) (3,-2) (3,0) */
    om_circuit_free(c);
}

static void test_json_fills_hulls(void **state)
{
    (void)state;
    om_circuit *c = open_circuit(DATA "small.json", 4);
    assert_string_equal(c->name, "small");
    assert_int_equal(c->n_types, 3);
    assert_int_equal(c->types[1].stride_u, 3);
    assert_int_equal(c->outputs[0], 2); /* the order of output_units */
    assert_int_equal(c->outputs[1], 1);
    /* A triangle gets the points on its sides but not on the side of the smallest dv; three points
     * in a line and two points get nothing. */
    const om_pair *triangle = &c->pairs[1];
    assert_int_equal(triangle->n_taps, 5);
    const om_tap *tap = c->taps + triangle->first_tap;
    const int expected[5][3] = {{2, 0, 0}, {0, 0, 0}, {0, 2, 0}, {0, 1, 1}, {1, 1, 1}};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tap[i].du, expected[i][0]);
        assert_int_equal(tap[i].dv, expected[i][1]);
        assert_int_equal(tap[i].filled, expected[i][2]);
    }
    assert_true(tap[2].count == 0.044709388971684063 && tap[3].count == 1);
    assert_int_equal(c->pairs[2].n_taps, 3);
    assert_int_equal(c->pairs[3].n_taps, 2);
    om_circuit_free(c);
}

/* Saves, reads back at the same extent and compares; then refuses to save once more. */
static void check_round_trip(const om_circuit *c)
{
    char path[256];
    in_directory(path, "saved.circuit");
    if (om_circuit_save(c, path) != OM_OK) fail_msg("%s", om_message());
    om_circuit *again = open_circuit(path, c->extent);
    assert_true(again->checksum == c->checksum);
    assert_string_equal(again->name, c->name);
    assert_int_equal(again->n_edges, c->n_edges);
    for (int i = 0; i < c->n_taps; i++) {
        assert_true(again->taps[i].count == c->taps[i].count);
        assert_int_equal(again->taps[i].filled, c->taps[i].filled);
    }
    om_circuit_free(again);
    char *before, *after;
    size_t length;
    assert_int_equal(om_read_file(path, &before, &length), OM_OK);
    assert_int_equal(om_circuit_save(c, path), OM_EIO);
    assert_non_null(strstr(om_message(), path));
    assert_int_equal(om_read_file(path, &after, &length), OM_OK);
    assert_string_equal(before, after);
    om_free(before);
    om_free(after);
    unlink(path);
}

static void test_saved_circuits_read_back_the_same(void **state)
{
    (void)state;
    const char *sources[] = {"motion-pathway", DATA "small.circuit", DATA "small.json"};
    for (int i = 0; i < 3; i++) {
        om_circuit *c = open_circuit(sources[i], 5);
        check_round_trip(c);
        om_circuit_free(c);
    }
}

static void test_saving_says_what_it_could_not_do(void **state)
{
    (void)state;
    om_circuit *c = open_circuit(DATA "small.circuit", 2);
    assert_int_equal(om_circuit_save(c, "/nowhere/at/all.circuit"), OM_EIO);
    assert_non_null(strstr(om_message(), "/nowhere/at/all.circuit"));
    if (access("/dev/full", W_OK) == 0) { /* exists: refused before anything is written */
        assert_int_equal(om_circuit_save(c, "/dev/full"), OM_EIO);
        assert_int_equal(access("/dev/full", F_OK), 0);
    }
    om_circuit_free(c);
}

/* Everything that matters to a simulation changes the checksum; the name does not. */
static void test_checksum_sees_every_figure(void **state)
{
    (void)state;
    const char *base = "circuit x 1\ntype A input\ntype B output\npair A B + 0,0=1 0,1=2\n";
    const char *others[] = {
        "circuit x 1\ntype A2 input\ntype B output\npair A2 B + 0,0=1 0,1=2\n",
        "circuit x 1\ntype A input output\ntype B output\npair A B + 0,0=1 0,1=2\n",
        "circuit x 1\ntype A input stride 1 2\ntype B output\npair A B + 0,0=1 0,1=2\n",
        "circuit x 1\ntype A input\ntype B output\npair B A + 0,0=1 0,1=2\n",
        "circuit x 1\ntype A input\ntype B output\npair A B - 0,0=1 0,1=2\n",
        "circuit x 1\ntype A input\ntype B output\npair A B + 0,0=1 1,0=2\n",
        "circuit x 1\ntype A input\ntype B output\npair A B + 0,0=1 0,1=2.0000001\n",
        "circuit x 1\ntype A input\ntype B output\npair A B + 0,0=1* 0,1=2\n",
    };
    om_circuit *c, *other;
    assert_int_equal(om_circuit_parse("base", base, 3, &c), OM_OK);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(om_circuit_parse("other", others[i], 3, &other), OM_OK);
        assert_true(other->checksum != c->checksum);
        om_circuit_free(other);
    }
    assert_int_equal(om_circuit_parse("base", base, 4, &other), OM_OK);
    assert_true(other->checksum != c->checksum);
    om_circuit_free(other);
    assert_int_equal(om_circuit_parse("base", base, 3, &other), OM_OK);
    assert_int_equal(om_circuit_rename(other, "another"), OM_OK);
    assert_string_equal(other->name, "another");
    assert_true(other->checksum == c->checksum);
    assert_int_equal(om_circuit_rename(other, "two words"), OM_EUSAGE);
    assert_string_equal(other->name, "another");
    om_circuit_free(other);
    om_circuit_free(c);
}

/* Every expected part must be in the message, each in a line of its own that starts with `file`. */
static void expect_faults(const char *file, int n, const char *const *expected)
{
    char line[512];
    for (int i = 0; i < n; i++) {
        snprintf(line, sizeof line, "%s%s", file, expected[i]);
        if (strstr(om_message(), line) == NULL) fail_msg("no '%s' in:\n%s", line, om_message());
    }
    int lines = 1;
    for (const char *c = om_message(); *c != '\0'; c++) lines += *c == '\n';
    if (lines != n) fail_msg("%d faults expected, got:\n%s", n, om_message());
}

static void test_every_fault_of_a_table_is_named_with_its_line(void **state)
{
    (void)state;
    const char *file = DATA "bad.circuit";
    om_circuit *c = (om_circuit *)&c;
    assert_int_equal(om_circuit_open(file, 5, &c), OM_EDATA);
    assert_null(c);
    const char *const expected[] = {
        ":1: version '2'",
        ":3: type A is given twice",
        ":4: type B: stride 0 2",
        ":5: type: name 'ThisNameIsFarTooLongToBeTheNameOfAType' is too long",
        ":7: unknown word 'colour'",
        ":7: unknown word 'red'",
        ":8: unknown word 'paar' (did you mean 'pair'?)",
        ":9: pair A -> X: unknown type 'X'",
        ":10: pair A -> B: sign '*'",
        ":11: pair A -> B is given twice (before: line 10)",
        ":12: pair B -> A: offset 121,0 is out of range",
        ":12: pair B -> A: offset 0,-500 is out of range",
        ":13: pair B -> B: '1.5,0=1': expected DU,DV=COUNT",
        ":14: pair B -> C: offset 0,0 is given twice",
        ":15: pair C -> A: '0,0=nan': expected DU,DV=COUNT",
        ":16: pair C -> B: offset 0,0: synapse count -4",
        ":16: pair C -> B: offset 0,1: synapse count 0",
        ":16: pair C -> B: offset 0,2: synapse count 1e+300",
        ":17: pair C -> C has no offsets",
        ":18: expected: pair SOURCE TARGET",
        ":19: type E: types come before the first pair",
        ": type C: output 7, but there are only 1",
    };
    expect_faults(file, sizeof expected / sizeof expected[0], expected);
}

static void test_every_fault_of_a_json_is_named_with_its_place(void **state)
{
    (void)state;
    const char *file = DATA "bad.json";
    om_circuit *c;
    assert_int_equal(om_circuit_open(file, 5, &c), OM_EDATA);
    const char *const expected[] = {
        ": nodes[1]: type A is given twice",
        ": nodes[2]: type B: \"pattern\"",
        ": nodes[3]: type C: stride 0 1",
        ": nodes[4]: \"name\": missing",
        ": nodes[5]: type: name 'a ?[31m name' has other characters",
        ": nodes[6]: expected an object",
        ": edges[0]: pair A -> X: unknown type 'X'",
        ": edges[2]: pair A -> B is given twice (before: edge number 1)",
        ": edges[3]: pair B -> A: \"alpha\" is the sign",
        ": edges[4]: pair B -> B: offset 0,121 is out of range",
        ": edges[4]: pair B -> B: offset number 1: expected [[DU, DV], COUNT]",
        ": edges[4]: pair B -> B: offset number 2: expected [[DU, DV], COUNT]",
        ": edges[5]: pair B -> C: offset 0,0 is given twice",
        ": edges[6]: pair C -> A: offset 0,0: synapse count -1",
        ": edges[7]: pair C -> B has no offsets",
        ": edges[8]: \"offsets\": missing",
        ": edges[9]: \"tar\": missing",
        ": output_units[1]: output_units: unknown type 'Y'",
        ": output_units[2]: type C is given twice",
        ": output_units[3]: expected the name of a type",
        ": none of the types is an input",
    };
    expect_faults(file, sizeof expected / sizeof expected[0], expected);
}

static void test_broken_json_is_told_by_line_and_column(void **state)
{
    (void)state;
    om_circuit *c;
    assert_int_equal(om_circuit_open(DATA "truncated.json", 5, &c), OM_EDATA);
    assert_non_null(strstr(om_message(), "truncated.json:4:26: "));
    assert_int_equal(om_circuit_parse_json("x.json", "{\"nodes\": [], \"nodes\": []}", 5, &c),
                     OM_EDATA);
    assert_non_null(strstr(om_message(), "x.json:1:"));
    assert_non_null(strstr(om_message(), "duplicate"));
    assert_int_equal(om_circuit_parse_json("x.json", "{\"nodes\":\n NaN}", 5, &c), OM_EDATA);
    assert_non_null(strstr(om_message(), "x.json:2:"));
    assert_int_equal(om_circuit_parse_json("x.json", "[]", 5, &c), OM_EDATA);
}

static void test_a_long_list_of_faults_ends_with_their_number(void **state)
{
    (void)state;
    om_text text = {0};
    om_text_add(&text, "circuit x 1\ntype A input output\n");
    for (int i = 0; i < 80; i++) om_text_add(&text, "pair A X%d + 0,0=1\n", i);
    om_circuit *c;
    assert_int_equal(om_circuit_parse("x", text.data, 3, &c), OM_EDATA);
    assert_non_null(strstr(om_message(), "x:52: pair A -> X49"));
    assert_null(strstr(om_message(), "X50"));
    assert_non_null(strstr(om_message(), "and 30 more"));
    om_text_free(&text);
}

static void test_what_is_not_a_circuit_is_refused(void **state)
{
    (void)state;
    om_circuit *c;
    const char *empty[] = {"", "\n# nothing\n", "circuit x 1\n"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(om_circuit_parse("x", empty[i], 3, &c), OM_EDATA);
        assert_non_null(strstr(om_message(), "no types"));
    }
    assert_int_equal(om_circuit_parse("x",
                                      "\x7f"
                                      "ELF\x01\x02",
                                      3, &c),
                     OM_EDATA);
    assert_non_null(strstr(om_message(), "not a text file"));
    assert_int_equal(om_circuit_parse("x", "type A input output\npair A A + 0,0=1", 3, &c),
                     OM_EDATA);
    assert_non_null(strstr(om_message(), "x:1: expected first: circuit NAME 1"));
    const char *unread = "circuit x 1\ntype A output\npair A A + 0,0=1\n";
    assert_int_equal(om_circuit_parse("x", unread, 3, &c), OM_EDATA);
    assert_non_null(strstr(om_message(), "none of the types is an input"));
}

static void test_missing_circuits_and_bad_extents_say_what_to_try(void **state)
{
    (void)state;
    om_circuit *c;
    assert_int_equal(om_circuit_open("motion-pathwya", 5, &c), OM_EDATA);
    assert_non_null(strstr(om_message(), "try: ommatid circuit list"));
    assert_int_equal(om_circuit_open("no/such.circuit", 5, &c), OM_EDATA);
    assert_non_null(strstr(om_message(), "no/such.circuit"));
    assert_int_equal(om_circuit_open("/tmp", 5, &c), OM_EDATA);
    const int extents[] = {-1, 0, OM_LATTICE_MAX_EXTENT + 1};
    for (int i = 0; i < 3; i++)
        assert_int_equal(om_circuit_open("motion-pathway", extents[i], &c), OM_EUSAGE);
}

static void test_circuits_are_found_in_the_data_directory(void **state)
{
    (void)state;
    char folder[256], path[256];
    in_directory(folder, "ommatid");
    in_directory(path, "ommatid/flyvis-test.circuit");
    om_circuit *c = open_circuit(DATA "small.circuit", 2), *found;
    setenv("XDG_DATA_HOME", directory, 1);
    assert_int_equal(om_circuit_open("flyvis-test", 2, &found), OM_EDATA);
    assert_non_null(strstr(om_message(), path));
    assert_non_null(strstr(om_message(), "tools/fetch-connectome"));
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(om_circuit_save(c, path), OM_OK);
    found = open_circuit("flyvis-test", 2);
    assert_true(found->checksum == c->checksum);
    om_circuit_free(found);
    om_circuit_free(c);
    unlink(path);
    rmdir(folder);
    unsetenv("XDG_DATA_HOME");
}

static void test_published_connectome_has_its_published_counts(void **state)
{
    (void)state;
    fclose(open_golden(CONNECTOME));
    om_circuit *c = open_circuit(CONNECTOME, 15);
    assert_int_equal(c->n_types, 65);
    assert_int_equal(c->n_pairs, 605);
    assert_int_equal(c->n_taps, 2378);
    assert_int_equal(c->n_cells, 45669);
    assert_int_equal(c->n_edges, 1513231);
    assert_int_equal(c->n_inputs, 8);
    assert_int_equal(c->n_outputs, 34);
    assert_int_equal(c->n_live_pairs, 604);
    assert_int_equal(c->n_live_taps, 2355);
    assert_int_equal(c->max_offset, 6);
    assert_int_equal(om_circuit_parameters(c), 735);
    check_round_trip(c);
    om_circuit_free(c);
}

static void test_published_taps_are_the_reference_s_in_its_order(void **state)
{
    (void)state;
    FILE *file = open_golden(GOLDEN "taps.csv");
    om_circuit *c = open_circuit(CONNECTOME, 15);
    char line[256], source[64], target[64];
    assert_non_null(fgets(line, sizeof line, file));
    int i = 0, pair = 0, du, dv, sign, filled;
    double count;
    for (; fgets(line, sizeof line, file) != NULL; i++) {
        assert_int_equal(sscanf(line, "%63[^,],%63[^,],%d,%d,%lf,%d,%d", source, target, &du, &dv,
                                &count, &sign, &filled),
                         7);
        assert_true(i < c->n_taps);
        while (i >= c->pairs[pair].first_tap + c->pairs[pair].n_taps) pair++;
        assert_string_equal(c->types[c->pairs[pair].source].name, source);
        assert_string_equal(c->types[c->pairs[pair].target].name, target);
        assert_int_equal(c->pairs[pair].sign, sign);
        assert_int_equal(c->taps[i].du, du);
        assert_int_equal(c->taps[i].dv, dv);
        assert_int_equal(c->taps[i].filled, filled);
        assert_true(c->taps[i].count == count);
    }
    assert_int_equal(i, c->n_taps);
    om_circuit_free(c);
    fclose(file);
}

/* What counts.csv calls `name`, of the circuit. */
static int64_t counted(const om_circuit *c, const char *what, const char *name)
{
    if (strcmp(what, "cells") == 0) return c->types[om_circuit_type(c, name)].cells;
    if (strcmp(name, "nodes") == 0) return c->n_cells;
    if (strcmp(name, "edges") == 0) return c->n_edges;
    if (strcmp(name, "pairs") == 0) return c->n_live_pairs;
    assert_string_equal(name, "taps");
    return c->n_live_taps;
}

static void test_counts_at_every_extent_are_the_reference_s(void **state)
{
    (void)state;
    FILE *file = open_golden(GOLDEN "counts.csv");
    om_circuit *c = NULL;
    char line[256], what[64], name[64];
    assert_non_null(fgets(line, sizeof line, file));
    int lines = 0, extent;
    long long count;
    for (; fgets(line, sizeof line, file) != NULL; lines++) {
        assert_int_equal(sscanf(line, "%d,%63[^,],%63[^,],%lld", &extent, what, name, &count), 4);
        if (c == NULL || c->extent != extent) {
            om_circuit_free(c);
            c = open_circuit(CONNECTOME, extent);
        }
        if (counted(c, what, name) != count)
            fail_msg("extent %d, %s: %lld, not %lld", extent, name,
                     (long long)counted(c, what, name), count);
    }
    assert_true(lines > 400);
    om_circuit_free(c);
    fclose(file);
}

/* Compares the pair of a line of init_strength.csv at one extent. Where no synapse lands the file
 * has no mean (NaN), the circuit 0. */
static void compare_strength(const om_circuit *c, const char *source, const char *target,
                             double edges, double mean, double alpha)
{
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *pair = &c->pairs[i];
        if (strcmp(c->types[pair->source].name, source) != 0) continue;
        if (strcmp(c->types[pair->target].name, target) != 0) continue;
        assert_true((double)pair->edges == edges);
        if (pair->edges == 0) {
            assert_true(pair->mean_count == 0);
            return;
        }
        assert_true(fabs(pair->mean_count - mean) <= 1e-13 * mean);
        assert_true(fabs(0.01 / pair->mean_count - alpha) <= 1e-13 * alpha);
        return;
    }
    fail_msg("no pair %s -> %s", source, target);
}

static void test_initial_strengths_are_the_reference_s(void **state)
{
    (void)state;
    FILE *file = open_golden(GOLDEN "init_strength.csv");
    om_circuit *small = open_circuit(CONNECTOME, 3), *large = open_circuit(CONNECTOME, 15);
    char line[512], source[64], target[64];
    assert_non_null(fgets(line, sizeof line, file));
    int lines = 0;
    double x[8];
    for (; fgets(line, sizeof line, file) != NULL; lines++) {
        assert_int_equal(sscanf(line, "%63[^,],%63[^,],%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", source,
                                target, &x[0], &x[1], &x[2], &x[3], &x[4], &x[5], &x[6], &x[7]),
                         10);
        compare_strength(small, source, target, x[0], x[1], x[2]);
        compare_strength(large, source, target, x[4], x[5], x[6]);
    }
    assert_int_equal(lines, 605);
    om_circuit_free(small);
    om_circuit_free(large);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_motion_pathway_has_its_published_size),
        cmocka_unit_test(test_connections_are_those_counted_cell_by_cell),
        cmocka_unit_test(test_small_table_means_what_it_says),
        cmocka_unit_test(test_strides_are_mathematical_remainders),
        cmocka_unit_test(test_json_fills_hulls),
        cmocka_unit_test(test_saved_circuits_read_back_the_same),
        cmocka_unit_test(test_saving_says_what_it_could_not_do),
        cmocka_unit_test(test_checksum_sees_every_figure),
        cmocka_unit_test(test_every_fault_of_a_table_is_named_with_its_line),
        cmocka_unit_test(test_every_fault_of_a_json_is_named_with_its_place),
        cmocka_unit_test(test_broken_json_is_told_by_line_and_column),
        cmocka_unit_test(test_a_long_list_of_faults_ends_with_their_number),
        cmocka_unit_test(test_what_is_not_a_circuit_is_refused),
        cmocka_unit_test(test_missing_circuits_and_bad_extents_say_what_to_try),
        cmocka_unit_test(test_circuits_are_found_in_the_data_directory),
        cmocka_unit_test(test_published_connectome_has_its_published_counts),
        cmocka_unit_test(test_published_taps_are_the_reference_s_in_its_order),
        cmocka_unit_test(test_counts_at_every_extent_are_the_reference_s),
        cmocka_unit_test(test_initial_strengths_are_the_reference_s),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
