/* Makes the network's samples from films, the same way in training and validation:
 *
 *   luminance: crop -> noise -> contrast, brightness -> flip, rotation -> resampling (hold)
 *   flow:      crop                                  -> flip, rotation -> resampling (linear)
 *
 * Every source frame is augmented once and copied to the steps that show it, so repeated frames
 * carry the same noise. Permutations of columns and positions in time are tables made at creation;
 * a sample allocates nothing. */
#include "scenes/batcher.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_lattice.h"

enum { FLIPS = 4, ROTATIONS = 6, SYMMETRIES = FLIPS * ROTATIONS };

struct om_batcher {
    const om_scenes *scenes;
    om_batch_options options;
    int steps;
    int *luminance_frame;             /* [steps] */
    int *flow_frame;                  /* [steps] */
    om_real *flow_weight;             /* [steps] of the frame after */
    int *source;                      /* [flip][rotation][n_columns]; om_lattice_symmetry() */
    om_real matrix[SYMMETRIES][2][2]; /* [flip][rotation] */
    om_real *frame;                   /* [n_columns] one augmented frame before its symmetry */
    float *normals;                   /* [n_columns] */
};

static om_status check_augmentation(const om_augment_options *o)
{
    const struct {
        const char *name;
        double value, most;
    } all[] = {{"noise", o->noise_std, INFINITY},
               {"contrast", o->contrast_std, INFINITY},
               {"brightness", o->brightness_std, INFINITY},
               {"flip", o->flip, 1},
               {"rotate", o->rotate, 1}};
    for (size_t i = 0; o->enabled && i < sizeof all / sizeof *all; i++)
        if (!(all[i].value >= 0 && all[i].value <= all[i].most && isfinite(all[i].value)))
            return om_fail(OM_EUSAGE, "augmentation: %s %g: expected %s", all[i].name, all[i].value,
                           all[i].most > 1 ? "0 or more" : "a probability");
    return OM_OK;
}

om_status om_batch_steps(const om_scenes *scenes, const om_batch_options *o, int *steps)
{
    *steps = 0;
    if (!(o->dt_s > 0 && isfinite(o->dt_s)))
        return om_fail(OM_EUSAGE, "time step %g s: expected more than 0", o->dt_s);
    if (o->frames < 1) return om_fail(OM_EUSAGE, "%d frames: expected 1 or more", o->frames);
    /* Keeps the arithmetic of om_resample_* far from the range of its integers. */
    if (o->frames / (scenes->frame_rate_hz * o->dt_s) > 1e6)
        return om_fail(OM_EUSAGE, "%d frames at %g Hz in steps of %g s: more than 1e6 steps",
                       o->frames, scenes->frame_rate_hz, o->dt_s);
    OM_TRY(check_augmentation(&o->augment));
    for (int i = 0; i < scenes->n_sequences; i++)
        if (scenes->sequences[i].frames < o->frames) {
            om_fail(OM_EDATA, "sequence %s has %d frames: expected at least %d",
                    scenes->sequences[i].name, scenes->sequences[i].frames, o->frames);
            return om_hint(OM_EDATA, "fewer frames per sample, or scenes with more");
        }
    *steps = om_resampled_steps(o->frames, scenes->frame_rate_hz, o->dt_s);
    return OM_OK;
}

static void make_tables(om_batcher *b)
{
    const om_batch_options *o = &b->options;
    double rate = b->scenes->frame_rate_hz;
    for (int k = 0; k < b->steps; k++) {
        b->luminance_frame[k] =
            om_resample_nearest(o->resampling, k, o->frames, b->steps, rate, o->dt_s);
        double weight;
        om_resample_linear(o->resampling, k, o->frames, b->steps, &b->flow_frame[k], &weight);
        b->flow_weight[k] = (om_real)weight;
    }
    for (int s = 0; s < SYMMETRIES; s++) {
        double matrix[2][2];
        om_lattice_symmetry(b->scenes->extent, s / ROTATIONS, s % ROTATIONS,
                            b->source + (size_t)s * (size_t)b->scenes->n_columns, matrix);
        for (int i = 0; i < 4; i++) b->matrix[s][i / 2][i % 2] = (om_real)matrix[i / 2][i % 2];
    }
}

enum { MOST_ARRAYS = 6 };

static int list_arrays(om_batcher *b, om_array list[MOST_ARRAYS])
{
    const size_t steps = (size_t)b->steps, columns = (size_t)b->scenes->n_columns;
    const om_array all[MOST_ARRAYS] = {
        {&b->luminance_frame, steps, sizeof(int)}, {&b->flow_frame, steps, sizeof(int)},
        {&b->flow_weight, steps, sizeof(om_real)}, {&b->source, SYMMETRIES * columns, sizeof(int)},
        {&b->frame, columns, sizeof(om_real)},     {&b->normals, columns, sizeof(float)},
    };
    memcpy(list, all, sizeof all);
    return MOST_ARRAYS;
}

