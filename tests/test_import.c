/* Importing models of the paper's software, good ones and bad ones, and what can be done with them. */
#include "import_fixture.h"
#include "parallel/stop.h"

/* --- good ones ------------------------------------------------------------------------------- */

static void models_become_a_store(void **unused)
{
    (void)unused;
    write_models(NONE);
    om_store *store = imported();
    const om_store_info *info = om_store_describe(store);
    assert_int_equal(info->n_models, MODELS);
    assert_string_equal(info->name, "store");
    assert_string_equal(info->imported_from, t.models);
    assert_string_equal(info->sources[1], "0007/best_chkpt");
    assert_string_equal(info->sources[2], "0012/best_chkpt");
    assert_int_equal(info->layout.n_records, 0);
    assert_int_equal(info->layout.n_scenes, 0);
    assert_int_equal(info->circuit_checksum, t.circuit->checksum);
    assert_true(isnan(info->baselines.mean_epe));
    check_model(store, 0, 4);
    check_model(store, 1, 7);
    check_model(store, 2, 12);
    om_model_row rows[MODELS];
    must(om_store_read_rows(store, rows));
    for (int i = 0; i < MODELS; i++) assert_int_equal(rows[i].status, OM_MODEL_DONE);
    om_store_close(store);
}

static void their_states_are_whole(void **unused)
{
    (void)unused;
    write_models(NONE);
    om_store *store = imported();
    const om_store_info *info = om_store_describe(store);
    om_state *state;
    bool found;
    must(om_alloc(info->layout.bytes, 1, &state));
    must(om_store_load(store, 1, state, &found));
    assert_true(found);
    assert_true(state->iteration == OM_ITERATION_UNKNOWN);
    assert_true(state->best_epe == 5.25 && isnan(state->best_l2norm));
    const om_real *params = om_state_view(state, info->layout.at_params);
    assert_memory_equal(params, om_state_view(state, info->layout.at_best_params),
                        info->layout.params.n_params * sizeof *params);
    assert_true(params[0] == (om_real)number_of(7, 0, 0));
    om_free(state);
    om_store_close(store);
}

static void they_are_ranked_by_what_is_known(void **unused)
{
    (void)unused;
    write_models(NONE);
    om_store *store = imported();
    om_ranked ranked[MODELS];
    must(om_ensemble_rank(store, OM_LOSS_EPE, ranked));
    const int order[] = {1, 0, 2};
    const double epe[] = {5.25, 5.5, 5.75};
    for (int i = 0; i < MODELS; i++) {
        assert_int_equal(ranked[i].model, order[i]);
        assert_int_equal(ranked[i].place, i + 1);
        assert_true(ranked[i].epe == epe[i]);
        assert_true(isnan(ranked[i].l2norm) && isnan(ranked[i].spread));
        assert_true(isnan(ranked[i].stability));
    }
    must(om_ensemble_rank(store, OM_LOSS_L2NORM, ranked));
    for (int i = 0; i < MODELS; i++) assert_int_equal(ranked[i].place, 0);
    om_store_close(store);
}

static void their_spec_is_one_and_matches_nothing(void **unused)
{
    (void)unused;
    write_models(NONE);
    om_store *store = imported();
    om_spec spec;
    must(om_spec_parse("spec", om_store_describe(store)->spec_text, &spec));
    assert_int_equal(spec.models, MODELS);
    assert_int_equal(spec.extent, EXTENT);
    assert_int_equal(spec.profile, OM_PROFILE_PAPER);
    assert_string_equal(spec.circuit, "motion-pathway");
    const om_store_plan plan = {
        .seed = spec.seed, .n_models = MODELS, .circuit = t.circuit, .train = &spec.train};
    must_say(om_store_matches(store, &plan), OM_EDATA, "there is nothing to train");
    om_store_close(store);
}

