/* Help and shell completion, printed from the tables of commands and options. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static void print_commands(const om_command *const *table, const char *before)
{
    for (; *table != NULL; table++)
        printf("  %s%-10s %s\n", before, (*table)->name, (*table)->summary);
}

void om_command_print_overview(void)
{
    printf("usage: ommatid <command> [options]\n\n"
           "Trains ensembles of connectome-constrained neural networks and ranks them.\n\n");
    print_commands(om_commands, "");
    printf(
        "\n`ommatid help COMMAND` says more about one; `ommatid --version` prints the version.\n"
        "exit: 0 done, 1 failed, 2 used wrongly, 3 the input is bad, 75 stopped but resumable\n");
}

/* "what it is: one (default), another"; a default that is none of them goes before them. */
static void print_choices(const om_option *option)
{
    static const char mark[] = "; default: ";
    const char *end = strstr(option->help, mark), *usual = end != NULL ? end + strlen(mark) : "";
    const int length = end != NULL ? (int)(end - option->help) : (int)strlen(option->help);
    bool listed = end == NULL;
    for (int i = 0; option->choices[i] != NULL; i++)
        listed |= strcmp(option->choices[i], usual) == 0;
    printf("%.*s", length, option->help);
    if (!listed) printf(" (default: %s)", usual);
    for (int i = 0; option->choices[i] != NULL; i++)
        printf("%s%s%s", i > 0 ? ", " : ": ", option->choices[i],
               strcmp(option->choices[i], usual) == 0 ? " (default)" : "");
}

static void print_option(const om_option *option)
{
    char head[64], letter[8] = "    ";
    if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(head, sizeof head, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    printf("  %-26s ", head);
    if (option->choices != NULL)
        print_choices(option);
    else
        printf("%s", option->help);
    putchar('\n');
}

static const om_option quiet = {.name = "quiet", .letter = 'q', .help = "print no progress"};
static const om_option help = {.name = "help", .letter = 'h', .help = "print this"};
static const om_option json = {.name = "json", .help = "print results as JSON"};

/* Lines of a longer text, each moved in by two columns. */
static void print_indented(const char *text)
{
    while (*text != '\0') {
        int length = (int)strcspn(text, "\n");
        printf("  %.*s\n", length, text);
        text += length;
        if (*text == '\n') text++;
    }
}

static void print_verbs_help(const om_command *command, const char *path)
{
    printf("usage: ommatid %s <command> [options]\n\n%s.\n\n", path, command->summary);
    for (const om_command *v = command->verbs; v->name != NULL; v++)
        printf("  %s %-10s %s\n", path, v->name, v->summary);
    printf("\n`ommatid help %s COMMAND` says more about one.\n", path);
}

void om_command_print_help(const om_command *command, const char *path)
{
    if (command->verbs != NULL) {
        print_verbs_help(command, path);
        return;
    }
    const char *synopsis = command->synopsis ? command->synopsis : "";
    printf("usage: ommatid %s%s%s [options]\n\n%s.\n", path, synopsis[0] ? " " : "", synopsis,
           command->summary);
    if (command->details != NULL) printf("\n%s\n", command->details);
    printf("\noptions\n");
    for (const om_option *o = command->options; o != NULL && o->name != NULL; o++) print_option(o);
    if (command->json) print_option(&json);
    print_option(&quiet);
    print_option(&help);
    if (command->example != NULL) {
        printf("\nexample\n");
        print_indented(command->example);
    }
}

/* --- completion ------------------------------------------------------------------------------ */

static void complete_options(const om_command *command, const char *path)
{
    printf("    '%s') options='--help --quiet%s", path, command->json ? " --json" : "");
    for (const om_option *o = command->options; o != NULL && o->name != NULL; o++)
        printf(" --%s", o->name);
    printf("' ;;\n");
}

/* What may follow an option: files, the words of a choice, or anything. */
static void complete_values(const om_command *command, const char *path)
{
    for (const om_option *o = command->options; o != NULL && o->name != NULL; o++) {
        if (o->kind == OM_OPTION_FLAG) continue;
        printf("    '%s --%s'", path, o->name);
        if (o->letter) printf("|'%s -%c'", path, o->letter);
        printf(") values='");
        for (int i = 0; o->choices != NULL && o->choices[i] != NULL; i++)
            printf("%s%s", i > 0 ? " " : "", o->choices[i]);
        printf("'; kind=%s ;;\n", o->kind == OM_OPTION_FILE ? "file" : "word");
    }
}

static void each_command(void (*print)(const om_command *command, const char *path))
{
    for (const om_command *const *c = om_commands; *c != NULL; c++) {
        if ((*c)->verbs == NULL) print(*c, (*c)->name);
        for (const om_command *v = (*c)->verbs; v != NULL && v->name != NULL; v++) {
            char path[64];
            snprintf(path, sizeof path, "%s %s", (*c)->name, v->name);
            print(v, path);
        }
    }
}

static void print_names(const om_command *command)
{
    for (const om_command *v = command->verbs; v != NULL && v->name != NULL; v++)
        printf("%s%s", v == command->verbs ? "" : " ", v->name);
}

void om_command_print_completion(void)
{
    printf("# bash completion for ommatid\n_ommatid()\n{\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local path=${COMP_WORDS[1]} first=2\n"
           "    local verbs= options=--help values= kind=\n"
           "    COMPREPLY=()\n"
           "    if [[ $COMP_CWORD -eq 1 ]]; then\n"
           "        COMPREPLY=($(compgen -W '--help --version");
    for (const om_command *const *c = om_commands; *c != NULL; c++) printf(" %s", (*c)->name);
    printf("' -- \"$word\"))\n        return\n    fi\n    case $path in\n"
           "    help) verbs='");
    for (const om_command *const *c = om_commands; *c != NULL; c++)
        printf("%s%s", c == om_commands ? "" : " ", (*c)->name);
    printf("' ;;\n");
    for (const om_command *const *c = om_commands; *c != NULL; c++) {
        if ((*c)->verbs == NULL) continue;
        printf("    %s) verbs='", (*c)->name);
        print_names(*c);
        printf("' ;;\n");
    }
    printf("    esac\n    if [[ -n $verbs ]]; then\n        first=3\n"
           "        if [[ $COMP_CWORD -eq 2 && $word != -* ]]; then\n"
           "            COMPREPLY=($(compgen -W \"$verbs\" -- \"$word\"))\n"
           "            return\n        fi\n"
           "        [[ $path == help || $word == -* && $COMP_CWORD -eq 2 ]] ||\n"
           "            path=\"$path ${COMP_WORDS[2]}\"\n    fi\n"
           "    case \"$path $before\" in\n");
    each_command(complete_values);
    printf("    esac\n    if [[ $COMP_CWORD -gt $first && -n $kind ]]; then\n"
           "        if [[ $kind == file ]]; then compopt -o default\n"
           "        else COMPREPLY=($(compgen -W \"$values\" -- \"$word\")); fi\n"
           "        return\n    fi\n"
           "    if [[ $word != -* ]]; then compopt -o default; return; fi\n"
           "    case $path in\n");
    each_command(complete_options);
    printf("    esac\n    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n}\n"
           "complete -F _ommatid ommatid\n");
}
