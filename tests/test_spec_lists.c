/* The spec's lists: parts that are fixed, groups of one value, bounds. */
#include <stdlib.h>
#include <unistd.h>

#include "spec_bench.h"

static void test_options_of_the_model_in_block_and_flow_style(void **state)
{
    (void)state;
    om_spec block = parsed("circuit:\n  count_spread: 0.2\n"
                           "model:\n  activation: leaky_relu\n"
                           "  fixed:\n  - strength\n  - resting_potential\n"
                           "  symmetric:\n"
                           "    time_constant:\n    - [T4a, T4b]\n    - - T5a\n      - T5b\n"
                           "    strength:\n    - - Mi9 -> T4a\n      - \"Mi9 -> T4b\"\n"
                           "  clamp:\n    time_constant:\n    - 0.03\n    - .inf\n"
                           "    strength: [0, 0.5]\n");
    om_spec flow = parsed("{circuit: {count_spread: .2}, model: {activation: leaky_relu,\n"
                          " fixed: [resting_potential, strength], symmetric: {\n"
                          " time_constant: [[T4a,T4b],[T5a,  T5b]],\n"
                          " strength: [[Mi9 -> T4a, 'Mi9 -> T4b']]},\n"
                          " clamp: {time_constant: [3.0e-2, .inf], strength: [0, .5]}}}\n");
    assert_same(&block, &flow);
    const om_model_options *m = &flow.train.model;
    assert_int_equal(m->activation, OM_LEAKY_RELU);
    assert_true(m->count_spread == 0.2);
    assert_true(m->fixed[OM_RESTING_POTENTIAL] && m->fixed[OM_STRENGTH]);
    assert_false(m->fixed[OM_TIME_CONSTANT] || m->fixed[OM_DECODER]);
    assert_string_equal(m->symmetric[OM_RESTING_POTENTIAL], "");
    assert_string_equal(m->symmetric[OM_TIME_CONSTANT], "T4a, T4b; T5a, T5b");
    assert_string_equal(m->symmetric[OM_STRENGTH], "Mi9 -> T4a, Mi9 -> T4b");
    assert_true(m->clamp[OM_TIME_CONSTANT][0] == 0.03 && m->clamp[OM_STRENGTH][1] == 0.5);
    assert_true(m->clamp[OM_TIME_CONSTANT][1] == (double)INFINITY);
    om_spec one = parsed("model: {clamp: {resting_potential: [-.inf, -2]}}");
    assert_true(one.train.model.clamp[OM_RESTING_POTENTIAL][0] == (double)-INFINITY);
    assert_true(one.train.model.clamp[OM_RESTING_POTENTIAL][1] == -2);
    const char *const names[] = {"relu", "leaky_relu", "elu", "softplus", "tanh", "sigmoid"};
    for (int i = 0; i < OM_ACTIVATIONS; i++) {
        char text[64];
        snprintf(text, sizeof text, "model: {activation: %s}", names[i]);
        assert_int_equal(parsed(text).train.model.activation, i);
    }
}

static void test_parts_that_are_none_are_refused(void **state)
{
    (void)state;
    refused("model:\n  fixed: [strength, weights]\n",
            "dir/my.yaml:2:21: model.fixed: 'weights': expected any of resting_potential, "
            "time_constant, strength or decoder");
    refused("model: {fixed: [decoder, strength, decoder]}",
            ":1:16: model.fixed: [decoder, strength, decoder]: expected a list, any of "
            "resting_potential, time_constant, strength or decoder, each at most once");
    refused("model: {fixed: strength}", "model.fixed: 'strength': expected a list");
    refused("model: {fixed: [[strength]]}", ":1:17: model.fixed: a list: expected any of");
    refused("model: {fixed: {strength: true}}", "model.fixed: a section: expected a list");
    refused("model: {fixed: }", "model.fixed: '': expected a list");
    refused("model: {fixed: ['']}", ":1:17: model.fixed: '': expected any of");
    refused("model: {fixed: [\"strength, decoder\"]}", "'strength, decoder': expected any of");
    refused("model: {activation: swish}", ":1:21: model.activation: 'swish': expected relu, leaky");
}

