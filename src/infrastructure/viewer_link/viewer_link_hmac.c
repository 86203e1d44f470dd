#include "infrastructure/viewer_link/viewer_link_hmac.h"

#include "base/base64url.h"
#include "domain/activity_rules.h"
#include "infrastructure/crypto/keyed_hash.h"
#include "infrastructure/disk/small_file.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    VERSION = 1,
    HEAD_BYTES = 9, /* before the user id */
    TOKEN_BYTES_MAX = HEAD_BYTES + USER_ID_BYTES_MAX + SHA256_BYTES
};

#define PURPOSE "usertrail viewer link 1"

struct hmac_links {
    struct viewer_links links;
    struct keyed_hash *hashes; /* one for each reader */
    unsigned readers;
};

static struct hmac_links *links_of(struct viewer_links *links)
{
    return CONTAINER_OF(links, struct hmac_links, links);
}

/* --- tokens --- */

static void store_time(uint8_t bytes[8], int64_t seconds)
{
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)seconds >> (56 - 8 * i));
    }
}

static int64_t load_time(const uint8_t bytes[8])
{
    uint64_t seconds = 0;
    for (int i = 0; i < 8; i++) {
        seconds = seconds << 8 | bytes[i];
    }
    return (int64_t)seconds;
}

static enum status issue(struct viewer_links *base, unsigned reader, const struct viewer_link *link,
                         struct buffer *out_token)
{
    uint8_t bytes[TOKEN_BYTES_MAX] = {VERSION};
    size_t len = HEAD_BYTES + link->user_id.len;
    store_time(bytes + 1, link->expires_at_s);
    memcpy(bytes + HEAD_BYTES, link->user_id.data, link->user_id.len);
    enum status status = keyed_hash_once(&links_of(base)->hashes[reader], bytes, len, bytes + len);
    if (status == STATUS_OK) {
        buffer_append_literal(out_token, VIEWER_LINK_PREFIX);
        base64url_encode(bytes, len + SHA256_BYTES, out_token);
        status = out_token->failed;
    }
    return status;
}

static enum status check(struct viewer_links *base, unsigned reader, struct str token,
                         struct arena *arena, struct viewer_link *out_link)
{
    uint8_t bytes[TOKEN_BYTES_MAX];
    uint8_t hash[SHA256_BYTES];
    size_t prefix = sizeof VIEWER_LINK_PREFIX - 1;
    size_t len;
    if (!str_starts_with(token, STR(VIEWER_LINK_PREFIX)) ||
        !base64url_decode((struct str){token.data + prefix, token.len - prefix}, bytes,
                          sizeof bytes, &len) ||
        len <= HEAD_BYTES + SHA256_BYTES || bytes[0] != VERSION) {
        return STATUS_NOT_FOUND;
    }
    len -= SHA256_BYTES;
    enum status status = keyed_hash_once(&links_of(base)->hashes[reader], bytes, len, hash);
    if (status != STATUS_OK || !secret_equal(hash, bytes + len, SHA256_BYTES)) {
        return status != STATUS_OK ? status : STATUS_NOT_FOUND;
    }
    struct str user = {(const char *)bytes + HEAD_BYTES, len - HEAD_BYTES};
    struct viewer_link link = {.user_id = arena_copy_str(arena, user),
                               .expires_at_s = load_time(bytes + 1)};
    if (link.user_id.data == NULL) {
        return STATUS_NO_MEMORY;
    }
    *out_link = link;
    return STATUS_OK;
}

static const struct viewer_links_operations operations = {.issue = issue, .check = check};

/* --- the secret --- */

static struct str without_space_around(struct str text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) {
        text.len--;
    }
    return str_trim(text);
}

enum status viewer_link_make_secret(const char *path, const struct random *random,
                                    struct error *err)
{
    uint8_t secret[VIEWER_SECRET_BYTES_MIN];
    struct buffer text;
    if (access(path, F_OK) == 0) {
        return STATUS_OK;
    }
    random_fill(random, secret, sizeof secret);
    buffer_init(&text, VIEWER_SECRET_BYTES_MAX);
    buffer_append_hex(&text, secret, sizeof secret);
    buffer_append_char(&text, '\n');
    enum status status =
        text.failed == STATUS_OK
            ? small_file_replace(path, buffer_str(&text), err)
            : error_set(err, text.failed, 0, "there is no memory for the secret of links");
    buffer_deinit(&text);
    secret_forget(secret, sizeof secret);
    return status;
}

static enum status derive_key(struct str secret, uint8_t out_key[SHA256_BYTES])
{
    struct keyed_hash keyed;
    enum status status = keyed_hash_init(&keyed, secret.data, secret.len);
    if (status == STATUS_OK) {
        status = keyed_hash_once(&keyed, PURPOSE, sizeof PURPOSE - 1, out_key);
        keyed_hash_deinit(&keyed);
    }
    return status;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for links");
}

static enum status read_key(const char *path, uint8_t out_key[SHA256_BYTES], struct error *err)
{
    struct buffer text;
    buffer_init(&text, VIEWER_SECRET_BYTES_MAX);
    enum status status = small_file_read(path, SMALL_FILE_SECRET, &text, err);
    struct str secret = without_space_around(buffer_str(&text));
    if (status == STATUS_OK && secret.len < VIEWER_SECRET_BYTES_MIN) {
        status = error_set(err, STATUS_INVALID, 0,
                           "the secret of links in %.48s is shorter than %d bytes", path,
                           VIEWER_SECRET_BYTES_MIN);
    } else if (status == STATUS_OK && derive_key(secret, out_key) != STATUS_OK) {
        status = no_memory(err);
    }
    if (text.data != NULL) {
        secret_forget(text.data, text.len);
    }
    buffer_deinit(&text);
    return status;
}

/* --- life --- */

static bool make_readers(struct hmac_links *links, const uint8_t key[SHA256_BYTES],
                         unsigned readers)
{
    links->hashes = calloc(readers, sizeof *links->hashes);
    while (links->hashes != NULL && links->readers < readers) {
        if (keyed_hash_init(&links->hashes[links->readers], key, SHA256_BYTES) != STATUS_OK) {
            return false;
        }
        links->readers++;
    }
    return links->hashes != NULL;
}

enum status viewer_link_hmac_new(const char *path, unsigned readers,
                                 struct viewer_links **out_links, struct error *err)
{
    uint8_t key[SHA256_BYTES];
    enum status status = read_key(path, key, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct hmac_links *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return no_memory(err);
    }
    made->links.operations = &operations;
    bool ready = make_readers(made, key, readers);
    secret_forget(key, sizeof key);
    if (!ready) {
        viewer_link_hmac_free(&made->links);
        return no_memory(err);
    }
    *out_links = &made->links;
    return STATUS_OK;
}

void viewer_link_hmac_free(struct viewer_links *base)
{
    if (base == NULL) {
        return;
    }
    struct hmac_links *links = links_of(base);
    for (unsigned i = 0; i < links->readers; i++) {
        keyed_hash_deinit(&links->hashes[i]);
    }
    free(links->hashes);
    free(links);
}
