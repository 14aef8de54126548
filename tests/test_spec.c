/* The spec: defaults, every kind of value and of fault, positions, profiles, the texts made from
 * the table of keys, and the specs that come with the program. */
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "spec_bench.h"

static void test_defaults_are_the_papers_values(void **state)
{
    (void)state;
    om_spec s;
    om_spec_defaults(&s);
    assert_string_equal(s.name, "ensemble");
    assert_string_equal(s.circuit, "motion-pathway");
    assert_string_equal(s.scenes, "procedural");
    assert_int_equal(s.models, 8);
    assert_int_equal(s.extent, 15);
    assert_int_equal(s.worlds.extent, 15);
    assert_int_equal(s.worlds.frames, 19);
    assert_int_equal(s.train.iterations, 250000);
    assert_int_equal(s.train.batch_size, 4);
    assert_int_equal(s.train.penalty_until, 150000);
    assert_int_equal(s.train.selection, OM_LOSS_EPE);
    assert_int_equal(s.train.batch_norm, OM_BATCH_NORM_BATCH);
    assert_true(s.train.batch.dt_s == 0.02 && s.train.init.time_constant_s == 0.05);
    assert_true(s.train.learning_rate[0] == 5e-5 && s.train.learning_rate[1] == 5e-6);
    assert_true(s.train.batch.augment.enabled && !s.train.init.shared);
    assert_true(s.train.batch.augment.noise_std == 0.08);
    const om_model_options *model = &s.train.model;
    assert_true(model->activation == OM_RELU && model->count_spread == 0);
    assert_true(s.train.t_fade_in_s == 0);
    for (int p = 0; p < OM_PARTS; p++) assert_false(model->fixed[p]);
    for (int p = 0; p < OM_NETWORK_PARTS; p++) {
        assert_string_equal(model->symmetric[p], "");
        assert_true(model->clamp[p][0] == (p == OM_STRENGTH ? 0 : (double)-INFINITY));
        assert_true(model->clamp[p][1] == (double)INFINITY);
    }
}

static void test_every_default_is_valid_and_keys_fit(void **state)
{
    (void)state;
    int n = 0;
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++, n++) {
        om_spec s;
        char expected[160];
        assert_true(om_spec_set(&s, key, file, key->usual));
        om_spec_expected(key, expected);
        assert_true(strlen(expected) > 0 && strlen(key->meaning) > 0);
        assert_ptr_equal(om_spec_key_find(key->path), key);
    }
    assert_true(n < OM_SPEC_MOST_KEYS);
    for (int p = OM_PROFILE_NONE; p <= OM_PROFILE_PACKAGE; p++)
        for (const om_spec_setting *s = om_spec_profile_settings((om_profile)p); s->path; s++) {
            om_spec spec;
            assert_non_null(om_spec_key_find(s->path));
            assert_true(om_spec_set(&spec, om_spec_key_find(s->path), file, s->text));
        }
}

static void test_block_and_flow_style_are_the_same(void **state)
{
    (void)state;
    om_spec block = parsed("name: two words\nseed: 9\nmodels: 3\n"
                           "init:\n  resting_potential:\n    mean: 0.25\n    std: 0\n"
                           "train:\n  learning_rate:\n  - 1e-3\n  - 1.0e-4\n  loss: epe\n"
                           "  batch_norm: running\n"
                           "augment:\n  enabled: false\n");
    om_spec flow = parsed("{name: \"two words\", seed: 9, models: 3, augment: {enabled: false},\n"
                          " init: {resting_potential: {mean: .25, std: 0.0}},\n"
                          " train: {loss: epe, learning_rate: [0.001, 0.0001],\n"
                          " batch_norm: running}}\n");
    assert_same(&block, &flow);
    assert_string_equal(flow.name, "two words");
    assert_int_equal(flow.seed, 9);
    assert_true(flow.train.init.resting_potential_mean == 0.25);
    assert_true(flow.train.learning_rate[1] == 1e-4);
    assert_int_equal(flow.train.loss, OM_LOSS_EPE);
    assert_int_equal(flow.train.batch_norm, OM_BATCH_NORM_RUNNING);
    assert_false(flow.train.batch.augment.enabled);
}

