/* The order of operations of the network kernels, made once from a circuit. */
#include "model/network_tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"

/* What targets can share: one map at one offset. On the way back sources are the targets. */
typedef struct source {
    int type, du, dv; /* from it to the target */
} source;

/* A tap that lands somewhere, with the number of its source among the distinct ones. */
typedef struct live_tap {
    int tap, pair, source, target;
} live_tap;

/* While the tables are made. */
typedef struct draft {
    const om_circuit *circuit;
    const om_geometry *geometry;
    om_groups *groups; /* the way at hand */
    om_origins *origins;
    live_tap *live; /* [n_live] */
    int n_live, n_sources;
    source *sources; /* [n_sources] */
    int *tap_of;     /* [n_types][n_sources] index into live, or -1 */
    bool *used;      /* [n_types] */
    int operations, weights;
} draft;

static int find_source(draft *d, source wanted)
{
    for (int i = 0; i < d->n_sources; i++) {
        const source *s = &d->sources[i];
        if (s->type == wanted.type && s->du == wanted.du && s->dv == wanted.dv) return i;
    }
    d->sources[d->n_sources] = wanted;
    return d->n_sources++;
}

/* Forward, or back: with sources for targets, and every tap the other way. */
static void collect(draft *d, bool back)
{
    const om_circuit *c = d->circuit;
    d->n_live = d->n_sources = d->operations = d->weights = 0;
    memset(d->used, 0, (size_t)c->n_types * sizeof *d->used);
    for (int p = 0; p < c->n_pairs; p++)
        for (int k = 0; k < c->pairs[p].n_taps; k++) {
            const om_pair *pair = &c->pairs[p];
            const om_tap *t = &c->taps[pair->first_tap + k];
            if (t->edges == 0) continue;
            source s = back ? (source){pair->target, -t->du, -t->dv}
                            : (source){pair->source, t->du, t->dv};
            d->live[d->n_live++] = (live_tap){pair->first_tap + k, p, find_source(d, s),
                                              back ? pair->source : pair->target};
        }
    size_t cells = (size_t)c->n_types * (size_t)d->n_sources;
    for (size_t i = 0; i < cells; i++) d->tap_of[i] = -1;
    for (int i = 0; i < d->n_live; i++)
        d->tap_of[(size_t)d->live[i].target * (size_t)d->n_sources + (size_t)d->live[i].source] = i;
}

static const int *taps_of(const draft *d, int type)
{
    return d->tap_of + (size_t)type * (size_t)d->n_sources;
}

/* Types not yet in a group: the one with most taps, or the one that shares most with `group`. */
static int best_partner(const draft *d, const om_group *group)
{
    int best = -1, best_score = -1;
    for (int t = 0; t < d->circuit->n_types; t++) {
        if (d->used[t]) continue;
        int score = 0;
        for (int s = 0; s < d->n_sources; s++) {
            bool read = group->n_targets == 0;
            for (int q = 0; q < group->n_targets; q++)
                read = read || taps_of(d, group->targets[q])[s] >= 0;
            score += read && taps_of(d, t)[s] >= 0;
        }
        if (score > best_score) best = t, best_score = score;
    }
    return best;
}

static void add_operation(draft *d, int s, const om_group *group, int mask)
{
    const om_geometry *g = d->geometry;
    const source *from = &d->sources[s];
    d->groups->offset[d->operations++] =
        (from->type * (int)g->plane - from->du * g->pitch - from->dv) * OM_QUAD;
    for (int q = 0; q < group->n_targets; q++) {
        if (!(mask >> q & 1)) continue;
        const live_tap *tap = &d->live[taps_of(d, group->targets[q])[s]];
        d->origins->pair[d->weights] = tap->pair;
        d->origins->tap[d->weights++] = tap->tap;
    }
}

/* Operations of a group, sorted by the set of targets that they feed. `only` >= 0 keeps just that
 * target's, in the very same order: kernels that take targets one by one sum as the others do. */
