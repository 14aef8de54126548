/* Experiments: what their conditions are, and showing them to a model four at a time, which is what
 * the network computes at once, in parts of a few frames. */
#include "ommatid/om_experiment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "model/network.h"

enum { CHUNK = 32 /* frames */, INTENSITIES = 2 };

static const double flash_s = 1, settle_s = 1;

/* ---- conditions ---- */

static om_status allocate(om_experiment *x, size_t frames)
{
    OM_TRY(om_alloc((size_t)x->n_conditions, sizeof *x->conditions, &x->conditions));
    return om_alloc(frames * (size_t)x->n_columns, sizeof(float), &x->frames);
}

static om_status make_flashes(om_experiment *x)
{
    static const char *const intensity[] = {"dark", "bright"};
    x->n_conditions = OM_FLASHES;
    OM_TRY(allocate(x, OM_FLASHES));
    OM_TRY(om_alloc(OM_FLASHES, sizeof *x->flashes, &x->flashes));
    memcpy(x->flashes, om_flashes, sizeof om_flashes);
    for (int i = 0; i < OM_FLASHES; i++) {
        om_condition *c = &x->conditions[i];
        const om_flash *flash = &x->flashes[i];
        float *frame = x->frames + (ptrdiff_t)i * x->n_columns;
        snprintf(c->name, sizeof c->name, flash->radius < 0 ? "%s full field" : "%s disc of %d",
                 intensity[flash->intensity > OM_GREY], flash->radius);
        c->frames = frame;
        c->window = om_flash_window(x->timing.dt, flash_s);
        OM_TRY(om_flash_course(flash_s, &x->timing, &c->course));
        OM_TRY(om_flash_render(flash, x->extent, frame));
    }
    return OM_OK;
}

/* Conditions of one angle and intensity, which share their frames. */
static om_status make_speeds(om_experiment *x, const om_moving *moving, int first, double angle,
                             int intensity, const float *frames)
{
    for (int s = 0; s < OM_MOVING_SPEEDS; s++) {
        om_condition *c = &x->conditions[first + s];
        const double speed = om_moving_speeds[s], start_deg = moving->first * OM_OFFSET_DEGREES;
        x->edges[first + s] = (om_edge){angle, 0, speed, intensity};
        snprintf(c->name, sizeof c->name, "%s edge to %g degrees at %g columns/s",
                 intensity == 0 ? "dark" : "bright", angle, speed);
        c->frames = frames;
        c->window = om_edge_window(speed, start_deg, start_deg, -start_deg);
        OM_TRY(om_moving_course(moving, speed, &x->timing, &c->course));
    }
    return OM_OK;
}

static om_status render_edges(om_experiment *x, const om_hex_eye *eye)
{
    const om_moving moving = OM_MOVING_EDGE;
    float *frames = x->frames;
    for (int i = 0; i < OM_MOVING_ANGLES * INTENSITIES; i++) {
        double angle = 360.0 / OM_MOVING_ANGLES * (i / INTENSITIES);
        int intensity = i % INTENSITIES;
        OM_TRY(om_moving_render(eye, &moving, angle, intensity, frames));
        OM_TRY(make_speeds(x, &moving, i * OM_MOVING_SPEEDS, angle, intensity, frames));
        frames += (ptrdiff_t)om_moving_offsets(&moving) * x->n_columns;
    }
    return OM_OK;
}

static om_status make_edges(om_experiment *x)
{
    const om_moving moving = OM_MOVING_EDGE;
    const int films = OM_MOVING_ANGLES * INTENSITIES;
    om_hex_eye *eye = NULL;
    x->n_conditions = films * OM_MOVING_SPEEDS;
    OM_TRY(allocate(x, (size_t)(films * om_moving_offsets(&moving))));
    OM_TRY(om_alloc((size_t)x->n_conditions, sizeof *x->edges, &x->edges));
    OM_TRY(om_hex_eye_create(x->extent, OM_MOVING_SPACING, &eye));
    om_status status = render_edges(x, eye);
    om_hex_eye_free(eye);
    return status;
}

om_status om_experiment_create(om_experiment_kind kind, int extent, om_experiment **experiment)
{
    om_experiment *x = NULL;
    *experiment = NULL;
    if (extent < 1 || extent > OM_LATTICE_MAX_EXTENT)
        return om_fail(OM_EUSAGE, "extent %d: expected 1 to %d", extent, OM_LATTICE_MAX_EXTENT);
    OM_TRY(om_alloc(1, sizeof *x, &x));
    x->kind = kind;
    x->extent = extent;
    x->n_columns = om_lattice_columns(extent);
    x->timing = (om_timing)OM_TIMING;
    om_status status = kind == OM_FLASHES_SHOWN ? make_flashes(x) : make_edges(x);
    if (status != OM_OK) {
        om_experiment_free(x);
        return status;
    }
    *experiment = x;
    return OM_OK;
}

