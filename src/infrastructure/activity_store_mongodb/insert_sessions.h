#pragma once
/*
 * Sends rows to the server as unordered inserts, in parts that go at once over connections of their
 * own: the server takes them in parallel, and while one part is under way the next is written. Each
 * part is one command whose documents are written into its buffer and sent as they are.
 *
 * The worker's thread takes part itself; the other sessions have threads that are started when
 * there is more than one part for the first time. Only errors of single documents are counted,
 * since some servers count a duplicate among the inserted. The worker's thread.
 */
#include "infrastructure/activity_store_mongodb/mongodb_store.h"
#include "infrastructure/activity_store_mongodb/put_rows.h"

struct insert_sessions;

/* NO_MEMORY. Connects nowhere yet. */
MUST_USE enum status insert_sessions_new(struct mongodb_store *store,
                                         struct insert_sessions **out_sessions, struct error *err);

/* Takes NULL. */
void insert_sessions_free(struct insert_sessions *sessions);

/* Sends the chosen rows and sets the state of each to what became of it. Where one is refused, err
 * says why. After a failure some may be stored: put the batch again. */
MUST_USE enum status insert_sessions_send(struct insert_sessions *sessions, struct put_rows *rows,
                                          struct error *err);

/* Bytes of the documents that the last send wrote. */
uint64_t insert_sessions_bytes(const struct insert_sessions *sessions);
