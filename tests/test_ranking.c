/* Ranking the models of a store, and durations for a person. */
#include <math.h>
#include <mpi.h>

#include "ensemble/progress.h"
#include "ensemble/ranking.h"
#include "store_bench.h"

enum { MODELS = 8, SCENES = 12, CHECKS = 5, EVERY = 250000 };

/* What a model of the tests has gone through. */
typedef struct entry {
    om_model_status status;
    int checks; /* done; curves are NaN from there on */
    float epe[CHECKS], l2norm[CHECKS];
} entry;

/* By end-point error: 4, then 2 and 6 alike, 0, 7; 1 diverged, 3 failed, 5 was never checked. */
static const entry entries[MODELS] = {
    {OM_MODEL_DONE, 5, {9, 8, 4, 5, 6}, {900, 800, 700, 50, 60}},
    {OM_MODEL_DIVERGED, 3, {9, 2, 1}, {900, 2, 1}},
    {OM_MODEL_DONE, 5, {9, 8, 7, 6, 3}, {900, 800, 700, 600, 500}},
    {OM_MODEL_FAILED, 2, {9, 1}, {900, 1}},
    {OM_MODEL_RUNNING, 4, {9, 2, 3, 2}, {900, 300, 200, 100}},
    {OM_MODEL_WAITING, 0, {0}, {0}},
    {OM_MODEL_WAITING, 3, {9, 3, 3}, {900, 650, 640}},
    {OM_MODEL_DONE, 5, {9, 9, 9, 9, 9}, {5, 6, 7, 8, 9}},
};

static int best_of(const om_state_layout *l, const entry *e, om_loss selection)
{
    const float *by = selection == OM_LOSS_EPE ? e->epe : e->l2norm;
    int best = e->checks > 0 ? 0 : -1;
    assert_int_equal(l->n_checks, CHECKS);
    for (int i = 1; i < e->checks; i++)
        if (by[i] < by[best]) best = i;
    return best;
}

/* Errors of the scenes whose mean is the model's error: they lie at even distances about it. */
static void spread_scenes(const entry *e, int best, int model, float *scenes)
{
    for (int s = 0; s < SCENES; s++) {
        int turned = (s * 5 + model * 7) % SCENES;
        scenes[s] = e->epe[best] * (1 + 0.1F * ((float)turned - (SCENES - 1) / 2.0F));
    }
}

static void commit_entry(om_store *store, int model, const entry *e)
{
    om_state *state = fixture_state(&f, (uint32_t)model, 1);
    const om_state_layout *l = &f.layout;
    state->n_checks = (uint32_t)e->checks;
    state->iteration = e->checks > 0 ? (uint64_t)(e->checks - 1) * EVERY : 0;
    memcpy(om_state_at(state, l->at_check_epe), e->epe, (size_t)e->checks * sizeof(float));
    memcpy(om_state_at(state, l->at_check_l2norm), e->l2norm, (size_t)e->checks * sizeof(float));
    state->best_check = best_of(l, e, f.train.selection);
    if (state->best_check >= 0) {
        state->best_epe = (double)e->epe[state->best_check];
        state->best_l2norm = (double)e->l2norm[state->best_check];
        spread_scenes(e, state->best_check, model, om_state_at(state, l->at_best_scene_epe));
    }
    if (e->checks > 0) must(om_store_commit(store, model, state));
    om_model_row row = {.seed = f.plan.seed,
                        .status = e->status,
                        .iteration = state->iteration,
                        .worker = 0,
                        .seconds = 1};
    must(om_store_write_row(store, model, &row));
    om_free(state);
}

/* A fixture with more models and more validation scenes. */
static void enlarge(om_loss selection)
{
    om_sequence sequences[FIXTURE_TRAINING + SCENES];
    memset(sequences, 0, sizeof sequences);
    om_scenes_free(f.scenes);
    for (int i = 0; i < FIXTURE_TRAINING + SCENES; i++) {
        snprintf(sequences[i].name, sizeof sequences[i].name, "still-%03d", i);
        sequences[i].validation = i >= FIXTURE_TRAINING;
        sequences[i].frames = FIXTURE_FRAMES;
    }
    must(om_scenes_create(sequences, FIXTURE_TRAINING + SCENES, 1, 24, &f.scenes));
    must(om_scenes_place(f.scenes, NULL));
    must(om_scenes_seal(f.scenes));
    f.train.selection = selection;
    f.plan.scenes = f.scenes;
    f.plan.n_models = MODELS;
    must(om_state_layout_of(f.circuit, f.scenes, &f.train, &f.layout));
}

