/* The rules of a table, and the growing of its arrays. */
#include "circuit/draft.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "circuit/build.h"

enum { SIDE = 2 * OM_MAX_OFFSET + 1 };

om_status om_draft_begin(om_draft *draft, const char *file, const char *unit)
{
    *draft = (om_draft){.unit = unit};
    om_faults_begin(&draft->faults, file);
    OM_TRY(om_alloc(1, sizeof *draft->circuit, &draft->circuit));
    return om_alloc((size_t)SIDE * SIDE, sizeof *draft->offset_pair, &draft->offset_pair);
}

void om_draft_free(om_draft *draft)
{
    om_circuit_free(draft->circuit);
    om_free(draft->roles);
    om_free(draft->pair_order);
    om_free(draft->offset_pair);
    *draft = (om_draft){0};
}

/* Makes room for item number n. *array is a pointer variable of any type. */
static om_status grow(void *array, size_t size, int n, int *room)
{
    if (n < *room) return OM_OK;
    int more = *room < 64 ? 64 : 2 * *room;
    void *old, *new;
    memcpy(&old, array, sizeof old);
    OM_TRY(om_alloc((size_t)more, size, &new));
    if (old != NULL) memcpy(new, old, (size_t)n * size);
    om_free(old);
    memcpy(array, &new, sizeof new);
    *room = more;
    return OM_OK;
}

bool om_draft_name(om_draft *draft, const char *what, const char *name, size_t bytes)
{
    char shown[OM_SHOWN_BYTES];
    const char *fault = om_name_fault(name, bytes);
    if (fault == NULL) return true;
    om_faults_add(&draft->faults, "%s: name '%s' %s", what, om_shown(name, shown), fault);
    return false;
}

/* The type whose name is nearest to `name`, or NULL. */
static const char *nearest_type(const om_circuit *circuit, const char *name)
{
    const char **names;
    if (om_alloc((size_t)circuit->n_types + 1, sizeof *names, &names) != OM_OK) return NULL;
    for (int i = 0; i < circuit->n_types; i++) names[i] = circuit->types[i].name;
    const char *nearest = om_nearest(name, names);
    om_free(names);
    return nearest;
}

