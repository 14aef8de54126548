/* Control circuits: what each control keeps to the bit, what it changes, and that a seed means one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ommatid/om_controls.h"

#define CONNECTOME OM_SHARED "/connectome/fib25-fib19_v2.2.json"

static const om_controls EQUAL = {.counts = OM_COUNTS_EQUAL};
static const om_controls SHUFFLED = {.counts = OM_COUNTS_SHUFFLED};
static const om_controls SIGNS = {.signs = OM_SIGNS_SHUFFLED};
static const om_controls ROTATED = {.filters = OM_FILTERS_ROTATED};

static void must(om_status status)
{
    if (status != OM_OK) fail_msg("%s", om_message());
}

/* With strides, two types on one grid, an offset that no lattice has room for when turned, and types
 * whose synapses have both signs. */
static const char strided[] = "circuit strided 1\n"
                              "type Eye input\n"
                              "type Wide stride 3 2\n"
                              "type Wider stride 3 2\n"
                              "type Mixed\n"
                              "type Mute\n"
                              "type Out output\n"
                              "pair Eye Wide + 0,0=12.5 1,-1=0.3* 0,1=2\n"
                              "pair Eye Mixed - 0,0=4 1,0=3 2,0=2.5 0,-2=1*\n"
                              "pair Wide Wider - 3,0=7 0,0=5 3,-2=2\n"
                              "pair Wide Out - 120,120=1 -1,0=3e-2 0,0=7\n"
                              "pair Wider Mixed + 1,0=1 1,1=2 -1,3=8 2,1=5\n"
                              "pair Mixed Out - 0,0=1.25 0,1=2\n"
                              "pair Mixed Mute + 0,0=1\n"
                              "pair Out Out + 0,1=0.5 0,2=4\n";

/* A circuit, and what is made of it. */
typedef struct couple {
    om_circuit *before, *after;
} couple;

enum { MOTION_PATHWAY, STRIDED, CIRCUITS };

static om_circuit *open_circuit(int which, int extent)
{
    om_circuit *c = NULL;
    if (which == MOTION_PATHWAY)
        must(om_circuit_open("motion-pathway", extent, &c));
    else
        must(om_circuit_parse("strided", strided, extent, &c));
    return c;
}

static couple make(int which, int extent, const om_controls *controls, uint64_t seed)
{
    couple c = {open_circuit(which, extent), open_circuit(which, extent)};
    must(om_circuit_control(c.after, controls, seed));
    return c;
}

static void free_couple(couple *c)
{
    om_circuit_free(c->before);
    om_circuit_free(c->after);
}

/* Runs a check over circuits and extents. */
static void everywhere(const om_controls *controls, void (*check)(const couple *c))
{
    const int extents[] = {1, 2, 4, 15};
    for (int which = 0; which < CIRCUITS; which++)
        for (size_t i = 0; i < sizeof extents / sizeof *extents; i++)
            for (uint64_t seed = 0; seed < 3; seed++) {
                couple c = make(which, extents[i], controls, seed);
                check(&c);
                free_couple(&c);
            }
}

static double synapses(const om_circuit *c)
{
    double sum = 0;
    for (int i = 0; i < c->n_taps; i++) sum += c->taps[i].count * (double)c->taps[i].edges;
    return sum;
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-12 * fabs(b); }

/* ---- what controls have in common ---- */

/* Types, and which of them are pairs with how many taps; what the extent makes follows from the table. */
static void check_frame(const couple *c)
{
    const om_circuit *a = c->before, *b = c->after;
    char path[] = "/tmp/ommatid-controls-XXXXXX", table[64];
    om_circuit *read = NULL;
    assert_int_equal(a->n_types, b->n_types);
    assert_int_equal(a->n_pairs, b->n_pairs);
    assert_int_equal(a->n_taps, b->n_taps);
    assert_memory_equal(a->types, b->types, (size_t)a->n_types * sizeof *a->types);
    for (int i = 0; i < a->n_pairs; i++) {
        const om_pair *p = &a->pairs[i], *q = &b->pairs[i];
        assert_true(p->source == q->source && p->target == q->target);
        assert_true(p->first_tap == q->first_tap && p->n_taps == q->n_taps);
        for (int k = p->first_tap; k < p->first_tap + p->n_taps; k++)
            assert_int_equal(a->taps[k].filled, b->taps[k].filled);
    }
    assert_non_null(mkdtemp(path));
    snprintf(table, sizeof table, "%s/x.circuit", path);
    must(om_circuit_save(b, table));
    must(om_circuit_open(table, b->extent, &read));
    assert_true(read->checksum == b->checksum && read->n_edges == b->n_edges);
    assert_memory_equal(read->pairs, b->pairs, (size_t)b->n_pairs * sizeof *b->pairs);
    om_circuit_free(read);
    unlink(table);
    rmdir(path);
}

