/* What training refuses, and how a model that diverges is noticed. */
#include "model/kernels/kernels.h"
#include "train_bench.h"

/* Learning rates at which nothing stays finite for long. */
#ifdef OM_REAL_IS_DOUBLE
static const double huge_rates[] = {1e100, 1e150, 1e200, 1e300};
#else
static const double huge_rates[] = {1e10, 1e20, 1e30, 1e300};
#endif

/* ---- what is refused ---- */

static void test_foreign_states_are_refused(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    bench b = bench_open(6, &options, 1, NULL);
    const om_state_layout *l = b.layout;
    om_state *whole = bench_trained(&b, 1), *s = naive_zeroed(l->bytes, 1);
    must(om_state_check(l, whole));
    must_say(om_state_check(l, s), OM_EDATA, "not a model's state");
#define REFUSED(change, part)                                                                      \
    do {                                                                                           \
        memcpy(s, whole, l->bytes);                                                                \
        change;                                                                                    \
        must_say(om_state_check(l, s), OM_EDATA, part);                                            \
    } while (0)
    REFUSED(s->version = 1, "version 1, expected 2");
    REFUSED(s->real_bytes = 2, "numbers of 2 bytes");
    REFUSED(s->bytes -= 64, "layout differs");
    REFUSED(s->fingerprint++, "layout differs");
    REFUSED(s->iteration = 13, "iteration 13 of only 12");
    REFUSED(s->n_records = 4, "more records or checks");
    REFUSED(s->n_checks = 5, "more records or checks");
    REFUSED(s->best_check = 4, "more records or checks");
    REFUSED(s->best_check = -2, "more records or checks");
    REFUSED(s->kept.iteration = 13, "iteration 12 that was kept at iteration 13");
    REFUSED(s->kept.n_records = s->n_records + 1, "kept at iteration");
    REFUSED(s->untrained_loss = NAN, "untrained loss is nan");
    REFUSED(s->rate_factor = NAN, "multiplied by nan");
    REFUSED(s->rate_factor = 0, "multiplied by 0");
#undef REFUSED
    om_train_options longer = options;
    longer.iterations = 24;
    om_state_layout other;
    must(om_state_layout_of(b.circuit, b.scenes, &longer, &other));
    must_say(om_state_check(&other, whole), OM_EDATA, "layout differs");
    free(whole);
    free(s);
    bench_close(&b);
}

