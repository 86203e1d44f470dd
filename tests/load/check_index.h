// The ledger in memory while it is judged: what each activity should be and what was found of it.
// One thread.
#pragma once

#include "ledger.h"

// What became of an activity when it was sent. In the order of certainty: a later record of the
// ledger replaces an earlier one.
enum outcome { OUTCOME_UNKNOWN, OUTCOME_REFUSED, OUTCOME_REJECTED, OUTCOME_ACKNOWLEDGED };

struct expectation {
    uint64_t content_hash;
    uint64_t id_hash; // of the id the service minted, when acknowledged
    uint32_t user;    // or the connection of an ordered user
    uint8_t outcome;  // enum outcome
    uint8_t seen;     // rows found, at most EXPECTATION_SEEN_MAX
    bool ordered;
    bool altered; // a row with other content or another id was seen
};

enum { EXPECTATION_SEEN_MAX = 255 };

struct expected_run {
    struct ledger_run run;
    struct expectation *activities; // by sequence
    uint64_t count;
    uint64_t capacity;
};

struct expectations {
    char nonce[NAME_NONCE_LEN + 1];
    struct expected_run *runs; // runs[0] is run 1
    unsigned run_count;
    uint64_t outcomes[4]; // how many of each enum outcome
    uint64_t sent;
    uint32_t users;    // 1 + the greatest number of a shared user; 0 = none
    char last_id[128]; // of the activity acknowledged last, NUL-terminated; "" = none
};

struct expectations *expectations_read(const char *ledger_path) MUST_USE;
void expectations_free(struct expectations *expectations);

// NULL when the ledger has no such activity.
struct expectation *expectations_find(struct expectations *expectations, unsigned run,
                                      uint64_t sequence);

// Forgets what was seen, to look again.
void expectations_forget(struct expectations *expectations);
