/* A loss of power at any moment of a commit: the state of the last commit that has returned, or of the one in
 * flight, is found in whatever the disk then holds.
 *
 * This program stands between the library and the system: it records every write to the store and every
 * fdatasync, those of MPI-IO among them. A disk keeps what was synced; of the writes after that it may
 * have kept any, whole or by sectors, in any order. Every prefix of the record is replayed with all of
 * them, none, each one alone, each one missing, and random parts, and each file is opened and checked. */
#include <mpi.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/text.h"
#include "ommatid/om_check.h"
#include "ommatid/om_random.h"
#include "store_bench.h"

enum { COMMITS = 5, MOST_EVENTS = 1024, SECTOR = 512, RANDOM_IMAGES = 6 };

typedef enum event_kind { WRITTEN, SYNCED, RETURNED } event_kind;

typedef struct event {
    event_kind kind;
    size_t at, bytes;
    unsigned char *data;
} event;

static event events[MOST_EVENTS];
static int n_events;
static dev_t store_device;
static ino_t store_inode; /* 0: nothing is recorded */

static bool is_recorded(int fd)
{
    struct stat info;
    return store_inode != 0 && fstat(fd, &info) == 0 && info.st_ino == store_inode &&
           info.st_dev == store_device;
}

static void record(event_kind kind, const void *data, size_t bytes, off_t at)
{
    if (n_events == MOST_EVENTS) fail_msg("more than %d writes", MOST_EVENTS);
    event *e = &events[n_events++];
    *e = (event){kind, (size_t)at, bytes, malloc(bytes + 1)};
    if (bytes > 0) memcpy(e->data, data, bytes);
}