static bool same_offsets(const om_circuit *a, const om_circuit *b)
{
    for (int i = 0; i < a->n_taps; i++)
        if (a->taps[i].du != b->taps[i].du || a->taps[i].dv != b->taps[i].dv ||
            a->taps[i].edges != b->taps[i].edges)
            return false;
    return a->n_edges == b->n_edges;
}

static bool same_counts(const om_circuit *a, const om_circuit *b)
{
    for (int i = 0; i < a->n_taps; i++)
        if (!(a->taps[i].count == b->taps[i].count)) return false;
    return true;
}

static bool same_signs(const om_circuit *a, const om_circuit *b)
{
    for (int i = 0; i < a->n_pairs; i++)
        if (a->pairs[i].sign != b->pairs[i].sign) return false;
    return true;
}

static void test_nothing_asked_for_changes_nothing(void **state)
{
    (void)state;
    const om_controls none = {0};
    assert_false(om_controls_any(&none));
    for (int which = 0; which < CIRCUITS; which++) {
        couple c = make(which, 3, &none, 7);
        assert_true(c.before->checksum == c.after->checksum);
        free_couple(&c);
    }
}

/* The same bits each time, for every seed its own: where there is anything to draw. */
static void test_a_seed_means_one_circuit(void **state)
{
    (void)state;
    const om_controls *const drawn[] = {&SHUFFLED, &SIGNS, &ROTATED};
    for (int i = 0; i < 3; i++) {
        assert_true(om_controls_any(drawn[i]));
        couple a = make(MOTION_PATHWAY, 4, drawn[i], 1), b = make(MOTION_PATHWAY, 4, drawn[i], 1);
        couple c = make(MOTION_PATHWAY, 4, drawn[i], 2);
        assert_true(a.after->checksum == b.after->checksum);
        assert_true(a.after->checksum != c.after->checksum);
        assert_true(a.after->checksum != a.before->checksum);
        free_couple(&a), free_couple(&b), free_couple(&c);
    }
    couple a = make(MOTION_PATHWAY, 4, &EQUAL, 1), b = make(MOTION_PATHWAY, 4, &EQUAL, 2);
    assert_true(om_controls_any(&EQUAL) && a.after->checksum == b.after->checksum);
    free_couple(&a), free_couple(&b);
}

/* Each control draws for itself: all of them together do what each does alone. */
static void test_controls_do_not_disturb_each_other(void **state)
{
    (void)state;
    om_controls all = {OM_COUNTS_SHUFFLED, OM_SIGNS_SHUFFLED, OM_FILTERS_ROTATED, ""};
    for (int which = 0; which < CIRCUITS; which++) {
        couple c = make(which, 5, &all, 3), counts = make(which, 5, &SHUFFLED, 3);
        couple signs = make(which, 5, &SIGNS, 3), filters = make(which, 5, &ROTATED, 3);
        assert_true(same_counts(c.after, counts.after));
        assert_true(same_signs(c.after, signs.after));
        assert_true(same_offsets(c.after, filters.after));
        free_couple(&c), free_couple(&counts), free_couple(&signs), free_couple(&filters);
    }
}

/* ---- counts ---- */

static void check_equal(const couple *c)
{
    check_frame(c);
    assert_true(same_offsets(c->before, c->after) && same_signs(c->before, c->after));
    for (int i = 1; i < c->after->n_taps; i++)
        assert_true(c->after->taps[i].count == c->after->taps[0].count);
    assert_true(near(synapses(c->after), synapses(c->before)));
    for (int i = 0; i < c->after->n_pairs; i++)
        if (c->after->pairs[i].edges > 0)
            assert_true(near(c->after->pairs[i].mean_count, c->after->taps[0].count));
}

