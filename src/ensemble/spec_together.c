/* What one key of a spec alone does not show. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/race.h"
#include "ensemble/spec_walk.h"

/* All steps of a batch are in memory at once; many more than these are a slip of the pen. */
static const double FILM_HZ = 24, MOST_STEPS = 50000;

static bool was_given(const om_spec_walk *w, const char *path, yaml_mark_t *mark)
{
    size_t index = (size_t)(om_spec_key_find(path) - om_spec_keys);
    if (w->given[index]) *mark = w->marks[index];
    return w->given[index];
}

/* Checks are spaced by iterations or by passes: giving one switches the default of the other off. */
static void settle_validation(om_spec_walk *w)
{
    om_train_options *train = &w->spec->train;
    yaml_mark_t mark = {0};
    bool every = was_given(w, "validate.every", &mark);
    bool passes = was_given(w, "validate.every_passes", &mark);
    if (every && !passes && train->validate_every > 0) train->validate_every_passes = 0;
    if (passes && !every && train->validate_every_passes > 0) train->validate_every = 0;
    if ((train->validate_every > 0) == (train->validate_every_passes > 0))
        om_spec_fault(
            w, mark,
            "validate.every %llu, validate.every_passes %llu: expected one of them to be 0, and "
            "the other not",
            (unsigned long long)train->validate_every,
            (unsigned long long)train->validate_every_passes);
}

/* Time constants below the time step act as the step, have no gradient, and so stay there. That initial
 * ones are not, om_train_check() sees to. */
static void check_time_constants(om_spec_walk *w)
{
    const om_train_options *train = &w->spec->train;
    const double *bounds = train->model.clamp[OM_TIME_CONSTANT], dt = train->batch.dt_s;
    yaml_mark_t mark = {0};
    if (!was_given(w, "model.clamp.time_constant", &mark)) return;
    if (isfinite(bounds[0]) && bounds[0] < 0)
        om_spec_fault(w, mark,
                      "model.clamp.time_constant: lowest %g s: expected 0 or more, or -.inf",
                      bounds[0]);
    if (bounds[0] > 0 && bounds[0] < dt)
        om_spec_fault(w, mark,
                      "model.clamp.time_constant: lowest %g s: expected train.dt %g or more, which "
                      "it would act as, or 0 for no bound",
                      bounds[0], dt);
    if (bounds[1] <= dt)
        om_spec_fault(w, mark,
                      "model.clamp.time_constant: highest %g s: expected more than train.dt %g: "
                      "time constants below the time step are never trained",
                      bounds[1], dt);
}

/* What would do nothing, though it was asked for. */
static void check_effect(om_spec_walk *w)
{
    const om_train_options *train = &w->spec->train;
    yaml_mark_t mark = {0};
    bool all = true;
    for (int part = 0; part < OM_PARTS; part++) all = all && train->model.fixed[part];
    if (was_given(w, "model.fixed", &mark) && all && train->task != OM_TASK_NONE)
        om_spec_fault(w, mark,
                      "model.fixed: every part is: expected one at least that is trained, or "
                      "train.task: none");
    if (was_given(w, "train.explode", &mark) && train->explode > 0 && train->explode <= 1)
        om_spec_fault(
            w, mark,
            "train.explode %g: expected more than 1, the untrained model itself, or 0 for no "
            "such bound",
            train->explode);
    if (was_given(w, "train.t_fade_in", &mark) && train->t_fade_in_s > 0 &&
        train->t_fade_in_s < train->batch.dt_s)
        om_spec_fault(
            w, mark,
            "train.t_fade_in %g: less than one time step: expected 0, or train.dt %g or more",
            train->t_fade_in_s, train->batch.dt_s);
}

/* Rungs have to be checks: which iterations those are is known here unless it depends on how many scenes a
 * file has. */
static void check_rungs(om_spec_walk *w, yaml_mark_t mark)
{
    const om_train_options *train = &w->spec->train;
    const bool procedural = strcmp(w->spec->scenes, "procedural") == 0;
    om_state_layout layout = {.iterations = om_train_iterations(train), .iterations_per_pass = 1};
    char fault[OM_RACE_FAULT_BYTES];
    if (train->validate_every_passes > 0) {
        if (!procedural || train->batch_size > w->spec->worlds.training) return;
        layout.iterations_per_pass = (uint64_t)(w->spec->worlds.training / train->batch_size);
    }
    if (om_race_has_fault(&w->spec->race, &layout, train, fault))
        om_spec_fault(w, mark, "%s", fault);
}

static void check_race(om_spec_walk *w)
{
    const om_spec *spec = w->spec;
    const om_legs legs = om_legs_of(&spec->race, spec->models, spec->train.iterations);
    const bool is_usual = spec->race.keep == strtod(om_spec_key_find("race.keep")->usual, NULL);
    yaml_mark_t mark = {0};
    if (was_given(w, "race.keep", &mark) && legs.rungs == 0 && !is_usual)
        om_spec_fault(w, mark, "race.keep %g: without race.at nobody is stopped: expected both",
                      spec->race.keep);
    if (!was_given(w, "race.at", &mark) || legs.rungs == 0) return;
    if (legs.field[legs.rungs] == spec->models)
        om_spec_fault(w, mark, "race.keep %g: of %d model%s all would go on: expected less",
                      spec->race.keep, spec->models, spec->models == 1 ? "" : "s");
    /* nobody waits for one that begins anew when the others are beyond the first rung */
    if (spec->train.replacements > 0)
        om_spec_fault(w, mark,
                      "race.at: expected no race where train.replace is %d: a model that "
                      "begins anew would be behind all others",
                      spec->train.replacements);
    check_rungs(w, mark);
}

void om_spec_check_together(om_spec_walk *w)
{
    om_spec *spec = w->spec;
    const om_train_options *train = &spec->train;
    yaml_mark_t mark = {0};
    settle_validation(w);
    check_time_constants(w);
    check_effect(w);
    was_given(w, "train.frames", &mark);
    was_given(w, "train.dt", &mark);
    double steps = train->batch.frames / (FILM_HZ * train->batch.dt_s);
    if (steps > MOST_STEPS)
        om_spec_fault(
            w, mark,
            "train.frames %d, train.dt %g: a sequence would have %.3g time steps: expected at most "
            "%g",
            train->batch.frames, train->batch.dt_s, steps, MOST_STEPS);
    was_given(w, "scenes.training", &mark);
    was_given(w, "train.batch", &mark);
    if (strcmp(spec->scenes, "procedural") == 0 && train->batch_size > spec->worlds.training)
        om_spec_fault(w, mark, "train.batch %d: expected at most scenes.training %d",
                      train->batch_size, spec->worlds.training);
    check_race(w);
}
