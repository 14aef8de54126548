/* Handing batch scripts to SLURM. */
#ifndef CLI_SBATCH_H
#define CLI_SBATCH_H

#include "base/text.h"

enum { OM_SBATCH_PATH = 128, OM_SBATCH_NUMBER = 32 };

/* Writes a script into a new file of the folder jobs: jobs/JOB-1.sbatch, or -2, ... Errors: OM_EIO. */
om_status om_sbatch_write(const char *job, const om_text *script, char path[OM_SBATCH_PATH]);
/* Removes a script that was of no use, and the folder if nothing else is in it. path "": none. */
void om_sbatch_remove(const char *path);

/* Whether SLURM would take the script. Errors: OM_EFAIL, in its own words. */
om_status om_sbatch_try(const char *path);
/* Submits it. after: number of a job that is to have ended before it; NULL: none. Errors: as
 * om_sbatch_try(). */
om_status om_sbatch_submit(const char *path, const char *after, char number[OM_SBATCH_NUMBER]);
/* Takes a job back. Errors: OM_EFAIL. */
om_status om_sbatch_withdraw(const char *number);

/* Takes variables away from this process and its children that would win over what a script says, or that
 * come from a job in which this is called and would contradict it there; those that say which cluster is
 * meant stay. */
void om_sbatch_clean_environment(void);

#endif
