/* Opening a store for a command that reads it. HDF5 reads the structure of a file in good faith: a damaged
 * one can make it crash, or go round in circles (of single flipped bytes in a store's metadata about one
 * in two thousand does). So it is tried in a child process first, with limits of time and memory. */
#ifndef CLI_OPEN_STORE_H
#define CLI_OPEN_STORE_H

#include "ommatid/om_store.h"
#include "ommatid/om_sweep.h"

enum { OM_STRUCTURE_S = 60 /* of computing, a thousand times what reading a structure takes */ };

/* Reads all that HDF5 itself reads of a store, in a child. To be called before MPI is started. Errors:
 * those of om_store_open(); OM_EDATA where reading it crashes or comes to no end. */
om_status om_command_try_store(const char *path);
/* The same, and opens it for reading. */
om_status om_command_open_store(const char *path, om_store **store);

/* The same of a file that may hold a sweep: *sweep and *name (om_free()), or else *store; the others are
 * NULL. */
om_status om_command_open_sweep(const char *path, om_sweep **sweep, char **name, om_store **store);

/* In a child that reads a file: limits, and death with its parent. */
void om_command_limit_child(const char *path);
void om_command_end_limit(void); /* of time: what is left takes as long as it is large */
/* What became of a child that did not exit: "reading it crashed (Segmentation fault)". */
void om_command_describe_end(int state, char *text, size_t bytes);

#endif
