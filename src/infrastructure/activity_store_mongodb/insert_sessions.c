#include "infrastructure/activity_store_mongodb/insert_sessions.h"

#include "infrastructure/activity_store_mongodb/activity_document.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    PARTS_PER_SESSION = 4, /* so that the one that finishes first helps those that are behind */
    PART_ROWS_MIN = 1000,  /* fewer are not worth a round trip of their own */
    PART_ROWS_MAX = 10000,
    COMMAND_BYTES = 6 * 1024 * 1024, /* begins no further document beyond: servers take 16 MiB, and
                                        each session keeps its buffer */
    DOCUMENT_BYTES_MAX = 16 * 1024 * 1024,
    COMMAND_BYTES_MAX = COMMAND_BYTES + 2 * DOCUMENT_BYTES_MAX + 1024 * 1024
};

/* What a thread needs to send a part. */
struct insert_session {
    struct insert_sessions *all;
    pthread_t thread;
    bool has_thread;
    struct buffer command;
    struct metadata_scratch scratch;
    uint64_t bytes;
    bool refused; /* a row of its parts; then `failure` says why */
    enum status status;
    struct error failure;
};

struct insert_sessions {
    struct mongodb_store *store;
    pthread_mutex_t lock; /* guards what follows up to `rows` */
    pthread_cond_t work;
    pthread_cond_t done;
    size_t next_part;
    size_t part_count; /* parts [next_part, part_count) are to be taken */
    size_t parts_left; /* not finished yet */
    bool failed;       /* no further part is begun */
    bool stops;
    struct put_rows *rows; /* set while no part is under way, as is what follows */
    size_t part_rows;
    char log_text[UUID_TEXT_BYTES];
    unsigned count;
    struct insert_session sessions[];
};

/* Commands ---------------------------------------------------------------------------------- */

static const struct logged_activity *row_at(const struct insert_sessions *all, size_t chosen)
{
    return &all->rows->batch->rows[all->rows->chosen[chosen]];
}

/* Writes documents from `begin` on; returns where it stopped, which is behind at least one. */
static size_t write_documents(struct insert_session *session, size_t begin, size_t end)
{
    struct buffer *command = &session->command;
    size_t at = begin;
    while (at < end && command->len < COMMAND_BYTES) {
        size_t document = document_open_index(command, DOCUMENT_OBJECT, at - begin);
        activity_document_append(&session->scratch, row_at(session->all, at),
                                 session->all->log_text, command);
        document_end(command, document);
        at++;
    }
    return at;
}

/* {insert: …, ordered: false, writeConcern: …, documents: […]} */
static size_t write_command(struct insert_session *session, size_t begin, size_t end)
{
    struct buffer *command = &session->command;
    buffer_clear(command);
    size_t whole = document_begin(command);
    document_put_str(command, STR("insert"), str_from(session->all->store->collection));
    document_put_bool(command, STR("ordered"), false);
    mongodb_client_append_write_concern(command);
    size_t documents = document_open(command, DOCUMENT_ARRAY, STR("documents"));
    size_t stopped = write_documents(session, begin, end);
    document_end(command, documents);
    document_end(command, whole);
    return stopped;
}

/* Answers ----------------------------------------------------------------------------------- */

static void set_state(struct insert_session *session, size_t chosen, enum row_state state)
{
    struct put_row *row = &session->all->rows->rows[session->all->rows->chosen[chosen]];
    row->state = state;
    row->inserted = row->inserted || state == ROW_SENT_STORED;
}

static void refuse(struct insert_session *session, size_t chosen, const char *why)
{
    set_state(session, chosen, ROW_SENT_REFUSED);
    session->refused = true;
    error_set(&session->failure, STATUS_INVALID, 0, "MongoDB will never store it: %s", why);
}

/* One element of writeErrors. */
static enum status take_error(struct insert_session *session, size_t begin, size_t end,
                              const bson_iter_t *error)
{
    bson_iter_t at;
    int64_t index = -1;
    int64_t code = 0;
    const char *text = "no reason given";
    if (!BSON_ITER_HOLDS_DOCUMENT(error) || !bson_iter_recurse(error, &at)) {
        return STATUS_OK;
    }
    while (bson_iter_next(&at)) {
        struct str key = {bson_iter_key(&at), bson_iter_key_len(&at)};
        if (str_equal(key, STR("index"))) {
            index = bson_iter_as_int64(&at);
        } else if (str_equal(key, STR("code"))) {
            code = bson_iter_as_int64(&at);
        } else if (str_equal(key, STR("errmsg")) && BSON_ITER_HOLDS_UTF8(&at)) {
            text = bson_iter_utf8(&at, NULL);
        }
    }
    if (index < 0 || (uint64_t)index >= end - begin) {
        return error_set(&session->failure, STATUS_UNAVAILABLE, 0,
                         "MongoDB names an error of a document that was not sent: %s", text);
    }
    if (code == MONGODB_DUPLICATE_KEY) {
        set_state(session, begin + (size_t)index, ROW_SENT_EXISTS);
        return STATUS_OK;
    }
    if (mongodb_client_refuses_for_good(code)) {
        refuse(session, begin + (size_t)index, text);
        return STATUS_OK;
    }
    return error_set(&session->failure, STATUS_UNAVAILABLE, 0,
                     "MongoDB could not store an activity: %s", text);
}

