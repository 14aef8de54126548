/* The store's datasets and structured attributes, as tables. A new quantity is a line here, a value
 * at creation (create.c) if it does not start as unknown, and a line in docs/store.md, which a test
 * compares with om_schema_describe(). */
#include "store/schema.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *const om_schema_groups[] = {"/model",      "/run",     "/history", "/validation",
                                        "/params",     "/ranking", "/circuit", "/options",
                                        "/checkpoint", NULL};

/* clang-format off */
const om_h5_field om_schema[OM_N_FIELDS] = {
    [OM_MODEL_AXIS] = {"/model/model", OM_H5_I32, {"model"}, 0, "1", "number of the model", NULL},
    [OM_MODEL_SEED] = {"/model/seed", OM_H5_U64, {"model"}, 0, "1", "seed of the ensemble; with /model/stream it names the model's random streams", NULL},
    [OM_MODEL_STREAM] = {"/model/stream", OM_H5_U32, {"model"}, 0, "1", "whose random streams the model draws from: its number, or, of the k-th that replaces one that diverged, its number + 1,000,000 k", NULL},
    [OM_MODEL_RETRIES] = {"/model/retries", OM_H5_U32, {"model"}, 0, "1", "times it was set back to its last check after diverging; each halves its learning rate", NULL},
    [OM_MODEL_REPLACED_AT] = {"/model/replaced_at", OM_H5_U64, {"model"}, 0, "iteration", "iterations that the model which it replaces had done; 0: it replaces none, or one that diverged untrained", NULL},
    [OM_MODEL_STATUS] = {"/model/status", OM_H5_I32, {"model"}, 0, "1", "0 waiting, 1 running, 2 done, 3 stopped, 4 diverged, 5 failed", NULL},
    [OM_MODEL_ITERATION] = {"/model/iteration", OM_H5_U64, {"model"}, 0, "iteration", "iterations done and committed; of an imported model as the folder says, 2^64 - 1: not known", NULL},
    [OM_MODEL_WORKER] = {"/model/worker", OM_H5_I32, {"model"}, 0, "1", "rank that holds or last held the model; -1: none yet", NULL},
    [OM_MODEL_SECONDS] = {"/model/seconds", OM_H5_F64, {"model"}, 0, "s", "time spent training", NULL},
    [OM_MODEL_ATTEMPTS] = {"/model/attempts", OM_H5_U32, {"model"}, 0, "1", "units begun again after a failure", NULL},
    [OM_MODEL_MESSAGE] = {"/model/message", OM_H5_TEXT, {"model"}, OM_MESSAGE_BYTES, NULL, "last message about the model", NULL},
    [OM_MODEL_SOURCE] = {"/model/source", OM_H5_TEXT, {"model"}, OM_SOURCE_BYTES, NULL, "imported models only: file in the folder that they were imported from, and what chose it", NULL},

    [OM_RUN_TOKEN] = {"/run/token", OM_H5_U64, {NULL}, 0, "1", "of the job that may write; each new one writes another, 0: there was none yet", NULL},
    [OM_RUN_JOB] = {"/run/job", OM_H5_TEXT, {NULL}, OM_MESSAGE_BYTES, NULL, "job that trains, or trained last: host, process, job of the scheduler", NULL},
    [OM_RUN_TRAINERS] = {"/run/trainers", OM_H5_I32, {NULL}, 0, "1", "ranks that train; 0: nobody runs", NULL},
    [OM_RUN_STARTED] = {"/run/started", OM_H5_F64, {NULL}, 0, "s", "start of the job, since 1970-01-01 UTC", NULL},
    [OM_RUN_UPDATED] = {"/run/updated", OM_H5_F64, {NULL}, 0, "s", "when this group was last written, since 1970-01-01 UTC", NULL},
    [OM_RUN_RATE] = {"/run/iterations_per_s", OM_H5_F64, {NULL}, 0, "iteration/s", "speed of all ranks together", NULL},
    [OM_RUN_LEFT] = {"/run/seconds_left", OM_H5_F64, {NULL}, 0, "s", "expected time to the end; NaN: not known", NULL},

    [OM_HISTORY_MODEL] = {"/history/model", OM_H5_I32, {"model"}, 0, "1", "number of the model", NULL},
    [OM_HISTORY_RECORD] = {"/history/record", OM_H5_U64, {"record"}, 0, "iteration", "iterations done at the end of the record", NULL},
    [OM_HISTORY_LOSS] = {"/history/loss", OM_H5_F32, {"model", "record"}, 0, "1", "training loss, mean over the record; NaN: not reached", NULL},
    [OM_HISTORY_EPE] = {"/history/epe", OM_H5_F32, {"model", "record"}, 0, "1", "end-point error in training, mean over the record; NaN: not reached", NULL},

    [OM_VALIDATION_MODEL] = {"/validation/model", OM_H5_I32, {"model"}, 0, "1", "number of the model", NULL},
    [OM_VALIDATION_CHECK] = {"/validation/check", OM_H5_U64, {"check"}, 0, "iteration", "iterations done at the check; of imported models 2^64 - 1: see /model/iteration", NULL},
    [OM_VALIDATION_SCENE] = {"/validation/scene", OM_H5_TEXT, {"scene"}, OM_SCENE_NAME_BYTES, NULL, "validation scene", NULL},
    [OM_VALIDATION_L2NORM] = {"/validation/l2norm", OM_H5_F32, {"model", "check"}, 0, "1", "l2norm on the validation scenes; NaN: not reached", NULL},
    [OM_VALIDATION_EPE] = {"/validation/epe", OM_H5_F32, {"model", "check"}, 0, "1", "end-point error on the validation scenes; NaN: not reached", NULL},
    [OM_VALIDATION_SCENE_EPE] = {"/validation/scene_epe", OM_H5_F32, {"model", "scene"}, 0, "1", "end-point error of each scene at the model's best check; NaN: none yet", NULL},

    [OM_PARAMS_MODEL] = {"/params/model", OM_H5_I32, {"model"}, 0, "1", "number of the model", NULL},
    [OM_PARAMS_TYPE] = {"/params/type", OM_H5_TEXT, {"type"}, OM_NAME_BYTES, NULL, "cell type", NULL},
    [OM_PARAMS_PAIR] = {"/params/pair", OM_H5_I32, {"pair"}, 0, "1", "number of the pair of connected types", NULL},
    [OM_PARAMS_SOURCE] = {"/params/source", OM_H5_TEXT, {"pair"}, OM_NAME_BYTES, NULL, "presynaptic type of the pair", NULL},
    [OM_PARAMS_TARGET] = {"/params/target", OM_H5_TEXT, {"pair"}, OM_NAME_BYTES, NULL, "postsynaptic type of the pair", NULL},
    [OM_PARAMS_PARAMETER] = {"/params/parameter", OM_H5_I32, {"parameter"}, 0, "1", "position in the decoder's parameters", NULL},
    [OM_PARAMS_CHANNEL] = {"/params/channel", OM_H5_I32, {"channel"}, 0, "1", "channel of the decoder's hidden layer", NULL},
    [OM_PARAMS_RESTING_POTENTIAL] = {"/params/resting_potential", OM_H5_REAL, {"model", "type"}, 0, "1", "resting potential at the best check; NaN: none yet", NULL},
    [OM_PARAMS_TIME_CONSTANT] = {"/params/time_constant", OM_H5_REAL, {"model", "type"}, 0, "s", "time constant at the best check; NaN: none yet", NULL},
    [OM_PARAMS_STRENGTH] = {"/params/strength", OM_H5_REAL, {"model", "pair"}, 0, "1", "synapse strength at the best check; 0: no synapse at this extent; NaN: none yet", "source target"},
    [OM_PARAMS_DECODER] = {"/params/decoder", OM_H5_REAL, {"model", "parameter"}, 0, "1", "decoder at the best check: conv1 weight, conv1 bias, norm weight, norm bias, conv2 weight, conv2 bias; NaN: none yet", NULL},
    [OM_PARAMS_RUNNING_MEAN] = {"/params/running_mean", OM_H5_REAL, {"model", "channel"}, 0, "1", "running mean of the decoder's batch norm at the best check; NaN: none yet", NULL},
    [OM_PARAMS_RUNNING_VAR] = {"/params/running_var", OM_H5_REAL, {"model", "channel"}, 0, "1", "running variance of the decoder's batch norm at the best check; NaN: none yet", NULL},

    [OM_RANKING_MODEL] = {"/ranking/model", OM_H5_I32, {"model"}, 0, "1", "number of the model", NULL},
    [OM_RANKING_PLACE] = {"/ranking/place", OM_H5_I32, {"model"}, 0, "1", "place in the ranking, 0 is best; -1: not ranked", NULL},
    [OM_RANKING_ERROR] = {"/ranking/error", OM_H5_F64, {"model"}, 0, "1", "validation error that decides; NaN: not ranked", NULL},
    [OM_RANKING_SPREAD] = {"/ranking/spread", OM_H5_F64, {"model"}, 0, "1", "standard error over the validation scenes", NULL},
    [OM_RANKING_STABILITY] = {"/ranking/stability", OM_H5_F64, {"model"}, 0, "1", "share of bootstraps over scenes in which the model keeps its place within one", NULL},

    [OM_CIRCUIT_TYPE] = {"/circuit/type", OM_H5_TEXT, {"type"}, OM_NAME_BYTES, NULL, "cell type", NULL},
    [OM_CIRCUIT_STRIDE_U] = {"/circuit/stride_u", OM_H5_I32, {"type"}, 0, "column", "a cell where u mod stride_u is 0", NULL},
    [OM_CIRCUIT_STRIDE_V] = {"/circuit/stride_v", OM_H5_I32, {"type"}, 0, "column", "a cell where v mod stride_v is 0", NULL},
    [OM_CIRCUIT_IS_INPUT] = {"/circuit/is_input", OM_H5_U8, {"type"}, 0, "1", "1: receives the luminance of its column", NULL},
    [OM_CIRCUIT_IS_OUTPUT] = {"/circuit/is_output", OM_H5_U8, {"type"}, 0, "1", "1: read by the decoder", NULL},
    [OM_CIRCUIT_CELLS] = {"/circuit/cells", OM_H5_I32, {"type"}, 0, "1", "cells at the circuit's extent", NULL},
    [OM_CIRCUIT_INPUT] = {"/circuit/input_type", OM_H5_I32, {"input"}, 0, "1", "number of each input type", NULL},
    [OM_CIRCUIT_OUTPUT] = {"/circuit/output_type", OM_H5_I32, {"output"}, 0, "1", "number of each output type, in the order of the decoder's channels", NULL},
    [OM_CIRCUIT_PAIR] = {"/circuit/pair", OM_H5_I32, {"pair"}, 0, "1", "number of the pair of connected types", NULL},
    [OM_CIRCUIT_SOURCE] = {"/circuit/source", OM_H5_I32, {"pair"}, 0, "1", "number of the presynaptic type", NULL},
    [OM_CIRCUIT_TARGET] = {"/circuit/target", OM_H5_I32, {"pair"}, 0, "1", "number of the postsynaptic type", NULL},
    [OM_CIRCUIT_SIGN] = {"/circuit/sign", OM_H5_I32, {"pair"}, 0, "1", "+1 excitatory, -1 inhibitory", NULL},
    [OM_CIRCUIT_FIRST_TAP] = {"/circuit/first_tap", OM_H5_I32, {"pair"}, 0, "1", "number of the pair's first tap", NULL},
    [OM_CIRCUIT_TAPS] = {"/circuit/taps", OM_H5_I32, {"pair"}, 0, "1", "taps of the pair", NULL},
    [OM_CIRCUIT_EDGES] = {"/circuit/edges", OM_H5_I64, {"pair"}, 0, "1", "connections between cells at the circuit's extent", NULL},
    [OM_CIRCUIT_MEAN_COUNT] = {"/circuit/mean_count", OM_H5_F64, {"pair"}, 0, "synapse", "mean synapses of those connections", NULL},
    [OM_CIRCUIT_TAP] = {"/circuit/tap", OM_H5_I32, {"tap"}, 0, "1", "number of the tap", NULL},
    [OM_CIRCUIT_DU] = {"/circuit/du", OM_H5_I32, {"tap"}, 0, "column", "offset from source to target along u", NULL},
    [OM_CIRCUIT_DV] = {"/circuit/dv", OM_H5_I32, {"tap"}, 0, "column", "offset from source to target along v", NULL},
    [OM_CIRCUIT_COUNT] = {"/circuit/count", OM_H5_F64, {"tap"}, 0, "synapse", "synapses of each connection", NULL},
    [OM_CIRCUIT_FILLED] = {"/circuit/filled", OM_H5_U8, {"tap"}, 0, "1", "1: added inside the hull of the reported taps", NULL},
    [OM_CIRCUIT_TAP_EDGES] = {"/circuit/tap_edges", OM_H5_I64, {"tap"}, 0, "1", "connections between cells at the circuit's extent", NULL},

    [OM_CHECKPOINT_A] = {"/checkpoint/a", OM_H5_U8, {"model", "byte"}, 0, NULL, "a slot: header, then a state", NULL},
    [OM_CHECKPOINT_B] = {"/checkpoint/b", OM_H5_U8, {"model", "byte"}, 0, NULL, "the other slot", NULL},
};
/* clang-format on */

