#include "interfaces/cli/folder_arguments.h"

#include "base/assert.h"
#include "base/timestamp.h"
#include "base/utf8.h"

/* Values ------------------------------------------------------------------------------------ */

/* A list of the filter, and the option that fills it. */
struct text_list {
    const char *option;
    struct str *items;
    size_t max;
    size_t *count;
};

static enum status add_text(const struct text_list *list, const char *value, struct error *err)
{
    size_t code_points;
    if (value[0] == '\0' || !utf8_count(str_from(value), &code_points)) {
        return error_set(
            err, STATUS_INVALID, 0,
            "--%s needs a text in UTF-8 that is not empty; leave it out to ask for all",
            list->option);
    }
    return activity_filter_add(list->items, list->max, list->count, str_from(value)) == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "--%s may be given at most %zu times",
                           list->option, list->max);
}

enum status folder_read_user(struct folder_question *question, const char *value, struct error *err)
{
    const struct text_list users = {"user", question->user_ids, FILTER_USERS_MAX,
                                    &question->filter.user_id_count};
    return add_text(&users, value, err);
}

enum status folder_read_action(struct folder_question *question, const char *value,
                               struct error *err)
{
    const struct text_list actions = {"action", question->actions, FILTER_ACTIONS_MAX,
                                      &question->filter.action_count};
    return add_text(&actions, value, err);
}

/* No other condition is asked for beside it, as it is over HTTP: nobody else waits for the folder.
 */
enum status folder_read_metadata(struct folder_question *question, const char *value,
                                 struct error *err)
{
    size_t code_points;
    struct str text = str_from(value);
    struct str path = str_split(&text, '=');
    if (text.data == NULL || !utf8_count(str_from(value), &code_points)) {
        return error_set(err, STATUS_INVALID, 0,
                         "--metadata needs PATH=VALUE in UTF-8, such as cart.coupon=SPRING");
    }
    return metadata_filter_add(&question->metadata, path, text, err);
}

static enum status read_time(const char *name, const char *value, int64_t *out_ms,
                             struct error *err)
{
    return timestamp_parse(str_from(value), out_ms)
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "--%s must be an RFC 3339 date-time such as 2024-01-15T10:00:00Z", name);
}

enum status folder_read_from(struct folder_question *question, const char *value, struct error *err)
{
    return read_time("from", value, &question->filter.from_ms, err);
}

enum status folder_read_to(struct folder_question *question, const char *value, struct error *err)
{
    return read_time("to", value, &question->filter.to_ms, err);
}

enum status folder_read_limit(struct folder_question *question, const char *value, uint32_t max,
                              struct error *err)
{
    unsigned long long limit;
    if (!str_parse_u64(str_from(value), max, &limit) || limit == 0) {
        return error_set(err, STATUS_INVALID, 0, "--limit must be a number from 1 to %u", max);
    }
    question->limit = limit;
    return STATUS_OK;
}

/* Arguments --------------------------------------------------------------------------------- */

/* The arguments that are left, and which options were given. */
struct argument_walk {
    const struct folder_options *options;
    char **arguments;
    int left;
    bool seen[FOLDER_OPTIONS_MAX];
};

static size_t find_option(const struct folder_options *options, struct str name)
{
    size_t index = 0;
    while (index < options->count && !str_equal(str_from(options->items[index].name), name)) {
        index++;
    }
    return index;
}

static enum status read_option(struct argument_walk *walk, struct folder_question *question,
                               struct error *err)
{
    const char *argument = *walk->arguments++;
    walk->left--;
    const char *equals = strchr(argument, '=');
    struct str name = str_from(argument + 2);
    name.len = equals == NULL ? name.len : (size_t)(equals - argument) - 2;
    size_t index = find_option(walk->options, name);
    if (index == walk->options->count) {
        return error_set(err, STATUS_INVALID, 0, "there is no option \"%.48s\"", argument);
    }
    const struct folder_option *option = &walk->options->items[index];
    if (walk->seen[index] && !option->repeatable) {
        return error_set(err, STATUS_INVALID, 0, "--%s may be given once only", option->name);
    }
    walk->seen[index] = true;
    if (option->is_switch) {
        return equals == NULL
                   ? option->read(question, NULL, err)
                   : error_set(err, STATUS_INVALID, 0, "--%s takes no value", option->name);
    }
    if (equals == NULL && walk->left == 0) {
        return error_set(err, STATUS_INVALID, 0, "--%s needs a value", option->name);
    }
    const char *value = equals == NULL ? *walk->arguments++ : equals + 1;
    walk->left -= equals == NULL;
    return option->read(question, value, err);
}

static enum status read_argument(struct argument_walk *walk, struct folder_question *question,
                                 struct error *err)
{
    const char *argument = *walk->arguments;
    if (argument[0] == '-' && argument[1] == '-') {
        return read_option(walk, question, err);
    }
    if (argument[0] == '-' || argument[0] == '\0' || question->directory != NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "\"%.48s\" is not understood here; one folder is named, and options begin "
                         "with --",
                         argument);
    }
    question->directory = argument;
    walk->arguments++;
    walk->left--;
    return STATUS_OK;
}

enum status folder_arguments_read(const struct folder_options *options, int argument_count,
                                  char **arguments, struct folder_question *out_question,
                                  struct error *err)
{
    ASSERT(options->count <= FOLDER_OPTIONS_MAX);
    struct argument_walk walk = {
        .options = options, .arguments = arguments, .left = argument_count};
    enum status status = STATUS_OK;
    *out_question = (struct folder_question){.filter = activity_filter_all(),
                                             .order = ORDER_NEWEST_FIRST,
                                             .grouping = GROUPING_COUNT,
                                             .limit = UINT64_MAX};
    out_question->filter.user_ids = out_question->user_ids;
    out_question->filter.actions = out_question->actions;
    out_question->filter.metadata = &out_question->metadata;
    while (status == STATUS_OK && walk.left > 0) {
        status = read_argument(&walk, out_question, err);
    }
    if (status == STATUS_OK && out_question->directory == NULL) {
        status = error_set(err, STATUS_INVALID, 0,
                           "the folder is missing: the one that `usertrail serve` has as "
                           "--data-dir");
    }
    return status;
}