static void test_equal_counts_keep_the_number_of_synapses(void **state)
{
    (void)state;
    everywhere(&EQUAL, check_equal);
    couple once = make(MOTION_PATHWAY, 6, &EQUAL, 0), twice = make(MOTION_PATHWAY, 6, &EQUAL, 0);
    must(om_circuit_control(twice.after, &EQUAL, 0));
    assert_true(once.after->checksum == twice.after->checksum);
    free_couple(&once), free_couple(&twice);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The counts of a pair's taps in their order; free() them. */
static double *sorted_counts(const om_circuit *c, const om_pair *pair)
{
    double *counts = calloc((size_t)pair->n_taps, sizeof *counts);
    assert_non_null(counts);
    for (int k = 0; k < pair->n_taps; k++) counts[k] = c->taps[pair->first_tap + k].count;
    qsort(counts, (size_t)pair->n_taps, sizeof *counts, by_value);
    return counts;
}

static void check_shuffled(const couple *c)
{
    check_frame(c);
    assert_true(same_offsets(c->before, c->after) && same_signs(c->before, c->after));
    for (int i = 0; i < c->before->n_pairs; i++) {
        const om_pair *pair = &c->before->pairs[i];
        double *a = sorted_counts(c->before, pair), *b = sorted_counts(c->after, pair);
        assert_memory_equal(a, b, (size_t)pair->n_taps * sizeof *a);
        free(a), free(b);
    }
}

static void test_shuffled_counts_stay_in_their_pair(void **state)
{
    (void)state;
    everywhere(&SHUFFLED, check_shuffled);
    /* the table does not depend on the extent that it is made at */
    couple near_by = make(MOTION_PATHWAY, 2, &SHUFFLED, 5);
    couple far = make(MOTION_PATHWAY, 15, &SHUFFLED, 5);
    assert_true(same_counts(near_by.after, far.after));
    free_couple(&near_by), free_couple(&far);
}

/* ---- signs ---- */

/* Bit 0: the type excites, bit 1: it inhibits. */
static int kinds_of(const om_circuit *c, int type)
{
    int kinds = 0;
    for (int i = 0; i < c->n_pairs; i++)
        if (c->pairs[i].source == type) kinds |= c->pairs[i].sign > 0 ? 1 : 2;
    return kinds;
}

static void check_signs(const couple *c)
{
    int before[4] = {0}, after[4] = {0};
    check_frame(c);
    assert_true(same_offsets(c->before, c->after) && same_counts(c->before, c->after));
    for (int t = 0; t < c->before->n_types; t++) {
        const int was = kinds_of(c->before, t), is = kinds_of(c->after, t);
        before[was]++, after[is]++;
        assert_true((was == 1 || was == 2) ? (is == 1 || is == 2) : is == was);
    }
    assert_memory_equal(before, after, sizeof before);
    for (int i = 0; i < c->before->n_pairs; i++) /* who has both keeps them where they are */
        if (kinds_of(c->before, c->before->pairs[i].source) == 3)
            assert_int_equal(c->before->pairs[i].sign, c->after->pairs[i].sign);
}

static void test_shuffled_signs_obey_dales_law(void **state)
{
    (void)state;
    everywhere(&SIGNS, check_signs);
}

/* ---- filters ---- */

static int ring(const om_tap *t) { return (abs(t->du) + abs(t->dv) + abs(t->du + t->dv)) / 2; }

/* The one of twelve ways that takes every tap of a pair to where it is now, or -1. Written by the
 * lattice's geometry: x, y of a column, turned by an angle or mirrored. */
static int way_of(const couple *c, const om_pair *pair)
{
    for (int way = 0; way < 12; way++) {
        const double angle = acos(-1) / 3 * (way % 6), flip = way < 6 ? 1 : -1;
        bool all = true;
        for (int k = pair->first_tap; k < pair->first_tap + pair->n_taps && all; k++) {
            const om_tap *a = &c->before->taps[k], *b = &c->after->taps[k];
            const double x = a->dv + a->du / 2.0, y = flip * a->du * sqrt(3) / 2;
            const double to_x = b->dv + b->du / 2.0, to_y = b->du * sqrt(3) / 2;
            all = fabs(cos(angle) * x - sin(angle) * y - to_x) < 1e-6 &&
                  fabs(sin(angle) * x + cos(angle) * y - to_y) < 1e-6;
        }
        if (all) return way;
    }
    return -1;
}

static bool has_strides(const om_circuit *c, const om_pair *pair)
{
    const om_type *s = &c->types[pair->source], *t = &c->types[pair->target];
    return s->stride_u * s->stride_v * t->stride_u * t->stride_v > 1;
}

static void check_rotated(const couple *c)
{
    check_frame(c);
    assert_true(same_counts(c->before, c->after) && same_signs(c->before, c->after));
    for (int i = 0; i < c->before->n_pairs; i++) {
        const om_pair *p = &c->before->pairs[i], *q = &c->after->pairs[i];
        assert_true(way_of(c, p) >= 0);
        for (int k = p->first_tap; k < p->first_tap + p->n_taps; k++) {
            const om_tap *a = &c->before->taps[k], *b = &c->after->taps[k];
            assert_int_equal(ring(a), ring(b));
            assert_true(a->edges == 0 || b->edges > 0);
            if (!has_strides(c->before, p)) assert_int_equal(a->edges, b->edges);
        }
        if (!has_strides(c->before, p)) assert_true(p->mean_count == q->mean_count);
    }
}

static void test_rotated_filters_are_turned_whole(void **state)
{
    (void)state;
    everywhere(&ROTATED, check_rotated);
    /* all twelve ways come about */
    bool seen[12] = {false};
    couple c = make(MOTION_PATHWAY, 4, &ROTATED, 0);
    for (int i = 0; i < c.before->n_pairs; i++) seen[way_of(&c, &c.before->pairs[i])] = true;
    for (int way = 0; way < 12; way++) assert_true(seen[way]);
    free_couple(&c);
}

/* ---- types left out ---- */

/* As if the circuit's file had no line about them. */
static void test_types_left_out_are_not_there(void **state)
{
    (void)state;
    const om_controls without = {.without = "Wider, Mute"};
    couple c = make(STRIDED, 5, &without, 0);
    om_circuit *written = NULL;
    must(om_circuit_parse("written",
                          "circuit strided 1\n"
                          "type Eye input\n"
                          "type Wide stride 3 2\n"
                          "type Mixed\n"
                          "type Out output\n"
                          "pair Eye Wide + 0,0=12.5 1,-1=0.3* 0,1=2\n"
                          "pair Eye Mixed - 0,0=4 1,0=3 2,0=2.5 0,-2=1*\n"
                          "pair Wide Out - 120,120=1 -1,0=3e-2 0,0=7\n"
                          "pair Mixed Out - 0,0=1.25 0,1=2\n"
                          "pair Out Out + 0,1=0.5 0,2=4\n",
                          5, &written));
    assert_true(om_controls_any(&without));
    assert_true(c.after->checksum == written->checksum);
    assert_true(c.after->n_edges == written->n_edges && c.after->n_cells == written->n_cells);
    om_circuit_free(written);
    free_couple(&c);

    /* inputs and outputs keep their order, other controls treat what is left */
    const om_controls fewer = {.counts = OM_COUNTS_EQUAL, .without = "R3, T4a, L1"};
    c = make(MOTION_PATHWAY, 4, &fewer, 0);
    assert_int_equal(c.after->n_types, c.before->n_types - 3);
    assert_int_equal(om_circuit_type(c.after, "T4a"), -1);
    int next = 0;
    for (int i = 0; i < c.before->n_outputs; i++) {
        const char *name = c.before->types[c.before->outputs[i]].name;
        if (strcmp(name, "T4a") == 0) continue;
        assert_string_equal(c.after->types[c.after->outputs[next++]].name, name);
    }
    assert_int_equal(c.after->n_outputs, next);
    assert_int_equal(c.after->n_inputs, c.before->n_inputs - 1);
    const om_controls only = {.without = "R3, T4a, L1"};
    couple left = make(MOTION_PATHWAY, 4, &only, 0);
    assert_true(near(synapses(c.after), synapses(left.after)));
    free_couple(&c), free_couple(&left);
}

static void refused(const char *without, const char *expected)
{
    om_controls controls = {0};
    snprintf(controls.without, sizeof controls.without, "%s", without);
    om_circuit *c = open_circuit(STRIDED, 3);
    assert_int_equal(om_circuit_control(c, &controls, 0), OM_EDATA);
    assert_string_equal(om_message(), expected);
    om_circuit_free(c);
}

static void test_types_that_cannot_be_left_out_are_refused(void **state)
{
    (void)state;
    refused("Mute, Widest",
            "circuit.without: circuit strided has no type 'Widest'; the nearest is Wide");
    refused("Eye", "circuit.without: no input of circuit strided is left");
    refused("Out, Wide", "circuit.without: no output of circuit strided is left");
    om_circuit *c = NULL;
    const om_controls between = {.without = "B"};
    must(om_circuit_parse("x",
                          "circuit x 1\ntype A input\ntype B\ntype C output\n"
                          "pair A B + 0,0=1\npair B C + 0,0=1\n",
                          2, &c));
    assert_int_equal(om_circuit_control(c, &between, 0), OM_EDATA);
    assert_string_equal(om_message(),
                        "circuit.without: no pair of connected types of circuit x is left");
    om_circuit_free(c);
}

/* ---- what is kept ---- */

/* Connection by connection: the count of a pair from one column to another, with its sign; 0: none. */
static double weight(const om_circuit *c, const char *source, const char *target, int du, int dv)
{
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *p = &c->pairs[i];
        if (strcmp(c->types[p->source].name, source) != 0 ||
            strcmp(c->types[p->target].name, target) != 0)
            continue;
        for (int k = p->first_tap; k < p->first_tap + p->n_taps; k++)
            if (c->taps[k].du == du && c->taps[k].dv == dv && c->taps[k].edges > 0)
                return p->sign * c->taps[k].count;
    }
    return 0;
}

