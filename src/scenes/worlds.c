/* Procedural worlds as films: the plan of a set, and the rendering of its sequences through the box
 * eye. The boxes are sampled by a grid of RAYS x RAYS rays instead of by every pixel. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_eye.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_scenes.h"
#include "scenes/eye.h"
#include "scenes/world_render.h"

static const double FRAME_RATE_HZ = 24;
enum { MOST_SEQUENCES = 100000, MOST_FRAMES = 10000 };

static om_status check_options(const om_world_options *o)
{
    const struct {
        const char *name;
        int value, least, most;
    } all[] = {{"training sequences", o->training, 0, MOST_SEQUENCES},
               {"validation sequences", o->validation, 0, MOST_SEQUENCES},
               {"frames", o->frames, 1, MOST_FRAMES},
               {"extent", o->extent, 0, OM_LATTICE_MAX_EXTENT}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value < all[i].least || all[i].value > all[i].most)
            return om_fail(OM_EUSAGE, "worlds: %s %d: expected %d..%d", all[i].name, all[i].value,
                           all[i].least, all[i].most);
    if (o->eye != OM_EYE_MEAN && o->eye != OM_EYE_MEDIAN)
        return om_fail(OM_EUSAGE, "worlds: luminance is the mean or the median of a box");
    if (o->training + o->validation == 0)
        return om_fail(OM_EUSAGE, "worlds: no training and no validation sequences");
    return OM_OK;
}

om_status om_worlds_plan(const om_world_options *options, om_scenes **scenes)
{
    *scenes = NULL;
    OM_TRY(check_options(options));
    int n = options->training + options->validation;
    om_sequence *sequences = NULL;
    om_status status = om_alloc((size_t)n, sizeof *sequences, &sequences);
    if (status) return status;
    for (int i = 0; i < n; i++) {
        om_sequence *q = &sequences[i];
        q->validation = i >= options->training;
        q->frames = options->frames;
        int number = q->validation ? i - options->training : i;
        snprintf(q->name, sizeof q->name, "world-%s%03d", q->validation ? "v" : "", number);
    }
    status = om_scenes_create(sequences, n, options->extent, FRAME_RATE_HZ, scenes);
    om_free(sequences);
    return status;
}

void om_world_see(const om_world *world, const om_view *views, double x, double y, int rays,
                  om_eye_filter filter, float *luminance, float flow[2])
{
    const double width = OM_EYE_SPACING, spacing = width / rays;
    om_glance glance = om_world_glance(world, views, x, y, width / sqrt(2), spacing);
    float seen[OM_EYE_SPACING * OM_EYE_SPACING];
    double sum[3] = {0};
    for (int i = 0; i < rays * rays; i++) {
        double dx = (i % rays + 0.5) * spacing - width / 2;
        double dy = (i / rays + 0.5) * spacing - width / 2;
        om_sight sight = om_world_look(world, views, &glance, x + dx, y + dy);
        seen[i] = sight.luminance;
        sum[0] += (double)sight.luminance;
        sum[1] += sight.flow[0];
        sum[2] += sight.flow[1];
    }
    double mean = 1.0 / (rays * rays);
    double unit = om_eye_flow_unit(OM_EYE_SPACING, OM_EYE_SINTEL_ROWS);
    *luminance = filter == OM_EYE_MEDIAN ? om_eye_median(seen, (size_t)(rays * rays))
                                         : (float)(mean * sum[0]);
    flow[0] = (float)(mean * unit * sum[1]);
    flow[1] = (float)(mean * unit * sum[2]);
}

/* One frame of one world into its place: luminance [n_columns], flow [2][n_columns]. */
static void render_frame(const om_world *world, int frame, int extent, om_eye_filter filter,
                         float *luminance, float *flow)
{
    om_view views[OM_WORLD_MAX_LAYERS];
    om_world_views(world, frame, views);
    int n_columns = om_lattice_columns(extent);
    for (int i = 0; i < n_columns; i++) {
        int u, v, row, column;
        float seen[2];
        om_lattice_coordinates(extent, i, &u, &v);
        om_eye_centre(OM_EYE_SPACING, u, v, &row, &column);
        om_world_see(world, views, column, -row, OM_WORLD_RAYS, filter, &luminance[i], seen);
        flow[i] = seen[0];
        flow[n_columns + i] = seen[1];
    }
}

/* Exposure: one gain and offset for the whole film, so that its n values have mean 0.5 and the given
 * standard deviation before what leaves 0..1 is cut off. */
static void expose(double contrast, size_t n, float *luminance)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) mean += (double)luminance[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double d = (double)luminance[i] - mean;
        square += d * d / (double)n;
    }
    double gain = square > 0 ? contrast / sqrt(square) : 0;
    for (size_t i = 0; i < n; i++)
        luminance[i] = (float)fmin(fmax(0.5 + gain * ((double)luminance[i] - mean), 0), 1);
}

om_status om_world_render(const om_world_options *options, om_scenes *scenes, int sequence)
{
    int n = options->training + options->validation;
    if (scenes->n_sequences != n || scenes->extent != options->extent)
        return om_fail(OM_EUSAGE, "worlds: the scenes were planned with other options");
    if (sequence < 0 || sequence >= n)
        return om_fail(OM_EUSAGE, "worlds: sequence %d: expected 0..%d", sequence, n - 1);
    if (!scenes->luminance || !scenes->flow)
        return om_fail(OM_EUSAGE, "worlds: no place for the films yet");
    const om_sequence *q = &scenes->sequences[sequence];
    om_world *world = NULL;
    int number = q->validation ? sequence - options->training : sequence;
    OM_TRY(om_world_create(options, q->validation, number, &world));
    for (int frame = 0; frame < q->frames; frame++) {
        size_t at = (q->offset + (size_t)frame) * (size_t)scenes->n_columns;
        render_frame(world, frame, scenes->extent, options->eye, scenes->luminance + at,
                     scenes->flow + 2 * at);
    }
    if (options->style.contrast > 0)
        expose(options->style.contrast, (size_t)q->frames * (size_t)scenes->n_columns,
               scenes->luminance + q->offset * (size_t)scenes->n_columns);
    om_world_free(world);
    return OM_OK;
}
