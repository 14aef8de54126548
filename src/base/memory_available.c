/* How much memory is left: by the kernel's estimate for the machine, and by the limits of the control
 * groups (version 1 or 2) above this process, of which files that the kernel could drop do not count. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { PATH = 4096, LINE = 512 };

/* The number behind a word at the start of a line; word "": the number that the file begins with. */
static bool read_number(const char *path, const char *word, uint64_t *number)
{
    char line[LINE];
    const size_t n = strlen(word);
    bool found = false;
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, word, n) != 0) continue;
        const char *at = line + n + (line[n] == ':');
        if (n > 0 && at == line + n && *at != ' ') continue; /* a longer word */
        char *end;
        *number = strtoull(at, &end, 10);
        found = end != at;
    }
    fclose(file);
    return found;
}

static uint64_t less(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* What the files of one kind of group are called. */
typedef struct kind {
    const char *mount, *limit, *used, *dropped;
} kind;
static const kind version1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                              "memory.usage_in_bytes", "total_inactive_file"},
                  version2 = {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};

/* Left within the limit of one group; UINT64_MAX without one. folder: ends in '/'. */
static uint64_t left_in(const char *folder, const kind *k)
{
    char path[2 * PATH];
    uint64_t limit, used, dropped = 0;
    snprintf(path, sizeof path, "%s%s", folder, k->limit);
    if (!read_number(path, "", &limit)) return UINT64_MAX;
    snprintf(path, sizeof path, "%s%s", folder, k->used);
    if (!read_number(path, "", &used)) return UINT64_MAX;
    snprintf(path, sizeof path, "%smemory.stat", folder);
    read_number(path, k->dropped, &dropped);
    used = used > dropped ? used - dropped : 0;
    return limit > used ? limit - used : 0;
}

/* The least of a group and those that it is in. In a container the group's own name may mean nothing:
 * then only the mount's is found. */
static uint64_t left_above(const char *root, char *group, const kind *k)
{
    char folder[PATH];
    uint64_t left = UINT64_MAX;
    for (;;) {
        size_t n = strlen(group);
        while (n > 0 && group[n - 1] == '/') group[--n] = '\0';
        snprintf(folder, sizeof folder, "%s%s%s/", root, k->mount, group);
        left = less(left, left_in(folder, k));
        char *last = strrchr(group, '/');
        if (last == NULL) return left;
        *last = '\0';
    }
}

/* Lines of /proc/self/cgroup: "0::/group" (version 2), "4:memory:/group" (version 1). */
static uint64_t left_in_groups(const char *root)
{
    char path[PATH], line[LINE];
    uint64_t left = UINT64_MAX;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "r");
    if (file == NULL) return left;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (group == NULL) continue;
        *group++ = '\0';
        if (strcmp(controllers + 1, "memory") == 0)
            left = less(left, left_above(root, group, &version1));
        if (controllers[1] == '\0') left = less(left, left_above(root, group, &version2));
    }
    fclose(file);
    return left;
}

uint64_t om_memory_available(const char *root)
{
    char path[PATH];
    uint64_t machine_kb;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (!read_number(path, "MemAvailable", &machine_kb)) return 0;
    return less(machine_kb * 1024, left_in_groups(root));
}
