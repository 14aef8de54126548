/* Finding the paper's trained models, and which of their checkpoints to take; flyvis_params.c reads
 * what is in one. */
#include "store/flyvis.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/fail.h"
#include "base/memory.h"
#include "circuit/build.h"
#include "store/flyvis_params.h"
#include "store/h5.h"

enum {
    PAPER_EXTENT = 15,
    TIME_STEPS = 40, /* of a validation sequence: 19 frames at 24 Hz, in steps of 20 ms */
    MOST_CHECKPOINTS = 1000000
};

/* --- folders --------------------------------------------------------------------------------- */

static om_status join(char path[PATH_MAX], const char *folder, const char *name, const char *file)
{
    int n = snprintf(path, PATH_MAX, "%s/%s%s%s", folder, name, file[0] ? "/" : "", file);
    if (n >= 0 && n < PATH_MAX) return OM_OK;
    return om_fail(OM_EIO, "%s: the path is too long", folder);
}

static bool is_there(const char *path) { return access(path, F_OK) == 0; }

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* A pipe would be waited for. What is not there is named by who opens it. */
static om_status check_regular(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || S_ISREG(info.st_mode)) return OM_OK;
    return om_fail(OM_EDATA, "%s: is not a regular file", path);
}

static bool is_number(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < OM_FLYVIS_NAME_BYTES && strspn(name, "0123456789") == n;
}

static int by_number(const void *a, const void *b)
{
    unsigned long long x = strtoull(a, NULL, 10), y = strtoull(b, NULL, 10);
    return x != y ? (x < y ? -1 : 1) : strcmp(a, b);
}

/* Names of the numbered folders in a folder. */
static om_status list_models(om_flyvis *f)
{
    char path[PATH_MAX];
    DIR *folder = opendir(f->path);
    if (folder == NULL) return om_fail_input(f->path);
    om_status status = OM_OK;
    for (const struct dirent *entry; status == OM_OK && (entry = readdir(folder)) != NULL;) {
        if (!is_number(entry->d_name)) continue;
        status = join(path, f->path, entry->d_name, "");
        if (status != OM_OK || !is_folder(path)) continue;
        if (f->n == OM_FLYVIS_MODELS)
            status = om_fail(OM_EDATA, "%s: has more than %d models", f->path, OM_FLYVIS_MODELS);
        else
            strcpy(f->names[f->n++], entry->d_name);
    }
    closedir(folder);
    if (f->n > 0) qsort(f->names, (size_t)f->n, sizeof *f->names, by_number);
    return status;
}

static om_status open_folder(const char *path, om_flyvis *f)
{
    char inner[PATH_MAX];
    OM_TRY(join(inner, path, "checkpoints", ""));
    f->path = strdup(is_folder(inner) ? inner : path);
    if (f->path == NULL) return om_fail(OM_ENOMEM, "%s: out of memory", path);
    OM_TRY(om_alloc(OM_FLYVIS_MODELS, sizeof *f->names, &f->names));
    OM_TRY(list_models(f));
    if (f->n > 0) return OM_OK;
    om_fail(OM_EDATA, "%s: holds no models", f->path);
    return om_hint(OM_EDATA, "the folder whose folders are models, named 0000, 0001, ...");
}

om_status om_flyvis_open(const char *path, om_flyvis **folder)
{
    *folder = NULL;
    om_flyvis *f = NULL;
    OM_TRY(om_alloc(1, sizeof *f, &f));
    om_status status = open_folder(path, f);
    if (status == OM_OK)
        *folder = f;
    else
        om_flyvis_close(f);
    return status;
}

void om_flyvis_close(om_flyvis *folder)
{
    if (folder == NULL) return;
    free(folder->path);
    om_free(folder->names);
    om_free(folder);
}

/* --- the circuit's extent -------------------------------------------------------------------- */

