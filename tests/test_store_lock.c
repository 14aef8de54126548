/* The lock of a store: one job at a time trains into it, and a dead one does not keep it. */
#include "base/clock.h"
#include "ommatid/om_check.h"
#include "store_bench.h"

static void test_a_lock_is_held_until_it_is_released(void **unused)
{
    (void)unused;
    char holder[32];
    snprintf(holder, sizeof holder, "process %ld", (long)getpid());
    const char *path = fixture_path(&f, "ensemble.h5");
    must(om_store_lock(path));
    must_say(om_store_lock(path), OM_EBUSY, holder);
    om_store_unlock(path);
    must(om_store_lock(path));
    om_store_unlock(path);
    assert_alone("nothing");
}

static void test_a_lock_of_a_dead_process_is_taken_over(void **unused)
{
    (void)unused;
    const char *path = fixture_path(&f, "ensemble.h5");
    pid_t pid = fork();
    if (pid == 0) _exit(om_store_lock(path) == OM_OK ? 0 : 1);
    siginfo_t ended = {0};
    assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
    assert_int_equal(ended.si_status, 0);
    assert_int_equal(access(fixture_path(&f, "ensemble.h5.lock"), F_OK), 0);
    must(om_store_lock(path)); /* although the process is still in the table */
    waitpid(pid, NULL, 0);
    om_store_unlock(path);
    must_say(om_file_lock("/nowhere/a.h5", "b.h5", "validated", "-x"), OM_EIO,
             "/nowhere/a.h5: cannot be");
    must(om_store_lock(path));
    must_say(om_file_lock(path, "b.h5", "validated", "--x"), OM_EBUSY,
             "b.h5: is being validated by process");
    om_store_unlock(path);
    assert_alone("nothing");
}

/* Another name for the same file is no way past its lock. */
static void test_links_have_the_lock_of_their_file(void **unused)
{
    (void)unused;
    const char *path = fixture_path(&f, "ensemble.h5");
    char holder[OM_MESSAGE_BYTES], link_name[PATH_MAX], second[PATH_MAX];
    snprintf(link_name, sizeof link_name, "%s/link.h5", f.directory);
    snprintf(second, sizeof second, "%s/second.h5", f.directory);
    assert_int_equal(symlink("ensemble.h5", link_name), 0);
    assert_int_equal(symlink("link.h5", second), 0);
    must(om_store_lock(link_name)); /* leads nowhere yet */
    om_store_unlock(link_name);
    close(open(path, O_CREAT | O_WRONLY, 0666));
    must(om_store_lock(path));
    must_say(om_store_lock(second), OM_EBUSY, "second.h5: is being trained by");
    assert_int_equal(om_store_inspect_lock(link_name, holder), OM_LOCK_LIVE);
    om_store_unlock(path);
    must(om_store_lock(second));
    must_say(om_store_lock(path), OM_EBUSY, "ensemble.h5: is being trained by");
    om_store_unlock(second);
    unlink(second);
    unlink(link_name);
    assert_alone("ensemble.h5");
    unlink(path);
}

/* What a process leaves that is killed between writing the lock's text and giving it its name. */
static void test_what_was_left_beside_a_lock_is_cleared_away(void **unused)
{
    (void)unused;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/ensemble.h5", f.directory);
    const char *const names[] = {"ensemble.h5.lock.some.host.4711", "ensemble.h5.lock.mine",
                                 "ensemble.h5.locks.4711"};
    for (int i = 0; i < 3; i++) close(open(fixture_path(&f, names[i]), O_CREAT | O_WRONLY, 0666));
    must(om_store_lock(path));
    assert_int_not_equal(access(fixture_path(&f, names[0]), F_OK), 0);
    om_store_unlock(path);
    for (int i = 1; i < 3; i++) assert_int_equal(unlink(fixture_path(&f, names[i])), 0);
    assert_alone("nothing");
}