/* A file cut short reads as zeros from there on: what is left is no state, or lacks its variances. */
static void test_numbers_that_are_not_finite_are_refused(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    bench b = bench_open(6, &options, 1, NULL);
    const om_state_layout *l = b.layout;
    om_state *whole = bench_trained(&b, 1), *s = naive_zeroed(l->bytes, 1);
    const struct {
        size_t at;
        const char *message;
    } parts[] = {
        {l->at_params, "model 1 at iteration 12: parameter 3 is"},
        {l->at_moment1, "first moment 3"},
        {l->at_moment2, "second moment 3"},
        {l->at_running_mean, "running mean 3"},
        {l->at_running_var, "running variance 3"},
        {l->at_pass_params, "parameter at the start of the pass 3"},
        {l->at_kept, "kept parameter 3"},
        {l->at_kept + l->at_moment2 - l->at_params, "kept second moment 3"},
        {l->at_kept + l->at_pass_params - l->at_params,
         "kept parameter at the start of the pass 3"},
        {l->at_best_params, "best parameter 3"},
        {l->at_best_running_mean, "best running mean 3"},
        {l->at_best_running_var, "best running variance 3"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        for (int k = 0; k < 2; k++) {
            memcpy(s, whole, l->bytes);
            ((om_real *)om_state_at(s, parts[i].at))[3] = (om_real)(k == 0 ? NAN : INFINITY);
            must_say(om_state_check(l, s), OM_EDIVERGED, parts[i].message);
        }
    memcpy(s, whole, l->bytes);
    s->record_loss_sum = NAN;
    must_say(om_state_check(l, s), OM_EDIVERGED, "record");
    free(whole);
    free(s);
    bench_close(&b);
}

static void test_training_sets_that_are_too_small_are_refused(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    bench b = bench_open(6, &options, 1, NULL);
    om_trainer *trainer;
    options.batch_size = 11;
    must_say(om_trainer_create(b.circuit, b.scenes, &options, 1, NULL, NULL, &trainer), OM_EDATA,
             "train.batch is 11, but there are only 10");
    assert_null(trainer);
    options.batch_size = 3;
    options.batch.frames = BENCH_FILM + 1;
    must_say(om_trainer_create(b.circuit, b.scenes, &options, 1, NULL, NULL, &trainer), OM_EDATA,
             "expected at least 7");
    om_scenes *blind = bench_films(2, 10, 0), *other = bench_films(3, 10, 4);
    options.batch.frames = BENCH_FRAMES;
    must_say(om_trainer_create(b.circuit, blind, &options, 1, NULL, NULL, &trainer), OM_EDATA,
             "no validation sequences");
    must_say(om_trainer_create(b.circuit, other, &options, 1, NULL, NULL, &trainer), OM_EDATA,
             "scenes of extent 3, but the circuit has extent 2");
    om_scenes_free(blind);
    om_scenes_free(other);
    bench_close(&b);
}

/* ---- divergence ---- */

static void test_a_huge_rate_ends_with_model_and_iteration(void **unused)
{
    (void)unused;
    for (int i = 0; i < 4; i++) {
        om_train_options options = bench_options();
        options.learning_rate[0] = options.learning_rate[1] = huge_rates[i];
        bench b = bench_open(6, &options, 1, NULL);
        om_state *state = bench_state(&b, 8);
        om_status status = om_train_advance(b.trainer, state, 12);
        print_message("rate %g: %s\n", huge_rates[i],
                      status == OM_OK ? "no failure" : om_message());
        must_say(status, OM_EDIVERGED, "model 8");
        must_say(status, OM_EDIVERGED, "iteration");
        free(state);
        bench_close(&b);
    }
}

static void test_a_check_that_is_not_finite_says_where(void **unused)
{
    (void)unused;
    om_train_options options = bench_options();
    bench b = bench_open(6, &options, 1, NULL);
    om_state *state = bench_state(&b, 8);
    ((om_real *)om_state_at(state, b.layout->at_running_var))[0] = (om_real)NAN;
    must_say(om_train_advance(b.trainer, state, 5), OM_EDIVERGED,
             "model 8 at iteration 0: the validation error");
    free(state);
    bench_close(&b);
}

/* A model that diverges leaves nothing behind in the workspace, whatever the kernels. Nor does a number
 * that is not finite get lost on its way to the loss, wherever it appears (bounds would catch infinity). */
static void test_what_diverges_is_noticed_and_leaves_no_trace(void **unused)
{
    (void)unused;
    const char *const isas[] = {"plain", "portable", "avx2", "avx512"};
    const char *before = getenv("OMMATID_ISA");
    om_train_options options = bench_all_options(), without = bench_options();
    memcpy(options.model.clamp, without.model.clamp, sizeof options.model.clamp);
    for (int i = 0; i < 4; i++) {
        setenv("OMMATID_ISA", isas[i], 1);
        const om_kernels *kernels;
        if (om_kernels_select(NULL, &kernels) != OM_OK) {
            print_message("skipped: %s\n", om_message());
            continue;
        }
        bench b = bench_open(6, &options, 1, NULL);
        const om_layout *l = &b.layout->params;
        const size_t places[] = {l->resting_potential, l->time_constant, l->strength,
                                 l->conv1_weight + 12, l->norm_weight,   l->norm_bias,
                                 l->conv2_weight + 12, l->conv2_bias,    l->conv2_bias + 2};
        om_state *expected = bench_trained(&b, 2);
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++)
            for (int kind = 0; kind < 2; kind++) {
                om_state *lost = bench_state(&b, 1), *state = bench_state(&b, 2);
                must(om_train_advance(b.trainer, lost, 1));
                bench_params(&b, lost)[places[k]] = (om_real)(kind == 0 ? NAN : INFINITY);
                must_say(om_train_advance(b.trainer, lost, 2), OM_EDIVERGED,
                         kind == 0 ? "model 1: the loss of iteration 2" : "model 1");
                must(om_train_advance(b.trainer, state, 12));
                bench_assert_same(&b, state, expected);
                free(lost);
                free(state);
            }
        free(expected);
        bench_close(&b);
    }
    if (before != NULL)
        setenv("OMMATID_ISA", before, 1);
    else
        unsetenv("OMMATID_ISA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_foreign_states_are_refused),
        cmocka_unit_test(test_numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(test_training_sets_that_are_too_small_are_refused),
        cmocka_unit_test(test_a_huge_rate_ends_with_model_and_iteration),
        cmocka_unit_test(test_a_check_that_is_not_finite_says_where),
        cmocka_unit_test(test_what_diverges_is_noticed_and_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
