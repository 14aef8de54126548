/* The models that were published with the paper, imported, against the same numbers converted by another
 * program: bit for bit. */
#include "import_fixture.h"

#define PAPER      OM_SHARED "/paper-ensemble"
#define CONNECTOME OM_SHARED "/connectome/fib25-fib19_v2.2.json"

enum { PAPER_MODELS = 50 };

static void skip_without(const char *path)
{
    if (access(path, R_OK) == 0) return;
    print_message("skipped: the reference data is not there (%s)\n", path);
    skip();
}

/* Text of variable length; free_names(). */
static char **read_names(hid_t file, const char *name, int n)
{
    hid_t data = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(data);
    char **names = calloc((size_t)n, sizeof *names);
    assert_true(H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0);
    H5Tclose(type);
    H5Dclose(data);
    return names;
}

static void free_names(char **names, int n)
{
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
}

/* Row `row` of a store's parameters against row `published` of a dataset of the reference file. */
static void same_row(hid_t file, const char *dataset, int published, int n, const om_real *ours)
{
    double *all = golden_read(file, PAPER_MODELS * n, "%s", dataset);
    for (int i = 0; i < n; i++)
        if (all[published * n + i] != (double)ours[i])
            fail_msg("%s: number %d of model %d is %.9g, expected %.9g", dataset, i, published,
                     (double)ours[i], all[published * n + i]);
    free(all);
}

/* Strengths are matched by the names of their pairs. */
static void same_strengths(hid_t file, const om_store_info *info, int published,
                           const om_real *strength)
{
    enum { LIVE = 604 };
    char **source = read_names(file, "pair_source", LIVE);
    char **target = read_names(file, "pair_target", LIVE);
    double *all = golden_read(file, PAPER_MODELS * LIVE, "strength");
    int matched = 0;
    for (int p = 0; p < info->n_pairs; p++) {
        const char *s = info->type_names[info->pair_source[p]];
        const char *d = info->type_names[info->pair_target[p]];
        double expected = 0; /* of the pair without synapses */
        for (int i = 0; i < LIVE; i++) {
            if (strcmp(source[i], s) != 0 || strcmp(target[i], d) != 0) continue;
            expected = all[published * LIVE + i];
            matched++;
        }
        assert_true((double)strength[p] == expected);
    }
    assert_int_equal(matched, LIVE);
    free(all);
    free_names(source, LIVE);
    free_names(target, LIVE);
}

static void same_model(om_store *store, int row, hid_t file, int published)
{
    const om_store_info *info = om_store_describe(store);
    const om_layout *l = &info->layout.params;
    om_real *params, mean[OM_HIDDEN], var[OM_HIDDEN];
    must(om_alloc(l->n_params, sizeof *params, &params));
    must(om_store_read_params(store, row, params, mean, var));
    same_row(file, "resting_potential", published, l->n_types, params + l->resting_potential);
    same_row(file, "time_constant", published, l->n_types, params + l->time_constant);
    same_strengths(file, info, published, params + l->strength);
    same_row(file, "decoder/base.0.weight", published, 8 * 34 * 25, params + l->conv1_weight);
    same_row(file, "decoder/base.0.bias", published, 8, params + l->conv1_bias);
    same_row(file, "decoder/base.1.weight", published, 8, params + l->norm_weight);
    same_row(file, "decoder/base.1.bias", published, 8, params + l->norm_bias);
    same_row(file, "decoder/base.1.running_mean", published, 8, mean);
    same_row(file, "decoder/base.1.running_var", published, 8, var);
    same_row(file, "decoder/decoder.0.weight", published, 3 * 8 * 25, params + l->conv2_weight);
    same_row(file, "decoder/decoder.0.bias", published, 3, params + l->conv2_bias);
    om_free(params);
}

static om_store *import_published(const char *folder)
{
    skip_without(folder);
    skip_without(CONNECTOME);
    om_import_options all = options();
    om_store *store;
    all.folder = folder;
    all.circuit = CONNECTOME;
    must(om_ensemble_import(&all));
    must(om_store_open(t.store, OM_STORE_READ, &store));
    return store;
}

static void the_published_fifty_are_the_same_bit_for_bit(void **unused)
{
    (void)unused;
    om_store *store = import_published(PAPER);
    const om_store_info *info = om_store_describe(store);
    assert_int_equal(info->n_models, PAPER_MODELS);
    hid_t file = H5Fopen(PAPER "/ensemble.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    char **types = read_names(file, "cell_types", info->n_types);
    for (int i = 0; i < info->n_types; i++) assert_string_equal(types[i], info->type_names[i]);
    free_names(types, info->n_types);
    double *loss = golden_read(file, PAPER_MODELS, "validation_loss");
    om_ranked ranked[PAPER_MODELS];
    must(om_ensemble_rank(store, OM_LOSS_EPE, ranked));
    for (int i = 0; i < PAPER_MODELS; i++) {
        same_model(store, i, file, i);
        assert_int_equal(ranked[i].model, i);
        assert_int_equal(ranked[i].place, i + 1);
        assert_true(ranked[i].epe == (double)(float)loss[i]);
    }
    free(loss);
    H5Fclose(file);
    const char *path = path_in(t.directory, "flat.h5");
    om_circuit *circuit;
    must(om_store_flatten(store, 0, 0, false, path));
    must(om_store_circuit(store, 0, &circuit));
    assert_int_equal(circuit->n_edges, 1513231);
    om_circuit_free(circuit);
    file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    free(golden_read(file, 45669, "u"));
    free(golden_read(file, 1513231, "weight"));
    H5Fclose(file);
    om_store_close(store);
}

static void the_current_layout_gives_the_best_checkpoints(void **unused)
{
    (void)unused;
    om_store *store = import_published(PAPER "/current-layout/flow/0000");
    const om_store_info *info = om_store_describe(store);
    hid_t file = H5Fopen(PAPER "/ensemble.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    const int published[] = {2, 11, 30};
    static const char *const sources[] = {"000/chkpts/chkpt_00001, lowest EPE",
                                          "001/chkpts/chkpt_00000, lowest EPE",
                                          "002/chkpts/chkpt_00002, lowest loss"};
    assert_int_equal(info->n_models, 3);
    for (int i = 0; i < 3; i++) {
        same_model(store, i, file, published[i]);
        assert_string_equal(info->sources[i], sources[i]);
    }
    H5Fclose(file);
    om_store_close(store);
}

int main(void)
{
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {
        TEST(the_published_fifty_are_the_same_bit_for_bit),
        TEST(the_current_layout_gives_the_best_checkpoints),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
