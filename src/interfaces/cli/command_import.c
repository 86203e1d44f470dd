#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/import_arguments.h"
#include "interfaces/cli/import_command.h"
#include "interfaces/cli/import_errors.h"
#include "interfaces/cli/import_input.h"
#include "interfaces/cli/import_paths.h"
#include "interfaces/cli/progress_figures.h"
#include "interfaces/cli/status_line.h"

#include <inttypes.h>
#include <stdlib.h>

const char command_import_help[] =
    "FILE has an activity as JSON in each line, as POST takes it and export writes\n"
    "it; - is standard input. Blank lines are passed over. Activities go to the\n"
    "server that runs on the folder, whose address stands in its lock, or into the\n"
    "folder itself when none does.\n\n"
    "  --data-dir DIR       the folder that serve has as --data-dir; made when it is\n"
    "                       missing\n"
    "  --url URL            the server, such as http://127.0.0.1:3000, instead;\n"
    "                       --server is the same\n"
    "  --key-file FILE      a key with the scope write, for a server that wants one:\n"
    "                       a file that nobody else may read; or its text in the\n"
    "                       variable USERTRAIL_KEY; --api-key-file is the same\n"
    "  --cacert FILE        who vouches for a server of https, in PEM\n"
    "  --config FILE        the settings that serve has, for a folder without a\n"
    "                       server; the environment counts, too\n"
    "  --state FILE         how far the import came, for an import that goes on; by\n"
    "                       default FILE.import-state. It is removed at the end.\n"
    "                       Standard input has none\n"
    "  --errors FILE        the lines that were refused and why, as JSON: a new\n"
    "                       file; by default FILE.import-errors.ndjson,\n"
    "                       ./import-errors.ndjson of standard input, of which the\n"
    "                       first refused line replaces an older one\n"
    "  --key TEXT           what ids of lines without an id are made of besides the\n"
    "                       number and the bytes of the line; by default the first\n"
    "                       line of the input\n"
    "  --give-up-after SEC  so long a server or a disk that takes nothing is waited\n"
    "                       for; 60\n"
    "  --quiet              no progress and no summary\n\n"
    "Each line is stored once, however often the import is ended and begun again: a\n"
    "line without an id gets the same one each time, as long as it, its number and\n"
    "the first line of the input (or --key) stay the same. Mend lines where they are\n"
    "and add others at the end: behind one that was inserted or deleted, every line\n"
    "without an id would be stored once more. Ctrl-C ends it cleanly; the same\n"
    "command goes on there.\n\n"
    "Ends with 0 when all lines were imported, with 1 when some were refused or it\n"
    "could not go on, with 2 for wrong arguments.\n\n"
    "Examples\n"
    "  usertrail import activities.ndjson --data-dir ./data\n"
    "  zcat old.ndjson.gz | usertrail import - --url http://127.0.0.1:3000 --key old";

enum { SHOW_EVERY_MS = 100, TELL_EVERY_MS = 10 * 1000, SAVE_EVERY_MS = 1000 };

struct import_command {
    struct import_listener listener;
    struct import_notices notices;
    const struct import_access *access;
    struct import_arguments arguments;
    struct import_input input;
    struct import_errors errors;
    struct import_state state;
    struct progress_figures figures;
    struct import_paths paths;
    uint64_t started_ms;
    uint64_t shown_ms;
    uint64_t saved_ms;
    bool on_terminal;
    bool begun;       /* state and refused lines are those of this import */
    bool wrong_usage; /* the files or the destination cannot be meant */
};

/* What is seen ------------------------------------------------------------------------------ */

static void take_figures(struct import_command *command)
{
    const struct import_progress *progress = &command->state.progress;
    command->figures.noun = "lines";
    command->figures.done = progress->offset;
    command->figures.items = progress->imported + progress->refused;
    command->figures.refused = progress->refused;
    command->figures.elapsed_ms = clock_monotonic_ms(command->access->clock) - command->started_ms;
}

static void show_progress(struct import_command *command)
{
    uint64_t now_ms = clock_monotonic_ms(command->access->clock);
    uint64_t every_ms = command->on_terminal ? SHOW_EVERY_MS : TELL_EVERY_MS;
    if (command->arguments.quiet || now_ms - command->shown_ms < every_ms) {
        return;
    }
    command->shown_ms = now_ms;
    take_figures(command);
    struct buffer text;
    buffer_init(&text, PROGRESS_FIGURES_BYTES_MAX);
    progress_figures_append(&text, &command->figures, command->on_terminal);
    buffer_append_char(&text, '\0');
    if (text.failed == STATUS_OK && command->on_terminal) {
        status_line_show(text.data);
    } else if (text.failed == STATUS_OK) {
        fprintf(stderr, "usertrail: %s\n", text.data);
    }
    buffer_deinit(&text);
}

/* Before a line for people. */
static void clear_progress(const struct import_command *command)
{
    if (command->on_terminal && !command->arguments.quiet) {
        status_line_clear();
    }
}

