#include "interfaces/cli/import_arguments.h"

#include "base/macros.h"
#include "base/str.h"

enum { GIVE_UP_S_DEFAULT = 60, GIVE_UP_S_MAX = 24 * 3600, MS_PER_SECOND = 1000 };

/* Where the option's value goes. */
struct import_option {
    const char *name; /* without the dashes */
    const char **value;
};

enum { OPTIONS = 7 };

struct import_options {
    struct import_option items[OPTIONS];
};

/* The arguments that are left. */
struct walk {
    char **next;
    int left;
};

static const char *take(struct walk *walk)
{
    walk->left--;
    return *walk->next++;
}

static enum status read_option(const struct import_options *options, const char *argument,
                               struct walk *walk, struct error *err)
{
    struct str value = str_from(argument + 2);
    struct str name = str_split(&value, '=');
    size_t index = 0;
    while (index < OPTIONS && !str_equal(str_from(options->items[index].name), name)) {
        index++;
    }
    if (index == OPTIONS) {
        return error_set(err, STATUS_INVALID, 0, "there is no option \"%.48s\"", argument);
    }
    const struct import_option *option = &options->items[index];
    if (*option->value != NULL) {
        return error_set(err, STATUS_INVALID, 0, "--%s may be given once only", option->name);
    }
    if (value.data == NULL && walk->left == 0) {
        return error_set(err, STATUS_INVALID, 0, "--%s needs a value", option->name);
    }
    *option->value = value.data != NULL ? value.data : take(walk);
    return (*option->value)[0] != '\0'
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "--%s needs a value", option->name);
}

static enum status read_argument(struct import_arguments *arguments,
                                 const struct import_options *options, struct walk *walk,
                                 struct error *err)
{
    const char *argument = take(walk);
    if (strcmp(argument, "--quiet") == 0) {
        arguments->quiet = true;
        return STATUS_OK;
    }
    if (argument[0] == '-' && argument[1] == '-') {
        return read_option(options, argument, walk, err);
    }
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
                         "--server http://127.0.0.1:3000, not both");
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

static enum status read_give_up(const char *text, uint64_t *out_ms, struct error *err)
{
    unsigned long long seconds = GIVE_UP_S_DEFAULT;
    if (text != NULL && (!str_parse_u64(str_from(text), GIVE_UP_S_MAX, &seconds) || seconds == 0)) {
        return error_set(err, STATUS_INVALID, 0,
                         "--give-up-after must be a number of seconds from 1 to %d", GIVE_UP_S_MAX);
    }
    *out_ms = seconds * MS_PER_SECOND;
    return STATUS_OK;
}

enum status import_arguments_read(int argument_count, char **arguments,
                                  struct import_arguments *out_arguments, struct error *err)
{
    struct walk walk = {arguments, argument_count};
    struct import_arguments read = {0};
    const char *give_up_s = NULL;
    const struct import_options options = {.items = {{"data-dir", &read.data_dir},
                                                     {"server", &read.server},
                                                     {"config", &read.config},
                                                     {"state", &read.state},
                                                     {"errors", &read.errors},
                                                     {"key", &read.key},
                                                     {"give-up-after", &give_up_s}}};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && walk.left > 0) {
        status = read_argument(&read, &options, &walk, err);
    }
    status = status == STATUS_OK ? check_destination(&read, err) : status;
    status = status == STATUS_OK ? read_give_up(give_up_s, &read.give_up_ms, err) : status;
    if (status == STATUS_OK) {
        *out_arguments = read;
    }
    return status;
}
