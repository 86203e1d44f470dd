/*
 * A condition on metadata, and metadata as a disk may give it back: up to the first line feed the
 * input is a path, up to the next one a value, and the rest is metadata. Whatever that is, the walk
 * ends and nothing behind it is read. Where it is a JSON object, the answer is that of a search in
 * a parser's tree; there numbers with the same text are equal, and those that differ as double are
 * not.
 */
#include "base/assert.h"
#include "domain/metadata_filter.h"
#include "fuzz.h"

#include <stdlib.h>
#include <yyjson.h>

struct wanted {
    const struct metadata_path *path;
    struct str value;
    bool is_number;
    bool same_double; /* is enough for numbers */
};

static struct str text_of(yyjson_val *value)
{
    return (struct str){yyjson_is_raw(value) ? yyjson_get_raw(value) : yyjson_get_str(value),
                        yyjson_get_len(value)};
}

static double double_of(struct str number)
{
    char *text = fuzz_copy((const uint8_t *)number.data, number.len, 1);
    double value = strtod(text, NULL);
    free(text);
    return value;
}

static bool is_wanted(const struct wanted *wanted, yyjson_val *value)
{
    if (yyjson_is_str(value)) {
        return str_equal(text_of(value), wanted->value);
    }
    if (yyjson_is_raw(value)) {
        double difference = double_of(text_of(value)) - double_of(wanted->value);
        bool same = difference == 0 || difference != difference; /* both are infinite */
        return str_equal(text_of(value), wanted->value) ||
               (wanted->is_number && wanted->same_double && same);
    }
    const char *word = yyjson_is_null(value) ? "null" : yyjson_is_true(value) ? "true" : "false";
    return !yyjson_is_ctn(value) && str_equal(str_from(word), wanted->value);
}

static bool holds(const struct wanted *wanted, yyjson_val *value, size_t depth);

static bool holds_inside(const struct wanted *wanted, yyjson_val *object, size_t depth)
{
    bool found = false;
    yyjson_obj_iter members = yyjson_obj_iter_with(object);
    for (yyjson_val *key; !found && (key = yyjson_obj_iter_next(&members)) != NULL;) {
        found = str_equal(text_of(key), metadata_path_member(wanted->path, depth)) &&
                holds(wanted, yyjson_obj_iter_get_val(key), depth + 1);
    }
    return found;
}

static bool holds_alone(const struct wanted *wanted, yyjson_val *value, size_t depth)
{
    if (depth == wanted->path->member_count) {
        return is_wanted(wanted, value);
    }
    return yyjson_is_obj(value) && holds_inside(wanted, value, depth);
}

static bool holds(const struct wanted *wanted, yyjson_val *value, size_t depth)
{
    if (!yyjson_is_arr(value)) {
        return holds_alone(wanted, value, depth);
    }
    bool found = false;
    yyjson_arr_iter elements = yyjson_arr_iter_with(value);
    for (yyjson_val *element; !found && (element = yyjson_arr_iter_next(&elements)) != NULL;) {
        found = holds_alone(wanted, element, depth);
    }
    return found;
}

/* Whether the text is one number and nothing else. */
static bool is_number(struct str text)
{
    yyjson_doc *document = yyjson_read(text.data, text.len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(document);
    bool number = yyjson_is_raw(root) && yyjson_get_len(root) == text.len;
    yyjson_doc_free(document);
    return number;
}

static void expect_right(const struct metadata_filter *filter, yyjson_val *root, struct str text)
{
    struct wanted wanted = {.path = &filter->paths[0], .value = filter->values[0].text};
    wanted.is_number = is_number(wanted.value);
    bool found = metadata_filter_matches(filter, text);
    ASSERT(found || !holds(&wanted, root, 0));
    wanted.same_double = true;
    ASSERT(!found || holds(&wanted, root, 0));
}

static bool has_white_space(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(" \t\n\r", text.data[i], 4) != NULL) {
            return true;
        }
    }
    return false;
}

static void search(const struct metadata_filter *filter, struct str metadata)
{
    (void)metadata_filter_matches(filter, metadata);
    yyjson_doc *document = yyjson_read(metadata.data, metadata.len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *root = yyjson_doc_get_root(document);
    if (yyjson_is_obj(root)) {
        size_t len;
        char *text = yyjson_write(document, 0, &len);
        ASSERT(text != NULL);
        expect_right(filter, root, (struct str){text, len});
        free(text);
    }
    if (yyjson_is_obj(root) && !has_white_space(metadata)) {
        expect_right(filter, root, metadata);
    }
    yyjson_doc_free(document);
}

/* The bytes in memory of just their size. */
static struct str copy_of(struct str text)
{
    return (struct str){fuzz_copy((const uint8_t *)text.data, text.len, 0), text.len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct metadata_filter filter;
    struct error err = {0};
    struct str rest = {(const char *)data, size};
    struct str path = copy_of(str_split(&rest, '\n'));
    struct str value = copy_of(str_split(&rest, '\n'));
    struct str metadata = copy_of(rest);
    filter.path_count = filter.value_count = 0;
    enum status status = metadata_filter_add(&filter, path, value, &err);
    if (status == STATUS_OK) {
        search(&filter, metadata);
    } else {
        ASSERT(status == STATUS_INVALID && err.status == STATUS_INVALID);
        ASSERT(filter.path_count == 0 && filter.value_count == 0);
        fuzz_expect_text(err.message);
    }
    free((char *)path.data);
    free((char *)value.data);
    free((char *)metadata.data);
    return 0;
}
