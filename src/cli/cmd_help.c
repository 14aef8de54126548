/* ommatid help: the overview, one command, or the keys of a spec. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "cli/command.h"
#include "ommatid/om_spec.h"

static om_status print_spec(void)
{
    char *text;
    OM_TRY(om_spec_reference(&text));
    fputs(text, stdout);
    om_free(text);
    return OM_OK;
}

static om_status run(const om_arguments *args)
{
    if (args->n == 0) {
        om_command_print_overview();
        return OM_OK;
    }
    if (args->n == 1 && strcmp(args->words[0], "spec") == 0) return print_spec();
    const om_command *command;
    char path[64];
    OM_TRY(om_command_find(args->n, args->words, &command, path));
    om_command_print_help(command, path);
    return OM_OK;
}

const om_command om_cmd_help = {
    .name = "help",
    .summary = "what the commands are, and what one of them does",
    .synopsis = "[COMMAND | spec]",
    .details = "`ommatid help spec` lists every key of a spec.",
    .most = 2,
    .example = "ommatid help init\nommatid help spec",
    .run = run,
};
