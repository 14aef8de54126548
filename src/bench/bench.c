/* The sections of the report. What is compared is measured in turns, a repeat of each after the other,
 * so that a busy neighbour hits all alike. Processes side by side come first: they are forked, which
 * only works while OpenMP has no threads. */
#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "bench/stages.h"

enum {
    TOGETHER = 2,    /* iterations that are timed together */
    RANK_ROUNDS = 5, /* of processes side by side */
    RANK_ITERATIONS = 20,
    PLAIN_REPEATS = 2, /* of kernels that take seconds */
    BATCH_REPEATS = 5
};
static const double MOST_RANK_SECONDS = 2, WARM_UP_S = 1;

typedef struct bench {
    const om_bench_options *options;
    const om_kernels *kernels;
    om_workload workload;
    om_bench_report *report;
} bench;

static void tell(const bench *b, const char *what)
{
    if (b->options->tell != NULL) b->options->tell(what);
}

/* 1, 2, 4 ... and most; returns how many. */
static int doubling(int most, int numbers[OM_MOST_ROWS])
{
    int n = 0;
    for (int i = 1; i < most && n < OM_MOST_ROWS - 1; i *= 2) numbers[n++] = i;
    numbers[n++] = most;
    return n;
}

static int fewer(int a, int b) { return a < b ? a : b; }

/* ---- timing ---- */

static om_status time_iterations(om_trainee *trainee, om_series *series)
{
    om_lap start = om_lap_start();
    OM_TRY(om_trainee_advance(trainee, TOGETHER));
    om_lap lap = om_lap_since(start);
    om_series_add(series, (om_lap){lap.cpu_s / TOGETHER, lap.wall_s / TOGETHER});
    return OM_OK;
}

/* Median share of the peak of `threads` cores, each repeat against the peak next to it; both by the same
 * clock. */
static double share_of(const om_series *series, double multiply_adds, const double *peak_gfma_s,
                       int threads, bool wall)
{
    double share[OM_MOST_REPEATS];
    for (int i = 0; i < series->n; i++) {
        double s = wall ? series->laps[i].wall_s : series->laps[i].cpu_s;
        share[i] = s > 0 ? multiply_adds / (s * 1e9 * peak_gfma_s[i] * threads) : 0;
    }
    return om_spread_of(share, series->n).median;
}

/* Several threads have but the wall in common. */
static bool by_wall(int threads) { return threads > 1; }

static om_measured measured(const om_series *series, double multiply_adds, double bytes,
                            const double *peak_gfma_s, int threads)
{
    const bool wall = by_wall(threads);
    return (om_measured){.ms = om_series_ms(series, wall),
                         .wall_ms = om_series_ms(series, true),
                         .multiply_adds = multiply_adds,
                         .bytes = bytes,
                         .share = share_of(series, multiply_adds, peak_gfma_s, threads, wall)};
}

/* ---- the iteration and its stages ---- */

static void report_stages(bench *b, const om_series *series, const om_work *work,
                          const double *peak)
{
    om_bench_report *r = b->report;
    for (int i = 0; i < OM_STAGES; i++) {
        r->stages[i] =
            measured(&series[i], work->multiply_adds[i], work->bytes[i], peak, r->threads);
        if (i < OM_ARITHMETIC_STAGES) continue;
        double ms = r->stages[i].ms.median;
        r->other_ms += i == OM_STAGE_STEADY_STATE ? ms / r->iterations_per_pass : ms;
    }
    r->other_share = r->other_ms / r->iteration[0].ms.median;
}

/* Caches, pages and clocks of a machine that did nothing take about a second to be what they stay. */
static om_status warm_up(om_stages *stages)
{
    om_series none[OM_STAGES];
    om_lap start = om_lap_start();
    memset(none, 0, sizeof none);
    do OM_TRY(om_stages_run(stages, none));
    while (om_lap_since(start).wall_s < WARM_UP_S);
    return OM_OK;
}

