/* Bytes that have come: from empty lines to complete requests. */
#include "interfaces/http/http_connection.h"
#include "interfaces/http/http_intake.h"

#include <stdlib.h>
#include <string.h>

enum {
    EMPTY_LINES_MAX = 8, /* before a request; old clients send one behind a body */
    /* No request begins behind more bytes of answers that the client has not taken. */
    UNSENT_BYTES_MAX = 64 * 1024
};

static const char empty_line_reason[] = "The lines before the request are not empty lines (CR LF).";
static const char end_reason[] = "The connection ended before the request was complete.";

/* --- exchanges --- */

/* With the first use of a slot the mailbox gets room for it. */
static struct http_exchange *exchange_acquire(struct http_loop *loop)
{
    uint32_t slots = loop->exchanges.count;
    struct http_exchange *exchange = http_exchange_table_acquire(&loop->exchanges);
    if (exchange != NULL && loop->exchanges.count != slots &&
        http_mailbox_reserve(&loop->mailbox, loop->exchanges.count) != STATUS_OK) {
        http_exchange_table_release(&loop->exchanges, exchange);
        return NULL;
    }
    return exchange;
}

static struct http_exchange *exchange_begin(struct http_connection *connection)
{
    struct http_exchange *exchange = exchange_acquire(connection->loop);
    if (exchange == NULL) {
        return NULL;
    }
    exchange->connection = connection;
    exchange->begun_ns = http_loop_begin_ns(connection->loop);
    if (connection->last == NULL) {
        connection->first = exchange;
    } else {
        connection->last->next = exchange;
    }
    connection->last = exchange;
    connection->incoming = exchange;
    connection->exchange_count++;
    connection->empty_lines = 0;
    http_deadline_clear(&connection->input_deadline);
    return exchange;
}

static void exchange_end_reading(struct http_connection *connection, bool further)
{
    connection->incoming = NULL;
    http_deadline_clear(&connection->input_deadline);
    if (!further) {
        connection->input = HTTP_INPUT_DISCARD;
    }
}

void http_input_fail(struct http_connection *connection, enum http_fault fault, const char *reason)
{
    struct http_exchange *exchange = connection->incoming;
    if (exchange == NULL) {
        exchange = exchange_begin(connection);
    }
    if (exchange == NULL) {
        http_connection_cut(connection);
        return;
    }
    exchange_end_reading(connection, false);
    struct http_problem problem = http_fault_problem(fault, reason);
    if (exchange->intake != NULL && exchange->intake->consumer != NULL) {
        exchange->intake->consumer->failed(exchange, &problem);
    } else {
        http_problem_respond(exchange, &problem, NULL);
    }
}

bool http_input_answered(struct http_connection *connection, const struct http_exchange *exchange)
{
    if (connection->incoming != exchange) {
        return false;
    }
    exchange_end_reading(connection, false);
    return true;
}

/* --- steps of a request --- */

static void request_complete(struct http_connection *connection, struct http_exchange *exchange)
{
    struct http_loop *loop = connection->loop;
    exchange->phase = HTTP_EXCHANGE_HANDLING;
    exchange->continue_due = false;
    exchange_end_reading(connection, exchange->parser.keep_alive && !http_loop_is_leaving(loop));
    const struct http_handler *handler = &loop->server->config.handler;
    handler->handle(handler->context, exchange);
}

/* A body that was decoded and gathered is finished here, one that was taken has no finish. */
static void intake_complete(struct http_connection *connection, struct http_exchange *exchange)
{
    enum http_fault fault = http_parser_finish_body(&exchange->parser);
    if (fault == HTTP_FAULT_NONE) {
        request_complete(connection, exchange);
    } else {
        http_input_fail(connection, fault, NULL);
    }
}

static void intake_run(struct http_connection *connection, struct http_exchange *exchange)
{
    enum http_fault fault;
    enum http_intake_state state = http_intake_run(exchange->intake, &fault);
    if (connection->incoming != exchange) {
        return; /* its handler has answered */
    }
    if (state == HTTP_INTAKE_BUSY) {
        http_connection_go_on(connection);
    } else if (state == HTTP_INTAKE_COMPLETE) {
        intake_complete(connection, exchange);
    } else if (state == HTTP_INTAKE_FAILED) {
        http_input_fail(connection, fault, NULL);
    }
}

void http_input_continue(struct http_connection *connection)
{
    struct http_exchange *exchange = connection->incoming;
    if (exchange != NULL && exchange->intake != NULL) {
        intake_run(connection, exchange);
    }
    http_input_resume(connection);
}

static void body_arrived(struct http_connection *connection, struct http_exchange *exchange,
                         bool complete)
{
    if (exchange->intake != NULL) {
        exchange->intake->ended = complete;
        intake_run(connection, exchange);
    } else if (complete) {
        request_complete(connection, exchange);
    }
}