/* ---- in place of the system's ---- */

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at)
{
    if (is_recorded(fd)) record(WRITTEN, data, bytes, at);
    return syscall(SYS_pwrite64, fd, data, bytes, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
    ssize_t all = 0;
    for (int i = 0; i < n; i++) {
        ssize_t written = pwrite(fd, parts[i].iov_base, parts[i].iov_len, at + all);
        if (written < 0) return written;
        all += written;
    }
    return all;
}

int fdatasync(int fd)
{
    if (is_recorded(fd)) record(SYNCED, NULL, 0, 0);
    return (int)syscall(SYS_fdatasync, fd);
}

/* ---- the disk ---- */

typedef struct disk {
    const char *path;
    char *durable, *image; /* what is certainly there; what may be */
    size_t bytes;
    int committed; /* commits that have returned */
} disk;

static void keep(char *image, const event *e) { memcpy(image + e->at, e->data, e->bytes); }

/* The sectors of a write that a stream of random numbers chooses. */
static void keep_sectors(char *image, const event *e, const om_stream *stream, uint32_t *draw)
{
    for (size_t from = e->at; from < e->at + e->bytes;) {
        size_t to = (from / SECTOR + 1) * SECTOR;
        if (to > e->at + e->bytes) to = e->at + e->bytes;
        if (om_random_below(stream, (*draw)++, 2))
            memcpy(image + from, e->data + (from - e->at), to - from);
        from = to;
    }
}

/* Model 0 is committed at iterations 1, 2, ...: of the last commit, or of the one in flight. */
static void check_image(const disk *d, const char *what)
{
    FILE *file = fopen(d->path, "r+");
    assert_true(file != NULL && fwrite(d->image, 1, d->bytes, file) == d->bytes &&
                fclose(file) == 0);
    om_store *store = open_store(d->path, OM_STORE_READ);
    const int64_t found = loaded(store, 0), least = d->committed > 0 ? d->committed : -1;
    if (found != least && found != d->committed + 1)
        fail_msg("%s: iteration %lld after %d commits", what, (long long)found, d->committed);
    om_state *state = fixture_state(&f, 0, 0);
    om_model_proof proof;
    om_findings findings = {0};
    double patience = 0;
    must(om_check_model(store, 0, true, &patience, state, &proof, &findings));
    assert_int_equal(proof.iteration, found < 0 ? 0 : found);
    assert_int_equal(proof.resume, found < 0 ? OM_RESUME_START : OM_RESUME_GO_ON);
    om_findings_free(&findings);
    om_free(state);
    om_store_close(store);
}

/* Everything that a disk may hold if the power goes after `events[to - 1]`; those before `from` are
 * durable. */
static int lose_power(disk *d, int from, int to)
{
    int images = 0;
    char what[96];
    for (int keeps = 0; keeps < 2; keeps++) /* one alone; all but one; the loop's end: none, all */
        for (int one = from; one <= to; one++) {
            memcpy(d->image, d->durable, d->bytes);
            for (int i = from; i < to; i++)
                if (events[i].kind == WRITTEN && (i == one) == (keeps == 0))
                    keep(d->image, &events[i]);
            snprintf(what, sizeof what, "power lost after event %d, %s %d", to,
                     keeps ? "all but" : "only", one);
            check_image(d, what);
            images++;
        }
    for (uint32_t k = 0; k < RANDOM_IMAGES; k++) {
        const om_stream stream = {1, (uint32_t)to, OM_FOR_INIT, k, 0};
        uint32_t draw = 0;
        memcpy(d->image, d->durable, d->bytes);
        for (int i = to - 1; i >= from; i--) /* the last ones first: writes change places */
            if (events[i].kind == WRITTEN) keep_sectors(d->image, &events[i], &stream, &draw);
        snprintf(what, sizeof what, "power lost after event %d, sectors %u", to, k);
        check_image(d, what);
        images++;
    }
    return images;
}

static void record_commits(const char *path)
{
    struct stat info;
    om_store *store = open_store(path, OM_STORE_WRITE);
    assert_int_equal(stat(path, &info), 0);
    store_device = info.st_dev;
    store_inode = info.st_ino;
    uint64_t token;
    must(om_store_claim(store, &token));
    for (uint64_t i = 1; i <= COMMITS; i++) {
        commit(store, 0, i);
        record(RETURNED, NULL, 0, 0);
        const om_model_row row = {2024, OM_MODEL_RUNNING, i, 1, (double)i,
                                  0,    "on its way",     0, 0, 0};
        must(om_store_write_row(store, 0, &row));
    }
    store_inode = 0;
    om_store_close(store);
}

static void test_no_loss_of_power_loses_a_commit(void **unused)
{
    (void)unused;
    const char *path = new_store();
    char *after = NULL;
    disk d = {.path = path};
    size_t n;
    must(om_read_file(path, &d.durable, &d.bytes));
    must(om_alloc(d.bytes, 1, &d.image));
    record_commits(path);
    /* the record is complete: it makes of the old file the new one */
    must(om_read_file(path, &after, &n));
    memcpy(d.image, d.durable, d.bytes);
    for (int i = 0; i < n_events; i++)
        if (events[i].kind == WRITTEN) keep(d.image, &events[i]);
    assert_int_equal(n, d.bytes);
    assert_memory_equal(d.image, after, n);
    int first_unsynced = 0, images = 0, syncs = 0;
    for (int i = 0; i < n_events; i++) {
        if (events[i].kind == RETURNED) d.committed++;
        images += lose_power(&d, first_unsynced, i + 1);
        if (events[i].kind != SYNCED) continue;
        syncs++;
        for (; first_unsynced <= i; first_unsynced++)
            if (events[first_unsynced].kind == WRITTEN) keep(d.durable, &events[first_unsynced]);
    }
    print_message("%d writes and syncs (%d), %d files\n", n_events, syncs, images);
    assert_int_equal(d.committed, COMMITS);
    assert_true(syncs >= 2 * COMMITS);
    for (int i = 0; i < n_events; i++) free(events[i].data);
    om_free(after);
    om_free(d.image);
    om_free(d.durable);
}

int main(void)
{
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {TEST(test_no_loss_of_power_loses_a_commit)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
