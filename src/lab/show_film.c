/* A film as a prediction: what central cells answer and what flow the decoder makes of it, shown as a
 * validation sequence is, four views at a time and in parts of a few steps, so that memory does not
 * grow with the film's length. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/showing.h"
#include "model/decoder.h"
#include "model/network.h"
#include "ommatid/om_scenes.h"

enum { CHUNK = 32 /* steps */, COMPONENTS = 2 };

static const double DT_S = 0.02, GREY_S = 0.5;

typedef struct film {
    om_scenes *scenes; /* a sequence for each view */
    bool has_flow;
    int n_views, n_frames, steps, n_columns;
    float *luminance, *flow; /* rows that are the same for all models */
    int32_t *view, *column;
    int32_t component[COMPONENTS];
    double *time;
    om_network *network;
    om_decoder *decoder;
    int chunk;
    om_real *seen;  /* [chunk][n_columns] */
    om_real *image; /* [2][n_columns] */
} film;

/* ---- the file ---- */

static om_status check_shape(const om_showing *s, const om_h5_data *data, const char *file)
{
    if (data->length[0] == 0 || data->length[1] == 0)
        return om_fail(OM_EDATA, "%s: /luminance has %zu views of %zu frames: expected one or more",
                       file, data->length[0], data->length[1]);
    if (data->length[2] == (size_t)s->circuit->n_columns) return OM_OK;
    return om_fail(OM_EDATA,
                   "%s: /luminance has %zu columns: expected %d, as the store's circuit of "
                   "extent %d has",
                   file, data->length[2], s->circuit->n_columns, s->circuit->extent);
}

/* Models were trained on luminance from 0 to 1: what is outside is most often in other units. Not a
 * number is left to om_scenes_seal(). */
static om_status check_luminance(const film *f, size_t n_columns, const char *file)
{
    const float *x = f->scenes->luminance;
    const size_t n = (size_t)f->n_views * (size_t)f->n_frames * n_columns;
    for (size_t i = 0; i < n; i++)
        if (x[i] < 0 || x[i] > 1) {
            om_fail(OM_EDATA,
                    "%s: /luminance is %g in view %zu, frame %zu, column %zu: expected 0 to 1",
                    file, (double)x[i], i / n_columns / (size_t)f->n_frames,
                    i / n_columns % (size_t)f->n_frames, i % n_columns);
            return om_hint(OM_EDATA, "divide it by its largest possible value, as 255");
        }
    return OM_OK;
}

/* Frames of all views one after another. */
static om_status make_scenes(film *f, double frame_rate_hz, int extent)
{
    om_sequence *sequences = NULL;
    OM_TRY(om_alloc((size_t)f->n_views, sizeof *sequences, &sequences));
    for (int i = 0; i < f->n_views; i++) sequences[i].frames = f->n_frames;
    om_status status = om_scenes_create(sequences, f->n_views, extent, frame_rate_hz, &f->scenes);
    om_free(sequences);
    if (status == OM_OK) status = om_scenes_place(f->scenes, NULL);
    return status;
}

static om_status hint_film(om_status status)
{
    if (status != OM_EDATA) return status;
    return om_hint(status, "a film of /luminance [view][frame][column], float32, and, where it is "
                           "known, /flow: docs/predictions.md");
}

static om_status read_film(om_showing *s, film *f, om_h5 *file)
{
    static const om_h5_field luminance = {
        "/luminance", OM_H5_F32, {"view", "frame", "column"}, 0, NULL, NULL, NULL};
    static const om_h5_field flow = {
        "/flow", OM_H5_F32, {"view", "frame", "component", "column"}, 0, NULL, NULL, NULL};
    const om_film_options *o = &s->options->film;
    om_h5_data seen = {0}, moved = {0};
    om_status status = om_h5_find(file, &luminance, NULL, &seen);
    if (status == OM_OK) status = check_shape(s, &seen, o->file);
    if (status == OM_OK) {
        f->n_views = (int)seen.length[0];
        f->n_frames = (int)seen.length[1];
        status = make_scenes(f, o->frame_rate_hz, s->circuit->extent);
    }
    if (status == OM_OK) status = om_h5_read(&seen, f->scenes->luminance);
    f->has_flow = om_h5_has(file, "/flow");
    const size_t lengths[] = {seen.length[0], seen.length[1], COMPONENTS, seen.length[2]};
    if (status == OM_OK && f->has_flow) status = om_h5_find(file, &flow, lengths, &moved);
    if (status == OM_OK && f->has_flow) status = om_h5_read(&moved, f->scenes->flow);
    om_h5_release(&seen);
    om_h5_release(&moved);
    if (status != OM_OK) return hint_film(status);
    OM_TRY(check_luminance(f, (size_t)s->circuit->n_columns, o->file));
    status = om_scenes_seal(f->scenes); /* every number is one */
    return status == OM_OK ? OM_OK : om_context(status, "%s", o->file);
}

