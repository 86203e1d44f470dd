/*
 * One CloudEvent: whatever comes in is read or refused in words, and what was read is an activity
 * that comes back the same when it is written and read as one. What follows a NUL is data beside
 * the attributes.
 */
#include "application/cloud_event.h"
#include "base/assert.h"
#include "base/timestamp.h"
#include "fuzz.h"

#include <stdlib.h>

enum { EVENT_BYTES_MAX = 16 * 1024, WRITTEN_BYTES_MAX = 256 * 1024 };

#define NOW_MS INT64_C(1768435085442)

struct reading {
    struct activity_json_reader reader;
    struct arena arena;
    struct cloud_event event;
    struct rejection rejection;
};

static void reading_init(struct reading *reading, size_t bytes_max)
{
    enum status status =
        activity_json_reader_init(&reading->reader, &activity_rules_default, bytes_max);
    ASSERT(status == STATUS_OK);
    arena_init(&reading->arena, 4 << 20);
    rejection_init(&reading->rejection);
}

static void reading_deinit(struct reading *reading)
{
    activity_json_reader_deinit(&reading->reader);
    arena_deinit(&reading->arena);
}

static void expect_words(const struct rejection *rejection)
{
    ASSERT(rejection->count > 0);
    for (size_t i = 0; i < rejection->count; i++) {
        fuzz_expect_text(rejection->faults[i].detail);
        if (rejection->faults[i].pointer[0] != '\0') {
            ASSERT(rejection->faults[i].pointer[0] == '/');
            fuzz_expect_text(rejection->faults[i].pointer);
        }
    }
}

/* The metadata that was made of the event keeps every rule of metadata that a client sends. */
static void expect_activity(const struct cloud_event *event)
{
    ASSERT(event->id.len > 0 && event->source.len > 0);
    ASSERT(event->draft.activity.id.data == NULL);
    struct activity activity = event->draft.activity;
    activity.id = STR("derived");
    activity.timestamp_ms = event->draft.has_timestamp ? activity.timestamp_ms : NOW_MS;
    struct buffer text;
    buffer_init(&text, WRITTEN_BYTES_MAX);
    activity_json_append(&text, &activity);
    ASSERT(text.failed == STATUS_OK);
    struct reading again;
    reading_init(&again, WRITTEN_BYTES_MAX);
    char *copy = fuzz_copy((const uint8_t *)text.data, text.len, ACTIVITY_JSON_PADDING_BYTES);
    struct activity_json_text json = {copy, text.len, NOW_MS, &again.arena};
    struct activity_draft draft;
    enum status status = activity_json_read(&again.reader, &json, &draft, &again.rejection);
    ASSERT(status == STATUS_OK);
    ASSERT(activity_same_content(&draft.activity, &activity, true));
    free(copy);
    reading_deinit(&again);
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading reading;
    reading_init(&reading, EVENT_BYTES_MAX);
    const uint8_t *border = size == 0 ? NULL : memchr(data, '\0', size);
    size_t len = border == NULL ? size : (size_t)(border - data);
    size_t beside_len = border == NULL ? 0 : size - len - 1;
    char *text = fuzz_copy(data, len, ACTIVITY_JSON_PADDING_BYTES);
    char *beside =
        fuzz_copy(border == NULL ? data : border + 1, beside_len, ACTIVITY_JSON_PADDING_BYTES);
    struct activity_json_text json = {text, len, NOW_MS, &reading.arena};
    struct activity_json_text other = {beside, beside_len, NOW_MS, &reading.arena};
    enum status status = cloud_event_read(&reading.reader, &json, border == NULL ? NULL : &other,
                                          &reading.event, &reading.rejection);
    if (status == STATUS_OK) {
        ASSERT(reading.rejection.count == 0);
        expect_activity(&reading.event);
    } else {
        ASSERT(status == STATUS_INVALID || status == STATUS_TOO_LARGE);
        expect_words(&reading.rejection);
    }
    free(text);
    free(beside);
    reading_deinit(&reading);
    return 0;
}