static void test_sections_may_be_empty_and_aliases_used(void **state)
{
    (void)state;
    om_spec usual, s = parsed("models: 8\ntrain:\ninit:\n  resting_potential:\n");
    om_spec_defaults(&usual);
    assert_same(&s, &usual);
    s = parsed("augment: {flip: &half 0.25, rotate: *half}\n");
    assert_true(s.train.batch.augment.rotate == 0.25);
}

static void test_unknown_keys_name_the_nearest(void **state)
{
    (void)state;
    refused("models: 2\nmodles: 3\n",
            "dir/my.yaml:2:1: unknown key 'modles'; the nearest is models");
    refused("train:\n  itertions: 3\n",
            "my.yaml:2:3: unknown key 'train.itertions'; the nearest is train.iterations");
    refused("trian: {batch: 2}\n", ":1:1: unknown key 'trian'; the nearest is train");
    refused("init: {resting_potential: {maen: 1}}\n", "the nearest is init.resting_potential.mean");
    refused("iterations: 100\n", "unknown key 'iterations'; there is train.iterations");
    refused("train: {models: 2}\n", "there is models");
    refused("train.batch: 2\n", "unknown key 'train.batch'");
    refused("zzzzzzzzzzzz: 1\n", "ommatid help spec");
    refused("? [a, b]\n: 1\n", "unknown key");
    refused("penelty: {until: 5}\n", "unknown key 'penelty'; the nearest is penalty");
    refused("init: {resting_potential.mean: 1}\n", "unknown key");
}

static void test_keys_given_twice_are_refused(void **state)
{
    (void)state;
    refused("models: 2\nseed: 1\nmodels: 3\n",
            ":3:1: key 'models' is given twice; the first is in line 1");
    refused("train: {batch: 1, batch: 1}\n", ":1:19: key 'batch' is given twice");
    refused("train: {batch: 1}\ntrain: {frames: 1}\n", "key 'train' is given twice");
}

static void test_wrong_types_are_refused(void **state)
{
    (void)state;
    refused("models: 3.7\n", ":1:9: models: '3.7': expected an integer, 1 to 100000");
    refused("models: \"3\"\n", "models: \"3\": expected an integer");
    refused("models: [3]\n", "models: a list: expected an integer");
    refused("models: {a: 3}\n", "models: a section: expected an integer");
    refused("models:\n", "models: '': expected an integer");
    refused("models: 3x\n", "models: '3x'");
    refused("models: 1_0\n", "models: '1_0'");
    refused("models: 99999999999999999999\n", "expected an integer");
    refused("augment: {noise: 0.5zz}\n", "augment.noise: '0.5zz': expected a number, 0 to 10");
    refused("augment: {noise: .nan}\n", "augment.noise: '.nan'");
    refused("augment: {noise: nan}\n", "augment.noise: 'nan'");
    refused("augment: {noise: .inf}\n", "augment.noise: '.inf'");
    refused("augment: {noise: 1e999}\n", "augment.noise: '1e999'");
    refused("augment: {enabled: yes}\n", "augment.enabled: 'yes': expected true or false");
    refused("train: {loss: l1}\n", "train.loss: 'l1': expected l2norm or epe");
    refused("train: {batch_norm: own}\n", "train.batch_norm: 'own': expected batch or running");
    refused("train: {profile: papr}\n", "expected none, paper or package");
    refused("train: {learning_rate: 0.1}\n", "expected two numbers, [first, last]");
    refused("train: {learning_rate: [0.1]}\n", "expected two numbers");
    refused("train: {learning_rate: [0.1, 0.1, 0.1]}\n", "expected two numbers");
    refused("train: {learning_rate: [0.1, x]}\n", "expected two numbers");
    refused("train: 5\n", "train: 5: expected a section");
    refused("train: [batch]\n", "train: a list: expected a section");
    refused("name: \"\"\n", "expected a text");
    refused("name: \"a\\nb\"\n", "expected a text");
    refused("name: \"a\\0b\"\n", "expected a text");
    refused("- models\n", "expected keys");
    refused("hello\n", "expected keys");
}

