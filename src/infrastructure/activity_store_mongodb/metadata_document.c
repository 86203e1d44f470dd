#include "infrastructure/activity_store_mongodb/metadata_document.h"

#include "base/json_text.h"
#include "base/json_walk.h"
#include "infrastructure/activity_store_mongodb/metadata_number.h"
#include "infrastructure/mongodb_client/document_writer.h"

#include <stdlib.h>

enum { SCRATCH_BYTES_MAX = 64 * 1024 * 1024, FEW_KEYS = 16 };

struct writing {
    struct metadata_scratch *scratch;
    struct str rest;
    struct buffer *out;
    bool exact;
    unsigned depth;
};

void metadata_scratch_init(struct metadata_scratch *scratch)
{
    buffer_init(&scratch->text, SCRATCH_BYTES_MAX);
    buffer_init(&scratch->hashes, SCRATCH_BYTES_MAX);
}

void metadata_scratch_deinit(struct metadata_scratch *scratch)
{
    buffer_deinit(&scratch->text);
    buffer_deinit(&scratch->hashes);
}

/* Keys -------------------------------------------------------------------------------------- */

static int compare_hashes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static bool has_equal_hashes(uint64_t *hashes, size_t count)
{
    if (count > FEW_KEYS) {
        qsort(hashes, count, sizeof *hashes, compare_hashes);
        for (size_t i = 1; i < count; i++) {
            if (hashes[i - 1] == hashes[i]) {
                return true;
            }
        }
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        for (size_t other = 0; other < i; other++) {
            if (hashes[other] == hashes[i]) {
                return true;
            }
        }
    }
    return false;
}

/* Takes the hashes of one object away, which begin at `begin`. */
static bool keys_differ(struct buffer *hashes, size_t begin)
{
    bool known = hashes->failed == STATUS_OK;
    if (!known || hashes->len == begin) {
        return known;
    }
    bool equal = has_equal_hashes((uint64_t *)(void *)(hashes->data + begin),
                                  (hashes->len - begin) / sizeof(uint64_t));
    hashes->len = begin;
    return !equal;
}

/* 64-bit FNV-1a. */
static bool note_key(struct writing *writing, struct str key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    bool allowed = key.len > 0 && key.data[0] != '$';
    for (size_t i = 0; i < key.len; i++) {
        allowed = allowed && key.data[i] != '.' && key.data[i] != '\0';
        hash = (hash ^ (unsigned char)key.data[i]) * UINT64_C(0x100000001b3);
    }
    buffer_append(&writing->scratch->hashes, &hash, sizeof hash);
    return allowed;
}

/* Strings ----------------------------------------------------------------------------------- */

static bool is_plain(struct str content)
{
    unsigned char found = 0;
    for (size_t i = 0; i < content.len; i++) {
        unsigned char c = (unsigned char)content.data[i];
        found |= (c < 0x20) | (c == '\\');
    }
    return found == 0;
}

/* Appends the text that a string's content stands for, and notes when its escapes are not the ones
 * that would be written. */
static bool append_unescaped(struct writing *writing, struct str content, struct buffer *out)
{
    if (is_plain(content)) {
        buffer_append_str(out, content);
        return true;
    }
    size_t begin = out->len;
    if (!json_walk_unescape(content, out) || out->failed != STATUS_OK) {
        return false;
    }
    struct buffer written;
    buffer_init(&written, SCRATCH_BYTES_MAX);
    json_text_append_string(&written, (struct str){out->data + begin, out->len - begin});
    writing->exact = writing->exact && written.failed == STATUS_OK &&
                     written.len == content.len + 2 &&
                     memcmp(written.data + 1, content.data, content.len) == 0;
    buffer_deinit(&written);
    return true;
}

static bool put_string(struct writing *writing)
{
    struct str content;
    struct buffer *out = writing->out;
    size_t begin = out->len;
    if (!json_walk_string(&writing->rest, &content)) {
        return false;
    }
    document_write_u32(out, 0);
    if (!append_unescaped(writing, content, out)) {
        return false;
    }
    buffer_append_char(out, '\0');
    if (out->failed == STATUS_OK) {
        little_endian_put_u32(out->data + begin, (uint32_t)(out->len - begin - 4));
    }
    return true;
}

/* Values ------------------------------------------------------------------------------------ */

/* The type stands before the key, which was written when the value is read. */
static void set_type(struct writing *writing, size_t type_at, enum document_type type)
{
    if (writing->out->failed == STATUS_OK) {
        writing->out->data[type_at] = (char)type;
    }
}

