/* The network alone: dynamics_*.h5 (every activation function that the file has, from the settled state,
 * from V = b and faded in), gradient_*.h5 (of a weighted sum of all activity) and full_*.h5 (summaries
 * of a network of full size). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "model/kernels/kernels.h"

/* As the reference files name them. */
static const char *const activation_names[OM_ACTIVATIONS] = {
    [OM_RELU] = "relu", [OM_LEAKY_RELU] = "leakyrelu", [OM_ELU] = "elu", [OM_SOFTPLUS] = "softplus",
    [OM_TANH] = "tanh", [OM_SIGMOID] = "sigmoid"};

/* What these files share: a circuit, its parameters and a batch of films. */
typedef struct films {
    check *c;
    om_circuit *circuit;
    const om_kernels *kernels;
    int batch, frames, columns, cells, settling_steps;
    double dt_s, grey;
    int *type, *column; /* [cells] in the file's order: by type, then by column */
    om_real *params;    /* [n_network] */
    om_real *luminance; /* [batch][frames][columns] */
} films;

/* ---- the file's options ---- */

/* Whether a dataset is there or the file's attributes say that it ought to be. */
static bool has(check *c, const char *group, const char *name)
{
    char attribute[256];
    snprintf(attribute, sizeof attribute, "dataset:%s%s%s", group, *group ? "." : "", name);
    return check_has(c, "%s/%s", group, name) || H5Aexists(c->file, attribute) > 0;
}

static void read_options(films *f)
{
    check *c = f->c;
    f->batch = check_integer(c, "/", "batch", 1, CHECK_MOST);
    f->frames = check_integer(c, "/", "frames", 1, CHECK_MOST);
    f->dt_s = check_option(c, "/", "dt_seconds", 1e-6, 10);
    f->grey = check_option(c, "/", "grey_value", -1e6, 1e6);
    f->settling_steps = (int)(check_option(c, "/", "t_pre_seconds", 0, 100) / f->dt_s);
}

static bool list_cells(films *f)
{
    size_t cells = (size_t)f->circuit->n_cells;
    f->columns = f->circuit->n_columns;
    if (!check_ok(f->c, om_alloc(cells, sizeof(int), &f->type)) ||
        !check_ok(f->c, om_alloc(cells, sizeof(int), &f->column)))
        return false;
    for (int t = 0; t < f->circuit->n_types; t++)
        for (int k = 0; k < f->columns; k++) {
            int u, v;
            om_lattice_coordinates(f->circuit->extent, k, &u, &v);
            if (!om_circuit_has_cell(f->circuit, t, u, v)) continue;
            f->type[f->cells] = t;
            f->column[f->cells++] = k;
        }
    return true;
}

static bool open_films(check *c, films *f)
{
    *f = (films){.c = c};
    int extent = check_extent(c, "/");
    read_options(f);
    /* slopes of which the library has one only; a file without that function need not name them */
    if (H5Aexists(c->file, "leakyrelu_slope") > 0) check_only(c, "/", "leakyrelu_slope", 0.01);
    if (H5Aexists(c->file, "elu_alpha") > 0) check_only(c, "/", "elu_alpha", 1);
    if (!check_ok(c, om_kernels_select(NULL, &f->kernels))) return false;
    f->circuit = check_circuit(c, extent);
    if (f->circuit == NULL || !list_cells(f)) return false;
    int numbers = check_times(c, check_times(c, f->batch, f->frames), f->columns);
    check_times(c, f->batch * f->frames, f->cells);
    int n_network = (int)om_layout_of(f->circuit).n_network;
    double *params = check_zeros(n_network);
    double *luminance = check_read(c, numbers, NULL, "luminance");
    bool good = check_network_params(c, f->circuit, "", "", params) && luminance != NULL;
    if (good) {
        f->params = check_reals(n_network, params);
        f->luminance = check_reals(numbers, luminance);
    }
    free(params);
    free(luminance);
    return good;
}

