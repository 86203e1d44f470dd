#include "domain/metadata_walk.h"

#include "base/json_number.h"
#include "base/json_walk.h"
#include "base/utf8.h"

enum { PATH_SHOWN_MAX = 48 };

/* Paths ------------------------------------------------------------------------------------- */

struct str metadata_path_shown(struct str path)
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
                         STR_FORMAT(metadata_path_shown(text)));
    }
    if (looks_like_operator(key)) {
        return error_set(err, STATUS_INVALID, 0,
                         "metadata.%.*s: %.*s looks like an operator; write metadata.<path>=value",
                         STR_FORMAT(metadata_path_shown(text)),
                         STR_FORMAT(metadata_path_shown(key)));
    }
    return STATUS_OK;
}

enum status metadata_path_read(struct str text, struct metadata_path *out_path, struct error *err)
{
    if (text.len > METADATA_PATH_BYTES_MAX) {
        return error_set(err, STATUS_INVALID, 0,
                         "the path metadata.%.*s... must be at most %d bytes long",
                         STR_FORMAT(metadata_path_shown(text)), METADATA_PATH_BYTES_MAX);
    }
    struct str rest = text;
    size_t len = 0;
    bool more = true;
    out_path->member_count = 0;
    while (more) {
        if (out_path->member_count == METADATA_PATH_MEMBERS_MAX) {
            return error_set(err, STATUS_INVALID, 0,
                             "the path metadata.%.*s must have at most %d members",
                             STR_FORMAT(metadata_path_shown(text)), METADATA_PATH_MEMBERS_MAX);
        }
        if (!take_key(&rest, out_path, &len, &more)) {
            return error_set(err, STATUS_INVALID, 0,
                             "in the path metadata.%.*s a backslash must stand before a point or a "
                             "backslash",
                             STR_FORMAT(metadata_path_shown(text)));
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

/* Walking ----------------------------------------------------------------------------------- */

/* Each says whether the walk goes on behind what it took: not when that was enough, and not in a
 * text that is no JSON. `depth` is how many members of the path lead there. */
static bool walk_object(struct metadata_walk *walk, size_t depth);

/* A value at the end of the path, or an element of an array there. */
static bool walk_leaf(struct metadata_walk *walk)
{
    struct str taken;
    if (json_walk_at(&walk->rest, '{') || json_walk_at(&walk->rest, '[')) {
        return json_walk_skip(&walk->rest);
    }
    if (json_walk_at(&walk->rest, '"')) {
        return json_walk_string(&walk->rest, &taken) && walk->take(walk, METADATA_STRING, taken);
    }
    return json_walk_word(&walk->rest, &taken) && walk->take(walk, METADATA_WORD, taken);
}

static bool walk_one(struct metadata_walk *walk, size_t depth)
{
    if (depth == walk->path->member_count) {
        return walk_leaf(walk);
    }
    return json_walk_at(&walk->rest, '{') ? walk_object(walk, depth) : json_walk_skip(&walk->rest);
}

static bool walk_elements(struct metadata_walk *walk, size_t depth)
{
    if (json_walk_char(&walk->rest, ']')) {
        return true;
    }
    do {
        if (!walk_one(walk, depth)) {
            return false;
        }
    } while (json_walk_char(&walk->rest, ','));
    return json_walk_char(&walk->rest, ']');
}

static bool walk_value(struct metadata_walk *walk, size_t depth)
{
    return json_walk_char(&walk->rest, '[') ? walk_elements(walk, depth) : walk_one(walk, depth);
}

/* Calls itself through its members, as deep as the path has members at the most. */
static bool walk_object(struct metadata_walk *walk, size_t depth)
{
    struct str wanted = metadata_path_member(walk->path, depth);
    struct str key;
    if (!json_walk_char(&walk->rest, '{')) {
        return false;
    }
    if (json_walk_char(&walk->rest, '}')) {
        return true;
    }
    do {
        if (!json_walk_string(&walk->rest, &key) || !json_walk_char(&walk->rest, ':')) {
            return false;
        }
        bool goes_on = json_walk_string_is(key, wanted) ? walk_value(walk, depth + 1)
                                                        : json_walk_skip(&walk->rest);
        if (!goes_on) {
            return false;
        }
    } while (json_walk_char(&walk->rest, ','));
    return json_walk_char(&walk->rest, '}');
}

bool metadata_walk_run(struct metadata_walk *walk, struct str metadata)
{
    walk->rest = metadata;
    return walk_object(walk, 0);
}

bool metadata_leaf_text(enum metadata_leaf leaf, struct str taken, struct buffer *scratch,
                        struct str *out_text)
{
    struct json_number number;
    buffer_clear(scratch);
    if (leaf == METADATA_WORD && json_number_read(taken, &number)) {
        json_number_append(&number, scratch);
        *out_text = buffer_str(scratch);
        return true;
    }
    if (leaf == METADATA_WORD || memchr(taken.data, '\\', taken.len) == NULL) {
        *out_text = taken;
        return true;
    }
    bool sound = json_walk_unescape(taken, scratch);
    *out_text = buffer_str(scratch);
    return sound;
}
