/*
 * Cursors, receipts and ids of events: a text that is taken for one is the only text of what it
 * says. The input comes as the text itself, and once more as the bytes in it with a right checksum,
 * which a client can make, too.
 */
#include "application/live_tail.h"
#include "application/receipt.h"
#include "base/assert.h"
#include "base/base64url.h"
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "domain/activity_page.h"
#include "fuzz.h"

#include <stdlib.h>

enum { TOKEN_BYTES_MAX = 64 * 1024 };

static void expect_refusal(enum status status, const struct error *err)
{
    ASSERT(status == STATUS_INVALID && err->status == STATUS_INVALID);
    fuzz_expect_text(err->message);
}

static void read_cursor(struct str text)
{
    struct activity_cursor cursor;
    struct error err = {0};
    enum status status = activity_cursor_decode(text, &cursor, &err);
    if (status != STATUS_OK) {
        expect_refusal(status, &err);
        return;
    }
    struct buffer again;
    buffer_init(&again, TOKEN_BYTES_MAX);
    activity_cursor_encode(&cursor, &again);
    ASSERT(str_equal(buffer_str(&again), text));
    buffer_deinit(&again);
}

static void read_receipt(struct str text)
{
    struct uuid log_id;
    struct error err = {0};
    struct position_set positions;
    position_set_init(&positions);
    enum status status = receipt_decode(text, &log_id, &positions, &err);
    if (status == STATUS_OK) {
        struct buffer again;
        buffer_init(&again, TOKEN_BYTES_MAX);
        receipt_encode(log_id, positions.items, positions.count, &again);
        ASSERT(str_equal(buffer_str(&again), text));
        buffer_deinit(&again);
    } else {
        expect_refusal(status, &err);
        ASSERT(positions.count == 0);
    }
    position_set_deinit(&positions);
}

/* The id of an event is a receipt behind a letter, and neither is ever taken for the other. */
static void read_event_id(struct str text)
{
    struct uuid log_id;
    struct error err = {0};
    struct position_set positions;
    position_set_init(&positions);
    enum status status = live_tail_read_id(text, &log_id, &positions, &err);
    if (status == STATUS_OK) {
        struct buffer again;
        buffer_init(&again, TOKEN_BYTES_MAX);
        live_tail_append_id(log_id, &positions, &again);
        ASSERT(str_equal(buffer_str(&again), text));
        buffer_deinit(&again);
        ASSERT(receipt_decode(text, &log_id, &positions, &err) == STATUS_INVALID);
    } else {
        expect_refusal(status, &err);
        ASSERT(positions.count == 0);
    }
    position_set_deinit(&positions);
}

static void read_all(struct str text)
{
    read_cursor(text);
    read_receipt(text);
    read_event_id(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_copy(data, size, 0);
    read_all((struct str){text, size});
    free(text);
    unsigned char *forged = (unsigned char *)fuzz_copy(data, size, 4);
    struct buffer encoded;
    buffer_init(&encoded, TOKEN_BYTES_MAX * 2);
    little_endian_put_u32(forged + size, crc32c(forged, size));
    base64url_encode(forged, size + 4, &encoded);
    read_all(buffer_str(&encoded));
    buffer_clear(&encoded);
    buffer_append_char(&encoded, 't'); /* an event's, then */
    base64url_encode(forged, size + 4, &encoded);
    read_event_id(buffer_str(&encoded));
    buffer_deinit(&encoded);
    free(forged);
    return 0;
}
