#pragma once
/*
 * Metrics in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). A part of the program names each
 * of its metrics by a `struct metric` and tells it as one family: its help and type first, then all
 * of its samples, whatever objects they are of.
 *
 *     # HELP usertrail_spill_bytes What waits on this machine's disk.
 *     # TYPE usertrail_spill_bytes gauge
 *     usertrail_spill_bytes 4096
 *
 * Labels have few values that the program knows beforehand, such as routes and outcomes: what
 * clients send is none. The buffer says in the end whether all of it found room.
 *
 * One thread at a time.
 */
#include "base/buffer.h"
#include "base/histogram.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    const char *name; /* [a-zA-Z_:][a-zA-Z0-9_:]*; of a counter with _total at its end */
    enum metric_type type;
    const char *help; /* a sentence */
};

struct metric_label {
    const char *name; /* [a-zA-Z_][a-zA-Z0-9_]* */
    struct str value; /* UTF-8 */
};

struct metric_labels {
    const struct metric_label *items;
    size_t count;
};

/* metric_add(text, METRIC_LABELS({"outcome", STR("stored")}), 7) */
#define METRIC_LABELS(...)                                                                         \
    (struct metric_labels)                                                                         \
    {                                                                                              \
        (const struct metric_label[]){__VA_ARGS__},                                                \
            ARRAY_LENGTH(((const struct metric_label[]){__VA_ARGS__}))                             \
    }
#define METRIC_NO_LABELS                                                                           \
    (struct metric_labels)                                                                         \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

struct metric_text {
    struct buffer *buffer;
    const struct metric *open; /* the family that samples are added to */
};

/* Who has metrics beside those of the API; embedded in its owner. Any thread, several at once. */
struct metric_source {
    void (*tell)(struct metric_source *source, struct metric_text *text);
};

/* Begins a family; each only once in a text. */
void metric_begin(struct metric_text *text, const struct metric *metric);

/* Samples of the family that was begun last. */
void metric_add(struct metric_text *text, struct metric_labels labels, uint64_t value);
void metric_add_signed(struct metric_text *text, struct metric_labels labels, int64_t value);
void metric_add_seconds(struct metric_text *text, struct metric_labels labels, uint64_t ns);
void metric_add_histogram(struct metric_text *text, struct metric_labels labels,
                          const struct histogram_sums *sums);

/* A whole family of one sample without labels. */
void metric_tell(struct metric_text *text, const struct metric *metric, uint64_t value);
void metric_tell_seconds(struct metric_text *text, const struct metric *metric, uint64_t ns);
