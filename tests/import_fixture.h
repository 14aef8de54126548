/* Folders of models as the paper's software keeps them, made small by the tests: of the built-in
 * circuit, with numbers that follow from a seed, whole or with one thing wrong. */
#ifndef IMPORT_FIXTURE_H
#define IMPORT_FIXTURE_H

#include <math.h>
#include <mpi.h>
#include <sys/stat.h>

#include <hdf5.h>

#include "golden.h"
#include "ommatid/om_ensemble.h"
#include "store_fixture.h"
#include "torch_archive.h"

enum { EXTENT = 3, MODELS = 3, MOST_NUMBERS = 8 * 64 * 25 };

static struct {
    char directory[64], models[96], store[96];
    om_circuit *circuit; /* of the models that the tests make */
} t;

static inline int set_up(void **unused)
{
    (void)unused;
    const char *base = getenv("TMPDIR");
    snprintf(t.directory, sizeof t.directory, "%.30s/om-import-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(t.directory));
    snprintf(t.models, sizeof t.models, "%s/models", t.directory);
    snprintf(t.store, sizeof t.store, "%s/store.h5", t.directory);
    assert_int_equal(mkdir(t.models, 0777), 0);
    must(om_circuit_open("motion-pathway", EXTENT, &t.circuit));
    return 0;
}

static inline int tear_down(void **unused)
{
    (void)unused;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", t.directory);
    assert_int_equal(system(command), 0);
    om_circuit_free(t.circuit);
    return 0;
}

/* --- models that are made here --------------------------------------------------------------- */

/* What may be wrong with one. */
typedef enum flaw {
    NONE,
    CUT_SHORT,
    NOT_TORCH,
    RUNS_COMMAND,
    WRONG_SIGN,
    WRONG_COUNT,
    FEWER_TAPS,
    WRONG_SHAPE,
    WRONG_TYPE,
    NOT_FINITE,
    OUTSIDE_HEXAGON,
    NEGATIVE_VARIANCE,
    NO_TIME_CONSTANT,
    NEGATIVE_STRENGTH,
    OTHER_LOSS,
    NEGATIVE_LOSS,
    A_PIPE,
    NO_CHECKPOINT,
    N_FAULTS,
    STEPPED_BELOW_ZERO = N_FAULTS /* a strength by the last step of training: no fault */
} flaw;

/* A number of model `seed`: never 0, different for every entry. */
static inline float number_of(int seed, size_t entry, size_t i)
{
    return 0.001F * (float)(1 + (i * 7 + entry * 131 + (size_t)seed * 1009) % 997);
}

static inline void numbers(maker *m, const char *key, int n_axes, const int *lengths, int seed,
                           size_t entry, flaw fault)
{
    static float values[MOST_NUMBERS];
    size_t n = 1;
    for (int i = 0; i < n_axes; i++) n *= (size_t)lengths[i];
    assert_true(n <= MOST_NUMBERS);
    for (size_t i = 0; i < n; i++) {
        int cell = (int)(i % 25);
        bool masked = n_axes == 4 && !om_kernel_inside(cell / 5, cell % 5);
        values[i] = masked ? 0 : number_of(seed, entry, i);
    }
    if (fault == NOT_FINITE) values[n - 1] = NAN;
    if (fault == OUTSIDE_HEXAGON) values[25] = 1e-30F; /* first corner of the second kernel */
    if (fault == NEGATIVE_VARIANCE) values[2] = -1;
    if (fault == NO_TIME_CONSTANT) values[5] = 0;
    if (fault == NEGATIVE_STRENGTH) values[3] = -5;
    if (fault == STEPPED_BELOW_ZERO) values[3] = -1e-3F;
    floats(m, key, n_axes, lengths, values);
}

static inline void add_circuit(maker *m, flaw fault)
{
    const om_circuit *c = t.circuit;
    float sign[c->n_pairs], count[c->n_taps];
    int pairs = 0, taps = 0;
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *p = &c->pairs[i];
        if (p->edges > 0) sign[pairs++] = (float)p->sign;
        for (int k = p->first_tap; k < p->first_tap + p->n_taps; k++)
            if (c->taps[k].edges > 0) count[taps++] = logf((float)c->taps[k].count);
    }
    if (fault == WRONG_SIGN) sign[7] = -sign[7];
    if (fault == WRONG_COUNT) count[11] += 0.001F;
    if (fault == FEWER_TAPS) taps--;
    floats(m, "edges_sign", 1, &pairs, sign);
    floats(m, "edges_syn_count", 1, &taps, count);
}