void om_experiment_free(om_experiment *x)
{
    if (x == NULL) return;
    om_free(x->conditions);
    om_free(x->flashes);
    om_free(x->edges);
    om_free(x->frames);
    om_free(x);
}

double om_experiment_time(const om_experiment *x, int frame)
{
    return (x->conditions[0].course.pre + frame) * x->timing.dt - x->timing.t_pre;
}

int om_experiment_frames(const om_experiment *x, int condition, bool whole)
{
    const om_condition *c = &x->conditions[condition];
    int frames = 0, steps = om_course_steps(&c->course) - c->course.pre;
    if (whole) return steps;
    while (frames < steps && om_experiment_time(x, frames) <= c->window.to_s) frames++;
    return frames;
}

int om_experiment_most_frames(const om_experiment *x, bool whole)
{
    int most = 0;
    for (int i = 0; i < x->n_conditions; i++) {
        int frames = om_experiment_frames(x, i, whole);
        if (frames > most) most = frames;
    }
    return most;
}

/* ---- showing them ---- */

typedef struct showing {
    const om_experiment *x;
    const om_circuit *circuit;
    const om_experiment_options *options;
    om_network *network;
    int chunk;                 /* frames of the network's films */
    int condition[OM_QUAD], n; /* at hand; past n the last one again */
    float *seen;               /* [n_columns] */
    om_real *luminance;        /* [chunk][n_columns] */
    om_real *voltage;          /* [n_types] */
    om_real *other;            /* [n_types][options->n_columns] */
    bool *shown;               /* [n_conditions] */
    om_response_sink *sink;
    void *context;
} showing;

static om_status fail_diverged(const showing *s, int sample, int frame, int type, double voltage)
{
    return om_fail(OM_EDIVERGED, "%s: the voltage of %s is %g after %.3f s: expected within +-%g",
                   s->x->conditions[s->condition[sample]].name, s->circuit->types[type].name,
                   voltage, om_experiment_time(s->x, frame), OM_VOLTAGE_BOUND);
}

/* Looks at every cell after frame `at` of the network's film, which is `frame` of the condition. */
static om_status check_finite(const showing *s, int at, int frame)
{
    const om_real *v = om_network_history(s->network, 0, at);
    const size_t map = om_compact_reals(om_network_geometry(s->network), 1);
    for (size_t i = 0; i < map * (size_t)s->circuit->n_types; i++)
        if (!isfinite(v[i]))
            return fail_diverged(s, (int)(i % OM_QUAD), frame, (int)(i / map), (double)v[i]);
    return OM_OK;
}

static void hand_on_columns(showing *s, int sample, int at, int frame)
{
    const om_experiment_options *o = s->options;
    const om_geometry *g = om_network_geometry(s->network);
    const size_t map = om_compact_reals(g, 1);
    const om_real *v = om_network_history(s->network, 0, at) + sample;
    for (int t = 0; t < s->circuit->n_types; t++)
        for (int k = 0; k < o->n_columns; k++)
            s->other[t * o->n_columns + k] =
                v[(size_t)t * map + (size_t)(g->compact_cell[o->columns[k]] * OM_QUAD)];
    o->column_sink(s->context, s->condition[sample], frame, om_experiment_time(s->x, frame),
                   s->other);
}

static om_status hand_on(showing *s, int at, int frame)
{
    const om_geometry *g = om_network_geometry(s->network);
    const size_t map = om_compact_reals(g, 1);
    const int centre = g->compact_cell[om_lattice_index(g->extent, 0, 0)] * OM_QUAD;
    const om_real *v = om_network_history(s->network, 0, at) + centre;
    for (int i = 0; i < s->n; i++) {
        for (int t = 0; t < s->circuit->n_types; t++) {
            s->voltage[t] = v[(size_t)t * map + (size_t)i];
            if (!(fabs((double)s->voltage[t]) <= OM_VOLTAGE_BOUND))
                return fail_diverged(s, i, frame, t, (double)s->voltage[t]);
        }
        s->sink(s->context, s->condition[i], frame, om_experiment_time(s->x, frame), s->voltage);
        if (s->options->n_columns > 0) hand_on_columns(s, i, at, frame);
    }
    return OM_OK;
}

