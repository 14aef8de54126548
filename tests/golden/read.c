/* How the checks of the program `golden` read their files: HDF5, whole datasets and attributes as
 * doubles or as text, and tables. What is missing is reported as wrong, and the check goes on. */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
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

/* Where in their files the datasets lie that were opened. */
static struct place {
    unsigned long file;
    haddr_t at;
} * opened;
static size_t n_opened;

static bool place_of(hid_t object, struct place *place)
{
    H5O_info_t info;
    if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) return false;
    *place = (struct place){info.fileno, info.addr};
    return true;
}

static bool is_opened(const struct place *place)
{
    for (size_t i = 0; i < n_opened; i++)
        if (opened[i].file == place->file && opened[i].at == place->at) return true;
    return false;
}

static void remember(check *c, hid_t dataset)
{
    struct place place;
    if (!place_of(dataset, &place) || is_opened(&place)) return;
    struct place *more = realloc(opened, (n_opened + 1) * sizeof *more);
    if (more == NULL) check_give_up(c, "not enough memory");
    opened = more;
    opened[n_opened++] = place;
}

bool check_was_read(const check *c, const char *path)
{
    struct place place;
    hid_t object = H5Oopen(c->file, path, H5P_DEFAULT);
    bool read = object >= 0 && place_of(object, &place) && is_opened(&place);
    if (object >= 0) H5Oclose(object);
    return read;
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
    hssize_t points = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    remember(c, dataset);
    *n = points >= 0 && points <= INT_MAX ? (int)points : 0;
    return dataset;
}

/* A whole dataset of n_expected numbers, or (-1) of any number of them; *n: how many there are. */
static double *read_numbers(check *c, int n_expected, int *n, const char *path)
{
    hid_t dataset = open_dataset(c, path, n);
    if (dataset < 0) return NULL;
    double *values = check_zeros(*n);
    if (n_expected >= 0 && *n != n_expected) {
        check_wrong(c, "%s: %d numbers, expected %d", path, *n, n_expected);
        free(values);
        values = NULL;
    } else if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        check_wrong(c, "%s: not numbers", path);
        free(values);
        values = NULL;
    }
    H5Dclose(dataset);
    return values;
}

double *check_read(check *c, int n_expected, int *n, const char *format, ...)
{
    char path[PATH_BYTES];
    PRINT_PATH(path, format);
    int found = 0, i = 0;
    double *values = read_numbers(c, n_expected, &found, path);
    while (values != NULL && i < found && isfinite(values[i])) i++;
    if (values != NULL && i < found) check_wrong(c, "%s: number %d is %g", path, i, values[i]);
    if (n != NULL) *n = found;
    return values;
}

double *check_read_padded(check *c, int n, const char *path)
{
    return read_numbers(c, n, &n, path);
}

bool check_attributes(check *c, int n, const char *object, const char *name, double *values)
{
    hid_t attribute = H5Aopen_by_name(c->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0) {
        check_wrong(c, "%s: no attribute %s", object, name);
        return false;
    }
    hid_t space = H5Aget_space(attribute);
    bool read = H5Sget_simple_extent_npoints(space) == n &&
                H5Aread(attribute, H5T_NATIVE_DOUBLE, values) >= 0;
    if (!read) check_wrong(c, "%s: attribute %s: expected %d numbers", object, name, n);
    H5Sclose(space);
    H5Aclose(attribute);
    return read;
}

double check_option(check *c, const char *object, const char *name, double least, double most)
{
    double value;
    if (!check_attributes(c, 1, object, name, &value))
        check_give_up(c, "%s: the option %s is missing", object, name);
    if (!(value >= least && value <= most))
        check_give_up(c, "%s: attribute %s is %g: expected %g to %g", object, name, value, least,
                      most);
    return value;
}

int check_integer(check *c, const char *object, const char *name, int least, int most)
{
    double value = check_option(c, object, name, least, most);
    if (value != floor(value))
        check_give_up(c, "%s: attribute %s is %g: expected a whole number", object, name, value);
    return (int)value;
}