/* Repeats of: peak, stages, iterations without and with penalty. */
static om_status repeat_iteration(bench *b, om_stages *stages, om_trainee trainees[2],
                                  om_series *stage_series)
{
    om_series iteration[2] = {{0}};
    double peak[OM_MOST_REPEATS] = {0};
    const om_work *work = om_stages_work(stages);
    OM_TRY(warm_up(stages));
    for (int i = 0; i < b->options->repeats; i++) {
        peak[i] = om_peak_now(b->kernels, by_wall(b->report->threads));
        OM_TRY(om_stages_run(stages, stage_series));
        for (int p = 0; p < 2; p++) OM_TRY(time_iterations(&trainees[p], &iteration[p]));
    }
    om_bench_report *r = b->report;
    r->peak_gfma_s = om_spread_of(peak, b->options->repeats);
    r->iteration[0] = measured(&iteration[0], work->iteration, 0, peak, r->threads);
    r->iteration[1] = measured(&iteration[1], work->penalised, 0, peak, r->threads);
    report_stages(b, stage_series, work, peak);
    return OM_OK;
}

static om_status run_iteration(bench *b)
{
    om_stages *stages = NULL;
    om_trainee trainees[2] = {{0}};
    om_series series[OM_STAGES];
    memset(series, 0, sizeof series);
    tell(b, "an iteration and its stages");
    om_status s = om_stages_create(&b->workload, b->kernels, b->report->threads, &stages);
    for (int p = 0; s == OM_OK && p < 2; p++) {
        om_trainee_options options = {b->report->batch, b->report->threads, p == 1};
        s = om_trainee_create(&b->workload, &options, &trainees[p]);
    }
    if (s == OM_OK) s = repeat_iteration(b, stages, trainees, series);
    for (int p = 0; p < 2; p++) om_trainee_free(&trainees[p]);
    om_stages_free(stages);
    return s;
}

static om_status run_plain(bench *b)
{
    om_stages *stages = NULL;
    const om_kernels *plain;
    om_series series[OM_STAGES];
    memset(series, 0, sizeof series);
    tell(b, "plain kernels");
    OM_TRY(om_kernels_select("plain", &plain));
    om_status s = om_stages_create(&b->workload, plain, 1, &stages);
    for (int i = 0; s == OM_OK && i < fewer(PLAIN_REPEATS, b->options->repeats); i++)
        s = om_stages_run(stages, series);
    for (int i = 0; i < OM_ARITHMETIC_STAGES; i++)
        b->report->stages[i].plain_ms = om_series_ms(&series[i], false).least;
    om_stages_free(stages);
    return s;
}

/* ---- ranks side by side ---- */

/* One round on 1, 2, 4 ... ranks, every second one the other way round. */
static om_status run_round(const bench *b, const int *ranks, int n, int round, double seconds,
                           double rate[OM_MOST_ROWS])
{
    om_trainee_options options = {.batch = b->report->batch, .threads = 1};
    for (int i = 0; i < n; i++) {
        int k = round % 2 ? n - 1 - i : i;
        OM_TRY(om_workload_rate(&b->workload, &options, ranks[k], seconds, 0, &rate[k]));
    }
    return OM_OK;
}

/* Long enough for RANK_ITERATIONS, or as many as there is time for. */
static om_status choose_seconds(const bench *b, double *seconds)
{
    om_trainee trainee;
    om_trainee_options options = {.batch = b->report->batch, .threads = 1};
    OM_TRY(om_trainee_create(&b->workload, &options, &trainee));
    om_lap start = om_lap_start();
    om_status s = om_trainee_advance(&trainee, TOGETHER);
    *seconds = om_lap_since(start).wall_s * RANK_ITERATIONS / TOGETHER;
    if (*seconds > MOST_RANK_SECONDS) *seconds = MOST_RANK_SECONDS;
    om_trainee_free(&trainee);
    return s;
}

static om_status run_ranks(bench *b)
{
    om_bench_report *r = b->report;
    int ranks[OM_MOST_ROWS], rounds = fewer(RANK_ROUNDS, b->options->repeats);
    double rate[RANK_ROUNDS][OM_MOST_ROWS], seconds;
    tell(b, "ranks side by side");
    r->n_ranks = doubling(r->machine.cores, ranks);
    OM_TRY(choose_seconds(b, &seconds));
    for (int i = 0; i < rounds; i++) OM_TRY(run_round(b, ranks, r->n_ranks, i, seconds, rate[i]));
    for (int k = 0; k < r->n_ranks; k++) {
        double ratio[RANK_ROUNDS], per_s[RANK_ROUNDS];
        for (int i = 0; i < rounds; i++) {
            per_s[i] = rate[i][k];
            ratio[i] = rate[i][0] > 0 ? rate[i][k] / rate[i][0] : 0;
        }
        r->by_ranks[k] =
            (om_bench_ranks){ranks[k], om_spread_of(per_s, rounds), om_spread_of(ratio, rounds)};
    }
    return OM_OK;
}