#define LAYOUT(type, member)                                                                       \
    {                                                                                              \
#member, type, offsetof(om_state_layout, member), 0                                        \
    }
#define PARAMS(type, member)                                                                       \
    {                                                                                              \
#member, type, offsetof(om_state_layout, params.member), 0                                 \
    }

_Static_assert(sizeof(size_t) == 8, "a size is stored as 64 bits");

static const om_h5_member layout[] = {
    PARAMS(OM_H5_I32, n_types),
    PARAMS(OM_H5_I32, n_pairs),
    PARAMS(OM_H5_I32, n_outputs),
    PARAMS(OM_H5_U64, resting_potential),
    PARAMS(OM_H5_U64, time_constant),
    PARAMS(OM_H5_U64, strength),
    PARAMS(OM_H5_U64, conv1_weight),
    PARAMS(OM_H5_U64, conv1_bias),
    PARAMS(OM_H5_U64, norm_weight),
    PARAMS(OM_H5_U64, norm_bias),
    PARAMS(OM_H5_U64, conv2_weight),
    PARAMS(OM_H5_U64, conv2_bias),
    PARAMS(OM_H5_U64, decoder),
    PARAMS(OM_H5_U64, n_network),
    PARAMS(OM_H5_U64, n_decoder),
    PARAMS(OM_H5_U64, n_params),
    LAYOUT(OM_H5_I32, n_records),
    LAYOUT(OM_H5_I32, n_checks),
    LAYOUT(OM_H5_I32, n_scenes),
    LAYOUT(OM_H5_U64, iterations),
    LAYOUT(OM_H5_U64, iterations_per_pass),
    LAYOUT(OM_H5_U64, fingerprint),
    LAYOUT(OM_H5_U64, bytes),
    LAYOUT(OM_H5_U64, at_params),
    LAYOUT(OM_H5_U64, at_moment1),
    LAYOUT(OM_H5_U64, at_moment2),
    LAYOUT(OM_H5_U64, at_running_mean),
    LAYOUT(OM_H5_U64, at_running_var),
    LAYOUT(OM_H5_U64, at_pass_params),
    LAYOUT(OM_H5_U64, at_kept),
    LAYOUT(OM_H5_U64, at_best_params),
    LAYOUT(OM_H5_U64, at_best_running_mean),
    LAYOUT(OM_H5_U64, at_best_running_var),
    LAYOUT(OM_H5_U64, at_best_scene_epe),
    LAYOUT(OM_H5_U64, at_history_loss),
    LAYOUT(OM_H5_U64, at_history_epe),
    LAYOUT(OM_H5_U64, at_check_l2norm),
    LAYOUT(OM_H5_U64, at_check_epe),
};
const om_members om_schema_layout = {layout, COUNT(layout)};

