/* Memory that kernels like: zeroed, aligned to 64 bytes, large blocks on huge pages. */
#ifndef OM_BASE_MEMORY_H
#define OM_BASE_MEMORY_H

#include <stddef.h>

#include "ommatid/om_status.h"

/* Allocates count * size bytes, zeroed and aligned to 64 bytes (2 MiB and on huge pages where the
 * block is larger than that). Free with om_free(). Errors: OM_ENOMEM, also when the product
 * overflows. *out is a pointer variable of any type: om_alloc(n, sizeof *x, &x). */
om_status om_alloc(size_t count, size_t size, void *out);
void om_free(void *memory); /* accepts NULL */

#endif
