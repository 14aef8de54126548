/* A small ensemble for tests of the store: the built-in circuit at extent 1, films of noise, and
 * states whose every number follows from model and iteration. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "ommatid/om_store.h"

enum { FIXTURE_MODELS = 3, FIXTURE_TRAINING = 4, FIXTURE_VALIDATION = 2, FIXTURE_FRAMES = 5 };

typedef struct fixture {
    char directory[64];
    om_circuit *circuit;
    om_scenes *scenes;
    om_train_options train;
    om_state_layout layout;
    om_baselines baselines;
    om_store_plan plan;
} fixture;

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

static inline om_scenes *fixture_scenes(void)
{
    om_sequence sequences[FIXTURE_TRAINING + FIXTURE_VALIDATION];
    memset(sequences, 0, sizeof sequences);
    for (int i = 0; i < FIXTURE_TRAINING + FIXTURE_VALIDATION; i++) {
        snprintf(sequences[i].name, sizeof sequences[i].name, "noise-%03d", i);
        sequences[i].validation = i >= FIXTURE_TRAINING;
        sequences[i].frames = FIXTURE_FRAMES;
    }
    om_scenes *scenes = NULL;
    must(om_scenes_create(sequences, FIXTURE_TRAINING + FIXTURE_VALIDATION, 1, 24, &scenes));
    must(om_scenes_place(scenes, NULL));
    size_t n = scenes->n_frames * (size_t)scenes->n_columns;
    for (size_t i = 0; i < n; i++) scenes->luminance[i] = (float)(i % 97) / 97;
    for (size_t i = 0; i < 2 * n; i++) scenes->flow[i] = (float)(i % 89) - 44;
    must(om_scenes_seal(scenes));
    return scenes;
}

static inline void fixture_create(fixture *f)
{
    memset(f, 0, sizeof *f);
    const char *base = getenv("TMPDIR");
    snprintf(f->directory, sizeof f->directory, "%.40s/om-store-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(f->directory));
    must(om_circuit_open("motion-pathway", 1, &f->circuit));
    f->scenes = fixture_scenes();
    for (int p = 0; p < OM_NETWORK_PARTS; p++) f->train.model.clamp[p][1] = INFINITY;
    f->train.init = (om_init_options){0.5, 0.05, 0.05, 0.01, 0.001, 0, false, OM_DRAWS_PHILOX};
    f->train.batch.frames = FIXTURE_FRAMES;
    f->train.batch.dt_s = 0.02;
    f->train.iterations = 1000000;
    f->train.batch_size = 2;
    f->train.learning_rate[0] = 1e-3;
    f->train.learning_rate[1] = 1e-4;
    f->train.decoder_rate = 1;
    f->train.validate_every = 250000;
    f->train.record_every = 100000;
    f->train.selection = OM_LOSS_EPE;
    must(om_state_layout_of(f->circuit, f->scenes, &f->train, &f->layout));
    f->baselines = (om_baselines){1.5, 2.5, 1.25, 2.25};
    f->plan = (om_store_plan){.name = "fixture",
                              .spec_text = "name: fixture # \xc3\xa9\nmodels: 3\n",
                              .seed = 2024,
                              .n_models = FIXTURE_MODELS,
                              .circuit = f->circuit,
                              .scenes = f->scenes,
                              .train = &f->train,
                              .layout = &f->layout,
                              .baselines = &f->baselines};
}

static inline void fixture_free(fixture *f)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->directory);
    if (f->directory[0] != '\0' && system(command) != 0) fail_msg("cannot remove the test's files");
    om_circuit_free(f->circuit);
    om_scenes_free(f->scenes);
}

/* Path of a file in the fixture's directory; overwritten by the fourth call after. */
static inline const char *fixture_path(const fixture *f, const char *name)
{
    static char paths[4][192];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", f->directory, name);
    return path;
}

static inline float fixture_number(uint32_t model, uint64_t iteration, size_t i)
{
    return (float)((iteration * 31 + model * 7 + i) % 1000) / 1000 + 0.001f;
}

/* All parts of a state, with curves and best parameters from iteration 1 on. */
static inline void fixture_fill(const fixture *f, uint64_t iteration, om_state *state)
{
    const om_state_layout *l = &f->layout;
    const size_t parts[] = {l->at_params, l->at_moment1, l->at_moment2};
    for (size_t k = 0; k < 3; k++) {
        om_real *x = om_state_at(state, parts[k]);
        for (size_t i = 0; i < l->params.n_params; i++)
            x[i] = (om_real)fixture_number(state->model, iteration, i + k);
    }
    state->iteration = iteration;
    if (iteration == 0) return;
    om_real *best = om_state_at(state, l->at_best_params);
    memcpy(best, om_state_at(state, l->at_params), l->params.n_params * sizeof *best);
    om_real *mean = om_state_at(state, l->at_best_running_mean);
    om_real *var = om_state_at(state, l->at_best_running_var);
    for (size_t i = 0; i < OM_HIDDEN; i++) {
        mean[i] = (om_real)fixture_number(state->model, iteration, i);
        var[i] = 1;
    }
    float *loss = om_state_at(state, l->at_history_loss),
          *epe = om_state_at(state, l->at_check_epe);
    float *scene = om_state_at(state, l->at_best_scene_epe);
    loss[0] = epe[0] = fixture_number(state->model, iteration, 0);
    for (int i = 0; i < l->n_scenes; i++)
        scene[i] = fixture_number(state->model, iteration, (size_t)i);
    state->n_records = state->n_checks = 1;
    state->best_check = 0;
    state->best_epe = state->best_l2norm = 1;
}

static inline om_state *fixture_state(const fixture *f, uint32_t model, uint64_t iteration)
{
    om_state *state = NULL;
    must(om_alloc(f->layout.bytes, 1, &state));
    must(om_state_init(&f->layout, f->circuit, &f->train, f->plan.seed, model, state));
    fixture_fill(f, iteration, state);
    return state;
}

/* Whether a state is exactly what fixture_state() makes of its model and iteration. */
static inline bool fixture_is_whole(const fixture *f, const om_state *state)
{
    om_state *expected = fixture_state(f, state->model, state->iteration);
    bool same = memcmp(state, expected, f->layout.bytes) == 0;
    om_free(expected);
    return same;
}

#endif
