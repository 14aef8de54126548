/* Drawing a world from its stream: which surfaces there are, where, and how everything moves.
 *
 * What is aimed at is film, Sintel above all: a far background, often a slanted ground or wall that
 * runs up to it, now and then foliage to look through, and objects of all sizes down to near the
 * camera, some of which move on their own. Speeds are log-normal from world to world, and nearness
 * multiplies them, so the flow has a heavy tail and every direction. Training world i and
 * validation world i are different streams, so no world belongs to both sets. */
#include <math.h>

#include "base/memory.h"
#include "scenes/world.h"

static const double PI = 3.14159265358979323846;

/* Parts of a world that draw from streams of their own (`sample`), so that a change to one leaves
 * the others as they are. Layer i draws from PART_LAYERS + i. */
enum { PART_CAMERA = 0, PART_COMPOSITION = 1, PART_TEXTURES = 2, PART_LAYERS = 16 };
/* Validation worlds have numbers of their own (`iteration`). */
static const uint32_t VALIDATION_WORLDS = UINT32_C(1) << 31;

/* Texels of a layer's middle are this many pixels wide: the eye's boxes see nothing finer. */
static const double TEXEL_PIXELS = 2;

typedef struct dice {
    om_stream stream;
    uint32_t next;
} dice;

static double uniform(dice *d, double least, double most)
{
    return least + (most - least) * om_random_uniform(&d->stream, d->next++);
}

static double normal(dice *d, double mean, double std)
{
    return mean + std * om_random_normal(&d->stream, d->next++);
}

static double log_uniform(dice *d, double least, double most)
{
    return exp(uniform(d, log(least), log(most)));
}

/* Log-normal about a median, not above `most`. */
static double heavy_tailed(dice *d, double median, double log_std, double most)
{
    return fmin(median * exp(normal(d, 0, log_std)), most);
}

static bool chance(dice *d, double probability) { return uniform(d, 0, 1) < probability; }

/* A sway of the given top speed per frame, reached near the middle of the first 19 frames, that
 * strays from its centre by no more than `reach`. */
static om_sway sway(dice *d, double speed, double reach)
{
    double period = log_uniform(d, 40, 120), phase = uniform(d, -0.9, 0.9);
    double omega = fmax(2 * PI / period, fabs(speed) / reach);
    return (om_sway){speed / omega, omega, phase};
}

/* The camera turns and travels; `pace` is the speed that both add up to at the background. Travel is
 * bounded because the nearest objects pass five times as fast. */
static void draw_camera(dice *d, const om_world_style *style, om_world *world)
{
    double f = world->focal = uniform(d, 700, 1100);
    double pace = heavy_tailed(d, style->pace, style->pace_spread, 10);
    double turning = 1 - style->travel * (1 - uniform(d, 0, 1)), heading = uniform(d, 0, 2 * PI);
    double turn = pace * turning / f, travel = fmin(pace * (1 - turning), 5) / f;
    double course = uniform(d, 0, 2 * PI);
    world->yaw = sway(d, turn * cos(heading), 0.2);
    world->pitch = sway(d, turn * sin(heading), 0.2);
    world->roll = sway(d, normal(d, 0, 0.25) * pace / 200, 0.3);
    world->position[0] = sway(d, travel * cos(course), 0.3);
    world->position[1] = sway(d, travel * sin(course), 0.3);
    world->position[2] = sway(d, normal(d, 0, 0.6) * style->travel * pace / f, 0.05);
}

/* Axes of a plane that faces the camera, turned in itself by a random angle, then tilted out of the
 * image by `tilt` about a random axis. */
static void draw_axes(dice *d, om_layer *layer, double tilt)
{
    double turned = uniform(d, 0, 2 * PI), c = cos(turned), s = sin(turned);
    const double axis_s[3] = {c, s, 0};
    const double axis_t[3] = {-s * cos(tilt), c * cos(tilt), sin(tilt)};
    for (int i = 0; i < 3; i++) {
        layer->axis_s[i] = axis_s[i];
        layer->axis_t[i] = axis_t[i];
    }
}

/* Puts the centre at a depth, where the camera at rest sees it at pixel (x, y). */
static void place(om_layer *layer, double focal, double depth, double x, double y)
{
    layer->centre[0] = x * depth / focal;
    layer->centre[1] = y * depth / focal;
    layer->centre[2] = depth;
    layer->texel = TEXEL_PIXELS * depth / focal;
}

static void draw_surface(dice *d, om_layer *layer, double base_std, double least_gain,
                         double most_gain)
{
    layer->texture = (int)om_random_below(&d->stream, d->next++, OM_WORLD_TEXTURES);
    layer->texture_s = floor(uniform(d, 0, OM_TEXTURE_SIZE));
    layer->texture_t = floor(uniform(d, 0, OM_TEXTURE_SIZE));
    layer->base = (float)normal(d, -0.15, base_std);
    layer->gain = (float)log_uniform(d, least_gain, most_gain);
}

static void draw_background(dice *d, const om_world *world, om_layer *layer)
{
    place(layer, world->focal, 1, 0, 0);
    draw_axes(d, layer, uniform(d, 0, 15) * PI / 180);
    draw_surface(d, layer, 0.5, 0.4, 1);
}

/* A plane that slopes away from below the camera to the background, or from beside it: ground,
 * wall or ceiling. */
