/* A small training set-up for tests of the trainer: a circuit, films of noise, options, states. */
#ifndef TRAIN_BENCH_H
#define TRAIN_BENCH_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "naive.h"
#include "ommatid/om_train.h"

enum { BENCH_FRAMES = 4, BENCH_FILM = 6 /* frames used of a sequence, and frames that it has */ };

typedef struct bench {
    om_circuit *circuit;
    om_scenes *scenes;
    om_train_options options;
    om_trainer *trainer;
    const om_state_layout *layout;
} bench;

static inline void must(om_status status)
{
    if (status != OM_OK) fail_msg("%s", om_message());
}

static inline void must_say(om_status status, om_status expected, const char *part)
{
    if (status != expected || strstr(om_message(), part) == NULL)
        fail_msg("expected status %d with '%s', got %d: %s", (int)expected, part, (int)status,
                 om_message());
}

/* Sequences of noise that nothing connects. */
static inline om_scenes *bench_films(int extent, int training, int validation)
{
    om_scenes *scenes = NULL;
    int n = training + validation;
    om_sequence *sequences = naive_zeroed((size_t)n, sizeof *sequences);
    for (int i = 0; i < n; i++) {
        snprintf(sequences[i].name, sizeof sequences[i].name, "noise-%03d", i);
        sequences[i].validation = i >= training;
        sequences[i].frames = BENCH_FILM;
    }
    must(om_scenes_create(sequences, n, extent, 24, &scenes));
    must(om_scenes_place(scenes, NULL));
    free(sequences);
    uint64_t seed = 77;
    size_t numbers = scenes->n_frames * (size_t)scenes->n_columns;
    for (size_t i = 0; i < numbers; i++) scenes->luminance[i] = (float)naive_uniform(&seed);
    for (size_t i = 0; i < 2 * numbers; i++) scenes->flow[i] = (float)naive_normal(&seed);
    must(om_scenes_seal(scenes));
    return scenes;
}

/* 12 iterations in four passes, with everything switched on but augmentation and dropout. */
static inline om_train_options bench_options(void)
{
    return (om_train_options){
        .model.clamp = {{-INFINITY, INFINITY}, {-INFINITY, INFINITY}, {0, INFINITY}},
        .init = {0.5, 0.05, 0.05, 0.01, 0.001, 0.1, false},
        .batch = {.augment = {false, 0.08, 0.2, 0.1, 0.5, 0.5},
                  .resampling = OM_RESAMPLE_PACKAGE,
                  .frames = BENCH_FRAMES,
                  .dt_s = 0.02},
        .iterations = 12,
        .batch_size = 3,
        .loss = OM_LOSS_L2NORM,
        .learning_rate = {1e-3, 2e-4},
        .decoder_rate = 0.5,
        .rate_steps = 5,
        .schedule_stop = 10,
        .t_pre_s = 0.1,
        .penalty_activity = 0.1,
        .penalty_baseline = 5,
        .penalty_until = 7,
        .validate_every = 5,
        .validate_t_pre_s = 0.06,
        .selection = OM_LOSS_EPE,
        .record_every = 5,
    };
}

/* Groups in every part, over pairs without synapses, too: the last one never has one. */
static inline void bench_set_groups(uint64_t circuit, om_train_options *options)
{
    om_circuit *c = naive_random_circuit(circuit, 7, 18, 2, true);
    const om_pair *p = c->pairs, *last = &c->pairs[17];
    om_model_options *o = &options->model;
    snprintf(o->symmetric[OM_RESTING_POTENTIAL], OM_GROUPS_BYTES, "T5, T1; T0, T6, T3");
    snprintf(o->symmetric[OM_TIME_CONSTANT], OM_GROUPS_BYTES, "T0, T1, T2, T3, T4");
    snprintf(o->symmetric[OM_STRENGTH], OM_GROUPS_BYTES,
             "T%d -> T%d, T%d -> T%d, T%d -> T%d; T%d -> T%d, T%d -> T%d", p[2].source, p[2].target,
             last->source, last->target, p[5].source, p[5].target, p[9].source, p[9].target,
             p[0].source, p[0].target);
    naive_circuit_free(c);
}

/* Bounds that some parameters reach from each side. */
static inline void bench_set_bounds(om_train_options *options)
{
    const double clamp[][2] = {{0.375, 0.625}, {0.03125, 0.0625}, {0.0009765625, 0.00390625}};
    memcpy(options->model.clamp, clamp, sizeof clamp);
}

/* Every option of the model but fixed parts, which leave less to the others. */
static inline om_train_options bench_model_options(uint64_t circuit)
{
    om_train_options options = bench_options();
    bench_set_groups(circuit, &options);
    bench_set_bounds(&options);
    options.model.activation = OM_SOFTPLUS;
    options.model.count_spread = 0.3;
    options.t_fade_in_s = 0.07;
    return options;
}

/* Of a random circuit, which the bench owns; 10 training sequences: three batches of three a pass,
 * and one sequence left over. */
static inline bench bench_open(uint64_t circuit, const om_train_options *options, int threads,
                               const volatile sig_atomic_t *stop)
{
    bench b = {.options = *options};
    b.circuit = naive_random_circuit(circuit, 7, 18, 2, true);
    b.scenes = bench_films(2, 10, 4);
    must(om_trainer_create(b.circuit, b.scenes, &b.options, threads, NULL, stop, &b.trainer));
    b.layout = om_trainer_layout(b.trainer);
    return b;
}

static inline void bench_close(bench *b)
{
    om_trainer_free(b->trainer);
    om_scenes_free(b->scenes);
    naive_circuit_free(b->circuit);
}

enum { BENCH_SEED = 31 };

/* A new model; free() it. */
static inline om_state *bench_state(const bench *b, uint32_t model)
{
    om_state *state = naive_zeroed(b->layout->bytes, 1);
    must(om_state_init(b->layout, b->circuit, &b->options, BENCH_SEED, model, state));
    return state;
}

static inline om_real *bench_params(const bench *b, om_state *state)
{
    return om_state_at(state, b->layout->at_params);
}

/* Everything that draws random numbers, depends on passes or holds parameters is switched on: for circuit
 * 6. */
static inline om_train_options bench_all_options(void)
{
    om_train_options options = bench_model_options(6);
    options.batch.augment.enabled = true;
    options.dropout = 0.5;
    return options;
}

static inline void bench_assert_same(const bench *b, const om_state *actual,
                                     const om_state *expected)
{
    assert_memory_equal(actual, expected, b->layout->bytes);
}

/* The state after all 12 iterations in one call. */
static inline om_state *bench_trained(const bench *b, uint32_t model)
{
    om_state *state = bench_state(b, model);
    must(om_train_advance(b->trainer, state, 12));
    assert_int_equal(state->iteration, 12);
    assert_int_equal(state->n_checks, b->layout->n_checks);
    assert_int_equal(state->n_records, b->layout->n_records);
    must(om_state_check(b->layout, state));
    return state;
}

#endif
