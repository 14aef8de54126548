/* Resampling in time, from a film's frames to the simulation's steps. Luminance holds each frame
 * (a screen shows it until the next one), flow is interpolated. The published models and the
 * public package place the samples differently: two variants (model.md 5). Positions are fractions
 * of small integers wherever both rates are whole numbers, because a position that rounds to just
 * under a frame would show the frame before. */
#include <math.h>

#include "ommatid/om_batch.h"

/* A whole number next to `value`, or 0 if there is none within rounding. */
static int64_t whole(double value)
{
    double nearest = nearbyint(value);
    bool close = nearest >= 1 && nearest < 1e9 && fabs(value - nearest) <= 1e-9 * nearest;
    return close ? (int64_t)nearest : 0;
}

int om_resampled_steps(int frames, double frame_rate_hz, double dt_s)
{
    int64_t source = whole(frame_rate_hz), target = whole(1 / dt_s);
    if (source > 0 && target > 0) return (int)((frames * target + source - 1) / source);
    return (int)ceil(frames / (frame_rate_hz * dt_s) - 1e-9);
}

int om_resample_nearest(om_resampling kind, int k, int frames, int steps, double frame_rate_hz,
                        double dt_s)
{
    int64_t source = whole(frame_rate_hz), target = whole(1 / dt_s), frame;
    if (kind == OM_RESAMPLE_PACKAGE)
        frame = (2 * (int64_t)k + 1) * frames / (2 * (int64_t)steps);
    else if (source > 0 && target > 0)
        frame = source * k / target;
    else
        frame = (int64_t)floor(k * frame_rate_hz * dt_s + 1e-9);
    return frame < frames ? (int)frame : frames - 1;
}

void om_resample_linear(om_resampling kind, int k, int frames, int steps, int *frame,
                        double *weight)
{
    /* position = above / below, in source frames */
    int64_t above, below;
    if (kind == OM_RESAMPLE_PACKAGE) {
        above = (int64_t)k * (frames - 1);
        below = steps > 1 ? steps - 1 : 1;
    } else {
        above = (2 * (int64_t)k + 1) * frames - steps;
        below = 2 * (int64_t)steps;
    }
    if (above < 0) above = 0;
    if (above > (frames - 1) * below) above = (frames - 1) * below;
    *frame = (int)(above / below);
    *weight = (double)(above % below) / (double)below;
}
