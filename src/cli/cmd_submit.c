/* ommatid submit: a job of SLURM that trains an ensemble to the end, however often it is interrupted.
 *
 * What is asked of SLURM comes from, first found: options, the spec's section `slurm`, SLURM's own
 * variables for sbatch, an estimate. A sweep is one job and one store, or, with --array, one of each for
 * every point, and a job that merges them. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/sbatch.h"
#include "cli/slurm.h"
#include "ensemble/estimate.h"
#include "ensemble/job.h"
#include "ensemble/points.h"
#include "ensemble/progress.h"
#include "ensemble/submit_script.h"
#include "ommatid/om_check.h"
#include "parallel/ranks.h"

enum { MOST_EXTRA = 64 };

/* Beside what is counted: a rank's MPI, HDF5 and libraries; and for what no count foresees. */
static const double RANK_BYTES = 6e7, MEMORY_FACTOR = 1.25, MEMORY_STEP = 104857600;
static const double MERGE_BYTES = 1e9; /* or a point's whole store */
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
    {"dry-run", 0, OM_OPTION_FLAG, NULL,
     "print what would be submitted, and submit nothing; needs no SLURM", .value = &set.dry_run},
    {0},
};

typedef struct submitting {
    const om_arguments *args;
    om_job job; /* of the point that is looked at, as a run would have it; nothing is trained */
    om_sweep *sweep;
    int models;   /* of one job */
    int finished; /* points whose stores have nothing left to train */
    om_submission s;
    om_slurm_partition partition;
    om_text missing; /* why SLURM does not answer */
    char store[OM_SWEEP_PATH_BYTES], program[PATH_MAX];
    om_text script, merge_script;
    char path[OM_SBATCH_PATH], merge_path[OM_SBATCH_PATH];
    char number[OM_SBATCH_NUMBER], merge[OM_SBATCH_NUMBER]; /* of the jobs */
    double estimated_s;                                     /* 0: time was not asked for */
} submitting;

static int n_points(const submitting *t) { return t->sweep != NULL ? t->sweep->n_points : 1; }

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
    }
    om_sbatch_clean_environment();
    if (o->mem[0] == '\0' || om_slurm_is_size(o->mem)) return OM_OK;
    om_fail(OM_EUSAGE, "memory '%s': expected a size: 8G, or as many megabytes as 8000", o->mem);
    return om_hint(OM_EUSAGE, "--mem 8G, or slurm.mem in the spec");
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

/* In steps that SLURM can read. */
static void say_bytes(double bytes, char mem[OM_SLURM_WORD])
{
    const double asked = ceil(bytes / MEMORY_STEP) * MEMORY_STEP;
    snprintf(mem, OM_SLURM_WORD, "%.0fM", asked / 1048576);
}

static void say_memory(submitting *t, const om_estimate *e)
{
    om_slurm_options *o = &t->s.slurm;
    const double ranks = (e->rank_bytes + RANK_BYTES) * o->ranks_per_node;
    const double all = ranks + RANK_BYTES + e->film_bytes; /* on one node a rank coordinates, too */
    say_bytes(MEMORY_FACTOR * all, o->mem);
}

