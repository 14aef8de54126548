/* Text helpers. */
#include "base/text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

bool om_parse_real(const char *text, double *out)
{
    if (strspn(text, "+-.0123456789eE") != strlen(text) || text[0] == '\0') return false;
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value) || (errno == ERANGE && fabs(value) > 1)) return false;
    *out = value;
    return true;
}

bool om_parse_int(const char *text, int64_t *out)
{
    if (strspn(text, "+-0123456789") != strlen(text) || text[0] == '\0') return false;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0' || errno == ERANGE) return false;
    *out = value;
    return true;
}

/* A number with the letter of its unit. */
static bool parse_with_unit(const char *text, double *seconds)
{
    static const char letters[] = "smhd";
    static const double unit_s[] = {1, 60, 3600, 86400};
    char number[32] = "";
    const size_t length = strlen(text);
    if (length < 2 || length > sizeof number) return false;
    const char *letter = strchr(letters, text[length - 1]);
    memcpy(number, text, length - 1);
    if (letter == NULL || !om_parse_real(number, seconds)) return false;
    *seconds *= unit_s[letter - letters];
    return true;
}

/* "a:b:c", one to three numbers; their count, 0 if it is something else. */
static int read_parts(const char *text, double parts[3])
{
    for (int n = 0; n < 3; n++) {
        const size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 9) return 0;
        parts[n] = 0;
        for (size_t i = 0; i < digits; i++) parts[n] = 10 * parts[n] + (text[i] - '0');
        text += digits;
        if (*text == '\0') return n + 1;
        if (*text++ != ':') return 0;
    }
    return 0;
}

bool om_parse_slurm_time(const char *text, double *seconds)
{
    enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };
    double p[3] = {0}, day[3];
    char days[16] = "";
    const char *dash = strchr(text, '-');
    if (dash != NULL) { /* days-hours:minutes:seconds, from the left */
        snprintf(days, sizeof days, "%.*s", (int)(dash - text < 15 ? dash - text : 15), text);
        if (read_parts(days, day) != 1 || read_parts(dash + 1, p) == 0) return false;
        *seconds = day[0] * DAY_S + p[0] * HOUR_S + p[1] * MINUTE_S + p[2];
        return true;
    }
    switch (read_parts(text, p)) {
    case 1: *seconds = p[0] * MINUTE_S; return true;
    case 2: *seconds = p[0] * MINUTE_S + p[1]; return true;
    case 3: *seconds = p[0] * HOUR_S + p[1] * MINUTE_S + p[2]; return true;
    default: return false;
    }
}

bool om_parse_duration(const char *text, double *seconds)
{
    return (parse_with_unit(text, seconds) || om_parse_slurm_time(text, seconds)) && *seconds > 0;
}

bool om_ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int lower(char c) { return tolower((unsigned char)c); }

/* Levenshtein distance of two short words, whatever their case. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t n = strlen(a), m = strlen(b), row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
            diagonal = row[j];
            size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < shift ? change : shift;
        }
    }
    return row[m];
}

const char *om_nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t best_distance = (strlen(word) + 1) / 2 + 1;
    for (; *words != NULL; words++) {
        size_t distance = edit_distance(word, *words);
        if (distance < best_distance) best_distance = distance, best = *words;
    }
    return best;
}

void om_text_add(om_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t needed = text->length + (n > 0 ? (size_t)n : 0) + 1;
    if (n < 0) text->failed = true;
    if (!text->failed && needed > text->capacity) {
        size_t capacity = needed * 2;
        char *data = realloc(text->data, capacity);
        if (data == NULL)
            text->failed = true;
        else
            text->data = data, text->capacity = capacity;
    }
    if (!text->failed) {
        vsnprintf(text->data + text->length, text->capacity - text->length, format, again);
        text->length = needed - 1;
    }
    va_end(again);
}

void om_text_free(om_text *text)
{
    free(text->data);
    *text = (om_text){0};
}

om_status om_read_file(const char *path, char **data, size_t *length)
{
    *data = NULL;
    *length = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) return om_fail_input(path);
    om_status status = OM_OK;
    struct stat info;
    if (fstat(fileno(file), &info) != 0) {
        status = om_fail_errno("cannot be read", path);
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        status = om_fail(OM_EDATA, "%s: not a file", path);
        goto done;
    }
    if (info.st_size > 1L << 30) {
        status = om_fail(OM_EDATA, "%s: %lld bytes is too large for this kind of file", path,
                         (long long)info.st_size);
        goto done;
    }
    status = om_alloc((size_t)info.st_size + 1, 1, data);
    if (status != OM_OK) goto done;
    *length = fread(*data, 1, (size_t)info.st_size, file);
    if (ferror(file)) {
        status = om_fail_errno("cannot be read", path);
        om_free(*data);
        *data = NULL;
    }
done:
    fclose(file);
    return status;
}

om_status om_check_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    snprintf(folder, sizeof folder, "%.*s", length, slash == NULL ? "." : path);
    if (access(folder, W_OK | X_OK) == 0) return OM_OK;
    if (errno == ENOENT) {
        om_fail(OM_EIO, "%s: there is no folder %s", path, folder);
        return om_hint(OM_EIO, "mkdir -p '%s'", folder);
    }
    return om_fail(OM_EIO, "%s: cannot be written in the folder %s: %s", path, folder,
                   strerror(errno));
}

om_status om_check_new_file(const char *path, const char *option)
{
    if (access(path, F_OK) != 0) return om_check_folder(path);
    om_fail(OM_EIO, "%s: exists already", path);
    return om_hint(OM_EIO, "another name after %s", option);
}

static bool is_leftover(const char *entry, const char *name, const char *middle)
{
    const size_t n = strlen(name), m = strlen(middle);
    if (strncmp(entry, name, n) != 0 || strncmp(entry + n, middle, m) != 0) return false;
    const char *process = strrchr(entry, '.') + 1;
    return *process != '\0' && process[strspn(process, "0123456789")] == '\0';
}

om_status om_remove_leftovers(const char *path, const char *middle)
{
    char folder[PATH_MAX], name[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    snprintf(name, sizeof name, "%s", path);
    const char *parent = dirname(folder), *own = basename(name);
    DIR *entries = opendir(parent);
    if (entries == NULL) return om_fail_errno("cannot be read", parent);
    om_status status = OM_OK;
    for (const struct dirent *e; status == OM_OK && (e = readdir(entries)) != NULL;)
        if (is_leftover(e->d_name, own, middle) && unlinkat(dirfd(entries), e->d_name, 0) != 0 &&
            errno != ENOENT)
            status = om_fail_errno("cannot be removed", e->d_name);
    closedir(entries);
    return status;
}

int om_split_part(const char *name, char file[PATH_MAX])
{
    const char *colon = strrchr(name, ':');
    int64_t part = -1;
    snprintf(file, PATH_MAX, "%s", name);
    if (colon == NULL || colon - name >= PATH_MAX || access(name, F_OK) == 0 ||
        !om_parse_int(colon + 1, &part) || part < 0 || part > INT_MAX)
        return -1;
    file[colon - name] = '\0';
    return (int)part;
}
