/* Sweeps: the points of a spec, each a spec of its own; files that hold a store for each. */
#include <mpi.h>
#include <unistd.h>

#include "ommatid/om_spec.h"
#include "ommatid/om_sweep.h"
#include "store_bench.h"

static const char *const text = "# a comment\n"
                                "name: both\n"
                                "models: 2\n"
                                "train: {iterations: 7, dt: 0.02}\n"
                                "sweep:\n"
                                "  train.dt: [0.01, 0.02]\n"
                                "  model.fixed: [[], [strength, time_constant], [decoder]]\n"
                                "seed: 3\n";

static om_sweep *swept(const char *spec)
{
    om_sweep *sweep;
    must(om_spec_sweep("here/spec.yaml", spec, &sweep));
    return sweep;
}

static void test_a_spec_without_a_sweep_has_none(void **unused)
{
    (void)unused;
    assert_null(swept("models: 3\n"));
    assert_null(swept("moddels: 3\n")); /* that is for the parser to say */
}

static void test_every_combination_is_a_point(void **unused)
{
    (void)unused;
    om_sweep *s = swept(text);
    char label[OM_SWEEP_LABEL_BYTES];
    assert_int_equal(s->n_keys, 2);
    assert_int_equal(s->n_points, 6);
    assert_string_equal(s->keys[0], "train.dt");
    assert_string_equal(s->keys[1], "model.fixed");
    om_sweep_label(s, 4, label);
    assert_string_equal(label, "train.dt 0.02, model.fixed [strength, time_constant]");
    for (int p = 0; p < s->n_points; p++) {
        om_spec spec;
        must(om_spec_parse("here/spec.yaml", s->specs[p], &spec));
        assert_string_equal(spec.name, "both");
        assert_int_equal(spec.seed, 3);
        assert_int_equal(spec.models, 2);
        assert_int_equal(spec.train.iterations, 7);
        assert_true(spec.train.batch.dt_s == (p < 3 ? 0.01 : 0.02));
        assert_int_equal(spec.train.model.fixed[OM_STRENGTH], p % 3 == 1);
        assert_int_equal(spec.train.model.fixed[OM_DECODER], p % 3 == 2);
    }
    om_sweep_free(s);
}

/* Sections that are not there, or hold nothing, are made; nested ones too. */
static void test_values_find_their_sections(void **unused)
{
    (void)unused;
    om_sweep *s = swept("train:\nsweep: {train.batch: [2], init.resting_potential.std: [0, 0.1], "
                        "models: [4]}\n");
    om_spec spec;
    assert_int_equal(s->n_points, 2);
    must(om_spec_parse("spec.yaml", s->specs[1], &spec));
    assert_int_equal(spec.train.batch_size, 2);
    assert_int_equal(spec.models, 4);
    assert_true(spec.train.init.resting_potential_std == 0.1);
    om_sweep_free(s);
}

/* A profile that is swept stands for defaults, as one that is given. */
static void test_a_profile_can_be_swept(void **unused)
{
    (void)unused;
    om_sweep *s = swept("train: {batch: 3}\nsweep: {train.profile: [none, paper]}\n");
    om_spec spec, paper;
    must(om_spec_parse("spec.yaml", s->specs[1], &spec));
    must(om_spec_parse("spec.yaml", "train: {profile: paper, batch: 3}\n", &paper));
    assert_memory_equal(&spec, &paper, sizeof spec);
    om_sweep_free(s);
}

static void refuse(const char *spec, const char *part)
{
    om_sweep *s;
    must_say(om_spec_sweep("spec.yaml", spec, &s), OM_EDATA, part);
    assert_null(s);
}

