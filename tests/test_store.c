/* The store: what is written comes back, torn writes are noticed, nothing is replaced. */
#include <math.h>
#include <mpi.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/schema.h"
#include "store_bench.h"

static const char *program;

static void test_a_new_store_says_what_it_is(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_READ);
    const om_store_info *info = om_store_describe(store);
    assert_string_equal(info->path, path);
    assert_string_equal(info->name, "fixture");
    assert_string_equal(info->spec_text, f.plan.spec_text);
    assert_int_equal(info->seed, 2024);
    assert_int_equal(info->n_models, FIXTURE_MODELS);
    assert_int_equal(info->circuit_checksum, f.circuit->checksum);
    assert_int_equal(info->scenes_checksum, f.scenes->checksum);
    assert_int_equal(info->real_bytes, sizeof(om_real));
    assert_int_equal(info->selection, OM_LOSS_EPE);
    assert_memory_equal(&info->baselines, &f.baselines, sizeof f.baselines);
    assert_int_equal(info->layout.fingerprint, f.layout.fingerprint);
    assert_int_equal(info->layout.at_check_epe, f.layout.at_check_epe);
    assert_int_equal(info->n_types, f.circuit->n_types);
    assert_string_equal(info->type_names[f.circuit->n_types - 1],
                        f.circuit->types[f.circuit->n_types - 1].name);
    assert_int_equal(info->pair_target[f.circuit->n_pairs - 1],
                     f.circuit->pairs[f.circuit->n_pairs - 1].target);
    assert_int_equal(info->record_iteration[0], 100000);
    assert_int_equal(info->check_iteration[f.layout.n_checks - 1], 1000000);
    assert_string_equal(info->scene_names[1], "noise-005");
    must(om_store_matches(store, &f.plan));
    om_store_close(store);
    assert_alone("ensemble.h5");
}

static void test_a_new_store_holds_nothing_yet(void **unused)
{
    (void)unused;
    om_store *store = open_store(new_store(), OM_STORE_READ);
    om_model_row rows[FIXTURE_MODELS];
    must(om_store_read_rows(store, rows));
    for (int m = 0; m < FIXTURE_MODELS; m++) {
        assert_int_equal(loaded(store, m), -1);
        assert_int_equal(rows[m].seed, 2024);
        assert_int_equal(rows[m].status, OM_MODEL_WAITING);
        assert_int_equal(rows[m].worker, -1);
        assert_true(rows[m].seconds == 0 && rows[m].message[0] == '\0');
    }
    om_run_row run;
    must(om_store_read_run(store, &run));
    assert_true(run.trainers == 0 && isnan(run.seconds_left));
    om_real *params = NULL, mean[OM_HIDDEN], var[OM_HIDDEN];
    must(om_alloc(f.layout.params.n_params, sizeof *params, &params));
    must(om_store_read_params(store, 0, params, mean, var));
    for (size_t i = 0; i < f.layout.params.n_params; i++) assert_true(isnan(params[i]));
    assert_true(isnan(mean[0]) && isnan(var[OM_HIDDEN - 1]));
    om_free(params);
    om_store_close(store);
}

static void test_a_commit_comes_back_with_its_copies(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *writer = open_store(path, OM_STORE_WRITE);
    commit(writer, 1, 1000);
    om_store_close(writer);
    om_store *store = open_store(path, OM_STORE_READ);
    assert_int_equal(loaded(store, 1), 1000);
    assert_int_equal(loaded(store, 0), -1);
    const om_state_layout *l = &f.layout;
    om_state *state = fixture_state(&f, 1, 1000);
    om_real *params = NULL, mean[OM_HIDDEN], var[OM_HIDDEN];
    must(om_alloc(l->params.n_params, sizeof *params, &params));
    must(om_store_read_params(store, 1, params, mean, var));
    assert_memory_equal(params, om_state_at(state, l->at_best_params),
                        l->params.n_params * sizeof *params);
    assert_memory_equal(mean, om_state_at(state, l->at_best_running_mean), sizeof mean);
    float loss[16], check[16], scenes[FIXTURE_VALIDATION];
    must(om_store_read_history(store, 1, loss, NULL, NULL, check));
    must(om_store_read_scene_epe(store, 1, scenes));
    assert_true(loss[0] == fixture_number(1, 1000, 0) && isnan(loss[1]));
    assert_true(check[0] == fixture_number(1, 1000, 0) && isnan(check[1]));
    assert_true(scenes[1] == fixture_number(1, 1000, 1));
    must(om_store_read_history(store, 0, loss, NULL, NULL, NULL));
    assert_true(isnan(loss[0]));
    om_free(params);
    om_free(state);
    om_store_close(store);
}

