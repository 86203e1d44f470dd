#pragma once
/*
 * What all clients of librdkafka here have in common: their properties, their log lines, their
 * errors in our words. A client's lines go to our logger, each kind at most once in a while, since
 * a broker that is away makes librdkafka say so several times a second.
 *
 * Any thread, but a client is made and freed by one.
 */
#include "base/error.h"
#include "infrastructure/event_log_kafka/event_log_kafka.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

enum { KAFKA_LOG_KINDS = 32, KAFKA_LOG_KIND_BYTES = 16, KAFKA_LOG_EVERY_MS = 60000 };

/* The lines that the clients of one log write. */
struct kafka_lines {
    const struct logger *logger;
    const struct clock *clock;
    pthread_mutex_t mutex; /* guards what follows */
    struct {
        char kind[KAFKA_LOG_KIND_BYTES];
        uint64_t told_at_ms;
    } kinds[KAFKA_LOG_KINDS];
    size_t kind_count;
    char last[ERROR_MESSAGE_BYTES]; /* the newest complaint */

    /* The latest failure of login or TLS; of whoever looks at the topic, who is one thread. */
    rd_kafka_resp_err_t closed_by;
};

/* What the callbacks of a client get; outlives it. */
struct kafka_context {
    struct kafka_lines *lines;
    void *owner;
};

void kafka_lines_init(struct kafka_lines *lines, const struct logger *logger,
                      const struct clock *clock);
void kafka_lines_deinit(struct kafka_lines *lines);

/* The newest complaint of librdkafka, "" when there was none. */
void kafka_lines_last(struct kafka_lines *lines, char out_text[ERROR_MESSAGE_BYTES]);

struct kafka_defaults {
    const struct event_log_kafka_property *items;
    size_t count;
};

/* The properties of the configuration over `defaults`, and the context. INVALID, NO_MEMORY. */
MUST_USE enum status kafka_conf_make(const struct event_log_kafka_config *config,
                                     struct kafka_defaults defaults, struct kafka_context *context,
                                     rd_kafka_conf_t **out_conf, struct error *err);

/* Sets one more, of which we know that it is right. */
void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value);

/* What a property that is a whole number is set to; of which we know that there is one. */
int64_t kafka_conf_number(const rd_kafka_conf_t *conf, const char *name);

/* Takes the conf in any case. INVALID: properties that do not go together. UNAVAILABLE. */
MUST_USE enum status kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf,
                                      rd_kafka_t **out_client, struct error *err);

/* Ends a consumer and frees it. False: librdkafka's threads do not end, as version 2.0 has it when
 * a topic was away for some seconds and made anew. Then what its callbacks were given must stay for
 * as long as the process lives. */
MUST_USE bool kafka_consumer_destroy(rd_kafka_t *client, int flags);

/* TIMED_OUT or UNAVAILABLE. */
MUST_USE enum status kafka_status(rd_kafka_resp_err_t code);

/* Why, for a person, and what to do where that is known. */
void kafka_tell(rd_kafka_resp_err_t code, const char *topic, char out_text[ERROR_MESSAGE_BYTES]);
