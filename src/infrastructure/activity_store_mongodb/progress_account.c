#include "infrastructure/activity_store_mongodb/progress_account.h"

#include "base/array.h"
#include "base/assert.h"

#include <stdlib.h>

enum { LOGS_READ_MAX = 1000 };

/* Making a change --------------------------------------------------------------------------- */

static void add_rows(struct log_counting *counting, const struct put_rows *rows)
{
    const struct activity_batch *batch = rows->batch;
    for (size_t i = 0; i < batch->count; i++) {
        log_counting_add_row(counting, &batch->rows[i], rows->rows[i].verdict);
    }
    for (size_t i = 0; i < batch->refused_count; i++) {
        log_counting_add_refused(counting, &batch->refused[i]);
    }
    log_counting_end(counting);
}

static const struct carried_counts *find_carried(const struct carried_list *list, int32_t partition)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].partition == partition) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* What was counted before and not covered yet, if nobody covered it meanwhile. */
static bool takes_up(const struct account_change *change, const struct carried_counts *carried,
                     int64_t next)
{
    const struct position_set *known = &change->progress->account.positions;
    return carried != NULL && position_set_get(known, carried->partition) == carried->from &&
           next >= carried->to;
}

/* How far the positions of `next` have their counts already, `added` or in the document. */
static enum status take_up_carried(struct account_change *change, struct position_set *out_counted)
{
    const struct log_progress *progress = change->progress;
    const struct position_set *next = change->raising->next;
    enum status status = position_set_raise_all(out_counted, &progress->account.positions);
    for (size_t i = 0; status == STATUS_OK && i < next->count; i++) {
        const struct carried_counts *carried =
            find_carried(&progress->carried, next->items[i].partition);
        if (takes_up(change, carried, next->items[i].offset)) {
            log_counts_add(&change->added, &carried->counts);
            status =
                position_set_raise(out_counted, (struct position){carried->partition, carried->to});
        }
    }
    return status;
}

static enum status add_carried(struct carried_list *list, const struct carried_counts *added)
{
    if (!ARRAY_RESERVE(list->items, list->capacity, list->count + 1)) {
        return STATUS_NO_MEMORY;
    }
    list->items[list->count++] = *added;
    return STATUS_OK;
}

/* Of one partition, what the batch has behind `next`. */
static enum status carry(struct account_change *change, struct position next, int64_t batch_next)
{
    struct position from = next;
    struct position to = {next.partition, batch_next};
    const struct position_set from_set = {.items = &from, .count = 1};
    const struct position_set to_set = {.items = &to, .count = 1};
    struct log_counting counting;
    log_counting_begin(&counting, &change->starts, &from_set, &to_set);
    add_rows(&counting, change->raising->rows);
    counting.added.replayed = 0;
    const struct carried_counts carried = {next.partition, next.offset, batch_next, counting.added};
    return add_carried(&change->carried, &carried);
}

/* Those of other partitions stay as they are; those of this batch are made anew. */
static enum status carry_on(struct account_change *change)
{
    const struct carried_list *before = &change->progress->carried;
    const struct position_set *next = change->raising->next;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < before->count; i++) {
        if (!position_set_has(next, before->items[i].partition)) {
            status = add_carried(&change->carried, &before->items[i]);
        }
    }
    for (size_t i = 0; status == STATUS_OK && i < next->count; i++) {
        struct position position = next->items[i];
        int64_t batch_next =
            position_set_get(change->raising->rows->batch->next, position.partition);
        if (batch_next > position.offset) {
            status = carry(change, position, batch_next);
        }
    }
    return status;
}

static enum status count_rows(struct account_change *change, const struct position_set *counted)
{
    struct log_counting counting;
    log_counting_begin(&counting, &change->starts, counted, change->raising->next);
    add_rows(&counting, change->raising->rows);
    log_counts_add(&change->added, &counting.added);
    return carry_on(change);
}

