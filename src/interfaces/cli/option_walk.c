#include "interfaces/cli/option_walk.h"

#include "base/str.h"

static const char *take(struct option_walk *walk)
{
    walk->left--;
    return *walk->next++;
}

static const struct option *find(const struct option_walk *walk, struct str name)
{
    for (size_t i = 0; i < walk->option_count; i++) {
        if (str_equal(str_from(walk->options[i].name), name)) {
            return &walk->options[i];
        }
    }
    return NULL;
}

/* `value` stands behind the sign of equality, or is absent and the next argument is it. */
static enum status read_value(struct option_walk *walk, const struct option *option,
                              struct str value, struct error *err)
{
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

static enum status read_option(struct option_walk *walk, const char *argument, struct error *err)
{
    struct str value = str_from(argument + 2);
    struct str name = str_split(&value, '=');
    const struct option *option = find(walk, name);
    if (option == NULL) {
        return error_set(err, STATUS_INVALID, 0, "there is no option \"%.48s\"", argument);
    }
    if (option->value != NULL) {
        return read_value(walk, option, value, err);
    }
    if (value.data != NULL) {
        return error_set(err, STATUS_INVALID, 0, "--%s takes no value", option->name);
    }
    *option->given = true;
    return STATUS_OK;
}

enum status option_walk_next(struct option_walk *walk, const char **out_other, struct error *err)
{
    while (walk->left > 0) {
        const char *argument = take(walk);
        if (argument[0] != '-' || argument[1] != '-') {
            *out_other = argument;
            return STATUS_OK;
        }
        enum status status = read_option(walk, argument, err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *out_other = NULL;
    return STATUS_OK;
}
