#pragma once
/*
 * Finds the command that the arguments name and runs it. One thread.
 */
#include <stddef.h>

/* What every command ends with; cli.c has the words for people. Scripts rely on these: what has to
 * be typed or set otherwise is EXIT_USAGE, and nothing was touched then; whatever is the state of a
 * folder, a disk or a server is EXIT_FAILED, also where it is refused at once. */
enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DAMAGED = 3 };

struct cli_command {
    const char *name;
    const char *arguments;       /* as shown in the usage: "FILE [options]" */
    const char *summary;         /* one line */
    const char *help;            /* more lines and examples, "" for none */
    void (*print_options)(void); /* NULL: there are none */
    /* The arguments behind the command's name. Returns the exit code. */
    int (*run)(int argument_count, char **arguments);
};

struct cli {
    const char *version;
    const struct cli_command *commands;
    size_t command_count;
    const char *examples; /* lines below the list of commands, "" for none */
};

/* `--help`, `help [COMMAND]`, `COMMAND --help` and `--version` are answered here; an unknown
 * command is told on stderr. Returns the exit code for main. */
int cli_run(const struct cli *cli, int argc, char **argv);
