/* Choosing a layout: what is left, what it may be, how fast that is. Whatever goes wrong while measuring
 * is no failure of the run: one thread for each rank is always a layout that works. */
#include "ensemble/layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "ensemble/job.h"
#include "ensemble/race.h"
#include "ensemble/workload.h"
#include "model/geometry.h"
#include "parallel/stop.h"

static const double TIE = 1.03, MOST_S = 5, LEAST_S = 0.05, LONG_LOOK_S = 0.5;
/* A run as short as this would wait longer for the measurement than it could gain by it. */
static const double SHORT_RUN_S = 60;
/* Trainers are made and warmed up for a measurement, which takes as long as several iterations. */
enum { SHORT_RUN_ITERATIONS = 100 };

static int fewer(int a, int b) { return a < b ? a : b; }

/* ---- what may be chosen, and what is best ---- */

static int quads_of(int batch) { return (batch + OM_QUAD - 1) / OM_QUAD; }

/* Of the member that has most of them. */
static int most_quads(int batch, int team) { return (quads_of(batch) + team - 1) / team; }

int om_layout_team(int ranks, int models, int batch)
{
    int team = fewer(models > 0 ? ranks / models : 1, quads_of(batch));
    while (team > 1 && most_quads(batch, team - 1) == most_quads(batch, team)) team--;
    return team > 1 ? team : 1;
}

om_status om_layout_team_size(int asked, int ranks, int models, int batch, int *size)
{
    if (asked > ranks)
        return om_fail(OM_EUSAGE, "a team of %d, but %d rank%s", asked, ranks,
                       ranks > 1 ? "s train" : " trains");
    *size = asked > 0 ? asked : om_layout_team(ranks, models, batch);
    return OM_OK;
}

double om_layout_team_gain(int team, int batch)
{
    return (double)quads_of(batch) / most_quads(batch, team);
}

om_status om_layout_check_team(int team, int batch)
{
    const int most = quads_of(batch);
    if (team <= most) return OM_OK;
    om_fail(
        OM_EUSAGE,
        "a team of %d: expected at most %d: members share out whole quads of samples, of which a "
        "batch of %d has %d",
        team, most, batch, most);
    return om_hint(OM_EUSAGE, "more threads of each rank");
}

int om_layout_candidates(int cores, int models, int batch, om_rank_layout layouts[OM_MOST_LAYOUTS])
{
    const int most = fewer(cores, models > 1 ? models : 1);
    int n = 0;
    layouts[n++] = (om_rank_layout){.ranks = most, .threads = 1, .team = 1};
    if (cores / most > 1)
        layouts[n++] = (om_rank_layout){.ranks = most, .threads = cores / most, .team = 1};
    const int team = om_layout_team(cores, models, batch);
    if (team > 1)
        layouts[n++] =
            (om_rank_layout){.ranks = most * team, .threads = cores / (most * team), .team = team};
    for (int ranks = most - 1; ranks > 0 && n < OM_MOST_LAYOUTS; ranks--)
        if (cores % ranks == 0)
            layouts[n++] = (om_rank_layout){.ranks = ranks, .threads = cores / ranks, .team = 1};
    return n;
}

double om_layout_seconds(const om_layout_trial *trial, const om_work_left *left)
{
    double together = (double)left->iterations / trial->per_s;
    double alone =
        (double)left->longest * (trial->layout.ranks / trial->layout.team) / trial->per_s;
    return together > alone ? together : alone;
}

int om_layout_best(const om_layout_trial *trials, int n, const om_work_left *left)
{
    double least = 0;
    int best = -1;
    for (int i = 0; i < n; i++) {
        if (!(trials[i].per_s > 0)) continue;
        double seconds = om_layout_seconds(&trials[i], left);
        if (least == 0 || seconds < least) least = seconds;
    }
    for (int i = 0; i < n; i++) {
        if (!(trials[i].per_s > 0) || om_layout_seconds(&trials[i], left) > least * TIE) continue;
        if (best < 0 || trials[i].layout.ranks < trials[best].layout.ranks) best = i;
    }
    return best;
}