static void add_group(draft *d, const om_group *together, int only)
{
    om_group *g = &d->groups->groups[d->groups->n++];
    *g = (om_group){.n_targets = only < 0 ? together->n_targets : 1,
                    .first_operation = d->operations,
                    .first_weight = d->weights};
    for (int q = 0; q < g->n_targets; q++) g->targets[q] = together->targets[only < 0 ? q : only];
    for (int mask = 1; mask < 1 << OM_MOST_SHARED; mask++) {
        int before = d->operations, own = only < 0 ? mask : 1;
        for (int s = 0; s < d->n_sources; s++) {
            int feeds = 0;
            for (int q = 0; q < together->n_targets; q++)
                feeds |= (taps_of(d, together->targets[q])[s] >= 0) << q;
            if (feeds != mask || (only >= 0 && !(mask >> only & 1))) continue;
            add_operation(d, s, g, own);
        }
        g->operations[own] += d->operations - before;
    }
}

static void make_groups(draft *d, int targets_per_group)
{
    for (;;) {
        om_group together = {0};
        while (together.n_targets < OM_MOST_SHARED) {
            int t = best_partner(d, &together);
            if (t < 0) break;
            d->used[t] = true;
            together.targets[together.n_targets++] = t;
        }
        if (together.n_targets == 0) return;
        if (targets_per_group > 1)
            add_group(d, &together, -1);
        else
            for (int q = 0; q < together.n_targets; q++) add_group(d, &together, q);
    }
}

static void make_fan_out(const draft *d, om_network_order *out)
{
    om_network_tables *t = &out->tables;
    const om_geometry *g = t->geometry;
    int pairs = 0, taps = 0;
    for (int type = 0; type < t->n_types; type++) {
        t->fan_out_first[type] = pairs;
        for (int i = 0; i < d->n_live; i++) {
            const om_pair *pair = &d->circuit->pairs[d->live[i].pair];
            if (pair->source != type) continue;
            if (pairs == t->fan_out_first[type] || t->fan_out[pairs - 1].pair != d->live[i].pair)
                t->fan_out[pairs++] = (om_fan_out){d->live[i].pair, taps, 0};
            t->fan_out[pairs - 1].n_taps++;
            const om_tap *tap = &d->circuit->taps[d->live[i].tap];
            t->tap_offset[taps] =
                (pair->target * (int)g->plane + tap->du * g->pitch + tap->dv) * OM_QUAD;
            out->fan_out_tap[taps++] = d->live[i].tap;
        }
    }
    t->fan_out_first[t->n_types] = pairs;
}

enum { MOST_ARRAYS = 24 };

static int list_arrays(om_network_order *p, const om_circuit *c, om_array list[MOST_ARRAYS])
{
    om_network_tables *t = &p->tables;
    const size_t types = (size_t)c->n_types, pairs = (size_t)c->n_pairs, taps = (size_t)c->n_taps;
    const size_t i = sizeof(int), r = sizeof(om_real);
    const om_array all[] = {
        {&t->forward.groups, types, sizeof(om_group)},
        {&t->forward.offset, taps, i},
        {&t->forward.weight, taps, r},
        {&p->forward.pair, taps, i},
        {&p->forward.tap, taps, i},
        {&t->back.groups, types, sizeof(om_group)},
        {&t->back.offset, taps, i},
        {&t->back.weight, taps, r},
        {&p->back.pair, taps, i},
        {&p->back.tap, taps, i},
        {&p->fan_out_tap, taps, i},
        {&p->count, taps, r},
        {&t->fan_out_first, types + 1, i},
        {&t->fan_out, pairs, sizeof(om_fan_out)},
        {&t->tap_offset, taps, i},
        {&t->tap_count, taps, r},
        {&t->pair_weight, pairs, r},
        {&p->pair_sign, pairs, i},
        {&t->resting_potential, types, r},
        {&t->rate, types, r},
        {&t->is_input, types, 1},
    };
    memcpy(list, all, sizeof all);
    return (int)(sizeof all / sizeof all[0]);
}

