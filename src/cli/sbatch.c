/* Scripts are files in the folder jobs, so that what was submitted can be read, and submitted again. */
#include "cli/sbatch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "cli/slurm.h"

enum { MOST_SCRIPTS = 10000, VARIABLE = 128 };

static const double SBATCH_S = 60; /* how long is waited for an answer */

/* ---- scripts ---- */

om_status om_sbatch_write(const char *job, const om_text *script, char path[OM_SBATCH_PATH])
{
    int file = -1;
    path[0] = '\0';
    if (mkdir("jobs", 0777) != 0 && errno != EEXIST)
        return om_fail_errno("cannot be created", "jobs");
    for (int i = 1; file < 0 && i <= MOST_SCRIPTS; i++) {
        snprintf(path, OM_SBATCH_PATH, "jobs/%s-%d.sbatch", job, i);
        file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno != EEXIST) break;
    }
    om_status status = OM_OK;
    if (file < 0) {
        status = om_fail_errno("cannot be created", path);
        path[0] = '\0'; /* whatever is there is none of ours */
        return status;
    }
    const bool written = write(file, script->data, script->length) == (ssize_t)script->length;
    if (close(file) == 0 && written) return OM_OK;
    status = om_fail_errno("cannot be written", path);
    om_sbatch_remove(path);
    path[0] = '\0';
    return status;
}

void om_sbatch_remove(const char *path)
{
    if (path[0] == '\0') return;
    unlink(path);
    rmdir("jobs"); /* if nothing else is in it */
}

/* ---- sbatch ---- */

/* What it complained of, without its name before each line. */
static om_status refused(const om_slurm_answer *answer)
{
    static const char mark[] = "sbatch: error: ";
    om_text said = {0};
    char *rest = NULL, *lines = answer->err.data;
    for (char *line = lines == NULL ? NULL : strtok_r(lines, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, mark, strlen(mark)) == 0) line += strlen(mark);
        om_text_add(&said, "%s%s", said.length > 0 ? "; " : "", line);
    }
    if (said.length > 0)
        om_fail(OM_EFAIL, "SLURM does not take the job: %s; nothing was submitted", said.data);
    else if (answer->missing)
        om_fail(OM_EFAIL, "there is no sbatch on this machine; nothing was submitted");
    else
        om_fail(OM_EFAIL, "sbatch has not said whether it took the job: squeue shows it if so");
    om_text_free(&said);
    return om_hint(OM_EFAIL, "other options; --dry-run shows what was asked for");
}

om_status om_sbatch_try(const char *path)
{
    const char *const words[] = {"sbatch", "--test-only", path, NULL};
    om_slurm_answer answer;
    om_status status = om_slurm_ask(words, SBATCH_S, &answer);
    if (status == OM_OK && answer.code != 0) status = refused(&answer);
    om_slurm_free(&answer);
    return status;
}

om_status om_sbatch_submit(const char *path, const char *after, char number[OM_SBATCH_NUMBER])
{
    char dependency[64] = "";
    if (after != NULL) snprintf(dependency, sizeof dependency, "--dependency=afterany:%s", after);
    const char *const alone[] = {"sbatch", "--parsable", path, NULL};
    const char *const later[] = {"sbatch", "--parsable", dependency, path, NULL};
    om_slurm_answer answer;
    om_status status = om_slurm_ask(after != NULL ? later : alone, SBATCH_S, &answer);
    /* NUMBER, or NUMBER;CLUSTER */
    if (status == OM_OK && (answer.code != 0 || answer.out.data == NULL ||
                            sscanf(answer.out.data, "%31[0-9]", number) != 1))
        status = refused(&answer);
    om_slurm_free(&answer);
    return status;
}

om_status om_sbatch_withdraw(const char *number)
{
    const char *const words[] = {"scancel", number, NULL};
    om_slurm_answer answer;
    om_status status = om_slurm_ask(words, SBATCH_S, &answer);
    if (status == OM_OK && answer.code != 0)
        status = om_fail(OM_EFAIL, "job %s cannot be withdrawn: %s", number,
                         answer.err.data != NULL ? answer.err.data : "scancel does not answer");
    om_slurm_free(&answer);
    return status;
}

/* ---- the environment ---- */

static bool is_to_go(const char *variable, size_t length)
{
    static const char *const stay[] = {"SLURM_CONF", "SLURM_CLUSTERS", "SBATCH_CLUSTERS"};
    if (strncmp(variable, "SBATCH_", 7) != 0 && strncmp(variable, "SLURM_", 6) != 0) return false;
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
        if (strlen(stay[i]) == length && strncmp(variable, stay[i], length) == 0) return false;
    return true;
}

void om_sbatch_clean_environment(void)
{
    for (char **at = environ; *at != NULL;) {
        char name[VARIABLE];
        const size_t length = strcspn(*at, "=");
        snprintf(name, sizeof name, "%.*s", (int)length, *at);
        if (length < sizeof name && is_to_go(name, length) && unsetenv(name) == 0)
            at = environ; /* which has changed */
        else
            at++;
    }
}