static void a_store_gives_its_circuit_back(void **unused)
{
    (void)unused;
    write_models(NONE);
    om_store *store = imported();
    for (int extent = 0; extent <= 5; extent += 5) {
        om_circuit *circuit, *expected;
        must(om_store_circuit(store, extent, &circuit));
        must(om_circuit_open("motion-pathway", extent != 0 ? extent : EXTENT, &expected));
        assert_int_equal(circuit->checksum, expected->checksum);
        assert_string_equal(circuit->name, expected->name);
        assert_int_equal(circuit->n_edges, expected->n_edges);
        om_circuit_free(circuit);
        om_circuit_free(expected);
    }
    om_circuit *none;
    must_say(om_store_circuit(store, 61, &none), OM_EUSAGE, "extent 61");
    assert_null(none);
    om_store_close(store);
}

/* Puts a number in the place of the first of a dataset of the store. */
static void overwrite(const char *dataset, double number)
{
    hid_t file = H5Fopen(t.store, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t data = H5Dopen2(file, dataset, H5P_DEFAULT), all = H5Dget_space(data);
    const hsize_t first = 0, one = 1;
    H5Sselect_elements(all, H5S_SELECT_SET, 1, &first);
    hid_t memory = H5Screate_simple(1, &one, NULL);
    assert_true(H5Dwrite(data, H5T_NATIVE_DOUBLE, memory, all, H5P_DEFAULT, &number) >= 0);
    H5Sclose(memory);
    H5Sclose(all);
    H5Dclose(data);
    H5Fclose(file);
}

static void a_damaged_circuit_is_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *dataset, *says;
        double number;
    } damages[] = {{"/circuit/count", "does not have the checksum", 1.25},
                   {"/circuit/sign", "does not have the checksum", 7},
                   {"/circuit/taps", "store.h5", 1000000},
                   {"/circuit/taps", "has no offsets", -1},
                   {"/circuit/du", "store.h5", 100000},
                   {"/circuit/stride_u", "store.h5", 0},
                   {"/circuit/input_type", "store.h5", -1}};
    write_models(NONE);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        om_store *store;
        om_circuit *circuit;
        must(import());
        overwrite(damages[i].dataset, damages[i].number);
        must(om_store_open(t.store, OM_STORE_READ, &store));
        must_say(om_store_circuit(store, 0, &circuit), OM_EDATA, damages[i].says);
        assert_null(circuit);
        om_store_close(store);
        remove(t.store);
    }
}

static void the_extent_follows_from_the_numbers(void **unused)
{
    (void)unused;
    write_model("0", 0, 5.5, NONE);
    om_store *store = imported();
    om_circuit *circuit;
    must(om_store_circuit(store, 0, &circuit));
    assert_int_equal(circuit->n_live_pairs, t.circuit->n_live_pairs);
    assert_int_equal(circuit->n_live_taps, t.circuit->n_live_taps);
    assert_true(circuit->extent <= EXTENT);
    om_circuit_free(circuit);
    om_store_close(store);
}

static void a_published_loss_is_epe_unless_it_is_large(void **unused)
{
    (void)unused;
    write_model("0", 0, 38, NONE);   /* below sqrt(40 * 37) = 38.47 */
    write_model("1", 1, 38.5, NONE); /* above */
    state_extent("0");
    om_store *store = imported();
    om_ranked ranked[2];
    must(om_ensemble_rank(store, OM_LOSS_EPE, ranked));
    assert_true(ranked[0].model == 0 && ranked[0].epe == 38 && isnan(ranked[0].l2norm));
    assert_true(ranked[1].model == 1 && ranked[1].place == 0 && ranked[1].l2norm == 38.5);
    must(om_ensemble_rank(store, OM_LOSS_L2NORM, ranked));
    assert_true(ranked[0].model == 1 && ranked[0].place == 1 && ranked[1].place == 0);
    om_store_close(store);
}

/* --- the current layout ---------------------------------------------------------------------- */

static void write_three_current(void)
{
    write_current("000", 1, (double[]){5.5, 5.2, 5.7}, (double[]){1170, 1180, 1160});
    write_current("001", 2, NULL, (double[]){1200, 1210, 1190});
    write_current("002", 3, (double[]){NAN, 5.9, 5.8}, NULL);
    state_extent("000");
}

