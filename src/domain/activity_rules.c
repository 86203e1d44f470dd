#include "domain/activity_rules.h"

#include "base/timestamp.h"
#include "base/utf8.h"

const struct activity_rules activity_rules_default = {
    .user_id_code_points_max = 256,
    .action_code_points_max = 256,
    .metadata_bytes_max = 64 * 1024,
    .metadata_depth_max = 32,
    .timestamp_ahead_ms_max = INT64_C(24) * 60 * 60 * 1000,
};

struct name_rule {
    const char *pointer;
    size_t code_points_max;
    size_t bytes_max;
};

static bool count_code_points(struct name_rule rule, struct str name, size_t *out_code_points,
                              struct rejection *rejection)
{
    size_t code_points = 0;
    struct str rest = name;
    if (utf8_is_plain_ascii(name)) {
        *out_code_points = name.len;
        return true;
    }
    for (; rest.len > 0; code_points++) {
        uint32_t code_point;
        if (!utf8_next(&rest, &code_point)) {
            rejection_add(rejection, rule.pointer, "must be well-formed UTF-8");
            return false;
        }
        if (utf8_is_control(code_point)) {
            rejection_add(rejection, rule.pointer,
                          "must not hold control characters, but holds U+%04X", code_point);
            return false;
        }
    }
    *out_code_points = code_points;
    return true;
}

/* Shared by userId and action: length, well-formed text, no control characters. */
static bool check_name(struct name_rule rule, struct str name, struct rejection *rejection)
{
    size_t code_points;
    if (name.len == 0) {
        rejection_add(rejection, rule.pointer, "must not be empty");
        return false;
    }
    if (!count_code_points(rule, name, &code_points, rejection)) {
        return false;
    }
    if (code_points > rule.code_points_max || name.len > rule.bytes_max) {
        rejection_add(rejection, rule.pointer,
                      "must have at most %zu characters and %zu bytes, but has %zu and %zu",
                      rule.code_points_max, rule.bytes_max, code_points, name.len);
        return false;
    }
    return true;
}

/* What a client's broken template or concatenation leaves where a user should be named. */
static bool is_placeholder(struct str user_id)
{
    return str_equal(user_id, STR("null")) || str_equal(user_id, STR("undefined")) ||
           str_equal(user_id, STR("[object Object]"));
}

bool activity_rules_check_user_id(const struct activity_rules *rules, struct str user_id,
                                  struct rejection *rejection)
{
    struct name_rule rule = {"/userId", rules->user_id_code_points_max, USER_ID_BYTES_MAX};
    if (!check_name(rule, user_id, rejection)) {
        return false;
    }
    if (is_placeholder(user_id)) {
        rejection_add(rejection, rule.pointer,
                      "\"%.*s\" is what a program writes when it has no user; send the user's id",
                      STR_FORMAT(user_id));
        return false;
    }
    return true;
}

bool activity_rules_check_action(const struct activity_rules *rules, struct str action,
                                 struct rejection *rejection)
{
    struct name_rule rule = {"/action", rules->action_code_points_max, ACTION_BYTES_MAX};
    return check_name(rule, action, rejection);
}

/* 1 for the characters of an id. */
static const uint8_t id_chars[256] = {
    ['-'] = 1, ['.'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1,
    ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, [':'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1,
    ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,
    ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1, ['R'] = 1, ['S'] = 1,
    ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['_'] = 1,
    ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1,
    ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1,
    ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1,
    ['y'] = 1, ['z'] = 1,
};

/* Without a branch for each: the characters of ids are random, and branches on them are guessed
 * wrong. */
static bool is_id(struct str id)
{
    unsigned fine = 1;
    for (size_t i = 0; i < id.len; i++) {
        fine &= id_chars[(unsigned char)id.data[i]];
    }
    return fine == 1;
}

bool activity_rules_check_id(struct str id, struct rejection *rejection)
{
    bool fine = id.len >= 1 && id.len <= ACTIVITY_ID_BYTES_MAX && is_id(id);
    if (!fine) {
        rejection_add(rejection, "/id", "must be 1 to %d characters of A-Z a-z 0-9 . _ : -",
                      ACTIVITY_ID_BYTES_MAX);
        return false;
    }
    if (str_equal(id, STR("stream")) || str_equal(id, STR("export"))) {
        rejection_add(rejection, "/id", "\"%.*s\" is the name of a route; choose another id",
                      STR_FORMAT(id));
        return false;
    }
    return true;
}

bool activity_rules_check_timestamp(const struct activity_rules *rules, struct str timestamp,
                                    int64_t now_ms, int64_t *out_timestamp_ms,
                                    struct rejection *rejection)
{
    int64_t timestamp_ms;
    if (!timestamp_parse(timestamp, &timestamp_ms)) {
        rejection_add(rejection, "/timestamp",
                      "must be an RFC 3339 date-time with an offset between the years 1970 and "
                      "9999, such as 2024-01-15T10:00:00Z");
        return false;
    }
    if (timestamp_ms > now_ms && timestamp_ms - now_ms > rules->timestamp_ahead_ms_max) {
        rejection_add(rejection, "/timestamp",
                      "lies more than %lld seconds ahead of this server's clock",
                      (long long)(rules->timestamp_ahead_ms_max / 1000));
        return false;
    }
    *out_timestamp_ms = timestamp_ms;
    return true;
}
