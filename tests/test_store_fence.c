/* The fence of a store: once a job has claimed it, whoever wrote before writes nothing more. */
#include <mpi.h>
#include <sys/syscall.h>

#include "base/text.h"
#include "store_bench.h"

static om_store *intruder; /* claims the store in the middle of a commit, */
static int syncs_before;   /* after so many of its syncs */

/* In place of the system's. */
int fdatasync(int descriptor)
{
    int done = (int)syscall(SYS_fdatasync, descriptor);
    om_store *claiming = intruder;
    if (claiming != NULL && --syncs_before == 0) {
        uint64_t token;
        intruder = NULL;
        must(om_store_claim(claiming, &token));
    }
    return done;
}

static void must_refuse(om_status status)
{
    char holder[64];
    snprintf(holder, sizeof holder, ", process %ld", (long)getpid());
    must_say(status, OM_EBUSY, "another run has taken it over (");
    must_say(status, OM_EBUSY, holder);
    must_say(status, OM_EBUSY, "this one may not write any more");
}

static void test_a_claim_ends_all_writing_of_others(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *old = open_store(path, OM_STORE_WRITE), *new = open_store(path, OM_STORE_WRITE);
    uint64_t first, second;
    commit(old, 0, 1); /* until somebody claims it, whoever has it open */
    commit(new, 0, 2);
    must(om_store_claim(old, &first));
    must(om_store_hold(new, first)); /* another rank of the same job */
    commit(new, 0, 3);
    om_store_close(new);
    new = open_store(path, OM_STORE_WRITE);
    must(om_store_claim(new, &second));
    assert_true(first != 0 && second != 0 && first != second);
    char *before = NULL, *after = NULL;
    size_t n;
    must(om_read_file(path, &before, &n));
    om_state *state = fixture_state(&f, 0, 4);
    const om_model_row row = {.status = OM_MODEL_DONE};
    const om_run_row run = {"me", 1, 1, 1, 1, 1};
    const int32_t place[] = {0, 1, 2};
    const double number[] = {1, 2, 3};
    must_refuse(om_store_commit(old, 0, state));
    must_refuse(om_store_repair(old, 0, state));
    must_refuse(om_store_write_row(old, 0, &row));
    must_refuse(om_store_write_run(old, &run));
    must_refuse(om_store_write_ranking(old, place, number, number, number));
    must_refuse(om_store_claim(old, &first));
    must_refuse(om_store_hold(old, first));
    must(om_read_file(path, &after, &n));
    assert_memory_equal(before, after, n);
    assert_int_equal(loaded(old, 0), 3); /* it may read */
    commit(new, 0, 5);
    assert_int_equal(loaded(old, 0), 5);
    om_free(before);
    om_free(after);
    om_free(state);
    om_store_close(old);
    om_store_close(new);
}

static void test_a_reader_cannot_claim(void **unused)
{
    (void)unused;
    om_store *store = open_store(new_store(), OM_STORE_READ);
    uint64_t token;
    must_say(om_store_claim(store, &token), OM_EUSAGE, "reading only");
    om_store_close(store);
}

/* Between the state and its header: the header is not written; after it: the copies are not. */
static void test_a_claim_in_the_middle_of_a_commit_stops_it(void **unused)
{
    (void)unused;
    const char *path = new_store();
    om_store *old = open_store(path, OM_STORE_WRITE), *new = open_store(path, OM_STORE_WRITE);
    commit(old, 0, 1);
    commit(old, 0, 2);
    om_state *state = fixture_state(&f, 0, 3);
    intruder = new;
    syncs_before = 1;
    must_refuse(om_store_commit(old, 0, state));
    assert_int_equal(loaded(new, 0), 2);
    om_store_close(old);
    old = open_store(path, OM_STORE_WRITE);
    intruder = new;
    syncs_before = 2;
    must_refuse(om_store_commit(old, 0, state));
    assert_int_equal(loaded(new, 0), 3);
    float loss[16];
    must(om_store_read_history(new, 0, loss, NULL, NULL, NULL));
    assert_true(loss[0] == fixture_number(0, 2, 0));
    commit(new, 0, 4);
    assert_int_equal(loaded(new, 0), 4);
    om_free(state);
    om_store_close(old);
    om_store_close(new);
}

int main(void)
{
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {
        TEST(test_a_claim_ends_all_writing_of_others),
        TEST(test_a_reader_cannot_claim),
        TEST(test_a_claim_in_the_middle_of_a_commit_stops_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
