/* Reads the .circuit form of a table: one statement a line, words apart by blanks, '#' before a
 * comment. docs/circuits.md describes it. */
#include "circuit/build.h"
#include "circuit/draft.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { FORM_VERSION = 1 };

typedef struct reader {
    om_draft draft;
    char *rest;              /* of the line, for strtok_r */
    bool headed;             /* the `circuit` line was there */
    int n_roles[OM_N_ROLES]; /* inputs and outputs given so far */
} reader;

/* The next word of the line, or NULL. */
static char *next_word(reader *r)
{
    char *word = strtok_r(NULL, " \t\r", &r->rest);
    if (word == NULL || word[0] != '#') return word;
    r->rest += strlen(r->rest);
    return NULL;
}

/* circuit NAME VERSION */
static void read_head(reader *r)
{
    om_draft *draft = &r->draft;
    const char *name = next_word(r), *version = next_word(r);
    char shown[OM_SHOWN_BYTES];
    int64_t number = 0;
    if (r->headed) om_faults_add(&draft->faults, "a second 'circuit' line");
    r->headed = true;
    if (name == NULL || version == NULL) {
        om_faults_add(&draft->faults, "expected: circuit NAME %d", FORM_VERSION);
        return;
    }
    if (!om_parse_int(version, &number) || number != FORM_VERSION)
        om_faults_add(&draft->faults, "version '%s' of the form is not known (this is %d)",
                      om_shown(version, shown), FORM_VERSION);
    if (om_draft_name(draft, "circuit", name, sizeof draft->circuit->name))
        memcpy(draft->circuit->name, name, strlen(name) + 1);
}

/* input, input=N, output, output=N: without a number the next place. False for another word. */
static bool read_role(reader *r, char *word, om_roles *roles)
{
    char *number = strchr(word, '=');
    size_t length = number ? (size_t)(number - word) : strlen(word);
    om_role role;
    if (length == 5 && strncmp(word, "input", length) == 0)
        role = OM_ROLE_INPUT;
    else if (length == 6 && strncmp(word, "output", length) == 0)
        role = OM_ROLE_OUTPUT;
    else
        return false;
    int64_t place = ++r->n_roles[role];
    if (number != NULL && (!om_parse_int(number + 1, &place) || place < 1 || place > OM_MAX_TYPES))
        return false;
    roles->place[role] = (int)place;
    return true;
}

/* type NAME [stride SU SV] [input[=N]] [output[=N]] */
static om_status read_type(reader *r)
{
    om_faults *faults = &r->draft.faults;
    const char *name = next_word(r);
    om_roles roles = {0};
    int64_t stride[2] = {1, 1};
    char shown[OM_SHOWN_BYTES];
    if (name == NULL) {
        om_faults_add(faults, "expected: type NAME [stride SU SV] [input] [output]");
        return OM_OK;
    }
    for (char *word = next_word(r); word != NULL; word = next_word(r)) {
        if (strcmp(word, "stride") == 0) {
            for (int i = 0; i < 2; i++) {
                const char *number = next_word(r);
                if (number != NULL && om_parse_int(number, &stride[i])) continue;
                om_faults_add(faults, "type %s: stride: expected two whole numbers, not '%s'", name,
                              om_shown(number ? number : "", shown));
            }
        } else if (!read_role(r, word, &roles)) {
            om_faults_add(faults,
                          "unknown word '%s' after type and name: expected stride SU SV, "
                          "input[=N] or output[=N]",
                          om_shown(word, shown));
        }
    }
    return om_draft_add_type(&r->draft, name, stride[0], stride[1], roles);
}

/* du,dv=count, with a '*' behind it where the hull fill made it. Cuts the word. */
static bool parse_tap(char *word, int64_t *du, int64_t *dv, double *count, bool *filled)
{
    char *comma = strchr(word, ','), *equals = strchr(word, '=');
    if (comma == NULL || equals == NULL || comma > equals) return false;
    *comma = *equals = '\0';
    size_t length = strlen(equals + 1);
    *filled = length > 0 && equals[length] == '*';
    if (*filled) equals[length] = '\0';
    bool good =
        om_parse_int(word, du) && om_parse_int(comma + 1, dv) && om_parse_real(equals + 1, count);
    *comma = ',', *equals = '=';
    if (*filled) equals[length] = '*';
    return good;
}

