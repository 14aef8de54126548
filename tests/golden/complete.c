/* Whether a reference file holds all that it says it does: an attribute `dataset:PATH` of the file, '/'
 * written as '.', describes each of its datasets. A PATH with capitals throughout in its first part, as
 * MODEL, stands for a family of them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char prefix[] = "dataset:";

typedef struct search {
    check *c;
    const char *wanted; /* with '.' for '/' */
    bool found;
} search;

static herr_t compare_name(hid_t object, const char *name, const H5O_info_t *info, void *context)
{
    search *s = context;
    (void)object;
    if (info->type != H5O_TYPE_DATASET || strlen(name) != strlen(s->wanted)) return 0;
    for (const char *a = name, *b = s->wanted; *a != '\0'; a++, b++)
        if ((*a == '/' ? '.' : *a) != *b) return 0;
    s->found = true;
    return 1;
}

/* "MODEL.grey", but not "T4a_last". */
static bool is_family(const char *path)
{
    size_t n = strcspn(path, ".*"), capitals = 0;
    while (capitals < n && isupper((unsigned char)path[capitals])) capitals++;
    return path[n] == '*' || (path[n] == '.' && n > 0 && capitals == n);
}

static herr_t look_for(hid_t file, const char *name, const H5A_info_t *info, void *context)
{
    (void)info;
    if (strncmp(name, prefix, strlen(prefix)) != 0) return 0;
    search s = {.c = context, .wanted = name + strlen(prefix)};
    if (is_family(s.wanted)) return 0;
    if (H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, compare_name, &s, H5O_INFO_BASIC) < 0 ||
        !s.found)
        check_wrong(s.c, "%s: the file describes this dataset, but it is missing", s.wanted);
    return 0;
}

void check_complete(check *c)
{
    hsize_t from = 0;
    if (H5Aiterate(c->file, H5_INDEX_NAME, H5_ITER_NATIVE, &from, look_for, c) < 0)
        check_wrong(c, "the attributes of the file cannot be read");
}
