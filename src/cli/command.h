/* The frame of the command line: `ommatid <command> [options]`.
 *
 * A command is a constant table entry: its words for the help, its options, its function. One
 * shared parser reads arguments by these tables, and help and shell completion are printed from
 * them, so that none of the three can say something else than the others.
 *
 * A new command is a file cmd_NAME.c that defines `const om_command om_cmd_NAME`, a declaration at
 * the end of this header, and a line in the table in main.c:
 *
 *     static struct { const char *output; int top; } set = {.top = 10};
 *     static const om_option options[] = {
 *         {"output", 'o', OM_OPTION_FILE, "FILE", "write there", .value = &set.output},
 *         {"top", 0, OM_OPTION_INT, "N", "only the best N", .value = &set.top, .least = 1, .most = 1e6},
 *         {0}};
 *     static om_status run(const om_arguments *args) { ... args->words[0] ... }
 *     const om_command om_cmd_rank = {.name = "rank", .summary = "...", .synopsis = "STORE",
 *         .options = options, .json = true, .least = 1, .most = 1, .example = "...", .run = run};
 *
 * A function returns the status of what failed and leaves the message to om_fail(): main() prints
 * it once and turns the status into the exit code. A failure without a message prints nothing (a
 * rank of many that leaves the telling to another clears its message). Results go to stdout,
 * everything else to stderr; whether stdout could be written is checked after the function. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include <jansson.h>

#include "ommatid/om_status.h"

typedef enum om_option_kind {                 /* what `value` of an option points at */
                              OM_OPTION_FLAG, /* bool, set to true */
                              OM_OPTION_TEXT, /* const char * */
                              OM_OPTION_FILE, /* const char *; the shell completes names of files */
                              OM_OPTION_INT,  /* int in least..most */
                              OM_OPTION_UINT64, /* uint64_t: seeds, iterations */
                              OM_OPTION_REAL,   /* double in least..most */
                              OM_OPTION_CHOICE, /* int: the position in `choices` */
                              OM_OPTION_LIST    /* om_list: a text each time it is given */
} om_option_kind;

enum { OM_LIST_ITEMS = 32 };
typedef struct om_list {
    int n;
    const char *items[OM_LIST_ITEMS];
} om_list;

/* The value points at the default, which stays if the option is not given; the last one wins. */
typedef struct om_option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* or 0 */
    om_option_kind kind;
    const char *argument; /* its name in the help: "FILE"; NULL for flags */
    const char *help;     /* one line; ends in "; default: X" where there is one */
    void *value;
    double least, most;         /* range of numbers; both 0: any */
    const char *const *choices; /* ended by NULL */
} om_option;

/* What was given besides a command's own options. */
typedef struct om_arguments {
    int n; /* least..most of the command */
    const char *const *words;
    bool quiet; /* --quiet: no progress, no remarks */
    bool json;  /* --json, where the command has it */
} om_arguments;

typedef struct om_command om_command;
struct om_command {
    const char *name;
    const char *summary;      /* one line, no full stop */
    const char *synopsis;     /* what follows the name: "SPEC -o STORE" */
    const char *details;      /* lines to print below the usage, or NULL */
    const om_option *options; /* ended by {0}; NULL: none of its own */
    bool json;                /* prints results, so it takes --json */
    int least, most;          /* number of arguments that are not options */
    const char *example;      /* lines to type */
    om_status (*run)(const om_arguments *args);
    /* A command of commands (`circuit list`, `circuit show`): ended by {0}, and the members from
     * `options` on are not used; NULL otherwise. */
    const om_command *verbs;
};

/* Every command, ended by NULL (main.c). */
extern const om_command *const om_commands[];

/* Runs what argv asks for and returns the exit code; prints the message of a failure. */
int om_command_main(int argc, char **argv);
/* The command that words[0..n) name, as in {"circuit", "show"}. Errors: OM_EUSAGE with the nearest
 * one. path: room for its full name, as in "circuit show". */
om_status om_command_find(int n, const char *const *words, const om_command **command,
                          char path[64]);
/* The overview of all commands; the help of one. */
void om_command_print_overview(void);
void om_command_print_help(const om_command *command, const char *path);
/* The script that completes command lines in bash. */
void om_command_print_completion(void);

/* Prints a value to stdout, indented, and gives up the reference. NULL (jansson was out of memory):
 * OM_ENOMEM. */
om_status om_command_print_json(json_t *value);

extern const om_command om_cmd_init, om_cmd_circuit, om_cmd_scenes, om_cmd_run, om_cmd_status,
    om_cmd_check, om_cmd_rank, om_cmd_predict, om_cmd_validate, om_cmd_compare, om_cmd_import,
    om_cmd_export, om_cmd_bench, om_cmd_plan, om_cmd_submit, om_cmd_merge, om_cmd_help;

/* Prints the message of what failed, once. */
void om_command_complain(om_status status);

#endif
