#include "infrastructure/activity_store_mongodb/filter_document.h"

#include "base/digits.h"
#include "infrastructure/activity_store_mongodb/metadata_number.h"
#include "infrastructure/mongodb_client/document_writer.h"

/* Names ------------------------------------------------------------------------------------- */

bool filter_document_read_object_id(struct str text, uint8_t out_bytes[12])
{
    bool lower = text.len == 2 * DOCUMENT_OBJECT_ID_BYTES;
    for (size_t i = 0; lower && i < text.len; i++) {
        lower = text.data[i] < 'A' || text.data[i] > 'F';
    }
    return lower && digits_parse_bytes(text.data, DOCUMENT_OBJECT_ID_BYTES, out_bytes);
}

/* Whether documents of other writers may have the name in another type. */
static bool has_other_types(struct str name)
{
    struct metadata_number number;
    uint8_t bytes[DOCUMENT_OBJECT_ID_BYTES];
    return filter_document_read_object_id(name, bytes) ||
           (metadata_number_read(name, &number) && number.kind == METADATA_INTEGER);
}

static void put_name_types(struct str name, size_t *index, struct buffer *out)
{
    struct metadata_number number;
    uint8_t bytes[DOCUMENT_OBJECT_ID_BYTES];
    document_put_index(out, DOCUMENT_STRING, (*index)++);
    document_write_text(out, name);
    if (filter_document_read_object_id(name, bytes)) {
        document_put_index(out, DOCUMENT_OBJECT_ID, (*index)++);
        buffer_append(out, bytes, sizeof bytes);
    }
    if (metadata_number_read(name, &number) && number.kind == METADATA_INTEGER) {
        document_put_index(out, DOCUMENT_INT64, (*index)++);
        document_write_u64(out, (uint64_t)number.integer);
    }
}

static void put_list(struct str relation, const struct name_list *list, struct buffer *out)
{
    size_t index = 0;
    if (list->count == 0) {
        return;
    }
    size_t member = document_open(out, DOCUMENT_ARRAY, relation);
    for (size_t i = 0; i < list->count; i++) {
        put_name_types(list->items[i], &index, out);
    }
    document_end(out, member);
}

/* What has no such member is not among the excluded, and no activity either way. */
static void put_names(struct str key, const struct name_list *wanted,
                      const struct name_list *excluded, struct buffer *out)
{
    if (wanted->count == 0 && excluded->count == 0) {
        return;
    }
    if (wanted->count == 1 && excluded->count == 0 && !has_other_types(wanted->items[0])) {
        document_put_str(out, key, wanted->items[0]);
        return;
    }
    size_t member = document_open(out, DOCUMENT_OBJECT, key);
    put_list(STR("$in"), wanted, out);
    put_list(STR("$nin"), excluded, out);
    document_end(out, member);
}

void filter_document_append_name(struct str key, struct str name, struct buffer *out_query)
{
    const struct name_list wanted = {&name, 1};
    const struct name_list excluded = {0};
    put_names(key, &wanted, &excluded, out_query);
}

/* Times and keys ---------------------------------------------------------------------------- */

/* Always there, so that documents whose timestamp is no date are in no answer. A cursor narrows it,
 * so that the index is entered near its place. */
static void put_times(const struct activity_filter *filter, const struct filter_after *after,
                      struct buffer *out)
{
    int64_t from_ms = filter->from_ms;
    int64_t to_ms = filter->to_ms;
    if (after != NULL && after->order == ORDER_OLDEST_FIRST && after->key.timestamp_ms > from_ms) {
        from_ms = after->key.timestamp_ms;
    }
    if (after != NULL && after->order == ORDER_NEWEST_FIRST &&
        after->key.timestamp_ms < to_ms - 1) {
        to_ms = after->key.timestamp_ms + 1;
    }
    size_t member = document_open(out, DOCUMENT_OBJECT, STR("timestamp"));
    document_put_date(out, STR("$gte"), from_ms);
    document_put_date(out, STR("$lt"), to_ms);
    document_end(out, member);
}

static void put_id(const struct filter_after *after, struct str operator, struct buffer * out)
{
    uint8_t bytes[DOCUMENT_OBJECT_ID_BYTES];
    if (after->is_object_id && filter_document_read_object_id(after->key.id, bytes)) {
        document_put_object_id(out, operator, bytes);
    } else {
        document_put_str(out, operator, after->key.id);
    }
}

/* {timestamp: t, _id: {…}} as an alternative. */
static size_t open_tie(const struct filter_after *after, size_t index, size_t *out_id,
                       struct buffer *out)
{
    size_t tie = document_open_index(out, DOCUMENT_OBJECT, index);
    document_put_date(out, STR("timestamp"), after->key.timestamp_ms);
    *out_id = document_open(out, DOCUMENT_OBJECT, STR("_id"));
    return tie;
}

/* A comparison looks at values of its own type only, so ids of the other type have a bound of their
 * own: behind a string come all ObjectIds, before an ObjectId all strings. */
static void put_other_type(const struct filter_after *after, size_t index, struct buffer *out)
{
    static const uint8_t lowest[DOCUMENT_OBJECT_ID_BYTES] = {0};
    size_t id;
    bool oldest_first = after->order == ORDER_OLDEST_FIRST;
    if (after->is_object_id == oldest_first) {
        return;
    }
    size_t tie = open_tie(after, index, &id, out);
    if (oldest_first) {
        document_put_object_id(out, STR("$gte"), lowest);
    } else {
        document_put_str(out, STR("$gte"), STR(""));
    }
    document_end(out, id);
    document_end(out, tie);
}

