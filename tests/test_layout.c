/* Ranks and threads of a run: what may be chosen, what is best by given rates, and what is said. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ensemble/layout.h"

static void must(om_status status)
{
    if (status != OM_OK) fail_msg("%s", om_message());
}

/* ---- candidates ---- */

static void candidates_use_the_cores(void **state)
{
    (void)state;
    static const struct {
        int cores, models;
        const char *expected;
        int batch; /* 0: 4 */
    } cases[] = {
        {1, 50, "1x1", 0},
        {2, 50, "2x1 1x2", 0},
        {2, 2, "2x1 1x2", 0},
        {2, 1, "1x1 1x2", 0},
        {2, 0, "1x1 1x2", 0},
        {3, 5, "3x1 1x3", 0},
        {6, 50, "6x1 3x2 2x3 1x6", 0},
        {6, 3, "3x1 3x2 2x3 1x6", 0},
        {4, 3, "3x1 2x2 1x4", 0},
        {8, 8, "8x1 4x2 2x4 1x8", 0},
        {8, 5, "5x1 4x2 2x4 1x8", 0},
        {48, 50, "48x1 24x2 16x3 12x4 8x6 6x8 4x12 3x16 2x24 1x48", 0},
        {48, 10, "10x1 10x4 8x6 6x8 4x12 3x16 2x24 1x48", 0},
        {4096, 5000,
         "4096x1 2048x2 1024x4 512x8 256x16 128x32 64x64 32x128 16x256 8x512 4x1024 "
         "2x2048 1x4096",
         0},
        /* spare cores for teams, as long as a batch has quads of samples for them */
        {2, 1, "1x1 1x2 2x1/2", 8},
        {2, 2, "2x1 1x2", 8},
        {8, 3, "3x1 3x2 6x1/2 2x4 1x8", 8},
        {8, 1, "1x1 1x8 2x4/2", 8},
        {8, 1, "1x1 1x8 3x2/3", 12},
        {6, 2, "2x1 2x3 4x1/2 1x6", 13}, /* by three, one would have two quads as well */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        om_rank_layout layouts[OM_MOST_LAYOUTS];
        char text[256] = "";
        const int batch = cases[i].batch > 0 ? cases[i].batch : 4;
        int n = om_layout_candidates(cases[i].cores, cases[i].models, batch, layouts);
        for (int k = 0; k < n; k++) {
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%dx%d", k > 0 ? " " : "",
                     layouts[k].ranks, layouts[k].threads);
            if (layouts[k].team > 1)
                snprintf(text + strlen(text), sizeof text - strlen(text), "/%d", layouts[k].team);
        }
        assert_string_equal(text, cases[i].expected);
    }
}

/* ---- in the name of a run ---- */

static void layouts_are_read_as_they_were_written(void **state)
{
    (void)state;
    static const om_rank_layout all[] = {
        {1, 1, 1, 0}, {2, 1, 1, 2}, {1, 1, 1, 1}, {128, 16, 32, 0}, {4, 2, 2, 8}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char job[128] = "fox7, process 12x3, job 45";
        om_layout_append(&all[i], job, sizeof job);
        const om_rank_layout again = om_layout_of_job(job);
        assert_memory_equal(&again, &all[i], sizeof again);
    }
    char job[OM_LAYOUT_BYTES] = "fox7";
    om_layout_append(&all[4], job, sizeof job);
    assert_string_equal(job, "fox7, layout 4x2 in teams of 2, measured on 8 cores");
    assert_int_equal(om_layout_of_job("fox7, process 12x3, job 45").ranks, 0);
}

/* ---- the best one ---- */

static void seconds_to_the_end(void **state)
{
    (void)state;
    const om_layout_trial two = {{2, 1, 1, 0}, 20};
    /* three models of 100 on two ranks: shared evenly, as models move */
    assert_true(om_layout_seconds(&two, &(om_work_left){3, 300, 100}) == 15);
    /* one has most of what is left: it keeps one rank to the end */
    assert_true(om_layout_seconds(&two, &(om_work_left){3, 300, 240}) == 24);
    assert_true(om_layout_seconds(&two, &(om_work_left){1, 100, 100}) == 10);
    /* a team has one model at a time */
    const om_layout_trial team = {{4, 1, 2, 0}, 20};
    assert_true(om_layout_seconds(&team, &(om_work_left){1, 100, 100}) == 10);
}