static void test_groups_that_are_none_are_refused(void **state)
{
    (void)state;
    const char *text = "model:\n  symmetric:\n    time_constant:\n    - [T4a, T4b]\n    - [T5a]\n"
                       "    - []\n    - [T5b, T4b]\n    - [T6, T6, \"T 7\"]\n";
    refused(text, "dir/my.yaml:5:7: model.symmetric.time_constant: a group of 1: expected two");
    refused(text, "\ndir/my.yaml:6:7: model.symmetric.time_constant: a group of 0: expected two");
    refused(text, "\ndir/my.yaml:7:13: model.symmetric.time_constant: 'T4b' is given twice, before "
                  "in line 4: expected it in one group at most");
    refused(text, "\ndir/my.yaml:8:12: model.symmetric.time_constant: 'T6' is given twice, before "
                  "in line 8");
    refused(text, "\ndir/my.yaml:8:16: model.symmetric.time_constant: 'T 7': expected the name of");
    const char *const types[] = {
        "''", "a;b", "\"a,b\"", "\"a\\0\"", "[b]", "{b: c}", "abcdefghijklmnopqrstuvwxyz1234567"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char spec[128];
        snprintf(spec, sizeof spec, "model: {symmetric: {resting_potential: [[a, %s]]}}", types[i]);
        refused(spec, ":1:45: model.symmetric.resting_potential: ");
        refused(spec, ": expected the name of a cell type");
    }
    const char *const pairs[] = {
        "T4a",         "Mi9->T4a->T5a",   "Mi9 > T4a",         "-> T4a",
        "Mi9 -> ",     "\"Mi9 -> T4 a\"", "Mi9 -> T4a -> T5a", "\" -> T4a\"",
        "\"Mi9 -> \"", "Mi;9 -> T4a"};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char spec[128];
        snprintf(spec, sizeof spec, "model: {symmetric: {strength: [[a -> b, %s]]}}", pairs[i]);
        refused(spec, ":1:41: model.symmetric.strength: '");
        refused(spec, "': expected a pair, SOURCE -> TARGET, as Mi9 -> T4a");
    }
    refused("model: {symmetric: {strength: [[a -> b, &x c -> d], [*x, e -> f]]}}",
            "model.symmetric.strength: 'c -> d' is given twice, before in line 1");
    refused(
        "model: {symmetric: {strength: [a -> b, c -> d]}}",
        ":1:32: model.symmetric.strength: 'a -> b': expected a group in brackets of its own, as "
        "[[Mi9 -> T4a, Mi9 -> T4b]]");
    refused("model: {symmetric: {time_constant: T4a}}",
            "model.symmetric.time_constant: 'T4a': expected a list of groups, as [[T4a, T4b]]");
    refused("model: {symmetric: {time_constant: {T4a: T4b}}}",
            "a section: expected a list of groups");
    refused("model: {symmetric: [[T4a, T4b]]}", "model.symmetric: a list: expected a section");
    refused("model: {symmetric: {weights: []}}", "unknown key 'model.symmetric.weights'");
}

static void test_pairs_need_no_blanks(void **state)
{
    (void)state;
    om_spec s = parsed("model: {symmetric: {strength: [[Mi9->T4a, Mi9  ->T4b]]}}");
    assert_string_equal(s.train.model.symmetric[OM_STRENGTH], "Mi9 -> T4a, Mi9 -> T4b");
}

