/* A spec that is being read: its tree, what was found in it, and its faults. */
#ifndef ENSEMBLE_SPEC_WALK_H
#define ENSEMBLE_SPEC_WALK_H

#include <yaml.h>

#include "base/fail.h"
#include "ensemble/spec_table.h"

/* A value that takes the place of what the document says, or does not say, of a key. */
typedef struct om_spec_override {
    const om_spec_key *key;
    const yaml_node_t *value;
} om_spec_override;

typedef struct om_spec_walk {
    const char *file;
    yaml_document_t *document;
    om_spec *spec;
    const om_spec_override *overrides;
    int n_overrides;
    const yaml_node_t *sweep; /* its section, or NULL */
    int faults;
    yaml_mark_t marks[OM_SPEC_MOST_KEYS]; /* where a key's value stands */
    bool given[OM_SPEC_MOST_KEYS];        /* whether it was given */
} om_spec_walk;

/* Notes a fault at its place in the file. */
void om_spec_fault(om_spec_walk *walk, yaml_mark_t mark, const char *format, ...) OM_PRINTF(3, 4);

/* Reads all keys of a document over the defaults, but for the section `sweep`, which it notes. What keys
 * say together is not checked. Errors: OM_EDATA. */
om_status om_spec_walk_keys(om_spec_walk *walk);
/* Checks what they say together, and counts the faults. Errors: OM_EDATA. */
om_status om_spec_conclude(om_spec_walk *walk);
/* A key that there is not, with the nearest. prefix: of its section, "" or "train.". */
void om_spec_unknown_key(om_spec_walk *walk, const yaml_node_t *node, const char *prefix);
/* Whether the key of a pair stood in the same section before, which is then noted. */
bool om_spec_is_duplicate(om_spec_walk *walk, const yaml_node_t *map, const yaml_node_pair_t *pair);
/* Loads the one document that a text may hold. Free it with yaml_document_delete(). Errors: OM_EDATA. */
om_status om_spec_load(const char *file, const char *text, yaml_document_t *document);

/* Checks what keys say together, after all were read; settles how checks are spaced. */
void om_spec_check_together(om_spec_walk *walk);

#endif
