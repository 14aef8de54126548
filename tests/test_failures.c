/* Failures of writes and reads, and a clock that jumps, while an ensemble is trained: the same bits in the end,
 * and one model's failure never ends the others.
 *
 * This program stands between the library and the system: it lets writes into the slots of one model or of all
 * fail, or reads of one slot, and sets the time of day hours forwards and back from one look at it to the
 * next. Called with words, it is a run to which that happens. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "ommatid/om_ensemble.h"
#include "parallel/ranks.h"
#include "store/store_inside.h"
#include "store_fixture.h"

enum { MODELS = 3, RACERS = 6, VICTIM = 1, SLOTS = -1, EVERYTHING = -2, ALWAYS = 1 << 20 };

static const char tiny[] = OM_TEST_DATA "/ensemble/tiny.yaml";
static const char race[] = OM_TEST_DATA "/ensemble/race.yaml";
static const char *program;
static char folder[] = "/tmp/ommatid-failures-XXXXXX", reference[64], raced[64], victim[64];

/* ---- in place of the system's ---- */

/* What goes wrong with the store of a run, and what the run is told. Handed on in binary form. */
typedef struct faults {
    bool races; /* the spec is race.yaml, else tiny.yaml */
    int models;
    int model; /* whose slots cannot be written; or SLOTS of all, or EVERYTHING once VICTIM is committed */
    int times;                 /* writes that will fail yet */
    double until_s;            /* from the first one on, then no more; 0: always */
    int error;                 /* as the system would call it */
    int unreadable;            /* slots of the victim, as bits */
    uint64_t begin[2], length; /* of the slots of model 0, and how long one is */
    bool clock_jumps, retrain_damaged;
    double patience_s;
} faults;

static faults fault;
static double first_s;

static bool in_slot(int slot, int model, off_t at)
{
    const uint64_t begin = fault.begin[slot] + (uint64_t)model * fault.length, byte = (uint64_t)at;
    return byte >= begin && byte < begin + fault.length;
}

static bool hits(off_t at)
{
    if (fault.model == EVERYTHING) return first_s > 0 || in_slot(0, VICTIM, at);
    for (int slot = 0; slot < 2; slot++)
        for (int m = 0; m < fault.models; m++)
            if ((fault.model == m || fault.model == SLOTS) && in_slot(slot, m, at)) return true;
    return false;
}

/* The store itself: not what it is made as, which has another name. */
static bool is_store(int fd)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 && stat(victim, &named) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

static bool is_away(void)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    const double now_s = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    if (first_s == 0) first_s = now_s;
    return fault.until_s == 0 || now_s - first_s < fault.until_s;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
    if (fault.times > 0 && is_store(fd) && hits(at) && is_away()) {
        fault.times--;
        errno = fault.error;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, bytes, at);
}

