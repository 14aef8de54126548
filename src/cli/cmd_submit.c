/* ommatid submit: a job of SLURM that trains an ensemble to the end, however often it is interrupted.
 *
 * What is asked of SLURM comes from, first found: options, the spec's section `slurm`, SLURM's own
 * variables for sbatch, an estimate. A sweep is one job and one store, or, with --array, one of each for
 * every point, and a job that merges them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/slurm.h"
#include "ensemble/estimate.h"
#include "ensemble/job.h"
#include "ensemble/points.h"
#include "ensemble/progress.h"
#include "ensemble/submit_script.h"
#include "ommatid/om_check.h"
#include "parallel/ranks.h"

enum { PATH_BYTES = 128, MOST_SCRIPTS = 10000, MOST_EXTRA = 64 };

static const double SBATCH_S = 60;
/* Beside what is counted: a rank's MPI, HDF5 and libraries; and for what no count foresees. */
static const double RANK_BYTES = 6e7, MEMORY_FACTOR = 1.25, MEMORY_STEP = 104857600;
/* Beside the longest simulated run: rendering films, slower nodes. */
static const double TIME_FACTOR = 1.25, START_S = 300, TIME_STEP_S = 300;
static const double ANY_RATE = 1e4; /* iterations/s, where time is not asked for */
static const double UNIT_S = 20, SPREAD = 0.1, VARIES = 0.03; /* as of `plan` */

static struct {
    const char *partition, *account, *qos, *constraint, *time, *mem, *mail_user, *store;
    int nodes, ranks_per_node, threads, array;
    bool dry_run;
} set;

static const om_option options[] = {
    {"partition", 'p', OM_OPTION_TEXT, "NAME", "partition; default: the cluster's",
     .value = &set.partition},
    {"nodes", 'N', OM_OPTION_INT, "K", "nodes; default: 1", .value = &set.nodes, .least = 1,
     .most = 10000},
    {"ranks-per-node", 0, OM_OPTION_INT, "R",
     "ranks that train on each; default: one for each core, or model if they are fewer",
     .value = &set.ranks_per_node, .least = 1, .most = 1024},
    {"threads", 0, OM_OPTION_INT, "T", "cores of each rank; default: 1", .value = &set.threads,
     .least = 1, .most = 1024},
    {"time", 't', OM_OPTION_TEXT, "LIMIT",
     "of one job, as in 12:00:00; default: estimated, but the partition's limit at most",
     .value = &set.time},
    {"mem", 0, OM_OPTION_TEXT, "SIZE", "memory of each node, as in 8G; default: estimated",
     .value = &set.mem},
    {"account", 'A', OM_OPTION_TEXT, "NAME", "who pays", .value = &set.account},
    {"qos", 0, OM_OPTION_TEXT, "NAME", "quality of service", .value = &set.qos},
    {"constraint", 'C', OM_OPTION_TEXT, "FEATURES", "of the nodes", .value = &set.constraint},
    {"mail-user", 0, OM_OPTION_TEXT, "ADDRESS", "is told of the end", .value = &set.mail_user},
    {"store", 'o', OM_OPTION_FILE, "STORE",
     "the store; default: NAME.h5, by the spec's name, of SPEC:1 NAME.point1.h5",
     .value = &set.store},
    {"array", 0, OM_OPTION_INT, "N",
     "of a sweep: a job for each point, N of them at once, and one that merges their stores",
     .value = &set.array, .least = 1, .most = OM_SWEEP_MOST_POINTS},
    {"dry-run", 0, OM_OPTION_FLAG, NULL, "print the script and submit nothing; needs no SLURM",
     .value = &set.dry_run},
    {0},
};

typedef struct submitting {
    const om_arguments *args;
    om_job
        job; /* the ensemble, as a run would have it, but nothing is trained; of a sweep its first point */
    om_sweep *sweep;
    int models;                                                             /* of one job */
    char point_spec[OM_SWEEP_PATH_BYTES], point_store[OM_SWEEP_PATH_BYTES]; /* of that point */
    om_submission s;
    om_slurm_partition partition;
    om_text missing; /* why SLURM does not answer */
    char store[OM_SWEEP_PATH_BYTES], program[PATH_MAX], path[PATH_BYTES];
    char merge[32];     /* number of the job that merges */
    char number[32];    /* of the job */
    double estimated_s; /* 0: time was not asked for */
} submitting;

