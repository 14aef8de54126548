/* The lock of a file that ranks write: PATH.lock, which says who does. MPI-IO itself would let two
 * jobs write into one file.
 *
 * The file appears with its text in one step (written aside, as LOCK.HOST.PROCESS, then link(), which
 * fails if there is one). A stale lock is removed under flock() on that very file, and only if the name
 * still means it, so that two jobs that find it stale at once cannot remove what the other has put
 * there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/text.h"
#include "ommatid/om_check.h"

enum { WORD = 128, LOCK_BYTES = 1024 };

/* Who holds a lock, as written in the file. */
typedef struct holder {
    char host[WORD];
    long pid;
    unsigned long long
        started;    /* of the process, in clock ticks since the host's boot; 0: unknown */
    char job[WORD]; /* of the scheduler; "-": none */
    long restart;   /* how often the scheduler has requeued the job */
    char since[WORD];
} holder;

static const char holder_format[] = "host %s\npid %ld\nprocess-start %llu\njob %s\n"
                                    "job-restart %ld\nsince %s\n";
static const char holder_scan[] = "host %127s pid %ld process-start %llu job %127s "
                                  "job-restart %ld since %127s";

/* When a process started, or 0 if there is none of that number that has not ended (or no /proc). */
static unsigned long long process_start(long pid)
{
    char name[64], text[1024];
    snprintf(name, sizeof name, "/proc/%ld/stat", pid);
    FILE *file = fopen(name, "r");
    if (file == NULL) return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    /* The name of the program, in parentheses, may hold anything; after it comes field 3. */
    const char *field = strrchr(text, ')');
    unsigned long long start = 0;
    if (field != NULL && (strncmp(field, ") Z", 3) == 0 || strncmp(field, ") X", 3) == 0))
        return 0; /* its parent has not asked after it yet */
    for (int i = 2; field != NULL && i < 22; i++) {
        field = strchr(field + 1, ' ');
    }
    if (field != NULL) start = strtoull(field, NULL, 10);
    return start;
}

static void describe_self(holder *self)
{
    *self = (holder){.pid = (long)getpid(), .started = process_start((long)getpid())};
    if (gethostname(self->host, sizeof self->host - 1) != 0 || self->host[0] == '\0')
        snprintf(self->host, sizeof self->host, "unknown");
    const char *job = getenv("SLURM_JOB_ID"), *restart = getenv("SLURM_RESTART_COUNT");
    snprintf(self->job, sizeof self->job, "%s", job != NULL && job[0] != '\0' ? job : "-");
    self->restart = restart != NULL ? strtol(restart, NULL, 10) : 0;
    time_t now = time(NULL);
    struct tm utc;
    strftime(self->since, sizeof self->since, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}

void om_store_name_job(char name[OM_MESSAGE_BYTES])
{
    holder self;
    describe_self(&self);
    int n = snprintf(name, OM_MESSAGE_BYTES, "%.60s, process %ld", self.host, self.pid);
    if (strcmp(self.job, "-") == 0) return;
    n += snprintf(name + n, OM_MESSAGE_BYTES - (size_t)n, ", job %.32s", self.job);
    const char *called = getenv("SLURM_JOB_NAME");
    if (called != NULL && called[0] != '\0')
        n += snprintf(name + n, OM_MESSAGE_BYTES - (size_t)n, " (%.*s)", OM_JOB_NAME, called);
    if (self.restart > 0)
        snprintf(name + n, OM_MESSAGE_BYTES - (size_t)n, ", requeued %ld times", self.restart);
}

/* False if the file is not a lock of ours. */
static bool read_holder(int descriptor, holder *h)
{
    char text[LOCK_BYTES];
    ssize_t n = pread(descriptor, text, sizeof text - 1, 0);
    if (n <= 0) return false;
    text[n] = '\0';
    return sscanf(text, holder_scan, h->host, &h->pid, &h->started, h->job, &h->restart,
                  h->since) == 6;
}

/* Gone for certain: its process has ended on this host, or the scheduler has started the same job
 * anew, which it does only when the earlier run is over. */
static bool is_stale(const holder *h, const holder *self)
{
    if (strcmp(h->job, "-") != 0 && strcmp(h->job, self->job) == 0 && h->restart < self->restart)
        return true;
    return strcmp(h->host, self->host) == 0 && process_start(h->pid) != h->started;
}

/* What a lock protects, and the words for those who come too late. */
typedef struct guarded {
    const char *name, *work, *option;
} guarded;

static om_status fail_busy(const guarded *g, const char *lock, const holder *h, const holder *self)
{
    char job[WORD + 16] = "";
    if (strcmp(h->job, "-") != 0) snprintf(job, sizeof job, ", job %s", h->job);
    om_fail(OM_EBUSY, "%s: is being %s by process %ld on %s%s since %s", g->name, g->work, h->pid,
            h->host, job, h->since);
    om_hint(OM_EBUSY, "waiting, or another file after %s", g->option);
    if (strcmp(h->host, self->host) == 0) return OM_EBUSY;
    return om_hint(OM_EBUSY, "rm '%s' if nothing runs there any more", lock);
}

static om_status fail_strange(const char *lock)
{
    om_fail(OM_EBUSY, "%s: is not a lock that this program has written", lock);
    return om_hint(OM_EBUSY, "removing it if nothing writes that file");
}

/* Puts the lock in place with its text; *taken is false if there is one already. */
static om_status try_take(const char *path, const char *lock, const holder *self, bool *taken)
{
    *taken = false;
    char *aside = NULL;
    if (asprintf(&aside, "%s.%s.%ld", lock, self->host, self->pid) < 0)
        return om_fail(OM_ENOMEM, "%s: out of memory", lock);
    om_status status = OM_OK;
    unlink(aside); /* of an earlier process of this number that was killed just here */
    int descriptor = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        status = om_fail_errno("cannot be created", path);
        goto done;
    }
    if (dprintf(descriptor, holder_format, self->host, self->pid, self->started, self->job,
                self->restart, self->since) < 0 ||
        fsync(descriptor) != 0)
        status = om_hint(om_fail_errno("cannot be written", lock),
                         "making room for a few bytes: by that file others know who writes");
    else if (link(aside, lock) == 0)
        *taken = true;
    else if (errno != EEXIST && errno != ENOENT) /* gone: who took the lock has cleared it away */
        status = om_fail_errno("cannot be created", path);
    close(descriptor);
    unlink(aside);
done:
    free(aside);
    return status;
}

