#pragma once
/*
 * The exchanges of one loop. Each has a slot for life and a generation that changes when it is
 * answered or its connection goes, so a ticket names one request and never the next one that uses
 * the slot. Exchanges are kept and used again with their memory. Loop thread only.
 */
#include "interfaces/http/http_answer.h"
#include "interfaces/http/http_exchange.h"
#include "interfaces/http/http_parser.h"

struct http_connection;
struct http_intake;
struct http_loop;
struct http_stream;

enum http_exchange_phase {
    HTTP_EXCHANGE_READING,  /* header or body still arrive */
    HTTP_EXCHANGE_HANDLING, /* complete, the handler has it */
    HTTP_EXCHANGE_ANSWERED  /* the whole answer waits for its turn or its way out */
};

struct http_exchange {
    struct http_loop *loop;
    struct http_connection *connection;
    struct http_exchange *next; /* of the connection, in order of request; or the free list */
    uint64_t generation;
    uint32_t slot;
    enum http_exchange_phase phase;
    bool continue_due; /* 100 Continue is to be sent when its turn comes */
    bool closes;       /* the connection ends behind the answer */
    int status;        /* of the answer, once it is begun */
    unsigned route;    /* as the handler names it; 0: none */
    uint64_t begun_ns; /* on the monotonic clock */
    size_t body_bytes_max;
    struct http_parser parser;
    struct arena arena;
    struct http_answer answer;
    struct http_intake *intake; /* NULL: the body is gathered as it comes */
    struct http_stream *stream; /* NULL: the answer comes as a whole */
    void *data;
    const void *caller;
    void *trace;
    struct http_header put_fields[HTTP_PUT_FIELDS_MAX];
    size_t put_field_count;
    struct str name; /* {NULL, 0}: it has none */
    char scratch[HTTP_SCRATCH_BYTES];
    bool begun; /* the handler knows it and has not heard of its end */
};

struct http_exchange_table {
    struct http_loop *loop;
    struct http_exchange **slots;
    uint32_t count;
    size_t capacity;
    struct http_exchange *free;
    unsigned free_count;
};

void http_exchange_table_init(struct http_exchange_table *table, struct http_loop *loop);
void http_exchange_table_deinit(struct http_exchange_table *table);

/* NULL without memory. */
struct http_exchange *http_exchange_table_acquire(struct http_exchange_table *table);
void http_exchange_table_release(struct http_exchange_table *table, struct http_exchange *exchange);

/* Counts how long the exchange took, once: it is answered, or its answer was begun and nobody is
 * there for the rest. */
void http_exchange_count(struct http_exchange *exchange);

/* The unanswered exchange that the ticket names, NULL when it is gone. */
struct http_exchange *http_exchange_table_find(const struct http_exchange_table *table,
                                               const struct http_ticket *ticket);