/* What a model's configuration says, or 0. */
static int stated_extent(const om_flyvis *f, int i)
{
    char path[PATH_MAX];
    int extent = 0;
    if (join(path, f->path, f->names[i], "_meta.yaml") != OM_OK || check_regular(path) != OM_OK)
        return 0;
    json_t *root = json_load_file(path, 0, NULL); /* YAML that is JSON, too */
    if (json_unpack(root, "{s:{s:{s:{s:i}}}}", "config", "network", "connectome", "extent",
                    &extent) != 0 ||
        extent < 1 || extent > OM_LATTICE_MAX_EXTENT)
        extent = 0;
    json_decref(root);
    return extent;
}

/* Pairs and taps of the first model that can be read; 0 where none can. */
static void count_live(const om_flyvis *f, size_t *pairs, size_t *taps)
{
    char path[PATH_MAX];
    *pairs = *taps = 0;
    for (int i = 0; i < f->n; i++) {
        if (join(path, f->path, f->names[i], "best_chkpt") != OM_OK) continue;
        if (!is_there(path) && join(path, f->path, f->names[i], "chkpts/chkpt_00000") != OM_OK)
            continue;
        if (check_regular(path) == OM_OK && om_flyvis_params_live(path, pairs, taps) == OM_OK)
            return;
    }
}

static bool fits(const om_circuit *circuit, size_t pairs, size_t taps)
{
    return (size_t)circuit->n_live_pairs == pairs && (size_t)circuit->n_live_taps == taps;
}

om_status om_flyvis_circuit(const om_flyvis *folder, const char *source, om_circuit **circuit)
{
    int extent = 0;
    size_t pairs, taps;
    for (int i = 0; i < folder->n && extent == 0; i++) extent = stated_extent(folder, i);
    OM_TRY(om_circuit_open(source, extent != 0 ? extent : PAPER_EXTENT, circuit));
    if (extent != 0) return OM_OK;
    count_live(folder, &pairs, &taps);
    for (int e = 1; e <= OM_LATTICE_MAX_EXTENT && !fits(*circuit, pairs, taps); e++)
        om_circuit_instantiate(*circuit, e);
    if (!fits(*circuit, pairs, taps)) om_circuit_instantiate(*circuit, PAPER_EXTENT);
    return OM_OK; /* where nothing fits, every model will say so */
}

/* --- validation ------------------------------------------------------------------------------ */

/* The numbers of a validation file, one for each checkpoint. */
typedef struct curve {
    double *values;
    size_t n; /* 0: there is no such file */
} curve;

static om_status read_values(om_h5 *file, const char *path, om_h5_type type, curve *c)
{
    const om_h5_field many = {.path = "/data", .type = type, .axes = {"checkpoint"}};
    const om_h5_field one = {.path = "/data", .type = type};
    om_h5_data data;
    om_status status = om_h5_find(file, &many, NULL, &data);
    if (status != OM_OK) status = om_h5_find(file, &one, NULL, &data);
    OM_TRY(status);
    c->n = data.n_axes == 0 ? 1 : data.length[0];
    if (c->n < 1 || c->n > MOST_CHECKPOINTS)
        status =
            om_fail(OM_EDATA, "%s: %zu values: expected 1 to %d", path, c->n, MOST_CHECKPOINTS);
    else
        status = om_h5_read_new(&data, &c->values);
    om_h5_release(&data);
    return status;
}

static om_status read_file(const om_flyvis *f, int i, const char *name, om_h5_type type, curve *c)
{
    char path[PATH_MAX];
    om_h5 *file;
    *c = (curve){0};
    OM_TRY(join(path, f->path, f->names[i], name));
    if (!is_there(path)) return OM_OK;
    OM_TRY(check_regular(path));
    OM_TRY(om_h5_open(path, OM_H5_READ, &file));
    om_status status = read_values(file, path, type, c);
    om_h5_close(file);
    return status;
}

/* Errors on validation scenes; NaN: not validated. */
static om_status read_curve(const om_flyvis *f, int i, const char *name, curve *c)
{
    om_status status = read_file(f, i, name, OM_H5_F64, c);
    for (size_t k = 0; status == OM_OK && k < c->n; k++)
        if (c->values[k] < 0)
            status = om_fail(OM_EDATA, "%s/%s/%s: value %zu is %g: expected an error, 0 or more",
                             f->path, f->names[i], name, k, c->values[k]);
    if (status == OM_OK) return OM_OK;
    om_free(c->values);
    *c = (curve){0};
    return status;
}