static void the_fastest_is_taken(void **state)
{
    (void)state;
    om_layout_trial t[] = {{{4, 1, 1, 0}, 40}, {{2, 2, 1, 0}, 44}, {{1, 4, 1, 0}, 30}};
    const om_work_left even = {8, 800, 100};
    assert_int_equal(om_layout_best(t, 3, &even), 1);
    t[0].per_s = 46;
    assert_int_equal(om_layout_best(t, 3, &even), 0); /* by 4.5 % */
    t[0].per_s = 45;
    assert_int_equal(om_layout_best(t, 3, &even), 1); /* by 2.3 %: fewer ranks */
    t[0].per_s = 44, t[1].per_s = 43.5, t[2].per_s = 43;
    assert_int_equal(om_layout_best(t, 3, &even), 2);
    /* the fastest rate is not the earliest end where one model is far behind */
    const om_work_left uneven = {8, 800, 700};
    t[0].per_s = 60, t[1].per_s = 44, t[2].per_s = 40;
    assert_int_equal(om_layout_best(t, 3, &even), 0);
    assert_int_equal(om_layout_best(t, 3, &uneven), 2);
    /* what was not measured does not count */
    t[0].per_s = t[2].per_s = 0;
    assert_int_equal(om_layout_best(t, 3, &even), 1);
    t[1].per_s = 0;
    assert_int_equal(om_layout_best(t, 3, &even), -1);
}

/* ---- choosing ---- */

static char folder[] = "/tmp/om-layout-XXXXXX", spec[64], store[64];

static void write_spec_of(int models, int iterations, int batch)
{
    FILE *file = fopen(spec, "w");
    assert_non_null(file);
    fprintf(file,
            "name: tiny\nmodels: %d\ncircuit: { source: motion-pathway, extent: 2 }\n"
            "scenes: { source: procedural, training: 8, validation: 2 }\n"
            "train: { iterations: %d, batch: %d, frames: 4, learning_rate: [10, 10] }\n"
            "validate: { every: 1 }\n",
            models, iterations, batch);
    fclose(file);
}

static void write_spec(int models, int iterations) { write_spec_of(models, iterations, 2); }

static om_rank_layout choose(int cores, int ranks, int threads, const char *expected)
{
    om_rank_layout layout;
    om_work_left left;
    char line[OM_LAYOUT_BYTES];
    const om_layout_wish wish = {spec, store, cores, ranks, threads, 0};
    must(om_layout_choose(&wish, &layout, &left, line));
    if (strstr(line, expected) == NULL) fail_msg("'%s' does not say '%s'", line, expected);
    return layout;
}

/* The line says the numbers too. */
static void what_is_asked_for_is_done(void **state)
{
    (void)state;
    write_spec(3, 1000000);
    choose(8, 2, 3, "layout: 2 ranks x 3 threads (as asked for)");
    choose(8, 3, 0, "layout: 3 ranks x 2 threads (ranks as asked for)");
    choose(2, 5, 0, "layout: 5 ranks x 1 thread (ranks as asked for)");
    choose(8, 0, 4, "layout: 2 ranks x 4 threads (threads as asked for)");
    choose(8, 0, 1, "layout: 3 ranks x 1 thread (threads as asked for)"); /* models */
    choose(2, 0, 9, "layout: 1 rank x 9 threads (threads as asked for)");
    choose(1, 0, 0, "layout: 1 rank x 1 thread (there is one core)");
}

static void assert_team(int cores, int ranks, int threads, int team, const char *expected)
{
    om_rank_layout layout;
    om_work_left left;
    char line[OM_LAYOUT_BYTES];
    const om_layout_wish wish = {spec, store, cores, ranks, threads, team};
    om_status status = om_layout_choose(&wish, &layout, &left, line);
    const char *said = status == OM_OK ? line : om_message();
    if (strstr(said, expected) == NULL) fail_msg("'%s' does not say '%s'", said, expected);
}

