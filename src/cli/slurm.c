/* SLURM's commands as children, whose answers are kept in files that have no name. */
#include "cli/slurm.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "ensemble/submit_script.h"

enum { LINE = 512 };

static const double LOOK_S = 0.01;
static const double PARTITIONS_S = 10, JOB_S = 3; /* how long is waited for an answer */

/* ---- commands ---- */

/* Whatever a file holds, from its beginning. */
static void read_back(FILE *file, om_text *text)
{
    char piece[LINE];
    size_t n;
    rewind(file);
    while ((n = fread(piece, 1, sizeof piece, file)) > 0) om_text_add(text, "%.*s", (int)n, piece);
}

/* Its exit status; -1 if it was ended because it took too long, or ended by a signal. */
static int wait_for(pid_t child, double most_s)
{
    const double start_s = om_clock_s();
    int state;
    for (;;) {
        const pid_t ended = waitpid(child, &state, WNOHANG);
        if (ended == child) return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
        if (ended < 0 && errno != EINTR) return -1;
        if (om_clock_s() - start_s > most_s) {
            kill(child, SIGKILL);
            while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
            return -1;
        }
        om_sleep_s(LOOK_S);
    }
}

static void run(const char *const *words, double most_s, FILE *out, FILE *err,
                om_slurm_answer *answer)
{
    pid_t child;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, fileno(out), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, fileno(err), STDERR_FILENO);
    const int error = posix_spawnp(&child, words[0], &files, NULL, (char *const *)words, environ);
    posix_spawn_file_actions_destroy(&files);
    answer->missing = error == ENOENT;
    answer->code = error == 0 ? wait_for(child, most_s) : -1;
}

om_status om_slurm_ask(const char *const *words, double most_s, om_slurm_answer *answer)
{
    *answer = (om_slurm_answer){.code = -1};
    FILE *out = tmpfile(), *err = tmpfile();
    om_status status = OM_OK;
    if (out == NULL || err == NULL) {
        status = om_fail_errno("a temporary file cannot be created", words[0]);
    } else {
        run(words, most_s, out, err, answer);
        read_back(out, &answer->out);
        read_back(err, &answer->err);
        if (answer->out.failed || answer->err.failed) status = om_fail(OM_ENOMEM, "no memory");
    }
    if (out != NULL) fclose(out);
    if (err != NULL) fclose(err);
    return status;
}

void om_slurm_free(om_slurm_answer *answer)
{
    om_text_free(&answer->out);
    om_text_free(&answer->err);
}

/* The next of the fields that a line has, without "n/a" and "(null)", as squeue says nothing. */
static void take_field(char **line, char *field, size_t room)
{
    char *word = strsep(line, "|\n");
    if (word == NULL || strcasecmp(word, "n/a") == 0 || strcasecmp(word, "(null)") == 0) word = "";
    snprintf(field, room, "%s", word);
}

/* ---- partitions ---- */

/* Whether a partition is among those of a list with commas; "": whether it is the default, with a *. */
static bool is_wanted(const char *list, const char *partition)
{
    const size_t n = strcspn(partition, "*");
    if (list[0] == '\0') return partition[n] == '*';
    for (const char *p = list; *p != '\0'; p += strcspn(p, ","), p += *p == ',')
        if (strcspn(p, ",") == n && strncmp(p, partition, n) == 0) return true;
    return false;
}

/* Adds a name to a list, unless it is the last there: partitions of unequal nodes have several lines. */
static void add_name(om_text *names, const char *name)
{
    const char *comma = names->data == NULL ? NULL : strrchr(names->data, ' ');
    const char *last = comma != NULL ? comma + 1 : names->data;
    if (last == NULL || strcmp(last, name) != 0)
        om_text_add(names, "%s%s", last != NULL ? ", " : "", name);
}

/* A line of sinfo: "main*|2|16+|7-00:00:00": name, sockets, cores of each, limit. */
static bool read_partition(const char *list, char *line, om_slurm_partition *p, om_text *names)
{
    char name[64], sockets[16], cores[16], limit[32];
    double max_s;
    take_field(&line, name, sizeof name);
    take_field(&line, sockets, sizeof sockets);
    take_field(&line, cores, sizeof cores);
    take_field(&line, limit, sizeof limit);
    if (!is_wanted(list, name)) {
        name[strcspn(name, "*")] = '\0';
        add_name(names, name);
        return false;
    }
    const int n = (int)(strtol(sockets, NULL, 10) * strtol(cores, NULL, 10));
    if (n > 0 && (p->cores == 0 || n < p->cores)) p->cores = n;
    if (om_slurm_seconds(limit, &max_s) && max_s < p->max_s) p->max_s = max_s;
    return true;
}

