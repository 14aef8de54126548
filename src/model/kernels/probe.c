/* Which probe goes with which kernels. */
#include "model/kernels/probe.h"

#include <string.h>

extern const om_probe om_probe_portable;
#if defined(__x86_64__)
extern const om_probe om_probe_avx512, om_probe_avx2;
static const om_probe *const probes[] = {&om_probe_avx512, &om_probe_avx2};
#else
static const om_probe *const probes[] = {&om_probe_portable};
#endif

const om_probe *om_probe_of(const om_kernels *kernels)
{
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
        if (strcmp(probes[i]->name, kernels->name) == 0) return probes[i];
    return &om_probe_portable;
}
