#include "application/activity_json_answer.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/option_walk.h"
#include "interfaces/cli/refused_output.h"
#include "interfaces/cli/server_commands.h"

#include <string.h>

enum {
    PAGE_MAX = 1000,
    LIMIT_DEFAULT = 100,
    LIMIT_MAX = 100000000,
    ARENA_BYTES_MAX = 512 << 20,
    CURSOR_BYTES_MAX = 4096
};

#define REFUSED_PATH "/api/v1/refused"

const char command_refused_help[] =
    "What was in the event log and could not be stored is kept with its reason. The\n"
    "key needs the scope admin.\n\n"
    "  refused list         shows it, the newest first\n"
    "  refused resend ID…   sends these once more, after the cause was mended\n"
    "  refused resend --all sends all of it once more\n\n"
    "  --limit N        of list: so many at most; 100 by default\n"
    "  --format NAME    of list: table, json (one array) or ndjson; by default a\n"
    "                   table on a terminal, ndjson elsewhere\n" //
    SERVER_HELP "\n"                                             //
    "What is sent again keeps its id, so sending twice stores once. What cannot be\n"
    "sent stays in the list, and stderr says why.\n\n"
    "Ends with 0 when it is done, with 1 when some of it was not, with 2 for wrong\n"
    "arguments.\n\n"
    "Examples\n"
    "  usertrail refused list\n"
    "  usertrail refused resend --all --url https://trail.example --key-file key";

struct refused_command {
    const struct server_access *access;
    struct server_link *link;
    struct server_address server;
    bool resends;
    bool all;
    const char *limit_text;
    const char *format_text;
    enum row_format format;
    uint64_t limit;
    char **ids; /* the arguments', moved together */
    int id_count;
    /* Of one answer. */
    struct server_exchange exchange;
    struct buffer cursor; /* of the next page; empty: none */
    struct arena arena;
};

/* Arguments --------------------------------------------------------------------------------- */

static enum status read_values(struct refused_command *command, struct error *err)
{
    unsigned long long limit = LIMIT_DEFAULT;
    if (command->limit_text != NULL &&
        (!str_parse_u64(str_from(command->limit_text), LIMIT_MAX, &limit) || limit == 0)) {
        return error_set(err, STATUS_INVALID, 0, "--limit must be a number from 1 to %d",
                         LIMIT_MAX);
    }
    command->limit = limit;
    if (command->format_text == NULL) {
        return STATUS_OK;
    }
    enum status status = row_format_read(command->format_text, &command->format, err);
    return status == STATUS_OK && command->format != ROW_FORMAT_CSV
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "--format must be table, json or ndjson");
}

static enum status check(const struct refused_command *command, struct error *err)
{
    if (!command->resends && command->id_count > 0) {
        return error_set(err, STATUS_INVALID, 0, "list takes no ids");
    }
    if (!command->resends && command->all) {
        return error_set(err, STATUS_INVALID, 0, "--all goes with resend; list has --limit");
    }
    if (command->resends && (command->limit_text != NULL || command->format_text != NULL)) {
        return error_set(err, STATUS_INVALID, 0, "--limit and --format go with list");
    }
    if (command->resends && command->all == (command->id_count > 0)) {
        return error_set(err, STATUS_INVALID, 0,
                         "name the ids to send again, or --all, not both: list shows them");
    }
    return server_address_check(&command->server, err);
}

static enum status read_arguments(int argument_count, char **arguments,
                                  struct refused_command *command, struct error *err)
{
    bool lists = argument_count > 0 && strcmp(arguments[0], "list") == 0;
    command->resends = argument_count > 0 && strcmp(arguments[0], "resend") == 0;
    if (!lists && !command->resends) {
        return error_set(err, STATUS_INVALID, 0, "say list or resend behind refused");
    }
    const struct option options[] = {SERVER_OPTIONS(&command->server),
                                     {.name = "all", .given = &command->all},
                                     {.name = "limit", .value = &command->limit_text},
                                     {.name = "format", .value = &command->format_text}};
    struct option_walk walk = OPTION_WALK(options, argument_count - 1, arguments + 1);
    command->ids = arguments + 1;
    enum status status = option_walk_take_out(&walk, &command->id_count, err);
    status = status == STATUS_OK ? read_values(command, err) : status;
    return status == STATUS_OK ? check(command, err) : status;
}

/* Pages ------------------------------------------------------------------------------------- */

static void set_target(struct refused_command *command, const char *path, uint64_t limit)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)limit);
    server_exchange_restart(&command->exchange, path);
    server_append_parameter(&command->exchange.target, STR("limit"),
                            (struct str){text, (size_t)len});
    if (command->cursor.len > 0) {
        server_append_parameter(&command->exchange.target, STR("cursor"),
                                buffer_str(&command->cursor));
    }
}

static enum status ask(struct refused_command *command, struct activity_json_answer *out_answer,
                       struct error *err)
{
    arena_reset(&command->arena);
    enum status status = server_ask(command->access, command->link, &command->exchange, err);
    return status == STATUS_OK ? activity_json_answer_read(buffer_str(&command->exchange.body),
                                                           &command->arena, out_answer, err)
                               : status;
}

static void keep_cursor(struct refused_command *command, const struct activity_json_answer *answer)
{
    buffer_clear(&command->cursor);
    buffer_append_str(&command->cursor, activity_json_answer_text(answer->root, "nextCursor"));
}