static void test_strides(void **state)
{
    (void)state;
    om_spec s = parsed("circuit:\n  stride: [[Lawf1, 3, 2], [T4a, 1, 2]]\n");
    assert_string_equal(s.strides, "Lawf1, 3, 2; T4a, 1, 2");
    refused("circuit: {stride: [[Lawf1, 3]]}",
            ":1:20: circuit.stride: a list: expected [TYPE, U, V], as [Lawf1, 3, 2]");
    refused("circuit: {stride: [[Lawf1, 3, 0]]}", "expected [TYPE, U, V]");
    refused("circuit: {stride: [[Lawf1, 3, 1.5]]}", "expected [TYPE, U, V]");
    refused("circuit: {stride: [Lawf1, 3, 2]}", ":1:20: circuit.stride: 'Lawf1': expected [TYPE");
    refused("circuit: {stride: {Lawf1: 3}}", "circuit.stride: a section: expected a list");

    om_circuit *circuit;
    s = parsed("circuit: {extent: 3, stride: [[T4a, 3, 2], [L1, 2, 2]]}");
    assert_int_equal(om_spec_circuit(&s, &circuit), OM_OK);
    const int t4a = om_circuit_type(circuit, "T4a");
    assert_int_equal(circuit->types[t4a].stride_u, 3);
    assert_int_equal(circuit->types[t4a].stride_v, 2);
    assert_true(circuit->types[t4a].cells < circuit->n_columns);
    om_circuit_free(circuit);
    s = parsed("circuit: {extent: 3, stride: [[T4e, 3, 2]]}");
    assert_int_equal(om_spec_circuit(&s, &circuit), OM_EDATA);
    assert_null(circuit);
    assert_non_null(strstr(om_message(), "circuit.stride: circuit motion-pathway has no type"));
    assert_int_equal(
        om_spec_line("a: 1\ncircuit:\n  x: 2\n  stride: [[T4e, 3, 2]]\n", "circuit.stride"), 4);
    assert_int_equal(om_spec_line("a: 1\n", "circuit.stride"), 0);
}

/* A stride that the spec gives is one that the circuit's file might have. */
static void test_strides_are_those_of_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/om-stride-XXXXXX", table[64];
    assert_non_null(mkdtemp(path));
    snprintf(table, sizeof table, "%s/s.circuit", path);
    om_circuit *plain, *strided, *read;
    om_spec s = parsed("circuit: {extent: 4, stride: [[Mi1, 3, 2]]}");
    assert_int_equal(om_circuit_open("motion-pathway", 4, &plain), OM_OK);
    assert_int_equal(om_spec_circuit(&s, &strided), OM_OK);
    assert_int_equal(om_circuit_save(strided, table), OM_OK);
    assert_int_equal(om_circuit_open(table, 4, &read), OM_OK);
    assert_true(read->checksum == strided->checksum && plain->checksum != strided->checksum);
    assert_true(read->n_edges == strided->n_edges && read->n_edges < plain->n_edges);
    om_circuit_free(plain);
    om_circuit_free(strided);
    om_circuit_free(read);
    unlink(table);
    rmdir(path);
}

static void test_controls(void **state)
{
    (void)state;
    om_spec block = parsed("circuit:\n  counts: shuffled\n  signs: shuffled\n  filters: rotated\n"
                           "  without:\n  - T4a\n  - \"T5b\"\ntrain:\n  task: none\n");
    om_spec flow = parsed("{circuit: {without: [T4a,T5b], filters: rotated, signs: shuffled, "
                          "counts: shuffled}, train: {task: none}}");
    assert_same(&block, &flow);
    const om_controls *c = &block.train.model.controls;
    assert_int_equal(c->counts, OM_COUNTS_SHUFFLED);
    assert_int_equal(c->signs, OM_SIGNS_SHUFFLED);
    assert_int_equal(c->filters, OM_FILTERS_ROTATED);
    assert_string_equal(c->without, "T4a, T5b");
    assert_int_equal(block.train.task, OM_TASK_NONE);
    om_spec usual = parsed("seed: 3");
    assert_false(om_controls_any(&usual.train.model.controls));
    assert_int_equal(usual.train.task, OM_TASK_FLOW);
    assert_int_equal(parsed("circuit: {counts: equal}").train.model.controls.counts,
                     OM_COUNTS_EQUAL);
    refused("circuit: {counts: same}",
            ":1:19: circuit.counts: 'same': expected measured, equal or shuffled");
    refused("circuit: {signs: random}", "circuit.signs: 'random': expected known or shuffled");
    refused("circuit: {filters: turned}", "'turned': expected measured or rotated");
    refused("train: {task: flows}", "train.task: 'flows': expected flow or none");
    refused("circuit: {without: T4a}",
            ":1:20: circuit.without: 'T4a': expected a list of types, as [T4a, T4b], of at most");
    refused("circuit: {without: [[T4a, T4b]]}",
            ":1:21: circuit.without: a list: expected the name of a cell type");
    refused("circuit: {without: [T4a, Mi1, T4a]}", ":1:31: circuit.without: 'T4a' is given twice");
    refused("circuit: {without: [\"T4a, T4b\"]}", "expected the name of a cell type");
}

