/* For tests of the plan that go one step at a time. */
#ifndef TESTS_PLAN_BENCH_H
#define TESTS_PLAN_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ommatid/om_plan.h"

/* Units of 100 iterations. */
static inline om_plan *plan_of(int models, int workers, uint64_t iterations)
{
    om_plan_options options = {models, workers, iterations, 10, 10};
    om_plan *plan;
    assert_int_equal(om_plan_create(&options, &plan), OM_OK);
    return plan;
}

static inline om_unit asked(om_plan *plan, int worker)
{
    om_unit unit;
    assert_int_equal(om_plan_ask(plan, worker, &unit), OM_PLAN_UNIT);
    assert_true(om_plan_is_valid(plan));
    return unit;
}

#endif
