/* HDF5 for the rest of the project: files that appear whole or not at all, datasets with labelled
 * axes that xarray, h5py and MATLAB understand, rows, attributes. Nobody above this folder includes
 * hdf5.h.
 *
 * A file is made under another name and published when it is complete. Every dataset is contiguous
 * and has all its space from the start, so that later writers overwrite raw data in place and no
 * metadata of the file ever changes. Not thread-safe: one thread of a process. */
#ifndef OM_STORE_H5_H
#define OM_STORE_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ommatid/om_status.h"

typedef enum om_h5_type {
    OM_H5_U8,  /* also bool */
    OM_H5_I32, /* also int and enumerations */
    OM_H5_U32,
    OM_H5_I64,
    OM_H5_U64,
    OM_H5_F32,
    OM_H5_F64,
    OM_H5_TEXT, /* UTF-8 in char [text_bytes], filled up with NUL */
#ifdef OM_REAL_IS_DOUBLE
    OM_H5_REAL = OM_H5_F64
#else
    OM_H5_REAL = OM_H5_F32
#endif
} om_h5_type;

enum { OM_H5_AXES = 7, OM_H5_ANY_TEXT = 0 };

/* One dataset. A field whose only axis bears its own name holds the coordinates of that axis; it
 * must be added before the fields of its group that use the axis. An axis without such a field gets
 * a bare dimension. */
typedef struct om_h5_field {
    const char *path; /* "/group/name"; the group must be there */
    om_h5_type type;
    const char *axes[OM_H5_AXES + 1]; /* names, slowest first, NULL at the end; none: a scalar */
    size_t text_bytes;                /* of one text with its NUL; only for OM_H5_TEXT, where
                                         OM_H5_ANY_TEXT reads whatever is there */
    const char *unit, *description;
    const char *coordinates; /* further coordinates in the group, "source target"; NULL: none */
} om_h5_field;

typedef struct om_h5 om_h5;

typedef enum om_h5_access {
    OM_H5_READ,  /* no locks taken, never blocks or is blocked; MPI is not needed */
    OM_H5_UPDATE /* raw data in place through MPI-IO on this rank alone; MPI must be initialised */
} om_h5_access;

/* Starts a new file beside `path`, as PATH.partial.PROCESS, with room for all that will be added. bytes: at least what the
 * data take, and 2 KiB for each dataset. Errors: OM_EIO (exists already, no permission, full
 * disk). */
om_status om_h5_create(const char *path, uint64_t bytes, om_h5 **file);
/* The same, and when it is published it takes the place of a file of that name: whoever has that one open
 * goes on reading it. */
om_status om_h5_create_over(const char *path, uint64_t bytes, om_h5 **file);
/* Makes a new file durable and gives it its name; nothing more can be added. Never replaces an
 * existing file, unless it was created to. */
om_status om_h5_publish(om_h5 *file);
/* Errors: OM_EIO (no permission), OM_EDATA (missing, not HDF5, truncated). */
om_status om_h5_open(const char *path, om_h5_access access, om_h5 **file);
/* The same opens one part of a file, as om_split_part() has it: its root is then this group. */
#define OM_H5_PART "/point/%d"
/* Whether a file is shorter than it was made; its bytes, now and then. */
bool om_h5_is_cut(const char *path, uint64_t *found, uint64_t *made);
/* Closes; a new file that was not published is deleted. Accepts NULL. */
void om_h5_close(om_h5 *file);

om_status om_h5_group(om_h5 *file, const char *path);
/* From now on "/" stands for that group, so that a file can hold several of the same form; "/" leaves
 * it again. Datasets that are open stay so. Errors: OM_EDATA (there is none). */
om_status om_h5_enter(om_h5 *file, const char *group);
bool om_h5_has(om_h5 *file, const char *path);
/* Adds a dataset. lengths: one per axis; data: all of it, or NULL for NaN (numbers with a point) or
 * 0 everywhere. Errors: OM_EDATA (an axis of length 0), OM_EIO (disk full, ...). */