static void selects(int checkpoint, const int seeds[MODELS], const char *why)
{
    om_import_options all = options();
    om_store *store;
    all.checkpoint = checkpoint;
    must(om_ensemble_import(&all));
    must(om_store_open(t.store, OM_STORE_READ, &store));
    for (int i = 0; i < MODELS; i++) check_model(store, i, seeds[i]);
    assert_non_null(strstr(om_store_describe(store)->sources[0], why));
    om_store_close(store);
    remove(t.store);
}

static void checkpoints_are_chosen_by_a_measure(void **unused)
{
    (void)unused;
    write_three_current();
    selects(OM_IMPORT_BEST, (int[]){11, 22, 32}, "000/chkpts/chkpt_00001, lowest EPE");
    selects(0, (int[]){10, 20, 30}, "000/chkpts/chkpt_00000, as asked");
    selects(2, (int[]){12, 22, 32}, "as asked");
    om_import_options some = options();
    some.checkpoint = 3;
    must_say(om_ensemble_import(&some), OM_EDATA, "chkpts/chkpt_00003");
    some.checkpoint = OM_IMPORT_LEAST_EPE;
    must_say(om_ensemble_import(&some), OM_EFAIL, "001: no EPE is recorded");
    remove(t.store);
    some.checkpoint = OM_IMPORT_LEAST_LOSS;
    must_say(om_ensemble_import(&some), OM_EFAIL, "002: no loss is recorded");
    om_store *store;
    must(om_store_open(t.store, OM_STORE_READ, &store));
    assert_int_equal(om_store_describe(store)->n_models, 2);
    check_model(store, 0, 12);
    check_model(store, 1, 22);
    om_store_close(store);
}

static void measures_are_never_mixed(void **unused)
{
    (void)unused;
    write_three_current();
    om_store *store = imported();
    om_ranked ranked[MODELS];
    must(om_ensemble_rank(store, OM_LOSS_EPE, ranked));
    assert_true(ranked[0].model == 0 && ranked[0].epe == (double)5.2F && ranked[0].l2norm == 1180);
    assert_true(ranked[1].model == 2 && ranked[1].place == 2);
    assert_true(ranked[2].model == 1 && ranked[2].place == 0 && isnan(ranked[2].epe));
    must(om_ensemble_rank(store, OM_LOSS_L2NORM, ranked));
    assert_true(ranked[0].model == 0 && ranked[1].model == 1 && ranked[2].place == 0);
    om_store_close(store);
}

/* Models of the current layout without EPE, whose losses differ from folder to folder. */
static om_store *imported_with_losses(double first, double second)
{
    write_current("000", 1, NULL, (double[]){first, first + 1, first + 2});
    write_current("001", 2, NULL, (double[]){second, second + 1, second + 2});
    state_extent("000");
    return imported();
}

static void a_trained_loss_is_l2norm_unless_it_is_small(void **unused)
{
    (void)unused;
    om_store *store = imported_with_losses(20, 3); /* 38.47 would be an EPE of 1, 3.85 one of 0.1 */
    om_ranked ranked[2];
    must(om_ensemble_rank(store, OM_LOSS_EPE, ranked));
    assert_true(ranked[0].model == 1 && ranked[0].epe == 3 && isnan(ranked[0].l2norm));
    assert_true(ranked[1].model == 0 && ranked[1].place == 0 && ranked[1].l2norm == 20);
    const char *spec = om_store_describe(store)->spec_text;
    assert_non_null(strstr(spec, "1 of 2 models is taken for l2norm, which training writes"));
    assert_non_null(strstr(spec, "1 of 2 models is taken for EPE, being too small"));
    om_store_close(store);
}

