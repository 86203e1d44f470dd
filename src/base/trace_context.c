#include "base/trace_context.h"

#include "base/assert.h"
#include "base/base64url.h"
#include "base/digits.h"

#include <string.h>

enum {
    VERSION_AT = 0,
    TRACE_ID_AT = 3,
    SPAN_ID_AT = TRACE_ID_AT + 2 * TRACE_ID_BYTES + 1,
    FLAGS_AT = SPAN_ID_AT + 2 * SPAN_ID_BYTES + 1,
    VERSION_INVALID = 0xff,
    FLAGS_KNOWN = TRACE_FLAG_SAMPLED | TRACE_FLAG_RANDOM,

    KEY_BYTES_MAX = 256,
    TENANT_BYTES_MAX = 241,
    SYSTEM_BYTES_MAX = 14,
    VALUE_BYTES_MAX = 256,
    LARGE_MEMBER_BYTES = 128
};

_Static_assert(FLAGS_AT + 2 == TRACE_PARENT_BYTES, "the flags are the last two digits");

/* --- traceparent --- */

static bool is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t all = 0;
    for (size_t i = 0; i < len; i++) {
        all |= bytes[i];
    }
    return all == 0;
}

/* The standard wants lower case. */
static bool parse_digits(const char *digits, size_t len, uint8_t *out_bytes)
{
    for (size_t i = 0; i < 2 * len; i++) {
        if (digits[i] >= 'A' && digits[i] <= 'F') {
            return false;
        }
    }
    return digits_parse_bytes(digits, len, out_bytes);
}

static bool has_dashes(const char *text)
{
    return text[TRACE_ID_AT - 1] == '-' && text[SPAN_ID_AT - 1] == '-' && text[FLAGS_AT - 1] == '-';
}

/* A later version may have more behind a further dash. */
static bool has_length_of(uint8_t version, struct str text)
{
    return text.len == TRACE_PARENT_BYTES ||
           (version > 0 && text.len > TRACE_PARENT_BYTES && text.data[TRACE_PARENT_BYTES] == '-');
}

bool trace_context_parse(struct str text, struct trace_context *out_context)
{
    uint8_t version;
    struct trace_context context = {.state = {NULL, 0}};
    if (text.len < TRACE_PARENT_BYTES || !has_dashes(text.data) ||
        !parse_digits(text.data + VERSION_AT, 1, &version) || version == VERSION_INVALID ||
        !has_length_of(version, text) ||
        !parse_digits(text.data + TRACE_ID_AT, TRACE_ID_BYTES, context.trace_id) ||
        !parse_digits(text.data + SPAN_ID_AT, SPAN_ID_BYTES, context.span_id) ||
        !parse_digits(text.data + FLAGS_AT, 1, &context.flags) ||
        is_zero(context.trace_id, TRACE_ID_BYTES) || is_zero(context.span_id, SPAN_ID_BYTES)) {
        return false;
    }
    context.flags &= FLAGS_KNOWN;
    *out_context = context;
    return true;
}

void trace_context_format(const struct trace_context *context, char out_text[TRACE_PARENT_BYTES])
{
    memset(out_text, '-', TRACE_PARENT_BYTES);
    memcpy(out_text + VERSION_AT, "00", 2);
    digits_write_bytes(context->trace_id, TRACE_ID_BYTES, out_text + TRACE_ID_AT);
    digits_write_bytes(context->span_id, SPAN_ID_BYTES, out_text + SPAN_ID_AT);
    digits_write_bytes(&context->flags, 1, out_text + FLAGS_AT);
}

/* --- packed --- */

enum { PACKED_IDS_BYTES = TRACE_ID_BYTES + SPAN_ID_BYTES + 1 };

_Static_assert(BASE64URL_LENGTH(PACKED_IDS_BYTES) == TRACE_PACKED_BYTES_MIN, "as the header says");

size_t trace_context_pack(const struct trace_context *context,
                          char out_text[TRACE_PACKED_BYTES_MAX])
{
    uint8_t ids[PACKED_IDS_BYTES];
    size_t state_bytes = context->state.len <= TRACE_STATE_BYTES_MAX ? context->state.len : 0;
    /* Never more than there is room for, so it does not grow. */
    struct buffer text = {
        .data = out_text, .capacity = TRACE_PACKED_BYTES_MAX, .bytes_max = TRACE_PACKED_BYTES_MAX};
    memcpy(ids, context->trace_id, TRACE_ID_BYTES);
    memcpy(ids + TRACE_ID_BYTES, context->span_id, SPAN_ID_BYTES);
    ids[PACKED_IDS_BYTES - 1] = context->flags;
    base64url_encode(ids, sizeof ids, &text);
    buffer_append(&text, context->state.data, state_bytes);
    ASSERT(text.failed == STATUS_OK && text.data == out_text);
    return text.len;
}

