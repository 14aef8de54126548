/* What a model answers to the battery, as far as tuning is measured by it. */
#include "lab/battery.h"

#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

om_status om_experiment_extremes(const om_experiment *x, const om_circuit *circuit,
                                 om_extremes **extremes)
{
    om_window *windows = NULL;
    OM_TRY(om_alloc((size_t)x->n_conditions, sizeof *windows, &windows));
    for (int i = 0; i < x->n_conditions; i++) windows[i] = x->conditions[i].window;
    om_status status = om_extremes_create(x->n_conditions, circuit->n_types, windows, extremes);
    om_free(windows);
    return status;
}

static om_status prepare(om_experiment_kind kind, const om_circuit *circuit, om_asked *a)
{
    OM_TRY(om_experiment_create(kind, circuit->extent, &a->x));
    return om_experiment_extremes(a->x, circuit, &a->extremes);
}

om_status om_battery_create(const om_circuit *circuit, om_battery *battery)
{
    memset(battery, 0, sizeof *battery);
    OM_TRY(prepare(OM_FLASHES_SHOWN, circuit, &battery->flashes));
    return prepare(OM_EDGES_SHOWN, circuit, &battery->edges);
}

void om_battery_free(om_battery *b)
{
    om_experiment_free(b->flashes.x);
    om_extremes_free(b->flashes.extremes);
    om_experiment_free(b->edges.x);
    om_extremes_free(b->edges.extremes);
    memset(b, 0, sizeof *b);
}

static void take(void *context, int condition, int frame, double time_s, const om_real *voltage)
{
    (void)frame;
    om_extremes_add(context, condition, time_s, voltage);
}

om_status om_battery_show(const om_battery *b, const om_circuit *circuit, const om_real *params,
                          const om_experiment_options *options, double *fri, double *peak)
{
    om_extremes *flashes = b->flashes.extremes, *edges = b->edges.extremes;
    om_extremes_reset(flashes);
    OM_TRY(om_experiment_run(b->flashes.x, circuit, params, options, take, flashes));
    for (int r = 0; r < OM_BATTERY_RADII; r++) /* the dark ones come first */
        om_flash_index(flashes, r, OM_BATTERY_RADII + r, fri + (ptrdiff_t)r * circuit->n_types);
    om_extremes_reset(edges);
    OM_TRY(om_experiment_run(b->edges.x, circuit, params, options, take, edges));
    om_peaks_of(edges, peak);
    return OM_OK;
}
