/* decoder_*.h5: the decoder alone, on activity that the file gives: output, running statistics and all
 * gradients, normalised by the batch's statistics (train/) and by running ones (eval/); output of a
 * new decoder. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "decoder_bench.h"

/* A file and what all of its quantities are computed from. Images are the frames of all samples, one
 * sample after another. */
typedef struct reference {
    check *c;
    om_circuit *circuit;
    om_layout layout;
    int batch, frames, images;
    int n_flow, n_activity; /* numbers of all images */
    double *activity;       /* [images][n_outputs][n_columns] */
    double *weight;         /* [images][2][n_columns]: loss = sum(weight * output) */
    double *params;         /* [n_params] */
    om_moments before;      /* running statistics */
} reference;

/* A decoder that reads the reference's images, laid out as samples of so many frames. */
typedef struct stage {
    int samples, frames;
    om_network *network; /* holds the activity, and the gradient by it */
    om_decoder *decoder;
} stage;

/* ---- what the file holds ---- */

static void compare_number(check *c, const char *name, int actual)
{
    double number = actual, expected = check_integer(c, "/", name, 0, INT_MAX);
    check_exact(c, name, 1, &number, &expected);
}

static void compare_sizes(const reference *r)
{
    compare_number(r->c, "n_parameters", (int)r->layout.n_decoder);
    check_mask(r->c);
}

static bool has_our_outputs(check *c, const om_circuit *circuit)
{
    int n;
    char **names = check_names(c, &n, "output_types");
    if (names == NULL) return false;
    bool same = n == circuit->n_outputs;
    for (int i = 0; same && i < n; i++)
        same = strcmp(names[i], circuit->types[circuit->outputs[i]].name) == 0;
    if (!same)
        check_wrong(c, "output_types: not the circuit's %d output types", circuit->n_outputs);
    check_free_names(names, n);
    return same;
}

static bool read_moments(check *c, om_moments *moments)
{
    double *mean = check_read(c, OM_HIDDEN, NULL, "before/base.1.running_mean");
    double *var = check_read(c, OM_HIDDEN, NULL, "before/base.1.running_var");
    bool good = mean != NULL && var != NULL;
    for (int o = 0; good && o < OM_HIDDEN; o++)
        moments->mean[o] = (om_real)mean[o], moments->var[o] = (om_real)var[o];
    free(mean);
    free(var);
    return good;
}

static bool open_reference(check *c, reference *r)
{
    *r = (reference){.c = c};
    int extent = check_extent(c, "/");
    r->batch = check_integer(c, "/", "batch", 1, CHECK_MOST);
    r->frames = check_integer(c, "/", "frames", 1, CHECK_MOST);
    check_layers(c);
    check_only_text(c, "/", "loss", "sum of weight * output");
    r->circuit = check_circuit(c, extent);
    if (r->circuit == NULL || !has_our_outputs(c, r->circuit)) return false;
    r->layout = om_layout_of(r->circuit);
    r->images = r->batch * r->frames;
    r->n_flow = check_times(c, r->images, 2 * r->circuit->n_columns);
    r->n_activity = check_times(c, r->images, r->circuit->n_outputs * r->circuit->n_columns);
    r->activity = check_read(c, r->n_activity, NULL, "activity");
    r->weight = check_read(c, r->n_flow, NULL, "weight");
    r->params = check_zeros((int)r->layout.n_params);
    return r->activity != NULL && r->weight != NULL && read_moments(c, &r->before) &&
           check_decoder_params(c, r->circuit, "param/", r->params);
}

static void close_reference(reference *r)
{
    free(r->activity);
    free(r->weight);
    free(r->params);
    om_circuit_free(r->circuit);
}

/* ---- the library's decoder ---- */

