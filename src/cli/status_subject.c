/* From a word of the command line to what is there of it: a store, points of a sweep that are trained one by
 * one, a run or a job that will make one. */
#include "cli/status_subject.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "ensemble/points.h"
#include "ensemble/submit_script.h"
#include "ommatid/om_check.h"
#include "ommatid/om_spec.h"

static bool is_spec(const char *word)
{
    char file[PATH_MAX];
    om_split_part(word, file);
    const char *dot = strrchr(file, '.');
    return dot != NULL && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0);
}

/* The store that `submit` makes of a spec; subject->sweep: its points, if it has some. */
static om_status read_spec(const char *word, om_subject *subject)
{
    char *text = NULL;
    om_spec *spec = NULL;
    OM_TRY(om_spec_text(word, &text));
    om_status status = om_spec_sweep(word, text, &subject->sweep);
    if (status == OM_OK) status = om_alloc(1, sizeof *spec, &spec);
    const char *of_one = subject->sweep != NULL ? subject->sweep->specs[0] : text;
    if (status == OM_OK) status = om_spec_parse(word, of_one, spec);
    if (status == OM_OK) status = om_usual_store(word, spec->name, subject->store);
    if (status == OM_OK) om_slurm_job_name(spec->name, subject->name);
    om_free(spec);
    om_free(text);
    return status;
}

/* The name that jobs have where a store has that of its spec: without folder, ".h5" and ".point2". */
static void name_jobs(om_subject *subject)
{
    char file[PATH_MAX], job[OM_SLURM_JOB_NAME];
    om_split_part(subject->store, file);
    const char *slash = strrchr(file, '/');
    om_slurm_job_name(slash != NULL ? slash + 1 : file, job);
    char *dot = strrchr(job, '.');
    if (dot != NULL && dot > job) *dot = '\0';
    char *point = strstr(job, ".point");
    const char *number = point != NULL ? point + strlen(".point") : "";
    if (number[0] != '\0' && number[strspn(number, "0123456789")] == '\0') *point = '\0';
    snprintf(subject->name, sizeof subject->name, "%s", job);
}

/* When a file was last written, s; 0: it is not there. */
static double written(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) return 0;
    return (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec;
}

/* The newest of the points' stores, and one more than the last one's number. */
static om_status find_points(const char *store, int *n, double *newest)
{
    char path[OM_SWEEP_PATH_BYTES];
    *n = 0;
    *newest = 0;
    for (int p = 0; p < OM_SWEEP_MOST_POINTS; p++) {
        OM_TRY(om_sweep_store_of(store, p, path));
        const double t = written(path);
        if (t > 0) *n = p + 1;
        if (t > *newest) *newest = t;
    }
    return OM_OK;
}

/* So many points of which nothing else is known. */
static om_status count_out(om_subject *subject, int n)
{
    OM_TRY(om_alloc(1, sizeof *subject->sweep, &subject->sweep));
    subject->sweep->n_points = n;
    return OM_OK;
}

/* Where the file is not there. */
static om_status look_ahead(om_subject *subject)
{
    const om_lock_state lock = om_store_inspect_lock(subject->store, subject->holder);
    subject->kind = OM_SUBJECT_PREPARING;
    if (lock == OM_LOCK_LIVE || lock == OM_LOCK_ELSEWHERE) return OM_OK;
    subject->kind = OM_SUBJECT_QUEUED;
    if (om_slurm_find_named(subject->name, &subject->job, 1) > 0) return OM_OK;
    subject->kind = OM_SUBJECT_FILE; /* whoever opens it says that it is not there */
    return OM_OK;
}

static om_status find(om_subject *subject, bool by_spec)
{
    char file[PATH_MAX];
    int n = 0;
    double newest = 0;
    const bool is_point = om_split_part(subject->store, file) >= 0;
    const double whole = written(file);
    if (!is_point && (by_spec ? subject->sweep != NULL : whole == 0))
        OM_TRY(find_points(subject->store, &n, &newest));
    if (n > 0 && newest > whole) {
        subject->kind = OM_SUBJECT_POINTS;
        return subject->sweep != NULL ? OM_OK : count_out(subject, n);
    }
    return whole > 0 ? OM_OK : look_ahead(subject);
}

om_status om_subject_find(const char *word, om_subject *subject)
{
    om_status status = OM_OK;
    const bool by_spec = is_spec(word);
    *subject = (om_subject){.kind = OM_SUBJECT_FILE};
    if (by_spec) {
        status = read_spec(word, subject);
    } else if (snprintf(subject->store, sizeof subject->store, "%s", word) < OM_SWEEP_PATH_BYTES) {
        name_jobs(subject);
    } else {
        status = om_fail(OM_EUSAGE, "%.80s...: expected the name of a store", word);
    }
    if (status == OM_OK) status = find(subject, by_spec);
    if (status != OM_OK) om_subject_free(subject);
    return status;
}

void om_subject_free(om_subject *subject)
{
    om_sweep_free(subject->sweep);
    subject->sweep = NULL;
}
