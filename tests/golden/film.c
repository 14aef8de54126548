/* A real film through eye, resampling, network and decoder of published models: film_*.h5. Films are
 * taken as the reference's: the first frames of every view, as many as make the file's steps at 24 Hz
 * and 0.02 s, behind 25 steps of grey. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_statistics_double.h>

#include "ensemble.h"
#include "scenes/eye.h"

enum { PATH = 128, FRAME_RATE = 24, GREY_STEPS = 25, VIEW_WIDTH = 417 };

static const double dt_s = 0.02, voltage_limit = 2e-6, flow_limit = 2e-5, error_limit = 1e-5;

typedef struct film {
    check *c;
    ensemble e;
    char group[PATH];            /* of the profile, decoded/NAME */
    int views, steps, columns;   /* of what is decoded */
    int exact;                   /* steps at the head that rest on exact flow */
    om_scenes *scenes;           /* one sequence per view for training, the same for validation */
    om_batch_options options;    /* of the profile */
    om_real *luminance, *target; /* [views][steps][columns], ... [2][columns]: resampled */
} film;

/* ---- the file's views, resampled ---- */

/* Every frame of luminance goes with the flow that led to it; *n: how many there are. */
static void compare_frames(check *c, int *n)
{
    double *flow = check_read(c, -1, n, "flow_frame");
    for (int i = 0; flow != NULL && i < *n; i++) flow[i]++;
    if (flow != NULL) check_exact_dataset(c, *n, flow, "luminance_frame");
    free(flow);
}

static bool read_views(film *m, int extent)
{
    check *c = m->c;
    int n, frames;
    check_only_text(c, "/", "frame_rate", "24 per second"); /* FRAME_RATE */
    free(check_read(c, -1, &m->views, "view_start"));
    check_skip(c, "view_start: where a view lies in the film's frames changes nothing here");
    compare_frames(c, &frames);
    n = check_times(c, check_times(c, m->views, frames), m->columns);
    double *luminance = check_read(c, n, NULL, "luminance");
    double *flow = check_read(c, check_times(c, 4, n) / 2, NULL, "flow");
    om_sequence *sequences = calloc((size_t)m->views * 2 + 1, sizeof *sequences);
    bool good = luminance != NULL && flow != NULL && sequences != NULL;
    for (int i = 0; good && i < 2 * m->views; i++) {
        sequences[i].frames = frames;
        sequences[i].validation = i >= m->views;
    }
    good = good &&
           check_ok(c, om_scenes_create(sequences, 2 * m->views, extent, FRAME_RATE, &m->scenes));
    good = good && check_ok(c, om_scenes_place(m->scenes, NULL));
    for (int i = 0; good && i < 2 * n; i++) m->scenes->luminance[i] = (float)luminance[i % n];
    for (int i = 0; good && i < 4 * n; i++) m->scenes->flow[i] = (float)flow[i % (2 * n)];
    free(luminance);
    free(flow);
    free(sequences);
    return good && check_ok(c, om_scenes_seal(m->scenes));
}

/* Frames that make that many steps. */
static int frames_of(int steps)
{
    int frames = 1;
    while (om_resampled_steps(frames, FRAME_RATE, dt_s) < steps) frames++;
    return frames;
}

static void compare_resampled(film *m)
{
    const int n = m->views * m->steps * 2 * m->columns;
    double *index = check_zeros(m->steps), *target = check_doubles(n, m->target);
    for (int k = 0; k < m->steps; k++)
        index[k] = om_resample_nearest(m->options.resampling, k, m->options.frames, m->steps,
                                       FRAME_RATE, dt_s);
    check_exact_dataset(m->c, m->steps, index, "%s/luminance_index", m->group);
    check_dataset(m->c, n, target, check_limit(CHECK_STORED), "%s/flow_target", m->group);
    free(index);
    free(target);
}

/* Steps at the head whose flow lies between frames of exact flow (origin 0). */
static int count_exact(const film *m, const double *origin)
{
    int k = 0;
    for (; k < m->steps; k++) {
        int frame;
        double weight;
        om_resample_linear(m->options.resampling, k, m->options.frames, m->steps, &frame, &weight);
        if (origin[frame] != 0 || (weight > 0 && origin[frame + 1] != 0)) break;
    }
    return k;
}

