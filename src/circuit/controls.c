/* Control circuits. Each control is a pass over the table of a circuit; what depends on the extent is
 * made anew at the end. */
#include "ommatid/om_controls.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "circuit/build.h"
#include "circuit/draft.h"
#include "ommatid/om_random.h"

const char *const om_counts_names[] = {"measured", "equal", "shuffled", NULL};
const char *const om_signs_names[] = {"known", "shuffled", NULL};
const char *const om_filters_names[] = {"measured", "rotated", NULL};

/* What a stream is for, as its sample; its iteration is the pair. Part of the format: never change one. */
enum { DRAW_COUNTS = 0, DRAW_SIGNS = 1, DRAW_FILTERS = 2 };

enum { ELEMENTS = 12 }; /* rotations by 60 degrees, and those of the mirror image */

bool om_controls_any(const om_controls *c)
{
    return c->counts != OM_COUNTS_MEASURED || c->signs != OM_SIGNS_KNOWN ||
           c->filters != OM_FILTERS_MEASURED || c->without[0] != '\0';
}

static om_stream stream_of(uint64_t seed, int pair, uint32_t draw)
{
    return (om_stream){seed, 0, OM_FOR_CONTROLS, (uint32_t)pair, draw};
}

/* ---- types left out ---- */

/* Marks the types of a list "T4a, T4b". */
static om_status mark_types(const om_circuit *c, const char *list, bool *marked)
{
    for (const char *at = list; *at != '\0'; at += strspn(at, ", ")) {
        char name[OM_NAME_BYTES];
        const int length = (int)strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", length, at);
        const int type = om_circuit_type(c, name);
        if (type < 0) return om_circuit_unknown_type(c, name);
        marked[type] = true;
        at += length;
    }
    return OM_OK;
}

/* Those of n types that stay, under their new numbers; returns how many. */
static int renumber(int *types, int n, const int *number)
{
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (number[types[i]] >= 0) types[kept++] = number[types[i]];
    return kept;
}

/* number[type]: the new one, -1 for those that go. */
static void drop_types(om_circuit *c, const int *number)
{
    int types = 0, pairs = 0, taps = 0;
    for (int i = 0; i < c->n_types; i++)
        if (number[i] >= 0) c->types[types++] = c->types[i];
    for (int i = 0; i < c->n_pairs; i++) {
        om_pair pair = c->pairs[i];
        const int first = pair.first_tap;
        pair.source = number[pair.source], pair.target = number[pair.target];
        if (pair.source < 0 || pair.target < 0) continue;
        pair.first_tap = taps;
        memmove(&c->taps[taps], &c->taps[first], (size_t)pair.n_taps * sizeof *c->taps);
        taps += pair.n_taps;
        c->pairs[pairs++] = pair;
    }
    c->n_inputs = renumber(c->inputs, c->n_inputs, number);
    c->n_outputs = renumber(c->outputs, c->n_outputs, number);
    c->n_types = types, c->n_pairs = pairs, c->n_taps = taps;
}

static om_status leave_out(om_circuit *c, const char *list)
{
    bool *marked = NULL;
    int *number = NULL, kept = 0;
    om_status status = om_alloc((size_t)c->n_types, sizeof *marked, &marked);
    if (status == OM_OK) status = om_alloc((size_t)c->n_types, sizeof *number, &number);
    if (status == OM_OK) status = mark_types(c, list, marked);
    if (status == OM_OK) {
        for (int i = 0; i < c->n_types; i++) number[i] = marked[i] ? -1 : kept++;
        drop_types(c, number);
        const char *lacks = c->n_inputs == 0    ? "input"
                            : c->n_outputs == 0 ? "output"
                            : c->n_pairs == 0   ? "pair of connected types"
                                                : NULL;
        if (lacks != NULL)
            status = om_fail(OM_EDATA, "no %s of circuit %s is left", lacks, c->name);
    }
    om_free(marked);
    om_free(number);
    return status;
}

/* ---- counts ---- */

/* The mean over connections, so that the circuit has as many synapses as before. It lies between the
 * smallest count and the largest whatever rounding does, so that equal counts stay as they are. */