/* Which slot holds a commit shows in what is left when the other is damaged. */
/* It was trained, and nothing of it is whole: not to be taken for a model that has not begun. */
static void assert_lost(om_store *store, int model)
{
    om_state *state = fixture_state(&f, 0, 0);
    bool found;
    assert_int_equal(om_store_load(store, model, state, &found), OM_EDATA);
    assert_non_null(strstr(om_message(), "no slot holds a whole state, but it was trained"));
    om_free(state);
}

static void test_slots_alternate_and_the_other_one_is_the_fallback(void **unused)
{
    (void)unused;
    enum { HEADER_BYTE = 17, BODY_BYTE = 300 };
    static const size_t bytes[] = {HEADER_BYTE, BODY_BYTE};
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    for (int m = 0; m < 2; m++) {
        commit(store, m, 1);
        commit(store, m, 2);
        commit(store, m, 3);
        assert_int_equal(loaded(store, m), 3);
        damage(path, "/checkpoint/a", m, bytes[m]);
        assert_int_equal(loaded(store, m), 2);
        commit(store, m, 4); /* goes where the damage is, not over the last valid state */
        assert_int_equal(loaded(store, m), 4);
        damage(path, "/checkpoint/a", m, bytes[m]);
        assert_int_equal(loaded(store, m), 2);
        damage(path, "/checkpoint/b", m, bytes[m]);
        assert_lost(store, m);
        commit(store, m, 5);
        assert_int_equal(loaded(store, m), 5);
    }
    assert_int_equal(loaded(store, 2), -1);
    om_store_close(store);
}

/* A reader does not take the failure of both slots for a writer at work for ever. */
static void test_a_reader_gives_up_on_two_torn_slots(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    commit(store, 0, 1);
    om_store_close(store);
    damage(path, "/checkpoint/a", 0, 300);
    store = open_store(path, OM_STORE_READ);
    assert_lost(store, 0);
    om_store_close(store);
}

/* What a job leaves that was killed in the first unit of a model is no loss; a row of a unit that has ended is. */
static void test_a_model_without_states_has_begun_or_not(void **unused)
{
    (void)unused;
    om_store *store = open_store(new_store(), OM_STORE_WRITE);
    om_model_row row = {.seed = f.plan.seed, .status = OM_MODEL_RUNNING, .iteration = 7};
    must(om_store_write_row(store, 0, &row));
    assert_int_equal(loaded(store, 0), -1);
    row.status = OM_MODEL_WAITING;
    must(om_store_write_row(store, 0, &row));
    assert_lost(store, 0);
    row.iteration = 0;
    must(om_store_write_row(store, 0, &row));
    assert_int_equal(loaded(store, 0), -1);
    om_state *state = fixture_state(&f, 0, 10);
    must(om_store_repair(store, 0, state)); /* copies, without the state that they are of */
    om_free(state);
    assert_lost(store, 0);
    om_store_close(store);
}

static void test_a_state_that_was_rolled_back_is_the_newest(void **unused)
{
    (void)unused;
    om_store *store = open_store(new_store(), OM_STORE_WRITE);
    commit(store, 0, 10);
    commit(store, 0, 20);
    commit(store, 0, 10);
    assert_int_equal(loaded(store, 0), 10);
    om_store_close(store);
}

static void test_states_that_do_not_belong_are_refused(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    om_state *state = fixture_state(&f, 1, 5);
    must_say(om_store_commit(store, 0, state), OM_EDATA, "model is 1, the store's is 0");
    must_say(om_store_commit(store, FIXTURE_MODELS, state), OM_EUSAGE, "there is no model 3");
    state->seed++;
    must_say(om_store_commit(store, 1, state), OM_EDATA, "seed is 2025");
    state->seed--;
    om_real *params = om_state_at(state, f.layout.at_params);
    params[3] = (om_real)NAN;
    must_say(om_store_commit(store, 1, state), OM_EDIVERGED, "parameter 3");
    om_store_close(store);
    store = open_store(path, OM_STORE_READ);
    must_say(om_store_commit(store, 1, state), OM_EUSAGE, "reading only");
    assert_int_equal(loaded(store, 1), -1);
    om_free(state);
    om_store_close(store);
}