static void test_what_cannot_be_swept_is_refused(void **unused)
{
    (void)unused;
    refuse("sweep: 3\n", "spec.yaml:1:8: sweep: expected keys");
    refuse("sweep:\n", "sweep: expected keys");
    refuse("sweep: {train.tau: [1]}\n", "spec.yaml:1:9: unknown key 'train.tau'");
    refuse("sweep: {train.dt: 0.01}\n", "spec.yaml:1:19: sweep: train.dt: expected a list");
    refuse("sweep: {train.dt: []}\n", "expected a list");
    refuse("sweep: {name: [a, b]}\n", "name is no key to sweep");
    refuse("sweep: {slurm.nodes: [1, 2]}\n",
           "spec.yaml:1:9: sweep: slurm.nodes is no key to sweep");
    refuse("sweep: {train: [1]}\n",
           "spec.yaml:1:9: 'train' is a section: expected a key, as train.");
    refuse("sweep: {train.batch: [3, 3]}\n", "points 0 and 1 are the same");
    refuse("sweep: {train.batch: [2, 3], train.dt: [0.01, 1.0e-2]}\n",
           "points 0 and 1 are the same");
    refuse("sweep: {train.dt: [0.01], train.dt: [0.02]}\n", "given twice");
    refuse("sweep: {train.dt: [0.01, x]}\n", "spec.yaml:1:26: train.dt: 'x': expected");
    refuse("sweep: {train.batch: [4, 100]}\n", "spec.yaml:1:26: train.batch 100: expected at most");
    refuse("modles: 3\nsweep: {train.dt: [0.01]}\n", "spec.yaml:1:1: unknown key 'modles'");
    char many[20000] = "sweep: {seed: [0";
    for (int i = 1; i < 1001; i++) sprintf(many + strlen(many), ", %d", i);
    strcat(many, "]}\n");
    refuse(many, "at most 1000 combinations");
    om_spec one;
    must_say(om_spec_parse("spec.yaml", text, &one), OM_EDATA,
             "spec.yaml:6:3: sweep: expected a "
             "spec of one ensemble, as its point spec.yaml:0");
}

/* ---- files ---- */

/* Two points that differ in seed. */
static om_sweep *two_points(void) { return swept("seed: 1\nsweep: {seed: [2024, 7]}\n"); }

static const char *new_sweep(const om_sweep *s)
{
    om_store_plan plans[2] = {f.plan, f.plan};
    const char *path = fixture_path(&f, "sweep.h5");
    unlink(path);
    plans[1].seed = 7;
    for (int p = 0; p < 2; p++) plans[p].spec_text = s->specs[p];
    must(om_sweep_create(path, s, "both", "the text", plans));
    return path;
}

static om_store *open_point(const char *path, int point, om_store_mode mode)
{
    char name[OM_SWEEP_PATH_BYTES];
    om_store *store;
    must(om_sweep_point_path(path, point, name));
    must(om_store_open(name, mode, &store));
    return store;
}

static void test_a_file_says_which_points_it_holds(void **unused)
{
    (void)unused;
    om_sweep *s = two_points(), *read;
    char *name, *spec, label[OM_SWEEP_LABEL_BYTES];
    const char *path = new_sweep(s);
    must(om_sweep_open(path, &read, &name, &spec));
    assert_string_equal(name, "both");
    assert_string_equal(spec, "the text");
    assert_int_equal(read->n_points, 2);
    assert_int_equal(read->n_keys, 1);
    assert_true(read->present[0] && read->present[1]);
    om_sweep_label(read, 1, label);
    assert_string_equal(label, "seed 7");
    om_free(name);
    om_free(spec);
    om_sweep_free(read);
    must(om_sweep_open(new_store(), &read, &name, &spec));
    assert_true(read == NULL && name == NULL && spec == NULL);
    om_store *store;
    must_say(om_store_open(path, OM_STORE_READ, &store), OM_EDATA, "holds a sweep");
    must_say(om_store_open(fixture_path(&f, "sweep.h5:2"), OM_STORE_READ, &store), OM_EDATA,
             "holds no point 2 of its sweep");
    om_sweep_free(s);
}

/* Lists that differ only behind what a table has room for. */
static void test_long_values_are_kept_whole(void **unused)
{
    (void)unused;
    const char *list = "T4a, T4b, T4c, T4d, T5a, T5b, T5c, T5d, Mi1, Mi4, Mi9, Tm1, Tm2, Tm3, Tm4";
    char spec[400], value[120], label[OM_SWEEP_LABEL_BYTES];
    snprintf(spec, sizeof spec, "sweep: {circuit.without: [[%s, Tm9], [%s, CT1]]}\n", list, list);
    om_sweep *s = swept(spec), *read;
    const char *path = new_sweep(s);
    must(om_sweep_open(path, &read, NULL, NULL));
    for (int p = 0; p < 2; p++) {
        snprintf(value, sizeof value, "[%s, %s]", list, p == 0 ? "Tm9" : "CT1");
        assert_string_equal(s->values[p], value);
        assert_string_equal(read->values[p], value);
    }
    om_sweep_free(read);
    om_free(s->values[1]);
    must(om_alloc(2 * OM_SWEEP_LABEL_BYTES, 1, &s->values[1]));
    memset(s->values[1], 'x', 2 * OM_SWEEP_LABEL_BYTES - 1);
    om_sweep_label(s, 1, label);
    assert_string_equal(label + strlen(label) - 4, "x...");
    om_sweep_free(s);
}