static void what_a_loss_is_can_be_said(void **unused)
{
    (void)unused;
    om_store_close(imported_with_losses(20, 3));
    for (int loss = OM_LOSS_L2NORM; loss <= OM_LOSS_EPE; loss++) {
        om_import_options said = options();
        om_store *store;
        om_ranked ranked[2];
        said.says_loss = true;
        said.loss = (om_loss)loss;
        remove(t.store);
        must(om_ensemble_import(&said));
        must(om_store_open(t.store, OM_STORE_READ, &store));
        assert_int_equal(om_store_describe(store)->selection, loss);
        assert_null(strstr(om_store_describe(store)->spec_text, "is taken for"));
        must(om_ensemble_rank(store, (om_loss)loss, ranked));
        assert_true(ranked[0].model == 1 && ranked[1].model == 0 && ranked[1].place == 2);
        om_store_close(store);
    }
}

static void models_without_epe_are_ranked_by_l2norm(void **unused)
{
    (void)unused;
    om_store *store = imported_with_losses(1170, 1160);
    const om_store_info *info = om_store_describe(store);
    om_spec spec;
    assert_int_equal(info->selection, OM_LOSS_L2NORM);
    must(om_spec_parse("spec", info->spec_text, &spec));
    assert_int_equal(spec.profile, OM_PROFILE_PAPER);
    assert_non_null(strstr(info->spec_text, "ranked by l2norm"));
    om_ranked ranked[2];
    must(om_ensemble_rank(store, info->selection, ranked));
    assert_true(ranked[0].model == 1 && ranked[0].place == 1 && ranked[0].l2norm == 1160);
    assert_true(ranked[1].model == 0 && ranked[1].place == 2);
    om_store_close(store);
}

static void negative_errors_are_refused(void **unused)
{
    (void)unused;
    write_current("000", 1, (double[]){5.5, -3, 5.7}, (double[]){1170, 1180, 1160});
    write_current("001", 2, NULL, (double[]){1170, 1180, -1});
    state_extent("000");
    must_say(import(), OM_EDATA, "000/validation/epe.h5: value 1 is -3: expected an error");
    must_say(OM_EDATA, OM_EDATA, "001/validation/loss.h5: value 2 is -1");
}

static void iterations_are_those_of_the_folder(void **unused)
{
    (void)unused;
    write_current("000", 1, (double[]){5.5, 5.2, 5.7}, NULL);
    write_current("001", 2, (double[]){5.5, 5.6, 5.7}, NULL);
    write_current("002", 3, (double[]){5.9, 5.8, 5.7}, NULL);
    write_last_iterations("000", (int64_t[]){-1, 11, 3611});
    write_last_iterations("001", (int64_t[]){-1, 11, 3611});
    state_extent("000");
    om_store *store = imported();
    const uint64_t expected[MODELS] = {12, 0, OM_ITERATION_UNKNOWN};
    om_model_row rows[MODELS];
    om_ranked ranked[MODELS];
    must(om_store_read_rows(store, rows));
    must(om_ensemble_rank(store, OM_LOSS_EPE, ranked));
    assert_true(om_store_describe(store)->check_iteration[0] == OM_ITERATION_UNKNOWN);
    for (int i = 0; i < MODELS; i++) {
        assert_true(rows[i].iteration == expected[i]);
        assert_true(ranked[i].iteration == expected[ranked[i].model]);
        assert_true(ranked[i].best_iteration == expected[ranked[i].model]);
    }
    om_store_close(store);
}

static void a_strength_that_was_stepped_below_zero_is_zero(void **unused)
{
    (void)unused;
    write_model("0", 5, 5.5, STEPPED_BELOW_ZERO);
    state_extent("0");
    om_store *store = imported();
    const om_layout *l = &om_store_describe(store)->layout.params;
    om_real *params, mean[OM_HIDDEN], var[OM_HIDDEN];
    int pair = -1, live = 0;
    while (live < 4) live += t.circuit->pairs[++pair].edges > 0;
    must(om_alloc(l->n_params, sizeof *params, &params));
    must(om_store_read_params(store, 0, params, mean, var));
    assert_true(params[l->strength + (size_t)pair] == 0);
    om_free(params);
    om_store_close(store);
}

