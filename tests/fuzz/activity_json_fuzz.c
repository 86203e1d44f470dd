/*
 * One activity as JSON: whatever comes in is read or refused in words, and what was read comes back
 * the same when it is written and read again.
 */
#include "application/activity_json.h"
#include "base/assert.h"
#include "base/timestamp.h"
#include "fuzz.h"

#include <stdlib.h>

enum { ACTIVITY_BYTES_MAX = 16 * 1024, WRITTEN_BYTES_MAX = 256 * 1024 };

#define NOW_MS INT64_C(1768435085442)

struct reading {
    struct activity_json_reader reader;
    struct arena arena;
    struct activity_draft draft;
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

static enum status read_text(struct reading *reading, char *text, size_t len)
{
    struct activity_json_text json = {text, len, NOW_MS, &reading->arena};
    return activity_json_read(&reading->reader, &json, &reading->draft, &reading->rejection);
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

/* Fills in what recording fills in. */
static struct activity complete(const struct activity_draft *draft)
{
    struct activity activity = draft->activity;
    activity.id = activity.id.data == NULL ? STR("minted") : activity.id;
    activity.timestamp_ms = draft->has_timestamp ? activity.timestamp_ms : NOW_MS;
    return activity;
}

static void expect_round_trip(const struct activity_draft *draft)
{
    struct activity activity = complete(draft);
    struct buffer text;
    buffer_init(&text, WRITTEN_BYTES_MAX);
    activity_json_append(&text, &activity);
    ASSERT(text.failed == STATUS_OK);
    struct reading again;
    reading_init(&again, WRITTEN_BYTES_MAX);
    char *copy = fuzz_copy((const uint8_t *)text.data, text.len, ACTIVITY_JSON_PADDING_BYTES);
    enum status status = read_text(&again, copy, text.len);
    ASSERT(status == STATUS_OK && again.draft.has_timestamp);
    ASSERT(str_equal(again.draft.activity.id, activity.id));
    ASSERT(activity_same_content(&again.draft.activity, &activity, true));
    free(copy);
    reading_deinit(&again);
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading reading;
    reading_init(&reading, ACTIVITY_BYTES_MAX);
    char *text = fuzz_copy(data, size, ACTIVITY_JSON_PADDING_BYTES);
    enum status status = read_text(&reading, text, size);
    if (status == STATUS_OK) {
        ASSERT(reading.rejection.count == 0);
        expect_round_trip(&reading.draft);
    } else {
        ASSERT(status == STATUS_INVALID || status == STATUS_TOO_LARGE);
        expect_words(&reading.rejection);
    }
    free(text);
    reading_deinit(&reading);
    return 0;
}
