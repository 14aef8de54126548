/* ommatid merge: the stores of a sweep's points, trained one by one, into one file. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "ommatid/om_spec.h"
#include "ommatid/om_sweep.h"

static struct {
    const char *store;
} set;

static const om_option options[] = {
    {"output", 'o', OM_OPTION_FILE, "STORE", "the file to create (required)", .value = &set.store},
    {0},
};

/* Whether a point's job has left a store that can be taken; says why not. */
static bool can_be_taken(const om_sweep *sweep, int point, const char *path, bool quiet)
{
    char label[OM_SWEEP_LABEL_BYTES];
    om_store *store;
    om_sweep_label(sweep, point, label);
    if (access(path, F_OK) != 0) {
        if (!quiet)
            fprintf(stderr, "left out: point %d (%s): there is no %s\n", point, label, path);
        return false;
    }
    if (om_store_open(path, OM_STORE_READ, &store) != OM_OK) {
        if (!quiet) fprintf(stderr, "left out: point %d (%s): %s\n", point, label, om_message());
        om_message_clear();
        return false;
    }
    om_store_close(store);
    return true;
}

static om_status merge(om_sweep *sweep, const om_spec *spec, const char *text, const char *store,
                       bool quiet)
{
    const char *stores[OM_SWEEP_MOST_POINTS];
    char(*paths)[OM_SWEEP_PATH_BYTES] = NULL;
    int n = 0;
    OM_TRY(om_alloc((size_t)sweep->n_points, sizeof *paths, &paths));
    om_status status = OM_OK;
    for (int p = 0; p < sweep->n_points && status == OM_OK; p++) {
        status = om_sweep_store_of(store, p, paths[p]);
        if (status != OM_OK) break;
        sweep->present[p] = can_be_taken(sweep, p, paths[p], quiet);
        stores[p] = sweep->present[p] ? paths[p] : NULL;
        n += sweep->present[p];
    }
    if (status == OM_OK && n == 0) {
        om_fail(OM_EDATA, "%s: no point of the sweep has left a store", store);
        status = om_hint(OM_EDATA, "its points first: ommatid run SPEC:0 -o %s", paths[0]);
    }
    if (status == OM_OK) status = om_sweep_merge(store, sweep, spec->name, text, stores);
    om_free(paths);
    if (status == OM_OK && !quiet)
        fprintf(stderr, "%s: %d of %d points\n", store, n, sweep->n_points);
    if (status == OM_OK && n < sweep->n_points)
        status = om_fail(OM_EFAIL, "%d of %d points are missing in %s", sweep->n_points - n,
                         sweep->n_points, store);
    return status;
}

static om_status run(const om_arguments *args)
{
    char *text = NULL;
    om_sweep *sweep = NULL;
    om_spec spec;
    if (set.store == NULL) {
        om_fail(OM_EUSAGE, "merge: the file to create is missing");
        return om_hint(OM_EUSAGE, "ommatid merge %s -o STORE.h5", args->words[0]);
    }
    OM_TRY(om_spec_text(args->words[0], &text));
    om_status status = om_spec_sweep(args->words[0], text, &sweep);
    if (status == OM_OK && sweep == NULL)
        status = om_fail(OM_EDATA, "%s: has no section 'sweep': there is nothing to merge",
                         args->words[0]);
    if (status == OM_OK) status = om_spec_parse(args->words[0], sweep->specs[0], &spec);
    if (status == OM_OK) status = om_check_new_file(set.store, "-o");
    if (status == OM_OK) status = merge(sweep, &spec, text, set.store, args->quiet);
    om_sweep_free(sweep);
    om_free(text);
    return status;
}

const om_command om_cmd_merge = {
    .name = "merge",
    .summary = "the points of a sweep, trained one by one, into one file",
    .synopsis = "SPEC -o STORE.h5",
    .details = "Point 2 of a sweep is trained alone by 'ommatid run SPEC:2 -o STORE.point2.h5'. "
               " Points without a store are left out and named; exit status "
               "1 then. The points'\nown stores stay.",
    .options = options,
    .least = 1,
    .most = 1,
    .example = "ommatid merge controls.yaml -o controls.h5",
    .run = run,
};