/* Strides first, then the controls, which draw from the spec's seed. */
static void test_controls_shape_the_circuit(void **state)
{
    (void)state;
    const om_controls counts = {.counts = OM_COUNTS_SHUFFLED, .without = "L2, T4a"};
    om_circuit *circuit, *own;
    om_spec s = parsed("seed: 11\ncircuit: {extent: 3, stride: [[L2, 3, 2], [L1, 2, 2]], "
                       "without: [L2, T4a], counts: shuffled}");
    assert_int_equal(om_spec_circuit(&s, &circuit), OM_OK);
    assert_int_equal(om_circuit_open("motion-pathway", 3, &own), OM_OK);
    assert_int_equal(om_circuit_set_stride(own, "L1", 2, 2), OM_OK);
    assert_int_equal(om_circuit_control(own, &counts, 11), OM_OK);
    assert_true(circuit->checksum == own->checksum);
    om_circuit_free(circuit);
    om_circuit_free(own);
    s = parsed("circuit: {extent: 3, without: [T4a, T4e]}");
    assert_int_equal(om_spec_circuit(&s, &circuit), OM_EDATA);
    assert_null(circuit);
    assert_non_null(strstr(om_message(), "circuit.without: circuit motion-pathway has no type "
                                         "'T4e'; the nearest is T4a"));
}

static void test_time_constants_that_would_never_be_trained(void **state)
{
    (void)state;
    refused("model: {clamp: {time_constant: [-1, 1]}}",
            ":1:32: model.clamp.time_constant: lowest -1 s: expected 0 or more");
    refused("model: {clamp: {time_constant: [0, 0.02]}}",
            "model.clamp.time_constant: highest 0.02 s: expected more than train.dt 0.02");
    refused("model: {clamp: {time_constant: [0.019, 1]}}",
            "model.clamp.time_constant: lowest 0.019 s: expected train.dt 0.02 or more, which it "
            "would act as, or 0 for no bound");
    parsed("model: {clamp: {time_constant: [0.06, 0.1]}}\ntrain: {dt: 0.055}");
    parsed("model: {clamp: {time_constant: [0.02, 0.1]}}");
}

static void test_what_would_do_nothing_is_refused(void **state)
{
    (void)state;
    refused("model: {fixed: [resting_potential, time_constant, strength, decoder]}",
            ":1:16: model.fixed: every part is: expected one at least that is trained, or "
            "train.task: none");
    parsed("model: {fixed: [resting_potential, time_constant, strength, decoder]}\n"
           "train: {task: none}");
    parsed("model: {fixed: [resting_potential, time_constant, strength]}");
    refused("train: {t_fade_in: 0.01}",
            ":1:20: train.t_fade_in 0.01: less than one time step: expected 0, or train.dt 0.02");
}

static void test_races_are_rungs_at_checks(void **state)
{
    (void)state;
    const om_spec spec = parsed("train: {iterations: 100}\nvalidate: {every: 10}\n"
                                "race: {keep: 0.25, at: [ 10, +20,90 ]}");
    assert_true(spec.race.keep == 0.25);
    assert_string_equal(spec.race.at, "10, 20, 90");
    assert_string_equal(parsed("race: {at: [5000, 30000]}").race.at, "5000, 30000");
    assert_string_equal(parsed("race: {at: []}").race.at, "");
    const char *const wrong[] = {"5000",
                                 "[5000, x]",
                                 "[5000, 5000]",
                                 "[10000, 5000]",
                                 "[0]",
                                 "[1.5e4]",
                                 "[[5000]]",
                                 "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
                                 "13, 14, 15, 16, 17]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[128];
        snprintf(text, sizeof text, "race: {at: %s}", wrong[i]);
        refused(text, ": expected a list of up to 16 iterations, rising, as [10000, 30000]");
    }
    refused("race: {keep: 1, at: [5000]}",
            ":1:14: race.keep: '1': expected a number, above 0, below 1");
    refused("race: {keep: 0.4}", ":1:14: race.keep 0.4: without race.at nobody is stopped");
    refused("models: 1\nrace: {at: [5000]}", ":2:12: race.keep 0.5: of 1 model all would go on");
    refused("race: {at: [5000, 10001]}",
            ":1:12: race.at: no check falls on iteration 10001: expected 10000 or 15000");
    refused("race: {at: [250000]}", ":1:12: race.at: 250000: expected less than train.iterations");
    /* 64 scenes to train on, 4 in a batch: after 1, 11, 21 passes of 16 iterations */
    parsed("validate: {every_passes: 10}\nrace: {at: [16, 336]}");
    refused("validate: {every_passes: 10}\nrace: {at: [170]}", "expected 16 or 176");
    parsed("scenes: {source: ./films.h5}\nvalidate: {every_passes: 10}\nrace: {at: [170]}");
}

