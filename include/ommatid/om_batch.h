/* From films to the network's input: crop, augmentation and resampling in time (model.md 5).
 *
 * Every draw of a sample comes from the streams (seed, model, OM_FOR_AUGMENT or OM_FOR_NOISE,
 * iteration, sample). Luminance gets everything, flow only what moves columns and frames. */
#ifndef OM_BATCH_H
#define OM_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "ommatid/om_random.h"
#include "ommatid/om_scenes.h"
#include "ommatid/om_status.h"

typedef enum om_resampling {
    OM_RESAMPLE_PACKAGE, /* luminance nearest-exact, flow linear with aligned corners */
    OM_RESAMPLE_PAPER /* luminance at index floor(24 k dt), flow linear without aligned corners */
} om_resampling;

typedef struct om_augment_options {
    bool enabled;
    double noise_std;      /* 0.08 */
    double contrast_std;   /* 0.2: c = exp(N(0, std)) */
    double brightness_std; /* 0.1 */
    double flip;           /* probability, 0.5: one of three axes */
    double rotate;         /* probability, 0.5: by 1..5 times 60 degrees */
} om_augment_options;

/* Steps after resampling n frames at frame_rate to steps of dt: ceil(n / (frame_rate dt)), formed
 * in integers where 1/dt is one. n = 19 at 24 Hz, dt = 0.02 s: 40. */
int om_resampled_steps(int frames, double frame_rate_hz, double dt_s);
/* Source frame of luminance step k (0 <= k < steps), out of n frames. */
int om_resample_nearest(om_resampling kind, int k, int frames, int steps, double frame_rate_hz,
                        double dt_s);
/* Source position of flow step k: value = (1 - *weight) x[*frame] + *weight x[min(*frame+1, n-1)].
 */
void om_resample_linear(om_resampling kind, int k, int frames, int steps, int *frame,
                        double *weight);

/* The draws of one sample. */
typedef struct om_augmentation {
    int start;          /* first frame of the crop */
    int flip, rotation; /* om_lattice_symmetry() */
    double contrast, brightness;
} om_augmentation;

/* Draws for a sequence of `available` frames of which `frames` are used; without augmentation the
 * identity at start 0. The stream's purpose is ignored (OM_FOR_AUGMENT is used). */
om_augmentation om_augmentation_draw(const om_augment_options *options, const om_stream *stream,
                                     int available, int frames);
/* In place on luminance [n_columns] of one frame: noise x = max(0, x + std * z[i]). */
void om_augment_noise(int n_columns, double std, const float *z, om_real *luminance);
/* In place: max(0, contrast (x - 0.5) + 0.5 + contrast * brightness). */
void om_augment_contrast(int n_columns, double contrast, double brightness, om_real *luminance);

typedef struct om_batch_options {
    om_augment_options augment;
    om_resampling resampling;
    int frames;  /* per sequence, before resampling: 19 */
    double dt_s; /* 0.02 */
} om_batch_options;

typedef struct om_batcher om_batcher; /* tables and scratch; one per thread that makes batches */

om_status om_batcher_create(const om_scenes *scenes, const om_batch_options *options,
                            om_batcher **batcher);
void om_batcher_free(om_batcher *batcher); /* accepts NULL */
/* Steps of a sample, and whether there can be such samples: what om_batcher_create() refuses, but for
 * films that the scenes do not hold yet. Errors: OM_EUSAGE, OM_EDATA (sequences too short). */
om_status om_batch_steps(const om_scenes *scenes, const om_batch_options *options, int *steps);
/* Bytes that a batcher of so many steps allocates. */
size_t om_batcher_bytes(const om_scenes *scenes, int steps);
int om_batcher_steps(const om_batcher *batcher);

/* One sample: `sequence` cropped, augmented and resampled.
 * stream: seed, model, iteration and sample of the draws, or NULL for no augmentation at all (crop
 * from frame 0: validation). luminance [steps][n_columns], flow [steps][2][n_columns]: written.
 * Allocates nothing. */
void om_batcher_sample(om_batcher *batcher, int sequence, const om_stream *stream,
                       om_real *luminance, om_real *flow);

#endif