static om_status read_taps(reader *r)
{
    for (char *word = next_word(r); word != NULL; word = next_word(r)) {
        int64_t du, dv;
        double count;
        bool filled;
        if (parse_tap(word, &du, &dv, &count, &filled)) {
            OM_TRY(om_draft_add_tap(&r->draft, du, dv, count, filled));
            continue;
        }
        char shown[OM_SHOWN_BYTES];
        r->draft.pair_taps++;
        om_faults_add(&r->draft.faults,
                      "pair %s: '%s': expected DU,DV=COUNT, two whole numbers and a finite one",
                      r->draft.pair_name, om_shown(word, shown));
    }
    om_draft_end_pair(&r->draft);
    return OM_OK;
}

/* pair SOURCE TARGET +|- TAP... */
static om_status read_pair(reader *r)
{
    const char *source = next_word(r), *target = next_word(r), *sign = next_word(r);
    if (sign == NULL) {
        om_faults_add(&r->draft.faults, "expected: pair SOURCE TARGET +|- DU,DV=COUNT ...");
        return OM_OK;
    }
    char shown[OM_SHOWN_BYTES];
    bool plus = strcmp(sign, "+") == 0;
    OM_TRY(om_draft_begin_pair(&r->draft, source, target, plus ? 1 : -1));
    if (!plus && strcmp(sign, "-") != 0)
        om_faults_add(&r->draft.faults, "pair %s: sign '%s': expected + or -", r->draft.pair_name,
                      om_shown(sign, shown));
    return read_taps(r);
}

static om_status read_line(reader *r, char *line)
{
    om_faults *faults = &r->draft.faults;
    om_faults_place(faults, ":%d", r->draft.position);
    char *word = strtok_r(line, " \t\r", &r->rest);
    if (word == NULL || word[0] == '#') return OM_OK;
    bool head = strcmp(word, "circuit") == 0;
    if (!head && !r->headed) {
        om_faults_add(faults, "expected first: circuit NAME %d", FORM_VERSION);
        r->headed = true;
    }
    if (head) {
        read_head(r);
    } else if (strcmp(word, "type") == 0) {
        return read_type(r);
    } else if (strcmp(word, "pair") == 0) {
        return read_pair(r);
    } else {
        static const char *const statements[] = {"circuit", "type", "pair", NULL};
        char shown[OM_SHOWN_BYTES];
        const char *nearest = om_nearest(word, statements);
        om_faults_add(faults, "unknown word '%s'%s%s%s", om_shown(word, shown),
                      nearest ? " (did you mean '" : ": expected circuit, type or pair",
                      nearest ? nearest : "", nearest ? "'?)" : "");
    }
    return OM_OK;
}

/* Whether the text is text: the first control character that has no business in it is a fault. */
static bool is_text(om_faults *faults, const char *text)
{
    int line = 1;
    for (const char *c = text; *c != '\0'; c++) {
        line += *c == '\n';
        if (!iscntrl((unsigned char)*c) || strchr("\t\r\n", *c) != NULL) continue;
        om_faults_place(faults, ":%d", line);
        om_faults_add(faults, "byte %d: this is not a text file", (unsigned char)*c);
        return false;
    }
    return true;
}

static om_status read_lines(reader *r, char *text)
{
    while (text != NULL) {
        char *end = strchr(text, '\n');
        if (end != NULL) *end++ = '\0';
        r->draft.position++;
        OM_TRY(read_line(r, text));
        text = end;
    }
    return OM_OK;
}

om_status om_circuit_parse(const char *name, const char *text, int extent, om_circuit **circuit)
{
    *circuit = NULL;
    OM_TRY(om_circuit_check_extent(extent));
    reader r = {0};
    char *copy = NULL;
    size_t bytes = strlen(text) + 1;
    om_status status = om_draft_begin(&r.draft, name, "line");
    if (status != OM_OK) goto done;
    if (!is_text(&r.draft.faults, text)) {
        status = om_faults_outcome(&r.draft.faults);
        goto done;
    }
    status = om_alloc(bytes, 1, &copy);
    if (status != OM_OK) goto done;
    memcpy(copy, text, bytes);
    status = read_lines(&r, copy);
    if (status == OM_OK) status = om_draft_finish(&r.draft, extent, circuit);
done:
    om_free(copy);
    om_draft_free(&r.draft);
    return status;
}
