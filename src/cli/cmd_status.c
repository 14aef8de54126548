/* ommatid status: how a run is doing, read beside it without disturbing it. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/open_store.h"
#include "cli/race_print.h"
#include "cli/run_state.h"
#include "cli/slurm.h"
#include "cli/status_subject.h"
#include "cli/status_sweep.h"
#include "ensemble/progress.h"

static const double WATCH_EVERY_S = 2;

static struct {
    bool all, watch;
} set;

static const om_option options[] = {
    {"all", 'a', OM_OPTION_FLAG, NULL, "list every model, not only those that run or failed",
     .value = &set.all},
    {"watch", 'w', OM_OPTION_FLAG, NULL, "again every two seconds, until nothing runs any more",
     .value = &set.watch},
    {0},
};

/* What is read at one moment. */
typedef struct picture {
    const om_store_info *info;
    om_model_row *rows; /* [n_models] */
    float *error;       /* [n_models] selection measure at the best check; NaN */
    float *check;       /* [n_checks] of the model at hand */
    om_run_row run;
    om_run_state state;
    int count[OM_MODEL_FAILED + 1];
    int retries, set_back, replacements, replaced; /* times, and of how many models */
    uint64_t iterations, total;
    om_race_tally race;
    int best;           /* -1: none */
    om_slurm_job slurm; /* number "": nothing is known */
    double slurm_s;     /* when it was asked; 0: not yet */
} picture;

static om_status read_error(om_store *store, const picture *p, int model)
{
    const om_store_info *info = p->info;
    float *check = p->check;
    bool epe = info->selection == OM_LOSS_EPE;
    OM_TRY(om_store_read_history(store, model, NULL, NULL, epe ? NULL : check, epe ? check : NULL));
    p->error[model] = NAN;
    for (int i = 0; i < info->layout.n_checks; i++)
        if (!isnan(check[i]) && !(check[i] >= p->error[model])) p->error[model] = check[i];
    return OM_OK;
}

static om_status take_picture(om_store *store, picture *p)
{
    for (int s = 0; s <= OM_MODEL_FAILED; s++) p->count[s] = 0;
    p->race = om_race_tally_of(p->info);
    p->iterations = 0;
    p->retries = p->set_back = p->replacements = p->replaced = 0;
    p->best = -1;
    OM_TRY(om_store_read_rows(store, p->rows));
    OM_TRY(om_store_read_run(store, &p->run));
    for (int m = 0; m < p->info->n_models; m++) {
        OM_TRY(read_error(store, p, m));
        const om_model_row *r = &p->rows[m];
        p->count[r->status]++;
        om_race_count(&p->race, r->status, r->iteration);
        p->retries += (int)r->retries;
        p->set_back += r->retries > 0;
        p->replacements += om_row_replacements(r);
        p->replaced += om_row_replacements(r) > 0;
        if (p->info->imported_from == NULL) /* others are not trained here */
            p->iterations += p->rows[m].iteration;
        if (r->status == OM_MODEL_DIVERGED || r->status == OM_MODEL_FAILED)
            continue; /* not ranked */
        if (!isnan(p->error[m]) && (p->best < 0 || p->error[m] < p->error[p->best])) p->best = m;
    }
    p->total = p->info->imported_from == NULL ? om_race_iterations(&p->race) : 0;
    p->state = om_run_state_of(p->info->path, &p->run, p->count);
    return OM_OK;
}

static const char *state_of(const picture *p)
{
    return p->info->imported_from != NULL ? "imported" : om_run_state_name(p->state);
}

/* What SLURM says of the job, unless there is nothing left to do. */
static void ask_slurm(picture *p)
{
    struct stat info;
    char file[PATH_MAX];
    const double now_s = om_clock_s();
    if (p->slurm_s > 0 && now_s - p->slurm_s < OM_SLURM_EVERY_S) return;
    p->slurm_s = now_s;
    p->slurm = (om_slurm_job){0};
    if (p->info->imported_from != NULL || p->state == OM_RUN_FINISHED) return;
    om_split_part(p->info->path, file);
    if (stat(file, &info) == 0) om_slurm_find_job(p->run.job, info.st_uid, &p->slurm);
}

static const char *selection_name(const picture *p)
{
    return p->info->selection == OM_LOSS_EPE ? "EPE" : "l2norm";
}

static void print_iteration(uint64_t iteration)
{
    if (iteration == OM_ITERATION_UNKNOWN)
        printf("%9s", "-");
    else
        printf("%9llu", (unsigned long long)iteration);
}