static bool open_stage(const reference *r, int samples, int frames, stage *s)
{
    *s = (stage){.samples = samples, .frames = frames};
    om_network_options n = {.batch = samples, .frames = frames, .dt_s = 0.02, .threads = 1};
    om_decoder_options d = {
        .batch = samples, .frames = frames, .threads = 1, .convolution = r->c->convolution};
    if (!check_ok(r->c, om_kernels_select(NULL, &d.kernels))) return false;
    n.kernels = d.kernels;
    if (!check_ok(r->c, om_network_create(r->circuit, &n, &s->network))) return false;
    const om_geometry *geometry = om_network_geometry(s->network);
    if (!check_ok(r->c, om_decoder_create(r->circuit, geometry, &d, &s->decoder))) return false;
    const double *map = r->activity;
    for (int i = 0; i < r->images; i++)
        for (int o = 0; o < r->circuit->n_outputs; o++, map += r->circuit->n_columns)
            put_activity(s->network, i / frames, i % frames, r->circuit->outputs[o], map);
    return true;
}

static void close_stage(stage *s)
{
    om_decoder_free(s->decoder);
    om_network_free(s->network);
}

static void set_params(const reference *r, const stage *s, const double *params)
{
    om_real *reals = check_reals((int)r->layout.n_params, params);
    om_decoder_set_params(s->decoder, reals + r->layout.decoder);
    free(reals);
}

/* Output of all images [n_flow] in a mode, "train" or "eval"; used: as of om_decoder_forward(). */
static void forward(const reference *r, const stage *s, const char *mode, om_moments *used,
                    double *output)
{
    const int n = 2 * r->circuit->n_columns;
    const om_moments *running = strcmp(mode, "eval") == 0 ? &r->before : NULL;
    om_real flow[n];
    om_decoder_forward(s->decoder, s->network, 0, running, used);
    for (int i = 0; i < r->images; i++) {
        om_decoder_flow(s->decoder, i / s->frames, i % s->frames, flow);
        for (int k = 0; k < n; k++) *output++ = (double)flow[k];
    }
}

/* ---- comparisons ---- */

static void compare_output(const reference *r, const stage *s, const char *mode)
{
    const double limit = check_limit(CHECK_FORWARD);
    double *output = check_zeros(r->n_flow);
    om_moments used, after = r->before;
    forward(r, s, mode, &used, output);
    check_dataset(r->c, r->n_flow, output, limit, "%s/output", mode);
    check_weighted_sum(r->c, r->n_flow, r->weight, output, limit, "%s/loss", mode);
    free(output);
    if (strcmp(mode, "train") != 0) return;
    om_moments_update(&after, &used, om_decoder_count(s->decoder));
    double *mean = check_doubles(OM_HIDDEN, after.mean), *var = check_doubles(OM_HIDDEN, after.var);
    check_dataset(r->c, OM_HIDDEN, mean, limit, "after/base.1.running_mean");
    check_dataset(r->c, OM_HIDDEN, var, limit, "after/base.1.running_var");
    free(mean);
    free(var);
}

/* A decoder with the constant weights that training starts from. */
static void compare_initial(const reference *r, const stage *s)
{
    const om_init_options paper = {.time_constant_s = 0.05, .decoder_mean = 0.001};
    const int n = 2 * r->circuit->n_columns;
    om_real *params = check_reals((int)r->layout.n_params, r->params);
    double *output = check_zeros(r->n_flow);
    om_moments used;
    om_params_init(r->circuit, &paper, 0, 0, params);
    om_decoder_set_params(s->decoder, params + r->layout.decoder);
    forward(r, s, "train", &used, output);
    check_dataset(r->c, n, output, check_limit(CHECK_FORWARD), "initial_train_output");
    free(params);
    free(output);
}

/* Large gradients by the activity are kept in single precision: ours is rounded as theirs was. */
static void compare_activity(const reference *r, const char *mode, double *d_activity)
{
    char path[64];
    snprintf(path, sizeof path, "%s/grad_activity", mode);
    if (check_is_single(r->c, path))
        for (int k = 0; k < r->n_activity; k++) d_activity[k] = (double)(float)d_activity[k];
    check_dataset(r->c, r->n_activity, d_activity, check_limit(CHECK_GRADIENT), "%s", path);
}