om_status om_h5_add(om_h5 *file, const om_h5_field *field, const size_t *lengths, const void *data);

/* A dataset that is open. */
typedef struct om_h5_data {
    int64_t id; /* 0: none */
    const om_h5_field *field;
    const char *file; /* for messages */
    int n_axes;       /* without that of text */
    size_t length[OM_H5_AXES];
    size_t item_bytes; /* of one number, or of one text */
} om_h5_data;

/* Opens a dataset and checks type and axes. lengths: what is expected, one per axis, 0 where
 * anything is; NULL: all 0. Errors: OM_EDATA with dataset, what is there and what was expected. */
om_status om_h5_find(om_h5 *file, const om_h5_field *field, const size_t *lengths,
                     om_h5_data *data);
/* Whether all of a dataset lies in the file, uncompressed, with no more than there is: for files whose
 * form is ours, before anything of a length that they name is allocated. Errors: OM_EDATA. */
om_status om_h5_check_room(const om_h5_data *data);
void om_h5_release(om_h5_data *data);
size_t om_h5_row_bytes(const om_h5_data *data);  /* of all that belongs to one index of axis 0 */
size_t om_h5_data_bytes(const om_h5_data *data); /* of the whole */
om_status om_h5_read(const om_h5_data *data, void *out);
om_status om_h5_write(const om_h5_data *data, const void *in);
om_status om_h5_read_row(const om_h5_data *data, size_t row, void *out);
om_status om_h5_write_row(const om_h5_data *data, size_t row, const void *in);
/* All that belongs to one index of each of the first n axes. */
om_status om_h5_read_part(const om_h5_data *data, int n, const size_t *index, void *out);
om_status om_h5_write_part(const om_h5_data *data, int n, const size_t *index, const void *in);
/* A block of a dataset: first index and number of indices of each axis. */
om_status om_h5_write_block(const om_h5_data *data, const size_t *start, const size_t *count,
                            const void *in);
/* n rows from `first` on, so that large data can be written in parts. */
om_status om_h5_write_rows(const om_h5_data *data, size_t first, size_t n, const void *in);
/* Reads a whole dataset into new memory (om_free()). */
om_status om_h5_read_new(const om_h5_data *data, void *out);
/* A field of a file, whole; lengths: [OM_H5_AXES] of its axes, written unless NULL. */
om_status om_h5_read_field(om_h5 *file, const om_h5_field *field, size_t *lengths, void *out);
/* Position of its first byte in the file. */
om_status om_h5_offset(const om_h5_data *data, uint64_t *offset);

/* All attributes of a group, to the group of the same path in another file. */
om_status om_h5_copy_attributes(om_h5 *from, om_h5 *to, const char *group);

/* Attributes of a group or dataset ("/" is the file). Text comes back in new memory (om_free()). */
bool om_h5_has_attribute(om_h5 *file, const char *object, const char *name);
om_status om_h5_set_text(om_h5 *file, const char *object, const char *name, const char *text);
om_status om_h5_get_text(om_h5 *file, const char *object, const char *name, char **text);

/* Members of a structure in memory as attributes, one each. */
typedef struct om_h5_member {
    const char *name;
    om_h5_type type;
    size_t offset;     /* in the structure */
    size_t text_bytes; /* room for a text with its NUL; only for OM_H5_TEXT */
} om_h5_member;

om_status om_h5_set_members(om_h5 *file, const char *object, const om_h5_member *members, size_t n,
                            const void *structure);
om_status om_h5_get_members(om_h5 *file, const char *object, const om_h5_member *members, size_t n,
                            void *structure);

size_t om_h5_type_bytes(om_h5_type type);     /* 1 for text */
const char *om_h5_type_name(om_h5_type type); /* "float32", "text", ... */

#endif
