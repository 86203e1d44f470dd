/* Counting, by the server where no row has to be looked at, else by us as the rows come. */
#include "base/timestamp.h"
#include "infrastructure/activity_store_mongodb/answer_rows.h"
#include "infrastructure/activity_store_mongodb/document_json.h"
#include "infrastructure/activity_store_mongodb/filter_document.h"
#include "infrastructure/activity_table/tally_table.h"

enum { COUNTED_BATCH_ROWS = 1000 };

/* Requests ---------------------------------------------------------------------------------- */

static void put_match(const struct activity_filter *filter, struct buffer *out)
{
    size_t stage = document_open_index(out, DOCUMENT_OBJECT, 0);
    size_t match = document_open(out, DOCUMENT_OBJECT, STR("$match"));
    filter_document_append(filter, NULL, out);
    document_end(out, match);
    document_end(out, stage);
}

static void put_sum(struct buffer *out)
{
    size_t count = document_open(out, DOCUMENT_OBJECT, STR("count"));
    document_put_i64(out, STR("$sum"), 1);
    document_end(out, count);
}

static enum status write_options(struct answer_rows *stream, struct buffer *options,
                                 struct error *err)
{
    size_t begin = document_begin(options);
    enum status status =
        answer_rows_append_time_left(stream->store, stream->deadline_ns, options, err);
    document_put_bool(options, STR("allowDiskUse"), true);
    document_end(options, begin);
    return status;
}

/* [{$match}, {$group: {_id: by, count: {$sum: 1}}}, {$limit}] with what it is grouped by. */
static void write_count(const struct activity_filter *filter, struct buffer *out)
{
    size_t pipeline = document_begin(out);
    put_match(filter, out);
    size_t stage = document_open_index(out, DOCUMENT_OBJECT, 1);
    size_t group = document_open(out, DOCUMENT_OBJECT, STR("$group"));
    document_put_null(out, STR("_id"));
    put_sum(out);
    document_end(out, group);
    document_end(out, stage);
    document_end(out, pipeline);
}

/* {$mod: [what, unit]}, where what is open to be written by the caller. */
static size_t open_operator(struct buffer *out, struct str key, struct str operator,
                            size_t * out_list)
{
    size_t member = document_open(out, DOCUMENT_OBJECT, key);
    *out_list = document_open(out, DOCUMENT_ARRAY, operator);
    return member;
}

static void put_time_as_number(struct buffer *out, struct str key)
{
    size_t member = document_open(out, DOCUMENT_OBJECT, key);
    document_put_str(out, STR("$toLong"), STR("$timestamp"));
    document_end(out, member);
}

/* {$subtract: [t, {$mod: [{$add: [{$mod: [t, unit]}, unit]}, unit]}]}: the inner sum makes it the
 * stretch's beginning below 1970, too. Arithmetic, since $dateTrunc is not everywhere. */
static void put_unit_begin(struct buffer *out, int64_t unit_ms)
{
    size_t lists[4];
    size_t members[4];
    members[0] = open_operator(out, STR("_id"), STR("$subtract"), &lists[0]);
    put_time_as_number(out, STR("0"));
    members[1] = open_operator(out, STR("1"), STR("$mod"), &lists[1]);
    members[2] = open_operator(out, STR("0"), STR("$add"), &lists[2]);
    members[3] = open_operator(out, STR("0"), STR("$mod"), &lists[3]);
    put_time_as_number(out, STR("0"));
    document_put_i64(out, STR("1"), unit_ms);
    for (size_t i = 4; i-- > 0;) {
        document_end(out, lists[i]);
        document_end(out, members[i]);
        if (i > 1) {
            document_put_i64(out, STR("1"), unit_ms);
        }
    }
}

static void put_grouping(const struct activity_tally_request *request, struct buffer *out)
{
    if (request->grouping == GROUP_BY_ACTION) {
        document_put_str(out, STR("_id"), STR("$action"));
    } else if (request->grouping == GROUP_BY_USER) {
        document_put_str(out, STR("_id"), STR("$userId"));
    } else {
        put_unit_begin(out, activity_tally_interval_ms(request));
    }
}

/* One group more than may be counted is enough to know that there are too many. */
static void write_tally(const struct activity_tally_request *request, struct buffer *out)
{
    size_t pipeline = document_begin(out);
    put_match(&request->filter, out);
    size_t stage = document_open_index(out, DOCUMENT_OBJECT, 1);
    size_t group = document_open(out, DOCUMENT_OBJECT, STR("$group"));
    put_grouping(request, out);
    put_sum(out);
    document_end(out, group);
    document_end(out, stage);
    size_t limit = document_open_index(out, DOCUMENT_OBJECT, 2);
    document_put_i64(out, STR("$limit"), (int64_t)request->groups_max + 1);
    document_end(out, limit);
    document_end(out, pipeline);
}

/* What rows are looked at for: without ids and places of logs. */
static enum status write_row_options(struct answer_rows *stream, struct buffer *options,
                                     struct error *err)
{
    size_t begin = document_begin(options);
    size_t projection = document_open(options, DOCUMENT_OBJECT, STR("projection"));
    document_put_i32(options, STR("source"), 0);
    document_put_i32(options, STR("receivedAt"), 0);
    document_end(options, projection);
    document_put_i32(options, STR("batchSize"), COUNTED_BATCH_ROWS);
    enum status status =
        answer_rows_append_time_left(stream->store, stream->deadline_ns, options, err);
    document_end(options, begin);
    return status;
}