static void compare_gradients(const reference *r, const char *mode, const double *d_params)
{
    const om_layout *l = &r->layout;
    const struct {
        const char *name;
        size_t first, end;
    } parts[] = {{"base.0.weight", l->conv1_weight, l->conv1_bias},
                 {"base.0.bias", l->conv1_bias, l->norm_weight},
                 {"base.1.weight", l->norm_weight, l->norm_bias},
                 {"base.1.bias", l->norm_bias, l->conv2_weight},
                 {"decoder.0.weight", l->conv2_weight, l->conv2_bias},
                 {"decoder.0.bias", l->conv2_bias, l->n_params}};
    const double limit = check_limit(CHECK_GRADIENT), none[OM_HIDDEN] = {0};
    double *expected = check_zeros((int)l->n_params);
    char name[64];
    snprintf(name, sizeof name, "%s/grad/", mode);
    bool good = check_decoder_params(r->c, r->circuit, name, expected);
    for (size_t i = 0; good && i < sizeof parts / sizeof parts[0]; i++) {
        const double *actual = d_params + parts[i].first, *wanted = expected + parts[i].first;
        int n = (int)(parts[i].end - parts[i].first);
        snprintf(name, sizeof name, "%s/grad/%s", mode, parts[i].name);
        /* before the batch's own statistics a bias changes nothing: the file holds rounding noise */
        if (strcmp(mode, "train") == 0 && parts[i].first == l->conv1_bias)
            check_exact(r->c, name, n, actual, none);
        else
            check_compare(r->c, name, n, actual, wanted, NULL, limit);
    }
    free(expected);
}

/* s: all images as one sample. Its l2norm from the target output - weight is |weight|, and the gradient
 * of that by the output weight / |weight|: the file's gradients are |weight| times what comes back. */
static void run_gradients(const reference *r, const stage *s, const char *mode)
{
    const int n_params = (int)r->layout.n_params;
    om_moments used;
    double *target = check_zeros(r->n_flow), *output = check_zeros(r->n_flow);
    double *d_activity = check_zeros(r->n_activity), *map = d_activity;
    forward(r, s, mode, &used, output);
    for (int k = 0; k < r->n_flow; k++) target[k] = output[k] - r->weight[k];
    om_real *flow = check_reals(r->n_flow, target), *gradient = check_reals(n_params, r->params);
    om_decoder_set_target(s->decoder, 0, flow);
    forward(r, s, mode, &used, output);
    om_decoder_adjoint(s->decoder, s->network, OM_LOSS_L2NORM, gradient + r->layout.decoder);
    double norm = om_decoder_l2norm(s->decoder, 0), *d_params = check_doubles(n_params, gradient);
    for (int i = 0; i < r->images; i++)
        for (int o = 0; o < r->circuit->n_outputs; o++, map += r->circuit->n_columns)
            get_gradient(s->network, 0, i, o, map);
    for (int k = 0; k < n_params; k++) d_params[k] *= norm;
    for (int k = 0; k < r->n_activity; k++) d_activity[k] *= norm;
    compare_gradients(r, mode, d_params);
    compare_activity(r, mode, d_activity);
    free(target), free(output), free(d_activity);
    free(flow), free(gradient), free(d_params);
}

void check_decoder(check *c)
{
    reference r;
    stage s;
    if (open_reference(c, &r)) {
        compare_sizes(&r);
        if (open_stage(&r, r.batch, r.frames, &s)) {
            compare_number(c, "square_map_side", om_decoder_side(s.decoder));
            set_params(&r, &s, r.params);
            compare_output(&r, &s, "train");
            compare_output(&r, &s, "eval");
            compare_initial(&r, &s);
        }
        close_stage(&s);
        if (open_stage(&r, 1, r.images, &s)) {
            set_params(&r, &s, r.params);
            run_gradients(&r, &s, "train");
            run_gradients(&r, &s, "eval");
        }
        close_stage(&s);
    }
    close_reference(&r);
}