static void test_values_out_of_range_are_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"models: 0",
                               "models: -1",
                               "models: 100001",
                               "seed: -1",
                               "circuit: {extent: 0}",
                               "circuit: {extent: 61}",
                               "train: {dt: 0}",
                               "train: {dt: -0.02}",
                               "train: {batch: 0}",
                               "train: {steps: 0}",
                               "train: {frames: 0}",
                               "train: {iterations: 0}",
                               "train: {dropout: 1}",
                               "train: {dropout: -0.1}",
                               "train: {record_every: 0}",
                               "train: {learning_rate: [-1, 0]}",
                               "train: {learning_rate: [1, -1]}",
                               "train: {t_pre: -1}",
                               "train: {t_fade_in: -1}",
                               "circuit: {count_spread: -0.1}",
                               "circuit: {count_spread: 3.1}",
                               "augment: {flip: 1.01}",
                               "augment: {rotate: -0.1}",
                               "augment: {noise: -1}",
                               "init: {time_constant: 0}",
                               "init: {strength_scale: -1}",
                               "init: {resting_potential: {std: -1}}",
                               "scenes: {training: 0}",
                               "scenes: {validation: 0}",
                               "penalty: {activity: -1}",
                               "validate: {every: -5}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(bad[i], ": expected ");
}

static void test_draws_are_chosen_by_name(void **state)
{
    (void)state;
    assert_int_equal(parsed("models: 3").train.init.draws, OM_DRAWS_PHILOX);
    assert_int_equal(parsed("init: {draws: philox}").train.init.draws, OM_DRAWS_PHILOX);
    assert_int_equal(parsed("init: {draws: torch}").train.init.draws, OM_DRAWS_TORCH);
    refused("init: {draws: numpy}", ":1:15: init.draws: 'numpy': expected philox or torch");
}

static void test_values_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    refused("train: {batch: 9}\nscenes: {training: 8}\n", ":1:16: train.batch 9: expected at most");
    refused("train: {frames: 19, dt: 1.0e-6}\n",
            ":1:25: train.frames 19, train.dt 1e-06: a sequence");
    refused("validate: {every: 5, every_passes: 5}\n", "expected one of them to be 0");
    refused("validate: {every: 0}\n", "expected one of them to be 0");
    parsed("train: {batch: 9}\nscenes: {training: 8, source: scenes.h5}\n");
    refused("train: {explode: 0.5}\n", ":1:18: train.explode 0.5: expected more than 1");
    refused("train: {explode: 1}\n", "or 0 for no such bound");
    assert_true(parsed("train: {explode: 0}\n").train.explode == 0);
}

static void test_all_faults_are_reported_at_once(void **state)
{
    (void)state;
    const char *text = "modles: 1\ntrain: {dt: 0, batch: x}\nseed: 1.5\n";
    refused(text, "my.yaml:1:1: unknown key 'modles'");
    refused(text, "\ndir/my.yaml:2:13: train.dt: '0'");
    refused(text, "\ndir/my.yaml:2:23: train.batch: 'x'");
    refused(text, "\ndir/my.yaml:3:7: seed: '1.5'");
    om_text many = {0};
    for (int i = 0; i < 30; i++) om_text_add(&many, "zz%d: 1\n", i);
    refused(many.data, "dir/my.yaml: and 10 more faults");
    om_text_free(&many);
}

static void test_what_is_not_yaml_has_a_position(void **state)
{
    (void)state;
    refused("models: [1, 2\nseed: 3\n", "dir/my.yaml:2:");
    refused("train: {batch: 4\n", "not YAML");
    refused("a: b: c\n", ":1:5: not YAML");
    refused("name: *nobody\n", "not YAML");
    refused("a: \xff", "dir/my.yaml: byte 3");
    refused("", "there is nothing in it");
    refused("# only a comment\n", "there is nothing in it");
    refused("models: 1\n---\nmodels: 2\n", ":3:1: a second document");
    refused("models: 1\n---\n[\n", "not YAML");
}

