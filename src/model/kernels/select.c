/* Which kernels this machine runs. */
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "model/kernels/kernels.h"

extern const om_kernels om_kernels_portable;
#if defined(__x86_64__)
extern const om_kernels om_kernels_avx512, om_kernels_avx2;

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif
static bool always(void) { return true; }

/* Fastest first; plain is there to be compared with. */
static const struct {
    const om_kernels *kernels;
    bool (*available)(void);
} choices[] = {
#if defined(__x86_64__)
    {&om_kernels_avx512, has_avx512},
    {&om_kernels_avx2, has_avx2},
#endif
    {&om_kernels_portable, always},
    {&om_kernels_plain, always},
};

om_status om_kernels_select(const char *name, const om_kernels **kernels)
{
    const int n = sizeof choices / sizeof choices[0];
    if (name == NULL) name = getenv("OMMATID_ISA");
    for (int i = 0; i < n; i++) {
        const om_kernels *k = choices[i].kernels;
        if (name == NULL ? !choices[i].available() : strcmp(name, k->name) != 0) continue;
        if (!choices[i].available())
            return om_fail(OM_EUSAGE, "instruction set '%s': this machine does not have it", name);
        *kernels = k;
        return OM_OK;
    }
    return om_fail(OM_EUSAGE,
                   "instruction set '%s' is unknown: expected avx512, avx2, portable or plain",
                   name);
}