/* What the learning rates of a model are multiplied by. */
static void print_models(const picture *p)
{
    bool head = false;
    for (int m = 0; m < p->info->n_models; m++) {
        const om_model_row *r = &p->rows[m];
        if (!set.all && r->status != OM_MODEL_RUNNING && r->status != OM_MODEL_DIVERGED &&
            r->status != OM_MODEL_FAILED)
            continue;
        if (!head)
            printf(
                "\nmodel  status     iteration  worker   seconds  attempts  retries     rate  best "
                "%-6s\n",
                selection_name(p));
        head = true;
        printf("%5d  %-9s  ", m, om_model_status_name(r->status));
        print_iteration(r->iteration);
        printf("  %6d  %8.0f  %8u  %7u  x%7.3g  ", r->worker, r->seconds, r->attempts, r->retries,
               om_rate_factor(r->retries));
        if (isnan(p->error[m]))
            printf("%11s", "-");
        else
            printf("%11.4f", (double)p->error[m]);
        if (p->info->sources != NULL) printf("  %s", p->info->sources[m]);
        printf("%s%s", r->message[0] ? "  " : "", r->message);
        if (om_row_replacements(r) > 0)
            printf("  (stream %u: replaces stream %u, which diverged after iteration %llu)",
                   r->stream, r->stream - OM_STREAMS, (unsigned long long)r->replaced_at);
        printf("\n");
    }
}

static void print_text(const picture *p)
{
    char text[32];
    const char *state = state_of(p);
    printf("%s: %s\n", p->info->name, state);
    printf("  models      %d done, %d running, %d waiting", p->count[OM_MODEL_DONE],
           p->count[OM_MODEL_RUNNING], p->count[OM_MODEL_WAITING]);
    if (p->count[OM_MODEL_STOPPED] > 0) printf(", %d stopped", p->count[OM_MODEL_STOPPED]);
    if (p->count[OM_MODEL_DIVERGED] > 0) printf(", %d diverged", p->count[OM_MODEL_DIVERGED]);
    if (p->count[OM_MODEL_FAILED] > 0) printf(", %d failed", p->count[OM_MODEL_FAILED]);
    if (p->retries > 0)
        printf("\n  retries     %d, of %d model%s: at half the learning rate each time", p->retries,
               p->set_back, p->set_back > 1 ? "s" : "");
    if (p->replacements > 0)
        printf("\n  replaced    %d time%s, in %d row%s", p->replacements,
               p->replacements > 1 ? "s" : "", p->replaced, p->replaced > 1 ? "s" : "");
    if (p->info->imported_from != NULL)
        printf("\n  from        %s", p->info->imported_from);
    else if (p->total == 0)
        printf("\n  iterations  none: models stay untrained (train.task)");
    else
        printf("\n  iterations  %llu of %llu (%.1f %%)", (unsigned long long)p->iterations,
               (unsigned long long)p->total, 100 * (double)p->iterations / (double)p->total);
    if (p->run.trainers > 0) {
        printf(", %.1f a second", p->run.iterations_per_s);
        if (isfinite(p->run.seconds_left)) {
            om_progress_duration(p->run.seconds_left, text, sizeof text);
            printf(", %s left", text);
        }
    }
    if (p->race.legs.rungs > 0) {
        printf("\n  race        ");
        om_race_print(&p->race);
    }
    if (p->best >= 0)
        printf("\n  best        %s %.4f (model %d)", selection_name(p), (double)p->error[p->best],
               p->best);
    if (p->run.trainers > 0) {
        om_progress_duration(om_run_silence_s(&p->run), text, sizeof text);
        printf("\n  job         %s, %d trainers, last heard of %s ago", p->run.job, p->run.trainers,
               text);
        if (p->state == OM_RUN_SILENT)
            printf("\n              it has probably died: the same run command goes on from here");
    }
    om_slurm_print_job(&p->slurm);
    printf("\n");
    print_models(p);
}

static om_status print_json(const picture *p)
{
    json_t *list = json_array();
    for (int m = 0; m < p->info->n_models; m++) {
        const om_model_row *r = &p->rows[m];
        json_t *best = isnan(p->error[m]) ? json_null() : json_real((double)p->error[m]);
        json_array_append_new(
            list,
            json_pack("{s:i s:s s:o s:i s:f s:i s:i s:f s:I s:o s:o s:s s:s?}", "model", m,
                      "status", om_model_status_name(r->status), "iteration",
                      om_json_iteration(r->iteration), "worker", r->worker, "seconds", r->seconds,
                      "attempts", (int)r->attempts, "retries", (int)r->retries, "rate_factor",
                      om_rate_factor(r->retries), "stream", (json_int_t)r->stream, "replaced_at",
                      om_json_replaced_at(r->stream, r->replaced_at), "best", best, "message",
                      r->message, "source", p->info->sources != NULL ? p->info->sources[m] : NULL));
    }
    const bool here = p->info->imported_from == NULL;
    json_t *left = om_json_number(p->run.seconds_left);
    return om_command_print_json(json_pack(
        "{s:s s:s s:s? s:s s:s s:o s:o s:i s:f s:o s:s s:o s:o s:o}", "name", p->info->name,
        "store", p->info->path, "imported_from", p->info->imported_from, "state", state_of(p),
        "selection", p->info->selection == OM_LOSS_EPE ? "epe" : "l2norm", "iterations",
        here ? json_integer((json_int_t)p->iterations) : json_null(), "iterations_total",
        here ? json_integer((json_int_t)p->total) : json_null(), "trainers", (int)p->run.trainers,
        "iterations_per_s", p->run.iterations_per_s, "seconds_left", left, "job", p->run.job,
        "race", om_race_json(&p->race, p->info->race.keep), "slurm", om_slurm_job_json(&p->slurm),
        "models", list));
}