/* ---- axes, and what is the same for all models ---- */

static om_status make_axes(om_showing *s, film *f)
{
    const struct {
        int axis, n;
        int32_t **values;
    } lists[] = {{OM_PREDICTED_VIEW, f->n_views, &f->view},
                 {OM_PREDICTED_COLUMN, f->n_columns, &f->column}};
    for (int k = 0; k < 2; k++) {
        OM_TRY(om_alloc((size_t)lists[k].n, sizeof(int32_t), lists[k].values));
        for (int i = 0; i < lists[k].n; i++) (*lists[k].values)[i] = i;
        s->axes.n[lists[k].axis] = (size_t)lists[k].n;
        s->axes.values[lists[k].axis] = *lists[k].values;
    }
    OM_TRY(om_alloc((size_t)f->steps, sizeof *f->time, &f->time));
    for (int i = 0; i < f->steps; i++) f->time[i] = (i + 1) * DT_S;
    f->component[1] = 1;
    s->axes.n[OM_PREDICTED_TIME] = (size_t)f->steps;
    s->axes.values[OM_PREDICTED_TIME] = f->time;
    s->axes.n[OM_PREDICTED_COMPONENT] = COMPONENTS;
    s->axes.values[OM_PREDICTED_COMPONENT] = f->component;
    return OM_OK;
}

static om_batch_options batch_options(const om_showing *s, const film *f)
{
    const om_film_options *o = &s->options->film;
    return (om_batch_options){.resampling = o->resampling,
                              .frames = o->frames > 0 ? o->frames : f->n_frames,
                              .dt_s = DT_S};
}

static om_status make_model(om_showing *s, film *f)
{
    const om_kernels *kernels;
    OM_TRY(om_kernels_select(NULL, &kernels));
    f->chunk = f->steps < CHUNK ? f->steps : CHUNK;
    const om_network_options network = {.batch = OM_QUAD,
                                        .frames = f->chunk,
                                        .dt_s = DT_S,
                                        .threads = s->threads,
                                        .kernels = kernels,
                                        .activation = s->train->model.activation,
                                        .forward_only = true};
    const om_decoder_options decoder = {.batch = OM_QUAD,
                                        .frames = f->chunk,
                                        .threads = s->threads,
                                        .kernels = kernels,
                                        .forward_only = true};
    OM_TRY(om_network_create(s->circuit, &network, &f->network));
    OM_TRY(om_decoder_create(s->circuit, om_network_geometry(f->network), &decoder, &f->decoder));
    OM_TRY(om_alloc((size_t)(f->chunk * f->n_columns), sizeof *f->seen, &f->seen));
    return om_alloc((size_t)(COMPONENTS * f->n_columns), sizeof *f->image, &f->image);
}

static om_status prepare(om_showing *s)
{
    const om_film_options *o = &s->options->film;
    film *f = NULL;
    om_h5 *file = NULL;
    om_batcher *batcher = NULL;
    OM_TRY(om_alloc(1, sizeof *f, &f));
    s->own = f;
    f->n_columns = s->circuit->n_columns;
    OM_TRY(om_h5_open(o->file, OM_H5_READ, &file));
    om_status status = read_film(s, f, file);
    om_h5_close(file);
    OM_TRY(status);
    if (o->frames > f->n_frames)
        return om_fail(OM_EUSAGE, "--frames %d: the film %s has %d", o->frames, o->file,
                       f->n_frames);
    const om_batch_options options = batch_options(s, f);
    OM_TRY(om_batcher_create(f->scenes, &options, &batcher));
    f->steps = om_batcher_steps(batcher);
    om_batcher_free(batcher);
    OM_TRY(make_axes(s, f));
    return make_model(s, f);
}