bool trace_context_unpack(struct str packed, struct trace_context *out_context)
{
    uint8_t ids[PACKED_IDS_BYTES];
    size_t len;
    struct trace_context context = {.state = {NULL, 0}};
    if (packed.len < TRACE_PACKED_BYTES_MIN || packed.len > TRACE_PACKED_BYTES_MAX ||
        !base64url_decode((struct str){packed.data, TRACE_PACKED_BYTES_MIN}, ids, sizeof ids,
                          &len) ||
        is_zero(ids, TRACE_ID_BYTES) || is_zero(ids + TRACE_ID_BYTES, SPAN_ID_BYTES)) {
        return false;
    }
    memcpy(context.trace_id, ids, TRACE_ID_BYTES);
    memcpy(context.span_id, ids + TRACE_ID_BYTES, SPAN_ID_BYTES);
    context.flags = ids[PACKED_IDS_BYTES - 1] & FLAGS_KNOWN;
    if (packed.len > TRACE_PACKED_BYTES_MIN) {
        context.state =
            (struct str){packed.data + TRACE_PACKED_BYTES_MIN, packed.len - TRACE_PACKED_BYTES_MIN};
    }
    *out_context = context;
    return true;
}

/* --- tracestate --- */

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_name(struct str name, size_t bytes_max)
{
    if (name.len == 0 || name.len > bytes_max || !begins_name(name.data[0])) {
        return false;
    }
    for (size_t i = 1; i < name.len; i++) {
        char c = name.data[i];
        if (!begins_name(c) && c != '_' && c != '-' && c != '*' && c != '/') {
            return false;
        }
    }
    return true;
}

/* "congo", or a tenant and its system, "fw529a3039@dt". */
static bool is_key(struct str key)
{
    struct str system = key;
    struct str tenant = str_split(&system, '@');
    return system.data == NULL
               ? is_name(tenant, KEY_BYTES_MAX)
               : is_name(tenant, TENANT_BYTES_MAX) && is_name(system, SYSTEM_BYTES_MAX);
}

static bool is_value(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c < 0x20 || c > 0x7e || c == ',' || c == '=') {
            return false;
        }
    }
    return value.len > 0 && value.len <= VALUE_BYTES_MAX;
}

static bool is_member(struct str member)
{
    struct str value = member;
    struct str key = str_split(&value, '=');
    return value.data != NULL && is_key(key) && is_value(value);
}

void trace_state_init(struct trace_state *state)
{
    state->len = 0;
    state->members = 0;
    state->is_full = false;
    state->is_broken = false;
}

/* False: there is no room. */
static bool put(struct trace_state *state, struct str member)
{
    size_t comma = state->len > 0;
    if (member.len + comma > TRACE_STATE_BYTES_MAX - state->len) {
        return false;
    }
    if (comma > 0) {
        state->text[state->len++] = ',';
    }
    memcpy(state->text + state->len, member.data, member.len);
    state->len += member.len;
    return true;
}

/* In its place: what is kept moves to the front. */
static void drop_large_members(struct trace_state *state)
{
    struct str rest = {state->text, state->len};
    size_t kept = 0;
    while (rest.data != NULL) {
        struct str member = str_split(&rest, ',');
        if (member.len > LARGE_MEMBER_BYTES) {
            continue;
        }
        if (kept > 0) {
            state->text[kept++] = ',';
        }
        memmove(state->text + kept, member.data, member.len);
        kept += member.len;
    }
    state->len = kept;
}

static void take_member(struct trace_state *state, struct str member)
{
    state->members++;
    if (!is_member(member) || state->members > TRACE_STATE_MEMBERS_MAX) {
        state->is_broken = true;
        return;
    }
    if (state->is_full || put(state, member)) {
        return;
    }
    drop_large_members(state);
    state->is_full = member.len <= LARGE_MEMBER_BYTES && !put(state, member);
}

void trace_state_add(struct trace_state *state, struct str value)
{
    struct str rest = value;
    while (rest.data != NULL && !state->is_broken) {
        struct str member = str_trim(str_split(&rest, ','));
        if (member.len > 0) {
            take_member(state, member);
        }
    }
}

struct str trace_state_text(const struct trace_state *state)
{
    return state->is_broken || state->len == 0 ? (struct str){0}
                                               : (struct str){state->text, state->len};
}
