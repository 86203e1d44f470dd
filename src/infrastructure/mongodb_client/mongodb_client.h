#pragma once
/*
 * Connections to MongoDB for the adapters that keep something there: a bounded pool, commands, and
 * what went wrong as a status with words. What a URI has of credentials is in none of these words.
 *
 * Timeouts that the URI does not set: 5 s to find a server that can serve
 * (serverSelectionTimeoutMS) and to connect, 10 s for an answer (socketTimeoutMS), 2 s for a
 * connection of the pool (waitQueueTimeoutMS). So nothing here hangs, and what fails by one of them
 * is UNAVAILABLE, or BUSY for the pool. Writes are confirmed by the majority and its journal. Any
 * thread; a connection belongs to one at a time.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/macros.h"

#include <mongoc/mongoc.h>

struct mongodb_client;

struct mongodb_client_config {
    const char *uri; /* mongodb:// or mongodb+srv://; its database, or "usertrail" */
    unsigned connections_max;
};

enum { MONGODB_DUPLICATE_KEY = 11000 };

/* Whether a URI can be read, without asking any server. INVALID. */
MUST_USE enum status mongodb_client_check(const char *uri, struct error *err);

/* Connects nowhere yet, but has the name of a mongodb+srv:// resolved. INVALID: the URI cannot be
 * read or used; UNAVAILABLE: the name cannot be resolved; NO_MEMORY. */
MUST_USE enum status mongodb_client_new(const struct mongodb_client_config *config,
                                        struct mongodb_client **out_client, struct error *err);

/* Takes NULL. All connections are back. */
void mongodb_client_free(struct mongodb_client *client);
CLEANUP_FUNCTION(struct mongodb_client *, mongodb_client_free)

const char *mongodb_client_database(const struct mongodb_client *client);

/* "host:port, host:port": for people. Lives as long as the client. */
const char *mongodb_client_hosts(const struct mongodb_client *client);

/* BUSY: all are in use. */
MUST_USE enum status mongodb_client_take(struct mongodb_client *client,
                                         mongoc_client_t **out_connection, struct error *err);
void mongodb_client_give(struct mongodb_client *client, mongoc_client_t *connection);

/* Runs a command that writes, whose document `command` is, and gives the server's answer, which
 * the caller destroys in any case. Faults of single documents are in the answer, with OK. INVALID:
 * the server will never take so much, or such BSON; TIMED_OUT and UNAVAILABLE: it may or may not
 * have been done. */
MUST_USE enum status mongodb_client_write(const struct mongodb_client *client,
                                          mongoc_client_t *connection, const struct buffer *command,
                                          bson_t *out_reply, struct error *err);

/* The same for a command that reads, from the primary. */
MUST_USE enum status mongodb_client_read(const struct mongodb_client *client,
                                         mongoc_client_t *connection, const struct buffer *command,
                                         bson_t *out_reply, struct error *err);

/* Appends {w: "majority", j: true} to a command that writes. */
void mongodb_client_append_write_concern(struct buffer *command);

/* What the driver says as a status; its words go into `err` behind those of `doing`. */
MUST_USE enum status mongodb_client_fail(const bson_error_t *failure, const char *doing,
                                         struct error *err);

/* Whether the code that the server gives for a document is about the document itself: it is never
 * to be sent again. */
bool mongodb_client_refuses_for_good(int64_t code);

/* The whole number at a member of an answer; 0 when there is none. */
int64_t mongodb_client_number(const bson_t *reply, const char *member);

/* A view of a finished document; a buffer that failed is NO_MEMORY. */
MUST_USE enum status mongodb_client_view(const struct buffer *document, bson_t *out_view,
                                         struct error *err);