static const char *ranked_store(om_loss selection)
{
    enlarge(selection);
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    for (int m = 0; m < MODELS; m++) commit_entry(store, m, &entries[m]);
    om_store_close(store);
    return path;
}

static void rank(const char *path, om_loss by, om_ranked ranked[MODELS])
{
    om_store *store = open_store(path, OM_STORE_READ);
    memset(ranked, 0x5a, MODELS * sizeof *ranked);
    must(om_ensemble_rank(store, by, ranked));
    om_store_close(store);
}

static void assert_order(const om_ranked *ranked, const int *models, int n_ranked)
{
    for (int i = 0; i < MODELS; i++) {
        assert_int_equal(ranked[i].model, models[i]);
        assert_int_equal(ranked[i].place, i < n_ranked ? i + 1 : 0);
        assert_int_equal(ranked[i].status, entries[models[i]].status);
    }
}

static void test_order_is_by_error_then_by_number(void **unused)
{
    (void)unused;
    om_ranked ranked[MODELS];
    rank(ranked_store(OM_LOSS_EPE), OM_LOSS_EPE, ranked);
    assert_order(ranked, (const int[]){4, 2, 6, 0, 7, 1, 3, 5}, 5);
}

static void test_models_that_ended_badly_or_were_never_checked_have_no_place(void **unused)
{
    (void)unused;
    om_ranked ranked[MODELS];
    rank(ranked_store(OM_LOSS_EPE), OM_LOSS_EPE, ranked);
    for (int i = 5; i < MODELS; i++) assert_true(isnan(ranked[i].stability));
    assert_true(ranked[5].epe == 1 && ranked[5].best_iteration == 2 * EVERY); /* it says so still */
    assert_true(isnan(ranked[7].epe) && isnan(ranked[7].l2norm) && isnan(ranked[7].spread));
    assert_int_equal(ranked[7].iteration, 0);
    assert_int_equal(ranked[7].best_iteration, 0);
}

/* The best check is that of the store's selection; errors of either kind are taken there. */
static void test_errors_are_those_of_the_best_check(void **unused)
{
    (void)unused;
    om_ranked ranked[MODELS];
    rank(ranked_store(OM_LOSS_EPE), OM_LOSS_EPE, ranked);
    assert_true(ranked[0].epe == 2 && ranked[0].l2norm == 300); /* the first of equal ones */
    assert_int_equal(ranked[0].best_iteration, EVERY);
    assert_int_equal(ranked[0].iteration, 3 * EVERY);
    assert_true(ranked[2].epe == 3 && ranked[2].l2norm == 650);
    assert_true(ranked[3].epe == 4 && ranked[3].l2norm == 700);
    assert_int_equal(ranked[3].best_iteration, 2 * EVERY);
}

static void test_another_measure_orders_the_same_checks(void **unused)
{
    (void)unused;
    om_ranked ranked[MODELS];
    rank(ranked_store(OM_LOSS_EPE), OM_LOSS_L2NORM, ranked);
    /* 7: 5; 4: 300; 2: 500; 6: 650; 0: 700, though it has had 50 */
    assert_order(ranked, (const int[]){7, 4, 2, 6, 0, 1, 3, 5}, 5);
    assert_true(ranked[4].l2norm == 700 && ranked[4].epe == 4);
}

static void test_the_stores_selection_chooses_the_checks(void **unused)
{
    (void)unused;
    om_ranked ranked[MODELS];
    const char *path = ranked_store(OM_LOSS_L2NORM);
    rank(path, OM_LOSS_L2NORM, ranked);
    /* 7: 5; 0: 50; 4: 100; 2: 500; 6: 640 */
    assert_order(ranked, (const int[]){7, 0, 4, 2, 6, 1, 3, 5}, 5);
    assert_true(ranked[1].epe == 5 && ranked[1].best_iteration == 3 * EVERY);
    rank(path, OM_LOSS_EPE, ranked);
    assert_order(ranked, (const int[]){4, 2, 6, 0, 7, 1, 3, 5}, 5);
}

