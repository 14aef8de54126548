/* Parameters from a checkpoint of the paper's software. Its archives hold no names of types: that
 * numbers mean the same there and here rests on the order of pairs and taps, which is why signs and
 * counts are compared one by one. */
#include "store/flyvis_params.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "store/torch.h"

/* Counts are stored as float32 logarithms: rounding is below 1e-6, another circuit is not. */
static const double LOG_TOLERANCE = 1e-5;

/* What the last step of training can leave of a strength that it has driven to 0: about three learning
 * rates of Adam, 1.6e-4 at the paper's. The first value of a strength is of this size. */
static const double LEAST_STRENGTH = -0.01;

static const char SIGNS[] = "network/edges_sign", COUNTS[] = "network/edges_syn_count";

om_status om_flyvis_params_live(const char *path, size_t *pairs, size_t *taps)
{
    om_torch *archive;
    OM_TRY(om_torch_open(path, &archive));
    om_status status = om_torch_length(archive, SIGNS, pairs);
    if (status == OM_OK) status = om_torch_length(archive, COUNTS, taps);
    om_torch_close(archive);
    return status;
}

/* What is at hand while one archive is read. */
typedef struct reading {
    const char *path;
    const om_torch *archive;
    const om_circuit *circuit;
    om_layout layout;
    float *numbers; /* room for the longest entry */
} reading;

/* --- the circuit ----------------------------------------------------------------------------- */

static om_status check_length(const reading *r, const char *entry, int live, const char *what)
{
    size_t n;
    OM_TRY(om_torch_length(r->archive, entry, &n));
    if (n == (size_t)live) return om_torch_floats(r->archive, entry, 1, &n, r->numbers);
    return om_fail(OM_EDATA,
                   "%s: '%s' is of %zu %s, circuit %s has %d at extent %d: another circuit",
                   r->path, entry, n, what, r->circuit->name, live, r->circuit->extent);
}

static om_status check_signs(const reading *r)
{
    const om_circuit *c = r->circuit;
    OM_TRY(check_length(r, SIGNS, c->n_live_pairs, "pairs"));
    const float *sign = r->numbers;
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *p = &c->pairs[i];
        if (p->edges == 0) continue;
        if (*sign != (float)p->sign)
            return om_fail(OM_EDATA,
                           "%s: '%s': pair %s -> %s has sign %g, in circuit %s %+d: "
                           "another circuit",
                           r->path, SIGNS, c->types[p->source].name, c->types[p->target].name,
                           (double)*sign, c->name, p->sign);
        sign++;
    }
    return OM_OK;
}

static om_status check_counts(const reading *r)
{
    const om_circuit *c = r->circuit;
    OM_TRY(check_length(r, COUNTS, c->n_live_taps, "taps"));
    const float *count = r->numbers;
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *p = &c->pairs[i];
        for (int k = p->first_tap; k < p->first_tap + p->n_taps; k++) {
            const om_tap *tap = &c->taps[k];
            if (tap->edges == 0) continue;
            if (fabs((double)*count - log(tap->count)) > LOG_TOLERANCE)
                return om_fail(OM_EDATA,
                               "%s: '%s': tap (%d, %d) of %s -> %s has %.6g synapses, in "
                               "circuit %s %.6g: another circuit",
                               r->path, COUNTS, tap->du, tap->dv, c->types[p->source].name,
                               c->types[p->target].name, exp((double)*count), c->name, tap->count);
            count++;
        }
    }
    return OM_OK;
}

/* --- parameters ------------------------------------------------------------------------------ */

/* Strengths of the pairs that have synapses; the others' is 0. One that the last step of training
 * has left a little below 0 acts as 0 there, too: it is clamped before every forward pass. */
static om_status read_strengths(const reading *r, om_real *strength)
{
    static const char entry[] = "network/edges_syn_strength";
    const om_circuit *c = r->circuit;
    const size_t n = (size_t)c->n_live_pairs;
    OM_TRY(om_torch_floats(r->archive, entry, 1, &n, r->numbers));
    const float *next = r->numbers;
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *p = &c->pairs[i];
        bool live = p->edges > 0;
        if (live && (double)*next < LEAST_STRENGTH)
            return om_fail(OM_EDATA, "%s: '%s': pair %s -> %s has strength %g: expected 0 or more",
                           r->path, entry, c->types[p->source].name, c->types[p->target].name,
                           (double)*next);
        strength[i] = live && *next > 0 ? (om_real)*next : 0;
        next += live;
    }
    return OM_OK;
}

static om_status read_part(const reading *r, const char *entry, int n_axes, const size_t *lengths,
                           om_real *out)
{
    size_t n = 1;
    OM_TRY(om_torch_floats(r->archive, entry, n_axes, lengths, r->numbers));
    for (int i = 0; i < n_axes; i++) n *= lengths[i];
    for (size_t i = 0; i < n; i++) out[i] = (om_real)r->numbers[i];
    return OM_OK;
}

