/* What `ommatid check` prints. */
#ifndef CLI_CHECK_PRINT_H
#define CLI_CHECK_PRINT_H

#include "ommatid/om_check.h"

/* all: every model, not only those of which something is notable. */
void om_check_print(const char *path, const om_check *check, bool all);
om_status om_check_print_json(const char *path, const om_check *check);

#endif
