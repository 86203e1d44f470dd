#include "interfaces/http/http_exchange_table.h"

#include "base/array.h"
#include "base/assert.h"
#include "interfaces/http/http_intake.h"
#include "interfaces/http/http_loop.h"
#include "interfaces/http/http_stream.h"

#include <stdlib.h>

enum {
    WARM_MAX = 256 /* unused exchanges that keep their memory */
};

void http_exchange_table_init(struct http_exchange_table *table, struct http_loop *loop)
{
    *table = (struct http_exchange_table){.loop = loop};
}

static void release_streams(struct http_exchange_table *table, struct http_exchange *exchange)
{
    http_intake_free(exchange->intake);
    http_stream_free(exchange->stream, &table->loop->server->answer_memory);
    exchange->intake = NULL;
    exchange->stream = NULL;
}

void http_exchange_table_deinit(struct http_exchange_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        struct http_exchange *exchange = table->slots[i];
        http_parser_deinit(&exchange->parser);
        arena_deinit(&exchange->arena);
        http_answer_deinit(&exchange->answer);
        release_streams(table, exchange);
        free(exchange);
    }
    free(table->slots);
    table->slots = NULL;
    table->count = 0;
}

static struct http_exchange *exchange_new(struct http_exchange_table *table)
{
    bool fits = ARRAY_RESERVE(table->slots, table->capacity, (size_t)table->count + 1);
    struct http_exchange *exchange = fits ? malloc(sizeof *exchange) : NULL;
    if (exchange == NULL) {
        return NULL;
    }
    *exchange = (struct http_exchange){.loop = table->loop, .slot = table->count, .generation = 1};
    struct http_server *server = table->loop->server;
    const struct http_limits *limits = &server->config.limits;
    http_parser_init(&exchange->parser, limits, &server->body_memory);
    arena_init_shared(&exchange->arena, limits->exchange_arena_bytes_max, &server->body_memory);
    http_answer_init(&exchange->answer, &server->answer_memory);
    table->slots[table->count] = exchange;
    table->count++;
    return exchange;
}

static struct http_exchange *exchange_of(struct http_exchange_table *table)
{
    struct http_exchange *exchange = table->free;
    if (exchange == NULL) {
        return exchange_new(table);
    }
    table->free = exchange->next;
    table->free_count--;
    exchange->next = NULL;
    return exchange;
}

static void count_active(struct http_exchange_table *table)
{
    atomic_store_explicit(&table->loop->counters.requests_active, table->count - table->free_count,
                          memory_order_relaxed);
}

struct http_exchange *http_exchange_table_acquire(struct http_exchange_table *table)
{
    struct http_exchange *exchange = exchange_of(table);
    count_active(table);
    return exchange;
}

/* Everything but the slot's number and the generation becomes as new. */
void http_exchange_table_release(struct http_exchange_table *table, struct http_exchange *exchange)
{
    bool trim = table->free_count >= WARM_MAX;
    exchange->generation++;
    exchange->connection = NULL;
    exchange->phase = HTTP_EXCHANGE_READING;
    exchange->continue_due = false;
    exchange->closes = false;
    exchange->status = 0;
    exchange->route = 0;
    exchange->body_bytes_max = 0;
    exchange->data = NULL;
    exchange->caller = NULL;
    release_streams(table, exchange);
    exchange->put_field_count = 0;
    exchange->name = (struct str){0};
    exchange->begun = false;
    http_parser_reset(&exchange->parser, trim);
    http_answer_reset(&exchange->answer, trim);
    if (trim) {
        arena_deinit(&exchange->arena);
    } else {
        arena_reset(&exchange->arena);
    }
    exchange->next = table->free;
    table->free = exchange;
    table->free_count++;
    count_active(table);
}

void http_exchange_count(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    const struct http_request *request = &exchange->parser.request;
    bool is_known = request->path.data != NULL; /* the header came, or enough of it */
    const struct http_series_key key = {.route = exchange->route,
                                        .method = is_known ? request->method : HTTP_METHOD_OTHER,
                                        .status = exchange->status};
    http_series_add(&loop->series, &key,
                    http_loop_answer_ns(loop, exchange->begun_ns) - exchange->begun_ns);
}

struct http_exchange *http_exchange_table_find(const struct http_exchange_table *table,
                                               const struct http_ticket *ticket)
{
    ASSERT(ticket->slot < table->count);
    struct http_exchange *exchange = table->slots[ticket->slot];
    bool alive = exchange->generation == ticket->generation &&
                 exchange->phase != HTTP_EXCHANGE_ANSWERED && exchange->connection != NULL;
    return alive ? exchange : NULL;
}
