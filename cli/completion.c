/*
 * `ikelab completion SHELL`: the verbs and their options as a completion script. Options come from
 * what each verb prints for --help, which argp makes from the verb's table: there is no second
 * list.
 */
#include "cli/verb.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPTIONS_MAX = 64, LINE_CAP = 512 };

struct listed {
    char name[40]; /* "set" */
    char letter;   /* 's', 0: none */
    bool value;    /* it takes one */
    char about[160];
};

struct listing {
    struct listed all[OPTIONS_MAX];
    size_t count;
};

/* What stands behind the options of a verb. The rest take any file. */
static const struct operands {
    const char *verb, *suffix, *words;
} operands[] = {
    {"run", "yaml", NULL},
    {"lint", "yaml", NULL},
    {"explain", "yaml", NULL},
    {"explore", "yaml", NULL},
    {"sweep", "yaml", NULL},
    {"import", "conf", NULL},
    {"live", NULL, "initiate respond"},
    {"completion", NULL, "bash zsh fish"},
};

static const struct operands *operands_of(const char *verb)
{
    for (size_t i = 0; i < sizeof operands / sizeof *operands; i++)
        if (strcmp(operands[i].verb, verb) == 0)
            return &operands[i];
    return NULL;
}

/* "--output=DIR" or "--json". @return what is behind it, NULL: it is none of these */
static const char *read_name(const char *word, struct listed *o)
{
    size_t len;

    if (strncmp(word, "--", 2) != 0)
        return NULL;
    word += 2;
    len = strcspn(word, "=[, \n");
    if (len == 0 || len >= sizeof o->name)
        return NULL;
    memcpy(o->name, word, len);
    o->name[len] = '\0';
    o->value = word[len] == '=';
    return word + len + strcspn(word + len, ", \n");
}

/* "  -o, --output=DIR           run folder", or "      --force, --mixed       two names":
 * argp's layout, which ARGP_HELP_FMT may not change. @return how many options it names */
static size_t read_option(const char *line, struct listed *out, size_t room)
{
    size_t blanks = strspn(line, " "), count = 0;
    const char *behind;
    char letter = 0;

    if (blanks < 2 || line[blanks] != '-')
        return 0;
    line += blanks;
    if (line[1] != '-') {
        letter = line[1];
        line += strncmp(line + 2, ", ", 2) == 0 ? 4 : 2;
    }
    while (count < room && (behind = read_name(line, &out[count])) != NULL) {
        out[count].letter = count == 0 ? letter : 0;
        count++;
        line = strncmp(behind, ", ", 2) == 0 ? behind + 2 : "";
        behind += strspn(behind, ", \n");
        snprintf(out[count - 1].about, sizeof out->about, "%.*s", (int)strcspn(behind, "\n"),
                 behind);
    }
    for (size_t i = 0; i + 1 < count; i++) /* the text stands behind the last name */
        memcpy(out[i].about, out[count - 1].about, sizeof out->about);
    return count;
}

/* A text that goes on in the next line, behind more blanks than an option has. */
static void read_more(const char *line, struct listed *o)
{
    size_t blanks = strspn(line, " "), len = strlen(o->about);

    if (blanks < 20 || line[blanks] == '\n')
        return;
    snprintf(o->about + len, sizeof o->about - len, "%s%.*s", len ? " " : "",
             (int)strcspn(line + blanks, "\n"), line + blanks);
}

static void read_help(FILE *help, struct listing *out)
{
    char line[LINE_CAP];
    size_t named = 0; /* by the option whose text goes on */

    out->count = 0;
    while (fgets(line, sizeof line, help)) {
        size_t count = read_option(line, &out->all[out->count], OPTIONS_MAX - out->count);

        if (count) {
            out->count += named = count;
            continue;
        }
        if (line[0] != ' ')
            named = 0;
        for (size_t i = 0; i < named; i++)
            read_more(line, &out->all[out->count - 1 - i]);
    }
}

