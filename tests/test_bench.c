/* What `ommatid bench` measures by: counts of multiply-adds, medians, probes, processes side by side.
 * Never how fast anything is. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <omp.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/memory.h"
#include "bench/machine.h"
#include "bench/stages.h"
#include "bench/timed.h"
#include "model/kernels/probe.h"
#include "parallel/beside.h"

static void must(om_status status)
{
    if (status != OM_OK) fail_msg("%s", om_message());
}

/* Seven columns, of which four have a neighbour in any given direction: 7 + 4 connections; and a
 * pair that reaches beyond the lattice, which is no work. */
static om_circuit *tiny(void)
{
    om_circuit *c;
    must(om_circuit_parse("tiny",
                          "circuit tiny 1\ntype Eye input\ntype Out output=1\n"
                          "pair Eye Out + 0,0=2 1,0=1\npair Out Out - 3,0=1\n",
                          1, &c));
    return c;
}

static om_work work_of(const om_circuit *c, int batch, int frames)
{
    om_geometry *g;
    must(om_geometry_create(c, &g));
    om_work w = om_work_of(c, g, batch, frames);
    om_geometry_free(g);
    return w;
}

static void counts_are_those_by_hand(void **state)
{
    (void)state;
    om_circuit *c = tiny();
    om_work w = work_of(c, 3, 5); /* 15 films' frames */
    static const double by_hand[OM_ARITHMETIC_STAGES] = {
        [OM_STAGE_NETWORK] = 11 * 15,
        [OM_STAGE_NETWORK_ADJOINT] = 11 * 15 + 2 * 7 * 15,
        [OM_STAGE_BOTH_ADJOINTS] = 2 * 11 * 15 + 2 * 7 * 15,
        [OM_STAGE_CONV1] = 7 * 15 * 8 * 19,
        [OM_STAGE_HEAD] = 7 * 15 * 3 * 8 * 19,
        [OM_STAGE_HEAD_ADJOINT] = 2 * 7 * 15 * 3 * 8 * 19,
        [OM_STAGE_CONV1_ADJOINT] = 2 * 7 * 15 * 8 * 19,
        [OM_STAGE_DECODER] = 7 * 15 * 4 * 8 * 19,
        [OM_STAGE_DECODER_ADJOINT] = 2 * 7 * 15 * 4 * 8 * 19,
    };
    for (int i = 0; i < OM_ARITHMETIC_STAGES; i++)
        if (w.multiply_adds[i] != by_hand[i])
            fail_msg("%s: %g, by hand %g", om_stage_keys[i], w.multiply_adds[i], by_hand[i]);
    for (int i = OM_ARITHMETIC_STAGES; i < OM_STAGES; i++)
        assert_true(w.multiply_adds[i] == 0 && w.bytes[i] == 0);
    assert_true(w.iteration == 165 + 375 + 3.0 * 7 * 15 * 4 * 8 * 19);
    assert_true(w.penalised == w.iteration + 165);
    om_circuit_free(c);
}

/* Arrays hold whole quads of samples and blocks of four frames. */
static void bytes_follow_the_arrays(void **state)
{
    (void)state;
    om_circuit *c = tiny();
    om_geometry *g;
    must(om_geometry_create(c, &g));
    om_work one = om_work_of(c, g, 1, 5), four = om_work_of(c, g, 4, 5),
            five = om_work_of(c, g, 5, 5);
    double map = (double)g->compact * 4 * sizeof(om_real);
    assert_true(one.bytes[OM_STAGE_NETWORK] == 5 * (2 + 1) * map);
    assert_true(one.bytes[OM_STAGE_NETWORK_ADJOINT] == 5 * (2 * 2 + 1) * map);
    assert_true(one.bytes[OM_STAGE_CONV1] == 5 * map + 8 * 2 * 3 * 3 * 16.0 * sizeof(om_real));
    for (int i = 0; i < OM_ARITHMETIC_STAGES; i++) {
        assert_true(one.bytes[i] > 0);
        assert_true(four.bytes[i] == one.bytes[i]);
        assert_true(five.bytes[i] == 2 * one.bytes[i]);
    }
    om_geometry_free(g);
    om_circuit_free(c);
}

static void assert_millions(double count, long long millions)
{
    assert_int_equal(llround(count * 1e-6), millions);
}

