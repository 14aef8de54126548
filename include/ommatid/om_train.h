/* How one model learns (model.md 5, 8).
 *
 * A *state* is everything that a model in training is, in one flat, versioned block of fixed size:
 * copying the block copies the model, writing it is a checkpoint, reading it elsewhere moves the
 * model. A *trainer* is a workspace: it holds nothing of a model between calls that the state does
 * not hold too. */
#ifndef OM_TRAIN_H
#define OM_TRAIN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_activation.h"
#include "ommatid/om_batch.h"
#include "ommatid/om_circuit.h"
#include "ommatid/om_controls.h"
#include "ommatid/om_exchange.h"
#include "ommatid/om_loss.h"
#include "ommatid/om_params.h"
#include "ommatid/om_scenes.h"

/* A central cell's voltage beyond it, up or down, is that of a model that diverges. Other cells may go
 * further: a published model's do, whose central cells stay below 2,000. */
#define OM_VOLTAGE_BOUND 1e4

/* What the decoder normalises by in training: its batch's own statistics, or the running ones, which
 * then never move from where a model starts (mean 0, variance 1). */
typedef enum om_batch_norm { OM_BATCH_NORM_BATCH, OM_BATCH_NORM_RUNNING } om_batch_norm;

/* What models learn. Untrained ones stay as they start; they are checked once, at iteration 0. */
typedef enum om_task { OM_TASK_FLOW, OM_TASK_NONE } om_task;

/* The parts of a model's parameters that options speak of; what is per type or pair comes first. */
typedef enum om_part {
    OM_RESTING_POTENTIAL,
    OM_TIME_CONSTANT,
    OM_STRENGTH,
    OM_DECODER,
    OM_PARTS
} om_part;
/* As specs name them, ended by NULL. */
extern const char *const om_part_names[OM_PARTS + 1];
/* Names of other choices, in the order of their numbers, ended by NULL. */
extern const char *const om_activation_names[],
    *const om_convolution_names[], *const om_loss_names[], *const om_task_names[],
                                                               *const om_batch_norm_names[],
                                                                   *const om_draws_names[],
                                                                       *const om_resampling_names[];

enum { OM_NETWORK_PARTS = OM_DECODER, OM_GROUPS_BYTES = 4096 };

/* Which network is trained, and what its parameters are held to (model.md 3). Bounds, then groups,
 * shape the initial parameters of every part, and after each iteration those of the parts that are
 * not fixed. A pair without synapses keeps its strength 0 and counts in no group. */
typedef struct om_model_options {
    om_controls controls; /* that the circuit was made by, see om_circuit_control() */
    om_activation activation;
    double count_spread;  /* of a model's own synapse counts, see om_circuit_draw_counts() */
    bool fixed[OM_PARTS]; /* keeps its initial values: no gradient, no moments, no penalty */
    /* Groups whose members have one value, their mean: names of types, or of pairs as "Mi9 -> T4a",
     * with ", " between members and "; " between groups. No member twice; "": no groups. */
    char symmetric[OM_NETWORK_PARTS][OM_GROUPS_BYTES];
    double clamp[OM_NETWORK_PARTS][2]; /* lowest, highest; infinite: no bound. Strengths: 0, inf */
} om_model_options;

typedef struct om_train_options {
    om_model_options model;
    om_init_options init;
    om_batch_options batch; /* frames, dt, resampling, augmentation */
    om_task task;
    uint64_t
        iterations; /* 250,000; rounded up to whole passes with whole_passes; none without a task */
    bool whole_passes;
    int batch_size; /* 4 */
    om_loss loss;
    om_batch_norm batch_norm;
    double learning_rate[2]; /* first and last: 5e-5, 5e-6 */
    double decoder_rate;     /* learning rate of the decoder over that of the network: 1 */
    int rate_steps;          /* 10 levels in between */
    uint64_t schedule_stop;  /* the last level is reached here; 0: at `iterations` */
    double dropout;          /* 0.5 */
    om_convolution convolution;
    double t_pre_s;          /* grey before a training sequence: 0.5 */
    double t_fade_in_s;      /* from grey to a sequence's first frame, before any sequence: 0 */
    double penalty_activity; /* 0.1; 0 switches it off */
    double penalty_baseline; /* 5.0 */
    uint64_t penalty_until;  /* iterations: 150,000 */
    uint64_t validate_every; /* iterations between checks; 0: by passes */
    uint64_t validate_every_passes;
    double validate_t_pre_s; /* grey before a validation sequence */
    om_loss selection;       /* measure that chooses the best check */
    uint64_t record_every;   /* iterations per record of the history */
    /* What happens when a model diverges: om_train_advance(), om_state_replace(). */
    double
        explode; /* a loss this many times the untrained one, or a voltage of a central cell beyond
                         OM_VOLTAGE_BOUND, is divergence; 0: neither is */
    int retries; /* times that a model is set back and goes on at half its learning rate: 3 */
    int replacements; /* times that a model is given up for a new one: 0 */
} om_train_options;

