#include "infrastructure/activity_store_mongodb/put_existing.h"

#include "infrastructure/activity_store_mongodb/answer_rows.h"

enum { IDS_AT_ONCE = 1000 };

/* Verdicts ---------------------------------------------------------------------------------- */

static enum verdict compare(const struct log_progress *progress,
                            const struct logged_activity *arrived, const struct activity *stored)
{
    if (progress_covers(progress, arrived->position)) {
        return VERDICT_REDELIVERED;
    }
    return activity_is_repetition(stored, &arrived->activity) ? VERDICT_DUPLICATE
                                                              : VERDICT_CONFLICT;
}

static void judge_behind(const struct log_progress *progress, struct put_rows *rows, size_t row,
                         const struct activity *stored)
{
    uint32_t next = rows->rows[row].next;
    for (; next != 0; next = rows->rows[next - 1].next) {
        if (rows->rows[next - 1].state == ROW_WAITS) {
            put_rows_judge(rows, next - 1, compare(progress, &rows->batch->rows[next - 1], stored));
        }
    }
}

void put_existing_judge(const struct log_progress *progress, struct put_rows *rows, size_t row,
                        const struct activity *stored)
{
    put_rows_judge(rows, row, compare(progress, &rows->batch->rows[row], stored));
    judge_behind(progress, rows, row, stored);
}

static bool is_own(const struct put_rows *rows, size_t row, const struct activity_source *source,
                   const struct activity *stored)
{
    const struct logged_activity *arrived = &rows->batch->rows[row];
    return source->known && uuid_equal(source->log_id, rows->batch->log_id) &&
           source->position.partition == arrived->position.partition &&
           source->position.offset == arrived->position.offset &&
           activity_same_content(stored, &arrived->activity, true);
}

/* Lookups ----------------------------------------------------------------------------------- */

/* Confirmed by the majority: what is not could vanish, and the row with it. */
static void write_options(struct buffer *options)
{
    size_t begin = document_begin(options);
    size_t concern = document_open(options, DOCUMENT_OBJECT, STR("readConcern"));
    document_put_str(options, STR("level"), STR("majority"));
    document_end(options, concern);
    document_put_i32(options, STR("batchSize"), IDS_AT_ONCE);
    document_end(options, begin);
}

static size_t write_query(const struct put_rows *rows, size_t begin, size_t *out_count,
                          struct buffer *query)
{
    size_t at = begin;
    *out_count = 0;
    buffer_clear(query);
    size_t whole = document_begin(query);
    size_t member = document_open(query, DOCUMENT_OBJECT, STR("_id"));
    size_t list = document_open(query, DOCUMENT_ARRAY, STR("$in"));
    for (; at < rows->chosen_count && *out_count < IDS_AT_ONCE; at++) {
        size_t row = rows->chosen[at];
        if (rows->rows[row].state == ROW_SENT_EXISTS) {
            document_put_index(query, DOCUMENT_STRING, (*out_count)++);
            document_write_text(query, rows->batch->rows[row].activity.id);
        }
    }
    document_end(query, list);
    document_end(query, member);
    document_end(query, whole);
    return at;
}

/* A document that is no activity has other content than any. */
static void judge_strange(const struct log_progress *progress, struct put_rows *rows, size_t row)
{
    static const struct activity nothing = {
        .id = {"", 0}, .user_id = {"", 0}, .action = {"", 0}, .metadata = {"", 0}};
    put_existing_judge(progress, rows, row, &nothing);
}

static enum status take_document(struct answer_rows *stream, const struct log_progress *progress,
                                 struct put_rows *rows, const bson_t *document, struct error *err)
{
    bson_iter_t id;
    uint32_t len;
    size_t row;
    struct activity stored;
    if (!bson_iter_init_find(&id, document, "_id") || !BSON_ITER_HOLDS_UTF8(&id)) {
        return STATUS_OK;
    }
    const char *text = bson_iter_utf8(&id, &len);
    if (!put_rows_find_existing(rows, (struct str){text, len}, &row)) {
        return STATUS_OK;
    }
    enum status status = activity_reader_read(&stream->reader, document, &stored);
    if (status == STATUS_NO_MEMORY) {
        return error_set(err, status, 0, "there is no memory to read a document of MongoDB");
    }
    if (status == STATUS_NOT_FOUND) {
        judge_strange(progress, rows, row);
        return STATUS_OK;
    }
    struct activity_source source = activity_document_source(document);
    if (is_own(rows, row, &source, &stored) &&
        !progress_covers(progress, rows->batch->rows[row].position)) {
        put_rows_judge(rows, row, VERDICT_STORED);
        rows->rows[row].inserted = true;
        judge_behind(progress, rows, row, &stored);
    } else {
        put_existing_judge(progress, rows, row, &stored);
    }
    return STATUS_OK;
}

static enum status look_up(struct answer_rows *stream, const struct log_progress *progress,
                           struct put_rows *rows, struct error *err)
{
    struct buffer query;
    struct buffer options;
    enum status status = STATUS_OK;
    buffer_init(&query, REQUEST_BYTES_MAX);
    buffer_init(&options, REQUEST_BYTES_MAX);
    write_options(&options);
    for (size_t at = 0; at < rows->chosen_count && status == STATUS_OK;) {
        size_t count;
        const bson_t *document;
        at = write_query(rows, at, &count, &query);
        if (count == 0) {
            break;
        }
        status = answer_rows_find(stream, &query, &options, err);
        while (status == STATUS_OK &&
               (status = answer_rows_next_document(stream, &document, err)) == STATUS_OK) {
            status = take_document(stream, progress, rows, document, err);
        }
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    buffer_deinit(&query);
    buffer_deinit(&options);
    return status;
}

enum status put_existing_look_up(struct mongodb_store *store, const struct log_progress *progress,
                                 struct put_rows *rows, struct error *err)
{
    struct answer_rows stream;
    enum status status = answer_rows_open(&stream, store, 0, err);
    if (status != STATUS_OK) {
        return status;
    }
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    mongoc_collection_set_read_prefs(stream.collection, primary);
    mongoc_read_prefs_destroy(primary);
    status = look_up(&stream, progress, rows, err);
    answer_rows_close(&stream);
    for (size_t i = 0; i < rows->chosen_count && status == STATUS_OK; i++) {
        struct put_row *row = &rows->rows[rows->chosen[i]];
        row->state = row->state == ROW_SENT_EXISTS ? ROW_WAITS : row->state;
    }
    return status;
}