/* At the paper's size: 4 samples, 40 time steps. */
static void counts_at_full_size(void **state)
{
    (void)state;
    om_circuit *c;
    must(om_circuit_open("motion-pathway", 15, &c));
    om_work w = work_of(c, 4, 40);
    assert_millions(w.multiply_adds[OM_STAGE_NETWORK] + w.multiply_adds[OM_STAGE_NETWORK_ADJOINT],
                    313);
    assert_millions(w.multiply_adds[OM_STAGE_CONV1] * 3, 789);
    assert_millions(w.iteration, 1260);
    om_circuit_free(c);
}

static void counts_of_the_full_connectome(void **state)
{
    (void)state;
    const char *path = OM_SHARED "/connectome/fib25-fib19_v2.2.json";
    om_circuit *c;
    if (access(path, R_OK) != 0) skip();
    must(om_circuit_open(path, 15, &c));
    om_work w = work_of(c, 4, 40);
    assert_millions(w.multiply_adds[OM_STAGE_NETWORK], 242);
    assert_millions(w.multiply_adds[OM_STAGE_CONV1], 596);
    assert_millions(w.iteration, 2570);
    assert_millions(w.penalised, 2812);
    om_circuit_free(c);
}

static void medians_and_quartiles(void **state)
{
    (void)state;
    const double numbers[] = {5, 1, 4, 2, 3};
    om_spread s = om_spread_of(numbers, 5);
    assert_true(s.median == 3 && s.low == 2 && s.high == 4 && s.least == 1);
    assert_true(om_spread_of(numbers, 4).median == 3); /* 1 2 4 5 */
    assert_true(om_spread_of(numbers, 0).median == 0);
    om_series series = {0};
    for (int i = 0; i < OM_MOST_REPEATS + 3; i++) om_series_add(&series, (om_lap){0.002, 0.003});
    assert_int_equal(series.n, OM_MOST_REPEATS);
    assert_true(fabs(om_series_ms(&series, false).median - 2) < 1e-12);
    assert_true(fabs(om_series_ms(&series, true).high - 3) < 1e-12);
}

/* Of every instruction set that this machine has: they do as much as they say. */
static void probes_do_their_work(void **state)
{
    (void)state;
    static const char *const sets[] = {"avx512", "avx2", "portable", "plain"};
    om_real *memory = NULL;
    const size_t n = 4 * OM_PROBE_STEP;
    must(om_alloc(n + 1, sizeof *memory, &memory));
    for (int i = 0; i < 4; i++) {
        const om_kernels *kernels;
        if (om_kernels_select(sets[i], &kernels) != OM_OK) continue;
        const om_probe *probe = om_probe_of(kernels);
        assert_string_equal(probe->name, i < 3 ? sets[i] : "portable");
        assert_true(probe->multiply_add(2) == 2 * probe->multiply_add(1));
        memset(memory, 0, n * sizeof *memory);
        probe->write(memory, n, 2);
        for (size_t k = 0; k < n; k++) assert_true(memory[k] == 2);
        assert_true(memory[n] == 0);
        for (size_t k = 0; k < n; k++) memory[k] = (om_real)k;
        assert_true(probe->read(memory, n) == (om_real)(n * (n - 1) / 2));
        assert_true(om_peak_now(kernels, false) > 0 && om_peak_now(kernels, true) > 0);
    }
    om_free(memory);
}

/* ---- processes side by side ---- */

static om_status begin(const void *context, void **own)
{
    *own = (void *)context;
    return OM_OK;
}
static om_status begin_badly(const void *context, void **own)
{
    (void)context;
    (void)own;
    return om_fail(OM_EDATA, "there is no work");
}
static om_status count(void *own, double *done)
{
    *done = *(const double *)own;
    return usleep(100) == 0 ? OM_OK : OM_EFAIL;
}
static om_status die(void *own, double *done)
{
    (void)own;
    *done = 1;
    raise(SIGKILL);
    return OM_OK;
}

static void processes_side_by_side(void **state)
{
    (void)state;
    double amount = 3, none = 0, rate;
    om_beside some = {begin, count, &amount, 0}, nothing = {begin, count, &none, 0};
    must(om_beside_rate(&some, 3, 0.01, &rate));
    assert_true(rate > 0);
    must(om_beside_rate(&nothing, 2, 0.01, &rate));
    assert_true(rate == 0);
    om_beside bad = {begin_badly, count, NULL, 0}, dying = {begin, die, &amount, 0};
    assert_int_equal(om_beside_rate(&bad, 2, 0.01, &rate), OM_EDATA);
    assert_string_equal(om_message(), "there is no work");
    assert_int_equal(om_beside_rate(&dying, 2, 0.01, &rate), OM_EFAIL);
    assert_non_null(strstr(om_message(), "died"));
    om_beside slow = {begin, count, &amount, 0.05};
    assert_int_equal(om_beside_rate(&slow, 2, 30, &rate), OM_EFAIL);
    assert_non_null(strstr(om_message(), "too long"));
}