/* ---- in the name of a run ---- */

static const char LAYOUT[] = ", layout ", TEAMS[] = " in teams of ", MEASURED[] = ", measured on ";

void om_layout_append(const om_rank_layout *l, char *job, size_t bytes)
{
    char teams[32] = "", measured[48] = "";
    const size_t n = strlen(job);
    if (l->team > 1) snprintf(teams, sizeof teams, "%s%d", TEAMS, l->team);
    if (l->measured_on > 0)
        snprintf(measured, sizeof measured, "%s%d core%s", MEASURED, l->measured_on,
                 l->measured_on > 1 ? "s" : "");
    snprintf(job + n, bytes - n, "%s%dx%d%s%s", LAYOUT, l->ranks, l->threads, teams, measured);
}

/* The number after a word; the other one where the word is missing. */
static int number_after(const char *text, const char *word, int otherwise)
{
    const char *at = strstr(text, word);
    return at != NULL ? (int)strtol(at + strlen(word), NULL, 10) : otherwise;
}

om_rank_layout om_layout_of_job(const char *job)
{
    const char *text = strstr(job, LAYOUT);
    if (text == NULL) return (om_rank_layout){0};
    return (om_rank_layout){.ranks = number_after(text, LAYOUT, 0),
                            .threads = number_after(text, "x", 0),
                            .team = number_after(text, TEAMS, 1),
                            .measured_on = number_after(text, MEASURED, 0)};
}

/* ---- what is left ---- */

typedef struct choice {
    const om_layout_wish *wish;
    om_spec *spec;
    om_circuit *circuit;
    om_work_left left;
    om_rank_layout before; /* of the store's last run */
    bool is_sweep;
    int n;
    om_rank_layout candidates[OM_MOST_LAYOUTS];
    om_layout_trial trials[OM_MOST_LAYOUTS];
    om_rank_layout chosen;
    char *line; /* [OM_LAYOUT_BYTES] */
} choice;

static void leave(om_work_left *left, uint64_t done, uint64_t iterations)
{
    const uint64_t more = iterations > done ? iterations - done : 0;
    left->models++;
    left->iterations += more;
    if (more > left->longest) left->longest = more;
}

/* By the store's live table, where there is one of as many models; what it lacks is no concern here. Adds
 * to what is left. */
static void count_work(choice *c, const char *path)
{
    om_work_left left = {0};
    om_store *store = NULL;
    om_model_row *rows = NULL;
    om_run_row run;
    const int models = c->spec->models;
    om_status status = om_alloc((size_t)models, sizeof *rows, &rows);
    if (status == OM_OK && access(c->wish->store, F_OK) == 0 &&
        om_store_open(path, OM_STORE_READ, &store) == OM_OK &&
        om_store_describe(store)->n_models == models) {
        status = om_store_read_rows(store, rows);
        if (om_store_read_run(store, &run) == OM_OK) c->before = om_layout_of_job(run.job);
    }
    for (int m = 0; m < models; m++) {
        bool known = status == OM_OK && rows != NULL;
        if (known && (rows[m].status == OM_MODEL_DIVERGED || rows[m].status == OM_MODEL_STOPPED ||
                      rows[m].status == OM_MODEL_DONE))
            continue;
        leave(&left, known ? rows[m].iteration : 0, om_train_iterations(&c->spec->train));
    }
    /* in a race, those that will be stopped do not get to the end */
    const om_legs legs = om_legs_of(&c->spec->race, models, om_train_iterations(&c->spec->train));
    const uint64_t most = om_legs_iterations(&legs);
    c->left.models += left.models;
    c->left.iterations += left.iterations < most ? left.iterations : most;
    if (left.longest > c->left.longest) c->left.longest = left.longest;
    om_store_close(store);
    om_free(rows);
    om_message_clear();
}

