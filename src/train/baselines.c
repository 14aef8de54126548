/* What needs no eyes: the errors of predictions that do not look at the film. */
#include <math.h>

#include "base/memory.h"
#include "ommatid/om_train.h"

/* Adds up the flow of the sequences of one kind; counts its vectors. */
static void add_flow(om_batcher *batcher, const om_scenes *scenes, om_real *luminance,
                     om_real *flow, double sum[2], double *vectors)
{
    const int steps = om_batcher_steps(batcher), columns = scenes->n_columns;
    for (int i = 0; i < scenes->n_sequences; i++) {
        if (scenes->sequences[i].validation) continue;
        om_batcher_sample(batcher, i, NULL, luminance, flow);
        for (int f = 0; f < steps; f++)
            for (int k = 0; k < 2; k++)
                for (int c = 0; c < columns; c++) sum[k] += (double)flow[(f * 2 + k) * columns + c];
        *vectors += (double)steps * columns;
    }
}

/* Errors of predicting the vector `constant` everywhere, mean over the validation sequences. */
static void constant_errors(om_batcher *batcher, const om_scenes *scenes, om_real *luminance,
                            om_real *flow, const double constant[2], double *epe, double *l2norm)
{
    const int steps = om_batcher_steps(batcher), columns = scenes->n_columns;
    *epe = *l2norm = 0;
    for (int i = 0; i < scenes->n_sequences; i++) {
        if (!scenes->sequences[i].validation) continue;
        om_batcher_sample(batcher, i, NULL, luminance, flow);
        double length = 0, square = 0;
        for (int f = 0; f < steps; f++)
            for (int c = 0; c < columns; c++) {
                double x = (double)flow[f * 2 * columns + c] - constant[0];
                double y = (double)flow[(f * 2 + 1) * columns + c] - constant[1];
                length += sqrt(x * x + y * y);
                square += x * x + y * y;
            }
        *epe += length / ((double)steps * columns) / scenes->n_validation;
        *l2norm += sqrt(square) / scenes->n_validation;
    }
}

om_status om_train_baselines(const om_scenes *scenes, const om_batch_options *options,
                             om_baselines *b)
{
    om_batcher *batcher = NULL;
    om_real *luminance = NULL, *flow = NULL;
    om_status status = om_batcher_create(scenes, options, &batcher);
    if (status != OM_OK) return status;
    size_t film = (size_t)om_batcher_steps(batcher) * (size_t)scenes->n_columns;
    status = om_alloc(film, sizeof(om_real), &luminance);
    if (status == OM_OK) status = om_alloc(2 * film, sizeof(om_real), &flow);
    if (status == OM_OK) {
        double zero[2] = {0, 0}, mean[2] = {0, 0}, vectors = 0;
        add_flow(batcher, scenes, luminance, flow, mean, &vectors);
        for (int k = 0; k < 2 && vectors > 0; k++) mean[k] /= vectors;
        constant_errors(batcher, scenes, luminance, flow, zero, &b->zero_epe, &b->zero_l2norm);
        constant_errors(batcher, scenes, luminance, flow, mean, &b->mean_epe, &b->mean_l2norm);
    }
    om_batcher_free(batcher);
    om_free(luminance);
    om_free(flow);
    return status;
}
