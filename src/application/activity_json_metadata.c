#include "application/activity_json_metadata.h"

#include "base/assert.h"
#include "base/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

/* Up to so many keys are compared pair by pair; more are sorted first. */
enum { KEYS_BY_PAIRS_MAX = 16 };

/* One step from metadata to a value inside it: a key, or an index into an array. */
struct step {
    const struct step *outer;
    struct str key; /* {NULL, 0}: an index */
    size_t index;
};

struct writing {
    const struct activity_json_place *place;
    const struct step *inside; /* the container being written; NULL: the value itself */
    struct buffer *text;
    struct rejection *rejection;
    enum status status;
};

static void write_value(struct writing *writing, yyjson_val *value, unsigned level);

static struct str string_of(yyjson_val *value)
{
    return (struct str){.data = yyjson_get_str(value), .len = yyjson_get_len(value)};
}

static void append_steps(const struct step *step, char pointer[REJECTION_POINTER_BYTES])
{
    if (step == NULL) {
        return;
    }
    append_steps(step->outer, pointer);
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%zu", step->index);
    rejection_pointer_append(pointer, step->key.data != NULL ? step->key
                                                             : (struct str){digits, (size_t)len});
}

static void reject_key(struct writing *writing, struct str key, const char *why)
{
    char pointer[REJECTION_POINTER_BYTES];
    snprintf(pointer, sizeof pointer, "%s", writing->place->pointer);
    append_steps(writing->inside, pointer);
    rejection_add_member(writing->rejection, pointer, key, "%s", why);
    writing->status = STATUS_INVALID;
}

static void check_keys_by_pairs(struct writing *writing, yyjson_val *object)
{
    struct str keys[KEYS_BY_PAIRS_MAX];
    size_t count = 0;
    yyjson_obj_iter members;
    yyjson_obj_iter_init(object, &members);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&members)) != NULL; count++) {
        keys[count] = string_of(key);
        for (size_t i = 0; i < count; i++) {
            if (str_equal(keys[i], keys[count])) {
                reject_key(writing, keys[count], "this key appears more than once in its object");
                return;
            }
        }
    }
}

static int compare_keys(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static void check_keys_by_sorting(struct writing *writing, yyjson_val *object)
{
    size_t size = yyjson_obj_size(object);
    ASSERT(size > 0);
    struct str *keys = malloc(size * sizeof *keys);
    if (keys == NULL) {
        writing->status = STATUS_NO_MEMORY;
        return;
    }
    size_t count = 0;
    yyjson_obj_iter members;
    yyjson_obj_iter_init(object, &members);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&members)) != NULL; count++) {
        keys[count] = string_of(key);
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 1; i < count && writing->status == STATUS_OK; i++) {
        if (str_equal(keys[i - 1], keys[i])) {
            reject_key(writing, keys[i], "this key appears more than once in its object");
        }
    }
    free(keys);
}

static void write_key(struct writing *writing, struct str key)
{
    if (key.len > 0 && memchr(key.data, '\0', key.len) != NULL) {
        reject_key(writing, key, "a key must not hold the character U+0000");
        return;
    }
    json_text_append_string(writing->text, key);
    buffer_append_char(writing->text, ':');
}

/* Writes a value that stands at `step` inside the container being written. */
static void write_inner(struct writing *writing, struct step step, yyjson_val *value,
                        unsigned level)
{
    step.outer = writing->inside;
    writing->inside = &step;
    write_value(writing, value, level);
    writing->inside = step.outer;
}

static void write_object(struct writing *writing, yyjson_val *object, unsigned level)
{
    if (yyjson_obj_size(object) <= KEYS_BY_PAIRS_MAX) {
        check_keys_by_pairs(writing, object);
    } else {
        check_keys_by_sorting(writing, object);
    }
    buffer_append_char(writing->text, '{');
    yyjson_obj_iter members;
    yyjson_obj_iter_init(object, &members);
    bool first = true;
    for (yyjson_val *key;
         writing->status == STATUS_OK && (key = yyjson_obj_iter_next(&members)) != NULL;) {
        if (!first) {
            buffer_append_char(writing->text, ',');
        }
        first = false;
        write_key(writing, string_of(key));
        write_inner(writing, (struct step){.key = string_of(key)}, yyjson_obj_iter_get_val(key),
                    level + 1);
    }
    buffer_append_char(writing->text, '}');
}

static void write_array(struct writing *writing, yyjson_val *array, unsigned level)
{
    buffer_append_char(writing->text, '[');
    yyjson_arr_iter items;
    yyjson_arr_iter_init(array, &items);
    size_t index = 0;
    for (yyjson_val *item;
         writing->status == STATUS_OK && (item = yyjson_arr_iter_next(&items)) != NULL; index++) {
        if (index > 0) {
            buffer_append_char(writing->text, ',');
        }
        write_inner(writing, (struct step){.index = index}, item, level + 1);
    }
    buffer_append_char(writing->text, ']');
}

static void write_container(struct writing *writing, yyjson_val *container, unsigned level)
{
    const struct activity_json_place *place = writing->place;
    if (level > place->depth_max) {
        rejection_add(writing->rejection, place->pointer, "must be at most %u levels deep",
                      place->depth_max - place->level + 1);
        writing->status = STATUS_INVALID;
    } else if (yyjson_is_obj(container)) {
        write_object(writing, container, level);
    } else {
        write_array(writing, container, level);
    }
}

/* `level` is that of the value's own container, if it is one; its maximum bounds the recursion. */
static void write_value(struct writing *writing, yyjson_val *value, unsigned level)
{
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_OBJ:
    case YYJSON_TYPE_ARR:
        write_container(writing, value, level);
        break;
    case YYJSON_TYPE_STR:
        json_text_append_string(writing->text, string_of(value));
        break;
    case YYJSON_TYPE_RAW:
        buffer_append(writing->text, yyjson_get_raw(value), yyjson_get_len(value));
        break;
    case YYJSON_TYPE_BOOL:
        buffer_append_str(writing->text, yyjson_get_bool(value) ? STR("true") : STR("false"));
        break;
    default:
        buffer_append_literal(writing->text, "null");
        break;
    }
}

const char *activity_json_kind(struct yyjson_val *value)
{
    switch (yyjson_get_type(value)) {
    case YYJSON_TYPE_STR:
        return "a string";
    case YYJSON_TYPE_ARR:
        return "an array";
    case YYJSON_TYPE_OBJ:
        return "an object";
    case YYJSON_TYPE_BOOL:
        return yyjson_get_bool(value) ? "true" : "false";
    case YYJSON_TYPE_NULL:
        return "null";
    default:
        return "a number";
    }
}

enum status activity_json_write_value(struct yyjson_val *value,
                                      const struct activity_json_place *place,
                                      struct buffer *out_text, struct rejection *rejection)
{
    struct writing writing = {.place = place, .text = out_text, .rejection = rejection};
    write_value(&writing, value, place->level);
    return writing.status != STATUS_OK ? writing.status : out_text->failed;
}

enum status activity_json_write_metadata(struct yyjson_val *value, unsigned depth_max,
                                         struct buffer *out_text, struct rejection *rejection)
{
    if (!yyjson_is_obj(value)) {
        rejection_add(rejection, "/metadata", "must be an object, not %s",
                      activity_json_kind(value));
        return STATUS_INVALID;
    }
    return activity_json_write_value(
        value, &(struct activity_json_place){"/metadata", 1, depth_max}, out_text, rejection);
}