static enum status take_answer(struct insert_session *session, size_t begin, size_t end,
                               const bson_t *reply)
{
    bson_iter_t at;
    bson_iter_t error;
    enum status status = STATUS_OK;
    for (size_t i = begin; i < end; i++) {
        set_state(session, i, ROW_SENT_STORED);
    }
    if (!bson_iter_init_find(&at, reply, "writeErrors") || !BSON_ITER_HOLDS_ARRAY(&at) ||
        !bson_iter_recurse(&at, &error)) {
        return STATUS_OK;
    }
    while (status == STATUS_OK && bson_iter_next(&error)) {
        status = take_error(session, begin, end, &error);
    }
    return status;
}

/* Sending ----------------------------------------------------------------------------------- */

/* A command that the server refuses whole is sent again in halves, until the document that it
 * refuses is alone. */
static enum status send_rows(struct insert_session *session, mongoc_client_t *connection,
                             size_t begin, size_t end);

static enum status send_halves(struct insert_session *session, mongoc_client_t *connection,
                               size_t begin, size_t end)
{
    if (end - begin == 1) {
        struct error why = session->failure;
        refuse(session, begin, why.message);
        return STATUS_OK;
    }
    size_t middle = begin + (end - begin) / 2;
    enum status status = send_rows(session, connection, begin, middle);
    return status == STATUS_OK ? send_rows(session, connection, middle, end) : status;
}

static enum status send_rows(struct insert_session *session, mongoc_client_t *connection,
                             size_t begin, size_t end)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && begin < end) {
        bson_t reply;
        size_t stopped = write_command(session, begin, end);
        session->bytes += session->command.len;
        if (session->command.failed == STATUS_TOO_LARGE ||
            session->command.len > DOCUMENT_BYTES_MAX) {
            error_set(&session->failure, STATUS_INVALID, 0, "the document is too large");
            status = send_halves(session, connection, begin, stopped);
            begin = stopped;
            continue;
        }
        status = mongodb_client_write(session->all->store->client, connection, &session->command,
                                      &reply, &session->failure);
        if (status == STATUS_OK) {
            status = take_answer(session, begin, stopped, &reply);
        } else if (status == STATUS_INVALID) {
            status = send_halves(session, connection, begin, stopped);
        }
        bson_destroy(&reply);
        begin = stopped;
    }
    return status;
}

/* Parts ------------------------------------------------------------------------------------- */

static bool take_part(struct insert_sessions *all, size_t *out_part)
{
    pthread_mutex_lock(&all->lock);
    bool taken = all->next_part < all->part_count && !all->failed;
    if (taken) {
        *out_part = all->next_part++;
    }
    pthread_mutex_unlock(&all->lock);
    return taken;
}

static void finish_part(struct insert_sessions *all, enum status status)
{
    pthread_mutex_lock(&all->lock);
    all->parts_left--;
    if (status != STATUS_OK) {
        all->failed = true;
        all->parts_left -= all->part_count - all->next_part;
        all->next_part = all->part_count;
    }
    if (all->parts_left == 0) {
        pthread_cond_signal(&all->done);
    }
    pthread_mutex_unlock(&all->lock);
}

static void send_parts(struct insert_session *session, mongoc_client_t *connection)
{
    struct insert_sessions *all = session->all;
    size_t part;
    while (take_part(all, &part)) {
        size_t begin = part * all->part_rows;
        size_t end = begin + all->part_rows;
        end = end < all->rows->chosen_count ? end : all->rows->chosen_count;
        session->status = send_rows(session, connection, begin, end);
        finish_part(all, session->status);
    }
}

static bool wait_for_work(struct insert_sessions *all)
{
    pthread_mutex_lock(&all->lock);
    while (!all->stops && all->next_part == all->part_count) {
        pthread_cond_wait(&all->work, &all->lock);
    }
    bool works = !all->stops;
    pthread_mutex_unlock(&all->lock);
    return works;
}

/* A session that gets no connection leaves the parts to those that have one: the worker's own. */
static void *run(void *context)
{
    struct insert_session *session = context;
    mongoc_client_t *connection;
    while (wait_for_work(session->all)) {
        if (mongodb_client_take(session->all->store->client, &connection, NULL) == STATUS_OK) {
            send_parts(session, connection);
            mongodb_client_give(session->all->store->client, connection);
        }
    }
    return NULL;
}