/* Iterations done at a checkpoint: what is stored is the number of the last one, -1 before training. */
static om_status read_iteration(const om_flyvis *f, int i, int checkpoint, uint64_t *iteration)
{
    curve last;
    *iteration = OM_ITERATION_UNKNOWN;
    OM_TRY(read_file(f, i, "chkpt_iter.h5", OM_H5_I64, &last));
    if ((size_t)checkpoint < last.n) {
        int64_t number;
        memcpy(&number, &last.values[checkpoint], sizeof number);
        if (number >= -1 && number < INT64_MAX) *iteration = (uint64_t)(number + 1);
    }
    om_free(last.values);
    return OM_OK;
}

/* Position of the lowest value; -1 where there is none. */
static int lowest(const curve *c)
{
    int best = -1;
    for (size_t i = 0; i < c->n; i++)
        if (isfinite(c->values[i]) && (best < 0 || c->values[i] < c->values[best])) best = (int)i;
    return best;
}

static double value_at(const curve *c, int i)
{
    return i >= 0 && (size_t)i < c->n && isfinite(c->values[i]) ? c->values[i] : NAN;
}

/* The least l2norm that models with an EPE of 1 can have. */
static double l2norm_of_one(const om_circuit *circuit)
{
    return sqrt((double)TIME_STEPS * circuit->n_columns);
}

static om_flyvis_loss guess_trained(double loss, const om_circuit *circuit)
{
    return 10 * loss < l2norm_of_one(circuit) ? OM_FLYVIS_LOSS_EPE_SMALL
                                              : OM_FLYVIS_LOSS_L2NORM_TRAINED;
}

static om_flyvis_loss guess_first(double loss, const om_circuit *circuit)
{
    return loss < l2norm_of_one(circuit) ? OM_FLYVIS_LOSS_EPE_FIRST : OM_FLYVIS_LOSS_L2NORM_LARGE;
}

/* Enters a loss as the measure that it is, which was guessed unless it is said. */
static void enter_loss(double loss, const om_flyvis_choice *choice, om_flyvis_loss guess,
                       om_flyvis_model *model)
{
    const bool guessed_epe = guess == OM_FLYVIS_LOSS_EPE_FIRST || guess == OM_FLYVIS_LOSS_EPE_SMALL;
    const bool epe = choice->says_loss ? choice->loss == OM_LOSS_EPE : guessed_epe;
    model->loss = OM_FLYVIS_LOSS_NONE;
    if (isnan(loss)) return;
    model->loss = choice->says_loss ? OM_FLYVIS_LOSS_SURE : guess;
    if (!epe)
        model->l2norm = loss;
    else if (isnan(model->epe))
        model->epe = loss; /* one of its own wins */
}

/* The loss beside an EPE is the l2norm, unless both are the same. */
static void enter_beside_epe(double loss, const om_flyvis_choice *choice, om_flyvis_model *model)
{
    if (loss != model->epe) enter_loss(loss, choice, OM_FLYVIS_LOSS_SURE, model);
}

/* --- one model ------------------------------------------------------------------------------- */

static om_status no_checkpoint(const om_flyvis *f, int i, const char *why)
{
    return om_fail(OM_EDATA, "%s/%s: %s", f->path, f->names[i], why);
}

/* Chooses among the checkpoints of the current layout. */
static om_status choose(const om_flyvis *f, int i, int wanted, const curve *epe, const curve *loss,
                        int *checkpoint, const char **why)
{
    *checkpoint = wanted;
    *why = "as asked";
    if (wanted >= 0) return OM_OK;
    bool by_epe =
        wanted == OM_CHECKPOINT_LEAST_EPE || (wanted == OM_CHECKPOINT_BEST && lowest(epe) >= 0);
    *why = by_epe ? "lowest EPE" : "lowest loss";
    *checkpoint = lowest(by_epe ? epe : loss);
    if (*checkpoint >= 0) return OM_OK;
    return no_checkpoint(f, i,
                         by_epe
                             ? "no EPE is recorded in validation/epe.h5 to choose a checkpoint by"
                             : "no loss is recorded in validation/loss.h5 to choose a checkpoint "
                               "by");
}

