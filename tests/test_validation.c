/* Validation: measures against their definitions, worked out here on made-up answers; what a measures
 * file keeps, and what it does when models are trained on, were not finished, or are not sound. */
#include "lab/measures.h"
#include "lab/measures_file.h"
#include "parallel/ranks.h"
#include "store_fixture.h"

enum { TYPES = 11, L1 = 8, MI1, SILENT };
static const double PI = 3.14159265358979323846264338327950288;

/* ---- measures ---------------------------------------------------------------------------------- */

/* The detectors, and three more of which one is not known. */
static om_circuit *made_up_circuit(void)
{
    static const char *const names[TYPES] = {"T4a", "T4b", "T4c", "T4d", "T5a",   "T5b",
                                             "T5c", "T5d", "L1",  "Mi1", "Nobody"};
    static om_type types[TYPES];
    static om_circuit circuit;
    for (int t = 0; t < TYPES; t++) snprintf(types[t].name, OM_NAME_BYTES, "%s", names[t]);
    circuit.n_types = TYPES;
    circuit.types = types;
    return &circuit;
}

/* Peaks to edges of one intensity: 1 + depth cos(angle - preferred); to the other intensity a flat 1,
 * so that DSI is depth / 2. */
static void answer(const om_validation *v, om_validated *m, int type, int intensity, double depth,
                   double preferred_deg)
{
    for (int i = 0; i < OM_BATTERY_EDGES; i++) {
        const om_edge *e = &v->edges[i];
        const double turn = (e->angle_deg - preferred_deg) * PI / 180;
        m->peak[i * TYPES + type] = e->intensity == intensity ? 1 + depth * cos(turn) : 1;
    }
}

static void near_to(double expected, double actual, const char *what)
{
    if (!(fabs(expected - actual) < 1e-9)) fail_msg("%s: %g, expected %g", what, actual, expected);
}

static double correlate(const double *x, const double *y, int n)
{
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    for (int i = 0; i < n; i++) {
        sx += x[i], sy += y[i];
        sxx += x[i] * x[i], syy += y[i] * y[i], sxy += x[i] * y[i];
    }
    return (n * sxy - sx * sy) / sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
}

static void measures_are_their_definitions(void **unused)
{
    (void)unused;
    /* degrees beside the known direction; depth of tuning */
    static const double off[OM_DETECTORS] = {0, 29, 31, 44, 46, 90, 180, 10};
    static const double depth[OM_DETECTORS] = {0.2, 0.4, 0.6, 0.8, 0.1, 0.3, 0.5, 0.7};
    static const double fri[TYPES] = {0.5, 0.4, 0.3, -0.2, -0.5, -0.4, 0.1, -0.2, -0.3, 0.6, 0.9};
    static const double polarity[] = {1, 1, 1, 1, -1, -1, -1, -1, -1, 1};
    static const double motion[] = {1, 1, 1, 1, 1, 1, 1, 1, 0}; /* L1's is not known */
    om_validation *v;
    must(om_validation_create(made_up_circuit(), 1, 1, 0, &v));
    om_validated *m = &v->models[0];
    double dsi[OM_DETECTORS + 1];
    for (int d = 0; d < OM_DETECTORS; d++) {
        double known = om_known_type_of(om_detector_name(d))->direction_deg;
        answer(v, m, d, om_detector_intensity(d), depth[d], known + off[d]);
        dsi[d] = depth[d] / 2;
    }
    answer(v, m, L1, 0, 0.1, 0);
    answer(v, m, MI1, 1, 0.3, 0);
    answer(v, m, SILENT, 0, 0.5, 0);
    dsi[OM_DETECTORS] = 0.15;
    for (int t = 0; t < TYPES; t++) {
        m->fri[t] = -fri[t]; /* full field: not what is measured */
        m->fri[TYPES + t] = fri[t];
    }
    must(om_validated_derive(v, m));
    const double *x = m->measure;
    near_to(5, x[OM_HITS_45], "within 45"); /* 0, 29, 31, 44, 10 */
    near_to(3, x[OM_HITS_30], "within 30");
    near_to(37.5, x[OM_DIRECTION_DISTANCE], "distance"); /* 31, 44 in the middle */
    near_to(0.25, x[OM_DSI_T4], "T4");
    near_to(0.2, x[OM_DSI_T5], "T5");
    near_to(0.15, x[OM_DSI_OTHERS], "others");
    near_to(correlate(dsi, motion, 9), x[OM_MOTION_CORRELATION], "motion");
    near_to(correlate(fri, polarity, 10), x[OM_POLARITY_CORRELATION], "polarity");
    near_to(x[OM_POLARITY_CORRELATION], x[OM_POLARITY_CORRELATION_WITHOUT_RECEPTORS], "no R");
    near_to(8, x[OM_SIGNS_RIGHT], "signs"); /* not T4d, T5c */
    double curve[OM_DETECTORS], tuned[OM_CURVE_ANGLES];
    for (int d = 0; d < OM_DETECTORS; d++) {
        const om_known_type *known = om_known_type_of(om_detector_name(d));
        for (int a = 0; a < OM_CURVE_ANGLES; a++)
            tuned[a] = cos((30 * a - known->direction_deg - off[d]) * PI / 180);
        curve[d] = correlate(tuned, known->curve, OM_CURVE_ANGLES);
        near_to(curve[d], m->curve[om_detector_intensity(d)][d], om_detector_name(d));
    }
    assert_int_equal(v->n_detectors, OM_DETECTORS);
    near_to(2, v->chance[OM_HITS_45], "chance");
    near_to(5, v->chance[OM_SIGNS_RIGHT], "chance of signs");
    om_validation_free(v);
}

