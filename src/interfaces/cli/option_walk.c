#include "interfaces/cli/option_walk.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/str.h"

static const char *take(struct option_walk *walk)
{
    walk->left--;
    return *walk->next++;
}

/* The place of the option; option_count: there is none of that name. */
static size_t find(const struct option_walk *walk, struct str name)
{
    size_t index = 0;
    while (index < walk->option_count && !str_equal(str_from(walk->options[index].name), name)) {
        index++;
    }
    return index;
}

static size_t find_letter(const struct option_walk *walk, char letter)
{
    size_t index = 0;
    while (index < walk->option_count && walk->options[index].letter != letter) {
        index++;
    }
    return index;
}

static enum status check_once(struct option_walk *walk, size_t index, struct error *err)
{
    const struct option *option = &walk->options[index];
    if (walk->seen[index] && !option->repeatable) {
        return error_set(err, STATUS_INVALID, 0, "--%s may be given once only", option->name);
    }
    walk->seen[index] = true;
    return STATUS_OK;
}

/* `value` stands behind the sign of equality, or is NULL and the next argument is it. */
static enum status read_value(struct option_walk *walk, const struct option *option,
                              const char *value, struct option_found *found, struct error *err)
{
    bool is_switch = option->is_switch || option->given != NULL;
    if (is_switch && value != NULL) {
        return error_set(err, STATUS_INVALID, 0, "--%s takes no value", option->name);
    }
    if (!is_switch && value == NULL && walk->left == 0) {
        return error_set(err, STATUS_INVALID, 0, "--%s needs a value", option->name);
    }
    found->option = option;
    found->text = is_switch || value != NULL ? value : take(walk);
    return STATUS_OK;
}

static enum status read_option(struct option_walk *walk, const char *argument,
                               struct option_found *found, struct error *err)
{
    struct str value = str_from(argument + 2);
    size_t index = find(walk, str_split(&value, '='));
    if (index == walk->option_count && walk->passes_unknown) {
        found->text = argument;
        return STATUS_OK;
    }
    if (index == walk->option_count) {
        return error_set(err, STATUS_INVALID, 0, "there is no option \"%.48s\"", argument);
    }
    enum status status = check_once(walk, index, err);
    return status == STATUS_OK ? read_value(walk, &walk->options[index], value.data, found, err)
                               : status;
}

static enum status read_letter(struct option_walk *walk, const char *argument,
                               struct option_found *found, struct error *err)
{
    size_t index = find_letter(walk, argument[1]);
    if (index == walk->option_count) {
        found->text = argument;
        return STATUS_OK;
    }
    enum status status = check_once(walk, index, err);
    return status == STATUS_OK ? read_value(walk, &walk->options[index], NULL, found, err) : status;
}

static enum status read_argument(struct option_walk *walk, struct option_found *found,
                                 struct error *err)
{
    const char *argument = take(walk);
    if (argument[0] == '-' && argument[1] == '-') {
        return read_option(walk, argument, found, err);
    }
    if (argument[0] == '-' && argument[1] != '\0' && argument[2] == '\0') {
        return read_letter(walk, argument, found, err);
    }
    found->text = argument;
    return STATUS_OK;
}

/* True when the option says itself where it goes. */
static bool is_kept(const struct option *option)
{
    return option != NULL && (option->value != NULL || option->given != NULL);
}

static enum status keep(const struct option_found *found, struct error *err)
{
    const struct option *option = found->option;
    if (option->given != NULL) {
        *option->given = true;
        return STATUS_OK;
    }
    ASSERT(found->text != NULL);
    if (found->text[0] == '\0') {
        return error_set(err, STATUS_INVALID, 0, "--%s needs a value", option->name);
    }
    *option->value = found->text;
    return STATUS_OK;
}

enum status option_walk_next(struct option_walk *walk, struct option_found *out_found,
                             struct error *err)
{
    ASSERT(walk->option_count <= OPTIONS_MAX);
    struct option_found found = {0};
    while (walk->left > 0) {
        enum status status = read_argument(walk, &found, err);
        if (status == STATUS_OK && !is_kept(found.option)) {
            break;
        }
        status = status == STATUS_OK ? keep(&found, err) : status;
        if (status != STATUS_OK) {
            return status;
        }
        found = (struct option_found){0};
    }
    *out_found = found;
    return STATUS_OK;
}

enum status option_walk_all(struct option_walk *walk, const struct option_taker *taker,
                            struct error *err)
{
    struct option_found found;
    enum status status = option_walk_next(walk, &found, err);
    while (status == STATUS_OK && (found.option != NULL || found.text != NULL)) {
        status = taker->take(taker->context, &found, err);
        status = status == STATUS_OK ? option_walk_next(walk, &found, err) : status;
    }
    return status;
}

enum status option_take_none(void *context, const struct option_found *found, struct error *err)
{
    (void)context;
    return error_set(err, STATUS_INVALID, 0,
                     "\"%.48s\" is not understood here; options begin with --", found->text);
}

/* The arguments that were taken for others so far. */
struct others {
    const struct option_walk *walk;
    char **arguments;
    int count;
};

static enum status keep_other(void *context, const struct option_found *found, struct error *err)
{
    struct others *others = context;
    (void)found; /* an option's value alone, where the whole argument counts */
    (void)err;
    others->arguments[others->count++] = others->walk->next[-1];
    return STATUS_OK;
}

enum status option_walk_take_out(struct option_walk *walk, int *out_others, struct error *err)
{
    struct others others = {.walk = walk, .arguments = walk->next};
    const struct option_taker taker = {keep_other, &others};
    enum status status = option_walk_all(walk, &taker, err);
    if (status == STATUS_OK) {
        *out_others = others.count;
    }
    return status;
}

enum status option_read_seconds(const char *name, const char *text, unsigned max_s,
                                uint64_t *out_ms, struct error *err)
{
    unsigned long long seconds;
    if (text == NULL) {
        return STATUS_OK;
    }
    if (!str_parse_u64(str_from(text), max_s, &seconds) || seconds == 0) {
        return error_set(err, STATUS_INVALID, 0, "--%s must be a number of seconds from 1 to %u",
                         name, max_s);
    }
    *out_ms = seconds * MILLISECONDS_PER_SECOND;
    return STATUS_OK;
}