static om_control_shares count_kept(const om_circuit *control, const om_circuit *original)
{
    om_control_shares kept = {0};
    for (int i = 0; i < original->n_pairs; i++) {
        const om_pair *p = &original->pairs[i];
        for (int k = p->first_tap; k < p->first_tap + p->n_taps; k++) {
            const om_tap *t = &original->taps[k];
            const double w = weight(control, original->types[p->source].name,
                                    original->types[p->target].name, t->du, t->dv);
            kept.measured += t->edges;
            if (w == 0) continue;
            kept.joined += t->edges;
            if (fabs(w) == t->count) kept.count += t->edges;
            if ((w > 0) == (p->sign > 0)) kept.sign += t->edges;
        }
    }
    return kept;
}

static void test_what_is_kept_is_counted(void **state)
{
    (void)state;
    const om_controls all = {OM_COUNTS_SHUFFLED, OM_SIGNS_SHUFFLED, OM_FILTERS_ROTATED, "L2, T5b"};
    for (uint64_t seed = 0; seed < 4; seed++) {
        couple c = make(MOTION_PATHWAY, 3, &all, seed);
        const om_control_shares expected = count_kept(c.after, c.before);
        om_control_shares kept;
        must(om_circuit_kept(c.after, c.before, &kept));
        assert_memory_equal(&kept, &expected, sizeof kept);
        assert_true(kept.joined < kept.measured && kept.count < kept.joined &&
                    kept.sign < kept.joined && kept.count > 0 && kept.sign > 0);
        free_couple(&c);
    }
    couple c = make(STRIDED, 4, &(om_controls){0}, 0);
    om_control_shares kept;
    must(om_circuit_kept(c.after, c.before, &kept));
    assert_true(kept.measured == c.before->n_edges && kept.joined == kept.measured &&
                kept.count == kept.measured && kept.sign == kept.measured);
    free_couple(&c);
}

