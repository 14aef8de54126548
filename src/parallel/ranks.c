/* Ranks and nodes. */
#include "parallel/ranks.h"

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mpi.h>

#include "base/fail.h"

enum { MESSAGE_BYTES = 4096, MOST_BLOCKS = 4, ALIGN = 64, BCAST_BYTES = 1 << 30 };

static MPI_Comm node = MPI_COMM_NULL;
static MPI_Win blocks[MOST_BLOCKS];
static int n_blocks;

bool om_ranks_launched(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") != NULL || getenv("PMIX_RANK") != NULL ||
           getenv("PMI_RANK") != NULL;
}

om_status om_ranks_start(void)
{
    int provided;
    /* For pointers that ranks share, which nobody here uses, Open MPI would try files beside the store, and
     * sometimes keep one, NAME-JOB-PROCESS.lock, which a rank that is killed leaves behind. */
    setenv("OMPI_MCA_sharedfp", "sm", 0);
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return om_fail(OM_EFAIL, "MPI could not be started");
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    return OM_OK;
}

void om_ranks_finish(void)
{
    while (n_blocks > 0) {
        MPI_Win_unlock_all(blocks[--n_blocks]);
        MPI_Win_free(&blocks[n_blocks]);
    }
    MPI_Comm_free(&node);
    MPI_Finalize();
}

int om_ranks_number(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

int om_ranks_count(void)
{
    int size;
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    return size;
}

om_status om_ranks_agree(om_status status)
{
    struct {
        int status, rank;
    } mine = {(int)status, om_ranks_number()}, worst;
    /* MAXLOC: of equal values the lowest rank */
    MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, MPI_COMM_WORLD);
    if (worst.status == OM_OK) return OM_OK;
    char message[MESSAGE_BYTES] = "";
    if (worst.rank == mine.rank) strncpy(message, om_message(), sizeof message - 1);
    MPI_Bcast(message, sizeof message, MPI_CHAR, worst.rank, MPI_COMM_WORLD);
    return om_fail((om_status)worst.status, "%s", message);
}

static void broadcast(void *data, size_t bytes, MPI_Comm comm)
{
    for (char *p = data; bytes > 0;) { /* MPI counts in int */
        int part = bytes < BCAST_BYTES ? (int)bytes : BCAST_BYTES;
        MPI_Bcast(p, part, MPI_BYTE, 0, comm);
        p += part;
        bytes -= (size_t)part;
    }
}

void om_ranks_share_bytes(void *data, size_t bytes) { broadcast(data, bytes, MPI_COMM_WORLD); }

/* False where there are more cores than the set has room for, or no such call. */
static bool own_cores(cpu_set_t *set)
{
    CPU_ZERO(set);
    return sched_getaffinity(0, sizeof *set, set) == 0 && CPU_COUNT(set) > 0;
}

int om_rank_cores(void)
{
    cpu_set_t set;
    return own_cores(&set) ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

bool om_rank_has_all_cores(void) { return om_rank_cores() == (int)sysconf(_SC_NPROCESSORS_ONLN); }

int om_node_cores(void)
{
    cpu_set_t mine, all;
    own_cores(&mine);
    MPI_Allreduce(&mine, &all, sizeof mine, MPI_BYTE, MPI_BOR, node);
    return CPU_COUNT(&all) > 0 ? CPU_COUNT(&all) : om_rank_cores();
}

int om_node_rank(void)
{
    int rank;
    MPI_Comm_rank(node, &rank);
    return rank;
}

int om_node_ranks(void)
{
    int size;
    MPI_Comm_size(node, &size);
    return size;
}

void om_node_share_bytes(void *data, size_t bytes) { broadcast(data, bytes, node); }

void om_node_barrier(void)
{
    for (int i = 0; i < n_blocks; i++) MPI_Win_sync(blocks[i]);
    MPI_Barrier(node);
    for (int i = 0; i < n_blocks; i++) MPI_Win_sync(blocks[i]);
}

om_status om_node_memory(size_t bytes, void **memory)
{
    *memory = NULL;
    if (n_blocks == MOST_BLOCKS)
        return om_fail(OM_ENOMEM, "more than %d blocks of shared memory", MOST_BLOCKS);
    MPI_Aint mine = om_node_rank() == 0 ? (MPI_Aint)(bytes + ALIGN) : 0, size;
    int unit;
    void *own, *first;
    MPI_Win_allocate_shared(mine, 1, MPI_INFO_NULL, node, &own, &blocks[n_blocks]);
    MPI_Win_shared_query(blocks[n_blocks], 0, &size, &unit, &first);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, blocks[n_blocks]);
    n_blocks++;
    *memory = (void *)(((uintptr_t)first + ALIGN - 1) / ALIGN * ALIGN);
    if (om_node_rank() == 0) memset(*memory, 0, bytes);
    om_node_barrier();
    return OM_OK;
}