/* {$or: [{timestamp: beyond}, {timestamp: equal, _id: beyond}, …]} in a list of conditions. */
static void put_after(const struct filter_after *after, size_t *index, struct buffer *out)
{
    size_t id;
    struct str beyond = after->order == ORDER_OLDEST_FIRST ? STR("$gt") : STR("$lt");
    size_t condition = document_open_index(out, DOCUMENT_OBJECT, (*index)++);
    size_t either = document_open(out, DOCUMENT_ARRAY, STR("$or"));
    size_t later = document_open_index(out, DOCUMENT_OBJECT, 0);
    size_t member = document_open(out, DOCUMENT_OBJECT, STR("timestamp"));
    document_put_date(out, beyond, after->key.timestamp_ms);
    document_end(out, member);
    document_end(out, later);
    size_t tie = open_tie(after, 1, &id, out);
    put_id(after, beyond, out);
    document_end(out, id);
    document_end(out, tie);
    put_other_type(after, 2, out);
    document_end(out, either);
    document_end(out, condition);
}

/* Metadata ---------------------------------------------------------------------------------- */

static bool server_finds(const struct metadata_filter *filter, size_t path)
{
    const struct metadata_path *keys = &filter->paths[path];
    for (size_t i = 0; i < keys->ends[keys->member_count - 1]; i++) {
        if (keys->keys[i] == '.' || keys->keys[i] == '\0') {
            return false;
        }
    }
    for (size_t i = 0; i < filter->value_count; i++) {
        const struct metadata_value *value = &filter->values[i];
        if (value->path == path && value->is_number &&
            !metadata_number_compares_exactly(&value->number)) {
            return false;
        }
    }
    return true;
}

static void put_number(const struct metadata_number *number, size_t *index, struct buffer *out)
{
    if (number->kind == METADATA_INTEGER) {
        document_put_index(out, DOCUMENT_INT64, (*index)++);
        document_write_u64(out, (uint64_t)number->integer);
    } else if (number->kind == METADATA_DOUBLE) {
        uint64_t bits;
        memcpy(&bits, &number->real, sizeof bits);
        document_put_index(out, DOCUMENT_DOUBLE, (*index)++);
        document_write_u64(out, bits);
    }
}

/* As a string, and as the number or word that the text may be. */
static void put_value(const struct metadata_value *value, size_t *index, struct buffer *out)
{
    struct metadata_number number;
    bool is_true = str_equal(value->text, STR("true"));
    document_put_index(out, DOCUMENT_STRING, (*index)++);
    document_write_text(out, value->text);
    if (value->is_number && metadata_number_read(value->text, &number)) {
        put_number(&number, index, out);
    } else if (is_true || str_equal(value->text, STR("false"))) {
        document_put_index(out, DOCUMENT_BOOL, (*index)++);
        buffer_append_char(out, is_true ? 1 : 0);
    } else if (str_equal(value->text, STR("null"))) {
        document_put_index(out, DOCUMENT_NULL, (*index)++);
    }
}

static void put_path_key(const struct metadata_path *path, struct buffer *out)
{
    buffer_append_char(out, DOCUMENT_OBJECT);
    buffer_append_literal(out, "metadata");
    for (size_t i = 0; i < path->member_count; i++) {
        buffer_append_char(out, '.');
        buffer_append_str(out, metadata_path_member(path, i));
    }
    buffer_append_char(out, '\0');
}

static void put_path(const struct metadata_filter *filter, size_t path, struct buffer *out)
{
    size_t index = 0;
    put_path_key(&filter->paths[path], out);
    size_t member = document_begin(out);
    size_t list = document_open(out, DOCUMENT_ARRAY, STR("$in"));
    for (size_t i = 0; i < filter->value_count; i++) {
        if (filter->values[i].path == path) {
            put_value(&filter->values[i], &index, out);
        }
    }
    document_end(out, list);
    document_end(out, member);
}

/* {$or: [{metadataText: {$exists: true}}, {every path}]} in a list of conditions. */
static void put_metadata(const struct metadata_filter *filter, size_t *index, struct buffer *out)
{
    size_t condition = document_open_index(out, DOCUMENT_OBJECT, (*index)++);
    size_t either = document_open(out, DOCUMENT_ARRAY, STR("$or"));
    size_t texts = document_open_index(out, DOCUMENT_OBJECT, 0);
    size_t member = document_open(out, DOCUMENT_OBJECT, STR("metadataText"));
    document_put_bool(out, STR("$exists"), true);
    document_end(out, member);
    document_end(out, texts);
    size_t paths = document_open_index(out, DOCUMENT_OBJECT, 1);
    for (size_t i = 0; i < filter->path_count; i++) {
        if (server_finds(filter, i)) {
            put_path(filter, i, out);
        }
    }
    document_end(out, paths);
    document_end(out, either);
    document_end(out, condition);
}

static bool server_finds_any(const struct activity_filter *filter)
{
    bool found = false;
    for (size_t i = 0; filter->metadata != NULL && i < filter->metadata->path_count; i++) {
        found = found || server_finds(filter->metadata, i);
    }
    return found;
}

void filter_document_append(const struct activity_filter *filter, const struct filter_after *after,
                            struct buffer *out_query)
{
    size_t index = 0;
    bool by_metadata = server_finds_any(filter);
    put_names(STR("userId"), &filter->user_ids, &filter->excluded.user_ids, out_query);
    put_names(STR("action"), &filter->actions, &filter->excluded.actions, out_query);
    put_times(filter, after, out_query);
    if (after == NULL && !by_metadata) {
        return;
    }
    size_t all = document_open(out_query, DOCUMENT_ARRAY, STR("$and"));
    if (after != NULL) {
        put_after(after, &index, out_query);
    }
    if (by_metadata) {
        put_metadata(filter->metadata, &index, out_query);
    }
    document_end(out_query, all);
}
