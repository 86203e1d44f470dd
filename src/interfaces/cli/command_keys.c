#include "base/timestamp.h"
#include "domain/activity_rules.h"
#include "interfaces/cli/cli.h"
#include "interfaces/cli/cli_output.h"
#include "interfaces/cli/folder_rows.h"
#include "interfaces/cli/keys_command.h"
#include "interfaces/cli/option_walk.h"

#include <stdio.h>
#include <string.h>

const char command_keys_help[] =
    "A server that is started with --keys-file lets nobody in without a key of that\n"
    "file. It reads the file again on SIGHUP.\n\n"
    "  keys create    makes a key and prints it, alone on the last line: nothing\n"
    "                 keeps it, so this is the only time that it can be read\n"
    "  keys list      shows the keys of a file: names, scopes, users, when they were\n"
    "                 made\n"
    "  keys revoke    takes a key out of the file\n\n"
    "  --keys-file FILE  the file; create makes it when it is missing\n"
    "  --name NAME       of the key, of letters, digits, and . _ -\n"
    "  --scopes LIST     what the key may do: write (post activities), read (ask),\n"
    "                    admin (the refused list, accounting, checkpoints; with\n"
    "                    read: links for viewers), erase (erase users); with commas\n"
    "  --user USER       limits the key to this user; up to 64 times\n\n"
    "Send a key as `Authorization: Bearer KEY`, or as the password of Basic with any\n"
    "user name.\n\n"
    "Ends with 0 when it is done, with 1 when it could not be, with 2 for wrong\n"
    "arguments.\n\n"
    "Examples\n"
    "  usertrail keys create --keys-file keys --scopes write --name web-frontend\n"
    "  usertrail keys create --keys-file keys --scopes read --name me --user user-1\n"
    "  usertrail keys revoke --keys-file keys --name web-frontend";

struct request {
    const char *path;
    const char *name;
    const char *scopes;
    struct str users[ACCESS_USERS_MAX];
    size_t user_count;
};

/* Arguments --------------------------------------------------------------------------------- */

static enum status read_user(void *context, const struct option_found *found, struct error *err)
{
    struct request *request = context;
    const char *text = found->text;
    struct rejection rejection;
    if (found->option == NULL) {
        return option_take_none(NULL, found, err);
    }
    rejection_init(&rejection);
    if (!activity_rules_check_user_id(&activity_rules_default, str_from(text), &rejection)) {
        return error_set(err, STATUS_INVALID, 0, "--user: %s", rejection.faults[0].detail);
    }
    enum status status = access_users_add(request->users, &request->user_count, str_from(text));
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "a key is limited to %d users at most",
                           ACCESS_USERS_MAX);
}

static enum status read_arguments(int argument_count, char **arguments, struct request *request,
                                  struct error *err)
{
    const struct option options[] = {{.name = "keys-file", .value = &request->path},
                                     {.name = "name", .value = &request->name},
                                     {.name = "scopes", .value = &request->scopes},
                                     {.name = "user", .repeatable = true}};
    struct option_walk walk = OPTION_WALK(options, argument_count, arguments);
    enum status status = option_walk_all(&walk, &(struct option_taker){read_user, request}, err);
    if (status == STATUS_OK && request->path == NULL) {
        status = error_set(err, STATUS_INVALID, 0, "--keys-file is missing");
    }
    return status;
}

static enum status check_name(const struct request *request, struct error *err)
{
    if (request->name == NULL) {
        return error_set(err, STATUS_INVALID, 0, "--name is missing");
    }
    return access_name_is_valid(str_from(request->name))
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "--name: must be 1 to %d letters, digits and . _ -, the first no hyphen",
                           ACCESS_NAME_BYTES_MAX);
}

static enum status check_absent(const char *text, const char *option, struct error *err)
{
    return text == NULL ? STATUS_OK
                        : error_set(err, STATUS_INVALID, 0, "--%s is not understood here", option);
}

static int fail(const struct error *err)
{
    cli_tell("%s", err->message);
    return EXIT_FAILED;
}