/* Iterations that the options ask for, before they are rounded up to whole passes. */
static inline uint64_t om_train_iterations(const om_train_options *options)
{
    return options->task == OM_TASK_NONE ? 0 : options->iterations;
}

/* Where things lie in a state, and how many there are. A pure function of circuit, scenes and
 * options; equal layouts have equal fingerprints. */
typedef struct om_state_layout {
    om_layout params;
    int n_records, n_checks, n_scenes; /* history records, validation checks, validation scenes */
    uint64_t iterations;               /* at the end of training */
    uint64_t iterations_per_pass;
    uint64_t fingerprint;
    size_t bytes; /* of the whole state */
    /* offsets in bytes from the start of the state */
    size_t at_params, at_moment1, at_moment2; /* om_real [n_params] each */
    size_t at_running_mean, at_running_var;   /* om_real [OM_HIDDEN] each */
    size_t at_pass_params;                    /* om_real [n_network]: at the start of the pass */
    size_t at_kept;                           /* from at_params to here, as they were at kept */
    size_t at_best_params; /* om_real [n_params]: of the best check; NaN while there is none */
    size_t at_best_running_mean, at_best_running_var; /* om_real [OM_HIDDEN] each */
    size_t at_best_scene_epe;                         /* float [n_scenes] */
    size_t at_history_loss, at_history_epe;           /* float [n_records]; NaN where not reached */
    size_t at_check_l2norm, at_check_epe;             /* float [n_checks]; NaN where not reached */
} om_state_layout;

/* Whether the circuit has every type and pair that the options name, none in two groups. Errors:
 * OM_EDATA with the key of the spec, the name, and the nearest that there is; also where the time step is
 * larger than a type's initial time constant, or the decoder's first convolution cannot be computed as
 * asked for. Messages begin with the keys that they are about: "KEY, KEY: ...". */
om_status om_train_check(const om_circuit *circuit, const om_train_options *options);

om_status om_state_layout_of(const om_circuit *circuit, const om_scenes *scenes,
                             const om_train_options *options, om_state_layout *layout);

/* The layout of models that were trained elsewhere, for so many iterations, and are only kept: no
 * records, no scenes, and one check, whose parameters are the best ones. */
om_state_layout om_state_layout_of_trained(const om_circuit *circuit, uint64_t iterations);

/* Iterations done at the end of record i (0 <= i < n_records) and at check i (0 <= i < n_checks;
 * check 0 is before training, but a single check at its end). */
uint64_t om_record_iteration(const om_state_layout *layout, const om_train_options *options, int i);
uint64_t om_check_iteration(const om_state_layout *layout, const om_train_options *options, int i);

/* Where a model was after its last check; what diverges is set back to there. With the arrays at
 * at_kept it is all that training changes but checks, which it has as they are. */
typedef struct om_kept {
    uint64_t iteration;
    double record_loss_sum, record_epe_sum;
    uint64_t record_count;
    uint64_t n_records;
} om_kept;

/* The head of a state; the arrays of om_state_layout follow. */
typedef struct om_state {
    uint64_t magic;       /* OM_STATE_MAGIC */
    uint32_t version;     /* OM_STATE_VERSION */
    uint32_t real_bytes;  /* sizeof(om_real) */
    uint64_t bytes;       /* of the whole state */
    uint64_t fingerprint; /* of the layout */
    uint64_t seed;        /* of the ensemble */
    uint32_t model;       /* whose random streams it draws from: see om_state_replace() */
    uint32_t retries;     /* times it was rolled back after diverging */
    uint64_t iteration;   /* iterations done */
    double rate_factor;   /* learning rates are multiplied by it: 1, halved at each retry */
    double record_loss_sum, record_epe_sum; /* of the record in progress */
    uint64_t record_count;
    uint32_t n_records, n_checks; /* done so far */
    int32_t best_check;           /* -1: none yet */
    uint32_t reserved;
    double best_l2norm, best_epe; /* of the best check; NaN while there is none */
    double untrained_loss;        /* larger of those of check 0 and of the first iteration */
    uint64_t replaced_at;         /* iterations that the model which this one replaces had done */
    om_kept kept;
} om_state;

#define OM_STATE_MAGIC UINT64_C(0x315345544154534F) /* "OSTATES1", little endian */
enum { OM_STATE_VERSION = 2 };                      /* 1 kept no point to be set back to */

/* A field of a state, by its offset in the layout. */
static inline void *om_state_at(om_state *state, size_t offset) { return (char *)state + offset; }
static inline const void *om_state_view(const om_state *state, size_t offset)
{
    return (const char *)state + offset;
}

/* Whether a block that was read (layout->bytes) is a state of this layout whose every number is
 * finite where it has to be. Errors: OM_EDATA with what does not fit; OM_EDIVERGED with the number
 * that is not finite. */
om_status om_state_check(const om_state_layout *layout, const om_state *state);