static om_status check_time_constants(const reading *r, const om_real *tau)
{
    const om_circuit *c = r->circuit;
    for (int i = 0; i < c->n_types; i++)
        if (!(tau[i] > 0))
            return om_fail(OM_EDATA,
                           "%s: 'network/nodes_time_const': type %s has %g s: expected more than 0",
                           r->path, c->types[i].name, (double)tau[i]);
    return OM_OK;
}

/* Entries of n kernels outside the hexagon have no meaning: they must be 0. */
static om_status check_kernels(const reading *r, const char *entry, const om_real *weight, size_t n)
{
    for (size_t i = 0; i < n * OM_KERNEL_CELLS; i++) {
        int cell = (int)(i % OM_KERNEL_CELLS), row = cell / OM_KERNEL, column = cell % OM_KERNEL;
        if (!om_kernel_inside(row, column) && weight[i] != 0)
            return om_fail(OM_EDATA,
                           "%s: '%s': entry (%d, %d) of kernel %zu lies outside the "
                           "hexagon and is %g: expected 0",
                           r->path, entry, row, column, i / OM_KERNEL_CELLS, (double)weight[i]);
    }
    return OM_OK;
}

static om_status read_decoder(const reading *r, om_flyvis_model *m)
{
    const om_layout *l = &r->layout;
    const size_t outputs = (size_t)l->n_outputs, hidden = OM_HIDDEN, head = OM_HEAD;
    const struct {
        const char *entry;
        om_real *out;
        int n_axes;
        size_t lengths[4];
    } parts[] = {
        {"decoder/flow/base.0.weight",
         m->params + l->conv1_weight,
         4,
         {hidden, outputs, OM_KERNEL, OM_KERNEL}},
        {"decoder/flow/base.0.bias", m->params + l->conv1_bias, 1, {hidden}},
        {"decoder/flow/base.1.weight", m->params + l->norm_weight, 1, {hidden}},
        {"decoder/flow/base.1.bias", m->params + l->norm_bias, 1, {hidden}},
        {"decoder/flow/base.1.running_mean", m->running_mean, 1, {hidden}},
        {"decoder/flow/base.1.running_var", m->running_var, 1, {hidden}},
        {"decoder/flow/decoder.0.weight",
         m->params + l->conv2_weight,
         4,
         {head, hidden, OM_KERNEL, OM_KERNEL}},
        {"decoder/flow/decoder.0.bias", m->params + l->conv2_bias, 1, {head}},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        OM_TRY(read_part(r, parts[i].entry, parts[i].n_axes, parts[i].lengths, parts[i].out));
        if (parts[i].n_axes == 4)
            OM_TRY(check_kernels(r, parts[i].entry, parts[i].out,
                                 parts[i].lengths[0] * parts[i].lengths[1]));
    }
    for (int i = 0; i < OM_HIDDEN; i++)
        if (m->running_var[i] < 0)
            return om_fail(OM_EDATA, "%s: '%s': number %d is %g: expected a variance", r->path,
                           parts[5].entry, i, (double)m->running_var[i]);
    return OM_OK;
}

static om_status read_model(const reading *r, om_flyvis_model *m)
{
    const om_layout *l = &r->layout;
    const size_t types = (size_t)l->n_types;
    OM_TRY(check_signs(r));
    OM_TRY(check_counts(r));
    OM_TRY(read_part(r, "network/nodes_bias", 1, &types, m->params + l->resting_potential));
    OM_TRY(read_part(r, "network/nodes_time_const", 1, &types, m->params + l->time_constant));
    OM_TRY(check_time_constants(r, m->params + l->time_constant));
    OM_TRY(read_strengths(r, m->params + l->strength));
    return read_decoder(r, m);
}

om_status om_flyvis_params_read(const char *path, const om_circuit *circuit, om_flyvis_model *model,
                                double *loss)
{
    om_torch *archive = NULL;
    reading r = {.path = path, .circuit = circuit, .layout = om_layout_of(circuit)};
    size_t most = r.layout.n_params + (size_t)circuit->n_taps;
    om_status status = om_alloc(most, sizeof *r.numbers, &r.numbers);
    if (status == OM_OK) status = om_alloc(r.layout.n_params, sizeof(om_real), &model->params);
    if (status == OM_OK) status = om_torch_open(path, &archive);
    r.archive = archive;
    if (status == OM_OK) status = read_model(&r, model);
    if (status == OM_OK && loss != NULL) status = om_torch_number(archive, "validation_loss", loss);
    om_torch_close(archive);
    om_free(r.numbers);
    return status;
}
