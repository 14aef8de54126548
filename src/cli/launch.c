/* mpirun as a child. Its own exit status and messages say little of ours, so rank 0 leaves outcome and
 * message in memory of this process, which the ranks know as a file by the environment, and which is gone
 * with this process, however it ends; ranks themselves exit with 0, which keeps mpirun from calling a
 * clean stop a failure. */
#include "cli/launch.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "parallel/ranks.h"
#include "parallel/stop.h"

#define OUTCOME  "OMMATID_OUTCOME"
#define TERMINAL "OMMATID_TERMINAL"
#define BEGUN    "begun\n" /* in place of an outcome, from when all ranks have started */

enum { MOST_WORDS = 64 };

static const double LINGER_S = 10, LOOK_S = 0.02, AGAIN_S = 1, PATIENCE_S = 2.5;
/* Signals closer than this are one wish: timeout(1), for one, sends its signal twice. */
static const double APART_S = 0.5;

bool om_launch_is_watched(void) { return getenv(OUTCOME) != NULL; }

/* Leaves the outcome for it. */
static void leave_outcome(om_status status)
{
    const char *path = getenv(OUTCOME);
    if (path == NULL) return;
    FILE *file = fopen(path, "w");
    if (file == NULL) return;
    fprintf(file, "%d\n%s", (int)status, om_message());
    fclose(file);
}

/* From here on every rank hears a wish to stop, and has something to bring to a good end. */
static void leave_begun(void)
{
    const char *path = getenv(OUTCOME);
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file == NULL) return;
    fputs(BEGUN, file);
    fclose(file);
}

om_status om_launch_begin(void)
{
    om_stop_listen(); /* before MPI, whose start takes a moment in which one may well press Ctrl-C */
    OM_TRY(om_ranks_start());
    if (om_ranks_number() == 0) leave_begun();
    return OM_OK;
}

om_status om_launch_end(om_status status)
{
    const bool tells = om_ranks_number() == 0;
    if (tells) leave_outcome(status);
    if (!tells || om_launch_is_watched()) om_message_clear();
    om_command_complain(status); /* while mpirun has no reason yet to end this rank */
    om_ranks_finish();
    return om_launch_is_watched() ? OM_OK : status;
}

/* Ranks of several threads each have cores of their own; the coordinator shares those of another, for
 * it sleeps. Ranks of one thread are not bound: so its moments fall on whichever core is free. */
static int binding_words(int threads, const char **words)
{
    static char cores[32];
    int n = 0;
    if (threads > 0) {
        snprintf(cores, sizeof cores, "slot:PE=%d", threads);
        words[n++] = "--map-by";
        words[n++] = cores;
        setenv("OMP_PROC_BIND", "close", 0);
        setenv("OMP_PLACES", "cores", 0);
    }
    words[n++] = "--bind-to";
    words[n++] = threads > 0 ? "core:overload-allowed" : "none";
    return n;
}

/* mpirun's arguments before ours. Ranks may outnumber cores by the coordinator. */
static int mpirun_words(const om_launching *launching, const char *count, const char **words)
{
    int n = 0;
    words[n++] = "mpirun";
    if (geteuid() == 0) words[n++] = "--allow-run-as-root";
    words[n++] = "--oversubscribe";
    n += binding_words(launching->bound_threads, words + n);
    words[n++] = "--mca"; /* containers forbid reading another process's memory: do without */
    words[n++] = "btl_vader_single_copy_mechanism";
    words[n++] = "none";
    words[n++] = "-n";
    words[n++] = count;
    return n;
}

/* In the child, with all signals blocked: one that comes from now on ends it, as it would end an
 * mpirun that has not begun yet, instead of being remembered by a program that is about to go. */
