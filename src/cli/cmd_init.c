/* ommatid init: a spec with every key, to begin with. */
#include <stdio.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "ommatid/om_spec.h"

static struct {
    const char *output;
} set;

static const om_option options[] = {
    {"output", 'o', OM_OPTION_FILE, "FILE", "write there instead of printing it",
     .value = &set.output},
    {0},
};

/* Writes a file that must not be there yet; one that could not be written whole is removed. */
static om_status write_new(const char *path, const char *text)
{
    OM_TRY(om_check_new_file(path, "-o"));
    FILE *file = fopen(path, "wx");
    if (file == NULL) return om_fail_errno("cannot be created", path);
    om_status status = OM_OK;
    if (fputs(text, file) == EOF || fflush(file) != 0)
        status = om_fail_errno("cannot be written", path);
    if (fclose(file) != 0 && status == OM_OK) status = om_fail_errno("cannot be written", path);
    if (status != OM_OK) unlink(path);
    return status;
}

static om_status run(const om_arguments *args)
{
    char *text;
    OM_TRY(om_spec_template(&text));
    om_status status = OM_OK;
    if (set.output == NULL)
        fputs(text, stdout);
    else
        status = write_new(set.output, text);
    om_free(text);
    if (status == OM_OK && set.output != NULL && !args->quiet)
        fprintf(stderr, "wrote %s; next: ommatid run %s -o STORE.h5\n", set.output, set.output);
    return status;
}

const om_command om_cmd_init = {
    .name = "init",
    .summary = "a commented spec with every key and its default",
    .synopsis = "[-o SPEC]",
    .options = options,
    .example = "ommatid init -o spec.yaml",
    .run = run,
};
