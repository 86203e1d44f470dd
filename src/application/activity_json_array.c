/*
 * Finds the items of an array by brackets and quotes alone. Parsing item by item keeps the parser's
 * memory at the size of one activity (a body of 16 MiB of "[" would otherwise cost 16 times as
 * much), lets one bad activity be told apart from its neighbours and knows the bytes of each.
 */
#include "application/activity_json.h"
#include "base/block.h"

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

/* The offset behind the string whose opening quote stands at `at`; `len` when it does not end. Only
 * for items that are strings, which no activity is. */
static size_t skip_string(const char *text, size_t len, size_t at)
{
    for (at++; at < len && text[at] != '"'; at++) {
        at += text[at] == '\\';
    }
    return at < len ? at + 1 : len;
}

/* Containers are passed in blocks of 64 bytes, each as a few masks with a bit a byte (the idea of
 * simdjson; Langdale, Lemire, "Parsing gigabytes of JSON per second", VLDB Journal 2019). */
struct scan {
    uint64_t in_string; /* all ones: the block begins inside a string */
    bool escaped;       /* its first byte is escaped */
    size_t depth;
};

/* The offset behind the bracket that closes everything; 0: none does. For blocks with escapes,
 * which count in strings only. */
static size_t find_close_by_bytes(struct scan *scan, const char *text, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        char c = text[at];
        if (scan->escaped) {
            scan->escaped = false;
        } else if (scan->in_string != 0) {
            scan->escaped = c == '\\';
            scan->in_string = c == '"' ? 0 : UINT64_MAX;
        } else if (c == '"') {
            scan->in_string = UINT64_MAX;
        } else {
            scan->depth += c == '{' || c == '[';
            scan->depth -= c == '}' || c == ']';
            if (scan->depth == 0) {
                return at + 1;
            }
        }
    }
    return 0;
}

/* The same of a block. */
static size_t find_close(struct scan *scan, struct block block)
{
    enum { CASE_BIT = 0x20 }; /* by which "{" differs from "[", and "}" from "]" */
    uint64_t quotes = block_holds(block, '"');
    for (unsigned distance = 1; distance < BLOCK_BYTES; distance *= 2) {
        quotes ^= quotes << distance; /* in the end, bit i is the parity of the bits 0 to i */
    }
    uint64_t strings = quotes ^ scan->in_string;
    scan->in_string = strings >> (BLOCK_BYTES - 1) == 0 ? 0 : UINT64_MAX;
    struct block brackets = block_with_bits(block, CASE_BIT);
    uint64_t opening = block_holds(brackets, '{') & ~strings;
    uint64_t left = opening | (block_holds(brackets, '}') & ~strings);
    for (; left != 0; left &= left - 1) {
        scan->depth += (opening & left & -left) != 0 ? 1 : SIZE_MAX;
        if (scan->depth == 0) {
            return (size_t)__builtin_ctzll(left) + 1;
        }
    }
    return 0;
}

/* The offset behind an object or array that opens at `at`; `len` when it does not close. */
static size_t skip_container(const char *text, size_t len, size_t at)
{
    struct scan scan = {0};
    for (; len - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        struct block block = block_load(text + at);
        bool plain = !scan.escaped && block_holds(block, '\\') == 0;
        size_t end =
            plain ? find_close(&scan, block) : find_close_by_bytes(&scan, text + at, BLOCK_BYTES);
        if (end != 0) {
            return at + end;
        }
    }
    size_t end = find_close_by_bytes(&scan, text + at, len - at);
    return end != 0 ? at + end : len;
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