static inline void add_parameters(maker *m, int seed, flaw fault)
{
    const int types = t.circuit->n_types, outputs = t.circuit->n_outputs;
    const int pairs = t.circuit->n_live_pairs, short_types = types - 1;
    open_dictionary(m, "network");
    if (fault == WRONG_TYPE) {
        int64_t zeros[64] = {0};
        text(m, "nodes_bias");
        tensor_of(m, "LongStorage", storage(m, zeros, (size_t)types * 8), types, 0, 1, &types,
                  NULL);
    } else {
        numbers(m, "nodes_bias", 1, fault == WRONG_SHAPE ? &short_types : &types, seed, 0,
                fault == NOT_FINITE ? fault : NONE);
    }
    numbers(m, "nodes_time_const", 1, &types, seed, 1, fault == NO_TIME_CONSTANT ? fault : NONE);
    add_circuit(m, fault);
    numbers(m, "edges_syn_strength", 1, &pairs, seed, 2,
            fault == NEGATIVE_STRENGTH || fault == STEPPED_BELOW_ZERO ? fault : NONE);
    close_dictionary(m);
    text(m, "decoder");
    op(m, '}');
    op(m, '(');
    open_dictionary(m, "flow");
    numbers(m, "base.0.weight", 4, (int[]){8, outputs, 5, 5}, seed, 3,
            fault == OUTSIDE_HEXAGON ? fault : NONE);
    numbers(m, "base.0.bias", 1, (int[]){8}, seed, 4, NONE);
    numbers(m, "base.1.weight", 1, (int[]){8}, seed, 5, NONE);
    numbers(m, "base.1.bias", 1, (int[]){8}, seed, 6, NONE);
    numbers(m, "base.1.running_mean", 1, (int[]){8}, seed, 7, NONE);
    numbers(m, "base.1.running_var", 1, (int[]){8}, seed, 8,
            fault == NEGATIVE_VARIANCE ? fault : NONE);
    numbers(m, "decoder.0.weight", 4, (int[]){3, 8, 5, 5}, seed, 9, NONE);
    numbers(m, "decoder.0.bias", 1, (int[]){3}, seed, 10, NONE);
    close_dictionary(m);
    op(m, 'u');
}

static inline void write_file(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static inline void write_checkpoint(const char *path, int seed, const char *loss_key, double loss,
                                    flaw fault)
{
    maker m;
    begin(&m);
    add_parameters(&m, seed, fault);
    numpy_double(&m, loss_key, fault == OTHER_LOSS ? loss + 1 : loss);
    if (fault == RUNS_COMMAND) {
        text(&m, "x");
        global(&m, "os", "system");
        op(&m, '(');
        text(&m, "touch here");
        op(&m, 't');
        op(&m, 'R');
    }
    end(&m);
    if (fault == NOT_TORCH) m.pickle.n = 0;
    bytes made = make(&m);
    write_file(path, made.data, fault == CUT_SHORT ? made.n / 2 : made.n);
    free(made.data);
    maker_free(&m);
}

/* A validation file; n 0: one number without an axis. */
static inline void write_values(const char *path, int n, const double *values)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hsize_t length = (hsize_t)n;
    hid_t space = n == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &length, NULL);
    hid_t data =
        H5Dcreate2(file, "data", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(data);
    H5Sclose(space);
    H5Fclose(file);
}

