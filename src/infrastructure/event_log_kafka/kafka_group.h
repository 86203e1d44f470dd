#pragma once
/*
 * Membership in a group of readers: which partitions are ours, where they begin, what is committed.
 * Everything here is the serving thread's, or of whoever closes the consumer.
 */
#include "infrastructure/event_log_kafka/kafka_reader.h"

/* For the configuration of the consumer. */
void kafka_group_configure(rd_kafka_conf_t *conf, const struct event_log_kafka_config *config);

MUST_USE enum status kafka_group_join(struct kafka_reader *reader, struct error *err);

/* Commits and gives the partitions back while the consumer still answers: one that closes may end
 * before the callback that gives them back has asked it to. False: they could not be given back. */
bool kafka_group_leave(struct kafka_reader *reader);

/* Asks where partitions begin and end that came to us, unless that is known. */
void kafka_group_look(struct kafka_reader *reader);

/* Tells the broker what the store has, about once in a second. */
void kafka_group_commit(struct kafka_reader *reader);
