/* What one column sees of a world. */
#ifndef OM_SCENES_WORLD_RENDER_H
#define OM_SCENES_WORLD_RENDER_H

#include "scenes/world.h"

/* Rays per side of a column's box in films. 13 would be every pixel; test_worlds holds what 5
 * leaves out to be small. */
enum { OM_WORLD_RAYS = 5 };

/* The box around pixel (x, y), sampled by rays x rays rays, at most OM_EYE_SPACING: mean or median
 * luminance, and flow in the unit of om_eye.h. */
void om_world_see(const om_world *world, const om_view *views, double x, double y, int rays,
                  om_eye_filter filter, float *luminance, float flow[2]);

#endif