static om_status read_partitions(const char *list, char *lines, om_slurm_partition *p)
{
    om_text names = {0};
    char *rest = NULL;
    bool found = false;
    p->slurm = true;
    for (char *line = strtok_r(lines, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        found |= read_partition(list, line, p, &names);
    om_status status = OM_OK;
    if (!found && list[0] != '\0') {
        om_fail(OM_EFAIL, "there is no partition '%s' here; nothing was submitted", list);
        status = om_hint(OM_EFAIL, "--partition %s", names.data != NULL ? names.data : "NAME");
    }
    om_text_free(&names);
    return status;
}

om_status om_slurm_look(const char *name, om_slurm_partition *partition, om_text *missing)
{
    static const char *const words[] = {"sinfo", "--noheader", "--format=%P|%X|%Y|%l", NULL};
    om_slurm_answer answer;
    *partition = (om_slurm_partition){.max_s = INFINITY};
    om_status status = om_slurm_ask(words, PARTITIONS_S, &answer);
    if (status == OM_OK && answer.code == 0 && answer.out.data != NULL)
        status = read_partitions(name, answer.out.data, partition);
    else if (answer.missing)
        om_text_add(missing, "there is no SLURM on this machine: sinfo and sbatch are not here");
    else if (answer.err.data != NULL)
        om_text_add(missing, "SLURM does not answer: %s", answer.err.data);
    else
        om_text_add(missing, "SLURM does not answer");
    om_slurm_free(&answer);
    return status;
}

/* ---- jobs ---- */

/* What a store says of its job, as in "host, process 12, job 34 (name), requeued 1 times". */
typedef struct named_job {
    char number[32];
    char name[OM_JOB_NAME + 1]; /* its beginning; "": an older store, which does not say */
} named_job;

static bool read_named(const char *run, named_job *job)
{
    static const char mark[] = ", job ";
    const char *at = strstr(run, mark);
    *job = (named_job){0};
    if (at == NULL) return false;
    at += strlen(mark);
    const size_t digits = strspn(at, "0123456789");
    if (digits == 0 || digits >= sizeof job->number) return false;
    snprintf(job->number, sizeof job->number, "%.*s", (int)digits, at);
    at += digits;
    if (at[0] == ',' || at[0] == '\0') return true;
    const char *end = strrchr(at, ')');
    if (strncmp(at, " (", 2) != 0 || end == NULL || end - at - 2 > OM_JOB_NAME) return false;
    snprintf(job->name, sizeof job->name, "%.*s", (int)(end - at - 2), at + 2);
    return true;
}

/* A line of squeue's: the number that a job has for itself, and the user's. */
static const char JOB_FORMAT[] = "--format=%A|%U|%i|%T|%N|%L|%r|%j";

static void read_job(char *line, char own[32], char user[32], om_slurm_job *job)
{
    take_field(&line, own, 32);
    take_field(&line, user, 32);
    take_field(&line, job->number, sizeof job->number);
    take_field(&line, job->state, sizeof job->state);
    take_field(&line, job->nodes, sizeof job->nodes);
    take_field(&line, job->left, sizeof job->left);
    take_field(&line, job->reason, sizeof job->reason);
    take_field(&line, job->name, sizeof job->name);
    if (strcasecmp(job->reason, "none") == 0) job->reason[0] = '\0';
    if (job->nodes[0] == '\0') job->left[0] = '\0'; /* of one that waits: its limit */
}

/* What squeue says, which is no error if it says nothing: then nothing is said of SLURM. */
static bool ask_queue(const char *const *words, om_slurm_answer *answer)
{
    const om_status status = om_slurm_ask(words, JOB_S, answer);
    if (status != OM_OK) om_message_clear();
    return status == OM_OK && answer->code == 0 && answer->out.length > 0;
}

/* Numbers begin anew where a cluster is installed anew, and other clusters have them, too. */
static bool is_ours(const named_job *job, const char *own, const char *user, uid_t owner,
                    const om_slurm_job *found)
{
    char expected[32];
    snprintf(expected, sizeof expected, "%ju", (uintmax_t)owner);
    return strcmp(own, job->number) == 0 && strcmp(user, expected) == 0 &&
           (job->name[0] == '\0' || strncmp(job->name, found->name, OM_JOB_NAME) == 0);
}

bool om_slurm_find_job(const char *run, uid_t owner, om_slurm_job *found)
{
    char option[48], own[32], user[32], *rest = NULL;
    const char *const words[] = {"squeue", "--noheader", "--states=all", JOB_FORMAT, option, NULL};
    named_job job;
    om_slurm_answer answer;
    bool ours = false;
    *found = (om_slurm_job){0};
    if (!read_named(run, &job)) return false;
    snprintf(option, sizeof option, "--jobs=%s", job.number);
    /* of an array, whose number one of its tasks has, too, all of them come */
    if (ask_queue(words, &answer))
        for (char *line = strtok_r(answer.out.data, "\n", &rest); line != NULL && !ours;
             line = strtok_r(NULL, "\n", &rest)) {
            read_job(line, own, user, found);
            ours = is_ours(&job, own, user, owner, found);
        }
    if (!ours) found->number[0] = '\0';
    om_slurm_free(&answer);
    return ours;
}

int om_slurm_find_named(const char *name, om_slurm_job *jobs, int most)
{
    char option[128], whose[48], own[32], user[32], *rest = NULL;
    const char *const words[] = {"squeue", "--noheader", JOB_FORMAT, whose, option, NULL};
    om_slurm_answer answer;
    int n = 0;
    snprintf(option, sizeof option, "--name=%s,%s-merge", name, name);
    snprintf(whose, sizeof whose, "--user=%ju", (uintmax_t)getuid());
    if (ask_queue(words, &answer))
        for (char *line = strtok_r(answer.out.data, "\n", &rest); line != NULL && n < most;
             line = strtok_r(NULL, "\n", &rest))
            read_job(line, own, user, &jobs[n++]);
    om_slurm_free(&answer);
    return n;
}

void om_slurm_print_job(const om_slurm_job *job)
{
    if (job->number[0] == '\0') return;
    printf("\n  slurm       job %s (%s) %s", job->number, job->name, job->state);
    if (job->nodes[0] != '\0') printf(" on %s", job->nodes);
    if (job->left[0] != '\0') printf(", %s left", job->left);
    if (job->reason[0] != '\0') printf(": %s", job->reason);
}

json_t *om_slurm_job_json(const om_slurm_job *job)
{
    if (job->number[0] == '\0') return json_null();
    return json_pack("{s:s s:s s:s s:s? s:s? s:s?}", "job", job->number, "name", job->name, "state",
                     job->state, "nodes", job->nodes[0] ? job->nodes : NULL, "left",
                     job->left[0] ? job->left : NULL, "reason",
                     job->reason[0] ? job->reason : NULL);
}