static void test_repair_rewrites_a_torn_row(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    commit(store, 1, 7);
    damage(path, "/params/resting_potential", 1, 2);
    om_state *state = fixture_state(&f, 1, 7);
    om_real *params = NULL, *best = om_state_at(state, f.layout.at_best_params);
    om_real mean[OM_HIDDEN], var[OM_HIDDEN];
    must(om_alloc(f.layout.params.n_params, sizeof *params, &params));
    must(om_store_read_params(store, 1, params, mean, var));
    assert_true(params[0] != best[0]);
    must(om_store_repair(store, 1, state));
    must(om_store_read_params(store, 1, params, mean, var));
    assert_true(params[0] == best[0]);
    om_free(params);
    om_free(state);
    om_store_close(store);
}

static void test_live_tables_and_ranking_come_back(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    om_store *reader = open_store(path, OM_STORE_READ); /* before anything is written */
    om_model_row row = {2024, OM_MODEL_RUNNING, 123, 4, 5.5, 6, "a long message", 1, 0, 0}, rows[3];
    must(om_store_write_row(store, 2, &row));
    must(om_store_read_rows(reader, rows));
    snprintf(row.message, sizeof row.message, "short");
    row.status = OM_MODEL_FAILED;
    must(om_store_write_row(store, 2, &row));
    must(om_store_read_rows(reader, rows)); /* sees what was written since the last look */
    assert_string_equal(rows[2].message, "short");
    assert_true(rows[2].status == OM_MODEL_FAILED && rows[2].iteration == 123);
    assert_true(rows[2].worker == 4 && rows[2].seconds == 5.5 && rows[2].attempts == 6);
    assert_string_equal(om_model_status_name(rows[2].status), "failed");
    const om_run_row run = {"host a, process 1", 3, 1e9, 2e9, 12.5, 60};
    om_run_row back;
    must(om_store_write_run(store, &run));
    must(om_store_read_run(reader, &back));
    assert_string_equal(back.job, run.job);
    assert_true(back.trainers == 3 && back.started == 1e9 && back.seconds_left == 60);
    const int32_t place[] = {1, 0, -1};
    const double error[] = {2, 1, NAN}, spread[] = {0.1, 0.2, NAN}, stability[] = {1, 1, NAN};
    must(om_store_write_ranking(store, place, error, spread, stability));
    const double unknown[] = {NAN, 1, NAN};
    must_say(om_store_write_ranking(store, place, unknown, spread, stability), OM_EUSAGE,
             "model 0 cannot have place 1");
    om_store_close(reader);
    om_store_close(store);
}

static void test_an_existing_file_is_never_replaced(void **unused)
{
    (void)unused;
    const char *path = fixture_path(&f, "ensemble.h5");
    FILE *file = fopen(path, "w");
    assert_true(file != NULL && fputs("mine", file) >= 0 && fclose(file) == 0);
    must_say(om_store_create(path, &f.plan), OM_EIO, "exists already");
    must_say(om_scenes_save(f.scenes, path), OM_EIO, "exists already");
    assert_int_equal(file_bytes(path), 4);
    assert_alone("ensemble.h5");
    must_say(om_store_create("/nowhere/at/all.h5", &f.plan), OM_EIO, "/nowhere/at/all.h5");
}

/* Marks in `map` the bytes that are data of a dataset. */
static herr_t mark_data(hid_t object, const char *name, const H5O_info_t *info, void *map)
{
    if (info->type != H5O_TYPE_DATASET) return 0;
    hid_t data = H5Dopen2(object, name, H5P_DEFAULT);
    haddr_t offset = H5Dget_offset(data);
    if (offset != HADDR_UNDEF) memset((char *)map + offset, 1, H5Dget_storage_size(data));
    H5Dclose(data);
    return 0;
}

