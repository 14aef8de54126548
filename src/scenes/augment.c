/* Augmentation: what is drawn for a sample, and what is done to its luminance (model.md 5). The
 * symmetries of the lattice are in om_lattice.h; the batcher applies them. */
#include <math.h>

#include "ommatid/om_batch.h"

/* Which draw of a sample's stream decides what. Part of what a seed means: never renumber. */
enum {
    DRAW_START,
    DRAW_FLIP,
    DRAW_FLIP_AXIS,
    DRAW_ROTATE,
    DRAW_ROTATION,
    DRAW_CONTRAST,
    DRAW_BRIGHTNESS
};

/* 1..n with the given probability, else 0. */
static int maybe(const om_stream *stream, uint32_t whether, uint32_t which, double probability,
                 uint32_t n)
{
    if (om_random_uniform(stream, whether) >= probability) return 0;
    return 1 + (int)om_random_below(stream, which, n);
}

om_augmentation om_augmentation_draw(const om_augment_options *options, const om_stream *stream,
                                     int available, int frames)
{
    om_augmentation drawn = {.contrast = 1};
    if (!options->enabled) return drawn;
    om_stream s = *stream;
    s.purpose = OM_FOR_AUGMENT;
    drawn.start = (int)om_random_below(&s, DRAW_START, (uint32_t)(available - frames + 1));
    drawn.flip = maybe(&s, DRAW_FLIP, DRAW_FLIP_AXIS, options->flip, 3);
    drawn.rotation = maybe(&s, DRAW_ROTATE, DRAW_ROTATION, options->rotate, 5);
    drawn.contrast = exp(options->contrast_std * om_random_normal(&s, DRAW_CONTRAST));
    drawn.brightness = options->brightness_std * om_random_normal(&s, DRAW_BRIGHTNESS);
    return drawn;
}

void om_augment_noise(int n_columns, double std, const float *z, om_real *luminance)
{
    const om_real scale = (om_real)std;
    for (int i = 0; i < n_columns; i++) {
        om_real x = luminance[i] + scale * (om_real)z[i];
        luminance[i] = x > 0 ? x : 0;
    }
}

void om_augment_contrast(int n_columns, double contrast, double brightness, om_real *luminance)
{
    /* contrast (x - 0.5) + 0.5 + contrast * brightness = contrast x + offset */
    const om_real c = (om_real)contrast;
    const om_real offset = (om_real)(0.5 + contrast * (brightness - 0.5));
    for (int i = 0; i < n_columns; i++) {
        om_real x = c * luminance[i] + offset;
        luminance[i] = x > 0 ? x : 0;
    }
}
