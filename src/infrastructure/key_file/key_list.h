#pragma once
/*
 * The text of a file of keys, and the text of a key itself. The file has a line for each key, its
 * parts with spaces between them:
 *
 *     web-frontend write,read * 2026-01-14T23:58:05.442Z 9f86d081884c7d65 <64 hexadecimal digits>
 *     |            |          | |                        |                |
 *     name         scopes     | when it was made         id               SHA-256 of the whole key
 *                             users that it is limited to, percent-encoded, with commas; *: all
 *
 * Empty lines and those that begin with "#" are people's own and stay as they are. What a key is
 * made of is never in the file: who reads it cannot make requests.
 *
 *     ut_9f86d081884c7d65_<32 characters of base64url: 192 random bits>
 *
 * With so many random bits a hash that is quick to compute is as good as a slow one. One thread at
 * a time.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/random.h"
#include "domain/access_grant.h"
#include "infrastructure/crypto/sha256.h"

enum {
    KEY_FILE_BYTES_MAX = 64 * 1024 * 1024,
    KEYS_MAX = 100000,
    KEY_ID_TEXT_BYTES = 16,
    KEY_SECRET_BYTES = 24,
    KEY_TEXT_BYTES = 52 /* without a NUL */
};

struct key_entry {
    struct access_grant grant;
    int64_t created_at_ms;
    uint64_t id;
    uint8_t hash[SHA256_BYTES];
    size_t line; /* in the file, from 1 */
};

struct key_list {
    struct arena arena; /* of all texts */
    struct key_entry *entries;
    size_t count;
    size_t capacity;
};

/* INVALID says which line is wrong, or says what another one said. NO_MEMORY. */
MUST_USE enum status key_list_parse(struct str text, struct key_list *out_list, struct error *err);

/* Takes one that is all zero, too. */
void key_list_deinit(struct key_list *list);

/* NULL: there is none. */
const struct key_entry *key_list_find_name(const struct key_list *list, struct str name);

/* Appends a line. */
void key_entry_append(const struct key_entry *entry, struct buffer *text);

/* A new key: its text, and what the file keeps of it. NO_MEMORY. */
MUST_USE enum status key_make(const struct random *random, struct key_entry *out_entry,
                              char out_text[KEY_TEXT_BYTES + 1]);

/* False: no key can be so; then its id is 0. */
bool key_parse_id(struct str key, uint64_t *out_id);
