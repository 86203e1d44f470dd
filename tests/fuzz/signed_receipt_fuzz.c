/*
 * A signed receipt, which anybody may hand to `usertrail verify`: what is taken for one says what
 * its own text says, and nothing else does; what differs is told in words that are text.
 */
#include "application/signed_receipt.h"
#include "base/assert.h"
#include "fuzz.h"

#include <stdlib.h>

static void expect_own_text(const struct signed_receipt *receipt)
{
    struct buffer text;
    struct error err = {0};
    buffer_init(&text, 4 * STATEMENT_BYTES_MAX);
    erasure_statement_append(&receipt->statement, &text);
    ASSERT(text.failed == STATUS_OK);
    if (text.len <= STATEMENT_BYTES_MAX) {
        ASSERT(erasure_statement_compare(&receipt->statement, buffer_str(&text), &err) ==
               STATUS_OK);
    }
    enum status status = erasure_statement_compare(&receipt->statement, receipt->text, &err);
    ASSERT((status == STATUS_OK) == str_equal(buffer_str(&text), receipt->text));
    if (status != STATUS_OK) {
        fuzz_expect_text(err.message);
    }
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signed_receipt receipt = {.signed_by = STR("untouched")};
    struct error err = {0};
    char *text = fuzz_copy(data, size, 0);
    enum status status = signed_receipt_read((struct str){text, size}, &receipt, &err);
    if (status == STATUS_OK) {
        expect_own_text(&receipt);
        signed_receipt_deinit(&receipt);
    } else {
        ASSERT(status == STATUS_INVALID && str_equal(receipt.signed_by, STR("untouched")));
        fuzz_expect_text(err.message);
    }
    free(text);
    return 0;
}
