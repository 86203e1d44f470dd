#include "interfaces/http/http_exchange.h"

#include "base/assert.h"
#include "interfaces/http/http_connection.h"
#include "interfaces/http/http_intake.h"
#include "interfaces/http/http_offload.h"
#include "interfaces/http/http_stream.h"

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->parser.request;
}

struct arena *http_exchange_arena(struct http_exchange *exchange)
{
    return &exchange->arena;
}

struct memory_budget *http_exchange_body_memory(const struct http_exchange *exchange)
{
    return &exchange->loop->server->body_memory;
}

struct memory_budget *http_exchange_answer_memory(const struct http_exchange *exchange)
{
    return &exchange->loop->server->answer_memory;
}

struct http_ticket http_exchange_ticket(const struct http_exchange *exchange)
{
    return (struct http_ticket){
        .loop = exchange->loop->index, .slot = exchange->slot, .generation = exchange->generation};
}

void http_exchange_set_data(struct http_exchange *exchange, void *data)
{
    exchange->data = data;
}

void *http_exchange_data(const struct http_exchange *exchange)
{
    return exchange->data;
}

void http_exchange_set_caller(struct http_exchange *exchange, const void *caller)
{
    exchange->caller = caller;
}

const void *http_exchange_caller(const struct http_exchange *exchange)
{
    return exchange->caller;
}

void http_exchange_set_trace(struct http_exchange *exchange, void *trace)
{
    exchange->trace = trace;
}

void *http_exchange_trace(const struct http_exchange *exchange)
{
    return exchange->trace;
}

struct http_peer http_exchange_peer(const struct http_exchange *exchange)
{
    return http_connection_peer(exchange->connection);
}

void http_exchange_put_field(struct http_exchange *exchange, struct str name, struct str value)
{
    struct http_header *fields = exchange->put_fields;
    size_t at = 0;
    while (at < exchange->put_field_count && !str_equal(fields[at].name, name)) {
        at++;
    }
    ASSERT(at < HTTP_PUT_FIELDS_MAX);
    fields[at] = (struct http_header){name, value};
    exchange->put_field_count += at == exchange->put_field_count;
}

void http_exchange_set_route(struct http_exchange *exchange, unsigned route)
{
    exchange->route = route;
}

void http_exchange_set_name(struct http_exchange *exchange, struct str name)
{
    exchange->name = name;
    http_exchange_put_field(exchange, STR("X-Request-Id"), name);
}

struct str http_exchange_name(const struct http_exchange *exchange)
{
    return exchange->name;
}

char *http_exchange_scratch(struct http_exchange *exchange)
{
    return exchange->scratch;
}

uint64_t http_exchange_age_ms(const struct http_exchange *exchange)
{
    uint64_t now_ns = clock_monotonic_ns(exchange->loop->server->config.clock);
    return (now_ns - exchange->begun_ns) / NANOSECONDS_PER_MILLISECOND;
}

void http_exchange_set_body_bytes_max(struct http_exchange *exchange, size_t bytes)
{
    exchange->body_bytes_max = bytes;
}

/* --- a body that is decoded, or taken as it arrives --- */

static enum http_fault take_content(void *context, const char *data, size_t len)
{
    struct http_exchange *exchange = context;
    return http_intake_take(exchange->intake, data, len);
}

static struct http_intake *intake_of(struct http_exchange *exchange)
{
    ASSERT(exchange->phase == HTTP_EXCHANGE_READING);
    exchange->parser.sink = take_content;
    exchange->parser.sink_context = exchange;
    return http_intake_of(exchange);
}

enum status http_exchange_decode_body(struct http_exchange *exchange, enum http_coding coding)
{
    struct http_intake *intake = intake_of(exchange);
    return intake == NULL ? STATUS_NO_MEMORY : http_intake_decode(intake, coding);
}

enum status http_exchange_stream_body(struct http_exchange *exchange,
                                      const struct http_body_consumer *consumer)
{
    struct http_intake *intake = intake_of(exchange);
    if (intake == NULL) {
        return STATUS_NO_MEMORY;
    }
    intake->consumer = consumer;
    exchange->body_bytes_max = SIZE_MAX;
    return STATUS_OK;
}

void http_exchange_pause_body(struct http_exchange *exchange)
{
    exchange->intake->paused = true;
}

void http_exchange_resume_body(struct http_exchange *exchange)
{
    if (exchange->intake->paused) {
        exchange->intake->paused = false;
        http_connection_go_on(exchange->connection);
    }
}

/* --- answers --- */

/* While a server leaves, the last request of a connection says so; those before it are still
 * followed by others. */
static bool ends_by_leaving(const struct http_exchange *exchange)
{
    return http_loop_is_leaving(exchange->loop) && exchange == exchange->connection->last;
}

