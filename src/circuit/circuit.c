/* Opening circuits by name or path, and asking them. */
#include "ommatid/om_circuit.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/text.h"
#include "circuit/build.h"
#include "circuit/draft.h"
#include "ommatid/om_random.h"

/* The tables that the build puts into the library. */
extern const char om_embedded_motion_pathway[];

static const struct {
    const char *name, *description, *table;
} builtins[] = {
    {"motion-pathway",
     "photoreceptors R1-R6 to the direction-selective cells T4 and T5: 33 types, one per column",
     om_embedded_motion_pathway},
};
enum { N_BUILTINS = sizeof builtins / sizeof builtins[0] };

const char *om_circuit_builtin(int i, const char **description)
{
    if (i < 0 || i >= N_BUILTINS) return NULL;
    if (description != NULL) *description = builtins[i].description;
    return builtins[i].name;
}

const char *om_name_fault(const char *name, size_t bytes)
{
    if (name[0] == '\0') return "is empty";
    for (const char *c = name; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c) || strchr("#,\"", *c) != NULL)
            return "has other characters than visible ASCII without # , \"";
    return strlen(name) < bytes ? NULL : "is too long: 31 characters for a type, 63 for a circuit";
}

om_status om_circuit_check_extent(int extent)
{
    if (extent >= 1 && extent <= OM_LATTICE_MAX_EXTENT) return OM_OK;
    return om_fail(OM_EUSAGE, "extent %d: expected 1 to %d columns from the centre to the edge",
                   extent, OM_LATTICE_MAX_EXTENT);
}

om_status om_circuit_folder(char *path, size_t bytes)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int n = -1;
    if (data != NULL && data[0] == '/') /* a relative one is invalid and is to be ignored */
        n = snprintf(path, bytes, "%s/ommatid", data);
    else if (home != NULL && home[0] != '\0')
        n = snprintf(path, bytes, "%s/.local/share/ommatid", home);
    if (n >= 0 && (size_t)n < bytes) return OM_OK;
    return om_fail(OM_EFAIL, "no folder for circuits: neither XDG_DATA_HOME nor HOME says where");
}

/* Path that a circuit of that name has in the user's folder; "" where there can be none. */
static void installed_path(const char *name, size_t bytes, char *path)
{
    char folder[PATH_MAX];
    path[0] = '\0';
    if (strchr(name, '/') != NULL || om_circuit_folder(folder, sizeof folder) != OM_OK) return;
    int n = snprintf(path, bytes, "%s/%s.circuit", folder, name);
    if (n < 0 || (size_t)n >= bytes) path[0] = '\0';
}

/* By what it begins with, so that the name of a file does not matter. */
static bool looks_like_json(const char *text)
{
    while (isspace((unsigned char)*text)) text++;
    return *text == '{' || *text == '[';
}

static om_status open_file(const char *path, int extent, om_circuit **circuit)
{
    char *text;
    size_t length;
    OM_TRY(om_read_file(path, &text, &length));
    om_status status;
    if (strlen(text) != length)
        status =
            om_fail(OM_EDATA, "%s: has a zero byte at %zu: not a text file", path, strlen(text));
    else if (looks_like_json(text))
        status = om_circuit_parse_json(path, text, extent, circuit);
    else
        status = om_circuit_parse(path, text, extent, circuit);
    om_free(text);
    return status;
}

static om_status not_found(const char *source, const char *installed)
{
    if (strchr(source, '/') != NULL) return om_fail(OM_EDATA, "%s: no such file", source);
    om_fail(OM_EDATA, "no circuit '%s': neither a built-in one, nor %s, nor a file", source,
            installed[0] != '\0' ? installed : "an installed one");
    if (strncmp(source, "flyvis", 6) == 0)
        return om_hint(OM_EDATA, "tools/fetch-connectome, which fetches flyvis-v2.2 once");
    return om_hint(OM_EDATA, "ommatid circuit list");
}

om_status om_circuit_open(const char *source, int extent, om_circuit **circuit)
{
    *circuit = NULL;
    OM_TRY(om_circuit_check_extent(extent));
    for (int i = 0; i < N_BUILTINS; i++)
        if (strcmp(source, builtins[i].name) == 0)
            return om_circuit_parse(source, builtins[i].table, extent, circuit);
    char installed[PATH_MAX];
    installed_path(source, sizeof installed, installed);
    if (installed[0] != '\0' && access(installed, F_OK) == 0)
        return open_file(installed, extent, circuit);
    if (access(source, F_OK) == 0) return open_file(source, extent, circuit);
    return not_found(source, installed);
}

void om_circuit_free(om_circuit *circuit)
{
    if (circuit == NULL) return;
    om_free(circuit->types);
    om_free(circuit->pairs);
    om_free(circuit->taps);
    om_free(circuit->inputs);
    om_free(circuit->outputs);
    om_free(circuit);
}

om_status om_circuit_rename(om_circuit *circuit, const char *name)
{
    const char *fault = om_name_fault(name, sizeof circuit->name);
    if (fault != NULL) return om_fail(OM_EUSAGE, "circuit: name '%s' %s", name, fault);
    memcpy(circuit->name, name, strlen(name) + 1);
    return OM_OK;
}

om_status om_circuit_unknown_type(const om_circuit *circuit, const char *name)
{
    const char *names[OM_MAX_TYPES + 1] = {0};
    for (int k = 0; k < circuit->n_types && k < OM_MAX_TYPES; k++)
        names[k] = circuit->types[k].name;
    const char *nearest = om_nearest(name, names);
    return om_fail(OM_EDATA, "circuit %s has no type '%s'%s%s", circuit->name, name,
                   nearest != NULL ? "; the nearest is " : "", nearest != NULL ? nearest : "");
}

om_status om_circuit_set_stride(om_circuit *circuit, const char *type, int64_t stride_u,
                                int64_t stride_v)
{
    const int i = om_circuit_type(circuit, type), most = OM_LATTICE_MAX_EXTENT;
    if (i < 0) return om_circuit_unknown_type(circuit, type);
    if (stride_u < 1 || stride_u > most || stride_v < 1 || stride_v > most)
        return om_fail(OM_EDATA, "stride %lld %lld of %s: expected two numbers from 1 to %d",
                       (long long)stride_u, (long long)stride_v, type, most);
    circuit->types[i].stride_u = (int)stride_u;
    circuit->types[i].stride_v = (int)stride_v;
    om_circuit_instantiate(circuit, circuit->extent);
    return OM_OK;
}

int om_circuit_type(const om_circuit *circuit, const char *name)
{
    for (int i = 0; i < circuit->n_types; i++)
        if (strcmp(circuit->types[i].name, name) == 0) return i;
    return -1;
}

int om_circuit_parameters(const om_circuit *circuit)
{
    return 2 * circuit->n_types + circuit->n_pairs;
}

void om_circuit_draw_counts(const om_circuit *circuit, double spread, uint64_t seed, uint32_t model,
                            double *counts)
{
    const om_stream stream = {seed, model, OM_FOR_COUNTS, 0, 0};
    for (int i = 0; i < circuit->n_taps; i++) {
        double z = om_random_normal(&stream, (uint32_t)i);
        counts[i] = circuit->taps[i].count * exp(spread * z - spread * spread / 2);
    }
}