int om_draft_find_type(om_draft *draft, const char *what, const char *name)
{
    int type = om_circuit_type(draft->circuit, name);
    if (type >= 0) return type;
    char shown[OM_SHOWN_BYTES];
    const char *nearest = nearest_type(draft->circuit, name);
    om_faults_add(&draft->faults, "%s: unknown type '%s'%s%s%s", what, om_shown(name, shown),
                  nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
    return -1;
}

om_status om_draft_add_type(om_draft *draft, const char *name, int64_t stride_u, int64_t stride_v,
                            om_roles roles)
{
    om_circuit *circuit = draft->circuit;
    const int64_t most = OM_LATTICE_MAX_EXTENT;
    if (!om_draft_name(draft, "type", name, OM_NAME_BYTES)) return OM_OK;
    if (om_circuit_type(circuit, name) >= 0) {
        om_faults_add(&draft->faults, "type %s is given twice", name);
        return OM_OK;
    }
    if (draft->pair_serial > 0) {
        om_faults_add(&draft->faults, "type %s: types come before the first pair", name);
        return OM_OK;
    }
    if (circuit->n_types == OM_MAX_TYPES) {
        om_faults_add(&draft->faults, "type %s: more than %d types", name, OM_MAX_TYPES);
        return OM_OK;
    }
    if (stride_u < 1 || stride_u > most || stride_v < 1 || stride_v > most) {
        om_faults_add(&draft->faults,
                      "type %s: stride %lld %lld: expected two numbers from 1 to %d", name,
                      (long long)stride_u, (long long)stride_v, OM_LATTICE_MAX_EXTENT);
        stride_u = stride_v = 1;
    }
    OM_TRY(grow(&circuit->types, sizeof *circuit->types, circuit->n_types, &draft->type_room));
    OM_TRY(grow(&draft->roles, sizeof *draft->roles, circuit->n_types, &draft->role_room));
    om_type *type = &circuit->types[circuit->n_types];
    *type = (om_type){.stride_u = (int)stride_u, .stride_v = (int)stride_v};
    memcpy(type->name, name, strlen(name) + 1);
    draft->roles[circuit->n_types++] = roles;
    return OM_OK;
}

/* Whether the pair is the first of its types; keeps where it is. */
static bool first_of_its_types(om_draft *draft, int source, int target)
{
    int *order = &draft->pair_order[source * draft->circuit->n_types + target];
    if (*order == 0) {
        *order = draft->position + 1;
        return true;
    }
    om_faults_add(&draft->faults, "pair %s is given twice (before: %s %d)", draft->pair_name,
                  draft->unit, *order - 1);
    return false;
}

om_status om_draft_begin_pair(om_draft *draft, const char *source, const char *target, int sign)
{
    om_circuit *circuit = draft->circuit;
    char a[OM_SHOWN_BYTES], b[OM_SHOWN_BYTES], what[sizeof draft->pair_name + 8];
    size_t n_types = (size_t)circuit->n_types;
    if (draft->pair_order == NULL)
        OM_TRY(om_alloc(n_types * n_types, sizeof *draft->pair_order, &draft->pair_order));
    snprintf(draft->pair_name, sizeof draft->pair_name, "%s -> %s", om_shown(source, a),
             om_shown(target, b));
    snprintf(what, sizeof what, "pair %s", draft->pair_name);
    draft->pair_serial++;
    draft->pair_taps = 0;
    int from = om_draft_find_type(draft, what, source),
        to = om_draft_find_type(draft, what, target);
    draft->pair_kept = from >= 0 && to >= 0 && first_of_its_types(draft, from, to);
    if (!draft->pair_kept) return OM_OK;
    OM_TRY(grow(&circuit->pairs, sizeof *circuit->pairs, circuit->n_pairs, &draft->pair_room));
    circuit->pairs[circuit->n_pairs++] =
        (om_pair){.source = from, .target = to, .sign = sign, .first_tap = circuit->n_taps};
    return OM_OK;
}

/* The mark of the offset in the grid of those that the current pair has given, or NULL and a fault
 * if it is out of range. */
static int *offset_mark(om_draft *draft, int64_t du, int64_t dv)
{
    const int64_t most = OM_MAX_OFFSET;
    if (du >= -most && du <= most && dv >= -most && dv <= most)
        return &draft->offset_pair[(du + most) * SIDE + dv + most];
    om_faults_add(&draft->faults,
                  "pair %s: offset %lld,%lld is out of range: the largest lattice has offsets from "
                  "%d to %d",
                  draft->pair_name, (long long)du, (long long)dv, -OM_MAX_OFFSET, OM_MAX_OFFSET);
    return NULL;
}

om_status om_draft_add_tap(om_draft *draft, int64_t du, int64_t dv, double count, bool filled)
{
    om_circuit *circuit = draft->circuit;
    draft->pair_taps++;
    int *mark = offset_mark(draft, du, dv);
    if (mark == NULL) return OM_OK;
    int i = (int)du, j = (int)dv;
    if (*mark == draft->pair_serial) {
        om_faults_add(&draft->faults, "pair %s: offset %d,%d is given twice", draft->pair_name, i,
                      j);
        return OM_OK;
    }
    *mark = draft->pair_serial;
    if (!isfinite(count) || count < OM_COUNT_LEAST || count > OM_COUNT_MOST) {
        om_faults_add(&draft->faults,
                      "pair %s: offset %d,%d: synapse count %g: expected a number from %g to %g%s",
                      draft->pair_name, i, j, count, OM_COUNT_LEAST, OM_COUNT_MOST,
                      count == 0 ? " (an offset without synapses is left out)" : "");
        return OM_OK;
    }
    if (circuit->n_taps == OM_MAX_TAPS) {
        if (!draft->overfull) om_faults_add(&draft->faults, "more than %d offsets", OM_MAX_TAPS);
        draft->overfull = true;
    }
    if (!draft->pair_kept || draft->overfull) return OM_OK;
    OM_TRY(grow(&circuit->taps, sizeof *circuit->taps, circuit->n_taps, &draft->tap_room));
    circuit->taps[circuit->n_taps++] = (om_tap){.du = i, .dv = j, .count = count, .filled = filled};
    circuit->pairs[circuit->n_pairs - 1].n_taps++;
    return OM_OK;
}

/* Adds the gaps inside a hull, u-major. */
static om_status fill_inside(om_draft *draft, int n, const om_offset *hull)
{
    om_offset low = hull[0], high = hull[0], at;
    for (int i = 1; i < n; i++) {
        if (hull[i].du < low.du) low.du = hull[i].du;
        if (hull[i].du > high.du) high.du = hull[i].du;
        if (hull[i].dv < low.dv) low.dv = hull[i].dv;
        if (hull[i].dv > high.dv) high.dv = hull[i].dv;
    }
    for (at.du = low.du; at.du <= high.du; at.du++) {
        for (at.dv = low.dv; at.dv <= high.dv; at.dv++) {
            if (*offset_mark(draft, at.du, at.dv) == draft->pair_serial) continue;
            if (om_hull_contains(n, hull, at))
                OM_TRY(om_draft_add_tap(draft, at.du, at.dv, 1, true));
        }
    }
    return OM_OK;
}

om_status om_draft_fill_hull(om_draft *draft)
{
    if (!draft->pair_kept || draft->overfull) return OM_OK;
    const om_pair *pair = &draft->circuit->pairs[draft->circuit->n_pairs - 1];
    const om_tap *taps = draft->circuit->taps + pair->first_tap;
    int n = pair->n_taps;
    if (n < 3) return OM_OK;
    om_offset *points;
    OM_TRY(om_alloc((size_t)n * 2 + 1, sizeof *points, &points));
    om_offset *hull = points + n;
    for (int i = 0; i < n; i++) points[i] = (om_offset){taps[i].du, taps[i].dv};
    int corners = om_hull(n, points, hull);
    om_status status = corners < 3 ? OM_OK : fill_inside(draft, corners, hull);
    om_free(points);
    return status;
}

void om_draft_end_pair(om_draft *draft)
{
    if (draft->pair_taps == 0)
        om_faults_add(&draft->faults, "pair %s has no offsets", draft->pair_name);
}

/* Puts the types that have a role in the order of their places, of which every one from 1 to their
 * number must be there once. */
static om_status order_by_place(om_draft *draft, om_role role, int *n, int **order)
{
    const om_circuit *circuit = draft->circuit;
    const char *what = role == OM_ROLE_INPUT ? "input" : "output";
    OM_TRY(om_alloc((size_t)circuit->n_types, sizeof **order, order));
    *n = 0;
    for (int i = 0; i < circuit->n_types; i++) {
        (*order)[i] = -1;
        *n += draft->roles[i].place[role] > 0;
    }
    if (*n == 0) om_faults_add(&draft->faults, "none of the types is an %s", what);
    for (int i = 0; i < circuit->n_types; i++) {
        int place = draft->roles[i].place[role];
        const char *name = circuit->types[i].name;
        if (place == 0) continue;
        if (place > *n)
            om_faults_add(&draft->faults, "type %s: %s %d, but there are only %d", name, what,
                          place, *n);
        else if ((*order)[place - 1] >= 0)
            om_faults_add(&draft->faults, "types %s and %s are both %s %d",
                          circuit->types[(*order)[place - 1]].name, name, what, place);
        else
            (*order)[place - 1] = i;
    }
    return OM_OK;
}

om_status om_draft_finish(om_draft *draft, int extent, om_circuit **circuit)
{
    om_circuit *c = draft->circuit;
    om_faults_place(&draft->faults, "%s", "");
    if (c->n_types == 0) om_faults_add(&draft->faults, "no types");
    if (draft->pair_serial == 0) om_faults_add(&draft->faults, "no pairs of connected types");
    if (c->n_types > 0) {
        OM_TRY(order_by_place(draft, OM_ROLE_INPUT, &c->n_inputs, &c->inputs));
        OM_TRY(order_by_place(draft, OM_ROLE_OUTPUT, &c->n_outputs, &c->outputs));
    }
    OM_TRY(om_faults_outcome(&draft->faults));
    for (int i = 0; i < c->n_inputs; i++) c->types[c->inputs[i]].input = true;
    for (int i = 0; i < c->n_outputs; i++) c->types[c->outputs[i]].output = true;
    om_circuit_instantiate(c, extent);
    *circuit = c;
    draft->circuit = NULL;
    return OM_OK;
}
