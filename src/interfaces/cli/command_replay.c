#include "base/timestamp.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/option_walk.h"
#include "interfaces/cli/progress_figures.h"
#include "interfaces/cli/replay_command.h"
#include "interfaces/cli/status_line.h"

#include <stdio.h>
#include <string.h>

const char command_replay_help[] =
    "Reads the topic again and puts what it holds into the store: for a store that\n"
    "lost something or came later. What is there stays and is not doubled; users\n"
    "that were erased, and what is older than --retention-days, stay away. Workers\n"
    "may go on meanwhile.\n\n"
    "  --from OFFSET|TIME  begin at this offset of every partition, or at the first\n"
    "                      message that the topic took at or after this time, such\n"
    "                      as 2024-01-15T10:00:00Z\n"
    "  --to OFFSET|TIME    end before it; by default at the topic's end as it is at\n"
    "                      the start\n\n"
    "Every other option is one of serve, such as --kafka-brokers, --kafka-topic,\n"
    "--store and --mongodb-uri; environment and --config count, too. Ctrl-C ends it\n"
    "cleanly; it may be begun again anywhere before.\n\n"
    "Ends with 0 when all was read, with 1 when it could not go on or was stopped,\n"
    "with 2 for wrong arguments.\n\n"
    "Examples\n"
    "  usertrail replay --from 0 --store mongodb --mongodb-uri-file uri\n"
    "  usertrail replay --from 2024-01-15T10:00:00Z --to 2024-01-16T10:00:00Z";

enum { SHOW_EVERY_MS = 100, TELL_EVERY_MS = 10 * 1000 };

struct replay_command {
    struct replay_listener listener;
    const struct replay_access *access;
    struct replay_request request;
    uint64_t started_ms;
    uint64_t shown_ms;
    bool on_terminal;
};

/* Arguments --------------------------------------------------------------------------------- */

enum status replay_border_read(const char *name, const char *text, struct replay_border *out_border,
                               struct error *err)
{
    unsigned long long offset;
    int64_t time_ms;
    if (str_parse_u64(str_from(text), INT64_MAX, &offset)) {
        *out_border = (struct replay_border){.given = true, .value = (int64_t)offset};
        return STATUS_OK;
    }
    if (timestamp_parse(str_from(text), &time_ms)) {
        *out_border = (struct replay_border){.given = true, .is_time = true, .value = time_ms};
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0,
                     "--%s: \"%.40s\" is neither an offset nor a time such as "
                     "2024-01-15T10:00:00Z",
                     name, text);
}

/* Takes --from and --to out; the others are settings of serve. */
static enum status take_borders_out(struct replay_request *request, const char **out_from,
                                    const char **out_to, struct error *err)
{
    const struct option options[] = {{.name = "from", .value = out_from},
                                     {.name = "to", .value = out_to}};
    struct option_walk walk = OPTION_WALK(options, request->argument_count, request->arguments);
    walk.passes_unknown = true;
    return option_walk_take_out(&walk, &request->argument_count, err);
}

static enum status read_arguments(struct replay_request *request, struct error *err)
{
    const char *from = NULL;
    const char *to = NULL;
    enum status status = take_borders_out(request, &from, &to, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (from == NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "say where to begin: --from 0 for all that the topic holds, an offset "
                         "or a time");
    }
    status = replay_border_read("from", from, &request->from, err);
    return status == STATUS_OK && to != NULL ? replay_border_read("to", to, &request->to, err)
                                             : status;
}

/* What is seen ------------------------------------------------------------------------------ */

static void show_progress(struct replay_listener *listener, const struct replay_figures *figures)
{
    struct replay_command *command = CONTAINER_OF(listener, struct replay_command, listener);
    uint64_t now_ms = clock_monotonic_ms(command->access->clock);
    uint64_t every_ms = command->on_terminal ? SHOW_EVERY_MS : TELL_EVERY_MS;
    if (now_ms - command->shown_ms < every_ms) {
        return;
    }
    command->shown_ms = now_ms;
    const struct progress_figures shown = {
        .noun = "activities",
        .done = figures->done,
        .total = figures->total,
        .items = figures->activities,
        .refused = figures->poison + figures->verdicts[VERDICT_REFUSED],
        .elapsed_ms = now_ms - command->started_ms,
    };
    struct buffer text;
    buffer_init(&text, PROGRESS_FIGURES_BYTES_MAX);
    progress_figures_append(&text, &shown, command->on_terminal);
    buffer_append_char(&text, '\0');
    if (text.failed == STATUS_OK && command->on_terminal) {
        status_line_show(text.data);
    } else if (text.failed == STATUS_OK) {
        fprintf(stderr, "usertrail: %s\n", text.data);
    }
    buffer_deinit(&text);
}

static bool is_stopped(struct replay_listener *listener)
{
    return CONTAINER_OF(listener, struct replay_command, listener)->access->stop_wanted();
}

static void print_count(const char *words, uint64_t count)
{
    if (count > 0) {
        printf(", %llu %s", (unsigned long long)count, words);
    }
}

static void print_summary(const struct replay_figures *figures)
{
    const uint64_t *verdicts = figures->verdicts;
    uint64_t there = verdicts[VERDICT_DUPLICATE] + verdicts[VERDICT_REDELIVERED];
    printf("%llu activities read: %llu stored, %llu were there",
           (unsigned long long)figures->activities, (unsigned long long)verdicts[VERDICT_STORED],
           (unsigned long long)there);
    print_count("of users that were erased left out", verdicts[VERDICT_ERASED]);
    print_count("beyond the retention left out", figures->too_old);
    print_count("with an id that has other content left out", verdicts[VERDICT_CONFLICT]);
    print_count("refused", figures->poison + verdicts[VERDICT_REFUSED]);
    printf("\n");
}

/* The whole --------------------------------------------------------------------------------- */

static int report(const struct replay_command *command, enum status status,
                  const struct replay_figures *figures, enum replay_end end)
{
    if (command->on_terminal) {
        status_line_clear();
    }
    if (status == STATUS_INVALID) {
        return EXIT_USAGE;
    }
    print_summary(figures);
    if (status == STATUS_OK && end == REPLAY_STOPPED) {
        fprintf(stderr, "usertrail: stopped after %llu of %llu; begin again anywhere before\n",
                (unsigned long long)figures->done, (unsigned long long)figures->total);
    }
    return status == STATUS_OK && end == REPLAY_DONE ? EXIT_FINE : EXIT_FAILED;
}

int command_replay(const struct replay_access *access, int argument_count, char **arguments)
{
    struct error err = {0};
    struct replay_figures figures = {0};
    enum replay_end end = REPLAY_STOPPED;
    struct replay_command command = {
        .listener = {show_progress, is_stopped},
        .access = access,
        .request = {.argument_count = argument_count, .arguments = arguments},
        .started_ms = clock_monotonic_ms(access->clock),
        .on_terminal = status_line_wanted(),
    };
    command.shown_ms = command.started_ms;
    command.request.listener = &command.listener;
    enum status status = read_arguments(&command.request, &err);
    if (status == STATUS_OK) {
        status = access->run(&command.request, &figures, &end, &err);
    }
    int code = report(&command, status, &figures, end);
    if (status != STATUS_OK) {
        cli_tell("%s", err.message);
    }
    return code;
}