static void draw_slope(dice *d, const om_world *world, om_layer *layer)
{
    double below = uniform(d, 50, 130), depth = uniform(d, 0.45, 0.7);
    double slope = uniform(d, 8, 22) * PI / 180;
    double side = chance(d, 0.65) ? normal(d, 0, 0.15) : uniform(d, 0, 2 * PI);
    place(layer, world->focal, depth, below * sin(side), -below * cos(side));
    const double axis_s[3] = {cos(side), sin(side), 0};
    const double axis_t[3] = {-sin(side) * sin(slope), cos(side) * sin(slope), cos(slope)};
    for (int i = 0; i < 3; i++) {
        layer->axis_s[i] = axis_s[i];
        layer->axis_t[i] = axis_t[i];
    }
    draw_surface(d, layer, 0.7, 0.35, 0.9);
}

/* Foliage, a fence, smoke: a plane with holes through which the rest is seen. */
static void draw_screen(dice *d, const om_world *world, om_layer *layer)
{
    place(layer, world->focal, uniform(d, 0.3, 0.65), 0, 0);
    draw_axes(d, layer, uniform(d, 0, 30) * PI / 180);
    layer->outline = OM_OUTLINE_SCREEN;
    layer->threshold = uniform(d, 0.6, 1.3);
    draw_surface(d, layer, 0.9, 0.25, 0.8);
}

/* Own motion of an object: it flies, and turns in its plane. */
static void draw_motion(dice *d, const om_world *world, om_layer *layer)
{
    double depth = layer->centre[2];
    double speed = heavy_tailed(d, 3.5, 0.7, 14) * depth / world->focal;
    double course = uniform(d, 0, 2 * PI);
    layer->path[0] = sway(d, speed * cos(course), 0.5);
    layer->path[1] = sway(d, speed * sin(course), 0.5);
    layer->path[2] = sway(d, normal(d, 0, 0.4) * speed, 0.15 * depth);
    layer->spin = sway(d, normal(d, 0, 0.02), 2);
}

static void draw_object(dice *d, const om_world *world, om_layer *layer)
{
    double depth = log_uniform(d, 0.2, 0.85);
    double x = normal(d, 0, 150), y = normal(d, 0, 150);
    place(layer, world->focal, depth, x, y);
    draw_axes(d, layer, uniform(d, 0, 40) * PI / 180);
    bool board = chance(d, 0.3);
    double radius = log_uniform(d, 25, 140), aspect = log_uniform(d, 1, board ? 7 : 2.5);
    layer->outline = board ? OM_OUTLINE_BOARD : OM_OUTLINE_ROUND;
    layer->half[0] = radius * sqrt(aspect) / TEXEL_PIXELS;
    layer->half[1] = radius / sqrt(aspect) / TEXEL_PIXELS;
    layer->fray = board ? uniform(d, 0, 0.15) : uniform(d, 0.1, 0.5);
    draw_surface(d, layer, 1.1, 0.25, 0.9);
    if (chance(d, 0.4)) draw_motion(d, world, layer);
}

typedef void draw_layer(dice *d, const om_world *world, om_layer *layer);

static void add_layer(om_world *world, dice like, draw_layer *draw)
{
    like.stream.sample = (uint32_t)(PART_LAYERS + world->n_layers);
    like.next = 0;
    draw(&like, world, &world->layers[world->n_layers++]);
}

static void draw_layers(dice d, double clutter, om_world *world)
{
    int objects = (int)((7 + floor(uniform(&d, 0, 8))) * clutter + 0.5);
    bool slope = chance(&d, 0.5 * clutter), screen = chance(&d, 0.3 * clutter);
    add_layer(world, d, draw_background);
    if (slope) add_layer(world, d, draw_slope);
    if (screen) add_layer(world, d, draw_screen);
    for (int i = 0; i < objects; i++) add_layer(world, d, draw_object);
}

static om_status draw_textures(om_stream stream, om_world *world)
{
    for (int i = 0; i < OM_WORLD_TEXTURES; i += 2) {
        stream.sample = (uint32_t)(PART_TEXTURES + i);
        om_status status = om_texture_create(&stream, i == 0 ? 1.0 : 1.2, &world->textures[i]);
        if (status) return status;
    }
    return OM_OK;
}

om_status om_world_create(const om_world_options *options, bool validation, int number,
                          om_world **world)
{
    *world = NULL;
    om_world *w = NULL;
    om_status status = om_alloc(1, sizeof *w, &w);
    if (status) return status;
    dice d = {.stream = {.seed = options->seed,
                         .purpose = OM_FOR_WORLD,
                         .iteration = (uint32_t)number + (validation ? VALIDATION_WORLDS : 0)}};
    status = draw_textures(d.stream, w);
    if (status) {
        om_world_free(w);
        return status;
    }
    d.stream.sample = PART_CAMERA;
    draw_camera(&d, &options->style, w);
    d.stream.sample = PART_COMPOSITION;
    d.next = 0;
    draw_layers(d, options->style.clutter, w);
    *world = w;
    return OM_OK;
}

void om_world_free(om_world *world)
{
    if (!world) return;
    for (int i = 0; i < OM_WORLD_TEXTURES; i += 2) om_texture_free(&world->textures[i]);
    om_free(world);
}