/* ---- measuring ---- */

/* Samples of a batch that the busiest of a team has. */
static int samples_of(int batch, int team)
{
    return fewer(most_quads(batch, team) * OM_QUAD, batch);
}

/* A trial of a candidate that begins now and is over at `end`. A team takes as long as its members would
 * for batches of their parts: what they exchange costs next to nothing. */
static om_status try_one(om_layout_trial *trial, const om_workload *w, double seconds, double end)
{
    const om_trainee_options options = {.batch =
                                            samples_of(w->options.batch_size, trial->layout.team),
                                        .threads = trial->layout.threads,
                                        .penalty = true};
    double most_s = end - om_clock_s(), per_s;
    OM_TRY(om_workload_rate(w, &options, trial->layout.ranks, seconds,
                            most_s > LEAST_S ? most_s : LEAST_S, &per_s));
    trial->per_s = per_s / trial->layout.team;
    return OM_OK;
}

/* A first look decides whether the run is worth more. Then every candidate has its share of the time
 * that is left, but the first one, if looking took so long that it was a measurement. What there is no
 * time for is not tried. */
static om_status measure(choice *c, const om_workload *w, bool *is_short)
{
    const double start = om_clock_s(), end = start + MOST_S;
    for (int i = 0; i < c->n; i++) c->trials[i].layout = c->candidates[i];
    OM_TRY(try_one(&c->trials[0], w, LEAST_S, end));
    double looked = om_clock_s() - start, setting_up = looked - LEAST_S;
    *is_short = om_layout_seconds(&c->trials[0], &c->left) < SHORT_RUN_S;
    for (int i = looked > LONG_LOOK_S ? 1 : 0; i < c->n && !*is_short; i++) {
        double now = om_clock_s(), seconds = (end - now) / (c->n - i) - setting_up;
        if (now + setting_up > end || om_stop_signal) break;
        if (seconds < LEAST_S) seconds = LEAST_S;
        OM_TRY(try_one(&c->trials[i], w, seconds, end));
        setting_up = om_clock_s() - now - seconds;
    }
    return OM_OK;
}

/* Leaves out what does not fit into memory, but for the fewest ranks: if not even they do, the run says
 * so itself. */
static void leave_out_what_does_not_fit(choice *c, const om_workload *w)
{
    const uint64_t left = om_memory_available("");
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        const om_rank_layout l = c->candidates[i];
        size_t each;
        const om_exchange team = {.members = l.team};
        om_status status =
            om_trainer_memory(c->circuit, w->scenes, &w->options, l.threads, &team, &each);
        bool fits = status != OM_OK || left == 0 || (double)each * l.ranks <= (double)left;
        if (fits || (i == c->n - 1 && n == 0)) c->candidates[n++] = l;
    }
    c->n = n;
}

/* ---- choosing ---- */

enum { TEAMS_BYTES = 32 };

static const char *in_teams(const om_rank_layout *l, char text[TEAMS_BYTES])
{
    text[0] = '\0';
    if (l->team > 1) snprintf(text, TEAMS_BYTES, " in teams of %d", l->team);
    return text;
}

