/*
 * Finds the items of an array by brackets and quotes alone. Parsing item by item keeps the parser's
 * memory at the size of one activity (a body of 16 MiB of "[" would otherwise cost 16 times as
 * much), lets one bad activity be told apart from its neighbours and knows the bytes of each.
 */
#include "application/activity_json.h"
#include "base/word.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_spaces(const char *text, size_t len, size_t at)
{
    while (at < len && is_space(text[at])) {
        at++;
    }
    return at;
}

bool activity_json_is_array(const char *text, size_t len)
{
    size_t at = skip_spaces(text, len, 0);
    return at < len && text[at] == '[';
}

void activity_json_array_init(struct activity_json_array *array, char *text, size_t len)
{
    *array = (struct activity_json_array){.text = text, .len = len};
}

/* The offset of the next quote or backslash; `len` when there is none. Most bytes of a body stand
 * in strings, so these are passed eight at a time. */
static size_t find_string_mark(const char *text, size_t len, size_t at)
{
    for (; len - at >= WORD_BYTES; at += WORD_BYTES) {
        uint64_t word = word_load(text + at);
        uint64_t marks = word_holds(word, '"') | word_holds(word, '\\');
        if (marks != 0) {
            return at + word_first(marks);
        }
    }
    while (at < len && text[at] != '"' && text[at] != '\\') {
        at++;
    }
    return at;
}

/* The offset behind the string whose opening quote stands at `at`; `len` when it does not end. */
static size_t skip_string(const char *text, size_t len, size_t at)
{
    at = find_string_mark(text, len, at + 1);
    while (at < len && text[at] == '\\') {
        at = at + 2 < len ? find_string_mark(text, len, at + 2) : len;
    }
    return at < len ? at + 1 : len;
}

/* The offset behind an object or array that opens at `at`; `len` when it does not close. */
static size_t skip_container(const char *text, size_t len, size_t at)
{
    size_t depth = 0;
    while (at < len) {
        char c = text[at];
        if (c == '"') {
            at = skip_string(text, len, at);
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
        if (depth == 0) {
            return at;
        }
    }
    return len;
}

static size_t skip_scalar(const char *text, size_t len, size_t at)
{
    while (at < len && text[at] != ',' && text[at] != ']' && text[at] != '}' &&
           !is_space(text[at])) {
        at++;
    }
    return at;
}

static size_t skip_value(const char *text, size_t len, size_t at)
{
    if (at < len && text[at] == '"') {
        return skip_string(text, len, at);
    }
    if (at < len && (text[at] == '{' || text[at] == '[')) {
        return skip_container(text, len, at);
    }
    return skip_scalar(text, len, at);
}

static enum status malformed(struct error *err, const char *expected, size_t at)
{
    return error_set(err, STATUS_INVALID, 0, "this is not a JSON array: expected %s at byte %zu",
                     expected, at);
}

static enum status finish(struct activity_json_array *array, size_t at, struct error *err)
{
    at = skip_spaces(array->text, array->len, at + 1);
    if (at != array->len) {
        return malformed(err, "nothing more", at);
    }
    return STATUS_NOT_FOUND;
}

enum status activity_json_array_next(struct activity_json_array *array, char **out_item,
                                     size_t *out_len, struct error *err)
{
    const char *text = array->text;
    size_t at = skip_spaces(text, array->len, array->next);
    bool first = array->count == 0;
    if (at == array->len || (first && text[at] != '[') ||
        (!first && text[at] != ',' && text[at] != ']')) {
        return malformed(err, first ? "\"[\"" : "\",\" or \"]\"", at);
    }
    if (!first && text[at] == ']') {
        return finish(array, at, err);
    }
    size_t begin = skip_spaces(text, array->len, at + 1);
    if (first && begin < array->len && text[begin] == ']') {
        return finish(array, begin, err);
    }
    size_t end = skip_value(text, array->len, begin);
    if (end == begin || end == array->len) {
        return malformed(err, end == begin ? "an activity" : "\"]\"", end);
    }
    *out_item = array->text + begin;
    *out_len = end - begin;
    array->next = end;
    array->count++;
    return STATUS_OK;
}
