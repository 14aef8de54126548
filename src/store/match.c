/* Whether a store and a spec belong together. Going on with other settings than the store was begun
 * with would give models that no spec describes, so every one of them is compared. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "store/store_inside.h"

enum { VALUE_BYTES = OM_VALUE_BYTES };

static void print_number(om_h5_type type, const void *value, char text[VALUE_BYTES])
{
    union {
        uint8_t u8;
        int32_t i32;
        int64_t i64;
        uint64_t u64;
        double f64;
    } v = {0};
    memcpy(&v, value, om_h5_type_bytes(type));
    if (type == OM_H5_F64)
        snprintf(text, VALUE_BYTES, "%.9g", v.f64);
    else if (type == OM_H5_U64)
        snprintf(text, VALUE_BYTES, "%" PRIu64, v.u64);
    else if (type == OM_H5_I64)
        snprintf(text, VALUE_BYTES, "%" PRId64, v.i64);
    else if (type == OM_H5_I32)
        snprintf(text, VALUE_BYTES, "%d", v.i32);
    else
        snprintf(text, VALUE_BYTES, "%s", v.u8 ? "true" : "false");
}

/* A list, or as much of it as tells which one it is. */
static void print_list(const char *list, char text[VALUE_BYTES])
{
    const int most = VALUE_BYTES - (int)sizeof "[...]";
    snprintf(text, VALUE_BYTES, "[%.*s%s]", most, list, strlen(list) > (size_t)most ? "..." : "");
}

static void print_value(const om_h5_member *m, const char *value, char text[VALUE_BYTES])
{
    const char *const *names = om_schema_choices(m->name);
    int32_t choice = 0, n = 0;
    if (names != NULL) {
        memcpy(&choice, value, sizeof choice);
        while (names[n] != NULL) n++;
    }
    if (m->type == OM_H5_TEXT)
        print_list(value, text);
    else if (choice >= 0 && choice < n)
        snprintf(text, VALUE_BYTES, "%s", names[choice]);
    else
        print_number(m->type, value, text);
}

static bool same_member(const om_h5_member *m, const char *a, const char *b)
{
    if (m->type == OM_H5_TEXT) return strcmp(a, b) == 0;
    return memcmp(a, b, om_h5_type_bytes(m->type)) == 0;
}

static om_status differ(const om_store *store, const char *what, const char *in_store,
                        const char *in_spec)
{
    om_fail(OM_EDATA, "%s: belongs to another ensemble: %s is %s in the store, %s in the spec",
            store->info.path, what, in_store, in_spec);
    return om_hint(OM_EDATA, "the spec that the store was made from, or another file after -o");
}

static om_status same_number(const om_store *store, const char *what, uint64_t in_store,
                             uint64_t in_spec)
{
    char a[VALUE_BYTES], b[VALUE_BYTES];
    if (in_store == in_spec) return OM_OK;
    snprintf(a, sizeof a, "%" PRIu64, in_store);
    snprintf(b, sizeof b, "%" PRIu64, in_spec);
    return differ(store, what, a, b);
}

static om_status same_checksum(const om_store *store, const char *what, uint64_t in_store,
                               uint64_t in_spec)
{
    char a[VALUE_BYTES], b[VALUE_BYTES];
    if (in_store == in_spec) return OM_OK;
    snprintf(a, sizeof a, "%016" PRIx64, in_store);
    snprintf(b, sizeof b, "%016" PRIx64, in_spec);
    return differ(store, what, a, b);
}

bool om_members_differ(const om_members *members, const void *found, const void *expected,
                       om_difference *d)
{
    for (size_t i = 0; i < members->n; i++) {
        const om_h5_member *m = &members->items[i];
        const char *a = (const char *)found + m->offset, *b = (const char *)expected + m->offset;
        if (same_member(m, a, b)) continue;
        d->name = m->name;
        print_value(m, a, d->found);
        print_value(m, b, d->expected);
        return true;
    }
    return false;
}

static om_status same_members(const om_store *store, const om_members *members,
                              const void *in_store, const void *in_spec)
{
    om_difference d;
    if (!om_members_differ(members, in_store, in_spec, &d)) return OM_OK;
    return differ(store, d.name, d.found, d.expected);
}

om_status om_store_read_options(const om_store *store, om_train_options *options)
{
    memset(options, 0, sizeof *options);
    return om_h5_get_members(store->file, "/options", om_schema_options.items, om_schema_options.n,
                             options);
}

om_status om_store_matches(const om_store *store, const om_store_plan *plan)
{
    const om_store_info *info = &store->info;
    if (info->imported_from != NULL) {
        om_fail(OM_EDATA, "%s: holds models that were imported from %s: there is nothing to train",
                info->path, info->imported_from);
        return om_hint(OM_EDATA, "another file after -o");
    }
    OM_TRY(same_number(store, "seed", info->seed, plan->seed));
    OM_TRY(same_number(store, "the number of models", (uint64_t)info->n_models,
                       (uint64_t)plan->n_models));
    /* before the checksums: many a setting changes one, and tells more */
    om_train_options stored;
    OM_TRY(om_store_read_options(store, &stored));
    OM_TRY(same_members(store, &om_schema_options, &stored, plan->train));
    OM_TRY(same_checksum(store, "the circuit's checksum", info->circuit_checksum,
                         plan->circuit->checksum));
    if (plan->scenes != NULL)
        OM_TRY(same_checksum(store, "the scenes' checksum", info->scenes_checksum,
                             plan->scenes->checksum));
    if (info->race.at[0] != '\0' || plan->race.at[0] != '\0')
        OM_TRY(same_members(store, &om_schema_race, &info->race, &plan->race));
    if (plan->layout == NULL) return OM_OK;
    return same_members(store, &om_schema_layout, &info->layout, plan->layout);
}
