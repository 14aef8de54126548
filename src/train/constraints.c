/* Constraints: names become numbers of types and pairs once, then a pass over the parameters after each
 * step holds them. */
#include "train/constraints.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"

enum { PAIR_BYTES = 2 * OM_NAME_BYTES + 4 }; /* "Mi9 -> T4a" */

/* Beside the numbers of groups: of a parameter in no group, and of one that nothing uses. */
enum { ALONE = -1, UNUSED = -2 };

typedef struct constrained {
    size_t first; /* parameters first .. first + n - 1 */
    int n, n_groups;
    om_real lowest, highest;
    int *group;  /* [n] */
    double *sum; /* [n_groups] of a group's members, and how many they are */
    int *members;
    bool fixed;
} constrained;

struct om_constraints {
    constrained parts[OM_NETWORK_PARTS];
};

/* ---- names ---- */

/* Names of all types, or of all pairs, in the order of their parameters; a NULL after the last. */
typedef struct names {
    char (*text)[PAIR_BYTES];
    const char **list;
} names;

static om_status list_names(const om_circuit *circuit, om_part part, names *out)
{
    const bool pairs = part == OM_STRENGTH;
    const int n = pairs ? circuit->n_pairs : circuit->n_types;
    OM_TRY(om_alloc((size_t)n, sizeof *out->text, &out->text));
    OM_TRY(om_alloc((size_t)n + 1, sizeof *out->list, &out->list));
    for (int i = 0; i < n; i++) {
        const char *source = circuit->types[pairs ? circuit->pairs[i].source : i].name;
        const char *target = pairs ? circuit->types[circuit->pairs[i].target].name : "";
        snprintf(out->text[i], PAIR_BYTES, "%s%s%s", source, pairs ? " -> " : "", target);
        out->list[i] = out->text[i];
    }
    return OM_OK;
}

static int find(const names *known, const char *name)
{
    for (int i = 0; known->list[i] != NULL; i++)
        if (strcmp(known->list[i], name) == 0) return i;
    return -1;
}

static om_status unknown(const om_circuit *circuit, om_part part, const names *known,
                         const char *name)
{
    const char *nearest = om_nearest(name, known->list);
    return om_fail(OM_EDATA, "model.symmetric.%s: circuit %s has no %s '%s'%s%s",
                   om_part_names[part], circuit->name, part == OM_STRENGTH ? "pair" : "type", name,
                   nearest != NULL ? "; the nearest is " : "", nearest != NULL ? nearest : "");
}

/* ---- groups ---- */

static om_status read_groups(const om_circuit *circuit, om_part part, const names *known,
                             const char *text, constrained *c)
{
    for (const char *at = text; *at != '\0'; at += strspn(at, ",; ")) {
        char name[PAIR_BYTES];
        int length = (int)strcspn(at, ",;");
        snprintf(name, sizeof name, "%.*s", length, at);
        int i = find(known, name);
        if (i < 0) return unknown(circuit, part, known, name);
        if (c->group[i] != ALONE)
            return om_fail(OM_EDATA,
                           "model.symmetric.%s: '%s' is there twice: expected every %s in "
                           "one group at most",
                           om_part_names[part], name, part == OM_STRENGTH ? "pair" : "type");
        c->group[i] = c->n_groups;
        at += length;
        if (*at != ',') c->n_groups++;
    }
    return OM_OK;
}

static om_status resolve(const om_circuit *circuit, const om_model_options *options, om_part part,
                         constrained *c)
{
    names known = {0};
    OM_TRY(om_alloc((size_t)c->n, sizeof *c->group, &c->group));
    for (int i = 0; i < c->n; i++) c->group[i] = ALONE;
    om_status status = list_names(circuit, part, &known);
    if (status == OM_OK) status = read_groups(circuit, part, &known, options->symmetric[part], c);
    om_free(known.text);
    om_free(known.list);
    for (int i = 0; part == OM_STRENGTH && i < c->n; i++)
        if (circuit->pairs[i].edges == 0) c->group[i] = UNUSED;
    if (status == OM_OK) status = om_alloc((size_t)c->n_groups, sizeof *c->sum, &c->sum);
    if (status == OM_OK) status = om_alloc((size_t)c->n_groups, sizeof *c->members, &c->members);
    return status;
}

