/* What check says of one model: each way in which slots, copies and the live row can stand to each other. */
#include <mpi.h>

#include "base/checksum.h"
#include "ommatid/om_check.h"
#include "store/store_inside.h"
#include "store_bench.h"

static om_findings findings;
static om_model_proof proof;

static void prove(om_store *store, bool live)
{
    double patience = 0;
    om_state *state = fixture_state(&f, 0, 0);
    om_findings_free(&findings);
    must(om_check_model(store, 0, live, &patience, state, &proof, &findings));
    om_free(state);
}

/* The one finding: its kind, where, and a part of what it says. */
static void found(bool damage, const char *where, const char *what)
{
    if (findings.n != 1) fail_msg("%zu findings, expected '%s'", findings.n, what);
    const om_finding *x = &findings.items[0];
    if (x->damage != damage || strcmp(x->where, where) != 0 || strstr(x->what, what) == NULL)
        fail_msg("%d %s: %s", x->damage, x->where, x->what);
    assert_true(proof.damaged == damage);
}

static void write_row(om_store *store, om_model_status status, uint64_t iteration)
{
    const om_model_row row = {.seed = f.plan.seed, .status = status, .iteration = iteration};
    must(om_store_write_row(store, 0, &row));
}

static void test_models_in_good_order(void **unused)
{
    (void)unused;
    om_store *store = open_store(new_store(), OM_STORE_WRITE);
    prove(store, false);
    assert_true(findings.n == 0 && proof.resume == OM_RESUME_START && proof.newest == -1);
    commit(store, 0, 10);
    commit(store, 0, 20);
    write_row(store, OM_MODEL_WAITING, 20);
    prove(store, false);
    assert_true(findings.n == 0 && proof.resume == OM_RESUME_GO_ON && proof.newest == 1);
    assert_true(proof.iteration == 20 && proof.slots[0].iteration == 10);
    write_row(store, OM_MODEL_DIVERGED, 20);
    prove(store, false);
    assert_true(findings.n == 0 && proof.resume == OM_RESUME_DIVERGED);
    commit(store, 0, f.layout.iterations);
    write_row(store, OM_MODEL_DONE, f.layout.iterations);
    prove(store, false);
    assert_true(findings.n == 0 && proof.resume == OM_RESUME_NOTHING);
    om_store_close(store);
}

static void test_a_live_row_apart_from_its_state(void **unused)
{
    (void)unused;
    om_store *store = open_store(new_store(), OM_STORE_WRITE);
    commit(store, 0, 10);
    write_row(store, OM_MODEL_RUNNING, 17); /* in training, not committed */
    prove(store, true);
    assert_int_equal(findings.n, 0);
    prove(store, false);
    found(false, "/model/status", "was being trained");
    write_row(store, OM_MODEL_WAITING, 5);
    prove(store, true);
    assert_int_equal(findings.n, 0);
    prove(store, false);
    found(false, "/model/iteration", "says 5, the state has 10");
    write_row(store, OM_MODEL_WAITING, 12);
    prove(store, false);
    found(true, "/model/iteration", "says that 12 iterations are committed, the state has 10");
    write_row(store, OM_MODEL_DONE, 10);
    prove(store, false);
    found(true, "/model/status", "says done, but");
    om_store_close(store);
}

static void test_a_commit_that_was_not_finished(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    commit(store, 0, 10);
    commit(store, 0, 20);
    write_row(store, OM_MODEL_WAITING, 20);
    damage(path, "/checkpoint/a", 0, 300); /* the older one, to be overwritten */
    prove(store, true);
    assert_int_equal(findings.n, 0);
    prove(store, false);
    found(false, "/checkpoint/a", "nothing is lost");
    assert_true(proof.slots[0].fault != NULL && proof.iteration == 20);
    om_store_close(store);
}

static void test_a_newer_commit_that_is_lost(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    commit(store, 0, 10);
    commit(store, 0, 20);
    om_state *older = fixture_state(&f, 0, 10);
    must(om_store_repair(store, 0, older)); /* copies of the state that is left */
    om_free(older);
    write_row(store, OM_MODEL_WAITING, 10);
    damage(path, "/checkpoint/b", 0, 300);
    prove(store, false);
    found(true, "/checkpoint/b", "the newest commit is lost, the other slot has iteration 10");
    damage(path, "/checkpoint/b", 0, 300);
    damage(path, "/checkpoint/b", 0, 17);
    prove(store, false);
    found(true, "/checkpoint/b", "its header does not have its checksum: perhaps");
    assert_true(proof.resume == OM_RESUME_GO_ON && proof.iteration == 10);
    om_store_close(store);
}

