/* ommatid: the program. The table of its commands, in the order in which one meets them. */
#include <stddef.h>

#include "cli/command.h"

const om_command *const om_commands[] = {
    &om_cmd_init, &om_cmd_circuit, &om_cmd_scenes, &om_cmd_run, &om_cmd_status,
    &om_cmd_rank, &om_cmd_export,  &om_cmd_help,   NULL,
};

int main(int argc, char **argv) { return om_command_main(argc, argv); }
