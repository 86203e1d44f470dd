#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/forward_command.h"
#include "interfaces/cli/option_walk.h"
#include "interfaces/cli/status_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char command_forward_help[] =
    "DIR is the folder that serve has as --data-dir. While its event log could not\n"
    "be reached, activities were kept in DIR/spill; they go into that log, in order,\n"
    "and are dropped there when it has them. serve does the same by itself; this is\n"
    "for a folder without a server.\n\n"
    "  --give-up-after SEC  so long a log that takes nothing is waited for; 60\n"
    "  --quiet              no progress and no summary\n"
    "All other options are those of serve, which name the event log.\n\n"
    "Ctrl-C ends it cleanly; the same command goes on there. What was under way when\n"
    "it ended may come twice, with the same id, and is stored once.\n\n"
    "An activity that is larger than the topic takes is set aside, in\n"
    "DIR/spill/set-aside, and what comes behind it goes on.\n\n"
    "Ends with 0 when nothing is left in the folder, with 1 when something is or was\n"
    "set aside, when there is no spill in it, or when it could not note what it\n"
    "moved (a full disk: the next start may send some of it again, which is stored\n"
    "once), with 2 for wrong arguments, with 3 when the spill is damaged and all of\n"
    "it that can be read was moved.\n\n"
    "Examples\n"
    "  usertrail forward ./data --event-log kafka --kafka-brokers localhost:9092";

enum {
    SHOW_EVERY_MS = 100,
    TELL_EVERY_MS = 10 * 1000,
    GIVE_UP_S_DEFAULT = 60,
    GIVE_UP_S_MAX = 24 * 3600,
    LINE_BYTES = 128
};

struct forward_command {
    struct forward_watcher watcher;
    const struct forward_access *access;
    const char *directory;
    uint64_t give_up_ms;
    bool quiet;
    bool on_terminal;
    uint64_t total; /* that waited at the beginning */
    uint64_t shown_ms;
    uint64_t set_aside;
    bool waiting_told;
    bool wrong_usage;
    bool is_damaged;
    bool is_noted; /* how far it came, or there was nothing to note */
};

/* Arguments ------------------------------------------------------------------------------- */

/* Takes this command's own options out of the arguments behind the folder; what stays is serve's.
 */
static enum status read_options(struct forward_command *command, int *count, char **arguments,
                                struct error *err)
{
    const char *give_up_s = NULL;
    const struct option options[] = {{.name = "give-up-after", .value = &give_up_s},
                                     {.name = "quiet", .given = &command->quiet}};
    struct option_walk walk = OPTION_WALK(options, *count, arguments);
    walk.passes_unknown = true;
    enum status status = option_walk_take_out(&walk, count, err);
    return status == STATUS_OK ? option_read_seconds("give-up-after", give_up_s, GIVE_UP_S_MAX,
                                                     &command->give_up_ms, err)
                               : status;
}

static enum status read_arguments(struct forward_command *command, int *count, char ***arguments,
                                  struct error *err)
{
    if (*count == 0 || (*arguments)[0][0] == '-' || (*arguments)[0][0] == '\0') {
        return error_set(err, STATUS_INVALID, 0,
                         "the folder comes first: usertrail forward DIR [options]");
    }
    command->directory = (*arguments)[0];
    (*arguments)++;
    (*count)--;
    return read_options(command, count, *arguments, err);
}

/* What is seen ---------------------------------------------------------------------------- */

static void show(struct forward_command *command, const struct forward_progress *progress)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof line,
             "%" PRIu64 " of %" PRIu64 " activities forwarded, %" PRIu64 " a second",
             progress->moved, command->total, progress->per_second);
    if (command->on_terminal) {
        status_line_show(line);
    } else {
        fprintf(stderr, "usertrail: %s\n", line);
    }
}

/* Once for each row of failures. */
static void tell_waiting(struct forward_command *command, const struct error *why)
{
    if (why == NULL || command->waiting_told) {
        command->waiting_told = command->waiting_told && why != NULL;
        return;
    }
    command->waiting_told = true;
    if (command->on_terminal && !command->quiet) {
        status_line_clear();
    }
    cli_tell("%s; trying again", why->message);
}

static bool go_on(struct forward_watcher *watcher, const struct forward_progress *progress,
                  const struct error *why)
{
    struct forward_command *command = CONTAINER_OF(watcher, struct forward_command, watcher);
    uint64_t now_ms = clock_monotonic_ms(command->access->clock);
    uint64_t every_ms = command->on_terminal ? SHOW_EVERY_MS : TELL_EVERY_MS;
    tell_waiting(command, why);
    if (!command->quiet && now_ms - command->shown_ms >= every_ms) {
        command->shown_ms = now_ms;
        show(command, progress);
    }
    return !command->access->wants_stop();
}

