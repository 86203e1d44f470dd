#include "infrastructure/key_file/key_list.h"

#include "base/array.h"
#include "base/assert.h"
#include "base/base64url.h"
#include "base/digits.h"
#include "base/little_endian.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "domain/activity_rules.h"

#include <stdio.h>
#include <stdlib.h>

enum { ID_BYTES = 8, FIELDS = 6, ARENA_BYTES_MAX = 256 * 1024 * 1024 };

#define KEY_PREFIX "ut_"

/* --- the text of a key --- */

static uint64_t id_of_bytes(const uint8_t bytes[ID_BYTES])
{
    uint64_t id = 0;
    for (size_t i = 0; i < ID_BYTES; i++) {
        id = id << 8 | bytes[i];
    }
    return id;
}

/* In lower case only: one text for one id. Each request with a key comes by here. */
static bool parse_id(struct str text, uint64_t *out_id)
{
    uint8_t bytes[ID_BYTES];
    if (text.len != KEY_ID_TEXT_BYTES) {
        return false;
    }
    uint64_t wrong = digits_parse_eight(word_load(text.data), bytes) |
                     digits_parse_eight(word_load(text.data + WORD_BYTES), bytes + ID_BYTES / 2);
    if (wrong != 0) {
        return false;
    }
    *out_id = id_of_bytes(bytes);
    return true;
}

bool key_parse_id(struct str key, uint64_t *out_id)
{
    size_t prefix = sizeof KEY_PREFIX - 1;
    *out_id = 0;
    return key.len == KEY_TEXT_BYTES && str_starts_with(key, STR(KEY_PREFIX)) &&
           key.data[prefix + KEY_ID_TEXT_BYTES] == '_' &&
           parse_id((struct str){key.data + prefix, KEY_ID_TEXT_BYTES}, out_id);
}

static enum status hash_key(struct str key, uint8_t out_hash[SHA256_BYTES])
{
    struct sha256 sha256;
    enum status status = sha256_init(&sha256);
    if (status == STATUS_OK) {
        status = sha256_once(&sha256, key.data, key.len, out_hash);
        sha256_deinit(&sha256);
    }
    return status;
}

enum status key_make(const struct random *random, struct key_entry *out_entry,
                     char out_text[KEY_TEXT_BYTES + 1])
{
    uint8_t secret[KEY_SECRET_BYTES];
    struct buffer text;
    uint64_t id = random_u64(random);
    random_fill(random, secret, sizeof secret);
    buffer_init(&text, KEY_TEXT_BYTES);
    buffer_append_format(&text, KEY_PREFIX "%016llx_", (unsigned long long)id);
    base64url_encode(secret, sizeof secret, &text);
    enum status status = text.failed;
    if (status == STATUS_OK) {
        ASSERT(text.len == KEY_TEXT_BYTES);
        status = hash_key(buffer_str(&text), out_entry->hash);
    }
    if (status == STATUS_OK) {
        memcpy(out_text, text.data, KEY_TEXT_BYTES);
        out_text[KEY_TEXT_BYTES] = '\0';
        out_entry->id = id;
    }
    buffer_deinit(&text);
    return status;
}

/* --- writing a line --- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~:@+", c) != NULL);
}

static void append_user(struct buffer *text, struct str user)
{
    for (size_t i = 0; i < user.len; i++) {
        if (is_plain(user.data[i])) {
            buffer_append_char(text, user.data[i]);
        } else {
            buffer_append_format(text, "%%%02X", (unsigned)(unsigned char)user.data[i]);
        }
    }
}

void key_entry_append(const struct key_entry *entry, struct buffer *text)
{
    const struct access_grant *grant = &entry->grant;
    char scopes[ACCESS_SCOPES_TEXT_BYTES];
    char created[TIMESTAMP_TEXT_BYTES];
    access_scopes_format(grant->scopes, scopes);
    timestamp_format(entry->created_at_ms, created);
    buffer_append_format(text, "%.*s %s ", STR_FORMAT(grant->name), scopes);
    for (size_t i = 0; i < grant->user_count; i++) {
        buffer_append_str(text, i == 0 ? STR("") : STR(","));
        append_user(text, grant->users[i]);
    }
    buffer_append_str(text, grant->user_count == 0 ? STR("*") : STR(""));
    buffer_append_format(text, " %.*s %016llx ", TIMESTAMP_TEXT_BYTES, created,
                         (unsigned long long)entry->id);
    buffer_append_hex(text, entry->hash, sizeof entry->hash);
    buffer_append_char(text, '\n');
}

/* --- reading a line --- */