static om_status read_current(const om_flyvis *f, int i, const om_flyvis_choice *choice,
                              const om_circuit *circuit, om_flyvis_model *model)
{
    char path[PATH_MAX], file[32];
    curve epe = {0}, loss = {0};
    int checkpoint;
    const char *why;
    om_status status = read_curve(f, i, "validation/epe.h5", &epe);
    if (status == OM_OK) status = read_curve(f, i, "validation/loss.h5", &loss);
    if (status == OM_OK) status = choose(f, i, choice->checkpoint, &epe, &loss, &checkpoint, &why);
    if (status == OM_OK) status = read_iteration(f, i, checkpoint, &model->iteration);
    if (status != OM_OK) goto done;
    snprintf(file, sizeof file, "chkpts/chkpt_%05d", checkpoint);
    snprintf(model->source, sizeof model->source, "%s/%s, %s", f->names[i], file, why);
    model->epe = value_at(&epe, checkpoint);
    if (epe.n > 0)
        enter_beside_epe(value_at(&loss, checkpoint), choice, model);
    else
        enter_loss(value_at(&loss, checkpoint), choice,
                   guess_trained(value_at(&loss, checkpoint), circuit), model);
    status = join(path, f->path, f->names[i], file);
    if (status == OM_OK) status = check_regular(path);
    if (status == OM_OK) status = om_flyvis_params_read(path, circuit, model, NULL);
done:
    om_free(epe.values);
    om_free(loss.values);
    return status;
}

/* The first release kept the best checkpoint only, and in it what validation_loss.h5 says, too. */
static om_status read_first_release(const om_flyvis *f, int i, const om_flyvis_choice *choice,
                                    const om_circuit *circuit, om_flyvis_model *model)
{
    char path[PATH_MAX];
    curve recorded;
    double loss;
    if (choice->checkpoint > 0)
        return no_checkpoint(f, i, "there is one checkpoint only, best_chkpt: expected --select 0");
    OM_TRY(join(path, f->path, f->names[i], "best_chkpt"));
    OM_TRY(check_regular(path));
    OM_TRY(om_flyvis_params_read(path, circuit, model, &loss));
    OM_TRY(read_curve(f, i, "validation_loss.h5", &recorded));
    bool same = recorded.n == 0 || recorded.values[0] == loss;
    double other = recorded.n == 0 ? NAN : recorded.values[0];
    om_free(recorded.values);
    if (!same)
        return om_fail(OM_EDATA, "%s: its loss is %.9g, but validation_loss.h5 says %.9g", path,
                       loss, other);
    if (loss < 0)
        return om_fail(OM_EDATA, "%s: its loss is %g: expected an error, 0 or more", path, loss);
    enter_loss(loss, choice, guess_first(loss, circuit), model);
    snprintf(model->source, sizeof model->source, "%s/best_chkpt", f->names[i]);
    return OM_OK;
}

om_status om_flyvis_read(const om_flyvis *folder, int i, const om_flyvis_choice *choice,
                         const om_circuit *circuit, om_flyvis_model *model)
{
    char path[PATH_MAX];
    *model = (om_flyvis_model){.epe = NAN, .l2norm = NAN, .iteration = OM_ITERATION_UNKNOWN};
    OM_TRY(join(path, folder->path, folder->names[i], "best_chkpt"));
    if (is_there(path)) return read_first_release(folder, i, choice, circuit, model);
    OM_TRY(join(path, folder->path, folder->names[i], "chkpts"));
    if (is_folder(path)) return read_current(folder, i, choice, circuit, model);
    return no_checkpoint(folder, i, "has neither a best_chkpt nor chkpts");
}
