/* A model as flat arrays carries the synapse counts that it was trained with. (Everything else about
 * them: test_import.c.) */
#include <math.h>
#include <mpi.h>

#include "store/h5.h"
#include "store_bench.h"

static void test_weights_have_the_models_own_counts(void **unused)
{
    (void)unused;
    static const om_h5_field weight = {"/weight", OM_H5_REAL, {"connection"}, 0, NULL, NULL, NULL};
    const om_circuit *c = f.circuit;
    const om_layout l = om_layout_of(c);
    f.train.model.count_spread = 0.3;
    om_store *store = open_store(new_store(), OM_STORE_WRITE);
    om_h5 *file;
    om_h5_data data;
    for (uint32_t m = 0; m < 2; m++) {
        om_state *state = fixture_state(&f, m, 250000);
        const char *path = fixture_path(&f, m == 0 ? "flat0.h5" : "flat1.h5");
        om_real *written;
        double counts[c->n_taps];
        must(om_store_commit(store, (int)m, state));
        must(om_store_flatten(store, (int)m, 0, false, path));
        must(om_h5_open(path, OM_H5_READ, &file));
        must(om_h5_find(file, &weight, (const size_t[]){(size_t)c->n_edges}, &data));
        must(om_h5_read_new(&data, &written));
        const om_real *params = om_state_view(state, f.layout.at_best_params);
        om_circuit_draw_counts(c, 0.3, f.plan.seed, m, counts);
        const om_real *next = written;
        for (int p = 0; p < c->n_pairs; p++)
            for (int k = c->pairs[p].first_tap; k < c->pairs[p].first_tap + c->pairs[p].n_taps; k++)
                for (int64_t e = 0; e < c->taps[k].edges; e++) {
                    double alpha = (double)params[l.strength + (size_t)p];
                    double expected = c->pairs[p].sign * counts[k] * alpha;
                    assert_true(fabs((double)*next++ - expected) <= 1e-6 * fabs(expected));
                }
        assert_int_equal(next - written, c->n_edges);
        om_h5_release(&data);
        om_h5_close(file);
        om_free(written);
        om_free(state);
    }
    om_store_close(store);
}

int main(void)
{
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {TEST(test_weights_have_the_models_own_counts)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