/* Whether the name still means the file that is open. */
static bool is_same_file(int descriptor, const char *name)
{
    struct stat open_one, named;
    return fstat(descriptor, &open_one) == 0 && stat(name, &named) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

/* Removes the lock if its holder is gone. Errors: OM_EBUSY. */
static om_status clear_stale(const guarded *g, const char *lock, const holder *self)
{
    int descriptor = open(lock, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? OM_OK : om_fail_errno("cannot be opened", lock);
    om_status status = OM_OK;
    holder h;
    if (flock(descriptor, LOCK_EX) != 0) {
        status = om_fail_errno("cannot be locked", lock);
        goto done;
    }
    if (!is_same_file(descriptor, lock)) goto done; /* somebody was faster: look again */
    if (!read_holder(descriptor, &h))
        status = fail_strange(lock);
    else if (!is_stale(&h, self))
        status = fail_busy(g, lock, &h, self);
    else if (unlink(lock) != 0)
        status = om_fail_errno("cannot be removed", lock);
done:
    close(descriptor);
    return status;
}

/* A file has one lock whatever links lead to it by name: beside the file itself. */
static om_status lock_name(const char *path, char **lock)
{
    struct stat info;
    const bool is_link = lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
    char *real = is_link ? realpath(path, NULL) : NULL; /* NULL, too, where it leads nowhere */
    const int n = asprintf(lock, "%s.lock", real != NULL ? real : path);
    free(real);
    if (n >= 0) return OM_OK;
    *lock = NULL;
    return om_fail(OM_ENOMEM, "%s: out of memory", path);
}

om_status om_file_lock(const char *path, const char *name, const char *work, const char *option)
{
    enum { TRIES = 100 }; /* each lost one means that another process took or removed the lock */
    const guarded g = {name, work, option};
    char *lock = NULL;
    holder self;
    describe_self(&self);
    OM_TRY(lock_name(path, &lock));
    om_status status = OM_OK;
    bool taken = false;
    for (int i = 0; i < TRIES && status == OM_OK && !taken; i++) {
        status = try_take(path, lock, &self, &taken);
        if (status == OM_OK && !taken) status = clear_stale(&g, lock, &self);
    }
    if (status == OM_OK && !taken)
        status = om_fail(OM_EBUSY, "%s: other processes take and release it all the time", lock);
    /* of processes that were killed while they tried; where it cannot be removed it does no harm */
    if (status == OM_OK && om_remove_leftovers(lock, ".") != OM_OK) om_message_clear();
    free(lock);
    return status;
}

om_status om_store_lock(const char *path) { return om_file_lock(path, path, "trained", "-o"); }
om_lock_state om_store_inspect_lock(const char *path, char text[OM_MESSAGE_BYTES])
{
    char *lock = NULL, file[PATH_MAX];
    holder self, h;
    text[0] = '\0';
    describe_self(&self);
    om_split_part(path, file); /* the points of a sweep have one lock */
    if (lock_name(file, &lock) != OM_OK) return OM_LOCK_NONE;
    int descriptor = open(lock, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    om_lock_state state = OM_LOCK_NONE;
    if (descriptor >= 0 || errno != ENOENT) state = OM_LOCK_STRANGE;
    if (descriptor >= 0 && read_holder(descriptor, &h)) {
        snprintf(text, OM_MESSAGE_BYTES, "process %ld on %.40s%s%.40s since %.40s", h.pid, h.host,
                 strcmp(h.job, "-") != 0 ? ", job " : "", strcmp(h.job, "-") != 0 ? h.job : "",
                 h.since);
        state = is_stale(&h, &self)              ? OM_LOCK_STALE
                : strcmp(h.host, self.host) == 0 ? OM_LOCK_LIVE
                                                 : OM_LOCK_ELSEWHERE;
    }
    if (descriptor >= 0) close(descriptor);
    free(lock);
    return state;
}

void om_store_unlock(const char *path)
{
    char *lock = NULL;
    if (lock_name(path, &lock) != OM_OK) return;
    holder self, h;
    describe_self(&self);
    int descriptor = open(lock, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        bool own = read_holder(descriptor, &h) && strcmp(h.host, self.host) == 0 &&
                   h.pid == self.pid && h.started == self.started;
        if (own) unlink(lock);
        close(descriptor);
    }
    free(lock);
}