static const om_h5_member baselines[] = {
    {"zero_epe", OM_H5_F64, offsetof(om_baselines, zero_epe), 0},
    {"zero_l2norm", OM_H5_F64, offsetof(om_baselines, zero_l2norm), 0},
    {"mean_epe", OM_H5_F64, offsetof(om_baselines, mean_epe), 0},
    {"mean_l2norm", OM_H5_F64, offsetof(om_baselines, mean_l2norm), 0},
};
const om_members om_schema_baselines = {baselines, COUNT(baselines)};

#define OPTION(name, type, member)                                                                 \
    {                                                                                              \
        name, type, offsetof(om_train_options, member), 0                                          \
    }
#define GROUPS(name, member)                                                                       \
    {                                                                                              \
        name, OM_H5_TEXT, offsetof(om_train_options, member), OM_GROUPS_BYTES                      \
    }

static const om_h5_member options[] = {
    {"circuit.without", OM_H5_TEXT, offsetof(om_train_options, model.controls.without),
     OM_WITHOUT_BYTES},
    OPTION("circuit.counts", OM_H5_I32, model.controls.counts),
    OPTION("circuit.signs", OM_H5_I32, model.controls.signs),
    OPTION("circuit.filters", OM_H5_I32, model.controls.filters),
    OPTION("circuit.count_spread", OM_H5_F64, model.count_spread),
    OPTION("model.activation", OM_H5_I32, model.activation),
    OPTION("model.fixed.resting_potential", OM_H5_U8, model.fixed[OM_RESTING_POTENTIAL]),
    OPTION("model.fixed.time_constant", OM_H5_U8, model.fixed[OM_TIME_CONSTANT]),
    OPTION("model.fixed.strength", OM_H5_U8, model.fixed[OM_STRENGTH]),
    OPTION("model.fixed.decoder", OM_H5_U8, model.fixed[OM_DECODER]),
    GROUPS("model.symmetric.resting_potential", model.symmetric[OM_RESTING_POTENTIAL]),
    GROUPS("model.symmetric.time_constant", model.symmetric[OM_TIME_CONSTANT]),
    GROUPS("model.symmetric.strength", model.symmetric[OM_STRENGTH]),
    OPTION("model.clamp.resting_potential.lowest", OM_H5_F64, model.clamp[OM_RESTING_POTENTIAL][0]),
    OPTION("model.clamp.resting_potential.highest", OM_H5_F64,
           model.clamp[OM_RESTING_POTENTIAL][1]),
    OPTION("model.clamp.time_constant.lowest", OM_H5_F64, model.clamp[OM_TIME_CONSTANT][0]),
    OPTION("model.clamp.time_constant.highest", OM_H5_F64, model.clamp[OM_TIME_CONSTANT][1]),
    OPTION("model.clamp.strength.lowest", OM_H5_F64, model.clamp[OM_STRENGTH][0]),
    OPTION("model.clamp.strength.highest", OM_H5_F64, model.clamp[OM_STRENGTH][1]),
    OPTION("init.resting_potential.mean", OM_H5_F64, init.resting_potential_mean),
    OPTION("init.resting_potential.std", OM_H5_F64, init.resting_potential_std),
    OPTION("init.time_constant", OM_H5_F64, init.time_constant_s),
    OPTION("init.strength_scale", OM_H5_F64, init.strength_scale),
    OPTION("init.decoder.mean", OM_H5_F64, init.decoder_mean),
    OPTION("init.decoder.std", OM_H5_F64, init.decoder_std),
    OPTION("init.shared", OM_H5_U8, init.shared),
    OPTION("init.draws", OM_H5_I32, init.draws),
    OPTION("augment.enabled", OM_H5_U8, batch.augment.enabled),
    OPTION("augment.noise", OM_H5_F64, batch.augment.noise_std),
    OPTION("augment.contrast", OM_H5_F64, batch.augment.contrast_std),
    OPTION("augment.brightness", OM_H5_F64, batch.augment.brightness_std),
    OPTION("augment.flip", OM_H5_F64, batch.augment.flip),
    OPTION("augment.rotate", OM_H5_F64, batch.augment.rotate),
    OPTION("train.resampling", OM_H5_I32, batch.resampling),
    OPTION("train.frames", OM_H5_I32, batch.frames),
    OPTION("train.dt", OM_H5_F64, batch.dt_s),
    OPTION("train.task", OM_H5_I32, task),
    OPTION("train.iterations", OM_H5_U64, iterations),
    OPTION("train.whole_passes", OM_H5_U8, whole_passes),
    OPTION("train.batch", OM_H5_I32, batch_size),
    OPTION("train.loss", OM_H5_I32, loss),
    OPTION("train.learning_rate.first", OM_H5_F64, learning_rate[0]),
    OPTION("train.learning_rate.last", OM_H5_F64, learning_rate[1]),
    OPTION("train.decoder_rate", OM_H5_F64, decoder_rate),
    OPTION("train.steps", OM_H5_I32, rate_steps),
    OPTION("train.schedule_stop", OM_H5_U64, schedule_stop),
    OPTION("train.dropout", OM_H5_F64, dropout),
    OPTION("train.batch_norm", OM_H5_I32, batch_norm),
    OPTION("train.convolution", OM_H5_I32, convolution),
    OPTION("train.t_pre", OM_H5_F64, t_pre_s),
    OPTION("train.t_fade_in", OM_H5_F64, t_fade_in_s),
    OPTION("train.selection", OM_H5_I32, selection),
    OPTION("train.record_every", OM_H5_U64, record_every),
    OPTION("train.explode", OM_H5_F64, explode),
    OPTION("train.retries", OM_H5_I32, retries),
    OPTION("train.replace", OM_H5_I32, replacements),
    OPTION("penalty.activity", OM_H5_F64, penalty_activity),
    OPTION("penalty.baseline", OM_H5_F64, penalty_baseline),
    OPTION("penalty.until", OM_H5_U64, penalty_until),
    OPTION("validate.every", OM_H5_U64, validate_every),
    OPTION("validate.every_passes", OM_H5_U64, validate_every_passes),
    OPTION("validate.t_pre", OM_H5_F64, validate_t_pre_s),
};
_Static_assert(sizeof(om_train_options) == 16768,
               "a new setting of training belongs into this table");
