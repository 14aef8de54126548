/* For tests of the spec: texts that parse, texts that are refused, specs that are the same. */
#ifndef TESTS_SPEC_BENCH_H
#define TESTS_SPEC_BENCH_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "ensemble/spec_table.h"

static const char file[] = "dir/my.yaml";

static inline om_spec parsed(const char *text)
{
    om_spec spec;
    om_status status = om_spec_parse(file, text, &spec);
    if (status != OM_OK) print_error("%s\n", om_message());
    assert_int_equal(status, OM_OK);
    return spec;
}

/* The text must be refused with a message that holds `expected`. */
static inline void refused(const char *text, const char *expected)
{
    om_spec spec;
    assert_int_equal(om_spec_parse(file, text, &spec), OM_EDATA);
    if (strstr(om_message(), expected) == NULL)
        print_error("expected: %s\nmessage:  %s\n", expected, om_message());
    assert_non_null(strstr(om_message(), expected));
}

/* Compares field by field: structures have padding. */
static inline void assert_same(const om_spec *a, const om_spec *b)
{
    static const size_t bytes[] = {
        [OM_SPEC_NAME] = 64,
        [OM_SPEC_CIRCUIT] = OM_SPEC_TEXT,
        [OM_SPEC_SCENES] = OM_SPEC_TEXT,
        [OM_SPEC_FLAG] = sizeof(bool),
        [OM_SPEC_INT] = sizeof(int),
        [OM_SPEC_UINT64] = sizeof(uint64_t),
        [OM_SPEC_REAL] = sizeof(double),
        [OM_SPEC_CHOICE] = sizeof(int),
        [OM_SPEC_RATES] = 2 * sizeof(double),
        [OM_SPEC_RANGE] = 2 * sizeof(double),
        [OM_SPEC_PARTS] = OM_PARTS * sizeof(bool),
        [OM_SPEC_NAMES] = OM_WITHOUT_BYTES,
        [OM_SPEC_TYPES] = OM_GROUPS_BYTES,
        [OM_SPEC_PAIRS] = OM_GROUPS_BYTES,
        [OM_SPEC_STRIDES] = OM_SPEC_STRIDES_BYTES,
        [OM_SPEC_RUNGS] = OM_RACE_BYTES,
    };
    for (const om_spec_key *key = om_spec_keys; key->path != NULL; key++)
        if (memcmp((const char *)a + key->offset, (const char *)b + key->offset,
                   bytes[key->kind]) != 0)
            fail_msg("%s differs", key->path);
    assert_int_equal(a->worlds.extent, b->worlds.extent);
    assert_int_equal(a->worlds.frames, b->worlds.frames);
    assert_int_equal(a->worlds.eye, b->worlds.eye);
}

#endif