static void summarize(const struct forward_command *command,
                      const struct forward_progress *progress, bool empty)
{
    if (command->quiet) {
        return;
    }
    if (command->on_terminal) {
        status_line_clear();
    }
    printf("%" PRIu64 " activities were forwarded; ", progress->moved);
    if (empty) {
        printf("nothing %sis left in %s\n", command->is_damaged ? "that can be read " : "",
               command->directory);
    } else {
        uint64_t gone = progress->moved + progress->set_aside;
        printf("%" PRIu64 " are left in %s, the same command goes on there\n",
               command->total > gone ? command->total - gone : 0, command->directory);
    }
}

/* Also for who wants no summary: a person has to see to these. */
static void tell_set_aside(const struct forward_command *command)
{
    if (command->set_aside > 0) {
        fprintf(stderr,
                "usertrail: %" PRIu64 " activities are larger than the event log takes, and were "
                "set aside in %s/spill/set-aside\n",
                command->set_aside, command->directory);
    }
}

static void tell_damage(const struct forward_command *command)
{
    if (command->is_damaged) {
        cli_tell("%s/spill is damaged as said above: what cannot be read was not forwarded; the "
                 "bytes that were found there are kept in %s/spill/set-aside",
                 command->directory, command->directory);
    }
}

/* What is done ---------------------------------------------------------------------------- */

/* Without it nothing is lost: what the spill's last file still holds may go once more. */
static void keep_moved(struct forward_command *command, int64_t moved_end)
{
    struct error err;
    command->is_noted = moved_end == 0 || command->access->keep_moved(moved_end, &err) == STATUS_OK;
    if (!command->is_noted) {
        cli_tell("what was forwarded could not be noted in %s/spill: %s; the next start may send "
                 "some of it again, which is stored once",
                 command->directory, err.message);
    }
}

static enum status forward(struct forward_command *command, struct event_log *spill,
                           struct event_log *target, bool *out_empty, struct error *err)
{
    const struct forward_activities_config config = {.source = spill,
                                                     .target = target,
                                                     .aside = command->access->aside,
                                                     .clock = command->access->clock,
                                                     .random = command->access->random};
    CLEANUP(forward_activities_free) struct forward_activities *forwarder = NULL;
    enum status status = forward_activities_new(&config, &forwarder, err);
    if (status != STATUS_OK) {
        return status;
    }
    command->shown_ms = clock_monotonic_ms(command->access->clock);
    status =
        forward_activities_run(forwarder, command->give_up_ms, &command->watcher, out_empty, err);
    const struct forward_progress progress = forward_activities_progress(forwarder);
    command->is_damaged = command->access->is_damaged(spill);
    command->set_aside = progress.set_aside;
    summarize(command, &progress, *out_empty);
    tell_set_aside(command);
    keep_moved(command, position_set_get(progress.positions, 0));
    return status;
}

/* An empty spill needs no target. */
static enum status run(struct forward_command *command, int setting_count, char **settings,
                       bool *out_empty, struct error *err)
{
    CLEANUP(event_log_free) struct event_log *spill = NULL;
    CLEANUP(event_log_free) struct event_log *target = NULL;
    struct forward_waiting waiting;
    enum status status = command->access->open_spill(command->directory, &spill, &waiting, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (waiting.begin == waiting.end) {
        *out_empty = true;
        command->is_damaged = command->access->is_damaged(spill);
        summarize(command, &(struct forward_progress){0}, true);
        return STATUS_OK;
    }
    command->total = (uint64_t)(waiting.end - waiting.begin);
    status =
        command->access->open_target(command->directory, setting_count, settings, &target, err);
    command->wrong_usage = status == STATUS_INVALID;
    return status == STATUS_OK ? forward(command, spill, target, out_empty, err) : status;
}

static int exit_code(const struct forward_command *command, enum status status, bool empty)
{
    if (command->wrong_usage) {
        return EXIT_USAGE;
    }
    if (status != STATUS_OK || !empty || command->set_aside > 0 || !command->is_noted) {
        return EXIT_FAILED; /* of a damaged one, too: not all that can be read was moved */
    }
    return command->is_damaged ? EXIT_DAMAGED : EXIT_FINE;
}

int command_forward(const struct forward_access *access, int argument_count, char **arguments)
{
    struct error err;
    struct forward_command command = {
        .watcher.go_on = go_on,
        .access = access,
        .give_up_ms = GIVE_UP_S_DEFAULT * MILLISECONDS_PER_SECOND,
        .on_terminal = status_line_wanted(),
        .is_noted = true,
    };
    bool empty = false;
    enum status status = read_arguments(&command, &argument_count, &arguments, &err);
    if (status != STATUS_OK) {
        return folder_refuse_arguments("forward", &err);
    }
    status = folder_check(command.directory, &err);
    if (status == STATUS_OK) {
        status = run(&command, argument_count, arguments, &empty, &err);
    }
    if (status != STATUS_OK) {
        cli_tell("%s", err.message);
    }
    tell_damage(&command);
    return exit_code(&command, status, empty);
}
