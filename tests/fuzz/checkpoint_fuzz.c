/*
 * A checkpoint of any bytes: what is taken for one lies in the text as it says, and no text but
 * the one that was signed passes for signed.
 */
#include "base/assert.h"
#include "base/base64url.h"
#include "fuzz.h"
#include "infrastructure/activity_store_local/checkpoint.h"

#include <stdlib.h>

/* The public key of RFC 8032 section 7.1, TEST 1, and what the corpus has signed with it. */
static const char public_key[] = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char signed_text[] = "usertrail.store/01020304-0506-0708-090a-0b0c0d0e0f10\n"
                                  "20852163\n"
                                  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
                                  "time 2026-01-14T23:58:05.442Z\n";

static void expect_inside(struct str part, struct str whole)
{
    ASSERT(part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void expect_checkpoint(const struct checkpoint *checkpoint, struct str text)
{
    ASSERT(checkpoint->signed_text.data == text.data && checkpoint->signed_text.len < text.len);
    ASSERT(checkpoint->signature_count >= 1 &&
           checkpoint->signature_count <= CHECKPOINT_SIGNATURES_MAX);
    for (size_t i = 0; i < checkpoint->signature_count; i++) {
        ASSERT(checkpoint_name_is_valid(checkpoint->signatures[i].name));
        expect_inside(checkpoint->signatures[i].name, text);
        expect_inside(checkpoint->signatures[i].base64, text);
    }
}

static void expect_only_the_signed_text(const struct checkpoint *checkpoint)
{
    struct ed25519_public_key key;
    struct error err = {0};
    size_t len;
    ASSERT(base64_decode(str_from(public_key), key.bytes, sizeof key.bytes, &len));
    enum status status = checkpoint_verify_signature(checkpoint, &key, &err);
    if (status == STATUS_OK) {
        ASSERT(str_equal(checkpoint->signed_text, str_from(signed_text)));
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
        fuzz_expect_text(err.message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = fuzz_copy(data, size, 0);
    struct str text = {bytes, size};
    struct checkpoint checkpoint;
    struct error err = {0};
    enum status status = checkpoint_parse(text, &checkpoint, &err);
    if (status == STATUS_OK) {
        expect_checkpoint(&checkpoint, text);
        expect_only_the_signed_text(&checkpoint);
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
        fuzz_expect_text(err.message);
    }
    free(bytes);
    return 0;
}
