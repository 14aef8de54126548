/* A spec that is being read: its tree, what was found in it, and its faults. */
#ifndef ENSEMBLE_SPEC_WALK_H
#define ENSEMBLE_SPEC_WALK_H

#include <yaml.h>

#include "base/fail.h"
#include "ensemble/spec_table.h"

typedef struct om_spec_walk {
    const char *file;
    yaml_document_t *document;
    om_spec *spec;
    int faults;
    yaml_mark_t marks[OM_SPEC_MOST_KEYS]; /* where a key's value stands */
    bool given[OM_SPEC_MOST_KEYS];        /* whether it was given */
} om_spec_walk;

/* Notes a fault at its place in the file. */
void om_spec_fault(om_spec_walk *walk, yaml_mark_t mark, const char *format, ...) OM_PRINTF(3, 4);

/* Checks what keys say together, after all were read; settles how checks are spaced. */
void om_spec_check_together(om_spec_walk *walk);

#endif