/* Scenes at mean * (1 + 0.1 (k - 5.5)), k = 0..11: variance (ddof 1) mean^2 * 0.01 * 13. */
static void test_the_spread_is_the_standard_error_over_scenes(void **unused)
{
    (void)unused;
    om_ranked ranked[MODELS];
    rank(ranked_store(OM_LOSS_EPE), OM_LOSS_EPE, ranked);
    for (int i = 0; i < 7; i++) {
        double expected = ranked[i].epe * 0.1 * sqrt(13.0 / SCENES);
        assert_true(fabs(ranked[i].spread - expected) < 1e-6 * expected);
    }
}

static void test_stability_is_a_share_and_always_the_same(void **unused)
{
    (void)unused;
    om_ranked ranked[MODELS], again[MODELS];
    const char *path = ranked_store(OM_LOSS_EPE);
    rank(path, OM_LOSS_EPE, ranked);
    rank(path, OM_LOSS_EPE, again);
    for (int i = 0; i < 5; i++) {
        assert_true(ranked[i].stability >= 0 && ranked[i].stability <= 1 + 1e-9);
        assert_true(ranked[i].stability == again[i].stability);
        double thousands = ranked[i].stability * 1000;
        assert_true(fabs(thousands - round(thousands)) < 1e-6);
    }
    /* far from all the others, on either side */
    assert_true(ranked[4].stability > 0.99);
    /* two of five at one place: not always within one of it */
    assert_true(ranked[1].stability > 0.5 && ranked[2].stability < 1);
}

/* Models whose order is the same on every scene keep it, whatever is drawn. */
static void test_an_order_that_every_scene_shares_is_stable(void **unused)
{
    (void)unused;
    enlarge(OM_LOSS_EPE);
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    for (int m = 0; m < MODELS; m++) {
        entry e = {OM_MODEL_DONE, 1, {(float)(m + 1)}, {1}};
        om_state *state = fixture_state(&f, (uint32_t)m, 0);
        commit_entry(store, m, &e);
        bool found;
        must(om_store_load(store, m, state, &found));
        assert_true(found);
        float *scenes = om_state_at(state, f.layout.at_best_scene_epe);
        for (int s = 0; s < SCENES; s++) scenes[s] = (float)(m + 1) + (float)s / 100;
        must(om_store_commit(store, m, state));
        om_free(state);
    }
    om_store_close(store);
    om_ranked ranked[MODELS];
    rank(path, OM_LOSS_EPE, ranked);
    for (int i = 0; i < MODELS; i++) assert_true(fabs(ranked[i].stability - 1) < 1e-9);
}

/* Behind those that run or are done, whatever their errors: those of the later rung before those of the
 * earlier one, and by error, then number, at the same rung. */
static void test_models_that_a_race_stopped_stand_behind_the_others(void **unused)
{
    (void)unused;
    enlarge(OM_LOSS_EPE);
    const entry raced[MODELS] = {
        {OM_MODEL_STOPPED, 2, {9, 1}, {9, 1}},
        {OM_MODEL_DONE, 5, {9, 9, 9, 9, 8}, {9, 9, 9, 9, 8}},
        {OM_MODEL_STOPPED, 3, {9, 3, 3}, {9, 3, 3}},
        {OM_MODEL_DONE, 5, {9, 7, 7, 7, 7}, {9, 7, 7, 7, 7}},
        {OM_MODEL_STOPPED, 3, {9, 2, 2}, {9, 2, 2}},
        {OM_MODEL_DIVERGED, 2, {9, 1}, {9, 1}},
        {OM_MODEL_STOPPED, 2, {9, 1}, {9, 1}},
        {OM_MODEL_STOPPED, 3, {9, 4, 4}, {9, 4, 4}},
    };
    const int order[MODELS] = {3, 1, 4, 2, 7, 0, 6, 5};
    const char *path = new_store();
    om_store *store = open_store(path, OM_STORE_WRITE);
    for (int m = 0; m < MODELS; m++) commit_entry(store, m, &raced[m]);
    om_store_close(store);
    om_ranked ranked[MODELS];
    rank(path, OM_LOSS_EPE, ranked);
    for (int i = 0; i < MODELS; i++) {
        assert_int_equal(ranked[i].model, order[i]);
        assert_int_equal(ranked[i].place, i < 7 ? i + 1 : 0);
    }
    /* scenes are drawn again, races are not: nobody gets in front of another rung's */
    for (int i = 5; i < 7; i++) assert_true(fabs(ranked[i].stability - 1) < 1e-9);
}

