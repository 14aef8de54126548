/* Writing a job's script, and SLURM's notation. */
#include "ensemble/submit_script.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fail.h"

extern const char om_embedded_job[]; /* jobs/one-node.sbatch */

/* Where the part begins that is the same in every job. */
static const char COMMON[] = "\n# ---- the same in every job ";
/* How long before its end a job is told, s; a short one within its last quarter. */
static const double NOTICE_S = 120;
static const double MERGE_S = 1800;

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

/* ---- notation ---- */

bool om_slurm_is_word(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("\"'\\", *c) != NULL) return false;
    return strlen(text) < OM_SLURM_WORD;
}

bool om_slurm_seconds(const char *text, double *seconds)
{
    *seconds = INFINITY;
    if (strcasecmp(text, "UNLIMITED") == 0 || strcasecmp(text, "infinite") == 0) return true;
    return om_parse_slurm_time(text, seconds);
}

bool om_slurm_is_size(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    if (digits == 0 || unit[0] == '\0') return digits > 0;
    return strchr("KMGTkmgt", unit[0]) != NULL && (!unit[1] || strcasecmp(unit + 1, "B") == 0);
}

void om_slurm_time(double seconds, char text[OM_SLURM_TIME])
{
    const long long s = (long long)ceil(seconds);
    int n = 0;
    if (s >= DAY_S) n = snprintf(text, OM_SLURM_TIME, "%lld-", s / DAY_S);
    snprintf(text + n, OM_SLURM_TIME - (size_t)n, "%02lld:%02lld:%02lld", s % DAY_S / HOUR_S,
             s % HOUR_S / MINUTE_S, s % MINUTE_S);
}

void om_slurm_job_name(const char *name, char job[OM_SLURM_JOB_NAME])
{
    snprintf(job, OM_SLURM_JOB_NAME, "%s", name);
    for (char *c = job; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL) *c = '-';
    if (job[0] == '-' || job[0] == '.') job[0] = '_'; /* no option, no hidden file */
}

/* ---- the script ---- */

/* A word for the shell, in quotes where it needs them. */
static void add_quoted(om_text *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./,:+@%=-";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        om_text_add(out, "%s", word);
        return;
    }
    om_text_add(out, "'");
    for (const char *c = word; *c != '\0'; c++)
        if (*c == '\'')
            om_text_add(out, "'\\''");
        else
            om_text_add(out, "%c", *c);
    om_text_add(out, "'");
}

static void add_directive(om_text *out, const char *name, const char *value)
{
    if (value[0] != '\0') om_text_add(out, "#SBATCH --%s=%s\n", name, value);
}

static void add_number(om_text *out, const char *name, int value)
{
    om_text_add(out, "#SBATCH --%s=%d\n", name, value);
}

/* Further words for sbatch, which reads such a line as a shell would. */
static om_status add_extra(om_text *out, const om_submission *s)
{
    if (s->n_extra == 0) return OM_OK;
    om_text_add(out, "#SBATCH");
    for (int i = 0; i < s->n_extra; i++) {
        const char *word = s->extra[i];
        for (const char *c = word; *c != '\0'; c++)
            if ((unsigned char)*c < ' ')
                return om_fail(OM_EUSAGE, "'%s': a word for sbatch with a control character", word);
        om_text_add(out, " ");
        add_quoted(out, word);
    }
    om_text_add(out, "\n");
    return OM_OK;
}

static om_status read_limit(const om_slurm_options *o, double *limit_s)
{
    if (om_slurm_seconds(o->time, limit_s) && *limit_s > 0) return OM_OK;
    om_fail(OM_EUSAGE, "time limit '%s': expected minutes, or as in 12:00:00 or 2-00:00:00",
            o->time);
    return om_hint(OM_EUSAGE, "--time 12:00:00, or slurm.time in the spec");
}

/* Where a job runs, and for whom. */
static void add_place(om_text *out, const om_slurm_options *o)
{
    add_directive(out, "partition", o->partition);
    add_directive(out, "account", o->account);
    add_directive(out, "qos", o->qos);
    add_directive(out, "constraint", o->constraint);
}