int *check_integers(check *c, const char *object, const char *name, int most, int *n)
{
    hid_t attribute = H5Aopen_by_name(c->file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = attribute >= 0 ? H5Aget_space(attribute) : H5I_INVALID_HID;
    hssize_t points = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
    if (points < 1 || points > CHECK_MOST)
        check_give_up(c, "%s: no attribute %s that is a list of numbers", object, name);
    int *values = calloc((size_t)points, sizeof *values);
    bool good = values != NULL && H5Aread(attribute, H5T_NATIVE_INT, values) >= 0;
    for (hssize_t i = 0; good && i < points; i++) good = values[i] >= 0 && values[i] <= most;
    H5Sclose(space);
    H5Aclose(attribute);
    if (!good)
        check_give_up(c, "%s: attribute %s: expected numbers of 0 to %d", object, name, most);
    *n = (int)points;
    return values;
}

int check_extent(check *c, const char *object)
{
    return check_integer(c, object, "extent", 1, OM_LATTICE_MAX_EXTENT);
}

double check_seconds(check *c, const char *object, const char *name)
{
    return check_option(c, object, name, 1e-6, 1000);
}

void check_only(check *c, const char *object, const char *name, double value)
{
    double found = check_option(c, object, name, -INFINITY, INFINITY);
    if (found != value)
        check_give_up(c, "%s: attribute %s is %g: this program knows %g only", object, name, found,
                      value);
}

bool check_is_single(check *c, const char *path)
{
    hid_t dataset = H5Dopen2(c->file, path, H5P_DEFAULT);
    if (dataset < 0) return false;
    hid_t type = H5Dget_type(dataset);
    bool single = H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) == sizeof(float);
    H5Tclose(type);
    H5Dclose(dataset);
    return single;
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
    if (texts != NULL && n == 1) text = strdup(texts[0]);
    check_free_names(texts, n);
    if (attribute >= 0) H5Aclose(attribute);
    if (text == NULL) check_give_up(c, "%s: no attribute %s that is a text", object, name);
    return text;
}

void check_only_text(check *c, const char *object, const char *name, const char *text)
{
    char *found = check_text(c, object, name);
    const size_t n = strlen(text);
    if (strncmp(found, text, n) != 0 || isalnum((unsigned char)found[n]))
        check_give_up(c, "%s: attribute %s is '%s': this program knows '%s' only", object, name,
                      found, text);
    free(found);
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

/* Splits the text into lines and cells; false, and reported, where a line is not as long as the first. */
static bool split_lines(check *c, check_table *t)
{
    char *next = t->text;
    for (char *line; (line = strsep(&next, "\n")) != NULL && *line != '\0'; t->rows++) {
        if (1 + count_of(line, ',') != t->columns) {
            check_wrong(c, "line %d: expected %d cells", t->rows + 1, t->columns);
            return false;
        }
        for (int i = 0; i < t->columns; i++)
            t->cells[t->rows * t->columns + i] = strsep(&line, ",");
    }
    t->rows--;
    return true;
}

bool check_read_table(check *c, check_table *t)
{
    *t = (check_table){.text = read_file(c)};
    const size_t length = t->text != NULL ? strlen(t->text) : 0;
    const int lines = length > 0 ? count_of(t->text, '\n') : 0;
    if (lines < 2 || t->text[length - 1] != '\n') {
        check_wrong(c, lines < 2 ? "not a table" : "line %d has no end: the file is cut short",
                    lines + 1);
        free(t->text);
        return false;
    }
    for (const char *at = t->text; *at != '\n'; at++) t->columns += *at == ',';
    t->columns++;
    t->cells = calloc((size_t)check_times(c, lines, t->columns), sizeof *t->cells);
    t->used = calloc((size_t)t->columns, sizeof *t->used);
    if (t->cells == NULL || t->used == NULL) check_give_up(c, "not enough memory");
    if (split_lines(c, t)) return true;
    free(t->cells), free(t->used), free(t->text);
    return false;
}

void check_close_table(check *c, check_table *t)
{
    for (int i = 0; c->tally->wrong == 0 && i < t->columns; i++)
        if (!t->used[i]) check_wrong(c, "%s: no check reads this column", t->cells[i]);
    free(t->cells), free(t->used), free(t->text);
}

const char *check_cell(const check_table *t, int row, int column)
{
    return t->cells[(row + 1) * t->columns + column];
}

double check_cell_number(check *c, const check_table *t, int row, int column)
{
    double number;
    const char *text = check_cell(t, row, column);
    if (!om_parse_real(text, &number))
        check_give_up(c, "line %d, %s: '%s' is no number", row + 2, t->cells[column], text);
    return number;
}

int check_column(check *c, const check_table *t, const char *name)
{
    for (int i = 0; i < t->columns; i++)
        if (strcmp(t->cells[i], name) == 0) {
            t->used[i] = true;
            return i;
        }
    check_wrong(c, "no column %s", name);
    return -1;
}
