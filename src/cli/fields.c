/* Fields of CSV and JSON. */
#include "cli/fields.h"

#include <math.h>

#include "ommatid/om_store.h"

void om_csv_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"') fputc('"', out);
        fputc(*c == '\n' ? ' ' : *c, out);
    }
    fputc('"', out);
}

void om_csv_iteration(FILE *out, uint64_t iteration)
{
    if (iteration != OM_ITERATION_UNKNOWN) fprintf(out, "%llu", (unsigned long long)iteration);
}

double om_rate_factor(uint32_t retries) { return ldexp(1, -(int)retries); }

void om_csv_replaced_at(FILE *out, uint32_t stream, uint64_t replaced_at)
{
    if (stream >= OM_STREAMS) fprintf(out, "%llu", (unsigned long long)replaced_at);
}

json_t *om_json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

json_t *om_json_iteration(uint64_t iteration)
{
    return iteration != OM_ITERATION_UNKNOWN ? json_integer((json_int_t)iteration) : json_null();
}

json_t *om_json_replaced_at(uint32_t stream, uint64_t replaced_at)
{
    return stream >= OM_STREAMS ? json_integer((json_int_t)replaced_at) : json_null();
}
