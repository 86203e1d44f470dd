#pragma once
/*
 * The partitions of a reader: started, stopped, set to another position. All functions are called
 * under the reader's lock and ask nobody on the network.
 */
#include "infrastructure/event_log_kafka/kafka_reader.h"

/* The partition, or NULL when the topic has none of that number as far as we know. */
struct kafka_partition *kafka_partition_of(struct kafka_reader *reader, int32_t partition);

/* Whether it is ours and known where it begins. */
bool kafka_partition_is_read(const struct kafka_partition *its);

/* Makes room for so many. NO_MEMORY. */
MUST_USE enum status kafka_partitions_grow(struct kafka_reader *reader, int32_t count);

/* Leads its queue into ours, and for a while again and again. */
void kafka_partition_lead(struct kafka_reader *reader, int32_t partition);

/* Renews the forwarding of what was restarted not long ago; whether any needs it. */
bool kafka_partitions_forward_again(struct kafka_reader *reader);

/* Without a group: reads it from its position on. */
MUST_USE enum status kafka_partition_start(struct kafka_reader *reader, int32_t partition,
                                           struct error *err);

/* What was fetched is forgotten, and reading goes on at the offset; where nothing is read yet, what
 * the group has committed will say where. */
MUST_USE enum status kafka_partition_restart(struct kafka_reader *reader, int32_t partition,
                                             int64_t offset, struct error *err);
