/* Looking at a world: geometry of planes under a pinhole camera. Everything here is exact but for
 * the texture's interpolation. */
#include <math.h>

#include "scenes/world.h"

/* Half of the inverse-depth range that a camera may come near to: nothing nearer is drawn. */
static const double NEAREST = 0.04;
/* Noise at outlines is cut here, so that a layer's reach is bounded. */
static const float MOST_NOISE = 2.5F;
/* Outlines look at their noise at this level: fine enough for the eye's boxes. */
enum { OUTLINE_LEVEL = 1 };

double om_sway_at(const om_sway *sway, double t)
{
    return sway->amplitude * sin(sway->omega * (t - OM_WORLD_MIDDLE) + sway->phase);
}

static void multiply(const double a[3][3], const double b[3][3], double out[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

/* World to camera: R = roll * pitch * yaw, angles at time t. Positive yaw looks to the right,
 * positive pitch up, positive roll tilts the head counter-clockwise. */
static void camera_rotation(const om_world *world, double t, double out[3][3])
{
    double a = om_sway_at(&world->yaw, t), b = om_sway_at(&world->pitch, t),
           c = om_sway_at(&world->roll, t);
    const double yaw[3][3] = {{cos(a), 0, -sin(a)}, {0, 1, 0}, {sin(a), 0, cos(a)}};
    const double pitch[3][3] = {{1, 0, 0}, {0, cos(b), -sin(b)}, {0, sin(b), cos(b)}};
    const double roll[3][3] = {{cos(c), sin(c), 0}, {-sin(c), cos(c), 0}, {0, 0, 1}};
    double turned[3][3];
    multiply(pitch, yaw, turned);
    multiply(roll, turned, out);
}

/* Plane (s, t, 1) -> pixel (x, y, 1) times depth, at time t. */
static void pixel_from_plane(const om_world *world, const om_layer *layer, double t,
                             double out[3][3])
{
    double spin = om_sway_at(&layer->spin, t), c = layer->texel * cos(spin),
           d = layer->texel * sin(spin);
    double rotation[3][3], plane[3][3];
    for (int i = 0; i < 3; i++) {
        plane[i][0] = c * layer->axis_s[i] + d * layer->axis_t[i];
        plane[i][1] = c * layer->axis_t[i] - d * layer->axis_s[i];
        plane[i][2] =
            layer->centre[i] + om_sway_at(&layer->path[i], t) - om_sway_at(&world->position[i], t);
    }
    camera_rotation(world, t, rotation);
    multiply(rotation, plane, out);
    for (int j = 0; j < 3; j++) {
        out[0][j] *= world->focal;
        out[1][j] *= world->focal;
    }
}

/* Inverse by cofactors. The matrix is regular unless the camera lies in the plane. */
static void invert(const double m[3][3], double out[3][3])
{
    double cofactor[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
            cofactor[i][j] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
        }
    double determinant =
        m[0][0] * cofactor[0][0] + m[0][1] * cofactor[0][1] + m[0][2] * cofactor[0][2];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) out[i][j] = cofactor[j][i] / determinant;
}

void om_world_views(const om_world *world, int frame, om_view *views)
{
    for (int i = 0; i < world->n_layers; i++) {
        double now[3][3];
        pixel_from_plane(world, &world->layers[i], frame, now);
        invert(now, views[i].plane);
        pixel_from_plane(world, &world->layers[i], frame - 1, views[i].previous);
    }
}

/* Where a ray meets a plane. */
typedef struct hit {
    double s, t, nearness; /* 1 / depth; not in front of the camera unless positive */
} hit;

static hit meet(const om_view *view, double x, double y)
{
    const double(*m)[3] = view->plane;
    double nearness = m[2][0] * x + m[2][1] * y + m[2][2], depth = 1 / nearness;
    return (hit){(m[0][0] * x + m[0][1] * y + m[0][2]) * depth,
                 (m[1][0] * x + m[1][1] * y + m[1][2]) * depth, nearness};
}

/* Distance of (s, t) from the centre of an outline of half axes 1: 1 on the unfrayed edge. */
static double outline_distance2(const om_layer *layer, double s, double t)
{
    double a = s / layer->half[0], b = t / layer->half[1];
    return layer->outline == OM_OUTLINE_ROUND ? a * a + b * b : fmax(a * a, b * b);
}

static bool inside(const om_world *world, const om_layer *layer, double s, double t)
{
    if (layer->outline == OM_OUTLINE_NONE) return true;
    bool screen = layer->outline == OM_OUTLINE_SCREEN;
    double distance2 = screen ? 0 : outline_distance2(layer, s, t);
    if (distance2 > 1 + layer->fray * (double)MOST_NOISE) return false;
    /* the last texture frays edges; surfaces use the others too, but at another place */
    float noise = om_texture_at(&world->textures[OM_WORLD_TEXTURES - 1], OUTLINE_LEVEL,
                                s + layer->texture_t, t - layer->texture_s);
    if (screen) return (double)noise > layer->threshold;
    return distance2 < 1 + layer->fray * (double)fminf(noise, MOST_NOISE);
}

/* Texels per pixel, the larger of the two directions in the image. */
static double stretch(const om_view *view, hit at)
{
    const double(*m)[3] = view->plane;
    double most = 0;
    for (int j = 0; j < 2; j++) {
        double ds = (m[0][j] - at.s * m[2][j]) / at.nearness;
        double dt = (m[1][j] - at.t * m[2][j]) / at.nearness;
        most = fmax(most, ds * ds + dt * dt);
    }
    return sqrt(most);
}

/* The level whose texels are about as far apart as the rays. */
static int level_for(double texels_per_ray)
{
    int level = 0;
    while (level < OM_TEXTURE_LEVELS - 1 && texels_per_ray > 1.5 * (1 << level)) level++;
    return level;
}

/* Whether an outlined layer reaches within `texels` of (s, t). */
static bool near_outline(const om_layer *layer, hit at, double texels)
{
    if (layer->outline == OM_OUTLINE_NONE || layer->outline == OM_OUTLINE_SCREEN) return true;
    double reach = sqrt(1 + layer->fray * (double)MOST_NOISE);
    double margin = texels / fmin(layer->half[0], layer->half[1]);
    return sqrt(outline_distance2(layer, at.s, at.t)) < reach + margin;
}

om_glance om_world_glance(const om_world *world, const om_view *views, double x, double y,
                          double radius, double spacing)
{
    om_glance glance = {0};
    for (int i = 0; i < world->n_layers; i++) {
        hit at = meet(&views[i], x, y);
        int level = OM_TEXTURE_LEVELS - 1;
        if (at.nearness > 0) {
            double texels = stretch(&views[i], at);
            /* twice the radius: perspective may stretch more beside the centre than in it */
            if (!near_outline(&world->layers[i], at, 2 * radius * texels)) continue;
            level = level_for(texels * spacing);
        }
        glance.seen[glance.n].layer = i;
        glance.seen[glance.n++].level = level;
    }
    return glance;
}

/* Maps any number smoothly into 0..1, the middle of the range almost linearly. */
static float squash(float x) { return 0.5F + 0.5F * x / sqrtf(1 + x * x); }

/* Pixels that a point of the plane moved from the frame before to pixel (x, y). */
static void flow_at(const om_view *view, hit at, double x, double y, double flow[2])
{
    const double(*m)[3] = view->previous;
    double depth = m[2][0] * at.s + m[2][1] * at.t + m[2][2];
    flow[0] = x - (m[0][0] * at.s + m[0][1] * at.t + m[0][2]) / depth;
    flow[1] = y - (m[1][0] * at.s + m[1][1] * at.t + m[1][2]) / depth;
}

om_sight om_world_look(const om_world *world, const om_view *views, const om_glance *glance,
                       double x, double y)
{
    /* The background is first and always seen; only what lies before it is looked at further. */
    hit nearest = meet(&views[0], x, y);
    int layer = 0, level = glance->seen[0].level;
    for (int i = 1; i < glance->n; i++) {
        int candidate = glance->seen[i].layer;
        hit at = meet(&views[candidate], x, y);
        if (!(at.nearness > nearest.nearness && at.nearness < 1 / NEAREST)) continue;
        if (!inside(world, &world->layers[candidate], at.s, at.t)) continue;
        nearest = at;
        layer = candidate;
        level = glance->seen[i].level;
    }
    const om_layer *seen = &world->layers[layer];
    om_sight sight = {.layer = layer};
    sight.luminance =
        squash(seen->base + seen->gain * om_texture_at(&world->textures[seen->texture], level,
                                                       nearest.s + seen->texture_s,
                                                       nearest.t + seen->texture_t));
    flow_at(&views[layer], nearest, x, y, sight.flow);
    return sight;
}
