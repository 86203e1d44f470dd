#pragma once
/*
 * Ids that follow from texts, so that every process makes the same of them: UUIDs of version 8
 * (RFC 9562) from the SHA-256 of the texts with a NUL between them. One thread at a time.
 */
#include "base/uuid.h"
#include "infrastructure/crypto/sha256.h"
#include "infrastructure/event_log_kafka/event_log_kafka.h"

struct kafka_identity {
    struct sha256 sha256;
    enum status status;
    size_t count; /* texts so far */
};

void kafka_identity_begin(struct kafka_identity *identity);
void kafka_identity_add(struct kafka_identity *identity, const char *text);

/* Ends what was begun in any case. NO_MEMORY. */
MUST_USE enum status kafka_identity_end(struct kafka_identity *identity, struct uuid *out_id,
                                        struct error *err);