static bool answer_closes(const struct http_exchange *exchange,
                          const struct http_response *response)
{
    bool taken = exchange->intake != NULL && exchange->intake->consumer != NULL;
    bool body_unread = exchange->phase == HTTP_EXCHANGE_READING && !taken &&
                       http_parser_expects_body(&exchange->parser);
    return response->close || !exchange->parser.keep_alive || body_unread ||
           ends_by_leaving(exchange);
}

static enum http_persistence persistence(const struct http_exchange *exchange)
{
    if (exchange->closes) {
        return HTTP_PERSISTENCE_CLOSE;
    }
    return exchange->parser.line.http_1_0 ? HTTP_PERSISTENCE_KEEP : HTTP_PERSISTENCE_DEFAULT;
}

static struct http_response_frame frame_of(struct http_exchange *exchange,
                                           enum http_body_framing framing)
{
    return (struct http_response_frame){
        .date = http_loop_date(exchange->loop),
        .persistence = persistence(exchange),
        .framing = framing,
        .without_body = exchange->parser.request.method == HTTP_METHOD_HEAD,
    };
}

enum { FIELDS_MAX = 2 * HTTP_PUT_FIELDS_MAX };

/* The answer with the fields that were put for whichever it is. `fields` is room for them. */
static struct http_response with_put_fields(const struct http_exchange *exchange,
                                            const struct http_response *response,
                                            struct http_header fields[FIELDS_MAX])
{
    struct http_response whole = *response;
    if (exchange->put_field_count == 0) {
        return whole;
    }
    ASSERT(response->header_count + exchange->put_field_count <= FIELDS_MAX);
    for (size_t i = 0; i < response->header_count; i++) {
        fields[i] = response->headers[i];
    }
    for (size_t i = 0; i < exchange->put_field_count; i++) {
        fields[whole.header_count++] = exchange->put_fields[i];
    }
    whole.headers = fields;
    return whole;
}

static enum status answer_render(struct http_exchange *exchange,
                                 const struct http_response *response)
{
    struct http_header fields[FIELDS_MAX];
    struct http_response whole = with_put_fields(exchange, response, fields);
    struct http_response_frame frame = frame_of(exchange, HTTP_BODY_WHOLE);
    return http_answer_render(&exchange->answer, &whole, &frame);
}

/* The answer did not fit into memory: a short one that does, and the connection ends behind it. If
 * not even that fits, it ends without a word. */
static int answer_render_fallback(struct http_exchange *exchange, enum status why)
{
    enum http_fault fault = why == STATUS_TOO_LARGE ? HTTP_FAULT_ANSWER : HTTP_FAULT_ANSWER_MEMORY;
    int status = http_fault_problem(fault, NULL).status;
    struct http_header later = {STR("Retry-After"), STR("1")};
    exchange->closes = true;
    enum status rendered =
        answer_render(exchange, &(struct http_response){.status = status,
                                                        .headers = &later,
                                                        .header_count = why != STATUS_TOO_LARGE});
    (void)rendered;
    return status;
}

/* The memory for answers is in use: the client hears so, and its connection goes on. The problem is
 * so short that it needs no share of that memory. */
static void answer_refuse(struct http_exchange *exchange, bool close)
{
    struct http_problem problem = http_fault_problem(HTTP_FAULT_ANSWER_MEMORY, NULL);
    problem.close = close;
    http_problem_respond(exchange, &problem, NULL);
}

/* The answer may wait long for its client; what was needed to make it need not wait along. */
static void request_release(struct http_exchange *exchange)
{
    http_parser_release_body(&exchange->parser);
    arena_reset(&exchange->arena);
    exchange->data = NULL;
    exchange->caller = NULL;
    exchange->trace = NULL;
    exchange->put_field_count = 0;
    exchange->name = (struct str){0};
}

/* The handler hears of every request that it began, once. */
static void tell_handler(struct http_exchange *exchange, int status)
{
    const struct http_handler *handler = &exchange->loop->server->config.handler;
    if (handler->answered != NULL && exchange->begun) {
        exchange->begun = false;
        handler->answered(handler->context, exchange, status);
    }
}

void http_exchange_tell_gone(struct http_exchange *exchange)
{
    tell_handler(exchange, 0);
}

/* The answer is given as a whole. What of its body has not been read never will be. */
static void exchange_answered(struct http_exchange *exchange)
{
    tell_handler(exchange, exchange->status);
    exchange->phase = HTTP_EXCHANGE_ANSWERED;
    exchange->generation++; /* tickets are void from here on */
    http_exchange_count(exchange);
    request_release(exchange);
    http_connection_touch(exchange->connection);
}

/* A body that its handler takes as it arrives may be answered before its end. */
static bool ends_reading(struct http_exchange *exchange)
{
    return exchange->intake != NULL && http_input_answered(exchange->connection, exchange);
}