enum status account_change_make(const struct log_progress *progress,
                                const struct progress_raising *raising,
                                struct account_change *out_change)
{
    struct position_set counted;
    const struct log_coverage *account = &progress->account;
    *out_change = (struct account_change){.progress = progress, .raising = raising};
    position_set_init(&out_change->starts);
    position_set_init(&counted);
    enum status status = position_set_raise_all(&out_change->starts, &account->starts);
    if (status == STATUS_OK) {
        status = log_starts_take_up(&out_change->starts, &account->positions, raising->rows->batch);
    }
    if (status == STATUS_OK) {
        status = take_up_carried(out_change, &counted);
    }
    if (status == STATUS_OK) {
        status = count_rows(out_change, &counted);
    }
    position_set_deinit(&counted);
    return status;
}

void account_change_deinit(struct account_change *change)
{
    position_set_deinit(&change->starts);
    free(TAKE(change->carried.items));
}

/* Writing ----------------------------------------------------------------------------------- */

static void put_partition_key(struct buffer *out, enum document_type type, const char *prefix,
                              int32_t partition)
{
    buffer_append_char(out, (char)type);
    buffer_append_str(out, str_from(prefix));
    buffer_append_u64(out, (uint64_t)partition);
    buffer_append_char(out, '\0');
}

void account_change_put_conditions(const struct account_change *change, struct buffer *out)
{
    const struct position_set *known = &change->progress->account.positions;
    const struct position_set *next = change->raising->next;
    for (size_t i = 0; i < next->count; i++) {
        int32_t partition = next->items[i].partition;
        if (!position_set_has(known, partition)) {
            put_partition_key(out, DOCUMENT_NULL, "partitions.", partition);
        } else if (position_set_get(known, partition) < next->items[i].offset) {
            put_partition_key(out, DOCUMENT_INT64, "partitions.", partition);
            document_write_u64(out, (uint64_t)position_set_get(known, partition));
        }
    }
}

static void put_increment(struct buffer *out, const char *name, uint64_t number)
{
    char key[32];
    if (number > 0) {
        snprintf(key, sizeof key, "counts.%s", name);
        document_put_i64(out, str_from(key), (int64_t)number);
    }
}

static void put_counts(const struct log_counts *added, struct buffer *out)
{
    if (log_counts_sum(added) + added->replayed == 0) {
        return;
    }
    size_t increments = document_open(out, DOCUMENT_OBJECT, STR("$inc"));
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        put_increment(out, log_outcome_name((enum log_outcome)i), added->outcomes[i]);
    }
    put_increment(out, "foreign", added->foreign);
    put_increment(out, "replayed", added->replayed);
    document_end(out, increments);
}

/* Older servers do not take an empty $set. */
void account_change_put_changes(const struct account_change *change, struct buffer *out)
{
    const struct position_set *known = &change->progress->account.starts;
    put_counts(&change->added, out);
    if (change->starts.count == known->count) {
        return;
    }
    size_t set = document_open(out, DOCUMENT_OBJECT, STR("$set"));
    for (size_t i = 0; i < change->starts.count; i++) {
        struct position start = change->starts.items[i];
        if (!position_set_has(known, start.partition)) {
            put_partition_key(out, DOCUMENT_INT64, "starts.", start.partition);
            document_write_u64(out, (uint64_t)start.offset);
        }
    }
    document_end(out, set);
}

void account_change_keep(struct account_change *change, struct log_progress *progress)
{
    struct position_set starts = progress->account.starts;
    struct carried_list carried = progress->carried;
    progress->account.starts = change->starts;
    progress->carried = change->carried;
    change->starts = starts;
    change->carried = carried;
}

/* Reading ----------------------------------------------------------------------------------- */

