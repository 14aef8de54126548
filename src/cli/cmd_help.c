/* ommatid help: the overview, or one command. */
#include "base/fail.h"
#include "cli/command.h"

static om_status run(const om_arguments *args)
{
    if (args->n == 0) {
        om_command_print_overview();
        return OM_OK;
    }
    const om_command *command;
    char path[64];
    OM_TRY(om_command_find(args->n, args->words, &command, path));
    om_command_print_help(command, path);
    return OM_OK;
}

const om_command om_cmd_help = {
    .name = "help",
    .summary = "what the commands are, and what one of them does",
    .synopsis = "[COMMAND]",
    .most = 2,
    .example = "ommatid help run",
    .run = run,
};
