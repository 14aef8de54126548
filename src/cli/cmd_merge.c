/* ommatid merge: the stores of a sweep's points, trained one by one, into one file. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/open_store.h"
#include "ensemble/points.h"
#include "ommatid/om_spec.h"
#include "ommatid/om_sweep.h"
#include "store/h5.h"

static struct {
    const char *store;
} set;

static const om_option options[] = {
    {"output", 'o', OM_OPTION_FILE, "STORE", "the file to make (required)", .value = &set.store},
    {0},
};

/* What is merged. */
typedef struct merging {
    const char *file; /* of the spec */
    om_sweep *sweep;
    char (*paths)[OM_SWEEP_PATH_BYTES]; /* [n_points] */
    om_point *points;                   /* [n_points] what the stores hold that are taken */
    int missing, unfinished;            /* points */
    bool quiet;
} merging;

/* Takes a point's store, or says why not. */
static om_status take(merging *m, int point)
{
    char label[OM_SWEEP_LABEL_BYTES];
    const char *path = m->paths[point];
    om_status status = access(path, F_OK) == 0 ? om_command_try_store(path) : OM_OK;
    if (status == OM_OK)
        status = om_point_examine(m->file, m->sweep, point, path, &m->points[point]);
    m->sweep->present[point] = status == OM_OK;
    m->missing += status != OM_OK;
    if (status == OM_ENOMEM || status == OM_OK) return status;
    om_sweep_label(m->sweep, point, label);
    if (!m->quiet) fprintf(stderr, "left out: point %d (%s): %s\n", point, label, om_message());
    om_message_clear();
    return OM_OK;
}

/* The points that are taken as they are, but not at their end. */
static void name_unfinished(merging *m)
{
    char label[OM_SWEEP_LABEL_BYTES], reached[OM_REACHED_BYTES];
    for (int p = 0; p < m->sweep->n_points; p++) {
        if (!m->sweep->present[p] || m->points[p].reached.finished) continue;
        m->unfinished++;
        om_sweep_label(m->sweep, p, label);
        om_reached_print(&m->points[p].reached, reached);
        if (m->quiet) continue;
        fprintf(stderr,
                "not finished: point %d (%s): %s\n"
                "  try: ommatid run %s:%d -o %s, then merge again\n",
                p, label, reached, m->file, p, m->paths[p]);
    }
}

static void warn_of_kernels(const merging *m)
{
    int first = -1;
    for (int p = 0; p < m->sweep->n_points; p++) {
        const char *kernels = m->points[p].kernels;
        if (!m->sweep->present[p] || kernels[0] == '\0') continue;
        if (first < 0) first = p;
        if (om_train_kernels_agree(m->points[first].kernels, kernels)) continue;
        fprintf(stderr,
                "warning: point %d was begun with %s kernels, point %d with %s: the last bits of "
                "their models differ\n",
                first, m->points[first].kernels, p, kernels);
        return;
    }
}

/* What is not as it should be, if anything, once the file is there. */
static om_status conclude(const merging *m, const char *store)
{
    const int n = m->sweep->n_points;
    if (m->missing > 0 && m->unfinished > 0)
        return om_fail(OM_EFAIL, "%d of %d points are missing in %s, and %d not trained to the end",
                       m->missing, n, store, m->unfinished);
    if (m->missing > 0)
        return om_fail(OM_EFAIL, "%d of %d points are missing in %s", m->missing, n, store);
    if (m->unfinished > 0)
        return om_fail(OM_EFAIL, "%d of %d points in %s are not trained to the end", m->unfinished,
                       n, store);
    return OM_OK;
}

static om_status merge(merging *m, const char *name, const char *text, const char *store)
{
    const char *stores[OM_SWEEP_MOST_POINTS];
    const int n = m->sweep->n_points;
    for (int p = 0; p < n; p++) {
        OM_TRY(om_sweep_store_of(store, p, m->paths[p]));
        OM_TRY(take(m, p));
        stores[p] = m->sweep->present[p] ? m->paths[p] : NULL;
    }
    if (m->missing == n) {
        om_fail(OM_EDATA, "%s: no point of the sweep has left a store", store);
        return om_hint(OM_EDATA, "its points first: ommatid run %s:0 -o %s", m->file, m->paths[0]);
    }
    OM_TRY(om_points_may_replace(m->file, m->sweep, store));
    OM_TRY(om_sweep_merge(store, m->sweep, name, text, stores));
    if (!m->quiet) warn_of_kernels(m);
    name_unfinished(m);
    if (!m->quiet) fprintf(stderr, "%s: %d of %d points\n", store, n - m->missing, n);
    return conclude(m, store);
}

/* No run goes on with the file meanwhile, or makes it. */
static om_status merge_locked(merging *m, const char *name, const char *text, const char *store)
{
    const size_t n = (size_t)m->sweep->n_points;
    OM_TRY(om_check_folder(store));
    OM_TRY(om_file_lock(store, store, "trained, or merged,", "-o"));
    om_status status = om_remove_leftovers(store, ".partial.");
    if (status == OM_OK && access(store, F_OK) == 0) status = om_command_try_store(store);
    if (status == OM_OK) status = om_alloc(n, sizeof *m->paths, &m->paths);
    if (status == OM_OK) status = om_alloc(n, sizeof *m->points, &m->points);
    if (status == OM_OK) status = merge(m, name, text, store);
    om_free(m->paths);
    om_free(m->points);
    om_store_unlock(store);
    return status;
}

static om_status run(const om_arguments *args)
{
    char *text = NULL;
    merging m = {.file = args->words[0], .quiet = args->quiet};
    om_spec spec;
    if (set.store == NULL) {
        om_fail(OM_EUSAGE, "merge: the file to make is missing");
        return om_hint(OM_EUSAGE, "ommatid merge %s -o STORE.h5", args->words[0]);
    }
    OM_TRY(om_spec_text(m.file, &text));
    om_status status = om_spec_sweep(m.file, text, &m.sweep);
    if (status == OM_OK && m.sweep == NULL)
        status = om_fail(OM_EDATA, "%s: has no section 'sweep': there is nothing to merge", m.file);
    if (status == OM_OK) status = om_spec_parse(m.file, m.sweep->specs[0], &spec);
    if (status == OM_OK) status = merge_locked(&m, spec.name, text, set.store);
    om_sweep_free(m.sweep);
    om_free(text);
    return status;
}

const om_command om_cmd_merge = {
    .name = "merge",
    .summary = "the points of a sweep, trained one by one, into one file",
    .synopsis = "SPEC -o STORE.h5",
    .details =
        "Point 2 of a sweep is trained alone by 'ommatid run SPEC:2 -o STORE.point2.h5'. Points "
        "without a store\n"
        "of their own, or whose store is damaged, another ensemble's or being trained, are left "
        "out and named;\n"
        "those that are not trained to the end are merged and named; exit status 1 then. The "
        "points' own stores\n"
        "stay. The same command again replaces the file, unless that was trained on.",
    .options = options,
    .least = 1,
    .most = 1,
    .example = "ommatid merge controls.yaml -o controls.h5",
    .run = run,
};