static void test_metadata_never_change(void **unused)
{
    (void)unused;
    const char *path = new_store();
    char *before = NULL, *after = NULL, *map = NULL;
    size_t n, n_after;
    must(om_read_file(path, &before, &n));
    om_store *store = open_store(path, OM_STORE_WRITE);
    for (uint64_t i = 1; i < 4; i++) commit(store, 1, i);
    const om_model_row row = {.status = OM_MODEL_DONE, .message = "done"};
    must(om_store_write_row(store, 1, &row));
    om_store_close(store);
    must(om_read_file(path, &after, &n_after));
    assert_int_equal(n, n_after);
    must(om_alloc(n, 1, &map));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(H5Ovisit(file, H5_INDEX_NAME, H5_ITER_NATIVE, mark_data, map) >= 0);
    H5Fclose(file);
    size_t changed = 0;
    for (size_t i = 0; i < n; i++) {
        if (before[i] == after[i]) continue;
        changed++;
        if (!map[i]) fail_msg("byte %zu of the file's metadata has changed", i);
    }
    assert_true(changed > f.layout.bytes / 4);
    om_free(map);
    om_free(before);
    om_free(after);
}

static void test_the_size_is_known_beforehand(void **unused)
{
    (void)unused;
    f.plan.n_models = 100;
    const char *path = new_store();
    double expected = (double)om_store_bytes(&f.plan), found = (double)file_bytes(path);
    if (found > expected || found < 0.95 * expected)
        fail_msg("%.0f bytes, announced %.0f", found, expected);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_true((double)info.st_blocks * 512 >= 0.98 * found); /* really there, no holes */
}

static void test_a_thousand_models_fit(void **unused)
{
    (void)unused;
    f.plan.n_models = 1000;
    om_store *store = open_store(new_store(), OM_STORE_READ);
    om_model_row *rows = NULL;
    must(om_alloc(1000, sizeof *rows, &rows));
    must(om_store_read_rows(store, rows));
    assert_int_equal(rows[999].seed, 2024);
    om_free(rows);
    om_store_close(store);
}

static void test_what_is_not_a_store_is_refused(void **unused)
{
    (void)unused;
    om_store *store = NULL;
    const char *path = fixture_path(&f, "other.h5");
    must_say(om_store_open(path, OM_STORE_READ, &store), OM_EDATA, "No such file");
    must_say(om_store_open(f.directory, OM_STORE_READ, &store), OM_EDATA, "not a file");
    FILE *file = fopen(path, "w");
    assert_true(file != NULL && fputs("some text", file) >= 0 && fclose(file) == 0);
    must_say(om_store_open(path, OM_STORE_READ, &store), OM_EDATA, "not an HDF5 file");
    must_say(om_store_open(path, OM_STORE_WRITE, &store), OM_EDATA, "not an HDF5 file");
    assert_int_equal(unlink(path), 0);
    must(om_scenes_save(f.scenes, path));
    must_say(om_store_open(path, OM_STORE_READ, &store), OM_EDATA, "not a store");
    om_scenes *scenes = NULL;
    must_say(om_scenes_load(new_store(), &scenes), OM_EDATA, "does not hold scenes");
    assert_null(store);
    assert_null(scenes);
}

static void test_another_format_version_is_refused(void **unused)
{
    (void)unused;
    const char *path = new_store();
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
    const int version = OM_STORE_VERSION + 1;
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT, &version) >= 0);
    H5Aclose(attribute);
    H5Fclose(file);
    om_store *store = NULL;
    must_say(om_store_open(path, OM_STORE_READ, &store), OM_EDATA, "format version 4, expected 3");
}

static void test_a_truncated_store_is_refused(void **unused)
{
    (void)unused;
    const char *path = new_store();
    const off_t whole = file_bytes(path);
    const off_t lengths[] = {whole - 1, whole / 2, 4000, 100};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(truncate(path, lengths[i]), 0);
        for (int mode = OM_STORE_READ; mode <= OM_STORE_WRITE; mode++) {
            om_store *store = NULL;
            must_say(om_store_open(path, (om_store_mode)mode, &store), OM_EDATA, "truncated");
            assert_null(store);
        }
    }
    assert_int_equal(truncate(path, 0), 0);
    om_store *store = NULL;
    must_say(om_store_open(path, OM_STORE_READ, &store), OM_EDATA, "not an HDF5 file");
}

