/* Whether a reference file holds all that it says it does, and nothing that goes unnoticed: an attribute
 * `dataset:PATH` of the file, '/' written as '.', describes each of its datasets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char prefix[] = "dataset:", of_models[] = "MODEL.";

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

/* Reports the described dataset if the file lacks it; path: with '.' for '/'. */
static void look_for(check *c, const char *path)
{
    search s = {.c = c, .wanted = path};
    if (H5Ovisit2(c->file, H5_INDEX_NAME, H5_ITER_NATIVE, compare_name, &s, H5O_INFO_BASIC) < 0 ||
        !s.found)
        check_wrong(c, "%s: the file describes this dataset, but it is missing", path);
}

/* "MODEL.grey" is described once, and is there for each of the file's models as model_000/grey. */
static void look_for_models(check *c, const char *name)
{
    char path[256];
    int n, *models = check_integers(c, "/", "models", CHECK_MOST, &n);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "model_%03d.%s", models[i], name);
        look_for(c, path);
    }
    free(models);
}

static herr_t look_for_described(hid_t file, const char *name, const H5A_info_t *info,
                                 void *context)
{
    (void)file;
    (void)info;
    if (strncmp(name, prefix, strlen(prefix)) != 0) return 0;
    const char *path = name + strlen(prefix);
    if (strncmp(path, of_models, strlen(of_models)) == 0)
        look_for_models(context, path + strlen(of_models));
    else
        look_for(context, path);
    return 0;
}

static herr_t look_whether_read(hid_t object, const char *name, const H5O_info_t *info,
                                void *context)
{
    check *c = context;
    (void)object;
    if (info->type == H5O_TYPE_DATASET && !check_was_read(c, name))
        check_wrong(c, "%s: no check reads this dataset", name);
    return 0;
}

void check_complete(check *c)
{
    hsize_t from = 0;
    if (H5Aiterate(c->file, H5_INDEX_NAME, H5_ITER_NATIVE, &from, look_for_described, c) < 0)
        check_wrong(c, "the attributes of the file cannot be read");
    if (H5Ovisit2(c->file, H5_INDEX_NAME, H5_ITER_INC, look_whether_read, c, H5O_INFO_BASIC) < 0)
        check_wrong(c, "the datasets of the file cannot be listed");
}