static void speed_chooses_edges(void **unused)
{
    (void)unused;
    om_validation *v;
    must(om_validation_create(made_up_circuit(), 1, 1, 19, &v));
    om_validated *m = &v->models[0];
    for (int t = 0; t < TYPES; t++) {
        m->fri[TYPES + t] = 0;
        answer(v, m, t, 1, 0.5, 90);
    }
    for (int i = 0; i < OM_BATTERY_EDGES; i++)
        if (v->edges[i].speed != 19) m->peak[i * TYPES] = v->edges[i].angle_deg;
    must(om_validated_derive(v, m));
    near_to(0.25, m->dsi[TYPES], "DSI of T4a");
    near_to(PI / 2, m->direction[TYPES], "direction of T4a");
    om_validation_free(v);
    must_say(om_validation_create(made_up_circuit(), 1, 1, 20, &v), OM_EUSAGE, "speed 20");
}

static void missing_types_leave_measures_out(void **unused)
{
    (void)unused;
    om_circuit circuit = *made_up_circuit();
    om_validation *v;
    circuit.types += SILENT;
    circuit.n_types = 1;
    must(om_validation_create(&circuit, 1, 1, 0, &v));
    for (int i = 0; i < OM_BATTERY_EDGES; i++) v->models[0].peak[i] = 1;
    v->models[0].fri[0] = v->models[0].fri[1] = 0.5;
    must(om_validated_derive(v, &v->models[0]));
    for (int i = 0; i < OM_N_MEASURES; i++)
        if (i != OM_DSI_OTHERS) assert_true(isnan(v->models[0].measure[i]) != 0);
    assert_int_equal(v->n_detectors + v->n_known_polarity + v->n_known_motion, 0);
    om_validation_free(v);
}

static void edges_are_the_experiments(void **unused)
{
    (void)unused;
    om_edge edges[OM_BATTERY_EDGES];
    om_experiment *x;
    must(om_experiment_create(OM_EDGES_SHOWN, 1, &x));
    om_battery_edges(edges);
    assert_int_equal(x->n_conditions, OM_BATTERY_EDGES);
    assert_memory_equal(edges, x->edges, sizeof edges);
    om_experiment_free(x);
}

static void names_are_found(void **unused)
{
    (void)unused;
    for (int m = 0; m < OM_N_MEASURES; m++)
        assert_int_equal(om_measure_named(om_measures[m].name), m);
    assert_int_equal(om_measure_named("loudness"), -1);
    char *path;
    must(om_validation_file("a/b.h5", &path));
    assert_string_equal(path, "a/b.measures.h5");
    om_free(path);
    must(om_validation_file("a.h5/b", &path));
    assert_string_equal(path, "a.h5/b.measures.h5");
    om_free(path);
}

/* ---- the file ---------------------------------------------------------------------------------- */

typedef struct told {
    int n;
} told;

static void count(void *context, int done, int all)
{
    told *t = context;
    (void)all;
    t->n = done;
}

/* Validates; returns how many subjects were shown anything. */
static int validate(om_store *store, const char *file, om_validation **v)
{
    told t = {0};
    const om_validate_options options = {
        .file = file, .command = "a test", .threads = 1, .tell = count, .context = &t};
    must(om_validate(store, &options, v));
    return t.n;
}

/* Parameters of a model that is hardly trained; wild: it diverges. */
static void commit(fixture *f, om_store *store, uint32_t model, double shift)
{
    om_state *state = fixture_state(f, model, 250000);
    const om_state_layout *l = &f->layout;
    om_real *best = om_state_at(state, l->at_best_params);
    om_params_init(f->circuit, &f->train.init, f->plan.seed, model, best);
    best[l->params.resting_potential] += (om_real)shift;
    must(om_store_commit(store, (int)model, state));
    om_free(state);
}

static bool same_model(const om_validation *a, const om_validation *b, int i)
{
    const size_t n = (size_t)a->n_types * sizeof(double);
    return memcmp(a->models[i].fri, b->models[i].fri, (size_t)OM_BATTERY_RADII * n) == 0 &&
           memcmp(a->models[i].peak, b->models[i].peak, (size_t)OM_BATTERY_EDGES * n) == 0;
}

