#include "application/import_state.h"

#include "base/crc32c.h"
#include "base/digits.h"

#include <stdio.h>

#define FIRST_LINE "usertrail import 1"

enum { HEX_BYTES = 2 * IMPORT_HASH_BYTES };

static void append_number(struct buffer *text, const char *name, uint64_t value)
{
    buffer_append_format(text, "%s %llu\n", name, (unsigned long long)value);
}

static void append_hash(struct buffer *text, const char *name,
                        const uint8_t hash[IMPORT_HASH_BYTES])
{
    buffer_append_format(text, "%s ", name);
    buffer_append_hex(text, hash, IMPORT_HASH_BYTES);
    buffer_append_char(text, '\n');
}

void import_state_append(struct buffer *out_text, const struct import_state *state)
{
    size_t begin = out_text->len;
    buffer_append_format(out_text, FIRST_LINE "\ntarget %s\n", state->target);
    append_number(out_text, "offset", state->progress.offset);
    append_number(out_text, "line", state->progress.line);
    append_number(out_text, "imported", state->progress.imported);
    append_number(out_text, "refused", state->progress.refused);
    append_number(out_text, "errors", state->errors_bytes);
    append_hash(out_text, "key", state->progress.key);
    append_hash(out_text, "seen", state->seen);
    if (out_text->failed == STATUS_OK) {
        buffer_append_format(out_text, "check %08x\n",
                             (unsigned)crc32c(out_text->data + begin, out_text->len - begin));
    }
}

/* The value of the line, which must be the next one. */
static bool take_value(struct str *rest, const char *name, struct str *out_value)
{
    struct str line = str_split(rest, '\n');
    struct str start = str_from(name);
    if (!str_starts_with(line, start) || line.len <= start.len || line.data[start.len] != ' ') {
        return false;
    }
    *out_value = (struct str){line.data + start.len + 1, line.len - start.len - 1};
    return true;
}

static bool take_number(struct str *rest, const char *name, uint64_t *out_value)
{
    struct str text;
    unsigned long long value;
    if (!take_value(rest, name, &text) || !str_parse_u64(text, UINT64_MAX, &value)) {
        return false;
    }
    *out_value = value;
    return true;
}

static bool take_hash(struct str *rest, const char *name, uint8_t out_hash[IMPORT_HASH_BYTES])
{
    struct str text;
    return take_value(rest, name, &text) && text.len == HEX_BYTES &&
           digits_parse_bytes(text.data, IMPORT_HASH_BYTES, out_hash);
}

static bool take_target(struct str *rest, char out_target[IMPORT_TARGET_TEXT_BYTES])
{
    struct str text;
    if (!take_value(rest, "target", &text) || text.len >= IMPORT_TARGET_TEXT_BYTES) {
        return false;
    }
    memcpy(out_target, text.data, text.len);
    out_target[text.len] = '\0';
    return true;
}

static bool has_check(struct str text, struct str rest)
{
    char expected[32];
    size_t len = (size_t)(rest.data - text.data);
    int bytes =
        snprintf(expected, sizeof expected, "check %08x\n", (unsigned)crc32c(text.data, len));
    return str_equal(rest, (struct str){expected, (size_t)bytes});
}

enum status import_state_parse(struct str text, struct import_state *out_state, struct error *err)
{
    struct import_state state = {.progress.has_key = true};
    struct str rest = text;
    bool read = str_equal(str_split(&rest, '\n'), STR(FIRST_LINE)) &&
                take_target(&rest, state.target) &&
                take_number(&rest, "offset", &state.progress.offset) &&
                take_number(&rest, "line", &state.progress.line) &&
                take_number(&rest, "imported", &state.progress.imported) &&
                take_number(&rest, "refused", &state.progress.refused) &&
                take_number(&rest, "errors", &state.errors_bytes) &&
                take_hash(&rest, "key", state.progress.key) && take_hash(&rest, "seen", state.seen);
    if (!read || rest.data == NULL || !has_check(text, rest)) {
        return error_set(err, STATUS_INVALID, 0,
                         "it is no state of an import, or not as it was written");
    }
    *out_state = state;
    return STATUS_OK;
}