static inline const char *path_in(const char *folder, const char *name)
{
    static char paths[4][192];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline const char *new_folder(const char *folder, const char *name)
{
    const char *path = path_in(folder, name);
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

/* Folder `name` with one model in the layout of the first release, whose EPE is `loss`. */
static inline void write_model(const char *name, int seed, double loss, flaw fault)
{
    char folder[160];
    snprintf(folder, sizeof folder, "%s", new_folder(t.models, name));
    if (fault == NO_CHECKPOINT) return;
    if (fault == NEGATIVE_LOSS) loss = -loss;
    if (fault == A_PIPE)
        assert_int_equal(mkfifo(path_in(folder, "best_chkpt"), 0666), 0);
    else
        write_checkpoint(path_in(folder, "best_chkpt"), seed, "validation_loss", loss, fault);
    write_values(path_in(folder, "validation_loss.h5"), 0, &loss);
}

static inline void state_extent(const char *name)
{
    char path[192];
    static const char meta[] = "{\"config\": {\"network\": {\"connectome\": {\"extent\": 3}}}}";
    snprintf(path, sizeof path, "%s/%s/_meta.yaml", t.models, name);
    write_file(path, meta, sizeof meta - 1);
}

/* Three models: 4, 7 and 12, the second with a fault. */
static inline void write_models(flaw fault)
{
    write_model("0004", 4, 5.5, NONE);
    write_model("0007", 7, 5.25, fault);
    write_model("0012", 12, 5.75, NONE);
    state_extent("0004");
}

/* In the current layout: three checkpoints of a model, of seeds 10 n, 10 n + 1, 10 n + 2. */
static inline void write_current(const char *name, int n, const double *epe, const double *loss)
{
    char folder[160], file[32];
    snprintf(folder, sizeof folder, "%s", new_folder(t.models, name));
    new_folder(folder, "chkpts");
    new_folder(folder, "validation");
    for (int i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "chkpts/chkpt_%05d", i);
        write_checkpoint(path_in(folder, file), 10 * n + i, "val_loss", 1, NONE);
    }
    if (epe != NULL) write_values(path_in(folder, "validation/epe.h5"), 3, epe);
    if (loss != NULL) write_values(path_in(folder, "validation/loss.h5"), 3, loss);
}

/* Of model `name`, a file that says at which iteration checkpoints were made. */
static inline void write_last_iterations(const char *name, const int64_t last[3])
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s/chkpt_iter.h5", t.models, name);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &(hsize_t){3}, NULL);
    hid_t data =
        H5Dcreate2(file, "data", H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(data, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, last) >= 0);
    H5Dclose(data);
    H5Sclose(space);
    H5Fclose(file);
}

static inline om_import_options options(void)
{
    return (om_import_options){.folder = t.models,
                               .store = t.store,
                               .circuit = "motion-pathway",
                               .checkpoint = OM_IMPORT_BEST,
                               .quiet = true};
}

static inline om_status import(void)
{
    om_import_options all = options();
    return om_ensemble_import(&all);
}

static inline om_store *imported(void)
{
    om_store *store;
    must(import());
    must(om_store_open(t.store, OM_STORE_READ, &store));
    return store;
}

/* Nothing but the models is in the test's folder. */
static inline void nothing_was_made(void)
{
    char command[160];
    snprintf(command, sizeof command, "test \"$(ls -A '%s')\" = models", t.directory);
    assert_int_equal(system(command), 0);
}

/* All parameters of a model that the tests made. */
static inline void check_model(om_store *store, int row, int seed)
{
    const om_layout *l = &om_store_describe(store)->layout.params;
    const om_circuit *c = t.circuit;
    om_real *params, mean[OM_HIDDEN], var[OM_HIDDEN];
    must(om_alloc(l->n_params, sizeof *params, &params));
    must(om_store_read_params(store, row, params, mean, var));
    size_t live = 0;
    for (size_t i = 0; i < (size_t)c->n_types; i++) {
        assert_true(params[l->resting_potential + i] == (om_real)number_of(seed, 0, i));
        assert_true(params[l->time_constant + i] == (om_real)number_of(seed, 1, i));
    }
    for (size_t i = 0; i < (size_t)c->n_pairs; i++) {
        om_real expected = c->pairs[i].edges > 0 ? (om_real)number_of(seed, 2, live++) : 0;
        assert_true(params[l->strength + i] == expected);
    }
    for (size_t i = 0; i < OM_HIDDEN; i++) {
        assert_true(params[l->conv1_bias + i] == (om_real)number_of(seed, 4, i));
        assert_true(params[l->norm_weight + i] == (om_real)number_of(seed, 5, i));
        assert_true(params[l->norm_bias + i] == (om_real)number_of(seed, 6, i));
        assert_true(mean[i] == (om_real)number_of(seed, 7, i));
        assert_true(var[i] == (om_real)number_of(seed, 8, i));
    }
    for (size_t i = 0; i < OM_HIDDEN * (size_t)c->n_outputs * 25; i++) {
        bool inside = om_kernel_inside((int)(i % 25) / 5, (int)(i % 5));
        assert_true(params[l->conv1_weight + i] == (inside ? (om_real)number_of(seed, 3, i) : 0));
    }
    for (size_t i = 0; i < OM_HEAD; i++)
        assert_true(params[l->conv2_bias + i] == (om_real)number_of(seed, 10, i));
    assert_true(params[l->conv2_weight + 12] == (om_real)number_of(seed, 9, 12));
    om_free(params);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
