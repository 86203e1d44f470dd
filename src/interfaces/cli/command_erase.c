#include "application/activity_json_answer.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/option_walk.h"
#include "interfaces/cli/server_commands.h"

#include <string.h>
#include <unistd.h>

enum { ARENA_BYTES_MAX = 64 << 20, REPLY_BYTES = 16 };

const char command_erase_help[] =
    "Erases all activities of a user that the server received so far, and the user's\n"
    "entries in the refused list: they leave every answer at once and never come\n"
    "back. Prints the receipt of the server as it came: keep it, `usertrail verify\n"
    "--receipt` can check it later.\n\n"
    "Asks before it does so; the key needs the scope erase.\n\n"
    "  --yes            does not ask, for scripts\n" //
    SERVER_HELP "\n"                                 //
    "Ends with 0 when the user is erased, with 1 when not, with 2 for wrong\n"
    "arguments.\n\n"
    "Examples\n"
    "  usertrail erase user-101 > receipt.json\n"
    "  usertrail erase user-101 --yes --url https://trail.example --key-file key";

struct erase_arguments {
    struct server_address server;
    const char *user;
    bool yes;
};

/* Arguments --------------------------------------------------------------------------------- */

static enum status read_user(void *context, const struct option_found *found, struct error *err)
{
    struct erase_arguments *read = context;
    const char *argument = found->text;
    if (read->user != NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "\"%.48s\" is not understood here; one user is named, and options begin "
                         "with --",
                         argument);
    }
    if (argument[0] == '\0') {
        return error_set(err, STATUS_INVALID, 0, "the user's id is empty");
    }
    read->user = argument;
    return STATUS_OK;
}

static enum status check(const struct erase_arguments *read, struct error *err)
{
    if (read->user == NULL) {
        return error_set(err, STATUS_INVALID, 0, "the user is missing whom to erase");
    }
    if (!read->yes && isatty(STDIN_FILENO) == 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "nobody can be asked here whether it is meant; --yes does without");
    }
    return server_address_check(&read->server, err);
}

static enum status read_arguments(int argument_count, char **arguments,
                                  struct erase_arguments *read, struct error *err)
{
    const struct option options[] = {SERVER_OPTIONS(&read->server),
                                     {.name = "yes", .given = &read->yes}};
    struct option_walk walk = OPTION_WALK(options, argument_count, arguments);
    enum status status = option_walk_all(&walk, &(struct option_taker){read_user, read}, err);
    return status == STATUS_OK ? check(read, err) : status;
}

/* Asking ------------------------------------------------------------------------------------ */

static bool is_confirmed(const char *user, const char *url)
{
    char reply[REPLY_BYTES];
    cli_tell("this erases all activities of the user \"%s\" at %s, for good", user, url);
    fprintf(stderr, "Type yes to go on: ");
    (void)fflush(stderr);
    if (fgets(reply, sizeof reply, stdin) == NULL) {
        fprintf(stderr, "\n");
        return false;
    }
    reply[strcspn(reply, "\r\n")] = '\0';
    return strcmp(reply, "yes") == 0;
}

/* Erasing ----------------------------------------------------------------------------------- */

static void tell_what_was_done(struct str receipt)
{
    struct activity_json_answer answer = {0};
    struct arena arena;
    uint64_t erased = 0;
    uint64_t refused = 0;
    arena_init(&arena, ARENA_BYTES_MAX);
    if (activity_json_answer_read(receipt, &arena, &answer, NULL) == STATUS_OK &&
        activity_json_answer_number(answer.root, "erased", &erased) &&
        activity_json_answer_number(answer.root, "refused", &refused)) {
        cli_tell("%llu activit%s and %llu refused message%s were erased; keep the receipt",
                 (unsigned long long)erased, erased == 1 ? "y" : "ies", (unsigned long long)refused,
                 refused == 1 ? "" : "s");
    }
    activity_json_answer_deinit(&answer);
    arena_deinit(&arena);
}

static enum status print_receipt(struct buffer *receipt, struct error *err)
{
    struct cli_output output;
    cli_output_init(&output, CLI_STANDARD_OUTPUT);
    buffer_append_char(receipt, '\n');
    enum status status = receipt->failed == STATUS_OK
                             ? cli_output_write(&output, buffer_str(receipt), err)
                             : error_set(err, receipt->failed, 0, "there is no memory to print it");
    status = status == STATUS_OK ? cli_output_flush(&output, err) : status;
    cli_output_deinit(&output);
    return status;
}

/* Without a path, where a user's slash would end a segment for a proxy. */
static enum status erase(const struct server_access *access, struct server_link *link,
                         const char *user, struct error *err)
{
    struct server_exchange exchange;
    server_exchange_init(&exchange, "DELETE", "/api/v1/users");
    server_append_parameter(&exchange.target, STR("userId"), str_from(user));
    enum status status = server_ask(access, link, &exchange, err);
    if (status == STATUS_OK) {
        tell_what_was_done(buffer_str(&exchange.body));
        status = print_receipt(&exchange.body, err);
    }
    server_exchange_deinit(&exchange);
    return status;
}

static int run(const struct server_access *access, const struct erase_arguments *read,
               struct server_link *link)
{
    struct error err;
    if (!read->yes && !is_confirmed(read->user, access->url(link))) {
        cli_tell("nothing was erased");
        return EXIT_FAILED;
    }
    return erase(access, link, read->user, &err) == STATUS_OK ? EXIT_FINE
                                                              : server_tell_failure(&err);
}

int command_erase(const struct server_access *access, int argument_count, char **arguments)
{
    struct erase_arguments read = {0};
    struct server_link *link = NULL;
    struct error err;
    enum status status = read_arguments(argument_count, arguments, &read, &err);
    status = status == STATUS_OK ? access->open(&read.server, &link, &err) : status;
    if (status != STATUS_OK) {
        return status == STATUS_INVALID ? folder_refuse_arguments("erase", &err)
                                        : server_tell_failure(&err);
    }
    int code = run(access, &read, link);
    access->close(link);
    return code;
}
