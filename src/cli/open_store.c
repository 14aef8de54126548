/* A store is opened twice: first in a child that may die of it. */
#include "cli/open_store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"

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

void om_command_limit_child(const char *path)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, OM_STRUCTURE_S);
    limit_memory(path);
}

void om_command_end_limit(void) { limit(RLIMIT_CPU, RLIM_INFINITY); }

/* What is wrong without a crash is said by whoever opens the store after this. */
static _Noreturn void try_in_child(const char *path)
{
    om_store *store = NULL;
    om_circuit *circuit = NULL;
    om_sweep *sweep = NULL;
    om_train_options options;
    om_command_limit_child(path);
    om_sweep_free(om_sweep_open(path, &sweep, NULL, NULL) == OM_OK ? sweep : NULL);
    if (om_store_open(path, OM_STORE_READ, &store) == OM_OK) {
        (void)om_store_read_options(store, &options);
        (void)om_store_circuit(store, 0, &circuit);
        om_store_close(store);
    }
    _exit(0);
}

/* ---- in the parent ---- */

void om_command_describe_end(int state, char *text, size_t bytes)
{
    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGXCPU)
        snprintf(text, bytes, "reading its structure came to no end in %d s", OM_STRUCTURE_S);
    else
        snprintf(text, bytes, "reading it crashed (%s)",
                 WIFSIGNALED(state) ? strsignal(WTERMSIG(state)) : "it ended the program");
}

om_status om_command_try_store(const char *path)
{
    int state;
    char what[128];
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) return om_fail_errno("another process cannot be started to read it", path);
    if (child == 0) try_in_child(path);
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return om_fail_errno("the process that reads it is lost", path);
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return OM_OK;
    om_command_describe_end(state, what, sizeof what);
    om_fail(OM_EDATA, "%s: damaged: %s", path, what);
    return om_hint(OM_EDATA, "another copy: HDF5 cannot read this one");
}

om_status om_command_open_store(const char *path, om_store **store)
{
    *store = NULL;
    OM_TRY(om_command_try_store(path));
    return om_store_open(path, OM_STORE_READ, store);
}

om_status om_command_open_sweep(const char *path, om_sweep **sweep, char **name, om_store **store)
{
    *store = NULL;
    *sweep = NULL;
    *name = NULL;
    OM_TRY(om_command_try_store(path));
    OM_TRY(om_sweep_open(path, sweep, name, NULL));
    return *sweep == NULL ? om_store_open(path, OM_STORE_READ, store) : OM_OK;
}