static enum status find_rows(struct answer_rows *stream, const struct activity_filter *filter,
                             struct error *err)
{
    struct buffer query;
    struct buffer options;
    buffer_init(&query, REQUEST_BYTES_MAX);
    buffer_init(&options, REQUEST_BYTES_MAX);
    size_t begin = document_begin(&query);
    filter_document_append(filter, NULL, &query);
    document_end(&query, begin);
    enum status status = write_row_options(stream, &options, err);
    if (status == STATUS_OK) {
        status = answer_rows_find(stream, &query, &options, err);
    }
    buffer_deinit(&query);
    buffer_deinit(&options);
    return status;
}

static enum status aggregate(struct answer_rows *stream, const struct buffer *pipeline,
                             struct error *err)
{
    struct buffer options;
    buffer_init(&options, REQUEST_BYTES_MAX);
    enum status status = write_options(stream, &options, err);
    if (status == STATUS_OK) {
        status = answer_rows_aggregate(stream, pipeline, &options, err);
    }
    buffer_deinit(&options);
    return status;
}

/* Count ------------------------------------------------------------------------------------- */

static enum status count_by_looking(struct answer_rows *stream,
                                    const struct activity_filter *filter, uint64_t *out_count,
                                    struct error *err)
{
    struct activity row;
    uint64_t count = 0;
    enum status status = find_rows(stream, filter, err);
    while (status == STATUS_OK &&
           (status = answer_rows_next(stream, filter, &row, err)) == STATUS_OK) {
        count++;
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *out_count = count;
    return STATUS_OK;
}

static enum status count_by_server(struct answer_rows *stream, const struct activity_filter *filter,
                                   uint64_t *out_count, struct error *err)
{
    struct buffer pipeline;
    const bson_t *document;
    buffer_init(&pipeline, REQUEST_BYTES_MAX);
    write_count(filter, &pipeline);
    enum status status = aggregate(stream, &pipeline, err);
    buffer_deinit(&pipeline);
    if (status == STATUS_OK) {
        status = answer_rows_next_document(stream, &document, err);
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    *out_count = status == STATUS_OK ? (uint64_t)mongodb_client_number(document, "count") : 0;
    return STATUS_OK;
}

enum status store_count(struct mongodb_store *store, const struct activity_filter *filter,
                        uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct answer_rows stream;
    enum status status = activity_store_check_deadline(store->clock, deadline_ns, err);
    if (status == STATUS_OK) {
        status = answer_rows_open(&stream, store, deadline_ns, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = activity_filter_asks_metadata(filter)
                 ? count_by_looking(&stream, filter, out_count, err)
                 : count_by_server(&stream, filter, out_count, err);
    answer_rows_close(&stream);
    return status;
}

/* Tally ------------------------------------------------------------------------------------- */

static enum status refuse(enum status status, const struct tally_table *groups, struct error *err)
{
    return status == STATUS_OK
               ? STATUS_OK
               : activity_store_refuse_tally(status, groups->request->groups_max, err);
}

static enum status tally_by_looking(struct answer_rows *stream, struct tally_table *groups,
                                    struct error *err)
{
    const struct activity_filter *filter = &groups->request->filter;
    enum status status = find_rows(stream, filter, err);
    while (status == STATUS_OK) {
        struct activity row;
        status = answer_rows_next(stream, filter, &row, err);
        if (status == STATUS_OK) {
            status = refuse(tally_table_add_row(groups, &row), groups, err);
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* What is no name, such as of documents without an action, makes no group. */
static enum status add_group(struct tally_table *groups, const bson_t *document,
                             struct buffer *name)
{
    bson_iter_t id;
    uint64_t count = (uint64_t)mongodb_client_number(document, "count");
    if (!bson_iter_init_find(&id, document, "_id")) {
        return STATUS_OK;
    }
    if (activity_grouping_is_by_time(groups->request->grouping)) {
        return tally_table_add_time(groups, bson_iter_as_int64(&id), count);
    }
    buffer_clear(name);
    if (!document_json_append_name(&id, name)) {
        return STATUS_OK;
    }
    return name->failed == STATUS_OK ? tally_table_add_name(groups, buffer_str(name), count)
                                     : STATUS_NO_MEMORY;
}

static enum status tally_by_server(struct answer_rows *stream, struct tally_table *groups,
                                   struct error *err)
{
    struct buffer pipeline;
    struct buffer name;
    buffer_init(&pipeline, REQUEST_BYTES_MAX);
    buffer_init(&name, REQUEST_BYTES_MAX);
    write_tally(groups->request, &pipeline);
    enum status status = aggregate(stream, &pipeline, err);
    while (status == STATUS_OK) {
        const bson_t *document;
        status = answer_rows_next_document(stream, &document, err);
        if (status == STATUS_OK) {
            status = refuse(add_group(groups, document, &name), groups, err);
        }
    }
    buffer_deinit(&pipeline);
    buffer_deinit(&name);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* What the server takes for equal, and for the text of a number, is not what we do. */
static bool must_look(const struct activity_tally_request *request)
{
    return request->grouping == GROUP_BY_METADATA ||
           activity_filter_asks_metadata(&request->filter);
}

enum status store_tally(struct mongodb_store *store, const struct activity_tally_request *request,
                        struct arena *arena, struct activity_tally *out_tally, struct error *err)
{
    struct answer_rows stream;
    struct tally_table groups;
    enum status status = activity_store_check_deadline(store->clock, request->deadline_ns, err);
    if (status == STATUS_OK) {
        status = answer_rows_open(&stream, store, request->deadline_ns, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    tally_table_init(&groups, request, store->seed);
    status = must_look(request) ? tally_by_looking(&stream, &groups, err)
                                : tally_by_server(&stream, &groups, err);
    if (status == STATUS_OK) {
        status = refuse(tally_table_answer(&groups, arena, out_tally), &groups, err);
    }
    tally_table_deinit(&groups);
    answer_rows_close(&stream);
    return status;
}
