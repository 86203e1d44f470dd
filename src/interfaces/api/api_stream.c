/*
 * GET of activities as they come: Server-Sent Events (the HTML standard, section 9.2).
 *
 * The listener's queue belongs to the tail; here is what moves it to the client. The tail wakes the
 * loop by a patient completion, of which one is under way at a time, and not again before the queue
 * was empty. What the client has not taken is bounded, and the rest waits in the queue, which is
 * bounded as well and then loses the oldest.
 */
#include "application/live_tail.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"

#include <stdlib.h>

enum {
    QUESTION_BYTES_MAX = 256 * 1024,
    UNSENT_BYTES_MAX = 64 * 1024, /* given to the transport and not taken by the client */
    PART_BYTES_MAX = 64 * 1024    /* given to it at once, but for a larger event */
};

#define NO_MEMORY "there is no memory for this stream now; connect again later"

struct stream {
    struct live_listener listener;
    struct api *api;
    struct http_exchange *exchange;
    struct http_ticket ticket;
    struct arena arena; /* of the filter's texts */
    struct api_filter_texts texts;
    struct api_pass pass;
    bool streaming; /* the answer has begun */
    bool blocked;   /* the client has to take something first */
};

static struct stream *stream_of(struct live_listener *listener)
{
    return CONTAINER_OF(listener, struct stream, listener);
}

static void released(struct live_listener *listener)
{
    struct stream *stream = stream_of(listener);
    arena_deinit(&stream->arena);
    free(stream);
}

/* --- the answer --- */

static const struct http_stream_writer writer;

static void leave(struct stream *stream)
{
    http_exchange_set_data(stream->exchange, NULL);
    stream->exchange = NULL;
    live_tail_leave(stream->api->config.live, &stream->listener);
}

static void end_with_problem(struct stream *stream, enum status status, const char *detail)
{
    struct http_exchange *exchange = stream->exchange;
    leave(stream);
    if (status == STATUS_INVALID) {
        api_answer_bad_parameter(exchange, detail);
    } else {
        api_answer_problem(exchange, status, detail);
    }
}

/* In good order, or as what was cut off: either way the client connects again. */
static void end(struct stream *stream, bool complete)
{
    struct http_exchange *exchange = stream->exchange;
    leave(stream);
    if (complete) {
        http_exchange_end(exchange);
    } else {
        http_exchange_abort(exchange);
    }
}

/* False: the stream is over. */
static bool begin_answer(struct stream *stream)
{
    const struct http_header headers[] = {
        {STR("Cache-Control"), STR("no-store")},
        {STR("X-Accel-Buffering"), STR("no")}, /* a proxy would wait for more */
    };
    const struct http_response head = {
        .status = 200,
        .content_type = STR("text/event-stream"),
        .headers = headers,
        .header_count = ARRAY_LENGTH(headers),
    };
    bool wanted;
    struct http_exchange *exchange = stream->exchange;
    if (http_exchange_respond_streamed(exchange, &head, &writer, &wanted) != STATUS_OK) {
        end_with_problem(stream, STATUS_NO_MEMORY, NO_MEMORY);
        return false;
    }
    stream->streaming = true;
    if (!wanted) {
        stream->exchange = NULL;
        live_tail_leave(stream->api->config.live, &stream->listener);
    }
    return wanted;
}

/* --- from the queue to the client --- */

static void append_lost(struct buffer *part, uint64_t lost)
{
    if (lost > 0) {
        buffer_append_format(part, "event: gap\ndata: {\"missed\":%llu,\"reason\":\"slow\"}\n\n",
                             (unsigned long long)lost);
    }
}

/* What is there, up to a size; empty: nothing. */
static void gather(struct stream *stream, struct buffer *part)
{
    buffer_clear(part);
    while (part->len < PART_BYTES_MAX) {
        uint64_t lost;
        struct live_event *event = live_listener_take(&stream->listener, &lost);
        append_lost(part, lost);
        if (event == NULL) {
            break;
        }
        buffer_append(part, event->text, event->len);
        live_event_unref(event);
    }
}