static om_status show(om_store *store, picture *p, const om_arguments *args)
{
    for (;;) {
        OM_TRY(take_picture(store, p));
        ask_slurm(p);
        if (set.watch && !args->json && isatty(STDOUT_FILENO)) printf("\033[H\033[2J");
        if (args->json)
            OM_TRY(print_json(p));
        else
            print_text(p);
        fflush(stdout);
        if (!set.watch || !om_run_goes_on(p->state)) return OM_OK;
        om_sleep_s(WATCH_EVERY_S);
    }
}

static om_status show_sweep(const om_arguments *args, const om_sweep_place *place)
{
    om_sweep_jobs jobs = {0};
    om_status status = om_alloc(OM_SWEEP_MOST_JOBS, sizeof *jobs.items, &jobs.items);
    for (bool running = true; status == OM_OK;) {
        if (set.watch && !args->json && isatty(STDOUT_FILENO)) printf("\033[H\033[2J");
        status = om_status_sweep(place, &jobs, args->json, &running);
        fflush(stdout);
        if (!set.watch || !running) break;
        om_sleep_s(WATCH_EVERY_S);
    }
    om_free(jobs.items);
    return status;
}

static om_status show_store(const om_arguments *args, om_store *store)
{
    picture p = {.info = om_store_describe(store)};
    size_t models = (size_t)p.info->n_models;
    om_status status = om_alloc(models, sizeof *p.rows, &p.rows);
    if (status == OM_OK) status = om_alloc(models, sizeof *p.error, &p.error);
    if (status == OM_OK)
        status = om_alloc((size_t)p.info->layout.n_checks, sizeof *p.check, &p.check);
    if (status == OM_OK) status = show(store, &p, args);
    om_free(p.rows);
    om_free(p.check);
    om_free(p.error);
    om_store_close(store);
    return status;
}

/* What there is before there is a store. */
static om_status show_to_come(const om_arguments *args, const om_subject *subject)
{
    const bool queued = subject->kind == OM_SUBJECT_QUEUED;
    if (args->json)
        return om_command_print_json(
            json_pack("{s:n s:s s:s s:s? s:o s:[]}", "name", "store", subject->store, "state",
                      queued ? "queued" : "preparing", "job", queued ? NULL : subject->holder,
                      "slurm", om_slurm_job_json(&subject->job), "models"));
    if (queued)
        printf("%s: there is no store yet", subject->store);
    else
        printf("%s: a run is being prepared (films are rendered)\n  by          %s", subject->store,
               subject->holder);
    om_slurm_print_job(&subject->job);
    printf("\n");
    return OM_OK;
}

static om_status show_file(const om_arguments *args, const char *path)
{
    om_store *store;
    om_sweep *sweep;
    char *name;
    OM_TRY(om_command_open_sweep(path, &sweep, &name, &store));
    if (sweep == NULL) return show_store(args, store);
    const om_sweep_place place = {.file = path, .name = name, .sweep = sweep};
    om_status status = show_sweep(args, &place);
    om_sweep_free(sweep);
    om_free(name);
    return status;
}

static om_status run(const om_arguments *args)
{
    om_subject subject;
    for (;;) {
        OM_TRY(om_subject_find(args->words[0], &subject));
        if (subject.kind != OM_SUBJECT_PREPARING && subject.kind != OM_SUBJECT_QUEUED) break;
        om_status status = show_to_come(args, &subject);
        om_subject_free(&subject);
        if (status != OM_OK || !set.watch) return status;
        fflush(stdout);
        om_sleep_s(subject.kind == OM_SUBJECT_QUEUED ? OM_SLURM_EVERY_S : WATCH_EVERY_S);
    }
    const om_sweep_place place = {.file = subject.store,
                                  .apart = true,
                                  .name = subject.name,
                                  .job = subject.name,
                                  .sweep = subject.sweep};
    om_status status = subject.kind == OM_SUBJECT_POINTS ? show_sweep(args, &place)
                                                         : show_file(args, subject.store);
    om_subject_free(&subject);
    return status;
}

const om_command om_cmd_status = {
    .name = "status",
    .summary = "how a run is doing, while it runs or after",
    .synopsis = "STORE|SPEC [--watch]",
    .details =
        "Of SPEC.yaml it shows the store that `submit` names by it, NAME.h5, or the points of a "
        "sweep that are\n"
        "trained one by one, NAME.point0.h5 and so on, side by side, whichever is the newest. "
        "Before there is\n"
        "a store, it says how the job that SLURM has of that name waits.",
    .options = options,
    .json = true,
    .least = 1,
    .most = 1,
    .example = "ommatid status quickstart.h5 --watch\n"
               "ommatid status controls.yaml",
    .run = run,
};
