/* A procedural world: textured planes in space, and a camera that moves among them.
 *
 * World coordinates: x right, y up, z away from the camera at rest; the background lies near z = 1.
 * Pixels: x right, y up, from the image's centre; a point (x, y, z) in the camera's frame is seen at
 * focal * (x, y) / z. Time runs in frames and may be negative: frame 0 moved here from frame -1.
 *
 * A plane's point (s, t), in texels of its texture, lies at centre + texel (s axis_s + t axis_t).
 * So pixel -> plane is a homography, and where the same point of the plane was seen one frame before
 * is another one: the flow is exact. */
#ifndef OM_SCENES_WORLD_H
#define OM_SCENES_WORLD_H

#include <stdbool.h>

#include "ommatid/om_scenes.h"
#include "scenes/texture.h"

enum { OM_WORLD_TEXTURES = 4, OM_WORLD_MAX_LAYERS = 20, OM_WORLD_MIDDLE = 9 };

/* amplitude * sin(omega * (t - OM_WORLD_MIDDLE) + phase), t in frames: smooth, and bounded for
 * films of any length. */
typedef struct om_sway {
    double amplitude, omega, phase;
} om_sway;

double om_sway_at(const om_sway *sway, double t);

typedef enum om_outline {
    OM_OUTLINE_NONE,  /* the plane is all there */
    OM_OUTLINE_ROUND, /* an ellipse of half axes half[], its edge frayed by noise */
    OM_OUTLINE_BOARD, /* a rectangle, likewise */
    OM_OUTLINE_SCREEN /* where noise exceeds `threshold`: foliage with holes */
} om_outline;

typedef struct om_layer {
    double centre[3], axis_s[3], axis_t[3]; /* axes: orthogonal, of length 1 */
    double texel;                           /* world units per texel */
    om_sway path[3], spin;                  /* own motion of the centre; turn in the plane, rad */
    om_outline outline;
    double half[2], fray, threshold; /* half axes in texels */
    int texture;                     /* 0..OM_WORLD_TEXTURES - 1 */
    double texture_s, texture_t;     /* which part of the texture, texels */
    float base, gain;                /* luminance = squash(base + gain * texture) */
} om_layer;

typedef struct om_world {
    double focal;                          /* pixels */
    om_sway position[3], yaw, pitch, roll; /* of the camera; world units and radians */
    int n_layers;
    om_layer layers[OM_WORLD_MAX_LAYERS]; /* [0]: the background, seen wherever nothing else is */
    om_texture textures[OM_WORLD_TEXTURES];
} om_world;

/* Draws world number `number` of the training or validation set. Free with om_world_free(). */
om_status om_world_create(const om_world_options *options, bool validation, int number,
                          om_world **world);
void om_world_free(om_world *world); /* accepts NULL */

/* How one layer is seen in one frame. */
typedef struct om_view {
    double plane[3][3];    /* pixel (x, y, 1) -> (s, t, 1) / depth */
    double previous[3][3]; /* plane (s, t, 1) -> pixel of the frame before, times its depth */
} om_view;

/* views [n_layers]: of all layers in frame n. */
void om_world_views(const om_world *world, int frame, om_view *views);

/* What a ray sees. */
typedef struct om_sight {
    int layer;
    float luminance; /* 0..1 */
    double flow[2];  /* pixels from the frame before to this one; x right, y up */
} om_sight;

/* The layers that may be seen near some pixel, and the texture level that suits each there. */
typedef struct om_glance {
    int n;
    struct {
        int layer, level;
    } seen[OM_WORLD_MAX_LAYERS];
} om_glance;

/* What may be seen within `radius` pixels of (x, y) by rays that are `spacing` pixels apart. */
om_glance om_world_glance(const om_world *world, const om_view *views, double x, double y,
                          double radius, double spacing);
/* The nearest surface along the ray of pixel (x, y), out of those of the glance. */
om_sight om_world_look(const om_world *world, const om_view *views, const om_glance *glance,
                       double x, double y);

#endif
