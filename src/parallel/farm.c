/* Messages of a farm. */
#include "parallel/farm.h"

#include <math.h>

#include <mpi.h>

#include "base/clock.h"

enum { TAG = 7 };

/* A wake-up costs some 20 us: a thousand of them a second would be two per cent of a core. */
static const double SHORTEST_S = 1e-3, LONGEST_S = 4e-3;
static double pause_s; /* the last one; 0: a message has come since */

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
    pause_s = 0;
    return true;
}

void om_farm_pause(void)
{
    pause_s = fmin(fmax(2 * pause_s, SHORTEST_S), LONGEST_S);
    om_sleep_s(pause_s);
}