static void tell_waiting(struct import_notices *notices, const char *words)
{
    const struct import_command *command = CONTAINER_OF(notices, struct import_command, notices);
    clear_progress(command);
    cli_tell("%s; trying again", words);
}

/* What is kept ------------------------------------------------------------------------------ */

static enum status save_state(struct import_command *command, struct error *err)
{
    struct import_state *state = &command->state;
    enum status status = import_errors_sync(&command->errors, &state->errors_bytes, err);
    if (status != STATUS_OK || command->paths.state[0] == '\0' || state->progress.offset == 0) {
        return status;
    }
    status = import_input_hash(&command->input, state->progress.offset, command->access->hash,
                               state->seen, err);
    return status == STATUS_OK ? command->access->save_state(command->paths.state, state, err)
                               : status;
}

static enum status on_refused(struct import_listener *listener, const struct import_fault *fault,
                              struct error *err)
{
    struct import_command *command = CONTAINER_OF(listener, struct import_command, listener);
    return import_errors_write(&command->errors, fault, err);
}

static enum status on_acknowledged(struct import_listener *listener,
                                   const struct import_progress *progress, struct error *err)
{
    struct import_command *command = CONTAINER_OF(listener, struct import_command, listener);
    (void)progress; /* it is the one in the state */
    uint64_t now_ms = clock_monotonic_ms(command->access->clock);
    if (now_ms - command->saved_ms < SAVE_EVERY_MS) {
        return STATUS_OK;
    }
    command->saved_ms = now_ms;
    return save_state(command, err);
}

static enum import_wish on_wish(struct import_listener *listener)
{
    struct import_command *command = CONTAINER_OF(listener, struct import_command, listener);
    show_progress(command);
    return command->access->wish();
}

/* Where it begins --------------------------------------------------------------------------- */

/* In one line, also when a name holds what would end it. */
static void set_target(struct import_command *command)
{
    const struct import_arguments *arguments = &command->arguments;
    char *target = command->state.target;
    char *resolved = arguments->data_dir == NULL ? NULL : realpath(arguments->data_dir, NULL);
    if (arguments->server != NULL) {
        snprintf(target, IMPORT_TARGET_TEXT_BYTES, "server %s", arguments->server);
    } else {
        snprintf(target, IMPORT_TARGET_TEXT_BYTES, "folder %s",
                 resolved != NULL ? resolved : arguments->data_dir);
    }
    free(resolved);
    for (char *c = target; *c != '\0'; c++) {
        *c = (unsigned char)*c < ' ' ? '?' : *c;
    }
}

/* Whether the state is of this input, this destination and this key, if one is named. */
static enum status check_state(const struct import_command *command,
                               const struct import_state *state, struct error *err)
{
    uint8_t seen[IMPORT_HASH_BYTES];
    if (strcmp(state->target, command->state.target) != 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "it is of an import into %.60s; remove it to begin anew", state->target);
    }
    if (command->state.progress.has_key &&
        memcmp(command->state.progress.key, state->progress.key, IMPORT_HASH_BYTES) != 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "it is of an import with another --key, and ids would differ; name that "
                         "one, or leave --key out");
    }
    enum status status = import_input_hash(&command->input, state->progress.offset,
                                           command->access->hash, seen, err);
    if (status == STATUS_INVALID ||
        (status == STATUS_OK && memcmp(seen, state->seen, sizeof seen) != 0)) {
        return error_set(err, STATUS_INVALID, 0,
                         "it is of another file, or what was imported of this one has changed; "
                         "remove it to begin anew (nothing is doubled)");
    }
    return status;
}

/* Goes on where an earlier run ended, if one did. */
static enum status find_start(struct import_command *command, struct error *err)
{
    struct import_state found;
    if (command->paths.state[0] == '\0') {
        return STATUS_OK;
    }
    enum status status = command->access->load_state(command->paths.state, &found, err);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = check_state(command, &found, err);
    }
    if (status != STATUS_OK) {
        struct error why = *err;
        return error_set(err, why.status, why.cause, "%.40s: %.110s", command->paths.state,
                         why.message);
    }
    command->state = found;
    command->figures.done_before = found.progress.offset;
    command->figures.items_before = found.progress.imported + found.progress.refused;
    if (!command->arguments.quiet) {
        fprintf(stderr, "usertrail: going on behind line %" PRIu64 "\n", found.progress.line);
    }
    return import_input_seek(&command->input, found.progress.offset, err);
}

static enum status prepare(struct import_command *command, struct error *err)
{
    if (command->arguments.key != NULL &&
        import_name_key(command->access->hash, str_from(command->arguments.key),
                        &command->state.progress) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a key");
    }
    enum status status = find_start(command, err);
    if (status != STATUS_OK) {
        return status;
    }
    command->figures.total = command->input.size;
    command->started_ms = command->saved_ms = clock_monotonic_ms(command->access->clock);
    command->shown_ms = command->started_ms;
    status = import_errors_open(&command->errors, command->paths.errors,
                                command->state.errors_bytes, err);
    command->begun = status == STATUS_OK;
    return status;
}

/* How it ends ------------------------------------------------------------------------------- */