static void set_luminance(showing *s, int first, int frames)
{
    const int columns = s->x->n_columns;
    for (int i = 0; i < OM_QUAD; i++) {
        const om_condition *c = &s->x->conditions[s->condition[i]];
        for (int f = 0; f < frames; f++) {
            om_course_luminance(&c->course, c->course.pre + first + f, c->frames, columns, s->seen);
            for (int k = 0; k < columns; k++) s->luminance[f * columns + k] = (om_real)s->seen[k];
        }
        om_network_set_luminance(s->network, i, s->luminance);
    }
}

/* The conditions at hand, which are of equal length. */
static om_status show_quad(showing *s)
{
    const int all = om_experiment_frames(s->x, s->condition[0], s->options->whole);
    for (int first = 0, frames; first < all; first += frames) {
        frames = all - first < s->chunk ? all - first : s->chunk;
        set_luminance(s, first, frames);
        if (first == 0)
            om_network_forward(s->network);
        else
            om_network_continue(s->network, s->chunk - 1, frames);
        for (int f = first == 0 ? -1 : 0; f < frames; f++) OM_TRY(hand_on(s, f, first + f));
        OM_TRY(check_finite(s, frames - 1, first + frames - 1));
    }
    return OM_OK;
}

/* Takes the first condition that was not shown yet, and others of its length; false: there is none. */
static bool take_quad(showing *s)
{
    const om_experiment *x = s->x;
    int frames = 0;
    s->n = 0;
    for (int i = 0; i < x->n_conditions && s->n < OM_QUAD; i++) {
        int own = om_experiment_frames(x, i, s->options->whole);
        if (s->shown[i] || (s->n > 0 && own != frames)) continue;
        frames = own;
        s->shown[i] = true;
        s->condition[s->n++] = i;
    }
    for (int i = s->n; s->n > 0 && i < OM_QUAD; i++) s->condition[i] = s->condition[s->n - 1];
    return s->n > 0;
}

static om_status prepare(showing *s, const om_real *params)
{
    const om_experiment *x = s->x;
    s->chunk = CHUNK;
    for (int i = 0; i < x->n_conditions; i++) {
        int frames = om_experiment_frames(x, i, s->options->whole);
        if (frames < s->chunk) s->chunk = frames;
    }
    om_network_options options = {.batch = OM_QUAD,
                                  .frames = s->chunk,
                                  .dt_s = x->timing.dt,
                                  .threads = s->options->threads,
                                  .activation = s->options->activation,
                                  .forward_only = true};
    const size_t columns = (size_t)x->n_columns;
    OM_TRY(om_kernels_select(NULL, &options.kernels));
    OM_TRY(om_alloc(columns, sizeof(float), &s->seen));
    OM_TRY(om_alloc((size_t)s->chunk * columns, sizeof(om_real), &s->luminance));
    OM_TRY(om_alloc((size_t)s->circuit->n_types, sizeof(om_real), &s->voltage));
    if (s->options->n_columns > 0)
        OM_TRY(om_alloc((size_t)(s->circuit->n_types * s->options->n_columns), sizeof(om_real),
                        &s->other));
    OM_TRY(om_alloc((size_t)x->n_conditions, sizeof(bool), &s->shown));
    OM_TRY(om_network_create(s->circuit, &options, &s->network));
    om_network_set_counts(s->network, s->options->counts);
    om_network_set_params(s->network, params);
    int settle = (int)lround(settle_s / x->timing.dt) + x->conditions[0].course.pre;
    om_network_settle(s->network, settle, (om_real)OM_GREY);
    return OM_OK;
}

om_status om_experiment_run(const om_experiment *x, const om_circuit *circuit,
                            const om_real *params, const om_experiment_options *options,
                            om_response_sink *sink, void *context)
{
    showing s = {.x = x, .circuit = circuit, .options = options, .sink = sink, .context = context};
    if (circuit->extent != x->extent)
        return om_fail(OM_EUSAGE, "an experiment of extent %d on a circuit of extent %d", x->extent,
                       circuit->extent);
    om_status status = prepare(&s, params);
    while (status == OM_OK && take_quad(&s)) status = show_quad(&s);
    om_network_free(s.network);
    om_free(s.seen);
    om_free(s.luminance);
    om_free(s.voltage);
    om_free(s.other);
    om_free(s.shown);
    return status;
}