/* BUSY: nothing is left to be given now. Anything else ends the stream. */
static enum status give_part(struct stream *stream)
{
    struct buffer *part = &stream->api->loops[stream->ticket.loop].answer;
    stream->blocked = http_exchange_unsent_bytes(stream->exchange) > UNSENT_BYTES_MAX;
    if (stream->blocked) {
        return STATUS_BUSY;
    }
    gather(stream, part);
    if (part->failed != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    if (part->len == 0) {
        return live_listener_rest(&stream->listener) ? STATUS_BUSY : STATUS_OK;
    }
    enum status status = http_exchange_write(stream->exchange, buffer_str(part));
    return status == STATUS_OK ? STATUS_OK : STATUS_NO_MEMORY;
}

/* A stream lasts no longer than what let it in; whoever comes back is told why. */
static bool is_still_admitted(struct stream *stream)
{
    const struct api_loop *loop = &stream->api->loops[stream->ticket.loop];
    return api_access_still_admits(loop, &stream->pass);
}

static void pump(struct stream *stream)
{
    struct error why;
    enum live_state state = live_listener_state(&stream->listener, &why);
    while (state == LIVE_JOINS) { /* events may come before it is known whether it is let in */
        if (live_listener_rest(&stream->listener)) {
            return;
        }
        state = live_listener_state(&stream->listener, &why);
    }
    if (!stream->streaming && state != LIVE_FOLLOWS) {
        bool refused = state == LIVE_REFUSED && why.message[0] != '\0';
        end_with_problem(stream, refused ? why.status : STATUS_UNAVAILABLE,
                         refused ? why.message : "the stream cannot begin now; connect again");
        return;
    }
    if (!stream->streaming && state == LIVE_FOLLOWS && !begin_answer(stream)) {
        return;
    }
    if (state != LIVE_FOLLOWS || !is_still_admitted(stream)) {
        end(stream, true);
        return;
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = give_part(stream);
    }
    if (status != STATUS_BUSY) {
        end(stream, false);
    }
}

/* --- the loop --- */

static void run(struct http_exchange *exchange, const struct http_completion *completion)
{
    struct stream *stream = completion->data;
    if (stream->exchange != NULL && exchange != NULL) {
        pump(stream);
    } else if (stream->exchange != NULL) {
        stream->exchange = NULL; /* the client went away before the answer began */
        live_tail_leave(stream->api->config.live, &stream->listener);
    }
    live_listener_unref(&stream->listener);
}

static void woken(struct live_listener *listener)
{
    struct stream *stream = stream_of(listener);
    const struct http_completion completion = {
        .ticket = stream->ticket, .run = run, .data = stream};
    live_listener_ref(listener);
    http_server_complete_patiently(stream->api->server, &completion, 1);
}

static void drained(struct http_exchange *exchange)
{
    struct stream *stream = http_exchange_data(exchange);
    if (stream->blocked) {
        stream->blocked = false;
        pump(stream);
    }
}

static void gone(struct http_exchange *exchange)
{
    leave(http_exchange_data(exchange));
}

static void leaving(struct http_exchange *exchange)
{
    end(http_exchange_data(exchange), true);
}

static const struct http_stream_writer writer = {
    .drained = drained, .gone = gone, .leaving = leaving};

/* --- the request --- */

/* The query is copied, since the filter points into it for longer than the request is there. */
static enum status read_request(const struct api_call *call, struct stream *stream,
                                struct error *err)
{
    struct live_listener *listener = &stream->listener;
    struct str query = {0};
    struct str last = api_call_field(call, API_FIELD_LAST_EVENT_ID);
    if (call->request->query.data != NULL) {
        query = arena_copy_str(&stream->arena, call->request->query);
        if (query.data == NULL) {
            return STATUS_NO_MEMORY;
        }
    }
    enum status status =
        api_stream_filter_read(query, &stream->arena, &listener->filter, &stream->texts, err);
    if (status == STATUS_OK && last.len > 0) {
        listener->resumes = true;
        status = live_tail_read_id(last, &listener->log_id, &listener->from, err);
    }
    return status;
}

void api_stream(const struct api_call *call)
{
    struct error err = {0};
    if (call->api->config.live == NULL) {
        api_answer_problem(call->exchange, STATUS_UNAVAILABLE, "nobody can follow activities here");
        return;
    }
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        api_answer_problem(call->exchange, STATUS_NO_MEMORY, NO_MEMORY);
        return;
    }
    stream->api = call->api;
    stream->exchange = call->exchange;
    stream->ticket = http_exchange_ticket(call->exchange);
    stream->listener.woken = woken;
    stream->listener.released = released;
    arena_init(&stream->arena, QUESTION_BYTES_MAX);
    position_set_init(&stream->listener.from);
    live_listener_init(&stream->listener);
    enum status status = read_request(call, stream, &err);
    if (status == STATUS_OK && !(api_access_take_pass(call, &stream->arena, &stream->pass) &&
                                 api_access_narrows(call, &stream->listener.filter,
                                                    stream->texts.user_ids, &stream->arena))) {
        live_listener_unref(&stream->listener); /* and the call is answered */
        return;
    }
    if (status == STATUS_OK) {
        http_exchange_set_data(call->exchange, stream);
        status = live_tail_join(call->api->config.live, &stream->listener);
    }
    if (status == STATUS_OK) {
        return; /* it may be let in at any moment, and is then heard of on this loop */
    }
    http_exchange_set_data(call->exchange, NULL);
    live_listener_unref(&stream->listener);
    if (status == STATUS_INVALID) {
        api_answer_bad_parameter(call->exchange, err.message);
    } else if (status == STATUS_BUSY) {
        api_answer_problem(call->exchange, status,
                           "as many streams are open as this server keeps; connect again later");
    } else {
        api_answer_problem(call->exchange, status, NO_MEMORY);
    }
}
