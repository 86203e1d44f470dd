#pragma once
/*
 * One POST of OTLP/HTTP to one collector, over a connection that is kept. Says what became of it,
 * as https://opentelemetry.io/docs/specs/otlp/#otlphttp-response wants it. One thread, but for
 * ending.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/macros.h"

#include <stdatomic.h>
#include <stdint.h>

struct otlp_sender;

struct otlp_sender_config {
    const char *url;     /* the whole address */
    const char *headers; /* a list as in otlp_list.h, which was checked; "": none */
    const char *ca_file; /* NULL: whom the system trusts */
    bool compresses;     /* with gzip */
    unsigned timeout_ms; /* of one POST */
};

enum otlp_outcome {
    OTLP_TAKEN,    /* but for those that the collector says it rejected */
    OTLP_LATER,    /* the same may be taken later */
    OTLP_REJECTED, /* the same will never be */
};

struct otlp_answer {
    enum otlp_outcome outcome;
    uint64_t rejected;       /* of OTLP_TAKEN: spans */
    uint64_t retry_after_ms; /* of OTLP_LATER, as the collector asked; 0: it did not */
    struct error why;        /* of the others */
};

/* INVALID: this is no address, there is no such file, or no memory to find that out. */
MUST_USE enum status otlp_sender_check(const char *url, const char *ca_file, struct error *err);

/* INVALID, as above; NO_MEMORY. Does not connect yet. */
MUST_USE enum status otlp_sender_new(const struct otlp_sender_config *config,
                                     struct otlp_sender **out_sender, struct error *err);
void otlp_sender_free(struct otlp_sender *sender); /* takes NULL */
CLEANUP_FUNCTION(struct otlp_sender *, otlp_sender_free)

/* Blocks for timeout_ms at most, and not beyond the deadline, which is of the monotonic clock as
 * clock_system has it. */
void otlp_sender_post(struct otlp_sender *sender, struct str body, uint64_t deadline_ns,
                      struct otlp_answer *out_answer);

/* Whatever is under way or begun later ends at this time of the monotonic clock, as clock_system
 * has it. Any thread. */
void otlp_sender_end_at(struct otlp_sender *sender, uint64_t at_ns);
