/* What is seen: films of natural scenes on the hexagonal lattice, with the true optic flow.
 *
 * A set of sequences, some for training, some for validation. Films are single precision whatever
 * om_real is. Flow of frame n is the motion from frame n - 1 to n (model.md 6). */
#ifndef OM_SCENES_H
#define OM_SCENES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_eye.h"
#include "ommatid/om_status.h"

enum { OM_SCENE_NAME_BYTES = 48 };

typedef struct om_sequence {
    char name[OM_SCENE_NAME_BYTES];
    bool validation; /* held out: never trained on */
    int frames;
    size_t offset; /* first frame of this sequence in the arrays below */
} om_sequence;

typedef struct om_scenes {
    int extent, n_columns;
    double frame_rate_hz; /* 24 */
    int n_sequences, n_training, n_validation;
    size_t n_frames;        /* of all sequences together */
    om_sequence *sequences; /* [n_sequences], training ones first */
    float *luminance;       /* [n_frames][n_columns] 0..1 */
    float *flow;            /* [n_frames][2][n_columns] x right, y up; unit: om_eye.h */
    uint64_t checksum;      /* of everything above; set by om_scenes_seal() */
    void *memory;           /* what om_scenes_free() frees; NULL if somebody else owns the films */
} om_scenes;

/* Makes an empty set of n sequences (copied; their offsets are filled in, training ones must come
 * first). No films yet: om_scenes_place(). Free with om_scenes_free(). Errors: OM_EUSAGE, OM_EDATA
 * (a sequence without frames, or out of order), OM_ENOMEM. */
om_status om_scenes_create(const om_sequence *sequences, int n, int extent, double frame_rate_hz,
                           om_scenes **scenes);

/* What procedural worlds are like. */
typedef struct om_world_style {
    double pace;        /* median speed of the background, pixels per frame of the eye's image */
    double pace_spread; /* standard deviation of its logarithm from world to world */
    double travel; /* how much of the camera's motion may be travel: 1 any share, 0 it only turns */
    double clutter; /* number of objects and other surfaces, against a film's; 0: background only */
    double contrast; /* exposure brings each film to this standard deviation of luminance, about
                           0.5, cut off at 0 and 1; 0: as it is */
} om_world_style;
#define OM_WORLD_STYLE                                                                             \
    {                                                                                              \
        2.2, 0.9, 1, 1                                                                             \
    } /* like a film */

/* How procedural worlds are made. The same options give the same films everywhere. */
typedef struct om_world_options {
    uint64_t seed;
    int training, validation; /* numbers of sequences, from disjoint sets of worlds */
    int frames;               /* 19 */
    int extent;               /* 15 */
    om_world_style style;     /* OM_WORLD_STYLE */
    om_eye_filter eye;        /* what a column sees as luminance: OM_EYE_MEAN, or OM_EYE_MEDIAN */
} om_world_options;

/* Plans a set without rendering it: sequences named and placed, films not allocated. */
om_status om_worlds_plan(const om_world_options *options, om_scenes **scenes);
/* Bytes of films that the plan needs: luminance, then flow. */
size_t om_scenes_film_bytes(const om_scenes *scenes);
/* Puts the films into memory that the caller owns (om_scenes_film_bytes bytes, aligned to 64): a
 * block shared by the ranks of a node, say. memory == NULL allocates it, owned by the scenes. */
om_status om_scenes_place(om_scenes *scenes, void *memory);
/* Renders one sequence of a plan into its place. Sequences are independent of each other: call
 * from any rank or thread, in any order. */
om_status om_world_render(const om_world_options *options, om_scenes *scenes, int sequence);
/* After the last write: checks that every value is finite and sets the checksum. */
om_status om_scenes_seal(om_scenes *scenes);
void om_scenes_free(om_scenes *scenes); /* accepts NULL */

/* Writes a contact sheet as PNG: per sequence one row of luminance frames, and below it the flow in
 * colour (hue: direction, saturation: speed, Middlebury convention, one scale for the sheet).
 * sequences [n]: which; labels [n]: what stands before each row, NULL: the sequence's number; below the
 * wheel of colours: the speed at its rim, in the flow's unit; every: show each every-th frame. Scenes without flow (NULL) have rows of
 * luminance alone. Refuses to overwrite unless force. */
om_status om_scenes_sheet(const om_scenes *scenes, const int *sequences, const double *labels,
                          int n, int every, bool force, const char *path);

#endif
