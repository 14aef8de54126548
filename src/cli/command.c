/* Reading a command line by the tables of commands and options, and running what it asks for. */
#include "cli/command.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

enum { MOST_NAMES = 64 }; /* of commands, or of options of one command, that are compared */

/* One walk along the words of a command line. */
typedef struct reader {
    const om_command *command;
    const char *path;
    int argc, next;
    char **argv;
    om_arguments *args;
    const char **words; /* args->words, writable */
    bool help;
} reader;

/* --- finding commands ------------------------------------------------------------------------ */

static om_status unknown(const char *what, const char *word, const char *const *names,
                         const char *path)
{
    const char *nearest = om_nearest(word, names);
    om_status status = om_fail(OM_EUSAGE, "%s '%s'", what, word);
    if (nearest != NULL) om_hint(status, "%s", nearest);
    return om_hint(status, "ommatid %s%s--help", path, path[0] ? " " : "");
}

static const om_command *find_in(const om_command *const *table, const char *word)
{
    for (; *table != NULL; table++)
        if (strcmp((*table)->name, word) == 0) return *table;
    return NULL;
}

/* The verbs of a command as a table of pointers, which is what the first level is. */
static void verbs_of(const om_command *command, const om_command *table[MOST_NAMES])
{
    int n = 0;
    for (const om_command *v = command->verbs; v->name != NULL && n < MOST_NAMES - 1; v++)
        table[n++] = v;
    table[n] = NULL;
}

static om_status find_one(const om_command *const *table, const char *word, const char *path,
                          const om_command **command)
{
    *command = find_in(table, word);
    if (*command != NULL) return OM_OK;
    const char *names[MOST_NAMES] = {0};
    for (int i = 0; table[i] != NULL && i < MOST_NAMES - 1; i++) names[i] = table[i]->name;
    unknown("there is no command", word, names, path);
    return OM_EUSAGE;
}

om_status om_command_find(int n, const char *const *words, const om_command **command,
                          char path[64])
{
    path[0] = '\0';
    *command = NULL;
    const om_command *verbs[MOST_NAMES];
    const om_command *const *table = om_commands;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (*command)->verbs == NULL)
            return om_fail(OM_EUSAGE, "'%s' has no commands of its own: '%s'", path, words[i]);
        OM_TRY(find_one(table, words[i], path, command));
        size_t used = strlen(path);
        snprintf(path + used, 64 - used, "%s%s", i > 0 ? " " : "", (*command)->name);
        if ((*command)->verbs == NULL) continue;
        verbs_of(*command, verbs);
        table = verbs;
    }
    return OM_OK;
}

/* --- options --------------------------------------------------------------------------------- */

static om_status bad_value(const reader *r, const om_option *option, const char *text,
                           const char *expected)
{
    om_fail(OM_EUSAGE, "--%s '%s': expected %s", option->name, text, expected);
    return om_hint(OM_EUSAGE, "ommatid %s --help", r->path);
}

static bool in_range(const om_option *option, double value)
{
    return (option->least == 0 && option->most == 0) ||
           (value >= option->least && value <= option->most);
}

static om_status set_number(const reader *r, const om_option *option, const char *text)
{
    char expected[96];
    const char *kind = option->kind == OM_OPTION_REAL ? "a number" : "an integer";
    if (option->least == 0 && option->most == 0)
        snprintf(expected, sizeof expected, "%s", kind);
    else
        snprintf(expected, sizeof expected, "%s from %.10g to %.10g", kind, option->least,
                 option->most);
    int64_t integer;
    double real;
    if (option->kind == OM_OPTION_REAL) {
        if (!om_parse_real(text, &real) || !in_range(option, real))
            return bad_value(r, option, text, expected);
        *(double *)option->value = real;
        return OM_OK;
    }
    if (!om_parse_int(text, &integer) || !in_range(option, (double)integer))
        return bad_value(r, option, text, expected);
    if (option->kind == OM_OPTION_UINT64) {
        if (integer < 0) return bad_value(r, option, text, "an integer of 0 or more");
        *(uint64_t *)option->value = (uint64_t)integer;
        return OM_OK;
    }
    if (integer < INT_MIN || integer > INT_MAX) return bad_value(r, option, text, expected);
    *(int *)option->value = (int)integer;
    return OM_OK;
}

