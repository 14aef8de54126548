/* Memory that kernels like: zeroed, aligned to 64 bytes, large blocks on huge pages; and how much of it
 * there is. */
#ifndef OM_BASE_MEMORY_H
#define OM_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_status.h"

/* Allocates count * size bytes, zeroed and aligned to 64 bytes. A block of 2 MiB or more has pages of
 * its own, huge ones where they are offered, each near the thread that first touches it, and goes
 * back to the system when freed. Free with om_free(). Errors: OM_ENOMEM, also when the product
 * overflows. *out is a pointer variable of any type: om_alloc(n, sizeof *x, &x). */
om_status om_alloc(size_t count, size_t size, void *out);
void om_free(void *memory); /* accepts NULL */

/* One of the arrays of an object: what om_alloc() is given. An object that lists its arrays in one
 * place allocates, frees and counts them by the same list. */
typedef struct om_array {
    void *out;
    size_t count, size;
} om_array;

/* All or the first that fails; those before it are left to om_free_arrays(). */
om_status om_alloc_arrays(const om_array *arrays, int n);
/* Those that are not NULL, which they are afterwards. */
void om_free_arrays(const om_array *arrays, int n);
/* Bytes that allocating them takes. */
size_t om_arrays_bytes(const om_array *arrays, int n);

/* Bytes that this process and those beside it may still use: what the machine has available, or less
 * where a control group that the process is in leaves less. root: the folder that /proc and /sys are
 * in, "". 0: not known. */
uint64_t om_memory_available(const char *root);

#endif
