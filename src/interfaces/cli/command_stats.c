#include "application/count_activities.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/group_output.h"
#include "interfaces/cli/lookup_commands.h"
#include "interfaces/cli/server_tally.h"

#define ARENA_BYTES_MAX ((size_t)256 << 20)

const char command_stats_help[] =
    "DIR is the folder that serve has as --data-dir. Nothing in it is changed, and a\n"
    "server may run on it. On a terminal a table with bars, otherwise one JSON\n"
    "object in each line.\n\n"
    "  --by WHAT       action, user or metadata.PATH, the largest count first; or\n"
    "                  minute, hour, day or time (UTC), in their order.\n"
    "                  metadata.PATH needs a user, an action or a time beside it\n"
    "  --interval N    how long the stretches of --by time are: 90s, 15m, 6h, 7d\n" //
    FOLDER_FILTER_HELP                                                              //
    "  --from TIME     at or after this time, such as 2024-01-15T10:00:00Z\n"
    "  --to TIME       before this time\n"
    "  --limit N       so many lines at most; 100 by default\n"
    "  --format NAME   table, json (one array), csv or ndjson\n" //
    FOLDER_SERVER_HELP "\n"                                      //
    FOLDER_WAITING_HELP "\n"                                     //
    "Examples\n"
    "  usertrail stats ./data --by action\n"
    "  usertrail stats ./data --by day --not-action heartbeat\n"
    "  usertrail stats ./data --by hour --user user-101 --from 2024-01-15T00:00:00Z\n"
    "  usertrail stats --url http://127.0.0.1:3000 --by metadata.plan --action login";

/* The server is told the words. */
static enum status read_by(struct folder_question *question, const char *value, struct error *err)
{
    question->by_text = str_from(value);
    return count_grouping_read(str_from(value), &question->grouping, err);
}

static enum status read_interval(struct folder_question *question, const char *value,
                                 struct error *err)
{
    question->interval_text = str_from(value);
    return count_grouping_read_interval(str_from(value), &question->grouping, err);
}

static enum status read_limit(struct folder_question *question, const char *value,
                              struct error *err)
{
    return folder_read_limit(question, value, COUNT_GROUPS_MAX, err);
}

static const struct folder_option options[] = {FOLDER_FILTER_OPTIONS,
                                               FOLDER_SERVER_OPTIONS,
                                               {.name = "by", .read = read_by},
                                               {.name = "interval", .read = read_interval},
                                               {.name = "limit", .read = read_limit},
                                               {.name = "format", .read = folder_read_format}};

/* Answer ------------------------------------------------------------------------------------ */

static enum status tally_folder(const struct lookup *lookup, struct arena *arena,
                                struct activity_tally *out_tally, struct error *err)
{
    const struct folder_question *question = lookup->question;
    const struct activity_tally_request request = {.filter = question->filter,
                                                   .grouping = question->grouping.kind,
                                                   .interval_ms = question->grouping.interval_ms,
                                                   .path = &question->grouping.path,
                                                   .limit = (size_t)question->limit,
                                                   .groups_max = COUNT_GROUPS_MAX};
    return activity_store_tally(lookup->store, &request, arena, out_tally, err);
}

static enum status answer(struct lookup *lookup, struct error *err)
{
    struct activity_tally tally;
    struct cli_output output;
    struct arena arena;
    arena_init(&arena, ARENA_BYTES_MAX);
    cli_output_init(&output, CLI_STANDARD_OUTPUT);
    enum status status = lookup->link == NULL ? tally_folder(lookup, &arena, &tally, err)
                                              : server_tally(lookup, &arena, &tally, err);
    if (status == STATUS_OK) {
        status = group_output_write(&output, lookup->question->format, &tally, err);
    }
    if (status == STATUS_OK && tally.more) {
        cli_tell("there are more; --limit sets how many are shown");
    }
    cli_output_deinit(&output);
    arena_deinit(&arena);
    return status;
}

int command_stats(const struct lookup_access *access, int argument_count, char **arguments)
{
    static struct folder_question question; /* its filter points into it */
    const struct folder_options all = {options, ARRAY_LENGTH(options)};
    struct error err;
    enum status status = folder_arguments_read(&all, argument_count, arguments, &question, &err);
    if (status == STATUS_OK && question.grouping.kind == GROUPING_COUNT) {
        status = error_set(&err, STATUS_INVALID, 0, "--by is missing; it must be " COUNT_GROUPINGS);
    }
    if (status == STATUS_OK) {
        status = count_grouping_check(&question.grouping, &err);
    }
    if (status != STATUS_OK) {
        return folder_refuse_arguments("stats", &err);
    }
    if (question.limit == UINT64_MAX) {
        question.limit = COUNT_LIMIT_DEFAULT;
    }
    return lookup_run(access, &question, "stats", answer);
}