/* --- bad ones -------------------------------------------------------------------------------- */

static const char *const says[N_FAULTS] = {
    [CUT_SHORT] = "0007/best_chkpt: cannot be opened as a zip",
    [NOT_TORCH] = "0007/best_chkpt: a zip archive with no",
    [RUNS_COMMAND] = "GLOBAL 'os system'",
    [WRONG_SIGN] = "'network/edges_sign': pair ",
    [WRONG_COUNT] = "'network/edges_syn_count': tap (",
    [FEWER_TAPS] = "another circuit",
    [WRONG_SHAPE] = "'network/nodes_bias' has shape 32: expected 33",
    [WRONG_TYPE] = "'network/nodes_bias' is of type int64: expected float32",
    [NOT_FINITE] = "'network/nodes_bias': number 32 is nan",
    [OUTSIDE_HEXAGON] = "'decoder/flow/base.0.weight': entry (0, 0) of kernel 1",
    [NEGATIVE_VARIANCE] = "'decoder/flow/base.1.running_var': number 2 is -1",
    [NO_TIME_CONSTANT] = "'network/nodes_time_const': type ",
    [NEGATIVE_STRENGTH] = "has strength -5: expected 0 or more",
    [NEGATIVE_LOSS] = "is -5.25: expected an error",
    [A_PIPE] = "0007/best_chkpt: is not a regular file",
    [OTHER_LOSS] = "its loss is 6.25, but validation_loss.h5 says 5.25",
    [NO_CHECKPOINT] = "0007: has neither a best_chkpt nor chkpts",
};

/* One bad model among three is named and left out; the others are there. */
static void a_bad_model_is_named_and_left_out(void **unused)
{
    (void)unused;
    for (flaw fault = NONE + 1; fault < N_FAULTS; fault++) {
        write_models(fault);
        must_say(import(), OM_EFAIL, "1 of 3 models could not be read");
        must_say(OM_EFAIL, OM_EFAIL, says[fault]);
        assert_non_null(strstr(om_message(), "0007"));
        om_store *store;
        must(om_store_open(t.store, OM_STORE_READ, &store));
        assert_int_equal(om_store_describe(store)->n_models, 2);
        assert_string_equal(om_store_describe(store)->sources[1], "0012/best_chkpt");
        check_model(store, 0, 4);
        check_model(store, 1, 12);
        om_store_close(store);
        remove(t.store);
        om_import_options partial = options();
        partial.partial = true;
        must(om_ensemble_import(&partial));
        tear_down(NULL);
        set_up(NULL);
    }
}

static void what_differs_is_named(void **unused)
{
    (void)unused;
    const om_circuit *c = t.circuit;
    char expected[160];
    int live = 0, pair = 0, taps = 0, tap = 0;
    for (int i = 0; i < c->n_pairs; i++)
        if (c->pairs[i].edges > 0 && live++ == 7) pair = i;
    for (int k = 0; k < c->n_taps; k++)
        if (c->taps[k].edges > 0 && taps++ == 11) tap = k;
    const om_pair *p = &c->pairs[pair];
    snprintf(expected, sizeof expected, "pair %s -> %s has sign %d, in circuit motion-pathway %+d",
             c->types[p->source].name, c->types[p->target].name, -p->sign, p->sign);
    write_model("1", 1, 5, WRONG_SIGN);
    must_say(import(), OM_EDATA, expected);
    for (p = c->pairs; tap >= p->first_tap + p->n_taps; p++) {
    }
    snprintf(expected, sizeof expected, "tap (%d, %d) of %s -> %s has", c->taps[tap].du,
             c->taps[tap].dv, c->types[p->source].name, c->types[p->target].name);
    tear_down(NULL);
    set_up(NULL);
    write_model("1", 1, 5, WRONG_COUNT);
    must_say(import(), OM_EDATA, expected);
}

