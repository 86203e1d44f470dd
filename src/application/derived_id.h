#pragma once
/*
 * Ids that follow from what an activity is, so that the same activity sent again has the same one:
 * UUIDs of version 8 (RFC 9562), the first bytes of a SHA-256. What is hashed begins with a label
 * that says what it is, and each text in it follows its length (8 bytes, little-endian), so that no
 * two things are the same bytes. One thread at a time, as the hash.
 */
#include "application/content_hash.h"
#include "base/macros.h"
#include "base/uuid.h"

/* One activity of a request that may be sent again. */
struct derived_id_retry {
    struct str key_name; /* of the API key, so that two clients do not share a name; may be empty */
    struct str retry_key; /* what the client calls the request */
    uint64_t index;       /* of the activity in the request, from 0 */
    struct str bytes;     /* its JSON as it was sent, without white space around it */
};

/* NO_MEMORY. */
MUST_USE enum status derived_id_of_retry(const struct content_hash *hash,
                                         const struct derived_id_retry *retry,
                                         char out_text[UUID_TEXT_BYTES]);

/* Of a CloudEvent, which its source and its id name together. NO_MEMORY. */
MUST_USE enum status derived_id_of_event(const struct content_hash *hash, struct str source,
                                         struct str id, char out_text[UUID_TEXT_BYTES]);