static bool resample(film *m)
{
    const size_t n = (size_t)m->steps * (size_t)m->columns;
    om_batcher *batcher;
    if (!check_ok(m->c, om_batcher_create(m->scenes, &m->options, &batcher))) return false;
    for (int v = 0; v < m->views; v++)
        om_batcher_sample(batcher, v, NULL, m->luminance + (size_t)v * n,
                          m->target + (size_t)v * 2 * n);
    om_batcher_free(batcher);
    compare_resampled(m);
    return true;
}

/* ---- what needs no eyes ---- */

static void compare_baseline(film *m, int n, const double *actual, const char *group,
                             const char *name)
{
    check_dataset(m->c, n, actual, check_limit(CHECK_STORED), "%s/%s/%s", m->group, group, name);
}

/* Mean flow of a view, and the error of predicting zero over its exact steps. */
static void average(const film *m, int view, double *mean, double *zero_epe)
{
    const om_real *flow = m->target + view * m->steps * 2 * m->columns;
    mean[0] = mean[1] = *zero_epe = 0;
    for (int k = 0; k < m->steps; k++, flow += 2 * m->columns)
        for (int i = 0; i < m->columns; i++) {
            double x = (double)flow[i], y = (double)flow[m->columns + i];
            mean[0] += x / m->steps / m->columns;
            mean[1] += y / m->steps / m->columns;
            if (k < m->exact) *zero_epe += hypot(x, y) / m->exact / m->columns;
        }
}

/* The baselines of training, view by view: scenes of which one view alone is left. */
static void compare_baselines(film *m)
{
    double zero_epe[m->views], zero_l2norm[m->views], mean_epe[m->views], mean_l2norm[m->views];
    double exact[m->views], mean[2 * m->views];
    for (int v = 0; v < m->views; v++) {
        om_sequence pair[2] = {m->scenes->sequences[v], m->scenes->sequences[m->views + v]};
        om_scenes scenes = *m->scenes;
        om_baselines b = {0};
        scenes.sequences = pair;
        scenes.n_sequences = 2;
        scenes.n_training = scenes.n_validation = 1;
        check_ok(m->c, om_train_baselines(&scenes, &m->options, &b));
        zero_epe[v] = b.zero_epe;
        zero_l2norm[v] = b.zero_l2norm;
        mean_epe[v] = b.mean_epe;
        mean_l2norm[v] = b.mean_l2norm;
        average(m, v, mean + 2 * v, &exact[v]);
    }
    compare_baseline(m, m->views, zero_epe, "baseline_zero", "epe");
    compare_baseline(m, m->views, exact, "baseline_zero", "epe_exact");
    compare_baseline(m, m->views, zero_l2norm, "baseline_zero", "l2norm");
    compare_baseline(m, m->views, mean_epe, "baseline_mean", "epe");
    compare_baseline(m, m->views, mean_l2norm, "baseline_mean", "l2norm");
    compare_baseline(m, 2 * m->views, mean, "baseline_mean", "flow");
}

/* ---- what a model decodes ---- */

static void compare_error(film *m, int n, const double *actual, const char *group, const char *name)
{
    check_dataset(m->c, n, actual, error_limit, "%s/%s/%s", m->group, group, name);
}

/* Correlation of decoded with true flow over n views from `first` on; flow: that of the first. */
static double correlation(const film *m, const double *flow, int first, int n)
{
    const int size = m->steps * 2 * m->columns;
    double *target = check_doubles(n * size, m->target + first * size);
    double r = gsl_stats_correlation(flow, 1, target, 1, (size_t)(n * size));
    free(target);
    return r;
}

/* Network and decoder of the model, run over the first `steps` steps of all views. */
static bool run(film *m, int steps, om_network **network, om_decoder **decoder)
{
    const int n = m->steps * m->columns;
    *network = ensemble_network(m->c, &m->e, m->views, steps, dt_s, GREY_STEPS);
    *decoder = ensemble_decoder(m->c, &m->e, *network, m->views, steps);
    if (*decoder == NULL) return false;
    for (int v = 0; v < m->views; v++) {
        om_network_set_luminance(*network, v, m->luminance + v * n);
        om_decoder_set_target(*decoder, v, m->target + v * 2 * n);
    }
    om_network_forward(*network);
    om_decoder_evaluate(*decoder, *network, &m->e.running);
    return true;
}