static void say(choice *c, const char *format, ...) OM_PRINTF(2, 3);
static void say(choice *c, const char *format, ...)
{
    char why[OM_LAYOUT_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    om_rank_layout l = c->chosen;
    char teams[TEAMS_BYTES];
    snprintf(c->line, OM_LAYOUT_BYTES, "layout: %d rank%s x %d thread%s%s (%s)", l.ranks,
             l.ranks > 1 ? "s" : "", l.threads, l.threads > 1 ? "s" : "", in_teams(&l, teams), why);
}

static void say_measured(choice *c, int best)
{
    char why[OM_LAYOUT_BYTES / 2];
    const char *between = "; ";
    int n = snprintf(why, sizeof why, "%.1f iterations/s", c->trials[best].per_s);
    for (int i = 0; i < c->n; i++) {
        const om_layout_trial *t = &c->trials[i];
        if (i == best || !(t->per_s > 0) || n >= (int)sizeof why) continue;
        char teams[TEAMS_BYTES];
        n += snprintf(why + n, sizeof why - (size_t)n, "%s%d x %d%s: %.1f", between,
                      t->layout.ranks, t->layout.threads, in_teams(&t->layout, teams), t->per_s);
        between = ", ";
    }
    c->chosen = c->trials[best].layout;
    c->chosen.measured_on = c->wish->cores;
    say(c, "%s", why);
}

/* Where nothing is measured: one thread each, as many ranks as may be. */
static void choose_by_rule(choice *c, const char *why)
{
    c->chosen = c->candidates[0];
    say(c, "%s", why);
}

static om_status measure_candidates(choice *c)
{
    om_workload workload = {0};
    bool is_short = false;
    const om_train_options options = om_workload_options(&c->spec->train);
    om_status status = om_workload_create(c->circuit, &options, options.batch_size, &workload);
    if (status == OM_OK) leave_out_what_does_not_fit(c, &workload);
    /* if it fails, what was measured until then counts, or else the message says why */
    if (status == OM_OK && c->n > 1) (void)measure(c, &workload, &is_short);
    om_workload_free(&workload);
    if (om_stop_signal) {
        om_fail(OM_ESTOPPED, "stopped before training began");
        return om_hint(OM_ESTOPPED, "the same command again");
    }
    int best = om_layout_best(c->trials, c->n, &c->left);
    if (c->n == 1)
        choose_by_rule(c, "as many as memory has room for");
    else if (is_short)
        choose_by_rule(c, "one for each core or model: too short a run to measure");
    else if (best >= 0)
        say_measured(c, best);
    else
        choose_by_rule(c, om_message());
    om_message_clear();
    return OM_OK;
}

/* What the store's last run found best on as many cores, if it still fits what is left to train: training
 * goes on seconds sooner. */
static bool choose_as_before(choice *c)
{
    if (c->before.measured_on != c->wish->cores) return false;
    for (int i = 0; i < c->n; i++) {
        const om_rank_layout *l = &c->candidates[i];
        if (l->ranks != c->before.ranks || l->threads != c->before.threads ||
            l->team != c->before.team)
            continue;
        c->chosen = c->before;
        say(c, "as the run before measured; another: --layout");
        return true;
    }
    return false;
}

/* Nobody waits for a measurement to hear that the store is of another ensemble, or none at all. */
static om_status match_store(const choice *c)
{
    const om_store_plan plan = {.name = c->spec->name,
                                .seed = c->spec->seed,
                                .n_models = c->spec->models,
                                .circuit = c->circuit,
                                .train = &c->spec->train,
                                .race = c->spec->race};
    return c->is_sweep ? OM_OK : om_job_match_store(c->wish->store, &plan);
}

/* With both halves free, and several cores: more than one possibility. */
static om_status choose_among(choice *c)
{
    c->n = om_layout_candidates(c->wish->cores, c->left.models, c->spec->train.batch_size,
                                c->candidates);
    if (c->left.iterations < SHORT_RUN_ITERATIONS * (uint64_t)c->candidates[0].ranks) {
        choose_by_rule(c, "one for each core or model: too short a run to measure");
        return OM_OK;
    }
    if (choose_as_before(c)) return OM_OK;
    OM_TRY(match_store(c));
    OM_TRY(om_check_folder(c->wish->store));
    OM_TRY(om_store_lock(c->wish->store));
    om_store_unlock(c->wish->store);
    return measure_candidates(c);
}

/* Whether teams of the size that is asked for can be made of batch and ranks. */
static om_status check_team(const choice *c)
{
    const om_layout_wish *w = c->wish;
    if (w->team == 0) return OM_OK;
    OM_TRY(om_layout_check_team(w->team, c->spec->train.batch_size));
    if (w->ranks % w->team == 0) return OM_OK;
    return om_fail(OM_EUSAGE, "%d ranks in teams of %d: expected a multiple of %d", w->ranks,
                   w->team, w->team);
}

/* Teams, or ranks without, for so many cores: no more than there are models. */
static int ranks_for(const choice *c, int team, int threads)
{
    const int n = fewer(c->wish->cores / (team * threads), c->left.models);
    return n > 1 ? n * team : team;
}

static om_status choose(choice *c)
{
    const om_layout_wish *w = c->wish;
    const int batch = c->spec->train.batch_size;
    OM_TRY(check_team(c));
    c->chosen.team = w->team > 0 ? w->team : om_layout_team(w->ranks, c->left.models, batch);
    if (w->ranks > 0 && w->threads > 0) {
        say(c, "as asked for");
    } else if (w->ranks > 0) {
        c->chosen.threads = w->cores > w->ranks ? w->cores / w->ranks : 1;
        say(c, "ranks as asked for");
    } else if (w->threads > 0) {
        if (w->team == 0)
            c->chosen.team = om_layout_team(w->cores / w->threads, c->left.models, batch);
        c->chosen.ranks = ranks_for(c, c->chosen.team, w->threads);
        say(c, w->team > 0 ? "as asked for" : "threads as asked for");
    } else if (w->team > 0) {
        c->chosen.ranks = ranks_for(c, w->team, 1);
        c->chosen.threads = w->cores > c->chosen.ranks ? w->cores / c->chosen.ranks : 1;
        say(c, "teams as asked for");
    } else if (w->cores == 1) {
        c->chosen = (om_rank_layout){.ranks = 1, .threads = 1, .team = 1};
        say(c, "there is one core");
    } else {
        return choose_among(c);
    }
    return OM_OK;
}

/* What is left of all points of a sweep; the first one's spec is the one to measure with. */
static om_status count_points(choice *c, const om_sweep *sweep)
{
    for (int p = sweep->n_points - 1; p >= 0; p--) {
        char path[OM_SWEEP_PATH_BYTES];
        OM_TRY(om_sweep_point_path(c->wish->store, p, path));
        OM_TRY(om_spec_parse(c->wish->spec_file, sweep->specs[p], c->spec));
        count_work(c, path);
    }
    return OM_OK;
}

/* The spec, its circuit, and what is left to train of it. */
static om_status read_work(choice *c)
{
    const char *file = c->wish->spec_file;
    char *text = NULL;
    om_sweep *sweep = NULL;
    OM_TRY(om_spec_text(file, &text));
    om_status status = om_spec_sweep(file, text, &sweep);
    c->is_sweep = sweep != NULL;
    if (status == OM_OK && sweep != NULL)
        status = count_points(c, sweep);
    else if (status == OM_OK)
        status = om_spec_parse(file, text, c->spec);
    if (status == OM_OK) status = om_job_circuit(file, text, c->spec, &c->circuit);
    if (status == OM_OK && sweep == NULL) count_work(c, c->wish->store);
    om_sweep_free(sweep);
    om_free(text);
    return status;
}

om_status om_layout_choose(const om_layout_wish *wish, om_rank_layout *layout, om_work_left *left,
                           char line[OM_LAYOUT_BYTES])
{
    choice c = {.wish = wish, .chosen = {wish->ranks, wish->threads, 1}, .line = line};
    om_status status = om_alloc(1, sizeof *c.spec, &c.spec);
    if (status == OM_OK) status = read_work(&c);
    if (status == OM_OK) status = choose(&c);
    *layout = c.chosen;
    *left = c.left;
    om_circuit_free(c.circuit);
    om_free(c.spec);
    return status;
}
