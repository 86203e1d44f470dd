#pragma once
/*
 * SHA-256 as the use cases want it, whoever computes it: over several texts, one behind the other.
 * One thread at a time.
 */
#include "base/status.h"
#include "base/str.h"

#include <stdint.h>

enum { CONTENT_HASH_BYTES = 32 };

struct content_hash {
    /* NO_MEMORY. */
    enum status (*hash)(void *context, const struct str *parts, size_t count,
                        uint8_t out_hash[CONTENT_HASH_BYTES]);
    void *context;
};
