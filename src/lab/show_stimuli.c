/* Flashes and moving edges as predictions: responses of central cells and what is measured of them. */
#include <math.h>

#include "base/fail.h"
#include "base/memory.h"
#include "lab/battery.h"
#include "lab/cells.h"

enum { INTENSITIES = 2, RADII = OM_FLASHES / INTENSITIES };

typedef struct stimuli {
    om_showing *showing;
    om_experiment *x;
    om_experiment_options run;
    om_extremes *extremes;
    int n_times;
    double *time;
    double angle[OM_MOVING_ANGLES], intensity[INTENSITIES];
    int32_t radius[RADII];
    double *peak, *dsi, *direction, *fri; /* as the measures are made: types last */
    bool *use;                            /* [n_conditions] */
    int *frames;                          /* [n_conditions] that each is run for */
    int32_t *column;                      /* [n_columns] chosen ones */
    om_cells *cells;                      /* NULL: none were chosen */
} stimuli;

static om_response_sink keep_columns;

/* ---- axes ---- */

static void set_axis(om_showing *s, int axis, size_t n, const void *values)
{
    s->axes.n[axis] = n;
    s->axes.values[axis] = values;
}

static om_status make_axes(om_showing *s, stimuli *e)
{
    e->n_times = om_experiment_most_frames(e->x, e->run.whole) + 1; /* from frame -1 on */
    OM_TRY(om_alloc((size_t)e->n_times, sizeof *e->time, &e->time));
    for (int i = 0; i < e->n_times; i++) e->time[i] = om_experiment_time(e->x, i - 1);
    for (int i = 0; i < OM_MOVING_ANGLES; i++) e->angle[i] = 360.0 / OM_MOVING_ANGLES * i;
    for (int i = 0; i < RADII; i++) e->radius[i] = om_flashes[i].radius;
    e->intensity[1] = 1;
    set_axis(s, OM_PREDICTED_ANGLE, OM_MOVING_ANGLES, e->angle);
    set_axis(s, OM_PREDICTED_INTENSITY, INTENSITIES, e->intensity);
    set_axis(s, OM_PREDICTED_RADIUS, RADII, e->radius);
    set_axis(s, OM_PREDICTED_SPEED, OM_MOVING_SPEEDS, om_moving_speeds);
    set_axis(s, OM_PREDICTED_TIME, (size_t)e->n_times, e->time);
    return OM_OK;
}

static om_status make_columns(om_showing *s, stimuli *e)
{
    const int n = s->options->n_columns;
    if (n == 0) return OM_OK;
    OM_TRY(om_alloc((size_t)n, sizeof *e->column, &e->column));
    for (int i = 0; i < n; i++) e->column[i] = s->options->columns[i];
    set_axis(s, OM_PREDICTED_COLUMN, (size_t)n, e->column);
    e->run.columns = s->options->columns;
    e->run.n_columns = n;
    e->run.column_sink = keep_columns;
    return om_cells_create(s, e->x->n_conditions, e->frames, &e->cells);
}

static om_status prepare(om_showing *s)
{
    stimuli *e = NULL;
    OM_TRY(om_alloc(1, sizeof *e, &e));
    s->own = e;
    e->showing = s;
    e->run = (om_experiment_options){.threads = s->threads,
                                     .activation = s->train->model.activation,
                                     .counts = s->counts,
                                     .whole = s->options->whole};
    OM_TRY(om_experiment_create(s->options->experiment, s->circuit->extent, &e->x));
    const size_t types = (size_t)s->circuit->n_types, n = (size_t)e->x->n_conditions;
    OM_TRY(om_alloc(n, sizeof *e->frames, &e->frames));
    for (int i = 0; i < e->x->n_conditions; i++)
        e->frames[i] = om_experiment_frames(e->x, i, e->run.whole);
    OM_TRY(make_axes(s, e));
    OM_TRY(make_columns(s, e));
    OM_TRY(om_experiment_extremes(e->x, s->circuit, &e->extremes));
    OM_TRY(om_alloc(n * types, sizeof(double), &e->peak));
    OM_TRY(om_alloc(n, sizeof(bool), &e->use));
    OM_TRY(om_alloc(INTENSITIES * types, sizeof(double), &e->dsi));
    OM_TRY(om_alloc(INTENSITIES * types, sizeof(double), &e->direction));
    return om_alloc(RADII * types, sizeof(double), &e->fri);
}

static om_status share(om_showing *s)
{
    int32_t *u = s->row[OM_PREDICTED_U], *v = s->row[OM_PREDICTED_V];
    for (int i = 0; i < s->options->n_columns; i++) {
        int at_u, at_v;
        om_lattice_coordinates(s->circuit->extent, s->options->columns[i], &at_u, &at_v);
        u[i] = at_u, v[i] = at_v;
    }
    return OM_OK;
}

