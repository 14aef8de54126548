/* The batch script of a SLURM job that trains an ensemble: jobs/one-node.sbatch with other lines at its
 * head. What all jobs have in common is in that file only. */
#ifndef OM_ENSEMBLE_SUBMIT_SCRIPT_H
#define OM_ENSEMBLE_SUBMIT_SCRIPT_H

#include <stdbool.h>

#include "base/text.h"
#include "ommatid/om_spec.h"

enum { OM_SLURM_JOB_NAME = 64, OM_SLURM_TIME = 32 };

/* Whether SLURM can read the text from a line of a script as one word: shorter than OM_SLURM_WORD,
 * without blanks, quotes and control characters. */
bool om_slurm_is_word(const char *text);
/* SLURM's notation of a duration ("90", "12:00:00", "2-06", "UNLIMITED") in s, which may be infinite; false
 * if it is none. */
bool om_slurm_seconds(const char *text, double *seconds);
/* The other way: "12:00:00", "2-06:00:00"; finite. */
void om_slurm_time(double seconds, char text[OM_SLURM_TIME]);
/* Whether SLURM reads the text as a size of memory: "8G"; with K, M, G or T, else in megabytes. */
bool om_slurm_is_size(const char *text);
/* The name of an ensemble as that of a job, and of files: what is no letter, digit or one of ._- becomes
 * a -. */
void om_slurm_job_name(const char *name, char job[OM_SLURM_JOB_NAME]);

typedef struct om_submission {
    char job[OM_SLURM_JOB_NAME];
    om_slurm_options slurm; /* all numbers, time and mem are there */
    const char *program, *spec, *store;
    /* Of a sweep whose points have jobs of their own: how many, how many of them at once, and the memory
     * of the job that merges; points 0: one job. */
    int points, at_once;
    char merge_mem[OM_SLURM_WORD];
    const char *const *extra; /* [n_extra] further words for sbatch */
    int n_extra;
} om_submission;

/* Adds the script of a job that merges the stores of a sweep's points, once theirs have ended: with the same
 * options for sbatch, for half an hour, or as long as theirs. Errors: as om_submission_script(). */
om_status om_merge_script(const om_submission *submission, om_text *script);

/* Adds the script to a text. Errors: OM_EUSAGE (an extra word that would end its line, time), OM_ENOMEM. */
om_status om_submission_script(const om_submission *submission, om_text *script);

#endif
