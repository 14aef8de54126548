/* The state of a model in training: where things lie in it, how it starts, whether a block is one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/fail.h"
#include "ommatid/om_train.h"
#include "train/constraints.h"
#include "train/set_back.h"

static uint64_t divide_up(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Iterations between checks when they are not counted in passes. */
static uint64_t check_interval(const om_state_layout *layout, const om_train_options *options)
{
    return options->validate_every > 0 ? options->validate_every : layout->iterations;
}

uint64_t om_record_iteration(const om_state_layout *layout, const om_train_options *options, int i)
{
    return smaller((uint64_t)(i + 1) * options->record_every, layout->iterations);
}

/* Check 0 is before training, the last one at the end. By passes: after pass 1, c + 1, 2c + 1, ... */
uint64_t om_check_iteration(const om_state_layout *layout, const om_train_options *options, int i)
{
    if (layout->n_checks == 1) return layout->iterations; /* trained elsewhere */
    if (i == 0) return 0;
    uint64_t at = (uint64_t)i * check_interval(layout, options);
    if (options->validate_every_passes > 0)
        at = ((uint64_t)(i - 1) * options->validate_every_passes + 1) * layout->iterations_per_pass;
    return smaller(at, layout->iterations);
}

static int count_checks(const om_state_layout *layout, const om_train_options *options)
{
    int n = 1;
    while (om_check_iteration(layout, options, n - 1) < layout->iterations) n++;
    return n;
}

/* Next part of n items of some size, each part on a boundary of its own. */
static size_t part(size_t *bytes, size_t n, size_t size)
{
    size_t at = *bytes;
    *bytes = (at + n * size + 63) / 64 * 64;
    return at;
}

static void place_parts(om_state_layout *l)
{
    size_t n = l->params.n_params, r = sizeof(om_real), f = sizeof(float), bytes = 0;
    part(&bytes, 1, sizeof(om_state));
    l->at_params = part(&bytes, n, r);
    l->at_moment1 = part(&bytes, n, r);
    l->at_moment2 = part(&bytes, n, r);
    l->at_running_mean = part(&bytes, OM_HIDDEN, r);
    l->at_running_var = part(&bytes, OM_HIDDEN, r);
    l->at_pass_params = part(&bytes, l->params.n_network, r);
    l->at_kept = part(&bytes, 1, bytes - l->at_params);
    l->at_best_params = part(&bytes, n, r);
    l->at_best_running_mean = part(&bytes, OM_HIDDEN, r);
    l->at_best_running_var = part(&bytes, OM_HIDDEN, r);
    l->at_best_scene_epe = part(&bytes, (size_t)l->n_scenes, f);
    l->at_history_loss = part(&bytes, (size_t)l->n_records, f);
    l->at_history_epe = part(&bytes, (size_t)l->n_records, f);
    l->at_check_l2norm = part(&bytes, (size_t)l->n_checks, f);
    l->at_check_epe = part(&bytes, (size_t)l->n_checks, f);
    l->bytes = bytes;
}

static uint64_t fingerprint(const om_state_layout *l)
{
    const uint64_t numbers[] = {OM_STATE_VERSION,
                                sizeof(om_real),
                                l->params.n_params,
                                l->params.n_network,
                                (uint64_t)l->params.n_outputs,
                                (uint64_t)l->n_records,
                                (uint64_t)l->n_checks,
                                (uint64_t)l->n_scenes,
                                l->iterations,
                                l->iterations_per_pass,
                                l->bytes};
    return om_checksum(numbers, sizeof numbers, 0);
}

