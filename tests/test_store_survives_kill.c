/* A rank that is killed at any moment: every file still opens, and no committed state is lost.
 *
 * Children open a store through MPI-IO and commit without end, telling the iteration of every
 * commit that has returned. They are killed, most of them in the middle of a commit, and the next
 * child goes on with what the store holds. Called with a store and a number, the program is such a
 * child. */
#include <errno.h>
#include <mpi.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "ommatid/om_random.h"
#include "store_fixture.h"

enum { STORES = 10, ROUNDS = 10 };

static const char *program;

/* Takes up every model where the store has it, and goes on until it is killed. */
static int commit_forever(const char *path)
{
    MPI_Init(NULL, NULL);
    fixture f;
    fixture_create(&f);
    if (rmdir(f.directory) != 0) return 1; /* the parent's is used */
    om_store *store = NULL;
    must(om_store_open(path, OM_STORE_WRITE, &store));
    om_state *states[FIXTURE_MODELS];
    for (int m = 0; m < FIXTURE_MODELS; m++) {
        states[m] = fixture_state(&f, (uint32_t)m, 0);
        bool found;
        must(om_store_load(store, m, states[m], &found));
        if (found) must(om_store_repair(store, m, states[m]));
    }
    for (int m = 0;; m = (m + 1) % FIXTURE_MODELS) {
        fixture_fill(&f, states[m]->iteration + 1, states[m]);
        must(om_store_commit(store, m, states[m]));
        uint64_t said[2] = {(uint64_t)m, states[m]->iteration};
        if (write(STDOUT_FILENO, said, sizeof said) != sizeof said) return 1;
    }
}

typedef struct child {
    pid_t pid;
    int pipe;
    uint64_t committed[FIXTURE_MODELS];
} child;

static void start(child *c, const char *path, const char *tmp)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    c->pid = fork();
    assert_true(c->pid >= 0);
    if (c->pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("OMPI_MCA_orte_tmpdir_base", tmp, 1);
        setenv("OMPI_MCA_pml", "ob1", 1); /* no search for networks: it starts sooner */
        setenv("OMPI_MCA_btl", "self", 1);
        execl(program, program, path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    c->pipe = ends[0];
}

/* Takes in one report; false at the end of the pipe. */
static bool hear(child *c)
{
    uint64_t said[2];
    ssize_t n;
    do n = read(c->pipe, said, sizeof said);
    while (n < 0 && errno == EINTR);
    if (n != sizeof said) return false;
    c->committed[said[0]] = said[1];
    return true;
}

/* Kills it some random 0 to 8 ms after it has begun to commit. */
static void let_run_and_kill(child *c, const om_stream *stream, uint32_t draw)
{
    if (!hear(c)) fail_msg("a child has ended by itself before its first commit");
    double end = om_clock_s() + 0.008 * om_random_uniform(stream, draw);
    struct pollfd waiting = {.fd = c->pipe, .events = POLLIN};
    while (om_clock_s() < end)
        if (poll(&waiting, 1, 0) > 0 && !hear(c)) fail_msg("a child has ended by itself");
    kill(c->pid, SIGKILL);
    while (hear(c)) {
    }
    close(c->pipe);
    int status;
    waitpid(c->pid, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void check(const fixture *f, const char *path, child *c)
{
    om_store *store = NULL;
    must(om_store_open(path, OM_STORE_READ, &store));
    om_state *state = fixture_state(f, 0, 0);
    for (int m = 0; m < FIXTURE_MODELS; m++) {
        bool found;
        must(om_store_load(store, m, state, &found));
        if (c->committed[m] == 0) continue;
        assert_true(found);
        /* The commit in flight may have become durable without having been told. */
        assert_in_range(state->iteration, c->committed[m], c->committed[m] + 1);
        assert_int_equal(state->model, m);
        assert_true(fixture_is_whole(f, state));
        c->committed[m] = state->iteration;
    }
    om_free(state);
    om_store_close(store);
}

static void test_every_kill_leaves_the_last_commit(void **unused)
{
    (void)unused;
    fixture f;
    fixture_create(&f);
    const om_stream stream = {1, 0, OM_FOR_INIT, 0, 0};
    child children[STORES];
    memset(children, 0, sizeof children);
    char path[STORES][128];
    for (int i = 0; i < STORES; i++) {
        snprintf(path[i], sizeof path[i], "%s/%d.h5", f.directory, i);
        must(om_store_create(path[i], &f.plan));
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < STORES; i++) start(&children[i], path[i], f.directory);
        for (int i = 0; i < STORES; i++)
            let_run_and_kill(&children[i], &stream, (uint32_t)(round * STORES + i));
        for (int i = 0; i < STORES; i++) check(&f, path[i], &children[i]);
    }
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < STORES; i++)
        if (children[i].committed[0] < least) least = children[i].committed[0];
    assert_true(least >= ROUNDS - 1); /* every round went on where the one before had ended */
    fixture_free(&f);
}

int main(int argc, char **argv)
{
    if (argc > 1) return commit_forever(argv[1]);
    program = argv[0];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_kill_leaves_the_last_commit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