/* Whom a job's end is told, and what else was asked for. */
static om_status add_rest(om_text *out, const om_submission *s)
{
    const char *who = s->slurm.mail_user;
    add_directive(out, "mail-user", who);
    if (who[0] != '\0') add_directive(out, "mail-type", "END,FAIL");
    return add_extra(out, s);
}

static om_status add_head(om_text *out, const om_submission *s)
{
    const om_slurm_options *o = &s->slurm;
    double limit_s;
    OM_TRY(read_limit(o, &limit_s));
    om_text_add(out, "#SBATCH --job-name=%s\n", s->job);
    add_place(out, o);
    add_number(out, "nodes", o->nodes);
    add_number(out, "ntasks-per-node", o->ranks_per_node);
    add_number(out, "cpus-per-task", o->threads);
    add_directive(out, "mem", o->mem);
    add_directive(out, "time", o->time);
    om_text_add(out, "#SBATCH --signal=B:USR1@%.0f\n", fmin(NOTICE_S, limit_s / 4));
    om_text_add(out, "#SBATCH --requeue\n#SBATCH --open-mode=append\n");
    if (s->points > 0)
        om_text_add(out, "#SBATCH --array=0-%d%%%d\n#SBATCH --output=jobs/%%x-%%A_%%a.log\n",
                    s->points - 1, s->at_once);
    else
        om_text_add(out, "#SBATCH --output=jobs/%%x-%%j.log\n");
    return add_rest(out, s);
}

static void add_assignment(om_text *out, const char *name, const char *value)
{
    om_text_add(out, "%s=", name);
    add_quoted(out, value);
    om_text_add(out, "\n");
}

/* What the job trains: of an array each its own point. */
static om_status add_subject(om_text *out, const om_submission *s)
{
    char of_point[OM_SWEEP_PATH_BYTES];
    add_assignment(out, "program", s->program);
    if (s->points == 0) {
        add_assignment(out, "spec", s->spec);
        add_assignment(out, "store", s->store);
        return OM_OK;
    }
    OM_TRY(om_sweep_store_of(s->store, 0, of_point));
    char *zero = strstr(of_point, ".point0") + strlen(".point");
    om_text_add(out, "spec=");
    add_quoted(out, s->spec);
    om_text_add(out, ":$SLURM_ARRAY_TASK_ID\nstore=");
    *zero = '\0';
    add_quoted(out, of_point);
    om_text_add(out, "$SLURM_ARRAY_TASK_ID");
    add_quoted(out, zero + 1);
    om_text_add(out, "\n");
    return OM_OK;
}

om_status om_submission_script(const om_submission *s, om_text *script)
{
    const char *common = strstr(om_embedded_job, COMMON);
    if (common == NULL) return om_fail(OM_EFAIL, "the form of jobs was built without its mark");
    om_text_add(script, "#!/bin/bash\n");
    OM_TRY(add_head(script, s));
    OM_TRY(add_subject(script, s));
    om_text_add(script, "%s", common);
    return script->failed ? om_fail(OM_ENOMEM, "no memory for the script of a job") : OM_OK;
}

om_status om_merge_script(const om_submission *s, om_text *script)
{
    double limit_s;
    char time[OM_SLURM_TIME];
    OM_TRY(read_limit(&s->slurm, &limit_s));
    om_slurm_time(fmin(MERGE_S, limit_s), time);
    om_text_add(
        script,
        "#!/bin/bash\n"
        "# Puts the stores of a sweep's points into one file, when their jobs have ended; those\n"
        "# that have left none are named, and missing in it.\n"
        "#SBATCH --job-name=%s-merge\n",
        s->job);
    add_place(script, &s->slurm);
    om_text_add(script, "#SBATCH --ntasks=1\n");
    add_directive(script, "mem", s->merge_mem);
    add_directive(script, "time", time);
    om_text_add(script, "#SBATCH --output=jobs/%%x-%%j.log\n");
    OM_TRY(add_rest(script, s));
    add_assignment(script, "program", s->program);
    add_assignment(script, "spec", s->spec);
    add_assignment(script, "store", s->store);
    om_text_add(script, "\n\"$program\" merge \"$spec\" -o \"$store\"\ncode=$?\n"
                        "[ ! -e \"$store\" ] || \"$program\" rank \"$store\"\nexit $code\n");
    return script->failed ? om_fail(OM_ENOMEM, "no memory for the script of a job") : OM_OK;
}