/* 4095 characters fit, and no more. */
static void test_groups_too_long_to_keep_are_refused(void **state)
{
    (void)state;
    for (int last = 6; last <= 7; last++) {
        om_text text = {0};
        om_text_add(&text, "model: {symmetric: {time_constant: [[T%0*d", last, 0);
        for (int i = 1; i < 512; i++) om_text_add(&text, ", T%05d", i);
        om_text_add(&text, "]]}}");
        if (last == 7)
            refused(text.data, "expected a list of groups, as [[T4a, T4b]], of at most 4095");
        else
            assert_int_equal(strlen(parsed(text.data).train.model.symmetric[OM_TIME_CONSTANT]),
                             4095);
        om_text_free(&text);
    }
}

static void test_bounds_that_are_none_are_refused(void **state)
{
    (void)state;
    refused("model: {clamp: {strength: [-1, 1]}}",
            ":1:27: model.clamp.strength: [-1, 1]: expected two numbers, [lowest, highest], "
            "the lowest first, 0 to 1000000 or .inf");
    refused("model: {clamp: {time_constant: [1, 0]}}",
            "model.clamp.time_constant: [1, 0]: expected two numbers, [lowest, highest], "
            "the lowest first, -1000000 to 1000000, -.inf or .inf");
    const char *const bad[] = {"strength: [-.inf, 1]",
                               "strength: [0, -1]",
                               "strength: ['', 1]",
                               "strength: [2, 1]",
                               "strength: [.inf, .inf]",
                               "strength: [0, .nan]",
                               "strength: [0, inf]",
                               "strength: [0, 1, 2]",
                               "strength: 0",
                               "strength: [[0, 1]]",
                               "time_constant: [-.inf, -.inf]",
                               "time_constant: [.inf, .inf]",
                               "time_constant: [0, 1.0e7]",
                               "time_constant: []",
                               "resting_potential: [-1.0e300, 0]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[96];
        snprintf(text, sizeof text, "model: {clamp: {%s}}", bad[i]);
        refused(text, ": expected two numbers, [lowest, highest]");
    }
    parsed("model: {clamp: {strength: [1, 1]}}");
    om_spec one = parsed("model: {clamp: {resting_potential: [-.INF, +.Inf]}}");
    assert_true(one.train.model.clamp[OM_RESTING_POTENTIAL][0] == (double)-INFINITY);
    assert_true(one.train.model.clamp[OM_RESTING_POTENTIAL][1] == (double)INFINITY);
    refused("model: {clamp: {decoder: [0, 1]}}", "unknown key 'model.clamp.decoder'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_of_the_model_in_block_and_flow_style),
        cmocka_unit_test(test_parts_that_are_none_are_refused),
        cmocka_unit_test(test_groups_that_are_none_are_refused),
        cmocka_unit_test(test_groups_too_long_to_keep_are_refused),
        cmocka_unit_test(test_bounds_that_are_none_are_refused),
        cmocka_unit_test(test_pairs_need_no_blanks),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_strides_are_those_of_a_file),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_controls_shape_the_circuit),
        cmocka_unit_test(test_time_constants_that_would_never_be_trained),
        cmocka_unit_test(test_what_would_do_nothing_is_refused),
        cmocka_unit_test(test_races_are_rungs_at_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