om_status om_state_layout_of(const om_circuit *circuit, const om_scenes *scenes,
                             const om_train_options *options, om_state_layout *layout)
{
    *layout = (om_state_layout){.params = om_layout_of(circuit), .n_scenes = scenes->n_validation};
    if (options->batch_size > scenes->n_training)
        return om_fail(OM_EDATA, "train.batch is %d, but there are only %d training sequences",
                       options->batch_size, scenes->n_training);
    if (scenes->n_validation < 1) return om_fail(OM_EDATA, "there are no validation sequences");
    layout->iterations_per_pass = (uint64_t)(scenes->n_training / options->batch_size);
    layout->iterations = om_train_iterations(options);
    if (options->whole_passes)
        layout->iterations = divide_up(layout->iterations, layout->iterations_per_pass) *
                             layout->iterations_per_pass;
    layout->n_records = (int)divide_up(layout->iterations, options->record_every);
    layout->n_checks = count_checks(layout, options);
    place_parts(layout);
    layout->fingerprint = fingerprint(layout);
    return OM_OK;
}

om_state_layout om_state_layout_of_trained(const om_circuit *circuit, uint64_t iterations)
{
    om_state_layout layout = {
        .params = om_layout_of(circuit), .n_checks = 1, .iterations = iterations};
    place_parts(&layout);
    layout.fingerprint = fingerprint(&layout);
    return layout;
}

static void fill_nan(om_state *state, size_t at, int n)
{
    float *values = om_state_at(state, at);
    for (int i = 0; i < n; i++) values[i] = NAN;
}

static void fill_real_nan(om_state *state, size_t at, size_t n)
{
    om_real *values = om_state_at(state, at);
    for (size_t i = 0; i < n; i++) values[i] = (om_real)NAN;
}

om_status om_state_init(const om_state_layout *layout, const om_circuit *circuit,
                        const om_train_options *options, uint64_t seed, uint32_t model,
                        om_state *state)
{
    om_constraints *constraints;
    OM_TRY(om_constraints_create(circuit, &options->model, &constraints));
    memset(state, 0, layout->bytes);
    *state = (om_state){.magic = OM_STATE_MAGIC,
                        .version = OM_STATE_VERSION,
                        .real_bytes = sizeof(om_real),
                        .bytes = layout->bytes,
                        .fingerprint = layout->fingerprint,
                        .seed = seed,
                        .model = model,
                        .rate_factor = 1,
                        .best_check = -1,
                        .best_l2norm = NAN,
                        .best_epe = NAN};
    om_real *params = om_state_at(state, layout->at_params);
    om_params_init(circuit, &options->init, seed, model, params);
    om_constrain_initial(constraints, params);
    om_constraints_free(constraints);
    memcpy(om_state_at(state, layout->at_pass_params), params,
           layout->params.n_network * sizeof(om_real));
    om_real *var = om_state_at(state, layout->at_running_var);
    for (int o = 0; o < OM_HIDDEN; o++) var[o] = 1;
    om_state_keep(layout, state);
    fill_real_nan(state, layout->at_best_params, layout->params.n_params);
    fill_real_nan(state, layout->at_best_running_mean, OM_HIDDEN);
    fill_real_nan(state, layout->at_best_running_var, OM_HIDDEN);
    fill_nan(state, layout->at_best_scene_epe, layout->n_scenes);
    fill_nan(state, layout->at_history_loss, layout->n_records);
    fill_nan(state, layout->at_history_epe, layout->n_records);
    fill_nan(state, layout->at_check_l2norm, layout->n_checks);
    fill_nan(state, layout->at_check_epe, layout->n_checks);
    return OM_OK;
}

/* A part whose every number has to be finite. */
typedef struct finite_part {
    const char *name;
    size_t at, n;
} finite_part;

static om_status check_parts(const om_state *state, const char *which, size_t shift,
                             const finite_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const om_real *x = om_state_view(state, parts[i].at + shift);
        for (size_t k = 0; k < parts[i].n; k++)
            if (!isfinite(x[k]))
                return om_fail(OM_EDIVERGED, "model %d at iteration %llu: %s%s %zu is %g",
                               om_state_number(state), (unsigned long long)state->iteration, which,
                               parts[i].name, k, (double)x[k]);
    }
    return OM_OK;
}

