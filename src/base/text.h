/* Text: strict numbers, nearest words, growing strings, whole files. */
#ifndef OM_BASE_TEXT_H
#define OM_BASE_TEXT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

/* Whole text as a finite number; false for anything else ("0.5zz", "", "nan", out of range). */
bool om_parse_real(const char *text, double *out);
/* Whole text as a decimal integer; false for "3.7", "3x", overflow. */
bool om_parse_int(const char *text, int64_t *out);

/* Whole text as SLURM writes times, in s: minutes, minutes:seconds, hours:minutes:seconds,
 * days-hours[:minutes[:seconds]], each of at most nine digits. */
bool om_parse_slurm_time(const char *text, double *seconds);
/* Whole text as a duration above 0 in s: a number with a unit ("90s", "30m", "1.5h", "2d"), or as SLURM
 * writes it. */
bool om_parse_duration(const char *text, double *seconds);

bool om_ends_with(const char *text, const char *end);

/* The word of the NULL-terminated list that is nearest to `word` (edit distance whatever the case,
 * at most half of its length away), or NULL. For "unknown key X, did you mean Y". */
const char *om_nearest(const char *word, const char *const *words);

/* A string that grows. Start with {0}; free with om_text_free(). On lack of memory later calls do
 * nothing and `failed` stays set, so that one check at the end is enough. */
typedef struct om_text {
    char *data; /* always NUL-terminated once anything was added */
    size_t length, capacity;
    bool failed;
} om_text;

void om_text_add(om_text *text, const char *format, ...) OM_PRINTF(2, 3);
void om_text_free(om_text *text);

/* A name of one part of a file, "FILE:3", where there is no file of that whole name, into FILE and the
 * number; any other into itself and -1. */
int om_split_part(const char *name, char file[PATH_MAX]);

/* Reads a whole file; *data is NUL-terminated and owned by the caller (free with om_free()).
 * Errors: as om_fail_input(); OM_EDATA if it is no file, or larger than 1 GiB. */
om_status om_read_file(const char *path, char **data, size_t *length);

/* Before work whose results go to `path`: whether the folder is there and can be written to; and, with
 * the option that named it, that the file is not there yet. Errors: OM_EIO. */
om_status om_check_folder(const char *path);
om_status om_check_new_file(const char *path, const char *option);
/* Deletes what killed processes have left beside `path`: files named by path, middle (".partial."), anything,
 * and a process's number at the end. Only for who knows that nobody is at it now. Errors: OM_EIO. */
om_status om_remove_leftovers(const char *path, const char *middle);

#endif
