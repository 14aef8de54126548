/* Models that diverge: set back to their last check with half the learning rate, or given up for a new
 * one. Both are functions of the state and the options alone, so that the same bits follow wherever
 * training is cut into units, stopped, or killed. */
#include "train/set_back.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "train/optimiser.h"

/* The parts from at_params to at_kept lie in one piece, and so do their copies. */
static size_t kept_bytes(const om_state_layout *l) { return l->at_kept - l->at_params; }

void om_state_keep(const om_state_layout *l, om_state *state)
{
    memcpy(om_state_at(state, l->at_kept), om_state_view(state, l->at_params), kept_bytes(l));
    state->kept = (om_kept){.iteration = state->iteration,
                            .record_loss_sum = state->record_loss_sum,
                            .record_epe_sum = state->record_epe_sum,
                            .record_count = state->record_count,
                            .n_records = state->n_records};
}

static void go_back(const om_state_layout *l, om_state *state)
{
    const om_kept *kept = &state->kept;
    float *loss = om_state_at(state, l->at_history_loss);
    float *epe = om_state_at(state, l->at_history_epe);
    memcpy(om_state_at(state, l->at_params), om_state_view(state, l->at_kept), kept_bytes(l));
    for (uint64_t i = kept->n_records; i < state->n_records; i++) loss[i] = epe[i] = NAN;
    state->iteration = kept->iteration;
    state->record_loss_sum = kept->record_loss_sum;
    state->record_epe_sum = kept->record_epe_sum;
    state->record_count = kept->record_count;
    state->n_records = (uint32_t)kept->n_records;
}

/* Learning rate of the iteration at which the model is. */
static double rate_of(const om_state_layout *l, const om_train_options *options,
                      const om_state *state)
{
    uint64_t pass_start = state->iteration / l->iterations_per_pass * l->iterations_per_pass;
    return om_learning_rate(options, l->iterations, pass_start) * state->rate_factor;
}

om_status om_state_set_back(const om_state_layout *l, const om_train_options *options,
                            om_state *state)
{
    char why[256];
    snprintf(why, sizeof why, "%s", om_message());
    if (state->iteration == state->kept.iteration && options->retries > 0)
        return om_fail(OM_EDIVERGED, "%s, right after a check: no lower rate helps", why);
    if ((int)state->retries >= options->retries)
        return state->retries == 0
                   ? OM_EDIVERGED
                   : om_fail(OM_EDIVERGED, "%s, after %u %s, the last at rate %.3g", why,
                             state->retries, state->retries == 1 ? "retry" : "retries",
                             rate_of(l, options, state));
    go_back(l, state);
    state->retries++;
    state->rate_factor /= 2;
    om_fail(OM_EDIVERGED, "%s: back to %llu, at rate %.3g, retry %u of %d", why,
            (unsigned long long)state->iteration, rate_of(l, options, state), state->retries,
            options->retries);
    return OM_OK;
}

om_status om_state_replace(const om_state_layout *layout, const om_circuit *circuit,
                           const om_train_options *options, om_state *state)
{
    const uint64_t had_done = state->iteration;
    OM_TRY(om_state_init(layout, circuit, options, state->seed, state->model + OM_STREAMS, state));
    state->replaced_at = had_done;
    return OM_OK;
}
