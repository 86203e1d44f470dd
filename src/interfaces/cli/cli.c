#include "interfaces/cli/cli.h"

#include "base/macros.h"
#include "interfaces/cli/cli_output.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int code;
    const char *meaning;
} exit_codes[] = {
    {EXIT_FINE, "all was done"},
    {EXIT_FAILED, "something was not done, or is damaged; it says what"},
    {EXIT_USAGE, "arguments or settings that cannot be meant; nothing was touched"},
    {EXIT_DAMAGED, "of forward: all that can be read was done, and some cannot be read"},
};

static void print_usage(const struct cli *cli, FILE *out)
{
    fprintf(out,
            "usertrail %s records what users do and answers what a user did.\n\n"
            "Usage: usertrail COMMAND [options]\n\nCommands\n",
            cli->version);
    for (size_t i = 0; i < cli->command_count; i++) {
        fprintf(out, "  %-14s %s\n", cli->commands[i].name, cli->commands[i].summary);
    }
    fprintf(out, "\nExit codes\n");
    for (size_t i = 0; i < ARRAY_LENGTH(exit_codes); i++) {
        fprintf(out, "  %d  %s\n", exit_codes[i].code, exit_codes[i].meaning);
    }
    if (cli->examples[0] != '\0') {
        fprintf(out, "\n%s\n", cli->examples);
    }
    fprintf(out, "\n`usertrail COMMAND --help` tells more about one of them.\n");
}

static void print_help(const struct cli_command *command)
{
    const char *space = command->arguments[0] == '\0' ? "" : " ";
    printf("Usage: usertrail %s%s%s\n\n%s\n", command->name, space, command->arguments,
           command->summary);
    if (command->help[0] != '\0') {
        printf("\n%s\n", command->help);
    }
    if (command->print_options != NULL) {
        command->print_options();
    }
}

static const struct cli_command *find(const struct cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->command_count; i++) {
        if (strcmp(cli->commands[i].name, name) == 0) {
            return &cli->commands[i];
        }
    }
    return NULL;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int answer_help(const struct cli *cli, const char *topic)
{
    const struct cli_command *command = topic == NULL ? NULL : find(cli, topic);
    if (topic != NULL && command == NULL) {
        cli_tell("there is no command \"%s\"; `usertrail help` lists them", topic);
        return EXIT_USAGE;
    }
    if (command != NULL) {
        print_help(command);
    } else {
        print_usage(cli, stdout);
    }
    return EXIT_FINE;
}

int cli_run(const struct cli *cli, int argc, char **argv)
{
    if (argc < 2) {
        print_usage(cli, stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (is_help(name) || strcmp(name, "help") == 0) {
        return answer_help(cli, argc > 2 ? argv[2] : NULL);
    }
    if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    const struct cli_command *command = find(cli, name);
    if (command == NULL) {
        cli_tell("there is no command \"%s\"; `usertrail help` lists them", name);
        return EXIT_USAGE;
    }
    for (int i = 2; i < argc; i++) {
        if (is_help(argv[i])) {
            return answer_help(cli, name);
        }
    }
    if (argc > 2 && command->arguments[0] == '\0') {
        cli_tell("\"%s\" is not understood here; %s takes nothing behind it", argv[2], name);
        return EXIT_USAGE;
    }
    return command->run(argc - 2, argv + 2);
}