/* Raises what is known by {"0": offset, …}. */
static enum status raise_offsets(struct position_set *offsets, const bson_iter_t *partitions)
{
    bson_iter_t at;
    if (!BSON_ITER_HOLDS_DOCUMENT(partitions) || !bson_iter_recurse(partitions, &at)) {
        return STATUS_OK;
    }
    while (bson_iter_next(&at)) {
        unsigned long long partition;
        int64_t offset = bson_iter_as_int64(&at);
        if (!str_parse_u64(str_from(bson_iter_key(&at)), INT32_MAX, &partition) || offset < 0) {
            continue;
        }
        struct position position = {.partition = (int32_t)partition, .offset = offset};
        enum status status = position_set_raise(offsets, position);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static uint64_t read_count(const bson_t *document, const char *name)
{
    bson_iter_t root;
    bson_iter_t at;
    char place[32];
    snprintf(place, sizeof place, "counts.%s", name);
    int64_t number = bson_iter_init(&root, document) && bson_iter_find_descendant(&root, place, &at)
                         ? bson_iter_as_int64(&at)
                         : 0;
    return number > 0 ? (uint64_t)number : 0;
}

enum status progress_account_read(const bson_t *document, struct log_coverage *log)
{
    bson_iter_t at;
    struct log_counts counts = {0};
    enum status status = STATUS_OK;
    if (bson_iter_init_find(&at, document, "partitions")) {
        status = raise_offsets(&log->positions, &at);
    }
    if (status == STATUS_OK && bson_iter_init_find(&at, document, "starts")) {
        status = raise_offsets(&log->starts, &at);
    }
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        counts.outcomes[i] = read_count(document, log_outcome_name((enum log_outcome)i));
    }
    counts.foreign = read_count(document, "foreign");
    counts.replayed = read_count(document, "replayed");
    log_counts_raise(&log->counts, &counts);
    return status;
}

/* {find: "progress", limit: n, singleBatch: true}: a document has some kilobytes at most. */
static void write_question(struct buffer *command)
{
    size_t begin = document_begin(command);
    document_put_str(command, STR("find"), STR(STORE_PROGRESS));
    document_put_i32(command, STR("limit"), LOGS_READ_MAX);
    document_put_i32(command, STR("batchSize"), LOGS_READ_MAX);
    document_put_bool(command, STR("singleBatch"), true);
    document_end(command, begin);
}

/* A document that names no log is nobody's. */
static enum status take_account(const bson_iter_t *at, struct coverage *accounts)
{
    bson_t document;
    bson_iter_t id;
    uint32_t len;
    const uint8_t *data;
    struct uuid log_id;
    struct log_coverage *log;
    bson_iter_document(at, &len, &data);
    if (!bson_init_static(&document, data, len) || !bson_iter_init_find(&id, &document, "_id") ||
        !BSON_ITER_HOLDS_UTF8(&id) || !uuid_parse(str_from(bson_iter_utf8(&id, NULL)), &log_id)) {
        return STATUS_OK;
    }
    enum status status = coverage_log(accounts, log_id, &log);
    return status == STATUS_OK ? progress_account_read(&document, log) : status;
}

static enum status take_accounts(const bson_t *reply, struct coverage *accounts)
{
    bson_iter_t root;
    bson_iter_t batch;
    bson_iter_t at;
    enum status status = STATUS_OK;
    if (!bson_iter_init(&root, reply) ||
        !bson_iter_find_descendant(&root, "cursor.firstBatch", &batch) ||
        !bson_iter_recurse(&batch, &at)) {
        return STATUS_OK;
    }
    while (status == STATUS_OK && bson_iter_next(&at)) {
        status = BSON_ITER_HOLDS_DOCUMENT(&at) ? take_account(&at, accounts) : STATUS_OK;
    }
    return status;
}

enum status progress_accounts(struct mongodb_store *store, struct coverage *out_accounts,
                              struct error *err)
{
    struct buffer command;
    bson_t reply;
    mongoc_client_t *connection;
    enum status status = mongodb_client_take(store->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_init(&command, REQUEST_BYTES_MAX);
    write_question(&command);
    status = mongodb_client_read(store->client, connection, &command, &reply, err);
    if (status == STATUS_OK && take_accounts(&reply, out_accounts) != STATUS_OK) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the accounts of logs");
    }
    bson_destroy(&reply);
    buffer_deinit(&command);
    mongodb_client_give(store->client, connection);
    return status;
}