static void close_films(films *f)
{
    om_circuit_free(f->circuit);
    om_free(f->type), om_free(f->column);
    free(f->params), free(f->luminance);
}

/* ---- running them ---- */

/* A network that has run the films; NULL, and reported, if it cannot. om_network_free() it. */
static om_network *run(const films *f, om_activation activation, int settling_steps,
                       int fade_in_steps)
{
    om_network *network;
    om_network_options options = {.batch = f->batch,
                                  .frames = f->frames,
                                  .dt_s = f->dt_s,
                                  .threads = 1,
                                  .kernels = f->kernels,
                                  .activation = activation,
                                  .fade_in_steps = fade_in_steps,
                                  .gradient_of_all = true};
    if (!check_ok(f->c, om_network_create(f->circuit, &options, &network))) return NULL;
    om_network_set_params(network, f->params);
    om_network_settle(network, settling_steps, (om_real)f->grey);
    for (int s = 0; s < f->batch; s++)
        om_network_set_luminance(network, s, f->luminance + s * f->frames * f->columns);
    om_network_forward(network);
    return network;
}

/* Voltages of the first `frames` frames, [batch][frames][cells]; free() them. */
static double *activity_of(const films *f, const om_network *network, int frames)
{
    double *voltage = check_zeros(f->batch * frames * f->cells);
    for (int i = 0; i < f->batch * frames; i++)
        check_cells(f->circuit, network, i / frames, i % frames, voltage + i * f->cells);
    return voltage;
}

/* The state before the first frame, [batch][cells]; free() it. */
static double *initial_of(const films *f, const om_network *network)
{
    double *voltage = check_zeros(f->batch * f->cells);
    for (int s = 0; s < f->batch; s++)
        check_cells(f->circuit, network, s, -1, voltage + s * f->cells);
    return voltage;
}

/* ---- dynamics ---- */

/* Types and coordinates of all cells in the file's order, and how many there are. */
static void compare_cells(const films *f)
{
    double *type = check_zeros(f->cells), *u = check_zeros(f->cells), *v = check_zeros(f->cells);
    for (int i = 0; i < f->cells; i++) {
        int at_u, at_v;
        om_lattice_coordinates(f->circuit->extent, f->column[i], &at_u, &at_v);
        type[i] = f->type[i], u[i] = at_u, v[i] = at_v;
    }
    check_exact_dataset(f->c, f->cells, type, "node_type");
    check_exact_dataset(f->c, f->cells, u, "node_u");
    check_exact_dataset(f->c, f->cells, v, "node_v");
    free(type), free(u), free(v);
}

static void compare_numbers(const films *f)
{
    const double nodes = (double)f->circuit->n_cells, edges = (double)f->circuit->n_edges;
    double expected = check_option(f->c, "/", "n_nodes", 0, 1e15);
    check_exact(f->c, "n_nodes", 1, &nodes, &expected);
    expected = check_option(f->c, "/", "n_edges", 0, 1e15);
    check_exact(f->c, "n_edges", 1, &edges, &expected);
}

static void compare_settled(const films *f, om_activation activation)
{
    const char *name = activation_names[activation];
    om_network *network = run(f, activation, f->settling_steps, 0);
    if (network == NULL) return;
    double *initial = initial_of(f, network), *activity = activity_of(f, network, f->frames);
    check_dataset(f->c, f->cells, initial, check_limit(CHECK_FORWARD), "%s/steady_state", name);
    check_dataset(f->c, f->batch * f->frames * f->cells, activity, check_limit(CHECK_FORWARD),
                  "%s/activity", name);
    free(initial), free(activity);
    om_network_free(network);
}

