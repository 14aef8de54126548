/* Asking SLURM, by its own commands. */
#ifndef CLI_SLURM_H
#define CLI_SLURM_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/text.h"

/* What one of its commands said. */
typedef struct om_slurm_answer {
    bool missing; /* there is no such command here */
    int code;     /* its exit status; -1: it gave no answer in time, or could not be started */
    om_text out;  /* what it printed; data may be NULL if that is nothing */
    om_text err;
} om_slurm_answer;

/* Runs a command (words end with NULL) for most_s seconds at most. Free the answer. Errors: OM_ENOMEM,
 * OM_EIO; that the command is missing or fails is no error. */
om_status om_slurm_ask(const char *const *words, double most_s, om_slurm_answer *answer);
void om_slurm_free(om_slurm_answer *answer);

/* What the cluster says of a partition. */
typedef struct om_slurm_partition {
    bool slurm;   /* there is SLURM here, and it answers */
    int cores;    /* of its smallest node; 0: not known */
    double max_s; /* limit of a job's time, infinite: none */
} om_slurm_partition;

/* name: a partition, or several with commas; "": the default one. missing: a text in which to say why there
 * is no answer. Errors: OM_EFAIL (it has no such partition: which there are); as om_slurm_ask(). */
om_status om_slurm_look(const char *name, om_slurm_partition *partition, om_text *missing);

/* How a job is doing. */
typedef struct om_slurm_job {
    char number[32], name[64];
    char state[32], nodes[64], left[32],
        reason[64]; /* as squeue prints them; "" where there is none */
} om_slurm_job;

/* The job of which a store says that it trained it (/run/job, as om_store_name_job() writes it), if the store's
 * owner has such a job, of the name that the store has. False where that was none of SLURM's, there is no
 * SLURM, or it does not know the job, or does not answer at once: then number is "". */
bool om_slurm_find_job(const char *run, uid_t owner, om_slurm_job *found);
/* How often it is asked at most by who watches, s: it serves many. */
#define OM_SLURM_EVERY_S 10.0

/* This user's jobs of that name, and of NAME-merge, that wait or run. jobs: [most]. Returns how many. */
int om_slurm_find_named(const char *name, om_slurm_job *jobs, int most);

/* A line below others, that begins it; nothing where number is "". */
void om_slurm_print_job(const om_slurm_job *job);
json_t *om_slurm_job_json(const om_slurm_job *job); /* null where number is "" */

#endif