/* ---- what is asked for ---- */

/* One word of what is asked for. */
typedef struct word {
    const char *const *option;
    const char *name; /* of option and key */
    size_t at;        /* in om_slurm_options */
    const char *variable;
} word;

#define AT(field) offsetof(om_slurm_options, field)
static const word words[] = {
    {&set.partition, "partition", AT(partition), "SBATCH_PARTITION"},
    {&set.account, "account", AT(account), "SBATCH_ACCOUNT"},
    {&set.qos, "qos", AT(qos), "SBATCH_QOS"},
    {&set.constraint, "constraint", AT(constraint), "SBATCH_CONSTRAINT"},
    {&set.time, "time", AT(time), "SBATCH_TIMELIMIT"},
    {&set.mem, "mem", AT(mem), "SBATCH_MEM_PER_NODE"},
    {&set.mail_user, "mail-user", AT(mail_user), NULL},
};

/* What the script says itself. */
static const char *const ours[] = {"SBATCH_JOB_NAME", "SBATCH_OUTPUT",     "SBATCH_OPEN_MODE",
                                   "SBATCH_SIGNAL",   "SBATCH_NO_REQUEUE", "SBATCH_REQUEUE"};

/* A variable would win over the script, which says all of it: it is taken in, and away. */
static om_status take_words(om_slurm_options *o)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const word *w = &words[i];
        char *field = (char *)o + w->at;
        const char *text = *w->option, *from = w->name, *dashes = "--";
        if (text == NULL && field[0] == '\0' && w->variable != NULL) {
            text = getenv(w->variable);
            from = w->variable, dashes = "";
        }
        if (text != NULL && !om_slurm_is_word(text)) {
            om_fail(OM_EUSAGE,
                    "%s%s '%s': expected a word without quotes, of at most %d characters", dashes,
                    from, text, OM_SLURM_WORD - 1);
            return om_hint(OM_EUSAGE, "ommatid submit --help");
        }
        if (text != NULL) strcpy(field, text);
        if (w->variable != NULL) unsetenv(w->variable);
    }
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) unsetenv(ours[i]);
    return OM_OK;
}

static int first_of(int a, int b, int c) { return a > 0 ? a : b > 0 ? b : c; }

/* One rank for each core of a node, and none without a model. */
static int usual_ranks(const submitting *t)
{
    const om_slurm_options *o = &t->s.slurm;
    const int cores = t->partition.cores > 0 ? t->partition.cores : om_rank_cores();
    const int fit = cores / o->threads, models = (t->models + o->nodes - 1) / o->nodes;
    const int n = fit < models ? fit : models;
    return n < 1 ? 1 : n < 1024 ? n : 1024;
}

static om_status take_numbers(submitting *t)
{
    om_slurm_options *o = &t->s.slurm;
    o->nodes = first_of(set.nodes, o->nodes, 1);
    o->threads = first_of(set.threads, o->threads, 1);
    o->ranks_per_node = first_of(set.ranks_per_node, o->ranks_per_node, usual_ranks(t));
    const int models = t->models;
    /* nodes are alike, so that where models do not share out evenly some ranks have none */
    if (o->nodes <= models && (int64_t)o->nodes * (o->ranks_per_node - 1) < models) return OM_OK;
    om_fail(OM_EUSAGE, "submit: %d node%s x %d rank%s, but %s has %d model%s", o->nodes,
            o->nodes > 1 ? "s" : "", o->ranks_per_node, o->ranks_per_node > 1 ? "s" : "",
            t->args->words[0], models, models > 1 ? "s" : "");
    return om_hint(OM_EUSAGE, "a rank for each model at most, with more --threads");
}

/* ---- estimates ---- */

static void say_memory(submitting *t, const om_estimate *e)
{
    om_slurm_options *o = &t->s.slurm;
    const double ranks = (e->rank_bytes + RANK_BYTES) * o->ranks_per_node;
    const double all = ranks + RANK_BYTES + e->film_bytes; /* on one node a rank coordinates, too */
    const double asked = ceil(MEMORY_FACTOR * all / MEMORY_STEP) * MEMORY_STEP;
    snprintf(o->mem, sizeof o->mem, "%.0fM", asked / 1048576);
}

