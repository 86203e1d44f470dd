/*
 * The receipt of an erasure, which anybody may hand to `usertrail verify`: what is taken for one
 * says nothing that cannot be, and says the same when it is written anew.
 */
#include "application/erasure_receipt.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/json_text.h"
#include "base/timestamp.h"
#include "fuzz.h"

#include <stdlib.h>

enum { AGAIN_BYTES_MAX = 16 * 1024 };

static void append_chain(struct buffer *json, const struct erasure_record *record)
{
    char store_id[UUID_TEXT_BYTES];
    uuid_format(record->store_id, store_id);
    buffer_append_literal(json, "\"chain\":{\"storeId\":\"");
    buffer_append(json, store_id, sizeof store_id);
    buffer_append_literal(json, "\",\"record\":");
    buffer_append_u64(json, record->number);
    buffer_append_literal(json, ",\"hash\":\"");
    buffer_append_hex(json, record->hash, sizeof record->hash);
    buffer_append_literal(json, "\",\"sealed\":");
    buffer_append_u64(json, record->sealed);
    buffer_append_char(json, '}');
}

static void append_receipt(struct buffer *json, const struct erasure_receipt *receipt)
{
    char erased_at[TIMESTAMP_TEXT_BYTES];
    timestamp_format(receipt->record.erased_at_ms, erased_at);
    buffer_append_literal(json, "{\"status\":\"success\",\"userId\":");
    json_text_append_string(json, (struct str){receipt->user_id, receipt->user_id_len});
    buffer_append_literal(json, ",\"erasedAt\":\"");
    buffer_append(json, erased_at, sizeof erased_at);
    buffer_append_literal(json, "\",\"erased\":");
    buffer_append_u64(json, receipt->erased);
    buffer_append_literal(json, ",\"receipt\":{\"store\":\"local\",\"durable\":true,");
    append_chain(json, &receipt->record);
    buffer_append_literal(json, "}}");
}

static bool same(const struct erasure_receipt *a, const struct erasure_receipt *b)
{
    const struct erasure_record *left = &a->record;
    const struct erasure_record *right = &b->record;
    return a->user_id_len == b->user_id_len &&
           memcmp(a->user_id, b->user_id, a->user_id_len) == 0 && a->erased == b->erased &&
           uuid_equal(left->store_id, right->store_id) && left->number == right->number &&
           memcmp(left->hash, right->hash, sizeof left->hash) == 0 &&
           left->erased_at_ms == right->erased_at_ms && left->sealed == right->sealed;
}

static void expect_sound(const struct erasure_receipt *receipt)
{
    struct buffer text;
    struct erasure_receipt again;
    struct error err = {0};
    ASSERT(receipt->user_id_len >= 1 && receipt->user_id_len <= sizeof receipt->user_id);
    ASSERT(receipt->record.number >= 1 && receipt->record.sealed <= receipt->erased);
    buffer_init(&text, AGAIN_BYTES_MAX);
    append_receipt(&text, receipt);
    ASSERT(text.failed == STATUS_OK);
    ASSERT(erasure_receipt_parse(buffer_str(&text), &again, &err) == STATUS_OK);
    ASSERT(same(receipt, &again));
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct erasure_receipt receipt = {.erased = 99};
    struct error err = {0};
    char *text = fuzz_copy(data, size, 0);
    enum status status = erasure_receipt_parse((struct str){text, size}, &receipt, &err);
    if (status == STATUS_OK) {
        expect_sound(&receipt);
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID && receipt.erased == 99);
        fuzz_expect_text(err.message);
    }
    free(text);
    return 0;
}