static void rows_are_kept_while_they_hold(void **unused)
{
    (void)unused;
    enum { ALL = FIXTURE_MODELS + OM_CONTROLS };
    fixture f;
    fixture_create(&f);
    const char *path = fixture_path(&f, "store.h5");
    char *file;
    must(om_validation_file(path, &file));
    om_store *store;
    om_validation *first, *second;
    must(om_store_create(path, &f.plan));
    must(om_store_open(path, OM_STORE_WRITE, &store));
    must_say(om_validation_read(store, NULL, 0, &first), OM_EIO, "ommatid validate");
    commit(&f, store, 0, 0);
    commit(&f, store, 1, 1e6);
    assert_int_equal(validate(store, NULL, &first), ALL);
    assert_int_equal(first->models[0].prediction.outcome, OM_PREDICTED);
    assert_int_equal(first->models[1].prediction.outcome, OM_PREDICTED_DIVERGED);
    assert_non_null(strstr(first->models[1].prediction.message, "voltage of"));
    assert_int_equal(first->models[2].prediction.outcome, OM_PREDICTED_UNTRAINED);
    for (int i = 0; i < OM_N_MEASURES; i++) {
        assert_true(!isnan(first->models[0].measure[i]));
        assert_true(isnan(first->models[1].measure[i]) && isnan(first->models[2].measure[i]));
        assert_true(!isnan(first->untrained[9].measure[i]));
    }
    /* nothing is new */
    assert_int_equal(validate(store, NULL, &second), 0);
    assert_true(same_model(first, second, 0));
    om_validation_free(second);
    /* one was trained on, one is trained now */
    commit(&f, store, 0, 0.25);
    commit(&f, store, 2, 0);
    must(om_validation_read(store, NULL, 0, &second));
    assert_int_equal(second->models[0].prediction.outcome, OM_PREDICTED_NOT_YET);
    assert_non_null(strstr(second->models[0].prediction.message, "trained on"));
    assert_true(isnan(second->models[0].measure[OM_DSI_T4]) != 0);
    om_validation_free(second);
    assert_int_equal(validate(store, NULL, &second), 2);
    assert_false(same_model(first, second, 0));
    assert_int_equal(second->models[2].prediction.outcome, OM_PREDICTED);
    om_validation_free(second);
    /* as it was */
    commit(&f, store, 0, 0);
    assert_int_equal(validate(store, NULL, &second), 1);
    assert_true(same_model(first, second, 0));
    om_validation_free(first);
    /* a row that was being written when its rank was killed is not believed */
    om_h5 *h5;
    second->models[2].peak[7] += 1;
    must(om_h5_open(file, OM_H5_UPDATE, &h5));
    must(om_measures_file_write(h5, second, false, &second->models[2], 12345));
    om_h5_close(h5);
    second->models[2].peak[7] -= 1;
    assert_int_equal(validate(store, NULL, &first), 1);
    assert_true(same_model(first, second, 2));
    om_validation_free(first);
    om_validation_free(second);
    om_store_close(store);
    om_free(file);
    fixture_free(&f);
}

/* Untrained models are those that the store's options start from, with seeds of their own. */
static void untrained_ones_start_as_models_do(void **unused)
{
    (void)unused;
    fixture f;
    fixture_create(&f);
    f.plan.seed = 4;
    const char *path = fixture_path(&f, "store.h5"), *other = fixture_path(&f, "other.h5");
    om_store *store;
    om_validation *v;
    must(om_store_create(path, &f.plan));
    must(om_store_open(path, OM_STORE_WRITE, &store));
    commit(&f, store, 0, 0); /* its own initial parameters: those of the untrained model 4 */
    validate(store, other, &v);
    const size_t n = (size_t)v->n_types * sizeof(double);
    assert_memory_equal(v->models[0].peak, v->untrained[4].peak, (size_t)OM_BATTERY_EDGES * n);
    assert_true(memcmp(v->models[0].peak, v->untrained[3].peak, (size_t)OM_BATTERY_EDGES * n) != 0);
    om_validation_free(v);
    om_store_close(store);
    /* a measures file of another store */
    f.plan.seed = 5;
    path = fixture_path(&f, "second.h5");
    must(om_store_create(path, &f.plan));
    must(om_store_open(path, OM_STORE_READ, &store));
    must_say(om_validation_read(store, other, 0, &v), OM_EDATA, "another store");
    must_say(om_validation_read(store, path, 0, &v), OM_EDATA, "no measures");
    om_store_close(store);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_are_their_definitions),
        cmocka_unit_test(speed_chooses_edges),
        cmocka_unit_test(missing_types_leave_measures_out),
        cmocka_unit_test(edges_are_the_experiments),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(rows_are_kept_while_they_hold),
        cmocka_unit_test(untrained_ones_start_as_models_do),
    };
    must(om_ranks_start());
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    om_ranks_finish();
    return failed;
}
