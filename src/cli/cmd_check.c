/* ommatid check: proves a store, and says what of it would be resumed. The work is done in a child with
 * limits, as open_store.h says; its end by a signal is a finding like any other. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fail.h"
#include "cli/check_print.h"
#include "cli/command.h"
#include "cli/open_store.h"

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

static _Noreturn void check_in_child(const char *path, bool json)
{
    om_check check;
    om_command_limit_child(path);
    om_status status = om_ensemble_check(path, om_command_end_limit, &check);
    if (status == OM_OK) status = print(path, &check, json);
    if (status == OM_OK && fflush(stdout) != 0)
        status = om_fail_errno("cannot write the results", "standard output");
    om_command_complain(status);
    if (status == OM_OK && check.n_damage > 0) status = OM_EFAIL;
    _exit(om_exit_code(status));
}

/* ---- in the parent ---- */

/* The child did not come to an end. */
static om_status report_end(const char *path, bool json, int state)
{
    static const char copy[] = "another copy: HDF5 cannot read this one";
    om_check check = {0};
    check.lock = om_store_inspect_lock(path, check.holder);
    const om_finding f = {true, -1, "", -1, copy, ""};
    char what[128];
    om_command_describe_end(state, what, sizeof what);
    om_findings_add(&check.findings, f, "%s", what);
    check.n_damage = 1;
    om_status status = print(path, &check, json);
    om_check_free(&check);
    if (status == OM_OK) om_message_clear();
    return OM_EFAIL;
}

static om_status check(const char *path, bool json)
{
    int state;
    fflush(stdout);
    const pid_t child = fork();
    if (child < 0) return om_fail_errno("cannot start another process", "check");
    if (child == 0) check_in_child(path, json);
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR) return om_fail_errno("lost its process", "check");
    om_message_clear(); /* the child has said it */
    for (int s = OM_OK; s <= OM_ESTOPPED && WIFEXITED(state); s++)
        if (om_exit_code((om_status)s) == WEXITSTATUS(state)) return (om_status)s;
    return report_end(path, json, state);
}

/* Point by point; the worst of them counts. */
static om_status check_points(const om_arguments *args, const om_sweep *sweep)
{
    om_status status = OM_OK;
    int missing = 0;
    if (args->json) {
        om_fail(OM_EUSAGE, "check --json: %s holds a sweep", args->words[0]);
        return om_hint(OM_EUSAGE, "one of its points, as %s:0", args->words[0]);
    }
    for (int p = 0; p < sweep->n_points; p++) {
        char path[OM_SWEEP_PATH_BYTES], label[OM_SWEEP_LABEL_BYTES];
        om_sweep_label(sweep, p, label);
        printf("%spoint %d: %s\n", p > 0 ? "\n" : "", p, label);
        missing += !sweep->present[p];
        if (!sweep->present[p]) continue;
        OM_TRY(om_sweep_point_path(args->words[0], p, path));
        om_status one = check(path, false);
        if (one != OM_OK) status = one;
    }
    if (missing > 0) printf("\n%d of %d points are missing\n", missing, sweep->n_points);
    return status;
}

static om_status run(const om_arguments *args)
{
    om_sweep *sweep = NULL;
    /* what cannot be opened is for the check to say */
    if (om_command_try_store(args->words[0]) == OM_OK)
        (void)om_sweep_open(args->words[0], &sweep, NULL, NULL);
    om_message_clear();
    if (sweep == NULL) return check(args->words[0], args->json);
    om_status status = check_points(args, sweep);
    om_sweep_free(sweep);
    return status;
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