static void test_paths_start_at_the_specs_directory(void **state)
{
    (void)state;
    assert_string_equal(parsed("circuit: {source: motion-pathway}").circuit, "motion-pathway");
    assert_string_equal(parsed("circuit: {source: flyvis-v2.2}").circuit, "flyvis-v2.2");
    assert_string_equal(parsed("circuit: {source: ./eye}").circuit, "dir/./eye");
    assert_string_equal(parsed("circuit: {source: eye.json}").circuit, "dir/eye.json");
    assert_string_equal(parsed("circuit: {source: eye.circuit}").circuit, "dir/eye.circuit");
    assert_string_equal(parsed("circuit: {source: /a/eye.json}").circuit, "/a/eye.json");
    assert_string_equal(parsed("scenes: {source: films.h5}").scenes, "dir/films.h5");
    assert_string_equal(parsed("scenes: {source: procedural}").scenes, "procedural");
    om_spec spec;
    assert_int_equal(om_spec_parse("my.yaml", "scenes: {source: films.h5}", &spec), OM_OK);
    assert_string_equal(spec.scenes, "films.h5");
    om_text longest = {0};
    om_text_add(&longest, "scenes: {source: %0255d}", 0);
    refused(longest.data, "scenes.source: '0000");
    assert_int_equal(om_spec_parse("my.yaml", longest.data, &spec), OM_OK);
    om_text_free(&longest);
}

static void test_a_profile_sets_what_is_not_given(void **state)
{
    (void)state;
    om_spec s = parsed("train: {profile: paper}");
    assert_int_equal(s.train.batch.resampling, OM_RESAMPLE_PAPER);
    assert_int_equal(s.train.schedule_stop, 200000);
    assert_int_equal(s.train.validate_every, 0);
    assert_int_equal(s.train.validate_every_passes, 334);
    assert_true(s.train.whole_passes && s.train.init.shared);
    assert_int_equal(s.train.init.draws, OM_DRAWS_TORCH);
    s = parsed("train: {profile: package}");
    assert_int_equal(s.train.init.draws, OM_DRAWS_TORCH);
    assert_int_equal(s.train.validate_every_passes, 300);
    assert_int_equal(s.train.selection, OM_LOSS_L2NORM);
    assert_true(s.train.validate_t_pre_s == 0.25);
    const char *const orders[] = {
        "train: {iterations: 7, profile: paper, selection: l2norm}\ninit: {shared: false}",
        "init: {shared: false}\ntrain: {selection: l2norm, profile: paper, iterations: 7}"};
    for (int i = 0; i < 2; i++) {
        s = parsed(orders[i]);
        assert_int_equal(s.train.iterations, 7);
        assert_int_equal(s.train.selection, OM_LOSS_L2NORM);
        assert_false(s.train.init.shared);
        assert_int_equal(s.train.schedule_stop, 200000);
    }
}

/* The published ensembles' common start, torch's first normal numbers for seed 0: R1 to R4. */
static void test_profiles_start_where_the_published_ensembles_did(void **state)
{
    (void)state;
    static const float first[] = {0.44370800256729126F, 0.44238197803497314F, 0.4874710738658905F,
                                  0.4783060550689697F};
    const char *const specs[] = {"train: {profile: paper}", "train: {profile: package}"};
    om_circuit *circuit;
    assert_int_equal(om_circuit_open("motion-pathway", 1, &circuit), OM_OK);
    om_real *params = calloc(om_layout_of(circuit).n_params, sizeof *params);
    assert_non_null(params);
    for (int i = 0; i < 2; i++) {
        om_spec s = parsed(specs[i]);
        om_params_init(circuit, &s.train.init, s.seed, (uint32_t)i, params);
        for (int t = 0; t < 4; t++) assert_true(params[t] == (om_real)first[t]);
    }
    free(params);
    om_circuit_free(circuit);
}

static void test_one_spacing_of_checks_switches_the_other_off(void **state)
{
    (void)state;
    om_spec s = parsed("validate: {every_passes: 3}");
    assert_int_equal(s.train.validate_every, 0);
    assert_int_equal(s.train.validate_every_passes, 3);
    s = parsed("train: {profile: paper}\nvalidate: {every: 10}");
    assert_int_equal(s.train.validate_every, 10);
    assert_int_equal(s.train.validate_every_passes, 0);
}

static void test_scenes_are_made_as_training_needs_them(void **state)
{
    (void)state;
    om_spec s = parsed(
        "circuit: {extent: 6}\ntrain: {frames: 8}\nscenes: {seed: 5, training: 9, eye: median}");
    assert_int_equal(s.worlds.extent, 6);
    assert_int_equal(s.worlds.frames, 8);
    assert_int_equal(s.worlds.seed, 5);
    assert_int_equal(s.worlds.training, 9);
    assert_int_equal(s.worlds.eye, OM_EYE_MEDIAN);
}