/* The choice that a word means, whatever its case if only one does; -1: none. */
static int find_choice(const char *const *choices, const char *text)
{
    int found = -1, n = 0;
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) return i;
        if (strcasecmp(choices[i], text) == 0) found = i, n++;
    }
    return n == 1 ? found : -1;
}

static om_status set_choice(const reader *r, const om_option *option, const char *text)
{
    const int found = find_choice(option->choices, text);
    if (found >= 0) {
        *(int *)option->value = found;
        return OM_OK;
    }
    om_text all = {0};
    for (int i = 0; option->choices[i] != NULL; i++)
        om_text_add(&all, "%s%s", i > 0 ? ", " : "", option->choices[i]);
    om_status status = bad_value(r, option, text, all.failed ? "another word" : all.data);
    om_text_free(&all);
    return status;
}

static om_status add_to_list(const reader *r, const om_option *option, const char *text)
{
    om_list *list = option->value;
    if (list->n == OM_LIST_ITEMS)
        return om_fail(OM_EUSAGE, "%s: --%s is given more than %d times", r->path, option->name,
                       OM_LIST_ITEMS);
    list->items[list->n++] = text;
    return OM_OK;
}

static om_status set_option(const reader *r, const om_option *option, const char *text)
{
    switch (option->kind) {
    case OM_OPTION_FLAG: *(bool *)option->value = true; return OM_OK;
    case OM_OPTION_TEXT:
    case OM_OPTION_FILE:
        if (text[0] == '\0') return bad_value(r, option, text, "a text that is not empty");
        *(const char **)option->value = text;
        return OM_OK;
    case OM_OPTION_CHOICE: return set_choice(r, option, text);
    case OM_OPTION_LIST: return add_to_list(r, option, text);
    default: return set_number(r, option, text);
    }
}

static om_status unknown_option(const reader *r, const char *word)
{
    char dashed[MOST_NAMES][40];
    const char *names[MOST_NAMES] = {"--help", "--quiet", r->command->json ? "--json" : NULL};
    int n = r->command->json ? 3 : 2;
    for (const om_option *o = r->command->options; o != NULL && o->name != NULL; o++) {
        if (n == MOST_NAMES - 1) break;
        snprintf(dashed[n], sizeof dashed[n], "--%s", o->name);
        names[n] = dashed[n];
        n++;
    }
    return unknown("there is no option", word, names, r->path);
}

/* One option, and its value: `--name value`, `--name=value`, `-n value`, `-nvalue`. */
static om_status read_option(reader *r, const char *word)
{
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t length = is_long ? strcspn(name, "=") : 1;
    const char *value = is_long ? (name[length] == '=' ? name + length + 1 : NULL)
                                : (name[1] != '\0' ? name + 1 : NULL);
    const om_option shared[] = {
        {"help", 'h', OM_OPTION_FLAG, NULL, NULL, .value = &r->help},
        {"quiet", 'q', OM_OPTION_FLAG, NULL, NULL, .value = &r->args->quiet},
        {r->command->json ? "json" : NULL, 0, OM_OPTION_FLAG, NULL, NULL, .value = &r->args->json},
        {0}};
    const om_option *tables[] = {shared, r->command->options};
    for (int t = 0; t < 2; t++)
        for (const om_option *o = tables[t]; o != NULL && o->name != NULL; o++) {
            if (is_long ? strlen(o->name) != length || strncmp(o->name, name, length) != 0
                        : o->letter != name[0])
                continue;
            if (o->kind == OM_OPTION_FLAG) {
                if (value != NULL)
                    return om_fail(OM_EUSAGE, "--%s takes no value: '%s'", o->name, word);
                return set_option(r, o, "");
            }
            if (value == NULL && r->next < r->argc) value = r->argv[r->next++];
            if (value == NULL) {
                om_fail(OM_EUSAGE, "--%s needs a value: %s", o->name, o->argument);
                return om_hint(OM_EUSAGE, "ommatid %s --help", r->path);
            }
            return set_option(r, o, value);
        }
    char whole[64];
    snprintf(whole, sizeof whole, "%.*s", (int)(length + (size_t)(name - word)), word);
    return unknown_option(r, whole);
}

