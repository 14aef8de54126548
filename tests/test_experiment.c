/* Experiments on a small random network, against each condition's film simulated alone and at once. */
#include <math.h>

#include "every_kernel.h"
#include "ommatid/om_experiment.h"
#include "ommatid/om_params.h"

enum { EXTENT = 3, TYPES = 8, SETTLE = 400 /* a second, and one of grey before the stimulus */ };

static struct {
    om_circuit *circuit;
    om_real *params;
} t;

static int set_up(void **unused)
{
    (void)unused;
    t.circuit = naive_random_circuit(31, TYPES, 24, EXTENT, true);
    naive_model *naive = naive_create(t.circuit);
    double *params = naive_zeros((int)naive->layout.n_params);
    naive_random_params(7, naive, params);
    t.params = reals(naive->layout.n_params, params);
    free(params);
    naive_free(naive);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    free(t.params);
    naive_circuit_free(t.circuit);
    return 0;
}

/* All that an experiment said. */
typedef struct record {
    int frames;       /* room for each condition, with frame -1 */
    int *n;           /* [n_conditions] frames so far */
    om_real *voltage; /* [n_conditions][frames][TYPES] */
} record;

static om_real *at(const record *r, int condition, int frame)
{
    return r->voltage + ((ptrdiff_t)condition * r->frames + frame + 1) * TYPES;
}

static void keep(void *context, int condition, int frame, double time_s, const om_real *voltage)
{
    record *r = context;
    assert_int_equal(frame, r->n[condition]++ - 1);
    assert_true(fabs(time_s - frame * 0.005) < 1e-12);
    memcpy(at(r, condition, frame), voltage, TYPES * sizeof *voltage);
}

static record make_record(const om_experiment *x)
{
    record r = {.frames = om_experiment_most_frames(x, true) + 1};
    r.n = naive_zeroed((size_t)x->n_conditions, sizeof *r.n);
    r.voltage = reals((size_t)(x->n_conditions * r.frames * TYPES), NULL);
    return r;
}

static void free_record(record *r) { free(r->n), free(r->voltage); }

static om_experiment *make(om_experiment_kind kind)
{
    om_experiment *x;
    assert_int_equal(om_experiment_create(kind, EXTENT, &x), OM_OK);
    return x;
}

/* Whether what was recorded of a condition is what its film alone gives, bit for bit. */
static bool is_that_of_its_film(const om_experiment *x, const record *r, int condition,
                                const om_experiment_options *run)
{
    const om_condition *c = &x->conditions[condition];
    om_network_options options = {.batch = 1,
                                  .frames = om_experiment_frames(x, condition, run->whole),
                                  .dt_s = x->timing.dt,
                                  .threads = 1,
                                  .activation = run->activation};
    om_network *network;
    assert_int_equal(om_kernels_select(NULL, &options.kernels), OM_OK);
    assert_int_equal(om_network_create(t.circuit, &options, &network), OM_OK);
    om_network_set_counts(network, run->counts);
    om_network_set_params(network, t.params);
    om_network_settle(network, SETTLE, (om_real)0.5);
    om_real *film = reals((size_t)(options.frames * x->n_columns), NULL);
    float *seen = naive_zeroed((size_t)x->n_columns, sizeof *seen);
    for (int f = 0; f < options.frames; f++) {
        om_course_luminance(&c->course, c->course.pre + f, c->frames, x->n_columns, seen);
        for (int i = 0; i < x->n_columns; i++) film[f * x->n_columns + i] = (om_real)seen[i];
    }
    om_network_set_luminance(network, 0, film);
    om_network_forward(network);
    bool same = r->n[condition] == options.frames + 1;
    om_real *map = reals((size_t)x->n_columns, NULL);
    for (int f = -1; f < options.frames; f++)
        for (int k = 0; k < TYPES; k++) {
            om_network_activity(network, 0, f, k, map);
            same &= map[om_lattice_index(EXTENT, 0, 0)] == at(r, condition, f)[k];
        }
    om_network_free(network);
    free(film), free(seen), free(map);
    return same;
}

static void compare(om_experiment_kind kind, const om_experiment_options *options)
{
    om_experiment *x = make(kind);
    record r = make_record(x);
    assert_int_equal(om_experiment_run(x, t.circuit, t.params, options, keep, &r), OM_OK);
    for (int i = 0; i < x->n_conditions; i += kind == OM_FLASHES_SHOWN ? 1 : 7)
        if (!is_that_of_its_film(x, &r, i, options)) fail_msg("%s", x->conditions[i].name);
    free_record(&r);
    om_experiment_free(x);
}

static void test_conditions_are_their_films(void **state)
{
    (void)state;
    om_experiment_options options = {.threads = 2};
    compare(OM_FLASHES_SHOWN, &options);
    compare(OM_EDGES_SHOWN, &options);
    options.whole = true;
    compare(OM_FLASHES_SHOWN, &options);
}