/* The figures that the docs give for the whole connectome. */
static void test_the_published_connectome_keeps_what_the_docs_say(void **state)
{
    (void)state;
    const struct {
        om_controls controls;
        double joined, count, sign, tolerance;
    } known[] = {
        {SHUFFLED, 1, .35, 1, .03}, {SIGNS, 1, 1, .53, .12}, {ROTATED, .64, .37, .64, .05}};
    om_circuit *original;
    if (access(CONNECTOME, R_OK) != 0) {
        print_message("skipped: the connectome is not there (%s)\n", CONNECTOME);
        skip();
    }
    must(om_circuit_open(CONNECTOME, 15, &original));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        om_control_shares sum = {0};
        enum { SEEDS = 5 };
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            om_circuit *control;
            om_control_shares kept;
            must(om_circuit_open(CONNECTOME, 15, &control));
            must(om_circuit_control(control, &known[i].controls, seed));
            must(om_circuit_kept(control, original, &kept));
            sum.joined += kept.joined, sum.count += kept.count, sum.sign += kept.sign;
            sum.measured += kept.measured;
            om_circuit_free(control);
        }
        const double all = (double)sum.measured;
        print_message("kept: %.3f joined, %.3f with count, %.3f with sign\n",
                      (double)sum.joined / all, (double)sum.count / all, (double)sum.sign / all);
        assert_true(fabs((double)sum.joined / all - known[i].joined) <= known[i].tolerance);
        assert_true(fabs((double)sum.count / all - known[i].count) <= known[i].tolerance);
        assert_true(fabs((double)sum.sign / all - known[i].sign) <= known[i].tolerance);
    }
    om_circuit_free(original);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_asked_for_changes_nothing),
        cmocka_unit_test(test_a_seed_means_one_circuit),
        cmocka_unit_test(test_controls_do_not_disturb_each_other),
        cmocka_unit_test(test_equal_counts_keep_the_number_of_synapses),
        cmocka_unit_test(test_shuffled_counts_stay_in_their_pair),
        cmocka_unit_test(test_shuffled_signs_obey_dales_law),
        cmocka_unit_test(test_rotated_filters_are_turned_whole),
        cmocka_unit_test(test_types_left_out_are_not_there),
        cmocka_unit_test(test_types_that_cannot_be_left_out_are_refused),
        cmocka_unit_test(test_what_is_kept_is_counted),
        cmocka_unit_test(test_the_published_connectome_keeps_what_the_docs_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