/* The first frames from V = b; the file says how many. */
static void compare_from_bias(const films *f, om_activation activation)
{
    const char *name = activation_names[activation];
    int n, per_frame = f->batch * f->cells;
    double *expected = check_read(f->c, -1, &n, "%s/activity_from_bias", name);
    if (expected == NULL) return;
    free(expected);
    if (n % per_frame != 0 || n / per_frame > f->frames) {
        check_wrong(f->c, "%s/activity_from_bias: %d numbers are not 1 to %d frames of %d", name, n,
                    f->frames, per_frame);
        return;
    }
    om_network *network = run(f, activation, 0, 0);
    if (network == NULL) return;
    double *activity = activity_of(f, network, n / per_frame);
    check_dataset(f->c, n, activity, check_limit(CHECK_FORWARD), "%s/activity_from_bias", name);
    free(activity);
    om_network_free(network);
}

/* How long fading in takes is in the text about the dataset only: "... over 0.2 s from ...". */
static void compare_fade_in(const films *f, om_activation activation)
{
    const char *name = activation_names[activation];
    char attribute[256];
    snprintf(attribute, sizeof attribute, "dataset:%s.fade_in_state", name);
    char *text = check_text(f->c, "/", attribute);
    if (text == NULL) return;
    const char *over = strstr(text, " over ");
    double fade_in_s = over != NULL ? strtod(over + strlen(" over "), NULL) : 0;
    if (!(fade_in_s > 0)) {
        check_wrong(f->c, "%s: expected '... over SECONDS s ...', found '%s'", attribute, text);
    } else {
        om_network *network = run(f, activation, f->settling_steps, (int)(fade_in_s / f->dt_s));
        double *initial = network != NULL ? initial_of(f, network) : NULL;
        if (initial != NULL)
            check_dataset(f->c, f->batch * f->cells, initial, check_limit(CHECK_FORWARD),
                          "%s/fade_in_state", name);
        free(initial);
        om_network_free(network);
    }
    free(text);
}

static bool is_group(check *c, const char *name)
{
    hid_t object = H5Oopen(c->file, name, H5P_DEFAULT);
    bool group = object >= 0 && H5Iget_type(object) == H5I_GROUP;
    if (object >= 0) H5Oclose(object);
    return group;
}

static herr_t refuse_unknown(hid_t file, const char *name, const H5L_info_t *info, void *context)
{
    check *c = context;
    (void)file, (void)info;
    bool known = !is_group(c, name);
    for (int a = 0; a < OM_ACTIVATIONS; a++) known |= strcmp(name, activation_names[a]) == 0;
    if (!known) check_wrong(c, "%s: the library has no such activation function", name);
    return 0;
}

/* Runs a comparison for every activation function that has the dataset in the file; at least one. */
static void for_activations(const films *f, const char *dataset,
                            void (*compare)(const films *f, om_activation activation))
{
    int found = 0;
    H5Literate(f->c->file, H5_INDEX_NAME, H5_ITER_INC, NULL, refuse_unknown, f->c);
    for (int a = 0; a < OM_ACTIVATIONS; a++) {
        if (!has(f->c, activation_names[a], dataset) && !is_group(f->c, activation_names[a]))
            continue;
        compare(f, (om_activation)a);
        found++;
    }
    if (found == 0) check_wrong(f->c, "ACTIVATION/%s: there is none", dataset);
}

static void compare_dynamics(const films *f, om_activation activation)
{
    const char *name = activation_names[activation];
    compare_settled(f, activation);
    if (has(f->c, name, "activity_from_bias")) compare_from_bias(f, activation);
    if (has(f->c, name, "fade_in_state")) compare_fade_in(f, activation);
}

void check_dynamics(check *c)
{
    films f;
    if (open_films(c, &f)) {
        compare_numbers(&f);
        compare_cells(&f);
        for_activations(&f, "activity", compare_dynamics);
    }
    close_films(&f);
}

/* ---- gradients ---- */

typedef struct gradients {
    om_real *params, *luminance; /* [n_network]; [batch][frames][columns] */
    om_real *initial;            /* [batch][n_types][columns] */
} gradients;

static om_real *zero_reals(int n)
{
    double *zeros = check_zeros(n);
    om_real *reals = check_reals(n, zeros);
    free(zeros);
    return reals;
}