static void header_complete(struct http_connection *connection, struct http_exchange *exchange)
{
    struct http_loop *loop = connection->loop;
    const struct http_handler *handler = &loop->server->config.handler;
    counter_add(&loop->counters.requests, 1);
    connection->has_served = true;
    exchange->begun = true;
    handler->begin(handler->context, exchange);
    if (exchange->phase == HTTP_EXCHANGE_ANSWERED) {
        exchange_end_reading(connection, !exchange->closes && !http_loop_is_leaving(loop));
        return;
    }
    struct http_parser *parser = &exchange->parser;
    size_t used = 0;
    enum http_parser_event event = http_parser_accept_body(parser, exchange->body_bytes_max);
    if (event == HTTP_PARSER_MORE) {
        event = http_parser_feed(parser, NULL, 0, &used);
    }
    if (event == HTTP_PARSER_FAULT) {
        http_input_fail(connection, parser->fault, parser->fault_reason);
    } else if (event == HTTP_PARSER_COMPLETE) {
        body_arrived(connection, exchange, true);
    } else if (parser->framing.expects_continue) {
        exchange->continue_due = true;
        http_connection_touch(connection);
    }
}

static size_t request_feed(struct http_connection *connection, const char *data, size_t len)
{
    struct http_exchange *exchange = connection->incoming;
    struct http_parser *parser = &exchange->parser;
    size_t used = len;
    enum http_parser_event event = http_parser_feed(parser, data, len, &used);
    if (connection->incoming != exchange) {
        return len; /* its handler has answered */
    }
    switch (event) {
    case HTTP_PARSER_MORE:
        body_arrived(connection, exchange, false);
        break;
    case HTTP_PARSER_HEADER:
        header_complete(connection, exchange);
        break;
    case HTTP_PARSER_COMPLETE:
        body_arrived(connection, exchange, true);
        break;
    case HTTP_PARSER_FAULT:
        http_input_fail(connection, parser->fault, parser->fault_reason);
        break;
    }
    return used;
}

/* --- between requests --- */

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

/* Skips empty lines (RFC 9112 section 2.2); returns how many bytes they took. They are not the
 * beginning of a request, so sending them for ever does not keep an idle connection open. */
static size_t skip_empty_lines(struct http_connection *connection, const char *data, size_t len)
{
    size_t used = 0;
    while (used < len && (is_line_end(data[used]) || connection->after_carriage_return)) {
        bool expected = (data[used] == '\n') == connection->after_carriage_return;
        if (!expected || connection->empty_lines == EMPTY_LINES_MAX) {
            http_input_fail(connection, HTTP_FAULT_FRAMING, empty_line_reason);
            return used;
        }
        if (data[used] == '\n') {
            connection->empty_lines++;
        }
        connection->after_carriage_return = data[used] == '\r';
        used++;
    }
    return used;
}

static bool may_begin(const struct http_connection *connection)
{
    const struct http_loop *loop = connection->loop;
    return !connection->writing && connection->unsent_bytes <= UNSENT_BYTES_MAX &&
           connection->exchange_count < loop->server->config.limits.pipeline_max;
}

/* Reads as far as there is room for requests; returns how many bytes were used. */
static size_t input_read(struct http_connection *connection, const char *data, size_t len)
{
    size_t used = 0;
    while (used < len && connection->input == HTTP_INPUT_OPEN && !connection->closing) {
        if (connection->incoming != NULL) {
            if (connection->incoming->intake != NULL &&
                http_intake_is_blocked(connection->incoming->intake)) {
                return used;
            }
            used += request_feed(connection, data + used, len - used);
            continue;
        }
        used += skip_empty_lines(connection, data + used, len - used);
        if (used == len || connection->input != HTTP_INPUT_OPEN) {
            break;
        }
        if (!may_begin(connection)) {
            return used;
        }
        if (exchange_begin(connection) == NULL) {
            http_connection_cut(connection);
        }
    }
    return len;
}

/* --- the stash --- */

static bool stash_put(struct http_connection *connection, const char *data, size_t len)
{
    char *stash = malloc(len);
    if (stash == NULL) {
        return false;
    }
    memcpy(stash, data, len);
    free(connection->stash);
    connection->stash = stash;
    connection->stash_len = len;
    return true;
}

static void stash_drop(struct http_connection *connection)
{
    free(connection->stash);
    connection->stash = NULL;
    connection->stash_len = 0;
}

void http_input_take(struct http_connection *connection, const char *data, size_t len)
{
    if (connection->input == HTTP_INPUT_DISCARD) {
        connection->discarded += len;
        http_connection_update(connection);
        return;
    }
    size_t used = input_read(connection, data, len);
    if (used < len && !stash_put(connection, data + used, len - used)) {
        http_connection_cut(connection);
    }
    http_connection_update(connection);
}

void http_input_resume(struct http_connection *connection)
{
    if (connection->stash_len > 0) {
        char *stash = connection->stash;
        size_t len = connection->stash_len;
        connection->stash = NULL;
        connection->stash_len = 0;
        size_t used = input_read(connection, stash, len);
        if (used == 0) {
            connection->stash = stash;
            connection->stash_len = len;
            stash = NULL;
        } else if (used < len && !stash_put(connection, stash + used, len - used)) {
            http_connection_cut(connection);
        }
        free(stash);
    }
    if (connection->input == HTTP_INPUT_DISCARD) {
        stash_drop(connection);
    }
    http_connection_update(connection);
}

/* The client has sent all it will; it may still wait for answers. */
void http_input_end(struct http_connection *connection)
{
    connection->at_end = true;
    if (connection->incoming != NULL) {
        http_input_fail(connection, HTTP_FAULT_FRAMING, end_reason);
    }
    connection->input = HTTP_INPUT_DISCARD;
    if (connection->first == NULL) {
        http_connection_cut(connection);
    }
    http_connection_update(connection);
}