static bool split_fields(struct str line, struct str fields[FIELDS])
{
    size_t count = 0;
    while (line.data != NULL) {
        struct str field = str_split(&line, ' ');
        if (field.len > 0 && count == FIELDS) {
            return false;
        }
        if (field.len > 0) {
            fields[count++] = field;
        }
    }
    return count == FIELDS;
}

/* STATUS_INVALID: no user can be so. */
static enum status decode_user(struct str encoded, struct arena *arena, struct str *out_user)
{
    char *text = arena_allocate(arena, encoded.len + 1);
    size_t code_points;
    size_t len = 0;
    if (text == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t at = 0; at < encoded.len; len++) {
        uint8_t byte = (uint8_t)encoded.data[at];
        bool escaped = byte == '%';
        if (escaped ? encoded.len - at < 3 || !digits_parse_bytes(encoded.data + at + 1, 1, &byte)
                    : !is_plain((char)byte)) {
            return STATUS_INVALID;
        }
        text[len] = (char)byte;
        at += escaped ? 3 : 1;
    }
    *out_user = (struct str){text, len};
    bool can_be = len > 0 && len <= USER_ID_BYTES_MAX && memchr(text, '\0', len) == NULL &&
                  utf8_count(*out_user, &code_points);
    return can_be ? STATUS_OK : STATUS_INVALID;
}