void http_exchange_respond(struct http_exchange *exchange, const struct http_response *response)
{
    ASSERT(exchange->connection != NULL && exchange->phase != HTTP_EXCHANGE_ANSWERED);
    ASSERT(exchange->stream == NULL);
    exchange->status = response->status;
    exchange->closes = ends_reading(exchange) || answer_closes(exchange, response);
    enum status rendered = answer_render(exchange, response);
    if (rendered == STATUS_BUSY) {
        answer_refuse(exchange, response->close);
        return;
    }
    if (rendered != STATUS_OK) {
        exchange->status = answer_render_fallback(exchange, rendered);
    }
    exchange->connection->unsent_bytes += exchange->answer.bytes.len;
    exchange_answered(exchange);
}

/* --- answers that come piece by piece --- */

enum status http_exchange_respond_streamed(struct http_exchange *exchange,
                                           const struct http_response *response,
                                           const struct http_stream_writer *writer,
                                           bool *out_wants_body)
{
    ASSERT(exchange->phase != HTTP_EXCHANGE_ANSWERED && exchange->stream == NULL);
    bool chunked = !exchange->parser.line.http_1_0;
    struct http_stream *stream = http_stream_new(writer, chunked);
    if (stream == NULL) {
        return STATUS_NO_MEMORY;
    }
    exchange->closes = !chunked || answer_closes(exchange, response);
    struct http_response_frame frame =
        frame_of(exchange, chunked ? HTTP_BODY_CHUNKED : HTTP_BODY_TO_CLOSE);
    struct http_header fields[FIELDS_MAX];
    struct http_response whole = with_put_fields(exchange, response, fields);
    if (http_stream_add_head(stream, &whole, &frame) != STATUS_OK) {
        http_stream_free(stream, &exchange->loop->server->answer_memory);
        return STATUS_NO_MEMORY;
    }
    exchange->stream = stream;
    exchange->connection->unsent_bytes += http_stream_unsent_bytes(stream);
    exchange->status = response->status;
    http_connection_touch(exchange->connection);
    *out_wants_body = !frame.without_body;
    if (frame.without_body) {
        exchange_answered(exchange);
    }
    return STATUS_OK;
}

enum status http_exchange_write(struct http_exchange *exchange, struct str data)
{
    struct http_stream *stream = exchange->stream;
    ASSERT(exchange->phase != HTTP_EXCHANGE_ANSWERED && stream != NULL);
    size_t before = http_stream_unsent_bytes(stream);
    enum status status =
        http_stream_add(stream, &exchange->loop->server->answer_memory, data.data, data.len);
    exchange->connection->unsent_bytes += http_stream_unsent_bytes(stream) - before;
    http_connection_touch(exchange->connection);
    return status;
}

size_t http_exchange_unsent_bytes(const struct http_exchange *exchange)
{
    return http_stream_unsent_bytes(exchange->stream);
}

static void stream_finish(struct http_exchange *exchange, bool complete)
{
    struct http_stream *stream = exchange->stream;
    ASSERT(exchange->phase != HTTP_EXCHANGE_ANSWERED && stream != NULL);
    size_t before = http_stream_unsent_bytes(stream);
    bool marked = complete && http_stream_add_end(stream) == STATUS_OK;
    exchange->connection->unsent_bytes += http_stream_unsent_bytes(stream) - before;
    exchange->closes =
        ends_reading(exchange) || !marked || exchange->closes || ends_by_leaving(exchange);
    exchange_answered(exchange);
}

void http_exchange_end(struct http_exchange *exchange)
{
    stream_finish(exchange, true);
}

void http_exchange_abort(struct http_exchange *exchange)
{
    stream_finish(exchange, false);
}

static struct http_mailbox *mailbox_of(struct http_server *server,
                                       const struct http_completion *completion)
{
    ASSERT(completion->ticket.loop < server->loop_count);
    return &server->loops[completion->ticket.loop]->mailbox;
}

void http_server_complete(struct http_server *server, const struct http_completion *completions,
                          size_t count)
{
    if (count > 0) {
        http_mailbox_put(mailbox_of(server, completions), completions, count);
    }
}

void http_server_complete_patiently(struct http_server *server,
                                    const struct http_completion *completions, size_t count)
{
    if (count > 0) {
        http_mailbox_put_patient(mailbox_of(server, completions), completions, count);
    }
}

enum status http_exchange_offload(struct http_exchange *exchange, http_work_function *work,
                                  http_work_done_function *done, void *data)
{
    return http_offload_start(exchange->loop, http_exchange_ticket(exchange),
                              &(struct http_offload_task){work, done, data, .further = false});
}

enum status http_exchange_offload_further(struct http_exchange *exchange, http_work_function *work,
                                          http_work_done_function *done, void *data)
{
    return http_offload_start(exchange->loop, http_exchange_ticket(exchange),
                              &(struct http_offload_task){work, done, data, .further = true});
}