static void say_time(submitting *t, const om_estimate *e)
{
    t->estimated_s = e->runs[OM_ESTIMATE_RUNS - 1].seconds;
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

static void tell_measuring(void) { fprintf(stderr, "measuring for a few seconds\n"); }

/* Also where nothing is left to estimate: what a run would refuse is refused here. */
static om_status estimate(submitting *t)
{
    om_slurm_options *o = &t->s.slurm;
    om_estimates all;
    const bool wants_time = o->time[0] == '\0', wants_memory = o->mem[0] == '\0';
    const om_estimate_options how = {.spec_file = t->s.spec,
                                     .ranks = o->nodes * o->ranks_per_node,
                                     .nodes = o->nodes,
                                     .threads = o->threads,
                                     .rate = wants_time ? 0 : ANY_RATE,
                                     .unit_s = UNIT_S,
                                     .spread = SPREAD,
                                     .varies = VARIES,
                                     .cores = om_rank_cores(),
                                     .apart = t->s.points > 0,
                                     .tell = t->args->quiet ? NULL : tell_measuring};
    om_status status = om_estimate_run(&how, &all);
    if (status == OM_OK && all.measured < all.kinds && !t->args->quiet)
        fprintf(stderr, "time: %d of %d kinds of points measured, the others by their size\n",
                all.measured, all.kinds);
    if (status == OM_OK && wants_memory) say_memory(t, &all.whole);
    if (status == OM_OK && wants_time) say_time(t, &all.whole);
    if (status == OM_OK)
        say_bytes(fmax(MERGE_BYTES, MEMORY_FACTOR * (RANK_BYTES + all.whole.store_bytes)),
                  t->s.merge_mem);
    om_estimates_free(&all);
    return status == OM_OK ? cap_time(t) : status;
}

/* ---- before anything is written ---- */

/* Whether a store that is there has nothing left to train. */
static om_status look_for_end(const char *store, bool *finished)
{
    char file[PATH_MAX];
    om_store *there = NULL;
    om_reached reached = {0};
    *finished = false;
    om_split_part(store, file);
    if (access(file, F_OK) != 0) return OM_OK;
    OM_TRY(om_store_open(store, OM_STORE_READ, &there));
    om_status status = om_store_reached(there, &reached);
    *finished = reached.finished;
    om_store_close(there);
    return status;
}

/* Nobody may be training into a file that the job is to train into. */
static om_status check_lock(const char *store)
{
    char file[PATH_MAX], holder[OM_MESSAGE_BYTES];
    om_split_part(store, file);
    const om_lock_state lock = om_store_inspect_lock(file, holder);
    if (set.dry_run || lock == OM_LOCK_NONE || lock == OM_LOCK_STALE) return OM_OK;
    if (lock == OM_LOCK_STRANGE)
        return om_fail(OM_EBUSY, "%s.lock: is not a lock that this program has written", file);
    om_fail(OM_EBUSY, "%s: is being trained by %s; nothing was submitted", file, holder);
    om_hint(OM_EBUSY, "waiting, or another --store");
    if (lock == OM_LOCK_LIVE) return OM_EBUSY;
    return om_hint(OM_EBUSY, "rm '%s.lock' if nothing runs there any more", file);
}

/* As a run would find it. */
static om_status check_store(submitting *t, const char *store)
{
    bool finished;
    om_store_plan plan = om_job_store_plan(&t->job);
    plan.scenes = NULL;
    plan.layout = NULL;
    OM_TRY(om_job_match_store(store, &plan));
    OM_TRY(check_lock(store));
    OM_TRY(look_for_end(store, &finished));
    t->finished += finished;
    return OM_OK;
}

/* The store of a point, which is a file of its own in an array. */
static om_status name_store(const submitting *t, int point, char store[OM_SWEEP_PATH_BYTES])
{
    if (t->s.points > 0) return om_sweep_store_of(t->s.store, point, store);
    if (t->sweep != NULL) return om_sweep_point_path(t->s.store, point, store);
    snprintf(store, OM_SWEEP_PATH_BYTES, "%s", t->s.store);
    return OM_OK;
}

/* Spec, circuit and store of a point; of the first one also what is the same of all. */
static om_status look_at_point(submitting *t, int point, const char *text)
{
    char file[OM_SWEEP_PATH_BYTES], store[OM_SWEEP_PATH_BYTES];
    om_spec *spec = &t->job.spec;
    if (t->sweep != NULL)
        OM_TRY(om_sweep_point_path(t->s.spec, point, file));
    else
        snprintf(file, sizeof file, "%s", t->s.spec);
    t->job.spec_text = t->sweep != NULL ? t->sweep->specs[point] : (char *)text;
    om_spec_defaults(spec);
    OM_TRY(om_spec_parse(file, t->job.spec_text, spec));
    OM_TRY(om_job_circuit(file, t->job.spec_text, spec, &t->job.circuit));
    if (point == 0) {
        om_slurm_job_name(spec->name, t->s.job);
        OM_TRY(om_usual_store(t->s.spec, spec->name, t->store));
        t->s.store = set.store != NULL ? set.store : t->store;
        t->s.slurm = spec->slurm;
        OM_TRY(om_check_folder(t->s.store));
    }
    if (t->s.points == 0)
        t->models += spec->models;
    else if (spec->models > t->models)
        t->models = spec->models;
    OM_TRY(name_store(t, point, store));
    return check_store(t, store);
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

/* All points of a sweep, or the spec itself as the only one. */
static om_status look_at_points(submitting *t, const char *text)
{
    om_status status = om_spec_sweep(t->s.spec, text, &t->sweep);
    if (status == OM_OK && t->sweep == NULL && set.array > 0)
        status = om_fail(OM_EUSAGE, "submit --array: %s has no section 'sweep'", t->s.spec);
    if (status == OM_OK && set.array > 0) {
        t->s.points = t->sweep->n_points;
        t->s.at_once = set.array;
    }
    for (int p = 0; status == OM_OK && p < n_points(t); p++) {
        status = look_at_point(t, p, text);
        om_circuit_free(t->job.circuit);
        t->job.circuit = NULL;
    }
    t->job.spec_text = NULL; /* of the sweep, or the caller's */
    return status;
}

static om_status read_spec(submitting *t)
{
    char *text = NULL;
    t->s.spec = t->args->words[0];
    OM_TRY(om_spec_text(t->s.spec, &text));
    om_status status = look_at_points(t, text);
    om_free(text);
    return status;
}

static bool is_finished(const submitting *t) { return t->finished == n_points(t) && !set.dry_run; }

static om_status prepare(submitting *t)
{
    OM_TRY(take_extra(t));
    OM_TRY(read_spec(t));
    if (is_finished(t)) return OM_OK;
    if (t->s.points > 0 && !set.dry_run)
        OM_TRY(om_points_may_replace(t->s.spec, t->sweep, t->s.store));
    if (readlink("/proc/self/exe", t->program, sizeof t->program - 1) < 0)
        return om_fail_errno("cannot find this program", "/proc/self/exe");
    t->s.program = t->program;
    OM_TRY(take_words(&t->s.slurm));
    OM_TRY(om_slurm_look(t->s.slurm.partition, &t->partition, &t->missing));
    if (!t->partition.slurm && !set.dry_run) {
        om_fail(OM_EFAIL, "%s; nothing was submitted",
                t->missing.data != NULL ? t->missing.data : "no memory");
        return om_hint(OM_EFAIL, "ommatid run %s -o %s, or --dry-run for the script", t->s.spec,
                       t->s.store);
    }
    OM_TRY(take_numbers(t));
    OM_TRY(estimate(t));
    OM_TRY(om_submission_script(&t->s, &t->script));
    return t->s.points > 0 ? om_merge_script(&t->s, &t->merge_script) : OM_OK;
}

/* ---- submitting ---- */

/* An array and the job that merges what it leaves: both are there afterwards, or none. */
static om_status submit_both(submitting *t)
{
    char job[OM_SLURM_JOB_NAME + 8];
    snprintf(job, sizeof job, "%s-merge", t->s.job);
    OM_TRY(om_sbatch_write(job, &t->merge_script, t->merge_path));
    om_status status = om_sbatch_try(t->merge_path);
    if (status != OM_OK) return om_context(status, "the job that merges");
    OM_TRY(om_sbatch_submit(t->path, NULL, t->number));
    status = om_sbatch_submit(t->merge_path, t->number, t->merge);
    if (status == OM_OK) return OM_OK;
    om_context(status, "the job that merges");
    /* if that fails, too, it says which job is left */
    return om_sbatch_withdraw(t->number) == OM_OK ? status : OM_EFAIL;
}

static om_status submit(submitting *t)
{
    OM_TRY(om_sbatch_write(t->s.job, &t->script, t->path));
    om_status status =
        t->s.points > 0 ? submit_both(t) : om_sbatch_submit(t->path, NULL, t->number);
    if (status == OM_OK) return OM_OK;
    om_sbatch_remove(t->merge_path);
    om_sbatch_remove(t->path);
    return status;
}

/* ---- telling ---- */

static void tell(const submitting *t)
{
    const om_slurm_options *o = &t->s.slurm;
    char text[32];
    printf("job %s: %s, %d node%s x %d rank%s x %d thread%s, %s a node, %s\n", t->number, t->s.job,
           o->nodes, o->nodes > 1 ? "s" : "", o->ranks_per_node, o->ranks_per_node > 1 ? "s" : "",
           o->threads, o->threads > 1 ? "s" : "", o->mem, o->time);
    if (t->estimated_s > 0) {
        om_progress_duration(t->estimated_s, text, sizeof text);
        printf("  estimate    %s on a machine like this one%s\n", text,
               t->s.points > 0 ? ", for the longest point" : "");
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

/* The log of each job, of an array task by task. */
static json_t *logs_json(const submitting *t)
{
    json_t *logs = json_array();
    if (t->s.points == 0)
        json_array_append_new(logs, json_sprintf("jobs/%s-%s.log", t->s.job, t->number));
    for (int p = 0; p < t->s.points; p++)
        json_array_append_new(logs, json_sprintf("jobs/%s-%s_%d.log", t->s.job, t->number, p));
    return logs;
}

static const char *or_none(const char *text) { return text[0] != '\0' ? text : NULL; }

/* Of what was submitted, or, with the scripts' texts, would be. */
static om_status tell_json(const submitting *t)
{
    const om_slurm_options *o = &t->s.slurm;
    json_t *json = json_pack(
        "{s:s? s:s? s:s s:s s:s? s:s? s:o s:i s:i s:i s:s s:s}", "job", or_none(t->number),
        "merge_job", or_none(t->merge), "name", t->s.job, "store", t->s.store, "script",
        or_none(t->path), "merge_script", or_none(t->merge_path), "logs",
        set.dry_run ? json_array() : logs_json(t), "nodes", o->nodes, "ranks_per_node",
        o->ranks_per_node, "threads", o->threads, "mem", o->mem, "time", o->time);
    if (set.dry_run)
        json_object_update_new(json, json_pack("{s:s s:s?}", "text", t->script.data, "merge_text",
                                               t->merge_script.data));
    return om_command_print_json(json);
}

static om_status tell_finished(const submitting *t)
{
    char hint[OM_SWEEP_PATH_BYTES + 64] = "";
    if (t->args->json)
        return om_command_print_json(json_pack("{s:n s:n s:s s:s s:b}", "job", "merge_job", "name",
                                               t->s.job, "store", t->s.store, "finished", 1));
    if (t->s.points > 0 && access(t->s.store, F_OK) != 0)
        snprintf(hint, sizeof hint, "; to merge: ommatid merge %s -o %s", t->s.spec, t->s.store);
    printf("%s: nothing is left to train; nothing was submitted%s\n", t->s.store, hint);
    return OM_OK;
}

static void print_scripts(const submitting *t)
{
    fputs(t->script.data, stdout);
    if (t->merge_script.data != NULL)
        printf("\n# ======== and a job that begins when all tasks have ended: ========\n\n%s",
               t->merge_script.data);
}

static om_status run_with(submitting *t)
{
    OM_TRY(prepare(t));
    if (is_finished(t)) return tell_finished(t);
    if (!set.dry_run) OM_TRY(submit(t));
    if (t->args->json) return tell_json(t);
    if (set.dry_run)
        print_scripts(t);
    else
        tell(t);
    return OM_OK;
}

static om_status run(const om_arguments *args)
{
    submitting *t = NULL;
    OM_TRY(om_alloc(1, sizeof *t, &t));
    t->args = args;
    om_status status = run_with(t);
    om_text_free(&t->missing);
    om_text_free(&t->script);
    om_text_free(&t->merge_script);
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
