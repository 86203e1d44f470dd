#include "interfaces/http/http_secure.h"

#include "base/assert.h"

#include <string.h>

enum {
    RECORD_BYTES = 16 * 1024, /* of plain bytes, at most */
    ROOM_BYTES = 4 * RECORD_BYTES,
    ROOM_CHARGE_BYTES = ROOM_BYTES + RECORD_BYTES / 4, /* with what encryption adds */
    FAILURES_LOG_PAUSE_MS = 10 * 1000                  /* of one loop */
};

bool http_secure_open(struct http_connection *connection)
{
    struct http_tls *tls = connection->loop->server->config.tls;
    if (tls == NULL) {
        return true;
    }
    connection->tls = http_tls_session_new(tls);
    return connection->tls != NULL;
}

static void discharge(struct http_connection *connection)
{
    if (connection->tls_charged) {
        connection->tls_charged = false;
        memory_budget_release(&connection->loop->server->answer_memory, ROOM_CHARGE_BYTES);
    }
}

void http_secure_close(struct http_connection *connection)
{
    discharge(connection);
    http_tls_session_free(connection->tls);
}

/* --- failures --- */

/* Anybody can make them, so they must not fill the log. */
static void failure_note(struct http_loop *loop, const char *reason)
{
    uint64_t now_ms = uv_now(&loop->uv);
    counter_add(&loop->counters.handshakes_failed, 1);
    loop->failures_unlogged++;
    if (loop->failures_unlogged > 1 && now_ms < loop->failures_logged_ms + FAILURES_LOG_PAUSE_MS) {
        return;
    }
    log_write(loop->server->config.logger, LOG_DEBUG, "TLS failed for clients",
              LOG_FIELDS(log_number("clients", (int64_t)loop->failures_unlogged),
                         log_text("lastReason", str_from(reason))));
    loop->failures_unlogged = 0;
    loop->failures_logged_ms = now_ms;
}

void http_secure_give_up(struct http_connection *connection, const char *reason)
{
    failure_note(connection->loop, reason);
    http_connection_cut(connection);
}

/* What the session has to say, an alert or an answer to who speaks plain HTTP, goes out as the last
 * answers do. Behind what is on its way already it would have to wait. */
static void session_failed(struct http_connection *connection)
{
    failure_note(connection->loop, http_tls_session_failure(connection->tls));
    if (connection->writing || !http_tls_session_has_unsent(connection->tls)) {
        http_connection_cut(connection);
        return;
    }
    connection->sending = 0;
    connection->sending_part = false;
    connection->first_taken = 0;
    http_output_finish(connection);
    http_connection_update(connection);
}

/* --- what comes --- */

static void take_end(struct http_connection *connection)
{
    if (http_secure_is_shaking_hands(connection)) {
        http_secure_give_up(connection, "the connection ended in the handshake");
        return;
    }
    connection->tls_ended = true;
    http_connection_update(connection);
}

static void take_wire(struct http_connection *connection, struct str wire)
{
    struct http_tls_session *session = connection->tls;
    char *plain = connection->loop->plain_buffer;
    size_t len = http_tls_session_take(session, wire, plain);
    connection->tls_begun = true;
    connection->tls_ended = http_tls_session_state(session) == HTTP_TLS_ENDED;
    if (http_tls_session_state(session) == HTTP_TLS_FAILED) {
        session_failed(connection);
        return;
    }
    http_connection_touch(connection); /* the session or an answer that waited for it may go on */
    if (len > 0) {
        http_input_take(connection, plain, len);
    } else {
        http_connection_update(connection);
    }
}

/* What comes behind the end of requests is dropped as it is. */
void http_secure_take(struct http_connection *connection, struct str wire)
{
    enum http_tls_state state = http_tls_session_state(connection->tls);
    bool reads = state == HTTP_TLS_HANDSHAKE ||
                 (state == HTTP_TLS_OPEN && connection->input == HTTP_INPUT_OPEN);
    if (wire.len == 0) {
        take_end(connection);
    } else if (reads) {
        take_wire(connection, wire);
    } else {
        connection->discarded += wire.len;
        http_connection_update(connection);
    }
}

/* --- what goes --- */

size_t http_secure_room(struct http_connection *connection)
{
    enum http_tls_state state = http_tls_session_state(connection->tls);
    if (state == HTTP_TLS_HANDSHAKE || state == HTTP_TLS_FAILED) {
        return 0;
    }
    if (connection->unsent_bytes <= RECORD_BYTES) {
        return RECORD_BYTES;
    }
    struct memory_budget *memory = &connection->loop->server->answer_memory;
    connection->tls_charged =
        connection->tls_charged || memory_budget_charge(memory, ROOM_CHARGE_BYTES);
    return connection->tls_charged ? ROOM_BYTES : RECORD_BYTES;
}

/* Each record costs a header, a checksum and some time, so short answers share one. */
static bool encrypt_parts(struct http_tls_session *session, const uv_buf_t *parts, unsigned count)
{
    char record[RECORD_BYTES];
    size_t len = 0;
    bool added = true;
    for (unsigned i = 0; i < count && added; i++) {
        bool joins = parts[i].len <= sizeof record - len && (len > 0 || i + 1 < count);
        if (!joins && len > 0) {
            added = http_tls_session_add(session, (struct str){record, len});
            len = 0;
        }
        if (joins) {
            memcpy(record + len, parts[i].base, parts[i].len);
            len += parts[i].len;
        } else if (added) {
            added = http_tls_session_add(session, (struct str){parts[i].base, parts[i].len});
        }
    }
    return added && (len == 0 || http_tls_session_add(session, (struct str){record, len}));
}

bool http_secure_encrypt(struct http_connection *connection, const uv_buf_t *parts,
                         unsigned part_count, struct str *out_wire)
{
    if (!encrypt_parts(connection->tls, parts, part_count)) {
        return false;
    }
    *out_wire = http_tls_session_unsent(connection->tls);
    if (out_wire->len == 0) {
        discharge(connection);
    }
    return true;
}

void http_secure_sent(struct http_connection *connection)
{
    discharge(connection);
    http_tls_session_sent(connection->tls);
}

void http_secure_leave(struct http_connection *connection)
{
    bool idle = connection->first == NULL && !connection->writing;
    if (connection->tls == NULL || !idle) {
        return;
    }
    http_tls_session_end(connection->tls);
    struct str wire = http_tls_session_unsent(connection->tls);
    uv_buf_t part = {.base = (char *)(uintptr_t)wire.data, .len = wire.len};
    if (wire.len > 0) {
        (void)uv_try_write((uv_stream_t *)&connection->tcp, &part, 1);
    }
}

bool http_secure_says_end(struct http_connection *connection)
{
    if (connection->tls == NULL) {
        return false;
    }
    http_tls_session_end(connection->tls);
    if (!http_tls_session_has_unsent(connection->tls)) {
        return false;
    }
    http_connection_touch(connection);
    return true;
}