static om_status read_words(reader *r)
{
    bool only_words = false;
    while (r->next < r->argc) {
        const char *word = r->argv[r->next++];
        if (!only_words && strcmp(word, "--") == 0)
            only_words = true;
        else if (!only_words && word[0] == '-' && word[1] != '\0')
            OM_TRY(read_option(r, word));
        else
            r->words[r->args->n++] = word;
    }
    if (r->help || (r->args->n >= r->command->least && r->args->n <= r->command->most))
        return OM_OK;
    if (r->args->n > r->command->most)
        om_fail(OM_EUSAGE, "%s: '%s' is one argument too many", r->path,
                r->words[r->command->most]);
    else
        om_fail(OM_EUSAGE, "%s: something is missing: ommatid %s %s", r->path, r->path,
                r->command->synopsis);
    return om_hint(OM_EUSAGE, "ommatid %s --help", r->path);
}

/* --- running --------------------------------------------------------------------------------- */

/* What is lost when writing results fails is noticed here, late but surely. */
static om_status finish_output(void)
{
    bool failed_before = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !failed_before) return OM_OK;
    return om_fail_errno("cannot write the results", "standard output");
}

static om_status run_command(int argc, char **argv)
{
    const om_command *command;
    char path[64];
    int depth = 1;
    OM_TRY(om_command_find(1, (const char *const *)&argv[1], &command, path));
    if (command->verbs != NULL) {
        const char *second = argc > 2 ? argv[2] : "--help";
        if (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0) {
            om_command_print_help(command, path);
            if (argc > 2) return OM_OK;
            om_fail(OM_EUSAGE, "%s: which of these?", path);
            return OM_EUSAGE;
        }
        depth = 2;
        OM_TRY(om_command_find(2, (const char *const *)&argv[1], &command, path));
    }
    om_arguments args = {0};
    const char **words;
    OM_TRY(om_alloc((size_t)argc, sizeof *words, &words));
    args.words = words;
    reader r = {command, path, argc, depth + 1, argv, &args, words, false};
    om_status status = read_words(&r);
    if (status == OM_OK && r.help)
        om_command_print_help(command, path);
    else if (status == OM_OK)
        status = command->run(&args);
    om_free(words);
    return status;
}

static om_status run_line(int argc, char **argv)
{
    if (argc < 2) {
        om_command_print_overview();
        return om_fail(OM_EUSAGE, "no command");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        om_command_print_overview();
    else if (strcmp(argv[1], "--version") == 0)
        printf("ommatid %s\n", OM_VERSION);
    else if (strcmp(argv[1], "--completion") == 0)
        om_command_print_completion();
    else
        return run_command(argc, argv);
    return OM_OK;
}

/* A standard stream that was closed before we started would be handed to the next file that is
 * opened, and messages would be written into it: something that fails takes its place. */
static void keep_standard_streams(void)
{
    int fd;
    do fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= 2);
    if (fd > 2) close(fd);
}

void om_command_complain(om_status status)
{
    if (status != OM_OK && om_message()[0] != '\0') fprintf(stderr, "ommatid: %s\n", om_message());
    fflush(stderr);
    om_message_clear();
}

int om_command_main(int argc, char **argv)
{
    keep_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is a failed write, with a message */
    om_status status = run_line(argc, argv);
    if (status == OM_OK)
        status = finish_output();
    else
        fflush(stdout);
    om_command_complain(status);
    return om_exit_code(status);
}

om_status om_command_print_json(json_t *value)
{
    if (value == NULL) return om_fail(OM_ENOMEM, "no memory for the results");
    int failed = json_dumpf(value, stdout, JSON_INDENT(2));
    json_decref(value);
    if (failed) return om_fail_errno("cannot write the results", "standard output");
    putchar('\n');
    return OM_OK;
}