static void say_time(submitting *t, const om_estimate *e)
{
    t->estimated_s = e->runs[OM_ESTIMATE_RUNS - 1].seconds;
    /* points of a sweep that share a job are taken for alike */
    if (t->sweep != NULL && t->s.points == 0) t->estimated_s *= t->sweep->n_points;
    const double asked_s =
        ceil((TIME_FACTOR * t->estimated_s + START_S) / TIME_STEP_S) * TIME_STEP_S;
    om_slurm_time(fmin(asked_s, 365 * 86400.0), t->s.slurm.time);
}

/* More than the partition allows would never begin; the job goes on in another. */
static om_status cap_time(submitting *t)
{
    double asked_s;
    char *time = t->s.slurm.time;
    if (!om_slurm_seconds(time, &asked_s) || !(asked_s > t->partition.max_s)) return OM_OK;
    if (t->estimated_s == 0 && !t->args->quiet)
        fprintf(stderr, "time: the partition allows less than %s: the job requeues itself\n", time);
    om_slurm_time(t->partition.max_s, time);
    return OM_OK;
}

static om_status estimate(submitting *t)
{
    om_slurm_options *o = &t->s.slurm;
    om_estimate e;
    const bool wants_time = o->time[0] == '\0', wants_memory = o->mem[0] == '\0';
    const om_estimate_options how = {.spec_file = t->point_spec,
                                     .ranks = o->nodes * o->ranks_per_node,
                                     .nodes = o->nodes,
                                     .threads = o->threads,
                                     .rate = wants_time ? 0 : ANY_RATE,
                                     .unit_s = UNIT_S,
                                     .spread = SPREAD,
                                     .varies = VARIES,
                                     .cores = om_rank_cores()};
    if (wants_time && !t->args->quiet) fprintf(stderr, "measuring for a few seconds\n");
    if (wants_time || wants_memory) OM_TRY(om_estimate_run(&how, &e));
    if (wants_memory) say_memory(t, &e);
    if (wants_time) say_time(t, &e);
    return cap_time(t);
}

/* ---- before anything is written ---- */

/* As a run would find it. */
static om_status check_store(submitting *t)
{
    const char *path = t->point_store;
    char holder[OM_MESSAGE_BYTES];
    OM_TRY(om_check_folder(t->s.store));
    if (t->s.points > 0 && !set.dry_run)
        OM_TRY(om_points_may_replace(t->s.spec, t->sweep, t->s.store));
    om_store_plan plan = om_job_store_plan(&t->job);
    plan.scenes = NULL;
    plan.layout = NULL;
    OM_TRY(om_job_match_store(path, &plan));
    const om_lock_state lock = om_store_inspect_lock(path, holder);
    if (set.dry_run || lock == OM_LOCK_NONE || lock == OM_LOCK_STALE) return OM_OK;
    if (lock == OM_LOCK_STRANGE)
        return om_fail(OM_EBUSY, "%s.lock: is not a lock that this program has written", path);
    om_fail(OM_EBUSY, "%s: is being trained by %s; nothing was submitted", path, holder);
    om_hint(OM_EBUSY, "waiting, or another --store");
    if (lock == OM_LOCK_LIVE) return OM_EBUSY;
    return om_hint(OM_EBUSY, "rm '%s.lock' if nothing runs there any more", path);
}

/* Options of sbatch come after the spec, and begin with a dash. */
static om_status take_extra(submitting *t)
{
    const om_arguments *args = t->args;
    t->s.extra = args->words + 1;
    t->s.n_extra = args->n - 1;
    if (t->s.n_extra == 0 || args->words[1][0] == '-') return OM_OK;
    om_fail(OM_EUSAGE, "submit: '%s': expected an option of sbatch", args->words[1]);
    return om_hint(OM_EUSAGE, "ommatid submit %s -- --exclusive", args->words[0]);
}

