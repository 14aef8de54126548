/* The status of a sweep: its points, not their models. */
#include "cli/status_sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/fields.h"
#include "cli/run_state.h"
#include "ensemble/progress.h"

/* One point at one moment. */
typedef struct point {
    int n_models, count[OM_MODEL_FAILED + 1];
    uint64_t iterations, total;
    double best; /* selection measure; NaN: none */
    bool epe;
    om_run_row run;
    om_run_state state;
} point;

static om_status read_models(om_store *store, point *p)
{
    const om_store_info *info = om_store_describe(store);
    om_model_row *rows = NULL;
    float *check = NULL;
    om_status status = om_alloc((size_t)info->n_models, sizeof *rows, &rows);
    if (status == OM_OK) status = om_alloc((size_t)info->layout.n_checks, sizeof *check, &check);
    if (status == OM_OK) status = om_store_read_rows(store, rows);
    for (int m = 0; m < info->n_models && status == OM_OK; m++) {
        p->count[rows[m].status]++;
        p->iterations += rows[m].iteration;
        p->total += info->layout.iterations;
        status = om_store_read_history(store, m, NULL, NULL, p->epe ? NULL : check,
                                       p->epe ? check : NULL);
        for (int i = 0; i < info->layout.n_checks && status == OM_OK; i++)
            if (!isnan(check[i]) && !((double)check[i] >= p->best)) p->best = (double)check[i];
    }
    om_free(rows);
    om_free(check);
    return status;
}

static om_status read_point(const char *file, int number, point *p)
{
    char path[OM_SWEEP_PATH_BYTES];
    om_store *store;
    OM_TRY(om_sweep_point_path(file, number, path));
    OM_TRY(om_store_open(path, OM_STORE_READ, &store));
    const om_store_info *info = om_store_describe(store);
    *p = (point){.n_models = info->n_models, .best = NAN, .epe = info->selection == OM_LOSS_EPE};
    om_status status = om_store_read_run(store, &p->run);
    if (status == OM_OK) status = read_models(store, p);
    if (status == OM_OK)
        p->state = om_run_state_of(file, &p->run,
                                   p->count[OM_MODEL_WAITING] + p->count[OM_MODEL_RUNNING] > 0);
    om_store_close(store);
    return status;
}

static void print_point(const om_sweep *sweep, int number, const point *p)
{
    char label[OM_SWEEP_LABEL_BYTES], best[32] = "-";
    om_sweep_label(sweep, number, label);
    if (!sweep->present[number]) {
        printf("%5d  missing     %s\n", number, label);
        return;
    }
    if (isfinite(p->best)) snprintf(best, sizeof best, "%.4f", p->best);
    printf("%5d  %-9s  %4d  %7d  %7d  %5d  %9.1f %%  %9s  %s\n", number,
           om_run_state_name(p->state), p->count[OM_MODEL_DONE] + p->count[OM_MODEL_STOPPED],
           p->count[OM_MODEL_RUNNING], p->count[OM_MODEL_WAITING],
           p->count[OM_MODEL_DIVERGED] + p->count[OM_MODEL_FAILED],
           p->total > 0 ? 100 * (double)p->iterations / (double)p->total : 100.0, best, label);
}

static void print_text(const om_sweep *sweep, const char *name, const point *points)
{
    const om_run_row *run = NULL;
    char left[32];
    printf("%s: %d points\n\n", name, sweep->n_points);
    printf("point  state      done  running  waiting  lost   iterations  best error  values\n");
    for (int p = 0; p < sweep->n_points; p++) {
        print_point(sweep, p, &points[p]);
        if (points[p].run.trainers > 0) run = &points[p].run;
    }
    printf("\nlost: diverged or failed.");
    if (run != NULL) {
        printf(" job: %s, %d trainers, %.1f iterations/s", run->job, run->trainers,
               run->iterations_per_s);
        if (isfinite(run->seconds_left)) {
            om_progress_duration(run->seconds_left, left, sizeof left);
            printf(", %s left", left);
        }
    }
    printf("\n");
}

static om_status print_json(const char *file, const om_sweep *sweep, const char *name,
                            const point *points)
{
    json_t *list = json_array();
    json_int_t done = 0, total = 0;
    for (int i = 0; i < sweep->n_points; i++) {
        const point *p = &points[i];
        done += (json_int_t)p->iterations;
        total += (json_int_t)p->total;
        char label[OM_SWEEP_LABEL_BYTES];
        om_sweep_label(sweep, i, label);
        json_array_append_new(
            list,
            sweep->present[i]
                ? json_pack(
                      "{s:i s:s s:s s:i s:i s:i s:i s:i s:i s:I s:I s:o}", "point", i, "values",
                      label, "state", om_run_state_name(p->state), "models", p->n_models, "done",
                      p->count[OM_MODEL_DONE], "running", p->count[OM_MODEL_RUNNING], "waiting",
                      p->count[OM_MODEL_WAITING], "diverged", p->count[OM_MODEL_DIVERGED], "failed",
                      p->count[OM_MODEL_FAILED], "iterations", (json_int_t)p->iterations,
                      "iterations_total", (json_int_t)p->total, "best", om_json_number(p->best))
                : json_pack("{s:i s:s s:s}", "point", i, "values", label, "state", "missing"));
    }
    return om_command_print_json(json_pack("{s:s s:s s:I s:I s:o}", "name", name, "store", file,
                                           "iterations", done, "iterations_total", total, "points",
                                           list));
}

om_status om_status_sweep(const char *file, const om_sweep *sweep, const char *name, bool json,
                          bool *running)
{
    point *points = NULL;
    *running = false;
    OM_TRY(om_alloc((size_t)sweep->n_points, sizeof *points, &points));
    om_status status = OM_OK;
    for (int p = 0; p < sweep->n_points && status == OM_OK; p++) {
        if (!sweep->present[p]) continue;
        status = read_point(file, p, &points[p]);
        *running |= status == OM_OK && om_run_goes_on(points[p].state);
    }
    if (status == OM_OK && json)
        status = print_json(file, sweep, name, points);
    else if (status == OM_OK)
        print_text(sweep, name, points);
    om_free(points);
    return status;
}
