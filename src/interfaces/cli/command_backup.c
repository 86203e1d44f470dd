#include "base/macros.h"
#include "base/timestamp.h"
#include "interfaces/cli/backup_command.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/option_walk.h"
#include "interfaces/cli/status_line.h"

#include <inttypes.h>
#include <stdio.h>

const char command_backup_help[] =
    "DATA_DIR is the folder that serve has as --data-dir; a server may work in it.\n"
    "Everything that it acknowledged before the command began is in the backup, each\n"
    "activity once.\n\n"
    "BACKUP_DIR must not be there yet. On the file system of DATA_DIR most of it is\n"
    "made of second names (hard links), which take no space and no time; a disk that\n"
    "fails takes both, so bring the backup elsewhere, too, or name a folder on\n"
    "another disk.\n\n"
    "  --copy    copies everything, so that no file is shared with DATA_DIR\n"
    "  --quiet   no progress and no summary\n\n"
    "verify, query, stats and export take a backup as they do a data folder. serve\n"
    "does not, since it would change it: `usertrail restore` makes a folder for\n"
    "serve of it.\n\n"
    "Not in it: files that are not in DATA_DIR, as keys, certificates and the\n"
    "configuration; and DATA_DIR/viewer-secret, so that links of viewers from before\n"
    "end with a restored server.\n\n"
    "Ends with 1 when there is no backup, and then leaves nothing that looks like\n"
    "one.\n\n"
    "Examples\n"
    "  usertrail backup ./data /mnt/backups/$(date +%F)";

const char command_restore_help[] =
    "BACKUP_DIR is what `usertrail backup` made. It is verified first, as `usertrail\n"
    "verify` does. DATA_DIR must be missing or empty; everything is copied into it,\n"
    "so that a server on it leaves the backup as it is.\n\n"
    "  --keep-erasures-of DIR   erases in DATA_DIR whoever was erased in this data\n"
    "                           folder since the backup; without it they are back,\n"
    "                           and so is what expired, until retention comes to it\n"
    "  --quiet                  no progress and no summary\n\n"
    "Ends with 1 when it failed; no server starts on what is unfinished then.\n\n"
    "Examples\n"
    "  usertrail restore /mnt/backups/2026-01-14 ./data --keep-erasures-of ./before";

struct copy_command {
    struct folder_copy_listener listener;
    const char *folders[2];
    size_t folder_count;
    const char *keep_erasures_of;
    bool copies;
    bool quiet;
    bool on_terminal;
};

/* Arguments ------------------------------------------------------------------------------------ */

static enum status read_folder(void *context, const struct option_found *found, struct error *err)
{
    struct copy_command *command = context;
    const char *argument = found->text;
    if (argument[0] == '-' || argument[0] == '\0' ||
        command->folder_count == ARRAY_LENGTH(command->folders)) {
        return error_set(err, STATUS_INVALID, 0,
                         "\"%.48s\" is not understood here; two folders are named, and options "
                         "begin with --",
                         argument);
    }
    command->folders[command->folder_count++] = argument;
    return STATUS_OK;
}

static enum status read_arguments(struct copy_command *command, struct option_walk *walk,
                                  struct error *err)
{
    enum status status = option_walk_all(walk, &(struct option_taker){read_folder, command}, err);
    if (status == STATUS_OK && command->folder_count < ARRAY_LENGTH(command->folders)) {
        status = error_set(err, STATUS_INVALID, 0,
                           "two folders are named: from where, and then to where");
    }
    return status;
}

/* What is seen --------------------------------------------------------------------------------- */

static void show_progress(struct folder_copy_listener *listener, uint64_t done_bytes,
                          uint64_t all_bytes)
{
    const struct copy_command *command = CONTAINER_OF(listener, struct copy_command, listener);
    if (command->on_terminal && !command->quiet) {
        char text[80];
        snprintf(text, sizeof text, "%" PRIu64 " of %" PRIu64 " MB", done_bytes / 1000000,
                 all_bytes / 1000000);
        status_line_show(text);
    }
}

