/* Fields of what is printed for other programs. */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

/* A text in quotes, on one line. */
void om_csv_text(FILE *out, const char *text);
/* Iterations done; empty (null) where they are not known. */
void om_csv_iteration(FILE *out, uint64_t iteration);
/* Of the learning rate, what a model that was set back so often trains with. */
double om_rate_factor(uint32_t retries);
/* A number; null where there is none. */
json_t *om_json_number(double x);
json_t *om_json_iteration(uint64_t iteration);
/* Iterations that the model had done which one of that stream replaces; empty (null) if it replaces none. */
void om_csv_replaced_at(FILE *out, uint32_t stream, uint64_t replaced_at);
json_t *om_json_replaced_at(uint32_t stream, uint64_t replaced_at);

#endif