static void compare_values(film *m, int n, const double *actual, double limit, const char *model,
                           const char *name)
{
    char path[2 * PATH];
    snprintf(path, sizeof path, "%s/%s/%s", m->group, model, name);
    double *expected = check_read(m->c, n, NULL, "%s", path);
    if (expected != NULL) check_largest(m->c, path, n, actual, expected, limit);
    free(expected);
}

static void compare_voltages(film *m, const om_network *network, const char *model)
{
    const int types = m->e.circuit->n_types, n = m->views * m->steps;
    double *steady = check_zeros(types), *central = check_zeros(n * types);
    ensemble_centre(&m->e, network, 0, -1, steady);
    for (int i = 0; i < n; i++)
        ensemble_centre(&m->e, network, i / m->steps, i % m->steps, central + i * types);
    compare_values(m, types, steady, voltage_limit, model, "steady_central");
    compare_values(m, n * types, central, voltage_limit, model, "central");
    free(steady);
    free(central);
}

static void compare_flow(film *m, const om_decoder *decoder, const char *model)
{
    const int n = m->views * m->steps * 2 * m->columns;
    double *flow = check_zeros(n), r[m->views], pooled, epe[m->views], l2norm[m->views];
    ensemble_flow(&m->e, decoder, m->views, m->steps, flow);
    pooled = correlation(m, flow, 0, m->views);
    for (int v = 0; v < m->views; v++) {
        r[v] = correlation(m, flow + v * (n / m->views), v, 1);
        epe[v] = om_decoder_epe(decoder, v);
        l2norm[v] = om_decoder_l2norm(decoder, v);
    }
    compare_values(m, n, flow, flow_limit, model, "flow");
    compare_error(m, m->views, epe, model, "epe");
    compare_error(m, m->views, l2norm, model, "l2norm");
    compare_error(m, m->views, r, model, "pearson_r");
    compare_error(m, 1, &pooled, model, "pearson_r_pooled");
    free(flow);
}

/* Errors over the steps whose true flow is exact. */
static void compare_exact(film *m, const char *model)
{
    om_network *network;
    om_decoder *decoder;
    double epe[m->views];
    if (run(m, m->exact, &network, &decoder)) {
        for (int v = 0; v < m->views; v++) epe[v] = om_decoder_epe(decoder, v);
        compare_error(m, m->views, epe, model, "epe_exact");
    }
    om_decoder_free(decoder);
    om_network_free(network);
}

/* The same views as the trainer validates on them. */
static void compare_validation(film *m, const char *model)
{
    const om_train_options options = {.batch = m->options,
                                      .iterations = 1,
                                      .batch_size = m->views,
                                      .convolution = m->c->convolution,
                                      .validate_t_pre_s = 0.5,
                                      .record_every = 1};
    static const char *const names[] = {"l2norm_mean", "epe_mean"};
    char group[2 * PATH], quantity[3 * PATH];
    om_trainer *trainer;
    double actual[2];
    if (!check_ok(m->c,
                  om_trainer_create(m->e.circuit, m->scenes, &options, 1, NULL, NULL, &trainer)))
        return;
    if (check_ok(m->c, om_train_validate(trainer, 0, 0, m->e.params, m->e.running.mean,
                                         m->e.running.var, &actual[0], &actual[1], NULL))) {
        snprintf(group, sizeof group, "%s/%s", m->group, model);
        for (int i = 0; i < 2; i++) {
            double expected = check_option(m->c, group, names[i], 0, 1e9);
            snprintf(quantity, sizeof quantity, "%s %s", group, names[i]);
            check_compare(m->c, quantity, 1, &actual[i], &expected, NULL, error_limit);
        }
    }
    om_trainer_free(trainer);
}

static void compare_model(film *m, const char *model)
{
    om_network *network;
    om_decoder *decoder;
    if (run(m, m->steps, &network, &decoder)) {
        compare_voltages(m, network, model);
        compare_flow(m, decoder, model);
    }
    om_decoder_free(decoder);
    om_network_free(network);
    if (m->exact > 0) compare_exact(m, model);
    compare_validation(m, model);
}