/* The parts between at_params and at_kept; shift: from there to where they lie. */
static om_status check_trained(const om_state_layout *l, const om_state *state, const char *which,
                               size_t shift)
{
    const finite_part parts[] = {
        {"parameter", l->at_params, l->params.n_params},
        {"first moment", l->at_moment1, l->params.n_params},
        {"second moment", l->at_moment2, l->params.n_params},
        {"running mean", l->at_running_mean, OM_HIDDEN},
        {"running variance", l->at_running_var, OM_HIDDEN},
        {"parameter at the start of the pass", l->at_pass_params, l->params.n_network},
    };
    return check_parts(state, which, shift, parts, sizeof parts / sizeof parts[0]);
}

static om_status check_best(const om_state_layout *l, const om_state *state)
{
    const finite_part parts[] = {
        {"parameter", l->at_best_params, l->params.n_params},
        {"running mean", l->at_best_running_mean, OM_HIDDEN},
        {"running variance", l->at_best_running_var, OM_HIDDEN},
    };
    if (state->best_check < 0) return OM_OK;
    return check_parts(state, "best ", 0, parts, sizeof parts / sizeof parts[0]);
}

om_status om_state_check_trained(const om_state_layout *layout, const om_state *state)
{
    return check_trained(layout, state, "", 0);
}

static om_status check_finite(const om_state_layout *l, const om_state *state)
{
    const om_kept *kept = &state->kept;
    if (!isfinite(state->record_loss_sum) || !isfinite(state->record_epe_sum) ||
        !isfinite(kept->record_loss_sum) || !isfinite(kept->record_epe_sum))
        return om_fail(OM_EDIVERGED, "model %d at iteration %llu: its record is not finite",
                       om_state_number(state), (unsigned long long)state->iteration);
    OM_TRY(check_trained(l, state, "", 0));
    OM_TRY(check_trained(l, state, "kept ", l->at_kept - l->at_params));
    return check_best(l, state);
}

om_status om_state_check(const om_state_layout *layout, const om_state *state)
{
    if (state->magic != OM_STATE_MAGIC) return om_fail(OM_EDATA, "not a model's state");
    if (state->version != OM_STATE_VERSION)
        return om_fail(OM_EDATA, "state of version %u, expected %d", state->version,
                       OM_STATE_VERSION);
    if (state->real_bytes != sizeof(om_real))
        return om_fail(OM_EDATA, "state with numbers of %u bytes, this build uses %zu",
                       state->real_bytes, sizeof(om_real));
    if (state->fingerprint != layout->fingerprint || state->bytes != layout->bytes)
        return om_fail(OM_EDATA, "state of another ensemble (its layout differs)");
    if (state->iteration > layout->iterations)
        return om_fail(OM_EDATA, "state at iteration %llu of only %llu",
                       (unsigned long long)state->iteration,
                       (unsigned long long)layout->iterations);
    if (state->n_records > (uint32_t)layout->n_records ||
        state->n_checks > (uint32_t)layout->n_checks || state->best_check < -1 ||
        state->best_check >= (int32_t)state->n_checks)
        return om_fail(OM_EDATA, "state with more records or checks than there can be");
    if (state->kept.iteration > state->iteration || state->kept.n_records > state->n_records)
        return om_fail(OM_EDATA, "state at iteration %llu that was kept at iteration %llu",
                       (unsigned long long)state->iteration,
                       (unsigned long long)state->kept.iteration);
    if (!(state->untrained_loss >= 0 && isfinite(state->untrained_loss)))
        return om_fail(OM_EDATA, "state whose untrained loss is %g", state->untrained_loss);
    if (!(state->rate_factor > 0 && isfinite(state->rate_factor)))
        return om_fail(OM_EDATA, "state whose learning rates are multiplied by %g",
                       state->rate_factor);
    return check_finite(layout, state);
}