static void run_mpirun(const char *const *words)
{
    const int heard[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
    sigset_t none_blocked;
    for (size_t i = 0; i < sizeof heard / sizeof heard[0]; i++)
        if (signal(heard[i], SIG_DFL) == SIG_IGN) signal(heard[i], SIG_IGN);
    sigemptyset(&none_blocked);
    sigprocmask(SIG_SETMASK, &none_blocked, NULL);
    prctl(PR_SET_PDEATHSIG, SIGUSR1); /* if the program that the user sees dies, ranks stop too */
    setpgid(0, 0);                    /* Ctrl-C is ours to pass on */
    FILE *none = freopen("/dev/null", "r", stdin);
    (void)none;
    execvp(words[0], (char *const *)words);
    fprintf(stderr, "ommatid: cannot start mpirun: %s\n  try: apt-get install openmpi-bin\n",
            strerror(errno));
    _exit(127);
}

/* Starts mpirun, so that no signal falls between this program's handlers and mpirun's. */
static pid_t start_mpirun(const char *const *words)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0) run_mpirun(words);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return child;
}

/* Sends a signal, or with 0 none, to a process's children; returns how many there are, -1 where the system does not
 * list them. */
static int signal_children(pid_t parent, int number)
{
    char pattern[64];
    glob_t lists;
    int n = 0;
    snprintf(pattern, sizeof pattern, "/proc/%ld/task/*/children", (long)parent);
    if (glob(pattern, 0, NULL, &lists) != 0) return -1;
    for (size_t i = 0; i < lists.gl_pathc; i++) {
        FILE *list = fopen(lists.gl_pathv[i], "r");
        char child[16];
        for (; list != NULL && fscanf(list, "%15s", child) == 1; n++)
            kill((pid_t)strtol(child, NULL, 10), number);
        if (list != NULL) fclose(list);
    }
    globfree(&lists);
    return n;
}

/* A signal to the ranks, which are mpirun's children; where the system does not list them SIGUSR1 to mpirun
 * itself, which hands it on with a word about it each time. One that was suspended wakes up for it: the others
 * would wait for it without end. */
static void ask_to_stop(pid_t mpirun, int number)
{
    if (signal_children(mpirun, number) < 0) kill(mpirun, SIGUSR1);
    signal_children(mpirun, SIGCONT);
}

/* Ends mpirun and its ranks by a signal that lets it clean up, given only once, as it would leave the ranks
 * behind at a second one; after a while without. */
static void end_mpirun(pid_t mpirun, double now, double *told)
{
    if (*told == 0) {
        *told = now;
        kill(mpirun, SIGTERM);
    } else if (now - *told > PATIENCE_S) {
        signal_children(mpirun, SIGKILL);
        kill(mpirun, SIGKILL);
    }
}

/* The same where ranks have not begun: they hold nothing yet. mpirun must not start more of them meanwhile, and
 * is not asked: a SIGTERM while it starts ranks can bring it to a halt for ever (Open MPI 4.1). */
static void end_start(pid_t mpirun)
{
    kill(mpirun, SIGSTOP);
    signal_children(mpirun, SIGKILL);
    kill(mpirun, SIGKILL);
}

/* An mpirun whose ranks have all ended ends within a moment; one of which a rank was killed while it started can
 * come to a halt for ever (Open MPI 4.1). To be called again and again. */
typedef struct childless {
    double looked, since; /* since: it has no ranks any more; 0: it has, or had none yet */
    bool had_some;
} childless;

static void end_if_childless(childless *c, pid_t mpirun, double now)
{
    if (now - c->looked < AGAIN_S) return;
    c->looked = now;
    const int n = signal_children(mpirun, 0);
    c->had_some |= n > 0;
    if (n != 0 || !c->had_some)
        c->since = 0;
    else if (c->since == 0)
        c->since = now;
    else if (now - c->since > LINGER_S)
        kill(mpirun, SIGKILL);
}

static bool has_begun(const char *outcome)
{
    struct stat info;
    return stat(outcome, &info) == 0 && info.st_size > 0;
}

/* Waits for mpirun; *asked: the signal that was handed on to the ranks, SIGUSR1 for a wish to stop or SIGALRM
 * when time was up, or 0. It is sent until it is heard. Ranks that have not all started yet, which takes
 * long where they are many, have nothing to lose and are ended; at a second wish mpirun ends all. */