/* INVALID, NO_MEMORY, or TOO_LARGE for more users than a key may have. */
static enum status read_users(struct str field, struct arena *arena, struct access_grant *grant)
{
    if (str_equal(field, STR("*"))) {
        return STATUS_OK;
    }
    struct str users[ACCESS_USERS_MAX];
    while (field.data != NULL) {
        struct str user;
        enum status status = decode_user(str_split(&field, ','), arena, &user);
        status = status == STATUS_OK ? access_users_add(users, &grant->user_count, user) : status;
        if (status != STATUS_OK) {
            return status;
        }
    }
    struct str *kept = arena_allocate(arena, grant->user_count * sizeof *kept);
    if (kept == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(kept, users, grant->user_count * sizeof *kept);
    grant->users = kept;
    return STATUS_OK;
}

/* Returns what is wrong, NULL for nothing. */
static const char *read_plain_fields(const struct str fields[FIELDS], struct key_entry *entry)
{
    if (!access_name_is_valid(fields[0])) {
        return "the name is none";
    }
    if (!access_scopes_parse(fields[1], &entry->grant.scopes)) {
        return "the scopes are not some of write, read, admin, erase, with commas";
    }
    if (!timestamp_parse(fields[3], &entry->created_at_ms)) {
        return "the time is none";
    }
    if (!parse_id(fields[4], &entry->id)) {
        return "the id is not 16 hexadecimal digits";
    }
    return fields[5].len == 2 * (size_t)SHA256_BYTES &&
                   digits_parse_bytes(fields[5].data, SHA256_BYTES, entry->hash)
               ? NULL
               : "the hash is not 64 hexadecimal digits";
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for so many keys");
}

static enum status read_entry(struct key_list *list, struct str line, struct key_entry *entry,
                              struct error *err)
{
    struct str fields[FIELDS];
    if (!split_fields(line, fields)) {
        return error_set(err, STATUS_INVALID, 0,
                         "line %zu is no key: name, scopes, users, time, id and hash, with spaces "
                         "between them",
                         entry->line);
    }
    const char *wrong = read_plain_fields(fields, entry);
    enum status status =
        wrong == NULL ? read_users(fields[2], &list->arena, &entry->grant) : STATUS_INVALID;
    if (status == STATUS_NO_MEMORY) {
        return no_memory(err);
    }
    if (status != STATUS_OK) {
        return error_set(err, STATUS_INVALID, 0, "line %zu is no key: %s", entry->line,
                         wrong != NULL ? wrong
                                       : "the users are not *, nor up to 64 of them, "
                                         "percent-encoded, with commas");
    }
    entry->grant.name = arena_copy_str(&list->arena, fields[0]);
    return entry->grant.name.data == NULL ? no_memory(err) : STATUS_OK;
}

static enum status read_line(struct key_list *list, struct str line, size_t number,
                             struct error *err)
{
    struct key_entry entry = {.line = number};
    struct str text = line.len > 0 && line.data[line.len - 1] == '\r'
                          ? (struct str){line.data, line.len - 1}
                          : line;
    text = str_trim(text);
    if (text.len == 0 || text.data[0] == '#') {
        return STATUS_OK;
    }
    if (list->count == KEYS_MAX) {
        return error_set(err, STATUS_INVALID, 0, "line %zu is one more key than %d", number,
                         KEYS_MAX);
    }
    enum status status = read_entry(list, text, &entry, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!ARRAY_RESERVE(list->entries, list->capacity, list->count + 1)) {
        return no_memory(err);
    }
    list->entries[list->count++] = entry;
    return STATUS_OK;
}

/* --- all of them --- */

static int compare_names(const void *a, const void *b)
{
    const struct key_entry *left = a;
    const struct key_entry *right = b;
    int order = str_compare(left->grant.name, right->grant.name);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static int compare_ids(const void *a, const void *b)
{
    const struct key_entry *left = a;
    const struct key_entry *right = b;
    int order = (left->id > right->id) - (left->id < right->id);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static enum status tell_twice(const struct key_entry *first, const struct key_entry *second,
                              const char *what, struct error *err)
{
    return error_set(err, STATUS_INVALID, 0, "line %zu has the %s of line %zu", second->line, what,
                     first->line);
}

/* Leaves them in the order of their names. */
static enum status check_each_once(struct key_list *list, struct error *err)
{
    struct key_entry *entries = list->entries;
    if (list->count < 2) {
        return STATUS_OK;
    }
    qsort(entries, list->count, sizeof *entries, compare_ids);
    for (size_t i = 1; i < list->count; i++) {
        if (entries[i - 1].id == entries[i].id) {
            return tell_twice(&entries[i - 1], &entries[i], "id", err);
        }
    }
    qsort(entries, list->count, sizeof *entries, compare_names);
    for (size_t i = 1; i < list->count; i++) {
        if (str_equal(entries[i - 1].grant.name, entries[i].grant.name)) {
            return tell_twice(&entries[i - 1], &entries[i], "name", err);
        }
    }
    return STATUS_OK;
}

enum status key_list_parse(struct str text, struct key_list *out_list, struct error *err)
{
    struct key_list list = {0};
    enum status status = STATUS_OK;
    arena_init(&list.arena, ARENA_BYTES_MAX);
    for (size_t number = 1; status == STATUS_OK && text.data != NULL; number++) {
        status = read_line(&list, str_split(&text, '\n'), number, err);
    }
    status = status == STATUS_OK ? check_each_once(&list, err) : status;
    if (status == STATUS_OK) {
        *out_list = list;
    } else {
        key_list_deinit(&list);
    }
    return status;
}

void key_list_deinit(struct key_list *list)
{
    arena_deinit(&list->arena);
    free(list->entries);
    *list = (struct key_list){0};
}

const struct key_entry *key_list_find_name(const struct key_list *list, struct str name)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(list->entries[middle].grant.name, name);
        if (order == 0) {
            return &list->entries[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}
