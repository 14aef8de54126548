/* The store's datasets, one table: creation, reading and the page in docs/ come from it. */
#ifndef OM_STORE_SCHEMA_H
#define OM_STORE_SCHEMA_H

#include "base/text.h"
#include "ommatid/om_store.h"
#include "store/h5.h"

#define OM_STORE_FORMAT "ommatid store"
#define OM_SWEEP_FORMAT "ommatid sweep" /* several stores in one file */
/* 1 had no /run/token, 2 no controls, and no /model/stream, retries, replaced_at */
enum { OM_STORE_VERSION = 3 };

/* The numbers are positions in om_schema: coordinates come before what uses them. */
typedef enum om_field {
    OM_MODEL_AXIS,
    OM_MODEL_SEED,
    OM_MODEL_STREAM,
    OM_MODEL_RETRIES,
    OM_MODEL_REPLACED_AT,
    OM_MODEL_STATUS,
    OM_MODEL_ITERATION,
    OM_MODEL_WORKER,
    OM_MODEL_SECONDS,
    OM_MODEL_ATTEMPTS,
    OM_MODEL_MESSAGE,
    OM_MODEL_SOURCE,
    OM_RUN_TOKEN,
    OM_RUN_JOB,
    OM_RUN_TRAINERS,
    OM_RUN_STARTED,
    OM_RUN_UPDATED,
    OM_RUN_RATE,
    OM_RUN_LEFT,
    OM_HISTORY_MODEL,
    OM_HISTORY_RECORD,
    OM_HISTORY_LOSS,
    OM_HISTORY_EPE,
    OM_VALIDATION_MODEL,
    OM_VALIDATION_CHECK,
    OM_VALIDATION_SCENE,
    OM_VALIDATION_L2NORM,
    OM_VALIDATION_EPE,
    OM_VALIDATION_SCENE_EPE,
    OM_PARAMS_MODEL,
    OM_PARAMS_TYPE,
    OM_PARAMS_PAIR,
    OM_PARAMS_SOURCE,
    OM_PARAMS_TARGET,
    OM_PARAMS_PARAMETER,
    OM_PARAMS_CHANNEL,
    OM_PARAMS_RESTING_POTENTIAL,
    OM_PARAMS_TIME_CONSTANT,
    OM_PARAMS_STRENGTH,
    OM_PARAMS_DECODER,
    OM_PARAMS_RUNNING_MEAN,
    OM_PARAMS_RUNNING_VAR,
    OM_RANKING_MODEL,
    OM_RANKING_PLACE,
    OM_RANKING_ERROR,
    OM_RANKING_SPREAD,
    OM_RANKING_STABILITY,
    OM_CIRCUIT_TYPE,
    OM_CIRCUIT_STRIDE_U,
    OM_CIRCUIT_STRIDE_V,
    OM_CIRCUIT_IS_INPUT,
    OM_CIRCUIT_IS_OUTPUT,
    OM_CIRCUIT_CELLS,
    OM_CIRCUIT_INPUT,
    OM_CIRCUIT_OUTPUT,
    OM_CIRCUIT_PAIR,
    OM_CIRCUIT_SOURCE,
    OM_CIRCUIT_TARGET,
    OM_CIRCUIT_SIGN,
    OM_CIRCUIT_FIRST_TAP,
    OM_CIRCUIT_TAPS,
    OM_CIRCUIT_EDGES,
    OM_CIRCUIT_MEAN_COUNT,
    OM_CIRCUIT_TAP,
    OM_CIRCUIT_DU,
    OM_CIRCUIT_DV,
    OM_CIRCUIT_COUNT,
    OM_CIRCUIT_FILLED,
    OM_CIRCUIT_TAP_EDGES,
    OM_CHECKPOINT_A,
    OM_CHECKPOINT_B,
    OM_N_FIELDS
} om_field;

extern const om_h5_field om_schema[OM_N_FIELDS];
extern const char *const om_schema_groups[]; /* NULL at the end */

/* Attributes that are members of structures. */
typedef struct om_members {
    const om_h5_member *items;
    size_t n;
} om_members;
extern const om_members om_schema_layout;    /* /checkpoint: om_state_layout */
extern const om_members om_schema_baselines; /* /validation: om_baselines */
extern const om_members om_schema_options;   /* /options: om_train_options */
extern const om_members om_schema_race;      /* /options, of stores with a race: om_race_options */
/* Names of a choice's numbers, ended by NULL; NULL: the member is no choice. */
const char *const *om_schema_choices(const char *member);
/* "init.draws: 0 philox, 1 torch; ..." */
void om_schema_describe_choices(om_text *text);

/* Lengths of all axes. */
typedef struct om_sizes {
    size_t model, record, check, scene, type, pair, tap, input, output, parameter, channel, byte;
} om_sizes;

/* taps, inputs and outputs are not part of a layout: 0. */
om_sizes om_sizes_of(const om_state_layout *layout, int n_models);
/* Whether a store has the field: not if one of its axes is empty (no records and no scenes are known
 * of imported models), and sources only of imported models. */
bool om_schema_has(om_field field, const om_sizes *sizes, bool imported);
/* One length per axis of the field. */
void om_schema_lengths(const om_h5_field *field, const om_sizes *sizes, size_t lengths[OM_H5_AXES]);
/* The table as Markdown. */
void om_schema_describe(om_text *text);

/* Bytes of one slot: header, state, and what fills it up to whole pages. */
enum { OM_SLOT_HEADER_BYTES = 64, OM_SLOT_PAGE = 4096 };
size_t om_slot_bytes(const om_state_layout *layout);

#endif