/* A sweep's points, or the spec itself as the only one. */
static om_status read_points(submitting *t)
{
    const char *file = t->args->words[0];
    char *text = NULL;
    OM_TRY(om_spec_text(file, &text));
    om_status status = om_spec_sweep(file, text, &t->sweep);
    om_free(text);
    OM_TRY(status);
    if (t->sweep == NULL) {
        if (set.array > 0)
            return om_fail(OM_EUSAGE, "submit --array: %s has no section 'sweep'", file);
        snprintf(t->point_spec, sizeof t->point_spec, "%s", file);
        return OM_OK;
    }
    for (int p = 0; p < t->sweep->n_points; p++) {
        OM_TRY(om_spec_parse(file, t->sweep->specs[p], &t->job.spec));
        t->models += t->job.spec.models;
    }
    if (set.array == 0) return om_sweep_point_path(file, 0, t->point_spec);
    t->s.points = t->sweep->n_points;
    t->s.at_once = set.array;
    return om_sweep_point_path(file, 0, t->point_spec);
}

/* The store of the first point, which is a file of its own in an array. */
static om_status name_store(submitting *t)
{
    if (t->s.points > 0) return om_sweep_store_of(t->s.store, 0, t->point_store);
    if (t->sweep != NULL) return om_sweep_point_path(t->s.store, 0, t->point_store);
    snprintf(t->point_store, sizeof t->point_store, "%s", t->s.store);
    return OM_OK;
}

static om_status prepare(submitting *t)
{
    const char *file = t->args->words[0];
    om_spec *spec = &t->job.spec;
    OM_TRY(take_extra(t));
    OM_TRY(read_points(t));
    OM_TRY(om_spec_read(t->point_spec, spec, &t->job.spec_text));
    OM_TRY(om_job_circuit(t->point_spec, t->job.spec_text, spec, &t->job.circuit));
    if (t->sweep == NULL || t->s.points > 0) t->models = spec->models;
    om_slurm_job_name(spec->name, t->s.job);
    OM_TRY(om_usual_store(file, spec->name, t->store));
    t->s.store = set.store != NULL ? set.store : t->store;
    t->s.spec = file;
    OM_TRY(name_store(t));
    t->s.slurm = spec->slurm;
    if (readlink("/proc/self/exe", t->program, sizeof t->program - 1) < 0)
        return om_fail_errno("cannot find this program", "/proc/self/exe");
    t->s.program = t->program;
    OM_TRY(check_store(t));
    OM_TRY(take_words(&t->s.slurm));
    OM_TRY(om_slurm_look(t->s.slurm.partition, &t->partition, &t->missing));
    if (!t->partition.slurm && !set.dry_run) {
        om_fail(OM_EFAIL, "%s; nothing was submitted",
                t->missing.data != NULL ? t->missing.data : "no memory");
        return om_hint(OM_EFAIL, "ommatid run %s -o %s, or --dry-run for the script", file,
                       t->s.store);
    }
    OM_TRY(take_numbers(t));
    return estimate(t);
}

/* ---- submitting ---- */

/* Into a new file jobs/JOB-1.sbatch, or -2, ... */
static om_status write_script(const char *job, const om_text *script, char path[PATH_BYTES])
{
    int file = -1;
    if (mkdir("jobs", 0777) != 0 && errno != EEXIST)
        return om_fail_errno("cannot be created", "jobs");
    for (int i = 1; file < 0 && i <= MOST_SCRIPTS; i++) {
        snprintf(path, PATH_BYTES, "jobs/%s-%d.sbatch", job, i);
        file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file < 0 && errno != EEXIST) break;
    }
    if (file < 0) return om_fail_errno("cannot be created", path);
    const bool written = write(file, script->data, script->length) == (ssize_t)script->length;
    if (close(file) == 0 && written) return OM_OK;
    om_status status = om_fail_errno("cannot be written", path);
    unlink(path);
    return status;
}

/* What sbatch complained of, without its name before each line. */
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

/* after: number of a job that is to have ended; NULL: none. */
static om_status submit(const char *path, const char *after, char number[32])
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
    if (status == OM_OK) return OM_OK;
    unlink(path);
    rmdir("jobs"); /* if nothing else is in it */
    return status;
}

/* The job that merges what an array leaves. */
static om_status submit_merge(submitting *t)
{
    char job[OM_SLURM_JOB_NAME + 8], path[PATH_BYTES];
    om_text script = {0};
    snprintf(job, sizeof job, "%s-merge", t->s.job);
    om_status status = om_merge_script(&t->s, &script);
    if (status == OM_OK) status = write_script(job, &script, path);
    if (status == OM_OK) status = submit(path, t->number, t->merge);
    om_text_free(&script);
    if (status != OM_OK)
        om_context(status, "job %s trains the points, but nothing merges them", t->number);
    return status;
}

