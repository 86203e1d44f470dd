// Makes activities of about 300 bytes that look like a shop's: users and actions drawn by a Zipf
// distribution or evenly, metadata of ip (two a user), userAgent (one of 40 by user), path
// (100,000 products), sessionId and durationMs. A part of them is spelled awkwardly on purpose
// (escapes, white space, numbers such as 12.50), so that the ledger's check also proves that
// metadata comes back as sent. One thread at a time.
#pragma once

#include "names.h"
#include "tool.h"

struct generator;

// Activities of the past instead of now, in a form that a benchmark can repeat: user N is called
// "u" and N in six hex digits, nothing is spelled awkwardly or padded, and products are drawn by a
// Zipf distribution with exponent 0.8.
struct generator_history {
    int64_t start_ms; // of the activity with sequence 0, since 1970
    double step_ms;   // from one activity to the next; 0 = no history
};

struct generator_config {
    char nonce[NAME_NONCE_LEN + 1];
    unsigned run;          // 0..NAME_RUN_MAX
    bool server_ids;       // no "id" member; the name goes into the metadata as "key" instead
    bool timestamps;       // send "timestamp": now less up to two seconds
    bool evenly;           // draw users evenly, not by a Zipf distribution with exponent 1
    uint32_t users;        // 1..; users are numbered from 0, the busiest first
    size_t activity_bytes; // pads metadata up to this length; 0 = no padding
    uint64_t seed;
    struct generator_history history;
};

// Enough room for one activity apart from its padding.
enum { GENERATOR_BYTES_MAX = 640 };

struct generator *generator_new(const struct generator_config *config) MUST_USE;
void generator_free(struct generator *generator);

uint32_t generator_draw_user(struct generator *generator);

// Writes one JSON object without a NUL; `out` holds at least
// GENERATOR_BYTES_MAX + activity_bytes. With `ordered`, `user` is the connection whose own user it
// is, otherwise a drawn one. Returns the length.
size_t generator_write(struct generator *generator, uint64_t sequence, uint32_t user, bool ordered,
                       char *out);
