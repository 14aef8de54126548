/* Archives of tensors as torch.save writes them: a zip with one pickle, NAME/data.pkl, that says
 * what there is, and beside it the numbers of each storage, NAME/data/0, /1, ..., as raw
 * little-endian bytes. Read by pickle.h, so nothing in an archive is ever executed; the numbers of a
 * tensor are read when they are asked for. */
#ifndef OM_STORE_TORCH_H
#define OM_STORE_TORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_status.h"

typedef struct om_torch om_torch;

/* Opens an archive. Errors: OM_EIO (no permission), OM_EDATA (missing) with the file, what is wrong
 * with it, and where (no zip, cut short, no torch archive, an opcode or a name that is refused). */
om_status om_torch_open(const char *path, om_torch **archive);
/* The same from memory, which must outlive the archive. path: for messages. */
om_status om_torch_open_bytes(const char *path, const void *bytes, size_t n, om_torch **archive);
void om_torch_close(om_torch *archive); /* accepts NULL */

/* Entries are named by their keys, outermost first: "decoder/flow/base.0.weight". */
bool om_torch_has(const om_torch *archive, const char *entry);
/* One number, as Python or numpy holds it. Errors: OM_EDATA (not there, no number, not finite). */
om_status om_torch_number(const om_torch *archive, const char *entry, double *number);
/* Length of a tensor of one axis. Errors: OM_EDATA. */
om_status om_torch_length(const om_torch *archive, const char *entry, size_t *length);
/* A tensor of float32 with exactly these lengths, into out [product of lengths], last axis fastest,
 * whatever the strides in the archive. Errors: OM_EDATA with file and entry (not there, another
 * type or shape, a storage that is missing or damaged, a number that is not finite). */
om_status om_torch_floats(const om_torch *archive, const char *entry, int n_axes,
                          const size_t *lengths, float *out);

#endif
