#include "domain/metadata_filter.h"

#include "base/json_walk.h"
#include "base/macros.h"

/* Adding ------------------------------------------------------------------------------------ */

static bool same_path(const struct metadata_path *a, const struct metadata_path *b)
{
    size_t count = a->member_count;
    return count == b->member_count && memcmp(a->ends, b->ends, count * sizeof a->ends[0]) == 0 &&
           memcmp(a->keys, b->keys, a->ends[count - 1]) == 0;
}

static size_t find_path(const struct metadata_filter *filter, const struct metadata_path *path)
{
    size_t index = 0;
    while (index < filter->path_count && !same_path(&filter->paths[index], path)) {
        index++;
    }
    return index;
}

static bool has_value(const struct metadata_filter *filter, size_t path, struct str text)
{
    bool found = false;
    for (size_t i = 0; i < filter->value_count && !found; i++) {
        found = filter->values[i].path == path && str_equal(filter->values[i].text, text);
    }
    return found;
}

enum status metadata_filter_add(struct metadata_filter *filter, struct str path, struct str value,
                                struct error *err)
{
    struct metadata_path read = {0};
    enum status status = metadata_path_read(path, &read, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (value.len > METADATA_VALUE_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0,
                         "the value of metadata.%.*s must be at most %d bytes long",
                         STR_FORMAT(metadata_path_shown(path)), METADATA_VALUE_BYTES_MAX);
    }
    size_t index = find_path(filter, &read);
    if (index == METADATA_PATHS_MAX) {
        return error_set(err, STATUS_INVALID, 0, "at most %d metadata paths may be asked for",
                         METADATA_PATHS_MAX);
    }
    if (has_value(filter, index, value)) {
        return STATUS_OK;
    }
    if (filter->value_count == METADATA_VALUES_MAX) {
        return error_set(err, STATUS_INVALID, 0, "at most %d values of metadata may be asked for",
                         METADATA_VALUES_MAX);
    }
    if (index == filter->path_count) {
        filter->paths[filter->path_count++] = read;
    }
    struct metadata_value *added = &filter->values[filter->value_count++];
    *added = (struct metadata_value){.text = value, .path = index};
    added->is_number = json_number_read(value, &added->number);
    return STATUS_OK;
}

/* Matching ---------------------------------------------------------------------------------- */

/* A walk for one path. It goes on until it finds one of the values, or the end. */
struct search {
    struct metadata_walk walk;
    const struct metadata_filter *filter;
    size_t path;
    bool found;
};

static bool string_matches(const struct search *search, struct str content)
{
    bool matches = false;
    for (size_t i = 0; i < search->filter->value_count && !matches; i++) {
        const struct metadata_value *value = &search->filter->values[i];
        matches = value->path == search->path && json_walk_string_is(content, value->text);
    }
    return matches;
}

static bool word_matches(const struct search *search, struct str word)
{
    struct json_number number;
    bool is_number = json_number_read(word, &number);
    bool matches = false;
    for (size_t i = 0; i < search->filter->value_count && !matches; i++) {
        const struct metadata_value *value = &search->filter->values[i];
        if (value->path == search->path && is_number) {
            matches = value->is_number && json_number_equal(&value->number, &number);
        } else if (value->path == search->path) {
            matches = str_equal(value->text, word);
        }
    }
    return matches;
}

static bool take(struct metadata_walk *walk, enum metadata_leaf leaf, struct str taken)
{
    struct search *search = CONTAINER_OF(walk, struct search, walk);
    search->found =
        leaf == METADATA_STRING ? string_matches(search, taken) : word_matches(search, taken);
    return !search->found;
}

static bool finds(const struct metadata_filter *filter, size_t path, struct str metadata)
{
    struct search search = {
        .walk = {.path = &filter->paths[path], .take = take}, .filter = filter, .path = path};
    return !metadata_walk_run(&search.walk, metadata) && search.found;
}

bool metadata_filter_matches(const struct metadata_filter *filter, struct str metadata)
{
    for (size_t i = 0; i < filter->path_count; i++) {
        if (!finds(filter, i, metadata)) {
            return false;
        }
    }
    return true;
}

bool metadata_filter_finds_any(const struct metadata_filter *filter, struct str metadata)
{
    for (size_t i = 0; i < filter->path_count; i++) {
        if (finds(filter, i, metadata)) {
            return true;
        }
    }
    return false;
}