/* End-point errors that need no eyes: of no flow, and of the view's own mean flow. */
static void measure_baselines(const film *f, int view, double *zero, double *mean)
{
    const int n = f->n_columns;
    const float *flow = f->flow + (ptrdiff_t)view * f->steps * COMPONENTS * n;
    double x = 0, y = 0, all = (double)f->steps * n;
    for (int k = 0; k < f->steps; k++)
        for (int i = 0; i < n; i++) {
            x += (double)flow[k * COMPONENTS * n + i] / all;
            y += (double)flow[k * COMPONENTS * n + n + i] / all;
        }
    *zero = *mean = 0;
    for (int k = 0; k < f->steps; k++)
        for (int i = 0; i < n; i++) {
            double fx = (double)flow[k * COMPONENTS * n + i];
            double fy = (double)flow[k * COMPONENTS * n + n + i];
            *zero += hypot(fx, fy) / all;
            *mean += hypot(fx - x, fy - y) / all;
        }
}

static om_status share(om_showing *s)
{
    film *f = s->own;
    const om_batch_options options = batch_options(s, f);
    const size_t n = (size_t)(f->steps * f->n_columns);
    int32_t *u = s->row[OM_PREDICTED_U], *v = s->row[OM_PREDICTED_V];
    double *zero = s->row[OM_PREDICTED_ZERO_EPE], *mean = s->row[OM_PREDICTED_MEAN_EPE];
    om_real *luminance = NULL, *flow = NULL;
    om_batcher *batcher = NULL;
    f->luminance = s->row[OM_PREDICTED_LUMINANCE];
    f->flow = s->row[OM_PREDICTED_TRUE_FLOW];
    for (int i = 0; i < f->n_columns; i++) {
        int at_u, at_v;
        om_lattice_coordinates(s->circuit->extent, i, &at_u, &at_v);
        u[i] = at_u, v[i] = at_v;
    }
    om_status status = om_batcher_create(f->scenes, &options, &batcher);
    if (status == OM_OK) status = om_alloc(n, sizeof *luminance, &luminance);
    if (status == OM_OK) status = om_alloc(COMPONENTS * n, sizeof *flow, &flow);
    for (int k = 0; status == OM_OK && k < f->n_views; k++) {
        om_batcher_sample(batcher, k, NULL, luminance, flow);
        for (size_t i = 0; i < n; i++) f->luminance[(size_t)k * n + i] = (float)luminance[i];
        for (size_t i = 0; i < COMPONENTS * n; i++)
            f->flow[(size_t)k * COMPONENTS * n + i] = f->has_flow ? (float)flow[i] : NAN;
        measure_baselines(f, k, &zero[k], &mean[k]);
    }
    om_batcher_free(batcher);
    om_free(luminance);
    om_free(flow);
    return status;
}

/* ---- one model ---- */

static om_status fail_diverged(const om_showing *s, int view, int step, int type, double voltage)
{
    return om_fail(OM_EDIVERGED,
                   "view %d: the voltage of %s is %g after %.3f s: expected within "
                   "+-%g",
                   view, s->circuit->types[type].name, voltage, (step + 1) * DT_S,
                   OM_VOLTAGE_BOUND);
}

/* Every cell of the last step of a part. */
static om_status check_finite(const om_showing *s, const film *f, int first_view, int at, int step)
{
    const om_real *v = om_network_history(f->network, 0, at);
    const size_t map = om_compact_reals(om_network_geometry(f->network), 1);
    for (size_t i = 0; i < map * (size_t)s->circuit->n_types; i++)
        if (!isfinite(v[i])) {
            int view = first_view + (int)(i % OM_QUAD);
            return fail_diverged(s, view < f->n_views ? view : f->n_views - 1, step, (int)(i / map),
                                 (double)v[i]);
        }
    return OM_OK;
}

static om_status keep_voltages(om_showing *s, const film *f, int view, int sample, int at, int step)
{
    const om_geometry *g = om_network_geometry(f->network);
    const size_t map = om_compact_reals(g, 1);
    const int centre = g->compact_cell[om_lattice_index(g->extent, 0, 0)] * OM_QUAD + sample;
    const om_real *v = om_network_history(f->network, 0, at) + centre;
    float *response = s->row[OM_PREDICTED_RESPONSE];
    for (int t = 0; t < s->circuit->n_types; t++) {
        const double voltage = (double)v[(size_t)t * map];
        if (!(fabs(voltage) <= OM_VOLTAGE_BOUND)) return fail_diverged(s, view, step, t, voltage);
    }
    for (size_t t = 0; t < s->axes.n[OM_PREDICTED_TYPE]; t++)
        response[((ptrdiff_t)t * f->n_views + view) * f->steps + step] =
            (float)v[(size_t)s->types[t] * map];
    return OM_OK;
}