const om_members om_schema_options = {options, COUNT(options)};

static const om_h5_member race[] = {
    {"race.at", OM_H5_TEXT, offsetof(om_race_options, at), OM_RACE_BYTES},
    {"race.keep", OM_H5_F64, offsetof(om_race_options, keep), 0},
};
const om_members om_schema_race = {race, COUNT(race)};

const char *const *om_schema_choices(const char *member)
{
    const struct {
        const char *member;
        const char *const *names;
    } choices[] = {
        {"circuit.counts", om_counts_names},         {"circuit.signs", om_signs_names},
        {"circuit.filters", om_filters_names},       {"train.task", om_task_names},
        {"model.activation", om_activation_names},   {"init.draws", om_draws_names},
        {"train.resampling", om_resampling_names},   {"train.loss", om_loss_names},
        {"train.batch_norm", om_batch_norm_names},   {"train.selection", om_loss_names},
        {"train.convolution", om_convolution_names},
    };
    for (size_t i = 0; i < COUNT(choices); i++)
        if (strcmp(choices[i].member, member) == 0) return choices[i].names;
    return NULL;
}

void om_schema_describe_choices(om_text *text)
{
    for (size_t i = 0; i < COUNT(options); i++) {
        const char *const *names = om_schema_choices(options[i].name);
        if (names == NULL) continue;
        om_text_add(text, "%s%s:", text->length > 0 ? "; " : "", options[i].name);
        for (int k = 0; names[k] != NULL; k++)
            om_text_add(text, "%s %d %s", k > 0 ? "," : "", k, names[k]);
    }
}