/* Name of the kernels that trainers take on this machine: the fastest, or OMMATID_ISA's. Errors:
 * OM_EUSAGE (OMMATID_ISA). */
om_status om_train_kernels(const char **name);
/* Whether kernels of two names give the same bits; others agree up to rounding. */
bool om_train_kernels_agree(const char *a, const char *b);

typedef struct om_trainer om_trainer;

/* Workspace for one model at a time. Circuit, scenes, exchange and stop must outlive it.
 * threads: OpenMP threads of kernels; results do not depend on it.
 * exchange: of a team whose members' trainers, made from the same arguments, train the same model
 * together, each with whole quads of four samples of every batch, to the bits of one who is alone. Then
 * om_train_advance() and om_train_validate() are collective: members call them with the same arguments
 * and equal states, and get equal results. NULL: alone.
 * stop: when it becomes nonzero (with any member), om_train_advance() returns after the iteration in
 * progress, or within a validation after the batch in progress; NULL: never. Errors: OM_EDATA (no
 * sequences, sequences too short, batch larger than the training set, a team of more members than a
 * batch has quads, those of om_train_check()), OM_ENOMEM. */
om_status om_trainer_create(const om_circuit *circuit, const om_scenes *scenes,
                            const om_train_options *options, int threads,
                            const om_exchange *exchange, const volatile sig_atomic_t *stop,
                            om_trainer **trainer);
void om_trainer_free(om_trainer *trainer); /* accepts NULL */
/* Bytes that such a trainer allocates, without making it: what counts of them, which is all but a few
 * per cent. The scenes need not hold films yet. Errors: those of om_state_layout_of() and
 * om_batch_steps(), OM_ENOMEM, OM_EUSAGE (OMMATID_ISA). */
om_status om_trainer_memory(const om_circuit *circuit, const om_scenes *scenes,
                            const om_train_options *options, int threads,
                            const om_exchange *exchange, size_t *bytes);
const om_state_layout *om_trainer_layout(const om_trainer *trainer);
/* A new model: its initial parameters, nothing trained. model: < OM_STREAMS. state: layout->bytes,
 * written. Errors: those of om_train_check(), OM_ENOMEM. */
om_status om_state_init(const om_state_layout *layout, const om_circuit *circuit,
                        const om_train_options *options, uint64_t seed, uint32_t model,
                        om_state *state);

/* Models' numbers are below it; a replacement's streams are those of a number so much higher. */
enum { OM_STREAMS = 1000000 };
/* A new model in the place of one that diverged, from streams that depend on its number alone: those
 * of the number that it had + OM_STREAMS. Errors: as om_state_init(). */
om_status om_state_replace(const om_state_layout *layout, const om_circuit *circuit,
                           const om_train_options *options, om_state *state);
/* The number in the ensemble, and how many models were given up for this one. */
static inline int om_state_number(const om_state *state)
{
    return (int)(state->model % OM_STREAMS);
}
static inline int om_state_replacements(const om_state *state)
{
    return (int)(state->model / OM_STREAMS);
}

/* Trains until `iterations` iterations are done in all (at most layout->iterations), until the model
 * was set back, or until *stop. Validates on the way where a check is due. The result depends on the
 * state alone: not on threads, on how often it was called, or on what the trainer did before.
 *
 * A model diverges when the loss of a batch, the error of a check, or a number of its state is not
 * finite; with options.explode, also when such a loss or error is more than so many times the untrained
 * model's, or a central cell's voltage leaves OM_VOLTAGE_BOUND in either. It is then set back to its
 * last check with half the learning rate, up to options.retries times in all: OM_OK, state->retries is
 * one more, state->iteration is that of the check, om_message() says why.
 *
 * Errors: OM_EDIVERGED: it diverged once more, or without having trained since the check, where no
 * other rate helps; the state is that of the last whole iteration. OM_ESTOPPED: *stop was set; the
 * state is valid. */
om_status om_train_advance(om_trainer *trainer, om_state *state, uint64_t iterations);

/* Validation of parameters on the validation scenes, decoder in evaluation mode.
 * seed, model: of the state, for what a model has beside its parameters (its synapse counts).
 * running_mean, running_var [OM_HIDDEN]; scene_epe [n_scenes] may be NULL. Errors: OM_EDIVERGED,
 * OM_ESTOPPED. */
om_status om_train_validate(om_trainer *trainer, uint64_t seed, uint32_t model,
                            const om_real *params, const om_real *running_mean,
                            const om_real *running_var, double *l2norm, double *epe,
                            float *scene_epe);

/* What needs no eyes, on the same validation scenes: predicting zero flow, and predicting one
 * constant vector, the flow averaged over all training scenes. */
typedef struct om_baselines {
    double zero_epe, zero_l2norm, mean_epe, mean_l2norm;
} om_baselines;
om_status om_train_baselines(const om_scenes *scenes, const om_batch_options *options,
                             om_baselines *baselines);

#endif