/* Checksums hold, but training can do nothing with it: om_store_load() refuses it, and so does a run. */
static void test_a_state_that_is_not_finite(void **unused)
{
    (void)unused;
    om_store *store = open_store(new_store(), OM_STORE_WRITE);
    commit(store, 0, 10);
    write_row(store, OM_MODEL_WAITING, 10);
    om_state *state = fixture_state(&f, 0, 10);
    om_slot_header header;
    const uint64_t at = om_slot_offset(store, 0, 0);
    ((om_real *)om_state_at(state, f.layout.at_moment1))[4] = (om_real)INFINITY;
    must(om_store_read_at(store, &header, sizeof header, at));
    header.body_checksum = om_checksum(state, f.layout.bytes, 0);
    header.checksum = om_checksum(&header, offsetof(om_slot_header, checksum), 0);
    must(om_store_write_at(store, &header, sizeof header, at));
    must(om_store_write_at(store, state, f.layout.bytes, at + sizeof header));
    prove(store, false);
    found(true, "/checkpoint/a", "first moment 4 is inf");
    assert_int_equal(proof.resume, OM_RESUME_REFUSED);
    bool loads;
    assert_int_equal(om_store_load(store, 0, state, &loads), OM_EDIVERGED);
    om_free(state);
    om_store_close(store);
}

static void test_copies_and_seeds_that_are_not_the_states(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    commit(store, 0, 10);
    write_row(store, OM_MODEL_WAITING, 10);
    hsize_t bytes;
    damage(path, "/params/strength", 0, 5);
    prove(store, false);
    found(true, "/params/strength", "its row is not that of the model's state");
    assert_int_equal(findings.items[0].at, data_offset(path, "/params/strength", &bytes) + 5);
    damage(path, "/params/strength", 0, 5);
    damage(path, "/model/seed", 0, 2);
    prove(store, false);
    found(true, "/model/seed", "the store's seed is 2024");
    om_store_close(store);
}

static void test_locks_are_told_apart(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        om_lock_state state;
    } locks[] = {
        {"host elsewhere\npid 7\nprocess-start 1\njob 77\njob-restart 0\nsince now\n",
         OM_LOCK_ELSEWHERE},
        {"host %s\npid 1\nprocess-start 1\njob -\njob-restart 0\nsince now\n", OM_LOCK_STALE},
        {"my notes", OM_LOCK_STRANGE},
    };
    char host[128] = "", holder[OM_MESSAGE_BYTES];
    gethostname(host, sizeof host - 1);
    const char *path = fixture_path(&f, "ensemble.h5"),
               *lock = fixture_path(&f, "ensemble.h5.lock");
    assert_int_equal(om_store_inspect_lock(path, holder), OM_LOCK_NONE);
    must(om_store_lock(path));
    assert_int_equal(om_store_inspect_lock(path, holder), OM_LOCK_LIVE);
    assert_non_null(strstr(holder, host));
    om_store_unlock(path);
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
        FILE *file = fopen(lock, "w");
        assert_non_null(file);
        const char *mark = strstr(locks[i].text, "%s");
        if (mark == NULL)
            fputs(locks[i].text, file);
        else
            fprintf(file, "%.*s%s%s", (int)(mark - locks[i].text), locks[i].text, host, mark + 2);
        fclose(file);
        assert_int_equal(om_store_inspect_lock(path, holder), locks[i].state);
    }
}

int main(void)
{
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {
        TEST(test_models_in_good_order),
        TEST(test_a_live_row_apart_from_its_state),
        TEST(test_a_commit_that_was_not_finished),
        TEST(test_a_newer_commit_that_is_lost),
        TEST(test_a_state_that_is_not_finite),
        TEST(test_copies_and_seeds_that_are_not_the_states),
        TEST(test_locks_are_told_apart),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    om_findings_free(&findings);
    MPI_Finalize();
    return failed;
}
