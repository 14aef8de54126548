/* ommatid compare: whether two ensembles differ, or are the same for all that matters. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/compare_report.h"
#include "cli/open_store.h"

static struct {
    om_list margins;
    bool across_scenes, csv;
} set;

static const om_option options[] = {
    {"margin", 0, OM_OPTION_LIST, "MEASURE=X",
     "smallest difference that matters; again for each; default: epe=0.078, l2norm=13.5",
     .value = &set.margins},
    {"across-scenes", 0, OM_OPTION_FLAG, NULL,
     "compare task errors even if they are of different scenes", .value = &set.across_scenes},
    {"csv", 0, OM_OPTION_FLAG, NULL, "comma-separated values", .value = &set.csv},
    {0},
};

const char *om_compared_name(int measure)
{
    if (measure == OM_COMPARED_EPE) return "epe";
    if (measure == OM_COMPARED_L2NORM) return "l2norm";
    return om_measures[measure - OM_COMPARED_FIRST].name;
}

/* --- margins --------------------------------------------------------------------------------- */

static om_status read_margin(const char *text, om_compared measures[OM_N_COMPARED])
{
    const char *names[OM_N_COMPARED + 1] = {0}, *equals = strchr(text, '=');
    char name[64];
    om_status status;
    for (int i = 0; i < OM_N_COMPARED; i++) names[i] = om_compared_name(i);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "="), text);
    for (int i = 0; i < OM_N_COMPARED; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        double *margin = &measures[i].margin;
        if (equals != NULL && om_parse_real(equals + 1, margin) && *margin > 0 && isfinite(*margin))
            return OM_OK;
        om_fail(OM_EUSAGE, "--margin '%s': expected %s=X with X above 0", text, name);
        return om_hint(OM_EUSAGE, "ommatid compare --help");
    }
    status = om_fail(OM_EUSAGE, "--margin '%s': there is no measure '%s'", text, name);
    const char *nearest = om_nearest(name, names);
    if (nearest != NULL) om_hint(status, "%s", nearest);
    return om_hint(status, "epe, l2norm, and those of: ommatid rank --help");
}

/* Those of task error are what the published models were compared with (lappalainenj/flyvis,
 * scripts/dvs_sim_parity): about one standard deviation of fifty models trained alike. */
