#include "interfaces/cli/folder_arguments.h"

#include "base/assert.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "interfaces/cli/option_walk.h"

/* Values ------------------------------------------------------------------------------------ */

static enum status add_name(struct name_list *list, struct str *room, const char *option,
                            const char *value, struct error *err)
{
    size_t code_points;
    if (value[0] == '\0' || !utf8_count(str_from(value), &code_points)) {
        return error_set(
            err, STATUS_INVALID, 0,
            "--%s needs a text in UTF-8 that is not empty; leave it out to ask for all", option);
    }
    return name_list_add(list, room, FILTER_NAMES_MAX, str_from(value)) == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "--%s may be given at most %d times", option,
                           FILTER_NAMES_MAX);
}

enum status folder_read_user(struct folder_question *question, const char *value, struct error *err)
{
    return add_name(&question->filter.user_ids, question->user_ids, "user", value, err);
}

enum status folder_read_action(struct folder_question *question, const char *value,
                               struct error *err)
{
    return add_name(&question->filter.actions, question->actions, "action", value, err);
}

enum status folder_read_not_user(struct folder_question *question, const char *value,
                                 struct error *err)
{
    return add_name(&question->filter.excluded.user_ids, question->excluded_user_ids, "not-user",
                    value, err);
}

enum status folder_read_not_action(struct folder_question *question, const char *value,
                                   struct error *err)
{
    return add_name(&question->filter.excluded.actions, question->excluded_actions, "not-action",
                    value, err);
}

/* No other condition is asked for beside it, as it is over HTTP: nobody else waits for the folder.
 */
static enum status add_condition(struct folder_conditions *conditions, const char *option,
                                 const char *value, struct error *err)
{
    size_t code_points;
    struct str text = str_from(value);
    struct str path = str_split(&text, '=');
    if (text.data == NULL || !utf8_count(str_from(value), &code_points)) {
        return error_set(err, STATUS_INVALID, 0,
                         "--%s needs PATH=VALUE in UTF-8, such as cart.coupon=SPRING", option);
    }
    size_t before = conditions->filter.value_count;
    enum status status = metadata_filter_add(&conditions->filter, path, text, err);
    if (status == STATUS_OK && conditions->filter.value_count > before) {
        conditions->texts[conditions->text_count++] = str_from(value);
    }
    return status;
}

enum status folder_read_metadata(struct folder_question *question, const char *value,
                                 struct error *err)
{
    return add_condition(&question->metadata, "metadata", value, err);
}

enum status folder_read_not_metadata(struct folder_question *question, const char *value,
                                     struct error *err)
{
    return add_condition(&question->excluded_metadata, "not-metadata", value, err);
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
    question->from_text = str_from(value);
    return read_time("from", value, &question->filter.from_ms, err);
}

enum status folder_read_to(struct folder_question *question, const char *value, struct error *err)
{
    question->to_text = str_from(value);
    return read_time("to", value, &question->filter.to_ms, err);
}

enum status folder_read_format(struct folder_question *question, const char *value,
                               struct error *err)
{
    return row_format_read(value, &question->format, err);
}

static enum status read_text(const char *name, const char *value, const char **out_text,
                             struct error *err)
{
    *out_text = value;
    return value[0] != '\0' ? STATUS_OK
                            : error_set(err, STATUS_INVALID, 0, "--%s needs a value", name);
}

enum status folder_read_url(struct folder_question *question, const char *value, struct error *err)
{
    return read_text("url", value, &question->server.url, err);
}

enum status folder_read_key_file(struct folder_question *question, const char *value,
                                 struct error *err)
{
    return read_text("key-file", value, &question->server.key_file, err);
}

enum status folder_read_ca_file(struct folder_question *question, const char *value,
                                struct error *err)
{
    return read_text("cacert", value, &question->server.ca_file, err);
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

static enum status read_directory(struct folder_question *question, const char *argument,
                                  struct error *err)
{
    if (argument[0] == '-' || argument[0] == '\0' || question->directory != NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "\"%.48s\" is not understood here; one folder is named, and options begin "
                         "with --",
                         argument);
    }
    question->directory = question->server.directory = argument;
    return STATUS_OK;
}

struct reading {
    const struct folder_option *items;
    const struct option *listed; /* one for each item */
    struct folder_question *question;
};

static enum status read_found(void *context, const struct option_found *found, struct error *err)
{
    const struct reading *reading = context;
    return found->option == NULL ? read_directory(reading->question, found->text, err)
                                 : reading->items[found->option - reading->listed].read(
                                       reading->question, found->text, err);
}

static void ask_for_everything(struct folder_question *question)
{
    *question = (struct folder_question){.filter = activity_filter_all(),
                                         .order = ORDER_NEWEST_FIRST,
                                         .grouping.kind = GROUPING_COUNT,
                                         .limit = UINT64_MAX};
    question->filter.metadata = &question->metadata.filter;
    question->filter.excluded.metadata = &question->excluded_metadata.filter;
}

enum status folder_options_read(const struct folder_options *options, int argument_count,
                                char **arguments, struct folder_question *out_question,
                                struct error *err)
{
    ASSERT(options->count <= OPTIONS_MAX);
    struct option listed[OPTIONS_MAX];
    for (size_t i = 0; i < options->count; i++) {
        const struct folder_option *option = &options->items[i];
        listed[i] = (struct option){.name = option->name,
                                    .letter = option->letter,
                                    .is_switch = option->is_switch,
                                    .repeatable = option->repeatable};
    }
    struct option_walk walk = {.options = listed,
                               .option_count = options->count,
                               .next = arguments,
                               .left = argument_count};
    struct reading reading = {options->items, listed, out_question};
    ask_for_everything(out_question);
    return option_walk_all(&walk, &(struct option_taker){read_found, &reading}, err);
}

enum status folder_arguments_read(const struct folder_options *options, int argument_count,
                                  char **arguments, struct folder_question *out_question,
                                  struct error *err)
{
    enum status status = folder_options_read(options, argument_count, arguments, out_question, err);
    if (status != STATUS_OK) {
        return status;
    }
    const struct server_address *server = &out_question->server;
    if (out_question->directory == NULL && server->url == NULL) {
        return error_set(err, STATUS_INVALID, 0, FOLDER_IS_MISSING "; or a server by --url");
    }
    return server_address_check(server, err);
}
