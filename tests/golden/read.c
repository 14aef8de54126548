/* How the checks of the program `golden` read their files: HDF5, whole datasets and attributes as
 * doubles or as text, and tables. What is missing is reported as wrong, and the check goes on. */
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { PATH_BYTES = 512 };

#define PRINT_PATH(path, format)                                                                   \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        vsnprintf(path, sizeof(path), format, arguments);                                          \
        va_end(arguments);                                                                         \
    } while (0)

bool check_has(check *c, const char *format, ...)
{
    char path[PATH_BYTES];
    PRINT_PATH(path, format);
    return H5Oexists_by_name(c->file, path, H5P_DEFAULT) > 0;
}

/* An open dataset and its size; negative, and reported, if it is missing. */
static hid_t open_dataset(check *c, const char *path, int *n)
{
    hid_t dataset = H5Dopen2(c->file, path, H5P_DEFAULT);
    if (dataset < 0) {
        check_wrong(c, "%s: no such dataset", path);
        return dataset;
    }
    hid_t space = H5Dget_space(dataset);
    *n = (int)H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    return dataset;
}

double *check_read(check *c, int n_expected, int *n, const char *format, ...)
{
    char path[PATH_BYTES];
    PRINT_PATH(path, format);
    int found;
    hid_t dataset = open_dataset(c, path, &found);
    if (dataset < 0) return NULL;
    double *values = check_zeros(found);
    if (n_expected >= 0 && found != n_expected) {
        check_wrong(c, "%s: %d numbers, expected %d", path, found, n_expected);
        free(values);
        values = NULL;
    } else if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        check_wrong(c, "%s: not numbers", path);
        free(values);
        values = NULL;
    }
    H5Dclose(dataset);
    if (n != NULL) *n = found;
    return values;
}

double check_number(check *c, const char *format, ...)
{
    char path[PATH_BYTES];
    PRINT_PATH(path, format);
    double *number = check_read(c, 1, NULL, "%s", path), value = number != NULL ? *number : NAN;
    free(number);
    return value;
}

double check_attribute(check *c, const char *object, const char *name)
{
    double value = NAN;
    hid_t attribute = H5Aopen_by_name(c->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0) {
        check_wrong(c, "%s: no attribute %s", object, name);
        return NAN;
    }
    hid_t space = H5Aget_space(attribute);
    if (H5Sget_simple_extent_npoints(space) != 1 ||
        H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) < 0)
        check_wrong(c, "%s: attribute %s is not one number", object, name);
    H5Sclose(space);
    H5Aclose(attribute);
    return value;
}

int check_integer(check *c, const char *object, const char *name)
{
    double value = check_attribute(c, object, name);
    if (value >= 0 && value <= INT_MAX && value == floor(value)) return (int)value;
    if (!isnan(value)) check_wrong(c, "%s: attribute %s is %g", object, name, value);
    return -1;
}

/* Copies n strings, of variable or of fixed length, as they lie in `raw`. */
static char **copy_strings(hid_t type, int n, const char *raw)
{
    char **names = calloc((size_t)n + 1, sizeof *names);
    size_t size = H5Tget_size(type);
    for (int i = 0; names != NULL && i < n; i++) {
        const char *at = raw + (size_t)i * size;
        if (H5Tis_variable_str(type) > 0) {
            const char *text = *(char *const *)at;
            names[i] = strdup(text != NULL ? text : "");
        } else {
            names[i] = strndup(at, size);
        }
    }
    return names;
}

/* The strings of a dataset or an attribute, NULL if they cannot be read. */
static char **read_strings(hid_t id, bool attribute, int *n)
{
    hid_t type = attribute ? H5Aget_type(id) : H5Dget_type(id);
    hid_t space = attribute ? H5Aget_space(id) : H5Dget_space(id);
    *n = (int)H5Sget_simple_extent_npoints(space);
    char **names = NULL, *raw = calloc((size_t)*n + 1, H5Tget_size(type));
    if (raw != NULL && H5Tget_class(type) == H5T_STRING &&
        (attribute ? H5Aread(id, type, raw)
                   : H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw)) >= 0) {
        names = copy_strings(type, *n, raw);
        if (H5Tis_variable_str(type) > 0) H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw);
    }
    free(raw);
    H5Sclose(space);
    H5Tclose(type);
    return names;
}

char *check_text(check *c, const char *object, const char *name)
{
    int n = 0;
    char *text = NULL;
    hid_t attribute = H5Aopen_by_name(c->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    char **texts = attribute >= 0 ? read_strings(attribute, true, &n) : NULL;
    if (texts != NULL && n == 1)
        text = strdup(texts[0]);
    else
        check_wrong(c, "%s: no attribute %s that is a text", object, name);
    check_free_names(texts, n);
    if (attribute >= 0) H5Aclose(attribute);
    return text;
}

char **check_names(check *c, int *n, const char *format, ...)
{
    char path[PATH_BYTES];
    PRINT_PATH(path, format);
    *n = 0;
    hid_t dataset = open_dataset(c, path, n);
    if (dataset < 0) return NULL;
    char **names = read_strings(dataset, false, n);
    if (names == NULL) check_wrong(c, "%s: not a list of names", path);
    H5Dclose(dataset);
    return names;
}

void check_free_names(char **names, int n)
{
    for (int i = 0; names != NULL && i < n; i++) free(names[i]);
    free(names);
}

/* The whole file at hand, free() it; NULL if it cannot be read. */
static char *read_file(const check *c)
{
    char path[4096], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", c->folder, c->name);
    FILE *file = fopen(path, "r");
    if (file == NULL) return NULL;
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static int count_of(const char *text, char wanted)
{
    int n = 0;
    for (; *text != '\0'; text++) n += *text == wanted;
    return n;
}

bool check_read_table(check *c, check_table *t)
{
    *t = (check_table){.text = read_file(c)};
    char *next = t->text, *line = strsep(&next, "\n");
    t->columns = line != NULL ? 1 + count_of(line, ',') : 0;
    int lines = next != NULL ? 1 + count_of(next, '\n') : 0;
    if (lines > 0) t->cells = calloc((size_t)lines * (size_t)t->columns + 1, sizeof(char *));
    for (; t->cells != NULL && line != NULL && *line != '\0';
         line = strsep(&next, "\n"), t->rows++) {
        if (1 + count_of(line, ',') != t->columns) {
            check_wrong(c, "line %d: expected %d cells", t->rows + 1, t->columns);
            check_free_table(t);
            return false;
        }
        for (int i = 0; i < t->columns; i++)
            t->cells[t->rows * t->columns + i] = strsep(&line, ",");
    }
    if (--t->rows > 0) return true;
    check_wrong(c, "not a table");
    check_free_table(t);
    return false;
}

void check_free_table(check_table *t)
{
    free(t->cells);
    free(t->text);
    *t = (check_table){0};
}

const char *check_cell(const check_table *t, int row, int column)
{
    return t->cells[(row + 1) * t->columns + column];
}

int check_column(check *c, const check_table *t, const char *name)
{
    for (int i = 0; i < t->columns; i++)
        if (strcmp(t->cells[i], name) == 0) return i;
    check_wrong(c, "no column %s", name);
    return -1;
}