static void write_lock(const char *host, long pid, const char *job, int restart)
{
    FILE *file = fopen(fixture_path(&f, "ensemble.h5.lock"), "w");
    assert_non_null(file);
    fprintf(file, "host %s\npid %ld\nprocess-start 1\njob %s\njob-restart %d\nsince yesterday\n",
            host, pid, job, restart);
    fclose(file);
}

static void test_a_lock_of_another_host_is_respected(void **unused)
{
    (void)unused;
    const char *path = fixture_path(&f, "ensemble.h5");
    write_lock("elsewhere", 1, "77", 0);
    must_say(om_store_lock(path), OM_EBUSY, "process 1 on elsewhere, job 77 since yesterday");
    om_store_unlock(path); /* is not ours: stays */
    must_say(om_store_lock(path), OM_EBUSY, "rm '");
    setenv("SLURM_JOB_ID", "77", 1);
    must_say(om_store_lock(path), OM_EBUSY, "elsewhere");
    setenv("SLURM_RESTART_COUNT", "1", 1); /* requeued: its first run is over */
    must(om_store_lock(path));
    om_store_unlock(path);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    assert_alone("nothing");
}

/* The process exists, but it is not the one that took the lock. */
static void test_a_lock_whose_process_number_was_given_anew_is_stale(void **unused)
{
    (void)unused;
    char host[128] = "";
    gethostname(host, sizeof host - 1);
    const char *path = fixture_path(&f, "ensemble.h5");
    write_lock(host, (long)getppid(), "-", 0);
    must(om_store_lock(path));
    om_store_unlock(path);
    FILE *file = fopen(fixture_path(&f, "ensemble.h5.lock"), "w");
    assert_true(file != NULL && fputs("my notes", file) >= 0 && fclose(file) == 0);
    must_say(om_store_lock(path), OM_EBUSY, "is not a lock");
}

/* Of many that find a stale lock at once exactly one gets it. */
static void test_one_of_many_takes_a_stale_lock(void **unused)
{
    (void)unused;
    enum { MANY = 12 };
    char host[128] = "";
    gethostname(host, sizeof host - 1);
    const char *path = fixture_path(&f, "ensemble.h5");
    write_lock(host, (long)getppid(), "-", 0);
    int go[2], wait_for_all[2], taken = 0;
    assert_true(pipe(go) == 0 && pipe(wait_for_all) == 0);
    pid_t pids[MANY];
    for (int i = 0; i < MANY; i++) {
        pids[i] = fork();
        if (pids[i] != 0) continue;
        char byte;
        close(go[1]);
        close(wait_for_all[1]);
        if (read(go[0], &byte, 1) < 0) _exit(2);
        om_status status = om_store_lock(path);
        /* Nobody may end before all have tried: its lock would become stale. */
        char mark[128];
        snprintf(mark, sizeof mark, "%s/tried.%d", f.directory, i);
        close(open(mark, O_CREAT | O_WRONLY, 0666));
        if (read(wait_for_all[0], &byte, 1) < 0) _exit(2);
        _exit(status == OM_OK ? 0 : 1);
    }
    close(go[0]);
    close(wait_for_all[0]);
    close(go[1]);
    for (int i = 0; i < MANY; i++) {
        char mark[128];
        snprintf(mark, sizeof mark, "%s/tried.%d", f.directory, i);
        while (access(mark, F_OK) != 0) om_sleep_s(0.001);
    }
    close(wait_for_all[1]);
    for (int i = 0; i < MANY; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
        taken += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(taken, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_lock_is_held_until_it_is_released),
        TEST(test_a_lock_of_a_dead_process_is_taken_over),
        TEST(test_links_have_the_lock_of_their_file),
        TEST(test_what_was_left_beside_a_lock_is_cleared_away),
        TEST(test_a_lock_of_another_host_is_respected),
        TEST(test_a_lock_whose_process_number_was_given_anew_is_stale),
        TEST(test_one_of_many_takes_a_stale_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
