#include "interfaces/api/api_filter_parameters.h"

#include "base/assert.h"
#include "base/timestamp.h"

static enum status add_name(struct name_list *list, struct str *room, const char *parameters,
                            struct str value, struct error *err)
{
    if (value.len == 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "%s must not be empty; leave the parameter out to ask for all",
                         parameters);
    }
    return name_list_add(list, room, FILTER_NAMES_MAX, value) == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "%s may each appear at most %d times",
                           parameters, FILTER_NAMES_MAX);
}

static const char wanted_names[] = "userId and action";
static const char excluded_names[] = "not.userId and not.action";

static enum status read_user_id(const struct api_parameter_target *target, struct str value,
                                struct error *err)
{
    return add_name(&target->filter->user_ids, target->texts->user_ids, wanted_names, value, err);
}

static enum status read_action(const struct api_parameter_target *target, struct str value,
                               struct error *err)
{
    return add_name(&target->filter->actions, target->texts->actions, wanted_names, value, err);
}

static enum status read_excluded_user_id(const struct api_parameter_target *target,
                                         struct str value, struct error *err)
{
    return add_name(&target->filter->excluded.user_ids, target->texts->excluded_user_ids,
                    excluded_names, value, err);
}

static enum status read_excluded_action(const struct api_parameter_target *target, struct str value,
                                        struct error *err)
{
    return add_name(&target->filter->excluded.actions, target->texts->excluded_actions,
                    excluded_names, value, err);
}

static enum status read_time(struct str value, const char *name, int64_t *out_ms, struct error *err)
{
    if (timestamp_parse(value, out_ms)) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0,
                     "%s must be an RFC 3339 date-time such as 2024-01-15T10:00:00Z (a \"+\" in an "
                     "offset is written %%2B)",
                     name);
}

static enum status read_from(const struct api_parameter_target *target, struct str value,
                             struct error *err)
{
    return read_time(value, "from", &target->filter->from_ms, err);
}

static enum status read_to(const struct api_parameter_target *target, struct str value,
                           struct error *err)
{
    return read_time(value, "to", &target->filter->to_ms, err);
}

/* Those of users first and those of a time last, since some sets leave them out. */
static const struct api_parameter filter_parameters[] = {
    {{"userId", 6}, true, read_user_id}, {{"not.userId", 10}, true, read_excluded_user_id},
    {{"action", 6}, true, read_action},  {{"not.action", 10}, true, read_excluded_action},
    {{"from", 4}, false, read_from},     {{"to", 2}, false, read_to},
};

/* Before a parameter of the filter: what has that value is left out. */
static const struct str excluding_prefix = {"not.", 4};

/* Any number of parameters that begin so, also behind the prefix above. */
static const struct str metadata_prefix = {"metadata.", 9};

static struct str without_prefix(struct str name, struct str prefix)
{
    return (struct str){name.data + prefix.len, name.len - prefix.len};
}

enum status api_filter_read_metadata(const struct api_parameter_target *target, struct str name,
                                     struct str value, struct error *err)
{
    struct metadata_filter *metadata = &target->texts->metadata;
    if (str_starts_with(name, excluding_prefix)) {
        metadata = &target->texts->excluded_metadata;
        name = without_prefix(name, excluding_prefix);
    }
    return str_starts_with(name, metadata_prefix)
               ? metadata_filter_add(metadata, without_prefix(name, metadata_prefix), value, err)
               : STATUS_NOT_FOUND;
}

enum {
    FILTER_PARAMETER_COUNT = ARRAY_LENGTH(filter_parameters),
    USER_PARAMETER_COUNT = 2,
    TIME_PARAMETER_COUNT = 2
};

/* How many at the front of the table are left out. */
static size_t first_of(const struct api_parameter_set *set)
{
    return set->user_in_path ? USER_PARAMETER_COUNT : 0;
}

size_t api_filter_parameter_count(const struct api_parameter_set *set)
{
    size_t end = FILTER_PARAMETER_COUNT - (set->has_no_times ? TIME_PARAMETER_COUNT : 0);
    return set->has_filter ? end - first_of(set) : 0;
}

const struct api_parameter *api_filter_parameter_at(const struct api_parameter_set *set,
                                                    size_t index)
{
    ASSERT(index < api_filter_parameter_count(set));
    return &filter_parameters[first_of(set) + index];
}

bool api_filter_parameter_excludes(const struct api_parameter *parameter)
{
    return str_starts_with(parameter->name, excluding_prefix);
}

/* Without touching the kilobytes of what it has room for. */
static const struct metadata_filter *empty(struct metadata_filter *metadata)
{
    metadata->path_count = 0;
    metadata->value_count = 0;
    return metadata;
}

void api_filter_begin(const struct api_parameter_target *target)
{
    *target->filter = activity_filter_all();
    target->filter->user_ids.items = target->texts->user_ids;
    target->filter->actions.items = target->texts->actions;
    target->filter->metadata = empty(&target->texts->metadata);
    target->filter->excluded.user_ids.items = target->texts->excluded_user_ids;
    target->filter->excluded.actions.items = target->texts->excluded_actions;
    target->filter->excluded.metadata = empty(&target->texts->excluded_metadata);
}