static void tell(const submitting *t)
{
    const om_slurm_options *o = &t->s.slurm;
    char text[32];
    printf("job %s: %s, %d node%s x %d rank%s x %d thread%s, %s a node, %s\n", t->number, t->s.job,
           o->nodes, o->nodes > 1 ? "s" : "", o->ranks_per_node, o->ranks_per_node > 1 ? "s" : "",
           o->threads, o->threads > 1 ? "s" : "", o->mem, o->time);
    if (t->estimated_s > 0) {
        om_progress_duration(t->estimated_s, text, sizeof text);
        printf("  estimate    %s on a machine like this one\n", text);
    }
    if (t->s.points > 0)
        printf("  points      %d jobs, %d at once; job %s merges them\n", t->s.points, t->s.at_once,
               t->merge);
    printf("  store       %s\n", t->s.store);
    printf("  script      %s\n", t->path);
    printf("  follow it   squeue -j %s\n", t->number);
    /* of a spec it shows an array's points also where an older merged file is */
    printf("              ommatid status %s\n",
           t->s.points > 0 && set.store == NULL ? t->s.spec : t->s.store);
    printf("              tail -F jobs/%s-%s%s.log\n", t->s.job, t->number,
           t->s.points > 0 ? "_0" : "");
    printf("  end it      scancel %s\n", t->number);
}

static om_status tell_json(const submitting *t)
{
    const om_slurm_options *o = &t->s.slurm;
    return om_command_print_json(
        json_pack("{s:s s:s? s:s s:s s:s s:o s:i s:i s:i s:s s:s}", "job", t->number, "merge_job",
                  t->s.points > 0 ? t->merge : NULL, "name", t->s.job, "store", t->s.store,
                  "script", t->path, "log", json_sprintf("jobs/%s-%s.log", t->s.job, t->number),
                  "nodes", o->nodes, "ranks_per_node", o->ranks_per_node, "threads", o->threads,
                  "mem", o->mem, "time", o->time));
}

static om_status run_with(submitting *t)
{
    om_text script = {0};
    om_status status = prepare(t);
    if (status == OM_OK) status = om_submission_script(&t->s, &script);
    if (status == OM_OK && set.dry_run) {
        fputs(script.data, stdout);
    } else if (status == OM_OK) {
        status = write_script(t->s.job, &script, t->path);
        if (status == OM_OK) status = submit(t->path, NULL, t->number);
        if (status == OM_OK && t->s.points > 0) status = submit_merge(t);
        if (status == OM_OK && t->args->json)
            status = tell_json(t);
        else if (status == OM_OK)
            tell(t);
    }
    om_text_free(&script);
    return status;
}

static om_status run(const om_arguments *args)
{
    submitting *t = NULL;
    OM_TRY(om_alloc(1, sizeof *t, &t));
    t->args = args;
    om_status status = run_with(t);
    om_circuit_free(t->job.circuit);
    om_free(t->job.spec_text);
    om_text_free(&t->missing);
    om_sweep_free(t->sweep);
    om_free(t);
    return status;
}

const om_command om_cmd_submit = {
    .name = "submit",
    .summary = "has SLURM train an ensemble to the end",
    .synopsis = "SPEC",
    .details =
        "Writes a script into the folder jobs of the current one and submits it. The job warns its "
        "ranks\n"
        "before its time is over; they write their states, and it requeues itself until all models "
        "are\n"
        "trained, as long as it makes progress. Being killed, requeued or preempted loses little "
        "and\n"
        "changes nothing: the models are the same, to the bit, as of `ommatid run`. A sweep is one "
        "job and\n"
        "one store; with --array its points are trained apart, and merged, to the same result.\n"
        "\n"
        "What is not given is taken from the spec's section slurm, then from SBATCH_PARTITION and "
        "its\n"
        "like, then estimated as `ommatid plan` does. Options of sbatch that are not among these "
        "may "
        "follow a\n"
        "--, at the end.",
    .options = options,
    .json = true,
    .least = 1,
    .most = 1 + MOST_EXTRA,
    .example = "ommatid submit ensembles/motion-50.yaml --nodes 2 --partition main\n"
               "ommatid submit ensembles/controls.yaml --array 4\n"
               "ommatid submit mine.yaml --store mine.h5 --dry-run -- --exclusive",
    .run = run,
};