/* As it is, and with the keys that stand behind # brought out, it parses to the defaults. */
static void test_template_holds_every_key_and_its_default(void **state)
{
    (void)state;
    char *text;
    assert_int_equal(om_spec_template(&text), OM_OK);
    om_spec usual, s = parsed(text);
    om_spec_defaults(&usual);
    assert_same(&s, &usual);
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++) {
        char line[128];
        const char *dot = strrchr(key->path, '.');
        snprintf(line, sizeof line, "%s: %s%s", dot ? dot + 1 : key->path,
                 om_spec_is_list(key->kind) ? "[" : "", key->usual);
        assert_non_null(strstr(text, line));
    }
    for (char *c = text; *c != '\0'; c++)
        if (c[0] == '#' && c[1] != ' ') memmove(c, c + 1, strlen(c));
    s = parsed(text);
    assert_same(&s, &usual);
    om_free(text);
}

static void test_page_of_keys_is_up_to_date(void **state)
{
    (void)state;
    char *text, *page;
    size_t length;
    assert_int_equal(om_spec_reference(&text), OM_OK);
    assert_int_equal(om_read_file(OM_PROJECT "/docs/spec.md", &page, &length), OM_OK);
    if (strcmp(text, page) != 0) fail_msg("do: ommatid help spec >docs/spec.md");
    om_free(text);
    om_free(page);
}

static void test_ready_specs_parse(void **state)
{
    (void)state;
    const char *const ready[] = {"quickstart", "motion-50", "paper-50"};
    for (int i = 0; i < 3; i++) {
        char path[512], *text;
        om_spec spec;
        snprintf(path, sizeof path, OM_PROJECT "/ensembles/%s.yaml", ready[i]);
        om_status status = om_spec_read(path, &spec, &text);
        if (status != OM_OK) print_error("%s\n", om_message());
        assert_int_equal(status, OM_OK);
        assert_string_equal(spec.name, ready[i]);
        om_free(text);
    }
}

static void test_files_that_cannot_be_read_are_refused(void **state)
{
    (void)state;
    om_spec spec;
    assert_int_equal(om_spec_read("/nowhere/spec.yaml", &spec, NULL), OM_EDATA);
    assert_non_null(strstr(om_message(), "/nowhere/spec.yaml"));
    char path[] = "/tmp/test_spec_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "models: 3\n\0models: x\n", 21), 21);
    close(fd);
    assert_int_equal(om_spec_read(path, &spec, NULL), OM_EDATA);
    assert_non_null(strstr(om_message(), "byte 10 is 0"));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_the_papers_values),
        cmocka_unit_test(test_every_default_is_valid_and_keys_fit),
        cmocka_unit_test(test_block_and_flow_style_are_the_same),
        cmocka_unit_test(test_sections_may_be_empty_and_aliases_used),
        cmocka_unit_test(test_unknown_keys_name_the_nearest),
        cmocka_unit_test(test_keys_given_twice_are_refused),
        cmocka_unit_test(test_wrong_types_are_refused),
        cmocka_unit_test(test_values_out_of_range_are_refused),
        cmocka_unit_test(test_draws_are_chosen_by_name),
        cmocka_unit_test(test_values_that_do_not_go_together_are_refused),
        cmocka_unit_test(test_all_faults_are_reported_at_once),
        cmocka_unit_test(test_what_is_not_yaml_has_a_position),
        cmocka_unit_test(test_paths_start_at_the_specs_directory),
        cmocka_unit_test(test_a_profile_sets_what_is_not_given),
        cmocka_unit_test(test_profiles_start_where_the_published_ensembles_did),
        cmocka_unit_test(test_one_spacing_of_checks_switches_the_other_off),
        cmocka_unit_test(test_scenes_are_made_as_training_needs_them),
        cmocka_unit_test(test_template_holds_every_key_and_its_default),
        cmocka_unit_test(test_page_of_keys_is_up_to_date),
        cmocka_unit_test(test_ready_specs_parse),
        cmocka_unit_test(test_files_that_cannot_be_read_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
