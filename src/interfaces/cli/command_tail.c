#include "interfaces/cli/cli.h"
#include "interfaces/cli/lookup_commands.h"
#include "interfaces/cli/newest_rows.h"
#include "interfaces/cli/row_output.h"
#include "interfaces/cli/tail_follow.h"

enum { LIMIT_DEFAULT = 10 };

const char command_tail_help[] =
    "Prints the newest activities, the oldest of them first; with --follow also\n"
    "whatever comes, from the live stream of the server, until it is ended by Ctrl-C\n"
    "or nobody reads any more. Where the stream breaks off it is taken up again and\n"
    "nothing is left out; what the server could not keep for so long is told on\n"
    "stderr as a gap.\n\n"
    "DIR is a folder to look into; with --follow its server is asked, whose address\n"
    "stands in its lock. Without DIR and --url the server is " SERVER_URL_USUAL ".\n\n"
    "  -f, --follow    goes on with what comes\n"
    "  -n, --limit N   so many of the newest; 10 by default, 0 with --follow for\n"
    "                  none\n"                                                    //
    FOLDER_FILTER_HELP                                                            //
    "  --format NAME   table, csv or ndjson; json (one array) without --follow\n" //
    FOLDER_SERVER_HELP "\n"                                                       //
    "Examples\n"
    "  usertrail tail -f\n"
    "  usertrail tail ./data -n 50 --action login\n"
    "  usertrail tail -f --not-action heartbeat\n"
    "  usertrail tail -f --url https://trail.example --key-file key --format ndjson";

static enum status read_limit(struct folder_question *question, const char *value,
                              struct error *err)
{
    unsigned long long limit;
    if (!str_parse_u64(str_from(value), NEWEST_ROWS_MAX, &limit)) {
        return error_set(err, STATUS_INVALID, 0, "--limit must be a number from 0 to %d",
                         NEWEST_ROWS_MAX);
    }
    question->limit = limit;
    return STATUS_OK;
}

static enum status read_follow(struct folder_question *question, const char *value,
                               struct error *err)
{
    (void)value;
    (void)err;
    question->follows = true;
    return STATUS_OK;
}

static const struct folder_option options[] = {
    FOLDER_FIELD_OPTIONS,
    FOLDER_SERVER_OPTIONS,
    {.name = "follow", .letter = 'f', .is_switch = true, .read = read_follow},
    {.name = "limit", .letter = 'n', .read = read_limit},
    {.name = "format", .read = folder_read_format}};

static enum status print_rows(const struct newest_rows *newest, enum row_format format,
                              struct error *err)
{
    struct cli_output output;
    struct row_output rows;
    enum status status = STATUS_OK;
    cli_output_init(&output, CLI_STANDARD_OUTPUT);
    row_output_init(&rows, &output, format);
    for (size_t i = 0; status == STATUS_OK && i < newest->count; i++) {
        status = row_output_add(&rows, &newest->rows[i], err);
    }
    status = status == STATUS_OK ? row_output_end(&rows, err) : status;
    if (status == STATUS_OK && rows.count == 0 && output.is_terminal) {
        cli_tell("there are none");
    }
    row_output_deinit(&rows);
    cli_output_deinit(&output);
    return status;
}

static enum status print_newest(struct lookup *lookup, struct error *err)
{
    struct newest_rows newest;
    newest_rows_init(&newest);
    enum status status = newest_rows_find(&newest, lookup, err);
    status = status == STATUS_OK ? print_rows(&newest, lookup->question->format, err) : status;
    newest_rows_deinit(&newest);
    return status;
}

static int follow(const struct lookup_access *access, struct folder_question *question)
{
    struct error err;
    enum status status = tail_follow(access, question, &err);
    if (status == STATUS_OK) {
        return EXIT_FINE;
    }
    return status == STATUS_INVALID ? folder_refuse_arguments("tail", &err)
                                    : server_tell_failure(&err);
}

static enum status check(const struct folder_question *question, struct error *err)
{
    if (question->follows && question->format == ROW_FORMAT_JSON) {
        return error_set(err, STATUS_INVALID, 0,
                         "--format json is one array, which --follow never ends; take ndjson");
    }
    if (!question->follows && question->limit == 0) {
        return error_set(err, STATUS_INVALID, 0, "--limit 0 goes with --follow");
    }
    return server_address_check(&question->server, err);
}

int command_tail(const struct lookup_access *access, int argument_count, char **arguments)
{
    static struct folder_question question; /* its filter points into it */
    const struct folder_options all = {options, ARRAY_LENGTH(options)};
    struct error err;
    enum status status = folder_options_read(&all, argument_count, arguments, &question, &err);
    status = status == STATUS_OK ? check(&question, &err) : status;
    if (status != STATUS_OK) {
        return folder_refuse_arguments("tail", &err);
    }
    if (question.limit == UINT64_MAX) {
        question.limit = LIMIT_DEFAULT;
    }
    return question.follows ? follow(access, &question)
                            : lookup_run(access, &question, "tail", print_newest);
}