static void test_points_are_stores_of_their_own(void **unused)
{
    (void)unused;
    om_sweep *s = two_points();
    const char *path = new_sweep(s);
    om_store *first = open_point(path, 0, OM_STORE_WRITE),
             *second = open_point(path, 1, OM_STORE_WRITE);
    om_state *state = fixture_state(&f, 1, 5), *back;
    bool found;
    must(om_alloc(f.layout.bytes, 1, &back));
    must(om_store_commit(first, 1, state));
    must(om_store_load(first, 1, back, &found));
    assert_true(found && memcmp(state, back, f.layout.bytes) == 0);
    must(om_store_load(second, 1, back, &found));
    assert_false(found);
    assert_int_equal(om_store_describe(second)->seed, 7);
    assert_string_equal(om_store_describe(second)->spec_text, s->specs[1]);
    must_say(om_store_commit(second, 1, state), OM_EDATA, "seed");
    om_free(state);
    om_free(back);
    om_store_close(first);
    om_store_close(second);
    om_sweep_free(s);
}

/* Merging stores gives what one file would have held; what is missing is left out. */
static void test_stores_merge_into_a_sweep(void **unused)
{
    (void)unused;
    om_sweep *s = two_points(), *read;
    om_store_plan plan = f.plan;
    plan.spec_text = s->specs[0];
    const char *path = fixture_path(&f, "merged.h5"), *alone = fixture_path(&f, "alone.h5");
    const char *stores[2] = {alone, NULL};
    s->present[1] = false;
    must(om_store_create(alone, &plan));
    om_store *store = open_store(alone, OM_STORE_WRITE);
    om_state *state = fixture_state(&f, 2, 9), *back;
    must(om_alloc(f.layout.bytes, 1, &back));
    must(om_store_commit(store, 2, state));
    om_store_close(store);
    must(om_sweep_merge(path, s, "both", "the text", stores));
    must(om_sweep_open(path, &read, NULL, NULL));
    assert_true(read->present[0] && !read->present[1]);
    om_sweep_free(read);
    bool found;
    store = open_point(path, 0, OM_STORE_WRITE);
    must(om_store_load(store, 2, back, &found));
    assert_true(found && memcmp(state, back, f.layout.bytes) == 0);
    must(om_store_matches(store, &plan));
    fixture_fill(&f, 11, state); /* and can be gone on with */
    must(om_store_commit(store, 2, state));
    om_store_close(store);
    store = open_point(path, 0, OM_STORE_READ); /* and replaced, beside who reads it */
    must(om_sweep_merge(path, s, "both", "the text", stores));
    fixture_fill(&f, 9, state);
    om_store *anew = open_point(path, 0, OM_STORE_READ);
    must(om_store_load(anew, 2, back, &found));
    assert_true(found && memcmp(state, back, f.layout.bytes) == 0);
    fixture_fill(&f, 11, state);
    must(om_store_load(store, 2, back, &found));
    assert_true(found && memcmp(state, back, f.layout.bytes) == 0);
    om_store_close(anew);
    om_store_close(store);
    om_free(state);
    om_free(back);
    om_sweep_free(s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_spec_without_a_sweep_has_none),
        cmocka_unit_test(test_every_combination_is_a_point),
        cmocka_unit_test(test_values_find_their_sections),
        cmocka_unit_test(test_a_profile_can_be_swept),
        cmocka_unit_test(test_what_cannot_be_swept_is_refused),
        cmocka_unit_test_setup_teardown(test_a_file_says_which_points_it_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_values_are_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_points_are_stores_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stores_merge_into_a_sweep, set_up, tear_down),
    };
    MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
