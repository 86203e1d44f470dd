#pragma once
/*
 * How commands ask a server. main hands in the functions; what is built on them here is the same
 * for all commands. One thread.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "interfaces/cli/folder_arguments.h"
#include "interfaces/cli/server_address.h"

#include <stdbool.h>

struct server_link; /* to one server */

struct server_request {
    const char *method;
    const char *target;        /* path and query, percent-encoded */
    const char *last_event_id; /* NULL: none */
    bool is_stream;            /* its answer has no end, but says something now and then */
};

struct server_hearer {
    /* A piece of an answer with this status. Anything but OK ends it. */
    enum status (*take)(void *context, long code, struct str piece, struct error *err);
    bool (*wants_end)(void *context); /* NULL: never */
    void *context;
};

struct server_access {
    /* Does not connect yet. INVALID: what the address says cannot be meant. NOT_FOUND: the folder's
     * server is not known. */
    enum status (*open)(const struct server_address *address, struct server_link **out_link,
                        struct error *err);
    void (*close)(struct server_link *link); /* takes NULL */
    /* UNAVAILABLE or TIMED_OUT: there was no whole answer. What `take` returned. NO_MEMORY. */
    enum status (*ask)(struct server_link *link, const struct server_request *request,
                       const struct server_hearer *hearer, long *out_code, struct error *err);
    const char *(*url)(const struct server_link *link);
    void (*pause)(unsigned ms);
};

/* --- targets --- */

/* "?name=value" or "&name=value" behind what is there, percent-encoded. */
void server_append_parameter(struct buffer *target, struct str name, struct str value);

/* The same for one segment of a path. */
void server_append_segment(struct buffer *target, struct str segment);

/* All conditions of the question. */
void server_append_filter(struct buffer *target, const struct folder_question *question);

/* --- answers --- */

/* What an answer with this status says is wrong, in words: UNAVAILABLE; INVALID for 400; NOT_FOUND
 * for 404; BUSY for what may pass. */
MUST_USE enum status server_refusal(long code, struct str body, struct error *err);

/* One question and its answer, as a whole. */
struct server_exchange {
    const char *method;
    struct buffer target;
    struct buffer body; /* of the answer */
};

/* Begins a target with this path, which is appended to afterwards. */
void server_exchange_init(struct server_exchange *exchange, const char *method, const char *path);
void server_exchange_deinit(struct server_exchange *exchange);
void server_exchange_restart(struct server_exchange *exchange, const char *path);

/* Fills the body with an answer that is none of a refusal. As server_refusal and ask. */
MUST_USE enum status server_ask(const struct server_access *access, struct server_link *link,
                                struct server_exchange *exchange, struct error *err);

/* Says on stderr what failed; returns the exit code. */
int server_tell_failure(const struct error *err);
