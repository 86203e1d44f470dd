/*
 * An array of activities: our way to cut it into items must agree with a JSON parser about what is
 * an array and how many items it has, and reading an item must leave all behind it alone.
 */
#include "application/activity_json.h"
#include "base/assert.h"
#include "fuzz.h"

#include <stdlib.h>
#include <yyjson.h>

enum { ACTIVITY_BYTES_MAX = 16 * 1024 };

#define NOW_MS INT64_C(1768435085442)

/* SIZE_MAX: the text is no JSON array. */
static size_t count_by_parser(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(data, size, 0);
    yyjson_doc *document = yyjson_read(copy, size, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(document);
    size_t count = yyjson_is_arr(root) ? yyjson_arr_size(root) : SIZE_MAX;
    yyjson_doc_free(document);
    free(copy);
    return count;
}

struct walk {
    const uint8_t *data;
    size_t size;
    char *text;
    struct activity_json_reader reader;
    struct arena arena;
};

static void read_item(struct walk *walk, char *item, size_t len)
{
    struct activity_draft draft;
    struct rejection rejection;
    rejection_init(&rejection);
    size_t begin = (size_t)(item - walk->text);
    ASSERT(len > 0 && begin + len <= walk->size);
    ASSERT(memcmp(item, walk->data + begin, len) == 0);
    struct activity_json_text json = {item, len, NOW_MS, &walk->arena};
    enum status status = activity_json_read(&walk->reader, &json, &draft, &rejection);
    ASSERT(status == STATUS_OK || rejection.count > 0);
    size_t end = begin + len;
    ASSERT(memcmp(walk->text + end, walk->data + end, walk->size - end) == 0);
    arena_reset(&walk->arena);
}

static void walk_array(struct walk *walk)
{
    struct activity_json_array array;
    struct error err = {0};
    char *item;
    size_t len;
    enum status status;
    activity_json_array_init(&array, walk->text, walk->size);
    while ((status = activity_json_array_next(&array, &item, &len, &err)) == STATUS_OK) {
        read_item(walk, item, len);
    }
    size_t expected = count_by_parser(walk->data, walk->size);
    if (expected != SIZE_MAX) {
        ASSERT(status == STATUS_NOT_FOUND && array.count == expected);
        ASSERT(activity_json_is_array((const char *)walk->data, walk->size));
    }
    if (status != STATUS_NOT_FOUND) {
        ASSERT(status == STATUS_INVALID);
        fuzz_expect_text(err.message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct walk walk = {.data = data, .size = size};
    enum status status =
        activity_json_reader_init(&walk.reader, &activity_rules_default, ACTIVITY_BYTES_MAX);
    ASSERT(status == STATUS_OK);
    arena_init(&walk.arena, 4 << 20);
    walk.text = fuzz_copy(data, size, ACTIVITY_JSON_PADDING_BYTES);
    walk_array(&walk);
    free(walk.text);
    arena_deinit(&walk.arena);
    activity_json_reader_deinit(&walk.reader);
    return 0;
}