/* ---- by threads, and by samples of a batch ---- */

/* Iterations of several trainers in turns. rows: threads and batch are set, the rest is written. */
static om_status run_rows(const bench *b, int n, int repeats, om_bench_row *rows)
{
    om_trainee trainees[OM_MOST_ROWS] = {{0}};
    om_series series[OM_MOST_ROWS];
    double peak[OM_MOST_REPEATS] = {0};
    om_status s = OM_OK;
    memset(series, 0, sizeof series);
    for (int i = 0; s == OM_OK && i < n; i++) {
        om_trainee_options options = {.batch = rows[i].batch, .threads = rows[i].threads};
        s = om_trainee_create(&b->workload, &options, &trainees[i]);
    }
    for (int r = 0; s == OM_OK && r < repeats; r++) {
        peak[r] = om_peak_now(b->kernels, true);
        for (int i = 0; s == OM_OK && i < n; i++) s = time_iterations(&trainees[i], &series[i]);
    }
    for (int i = 0; s == OM_OK && i < n; i++) {
        double ratio[OM_MOST_REPEATS];
        for (int r = 0; r < repeats; r++)
            ratio[r] = series[0].laps[r].wall_s / series[i].laps[r].wall_s;
        double adds = b->report->iteration[0].multiply_adds * rows[i].batch / b->report->batch;
        rows[i].ms = om_series_ms(&series[i], true);
        rows[i].share = share_of(&series[i], adds, peak, rows[i].threads, true);
        rows[i].ratio = om_spread_of(ratio, repeats);
    }
    for (int i = 0; i < n; i++) om_trainee_free(&trainees[i]);
    return s;
}

static om_status run_threads(bench *b)
{
    om_bench_report *r = b->report;
    int threads[OM_MOST_ROWS];
    tell(b, "threads of a rank");
    r->n_threads = doubling(r->machine.cores, threads);
    for (int i = 0; i < r->n_threads; i++)
        r->by_threads[i] = (om_bench_row){.threads = threads[i], .batch = r->batch};
    return run_rows(b, r->n_threads, b->options->repeats, r->by_threads);
}

/* One size after the other: the large ones would drive all others out of memory's fast parts. One thread
 * and all cores in turns. */
static om_status run_batches(bench *b)
{
    om_bench_report *r = b->report;
    int batch[OM_MOST_ROWS];
    tell(b, "sizes of a batch");
    r->n_batches = doubling(OM_LARGEST_BATCH, batch);
    for (int i = 0; i < r->n_batches; i++) {
        r->by_batch[i][0] = (om_bench_row){.threads = 1, .batch = batch[i]};
        r->by_batch[i][1] = (om_bench_row){.threads = r->machine.cores, .batch = batch[i]};
        OM_TRY(run_rows(b, 2, fewer(BATCH_REPEATS, b->options->repeats), r->by_batch[i]));
    }
    return OM_OK;
}

/* ---- all ---- */

static om_status run_all(bench *b)
{
    tell(b, "the machine");
    OM_TRY(om_machine_measure(b->options->quick, &b->report->machine));
    if (!b->options->quick) {
        OM_TRY(run_ranks(b));
        tell(b, "the laboratory's battery");
        OM_TRY(
            om_battery_measure(b->options->circuit, b->report->machine.cores, &b->report->battery));
    }
    OM_TRY(run_iteration(b));
    if (b->options->quick) return OM_OK;
    OM_TRY(run_threads(b));
    OM_TRY(run_batches(b));
    return run_plain(b);
}

om_status om_bench_run(const om_bench_options *options, om_bench_report *report)
{
    bench b = {.options = options, .report = report};
    OM_TRY(om_kernels_select(options->isa, &b.kernels));
    setenv("OMMATID_ISA", b.kernels->name, 1); /* from where trainers take it */
    OM_TRY(om_bench_workload(options->circuit, &b.workload));
    const om_batch_options *batch = &b.workload.options.batch;
    *report = (om_bench_report){
        .isa = b.kernels->name,
        .threads = options->threads,
        .repeats = options->repeats,
        .batch = b.workload.options.batch_size,
        .frames = om_resampled_steps(batch->frames, b.workload.scenes->frame_rate_hz, batch->dt_s),
        .iterations_per_pass = om_bench_iterations_per_pass()};
    om_status status = run_all(&b);
    om_workload_free(&b.workload);
    return status;
}