ssize_t pread(int fd, void *data, size_t bytes, off_t at)
{
    for (int slot = 0; slot < 2; slot++)
        if ((fault.unreadable & (1 << slot)) && in_slot(slot, VICTIM, at) && is_store(fd)) {
            errno = EIO;
            return -1;
        }
    return syscall(SYS_pread64, fd, data, bytes, at);
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
    if (!failed && clock == CLOCK_REALTIME && fault.clock_jumps) now->tv_sec += jump();
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

/* In a process of its own: exits with the status. Its words: the store, and a file that says what is wrong. */
static int run_ensemble(char **words)
{
    FILE *file = fopen(words[1], "rb");
    if (file == NULL || fread(&fault, sizeof fault, 1, file) != 1) return 127;
    fclose(file);
    const om_run_options options = {.spec_file = fault.races ? race : tiny,
                                    .store = words[0],
                                    .threads = 1,
                                    .unit_s = 0.05,
                                    .patience_s = fault.patience_s,
                                    .retrain_damaged = fault.retrain_damaged,
                                    .quiet = true};
    snprintf(victim, sizeof victim, "%s", words[0]);
    must(om_ranks_start());
    om_status status = om_ensemble_run(&options);
    if (status != OM_OK) fprintf(stderr, "%s\n", om_message());
    om_ranks_finish();
    return (int)status;
}

static pid_t start(const char *store)
{
    char path[80];
    snprintf(path, sizeof path, "%s/fault", folder);
    FILE *file = fopen(path, "wb");
    assert_true(file != NULL && fwrite(&fault, sizeof fault, 1, file) == 1 && fclose(file) == 0);
    const pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, store, path, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static om_status finish(pid_t pid)
{
    int ended;
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_true(WIFEXITED(ended));
    return (om_status)WEXITSTATUS(ended);
}

static om_status train(const char *store) { return finish(start(store)); }

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
static void check_models(int without, om_model_row rows[RACERS])
{
    om_model_row undisturbed[RACERS];
    om_store *a = open_store(fault.races ? raced : reference), *b = open_store(victim);
    must(om_store_read_rows(a, undisturbed));
    must(om_store_read_rows(b, rows));
    for (int m = 0; m < fault.models; m++) {
        if (m == without) continue;
        assert_int_equal(rows[m].status, undisturbed[m].status);
        assert_int_equal(rows[m].iteration, undisturbed[m].iteration);
        if (!same_state(a, b, m)) fail_msg("model %d is another one", m);
    }
    om_store_close(a);
    om_store_close(b);
}

/* The same command again, and nothing fails any more. */
static void check_resumed(void)
{
    om_model_row rows[RACERS];
    fault.times = fault.unreadable = 0;
    assert_int_equal(train(victim), OM_OK);
    check_models(-1, rows);
    for (int m = 0; m < fault.models; m++)
        if (rows[m].status != OM_MODEL_STOPPED) assert_string_equal(rows[m].message, "");
}

static void fail_writes(int model, int times, int error)
{
    unlink(victim);
    fault.model = model, fault.times = times, fault.error = error;
}

/* A store in which all is trained, to spoil. */
static void copy_reference(void)
{
    char command[160];
    snprintf(command, sizeof command, "cp '%s' '%s'", reference, victim);
    assert_int_equal(system(command), 0);
    fault.times = 0;
}

static void test_a_write_that_fails_once_is_made_again(void **unused)
{
    (void)unused;
    const int errors[] = {EIO, ENOSPC};
    for (int i = 0; i < 2; i++) {
        om_model_row rows[RACERS];
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
    om_model_row rows[RACERS];
    om_ranked ranked[MODELS];
    fail_writes(VICTIM, ALWAYS, EIO);
    fault.patience_s = 0.4; /* and ends */
    const double began_s = om_clock_s();
    assert_int_equal(train(victim), OM_EFAIL);
    assert_true(om_clock_s() - began_s >= 0.4);
    fault.patience_s = 0;
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
    fail_writes(SLOTS, ALWAYS, EIO);
    assert_int_equal(train(victim), OM_EFAIL);
    check_resumed();
}

/* A file system that is away for a second: who is patient has lost nothing, not even an attempt. */
static void test_an_outage_is_waited_for(void **unused)
{
    (void)unused;
    const int parts[] = {SLOTS, EVERYTHING};
    for (int i = 0; i < 2; i++) {
        om_model_row rows[RACERS];
        fail_writes(parts[i], ALWAYS, ENOSPC);
        fault.until_s = 1, fault.patience_s = 60;
        assert_int_equal(train(victim), OM_OK);
        fault.until_s = fault.patience_s = 0;
        check_models(-1, rows);
        for (int m = 0; m < MODELS; m++) assert_int_equal(rows[m].attempts, 0);
        for (int m = 0; m < MODELS; m++) assert_string_equal(rows[m].message, "");
    }
}

/* Whoever waits for the file system while another run takes the store over writes nothing more. */
static void test_who_waits_may_lose_the_store(void **unused)
{
    (void)unused;
    om_model_row rows[RACERS] = {0};
    char lock[80];
    fail_writes(SLOTS, ALWAYS, EIO);
    fault.patience_s = 60;
    const pid_t waiting = start(victim);
    for (int look = 0; look < 1000 && strstr(rows[0].message, "waits") == NULL; look++) {
        om_sleep_s(0.02);
        if (access(victim, F_OK) != 0) continue;
        om_store *store = open_store(victim);
        must(om_store_read_rows(store, rows));
        om_store_close(store);
    }
    assert_non_null(strstr(rows[0].message, "waits for the file system"));
    snprintf(lock, sizeof lock, "%s.lock", victim);
    unlink(lock);
    fault.times = 0;
    fault.patience_s = 0;
    assert_int_equal(train(victim), OM_OK);
    assert_int_equal(finish(waiting), OM_EBUSY);
    check_models(-1, rows);
}

/* A rung waits for who failed: the next run decides it, and the survivors are the same. */
static void test_a_race_waits_for_a_model_that_failed(void **unused)
{
    (void)unused;
    om_model_row rows[RACERS];
    om_store *store = open_store(raced);
    fault.races = true, fault.models = RACERS;
    for (int slot = 0; slot < 2; slot++) fault.begin[slot] = om_slot_offset(store, slot, 0);
    fault.length = store->slot_bytes;
    must(om_store_read_rows(store, rows));
    om_store_close(store);
    int survivor = 0;
    while (rows[survivor].status != OM_MODEL_DONE) survivor++;
    fail_writes(survivor, ALWAYS, EIO);
    assert_int_equal(train(victim), OM_EFAIL);
    store = open_store(victim);
    must(om_store_read_rows(store, rows));
    om_store_close(store);
    for (int m = 0; m < RACERS; m++) {
        assert_int_equal(rows[m].status, m == survivor ? OM_MODEL_FAILED : OM_MODEL_WAITING);
        assert_int_equal(rows[m].iteration, m == survivor ? 0 : 40);
    }
    assert_int_equal(train(victim), OM_EFAIL); /* it still fails: nothing has become final */
    check_resumed();
}

/* A slot that cannot be read is as good as a torn one; a model of which nothing can be read fails, and the
 * others go on. */
static void test_slots_that_cannot_be_read(void **unused)
{
    (void)unused;
    copy_reference();
    for (int slots = 1; slots <= 3; slots++) {
        om_model_row rows[RACERS];
        fault.unreadable = slots;
        const om_status status = train(victim);
        fault.unreadable = 0;
        assert_int_equal(status, slots == 3 ? OM_EFAIL : OM_OK);
        check_models(slots == 3 ? VICTIM : -1, rows);
        if (slots < 3) continue;
        assert_int_equal(rows[VICTIM].status, OM_MODEL_FAILED);
        assert_non_null(strstr(rows[VICTIM].message, strerror(EIO)));
        check_resumed();
    }
}

static void flip_slots(void)
{
    FILE *file = fopen(victim, "r+b");
    assert_non_null(file);
    for (int slot = 0; slot < 2; slot++) {
        const long at = (long)(fault.begin[slot] + VICTIM * fault.length) + 3000;
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        const int byte = fgetc(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fputc(byte ^ 16, file), byte ^ 16);
    }
    assert_int_equal(fclose(file), 0);
}

/* A trained model whose states are both damaged is not trained over what is left of it, unless one says so. */
static void test_damaged_states_are_not_overwritten(void **unused)
{
    (void)unused;
    om_model_row rows[RACERS];
    float before[8] = {0}, after[8] = {0};
    copy_reference();
    om_store *store = open_store(victim);
    assert_true(om_store_describe(store)->layout.n_checks <= 8);
    must(om_store_read_history(store, VICTIM, NULL, NULL, before, NULL));
    om_store_close(store);
    flip_slots();
    for (int again = 0; again < 2; again++) {
        assert_int_equal(train(victim), OM_EFAIL);
        check_models(VICTIM, rows);
        assert_int_equal(rows[VICTIM].status, OM_MODEL_FAILED);
        assert_int_equal(rows[VICTIM].iteration, 90);
        assert_non_null(strstr(rows[VICTIM].message, "no slot holds a whole state"));
    }
    store = open_store(victim);
    must(om_store_read_history(store, VICTIM, NULL, NULL, after, NULL));
    om_store_close(store);
    assert_true(before[0] > 0);
    assert_memory_equal(before, after, sizeof before);
    fault.retrain_damaged = true;
    check_resumed();
    fault.retrain_damaged = false;
}

/* Units, progress and the lock go by a clock that does not jump. */
static void test_the_time_of_day_may_jump(void **unused)
{
    (void)unused;
    om_model_row rows[RACERS];
    char lock[80];
    unlink(victim);
    fault.clock_jumps = true;
    om_status status = train(victim);
    fault.clock_jumps = false;
    assert_int_equal(status, OM_OK);
    check_models(-1, rows);
    for (int m = 0; m < MODELS; m++) assert_true(rows[m].seconds > 0 && rows[m].seconds < 600);
    /* a lock of a process that lives holds, and one of a dead one does not, whatever time it is */
    fault.clock_jumps = true;
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
    fault.clock_jumps = false;
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
    snprintf(raced, sizeof raced, "%s/raced.h5", folder);
    snprintf(victim, sizeof victim, "%s/victim.h5", folder);
    fault.races = true;
    assert_int_equal(train(raced), OM_OK);
    fault.races = false, fault.models = MODELS;
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
    char path[80];
    snprintf(path, sizeof path, "%s/fault", folder);
    unlink(path);
    unlink(reference);
    unlink(raced);
    unlink(victim);
    rmdir(folder);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 2) return run_ensemble(argv + 1);
    program = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_write_that_fails_once_is_made_again),
        cmocka_unit_test(test_a_model_that_fails_does_not_end_the_others),
        cmocka_unit_test(test_all_models_that_fail_are_an_error),
        cmocka_unit_test(test_an_outage_is_waited_for),
        cmocka_unit_test(test_who_waits_may_lose_the_store),
        cmocka_unit_test(test_slots_that_cannot_be_read),
        cmocka_unit_test(test_damaged_states_are_not_overwritten),
        cmocka_unit_test(test_the_time_of_day_may_jump),
        cmocka_unit_test(test_a_race_waits_for_a_model_that_failed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
