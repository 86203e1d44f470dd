#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/lookup_commands.h"
#include "interfaces/cli/row_output.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT_DEFAULT = 10 };

const char command_query_help[] =
    "DIR is the folder that serve has as --data-dir. Nothing in it is changed, and a\n"
    "server may run on it. On a terminal a table, otherwise one JSON object in each\n"
    "line, as GET answers them.\n\n" //
    FOLDER_FILTER_HELP               //
    "  --from TIME     at or after this time, such as 2024-01-15T10:00:00Z\n"
    "  --to TIME       before this time\n"
    "  --limit N       so many at most; 10 by default\n"
    "  --order ORDER   desc: newest first, the default; asc: oldest first\n"
    "  --count         only says how many there are\n"
    "  --format NAME   table, json (one array), csv (as export has it) or ndjson\n" //
    FOLDER_SERVER_HELP "\n"                                                         //
    FOLDER_WAITING_HELP "\n"                                                        //
    "Examples\n"
    "  usertrail query ./data --user user-101 --limit 3\n"
    "  usertrail query ./data --action login --from 2024-01-15T00:00:00Z --count\n"
    "  usertrail query ./data --metadata ip=192.168.1.1 --format csv > rows.csv\n"
    "  usertrail query ./data --not-user robot --not-action heartbeat\n"
    "  usertrail query --url http://127.0.0.1:3000 --user user-101";

static enum status read_limit(struct folder_question *question, const char *value,
                              struct error *err)
{
    return folder_read_limit(question, value, UINT32_MAX, err);
}

static enum status read_order(struct folder_question *question, const char *value,
                              struct error *err)
{
    if (strcmp(value, "asc") != 0 && strcmp(value, "desc") != 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "--order must be asc (oldest first) or desc (newest first)");
    }
    question->order = value[0] == 'a' ? ORDER_OLDEST_FIRST : ORDER_NEWEST_FIRST;
    return STATUS_OK;
}

static enum status read_count(struct folder_question *question, const char *value,
                              struct error *err)
{
    (void)value;
    (void)err;
    question->count = true;
    return STATUS_OK;
}

static const struct folder_option options[] = {
    FOLDER_FILTER_OPTIONS,
    FOLDER_SERVER_OPTIONS,
    {.name = "limit", .read = read_limit},
    {.name = "order", .read = read_order},
    {.name = "count", .is_switch = true, .read = read_count},
    {.name = "format", .read = folder_read_format}};

static enum status print_row(void *context, const struct activity *activity, struct error *err)
{
    return row_output_add(context, activity, err);
}

static enum status print_rows(struct lookup *lookup, struct cli_output *output, struct error *err)
{
    struct row_output rows;
    struct error later;
    bool more = false;
    row_output_init(&rows, output, lookup->question->format);
    const struct folder_visitor visitor = {.visit = print_row, .context = &rows, .more = &more};
    enum status status = lookup_walk(lookup, &visitor, err);
    /* What was found before something failed is shown, too; only then is it not ended. */
    enum status ended =
        status == STATUS_OK ? row_output_end(&rows, &later) : row_output_flush(&rows, &later);
    if (status == STATUS_OK && ended != STATUS_OK) {
        status = ended;
        *err = later;
    }
    if (status == STATUS_OK && rows.count == 0 && output->is_terminal) {
        cli_tell("nothing matches");
    }
    /* Whoever reads ten rows in a pipe shall not take them for all there are. */
    if (status == STATUS_OK && more) {
        cli_tell("%llu shown, there are more; --limit N shows more, export writes all",
                 (unsigned long long)rows.count);
    }
    row_output_deinit(&rows);
    return status;
}

static enum status print_count(struct lookup *lookup, struct cli_output *output, struct error *err)
{
    uint64_t count;
    char text[24];
    enum status status = lookup_count(lookup, &count, err);
    if (status == STATUS_OK) {
        int len = snprintf(text, sizeof text, "%llu\n", (unsigned long long)count);
        status = cli_output_write(output, (struct str){text, (size_t)len}, err);
    }
    return status == STATUS_OK ? cli_output_flush(output, err) : status;
}

static enum status answer(struct lookup *lookup, struct error *err)
{
    struct cli_output output;
    cli_output_init(&output, CLI_STANDARD_OUTPUT);
    enum status status = lookup->question->count ? print_count(lookup, &output, err)
                                                 : print_rows(lookup, &output, err);
    cli_output_deinit(&output);
    return status;
}

int command_query(const struct lookup_access *access, int argument_count, char **arguments)
{
    static struct folder_question question; /* its filter points into it */
    const struct folder_options all = {options, ARRAY_LENGTH(options)};
    struct error err;
    enum status status = folder_arguments_read(&all, argument_count, arguments, &question, &err);
    if (status == STATUS_OK && question.count && question.limit != UINT64_MAX) {
        status = error_set(&err, STATUS_INVALID, 0, "--count counts all; leave --limit out");
    }
    if (status != STATUS_OK) {
        return folder_refuse_arguments("query", &err);
    }
    if (question.limit == UINT64_MAX) {
        question.limit = LIMIT_DEFAULT;
    }
    return lookup_run(access, &question, "query", answer);
}
