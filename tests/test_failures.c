/* Failures of one write, and a clock that jumps, while an ensemble is trained: the same bits in the end, and one
 * model's failure never ends the others.
 *
 * This program stands between the library and the system: it lets writes into the slots of one model fail, and
 * sets the time of day hours forwards and back from one look at it to the next. Called with words, it is a
 * run to which that happens. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "ommatid/om_ensemble.h"
#include "parallel/ranks.h"
#include "store/store_inside.h"
#include "store_fixture.h"

enum { MODELS = 3, VICTIM = 1, ALL = -1, ALWAYS = 1 << 20 };

static const char spec[] = OM_TEST_DATA "/ensemble/tiny.yaml";
static const char *program;
static char folder[] = "/tmp/ommatid-failures-XXXXXX", reference[64], victim[64];

/* ---- in place of the system's ---- */

static struct {
    int model;                 /* whose slots cannot be written; or ALL */
    int times;                 /* writes that will fail yet */
    int error;                 /* as the system would call it */
    uint64_t begin[2], length; /* of the slots of model 0, and how long one is */
} fault;
static bool clock_jumps;

static bool hits_slot(off_t at)
{
    for (int slot = 0; slot < 2; slot++) {
        const uint64_t begin = fault.begin[slot] + (uint64_t)VICTIM * fault.length;
        const uint64_t all = fault.begin[slot] + MODELS * fault.length, byte = (uint64_t)at;
        if (fault.model == VICTIM && byte >= begin && byte < begin + fault.length) return true;
        if (fault.model == ALL && byte >= fault.begin[slot] && byte < all) return true;
    }
    return false;
}

/* The store itself: not what it is made as, which has another name. */
static bool is_store(int fd)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 && stat(victim, &named) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
    if (fault.times > 0 && hits_slot(at) && is_store(fd)) {
        fault.times--;
        errno = fault.error;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, bytes, at);
}

/* Hours forwards, hours back, and further back each time. */
static time_t jump(void)
{
    static time_t calls;
    calls++;
    return calls % 2 ? 7200 : -3600 * calls;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME && clock_jumps) now->tv_sec += jump();
    return failed;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) *out = now.tv_sec;
    return now.tv_sec;
}

/* ---- ensembles ---- */

/* In a process of its own: exits with the status. Its words: the store, then what is wrong. */
static int run_ensemble(char **words)
{
    const om_run_options options = {
        .spec_file = spec, .store = words[0], .threads = 1, .unit_s = 0.05, .quiet = true};
    snprintf(victim, sizeof victim, "%s", words[0]);
    fault.model = atoi(words[1]);
    fault.times = atoi(words[2]);
    fault.error = atoi(words[3]);
    fault.begin[0] = strtoull(words[4], NULL, 10);
    fault.begin[1] = strtoull(words[5], NULL, 10);
    fault.length = strtoull(words[6], NULL, 10);
    clock_jumps = words[7][0] == '1';
    must(om_ranks_start());
    om_status status = om_ensemble_run(&options);
    if (status != OM_OK) fprintf(stderr, "%s\n", om_message());
    om_ranks_finish();
    return (int)status;
}

