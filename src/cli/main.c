/* ommatid: the program. The table of its commands, in the order in which one meets them. */
#include <limits.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <omp.h>

#include "cli/command.h"

const om_command *const om_commands[] = {
    &om_cmd_init,    &om_cmd_circuit, &om_cmd_scenes,
    &om_cmd_plan,    &om_cmd_run,     &om_cmd_submit,
    &om_cmd_merge,   &om_cmd_status,  &om_cmd_check,
    &om_cmd_rank,    &om_cmd_predict, &om_cmd_validate,
    &om_cmd_compare, &om_cmd_import,  &om_cmd_export,
    &om_cmd_bench,   &om_cmd_help,    NULL,
};

/* OMP_PROC_BIND and its like have the OpenMP runtime bind this thread to one core before main(). All that it
 * starts, ranks above all, would inherit that: it gets back the cores of all places. */
static void unbind(void)
{
    int places = omp_get_proc_bind() == omp_proc_bind_false ? 0 : omp_get_num_places();
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int p = 0; p < places; p++) {
        int n = omp_get_place_num_procs(p), *cores = calloc((size_t)n, sizeof *cores);
        if (cores == NULL) return;
        omp_get_place_proc_ids(p, cores);
        for (int i = 0; i < n; i++) CPU_SET((size_t)cores[i], &set);
        free(cores);
    }
    if (places > 0)
        sched_setaffinity(0, sizeof set, &set); /* if it fails, all that is lost is speed */
}

/* Threads that wait for each other spin for a while before they sleep. The OpenMP runtime's default is so
 * long that on a busy machine they mostly keep each other off the cores (measured: 5 to 25 times
 * slower); this is long enough for a time step. The runtime reads it before main(), hence the
 * second start, under this program's own name. */
static void spin_briefly(char **argv)
{
    char self[PATH_MAX] = "";
    if (getenv("GOMP_SPINCOUNT") != NULL || getenv("OMP_WAIT_POLICY") != NULL) return;
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return;
    setenv("GOMP_SPINCOUNT", "10000", 1);
    execv(self, argv); /* if it fails, all that is lost is speed */
}

int main(int argc, char **argv)
{
    unbind();
    spin_briefly(argv);
    return om_command_main(argc, argv);
}