size_t om_slot_bytes(const om_state_layout *state)
{
    size_t pages = (OM_SLOT_HEADER_BYTES + state->bytes + OM_SLOT_PAGE - 1) / OM_SLOT_PAGE;
    return pages * OM_SLOT_PAGE;
}

om_sizes om_sizes_of(const om_state_layout *state, int n_models)
{
    return (om_sizes){
        .model = (size_t)n_models,
        .record = (size_t)state->n_records,
        .check = (size_t)state->n_checks,
        .scene = (size_t)state->n_scenes,
        .type = (size_t)state->params.n_types,
        .pair = (size_t)state->params.n_pairs,
        .parameter = state->params.n_decoder,
        .channel = OM_HIDDEN,
        .byte = om_slot_bytes(state),
    };
}

static size_t length_of(const char *axis, const om_sizes *sizes)
{
    const struct {
        const char *name;
        size_t length;
    } axes[] = {
        {"model", sizes->model},     {"record", sizes->record},
        {"check", sizes->check},     {"scene", sizes->scene},
        {"type", sizes->type},       {"pair", sizes->pair},
        {"tap", sizes->tap},         {"input", sizes->input},
        {"output", sizes->output},   {"parameter", sizes->parameter},
        {"channel", sizes->channel}, {"byte", sizes->byte},
    };
    for (size_t i = 0; i < COUNT(axes); i++)
        if (strcmp(axes[i].name, axis) == 0) return axes[i].length;
    return 0;
}