/* The verb ends its process when it has printed its help. */
static void print_help(const struct verb *verb, int to)
{
    char name[64], help[] = "--help";
    char *argv[] = {name, help, NULL};

    snprintf(name, sizeof name, "ikelab %s", verb->name);
    unsetenv("ARGP_HELP_FMT");
    if (dup2(to, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILED);
    exit(verb->run(2, argv));
}

static bool ask(const struct verb *verb, struct listing *out)
{
    int ends[2], status;
    FILE *help;
    pid_t child;

    fflush(stdout);
    if (pipe(ends) != 0)
        return false;
    child = fork();
    if (child == 0) {
        close(ends[0]);
        print_help(verb, ends[1]);
    }
    close(ends[1]);
    help = fdopen(ends[0], "r");
    if (help)
        read_help(help, out);
    if (help)
        fclose(help);
    else
        close(ends[0]);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
}

/* Inside '...' of a shell. */
static void print_quoted(const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
}

static void print_words(const struct listing *options)
{
    for (size_t i = 0; i < options->count; i++)
        printf("%s--%s", i ? " " : "", options->all[i].name);
}

static void print_verbs(void)
{
    for (size_t i = 0; verb_at(i); i++)
        printf("%s ", verb_at(i)->name);
    fputs("--help --version", stdout);
}

static void bash_begin(void)
{
    fputs("# bash completion of ikelab, made by `ikelab completion bash`\n"
          "_ikelab() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} options='' words='' suffix=''\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '",
          stdout);
    print_verbs();
    fputs("' -- \"$current\")\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
}

static void bash_verb(const struct verb *verb, const struct listing *options)
{
    const struct operands *o = operands_of(verb->name);

    printf("    %s)\n        options='", verb->name);
    print_words(options);
    fputs("'\n", stdout);
    if (o && o->words)
        printf("        words='%s'\n", o->words);
    if (o && o->suffix)
        printf("        suffix=%s\n", o->suffix);
    fputs("        ;;\n", stdout);
}

static void bash_end(void)
{
    fputs("    esac\n"
          "    if [[ $current == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
          "    elif [ -n \"$words\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "    elif [ -n \"$suffix\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -f -X \"!*.$suffix\" -- \"$current\"\n"
          "            compgen -d -- \"$current\")\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _ikelab ikelab\n",
          stdout);
}

static void zsh_begin(void)
{
    fputs("#compdef ikelab\n"
          "# zsh completion of ikelab, made by `ikelab completion zsh`\n"
          "_ikelab() {\n"
          "    local -a verbs options\n"
          "    verbs=(\n",
          stdout);
    for (size_t i = 0; verb_at(i); i++) {
        printf("        '%s:", verb_at(i)->name);
        print_quoted(verb_at(i)->help);
        fputs("'\n", stdout);
    }
    fputs("    )\n"
          "    if (( CURRENT == 2 )); then\n"
          "        _describe verb verbs\n"
          "        return\n"
          "    fi\n"
          "    case $words[2] in\n",
          stdout);
}

static void zsh_verb(const struct verb *verb, const struct listing *options)
{
    const struct operands *o = operands_of(verb->name);

    printf("    %s)\n        options=(\n", verb->name);
    for (size_t i = 0; i < options->count; i++) {
        printf("            '--%s:", options->all[i].name);
        print_quoted(options->all[i].about);
        fputs("'\n", stdout);
    }
    fputs("        )\n        if [[ $PREFIX == -* ]]; then\n            _describe option options\n"
          "        else\n",
          stdout);
    if (o && o->words)
        printf("            compadd -- %s\n", o->words);
    else if (o && o->suffix)
        printf("            _files -g '*.%s'\n", o->suffix);
    else
        fputs("            _files\n", stdout);
    fputs("        fi\n        ;;\n", stdout);
}

static void zsh_end(void)
{
    fputs("    esac\n}\n_ikelab \"$@\"\n", stdout);
}

static void fish_begin(void)
{
    fputs("# fish completion of ikelab, made by `ikelab completion fish`\n", stdout);
    for (size_t i = 0; verb_at(i); i++) {
        printf("complete -c ikelab -n __fish_use_subcommand -f -a %s -d '", verb_at(i)->name);
        print_quoted(verb_at(i)->help);
        fputs("'\n", stdout);
    }
}

static void fish_verb(const struct verb *verb, const struct listing *options)
{
    const struct operands *o = operands_of(verb->name);
    char when[96];

    snprintf(when, sizeof when, "complete -c ikelab -n '__fish_seen_subcommand_from %s'",
             verb->name);
    for (size_t i = 0; i < options->count; i++) {
        const struct listed *option = &options->all[i];

        printf("%s -l %s", when, option->name);
        if (option->letter && option->letter != '?')
            printf(" -s %c", option->letter);
        printf("%s -d '", option->value ? " -r" : "");
        print_quoted(option->about);
        fputs("'\n", stdout);
    }
    if (o && o->words)
        printf("%s -f -a '%s'\n", when, o->words);
    else if (o && o->suffix)
        printf("%s -k -a '(__fish_complete_suffix .%s)'\n", when, o->suffix);
}

static void nothing(void)
{
}

static const struct shell {
    const char *name;
    void (*begin)(void);
    void (*verb)(const struct verb *, const struct listing *);
    void (*end)(void);
} shells[] = {
    {"bash", bash_begin, bash_verb, bash_end},
    {"zsh", zsh_begin, zsh_verb, zsh_end},
    {"fish", fish_begin, fish_verb, nothing},
};

static int print_script(const struct shell *shell)
{
    static struct listing options;

    shell->begin();
    for (size_t i = 0; verb_at(i); i++) {
        if (!ask(verb_at(i), &options))
            return say_error(EXIT_FAILED, "ikelab --help",
                             "the options of '%s' cannot be asked for", verb_at(i)->name);
        shell->verb(verb_at(i), &options);
    }
    shell->end();
    return EXIT_DONE;
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    const char **shell = state->input;

    switch (option) {
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            return ARGP_ERR_UNKNOWN;
        *shell = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no shell given: bash, zsh or fish");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int run(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "bash|zsh|fish",
        .doc = "Print a completion script of verbs, options and files.\v"
               "bash: source <(ikelab completion bash)\n"
               "zsh:  ikelab completion zsh > a folder of $fpath/_ikelab\n"
               "fish: ikelab completion fish > ~/.config/fish/completions/ikelab.fish",
    };
    const char *name = NULL;

    argp_parse(&argp, argc, argv, 0, NULL, &name);
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i].name, name) == 0)
            return print_script(&shells[i]);
    return say_error(EXIT_WRONG_USE, "ikelab completion bash",
                     "there is no completion for '%s', but for bash, zsh and fish", name);
}

const struct verb verb_completion = {"completion", "print a completion script for a shell", run};
