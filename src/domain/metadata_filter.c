#include "domain/metadata_filter.h"

#include "base/json_walk.h"
#include "base/utf8.h"

enum { PATH_SHOWN_MAX = 48 };

/* Adding ------------------------------------------------------------------------------------ */

/* As much of a path as a message may show, in whole characters. */
static struct str shown(struct str path)
{
    struct str rest = {path.data, path.len > PATH_SHOWN_MAX ? PATH_SHOWN_MAX : path.len};
    uint32_t code_point;
    while (rest.len > 0 && utf8_next(&rest, &code_point)) {
    }
    return (struct str){path.data, (size_t)(rest.data - path.data)};
}

/* Takes the next key up to its point, without the backslashes; false when one stands before
 * something else. Says whether another key follows. */
static bool take_key(struct str *rest, struct metadata_path *path, size_t *len, bool *out_more)
{
    *out_more = false;
    while (rest->len > 0) {
        char c = *rest->data++;
        rest->len--;
        if (c == '.') {
            *out_more = true;
            return true;
        }
        if (c == '\\') {
            if (rest->len == 0 || (*rest->data != '.' && *rest->data != '\\')) {
                return false;
            }
            c = *rest->data++;
            rest->len--;
        }
        path->keys[(*len)++] = c;
    }
    return true;
}

/* A filter that another system would take for an operator must not be taken for a key. */
static bool looks_like_operator(struct str key)
{
    for (size_t i = 0; i + 1 < key.len; i++) {
        if (key.data[i] == '[' && key.data[i + 1] == '$') {
            return true;
        }
    }
    return key.len > 0 && key.data[0] == '$';
}

static enum status check_key(struct str text, struct str key, struct error *err)
{
    if (key.len == 0) {
        return error_set(err, STATUS_INVALID, 0,
                         "the path metadata.%.*s has an empty member; keys stand between its "
                         "points",
                         STR_FORMAT(shown(text)));
    }
    if (looks_like_operator(key)) {
        return error_set(err, STATUS_INVALID, 0,
                         "metadata.%.*s: %.*s looks like an operator; write metadata.<path>=value",
                         STR_FORMAT(shown(text)), STR_FORMAT(shown(key)));
    }
    return STATUS_OK;
}

static enum status read_path(struct str text, struct metadata_path *out_path, struct error *err)
{
    if (text.len > METADATA_PATH_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0,
                         "the path metadata.%.*s... must be at most %d bytes long",
                         STR_FORMAT(shown(text)), METADATA_PATH_BYTES_MAX);
    }
    struct str rest = text;
    size_t len = 0;
    bool more = true;
    out_path->member_count = 0;
    while (more) {
        if (out_path->member_count == METADATA_PATH_MEMBERS_MAX) {
            return error_set(err, STATUS_INVALID, 0,
                             "the path metadata.%.*s must have at most %d members",
                             STR_FORMAT(shown(text)), METADATA_PATH_MEMBERS_MAX);
        }
        if (!take_key(&rest, out_path, &len, &more)) {
            return error_set(err, STATUS_INVALID, 0,
                             "in the path metadata.%.*s a backslash must stand before a point or a "
                             "backslash",
                             STR_FORMAT(shown(text)));
        }
        out_path->ends[out_path->member_count++] = (uint16_t)len;
        enum status status =
            check_key(text, metadata_path_member(out_path, out_path->member_count - 1), err);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

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
    enum status status = read_path(path, &read, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (value.len > METADATA_VALUE_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0,
                         "the value of metadata.%.*s must be at most %d bytes long",
                         STR_FORMAT(shown(path)), METADATA_VALUE_BYTES_MAX);
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
    const struct metadata_filter *filter;
    size_t path;
    struct str rest;
    bool found;
};

/* Each says whether the walk goes on behind what it took: not when a value was found, and not in a
 * text that is no JSON. `depth` is how many members of the path lead there. */
static bool search_object(struct search *search, size_t depth);

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

/* A value at the end of the path, or an element of an array there. */
static bool search_leaf(struct search *search)
{
    struct str taken;
    if (json_walk_at(&search->rest, '{') || json_walk_at(&search->rest, '[')) {
        return json_walk_skip(&search->rest);
    }
    if (json_walk_at(&search->rest, '"')) {
        if (!json_walk_string(&search->rest, &taken)) {
            return false;
        }
        search->found = string_matches(search, taken);
    } else {
        if (!json_walk_word(&search->rest, &taken)) {
            return false;
        }
        search->found = word_matches(search, taken);
    }
    return !search->found;
}

static bool search_one(struct search *search, size_t depth)
{
    if (depth == search->filter->paths[search->path].member_count) {
        return search_leaf(search);
    }
    return json_walk_at(&search->rest, '{') ? search_object(search, depth)
                                            : json_walk_skip(&search->rest);
}

static bool search_elements(struct search *search, size_t depth)
{
    if (json_walk_char(&search->rest, ']')) {
        return true;
    }
    do {
        if (!search_one(search, depth)) {
            return false;
        }
    } while (json_walk_char(&search->rest, ','));
    return json_walk_char(&search->rest, ']');
}

static bool search_value(struct search *search, size_t depth)
{
    return json_walk_char(&search->rest, '[') ? search_elements(search, depth)
                                              : search_one(search, depth);
}

/* Calls itself through its members, as deep as the path has members at the most. */
static bool search_object(struct search *search, size_t depth)
{
    struct str wanted = metadata_path_member(&search->filter->paths[search->path], depth);
    struct str key;
    if (!json_walk_char(&search->rest, '{')) {
        return false;
    }
    if (json_walk_char(&search->rest, '}')) {
        return true;
    }
    do {
        if (!json_walk_string(&search->rest, &key) || !json_walk_char(&search->rest, ':')) {
            return false;
        }
        bool goes_on = json_walk_string_is(key, wanted) ? search_value(search, depth + 1)
                                                        : json_walk_skip(&search->rest);
        if (!goes_on) {
            return false;
        }
    } while (json_walk_char(&search->rest, ','));
    return json_walk_char(&search->rest, '}');
}

bool metadata_filter_matches(const struct metadata_filter *filter, struct str metadata)
{
    for (size_t i = 0; i < filter->path_count; i++) {
        struct search search = {.filter = filter, .path = i, .rest = metadata};
        bool ended = search_object(&search, 0);
        if (ended || !search.found) {
            return false;
        }
    }
    return true;
}