static void equal_counts(om_circuit *c)
{
    double synapses = 0, least = OM_COUNT_MOST, most = OM_COUNT_LEAST;
    for (int i = 0; i < c->n_taps; i++) {
        const om_tap *tap = &c->taps[i];
        synapses += tap->count * (double)tap->edges;
        if (tap->edges > 0 && tap->count < least) least = tap->count;
        if (tap->edges > 0 && tap->count > most) most = tap->count;
    }
    if (c->n_edges == 0) return;
    double mean = synapses / (double)c->n_edges;
    if (mean < least) mean = least;
    if (mean > most) mean = most;
    for (int i = 0; i < c->n_taps; i++) c->taps[i].count = mean;
}

static om_status shuffle_counts(om_circuit *c, uint64_t seed)
{
    const size_t n_taps = (size_t)c->n_taps;
    double *counts = NULL;
    uint32_t *from = NULL;
    om_status status = om_alloc(n_taps, sizeof *counts, &counts);
    if (status == OM_OK) status = om_alloc(n_taps, sizeof *from, &from);
    for (int i = 0; i < c->n_taps && status == OM_OK; i++) counts[i] = c->taps[i].count;
    for (int i = 0; i < c->n_pairs && status == OM_OK; i++) {
        const om_pair *pair = &c->pairs[i];
        const om_stream stream = stream_of(seed, i, DRAW_COUNTS);
        om_random_permutation(&stream, (uint32_t)pair->n_taps, from);
        for (int k = 0; k < pair->n_taps; k++)
            c->taps[pair->first_tap + k].count = counts[pair->first_tap + (int)from[k]];
    }
    om_free(counts);
    om_free(from);
    return status;
}

/* ---- signs ---- */

/* The sign of each type's synapses: 0 where it makes none, or both kinds. */
static void find_signs(const om_circuit *c, int *sign)
{
    enum { NONE_YET = 2 };
    for (int i = 0; i < c->n_types; i++) sign[i] = NONE_YET;
    for (int i = 0; i < c->n_pairs; i++) {
        int *own = &sign[c->pairs[i].source];
        if (*own == NONE_YET)
            *own = c->pairs[i].sign;
        else if (*own != c->pairs[i].sign)
            *own = 0;
    }
    for (int i = 0; i < c->n_types; i++)
        if (sign[i] == NONE_YET) sign[i] = 0;
}

/* sign[type]: where it is not 0 it becomes that of another type, or its own again. */
static void permute_signs(int n_types, uint64_t seed, int *sign, int *old, uint32_t *from)
{
    int n = 0;
    for (int i = 0; i < n_types; i++)
        if (sign[i] != 0) old[n++] = sign[i];
    const om_stream stream = stream_of(seed, 0, DRAW_SIGNS);
    om_random_permutation(&stream, (uint32_t)n, from);
    n = 0;
    for (int i = 0; i < n_types; i++)
        if (sign[i] != 0) sign[i] = old[from[n++]];
}

static om_status shuffle_signs(om_circuit *c, uint64_t seed)
{
    const size_t n = (size_t)c->n_types;
    int *sign = NULL, *old = NULL;
    uint32_t *from = NULL;
    om_status status = om_alloc(n, sizeof *sign, &sign);
    if (status == OM_OK) status = om_alloc(n, sizeof *old, &old);
    if (status == OM_OK) status = om_alloc(n, sizeof *from, &from);
    if (status == OM_OK) {
        find_signs(c, sign);
        permute_signs(c->n_types, seed, sign, old, from);
        for (int i = 0; i < c->n_pairs; i++)
            if (sign[c->pairs[i].source] != 0) c->pairs[i].sign = sign[c->pairs[i].source];
    }
    om_free(sign);
    om_free(old);
    om_free(from);
    return status;
}

/* ---- filters ---- */

static om_offset turned(const om_tap *tap, int element)
{
    om_offset o = {tap->du, tap->dv};
    if (element >= ELEMENTS / 2) o = (om_offset){o.dv, o.du};
    for (int i = 0; i < element % (ELEMENTS / 2); i++) o = (om_offset){-o.dv, o.du + o.dv};
    return o;
}

static bool in_range(int offset) { return offset >= -OM_MAX_OFFSET && offset <= OM_MAX_OFFSET; }

/* Whether every tap that has connections keeps some. All elements are allowed but where types have
 * strides, whose grids not every element leaves in place. */