/* Control characters in a name could do anything to a terminal. */
static void tell_left_out(struct folder_copy_listener *listener, const char *name)
{
    (void)listener;
    fprintf(stderr, "usertrail: not in the backup, since it is none of usertrail's: ");
    for (const char *at = name; *at != '\0'; at++) {
        fputc((unsigned char)*at < ' ' || *at == 0x7f ? '?' : *at, stderr);
    }
    fputc('\n', stderr);
}

static struct copy_command command_of(void)
{
    return (struct copy_command){.listener = {.progress = show_progress, .left_out = tell_left_out},
                                 .on_terminal = status_line_wanted()};
}

/* The exit code. */
static int end(const struct copy_command *command, enum status status, const char *folder,
               const struct error *err)
{
    if (command->on_terminal && !command->quiet) {
        status_line_clear();
    }
    if (status != STATUS_OK) {
        cli_tell("%s: %s", folder, err->message);
    }
    return status == STATUS_OK ? EXIT_FINE : EXIT_FAILED;
}

/* The commands --------------------------------------------------------------------------------- */

int command_backup(const struct backup_access *access, int argument_count, char **arguments)
{
    struct copy_command command = command_of();
    const struct option options[] = {{.name = "copy", .given = &command.copies},
                                     {.name = "quiet", .given = &command.quiet}};
    struct option_walk walk = OPTION_WALK(options, argument_count, arguments);
    struct folder_copy_sums sums;
    struct error err;
    if (read_arguments(&command, &walk, &err) != STATUS_OK) {
        return folder_refuse_arguments("backup", &err);
    }
    const struct folder_copy_request request = {.from = command.folders[0],
                                                .to = command.folders[1],
                                                .copies = command.copies,
                                                .now_ms = access->now_ms()};
    enum status status = folder_check(request.from, &err);
    status = status == STATUS_OK ? access->make(&request, &command.listener, &sums, &err) : status;
    int code = end(&command, status, request.from, &err);
    if (code == EXIT_FINE && !command.quiet) {
        printf("%s: %" PRIu64 " files, %" PRIu64 " bytes, %" PRIu64
               " of them in files that are those of %s, too\n",
               request.to, sums.files, sums.bytes, sums.linked_bytes, request.from);
    }
    return code;
}

static void print_restored(const struct restore_request *request,
                           const struct folder_copy_sums *sums, uint64_t users)
{
    char made_at[TIMESTAMP_TEXT_BYTES];
    timestamp_format(sums->made_at_ms, made_at);
    printf("%s: %" PRIu64 " files, %" PRIu64 " bytes of the backup of %.*s", request->copy.to,
           sums->files, sums->bytes, TIMESTAMP_TEXT_BYTES, made_at);
    if (request->keep_erasures_of != NULL) {
        printf("; %" PRIu64 " user%s erased since", users, users == 1 ? "" : "s");
    }
    printf("\n");
}

int command_restore(const struct backup_access *access, int argument_count, char **arguments)
{
    struct copy_command command = command_of();
    const struct option options[] = {
        {.name = "keep-erasures-of", .value = &command.keep_erasures_of},
        {.name = "quiet", .given = &command.quiet}};
    struct option_walk walk = OPTION_WALK(options, argument_count, arguments);
    struct folder_copy_sums sums;
    struct error err;
    uint64_t users = 0;
    if (read_arguments(&command, &walk, &err) != STATUS_OK) {
        return folder_refuse_arguments("restore", &err);
    }
    const struct restore_request request = {
        .copy = {.from = command.folders[0], .to = command.folders[1], .copies = true},
        .keep_erasures_of = command.keep_erasures_of};
    enum status status = folder_check(request.copy.from, &err);
    if (status == STATUS_OK) {
        status = access->restore(&request, &command.listener, &sums, &users, &err);
    }
    int code = end(&command, status, request.copy.from, &err);
    if (code == EXIT_FINE && !command.quiet) {
        print_restored(&request, &sums, users);
    }
    return code;
}
