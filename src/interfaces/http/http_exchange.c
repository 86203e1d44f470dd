#include "interfaces/http/http_exchange.h"

#include "base/assert.h"
#include "interfaces/http/http_connection.h"
#include "interfaces/http/http_offload.h"

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->parser.request;
}

struct arena *http_exchange_arena(struct http_exchange *exchange)
{
    return &exchange->arena;
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

void http_exchange_set_body_bytes_max(struct http_exchange *exchange, size_t bytes)
{
    exchange->body_bytes_max = bytes;
}

/* While a server leaves, the last request of a connection says so; those before it are still
 * followed by others. */
static bool ends_by_leaving(const struct http_exchange *exchange)
{
    return http_loop_is_leaving(exchange->loop) && exchange == exchange->connection->last;
}

static bool answer_closes(const struct http_exchange *exchange,
                          const struct http_response *response)
{
    bool body_unread =
        exchange->phase == HTTP_EXCHANGE_READING && http_parser_expects_body(&exchange->parser);
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

static enum status answer_render(struct http_exchange *exchange,
                                 const struct http_response *response)
{
    struct http_response_frame frame = {
        .date = http_loop_date(exchange->loop),
        .persistence = persistence(exchange),
        .without_body = exchange->parser.request.method == HTTP_METHOD_HEAD,
    };
    return http_answer_render(&exchange->answer, response, &frame);
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
}

void http_exchange_respond(struct http_exchange *exchange, const struct http_response *response)
{
    ASSERT(exchange->connection != NULL && exchange->phase != HTTP_EXCHANGE_ANSWERED);
    int status = response->status;
    exchange->closes = answer_closes(exchange, response);
    enum status rendered = answer_render(exchange, response);
    if (rendered == STATUS_BUSY) {
        answer_refuse(exchange, response->close);
        return;
    }
    if (rendered != STATUS_OK) {
        status = answer_render_fallback(exchange, rendered);
    }
    exchange->phase = HTTP_EXCHANGE_ANSWERED;
    exchange->generation++; /* tickets are void from here on */
    exchange->connection->unsent_bytes += exchange->answer.bytes.len;
    request_release(exchange);
    http_counter_add(&exchange->loop->counters.responses_by_class[status / 100]);
    http_connection_touch(exchange->connection);
}

void http_server_complete(struct http_server *server, const struct http_completion *completions,
                          size_t count)
{
    if (count == 0) {
        return;
    }
    ASSERT(completions[0].ticket.loop < server->loop_count);
    http_mailbox_put(&server->loops[completions[0].ticket.loop]->mailbox, completions, count);
}

enum status http_exchange_offload(struct http_exchange *exchange, http_work_function *work,
                                  http_work_done_function *done, void *data)
{
    return http_offload_start(exchange->loop, http_exchange_ticket(exchange),
                              &(struct http_offload_task){work, done, data});
}