static void nothing_is_left_where_nothing_could_be_read(void **unused)
{
    (void)unused;
    must_say(import(), OM_EDATA, "holds no models");
    nothing_was_made();
    write_model("0000", 0, 5, CUT_SHORT);
    write_model("0001", 1, 5, WRONG_SIGN);
    must_say(import(), OM_EDATA, "none of its 2 models could be read");
    nothing_was_made();
    om_import_options wrong = options();
    wrong.partial = true;
    must_say(om_ensemble_import(&wrong), OM_EDATA, "0000/best_chkpt");
    wrong.folder = "/no/such/folder";
    must_say(om_ensemble_import(&wrong), OM_EDATA, "/no/such/folder");
    wrong = options();
    wrong.circuit = "no-such-circuit";
    must_say(om_ensemble_import(&wrong), OM_EDATA, "no-such-circuit");
    wrong = options();
    wrong.store = "/no/such/folder/store.h5";
    write_model("0002", 2, 5, NONE);
    must_say(om_ensemble_import(&wrong), OM_EIO, "/no/such/folder/store.h5");
    nothing_was_made();
    write_file(t.store, "mine", 4);
    must_say(import(), OM_EIO, "exists already");
    struct stat info;
    assert_int_equal(stat(t.store, &info), 0);
    assert_int_equal(info.st_size, 4);
}

static void touch(const char *name) { write_file(path_in(t.directory, name), "x", 1); }

/* What an import that was killed has left is removed by the next one, and nothing else. */
static void leftovers_are_removed(void **unused)
{
    (void)unused;
    write_models(NONE);
    touch("store.h5.import");
    touch("store.h5.import.partial.4711");
    touch("store.h5.import.partial.mine");
    touch("store.h5.importer");
    touch("other.h5.import");
    must(import());
    char command[200];
    snprintf(command, sizeof command,
             "test \"$(ls -A '%s' | LC_ALL=C sort | tr '\\n' ' ')\" = 'models other.h5.import "
             "store.h5 store.h5.import.partial.mine store.h5.importer '",
             t.directory);
    assert_int_equal(system(command), 0);
}

static void one_import_at_a_time_makes_a_store(void **unused)
{
    (void)unused;
    write_models(NONE);
    must(om_store_lock(t.store));
    touch("store.h5.import");
    must_say(import(), OM_EBUSY, "store.h5: is being ");
    assert_int_equal(access(path_in(t.directory, "store.h5.import"), F_OK), 0);
    om_store_unlock(t.store);
    must(import());
}

static void a_signal_stops_it_and_leaves_nothing(void **unused)
{
    (void)unused;
    write_models(NONE);
    om_stop_signal = SIGTERM;
    must_say(import(), OM_ESTOPPED, "nothing was written");
    om_stop_signal = 0;
    nothing_was_made();
    must(import());
}

static void models_may_lie_in_checkpoints(void **unused)
{
    (void)unused;
    char outer[96];
    snprintf(outer, sizeof outer, "%s", t.models);
    snprintf(t.models, sizeof t.models, "%s", new_folder(outer, "checkpoints"));
    write_models(NONE);
    om_import_options all = options();
    all.folder = outer;
    must(om_ensemble_import(&all));
}

/* --- flat ------------------------------------------------------------------------------------ */

static int *read_integers(hid_t file, const char *name, int n)
{
    double *values = golden_read(file, n, "%s", name);
    int *integers = calloc((size_t)n, sizeof *integers);
    for (int i = 0; i < n; i++) integers[i] = (int)values[i];
    free(values);
    return integers;
}

