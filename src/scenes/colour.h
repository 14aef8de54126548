/* Colours of flow. */
#ifndef OM_SCENES_COLOUR_H
#define OM_SCENES_COLOUR_H

/* Colour of a flow vector (x right, y up) in units of the scale's end, each channel 0..1: hue is the
 * direction (red right, then clockwise: yellow down, cyan left, blue and magenta up), saturation the
 * speed, white is no motion; beyond the end of the scale it darkens. Middlebury's convention (Baker
 * et al. 2011). */
void om_flow_colour(double x, double y, double rgb[3]);

#endif
