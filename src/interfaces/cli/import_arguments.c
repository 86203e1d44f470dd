#include "interfaces/cli/import_arguments.h"

#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"
#include "interfaces/cli/option_walk.h"

enum { GIVE_UP_S_DEFAULT = 60, GIVE_UP_S_MAX = 24 * 3600 };

static enum status read_input(void *context, const struct option_found *found, struct error *err)
{
    struct import_arguments *arguments = context;
    const char *argument = found->text;
    if ((argument[0] == '-' && argument[1] != '\0') || argument[0] == '\0' ||
        arguments->input != NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "\"%.48s\" is not understood here; one file is named (or - for standard "
                         "input), and options begin with --",
                         argument);
    }
    arguments->input = argument;
    return STATUS_OK;
}

static enum status check_destination(const struct import_arguments *arguments, struct error *err)
{
    if (arguments->input == NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "the file is missing; - stands for standard input");
    }
    if ((arguments->data_dir == NULL) == (arguments->server == NULL)) {
        return error_set(err, STATUS_INVALID, 0,
                         "say where to: --data-dir DIR, the folder that `usertrail serve` has, or "
                         "--url http://127.0.0.1:3000, not both");
    }
    if (arguments->state != NULL && strcmp(arguments->input, "-") == 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "--state goes with a file; standard input cannot go on later");
    }
    if (arguments->server != NULL && arguments->config != NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "--config goes with --data-dir; a server has its own");
    }
    return STATUS_OK;
}

/* What other commands call --url and --key-file had names of its own here, which scripts use. */
struct other_names {
    const char *server;
    const char *api_key_file;
};

static enum status take_other(const char *name, const char *other_name, const char *other,
                              const char **value, struct error *err)
{
    if (*value != NULL && other != NULL) {
        return error_set(err, STATUS_INVALID, 0, "--%s and --%s are the same; one is enough", name,
                         other_name);
    }
    *value = *value != NULL ? *value : other;
    return STATUS_OK;
}

static enum status take_others(struct import_arguments *arguments, const struct other_names *others,
                               struct error *err)
{
    enum status status = take_other("url", "server", others->server, &arguments->server, err);
    return status == STATUS_OK ? take_other("key-file", "api-key-file", others->api_key_file,
                                            &arguments->api_key_file, err)
                               : status;
}

enum status import_arguments_read(int argument_count, char **arguments,
                                  struct import_arguments *out_arguments, struct error *err)
{
    struct import_arguments read = {.give_up_ms = GIVE_UP_S_DEFAULT * MILLISECONDS_PER_SECOND};
    struct other_names others = {0};
    const char *give_up_s = NULL;
    const struct option options[] = {{.name = "data-dir", .value = &read.data_dir},
                                     {.name = "url", .value = &read.server},
                                     {.name = "server", .value = &others.server},
                                     {.name = "config", .value = &read.config},
                                     {.name = "state", .value = &read.state},
                                     {.name = "errors", .value = &read.errors},
                                     {.name = "key", .value = &read.key},
                                     {.name = "key-file", .value = &read.api_key_file},
                                     {.name = "api-key-file", .value = &others.api_key_file},
                                     {.name = "cacert", .value = &read.ca_file},
                                     {.name = "give-up-after", .value = &give_up_s},
                                     {.name = "quiet", .given = &read.quiet}};
    struct option_walk walk = OPTION_WALK(options, argument_count, arguments);
    enum status status = option_walk_all(&walk, &(struct option_taker){read_input, &read}, err);
    status = status == STATUS_OK ? take_others(&read, &others, err) : status;
    status = status == STATUS_OK ? check_destination(&read, err) : status;
    if (status == STATUS_OK) {
        status =
            option_read_seconds("give-up-after", give_up_s, GIVE_UP_S_MAX, &read.give_up_ms, err);
    }
    if (status == STATUS_OK) {
        *out_arguments = read;
    }
    return status;
}