/* Every connection is one that its pair has, none is there twice, and none is missing. */
static void check_flat(const char *path, const om_circuit *c, int seed)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const int cells = (int)c->n_cells, edges = (int)c->n_edges;
    assert_true(file >= 0);
    int *type = read_integers(file, "cell_type", cells), *u = read_integers(file, "u", cells);
    int *v = read_integers(file, "v", cells), *source = read_integers(file, "source", edges);
    int *target = read_integers(file, "target", edges);
    double *weight = golden_read(file, edges, "weight");
    double *rest = golden_read(file, cells, "resting_potential");
    double *tau = golden_read(file, cells, "time_constant");
    for (int i = 0; i < cells; i++) {
        assert_true(om_circuit_has_cell(c, type[i], u[i], v[i]));
        assert_true(rest[i] == (double)number_of(seed, 0, (size_t)type[i]));
        assert_true(tau[i] == (double)number_of(seed, 1, (size_t)type[i]));
        if (i == 0 || type[i] != type[i - 1]) continue;
        assert_true(u[i] > u[i - 1] || (u[i] == u[i - 1] && v[i] > v[i - 1]));
    }
    int next = 0;
    size_t live = 0;
    for (int p = 0; p < c->n_pairs; p++) {
        const om_pair *pair = &c->pairs[p];
        bool in_model = t.circuit->pairs[p].edges > 0;
        double alpha = in_model ? (double)number_of(seed, 2, live++) : 0;
        for (int k = pair->first_tap; k < pair->first_tap + pair->n_taps; k++) {
            const om_tap *tap = &c->taps[k];
            int before = -1;
            for (int64_t n = 0; n < tap->edges; n++, next++) {
                int s = source[next], d = target[next];
                assert_true(s > before && type[s] == pair->source && type[d] == pair->target);
                assert_true(u[d] == u[s] + tap->du && v[d] == v[s] + tap->dv);
                assert_true(weight[next] == (double)(om_real)(pair->sign * tap->count * alpha));
                before = s;
            }
        }
    }
    assert_int_equal(next, edges);
    free(type), free(u), free(v), free(source), free(target);
    free(weight), free(rest), free(tau);
    H5Fclose(file);
}

static void a_model_becomes_flat_arrays(void **unused)
{
    (void)unused;
    write_models(NONE);
    om_store *store = imported();
    const char *path = path_in(t.directory, "flat.h5");
    must(om_store_flatten(store, 1, 0, false, path));
    check_flat(path, t.circuit, 7);
    must_say(om_store_flatten(store, 1, 0, false, path), OM_EIO, "exists already");
    for (int extent = 1; extent <= 9; extent += 4) {
        om_circuit *c;
        must(om_store_flatten(store, 2, extent, true, path));
        must(om_circuit_open("motion-pathway", extent, &c));
        check_flat(path, c, 12);
        om_circuit_free(c);
    }
    must_say(om_store_flatten(store, 3, 0, true, path), OM_EUSAGE, "there is no model 3");
    must_say(om_store_flatten(store, 0, 61, true, path), OM_EUSAGE, "extent 61");
    om_store_close(store);
}

int main(void)
{
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {
        TEST(models_become_a_store),
        TEST(their_states_are_whole),
        TEST(they_are_ranked_by_what_is_known),
        TEST(their_spec_is_one_and_matches_nothing),
        TEST(a_store_gives_its_circuit_back),
        TEST(a_damaged_circuit_is_refused),
        TEST(the_extent_follows_from_the_numbers),
        TEST(a_published_loss_is_epe_unless_it_is_large),
        TEST(a_trained_loss_is_l2norm_unless_it_is_small),
        TEST(what_a_loss_is_can_be_said),
        TEST(models_without_epe_are_ranked_by_l2norm),
        TEST(negative_errors_are_refused),
        TEST(iterations_are_those_of_the_folder),
        TEST(a_strength_that_was_stepped_below_zero_is_zero),
        TEST(checkpoints_are_chosen_by_a_measure),
        TEST(measures_are_never_mixed),
        TEST(a_bad_model_is_named_and_left_out),
        TEST(what_differs_is_named),
        TEST(nothing_is_left_where_nothing_could_be_read),
        TEST(leftovers_are_removed),
        TEST(one_import_at_a_time_makes_a_store),
        TEST(a_signal_stops_it_and_leaves_nothing),
        TEST(models_may_lie_in_checkpoints),
        TEST(a_model_becomes_flat_arrays),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