om_status om_constraints_create(const om_circuit *circuit, const om_model_options *options,
                                om_constraints **constraints)
{
    *constraints = NULL;
    const om_layout l = om_layout_of(circuit);
    const size_t first[] = {l.resting_potential, l.time_constant, l.strength};
    om_constraints *c = NULL;
    om_status status = om_alloc(1, sizeof *c, &c);
    for (int p = 0; status == OM_OK && p < OM_NETWORK_PARTS; p++) {
        c->parts[p] = (constrained){.first = first[p],
                                    .n = p == OM_STRENGTH ? l.n_pairs : l.n_types,
                                    .lowest = (om_real)options->clamp[p][0],
                                    .highest = (om_real)options->clamp[p][1],
                                    .fixed = options->fixed[p]};
        status = resolve(circuit, options, (om_part)p, &c->parts[p]);
    }
    if (status != OM_OK) {
        om_constraints_free(c);
        return status;
    }
    *constraints = c;
    return OM_OK;
}

void om_constraints_free(om_constraints *c)
{
    if (c == NULL) return;
    for (int p = 0; p < OM_NETWORK_PARTS; p++) {
        om_free(c->parts[p].group);
        om_free(c->parts[p].sum);
        om_free(c->parts[p].members);
    }
    om_free(c);
}

/* Time constants below the time step act as the step, have no gradient, and so stay there. */
static om_status check_time_step(const om_circuit *circuit, const om_train_options *options,
                                 om_constraints *constraints)
{
    const om_layout l = om_layout_of(circuit);
    om_real *params = NULL;
    int n = 0, first = 0;
    OM_TRY(om_alloc(l.n_params, sizeof *params, &params));
    om_params_init(circuit, &options->init, 0, 0, params); /* which model, makes no difference */
    om_constrain_initial(constraints, params);
    const om_real *tau = params + l.time_constant;
    for (int t = circuit->n_types - 1; t >= 0; t--)
        if (tau[t] < (om_real)options->batch.dt_s) n++, first = t;
    const double least = (double)tau[first];
    om_free(params);
    if (n == 0) return OM_OK;
    return om_fail(OM_EDATA,
                   "train.dt, init.time_constant: the time step of %g s is larger than the time "
                   "constant of %s, %g s at first, and of %d of %d types: expected no larger one, "
                   "for time constants below the step are never trained",
                   options->batch.dt_s, circuit->types[first].name, least, n, circuit->n_types);
}

om_status om_train_check(const om_circuit *circuit, const om_train_options *options)
{
    om_constraints *constraints;
    om_status status = om_constraints_create(circuit, &options->model, &constraints);
    if (status == OM_OK) status = check_time_step(circuit, options, constraints);
    om_constraints_free(constraints);
    if (status == OM_OK && options->convolution == OM_CONVOLUTION_FFT &&
        om_convolution_at(OM_CONVOLUTION_FFT, circuit->extent) != OM_CONVOLUTION_FFT)
        return om_fail(OM_EDATA,
                       "train.convolution: fft: expected auto or direct at extent %d: transforms "
                       "reach to extent 15",
                       circuit->extent);
    return status;
}

/* ---- holding them ---- */

/* Not-a-number stays what it is, to be noticed. */
static void hold_bounds(const constrained *c, om_real *x)
{
    for (int i = 0; i < c->n; i++) {
        if (c->group[i] == UNUSED) continue;
        if (x[i] < c->lowest) x[i] = c->lowest;
        if (x[i] > c->highest) x[i] = c->highest;
    }
}

static void hold_groups(const constrained *c, om_real *x)
{
    for (int g = 0; g < c->n_groups; g++) c->sum[g] = c->members[g] = 0;
    for (int i = 0; i < c->n; i++) {
        if (c->group[i] < 0) continue;
        c->sum[c->group[i]] += (double)x[i];
        c->members[c->group[i]]++;
    }
    for (int i = 0; i < c->n; i++)
        if (c->group[i] >= 0) x[i] = (om_real)(c->sum[c->group[i]] / c->members[c->group[i]]);
}

static void hold(const constrained *c, om_real *params)
{
    hold_bounds(c, params + c->first);
    hold_groups(c, params + c->first);
}

void om_constrain_initial(om_constraints *constraints, om_real *params)
{
    for (int p = 0; p < OM_NETWORK_PARTS; p++) hold(&constraints->parts[p], params);
}

void om_constrain(om_constraints *constraints, om_real *params)
{
    for (int p = 0; p < OM_NETWORK_PARTS; p++)
        if (!constraints->parts[p].fixed) hold(&constraints->parts[p], params);
}
