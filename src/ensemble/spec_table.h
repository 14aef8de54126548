/* The keys of a spec as a table: parser, template, reference page and defaults all read it. */
#ifndef ENSEMBLE_SPEC_TABLE_H
#define ENSEMBLE_SPEC_TABLE_H

#include "ommatid/om_spec.h"

typedef enum om_spec_kind {
    OM_SPEC_NAME,    /* a word or more, char [64] */
    OM_SPEC_WORD,    /* none or one, char [OM_SLURM_WORD] */
    OM_SPEC_CIRCUIT, /* a name or a path, char [OM_SPEC_TEXT] */
    OM_SPEC_SCENES,  /* `procedural` or a path, char [OM_SPEC_TEXT] */
    OM_SPEC_FLAG,    /* bool */
    OM_SPEC_INT,     /* int */
    OM_SPEC_UINT64,
    OM_SPEC_REAL,   /* double */
    OM_SPEC_CHOICE, /* an enum, by its position in `choices` */
    /* lists, as text without their outer brackets: "first, last" */
    OM_SPEC_RATES,   /* double [2] */
    OM_SPEC_RANGE,   /* double [2]: lowest and highest, which may be infinite */
    OM_SPEC_PARTS,   /* bool for each of `choices`: whether it is in the list */
    OM_SPEC_NAMES,   /* types, char [OM_WITHOUT_BYTES] in the form of om_controls */
    OM_SPEC_TYPES,   /* groups of types, char [OM_GROUPS_BYTES] in the form of om_model_options */
    OM_SPEC_PAIRS,   /* groups of pairs, the same */
    OM_SPEC_STRIDES, /* a type and two numbers each, char [OM_SPEC_STRIDES_BYTES] */
    OM_SPEC_RUNGS    /* iterations, rising, char [OM_RACE_BYTES] */
} om_spec_kind;

static inline bool om_spec_is_list(om_spec_kind kind) { return kind >= OM_SPEC_RATES; }

typedef struct om_spec_key {
    const char *path; /* "init.resting_potential.mean"; keys of a section stand together */
    om_spec_kind kind;
    size_t offset;       /* of its field in om_spec */
    const char *usual;   /* default, as it is written in a spec */
    double least, most;  /* of numbers */
    bool above, below;   /* least, most themselves are not allowed */
    const char *unit;    /* or NULL */
    const char *meaning; /* one line */
    const char *const *choices;
} om_spec_key;

/* Ended by a key without path. */
extern const om_spec_key om_spec_keys[];
enum { OM_SPEC_MOST_KEYS = 96 }; /* more than there are */

/* What a profile sets in place of the defaults. */
typedef struct om_spec_setting {
    const char *path, *text;
} om_spec_setting;
/* The settings of a profile, ended by one without path. */
const om_spec_setting *om_spec_profile_settings(om_profile profile);

const om_spec_key *om_spec_key_find(const char *path); /* NULL: there is none */

/* Sets one field from its text. false: not what the key takes; om_spec_expected() says what is.
 * file: where relative paths start. */
bool om_spec_set(om_spec *spec, const om_spec_key *key, const char *file, const char *text);
/* "an integer from 1 to 100000". */
void om_spec_expected(const om_spec_key *key, char text[160]);
/* "1 to 100000", "> 0, at most 1", "package or paper"; "" where everything goes. */
void om_spec_range(const om_spec_key *key, char text[96]);

#endif
