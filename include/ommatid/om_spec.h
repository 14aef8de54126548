/* The spec of an ensemble: one YAML file in, one plain structure out.
 *
 * One table in the code gives every key's type, default, range and meaning; the parser, `ommatid
 * init`, the help and the documentation all come from it. */
#ifndef OM_SPEC_H
#define OM_SPEC_H

#include <stdint.h>

#include "ommatid/om_race.h"
#include "ommatid/om_scenes.h"
#include "ommatid/om_status.h"
#include "ommatid/om_sweep.h"
#include "ommatid/om_train.h"

enum { OM_SPEC_TEXT = 256, OM_SPEC_STRIDES_BYTES = 4096 };

/* Sets of values that take the place of defaults: how the published ensembles were trained. */
typedef enum om_profile {
    OM_PROFILE_NONE,
    OM_PROFILE_PAPER,  /* by the paper's own runs */
    OM_PROFILE_PACKAGE /* by the package that was published with it */
} om_profile;

/* What is asked of SLURM for a job, by `submit`; nothing of it changes a model. Words are "", and numbers
 * 0, where nothing is said. */
enum { OM_SLURM_WORD = 128 };
typedef struct om_slurm_options {
    char partition[OM_SLURM_WORD], account[OM_SLURM_WORD], qos[OM_SLURM_WORD];
    char constraint[OM_SLURM_WORD];
    char time[OM_SLURM_WORD], mem[OM_SLURM_WORD]; /* as SLURM writes them: "1-12:00:00", "8G" */
    char mail_user[OM_SLURM_WORD];
    int nodes, ranks_per_node, threads; /* ranks that train */
} om_slurm_options;

typedef struct om_spec {
    char name[64];
    uint64_t seed;
    int models;
    char circuit[OM_SPEC_TEXT]; /* name or path */
    int extent;
    char strides[OM_SPEC_STRIDES_BYTES]; /* that differ from the circuit's: "Lawf1, 3, 2; ..." */
    char scenes[OM_SPEC_TEXT];           /* "procedural" or the path of a scene file */
    om_world_options worlds; /* used when procedural; extent and frames are those of training */
    om_profile profile;      /* what it stands for is in the other fields already */
    om_train_options train;
    om_race_options race;
    om_slurm_options slurm;
} om_spec;

/* All defaults. */
void om_spec_defaults(om_spec *spec);
/* Parses YAML text over the defaults. file: for messages. Every fault is reported with
 * file:line:column, the value, what was expected and, for unknown keys, the nearest valid key; all
 * of a file at once (up to 20). Relative paths in the spec are taken from the directory of `file`.
 * After a failure *spec is of no use. Errors: OM_EDATA. */
om_status om_spec_parse(const char *file, const char *text, om_spec *spec);
/* The points of a spec with a section `sweep`, whose keys are those of a spec and whose values are lists;
 * each point's text (specs) is a spec of its own, for om_spec_parse() with the same `file`. *sweep is NULL,
 * without error, where there is no such section. Errors: OM_EDATA, as om_spec_parse(), which itself refuses
 * such a section. */
om_status om_spec_sweep(const char *file, const char *text, om_sweep **sweep);
/* Opens the circuit of a spec, with the spec's strides and then its controls. Free with
 * om_circuit_free(). Errors: as om_circuit_open(), om_circuit_set_stride(), om_circuit_control(). */
om_status om_spec_circuit(const om_spec *spec, om_circuit **circuit);
/* Line of a key's value in a text that om_spec_parse() or om_spec_sweep() has taken, from 1, in the section
 * `sweep` first; 0: it is not given. */
int om_spec_line(const char *text, const char *path);
/* Text of a spec: a file, or one point of a file with a sweep, FILE:2, where there is no file of that name.
 * *text is the caller's (om_free()). Errors: OM_EIO, OM_EDATA (no such point, ...). */
om_status om_spec_text(const char *file, char **text);
/* Reads and parses one; *text (owned by the caller, om_free()) is what was read, if not NULL. */
om_status om_spec_read(const char *file, om_spec *spec, char **text);
/* The commented spec with every key and its default, as `ommatid init` writes it: it parses to the
 * defaults. Owned by the caller (om_free()). */
om_status om_spec_template(char **text);
/* The reference of all keys in Markdown, which is docs/spec.md. Owned by the caller (om_free()). */
om_status om_spec_reference(char **text);

#endif