/* List -------------------------------------------------------------------------------------- */

static enum status print_page(struct refused_command *command, struct refused_output *output,
                              uint64_t *left, struct error *err)
{
    struct activity_json_answer answer = {0};
    struct activity_json_answer_list list;
    struct yyjson_val *entry;
    set_target(command, REFUSED_PATH, *left < PAGE_MAX ? *left : PAGE_MAX);
    enum status status = ask(command, &answer, err);
    status = status == STATUS_OK ? activity_json_answer_list(&answer, "data", &list, err) : status;
    while (status == STATUS_OK && *left > 0 && (entry = activity_json_answer_next(&list)) != NULL) {
        status = refused_output_add(output, &answer, entry, err);
        *left -= 1;
    }
    keep_cursor(command, &answer);
    activity_json_answer_deinit(&answer);
    return status;
}

static enum status print_list(struct refused_command *command, struct error *err)
{
    struct refused_output output;
    uint64_t left = command->limit;
    refused_output_init(&output, command->format);
    enum status status = print_page(command, &output, &left, err);
    while (status == STATUS_OK && command->cursor.len > 0 && left > 0) {
        status = print_page(command, &output, &left, err);
    }
    status = status == STATUS_OK ? refused_output_end(&output, err) : status;
    if (status == STATUS_OK && command->cursor.len > 0) {
        cli_tell("there are more; --limit sets how many are shown");
    }
    refused_output_deinit(&output);
    return status;
}

/* Resend ------------------------------------------------------------------------------------ */

static enum status resend_one(struct refused_command *command, const char *id, struct error *err)
{
    struct activity_json_answer answer = {0};
    server_exchange_restart(&command->exchange, REFUSED_PATH);
    server_append_segment(&command->exchange.target, str_from(id));
    buffer_append_literal(&command->exchange.target, "/resend");
    enum status status = ask(command, &answer, err);
    if (status == STATUS_OK) {
        struct str activity = activity_json_answer_text(answer.root, "activityId");
        cli_tell("%s was sent again as the activity %.*s", id, STR_FORMAT(activity));
    }
    activity_json_answer_deinit(&answer);
    return status;
}

/* All of them are tried; the last thing that was wrong is the result. */
static bool resend_ids(struct refused_command *command)
{
    bool all = true;
    for (int i = 0; i < command->id_count; i++) {
        struct error err;
        if (resend_one(command, command->ids[i], &err) != STATUS_OK) {
            cli_tell("%s: %s", command->ids[i], err.message);
            all = false;
        }
    }
    return all;
}

static enum status resend_page(struct refused_command *command, uint64_t *resent, uint64_t *kept,
                               struct error *err)
{
    struct activity_json_answer answer = {0};
    struct activity_json_answer_list list;
    struct yyjson_val *entry;
    uint64_t count = 0;
    set_target(command, REFUSED_PATH "/resend", PAGE_MAX);
    enum status status = ask(command, &answer, err);
    status = status == STATUS_OK ? activity_json_answer_list(&answer, "kept", &list, err) : status;
    while (status == STATUS_OK && (entry = activity_json_answer_next(&list)) != NULL) {
        struct str id = activity_json_answer_text(entry, "id");
        struct str reason = activity_json_answer_text(entry, "reason");
        cli_tell("%.*s: %.*s", STR_FORMAT(id), STR_FORMAT(reason));
        *kept += 1;
    }
    if (status == STATUS_OK && activity_json_answer_number(answer.root, "resent", &count)) {
        *resent += count;
    }
    keep_cursor(command, &answer);
    activity_json_answer_deinit(&answer);
    return status;
}

static bool resend_all(struct refused_command *command)
{
    struct error err;
    uint64_t resent = 0;
    uint64_t kept = 0;
    enum status status = resend_page(command, &resent, &kept, &err);
    while (status == STATUS_OK && command->cursor.len > 0) {
        status = resend_page(command, &resent, &kept, &err);
    }
    if (status != STATUS_OK) {
        cli_tell("%s", err.message);
    }
    cli_tell("%llu were sent again, %llu could not be", (unsigned long long)resent,
             (unsigned long long)kept);
    return status == STATUS_OK && kept == 0;
}

/* The command ------------------------------------------------------------------------------- */

static int run(struct refused_command *command)
{
    struct error err;
    if (command->resends) {
        bool done = command->all ? resend_all(command) : resend_ids(command);
        return done ? EXIT_FINE : EXIT_FAILED;
    }
    return print_list(command, &err) == STATUS_OK ? EXIT_FINE : server_tell_failure(&err);
}

int command_refused(const struct server_access *access, int argument_count, char **arguments)
{
    struct refused_command command = {.access = access};
    struct error err;
    enum status status = read_arguments(argument_count, arguments, &command, &err);
    status = status == STATUS_OK ? access->open(&command.server, &command.link, &err) : status;
    if (status != STATUS_OK) {
        return status == STATUS_INVALID ? folder_refuse_arguments("refused", &err)
                                        : server_tell_failure(&err);
    }
    server_exchange_init(&command.exchange, command.resends ? "POST" : "GET", "");
    buffer_init(&command.cursor, CURSOR_BYTES_MAX);
    arena_init(&command.arena, ARENA_BYTES_MAX);
    int code = run(&command);
    server_exchange_deinit(&command.exchange);
    buffer_deinit(&command.cursor);
    arena_deinit(&command.arena);
    access->close(command.link);
    return code;
}
