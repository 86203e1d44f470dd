#include "check.h"
#include "load.h"
#include "tool.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "run") == 0) {
        struct run_options options;
        options_parse_run(argc, argv, &options);
        int code = load_run(&options);
        header_field_sets_deinit(&options.field_sets);
        return code;
    }
    if (strcmp(command, "check") == 0) {
        struct check_options options;
        options_parse_check(argc, argv, &options);
        return check_run(&options);
    }
    if (strcmp(command, "--help") == 0 || strcmp(command, "help") == 0)
        options_print_help();
    tool_fail(TOOL_USAGE, "say what to do: run or check; see --help");
}