static om_status allocate(om_network_order *p, const om_circuit *circuit)
{
    om_array list[MOST_ARRAYS];
    return om_alloc_arrays(list, list_arrays(p, circuit, list));
}

size_t om_network_order_bytes(const om_circuit *circuit)
{
    om_network_order none;
    om_array list[MOST_ARRAYS];
    return om_arrays_bytes(list, list_arrays(&none, circuit, list));
}

om_status om_network_order_create(const om_circuit *circuit, const om_geometry *geometry,
                                  int targets_per_group, om_network_order *p)
{
    *p = (om_network_order){
        .tables = {.geometry = geometry, .n_types = circuit->n_types, .n_pairs = circuit->n_pairs}};
    draft d = {.circuit = circuit, .geometry = geometry};
    size_t taps = (size_t)circuit->n_taps, types = (size_t)circuit->n_types;
    om_status s = allocate(p, circuit);
    if (s == OM_OK) s = om_alloc(taps, sizeof(live_tap), &d.live);
    if (s == OM_OK) s = om_alloc(taps, sizeof(source), &d.sources);
    if (s == OM_OK) s = om_alloc(taps * types, sizeof(int), &d.tap_of);
    if (s == OM_OK) s = om_alloc(types, sizeof(bool), &d.used);
    if (s == OM_OK) {
        for (int back = 1; back >= 0; back--) {
            d.groups = back ? &p->tables.back : &p->tables.forward;
            d.origins = back ? &p->back : &p->forward;
            collect(&d, back);
            make_groups(&d, targets_per_group);
        }
        make_fan_out(&d, p);
        p->n_weights = d.weights;
        for (int k = 0; k < circuit->n_pairs; k++) p->pair_sign[k] = circuit->pairs[k].sign;
        for (int i = 0; i < circuit->n_inputs; i++) p->tables.is_input[circuit->inputs[i]] = 1;
    } else {
        om_network_order_free(p);
    }
    om_free(d.live);
    om_free(d.sources);
    om_free(d.tap_of);
    om_free(d.used);
    return s;
}

void om_network_order_free(om_network_order *p)
{
    const om_circuit sizes_do_not_matter = {0};
    om_array list[MOST_ARRAYS];
    om_free_arrays(list, list_arrays(p, &sizes_do_not_matter, list));
    *p = (om_network_order){0};
}

void om_network_order_set_params(om_network_order *p, const om_real *resting_potential,
                                 const om_real *time_constant, const om_real *strength, om_real dt)
{
    om_network_tables *t = &p->tables;
    memcpy(t->resting_potential, resting_potential, (size_t)t->n_types * sizeof(om_real));
    for (int i = 0; i < t->n_types; i++)
        t->rate[i] = dt / (time_constant[i] <= dt ? dt : time_constant[i]);
    for (int i = 0; i < t->n_pairs; i++) t->pair_weight[i] = (om_real)p->pair_sign[i] * strength[i];
    for (int i = 0; i < p->n_weights; i++) {
        t->forward.weight[i] = t->pair_weight[p->forward.pair[i]] * p->count[p->forward.tap[i]];
        t->back.weight[i] = t->pair_weight[p->back.pair[i]] * p->count[p->back.tap[i]];
        t->tap_count[i] = p->count[p->fan_out_tap[i]];
    }
}

int om_group_cost(const om_group *group)
{
    int cost = 4 * group->n_targets; /* the update of V */
    for (int mask = 1; mask < 1 << OM_MOST_SHARED; mask++)
        cost += group->operations[mask] * (1 + __builtin_popcount((unsigned)mask));
    return cost;
}

int om_source_cost(const om_network_tables *tables, int type)
{
    int cost = 8;
    for (int f = tables->fan_out_first[type]; f < tables->fan_out_first[type + 1]; f++)
        cost += tables->fan_out[f].n_taps + 4;
    return cost;
}
