/* A set of sequences: which there are, and where their films lie. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checksum.h"
#include "base/fail.h"
#include "base/memory.h"
#include "ommatid/om_lattice.h"
#include "ommatid/om_scenes.h"

static om_status check_sequence(const om_sequence *sequences, int i)
{
    const om_sequence *q = &sequences[i];
    char name[OM_SCENE_NAME_BYTES + 16];
    if (q->name[0] != '\0')
        snprintf(name, sizeof name, "%d (%s)", i, q->name);
    else
        snprintf(name, sizeof name, "%d", i);
    if (q->frames < 1)
        return om_fail(OM_EDATA, "sequence %s has %d frames: expected 1 or more", name, q->frames);
    if (i > 0 && sequences[i - 1].validation && !q->validation)
        return om_fail(OM_EDATA,
                       "sequence %s is for training, but follows one for validation: expected "
                       "training sequences first",
                       name);
    return OM_OK;
}

om_status om_scenes_create(const om_sequence *sequences, int n, int extent, double frame_rate_hz,
                           om_scenes **scenes)
{
    *scenes = NULL;
    if (extent < 0 || extent > OM_LATTICE_MAX_EXTENT)
        return om_fail(OM_EUSAGE, "extent %d: expected 0..%d", extent, OM_LATTICE_MAX_EXTENT);
    if (n < 0 || !(frame_rate_hz > 0 && isfinite(frame_rate_hz)))
        return om_fail(OM_EUSAGE, "%d sequences at %g Hz: expected 0 or more, at more than 0 Hz", n,
                       frame_rate_hz);
    om_scenes *s = NULL;
    om_status status = om_alloc(1, sizeof *s, &s);
    if (status) return status;
    if ((status = om_alloc((size_t)n + 1, sizeof *s->sequences, &s->sequences))) goto fail;
    s->extent = extent;
    s->n_columns = om_lattice_columns(extent);
    s->frame_rate_hz = frame_rate_hz;
    s->n_sequences = n;
    for (int i = 0; i < n; i++) {
        if ((status = check_sequence(sequences, i))) goto fail;
        s->sequences[i] = sequences[i];
        s->sequences[i].offset = s->n_frames;
        s->n_frames += (size_t)sequences[i].frames;
        if (sequences[i].validation)
            s->n_validation++;
        else
            s->n_training++;
    }
    *scenes = s;
    return OM_OK;
fail:
    om_scenes_free(s);
    return status;
}

void om_scenes_free(om_scenes *scenes)
{
    if (!scenes) return;
    om_free(scenes->memory);
    om_free(scenes->sequences);
    om_free(scenes);
}

/* Numbers in the luminance of all films; the flow follows on the next boundary of 64 bytes. */
static size_t luminance_numbers(const om_scenes *scenes)
{
    return scenes->n_frames * (size_t)scenes->n_columns;
}

static size_t flow_start_bytes(const om_scenes *scenes)
{
    return (luminance_numbers(scenes) * sizeof(float) + 63) / 64 * 64;
}

size_t om_scenes_film_bytes(const om_scenes *scenes)
{
    return flow_start_bytes(scenes) + 2 * luminance_numbers(scenes) * sizeof(float);
}

om_status om_scenes_place(om_scenes *scenes, void *memory)
{
    if (!memory) {
        om_status status = om_alloc(1, om_scenes_film_bytes(scenes), &memory);
        if (status) return om_context(status, "films of %zu frames", scenes->n_frames);
        om_free(scenes->memory);
        scenes->memory = memory;
    }
    scenes->luminance = memory;
    scenes->flow = (float *)(void *)((char *)memory + flow_start_bytes(scenes));
    return OM_OK;
}

/* Fails with the place of the first number that is not finite. numbers: per frame. */
static om_status check_finite(const om_scenes *scenes, const float *film, size_t numbers,
                              const char *what)
{
    for (int s = 0; s < scenes->n_sequences; s++) {
        const om_sequence *q = &scenes->sequences[s];
        const float *first = film + q->offset * numbers;
        for (size_t i = 0; i < (size_t)q->frames * numbers; i++)
            if (!isfinite(first[i]))
                return om_fail(OM_EDATA, "sequence %s, frame %zu: %s is %g: expected finite values",
                               q->name, i / numbers, what, (double)first[i]);
    }
    return OM_OK;
}

/* Name, set and length of every sequence, without the padding between the fields. */
static uint64_t checksum_of_plan(const om_scenes *scenes)
{
    uint64_t sum = om_checksum(&scenes->extent, sizeof scenes->extent, 0);
    sum = om_checksum(&scenes->frame_rate_hz, sizeof scenes->frame_rate_hz, sum);
    for (int i = 0; i < scenes->n_sequences; i++) {
        const om_sequence *q = &scenes->sequences[i];
        const int numbers[2] = {q->validation, q->frames};
        sum = om_checksum(q->name, strnlen(q->name, sizeof q->name), sum);
        sum = om_checksum(numbers, sizeof numbers, sum);
    }
    return sum;
}

om_status om_scenes_seal(om_scenes *scenes)
{
    size_t n = luminance_numbers(scenes), columns = (size_t)scenes->n_columns;
    if (!scenes->luminance || !scenes->flow)
        return om_fail(OM_EUSAGE, "scenes without films: place and render them first");
    OM_TRY(check_finite(scenes, scenes->luminance, columns, "luminance"));
    OM_TRY(check_finite(scenes, scenes->flow, 2 * columns, "flow"));
    uint64_t sum = checksum_of_plan(scenes);
    sum = om_checksum(scenes->luminance, n * sizeof(float), sum);
    scenes->checksum = om_checksum(scenes->flow, 2 * n * sizeof(float), sum);
    return OM_OK;
}