/* The adjoint of the last run, where the loss's derivative by activity is d [batch][frames][cells]. */
static gradients run_back(const films *f, om_network *network, const double *d)
{
    const om_geometry *g = om_network_geometry(network);
    for (int i = 0; i < f->batch * f->frames; i++) {
        int sample = i / f->frames;
        om_real *external =
            om_network_external(network, sample / OM_QUAD, i % f->frames) + sample % OM_QUAD;
        for (int k = 0; k < f->cells; k++) {
            size_t cell = (size_t)f->type[k] * g->compact + (size_t)g->compact_cell[f->column[k]];
            external[cell * OM_QUAD] = (om_real)*d++;
        }
    }
    gradients of = {zero_reals((int)om_layout_of(f->circuit).n_network),
                    zero_reals(f->batch * f->frames * f->columns),
                    zero_reals(f->batch * f->circuit->n_types * f->columns)};
    om_network_adjoint(network, NULL, of.params, of.luminance, of.initial);
    return of;
}

static void free_gradients(gradients *of)
{
    free(of->params), free(of->luminance), free(of->initial);
}

/* Bias, tau and alpha under PREFIXgrad_. */
static void compare_param_gradients(const films *f, const char *prefix, const om_real *actual)
{
    static const char *const names[] = {"bias", "tau", "alpha"};
    const om_layout l = om_layout_of(f->circuit);
    const size_t first[] = {l.resting_potential, l.time_constant, l.strength, l.n_network};
    char path[256];
    snprintf(path, sizeof path, "%sgrad_", prefix);
    double *expected = check_zeros((int)l.n_network);
    double *found = check_doubles((int)l.n_network, actual);
    if (check_network_params(f->c, f->circuit, "", path, expected))
        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "%sgrad_%s", prefix, names[i]);
            check_compare(f->c, path, (int)(first[i + 1] - first[i]), found + first[i],
                          expected + first[i], NULL, check_limit(CHECK_GRADIENT));
        }
    free(expected), free(found);
}

static void compare_initial_gradient(const films *f, const char *name, const om_real *initial)
{
    double *d = check_zeros(f->batch * f->cells);
    for (int s = 0; s < f->batch; s++)
        for (int k = 0; k < f->cells; k++) {
            int map = s * f->circuit->n_types + f->type[k];
            d[s * f->cells + k] = (double)initial[map * f->columns + f->column[k]];
        }
    check_dataset(f->c, f->batch * f->cells, d, check_limit(CHECK_GRADIENT),
                  "%s/grad_initial_state", name);
    free(d);
}

static void compare_gradient(const films *f, om_activation activation)
{
    const char *name = activation_names[activation];
    int n = f->batch * f->frames * f->cells, numbers = f->batch * f->frames * f->columns;
    char prefix[64];
    double *weight = check_read(f->c, n, NULL, "weight");
    om_network *network = weight != NULL ? run(f, activation, f->settling_steps, 0) : NULL;
    if (network != NULL) {
        double *activity = activity_of(f, network, f->frames);
        check_weighted_sum(f->c, n, weight, activity, check_limit(CHECK_FORWARD), "%s/loss", name);
        gradients of = run_back(f, network, weight);
        snprintf(prefix, sizeof prefix, "%s/", name);
        compare_param_gradients(f, prefix, of.params);
        double *luminance = check_doubles(numbers, of.luminance);
        check_dataset(f->c, numbers, luminance, check_limit(CHECK_GRADIENT), "%s/grad_luminance",
                      name);
        compare_initial_gradient(f, name, of.initial);
        free(activity), free(luminance);
        free_gradients(&of);
    }
    free(weight);
    om_network_free(network);
}

void check_gradient(check *c)
{
    films f;
    check_only_text(c, "/", "loss", "sum over batch, frame and node of weight * activity");
    if (open_films(c, &f)) for_activations(&f, "loss", compare_gradient);
    close_films(&f);
}

/* ---- full size ---- */

