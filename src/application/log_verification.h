#pragma once
/*
 * What a look at every byte of an event log finds: told by the adapter that knows the files to
 * whoever shows it. One thread at a time.
 */
#include <stdint.h>

struct log_verification {
    uint64_t segments;
    uint64_t activities; /* that can be read */
    uint64_t bytes;      /* of commits */
    uint64_t problems;
};

/* Embedded by who listens. */
struct log_verification_listener {
    /* A sentence that says what is wrong and where, without a final period. */
    void (*problem)(struct log_verification_listener *listener, const char *words);
};
