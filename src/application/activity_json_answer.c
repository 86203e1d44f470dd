#include "application/activity_json_answer.h"

#include "application/activity_json.h"
#include "application/activity_json_metadata.h"
#include "base/timestamp.h"
#include "base/utf8.h"

#include <stdio.h>
#include <yyjson.h>

/* yyjson's readers take what they do not change without const. */
static yyjson_val *loose(const struct yyjson_val *value)
{
    return (yyjson_val *)(uintptr_t)value;
}

enum status activity_json_answer_read(struct str text, struct arena *arena,
                                      struct activity_json_answer *out_answer, struct error *err)
{
    yyjson_read_err why;
    yyjson_doc *document = yyjson_read_opts((char *)(uintptr_t)text.data, text.len,
                                            YYJSON_READ_NUMBER_AS_RAW, NULL, &why);
    if (document == NULL) {
        bool memory = why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION;
        return error_set(err, memory ? STATUS_NO_MEMORY : STATUS_INVALID, 0,
                         "the answer cannot be read as JSON: %s", why.msg);
    }
    *out_answer = (struct activity_json_answer){document, yyjson_doc_get_root(document), arena};
    return STATUS_OK;
}

void activity_json_answer_deinit(struct activity_json_answer *answer)
{
    yyjson_doc_free(answer->document);
    *answer = (struct activity_json_answer){0};
}

/* Members ----------------------------------------------------------------------------------- */

struct str activity_json_answer_text(const struct yyjson_val *object, const char *name)
{
    yyjson_val *value = yyjson_obj_get(loose(object), name);
    return yyjson_is_str(value) ? (struct str){yyjson_get_str(value), yyjson_get_len(value)}
                                : (struct str){0};
}

bool activity_json_answer_number(const struct yyjson_val *object, const char *name,
                                 uint64_t *out_number)
{
    unsigned long long number;
    yyjson_val *value = yyjson_obj_get(loose(object), name);
    if (!yyjson_is_raw(value) ||
        !str_parse_u64((struct str){yyjson_get_raw(value), yyjson_get_len(value)}, UINT64_MAX,
                       &number)) {
        return false;
    }
    *out_number = number;
    return true;
}

bool activity_json_answer_is_true(const struct yyjson_val *object, const char *name)
{
    return yyjson_is_true(yyjson_obj_get(loose(object), name));
}

/* Lists ------------------------------------------------------------------------------------- */

enum status activity_json_answer_list(const struct activity_json_answer *answer, const char *name,
                                      struct activity_json_answer_list *out_list, struct error *err)
{
    yyjson_val *list = yyjson_obj_get(answer->root, name);
    if (!yyjson_is_arr(list)) {
        return error_set(err, STATUS_INVALID, 0, "the answer has no list \"%s\"", name);
    }
    *out_list =
        (struct activity_json_answer_list){yyjson_arr_get_first(list), yyjson_arr_size(list)};
    return STATUS_OK;
}

struct yyjson_val *activity_json_answer_next(struct activity_json_answer_list *list)
{
    yyjson_val *found = list->left == 0 ? NULL : list->next;
    if (found != NULL && --list->left > 0) {
        list->next = unsafe_yyjson_get_next(found);
    }
    return found;
}

/* Texts ------------------------------------------------------------------------------------- */

/* An object in one of theirs. */
enum { DEPTH_MAX = ACTIVITY_JSON_DEPTH_MAX + 2, VALUE_BYTES_MAX = 256 << 20 };

struct str activity_json_answer_json(const struct activity_json_answer *answer,
                                     const struct yyjson_val *value)
{
    const struct activity_json_place place = {.pointer = "", .level = 1, .depth_max = DEPTH_MAX};
    struct rejection rejection;
    struct buffer text;
    struct str copy = {0};
    rejection_init(&rejection);
    buffer_init(&text, VALUE_BYTES_MAX);
    if (activity_json_write_value(loose(value), &place, &text, &rejection) == STATUS_OK) {
        copy = arena_copy_str(answer->arena, buffer_str(&text));
    }
    buffer_deinit(&text);
    return copy;
}

enum status activity_json_answer_row(const struct activity_json_answer *answer,
                                     const struct yyjson_val *value, struct activity *out_activity,
                                     struct error *err)
{
    yyjson_val *metadata = yyjson_obj_get(loose(value), "metadata");
    struct str time = activity_json_answer_text(value, "timestamp");
    struct activity activity = {.id = activity_json_answer_text(value, "id"),
                                .user_id = activity_json_answer_text(value, "userId"),
                                .action = activity_json_answer_text(value, "action")};
    if (activity.id.data == NULL || activity.user_id.data == NULL || activity.action.data == NULL ||
        !yyjson_is_obj(metadata) || time.data == NULL ||
        !timestamp_parse(time, &activity.timestamp_ms)) {
        return error_set(err, STATUS_INVALID, 0,
                         "the answer has something among its activities that is none");
    }
    activity.metadata = activity_json_answer_json(answer, metadata);
    if (activity.metadata.data == NULL) {
        return error_set(err, STATUS_INVALID, 0,
                         "the metadata of an activity in the answer is wrong, or too large");
    }
    *out_activity = activity;
    return STATUS_OK;
}

void activity_json_answer_detail(struct str body, char out_detail[ANSWER_DETAIL_BYTES])
{
    yyjson_doc *document = yyjson_read(body.data, body.len, 0);
    const char *detail = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(document), "detail"));
    snprintf(out_detail, ANSWER_DETAIL_BYTES, "%s", detail == NULL ? "" : detail);
    utf8_trim(out_detail);
    yyjson_doc_free(document);
}