static om_status train(const char *store)
{
    char words[7][24];
    snprintf(words[0], sizeof words[0], "%d", fault.model);
    snprintf(words[1], sizeof words[1], "%d", fault.times);
    snprintf(words[2], sizeof words[2], "%d", fault.error);
    snprintf(words[3], sizeof words[3], "%llu", (unsigned long long)fault.begin[0]);
    snprintf(words[4], sizeof words[4], "%llu", (unsigned long long)fault.begin[1]);
    snprintf(words[5], sizeof words[5], "%llu", (unsigned long long)fault.length);
    snprintf(words[6], sizeof words[6], "%d", clock_jumps);
    int ended;
    const pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, store, words[0], words[1], words[2], words[3], words[4], words[5],
              words[6], (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_true(WIFEXITED(ended));
    return (om_status)WEXITSTATUS(ended);
}

static om_store *open_store(const char *path)
{
    om_store *store = NULL;
    must(om_store_open(path, OM_STORE_READ, &store));
    return store;
}

/* Model's states in both stores: equal to the byte. */
static bool same_state(om_store *a, om_store *b, int model)
{
    const size_t bytes = om_store_describe(a)->layout.bytes;
    om_state *states[2] = {NULL, NULL};
    bool found[2];
    must(om_alloc(1, bytes, &states[0]));
    must(om_alloc(1, bytes, &states[1]));
    must(om_store_load(a, model, states[0], &found[0]));
    must(om_store_load(b, model, states[1], &found[1]));
    const bool same = found[0] && found[1] && memcmp(states[0], states[1], bytes) == 0;
    om_free(states[0]);
    om_free(states[1]);
    return same;
}

/* The victim's rows; all its models but `without` are those of the undisturbed store. */
static void check_models(int without, om_model_row rows[MODELS])
{
    om_store *a = open_store(reference), *b = open_store(victim);
    must(om_store_read_rows(b, rows));
    for (int m = 0; m < MODELS; m++) {
        if (m == without) continue;
        assert_int_equal(rows[m].status, OM_MODEL_DONE);
        if (!same_state(a, b, m)) fail_msg("model %d is another one", m);
    }
    om_store_close(a);
    om_store_close(b);
}

/* The same command again, and nothing fails any more. */
static void check_resumed(void)
{
    om_model_row rows[MODELS];
    fault.times = 0;
    assert_int_equal(train(victim), OM_OK);
    check_models(-1, rows);
    for (int m = 0; m < MODELS; m++) assert_string_equal(rows[m].message, "");
}

static void fail_writes(int model, int times, int error)
{
    unlink(victim);
    fault.model = model, fault.times = times, fault.error = error;
}

static void test_a_write_that_fails_once_is_made_again(void **unused)
{
    (void)unused;
    const int errors[] = {EIO, ENOSPC};
    for (int i = 0; i < 2; i++) {
        om_model_row rows[MODELS];
        fail_writes(VICTIM, 1, errors[i]);
        assert_int_equal(train(victim), OM_OK);
        check_models(-1, rows);
        assert_int_equal(rows[VICTIM].attempts, 1);
        assert_int_equal(rows[0].attempts, 0);
    }
}

static void test_a_model_that_fails_does_not_end_the_others(void **unused)
{
    (void)unused;
    om_model_row rows[MODELS];
    om_ranked ranked[MODELS];
    fail_writes(VICTIM, ALWAYS, EIO);
    assert_int_equal(train(victim), OM_OK);
    check_models(VICTIM, rows);
    assert_int_equal(rows[VICTIM].status, OM_MODEL_FAILED);
    assert_int_equal(rows[VICTIM].iteration, 0);
    assert_non_null(strstr(rows[VICTIM].message, strerror(EIO)));
    om_store *store = open_store(victim);
    must(om_ensemble_rank(store, OM_LOSS_EPE, ranked));
    om_store_close(store);
    assert_int_equal(ranked[1].place, 2);
    assert_int_equal(ranked[2].model, VICTIM);
    assert_int_equal(ranked[2].place, 0);
    check_resumed();
}

static void test_all_models_that_fail_are_an_error(void **unused)
{
    (void)unused;
    fail_writes(ALL, ALWAYS, EIO);
    assert_int_equal(train(victim), OM_EFAIL);
    check_resumed();
}

/* Units, progress and the lock go by a clock that does not jump. */
static void test_the_time_of_day_may_jump(void **unused)
{
    (void)unused;
    om_model_row rows[MODELS];
    char lock[80];
    unlink(victim);
    clock_jumps = true;
    om_status status = train(victim);
    clock_jumps = false;
    assert_int_equal(status, OM_OK);
    check_models(-1, rows);
    for (int m = 0; m < MODELS; m++) assert_true(rows[m].seconds > 0 && rows[m].seconds < 600);
    /* a lock of a process that lives holds, and one of a dead one does not, whatever time it is */
    clock_jumps = true;
    status = om_store_lock(victim);
    const pid_t other = fork();
    if (other == 0) _exit(om_store_lock(victim) == OM_EBUSY ? 0 : 1);
    int ended;
    waitpid(other, &ended, 0);
    om_store_unlock(victim);
    const pid_t dead = fork();
    if (dead == 0) _exit(om_store_lock(victim) == OM_OK ? 0 : 1); /* and leaves it behind */
    waitpid(dead, &ended, 0);
    const om_status taken_over = om_store_lock(victim);
    om_store_unlock(victim);
    clock_jumps = false;
    must(status);
    assert_int_equal(ended, 0);
    must(taken_over);
    snprintf(lock, sizeof lock, "%s.lock", victim);
    assert_int_not_equal(access(lock, F_OK), 0);
}

static int set_up(void **unused)
{
    (void)unused;
    if (mkdtemp(folder) == NULL) return 1;
    snprintf(reference, sizeof reference, "%s/reference.h5", folder);
    snprintf(victim, sizeof victim, "%s/victim.h5", folder);
    assert_int_equal(train(reference), OM_OK);
    om_store *store = open_store(reference);
    for (int slot = 0; slot < 2; slot++) fault.begin[slot] = om_slot_offset(store, slot, 0);
    fault.length = store->slot_bytes;
    om_store_close(store);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    unlink(reference);
    unlink(victim);
    rmdir(folder);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 8) return run_ensemble(argv + 1);
    program = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_write_that_fails_once_is_made_again),
        cmocka_unit_test(test_a_model_that_fails_does_not_end_the_others),
        cmocka_unit_test(test_all_models_that_fail_are_an_error),
        cmocka_unit_test(test_the_time_of_day_may_jump),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