/* More ranks than models become teams, if a batch has several quads of samples; by order, others do. */
static void ranks_become_teams(void **state)
{
    (void)state;
    write_spec_of(3, 1000000, 8);
    assert_team(8, 6, 1, 0, "layout: 6 ranks x 1 thread in teams of 2 (as asked for)");
    assert_team(8, 5, 0, 0, "layout: 5 ranks x 1 thread (ranks as asked for)");
    assert_team(8, 0, 1, 0, "layout: 6 ranks x 1 thread in teams of 2 (threads as asked for)");
    assert_team(8, 0, 1, 1, "layout: 3 ranks x 1 thread (as asked for)");
    assert_team(8, 0, 0, 2, "layout: 6 ranks x 1 thread in teams of 2 (teams as asked for)");
    assert_team(4, 0, 0, 2, "layout: 4 ranks x 1 thread in teams of 2 (teams as asked for)");
    assert_team(1, 0, 0, 2, "layout: 2 ranks x 1 thread in teams of 2 (teams as asked for)");
    assert_team(4, 0, 0, 3, "a team of 3: expected at most 2: members share out whole quads");
    assert_team(4, 3, 0, 2, "3 ranks in teams of 2: expected a multiple of 2");
    write_spec_of(3, 1000000, 4);
    assert_team(8, 6, 1, 0, "layout: 6 ranks x 1 thread (as asked for)");
    assert_team(8, 0, 1, 2, "a batch of 4 has 1");
}

static void short_runs_do_not_wait(void **state)
{
    (void)state;
    const double start = om_clock_s();
    write_spec(5, 39); /* fewer than 100 a rank */
    choose(2, 0, 0, "layout: 2 ranks x 1 thread (one for each core or model: too short");
    write_spec(2, 39);
    choose(8, 0, 0, "layout: 2 ranks x 1 thread (one for each core or model: too short");
    assert_true(om_clock_s() - start < 0.5);
    write_spec(5, 400); /* a look is worth while, and finds that it ends in seconds */
    choose(2, 0, 0, "layout: 2 ranks x 1 thread (one for each core or model: too short");
    assert_true(om_clock_s() - start < 3);
}

/* Even where the spec's own settings would make models diverge within the measurement. (On a busy
 * machine there may be no time for more than one candidate.) */
static void long_runs_are_measured(void **state)
{
    (void)state;
    const double start = om_clock_s();
    write_spec(3, 100000000);
    om_rank_layout l = choose(2, 0, 0, " iterations/s");
    assert_true((l.ranks == 2 && l.threads == 1) || (l.ranks == 1 && l.threads == 2));
    double took = om_clock_s() - start;
    if (took > 6) fail_msg("%.1f s: expected 5 at most", took);
    write_spec(1, 100000000);
    l = choose(2, 0, 0, " iterations/s");
    assert_int_equal(l.ranks, 1);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    om_rank_layout layout;
    om_work_left left;
    char line[OM_LAYOUT_BYTES];
    const om_layout_wish wish = {.spec_file = spec, .store = store, .cores = 2};
    unlink(spec);
    assert_int_equal(om_layout_choose(&wish, &layout, &left, line), OM_EDATA);
    assert_non_null(strstr(om_message(), spec));
    write_spec(0, 10);
    assert_int_equal(om_layout_choose(&wish, &layout, &left, line), OM_EDATA);
    write_spec(3, 100000000);
    char lock[80];
    snprintf(lock, sizeof lock, "%s.lock", store);
    FILE *file = fopen(lock, "w");
    fputs("of somebody else\n", file);
    fclose(file);
    assert_int_equal(om_layout_choose(&wish, &layout, &left, line), OM_EBUSY);
    unlink(lock);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(spec, sizeof spec, "%s/tiny.yaml", folder);
    snprintf(store, sizeof store, "%s/tiny.h5", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(spec);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_use_the_cores),
        cmocka_unit_test(layouts_are_read_as_they_were_written),
        cmocka_unit_test(seconds_to_the_end),
        cmocka_unit_test(the_fastest_is_taken),
        cmocka_unit_test(what_is_asked_for_is_done),
        cmocka_unit_test(short_runs_do_not_wait),
        cmocka_unit_test(long_runs_are_measured),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(ranks_become_teams),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
