/* ommatid: the program. The table of its commands, in the order in which one meets them. */
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"

const om_command *const om_commands[] = {
    &om_cmd_init,    &om_cmd_circuit, &om_cmd_scenes,
    &om_cmd_plan,    &om_cmd_run,     &om_cmd_submit,
    &om_cmd_merge,   &om_cmd_status,  &om_cmd_check,
    &om_cmd_rank,    &om_cmd_predict, &om_cmd_validate,
    &om_cmd_compare, &om_cmd_import,  &om_cmd_export,
    &om_cmd_bench,   &om_cmd_help,    NULL,
};

/* Threads that wait for each other spin for a while before they sleep. The OpenMP runtime's default is so
 * long that on a busy machine they mostly keep each other off the cores (measured: 5 to 25 times
 * slower); this is long enough for a time step. The runtime reads it before main(), hence the
 * second start. */
static void spin_briefly(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") != NULL || getenv("OMP_WAIT_POLICY") != NULL) return;
    setenv("GOMP_SPINCOUNT", "10000", 1);
    execv("/proc/self/exe", argv); /* if it fails, all that is lost is speed */
}

int main(int argc, char **argv)
{
    spin_briefly(argv);
    return om_command_main(argc, argv);
}
