/*
 * A message of an event log: whatever stands there is an activity or refused in words, and what was
 * read comes back the same, id and times included, when it is written and read at another place.
 */
#include "application/activity_message.h"
#include "base/assert.h"
#include "fuzz.h"

#include <stdlib.h>

struct reading {
    struct activity_message_reader reader;
    struct arena arena;
    struct activity activity;
    struct rejection rejection;
    char *copy;
};

static enum status read_message(struct reading *reading, const void *text, size_t len,
                                int64_t logged_at_ms)
{
    enum status status = activity_message_reader_init(&reading->reader);
    ASSERT(status == STATUS_OK);
    arena_init(&reading->arena, 64 << 20);
    rejection_init(&reading->rejection);
    reading->copy = fuzz_copy(text, len, ACTIVITY_MESSAGE_PADDING_BYTES);
    const struct activity_message_text message = {reading->copy, len, &reading->arena};
    const struct activity_message_place place = {
        .topic = STR("topic"), .position = {1, 2}, .logged_at_ms = logged_at_ms};
    return activity_message_read(&reading->reader, &message, &place, &reading->activity,
                                 &reading->rejection);
}

static void forget(struct reading *reading)
{
    free(reading->copy);
    arena_deinit(&reading->arena);
    activity_message_reader_deinit(&reading->reader);
}

static void expect_same(const struct activity *activity)
{
    struct buffer text;
    buffer_init(&text, ACTIVITY_MESSAGE_BYTES_MAX);
    activity_message_append(&text, activity);
    ASSERT(text.failed == STATUS_OK);
    struct reading again;
    enum status status = read_message(&again, text.data, text.len, 1);
    ASSERT(status == STATUS_OK);
    ASSERT(str_equal(again.activity.id, activity->id));
    ASSERT(activity_same_content(&again.activity, activity, true));
    ASSERT(again.activity.received_at_ms == activity->received_at_ms);
    forget(&again);
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading reading;
    enum status status = read_message(&reading, data, size, INT64_C(1768435085442));
    if (status == STATUS_OK) {
        ASSERT(reading.rejection.count == 0);
        expect_same(&reading.activity);
    } else {
        ASSERT(status == STATUS_INVALID && reading.rejection.count > 0);
        struct str told = activity_message_tell(&reading.rejection, &reading.arena);
        ASSERT(told.len > 0);
    }
    forget(&reading);
    return 0;
}
