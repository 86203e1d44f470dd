/*
 * A CloudEvent with its attributes in the header, and the other values of a header that the API
 * looks into: whatever comes in is read or refused in words, and the body never becomes an
 * attribute. The input is lines of "name: value", an empty line and a body, as in a request.
 */
#include "application/cloud_event.h"
#include "base/assert.h"
#include "fuzz.h"
#include "interfaces/api/api_cloud_event.h"
#include "interfaces/api/api_host.h"
#include "interfaces/api/api_origin.h"
#include "interfaces/api/api_retry_key.h"

#include <stdlib.h>

enum { FIELDS_MAX = 64, ACTIVITY_BYTES_MAX = 16 * 1024, ARENA_BYTES_MAX = 4 << 20 };

#define NOW_NS UINT64_C(1768435085442000000)

static enum status hash_nothing(void *context, const struct str *parts, size_t count,
                                uint8_t out_hash[CONTENT_HASH_BYTES])
{
    (void)context;
    ASSERT(parts != NULL && count > 0);
    memset(out_hash, 0x5a, CONTENT_HASH_BYTES);
    return STATUS_OK;
}

static const struct content_hash hash = {hash_nothing, NULL};

struct bed {
    struct api api;
    struct api_loop loop;
    struct arena arena;
    struct http_header fields[FIELDS_MAX];
    struct http_request request;
    char *body; /* NULL: there is none */
    size_t body_len;
};

static void bed_init(struct bed *bed)
{
    bed->api.config.hashes = &hash;
    bed->api.config.activity_bytes_max = ACTIVITY_BYTES_MAX;
    bed->api.loops = &bed->loop;
    bed->loop.api = &bed->api;
    enum status status =
        activity_json_reader_init(&bed->loop.reader, &activity_rules_default, ACTIVITY_BYTES_MAX);
    ASSERT(status == STATUS_OK);
    buffer_init(&bed->loop.answer, ARENA_BYTES_MAX);
    arena_init(&bed->arena, ARENA_BYTES_MAX);
    bed->request.headers = bed->fields;
}

static void bed_deinit(struct bed *bed)
{
    activity_json_reader_deinit(&bed->loop.reader);
    buffer_deinit(&bed->loop.answer);
    arena_deinit(&bed->arena);
}

static void split_input(struct bed *bed, char *input, size_t size)
{
    struct str rest = {input, size};
    while (rest.data != NULL) {
        struct str value = str_split(&rest, '\n');
        if (value.len == 0 || bed->request.header_count == FIELDS_MAX) {
            break;
        }
        struct str name = str_split(&value, ':');
        bed->fields[bed->request.header_count++] =
            (struct http_header){name, value.data == NULL ? STR("") : str_trim(value)};
    }
    bed->body_len = rest.len;
    bed->body = rest.data == NULL ? NULL : input + size - rest.len;
}

/* As the operation that records declares them. */
static struct api_fields fields_of(const struct bed *bed)
{
    return (struct api_fields){.request = &bed->request,
                               .declared = API_FIELD_BIT(API_FIELD_CE) |
                                           API_FIELD_BIT(API_FIELD_CONTENT_TYPE) |
                                           API_FIELD_BIT(API_FIELD_IDEMPOTENCY_KEY)};
}

/* What the transport would have refused is not looked at: control characters in a value. */
static void look_into_values(struct bed *bed)
{
    const struct api_fields fields = fields_of(bed);
    struct error err = {0};
    struct str key;
    for (size_t i = 0; i < bed->request.header_count; i++) {
        struct str value = bed->fields[i].value;
        bool loopback = api_host_is_loopback(value);
        ASSERT(!loopback || value.len > 0);
        if (api_origin_check_list(value, &err) != STATUS_OK) {
            ASSERT(strlen(err.message) > 0);
        }
    }
    if (api_retry_key_read(&fields, &bed->arena, &key, &err) == STATUS_OK) {
        ASSERT(key.data == NULL || (key.len > 0 && key.len <= API_RETRY_KEY_BYTES_MAX));
    }
}

static void expect_words(const struct rejection *rejection)
{
    ASSERT(rejection->count > 0);
    for (size_t i = 0; i < rejection->count; i++) {
        fuzz_expect_text(rejection->faults[i].detail);
        if (rejection->faults[i].pointer[0] != '\0') {
            fuzz_expect_text(rejection->faults[i].pointer);
        }
    }
}

/* Every text of what was read is well formed, and stored as such. */
static void expect_activity(const struct activity_draft *draft)
{
    struct buffer text;
    struct activity activity = draft->activity;
    activity.timestamp_ms = draft->has_timestamp ? activity.timestamp_ms : 0;
    ASSERT(activity.id.len == UUID_TEXT_BYTES && activity.id.data[14] == '8');
    buffer_init(&text, ARENA_BYTES_MAX);
    activity_json_append(&text, &activity);
    buffer_append_char(&text, '\0');
    ASSERT(text.failed == STATUS_OK);
    fuzz_expect_text(text.data);
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bed bed = {0};
    bed_init(&bed);
    char *input = fuzz_copy(data, size, ACTIVITY_JSON_PADDING_BYTES);
    split_input(&bed, input, size);
    look_into_values(&bed);
    const struct api_fields fields = fields_of(&bed);
    if (api_cloud_event_is_binary(&fields)) {
        struct api_item_reader reader = {
            .loop = &bed.loop, .fields = fields, .arena = &bed.arena, .now_ns = NOW_NS};
        struct activity_draft draft;
        struct rejection rejection;
        rejection_init(&rejection);
        enum status status =
            api_cloud_event_read_binary(&reader, bed.body, bed.body_len, &draft, &rejection);
        ASSERT(status == STATUS_OK || status == STATUS_INVALID || status == STATUS_TOO_LARGE);
        if (status == STATUS_OK) {
            expect_activity(&draft);
        } else {
            expect_words(&rejection);
        }
    }
    free(input);
    bed_deinit(&bed);
    return 0;
}