/* ---- all of it ---- */

/* The columns of the lattice, and where their receptors lie in the film's frames. */
static void compare_receptors(film *m, int extent)
{
    double *row = check_zeros(m->columns), *column = check_zeros(m->columns);
    double *at_u = check_zeros(m->columns), *at_v = check_zeros(m->columns);
    for (int i = 0; i < m->columns; i++) {
        int u, v, r, c;
        om_lattice_coordinates(extent, i, &u, &v);
        om_eye_centre(OM_EYE_SPACING, u, v, &r, &c);
        row[i] = OM_EYE_SINTEL_ROWS / 2 + r;
        column[i] = VIEW_WIDTH / 2 + c;
        at_u[i] = u;
        at_v[i] = v;
    }
    check_exact_dataset(m->c, m->columns, at_u, "u");
    check_exact_dataset(m->c, m->columns, at_v, "v");
    check_exact_dataset(m->c, m->columns, row, "receptor_row");
    check_exact_dataset(m->c, m->columns, column, "receptor_column");
    free(row), free(column), free(at_u), free(at_v);
}

/* Of the paper's ways of resampling, the file has both. */
static const struct {
    const char *name;
    om_resampling resampling;
} profiles[] = {{"package", OM_RESAMPLE_PACKAGE}, {"paper", OM_RESAMPLE_PAPER}};

/* Whether a model is decoded in any of them: then it has to be in all. */
static bool is_decoded(check *c, const char *model)
{
    bool decoded = false;
    for (int p = 0; p < 2; p++) decoded |= check_has(c, "decoded/%s/%s", profiles[p].name, model);
    return decoded;
}

static void compare_profile(film *m, bool models)
{
    enum { MOST_MODELS = 1000 };
    char model[32];
    int found = 0;
    const int frames = m->scenes->sequences[0].frames;
    double *origin = check_read(m->c, frames, NULL, "flow_origin");
    free(check_read(m->c, -1, &m->steps, "%s/luminance_index", m->group));
    m->options.frames = m->steps > 0 ? frames_of(m->steps) : 0;
    if (m->steps < 1 || m->options.frames > frames)
        check_give_up(m->c, "%s/luminance_index: %d steps of a film of %d frames", m->group,
                      m->steps, frames);
    m->exact = origin != NULL ? count_exact(m, origin) : 0;
    free(origin);
    double *zeros = check_zeros(m->views * m->steps * 2 * m->columns);
    m->luminance = check_reals(m->views * m->steps * m->columns, zeros);
    m->target = check_reals(m->views * m->steps * 2 * m->columns, zeros);
    free(zeros);
    if (resample(m)) {
        compare_baselines(m);
        for (int i = 0; models && i < MOST_MODELS; i++) {
            snprintf(model, sizeof model, "model_%03d", i);
            if (!is_decoded(m->c, model) || !ensemble_load(m->c, &m->e, i)) continue;
            compare_model(m, model);
            found++;
        }
        if (models && found == 0) check_wrong(m->c, "%s: no group model_NNN", m->group);
    }
    free(m->luminance);
    free(m->target);
}

void check_film(check *c)
{
    film m = {.c = c};
    int extent = 1;
    free(check_read(c, -1, &m.columns, "u"));
    while (extent < OM_LATTICE_MAX_EXTENT && om_lattice_columns(extent) < m.columns) extent++;
    if (om_lattice_columns(extent) != m.columns)
        check_give_up(c, "u: %d columns are no hexagon", m.columns);
    for (int p = 0; p < 2; p++)
        if (!check_has(c, "decoded/%s", profiles[p].name))
            check_give_up(c, "decoded/%s: no such group", profiles[p].name);
    bool models = ensemble_open(c, &m.e);
    if (read_views(&m, extent)) {
        compare_receptors(&m, extent);
        for (int p = 0; p < 2; p++) {
            snprintf(m.group, sizeof m.group, "decoded/%s", profiles[p].name);
            m.options = (om_batch_options){.resampling = profiles[p].resampling, .dt_s = dt_s};
            compare_profile(&m, models);
        }
    }
    om_scenes_free(m.scenes);
    ensemble_close(&m.e);
}
