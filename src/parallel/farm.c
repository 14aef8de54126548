/* Messages of a farm. */
#include "parallel/farm.h"

#include <mpi.h>

#include "base/clock.h"

enum { TAG = 7 };

/* A wake-up costs some 10 us: half a per cent of a core for a coordinator that has nothing to do. */
static const double PAUSE_S = 2e-3;

void om_farm_send(int rank, const void *message, size_t bytes)
{
    MPI_Send(message, (int)bytes, MPI_BYTE, rank, TAG, MPI_COMM_WORLD);
}

bool om_farm_take(void *message, size_t bytes, int *from)
{
    int there;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &there, &status);
    if (!there) return false;
    MPI_Recv(message, (int)bytes, MPI_BYTE, status.MPI_SOURCE, TAG, MPI_COMM_WORLD, &status);
    *from = status.MPI_SOURCE;
    return true;
}

void om_farm_pause(void) { om_sleep_s(PAUSE_S); }