/* Decoded flow of a step; its error is added to sums of lengths and squares. */
static void keep_flow(om_showing *s, film *f, int view, int sample, int at, int step,
                      double *length, double *square)
{
    const int n = f->n_columns;
    const ptrdiff_t to = ((ptrdiff_t)view * f->steps + step) * COMPONENTS * n;
    float *flow = (float *)s->row[OM_PREDICTED_FLOW] + to;
    const float *truth = f->flow + to;
    om_decoder_flow(f->decoder, sample, at, f->image);
    for (int i = 0; i < COMPONENTS * n; i++) flow[i] = (float)f->image[i];
    for (int i = 0; i < n; i++) {
        double x = (double)f->image[i] - (double)truth[i];
        double y = (double)f->image[n + i] - (double)truth[n + i];
        *length += hypot(x, y);
        *square += x * x + y * y;
    }
}

/* Steps first .. first + n - 1 of four views, which the network has just taken. */
static om_status keep_part(om_showing *s, film *f, int first_view, int first, int n, double *length,
                           double *square)
{
    OM_TRY(check_finite(s, f, first_view, n - 1, first + n - 1));
    for (int sample = 0; sample < OM_QUAD && first_view + sample < f->n_views; sample++)
        for (int at = 0; at < n; at++) {
            const int view = first_view + sample;
            OM_TRY(keep_voltages(s, f, view, sample, at, first + at));
            keep_flow(s, f, view, sample, at, first + at, &length[sample], &square[sample]);
        }
    return OM_OK;
}

static void set_luminance(const film *f, int first_view, int first, int n)
{
    for (int sample = 0; sample < OM_QUAD; sample++) {
        int view = first_view + sample < f->n_views ? first_view + sample : f->n_views - 1;
        const float *from = f->luminance + ((ptrdiff_t)view * f->steps + first) * f->n_columns;
        for (int i = 0; i < n * f->n_columns; i++) f->seen[i] = (om_real)from[i];
        om_network_set_luminance(f->network, sample, f->seen);
    }
}

static om_status show_quad(om_showing *s, film *f, int first_view, const om_moments *running)
{
    double length[OM_QUAD] = {0}, square[OM_QUAD] = {0};
    for (int first = 0, n; first < f->steps; first += n) {
        n = f->steps - first < f->chunk ? f->steps - first : f->chunk;
        set_luminance(f, first_view, first, n);
        if (first == 0)
            om_network_forward(f->network);
        else
            om_network_continue(f->network, f->chunk - 1, n);
        om_decoder_evaluate(f->decoder, f->network, running);
        OM_TRY(keep_part(s, f, first_view, first, n, length, square));
    }
    for (int sample = 0; sample < OM_QUAD && first_view + sample < f->n_views; sample++) {
        const int view = first_view + sample;
        ((double *)s->row[OM_PREDICTED_EPE])[view] = length[sample] / f->steps / f->n_columns;
        ((double *)s->row[OM_PREDICTED_L2NORM])[view] = sqrt(square[sample]);
    }
    return OM_OK;
}

static om_status show(om_showing *s)
{
    film *f = s->own;
    om_moments running;
    memcpy(running.mean, s->running_mean, sizeof running.mean);
    memcpy(running.var, s->running_var, sizeof running.var);
    om_network_set_counts(f->network, s->counts);
    om_network_set_params(f->network, s->params);
    om_decoder_set_params(f->decoder, s->params + s->info->layout.params.decoder);
    for (int view = 0; view < f->n_views; view += OM_QUAD) {
        om_network_settle(f->network, (int)lround(GREY_S / DT_S), (om_real)0.5);
        OM_TRY(show_quad(s, f, view, &running));
    }
    return OM_OK;
}

static void release(om_showing *s)
{
    film *f = s->own;
    if (f == NULL) return;
    om_decoder_free(f->decoder);
    om_network_free(f->network);
    om_scenes_free(f->scenes);
    void *all[] = {f->view, f->column, f->time, f->seen, f->image};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) om_free(all[i]);
    om_free(f);
}

const om_show om_show_film = {prepare, share, show, release};
