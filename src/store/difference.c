/* Where two states of one store differ, in words. Whether they do is a matter of memcmp(); this is for the
 * person who then wants to know what it is that differs. */
#include <stdio.h>
#include <string.h>

#include "ommatid/om_check.h"
#include "store/store_inside.h"

#define MEMBER(type, member)                                                                       \
    {                                                                                              \
#member, type, offsetof(om_state, member), 0                                               \
    }

static const om_h5_member head[] = {
    MEMBER(OM_H5_U64, magic),           MEMBER(OM_H5_U32, version),
    MEMBER(OM_H5_U32, real_bytes),      MEMBER(OM_H5_U64, bytes),
    MEMBER(OM_H5_U64, fingerprint),     MEMBER(OM_H5_U64, seed),
    MEMBER(OM_H5_U32, model),           MEMBER(OM_H5_U32, retries),
    MEMBER(OM_H5_U64, iteration),       MEMBER(OM_H5_F64, rate_factor),
    MEMBER(OM_H5_F64, record_loss_sum), MEMBER(OM_H5_F64, record_epe_sum),
    MEMBER(OM_H5_U64, record_count),    MEMBER(OM_H5_U32, n_records),
    MEMBER(OM_H5_U32, n_checks),        MEMBER(OM_H5_I32, best_check),
    MEMBER(OM_H5_F64, best_l2norm),     MEMBER(OM_H5_F64, best_epe),
    MEMBER(OM_H5_F64, untrained_loss),  MEMBER(OM_H5_U64, replaced_at),
    MEMBER(OM_H5_U64, kept.iteration),  MEMBER(OM_H5_U64, kept.n_records),
};
static const om_members members_of_head = {head, sizeof head / sizeof *head};

static size_t first_different_byte(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    size_t i = 0;
    while (i < n && x[i] == y[i]) i++;
    return i;
}

/* The part of a state that a byte of it belongs to, by the layout's own table; where it begins. */
static const char *part_of(const om_state_layout *layout, size_t byte, size_t *begins)
{
    const char *name = "head";
    *begins = 0;
    for (size_t i = 0; i < om_schema_layout.n; i++) {
        const om_h5_member *m = &om_schema_layout.items[i];
        size_t at;
        if (strncmp(m->name, "at_", 3) != 0) continue;
        memcpy(&at, (const char *)layout + m->offset, sizeof at);
        if (at <= byte && at >= *begins) name = m->name + 3, *begins = at;
    }
    return name;
}

/* Curves and errors are single numbers; all else has the precision of the build. */
static bool is_float(const om_state_layout *layout, size_t begins)
{
    return begins == layout->at_history_loss || begins == layout->at_history_epe ||
           begins == layout->at_check_l2norm || begins == layout->at_check_epe ||
           begins == layout->at_best_scene_epe;
}

static bool holds_parameters(const om_state_layout *layout, size_t begins)
{
    return begins == layout->at_params || begins == layout->at_moment1 ||
           begins == layout->at_moment2 || begins == layout->at_pass_params ||
           begins == layout->at_best_params;
}

/* Which parameter it is that has place i among all. */
static void name_parameter(const om_store_info *info, size_t i, char *text, size_t bytes)
{
    const om_layout *p = &info->layout.params;
    if (i >= p->decoder) {
        snprintf(text, bytes, "decoder parameter %zu", i - p->decoder);
    } else if (i >= p->strength) {
        const size_t pair = i - p->strength;
        snprintf(text, bytes, "strength of %s -> %s", info->type_names[info->pair_source[pair]],
                 info->type_names[info->pair_target[pair]]);
    } else if (i >= p->time_constant) {
        snprintf(text, bytes, "time constant of %s", info->type_names[i - p->time_constant]);
    } else {
        snprintf(text, bytes, "resting potential of %s",
                 info->type_names[i - p->resting_potential]);
    }
}

static double number_at(const om_state *state, size_t at, bool single)
{
    float f;
    om_real r;
    memcpy(&f, om_state_view(state, at), sizeof f);
    if (single) return (double)f;
    memcpy(&r, om_state_view(state, at), sizeof r);
    return (double)r;
}

bool om_store_difference(const om_store *store, const om_state *stored, const om_state *other,
                         char text[OM_MESSAGE_BYTES])
{
    const om_state_layout *l = &store->info.layout;
    const size_t byte = first_different_byte(stored, other, l->bytes);
    om_difference d;
    text[0] = '\0';
    if (byte == l->bytes) return false;
    if (om_members_differ(&members_of_head, stored, other, &d)) {
        snprintf(text, OM_MESSAGE_BYTES, "%s: %.40s, in the store %.40s", d.name, d.expected,
                 d.found);
        return true;
    }
    size_t begins;
    char place[96];
    const char *part = part_of(l, byte, &begins);
    const bool single = is_float(l, begins);
    const size_t size = single ? sizeof(float) : sizeof(om_real), i = (byte - begins) / size;
    snprintf(place, sizeof place, "number %zu", i);
    if (holds_parameters(l, begins)) name_parameter(&store->info, i, place, sizeof place);
    const size_t at = begins + i * size;
    snprintf(text, OM_MESSAGE_BYTES, "%s: %s: %.9g, in the store %.9g", part, place,
             number_at(other, at, single), number_at(stored, at, single));
    return true;
}
