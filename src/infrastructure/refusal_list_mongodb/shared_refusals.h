#pragma once
/*
 * What the files of this adapter share: the list itself. One writes to the server
 * (shared_refusals.c), the other asks it and answers the port (refusal_list_mongodb.c).
 */
#include "infrastructure/mongodb_client/document_writer.h"
#include "infrastructure/mongodb_client/mongodb_client.h"
#include "infrastructure/refusal_list_mongodb/refusal_list_mongodb.h"
#include "infrastructure/refusal_list_mongodb/refused_document.h"

#include <pthread.h>

#define REFUSED_COLLECTION "refused"

enum { REFUSED_REQUEST_BYTES_MAX = 48 * 1024 * 1024 };

struct refusal_list_mongodb {
    struct refusal_list list;
    struct refusal_list_mongodb_config config;
    struct mongodb_client *client;

    /* Held while the list is changed or its sums are asked for, so that neither counts what the
     * other one did. Nobody who only wants to know waits for it. */
    pthread_mutex_t changing;

    pthread_mutex_t lock; /* guards what follows */
    int64_t listed;
    int64_t bytes;
    uint64_t dropped;
    uint64_t ask_at_ms; /* of the monotonic clock: the sums not before */
};

/* Makes the indexes that are missing, and asks for the sums. */
MUST_USE enum status shared_refusals_open(struct refusal_list_mongodb *list, struct error *err);

MUST_USE enum status shared_refusals_add(struct refusal_list_mongodb *list, struct uuid log_id,
                                         const struct refusal *refusals, size_t count,
                                         struct error *err);

/* NOT_FOUND: there is no such entry. */
MUST_USE enum status shared_refusals_remove(struct refusal_list_mongodb *list, struct str id,
                                            struct error *err);

/* Removes the entries of a page, and adds how many of them were there. */
MUST_USE enum status shared_refusals_forget(struct refusal_list_mongodb *list,
                                            const struct refusal_page *page,
                                            uint64_t *in_out_forgotten, struct error *err);

/* Asks for the sums if they are old and nothing is being changed. */
void shared_refusals_refresh(struct refusal_list_mongodb *list);