static void test_another_ensemble_is_told_by_what_differs(void **unused)
{
    (void)unused;
    om_store *store = open_store(new_store(), OM_STORE_READ);
    must(om_store_matches(store, &f.plan));
    f.train.learning_rate[0] = 2e-3;
    must_say(om_store_matches(store, &f.plan), OM_EDATA,
             "train.learning_rate.first is 0.001 in the store, 0.002 in the spec");
    f.train.learning_rate[0] = 1e-3;
    f.train.init.shared = true;
    must_say(om_store_matches(store, &f.plan), OM_EDATA, "init.shared is false in the store, true");
    f.train.init.shared = false;
    f.train.init.draws = OM_DRAWS_TORCH;
    must_say(om_store_matches(store, &f.plan), OM_EDATA,
             "init.draws is philox in the store, torch in");
    f.train.init.draws = OM_DRAWS_PHILOX;
    f.plan.n_models = 8;
    must_say(om_store_matches(store, &f.plan), OM_EDATA, "the number of models is 3");
    f.plan.n_models = FIXTURE_MODELS;
    f.scenes->checksum++;
    must_say(om_store_matches(store, &f.plan), OM_EDATA, "the scenes' checksum");
    om_store_close(store);
}

static void test_other_options_of_the_model_are_told(void **unused)
{
    (void)unused;
    const om_train_options before = f.train;
    om_model_options *model = &f.train.model;
    snprintf(model->symmetric[OM_STRENGTH], OM_GROUPS_BYTES, "Mi9 -> T4a, Mi9 -> T4b");
    for (int i = 0; i < 100; i++) strcat(model->symmetric[OM_TIME_CONSTANT], "T4a, T4b; ");
    model->fixed[OM_DECODER] = true;
    model->clamp[OM_TIME_CONSTANT][1] = 0.5;
    om_store *store = open_store(new_store(), OM_STORE_READ);
    const om_train_options stored = f.train;
    must(om_store_matches(store, &f.plan));
#define TOLD(change, message)                                                                      \
    do {                                                                                           \
        change;                                                                                    \
        must_say(om_store_matches(store, &f.plan), OM_EDATA, message);                             \
        f.train = stored;                                                                          \
    } while (0)
    TOLD(model->activation = OM_ELU, "model.activation is relu in the store, elu in the spec");
    TOLD(model->count_spread = 0.25, "circuit.count_spread is 0 in the store, 0.25 in the spec");
    TOLD(f.train.t_fade_in_s = 1, "train.t_fade_in is 0 in the store, 1 in the spec");
    TOLD(model->fixed[OM_STRENGTH] = true, "model.fixed.strength is false in the store, true");
    TOLD(model->fixed[OM_DECODER] = false, "model.fixed.decoder is true in the store, false");
    TOLD(model->clamp[OM_TIME_CONSTANT][0] = (double)-INFINITY,
         "model.clamp.time_constant.lowest is 0 in the store, -inf in the spec");
    TOLD(model->clamp[OM_STRENGTH][1] = 1,
         "model.clamp.strength.highest is inf in the store, 1 in the spec");
    TOLD(model->symmetric[OM_STRENGTH][0] = '\0',
         "model.symmetric.strength is [Mi9 -> T4a, Mi9 -> T4b] in the store, [] in the spec");
    TOLD(strcat(model->symmetric[OM_TIME_CONSTANT], "!"), "...] in the spec");
    TOLD(strcat(model->symmetric[OM_RESTING_POTENTIAL], "T4a, T4b"),
         "model.symmetric.resting_potential is [] in the store, [T4a, T4b] in the spec");
#undef TOLD
    om_store_close(store);
    f.train = before;
}

/* A process of its own, without MPI, that loads again and again while the parent commits. */
static int read_for_a_while(const char *path)
{
    fixture_create(&f);
    if (rmdir(f.directory) != 0) return 1;
    om_store *store = open_store(path, OM_STORE_READ);
    int64_t last = -1;
    int changes = 0;
    for (double end = om_clock_s() + 0.5; om_clock_s() < end;) {
        int64_t iteration = loaded(store, 0);
        if (iteration < last) return 2; /* it never goes back */
        changes += iteration > last;
        last = iteration;
    }
    om_store_close(store);
    return changes > 2 ? 0 : 3;
}

static void test_readers_beside_a_writer_see_whole_states(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    commit(store, 0, 1);
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, "read", path, (char *)NULL);
        _exit(127);
    }
    int status;
    uint64_t iteration = 1;
    om_state *state = fixture_state(&f, 0, 0);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        fixture_fill(&f, ++iteration, state);
        must(om_store_commit(store, 0, state));
    }
    om_free(state);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    om_store_close(store);
}