static void print_summary(struct import_command *command, const char *name,
                          const struct import_outcome *outcome)
{
    const struct import_progress *progress = &command->state.progress;
    take_figures(command);
    printf("%" PRIu64 " activities imported into %s in %" PRIu64 ".%" PRIu64 " s, %" PRIu64
           " lines a second",
           progress->imported, name, command->figures.elapsed_ms / 1000,
           command->figures.elapsed_ms % 1000 / 100, progress_figures_rate(&command->figures));
    if (outcome->known && outcome->duplicates > 0) {
        printf("; %" PRIu64 " of them were there before", outcome->duplicates);
    }
    printf("\n");
}

static void tell_refused(const struct import_command *command)
{
    if (command->begun && command->state.progress.refused > 0) {
        cli_tell("%" PRIu64 " line%s refused; %s tells why", command->state.progress.refused,
                 command->state.progress.refused == 1 ? " was" : "s were", command->paths.errors);
    }
}

static void tell_how_to_go_on(const struct import_command *command)
{
    const struct import_progress *progress = &command->state.progress;
    if (progress->offset == 0) {
        fprintf(stderr, "usertrail: nothing was imported\n");
    } else if (command->paths.state[0] != '\0') {
        fprintf(stderr,
                "usertrail: everything up to line %" PRIu64 " is imported; the same command goes "
                "on there\n",
                progress->line);
    } else {
        fprintf(stderr,
                "usertrail: everything up to line %" PRIu64 " is imported; the same input from its "
                "start doubles nothing\n",
                progress->line);
    }
}

/* All lines are through: they become durable in the store, and the state has done its work. */
static enum status conclude(struct import_command *command, struct import_target *target,
                            struct error *err)
{
    struct import_outcome outcome = {0};
    struct import_target_state state;
    enum status status = import_target_finish(target, &outcome, err);
    if (status == STATUS_OK && command->paths.state[0] != '\0') {
        status = command->access->remove_state(command->paths.state, err);
    }
    if (status == STATUS_OK && !command->arguments.quiet) {
        import_target_describe(target, &state);
        print_summary(command, state.name, &outcome);
    }
    return status;
}

static enum status run_import(struct import_command *command, struct import_target *target,
                              bool *out_complete, struct error *err)
{
    const struct import_config config = {
        .target = target,
        .source = import_input_source(&command->input),
        .hash = command->access->hash,
        .clock = command->access->clock,
        .listener = &command->listener,
    };
    enum status status = prepare(command, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = import_run(&config, &command->state.progress, out_complete, err);
    clear_progress(command);
    struct error later;
    enum status saved = save_state(command, &later);
    if (status == STATUS_OK && saved != STATUS_OK) {
        *err = later;
        return saved;
    }
    if (status != STATUS_OK || !*out_complete) {
        tell_how_to_go_on(command);
    }
    return status == STATUS_OK && *out_complete ? conclude(command, target, err) : status;
}

static enum status run(struct import_command *command, bool *out_complete, struct error *err)
{
    const struct import_destination destination = {
        .data_dir = command->arguments.data_dir,
        .server = command->arguments.server,
        .config = command->arguments.config,
        .api_key_file = command->arguments.api_key_file,
        .ca_file = command->arguments.ca_file,
        .give_up_ms = command->arguments.give_up_ms,
        .notices = &command->notices,
    };
    struct import_target *target = NULL;
    enum status status =
        import_paths_set(&command->arguments, &command->input, &command->paths, err);
    if (status == STATUS_OK) {
        status = command->access->open(&destination, &target, err);
    }
    command->wrong_usage = status == STATUS_INVALID;
    if (status == STATUS_OK) {
        set_target(command);
        status = run_import(command, target, out_complete, err);
    }
    struct error later;
    enum status closed = command->access->close(target, &later);
    import_errors_close(&command->errors);
    if (status == STATUS_OK && closed != STATUS_OK) {
        *err = later;
        return closed;
    }
    return status;
}

int command_import(const struct import_access *access, int argument_count, char **arguments)
{
    static struct import_command command; /* too large for a stack */
    struct error err;
    bool complete = false;
    command = (struct import_command){
        .listener = {.refused = on_refused, .acknowledged = on_acknowledged, .wish = on_wish},
        .notices = {.waiting = tell_waiting},
        .access = access,
        .on_terminal = status_line_wanted(),
    };
    enum status status = import_arguments_read(argument_count, arguments, &command.arguments, &err);
    if (status != STATUS_OK) {
        return folder_refuse_arguments("import", &err);
    }
    status = import_input_open(&command.input, command.arguments.input, &err);
    if (status == STATUS_OK) {
        status = run(&command, &complete, &err);
        import_input_close(&command.input);
    }
    if (status != STATUS_OK) {
        cli_tell("%s", err.message);
    }
    tell_refused(&command);
    if (command.wrong_usage) {
        return EXIT_USAGE;
    }
    return status == STATUS_OK && complete && command.state.progress.refused == 0 ? EXIT_FINE
                                                                                  : EXIT_FAILED;
}