static void test_activation_and_counts_are_the_models_own(void **state)
{
    (void)state;
    double *counts = naive_zeros(t.circuit->n_taps);
    om_circuit_draw_counts(t.circuit, 0.5, 3, 1, counts);
    om_experiment_options options = {.threads = 1, .activation = OM_SOFTPLUS, .counts = counts};
    compare(OM_FLASHES_SHOWN, &options);
    free(counts);
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    om_experiment *x = make(OM_EDGES_SHOWN);
    record one = make_record(x), more = make_record(x);
    om_experiment_options options = {.threads = 1};
    assert_int_equal(om_experiment_run(x, t.circuit, t.params, &options, keep, &one), OM_OK);
    options.threads = 3;
    assert_int_equal(om_experiment_run(x, t.circuit, t.params, &options, keep, &more), OM_OK);
    size_t n = (size_t)(x->n_conditions * one.frames * TYPES);
    assert_memory_equal(one.voltage, more.voltage, n * sizeof(om_real));
    free_record(&one), free_record(&more);
    om_experiment_free(x);
}

/* The published ones: their number, order, lengths and windows. */
static void test_conditions(void **state)
{
    (void)state;
    om_experiment *flashes = make(OM_FLASHES_SHOWN), *edges = make(OM_EDGES_SHOWN);
    assert_int_equal(flashes->n_conditions, 4);
    assert_string_equal(flashes->conditions[0].name, "dark full field");
    assert_string_equal(flashes->conditions[3].name, "bright disc of 6");
    assert_int_equal(om_experiment_frames(flashes, 0, false), 201);
    assert_int_equal(om_experiment_frames(flashes, 0, true), 400);
    assert_int_equal(edges->n_conditions, 144);
    assert_string_equal(edges->conditions[6 * 3].name,
                        "bright edge to 30 degrees at 2.4 columns/s");
    int frames = 0;
    for (int i = 0; i < 144; i++) {
        const om_edge *e = &edges->edges[i];
        assert_true(e->angle_deg == 30 * (i / 12) && e->intensity == i / 6 % 2);
        assert_true(e->speed == om_moving_speeds[i % 6]);
        assert_int_equal(om_experiment_frames(edges, i, false),
                         (int)(edges->conditions[i].course.t_stim_s / 0.005) + 1);
        frames += om_experiment_frames(edges, i, false);
    }
    assert_in_range(frames, 34500, 36000);
    om_experiment_free(flashes), om_experiment_free(edges);
}

static void run_diverging(int type, double resting_potential, const char *says)
{
    om_experiment *x = make(OM_FLASHES_SHOWN);
    record r = make_record(x);
    om_experiment_options options = {.threads = 1};
    om_real before = t.params[type];
    t.params[type] = (om_real)resting_potential;
    assert_int_equal(om_experiment_run(x, t.circuit, t.params, &options, keep, &r), OM_EDIVERGED);
    if (strstr(om_message(), says) == NULL) fail_msg("'%s' lacks '%s'", om_message(), says);
    t.params[type] = before;
    free_record(&r);
    om_experiment_free(x);
}

static void test_what_leaves_the_bound_is_named(void **state)
{
    (void)state;
    char says[96];
    snprintf(says, sizeof says, "dark full field: the voltage of %s is nan",
             t.circuit->types[0].name);
    run_diverging(0, (double)NAN, says);
    run_diverging(TYPES - 1, 2e6, "expected within +-10000");
    om_experiment *x = make(OM_FLASHES_SHOWN);
    om_circuit *other = naive_random_circuit(31, TYPES, 24, EXTENT + 1, true);
    om_experiment_options options = {.threads = 1};
    assert_int_equal(om_experiment_run(x, other, t.params, &options, keep, NULL), OM_EUSAGE);
    naive_circuit_free(other);
    om_experiment_free(x);
    assert_int_equal(om_experiment_create(OM_EDGES_SHOWN, 0, &x), OM_EUSAGE);
}

/* Where no synapse leaves its column, what is wrong in a corner never comes to the middle. */
static void test_what_is_not_finite_is_found_in_every_column(void **state)
{
    (void)state;
    om_experiment *x = make(OM_FLASHES_SHOWN);
    record r = make_record(x);
    om_circuit *columnar = naive_random_circuit(31, TYPES, 24, EXTENT, true);
    const om_experiment_options options = {.threads = 1};
    for (int k = 0; k < columnar->n_taps; k++) columnar->taps[k].du = columnar->taps[k].dv = 0;
    x->frames[(ptrdiff_t)x->n_columns * x->n_conditions - 1] = NAN;
    assert_int_equal(om_experiment_run(x, columnar, t.params, &options, keep, &r), OM_EDIVERGED);
    naive_circuit_free(columnar);
    free_record(&r);
    om_experiment_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_are_their_films),
        cmocka_unit_test(test_activation_and_counts_are_the_models_own),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_what_leaves_the_bound_is_named),
        cmocka_unit_test(test_what_is_not_finite_is_found_in_every_column),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
