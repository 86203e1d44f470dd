#include "infrastructure/receipt_signature/receipt_signature_ed25519.h"

#include "application/erasure_receipt.h"
#include "base/assert.h"
#include "base/base64url.h"

#include <stdio.h>

/* One port, one algorithm. */
_Static_assert((int)RECEIPT_SIGNATURE_BYTES == (int)ED25519_SIGNATURE_BYTES, "the same signature");

/* What is signed here can be checked here. */
_Static_assert((int)RECEIPT_SIGNED_BY_BYTES <= (int)VERIFIED_NAME_BYTES, "its name has room");

enum { ID_DIGITS = 2 * NOTE_KEY_ID_BYTES };

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a signature");
}

/* "+" and the id of a key of that name. */
static enum status name_key(struct str name, const struct ed25519_public_key *key,
                            char out_text[1 + ID_DIGITS + 1])
{
    uint8_t id[NOTE_KEY_ID_BYTES];
    enum status status = note_key_id(name, key, id);
    if (status == STATUS_OK) {
        snprintf(out_text, 1 + ID_DIGITS + 1, "+%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
    }
    return status;
}

/* Signing ----------------------------------------------------------------------------------- */

static enum status sign(const struct receipt_signer *signer, struct str text,
                        uint8_t out_signature[RECEIPT_SIGNATURE_BYTES])
{
    const struct receipt_signature_ed25519 *signature =
        CONTAINER_OF(signer, const struct receipt_signature_ed25519, signer);
    return ed25519_sign(signature->key, text.data, text.len, out_signature);
}

enum status receipt_signature_init(struct receipt_signature_ed25519 *signature,
                                   const struct ed25519_key *key, struct str name,
                                   struct error *err)
{
    char id[1 + ID_DIGITS + 1];
    ASSERT(name.len <= NOTE_KEY_NAME_BYTES_MAX);
    if (name_key(name, ed25519_key_public(key), id) != STATUS_OK) {
        return no_memory(err);
    }
    signature->key = key;
    snprintf(signature->signed_by, sizeof signature->signed_by, "%.*s%s", STR_FORMAT(name), id);
    signature->signer = (struct receipt_signer){str_from(signature->signed_by), sign};
    return STATUS_OK;
}

/* Checking ---------------------------------------------------------------------------------- */

/* Tells another key from a false signature, which another key would look like, too. */
static enum status check_key(const struct signed_receipt *receipt,
                             const struct ed25519_public_key *key, struct error *err)
{
    char id[1 + ID_DIGITS + 1];
    struct str rest = receipt->signed_by;
    struct str name = str_split(&rest, '+');
    if (name_key(name, key, id) != STATUS_OK) {
        return no_memory(err);
    }
    bool same = rest.len == ID_DIGITS && memcmp(rest.data, id + 1, ID_DIGITS) == 0;
    return same && receipt->signed_by.len < VERIFIED_NAME_BYTES
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "the receipt is not signed with this key, or its signedBy was changed");
}

static enum status check_signature(const struct signed_receipt *receipt,
                                   const struct ed25519_public_key *key, struct error *err)
{
    uint8_t signature[RECEIPT_SIGNATURE_BYTES];
    size_t len;
    if (!base64_decode(receipt->signature, signature, sizeof signature, &len) ||
        len != sizeof signature) {
        return error_set(err, STATUS_INVALID, 0,
                         "the receipt was changed: its signature is not one in base64");
    }
    enum status status = ed25519_verify(key, receipt->text.data, receipt->text.len, signature);
    if (status == STATUS_NO_MEMORY) {
        return no_memory(err);
    }
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0,
                           "the receipt was changed: its signature is not that of its signed");
}

static void copy_text(char *into, size_t size, struct str text)
{
    snprintf(into, size, "%.*s", STR_FORMAT(text));
}

static void tell(const struct signed_receipt *receipt, struct verified_signature *out_verified)
{
    copy_text(out_verified->signed_by, sizeof out_verified->signed_by, receipt->signed_by);
    copy_text(out_verified->signed_at, sizeof out_verified->signed_at,
              receipt->statement.signed_at);
    copy_text(out_verified->erased_at, sizeof out_verified->erased_at,
              receipt->statement.erased_at);
    out_verified->erased = receipt->statement.erased;
}

/* The signature first: then it is known whether the text or a member was changed. */
enum status receipt_signature_check(struct str text, const struct ed25519_public_key *key,
                                    struct verified_signature *out_verified, struct error *err)
{
    struct signed_receipt receipt;
    enum status status = signed_receipt_read(text, &receipt, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = check_key(&receipt, key, err);
    status = status == STATUS_OK ? check_signature(&receipt, key, err) : status;
    if (status == STATUS_OK) {
        status = erasure_statement_compare(&receipt.statement, receipt.text, err);
    }
    if (status == STATUS_OK) {
        tell(&receipt, out_verified);
    }
    signed_receipt_deinit(&receipt);
    return status;
}

/* Files ------------------------------------------------------------------------------------- */

enum status receipt_signature_check_files(struct disk *disk, const char *receipt_file,
                                          const char *public_key_file,
                                          struct verified_signature *out_verified,
                                          struct error *err)
{
    char text[ERASURE_RECEIPT_BYTES_MAX + 1]; /* one more shows that it is too long */
    const struct disk_named_file named = {disk, receipt_file, "receipt"};
    const struct iovec into = {.iov_base = text, .iov_len = sizeof text};
    struct ed25519_public_key key;
    size_t len = 0;
    enum status status = ed25519_public_key_load(public_key_file, &key, err);
    status = status == STATUS_OK ? disk_read_named(&named, into, &len, err) : status;
    return status == STATUS_OK
               ? receipt_signature_check((struct str){text, len}, &key, out_verified, err)
               : status;
}