static om_status set_margins(om_compared measures[OM_N_COMPARED])
{
    measures[OM_COMPARED_EPE].margin = 0.078;
    measures[OM_COMPARED_L2NORM].margin = 13.5;
    for (int i = 0; i < set.margins.n; i++) OM_TRY(read_margin(set.margins.items[i], measures));
    return OM_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static om_status read_errors(om_compared_store *s)
{
    const int n = s->info->n_models;
    om_ranked *ranked = NULL;
    OM_TRY(om_alloc((size_t)n, sizeof *ranked, &ranked));
    om_status status = om_ensemble_rank(s->store, s->info->selection, ranked);
    for (int i = 0; status == OM_OK && i < n; i++) {
        s->value[OM_COMPARED_EPE][ranked[i].model] = ranked[i].epe;
        s->value[OM_COMPARED_L2NORM][ranked[i].model] = ranked[i].l2norm;
    }
    om_free(ranked);
    return status;
}

static void explain_untuned(const om_validation *v, om_compared_store *s)
{
    for (int i = 0; i < v->n_models; i++)
        if (v->models[i].prediction.outcome != OM_PREDICTED)
            snprintf(s->untuned[i], sizeof *s->untuned, "%s", v->models[i].prediction.message);
}

/* What `validate` has kept; NaN if it was not called. */
static om_status read_measures(om_compared_store *s)
{
    om_validation *v = NULL;
    char *path = NULL;
    OM_TRY(om_alloc((size_t)s->info->n_models, sizeof *s->untuned, &s->untuned));
    OM_TRY(om_validation_file(s->info->path, &path));
    s->measured = access(path, F_OK) == 0;
    om_free(path);
    if (s->measured) OM_TRY(om_validation_read(s->store, NULL, 0, &v));
    if (s->measured) explain_untuned(v, s);
    for (int k = 0; k < OM_N_MEASURES; k++) {
        double *value = s->value[OM_COMPARED_FIRST + k];
        for (int i = 0; i < s->info->n_models; i++) value[i] = NAN;
        if (s->measured) om_validation_measure(v, (om_measure)k, value);
    }
    om_validation_free(v);
    return OM_OK;
}

static om_status check_models(const om_compared_store *s)
{
    if (s->n_done >= 2) return OM_OK;
    om_status status =
        s->n_done == 0
            ? om_fail(OM_EDATA,
                      "%s: none of its %d models has finished training, so there is "
                      "nothing to compare",
                      s->info->path, s->info->n_models)
            : om_fail(OM_EDATA,
                      "%s: only one of its %d models has finished training; a comparison "
                      "needs two",
                      s->info->path, s->info->n_models);
    return om_hint(status, "ommatid status %s", s->info->path);
}

static om_status read_store(const char *path, om_compared_store *s)
{
    OM_TRY(om_command_open_store(path, &s->store));
    s->info = om_store_describe(s->store);
    const size_t n = (size_t)s->info->n_models;
    OM_TRY(om_alloc(n, sizeof *s->rows, &s->rows));
    for (int k = 0; k < OM_N_COMPARED; k++) OM_TRY(om_alloc(n, sizeof(double), &s->value[k]));
    OM_TRY(om_store_read_rows(s->store, s->rows));
    for (size_t i = 0; i < n; i++) s->n_done += s->rows[i].status == OM_MODEL_DONE;
    OM_TRY(check_models(s));
    OM_TRY(read_errors(s));
    OM_TRY(read_measures(s));
    for (int k = 0; k < OM_N_COMPARED; k++)
        for (size_t i = 0; i < n; i++)
            if (s->rows[i].status != OM_MODEL_DONE) s->value[k][i] = NAN;
    return OM_OK;
}

static int count_known(const om_compared_store *s, int measure)
{
    int n = 0;
    for (int i = 0; i < s->info->n_models; i++) n += !isnan(s->value[measure][i]);
    return n;
}

void om_compare_left_out(const om_compared_store *s, om_compare_told *tell, void *context)
{
    static const char *const only[] = {
        [OM_COMPARED_EPE] = "only l2norm is known", [OM_COMPARED_L2NORM] = "only EPE is known"};
    static const char *const names[] = {[OM_COMPARED_EPE] = "EPE", [OM_COMPARED_L2NORM] = "l2norm"};
    for (int k = 0; k < OM_COMPARED_FIRST; k++)
        for (int i = 0; count_known(s, k) > 0 && i < s->info->n_models; i++)
            if (s->rows[i].status == OM_MODEL_DONE && isnan(s->value[k][i]))
                tell(context, i, names[k],
                     isnan(s->value[OM_COMPARED_FIRST - 1 - k][i]) ? "no error of it is known"
                                                                   : only[k]);
    for (int i = 0; i < s->info->n_models; i++)
        if (s->rows[i].status == OM_MODEL_DONE && s->untuned[i][0] != '\0')
            tell(context, i, "tuning", s->untuned[i]);
}

static om_status check_two_files(const char *a, const char *b)
{
    struct stat x, y;
    if (stat(a, &x) != 0 || stat(b, &y) != 0 || x.st_dev != y.st_dev || x.st_ino != y.st_ino)
        return OM_OK; /* what is missing is named when it is opened */
    om_fail(OM_EUSAGE, "compare: %s and %s are the same file", a, b);
    return om_hint(OM_EUSAGE, "ommatid compare A.h5 B.h5");
}

/* --- comparing ------------------------------------------------------------------------------- */

static om_status compare_measure(om_compare_report *r, int measure)
{
    const om_compared_store *a = &r->store[0], *b = &r->store[1];
    const om_bootstrap none = {.level = 0.95};
    om_compared *m = &r->measures[measure];
    const double *x = a->value[measure], *y = b->value[measure];
    const int n_a = a->info->n_models, n_b = b->info->n_models;
    m->more_is_better =
        measure >= OM_COMPARED_FIRST && om_measures[measure - OM_COMPARED_FIRST].more_is_better;
    OM_TRY(om_summarise(x, NULL, n_a, &none, &m->a));
    OM_TRY(om_summarise(y, NULL, n_b, &none, &m->b));
    OM_TRY(om_compare(x, n_a, y, n_b, m->margin, &m->tests));
    m->known = m->a.n > 0 && m->b.n > 0 && (measure >= OM_COMPARED_FIRST || !r->errors_apart);
    return OM_OK;
}

/* A difference that does not survive the correction is none to speak of. Task errors are one family of
 * questions and what validate keeps another: validating a store changes no verdict on its error. */
static om_status correct(om_compare_report *r)
{
    double p[OM_N_COMPARED];
    for (int k = 0; k < OM_N_COMPARED; k++)
        p[k] = r->measures[k].known ? r->measures[k].tests.welch_p : NAN;
    OM_TRY(om_holm(p, OM_COMPARED_FIRST, p));
    OM_TRY(om_holm(p + OM_COMPARED_FIRST, OM_N_MEASURES, p + OM_COMPARED_FIRST));
    for (int k = 0; k < OM_N_COMPARED; k++) {
        om_compared *m = &r->measures[k];
        m->corrected_p = p[k];
        m->verdict = m->tests.verdict;
        if (m->verdict == OM_DIFFERENT && !(p[k] < 0.05)) m->verdict = OM_UNDECIDED;
    }
    return OM_OK;
}

static double gain_ratio(const om_compare_report *r)
{
    const om_compared *m = &r->measures[OM_COMPARED_EPE];
    double a = r->store[0].info->baselines.zero_epe, b = r->store[1].info->baselines.zero_epe;
    if (!m->known) return NAN;
    if (isnan(a)) a = b;
    if (isnan(b)) b = a;
    return (a - m->a.mean) / (b - m->b.mean);
}

/* Says why there is nothing to compare, if so. */
static om_status check_measures(const om_compare_report *r)
{
    const char *a = r->store[0].info->path, *b = r->store[1].info->path;
    for (int k = 0; k < OM_N_COMPARED; k++)
        if (r->measures[k].known) return OM_OK;
    if (r->errors_apart) {
        om_fail(OM_EDATA, "%s and %s %s validation scenes: their task errors are not compared", a,
                b, r->scenes_known ? "have different" : "are not known to have the same");
        om_hint(OM_EDATA, "'ommatid validate' of both, to compare what is known of cells; or "
                          "--across-scenes");
    } else if (r->errors_unlike) {
        const bool epe = r->measures[OM_COMPARED_EPE].a.n > 0;
        om_fail(OM_EDATA, "of %s only %s is known, of %s only %s, and the two are not compared", a,
                epe ? "EPE" : "l2norm", b, epe ? "l2norm" : "EPE");
        om_hint(OM_EDATA, "'ommatid validate' of both, to compare what is known of cells");
    } else {
        om_fail(OM_EDATA, "%s and %s: no measure is known of models of both", a, b);
        om_hint(OM_EDATA, "ommatid rank %s", a);
    }
    return OM_EDATA;
}

static om_status compare(om_compare_report *r)
{
    const om_store_info *a = r->store[0].info, *b = r->store[1].info;
    r->same_circuit = a->circuit_checksum == b->circuit_checksum;
    r->scenes_known = a->imported_from == NULL && b->imported_from == NULL;
    r->same_scenes = r->scenes_known && a->scenes_checksum == b->scenes_checksum;
    r->errors_apart = !r->same_scenes && !set.across_scenes;
    for (int k = 0; k < OM_N_COMPARED; k++) OM_TRY(compare_measure(r, k));
    const om_compared *epe = &r->measures[OM_COMPARED_EPE], *l2 = &r->measures[OM_COMPARED_L2NORM];
    r->errors_unlike = !(epe->a.n > 0 && epe->b.n > 0) && !(l2->a.n > 0 && l2->b.n > 0) &&
                       epe->a.n + l2->a.n > 0 && epe->b.n + l2->b.n > 0;
    r->gain_ratio = gain_ratio(r);
    OM_TRY(correct(r));
    return check_measures(r);
}

static om_status print(const om_arguments *args, const om_compare_report *r)
{
    if (args->json) return om_compare_print_json(r);
    if (set.csv)
        om_compare_print_csv(r);
    else
        om_compare_print(r);
    return OM_OK;
}

static om_status run(const om_arguments *args)
{
    om_compare_report r = {0};
    if (args->json && set.csv) return om_fail(OM_EUSAGE, "compare: --csv or --json, not both");
    OM_TRY(set_margins(r.measures));
    OM_TRY(check_two_files(args->words[0], args->words[1]));
    om_status status = OM_OK;
    for (int i = 0; i < 2 && status == OM_OK; i++) status = read_store(args->words[i], &r.store[i]);
    if (status == OM_OK) status = compare(&r);
    if (status == OM_OK) status = print(args, &r);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < OM_N_COMPARED; k++) om_free(r.store[i].value[k]);
        om_free(r.store[i].rows);
        om_free(r.store[i].untuned);
        om_store_close(r.store[i].store);
    }
    return status;
}

const om_command om_cmd_compare = {
    .name = "compare",
    .summary = "two ensembles: do they differ, or are they equivalent",
    .synopsis = "A B [--margin MEASURE=X]",
    .details =
        "Task error is compared if it is known to be of the same validation scenes (never of "
        "imported\n"
        "models, unless --across-scenes says so), and every measure that\n"
        "'ommatid validate' has kept of both. Models that diverged or are not finished are left "
        "out.\n"
        "Two ensembles are equivalent in a measure only if a margin is given for it; the default "
        "ones\nare those that the published models were compared with, for their scenes.",
    .options = options,
    .json = true,
    .least = 2,
    .most = 2,
    .example = "ommatid compare mine.h5 paper-ensemble.h5\n"
               "ommatid compare a.h5 b.h5 --margin epe=0.05 --margin dsi_t4=0.1",
    .run = run,
};