static void read_ranking(const char *path, const char *name, hid_t type, void *out)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(data >= 0);
    assert_true(H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0);
    H5Dclose(data);
    H5Fclose(file);
}

static void test_the_store_keeps_the_ranking_by_model(void **unused)
{
    (void)unused;
    const char *path = ranked_store(OM_LOSS_EPE);
    om_store *store = open_store(path, OM_STORE_WRITE);
    must(om_ranking_store(store));
    om_store_close(store);
    om_ranked ranked[MODELS];
    rank(path, OM_LOSS_EPE, ranked);
    int place[MODELS];
    double error[MODELS], spread[MODELS], stability[MODELS];
    read_ranking(path, "/ranking/place", H5T_NATIVE_INT, place);
    read_ranking(path, "/ranking/error", H5T_NATIVE_DOUBLE, error);
    read_ranking(path, "/ranking/spread", H5T_NATIVE_DOUBLE, spread);
    read_ranking(path, "/ranking/stability", H5T_NATIVE_DOUBLE, stability);
    for (int i = 0; i < MODELS; i++) {
        int m = ranked[i].model;
        assert_int_equal(place[m], ranked[i].place - 1);
        if (i < 5) {
            assert_true(error[m] == ranked[i].epe && spread[m] == ranked[i].spread);
            assert_true(stability[m] == ranked[i].stability);
        } else {
            assert_true(isnan(error[m]) && isnan(stability[m]));
        }
    }
}

static void test_a_new_store_ranks_nobody(void **unused)
{
    (void)unused;
    enlarge(OM_LOSS_EPE);
    om_ranked ranked[MODELS];
    rank(new_store(), OM_LOSS_EPE, ranked);
    for (int m = 0; m < MODELS; m++) {
        assert_int_equal(ranked[m].model, m);
        assert_int_equal(ranked[m].place, 0);
        assert_true(isnan(ranked[m].epe));
    }
}

static void test_durations_are_for_a_person(void **unused)
{
    (void)unused;
    const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {0, "0 s"},
        {0.4, "0 s"},
        {45, "45 s"},
        {59.4, "59 s"},
        {59.6, "1 min 0 s"},
        {200, "3 min 20 s"},
        {3599, "59 min 59 s"},
        {3599.5, "1 h 0 min"},
        {4 * 3600 + 12 * 60 + 59, "4 h 12 min"},
        {48 * 3600 - 1, "47 h 59 min"},
        {51 * 3600, "2 d 3 h"},
        {1e8, "1157 d 9 h"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        om_progress_duration(cases[i].seconds, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    MPI_Init(NULL, NULL);
    const struct CMUnitTest tests[] = {
        TEST(test_order_is_by_error_then_by_number),
        TEST(test_models_that_ended_badly_or_were_never_checked_have_no_place),
        TEST(test_errors_are_those_of_the_best_check),
        TEST(test_another_measure_orders_the_same_checks),
        TEST(test_the_stores_selection_chooses_the_checks),
        TEST(test_the_spread_is_the_standard_error_over_scenes),
        TEST(test_stability_is_a_share_and_always_the_same),
        TEST(test_an_order_that_every_scene_shares_is_stable),
        TEST(test_models_that_a_race_stopped_stand_behind_the_others),
        TEST(test_the_store_keeps_the_ranking_by_model),
        TEST(test_a_new_store_ranks_nobody),
        cmocka_unit_test(test_durations_are_for_a_person),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