/* ---- one model ---- */

static void keep(void *context, int condition, int frame, double time_s, const om_real *voltage)
{
    stimuli *e = context;
    const om_showing *s = e->showing;
    const int conditions = e->x->n_conditions;
    float *response = s->row[OM_PREDICTED_RESPONSE];
    response += (ptrdiff_t)condition * e->n_times + frame + 1;
    for (size_t t = 0; t < s->axes.n[OM_PREDICTED_TYPE]; t++)
        response[(ptrdiff_t)t * conditions * e->n_times] = (float)voltage[s->types[t]];
    om_extremes_add(e->extremes, condition, time_s, voltage);
}

static void keep_columns(void *context, int condition, int frame, double time_s,
                         const om_real *voltage)
{
    (void)time_s;
    om_cells_add(((stimuli *)context)->cells, condition, frame, voltage);
}

/* from [n][all types], of the file's types, to [types][step] at number `at` of a last axis. */
static void turn(const om_showing *s, int n, int step, int at, const double *from, double *to)
{
    const int all = s->circuit->n_types, types = (int)s->axes.n[OM_PREDICTED_TYPE];
    for (int i = 0; i < n; i++)
        for (int t = 0; t < types; t++) to[(t * n + i) * step + at] = from[i * all + s->types[t]];
}

static void measure_flashes(om_showing *s, stimuli *e)
{
    const int types = s->circuit->n_types;
    for (int r = 0; r < RADII; r++) /* the dark ones come first */
        om_flash_index(e->extremes, r, RADII + r, e->fri + (ptrdiff_t)r * types);
    turn(s, RADII, 1, 0, e->fri, s->row[OM_PREDICTED_FRI]);
    turn(s, e->x->n_conditions, 1, 0, e->extremes->highest, s->row[OM_PREDICTED_PEAK]);
}

/* Direction tuning over the edges in use, into number `at` of `step` at the end of dsi, direction. */
static om_status measure_tuning(om_showing *s, stimuli *e, const bool *use, int step, int at,
                                double *dsi, double *direction)
{
    const int types = s->circuit->n_types;
    const om_edge_peaks peaks = {e->x->n_conditions, types, e->x->edges, e->peak, use};
    OM_TRY(om_direction_tuning(&peaks, e->dsi, e->direction));
    for (int i = 0; i < INTENSITIES * types; i++) {
        double degrees = e->direction[i] * 180 / acos(-1);
        e->direction[i] = degrees < 0 ? degrees + 360 : degrees;
    }
    turn(s, INTENSITIES, step, at, e->dsi, dsi);
    turn(s, INTENSITIES, step, at, e->direction, direction);
    return OM_OK;
}

static om_status measure_edges(om_showing *s, stimuli *e)
{
    om_peaks_of(e->extremes, e->peak);
    turn(s, e->x->n_conditions, 1, 0, e->peak, s->row[OM_PREDICTED_PEAK]);
    for (int k = 0; k < OM_MOVING_SPEEDS; k++) {
        for (int i = 0; i < e->x->n_conditions; i++)
            e->use[i] = e->x->edges[i].speed == om_moving_speeds[k];
        OM_TRY(measure_tuning(s, e, e->use, OM_MOVING_SPEEDS, k, s->row[OM_PREDICTED_DSI_BY_SPEED],
                              s->row[OM_PREDICTED_DIRECTION_BY_SPEED]));
    }
    return measure_tuning(s, e, NULL, 1, 0, s->row[OM_PREDICTED_DSI],
                          s->row[OM_PREDICTED_DIRECTION]);
}

static om_status show(om_showing *s)
{
    stimuli *e = s->own;
    om_extremes_reset(e->extremes);
    if (e->cells != NULL) OM_TRY(om_cells_begin(e->cells));
    om_status status = om_experiment_run(e->x, s->circuit, s->params, &e->run, keep, e);
    if (e->cells != NULL) {
        const om_status kept = om_cells_end(e->cells, status == OM_OK);
        if (status == OM_OK || status == OM_EDIVERGED) status = kept != OM_OK ? kept : status;
    }
    OM_TRY(status);
    turn(s, e->x->n_conditions, 1, 0, e->extremes->peak_s, s->row[OM_PREDICTED_PEAK_TIME]);
    if (e->x->kind == OM_EDGES_SHOWN) return measure_edges(s, e);
    measure_flashes(s, e);
    return OM_OK;
}

static void release(om_showing *s)
{
    stimuli *e = s->own;
    if (e == NULL) return;
    om_extremes_free(e->extremes);
    om_experiment_free(e->x);
    om_cells_free(e->cells);
    void *all[] = {e->time, e->frames, e->peak, e->dsi, e->direction, e->fri, e->use, e->column};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) om_free(all[i]);
    om_free(e);
}

const om_show om_show_stimuli = {prepare, share, show, release};