void om_schema_lengths(const om_h5_field *field, const om_sizes *sizes, size_t lengths[OM_H5_AXES])
{
    for (int i = 0; i < OM_H5_AXES; i++)
        lengths[i] = field->axes[i] != NULL ? length_of(field->axes[i], sizes) : 0;
}

bool om_schema_has(om_field field, const om_sizes *sizes, bool imported)
{
    const om_h5_field *f = &om_schema[field];
    if (field == OM_MODEL_SOURCE && !imported) return false;
    for (int i = 0; i < OM_H5_AXES && f->axes[i] != NULL; i++)
        if (length_of(f->axes[i], sizes) == 0) return false;
    return true;
}

void om_schema_describe(om_text *text)
{
    om_text_add(text, "| dataset | axes | type | unit | what |\n|---|---|---|---|---|\n");
    for (int f = 0; f < OM_N_FIELDS; f++) {
        const om_h5_field *field = &om_schema[f];
        om_text_add(text, "| `%s` | ", field->path);
        for (int i = 0; i < OM_H5_AXES && field->axes[i] != NULL; i++)
            om_text_add(text, "%s%s", i > 0 ? ", " : "", field->axes[i]);
        om_text_add(text, " | %s | %s | %s |\n",
                    strncmp(field->path, "/params/", 8) == 0 && field->type == OM_H5_REAL
                        ? "real"
                        : om_h5_type_name(field->type),
                    field->unit != NULL ? field->unit : "", field->description);
    }
}
