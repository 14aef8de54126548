/* What the sources of the HDF5 layer share. The only header that includes hdf5.h. */
#ifndef OM_STORE_H5_INSIDE_H
#define OM_STORE_H5_INSIDE_H

#include <hdf5.h>

#include "store/h5.h"

struct om_h5 {
    hid_t file;
    hid_t id;      /* of the group that "/" stands for: the file, or where om_h5_enter() went */
    char *path;    /* the final name */
    char *partial; /* the name while it is being made; NULL when published or opened */
    bool replaces; /* publishing it takes the place of a file of that name */
    int n_scales;  /* dimension scales made so far: each has its number in the file */
};

/* A failed HDF5 call: "FILE: OBJECT: WHAT: the deepest message of HDF5". object may be NULL. */
om_status om_h5_fail(om_status status, const char *file, const char *object, const char *what);
hid_t om_h5_memory_type(om_h5_type type);
/* An object's path as HDF5 takes it from that group. */
const char *om_h5_relative(const char *path);

#endif