static int wait_for(pid_t child, const char *outcome, int *asked)
{
    int state;
    bool again = false;
    double first = 0, sent = 0, told = 0;
    childless ranks = {0};
    *asked = 0;
    for (;;) {
        pid_t ended = waitpid(child, &state, WNOHANG);
        if (ended == child) return state;
        if (ended < 0 && errno != EINTR) return -1;
        double now = om_clock_s();
        if (om_stop_signal) {
            const int number = om_stop_signal == SIGALRM ? SIGALRM : SIGUSR1;
            om_stop_signal = 0;
            if (*asked == 0)
                *asked = number, first = now;
            else if (number == SIGUSR1 && now - first > APART_S)
                again = true;
        }
        if (*asked != 0 && now - sent > AGAIN_S) {
            if (!has_begun(outcome))
                end_start(child);
            else if (again)
                end_mpirun(child, now, &told);
            else
                ask_to_stop(child, *asked);
            sent = now;
        }
        end_if_childless(&ranks, child, now);
        om_sleep_s(LOOK_S); /* looking, not waiting: a signal just before a wait would be missed */
    }
}

/* Ranks may outlast an mpirun that failed by a moment, and hold the store: they are waited for. Those that
 * had no time to begin have nothing to bring to an end. */
static void wait_for_ranks(const char *outcome)
{
    if (!has_begun(outcome)) signal_children(getpid(), SIGKILL);
    double start = om_clock_s();
    while (om_clock_s() - start < LINGER_S) {
        pid_t ended = waitpid(-1, NULL, WNOHANG);
        if (ended < 0 && errno != EINTR) return; /* none is left */
        if (ended == 0) om_sleep_s(0.01);
    }
}

/* Outcome and message that rank 0 left; asked: it was asked to stop, perhaps before it could listen. */
static om_status read_outcome(const char *path, int state, int asked, const om_launching *launching)
{
    const bool keeps = launching->store == NULL || access(launching->store, F_OK) == 0;
    const char *kept = keeps ? launching->kept : "there is no store yet";
    char *text = NULL, *message = NULL;
    size_t length;
    om_status status = om_read_file(path, &text, &length);
    const bool begun = status == OM_OK && length > 0;
    if (begun && strcmp(text, BEGUN) != 0) {
        status = (om_status)strtol(text, &message, 10);
        if (*message == '\n') message++;
        if (status != OM_OK) om_fail(status, "%s", message);
    } else if (WIFEXITED(state) && WEXITSTATUS(state) == 127) {
        status = OM_EFAIL; /* mpirun is missing, and that has been said */
        om_message_clear();
    } else if (status == OM_OK && asked != 0) {
        const char *why = asked == SIGALRM ? "time limit"
                          : begun          ? "stopped"
                                           : "stopped before it began";
        om_fail(OM_ESTOPPED, "%s; %s", why, kept);
        status = om_hint(OM_ESTOPPED, asked == SIGALRM && !keeps ? "the same command with more time"
                                                                 : "the same command again");
    } else {
        status = om_fail(OM_EFAIL, "a rank ended before its time; %s", kept);
        om_hint(status, "the same command again");
    }
    om_free(text);
    return status;
}

om_status om_launch(const om_launching *launching, int n, const char *const *arguments)
{
    char path[64], count[16], self[4096] = "";
    const char *words[MOST_WORDS];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return om_fail_errno("cannot find this program", "/proc/self/exe");
    int file = memfd_create("ommatid-outcome", MFD_CLOEXEC);
    if (file < 0) return om_fail_errno("cannot be created", "the ranks' outcome");
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)getpid(), file);
    setenv(OUTCOME, path, 1);
    if (isatty(STDERR_FILENO)) setenv(TERMINAL, "1", 1);
    snprintf(count, sizeof count, "%d", launching->ranks);
    int own = mpirun_words(launching, count, words), k = own;
    words[k++] = self;
    for (int i = 0; i < n && k < MOST_WORDS - 1; i++) words[k++] = arguments[i];
    words[k] = NULL;
    om_stop_listen();
    if (launching->tell) {
        for (int i = 0; i < own; i++) fprintf(stderr, "%s ", words[i]);
        fprintf(stderr, "...\n");
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphaned ranks become ours to wait for */
    pid_t child = start_mpirun(words);
    om_status status = OM_OK;
    if (child < 0) {
        status = om_fail_errno("cannot start another process", "mpirun");
    } else {
        int asked, state = wait_for(child, path, &asked);
        wait_for_ranks(path);
        status = read_outcome(path, state, asked, launching);
    }
    close(file);
    return status;
}
