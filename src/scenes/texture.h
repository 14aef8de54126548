/* Random textures with the statistics of natural images. */
#ifndef OM_SCENES_TEXTURE_H
#define OM_SCENES_TEXTURE_H

#include <stddef.h>

#include "ommatid/om_random.h"
#include "ommatid/om_status.h"

enum {
    OM_TEXTURE_SIZE = 512, /* texels in each direction; a power of two */
    OM_TEXTURE_LEVELS = 5  /* level l has OM_TEXTURE_SIZE >> l texels in each direction */
};

/* A periodic field of mean 0 and variance 1, and its means over 2^l x 2^l texels. */
typedef struct om_texture {
    float *level[OM_TEXTURE_LEVELS];
} om_texture;

/* Makes two independent fields whose amplitude spectrum falls as |frequency|^-slope (1: natural
 * scenes). Free with om_texture_free(). */
om_status om_texture_create(const om_stream *stream, double slope, om_texture pair[2]);
void om_texture_free(om_texture pair[2]); /* accepts {0} */

/* Value at (s, t), bilinear between texels of a level. s, t: texels of level 0, |s|, |t| < 2^20. */
float om_texture_at(const om_texture *texture, int level, double s, double t);

#endif