static bool is_allowed(const om_circuit *c, const om_pair *pair, int element)
{
    for (int k = pair->first_tap; k < pair->first_tap + pair->n_taps; k++) {
        const om_offset o = turned(&c->taps[k], element);
        if (!in_range(o.du) || !in_range(o.dv)) return false;
        if (c->taps[k].edges > 0 && om_circuit_connections(c, pair, o) == 0) return false;
    }
    return true;
}

static void rotate_filters(om_circuit *c, uint64_t seed)
{
    for (int i = 0; i < c->n_pairs; i++) {
        const om_pair *pair = &c->pairs[i];
        const om_stream stream = stream_of(seed, i, DRAW_FILTERS);
        int allowed[ELEMENTS], n = 0;
        for (int g = 0; g < ELEMENTS; g++)
            if (is_allowed(c, pair, g)) allowed[n++] = g;
        const int element = allowed[om_random_below(&stream, 0, (uint32_t)n)];
        for (int k = pair->first_tap; k < pair->first_tap + pair->n_taps; k++) {
            const om_offset o = turned(&c->taps[k], element);
            c->taps[k].du = o.du, c->taps[k].dv = o.dv;
        }
    }
}

/* ---- all of them ---- */

om_status om_circuit_control(om_circuit *c, const om_controls *controls, uint64_t seed)
{
    if (controls->without[0] != '\0') {
        om_status status = leave_out(c, controls->without);
        if (status != OM_OK) return om_context(status, "circuit.without");
        om_circuit_instantiate(c, c->extent);
    }
    if (controls->counts == OM_COUNTS_EQUAL) equal_counts(c);
    if (controls->counts == OM_COUNTS_SHUFFLED) OM_TRY(shuffle_counts(c, seed));
    if (controls->signs == OM_SIGNS_SHUFFLED) OM_TRY(shuffle_signs(c, seed));
    if (controls->filters == OM_FILTERS_ROTATED) rotate_filters(c, seed);
    om_circuit_instantiate(c, c->extent);
    return OM_OK;
}

/* ---- what is kept ---- */

static bool same_types(const om_circuit *a, const om_pair *p, const om_circuit *b, const om_pair *q)
{
    return strcmp(a->types[p->source].name, b->types[q->source].name) == 0 &&
           strcmp(a->types[p->target].name, b->types[q->target].name) == 0;
}

enum { SIDE = 2 * OM_MAX_OFFSET + 1 };

static int *cell_of(int *grid, const om_tap *tap)
{
    return &grid[(tap->du + OM_MAX_OFFSET) * SIDE + tap->dv + OM_MAX_OFFSET];
}

/* grid [SIDE][SIDE]: 1 + number of the tap of the original at that offset, 0 everywhere before and after. */
static void compare_pair(const om_circuit *control, const om_pair *pair, const om_circuit *original,
                         const om_pair *before, int *grid, om_control_shares *kept)
{
    const om_tap *old = &original->taps[before->first_tap];
    for (int k = 0; k < before->n_taps; k++) *cell_of(grid, &old[k]) = k + 1;
    for (int k = pair->first_tap; k < pair->first_tap + pair->n_taps; k++) {
        const om_tap *tap = &control->taps[k];
        const int at = *cell_of(grid, tap);
        if (at == 0) continue;
        kept->joined += tap->edges;
        if (tap->count == old[at - 1].count) kept->count += tap->edges;
        if (pair->sign == before->sign) kept->sign += tap->edges;
    }
    for (int k = 0; k < before->n_taps; k++) *cell_of(grid, &old[k]) = 0;
}

om_status om_circuit_kept(const om_circuit *control, const om_circuit *original,
                          om_control_shares *kept)
{
    int *grid = NULL, before = 0;
    *kept = (om_control_shares){.measured = original->n_edges};
    OM_TRY(om_alloc((size_t)SIDE * SIDE, sizeof *grid, &grid));
    /* pairs of a control are those of the original, in the same order, but for some left out */
    for (int i = 0; i < control->n_pairs; i++, before++) {
        while (before < original->n_pairs &&
               !same_types(control, &control->pairs[i], original, &original->pairs[before]))
            before++;
        if (before == original->n_pairs) break;
        compare_pair(control, &control->pairs[i], original, &original->pairs[before], grid, kept);
    }
    om_free(grid);
    return OM_OK;
}