/* In a process of its own: files cannot grow beyond `bytes`; then they can again. */
static int create_under_limit(const char *path, rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    om_status status = om_store_create(path, &f.plan);
    if (status != OM_EIO || strstr(om_message(), "File too large") == NULL) return 2;
    if (bytes <= 4096 && om_scenes_save(f.scenes, path) != OM_EIO) return 3;
    if (access(path, F_OK) == 0) return 3;
    limit.rlim_cur = RLIM_INFINITY;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 4;
    if (om_store_create(path, &f.plan) != OM_OK || unlink(path) != 0) return 5;
    return 0;
}

/* A write that fails in the middle of creation, as on a disk that fills up meanwhile. */
static void test_a_failed_creation_leaves_nothing_behind(void **unused)
{
    (void)unused;
    const char *path = new_store();
    const rlim_t whole = (rlim_t)file_bytes(path);
    assert_int_equal(unlink(path), 0);
    const rlim_t limits[] = {0, 4096, whole / 2, whole - 5000, whole - 1};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        pid_t pid = fork();
        if (pid == 0) _exit(create_under_limit(path, limits[i]));
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_alone("nothing");
    }
}

/* Mounts a small disk in memory on the fixture's directory, or skips. */
static void mount_disk(const char *size)
{
    char options[32];
    snprintf(options, sizeof options, "size=%s", size);
    if (mount("tmpfs", f.directory, "tmpfs", 0, options) == 0) return;
    print_message("skipped: a small disk cannot be mounted here (needs root)\n");
    skip();
}

static void test_a_store_too_large_for_the_disk_is_refused(void **unused)
{
    (void)unused;
    mount_disk("256k");
    om_status status = om_store_create(fixture_path(&f, "ensemble.h5"), &f.plan);
    char message[512];
    snprintf(message, sizeof message, "%s", om_message());
    assert_alone("nothing");
    assert_int_equal(umount(f.directory), 0);
    if (status != OM_EIO || strstr(message, "No space left") == NULL)
        fail_msg("status %d: %s", (int)status, message);
}

/* All space is taken at creation: a disk that is full afterwards does no harm. */
static void test_commits_do_not_need_a_free_disk(void **unused)
{
    (void)unused;
    mount_disk("4m");
    const char *path = new_store();
    char command[256];
    snprintf(command, sizeof command, "cat /dev/zero > '%s/rest' 2>/dev/null; test $? -ne 0",
             f.directory);
    int full = system(command);
    om_store *store = NULL;
    om_status status = om_store_open(path, OM_STORE_WRITE, &store);
    om_state *state = fixture_state(&f, 0, 9);
    for (int i = 0; i < 3 && status == OM_OK; i++) status = om_store_commit(store, 0, state);
    int64_t iteration = status == OM_OK ? loaded(store, 0) : -1;
    om_free(state);
    om_store_close(store);
    assert_int_equal(umount(f.directory), 0);
    assert_int_equal(full, 0);
    must(status);
    assert_int_equal(iteration, 9);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "read") == 0) return read_for_a_while(argv[2]);
    program = argv[0];
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_store_says_what_it_is),
        TEST(test_a_new_store_holds_nothing_yet),
        TEST(test_a_commit_comes_back_with_its_copies),
        TEST(test_slots_alternate_and_the_other_one_is_the_fallback),
        TEST(test_a_reader_gives_up_on_two_torn_slots),
        TEST(test_a_model_without_states_has_begun_or_not),
        TEST(test_a_state_that_was_rolled_back_is_the_newest),
        TEST(test_states_that_do_not_belong_are_refused),
        TEST(test_repair_rewrites_a_torn_row),
        TEST(test_live_tables_and_ranking_come_back),
        TEST(test_an_existing_file_is_never_replaced),
        TEST(test_metadata_never_change),
        TEST(test_the_size_is_known_beforehand),
        TEST(test_a_thousand_models_fit),
        TEST(test_what_is_not_a_store_is_refused),
        TEST(test_another_format_version_is_refused),
        TEST(test_a_truncated_store_is_refused),
        TEST(test_another_ensemble_is_told_by_what_differs),
        TEST(test_other_options_of_the_model_are_told),
        TEST(test_readers_beside_a_writer_see_whole_states),
        TEST(test_a_failed_creation_leaves_nothing_behind),
        TEST(test_a_store_too_large_for_the_disk_is_refused),
        TEST(test_commits_do_not_need_a_free_disk),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
