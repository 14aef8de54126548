/* ommatid check: proves a store, and says what of it would be resumed.
 *
 * HDF5 reads the structure of a file in good faith: a damaged one can make it crash, or go round in circles
 * (of single flipped bytes in a store's metadata about one in two thousand does). So the work is done in
 * a child with limits of time and memory; its end by a signal is a finding like any other. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "cli/check_print.h"
#include "cli/command.h"

enum { STRUCTURE_S = 60 }; /* of computing, a thousand times what it takes */

static struct {
    bool all;
} set;

static const om_option options[] = {
    {"all", 'a', OM_OPTION_FLAG, NULL, "list every model, not only those that are notable",
     .value = &set.all},
    {0},
};

static om_status print(const char *path, const om_check *check, bool json)
{
    if (json) return om_check_print_json(path, check);
    om_check_print(path, check, set.all);
    return OM_OK;
}

/* ---- in the child ---- */

static void limit(int resource, rlim_t most)
{
    struct rlimit r;
    if (getrlimit(resource, &r) != 0) return;
    r.rlim_cur = most < r.rlim_max ? most : r.rlim_max; /* "infinity" is the highest number */
    setrlimit(resource, &r);
}

/* Address space for the program, and for as much again as the file could fill. The sanitizers' own is
 * beyond any limit. */
static void limit_memory(const char *path)
{
#ifdef __SANITIZE_ADDRESS__
    (void)path;
#else
    const rlim_t own = (rlim_t)4 << 30;
    struct stat info;
    limit(RLIMIT_AS, own + (stat(path, &info) == 0 ? 2 * (rlim_t)info.st_size : 0));
#endif
}

/* States may take as long to read as they are large. */
static void end_limit(void) { limit(RLIMIT_CPU, RLIM_INFINITY); }

static _Noreturn void check_in_child(const om_arguments *args)
{
    om_check check;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, STRUCTURE_S);
    limit_memory(args->words[0]);
    om_status status = om_ensemble_check(args->words[0], end_limit, &check);
    if (status == OM_OK) status = print(args->words[0], &check, args->json);
    if (status == OM_OK && fflush(stdout) != 0)
        status = om_fail_errno("cannot write the results", "standard output");
    om_command_complain(status);
    if (status == OM_OK && check.n_damage > 0) status = OM_EFAIL;
    _exit(om_exit_code(status));
}

/* ---- in the parent ---- */

/* The child did not come to an end. */
static om_status report_end(const om_arguments *args, int state)
{
    static const char copy[] = "another copy: HDF5 cannot read this one";
    om_check check = {0};
    check.lock = om_store_inspect_lock(args->words[0], check.holder);
    const om_finding f = {true, -1, "", -1, copy, ""};
    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGXCPU)
        om_findings_add(&check.findings, f, "reading its structure came to no end in %d s",
                        STRUCTURE_S);
    else
        om_findings_add(&check.findings, f, "reading it crashed (%s)",
                        WIFSIGNALED(state) ? strsignal(WTERMSIG(state)) : "it ended the program");
    check.n_damage = 1;
    om_status status = print(args->words[0], &check, args->json);
    om_check_free(&check);
    if (status == OM_OK) om_message_clear();
    return OM_EFAIL;
}

static om_status run(const om_arguments *args)
{
    int state;
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) return om_fail_errno("cannot start another process", "check");
    if (child == 0) check_in_child(args);
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return om_fail_errno("lost its process", "check");
    om_message_clear(); /* the child has said it */
    for (int s = OM_OK; s <= OM_ESTOPPED && WIFEXITED(state); s++)
        if (om_exit_code((om_status)s) == WEXITSTATUS(state)) return (om_status)s;
    return report_end(args, state);
}

const om_command om_cmd_check = {
    .name = "check",
    .summary = "proves a store: what is whole, what is damaged, what a run would go on from",
    .synopsis = "STORE",
    .details =
        "Reads everything and changes nothing, also beside a job that trains. Exit status: 0 the "
        "store is whole,\n"
        "1 something is damaged or lost, 3 it is no store.",
    .options = options,
    .json = true,
    .least = 1,
    .most = 1,
    .example = "ommatid check motion-50.h5\n"
               "ommatid check motion-50.h5 --all",
    .run = run,
};