static void start_threads(struct insert_sessions *all)
{
    for (unsigned i = 1; i < all->count; i++) {
        struct insert_session *session = &all->sessions[i];
        if (!session->has_thread) {
            session->has_thread = pthread_create(&session->thread, NULL, run, session) == 0;
        }
    }
}

/* PARTS_PER_SESSION for each, of PART_ROWS_MIN to PART_ROWS_MAX rows. */
static void divide(struct insert_sessions *all)
{
    size_t rows = all->rows->chosen_count;
    size_t parts = (size_t)all->count * PARTS_PER_SESSION;
    size_t part_rows = (rows + parts - 1) / parts;
    part_rows = part_rows < PART_ROWS_MIN ? PART_ROWS_MIN : part_rows;
    all->part_rows = part_rows > PART_ROWS_MAX ? PART_ROWS_MAX : part_rows;
    for (unsigned i = 0; i < all->count; i++) {
        all->sessions[i].status = STATUS_OK;
        all->sessions[i].refused = false;
        all->sessions[i].bytes = 0;
    }
    pthread_mutex_lock(&all->lock);
    all->failed = false;
    all->next_part = 0;
    all->part_count = (rows + all->part_rows - 1) / all->part_rows;
    all->parts_left = all->part_count;
    pthread_mutex_unlock(&all->lock);
}

static void wait_for_parts(struct insert_sessions *all)
{
    pthread_mutex_lock(&all->lock);
    while (all->parts_left > 0) {
        pthread_cond_wait(&all->done, &all->lock);
    }
    pthread_mutex_unlock(&all->lock);
}

/* The first failure, or why a row was refused. */
static enum status gather(const struct insert_sessions *all, struct error *err)
{
    for (unsigned i = 0; i < all->count; i++) {
        if (all->sessions[i].status != STATUS_OK) {
            return error_set(err, all->sessions[i].status, 0, "%s",
                             all->sessions[i].failure.message);
        }
    }
    for (unsigned i = 0; i < all->count; i++) {
        if (all->sessions[i].refused) {
            error_set(err, STATUS_INVALID, 0, "%s", all->sessions[i].failure.message);
        }
    }
    return STATUS_OK;
}

enum status insert_sessions_send(struct insert_sessions *sessions, struct put_rows *rows,
                                 struct error *err)
{
    mongoc_client_t *connection;
    if (rows->chosen_count == 0) {
        return STATUS_OK;
    }
    enum status status = mongodb_client_take(sessions->store->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    sessions->rows = rows;
    uuid_format(rows->batch->log_id, sessions->log_text);
    divide(sessions);
    if (sessions->part_count > 1) {
        start_threads(sessions);
        pthread_mutex_lock(&sessions->lock);
        pthread_cond_broadcast(&sessions->work);
        pthread_mutex_unlock(&sessions->lock);
    }
    send_parts(&sessions->sessions[0], connection);
    mongodb_client_give(sessions->store->client, connection);
    wait_for_parts(sessions);
    return gather(sessions, err);
}

uint64_t insert_sessions_bytes(const struct insert_sessions *sessions)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < sessions->count; i++) {
        bytes += sessions->sessions[i].bytes;
    }
    return bytes;
}

/* Life -------------------------------------------------------------------------------------- */

enum status insert_sessions_new(struct mongodb_store *store, struct insert_sessions **out_sessions,
                                struct error *err)
{
    struct insert_sessions *all =
        calloc(1, sizeof *all + store->sessions * sizeof all->sessions[0]);
    if (all == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for sessions of MongoDB");
    }
    all->store = store;
    all->count = store->sessions;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->work, NULL);
    pthread_cond_init(&all->done, NULL);
    for (unsigned i = 0; i < all->count; i++) {
        all->sessions[i].all = all;
        buffer_init(&all->sessions[i].command, COMMAND_BYTES_MAX);
        metadata_scratch_init(&all->sessions[i].scratch);
    }
    *out_sessions = all;
    return STATUS_OK;
}

void insert_sessions_free(struct insert_sessions *sessions)
{
    if (sessions == NULL) {
        return;
    }
    pthread_mutex_lock(&sessions->lock);
    sessions->stops = true;
    pthread_cond_broadcast(&sessions->work);
    pthread_mutex_unlock(&sessions->lock);
    for (unsigned i = 0; i < sessions->count; i++) {
        struct insert_session *session = &sessions->sessions[i];
        if (session->has_thread) {
            pthread_join(session->thread, NULL);
        }
        buffer_deinit(&session->command);
        metadata_scratch_deinit(&session->scratch);
    }
    pthread_cond_destroy(&sessions->work);
    pthread_cond_destroy(&sessions->done);
    pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}