static bool put_number(struct writing *writing, struct str word, size_t type_at)
{
    struct metadata_number number;
    if (!metadata_number_read(word, &number)) {
        return false;
    }
    writing->exact = writing->exact && number.exact;
    if (number.kind == METADATA_DOUBLE) {
        uint64_t bits;
        memcpy(&bits, &number.real, sizeof bits);
        set_type(writing, type_at, DOCUMENT_DOUBLE);
        document_write_u64(writing->out, bits);
    } else if (number.kind == METADATA_NO_NUMBER) {
        set_type(writing, type_at, DOCUMENT_NULL);
    } else if (number.integer >= INT32_MIN && number.integer <= INT32_MAX) {
        set_type(writing, type_at, DOCUMENT_INT32);
        document_write_u32(writing->out, (uint32_t)(int32_t)number.integer);
    } else {
        set_type(writing, type_at, DOCUMENT_INT64);
        document_write_u64(writing->out, (uint64_t)number.integer);
    }
    return true;
}

static bool put_word(struct writing *writing, size_t type_at)
{
    struct str word;
    if (!json_walk_word(&writing->rest, &word)) {
        return false;
    }
    if (str_equal(word, STR("null"))) {
        set_type(writing, type_at, DOCUMENT_NULL);
        return true;
    }
    bool is_true = str_equal(word, STR("true"));
    if (is_true || str_equal(word, STR("false"))) {
        set_type(writing, type_at, DOCUMENT_BOOL);
        buffer_append_char(writing->out, is_true ? 1 : 0);
        return true;
    }
    return put_number(writing, word, type_at);
}

/* These call each other, to METADATA_DEPTH_MAX levels. */
static bool put_object(struct writing *writing);
static bool put_array(struct writing *writing);

static bool put_value(struct writing *writing, size_t type_at)
{
    switch (writing->rest.len > 0 ? writing->rest.data[0] : '\0') {
    case '{':
        set_type(writing, type_at, DOCUMENT_OBJECT);
        return put_object(writing);
    case '[':
        set_type(writing, type_at, DOCUMENT_ARRAY);
        return put_array(writing);
    case '"':
        set_type(writing, type_at, DOCUMENT_STRING);
        return put_string(writing);
    default:
        return put_word(writing, type_at);
    }
}

static bool put_elements(struct writing *writing)
{
    size_t index = 0;
    if (json_walk_char(&writing->rest, ']')) {
        return true;
    }
    do {
        size_t type_at = writing->out->len;
        document_put_index(writing->out, DOCUMENT_NULL, index++);
        if (!put_value(writing, type_at)) {
            return false;
        }
    } while (json_walk_char(&writing->rest, ','));
    return json_walk_char(&writing->rest, ']');
}

static bool put_key(struct writing *writing)
{
    struct str content;
    struct buffer *text = &writing->scratch->text;
    if (!json_walk_string(&writing->rest, &content) || !json_walk_char(&writing->rest, ':')) {
        return false;
    }
    buffer_clear(text);
    if (!is_plain(content)) {
        if (!append_unescaped(writing, content, text)) {
            return false;
        }
        content = buffer_str(text);
    }
    document_put_key(writing->out, DOCUMENT_NULL, content);
    return note_key(writing, content);
}

static bool put_members(struct writing *writing)
{
    size_t hashes_begin = writing->scratch->hashes.len;
    if (json_walk_char(&writing->rest, '}')) {
        return true;
    }
    do {
        size_t type_at = writing->out->len;
        if (!put_key(writing) || !put_value(writing, type_at)) {
            return false;
        }
    } while (json_walk_char(&writing->rest, ','));
    return json_walk_char(&writing->rest, '}') &&
           keys_differ(&writing->scratch->hashes, hashes_begin);
}

static bool put_container(struct writing *writing, bool is_object)
{
    if (writing->depth == METADATA_DEPTH_MAX ||
        !json_walk_char(&writing->rest, is_object ? '{' : '[')) {
        return false;
    }
    writing->depth++;
    size_t begin = document_begin(writing->out);
    bool whole = is_object ? put_members(writing) : put_elements(writing);
    document_end(writing->out, begin);
    writing->depth--;
    return whole;
}

static bool put_object(struct writing *writing)
{
    return put_container(writing, true);
}

static bool put_array(struct writing *writing)
{
    return put_container(writing, false);
}

enum metadata_fit metadata_document_append(struct metadata_scratch *scratch, struct str metadata,
                                           struct buffer *out_document)
{
    struct writing writing = {
        .scratch = scratch, .rest = metadata, .out = out_document, .exact = true};
    size_t begin = out_document->len;
    buffer_clear(&scratch->hashes);
    if (put_object(&writing) && writing.rest.len == 0) {
        return writing.exact ? METADATA_EXACT : METADATA_APPROXIMATE;
    }
    if (out_document->failed == STATUS_OK) {
        out_document->len = begin;
        document_end(out_document, document_begin(out_document));
    }
    return METADATA_TEXT_ONLY;
}