/* ---- the stages ---- */

/* Parameters after the first iteration, of the trainer and of the stages. */
static void stages_are_an_iteration(void **state)
{
    (void)state;
    om_circuit *c;
    om_workload w;
    om_stages *stages;
    om_trainer *trainer;
    om_state *trained = NULL;
    const om_kernels *kernels;
    om_series series[OM_STAGES];
    memset(series, 0, sizeof series);
    must(om_circuit_open("motion-pathway", 2, &c));
    must(om_bench_workload(c, &w));
    must(om_kernels_select(NULL, &kernels));
    must(om_stages_create(&w, kernels, 1, &stages));
    must(om_stages_run(stages, series));
    must(om_trainer_create(c, w.scenes, &w.options, 1, NULL, NULL, &trainer));
    const om_state_layout *l = om_trainer_layout(trainer);
    must(om_alloc(l->bytes, 1, &trained));
    must(om_state_init(l, c, &w.options, OM_WORKLOAD_SEED, 0, trained));
    must(om_train_advance(trainer, trained, 1));
    assert_memory_equal(om_stages_params(stages), om_state_at(trained, l->at_params),
                        l->params.n_params * sizeof(om_real));
    om_free(trained);
    om_trainer_free(trainer);
    om_stages_free(stages);
    om_workload_free(&w);
    om_circuit_free(c);
}

/* Each stage once; what lies inside another takes no longer than that. */
static void every_stage_is_timed(void **state)
{
    (void)state;
    om_circuit *c;
    om_workload w;
    om_stages *stages;
    const om_kernels *kernels;
    om_series series[OM_STAGES];
    memset(series, 0, sizeof series);
    must(om_circuit_open("motion-pathway", 2, &c));
    must(om_bench_workload(c, &w));
    must(om_kernels_select(NULL, &kernels));
    must(om_stages_create(&w, kernels, 1, &stages));
    must(om_stages_run(stages, series));
    for (int i = 0; i < OM_STAGES; i++) {
        if (series[i].n != 1) fail_msg("%s: %d times", om_stage_keys[i], series[i].n);
        assert_true(series[i].laps[0].wall_s > 0);
    }
    assert_true(series[OM_STAGE_CONV1].laps[0].wall_s + series[OM_STAGE_HEAD].laps[0].wall_s <=
                series[OM_STAGE_DECODER].laps[0].wall_s);
    assert_true(series[OM_STAGE_CONV1_ADJOINT].laps[0].wall_s +
                    series[OM_STAGE_HEAD_ADJOINT].laps[0].wall_s <=
                series[OM_STAGE_DECODER_ADJOINT].laps[0].wall_s);
    om_timed_clear();
    assert_true(om_timed(OM_STAGE_CONV1).wall_s == 0);
    om_stages_free(stages);
    om_workload_free(&w);
    om_circuit_free(c);
}

static void sleep_in_head(const om_decoder_tables *tables, const om_norm *norm,
                          const om_block *block, om_block_sums *sums)
{
    (void)tables, (void)norm, (void)block, (void)sums;
    om_sleep_s(0.02);
}

/* By the wall a stage takes as long as there is a thread in it, whichever that is. */
static void threads_that_wait_for_another_take_time(void **state)
{
    (void)state;
    const om_kernels *kernels;
    must(om_kernels_select(NULL, &kernels));
    om_kernels own = *kernels;
    own.head = sleep_in_head;
    const om_kernels *timed = om_timed_kernels(&own);
#pragma omp parallel num_threads(2)
    for (int t = 0; t < 2; t++) {
        if (omp_get_thread_num() == t) timed->head(NULL, NULL, NULL, NULL);
#pragma omp barrier
    }
    const om_lap lap = om_timed(OM_STAGE_HEAD);
    assert_true(lap.wall_s >= 2 * 0.02 && lap.cpu_s < lap.wall_s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_by_hand),
        cmocka_unit_test(bytes_follow_the_arrays),
        cmocka_unit_test(counts_at_full_size),
        cmocka_unit_test(counts_of_the_full_connectome),
        cmocka_unit_test(medians_and_quartiles),
        cmocka_unit_test(probes_do_their_work),
        cmocka_unit_test(processes_side_by_side),
        cmocka_unit_test(stages_are_an_iteration),
        cmocka_unit_test(every_stage_is_timed),
        cmocka_unit_test(threads_that_wait_for_another_take_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