/* create ------------------------------------------------------------------------------------ */

static int create(const struct keys_access *access, const struct request *request)
{
    struct error err;
    char key[KEYS_TEXT_BYTES];
    struct access_grant grant = {.name = str_from(request->name == NULL ? "" : request->name),
                                 .users = request->users,
                                 .user_count = request->user_count};
    enum status status = check_name(request, &err);
    if (status == STATUS_OK && (request->scopes == NULL ||
                                !access_scopes_parse(str_from(request->scopes), &grant.scopes))) {
        status = error_set(&err, STATUS_INVALID, 0,
                           "--scopes: must be some of write, read, admin, erase, with commas");
    }
    if (status != STATUS_OK) {
        return folder_refuse_arguments("keys", &err);
    }
    if (access->create(request->path, &grant, key, &err) != STATUS_OK) {
        return fail(&err);
    }
    fprintf(stderr, "This is the key; nothing keeps it. A running server knows it after SIGHUP.\n");
    printf("%s\n", key);
    return EXIT_FINE;
}

/* list -------------------------------------------------------------------------------------- */

static void show(const struct keys_entry *entry, void *context)
{
    const struct access_grant *grant = entry->grant;
    char scopes[ACCESS_SCOPES_TEXT_BYTES];
    char created[TIMESTAMP_TEXT_BYTES];
    (void)context;
    access_scopes_format(grant->scopes, scopes);
    timestamp_format(entry->created_at_ms, created);
    printf("%-24.*s  %-22s  %.*s  %016llx ", STR_FORMAT(grant->name), scopes, TIMESTAMP_TEXT_BYTES,
           created, (unsigned long long)entry->id);
    for (size_t i = 0; i < grant->user_count; i++) {
        printf(" %.*s", STR_FORMAT(grant->users[i]));
    }
    printf("%s\n", grant->user_count == 0 ? " (all users)" : "");
}

static int list(const struct keys_access *access, const struct request *request)
{
    struct error err;
    enum status status = check_absent(request->name, "name", &err);
    status = status == STATUS_OK ? check_absent(request->scopes, "scopes", &err) : status;
    if (status == STATUS_OK && request->user_count > 0) {
        status = check_absent("", "user", &err);
    }
    if (status != STATUS_OK) {
        return folder_refuse_arguments("keys", &err);
    }
    return access->list(request->path, show, NULL, &err) == STATUS_OK ? EXIT_FINE : fail(&err);
}

/* revoke ------------------------------------------------------------------------------------ */

static int revoke(const struct keys_access *access, const struct request *request)
{
    struct error err;
    enum status status = check_name(request, &err);
    status = status == STATUS_OK ? check_absent(request->scopes, "scopes", &err) : status;
    if (status == STATUS_OK && request->user_count > 0) {
        status = check_absent("", "user", &err);
    }
    if (status != STATUS_OK) {
        return folder_refuse_arguments("keys", &err);
    }
    if (access->revoke(request->path, str_from(request->name), &err) != STATUS_OK) {
        return fail(&err);
    }
    fprintf(stderr, "The key is out of the file. A running server forgets it after SIGHUP.\n");
    return EXIT_FINE;
}

static const struct {
    const char *name;
    int (*run)(const struct keys_access *access, const struct request *request);
} verbs[] = {{"create", create}, {"list", list}, {"revoke", revoke}};

int command_keys(const struct keys_access *access, int argument_count, char **arguments)
{
    struct request request = {0};
    struct error err;
    for (size_t i = 0; i < ARRAY_LENGTH(verbs) && argument_count > 0; i++) {
        if (strcmp(arguments[0], verbs[i].name) == 0) {
            return read_arguments(argument_count - 1, arguments + 1, &request, &err) == STATUS_OK
                       ? verbs[i].run(access, &request)
                       : folder_refuse_arguments("keys", &err);
        }
    }
    error_set(&err, STATUS_INVALID, 0, "say create, list or revoke");
    return folder_refuse_arguments("keys", &err);
}
