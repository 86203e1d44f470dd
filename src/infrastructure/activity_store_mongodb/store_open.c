#include "infrastructure/activity_store_mongodb/store_open.h"

#include "infrastructure/activity_store_mongodb/store_erase.h"
#include "infrastructure/mongodb_client/index_creation.h"

#define SECONDS_PER_DAY INT64_C(86400)
#define EXPIRY_INDEX    "usertrail_retention"

static const struct index_creation indexes[] = {
    {.name = "usertrail_user", .members = {"userId", "timestamp", "_id"}},
    {.name = "usertrail_action", .members = {"action", "timestamp", "_id"}},
    {.name = "usertrail_time", .members = {"timestamp", "_id"}},
};

/* Changes how long the index that is there lets activities live. */
static void write_change(const struct mongodb_store *store, int64_t expire_seconds,
                         struct buffer *command)
{
    size_t whole = document_begin(command);
    document_put_str(command, STR("collMod"), str_from(store->collection));
    size_t index = document_open(command, DOCUMENT_OBJECT, STR("index"));
    document_put_str(command, STR("name"), STR(EXPIRY_INDEX));
    document_put_i64(command, STR("expireAfterSeconds"), expire_seconds);
    document_end(command, index);
    document_end(command, whole);
}

/* DUPLICATE: there is such an index, made otherwise. */
static enum status run(struct mongodb_store *store, mongoc_client_t *connection,
                       const struct buffer *command, struct error *err)
{
    enum { INDEX_OPTIONS_CONFLICT = 85, INDEX_KEY_SPECS_CONFLICT = 86 };
    bson_t reply;
    enum status status = mongodb_client_write(store->client, connection, command, &reply, err);
    int64_t code = mongodb_client_number(&reply, "code");
    bson_destroy(&reply);
    if (status != STATUS_OK &&
        (code == INDEX_OPTIONS_CONFLICT || code == INDEX_KEY_SPECS_CONFLICT)) {
        return STATUS_DUPLICATE;
    }
    return status;
}

static enum status make_indexes(struct mongodb_store *store, mongoc_client_t *connection,
                                struct error *err)
{
    struct buffer command;
    struct error failure = {.message = ""};
    buffer_init(&command, REQUEST_BYTES_MAX);
    index_creation_write(str_from(store->collection), indexes, ARRAY_LENGTH(indexes), &command);
    enum status status = run(store, connection, &command, &failure);
    buffer_deinit(&command);
    if (status == STATUS_DUPLICATE) {
        log_write(
            store->logger, LOG_WARNING,
            "MongoDB has indexes like those of usertrail, made otherwise; queries may be slow",
            LOG_FIELDS(log_text("reason", str_from(failure.message))));
        return STATUS_OK;
    }
    return status == STATUS_OK ? STATUS_OK : error_set(err, status, 0, "%s", failure.message);
}

static enum status make_expiry(struct mongodb_store *store, mongoc_client_t *connection,
                               unsigned retention_days, struct error *err)
{
    struct buffer command;
    int64_t seconds = retention_days * SECONDS_PER_DAY;
    seconds = seconds < INT32_MAX ? seconds : INT32_MAX;
    const struct index_creation expiry = {
        .name = EXPIRY_INDEX, .members = {"timestamp"}, .expire_seconds = seconds};
    buffer_init(&command, REQUEST_BYTES_MAX);
    index_creation_write(str_from(store->collection), &expiry, 1, &command);
    enum status status = run(store, connection, &command, err);
    if (status == STATUS_DUPLICATE) {
        buffer_clear(&command);
        write_change(store, seconds, &command);
        status = run(store, connection, &command, err);
    }
    buffer_deinit(&command);
    return status == STATUS_DUPLICATE
               ? error_set(err, STATUS_UNAVAILABLE, 0,
                           "MongoDB has another index over the timestamp, so activities cannot be "
                           "made to expire")
               : status;
}

enum status store_open(struct mongodb_store *store, unsigned retention_days, struct error *err)
{
    mongoc_client_t *connection;
    enum status status = mongodb_client_take(store->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = make_indexes(store, connection, err);
    if (status == STATUS_OK && retention_days > 0) {
        status = make_expiry(store, connection, retention_days, err);
    }
    if (status == STATUS_OK) {
        status = erasures_read_until(store, connection, &store->erased_until_ms, err);
    }
    mongodb_client_give(store->client, connection);
    return status;
}
