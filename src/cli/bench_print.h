/* The report of `ommatid bench`, for people and as JSON. */
#ifndef CLI_BENCH_PRINT_H
#define CLI_BENCH_PRINT_H

#include <jansson.h>

#include "bench/bench.h"

void om_bench_print(const om_circuit *circuit, const om_bench_report *report);
/* NULL: out of memory. */
json_t *om_bench_json(const om_circuit *circuit, const om_bench_report *report);

#endif