om_status om_batcher_create(const om_scenes *scenes, const om_batch_options *options,
                            om_batcher **batcher)
{
    *batcher = NULL;
    int steps;
    om_batcher *b = NULL;
    om_array list[MOST_ARRAYS];
    OM_TRY(om_batch_steps(scenes, options, &steps));
    if (!scenes->luminance || !scenes->flow)
        return om_fail(OM_EUSAGE, "scenes without films: place and render them first");
    OM_TRY(om_alloc(1, sizeof *b, &b));
    *b = (om_batcher){.scenes = scenes, .options = *options, .steps = steps};
    om_status status = om_alloc_arrays(list, list_arrays(b, list));
    if (status != OM_OK) {
        om_batcher_free(b);
        return status;
    }
    make_tables(b);
    *batcher = b;
    return OM_OK;
}

size_t om_batcher_bytes(const om_scenes *scenes, int steps)
{
    om_batcher b = {.scenes = scenes, .steps = steps};
    om_array list[MOST_ARRAYS];
    return sizeof b + om_arrays_bytes(list, list_arrays(&b, list));
}

void om_batcher_free(om_batcher *batcher)
{
    if (!batcher) return;
    om_array list[MOST_ARRAYS];
    om_free_arrays(list, list_arrays(batcher, list));
    om_free(batcher);
}

int om_batcher_steps(const om_batcher *batcher) { return batcher->steps; }

/* One frame of luminance [n_columns], frame f of the crop, augmented and permuted. */
static void luminance_frame(om_batcher *b, const float *film, int f, const om_augmentation *a,
                            const om_stream *noise, const int *source, om_real *out)
{
    int n = b->scenes->n_columns;
    const float *in = film + (size_t)f * (size_t)n;
    for (int i = 0; i < n; i++) b->frame[i] = (om_real)in[i];
    if (noise) {
        om_random_normals(noise, (uint32_t)f * (uint32_t)n, (size_t)n, b->normals);
        om_augment_noise(n, b->options.augment.noise_std, b->normals, b->frame);
    }
    if (a->contrast != 1 || a->brightness != 0)
        om_augment_contrast(n, a->contrast, a->brightness, b->frame);
    for (int i = 0; i < n; i++) out[i] = b->frame[source[i]];
}

/* One step of flow [2][n_columns]: interpolated between two frames, permuted and turned. */
static void flow_step(const om_batcher *b, const float *film, int k, const int *source,
                      const om_real m[2][2], om_real *out)
{
    int n = b->scenes->n_columns;
    int after = b->flow_frame[k] + 1 < b->options.frames ? 1 : 0;
    const float *x0 = film + 2 * (size_t)b->flow_frame[k] * (size_t)n, *y0 = x0 + n;
    const float *x1 = x0 + 2 * after * n, *y1 = x1 + n;
    om_real w1 = b->flow_weight[k], w0 = 1 - w1;
    for (int i = 0; i < n; i++) {
        int j = source[i];
        om_real x = w0 * (om_real)x0[j] + w1 * (om_real)x1[j];
        om_real y = w0 * (om_real)y0[j] + w1 * (om_real)y1[j];
        out[i] = m[0][0] * x + m[0][1] * y;
        out[n + i] = m[1][0] * x + m[1][1] * y;
    }
}

void om_batcher_apply(om_batcher *b, int sequence, const om_augmentation *augmentation,
                      const om_stream *noise, om_real *luminance, om_real *flow)
{
    size_t n = (size_t)b->scenes->n_columns;
    size_t first = b->scenes->sequences[sequence].offset + (size_t)augmentation->start;
    const float *luminance_film = b->scenes->luminance + first * n;
    const float *flow_film = b->scenes->flow + first * 2 * n;
    int symmetry = augmentation->flip * ROTATIONS + augmentation->rotation;
    const int *source = b->source + (size_t)symmetry * n;
    for (int k = 0; k < b->steps; k++) {
        om_real *out = luminance + (size_t)k * n;
        if (k > 0 && b->luminance_frame[k] == b->luminance_frame[k - 1])
            memcpy(out, out - n, n * sizeof *out);
        else
            luminance_frame(b, luminance_film, b->luminance_frame[k], augmentation, noise, source,
                            out);
        flow_step(b, flow_film, k, source, b->matrix[symmetry], flow + (size_t)k * 2 * n);
    }
}

void om_batcher_sample(om_batcher *batcher, int sequence, const om_stream *stream,
                       om_real *luminance, om_real *flow)
{
    const om_augment_options *augment = &batcher->options.augment;
    om_augmentation drawn = {.contrast = 1};
    om_stream noise = {0};
    if (stream) {
        drawn = om_augmentation_draw(augment, stream, batcher->scenes->sequences[sequence].frames,
                                     batcher->options.frames);
        noise = *stream;
        noise.purpose = OM_FOR_NOISE;
    }
    bool noisy = stream && augment->enabled && augment->noise_std > 0;
    om_batcher_apply(batcher, sequence, &drawn, noisy ? &noise : NULL, luminance, flow);
}