/* Central cell, sum and sum of squares of every type, [n_types] each, of voltages [cells]. */
static void summarise(const films *f, const double *voltage, double *central, double *sum,
                      double *squares)
{
    const int centre = om_lattice_index(f->circuit->extent, 0, 0);
    for (int i = 0; i < f->cells; i++) {
        int t = f->type[i];
        if (f->column[i] == centre) central[t] = voltage[i];
        sum[t] += voltage[i];
        squares[t] += voltage[i] * voltage[i];
    }
}

static void compare_summaries(const films *f, const double *initial, const double *activity)
{
    const double limit = check_limit(CHECK_FORWARD);
    int images = f->batch * f->frames, types = f->circuit->n_types;
    double *central = check_zeros(images * types), *sum = check_zeros(images * types);
    double *squares = check_zeros(images * types);
    summarise(f, initial, central, sum, squares);
    check_dataset(f->c, types, central, limit, "steady_central");
    check_dataset(f->c, types, sum, limit, "steady_sum");
    memset(sum, 0, (size_t)types * sizeof *sum);
    memset(squares, 0, (size_t)types * sizeof *squares);
    for (int i = 0; i < images; i++)
        summarise(f, activity + i * f->cells, central + i * types, sum + i * types,
                  squares + i * types);
    check_dataset(f->c, images * types, central, limit, "central");
    check_dataset(f->c, images * types, sum, limit, "type_sum");
    check_dataset(f->c, images * types, squares, limit, "type_square_sum");
    free(central), free(sum), free(squares);
}

/* TYPE_last: all cells of a type after the last frame. */
static void compare_layers(const films *f, const double *activity)
{
    for (int t = 0; t < f->circuit->n_types; t++) {
        char name[sizeof f->circuit->types[t].name + 8];
        snprintf(name, sizeof name, "%s_last", f->circuit->types[t].name);
        if (!has(f->c, "", name)) continue;
        double *layer = check_zeros(f->batch * f->columns);
        int n = 0;
        for (int s = 0; s < f->batch; s++)
            for (int i = 0; i < f->cells; i++)
                if (f->type[i] == t)
                    layer[n++] = activity[((s + 1) * f->frames - 1) * f->cells + i];
        check_dataset(f->c, n, layer, check_limit(CHECK_FORWARD), "%s", name);
        free(layer);
    }
}

static void compare_luminance_gradient(const films *f, const om_real *d, int frame,
                                       const char *path)
{
    double *of = check_zeros(f->batch * f->columns);
    for (int s = 0; s < f->batch; s++)
        for (int k = 0; k < f->columns; k++)
            of[s * f->columns + k] = (double)d[(s * f->frames + frame) * f->columns + k];
    check_dataset(f->c, f->batch * f->columns, of, check_limit(CHECK_GRADIENT), "%s", path);
    free(of);
}

/* The loss is half the mean square of all activity. */
static void compare_full(const films *f, om_network *network)
{
    int n = f->batch * f->frames * f->cells;
    double *initial = initial_of(f, network), *activity = activity_of(f, network, f->frames);
    double *d = check_zeros(n), loss = 0;
    compare_summaries(f, initial, activity);
    compare_layers(f, activity);
    for (int i = 0; i < n; i++) {
        d[i] = activity[i] / n;
        loss += 0.5 * activity[i] * d[i];
    }
    check_dataset(f->c, 1, &loss, check_limit(CHECK_FORWARD), "loss");
    gradients of = run_back(f, network, d);
    compare_param_gradients(f, "", of.params);
    compare_luminance_gradient(f, of.luminance, 0, "grad_luminance_frame0");
    compare_luminance_gradient(f, of.luminance, f->frames - 1, "grad_luminance_last");
    free(initial), free(activity), free(d);
    free_gradients(&of);
}

void check_full(check *c)
{
    films f;
    om_network *network = NULL;
    check_only_text(c, "/", "loss", "0.5 * mean over batch, frame and node of activity^2");
    if (open_films(c, &f)) {
        compare_numbers(&f);
        network = run(&f, OM_RELU, f.settling_steps, 0);
        if (network != NULL) compare_full(&f, network);
    }
    om_network_free(network);
    close_films(&f);
}
